"""Claims: what the paper says, and what the evidence of this book says to it.

The ledger (``mirage_lib/claims.toml``) gives each claim in our words, where it stands, the test, and what
counts as upheld. The tests are functions of this package, one module a topic of the paper; verdicts are
computed when they are asked for, never stored.
"""

from __future__ import annotations

import importlib
import pkgutil
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from mirage_lib.claims.model import figure2_error, independence, loss_by_size
from mirage_lib.claims.registry import TESTS, VERDICTS, Verdict, grade, test

__all__ = [
    "TESTS", "VERDICTS", "WEAK_SPOT", "Claim", "Verdict", "counts", "figure2_error", "get", "grade", "independence", "ledger", "loss_by_size", "table",
    "test",
]  # fmt: skip

for _module in pkgutil.iter_modules(__path__):  # Each registers its tests.
    importlib.import_module(f"{__name__}.{_module.name}")

WEAK_SPOT = "weak spot"
"""The kind of rows that say where the paper itself errs or is silent; upheld means that it does."""
LEDGER = Path(__file__).parent.parent / "claims.toml"


@dataclass(frozen=True)
class Claim:
    """One row of the ledger; see ``claims.toml`` for what the fields mean."""

    id: str
    where: str
    kind: str
    claim: str
    upheld_if: str
    test: str
    chapter: str

    def judge(self) -> Verdict:
        """Run the claim's test on the frozen outputs."""
        return TESTS[self.test]()


def ledger() -> list[Claim]:
    """Return all claims, in the order of the paper.

    Raises
    ------
    ValueError
        If an entry lacks a field or names a test that does not exist.

    >>> ledger()[0].id
    'emergence-defined'
    """
    entries = tomllib.loads(LEDGER.read_text())
    claims = []
    for name, fields in entries.items():
        try:
            claim = Claim(id=name, **fields)
        except TypeError as error:
            raise ValueError(f"claim {name!r} in {LEDGER.name}: {error}") from None
        if claim.test not in TESTS:
            raise ValueError(f"claim {name!r} names test {claim.test!r}: there are {', '.join(TESTS)}")
        claims.append(claim)
    return claims


def get(name: str) -> Claim:
    """Return one claim by its id.

    >>> get("resolution-floor").kind
    'definition'
    """
    found = {claim.id: claim for claim in ledger()}
    if name not in found:
        raise KeyError(f"unknown claim {name!r}: choose one of {', '.join(found)}")
    return found[name]


def table(names: Sequence[str] = ()) -> pl.DataFrame:
    """Judge claims, every one if none is named, and return ``id, claim, where, kind, verdict, because, upheld_if``.

    Raises
    ------
    KeyError
        If no claim has one of the names.

    >>> table(["resolution-floor"])["verdict"].to_list()
    ['upheld']
    """
    chosen = [get(name) for name in names] or ledger()
    rows = [(c.id, c.claim, c.where, c.kind, *c.judge(), c.upheld_if) for c in chosen]
    return pl.DataFrame(rows, schema=["id", "claim", "where", "kind", "verdict", "because", "upheld_if"], orient="row")


def counts(judged: pl.DataFrame) -> pl.DataFrame:
    """Count verdicts, for the paper's claims, our questions, and weak spots of the paper apart.

    Parameters
    ----------
    judged : frame
        Of :func:`table`.

    Returns
    -------
    Frame with ``rows of`` (whose), a column a verdict, and ``all``; the last line adds them up.

    >>> counts(pl.DataFrame({"kind": ["finding", "our question"], "verdict": ["upheld", "partly"]})).select("rows of", "upheld", "all").rows()
    [("the paper's claims", 1, 1), ('our questions', 0, 1), ('weak spots of the paper', 0, 0), ('the whole ledger', 1, 2)]
    """
    whose = {"our question": "our questions", WEAK_SPOT: "weak spots of the paper"}
    named = judged.with_columns(whose=pl.col("kind").replace_strict(whose, default="the paper's claims"))
    rows = []
    for name in ("the paper's claims", *whose.values(), "the whole ledger"):
        part = named if name == "the whole ledger" else named.filter(pl.col("whose") == name)
        rows.append((name, *(part.filter(pl.col("verdict") == verdict).height for verdict in VERDICTS), part.height))
    return pl.DataFrame(rows, schema=["rows of", *VERDICTS, "all"], orient="row")
