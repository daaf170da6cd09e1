"""Autoencoder views: the error against size, the threshold moving through the errors, and what its choice does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

from mirage_lib import subsets
from mirage_lib.show import figures, theme, vision_views
from mirage_lib.show.explorer import Explorer
from mirage_lib.show.figures import Figure
from mirage_lib.show.measuring import legend_above

BINS = 36
"""Bins of a histogram of errors, even in the logarithm."""
LOOKS = (("blue", "-"), ("orange", (0, (5, 1.5))))
"""Colour and dashes of the two photographs."""
TOP = 1.6
"""Where scores that are infinite are drawn, in times of the largest that is not."""


def error_figure(networks: pl.DataFrame, published: pl.DataFrame | None = None) -> Figure:
    """Draw the mean squared error against size, both axes logarithmic, with what local power laws it has.

    Parameters
    ----------
    networks : frame
        With ``n_params, seed, estimate``, a row a network.
    published : frame, optional
        ``x, y``: the digitised curve, drawn beside ours.

    >>> some = pl.DataFrame({"n_params": [10, 100, 1000], "seed": 0, "estimate": [1.0, 0.1, 0.01]})
    >>> error_figure(some).table["exponent"].round(6).to_list()
    [None, -1.0, -1.0]
    """
    means = subsets.over_seeds(networks.select("n_params", "seed", "estimate")).sort("n_params")
    table = means.select("n_params", "estimate", "low", "high", "seeds", exponent=exponents(means["n_params"], means["estimate"]))
    band = means.with_columns(pl.col("low", "high").fill_null(pl.col("estimate")))
    with theme.style():
        drawing, axis = plt.subplots(figsize=(6.2, 3.8))
        axis.scatter(networks["n_params"], networks["estimate"], 16, facecolors="none", edgecolors=theme.light("faint"), label="one network")
        figures.line(axis, band, "blue", 0, "ours, mean over seeds")
        sizes = means["n_params"].to_list()
        if published is not None:
            theirs = published.select(pl.col("x").alias("n_params"), pl.col("y").alias("estimate"))
            figures.line(axis, theirs, "orange", 1, "as digitised (CIFAR-100)")
            sizes += theirs["n_params"].to_list()
        figures.size_axis(axis, sizes)
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.set_ylabel("Squared error (log scale)")
        legend_above(drawing, axis, columns=2)
    steep = table["exponent"].drop_nulls()
    alt = (
        f"Mean squared error of {networks.height} networks of {table.height} sizes: {table['estimate'][0]:.3g} at {table['n_params'][0]:,} "
        f"parameters, {table['estimate'][-1]:.3g} at {table['n_params'][-1]:,}. From one size to the next the exponent of a power law goes from "
        f"{steep[0]:.2f} to {steep[-1]:.2f}."
    )
    if published is not None:
        alt += f" The published error goes from {published['y'][0]:.3g} to {published['y'][-1]:.3g}."
    caption = "Both axes are logarithmic: a power law would be a straight line. Band: 95 % interval over seeds, where there are several."
    return Figure(drawing, alt, caption, table)


def exponents(sizes: Sequence[float], values: Sequence[float]) -> pl.Series:
    """Slope from each size to the one before it in logarithms of both; missing for the first.

    >>> exponents([10, 100], [1.0, 0.1]).round(6).to_list()
    [None, -1.0]
    """
    slopes = np.diff(np.log(np.asarray(values))) / np.diff(np.log(np.asarray(sizes, dtype=float)))
    return pl.Series([None, *slopes.tolist()], dtype=pl.Float64)


def spread(outputs: pl.DataFrame) -> pl.DataFrame:
    """Quantiles of the errors of single pictures for each size, over pictures and seeds.

    Parameters
    ----------
    outputs : frame
        With ``n_params, squared_error`` and ``photograph``.

    Returns
    -------
    Frame with ``n_params, 10%, 50%, 90%, width`` (their distance)``, ratio`` (the last over the first), and that ratio
    in a column for each photograph.

    >>> spread(pl.DataFrame({"n_params": 9, "squared_error": [1.0, 2.0, 3.0], "photograph": "a"})).select("10%", "50%", "90%").row(0)
    (1.2, 2.0, 2.8)
    """
    def ends(table: pl.DataFrame) -> pl.DataFrame:
        error = pl.col("squared_error").cast(pl.Float64)
        quantiles = table.group_by("n_params").agg(error.quantile(q, "linear").alias(f"{q:.0%}") for q in (0.1, 0.5, 0.9))
        return quantiles.with_columns(width=pl.col("90%") - pl.col("10%"), ratio=pl.col("90%") / pl.col("10%"))

    table = ends(outputs)
    for name in outputs["photograph"].unique().sort():
        alone = ends(outputs.filter(pl.col("photograph") == name)).select("n_params", pl.col("ratio").alias(name))
        table = table.join(alone, on="n_params")
    return table.sort("n_params")


def histogram_figure(outputs: pl.DataFrame, sizes: Sequence[int], c: float, seed: int = 0) -> Figure:
    """Draw the errors of single pictures for several sizes, the two photographs apart, with a threshold through all.

    Parameters
    ----------
    outputs : frame
        With ``n_params, seed, squared_error`` and ``photograph``.
    sizes : numbers of parameters, each one panel
    c : threshold
    seed : the network that is shown of each size

    Raises
    ------
    ValueError
        If a size has no network with that seed.

    >>> some = pl.DataFrame({"n_params": 9, "seed": 0, "squared_error": [0.1, 0.2, 0.4], "photograph": ["a", "b", "b"]})
    >>> histogram_figure(some, [9], 0.3).table["within c"].to_list()
    [1.0, 0.5]
    """
    part = outputs.filter((pl.col("seed") == seed) & pl.col("n_params").is_in(list(sizes)))
    if part["n_params"].n_unique() != len(set(sizes)):
        raise ValueError(f"sizes {list(sizes)}: not all have a network with seed {seed}")
    names = part["photograph"].unique().sort().to_list()
    logs = part["squared_error"].log10()
    edges = np.linspace(min(logs.min(), np.log10(c)) - 0.05, max(logs.max(), np.log10(c)) + 0.05, BINS + 1)
    rows = []
    with theme.style():
        drawing, axes = plt.subplots(len(sizes), 1, figsize=(5.8, 1.15 * len(sizes) + 1), sharex=True, squeeze=False)
        for axis, size in zip(axes[:, 0], sizes, strict=True):
            errors = {name: part.filter((pl.col("n_params") == size) & (pl.col("photograph") == name))["squared_error"] for name in names}
            for (colour, dashes), (name, values) in zip(LOOKS, errors.items(), strict=False):
                counts = np.histogram(np.log10(values.to_numpy()), edges)[0] / len(values)
                axis.stairs(counts, 10**edges, color=theme.light(colour), fill=True, alpha=0.25)
                axis.stairs(counts, 10**edges, color=theme.light(colour), linestyle=dashes, label=name)
                rows.append((size, name, *(float(values.quantile(q, "linear")) for q in (0.1, 0.5, 0.9)), float((values < c).mean()), len(values)))
            whole = float((pl.concat(list(errors.values())) < c).mean())
            axis.axvline(c, color=theme.light("ink"), linestyle=theme.DASHES[3])
            axis.set_title(f"{theme.in_words(size)} parameters: {whole:.3f} below c = {c:.3g}", loc="left")
            axis.set_xscale("log")
            axis.set_yticks([])
        axes[-1, 0].set_xlabel("Squared error of one picture (log scale)")
        axes[-1, 0].xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        legend_above(drawing, axes[0, 0], columns=2)
    table = pl.DataFrame(rows, schema=["n_params", "photograph", "10 %", "median", "90 %", "within c", "pictures"], orient="row")
    said = "; ".join(f"{r['n_params']:,} parameters, {r['photograph']}: median {r['median']:.3g}, {r['within c']:.2f} below c" for r in table.iter_rows(named=True))
    alt = f"Histograms of the squared errors of single pictures, with the threshold c = {c:.3g} drawn through all. {said}."
    caption = f"The errors move left as the network grows; the threshold stays (dotted, c = {c:.3g}). What lies left of it counts as copied. One network a size."
    return Figure(drawing, alt, caption, table)


def groups_figure(outputs: pl.DataFrame, c: float) -> Figure:
    """Draw the fraction within a threshold for each photograph and for both together, mean over seeds.

    Parameters
    ----------
    outputs : frame
        With ``n_params, seed, squared_error`` and ``photograph``.

    >>> some = pl.DataFrame({"n_params": [9, 9, 99, 99], "seed": 0, "squared_error": [0.1, 0.5, 0.1, 0.2], "photograph": ["a", "b"] * 2})
    >>> groups_figure(some, 0.3).table.sort("pictures", "n_params")["estimate"].to_list()
    [1.0, 1.0, 0.0, 1.0, 0.5, 1.0]
    """
    inside = outputs.select("n_params", "seed", "photograph", estimate=(pl.col("squared_error") < c).cast(pl.Float64))
    inside = pl.concat([inside, inside.with_columns(photograph=pl.lit("both"))]).rename({"photograph": "pictures"})
    networks = inside.group_by("pictures", "n_params", "seed").agg(pl.col("estimate").mean())
    means = subsets.over_seeds(networks.sort("pictures", "n_params", "seed")).sort("pictures", "n_params")
    names = [*sorted(set(means["pictures"]) - {"both"}), "both"]
    said = []
    with theme.style():
        drawing, axis = plt.subplots(figsize=(6, 3.6))
        for order, (name, colour) in enumerate(zip(names, ("blue", "orange", "ink"), strict=False)):
            part = means.filter(pl.col("pictures") == name).with_columns(pl.col("low", "high").fill_null(pl.col("estimate")))
            figures.line(axis, part, colour, order, name)
            said.append(f"{name}: {', '.join(f'{x:.2f}' for x in part['estimate'])}")
        figures.size_axis(axis, means["n_params"].to_list())
        axis.set_ylabel(f"Fraction within c = {c:.3g}")
        axis.set_ylim(-0.02, 1.02)
        legend_above(drawing, axis, columns=3)
    alt = f"Fraction of pictures within c = {c:.3g} against size, from the smallest network on. {'; '.join(said)}."
    caption = "Each photograph has a climb of its own; the two together, half of each, inherit both. Bands: 95 % over seeds."
    return Figure(drawing, alt, caption, means.select("pictures", "n_params", "estimate", "low", "high", "seeds"))


def score_figure(judged: pl.DataFrame, error_score: float, marked: Sequence[float] = ()) -> Figure:
    """Draw the emergence score against the threshold, over its smooth null, and the fraction that the largest reach.

    Parameters
    ----------
    judged : frame
        From :func:`mirage_lib.claims.autoencoder.judged`.
    error_score : float
        Score of minus the mean error, drawn as a level.
    marked : thresholds to point out
    """
    table = judged.sort("c").select("c", "score", "low", "high", "null_high", "p", "smallest", "largest")
    finite = table["score"].filter(table["score"].is_finite())
    top = TOP * max(float(finite.max() or 1), error_score)
    # A score of zero has no place on a logarithmic axis; a line that dived to it would look like a finding.
    heights, null = (np.where(table[name] > 0, table[name].clip(None, top), np.nan) for name in ("score", "null_high"))
    c = table["c"].to_numpy()
    with theme.style():
        drawing, (above, below) = plt.subplots(2, 1, figsize=(6, 4.8), sharex=True, height_ratios=(2, 1))
        above.plot(c, heights, color=theme.light("blue"), marker="o", label="fraction within c")
        above.plot(c, null, color=theme.light("orange"), linestyle=theme.DASHES[1], label="smooth null, 95 %")
        above.axhline(error_score, color=theme.light("ink"), linestyle=theme.DASHES[3], label="minus the mean error")
        never = table.filter(pl.col("score").is_infinite())["c"].to_numpy()
        if len(never):
            ink = theme.light("blue")
            above.plot(never, np.full(len(never), top), "^", color=ink, markerfacecolor="none", markersize=9, linestyle="none", label="infinite")
        for value in marked:
            for axis in (above, below):
                axis.axvline(value, color=theme.light("faint"), linewidth=1)
        above.set_ylabel("Emergence score (log)")
        above.set_yscale("log")
        above.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        above.yaxis.set_minor_formatter(lambda value, _: "")
        below.plot(c, table["largest"], color=theme.light("green"), marker="^", label="largest network")
        below.plot(c, table["smallest"], color=theme.light("purple"), marker="D", linestyle=theme.DASHES[2], label="smallest network")
        below.set(xlabel="Threshold c (log scale)", ylabel="Fraction within c", xscale="log", ylim=(-0.02, 1.02))
        below.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        below.legend()
        legend_above(drawing, above, columns=2)
    highest = table.filter(pl.col("score").is_finite()).sort("score").row(-1, named=True)
    endless = table.filter(pl.col("score").is_infinite())["c"].to_list()
    alt = (
        f"Emergence score of the fraction within c, for {table.height} values of c from {c[0]:g} to {c[-1]:g}. "
        + (f"It is infinite at c = {', '.join(f'{x:.3g}' for x in endless)}; else the highest is " if endless else "The highest is ")
        + f"{highest['score']:.1f} at c = {highest['c']:.3g}; minus the mean error scores {error_score:.1f}. "
        f"The largest networks have from {table['largest'].min():.2f} to {table['largest'].max():.2f} of the pictures within c."
    )
    caption = (
        "The same networks and the same copies, judged by many thresholds."
        + (" Vertical lines: the c that answer to the published ones." if len(marked) else "")
        + (" No mark: nothing changes with size." if (table["score"] == 0).any() else "")
        + (" Infinite: most steps are exactly zero, and the formula divides by their median." if endless else "")
    )
    return Figure(drawing, alt, caption, table)


def threshold_explorer(name: str, networks: pl.DataFrame, start: float, every: int = 4) -> Explorer:
    """Let the reader move the threshold, choose a seed, and leave sizes out.

    Parameters
    ----------
    name : str
        Of the explorer, in the page's address.
    networks : frame
        From :func:`mirage_lib.claims.autoencoder.within`.
    start : float
        Threshold at the start, one that the frame has.
    every : int
        The sparse view keeps every so many sizes, counted from the largest.
    """
    sizes = sorted(networks["n_params"].unique())[::-1][::every]
    whole = vision_views.knob_explorer(name, networks, "c", "c", "Fraction within c", start, sizes)
    options = [{"value": "every", "label": f"all {networks['n_params'].n_unique()}"}, {"value": "shown", "label": f"{len(sizes)} of them"}]
    controls = [replace(control, options=options) if control.name == "sizes" else control for control in whole.controls]
    return replace(whole, controls=controls)
