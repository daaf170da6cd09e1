"""The debate's re-runs: two groups are told from one, the parity is what it says, curves in loss collapse when they should."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import norm

from mirage_lib import outputs, parity
from mirage_lib.analyses import losses, mixtures
from mirage_lib.claims import debate, registry
from mirage_lib.cli import main

RNG = np.random.default_rng(4)
TWO = np.concatenate([RNG.normal(-6, 0.5, 14), RNG.normal(3, 0.5, 10)])
ONE = RNG.normal(0, 2, 24)


def test_two_groups_win_on_unseen_values_where_there_are_two_and_not_where_there_is_one():
    assert mixtures.gain(TWO).lowest > 0.3
    assert mixtures.gain(TWO[::2], unseen=TWO[1::2]).lowest > 0.3
    assert mixtures.gain(ONE).lowest < 0
    found = [mixtures.gain(np.random.default_rng(seed).normal(size=15), draws=300).lowest > 0 for seed in range(60)]
    assert np.mean(found) <= 0.1


def test_two_groups_are_found_where_they_are():
    found = mixtures.two_groups(TWO)
    assert (found.low, found.high, found.share) == pytest.approx((-6, 3, 10 / 24), abs=0.4)
    assert found.width == pytest.approx(0.5, abs=0.2)


def test_one_group_has_the_density_of_a_normal_distribution_and_two_that_of_their_mixture():
    seen, at = TWO[:20], np.array([-5.0, 0.0, 3.0])
    one, two = mixtures.densities(at, seen)
    assert one == pytest.approx(norm.logpdf(at, seen.mean(), seen.std()))
    g = mixtures.two_groups(seen)
    mixed = (1 - g.share) * norm.pdf(at, g.low, g.width) + g.share * norm.pdf(at, g.high, g.width)
    assert two == pytest.approx(np.log(mixed))


def test_too_few_values_and_values_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="3 values.*at least 5"):
        mixtures.two_groups([0, 1, 2])
    with pytest.raises(ValueError, match="1 of them not finite"):
        mixtures.gain([0, 1, 2, 3, 4, np.inf])


def test_the_answer_of_the_parity_flips_with_each_hidden_bit_and_with_no_other():
    items = np.random.default_rng(0).choice([-1, 1], (200, 7))
    hidden = (1, 4, 5)
    answer = parity.answers(items, hidden)
    assert answer.tolist() == [(row[[1, 4, 5]] == -1).sum() % 2 == 0 for row in items]
    for bit in range(7):
        turned = items.copy()
        turned[:, bit] *= -1
        assert (parity.answers(turned, hidden) != answer).all() == (bit in hidden)


def test_gradients_of_the_parity_are_those_of_its_loss():
    rule = parity.Rule(bits=4, hidden=2)
    rng = [np.random.default_rng(1)]
    weights = [w.astype(np.float64) for w in parity._start(3, rng, rule)]
    bits, wanted = (part[None].astype(np.float64) for part in parity._draw(16, rng[0], np.array([0, 2]), 4))

    def loss(parts):
        said = parity._forward(parts, bits)[1]
        return np.logaddexp(0, np.where(wanted == 1, -said, said)).mean()

    found = parity._gradients(weights, bits, wanted)
    for k, weight in enumerate(weights):
        for place in np.ndindex(weight.shape):
            nudged = [w.copy() for w in weights]
            nudged[k][place] += 1e-5
            other = [w.copy() for w in weights]
            other[k][place] -= 1e-5
            assert (loss(nudged) - loss(other)) / 2e-5 == pytest.approx(found[k][place], abs=1e-5)


def test_an_easy_parity_is_learned_and_its_three_scores_agree():
    log = parity.train(32, [0, 1], parity.Rule(bits=8, hidden=2, steps=400, every=200))
    last = log.filter(pl.col("step") == 400)
    assert last["accuracy"].min() > 0.99 and last["log_probability"].min() > -0.05 and last["brier"].max() < 0.01
    assert log["step"].unique().sort().to_list() == [200, 400]


def test_a_network_does_not_depend_on_those_trained_beside_it():
    rule = parity.Rule(bits=6, hidden=2, steps=60, every=60, items=100)
    alone, beside = parity.train(8, [3], rule), parity.train(8, [1, 3], rule).filter(pl.col("seed") == 3)
    assert alone["log_probability"][0] == pytest.approx(beside["log_probability"][0], rel=1e-3)


def test_a_rule_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="7 hidden of 5 bits"):
        parity.train(4, [0], parity.Rule(bits=5, hidden=7))


def test_the_parity_is_frozen_by_one_command_and_the_frozen_one_can_be_made_again(tmp_path, capsys):
    assert main(["parity", "--widths", "4", "--seeds", "1", "--steps", "3000", "--into", str(tmp_path)]) == 0
    again, ours = outputs.load_table("parity", tmp_path), debate.parities().filter(pl.col("seed") == 0, pl.col("width") == 4)
    assert again["accuracy"].to_numpy() == pytest.approx(ours["accuracy"].to_numpy(), abs=0.02)
    note = (outputs.FROZEN / "parity.csv").read_text().splitlines()[0]
    assert "mirage parity" in note and "dirty" not in note and "CC BY 4.0" in note
    assert main(["parity", "--seeds", "0"]) == 1


def made(by: str) -> pl.DataFrame:
    """Models of two sizes and many budgets whose skill is a curve in loss, or in size alone."""
    rng = np.random.default_rng(2)
    size = np.repeat([1e8, 1e9], 30)
    loss = 3 - 0.3 * np.log10(size / 1e8) - rng.uniform(0, 1, 60)
    skill = {"loss": 0.9 - 0.2 * (loss - 1.5), "size": 0.3 + 0.4 * (size > 5e8)}[by] + rng.normal(0, 0.01, 60)
    return pl.DataFrame(
        {"task": "made", "model": [str(k) for k in range(60)], "n_params": size, "data": "one", "compute": size * rng.uniform(1, 30, 60),
         "loss": loss, "accuracy": skill, "n_items": 2000, "chance": 0.1}
    )  # fmt: skip


def test_skill_that_follows_loss_collapses_and_skill_that_follows_size_does_not():
    row = losses.collapse(made("loss"), draws=200).to_dicts()[0]
    assert row["better_low"] > 1 and row["left_low"] < 0 < row["left_high"] and row["alive"]
    row = losses.collapse(made("size"), draws=200).to_dicts()[0]
    assert row["left_low"] > 0 and row["by_loss"] > 3 * row["by_size"]


def test_a_threshold_in_loss_is_found_and_a_line_is_none():
    table = made("loss")
    corner = table.with_columns(task=pl.lit("corner"), accuracy=0.25 + 0.5 * (2.2 - pl.col("loss")).clip(0))
    found = losses.thresholds(pl.concat([table, corner]), draws=200)
    assert dict(found.select("task", "shape").rows())["corner"] == "hinge"
    assert dict(found.select("task", "q").rows())["corner"] < 0.05 < dict(found.select("task", "q").rows())["made"]
    assert found.filter(task="corner")["at"][0] == pytest.approx(2.2, abs=0.15)


def test_an_unknown_set_of_models_is_named_with_those_there_are():
    with pytest.raises(ValueError, match="'pythia'.*open-lm, olmo"):
        losses.models("pythia")


def test_new_seeds_that_agree_with_each_other_change_the_verdict(monkeypatch):
    table = debate.adders().filter(~pl.col("new"))
    same = pl.concat([table, table.head(8).with_columns(new=pl.lit(True), accuracy=pl.lit(0.2), log_probability=pl.lit(-2.5, pl.Float32))])
    for new, verdict in ((table, "upheld"), (same, "not upheld")):
        monkeypatch.setattr(debate, "adders", lambda new=new: new)
        debate.gains.cache_clear()
        assert debate.seeds_bimodal.__wrapped__().verdict == verdict
    debate.gains.cache_clear()


def test_a_parity_made_sudden_or_even_changes_the_verdict(monkeypatch):
    ours = debate.parities()
    sizes = ours["n_params"].unique().sort()
    noise = pl.Series(np.random.default_rng(0).normal(0, 0.02, ours.height))
    step = (pl.col("n_params") > sizes[6]).cast(pl.Float64) * 0.6 - 0.7
    line = 0.6 * (pl.col("n_params").log() - np.log(sizes[0])) / np.log(sizes[-1] / sizes[0]) - 0.7
    for shape, verdict in ((step, "upheld"), (line, "not upheld")):
        table = ours.with_columns(log_probability=shape + noise)
        monkeypatch.setattr(debate, "parities", lambda table=table: table)
        debate.sharpness.cache_clear()
        assert debate.sharp_under_continuous.__wrapped__().verdict == verdict
    debate.sharpness.cache_clear()


def test_loss_of_a_rung_leaves_out_the_skill_that_it_is_set_against():
    ladder = registry.frozen("arithmetic-ladder").filter(pl.col("model") == "width 24, 3000 steps", pl.col("seed") == 0)
    rest = ladder.filter(~((pl.col("task") == "addition") & (pl.col("group") == 5)))
    wanted = -rest["target_logprob"].sum() / rest["token_logprobs"].list.len().sum()
    row = debate.rungs().filter(pl.col("task") == "addition 5", pl.col("model") == "width 24, 3000 steps, seed 0")
    assert row["loss"][0] == pytest.approx(wanted, rel=1e-3)


def test_what_cannot_be_tested_is_not_given_a_verdict():
    for name in ("not_all_emergence_denied", "metric_is_a_choice"):
        assert registry.TESTS[name]().verdict == "cannot be tested here"
