"""``mirage bigbench`` on the command line: its options, and what it prints."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mirage_lib.cli import fetching

if TYPE_CHECKING:
    import polars as pl

ABOUT = "read and score records of BIG-Bench and of other tasks"


def add(command: argparse.ArgumentParser) -> None:
    """Describe the commands."""
    steps = command.add_subparsers(required=True, metavar="step")
    fetching.add(steps, of_records=True)
    shown = "(default: %(default)s)"
    read = steps.add_parser(
        "read",
        help="read score files into one table",
        description="Read result files of BIG-bench (scores_*.json), the collected table all.csv, or results of "
        "lm-evaluation-harness into one checked table of records.",
    )
    _add_files(read)
    read.add_argument("--out", required=True, help="Parquet file to write")
    read.set_defaults(run=_read)

    score = steps.add_parser(
        "score",
        help="score every task, metric and family, as in Fig. 5A",
        description="The emergence score of every task-metric-family triplet, number of shots and subtask, and, where "
        "the number of items or a standard error is known, how many score above smooth curves with the same noise.",
    )
    score.add_argument("--table", nargs="+", metavar="NAME", help="embedded tables of records, instead of files")
    _add_files(score, "*")
    score.add_argument("--preferred", action="store_true", help="only the metric that a task's authors prefer")
    score.add_argument("--least", type=int, default=5, help=f"leave out curves of fewer sizes {shown}")
    score.add_argument("--draws", type=int, default=2000, help=f"smooth curves a triplet; 0 for none {shown}")
    score.add_argument("--csv", help="write the score of every triplet to this file")
    score.set_defaults(run=_score)


def _add_files(parser: argparse.ArgumentParser, number: str = "+") -> None:
    parser.add_argument(
        "files", nargs=number, help="files, or folders that hold them; a .parquet file is one that was read"
    )
    parser.add_argument("--format", choices=("scores", "harness", "collected"), help="(default: recognised)")
    parser.add_argument(
        "--broken", choices=("stop", "skip"), default="stop", help="broken files (default: %(default)s)"
    )
    parser.add_argument("--model", help="the model, where results of the harness do not name it")
    parser.add_argument("--n-params", help="its size, such as 1b")
    parser.add_argument("--jobs", type=int, help="processes (default: one, or one a core where there is much to read)")


def _records(options: argparse.Namespace) -> pl.DataFrame:
    from mirage_lib.bigbench import reading, records

    if getattr(options, "table", None):
        if options.files:
            raise records.RecordsError("files and --table: give one of them")
        return records.load(*options.table)
    if not options.files:
        raise records.RecordsError(f"nothing to score: name files, or --table with one of {', '.join(records.names())}")
    if len(options.files) == 1 and Path(options.files[0]).suffix == ".parquet":
        return reading.load(options.files[0])
    read = reading.read(
        options.files, options.format, options.broken, jobs=options.jobs, model=options.model, n_params=options.n_params
    )
    print(read.text())
    return read.records


def _read(options: argparse.Namespace) -> None:
    from mirage_lib.bigbench import reading

    print(f"Written: {reading.save(_records(options), options.out)}\nScore it: mirage bigbench score {options.out}")


def _score(options: argparse.Namespace) -> None:
    import polars as pl

    from mirage_lib.analyses import triplets
    from mirage_lib.bigbench.records import RecordsError

    table = _records(options)
    if options.preferred:
        if "preferred" not in table.columns:
            raise RecordsError("these records do not say which metric is preferred: leave --preferred out")
        table = table.filter(pl.col("preferred"))
    scored = triplets.scored(table, options.least)
    if scored.is_empty():
        raise RecordsError(f"no task, metric and family has {options.least} sizes of models: give a smaller --least")
    scored = triplets.with_null(scored, table, options.draws)
    if options.csv:
        scored.write_csv(options.csv)
        print(f"Written: {options.csv}, {scored.height:,} triplets")
    wide = {"tbl_rows": -1, "tbl_cols": -1, "tbl_width_chars": 120}
    with pl.Config(tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True, **wide):
        print(triplets.by_metric(scored))
    untested = scored["exceedance"].null_count()
    if untested:
        print(
            f"{untested:,} of {scored.height:,} triplets have no smooth null"
            + (": the records tell neither their number of items nor a standard error." if options.draws else ".")
        )
