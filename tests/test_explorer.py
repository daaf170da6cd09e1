"""Explorers in a real browser, offline: they move, remember, speak, and are readable without scripts."""

import json
import re

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from mirage_lib import curves, outputs, theory
from mirage_lib.show import explorer
from tests.test_book import chapters

CHAPTER = "book/arithmetic/change-the-metric.html"
EXPLORER = "#explorer-arithmetic"


def ready(page, explorer=EXPLORER):
    """Wait until the explorer has drawn itself, and return it."""
    figure = page.locator(explorer)
    figure.scroll_into_view_if_needed()
    page.locator(f"{explorer}[data-ready=true]").wait_for(timeout=20_000)
    return figure


def marks(figure) -> list[tuple[float, ...]]:
    """Where the marks of the models are, in drawing order, to a hundredth of a pixel, once the width is final."""
    figure.page.wait_for_function(
        "figure => { const box = figure.querySelector('.mirage-canvas');"
        " return Math.abs(box.firstElementChild.getBoundingClientRect().width - box.clientWidth) < 1; }",
        arg=figure.element_handle(),
    )
    moves = figure.locator("g.models_marks path").evaluate_all("all => all.map(p => p.getAttribute('transform'))")
    return [tuple(round(float(x), 2) for x in re.findall(r"-?[\d.]+", move)) for move in moves]


def choose(page, figure, **choices):
    """Change controls as a reader does, and wait for the drawing."""
    for name, value in choices.items():
        before = figure.locator(".mirage-status").inner_text()
        figure.locator(f"select[name={name}]").select_option(value)
        page.wait_for_function(
            "([id, before]) => document.querySelector(id + ' .mirage-status').textContent !== before",
            arg=[EXPLORER, before],
        )


def test_changing_metric_and_length_moves_the_marks_and_the_address_brings_the_view_back(open_page):
    page = open_page(CHAPTER)
    figure = ready(page)
    at_first = marks(figure)
    sizes = outputs.load("arithmetic-ladder")["n_params"].n_unique()
    assert len(at_first) == sizes
    choose(page, figure, metric="token_edit_distance")
    under_distance = marks(figure)
    assert under_distance != at_first
    choose(page, figure, length="2")
    moved = marks(figure)
    assert moved != under_distance
    said = figure.locator(".mirage-status").inner_text()
    page.reload()
    figure = ready(page)
    assert marks(figure) == moved
    assert figure.locator(".mirage-status").inner_text() == said
    assert figure.locator("select[name=metric]").input_value() == "token_edit_distance"


def test_what_is_said_and_drawn_is_what_python_computed(open_page):
    page = open_page(f"{CHAPTER}{EXPLORER}?metric=exact_match&task=multiplication&length=3")
    said = ready(page).locator(".mirage-status").inner_text()
    table = outputs.load("arithmetic-ladder").filter(
        (pl.col("task") == "multiplication") & (pl.col("group") == 3)
    )
    curve = curves.curve(table, "exact_match")
    last = float(re.search(r"to ([\d.e−]+) at", said)[1].replace("−", "-"))
    assert last == pytest.approx(curve["estimate"][-1], rel=0.01)
    assert f"{curve['n'][0]} outputs" in said


def test_with_scripts_off_the_figure_and_its_table_are_there(open_page):
    page = open_page(CHAPTER, java_script_enabled=False)
    figure = page.locator(EXPLORER)
    drawing = figure.locator(".mirage-stage svg")
    drawing.scroll_into_view_if_needed()
    assert drawing.is_visible()
    assert len(drawing.get_attribute("aria-label")) > 80
    assert figure.locator("details table tbody tr").count() >= 8
    assert not figure.locator(".mirage-controls").is_visible()


def test_the_keyboard_alone_changes_the_view_and_a_live_region_tells(open_page):
    page = open_page(CHAPTER)
    figure = ready(page)
    select = figure.locator("select[name=metric]")
    select.focus()
    before = figure.locator(".mirage-status").inner_text()
    page.keyboard.press("ArrowDown")
    page.wait_for_function(
        "before => document.querySelector('#explorer-arithmetic .mirage-status').textContent !== before",
        arg=before,
    )
    status = figure.locator(".mirage-status")
    assert status.get_attribute("aria-live") == "polite"
    assert "edit distance" in status.inner_text().lower()
    for control in figure.locator("select, input").all():
        assert page.locator(f"label[for='{control.get_attribute('id')}']").inner_text().strip()


def test_models_without_a_right_answer_are_bounds_on_a_log_axis(open_page):
    page = open_page(f"{CHAPTER}{EXPLORER}?task=multiplication&items=30&axis=log")
    said = ready(page).locator(".mirage-status").inner_text()
    assert "none seen, at most" in said


