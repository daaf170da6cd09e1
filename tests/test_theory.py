"""The mathematical model against the published figure, and simulated outputs against closed forms."""

import math

import numpy as np
import polars as pl
import pytest
from scipy.stats import binom

from mirage_lib import curves, metrics, outputs, theory


def mean_scores(said, metric):
    """Mean score of every simulated model, in order."""
    scored = said.select("n_params", score=metrics.get(metric).score(said))
    return scored.group_by("n_params").agg(pl.col("score").mean()).sort("n_params")["score"].to_numpy()


# --- Fig. 2 -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("panel", "A_ce B_prob C_accuracy_L5 D_mcg_2choices E_neg_incorrect_tokens_L5 F_neg_brier_2choices".split())
def test_figure_2_is_recomputed_within_one_percent(panel):
    drawn = curves.published("fig2").filter(pl.col("panel") == panel).sort("params")
    ours = theory.figure2().filter(pl.col("panel") == panel).sort("n_params")
    assert drawn.height == 4 and ours["n_params"].to_list() == drawn["params"].to_list()
    # 5e-5 is half a unit in the last digit of a digitised value.
    assert ours["value"].to_list() == pytest.approx(drawn["value"].to_list(), rel=0.01, abs=5e-5)


def test_figure_2_has_no_other_panels_than_those_published():
    published = {panel for panel in curves.published("fig2")["panel"] if "inset" not in panel}
    assert set(theory.figure2()["panel"]) == published


def test_the_constants_are_those_that_fit_the_published_cross_entropies():
    panel = curves.published("fig2").filter(pl.col("panel") == "A_ce")
    alpha, shift = np.polyfit(np.log(panel["params"]), np.log(panel["value"]), 1)
    assert alpha == pytest.approx(theory.ALPHA, rel=0.01)
    assert math.exp(-shift / alpha) == pytest.approx(theory.C, rel=0.02)


def test_other_settings_change_the_figure_as_the_formulas_say():
    other = theory.figure2(sizes=[4e6, 9e6], alpha=-1.0, c=1e6, length=3, choices=4).partition_by("panel", as_dict=True)
    value = {name: part["value"].to_list() for (name,), part in other.items()}
    p = [math.exp(-1 / 4), math.exp(-1 / 9)]
    assert value["A_ce"] == pytest.approx([1 / 4, 1 / 9])
    assert value["C_accuracy_L5"] == pytest.approx([x * x * x for x in p])
    assert value["D_mcg_2choices"] == [1, 1]
    assert value["E_neg_incorrect_tokens_L5"] == pytest.approx([3 * x - 3 for x in p])


# --- simulated text: closed forms and the real metrics -------------------------------------------------

ERRORS = [0.0, 0.05, 0.2, 0.5, 0.9, 1.0]
N = 8000


@pytest.mark.parametrize("length", [1, 2, 5])
def test_exact_match_of_independent_errors_is_p_to_the_length(length):
    means = mean_scores(theory.text_outputs(ERRORS, length, N, seed=length), "exact_match")
    for error, mean in zip(ERRORS, means, strict=True):
        expected = theory.accuracy(1 - error, length)
        assert expected == pytest.approx(math.prod([1 - error] * length))
        assert mean == pytest.approx(expected, abs=4.5 * math.sqrt(expected * (1 - expected) / N))


@pytest.mark.parametrize("length", [1, 5])
def test_per_token_accuracy_of_independent_errors_is_p(length):
    means = mean_scores(theory.text_outputs(ERRORS, length, N, seed=length), "per_token_accuracy")
    for error, mean in zip(ERRORS, means, strict=True):
        assert mean == pytest.approx(1 - error, abs=4.5 * math.sqrt(error * (1 - error) / N / length) + 1e-12)


@pytest.mark.parametrize("length", [1, 2])
def test_edit_distance_of_up_to_two_tokens_is_the_number_of_wrong_ones(length):
    """One shift costs an insertion and a deletion, so two wrong tokens cannot be mended for less than two."""
    means = mean_scores(theory.text_outputs(ERRORS, length, N, seed=length), "token_edit_distance")
    for error, mean in zip(ERRORS, means, strict=True):
        noise = 4.5 * math.sqrt(length * error * (1 - error) / N) + 1e-12
        assert mean == pytest.approx(float(theory.edit_distance(1 - error, length)), abs=noise)


def test_edit_distance_of_longer_targets_lies_just_below_the_number_of_wrong_tokens():
    """Shifts save something from three wrong tokens on, but never go below two edits: so the mean lies
    between those of min(wrong, 2) and of wrong, both of them binomial."""
    length = 5
    said = theory.text_outputs(ERRORS, length, N, seed=9)
    wrong = np.array([sum(a != b for a, b in zip(t, o, strict=True)) for t, o in said.select("target", "output").rows()])
    distance = metrics.get("token_edit_distance").score(said).to_numpy()
    assert (distance <= wrong).all() and (distance >= np.minimum(wrong, 2)).all()
    assert (distance < wrong).any()
    for k, error in enumerate(ERRORS):
        rows = slice(k * N, (k + 1) * N)
        noise = 4.5 * math.sqrt(length * error * (1 - error) / N) + 1e-12
        assert wrong[rows].mean() == pytest.approx(float(theory.edit_distance(1 - error, length)), abs=noise)
        least = sum(min(w, 2) * binom.pmf(w, length, error) for w in range(length + 1))
        assert least - noise <= distance[rows].mean() <= length * error + noise


