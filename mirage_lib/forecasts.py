"""Forecasts: the largest models foretold from the smaller ones.

Each forecast fits a curve in the logarithm of size to the smaller models and reads it off at the held-out
ones. The naive forecast says: the next model is like the last one.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl
from scipy.special import expit, logit, stdtrit  # scipy.stats, which has the same quantile, takes a second to import

from mirage_lib import metrics
from mirage_lib.replicates import Replicates

SHAPES = {
    "line": "the value is a straight line in log size",
    "sigmoid": "the value, a share, follows a logistic curve in log size",
    "power": "minus the value is a power of size: its logarithm is a straight line in log size",
}
PREFERRED = {
    "exact_match": ("sigmoid", "line"),
    "token_edit_distance": ("line",),
    "per_token_accuracy": ("line", "sigmoid"),
    "target_log_probability": ("power", "line"),
}
"""Shapes tried for each metric, the first being the one that short tables show. Chosen before any result
was seen: the log-probability is the loss of Section 2, which the paper takes to be a power law."""

STEEPEST = 100.0
"""Bound on a sigmoid's slope and shift: the best curve through 0, 0, 0.01 is infinitely steep."""


def extrapolate(x: np.ndarray, values: np.ndarray, at: np.ndarray, shape: str) -> np.ndarray:
    """Fit one curve to each row of values and read it off elsewhere.

    Parameters
    ----------
    x : (models,) logarithms of size
    values : (rows, models)
    at : (points,) where to read the curves
    shape : str
        One of :data:`SHAPES`.

    Returns
    -------
    (rows, points)

    Raises
    ------
    ValueError
        For an unknown shape.

    >>> extrapolate(np.array([0.0, 1.0, 2.0]), np.array([[1.0, 3.0, 5.0]]), np.array([3.0]), "line").round(9)
    array([[7.]])
    """
    x, values, at = (np.asarray(one, dtype=float) for one in (x, values, at))
    if shape == "line":
        return values @ _hat(x, at)
    if shape == "power":
        return -np.exp(np.log(np.maximum(-values, 1e-12)) @ _hat(x, at))
    if shape == "sigmoid":
        centre = x.mean()
        slope, shift = _sigmoid(x - centre, values)
        return expit(slope[:, None] * (at - centre) + shift[:, None])
    raise ValueError(f"unknown shape {shape!r}: choose one of {', '.join(map(repr, SHAPES))}")


