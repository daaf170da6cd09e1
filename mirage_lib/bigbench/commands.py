"""``mirage bigbench`` on the command line: its options, and what it prints."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl


def add(steps: argparse._SubParsersAction, score_with: Callable[[argparse.Namespace], None]) -> None:
    """Describe the commands; scoring is done by who knows of emergence."""
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
    score.set_defaults(run=score_with)


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


def records_of(options: argparse.Namespace) -> pl.DataFrame:
    """Read or load the records that a command line names."""
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

    print(f"Written: {reading.save(records_of(options), options.out)}\nScore it: mirage bigbench score {options.out}")
