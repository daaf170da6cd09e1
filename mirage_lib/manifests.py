"""Manifests: the list of a folder's frozen files, with the hash that each of them has to have.

What the files hold is :mod:`mirage_lib.outputs`' to say, which offers all names of here as well.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

from mirage_lib import runs

FROZEN = Path(__file__).parent / "frozen"
AGAIN = "restore it with 'git checkout', or delete it and freeze its files anew"


class OutputsError(ValueError):
    """An outputs table, or a file of one, is not what it has to be."""


OutputsError.__module__ = "mirage_lib.outputs"  # where everybody takes it from


def verify(path: Path, expected: str) -> None:
    """Raise an :class:`OutputsError` unless the file is there and has the expected SHA-256."""
    if not path.exists():
        raise OutputsError(f"{path.name} stands in the manifest but not in {path.parent}: fetch it again")
    found = sha256(path)
    if found != expected:
        raise OutputsError(
            f"{path.name} is not the file that was frozen: expected SHA-256 {expected}, found {found}; "
            "restore it with 'git checkout' or freeze it anew"
        )


def faults(folder: str | Path = FROZEN) -> list[str]:
    """Check every frozen file against the manifest; return one sentence for each that is not whole.

    >>> faults()
    []
    """
    found = []
    for name, entry in manifest(folder).items():
        try:
            verify(Path(folder) / name, entry["sha256"])
        except OutputsError as error:
            found.append(str(error))
    return found


def fingerprint(folder: str | Path = FROZEN) -> str:
    """Return one SHA-256 for all frozen files together: of their names and hashes in the manifest.

    >>> len(fingerprint())
    64
    """
    lines = "".join(f"{name} {entry['sha256']}\n" for name, entry in sorted(manifest(folder).items()))
    return hashlib.sha256(lines.encode()).hexdigest()


def sha256(path: Path) -> str:
    """Return a file's SHA-256 in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def manifest(folder: str | Path = FROZEN) -> dict[str, dict[str, Any]]:
    """Return the manifest of a folder of frozen files: file name to kind, rows and hash.

    >>> "arithmetic-ladder.parquet" in manifest()
    True
    """
    path = Path(folder) / "manifest.json"
    if not path.exists():
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise OutputsError(f"{path} is no JSON ({error}): {AGAIN}") from None
    if not isinstance(entries, dict) or not all(_is_entry(*pair) for pair in entries.items()):
        raise OutputsError(f"{path} is no manifest, which has a kind, a number of rows and a sha256 for each file: {AGAIN}")
    return entries


def _is_entry(name: str, entry: object) -> bool:
    """Tell whether this is a file's entry: a plain name, and all that is known of the file."""
    if not re.fullmatch(r"[\w-][\w. -]*", name) or not isinstance(entry, dict):
        return False
    kind, rows, sha256 = (entry.get(key) for key in ("kind", "rows", "sha256"))
    return isinstance(kind, str) and isinstance(rows, int) and isinstance(sha256, str) and re.fullmatch(r"[0-9a-f]{64}", sha256) is not None


def freeze(path: Path, content: bytes, kind: str, rows: int) -> Path:
    """Write a file whole or not at all, and enter it, with its kind, rows and hash, into the manifest beside it.

    Two processes that freeze into one folder wait for each other, so that neither loses the other's entry.

    Returns
    -------
    The file's path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with runs.hold(path.parent, wait=60):
        entries = manifest(path.parent)
        runs.write(path, content)
        entries[path.name] = {"kind": kind, "rows": rows, "sha256": hashlib.sha256(content).hexdigest()}
        runs.write(path.parent / "manifest.json", json.dumps(dict(sorted(entries.items())), indent=1) + "\n")
    return path
