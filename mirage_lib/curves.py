"""Curves: outputs and a metric become a tidy scaling curve.

A curve has one row a model and group: the estimate, an interval of 95 %, how many outputs stand
behind it (``n``), how many different problems these are (``n_items``), and the smallest difference
that so many outputs can show (``resolution``, one over ``n``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from mirage_lib import metrics, outputs as tables
from mirage_lib.metrics import Metric

LEVEL = 0.95
BY = ("task", "group", "temperature")
MODEL = ("family", "model", "n_params")
ESTIMATES = "metric estimate low high n n_items n_seeds resolution".split()
AT_ONCE = 4_000_000
"""Resampled problems that the bootstrap holds in memory at once, 8 bytes each."""


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
        Columns that split the curve, next to family, model and number of parameters. With ``seed`` among
        them every training seed has its own curve, without the memory of a table a seed.
    draws : int
        Bootstrap draws.
    seed : int
        Seed of the bootstrap. Cells with as many problems share their draws.

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
    rows = [
        (*cell.key, *estimates(cell, [metric], draws, seed)[0]) for cell in cells(outputs, [metric], by)
    ]
    return pl.DataFrame(rows, schema=[*by, *MODEL, *ESTIMATES], orient="row")


class Cell(NamedTuple):
    """The scores of one model on one group of problems.

    Attributes
    ----------
    key : tuple
        The values of the columns that a curve is split by, then of family, model and parameters.
    seeds : array
        The training seeds, sorted.
    asked : (seeds, problems) array of int
        Prompts that a seed was asked about a problem.
    scores : (metrics, seeds, problems) array
        Means over those prompts, NaN where there were none.
    """

    key: tuple[Any, ...]
    seeds: np.ndarray
    asked: np.ndarray
    scores: np.ndarray

    def alone(self, k: int) -> Cell:
        """Keep the ``k``-th seed, and the problems that it was asked."""
        its = self.asked[k] > 0
        return Cell(self.key, self.seeds[[k]], self.asked[[k]][:, its], self.scores[:, [k]][:, :, its])


def cells(
    outputs: pl.DataFrame, scorers: Sequence[str | Metric], by: tuple[str, ...] = BY
) -> Iterator[Cell]:
    """Score outputs under several metrics and sort the scores into cells, by ``by`` and size.

    Everything is grouped by whole numbers: with a million outputs, comparing names costs more than all
    the rest.

    >>> ladder = tables.load("arithmetic-ladder").filter(pl.col("group") == 1)
    >>> first = next(cells(ladder, ["exact_match", "token_edit_distance"]))
    >>> first.scores.shape == (2, *first.asked.shape)
    True
    """
    keys = [*by, *MODEL]
    columns = list(dict.fromkeys([*keys, "seed", "item"]))  # "seed" may be in ``by``
    tables.require(outputs, columns, "outputs to draw a curve from")
    tables.check_missing(outputs.select(columns))
    scores = [metrics.get(scorer).score(outputs).to_numpy() for scorer in scorers]
    code = np.zeros(outputs.height, dtype=np.int64)
    for name in (*by, "n_params", "family", "model"):
        codes, values = _codes(outputs[name])
        code = code * len(values) + codes
    item, _ = _codes(outputs["item"])
    seed, seeds = _codes(outputs["seed"])
    order = np.argsort(code, kind="stable")
    starts = np.flatnonzero(np.diff(code[order], prepend=-1))
    names = outputs[order[starts]].select(keys).rows()
    for key, rows in zip(names, np.split(order, starts[1:]), strict=True):
        own_seeds, s = np.unique(seed[rows], return_inverse=True)
        problems, p = np.unique(item[rows], return_inverse=True)
        shape, where = (len(own_seeds), len(problems)), s * len(problems) + p
        asked = np.bincount(where, minlength=shape[0] * shape[1]).reshape(shape)
        sums = [np.bincount(where, weights=score[rows], minlength=asked.size) for score in scores]
        sums = np.reshape(sums, (-1, *shape))
        means = np.divide(sums, asked, out=np.full_like(sums, np.nan), where=asked > 0)
        yield Cell(key, seeds[own_seeds].to_numpy(), asked, means)


def _codes(column: pl.Series) -> tuple[np.ndarray, pl.Series]:
    """Number the values of a column in their order; return the numbers, and the values."""
    if not column.dtype.is_numeric():
        column = column.cast(pl.String)
        values = column.unique().sort()
        return column.cast(pl.Enum(values)).to_physical().to_numpy().astype(np.int64), values
    values = column.unique().sort()
    return np.searchsorted(values.to_numpy(), column.to_numpy()), values


def estimates(cell: Cell, scorers: Sequence[str | Metric], draws: int = 1000, seed: int = 0) -> list[tuple[Any, ...]]:
    """Average a cell's scores, with intervals as :func:`curve` tells.

    Parameters
    ----------
    scorers : names or metrics
        Those that the cell was made with, in that order.

    Returns
    -------
    One tuple a metric with the values of :data:`ESTIMATES`.
    """
    known = [metrics.get(scorer) for scorer in scorers]
    n, (seeds, n_items) = int(cell.asked.sum()), cell.asked.shape
    plain = seeds == 1 and n == n_items
    means = np.nanmean(cell.scores, axis=2).mean(axis=1)
    ends = np.empty((2, len(known)))
    rest = []
    for k, (scorer, mean, found) in enumerate(zip(known, means, cell.scores, strict=True)):
        right_or_wrong = scorer.range == (0, 1) and np.isin(found[cell.asked > 0], (0, 1)).all()
        if right_or_wrong and (plain or mean in (0, 1)):
            ends[:, k] = wilson(round(mean * n_items), n_items)
        else:
            rest.append(k)
    if rest:
        ends[:, rest] = bootstrap(cell.scores[rest], draws, seed)
    return [
        (scorer.name, float(mean), float(low), float(high), n, n_items, seeds, 1 / n)
        for scorer, mean, low, high in zip(known, means, *ends, strict=True)
    ]


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
    z = _half_width(level)
    share = successes / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low = 0.0 if successes == 0 else float(middle - half)
    high = 1.0 if successes == n else float(middle + half)
    return low, high


def _half_width(level: float) -> float:
    """Half the width of a normal interval of this level, in standard errors."""
    from scipy.special import ndtri  # Here, since it is nearly half of what importing this module would cost.

    return float(ndtri((1 + level) / 2))


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
    z = _half_width(level)
    return int(np.ceil(z**2 * (1 - share) / (share * relative_error**2)))


def subsampled(outputs: pl.DataFrame, n: int) -> pl.DataFrame:
    """Keep the first ``n`` prompts of each task and group: the test set as it might have been.

    Prompts were drawn in random order when they were made, so the first ones are a fair sample.

    >>> frame = pl.DataFrame({"task": ["t"] * 3, "group": [1] * 3, "prompt_id": ["a", "b", "a"]})
    >>> subsampled(frame, 1)["prompt_id"].to_list()
    ['a', 'a']
    """
    kept = (
        outputs.select("task", "group", "prompt_id")
        .unique(maintain_order=True)
        .group_by("task", "group", maintain_order=True)
        .head(n)
    )
    return outputs.join(kept, on=["task", "group", "prompt_id"], how="semi", maintain_order="left")


def bootstrap(
    scores: np.ndarray, draws: int, rng: np.random.Generator | int, level: float = LEVEL
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval of a mean over seeds and problems.

    Each draw takes as many seeds and as many problems as there are, both with replacement. Seeds that
    were asked the same problem share its fate, since its difficulty is one fact and not several.

    Parameters
    ----------
    scores : (..., seeds, problems) array
        NaN where a seed was not asked a problem; of several metrics, in the same places for all.
    rng : generator or int
        A number stands for the draws of that seed: all calls with as many problems share them.

    Returns
    -------
    Lower and upper ends, each of the shape of the leading axes.

    >>> low, high = bootstrap(np.array([[0.0, 1.0] * 50]), 500, np.random.default_rng(0))
    >>> bool(low < 0.5 < high)
    True
    """
    *several, seeds, problems = scores.shape
    asked = ~np.isnan(scores.reshape(-1, seeds, problems)[0])
    known = np.where(asked, scores, 0.0).reshape(-1, problems)
    generator = np.random.default_rng(rng)
    weights = generator.multinomial(seeds, np.full(seeds, 1 / seeds), size=draws)
    columns = np.concatenate([known, asked]).T
    if draws * problems <= AT_ONCE and not isinstance(rng, np.random.Generator):
        sums = _shared_counts(draws, problems, rng) @ columns
    else:
        sums = _resampled_sums(columns, draws, generator)
    # Seeds count the same however many problems they were asked; one that was drawn none does not count.
    times = sums[:, -seeds:]
    means = sums[:, :-seeds].reshape(draws, -1, seeds) / np.maximum(times, 1)[:, None]
    weights = weights * (times > 0)
    some = weights.any(axis=1)
    drawn = np.einsum("dms,ds->md", means[some], weights[some] / weights[some].sum(axis=1, keepdims=True))
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], axis=1).reshape(2, *several)
    return low, high


