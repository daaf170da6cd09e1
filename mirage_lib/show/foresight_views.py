"""Foresight views: forecasts beside what came, the leaderboard, and when intervals hold what they say."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

from mirage_lib.forecasting import families, leaderboard, scoring
from mirage_lib.forecasting.cases import Curve
from mirage_lib.forecasting.methods import BASELINE, METHODS
from mirage_lib.forecasting.simulated import HOLDS, coverage
from mirage_lib.show import figures, theme
from mirage_lib.show.explorer import Control, Explorer
from mirage_lib.show.figures import Figure
from mirage_lib.show.measuring import legend_above

LOOK = {"last": ("faint", "v"), "sigmoid": ("orange", "o"), "two-stage": ("blue", "s"), "counts": ("green", "^"), "items": ("purple", "D")}
SHORT = {
    "last": "like the last one", "line": "line", "power": "power law of the gap", "sigmoid": "sigmoid", "broken": "line with a knee",
    "counts": "power law from counts", "two-stage": "smooth first, then accuracy", "items": "easy and hard items",
}  # fmt: skip
GROUPS = {
    "sharp": "Sharp metrics, all", "turned into sharp": "Sharp metrics that have a smooth partner", "smooth": "Smooth metrics",
}  # fmt: skip
SEEN, HELD, AHEAD = "seen", "held out", "forecast"


def find(source: str, task: str, metric: str = "", family: str = "") -> Curve:
    """Find one curve by its names; the first that fits.

    Raises
    ------
    KeyError
        If none fits.

    >>> find("pythia-addition", "sums of two digits").family
    'Pythia'
    """
    for curve in families.curves_of(source):
        if curve.task == task and curve.metric.startswith(metric) and curve.family.startswith(family):
            return curve
    raise KeyError(f"no curve of {source!r} on {task!r} under {metric!r}: look at families.curves_of({source!r})")


def cases_figure(chosen: list[tuple[str, Curve]], methods: tuple[str, ...] = ("last", "sigmoid", "two-stage", "counts")) -> Figure:
    """Draw some curves, the largest model held out, with forecasts and their 90 % intervals.

    >>> curve = find("pythia-addition", "sums of two digits")
    >>> "held out" in cases_figure([("Pythia", curve)], ("last", "line")).alt
    True
    """
    rows = []
    with theme.style():
        across = min(2, len(chosen))
        down = -(-len(chosen) // across)
        drawing, axes = plt.subplots(down, across, figsize=(4.2 * across, 0.5 + 2.7 * down), squeeze=False)
        for axis, (title, curve) in zip(axes.flat, chosen, strict=False):
            axis.plot(curve.sizes[:-1], curve.values[:-1], color=theme.light("ink"), marker="o", linewidth=1, label="smaller models")
            axis.plot(
                curve.sizes[-1], curve.values[-1], color=theme.light("ink"), marker="o", markerfacecolor="none", linestyle="none",
                markersize=9, label="held out",
            )  # fmt: skip
            usable = [name for name in methods if METHODS[name].applies(curve)]
            wide = curve.sizes[-1] / curve.sizes[0]
            for k, name in enumerate(usable):
                _, observed = scoring.forecast(curve, name)
                low, middle, high = np.quantile(observed[:, 0], [0.05, 0.5, 0.95])
                colour, marker = LOOK.get(name, ("purple", "D"))
                x = curve.sizes[-1] * wide ** (0.035 * (k + 1))
                axis.vlines(x, low, high, color=theme.light(colour), linewidth=2)
                axis.plot(x, middle, color=theme.light(colour), marker=marker, linestyle="none", label=SHORT.get(name, name))
                named = {"curve": title, "method": SHORT.get(name, name)}
                rows.append(named | {"forecast": middle, "low": low, "high": high, "held out": curve.values[-1]})
            figures.size_axis(axis, curve.sizes if curve.source != "olmo" else curve.sizes * 1e21, "Parameters (log scale)")
            axis.set_xlim(curve.sizes[0] / 1.3, curve.sizes[-1] * wide ** (0.035 * (len(usable) + 1.5)))
            axis.set_title(title, loc="left", fontsize=9)
        for axis in list(axes.flat)[len(chosen) :]:
            axis.set_visible(False)
        # A single panel is too narrow for three columns of labels.
        legend_above(drawing, max(axes.flat, key=lambda axis: len(axis.get_legend_handles_labels()[1])), columns=1 + across)
    table = pl.DataFrame(rows)
    caught = table.filter((pl.col("low") <= pl.col("held out")) & (pl.col("held out") <= pl.col("high"))).height
    alt = (
        f"{len(chosen)} curves with the largest model held out and up to {len(methods)} forecasts of it. {caught} of {table.height} intervals hold it; "
        f"the held-out scores go from {table['held out'].min():.2f} to {table['held out'].max():.2f}, "
        f"the forecasts from {table['forecast'].min():.2f} to {table['forecast'].max():.2f}."
    )
    return Figure(drawing, alt, "Filled circles were seen; the open one was not. Bars are 90 % intervals for it, drawn beside it.", table)


def board_figure(board: pl.DataFrame) -> Figure:
    """Draw each method's gain over "like the last one", with its interval, by group of metrics.

    Parameters
    ----------
    board : frame
        From :func:`mirage_lib.forecasting.leaderboard.board`.
    """
    shown = board.filter(pl.col("method") != BASELINE)
    groups = [group for group in GROUPS if group in shown["group"]]
    least, most = -1.0, 0.6
    with theme.style():
        heights = [shown.filter(pl.col("group") == group).height for group in groups]
        drawing, axes = plt.subplots(
            len(groups), 1, figsize=(7.0, 0.9 + 0.34 * sum(heights)), sharex=True, squeeze=False, height_ratios=heights
        )
        for axis, group in zip(axes[:, 0], groups, strict=True):
            part = shown.filter(pl.col("group") == group)
            places = np.arange(part.height)
            axis.hlines(places, part["low"].clip(least, most), part["high"].clip(least, most), color=theme.light("blue"), linewidth=2)
            axis.plot(part["gain"].clip(least, most), places, "o", color=theme.light("blue"))
            axis.axvline(0, color=theme.light("ink"), linewidth=1, linestyle="--")
            axis.set_yticks(places, [f"{SHORT.get(name, name)} ({n})" for name, n in part.select("method", "tasks").iter_rows()], fontsize=8)
            axis.set_ylim(part.height - 0.4, -0.6)
            axis.set_xlim(least, most)
            axis.set_title(GROUPS[group], loc="left", fontsize=9)
        axes[-1, 0].set_xlabel("Gain over \"like the last one\" (right: better)")
    above = shown.filter(pl.col("low") > 0)
    alt = (
        f"Gain of {shown['method'].n_unique()} methods over like the last one, in {len(groups)} groups of metrics, with 95 % intervals. The best gains are "
        + "; ".join(f"{group}: {part['gain'].max():.0%}" for (group,), part in shown.group_by("group", maintain_order=True))
        + f". {above.height} of {shown.height} intervals lie above zero."
    )
    table = board.select("group", pl.col("label").alias("method"), "gain", "low", "high", "wins", "covered", "curves", "tasks", "sources")
    caption = (
        "By how much the CRPS is smaller than that of \"like the last one\", with 95 % intervals over sources and tasks; in brackets "
        "the number of tasks. Ends beyond the frame are cut."
    )
    return Figure(drawing, alt, caption, table)


def sources_figure(methods: tuple[str, ...] = ("last", "sigmoid", "two-stage"), horizon: str = "near") -> Figure:
    """Draw the CRPS of some methods source by source, on the sharp curves that have a smooth partner.

    >>> "two-stage" in LOOK
    True
    """
    part = scoring.table(*methods).filter(pl.col("partner"), pl.col("group") == "sharp", pl.col("horizon") == horizon)
    tasks = part.group_by("source", "task", "method").agg(pl.col("crps").mean())
    means = tasks.group_by("source", "method").agg(pl.col("crps").mean(), tasks=pl.len())
    means = means.pivot(on="method", index=["source", "tasks"], values="crps").sort("source")
    with theme.style():
        drawing, axis = plt.subplots(figsize=(7.0, 0.9 + 0.45 * means.height))
        places = np.arange(means.height)
        for name, shift in zip(methods, np.linspace(-0.15, 0.15, len(methods)), strict=True):
            colour, marker = LOOK[name]
            axis.plot(means[name], places + shift, marker, color=theme.light(colour), label=SHORT[name], linestyle="none", markersize=8)
        axis.set_yticks(places, [f"{families.LABELS[source]} ({n})" for source, n in means.select("source", "tasks").iter_rows()], fontsize=9)
        axis.set_ylim(means.height - 0.5, -0.5)
        axis.set_xlim(0, None)
        axis.set_xlabel("CRPS as a share of the curve's range (left: better)")
        legend_above(drawing, axis, columns=3)
    better = means.filter(pl.col("two-stage") < pl.col("sigmoid"))["source"].to_list()
    least, most = means.select(methods).min().min_horizontal()[0], means.select(methods).max().max_horizontal()[0]
    alt = (
        f"CRPS of {len(methods)} methods on {means.height} sources whose sharp metrics have a smooth partner, from {least:.2f} to {most:.2f} "
        f"of the range. Going through the smooth metric is better than the sigmoid on {len(better)} of them: "
        f"{', '.join(families.LABELS[one] for one in better) or 'none'}."
    )
    return Figure(drawing, alt, "Whether the detour through the smooth metric pays depends on the family. In brackets the number of tasks.", means)


def pairs_figure(pairs: pl.DataFrame) -> Figure:
    """Draw how well each sharp curve and its smooth partner were foretold, against each other.

    Parameters
    ----------
    pairs : frame
        From :func:`mirage_lib.claims.forecasting.smooth_and_sharp`.
    """
    looks = zip(sorted(pairs["source"].unique()), ("blue", "orange", "green", "purple", "order3"), theme.MARKERS, strict=False)
    floor = 1e-3
    with theme.style():
        drawing, axis = plt.subplots(figsize=(6.2, 4.6))
        for source, colour, marker in looks:
            part = pairs.filter(pl.col("source") == source)
            axis.plot(
                part["smooth"].clip(floor), part["crps"].clip(floor), marker, color=theme.light(colour), alpha=0.6, linestyle="none",
                label=families.LABELS[source],
            )  # fmt: skip
        axis.plot([floor, 3], [floor, 3], color=theme.light("ink"), linestyle="--", linewidth=1)
        axis.set(xscale="log", yscale="log")
        axis.set(xlabel="CRPS of the smooth metric, share of its range", ylabel="CRPS of the sharp metric, share of its range")
        for side in (axis.xaxis, axis.yaxis):
            side.set_major_formatter("{x:g}")
        legend_above(drawing, axis, columns=2)
    above = pairs.filter(pl.col("crps") > pl.col("smooth")).height
    alt = (
        f"For {pairs.height} pairs of a sharp metric and its smooth partner, the miss of one against that of the other. "
        f"In {above} the smooth one is foretold better; medians {pairs['smooth'].median():.2f} and {pairs['crps'].median():.2f} of the range."
    )
    return Figure(drawing, alt, "Above the dashed line the smooth metric was foretold better than the sharp one of the same models.", pairs)


def coverage_figure(replicates: int = 150) -> Figure:
    """Draw how often 90 % intervals hold the next model: simulated as assumed, on a cliff, and on real families.

    >>> coverage_figure(4).table.columns
    ['method', 'as assumed', 'on a cliff', 'real, sharp', 'real, smooth']
    """
    real = {group: leaderboard.board("near").filter(pl.col("group") == group) for group in ("sharp", "smooth")}
    rows = []
    for name, truth in HOLDS.items():
        known = {group: part.filter(pl.col("method") == name)["covered"] for group, part in real.items()}
        rows.append({
            "method": SHORT[name], "as assumed": coverage(name, truth, replicates), "on a cliff": coverage(name, "cliff", 20),
            **{f"real, {group}": found[0] if len(found) else None for group, found in known.items()},
        })  # fmt: skip
    table = pl.DataFrame(rows, infer_schema_length=None)
    looks = {"as assumed": ("green", "s"), "real, smooth": ("blue", "^"), "real, sharp": ("orange", "o"), "on a cliff": ("ink", "v")}
    with theme.style():
        drawing, axis = plt.subplots(figsize=(7.0, 0.9 + 0.36 * table.height))
        places = np.arange(table.height)
        for column, (colour, marker) in looks.items():
            axis.plot(table[column], places, marker, color=theme.light(colour), label=column, linestyle="none", markersize=8)
        axis.axvline(scoring.NOMINAL, color=theme.light("ink"), linewidth=1, linestyle="--")
        axis.set_yticks(places, table["method"].to_list(), fontsize=9)
        axis.set_ylim(table.height - 0.5, -0.5)
        axis.set_xlim(-0.03, 1.03)
        axis.set_xlabel("Share of 90 % intervals that hold the next model")
        legend_above(drawing, axis, columns=4)
    alt = (
        f"Coverage of nominal 90 % intervals of {table.height} methods. Simulated as each assumes: {table['as assumed'].min():.0%} "
        f"to {table['as assumed'].max():.0%}. On a simulated cliff: at most {table['on a cliff'].max():.0%}. Real sharp curves: {table['real, sharp'].min():.0%} to {table['real, sharp'].max():.0%}."
    )
    return Figure(drawing, alt, "Intervals hold what they say where their assumptions hold (squares). On real families most are too narrow.", table)


def _picked() -> list[tuple[str, Curve]]:
    """Of each source the sharp and the smooth curve with the largest range, as a share of the metric's."""
    picked = []
    for source in families.SOURCES:
        for group in ("sharp", "smooth"):
            some = [one for one in families.curves_of(source) if one.group == group and families.worth(one)]
            if some:
                best = max(some, key=_reach)
                picked.append((f"{best.family}: {best.task}, {best.metric.replace('_', ' ')}", best))
    return picked


