"""``mirage`` on the command line: the same functions as in Python.

A module of this package with a constant ``ABOUT`` is the command of its name, and its ``add`` describes the options.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import json
import pkgutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from mirage_lib.cli import doctor

_ROOM, _RIGHT = "make room there or write elsewhere", "take a folder that you may write in, or make this one so"
HINTS = {
    errno.ENOSPC: _ROOM, errno.EFBIG: _ROOM, errno.EROFS: _RIGHT, errno.EACCES: _RIGHT, errno.EPERM: _RIGHT,
}  # fmt: skip
"""What to do about errors of a disk."""
_MODULES = {one.name: importlib.import_module(f"{__name__}.{one.name}") for one in pkgutil.iter_modules(__path__)}
COMMANDS = {name: module for name, module in _MODULES.items() if hasattr(module, "ABOUT")}
"""The modules that are commands, by name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 refused with one sentence, 130 interrupted."""
    options = parser().parse_args(arguments)
    return finished(lambda: options.run(options))


def finished(work: Callable[[], object]) -> int:
    """Do some work and return its exit status, having said in one sentence what went wrong.

    >>> finished(lambda: None)
    0
    """
    try:
        work()
    except KeyboardInterrupt:
        print("Interrupted; run the same command again to go on.", file=sys.stderr)
        return 130
    except (ValueError, KeyError, OSError) as error:
        print(f"mirage: {_sentence(error)}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as error:
        extra = doctor.extra_with(error.name or "")
        if not extra:
            raise
        print(f"mirage: {error.name} is not installed: pip install 'mirage-lib[{extra}]' brings it", file=sys.stderr)
        return 1
    return 0


def _sentence(error: Exception) -> str:
    """Say what went wrong, and of a disk what to do about it.

    >>> _sentence(OSError(errno.ENOSPC, "No space left on device", "a.parquet"))
    'a.parquet: No space left on device: make room there or write elsewhere, then run the same command again'
    """
    if isinstance(error, KeyError):
        return str(error.args[0])
    if not isinstance(error, OSError) or error.strerror is None:
        return str(error)
    hint = HINTS.get(error.errno or 0, "")
    return f"{error.filename or 'a file'}: {error.strerror}" + (f": {hint}, then run the same command again" if hint else "")


def parser() -> argparse.ArgumentParser:
    """Describe all commands."""
    top = argparse.ArgumentParser(prog="mirage", description=(__doc__ or "").partition("\n")[0])
    commands = top.add_subparsers(required=True, metavar="command")
    for name, module in COMMANDS.items():
        module.add(commands.add_parser(name, help=module.ABOUT))

    score = commands.add_parser("score", help="score frozen outputs, or a Parquet file of your own")
    score.add_argument("outputs", help="name of a frozen table, or path of a Parquet file")
    score.add_argument("--metric", default="exact_match", help="a metric's name; 'list' shows all")
    score.add_argument("--csv", help="write the curve to this file instead of the screen")
    score.set_defaults(run=_score)

    claims = commands.add_parser("claims", help="judge the paper's claims on the frozen outputs")
    claims.add_argument("rows", nargs="*", metavar="ROW", help="only these rows, by their names (default: all, in about a minute)")
    claims.add_argument("--json", action="store_true", help="print the ledger as JSON")
    claims.set_defaults(run=_claims)
    return top


def _score(options: argparse.Namespace) -> None:
    import polars as pl

    from mirage_lib import curves, metrics, outputs

    if options.metric == "list":
        for name in metrics.names():
            print(f"{name:24} {metrics.get(name).label}")
        return
    path = Path(options.outputs)
    if path.suffix == ".parquet":
        table = outputs.read_parquet(path)
    else:
        table = outputs.load(options.outputs)
    curve = curves.curve(table, options.metric)
    if options.csv:
        curve.write_csv(options.csv)
        print(f"Written: {options.csv}, {curve.height} rows")
        return
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_hide_dataframe_shape=True, tbl_width_chars=160):
        print(curve.drop("family", "metric", "n_items", "resolution"))


def _claims(options: argparse.Namespace) -> None:
    from mirage_lib import claims

    if options.json:
        print(json.dumps(claims.table(options.rows).to_dicts(), ensure_ascii=False, indent=1))
        return
    for claim in [claims.get(name) for name in options.rows] or claims.ledger():
        verdict = claim.judge()
        print(f"{verdict.verdict:14} {claim.id}\n{'':14} {verdict.because}")
