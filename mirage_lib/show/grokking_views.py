"""Figures of the chapter on grokking: one network over steps, and networks of several sizes."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib.ticker import FixedLocator

from mirage_lib.claims import grokking as measured
from mirage_lib.show import figures, ladder_views, theme
from mirage_lib.show.figures import Figure
from mirage_lib.show.measuring import legend_above
from mirage_lib.vision import grokking

LOOK = {"train": ("orange", 1), "test": ("blue", 0)}
NAMES = {"train": "training pairs", "test": "test pairs"}


def accuracy_figure(log: pl.DataFrame) -> Figure:
    """Draw training and test accuracy over steps, on a linear and on a logarithmic axis of steps.

    Parameters
    ----------
    log : frame
        Of :func:`mirage_lib.vision.grokking.run`, one or more seeds.

    >>> accuracy_figure(measured.frozen()).table.columns
    ['seed', 'train', 'test', 'gap']
    """
    with theme.style():
        drawing, axes = plt.subplots(1, 2, figsize=(7.2, 3.1), sharey=True)
        for axis in axes:
            _accuracy(axis, log)
        axes[0].set_xlabel("Training step")
        _log_steps(axes[1], log)
        axes[0].set_ylabel("Accuracy")
        axes[0].set_title("Steps, evenly", loc="left")
        axes[1].set_title("The same, log scale", loc="left")
        legend_above(drawing, axes[0])
    reached = grokking.moments(log)
    said = "; ".join(
        f"seed {row['seed']}: training pairs at step {row['train'] or 'none'}, test pairs at "
        f"{row['test'] if row['test'] else 'none up to ' + str(log['step'].max())}"
        for row in reached.iter_rows(named=True)
    )
    alt = f"Accuracy over training steps, on a linear and a log axis. First step with half of the pairs right, {said}."
    n = int(log.filter(pl.col("half") == "test")["n"][0])
    caption = (
        f"One network a seed. Training pairs are known at once, test pairs long after. {n} test pairs: "
        f"a 95 % interval is at most {100 * 1.96 * 0.5 / np.sqrt(n):.1f} points to each side."
    )
    return Figure(drawing, alt, caption, reached)


def _accuracy(axis: plt.Axes, log: pl.DataFrame) -> None:
    for half, (colour, order) in LOOK.items():
        for place, part in enumerate(log.filter(pl.col("half") == half).sort("seed", "step").partition_by("seed")):
            axis.plot(
                part["step"], part["accuracy"], color=theme.light(colour), linestyle=theme.DASHES[order], linewidth=1.2,
                marker=theme.MARKERS[order], markevery=(5 * place, max(1, part.height // 12)), markersize=3.5,
                label=NAMES[half] if place == 0 else None,
            )  # fmt: skip


def _log_steps(axis: plt.Axes, log: pl.DataFrame) -> None:
    axis.set_xscale("log")
    ticks = [step for step in (10, 30, 100, 300, 1000, 3000) if step <= log["step"].max()]
    axis.set_xticks(ticks, [f"{step:,}" for step in ticks])
    axis.minorticks_off()
    axis.set_xlabel("Training step (log scale)")


def metrics_figure(log: pl.DataFrame) -> Figure:
    """Draw accuracy, mean probability and mean log-probability of the test pairs over the same steps.

    Parameters
    ----------
    log : frame
        With ``log_probability``, as :func:`mirage_lib.claims.grokking.frozen` gives it.

    >>> metrics_figure(measured.frozen()).table.height
    9
    """
    test = log.filter(pl.col("half") == "test").sort("seed", "step")
    stretch = measured.by_heart(log)
    blind = {"accuracy": 1 / grokking.Puzzle().modulus, "right_probability": 1 / grokking.Puzzle().modulus}
    labels = ("Accuracy", "Probability of the right sum", "Log-probability of it, nats")
    with theme.style():
        drawing, axes = plt.subplots(1, 3, figsize=(8.4, 3.1))
        for axis, metric, label in zip(axes, measured.METRICS, labels, strict=True):
            axis.axvspan(stretch["first"].min(), stretch["last"].min(), color=theme.light("grid"), alpha=0.6, linewidth=0)
            for order, part in enumerate(test.partition_by("seed")):
                axis.plot(
                    part["step"], part[metric], color=theme.light(theme.CATEGORIES[order]), label=f"seed {order}",
                    linestyle=theme.DASHES[order], marker=theme.MARKERS[order], markevery=(7 * order, 30), markersize=3.5,
                )  # fmt: skip
            axis.axhline(blind.get(metric, np.log(1 / grokking.Puzzle().modulus)), color=theme.light("faint"), linestyle=":")
            axis.set_title(label, loc="left")
            axis.set_xlabel("Training step")
            axis.set_xticks([0, 1000, 2000, 3000], ["0", "1,000", "2,000", "3,000"])
        legend_above(drawing, axes[0])
    table = measured.climbs(log)
    shares = table.group_by("metric", maintain_order=True).agg(low=pl.col("unseen").min(), high=pl.col("unseen").max())
    said = "; ".join(f"{measured.METRICS[name]} {low:.0%} to {high:.0%}" for name, low, high in shares.iter_rows())
    alt = (
        "Three metrics of the same test pairs over training steps, three seeds. Share of the climb made while test "
        f"accuracy is at most {measured.UNKNOWN:.0%}: {said}. The log-probability first falls to {test['log_probability'].min():.1f} nats, "
        f"below that of knowing nothing, {-np.log(grokking.Puzzle().modulus):.1f}."
    )
    caption = (
        f"Grey: training pairs known, test accuracy at most {measured.UNKNOWN:.0%} (all seeds). There the log-probability makes "
        "much of its climb. Dotted: knowing nothing."
    )
    return Figure(drawing, alt, caption, table)


def side_by_side(log: pl.DataFrame, ladder: pl.DataFrame, losses: pl.DataFrame, width: int = 64) -> Figure:
    """Draw one network over steps, a family over sizes, and one size of that family over steps.

    Parameters
    ----------
    log : frame
        The frozen run.
    ladder : frame
        ``outputs.load("arithmetic-ladder")``.
    losses : frame
        ``outputs.load_table("arithmetic-ladder-training")``.
    width : int
        Of the rung whose losses are drawn.
    """
    runs = ladder_views.run_scores(ladder, "addition", 4, "exact_match")
    mean = runs.group_by("n_params").agg(pl.col("estimate").mean()).sort("n_params")
    rung = losses.filter(pl.col("width") == width).sort("seed", "step")
    with theme.style():
        drawing, axes = plt.subplots(1, 3, figsize=(8.6, 3.3))
        _accuracy(axes[0], log)
        axes[0].set_title("One network, over steps", loc="left")
        axes[0].set_xlabel("Training step")
        axes[0].set_ylabel("Accuracy, sums modulo 59")
        axes[0].legend(loc="center right", fontsize=8)
        axes[1].plot(mean["n_params"], mean["estimate"], color=theme.light("faint"), label="mean")
        for seed, part in enumerate(runs.partition_by("seed", maintain_order=True)):
            axes[1].plot(part["n_params"], part["estimate"], "o", markersize=3.5, color=theme.light("blue"), alpha=0.7)
        figures.size_axis(axes[1], runs["n_params"], "Parameters")
        axes[1].xaxis.set_major_locator(FixedLocator([1e4, 1e5]))
        axes[1].set_title("A family, at its end", loc="left")
        axes[1].set_ylabel("Accuracy, 4-digit sums")
        for order, part in enumerate(rung.partition_by("seed", maintain_order=True)):
            axes[2].plot(
                part["step"], part["addition"], color=theme.light(theme.ORDERED[order]), linestyle=theme.DASHES[order],
                marker=theme.MARKERS[order], markevery=12, markersize=3.5, label=f"seed {part['seed'][0]}",
            )  # fmt: skip
        axes[2].set_yscale("log")
        axes[2].set_title("One of them, over steps", loc="left")
        axes[2].set_xlabel("Training step")
        axes[2].set_ylabel("Training loss, nats")
        axes[2].legend(fontsize=8)
    ends = rung.group_by("seed", maintain_order=True).agg(pl.col("addition").tail(5).mean())
    alt = (
        f"Three panels. One network on sums modulo 59: training pairs are known from step {measured.by_heart(log)['first'].max()} on, test accuracy passes one half at step "
        f"{', '.join(str(s) for s in grokking.moments(log)['test'])}. A family of {mean.height} sizes on 4-digit sums after equal training: "
        f"mean accuracy {mean['estimate'][0]:.2f} to {mean['estimate'][-1]:.2f}. Its size with {theme.in_words(ladder_views.parameters(width))} parameters over steps: "
        f"training losses drop at different times and end at {', '.join(f'{x:.2f}' for x in ends['addition'])} nats."
    )
    caption = (
        "Left and right: the axis is time. Middle: the axis is size, every mark a network trained anew, only held-out sums. "
        "The grey line is the mean over seeds."
    )
    return Figure(drawing, alt, caption, mean.rename({"estimate": "mean accuracy of the family"}))


def sizes_figure(sizes: pl.DataFrame, steps: tuple[int, ...] = (750, 1500, 3000)) -> Figure:
    """Draw training and test accuracy over sizes, for several lengths of training.

    Parameters
    ----------
    sizes : frame
        ``measured.frozen("vision-grokking-sizes")``.
    """
    tables = [measured.family(sizes, step).with_columns(step=pl.lit(step)) for step in steps]
    with theme.style():
        drawing, axes = plt.subplots(1, len(steps), figsize=(8.4, 3.1), sharey=True)
        for axis, step, table in zip(axes, steps, tables, strict=True):
            mean = table.group_by("n_params").agg(pl.col("train", "test").mean()).sort("n_params")
            for half, (colour, order) in LOOK.items():
                ink = theme.light(colour)
                axis.plot(table["n_params"], table[half], theme.MARKERS[order], color=ink, markersize=3.5, alpha=0.7)
                axis.plot(mean["n_params"], mean[half], color=ink, linestyle=theme.DASHES[order], label=NAMES[half])
            figures.size_axis(axis, table["n_params"], "Parameters")
            axis.set_title(f"After {step:,} steps", loc="left")
        axes[0].set_ylabel("Accuracy")
        legend_above(drawing, axes[0])
    said = []
    for step, table in zip(steps, tables, strict=True):
        known = table.filter((pl.col("train") >= measured.KNOWN) & (pl.col("test") <= measured.UNKNOWN)).height
        said.append(
            f"after {step} steps {(table['test'] >= 0.5).sum()} of {table.height} networks have half of the test pairs "
            f"right, and {known} know only the training pairs"
        )
    alt = "Training and test accuracy over network size. " + "; ".join(said) + "."
    caption = "The same task over sizes. Marks: networks (three seeds a size, 885 pairs a half); lines: means over seeds."
    return Figure(drawing, alt, caption, pl.concat(tables))


def delays(varied: pl.DataFrame, log: pl.DataFrame) -> pl.DataFrame:
    """Collect when test pairs are half right, for other shares of pairs and other weight decays.

    Returns
    -------
    Frame with ``share, weight_decay, seed, step``; null where it was not within the run.
    """
    usual = grokking.Puzzle()
    thin = log.filter((pl.col("step") % 50 == 0) & (pl.col("half") == "test")).with_columns(
        share=pl.lit(usual.share), weight_decay=pl.lit(usual.weight_decay)
    )
    keys = ["share", "weight_decay", "seed"]
    both = pl.concat([varied.filter(pl.col("half") == "test"), thin.select(varied.columns)])
    return both.group_by(keys).agg(step=pl.col("step").filter(pl.col("accuracy") >= 0.5).min()).sort(keys)


def delays_figure(varied: pl.DataFrame, log: pl.DataFrame) -> Figure:
    """Draw the time of grokking against the share of pairs and against weight decay, the other one as usual."""
    table = delays(varied, log)
    last, usual = int(log["step"].max()), grokking.Puzzle()
    parts = {
        "share": table.filter(pl.col("weight_decay") == usual.weight_decay),
        "weight_decay": table.filter(pl.col("share") == usual.share),
    }
    with theme.style():
        drawing, axes = plt.subplots(1, 2, figsize=(7, 3), sharey=True)
        for axis, (name, part) in zip(axes, parts.items(), strict=True):
            there, none = part.drop_nulls("step"), part.filter(pl.col("step").is_null())
            axis.plot(there[name], there["step"], "o", color=theme.light("blue"))
            axis.plot(none[name], [last] * none.height, "^", color=theme.light("orange"), fillstyle="none", clip_on=False)
            axis.set_yscale("log")
            axis.set_yticks([300, 1000, 3000], ["300", "1,000", "3,000"])
            axis.minorticks_off()
        axes[1].set_xscale("log")
        axes[1].set_xticks([0.3, 1, 2], ["0.3", "1", "2"])
        axes[1].minorticks_off()
        axes[0].set_xlabel("Share of pairs trained on")
        axes[1].set_xlabel("Weight decay (log scale)")
        axes[0].set_ylabel("First step with half of\nthe test pairs right (log)")
    said = [
        f"{name.replace('_', ' ')} {value:g}: {', '.join(str(s or f'not within {last}') for s in steps)}"
        for name, part in parts.items()
        for value, steps in part.group_by(name, maintain_order=True).agg(pl.col("step")).sort(name).iter_rows()
    ]
    alt = "When half of the test pairs are right, one number a seed. " + "; ".join(said) + "."
    sooner = all(
        part.with_columns(pl.col("step").fill_null(last + 1)).group_by(name).agg(pl.col("step").mean())
        .sort(name)["step"].is_sorted(descending=True)
        for name, part in parts.items()
    )
    caption = f"One mark a run. Hollow triangles: not within {last:,} steps." + (
        " More pairs or more decay, and it comes sooner." if sooner else ""
    )
    return Figure(drawing, alt, caption, table)
