"""Choices: both metrics of public models, each measure against an independent truth or a made case."""

import numpy as np
import polars as pl
import pytest
from scipy import stats
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LinearRegression

from mirage_lib import breaks
from mirage_lib.analyses import choices, difficulty
from mirage_lib.bigbench import records
from mirage_lib.claims import brier
from mirage_lib.show import choice_views


def test_both_metrics_of_one_row_are_those_of_the_records():
    table = records.load("choice")
    for model, task in (("Qwen/Qwen1.5-7B", "mmlu"), ("facebook/opt-125m", "arc")):
        row = choices.paired().filter((pl.col("model") == model) & (pl.col("task") == task)).row(0, named=True)
        for metric in choices.METRICS:
            here = (pl.col("model") == model) & (pl.col("task") == task) & (pl.col("metric") == metric)
            assert row[metric] == table.filter(here)["score"].item()


def test_compute_is_six_times_parameters_times_tokens_and_a_mistaken_size_is_put_right():
    table = choices.paired().drop_nulls("flops").unique("model")
    source = records.load("choice").unique("model").select("model", "flops_1e21")
    both = table.join(source, on="model").with_columns(ratio=pl.col("flops") / pl.col("flops_1e21") / 1e21)
    off = both.filter((pl.col("ratio") - 1).abs() > 0.02)
    assert off["model"].to_list() == list(choices.MISTAKEN)
    assert off["n_params"].to_list() == [7_000_000_000]


def test_no_brier_score_is_lower_than_the_accuracy_beside_it_allows():
    table = choices.paired()
    assert (table["brier"] >= (1 - table["accuracy"]) / 4 - 1e-3).all()


def test_an_even_climb_has_the_share_of_the_window_and_a_step_has_all():
    x = np.linspace(20, 24, 41)
    assert choices.steepest(x, 3 * x) == pytest.approx(0.5 / 4)
    assert choices.steepest(x, (x > 22).astype(float)) == 1
    assert np.isnan(choices.steepest(x, -x))


def test_the_steepest_stretch_is_that_of_a_second_isotonic_fit_on_a_fine_grid():
    rng = np.random.default_rng(0)
    for _ in range(20):
        x = np.sort(rng.uniform(20, 24, 30))
        y = np.tanh(2 * (x - 22)) + rng.normal(0, 0.3, 30)
        fine = np.linspace(19.5, 24.5, 20_001)
        fit = np.interp(fine, x, IsotonicRegression().fit(x, y).predict(x))
        width = round(0.5 / (fine[1] - fine[0]))
        expected = (fit[width:] - fit[:-width]).max() / np.ptp(fit)
        assert choices.steepest(x, y) == pytest.approx(expected, abs=2e-3)


def test_the_knee_of_a_bent_line_is_found_through_noise_and_order_does_not_matter():
    rng = np.random.default_rng(0)
    brier = rng.uniform(0.2, 0.7, 80)
    accuracy = 0.25 + 1.4 * np.clip(0.56 - brier, 0, None) + rng.normal(0, 0.005, 80)
    at, floor, slope, r2 = choices.knee(brier, accuracy)
    assert (at, floor, slope) == (pytest.approx(0.56, abs=0.01), pytest.approx(0.25, abs=0.01), pytest.approx(1.4, abs=0.05))
    assert r2 > 0.99
    order = rng.permutation(80)
    assert choices.knee(brier[order], accuracy[order]) == pytest.approx((at, floor, slope, r2))


def test_shares_of_variance_are_those_of_a_second_library():
    part = choices.of("mmlu")
    x = np.log10(part["flops"].to_numpy())
    design = np.column_stack([x, x**2])
    y = part["brier"].to_numpy()
    found = choices.explained("mmlu", "brier")
    assert found["compute"] == pytest.approx(LinearRegression().fit(design, y).score(design, y), abs=1e-6)
    dummies = part["family"].to_dummies().to_numpy()
    full = np.column_stack([design, dummies])
    assert found["compute and family"] == pytest.approx(LinearRegression().fit(full, y).score(full, y), abs=1e-6)
    assert found["foretold"] <= found["compute"] + 0.05


def test_matched_models_are_of_two_families_and_near_in_compute():
    pairs = choices.matched("mmlu", 1.1)
    flops = dict(choices.of("mmlu").select("model", "flops").iter_rows())
    for model, other, a, b in pairs.select("model", "model_other", "family", "family_other").iter_rows():
        assert a != b and max(flops[model], flops[other]) / min(flops[model], flops[other]) <= 1.1 + 1e-9
    assert pairs["gap"].is_sorted(descending=True) and pairs["gap"].min() > 0


