"""Losses: skill against how well a model predicts text, instead of against its size.

If skill depends on loss alone, models of all sizes and budgets lie on one curve in loss. Two things speak for that: a rising
curve in loss foretells a left-out model better than one in compute does, and what it leaves over does not depend on size.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import polars as pl
from scipy.optimize import isotonic_regression
from scipy.stats import binomtest

from mirage_lib import breaks
from mirage_lib.bigbench import records

SETS = {"open-lm": "open_lm", "olmo": "OLMo ladder"}
_BEST = 10
"""One model in so many is looked at to say whether a task is above chance at all."""


@cache
def models(name: str) -> pl.DataFrame:
    """Accuracy and loss of the same models, one row for one model on one task.

    Parameters
    ----------
    name : str
        One of :data:`SETS`. The loss is that on C4, in nats a token.

    Returns
    -------
    Frame with ``task, model, n_params, data, compute, loss, accuracy, n_items, chance``; ``data`` is the training set (one for
    OLMo), ``compute`` six times parameters times training tokens. Models without a loss are left out.

    Raises
    ------
    ValueError
        For an unknown name.

    >>> models("open-lm").select("model", "task").n_unique(), models("open-lm")["model"].n_unique()
    (4784, 104)
    """
    if name not in SETS:
        raise ValueError(f"unknown set {name!r}: choose one of {', '.join(SETS)}")
    table = records.load(name)
    loss = table.filter(pl.col("metric") == "loss").select("model", loss="score").unique("model")
    right = table.filter(pl.col("metric") == "accuracy")
    data = pl.col("family").str.extract(r"open_lm (\S+)").fill_null("OLMo") if name == "open-lm" else pl.lit("OLMo")
    return (
        right.join(loss, on="model")
        .select(
            "task", "model", "n_params", data.alias("data"), (6e9 * pl.col("n_params") * pl.col("tokens_b")).alias("compute"),
            "loss", pl.col("score").alias("accuracy"), pl.col("n_items"), pl.col("chance").fill_null(0.0),
        )
        .sort("task", "loss", "model")
    )  # fmt: skip


def foretold(x: Sequence[float], y: Sequence[float]) -> np.ndarray:
    """Foretell each value from all others by a curve that never falls, straight between its points.

    >>> foretold([1, 2, 3, 4], [0.0, 1.0, 0.0, 1.0]).tolist()
    [0.5, 0.0, 1.0, 0.5]
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    order = np.argsort(x, kind="stable")
    said = np.empty(len(x))
    for k in range(len(x)):
        rest = order[order != k]
        said[k] = np.interp(x[k], x[rest], isotonic_regression(y[rest]).x)
    return said


def collapse(table: pl.DataFrame, draws: int = 500, seed: int = 0) -> pl.DataFrame:
    """Compare curves in loss, compute and size for each task.

    Parameters
    ----------
    table : frame
        Of :func:`models`.
    draws, seed : resamples of the models for intervals, and their seed

    Returns
    -------
    Frame with ``task, models, alive`` (whether the best tenth of models, together, are above chance); ``by_loss, by_compute,
    by_size``: root mean square errors of left-out models; ``noise``: that error if only the luck of the items were left
    (missing where their number is not known); ``better, better_low, better_high``: the error by compute over that by loss;
    ``left, left_low, left_high``: slope of what the curve in loss leaves over, in accuracy a decade of size.

    >>> few = models("olmo").filter(pl.col("task") == "hellaswag_val")
    >>> collapse(few, draws=20).select("models", "alive").row(0)
    (27, True)
    """
    rng = np.random.default_rng(seed)
    rows = []
    for (task,), part in table.group_by("task", maintain_order=True):
        y, size = part["accuracy"].to_numpy(), np.log10(part["n_params"].to_numpy())
        columns = {"loss": -part["loss"].to_numpy(), "compute": np.log(part["compute"].to_numpy()), "size": size}
        errors = {name: foretold(x, y) - y for name, x in columns.items()}
        rmse = {f"by_{name}": float(np.sqrt(np.mean(error**2))) for name, error in errors.items()}
        picks = rng.integers(0, len(y), (draws, len(y)))
        ratio = np.sqrt(np.mean(errors["compute"][picks] ** 2, axis=1) / np.mean(errors["loss"][picks] ** 2, axis=1))
        slopes = np.array([_slope(size[pick], -errors["loss"][pick]) for pick in picks])
        n = part["n_items"].mean()
        noise = None if n is None else float(np.sqrt(np.mean(y * (1 - y) / part["n_items"].to_numpy())))
        rows.append(
            {"task": task, "models": len(y), "alive": _alive(part)} | rmse | {"noise": noise}
            | _ends("better", rmse["by_compute"] / rmse["by_loss"], ratio)
            | _ends("left", _slope(size, -errors["loss"]), slopes)
        )  # fmt: skip
    return pl.DataFrame(rows, infer_schema_length=None)


def thresholds(table: pl.DataFrame, draws: int = 200, seed: int = 0) -> pl.DataFrame:
    """Ask for each task whether its curve in loss has a corner or a step that no smooth curve would show.

    The noise is the scatter about the best smooth fit, since models of one loss differ by more than the luck of the items.

    Returns
    -------
    Frame with ``task, shape, at, p, q``: ``at`` is the loss at the break, ``q`` the share of false alarms among all tasks
    with a p as small.

    >>> thresholds(models("olmo").filter(pl.col("task") == "hellaswag_val"), draws=20).columns
    ['task', 'shape', 'at', 'p', 'q']
    """
    rows = []
    for (task,), part in table.group_by("task", maintain_order=True):
        found = breaks.find(-part["loss"].to_numpy(), part["accuracy"].to_numpy(), draws=draws, seed=seed)
        rows.append((task, found.broken, -found.at, found.p))
    table = pl.DataFrame(rows, schema=["task", "shape", "at", "p"], orient="row")
    return table.with_columns(q=pl.Series(breaks.adjusted(table["p"])))


def _alive(part: pl.DataFrame) -> bool:
    """Whether the models of least loss, a tenth of all, are above chance together."""
    best = part.sort("loss").head(max(1, part.height // _BEST))
    chance = best["chance"][0]
    n = best["n_items"].sum()
    if not n:  # the number of items is not known: two points above chance
        return bool(best["accuracy"].mean() > chance + 0.02)
    # One set of items, asked several times: their luck is shared, so they count once.
    items = int(best["n_items"][0])
    right = round(best["accuracy"].mean() * items)
    return bool(binomtest(right, items, max(chance, 1e-9), alternative="greater").pvalue < 0.05)


def _slope(x: np.ndarray, y: np.ndarray) -> float:
    centred = x - x.mean()
    spread = centred @ centred
    return float(centred @ y / spread) if spread > 0 else 0.0


def _ends(name: str, value: float, drawn: np.ndarray) -> dict[str, float]:
    low, high = np.quantile(drawn, (0.025, 0.975))
    return {name: float(value), f"{name}_low": float(low), f"{name}_high": float(high)}
