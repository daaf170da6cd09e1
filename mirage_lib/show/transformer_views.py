"""Transformer views: right answers of an episode that come together, and L pictures at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib.ticker import FuncFormatter, NullLocator

from mirage_lib.claims import transformer
from mirage_lib.show import figures, theme, vision_views
from mirage_lib.show.explorer import Explorer
from mirage_lib.show.figures import Figure
from mirage_lib.show.measuring import legend_above


def ratio_figure(ratios: pl.DataFrame) -> Figure:
    """Draw how many times p to the L the share of episodes with L right is.

    Parameters
    ----------
    ratios : frame
        From :func:`transformer.ratios`.

    >>> some = {"n_params": [9, 99], "k": [2, 2], "accuracy": [0.5, 0.9], "observed": [0.5, 0.82],
    ...         "power": [0.25, 0.81], "ratio": [2.0, 1.01], "low": [1.8, 1.0], "high": [2.2, 1.02]}
    >>> ratio_figure(pl.DataFrame(some)).table.height
    2
    """
    lengths = ratios["k"].unique().sort().to_list()
    curves = ratios.rename({"ratio": "estimate"})
    with theme.style():
        drawing, axis = plt.subplots(figsize=(6.2, 3.7))
        axis.axhline(1, color=theme.light("ink"), linewidth=1)
        for order, length in enumerate(lengths):
            part = curves.filter(pl.col("k") == length)
            figures.line(axis, part, theme.ORDERED[order % 5], order, f"L = {length}")
        figures.size_axis(axis, ratios["n_params"].to_list())
        axis.set_ylim(min(0.8, ratios["ratio"].min() - 0.1), ratios["ratio"].max() + 0.3)
        axis.set_ylabel("Observed share over p to the L")
        legend_above(drawing, axis, columns=len(lengths))
    said = []
    for length in lengths:
        part = ratios.filter((pl.col("k") == length) & (pl.col("low") > 1)).sort("ratio")
        if part.height:
            said.append(f"L = {length}: surely above 1 at {part.height} sizes, {part['ratio'][0]:.2f} to {part['ratio'][-1]:.2f}")
        else:
            said.append(f"L = {length}: at no size surely above 1")
    alt = f"Share of episodes with L right, divided by p to the L, at {ratios['n_params'].n_unique()} sizes. {'; '.join(said)}."
    caption = (
        "Above 1, right answers come together more than independence allows. Bands: 95 % over seeds and episodes; "
        "cut off where hardly any episode is all right."
    )
    return Figure(drawing, alt, caption, ratios)


def counts_table(outputs: pl.DataFrame, sizes: Sequence[int]) -> pl.DataFrame:
    """Count episodes by their number of right answers, beside two distributions with the same accuracy.

    Both are made for each network and then averaged over seeds.

    Returns
    -------
    Frame with ``n_params, right, observed, independent, beta``, shares of episodes.

    >>> rows = {"n_params": 9, "seed": 0, "item": ["a", "b"], "correct": [[True, True], [False, False]]}
    >>> counts_table(pl.DataFrame(rows), [9])["observed"].to_list()
    [0.5, 0.0, 0.5]
    """
    from scipy.stats import betabinom, binom

    rows = []
    for size in sizes:
        part = outputs.filter(pl.col("n_params") == size)
        if part.is_empty():
            known = outputs["n_params"].unique().sort().to_list()
            raise ValueError(f"no network has {size} parameters: there are {known}")
        right = transformer.cube(part)
        asked = right.shape[2]
        bins = np.arange(asked + 1)
        shares = np.zeros((3, asked + 1))
        for network in right:
            p = network.mean()
            sums = network.sum(axis=1)
            rho = (((sums - asked * p) ** 2).mean() / (asked * max(p * (1 - p), 1e-9)) - 1) / (asked - 1)
            shares[0] += [(sums == k).mean() for k in bins]
            shares[1] += binom.pmf(bins, asked, p)
            total = (1 - rho) / rho if 1e-6 < rho < 1 else None
            shares[2] += betabinom.pmf(bins, asked, p * total, (1 - p) * total) if total else binom.pmf(bins, asked, p)
        shares /= len(right)
        rows += [(size, int(k), *map(float, shares[:, k])) for k in bins]
    return pl.DataFrame(rows, schema=["n_params", "right", "observed", "independent", "beta"], orient="row")


def counts_figure(outputs: pl.DataFrame, sizes: Sequence[int]) -> Figure:
    """Draw :func:`counts_table`, a panel for each size."""
    table = counts_table(outputs, sizes)
    accuracy = dict(
        outputs.group_by("n_params").agg(pl.col("correct").list.mean().mean()).select("n_params", "correct").iter_rows()
    )
    said = []
    with theme.style():
        drawing, axes = plt.subplots(1, len(sizes), figsize=(2.9 * len(sizes), 3.2), sharey=True, squeeze=False)
        for axis, size in zip(axes[0], sizes, strict=True):
            part = table.filter(pl.col("n_params") == size)
            axis.bar(part["right"], part["observed"], color=theme.light("blue"), alpha=0.35, label="observed")
            for name, colour, order in (("independent", "orange", 1), ("beta", "ink", 0)):
                label = "independent errors" if name == "independent" else "accuracy differs by episode"
                look = {"marker": theme.MARKERS[order], "linestyle": theme.DASHES[order]}
                axis.plot(part["right"], part[name], color=theme.light(colour), label=label, **look)
            axis.set_title(f"{theme.in_words(size)} parameters, p = {accuracy[size]:.2f}", loc="left")
            axis.set_xticks(part["right"].to_list())
            last = part.row(-1, named=True)
            said.append(
                f"{size:,} parameters: all {last['right']} right in {last['observed']:.3f} of the episodes, {last['independent']:.3f} if independent"
            )
        axes[0, 0].set_ylabel("Share of episodes")
        axes[0, len(sizes) // 2].set_xlabel("Right answers in an episode")
        legend_above(drawing, axes[0, 0], columns=3 if len(sizes) > 2 else 1)
    alt = f"Right answers in an episode, observed and expected. {'; '.join(said)}."
    caption = (
        "Real episodes are wholly right, and wholly wrong, more often than independent errors would make them. "
        "Accuracy that differs from episode to episode by a beta distribution gives what is seen."
    )
    return Figure(drawing, alt, caption, table)


def published_figure(powers: pl.DataFrame, ours: pl.DataFrame) -> Figure:
    """Draw three right against the accuracy of one picture, published and ours, with p to the third power.

    Parameters
    ----------
    powers : frame
        From :func:`transformer.published_powers`.
    ours : frame
        One row a network: ``one, three``.
    """
    p = np.linspace(0.13, 1, 100)
    chance, best = transformer.CHANCE, powers["accuracy"].max()
    between = np.linspace(chance, best, 60)
    mixed = chance**3 + (between - chance) / (best - chance) * (best**3 - chance**3)
    with theme.style():
        drawing, axis = plt.subplots(figsize=(6, 3.8))
        axis.plot(p, p**3, color=theme.light("ink"), label="p to the third power")
        axis.plot(
            between, mixed, color=theme.light("purple"), linestyle=theme.DASHES[2],
            label="networks at chance and at the best, mixed",
        )  # fmt: skip
        axis.scatter(ours["one"], ours["three"], 20, color=theme.light("blue"), marker="o", label="ours, each network")
        axis.scatter(
            powers["accuracy"], powers["printed"], 36, color=theme.light("orange"), marker="s", label="as digitised"
        )
        axis.set_yscale("log")
        axis.yaxis.set_minor_locator(NullLocator())
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_xlabel("Accuracy of one picture")
        axis.set_ylabel("All 3 right (log scale)")
        legend_above(drawing, axis, columns=2)
    alt = (
        f"Share with three right against the accuracy of one picture. The published points lie {powers['ratio'].min():.2f} to "
        f"{powers['ratio'].max():.2f} times above the third power, most at {powers.sort('ratio')['accuracy'][-1]:.2f}; our {ours.height} networks lie near the curve."
    )
    caption = "The published middle points lie far above p to the third power, towards a mixture of networks that learned and others that did not."
    return Figure(drawing, alt, caption, powers)


def length_explorer(name: str, networks: pl.DataFrame, start: int, sparse: Sequence[int] = ()) -> Explorer:
    """Let the reader turn L, pick a seed, and leave sizes out.

    Parameters
    ----------
    networks : frame
        From :func:`transformer.by_network`.
    start : int
        The L at the start.
    sparse : sizes, in parameters, of the sparse view; empty for none
    """
    made = vision_views.knob_explorer(name, networks, "k", "L", "All of L right", start, sparse)
    controls = []
    for control in made.controls:
        if control.name == "sizes":
            options = [o | ({"label": f"only {len(sparse)}"} if o["value"] == "shown" else {}) for o in control.options]
            control = replace(control, options=options)
        controls.append(control)
    return replace(made, controls=controls)
