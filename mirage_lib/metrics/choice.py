"""Choice: metrics of a question with given answers, of which each got a probability."""

from __future__ import annotations

import polars as pl

from mirage_lib.metrics.registry import metric
from mirage_lib.outputs import check_probabilities


def _one_in_choices(outputs: pl.DataFrame) -> float:
    return float((1 / outputs["probabilities"].list.len()).to_numpy().mean())


def _probability_of_target(outputs: pl.DataFrame) -> pl.Series:
    check_probabilities(outputs)
    return outputs.select(pl.col("probabilities").list.get(pl.col("target_index")))["probabilities"]


@metric(
    label="Multiple choice grade",
    formula=r"\mathbb{1}[\arg\max_k p_k = y]",
    needs=("target_index", "probabilities"),
    range=(0, 1),
    shape="discontinuous",
    why="An item flips from wrong to right where its right choice overtakes the best wrong one.",
    source="Section 1 of the paper; BIG-bench",
    chance=_one_in_choices,
)
def multiple_choice_grade(outputs: pl.DataFrame) -> pl.Series:
    """1 if the right choice has the highest probability; a tie of m choices counts 1/m.

    >>> table = pl.DataFrame({"target_index": [0, 1], "probabilities": [[0.6, 0.4], [0.5, 0.5]]})
    >>> multiple_choice_grade.score(table).to_list()
    [1.0, 0.5]
    """
    target = _probability_of_target(outputs)
    best = outputs["probabilities"].list.max()
    best_ones = pl.col("probabilities").list.eval(pl.element() == pl.element().max())
    ties = outputs.select(best_ones.list.sum().cast(pl.Float64))["probabilities"]
    return (target == best).cast(pl.Float64) / ties


@metric(
    label="Brier score (right choice)",
    formula=r"(1 - p_y)^2",
    needs=("target_index", "probabilities"),
    range=(0, 1),
    better="lower",
    shape="nonlinear",
    why="A parabola in the probability of the right choice: bent, but without a step.",
    source="Section 4 of the paper: squared error between 1 and the mass on the outcome",
)
def brier_binary(outputs: pl.DataFrame) -> pl.Series:
    """Squared error between 1 and the probability of the right choice.

    >>> table = pl.DataFrame({"target_index": [0], "probabilities": [[0.5, 0.5]]})
    >>> brier_binary.score(table).to_list()
    [0.25]
    """
    return (1 - _probability_of_target(outputs)) ** 2


@metric(
    label="Brier score (all choices)",
    formula=r"\sum_{k} (p_k - \mathbb{1}[k = y])^2",
    needs=("target_index", "probabilities"),
    range=(0, 2),
    better="lower",
    shape="nonlinear",
    why="A sum of parabolas in the probabilities: bent, but without a step.",
    source="Brier 1950, the multi-category score",
)
def brier_multiclass(outputs: pl.DataFrame) -> pl.Series:
    """Squared distance between the probabilities and the right answer, summed over choices.

    For two choices this is twice the score above.

    >>> table = pl.DataFrame({"target_index": [0], "probabilities": [[0.5, 0.5]]})
    >>> brier_multiclass.score(table).to_list()
    [0.5]
    """
    target = _probability_of_target(outputs)
    squares = outputs.select(pl.col("probabilities").list.eval(pl.element() ** 2).list.sum())
    return squares["probabilities"] - 2 * target + 1
