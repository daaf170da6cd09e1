"""Forecasting: intervals that hold what they say on simulated families, scores against closed forms, and the rules of holding out."""

import math

import numpy as np
import polars as pl
import pytest
from scipy.special import expit
from scipy.stats import binom, norm

from mirage_lib import forecasting
from mirage_lib.forecasting import families, grids, items, leaderboard, methods, next_size, scoring, simulated
from mirage_lib.forecasting.cases import Curve
from tools import track_record

REPLICATES = 1000


def counted(values, n=200, **more):
    values = np.asarray(values, dtype=float)
    sizes = 10.0 ** np.arange(6, 6 + len(values))
    return Curve("s", "f", "t", "m", "sharp", sizes, values, np.full(len(values), 0.01), np.full(len(values), float(n)), **more)


# --- intervals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", list(simulated.HOLDS))
def test_ninety_percent_intervals_hold_about_nine_truths_in_ten_where_the_assumptions_hold(method):
    covered = simulated.coverage(method, simulated.HOLDS[method], REPLICATES, seed=2)
    assert 0.85 <= covered <= 0.95, f"{method}: {covered}"


@pytest.mark.parametrize("method", list(simulated.HOLDS))
def test_no_method_sees_a_cliff_coming(method):
    assert simulated.coverage(method, "cliff", 50) < 0.1


def test_a_line_through_rare_successes_promises_too_much():
    assert simulated.coverage("line", "rare successes", 400) < 0.8 < simulated.coverage("counts", "rare successes", 400)


def test_every_method_has_a_truth_of_its_own():
    assert set(simulated.HOLDS) == set(forecasting.METHODS)


# --- methods ------------------------------------------------------------------------------------------


def test_lines_predict_with_the_interval_of_the_textbook():
    rng, x = np.random.default_rng(0), np.linspace(0, 1, 6)
    values = 0.5 * x + rng.normal(0, 0.1, 6)
    drawn = np.concatenate([grids.line_draws(x, values, np.zeros(6), np.array([1.3]), rng) for _ in range(200)])
    slope, level = np.polyfit(x, values, 1)
    scatter = np.sqrt(np.sum((values - slope * x - level) ** 2) / 4)
    leverage = 1 + 1 / 6 + (1.3 - x.mean()) ** 2 / np.sum((x - x.mean()) ** 2)
    half = 2.13185 * scatter * np.sqrt(leverage)  # Student's t, four degrees of freedom, 95 %
    middle = level + 1.3 * slope
    assert np.quantile(drawn, [0.05, 0.95]) == pytest.approx([middle - half, middle + half], abs=0.03 * half)


def test_a_zero_of_many_answers_bounds_the_forecast_more_than_a_zero_of_few():
    highs = {}
    for n in (20, 2000):
        seen = counted(np.zeros(6), n)
        draws = methods.METHODS["counts"].fit(seen, np.array([1.05]), np.random.default_rng(0))
        highs[n] = np.quantile(draws, 0.9)
    assert highs[2000] < 0.1 * highs[20]


def test_going_through_the_loss_sees_what_accuracy_alone_cannot():
    """All smaller models but two score next to nothing, the loss falls by an exact power law."""
    x = np.linspace(0, 1.2, 7)
    loss = np.exp(0.5 - 0.9 * x)
    share = expit(9 * (0.7 - loss))
    partner = Curve("s", "f", "t", "loss", "smooth", 10.0 ** np.arange(6, 13), -loss, np.zeros(7), low=-np.inf, high=0.0)
    curve = counted(share, 2000, partner=partner)
    off = {name: float(scoring.crps(scoring.forecast(curve, name)[1], share[-1:])[0]) for name in ("last", "line", "two-stage")}
    assert off["two-stage"] < 0.5 * min(off["last"], off["line"])


