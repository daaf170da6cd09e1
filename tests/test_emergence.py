"""The emergence score, its null and forecasts, by hand and against the printed formula."""

import math
import statistics

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirage_lib import curves, emergence, theory
from mirage_lib.replicates import Replicates

STEADY = settings(max_examples=300, deadline=None, derandomize=True)
# Eighths, so that sums and differences are exact and equal steps are exactly equal.
EIGHTHS = st.integers(-800, 800).map(lambda k: k / 8)
VALUES = st.lists(EIGHTHS, min_size=2, max_size=12)


def as_printed(values):
    """sign(argmax - argmin) (max - min) / sqrt(median((y_i - y_(i-1))^2)), with plain Python."""
    if max(values) == min(values):
        return 0.0
    sign = 1 if values.index(max(values)) > values.index(min(values)) else -1
    median = statistics.median((b - a) ** 2 for a, b in zip(values, values[1:]))
    return sign * ((max(values) - min(values)) / math.sqrt(median) if median else math.inf)


# --- the score ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 1.0], 1.0),
        ([1.0, 0.0], -1.0),
        ([0.0, 1.0, 2.0, 3.0, 4.0], 4.0),  # a line of n models scores n - 1
        ([0.0, 1.0, 2.0, 10.0], 10.0),  # steps 1, 1, 8
        ([0.0, 1.0, 4.0], 4 / math.sqrt(5)),  # steps 1 and 3: the median of 1 and 9 is 5
        ([3.0, 0.0, 1.0], -3 / math.sqrt(5)),  # steps -3 and 1
        ([0.0, 0.0, 0.0, 1.0], math.inf),
        ([1.0, 0.0, 0.0, 0.0], -math.inf),
        ([0.0, 0.0, 0.1, 1.0], 10.0),  # steps 0, 0.1, 0.9
        ([0.5, 0.5, 0.5], 0.0),
    ],
)
def test_the_score_of_small_cases_is_the_one_found_by_hand(values, expected):
    assert emergence.score(range(1, len(values) + 1), values) == pytest.approx(expected)


@STEADY
@given(VALUES)
def test_the_score_is_the_printed_formula(values):
    assert emergence.score(range(len(values)), values) == pytest.approx(as_printed(values), rel=1e-12)


@STEADY
@given(VALUES, st.sampled_from([0.25, 1.0, 8.0]), st.integers(-50, 50))
def test_the_score_does_not_change_when_values_are_shifted_and_stretched(values, factor, shift):
    sizes = range(len(values))
    changed = [factor * value + shift for value in values]
    assert emergence.score(sizes, changed) == pytest.approx(emergence.score(sizes, values), rel=1e-12)


@STEADY
@given(VALUES, st.randoms(use_true_random=False))
def test_the_score_does_not_depend_on_the_order_in_which_models_are_given(values, random):
    pairs = list(zip([10**k for k in range(len(values))], values))
    ordered = emergence.score(*zip(*pairs))
    random.shuffle(pairs)
    assert emergence.score(*zip(*pairs)) == ordered


@STEADY
@given(st.lists(EIGHTHS, min_size=2, max_size=12, unique=True))
def test_negating_the_values_turns_the_sign(values):
    sizes = range(len(values))
    assert emergence.score(sizes, [-v for v in values]) == pytest.approx(-emergence.score(sizes, values))


@STEADY
@given(VALUES)
def test_the_score_is_at_least_one_in_size_wherever_something_changes(values):
    if len(set(values)) > 1:
        assert abs(emergence.score(range(len(values)), values)) >= 1 - 1e-12


@pytest.mark.parametrize(
    ("sizes", "values", "message"),
    [
        ([1], [0.5], "1 sizes and 1 values: give at least two"),
        ([1, 2, 3], [0.5, 0.6], "3 sizes and 2 values"),
        ([[1, 2], [3, 4]], [[1, 2], [3, 4]], "one value each"),
        ([1, 1, 2], [0, 1, 2], "two models have the same size: average them first"),
        ([1, 2], [0, math.nan], "not finite: drop that model"),
        ([1, math.inf], [0, 1], "not finite: drop that model"),
    ],
)
def test_models_that_cannot_be_scored_are_refused(sizes, values, message):
    with pytest.raises(ValueError, match=message):
        emergence.score(sizes, values)


