"""Noise of the score: what a score says of a task, and what of the luck of its items.

The correctness of every answer of BIG-G is known (:func:`mirage_lib.bigbench.records.correct`), and all sizes
were asked the same items. So test sets can be drawn again, split in halves, and made smaller, and one sees
what stays of a score, of a break, and of the ranking of tasks.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
import polars as pl
from scipy.stats import spearmanr

from mirage_lib import breaks, emergence, outputs
from mirage_lib.analyses import triplets
from mirage_lib.bigbench import records

SHOTS = 3
WITHIN = ("GPT-3", "LaMDA")
"""Families of the size of BIG-G: a task first seen to jump in a larger PaLM need not jump here."""


@cache
def _answers() -> tuple[list[str], np.ndarray, list[np.ndarray]]:
    """Tasks, the sizes, and of each task its answers (sizes, items) as right or wrong.

    Three tasks are left out: not all sizes have the same number of answers there, so items cannot be matched.
    """
    table = records.correct().filter(pl.col("shots") == SHOTS).sort("task", "n_params")
    tasks, answers = [], []
    for (task,), part in table.group_by("task", maintain_order=True):
        if part["correct"].list.len().n_unique() > 1:
            continue
        tasks.append(task)
        answers.append(np.array(part["correct"].to_list(), dtype=float))
    return tasks, table["n_params"].unique().sort().to_numpy().astype(float), answers


def nulls(
    items: Iterable[int] = (20, 50, 200, 1000), models: Iterable[int] = (4, 6, 8, 12, 16, 20), rise: float = 0.2,
    base: float = 0.3, draws: int = 2000, seed: int = 0,
) -> pl.DataFrame:  # fmt: skip
    """Score smooth curves, straight lines in log size, as the numbers of items and of models vary.

    Parameters
    ----------
    rise, base : the line goes from ``base`` to ``base + rise``

    Returns
    -------
    Frame with ``items, models, median, high, infinite, straight``: ``high`` is what one in twenty exceeds,
    ``infinite`` the share of infinite scores, ``straight`` the score without noise.

    >>> nulls((50,), (4,), draws=200)["straight"].to_list()
    [3.0]
    """
    rows = []
    for n in items:
        for m in models:
            sizes = np.logspace(6, 11, m)
            line = np.linspace(base, base + rise, m)
            scores = emergence.null_scores(sizes, line, np.zeros(m), draws, seed, items=n)
            high = np.quantile(scores, 0.95, method="higher")
            middle = np.quantile(scores, 0.5, method="lower")
            rows.append((n, m, float(middle), float(high), float(np.isinf(scores).mean()), m - 1.0))
    return pl.DataFrame(rows, schema="items models median high infinite straight".split(), orient="row")


def redrawn(draws: int = 1000, seed: int = 0) -> pl.DataFrame:
    """Score every task of BIG-G, with an interval of 95 % over items.

    A draw takes as many items as there are, with replacement, the same for all sizes. Three tasks whose
    sizes have different numbers of answers are left out.

    Returns
    -------
    Frame with ``task, n_items, span, score, low, high, infinite``, the last being the share of draws whose
    score is infinite; an end of the interval may be, too.

    >>> redrawn(draws=20).height
    82
    """
    tasks, _, answers = _answers()
    rng = np.random.default_rng(seed)
    rows = []
    for task, right in zip(tasks, answers, strict=True):
        n = right.shape[1]
        counts = rng.multinomial(n, np.full(n, 1 / n), size=draws)
        again = emergence.scores(counts @ right.T / n)
        means = right.mean(axis=1)
        score = float(emergence.scores(means[None])[0])
        low, high = float(np.quantile(again, 0.025, method="lower")), float(np.quantile(again, 0.975, method="higher"))
        rows.append((task, n, float(np.ptp(means)), score, low, high, float(np.isinf(again).mean())))
    return pl.DataFrame(rows, schema="task n_items span score low high infinite".split(), orient="row")


def split_halves(rounds: int = 50, seed: int = 0) -> pl.DataFrame:
    """Split every task's items in two at random, rank the tasks by each half, and compare the rankings.

    A half has half the items, so all agree less than they would with whole tasks. Spearman and Brown's formula
    says what whole test sets of the same kind would give: 2 r / (1 + r).

    Returns
    -------
    Frame with ``ranking, round, r, whole``: ``ranking`` is the ``score``, the ``break`` (its gain), or the ``span``
    (highest less lowest); ``r`` is Spearman's rank correlation over tasks.

    >>> split_halves(rounds=2)["ranking"].unique().sort().to_list()
    ['break', 'score', 'span']
    """
    _, sizes, answers = _answers()
    rng = np.random.default_rng(seed)
    means = np.empty((rounds, 2, len(answers), len(sizes)))
    for k, right in enumerate(answers):
        for drawn in range(rounds):
            order = rng.permutation(right.shape[1])
            middle = len(order) // 2
            means[drawn, 0, k] = right[:, order[:middle]].mean(axis=1)
            means[drawn, 1, k] = right[:, order[middle:]].mean(axis=1)
    flat = means.reshape(-1, len(sizes))
    measured = {
        "score": emergence.scores(flat),
        "break": breaks.gains(np.log(sizes), flat),
        "span": np.ptp(flat, axis=1),
    }
    rows = []
    for ranking, values in measured.items():
        halves = np.nan_to_num(values, posinf=1e9, neginf=-1e9).reshape(rounds, 2, -1)
        for drawn, (one, other) in enumerate(halves):
            r = float(spearmanr(one, other).statistic)
            rows.append((ranking, drawn, r, 2 * r / (1 + r)))
    return pl.DataFrame(rows, schema=["ranking", "round", "r", "whole"], orient="row")


def _broken(curve: triplets.Triplet, draws: int, seed: int) -> breaks.Break:
    return breaks.find(np.log(curve.sizes), curve.values, items=curve.n_items, draws=draws, seed=seed)


def _around_fit(curve: triplets.Triplet, score: float, draws: int, seed: int) -> float:
    """How often curves around the least-squares line in log size score at least as high."""
    x = np.log(curve.sizes)
    line = np.polyval(np.polyfit(x, curve.values, 1), x)
    null = emergence.null_scores(curve.sizes, line, curve.errors, draws, seed, curve.n_items)
    return emergence.exceedance(score, null)


@cache
def judged(draws: int = 300, again: int = 10_000, seed: int = 0) -> pl.DataFrame:
    """Test every task of BIG-G twice: its score against smooth curves, and its curve for a break.

    Among 85 tests a p value has to be below about one in a thousand to survive, so a curve that looks broken
    after ``draws`` smooth ones is compared with ``again`` more.

    Returns
    -------
    Frame with ``task, metric, n_items, span, score, score_p, score_q, broken, break_at, break_p, break_q, jump``
    (``q`` after correcting for the number of tasks, :func:`mirage_lib.breaks.adjusted`), ``fit_p, fit_q`` (of the score
    again, around the least-squares line instead of the line from the first value to the last), ``listed`` (on Wei's list of
    emergent tasks), and ``within`` (there first seen in a family of BIG-G's sizes, :data:`WITHIN`).

    >>> judged(draws=20, again=20)["task"].n_unique()
    85
    """
    curves = [one for one in triplets.split(records.load("bigg")) if one.metric in records.ZERO_ONE]
    scored = triplets.report(curves, draws=again, seed=seed)
    found = [_broken(one, draws, seed) for one in curves]
    found = [_broken(one, again, seed) if first.p < 0.05 else first for one, first in zip(curves, found, strict=True)]
    listed = outputs.load_table("wei-list").filter(pl.col("category") == "emergent")
    first = dict(listed.select("task", "first_emergent_model").iter_rows())
    tasks = scored["task"].to_list()
    score_p = scored["exceedance"].to_numpy()
    fit_p = np.array([_around_fit(one, score, again, seed) for one, score in zip(curves, scored["score"], strict=True)])
    break_p = np.array([one.p for one in found])
    return scored.select("task", "metric", "n_items", "span", "score").with_columns(
        score_p=score_p, score_q=breaks.adjusted(score_p), fit_p=fit_p, fit_q=breaks.adjusted(fit_p), broken=pl.Series([one.broken for one in found]),
        break_at=pl.Series([float(np.exp(one.at)) for one in found]), break_p=break_p, break_q=breaks.adjusted(break_p),
        jump=pl.Series([one.jump for one in found]), listed=pl.Series([task in first for task in tasks]),
        within=pl.Series([first.get(task, "").startswith(WITHIN) for task in tasks]),
    )  # fmt: skip


def power(
    items: Iterable[int] = (20, 50, 200, 1000), jumps: Iterable[float] = (0.05, 0.1, 0.2, 0.3, 0.4), base: float = 0.25,
    draws: int = 1000, seed: int = 0,
) -> pl.DataFrame:  # fmt: skip
    """How often a true jump of the largest of BIG-G's sizes alone would be noticed.

    The truth is flat at ``base`` for all but the largest model. "Noticed" means: beyond what one in twenty smooth
    curves with the same items reaches, around the same null as in :func:`judged`: the straight line for the score,
    the best smooth shape for the gain of a break. The null is put around the true curve, not around each drawn one.

    Returns
    -------
    Frame with ``items, jump, by_score, by_break``.

    >>> power((1000,), (0.4,), draws=100)["by_break"].to_list()
    [1.0]
    """
    sizes = _answers()[1]
    rng = np.random.default_rng(seed)
    rows = []
    for n in items:
        for jump in jumps:
            truth = np.full(len(sizes), base)
            truth[-1] += jump
            x = np.log(sizes)
            fit = breaks._compare(truth[None], np.ones(len(x)), breaks._smooth(x), breaks._broken(x))[3][0]
            smooth = rng.binomial(n, np.clip(fit, 0, 1), (draws, len(sizes))) / n
            line = emergence.null_scores(sizes, truth, np.sqrt(truth * (1 - truth) / n), draws, seed, n)
            limits = [np.quantile(one, 0.95, method="higher") for one in (line, breaks.gains(np.log(sizes), smooth))]
            curves = rng.binomial(n, truth, (draws, len(sizes))) / n
            seen = emergence.scores(curves), breaks.gains(np.log(sizes), curves)
            rows.append((n, jump, *(float((values > limit).mean()) for values, limit in zip(seen, limits, strict=True))))
    return pl.DataFrame(rows, schema=["items", "jump", "by_score", "by_break"], orient="row")
