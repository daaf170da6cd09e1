"""The collected table of BIG-bench's scores, ``all.csv``: one row for one model, subtask, metric and number of shots.

Ye et al. (How Predictable Are Large Language Model Capabilities?, 2023) gathered it from BIG-bench's result files. The
layout was seen in the script that writes it (``data_prep/big_bench.py`` of INK-USC/predicting-big-bench, Apache-2.0),
not in the file: columns ``task, subtask, model_family, model_name, non_embedding_params,
flop_matched_non_embedding_params, total_params, n_shot, metric_name, is_preferred_metric, score``, and scores as
BIG-bench wrote them. The same script says what the table lacks: it goes over the JSON tasks only, without
``list_functions``, ``mult_data_wrangling`` and ``multiemo``, and leaves out entries whose preferred metric is
``normalized_aggregate_score``. So of the 39 metrics of Fig. 5A those of programmatic tasks cannot come from it.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from mirage_lib.bigbench import scores
from mirage_lib.bigbench.records import RecordsError
from mirage_lib.bigbench.sizes import size

COLUMNS = (
    "task", "subtask", "model_family", "model_name", "non_embedding_params", "flop_matched_non_embedding_params",
    "total_params", "n_shot", "metric_name", "is_preferred_metric", "score",
)  # fmt: skip


def recognised(start: bytes, path: Path) -> bool:
    """Tell whether a file may be this table, by the names of its columns.

    >>> recognised(b"task,subtask,model_family,model_name,", Path("all.csv"))
    True
    """
    head = start.split(b"\n", 1)[0]
    return head.startswith(b"task,") and b"model_family" in head


def rows(content: bytes, path: Path) -> dict[str, object]:
    """Return the columns of the table's records.

    A score that is no number stays in as missing, for the reader to name or to skip.

    Raises
    ------
    RecordsError
        If it is no table, or a column is missing.

    >>> head = ",".join(COLUMNS)
    >>> made = rows(f"{head}\\nt,t:s,f,1b,1e9,1e9,1.1e9,3,bleu,1,25.0\\n".encode(), Path("all.csv"))
    >>> made["setting"], made["n_params"], made["score"]
    (['s'], [1000000000], [25.0])
    """
    if not content.strip():
        raise RecordsError("it is empty")
    try:
        table = pl.read_csv(content, infer_schema=False)
    except pl.exceptions.PolarsError as error:
        raise RecordsError(f"it is no table: {str(error).splitlines()[0]}") from None
    missing = [name for name in COLUMNS if name not in table.columns]
    if missing:
        raise RecordsError(f"its column {missing[0]!r} is missing: it needs {', '.join(COLUMNS)}")
    if table.is_empty():
        raise RecordsError("it holds no scores")
    names = ["flop_matched_non_embedding_params", "non_embedding_params", "total_params"]
    written = pl.coalesce(pl.when(~pl.col(name).is_in(["0", "0.0", ""])).then(name) for name in names)
    table = table.with_columns(size=written)
    sizes = {text: size(text) for text in table["size"].unique() if text is not None}
    same = pl.col("subtask").fill_null("") == pl.col("task")
    table = table.select(
        "task",
        pl.col("model_family").alias("family"),
        pl.col("model_name").alias("model"),
        pl.col("size").replace_strict(sizes, default=None, return_dtype=pl.Int64).alias("n_params"),
        pl.col("n_shot").cast(pl.Float64, strict=False).cast(pl.Int64, strict=False).fill_null(-1).alias("shots"),
        pl.col("metric_name").alias("metric"),
        pl.col("score").cast(pl.Float64, strict=False),
        pl.when(same).then(pl.lit("")).otherwise(_after_task()).alias("setting"),
        (pl.col("is_preferred_metric").str.to_lowercase().is_in(["1", "1.0", "true"])).alias("preferred"),
    )
    return {name: list(column) for name, column in table.to_dict(as_series=False).items()}


def _after_task() -> pl.Expr:
    subtask = pl.col("subtask").fill_null("")
    begins = subtask.str.starts_with(pl.col("task") + ":")
    return pl.when(begins).then(subtask.str.slice(pl.col("task").str.len_chars() + 1)).otherwise(subtask)


tidied = scores.tidied
"""The scales are BIG-bench's own."""
