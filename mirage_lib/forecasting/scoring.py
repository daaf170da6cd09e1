"""Scoring: how good a forecast with its uncertainty was, once the truth is known.

The continuous ranked probability score (CRPS) is the mean distance of the draws from the truth, less half their mean
distance from each other: for a forecast without spread the plain error, and on average least for who says what they
believe. Divided by the range of the curve it can be compared over metrics. Where a number of answers is known, the
logarithm of the chance that was given to the observed count is kept too.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from functools import cache

import numpy as np
import polars as pl
from scipy.stats import binom

from mirage_lib.forecasting import families
from mirage_lib.forecasting.cases import Curve
from mirage_lib.forecasting.methods import METHODS, Method

NOMINAL = 0.9
"""Probability that an interval claims."""
SEEN = 4
"""Models that have to be left after holding out."""
HORIZONS = {"near": 1, "far": 3}
"""How many of the largest models are held out; what is scored is the largest."""
DOUBT = 0.05
"""Share of a uniform distribution mixed into every forecast of a count, so that no count is impossible."""


def crps(draws: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The continuous ranked probability score of draws (draws, points) for the truth (points,); 0 is best.

    >>> crps(np.array([[0.4], [0.4]]), np.array([0.5])).round(6).tolist()
    [0.1]
    """
    ranked = np.sort(draws, axis=0)
    count = len(ranked)
    weights = (2 * np.arange(1, count + 1) - count - 1)[:, None] / count**2
    return np.abs(draws - truth).mean(axis=0) - (weights * ranked).sum(axis=0)


def interval_score(low: np.ndarray, high: np.ndarray, truth: np.ndarray, level: float = NOMINAL) -> np.ndarray:
    """The width of an interval, and for a miss the distance times 2 / (1 - level).

    >>> interval_score(np.array([0.2]), np.array([0.4]), np.array([0.5])).round(6).tolist()
    [2.2]
    """
    missed = np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
    return high - low + 2 / (1 - level) * missed


def count_score(shares: np.ndarray, right: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Logarithm of the chance that draws of a share (draws, points) give to so many right answers; higher is better.

    >>> count_score(np.full((9, 1), 0.5), np.array([1]), np.array([2])).round(3).tolist()
    [-0.71]
    """
    given = binom.pmf(np.round(right), np.round(n), np.clip(shares, 0, 1)).mean(axis=0)
    return np.log((1 - DOUBT) * given + DOUBT / (np.round(n) + 1))


def forecast(curve: Curve, method: str | Method, held: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Forecast the largest models of a curve from the others.

    Returns
    -------
    Draws of what they truly score and draws of what would be observed, (draws, held) each. The random numbers hang on
    the names of curve and method only.

    Raises
    ------
    KeyError
        If there is no such method.

    >>> curve = families.curves_of("pythia-addition")[0]
    >>> forecast(curve, "last")[1].shape
    (300, 1)
    """
    if isinstance(method, str):
        if method not in METHODS:
            raise KeyError(f"unknown method {method!r}: there are {', '.join(METHODS)}")
        method = METHODS[method]
    key = "|".join((curve.source, curve.family, curve.task, curve.metric, method.name, str(held)))
    rng = np.random.default_rng(zlib.crc32(key.encode()))
    return ahead(curve.seen(held), method, curve.places(held), None if curve.n is None else curve.n[-held:], rng)


def ahead(
    seen: Curve, method: Method, at: np.ndarray, n: np.ndarray | None, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draws of true and of observed scores at places, for models with ``n`` answers.

    >>> curve = families.curves_of("pythia-addition")[0]
    >>> ahead(curve, METHODS["last"], np.array([1.1]), None, np.random.default_rng(0))[0].shape
    (300, 1)
    """
    true = seen.cut(method.fit(seen, at, rng))
    if method.lucky:
        return true, true
    if n is not None:
        whole = np.round(n).astype(int)
        return true, rng.binomial(whole, true) / whole
    luck = float(np.sqrt(np.mean(seen.errors**2)))
    return true, seen.cut(true + luck * rng.standard_normal(true.shape))


def scores(curves: Iterable[Curve], methods: Iterable[str] | None = None) -> pl.DataFrame:
    """Score methods on curves, near and far.

    Parameters
    ----------
    curves : curves that are worth it
    methods : names; all, if none are given

    Returns
    -------
    One row a curve, method and horizon: ``source, family, task, metric, group, partner`` (whether there is one),
    ``method, horizon, predicted`` (median), ``low, high`` (90 %), ``observed, crps, interval`` (both as shares of
    the range of the whole curve), ``covered``, ``count_score`` (empty without counts). For the OLMo ladder means over
    its two targets.

    >>> scores(families.curves_of("pythia-addition"), ["last", "line"])["horizon"].to_list()
    ['near', 'near']
    """
    chosen = list(METHODS) if methods is None else list(methods)
    rows = []
    for curve in curves:
        for horizon, held in ({"near": 2} if curve.source == "olmo" else HORIZONS).items():
            if len(curve.sizes) - held >= SEEN:
                fitting = [name for name in chosen if METHODS[name].applies(curve)]
                rows += [_row(curve, name, horizon, held) for name in fitting]
    return pl.DataFrame(rows, infer_schema_length=None)


def _row(curve: Curve, name: str, horizon: str, held: int) -> dict[str, object]:
    true, observed = forecast(curve, name, held)
    scored = slice(None) if curve.source == "olmo" else slice(-1, None)
    true, observed, truth = true[:, scored], observed[:, scored], curve.values[-held:][scored]
    low, middle, high = np.quantile(observed, [(1 - NOMINAL) / 2, 0.5, (1 + NOMINAL) / 2], axis=0)
    span = float(np.ptp(curve.values))
    counts = None
    if curve.n is not None:
        n = curve.n[-held:][scored]
        counts = float(count_score(true, truth * n, n).mean())
    return {
        "source": curve.source, "family": curve.family, "task": curve.task, "metric": curve.metric, "group": curve.group,
        "partner": curve.partner is not None, "method": name, "horizon": horizon, "predicted": float(middle[-1]), "low": float(low[-1]),
        "high": float(high[-1]), "observed": float(truth[-1]), "crps": float(crps(observed, truth).mean()) / span,
        "interval": float(interval_score(low, high, truth).mean()) / span,
        "covered": float(np.mean((low - 1e-9 <= truth) & (truth <= high + 1e-9))), "count_score": counts,
    }  # fmt: skip


@cache
def all_curves() -> tuple[Curve, ...]:
    """Every curve of every source that is worth a forecast.

    >>> all(families.worth(one) for one in all_curves())
    True
    """
    return tuple(one for name in families.SOURCES for one in families.curves_of(name) if families.worth(one))


_DONE: dict[str, tuple[Method, pl.DataFrame]] = {}


def table(*names: str) -> pl.DataFrame:
    """Score methods on every curve, all that are registered if none are named; each method once a process.

    >>> sorted(table("last", "two-stage")["method"].unique())
    ['last', 'two-stage']
    """
    names = names or tuple(METHODS)
    for name in names:
        if name not in _DONE or _DONE[name][0] is not METHODS[name]:
            _DONE[name] = (METHODS[name], scores(all_curves(), [name]))
    return pl.concat([_DONE[name][1] for name in names], how="vertical_relaxed")
