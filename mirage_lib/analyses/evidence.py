"""Evidence: how sharp and how foreseeable curves are, of the ladder and of the published models, in one table."""

from __future__ import annotations

import polars as pl

from mirage_lib import emergence, forecasts, metrics, replicates
from mirage_lib.replicates import DRAWS, Replicates

METRICS = ("exact_match", "token_edit_distance", "per_token_accuracy", "target_log_probability")


def cells(
    *outputs: pl.DataFrame, names: tuple[str, ...] = METRICS, draws: int = DRAWS, seed: int = 0
) -> list[Replicates]:
    """Curves with their draws: those of the outputs, then the digitised GPT-3 ones at both temperatures.

    Parameters
    ----------
    outputs : frames
        Tables of one family, such as its answers at either temperature; without any, only the published
        curves.
    names : tuple of str
        Metrics; those that need a column which the outputs lack are left out, and the published curves
        know only accuracy and edit distance.

    >>> {cell.source for cell in cells(draws=2)}
    {'GPT-3'}
    """
    ours = []
    for table in outputs:
        usable = tuple(name for name in names if name in metrics.usable(table))
        ours += replicates.resample(table, usable, draws, seed)
    return ours + [cell for cell in replicates.published(draws=draws, seed=seed) if cell.metric in names]


def report(
    *outputs: pl.DataFrame,
    names: tuple[str, ...] = METRICS,
    draws: int = DRAWS,
    seed: int = 0,
    held: int = 1,
) -> pl.DataFrame:
    """The emergence score and the forecast error of every curve, with 95 % intervals.

    Parameters
    ----------
    outputs, names, draws, seed : of :func:`cells`
    held : int
        How many of the largest models are forecast from the rest.

    Returns
    -------
    The columns of :func:`mirage_lib.emergence.scored`, then those of
    :func:`mirage_lib.forecasts.tabulate` for the first shape of :data:`mirage_lib.forecasts.PREFERRED`.
    The forecast's columns are missing values where fewer than three smaller models are left.

    >>> table = report(draws=20)
    >>> table.filter(pl.col("source") == "GPT-3").height, "skill" in table.columns
    (36, True)
    """
    return tabulate(cells(*outputs, names=names, draws=draws, seed=seed), held)


def tabulate(curves: list[Replicates], held: int = 1) -> pl.DataFrame:
    """:func:`report` for curves that are drawn already.

    >>> tabulate(cells(draws=2)).height
    36
    """
    first = {name: shapes[:1] for name, shapes in forecasts.PREFERRED.items()}
    keys = ["source", "task", "group", "temperature", "metric"]
    ahead = forecasts.tabulate(curves, (held,), first)
    return emergence.scored(curves).join(ahead, on=keys, how="left", maintain_order="left")
