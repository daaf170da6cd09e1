"""How long does it take to import the library, beside what else one would import?

Every import is a Python of its own, started in turn, and what a Python that imports nothing takes is taken off.
Processor time of the process counts, the median of the rounds; files are in the disk's cache by then.

    python -m benchmarks.imports
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import results  # noqa: E402
from benchmarks.results import Row  # noqa: E402

BUDGET = 0.3
HEAVY = ("torch", "openai", "matplotlib", "transformers")
OURS = {
    "import mirage_lib": "import mirage_lib",
    "import all that scores outputs: curves, metrics, outputs": "from mirage_lib import curves, metrics, outputs",
}
OTHERS = {"import pandas": "import pandas", "import torch": "import torch"}
CHECK = f"; import sys; assert not [name for name in {HEAVY} if name in sys.modules]"


def seconds(code: str) -> float:
    """Processor seconds of one Python that runs this and ends."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], env=results.environment(), check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Measure, print, and return 1 where the budget is missed."""
    parser = results.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    codes = {"": "pass"} | {what: code + CHECK for what, code in OURS.items()} | OTHERS
    for code in codes.values():
        seconds(code)
    taken = {what: [] for what in codes}
    for _ in range(given.rounds):
        for what, code in codes.items():
            taken[what].append(seconds(code))
    median = {what: max(1e-3, statistics.median(each) - statistics.median(taken[""])) for what, each in taken.items()}
    rows = [
        Row(ours, median[ours], other=other, theirs=median[other], most=None if k else BUDGET, note="" if k else "the version and nothing else")
        for k, ours in enumerate(OURS) for other in OTHERS
    ]  # fmt: skip
    return results.finish("imports", rows, packages=("pandas", "torch", "polars"), write=given.write)


if __name__ == "__main__":
    sys.exit(main())
