"""Run the benchmarks one after the other, and write benchmarks/results.md.

    python -m benchmarks                    all of them, about a quarter of an hour on two quiet cores
    python -m benchmarks scoring audit      only these

Each runs in a process of its own. One that misses a budget or fails is named at the end and stops no other;
the exit status is 1 then. A run that was interrupted goes on where it was, unless code changed in between;
--afresh starts again. What an unfinished or failed benchmark measured before keeps its older stamp.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import borrowed, results
from tools import build

NAMES = ("imports", "subsets", "edits", "scoring", "growth", "records", "audit", "explorers", "query_client", "families", "build")
"""In this order: the short ones first, so that an early stop leaves most."""
DONE = borrowed.ROOM / "done.json"
CODE = (*build.RESULTS_DEPEND_ON, "benchmarks/*.py", "tools/*.py")


def run(names: Sequence[str], command: Callable[[str], list[str]], done: Path = DONE, code: str = "") -> dict[str, int]:
    """Run benchmarks that this unfinished run has not yet done; return their exit statuses by name.

    Parameters
    ----------
    command : from a name to what is executed
    done : the file of what an unfinished run has done; it goes when all is done
    code : the digest of the code; what was done by other code is done again
    """
    before = json.loads(done.read_text()) if done.exists() else {}
    found: dict[str, int] = before.get("found", {}) if before.get("code") == code else {}
    done.parent.mkdir(parents=True, exist_ok=True)
    for name in names:
        if name in found:
            print(f"== {name}: done before this run was interrupted", flush=True)
            continue
        print(f"== {name}", flush=True)
        start = time.monotonic()
        status = subprocess.run(command(name), cwd=results.HERE.parent).returncode
        print(f"   {time.monotonic() - start:.0f} s", flush=True)
        found[name] = status
        done.write_text(json.dumps({"code": code, "found": found}))
    done.unlink(missing_ok=True)
    return {name: found[name] for name in names}


def main(arguments: list[str]) -> int:
    """Run what was asked for; say what missed a budget; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=f"of {', '.join(NAMES)}; all if none is named")
    parser.add_argument("--afresh", action="store_true", help="also what an interrupted run has done")
    asked = parser.parse_args(arguments)
    if unknown := [name for name in asked.names if name not in NAMES]:
        parser.error(f"there is no benchmark {', '.join(unknown)}: choose from {', '.join(NAMES)}")
    if asked.afresh:
        DONE.unlink(missing_ok=True)
    names = asked.names or NAMES
    code = build.digest(results.HERE.parent, CODE)
    found = run(names, lambda name: [sys.executable, "-m", f"benchmarks.{name}", "--write"], code=code)
    print(f"\nThe page of results: {(results.HERE / 'results.md').relative_to(results.HERE.parent)}")
    missed = [name for name, status in found.items() if status == 1]
    failed = [name for name, status in found.items() if status not in (0, 1)]
    for words, which in (("A budget was missed, or the benchmark stopped with an error", missed), ("Did not end", failed)):
        if which:
            print(f"{words}: {', '.join(which)}", file=sys.stderr)
    return int(bool(missed or failed))


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Interrupted: the same command goes on with the benchmark that was running.")
