"""Difficulty: ten groups of items of one task, from easy to hard, on the public models of :mod:`choices`.

Wu and Lo (2025) sorted the items by the mean Brier score of the smaller of these models, and found that
groups move against each other before a task's accuracy rises. That the groups were made from the same
scores matters: it alone makes easy groups fall and hard ones rise as models grow less sure of themselves.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl
from scipy import optimize

from mirage_lib.bigbench import records
from mirage_lib.analyses.choices import EMERGENT, OTHER, resampled, steepest, with_interval


@cache
def groups(task: str) -> pl.DataFrame:
    """Both metrics by ten groups of items, easiest first, as far as they are recorded.

    Returns
    -------
    Frame with ``group, family, model, n_params, flops, n_items, accuracy, brier``.

    >>> groups("mmlu")["group"].unique().sort().to_list()
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    """
    table = records.load("choice-by-difficulty").filter(pl.col("task") == task)
    if table.is_empty():
        raise ValueError(f"unknown task {task!r}: choose one of {', '.join(EMERGENT + OTHER)}")
    group = pl.col("setting").str.extract(r"(\d+)").cast(pl.Int64).alias("group")
    keys = [group, "family", "model", "n_params", pl.col("flops_1e21").mul(1e21).alias("flops"), "n_items"]
    wide = table.select(*keys, "metric", "score").pivot(
        on="metric", index=["group", "family", "model", "n_params", "flops", "n_items"], values="score"
    )
    if "accuracy" not in wide.columns:
        wide = wide.with_columns(accuracy=pl.lit(None, pl.Float64))
    return wide.drop_nulls("flops").sort("group", "flops")


@cache
def early_slopes(task: str, below: float = 3e22, draws: int = 200, seed: int = 0) -> pl.DataFrame:
    """How each group of items moves with compute among the cheaper models.

    Parameters
    ----------
    below : float
        Only models of less than so many FLOPs.

    Returns
    -------
    Frame with ``group, slope, low, high, level``: improvement of the Brier score for ten times the compute,
    least squares, with the middle 95 % of resampled families; ``level`` is the mean Brier score of those
    models in the group.
    """
    rows = []
    for (group,), part in groups(task).filter(pl.col("flops") < below).group_by("group", maintain_order=True):
        x, y = np.log10(part["flops"].to_numpy()), -part["brier"].to_numpy()
        found = []
        for k in resampled(part, draws, seed):
            found.append((np.polyfit(x[k], y[k], 1)[0] if np.ptp(x[k]) > 0 else np.nan,))
        rows.append((group, *with_interval(found, ("slope",))["slope"], float(-y.mean())))
    return pl.DataFrame(rows, schema=["group", "slope", "low", "high", "level"], orient="row")


@cache
def concentration(task: str, draws: int = 200, seed: int = 0) -> pl.DataFrame:
    """Share of each group's climb under Brier that lies in its steepest half-decade of compute.

    Returns
    -------
    Frame with ``group, share, low, high, climb``: ``climb`` is by how much the curve that never falls improves
    in all.

    >>> concentration("arc", draws=5)["share"].is_between(0, 1).all()
    True
    """
    rows = []
    for (group,), part in groups(task).group_by("group", maintain_order=True):
        x, y = np.log10(part["flops"].to_numpy()), -part["brier"].to_numpy()
        found = [(steepest(x[k], y[k]),) for k in resampled(part, draws, seed)]
        rise = optimize.isotonic_regression(y[np.argsort(x, kind="stable")]).x
        rows.append((group, *with_interval(found, ("share",))["share"], float(np.ptp(rise))))
    return pl.DataFrame(rows, schema=["group", "share", "low", "high", "climb"], orient="row")
