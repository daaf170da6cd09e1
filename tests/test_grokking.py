"""Grokking: the split of the pairs, the training, and what the frozen logs say."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from mirage_lib import outputs
from mirage_lib.claims import grokking as measured
from mirage_lib.vision import grokking
from mirage_lib.vision.grokking import Puzzle, pairs, run

TINY = Puzzle(modulus=7, width=8, hidden=16, steps=60)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_test_pair_is_a_training_pair_turned_round(seed):
    both, sums, training = pairs(Puzzle(modulus=11), seed)
    seen = {frozenset((int(a), int(b))) for a, b in both[training]}
    kept = {frozenset((int(a), int(b))) for a, b in both[~training]}
    assert not seen & kept
    assert len(seen) + len(kept) == len(both) == 11 * 12 // 2
    assert sums.tolist() == [(int(a) + int(b)) % 11 for a, b in both]


def test_another_seed_splits_otherwise_and_the_same_seed_alike():
    first, again, other = (pairs(Puzzle(modulus=11), seed)[2] for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).any()


def test_the_same_seed_gives_the_same_run():
    assert run(TINY, 3).equals(run(TINY, 3))
    assert not run(TINY, 3).equals(run(TINY, 4))


def test_a_tiny_run_learns_its_training_pairs():
    log = run(TINY, 0).filter(pl.col("half") == "train").sort("step")
    assert log["step"].to_list() == list(range(10, 61, 10))
    assert log["loss"][-1] < log["loss"][0] and log["accuracy"][-1] > 0.5
    # Jensen: the mean probability is at least the exponential of the mean log-probability.
    assert (log["right_probability"] >= np.exp(-log["loss"].to_numpy()) - 1e-6).all()


def test_parameters_are_those_torch_counts():
    from torch import nn

    p = Puzzle(modulus=13, width=6, hidden=10)
    layers = [nn.Embedding(13, 6), nn.Linear(6, 10), nn.Linear(10, 13)]
    assert p.n_params == sum(weights.numel() for layer in layers for weights in layer.parameters())


def test_moments_and_stretch_by_hand():
    rows = {"seed": 0, "step": [10, 20, 30, 40] * 2, "half": ["train"] * 4 + ["test"] * 4}
    log = pl.DataFrame(rows | {"accuracy": [0.4, 0.99, 1.0, 1.0, 0.0, 0.0, 0.05, 0.6]})
    assert grokking.moments(log).rows() == [(0, 10 + 10, 40, 20)]
    assert measured.by_heart(log).rows() == [(0, 20, 30, 1.5)]


def test_an_even_climb_of_the_log_probability_by_hand():
    """From -10 to 0 nats along a line: a tenth at -9, nine tenths at -1, and the score of a line."""
    steps = np.arange(10, 1011, 10)
    nats = np.linspace(-10, 0, len(steps))
    right = (nats > -0.75).astype(float)
    test = {"accuracy": right, "right_probability": np.exp(nats), "log_probability": nats}
    train = dict.fromkeys(test, np.ones(len(steps)))
    log = pl.concat(pl.DataFrame({"seed": 0, "step": steps, "half": h, **v}) for h, v in (("train", train), ("test", test)))
    found = {row["metric"]: row for row in measured.climbs(log).iter_rows(named=True)}
    assert (found["log_probability"]["tenth"], found["log_probability"]["nine_tenths"]) == (110, 910)
    assert found["log_probability"]["score"] == pytest.approx(measured.LOOKS - 1)
    assert found["log_probability"]["unseen"] == pytest.approx(0.92)
    assert found["right_probability"]["tenth"] > 700
    assert np.isinf(found["accuracy"]["score"])


def test_the_frozen_run_knows_by_heart_long_before_it_adds():
    log = measured.frozen()
    assert log["seed"].unique().sort().to_list() == [0, 1, 2] and log.height == 3 * 300 * 2
    assert log["n"].unique().to_list() == [59 * 60 // 4]
    last = log.filter(pl.col("step") == 3000)
    assert (last["accuracy"] > 0.98).all()
    assert (measured.by_heart(log)["ratio"] > 10).all()
    # Test loss starts above that of knowing nothing, log 59, and ends far below.
    test = log.filter(pl.col("half") == "test")
    assert (test.group_by("seed").agg(pl.col("loss").max())["loss"] > 2 * np.log(59)).all()


def test_frozen_tables_carry_how_they_were_made():
    for name in ("vision-grokking", "vision-grokking-varied", "vision-grokking-sizes"):
        with (outputs.FROZEN / f"{name}.csv").open() as file:
            note = file.readline()
        assert "mirage vision grok" in note and "revision" in note and "dirty" not in note and "CC BY 4.0" in note
        assert (outputs.FROZEN / f"{name}.csv").stat().st_size < 150_000


def test_sizes_hold_the_usual_network_with_the_same_numbers():
    """Trained anew for another table, it gives the very numbers of the first."""
    usual = measured.frozen("vision-grokking-sizes").filter(pl.col("n_params") == Puzzle().n_params)
    keys = ["seed", "step", "half"]
    both = usual.join(measured.frozen(), on=keys, suffix="_first")
    assert both.height == usual.height > 0
    assert np.allclose(both["loss"], both["loss_first"], rtol=1e-3, atol=1e-6)


def test_the_command_freezes_a_log(tmp_path, monkeypatch):
    from mirage_lib.cli import main

    monkeypatch.setattr(grokking, "FAMILY", (Puzzle(modulus=5, width=4, hidden=8, steps=250),))
    assert main(["vision", "grok", "--sizes", "--seeds", "1", "--into", str(tmp_path)]) == 0
    table = outputs.load_table("vision-grokking-sizes", tmp_path)
    assert table.height == 2 and table["n_params"][0] == 5 * 4 + 4 * 8 + 8 + 8 * 5 + 5
    assert main(["vision", "grok", "--sizes", "--vary"]) == 1
    assert main(["vision", "grok", "--seeds", "0"]) == 1


def test_a_step_nobody_looked_at_is_named():
    with pytest.raises(ValueError, match="step 7 was not looked at"):
        measured.family(measured.frozen("vision-grokking-sizes"), 7)
