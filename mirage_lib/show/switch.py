"""Switch: one small drawing of a scaling curve and the few buttons that change how it is scored.

Python draws every panel that the buttons can ask for, so the script only shows one of them and moves the
marks from the last to the next. Without scripts the first two panels stand side by side.
"""

from __future__ import annotations

import html
import math
from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl

from mirage_lib import curves, metrics
from mirage_lib.show import theme
from mirage_lib.show.source_views import gpt3_curve

WIDTH, HEIGHT = 360, 190
LEFT, RIGHT, TOP, BOTTOM = 34, 346, 26, 160
"""The drawing and, in it, the field of the curve, in units of the SVG."""
METRICS = {"exact_match": "All or nothing", "token_edit_distance": "Part marks"}
TASKS = {"addition": "Sums", "multiplication": "Products"}
LENGTH = 3
"""Digits of the answers that are asked for."""


def largest_step(values: np.ndarray) -> float:
    """Return the largest step between neighbours as a share of the range of a curve.

    >>> largest_step(np.array([0.0, 0.1, 1.0]))
    0.9
    """
    return float(np.abs(np.diff(values)).max() / np.ptp(values))


def collect(ladder: pl.DataFrame, runs: int = 3, draws: int = 300) -> pl.DataFrame:
    """Curves of GPT-3 as digitised and of single training runs of our ladder, with answers of :data:`LENGTH` digits.

    Parameters
    ----------
    ladder : frame
        The outputs ``arithmetic-ladder``.
    runs : int
        How many training seeds, from seed 0 on.

    Returns
    -------
    Frame with ``models, task, metric, n_params, estimate, low, high``, better always being more.
    """
    wanted = ladder.filter((pl.col("group") == LENGTH) & (pl.col("seed") < runs))
    published = gpt3_curve(draws).filter((pl.col("group") == LENGTH) & (pl.col("temperature") == 0))
    parts = [published.with_columns(models=pl.lit("GPT-3"))]
    for seed in range(runs):
        one = wanted.filter(pl.col("seed") == seed)
        name = pl.lit(f"Ours, run {seed + 1}")
        parts += [curves.curve(one, metric, draws=draws).with_columns(models=name) for metric in METRICS]
    columns = "models task metric n_params estimate low high".split()
    shown = pl.concat(part.select(columns) for part in parts)
    falls = pl.col("metric").is_in([name for name in METRICS if metrics.get(name).better == "lower"])
    ends = {"estimate": -pl.col("estimate"), "low": -pl.col("high"), "high": -pl.col("low")}
    return shown.with_columns(pl.when(falls).then(new).otherwise(pl.col(name)).alias(name) for name, new in ends.items())


@dataclass(frozen=True)
class Switch:
    """The drawing with its buttons.

    Attributes
    ----------
    rows : frame
        From :func:`collect`.
    """

    rows: pl.DataFrame

    def part(self, models: str, task: str, metric: str) -> pl.DataFrame:
        """The curve of one choice of buttons, by size."""
        return self.rows.filter(models=models, task=task, metric=metric).sort("n_params")

    def _repr_html_(self) -> str:
        models = self.rows["models"].unique(maintain_order=True).to_list()
        panels = "".join(self._panel(*choice) for choice in product(models, TASKS, METRICS))
        return (
            f'<figure class="mirage-figure mirage-switch">{_buttons("metric", "Mark the same answers", METRICS)}'
            f'<div class="mirage-panels">{panels}</div>'
            f'{_buttons("models", "Models", {name: name for name in models})}{_buttons("task", "Task", TASKS)}'
            '<p class="mirage-status" role="status" aria-live="polite"></p></figure>'
        )

    def _panel(self, models: str, task: str, metric: str) -> str:
        curve = self.part(models, task, metric)
        floor = min(0.0, *(math.floor(x) for x in self.rows.filter(metric=metric)["low"]))
        ceiling = 0.0 if floor < 0 else 1.0
        sizes = np.log10(curve["n_params"].to_numpy())
        x = np.interp(sizes, (sizes[0], sizes[-1]), (LEFT + 12, RIGHT - 12))
        y = {name: np.interp(curve[name], (floor, ceiling), (BOTTOM, TOP)) for name in ("estimate", "low", "high")}
        title = "Accuracy" if floor == 0 else "Minus edit distance (0 is perfect)"
        marks = _points(x, y["estimate"])
        band = " ".join([*_points(x, y["high"]), *reversed(_points(x, y["low"]))])
        levels = [(level, np.interp(level, (floor, ceiling), (BOTTOM, TOP))) for level in np.linspace(floor, ceiling, 3)]
        grid = "".join(
            f'<path d="M{LEFT} {at:.1f}H{RIGHT}"/><text x="{LEFT - 5}" y="{at + 4:.1f}" text-anchor="end">{_plain(level)}</text>'
            for level, at in levels
        )
        ends = ((x[0], "start", curve["n_params"][0]), (x[-1], "end", curve["n_params"][-1]))
        words = "".join(
            f'<text x="{at:.1f}" y="{BOTTOM + 17}" text-anchor="{side}">{theme.in_words(size)}</text>'
            for at, side, size in ends
        )
        circles = "".join('<circle cx="{}" cy="{}" r="4.5"/>'.format(*mark.split(",")) for mark in marks)
        first = models == self.rows["models"][0] and task == next(iter(TASKS))
        return (
            f'<svg role="img" aria-label="{html.escape(self._said(curve, models, task, title))}" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'data-models="{models}" data-task="{task}" data-metric="{metric}"{"" if first else " hidden"}>'
            f'<text x="4" y="13" class="mirage-axis">{title}</text>{grid}{words}'
            f'<text x="{(LEFT + RIGHT) / 2}" y="{BOTTOM + 17}" text-anchor="middle">parameters (log scale)</text>'
            f'<polygon points="{band}"/><polyline points="{" ".join(marks)}"/>{circles}</svg>'
        )

    def _said(self, curve: pl.DataFrame, models: str, task: str, title: str) -> str:
        values, sizes = curve["estimate"].to_numpy(), curve["n_params"].to_list()
        source = f"{models}, as digitised" if models == "GPT-3" else models
        return (
            f"{title.split(' (')[0]}. {source}, {TASKS[task].lower()} with answers of {LENGTH} digits: {_plain(values[0])} at "
            f"{theme.in_words(sizes[0])} parameters, {_plain(values[-1])} at {theme.in_words(sizes[-1])}. "
            f"The largest step between two sizes is {largest_step(values):.0%} of the range."
        )


def _points(x: np.ndarray, y: np.ndarray) -> list[str]:
    return [f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True)]


def _plain(value: float) -> str:
    """At most three decimals, with a true minus and none before a zero."""
    return f"{round(value, 3) + 0.0:.3g}".replace("-", "\u2212")


def _buttons(name: str, legend: str, options: dict[str, str]) -> str:
    """A row of radio buttons; the first is on."""
    on = [" checked"] + [""] * (len(options) - 1)
    labels = "".join(
        f'<label><input type="radio" name="mirage-{name}" value="{value}"{checked}><span>{label}</span></label>'
        for (value, label), checked in zip(options.items(), on, strict=True)
    )
    return f'<fieldset data-button="{name}"><legend>{legend}</legend><div>{labels}</div></fieldset>'
