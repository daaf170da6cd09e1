"""Outputs: what models said, one row for one thing a model did with one item.

A table of outputs is a Polars frame with the columns of :data:`COMMON` and those of its kind
(:data:`KINDS`). On disk it is a Parquet file that carries its stamp (command, code revision,
versions, device, seeds, date, licence, origin) in its metadata, and whose SHA-256 stands in the
manifest beside it. Nothing here computes a score: that is what :mod:`mirage_lib.metrics` is for.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl

from mirage_lib import runs
from mirage_lib.manifests import AGAIN as AGAIN
from mirage_lib.manifests import FROZEN as FROZEN
from mirage_lib.manifests import OutputsError as OutputsError
from mirage_lib.manifests import faults as faults
from mirage_lib.manifests import fingerprint as fingerprint
from mirage_lib.manifests import freeze as freeze
from mirage_lib.manifests import manifest as manifest
from mirage_lib.manifests import sha256 as sha256
from mirage_lib.manifests import verify as verify
from mirage_lib.stamps import STAMP_FIELDS

_WHOLE, _REAL, _TEXT = "a whole number", "a real number", "text"

COMMON = {
    "family": _TEXT,
    "model": _TEXT,
    "n_params": _WHOLE,
    "seed": _WHOLE,
    "task": _TEXT,
    "item": _TEXT,
    "group": _WHOLE,
    "temperature": _REAL,
    "sample": _WHOLE,
}
"""Columns that every outputs table has. ``group`` is what curves are split by: target length, K, or L."""

KINDS = {
    "text": {"prompt_id": _TEXT, "target": _TEXT, "output": _TEXT, "finish_reason": _TEXT},
    "choice": {"target_index": _WHOLE, "probabilities": "a list of real numbers"},
    "image label": {"label": _WHOLE, "predicted": _WHOLE, "probability": _REAL},
    "reconstruction": {"squared_error": _REAL},
    "sequence": {"correct": "a list of true or false"},
}
"""Payload columns by kind. Text outputs may also carry ``prompt``, ``target_logprob`` and
``token_logprobs``; where only the last is in a file, loading sums it up."""

OPTIONAL = {
    "prompt": _TEXT,
    "target_logprob": _REAL,
    "token_logprobs": "a list of real numbers",
}


def check(outputs: pl.DataFrame, kind: str) -> pl.DataFrame:
    """Return the table unchanged if it is a whole, valid outputs table of that kind.

    Parameters
    ----------
    outputs : frame
        One row an output.
    kind : str
        One of :data:`KINDS`.

    Raises
    ------
    OutputsError
        For an unknown kind, an empty table, a missing column, a wrong type, a missing value, a NaN
        or an impossible number. The message names the column, what was found and what is allowed.

    >>> check(pl.DataFrame({"family": ["a"]}), "text")
    Traceback (most recent call last):
    ...
    mirage_lib.outputs.OutputsError: column 'model' is missing from these text outputs: they need \
