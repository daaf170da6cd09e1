"""Logs: what others' evaluations saved, read as outputs, with a count of every row that was left out.

Three kinds are known by their beginnings: sample logs of lm-evaluation-harness (``samples_<task>_<date>.jsonl``,
written with ``--log_samples``; seen from release 0.4.13), logs of Inspect (``.eval`` and ``.json``; seen from release
0.3.285), and plain tables (CSV, Parquet, JSON lines) with the columns of :data:`PLAIN`. Nothing of a log is run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import polars as pl

from mirage_lib import outputs as tables
from mirage_lib.audit import harness, inspect_logs, plain
from mirage_lib.audit.rows import LogsError, Rows
from mirage_lib.bigbench.records import RecordsError
from mirage_lib.bigbench.sizes import parted, size

READERS = {"lm-evaluation-harness": harness, "Inspect": inspect_logs, "table": plain}
PLAIN = plain.NEEDED
SAMPLES = Path(__file__).parent / "samples"
"""Logs of two small models of this book, as lm-evaluation-harness and Inspect wrote them: folders ``harness`` and ``inspect``."""
ENDINGS = (".jsonl", ".json", ".eval", ".csv", ".parquet", ".ndjson")
"""Files of a folder that are looked at; a file that is named is always read."""
NO_SIZE = "the size of model {!r} is not known: give --size {}=PARAMETERS, as in 1b"
TWICE = "this model has answered this item before (the later log of a task is kept)"
LEAST_FAMILY = 3
"""Models that names have to share before they count as a family of their own."""


class Left(NamedTuple):
    """Rows that were left out for one reason, and where the first of them is."""

    reason: str
    rows: int
    first: str


@dataclass(frozen=True)
class Source:
    """One file: what it was taken for, how many rows it gave, what was left out of it, and what else to know."""

    path: str
    format: str
    rows: int
    left: tuple[Left, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Logs:
    """All that was read.

    Attributes
    ----------
    tables : outputs tables by their kind, ``text`` or ``choice``
    sources : the files, in the order in which they were read
    left : what was left out once all files were put together
    skipped : files of a folder that are no logs, and why
    """

    tables: dict[str, pl.DataFrame]
    sources: tuple[Source, ...]
    left: tuple[Left, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()

    @property
    def rows(self) -> int:
        """Rows that are kept."""
        return sum(table.height for table in self.tables.values())

    @property
    def left_out(self) -> int:
        """Rows that were left out, in files and afterwards."""
        return sum(one.rows for source in self.sources for one in source.left) + sum(one.rows for one in self.left)

    def text(self) -> str:
        """Say what was read and what was left out."""
        said = [f"{self.rows:,} rows kept of {self.rows + self.left_out:,}, from {len(self.sources)} files."]
        for source in self.sources:
            said += [f"{source.path}: {one.rows:,} rows left out: {one.reason} (first: {one.first})" for one in source.left]
            said += [f"{source.path}: {note}." for note in source.notes]
        said += [f"{one.rows:,} rows left out: {one.reason} (first: {one.first})" for one in self.left]
        said += [f"{path}: not read: {reason}" for path, reason in self.skipped]
        return "\n".join(said)


@dataclass
class _Pool:
    """Rows of many files, by kind."""

    frames: dict[str, list[pl.DataFrame]] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def add(self, path: Path, format: str, rows: Rows) -> None:
        for kind, frame in rows.frames().items():
            self.frames.setdefault(kind, []).append(frame)
        left = tuple(Left(reason, count, rows.first[reason]) for reason, count in rows.left.items())
        self.sources.append(Source(str(path), format, len(rows), left, rows.noted()))


def read(
    paths: str | Path | Iterable[str | Path],
    sizes: Mapping[str, str | int] | None = None,
    family: str | None = None,
) -> Logs:
    """Read logs into outputs tables.

    Parameters
    ----------
    paths
        Files, or folders that are searched for logs.
    sizes
        Number of parameters by model, where the logs do not tell: a number, or text such as ``1b``.
    family
        One name for all models. Without it a log's own, the name without its size where at least three models
        share it, else ``all models``.

    Raises
    ------
    LogsError
        If a file is missing or none holds a row that can be used; the message says what was found instead.

    >>> read("no-such-log.jsonl")
    Traceback (most recent call last):
    ...
    mirage_lib.audit.rows.LogsError: no-such-log.jsonl does not exist: name log files, or a folder of them
    """
    pool = _Pool()
    for path, named in _files([paths] if isinstance(paths, str | Path) else paths):
        try:
            format = next((name for name, reader in READERS.items() if reader.recognised(path)), None)
        except OSError as error:
            if named:
                raise
            pool.skipped.append((str(path), str(error)))
            continue
        if format is None:
            reason = "neither a sample log of lm-evaluation-harness, nor one of Inspect, nor a table with model, item, target and output"
            if named:
                raise LogsError(f"{path} is {reason}")
            pool.skipped.append((str(path), reason))
            continue
        try:
            pool.add(path, format, READERS[format].rows(path))
        except (LogsError, RecordsError, OSError) as error:
            if named:
                raise LogsError(f"{path}: {error}") from None
            pool.skipped.append((str(path), str(error)))
    found = {kind: pl.concat(frames, how="vertical_relaxed") for kind, frames in pool.frames.items()}
    left: list[Left] = []
    ready = {kind: _whole(table, kind, sizes or {}, family, left) for kind, table in found.items()}
    logs = Logs({k: t for k, t in ready.items() if t.height}, tuple(pool.sources), tuple(left), tuple(pool.skipped))
    if not logs.tables:
        raise LogsError(f"no row can be used.\n{logs.text()}")
    return logs


def _files(paths: Iterable[str | Path]) -> Iterator[tuple[Path, bool]]:
    """Yield every file once, and whether it was named."""
    seen = set()
    for path in map(Path, paths):
        if not path.exists():
            raise LogsError(f"{path} does not exist: name log files, or a folder of them")
        inside = sorted(p for p in path.rglob("*") if p.is_file() and p.suffix in ENDINGS) if path.is_dir() else [path]
        # The harness' results lie beside its logs and hold no answers; the reader of the logs looks into them itself.
        inside = [p for p in inside if not (path.is_dir() and p.name.startswith("results_"))]
        for one in inside:
            if one.resolve() not in seen:
                seen.add(one.resolve())
                yield one, not path.is_dir()


def _whole(table: pl.DataFrame, kind: str, sizes: Mapping[str, str | int], family: str | None, left: list[Left]) -> pl.DataFrame:
    """Give the rows a size and a family, keep the last log of each answer, and check the table."""
    table = _sized(table, sizes, left)
    answers = ["model", "task", "item", "seed", "temperature", "sample", *(["prompt_id"] if kind == "text" else [])]
    # Later files come last, since the harness puts the date behind the task in a file's name.
    once = table.unique(answers, keep="last", maintain_order=True)
    if once.height < table.height:
        again = table.filter(pl.struct(answers).is_duplicated()).row(0, named=True)
        left.append(Left(TWICE, table.height - once.height, f"{again['model']}, {again['task']}, item {again['item']}"))
    if once.is_empty():
        return once
    once = _by_temperature(once).with_columns(family=_families(once, family))
    try:
        return tables.check(once.select(*tables.COMMON, *tables.KINDS[kind]), kind)
    except tables.OutputsError as error:
        raise LogsError(f"what was read is no table of answers: {error}") from None


def _sized(table: pl.DataFrame, sizes: Mapping[str, str | int], left: list[Left]) -> pl.DataFrame:
    """Fill in the number of parameters: what was given, what the log tells, what stands in the model's name."""
    known: dict[str, int] = {}
    for model, told in table.group_by("model").agg(pl.col("n_params").max()).sort("model").iter_rows():
        given = sizes.get(model, sizes.get(model.rsplit("/", 1)[-1]))
        written = given if given is not None else told if told is not None else parted(model)[1]
        if written is None:
            rows = table.filter(pl.col("model") == model).height
            left.append(Left(NO_SIZE.format(model, model), rows, f"all rows of {model}"))
            continue
        try:
            known[model] = size(written)
        except RecordsError as error:
            raise LogsError(f"model {model}: {error}") from None
    named = table["model"].unique().to_list()
    unknown = sorted(set(sizes) - set(named) - {name.rsplit("/", 1)[-1] for name in named})
    if unknown and len(unknown) == len(sizes):
        raise LogsError(f"sizes are given for {', '.join(unknown)}, but the logs hold {', '.join(sorted(named))}")
    table = table.filter(pl.col("model").is_in(list(known)))
    return table.with_columns(n_params=pl.col("model").replace_strict(known, return_dtype=pl.Int64))


def _by_temperature(table: pl.DataFrame) -> pl.DataFrame:
    """Make a task of each temperature where one model was asked a task at several."""
    several = table.group_by("task", "model").agg(pl.col("temperature").n_unique()).filter(pl.col("temperature") > 1)["task"].unique()
    if several.is_empty():
        return table
    named = pl.format("{} (temperature {})", "task", "temperature")
    return table.with_columns(task=pl.when(pl.col("task").is_in(several.to_list())).then(named).otherwise("task"))


def _families(table: pl.DataFrame, family: str | None) -> pl.Series:
    if family:
        return pl.Series([family]).new_from_index(0, table.height)
    own = {model: parted(model)[0] for model in table["model"].unique()}
    sharing = Counter(own.values())
    names = {model: name if sharing[name] >= LEAST_FAMILY else "all models" for model, name in own.items()}
    return table.select(pl.coalesce("family", pl.col("model").replace_strict(names, return_dtype=pl.String)))["family"]
