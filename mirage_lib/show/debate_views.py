"""Figures of the chapter on the debate: seeds one by one, a hidden rule under three metrics, and skill against loss."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

from mirage_lib.analyses import losses
from mirage_lib.claims import debate
from mirage_lib.show import figures, theme
from mirage_lib.show.figures import Figure
from mirage_lib.show.measuring import legend_above

BLIND, KNOWN = -2.0, float(-np.log(2))
"""Mean log-probabilities of a digit: below the first it is as good as a blind guess (-2.3), above the second more likely than not."""
LOOK = {"rpj": ("blue", "o"), "rw_original": ("orange", "s"), "c4_original": ("green", "^"), "OLMo": ("purple", "D")}
DATA = {"rpj": "RedPajama", "rw_original": "RefinedWeb", "c4_original": "C4", "OLMo": "OLMo"}


def _scatter(axis: plt.Axes, x: np.ndarray, y: np.ndarray, colour: str, marker: str, label: str | None = None) -> None:
    axis.plot(x, y, marker, color=theme.light(colour), markersize=4, alpha=0.75, markeredgewidth=0, label=label)


def _beside(table: pl.DataFrame, column: str) -> np.ndarray:
    """Shifts that set the rows of each value of a column side by side, in their order."""
    place = (pl.int_range(pl.len()) + 0.5) / pl.len() - 0.5
    return 0.6 * table.select(place.over(column)).to_series().to_numpy()


def adders_figure(table: pl.DataFrame) -> Figure:
    """Draw every network of the ladder on 5-digit addition, under exact match and log-probability.

    Parameters
    ----------
    table : frame
        Of :func:`mirage_lib.claims.debate.adders`.

    >>> adders_figure(debate.adders()).table.columns[:2]
    ['width', 'seed']
    """
    with theme.style():
        drawing, axes = plt.subplots(1, 2, figsize=(7.2, 3.0))
        for axis, column, title in zip(axes, ("accuracy", "log_probability"), ("Exact match", "Log-probability of the target, nats"), strict=True):
            places = sorted(table["width"].unique())
            for new, colour, marker, label in ((False, "blue", "o", "networks of the ladder"), (True, "orange", "s", "new seeds")):
                part = table.filter(pl.col("new") == new).sort("width", column)
                if part.height:
                    x = np.array([places.index(w) for w in part["width"]]) + _beside(part, "width")
                    _scatter(axis, x, part[column].to_numpy(), colour, marker, label)
            means = table.group_by("width").agg(pl.col(column).mean()).sort("width")[column]
            axis.plot(range(len(places)), means, "_", color=theme.light("ink"), markersize=22, markeredgewidth=1.5, label="mean")
            axis.set_xticks(range(len(places)), [f"width {w}" for w in places])
            axis.set_xlim(-0.5, len(places) - 0.5)
            axis.set_title(title, loc="left")
        legend_above(drawing, axes[0])
    high, low = table.filter(pl.col("accuracy") > 0.5), table.filter(pl.col("accuracy") <= 0.5)
    between = table.filter(pl.col("accuracy").is_between(0.1, 0.9)).height
    alt = (
        f"Each of {table.height} networks as a mark, for widths {', '.join(map(str, places))}. {high.height} have {high['accuracy'].min():.0%} to "
        f"{high['accuracy'].max():.0%} of 5-digit sums right, {low.height} have {low['accuracy'].max():.1%} or less; between a tenth and nine tenths "
        f"lie {between}. Log-probabilities: {high['log_probability'].min():.1f} to {high['log_probability'].max():.1f} and "
        f"{low['log_probability'].min():.1f} to {low['log_probability'].max():.1f} nats."
    )
    caption = (
        f"Same size, same data, same training; only the seed differs. {table['n'][0]:,} sums a network: the luck of the items is at most "
        f"{196 * 0.5 / np.sqrt(table['n'][0]):.1f} points to each side."
    )
    return Figure(drawing, alt, caption, table.select("width", "seed", "new", "accuracy", "log_probability"))


def digits_figure(table: pl.DataFrame) -> Figure:
    """Draw every digit of every network: its mean log-probability, place by place.

    Parameters
    ----------
    table : frame
        Of :func:`mirage_lib.claims.debate.digits`.

    >>> digits_figure(debate.digits()).table.columns
    ['width', 'seed', 'new', 'place', 'log_probability']
    """
    with theme.style():
        drawing, axis = plt.subplots(figsize=(5.4, 3.0))
        axis.axhline(-np.log(10), color=theme.light("ink"), linestyle=":", linewidth=1)
        axis.annotate("blind guess, one in ten", (1.5, -np.log(10)), xytext=(0, 3), textcoords="offset points", ha="center", fontsize=8)
        for new, colour, marker, label in ((False, "blue", "o", "networks of the ladder"), (True, "orange", "s", "new seeds")):
            part = table.filter(pl.col("new") == new).sort("place", "log_probability")
            _scatter(axis, part["place"].to_numpy() + _beside(part, "place"), part["log_probability"].to_numpy(), colour, marker, label)
        places = table["place"].unique().sort().to_list()
        axis.set_xticks(places, ["first", *map(str, places[1:-1]), "last"])
        axis.set_xlabel("Digit of the answer")
        axis.set_ylabel("Mean log-probability, nats")
        legend_above(drawing, axis)
    told = "; ".join(
        f"digit {place}: {(part < BLIND).sum()} networks blind, {(part > KNOWN).sum()} knowing"
        for place, part in ((place, table.filter(place=place)["log_probability"]) for place in places)
    )
    between = table.filter(pl.col("log_probability").is_between(BLIND, KNOWN)).height
    alt = f"{table.height} digits of {table.height // len(places)} networks. {told}. Between lie {between}."
    caption = (
        "How sure the networks are of the right digit at each place of a 5-digit sum, given the right digits before it. One mark is one "
        f"digit of one network, mean over the same {table['n'][0]:,} sums."
    )
    return Figure(drawing, alt, caption, table.select("width", "seed", "new", "place", "log_probability"))


def parity_figure(log: pl.DataFrame) -> Figure:
    """Draw the parity's networks after the last step under three metrics: seeds, their mean and their median.

    Parameters
    ----------
    log : frame
        Of :func:`mirage_lib.claims.debate.parities`.

    >>> parity_figure(debate.parities()).table.height
    39
    """
    last = log.filter(pl.col("step") == pl.col("step").max())
    titles = {"accuracy": "Accuracy", "minus_brier": "Minus Brier score", "log_probability": "Log-probability, nats"}
    known_nothing = {"accuracy": 0.5, "minus_brier": -0.25, "log_probability": np.log(0.5)}
    tables = []
    with theme.style():
        drawing, axes = plt.subplots(1, 3, figsize=(8.4, 3.1))
        for axis, (metric, title) in zip(axes, titles.items(), strict=True):
            _scatter(axis, last["n_params"].to_numpy(), last[metric].to_numpy(), "faint", "o", "one network")
            curve = last.group_by("n_params").agg(
                estimate=pl.col(metric).mean(), median=pl.col(metric).median(), error=pl.col(metric).std() / pl.len().sqrt()
            ).sort("n_params")  # fmt: skip
            tables.append(curve.select(pl.lit(title).alias("metric"), "n_params", mean="estimate", median="median", standard_error="error"))
            band = curve.with_columns(low=pl.col("estimate") - 1.96 * pl.col("error"), high=pl.col("estimate") + 1.96 * pl.col("error"))
            figures.line(axis, band, "blue", 0, "mean of seeds, 95 % band")
            figures.line(axis, curve.select("n_params", estimate="median"), "orange", 1, "median")
            axis.axhline(known_nothing[metric], color=theme.light("ink"), linewidth=0.9, linestyle=":", label="knowing nothing")
            figures.size_axis(axis, last["n_params"].to_list())
            axis.set_title(title, loc="left")
        legend_above(drawing, axes[0])
    ends = {m: last.group_by("n_params").agg(pl.col(m).mean()).sort("n_params")[m] for m in titles}
    said = "; ".join(f"{titles[m].lower()} {values[0]:.2f} to {values[-1]:.2f}" for m, values in ends.items())
    found = debate.sharpness().filter(pl.col("of") == "mean")
    jumps = "; ".join(f"{debate.METRICS[r['metric']]} {r['jump']:.0%}" for r in found.iter_rows(named=True))
    alt = (
        f"Networks of {last['n_params'].n_unique()} sizes, {last['seed'].n_unique()} seeds each, under three metrics. Means from the smallest to the "
        f"largest size: {said}. Share of the climb within half a decade of size: {jumps}."
    )
    caption = "The hidden rule after equal training. All three metrics are of the same outputs; none of them can be bent by length, as an answer is one bit."
    return Figure(drawing, alt, caption, pl.concat(tables))


def losses_figure(name: str, tasks: tuple[str, ...]) -> Figure:
    """Draw accuracy of some tasks against loss and, beside it, against compute.

    Parameters
    ----------
    name : str
        One of :data:`mirage_lib.analyses.losses.SETS`.
    tasks : names of tasks, one row each

    >>> losses_figure("olmo", ("hellaswag_val",)).table.height
    27
    """
    table = losses.models(name).filter(pl.col("task").is_in(tasks))
    sizes = sorted(table["n_params"].unique())
    with theme.style():
        drawing, axes = plt.subplots(len(tasks), 2, figsize=(7.2, 2.5 * len(tasks)), sharey="row", squeeze=False)
        for row, task in zip(axes, tasks, strict=True):
            for axis, column in zip(row, ("loss", "compute"), strict=True):
                part = table.filter(pl.col("task") == task)
                for data, (colour, marker) in LOOK.items():
                    one = part.filter(pl.col("data") == data)
                    if one.height:
                        x = one[column].to_numpy()
                        y = one["accuracy"].to_numpy()
                        # Larger marks are larger models, so that a second curve by size would be seen.
                        areas = [10 + 14 * sizes.index(n) for n in one["n_params"]]
                        axis.scatter(x, y, areas, color=theme.light(colour), marker=marker, alpha=0.65, linewidth=0, label=DATA[data])
                axis.axhline(part["chance"][0], color=theme.light("ink"), linewidth=0.9, linestyle=":")
            row[0].invert_xaxis()
            row[1].set_xscale("log")
            row[0].set_title(task.replace("_", " "), loc="left")
            row[0].set_ylabel("Accuracy")
        axes[-1][0].set_xlabel("Loss on C4, nats a token (better to the right)")
        axes[-1][1].set_xlabel("Training compute, FLOPs (log scale)")
        legend_above(drawing, axes[0][0])
    found = debate.axes(name).filter(pl.col("task").is_in(tasks))
    said = "; ".join(
        f"{r['task']}: left-out models are missed by {100 * r['by_loss']:.1f} points from loss and {100 * r['by_compute']:.1f} from compute"
        for r in found.iter_rows(named=True)
    )
    alt = (
        f"{losses.SETS[name]}, {table['model'].n_unique()} models from {theme.in_words(sizes[0])} to {theme.in_words(sizes[-1])} parameters: accuracy "
        f"against loss and against compute. {said}."
    )
    caption = f"{losses.SETS[name]}: one mark a model, larger for larger models; dotted, chance. One curve on the left, if skill depends on loss alone."
    return Figure(drawing, alt, caption, table.select("task", "model", "n_params", "compute", "loss", "accuracy"))
