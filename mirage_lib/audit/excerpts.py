"""Excerpts: parts of an audit for a notebook, as a figure, a table or the report's own words."""

from __future__ import annotations

import html

import matplotlib.pyplot as plt
import polars as pl

from mirage_lib import metrics
from mirage_lib.audit import wording
from mirage_lib.audit.findings import CLIMBS, FALLS, FEW, FLAT, SHARES, SUDDEN, Findings
from mirage_lib.audit.logs import Logs
from mirage_lib.show import theme
from mirage_lib.show.figures import Figure, Table

MARKS = {SUDDEN: ("S", "accent"), CLIMBS: ("c", "faint"), FALLS: ("f", "faint"), FLAT: ("–", "faint"), FEW: ("?", "faint")}
"""What stands in a field of the figure; the letter tells the conclusions apart, the colour only helps."""


def conclusions(found: Findings) -> Figure:
    """Draw every conclusion, a row a task and a column a metric; tasks whose row is not all the same stand out by their letters.

    >>> from mirage_lib import theory
    >>> from mirage_lib.audit import findings
    >>> simulated = theory.text_outputs([0.8, 0.6, 0.4, 0.2], length=3, n=50)
    >>> "1 task" in conclusions(findings.examine({"text": simulated}, draws=20)).alt
    True
    """
    tasks = [each for _, each in found.by_task()]
    names = list(dict.fromkeys(one.metric for one in found.each))
    changing = {key for key, _ in found.changing()}
    with theme.style():
        drawing, axis = plt.subplots(figsize=(6.4, 0.6 + 0.34 * len(tasks)))
        for row, each in enumerate(tasks):
            for one in each:
                letter, colour = MARKS[one.conclusion]
                axis.text(names.index(one.metric), row, letter, ha="center", va="center", color=theme.light(colour if letter == "S" else "ink"), weight="bold" if letter == "S" else "normal")
        axis.set(xlim=(-0.5, len(names) - 0.5), ylim=(len(tasks) - 0.5, -0.5))
        axis.set_xticks(range(len(names)), [metrics.get(name).label for name in names])
        axis.set_yticks(range(len(tasks)), [each[0].name for each in tasks])
        axis.xaxis.tick_top()
        axis.tick_params(length=0)
        axis.grid(False)
    sudden = sum(one.conclusion == SUDDEN for one in found.each)
    listed = "; ".join(each[0].name for key, each in found.by_task() if key in changing) or "none"
    alt = (
        f"A grid of {len(tasks)} task{'s' if len(tasks) > 1 else ''} by {len(names)} metrics with one letter a field. {sudden} of {len(found.each)} fields are sudden (S). "
        f"Rows that hold more than one conclusion: {listed}."
    )
    shown = dict.fromkeys(one.conclusion for one in found.each)
    key = "; ".join(f"{MARKS[kind][0]}: {kind}" for kind in shown)
    caption = f"The conclusion changes with the metric on {len(changing)} of {len(tasks)} tasks. {html.escape(key)}."
    return Figure(drawing, alt, caption, found.frame().drop("family"))


def resolution(found: Findings) -> Table:
    """For each task, the model that needs the most items: how many it has, and how many more give its share to within a point."""
    rows = []
    for _, each in found.by_task():
        for one in [one for one in each if one.metric in SHARES]:
            more = {model: (wording.further(p, n), p, n) for model, p, n in one.curve.select("model", "estimate", "n_items").iter_rows()}
            model = max(more, key=lambda name: more[name][0])
            rows.append((one.name, model, more[model][2], 1 / more[model][2], more[model][1], more[model][0], len(one.unseen)))
    names = ["task", "model", "items", "smallest step", "share right", "more items for ±1 point", "models with none right"]
    return Table(pl.DataFrame(rows, schema=names, orient="row"), "What the items resolve, by the model that needs most")


class Words:
    """Sentences of a report, as a list."""

    def __init__(self, sentences: list[str]) -> None:
        self.sentences = sentences

    def _repr_html_(self) -> str:
        return '<ul class="mirage-list">' + "".join(f"<li>{html.escape(one)}</li>" for one in self.sentences) + "</ul>"


def why(found: Findings) -> Words:
    """The report's box on where the conclusion changes with the metric."""
    return Words([f"{'; '.join(names)}: {why}" for why, names in wording.reasons(found).items()])


def cautions(logs: Logs, found: Findings) -> Words:
    """The report's box on what to be careful about."""
    return Words(wording.cautions(logs, found) or ["Nothing speaks against using this."])


def notes(logs: Logs) -> Table:
    """What was read of each file, what was left out, and what to know of it."""
    rows = [
        (source.path.replace("\\", "/").split("/")[-1][:34], source.format, source.rows, "; ".join(f"{one.rows}: {one.reason}" for one in source.left) or "none", "; ".join(source.notes))
        for source in logs.sources
    ]
    return Table(pl.DataFrame(rows, schema=["file", "taken for", "rows", "left out", "to know"], orient="row"), "Files that were read")
