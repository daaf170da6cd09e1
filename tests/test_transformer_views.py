"""Transformers that read characters: claims and views, against enumeration, SciPy and simulated episodes."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from scipy.stats import betabinom

from mirage_lib import metrics
from mirage_lib.claims import registry
from mirage_lib.claims import transformer as measured
from mirage_lib.show import transformer_views


def simulated(right, size=9):
    """An outputs table of networks with the given answers, (seeds, episodes, queries)."""
    parts = [
        pl.DataFrame({"model": f"width {size}", "n_params": size, "seed": seed,
                      "item": [f"{k:05}" for k in range(len(network))], "correct": network.astype(bool).tolist()})
        for seed, network in enumerate(right)
    ]  # fmt: skip
    return pl.concat(parts)


def lumpy(seeds=3, episodes=3000, shared=True, seed=0):
    """Episodes whose accuracy is beta distributed (mean 0.6, rho 0.2): the same for all seeds, or each its own."""
    rng = np.random.default_rng(seed)
    p = rng.beta(0.6 * 4, 0.4 * 4, (1 if shared else seeds, episodes, 1))
    return rng.random((seeds, episodes, 5)) < p


def test_l_right_is_the_share_over_all_choices_of_queries():
    right = np.random.default_rng(1).random((2, 50, 5)) < 0.6
    table = measured.by_network(simulated(right))
    for row in table.iter_rows(named=True):
        choices = combinations(range(5), row["k"])
        direct = np.mean([right[row["seed"]][:, list(chosen)].all(axis=1).mean() for chosen in choices])
        assert row["estimate"] == pytest.approx(direct)


def test_all_five_right_is_the_registered_metric():
    outputs = simulated(np.random.default_rng(2).random((1, 80, 5)) < 0.7)
    five = measured.by_network(outputs, (5,))["estimate"][0]
    assert five == pytest.approx(metrics.vision.first_all_correct(5).score(outputs).mean())


def test_independent_errors_of_unequal_seeds_make_no_ratio_above_one():
    rng = np.random.default_rng(3)
    right = rng.random((4, 4000, 5)) < np.array([0.2, 0.5, 0.8, 0.9])[:, None, None]
    table = measured.ratios(simulated(right))
    assert (table["low"] < 1).all() and (table["high"] > 1).all()
    assert table["ratio"].to_numpy() == pytest.approx(np.ones(4), abs=0.05)


def test_errors_that_come_together_make_the_ratio_of_the_beta_binomial():
    table = measured.ratios(simulated(lumpy(episodes=20000)), (5,))
    expected = betabinom.pmf(5, 5, 2.4, 1.6) / 0.6**5
    assert table["low"][0] < expected < table["high"][0]
    assert table["low"][0] > 1


@pytest.mark.parametrize("p, rho, length", [(0.3, 0.1, 3), (0.8, 0.4, 5), (0.5, 0.01, 2)])
def test_all_right_is_that_of_scipy(p, rho, length):
    total = (1 - rho) / rho
    assert measured.all_right(p, rho, length) == pytest.approx(betabinom.pmf(length, length, p * total, (1 - p) * total))


def test_lumps_finds_the_correlation_and_where_it_comes_from():
    same = measured.lumps(simulated(lumpy(episodes=20000))).row(0, named=True)
    own = measured.lumps(simulated(lumpy(episodes=20000, shared=False))).row(0, named=True)
    assert same["rho"] == pytest.approx(0.2, abs=0.02) and own["rho"] == pytest.approx(0.2, abs=0.02)
    assert same["excess"] == pytest.approx(1 + 4 * 0.2, abs=0.08)
    assert same["shared"] == pytest.approx(1, abs=0.1) and own["shared"] == pytest.approx(0, abs=0.1)


def test_rho_is_the_mean_correlation_of_two_queries():
    right = lumpy(seeds=1, episodes=5000)
    pairs = np.corrcoef(right[0].T)[np.triu_indices(5, 1)].mean()
    assert measured.lumps(simulated(right))["rho"][0] == pytest.approx(pairs, abs=0.005)


def test_counts_sum_to_one_and_keep_the_accuracy():
    table = transformer_views.counts_table(simulated(lumpy()), [9])
    for name in ("observed", "independent", "beta"):
        assert table[name].sum() == pytest.approx(1)
    means = [(table["right"] * table[name]).sum() for name in ("observed", "independent", "beta")]
    assert means == pytest.approx([means[0]] * 3)
    assert np.abs(table["beta"] - table["observed"]).max() < np.abs(table["independent"] - table["observed"]).max()


def test_counts_of_a_size_that_is_not_there_name_those_that_are():
    with pytest.raises(ValueError, match=r"no network has 7 parameters: there are \[9\]"):
        transformer_views.counts_table(simulated(lumpy(episodes=10)), [7])


def test_leaps_finds_the_largest_step_of_each_seed():
    rows = {"n_params": [1, 2, 3] * 2, "seed": [0] * 3 + [1] * 3, "estimate": [0.2, 0.7, 1.0, 0.2, 0.3, 1.0]}
    table = measured.leaps(pl.DataFrame(rows))
    assert table["above"].to_list() == [2, 3]
    assert table["share"].to_list() == pytest.approx([0.5 / 0.8, 0.7 / 0.8])


def test_published_points_lie_above_the_third_power_and_the_middle_below_a_mixture():
    table = measured.published_powers()
    assert (table["ratio"] > 1).all()
    middle = table[3:5]
    assert ((middle["power"] < middle["printed"]) & (middle["printed"] < middle["mixture"])).all()


def test_figures_say_what_they_show():
    outputs = simulated(lumpy())
    assert "surely above 1 at 1 sizes" in transformer_views.ratio_figure(measured.ratios(outputs)).alt
    assert "9 parameters: all 5 right in" in transformer_views.counts_figure(outputs, [9]).alt
    ours = pl.DataFrame({"one": [0.5], "three": [0.2]})
    assert "our 1 networks" in transformer_views.published_figure(measured.published_powers(), ours).alt


def test_explorer_does_not_say_that_the_paper_shows_our_sizes():
    networks = pl.concat([measured.by_network(simulated(lumpy(episodes=50), size)) for size in (9, 99, 999)])
    made = transformer_views.length_explorer("x", networks, 3, [9, 999])
    labels = [option["label"] for control in made.controls if control.name == "sizes" for option in control.options]
    assert labels == ["all 3", "only 2"]


def test_claims_have_verdicts():
    for name in ("transformer_smooth", "transformer_all_correct_sharp", "transformer_like_mmlu"):
        assert registry.TESTS[name]().verdict in registry.VERDICTS
