"""The emergence score against the formula, worked out by hand on ten cases.

sign(argmax - argmin) (max - min) / sqrt(median of squared steps). The squares of the steps and their median
stand beside each case.
"""

from math import inf, sqrt

import pytest

from mirage_lib import emergence

CASES = {
    # name: (values, score)
    "two points up": ([1, 3], 2 / sqrt(4)),  # steps 2; squares 4; median 4
    "two points down": ([3, 1], -2 / sqrt(4)),
    "a straight line": ([0, 1, 2, 3, 4], 4 / sqrt(1)),  # squares 1 1 1 1
    "a late leap": ([0, 0.1, 0.2, 1], 1 / sqrt(0.01)),  # squares .01 .01 .64
    "zero median, something changes": ([0, 0, 0, 1], inf),  # squares 0 0 1; median 0
    "nothing changes": ([0.3, 0.3, 0.3], 0),  # 0 / 0 is set to 0: there is no climb
    "decreasing": ([4, 3, 1, 0], -4 / sqrt(1)),  # squares 1 4 1; median 1
    # The largest stands at 1 and at 3, the smallest at 0 and at 2: the first of each counts, 1 > 0.
    "ties of both ends": ([0, 2, 0, 2], 2 / sqrt(4)),
    # The largest stands at 0 and 2, the smallest at 1: the first largest is before the smallest.
    "a tie of the largest": ([5, 1, 5], -4 / sqrt(16)),
    "an even number of steps": ([0, 1, 3], 3 / sqrt((1 + 4) / 2)),  # squares 1 4; median of two is their mean
    "up and down, up in all": ([1, 0, 2, 1.5], 2 / sqrt(1)),  # squares 1 4 .25; median 1; argmin 1 < argmax 2
}


@pytest.mark.parametrize("name", CASES)
def test_the_score_is_what_the_formula_gives_by_hand(name):
    values, expected = CASES[name]
    sizes = [10**k for k in range(len(values))]
    assert emergence.score(sizes, values) == pytest.approx(expected)
    # Sorting is by size, not by position.
    assert emergence.score(sizes[::-1], values[::-1]) == pytest.approx(expected)


def test_a_zero_median_of_a_fall_is_minus_infinity():
    assert emergence.score([1, 2, 3, 4], [1, 0, 0, 0]) == -inf
