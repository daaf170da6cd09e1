"""Choice views: accuracy and Brier score of the same answers of public models."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from mirage_lib.analyses import choices, difficulty
from mirage_lib.show import figures, theme
from mirage_lib.show.figures import Figure
from mirage_lib.show.measuring import legend_above

LOOK = {"accuracy": ("orange", "o", "accuracy"), "brier": ("blue", "s", "Brier score")}
DIGITS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def flops_axis(axis: plt.Axes, flops: Sequence[float], label: str = "Training compute, FLOPs") -> None:
    """Make the x axis logarithmic in training compute, one tick a decade as a power of ten."""
    low, high = np.log10(min(flops)), np.log10(max(flops))
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(FixedLocator([10.0**d for d in range(int(np.floor(low)), int(np.ceil(high)) + 1)]))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda x, _: "10" + str(round(np.log10(x))).translate(DIGITS)))
    axis.set_xlim(min(flops) / 1.4, max(flops) * 1.4)
    axis.set_xlabel(label)


def by_compute(tasks: Sequence[str] = ("mmlu", "arithmetic")) -> Figure:
    """Draw both metrics against training compute, families as lines, other models as dots, pooled means as steps.

    >>> by_compute(["arc"]).table.columns[-2:]
    ['accuracy', 'brier']
    """
    table = pl.concat(choices.of(task) for task in tasks)
    names = sorted({name for task in tasks for name in choices.families(task)})
    said = []
    with theme.style():
        drawing, axes = plt.subplots(2, len(tasks), figsize=(4.4 * len(tasks), 6.2), sharex=True, squeeze=False)
        for column, task in enumerate(tasks):
            part, pooled = choices.of(task), choices.half_decades(task)
            for axis, metric in zip(axes[:, column], choices.METRICS, strict=True):
                sign = -1 if metric == "brier" else 1
                rest = part.filter(~pl.col("family").is_in(names))
                axis.plot(rest["flops"], sign * rest[metric], ".", color=theme.light("faint"), label="other models")
                for order, name in enumerate(names):
                    curve = part.filter(pl.col("family") == name).sort("flops")
                    axis.plot(
                        curve["flops"], sign * curve[metric], color=theme.light(theme.CATEGORIES[order % 4]),
                        marker=theme.MARKERS[order % 5], linestyle=theme.DASHES[order % 5], label=name, linewidth=1.2,
                    )  # fmt: skip
                starts = 10 ** pooled["decade"].to_numpy()
                edges = np.append(starts, starts[-1] * 10**choices.WINDOW)
                axis.stairs(sign * pooled[metric].to_numpy(), edges, baseline=None, color=theme.light("ink"), linewidth=2.2,
                            alpha=0.55, label="mean of half a decade")  # fmt: skip
                level = -part["blind"][0] if sign < 0 else part["chance"][0]
                axis.axhline(level, color=theme.light("ink"), linestyle="--", linewidth=1, label="knowing nothing")
            axes[0, column].set_title(f"{choices.TITLES[task]} ({part['n_items'].max():,} items)", loc="left")
            flops_axis(axes[1, column], table["flops"])
            late = pooled.filter(pl.col("models") >= 3)
            rows = [late.row(k, named=True) for k in (0, -2, -1)]
            steps = " to ".join(f"{r['accuracy']:.2f} and {r['brier']:.2f}" for r in rows)
            said.append(f"{choices.TITLES[task]}, accuracy and Brier from the cheapest to the two dearest half-decades of three or more models: {steps}")
        axes[0, 0].set_ylabel("Accuracy")
        axes[1, 0].set_ylabel("− Brier score")
        legend_above(drawing, axes[0, 0], columns=5 if len(tasks) > 1 else 3)
    alt = (
        f"Accuracy above and minus Brier below for {table['model'].n_unique()} public models against training compute. "
        f"{'; '.join(said)}. {_spread(tasks[0], names)}."
    )
    caption = (
        "Both metrics of the same answers of public base models. Lines: families of four or more sizes. Grey steps: means over "
        "half-decades of compute, in which the families change. "
        f"The number of items leaves an error of ±{1.96 * 0.5 / table['n_items'].min() ** 0.5:.2f} at most."
    )
    columns = ["task", "family", "model", "n_params", "tokens_b", "flops", "n_items", "accuracy", "brier"]
    return Figure(drawing, alt, caption, table.select(columns))


def _spread(task: str, names: Sequence[str]) -> str:
    """Say between which accuracies each family moves."""
    ends = []
    for name in names:
        values = choices.of(task).filter(pl.col("family") == name).sort("n_params")["accuracy"]
        if values.len():
            ends.append(f"{name} {values[0]:.2f} to {values[-1]:.2f}")
    return f"Families on {choices.TITLES[task]}, smallest to largest: {', '.join(ends)}"


def mapping_figure() -> Figure:
    """Draw accuracy against the Brier score of the same answers, a panel a task, with the fitted knee.

    >>> mapping_figure().table.height
    9
    """
    tasks = choices.EMERGENT + choices.OTHER
    found = {task: choices.mapping(task) for task in tasks}
    with theme.style():
        drawing, axes = plt.subplots(3, 3, figsize=(8.4, 7.4))
        for axis, task in zip(axes.flat, tasks, strict=True):
            part, fit = choices.of(task, compute=False), found[task]
            colour = "blue" if task in choices.EMERGENT else "green"
            axis.plot(-part["brier"], part["accuracy"], theme.MARKERS[0] if colour == "blue" else theme.MARKERS[2],
                      color=theme.light(colour), markersize=3, linestyle="none")  # fmt: skip
            line = np.linspace(part["brier"].min(), part["brier"].max(), 50)
            axis.plot(-line, fit["floor"] + fit["slope"] * np.clip(fit["knee"] - line, 0, None), color=theme.light("ink"), linewidth=1)
            axis.axvline(-fit["blind"], color=theme.light("ink"), linestyle="--", linewidth=1)
            axis.axvspan(-fit["high"], -fit["low"], color=theme.light("orange"), alpha=0.25, linewidth=0)
            axis.set_title(choices.TITLES[task] + ("" if task in choices.EMERGENT else " (not emergent)"), loc="left", fontsize=9)
        for axis in axes[:, 0]:
            axis.set_ylabel("Accuracy")
        for axis in axes[-1]:
            axis.set_xlabel("− Brier score")
    table = pl.DataFrame([{"task": choices.TITLES[task]} | found[task] for task in tasks])
    emergent = table.head(len(choices.EMERGENT))
    alt = (
        "Nine panels of accuracy against minus Brier score, one mark a model. In all of them accuracy is flat up to a knee and "
        f"a straight line after it, which explains {table['r2'].min():.0%} to {table['r2'].max():.0%} of its variance. On the six "
        "emergent tasks the knee lies at "
        + ", ".join(f"{r['task']} {r['knee']:.2f} (knowing nothing {r['blind']:.2f})" for r in emergent.iter_rows(named=True))
        + "."
    )
    caption = (
        "Accuracy hangs on the Brier score by a bent line. Dashed: the Brier score of equal probabilities. Band: the knee, 95 % "
        "over resampled families. One mark is one model; green tasks are not called emergent."
    )
    return Figure(drawing, alt, caption, table)


def shares_figure(draws: int = 300) -> Figure:
    """Draw what share of each pooled climb lies in its steepest half-decade of compute, under both metrics.

    >>> shares_figure(draws=5).table.height
    27
    """
    tasks = choices.EMERGENT + choices.OTHER
    rows = []
    for task in tasks:
        for metric, (share, low, high) in choices.concentration(task, draws).items():
            rows.append((choices.TITLES[task], metric, share, low, high))
    table = pl.DataFrame(rows, schema=["task", "metric", "share", "low", "high"], orient="row")
    even = choices.even_share()
    shown = table.filter(pl.col("metric") != "difference")
    with theme.style():
        drawing, axis = plt.subplots(figsize=(7, 4.2))
        for shift, (metric, (colour, mark, label)) in zip((0.15, -0.15), LOOK.items(), strict=True):
            part = shown.filter(pl.col("metric") == metric)
            edges = np.clip(np.stack([part["share"] - part["low"], part["high"] - part["share"]]), 0, None)
            axis.errorbar(part["share"], np.arange(len(tasks))[::-1] + shift, xerr=edges, color=theme.light(colour), marker=mark,
                          linestyle="none", elinewidth=1, label=label)  # fmt: skip
        axis.axvline(even, color=theme.light("faint"), linestyle=":", label="even climb")
        axis.axhline(len(choices.OTHER) - 0.5, color=theme.light("faint"), linewidth=0.8)
        axis.set_yticks(range(len(tasks))[::-1], [choices.TITLES[task] for task in tasks])
        axis.set(xlim=(0, 1.02), xlabel="Share of the climb within the steepest half-decade")
        legend_above(drawing, axis)
    gaps = table.filter(pl.col("metric") == "difference")
    apart = gaps.filter(pl.col("low") > 0)["task"].to_list()
    values = {m: shown.filter(pl.col("metric") == m)["share"] for m in LOOK}
    alt = (
        f"Share of nine pooled climbs in their steepest half-decade of compute: accuracy {values['accuracy'].min():.0%} to "
        f"{values['accuracy'].max():.0%}, Brier {values['brier'].min():.0%} to {values['brier'].max():.0%}, an even climb {even:.0%}. "
        f"Brier's share is smaller beyond the interval of the difference for {', '.join(apart) if apart else 'no task'}."
    )
    caption = (
        "How much of the climb over all models is made within a factor of three of compute. Bars: 95 % over resampled families. "
        "Below the line: tasks that are not called emergent."
    )
    return Figure(drawing, alt, caption, table)


def groups_figure(tasks: Sequence[str] = ("mmlu", "arithmetic", "hellaswag")) -> Figure:
    """Draw how ten groups of items move with compute among the cheaper models, easiest group first.

    >>> groups_figure(["arc"]).table.height
    10
    """
    table = pl.concat(difficulty.early_slopes(task).with_columns(task=pl.lit(choices.TITLES[task])) for task in tasks)
    with theme.style():
        drawing, axes = plt.subplots(1, len(tasks), figsize=(2.9 * len(tasks), 3.2), sharey=True, squeeze=False)
        for axis, task in zip(axes[0], tasks, strict=True):
            part = table.filter(pl.col("task") == choices.TITLES[task])
            for side, (colour, mark) in {True: ("blue", "^"), False: ("orange", "v")}.items():
                these = part.filter((pl.col("slope") > 0) == side)
                edges = np.clip(np.stack([these["slope"] - these["low"], these["high"] - these["slope"]]), 0, None)
                axis.errorbar(these["group"], these["slope"], edges, color=theme.light(colour), marker=mark, linestyle="none",
                              elinewidth=1, label="better with compute" if side else "worse with compute")  # fmt: skip
            axis.axhline(0, color=theme.light("ink"), linewidth=1)
            axis.set(title=choices.TITLES[task], xlabel="Group of items (1 easiest)", xticks=range(1, 11))
        axes[0][0].set_ylabel("Gain in − Brier\nfor ten times the compute")
        legend_above(drawing, axes[0][0])
    said = []
    for task in tasks:
        part = table.filter(pl.col("task") == choices.TITLES[task])
        said.append(f"{choices.TITLES[task]} {part['slope'][0]:+.2f} in the easiest group, {part['slope'][-1]:+.2f} in the hardest")
    alt = f"Change of minus Brier for ten times the compute, models below 3 × 10²² FLOPs: {'; '.join(said)}."
    caption = (
        "Groups of items of one task move apart. Models below 3 × 10²² FLOPs; bars: 95 % over resampled families. The groups were "
        "made from the same models' scores, which alone makes easy ones fall and hard ones rise."
    )
    return Figure(drawing, alt, caption, table.select("task", "group", "slope", "low", "high", "level"))
