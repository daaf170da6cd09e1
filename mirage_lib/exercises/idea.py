"""Judges of the exercises in the first part, the idea."""

from __future__ import annotations

import numpy as np

from mirage_lib.exercises.comparing import function, number, numbers
from mirage_lib.exercises.registry import Verdict, exercise

Z = 1.959964  # the normal quantile of a 95 % interval


def wilson(k: float, n: int, z: float = Z) -> tuple[float, float]:
    """Wilson's interval, solved here from its quadratic equation, independently of the library.

    >>> [round(end, 3) for end in wilson(0, 100)]
    [0.0, 0.037]
    """
    a, b, c = n + z * z, -(2 * k + z * z), k * k / n
    root = np.sqrt(max(b * b - 4 * a * c, 0.0))
    return max(0.0, (-b - root) / (2 * a)), (-b + root) / (2 * a)


@exercise("none-of-32", points=2)
def none_of_32(answer: object) -> Verdict:
    p = 3 / 32
    half = Z * np.sqrt(p * (1 - p) / 32)
    return numbers(
        answer,
        [wilson(0, 32), wilson(3, 32)],
        "The intervals overlap widely: 32 items do not tell these two models apart.",
        slips=[
            ([[0, 0], [p - half, p + half]], "This is the textbook interval. At zero it is a point, and certain of it."),
            ([[0, 0], [None, None]], "An interval that is a point claims to be certain after 32 failures."),
            ([[0, 1 / 32], [None, None]], "1/32 is the step of the scale, not the largest rate that zero allows."),
            ([[0, 1 - 0.05 ** (1 / 32)], [None, None]], "This bound has its 5 % on one side. An interval has two ends, "
             "and `curves.wilson` gives both."),
            ([wilson(0, 32, 1.644854), wilson(3, 32, 1.644854)], "These are intervals of 90 %, not of 95 %."),
            ([wilson(3, 32), wilson(0, 32)], "The two intervals have changed places: 0 of 32 comes first."),
        ],
        margin=0.001,
        hint="Call `curves.wilson` with the right answers and the number of items.",
    )  # fmt: skip


@exercise("problems-or-repeats", points=2)
def problems_or_repeats(answer: object) -> Verdict:
    # A beta-binomial mean: the correlation of two answers to one problem is 1 / (a + b + 1) = 1 / 11.
    variance = {k: 0.01 * 0.99 / 10_000 * (1 + (10_000 // k - 1) / 11) for k in (10_000, 1_000, 100)}
    spread = {k: v**0.5 for k, v in variance.items()}
    return numbers(
        answer,
        spread,
        "Problems are what counts: a hundred of them, however often asked, say three times less.",
        slips=[
            (list(variance.values()), "These look like variances. The spread is a standard deviation: take the root."),
            ([spread[10_000]] * 3, "All three alike: this is the binomial spread of 10,000 answers. It forgets that "
             "two answers to one problem share its rate."),
            ([(0.01 * 0.99 / k) ** 0.5 for k in spread], "This counts the problems only, as if each were asked once. "
             "Asking again does help a little."),
            ([0.01, 0.01, 0.01], "This is the mean, which is the same in all three. The question is its spread."),
        ],
        within=0.15,
        hint="Take the standard deviation over many simulated evaluations of the *averages* (to within 15 %).",
    )  # fmt: skip
