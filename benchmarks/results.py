"""Results: what benchmarks hand over, kept in results.json and shown in results.md.

A benchmark measures a few rows, each one thing that this book does beside what a user would do instead, and
perhaps growths: the cost of one thing over sizes that differ a thousandfold. Both replace what an earlier run
of the same benchmark left; what was not measured keeps its older stamp.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
KEPT = "results.json"


@dataclass(frozen=True)
class Row:
    """One thing, beside what a user would do instead.

    Attributes
    ----------
    what, other : str
        In words: what was done, and what a user would do instead. No ``other``: there is nothing to compare with.
    ours, theirs : float
        What each cost, in ``unit``; None where it was not measured, and ``note`` says why.
    least : float, optional
        The least that the ratio may be.
    most : float, optional
        The most that ``ours`` may be.
    """

    what: str
    ours: float | None
    unit: str = "s"
    other: str = ""
    theirs: float | None = None
    least: float | None = None
    most: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times more the other way costs.

        >>> Row("scoring", 2.0, other="a loop", theirs=8.0).ratio
        4.0
        """
        return None if self.theirs is None or self.ours is None else self.theirs / self.ours

    @property
    def missed(self) -> bool:
        """Whether a budget is missed; a ratio that was not measured misses none."""
        return self.slow or self.dear

    @property
    def slow(self) -> bool:
        """Whether the ratio is below its budget."""
        return self.least is not None and self.ratio is not None and self.ratio < self.least

    @property
    def dear(self) -> bool:
        """Whether ours alone is above its budget."""
        return self.most is not None and self.ours is not None and self.ours > self.most


@dataclass(frozen=True)
class Growth:
    """The cost of one thing over a size: ``points`` are pairs of size and cost, in ``unit``."""

    what: str
    axis: str
    points: Sequence[tuple[float, float]]
    unit: str = "s"
    most: float | None = None
    note: str = ""

    @property
    def missed(self) -> bool:
        """Whether the exponent is above its budget."""
        return self.most is not None and power(self.points)[1] > self.most


@dataclass(frozen=True)
class Measured:
    """All that one run of a benchmark found, and its stamp."""

    rows: list[Row] = field(default_factory=list)
    growths: list[Growth] = field(default_factory=list)
    stamp: dict = field(default_factory=dict)


