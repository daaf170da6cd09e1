"""Ladder views: what the arithmetic ladder learns, digit by digit and step by step."""

from __future__ import annotations

import math

import matplotlib.pyplot as plt
import polars as pl

from mirage_lib import curves, metrics
from mirage_lib.arithmetic import ladder
from mirage_lib.show import figures, theme
from mirage_lib.show.figures import Figure

GUESS = 0.1
"""Probability of a digit for who knows only that it is one of ten."""


def digit_curve(outputs: pl.DataFrame, task: str, length: int) -> pl.DataFrame:
    """Mean probability of each digit of the right answer, given the digits before it, by size.

    Returns
    -------
    A curve whose ``group`` is the digit's place, 1 for the first.

    >>> from mirage_lib.outputs import load
    >>> digit_curve(load("arithmetic-ladder"), "addition", 4)["group"].unique().sort().to_list()
    [1, 2, 3, 4]
    """
    digits = (
        outputs.filter((pl.col("task") == task) & (pl.col("group") == length))
        .with_columns(group=pl.int_ranges(1, pl.col("token_logprobs").list.len() + 1))
        .explode("group", "token_logprobs")
    )
    probability = metrics.Metric(
        name="digit_probability", label="Probability of the right digit", formula="",
        needs=("token_logprobs",), range=(0, 1), better="higher", shape="linear", why="", source="",
        compute=lambda o: o["token_logprobs"].cast(pl.Float64).exp(), chance=lambda o: GUESS,
    )  # fmt: skip
    return curves.curve(digits, probability, by=("task", "group"))


def digits(outputs: pl.DataFrame, task: str, length: int) -> Figure:
    """Draw :func:`digit_curve`: one line a digit place."""
    curve = digit_curve(outputs, task, length)
    with theme.style():
        drawing, axis = plt.subplots(figsize=(5.6, 3.3))
        for (place,), part in curve.group_by("group", maintain_order=True):
            figures.line(axis, part, theme.ORDERED[int(place) - 1], int(place) - 1, label=f"digit {place}")
        axis.axhline(GUESS, color=theme.light("faint"), linestyle=":", linewidth=1)
        figures.size_axis(axis, curve["n_params"])
        axis.set_ylabel("Probability of the right digit")
        axis.set_ylim(0, 1.02)
        axis.legend()
    half = {
        place: part.filter(pl.col("estimate") > 0.5)["n_params"].min()
        for (place,), part in curve.group_by("group", maintain_order=True)
    }
    passed = ", ".join(
        f"digit {place} at {theme.in_words(size)}" if size else f"digit {place} never"
        for place, size in half.items()
    )
    alt = (
        f"Probability of each digit of a {length}-digit answer in {task} against model size. The places are learned "
        f"at different sizes; the first size whose mean probability passes one half is: {passed} parameters."
    )
    caption = (
        f"Each digit of {length}-digit answers ({task}), given the right digits before it; dotted: one in ten. "
        f"Training seeds: {', '.join(map(str, sorted(outputs['seed'].unique())))}. Bands: 95 % intervals."
    )
    return Figure(drawing, alt, caption, curve.select("group", "n_params", "estimate", "low", "high", "n"))


def training(log: pl.DataFrame, task: str, runs: tuple[tuple[int, int], ...]) -> Figure:
    """Draw training losses over steps for a few rungs.

    Parameters
    ----------
    log : frame
        ``outputs.load_table("arithmetic-ladder-training")``.
    runs : pairs of width and seed
    """
    ends = []
    with theme.style():
        drawing, axis = plt.subplots(figsize=(5.4, 3.3))
        for order, (width, seed) in enumerate(runs):
            one = log.filter((pl.col("width") == width) & (pl.col("seed") == seed)).sort("step")
            name = f"{theme.in_words(parameters(width))}, seed {seed}"
            axis.plot(
                one["step"],
                one[task],
                color=theme.light(theme.ORDERED[order]),
                marker=theme.MARKERS[order],
                markevery=10,
                markersize=4,
                linestyle=theme.DASHES[order],
                label=name,
            )
            ends.append((name, one["step"][-1], one[task][-1]))
        axis.set_yscale("log")
        axis.set_xlabel("Training step")
        axis.set_ylabel(f"Loss on {task}, nats a character")
        axis.legend(title="parameters")
    said = "; ".join(f"{name}: {loss:.2f}" for name, _, loss in ends)
    alt = (
        f"Training loss on {task} over {ends[0][1]} steps for {len(runs)} runs, on a log axis. The losses stay on "
        f"plateaus and drop from them at different times. At the end, in nats: {said}."
    )
    caption = "Loss of single batches every 50 steps (log scale)."
    return Figure(drawing, alt, caption, pl.DataFrame(ends, schema=["run", "step", "loss"], orient="row"))


