"""How much faster than other ways is the token edit distance of many short answers?

A million answers of the frozen ladder against the dynamic programme in plain Python, NLTK, and the Levenshtein package
called row by row, as one would in a loop. The slow ways score a sample and are scaled up; all have to agree.

    python -m benchmarks.edits
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import borrowed, results  # noqa: E402
from benchmarks.results import Row  # noqa: E402
from benchmarks.scoring import edit_distance  # noqa: E402
from mirage_lib import metrics, outputs  # noqa: E402

LEVENSHTEIN = "levenshtein==0.27.1"


def nltk(target: str, output: str) -> int:
    from nltk.metrics.distance import edit_distance

    return edit_distance(target, output)


def levenshtein(target: str, output: str) -> int:
    from Levenshtein import distance

    return distance(target, output)


WAYS = {"the dynamic programme in plain Python": (edit_distance, 20_000), "NLTK": (nltk, 5_000), "the Levenshtein package in a loop": (levenshtein, 200_000)}


def main() -> int:
    """Measure, print, and return 1 where the budget is missed."""
    parser = results.parser(__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    given = parser.parse_args()
    table = outputs.load("arithmetic-ladder").select("target", "output").sample(given.rows, with_replacement=True, seed=0)
    score = metrics.get("token_edit_distance").score
    score(table.head(100))
    start = time.process_time()
    ours_scores = score(table)
    ours = time.process_time() - start
    rows, what = [], f"token edit distance of {given.rows:,} answers"
    for other, (distance, sample) in WAYS.items():
        try:
            if distance is levenshtein:
                borrowed.package("Levenshtein", LEVENSHTEIN)
        except borrowed.Absent as reason:
            rows.append(Row(what, ours, other=other, note=str(reason)))
            continue
        pairs = table.head(sample).rows()
        distance(*pairs[0])
        start = time.process_time()
        found = [distance(target, output) for target, output in pairs]
        theirs = (time.process_time() - start) * given.rows / len(pairs)
        assert found == ours_scores.head(sample).cast(int).to_list(), other
        rows.append(Row(what, ours, other=other, theirs=theirs, least=1))
    return results.finish("edits", rows, packages=("rapidfuzz", "polars", "nltk"), write=given.write)


if __name__ == "__main__":
    sys.exit(main())
