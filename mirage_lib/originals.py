"""Originals: where the files are that the embedded tables were derived from, and how they get here, checked.

The tables of other people's measurements in the package are derived by ``tools/derive.py`` and
``tools/derive_records.py``. The originals are larger and stay with their authors; :func:`fetch` gets them, each
pinned by its commit and by the hash of its content.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from mirage_lib import outputs, runs

BASE_URL = "https://raw.githubusercontent.com"
"""Files of a public repository are at ``<base>/<owner>/<name>/<commit>/<path>``."""


LONGEST_WAIT = 600
"""Seconds that a fetch waits for another one of the same files."""


class FetchError(ValueError):
    """An original could not be had, or is not the file that was derived from."""


def sources(tables: Iterable[str] | None = None) -> pl.DataFrame:
    """List the originals: which table is made of which file of which repository at which commit.

    Parameters
    ----------
    tables : names of derived tables, optional
        Keep only what these need.

    Returns
    -------
    Frame with ``tables, repository, commit, path, bytes, sha256, git_blob, licence``. Each file has one of the two
    hashes; ``git_blob`` is the name that Git gives to the content.

    Raises
    ------
    ValueError
        If a name is no table that has originals.

    >>> sources(["public-arithmetic"])["repository"].to_list()
    ['ryoungj/ObsScaling']
    """
    listed = outputs.load_table("public-sources").with_columns(names=pl.col("tables").str.split(", "))
    known = sorted(set(listed["names"].explode()))
    wanted = known if tables is None else list(tables)
    for name in wanted:
        if name not in known:
            raise ValueError(f"no originals are listed for {name!r}: choose from {', '.join(known)}")
    return listed.filter(pl.col("names").list.set_intersection(wanted).list.len() > 0).drop("names")


def names(of_records: bool) -> list[str]:
    """Return the names of tables with originals: those of records for Test 2, or the others.

    >>> "records-choice" in names(of_records=True), "public-arithmetic" in names(of_records=False)
    (True, True)
    """
    known = sorted(set(sources()["tables"].str.split(", ").explode()))
    return [name for name in known if (name == "all.csv" or name.startswith("records-")) == of_records]


def git_blob(content: bytes) -> str:
    """Return the name that Git gives to a file's content: a SHA-1 over its length and itself.

    >>> git_blob(b"")
    'e69de29bb2d1d6434b8b29ae775ad8c2e48c5391'
    """
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def fetch(
    tables: Iterable[str] | None = None, into: str | Path | None = None, base_url: str = BASE_URL
) -> dict[str, Path]:
    """Download the originals of the derived tables, and check each against its hash.

    A file that is there already and right is not asked for again; one that arrives wrong is not kept.
    The addresses follow GitHub's rule for raw files, and were not tried where this was written: only the
    hashes vouch for what comes.

    Parameters
    ----------
    tables : names of derived tables, optional
        All by default.
    into : folder, optional
        The cache folder of the operating system by default.
    base_url : str
        Another server that keeps the same paths, such as a mirror.

    Returns
    -------
    The path of each original, by its path in its repository.

    Raises
    ------
    ValueError
        For a table without originals.
    FetchError
        If pooch is not installed, a file cannot be had, or it is not the file of that hash.
    """
    listed = sources(tables)
    try:
        import pooch
        from requests import RequestException
    except ImportError:
        raise FetchError("downloads need pooch: install it with 'pip install mirage-lib[fetch]'") from None
    folder = Path(into) if into is not None else Path(pooch.os_cache("mirage-lib")) / "originals"
    there = {}
    for row in listed.iter_rows(named=True):
        url = "/".join((base_url.rstrip("/"), row["repository"], row["commit"], row["path"]))
        place = folder / row["repository"] / row["commit"] / row["path"]
        try:
            if not _right(place, row):
                # One at a time: two that fetch the same file would take away what the other has begun.
                with runs.hold(place.parent, wait=LONGEST_WAIT):
                    if not _right(place, row):
                        _get(url, place, row)
        except RequestException as error:
            raise FetchError(
                f"{row['path']} of {row['repository']} cannot be had: {error}; check the network and try again"
            ) from None
        there[row["path"]] = place
    return there


def _get(url: str, place: Path, row: dict[str, str]) -> None:
    """Fetch a file beside its place: what is wrong never stands where a right file is looked for."""
    import pooch

    # In a folder of its own, since pooch leaves files of any name where it is killed.
    room = place.with_name(place.name + ".part")
    shutil.rmtree(room, ignore_errors=True)
    try:
        part = Path(pooch.retrieve(url, known_hash=None, fname=place.name, path=room, progressbar=False))
        right = _right(part, row)
        if right:
            part.replace(place)
    finally:
        shutil.rmtree(room, ignore_errors=True)
    if not right:
        raise FetchError(
            f"what came for {row['path']} of {row['repository']} is not the file of {_hash(row)}, and was "
            f"not kept: get it by hand from commit {row['commit']} and put it at {place}"
        )


def _hash(row: dict[str, str]) -> str:
    return f"SHA-256 {row['sha256']}" if row["sha256"] else f"Git blob {row['git_blob']}"


def _right(file: Path, row: dict[str, str]) -> bool:
    """Whether a file is there and is the one that is listed."""
    if not file.exists():
        return False
    if row["sha256"]:
        return outputs.sha256(file) == row["sha256"]
    return git_blob(file.read_bytes()) == row["git_blob"]
