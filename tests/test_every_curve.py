"""The page of every curve in a real browser: dependent choices, links from the table, search and order."""

import re
from itertools import pairwise
from statistics import median

import pytest

PAGE = "book/bigbench/every-curve.html"
EXPLORER = "#explorer-records"
STATUS = f"{EXPLORER} .mirage-status"


def ready(page):
    figure = page.locator(EXPLORER)
    figure.scroll_into_view_if_needed()
    page.locator(f"{EXPLORER}[data-ready=true]").wait_for(timeout=20_000)
    return figure


def choose(page, name: str, value: str) -> str:
    """Change one control, wait for the drawing, and return what is said."""
    page.evaluate("id => { document.querySelector(id).dataset.ready = ''; }", EXPLORER)
    page.locator(f"{EXPLORER} select[name={name}]").select_option(value)
    page.locator(f"{EXPLORER}[data-ready=true]").wait_for()
    return page.locator(STATUS).inner_text()


def chosen(page) -> dict[str, str]:
    names = ("records", "family", "task", "metric", "shots")
    return {name: page.locator(f"{EXPLORER} select[name={name}]").input_value() for name in names}


def offered(page, name: str) -> list[str]:
    return page.locator(f"{EXPLORER} select[name={name}] option").evaluate_all("all => all.map(o => o.value)")


def rows(page) -> list[list[str]]:
    """The cells of the rows of the table that are to be seen."""
    return page.locator(".mirage-curves tbody").evaluate(
        "body => [...body.rows].filter(row => !row.hidden).map(row => [...row.cells].map(cell => cell.textContent))"
    )


def test_controls_offer_only_what_exists_and_keep_what_was_wanted(open_page):
    page = open_page(PAGE)
    ready(page)
    choose(page, "records", "lm-eval")
    choose(page, "family", "pythia-deduped")
    choose(page, "task", "sciq")
    choose(page, "shots", "0")
    assert set(offered(page, "family")) >= {"opt", "bloom", "xglm"}
    assert "BIG-G" not in offered(page, "family")
    assert "word_sorting" not in offered(page, "task")
    choose(page, "family", "opt")
    assert chosen(page) | {"task": "sciq", "shots": "-1"} == chosen(page)
    said = choose(page, "records", "bigg")
    assert chosen(page)["family"] == "BIG-G"
    assert "items a model" in said
    choose(page, "records", "lm-eval")
    assert chosen(page) | {"family": "opt", "task": "sciq"} == chosen(page)


def test_no_choice_of_records_and_family_is_ever_empty(open_page):
    page = open_page(PAGE)
    figure = ready(page)
    for records in offered(page, "records"):
        choose(page, "records", records)
        for family in offered(page, "family"):
            said = choose(page, "family", family)
            assert "Emergence score" in said
            assert figure.locator("g.models_marks path").count() == int(re.search(r"(\d+) models", said)[1])
            assert offered(page, "task"), family


def test_the_address_brings_the_same_curve_back(open_page):
    page = open_page(PAGE)
    ready(page)
    choose(page, "records", "choice")
    choose(page, "family", "Qwen1.5")
    said = choose(page, "metric", "brier")
    before = chosen(page)
    page.reload()
    ready(page)
    assert chosen(page) == before
    assert page.locator(STATUS).inner_text() == said
    assert said.startswith("Minus Brier score (the paper's)")


def test_a_row_of_the_table_leads_to_its_curve_with_its_numbers(open_page):
    page = open_page(PAGE)
    row = page.locator(".mirage-curves tbody tr", has_text="intent_recognition").first
    cells = row.locator("th, td").all_text_contents()
    row.locator("a").click()
    page.locator(f"{EXPLORER}[data-ready=true]").wait_for(timeout=20_000)
    page.wait_for_function(
        "id => document.querySelector(id + ' select[name=task]').value === 'intent_recognition'", arg=EXPLORER
    )
    said = page.locator(STATUS).inner_text()
    assert f"Emergence score {cells[4]} " in said
    assert f"{cells[9]} items" in said
    assert f"{cells[8]} models" in said
    assert page.evaluate("document.activeElement.id") == EXPLORER[1:]
    assert 0 <= page.locator(EXPLORER).bounding_box()["y"] < 400


def test_infinite_scores_and_missing_noise_are_told_in_words(open_page):
    page = open_page(f"{PAGE}{EXPLORER}?records=bigg&family=BIG-G&task=word_unscrambling&metric=exact_str_match&shots=3")
    ready(page)
    said = page.locator(STATUS).inner_text()
    assert "Emergence score infinity, because the median step is zero" in said
    said = choose(page, "records", "olmo")
    assert "does not tell the noise" in said
    assert "NaN" not in said
    assert "null" not in said.replace("no null", "")


def test_search_filters_and_tells_and_heads_sort_with_the_keyboard(open_page):
    page = open_page(PAGE)
    box = page.locator(".mirage-curves")
    whole = len(rows(page))
    search = page.get_by_label("Search task, family or metric")
    search.fill("hendrycks bloom")
    search.fill("word sorting")
    found = rows(page)
    assert 0 < len(found) < whole
    assert {row[0] for row in found} == {"word_sorting"}
    status = box.locator(".mirage-status")
    assert status.get_attribute("role") == "status"
    assert status.inner_text() == f"{len(found)} of {whole} curves."
    search.fill("no such task")
    assert status.inner_text() == f"0 of {whole} curves."
    search.fill("")
    head = page.get_by_role("columnheader", name="Lowest")
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "ascending"
    lowest = [float(row[6].replace("−", "-").replace("∞", "inf")) for row in rows(page)]
    assert all(a <= b for a, b in pairwise(lowest))
    page.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert float(rows(page)[0][6].replace("−", "-")) == max(lowest)
    page.get_by_label("Only above their null").check()
    assert all(row[5].startswith("yes") for row in rows(page))


def test_without_scripts_there_are_a_figure_and_the_whole_table(open_page):
    page = open_page(PAGE, java_script_enabled=False)
    drawing = page.locator(f"{EXPLORER} .mirage-stage svg")
    drawing.scroll_into_view_if_needed()
    assert drawing.is_visible()
    assert page.locator(f"{EXPLORER} details table tbody tr").count() >= 12
    assert page.locator(".mirage-curves tbody tr").count() > 300
    assert page.locator(".mirage-curves polyline").first.is_visible()
    assert not page.locator(".mirage-curves input").count()


@pytest.mark.parametrize("width", [360, 1280])
def test_a_choice_is_drawn_within_a_tenth_of_a_second(open_page, width):
    page = open_page(PAGE, viewport={"width": width, "height": 800})
    ready(page)
    page.wait_for_timeout(1000)
    took = page.evaluate(
        """async () => {
          const figure = document.getElementById("explorer-records"), took = [];
          const change = async (name, value) => {
            const control = figure.querySelector(`select[name=${name}]`), before = performance.now();
            figure.dataset.ready = "";
            control.value = value;
            control.dispatchEvent(new Event("input"));
            while (figure.dataset.ready !== "true") await new Promise((done) => setTimeout(done, 1));
            took.push(performance.now() - before);
          };
          await change("records", "lm-eval");
          const tasks = [...figure.querySelector("select[name=task]").options].slice(0, 9).map((o) => o.value);
          for (const task of tasks) await change("task", task);
          return took;
        }"""
    )
    assert median(took) < 100
