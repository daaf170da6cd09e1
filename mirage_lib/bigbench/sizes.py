"""Sizes of models as people write them: ``1b``, ``125m``, ``1.3e9``, or inside a name."""

from __future__ import annotations

import math
import re

from mirage_lib.bigbench.records import RecordsError

MOST = 2**63 - 1
"""The largest whole number that a table holds."""
UNITS = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "t": 10**12}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?(?:e[+]?[0-9]+)?)\s*([kmbt]?)", re.IGNORECASE)
_WITHIN = re.compile(r"([0-9]+)b([0-9]+)", re.IGNORECASE)
_IN_NAME = re.compile(r"(?<![a-z0-9.])([0-9]+(?:\.[0-9]+)?[mb]|[0-9]+b[0-9]+)(?![a-z0-9.])", re.IGNORECASE)


def size(written: str | int | float) -> int:
    """Return a number of parameters, as a whole number.

    Parameters
    ----------
    written : text or number
        A number, or text such as ``1b``, ``125M``, ``1.3e9``; ``k``, ``m``, ``b``, ``t`` are thousand to
        trillion, in small or capital letters. BLOOM's way, ``7b1``, is 7.1 billion.

    Raises
    ------
    RecordsError
        For anything else, and for a size below one.

    >>> size("1b"), size("350M"), size(1.3e9)
    (1000000000, 350000000, 1300000000)
    >>> size("large")
    Traceback (most recent call last):
    ...
    mirage_lib.bigbench.records.RecordsError: size 'large' cannot be read: write a number, or one with k, m, b or t \
behind it, as in '1b' or '125m'
    """
    number = math.nan
    if isinstance(written, str):
        text = _WITHIN.sub(r"\1.\2b", written.strip().replace(",", "").replace("_", ""))
        found = _SIZE.fullmatch(text)
        if found:
            number = float(found[1]) * UNITS[found[2].lower()]
    elif isinstance(written, int | float) and not isinstance(written, bool):
        number = float(written) if abs(written) <= MOST or written != written else math.inf
    if not math.isfinite(number):
        raise RecordsError(
            f"size {written!r} cannot be read: write a number, or one with k, m, b or t behind it, as in '1b' or '125m'"
        )
    if number < 1:
        raise RecordsError(f"size {written!r}: a model has at least one parameter")
    if number > MOST:
        raise RecordsError(f"size {written!r}: no table holds a number above {MOST:,}")
    return written if type(written) is int else min(round(number), MOST)


def parted(name: str) -> tuple[str, int | None]:
    """Split a model's name into that of its family and the size that stands in it, if exactly one does.

    An owner before a slash is left out. The size is a rounded one, as in the name.

    >>> parted("EleutherAI/pythia-1.4b-deduped")
    ('pythia-deduped', 1400000000)
    >>> parted("gpt2-large")
    ('gpt2-large', None)
    """
    own = name.rstrip("/").rsplit("/", 1)[-1]
    found = _IN_NAME.findall(own)
    if len(found) != 1:
        return own, None
    try:
        told = size(found[0])
    except RecordsError:  # as in model-0b
        return own, None
    rest = _IN_NAME.sub("", own)
    return re.sub(r"([-_ ])[-_ ]+", r"\1", rest).strip("-_ ") or own, told