def _reach(curve: Curve) -> float:
    whole = curve.high - curve.low
    return float(np.ptp(curve.values)) / (whole if np.isfinite(whole) else float(np.abs(curve.values).max()))


def explorer(start: str = "two-stage") -> Explorer:
    """Let the reader choose a curve and a method, and see the smaller models, the forecast with its interval, and the truth."""
    rows = []
    picked = _picked()
    for key, (_, curve) in enumerate(picked):
        unit = 1e21 if curve.source == "olmo" else 1.0
        base: list[tuple[object, ...]] = [(SEEN, float(x * unit), float(y), float(y), float(y)) for x, y in zip(curve.sizes[:-1], curve.values[:-1], strict=True)]
        base.append((HELD, float(curve.sizes[-1] * unit), *[float(curve.values[-1])] * 3))
        for name, method in METHODS.items():
            own = list(base)
            if method.applies(curve) and name in SHORT:
                low, middle, high = np.quantile(scoring.forecast(curve, name)[1][:, 0], [0.05, 0.5, 0.95])
                last = (AHEAD, float(curve.sizes[-2] * unit), *[float(curve.values[-2])] * 3)
                own += [last, (AHEAD, float(curve.sizes[-1] * unit), float(middle), float(low), float(high))]
            names = ("part", "n_params", "estimate", "low", "high")
            rows += [{"curve": str(key), "method": name, "n": 0} | dict(zip(names, one, strict=True)) for one in own]
    controls = [
        Control("curve", "Curve", "0", [{"value": str(k), "label": label} for k, (label, _) in enumerate(picked)], "curve"),
        Control("method", "Method", start, [{"value": name, "label": label} for name, label in SHORT.items()], "method"),
    ]
    metric = {"sign": 1, "log_sign": 1, "title": "score (up is better)", "label": "Score", "spoken": "score"}
    face = cases_figure([picked[0]], tuple(LOOK))
    face.caption = (
        f"One of {len(picked)} curves, the largest of each source, which the controls choose (with scripts off: {picked[0][0]}, with several forecasts). "
        "The wedge from the last model seen is the 90 % interval of the forecast."
    )
    return Explorer(
        name="foresight", figure=face, controls=controls, rows=pl.DataFrame(rows),
        group={"field": "part", "title": "", "values": [SEEN, HELD, AHEAD]}, metric=metric,
        x_title="Parameters or training FLOPs (log scale)",
    )  # fmt: skip
