"""Length views: accuracy and edit distance against the length of the target, and what stands behind them."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from mirage_lib.analyses import matching, places
from mirage_lib.analyses.matching import Effect
from mirage_lib.show import figures, theme
from mirage_lib.show.explorer import Control, Explorer
from mirage_lib.show.figures import Figure
from mirage_lib.show.measuring import legend_above
from mirage_lib.show.views import ALL_SEEDS, AXIS, INTERVALS

SHOWN = 4
"""Models that one panel shows."""
CELL = "{}, {} digits"


def spread(values: list, count: int = SHOWN) -> list:
    """Pick ``count`` values, the first, the last and others evenly between.

    >>> spread([1, 2, 3, 4, 5, 6, 7])
    [1, 3, 5, 7]
    """
    if len(values) <= count:
        return list(values)
    return [values[round(k * (len(values) - 1) / (count - 1))] for k in range(count)]


def against_length(fitted: pl.DataFrame, task: str) -> Figure:
    """Draw accuracy (log axis) and edit distance against target length, with the fitted laws.

    Parameters
    ----------
    fitted : frame
        From :func:`mirage_lib.analyses.lengths.fits`, of both sources. Shown are GPT-3's models at temperature 0, and of
        the ladder the lowest seed of a few sizes.
    """
    part = fitted.filter((pl.col("task") == task) & (pl.col("temperature") == 0))
    ours = part.filter(pl.col("source") == "ladder").filter(pl.col("seed") == pl.col("seed").min())
    ours = ours.filter(pl.col("n_params").is_in(spread(sorted(ours["n_params"].unique()))))
    panels = {"GPT-3": part.filter(pl.col("source") == "GPT-3"), "our ladder": ours}
    said = []
    with theme.style():
        drawing, axes = plt.subplots(2, 2, figsize=(7.2, 5.6), sharex=True, sharey="row")
        for column, (name, models) in enumerate(panels.items()):
            for order, ((size,), one) in enumerate(models.group_by("n_params", maintain_order=True)):
                _one_model(axes[:, column], one, order, theme.in_words(size))
                said.append(
                    f"{name}, {theme.in_words(size)}: accuracy {one['accuracy'][0]:.2g} to {one['accuracy'][-1]:.2g}, "
                    f"edit distance {one['distance'][0]:.2f} to {one['distance'][-1]:.2f}"
                )
            axes[0, column].set_title(name, loc="left")
            axes[0, column].set_yscale("log")
            axes[0, column].yaxis.set_minor_locator(NullLocator())
            axes[1, column].set_xlabel("Target length")
            axes[1, column].set_xticks(sorted(part["length"].unique()))
            axes[0, column].legend(loc="lower left", fontsize=8)
        axes[0, 0].set_ylabel("Accuracy (log scale)")
        axes[1, 0].set_ylabel("Edit distance")
    alt = f"{task}: accuracy on a log axis and edit distance, from the shortest to the longest target. {'; '.join(said)}."
    caption = (
        f"{task.capitalize()}, temperature 0, single models. Marks: measured, bars: 95 % intervals (GPT-3: digitised, "
        "intervals inferred). Hollow: none right, upper bound. Lines: the geometric and the linear law fitted to each."
    )
    columns = "source n_params length n accuracy low high geometric off distance line gap_off".split()
    return Figure(drawing, alt, caption, pl.concat(panels.values()).select(columns))


def _one_model(axes: np.ndarray, one: pl.DataFrame, order: int, label: str) -> None:
    """Draw one model: accuracy above, edit distance below, each with its law."""
    ink, mark, dash = theme.light(theme.ORDERED[order]), theme.MARKERS[order], theme.DASHES[order]
    look = {"color": ink, "marker": mark, "linestyle": "none"}
    seen, none = one.filter(pl.col("accuracy") > 0), one.filter(pl.col("accuracy") == 0)
    bars = np.abs(np.stack([seen["accuracy"] - seen["low"], seen["high"] - seen["accuracy"]]))
    axes[0].errorbar(seen["length"], seen["accuracy"], bars, elinewidth=1, label=label, **look)
    axes[0].plot(none["length"], none["high"], markerfacecolor="none", **look)
    axes[0].plot(one["length"], one["geometric"].clip(1e-6), color=ink, linestyle=dash, linewidth=1)
    axes[1].errorbar(one["length"], one["distance"], 2 * one["error"], elinewidth=1, **look)
    axes[1].plot(one["length"], one["line"], color=ink, linestyle=dash, linewidth=1)


def by_place(outputs: pl.DataFrame, cells: tuple[tuple[str, int], ...]) -> Figure:
    """Draw the share of right characters at every place, mean over seeds, for a few sizes.

    Parameters
    ----------
    cells : tuple of (task, length)
    """
    sizes = spread(sorted(outputs["n_params"].unique()), 5)
    wanted = pl.any_horizontal([(pl.col("task") == task) & (pl.col("group") == length) for task, length in cells])
    table = places.accuracies(outputs.filter(wanted & pl.col("n_params").is_in(sizes)))
    table = table.group_by("task", "group", "n_params", "place").agg(pl.col("accuracy").mean()).sort(pl.all())
    said = []
    with theme.style():
        drawing, axes = plt.subplots(1, len(cells), figsize=(3.4 * len(cells), 3.2), sharey=True, squeeze=False)
        for axis, (task, length) in zip(axes[0], cells, strict=True):
            here = table.filter((pl.col("task") == task) & (pl.col("group") == length))
            for order, ((size,), one) in enumerate(here.group_by("n_params", maintain_order=True)):
                look = {"marker": theme.MARKERS[order], "linestyle": theme.DASHES[order], "label": theme.in_words(size)}
                axis.plot(one["place"], one["accuracy"], color=theme.light(theme.ORDERED[order]), **look)
            middle = here.filter(pl.col("n_params") == sizes[len(sizes) // 2])
            shown = ", ".join(f"{x:.2f}" for x in middle["accuracy"])
            said.append(f"{task}, {length} digits, {theme.in_words(sizes[len(sizes) // 2])} parameters: {shown}")
            axis.set(xlabel="Place, from the left", xticks=range(1, length + 1), ylim=(0, 1.03))
            axis.set_title(CELL.format(task, length), loc="left")
        axes[0, 0].set_ylabel("Share of right characters")
        legend_above(drawing, axes[0, 0], columns=5)
    alt = f"Share of right characters by place; the places differ widely. From first to last place: {'; '.join(said)}."
    caption = "Share of answers with the right character at each place, mean over training seeds. One line a size."
    return Figure(drawing, alt, caption, table)


def typical_run(outputs: pl.DataFrame, task: str, length: int) -> pl.DataFrame:
    """Return the outputs of the run whose accuracy is the median of those between 0.05 and 0.95.

    The run that stands there is the lower of the two middle ones, if their number is even.

    Raises
    ------
    ValueError
        If no run lies between.

    >>> from mirage_lib.outputs import load
    >>> typical_run(load("arithmetic-ladder"), "multiplication", 4)["seed"].n_unique()
    1
    """
    cell = outputs.filter((pl.col("task") == task) & (pl.col("group") == length))
    runs = cell.group_by("n_params", "seed").agg(accuracy=(pl.col("target") == pl.col("output")).mean())
    inner = runs.filter(pl.col("accuracy").is_between(0.05, 0.95)).sort("accuracy", "n_params", "seed")
    if inner.is_empty():
        raise ValueError(f"no run has an accuracy between 0.05 and 0.95 in {task} with {length} digits")
    return cell.join(inner[(inner.height - 1) // 2].select("n_params", "seed"), on=["n_params", "seed"])


def prefixes(outputs: pl.DataFrame, cells: tuple[tuple[str, int], ...]) -> Figure:
    """Draw how often the first k characters are all right, beside what independence would give.

    One typical run a task; see :func:`typical_run`.
    """
    kinds = (
        ("right", "all k right", "orange"),
        ("places", "product of the places", "blue"),
        ("power", "mean place to the k", "green"),
    )
    said, tables = [], []
    with theme.style():
        drawing, axes = plt.subplots(1, len(cells), figsize=(3.4 * len(cells), 3.2), sharey=True, squeeze=False)
        for axis, (task, length) in zip(axes[0], cells, strict=True):
            table = places.prefixes(typical_run(outputs, task, length))
            for order, (column, label, colour) in enumerate(kinds):
                look = {"marker": theme.MARKERS[order], "linestyle": theme.DASHES[order], "label": label}
                axis.plot(table["k"], table[column], color=theme.light(colour), **look)
            last = table.row(-1, named=True)
            axis.set(xlabel="First k characters", xticks=range(1, length + 1), yscale="log")
            ticks = [step * 10.0**decade for decade in range(-4, 1) for step in (1, 2, 5)]
            axis.yaxis.set_major_locator(FixedLocator(ticks))
            axis.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axis.yaxis.set_minor_locator(NullLocator())
            run = f"{theme.in_words(last['n_params'])}, seed {last['seed']}"
            axis.set_title(f"{CELL.format(task, length)}\n{run}", loc="left")
            said.append(
                f"{task} ({run}), all {length} right: {last['right']:.3f}, product of places {last['places']:.3f}, "
                f"mean place to the power {last['power']:.3f}"
            )
            tables.append(table)
        axes[0, 0].set_ylabel("Share of answers (log scale)")
        legend_above(drawing, axes[0, 0], columns=3)
    alt = f"Share of answers whose first k characters are right, against k, log axis. {'; '.join(said)}."
    caption = "The same problems throughout; only how much of the answer counts grows. One run a panel, typical by its accuracy."
    return Figure(drawing, alt, caption, pl.concat(tables))


def independence_explorer(outputs: pl.DataFrame, task: str, length: int, draws: int = 200) -> Explorer:
    """Let the reader compare accuracy with what independent characters would give, at every target length.

    Parameters
    ----------
    task, length : what is shown at the start

    >>> from mirage_lib.outputs import load
    >>> some = load("arithmetic-ladder").filter(pl.col("group") == 4)
    >>> independence_explorer(some, "addition", 4, draws=20).group["values"][0]
    'observed'
    """
    rows = places.independence(outputs, draws).with_columns(cell=pl.format(CELL, "task", "group"))
    cells = rows.select("task", "group", "cell").unique().sort("task", "group")["cell"].to_list()
    runs = [ALL_SEEDS, *({"value": str(s), "label": f"seed {s}"} for s in sorted(outputs["seed"].unique()))]
    start = CELL.format(task, length)
    controls = [
        Control("cell", "Problems", start, [{"value": c, "label": c} for c in cells], "cell"),
        Control("run", "Training seeds", places.MEAN, runs, "run"),
        AXIS,
        INTERVALS,
    ]
    shown = rows.filter((pl.col("cell") == start) & (pl.col("run") == places.MEAN))
    columns = ["cell", "run", "kind", "n_params", "estimate", "low", "high", "n"]
    return Explorer(
        name="lengths",
        figure=_independence_figure(shown.select(columns)),
        controls=controls,
        rows=rows.select(columns),
        group={"field": "kind", "title": "Accuracy", "values": list(places.KINDS)},
        metric={"label": "Accuracy", "title": "accuracy", "sign": 1, "log_sign": 1, "domain": [0, 1]},
    )


def _independence_figure(rows: pl.DataFrame) -> Figure:
    """The static face of the explorer: three curves on a linear and on a log axis."""
    said = []
    with theme.style():
        drawing, axes = plt.subplots(1, 2, figsize=(7.2, 3.2))
        for order, kind in enumerate(places.KINDS):
            curve = rows.filter(pl.col("kind") == kind).sort("n_params")
            said.append(f"{kind} {curve['estimate'].min():.2g} to {curve['estimate'].max():.2g}")
            for axis, scale in zip(axes, ("linear", "log"), strict=True):
                part = curve if scale == "linear" else curve.filter(pl.col("estimate") > 0)
                part = part.with_columns(low=pl.col("low").clip(1e-6))
                figures.line(axis, part, ("orange", "blue", "green")[order], order, label=kind)
        for axis, scale in zip(axes, ("linear", "log"), strict=True):
            axis.set_yscale(scale)
            axis.set_title(f"{scale} axis", loc="left")
            figures.size_axis(axis, rows["n_params"].to_list(), "Parameters")
        axes[1].set_ylim(bottom=max(rows.filter(pl.col("estimate") > 0)["estimate"].min() / 2, 1e-6))
        axes[0].set_ylabel("Accuracy")
        legend_above(drawing, axes[0], columns=3)
    alt = f"{rows['cell'][0]}, mean over seeds: accuracy against size beside two forms of independence. {'; '.join(said)}."
    caption = (
        f"{rows['cell'][0].capitalize()}: accuracy, the product of each place's own accuracy, and the mean place to the "
        "power L; means over training seeds, 95 % bands. On the log axis zeros have no place. With scripts on, the "
        "controls choose operation, target length, seed and axis."
    )
    return Figure(drawing, alt, caption, rows)


def matched(effects: dict[str, tuple[Effect, Effect]]) -> Figure:
    """Draw every run's accuracy on the longer against the shorter target, all problems and matched ones.

    Parameters
    ----------
    effects : dict
        For each task the effect over all problems and over matched ones, as
        :func:`mirage_lib.claims.lengths.effects` returns.
    """
    said, tables = [], []
    with theme.style():
        drawing, axes = plt.subplots(1, len(effects), figsize=(3.6 * len(effects), 3.7), sharey=True, squeeze=False)
        for axis, (task, pair) in zip(axes[0], effects.items(), strict=True):
            short, long = matching.LENGTHS[task]
            axis.plot([0, 1], [0, 1], color=theme.light("faint"), linewidth=1, linestyle=":")
            looks = (("all problems", "faint", "x"), ("matched problems", "orange", "o"))
            for one, (label, colour, mark) in zip(pair, looks, strict=True):
                dots = {"linestyle": "none", "marker": mark, "color": theme.light(colour), "label": label}
                axis.plot(one.by_run["others"], one.by_run["exposed"], alpha=0.75, **dots)
                said.append(f"{task}, {label}: {one.estimate:+.3f} ({one.low:+.3f} to {one.high:+.3f})")
                tables.append(one.by_run.select(pl.lit(task).alias("task"), pl.lit(label).alias("problems"), pl.all()))
            axis.set(xlabel=f"Accuracy, {short} digits", ylabel=f"Accuracy, {long} digits")
            axis.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
            axis.set_title(task, loc="left")
        legend_above(drawing, axes[0, 0], columns=2)
    alt = (
        "Accuracy of every run on the longer against the shorter targets. Mean difference, longer minus shorter, with "
        f"95 % interval: {'; '.join(said)}."
    )
    caption = "One mark a training run. On the dotted line length makes no difference; below it the longer target is worse."
    return Figure(drawing, alt, caption, pl.concat(tables))
