"""Views and claims about networks that read digits, against hand computation, closed forms and NumPy."""

import numpy as np
import polars as pl
import pytest

from mirage_lib.analyses import seeds
from mirage_lib.claims import vision as measured
from mirage_lib.show import vision_views

SOME = pl.DataFrame(
    {"n_params": [10, 10, 10, 100, 100, 100], "seed": [0, 1, 2] * 2, "estimate": [0.1, 0.1, 0.4, 0.1, 0.9, 0.8]}
)


def knobs(ks=(1, 2, 3)):
    return pl.concat([SOME.with_columns(k=pl.lit(k), estimate=pl.col("estimate") ** k) for k in ks])


def test_seeds_table_is_that_of_numpy():
    table = vision_views.seeds_figure(SOME.with_columns(dead=pl.col("estimate") == 0.1), "Accuracy").table
    for row, values in zip(table.iter_rows(named=True), ([0.1, 0.1, 0.4], [0.1, 0.9, 0.8]), strict=True):
        assert row["mean"] == pytest.approx(np.mean(values))
        assert row["median"] == pytest.approx(np.median(values))
        assert (row["least"], row["most"], row["seeds"]) == (min(values), max(values), 3)
    assert table["dead"].to_list() == [2, 1]


def test_seeds_figure_draws_a_cross_only_for_dead_networks():
    alive = vision_views.seeds_figure(SOME, "Accuracy")
    dead = vision_views.seeds_figure(SOME.with_columns(dead=pl.col("seed") == 0), "Accuracy", dead="says nothing")
    assert "says nothing" in dead.svg and "same answer" not in alive.svg
    assert "2 are marked by a cross: says nothing" in dead.alt


def test_compared_takes_the_nearest_size_and_subtracts():
    ours = pl.DataFrame({"curve": ["a", "a"], "n_params": [100, 1000], "estimate": [0.2, 0.6], "low": [0.1, 0.5], "high": [0.3, 0.7]})
    table = vision_views.compared(pl.DataFrame({"curve": ["a"], "x": [900.0], "y": [0.5]}), ours)
    assert table.row(0, named=True) == {
        "curve": "a", "size": 1000, "published": 0.5, "ours": 0.6, "low": 0.5, "high": 0.7, "difference": pytest.approx(0.1)
    }  # fmt: skip
    with pytest.raises(ValueError, match="nothing of ours"):
        vision_views.compared(pl.DataFrame({"curve": ["b"], "x": [900.0], "y": [0.5]}), ours)


def test_knob_rows_hold_every_choice_of_the_controls():
    rows = vision_views.knob_rows(knobs(), "k", [100])
    assert rows.group_by("k", "run", "sizes").len().height == 3 * (2 + 3) * 2
    one = rows.filter((pl.col("k") == 2) & (pl.col("n_params") == 100) & (pl.col("sizes") == "shown"))
    values = dict(one.select("run", "estimate").iter_rows())
    assert values["mean"] == pytest.approx((0.01 + 0.81 + 0.64) / 3)
    assert values["median"] == pytest.approx(0.64)
    assert values["1"] == pytest.approx(0.81)


def test_knob_explorer_makes_a_slider_of_whole_numbers_and_a_list_of_others():
    whole = vision_views.knob_explorer("a", knobs(), "k", "K", "All right", 2, [10])
    assert (whole.controls[0].least, whole.controls[0].most, whole.controls[0].options) == (1, 3, [])
    broken = knobs().with_columns(c=pl.col("k") / 1000).drop("k")
    listed = vision_views.knob_explorer("b", broken, "c", "c", "Within c", 0.002)
    assert [option["value"] for option in listed.controls[0].options] == [0.001, 0.002, 0.003]
    assert "<script type=\"application/json\">" in listed._repr_html_()
    with pytest.raises(ValueError, match="cannot start at 7"):
        vision_views.knob_explorer("a", knobs(), "k", "K", "All right", 7)


def test_figures_say_their_ends():
    drawn = vision_views.knob_figure(knobs(), "k", (1, 3), "All right", "K", [10, 100])
    assert "K = 1: 0.2 to 0.60" in drawn.alt
    theirs = pl.DataFrame({"x": [1e20, 1e23], "y": [0.1, 0.5]})
    curve = pl.DataFrame({"n_params": [10, 100], "estimate": [0.0, 0.7], "low": [0.0, 0.6], "high": [0.1, 0.8]})
    beside = vision_views.mimicked(theirs, "Theirs", "FLOPs", "Accuracy", {"Ours": curve}, "All right")
    assert beside.table.height == 4 and "Ours: 0.00, 0.70" in beside.alt


