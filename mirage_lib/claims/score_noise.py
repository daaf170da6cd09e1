"""Section 4: whether the emergence score can carry a ranking of tasks."""

from __future__ import annotations

import polars as pl

from mirage_lib.analyses import score_noise
from mirage_lib.claims import registry
from mirage_lib.claims.registry import Verdict

FIRM = 0.8


@registry.test
def score_reliable() -> Verdict:
    halves = score_noise.split_halves()
    means = {
        name: (part["r"].mean(), part["whole"].mean())
        for (name,), part in halves.group_by("ranking", maintain_order=True)
    }
    r, whole = means["score"]
    judged = score_noise.judged()
    lasting = {name: judged.filter(pl.col(name) < 0.05) for name in ("score_q", "break_q")}
    return Verdict(
        registry.grade(r >= FIRM),
        f"Halves of the items rank the tasks with a correlation of {r:.2f}, which makes {whole:.2f} for whole test sets (a break's gain "
        f"{means['break'][1]:.2f}; how far the curve goes {means['span'][1]:.2f}). After correcting for {judged.height} tasks "
        f"{lasting['score_q'].height} scores stand out of their smooth nulls and {lasting['break_q'].height} breaks (with so few items most true jumps would not); "
        f"{lasting['score_q']['listed'].sum()} of these scores belong to tasks on Wei's list.",
    )