def test_slopes_within_a_family_are_those_of_least_squares_and_stablelm_is_no_family():
    table = choices.within()
    assert "StableLM" not in table["family"] and table["models"].min() >= choices.LEAST_SIZES
    row = table.filter((pl.col("task") == "hindu_knowledge") & (pl.col("family") == "Pythia")).row(0, named=True)
    part = choices.of("hindu_knowledge").filter(pl.col("family") == "Pythia").sort("n_params")
    x, y = np.log10(part["n_params"].to_numpy()), -part["brier"].to_numpy()
    assert row["gain_brier"] == pytest.approx(np.polyfit(x, y, 1)[0])
    residual = y - np.polyval(np.polyfit(x, y, 1), x)
    error = np.sqrt((residual**2).sum() / (len(x) - 2) / ((x - x.mean()) ** 2).sum())
    assert row["p_brier"] == pytest.approx(2 * stats.t.sf(abs(row["gain_brier"] / error), len(x) - 2))
    assert row["largest_brier"] == pytest.approx(np.diff(y).max() / np.ptp(y))


def test_resampled_families_are_whole_and_as_many():
    part = choices.of("arc")
    draws = list(choices.resampled(part, 30, 0))
    sizes = dict(part.group_by("family").len().iter_rows())
    family = part["family"].to_numpy()
    assert draws[0].tolist() == list(range(part.height))
    for rows in draws[1:]:
        names, counts = np.unique(family[rows], return_counts=True)
        times = [c / sizes[n] for n, c in zip(names, counts, strict=True)]
        assert sum(times) == len(sizes) and all(t == int(t) for t in times)


def test_groups_of_items_average_to_the_whole_task():
    whole = choices.of("mmlu").select("model", "brier", "accuracy")
    parts = difficulty.groups("mmlu").group_by("model").agg(
        (pl.col("brier", "accuracy") * pl.col("n_items")).sum() / pl.col("n_items").sum()
    )
    both = whole.join(parts, on="model", suffix="_groups")
    assert (both["brier"] - both["brier_groups"]).abs().max() < 2e-3
    assert (both["accuracy"] - both["accuracy_groups"]).abs().max() < 2e-3


def test_slopes_of_groups_are_those_of_least_squares():
    part = difficulty.groups("arc").filter((pl.col("flops") < 3e22) & (pl.col("group") == 4))
    x, y = np.log10(part["flops"].to_numpy())[:, None], -part["brier"].to_numpy()
    row = difficulty.early_slopes("arc", draws=20).row(3, named=True)
    assert row["slope"] == pytest.approx(LinearRegression().fit(x, y).coef_[0])
    assert row["low"] <= row["slope"] <= row["high"]


def test_an_unknown_task_is_named_with_those_that_there_are():
    for ask in (choices.of, difficulty.groups):
        with pytest.raises(ValueError, match="unknown task 'winogrande': choose one of mmlu"):
            ask("winogrande")


def test_the_break_test_of_families_is_that_of_the_curve_itself_and_the_verdict_counts_only_sure_breaks():
    table = brier.public_breaks()
    row = table.filter((pl.col("task") == "arithmetic") & (pl.col("family") == "Qwen1.5")).row(0, named=True)
    part = choices.of("arithmetic").filter(pl.col("family") == "Qwen1.5")
    again = breaks.find(np.log(part["n_params"]), -part["brier"].to_numpy())
    assert row["brier"] == again.p and row["models"] == 6
    alone = table.filter(pl.col("emergent") & (pl.col("family") != brier.POOLED))
    sure = (breaks.adjusted(alone["accuracy"]) < 0.05).sum()
    verdict = brier.brier_public_models()
    assert (verdict.verdict == "cannot be tested here") == (sure == 0)
    assert f"{(alone['accuracy'] < 0.05).sum()} have a break under accuracy" in verdict.because


def test_a_made_family_whose_accuracy_leaps_over_an_even_brier_score_is_seen_as_such():
    sizes = np.logspace(8, 11, 10)
    brier_score = np.linspace(0.8, 0.5, 10) + np.random.default_rng(0).normal(0, 0.004, 10)
    accuracy = 0.25 + 2 * np.clip(0.57 - brier_score, 0, None)
    assert breaks.find(np.log(sizes), accuracy).p < 0.05 <= breaks.find(np.log(sizes), -brier_score).p


def test_figures_give_their_numbers_and_the_alternative_text_agrees():
    drawn = choice_views.shares_figure(draws=20)
    accuracy = drawn.table.filter(pl.col("metric") == "accuracy")["share"]
    assert f"accuracy {accuracy.min():.0%} to {accuracy.max():.0%}" in drawn.alt
    assert choice_views.by_compute(["mmlu"]).table.height == choices.of("mmlu").height
    groups = choice_views.groups_figure(["mmlu"])
    assert f"{groups.table['slope'][0]:+.2f} in the easiest" in groups.alt
