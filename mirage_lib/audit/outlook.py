"""Outlook: what a next, larger model may score, with an interval and with how such forecasts did on the book's families."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from mirage_lib import forecasting, metrics
from mirage_lib.forecasting.next_size import Record

LEAST = 3
"""Sizes from which on there is a forecast; one more is needed to hold the largest model out."""


@dataclass(frozen=True)
class Outlook:
    """The next size, in the metric's own direction, and a trial on the largest model of this log.

    Attributes
    ----------
    size, value, low, high : the next size, the forecast (median) and its 90 % interval
    method, group, label : which method, of the book's board, and for which group of metrics
    record : how that method did on families whose largest model was held out
    tried, tried_low, tried_high, observed : the largest model here, foreseen from the smaller ones, and as it was; nothing with three sizes
    """

    size: int
    value: float
    low: float
    high: float
    method: str
    group: str
    label: str
    record: Record
    tried: float | None = None
    tried_low: float | None = None
    tried_high: float | None = None
    observed: float | None = None

    @property
    def held(self) -> bool | None:
        """Whether the trial's interval holds what was observed; nothing without a trial."""
        if self.observed is None or self.tried_low is None or self.tried_high is None:
            return None
        return self.tried_low - 1e-9 <= self.observed <= self.tried_high + 1e-9


def look(metric: metrics.Metric, curve: pl.DataFrame, counted: bool, chance: float | None = None, seed: int = 0) -> Outlook:
    """Forecast the next size of a curve, and its largest model from the others.

    Parameters
    ----------
    metric : what is measured
    curve : ``n_params, estimate, low, high, n_items``, one row a size, ascending, at least :data:`LEAST`
    counted : whether estimates are shares of right answers
    chance : what blind guessing scores
    seed : of the draws

    >>> rows = {"n_params": [10, 100, 1000, 10_000], "estimate": [0.1, 0.2, 0.4, 0.6], "low": [0.0] * 4, "high": [0.8] * 4, "n_items": [500] * 4}
    >>> ahead = look(metrics.get("exact_match"), pl.DataFrame(rows), counted=True)
    >>> ahead.size, ahead.low < ahead.value < ahead.high, ahead.held
    (100000, True, True)
    """
    sign = -1 if metric.better == "lower" else 1
    low, high = sorted(sign * bound for bound in metric.range)
    sizes = curve["n_params"].to_numpy().astype(float)
    # Means of many numbers may pass the metric's end by a rounding error.
    values = np.clip(sign * curve["estimate"].to_numpy(), low, high)
    errors = (curve["high"] - curve["low"]).to_numpy() / (2 * 1.96)
    n = curve["n_items"].to_numpy() if counted else None

    def foresee(count: int, size: float | None = None) -> forecasting.Foreseen:
        return forecasting.foresee(
            sizes[:count], values[:count], errors[:count], None if n is None else n[:count],
            low=low, high=high, chance=chance or 0.0, size=size, seed=seed,
        )  # fmt: skip

    ahead = foresee(len(sizes))
    lowest, highest = sorted((sign * ahead.low, sign * ahead.high))
    found = Outlook(round(ahead.size), sign * ahead.value, lowest, highest, ahead.method, "sharp" if counted else "smooth", ahead.label, ahead.record)
    if len(sizes) <= LEAST:
        return found
    trial = foresee(len(sizes) - 1, sizes[-1])
    tried = dict(zip(("tried_low", "tried", "tried_high"), sorted(sign * v for v in (trial.low, trial.value, trial.high)), strict=True))
    return Outlook(**{**found.__dict__, **tried, "observed": float(sign * values[-1])})
