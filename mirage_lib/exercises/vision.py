"""Judges of the exercises in the part on vision."""

from __future__ import annotations

from mirage_lib.exercises.comparing import numbers
from mirage_lib.exercises.registry import Verdict, exercise


@exercise("postcode", points=2)
def postcode(answer: object) -> Verdict:
    return numbers(
        answer,
        [0.95**5, 0.99**0.2],
        "Twenty-five times fewer wrong digits, for what looks like the last few percent.",
        slips=[
            ((0.95 * 5, None), "Five times 95 % is more than everything. The digits have to be right together: multiply."),
            ((1 - 5 * 0.05, None), "Five errors of 5 % each would add up like this if no two fell on one postcode. "
             "Multiply the chances to be right."),
            ((0.95, None), "That is one digit. All five have to be right."),
            ((None, 0.99**5), "The second goes the other way: which accuracy, to the power 5, is 0.99?"),
            ((None, 0.99 / 5), "Do not divide: take the fifth root."),
        ],
        within=0,
        margin=0.0006,
        hint="Independent digits multiply. Give three decimals.",
    )  # fmt: skip
