"""Curves: outputs and a metric become a tidy scaling curve.

A curve has one row a model and group: the estimate, an interval of 95 %, how many outputs stand
behind it (``n``), how many different problems these are (``n_items``), and the smallest difference
that so many outputs can show (``resolution``, one over ``n``).
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.stats import norm

from mirage_lib import metrics, outputs as tables
from mirage_lib.metrics import Metric

LEVEL = 0.95
BY = ("task", "group", "temperature")
MODEL = ("family", "model", "n_params")


def curve(
    outputs: pl.DataFrame,
    metric: str | Metric,
    by: tuple[str, ...] = BY,
    draws: int = 1000,
    seed: int = 0,
) -> pl.DataFrame:
    """Score outputs and average them into a scaling curve.

    Every problem counts the same: prompts about one problem are averaged first, then problems, then
    training seeds. The interval is Wilson's where a model has one seed, one prompt a problem and a
    metric of right or wrong; else it comes from a bootstrap over seeds and problems.
    A bootstrap of nothing but zeros or ones says nothing, so there Wilson's interval with the number
    of problems takes its place.

    Parameters
    ----------
    outputs : frame
        Any outputs table; see :mod:`mirage_lib.outputs`.
    metric : str or Metric
        A name in the registry.
    by : tuple of str
        Columns that split the curve, next to family, model and number of parameters.
    draws : int
        Bootstrap draws.
    seed : int
        Seed of the bootstrap.

    Returns
    -------
    Frame with the columns of ``by``, then ``family, model, n_params, metric, estimate, low, high, n,
    n_items, n_seeds, resolution``, sorted by ``by`` and size.

    >>> ladder = tables.load("arithmetic-ladder")
    >>> accuracy = curve(ladder.filter(pl.col("group") == 4), "exact_match")
    >>> accuracy.select("estimate").to_series().is_between(0, 1).all()
    True
    """
    metric = metrics.get(metric)
    tables.require(outputs, [*by, *MODEL, "seed", "item"], "outputs to draw a curve from")
    scored = outputs.select(*by, *MODEL, "seed", "item").with_columns(score=metric.score(outputs))
    problems = scored.group_by(*by, *MODEL, "seed", "item", maintain_order=True).agg(
        score=pl.col("score").mean(), n=pl.len()
    )
    rng = np.random.default_rng(seed)
    rows = []
    cells = problems.sort(*by, "n_params").group_by(*by, *MODEL, maintain_order=True)
    for key, cell in cells:
        scores = by_seed_and_problem(cell)
        n, (seeds, n_items) = int(cell["n"].sum()), scores.shape
        estimate = float(np.mean(np.nanmean(scores, axis=1)))
        plain = seeds == 1 and n == n_items
        right_or_wrong = metric.range == (0, 1) and cell["score"].is_in([0.0, 1.0]).all()
        if right_or_wrong and (plain or estimate in (0.0, 1.0)):
            low, high = wilson(round(estimate * n_items), n_items)
        else:
            low, high = bootstrap(scores, draws, rng)
        rows.append((*key, metric.name, estimate, low, high, n, n_items, seeds, 1 / n))
    names = "metric estimate low high n n_items n_seeds resolution".split()
    return pl.DataFrame(rows, schema=[*by, *MODEL, *names], orient="row")


def by_seed_and_problem(cell: pl.DataFrame) -> np.ndarray:
    """Arrange the scores of one model as a (seeds, problems) array, NaN where a pair is missing."""
    seeds, s = np.unique(cell["seed"].to_numpy(), return_inverse=True)
    problems = cell["item"].rank("dense").to_numpy() - 1
    scores = np.full((len(seeds), int(problems.max()) + 1), np.nan)
    scores[s, problems] = cell["score"].to_numpy()
    return scores


def wilson(successes: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's score interval for a share.

    Source: E. B. Wilson 1927; stays between 0 and 1 and is useful at zero successes.

    Raises
    ------
    ValueError
        If ``n`` is not positive or ``successes`` is not between 0 and ``n``.

    >>> low, high = wilson(0, 100)
    >>> round(low, 4), round(high, 4)
    (0.0, 0.037)
    """
    if n < 1 or not 0 <= successes <= n:
        raise ValueError(f"{successes} successes out of {n}: n has to be at least 1, successes 0 to n")
    z = norm.ppf((1 + level) / 2)
    share = successes / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low = 0.0 if successes == 0 else float(middle - half)
    high = 1.0 if successes == n else float(middle + half)
    return low, high