def _hat(x: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Weights (models, points) that turn values into what their least-squares line has elsewhere."""
    centred = x - x.mean()
    return 1 / len(x) + np.outer(centred, at - x.mean()) / np.sum(centred**2)


def _sigmoid(x: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Least-squares slope and shift of a logistic curve for each row, by damped Gauss-Newton steps.

    Two starts, as a flat one can get stuck: the line through the clipped log-odds, and slope one.
    """
    line = logit(np.clip(values, 1e-4, 1 - 1e-4)) @ _hat(x, x.mean() + np.array([0.0, 1.0]))
    starts = [np.stack([line[:, 1] - line[:, 0], line[:, 0]], axis=1), np.tile([1.0, 0.0], (len(values), 1))]
    fits = [_descend(x, values, np.clip(start, -STEEPEST, STEEPEST)) for start in starts]
    better = fits[0][1] <= fits[1][1]
    best = np.where(better[:, None], fits[0][0], fits[1][0])
    return best[:, 0], best[:, 1]


def _descend(x: np.ndarray, values: np.ndarray, start: np.ndarray, steps: int = 200) -> tuple[np.ndarray, ...]:
    """Levenberg-Marquardt on all rows at once; returns parameters (rows, 2) and losses (rows,)."""

    def misfit(where: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        model = expit(where[:, :1] * x + where[:, 1:])
        return model, np.sum((model - values[rows]) ** 2, axis=1)

    where, active = start.copy(), np.arange(len(values))
    damping = np.full(len(values), 1e-3)
    losses = misfit(where, active)[1]
    for _ in range(steps):
        if not len(active):
            break
        model, loss = misfit(where[active], active)
        bend = model * (1 - model)
        jacobian = np.stack([bend * x, bend], axis=2)
        gradient = np.einsum("rmk,rm->rk", jacobian, model - values[active])
        curvature = np.einsum("rmk,rml->rkl", jacobian, jacobian)
        diagonal = np.einsum("rkk->rk", curvature)
        damped = curvature + (damping[active, None] * diagonal + 1e-30)[:, :, None] * np.eye(2)
        step = np.linalg.solve(damped, -gradient[:, :, None])[:, :, 0]
        tried = np.clip(where[active] + step, -STEEPEST, STEEPEST)
        lower = misfit(tried, active)[1]
        good = lower < loss
        where[active[good]] = tried[good]
        losses[active[good]] = lower[good]
        damping[active] = np.clip(damping[active] * np.where(good, 0.3, 8.0), 1e-9, 1e9)
        done = np.where(good, loss - lower < 1e-15 + 1e-12 * loss, damping[active] > 1e8)
        active = active[~done]
    return where, losses


def tabulate(
    cells: Iterable[Replicates], held: tuple[int, ...] = (1, 3), shapes: dict[str, tuple[str, ...]] = PREFERRED
) -> pl.DataFrame:
    """Forecast the largest models of each curve and set the error beside that of the naive forecast.

    Parameters
    ----------
    cells : Replicates
        Each curve has its draws, from which all intervals (95 %) come.
    held : tuple of int
        How many of the largest models to hold out; what leaves fewer than three is skipped.
    shapes : mapping of a metric to shapes

    Returns
    -------
    Frame with ``source, task, group, temperature, metric, shape, held``; ``predicted, observed, error``
    (their means over the held-out models on the metric's own scale, up being better; ``error`` is observed
    less predicted) and ``cut``: whether the fit left the metric's range, to which it is cut then; with ``error_low, error_high``; ``miss`` with its interval: the root mean square error
    over the range of the whole curve; ``naive``: the same of the naive forecast; ``skill`` with its
    interval: one less miss over naive, so 1 is perfect, 0 as good as naive and minus infinity a miss where
    naive has none; and ``within``: whether the largest held-out model lies in the 95 % prediction
    interval of the straight line, and ``width``: that interval's width over the range of the curve.

    Raises
    ------
    KeyError
        If no shape is named for a metric.

    >>> from mirage_lib import theory
    >>> from mirage_lib.replicates import resample
    >>> said = theory.text_outputs([0.8, 0.6, 0.4, 0.2], length=2, n=200)
    >>> tabulate(resample(said, ("token_edit_distance",), draws=50)).select("shape", "held").rows()
    [('line', 1)]
    """
    rows = []
    for cell in cells:
        for shape in shapes[cell.metric]:
            for k in held:
                if len(cell.sizes) - k >= 3:
                    rows.append({**cell.label, "shape": shape, "held": k, **_row(cell, shape, k)})
    return pl.DataFrame(rows, infer_schema_length=None)


def _row(cell: Replicates, shape: str, held: int) -> dict[str, float | bool]:
    x = np.log(cell.sizes)
    values = np.concatenate([cell.values[None], cell.draws])
    fitted = extrapolate(x[:-held], values[:, :-held], x[-held:], shape)
    predicted = np.clip(fitted, *_bounds(cell.metric))
    errors = values[:, -held:] - predicted
    span = np.ptp(values, axis=1)
    miss = share(np.sqrt(np.mean(errors**2, axis=1)), span)
    naive = share(np.sqrt(np.mean((values[:, -held:] - values[:, [-held - 1]]) ** 2, axis=1)), span)
    skill = 1 - share(miss, naive)
    mean = errors.mean(axis=1)
    row = {"cut": bool((predicted[0] != fitted[0]).any()), "predicted": predicted[0].mean()}
    row |= {"observed": values[0, -held:].mean(), "error": mean[0]}
    for name, all_of_it in (("error", mean), ("miss", miss), ("naive", naive), ("skill", skill)):
        low, high = quantiles(all_of_it[1:])
        row |= {name: all_of_it[0], f"{name}_low": low, f"{name}_high": high}
    middle, half = _prediction_interval(x[:-held], cell.values[:-held], x[-1])
    row["within"] = bool(abs(cell.values[-1] - middle) <= half)
    row["width"] = float(share(np.array([2 * half]), span[:1])[0])
    return {name: value if isinstance(value, bool) else float(value) for name, value in row.items()}


def _bounds(metric: str) -> tuple[float, float]:
    """Least and greatest value of a metric, turned so that up is better."""
    known = metrics.get(metric)
    low, high = known.range
    return (low, high) if known.better == "higher" else (-high, -low)


def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Part over whole; nothing of nothing is 0, something of nothing infinite.

    >>> share(np.array([1.0, 0.0, 3.0]), np.array([2.0, 0.0, 0.0])).tolist()
    [0.5, 0.0, inf]
    """
    nothing = np.where(part > 0, np.inf, 0.0)
    return np.divide(part, whole, out=nothing, where=whole > 0)


def quantiles(values: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The middle ``level`` of values, infinite ones among them, each end an actual value.

    >>> quantiles(np.array([1.0, 2.0, np.inf]), 0.5)
    (1.0, inf)
    """
    ends = [(1 - level) / 2, (1 + level) / 2]
    return float(np.quantile(values, ends[0], method="lower")), float(np.quantile(values, ends[1], method="higher"))


def _prediction_interval(x: np.ndarray, values: np.ndarray, at: float) -> tuple[float, float]:
    """Middle and half-width of the 95 % interval in which a straight line's next point is to lie."""
    line = values @ _hat(x, np.append(x, at))
    freedom = len(x) - 2
    scatter = np.sqrt(np.sum((values - line[:-1]) ** 2) / freedom)
    leverage = 1 + 1 / len(x) + (at - x.mean()) ** 2 / np.sum((x - x.mean()) ** 2)
    return float(line[-1]), float(stdtrit(freedom, 0.975) * scatter * np.sqrt(leverage))