family, model, n_params, seed, task, item, group, temperature, sample, prompt_id, target, output, \
finish_reason
    """
    if kind not in KINDS:
        raise OutputsError(f"unknown kind of outputs {kind!r}: choose one of {', '.join(KINDS)}")
    needed = COMMON | KINDS[kind]
    require(outputs, needed, f"these {kind} outputs")
    for column, wanted in (needed | OPTIONAL).items():
        if column in outputs.columns:
            _check_type(outputs[column], wanted)
    _check_values(outputs)
    return outputs


def require(outputs: pl.DataFrame, columns: Iterable[str], what: str) -> None:
    """Raise an :class:`OutputsError` unless the table has rows and all the named columns.

    >>> require(pl.DataFrame({"target": ["4"]}), ["target"], "exact match")
    """
    columns = list(columns)
    for column in columns:
        if column not in outputs.columns:
            raise OutputsError(
                f"column {column!r} is missing from {what}: they need {', '.join(columns)}"
            )
    if outputs.is_empty():
        raise OutputsError(f"{what} are an empty table: at least one row is needed")


def _check_type(column: pl.Series, wanted: str) -> None:
    dtype = column.dtype
    inner = dtype.inner if isinstance(dtype, pl.List) else None
    fits = {
        _TEXT: dtype in (pl.String, pl.Categorical),
        _WHOLE: dtype.is_integer(),
        _REAL: dtype.is_numeric(),
        "a list of real numbers": inner is not None and inner.is_numeric(),
        "a list of true or false": inner == pl.Boolean,
    }[wanted]
    if not fits:
        raise OutputsError(f"column {column.name!r} holds {dtype}, but has to hold {wanted}")


def check_missing(outputs: pl.DataFrame) -> None:
    """Raise an :class:`OutputsError` if a value is missing, be it a whole cell or a part of a list.

    >>> check_missing(pl.DataFrame({"probabilities": [[0.5, None]]}))
    Traceback (most recent call last):
    ...
    mirage_lib.outputs.OutputsError: column 'probabilities' has 1 missing values: fill or drop those rows
    """
    for column in outputs:
        missing = column.null_count()
        if isinstance(column.dtype, pl.List):
            missing += (column.list.len() - column.list.drop_nulls().list.len()).sum()
        if missing:
            raise OutputsError(
                f"column {column.name!r} has {missing} missing values: fill or drop those rows"
            )


def _check_values(outputs: pl.DataFrame) -> None:
    check_missing(outputs)
    for name in outputs.columns:
        column = outputs[name]
        flat = column.explode() if isinstance(column.dtype, pl.List) else column
        if flat.dtype.is_float() and flat.is_nan().any():
            raise OutputsError(f"column {name!r} has {flat.is_nan().sum()} NaN: every number has to be known")
        if flat.dtype.is_float() and flat.is_infinite().any():
            raise OutputsError(f"column {name!r} has an infinite value: every number has to be finite")
    for name, low in (("n_params", 1), ("temperature", 0), ("sample", 0), ("squared_error", 0)):
        least = outputs[name].min() if name in outputs.columns else None
        if isinstance(least, int | float) and least < low:
            raise OutputsError(f"column {name!r} has {least}: {low} is the least allowed")
    for name in ("target_logprob", "token_logprobs"):
        if name in outputs.columns:
            highest = outputs[name].explode().max() if "token" in name else outputs[name].max()
            if isinstance(highest, int | float) and highest > 1e-6:
                raise OutputsError(f"column {name!r} has {highest}: a log-probability is at most 0")
    if "probabilities" in outputs.columns:
        check_probabilities(outputs)


def check_probabilities(outputs: pl.DataFrame, tolerance: float = 1e-3) -> None:
    """Raise an :class:`OutputsError` unless each ``probabilities`` list is a distribution over choices
    that ``target_index`` points into.

    >>> check_probabilities(pl.DataFrame({"target_index": [0], "probabilities": [[0.9, 0.3]]}))
    Traceback (most recent call last):
    ...
    mirage_lib.outputs.OutputsError: probabilities of row 0 sum to 1.2: they have to sum to 1
    """
    lists = outputs["probabilities"]
    low = lists.list.min().min()
    if not isinstance(low, int | float) or low < 0:
        raise OutputsError(f"probabilities have {low!r} in them: each has to lie between 0 and 1")
    sums = lists.list.sum()
    off = (~((sums - 1).abs() <= tolerance)).arg_true()
    if len(off):
        row = int(off[0])
        raise OutputsError(f"probabilities of row {row} sum to {sums[row]:.4g}: they have to sum to 1")
    outside = ((outputs["target_index"] < 0) | (outputs["target_index"] >= lists.list.len())).arg_true()
    if len(outside):
        row = int(outside[0])
        raise OutputsError(
            f"target_index of row {row} is {outputs['target_index'][row]}, but there are "
            f"{len(lists[row])} choices: 0 is the first"
        )


def save(
    outputs: pl.DataFrame, name: str, kind: str, stamp: dict[str, Any], folder: str | Path = FROZEN
) -> Path:
    """Freeze a table: check it, write it whole or not at all, enter its hash in the manifest.

    Parameters
    ----------
    name : str
        The name to load it by; the file is ``<name>.parquet``.
    stamp : dict
        From :func:`mirage_lib.stamps.stamp`.
    folder : path
        Where file and manifest lie; the package's own frozen files by default.

    Returns
    -------
    The file's path.

    Raises
    ------
    OutputsError
        If the table is not valid or the stamp is not whole. Nothing is written then.
    """
    check(outputs, kind)
    missing = [field for field in STAMP_FIELDS if field not in stamp]
    if missing:
        raise OutputsError(f"the stamp lacks {missing[0]!r}: it needs {', '.join(STAMP_FIELDS)}")
    content = io.BytesIO()
    metadata = {"kind": kind, "stamp": json.dumps(stamp)}
    outputs.write_parquet(content, compression="zstd", compression_level=19, metadata=metadata)
    return freeze(Path(folder) / f"{name}.parquet", content.getvalue(), kind, outputs.height)


def load(name: str | Path, folder: str | Path = FROZEN) -> pl.DataFrame:
    """Load frozen outputs, having checked hash, stamp and contents.

    Parameters
    ----------
    name : str
        A frozen table's name, such as ``arithmetic-ladder``.

    Raises
    ------
    OutputsError
        If there is no such table, if its bytes are not those of the manifest, or if it comes from a
        run that did not finish. The message says which, in one sentence.

    >>> load("arithmetic-ladder").height > 100_000
    True
    >>> load("arithmetic-leader")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    mirage_lib.outputs.OutputsError: no frozen outputs are called 'arithmetic-leader': there are \
