"""Source views: the same experiment from several sources side by side, model, published and ours."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
from typing import Any

import numpy as np
import polars as pl

from mirage_lib import curves, metrics, replicates, theory
from mirage_lib.show import figures, theme
from mirage_lib.show.explorer import ALL, Control, Explorer, metric_options
from mirage_lib.show.figures import Figure
from mirage_lib.show.views import AXIS, INTERVALS

METRICS = ("exact_match", "token_edit_distance")
SOURCES = {"GPT-3": "GPT-3, as digitised", "ladder": "our ladder"}


def gpt3_curve(draws: int = 1000) -> pl.DataFrame:
    """The digitised GPT-3 points of Fig. 3 as curves, with the intervals that :func:`replicates.published` infers.

    Returns
    -------
    Frame with ``task, group, temperature, metric, n_params, estimate, low, high, n``, a distance being a
    distance again; ``n`` is inferred.

    >>> gpt3_curve(draws=10)["metric"].unique().sort().to_list()
    ['exact_match', 'token_edit_distance']
    """
    rows = []
    for cell in replicates.published(draws=draws):
        sign = -1 if metrics.get(cell.metric).better == "lower" else 1
        ends = np.quantile(sign * cell.draws, [0.025, 0.975], axis=0)
        n = replicates.ANSWERS[cell.task, cell.group]
        for size, value, low, high in zip(cell.sizes, sign * cell.values, *ends, strict=True):
            rows.append((cell.task, cell.group, cell.temperature, cell.metric, round(size), value, low, high, n))
    names = "task group temperature metric n_params estimate low high n".split()
    return pl.DataFrame(rows, schema=names, orient="row")


def figure3(outputs: pl.DataFrame, task: str) -> Figure:
    """Draw the counterpart of Fig. 3 for one operation: the model, GPT-3 and ours under two metrics.

    Parameters
    ----------
    outputs : frame
        Text outputs of one family at temperature 0.
    task : str
        ``multiplication`` or ``addition``.

    >>> from mirage_lib.outputs import load
    >>> small = load("arithmetic-ladder").filter(pl.col("group") < 3)
    >>> figure3(small, "addition").table["source"].n_unique()
    2
    """
    ours = pl.concat(curves.curve(outputs.filter(pl.col("task") == task), name) for name in METRICS)
    theirs = gpt3_curve().filter((pl.col("task") == task) & (pl.col("temperature") == 0))
    columns = [name for name in theirs.columns if name != "temperature"]
    seen = pl.concat(
        part.select(pl.lit(source).alias("source"), *columns) for source, part in (("GPT-3", theirs), ("ladder", ours))
    )
    lengths = sorted(seen["group"].unique())
    sizes = np.logspace(8, 12, 25)
    p = theory.token_probability(sizes)
    with theme.style():
        drawing, axes = plt.subplots(2, 3, figsize=(7.6, 5), sharey="row")
        for length in lengths:
            look: dict[str, Any] = {"color": theme.light(theme.ORDERED[length - 1]), "linestyle": theme.DASHES[length - 1]}
            look |= {"marker": theme.MARKERS[length - 1], "markersize": 4, "markevery": 3}
            axes[0, 0].plot(sizes, theory.accuracy(p, length), **look)
            axes[1, 0].plot(sizes, -theory.edit_distance(p, length), label=f"{length}", **look)
        for column, source in enumerate(SOURCES, start=1):
            for row, name in enumerate(METRICS):
                part = seen.filter((pl.col("source") == source) & (pl.col("metric") == name))
                for (length,), curve in part.group_by("group", maintain_order=True):
                    order = int(length) - 1
                    figures.line(axes[row, column], curve, theme.ORDERED[order], order, sign=1 - 2 * row)
                figures.size_axis(axes[row, column], part["n_params"], "Parameters" if row else "")
        for axis, title in zip(axes[0], ("mathematical model", *SOURCES.values()), strict=True):
            axis.set_title(title, loc="left")
        for row, label in enumerate(("Accuracy", "− Token edit distance")):
            figures.size_axis(axes[row, 0], sizes, "Parameters" if row else "")
            axes[row, 0].set_ylabel(label)
        axes[1, 0].legend(title="target length", ncols=2, fontsize=8)
    alt = f"Six panels for {task}: the model, GPT-3 and our ladder, accuracy above, minus edit distance below. " + ". ".join(
        _spoken(part, source) for (source,), part in seen.group_by("source", maintain_order=True)
    )
    runs = ours["n_seeds"]
    caption = (
        f"Counterpart of Fig. 3, {task}: the same answers under accuracy (top) and token edit distance (bottom, up is "
        "better), temperature 0. GPT-3: points digitised from the paper to about three digits, bands from numbers of "
        f"answers that we inferred. Ladder: 95 % intervals over {theme.span(runs)} training seeds and over problems, "
        f"{theme.span(ours['n'])} answers a mark."
    )
    return Figure(drawing, alt + ".", caption, seen)


def _spoken(part: pl.DataFrame, source: str) -> str:
    """First and last value of the longest targets under both metrics."""
    longest = part.filter(pl.col("group") == part["group"].max()).sort("n_params")
    said = []
    for (name,), curve in longest.group_by("metric", maintain_order=True):
        values = curve["estimate"]
        said.append(f"{metrics.get(name).label.lower()} from {values[0]:.2g} to {values[-1]:.2f}")
    return f"{SOURCES[source]}, {longest['group'][0]} digits: {' and '.join(said)}"


def source_explorer(tables: Sequence[pl.DataFrame], name: str = "sources", length: int = 4) -> Explorer:
    """Let the reader change source, task, metric, temperature and target length.

    Parameters
    ----------
    tables : frames
        Text outputs of the ladder, one a temperature.
    length : int
        The target length shown at the start.

    >>> from mirage_lib.outputs import load
    >>> some = load("arithmetic-ladder").filter(pl.col("group") == 4)
    >>> source_explorer([some]).rows["source"].unique().sort().to_list()
    ['GPT-3', 'ladder']
    """
    columns = "source task group temperature metric n_params estimate low high n".split()
    parts = [gpt3_curve().with_columns(source=pl.lit("GPT-3")).select(columns)]
    for table in tables:
        for metric in METRICS:
            ours = curves.curve(table, metric, draws=300).with_columns(source=pl.lit("ladder"))
            parts.append(ours.select(columns))
    rows = pl.concat(parts).with_columns(pl.format("{}", pl.col("temperature").cast(pl.Int64)).alias("temperature"))
    lengths, temperatures = sorted(rows["group"].unique()), sorted(rows["temperature"].unique())
    tasks = sorted(rows["task"].unique(), reverse=True)
    controls = [
        Control("source", "Source", "GPT-3", [{"value": k, "label": v} for k, v in SOURCES.items()], "source"),
        Control("metric", "Metric", METRICS[0], metric_options(list(METRICS), rows), "metric"),
        Control("task", "Task", tasks[0], [{"value": t, "label": t} for t in tasks], "task"),
        Control(
            "length", "Target length", ALL,
            [{"value": ALL, "label": "every length"}, *({"value": str(n), "label": f"{n} digits"} for n in lengths)],
            "group",
        ),
        Control(
            "temperature", "Temperature", temperatures[0], [{"value": t, "label": t} for t in temperatures], "temperature"
        ),
        AXIS,
        INTERVALS,
    ]  # fmt: skip
    start = rows.filter((pl.col("source") == "GPT-3") & (pl.col("task") == tasks[0]) & (pl.col("group") == length))
    return Explorer(
        name=name,
        figure=_temperatures(start, f"{tasks[0]}, {length} digits"),
        controls=controls,
        rows=rows,
        group={"field": "group", "title": "Target length", "values": lengths},
    )


def _temperatures(rows: pl.DataFrame, what: str) -> Figure:
    """The static face: GPT-3 under both metrics at each temperature."""
    said = []
    with theme.style():
        drawing, axes = plt.subplots(1, 2, figsize=(6.8, 2.9))
        for axis, name in zip(axes, METRICS, strict=True):
            sign = -1 if metrics.get(name).better == "lower" else 1
            part = rows.filter(pl.col("metric") == name).sort("n_params")
            for order, (heat, colour) in enumerate((("0", "blue"), ("1", "orange"))):
                curve = part.filter(pl.col("temperature") == heat)
                figures.line(axis, curve, colour, order, f"temperature {heat}", sign)
                values = curve["estimate"]
                said.append(f"{metrics.get(name).label} at temperature {heat} from {values[0]:.2g} to {values[-1]:.2f}")
            figures.size_axis(axis, part["n_params"])
            axis.set_ylabel(("− " if sign < 0 else "") + metrics.get(name).label)
        axes[0].legend()
    alt = f"GPT-3 ({what}), as digitised, at two temperatures. {'; '.join(said)}."
    caption = (
        f"GPT-3 as digitised ({what}) under both metrics and at both temperatures; bands from inferred numbers of "
        "answers. With scripts on, the controls change source, metric, task, target length and temperature."
    )
    return Figure(drawing, alt, caption, rows)
