"""LaMDA's four tasks: the points of the paper's Fig. 6 as records, and what such points can be.

LaMDA in the paper is the model family that BIG-Bench calls BIG-G. Neither its answers to these prompts
nor its probabilities were published, so all that is left are 96 points of a bitmap, read to about
:data:`READING`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import polars as pl

from mirage_lib import outputs
from mirage_lib.bigbench import records

READING = 0.005
"""How far a point read off the figure may be from the number behind it."""


class Task(NamedTuple):
    """One task of Fig. 6: its title, number of items, and number of choices an item.

    Items and choices were counted in the task files of BIG-Bench's package (``bigbench`` 1.0.0).
    """

    title: str
    items: int
    choices: int


TASKS = {
    "irony_identification": Task("irony identification", 99, 2),
    "logical_args": Task("logical args", 32, 5),
    "sports_understanding": Task("sports understanding", 1000, 2),
    "swahili_english_proverbs": Task("Swahili-English proverbs", 153, 4),
}
SHOTS = (2, 3)
FORMS = {
    "right choice": lambda k: (1 - 1 / k) ** 2,
    "sum over choices": lambda k: 1 - 1 / k,
    "mean over choices": lambda k: (1 - 1 / k) / k,
}
"""Three scores that are all called Brier, and what each is for equal probabilities on k choices."""


def published() -> pl.DataFrame:
    """Return the points of Fig. 6 as a records table, six sizes for each task, metric and number of shots.

    The Brier score stands as an error, lower being better, as everywhere in this book; the figure draws
    it upside down.

    >>> published().height, sorted(published()["metric"].unique())
    (96, ['brier', 'multiple_choice_grade'])
    """
    brier = pl.col("metric") == "neg_brier"
    table = outputs.load_table("fig6").with_columns(pl.col("shots").cast(pl.Int64))
    of = {
        name: pl.col("task").replace_strict({task: getattr(known, name) for task, known in TASKS.items()})
        for name in ("items", "choices")
    }
    chance = pl.when(~brier).then(1 / of["choices"])
    return records.check(
        table.select(
            "task",
            pl.lit("LaMDA").alias("family"),
            model=pl.format("LaMDA {}", pl.col("effective_params").cast(pl.Int64)),
            n_params=pl.col("effective_params").cast(pl.Int64),
            shots="shots",
            metric=pl.when(brier).then(pl.lit("brier")).otherwise(pl.col("metric")),
            score=pl.when(brier).then(-pl.col("value")).otherwise(pl.col("value")),
            n_items=of["items"].cast(pl.Int64),
            chance=chance,
            origin=pl.lit("fig6, as digitised"),
        )
    )


def blind(choices: int, form: str = "right choice") -> float:
    """Brier score of equal probabilities on all choices, which is the best that knowing nothing can do.

    Parameters
    ----------
    choices : int
        At least two.
    form : str
        One of :data:`FORMS`: the squared error on the right choice alone, ``(1 - p)^2``, or the squared
        errors of all choices, added up or averaged. With two choices the first and the last are the same.

    Raises
    ------
    ValueError
        For fewer than two choices, or an unknown form.

    >>> blind(2), blind(4)
    (0.25, 0.5625)
    >>> round(blind(5, "mean over choices"), 3)
    0.16
    """
    if choices < 2:
        raise ValueError(f"{choices} choices: a choice needs at least two")
    if form not in FORMS:
        raise ValueError(f"unknown form {form!r} of the Brier score: choose one of {', '.join(FORMS)}")
    return FORMS[form](choices)


def least_brier(grade: float) -> float:
    """The lowest mean of ``(1 - p(right choice))^2`` that a model with this multiple choice grade can have.

    Where the right choice is not ranked first, another has at least as much probability, so the right one
    has at most one half: those items cost at least a quarter each. Items that are right may cost nothing.
    It holds if probabilities add up to one over the choices, or to less.

    >>> least_brier(0.2)
    0.2
    """
    if not 0 <= grade <= 1:
        raise ValueError(f"multiple choice grade {grade}: it has to lie between 0 and 1")
    return (1 - grade) / 4


def impossible() -> pl.DataFrame:
    """Set the published Brier scores against :func:`least_brier` of the grade at the same point.

    Returns
    -------
    Frame with ``task, shots, n_params, grade, brier, least, below``: ``below`` tells whether the score
    lies below the bound by more than both reading errors, so that it cannot be ``(1 - p(right choice))^2``.

    >>> impossible()["below"].sum()
    2
    """
    names = {"multiple_choice_grade": "grade", "brier": "brier"}
    wide = published().pivot(on="metric", index=["task", "shots", "n_params"], values="score").rename(names)
    least = pl.Series("least", [least_brier(grade) for grade in wide["grade"]])
    slack = READING + READING / 4
    return wide.with_columns(least).with_columns(below=pl.col("brier") < pl.col("least") - slack)


def on_the_grid() -> pl.DataFrame:
    """Count the grades that are a whole number of right answers, as far as the reading tells.

    Returns
    -------
    Frame with ``task, points, whole, expected``: how many of the points lie within :data:`READING` of a
    multiple of one over the number of items, and how many would if grades could be any number. A task of
    more than fifty items cannot be judged: most numbers are near a multiple there.

    >>> on_the_grid()["task"].to_list()
    ['logical_args']
    """
    rows = []
    for name, task in TASKS.items():
        here = (pl.col("task") == name) & (pl.col("metric") == "multiple_choice_grade")
        right = published().filter(here)["score"].to_numpy() * task.items
        reach = READING * task.items
        if reach < 0.25:
            rows.append((name, len(right), int((abs(right - np.round(right)) <= reach).sum()), 2 * reach * len(right)))
    return pl.DataFrame(rows, schema=["task", "points", "whole", "expected"], orient="row")
