"""Breaks: does a curve turn a corner that no smooth curve with the same noise would show?

The published score divides the whole climb by the median step, so it grows with the number of models and
falls with noise. Here a curve is fitted twice instead: by smooth shapes, and by shapes with a corner. What
"smooth" means has to be said, since a logistic curve that may be as steep as it likes imitates any jump, and
a straight line alone would call every bend a break:

- smooth: a straight line, a parabola, or a logistic rise that takes at least half of the range of x to come
  from a tenth to nine tenths of its height;
- broken: flat and then rising along a line (*hinge*: absent, then present), or one level and then a higher
  one (*step*).

The statistic is how much smaller the weighted squared error of the best broken shape is, in logarithms. How
large it gets by luck is found by drawing data around the best smooth fit. So a small ``p`` says: a curve
that climbs over at least half the range would hardly look so broken. It does not say that the climb takes
no time at all; what lies between two models is not seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

LEAST = 5
"""Different x that a curve needs."""
WINDOW = 0.5
"""Decades around the break in which ``jump`` counts the climb, if x is a natural logarithm."""
RISES = (0.5, 0.7, 1.0)
"""How long a smooth rise may take, in shares of the range of x."""
_RISE = 2 * np.log(9)  # from a tenth to nine tenths of a logistic curve, in units of its scale


class Break(NamedTuple):
    """What a test found.

    Attributes
    ----------
    smooth, broken : str
        The best smooth shape (``line``, ``parabola``, ``rise``) and the best broken one (``hinge``, ``step``).
    at : float
        Where the broken shape breaks, in x.
    gain : float
        Logarithm of the smooth shape's squared error over the broken one's; above 0 the broken one fits better.
    p : float
        How often data drawn around the smooth fit gain at least as much; never exactly zero, and 1 where
        ``gain`` is not above 0.
    jump, low, high : float
        Share of the whole climb that is made within :data:`WINDOW` decades around the break, with 95 % interval.
        NaN where the largest models are no better than the smallest.
    """

    smooth: str
    broken: str
    at: float
    gain: float
    p: float
    jump: float
    low: float
    high: float


def find(
    x: Sequence[float] | np.ndarray,
    values: Sequence[float] | np.ndarray,
    errors: Sequence[float] | np.ndarray | float | None = None,
    items: int | None = None,
    draws: int = 500,
    seed: int = 0,
) -> Break:
    """Test one curve for a break upwards.

    Parameters
    ----------
    x : (n,) natural logarithms of size or compute, in any order; values of x may repeat
    values : (n,) scores, up being better
    errors : (n,) or one standard error; without it and without ``items``, the scatter about the smooth fit
    items : int, optional
        For shares of right answers: how many items were asked. The noise is binomial then.
    draws, seed : data sets drawn around the smooth fit, and their seed

    Raises
    ------
    ValueError
        For values that are not finite, errors that are not positive, or fewer than :data:`LEAST` different x.

    >>> x = np.log([1e6, 1e7, 1e8, 1e9, 1e10, 1e11])
    >>> found = find(x, [0.0, 0.01, 0.0, 0.01, 0.9, 0.91], errors=0.02)
    >>> found.broken, found.p < 0.01, float(round(np.exp(found.at) / 1e9, 1))
    ('step', True, 3.2)
    """
    x, values = np.asarray(x, dtype=float), np.asarray(values, dtype=float)
    if x.shape != values.shape or x.ndim != 1 or not (np.isfinite(x).all() and np.isfinite(values).all()):
        raise ValueError(f"{x.size} x and {values.size} values: give one finite value for each x")
    if len(np.unique(x)) < LEAST:
        raise ValueError(f"{len(np.unique(x))} different x: a break needs at least {LEAST} to be told from a bend")
    order = np.argsort(x, kind="stable")
    x, values = x[order], values[order]
    errors = _errors(values, errors, items, order)
    smooth, broken = _smooth(x), _broken(x)
    weights = np.ones(len(x)) if errors is None else 1 / errors
    gain, best, worst, fit = _compare(values[None], weights, smooth, broken)
    if errors is None:
        freedom = max(1, len(x) - smooth[best[0]][1].shape[1])
        errors = np.full(len(x), np.sqrt(np.sum((values - fit[0]) ** 2) / freedom))
    rng = np.random.default_rng(seed)
    if items is not None:
        drawn = rng.binomial(items, np.clip(fit[0], 0, 1), (draws, len(x))) / items
    else:
        drawn = fit[0] + rng.normal(size=(draws, len(x))) * errors
    by_luck = _compare(drawn, weights, smooth, broken)[0]
    name, design, at = broken[worst[0]]
    jumps = _jump(x, values + rng.normal(size=(draws, len(x))) * errors, at)
    low, high = np.nanquantile(jumps, (0.025, 0.975)) if np.isfinite(jumps).any() else (np.nan, np.nan)
    # Where no broken shape fits better than a smooth one, there is nothing to be explained by luck.
    p = (1 + np.sum(by_luck >= gain[0] - 1e-12)) / (1 + draws) if gain[0] > 0 else 1.0
    jump = _jump(x, values[None], at)[0]
    return Break(smooth[best[0]][0], name, float(at), float(gain[0]), float(p), float(jump), float(low), float(high))


def _errors(
    values: np.ndarray, errors: Sequence[float] | np.ndarray | float | None, items: int | None, order: np.ndarray
) -> np.ndarray | None:
    if items is not None:
        # Two right and two wrong answers more, so that a share of 0 is not taken to be exact.
        share = (np.clip(values, 0, 1) * items + 2) / (items + 4)
        return np.sqrt(share * (1 - share) / (items + 4))
    if errors is None:
        return None
    errors = np.broadcast_to(np.asarray(errors, dtype=float), values.shape)[order]
    if not (np.isfinite(errors).all() and (errors > 0).all()):
        raise ValueError("a standard error is not positive and finite: give the noise of every value, or items")
    return errors


def _smooth(x: np.ndarray) -> list[tuple[str, np.ndarray, float]]:
    """Smooth shapes as design matrices; a logistic rise on a grid of middles and of scales."""
    z = (x - x.mean()) / np.ptp(x)
    one = np.ones_like(z)
    shapes = [("line", np.stack([one, z], 1), np.nan), ("parabola", np.stack([one, z, z**2], 1), np.nan)]
    for rise in RISES:  # from a tenth to nine tenths
        for middle in np.linspace(z.min(), z.max(), 13):
            curve = 1 / (1 + np.exp(-(z - middle) * _RISE / rise))
            shapes.append(("rise", np.stack([one, curve], 1), np.nan))
    return shapes


def _broken(x: np.ndarray) -> list[tuple[str, np.ndarray, float]]:
    """Broken shapes: at least two different x before the corner, at least one behind it."""
    distinct = np.unique(x)
    one = np.ones_like(x)
    shapes = []
    for before, after in zip(distinct[1:-1], distinct[2:], strict=True):
        middle = (before + after) / 2
        shapes.append(("step", np.stack([one, (x > middle).astype(float)], 1), middle))
    for corner in distinct[1:-1]:
        shapes.append(("hinge", np.stack([one, np.clip(x - corner, 0, None)], 1), corner))
    return shapes


def _compare(
    values: np.ndarray, weights: np.ndarray, smooth: list[tuple[str, np.ndarray, float]], broken: list[tuple[str, np.ndarray, float]]
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Best shapes for each row of values: the gain, which smooth, which broken, and the smooth fit."""
    scaled = values * weights
    left = np.stack([_misfit(scaled, weights, design, rising=False)[0] for _, design, _ in smooth])
    right = np.stack([_misfit(scaled, weights, design, rising=True)[0] for _, design, _ in broken])
    best, worst = left.argmin(0), right.argmin(0)
    tiny = 1e-12 * (1 + np.sum(scaled**2, axis=1))
    gain = np.log((left.min(0) + tiny) / (right.min(0) + tiny))
    fit = np.stack([_misfit(row[None], weights, smooth[k][1], False)[1][0] for row, k in zip(scaled[:1], best[:1], strict=True)])
    return gain, best, worst, fit


