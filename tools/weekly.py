"""Look after the book without anybody looking: everything in a fresh clone, one report, nothing pushed.

    python3 tools/weekly.py                    of this checkout, report in runs/weekly/DATE/report.md
    python3 tools/weekly.py --from ADDRESS     of any repository that git can clone
    python3 tools/weekly.py --only install dependencies licences

Standard library only, so that any Python can start it. For cron: `0 4 * * 1 cd mirage && python3 tools/weekly.py`.
The clone has no remote, so that nothing can go back; it is removed at the end, the logs of all steps stay. It
takes an hour or two on two cores. The exit status is 1 where a step failed: let the scheduler send its mail on that.
"""

import argparse
import datetime
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ".venv/Scripts/python" if os.name == "nt" else ".venv/bin/python"
STEPS = {
    "install": ([sys.executable, "tools/install.py", "test"], 60, "the locks install"),
    "build": ([PYTHON, "tools/build.py"], 60, "every chapter runs, without a warning"),
    "dependencies": ([PYTHON, "-m", "tools.dependencies"], 5, "every import is declared, every dependency used"),
    "licences": ([PYTHON, "-m", "tools.licences"], 10, "every licence is known"),
    "links": ([PYTHON, "-m", "tools.links"], 30, "outside addresses still answer"),
    "tests": ([PYTHON, "-m", "pytest", "-q", "-n", "2"], 120, "all tests pass"),
    "rehearse": ([PYTHON, "-m", "tools.rehearse"], 120, "other Pythons, oldest and newest packages do"),
    "smallest": ([PYTHON, "-m", "tools.smallest"], 30, "the wheel alone works and is small"),
}
"""Name: the command, the minutes it may take, and what it is to show."""
NEEDED = "install"


@dataclass
class Done:
    """One step: whether it went well, how long it took, its last line."""

    name: str
    went: str
    seconds: float
    last: str


def main(arguments: list[str] | None = None) -> int:
    """Clone, run the steps, write the report; return 1 where one failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--from", dest="source", default=str(ROOT), help="what to clone (default: this checkout's last commit)")
    parser.add_argument("--only", nargs="+", choices=STEPS, help="some steps; install is needed by all others")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "weekly" / datetime.date.today().isoformat())
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        clone = Path(scratch) / "mirage"
        subprocess.run(["git", "clone", "--quiet", "--no-local", options.source, clone], check=True)
        subprocess.run(["git", "remote", "remove", "origin"], cwd=clone, check=True)
        revision = subprocess.run(["git", "rev-parse", "HEAD"], cwd=clone, check=True, capture_output=True, text=True).stdout.strip()
        steps = run(clone, {name: STEPS[name][:2] for name in options.only or STEPS}, options.out)
        changed = subprocess.run(["git", "diff", "--", "requirements"], cwd=clone, capture_output=True, text=True).stdout
        (options.out / "requirements.diff").write_text(changed)
    page = report(revision, steps, bool(changed))
    (options.out / "report.md").write_text(page)
    print(page)
    return any(step.went == "failed" for step in steps)


def run(place: Path, steps: dict[str, tuple[list[str], float]], logs: Path) -> list[Done]:
    """Run commands one after the other; after a failed `install` the others are left out.

    Parameters
    ----------
    place : folder that they run in
    steps : name to command and the minutes it may take
    logs : folder that gets a log of each
    """
    done: list[Done] = []
    # An environment of somebody else's would be used in place of the clone's own.
    env = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    for name, (command, minutes) in steps.items():
        if any(step.name == NEEDED and step.went == "failed" for step in done):
            done.append(Done(name, "left out", 0, f"`{NEEDED}` failed"))
            continue
        start = time.monotonic()
        print(f"{name}: {' '.join(map(str, command))}", flush=True)
        log = logs / f"{name}.log"
        with log.open("w") as file:
            try:
                ended = subprocess.run(command, cwd=place, env=env, stdout=file, stderr=file, timeout=60 * minutes).returncode == 0
            except (OSError, subprocess.TimeoutExpired) as error:
                print(error, file=file)
                ended = False
        last = (log.read_text(errors="replace").strip().splitlines() or ["no word"])[-1]
        done.append(Done(name, "went well" if ended else "failed", time.monotonic() - start, last[:200]))
    return done


def report(revision: str, steps: Iterable[Done], changed: bool) -> str:
    """The report: a verdict, and a table of the steps.

    >>> print(report("abc", [Done("build", "failed", 90, "a | b")], False).splitlines()[2])
    **1 of 1 steps failed: build.**
    """
    steps = list(steps)
    failed = [step.name for step in steps if step.went == "failed"]
    verdict = f"**{len(failed)} of {len(steps)} steps failed: {', '.join(failed)}.**" if failed else f"All {len(steps)} steps went well."
    lines = [f"# Weekly check of {revision[:12]}, {datetime.date.today().isoformat()}", "", verdict, ""]
    lines += ["| step | to show that | result | minutes | last line of its log |", "| --- | --- | --- | ---: | --- |"]
    for step in steps:
        last = step.last.replace("|", "\\|")
        lines.append(f"| {step.name} | {STEPS[step.name][2]} | {step.went} | {step.seconds / 60:.1f} | {last} |")
    if changed:
        lines += ["", "The pages in `requirements/` would be written differently today: see `requirements.diff`."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if shutil.which("git") is None:
        sys.exit("git is needed, to clone what is checked.")
    sys.exit(main())
