"""Metric views: which metrics have high scores, how many exceed their null, and what explains a score."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from mirage_lib.analyses import metric_shares
from mirage_lib.bigbench import annotations as marks
from mirage_lib.show import theme
from mirage_lib.show.figures import Figure

EDGE = 10_000.0
"""Where infinite scores are drawn."""
BOXES = ((0.0625, 0.9375, 0.25), (0.125, 0.875, 0.42), (0.25, 0.75, 0.62))
"""Quantiles and heights of the nested boxes."""
NAMES = {
    "multiple_choice_grade": "multiple choice grade", "exact_str_match": "exact string match", "exact_match": "exact match",
    "accuracy_normalized": "accuracy, normalised", "brier": "Brier (paper's)", "brier_top_label": "top-label Brier",
    "bert_score_accuracy": "BERTScore accuracy", "bleu": "BLEU", "f1": "F1", "pct_stereotype": "share of stereotypes",
}  # fmt: skip


def named(metric: str) -> str:
    """Say a metric's name in words.

    >>> named("bits_per_byte"), named("bleu")
    ('bits per byte', 'BLEU')
    """
    return NAMES.get(metric, metric.replace("_", " "))


def pies() -> Figure:
    """Draw Fig. 5B and 5C as stacked bars, as published and as counted from the annotations.

    >>> "51" in pies().alt
    True
    """
    table = marks.pie().join(marks.reconciled().select("metric", reconciled="ours"), on="metric", how="left")
    table = table.fill_null(0).select("metric", "published", "ours", "reconciled")
    rows = {"As published": "published", "By the task files": "ours", "One task and two\nprograms moved": "reconciled"}
    with theme.style():
        drawing, axis = plt.subplots(figsize=(7.2, 2.7))
        for place, column in enumerate(rows.values()):
            left = 0
            for order, (metric, n) in enumerate(table.select("metric", column).iter_rows()):
                ink = theme.light((*theme.CATEGORIES, "faint")[min(order, 4)])
                label = named(metric) if place == 0 else None
                axis.barh(-place, n, left=left, height=0.6, color=ink, alpha=0.75, hatch=("", "//", "..", "xx", "")[min(order, 4)],
                          edgecolor=theme.light("ink"), linewidth=0.6, label=label)  # fmt: skip
                if n > 4:
                    axis.text(left + n / 2, -place, str(n), ha="center", va="center", color=theme.light("ink"), fontweight="bold")
                left += n
        axis.set_yticks([0, -1, -2], list(rows))
        axis.set_xlabel("Tasks called emergent, by preferred metric")
        axis.grid(axis="y", visible=False)
        drawing.legend(*axis.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    said = "; ".join(f"{named(r[0])} {r[1]} published, {r[2]} by the task files, {r[3]} reconciled" for r in table.iter_rows())
    return Figure(drawing, f"Preferred metrics of the {marks.emergent().height} tasks called emergent: {said}.",
                  "Fig. 5C counted again. One task and two programs stand between the task files and the published pie.", table)  # fmt: skip


def ranked(scored: pl.DataFrame) -> Figure:
    """Draw the emergence scores of all triplets, a row a metric: nested boxes, outliers, infinite ones at the edge.

    >>> ranked(metric_shares.scored(20)).table.height >= 15
    True
    """
    table = metric_shares.shares(scored).sort("median", "metric", descending=[True, False])
    with theme.style():
        drawing, axis = plt.subplots(figsize=(7.4, 0.36 * table.height + 1.3))
        for place, metric in enumerate(table["metric"]):
            part = scored.filter(pl.col("metric") == metric)
            _row(axis, part, -place)
        axis.axvline(EDGE / 1.8, color=theme.light("faint"), linewidth=0.8)
        axis.set_xscale("symlog", linthresh=10, linscale=1.2)
        axis.set_xlim(-60, EDGE * 1.8)
        axis.xaxis.set_major_locator(FixedLocator([-30, -10, -5, 0, 5, 10, 30, 100, 1000, EDGE]))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: "∞" if x >= EDGE else f"{x:g}"))
        labels = [f"{named(m)} ({n})" for m, n in table.select("metric", "triplets").iter_rows()]
        axis.set_yticks(-np.arange(table.height), labels)
        axis.set_ylim(-table.height + 0.4, 0.6)
        axis.set_xlabel("Emergence score (straight to 10, then log scale)")
        axis.grid(axis="y", visible=False)
        axis.plot([], [], "|", color=theme.light("ink"), markersize=10, markeredgewidth=1.8, label="a straight line (median)")
        axis.plot([], [], "|", color=theme.light("orange"), markersize=10, markeredgewidth=1.8, label="smooth null, 95 % (median)")
        axis.plot([], [], "D", color=theme.light("orange"), markersize=4, label="above its null")
        axis.plot([], [], "o", color=theme.light("faint"), markersize=3, label="not, or not known")
        drawing.legend(*axis.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    top, low = table.row(0, named=True), table.row(-1, named=True)
    alt = (
        f"Emergence scores of {scored.height:,} triplets under {table.height} metrics, ranked by the median. Highest: {named(top['metric'])}, "
        f"{top['median']:.3g} over {top['triplets']}; lowest: {named(low['metric'])}, {low['median']:.2g} over {low['triplets']}. "
        f"{table['infinite'].sum()} scores are infinite, {table['falling'].sum()} negative."
    )
    caption = (
        f"The highest median belongs to {named(top['metric'])}. In brackets: triplets. Boxes: the middle half, three quarters and seven "
        f"eighths; points: what lies outside. Infinite scores stand at the right edge. Models: {scored['models'].min()} to "
        f"{scored['models'].max()} a curve, so rows with other models are not comparable."
    )
    columns = ["metric", "triplets", "tasks", "families", "median", "highest", "infinite", "falling", "zero"]
    return Figure(drawing, alt, caption, table.select(columns))


def _row(axis: plt.Axes, part: pl.DataFrame, y: float) -> None:
    score = np.where(part["score"].is_infinite(), EDGE * np.sign(part["score"]), part["score"].to_numpy())
    for low, high, tall in BOXES:
        a, b = np.quantile(score, [low, high], method="nearest")
        axis.barh(y, b - a, left=a, height=tall, color=theme.light("blue"), alpha=0.25, linewidth=0)
    a, b = np.quantile(score, BOXES[0][:2], method="nearest")
    outside = (score < a) | (score > b) | (score >= EDGE)
    above = part["above"].fill_null(False).to_numpy()
    wobble = 0.24 * (np.arange(len(score)) % 5 - 2) / 2
    for chosen, colour, marker, size in ((outside & ~above, "faint", "o", 2.5), (outside & above, "orange", "D", 3.5)):
        axis.plot(score[chosen], y + wobble[chosen], marker, color=theme.light(colour), markersize=size, linewidth=0)
    axis.plot(part["straight"].median(), y, "|", color=theme.light("ink"), markersize=11, markeredgewidth=1.8)
    null = part["null_high"].drop_nulls()
    if len(null):
        axis.plot(null.median(), y, "|", color=theme.light("orange"), markersize=11, markeredgewidth=1.8)


def above_null(scored: pl.DataFrame) -> Figure:
    """Draw each metric's share of triplets above the smooth null, table by table, against chance.

    >>> "chance" in above_null(metric_shares.scored(20)).alt
    True
    """
    table = metric_shares.shares(scored.filter(pl.col("exceedance").is_not_null()), ("origin", "metric"))
    table = table.sort("share", "origin", "metric", descending=[True, False, False])
    with theme.style():
        drawing, axis = plt.subplots(figsize=(7.2, 0.34 * table.height + 1.1))
        for place, row in enumerate(table.iter_rows(named=True)):
            colour, marker = ("orange", "D") if row["luck"] <= metric_shares.LEVEL else ("blue", "o")
            axis.plot([row["low"], row["high"]], [-place, -place], color=theme.light(colour), linewidth=1.6)
            axis.plot(row["share"], -place, marker, color=theme.light(colour))
            axis.text(1.02, -place, f"{row['above']} of {row['tested']}", va="center", fontsize=9, color=theme.light("ink"))
        axis.axvline(metric_shares.LEVEL, color=theme.light("ink"), linestyle="--", linewidth=1)
        axis.set_yticks(-np.arange(table.height), [f"{named(m)}, {o}" for o, m in table.select("origin", "metric").iter_rows()])
        axis.set_xlim(-0.02, 1.22)
        axis.xaxis.set_major_locator(FixedLocator([0.05, 0.25, 0.5, 0.75, 1]))
        axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:.0%}"))
        axis.set_xlabel("Share of triplets above the smooth null (95 % interval)")
        axis.grid(axis="y", visible=False)
    over = metric_shares.exceeding(table)
    alt = (
        f"Shares of triplets above their smooth null for {table.height} metrics of tables; {over.height} lie above the 5 % of chance by "
        "more than luck: " + ", ".join(f"{named(r['metric'])} of {r['origin']} {r['share']:.0%}" for r in over.iter_rows(named=True)) + "."
    )
    caption = (
        f"Dashed: the 5 % that chance alone gives. Orange diamonds ({over.height} of {table.height}): more than luck gives (exact test, "
        "one-sided, 5 %; Wilson intervals). Both take triplets as independent; those of one task or family are not."
    )
    columns = ["origin", "metric", "triplets", "tested", "above", "share", "low", "high", "luck", "firm", "late"]
    return Figure(drawing, alt, caption, table.select(columns))


def pairs(table: pl.DataFrame) -> Figure:
    """Draw how often the sharper of two metrics of the same outputs has the higher score.

    Parameters
    ----------
    table : frame
        From :func:`mirage_lib.analyses.metric_shares.paired`.

    >>> "half" in pairs(metric_shares.paired(metric_shares.scored(20), draws=20)).alt
    True
    """
    table = table.filter(pl.col("tasks") > 1)
    with theme.style():
        drawing, axis = plt.subplots(figsize=(7.2, 0.5 * table.height + 0.9))
        labels = []
        for place, row in enumerate(table.iter_rows(named=True)):
            colour, marker = ("orange", "D") if row["low"] > 0.5 else ("green", "s") if row["high"] < 0.5 else ("blue", "o")
            axis.plot([row["low"], row["high"]], [-place, -place], color=theme.light(colour))
            axis.plot(row["higher"], -place, marker, color=theme.light(colour))
            labels.append(f"{row['table']} ({row['tasks']} tasks):\n{named(row['sharp'])} / {named(row['smooth'])}")
        axis.axvline(0.5, color=theme.light("ink"), linestyle="--", linewidth=1)
        axis.set_yticks(-np.arange(table.height), labels, fontsize=8.5)
        axis.set_xlim(0, 1)
        axis.set_xlabel("Share of curves with the higher score under the sharper metric")
        axis.grid(axis="y", visible=False)
    more, less = table.filter(pl.col("low") > 0.5), table.filter(pl.col("high") < 0.5)
    said = "; ".join(f"{r['table']}, {named(r['sharp'])} over {named(r['smooth'])} {r['higher']:.0%}" for r in table.iter_rows(named=True))
    alt = (
        f"On {more.height} of {table.height} pairs of metrics the sharper one has the higher score in more than half of the curves, "
        f"on {less.height} in less, beyond the interval. {said}."
    )
    caption = (
        f"Same outputs, two metrics. The sharper metric scores higher, beyond the interval, on {more.height} of {table.height} pairs. "
        "Dashed: no difference. Intervals of 95 %, whole tasks drawn again."
    )
    return Figure(drawing, alt, caption, table)


def variance(table: pl.DataFrame) -> Figure:
    """Draw what share of the ranked score's variance metric, task and family explain.

    Parameters
    ----------
    table : frame
        From :func:`mirage_lib.analyses.metric_shares.explained`.

    >>> "metric" in variance(metric_shares.explained(5)).alt
    True
    """
    looks = {"metric": ("orange", "D"), "task": ("blue", "o"), "family": ("green", "s"), "pair": ("purple", "^")}
    names = table["table"].unique(maintain_order=True).to_list()
    with theme.style():
        drawing, axis = plt.subplots(figsize=(7.2, 0.72 * len(names) + 1.2))
        for order, (factor, (colour, marker)) in enumerate(looks.items()):
            part = table.filter(pl.col("factor") == factor)
            y = np.array([-names.index(name) for name in part["table"]]) + 0.27 - 0.18 * order
            axis.hlines(y, part["low"], part["high"], color=theme.light(colour), linewidth=1.4)
            label = "task and family together" if factor == "pair" else factor
            axis.plot(part["share"], y, marker, color=theme.light(colour), linestyle="none", label=label)
        axis.axvline(0, color=theme.light("ink"), linewidth=0.8)
        axis.set_yticks(-np.arange(len(names)), [f"{n} ({table.filter(pl.col('table') == n)['metrics'][0]} metrics)" for n in names])
        axis.set_xlabel("Share of the variance of the ranked score (95 % interval)")
        axis.grid(axis="y", visible=False)
        drawing.legend(*axis.get_legend_handles_labels(), loc="outside upper center", ncols=2)
    wide = table.pivot("factor", index="table", values="share")
    said = "; ".join(f"{r['table']} {max(r['metric'], 0):.0%} metric, {max(r['pair'], 0):.0%} pair" for r in wide.iter_rows(named=True))
    wins = wide.filter(pl.col("metric") > pl.col("pair"))["table"].to_list()
    alt = f"Share of variance by metric and by task-family pair: {said}. The metric explains more on: {', '.join(wins) or 'none'}."
    caption = (
        f"The metric explains more than task and family together on {len(wins)} of {len(names)} tables"
        + (f" ({', '.join(wins)})" if wins else "") + ". Omega squared; whole tasks drawn again."
    )
    return Figure(drawing, alt, caption, table)