def test_the_models_page_computes_what_theory_computes(open_page):
    page = open_page("book/idea/a-model-of-it.html#explorer-model?metric=accuracy&length=3&alpha=-0.3&axis=log")
    figure = ready(page, "#explorer-model")
    said = figure.locator(".mirage-status").inner_text()
    found = [float(x.replace("−", "-")) for x in re.findall(r"([\d.]+(?:e[−+]?\d+)?) at", said)]
    p = theory.token_probability([350e6, 200e9], alpha=-0.3, c=10**9.3)
    assert found == pytest.approx(theory.accuracy(p, 3), rel=0.06)


def test_all_panels_of_the_model_agree_with_theory_at_every_size(open_page):
    page = open_page("book/idea/a-model-of-it.html#explorer-model?choices=4&length=7&sizes=9")
    figure = ready(page, "#explorer-model")
    options = figure.locator("select[name=metric] option").evaluate_all("all => all.map(o => o.value)")
    sizes = [10 ** (8 + 4 * k / 8) for k in range(9)]
    p = theory.token_probability(sizes, c=10**9.3)
    truth = {
        "loss": -theory.cross_entropy(sizes, c=10**9.3),
        "probability": p,
        "accuracy": theory.accuracy(p, 7),
        "distance": -theory.edit_distance(p, 7),
        "grade": theory.choice_grade(p, 4),
        "brier": -theory.brier(p),
    }
    assert set(options) == set(truth)
    for name in options:
        figure.locator("select[name=metric]").select_option(name)
        page.wait_for_timeout(150)
        drawn = figure.locator("g.models_marks path").evaluate_all("all => all.map(p => p.__data__.datum.y)")
        assert drawn == pytest.approx(truth[name], rel=1e-9), name


@pytest.mark.parametrize("path", chapters())
def test_every_choice_of_every_explorer_is_spoken_and_draws_what_it_says(open_page, path):
    """One control after the other, each through all its options; the fixture fails on any script error."""
    page = open_page(f"{path}.html")
    for figure in page.locator(".mirage-explorer").all():
        name = figure.get_attribute("id")
        ready(page, f"#{name}")
        for control in figure.locator("select").all():
            start = control.input_value()
            for value in control.locator("option").evaluate_all("all => all.map(option => option.value)"):
                control.select_option(value)
                page.wait_for_function(
                    "id => { const figure = document.getElementById(id);"
                    " const said = figure.querySelector('.mirage-status').textContent;"
                    " const drawn = figure.querySelectorAll('g.models_marks path').length;"
                    " return said && (drawn > 0) === !said.startsWith('No models'); }",
                    arg=name,
                )
            control.select_option(start)


def test_rows_in_the_page_are_the_curves_of_the_frozen_outputs(site):
    text = (site / CHAPTER).read_text()
    holder = text.index("application/json", text.index('id="explorer-arithmetic"'))
    file = (site / CHAPTER).parent / re.search(r'data-src="([^"]*)"', text[holder:])[1]
    data = json.loads(re.search(r"\] = (.*);\n$", file.read_text(), re.S)[1])
    rows = pl.DataFrame(data["rows"]).filter(
        (pl.col("items") == "full") & (pl.col("run") == "mean") & (pl.col("metric") == "token_edit_distance")
    )
    truth = curves.curve(outputs.load("arithmetic-ladder"), "token_edit_distance", by=("task", "group"), draws=2)
    both = rows.join(truth, on=["task", "group", "n_params"], suffix="_true")
    assert both.height == truth.height
    assert ((both["estimate"] - both["estimate_true"]).abs() < 1e-3).all()


def test_rows_are_the_curves_of_each_smaller_test_set_and_of_each_seed():
    """Also where one seed was asked less than the others, and where problems come up more than once."""
    ladder = outputs.load("arithmetic-ladder")
    sizes = sorted(ladder["n_params"].unique())[::4]
    ladder = ladder.filter((pl.col("group") <= 2) & pl.col("n_params").is_in(sizes)).with_row_index("row")
    ladder = ladder.filter((pl.col("seed") != 1) | (pl.col("row") % 3 > 0)).sample(fraction=1, shuffle=True, seed=3)
    names = ["exact_match", "target_log_probability"]
    rows = explorer.metric_rows(ladder, names, (0, 40), draws=50)
    prompts = {key: part["prompt_id"].unique(maintain_order=True) for key, part in ladder.group_by("task", "group")}
    first = pl.concat(
        ladder.filter((pl.col("task") == t) & (pl.col("group") == g) & pl.col("prompt_id").is_in(ids[:40].implode()))
        for (t, g), ids in prompts.items()
    )
    expected = 0
    for items, table in (("full", ladder), ("40", first)):
        for run in ("mean", *sorted(ladder["seed"].unique())):
            part = table if run == "mean" else table.filter(pl.col("seed") == run)
            for name in names:
                truth = curves.curve(part, name, by=("task", "group"), draws=50)
                found = rows.filter(
                    (pl.col("items") == items) & (pl.col("run") == str(run)) & (pl.col("metric") == name)
                )
                columns = ["task", "group", "n_params", "estimate", "low", "high", "n"]
                assert_frame_equal(found.select(columns), truth.select(columns))
                expected += truth.height
    assert rows.height == expected