def test_abilities_and_difficulties_are_recovered():
    rng = np.random.default_rng(3)
    difficulty, ability = rng.choice([-3.0, 2.0], 20_000), np.array([-2.0, -0.5, 0.5, 1.5, 3.0])
    found = items.fit(rng.random((5, 20_000)) < expit(ability[:, None] - difficulty))
    assert np.diff(found.abilities) == pytest.approx(np.diff(ability), abs=0.15)
    share, luck = items.accuracy(found, found.abilities)
    assert share == pytest.approx(expit(ability[:, None] - difficulty).mean(axis=1), abs=0.01)
    assert (luck < 0.5 / np.sqrt(20_000)).all()


def test_forecasts_never_leave_the_range_of_the_metric():
    for name, method in forecasting.METHODS.items():
        curve = simulated.TRUTHS[simulated.HOLDS[name]](np.random.default_rng(1))
        for draws in scoring.forecast(curve, name, held=3):
            assert draws.shape == (grids.DRAWS, 3) and np.isfinite(draws).all()
            assert (draws >= curve.low).all() and (draws <= curve.high).all()


def test_the_held_out_models_cannot_be_seen():
    """Whatever the largest model scores, the forecast is the same."""
    for name in ("last", "line", "sigmoid", "broken", "counts"):
        one, other = counted([0, 0.1, 0.2, 0.3, 0.4, 0.5]), counted([0, 0.1, 0.2, 0.3, 0.4, 0.9])
        assert np.array_equal(scoring.forecast(one, name)[0], scoring.forecast(other, name)[0])


# --- scores -------------------------------------------------------------------------------------------


def test_the_score_of_normal_draws_is_its_closed_form():
    draws = norm.ppf((np.arange(20_000) + 0.5) / 20_000)[:, None]
    for truth in (-2.0, 0.0, 0.7):
        known = truth * (2 * norm.cdf(truth) - 1) + 2 * norm.pdf(truth) - 1 / math.sqrt(math.pi)
        assert scoring.crps(draws, np.array([truth]))[0] == pytest.approx(known, abs=1e-3)


def test_the_truth_is_the_best_forecast_on_average():
    rng = np.random.default_rng(0)
    seen = rng.normal(0, 1, 4000)
    mean = {}
    for spread, shift in ((1, 0), (0.3, 0), (3, 0), (1, 0.7)):
        mean[spread, shift] = scoring.crps(spread * rng.normal(0, 1, (400, 4000)) + shift, seen).mean()
    assert min(mean, key=mean.get) == (1, 0)


def test_counts_are_scored_by_the_binomial():
    given = scoring.count_score(np.full((50, 1), 0.3), np.array([4]), np.array([10]))[0]
    assert given == pytest.approx(math.log(0.95 * binom.pmf(4, 10, 0.3) + 0.05 / 11))


# --- families -----------------------------------------------------------------------------------------


def test_olmos_large_models_are_the_two_held_out():
    for curve in families.curves_of("olmo")[:6]:
        assert len(curve.sizes) == 27 and len(curve.seen(2).sizes) == 25
        assert curve.sizes[-2] > curve.sizes[-3]
    far = families.recipes.ladder().filter("target")["flops_1e21"].unique().sort().to_list()
    assert families.curves_of("olmo")[0].sizes[-2:].tolist() == pytest.approx(far)


def test_items_and_shares_of_one_curve_agree():
    for curve in families.curves_of("bigg"):
        if curve.items is not None:
            assert curve.items.mean(axis=1) == pytest.approx(curve.values, abs=0.02), curve.task


def test_curves_that_are_flat_within_their_noise_are_left_out():
    assert not families.worth(counted([0.5, 0.51, 0.52, 0.5, 0.51]))
    assert families.worth(counted([0.1, 0.2, 0.3, 0.4, 0.6]))


def test_seeds_that_disagree_are_few_answers():
    shares = np.array([0.2, 0.5, 0.8])
    sure, unsure = (families._worth_answers(shares, np.full(3, error))[0] for error in (0.01, 0.1))
    assert sure == 2500 * 0.64 and unsure == 25 * 0.64


# --- one's own curve ------------------------------------------------------------------------------------


def test_the_next_size_lies_one_median_step_beyond_the_last_within_the_metric():
    found = forecasting.foresee([1e6, 1e7, 1e8, 1e9], [0.1, 0.3, 0.6, 0.8], n=[400] * 4)
    assert found.size == pytest.approx(1e10) and 0 <= found.low <= found.value <= found.high <= 1
    assert found.method == "counts" and 0.7 < found.value


