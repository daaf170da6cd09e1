"""Reading records: many files of the known formats into one checked table, and that table from a Parquet file."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl
from tqdm.auto import tqdm

from mirage_lib import outputs, runs
from mirage_lib.bigbench import collected, harness, scores
from mirage_lib.bigbench import records as tables
from mirage_lib.bigbench.records import RecordsError

FORMATS = {"scores": scores, "harness": harness, "collected": collected}
"""Readers by the name of their format, which is also the origin of what they read unless another is given."""
NAMES = ("scores_*.json", "*results*.json", "all.csv")
"""Which files of a folder are taken; a file that is named is always read."""
CHUNK = 200
LARGE = 300_000_000
"""Files at a time, and bytes from which on a second process is worth its start."""
SHOWN = 3


class Broken(NamedTuple):
    """A file that could not be read, or not whole, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Reading:
    """What was read.

    Attributes
    ----------
    records : one checked records table
    files : how many files there were
    broken : those that were skipped; of a collected table only the rows were
    """

    records: pl.DataFrame
    files: int
    broken: tuple[Broken, ...]

    def text(self) -> str:
        """Say what was read and what was skipped."""
        said = f"{self.records.height:,} scores from {self.files - self._whole():,} of {self.files:,} files."
        for path, reason in self.broken:
            said += f"\nSkipped: {path}: {reason}"
        return said

    def _whole(self) -> int:
        return len({one.path for one in self.broken if not one.reason.startswith("rows")})


@dataclass
class _Part:
    """Records of some files in one format: what differs by row, what by file, and rows a file."""

    by_row: dict[str, list] = field(default_factory=dict)
    by_file: dict[str, list] = field(default_factory=dict)
    heights: list[int] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def add(self, columns: dict[str, object], file: int) -> None:
        for name, values in columns.items():
            if isinstance(values, list):
                self.by_row.setdefault(name, []).extend(values)
            else:
                self.by_file.setdefault(name, []).append(values)
        self.heights.append(len(columns["score"]))
        self.files.append(file)

    def extend(self, other: _Part) -> None:
        for mine, theirs in ((self.by_row, other.by_row), (self.by_file, other.by_file)):
            for name, values in theirs.items():
                mine.setdefault(name, []).extend(values)
        self.heights += other.heights
        self.files += other.files

    def table(self, origin: str) -> pl.DataFrame:
        """One frame with the columns of records, and ``file``."""
        kinds = tables.COLUMNS | tables.EXTRA
        whose = np.repeat(np.arange(len(self.files)), self.heights)
        columns = [pl.Series(name, values, kinds[name]) for name, values in self.by_row.items()]
        columns += [pl.Series(name, values, kinds[name])[whose] for name, values in self.by_file.items()]
        there = {column.name for column in columns}
        missing = (pl.Series(name, [None], kinds[name]) for name in kinds if name not in there)
        columns += [column.new_from_index(0, len(whose)) for column in missing]
        frame = pl.DataFrame(columns).with_columns(
            origin=pl.lit(origin), setting=pl.col("setting").fill_null(""), file=pl.Series(np.array(self.files)[whose])
        )
        return frame.select(*kinds, "file")


def read(
    paths: str | Path | Iterable[str | Path],
    format: str | None = None,
    broken: str = "stop",
    origin: str | None = None,
    jobs: int | None = None,
    progress: bool = True,
    model: str | None = None,
    n_params: int | str | None = None,
) -> Reading:
    """Read files of records into one checked table.

    Parameters
    ----------
    paths
        Files, or folders, whose files named like :data:`NAMES` are taken, however deep they lie.
    format
        One of :data:`FORMATS`; by default each file is recognised by its beginning.
    broken
        ``stop``: a file that cannot be read ends it, with an error that names it. ``skip``: it is left out
        and listed. Broken is also what holds no records: NaN, a percentage for a share, a score twice.
    origin
        What the column of that name says; by default the format.
    jobs
        Processes; by default one, or one a core where there is much to read. More than one needs a script
        whose main part stands under ``if __name__ == "__main__"``.
    model, n_params
        For results of the harness that do not say which model, or what size.

    Raises
    ------
    RecordsError
        For no files, and for broken ones unless they are to be skipped.

    >>> read("no such folder")
    Traceback (most recent call last):
    ...
    mirage_lib.bigbench.records.RecordsError: there is no file or folder no such folder
    """
    if broken not in ("stop", "skip"):
        raise RecordsError(f"broken is {broken!r}: stop or skip")
    if format is not None and format not in FORMATS:
        raise RecordsError(f"unknown format {format!r}: choose one of {', '.join(FORMATS)}")
    files = _files(paths)
    given = {name: value for name, value in (("model", model), ("n_params", n_params)) if value is not None}
    parts, failed = _collect(files, format, jobs, progress, given)
    frames = []
    for name, part in parts.items():
        whole, wrong = _sifted(FORMATS[name].tidied(part.table(origin or name)), files, by_row=name == "collected")
        frames.append(whole)
        failed += wrong
    if failed and broken == "stop":
        first = "\n".join(f"  {path}: {reason}" for path, reason in failed[:SHOWN])
        n = len({path for path, _ in failed})
        raise RecordsError(
            f"{n:,} of {len(files):,} files {'is' if n == 1 else 'are'} broken; first:\n{first}\nMend or remove "
            "{}, or say skip for broken files".format("it" if n == 1 else "them")
        )
    table = pl.concat(frames) if frames else pl.DataFrame()
    if table.is_empty():
        path, reason = failed[0]
        raise RecordsError(f"none of {len(files):,} files could be read; the first: {path}: {reason}")
    if len(frames) > 1:
        tables.check(table)
    empty = [name for name in tables.EXTRA if table[name].null_count() == table.height]
    return Reading(table.drop(empty), len(files), tuple(failed))


