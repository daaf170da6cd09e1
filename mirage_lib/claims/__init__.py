"""Claims: what the paper says, and what the evidence of this book says to it.

The ledger (``mirage_lib/claims.toml``) gives each claim in our words, where it stands, the test, and what
counts as upheld. The tests are functions of this package, one module a topic of the paper; verdicts are
computed when they are asked for, never stored.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from mirage_lib.claims import (
    appendix, architectures, arithmetic, autoencoder, base_rates, brier, debate, forecasting, grokking, lengths, metrics, model, more_data,
    recipes, score_noise, transformer, vision,
)  # fmt: skip
from mirage_lib.claims.model import figure2_error, independence, loss_by_size
from mirage_lib.claims import registry
from mirage_lib.claims.registry import TESTS, VERDICTS, Verdict, grade, test

__all__ = [
    "TESTS", "VERDICTS", "Claim", "Verdict", "appendix", "architectures", "arithmetic", "autoencoder", "base_rates", "brier", "debate", "figure2_error",
    "forecasting", "get", "grade", "grokking", "independence", "ledger", "lengths", "loss_by_size", "metrics", "model", "more_data", "recipes", "score_noise", "table", "test",
    "transformer", "vision",
]  # fmt: skip

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


def table() -> pl.DataFrame:
    """Judge every claim and return ``id, claim, where, verdict, because, upheld_if``."""
    rows = [(c.id, c.claim, c.where, *c.judge(), c.upheld_if) for c in ledger()]
    return pl.DataFrame(
        rows, schema=["id", "claim", "where", "verdict", "because", "upheld_if"], orient="row"
    )
