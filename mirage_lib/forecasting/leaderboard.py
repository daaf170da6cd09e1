"""Leaderboard: methods compared over families, task by task, with "like the last one" as the bar.

Tasks of one source are averaged first, then sources, so that 46 tasks of one family do not outvote six networks of
ours. Intervals draw sources with replacement, and tasks within them. Each method is compared with the bar on the
curves where it applies, and only there.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from mirage_lib.forecasting import scoring
from mirage_lib.forecasting.methods import BASELINE, METHODS

REDRAWS = 2000
KEYS = ["source", "family", "task", "metric", "horizon"]


def paired(method: str, other: str, table: pl.DataFrame | None = None) -> pl.DataFrame:
    """Scores of two methods side by side, on the curves that both were tried on.

    Returns
    -------
    The columns that name a curve, and of both methods ``crps, covered, count_score``, the other's with ``_other``.

    >>> small = scoring.scores(scoring.families.curves_of("pythia-addition"), ["last", "line"])
    >>> paired("line", "last", small).height
    1
    """
    table = scoring.table() if table is None else table
    ours, theirs = (table.filter(pl.col("method") == name) for name in (method, other))
    return ours.join(theirs.select(*KEYS, "crps", "covered", "count_score"), on=KEYS, suffix="_other", maintain_order="left")


def by_source(pairs: pl.DataFrame, columns: list[str]) -> dict[str, np.ndarray]:
    """Means of each task, (tasks, columns), by source.

    >>> by_source(pl.DataFrame({"source": ["s", "s"], "task": ["t", "t"], "crps": [0.1, 0.3]}), ["crps"])["s"].tolist()
    [[0.2]]
    """
    tasks = pairs.group_by("source", "task").agg(pl.col(columns).mean()).sort("source", "task")
    return {source: part.select(columns).to_numpy() for (source,), part in tasks.group_by("source", maintain_order=True)}


def redrawn(groups: dict[str, np.ndarray], draws: int = REDRAWS, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Mean over sources of the means over tasks, and its draws: (columns,) and (draws, columns).

    >>> mean, drawn = redrawn({"a": np.array([[1.0], [3.0]]), "b": np.array([[4.0]])}, 10)
    >>> mean.tolist(), drawn.shape
    ([3.0], (10, 1))
    """
    rng = np.random.default_rng(seed)
    means = np.array([part.mean(axis=0) for part in groups.values()])
    drawn = np.array([part[rng.integers(0, len(part), (draws, len(part)))].mean(axis=1) for part in groups.values()])
    chosen = rng.integers(0, len(means), (draws, len(means)))
    return means.mean(axis=0), drawn[chosen, np.arange(draws)[:, None]].mean(axis=1)


def gain(method: str, other: str, where: pl.Expr | None = None, table: pl.DataFrame | None = None) -> dict[str, float | None]:
    """How much smaller one method's CRPS is than another's, as a share of the other's, with a 95 % interval.

    Parameters
    ----------
    method, other : names
    where : which curves; see the columns of :func:`mirage_lib.forecasting.scoring.scores`

    Returns
    -------
    ``crps, other, gain, low, high, wins`` (share of tasks with a smaller CRPS, sources alike), ``wins_low,
    wins_high, covered, nats`` (gain in the log score of counts), ``curves, tasks, sources``.

    Raises
    ------
    ValueError
        If no curve was tried by both.

    >>> small = scoring.scores(scoring.families.curves_of("pythia-addition"), ["last", "line"])
    >>> gain("last", "last", table=small)["gain"]
    0.0
    """
    pairs = paired(method, other, table)
    pairs = pairs if where is None else pairs.filter(where)
    if pairs.is_empty():
        raise ValueError(f"no curve was forecast by both {method!r} and {other!r} there")
    groups = by_source(pairs, ["crps", "crps_other", "covered"])
    won = {source: np.column_stack([part, np.sign(part[:, 1] - part[:, 0]) / 2 + 0.5]) for source, part in groups.items()}
    mean, drawn = redrawn(won)
    low, high = np.quantile(1 - drawn[:, 0] / drawn[:, 1], [0.025, 0.975])
    wins = np.quantile(drawn[:, 3], [0.025, 0.975])
    counted = pairs.drop_nulls(["count_score", "count_score_other"])
    nats = redrawn(by_source(counted.with_columns(nats=pl.col("count_score") - pl.col("count_score_other")), ["nats"]), 1)[0][0] if counted.height else None
    return {
        "crps": float(mean[0]), "other": float(mean[1]), "gain": float(1 - mean[0] / mean[1]), "low": float(low), "high": float(high),
        "wins": float(mean[3]), "wins_low": float(wins[0]), "wins_high": float(wins[1]), "covered": float(mean[2]),
        "nats": None if nats is None else float(nats), "curves": pairs.height, "tasks": sum(len(part) for part in groups.values()),
        "sources": len(groups),
    }  # fmt: skip


def board(horizon: str = "near", table: pl.DataFrame | None = None) -> pl.DataFrame:
    """The leaderboard: one row a method and group of metrics, best gain first.

    Groups are ``sharp``, ``smooth``, and ``turned into sharp``: sharp curves with a smooth partner, where all methods
    that work on them can be compared on the same curves.

    Parameters
    ----------
    horizon : ``near`` or ``far``
    table : from :func:`mirage_lib.forecasting.scoring.scores`; every curve and method, if not given

    Returns
    -------
    ``group, method, label`` and what :func:`gain` returns.

    >>> small = scoring.scores(scoring.families.curves_of("pythia-addition"), ["last", "line"])
    >>> sorted(board(table=small)["method"])
    ['last', 'line']
    """
    table = scoring.table() if table is None else table
    table = table.filter(pl.col("horizon") == horizon)
    groups = {"sharp": pl.col("group") == "sharp", "turned into sharp": (pl.col("group") == "sharp") & pl.col("partner"),
              "smooth": pl.col("group") == "smooth"}  # fmt: skip
    rows = []
    for group, where in groups.items():
        part = table.filter(where)
        for name in part["method"].unique(maintain_order=True):
            rows.append({"group": group, "method": name, "label": METHODS[name].label} | gain(name, BASELINE, None, part))
    order = list(groups)
    return pl.DataFrame(rows, infer_schema_length=None).sort(
        pl.col("group").replace_strict(order, range(len(order))), -pl.col("gain"), maintain_order=True
    )
