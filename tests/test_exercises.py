"""Exercises: their solutions pass on the built pages, typical mistakes are explained, and nothing crashes a check."""

import html
import re
from pathlib import Path

import pytest

from mirage_lib.exercises import EXERCISES, check
from tests.wrong_answers import WRONG
from tools import course, notebooks

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS = {name: course.questions(notebooks.source(name)) for name in notebooks.places() if "\n```{exercise}" in notebooks.source(name)}
CHECKED = [(chapter, one) for chapter, every in CHAPTERS.items() for one in every if one.answer]


def test_there_are_two_to_four_exercises_a_chapter_and_at_least_forty():
    assert all(2 <= len(every) <= 4 for every in CHAPTERS.values()), {c: len(e) for c, e in CHAPTERS.items()}
    assert all("\n## Exercises" not in notebooks.source(c) or c in CHAPTERS for c in notebooks.pages())
    assert sum(map(len, CHAPTERS.values())) >= 40
    assert len(CHECKED) >= 30
    assert all(sum(bool(one.answer) for one in every) >= 2 for every in CHAPTERS.values())
    assert {one.level for every in CHAPTERS.values() for one in every} == {"warm-up", "core", "open"}


def test_names_are_unique_and_every_judge_has_its_question():
    names = [one.name for every in CHAPTERS.values() for one in every]
    assert len(set(names)) == len(names)
    assert {one.name for _, one in CHECKED} == set(EXERCISES)
    assert set(WRONG) == set(EXERCISES)


@pytest.mark.parametrize(("chapter", "one"), CHECKED, ids=[one.name for _, one in CHECKED])
def test_a_question_names_the_variables_of_its_answer_and_they_are_its_own(chapter, one):
    asked = re.sub(r"`(\w+)\([^`]*\)`", r"`\1`", one.text)
    assert all(f"`{name}`" in asked for name in one.variables), one.variables
    others = [name for other in CHAPTERS[chapter] if other is not one for name in other.variables]
    assert not set(one.variables) & set(others)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_solution_passes_its_check_on_the_built_page(site, chapter):
    page = (site / f"{chapter}.html").read_text()
    said = html.unescape(re.sub(r"<[^>]+>", "", page))
    for one in CHAPTERS[chapter]:
        assert f'id="exercise-{one.name}"' in page
        if one.answer:
            assert f"{one.name}: right. " in said, one.name
    assert ": not yet." not in said
    solutions = sum(bool(one.code) for one in CHAPTERS[chapter])
    assert page.count("Show the solution") == solutions


@pytest.mark.parametrize("name", WRONG)
def test_typical_wrong_answers_fail_with_a_message_that_explains_them(name):
    assert len(WRONG[name]) >= 2
    for answer, words in WRONG[name]:
        if isinstance(answer, tuple) and callable(answer[0]):
            answer = answer[0]()
        verdict = check(name, answer)
        assert not verdict.right, answer
        assert words in verdict.message, verdict


@pytest.mark.parametrize("name", EXERCISES)
def test_an_answer_of_the_wrong_kind_is_told_so_and_nothing_breaks(name):
    for answer in ("a text", [], [1.0] * 17, {}, object(), len, float("nan"), [None, ...], ...):
        verdict = check(name, answer)
        assert not verdict.right, answer
        assert len(verdict.message) > 15, verdict


def test_an_unknown_exercise_is_named_with_those_that_there_are():
    with pytest.raises(KeyError, match="no-such-exercise.*There are"):
        check("no-such-exercise", 1)


def test_a_question_without_a_check_and_without_a_rubric_is_refused():
    asked = "## Exercises\n\n```{exercise} Title\n:name: bare\n:level: open\nThink.\n```\n"
    with pytest.raises(course.NotAnExercise, match="bare.*neither"):
        course.questions(asked)
    solved = "```{code-cell} ipython3\n:tags: [hide-cell, solution]\nx = 1\ncheck('other', x)\n```\n"
    with pytest.raises(course.NotAnExercise, match="checks 'other'"):
        course.questions(asked + solved)
