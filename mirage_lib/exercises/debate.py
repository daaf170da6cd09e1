"""Judges of the exercises in the chapter on the debate."""

from __future__ import annotations

from math import comb, perm

from mirage_lib.exercises.comparing import numbers
from mirage_lib.exercises.registry import Verdict, exercise


@exercise("four-of-five")
def four_of_five(answer: object) -> Verdict:
    return numbers(
        answer,
        [0.5, comb(30, 5)],
        "Nearly there looks exactly like nowhere, and there are many places to look.",
        slips=[
            ((0.8, None), "Four of five bits are no four fifths of the answer: the fifth bit turns it round every other time."),
            ((0.0, None), "Without the fifth bit the answer is no worse than a coin, and no better."),
            ((None, perm(30, 5)), "The order of the bits does not matter: a set of five is counted 120 times there."),
            ((None, 30**5), "A bit cannot be taken twice, and the order does not matter."),
            ((None, 2**30), "That counts all items. Count sets of five places among thirty."),
            ((None, comb(30, 4)), "Those are sets of four. The rule has five bits."),
        ],
        hint="For the first, think what an unknown fifth bit does to the parity; for the second, choose 5 of 30.",
    )  # fmt: skip


@exercise("three-seeds")
def three_seeds(answer: object) -> Verdict:
    return numbers(
        answer,
        [0.292, 0.37],
        "More than one paper in three sees no spread, and the mean describes no network.",
        slips=[
            ((0.48, None), "That is the middle between the groups. Weigh each by how many seeds are in it."),
            ((0.668, None), "You gave the share that learns to the group that does not."),
            ((None, 0.027), "That is all three learning. They may also all fail to."),
            ((None, 0.343), "That is all three failing. They may also all learn."),
            ((None, 0.63), "That is the chance to see both groups. The question asks for the other case."),
            ((None, 0.58), "That is for two seeds."),
        ],
        within=0.01,
        hint="Weigh the two scores by the shares of seeds; then all three learn, or all three do not.",
    )  # fmt: skip
