"""The register of exercises: a name, its points, and the function that judges an answer.

A chapter asks, a reader puts an answer into a variable, and ``check`` says what it thinks of it:

>>> from mirage_lib.exercises import check
>>> check("postcode", [0.95 * 5, 0.998])
postcode: not yet. Five times 95 % is more than everything. The digits have to be right together: multiply.

A judge works out the right answer itself and knows the mistakes that are often made. It never says the answer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

__all__ = ["EXERCISES", "Exercise", "Verdict", "check", "exercise"]


@dataclass(frozen=True)
class Verdict:
    """What a judge says: whether the answer is right, and one or two sentences.

    >>> Verdict(True, "Nothing is lost.", "first")
    first: right. Nothing is lost.
    """

    right: bool
    message: str
    name: str = ""

    def __repr__(self) -> str:
        return f"{self.name}: {'right' if self.right else 'not yet'}. {self.message}"

    def _repr_markdown_(self) -> str:
        # Running text wraps on a narrow page; a line of plain output would not.
        return f"**{self.name}: {'right' if self.right else 'not yet'}.** {self.message}"


@dataclass(frozen=True)
class Exercise:
    """One exercise that can be checked: ``judge`` takes an answer and returns a verdict."""

    name: str
    points: int
    judge: Callable[[object], Verdict]


Judge = TypeVar("Judge", bound=Callable[..., Verdict])
EXERCISES: dict[str, Exercise] = {}


def exercise(name: str, points: int = 1) -> Callable[[Judge], Judge]:
    """Register a judge under the name that the chapter gives to its question.

    Parameters
    ----------
    name : unique in the book
    points : what a right answer counts when the exercise is graded

    Raises
    ------
    ValueError
        If the name is taken.

    >>> exercise("postcode")
    Traceback (most recent call last):
    ...
    ValueError: exercise 'postcode' is there already: choose another name
    """
    if name in EXERCISES:
        raise ValueError(f"exercise {name!r} is there already: choose another name")

    def register(judge: Judge) -> Judge:
        EXERCISES[name] = Exercise(name, points, judge)
        return judge

    return register


def check(name: str, answer: object) -> Verdict:
    """Judge an answer.

    Parameters
    ----------
    name : the exercise's name, as its chapter gives it
    answer : what the question asks for: a number, some numbers, a table or a function

    Returns
    -------
    A verdict: ``right``, and a message that explains what may have gone wrong.

    Raises
    ------
    KeyError
        If there is no such exercise.

    >>> check("postcode", ...)
    postcode: not yet. There is no answer yet: put yours in place of the dots, and run the cell again.
    """
    if name not in EXERCISES:
        near = [known for known in EXERCISES if known.split("-")[0] == name.split("-")[0]] or list(EXERCISES)
        raise KeyError(f"unknown exercise {name!r}: the chapter gives the name. There are {', '.join(near)}")
    if answer is None or answer is Ellipsis or (isinstance(answer, list) and any(x is None or x is ... for x in answer)):
        return Verdict(
            False, "There is no answer yet: put yours in place of the dots, and run the cell again.", name
        )
    verdict = EXERCISES[name].judge(answer)
    return Verdict(verdict.right, verdict.message, name)
