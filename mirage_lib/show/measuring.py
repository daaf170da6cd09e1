"""Measuring: the figures that show how the emergence score behaves, drawn from tables of scores."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

from mirage_lib import emergence
from mirage_lib.show import figures, theme
from mirage_lib.show.figures import Figure


def null_figure(noise: pl.DataFrame) -> Figure:
    """Draw what flat and straight lines score when they are measured with noise.

    Parameters
    ----------
    noise : frame
        One row for each ``models``, ``shape`` (``flat`` or ``straight``) and ``items``, with ``low,
        median, high`` of the scores, ``beats_p5`` (how often they reach ``p5``) and ``p5`` (the score of
        accuracy on five tokens at as many sizes, without noise).

    >>> row = {"models": 4, "items": 20, "low": -4.0, "median": 2.0, "high": 5.0, "beats_p5": 0.1, "p5": 2.7}
    >>> table = pl.DataFrame([row | {"shape": "flat"}, row | {"shape": "straight"}])
    >>> "10% of evaluations" in null_figure(table).alt
    True
    """
    groups, items = sorted(noise["models"].unique()), sorted(noise["items"].unique())
    with theme.style():
        drawing, axes = plt.subplots(1, len(groups), figsize=(2.4 * len(groups), 2.9), sharey=True, squeeze=False)
        for axis, models in zip(axes[0], groups, strict=True):
            of_size = noise.filter(pl.col("models") == models).sort("items")
            for order, (shape, colour, shift) in enumerate((("flat", "blue", -0.12), ("straight", "green", 0.12))):
                part = of_size.filter(pl.col("shape") == shape)
                edges = np.stack([part["median"] - part["low"], part["high"] - part["median"]])
                axis.errorbar(
                    np.arange(len(items)) + shift, part["median"], edges, color=theme.light(colour),
                    marker=theme.MARKERS[order], linestyle="none", label=f"{shape} line",
                )
            axis.axhline(of_size["p5"][0], color=theme.light("orange"), linestyle="--", label="p⁵, no noise")
            axis.set(xticks=range(len(items)), xticklabels=[f"{n:,}" for n in items], xlabel="Test items")
            axis.set_xlim(-0.5, len(items) - 0.5)
            axis.set_title(f"{models} models", loc="left")
        axes[0][0].set_ylabel("Emergence score")
        legend_above(drawing, axes[0][0])
    few = noise.filter((pl.col("models") == groups[0]) & (pl.col("items") == items[len(items) // 2]))
    share = dict(few.select("shape", "beats_p5").iter_rows())
    alt = (
        f"Scores of flat and straight lines with noise, middle 90 %, for {', '.join(map(str, groups))} models. With "
        f"{items[len(items) // 2]} items and {groups[0]} models flat noise scores at least as much as noiseless p to the "
        f"fifth in {share['flat']:.0%} of evaluations, a straight line in {share['straight']:.0%}."
    )
    caption = (
        "What no emergence at all scores: median and middle 90 % of the evaluations. Dashed: p⁵ at as many evenly "
        "spaced models, without noise."
    )
    return Figure(drawing, alt, caption, noise)


def legend_above(drawing: plt.Figure, axis: plt.Axes, columns: int = 4) -> None:
    """Put the legend of one panel above all panels, where it hides no data.

    >>> with theme.style():
    ...     drawing, axis = plt.subplots()
    ...     _ = axis.plot([1], [1], label="one")
    >>> legend_above(drawing, axis)
    >>> len(drawing.legends)
    1
    >>> plt.close(drawing)
    """
    handles, labels = axis.get_legend_handles_labels()
    drawing.legend(handles, labels, loc="outside upper left", ncols=min(columns, len(labels)))


def counts_figure(scores: pl.DataFrame, paper: Mapping[str, float]) -> Figure:
    """Draw how the score of fixed curves grows with the number of evenly spaced models.

    Parameters
    ----------
    scores : frame
        Columns ``curve, models, score``.
    paper : mapping of a curve to its score at the paper's four sizes

    >>> table = pl.DataFrame({"curve": ["a line"] * 2, "models": [4, 12], "score": [3.0, 11.0]})
    >>> "from 3.0 with 4 models to 11.0 with 12" in counts_figure(table, {"a line": 3.9}).alt
    True
    """
    counts, said = sorted(scores["models"].unique()), []
    with theme.style():
        drawing, axis = plt.subplots(figsize=(5.6, 3.4))
        for order, (name, at_paper) in enumerate(paper.items()):
            part = scores.filter(pl.col("curve") == name).sort("models")
            look = {"color": theme.light(("faint", "blue", "orange")[order]), "marker": theme.MARKERS[order]}
            axis.plot(part["models"], part["score"], linestyle=theme.DASHES[order], label=name, **look)
            axis.plot(counts[0] * 0.85, at_paper, linestyle="none", markerfacecolor="none", markersize=8, **look)
            said.append(
                f"{name} from {part['score'][0]:.1f} with {counts[0]} models to {part['score'][-1]:.1f} with "
                f"{counts[-1]}, and {at_paper:.1f} at the paper's four sizes"
            )
        axis.set(xscale="log", yscale="log", xlabel="Models, evenly spaced from 350M to 200B (log scale)")
        axis.set_ylabel("Emergence score (log scale)")
        axis.minorticks_off()
        axis.set_xticks(counts, counts)
        axis.set_yticks((3, 5, 10, 30), (3, 5, 10, 30))
        axis.legend()
    alt = f"Emergence score against the number of models, rising alike for every curve: {'; '.join(said)}."
    caption = (
        "The same curves, sampled more and more finely. Hollow marks on the left: the paper's four sizes, which are "
        "unevenly spaced."
    )
    return Figure(drawing, alt, caption, scores)


def changed_score_figure(changed: pl.DataFrame, straight: float) -> Figure:
    """Draw the score of the same answers under accuracy and under minus edit distance.

    Parameters
    ----------
    changed : frame
        Columns ``task, length, temperature, accuracy, minus distance``, the last two being scores.
    straight : float
        The score of a straight line at the same sizes.

    >>> table = pl.DataFrame({"task": ["add"], "length": [1], "temperature": [0.0], "accuracy": [9.0],
    ...     "minus distance": [3.0]})
    >>> changed_score_figure(table, 3.8).alt.count("3.8")
    1
    """
    tasks = {"mult": "multiplication", "add": "addition"}
    shown = [task for task in tasks if task in changed["task"].unique()]
    with theme.style():
        drawing, axes = plt.subplots(1, len(shown), figsize=(3.5 * len(shown), 3.3), sharey=True, squeeze=False)
        for axis, task in zip(axes[0], shown, strict=True):
            for order, (column, colour) in enumerate((("accuracy", "orange"), ("minus distance", "blue"))):
                for temperature in sorted(changed["temperature"].unique()):
                    part = changed.filter((pl.col("task") == task) & (pl.col("temperature") == temperature))
                    axis.plot(
                        part["length"], part[column], color=theme.light(colour), marker=theme.MARKERS[order],
                        markerfacecolor="none" if temperature else theme.light(colour),
                        linestyle=theme.DASHES[order], label=f"{column}, T = {temperature:g}",
                    )
            axis.axhline(straight, color=theme.light("faint"), linewidth=1)
            axis.set(yscale="log", xlabel="Target length (characters)")
            axis.set_xticks(sorted(changed["length"].unique()))
            axis.set_title(tasks[task], loc="left")
        axes[0][0].set_ylabel("Emergence score (log scale)")
        legend_above(drawing, axes[0][0], columns=2)
    alt = (
        f"Score of the published GPT-3 curves by target length. Under accuracy it lies between "
        f"{changed['accuracy'].min():.1f} and {changed['accuracy'].max():,.0f} and is largest for the longest targets; "
        f"under minus edit distance between {changed['minus distance'].min():.1f} and "
        f"{changed['minus distance'].max():.1f}. A straight line at these sizes has {straight:.2f}."
    )
    caption = (
        "The published score of the digitised GPT-3 points, by metric. Grey line: a straight line in log size at "
        "the same four sizes. Hollow marks: temperature 1."
    )
    return Figure(drawing, alt, caption, changed)


def forecast_figure(sizes: np.ndarray, families: Mapping[str, np.ndarray]) -> Figure:
    """Draw families whose largest model is forecast from the smaller ones by a line and by a sigmoid.

    Parameters
    ----------
    sizes : (n,) numbers of parameters
    families : mapping of a name to (n,) values, without noise

    >>> forecast_figure([1e6, 1e7, 1e8, 1e9], {"even": np.array([0.1, 0.2, 0.3, 0.4])}).table.columns
    ['n_params', 'even']
    """
    said = []
    with theme.style():
        drawing, axes = plt.subplots(1, len(families), figsize=(3.4 * len(families), 3.2), sharey=True, squeeze=False)
        for axis, (name, values) in zip(axes[0], families.items(), strict=True):
            ink = theme.light("ink")
            axis.plot(sizes[:-1], values[:-1], color=ink, marker="o", label="smaller models")
            axis.plot(
                sizes[-1], values[-1], color=ink, marker="o", markersize=10, markerfacecolor="none",
                linestyle="none", label="the largest",
            )
            missed = []
            for shape, colour, marker in (("line", "orange", "D"), ("sigmoid", "green", "^")):
                ahead = emergence.forecast(sizes, values, shape)
                axis.plot(
                    sizes[-1], ahead.predicted, color=theme.light(colour), marker=marker, linestyle="none",
                    label=f"forecast by a {shape}",
                )
                missed.append(f"a {shape} gives {ahead.predicted:.2f}")
            figures.size_axis(axis, sizes)
            axis.set_title(f"{name}: score {emergence.score(sizes, values):.0f}", loc="left")
            said.append(f"the largest model of the {name} family has {values[-1]:.2f}, {' and '.join(missed)}")
        axes[0][0].set_ylabel("Score on the task")
        legend_above(drawing, axes[0][0], columns=2)
    alt = f"Forecasts of the largest model from the smaller ones: {'; '.join(said)}."
    caption = "Sharp is not unpredictable, and smooth is not predictable. Made-up families, drawn without noise."
    return Figure(drawing, alt, caption, pl.DataFrame({"n_params": sizes, **families}))
