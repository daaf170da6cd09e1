"""LaMDA views: Fig. 6 drawn again, with what its points can carry."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

from mirage_lib import curves
from mirage_lib.bigbench import lamda
from mirage_lib.claims import brier
from mirage_lib.show import figures, theme
from mirage_lib.show.figures import Figure
from mirage_lib.show.measuring import legend_above

LOOK = {"multiple_choice_grade": ("orange", "o", "multiple choice grade"), "brier": ("blue", "s", "Brier score")}
SHOTS = {2: ("blue", 0), 3: ("orange", 1)}
ROWS = (("multiple_choice_grade", "Multiple choice grade"), ("brier", "− Brier score"))


def with_intervals() -> pl.DataFrame:
    """Points of Fig. 6 with 95 % intervals for the items that were asked, and the reading error on top.

    Wilson's interval for a grade. For a Brier score the widest that a mean of scores between 0 and 1 can
    have: 1.96 standard errors of ``sqrt(b (1 - b) / n)``.

    Returns
    -------
    Frame with ``task, metric, shots, n_params, estimate, low, high, n``.

    >>> with_intervals().filter((pl.col("low") > pl.col("estimate")) | (pl.col("high") < pl.col("estimate"))).height
    0
    """
    rows = []
    for row in lamda.published().iter_rows(named=True):
        value, n = row["score"], row["n_items"]
        if row["metric"] == "brier":
            half = 1.96 * np.sqrt(value * (1 - value) / n)
            low, high = value - half, value + half
        else:
            low, high = curves.wilson(value * n, n)
        low, high = max(0.0, low - lamda.READING), min(1.0, high + lamda.READING)
        rows.append((row["task"], row["metric"], row["shots"], row["n_params"], value, low, high, n))
    names = "task metric shots n_params estimate low high n".split()
    return pl.DataFrame(rows, schema=names, orient="row").sort(names[:4])


def figure6() -> Figure:
    """Draw Fig. 6 again: four tasks, both metrics of the same outputs, two and three shots.

    >>> figure6().table.height
    96
    """
    table = with_intervals()
    said = []
    with theme.style():
        drawing, axes = plt.subplots(2, 4, figsize=(9.2, 5.0), sharex=True)
        for column, (task, known) in enumerate(lamda.TASKS.items()):
            for axis, (metric, label) in zip(axes[:, column], ROWS, strict=True):
                sign = -1 if metric == "brier" else 1
                for shots, (colour, order) in SHOTS.items():
                    here = (pl.col("task") == task) & (pl.col("metric") == metric) & (pl.col("shots") == shots)
                    curve = table.filter(here).with_columns(pl.col("n_params") * (1.06 if order else 0.94))
                    _marks(axis, curve, colour, order, f"{shots} shots", sign)
                if metric == "brier":
                    axis.axhline(-lamda.blind(known.choices, "mean over choices"), color=theme.light("ink"), linestyle="--", linewidth=1)
                else:
                    axis.axhline(1 / known.choices, color=theme.light("ink"), linestyle="--", linewidth=1)
                if column == 0:
                    axis.set_ylabel(label)
            axes[0, column].set_title(f"{known.title}\n{known.items:,} items, {known.choices} choices", loc="left", fontsize=9)
            figures.size_axis(axes[1, column], table["n_params"], "Parameters")
            axes[0, column].set_ylim(0, 0.85)
            axes[1, column].set_ylim(-0.5, 0)
            last = table.filter((pl.col("task") == task) & (pl.col("shots") == 2)).sort("n_params")
            said.append(f"{known.title}, 2 shots: " + " and ".join(_ends(last, metric) for metric, _ in ROWS))
        legend_above(drawing, axes[0, 0])
    worse = table.filter(pl.col("metric") == "brier").with_columns(
        blind=pl.col("task").replace_strict({t: lamda.blind(k.choices, "mean over choices") for t, k in lamda.TASKS.items()})
    )
    behind = worse.filter(pl.col("estimate") > pl.col("blind"))
    alt = (
        "Eight panels: four LaMDA tasks under multiple choice grade above and minus Brier score below, six sizes. From 27B "
        f"to 128B: {'; '.join(said)}. {behind.height} of {worse.height} Brier scores are worse than equal probabilities."
    )
    caption = (
        "LaMDA (BIG-G) after Fig. 6 of the paper, as digitised to ±0.005. Bars: 95 % for the items asked (Wilson; for Brier the "
        "widest possible) and the reading error. Dashed: blind guessing; for Brier, equal probabilities, averaged over choices."
    )
    return Figure(drawing, alt, caption, table)


def _marks(axis: plt.Axes, curve: pl.DataFrame, colour: str, order: int, label: str, sign: int) -> None:
    ink = theme.light(colour)
    x, y = curve["n_params"].to_numpy(), sign * curve["estimate"].to_numpy()
    edges = np.stack([curve["estimate"] - curve["low"], curve["high"] - curve["estimate"]])
    axis.plot(x, y, color=ink, linestyle=theme.DASHES[order], linewidth=1)
    axis.errorbar(
        x, y, edges if sign > 0 else edges[::-1], color=ink, marker=theme.MARKERS[order], linestyle="none",
        elinewidth=0.8, markersize=4, label=label,
    )  # fmt: skip


def _ends(part: pl.DataFrame, metric: str) -> str:
    values = part.filter(pl.col("metric") == metric)["estimate"]
    return f"{'grade' if metric != 'brier' else 'Brier'} {values[-2]:.2f} to {values[-1]:.2f}"


def scores_figure() -> Figure:
    """Draw the emergence scores of Fig. 6's curves beside what smooth curves of six such points score.

    >>> scores_figure().table.height
    16
    """
    table = brier.lamda_scores()
    rows = table.select("task", "shots").unique().sort("task", "shots").rows()
    with theme.style():
        drawing, axis = plt.subplots(figsize=(7, 3.8))
        for metric, (colour, mark, label) in LOOK.items():
            part = table.filter(pl.col("metric") == metric).sort("task", "shots")
            y = np.arange(len(rows))[::-1] + (0.16 if metric != "brier" else -0.16)
            edges = np.abs(np.stack([part["score"] - part["low"], part["high"] - part["score"]]))
            ink = theme.light(colour)
            axis.errorbar(part["score"], y, xerr=edges, color=ink, marker=mark, linestyle="none", elinewidth=1, label=label)
            axis.plot(part["null_high"], y, "|", color=theme.light("ink"), markersize=11, markeredgewidth=2,
                      label="one smooth curve in twenty is beyond" if metric == "brier" else None)  # fmt: skip
        axis.axvline(table["straight"].max(), color=theme.light("faint"), linestyle=":", label="straight line, no noise")
        axis.set_yticks(range(len(rows))[::-1], [f"{lamda.TASKS[t].title}, {s} shots" for t, s in rows])
        axis.set_xscale("symlog", linthresh=10, linscale=1.2)
        axis.set_xticks([-10, -5, 0, 5, 10, 20, 40], ["−10", "−5", "0", "5", "10", "20", "40"])
        axis.set_xlabel("Emergence score (logarithmic beyond 10)")
        legend_above(drawing, axis, columns=2)
    above = table.filter(pl.col("exceedance") < brier.LEVEL)
    names = [
        f"{lamda.TASKS[r['task']].title} {r['shots']} shots {'Brier' if r['metric'] == 'brier' else 'grade'} ({r['score']:.1f} "
        f"against {r['null_high']:.1f})"
        for r in above.iter_rows(named=True)
    ]
    alt = (
        f"Emergence scores of sixteen curves of Fig. 6, from {table['score'].min():.1f} to {table['score'].max():.1f}. Above their "
        f"smooth null: {', '.join(names)}. A straight line at these six sizes scores {table['straight'].max():.0f}."
    )
    caption = (
        "Emergence scores of Fig. 6's curves. Bars: what the reading error alone does to the score. Upright strokes: what one in "
        "twenty smooth curves with the same six sizes and items exceeds."
    )
    return Figure(drawing, alt, caption, table)


def power_table() -> pl.DataFrame:
    """Lay the test's chance to see a perfect step out for reading: one row a task, shots joined by their mean.

    >>> power_table().height
    4
    """
    table = brier.power().group_by("task", "metric", "noise").agg(pl.col("seen").mean())
    columns = {
        "grade": (pl.col("metric") != "brier"),
        "Brier, widest noise": (pl.col("metric") == "brier") & (pl.col("noise") == 1),
        "Brier, a third of it": (pl.col("metric") == "brier") & (pl.col("noise") < 1),
    }
    titles = {task: known.title for task, known in lamda.TASKS.items()}
    return (
        table.group_by("task")
        .agg(pl.col("seen").filter(which).first().alias(name) for name, which in columns.items())
        .sort("task")
        .with_columns(pl.col("task").replace_strict(titles))
    )
