"""Judges of the chapter on auditing an evaluation of one's own."""

from __future__ import annotations

import math

from mirage_lib.exercises.comparing import number, numbers
from mirage_lib.exercises.registry import Verdict, exercise

RIGHT, ASKED = 3, 50
FIRST, SECOND = range(150), range(50, 200)
FIRST_RIGHT, SECOND_RIGHT = 100, 120
"""The first model is right below item 100, the second below item 120."""


@exercise("how-many-more")
def how_many_more(answer: object) -> Verdict:
    p = RIGHT / ASKED
    total = math.ceil(1.96**2 * p * (1 - p) / 0.01**2)
    return number(
        answer,
        total - ASKED,
        "Half-widths shrink with the root of n, so the last digits of a share cost most of the items.",
        slips=[
            (total, "That is how many it needs in all. Fifty are there already."),
            (math.ceil(1.96 * math.sqrt(p * (1 - p)) / 0.01) - ASKED, "The root of n stands below the fraction line: square both sides."),
            (math.ceil(p * (1 - p) / 0.01**2) - ASKED, "This is for one standard error. An interval of 95 % takes 1.96 of them."),
            (math.ceil(1.96**2 * 0.25 / 0.01**2) - ASKED, "This is for a share of one half, the worst case. Here the share is 6 %."),
        ],
        within=0,
        margin=2,
        hint="Solve 1.96 √(p(1 - p)/n) = 0.01 for n.",
    )


@exercise("whose-items")
def whose_items(answer: object) -> Verdict:
    def share(items: range | list[int], right: int) -> float:
        return sum(item < right for item in items) / len(items)

    both = [item for item in FIRST if item in SECOND]
    apart = share(SECOND, SECOND_RIGHT) - share(FIRST, FIRST_RIGHT)
    shared = share(both, SECOND_RIGHT) - share(both, FIRST_RIGHT)
    return numbers(
        answer,
        [apart, shared],
        "On its own items the second model looks worse, on the same items it is better: it was asked the harder ones.",
        slips=[
            ((-apart, -shared), "The signs are turned round: it is second less first, and the items of each model come first."),
            ((100 * apart, 100 * shared), "These are percentage points. Give shares."),
            ((None, apart), "Only items 50 to 149 were answered by both. Count on those alone."),
        ],
        within=0,
        margin=0.006,
        hint="Count right answers and items, once for each model's own items, once for the items that both answered.",
    )
