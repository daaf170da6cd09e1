"""Asking: what the unit of length and the temperature do to a score, drawn from answers already given."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

from mirage_lib import curves, metrics
from mirage_lib.show import figures, theme
from mirage_lib.show.figures import Figure


def progress(curve: pl.DataFrame) -> np.ndarray:
    """Turn a scaling curve into shares of the way from the smallest model's score to the best one.

    Returns
    -------
    (models, 3) array: the estimate's share, and those of the interval's two ends.

    >>> curve = pl.DataFrame({"n_params": [1, 2, 3], "estimate": [0.0, 0.2, 0.4], "low": 0.0, "high": 0.5})
    >>> progress(curve)[:, 0].tolist()
    [0.0, 0.5, 1.0]
    """
    ends = curve.sort("n_params").select("estimate", "low", "high").to_numpy()
    first = ends[0, 0]
    best = max(ends[:, 0], key=lambda value: abs(value - first))
    return (ends - first) / ((best - first) or 1.0)


def units_figure(scored: Mapping[str, pl.DataFrame]) -> Figure:
    """Draw the same answers' climb, counted in several units.

    Parameters
    ----------
    scored : mapping
        Name of the unit, the smallest first, to its scaling curve; all of the same models.

    >>> curve = pl.DataFrame({"n_params": [10, 100], "estimate": [4.0, 2.0], "low": 1.9, "high": 4.1})
    >>> "0 % counted in digits" in units_figure({"digits": curve, "words": curve}).alt.replace("0%", "0 %")
    True
    """
    sizes = next(iter(scored.values())).sort("n_params")["n_params"].to_numpy()
    shares = {unit: progress(curve) for unit, curve in scored.items()}
    with theme.style():
        drawing, axis = plt.subplots(figsize=(5.4, 3.1))
        for order, (unit, colour) in enumerate(zip(shares, ("blue", "green", "orange"), strict=False)):
            share, ink = shares[unit], theme.light(colour)
            axis.fill_between(sizes, share[:, 1], share[:, 2], color=ink, alpha=0.13, linewidth=0)
            look = {"marker": theme.MARKERS[order], "linestyle": theme.DASHES[order]}
            axis.plot(sizes, share[:, 0], color=ink, label=unit, **look)
        figures.size_axis(axis, sizes)
        axis.set_ylabel("Share of the climb")
        axis.legend(title="counted in")
    k = early(shares)
    said = ", ".join(f"{share[k, 0]:.0%} counted in {unit}" for unit, share in shares.items())
    alt = (
        f"Share of the climb from the smallest model's score to the best one, against size, in {len(shares)} units. "
        f"At {theme.in_words(sizes[k])} parameters: {said}."
    )
    caption = "The same answers, counted in several units. Bands: 95 % intervals over seeds and problems."
    table = pl.DataFrame({"parameters": sizes, **{unit: share[:, 0] for unit, share in shares.items()}})
    return Figure(drawing, alt, caption, table)


def early(shares: Mapping[str, np.ndarray]) -> int:
    """Return the place of the first model that has climbed a quarter, counted in the first unit.

    >>> early({"digits": np.array([[0.0], [0.1], [0.6]])})
    2
    """
    return int(np.argmax(next(iter(shares.values()))[:, 0] > 0.25))


def decoding(outputs: pl.DataFrame, bins: int = 20) -> pl.DataFrame:
    """Compare what models gave to the right answer with whether they wrote it.

    Parameters
    ----------
    outputs : frame
        Text outputs at temperature 0, with ``target_logprob``.

    Returns
    -------
    One row a bin of probability: the mean ``p``, the share answered ``right``, ``answers``.

    >>> said = pl.DataFrame({"target": ["4", "5"], "output": ["4", "4"], "target_logprob": [-0.1, -3.0]})
    >>> decoding(said)["right"].to_list()
    [0.0, 1.0]
    """
    p = pl.col("target_logprob").cast(pl.Float64).exp()
    right = (pl.col("output") == pl.col("target")).cast(pl.Float64)
    place = (p * bins).floor().clip(0, bins - 1)
    return (
        outputs.group_by(place.alias("bin"))
        .agg(p.mean().alias("p"), right.mean().alias("right"), pl.len().alias("answers"))
        .sort("bin")
        .drop("bin")
    )


def decoding_figure(table: pl.DataFrame) -> Figure:
    """Draw a table of :func:`decoding`: a steep curve at temperature 0, the diagonal at 1.

    >>> table = pl.DataFrame({"p": [0.2, 0.45, 0.8], "right": [0.3, 0.7, 1.0], "answers": [9, 9, 9]})
    >>> "70% near 0.45" in decoding_figure(table).alt
    True
    """
    with theme.style():
        drawing, axis = plt.subplots(figsize=(4.8, 3.1))
        look = {"color": theme.light("purple"), "linestyle": theme.DASHES[1]}
        axis.plot([0, 1], [0, 1], label="temperature 1 (by definition)", **look)
        axis.plot(
            table["p"], table["right"], color=theme.light("orange"), marker="o", label="temperature 0 (measured)"
        )
        axis.set(xlabel="Probability that the model gives to the right answer", ylabel="Share answered correctly")
        axis.legend(loc="lower right")
    near = {x: table["right"][int((table["p"] - x).abs().arg_min())] for x in (0.2, 0.45, 0.8)}
    said = ", ".join(f"{share:.0%} near {x}" for x, share in near.items())
    alt = (
        f"Share of answers right at temperature 0, against the probability of the right answer: {said}. "
        "At temperature 1 it is the diagonal."
    )
    caption = "What decoding does to one problem: at temperature 0 a steep curve, at temperature 1 a straight line."
    return Figure(drawing, alt, caption, table)


def formats_figure(outputs: pl.DataFrame) -> Figure:
    """Draw accuracy and minus edit distance of the same problems written in several formats.

    Parameters
    ----------
    outputs : frame
        Text outputs with the column ``template``, such as ``outputs.load("arithmetic-pretrained-formats")``.

    >>> from mirage_lib.outputs import load
    >>> formats_figure(load("arithmetic-pretrained-formats")).table["template"].n_unique()
    3
    """
    names = {"exact_match": 1, "token_edit_distance": -1}
    by = ("template", "task", "group")
    seen = pl.concat(curves.curve(outputs, name, by=by) for name in names)
    models = seen.select("model", "n_params").unique().sort("n_params").rows()
    cells = sorted(seen.select("task", "group").unique().rows())
    templates = outputs["template"].unique(maintain_order=True).to_list()
    with theme.style():
        drawing, axes = plt.subplots(
            len(names), len(models), figsize=(3.4 * len(models), 5), sharex=True, sharey="row", squeeze=False
        )
        for across, (name, sign) in zip(axes, names.items(), strict=True):
            for axis, (model, n_params) in zip(across, models, strict=True):
                for order, template in enumerate(templates):
                    part = seen.filter(
                        (pl.col("metric") == name) & (pl.col("model") == model) & (pl.col("template") == template)
                    ).sort("task", "group")
                    places = np.array([cells.index(cell) for cell in part.select("task", "group").rows()])
                    middle, low, high = (sign * part[column].to_numpy() for column in ("estimate", "low", "high"))
                    axis.errorbar(
                        places + 0.18 * (order - (len(templates) - 1) / 2), middle,
                        np.abs(np.stack([middle - low, high - middle])),
                        color=theme.light(theme.CATEGORIES[order]), marker=theme.MARKERS[order], linestyle="none",
                        label=template,
                    )
                axis.set_xticks(range(len(cells)), [f"{task[:4]}.\n{group} digits" for task, group in cells])
                axis.set_title(f"{model}, {theme.in_words(n_params)}", loc="left")
            across[0].set_ylabel(("− " if sign < 0 else "") + metrics.get(name).label)
        axes[0][0].legend(fontsize=8)
    exact = seen.filter(pl.col("metric") == "exact_match")
    said = "; ".join(
        f"{model}, {template}: {part['estimate'].min():.2f} to {part['estimate'].max():.2f}"
        for (model, template), part in exact.group_by("model", "template", maintain_order=True)
    )
    alt = f"The same problems in {len(templates)} formats, asked of {len(models)} models. Accuracy over tasks and lengths: {said}."
    caption = (
        "The same problems and examples, written in three formats: accuracy (top) and edit distance (bottom, up is "
        f"better); bars: 95 % intervals, {theme.span(seen['n'])} answers a mark."
    )
    return Figure(drawing, alt, caption, seen.select("model", *by, "metric", "estimate", "low", "high", "n"))
