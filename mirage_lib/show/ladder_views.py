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
        f"Each digit of {length}-digit answers ({task}), given the right digits before it, mean over seeds; dotted: "
        "one in ten. Bands: 95 % intervals."
    )
    return Figure(drawing, alt, caption, curve.select("group", "n_params", "estimate", "low", "high", "n"))


def training(log: pl.DataFrame, task: str, widths: tuple[int, ...], seed: int = 0) -> Figure:
    """Draw training losses over steps for a few rungs of one seed.

    Parameters
    ----------
    log : frame
        ``outputs.load_table("arithmetic-ladder-training")``.
    """
    part = log.filter((pl.col("seed") == seed) & pl.col("width").is_in(widths))
    with theme.style():
        drawing, axis = plt.subplots(figsize=(5.6, 3.3))
        for order, width in enumerate(widths):
            one = part.filter(pl.col("width") == width).sort("step")
            axis.plot(
                one["step"],
                one[task],
                color=theme.light(theme.ORDERED[order]),
                marker=theme.MARKERS[order],
                markevery=10,
                markersize=4,
                linestyle=theme.DASHES[order],
                label=f"{theme.in_words(parameters(width))}",
            )
        axis.set_yscale("log")
        axis.set_xlabel("Training step")
        axis.set_ylabel(f"Loss on {task}, nats a character")
        axis.legend(title="parameters")
    ends = part.filter(pl.col("step") == part["step"].max()).sort("width")
    said = ", ".join(
        f"{loss:.2f} at {theme.in_words(parameters(width))}" for width, loss in ends.select("width", task).iter_rows()
    )
    alt = (
        f"Training loss on {task} over {part['step'].max()} steps for {len(widths)} sizes. Each size sits on a plateau, "
        f"then drops; larger ones leave it earlier. At the end: {said} parameters."
    )
    caption = f"Loss of single batches every 50 steps, seed {seed}, by number of parameters (log scale)."
    return Figure(drawing, alt, caption, ends.select("width", "step", task))


def parameters(width: int) -> int:
    """Number of parameters of a rung, counted from its shape without building it.

    >>> parameters(8), parameters(64)
    (3904, 203264)
    """
    inner = ladder.HEADS * 2 * math.ceil(width / (2 * ladder.HEADS))
    block = 4 * width * inner + 3 * width * 4 * width + 2 * width
    return ladder.LAYERS * block + (len(ladder.CHARACTERS) + 1) * width + width
