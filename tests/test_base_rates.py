"""Base rates: the published and computed shares, and the tests against sums in plain Python."""

from math import comb, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from mirage_lib.analyses import base_rates
from mirage_lib.analyses.base_rates import Contrast
from mirage_lib.claims import base_rates as claims
from mirage_lib.show import base_rate_views


def hypergeometric(found, at_least):
    """Sum the chance of so many or more of the two metrics among the emergent, margins fixed."""
    yes, n = found.yes + found.other_yes, found.emergent + found.others
    top = min(yes, found.emergent)
    ways = [comb(yes, k) * comb(n - yes, found.emergent - k) for k in range(at_least, top + 1)]
    return sum(ways) / comb(n, found.emergent)


def fisher_weights(found, odds):
    """Chances of every possible number of yes among the emergent, for a given odds ratio."""
    yes, n = found.yes + found.other_yes, found.emergent + found.others
    low, high = max(0, found.emergent - (n - yes)), min(yes, found.emergent)
    k = np.arange(low, high + 1)
    logs = np.array([log(comb(yes, j)) + log(comb(n - yes, found.emergent - j)) for j in k.tolist()])
    logs += k * np.log(odds)
    weights = np.exp(logs - logs.max())
    return k, weights / weights.sum()


tables = st.tuples(st.integers(1, 40), st.integers(1, 40)).flatmap(
    lambda n: st.builds(Contrast, st.integers(0, n[0]), st.just(n[0]), st.integers(0, n[1]), st.just(n[1]))
)


def test_the_shares_and_the_p_of_the_json_tasks_are_the_known_ones():
    found = base_rates.contrast()
    assert (found.yes, found.emergent, found.other_yes, found.others) == (63, 65, 81, 96)
    assert round(100 * found.yes / found.emergent, 1) == 96.9
    assert round(100 * found.other_yes / found.others, 1) == 84.4
    assert round(found.fisher(), 3) == 0.008


def test_with_programs_counted_as_other_the_shares_are_94_and_62_percent():
    found = base_rates.contrast("programs as other")
    assert (found.yes, found.emergent, found.other_yes, found.others) == (63, 67, 81, 130)


def test_every_rule_s_p_is_a_hypergeometric_sum_in_plain_python():
    for row in base_rates.robustness().iter_rows(named=True):
        found = base_rates.contrast(row["rule"])
        assert row["p"] == pytest.approx(hypergeometric(found, found.yes), rel=1e-9)
        assert row["odds_low"] < row["odds_ratio"] < row["odds_high"]


@given(tables)
def test_fisher_s_p_is_the_sum_and_grows_as_the_contrast_shrinks(found):
    p = found.fisher()
    assert p == pytest.approx(min(1, hypergeometric(found, found.yes)), rel=1e-7)
    if found.yes:
        assert Contrast(found.yes - 1, found.emergent, found.other_yes, found.others).fisher() >= p - 1e-12


def test_the_conditional_odds_ratio_and_its_interval_solve_their_equations():
    found = base_rates.contrast()
    estimate, low, high = found.odds()
    k, weights = fisher_weights(found, estimate)
    assert (k * weights).sum() == pytest.approx(found.yes, abs=1e-4)
    upper = optimize.brentq(lambda odds: fisher_weights(found, odds)[1][k <= found.yes].sum() - 0.025, 1, 1e4)
    lower = optimize.brentq(lambda odds: fisher_weights(found, odds)[1][k >= found.yes].sum() - 0.025, 1e-3, 50)
    assert (low, high) == pytest.approx((lower, upper), rel=1e-3)


def test_newcombe_s_interval_is_that_of_his_worked_example():
    # Newcombe (1998), Table II, example (a): 56/70 - 48/80, method 10: 0.0524 to 0.3339
    assert Contrast(56, 70, 48, 80).difference() == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


