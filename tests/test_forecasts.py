"""Forecasts by hand, against SciPy's optimiser, and over many simulated families."""

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares
from scipy.special import expit

from mirage_lib import curves, emergence, forecasts, replicates, theory
from mirage_lib.analyses import evidence, translation
from mirage_lib.replicates import Replicates

STEADY = settings(max_examples=200, deadline=None, derandomize=True)


def curve(values, metric="token_edit_distance", sizes=None, draws=None):
    values = np.asarray(values, dtype=float)
    sizes = 10.0 ** np.arange(len(values)) if sizes is None else sizes
    drawn = np.tile(values, (3, 1)) if draws is None else draws
    return Replicates("ladder", "addition", 4, 0.0, metric, np.asarray(sizes), values, drawn)


def one_row(cell, held=1, shape="line"):
    return forecasts.tabulate([cell], (held,), {cell.metric: (shape,)}).row(0, named=True)


# --- fits -------------------------------------------------------------------------------------------


@STEADY
@given(st.floats(-3, -0.1), st.floats(-1, -0.05), st.integers(3, 8))
def test_a_power_law_is_read_off_exactly_elsewhere(shift, slope, n):
    x, at = np.linspace(5, 10, n), np.array([11.0, 13.0])
    truth = -np.exp(shift + slope * at)
    assert forecasts.extrapolate(x, -np.exp(shift + slope * x)[None], at, "power")[0] == pytest.approx(truth)


def test_sigmoids_fit_no_worse_than_those_of_scipy():
    rng = np.random.default_rng(2)
    for _ in range(60):
        n = int(rng.integers(3, 13))
        x = np.sort(rng.uniform(0, 6, n))
        values = np.clip(expit(rng.uniform(-1, 3) * (x - rng.uniform(0, 8))) + rng.normal(0, 0.1, n), 0, 1)

        def loss(slope, shift):
            return np.sum((expit(slope * (x - x.mean()) + shift) - values) ** 2)

        ours = loss(*(one[0] for one in forecasts._sigmoid(x - x.mean(), values[None])))
        theirs = least_squares(
            lambda p: expit(p[0] * (x - x.mean()) + p[1]) - values, (1, 0), bounds=(-100, 100), xtol=1e-12
        )
        assert ours <= loss(*theirs.x) + 1e-6


def test_rows_are_fitted_apart():
    x, at = np.array([0.0, 1.0, 2.0, 4.0]), np.array([5.0])
    values = np.array([[0.1, 0.2, 0.5, 0.9], [0.0, 0.0, 0.0, 0.3], [0.9, 0.7, 0.2, 0.1]])
    for shape in ("line", "sigmoid"):
        both = forecasts.extrapolate(x, values, at, shape)
        alone = np.concatenate([forecasts.extrapolate(x, row[None], at, shape) for row in values])
        assert both == pytest.approx(alone, abs=1e-6)


# --- the table --------------------------------------------------------------------------------------


def test_a_straight_line_is_forecast_exactly_with_intervals_of_no_width():
    row = one_row(curve([-4, -3, -2, -1]))
    assert row["error"] == pytest.approx(0, abs=1e-12) and row["skill"] == pytest.approx(1)
    assert [row[name] for name in ("error_low", "error_high")] == pytest.approx([0, 0], abs=1e-12)
    assert row["within"]


def test_error_miss_and_skill_of_one_held_out_model_by_hand():
    row = one_row(curve([-3, -2.5, -2, -0.5]))
    # The line says -1.5: one off, of a range of 2.5. The last smaller model says -2: 1.5 off.
    assert (row["predicted"], row["observed"], row["error"]) == pytest.approx((-1.5, -0.5, 1.0))
    assert (row["miss"], row["naive"], row["skill"]) == pytest.approx((1 / 2.5, 1.5 / 2.5, 1 / 3))


def test_three_held_out_models_are_judged_by_their_root_mean_square():
    row = one_row(curve([-6, -5.5, -5, -4, -4, -1]), held=3)
    off = np.array([0.5, 0.0, 2.5])
    assert row["error"] == pytest.approx(1.0)
    assert row["miss"] == pytest.approx(math.sqrt(np.mean(off**2)) / 5)
    assert row["skill"] == pytest.approx(1 - math.sqrt(np.mean(off**2) / np.mean(np.square([1, 1, 4]))))


def test_what_no_metric_can_reach_is_cut_to_its_best_value():
    row = one_row(curve([-3, -2, -1, -0.5, -0.1]))
    assert row["predicted"] == 0 and row["error"] == pytest.approx(-0.1)


def test_a_miss_where_the_naive_forecast_has_none_is_infinitely_unskilled():
    assert one_row(curve([-3, -2, -1, -1]))["skill"] == -math.inf


def test_curves_with_fewer_than_three_smaller_models_are_left_out():
    assert forecasts.tabulate([curve([-3, -2, -1, 0])], held=(1, 3))["held"].to_list() == [1]


