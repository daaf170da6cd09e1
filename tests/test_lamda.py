"""LaMDA's four tasks: the digitised points, the forms of the Brier score, and what six points can show."""

import numpy as np
import polars as pl
import pytest
from scipy import optimize
from sklearn.metrics import brier_score_loss

from mirage_lib import emergence, outputs
from mirage_lib.bigbench import lamda
from mirage_lib.claims import brier
from mirage_lib.show import lamda_views


def test_every_digitised_point_is_a_record_with_the_brier_score_as_an_error():
    table, raw = lamda.published(), outputs.load_table("fig6")
    assert table.height == raw.height == 96
    for metric, sign, name in (("neg_brier", -1, "brier"), ("multiple_choice_grade", 1, "multiple_choice_grade")):
        theirs = raw.filter(pl.col("metric") == metric)["value"].to_numpy() * sign
        assert np.sort(table.filter(pl.col("metric") == name)["score"]) == pytest.approx(np.sort(theirs))


def test_blind_scores_are_those_of_equal_probabilities_computed_one_by_one():
    for k in range(2, 8):
        p, right = np.full(k, 1 / k), np.eye(k)[0]
        errors = (p - right) ** 2
        assert lamda.blind(k) == pytest.approx(errors[0])
        assert lamda.blind(k, "sum over choices") == pytest.approx(errors.sum())
        assert lamda.blind(k, "mean over choices") == pytest.approx(errors.mean())
    with pytest.raises(ValueError, match="1 choices"):
        lamda.blind(1)
    with pytest.raises(ValueError, match="unknown form 'top'"):
        lamda.blind(2, "top")


@pytest.mark.parametrize("choices", [2, 4, 5])
def test_no_model_has_a_lower_brier_score_than_its_grade_allows(choices):
    rng = np.random.default_rng(choices)
    for sharpness in (0.01, 0.1, 1, 10):
        p = rng.dirichlet(np.full(choices, sharpness), size=400)
        right = rng.integers(choices, size=400)
        mine = p[np.arange(400), right]
        grade = float((p.argmax(axis=1) == right).mean())
        assert ((1 - mine) ** 2).mean() >= lamda.least_brier(grade) - 1e-12


def test_the_bound_is_reached_by_sure_right_answers_and_wrong_ones_of_one_half():
    errors = np.array([0, 0, 0.25, 0.25, 0.25])
    assert errors.mean() == pytest.approx(lamda.least_brier(2 / 5))


def test_two_published_points_cannot_be_the_squared_error_on_the_right_choice():
    below = lamda.impossible().filter("below")
    assert below["task"].unique().to_list() == ["logical_args"]
    assert below.select("shots", "n_params").sort("shots").rows() == [(2, 27_000_000_000), (3, 27_000_000_000)]


def test_grades_of_logical_args_are_no_nearer_to_whole_answers_than_any_numbers():
    row = lamda.on_the_grid().row(0, named=True)
    rng = np.random.default_rng(0)
    any_number = rng.uniform(0.1, 0.6, 20_000) * 32
    share = (abs(any_number - any_number.round()) <= lamda.READING * 32).mean()
    assert row["expected"] / row["points"] == pytest.approx(share, abs=0.01)
    assert row["whole"] < row["points"] / 2


def test_scores_and_last_steps_are_those_of_the_formula_by_hand():
    row = brier.lamda_scores().filter(
        (pl.col("task") == "logical_args") & (pl.col("shots") == 2) & (pl.col("metric") == "brier")
    ).row(0, named=True)
    values = -np.array([0.2002, 0.2059, 0.2143, 0.1918, 0.1797, 0.113])
    steps = np.diff(values)
    assert row["score"] == pytest.approx(np.ptp(values) / np.median(abs(steps)), rel=1e-3)
    assert row["step"] == pytest.approx(steps[-1] / np.ptp(values), rel=1e-3)
    assert row["even"] == pytest.approx(np.log(128 / 27) / np.log(128))
    assert row["straight"] == pytest.approx(emergence.score([1, 2, 4, 8, 27, 128], np.log([1, 2, 4, 8, 27, 128])))


