"""Documents: what the ladder is trained on, as token numbers.

A document holds three solved problems of one operation, its answer lengths drawn evenly, one character
a token; only the characters of the answers count in the loss. Two examples of what training sees
(``_`` is padding, ``^`` marks characters that count)::

    12*7=84|40*33=1320|23*45=1035|____      6134+9189=15323|5+0=5|71+1=72|
         ^^^      ^^^^^      ^^^^^                    ^^^^^^    ^^     ^^^

The bar stands for the newline that ends every problem; it counts too, since a model has to know
when to stop.
"""

from __future__ import annotations

from string import Formatter

import numpy as np

from mirage_lib.arithmetic.problems import OPERATIONS, SHOTS, TEMPLATES, Operation, sample_pairs

CHARACTERS = "\n" + "".join(map(chr, range(32, 127)))
PAD = len(CHARACTERS)
IGNORE = -100
_CODE = np.full(128, PAD, dtype=np.int64)
_CODE[[ord(c) for c in CHARACTERS]] = np.arange(len(CHARACTERS))


def encode(text: str) -> list[int]:
    """Turn characters into token numbers.

    Raises
    ------
    ValueError
        If a character is neither printable ASCII nor a newline.

    >>> "".join(CHARACTERS[i] for i in encode("2+2=4"))
    '2+2=4'
    """
    unknown = set(text) - set(CHARACTERS)
    if unknown:
        raise ValueError(f"character {min(unknown)!r} is not known: printable ASCII and newline are")
    return _CODE[np.frombuffer(text.encode("ascii"), dtype=np.uint8)].tolist()


def documents(
    op: Operation,
    n: int,
    rng: np.random.Generator,
    problems: int = SHOTS + 1,
    templates: tuple[str, ...] = ("plain",),
) -> tuple[np.ndarray, np.ndarray]:
    """Make ``n`` training documents of ``problems`` solved training problems each.

    With several templates each document is written in one of them, the same number in each, the rest
    in the first ones.

    Returns
    -------
    tokens : (n, longest) int64, padded on the right with ``PAD``
    labels : the same, with ``IGNORE`` wherever a character is not part of an answer

    >>> tokens, labels = documents(OPERATIONS["addition"], 1, np.random.default_rng(1))
    >>> "".join(CHARACTERS[i] for i in tokens[0] if i != PAD).count("=")
    3
    """
    parts = []
    for k, template in enumerate(templates):
        count = len(range(k, n, len(templates)))
        a, b = sample_pairs(op, rng.choice(op.lengths, count * problems), rng, held_out=False)
        tokens, counts = _written(op, TEMPLATES[template], a, b)
        tokens, counts = tokens.reshape(count, -1), counts.reshape(count, -1)
        # Push the blanks between fields to the end of each document, keeping the order of the rest.
        order = np.argsort(tokens == PAD, axis=1, kind="stable")
        parts.append((np.take_along_axis(tokens, order, axis=1), np.take_along_axis(counts, order, axis=1)))
    longest = max(int((tokens != PAD).sum(axis=1).max()) for tokens, _ in parts)
    blanks = [((0, 0), (0, max(0, longest - tokens.shape[1]))) for tokens, _ in parts]
    tokens = np.concatenate(
        [np.pad(t, blank, constant_values=PAD)[:, :longest] for (t, _), blank in zip(parts, blanks, strict=True)]
    )
    counts = np.concatenate([np.pad(c, blank)[:, :longest] for (_, c), blank in zip(parts, blanks, strict=True)])
    return tokens, np.where(counts & (tokens != PAD), tokens, IGNORE)


def _written(op: Operation, template: str, a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Write each problem in a template: (n, width) token numbers with blanks, and which of them count.

    What counts is the answer with the spaces before it and the text behind it.
    """
    question, _, rest = template.partition("{answer}")
    asked = question.rstrip(" ")
    values = {"a": _digit_codes(a), "b": _digit_codes(b), "answer": _digit_codes(op.answer(a, b))}
    values |= {name: _text(getattr(op, name), a) for name in ("sign", "word")}
    fields: dict[bool, list[np.ndarray]] = {True: [], False: []}
    for counts, part in ((False, asked), (True, question[len(asked) :] + "{answer}" + rest)):
        for literal, name, *_ in Formatter().parse(part):
            fields[counts] += [_text(literal, a)] if literal else []
            fields[counts] += [values[name]] if name else []
    tokens = np.concatenate(fields[False] + fields[True], axis=1)
    counts = np.zeros(tokens.shape, dtype=bool)
    counts[:, sum(field.shape[1] for field in fields[False]) :] = True
    return tokens, counts


def _digit_codes(values: np.ndarray) -> np.ndarray:
    """(n,) integers to (n, 5) token numbers, leading zeros blank."""
    powers = 10 ** np.arange(4, -1, -1)
    figures = values[:, None] // powers % 10
    blank = (values[:, None] < powers) & (powers > 1)
    return np.where(blank, PAD, figures + _CODE[ord("0")])


def _text(text: str, like: np.ndarray) -> np.ndarray:
    """The same text for every problem: (n, characters) token numbers."""
    return np.tile(np.array(encode(text)), (len(like), 1))