def _misfit(
    scaled: np.ndarray, weights: np.ndarray, design: np.ndarray, rising: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted squared error of a least-squares fit to each row, and the fit; a falling one may not count."""
    columns = design * weights[:, None]
    coefficients = scaled @ np.linalg.pinv(columns).T
    misfit = np.sum((scaled - coefficients @ columns.T) ** 2, axis=1)
    if rising:
        level = scaled @ np.linalg.pinv(weights[:, None]).T
        flat = np.sum((scaled - level @ weights[None]) ** 2, axis=1)
        misfit = np.where(coefficients[:, 1] > 0, misfit, flat)
    return misfit, coefficients @ design.T


def _jump(x: np.ndarray, values: np.ndarray, at: float) -> np.ndarray:
    """Share of the climb from first to last x that is made within :data:`WINDOW` decades around a place."""
    distinct, place = np.unique(x, return_inverse=True)
    means = np.stack([np.bincount(place, row) / np.bincount(place) for row in values])
    half = WINDOW / 2 * np.log(10)
    ends = np.clip([at - half, at + half], distinct[0], distinct[-1])
    climbed = np.array([np.interp(ends[1], distinct, row) - np.interp(ends[0], distinct, row) for row in means])
    whole = means[:, -1] - means[:, 0]
    return np.divide(climbed, whole, out=np.full(len(means), np.nan), where=whole > 0)


def gains(x: Sequence[float], values: np.ndarray) -> np.ndarray:
    """The gain of many curves at the same x, all points weighing the same, without a test.

    Parameters
    ----------
    x : (n,) natural logarithms of size, ascending
    values : (curves, n), up being better

    >>> gains(np.arange(6.0), np.array([[0, 0, 0, 0, 1, 1], [0, 1, 2, 3, 4, 5]])).round(1) > 0
    array([ True, False])
    """
    x = np.asarray(x, dtype=float)
    return _compare(np.asarray(values, dtype=float), np.ones(len(x)), _smooth(x), _broken(x))[0]


def adjusted(p: Iterable[float]) -> np.ndarray:
    """Turn p values into q values: the share of false alarms among all that are at most as large.

    Source: Benjamini and Hochberg 1995.

    >>> adjusted([0.01, 0.02, 0.9]).round(3).tolist()
    [0.03, 0.03, 0.9]
    """
    p = np.asarray(list(p), dtype=float)
    if ((p < 0) | (p > 1)).any():
        raise ValueError("a p value is not between 0 and 1")
    order = np.argsort(p)[::-1]
    ranked = p[order] * len(p) / np.arange(len(p), 0, -1)
    q = np.empty_like(p)
    q[order] = np.minimum.accumulate(ranked) if len(p) else ranked
    return np.clip(q, 0, 1)