def test_verdicts_follow_the_scores_and_say_when_there_was_no_jump():
    found = {name: getattr(brier, f"brier_{name}")() for name in ("irony", "logical_args", "sports", "swahili")}
    table = brier.lamda_scores()
    for name, verdict in found.items():
        mine = table.filter(pl.col("task").str.starts_with(name))
        jumps = mine.filter((pl.col("metric") != "brier") & (pl.col("exceedance") < 0.05)).height
        stays = mine.filter((pl.col("metric") == "brier") & (pl.col("exceedance") < 0.05)).height
        expected = "cannot be tested here" if not jumps else ("upheld", "partly", "not upheld")[stays]
        assert verdict.verdict == expected
    assert "no jump that could go" in found["swahili"].because and "gets worse (2 and 3 shots)" in found["swahili"].because


def test_power_is_near_one_for_a_step_far_above_the_noise_and_seen_by_the_same_rule():
    power = brier.power()
    sports = power.filter((pl.col("task") == "sports_understanding") & (pl.col("metric") == "brier"))
    assert sports.filter(pl.col("noise") < 1)["seen"].min() > 0.9
    assert power.filter(pl.col("task") == "logical_args")["seen"].max() < 0.5


def test_expected_scores_are_those_of_a_second_library_and_of_sampling():
    rng = np.random.default_rng(1)
    truth = np.array([0.6, 0.4])
    drawn = rng.random(40_000) < truth[0]
    for p in (0.1, 0.5, 0.6, 0.9):
        stated = np.array([p, 1 - p])
        sampled = brier_score_loss(drawn, np.full(len(drawn), p))
        got = brier.expected(truth, stated)
        assert got["right choice"] == pytest.approx(sampled, abs=0.01)
        assert got["sum over choices"] == pytest.approx(2 * got["right choice"])
        assert got["grade"] == pytest.approx(0.5 if p == 0.5 else truth[int(p < 0.5)])


def test_an_optimiser_finds_the_truth_for_the_sum_and_not_for_the_right_choice_alone():
    truth = np.array([0.5, 0.3, 0.2])
    sums = {"type": "eq", "fun": lambda p: p.sum() - 1}
    for name, proper in (("sum over choices", True), ("right choice", False)):
        best = optimize.minimize(
            lambda p, name=name: brier.expected(truth, p)[name], np.full(3, 1 / 3), bounds=[(0, 1)] * 3, constraints=[sums]
        ).x
        assert (abs(best - truth).max() < 1e-3) == proper
    # where nothing is cut off at zero, 1 - p is proportional to one over the truth
    assert best == pytest.approx(1 - 2 / truth / (1 / truth).sum(), abs=1e-3)


def test_properness_on_a_grid_and_the_verdict():
    assert brier.proper(2)["grade"] == (True, False)
    assert brier.proper(4, 8)["sum over choices"] == (True, True)
    assert not brier.proper(3)["right choice"][0]
    assert brier.brier_proper().verdict == "upheld"
    assert len(brier.grid(4, 8)) == 165 and brier.grid(4, 8).sum(axis=1) == pytest.approx(1)


def test_figures_tell_what_they_show():
    drawn = lamda_views.figure6()
    blind = drawn.table.filter(pl.col("metric") == "brier").with_columns(
        level=pl.col("task").replace_strict({t: (1 - 1 / k.choices) / k.choices for t, k in lamda.TASKS.items()})
    )
    worse = blind.filter(pl.col("estimate") > pl.col("level")).height
    assert f"{worse} of 48 Brier scores are worse" in drawn.alt
    scores = lamda_views.scores_figure()
    above = scores.table.filter(pl.col("exceedance") < 0.05)
    assert scores.alt.count(" against ") == above.height