def _counts(draws: int, problems: int, rng: np.random.Generator) -> np.ndarray:
    """Draw how often each problem comes up, (draws, problems)."""
    picked = rng.integers(0, problems, (draws, problems))
    picked += np.arange(draws)[:, None] * problems
    return np.bincount(picked.ravel(), minlength=picked.size).reshape(picked.shape).astype(float)


@lru_cache(maxsize=2)
def _shared_counts(draws: int, problems: int, seed: int) -> np.ndarray:
    """Keep the counts of a seed: most cells of a table have as many problems as the one before."""
    return _counts(draws, problems, np.random.default_rng((seed, problems)))


def _resampled_sums(columns: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Sum the rows of ``columns`` over resampled problems, (draws, columns), in little memory."""
    problems = len(columns)
    if draws * problems > AT_ONCE:
        # Resampling problems is drawing how often each distinct row of scores comes up.
        distinct = pl.DataFrame(columns).group_by(pl.all(), maintain_order=True).len("times").to_numpy()
        if len(distinct) <= problems / 8:
            times = rng.multinomial(problems, distinct[:, -1] / problems, size=draws)
            return times.astype(float) @ distinct[:, :-1]
    step = max(1, AT_ONCE // 2 // problems)
    parts = (min(step, draws - start) for start in range(0, draws, step))
    return np.concatenate([_counts(part, problems, rng) @ columns for part in parts])


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
