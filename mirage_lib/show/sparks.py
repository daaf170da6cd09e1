"""Sparks: a table of curves, one row each, with a line a few letters high that shows the shape.

The table is plain HTML and can be read without scripts. Where scripts run, ``curves.js`` adds a field to
search it and makes its head sort it. Each row links to its curve in the explorer of the same page.
"""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import polars as pl

from mirage_lib.bigbench import records
from mirage_lib.show.record_views import METRICS, SOURCES, Curves, address

WIDTH, HEIGHT = 60, 16
HEAD = {
    "Task": 12, "Shape": 5.5, "Metric": 10, "Family": 8, "Score": 5, "Above its null?": 6.5, "Lowest": 5.5,
    "Highest": 5.5, "Models": 5.5, "Items": 5,
}  # fmt: skip
"""The columns, and their widths in letters (rem)."""
NAMES = METRICS | {"brier": "Brier score", "brier_top_label": "Top-label Brier score"}
FAMILIES = {"olmo": ["OLMo 5xC"], "open-lm": ["open_lm rpj x1.0"]}
"""Of many families that differ in the training only, the one listed."""
LISTED = {"olmo": ["accuracy", "bits_per_byte"], "lm-eval": ["accuracy"], "open-lm": ["accuracy"]}
"""The metrics listed of these records, if a task has them; of others all are."""


def spark(sizes: Sequence[float], values: Sequence[float]) -> str:
    """Draw a curve without axes: log size to the right, the lowest value at the bottom.

    Hidden from who cannot see it: the row gives the numbers.

    >>> spark([1, 10, 100], [0.0, 0.5, 1.0])
    '<svg viewBox="0 0 60 16" aria-hidden="true"><polyline points="1,15 30,8 59,1"/></svg>'
    """
    x, y = np.log(np.asarray(sizes, dtype=float)), np.asarray(values, dtype=float)
    right = 1 + (WIDTH - 2) * (x - x[0]) / (x[-1] - x[0])
    up = (y - y.min()) / (np.ptp(y) or 1)
    down = HEIGHT - 1 - (HEIGHT - 2) * up
    points = " ".join(f"{round(a)},{round(b)}" for a, b in zip(right, down, strict=True))
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" aria-hidden="true"><polyline points="{points}"/></svg>'


def listed(facts: pl.DataFrame) -> pl.DataFrame:
    """Pick one curve for each task, family and main metric, so that every task is there and the list is short.

    Where a task was asked with several numbers of examples, the largest is listed; of families and metrics
    those of :data:`FAMILIES` and :data:`LISTED`, and of the twins ``pythia`` and ``pythia-deduped`` the second.
    """
    cell = ("records", "family", "task")
    facts = facts.filter((pl.col("shots") == pl.col("shots").max()).over(cell), pl.col("family") != "pythia")
    for name, families in FAMILIES.items():
        facts = facts.filter((pl.col("records") != name) | pl.col("family").is_in(families))
    for name, wanted in LISTED.items():
        main = pl.col("metric").is_in(wanted)
        facts = facts.filter((pl.col("records") != name) | main | ~main.any().over(cell))
    places = {name: k for k, name in enumerate((*SOURCES, *METRICS))}
    order = [pl.col(name).replace_strict(places) for name in ("records", "metric")]
    return facts.sort(order[0], "task", "family", order[1])


class CurveTable:
    """A table of curves with their shapes.

    Parameters
    ----------
    shown : Curves
        From :func:`mirage_lib.show.record_views.collect`.
    facts : frame
        The rows of ``shown.facts`` to list, in order.
    caption : str

    >>> from mirage_lib.show.record_views import collect
    >>> few = collect(("few-shot",), draws=50, redraws=50)
    >>> CurveTable(few, few.facts, "Curves")._repr_html_().count("<polyline")
    35
    """

    def __init__(self, shown: Curves, facts: pl.DataFrame, caption: str) -> None:
        self.facts = facts
        self.caption = caption
        self._points = dict(
            (key, part) for (key,), part in shown.points.sort("n_params").group_by("curve", maintain_order=True)
        )

    def _repr_html_(self) -> str:
        head = "".join(f'<th scope="col" style="width: {width}rem">{name}</th>' for name, width in HEAD.items())
        rows = "".join(self._row(fact) for fact in self.facts.iter_rows(named=True))
        caption = html.escape(self.caption)
        return (
            f'<div class="mirage-curves"><div class="mirage-scroll" tabindex="0" role="region" aria-label="{caption}">'
            f'<table class="mirage-table"><caption>{caption}</caption><thead><tr>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table></div></div>"
        )

    def _row(self, fact: dict) -> str:
        points = self._points[fact["curve"]]
        sign = -1 if records.scale(fact["metric"]).better == "lower" else 1
        known = fact["exceedance"] is not None
        cells = (
            spark(points["n_params"], sign * points["estimate"]),
            NAMES[fact["metric"]],
            html.escape(fact["family"]),
            _number(fact["score"]),
            ("yes" if fact["above"] else "no") + f", {100 * fact['exceedance']:.3g} %" if known else "not known",
            _number(fact["lowest"]),
            _number(fact["highest"]),
            fact["models"],
            "" if fact["n"] is None else fact["n"],
        )
        link = f'<a href="{html.escape(address(fact))}">{html.escape(fact["task"])}</a>'
        return f'<tr><th scope="row">{link}</th>' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _number(value: float) -> str:
    """Three digits, with a true minus and a sign for what is infinite."""
    text = "∞" if np.isinf(value) else f"{abs(value):.3g}"
    return ("−" if value < 0 else "") + text


def summary(facts: pl.DataFrame) -> str:
    """Say how many curves are listed, and of what.

    >>> from mirage_lib.show.record_views import collect
    >>> summary(collect(("few-shot",), draws=50, redraws=50).facts)
    '35 curves of 7 tasks and 5 families: 35 of Few-shot, public models'
    """
    counts = facts.group_by("records", maintain_order=True).len().rows()
    parts = ", ".join(f"{count} of {SOURCES[name]}" for name, count in counts)
    return f"{facts.height} curves of {facts['task'].n_unique()} tasks and {facts['family'].n_unique()} families: {parts}"
