"""The next size: a forecast with a 90 % interval for a curve of one's own, and how that method did on the book's families."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from mirage_lib import outputs
from mirage_lib.forecasting import scoring
from mirage_lib.forecasting.cases import SHARP, SMOOTH, Curve
from mirage_lib.forecasting.methods import METHODS

RECORD = "forecast-record"
"""The frozen track record, written by ``tools/track_record.py`` and compared with a fresh one by the tests."""
CHOSEN = {"counts": "counts", "share": "sigmoid", "best": "power", "any": "line"}
"""Which method is used: with numbers of answers, for other shares, where a best value is known, and else. Chosen before the
track record was looked at, by what each method needs."""


@dataclass(frozen=True)
class Record:
    """How a method did on families whose largest model was held out.

    Attributes
    ----------
    curves, tasks, sources : how many
    gain, low, high : by how much its CRPS is smaller than that of "like the last one", with a 95 % interval
    wins : share of tasks on which it is smaller
    covered : how often the 90 % interval held the truth
    """

    curves: int
    tasks: int
    sources: int
    gain: float
    low: float
    high: float
    wins: float
    covered: float

    def sentence(self) -> str:
        """The record in words.

        >>> Record(10, 8, 3, 0.1, -0.2, 0.3, 0.6, 0.8).sentence()
        'On 8 tasks of 3 sources, its 90 % interval held the largest model in 80 %; it beat "like the last one" on 60 % of the tasks.'
        """
        return (
            f"On {self.tasks} tasks of {self.sources} sources, its 90 % interval held the largest model in {100 * self.covered:.0f} %; "
            f"it beat \"like the last one\" on {100 * self.wins:.0f} % of the tasks."
        )


@dataclass(frozen=True)
class Foreseen:
    """What a curve's next model may score: median, 90 % interval, the method, and its record over the book's families."""

    size: float
    value: float
    low: float
    high: float
    method: str
    label: str
    record: Record


def foresee(
    sizes: np.ndarray, values: np.ndarray, errors: np.ndarray | None = None, n: np.ndarray | None = None, *,
    low: float = 0.0, high: float = 1.0, chance: float = 0.0, size: float | None = None, seed: int = 0,
) -> Foreseen:  # fmt: skip
    """Forecast the next size of a curve, with a 90 % interval and the method's track record.

    Parameters
    ----------
    sizes : (models,) parameters, ascending, at least three different ones
    values : (models,) scores, up being better: negate a metric of which less is better, and ``low`` and ``high`` with it
    errors : (models,) standard errors; zero, if not given
    n : (models,) answers behind each value, only where the values are shares of right answers
    low, high : worst and best possible value; infinite ones are allowed
    chance : what blind guessing scores
    size : of the next model; one median step beyond the last, if not given
    seed : of the draws

    Raises
    ------
    ValueError
        For fewer than three sizes, sizes that do not ascend, arrays of different lengths, or values beyond low and high.

    >>> ahead = foresee(np.array([1e6, 1e7, 1e8, 1e9]), np.array([0.1, 0.2, 0.35, 0.5]), n=np.full(4, 500))
    >>> ahead.method, ahead.low < ahead.value < ahead.high, round(ahead.size)
    ('counts', True, 10000000000)
    """
    sizes, values = np.asarray(sizes, dtype=float), np.asarray(values, dtype=float)
    errors = np.zeros(len(values)) if errors is None else np.asarray(errors, dtype=float)
    n = None if n is None else np.asarray(n, dtype=float)
    # Three sizes leave one degree of freedom about a line: the interval is then wide, as it should be.
    if len(sizes) < 3 or np.any(np.diff(sizes) <= 0):
        raise ValueError(f"sizes {sizes.tolist()}: at least three are needed, each larger than the one before")
    if any(len(one) != len(sizes) for one in (values, errors) if one is not None) or (n is not None and len(n) != len(sizes)):
        raise ValueError(f"{len(sizes)} sizes, but {len(values)} values and {len(errors)} errors: give one of each a model, and of n")
    if values.min() < low - 1e-9 or values.max() > high + 1e-9:
        raise ValueError(f"values from {values.min():g} to {values.max():g} lie beyond {low:g} to {high:g}: give low and high of the metric")
    share = (low, high) == (0, 1)
    kind = "counts" if share and n is not None else "share" if share else "best" if np.isfinite(high) else "any"
    name = CHOSEN[kind]
    group = SHARP if n is not None else SMOOTH
    curve = Curve("own", "own", "own", "own", group, sizes, values, errors, n, low, high, chance)
    size = float(np.exp(np.log(sizes[-1]) + np.median(np.diff(np.log(sizes))))) if size is None else size
    counted = None if n is None else np.array([np.median(n)])
    at = curve.scaled(np.array([size]))
    _, observed = scoring.ahead(curve, METHODS[name], at, counted, np.random.default_rng(seed))
    ends = np.quantile(observed[:, 0], [(1 - scoring.NOMINAL) / 2, 0.5, (1 + scoring.NOMINAL) / 2])
    return Foreseen(size, float(ends[1]), float(ends[0]), float(ends[2]), name, METHODS[name].label, track_record(name, group))


def track_record(method: str, group: str, horizon: str = "near") -> Record:
    """Read a method's record over all families of the book and the public ones.

    Raises
    ------
    KeyError
        If there is no record of it.

    >>> track_record("line", "smooth").sources > 5
    True
    """
    table = outputs.load_table(RECORD)
    found = table.filter((pl.col("method") == method) & (pl.col("group") == group) & (pl.col("horizon") == horizon))
    if found.is_empty():
        raise KeyError(f"no track record of method {method!r} on {group} metrics, {horizon}: run tools/track_record.py")
    row = found.row(0, named=True)
    return Record(**{name: row[name] for name in Record.__dataclass_fields__})