def save(records: pl.DataFrame, path: str | Path) -> Path:
    """Write records to a Parquet file of your own, checked, whole or not at all.

    Raises
    ------
    RecordsError
        If they are no valid records table.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    content = io.BytesIO()
    tables.check(records).write_parquet(content, compression="zstd")
    return runs.write(path, content.getvalue())


def load(path: str | Path) -> pl.DataFrame:
    """Load what :func:`save` wrote, checked.

    Raises
    ------
    RecordsError
        If it is no Parquet file, or no valid records table.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     load(save(tables.load("bigg"), Path(folder) / "mine.parquet")).height
    3060
    """
    try:
        table = outputs.read_parquet(path)
    except outputs.OutputsError as error:
        raise RecordsError(f"{path} is no Parquet file: {error}") from None
    return tables.check(table)


def _files(paths: str | Path | Iterable[str | Path]) -> list[Path]:
    found = []
    for path in map(Path, [paths] if isinstance(paths, str | Path) else paths):
        if path.is_dir():
            names = ((place, name) for place, _, files in os.walk(path) for name in files)
            taken = (pair for pair in names if any(fnmatchcase(pair[1], one) for one in NAMES))
            inside = list(map(Path, sorted(os.path.join(*pair) for pair in taken)))
            if not inside:
                raise RecordsError(f"folder {path} has no files named like {', '.join(NAMES)}: name the files")
            found += inside
        elif path.exists():
            found.append(path)
        else:
            raise RecordsError(f"there is no file or folder {path}")
    if not found:
        raise RecordsError("no files to read: name some, or a folder")
    return list(dict.fromkeys(found))


def _collect(
    files: list[Path], format: str | None, jobs: int | None, progress: bool, given: dict
) -> tuple[dict[str, _Part], list[Broken]]:
    """Read all files, here or in processes."""
    tasks = [(start, files[start : start + CHUNK], format, given) for start in range(0, len(files), CHUNK)]
    if jobs is None:
        large = sum(file.stat().st_size for file in files) > LARGE
        jobs = (os.cpu_count() or 1) if large else 1
    parts: dict[str, _Part] = {}
    failed: list[Broken] = []
    with tqdm(total=len(files), unit="file", disable=not progress, leave=False) as bar:
        for found, wrong, n in _work(tasks, min(jobs, len(tasks))):
            for name, part in found.items():
                parts.setdefault(name, _Part()).extend(part)
            failed += wrong
            bar.update(n)
    return parts, failed


def _work(tasks: list[tuple], jobs: int) -> Iterator[tuple[dict[str, _Part], list[Broken], int]]:
    if jobs <= 1:
        yield from map(_chunk, tasks)
        return
    try:
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            yield from pool.map(_chunk, tasks)
    except BrokenProcessPool:
        raise RecordsError(
            "the processes that read could not start, or were ended: put the main part of your script under "
            "if __name__ == '__main__', or give jobs=1"
        ) from None


def _chunk(task: tuple[int, list[Path], str | None, dict]) -> tuple[dict[str, _Part], list[Broken], int]:
    """Read some files; those that cannot be read are returned with the reason."""
    start, files, format, given = task
    parts: dict[str, _Part] = {}
    failed = []
    for number, path in enumerate(files, start):
        try:
            with open(path, "rb") as file:
                content = file.read()
            name = format or _recognise(content, path)
            columns = FORMATS[name].rows(content, path, **(given if name == "harness" else {}))
        except (RecordsError, OSError) as error:
            failed.append(Broken(path, str(error)))
            continue
        parts.setdefault(name, _Part()).add(columns, number)
    return parts, failed, len(files)


def _recognise(content: bytes, path: Path) -> str:
    if not content.strip():
        raise RecordsError("it is empty")
    start = content[:4000]
    for name, reader in FORMATS.items():
        if reader.recognised(start, path):
            return name
    raise RecordsError(f"its format is not recognised: if it is one of {', '.join(FORMATS)}, say which")


def _sifted(table: pl.DataFrame, files: list[Path], by_row: bool) -> tuple[pl.DataFrame, list[Broken]]:
    """Part records that are whole from files (or rows) that have a fault; ``file`` goes."""
    failed = []
    for bad, say in tables.faults(table):
        rows = table.filter(bad.fill_null(False))
        if rows.is_empty():
            continue
        last = say(rows.row(0, named=True))
        if "two scores" in last:  # The first of them is good, and stays.
            names = [name for name in tables.KEYS if name in table.columns]
            bad = ~pl.struct(names).is_first_distinct()
            rows = table.with_columns(first=pl.col("file").first().over(names)).filter(bad)
            say = _twice(files, say)
        if by_row:
            for (file,), part in rows.group_by("file", maintain_order=True):
                first = say(part.row(0, named=True))
                failed.append(Broken(files[file], f"rows with a fault: {part.height:,}; {first}"))
            table = table.filter(~bad.fill_null(False))
        else:
            for row in rows.unique("file", keep="first", maintain_order=True).iter_rows(named=True):
                failed.append(Broken(files[row["file"]], say(row)))
            table = table.filter(~pl.col("file").is_in(rows["file"].unique().implode()))
    return table.drop("file"), failed


def _twice(files: list[Path], say: Callable[[dict], str]) -> Callable[[dict], str]:
    def both(row: dict) -> str:
        where = "in the same file" if row["first"] == row["file"] else f"in {files[row['first']]}"
        return f"{say(row)}; the other is {where}"

    return both
