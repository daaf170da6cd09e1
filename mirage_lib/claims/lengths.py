"""Section 3: what longer targets do."""

from __future__ import annotations

from mirage_lib.claims.registry import Verdict, test


@test
def accuracy_geometric() -> Verdict:
    return Verdict("cannot be tested here", "Not judged yet.")


@test
def distance_quasilinear() -> Verdict:
    return Verdict("cannot be tested here", "Not judged yet.")


@test
def length_acts() -> Verdict:
    return Verdict("cannot be tested here", "Not judged yet.")
