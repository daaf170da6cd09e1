"""Recipe views: several metrics of the same outputs, on models that differ in size and training only."""

from __future__ import annotations

import matplotlib.pyplot as plt
import polars as pl

from mirage_lib.analyses import recipes
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
    caption = "Dashed: chance. Bits per byte is drawn upside down. The probability has the axis of accuracy. The records hold no standard errors of these points."
    return Figure(drawing, alt, caption, table.select("model", "flops_1e21", *recipes.METRICS))


def runs_figure(task: str) -> Figure:
    """Draw three metrics of one task along all runs of the ladder.

    >>> runs_figure("mmlu_stem_test").table.height
    625
    """
    table = recipes.runs().filter(pl.col("task") == task).drop_nulls(list(recipes.METRICS))
    sizes = table["n_params"].unique().sort()
    chance = recipes.ladder().filter(pl.col("task") == task)["chance"].drop_nulls()
    with theme.style():
        drawing, axes = plt.subplots(1, 3, figsize=(8.4, 3.6))
        for axis, metric in zip(axes, recipes.METRICS, strict=True):
            for order, size in enumerate(sizes):
                part = table.filter(pl.col("n_params") == size)
                axis.plot(
                    part["flops_1e21"] * 1e21, part[metric], linestyle="none", marker=theme.MARKERS[order], markersize=3,
                    color=theme.light(theme.ORDERED[order]), label=theme.in_words(size),
                )  # fmt: skip
            axis.set_xscale("log")
            axis.set_xlabel("Training FLOPs (log scale)")
            axis.set_title(NAMES[metric], loc="left")
            if metric == "bits_per_byte":
                axis.invert_yaxis()
            elif len(chance):
                axis.axhline(chance[0], color=theme.light("ink"), linestyle="--", linewidth=1)
        both = [axis.get_ylim() for axis in axes[:2]]
        for axis in axes[:2]:
            axis.set_ylim(min(low for low, _ in both), max(high for _, high in both))
        legend_above(drawing, axes[0], columns=5)
    noise = {m: recipes.wobble().filter((pl.col("task") == task) & (pl.col("metric") == m))["noise"][0] for m in recipes.METRICS}
    alt = (
        f"{table.height} points along 25 runs of five sizes on {task}: accuracy from {table['accuracy'].min():.3f} to {table['accuracy'].max():.3f}, "
        f"probability of the right choice from {table['target_probability'].min():.3f} to {table['target_probability'].max():.3f}, bits per byte "
        f"from {table['bits_per_byte'].max():.2f} down to {table['bits_per_byte'].min():.2f}. Noise of a point: {noise['accuracy']:.4f}, "
        f"{noise['target_probability']:.5f} and {noise['bits_per_byte']:.4f}."
    )
    return Figure(
        drawing, alt, "The same answers at every point of every run. Dashed: chance. The two left panels share an axis.",
        table.select("model", "run", "flops_1e21", *recipes.METRICS),
    )  # fmt: skip


def onsets_figure() -> Figure:
    """Draw, for every task, the compute at which each metric has left its first level.

    >>> onsets_figure().table.height == len(recipes.tasks())
    True
    """
    wide = recipes.onsets().pivot(on="metric", index="task", values="onset").sort("accuracy", "task", nulls_last=True)
    with theme.style():
        drawing, axis = plt.subplots(figsize=(6.6, 5.2))
        rows = range(wide.height)
        for shift, metric in zip((-0.22, 0, 0.22), recipes.METRICS, strict=True):
            colour, marker = LOOK[metric]
            known = wide[metric].is_not_null().to_numpy()
            place = [row + shift for row in rows if known[row]]
            axis.plot(wide[metric].drop_nulls() * 1e21, place, linestyle="none", marker=marker, color=theme.light(colour), label=NAMES[metric])
        axis.set_xscale("log")
        axis.set_yticks(list(rows), wide["task"].to_list(), fontsize=8)
        axis.set_xlabel("Training FLOPs at which a metric has left its first level (log scale)")
        legend_above(drawing, axis, columns=3)
    first, n, _ = recipes.onset_order("bits_per_byte", "accuracy")
    alt = (
        f"For {wide.height} task splits, the compute from which each metric stays above its first level. Bits per byte comes before accuracy in "
        f"{first} of {n} that differ; accuracy's onset ranges from {wide['accuracy'].min() * 1e21:.1e} to {wide['accuracy'].max() * 1e21:.1e} FLOPs."
    )
    return Figure(drawing, alt, "Which metric is seen to move first. Splits are ordered by accuracy.", wide)


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
