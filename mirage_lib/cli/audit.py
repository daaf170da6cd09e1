"""``mirage audit`` on the command line: its options, and what it prints."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mirage_lib.audit.logs import Logs

ABOUT = "score saved outputs of an evaluation again, and report what hangs on the metric"
DEMO = ("arithmetic-ladder", 0)
"""The book's own outputs that the demonstration looks at, and their training seed."""


def add(parser: argparse.ArgumentParser) -> None:
    """Describe the command."""
    parser.description = (
        "Read sample logs of lm-evaluation-harness (--log_samples), logs of Inspect, or tables (CSV, Parquet, JSON lines) with model, "
        "item, target and output; score them again under every metric that applies; write one page and one JSON file."
    )
    parser.add_argument("paths", nargs="*", help="log files, or folders of them")
    parser.add_argument("--demo", action="store_true", help="look at the book's own arithmetic models instead")
    parser.add_argument("--size", nargs="+", default=[], metavar="MODEL=PARAMETERS", help="sizes that the logs do not tell, such as my-model=1b")
    parser.add_argument("--family", help="one name for all models (default: as the logs or the names say)")
    parser.add_argument("--out", default="audit.html", help="page to write; the JSON file goes beside it (default: %(default)s)")
    parser.add_argument("--title", default="Audit of an evaluation", help="heading of the page")
    parser.add_argument("--draws", type=int, default=500, help="bootstrap draws of the intervals (default: %(default)s)")
    parser.set_defaults(run=_audit)


def _audit(options: argparse.Namespace) -> None:
    from mirage_lib.audit.rows import LogsError

    try:
        from mirage_lib.audit import findings, logs, report
    except ModuleNotFoundError as error:
        raise LogsError(f"an audit needs {error.name}, which is not installed: pip install 'mirage-lib[audit]' brings it") from None

    if options.demo == bool(options.paths):
        raise LogsError("name log files or folders, or --demo, and not both")
    if options.draws < 20:
        raise LogsError(f"--draws {options.draws}: an interval needs at least 20")
    read = _demo() if options.demo else logs.read(options.paths, _sizes(options.size), options.family)
    print(read.text())
    found = findings.examine(read.tables, options.draws)
    page, numbers = report.save(read, found, options.out, options.title)
    changing = len(found.changing())
    print(f"{len(found.each)} curves; the conclusion changes with the metric on {changing} of {len(list(found.by_task()))} tasks.")
    print(f"Written: {page} and {numbers}")


def _sizes(pairs: list[str]) -> dict[str, str]:
    from mirage_lib.audit.rows import LogsError

    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise LogsError(f"--size {wrong[0]}: write it as MODEL=PARAMETERS, such as my-model=1b")
    return dict(pair.rsplit("=", 1) for pair in pairs)


def _demo() -> Logs:
    import polars as pl

    from mirage_lib import outputs
    from mirage_lib.audit import logs

    name, seed = DEMO
    table = outputs.load(name).filter(pl.col("seed") == seed)
    return logs.Logs({"text": table}, (logs.Source(name, "the book's frozen outputs", table.height),))