def power(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Fit cost = fixed + b * size ** exponent by least squares of relative errors; return fixed cost and exponent.

    >>> fixed, exponent = power([(10**k, 2 + 3 * (10**k) ** 1.5) for k in range(4)])
    >>> round(fixed, 6), round(exponent, 6)
    (2.0, 1.5)
    """
    from scipy.optimize import nnls

    size, cost = np.array(points, dtype=float).T
    size = size / size.max()
    found = []
    for exponent in np.arange(0.05, 3.0005, 0.005):
        design = np.column_stack([np.ones_like(size), size**exponent]) / cost[:, None]
        (fixed, _), error = nnls(design, np.ones_like(size))
        found.append((error, fixed, exponent))
    _, fixed, exponent = min(found)
    return float(fixed), float(exponent)


def spread(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The least and the greatest exponent when any one point is left out."""
    each = [power([*points[:k], *points[k + 1 :]])[1] for k in range(len(points))]
    return min(each), max(each)


def parser(document: str) -> argparse.ArgumentParser:
    """The options that every benchmark has."""
    made = argparse.ArgumentParser(description=document.split("\n")[0])
    made.add_argument("--write", action="store_true", help="put what is found into benchmarks/results.md")
    return made


def finish(name: str, rows: list[Row], growths: list[Growth] = [], packages: Iterable[str] = (), write: bool = False, folder: Path = HERE) -> int:
    """Print what a benchmark found, write it if asked, and return 1 where a budget is missed.

    Parameters
    ----------
    name : the benchmark's, under which its results replace older ones
    packages : whose versions the stamp names, beside Python's
    folder : of the results
    """
    measured = Measured(rows, list(growths), stamp(packages))
    for row in rows:
        against = "" if row.ratio is None else f"; {row.other} {cost(row.theirs, row.unit)}: {figure(row.ratio)} times"
        missed = " BUDGET MISSED" if row.missed else ""
        print(f"{row.what}: {cost(row.ours, row.unit)}{against}{missed}. {row.note}".rstrip(". ") + ".")
    for one in growths:
        missed = " BUDGET MISSED" if one.missed else ""
        print(f"{one.what}: grows with {one.axis} to the power {power(one.points)[1]:.2f}{missed}")
    if write:
        from benchmarks import results_page

        kept = load(folder) | {name: measured}
        save(kept, folder)
        results_page.write(kept, folder)
    return int(any(one.missed for one in (*rows, *growths)))


def load(folder: Path = HERE) -> dict[str, Measured]:
    """What was measured so far, by the names of the benchmarks; nothing where there is no file."""
    path = folder / KEPT
    if not path.exists():
        return {}
    return {
        name: Measured(
            [Row(**{key: value for key, value in row.items() if key not in DERIVED}) for row in one["rows"]],
            [Growth(**{key: value for key, value in row.items() if key not in DERIVED}) for row in one["growths"]],
            one["stamp"],
        )
        for name, one in json.loads(path.read_text()).items()
    }


DERIVED = ("ratio", "fixed", "exponent", "exponent_low", "exponent_high")
"""What the file holds for its readers and is worked out anew from the rest."""


def save(kept: dict[str, Measured], folder: Path = HERE) -> None:
    """Write the file, whole or not at all."""
    content = {}
    for name, one in sorted(kept.items()):
        rows = [asdict(row) | {"ratio": row.ratio} for row in one.rows]
        growths = []
        for growth in one.growths:
            fixed, exponent = power(growth.points)
            low, high = spread(growth.points)
            growths.append(
                asdict(growth) | {"fixed": fixed, "exponent": exponent, "exponent_low": low, "exponent_high": high}
            )
        content[name] = {"stamp": one.stamp, "rows": rows, "growths": growths}
    path = folder / KEPT
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    part.replace(path)


def stamp(packages: Iterable[str] = ()) -> dict:
    """When, with what and on what a benchmark ran."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "revision": revision(),
        "versions": {"Python": platform.python_version()} | {name: _version(name) for name in packages},
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "load": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def environment(**more: str) -> dict[str, str]:
    """What a user's Python sees: byte code is kept from one start to the next, in a folder of the benchmarks' own."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"PYTHONPYCACHEPREFIX": str(HERE.parent / "runs" / "bench" / "bytecode"), "PYTHONPATH": str(HERE.parent), **more}


def revision() -> str:
    """The commit of this code, ``-dirty`` behind it where more than the results differs."""
    here = ["git", "-C", str(HERE.parent)]
    tracked = [*here, "status", "--porcelain", "--untracked-files=no", "--", ".", ":!benchmarks/results*", ":!benchmarks/growth.svg"]
    try:
        head, changed = (
            subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
            for command in ([*here, "rev-parse", "--short=10", "HEAD"], tracked)
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown (no git checkout)"
    return head + ("-dirty" if changed else "")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def figure(value: float) -> str:
    """A number with two or three digits that mean something.

    >>> figure(0.01234), figure(41.3), figure(12345)
    ('0.012', '41', '12,345')
    """
    if not math.isfinite(value) or value == 0:
        return str(value)
    places = max(0, 1 - math.floor(math.log10(abs(value))))
    return f"{value:,.{places}f}"


def cost(value: float | None, unit: str) -> str:
    """A cost in words: seconds below a tenth in milliseconds or microseconds, a dash for what was not measured.

    >>> cost(0.0123, "s"), cost(746.2, "MB")
    ('12 ms', '746 MB')
    """
    if value is None:
        return "–"
    if unit == "s" and 0 < value < 0.1:
        return f"{figure(value * 1e3)} ms" if value >= 1e-4 else f"{figure(value * 1e6)} µs"
    return f"{figure(value)} {unit}"


if __name__ == "__main__":
    sys.exit("This module keeps results: `python -m benchmarks` measures them.")
