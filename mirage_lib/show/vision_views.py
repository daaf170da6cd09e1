"""Vision views: networks of several sizes, seed by seed and on average, beside what the paper printed.

The pieces take a *networks* frame, ``n_params, seed, estimate`` and a row a network, of any metric, so that
the chapters on the three architectures share them.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

from mirage_lib import subsets
from mirage_lib.show import figures, theme
from mirage_lib.show.explorer import Control, Explorer
from mirage_lib.show.figures import Figure
from mirage_lib.show.measuring import legend_above
from mirage_lib.show.views import ALL_SEEDS, AXIS, INTERVALS

MEAN, MEDIAN = "mean", "median"
NUDGE = 0.025
"""How far marks of neighbouring seeds are moved apart, in natural logarithms of size."""


def seeds_figure(networks: pl.DataFrame, label: str, dead: str = "gives every picture the same answer") -> Figure:
    """Draw every network as a mark, with mean (and its interval over seeds) and median over them.

    Parameters
    ----------
    networks : frame
        With ``n_params, seed, estimate``; where it has ``dead``, such networks get a cross.
    label : str
        Of the vertical axis.
    dead : str
        What a cross says of a network.

    >>> some = pl.DataFrame({"n_params": [9, 9, 99, 99], "seed": [0, 1, 0, 1], "estimate": [0.1, 0.2, 0.8, 0.9]})
    >>> seeds_figure(some, "Accuracy").table.columns
    ['n_params', 'mean', 'low', 'high', 'median', 'least', 'most', 'seeds', 'dead']
    """
    if "dead" not in networks.columns:
        networks = networks.with_columns(dead=pl.lit(False))
    means = subsets.over_seeds(networks.select("n_params", "seed", "estimate")).sort("n_params")
    other = networks.group_by("n_params").agg(median=pl.col("estimate").median(), dead=pl.col("dead").sum())
    table = means.join(other, on="n_params").rename({"estimate": "mean"}).sort("n_params")
    table = table.select("n_params", "mean", "low", "high", "median", "least", "most", "seeds", "dead")
    shift = pl.col("n_params") * ((pl.col("seed") - pl.col("seed").mean()) * NUDGE / pl.col("seed").max().clip(1)).exp()
    marks = networks.with_columns(x=shift)
    with theme.style():
        drawing, axis = plt.subplots(figsize=(6.4, 3.8))
        for is_dead, mark, colour, name in ((False, "o", "blue", "one network"), (True, "x", "orange", dead)):
            part = marks.filter(pl.col("dead") == is_dead)
            face = "none" if mark == "o" else theme.light(colour)
            look = {"edgecolors": theme.light(colour)} if mark == "o" else {}
            if part.height:
                axis.scatter(part["x"], part["estimate"], 22, facecolors=face, marker=mark, linewidths=1, label=name, **look)
        figures.line(axis, means, "ink", 0, "mean over seeds")
        ink = theme.light("purple")
        axis.plot(table["n_params"], table["median"], color=ink, linestyle=theme.DASHES[1], marker="D", label="median")
        figures.size_axis(axis, table["n_params"].to_list())
        axis.set_ylabel(label)
        legend_above(drawing, axis, columns=2)
    wide = table.with_columns(span=pl.col("most") - pl.col("least")).sort("span").row(-1, named=True)
    first, last = table.row(0, named=True), table.row(-1, named=True)
    alt = (
        f"{label} of {networks.height} networks of {table.height} sizes. The mean goes from {first['mean']:.2f} to {last['mean']:.2f}, "
        f"the median from {first['median']:.2f} to {last['median']:.2f}. Seeds differ most at {wide['n_params']:,} parameters, "
        f"from {wide['least']:.2f} to {wide['most']:.2f}."
    )
    gone = int(table["dead"].sum())
    alt += f" Of all, {gone} {'is' if gone == 1 else 'are'} marked by a cross: {dead}." if gone else ""
    caption = (
        f"Every mark is one network; {wide['seeds']} seeds a size. Band: 95 % interval of the mean over seeds. "
        + ("Where the networks fall into two groups, the mean describes few of them." if gone else "")
    )
    return Figure(drawing, alt, caption, table)


def compared(published: pl.DataFrame, ours: pl.DataFrame, by: Sequence[str] = ("curve",)) -> pl.DataFrame:
    """Lay published points beside ours: each goes with our size nearest to it in logarithms.

    Parameters
    ----------
    published : frame
        ``x, y`` and the columns of ``by``.
    ours : frame
        ``n_params, estimate``, where there are intervals ``low, high``, and the columns of ``by``.

    Returns
    -------
    Frame with ``by, size, published, ours, low, high, difference``, the last ours minus published.

    >>> theirs = pl.DataFrame({"curve": ["a"], "x": [99.0], "y": [0.5]})
    >>> compared(theirs, pl.DataFrame({"curve": ["a"], "n_params": [100], "estimate": [0.25]}))["difference"].to_list()
    [-0.25]
    """
    rows = []
    for point in published.iter_rows(named=True):
        same = ours.filter([pl.col(name) == point[name] for name in by])
        if same.is_empty():
            raise ValueError(f"nothing of ours for {[point[name] for name in by]}: take those points out")
        near = same.sort((pl.col("n_params").log() - np.log(point["x"])).abs()).row(0, named=True)
        row = {name: point[name] for name in by} | {"size": near["n_params"], "published": point["y"]}
        row |= {"ours": near["estimate"], "low": near.get("low"), "high": near.get("high")}
        rows.append(row | {"difference": near["estimate"] - point["y"]})
    return pl.DataFrame(rows, infer_schema_length=None)


def beside_published(table: pl.DataFrame, label: str, by: str = "curve") -> Figure:
    """Draw published points and ours at the same sizes, a panel for each curve.

    Parameters
    ----------
    table : frame
        From :func:`compared`.
    """
    names = table[by].unique(maintain_order=True).to_list()
    with theme.style():
        drawing, axes = plt.subplots(1, len(names), figsize=(max(3.4 * len(names), 4.6), 3.2), squeeze=False, sharey=True)
        for axis, name in zip(axes[0], names, strict=True):
            part = table.filter(pl.col(by) == name).sort("size")
            ours = part.select(pl.col("size").alias("n_params"), pl.col("ours").alias("estimate"), "low", "high")
            theirs = part.select(pl.col("size").alias("n_params"), pl.col("published").alias("estimate"))
            figures.line(axis, theirs, "orange", 1, "as digitised from the paper")
            figures.line(axis, ours, "blue", 0, "ours, mean over seeds")
            figures.size_axis(axis, part["size"].to_list(), "Parameters (log scale)")
            axis.set_title(str(name), loc="left")
        axes[0, 0].set_ylabel(label)
        legend_above(drawing, axes[0, 0], columns=2)
    far = table.sort(pl.col("difference").abs()).row(-1, named=True)
    alt = (
        f"{label}, published and ours, at {table.height} points. The largest difference is {far['difference']:+.2f} "
        f"({far[by]}, {far['size']:,} parameters: published {far['published']:.2f}, ours {far['ours']:.2f})."
    )
    return Figure(drawing, alt, f"{label} as published and as we got it, with 95 % bands over our seeds.", table)


def mimicked(
    theirs: pl.DataFrame, title: str, x_label: str, y_label: str, ours: dict[str, pl.DataFrame], label: str
) -> Figure:
    """Draw a published emergent curve beside curves of our networks.

    Parameters
    ----------
    theirs : frame
        ``x, y``, as digitised.
    ours : dict
        Title of a panel to a frame with ``n_params, estimate, low, high``.
    label : str
        Of the vertical axis of ours.
    """
    with theme.style():
        drawing, axes = plt.subplots(1, 1 + len(ours), figsize=(3 * (1 + len(ours)), 3.1))
        theirs = theirs.sort("x")
        axes[0].plot(theirs["x"], theirs["y"], color=theme.light("orange"), marker="s", linestyle=theme.DASHES[1])
        axes[0].set_xscale("log")
        axes[0].set(xlabel=x_label, ylabel=y_label, ylim=(0, None))
        axes[0].set_title(title, loc="left")
        axes[0].minorticks_off()
        for axis, (name, curve) in zip(axes[1:], ours.items(), strict=True):
            figures.line(axis, curve, "blue")
            figures.size_axis(axis, curve["n_params"].to_list(), "Parameters (log scale)")
            axis.set_title(name, loc="left")
            axis.set_ylim(0, 1.02)
        axes[1].set_ylabel(label)
    said = "; ".join(f"{name}: {', '.join(f'{y:.2f}' for y in curve.sort('n_params')['estimate'])}" for name, curve in ours.items())
    alt = f"{title}, as digitised: {', '.join(f'{y:.2f}' for y in theirs['y'])}. Ours, from the smallest size: {said}."
    numbers = (pl.col("n_params").cast(pl.Float64).alias("x"), pl.col("estimate").alias("y"))
    parts = [curve.sort("n_params").select(pl.lit(name).alias("curve"), *numbers) for name, curve in ours.items()]
    table = pl.concat([theirs.select(pl.lit(title).alias("curve"), "x", "y"), *parts])
    caption = f"Left: {title}, as digitised from the paper. Others: our networks, mean over seeds, 95 % bands."
    return Figure(drawing, alt, caption, table)


def knob_rows(networks: pl.DataFrame, knob: str, shown: Sequence[int] = ()) -> pl.DataFrame:
    """Rows of an explorer: each value of a knob, all sizes and those shown, mean, median and every seed.

    Parameters
    ----------
    networks : frame
        ``n_params, seed, estimate`` and the knob's column.
    knob : str
        Name of the column, such as ``k``.
    shown : sizes, in parameters, of the sparse view; empty for none

    Returns
    -------
    Frame with the knob, ``sizes`` (``all`` or ``shown``), ``run, n_params, estimate, low, high, n``.
    """
    if networks[knob].dtype.is_integer():
        networks = networks.with_columns(pl.col(knob).cast(pl.Int64))
    means = subsets.over_seeds(networks.select(knob, "n_params", "seed", "estimate"))
    means = means.with_columns(pl.col("low").fill_null(pl.col("estimate")), pl.col("high").fill_null(pl.col("estimate")))
    keep = [knob, "run", "n_params", "estimate", "low", "high"]
    middle = networks.group_by(knob, "n_params").agg(
        pl.col("estimate").median(),
        low=pl.col("estimate").quantile(0.25, "linear"),
        high=pl.col("estimate").quantile(0.75, "linear"),
    )
    runs = networks.with_columns(run=pl.col("seed").cast(pl.String), low=pl.col("estimate"), high=pl.col("estimate"))
    every = pl.concat(
        [means.with_columns(run=pl.lit(MEAN)).select(keep), middle.with_columns(run=pl.lit(MEDIAN)).select(keep), runs.select(keep)]
    )
    every = every.with_columns(sizes=pl.lit("every"), n=pl.lit(0))
    few = every.filter(pl.col("n_params").is_in(list(shown))).with_columns(sizes=pl.lit("shown"))
    return pl.concat([every, few]).sort("sizes", knob, "run", "n_params")


def knob_explorer(
    name: str, networks: pl.DataFrame, knob: str, knob_label: str, label: str, start: float, shown: Sequence[int] = ()
) -> Explorer:
    """Let the reader turn a knob, pick a seed, and leave sizes out.

    Parameters
    ----------
    name : str
        Of the explorer, in the page's address.
    networks, knob, shown : of :func:`knob_rows`
    knob_label, label : str
        Of the knob and of the metric.
    start : float
        Value of the knob at the start, one that the column has.

    Raises
    ------
    ValueError
        If the knob does not have that value.
    """
    rows = knob_rows(networks, knob, shown)
    values = rows[knob].unique().sort().to_list()
    if start not in values:
        raise ValueError(f"{knob_label} cannot start at {start}: it has {values}")
    whole = values == list(range(int(values[0]), int(values[-1]) + 1))
    if whole:
        turn = Control(knob, knob_label, start, field=knob, least=values[0], most=values[-1], step=1)
    else:
        turn = Control(knob, knob_label, start, [{"value": v, "label": f"{v:g}"} for v in values], knob)
    seeds = [{"value": str(s), "label": f"seed {s}"} for s in sorted(networks["seed"].unique())]
    count = networks["n_params"].n_unique()
    controls = [turn, Control("run", "Seeds", MEAN, [ALL_SEEDS, {"value": MEDIAN, "label": "median of all"}, *seeds], "run")]
    if shown:
        sizes = [{"value": "every", "label": f"all {count}"}, {"value": "shown", "label": f"the {len(shown)} that the paper shows"}]
        controls.append(Control("sizes", "Sizes", "every", sizes, "sizes"))
    face = rows.filter((pl.col(knob) == start) & (pl.col("run") == MEAN) & (pl.col("sizes") == "every"))
    with theme.style():
        drawing, axis = plt.subplots(figsize=(6, 3.4))
        figures.line(axis, face, "accent")
        figures.size_axis(axis, face["n_params"].to_list())
        axis.set_ylabel(label)
        axis.set_ylim(0, 1.02)
    ends = face.sort("n_params")
    alt = (
        f"{label} at {knob_label} = {start:g}, mean over seeds: {ends['estimate'][0]:.3f} at {ends['n_params'][0]:,} parameters "
        f"to {ends['estimate'][-1]:.3f} at {ends['n_params'][-1]:,}."
    )
    caption = (
        f"{label} at {knob_label} = {start:g}, mean over seeds with its 95 % band. With scripts on, the controls turn the knob, "
        "choose one seed or the median (band: middle half of the seeds), and leave sizes out."
    )
    return Explorer(
        name=name,
        figure=Figure(drawing, alt, caption, face.select("n_params", "estimate", "low", "high")),
        controls=[*controls, AXIS, INTERVALS],
        rows=rows,
        group={"field": "series", "title": "Curve", "values": [label]},
        metric={"label": label, "title": label[0].lower() + label[1:], "sign": 1, "log_sign": 1, "domain": [0, 1]},
    )


def knob_figure(networks: pl.DataFrame, knob: str, values: Sequence[float], label: str, name: str, shown: Sequence[int] = ()) -> Figure:
    """Draw several values of a knob in one panel, and in a second only the sizes shown."""
    means = subsets.over_seeds(networks.filter(pl.col(knob).is_in(list(values))).select(knob, "n_params", "seed", "estimate"))
    panels = {f"All {means['n_params'].n_unique()} sizes": means}
    if shown:
        panels[f"Only {len(shown)} of them"] = means.filter(pl.col("n_params").is_in(list(shown)))
    said = []
    with theme.style():
        drawing, axes = plt.subplots(1, len(panels), figsize=(3.7 * len(panels) + 0.6, 3.4), sharey=True, squeeze=False)
        for axis, (title, part) in zip(axes[0], panels.items(), strict=True):
            for order, value in enumerate(values):
                curve = part.filter(pl.col(knob) == value).sort("n_params")
                figures.line(axis, curve, theme.ORDERED[order % 5], order, f"{name} = {value:g}")
                if axis is axes[0, 0]:
                    said.append(f"{name} = {value:g}: {curve['estimate'][0]:.2g} to {curve['estimate'][-1]:.2f}")
            figures.size_axis(axis, part["n_params"].to_list(), "Parameters (log scale)")
            axis.set_title(title, loc="left")
        axes[0, 0].set_ylabel(label)
        legend_above(drawing, axes[0, 0], columns=5)
    alt = f"{label} against size, from the smallest to the largest network. {'; '.join(said)}."
    caption = f"{label}, mean over seeds, 95 % bands." + (" Right: the same numbers, fewer of them." if shown else "")
    return Figure(drawing, alt, caption, means.drop("least", "most"))
