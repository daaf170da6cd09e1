"""Mutations: a whole file with something odd put into it, so that a reader's decoder lets it through."""

from __future__ import annotations

import json
import random

ODD: tuple[object, ...] = (
    None, True, False, 0, 1, -1, 0.5, -0.0, 1e308, 1e-320, 2**31, 2**63 - 1, 2**63, -(2**63), 10**30, 10**400, "", " ", "0", "1", "-1", "²", "٣", "0b", "1e999",
    "nan", "-inf", "9" * 30, "9" * 400, "\x00", "\ud83d", "\udc00x", "\u202eevil", "\ufeff", "\u2028", "A" * 5000, "../../../etc/passwd", "C:\\x", "%s%n{0}$x_{",
    "<script>alert(1)</script>", "<!--<script>", "</script>", "True", "False", [], {}, [[]], [None], [""], [True, False], ["a", "b"], [0, 1], [{}], {"": ""},
)  # fmt: skip
"""What nobody expects."""
RAW = (b"NaN", b"-Infinity", b"1e999", b"\xff", b"\x00", b'"\\ud83d"', b"[" * 3000, b"{" * 10, b'{"a":' * 2000, b"1" * 5000, b'"' + b"B" * 9000 + b'"', b",,", b"\n\n", b"\r", b"")
"""What is put in as it is."""


def mutated(content: bytes, draw: random.Random) -> bytes:
    """Change a file in one to four places: as JSON where it is that, by lines or bytes where not."""
    for _ in range(draw.randint(1, 4)):
        how = draw.random()
        if how < 0.75:
            lines = content.split(b"\n")
            place = draw.randrange(len(lines))
            try:
                changed = json.dumps(_inside(json.loads(lines[place]), draw)).encode()
                lines[place] = changed if draw.random() < 0.9 else changed.replace(b"null", draw.choice(RAW))
            except (ValueError, RecursionError):
                cells = lines[place].split(b",")
                cells[draw.randrange(len(cells))] = _written(draw)
                lines[place] = b",".join(cells)
            content = b"\n".join(lines)
        elif how < 0.85:
            lines = content.split(b"\n")
            content = b"\n".join([*lines, draw.choice(lines)] if draw.random() < 0.5 else draw.sample(lines, len(lines)))
        elif content:
            start = draw.randrange(len(content))
            end = start + draw.choice((0, 1, 4, 100))
            content = content[:start] + draw.choice((*RAW, draw.randbytes(4))) + content[end:]
    return content


def _written(draw: random.Random) -> bytes:
    if draw.random() < 0.3:
        return draw.choice(RAW)
    value = draw.choice(ODD)
    return (value if isinstance(value, str) else json.dumps(value)).encode("utf-8", "replace")


def _inside(value: object, draw: random.Random) -> object:
    """Walk into a value, and change what is found there."""
    if isinstance(value, dict) and value and draw.random() < 0.9:
        key = draw.choice(list(value))
        how = draw.random()
        if how < 0.05:
            return {k: v for k, v in value.items() if k != key}
        if how < 0.08:
            return value | {str(draw.choice(ODD)): value[key]}
        return value | {key: _inside(value[key], draw)}
    if isinstance(value, list) and value and draw.random() < 0.8:
        place = draw.randrange(len(value))
        if draw.random() < 0.1:
            return value + [value[place]] if draw.random() < 0.5 else value[:place] + value[place + 1 :]
        return [*value[:place], _inside(value[place], draw), *value[place + 1 :]]
    odd = draw.choice(ODD)
    return [odd, value] if draw.random() < 0.1 else odd
