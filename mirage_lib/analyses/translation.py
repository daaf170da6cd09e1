"""Translation: a smooth metric's forecast, turned into the sharp metric.

That a metric is smooth helps only if it foretells what one wants to know: whether the larger models will
get the whole answer right.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from mirage_lib import metrics
from mirage_lib.forecasts import extrapolate, quantiles, share
from mirage_lib.replicates import arrange, problem_counts, seed_weights

NAMES = ("exact_match", "token_edit_distance", "target_log_probability")
ROADS = ("log-probability", "edit distance")


def sharp_from_smooth(
    outputs: pl.DataFrame, held: tuple[int, ...] = (1, 3), draws: int = 200, seed: int = 0, level: float = 0.9
) -> pl.DataFrame:
    """Does a smooth metric foretell the sharp one? Log-probability and edit distance become accuracy.

    Two roads from the smaller models to the exact match of the held-out ones:

    - ``log-probability``: for each problem, minus the log-probability of its target (mean over seeds)
      is forecast by a power of size; its exponential is the probability that the model, sampling, says
      the whole target. The mean over problems stands for the share of right answers. Greedy answers may
      do better than sampled ones, so this translation has an error of its own: ``sampled`` is the
      observed mean probability of the held-out models.
    - ``edit distance``: the mean distance D is forecast by a straight line, and accuracy is the paper's
      own ``(1 - D / L)^L`` (Section 2), D cut to lie between 0 and L.

    Returns
    -------
    Frame with ``task, group, road, held, predicted, observed, sampled, naive, error, low, high, skill,
    covered``: means over the held-out models; ``low, high`` bound the error (observed less predicted)
    with probability ``level``, by draws of seeds and problems; ``skill`` compares with the naive
    forecast of accuracy; ``covered`` says whether zero lies within.

    >>> from mirage_lib.outputs import load
    >>> ladder = load("arithmetic-ladder").filter(pl.col("task") == "addition", pl.col("group") == 4)
    >>> sharp_from_smooth(ladder, held=(1,), draws=20)["road"].to_list()
    ['log-probability', 'edit distance']
    """
    scored = outputs.select("task", "group", "n_params", "seed", "item").with_columns(
        [metrics.get(name).score(outputs).alias(name) for name in NAMES]
    )
    rng = np.random.default_rng(seed)
    rows = []
    for (task, length), cell in sorted(scored.group_by("task", "group")):
        scores, run_sizes, _ = arrange(cell, NAMES)
        sizes = np.unique(run_sizes)
        x = np.log(sizes)
        member = (run_sizes[:, None] == sizes) / (run_sizes[:, None] == sizes).sum(axis=0)
        asked = (~np.isnan(scores[0])).astype(float)
        filled = np.nan_to_num(np.concatenate([scores, np.exp(scores[2:])]))
        whole = (member.T, np.ones(scores.shape[2]))
        again = zip(
            seed_weights(run_sizes, draws, rng)[:, None] * (run_sizes == sizes[:, None]),
            problem_counts(scores.shape[2], draws, rng),
            strict=True,
        )
        found = [_by_size(filled, asked, *weights) for weights in (whole, *again)]
        for k in held:
            if len(sizes) - k >= 3:
                rows += [
                    {"task": task, "group": length, "road": road, "held": k}
                    | _translated(x, found, k, road, length, level)
                    for road in ROADS
                ]
    return pl.DataFrame(rows)


def _by_size(filled: np.ndarray, asked: np.ndarray, weights: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Means by size: of right answers, distance and probability, and the log-probability of each problem.

    ``filled`` (4, runs, problems) holds the scores of :data:`NAMES` and the probability, zero where a run
    was not asked (``asked``); ``weights`` (sizes, runs) sum to one in each row; ``counts`` (problems,) say
    how often each problem is taken.
    """
    taken = np.maximum(asked @ counts, 1e-300)
    right, distance, sampled = (weights @ (filled[k] @ counts / taken) for k in (0, 1, 3))
    heard = weights @ asked
    known = (heard > 0).all(axis=0) & (counts > 0)
    by_problem = weights @ filled[2][:, known] / heard[:, known]
    return {
        "right": right, "distance": distance, "sampled": sampled, "log_probability": by_problem,
        "counts": counts[known],
    }  # fmt: skip


def _translated(
    x: np.ndarray, found: list[dict[str, np.ndarray]], held: int, road: str, length: int, level: float
) -> dict[str, str | float | bool]:
    """One row of :func:`sharp_from_smooth`: ``found`` holds the curve itself first, then its draws."""
    forecast = np.array([_forecast(x, one, held, road, length) for one in found])
    right = np.array([one["right"] for one in found])
    errors = (right[:, -held:] - forecast).mean(axis=1)
    naive = right[0, -held:] - right[0, -held - 1]
    low, high = quantiles(errors[1:], level)
    missed, naively = (np.sqrt(np.mean(np.square(off), keepdims=True)) for off in (right[0, -held:] - forecast[0], naive))
    return {
        "predicted": float(forecast[0].mean()),
        "observed": float(right[0, -held:].mean()),
        "sampled": float(found[0]["sampled"][-held:].mean()),
        "naive": float(right[0, -held - 1]),
        "error": float(errors[0]),
        "low": low,
        "high": high,
        "skill": float(1 - share(missed, naively)[0]),
        "covered": low <= 0 <= high,
    }


def _forecast(x: np.ndarray, one: dict[str, np.ndarray], held: int, road: str, length: int) -> np.ndarray:
    """Accuracy of the held-out models as the smaller ones foretell it."""
    if road == "edit distance":
        distance = extrapolate(x[:-held], one["distance"][None, :-held], x[-held:], "line")[0]
        return (1 - np.clip(distance, 0, length) / length) ** length
    foretold = extrapolate(x[:-held], one["log_probability"][:-held].T, x[-held:], "power")
    return np.exp(foretold).T @ one["counts"] / one["counts"].sum()
