"""One recipe at many sizes: the tables are whole, and the arithmetic agrees with independent truth."""

from math import comb

import numpy as np
import polars as pl
import pytest
from scipy import stats

from mirage_lib.analyses import recipes
from mirage_lib.claims import recipes as claims


@pytest.mark.parametrize(("wins", "n"), [(0, 4), (19, 20), (10, 20), (13, 17)])
def test_sign_test_is_the_exact_binomial(wins, n):
    tail = sum(comb(n, k) for k in range(max(wins, n - wins), n + 1)) / 2**n
    assert recipes.sign_test(wins, n) == pytest.approx(min(1.0, 2 * tail))


@pytest.mark.parametrize("metric", recipes.METRICS)
def test_rank_is_spearmans(metric):
    part = recipes.along("arc_easy_test", metric)
    row = recipes.order(20).filter((pl.col("task") == "arc_easy_test") & (pl.col("metric") == metric))
    assert row["rank"][0] == pytest.approx(stats.spearmanr(part["flops_1e21"], part["value"]).statistic)


def test_no_forecast_sees_the_large_models():
    assert recipes.along("mmlu_stem_test", "accuracy")["n_params"].max() < 4e9
    naive = recipes.forecasts().filter((pl.col("way") == "naive") & (pl.col("task") == "mmlu_stem_test"))
    assert naive["forecast"].to_list() == [recipes.along("mmlu_stem_test", "accuracy")["value"][-1]] * 2


def test_every_task_has_the_whole_grid():
    assert all(recipes.along(task, "accuracy").height == 25 for task in recipes.tasks())


def test_bleu_is_below_exact_match_in_one_family_only():
    """A fact of the records that the chapter tells, and cannot explain."""
    table = recipes.transliteration()
    assert table.filter(pl.col("exact_match") > pl.col("bleu"))["family"].unique().to_list() == ["Qwen"]


def test_claims_judge():
    wins, n, _ = recipes.compared("two steps", "direct")
    assert f"on {wins} of {n} task splits" in claims.recipe_bits_foretell().because


def test_the_wobble_is_the_residual_of_numpys_line():
    last = 8
    part = recipes.runs().filter(pl.col("task") == "piqa_val")
    left = []
    for _, run in part.group_by("model", "run"):
        y = run.sort("flops_1e21", "step")["accuracy"].to_numpy()[-last:]
        left.append(y - np.polyval(np.polyfit(np.arange(last), y, 1), np.arange(last)))
    expected = np.sqrt(np.sum(np.square(left)) / (len(left) * (last - 2)))
    row = recipes.wobble().filter((pl.col("task") == "piqa_val") & (pl.col("metric") == "accuracy"))
    assert row["noise"][0] == pytest.approx(expected)


def test_the_end_of_every_run_is_its_record():
    ends = recipes.runs().filter(pl.col("task") == "mmlu_stem_test").group_by("n_params", "run").agg(
        pl.col("accuracy").sort_by("flops_1e21").last()
    )
    table = recipes.ladder().filter((pl.col("task") == "mmlu_stem_test") & ~pl.col("target"))
    table = table.with_columns(run=pl.col("family").str.strip_prefix("OLMo "))
    both = ends.join(table, on=["n_params", "run"], suffix="_record", validate="1:1")
    assert both.height == 25 and (both["accuracy"] - both["accuracy_record"]).abs().max() < 1e-4


def test_the_scatter_is_the_residual_of_plain_least_squares():
    part = recipes.along("piqa_val", "accuracy")
    design = np.vander(np.log(part["flops_1e21"]), 4)
    squares = np.linalg.lstsq(design, part["value"].to_numpy(), rcond=None)[1]
    row = recipes.scatter().filter((pl.col("task") == "piqa_val") & (pl.col("metric") == "accuracy"))
    assert row["noise"][0] == pytest.approx(float(np.sqrt(squares[0] / 21)))


def test_an_unknown_noise_is_named_with_those_allowed():
    with pytest.raises(ValueError, match="'seeds'.*wobble, scatter"):
        recipes.noise_of("seeds")


def test_bits_move_before_accuracy_under_either_noise():
    for source in ("wobble", "scatter"):
        wins, n, p = recipes.onset_order("bits_per_byte", "accuracy", source)
        assert p < 0.05 and 2 * wins > n


def test_slices_hold_five_models_each_and_a_straight_line_scores_four():
    table = recipes.slices(20)
    assert table.group_by("task", "metric", "axis").len()["len"].unique().to_list() == [5]
    assert table["exceedance"].is_between(0, 1).all()
