"""Judges of the exercises on forecasts, in the part beyond the paper."""

from __future__ import annotations

from math import comb

from mirage_lib.exercises.comparing import function, numbers
from mirage_lib.exercises.registry import Verdict, exercise


@exercise("two-forecasts")
def two_forecasts(answer: object) -> Verdict:
    draws, truth = (0.2, 0.6), 0.5
    off = sum(abs(one - truth) for one in draws) / 2
    between = sum(abs(one - other) for one in draws for other in draws) / 4
    return numbers(
        answer,
        [off - between / 2, 0.1],
        "A spread that is said openly costs less than the same error said as if it were sure.",
        slips=[
            ((off, None), "This is Ann's mean distance from the truth. Take off half of the mean distance between two of her draws."),
            ((off - between, None), "Take off *half* of the mean distance between two draws."),
            ((None, 0), "Ben has no spread, so nothing is taken off, but he was wrong: his distance from the truth stays."),
        ],
        within=0.001,
        margin=1e-9,
        hint="Ann: the mean of 0.3 and 0.1, less half of the mean of 0, 0.4, 0.4 and 0. Ben: one draw.",
    )  # fmt: skip


@exercise("score-an-interval", points=2)
def score_an_interval(answer: object) -> Verdict:
    def truth(low: float, high: float, value: float) -> float:
        return high - low + 20 * (max(low - value, 0) + max(value - high, 0))

    return function(
        answer,
        [(0.2, 0.4, 0.3), (0.2, 0.4, 0.5), (0.2, 0.4, 0.05), (0.0, 1.0, 1.0)],
        truth,
        "Whoever claims nine in ten and hits fewer pays; whoever is too wide pays with the width.",
        slips=[
            (lambda low, high, value: high - low, "Only the width: then the best interval is empty. A miss has to cost something."),
            (lambda low, high, value: high - low + 20 * max(value - high, 0), "A truth *below* the interval is a miss, too."),
            (lambda low, high, value: high - low + 20 * max(low - value, 0), "A truth *above* the interval is a miss, too."),
            (lambda low, high, value: high - low + 2 * max(low - value, value - high, 0), "Twice is too cheap: an empty interval would "
             "pay less than an honest one. Take twenty times the distance."),
            (lambda low, high, value: high - low + 20 * (not low <= value <= high), "The penalty grows with the *distance* from the nearer end."),
        ],
        hint="high - low, and 20 times how far the truth lies outside, which is zero inside.",
    )  # fmt: skip


@exercise("eighty-of-a-hundred")
def eighty_of_a_hundred(answer: object) -> Verdict:
    def exactly(k: int, n: int) -> float:
        return comb(n, k) * 0.9**k * 0.1 ** (n - k)

    few, many = ([exactly(k, n) for k in range(n + 1)] for n in (10, 100))
    return numbers(
        answer,
        [sum(few[:9]), sum(many[:81])],
        "The same share, and only one of them is evidence. Coverage needs many forecasts.",
        slips=[
            ((few[8], None), "This is the chance of *exactly* 8. No more than 8 is asked for: add those of 0 to 7."),
            ((sum(few[9:]), None), "This is the chance of *more than* 8. Take the other side."),
            ((sum(few[:8]), None), "This leaves out 8 itself: no more than 8 holds 8."),
            ((None, sum(few[:9])), "With ten times as many forecasts the same share is far less likely."),
        ],
        within=0.02,
        hint="The number that hold is binomial. Sum its chances from 0 up to 8, and from 0 up to 80.",
    )
