"""Own metric: a cell of the page where the reader writes a metric in Python, without a kernel.

What a chapter shows is three metrics to start from, as code and as curves, readable without scripts.
Where scripts run, ``own-metric.js`` puts an editor above them; a press of its button loads Python and
:func:`data`, a sample of the frozen strings, which the book's build writes beside the page.
"""

from __future__ import annotations

import html
import math
from dataclasses import replace

import numpy as np
import polars as pl
from matplotlib.ticker import FixedLocator

from mirage_lib import curves, metrics, outputs
from mirage_lib.metrics import Metric
from mirage_lib.show import figures, theme

CELLS = (("addition", 4), ("multiplication", 3), ("multiplication", 4))
"""Tasks and target lengths that the reader's metric is applied to."""
NAMES = {"addition": "Sums", "multiplication": "Products"}
ITEMS = 200
DRAWS = 1000
SEED = 0
TICKS = (1e4, 1e5)
BESIDE = ("exact_match", "token_edit_distance")
SECONDS = 10
"""After so long a run of the reader's code is stopped."""
MEGABYTES = 512
STARTERS = {
    "Partial credit": '''\
def metric(target, output):
    """The share of places with the right digit."""
    right = sum(a == b for a, b in zip(target, output))
    return right / max(len(target), len(output))
''',
    "Numeric distance": '''\
import math

def metric(target, output):
    """How far off the number is, in powers of ten; 0 is right."""
    if not output.isdecimal():
        return -5
    return -math.log10(1 + abs(int(target) - int(output)))
''',
    "First digit": '''\
def metric(target, output):
    """Is the first digit right?"""
    return output[:1] == target[:1]
''',
}
"""Code that the reader may start from."""


def sample(ladder: pl.DataFrame, task: str, group: int) -> pl.DataFrame:
    """Keep the answers of every model and seed to the first 200 problems of a task, one prompt a problem.

    Problems were drawn in random order when they were made, so the first ones are a fair sample.

    Returns
    -------
    Outputs sorted by size, seed and problem, every model with the same problems.

    Raises
    ------
    ValueError
        If a model was not asked all of the problems.

    >>> ladder = outputs.load("arithmetic-ladder")
    >>> sample(ladder, "addition", 4).group_by("n_params", "seed").len()["len"].unique().to_list()
    [200]
    """
    asked = ladder.filter((pl.col("task") == task) & (pl.col("group") == group))
    prompts = asked.select("item", "prompt_id").unique("item", keep="first", maintain_order=True).head(ITEMS)
    # In the order in which curves.cells has problems, which the draws of its bootstrap count on.
    kept = asked.join(prompts, on=["item", "prompt_id"]).sort("n_params", "seed", "item")
    models = kept.select("n_params", "seed").unique().height
    if kept.height != models * ITEMS:
        raise ValueError(f"{kept.height} answers of {models} models: each has to have {ITEMS} to {group}-digit {task}")
    return kept


def read(source: str) -> Metric:
    """Make a metric of code that defines ``metric(target, output)``, as the page does.

    Raises
    ------
    LookupError
        If the code defines no function of that name. What the code itself raises comes through.

    >>> same = read("def metric(target, output): return target == output")
    >>> same.score(pl.DataFrame({"target": ["1", "2"], "output": ["1", "3"]})).to_list()
    [1.0, 0.0]
    """
    names = {"__name__": "your_metric"}
    exec(compile(source, "<your metric>", "exec", dont_inherit=True), names)
    if not callable(rule := names.get("metric")):
        raise LookupError("the code has no function called metric: begin with 'def metric(target, output):'")

    def compute(answers: pl.DataFrame) -> pl.Series:
        pairs = answers.select("target", "output").iter_rows()
        return pl.Series([float(rule(*pair)) for pair in pairs], dtype=pl.Float64)

    return replace(metrics.get("exact_match"), name="metric", label="Your metric", source=source, compute=compute)


def scored(parts: list[pl.DataFrame], metric: Metric) -> list[pl.DataFrame]:
    """Curves of a metric over several tables, with a range of 0 to 1 only if all of its scores lie there."""
    inside = all(metric.score(part).is_between(0, 1).all() for part in parts)
    if not inside:
        metric = replace(metric, range=(-math.inf, math.inf))
    return [curves.curve(part, metric, draws=DRAWS, seed=SEED) for part in parts]


