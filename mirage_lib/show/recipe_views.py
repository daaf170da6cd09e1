"""Recipe views: several metrics of the same outputs, on models that differ in size and training only."""

from __future__ import annotations

import matplotlib.pyplot as plt
import polars as pl

from mirage_lib import recipes
from mirage_lib.show import theme
from mirage_lib.show.figures import Figure
from mirage_lib.show.measuring import legend_above

LOOK = dict(zip(recipes.METRICS, (("orange", "o"), ("green", "^"), ("blue", "s")), strict=True))
NAMES = {"accuracy": "Accuracy", "target_probability": "Probability of the right choice", "bits_per_byte": "Bits per byte"}


def three_metrics(task: str) -> Figure:
    """Draw accuracy, probability of the right choice, and bits per byte of one task against compute.

    >>> three_metrics("mmlu_stem_test").table.height
    27
    """
    table = recipes.ladder().filter(pl.col("task") == task).drop_nulls(list(recipes.METRICS))
    flops = table["flops_1e21"] * 1e21
    with theme.style():
        drawing, axes = plt.subplots(1, 3, figsize=(8.4, 3.4))
        for axis, metric in zip(axes, recipes.METRICS, strict=True):
            colour, marker = LOOK[metric]
            axis.plot(flops, table[metric], linestyle="none", marker=marker, color=theme.light(colour))
            axis.set_xscale("log")
            axis.set_xlabel("Training FLOPs (log scale)")
            axis.set_title(NAMES[metric], loc="left")
            if metric == "bits_per_byte":
                axis.invert_yaxis()
            else:
                axis.set_ylim(0.2, 0.5 if table[metric].max() < 0.5 else 1)
                axis.axhline(table["chance"][0] or 0, color=theme.light("ink"), linestyle="--", linewidth=1)
    first, last = table.filter(~pl.col("target")).row(0, named=True), table.filter(~pl.col("target")).row(-1, named=True)
    said = "; ".join(f"{NAMES[m].lower()} from {first[m]:.3f} to {last[m]:.3f}" for m in recipes.METRICS)
    alt = f"Three metrics of the same outputs on {task} against training compute. On the 25 ladder models: {said}. The two last points are 7B and 13B."
    caption = "Dashed: chance. Bits per byte is drawn upside down. The probability has the axis of accuracy. No standard errors are recorded; the scatter of neighbours shows the noise."
    return Figure(drawing, alt, caption, table.select("model", "flops_1e21", *recipes.METRICS))


def forecast_figure() -> Figure:
    """Draw the forecast against the measured accuracy of 7B and 13B, for three ways of forecasting.

    >>> "median error" in forecast_figure().alt
    True
    """
    table = recipes.forecasts()
    looks = {"two steps": ("blue", "s"), "direct": ("orange", "o"), "naive": ("purple", "D")}
    with theme.style():
        drawing, axis = plt.subplots(figsize=(5.2, 4.6))
        for way, (colour, marker) in looks.items():
            part = table.filter(pl.col("way") == way)
            axis.plot(part["accuracy"], part["forecast"], linestyle="none", marker=marker, color=theme.light(colour), alpha=0.8, label=way)
        axis.plot([0.3, 1], [0.3, 1], color=theme.light("ink"), linestyle="--", linewidth=1)
        axis.set_xlabel("Accuracy as measured (7B, 13B)")
        axis.set_ylabel("Forecast from 190M to 3B")
        legend_above(drawing, axis, columns=3)
    errors = {way: table.filter(pl.col("way") == way)["error"].median() for way in looks}
    alt = "Forecast against measured accuracy of two large models; median error " + ", ".join(f"{e:.3f} ({w})" for w, e in errors.items()) + "."
    return Figure(drawing, alt, "On the dashed line a forecast is right. Neither large model was seen by any fit.", table)


def transliteration_figure() -> Figure:
    """Draw exact match and BLEU of the same transliterations against size.

    >>> transliteration_figure().table.height == recipes.transliteration().height
    True
    """
    table = recipes.transliteration()
    with theme.style():
        drawing, axis = plt.subplots(figsize=(6.4, 3.8))
        for metric, label, colour, marker in (("bleu", "BLEU", "blue", "s"), ("exact_match", "exact match", "orange", "o")):
            axis.plot(table["n_params"], table[metric], linestyle="none", marker=marker, color=theme.light(colour), label=label)
        axis.set_xscale("log")
        axis.set_xlabel("Parameters (log scale)")
        axis.set_ylabel("Score")
        legend_above(drawing, axis)
    none = table.filter(pl.col("exact_match") == 0)
    alt = f"{table.height} models transliterate into IPA. The {none.height} with no exact match have a median BLEU of {none['bleu'].median():.4f}; the best has {table['bleu'].max():.2f}."
    return Figure(drawing, alt, "Where nothing is exactly right, BLEU is near zero as well.", table)