# --- the smooth null --------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 5, 9])
@pytest.mark.parametrize("last", [0.7, -0.7])
def test_a_smooth_curve_without_noise_scores_the_number_of_steps(n, last):
    values = np.random.default_rng(n).random(n)  # only the first and the last one matter
    values[[0, -1]] = 0, last
    null = emergence.null_scores(10.0 ** np.arange(n), values, [0.0] * n, draws=7)
    assert null == pytest.approx(np.full(7, math.copysign(n - 1, last)))


def test_the_null_is_that_of_an_independent_simulation():
    sizes, errors = [1e3, 1e4, 3e5, 1e6, 2e7], [0.02, 0.05, 0.01, 0.03, 0.02]
    null = emergence.null_scores(sizes, [0.1, 0.1, 0.1, 0.2, 0.9], errors, draws=6000)
    rng, own = np.random.default_rng(99), []
    for _ in range(6000):
        values = []
        for size, error in zip(sizes, errors, strict=True):
            share = math.log10(size / sizes[0]) / math.log10(sizes[-1] / sizes[0])
            values.append(0.1 + 0.8 * share + error * rng.standard_normal())
        own.append(as_printed(values))
    assert null.shape == (6000,)
    assert np.quantile(null, [0.1, 0.5, 0.9]) == pytest.approx(np.quantile(own, [0.1, 0.5, 0.9]), rel=0.02)


def test_each_standard_error_stays_with_its_model_whatever_the_order():
    sizes, values = np.array([1e3, 1e4, 1e5, 1e6]), np.array([0.0, 0.1, 0.2, 0.3])
    errors, order = np.array([0.0, 0.0, 0.0, 0.2]), np.array([3, 1, 0, 2])
    ordered = emergence.null_scores(sizes, values, errors, draws=50)
    assert emergence.null_scores(sizes[order], values[order], errors[order], draws=50) == pytest.approx(ordered)


@pytest.mark.parametrize("errors", [[0.1] * 2, [0.1, -0.1, 0.1], [0.1, math.nan, 0.1]])
def test_standard_errors_that_are_none_are_refused(errors):
    with pytest.raises(ValueError, match=f"{len(errors)} standard errors for 3 values: one each, none negative"):
        emergence.null_scores([1, 2, 3], [0, 1, 2], errors)


def test_exceedance_counts_what_scores_as_high_and_is_never_zero():
    rng = np.random.default_rng(0)
    for _ in range(100):
        null = rng.choice([-3.0, 1.0, 2.0, 5.0, math.inf], rng.integers(1, 30))
        observed = float(rng.choice([-4.0, 1.0, 3.0, math.inf]))
        as_high = len([value for value in null if value >= observed])
        share = emergence.exceedance(observed, null)
        assert share == pytest.approx((as_high + 1) / (len(null) + 1)) and 0 < share <= 1


# --- forecasts ----------------------------------------------------------------------------------------


@STEADY
@given(st.floats(-5, 5), st.floats(-2, 2), st.integers(4, 9), st.floats(0.2, 3))
def test_the_forecast_of_a_line_in_log_size_is_exact(start, slope, n, spacing):
    sizes = 1e4 * np.exp(spacing * np.arange(n) ** 1.2)
    ahead = emergence.forecast(sizes, start + slope * np.log(sizes))
    assert ahead.error == pytest.approx(0, abs=1e-8)
    assert ahead.observed == pytest.approx(start + slope * math.log(sizes[-1]))


@STEADY
@given(st.floats(0.2, 1.5), st.floats(-2.5, 2.5), st.integers(4, 9))
def test_the_forecast_of_a_logistic_curve_is_exact(slope, shift, n):
    x = np.linspace(math.log(1e6), math.log(1e9), n)
    values = 1 / (1 + np.exp(-(slope * (x - x[:-1].mean()) + shift)))
    ahead = emergence.forecast(np.exp(x), values, "sigmoid")
    assert ahead.predicted == pytest.approx(values[-1], abs=1e-5)


@pytest.mark.parametrize("values", [[0, 0, 0, 1], [0, 0, 0.01, 0.5], [0, 1, 1, 1], [1, 1, 1, 0.9], [1, 0, 0, 0]])
def test_a_logistic_forecast_exists_even_where_the_best_curve_is_infinitely_steep(values):
    ahead = emergence.forecast([1e6, 1e7, 1e8, 1e9], values, "sigmoid")
    assert 0 <= ahead.predicted <= 1
    if values[0] == values[1] == values[2]:
        assert ahead.predicted == pytest.approx(values[0], abs=1e-3)


