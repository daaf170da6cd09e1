"""Mixtures: do values from many seeds fall into two groups, or into one?

One group is a normal distribution, two groups are two normal distributions of the same width. More parameters always fit
better, so each is judged by values that it has not seen: fitted to all seeds but some, and asked how probable those are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

_STEPS = 200
_STARTS = 4
_LEAST = 5


class Groups(NamedTuple):
    """Two groups fitted to values: their middles, low to high, the share of the higher one, and their common width."""

    low: float
    high: float
    share: float
    width: float


class Gain(NamedTuple):
    """What a second group gains on unseen values.

    Attributes
    ----------
    mean, lowest, highest : float
        Log-density of an unseen value under two groups less that under one, in nats: mean, with a 95 % interval from
        resampling the values.
    n : int
        Unseen values.
    """

    mean: float
    lowest: float
    highest: float
    n: int


def two_groups(values: Sequence[float], least: float = 0.1) -> Groups:
    """Fit two groups by maximum likelihood (expectation-maximisation, begun with a cut at each of the widest gaps).

    Parameters
    ----------
    values : (n,)
    least : float
        Bound on the width from below, in the values' unit: two values that agree are no proof of none.

    >>> two_groups([0.0, 0.2, 0.1, 9.9, 10.1])._replace(width=0).share
    0.4
    """
    x = np.sort(_checked(values))
    best, most = None, -np.inf
    for cut in 1 + np.argsort(np.diff(x), kind="stable")[-_STARTS:]:
        centres, shares = np.array([x[:cut].mean(), x[cut:].mean()]), np.array([cut, len(x) - cut]) / len(x)
        width = max(least, np.sqrt(np.mean((x - np.repeat(centres, (cut, len(x) - cut))) ** 2)))
        before = -np.inf
        for _ in range(_STEPS):
            joint = np.log(shares) + _normal(x[:, None], centres, width)
            whole = np.logaddexp(joint[:, :1], joint[:, 1:])
            if whole.sum() < before + 1e-9:
                break
            before, weight = whole.sum(), np.exp(joint - whole)
            sums = np.maximum(weight.sum(axis=0), 1e-9)
            centres, shares = weight.T @ x / sums, sums / sums.sum()
            width = max(least, np.sqrt(np.sum(weight * (x[:, None] - centres) ** 2) / len(x)))
        likelihood = _mixed(x, centres, shares, width).sum()
        if likelihood > most + 1e-9:
            order = np.argsort(centres)
            low, high = (float(centre) for centre in centres[order])
            best, most = Groups(low, high, round(float(shares[order][1]), 12), float(width)), likelihood
    assert best is not None, "every start has a likelihood"
    return best


def densities(values: Sequence[float], seen: Sequence[float], least: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    """Log-density of values under one group and under two groups, both fitted to values that were seen.

    >>> one, two = densities([0.0, 10.0], [0.0, 0.2, 0.1, 9.9, 10.1])
    >>> bool((two > one).all())
    True
    """
    x, seen = np.asarray(values, dtype=float), _checked(seen)
    groups = two_groups(seen, least)
    one = _normal(x, seen.mean(), max(least, seen.std()))
    return one, _mixed(x, np.array(groups[:2]), np.array([1 - groups.share, groups.share]), groups.width)


def gain(
    values: Sequence[float], unseen: Sequence[float] | None = None, least: float = 0.1, draws: int = 2000, seed: int = 0
) -> Gain:
    """Judge two groups against one on values that neither was fitted to.

    Parameters
    ----------
    values : (n,) to fit
    unseen : values to judge by, such as those of new seeds; without them each value is left out once
    least : of :func:`two_groups`
    draws, seed : resamples for the interval, and their seed

    Raises
    ------
    ValueError
        For fewer than five values, or one that is not finite.

    >>> gain([0, 1, 2, 3, 4, 5, 6, 7.0]).mean < 0 < gain([0, 0.3, 0.1, 0.2, 9, 9.3, 9.1, 9.2]).lowest
    True
    """
    x = _checked(values)
    if unseen is None:
        pairs = [densities(x[k : k + 1], np.delete(x, k), least) for k in range(len(x))]
        gains = np.array([(two - one)[0] for one, two in pairs])
    else:
        one, two = densities(unseen, x, least)
        gains = two - one
    means = np.random.default_rng(seed).choice(gains, (draws, len(gains))).mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return Gain(float(gains.mean()), float(low), float(high), len(gains))


def log_odds(share: Sequence[float], n: int) -> np.ndarray:
    """Log-odds of a share of n right answers, half an answer added to either side, so that none and all are finite.

    >>> log_odds([0.0, 0.5, 1.0], 100).round(1).tolist()
    [-5.3, 0.0, 5.3]
    """
    right = np.asarray(share, dtype=float) * n
    return np.log((right + 0.5) / (n - right + 0.5))


def _checked(values: Sequence[float]) -> np.ndarray:
    x = np.asarray(values, dtype=float)
    if x.ndim != 1 or len(x) < _LEAST - 1 or not np.isfinite(x).all():
        raise ValueError(f"{x.size} values, {int((~np.isfinite(x)).sum())} of them not finite: give at least {_LEAST} finite ones")
    return x


def _normal(x: np.ndarray, centre: np.ndarray | float, width: float) -> np.ndarray:
    return -0.5 * ((x - centre) / width) ** 2 - np.log(width * np.sqrt(2 * np.pi))


def _mixed(x: np.ndarray, centres: np.ndarray, shares: np.ndarray, width: float) -> np.ndarray:
    with np.errstate(divide="ignore"):
        joint = np.log(shares) + _normal(x[:, None], centres, width)
    return np.logaddexp(joint[:, 0], joint[:, 1])