arithmetic-ladder, arithmetic-ladder-many, ...
    """
    path, entry = _find(name, folder)
    return _checked(path, entry["kind"], entry["rows"], entry["sha256"]).clone()


@lru_cache(maxsize=4)
def _checked(path: Path, kind: str, rows: int, sha256: str) -> pl.DataFrame:
    """Read and check a file, once a process and content: a chapter and its claims look at the same large tables.

    The content is known by its hash: two files written one after the other can have the same time.
    """
    outputs = read_parquet(path)
    if outputs.height != rows:
        raise OutputsError(f"{path.name} has {outputs.height:,} rows, but the manifest says {rows:,}: {AGAIN}")
    if "token_logprobs" in outputs.columns and "target_logprob" not in outputs.columns:
        outputs = outputs.with_columns(target_logprob=pl.col("token_logprobs").list.sum())
    try:
        return check(outputs, kind)
    except OutputsError as error:
        raise OutputsError(f"{path.name}: {error}") from None


def read_stamp(name: str | Path, folder: str | Path = FROZEN) -> dict[str, Any]:
    """Return the stamp of frozen outputs: where they come from and how to make them again.

    >>> read_stamp("arithmetic-ladder")["origin"]
    'ours'
    """
    path, _ = _find(name, folder)
    return _stamp_of(path)[1]


def load_table(name: str, folder: str | Path = FROZEN) -> pl.DataFrame:
    """Load a small table that is no outputs table: published points, annotations, a training log.

    Parameters
    ----------
    name : str
        The file's name without ``.csv``.

    Raises
    ------
    OutputsError
        If there is no such table, or its bytes are not those of the manifest.

    >>> load_table("fig2").columns
    ['panel', 'params', 'value']
    """
    entries = manifest(folder)
    path = Path(folder) / f"{name}.csv"
    if path.name not in entries:
        known = sorted(Path(file).stem for file in entries if file.endswith(".csv"))
        raise OutputsError(f"no table is called {name!r}: there are {', '.join(known) or 'none'}")
    verify(path, entries[path.name]["sha256"])
    with _readable(path):
        return pl.read_csv(path, comment_prefix="#")


def save_table(
    table: pl.DataFrame, name: str, kind: str, note: str, folder: str | Path = FROZEN
) -> Path:
    """Save a small table as CSV with a note on its first line, and enter it in the manifest.

    Parameters
    ----------
    kind : str
        What it is, such as ``training log``.
    note : str
        Origin, command and licence, in one line.
    """
    return freeze(Path(folder) / f"{name}.csv", f"# {note}\n{table.write_csv()}".encode(), kind, table.height)


def _find(name: str | Path, folder: str | Path) -> tuple[Path, dict[str, Any]]:
    """Locate a frozen table with its entry in the manifest, and vouch for its bytes and its stamp."""
    folder = Path(folder)
    entries = manifest(folder)
    path = folder / f"{name}.parquet"
    if entries.get(path.name, {}).get("kind") not in KINDS:
        known = sorted(Path(file).stem for file, entry in entries.items() if entry["kind"] in KINDS)
        raise OutputsError(
            f"no frozen outputs are called {str(name)!r}: there are {', '.join(known) or 'none'}"
        )
    verify(path, entries[path.name]["sha256"])
    entry = entries[path.name]
    kind, stamp = _stamp_of(path)
    if kind != entry["kind"]:
        raise OutputsError(f"{path.name} says that it holds {kind}, but the manifest says {entry['kind']}: {AGAIN}")
    if not stamp.get("finished"):
        raise OutputsError(f"{path.name} comes from a run that did not finish: let it end, then freeze it")
    return path, entry


def _stamp_of(path: Path) -> tuple[str, dict[str, Any]]:
    """Kind and stamp in a file's metadata; empty where there are none."""
    with _readable(path):
        metadata = pl.read_parquet_metadata(path)
        stamp = json.loads(metadata.get("stamp", "{}"))
    return metadata.get("kind", "nothing known"), stamp if isinstance(stamp, dict) else {}


@contextlib.contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn whatever a reader of Parquet or CSV raises for a file into one error."""
    try:
        with runs.sound(path.name, "restore it with 'git checkout' or freeze it anew"):
            yield
    except OutputsError:
        raise
    except ValueError as error:
        raise OutputsError(str(error)) from None


def read_parquet(path: str | Path) -> pl.DataFrame:
    """Read a Parquet file of anybody's, as it is.

    Raises
    ------
    OutputsError
        If it is none, or is damaged.
    OSError
        If it is not there or may not be read.
    """
    path = Path(path)
    with path.open("rb"):
        pass  # the system's own error, where there is one
    with _readable(path):
        return pl.read_parquet(path)
