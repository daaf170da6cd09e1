"""Registry: the tests that the ledger's entries name, and the form of their verdicts."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import polars as pl

from mirage_lib import outputs

VERDICTS = ("upheld", "partly", "not upheld", "cannot be tested here", "definition")


class Verdict(NamedTuple):
    """What a test found: one of :data:`VERDICTS`, and the reason with its numbers."""

    verdict: str
    because: str


TESTS: dict[str, Callable[[], Verdict]] = {}


def test(function: Callable[[], Verdict]) -> Callable[[], Verdict]:
    """Enter a test under its name; each runs once a process.

    A test takes nothing, loads the frozen outputs that it needs, and returns its verdict.

    >>> @test
    ... def two_and_two():
    ...     return Verdict(grade(2 + 2 == 4), "The sum is 4.")
    >>> TESTS.pop("two_and_two")().verdict
    'upheld'
    """
    TESTS[function.__name__] = cached = cache(function)
    return cached


@cache
def frozen(name: str) -> pl.DataFrame:
    """Load frozen outputs once for all tests of a process; see :func:`mirage_lib.outputs.load`.

    >>> frozen("arithmetic-ladder") is frozen("arithmetic-ladder")
    True
    """
    return outputs.load(name)


def grade(*conditions: bool) -> str:
    """Upheld where all conditions hold, partly where some do, else not upheld.

    >>> grade(True, False)
    'partly'
    """
    if all(conditions):
        return "upheld"
    return "partly" if any(conditions) else "not upheld"
