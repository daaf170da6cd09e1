"""Estimates and intervals of curves against scipy, closed forms, normal theory and simulation."""

import json
import shutil

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom, binomtest, norm

from mirage_lib import curves, metrics, outputs, theory
from mirage_lib.outputs import OutputsError

VALUE = metrics.Metric(
    "value", "Value", "", ("value",), (-np.inf, np.inf), "higher", "linear", "", "", lambda t: t["value"], lambda t: None
)
"""A metric that reads its score off a column, so that a test can choose the scores."""
RIGHT = metrics.Metric(
    "right", "Right", "", ("value",), (0, 1), "higher", "linear", "", "", lambda t: t["value"], lambda t: None
)


def table(values, items=None, seeds=0, **columns):
    """Outputs of one model with the given scores."""
    n = len(values)
    return pl.DataFrame({"value": np.asarray(values, dtype=float)}).with_columns(
        pl.Series("item", [f"i{k}" for k in (range(n) if items is None else items)]),
        pl.Series("seed", np.broadcast_to(seeds, n)),
        *(pl.lit(value).alias(name) for name, value in
          {"task": "t", "group": 1, "temperature": 0.0, "family": "f", "model": "m", "n_params": 10, **columns}.items()),
    )


def one(outputs_table, metric=VALUE, **settings):
    rows = curves.curve(outputs_table, metric, **settings)
    assert rows.height == 1
    return rows.row(0, named=True)


# --- intervals of a share ---------------------------------------------------------------------------


def test_wilson_interval_is_that_of_scipy():
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 3000, 400)
    cases = [(int(rng.integers(0, n + 1)), int(n)) for n in sizes] + [(0, 1), (1, 1), (0, 50), (50, 50)]
    for k, n in cases:
        level = float(rng.choice([0.8, 0.95, 0.99]))
        theirs = binomtest(k, n).proportion_ci(level, method="wilson")
        assert curves.wilson(k, n, level) == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_wilson_interval_covers_the_true_share_as_often_as_it_says():
    rng = np.random.default_rng(1)
    for n in (20, 100, 1000):
        shares = rng.uniform(0.02, 0.98, 6000)
        low, high = np.array([curves.wilson(k, n) for k in range(n + 1)])[rng.binomial(n, shares)].T
        assert ((low <= shares) & (shares <= high)).mean() == pytest.approx(0.95, abs=0.012)


