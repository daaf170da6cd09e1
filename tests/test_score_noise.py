"""Noise of the score, against plain loops and known limits."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr

from mirage_lib import emergence
from mirage_lib.analyses import score_noise
from mirage_lib.bigbench import records


def test_scores_of_tasks_are_those_of_the_records():
    scores = dict(score_noise.redrawn(draws=5).select("task", "score").iter_rows())
    table = records.load("bigg").filter(pl.col("metric").is_in(records.ZERO_ONE))
    for (task,), part in table.group_by("task"):
        if task in scores:
            assert scores[task] == pytest.approx(emergence.score(part["n_params"], part["score"]))


def test_a_redrawn_task_lies_where_a_plain_loop_puts_it():
    tasks, sizes, answers = score_noise._answers()
    k = tasks.index("qa_wikidata")
    right, rng = answers[k], np.random.default_rng(3)
    n = right.shape[1]
    plain = [emergence.score(sizes, right[:, rng.integers(0, n, n)].mean(axis=1)) for _ in range(400)]
    row = score_noise.redrawn(draws=2000).filter(pl.col("task") == "qa_wikidata").row(0, named=True)
    for end, share in (("low", 0.025), ("high", 0.975)):
        # A bound within the plain quantiles a few points to either side.
        least, most = np.quantile(plain, (max(0, share - 0.02), min(1, share + 0.02)))
        assert least - 1 <= row[end] <= most + 1


def test_halves_of_noise_do_not_agree_and_halves_of_signal_do(monkeypatch):
    rng = np.random.default_rng(0)
    sizes = np.logspace(6, 11, 12)
    noise = [(rng.random((12, 200)) < 0.4).astype(float) for _ in range(80)]
    monkeypatch.setattr(score_noise, "_answers", lambda: ([str(k) for k in range(80)], sizes, noise))
    r = score_noise.split_halves(rounds=10).group_by("ranking").agg(pl.col("r").mean())
    assert r["r"].abs().max() < 0.25
    climbs = np.linspace(0, 0.6, 80)
    signal = [(rng.random((12, 2000)) < (0.2 + climb * np.linspace(0, 1, 12))[:, None]).astype(float) for climb in climbs]
    monkeypatch.setattr(score_noise, "_answers", lambda: ([str(k) for k in range(80)], sizes, signal))
    r = dict(score_noise.split_halves(rounds=5).group_by("ranking").agg(pl.col("r").mean()).iter_rows())
    assert r["span"] > 0.95
    assert spearmanr(climbs, [(row[-1] - row[0]).mean() for row in signal]).statistic > 0.95


def test_a_straight_line_without_noise_scores_models_less_one():
    table = score_noise.nulls((10**7,), (4, 9), draws=50)
    assert table["median"].to_numpy() == pytest.approx(table["straight"].to_numpy(), rel=0.05)


def test_power_grows_with_items_and_with_the_jump():
    table = score_noise.power((20, 1000), (0.1, 0.4), draws=400)
    for side in ("by_score", "by_break"):
        wide = table.pivot("jump", index="items", values=side)
        assert (wide["0.4"] >= wide["0.1"]).all() and (wide.row(1)[1:] > wide.row(0)[1:])
    flat = score_noise.power((200,), (0.0,), draws=1000)
    assert flat["by_break"][0] <= 0.07 and flat["by_score"][0] <= 0.07


def test_listed_tasks_are_those_of_the_list():
    judged = score_noise.judged(draws=20, again=20)
    assert judged.height == 85 and (judged.filter("within")["listed"]).all()
    assert judged.filter("listed").height == 35
    assert (judged["score_q"] >= judged["score_p"]).all() and (judged["break_q"] >= judged["break_p"]).all()
