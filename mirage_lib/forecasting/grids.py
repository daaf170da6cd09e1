"""Grids: curves with a few parameters fitted by weighing all of them, so that a forecast comes with its uncertainty.

Optimisers stop at one curve. Here a grid of curves is weighed by how well each fits, and a forecast draws curves by
these weights. Scatter of the models about their curve is a parameter like the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import expit, xlogy

DRAWS = 300
"""Draws of a forecast."""
TOPS = (1.0, 0.75, 0.5)
SCATTERS = 2.0 ** -np.arange(0, 10)
"""Scatter of models about their curve, in ranges of the values seen."""
FACTORS = 2.0 ** np.arange(0, 13)
"""How many times wider than a binomial the scatter of counts may be (as a variance)."""


@dataclass(frozen=True)
class Weighed:
    """A grid of curves with weights.

    Attributes
    ----------
    parameters : (parameters, curves)
    curve : from places (draws, points) and parameters (each (draws, 1)) to values
    weights : (curves, scatters), summing to one
    scatters : (scatters,) standard deviations, or with ``answers`` factors of a binomial variance
    answers : of one model, or zero for normal scatter
    """

    parameters: np.ndarray
    curve: Callable[..., np.ndarray]
    weights: np.ndarray
    scatters: np.ndarray
    answers: float = 0.0

    def draw(self, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw values at places, (draws or 1, points)."""
        chosen = np.searchsorted(np.cumsum(self.weights.ravel())[:-1], (np.arange(DRAWS) + rng.random(DRAWS)) / DRAWS)
        rng.shuffle(chosen)
        curve, scatter = np.divmod(chosen, len(self.scatters))
        values = self.curve(at, *self.parameters[:, curve, None])
        spread = self.scatters[scatter][:, None]
        if not self.answers:
            return values + spread * rng.standard_normal(values.shape)
        # Beside the luck of the items, true shares scatter by (factor - 1) p (1 - p) / n: a beta of this precision.
        precision = np.maximum(self.answers / np.maximum(spread - 1, 1e-9) - 1, 0.5)
        share = np.clip(values, 1e-12, 1 - 1e-12)
        wide = rng.beta(np.maximum(share * precision, 1e-9), np.maximum((1 - share) * precision, 1e-9))
        return np.where(spread > 1, wide, share)


@cache
def _sigmoids() -> np.ndarray:
    steep = np.geomspace(0.4, 60, 14)
    grid = np.meshgrid(np.linspace(-1.5, 3.5, 41), np.concatenate([-steep, steep]), TOPS, indexing="ij")
    return np.stack([one.ravel() for one in grid])


@cache
def _gompertz() -> np.ndarray:
    grid = np.meshgrid(np.linspace(-4, 3.2, 49), np.linspace(-2, 7, 61), indexing="ij")
    return np.stack([one.ravel() for one in grid])


@cache
def _rises(x: tuple[float, ...]) -> np.ndarray:
    """How far each logistic curve has risen at x, (curves, models): the same for all tasks of a family."""
    middle, slope, _ = _sigmoids()[:, :, None]
    return expit(slope * (np.array(x) - middle))