def test_the_table_turned_round_has_the_same_cells():
    two, other, every = base_rates.predictive().iter_rows(named=True)
    assert two["emergent"] + other["emergent"] == every["emergent"] == 65
    assert two["n"] + other["n"] == every["n"] == 161
    found = base_rates.contrast()
    prior = 65 / 161 / (1 - 65 / 161)
    posterior = prior * found.likelihood_ratio
    assert two["share"] == pytest.approx(posterior / (1 + posterior))
    table = base_rates.by_metric()
    assert (table["emergent"].sum(), table["n"].sum()) == (67, 197)


def test_no_evidence_is_where_the_shares_meet():
    found = base_rates.contrast()
    table = base_rates.no_evidence(found)
    assert table["p"].is_sorted()
    assert table["p"][0] < 1e-6 and table["p"][-1] == 1
    assert table.filter("evidence")["other_share"].max() < found.yes / found.emergent


def test_fragility_is_the_first_number_that_loses_significance():
    found = base_rates.contrast()
    n = base_rates.fragility(found)
    assert Contrast(found.yes - n, 65, 81, 96).fisher() >= 0.05 > Contrast(found.yes - n + 1, 65, 81, 96).fisher()


def test_the_number_of_metrics_expected_by_chance_is_that_of_shuffled_labels():
    found = base_rates.metrics_by_chance()
    table = base_rates.by_metric().filter(~base_rates.pl.col("metric").is_in(["mixed", "not in the task files"]))
    labels = np.repeat(np.arange(table.height), table["n"].to_numpy())
    rng = np.random.default_rng(1)
    counts = [len(set(rng.permutation(labels)[:65])) for _ in range(4000)]
    assert found["expected"] == pytest.approx(np.mean(counts), abs=0.06)
    assert found["p"] == pytest.approx(np.mean(np.array(counts) <= found["seen"]), abs=0.02)


def test_shapes_divide_the_39_metrics():
    for named, few in (("fig5b", 4), ("fig5a", 5)):
        found = base_rates.shapes(named)
        assert (found.emergent, found.others) == (few, 39 - few)


def test_impossible_counts_and_unknown_rules_are_named():
    with pytest.raises(ValueError, match="7 of 6"):
        Contrast(7, 6, 1, 2)
    with pytest.raises(ValueError, match="0 of 0"):
        Contrast(0, 0, 1, 2)
    with pytest.raises(ValueError, match="no rule is called 'all tasks'.*JSON tasks"):
        base_rates.contrast("all tasks")


def test_the_verdicts_carry_their_counts():
    said = claims.metrics_annotated_4_of_39()
    assert said.verdict == "partly"
    assert "4 of 39" in said.because and "modified_arithmetic" in said.because
    said = claims.metrics_92_percent()
    assert said.verdict == "upheld"
    assert "62 of 67 (92.5%)" in said.because and "63 of 67 (94.0%)" in said.because
    said = claims.metrics_base_rate()
    assert said.verdict == "upheld"
    assert "63 of 65 (96.9%) against 81 of 96 (84.4%)" in said.because and "p 0.008" in said.because
    said = claims.metrics_nonlinear()
    assert said.verdict == "upheld"
    assert "3 of the 4" in said.because and "of all 39" in said.because


def test_the_array_draws_every_task_once_and_the_table_shows_every_metric():
    figure = base_rate_views.array_figure()
    assert figure.table["tasks"].sum() == 197
    assert figure.svg.count("<use ") >= 197
    assert "51 multiple choice grade, 12 exact string match" in figure.alt
    shown = base_rate_views.metrics_table().table
    assert shown.height == 39
    assert shown.filter(metric="combined_bias")["tasks"].item() == "not in the JSON files"


def test_the_figure_of_rules_names_every_rule_with_its_counts():
    figure = base_rate_views.rules_figure()
    assert all(rule in figure.svg for rule in base_rates.RULES)
    assert "97% against 84%" in figure.alt