def test_the_method_follows_from_what_is_known():
    sizes = [1e6, 1e7, 1e8, 1e9]
    names = [
        forecasting.foresee(sizes, [0.1, 0.2, 0.3, 0.4]).method,
        forecasting.foresee(sizes, [-4, -3, -2.5, -2], low=-np.inf, high=0).method,
        forecasting.foresee(sizes, [4, 5, 6, 7], low=-np.inf, high=np.inf).method,
    ]
    assert names == ["sigmoid", "power", "line"]


@pytest.mark.parametrize(
    ("sizes", "values", "said"),
    [([1e6, 1e7], [0.1, 0.2], "at least three"), ([1e6, 1e6, 1e7], [0.1, 0.2, 0.3], "larger than the one before"),
     ([1e6, 1e7, 1e8], [0.1, 0.2], "3 sizes, but 2 values"), ([1e6, 1e7, 1e8], [10, 20, 30], "beyond 0 to 1")],
)  # fmt: skip
def test_a_curve_that_cannot_be_forecast_is_refused_with_the_reason(sizes, values, said):
    with pytest.raises(ValueError, match=said):
        forecasting.foresee(sizes, values)


def test_the_frozen_track_record_is_that_of_the_code():
    fresh, kept = track_record.record(), families.outputs.load_table(next_size.RECORD)
    keys = ["method", "group", "horizon"]
    assert fresh.select(keys).rows() == kept.select(keys).rows(), "run tools/track_record.py"
    for name in ("gain", "wins", "covered"):
        assert fresh[name].to_numpy() == pytest.approx(kept[name].to_numpy(), abs=0.02), f"{name}: run tools/track_record.py"


# --- the leaderboard ----------------------------------------------------------------------------------


def rows(method, scores, source="s"):
    return pl.DataFrame({
        "source": source, "family": "f", "task": [f"t{k}" for k in range(len(scores))], "metric": "m", "horizon": "near", "group": "sharp",
        "partner": False, "method": method, "crps": scores, "covered": 1.0, "count_score": None,
    }, schema_overrides={"count_score": pl.Float64})  # fmt: skip


def test_sources_count_alike_however_many_tasks_they_have():
    table = pl.concat([
        rows("last", [1.0] * 40), rows("line", [0.5] * 40), rows("last", [1.0], "other"), rows("line", [2.0], "other"),
    ])  # fmt: skip
    found = leaderboard.gain("line", "last", table=table)
    assert found["gain"] == pytest.approx(1 - 1.25) and found["wins"] == pytest.approx(0.5)
    assert found["low"] <= found["gain"] <= found["high"] and (found["tasks"], found["sources"]) == (41, 2)


def test_a_method_is_compared_on_the_curves_where_it_applies_only():
    table = pl.concat([rows("last", [0.1, 0.9]), rows("items", [0.2])])
    found = leaderboard.gain("items", "last", table=table)
    assert found["curves"] == 1 and found["gain"] == pytest.approx(-1)


def test_a_readers_method_gets_a_row_and_may_be_replaced():
    small = families.curves_of("pythia-addition")
    try:
        for spread in (0.5, 0.01):

            @forecasting.method("flat", "The last value, give or take")
            def flat(seen, at, rng, spread=spread):
                return forecasting.around(seen.values[-1], spread, at, rng)

            board = leaderboard.board(table=scoring.scores(small, ["last", "flat"]))
            assert board.filter(pl.col("method") == "flat").height == 1
    finally:
        forecasting.METHODS.pop("flat")


def test_unknown_needs_and_names_are_named():
    with pytest.raises(ValueError, match="unknown need 'gold'"):
        forecasting.method("x", "X", needs=("gold",))
    with pytest.raises(KeyError, match="unknown method 'oracle'"):
        scoring.forecast(families.curves_of("pythia-addition")[0], "oracle")
    with pytest.raises(KeyError, match="unknown source"):
        families.curves_of("nowhere")
