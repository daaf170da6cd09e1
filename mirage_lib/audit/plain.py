"""Plain tables: CSV, Parquet or JSON lines with one row an answer.

Columns: ``model, item, target, output``; or, for choices, ``model, item, target, probabilities`` where the target is the
place of the right choice, counted from zero. Known besides: ``n_params, family, task, group, seed, temperature, sample,
prompt_id``.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
from polars.exceptions import PanicException

from mirage_lib.audit.rows import COLUMNS, PAYLOAD, LogsError, Rows, nearest
from mirage_lib.bigbench.records import RecordsError
from mirage_lib.bigbench.sizes import size

NEEDED = ("model", "item", "target")
DEFAULTS: dict[str, object] = {"n_params": None, "family": None, "task": "task", "group": 0, "seed": 0, "temperature": 0.0, "sample": 0}
KNOWN = (*NEEDED, "output", "probabilities", "prompt_id", *DEFAULTS)
MISSING = "model, item or target is missing"
NO_OUTPUT = "the output is missing"
NO_PLACE = "the target is not the place of one of the choices"
NO_COUNT = "n_params is no number of parameters, such as 1300000000 or 1.3b"
NO_SETTING = "a temperature or a sample that is no number, or below 0"
NO_SHARES = "probabilities that are missing, negative, no numbers, or do not add up to something"


def recognised(path: Path) -> bool:
    """Tell whether this is such a table, by its ending and its columns."""
    try:
        columns = _scan(path).collect_schema().names()
    except (LogsError, pl.exceptions.PolarsError, PanicException, OSError, UnicodeDecodeError):
        return False
    return set(NEEDED) <= set(columns) and ("output" in columns or "probabilities" in columns)


def rows(path: Path) -> Rows:
    """Read one table.

    Raises
    ------
    LogsError
        If a column cannot be read as what it has to be.
    """
    try:
        table = _scan(path).collect()
        return _read(table.select(name for name in KNOWN if name in table.columns).with_row_index("row", 1))
    except PanicException:
        raise LogsError("it is damaged: polars cannot read it") from None
    except pl.exceptions.PolarsError as error:
        raise LogsError(f"a column does not hold what it has to: {(str(error) or type(error).__name__).splitlines()[0]}") from None


def _read(table: pl.DataFrame) -> Rows:
    found = Rows({})
    table = table.with_columns(pl.lit(value, COLUMNS[name]).alias(name) for name, value in DEFAULTS.items() if name not in table.columns)
    table = _kept(found, table, pl.all_horizontal(pl.col(*NEEDED).is_not_null()), MISSING)
    if table["n_params"].dtype == pl.String:
        table = _counted(found, table)
    table = table.with_columns(pl.col(name).cast(dtype).fill_null(pl.lit(DEFAULTS.get(name), dtype)) for name, dtype in COLUMNS.items())
    table = _kept(found, table, (pl.col("n_params") > 0).fill_null(True), NO_COUNT)
    table = _kept(found, table, pl.col("temperature").is_finite() & (pl.col("temperature") >= 0) & (pl.col("sample") >= 0), NO_SETTING)
    choices = table.filter(pl.col("probabilities").is_not_null()) if "probabilities" in table.columns else table.head(0)
    texts = table.join(choices.select("row"), on="row", how="anti") if choices.height else table
    if choices.height:
        found.more["choice"] = _choices(found, choices)
    if texts.height:
        if "output" not in texts.columns:
            found.leave(NO_OUTPUT, f"row {texts['row'][0]}", texts.height)
        else:
            texts = _kept(found, texts, pl.col("output").is_not_null(), NO_OUTPUT)
            texts = texts.with_columns(pl.col("output").cast(pl.String).str.strip_chars())
            if texts["target"].dtype == pl.List:
                pairs = texts.select(pl.col("target").cast(pl.List(pl.String)), "output").iter_rows()
                found.several = texts.filter(pl.col("target").list.len() > 1).height
                texts = texts.with_columns(pl.Series("target", [nearest([one for one in some if one is not None], said) for some, said in pairs], pl.String))
            written = texts.with_columns(pl.col("target").cast(pl.String).str.strip_chars())
            prompt = pl.col("prompt_id").cast(pl.String) if "prompt_id" in texts.columns else pl.col("item")
            written = written.with_columns(prompt.alias("prompt_id"), finish_reason=pl.lit("unknown"))
            found.more["text"] = written.select(list(COLUMNS) + list(PAYLOAD["text"]))
    return found


def _counted(found: Rows, table: pl.DataFrame) -> pl.DataFrame:
    """Read numbers of parameters that are written, as in 1.3b; those that are none are left out and counted."""
    counts: dict[str, int | None] = {}
    for told in table["n_params"].drop_nulls().unique():
        try:
            counts[told] = size(told)
        except RecordsError:
            counts[told] = None
    read = pl.col("n_params").replace_strict(counts, return_dtype=pl.Int64, default=None)
    table = _kept(found, table.with_columns(read.alias("counted")), pl.col("counted").is_not_null() | pl.col("n_params").is_null(), NO_COUNT)
    return table.drop("n_params").rename({"counted": "n_params"})


def _choices(found: Rows, table: pl.DataFrame) -> pl.DataFrame:
    if table["probabilities"].dtype == pl.String:
        # Text as CSV has it: [0.1, 0.9]
        table = table.with_columns(
            pl.col("probabilities").str.strip_chars("[] ").str.split(",").list.eval(pl.element().str.strip_chars().cast(pl.Float64, strict=False))
        )
    p = pl.col("probabilities")
    table = _kept(found, table, p.list.eval((pl.element().is_finite() & (pl.element() >= 0)).fill_null(False)).list.all() & (p.list.sum() > 0), NO_SHARES)
    table = table.with_columns(target_index=pl.col("target").cast(pl.Int64, strict=False))
    there = pl.col("target_index").is_between(0, p.list.len().cast(pl.Int64) - 1)
    table = _kept(found, table, there, NO_PLACE)
    table = table.with_columns((p.cast(pl.List(pl.Float64)) / p.cast(pl.List(pl.Float64)).list.sum()).alias("probabilities"))
    return table.select(list(COLUMNS) + list(PAYLOAD["choice"]))


def _kept(found: Rows, table: pl.DataFrame, good: pl.Expr, reason: str) -> pl.DataFrame:
    """Keep the rows for which an expression is true; count the others."""
    bad = table.filter(~good.fill_null(False))
    if bad.height:
        found.leave(reason, f"row {bad['row'][0]}", bad.height)
    return table.filter(good.fill_null(False))


def _scan(path: Path) -> pl.LazyFrame:
    if path.suffix == ".parquet":
        return pl.scan_parquet(path)
    if path.suffix == ".csv":
        # Answers and targets are text, even where all of them are digits.
        names = pl.scan_csv(path, infer_schema=False).collect_schema().names()
        text: dict[str, type[pl.DataType]] = {name: pl.String for name in ("item", "target", "output", "model", "family", "task", "probabilities") if name in names}
        return pl.scan_csv(path, schema_overrides=text, infer_schema_length=10_000)
    if path.suffix in (".jsonl", ".ndjson"):
        return pl.scan_ndjson(path, infer_schema_length=10_000)
    raise LogsError(f"{path.suffix or 'no ending'} is none of .csv, .parquet, .jsonl")
