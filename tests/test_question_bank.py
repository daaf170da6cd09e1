"""The question bank: whole, computed, covering every chapter, and nowhere on the site."""

import re
from dataclasses import replace

import pytest

from tools import question_bank as bank
from tools import slides

QUESTIONS = bank.load()
COVERED = bank.chapters()
ONE = next(question for question in QUESTIONS if question.kind == "choice")
SUM = next(question for question in QUESTIONS if question.id == "model-fifth")


def test_the_bank_is_in_order_and_covers_every_chapter():
    assert bank.complaints(QUESTIONS, COVERED) == []
    assert len(QUESTIONS) >= 60
    assert {question.chapter for question in QUESTIONS} == set(COVERED)
    assert {question.kind for question in QUESTIONS} == set(bank.KINDS)


@pytest.mark.parametrize(
    ("question", "complaint"),
    [
        (replace(SUM, answer="0.8 to the fifth power, 0.34.", number="0.34"), "prints 0.34, .* gives 0.32768"),
        (replace(SUM, number="0.3277"), "'0.3277' does not stand in the answer"),
        (replace(SUM, compute="theory.nowhere(1)"), "fails: AttributeError"),
        (replace(SUM, compute="", number=""), "names the expression"),
        (replace(SUM, compute=""), "number and compute come together"),
        (replace(SUM, kind="riddle"), "kind 'riddle'"),
        (replace(SUM, level=4), "level 4"),
        (replace(SUM, chapter="idea/nowhere"), "no chapter 'idea/nowhere'"),
        (replace(SUM, minutes=0), "0 minutes"),
        (replace(SUM, kind="critique"), "names its figure"),
        (replace(ONE, choices=ONE.choices[:2]), "three or more choices"),
        (replace(ONE, choices=tuple(c | {"right": True} for c in ONE.choices)), "exactly one of them right"),
        (replace(ONE, choices=tuple(c | {"why": ""} for c in ONE.choices)), "says why"),
    ],
)
def test_a_question_that_is_not_in_order_is_named_with_its_fault(question, complaint):
    rest = [other for other in QUESTIONS if other.id != question.id]
    found = bank.complaints([*rest, question], COVERED)
    assert any(re.search(f"{question.id}: .*{complaint}", text) for text in found), found


def test_a_second_question_of_the_same_name_and_a_bare_chapter_are_named():
    assert any(ONE.id in text for text in bank.complaints([*QUESTIONS, ONE], COVERED))
    assert any("'idea/new' has 0" in text for text in bank.complaints(QUESTIONS, [*COVERED, "idea/new"]))


def test_a_field_that_is_missing_or_unknown_is_named(tmp_path):
    (tmp_path / "a.toml").write_text('[[question]]\nid = "lone"\n')
    with pytest.raises(ValueError, match="lone lacks answer, chapter"):
        bank.load(tmp_path)
    fields = "".join(f'{name} = "x"\n' for name in bank.NEEDED - {"id"})
    (tmp_path / "a.toml").write_text(f'[[question]]\nid = "odd"\n{fields}hint = "x"\n')
    with pytest.raises(ValueError, match="odd has hint; known are"):
        bank.load(tmp_path)


@pytest.mark.parametrize(
    ("printed", "value", "same"),
    [("0.59", 0.5949, True), ("0.59", 0.5951, False), ("3.7 %", 0.0374, True), ("3.7 %", 0.0376, False), ("1,537", 1537.4, True),
     ("1.1e-5", 1.14e-5, True), ("1.1e-5", 1.16e-5, False), ("−2", -2.3, True), ("10", 10.6, False)],
)  # fmt: skip
def test_a_printed_number_agrees_with_what_rounds_to_it(printed, value, same):
    assert bank.agrees(printed, value) is same


def test_the_same_seed_draws_the_same_quiz_and_no_chapter_comes_twice_before_all_came_once():
    drawn = bank.choose(QUESTIONS, len(COVERED), seed=5)
    assert drawn == bank.choose(QUESTIONS, len(COVERED), seed=5)
    assert drawn != bank.choose(QUESTIONS, len(COVERED), seed=6)
    assert {question.chapter for question in drawn} == set(COVERED)
    assert len({q.id for q in bank.choose(QUESTIONS, len(QUESTIONS), seed=1)}) == len(QUESTIONS)
    with pytest.raises(ValueError, match=f"{len(QUESTIONS)} fit"):
        bank.choose(QUESTIONS, len(QUESTIONS) + 1, seed=1)


def test_every_question_prints_and_only_the_key_holds_answers(site):
    quiz, key = bank.sheets(QUESTIONS, 1, site)
    assert quiz.count("<section>") == key.count("<section>") == len(QUESTIONS)
    assert quiz.count("<svg") == sum(bool(question.figure) for question in QUESTIONS)
    told = slides.plain(quiz)
    for question in QUESTIONS:
        for why in [choice["why"] for choice in question.choices] + [question.answer] * (len(question.answer) > 60):
            assert slides.plain(bank.MarkdownIt().render(why)) not in told, question.id


def test_the_key_marks_the_right_choice_under_the_letter_that_the_quiz_gives_it(site):
    quiz, key = bank.sheets([ONE], 3, site)
    offered = re.findall(r"<li>(.*?)</li>", quiz, re.S)
    marked = re.findall(r"<li>(.*?)</li>", key, re.S)
    right = next(slides.plain(bank.MarkdownIt().render(c["text"])) for c in ONE.choices if c.get("right"))
    letter = [slides.plain(text) for text in offered].index(right)
    assert [k for k, text in enumerate(marked) if "right:" in text] == [letter]


def test_nothing_of_the_bank_stands_on_the_site(site):
    pages = [path for path in site.rglob("*") if path.suffix in {".html", ".js", ".txt", ".md", ".json", ".pdf"}]
    assert len(pages) > len(COVERED)
    told = "\n".join(slides.plain(path.read_text(encoding="utf-8", errors="replace")) for path in pages)
    assert "frozen" in told
    for question in QUESTIONS:
        texts = [question.text, question.answer, *(choice["why"] for choice in question.choices)]
        for text in (slides.plain(bank.MarkdownIt().render(text)) for text in texts):
            assert len(text) < 40 or text not in told, f"{question.id}: {text}"
    assert not [path for path in site.rglob("*") if "question-bank" in path.as_posix() or path.suffix == ".toml"]
