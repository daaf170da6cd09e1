"""Arithmetic problems: which pairs are asked, how a prompt is written, which pairs are held out.

Two operations, as in Section 3 of the paper: the product of two integers below 100 and the sum of
two integers below 10,000. The answers to them have 1 to 4 and 1 to 5 digits. How a prompt looks was
never published; ours is plain text with two solved examples, one problem a line::

    12*7=84
    40*33=1320
    23*45=

That is the template :data:`PLAIN`; others are in :data:`TEMPLATES`, and any string that holds
``{a}``, ``{b}`` and ``{answer}`` is one, too.

Nothing here knows of models: a problem is three integers, a prompt is a string.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from string import Formatter

import numpy as np
import polars as pl

SHOTS = 2
HELD_OUT_PARTS = 4
"""One pair in four is held out: never trained on, never shown as an example."""
PLAIN = "{a}{sign}{b}={answer}\n"
SPACED = "{a} {sign} {b} = {answer}\n"
WORDS = "Q: What is {a} {word} {b}?\nA: {answer}\n\n"
TEMPLATES = {"plain": PLAIN, "spaced": SPACED, "words": WORDS}
"""How a solved problem is written. What is asked is the text before ``{answer}``, without the spaces
at its end: tokenizers that join a space to what follows are thrown off by a prompt that ends in one."""
LISTED = 1000
"""Problem spaces with operands below this are listed whole; larger ones are drawn from."""


@dataclass(frozen=True)
class Operation:
    """One arithmetic operation and its problem space.

    Attributes
    ----------
    name : str
        The task's name in outputs tables: ``multiplication`` or ``addition``.
    sign : str
        The character between the operands.
    below : int
        Operands are the integers from 0 to ``below - 1``.
    lengths : tuple of int
        The numbers of digits that an answer can have.
    """

    name: str
    sign: str
    below: int
    lengths: tuple[int, ...]

    @property
    def word(self) -> str:
        """The operation as one says it.

        >>> ADDITION.word, MULTIPLICATION.word
        ('plus', 'times')
        """
        return {"*": "times", "+": "plus"}[self.sign]

    def square(self, length: int) -> int:
        """Return the smallest bound below which both operands of every such problem lie.

        >>> ADDITION.square(2), MULTIPLICATION.square(2)
        (100, 100)
        """
        return self.below if self.sign == "*" else min(self.below, 10**length)

    def answer(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Return the true answers to ``a <sign> b``.

        >>> MULTIPLICATION.answer(np.array([23]), np.array([45]))
        array([1035])
        """
        return a * b if self.sign == "*" else a + b


MULTIPLICATION = Operation("multiplication", "*", 100, (1, 2, 3, 4))
ADDITION = Operation("addition", "+", 10_000, (1, 2, 3, 4, 5))
OPERATIONS = {operation.name: operation for operation in (MULTIPLICATION, ADDITION)}


def operation(name: str) -> Operation:
    """Look an operation up by its name.

    Raises
    ------
    KeyError
        If there is no such operation; the message lists those that exist.

    >>> operation("addition").below
    10000
    """
    if name not in OPERATIONS:
        raise KeyError(f"unknown operation {name!r}: choose one of {', '.join(OPERATIONS)}")
    return OPERATIONS[name]


def digits(values: np.ndarray) -> np.ndarray:
    """Count decimal digits; zero has one.

    >>> digits(np.array([0, 9, 10, 19998]))
    array([1, 1, 2, 5])
    """
    return np.char.str_len(np.asarray(values).astype(str))


