"""How much faster than trying subsets is the share of all-right subsets by its formula?

An ability of the paper's vision part is naming K pictures right at once. One can go through every subset of K
pictures, or draw subsets at random as the paper did; the library takes the closed form. Enumeration has to give
the same shares to twelve digits, and the drawn shares have to lie within five standard errors.

    python -m benchmarks.subsets
"""

from __future__ import annotations

import math
import sys
import time
from itertools import combinations
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import results  # noqa: E402
from benchmarks.results import Row  # noqa: E402
from mirage_lib.subsets import subset_accuracy  # noqa: E402


def enumerated(right: np.ndarray, k: int) -> float:
    """The share of subsets of ``k`` pictures that are all right, by going through them."""
    hits = sum(all(chosen) for chosen in combinations(right.tolist(), k))
    return hits / math.comb(len(right), k)


def drawn(right: np.ndarray, k: int, draws: int, rng: np.random.Generator) -> float:
    """The same by drawing subsets."""
    return float(np.mean([right[rng.choice(len(right), k, replace=False)].all() for _ in range(draws)]))


def timed(work) -> tuple[float, object]:
    """Processor seconds of one call, repeated until a tenth of a second has passed, and its result."""
    calls, start = 0, time.process_time()
    while (passed := time.process_time() - start) < 0.1 or not calls:
        found, calls = work(), calls + 1
    return passed / calls, found


def main() -> int:
    """Measure, print, and return 1 where the budget is missed."""
    given = results.parser(__doc__).parse_args()
    rng, rows = np.random.default_rng(0), []
    for n, k in ((16, 4), (24, 8)):
        right = rng.permutation(np.arange(n) < round(0.8 * n))
        ours, share = timed(lambda: subset_accuracy(np.array([right.sum()]), n, k)[0])
        theirs, other = timed(lambda: enumerated(right, k))
        assert math.isclose(share, other, rel_tol=1e-12), (share, other)
        rows.append(Row(f"subset accuracy, {k} of {n} pictures", ours, other=f"all {math.comb(n, k):,} subsets", theirs=theirs, least=1))
    n, k, draws = 10_000, 5, 10_000
    right = rng.random(n) < 0.8
    ours, share = timed(lambda: subset_accuracy(np.array([right.sum()]), n, k)[0])
    theirs, other = timed(lambda: drawn(right, k, draws, rng))
    error = math.sqrt(share * (1 - share) / draws)
    assert abs(share - other) < 5 * error, (share, other)
    note = f"the drawn share has a standard error of {results.figure(error)}, ours none"
    rows.append(Row(f"subset accuracy, {k} of {n:,} pictures", ours, other=f"{draws:,} subsets drawn", theirs=theirs, least=1, note=note))
    return results.finish("subsets", rows, packages=("numpy",), write=given.write)


if __name__ == "__main__":
    sys.exit(main())
