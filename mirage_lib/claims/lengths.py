"""Section 3: what longer targets do.

The rules in the ledger were written before our models were judged by them; the digitised points of GPT-3
were known by then.
"""

from __future__ import annotations

from functools import cache

import polars as pl

from mirage_lib.analyses import lengths, matching
from mirage_lib import outputs as tables
from mirage_lib.claims.registry import Verdict, grade, test

LADDER = "arithmetic-ladder"
SOURCES = {"ladder": "our ladder (runs)", "GPT-3": "GPT-3 as digitised (sizes at two temperatures)"}
MOST, HALF = 0.9, 0.5
"""Shares of the models that make a law hold, and hold about."""


@cache
def fitted() -> pl.DataFrame:
    """Both laws fitted to every run of the ladder and to every GPT-3 model.

    Returns
    -------
    The table of :func:`mirage_lib.analyses.lengths.fits`.
    """
    return lengths.fits(pl.concat([lengths.points(tables.load(LADDER)), lengths.published()]))


@cache
def models() -> pl.DataFrame:
    """Both laws judged, model by model.

    Returns
    -------
    The table of :func:`mirage_lib.analyses.lengths.judge`.
    """
    return lengths.judge(fitted())


@cache
def effects() -> dict[str, tuple[matching.Effect, matching.Effect]]:
    """The effect of one more digit on accuracy, for each task: all problems, then matched ones."""
    ladder = tables.load(LADDER)
    return {
        task: (matching.effect(matching.compared(ladder, task, False)), matching.effect(matching.compared(ladder, task, True)))
        for task in matching.LENGTHS
    }


def shares(law: str, about: str, tested: str, table: pl.DataFrame | None = None) -> pl.DataFrame:
    """How many models follow a law, strictly and about, by source and task.

    Parameters
    ----------
    law, about, tested : str
        Columns of :func:`mirage_lib.analyses.lengths.judge`.
    table : frame, optional
        Of :func:`models`, by default.

    Returns
    -------
    Frame with ``source, task, models, follow, about``; ``about`` counts those that follow strictly, too.

    >>> shares("linear", "quasi_linear", "tested_distance").columns
    ['source', 'task', 'models', 'follow', 'about']
    """
    table = models() if table is None else table
    return (
        table.filter(tested)
        .group_by("source", "task")
        .agg(models=pl.len(), follow=pl.col(law).sum(), about=(pl.col(law) | pl.col(about)).sum())
        .sort("source", "task", descending=[True, False])
    )


def graded(counted: pl.DataFrame) -> dict[str, str]:
    """Grade each source of :func:`shares`: upheld, partly or not upheld.

    >>> counts = {"source": ["ladder"], "task": ["t"], "models": [10], "follow": [2], "about": [6]}
    >>> graded(pl.DataFrame(counts))
    {'ladder': 'partly'}
    """
    totals = counted.group_by("source", maintain_order=True).agg(pl.col("models", "follow", "about").sum())
    return {
        source: "upheld" if follow >= MOST * n else "partly" if about >= HALF * n else "not upheld"
        for source, n, follow, about in totals.iter_rows()
    }


def _law(law: str, about: str, tested: str, words: tuple[str, str], further: str) -> Verdict:
    counted = shares(law, about, tested)
    by_source = graded(counted)
    said = []
    for source, name in SOURCES.items():
        parts = [
            f"{row['task']} {row['follow']} of {row['models']} {words[0]}, {row['about']} at least {words[1]}"
            for row in counted.filter(pl.col("source") == source).iter_rows(named=True)
        ]
        said.append(f"{name}: {'; '.join(parts)}: {by_source[source]}")
    verdicts = set(by_source.values())
    verdict = "upheld" if verdicts == {"upheld"} else "not upheld" if verdicts == {"not upheld"} else "partly"
    return Verdict(verdict, ". ".join(text[0].upper() + text[1:] for text in said) + ". " + further)


@test
def accuracy_geometric() -> Verdict:
    tested = models().filter("tested_accuracy")
    worst = tested.group_by("source").agg(pl.col("worst_factor").median())
    factor = dict(worst.iter_rows())
    return _law(
        "geometric", "about_geometric", "tested_accuracy", ("geometric", "about"),
        f"The length that fits worst is off by a factor of {factor['ladder']:.1f} on the median run, of "
        f"{factor['GPT-3']:.1f} on the median GPT-3 model. Numbers of answers behind GPT-3's points are inferred.",
    )  # fmt: skip


@test
def distance_quasilinear() -> Verdict:
    tested = models().filter("tested_distance")
    gap = dict(tested.group_by("source").agg(pl.col("worst_gap").median()).iter_rows())
    return _law(
        "linear", "quasi_linear", "tested_distance", ("linear", "quasi-linear"),
        f"The length that fits worst is off by {gap['ladder']:.2f} characters on the median run, by "
        f"{gap['GPT-3']:.2f} on the median GPT-3 model. Errors of GPT-3's edit distance are assumed.",
    )  # fmt: skip


@test
def length_acts() -> Verdict:
    said, held = [], []
    for task, (raw, matched) in effects().items():
        short, long = matching.LENGTHS[task]
        held.append(matched.high < 0)
        said.append(
            f"{task}, {long} against {short} digits: {raw.estimate:+.3f} in accuracy over all problems ({raw.low:+.3f} to "
            f"{raw.high:+.3f}), {matched.estimate:+.3f} ({matched.low:+.3f} to {matched.high:+.3f}) when matched, with "
            f"{matched.problems[0]} and {matched.problems[1]} problems"
        )
    text = "; ".join(said)
    return Verdict(grade(*held), text[0].upper() + text[1:] + ".")
