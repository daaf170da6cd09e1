"""Compare an answer with the right one and with typical wrong ones.

A *slip* is a pair: what somebody gets who makes a certain mistake, and a sentence about the mistake.
None within a slip stands for "whatever".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from mirage_lib.exercises.registry import Verdict

PERCENT = "This looks like a percentage. Give a share: a number between 0 and 1."


def number(answer: object, truth: float, right: str, **settings: Any) -> Verdict:
    """Judge one number; the settings are those of `numbers`.

    >>> number(3, 4.0, "Yes.", hint="Count the corners.")
    : not yet. 3 is too low. Count the corners.
    """
    try:
        given = np.asarray(answer, dtype=float)
    except (TypeError, ValueError):
        return Verdict(False, f"One number is wanted here, not {kind(answer)}.")
    if given.size != 1 or isinstance(answer, (str, bool)):
        return Verdict(False, f"One number is wanted here, not {kind(answer)}.")
    slips = [((wrong,), said) for wrong, said in settings.pop("slips", ())]
    return numbers([float(given.item())], [truth], right, slips=slips, **settings)


def numbers(
    answer: object,
    truth: Sequence[Any] | Mapping[Any, Any] | np.ndarray,
    right: str,
    *,
    slips: Iterable[tuple[object, str]] = (),
    within: float = 0.01,
    margin: float = 0.0,
    hint: str = "",
) -> Verdict:
    """Judge some numbers in order, or under the keys of a dictionary.

    Parameters
    ----------
    answer : what was handed in
    truth : the right numbers; nested lists are compared entry by entry
    right : what to say when they are right
    slips : typical wrong answers, each with a sentence; the first that fits is used
    within : by what share an entry may be off
    margin : by how much it may be off besides, in its own unit
    hint : what to say to any other answer

    >>> numbers([1, 4], [1, 2], "Yes.", slips=[((None, 4), "You squared it.")])
    : not yet. You squared it.
    >>> numbers("one", [1, 2], "Yes.")
    : not yet. 2 numbers are wanted here, not text ('one').
    """
    labels = None
    if isinstance(truth, Mapping):
        labels = [repr(key) for key in truth]
        if not isinstance(answer, Mapping):
            said = f"A dictionary with the keys {', '.join(labels)} is wanted here, not {kind(answer)}."
            return Verdict(False, said)
        if missing := [repr(key) for key in truth if key not in answer]:
            return Verdict(False, f"The dictionary lacks {', '.join(missing)}.")
        answer = [answer[key] for key in truth]
        truth = list(truth.values())
    elif isinstance(answer, Mapping):
        answer = list(answer.values())
    whole = np.asarray(truth, dtype=float)
    try:
        given = np.asarray(answer, dtype=float)
    except (TypeError, ValueError):
        return Verdict(False, f"{amount(whole)} wanted here, not {kind(answer)}.")
    if given.shape != whole.shape:
        return Verdict(False, f"{amount(whole)} wanted here, yours has the shape {given.shape}.")
    if np.isnan(given).any():
        return Verdict(False, "There is a 'not a number' (nan) in it: look for a division of zero by zero.")
    if close(given, whole, within, margin).all():
        return Verdict(True, right)
    for wrong, said in slips:
        if matches(given, wrong, within, margin):
            return Verdict(False, said)
    if np.all((whole >= 0) & (whole <= 1)) and close(given / 100, whole, within, margin / 100).all():
        return Verdict(False, PERCENT)
    return Verdict(False, f"{where_off(given, whole, within, margin, labels)} {hint}".strip())


def function(
    answer: object,
    calls: Sequence[tuple[Any, ...]],
    truth: Callable[..., Any],
    right: str,
    *,
    slips: Iterable[tuple[Callable[..., Any], str]] = (),
    within: float = 0.01,
    margin: float = 1e-9,
    hint: str = "",
) -> Verdict:
    """Judge a function by what it returns; slips are functions too.

    >>> function(lambda x: 2 * x, [(1.0,), (3.0,)], lambda x: x**2, "Yes.", hint="Try it with 3.")
    : not yet. Called with (1.0), your function gives 2, too high. Try it with 3.
    """
    if not callable(answer):
        return Verdict(False, f"A function is wanted here, not {kind(answer)}. Hand over its name without brackets.")
    given, wanted = [], [np.asarray(truth(*call), dtype=float) for call in calls]
    for call, aim in zip(calls, wanted):
        try:
            given.append(np.asarray(answer(*call), dtype=float))
        except Exception as error:  # whatever a reader's function may raise
            return Verdict(False, f"Your function stopped with {type(error).__name__}: {error}")
        if given[-1].shape != aim.shape:
            return Verdict(False, f"Your function gives the shape {given[-1].shape} where {aim.shape} is wanted.")
    if all(close(g, w, within, margin).all() for g, w in zip(given, wanted)):
        return Verdict(True, right)
    for wrong, said in slips:
        if all(close(g, np.asarray(wrong(*c), float), within, margin).all() for g, c in zip(given, calls)):
            return Verdict(False, said)
    first = next(k for k, g in enumerate(given) if not close(g, wanted[k], within, margin).all())
    value, aim = given[first], wanted[first]
    if value.size == 1 and all(np.ndim(x) == 0 for x in calls[first]):
        shown = ", ".join(map(repr, calls[first]))
        said = f"Called with ({shown}), your function gives {value.item():.4g}, too {'high' if value > aim else 'low'}."
        return Verdict(False, f"{said} {hint}".strip())
    return Verdict(False, f"Your function gives other values than wanted. {hint}".strip())


def one_of(answer: object, truth: str, allowed: Mapping[str, str], right: str) -> Verdict:
    """Judge a choice: ``allowed`` gives each wrong choice and what to say to it.

    >>> one_of("b", "a", {"b": "Look again."}, "Yes.")
    : not yet. Look again.
    """
    if not isinstance(answer, str):
        return Verdict(False, f"A text is wanted here, in quotation marks, not {kind(answer)}.")
    said = answer.strip().lower()
    if said == truth.lower():
        return Verdict(True, right)
    known = {choice.lower(): message for choice, message in allowed.items()}
    if said in known:
        return Verdict(False, known[said])
    return Verdict(False, f"{answer!r} is not among the choices: {', '.join(sorted([truth, *allowed]))}.")


def close(given: np.ndarray, aim: np.ndarray, within: float, margin: float) -> np.ndarray:
    """Which entries are near enough; an infinity only to itself.

    >>> close(np.array([1.0, np.inf]), np.array([1.004, 2.0]), 0.01, 0.0).tolist()
    [True, False]
    """
    with np.errstate(invalid="ignore"):
        return (given == aim) | (np.abs(given - aim) <= within * np.abs(aim) + margin) & np.isfinite(aim)


def matches(given: np.ndarray, wrong: object, within: float, margin: float) -> bool:
    """Whether the answer is this slip, None standing for any entry."""
    aim = np.array(wrong, dtype=object)
    if aim.shape != given.shape:
        return False
    pairs = [(g, w) for g, w in zip(given.ravel(), aim.ravel()) if w is not None]
    return all(close(np.array(g, float), np.array(w, float), within, margin) for g, w in pairs)


def where_off(given: np.ndarray, whole: np.ndarray, within: float, margin: float, labels: list[str] | None) -> str:
    """Name up to three entries that are off, and in which direction.

    >>> where_off(np.array([1.0, 5.0]), np.array([1.0, 2.0]), 0.01, 0.0, None)
    'Number 2 (5) is too high.'
    """
    if whole.size == 1:
        return f"{given.ravel()[0]:.4g} is too {'high' if given.ravel()[0] > whole.ravel()[0] else 'low'}."
    wrong = [int(k) for k in np.flatnonzero(~close(given, whole, within, margin))]
    said = []
    for k in wrong[:3]:
        value, aim = given.ravel()[k], whole.ravel()[k]
        label = labels[k] if labels and len(labels) == whole.size else f"number {k + 1}"
        said.append(f"{label} ({value:.4g}) is too {'high' if value > aim else 'low'}")
    more = f", and {len(wrong) - 3} more are off" if len(wrong) > 3 else ""
    text = ", ".join(said) + more + "."
    return text[0].upper() + text[1:]


def amount(whole: np.ndarray) -> str:
    if whole.ndim > 1:
        return f"{whole.shape[0]} rows of {whole.shape[1]} numbers are"
    return "One number is" if whole.size == 1 else f"{whole.size} numbers are"


def kind(answer: object) -> str:
    """An answer's type in words.

    >>> kind("x"), kind(None), kind([1])
    ("text ('x')", 'None', "a 'list'")
    """
    if isinstance(answer, str):
        return f"text ({answer[:20]!r})"
    if callable(answer):
        return "a function"
    return "None" if answer is None else f"a {type(answer).__name__!r}"
