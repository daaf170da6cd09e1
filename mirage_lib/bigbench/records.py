"""Records: scores that others measured, one row for one model on one task under one metric.

An outputs table holds answers, and any metric can score it. A records table holds what is left when the
answers were not kept: one number for one metric. Whatever its file format was, a record looks the same
here, so one analysis serves them all. The embedded tables were derived by ``tools/derive_records.py``.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from mirage_lib import outputs

COLUMNS = {
    "task": pl.String,
    "family": pl.String,
    "model": pl.String,
    "n_params": pl.Int64,
    "shots": pl.Int64,
    "metric": pl.String,
    "score": pl.Float64,
    "n_items": pl.Int64,
    "chance": pl.Float64,
    "origin": pl.String,
}
"""What every records table has. ``shots`` is -1, ``n_items`` and ``chance`` are empty where the record does
not say. ``origin`` is the name of an embedded table, or of a file."""

EXTRA = {
    "stderr": pl.Float64, "tokens_b": pl.Float64, "flops_1e21": pl.Float64, "setting": pl.String, "preferred": pl.Boolean
}  # fmt: skip
"""What a table may have beside it: the standard error, training tokens (billions) and compute (1e21 FLOPs),
a setting that tells rows apart which are equal otherwise (a prompt's form, a subtask, a group of items), and
whether the metric is the one that the task's authors prefer."""

KEYS = ("task", "family", "model", "shots", "metric", "setting", "origin")
"""What names one score."""


class RecordsError(ValueError):
    """A records table, or a file of records, is not what it has to be."""


@dataclass(frozen=True)
class Scale:
    """What the numbers of a metric mean: its least and greatest value, and which way is better."""

    least: float
    most: float
    better: str = "higher"


_SHARE = Scale(0.0, 1.0)
_ERROR = Scale(0.0, 1.0, "lower")
_OPEN = float("inf")
SCALES = {
    **dict.fromkeys(
        ("accuracy", "accuracy_normalized", "multiple_choice_grade", "exact_str_match", "exact_match", "bleu", "f1",
         "bert_score_accuracy", "target_probability", "pct_stereotype", "case_insensitive_str_match", "macro_f1",
         "numeric_match_with_0_1_relative_error", "rouge1", "rouge2", "rougeLsum", "sequence_f1"),
        _SHARE,
    ),
    **dict.fromkeys(("brier", "brier_raw", "brier_top_label", "brier_top_label_raw"), _ERROR),
    **dict.fromkeys(("calibration_multiple_choice_brier_score", "expected_calibration_error"), _ERROR),
    "choice_mass": Scale(0.0, _OPEN),  # a sum of probabilities in half precision, up to 1.01
    "perplexity": Scale(1.0, _OPEN, "lower"),
    "likelihood_difference": Scale(0.0, _OPEN, "lower"),
    "bits_per_byte": Scale(0.0, _OPEN, "lower"),
    "loss": Scale(0.0, _OPEN, "lower"),
    "edit_distance": Scale(0.0, _OPEN, "lower"),
    "target_log_probability": Scale(-_OPEN, 0.0),
}  # fmt: skip
"""Metrics whose scale is known: those of the embedded records, and of BIG-bench's JSON tasks. ``brier`` is the paper's, (1 - p(right choice))^2 with p over the choices;
``brier_top_label`` is (confidence - correct)^2 of the answer ranked first, and is not the paper's."""


ZERO_ONE = ("accuracy", "accuracy_normalized", "multiple_choice_grade", "exact_str_match", "exact_match")
"""Metrics whose score is a share of right answers."""


def scale(metric: str) -> Scale:
    """Return what a metric's numbers mean; one that is not known may be anything, higher being better.

    >>> scale("brier").better
    'lower'
    """
    return SCALES.get(metric, Scale(-_OPEN, _OPEN))


def turned(records: pl.DataFrame) -> pl.DataFrame:
    """Negate the scores of metrics for which lower is better, so that up is better in all rows.

    >>> turned(pl.DataFrame({"metric": ["brier", "accuracy"], "score": [0.25, 0.5]}))["score"].to_list()
    [-0.25, 0.5]
    """
    lower = [name for name, known in SCALES.items() if known.better == "lower"]
    sign = pl.when(pl.col("metric").is_in(lower)).then(-1.0).otherwise(1.0)
    return records.with_columns(score=sign * pl.col("score"))


def check(records: pl.DataFrame) -> pl.DataFrame:
    """Return the table, its columns in order, if it is a whole and valid records table.

    Raises
    ------
    RecordsError
        For an empty table, a missing column, text for a number, a name, size, score or metric that is
        missing, NaN, a score outside the metric's scale (a percent where a fraction is due), or two
        scores for the same model, task, shots and metric. The message names the first bad row.

    >>> row = {"task": "t", "family": "f", "model": "m", "n_params": 10, "shots": 0, "metric": "accuracy"}
    >>> row |= {"score": 61.5, "n_items": 100, "chance": 0.5, "origin": "a file"}
    >>> check(pl.DataFrame([row]))
    Traceback (most recent call last):
    ...
    mirage_lib.bigbench.records.RecordsError: score 61.5 of model 'm' on task 't' under 'accuracy': it has to lie \
between 0 and 1; is it a percentage? Divide by 100
    """
    records = typed(records)
    for bad, say in faults(records):
        rows = records.filter(bad.fill_null(False))
        if rows.height:
            raise RecordsError(say(rows.row(0, named=True)))
    return records


def typed(records: pl.DataFrame) -> pl.DataFrame:
    """Return the columns of a records table in their order and of their types, the rows unchecked.

    Raises
    ------
    RecordsError
        For an empty table, a missing column, or text for a number.

    >>> typed(pl.DataFrame({"task": ["t"]}))
    Traceback (most recent call last):
    ...
    mirage_lib.bigbench.records.RecordsError: column 'family' is missing from these records: they need task, family, \
model, n_params, shots, metric, score, n_items, chance, origin
    """
    missing = [name for name in COLUMNS if name not in records.columns]
    if missing:
        raise RecordsError(f"column {missing[0]!r} is missing from these records: they need {', '.join(COLUMNS)}")
    if records.is_empty():
        raise RecordsError("these records are an empty table: at least one score is needed")
    known = COLUMNS | {name: kind for name, kind in EXTRA.items() if name in records.columns}
    for name, kind in known.items():
        if not _fits(records[name].dtype, kind):
            raise RecordsError(f"column {name!r} holds {records[name].dtype}, but has to hold {kind.__name__}")
    return records.select(pl.col(name).cast(kind) for name, kind in known.items())


def faults(records: pl.DataFrame) -> Iterator[tuple[pl.Expr, Callable[[dict], str]]]:
    """Yield what a row can have wrong: where it is so, and a function from such a row to a sentence.

    >>> table = load("bigg").head(1).with_columns(n_params=0)
    >>> [say(table.row(0, named=True)) for bad, say in faults(table) if table.filter(bad).height]
    ["n_params 0 of model '2m' on task 'abstract_narrative_understanding' under 'multiple_choice_grade': \
at least 1 is allowed"]
    """

    def fault(bad: pl.Expr, what: str, hint: str) -> tuple[pl.Expr, Callable[[dict], str]]:
        return bad, lambda row: f"{what.format(**row)} {_place(row)}: {hint}"

    for name in ("task", "family", "model", "n_params", "metric", "score", "origin"):
        yield fault(pl.col(name).is_null(), f"no {name}", "give it, or drop the row")
    yield fault(~pl.col("score").is_finite(), "score {score}", "it has to be a finite number")
    yield fault(pl.col("n_params") < 1, "n_params {n_params}", "at least 1 is allowed")
    yield fault(pl.col("n_items") < 1, "n_items {n_items}", "at least 1, or leave it empty")
    scales = {scale(metric) for metric in records["metric"].unique() if metric is not None}
    for known in sorted(scales, key=str):
        low, high = known.least, known.most
        of_it = [name for name, other in SCALES.items() if other == known]
        outside = pl.col("metric").is_in(of_it) & ~pl.col("score").is_between(low - 1e-9, high + 1e-9)
        hint = "; is it a percentage? Divide by 100" if high == 1 else ""
        yield fault(outside, "score {score:g}", f"it has to lie between {low:g} and {high:g}{hint}")
    keys = [name for name in KEYS if name in records.columns]
    if records.select(keys).hash_rows().n_unique() == records.height:
        return  # All hashes differ, so all rows do.
    yield fault(pl.struct(keys).is_duplicated(), "two scores", "keep one, or tell them apart by 'setting'")


def _place(row: dict) -> str:
    return f"of model {row['model']!r} on task {row['task']!r} under {row['metric']!r}"


def _fits(found: pl.DataType, wanted: type[pl.DataType]) -> bool:
    if found == pl.Null:
        return True
    if wanted == pl.String:
        return found in (pl.String, pl.Categorical)
    if wanted == pl.Boolean:
        return found == pl.Boolean
    return found.is_integer() if wanted == pl.Int64 else found.is_numeric()


def names() -> list[str]:
    """Return the names of the embedded records tables.

    >>> "bigg" in names()
    True
    """
    listed = outputs.manifest()
    prefix = "records-"
    return sorted(
        Path(file).stem.removeprefix(prefix) for file, entry in listed.items() if entry["kind"] == "records"
    )


def load(*tables: str, folder: str | Path = outputs.FROZEN) -> pl.DataFrame:
    """Load embedded records, having checked their hashes; all of them, if none are named.

    Raises
    ------
    RecordsError
        If there is no such table.

    >>> load("bigg")["n_params"].n_unique()
    12
    """
    entries = outputs.manifest(folder)
    frames = []
    for name in tables or names():
        path = Path(folder) / f"records-{name}.parquet"
        if path.name not in entries:
            raise RecordsError(f"no records are called {name!r}: there are {', '.join(names())}")
        outputs.verify(path, entries[path.name]["sha256"])
        frames.append(pl.read_parquet(path))
    return pl.concat(frames, how="diagonal")


def correct() -> pl.DataFrame:
    """Load which items the BIG-G models got right, one list a task, model and number of shots.

    The items are a test split of about a fifth of each task, in one order for all models, so two sizes
    can be compared item by item. At 3 shots there are 12 sizes; at 0 shots the four largest.

    Returns
    -------
    Frame with ``task, model, n_params, shots, correct``, the last a list of true or false.

    >>> correct()["shots"].unique().sort().to_list()
    [0, 3]
    """
    path = outputs.FROZEN / "bigg-correct.parquet"
    outputs.verify(path, outputs.manifest()[path.name]["sha256"])
    return pl.read_parquet(path)


def origins(tables: Iterable[str] | None = None) -> pl.DataFrame:
    """Say where embedded records come from: ``origin, note, licence, date, rows``.

    >>> origins(["olmo"])["licence"].to_list()
    ['Apache-2.0']
    """
    rows = []
    for name in names() if tables is None else tables:
        path = outputs.FROZEN / f"records-{name}.parquet"
        stamp = json.loads(pl.read_parquet_metadata(path)["stamp"])
        height = outputs.manifest()[path.name]["rows"]
        rows.append((name, stamp["note"], stamp["licence"], stamp["date"], height))
    return pl.DataFrame(rows, schema=["origin", "note", "licence", "date", "rows"], orient="row")


def save(
    table: pl.DataFrame, name: str, kind: str, stamp: dict, folder: str | Path = outputs.FROZEN
) -> Path:
    """Write a derived table as Parquet with its stamp, whole or not at all, and enter its hash.

    Parameters
    ----------
    name : str
        The file's name without ``.parquet``; records are called ``records-<name>``.
    kind : str
        ``records``, or what else the table is.
    stamp : dict
        From :func:`mirage_lib.stamps.stamp`, with a ``note`` on the origin.
    """
    if kind == "records":
        table = check(table)
    content = io.BytesIO()
    table.write_parquet(
        content, compression="zstd", compression_level=19, metadata={"kind": kind, "stamp": json.dumps(stamp)}
    )
    return outputs.freeze(Path(folder) / f"{name}.parquet", content.getvalue(), kind, table.height)