def is_held_out(op: Operation, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Tell which pairs belong to the test set.

    The split depends on the pair alone, not on a seed, so that every model of every run is tested on
    pairs that no model was trained on. A pair and its mirror image fall on the same side: who has
    seen 12 + 30 has not been surprised by 30 + 12.

    Parameters
    ----------
    a, b : integer arrays of one shape

    Returns
    -------
    Boolean array of that shape; about one in ``HELD_OUT_PARTS`` is true.

    >>> pairs = np.array([12, 30]), np.array([30, 12])
    >>> len(set(is_held_out(ADDITION, *pairs).tolist()))
    1
    """
    low = np.minimum(a, b).astype(np.uint64)
    high = np.maximum(a, b).astype(np.uint64)
    mixed = (low * np.uint64(10_007) + high + np.uint64(ord(op.sign))) * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(31)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(29)
    return mixed % np.uint64(HELD_OUT_PARTS) == 0


def sample_pairs(
    op: Operation, lengths: np.ndarray, rng: np.random.Generator, held_out: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one pair for each wanted answer length, uniformly from all pairs with that length.

    "Uniform over pairs" means that 5-digit sums have 4-digit operands, and that few pairs exist at
    all for the shortest answers: 55 pairs have a one-digit sum.

    Parameters
    ----------
    lengths : (n,) integer array
        The wanted number of digits of each answer.
    held_out : bool
        Draw from the test pairs (true) or from the training pairs (false).

    Returns
    -------
    Two (n,) integer arrays, the operands.

    Raises
    ------
    ValueError
        If a length cannot occur for this operation.

    >>> rng = np.random.default_rng(0)
    >>> a, b = sample_pairs(ADDITION, np.array([1, 5]), rng, held_out=False)
    >>> digits(a + b)
    array([1, 5])
    """
    lengths = np.asarray(lengths)
    impossible = sorted(set(np.unique(lengths).tolist()) - set(op.lengths))
    if impossible:
        raise ValueError(
            f"{op.name} has no answers of {impossible[0]} digits: choose from {list(op.lengths)}"
        )
    a, b = np.zeros_like(lengths), np.zeros_like(lengths)
    for length in np.unique(lengths).tolist():
        where = np.flatnonzero(lengths == length)
        if op.square(length) <= LISTED:
            pairs = all_pairs(op, length, held_out)
            a[where], b[where] = pairs[:, rng.integers(0, pairs.shape[1], len(where))]
            continue
        while len(where):
            # Rejection from a square that holds every wanted pair; what is not accepted is redrawn.
            x, y = rng.integers(0, op.below, (2, len(where)))
            good = digits_are(op.answer(x, y), length) & (is_held_out(op, x, y) == held_out)
            a[where[good]], b[where[good]] = x[good], y[good]
            where = where[~good]
    return a, b


@cache
def all_pairs(op: Operation, length: int, held_out: bool) -> np.ndarray:
    """List every ordered pair whose answer has ``length`` digits, on one side of the split.

    Returns
    -------
    (2, n) integers, in ascending order.

    Raises
    ------
    ValueError
        If there are too many to list: more than ``LISTED`` squared pairs would have to be looked at.

    >>> all_pairs(ADDITION, 1, held_out=True).shape[1] + all_pairs(ADDITION, 1, held_out=False).shape[1]
    55
    """
    below = op.square(length)
    if below > LISTED:
        raise ValueError(
            f"{op.name} has too many pairs with answers of {length} digits to list: draw them with sample_pairs"
        )
    a, b = (grid.ravel() for grid in np.meshgrid(np.arange(below), np.arange(below), indexing="ij"))
    keep = digits_are(op.answer(a, b), length) & (is_held_out(op, a, b) == held_out)
    return np.stack([a[keep], b[keep]])


def digits_are(values: np.ndarray, length: int) -> np.ndarray:
    """Tell which values have exactly ``length`` digits, without making strings.

    >>> digits_are(np.array([0, 9, 10]), 1)
    array([ True,  True, False])
    """
    low = 0 if length == 1 else 10 ** (length - 1)
    return (values >= low) & (values < 10**length)


def template_text(template: str) -> str:
    """Look a template up by its name, or check one of your own.

    Parameters
    ----------
    template : str
        A name in :data:`TEMPLATES`, or a string with ``{a}``, ``{b}`` and ``{answer}`` in it, and
        where wanted ``{sign}`` (``*`` or ``+``) and ``{word}`` (``times`` or ``plus``).

    Returns
    -------
    The template itself.

    Raises
    ------
    ValueError
        If a field is missing, unknown or behind ``{answer}``; the message names it.

    >>> template_text("spaced")
    '{a} {sign} {b} = {answer}\\n'
    >>> template_text("{a}{sign}{b}=")
    Traceback (most recent call last):
    ...
    ValueError: template '{a}{sign}{b}=' lacks {answer}: take one of plain, spaced, words, or a text with \
{a}, {b} and {answer} in it
    """
    if template in TEMPLATES:
        return TEMPLATES[template]
    allowed = f"take one of {', '.join(TEMPLATES)}, or a text with {{a}}, {{b}} and {{answer}} in it"
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"template {template!r} cannot be read ({error}): {allowed}") from None
    fields = [field for _, field, _, _ in parts if field is not None]
    if formatted := [field for _, field, form, conversion in parts if form or conversion]:
        raise ValueError(f"template {template!r} holds more than a name in {{{formatted[0]}...}}: {allowed}")
    missing = [field for field in ("a", "b", "answer") if field not in fields]
    if missing:
        raise ValueError(f"template {template!r} lacks {{{missing[0]}}}: {allowed}")
    unknown = [field for field in fields if field not in ("a", "b", "answer", "sign", "word")]
    if unknown:
        raise ValueError(
            f"template {template!r} holds {{{unknown[0]}}}: only {{a}}, {{b}}, {{sign}}, {{word}} and "
            "{answer} are known; a brace that is meant as one is doubled"
        )
    if fields.count("answer") > 1 or {"a", "b"} - set(fields[: fields.index("answer")]):
        raise ValueError(f"template {template!r} has to hold {{a}} and {{b}} before its one {{answer}}")
    return template