def name(task: str, group: int) -> str:
    """Name a task and target length for readers.

    >>> name("addition", 4)
    'Sums, answers of 4 digits'
    """
    return f"{NAMES[task]}, answers of {group} digits"


def data(ladder: pl.DataFrame) -> dict:
    """What the page's worker needs: strings, the curves to draw beside, and the draws of the bootstrap.

    Returns
    -------
    ``sizes, seeds`` (one a size), ``items``, ``cells`` (``label, targets``, ``outputs`` by size, seed and
    problem, ``beside``), ``draws`` (``counts``: how often a draw takes each problem, one character each;
    ``weights``: how often it takes each seed, by the number of seeds).
    """
    parts = [sample(ladder, *cell) for cell in CELLS]
    models = parts[0].group_by("n_params", maintain_order=True).agg(pl.col("seed").n_unique())
    cells = []
    for cell, part in zip(CELLS, parts, strict=True):
        beside = {
            metric: curves.curve(part, metric, draws=DRAWS, seed=SEED).select("estimate", "low", "high").rows()
            for metric in BESIDE
        }
        targets = part["target"].head(ITEMS).to_list()
        cells.append({"label": name(*cell), "targets": targets, "outputs": part["output"].to_list(), "beside": beside})
    # The library's own draws, so that intervals in the page are the library's to the last digit.
    counts = curves._shared_counts(DRAWS, ITEMS, SEED).astype(int).ravel()
    weights = {
        str(seeds): _digits(np.random.default_rng(SEED).multinomial(seeds, np.full(seeds, 1 / seeds), size=DRAWS))
        for seeds in models["seed"].unique().sort()
    }
    return {
        "sizes": models["n_params"].to_list(),
        "seeds": models["seed"].to_list(),
        "items": ITEMS,
        "cells": cells,
        "draws": {"counts": "".join(np.base_repr(count, 36) for count in counts), "weights": weights},
    }


def _digits(rows: np.ndarray) -> list[str]:
    return ["".join(map(str, row)) for row in rows]


def figure(ladder: pl.DataFrame) -> figures.Figure:
    """Draw the starters' curves over the first cell, a panel each, as the library computes them."""
    part = sample(ladder, *CELLS[0])
    found = {label: scored([part], read(source))[0] for label, source in STARTERS.items()}
    with theme.style():
        drawing, axes = figures.plt.subplots(1, len(found), figsize=(7.2, 2.5), sharex=True)
        for axis, (label, curve) in zip(axes, found.items(), strict=True):
            figures.line(axis, curve, "accent")
            figures.size_axis(axis, curve["n_params"], "Parameters")
            axis.xaxis.set_major_locator(FixedLocator(TICKS))  # more would run into one another here
            axis.set_title(label, loc="left")
    said = "; ".join(f"{k.lower()} from {c['estimate'][0]:.3g} to {c['estimate'][-1]:.3g}" for k, c in found.items())
    what = f"{name(*CELLS[0])}, from {theme.in_words(part['n_params'].min())} to {theme.in_words(part['n_params'].max())}"
    few, many = found["First digit"]["n_seeds"].min(), found["First digit"]["n_seeds"].max()
    numbers = pl.concat(
        c.select(pl.lit(k).alias("metric"), "n_params", "estimate", "low", "high", "n_seeds") for k, c in found.items()
    )
    return figures.Figure(
        drawing,
        f"{what} parameters: {said}.",
        f"Three metrics to start from. {name(*CELLS[0])}: {ITEMS} problems, {few} to {many} training seeds a model, "
        "bands are 95 % intervals.",
        numbers,
    )


class OwnMetric:
    """The cell: the starters as code and as curves; scripts put the editor above them.

    Parameters
    ----------
    ladder : frame
        The outputs of the arithmetic ladder.
    """

    def __init__(self, ladder: pl.DataFrame) -> None:
        self.figure = figure(ladder)

    def _repr_html_(self) -> str:
        code = "".join(
            f'<p>{label}</p><div class="highlight"><pre tabindex="0" data-starter="{label}">'
            f"{html.escape(source)}</pre></div>"
            for label, source in STARTERS.items()
        )
        return (
            f'<div class="mirage-own-metric" id="own-metric" data-seconds="{SECONDS}" data-megabytes="{MEGABYTES}">'
            f"{self.figure._repr_html_()}<details><summary>The code of the three</summary>{code}</details></div>"
        )