def test_wrong_digits_are_spread_evenly_over_the_nine_others():
    said = theory.text_outputs([1.0], 1, 18_000, seed=4)
    shifts = np.bincount((said["output"].cast(pl.Int64) - said["target"].cast(pl.Int64)) % 10, minlength=10)
    assert shifts[0] == 0
    assert ((shifts[1:] - 2000) ** 2 / 2000).sum() < 27.9  # chi-square, 8 degrees of freedom, p = 0.0005


def test_tokens_joined_as_words_are_what_metrics_over_words_see():
    means = mean_scores(theory.text_outputs([0.0, 0.3, 1.0], 6, 500, words=True), "rouge_l_sum")
    assert means[0] == 1 and means[1] > means[2]
    said = theory.text_outputs([0.5], 6, 5, words=True)
    assert (said["target"].str.split(" ").list.len() == 6).all()


# --- simulated choices -----------------------------------------------------------------------------------


@pytest.mark.parametrize("choices", [2, 5])
def test_brier_score_of_identical_items_is_the_closed_form(choices):
    p = [0.0, 0.1, 0.55, 0.9, 1.0]
    means = mean_scores(theory.choice_outputs(p, choices, 20), "brier_binary")
    assert means == pytest.approx([(1 - x) ** 2 for x in p])
    assert theory.brier(p) == pytest.approx([(1 - x) ** 2 for x in p])


@pytest.mark.parametrize("choices", [2, 4])
def test_the_grade_of_identical_items_jumps_from_nothing_to_one_at_chance(choices):
    """Below chance a wrong choice leads every time, so the metric gives 0 where the figure draws chance."""
    p = [0.9 / choices, 1.1 / choices]
    assert mean_scores(theory.choice_outputs(p, choices, 30), "multiple_choice_grade").tolist() == [0, 1]
    assert theory.choice_grade(p, choices).tolist() == [1 / choices, 1]


@pytest.mark.parametrize("choices", [2, 5])
@pytest.mark.parametrize("spread", [0.3, 1.5])
def test_the_mixed_grade_is_that_of_simulated_items_of_which_the_failed_count_chance(choices, spread):
    p = np.array([0.1, 0.3, 0.5, 0.8])
    expected = theory.mixed_choice_grade(p, spread, choices)
    said = theory.choice_outputs(p, choices, N, spread, seed=2)
    passed = mean_scores(said, "multiple_choice_grade")
    rng = np.random.default_rng(3)
    for typical, value, real in zip(p, expected, passed, strict=True):
        odds = np.exp(math.log(typical / (1 - typical)) + spread * rng.normal(size=N))
        own = np.where(odds / (1 + odds) > 1 / choices, 1, 1 / choices)
        assert value == pytest.approx(own.mean(), abs=4.5 * 0.5 / math.sqrt(N))
        assert value == pytest.approx(real + (1 - real) / choices, abs=4.5 * 0.5 / math.sqrt(N))


def test_the_mixed_grade_without_spread_is_the_step():
    p = np.linspace(0.01, 0.99, 30)
    assert (theory.mixed_choice_grade(p, 0, 3) == theory.choice_grade(p, 3)).all()
    far = np.abs(p - 1 / 3) > 0.05
    nearly = theory.mixed_choice_grade(p, 1e-3, 3)
    assert nearly[far] == pytest.approx(theory.choice_grade(p, 3)[far])


# --- simulated tables --------------------------------------------------------------------------------------


def test_simulated_tables_are_valid_outputs():
    text = theory.text_outputs([0.1, 0.9], 3, 5)
    choice = theory.choice_outputs([0.0, 0.3, 1.0], 4, 5, spread=0.5)
    assert outputs.check(text, "text").height == 10 and outputs.check(choice, "choice").height == 15
    assert set(text["group"]) == {3} and set(choice["group"]) == {4}


def test_the_seed_decides_what_is_simulated():
    first, again, other = (theory.text_outputs([0.5], 4, 50, seed=seed) for seed in (1, 1, 2))
    assert first.equals(again) and not first.equals(other)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: theory.cross_entropy([1e6, -1.0]), "have to be positive, but .* a size -1.0"),
        (lambda: theory.cross_entropy(0), "a size 0.0"),
        (lambda: theory.cross_entropy(1e6, c=-2.0), "but c is -2.0"),
        (lambda: theory.cross_entropy(1e6, alpha=0), "alpha is 0: it has to be negative"),
        (lambda: theory.mixed_choice_grade(0.5, -1), "spread is -1: a standard deviation is not negative"),
        (lambda: theory.text_outputs([0.5, 1.5], 2, 3), "error rate 1.5 has to lie between 0 and 1"),
        (lambda: theory.text_outputs([math.nan], 2, 3), "error rate nan has to lie between 0 and 1"),
        (lambda: theory.choice_outputs([1.4], 2, 3), "probability 1.4 has to lie between 0 and 1"),
        (lambda: theory.choice_outputs([-0.1], 2, 3), "probability -0.1 has to lie between 0 and 1"),
        (lambda: theory.choice_outputs([0.5], 1, 3), "choices is 1: at least two are needed"),
    ],
)
def test_input_that_makes_no_sense_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
