"""Fuzz every reader for a given processor time each, in rounds, and write what it found to `benchmarks/fuzzing.md`.

    python -m tests.fuzz.campaign FOLDER --minutes 10 --workers 2
    python -m tests.fuzz.campaign FOLDER --table          only write the table, of what FOLDER holds

Run it with a Python that has atheris and sees this project's packages. FOLDER keeps inputs, findings, logs and the time
spent, so a campaign that was stopped goes on by the same command; only the round that was running is lost.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

from mirage_lib import runs
from tests.fuzz import targets

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "benchmarks" / "fuzzing.md"
ROUND = 240
"""Seconds; atheris's own state is begun anew after each round, so that no round's memory grows without end."""
START = 10
"""Seconds that a round may lose to starting."""
HEADER = """# Readers under random input

Written by `python -m tests.fuzz.campaign`, not edited by hand. A reader is fed with inputs that atheris, steered by the code
they reach, and our own mutations make of real files. A finding is anything but a result or the reader's documented error,
5 s of processor time, 60 s of clock time, or 3 GB. What was found is mended and lies in `tests/fuzz/corpus`. Polars ends
the whole process where damage in a Parquet file makes it ask for more memory than there is; no reader can catch that, so
such ends are counted by themselves.
"""


@dataclass
class Spent:
    """What a reader has been given: processor seconds, rounds, inputs tried."""

    seconds: float = 0.0
    rounds: int = 0
    inputs: int = 0


def main() -> int:
    """Run what is missing, write the table, return 1 where something was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=10, help="processor time for each reader (default 10)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="readers at a time (default: every core)")
    parser.add_argument("--table", action="store_true", help="run nothing")
    options = parser.parse_args()
    if not options.table:
        with ThreadPoolExecutor(options.workers) as pool:
            list(pool.map(lambda name: fuzz(name, options.folder, 60 * options.minutes), targets.TARGETS))
    found = sum(findings(name, options.folder) for name in targets.TARGETS)
    runs.write(TABLE, "\n".join([HEADER, *table(options.folder)]) + "\n")
    print(f"{found} findings below {options.folder}; the table is {TABLE.relative_to(ROOT)}")
    return int(found > 0)


def fuzz(name: str, folder: Path, seconds: float) -> None:
    """Give a reader rounds until it has had its processor time."""
    spent = read(name, folder)
    while spent.seconds < seconds:
        # A second of clock time is at most a second of the processor, so the last round is as long as what is missing.
        status, used, inputs = one_round(name, folder, min(ROUND, math.ceil(seconds - spent.seconds) + START))
        spent = Spent(spent.seconds + used, spent.rounds + 1, spent.inputs + inputs)
        runs.write(folder / f"{name}.json", json.dumps(asdict(spent)))
        if used < 1 and status != 0:
            raise RuntimeError(f"{name} does not start: read the end of {folder / name}.log")


def one_round(name: str, folder: Path, seconds: int) -> tuple[int, float, int]:
    """Status, processor seconds and inputs of one run of atheris."""
    folder.mkdir(parents=True, exist_ok=True)
    # Polars and numpy would start a thread for every core, and one input would count as many.
    env = os.environ | {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "RUST_BACKTRACE": "0"}
    command = [sys.executable, "-m", "tests.fuzz.run", name, str(folder / "inputs" / name), f"-max_total_time={seconds}"]
    log = folder / f"{name}.log"
    begin = log.stat().st_size if log.exists() else 0
    with log.open("ab") as said:
        running = subprocess.Popen(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        _, status, usage = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    with log.open("rb") as said:
        said.seek(begin)
        return running.returncode, usage.ru_utime + usage.ru_stime, executed(said.read())


def executed(said: bytes) -> int:
    """Inputs that atheris says it tried; of a round that ended in a crash it says nothing, which counts as 0.

    >>> executed(b"stat::number_of_executed_units: 624914\\nstat::average_exec_per_sec: 2593"), executed(b"")
    (624914, 0)
    """
    return sum(map(int, re.findall(rb"stat::number_of_executed_units:\s*(\d+)", said)))


def read(name: str, folder: Path) -> Spent:
    """What FOLDER says that a reader has been given."""
    path = folder / f"{name}.json"
    return Spent(**json.loads(path.read_text())) if path.exists() else Spent()


def aborts(name: str, folder: Path) -> int:
    """How often Polars ended the process because it could not get the memory that a damaged file asks for."""
    log = folder / f"{name}.log"
    return len(re.findall(rb"memory allocation of \d+ bytes failed", log.read_bytes())) if log.exists() else 0


def findings(name: str, folder: Path) -> int:
    """How many inputs broke a reader, or took too long or too much memory; an abort leaves a file, too, and is none of them."""
    kept = list((folder / "inputs" / f"{name}-findings").glob("*"))
    crashed = sum(path.name.startswith("crash-") for path in kept)
    return len(kept) - min(crashed, aborts(name, folder))


def table(folder: Path) -> Iterator[str]:
    """Lines of the table, with their stamp."""
    head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    yield f"Revision {head}, atheris {version('atheris')}, Python {sys.version.split()[0]}, {date.today()}.\n"
    yield "| reader | processor minutes | rounds | inputs tried | ends of Polars | findings |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for name in targets.TARGETS:
        spent = read(name, folder)
        yield f"| {name} | {spent.seconds / 60:.1f} | {spent.rounds} | {spent.inputs:,} | {aborts(name, folder)} | {findings(name, folder)} |"


if __name__ == "__main__":
    sys.exit(main())