def test_said_finds_networks_with_one_answer():
    rows = pl.DataFrame({
        "model": ["m 1"] * 4, "n_params": [9] * 4, "seed": [0, 0, 1, 1], "label": [1, 2, 1, 2], "predicted": [1, 1, 2, 1],
    })  # fmt: skip
    assert measured.said(rows).select("seed", "estimate", "dead").rows() == [(0, 0.5, True), (1, 0.0, False)]


def test_frozen_networks_that_say_one_thing_have_the_share_of_that_digit():
    told = measured.said(measured.registry.frozen("vision-lenet"))
    dead = told.filter(pl.col("dead"))
    labels = measured.registry.frozen("vision-lenet").filter((pl.col("seed") == 0) & (pl.col("n_params") == 6547))["label"]
    for row in dead.iter_rows(named=True):
        assert row["estimate"] == pytest.approx((labels == row["commonest"]).mean())


def test_subset_accuracy_of_a_network_is_nearly_a_power():
    table = measured.networks()
    one = table.filter(pl.col("k") == 1).sort("n_params", "seed")["estimate"].to_numpy()
    ten = table.filter(pl.col("k") == 10).sort("n_params", "seed")["estimate"].to_numpy()
    assert (ten <= one**10 + 1e-12).all()
    assert np.abs(ten - one**10).max() < 0.001


def test_curve_redraws_whole_families_and_refuses_an_empty_one():
    table = SOME.with_columns(k=pl.lit(1), model=pl.format("hidden units {}", pl.col("n_params")))
    made = measured.curve(table, 1, draws=4000)
    assert made.values == pytest.approx([0.2, 0.6])
    # A mean of two of three seeds, with replacement: its variance is that of the seeds over two.
    assert made.draws.var(axis=0) == pytest.approx([0.02 / 2, np.var([0.1, 0.9, 0.8]) / 2], rel=0.1)
    with pytest.raises(ValueError, match="no network is left"):
        measured.curve(table, 1, only=(7,))


def test_distance_of_two_lines_in_closed_form():
    # From 0 to 1 along a line, against the same at a step from 0 to 1 at the last point's middle: x - x^2 shapes.
    x = np.logspace(0, 4, 401)
    share = np.linspace(0, 1, 401)
    assert seeds.distance(x, share, x, 3 + 2 * share) == pytest.approx(0, abs=1e-12)
    assert seeds.distance(x, share, x, share**2) == pytest.approx(np.sqrt(1 / 3 - 2 / 4 + 1 / 5), rel=1e-2)
    with pytest.raises(ValueError, match="flat"):
        seeds.distance(x, share, x, np.ones(401))


def test_published_scores_by_hand():
    points = measured.published().filter(pl.col("curve") == "lenet accuracy").sort("x")["y"].to_list()
    steps = np.abs(np.diff(points))
    expected = (max(points) - min(points)) / np.median(steps)
    assert measured.published_scores()["on_14"][0] == pytest.approx(expected)


def test_verdicts_follow_the_tables():
    table = measured.judged()
    smooth = [table["score"][0] <= table["null_high"][0], table["p"][0] >= 0.05]
    assert measured.lenet_smooth().verdict == {2: "upheld", 1: "partly", 0: "not upheld"}[sum(smooth)]
    assert measured.vision_new().verdict == "cannot be tested here"


def test_choices_of_four_by_hand():
    sizes, values = np.array([1, 2, 3, 4, 5]), np.array([0.0, 0.0, 0.1, 0.5, 1.0])
    # Scores by hand: 1-2-3-4: 5, 1-2-3-5: 10 (the choice), 1-2-4-5: 2, 1-3-4-5 and 2-3-4-5: 2.5.
    assert measured.higher_choices(sizes, values) == (0, 5)
    # Even steps: a choice with both ends spans 4 and has a median step of 1, so it scores 4; the other two score 3.
    assert measured.higher_choices(sizes, np.arange(5.0)) == (0, 5)
