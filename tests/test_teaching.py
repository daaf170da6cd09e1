"""The teacher's pages: every link to a view opens that view, every link leads somewhere, no part is missing."""

import html
import re
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from tests.test_explorer import ready
from tools import question_bank

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "book" / "teaching"
VIEW = re.compile(r'href="\.\./([\w/-]+\.html)(#explorer-[\w-]+)\?([^"]*)"')
VIEWS = VIEW.findall((PAGES / "misconceptions.md").read_text())
SET_TO = "all => Object.fromEntries(all.map(i => [i.name, i.type === 'checkbox' ? String(i.checked) : i.value]))"


def controls(page, explorer: str) -> dict[str, str]:
    """The values of an explorer's controls, once it has drawn itself."""
    return ready(page, explorer).locator("select, input").evaluate_all(SET_TO)


@pytest.mark.parametrize(("chapter", "explorer", "query"), VIEWS, ids=[f"{c}-{q}"[:90] for c, _, q in VIEWS])
def test_a_link_to_a_view_sets_the_controls_that_it_names(open_page, chapter, explorer, query):
    query = html.unescape(query)
    wanted = {name: values[0] for name, values in parse_qs(query, strict_parsing=True).items()}
    page = open_page(f"book/{chapter}{explorer}?{query}")
    shown = controls(page, explorer)
    assert {name: shown.get(name) for name in wanted} == wanted
    assert not page.locator(f"{explorer} .mirage-status").inner_text().startswith("No models")
    assert page.locator(f"{explorer} g.models_marks path").count() > 2


def test_links_of_the_built_page_are_those_of_its_source(site):
    assert VIEW.findall((site / "book" / "teaching" / "misconceptions.html").read_text()) == VIEWS
    assert len(VIEWS) >= 14


def test_a_click_from_the_page_arrives_at_the_figure(open_page):
    page = open_page("book/teaching/misconceptions.html")
    page.locator("a[href*='explorer-subsets'][href*='run=0']").click()
    page.wait_for_url("**/convolutional-network.html#**")
    assert controls(page, "#explorer-subsets") | {"k": "1", "run": "0"} == controls(page, "#explorer-subsets")
    assert page.locator("#explorer-subsets").evaluate("f => { const b = f.getBoundingClientRect(); return b.top < innerHeight && b.bottom > 0; }")


def test_every_misconception_has_a_question_a_reason_and_a_view():
    parts = re.split(r"^### ", (PAGES / "misconceptions.md").read_text(), flags=re.M)[1:]
    assert len(parts) >= 10
    for part in parts:
        for label in ("**Ask.**", "**Why people think so.**", "**The view.**"):
            assert part.count(label) == 1, (part[:40], label)
        assert VIEW.search(part), part[:40]


def test_every_project_has_both_variants_a_time_what_is_handed_in_and_a_rubric_of_three_levels():
    parts = re.split(r"^## \d+\. ", (PAGES / "projects.md").read_text(), flags=re.M)[1:]
    assert len(parts) >= 8
    for part in parts:
        for label in ("*Time: ", "**Data only.**", "**With training.**", "**Handed in as well:**", "| level 1 | level 2 | level 3 |"):
            assert part.count(label) == 1, (part[:40], label)


def test_the_guide_names_a_goal_for_every_chapter_of_the_course_and_fills_its_minutes():
    text = (PAGES / "guide.md").read_text()
    goals = text[text.index("## Learning goals") : text.index("## Before you begin")]
    assert re.findall(r"^\| \[[^\]]+\]\(\.\./([\w/-]+)\.md\)", goals, flags=re.M) == question_bank.chapters()
    minutes = [int(m) for m in re.findall(r"^\| (\d+) \| .* \| .* \| .* \|$", text[: text.index("## Two weeks")], flags=re.M)]
    assert minutes == sorted(minutes) and minutes[0] == 0 and 80 < minutes[-1] < 90


def test_counts_in_words_are_those_of_what_they_count():
    words = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split()
    numbers = {word: n for n, word in enumerate("one two three four five six seven eight nine".split() + words, start=1)}
    texts = {name: (PAGES / f"{name}.md").read_text() for name in ("guide", "misconceptions", "projects")}
    parts = {
        "wrong sentences": len(re.findall(r"^### ", texts["misconceptions"], flags=re.M)),
        "sentences that students": len(re.findall(r"^### ", texts["misconceptions"], flags=re.M)),
        "projects with rubrics": len(re.findall(r"^## \d+\. ", texts["projects"], flags=re.M)),
        "projects, each": len(re.findall(r"^## \d+\. ", texts["projects"], flags=re.M)),
    }
    for what, count in parts.items():
        said = re.findall(rf"(\w+) {what}", " ".join(texts.values()))
        assert said and all(numbers[word.lower()] == count for word in said), what
