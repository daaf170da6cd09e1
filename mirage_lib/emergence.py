"""Emergence: what is read off a scaling curve.

The published score (Section 4 of the paper; BIG-bench calls it breakthroughness), the scores that a
smooth curve of the same size and noise would get by chance, and the plain question whether the
smaller models foretell the largest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from mirage_lib import metrics
from mirage_lib.forecasts import extrapolate, quantiles
from mirage_lib.replicates import Replicates

Values = Sequence[float] | np.ndarray | pl.Series


def score(sizes: Values, values: Values) -> float:
    """Return the emergence score exactly as the paper prints it.

    ``sign(argmax y - argmin y) * (max y - min y) / sqrt(median((y_i - y_{i-1})^2))`` over the models
    sorted by size. The sign is positive where the best value belongs to a larger model than the
    worst, so a metric for which lower is better has to be negated first.

    Parameters
    ----------
    sizes : (n,) numbers of parameters, in any order
    values : (n,) scores, higher is better

    Returns
    -------
    A number, at least about 1 in size for any change; plus or minus infinity where the median step is
    zero although something changed (the formula divides by zero there, and the sharpest curves of all
    are of this kind); 0 where nothing changed.

    Raises
    ------
    ValueError
        For fewer than two models, repeated sizes, or values that are not finite.

    >>> score([1, 2, 3, 4], [0.0, 1.0, 2.0, 3.0])
    3.0
    >>> score([1, 2, 3, 4], [0.0, 0.0, 0.0, 1.0])
    inf
    """
    _, values = _sorted(sizes, values)
    return float(scores(values[None])[0])


def scores(values: np.ndarray) -> np.ndarray:
    """Return the score of many curves at once: the formula of :func:`score` for each row.

    Parameters
    ----------
    values : (curves, models) scores, higher is better, the models sorted by size

    >>> scores(np.array([[0.0, 1.0, 2.0], [1.0, 1.0, 1.0]]))
    array([2., 0.])
    """
    span = values.max(axis=1) - values.min(axis=1)
    sign = np.where(values.argmax(axis=1) > values.argmin(axis=1), 1.0, -1.0)
    middle = np.sqrt(np.median(np.diff(values, axis=1) ** 2, axis=1))
    climbs = np.divide(span, middle, out=np.full_like(span, np.inf), where=middle > 0)
    return np.where(span == 0, 0.0, sign * climbs)


def _sorted(sizes: Values, values: Values) -> tuple[np.ndarray, np.ndarray]:
    sizes, values = np.asarray(sizes, dtype=float), np.asarray(values, dtype=float)
    if sizes.shape != values.shape or sizes.ndim != 1 or len(sizes) < 2:
        raise ValueError(
            f"{sizes.size} sizes and {values.size} values: give at least two models, one value each"
        )
    if not (np.isfinite(sizes).all() and np.isfinite(values).all()):
        raise ValueError("a size or a value is not finite: drop that model first")
    order = np.argsort(sizes)
    if (np.diff(sizes[order]) == 0).any():
        raise ValueError("two models have the same size: average them first")
    return sizes[order], values[order]


def null_scores(
    sizes: Values,
    values: Values,
    errors: Values,
    draws: int = 2000,
    seed: int = 0,
    items: int | None = None,
) -> np.ndarray:
    """Scores that a smooth curve with the same models and the same noise would get.

    Smooth means: a straight line in the logarithm of size from the first value to the last. Each draw
    adds normal noise with the given standard errors and takes the score.

    Parameters
    ----------
    errors : (n,) standard errors of the values
    draws, seed : how many draws, and their seed
    items : int, optional
        For shares of right answers: how many items were asked. The noise is binomial then, and ``errors`` is
        not used. With few items equal values are common, and with them steps of zero, which normal noise
        never makes.

    Returns
    -------
    (draws,) scores.

    >>> null = null_scores([1e6, 1e7, 1e8, 1e9], [0, 0.1, 0.2, 0.3], [1e-6] * 4, draws=5)
    >>> np.round(null, 2)
    array([3., 3., 3., 3., 3.])
    """
    order = np.argsort(sizes)
    sizes, values = _sorted(sizes, values)
    errors = np.asarray(errors, dtype=float)
    if errors.shape != values.shape or not (errors >= 0).all():
        raise ValueError(f"{errors.size} standard errors for {values.size} values: one each, none negative")
    errors = errors[order]
    log_size = np.log(sizes)
    share = (log_size - log_size[0]) / (log_size[-1] - log_size[0])
    line = values[0] + share * (values[-1] - values[0])
    rng = np.random.default_rng(seed)
    if items:
        return scores(rng.binomial(items, np.clip(line, 0, 1), (draws, len(line))) / items)
    return scores(line + rng.normal(size=(draws, len(line))) * errors)


def redrawn_scores(
    sizes: Values,
    values: Values,
    errors: Values,
    draws: int = 2000,
    seed: int = 0,
    items: int | None = None,
) -> np.ndarray:
    """Scores of the same curve measured again and again; their middle 95 % is an interval for its score.

    As in :func:`null_scores`, but around the observed values. What was measured already has noise, and a
    redrawn curve has it twice. Noise adds steps, so these scores tend to lie below that of the curve, which
    may itself lie above the interval.

    Returns
    -------
    (draws,) scores.

    >>> redrawn_scores([1, 2, 3], [0.0, 0.5, 1.0], [0, 0, 0], draws=2)
    array([2., 2.])
    """
    order = np.argsort(sizes)
    _, values = _sorted(sizes, values)
    errors = np.asarray(errors, dtype=float)
    if errors.shape != values.shape or not (errors >= 0).all():
        raise ValueError(f"{errors.size} standard errors for {values.size} values: one each, none negative")
    rng = np.random.default_rng(seed)
    if items:
        return scores(rng.binomial(items, np.clip(values, 0, 1), (draws, len(values))) / items)
    return scores(values + rng.normal(size=(draws, len(values))) * errors[order])


def exceedance(observed: float, null: np.ndarray) -> float:
    """How often the smooth null scores at least as high; never exactly zero.

    >>> exceedance(5.0, np.array([1.0, 2.0, 6.0]))
    0.5
    """
    return float((1 + np.sum(null >= observed)) / (1 + len(null)))


class Forecast(NamedTuple):
    """A prediction of the largest model from the smaller ones.

    Attributes
    ----------
    predicted, observed, error : float
        ``error`` is observed minus predicted.
    """

    predicted: float
    observed: float
    error: float


def forecast(sizes: Values, values: Values, shape: str = "line") -> Forecast:
    """Fit the smaller models, predict the largest, and say how far off that was.

    Parameters
    ----------
    shape : str
        ``line``: a straight line in the logarithm of size. ``sigmoid``: a logistic curve from 0 to 1.

    Raises
    ------
    ValueError
        For an unknown shape, or fewer than three smaller models.

    >>> round(forecast([1, 10, 100, 1000], [0.0, 1.0, 2.0, 5.0]).error, 6)
    2.0
    """
    sizes, values = _sorted(sizes, values)
    if len(sizes) < 4:
        raise ValueError(f"{len(sizes)} models: a forecast needs three smaller ones and the one to predict")
    x = np.log(sizes)
    predicted = float(extrapolate(x[:-1], values[None, :-1], x[-1:], shape)[0, 0])
    return Forecast(predicted, float(values[-1]), float(values[-1] - predicted))


def summary(curve: pl.DataFrame, draws: int = 1000, seed: int = 0) -> pl.DataFrame:
    """Read the score, its smooth null and a forecast off every group of a curve.

    Metrics for which lower is better are negated first. Standard errors are a quarter of the width of
    the 95 % intervals. The forecast is a straight line in the logarithm of size.

    Parameters
    ----------
    curve : frame
        From :func:`curves.curve`, of one metric.
    draws, seed : of :func:`null_scores`

    Returns
    -------
    Frame with ``task, group, metric, score, null_high, exceedance, predicted, observed``: ``null_high``
    is what one in twenty smooth curves of the same models and noise exceeds.

    >>> from mirage_lib import curves, theory
    >>> simulated = theory.text_outputs([0.8, 0.6, 0.4, 0.2], length=3, n=50)
    >>> summary(curves.curve(simulated, "per_token_accuracy"))["score"].is_between(1, 9).all()
    True
    """
    rows = []
    for (task, group, name), part in curve.group_by("task", "group", "metric", maintain_order=True):
        sign = -1 if metrics.get(name).better == "lower" else 1
        sizes, values = part["n_params"], sign * part["estimate"]
        errors = (part["high"] - part["low"]) / 4
        observed = score(sizes, values)
        null = null_scores(sizes, values, errors, draws, seed)
        ahead = forecast(sizes, values)
        rows.append(
            (task, group, name, observed, float(np.quantile(null, 0.95)), exceedance(observed, null))
            + (sign * ahead.predicted, sign * ahead.observed)
        )
    names = "task group metric score null_high exceedance predicted observed".split()
    return pl.DataFrame(rows, schema=names, orient="row")


def scored(cells: Iterable[Replicates], draws: int = 4000, seed: int = 0) -> pl.DataFrame:
    """Read the score off whole curves that were drawn again, with its interval and its smooth null.

    The interval is the middle 95 % of the scores of the draws. Noise adds steps, so a noisy curve tends
    to score lower than the curve beneath it, much lower where a few seeds fall into two groups, and its
    draws lower still: an observed score may lie near the upper end of its interval, or above it. An end may be infinite, where the median step of some
    draws is zero; ``infinite`` says in what share of them.

    Parameters
    ----------
    cells : Replicates
        From :func:`mirage_lib.replicates.resample` or :func:`mirage_lib.replicates.published`.
    draws, seed : of :func:`null_scores`, whose standard errors are the spread of the curve's draws

    Returns
    -------
    Frame with ``source, task, group, temperature, metric, models, score, low, high, infinite, straight,
    null_high, exceedance, halfway``; ``straight`` is the score of a line at the same sizes without noise;
    ``halfway`` is the share of the way from the first to the last value that is made at the middle of
    the log sizes. A line has one half, a late leap less, a curve that saturates more: the score cannot
    tell these two apart. It is missing where first and last are equal.

    >>> from mirage_lib import replicates
    >>> scored(replicates.published(temperature=0, draws=20), draws=20).height
    18
    """
    rows: list[dict[str, object]] = []
    for cell in cells:
        value = score(cell.sizes, cell.values)
        again = scores(cell.draws)
        low, high = quantiles(again)
        null = null_scores(cell.sizes, cell.values, cell.draws.std(axis=0), draws, seed)
        line = null_scores(cell.sizes, cell.values, np.zeros(len(cell.sizes)), 1)
        row: dict[str, object] = {"models": len(cell.sizes), "score": value, "low": low, "high": high}
        row |= {"infinite": float(np.isinf(again).mean()), "straight": float(line[0])}
        row |= {"null_high": float(np.quantile(null, 0.95)), "exceedance": exceedance(value, null)}
        row |= {"halfway": _halfway(np.log(cell.sizes), cell.values)}
        rows.append({**cell.label, **row})
    return pl.DataFrame(rows, infer_schema_length=None)


def _halfway(log_sizes: np.ndarray, values: np.ndarray) -> float | None:
    """Share of the way from the first to the last value that is made at the middle of the log sizes."""
    way = values[-1] - values[0]
    middle = np.interp((log_sizes[0] + log_sizes[-1]) / 2, log_sizes, values)
    return float((middle - values[0]) / way) if way else None