@cache
def _log_shares(x: tuple[float, ...], chance: float) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of the share of right and of wrong answers, (curves, models), of all curves of :func:`pass_rate`."""
    start, slope = _gompertz()[:, :, None]
    share = np.clip(_rate(np.array(x), start, slope, chance), 1e-12, 1 - 1e-12)
    return np.log(share), np.log1p(-share)


def _rate(at: np.ndarray, start: np.ndarray, slope: np.ndarray, chance: float) -> np.ndarray:
    return chance + (1 - chance) * np.exp(-np.exp(np.minimum(start - slope * at, 6.0)))


def logistic(x: np.ndarray, values: np.ndarray, errors: np.ndarray, chance: float) -> Weighed:
    """Weigh logistic curves of x from chance to one of :data:`TOPS`, rising or falling.

    Parameters
    ----------
    x : (models,), about 0 to 1
    values, errors : (models,)

    >>> x = np.linspace(0, 1, 8)
    >>> found = logistic(x, 1 / (1 + np.exp(-6 * (x - 0.7))), np.full(8, 0.01), 0.0)
    >>> float(found.draw(np.array([[1.1]]), np.random.default_rng(0)).mean().round(1))
    0.9
    """
    def curve(at: np.ndarray, middle: np.ndarray, slope: np.ndarray, top: np.ndarray) -> np.ndarray:
        return chance + np.maximum(top - chance, 0) * expit(slope * (at - middle))

    parameters = _sigmoids()
    fitted = chance + np.maximum(parameters[2][:, None] - chance, 0) * _rises(tuple(x.round(6).tolist()))
    scale = max(float(np.ptp(values)), 4 * float(np.mean(errors)), 1e-6)
    scatters = scale * SCATTERS
    off = (fitted - values) ** 2
    variances = errors[:, None] ** 2 + scatters**2
    log = -0.5 * off @ (1 / variances) - 0.5 * np.log(variances).sum(axis=0)
    return Weighed(parameters, curve, _weights(log), scatters)


def pass_rate(x: np.ndarray, values: np.ndarray, n: np.ndarray, chance: float) -> Weighed:
    """Weigh curves whose -log of the share above chance is exp(a - b x), by the likelihood of the counts.

    Parameters
    ----------
    x : (models,), about 0 to 1
    values : (models,) shares of right answers
    n : (models,) answers

    >>> found = pass_rate(np.array([0.0, 0.5, 1.0]), np.zeros(3), np.full(3, 200), 0.0)
    >>> bool(np.median(found.draw(np.array([[1.0]]), np.random.default_rng(0))) < 0.02)
    True
    """
    def curve(at: np.ndarray, start: np.ndarray, slope: np.ndarray) -> np.ndarray:
        return _rate(at, start, slope, chance)

    log_right, log_wrong = _log_shares(tuple(x.round(6).tolist()), chance)
    right = values * n
    best = np.sum(xlogy(right, values) + xlogy(n - right, 1 - values))
    deviance = 2 * (best - log_right @ right - log_wrong @ (n - right))
    factors = FACTORS[FACTORS <= max(1.0, float(np.min(n)) / 2)]
    log = -0.5 * deviance[:, None] / factors - 0.5 * len(x) * np.log(factors)
    return Weighed(_gompertz(), curve, _weights(log), factors, float(np.median(n)))


def _weights(log: np.ndarray) -> np.ndarray:
    weights = np.exp(log - log.max())
    return weights / weights.sum()


def line_draws(
    x: np.ndarray, values: np.ndarray, errors: np.ndarray, at: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draws of a least-squares line at other places, with the scatter of models about it: (draws, places).

    With the luck of the items added, the middle 90 % is the prediction interval of the textbooks.

    >>> x = np.array([0.0, 0.5, 1.0, 1.5])
    >>> line_draws(x, 2 * x, np.zeros(4), np.array([2.0]), np.random.default_rng(0)).round(6).max().item()
    4.0
    """
    freedom = len(x) - 2
    centred = x - x.mean()
    slope = centred @ values / (centred @ centred)
    scatter = float(np.sum((values - values.mean() - slope * centred) ** 2)) / freedom
    sampled = scatter * freedom / rng.chisquare(freedom, (DRAWS, 1))
    leverage = 1 / len(x) + (at - x.mean()) ** 2 / (centred @ centred)
    middle = values.mean() + slope * (at - x.mean())
    # Part of the scatter is luck of the items, which is added later; at least that much stands behind the line itself.
    luck = float(np.mean(errors**2))
    fitted = np.sqrt(np.maximum(sampled, luck) * leverage) * rng.standard_normal((DRAWS, len(at)))
    return middle + fitted + np.sqrt(np.maximum(sampled - luck, 0)) * rng.standard_normal((DRAWS, len(at)))


def knee_draws(
    x: np.ndarray, values: np.ndarray, errors: np.ndarray, at: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Draws of lines that change their slope once at most: (draws, places).

    A conjugate normal model for each place of the knee (and for none), weighed by its evidence. A priori slopes are
    at most thirty times the scatter, a range of log size.

    >>> x = np.linspace(0, 1, 9)
    >>> float(knee_draws(x, np.maximum(x - 0.5, 0), np.zeros(9), np.array([1.2]), np.random.default_rng(0)).mean().round(1))
    0.7
    """
    scale = max(float(np.ptp(values)), 4 * float(np.mean(errors)), 1e-9)
    y = (values - values.mean()) / scale
    knees = np.concatenate([[np.inf], np.linspace(x[1], x[-2], 12)])

    def design(where: np.ndarray) -> np.ndarray:
        bent = np.maximum(where - np.where(np.isinf(knees), 1e9, knees)[:, None], 0)
        return np.stack(np.broadcast_arrays(np.ones_like(where), where, bent), axis=-1)

    seen, ahead = design(x), design(at)
    prior, shape, rate = np.diag([1 / 100, 1 / 900, 1 / 900]), 1.0, 0.005
    precision = np.swapaxes(seen, 1, 2) @ seen + prior
    cover = np.linalg.inv(precision)
    mean = cover @ (np.swapaxes(seen, 1, 2) @ y)[:, :, None]
    left = shape + len(x) / 2
    rest = rate + 0.5 * (y @ y - np.einsum("kij,kil,klj->k", mean, precision, mean))
    evidence = -0.5 * np.linalg.slogdet(precision)[1] - left * np.log(rest)
    weights = np.exp(evidence - evidence.max())
    weights[0] *= len(knees) - 1  # As likely a priori: no knee, and one somewhere.
    chosen = rng.choice(len(knees), DRAWS, p=weights / weights.sum())
    variance = rest[chosen] / rng.gamma(left, 1, DRAWS)
    root = np.linalg.cholesky(cover)[chosen]
    drawn = mean[chosen, :, 0] + np.sqrt(variance)[:, None] * np.einsum("dij,dj->di", root, rng.standard_normal((DRAWS, 3)))
    fitted = np.einsum("dpi,di->dp", ahead[chosen], drawn)
    luck = float(np.mean(errors**2)) / scale**2
    extra = np.sqrt(np.maximum(variance - luck, 0))[:, None] * rng.standard_normal(fitted.shape)
    return values.mean() + scale * (fitted + extra)
