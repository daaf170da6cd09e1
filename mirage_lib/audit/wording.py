"""Wording: what numbers of an audit mean, what to be careful about, and why metrics disagree, in sentences."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import polars as pl
from scipy.special import ndtri

from mirage_lib import breaks, curves, metrics
from mirage_lib.audit.findings import CHANGES, CLIMBS, LEAST, LEVEL, SUDDEN, Finding, Findings, by_size, said
from mirage_lib.audit.logs import Logs
from mirage_lib.bigbench.sizes import parted

FEW_SIZES = 6
"""Below so many sizes a jump is hardly told from a slope, whatever the method."""
MANY_TASKS = 20
WITHIN = 0.01
NAMED = 6
"""Names that a sentence lists before it says "and others"."""


def further(share: float, n: int, within: float = WITHIN) -> int:
    """How many more items give a share to within so much, at 95 %; 0 where there are enough.

    The share is drawn a little towards one half first (two right and two wrong answers more), since a share of
    zero out of few would otherwise seem to need no more.

    >>> further(0.5, 1000), further(0.5, 20_000)
    (8604, 0)
    """
    z = float(ndtri((1 + curves.LEVEL) / 2))
    p = (share * n + 2) / (n + 4)
    return max(0, int(np.ceil(z**2 * p * (1 - p) / within**2)) - n)


def null_in_words(one: Finding) -> str:
    """Say what the emergence score, its smooth null and the test for a break tell of one curve."""
    if one.score is None or one.exceedance is None or one.adjusted is None:
        return f"{one.label}: fewer than {LEAST} sizes, so suddenness is not judged."
    text = (
        f"{one.label}: emergence score {said(one.score)}. Of smooth curves with the same sizes and the same noise, {_percent(one.exceedance)} "
        f"score at least as high, and one in twenty scores above {said(one.null_high)} (p adjusted for all curves of this report: {one.adjusted:.2g})."
    )
    if one.break_p is None:
        return f"{text} The test for a break needs {breaks.LEAST} different sizes."
    fits = "A curve with a corner fits better than smooth ones do by luck" if one.break_p <= LEVEL else "A curve with a corner fits no better than smooth ones do by luck"
    return f"{text} {fits} (p = {one.break_p:.2g})."


def why_it_changes(found: list[Finding]) -> str:
    """Give the reason for different conclusions on one task: what each metric does to errors, as its entry in the registry says."""
    by_conclusion = defaultdict(list)
    for one in found:
        if one.conclusion in CHANGES:
            by_conclusion[one.conclusion].append(one)
    parts = []
    for conclusion, those in by_conclusion.items():
        shapes = "; ".join(f"{one.label} ({metrics.get(one.metric).shape}): {metrics.get(one.metric).why.rstrip('.')}" for one in those)
        parts.append(f"{conclusion[0].upper()}{conclusion[1:]} under {shapes}.")
    end = "The outputs are the same; only what counts as an error, and how errors add up, differs."
    if SUDDEN in by_conclusion and not any(metrics.get(one.metric).shape == "linear" for one in by_conclusion[SUDDEN]):
        end += " No metric that is linear in errors calls this climb sudden."
    return " ".join(parts) + f" {end}"


def reasons(found: Findings) -> dict[str, list[str]]:
    """Give the tasks whose conclusion changes with the metric, by the reason, which several may share."""
    shared: dict[str, list[str]] = {}
    for _, each in found.changing():
        shared.setdefault(why_it_changes(each), []).append(each[0].name)
    return shared


def cautions(logs: Logs, found: Findings) -> list[str]:
    """What to be careful about before anything of the report is used, one sentence each."""
    tasks = list(found.by_task())
    return [
        *_about_models(logs, tasks), *_about_falls(tasks), *_about_items(tasks), *_about_temperatures(logs),
        *([f"There are {len(found.each)} curves on {len(tasks)} tasks. False alarms are held together over all of them, so a task has to stand out more than it would alone; do not pick one afterwards."]
          if len(tasks) >= MANY_TASKS else []),
        *(f"{source.path.rsplit('/', 1)[-1]}: {note}." for source in logs.sources for note in source.notes if "did not end well" in note),
        *([f"{logs.left_out:,} of {logs.rows + logs.left_out:,} rows were left out; the reasons stand under “What was read”."] if logs.left_out else []),
    ]  # fmt: skip


def _about_models(logs: Logs, tasks: list[tuple[tuple[str, str, int], list[Finding]]]) -> list[str]:
    sentences, few, equal = [], [], []
    for _, each in tasks:
        sizes = each[0].curve["n_params"]
        if sizes.n_unique() < FEW_SIZES:
            few.append((sizes.n_unique(), each[0].name))
        if not sizes.is_unique().all():
            equal.append(each[0].name)
    if few:
        least = min(few)[0]
        sentences.append(
            f"Few sizes: {len(few)} of {len(tasks)} tasks have fewer than {FEW_SIZES} (the least: {least}). "
            + (f"Below {LEAST} no curve is judged. " if least < LEAST else "") + "What happens between two sizes is not seen, so a jump there may be a slope."
        )  # fmt: skip
    if equal:
        sentences.append(f"Models of equal size are averaged where a curve is judged: {_listed(equal)}.")
    models = {(family, model) for table in logs.tables.values() for family, model in table.select("family", "model").unique().iter_rows()}
    for family in sorted({family for family, _ in models}):
        # A name without a size in it does not tell where the family ends.
        own = {name for whose, model in models if whose == family for name, size in [parted(model)] if size is not None}
        if family == "all models" and len(own) > 1:
            sentences.append(
                f"Mixed families: {_listed(sorted(own))} are looked at as one, because fewer than three models share a name. A step between two families is not a step of size. "
                "Name one family with --family, or audit them apart."
            )
    return sentences


def _about_falls(tasks: list[tuple[tuple[str, str, int], list[Finding]]]) -> list[str]:
    """Name the tasks that climb in all, and on the way fall by more than two intervals."""
    falling = []
    for _, each in tasks:
        for one in each:
            low, high = by_size(one.curve)["low"].to_numpy(), by_size(one.curve)["high"].to_numpy()
            falls = (low[:-1] > high[1:]) if one.better == "higher" else (high[:-1] < low[1:])
            if one.conclusion in (SUDDEN, CLIMBS) and falls.any():
                falling.append(one.name)
                break
    if not falling:
        return []
    return [
        f"Up and down: on {len(falling)} of {len(tasks)} tasks a larger model is worse than the one before it, beyond both intervals ({_listed(falling)}). "
        "Such a curve has no one size at which something appears; training runs of the same size may differ, and only more of them can tell."
    ]


def _about_items(tasks: list[tuple[tuple[str, str, int], list[Finding]]]) -> list[str]:
    apart = [(each[0].shared / each[0].asked, each[0]) for _, each in tasks if each[0].shared < each[0].asked]
    if not apart:
        return []
    _, worst = min(apart, key=lambda one: one[0])
    return [
        f"Unpaired items: on {len(apart)} of {len(tasks)} tasks the models did not answer the same items (worst: {worst.name}, where {worst.shared:,} of {worst.asked:,} items "
        "were answered by all). A difference between two models may then be one between two sets of items."
    ]


def _about_temperatures(logs: Logs) -> list[str]:
    mixed = []
    for table in logs.tables.values():
        several = table.group_by("family", "task").agg(pl.col("temperature").n_unique()).filter(pl.col("temperature") > 1)
        mixed += several["task"].to_list()
    return [f"Models were asked at different temperatures on {_listed(sorted(set(mixed)))}: part of a difference may be that."] if mixed else []


def _listed(names: list[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} others" if len(names) > NAMED else "")


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "fewer than 0.1%"
