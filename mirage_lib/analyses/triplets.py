"""Triplets: one task, one metric, one family of models, and the emergence score of their curve.

Section 4 of the paper scores every such triplet of BIG-Bench. Here the same is done for any records table,
and each score stands beside those of smooth curves with the same models and the same noise.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from mirage_lib import emergence
from mirage_lib.bigbench import records as scores

BY = ("origin", "task", "family", "metric", "shots", "setting")


@dataclass(frozen=True)
class Triplet:
    """The scaling curve of one task, metric and family; up is better, so an error is negated.

    Attributes
    ----------
    origin, task, family, metric, shots, setting
        Which records these are.
    sizes : (models,) numbers of parameters, ascending
    values : (models,) scores, turned so that up is better
    errors : (models,) standard errors, NaN where the record does not tell
    n_items : number of items, or None
    chance : score of blind guessing, or None
    """

    origin: str
    task: str
    family: str
    metric: str
    shots: int
    setting: str
    sizes: np.ndarray
    values: np.ndarray
    errors: np.ndarray
    n_items: int | None
    chance: float | None

    @property
    def label(self) -> dict[str, str | int]:
        """The attributes that name the triplet, as columns of a table."""
        return {name: getattr(self, name) for name in BY}


def split(records: pl.DataFrame, least: int = 5) -> list[Triplet]:
    """Split records into triplets; models of one size are averaged first.

    Parameters
    ----------
    records : frame
        From :func:`mirage_lib.bigbench.records.load` or a reader.
    least : int
        Leave out triplets with fewer sizes.

    Returns
    -------
    Ordered by origin, task, family, metric, shots and setting.

    >>> curves = split(scores.load("bigg"))
    >>> len(curves), len(curves[0].sizes)
    (255, 12)
    """
    table = scores.turned(scores.check(records))
    for name, kind in scores.EXTRA.items():
        if name not in table.columns:
            table = table.with_columns(pl.lit(None, kind).alias(name))
    table = table.with_columns(pl.col("setting").fill_null(""), error=_error())
    sized = table.group_by(*BY, "n_params").agg(
        pl.col("score", "chance").mean(),
        pl.col("n_items").min(),
        error=(pl.col("error") ** 2).sum().sqrt() / pl.len(),
    )
    found = []
    for key, part in sized.sort(*BY, "n_params").group_by(*BY, maintain_order=True):
        if part.height >= least:
            sizes, score, error = (part[name].to_numpy().astype(float) for name in ("n_params", "score", "error"))
            n, chance = part["n_items"].min(), part["chance"].drop_nulls().mean()
            found.append(Triplet(*(*key, sizes, score, error, n, chance)))
    return found


def _error() -> pl.Expr:
    """Standard error of a score: as recorded, or the binomial one of a score from 0 to 1.

    Two right and two wrong answers are added, so that a score of 0 is not taken to be exact. For a score
    that is no mean of zeros and ones this is the largest that it can be.
    """
    bounded = [name for name, scale in scores.SCALES.items() if (scale.least, scale.most) == (0, 1)]
    n = pl.col("n_items") + 4
    p = (pl.col("score").abs() * pl.col("n_items") + 2) / n
    binomial = pl.when(pl.col("metric").is_in(bounded)).then((p * (1 - p) / n).sqrt())
    recorded = pl.when(pl.col("stderr") > 0).then(pl.col("stderr"))
    return pl.coalesce(recorded, binomial).fill_null(float("nan"))


def report(triplets: Iterable[Triplet], draws: int = 2000, seed: int = 0) -> pl.DataFrame:
    """Score every triplet, and the smooth curves that it might be.

    Returns
    -------
    Frame with the columns of :data:`BY`, then ``models, n_items, chance, span`` (highest less lowest score),
    ``score`` (:func:`mirage_lib.emergence.score`; infinite where the median step is zero), ``straight`` (that
    of a line without noise at the same sizes), ``null_high`` (what one in twenty smooth curves with the same
    noise exceeds) and ``exceedance`` (what share of them scores as high); the last two are missing where the
    errors are not known. The noise of shares of right answers is binomial, that of others normal.

    >>> table = report(split(scores.load("olmo")), draws=10)
    >>> table["score"].is_nan().any(), table["exceedance"].null_count() == table.height
    (False, True)
    """
    rows = []
    for one in triplets:
        score = emergence.score(one.sizes, one.values)
        line = emergence.null_scores(one.sizes, one.values, np.zeros(len(one.sizes)), 1)
        row = one.label | {"models": len(one.sizes), "n_items": one.n_items, "chance": one.chance}
        row |= {"span": float(np.ptp(one.values)), "score": score, "straight": float(line[0])}
        if np.isfinite(one.errors).all():
            items = one.n_items if one.metric in scores.ZERO_ONE else None
            null = emergence.null_scores(one.sizes, one.values, one.errors, draws, seed, items)
            row |= {"null_high": float(np.quantile(null, 0.95, method="higher")), "exceedance": emergence.exceedance(score, null)}
        else:
            row |= {"null_high": None, "exceedance": None}
        rows.append(row)
    return pl.DataFrame(rows, infer_schema_length=None)


def scored(records: pl.DataFrame, least: int = 5) -> pl.DataFrame:
    """Score all triplets of a records table at once, without their nulls: the same scores as :func:`report`'s.

    Parameters
    ----------
    records : frame
        From :func:`mirage_lib.bigbench.records.load` or a reader.
    least : int
        Leave out triplets with fewer sizes, as :func:`split` does.

    Returns
    -------
    Frame with the columns of :data:`BY`, then ``models, span, score``, in the order of :func:`split`.

    >>> scored(scores.load("bigg"))["score"].max() == report(split(scores.load("bigg")), draws=1)["score"].max()
    True
    """
    table = scores.turned(scores.check(records))
    if table.is_empty():
        numbers = {"shots": pl.Int64, "models": pl.Int64, "span": pl.Float64, "score": pl.Float64}
        return pl.DataFrame(schema=dict.fromkeys(BY, pl.String) | numbers)
    setting = pl.col("setting").fill_null("") if "setting" in table.columns else pl.lit("").alias("setting")
    table = table.with_columns(setting).select(*BY, "n_params", "score")
    code, sizes = _codes(table), table["n_params"].to_numpy()
    order = np.lexsort((sizes, code))
    code, sizes, values = code[order], sizes[order], table["score"].to_numpy()[order]
    begins = np.flatnonzero(np.r_[True, (np.diff(code) != 0) | (np.diff(sizes) != 0)])
    if len(begins) < len(values):  # Models of one size are averaged.
        values = np.add.reduceat(values, begins) / np.diff(np.r_[begins, len(values)])
        code, order = code[begins], order[begins]
    starts = np.flatnonzero(np.r_[True, np.diff(code) != 0])
    models = np.diff(np.r_[starts, len(code)])
    span, found = np.full(len(starts), np.nan), np.full(len(starts), np.nan)
    for n in np.unique(models[models >= max(least, 2)]):
        same = models == n
        curves = values[starts[same][:, None] + np.arange(n)]
        span[same], found[same] = np.ptp(curves, axis=1), emergence.scores(curves)
    columns = {"models": models, "span": span, "score": found}
    labels = table.select(BY)[order[starts]].with_columns(pl.Series(name, column) for name, column in columns.items())
    return labels.filter(pl.col("models") >= max(least, 2)).sort(*BY)


def _codes(table: pl.DataFrame) -> np.ndarray:
    """A number for each row, the same where all columns of :data:`BY` are."""
    code = np.zeros(table.height, np.int64)
    for name in BY:
        column = table[name]
        numbers = column.cast(pl.Categorical).to_physical() if column.dtype == pl.String else column
        numbers = numbers.to_numpy().astype(np.int64)
        numbers -= numbers.min()
        if (code.max() + 1.0) * (numbers.max() + 1.0) > 2**62:
            code, numbers = (np.unique(one, return_inverse=True)[1] for one in (code, numbers))
        code = code * (numbers.max() + 1) + numbers
    return code


def with_null(scored: pl.DataFrame, records: pl.DataFrame, draws: int = 2000, seed: int = 0) -> pl.DataFrame:
    """Put ``null_high`` and ``exceedance`` of :func:`report` beside scores, where the records allow them.

    Parameters
    ----------
    scored : frame
        From :func:`scored`, of the same records.
    draws : int
        Smooth curves a triplet; with 0 both columns stay empty.

    >>> table = scores.load("bigg").filter(pl.col("task") == "hindu_knowledge")
    >>> with_null(scored(table), table, draws=100)["exceedance"].null_count()
    0
    """
    nulls = pl.DataFrame(schema={"null_high": pl.Float64, "exceedance": pl.Float64})
    there = [name for name in ("n_items", "stderr") if name in records.columns]
    known = any(records[name].null_count() < records.height for name in there)
    if draws and known and scored.height:
        curves = [one for one in split(records, int(scored["models"].min())) if np.isfinite(one.errors).all()]
        if curves:
            found = report(curves, draws, seed).select(*BY, *nulls.columns)
            return scored.join(found, on=list(BY), how="left", maintain_order="left")
    return scored.with_columns(pl.lit(None, kind).alias(name) for name, kind in nulls.schema.items())


def by_metric(table: pl.DataFrame, level: float = 0.05) -> pl.DataFrame:
    """Sum up scored triplets by metric, the highest finite score first.

    Parameters
    ----------
    table : frame
        From :func:`report`, or :func:`with_null`.
    level : float
        A triplet counts as above its null where no larger share of smooth curves scores as high.

    Returns
    -------
    Frame with ``metric, triplets, highest, infinite, tested, above``: ``highest`` is the highest finite score,
    ``infinite`` how many are infinite, ``tested`` how many have a null, ``above`` how many of these exceed it
    (empty where none was tested).

    >>> table = pl.DataFrame({"metric": ["a", "a"], "score": [3.0, float("inf")], "exceedance": [0.5, 0.01]})
    >>> by_metric(table).rows()
    [('a', 2, 3.0, 1, 2, 1)]
    """
    score, share = pl.col("score"), pl.col("exceedance")
    summed = table.group_by("metric").agg(
        triplets=pl.len(),
        highest=score.filter(score.is_finite()).max(),
        infinite=(score == float("inf")).sum(),
        tested=share.is_not_null().sum(),
        above=(share <= level).sum(),
    ).with_columns(pl.when(pl.col("tested") > 0).then("above").alias("above"))
    return summed.sort("highest", "metric", descending=[True, False], nulls_last=True)
