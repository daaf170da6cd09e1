"""Replicates: the scaling curves that other seeds and other problems would have given.

An interval of something read off a whole curve (a score, a forecast) needs whole curves that were
drawn again. One draw takes seeds at each size anew, and problems anew for all sizes at once, since
all models were asked the same ones. Curves that others published come without their outputs: there
each point is drawn again from what is known or assumed of its number of answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from mirage_lib import curves, metrics
from mirage_lib.outputs import require

DRAWS = 1000
BY = ("task", "group", "temperature")


@dataclass(frozen=True)
class Replicates:
    """One scaling curve and its draws; up is better, so a distance is negated.

    Attributes
    ----------
    source, task, group, temperature, metric
        What was asked of whom, and how it was scored.
    sizes : (models,) numbers of parameters, ascending
    values : (models,) the curve itself
    draws : (draws, models) the curve as drawn again
    """

    source: str
    task: str
    group: int
    temperature: float
    metric: str
    sizes: np.ndarray
    values: np.ndarray
    draws: np.ndarray

    @property
    def label(self) -> dict[str, str | int | float]:
        """The attributes that name the curve, as columns of a table."""
        return {name: getattr(self, name) for name in ("source", *BY, "metric")}


def resample(
    outputs: pl.DataFrame,
    names: tuple[str, ...],
    draws: int = DRAWS,
    seed: int = 0,
    source: str = "ladder",
) -> list[Replicates]:
    """Score outputs under several metrics and draw their scaling curves again.

    Prompts about one problem are averaged first, then problems, then seeds, as in
    :func:`mirage_lib.curves.curve`. A draw takes as many problems as there are, with replacement and
    the same for all models, and at each size one seed fewer than there are, with replacement: with as
    many as there are, the spread of S seeds would come out too small by (S - 1)/S, which counts where
    S is three or five. A single seed stays as it is, so its luck is in no interval.

    Parameters
    ----------
    outputs : frame
        Of one family.
    names : tuple of str
        Metrics.
    source : str
        How tables call these outputs.

    Returns
    -------
    One item a task, group, temperature and metric, in that order.

    Raises
    ------
    ValueError
        If two models have the same size.

    Source: for one seed fewer, J. N. K. Rao and C. F. J. Wu 1988.

    >>> from mirage_lib import theory
    >>> said = theory.text_outputs([0.6, 0.4, 0.2], length=2, n=100)
    >>> one = resample(said, ("exact_match",), draws=50)[0]
    >>> one.metric, one.draws.shape
    ('exact_match', (50, 3))
    """
    require(outputs, [*BY, *curves.MODEL, "seed", "item"], "outputs to draw curves from")
    signs = [-1.0 if metrics.get(name).better == "lower" else 1.0 for name in names]
    scored = outputs.select(*BY, "model", "n_params", "seed", "item").with_columns(
        [(sign * metrics.get(name).score(outputs)).alias(name) for name, sign in zip(names, signs, strict=True)]
    )
    rng = np.random.default_rng(seed)
    found = []
    for (task, group, temperature), cell in scored.group_by(*BY, maintain_order=True):
        models = cell.select("model", "n_params").unique().sort("n_params")
        if models["n_params"].n_unique() < models.height:
            raise ValueError("two models have the same size: pass one family at a time")
        sizes = models["n_params"].to_numpy().astype(float)
        for name, (values, drawn) in zip(names, _draw(cell, names, draws, rng), strict=True):
            found.append(Replicates(source, task, group, temperature, name, sizes, values, drawn))
    return sorted(found, key=lambda one: (one.task, one.group, one.temperature, names.index(one.metric)))


def arrange(cell: pl.DataFrame, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Arrange the scores of one cell as arrays, the problems shared by all runs.

    Returns
    -------
    ``scores`` (metrics, runs, problems), NaN where a run was not asked a problem; and of each run the
    number of parameters and the seed, ordered by both.

    >>> cell = pl.DataFrame({"n_params": [9, 5], "seed": [0, 0], "item": ["a", "b"], "x": [1.0, 2.0]})
    >>> arrange(cell, ("x",))[0].tolist()
    [[[nan, 2.0], [1.0, nan]]]
    """
    means = cell.group_by("n_params", "seed", "item").agg([pl.col(name).mean() for name in names])
    runs = means.select("n_params", "seed").unique().sort("n_params", "seed")
    run = means.join(runs.with_row_index("run"), on=["n_params", "seed"], how="left", maintain_order="left")["run"]
    problem = means["item"].rank("dense").to_numpy() - 1
    scores = np.full((len(names), runs.height, int(problem.max()) + 1), np.nan)
    for row, name in zip(scores, names, strict=True):
        row[run.to_numpy(), problem] = means[name].to_numpy()
    return scores, runs["n_params"].to_numpy().astype(float), runs["seed"].to_numpy()