def by_training(outputs: pl.DataFrame, task: str, length: int) -> Figure:
    """Draw accuracy and edit distance of every run against the number of training steps.

    Parameters
    ----------
    outputs : frame
        With the column ``steps``, such as ``outputs.load("arithmetic-ladder-tokens")``.
    """
    cell = outputs.filter((pl.col("task") == task) & (pl.col("group") == length))
    names = {"exact_match": 1, "token_edit_distance": -1}
    scored = cell.with_columns(metrics.get(name).score(cell) for name in names)
    runs = scored.group_by("n_params", "seed", "steps").agg(pl.col(*names).mean(), n=pl.len()).sort("n_params", "seed", "steps")
    sizes = sorted(runs["n_params"].unique())
    with theme.style():
        drawing, axes = plt.subplots(1, 2, figsize=(6.4, 2.9))
        for axis, (name, sign) in zip(axes, names.items(), strict=True):
            for (size, seed), run in runs.group_by("n_params", "seed", maintain_order=True):
                order = sizes.index(size)
                axis.plot(
                    run["steps"], sign * run[name], color=theme.light(("blue", "orange")[order % 2]),
                    marker=theme.MARKERS[order], linestyle=theme.DASHES[seed % len(theme.DASHES)],
                    label=f"{theme.in_words(size)}, seed {seed}",
                )
            steps = sorted(runs["steps"].unique())
            axis.set_xscale("log")
            axis.minorticks_off()
            axis.set_xticks(steps, steps)
            axis.set_xlabel("Training steps (log scale)")
            axis.set_ylabel(("− " if sign < 0 else "") + metrics.get(name).label)
        axes[0].legend(title="parameters", fontsize=8)
    said = "; ".join(
        f"{theme.in_words(size)} parameters, seed {seed}: {run['exact_match'][0]:.2f} after {run['steps'][0]} steps, "
        f"{run['exact_match'][-1]:.2f} after {run['steps'][-1]}"
        for (size, seed), run in runs.group_by("n_params", "seed", maintain_order=True)
    )
    alt = f"Accuracy and minus edit distance in {task}, {length}-digit answers, against training steps. Accuracy: {said}."
    caption = (
        f"The same sizes trained for more and fewer steps ({task}, {length} digits): one line a run, "
        f"{runs['n'].min()} answers a mark. Each run has its own learning-rate schedule, so a short run is not the start of a long one."
    )
    return Figure(drawing, alt, caption, runs.rename({"exact_match": "accuracy", "token_edit_distance": "edit distance"}))


def run_scores(outputs: pl.DataFrame, task: str, length: int, metric: str) -> pl.DataFrame:
    """Mean score of every single training run on one cell.

    Returns
    -------
    Frame with ``n_params, seed, estimate``.

    >>> from mirage_lib.outputs import load
    >>> run_scores(load("arithmetic-ladder"), "addition", 5, "exact_match").columns
    ['n_params', 'seed', 'estimate']
    """
    cell = outputs.filter((pl.col("task") == task) & (pl.col("group") == length))
    scored = cell.with_columns(metrics.get(metric).score(cell).alias("score"))
    return scored.group_by("n_params", "seed").agg(estimate=pl.col("score").mean()).sort("n_params", "seed")


def widest_gap(values: pl.Series) -> float:
    """The widest gap between neighbouring values, as a share of their range.

    Two groups far apart give a value near 1, an even spread one near one over their number.

    >>> widest_gap(pl.Series([0.0, 0.1, 0.9, 1.0]))
    0.8
    """
    ordered = values.sort()
    return float((ordered.diff().max() or 0.0) / (ordered.max() - ordered.min()))


