"""Public views: what others measured on models that the paper never saw."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

from mirage_lib import curves
from mirage_lib.arithmetic import public
from mirage_lib.show import figures, theme
from mirage_lib.show.explorer import ALL, Control, Explorer
from mirage_lib.show.figures import Figure
from mirage_lib.show.measuring import legend_above
from mirage_lib.show.resolution_views import dots
from mirage_lib.show.views import AXIS, INTERVALS

TASKS = ("2-digit multiplication", "2-digit addition", "3-digit addition")
LINE_FROM = 4
"""A family of so many sizes or more is drawn as a line."""
TOKENS = (2.0, 6.0, 20.0, 60.0, 300.0)
"""Training lengths of Pythia that are drawn, in billions of tokens."""
TITLES = {"gsm8k": "GSM8K", "math": "MATH"}


def commonest_guess(task: str) -> float:
    """How often the best constant answer is right in a public task, if operands are uniform.

    Brown et al. (2020), whose tasks these are, draw both operands from 0 to 99, or to 999.

    >>> [commonest_guess(task) for task in TASKS]
    [0.0199, 0.01, 0.001]
    """
    below = 10 ** int(task[0])
    numbers = np.arange(below)
    if "multiplication" in task:
        ways = np.bincount(np.outer(numbers, numbers).ravel())
    else:  # a sum, or a difference, which is a sum turned round
        ways = np.convolve(np.ones(below), np.ones(below))
    return float(ways.max() / below**2)


def accuracies() -> pl.DataFrame:
    """Accuracy of the public models with Wilson's intervals, without mixtures of experts.

    Where none was right, ``high`` is the exact one-sided bound.

    Returns
    -------
    Frame with ``task, family, model, n_params, tokens_b, estimate, low, high, n, line``: the last tells whether
    the family has :data:`LINE_FROM` sizes in that task.

    >>> accuracies()["task"].n_unique()
    3
    """
    table = public.arithmetic().filter(pl.col("task").is_in(TASKS) & ~pl.col("mixture"))
    right = (table["accuracy"] * table["n"]).round().cast(pl.Int64)
    ends = [
        curves.wilson(k, n) if k else (0.0, curves.highest_when_none(n)) for k, n in zip(right, table["n"], strict=True)
    ]
    return table.select(
        "task", "family", "model", "n_params", "tokens_b", "n", estimate="accuracy",
        low=pl.Series([low for low, _ in ends]), high=pl.Series([high for _, high in ends]),
        line=pl.col("n_params").n_unique().over("task", "family") >= LINE_FROM,
    ).sort("task", "family", "n_params")  # fmt: skip


def falls(table: pl.DataFrame) -> pl.DataFrame:
    """Find neighbours of a family of which the larger is worse, beyond both intervals.

    Returns
    -------
    Frame with ``task, family, smaller, larger, before, after``.

    >>> "Pythia" in falls(accuracies())["family"].to_list()
    True
    """
    keys = ["task", "family"]
    lines = table.filter("line").sort(*keys, "n_params")
    before = pl.col("n_params", "estimate", "low").shift(1).over(keys).name.prefix("last_")
    lines = lines.with_columns(before).filter(pl.col("high") < pl.col("last_low"))
    return lines.select(
        *keys, smaller="last_n_params", larger="n_params", before="last_estimate", after="estimate"
    )


def public_figure() -> Figure:
    """Draw the accuracy of the public models by family on a linear axis.

    >>> public_figure().table["task"].n_unique()
    3
    """
    return _by_family(accuracies(), "linear")


def public_log_figure() -> Figure:
    """Draw the same on a logarithmic axis, with the best constant answer as chance.

    >>> "commonest" in public_log_figure().caption
    True
    """
    return _by_family(accuracies(), "log")


def _by_family(table: pl.DataFrame, scale: str) -> Figure:
    families = table.filter("line").group_by("family").agg(pl.len()).sort("family")["family"].to_list()
    with theme.style():
        drawing, axes = plt.subplots(1, len(TASKS), figsize=(8.4, 4.1), sharey=True)
        for axis, task in zip(axes, TASKS, strict=True):
            part = table.filter(pl.col("task") == task)
            for order, family in enumerate(families):
                curve = part.filter((pl.col("family") == family) & pl.col("line"))
                if curve.is_empty():
                    axis.plot([], [], **_look(order), label=family)
                elif scale == "log":
                    dots(axis, curve, theme.CATEGORIES[order % 4], order, family)
                else:
                    figures.line(axis, curve, theme.CATEGORIES[order % 4], order, family)
            rest = part.filter(~pl.col("line"))
            axis.plot(rest["n_params"], rest["estimate"], ".", color=theme.light("faint"), label="others")
            if scale == "log":
                axis.axhline(commonest_guess(task), color=theme.light("ink"), linestyle="--", linewidth=1)
            figures.size_axis(axis, table["n_params"], "Parameters")
            axis.set_title(task, loc="left")
        axes[0].set_ylabel("Accuracy" + (" (log scale)" if scale == "log" else ""))
        legend_above(drawing, axes[0], columns=5)
    said = "; ".join(_spoken(table.filter(pl.col("task") == task), scale) for task in TASKS)
    down = falls(table)
    alt = (
        f"Accuracy of {table['model'].n_unique()} public models against size, by family, on a {scale} axis. {said}. In "
        f"{down.height} places a larger model of a family is worse than the next smaller one beyond the intervals"
        + (f", for instance {_worst(down)}." if down.height else ".")
    )
    kind = (
        "Dashed: always the commonest answer, if operands are uniform. Hollow marks: none right, upper bound. "
        if scale == "log"
        else ""
    )
    caption = (
        f"2-shot accuracy of public base models, published by others, {table['n'].max():,} items a mark; accuracy only, "
        f"since their answers were not kept. Lines: families of {LINE_FROM} or more sizes, with 95 % intervals; dots: all "
        f"others but mixtures of experts. {kind}Families differ in data, tokens and tokenisers."
    )
    columns = ["task", "family", "model", "n_params", "estimate", "low", "high", "n"]
    return Figure(drawing, alt, caption, table.select(columns))


def _look(order: int) -> dict:
    return {
        "color": theme.light(theme.CATEGORIES[order % 4]),
        "marker": theme.MARKERS[order % 5],
        "linestyle": theme.DASHES[order % 5],
    }


def _spoken(part: pl.DataFrame, scale: str) -> str:
    small = part.filter(pl.col("n_params") < 1e9)["estimate"]
    text = (
        f"{part['task'][0]}: {part.height} models from {part['estimate'].min():.3g} to {part['estimate'].max():.3g}, below a "
        f"billion parameters the median is {small.median():.3g}"
    )
    if scale == "log":
        guess = commonest_guess(part["task"][0])
        text += f", and {(part['low'] <= guess).sum()} models are not above the constant answer's {guess:.3g}"
    return text


def _worst(down: pl.DataFrame) -> str:
    row = down.sort(pl.col("before") - pl.col("after"), descending=True).row(0, named=True)
    return (
        f"{row['family']} in {row['task']}, {row['before']:.3g} at {theme.in_words(row['smaller'])} and "
        f"{row['after']:.3g} at {theme.in_words(row['larger'])}"
    )


def sampled_curves(tokens: tuple[float, ...] = TOKENS) -> pl.DataFrame:
    """Pythia's mean success by size, for some training lengths, as rows of a curve.

    Returns
    -------
    Frame with ``task, tokens, n_params, estimate, low, high, n``; ``tokens`` in words.

    >>> sampled_curves()["tokens"].unique(maintain_order=True).to_list()
    ['2B', '6B', '20B', '60B', '300B']
    """
    table = public.sampled().filter(pl.col("tokens_b").is_in(tokens))
    named = table.with_columns(
        tokens=pl.col("tokens_b").map_elements(lambda t: theme.in_words(t * 1e9), return_dtype=pl.String)
    )
    return named.sort("tokens_b", "task", "n_params").select(
        "task", "tokens", "n_params", "low", "high", estimate="mean_success", n="n_samples"
    )


def training_explorer() -> Explorer:
    """Let the reader cross Pythia's sizes with its training lengths.

    >>> training_explorer().rows["task"].unique().sort().to_list()
    ['GSM8K', 'MATH']
    """
    rows = sampled_curves().with_columns(pl.col("task").replace_strict(TITLES))
    tokens = rows["tokens"].unique(maintain_order=True).to_list()
    controls = [
        Control("task", "Task", "GSM8K", [{"value": t, "label": t} for t in TITLES.values()], "task"),
        Control(
            "tokens", "Training tokens", ALL,
            [{"value": ALL, "label": "each"}, *({"value": t, "label": t} for t in tokens)], "tokens",
        ),
        Control("axis", "Vertical axis", "log", AXIS.options),
        INTERVALS,
    ]  # fmt: skip
    return Explorer(
        name="training",
        figure=training_figure(),
        controls=controls,
        rows=rows,
        group={"field": "tokens", "title": "Training tokens", "values": tokens},
        metric={"label": "Mean success", "title": "mean success", "sign": 1, "log_sign": 1},
    )


def training_figure() -> Figure:
    """Draw the mean success of sampled answers by size, one line a training length.

    >>> training_figure().table.height > 80
    True
    """
    table = sampled_curves()
    said = []
    with theme.style():
        drawing, axes = plt.subplots(1, 2, figsize=(7.4, 3.6), sharey=True)
        for axis, (task, title) in zip(axes, TITLES.items(), strict=True):
            part = table.filter(pl.col("task") == task)
            for order, ((tokens,), curve) in enumerate(part.group_by("tokens", maintain_order=True)):
                dots(axis, curve, theme.ORDERED[order], order, tokens)
            figures.size_axis(axis, table["n_params"], "Parameters")
            axis.set_title(title, loc="left")
            last = part.filter(pl.col("tokens") == part["tokens"][-1]).sort("n_params")
            none = part.filter(pl.col("estimate") == 0)
            said.append(
                f"{title} after {part['tokens'][-1]} tokens: {_rate(last.row(0, named=True))} at "
                f"{theme.in_words(last['n_params'][0])} to {_rate(last.row(-1, named=True))} at "
                f"{theme.in_words(last['n_params'][-1])}; none right in {none.height} of {part.height} cells"
            )
        axes[0].set_ylabel("Mean success (log scale)")
        legend_above(drawing, axes[0], columns=5)
    alt = "Mean success of sampled answers of Pythia models by size and training tokens, log axes. " + ". ".join(said) + "."
    caption = (
        "Pythia, sampled again and again; lines are training tokens. Mean over 128 problems, bars: 95 % bootstrap over "
        "problems. Hollow marks: none right, the mark is the largest mean over these problems that leaves this a chance "
        "of 5 %. Published counts, summed up by us."
    )
    return Figure(drawing, alt, caption, table)


def _rate(row: dict) -> str:
    return f"{row['estimate']:.1e}" if row["estimate"] else f"none right, at most {row['high']:.1e}"


def logprob_figure() -> Figure:
    """Draw the log-probability of GSM8K's reference answers beside the success of sampling, same models.

    >>> logprob_figure().table.height
    9
    """
    named = public.reference_logprob()
    success = public.sampled().filter(pl.col("task") == "gsm8k")
    both = named.join(success, on=["n_params", "tokens_b"], how="left", suffix="_sampled").sort("n_params")
    nats = both.select(
        "n_params", estimate="mean", low=pl.col("mean") - 1.96 * pl.col("standard_error"),
        high=pl.col("mean") + 1.96 * pl.col("standard_error"),
    )  # fmt: skip
    sampled = both.select("n_params", "low", "high", estimate="mean_success")
    with theme.style():
        drawing, axes = plt.subplots(1, 2, figsize=(7, 3.1))
        axes[0].fill_between(both["n_params"], both["q25"], both["q75"], color=theme.light("grid"), linewidth=0)
        figures.line(axes[0], nats, *_metric_look())
        dots(axes[1], sampled, "orange", 0)
        for axis in axes:
            figures.size_axis(axis, both["n_params"], "Parameters")
        axes[0].set_ylabel("Log-probability of the reference, nats")
        axes[1].set_ylabel("Mean success (log scale)")
    alt = (
        f"Two panels, nine Pythia models on GSM8K. The mean log-probability of the reference answer goes from "
        f"{nats['estimate'][0]:.0f} to {nats['estimate'][-1]:.0f} nats, with a rise in "
        f"{(np.diff(nats['estimate']) > 0).sum()} of {nats.height - 1} steps. The mean success of sampling goes from "
        f"{sampled['estimate'][0]:.1e} to {sampled['estimate'][-1]:.1e} and falls in "
        f"{(np.diff(sampled['estimate']) < 0).sum()} of the steps."
    )
    caption = (
        "Left: log-probability of the whole reference text, mean over 1,319 problems with a 95 % band, and the middle "
        "half of the problems in grey. Right: success of sampled answers on 128 of the problems. The same nine models "
        "(training lengths differ, see the table)."
    )
    columns = ["n_params", "tokens_b", "mean", "standard_error", "q25", "q75", "share_better"]
    return Figure(drawing, alt, caption, both.select(*columns, "mean_success", "low", "high"))


def _metric_look() -> tuple[str, int]:
    colour, mark = theme.METRIC_LOOK["target_log_probability"]
    return colour, theme.MARKERS.index(mark)