def seed_weights(run_sizes: np.ndarray, draws: int, rng: np.random.Generator) -> np.ndarray:
    """Weights of runs, (draws, runs): one seed fewer than there are at each size, drawn with replacement.

    The weights of one size sum to one.

    >>> seed_weights(np.array([5, 5, 9]), 1, np.random.default_rng(0))[:, 2].tolist()
    [1.0]
    """
    weights = np.zeros((draws, len(run_sizes)))
    for size in np.unique(run_sizes):
        own = np.flatnonzero(run_sizes == size)
        taken = max(len(own) - 1, 1)
        weights[:, own] = rng.multinomial(taken, np.full(len(own), 1 / len(own)), size=draws) / taken
    return weights


def problem_counts(problems: int, draws: int, rng: np.random.Generator) -> np.ndarray:
    """How often each problem is taken, (draws, problems), when as many are drawn as there are.

    >>> float(problem_counts(4, 1, np.random.default_rng(0)).sum())
    4.0
    """
    picked = rng.integers(0, problems, (draws, problems)) + np.arange(draws)[:, None] * problems
    return np.bincount(picked.ravel(), minlength=draws * problems).reshape(draws, problems).astype(float)


def _draw(
    cell: pl.DataFrame, names: tuple[str, ...], draws: int, rng: np.random.Generator
) -> list[tuple[np.ndarray, np.ndarray]]:
    """The curve of one cell and its draws, one pair a metric."""
    scores, run_sizes, _ = arrange(cell, names)
    asked = ~np.isnan(scores[0])
    counts = problem_counts(scores.shape[2], draws, rng)
    weights = seed_weights(run_sizes, draws, rng)
    # A run that is left without any of its problems in a draw does not count there.
    taken = counts @ asked.T.astype(float)
    weights = weights * (taken > 0)
    sizes = np.unique(run_sizes)
    member = (run_sizes[:, None] == sizes).astype(float)
    total = weights @ member
    curves_drawn = []
    for one in scores:
        values = np.array([np.nanmean(one[run_sizes == size], axis=1).mean() for size in sizes])
        means = counts @ np.where(asked, one, 0.0).T / np.maximum(taken, 1)
        drawn = np.divide((weights * means) @ member, total, out=np.tile(values, (draws, 1)), where=total > 0)
        curves_drawn.append((values, drawn))
    return curves_drawn


ANSWERS = {
    ("addition", 1): 126,
    ("addition", 2): 700,
    ("addition", 3): 5000,
    ("addition", 4): 10_000,
    ("addition", 5): 10_000,
    ("multiplication", 1): 700,
    ("multiplication", 2): 700,
    ("multiplication", 3): 5000,
    ("multiplication", 4): 10_000,
}
"""Answers behind a point of Fig. 3, which the paper does not give. 126 follows from the values: all of
one-digit sums are multiples of 1/126. The others are our rough inference from the widths of the bands
of products; sums of two to four digits are set to what products of that length have."""

READING = {"exact_match": 1e-4, "token_edit_distance": 3e-4}
"""Half-width of the error of reading a value off Fig. 3; the values of one-digit sums differ from
multiples of 1/126 by no more."""


def published(
    temperature: float | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    answers: Mapping[tuple[str, int], int] = ANSWERS,
) -> list[Replicates]:
    """Draw the digitised GPT-3 curves of Fig. 3 again.

    A draw adds the error of reading (uniform, :data:`READING`), then the luck of the items: right
    answers are binomial with the inferred numbers of answers (:data:`ANSWERS`). For edit distance the
    spread over items is not published. We assume a wide one: an answer of a target of L characters has
    distance 0 or 2 L + 2. Each model exists once, so what another training run would do is in no interval.

    Parameters
    ----------
    temperature : float, optional
        0 or 1; both by default.
    answers : mapping of task and target length to a number
        To try other numbers of answers than the inferred ones.

    Returns
    -------
    One item a task, target length, temperature and metric.

    >>> curves_of_gpt3 = published(temperature=0, draws=20)
    >>> len(curves_of_gpt3), curves_of_gpt3[0].metric, len(curves_of_gpt3[0].sizes)
    (18, 'exact_match', 4)
    """
    table = curves.published("fig3")
    if temperature is not None:
        table = table.filter(pl.col("temperature") == temperature)
    rng = np.random.default_rng(seed)
    found = []
    for (panel, length, heat), part in table.group_by(
        "panel", "target_str_len", "temperature", maintain_order=True
    ):
        task = "addition" if "add" in panel else "multiplication"
        metric = "exact_match" if "accuracy" in panel else "token_edit_distance"
        part = part.sort("params")
        values = part["value"].to_numpy()
        most, sign = (1.0, 1.0) if metric == "exact_match" else (2.0 * length + 2, -1.0)
        read = sign * values + rng.uniform(-READING[metric], READING[metric], (draws, len(values)))
        n = answers[task, length]
        drawn = rng.binomial(n, np.clip(read / most, 0, 1)) / n * most
        found.append(
            Replicates("GPT-3", task, length, heat, metric, part["params"].to_numpy(), values, sign * drawn)
        )
    order = ("exact_match", "token_edit_distance")
    return sorted(found, key=lambda one: (one.task, one.group, one.temperature, order.index(one.metric)))