def highest_when_none(n: int, level: float = LEVEL) -> float:
    """The largest true share that would still give zero out of ``n`` with probability ``1 - level``.

    One-sided and exact, ``1 - (1 - level)^(1/n)``; about 3/n, the "rule of three".

    >>> round(highest_when_none(100), 4)
    0.0295
    """
    if n < 1:
        raise ValueError(f"n is {n}: at least one item is needed")
    return float(1 - (1 - level) ** (1 / n))


def needed(share: float, relative_error: float = 0.5, level: float = LEVEL) -> int:
    """How many items resolve a share to within a relative error.

    Parameters
    ----------
    share : float
        The true share, strictly between 0 and 1.
    relative_error : float
        Half-width of the interval divided by the share.

    Returns
    -------
    ``n = z^2 (1 - share) / (share * relative_error^2)``, rounded up.

    Raises
    ------
    ValueError
        If the share or the error is out of range.

    >>> needed(0.5, 0.1)
    385
    """
    if not 0 < share < 1:
        raise ValueError(f"share is {share}: it has to lie strictly between 0 and 1")
    if relative_error <= 0:
        raise ValueError(f"relative_error is {relative_error}: it has to be positive")
    z = norm.ppf((1 + level) / 2)
    return int(np.ceil(z**2 * (1 - share) / (share * relative_error**2)))


def bootstrap(
    scores: np.ndarray, draws: int, rng: np.random.Generator, level: float = LEVEL
) -> tuple[float, float]:
    """Percentile interval of a mean over seeds and problems.

    Each draw takes as many seeds and as many problems as there are, both with replacement. Seeds that
    were asked the same problem share its fate, since its difficulty is one fact and not several.

    Parameters
    ----------
    scores : (seeds, problems) array
        NaN where a seed was not asked a problem.

    >>> low, high = bootstrap(np.array([[0.0, 1.0] * 50]), 500, np.random.default_rng(0))
    >>> low < 0.5 < high
    True
    """
    seeds, problems = scores.shape
    asked = ~np.isnan(scores)
    stacked = np.concatenate([np.where(asked, scores, 0.0), asked])
    weights = np.stack([np.bincount(row, minlength=seeds) for row in rng.integers(0, seeds, (draws, seeds))])
    patterns, counts = np.unique(stacked, axis=1, return_counts=True)
    if patterns.shape[1] <= problems / 2:
        # Resampling problems is drawing how often each distinct column of scores comes up.
        drawn = rng.multinomial(problems, counts / problems, size=draws)
        sums = drawn @ patterns.T
    else:
        sums = np.empty((draws, 2 * seeds))
        for start in range(0, draws, chunk := max(1, 2_000_000 // problems)):
            size = min(chunk, draws - start)
            picked = stacked[:, rng.integers(0, problems, (size, problems))]
            sums[start : start + size] = picked.sum(axis=2).T
    # Seeds count the same however many problems they were asked; one that was drawn none does not count.
    means = sums[:, :seeds] / np.maximum(sums[:, seeds:], 1)
    weights = weights * (sums[:, seeds:] > 0)
    some = weights.any(axis=1)
    drawn_means = (weights * means)[some].sum(axis=1) / weights[some].sum(axis=1)
    low, high = np.quantile(drawn_means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def published(name: str) -> pl.DataFrame:
    """Load a curve that others published, as digitised from their figure.

    Parameters
    ----------
    name : str
        ``fig2`` (the mathematical model) or ``fig3`` (GPT-3 arithmetic).

    Raises
    ------
    OutputsError
        If there is no such curve, or the file's bytes are not those of the manifest.

    >>> published("fig2").height
    34
    """
    return tables.load_table(name)
