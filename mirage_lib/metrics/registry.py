"""Registry: every metric by its name, and what it says of itself.

A metric reads columns of an outputs table and returns one number a row; averages, intervals and curves
belong to :mod:`mirage_lib.curves`. A reader adds one like this::

    @metrics.metric(label="First digit", needs=("target", "output"), range=(0, 1))
    def first_digit(outputs):
        return outputs["target"].str.head(1) == outputs["output"].str.head(1)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import polars as pl

from mirage_lib.outputs import check_missing, require

SHAPES = ("linear", "nonlinear", "discontinuous")


@dataclass(frozen=True)
class Metric:
    """One entry of the registry.

    Attributes
    ----------
    name, label : str
        How code and how figures call it.
    formula : str
        LaTeX.
    needs : tuple of str
        Columns that it reads.
    range : (float, float)
        Least and greatest possible value for one output.
    better : str
        ``higher`` or ``lower``.
    shape : str
        How its mean follows the per-token error: ``linear``, ``nonlinear`` or ``discontinuous``.
    why : str
        The reason for that shape, in one sentence.
    source : str
        Where it was defined.
    compute, chance : functions
        From an outputs table to one number a row; ``chance`` gives what blind guessing scores, or
        None where the outputs do not tell.
    """

    name: str
    label: str
    formula: str
    needs: tuple[str, ...]
    range: tuple[float, float]
    better: str
    shape: str
    why: str
    source: str
    compute: Callable[[pl.DataFrame], pl.Series]
    chance: Callable[[pl.DataFrame], float | None]

    def score(self, outputs: pl.DataFrame) -> pl.Series:
        """Return one number a row, named after the metric.

        Raises
        ------
        OutputsError
            If a needed column is missing or has missing values, or if the table is empty.
        ValueError
            If the metric gave something else than one finite number a row.
        """
        require(outputs, self.needs, f"outputs to be scored by {self.label}")
        check_missing(outputs.select(self.needs))
        values = self.compute(outputs)
        values = values if isinstance(values, pl.Series) else pl.Series(values)
        if len(values) != outputs.height:
            raise ValueError(f"{self.name} gave {len(values)} scores for {outputs.height} outputs")
        values = values.cast(pl.Float64).alias(self.name)
        if values.null_count() or not values.is_finite().all():
            row = int((~values.is_finite().fill_null(False)).arg_true()[0])
            raise ValueError(
                f"{self.name} gave {values[row]} for row {row}: look for NaN or missing values in "
                f"{', '.join(self.needs)}"
            )
        return values


_REGISTRY: dict[str, Metric] = {}


def metric(
    *,
    label: str,
    needs: tuple[str, ...],
    range: tuple[float, float],
    better: str = "higher",
    shape: str = "nonlinear",
    formula: str = "",
    why: str = "not said",
    source: str = "defined by the reader",
    chance: Callable[[pl.DataFrame], float | None] = lambda outputs: None,
) -> Callable[[Callable[[pl.DataFrame], pl.Series]], Metric]:
    """Enter a function into the registry under its own name; an entry of that name is replaced.

    Raises
    ------
    ValueError
        If ``better`` or ``shape`` is none of the allowed words.
    """
    if better not in ("higher", "lower"):
        raise ValueError(f"better is {better!r}: it has to be 'higher' or 'lower'")
    if shape not in SHAPES:
        raise ValueError(f"shape is {shape!r}: it has to be one of {', '.join(SHAPES)}")

    def enter(compute: Callable[[pl.DataFrame], pl.Series]) -> Metric:
        entry = Metric(
            compute.__name__, label, formula, needs, range, better, shape, why, source, compute, chance
        )
        _REGISTRY[entry.name] = entry
        return entry

    return enter


def get(name: str | Metric) -> Metric:
    """Look a metric up by name; a metric is returned as it is.

    Raises
    ------
    KeyError
        If there is no such metric; the message lists those that exist.

    >>> get("exact_match").label
    'Accuracy (exact match)'
    """
    if isinstance(name, Metric):
        return name
    if name not in _REGISTRY:
        raise KeyError(f"unknown metric {name!r}: choose one of {', '.join(_REGISTRY)}")
    return _REGISTRY[name]


def forget(name: str) -> Metric:
    """Take a metric out of the registry and return it; for metrics tried in passing."""
    return _REGISTRY.pop(get(name).name)


def names() -> list[str]:
    """Return the names of all metrics, in the order they were entered.

    >>> names()[:2]
    ['exact_match', 'token_edit_distance']
    """
    return list(_REGISTRY)


def usable(outputs: pl.DataFrame) -> list[str]:
    """Return the names of the metrics whose columns these outputs have.

    >>> usable(pl.DataFrame({"target_logprob": [-1.0]}))
    ['target_log_probability']
    """
    return [m.name for m in _REGISTRY.values() if set(m.needs) <= set(outputs.columns)]
