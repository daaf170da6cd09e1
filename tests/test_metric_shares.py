"""Which metrics show it: shares, pairs and the split of variance, against closed forms and a second library."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from mirage_lib.analyses import metric_shares, triplets
from mirage_lib.bigbench import records
from mirage_lib.claims import metrics


def made(rows: list[tuple]) -> pl.DataFrame:
    names = ["origin", "task", "family", "metric", "shots", "setting", "score", "exceedance", "above", "late", "q"]
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)


def row(task: str, metric: str, score: float, above: bool = False, family: str = "f", origin: str = "bigg") -> tuple:
    p = 0.01 if above else 0.6
    return origin, task, family, metric, 0, "", score, p, above, False, p


def test_balanced_split_agrees_with_the_general_one_and_with_anova():
    rng = np.random.default_rng(1)
    metric, pair = np.repeat(["a", "b", "c"], 7), np.tile([f"p{k}" for k in range(7)], 3)
    values = rng.normal(size=21) + (metric == "a") * 2.0
    fast, slow = metric_shares.balanced(values, metric, pair), metric_shares.variance(values, {"metric": metric, "pair": pair})
    assert fast == pytest.approx(slow)
    grid = values.reshape(3, 7)
    squares = 7 * np.sum((grid.mean(1) - grid.mean()) ** 2)
    rest = np.sum((grid - grid.mean(1, keepdims=True) - grid.mean(0) + grid.mean()) ** 2) / 12
    assert fast["metric"] == pytest.approx((squares - 2 * rest) / np.sum((grid - grid.mean()) ** 2))


def test_one_factor_is_omega_squared_from_the_f_statistic():
    rng = np.random.default_rng(2)
    groups = [rng.normal(shift, size=9) for shift in (0, 0.5, 2)]
    f, n, k = stats.f_oneway(*groups).statistic, 27, 3
    # With the total sum of squares below, (SSb - (k-1) MSw) / SSt, written through F.
    expected = (k - 1) * (f - 1) / ((k - 1) * f + n - k)
    found = metric_shares.variance(np.concatenate(groups), {"one": np.repeat(["a", "b", "c"], 9)})
    assert found["one"] == pytest.approx(expected)


def test_a_factor_without_effect_explains_nothing_on_average():
    rng = np.random.default_rng(3)
    metric, pair = np.tile(["a", "b"], 20), np.repeat(np.arange(20), 2).astype(str)
    found = [metric_shares.balanced(rng.normal(size=40), metric, pair)["metric"] for _ in range(400)]
    assert abs(np.mean(found)) < 0.01


def test_the_split_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match="each pair needs each metric once"):
        metric_shares.balanced([0, 1, 2], ["a", "b", "a"], ["p", "p", "q"])
    with pytest.raises(ValueError, match="nothing is left"):
        metric_shares.variance([0.0, 1.0], {"metric": ["a", "b"]})


def test_halfway_of_a_line_a_late_jump_and_an_early_rush():
    sizes = [1, 10, 100, 1000, 10_000]
    assert metric_shares.halfway(sizes, [0, 1, 2, 3, 4]) == pytest.approx(0.5)
    assert metric_shares.halfway(sizes, [0, 0, 0, 0, 1]) == 0
    assert metric_shares.halfway(sizes, [0, 1, 1, 1, 1]) == 1
    assert metric_shares.halfway(sizes, [1, 0, 0, 0, 1]) is None


def test_shares_count_infinite_falling_and_untested_curves_openly():
    table = made([row("t", "m", float("inf"), True), row("u", "m", -2.0), row("v", "m", 4.0)])
    table = pl.concat([table, table.tail(1).with_columns(exceedance=None, above=None, q=None, score=0.0)], how="vertical_relaxed")
    found = metric_shares.shares(table).row(0, named=True)
    assert {name: found[name] for name in ("triplets", "tested", "above", "infinite", "falling", "zero", "highest")} == {
        "triplets": 4, "tested": 3, "above": 1, "infinite": 1, "falling": 1, "zero": 1, "highest": 4.0,
    }  # fmt: skip
    assert found["luck"] == pytest.approx(stats.binomtest(1, 3, 0.05, "greater").pvalue)
    wilson = stats.binomtest(1, 3).proportion_ci(method="wilson")
    assert (found["low"], found["high"]) == pytest.approx((wilson.low, wilson.high), abs=1e-3)


def test_pairs_compare_the_same_task_and_count_a_tie_half(monkeypatch):
    monkeypatch.setattr(metric_shares, "PAIRS", (("bigg", "x", "y"),))
    table = made([row("t", "x", float("inf"), True), row("t", "y", float("inf"), True), row("u", "x", 5.0, True),
                  row("u", "y", 3.0), row("alone", "x", 9.0)])  # fmt: skip
    found = metric_shares.paired(table, draws=50).row(0, named=True)
    assert (found["curves"], found["higher"], found["only_sharp"], found["only_smooth"], found["both"]) == (2, 0.75, 1, 0, 1)


def test_the_sign_test_is_a_coin():
    assert metric_shares.sign_test(6, 0) == pytest.approx(2 / 2**6)
    assert metric_shares.sign_test(0, 0) == 1


def test_a_falling_curve_is_never_above_its_null():
    table = metric_shares.scored(20)
    assert table.filter(pl.col("above") & (pl.col("score") <= 0)).is_empty()
    assert set(table["origin"]) == set(metric_shares.TABLES)


def test_crossed_tables_have_every_metric_once_a_cell():
    for name, chosen in metric_shares.CROSSED.items():
        cells = metric_shares.crossed(metric_shares.scored(20), name)
        assert cells.group_by("task", "family").agg(n=pl.len(), m=pl.col("metric").n_unique()).select(
            ((pl.col("n") == len(chosen)) & (pl.col("m") == len(chosen))).all()
        ).item(), name


def test_the_verdict_names_what_is_missing():
    found = metrics.metrics_few_5_of_39()
    assert found.verdict == "cannot be tested here" and "threshold" in found.because and "all.csv" in found.because


def test_what_the_chapter_says_without_a_number_is_so():
    """The fixed sentences of which-metrics.md: should one fail, the chapter has to be told otherwise."""
    scored = metric_shares.scored()
    table = metric_shares.shares(scored)
    assert table.sort("median")["metric"][-1] == "perplexity"
    assert set(scored.filter(metric="perplexity")["task"]) == {"lambada_openai"}
    assert scored.filter(metric="perplexity")["halfway"].min() > 0.5
    above = set(metric_shares.exceeding(table.filter(pl.col("tested") > 0))["metric"])
    assert {"perplexity", "brier_top_label", "accuracy", "exact_str_match"} <= above
    share = dict(table.select("metric", "share").iter_rows())
    assert share["brier_top_label"] > share["multiple_choice_grade"]
    assert "multiple_choice_grade" not in above and "exact_match" not in above
    pairs = metric_shares.paired(scored)
    assert pairs.filter((pl.col("tasks") > 1) & (pl.col("low") > 0.5))["smooth"].to_list() == ["edit_distance"]
    assert metric_shares.explained().filter(pl.col("table") == "bigg", pl.col("factor") == "family").is_empty()


def test_perplexity_loses_its_score_under_a_logarithm():
    raw = records.load("lm-eval").filter(metric="perplexity")
    log = raw.with_columns(pl.col("score").log(), stderr=pl.col("stderr") / pl.col("score"), metric=pl.lit("loss"))
    both = triplets.scored(raw)["score"].to_numpy(), triplets.scored(log)["score"].to_numpy()
    assert (both[0] > 2 * both[1]).all()


def test_top_label_brier_of_most_written_answers_repeats_exact_match_and_is_left_out():
    bigg = records.load("bigg")
    exact = bigg.filter(metric="exact_str_match")
    both = exact.join(bigg.filter(metric="brier_top_label"), on=["task", "family", "n_params", "shots"], suffix="_brier")
    same = both.group_by("task").agg(((pl.col("score") + pl.col("score_brier") - 1).abs() < 1e-6).all().alias("same"))
    assert (same["same"].sum(), same.height) == (18, 23)
    left = metric_shares.scored(20).filter(origin="bigg", metric="brier_top_label")["task"]
    assert not set(left) & set(exact["task"])
