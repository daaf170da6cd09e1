"""Views of the noise of the score: its smooth curves, its intervals, its ranking, and what could be seen."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

from mirage_lib.show import theme
from mirage_lib.show.figures import Figure
from mirage_lib.show.measuring import legend_above

RANKINGS = {"score": "the score", "break": "gain of a break", "span": "highest less lowest"}
EDGE = 2.2
"""Where infinite scores are drawn, in multiples of the largest finite one."""


def nulls_figure(nulls: pl.DataFrame) -> Figure:
    """Draw what one in twenty smooth curves scores, against the number of models.

    Parameters
    ----------
    nulls : frame
        From :func:`mirage_lib.analyses.score_noise.nulls`.

    >>> from mirage_lib.analyses import score_noise
    >>> "models" in nulls_figure(score_noise.nulls((20, 50), (4, 6), draws=50)).caption
    True
    """
    with theme.style():
        drawing, axis = plt.subplots(figsize=(6.4, 3.8))
        for order, (n, part) in enumerate(nulls.group_by("items", maintain_order=True)):
            part = part.filter(pl.col("high").is_finite())
            axis.plot(
                part["models"], part["high"], color=theme.light(theme.ORDERED[order % 5]),
                marker=theme.MARKERS[order % 5], linestyle=theme.DASHES[order % 5], label=f"n = {n[0]:,}",
            )  # fmt: skip
        line = nulls.unique("models").sort("models")
        axis.plot(line["models"], line["straight"], color=theme.light("faint"), linestyle=":", label="without noise")
        axis.set(xlabel="Models (sizes) on the curve", ylabel="Score that one in twenty exceeds", ylim=(0, None))
        axis.legend(title="Items", loc="upper left")
        finite = nulls.filter(pl.col("high").is_finite())
        low, high = finite.sort("high").row(0, named=True), finite.sort("high").row(-1, named=True)
        alt = (
            f"The score that one in twenty smooth curves exceeds, against the number of models, for {nulls['items'].n_unique()} "
            f"numbers of items. It goes from {low['high']:.1f} (n = {low['items']}, {low['models']} models) to {high['high']:.1f} "
            f"(n = {high['items']}, {high['models']} models). A straight line without noise scores the number of models less one."
        )
        return Figure(
            drawing, alt, "A smooth curve scores more when more models lie on it; no score is high in itself.", nulls
        )


def intervals_figure(redrawn: pl.DataFrame, listed: set[str]) -> Figure:
    """Draw the score of every task with its interval over items, ranked.

    Parameters
    ----------
    redrawn : frame
        From :func:`mirage_lib.analyses.score_noise.redrawn`.
    listed : tasks on Wei's list of emergent abilities

    >>> from mirage_lib.analyses import score_noise
    >>> intervals_figure(score_noise.redrawn(draws=20), {"codenames"}).table.height
    82
    """
    table = redrawn.with_columns(listed=pl.col("task").is_in(listed)).sort("score", "task")
    finite = table.filter(pl.col("score").is_finite())
    edge = EDGE * max(1.0, float(finite["score"].to_numpy().max()))
    shown = table.with_columns(pl.col("score", "low", "high").clip(-edge, edge))
    with theme.style():
        drawing, axis = plt.subplots(figsize=(7.6, 4.2))
        rank = np.arange(table.height)
        for mark, colour, symbol, label in (
            (False, "faint", "o", "not on Wei's list"), (True, "orange", "D", "on Wei's list"),
        ):  # fmt: skip
            chosen = (shown["listed"] == mark).to_numpy()
            ends = shown.select("low", "high").to_numpy()[chosen]
            axis.vlines(rank[chosen], ends[:, 0], ends[:, 1], color=theme.light(colour), linewidth=1.2)
            axis.plot(rank[chosen], shown["score"].to_numpy()[chosen], symbol, color=theme.light(colour), label=label)
        axis.axhline(11, color=theme.light("ink"), linestyle=":", linewidth=1)
        axis.text(0, 11.6, "straight line, 12 sizes", fontsize=8, va="bottom")
        axis.set_yscale("symlog", linthresh=3)
        ticks = [-30, -10, -3, 0, 3, 10, 30]
        axis.set_yticks([*ticks, edge], [*map(str, ticks), "infinite"])
        axis.set(xlabel="Tasks of BIG-G, ranked by score", ylabel="Emergence score")
        axis.legend(loc="upper left")
        infinite, wide = table.filter(pl.col("score").is_infinite()).height, table.filter(pl.col("high") > 3 * pl.col("low").abs()).height
        alt = (
            f"Emergence scores of {table.height} tasks of BIG-G with 95 % intervals over items. {infinite} are infinite; the largest finite "
            f"one is {finite['score'].max():.0f}. The upper end is more than three times the lower one for {wide} tasks."
        )
        return Figure(
            drawing, alt, "The score of most tasks could as well have been another: the intervals of neighbours overlap widely.",
            table.sort("score", descending=True),
        )  # fmt: skip


def reliability_figure(halves: pl.DataFrame) -> Figure:
    """Draw how well the rankings by two halves of the items agree.

    >>> from mirage_lib.analyses import score_noise
    >>> reliability_figure(score_noise.split_halves(rounds=3)).table.height
    3
    """
    order = [name for name in RANKINGS if name in halves["ranking"]]
    table = halves.group_by("ranking", maintain_order=True).agg(
        pl.col("r").mean(), low=pl.col("r").quantile(0.025), high=pl.col("r").quantile(0.975), whole=pl.col("whole").mean()
    )
    with theme.style():
        drawing, axis = plt.subplots(figsize=(6.4, 2.4))
        for row, name in enumerate(order):
            part = halves.filter(pl.col("ranking") == name)["r"].to_numpy()
            spread = np.linspace(-0.22, 0.22, len(part))
            colour = theme.light(theme.CATEGORIES[row])
            axis.plot(part, row + spread, ".", color=colour, alpha=0.5)
            axis.plot(part.mean(), row, theme.MARKERS[row], color=colour, markersize=9)
        axis.set_yticks(range(len(order)), [RANKINGS[name] for name in order])
        axis.invert_yaxis()
        axis.set(xlim=(min(0.0, float(halves["r"].min()) - 0.05), 1), xlabel="Rank correlation of two halves of the items (1: the same ranking)")
        means = dict(table.select("ranking", "r").iter_rows())
        alt = "Rank correlation over tasks between two random halves of their items: " + ", ".join(
            f"{RANKINGS[name]} {means[name]:.2f}" for name in order
        ) + f". Each dot is one of {halves['round'].n_unique()} splits."
        return Figure(
            drawing, alt, "Two halves of the same test sets agree on how far a task climbs. They agree much less on how suddenly.", table
        )


def two_tests_figure(judged: pl.DataFrame) -> Figure:
    """Draw two p values of every task: of its score, and of a break.

    >>> from mirage_lib.analyses import score_noise
    >>> two_tests_figure(score_noise.judged(draws=20, again=20)).table.height
    85
    """
    with theme.style():
        drawing, axis = plt.subplots(figsize=(6.2, 4.6))
        for listed, within, colour, symbol, label in (
            (False, False, "faint", "o", "not on Wei's list"), (True, False, "blue", "s", "on it, first seen in PaLM"),
            (True, True, "orange", "D", "on it, first seen in GPT-3 or LaMDA"),
        ):  # fmt: skip
            part = judged.filter((pl.col("listed") == listed) & (pl.col("within") == within))
            axis.plot(part["score_p"], part["break_p"], symbol, color=theme.light(colour), label=f"{label} ({part.height})")
        axis.set(xscale="log", yscale="log", xlabel="p of the score against smooth curves", ylabel="p of a break")
        for line in (axis.axvline, axis.axhline):
            line(0.05, color=theme.light("ink"), linewidth=0.8, linestyle=":")
        axis.set_xlim(1.3, 7e-5)
        axis.set_ylim(1.3, 7e-5)
        axis.legend(loc="upper left")
        lost = [judged.filter(pl.col(name) < 0.05).height for name in ("score_p", "score_q", "break_p", "break_q")]
        alt = (
            f"p values of {judged.height} tasks, by score and by break. By the score {lost[0]} lie below 0.05, {lost[1]} after correcting for the "
            f"number of tasks; by the break {lost[2]} and {lost[3]}. {judged.height * 0.05:.0f} are expected by chance alone."
        )
        return Figure(
            drawing, alt, "Right and up is what smooth curves do not do by luck. Dotted: one in twenty.",
            judged.select("task", "metric", "n_items", "span", "score", "score_p", "score_q", "break_p", "break_q", "listed", "within")
            .sort("score_p", "break_p"),
        )  # fmt: skip


def power_figure(power: pl.DataFrame) -> Figure:
    """Draw how often a true jump of the largest model would be noticed.

    >>> from mirage_lib.analyses import score_noise
    >>> power_figure(score_noise.power((20, 1000), (0.1, 0.4), draws=50)).table.height
    4
    """
    with theme.style():
        drawing, axes = plt.subplots(1, 2, figsize=(7.2, 3.6), sharey=True)
        for axis, side, title in zip(axes, ("by_score", "by_break"), ("by the score", "by a break"), strict=True):
            for order, (n, part) in enumerate(power.group_by("items", maintain_order=True)):
                axis.plot(
                    100 * part["jump"], part[side], color=theme.light(theme.ORDERED[order % 5]),
                    marker=theme.MARKERS[order % 5], linestyle=theme.DASHES[order % 5], label=f"n = {n[0]:,}",
                )  # fmt: skip
            axis.axhline(0.05, color=theme.light("faint"), linestyle=":")
            axis.set(title=title, xlabel="True jump (percentage points)", ylim=(0, 1.03))
        axes[0].set_ylabel("Share noticed")
        legend_above(drawing, axes[0], 4)
        least = power.filter(pl.col("items") == power["items"].min()).sort("jump").row(-1, named=True)
        most = power.filter(pl.col("items") == power["items"].max()).sort("jump").row(0, named=True)
        alt = (
            f"Share of true jumps that are noticed, against their height, by score and by break. With {least['items']} items a jump of "
            f"{100 * least['jump']:.0f} points is noticed in {least['by_score']:.0%} and {least['by_break']:.0%}; with {most['items']:,} items one of "
            f"{100 * most['jump']:.0f} points in {most['by_score']:.0%} and {most['by_break']:.0%}."
        )
        return Figure(drawing, alt, "With a few dozen items even a large jump is mostly missed.", power)
