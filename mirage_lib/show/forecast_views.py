"""Forecast views: how sharp and how foreseeable the same answers are under each metric."""

from __future__ import annotations

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

from mirage_lib import metrics
from mirage_lib.show import theme
from mirage_lib.show.figures import Figure, Table
from mirage_lib.show.measuring import legend_above

SOURCES = {"ladder": "our ladder", "GPT-3": "GPT-3, as digitised"}
TOP = 1e5
"""Scores are drawn up to here; an infinite one is an arrow."""


def emergence_scores(report: pl.DataFrame, temperature: float = 0) -> Figure:
    """Draw the emergence score by target length and metric, one panel an operation and source.

    Parameters
    ----------
    report : frame
        From :func:`mirage_lib.analyses.evidence.report`.
    temperature : float
        Which answers to show.

    >>> from mirage_lib.analyses import evidence
    >>> "sharper than nineteen in twenty smooth ones" in emergence_scores(evidence.report(draws=50)).alt
    True
    """
    shown = report.filter((pl.col("temperature") == temperature) & (pl.col("score") > 0))

    def draw(axis: plt.Axes, part: pl.DataFrame, places: np.ndarray, colour: str, marker: str, label: str) -> None:
        score, low, high = (np.clip(part[name].to_numpy(), 0.5, TOP) for name in ("score", "low", "high"))
        axis.vlines(places, low, high, color=colour, linewidth=1.6)
        axis.plot(places, score, color=colour, marker=marker, linestyle="none", label=label)
        null = part["null_high"].to_numpy()
        axis.plot(places, null, color=theme.light("faint"), marker="_", markersize=9, linestyle="none")
        endless = high >= TOP
        if endless.any():
            axis.plot(places[endless], high[endless], color=colour, marker=6, linestyle="none")

    drawing = _panels(shown, "Emergence score (log scale)", draw)
    for axis in drawing.axes:
        axis.set_yscale("log")
    highest = shown.group_by("source", maintain_order=True).agg(pl.col("high").max().clip(upper_bound=TOP))
    for axis, high in zip(drawing.axes[:: len(drawing.axes) // highest.height], highest["high"], strict=True):
        axis.set_ylim(0.8, 2 * high)
    ends = _ranges(shown, "score", _number)
    sharp = "; ".join(
        f"{SOURCES.get(source, source)}, {metrics.get(name).label}: {(part['exceedance'] < 0.05).sum()} of {part.height}"
        for (source, name), part in shown.group_by("source", "metric", maintain_order=True)
    )
    alt = (
        f"Emergence score by target length, metric, operation and source, on a log axis with 95 % intervals. Scores "
        f"range as follows. {ends}. The highest upper end of an interval is {_number(shown['high'].max())}. Curves "
        f"sharper than nineteen in twenty smooth ones: {sharp}."
    )
    caption = (
        f"Emergence score by metric (temperature {temperature:g}); bars: 95 % intervals; an arrow: without an upper "
        "end. Grey dash: what one in twenty smooth curves with the same sizes and noise exceeds. GPT-3: numbers of "
        "answers inferred, one training run a size."
    )
    columns = ["source", "task", "group", "metric", "score", "low", "high", "infinite", "null_high", "exceedance", "halfway"]
    return Figure(drawing, alt, caption, shown.select(columns))


def forecast_errors(report: pl.DataFrame, temperature: float = 0) -> Figure:
    """Draw by how much the largest models miss their forecast, and the naive forecast beside it.

    Parameters
    ----------
    report : frame
        From :func:`mirage_lib.analyses.evidence.report`.
    temperature : float
        Which answers to show.

    >>> from mirage_lib.analyses import evidence
    >>> "naive forecast" in forecast_errors(evidence.report(draws=50)).alt
    True
    """
    shown = report.filter((pl.col("temperature") == temperature) & pl.col("miss").is_not_null())

    def draw(axis: plt.Axes, part: pl.DataFrame, places: np.ndarray, colour: str, marker: str, label: str) -> None:
        axis.vlines(places, part["miss_low"], part["miss_high"], color=colour, linewidth=1.6)
        axis.plot(places, part["miss"], color=colour, marker=marker, linestyle="none", label=label)
        axis.plot(
            places, part["naive"], color=colour, marker=marker, markersize=6, markerfacecolor="none", linestyle="none"
        )

    drawing = _panels(shown, "Miss, share of the range", draw)
    for axis in drawing.axes:
        axis.set_ylim(-0.03, max(1.05, min(1.5, float(shown["miss_high"].max()) + 0.05)))
    wins = "; ".join(
        f"{SOURCES.get(source, source)}, {metrics.get(name).label}: {(part['skill'] > 0).sum()} of {part.height}"
        for (source, name), part in shown.group_by("source", "metric", maintain_order=True)
    )
    held = sorted(shown["held"].unique())
    over = int(shown["cut"].sum())
    alt = (
        f"Miss of the forecast of the largest {_models(held)} as a share of the curve's range, by target length, "
        f"metric, operation and source, with 95 % intervals. Misses range as follows. {_ranges(shown, 'miss', '{:.0%}'.format)}. "
        f"Curves on which the fit misses by less than the naive forecast: {wins}. On {over} of {shown.height} curves "
        "the fit led beyond the best possible value and was cut to it."
    )
    shapes = ", ".join(
        f"{metrics.get(name).label}: {shape}"
        for name, shape in shown.select("metric", "shape").unique(maintain_order=True).iter_rows()
    )
    caption = (
        f"How far the largest {_models(held)} {'lies' if held == [1] else 'lie'} from what the smaller ones foretell ({shapes}); bars: 95 % "
        'intervals. Hollow: the naive forecast, "like the last one". A fit that leads beyond the best possible value '
        "is cut to it."
    )
    columns = ["source", "task", "group", "metric", "shape", "cut", "predicted", "observed", "error", "error_low"]
    columns += ["error_high", "miss", "miss_low", "miss_high", "naive", "skill", "skill_low", "skill_high"]
    return Figure(drawing, alt, caption, shown.select(columns))


def table(report: pl.DataFrame, temperature: float = 0) -> Table:
    """Write score and forecast error of every curve with their intervals.

    >>> from mirage_lib.analyses import evidence
    >>> table(evidence.report(draws=20)).table.columns[:4]
    ['source', 'operation', 'length', 'metric']
    """
    rows = []
    for row in report.filter(pl.col("temperature") == temperature).iter_rows(named=True):
        line = {
            "source": SOURCES.get(row["source"], row["source"]),
            "operation": row["task"],
            "length": row["group"],
            "metric": metrics.get(row["metric"]).label,
            "score (95 %)": _with_interval(row, "score", "low", "high", _number),
            "smooth null": _number(row["null_high"]),
            "a smooth curve scores as high": f"{row['exceedance']:.1%}",
            "climb at half way": "" if row["halfway"] is None else f"{row['halfway']:.0%}",
        }
        if row["miss"] is not None:
            line |= {
                "forecast by": row["shape"] + (", cut" if row["cut"] else ""),
                "error (95 %)": _with_interval(row, "error", "error_low", "error_high", "{:+.2f}".format),
                "miss (95 %)": _with_interval(row, "miss", "miss_low", "miss_high", "{:.0%}".format),
                "naive miss": f"{row['naive']:.0%}",
                "line's interval": f"{row['width']:.1f} ranges, {'holds' if row['within'] else 'misses'}",
                "skill (95 %)": _with_interval(row, "skill", "skill_low", "skill_high", _signed),
            }
        rows.append(line)
    held = _models(sorted(report["held"].drop_nulls().unique()))
    caption = (
        f"Emergence score and forecast error of the largest {held} (temperature {temperature:g}). Climb at half way: "
        "how much of it is made at the middle of the log sizes; a straight line has 50 %, a late leap less. Error: observed less "
        "predicted, up being better. Miss: its size as a share of the curve's range. Skill: one less miss over naive "
        "miss. Cut: the fit led beyond the best possible value and was cut to it. Line's interval: how wide the 95 % "
        "prediction interval of a straight line through the smaller models is, and whether it holds the largest one."
    )
    return Table(pl.DataFrame(rows), caption)


def _panels(shown: pl.DataFrame, label: str, draw: Callable) -> plt.Figure:
    """One panel a source (row) and operation (column); metrics side by side at each target length."""
    sources = shown["source"].unique(maintain_order=True).to_list()
    tasks = sorted(shown["task"].unique(), reverse=True)
    names = [name for name in theme.METRIC_LOOK if name in shown["metric"].unique()]
    with theme.style():
        drawing, axes = plt.subplots(
            len(sources), len(tasks), figsize=(3.6 * len(tasks), 0.6 + 2.6 * len(sources)), squeeze=False,
            sharex="col", sharey="row",
        )  # fmt: skip
        for across, source in zip(axes, sources, strict=True):
            for axis, task in zip(across, tasks, strict=True):
                panel = shown.filter((pl.col("source") == source) & (pl.col("task") == task))
                for k, name in enumerate(names):
                    part = panel.filter(pl.col("metric") == name).sort("group")
                    places = part["group"].to_numpy() + 0.17 * (k - (len(names) - 1) / 2)
                    colour, marker = theme.METRIC_LOOK[name]
                    draw(axis, part, places, theme.light(colour), marker, metrics.get(name).label)
                axis.set_title(f"{task}, {SOURCES.get(source, source)}", loc="left")
                axis.set_xticks(sorted(panel["group"].unique()))
                axis.grid(axis="x", visible=False)
            across[0].set_ylabel(label)
        for axis in axes[-1]:
            axis.set_xlabel("Target length (characters)")
        legend_above(drawing, axes[0][0], columns=2)
    return drawing


def _ranges(shown: pl.DataFrame, column: str, write: Callable[[float], str]) -> str:
    """Smallest and largest value by source and metric, in words."""
    return "; ".join(
        f"{SOURCES.get(source, source)}, {metrics.get(name).label}: {write(part[column].min())} to "
        f"{write(part[column].max())}"
        for (source, name), part in shown.group_by("source", "metric", maintain_order=True)
    )


def _with_interval(row: dict, value: str, low: str, high: str, write: Callable[[float], str]) -> str:
    return f"{write(row[value])} ({write(row[low])} to {write(row[high])})"


def _number(value: float) -> str:
    """A score: three digits, or "infinite".

    >>> [_number(x) for x in (2.8134, 9582.4, float("inf"))]
    ['2.8', '9,582', 'infinite']
    """
    if not np.isfinite(value):
        return "infinite" if value > 0 else "minus infinite"
    return f"{value:,.1f}" if abs(value) < 100 else f"{value:,.0f}"


def _signed(value: float) -> str:
    """A skill; far below zero its size says no more than that the naive forecast hardly missed.

    >>> [_signed(x) for x in (0.714, -0.2, -350.0, float("-inf"))]
    ['0.71', '-0.20', 'below -10', 'below -10']
    """
    return f"{value:.2f}" if value >= -10 else "below -10"


def _models(held: list[int]) -> str:
    return " or ".join("model" if k == 1 else f"{k} models" for k in held)
