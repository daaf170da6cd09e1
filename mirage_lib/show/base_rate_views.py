"""Base-rate views: every task as one mark, shares with their intervals, and the 39 preferred metrics."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

from mirage_lib.analyses import base_rates
from mirage_lib.bigbench import annotations as marks
from mirage_lib.show import figures, theme
from mirage_lib.show.figures import Figure
from mirage_lib.show.measuring import legend_above

LOOK = {
    # kind of metric: (colour, marker)
    "multiple choice grade": ("blue", "o"),
    "exact string match": ("orange", "s"),
    "another metric": ("green", "^"),
    "a program: not in the files": ("faint", "x"),
}
WIDTH = 10
"""Marks in a row of the array."""
SAID = {"emergent": "called emergent", "flat": "flat", "smooth": "smooth", "other": "other"}


def kinds() -> pl.DataFrame:
    """Name each annotated task's kind of metric as the array draws it.

    A parent whose subtasks are divided between the two counts as exact string match.

    >>> kinds().group_by("kind").len().height
    4
    """
    kind = (
        pl.when(pl.col("rule") == marks.PROGRAMMATIC).then(pl.lit("a program: not in the files"))
        .when(~pl.col("two")).then(pl.lit("another metric"))
        .when(pl.col("metric") == marks.CHOICE).then(pl.lit("multiple choice grade"))
        .otherwise(pl.lit("exact string match"))
    )  # fmt: skip
    return marks.annotated().with_columns(kind=kind)


def array_figure() -> Figure:
    """Draw every annotated task as one mark: emergent on the left, the three other classes beside it.

    >>> array_figure().table["tasks"].sum()
    197
    """
    table = kinds()
    order = {kind: k for k, kind in enumerate(LOOK)}
    counts = table.group_by("category", "kind").agg(tasks=pl.len())
    with theme.style():
        sizes = [table.filter(category=category).height for category in marks.CATEGORIES]
        drawing, axes = plt.subplots(1, 4, figsize=(8.2, 3.2), sharey=True)
        for axis, category, size in zip(axes, marks.CATEGORIES, sizes, strict=True):
            part = table.filter(category=category)["kind"].to_list()
            part = sorted(part, key=order.get)
            for kind, (colour, marker) in LOOK.items():
                places = np.array([k for k, name in enumerate(part) if name == kind], dtype=int)
                axis.plot(places % WIDTH, places // WIDTH, marker, color=theme.light(colour), markersize=6, linestyle="none", label=kind)
            axis.set(xlim=(-0.7, WIDTH - 0.3), xticks=[], yticks=[])
            axis.set_title(f"{SAID[category]}\n{size} tasks", loc="left")
            axis.grid(False)
            axis.spines[:].set_visible(False)
        axes[0].set_ylim(np.ceil(max(sizes) / WIDTH) - 0.3, -0.7)
        legend_above(drawing, axes[0], columns=2)
    parts = []
    for category in marks.CATEGORIES:
        row = dict(counts.filter(category=category).select("kind", "tasks").iter_rows())
        parts.append(f"{SAID[category]}: " + ", ".join(f"{row.get(kind, 0)} {kind}" for kind in LOOK))
    found = base_rates.contrast()
    alt = (
        f"{table.height} tasks as marks in four blocks, by the metric they prefer. {'; '.join(parts)}. Of the tasks with a file, "
        f"{found.yes / found.emergent:.0%} of the emergent and {found.other_yes / found.others:.0%} of the others use one of the first two."
    )
    caption = (
        "Each mark is a BIG-Bench task, sorted by eye into four classes (Wei et al. 2022, and Wei's list). The first two metrics fill the "
        "emergent block; they fill most of the others too, where programs are left aside."
    )
    return Figure(drawing, alt, caption, counts.sort("category", "kind"))


def rules_figure() -> Figure:
    """Draw both shares and the odds ratio by every way to count.

    >>> rules_figure().table.height == len(base_rates.RULES)
    True
    """
    table = base_rates.robustness()
    y = np.arange(table.height)[::-1]
    sides = (("emergent", "", "blue", "o", 0.13), ("others", "other_", "orange", "s", -0.13))
    with theme.style():
        drawing, axes = plt.subplots(1, 2, figsize=(8.2, 4.4), sharey=True, width_ratios=(1.25, 1))
        for name, prefix, colour, marker, shift in sides:
            share, low, high = (table[prefix + column].to_numpy() for column in ("share", "low", "high"))
            axes[0].errorbar(share, y + shift, xerr=np.clip([share - low, high - share], 0, None), color=theme.light(colour), marker=marker,
                             linestyle="none", elinewidth=1.2, label=name)  # fmt: skip
        odds = table["odds_ratio"].to_numpy()
        edges = np.stack([odds - table["odds_low"].to_numpy(), table["odds_high"].to_numpy() - odds])
        axes[1].errorbar(odds, y, xerr=edges, color=theme.light("ink"), marker="D", linestyle="none", elinewidth=1.2)
        axes[1].axvline(1, color=theme.light("faint"), linestyle="--", linewidth=1)
        axes[1].set(xscale="log", xlabel="Odds ratio (log scale; 1: no link)", xticks=[0.5, 1, 5, 50])
        axes[1].set_xticklabels(["0.5", "1", "5", "50"])
        axes[1].minorticks_off()
        axes[0].set(xlim=(0.38, 1.01), xlabel="Share using one of the two metrics", yticks=y)
        axes[0].set_yticklabels([f"{rule} ({a} / {b})" for rule, a, b in table.select("rule", "emergent", "others").iter_rows()])
        legend_above(drawing, axes[0])
    said = "; ".join(
        f"{row['rule']} {row['share']:.0%} against {row['other_share']:.0%}, odds ratio {row['odds_ratio']:.1f} ({row['odds_low']:.1f} to "
        f"{row['odds_high']:.0f})" for row in table.iter_rows(named=True)
    )  # fmt: skip
    alt = f"Shares with 95 % intervals, and odds ratios, by {table.height} ways to count. {said}."
    above = (table["odds_low"] > 1).sum()
    larger = (table["share"] > table["other_share"]).sum()
    caption = (
        f"The emergent tasks have the larger share by {larger} of {table.height} ways to count; the interval of the odds ratio lies above 1 by {above}. "
        f"95 %: Wilson's for shares, exact for odds ratios. In brackets: emergent tasks / others."
    )
    return Figure(drawing, alt, caption, table.drop("means"))


def meeting_figure() -> Figure:
    """Draw what p would have been for every share among the others, and where it is.

    >>> meeting_figure().table["other_yes"].max()
    96
    """
    found = base_rates.contrast()
    table = base_rates.no_evidence(found)
    edge = table.filter("evidence").row(-1, named=True)
    with theme.style():
        drawing, axis = plt.subplots(figsize=(6.4, 3.2))
        axis.plot(table["other_share"], table["p"], color=theme.light("blue"))
        axis.axhline(0.05, color=theme.light("faint"), linestyle="--", linewidth=1, label="one in twenty")
        axis.axvline(found.yes / found.emergent, color=theme.light("orange"), linestyle=":", label="share among the emergent")
        axis.plot(found.other_yes / found.others, found.fisher(), "o", color=theme.light("ink"), label="where it is")
        axis.set(xlim=(0.6, 1.0), yscale="log", ylim=(1e-7, 1.5), xlabel="Share using the two metrics among the tasks not called emergent",
                 ylabel="One-sided p (log scale)")  # fmt: skip
        legend_above(drawing, axis, columns=3)
    alt = (
        f"One-sided p of Fisher's test against the share among the others, with {found.yes} of {found.emergent} among the emergent. It "
        f"rises from {table['p'].min():.0e} to 1; it passes one in twenty above {edge['other_share']:.3f}. The actual share "
        f"{found.other_yes / found.others:.3f} has p {found.fisher():.3f}."
    )
    caption = (
        f"The same share of emergent tasks is strong evidence, weak evidence or none, by what the others do. Up to {edge['other_share']:.1%} "
        "among the others it stays below one in twenty."
    )
    return Figure(drawing, alt, caption, table)


def metrics_table() -> figures.Table:
    """Show the 39 preferred metrics with class, reason and use.

    >>> metrics_table().table.height
    39
    """
    table = marks.metrics()
    files = (pl.col("basis") == "task files") | (pl.col("emergent") > 0)
    shown = table.select(
        "metric",
        "shape",
        per_item=pl.col("zero_one").replace_strict({True: "0 or 1", False: "graded"}, default=None, return_dtype=pl.String).fill_null("not known"),
        tasks=pl.when(files).then((pl.col("tasks") + pl.col("parents")).cast(pl.String)).otherwise(pl.lit("not in the JSON files")),
        subtasks=pl.when(files).then(pl.col("subtasks").cast(pl.String)).otherwise(pl.lit("")),
        emergent=pl.when("fig5b").then(pl.col("emergent").cast(pl.String)).otherwise(pl.lit("")),
        basis="basis",
        why="why",
    )  # fmt: skip
    return figures.Table(
        shown,
        "The 39 preferred metrics of Fig. 5A. Tasks: with a file of their own or by subtasks; emergent: of the 67, by the task files; "
        "basis: what our class rests on",
    )
