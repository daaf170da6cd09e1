"""Resolution views: accuracy on a logarithmic axis, with few and with many test items (Fig. 4)."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib.ticker import NullLocator

from mirage_lib.arithmetic.problems import operation
from mirage_lib.claims import more_data
from mirage_lib.show import figures, theme
from mirage_lib.show.explorer import ALL, Control, Explorer
from mirage_lib.show.figures import Figure
from mirage_lib.show.measuring import legend_above
from mirage_lib.show.views import AXIS, INTERVALS

CHANCES = {"right length": ":", "commonest": "--"}


def item_steps(most: int) -> tuple[int, ...]:
    """Return the numbers of problems that can be shown, and 0 for all if there are more.

    >>> item_steps(1000), item_steps(2500)
    ((100, 1000), (100, 1000, 0))
    """
    steps = tuple(n for n in more_data.STEPS if 0 < n <= most)
    return steps if most in steps else (*steps, 0)


def dots(axis: plt.Axes, curve: pl.DataFrame, colour: str, order: int, label: str | None = None) -> None:
    """Draw measured shares with intervals on a logarithmic axis; hollow marks are upper bounds of zeros.

    Parameters
    ----------
    curve : frame
        With ``n_params, estimate, low, high``.
    order : int
        Picks the symbol.
    """
    ink, mark = theme.light(colour), theme.MARKERS[order % len(theme.MARKERS)]
    curve = curve.sort("n_params")
    seen, none = curve.filter(pl.col("estimate") > 0), curve.filter(pl.col("estimate") == 0)
    axis.plot(
        seen["n_params"], seen["estimate"], color=ink, linewidth=0.8, linestyle=theme.DASHES[order % 5], alpha=0.7
    )
    edges = np.abs(np.stack([seen["estimate"] - seen["low"], seen["high"] - seen["estimate"]]))
    axis.errorbar(
        seen["n_params"], seen["estimate"], edges, color=ink, marker=mark, linestyle="none", elinewidth=1, label=label
    )
    axis.plot(none["n_params"], none["high"], color=ink, marker=mark, linestyle="none", markerfacecolor="none")
    axis.set_yscale("log")
    axis.yaxis.set_minor_locator(NullLocator())


def chance_lines(axis: plt.Axes, task: str, length: int, label: bool = False) -> dict[str, float]:
    """Draw what two guessers reach: a number of the right length, and the commonest answer of that length."""
    levels = more_data.chance(operation(task), length)
    for name, line in CHANCES.items():
        said = f"chance: {name}" if label else None
        axis.axhline(levels[name], color=theme.light("faint"), linestyle=line, linewidth=1, label=said)
    return levels


def items_explorer(table: pl.DataFrame, task: str = "addition", length: int = 5) -> Explorer:
    """Let the reader choose how many different problems every run of the ladder is asked.

    Parameters
    ----------
    table : frame
        From :func:`more_data.by_items`; the steps of :func:`item_steps` are enough.
    task, length : what is shown at the start

    >>> explorer = items_explorer(more_data.by_items())
    >>> explorer.controls[0].value
    'addition, 5 digits'
    """
    seeds = sorted(table["seed"].unique())
    rows = table.with_columns(
        cell=pl.format("{}, {} digits", "task", "group"),
        run=pl.format("seed {}", "seed"),
        items=pl.col("items").cast(pl.String).replace("0", "all"),
    ).select("cell", "run", "items", "n_params", "estimate", "low", "high", "n")
    cells = rows["cell"].unique().sort().to_list()
    steps = [str(n) if n else "all" for n in sorted(table["items"].unique(), key=lambda n: n or np.inf)]
    runs = [f"seed {seed}" for seed in seeds]
    controls = [
        Control("cell", "Problems", f"{task}, {length} digits", [{"value": c, "label": c} for c in cells], "cell"),
        Control(
            "items", "How many, at most", steps[0],
            [{"value": n, "label": f"{int(n):,}" if n != "all" else "all there are"} for n in steps], "items",
        ),
        Control(
            "run", "Training seed", ALL,
            [{"value": ALL, "label": "each"}, *({"value": r, "label": r} for r in runs)], "run",
        ),
        Control("axis", "Vertical axis", "log", AXIS.options),
        INTERVALS,
    ]  # fmt: skip
    return Explorer(
        name="items",
        figure=items_figure(table.filter((pl.col("task") == task) & (pl.col("group") == length))),
        controls=controls,
        rows=rows,
        group={"field": "run", "title": "Training seed", "values": runs},
        metric={"label": "Accuracy", "title": "accuracy", "sign": 1, "log_sign": 1, "domain": [0, 1]},
    )


def items_figure(table: pl.DataFrame) -> Figure:
    """Draw one task and length, the same runs asked ever more problems.

    Parameters
    ----------
    table : frame
        Rows of :func:`more_data.by_items` of one task and length.
    """
    task, length = table["task"][0], table["group"][0]
    steps = sorted(table["items"].unique(), key=lambda n: n or np.inf)
    shown = [steps[0], steps[-1]] if len(steps) < 4 else steps[:4]
    said = []
    with theme.style():
        drawing, axes = plt.subplots(1, len(shown), figsize=(1.2 + 2.1 * len(shown), 3), sharey=True, squeeze=False)
        for axis, wanted in zip(axes[0], shown, strict=True):
            part = table.filter(pl.col("items") == wanted)
            levels = chance_lines(axis, task, length, label=axis is axes[0, 0])
            for order, ((seed,), run) in enumerate(part.group_by("seed", maintain_order=True)):
                dots(axis, run, theme.CATEGORIES[order % 4], order, f"seed {seed}")
            most = part["n"].max()
            figures.size_axis(axis, table["n_params"], "Parameters")
            axis.set_title(f"{most:,} problems", loc="left")
            none = part.filter(pl.col("right") == 0)
            said.append(f"with {most:,} problems {none.height} of {part.height} runs have none right")
        axes[0, 0].set_ylabel("Accuracy (log scale)")
        legend_above(drawing, axes[0, 0], columns=4)
    alt = (
        f"Accuracy of single training runs on {length}-digit answers in {task}, log axis, against size, asked more and "
        f"more problems: {'; '.join(said)}. Always naming the commonest answer is right in {levels['commonest']:.1e}, a "
        f"number of the right length in {levels['right length']:.1e} of the cases."
    )
    caption = (
        f"The same runs ({task}, {length}-digit answers, temperature 0), judged by their first so many problems; larger "
        "models may have been asked fewer. Hollow marks: none right, the mark is an upper bound (exact, 95 %). Bars: "
        "Wilson's intervals. With scripts on, the controls choose task, length, seed and number of problems."
    )
    columns = ["items", "n_params", "seed", "n", "right", "estimate", "low", "high"]
    return Figure(drawing, alt, caption, table.filter(pl.col("items").is_in(shown)).select(columns))


def finest_figure(table: pl.DataFrame) -> Figure:
    """Draw all tasks and lengths at the highest resolution there is, with two kinds of chance.

    Parameters
    ----------
    table : frame
        From :func:`more_data.finest`, every run once.
    """
    cells = [(task, length) for task, lengths in more_data.LONGEST.items() for length in lengths]
    judged = more_data.above_chance(table)
    said = []
    with theme.style():
        drawing, axes = plt.subplots(2, 2, figsize=(7.2, 5.4), sharex=True)
        for axis, (task, length) in zip(axes.flat, cells, strict=True):
            part = judged.filter((pl.col("task") == task) & (pl.col("group") == length))
            chance_lines(axis, task, length, label=axis is axes[0, 0])
            for order, ((seed,), run) in enumerate(part.group_by("seed", maintain_order=True)):
                dots(axis, run, theme.CATEGORIES[order % 4], order, f"seed {seed}")
            figures.size_axis(axis, table["n_params"], "Parameters" if axis in axes[1] else "")
            axis.set_title(f"{task}, {length} digits", loc="left")
            small = part.filter(pl.col("n_params") == part["n_params"].min())
            said.append(
                f"{task}, {length} digits: {part.filter(~pl.col('above commonest')).height} of {part.height} runs are not "
                f"above the commonest answer; the smallest gets {' or '.join(map(str, small['right'].unique().sort()))} "
                f"right of {small['n'].max():,}"
            )
        for axis in axes[:, 0]:
            axis.set_ylabel("Accuracy (log scale)")
        legend_above(drawing, axes[0, 0], columns=4)
    alt = "Accuracy of single runs against size on log axes, four panels. " + "; ".join(said) + "."
    caption = (
        "Counterpart of Fig. 4 on our ladder, run by run. Dotted: one number among all of the right length. Dashed: "
        "always the commonest answer of that length. Hollow marks: none right, upper bound. Bars: 95 % intervals."
    )
    columns = ["task", "group", "n_params", "seed", "n", "right", "estimate", "low", "high", *CHANCES]
    return Figure(drawing, alt, caption, judged.select(columns))


def published_figure() -> Figure:
    """Draw the digitised accuracies of GPT-3 on a logarithmic axis with the dashed lines (Fig. 4).

    >>> "350 million" in published_figure().alt
    True
    """
    table = more_data.published_lowest()
    below = table.filter(~pl.col("above"))
    with theme.style():
        drawing, axes = plt.subplots(1, 2, figsize=(7.2, 3.2), sharey=True)
        for axis, task in zip(axes, ("multiplication", "addition"), strict=True):
            part = table.filter((pl.col("task") == task) & (pl.col("temperature") == 0))
            for (length,), curve in part.group_by("target_str_len", maintain_order=True):
                order = int(length) - 1
                axis.plot(
                    curve["params"], curve["value"], color=theme.light(theme.ORDERED[order]), label=f"{length} digit" + "s" * (length > 1),
                    marker=theme.MARKERS[order], linestyle=theme.DASHES[order],
                )  # fmt: skip
            axis.axhline(part["dashed"][0], color=theme.light("ink"), linestyle="--", linewidth=1)
            longest = max(operation(task).lengths)
            commonest = more_data.chance(operation(task), longest)["commonest"]
            axis.axhline(commonest, color=theme.light("orange"), linestyle=":", linewidth=1.4)
            axis.annotate(f"commonest, {longest} digits", (1.5e10, commonest * 0.5), fontsize=8)
            axis.set_yscale("log")
            axis.yaxis.set_minor_locator(NullLocator())
            figures.size_axis(axis, part["params"], "Parameters")
            axis.set_title(task, loc="left")
        axes[0].set_ylabel("Accuracy (log scale)")
        legend_above(drawing, axes[1], columns=5)
    values = ", ".join(
        f"{row['task']} at temperature {row['temperature']:g}: {row['value']:.1e} against {row['dashed']:.0e}"
        for row in below.iter_rows(named=True)
    )
    alt = (
        f"GPT-3 accuracy at temperature 0 on a log axis, digitised. {table['above'].sum()} of {table.height} readings at "
        f"both temperatures lie above the dashed line. Below it: {values}, all at "
        f"{' and '.join(f'{size / 1e6:.0f} million' for size in sorted(below['params'].unique()))} parameters."
    )
    caption = (
        "Fig. 4 as digitised: the low values from a bitmap, the others from Fig. 3; points only, "
        "the bands were not read. Dashed: the paper's chance line. Dotted: always naming the commonest answer of the longest kind."
    )
    return Figure(drawing, alt, caption, table)
