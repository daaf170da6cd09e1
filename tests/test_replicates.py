"""Curves drawn again: closed forms of their spread, the coverage of what is read off them, published points."""

import numpy as np
import polars as pl
import pytest

from mirage_lib import curves, emergence, outputs, replicates


def answers(right, sizes=None, task="addition", group=4):
    """Outputs whose answers are right where the array (sizes, seeds, problems) says so."""
    right = np.asarray(right)
    sizes = np.arange(1, len(right) + 1) if sizes is None else np.asarray(sizes)
    size, seed, item = (axis.ravel() for axis in np.indices(right.shape))
    return pl.DataFrame(
        {
            "family": "simulated",
            "model": [f"size {n}" for n in sizes[size]],
            "n_params": sizes[size],
            "seed": seed,
            "task": task,
            "item": [f"problem {k}" for k in item],
            "group": group,
            "temperature": 0.0,
            "target": "1",
            "output": np.where(right.ravel(), "1", "0"),
        }
    )


def accuracy(table, draws=1000, seed=0):
    return replicates.resample(table, ("exact_match",), draws, seed)[0]


def test_the_curve_is_that_of_the_curves_module_also_where_some_seeds_are_missing():
    ladder = outputs.load("arithmetic-ladder").filter(pl.col("group") == 3)
    largest = ladder["n_params"].max()
    ladder = ladder.filter((pl.col("n_params") < largest) | (pl.col("seed") == 0))
    names = ("exact_match", "token_edit_distance")
    for cell in replicates.resample(ladder, names, draws=2):
        known = curves.curve(ladder.filter(pl.col("task") == cell.task), cell.metric, draws=1)
        sign = -1 if cell.metric == "token_edit_distance" else 1
        assert cell.sizes.tolist() == known["n_params"].to_list()
        assert sign * cell.values == pytest.approx(known["estimate"].to_numpy())


def test_without_noise_every_draw_is_the_curve_itself():
    cell = accuracy(answers([[[0, 0, 0]] * 2, [[1, 1, 1]] * 2]), draws=20)
    assert cell.values.tolist() == [0, 1] and (cell.draws == cell.values).all()


def test_one_seed_spreads_as_a_share_of_so_many_problems_does():
    right = np.random.default_rng(0).random((2, 1, 400)) < np.array([0.2, 0.6])[:, None, None]
    cell = accuracy(answers(right), draws=4000)
    assert cell.draws.std(axis=0) == pytest.approx(np.sqrt(cell.values * (1 - cell.values) / 400), rel=0.05)


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_the_spread_of_few_seeds_has_the_variance_of_their_mean_without_bias(seeds):
    """Seeds that get everything right or nothing: the variance of a mean of S is s^2 / S."""
    right = np.zeros((1, seeds, 50), dtype=bool)
    right[:, 0] = True
    cell = accuracy(answers(right), draws=20_000)
    expected = np.var(right[0, :, 0], ddof=1) / seeds
    assert cell.draws[:, 0].var() == pytest.approx(expected, rel=0.05)


def test_problems_are_drawn_for_all_models_at_once_and_seeds_for_each_alone():
    hard = np.arange(200) < 100
    shared = accuracy(answers(np.broadcast_to(hard, (2, 2, 200))))
    assert shared.draws[:, 0] == pytest.approx(shared.draws[:, 1]) and shared.draws.std() > 0.02
    lucky = np.zeros((2, 4, 50), dtype=bool)
    lucky[:, :2] = True
    apart = accuracy(answers(lucky), draws=4000)
    assert abs(np.corrcoef(apart.draws.T)[0, 1]) < 0.06


def test_several_prompts_about_one_problem_count_as_one():
    table = answers([[[1, 0]], [[1, 1]]])
    thrice = pl.concat([table, table.filter(pl.col("item") == "problem 0"), table.filter(pl.col("item") == "problem 0")])
    assert accuracy(thrice).values.tolist() == accuracy(table).values.tolist() == [0.5, 1.0]


def test_a_problem_that_a_run_was_not_asked_does_not_count_for_it():
    table = answers([[[1, 0, 0]], [[1, 1, 1]]]).filter(~((pl.col("n_params") == 1) & (pl.col("item") == "problem 2")))
    cell = accuracy(table, draws=500)
    assert cell.values.tolist() == [0.5, 1.0]
    assert np.isfinite(cell.draws).all() and set(cell.draws[:, 1]) == {1.0}


def test_two_models_of_one_size_are_refused():
    table = answers([[[0]], [[1]]]).with_columns(n_params=pl.lit(7))
    with pytest.raises(ValueError, match="same size: pass one family at a time"):
        accuracy(table)


def test_intervals_of_the_score_cover_the_true_score_about_as_often_as_they_say():
    rng, truth, hits, tries = np.random.default_rng(5), np.array([0.1, 0.2, 0.35, 0.6, 0.9]), 0, 150
    known = emergence.score(range(5), truth)
    for _ in range(tries):
        chance = truth[:, None, None] + rng.uniform(-0.06, 0.06, (5, 12, 1))
        row = emergence.scored([accuracy(answers(rng.random((5, 12, 60)) < chance), 300)], draws=2).row(0, named=True)
        hits += row["low"] <= known <= row["high"]
    assert 0.9 <= hits / tries <= 1


# --- published points -------------------------------------------------------------------------------


def test_published_curves_are_the_digitised_points():
    table = curves.published("fig3")
    cells = replicates.published(draws=2)
    assert len(cells) == table.height // 4 == 36
    for cell in cells:
        panel = f"fig3_{cell.task[:4] if cell.task != 'addition' else 'add'}_"
        panel += "accuracy" if cell.metric == "exact_match" else "neg_ted"
        points = table.filter(
            (pl.col("panel") == panel)
            & (pl.col("target_str_len") == cell.group)
            & (pl.col("temperature") == cell.temperature)
        ).sort("params")
        assert cell.values.tolist() == points["value"].to_list()


def test_one_digit_sums_are_multiples_of_one_126th_up_to_the_stated_error_of_reading():
    for cell in replicates.published(draws=2):
        if (cell.task, cell.group) == ("addition", 1):
            steps = cell.values * replicates.ANSWERS["addition", 1]
            assert np.abs(steps - np.round(steps)).max() / 126 <= replicates.READING[cell.metric]


def test_published_shares_spread_as_binomial_ones_and_distances_as_assumed():
    for cell in replicates.published(temperature=0, draws=4000):
        n = replicates.ANSWERS[cell.task, cell.group]
        most = 1 if cell.metric == "exact_match" else 2 * cell.group + 2
        mean = np.abs(cell.values)
        variance = mean * (most - mean) / n + replicates.READING[cell.metric] ** 2 / 3
        inner = np.minimum(mean, most - mean) > 20 * most / n
        assert cell.draws.std(axis=0)[inner] == pytest.approx(np.sqrt(variance[inner]), rel=0.06)
        assert (np.abs(cell.draws) <= most).all() and (cell.draws * np.sign(cell.values.sum()) >= 0).all()


def test_fewer_answers_widen_published_intervals():
    tenth = {key: number // 10 for key, number in replicates.ANSWERS.items()}
    for many, few in zip(replicates.published(0, 500), replicates.published(0, 500, answers=tenth), strict=True):
        inner = np.abs(many.values) > 0.3
        assert (few.draws.std(axis=0)[inner][:1] > 2 * many.draws.std(axis=0)[inner][:1]).all()