def write(template: str, op: Operation, a: int, b: int, answer: int | None = None) -> str:
    """Write one problem: solved where an answer is given, else up to where the answer has to come.

    >>> write("words", MULTIPLICATION, 23, 45)
    'Q: What is 23 times 45?\\nA:'
    >>> write("spaced", ADDITION, 2, 2, 4)
    '2 + 2 = 4\\n'
    """
    return _fill(template_text(template), op, a, b, answer)


def _fill(text: str, op: Operation, a: int, b: int, answer: int | None = None) -> str:
    """Fill a template that has been checked."""
    known = {"a": a, "b": b, "sign": op.sign, "word": op.word}
    if answer is not None:
        return text.format(**known, answer=answer)
    return text.format(**known, answer="\0").partition("\0")[0].rstrip(" ")


def held_out_prompts(
    op: Operation, length: int, n: int, seed: int = 0, shots: int = SHOTS, template: str = "plain"
) -> pl.DataFrame:
    """Make a test cell: ``n`` prompts whose answers have ``length`` digits.

    Problems are drawn without repeats as long as there are held-out ones left; where the problem
    space is smaller than ``n`` every held-out pair is used equally often, each time behind other
    examples. ``item`` names the problem, ``prompt_id`` the prompt, so an interval can tell the two
    apart.

    Parameters
    ----------
    n : int
        Number of prompts.
    seed : int
        Seed of the choice of problems and of the examples before them.
    shots : int
        Solved examples before the question.
    template : str
        How a problem is written, as :func:`template_text` takes it. Problems and examples are the same
        under every template, and so are their ``item`` and ``prompt_id``.

    Returns
    -------
    Frame with ``task, group, item, prompt_id, prompt, target``; ``group`` is the target length.

    >>> cell = held_out_prompts(ADDITION, 1, 100)
    >>> cell.height, cell["item"].n_unique() < 55, cell["prompt"].n_unique() > 90
    (100, True, True)
    """
    text = template_text(template)
    rng = np.random.default_rng([seed, ord(op.sign), length])
    a, b = _held_out_pairs(op, length, n, rng)
    shots_a, shots_b = sample_pairs(op, rng.choice(op.lengths, n * shots), rng, held_out=False)
    shown = [
        _fill(text, op, x, y, z)
        for x, y, z in zip(shots_a, shots_b, op.answer(shots_a, shots_b), strict=True)
    ]
    asked = [_fill(text, op, x, y) for x, y in zip(a, b, strict=True)]
    return pl.DataFrame(
        {
            "task": op.name,
            "group": np.full(n, length),
            "item": [f"{x}{op.sign}{y}" for x, y in zip(a, b, strict=True)],
            "prompt_id": [f"{op.name}-{length}-{seed}-{k}" for k in range(n)],
            "prompt": ["".join(shown[k * shots : (k + 1) * shots]) + asked[k] for k in range(n)],
            "target": op.answer(a, b).astype(str),
        }
    )


def _held_out_pairs(
    op: Operation, length: int, n: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Distinct held-out pairs first, then whole rounds over all of them until ``n`` are there."""
    if op.square(length) <= LISTED:
        pairs = all_pairs(op, length, held_out=True)
        total = pairs.shape[1]
        rounds = [rng.permutation(total) for _ in range(-(-n // total))]
        return tuple(pairs[:, np.concatenate(rounds)[:n]])
    a, b = sample_pairs(op, np.full(n * 2, length), rng, held_out=True)
    _, first = np.unique(a * op.below + b, return_index=True)
    if len(first) < n:
        raise ValueError(f"{n} prompts of {length} digits are too many for {op.name}: ask for a tenth of them")
    kept = np.sort(first)[:n]
    return a[kept], b[kept]