def test_the_error_is_what_was_observed_less_what_was_predicted():
    ahead = emergence.forecast([1e9, 1e6, 1e8, 1e7], [0.9, 0.1, 0.3, 0.2])
    assert ahead == pytest.approx((0.4, 0.9, 0.5))


def test_the_largest_model_has_no_part_in_its_own_forecast():
    sizes, smaller = [1, 10, 100, 1000, 10_000], [0.02, 0.1, 0.2, 0.45]
    for shape in ("line", "sigmoid"):
        forecasts = {emergence.forecast(sizes, [*smaller, last], shape).predicted for last in (0.0, 0.5, 1.0)}
        assert len(forecasts) == 1


def test_a_forecast_needs_three_smaller_models_and_a_known_shape():
    with pytest.raises(ValueError, match="3 models: a forecast needs three smaller ones"):
        emergence.forecast([1, 2, 3], [0, 1, 2])
    with pytest.raises(ValueError, match="unknown shape 'cubic': choose one of 'line', 'sigmoid', 'power'"):
        emergence.forecast([1, 2, 3, 4], [0, 1, 2, 3], "cubic")


# --- the summary ----------------------------------------------------------------------------------------


def test_the_summary_turns_a_metric_of_which_lower_is_better_before_scoring():
    said = theory.text_outputs([0.8, 0.6, 0.4, 0.2, 0.1], length=4, n=400)
    drawn = curves.curve(said, "token_edit_distance")
    row = emergence.summary(drawn, draws=200).row(0, named=True)
    values = drawn["estimate"].to_list()
    assert row["score"] == pytest.approx(as_printed([-v for v in values])) and row["score"] > 0
    slope, start = np.polyfit(np.log([1, 2, 3, 4]), values[:-1], 1)
    assert row["predicted"] == pytest.approx(start + slope * math.log(5))
    assert row["observed"] == pytest.approx(values[-1])
    assert 1 / 201 <= row["exceedance"] <= 1


def test_the_summary_has_one_row_a_task_and_group():
    both = pl.concat([theory.text_outputs([0.8, 0.6, 0.4, 0.2], length=length, n=100) for length in (2, 3)])
    assert emergence.summary(curves.curve(both, "exact_match"), draws=20)["group"].to_list() == [2, 3]


# --- scores with intervals --------------------------------------------------------------------------------


@pytest.mark.parametrize("values, known", [([0.0, 0.1, 0.2, 0.9], 9.0), ([0.0, 0.0, 0.0, 1.0], math.inf)])
def test_a_curve_without_noise_has_its_score_as_interval(values, known):
    values, sizes = np.array(values), 10.0 ** np.arange(4)
    cell = Replicates("ladder", "addition", 4, 0.0, "exact_match", sizes, values, np.tile(values, (20, 1)))
    row = emergence.scored([cell]).row(0, named=True)
    assert [row["score"], row["low"], row["high"]] == pytest.approx([known] * 3)
    assert row["straight"] == row["null_high"] == pytest.approx(3)
    assert row["infinite"] == (1.0 if math.isinf(known) else 0.0) and row["exceedance"] < 0.001


def test_infinite_scores_of_some_draws_are_counted_and_may_end_the_interval():
    values, flat = np.array([0.0, 0.1, 0.2, 1.0]), np.array([0.0, 0.0, 0.0, 1.0])
    draws = np.array([values] * 9 + [flat])
    cell = Replicates("ladder", "addition", 4, 0.0, "exact_match", 10.0 ** np.arange(4), values, draws)
    row = emergence.scored([cell], draws=10).row(0, named=True)
    assert (row["low"], row["high"], row["infinite"]) == pytest.approx((10.0, math.inf, 0.1))


@pytest.mark.parametrize(
    ("values", "share"), [([0, 1, 2, 3], 0.5), ([0, 0, 0, 1], 0.0), ([0, 3, 3, 3], 1.0), ([4, 3, 1, 0], 0.5), ([1, 2, 2, 1], None)]
)
def test_half_way_tells_a_late_leap_from_an_early_one(values, share):
    values = np.array(values, dtype=float)
    cell = Replicates("ladder", "addition", 4, 0.0, "exact_match", 10.0 ** np.arange(4), values, values[None])
    assert emergence.scored([cell], draws=2)["halfway"].item() == (share if share is None else pytest.approx(share))
