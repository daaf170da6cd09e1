"""Findings: what saved outputs say under every metric, and which conclusion hangs on the metric.

The questions are those of the book: how well is each value resolved, does a curve climb, is it more sudden than a
smooth curve of the same sizes and noise would look, and does the answer change with the metric.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from mirage_lib import breaks, curves, emergence, metrics
from mirage_lib.audit import outlook
from mirage_lib.audit.outlook import Outlook
from mirage_lib.audit.rows import LogsError

FAST = ("exact_match", "token_edit_distance", "per_token_accuracy", "multiple_choice_grade", "brier_binary", "brier_multiclass")
SLOW = ("rouge_l_sum", "bleu")
"""Metrics over words, which take about a millisecond an answer: scored on a sample, and only where answers have words."""
SHARES = ("exact_match", "multiple_choice_grade")
"""Metrics of right or wrong, whose mean is a share."""
SAMPLED = 2000
"""Answers of a model and task that the slow metrics score."""
LEVEL = 0.05
NORMAL = 4000
"""Items from which on the interval of a mean is the normal one."""
LEAST = 3
"""Sizes from which on a curve is judged."""
SUDDEN, CLIMBS, FALLS, FLAT, FEW = (
    "sudden", "climbs, not shown to be sudden", "falls", "no climb to be seen", "too few models to judge",
)  # fmt: skip
CHANGES = {SUDDEN, CLIMBS, FALLS, FLAT}
Key = tuple[str, str, int]
"""Family, task and group."""


@dataclass(frozen=True)
class Finding:
    """One metric on one task of one family.

    Attributes
    ----------
    curve : frame
        ``model, n_params, estimate, low, high, n, n_items, resolution, needed``: ``n`` answers to ``n_items`` different items;
        how many items resolve the value to half of
        itself (a share of right answers only), missing where it is zero or one.
    score, null_high, exceedance, adjusted : the emergence score, what one smooth curve in twenty exceeds, the share of smooth
        curves that score as high, and that share adjusted for all curves of the audit
    break_p : of the test for a break, where there are enough sizes
    conclusion : one of the five
    outlook : the next size, foreseen
    unseen : models with no right answer at all, and the most that their true rate may be
    shared, asked : items that all models answered, and items that any did
    """

    family: str
    task: str
    group: int
    metric: str
    label: str
    better: str
    curve: pl.DataFrame
    sampled: bool
    score: float | None
    null_high: float | None
    exceedance: float | None
    adjusted: float | None
    break_p: float | None
    conclusion: str
    outlook: Outlook | None
    unseen: dict[str, float]
    shared: int
    asked: int

    @property
    def name(self) -> str:
        """Task and group, as a reader would say them."""
        return self.task if self.group == 0 else f"{self.task}, group {self.group}"


@dataclass(frozen=True)
class Findings:
    """All findings of an audit, in the order of families, tasks and metrics."""

    each: tuple[Finding, ...]

    def by_task(self) -> Iterator[tuple[tuple[str, str, int], list[Finding]]]:
        """Yield the findings of each family, task and group."""
        keys = dict.fromkeys((one.family, one.task, one.group) for one in self.each)
        for key in keys:
            yield key, [one for one in self.each if (one.family, one.task, one.group) == key]

    def changing(self) -> list[tuple[tuple[str, str, int], list[Finding]]]:
        """The tasks whose conclusion is not the same under every metric."""
        return [(key, found) for key, found in self.by_task() if len({one.conclusion for one in found} & CHANGES) > 1]

    def frame(self) -> pl.DataFrame:
        """All findings as a table, a row a curve: ``family, task, group, metric, conclusion, score, adjusted, break_p``."""
        names = ("family", "task", "group", "metric", "conclusion", "score", "adjusted", "break_p")
        return pl.DataFrame([[getattr(one, name) for name in names] for one in self.each], schema=names, orient="row")

    def sentences(self) -> list[str]:
        """What can be said in a paper, one sentence a task, each with its numbers."""
        return [_sentence(key, found) for key, found in self.by_task()]

    def as_dict(self) -> dict[str, object]:
        """Everything as plain lists, numbers and text; an infinite score is the text ``inf``."""
        rows = []
        for one in self.each:
            row = {k: _plain(v) for k, v in asdict(one).items() if k != "curve"}
            rows.append(row | {"curve": [{k: _plain(v) for k, v in r.items()} for r in one.curve.iter_rows(named=True)]})
        changing = [dict(zip(("family", "task", "group"), key, strict=True)) for key, _ in self.changing()]
        return {"findings": rows, "conclusion_changes_with_metric": changing, "sentences": self.sentences()}


def examine(tables: dict[str, pl.DataFrame], draws: int = 500, seed: int = 0) -> Findings:
    """Score outputs under every metric that applies, and judge every curve.

    Parameters
    ----------
    tables : outputs tables by kind, as :func:`mirage_lib.audit.logs.read` returns them
    draws : bootstrap draws of intervals; the smooth null has four times as many
    seed : of all that is drawn

    Raises
    ------
    LogsError
        If no metric applies.

    >>> from mirage_lib import theory
    >>> simulated = theory.text_outputs([0.8, 0.6, 0.4, 0.2], length=3, n=50)
    >>> found = examine({"text": simulated}, draws=50)
    >>> [one.metric for one in found.each]
    ['exact_match', 'token_edit_distance', 'per_token_accuracy']
    """
    judged = []
    for outputs in tables.values():
        paired, guessed = pairs(outputs), guesses(outputs)
        judged += _judge(_curves(outputs, FAST, draws, seed), False, paired, guessed, draws, seed)
        worded = outputs.filter(pl.col("target").str.contains(r"\s")) if "target" in outputs.columns else outputs.head(0)
        if worded.height:
            part = worded.filter(pl.int_range(pl.len()).shuffle(seed).over("family", "model", "task", "group") < SAMPLED)
            judged += _judge(_curves(part, SLOW, draws, seed), part.height < worded.height, paired, guessed, draws, seed)
    if not judged:
        raise LogsError(f"none of the metrics {', '.join(FAST + SLOW)} applies to these outputs")
    order = {name: k for k, name in enumerate(FAST + SLOW)}
    judged.sort(key=lambda one: (one.family, one.task, one.group, order[one.metric]))
    return Findings(tuple(_adjusted(judged)))


def pairs(outputs: pl.DataFrame) -> dict[Key, tuple[int, int]]:
    """Count, by family, task and group, the items that all models answered, and those that any did.

    >>> from mirage_lib import theory
    >>> pairs(theory.text_outputs([0.8, 0.2], length=3, n=50).head(70))
    {('simulated', 'simulated', 3): (20, 50)}
    """
    keys = ["family", "task", "group"]
    items = outputs.group_by(*keys, "item").agg(pl.col("model").n_unique())
    models = outputs.group_by(keys).agg(pl.col("model").n_unique().alias("models"))
    counted = items.join(models, on=keys).group_by(keys).agg((pl.col("model") == pl.col("models")).sum().alias("shared"), pl.len())
    return {(family, task, group): (shared, asked) for family, task, group, shared, asked in counted.iter_rows()}


def guesses(outputs: pl.DataFrame) -> dict[Key, dict[str, float]]:
    """What blind guessing scores, by family, task and group, under each metric for which that is known.

    >>> from mirage_lib import theory
    >>> guesses(theory.choice_outputs([0.3, 0.6], 4, 50))
    {('simulated', 'simulated', 4): {'multiple_choice_grade': 0.25}}
    """
    known = [metrics.get(name) for name in metrics.usable(outputs) if name in SHARES and name != "exact_match"]
    parts = outputs.partition_by("family", "task", "group", as_dict=True, maintain_order=True) if known else {}
    return {
        (str(family), str(task), int(group)): {one.name: value for one in known if (value := one.chance(part)) is not None}
        for (family, task, group), part in parts.items()
    }


def _curves(outputs: pl.DataFrame, names: tuple[str, ...], draws: int, seed: int) -> pl.DataFrame:
    """Curves of several metrics, for which answers are sorted and drawn again once only; temperatures are not told apart."""
    names = tuple(name for name in metrics.usable(outputs) if name in names)
    by = ("task", "group")
    rows = [
        (*cell.key, *estimate)
        for cell in (curves.cells(outputs, names, by) if names else ())
        for estimate in _estimates(cell, names, draws, seed)
    ]
    return pl.DataFrame(rows, schema=[*by, *curves.MODEL, *curves.ESTIMATES], orient="row")


def _estimates(cell: curves.Cell, names: tuple[str, ...], draws: int, seed: int) -> list[tuple[Any, ...]]:
    """Estimates with intervals; for many items the normal interval, which is what a bootstrap comes to, at a cost that is linear in items."""
    items = cell.asked.shape[1]
    if len(cell.seeds) > 1 or items < NORMAL:
        return curves.estimates(cell, names, draws, seed)
    found = []
    for scores, row in zip(cell.scores[:, 0], curves.estimates(cell, names, 1, seed), strict=True):
        if not np.isin(scores, (0, 1)).all():
            half = 1.96 * float(np.std(scores)) / float(np.sqrt(items))
            row = (*row[:2], row[1] - half, row[1] + half, *row[4:])
        found.append(row)
    return found


def _judge(
    curve: pl.DataFrame, sampled: bool, paired: dict[Key, tuple[int, int]], guessed: dict[Key, dict[str, float]], draws: int, seed: int
) -> list[Finding]:
    found = []
    for key, part in curve.group_by("family", "task", "group", "metric", maintain_order=True):
        family, task, group, name = str(key[0]), str(key[1]), int(str(key[2])), str(key[3])
        metric = metrics.get(name)
        part = part.sort("n_params", "model")
        sign = -1 if metric.better == "lower" else 1
        share = name in SHARES
        need = [curves.needed(p) if share and 0 < p < 1 else None for p in part["estimate"]]
        table = part.select("model", "n_params", "estimate", "low", "high", "n", "n_items", "resolution").with_columns(needed=pl.Series(need, dtype=pl.Int64))
        unseen = {m: curves.highest_when_none(n) for m, p, n in part.select("model", "estimate", "n_items").iter_rows() if share and p == 0}
        one_each = part["n_params"].is_unique().all() and part["n"].n_unique() == 1 and (part["n"] == part["n_items"]).all()
        items = int(part["n"][0]) if share and one_each else None
        part = by_size(part)
        sizes, values = part["n_params"].to_numpy().astype(float), sign * part["estimate"].to_numpy()
        many = len(sizes) >= LEAST
        score, null_high, exceedance, break_p = _scored(part, sizes, values, items, draws, seed) if many else (None, None, None, None)
        chance = guessed.get((family, task, group), {}).get(name)
        ahead = outlook.look(metric, part, share, chance, seed) if many else None
        shared, asked = paired[family, task, group]
        found.append(Finding(
            family, task, group, name, metric.label, metric.better, table, sampled, score, null_high, exceedance, None, break_p,
            _direction(part, sign) if many else FEW, ahead, unseen, shared, asked,
        ))  # fmt: skip
    return found


def by_size(part: pl.DataFrame) -> pl.DataFrame:
    """Average models of equal size, since a curve has one value a size; half-widths of intervals add up as errors do."""
    if part["n_params"].is_unique().all():
        return part
    half = (((pl.col("high") - pl.col("low")) / 2) ** 2).sum().sqrt() / pl.len()
    merged = part.group_by("n_params").agg(pl.col("estimate").mean(), pl.col("n_items").sum(), half.alias("half")).sort("n_params")
    return merged.with_columns(low=pl.col("estimate") - pl.col("half"), high=pl.col("estimate") + pl.col("half"))


def _scored(
    part: pl.DataFrame, sizes: np.ndarray, values: np.ndarray, items: int | None, draws: int, seed: int
) -> tuple[float, float, float, float | None]:
    errors = (part["high"] - part["low"]).to_numpy() / 4
    score = emergence.score(sizes, values)
    # Shares of right answers take few values, so that steps of zero happen by luck; the null has to know.
    null = emergence.null_scores(sizes, values, errors, 4 * draws, seed, items)
    p = None
    if len(sizes) >= breaks.LEAST and np.ptp(values) > 0:
        noise = None if items else float(max(np.sqrt(np.mean(errors**2)), 1e-9))
        p = breaks.find(np.log(sizes), values, noise, items, draws=draws, seed=seed).p
    return score, float(np.quantile(null, 1 - LEVEL)), emergence.exceedance(score, null), p


def _direction(part: pl.DataFrame, sign: int) -> str:
    first, last = part.row(0, named=True), part.row(-1, named=True)
    if sign < 0:
        first, last = ({"low": -one["high"], "high": -one["low"]} for one in (first, last))
    return CLIMBS if last["low"] > first["high"] else FALLS if last["high"] < first["low"] else FLAT


def _adjusted(judged: list[Finding]) -> list[Finding]:
    """Hold the false alarms of all curves together, and name those that stay sudden."""
    tested = [one.exceedance for one in judged if one.exceedance is not None]
    q = iter(breaks.adjusted(tested).tolist() if tested else [])
    done = []
    for one in judged:
        if one.exceedance is None:
            done.append(one)
            continue
        share = next(q)
        # The score takes an early rush for a late jump; the test for a break asks for absent, then present.
        broken = one.break_p is None or one.break_p <= LEVEL
        sudden = share <= LEVEL and broken and one.conclusion == CLIMBS and one.score is not None and one.score > 0
        done.append(Finding(**{**one.__dict__, "adjusted": share, "conclusion": SUDDEN if sudden else one.conclusion}))
    return done


def _sentence(key: tuple[str, str, int], found: list[Finding]) -> str:
    family, task, group = key
    sizes = found[0].curve["n_params"]
    whose = f"On {task}{f' (group {group})' if group else ''}, {family}, {sizes.len()} models from {sizes[0]:,} to {sizes[-1]:,} parameters"
    parts = []
    for one in found:
        first, last = one.curve.row(0, named=True), one.curve.row(-1, named=True)
        number = "" if one.score is None else f", emergence score {said(one.score)}, adjusted p {one.adjusted:.2g}"
        several = "" if last["n"] == last["n_items"] else f" answers to {last['n_items']:,} items"
        parts.append(
            f"{one.label} {said(first['estimate'])} to {said(last['estimate'])} (95 % interval at the largest {said(last['low'])} to "
            f"{said(last['high'])}, n = {last['n']:,}{several}{', a sample' if one.sampled else ''}): {one.conclusion}{number}"
        )
    kinds = {one.conclusion for one in found} & CHANGES
    end = "The conclusion depends on the metric" if len(kinds) > 1 else "The conclusion is the same under these metrics" if kinds else "No conclusion is drawn"
    return f"{whose}: {'; '.join(parts)}. {end}.{_foretold(found)}"


def _foretold(found: list[Finding]) -> str:
    """The forecasts of one task's metrics, with how often intervals of these methods held on the book's families."""
    ahead = [(one.label, one.outlook) for one in found if one.outlook]
    if not ahead:
        return ""
    each = "; ".join(
        f"{label} {said(o.value)} (90 % interval {said(o.low)} to {said(o.high)}; method: {o.label[0].lower()}{o.label[1:]}, whose intervals held the largest "
        f"model in {100 * o.record.covered:.0f} % over mirage-lib's {o.record.tasks} tasks of {o.record.sources} sources)" for label, o in ahead
    )  # fmt: skip
    return f" Forecast for a model of {ahead[0][1].size:,} parameters: {each}."


def said(value: float | None) -> str:
    """Write a number with three digits.

    >>> said(0.12345), said(float("inf")), said(1234567.0)
    ('0.123', 'infinite', '1.23e+06')
    """
    if value is None:
        return "not known"
    return ("minus infinite" if value < 0 else "infinite") if np.isinf(value) else f"{value + 0.0:.3g}"


def _plain(value: object) -> object:
    if isinstance(value, float) and not np.isfinite(value):
        return "nan" if np.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    return value
