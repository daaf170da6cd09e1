"""Registry: the tests that the ledger's entries name, and the form of their verdicts."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path
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
    TESTS[function.__name__] = cached = cache(_kept(function))
    return cached


def _kept(function: Callable[[], Verdict]) -> Callable[[], Verdict]:
    """Share verdicts among the kernels of one build, in the folder that ``MIRAGE_VERDICTS`` names.

    Whoever names it has to empty it when code or outputs change; ``tools/build.py`` does. Without it nothing is kept.
    """

    @wraps(function)
    def judged() -> Verdict:
        folder = os.environ.get("MIRAGE_VERDICTS")
        if not folder:
            return function()
        file = Path(folder) / f"{function.__name__}.json"
        if file.exists():
            return Verdict(*json.loads(file.read_text()))
        verdict = function()
        part = file.with_suffix(f".{os.getpid()}.part")
        part.write_text(json.dumps(verdict))
        os.replace(part, file)
        return verdict

    return judged


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


def p_in_words(p: float) -> str:
    """Write a p value; a small one as a bound.

    >>> p_in_words(0.003), p_in_words(0.25)
    ('p below 0.01', 'p = 0.25')
    """
    return "p below 0.01" if p < 0.01 else f"p = {p:.2f}"