def test_prediction_intervals_of_noisy_lines_hold_the_next_point_nineteen_times_in_twenty():
    rng = np.random.default_rng(0)
    values = -9 + np.arange(6) + rng.normal(0, 0.3, (2000, 6))
    cells = [curve(row, draws=row[None]) for row in values]
    within = forecasts.tabulate(cells, (1,))["within"].mean()
    assert within == pytest.approx(0.95, abs=0.015)


def test_the_interval_of_the_error_covers_its_true_value_over_simulated_evaluations():
    """Many evaluations of one family that is no line: the interval says how far off the line truly is."""
    rng, truth, errors = np.random.default_rng(1), np.array([-4, -3.5, -2, -1.5, -0.6]), 0.1
    x = np.log(10.0 ** np.arange(5))
    known = truth[-1] - forecasts.extrapolate(x[:-1], truth[None, :-1], x[-1:], "line")[0, 0]
    hits = 0
    for _ in range(400):
        seen = truth + rng.normal(0, errors, 5)
        row = one_row(curve(seen, draws=seen + rng.normal(0, errors, (400, 5))))
        hits += row["error_low"] <= known <= row["error_high"]
    assert hits / 400 == pytest.approx(0.95, abs=0.03)


# --- one table of everything --------------------------------------------------------------------------


def test_the_report_scores_published_points_as_the_formula_does():
    report = evidence.report(draws=50)
    table = curves.published("fig3")
    assert report.height == 36 and set(report["source"]) == {"GPT-3"}
    row = report.filter(
        (pl.col("task") == "multiplication") & (pl.col("group") == 4) & (pl.col("temperature") == 0)
        & (pl.col("metric") == "token_edit_distance")
    ).row(0, named=True)  # fmt: skip
    points = table.filter(
        (pl.col("panel") == "fig3_mult_neg_ted") & (pl.col("target_str_len") == 4) & (pl.col("temperature") == 0)
    )
    assert row["score"] == pytest.approx(emergence.score(points["params"], points["value"]))
    ahead = emergence.forecast(points["params"], points["value"])
    assert row["error"] == pytest.approx(ahead.error) and row["predicted"] == pytest.approx(ahead.predicted)


def test_the_report_has_a_row_a_curve_and_finite_forecasts():
    said = pl.concat([theory.text_outputs([0.8, 0.6, 0.5, 0.2, 0.1], length=n, n=200) for n in (1, 3)])
    report = evidence.report(said, draws=50).filter(pl.col("source") == "ladder")
    assert report["metric"].to_list() == ["exact_match", "token_edit_distance", "per_token_accuracy"] * 2
    assert report["miss"].is_finite().all() and (report["miss_low"] <= report["miss_high"]).all()


def test_forecasts_stay_empty_where_a_family_has_too_few_models():
    report = evidence.report(theory.text_outputs([0.8, 0.5, 0.1], length=2, n=50), draws=10)
    assert report.filter(pl.col("source") == "ladder")["skill"].null_count() == 3


# --- from smooth to sharp -------------------------------------------------------------------------------


def family(n=1500, seeds=4, length=4):
    """Models that say the target with probability exp(-a N^-b), a differing by problem."""
    rng, frames = np.random.default_rng(3), []
    difficulty = np.exp(rng.normal(0, 0.5, n))
    for k, size in enumerate(10.0 ** np.arange(3, 8)):
        for seed in range(seeds):
            minus = 40 * difficulty * size**-0.35
            right = rng.random(n) < np.exp(-minus)
            frames.append(
                theory.text_outputs([0.0], length, n, seed=seed).with_columns(
                    n_params=pl.lit(int(size)), model=pl.lit(str(k)), seed=pl.lit(seed),
                    target_logprob=pl.Series(-minus),
                    output=pl.when(pl.Series(right)).then("target").otherwise(pl.lit("x" * length)),
                )
            )  # fmt: skip
    return pl.concat(frames)


def test_power_laws_of_single_problems_foretell_the_share_of_right_answers():
    table = translation.sharp_from_smooth(family(), held=(1,), draws=60)
    road = table.filter(pl.col("road") == "log-probability").row(0, named=True)
    assert road["covered"] and road["predicted"] == pytest.approx(road["sampled"], abs=1e-6)
    assert road["skill"] > 0.9


def test_the_road_of_edit_distance_is_the_formula_of_the_paper():
    said = theory.text_outputs([0.8, 0.6, 0.4, 0.2], length=3, n=4000).with_columns(target_logprob=pl.lit(-1.0))
    said = said.with_columns(n_params=10 ** pl.col("n_params"))
    row = translation.sharp_from_smooth(said, held=(1,), draws=20).filter(pl.col("road") == "edit distance")
    distance = curves.curve(said, "token_edit_distance", draws=1)["estimate"].to_numpy()
    line = np.polyval(np.polyfit(np.arange(3), distance[:3], 1), 3)
    assert row["predicted"].item() == pytest.approx((1 - line / 3) ** 3)
    assert row["observed"].item() == pytest.approx(0.8**3, abs=0.03) and row["covered"].item()