@pytest.mark.parametrize(("successes", "n"), [(1, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_impossible_counts(successes, n):
    with pytest.raises(ValueError, match=f"{successes} successes out of {n}"):
        curves.wilson(successes, n)


@pytest.mark.parametrize("n", [1, 7, 100, 1000, 10**6])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_highest_share_when_none_was_right_gives_zero_with_the_rest_of_the_level(n, level):
    highest = curves.highest_when_none(n, level)
    assert binom.pmf(0, n, highest) == pytest.approx(1 - level, rel=1e-6)


def test_highest_share_when_none_was_right_needs_an_item():
    with pytest.raises(ValueError, match="n is 0: at least one"):
        curves.highest_when_none(0)


def test_items_needed_is_the_fewest_that_meet_the_closed_form():
    rng = np.random.default_rng(2)
    for share, error in zip(rng.uniform(0.001, 0.999, 200), rng.uniform(0.05, 1, 200), strict=True):
        n = curves.needed(share, error)

        def half_width(m, share=share):
            return norm.ppf(0.975) * np.sqrt(share * (1 - share) / m) / share

        assert half_width(n) <= error * (1 + 1e-9)
        assert n == 1 or half_width(n - 1) > error * (1 - 1e-9)


@pytest.mark.parametrize(("share", "error"), [(0.5, 0.1), (0.1, 0.2), (0.01, 0.5), (0.001, 0.3)])
def test_so_many_items_put_the_estimate_within_the_relative_error_in_95_of_100_runs(share, error):
    runs = np.random.default_rng(3).binomial(curves.needed(share, error), share, 20_000)
    within = np.abs(runs / curves.needed(share, error) / share - 1) <= error
    # The count is whole, so the share of runs inside is off by about half the chance of one count.
    assert within.mean() == pytest.approx(0.95, abs=0.05 if share == 0.01 else 0.02)


@pytest.mark.parametrize(
    ("share", "error", "message"),
    [(0, 0.5, "share is 0: .*strictly between 0 and 1"), (1, 0.5, "share is 1"), (0.5, 0, "relative_error is 0: .*positive")],
)
def test_items_needed_refuses_what_has_no_answer(share, error, message):
    with pytest.raises(ValueError, match=message):
        curves.needed(share, error)


# --- the bootstrap ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["continuous", "few values"])
def test_bootstrap_of_many_items_is_the_normal_interval(kind):
    rng = np.random.default_rng(4)
    values = rng.gamma(2, 3, 4000) if kind == "continuous" else rng.choice([0.0, 0.25, 1.0, 5.0], 4000)
    low, high = curves.bootstrap(values[None], 4000, rng)
    error = values.std(ddof=1) / np.sqrt(len(values))
    assert (high + low) / 2 == pytest.approx(values.mean(), abs=0.1 * error)
    assert high - low == pytest.approx(2 * norm.ppf(0.975) * error, rel=0.06)


def test_bootstrap_over_seeds_and_shared_problems_is_as_wide_as_both_together_say():
    """Seed effects and problem effects that add up, many of each, so that normal theory holds."""
    rng = np.random.default_rng(5)
    by_seed, by_problem = rng.normal(0, 0.5, 40), rng.normal(0, 2.0, 400)
    low, high = curves.bootstrap(by_seed[:, None] + by_problem, 4000, rng)
    error = np.sqrt(by_seed.var() / 40 + by_problem.var() / 400)
    assert high - low == pytest.approx(2 * norm.ppf(0.975) * error, rel=0.06)


def test_problems_that_only_some_seeds_were_asked_count_where_they_were_asked():
    scores = np.full((2, 200), np.nan)
    scores[0, :100], scores[1, 100:] = 0.25, 0.75
    low, high = curves.bootstrap(scores, 1000, np.random.default_rng(3))
    assert (low, high) == (0.25, 0.75)


def test_the_interval_lies_around_the_mean_of_seeds_even_where_some_were_asked_more():
    rng = np.random.default_rng(14)
    scores = np.full((20, 500), np.nan)
    scores[:10], scores[10:, :50] = rng.random((10, 500)) < 0.2, rng.random((10, 50)) < 0.8
    by_seed = np.nanmean(scores, axis=1)
    low, high = curves.bootstrap(scores, 2000, rng)
    assert (low + high) / 2 == pytest.approx(by_seed.mean(), abs=0.02)
    assert high - low > 2 * 1.96 * by_seed.std() / np.sqrt(20) * 0.95


def test_bootstrap_interval_covers_the_true_mean_as_often_as_it_says():
    rng = np.random.default_rng(6)
    hits = 0
    for _ in range(600):
        low, high = curves.bootstrap(rng.choice([0, 0.25, 0.5, 0.75, 1.0], (1, 150), p=[0.3, 0.1, 0.1, 0.1, 0.4]), 400, rng)
        hits += low <= 0.55 <= high
    assert hits / 600 == pytest.approx(0.95, abs=0.03)


def test_a_wider_level_gives_a_wider_interval():
    values = np.random.default_rng(7).normal(size=(1, 300))
    narrow = curves.bootstrap(values, 2000, np.random.default_rng(0), level=0.5)
    wide = curves.bootstrap(values, 2000, np.random.default_rng(0), level=0.99)
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def test_several_metrics_at_once_get_the_intervals_that_each_would_get_alone():
    scores = np.random.default_rng(15).normal(size=(3, 4, 60))
    scores[:, 1, :20] = np.nan
    low, high = curves.bootstrap(scores, 200, 7)
    alone = [curves.bootstrap(metric, 200, 7) for metric in scores]
    assert np.stack([low, high], axis=1) == pytest.approx(np.array(alone))


def test_draws_that_cells_share_are_as_good_as_fresh_ones():
    """Over many seeds of the draws, the ends of the interval scatter around those of normal theory."""
    values = np.random.default_rng(16).normal(5, 2, (1, 800))
    error = norm.ppf(0.975) * values.std(ddof=1) / np.sqrt(800)
    ends = np.array([curves.bootstrap(values, 400, seed) for seed in range(40)])
    assert (ends - values.mean()).mean(axis=0) == pytest.approx([-error, error], rel=0.04)
    assert len(set(ends[:, 0])) == 40


@pytest.mark.parametrize("kind", ["right or wrong", "continuous"])
def test_the_interval_of_a_hundred_thousand_problems_is_the_normal_one(kind):
    rng = np.random.default_rng(17)
    scores = rng.gamma(1, 1, (2, 100_000)) if kind == "continuous" else 1.0 * (rng.random((2, 100_000)) < 0.02)
    low, high = curves.bootstrap(scores, 300, 0)
    assert (low + high) / 2 == pytest.approx(scores.mean(), rel=0.02)
    # Two seeds are drawn with replacement: half of the draws hold one seed twice, so twice the variance.
    by_problem = scores.var(axis=1).mean() / 100_000
    error = np.sqrt(0.75 * by_problem + scores.mean(axis=1).var() / 2)
    assert high - low == pytest.approx(2 * norm.ppf(0.975) * error, rel=0.15)


# --- curves -------------------------------------------------------------------------------------------


def test_one_seed_of_right_or_wrong_gets_wilsons_interval():
    values = np.random.default_rng(8).random(237) < 0.3
    row = one(table(values), RIGHT)
    theirs = binomtest(int(values.sum()), 237).proportion_ci(method="wilson")
    assert (row["low"], row["high"]) == pytest.approx((theirs.low, theirs.high))
    assert row["estimate"] == pytest.approx(values.mean())
    assert (row["n"], row["n_items"], row["n_seeds"], row["resolution"]) == (237, 237, 1, 1 / 237)


@pytest.mark.parametrize(("score", "seeds"), [(0.0, 1), (0.0, 3), (1.0, 3)])
def test_a_cell_of_nothing_but_zeros_or_ones_gets_an_interval_by_its_number_of_problems(score, seeds):
    """600 outputs about 20 problems know as much as 20: zeros do not make the true share zero."""
    values = np.full(600, score)
    row = one(table(values, items=np.arange(600) % 20, seeds=np.arange(600) * seeds // 600), RIGHT)
    theirs = binomtest(int(20 * score), 20).proportion_ci(method="wilson")
    assert (row["low"], row["high"]) == pytest.approx((theirs.low, theirs.high))
    assert row["high"] - row["low"] > 0.1
    assert (row["n"], row["n_items"], row["n_seeds"], row["resolution"]) == (600, 20, seeds, 1 / 600)


def test_repeated_prompts_about_one_problem_do_not_count_as_new_problems():
    rng = np.random.default_rng(9)
    items = np.repeat(np.arange(40), 25)
    difficulty = rng.beta(0.4, 0.4, 40)
    values = rng.random(1000) < difficulty[items]
    honest, naive = one(table(values, items), RIGHT), one(table(values), RIGHT)
    problem_means = values.reshape(40, 25).mean(axis=1)
    assert honest["estimate"] == pytest.approx(naive["estimate"])
    assert honest["high"] - honest["low"] == pytest.approx(
        2 * 1.96 * problem_means.std() / np.sqrt(40), rel=0.1
    )
    assert honest["high"] - honest["low"] > 3 * (naive["high"] - naive["low"])


def test_every_problem_counts_the_same_however_often_it_was_asked():
    row = one(table([1, 1, 1, 1, 1, 0], items=[0, 0, 0, 0, 0, 1]))
    assert row["estimate"] == 0.5 and (row["n"], row["n_items"]) == (6, 2)


def test_the_estimate_is_the_mean_of_the_means_of_seeds():
    values = [1.0, 2.0, 3.0, 10.0]  # three problems by seed 4, one by seed 9
    row = one(table(values, items=[0, 1, 2, 0], seeds=[4, 4, 4, 9]))
    assert row["estimate"] == pytest.approx((2 + 10) / 2)
    assert (row["n"], row["n_items"], row["n_seeds"], row["resolution"]) == (4, 3, 2, 0.25)
    assert row["low"] < row["estimate"] < row["high"]


def test_seeds_that_disagree_widen_the_interval():
    rng = np.random.default_rng(10)
    items, seeds = np.tile(np.arange(100), 4), np.repeat(np.arange(4), 100)
    agreeing = (rng.random(400) < 0.5).astype(float)
    differing = (rng.random(400) < np.array([0.1, 0.9, 0.2, 0.8])[seeds]).astype(float)
    width = [row["high"] - row["low"] for row in (one(table(v, items, seeds)) for v in (agreeing, differing))]
    assert width[1] > 3 * width[0]


def test_problems_that_all_seeds_share_do_not_count_anew_for_every_seed():
    """Seeds that say the very same know nothing new about other problems."""
    values = np.random.default_rng(11).random(200) < 0.4
    alone = one(table(values), RIGHT)
    thrice = one(table(np.tile(values, 3), np.tile(np.arange(200), 3), np.repeat(np.arange(3), 200)), RIGHT)
    assert thrice["high"] - thrice["low"] == pytest.approx(alone["high"] - alone["low"], rel=0.1)


def test_a_curve_is_sorted_by_group_and_size_whatever_the_order_of_rows():
    rng = np.random.default_rng(12)
    cells = [
        table(rng.random(30), group=group, n_params=size, model=f"m{size}") for group in (2, 10) for size in (9, 70, 500)
    ]
    whole = pl.concat(cells)
    drawn = curves.curve(whole.sample(fraction=1, shuffle=True, seed=1), VALUE)
    assert drawn.select("group", "n_params").rows() == [(g, s) for g in (2, 10) for s in (9, 70, 500)]
    assert drawn["estimate"].to_list() == pytest.approx([cell["value"].mean() for cell in cells])
    assert drawn.columns == (
        "task group temperature family model n_params metric estimate low high n n_items n_seeds resolution".split()
    )
    assert ((drawn["low"] < drawn["estimate"]) & (drawn["estimate"] < drawn["high"])).all()


def test_models_of_one_size_stay_apart():
    both = pl.concat([table([0, 0, 1], model="a"), table([1, 1, 1], model="b")])
    assert dict(curves.curve(both, VALUE).select("model", "estimate").rows()) == pytest.approx({"a": 1 / 3, "b": 1})


def test_a_curve_is_split_by_the_columns_asked_for():
    both = pl.concat([table([0.0], temperature=0.0), table([1.0], temperature=1.0, items=[7])])
    assert curves.curve(both, VALUE)["estimate"].to_list() == [0, 1]
    merged = curves.curve(both, VALUE, by=("task",))
    assert merged.columns[:2] == ["task", "family"] and merged["estimate"].to_list() == [0.5]


def test_split_by_seed_a_curve_is_that_of_every_seed_alone():
    rng = np.random.default_rng(18)
    both = table(rng.random(90), items=np.arange(90) % 35, seeds=np.repeat([3, 5], 45))
    split = curves.curve(both, VALUE, by=("seed", *curves.BY))
    for seed in (3, 5):
        alone = curves.curve(both.filter(pl.col("seed") == seed), VALUE)
        assert split.filter(pl.col("seed") == seed).drop("seed").equals(alone)


def test_the_same_seed_draws_the_same_interval_and_another_one_does_not():
    values = table(np.random.default_rng(13).random(40))
    first, again, other = (one(values, seed=seed) for seed in (0, 0, 1))
    assert first == again != other


def test_a_registered_metric_is_found_by_its_name():
    said = theory.text_outputs([0.3], length=2, n=400)
    exact = sum(a == b for a, b in zip(said["target"], said["output"], strict=True)) / 400
    row = one(said, "exact_match")
    assert row["estimate"] == pytest.approx(exact) and row["metric"] == "exact_match"


def test_a_column_that_a_curve_needs_is_named_when_it_is_missing():
    for column in ("item", "seed", "n_params", "group"):
        with pytest.raises(OutputsError, match=f"column '{column}' is missing"):
            curves.curve(table([0, 1]).drop(column), VALUE)
    with pytest.raises(KeyError, match="unknown metric 'exact'"):
        curves.curve(table([0, 1]), "exact")


def test_a_missing_value_in_a_column_that_splits_a_curve_is_named():
    with pytest.raises(OutputsError, match="column 'item' has 1 missing values"):
        curves.curve(table([0, 1]).with_columns(item=pl.Series(["a", None])), VALUE)


def test_a_cell_holds_prompts_asked_and_their_means_by_seed_and_problem():
    values = [1.0, 2.0, 3.0, 10.0, 20.0]
    (cell,) = curves.cells(table(values, items=[1, 0, 1, 1, 2], seeds=[4, 4, 4, 9, 9]), [VALUE, RIGHT])
    assert cell.key == ("t", 1, 0.0, "f", "m", 10) and cell.seeds.tolist() == [4, 9]
    assert cell.asked.tolist() == [[1, 2, 0], [0, 1, 1]]
    for scores in cell.scores:
        assert scores == pytest.approx(np.array([[2, 2, np.nan], [np.nan, 10, 20]]), nan_ok=True)
    second = cell.alone(1)
    assert second.scores[0].tolist() == [[10, 20]] and second.asked.tolist() == [[1, 1]] and second.seeds.tolist() == [9]


# --- published curves -----------------------------------------------------------------------------------


def test_the_published_figure_has_four_models_a_panel():
    panels = curves.published("fig2").group_by("panel").agg(pl.col("params").n_unique()).sort("panel").rows()
    assert [rows for name, rows in panels if "inset" not in name] == [4] * 6


def test_a_changed_byte_of_a_published_curve_is_refused(tmp_path, monkeypatch):
    for name in ("fig2.csv", "manifest.json"):
        shutil.copy(outputs.FROZEN / name, tmp_path / name)
    whole = outputs.load_table("fig2", tmp_path)
    assert whole.equals(curves.published("fig2"))
    file = tmp_path / "fig2.csv"
    file.write_bytes(file.read_bytes().replace(b"2.3897", b"2.3898"))
    expected = json.loads((tmp_path / "manifest.json").read_text())["fig2.csv"]["sha256"]
    with pytest.raises(OutputsError, match=f"fig2.csv is not the file that was frozen: expected SHA-256 {expected}"):
        outputs.load_table("fig2", tmp_path)


def test_an_unknown_published_curve_is_named_beside_the_known_ones():
    with pytest.raises(OutputsError, match="'fig9': there are .*fig2, fig3"):
        curves.published("fig9")
