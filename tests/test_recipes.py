"""One recipe at many sizes: the tables are whole, and the arithmetic agrees with independent truth."""

import polars as pl
import pytest
from scipy import stats

from mirage_lib import recipes
from mirage_lib.claims import recipes as claims


@pytest.mark.parametrize(("wins", "n"), [(0, 4), (19, 20), (10, 20), (13, 17)])
def test_sign_test_is_the_exact_binomial(wins, n):
    assert recipes.sign_test(wins, n) == pytest.approx(stats.binomtest(wins, n).pvalue)


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