def largest_step(run: pl.DataFrame, better: str) -> float:
    """The largest gain between neighbouring sizes of one ladder, as a share of its whole range.

    >>> run = pl.DataFrame({"n_params": [1, 2, 3], "estimate": [0.0, 0.8, 1.0]})
    >>> largest_step(run, "higher")
    0.8
    """
    values = run.sort("n_params")["estimate"] * (1 if better == "higher" else -1)
    return float(values.diff().max() / (values.max() - values.min()))


def jumps(outputs: pl.DataFrame, task: str, names: tuple[str, ...], above: int = 8000) -> pl.DataFrame:
    """How suddenly single ladders learn, and how far their runs stand apart, by length and metric.

    Parameters
    ----------
    above : int
        The gap is taken over runs with more parameters than this.

    Returns
    -------
    Frame with ``length, metric, largest step`` (mean over the seeds that were trained at every size) and
    ``widest gap`` (all runs), both as shares of the range.

    >>> from mirage_lib.outputs import load
    >>> jumps(load("arithmetic-ladder"), "addition", ("exact_match",))["length"].to_list()
    [1, 2, 3, 4, 5]
    """
    rows, sizes = [], outputs["n_params"].n_unique()
    for length in sorted(outputs.filter(pl.col("task") == task)["group"].unique()):
        for name in names:
            runs = run_scores(outputs, task, length, name)
            better = metrics.get(name).better
            steps = [largest_step(run, better) for run in runs.partition_by("seed") if run.height == sizes]
            gap = widest_gap(runs.filter(pl.col("n_params") > above)["estimate"])
            rows.append((length, name, sum(steps) / len(steps), gap))
    return pl.DataFrame(rows, schema=["length", "metric", "largest step", "widest gap"], orient="row")


def single_runs(outputs: pl.DataFrame, task: str, length: int) -> Figure:
    """Draw every training run as a mark of its own, under accuracy and edit distance."""
    names = ("exact_match", "token_edit_distance")
    parts = {name: run_scores(outputs, task, length, name) for name in names}
    seeds = sorted(outputs["seed"].unique())
    with theme.style():
        drawing, axes = plt.subplots(1, 2, figsize=(5.4, 2.8))
        for axis, name, sign in zip(axes, names, (1, -1), strict=True):
            for order, seed in enumerate(seeds):
                one = parts[name].filter(pl.col("seed") == seed)
                axis.plot(
                    one["n_params"],
                    sign * one["estimate"],
                    color=theme.light(theme.CATEGORIES[order % len(theme.CATEGORIES)]),
                    marker=theme.MARKERS[order % len(theme.MARKERS)],
                    linestyle="none",
                    label=f"seed {seed}",
                )
            mean = parts[name].group_by("n_params").agg(pl.col("estimate").mean()).sort("n_params")
            axis.plot(mean["n_params"], sign * mean["estimate"], color=theme.light("faint"), label="mean")
            figures.size_axis(axis, mean["n_params"])
            axis.set_ylabel(("− " if sign < 0 else "") + metrics.get(name).label)
        axes[0].legend(fontsize=8)
    runs = parts["exact_match"]["estimate"]
    alt = (
        f"Every training run as a mark, {task} with {length}-digit answers, against size. Of {len(runs)} runs "
        f"{(runs < 0.1).sum()} have accuracy below 0.1, {(runs > 0.9).sum()} above 0.9, and "
        f"{runs.is_between(0.1, 0.9).sum()} lie between; high and low runs stand side by side at the same size. "
        "The grey mean passes between them. Between neighbouring runs the widest gap is "
        f"{widest_gap(runs):.0%} of the range under accuracy and "
        f"{widest_gap(parts['token_edit_distance']['estimate']):.0%} under edit distance."
    )
    caption = "One mark a training run; the grey line is the mean over seeds. Up is better in both panels."
    table = parts["exact_match"].rename({"estimate": "accuracy"}).join(
        parts["token_edit_distance"].rename({"estimate": "edit distance"}), on=["n_params", "seed"]
    )
    return Figure(drawing, alt, caption, table)


def parameters(width: int) -> int:
    """Number of parameters of a rung, counted from its shape without building it.

    >>> parameters(8), parameters(64)
    (3904, 203264)
    """
    inner = ladder.HEADS * 2 * math.ceil(width / (2 * ladder.HEADS))
    block = 4 * width * inner + 3 * width * 4 * width + 2 * width
    return ladder.LAYERS * block + (len(ladder.CHARACTERS) + 1) * width + width
