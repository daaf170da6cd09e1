"""Section 4 and Fig. 6: multiple choice grade and Brier score of the same outputs.

LaMDA's points are digitised; nothing else of it was published. So its noise is known only within two ends:
the least is the error of reading the figure, the most is what scores between 0 and 1 can have with so many
items. The public models have both metrics of the same answers.

The rules were written before the curves were judged, but for two clauses that a first look made necessary:
where accuracy itself shows no jump, nothing could go, and among many curves a few break by luck. Both send
rows to "cannot be tested here".
"""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl

from mirage_lib import breaks, emergence
from mirage_lib.analyses import choices, triplets
from mirage_lib.bigbench import lamda
from mirage_lib.claims import registry
from mirage_lib.claims.registry import Verdict

LEVEL = 0.05
DRAWS = 2000


@cache
def lamda_scores() -> pl.DataFrame:
    """Score every curve of Fig. 6, with its smooth null and what the reading error does to it.

    Returns
    -------
    One row for each task, number of shots and metric: ``score, straight, null_high, exceedance`` of
    :func:`mirage_lib.analyses.triplets.report`, whose noise is that of the items, at most; ``exceedance_least`` with no
    noise but the reading error; ``low, high``, the middle 95 % of the score over the reading error; ``step``,
    the share of the whole range made in the last step (negative where it goes down); ``even``, what that would
    be on a straight line in log size.

    >>> lamda_scores().height
    16
    """
    curves = triplets.split(lamda.published())
    table = triplets.report(curves, DRAWS)
    rng, rows = np.random.default_rng(0), []
    for one in curves:
        wobble = rng.uniform(-lamda.READING, lamda.READING, (300, len(one.values)))
        again = [emergence.score(one.sizes, values) for values in one.values + wobble]
        errors = np.full(len(one.values), lamda.READING / np.sqrt(3))
        null = emergence.null_scores(one.sizes, one.values, errors, DRAWS)
        low, high = np.quantile(again, (0.025, 0.975))
        score = emergence.score(one.sizes, one.values)
        step = (one.values[-1] - one.values[-2]) / np.ptp(one.values)
        gaps = np.diff(np.log(one.sizes))
        row = {"exceedance_least": emergence.exceedance(score, null), "low": low, "high": high}
        rows.append(one.label | row | {"step": step, "even": gaps[-1] / gaps.sum()})
    keys = ["task", "shots", "metric"]
    extra = pl.DataFrame(rows).select(*keys, "exceedance_least", "low", "high", "step", "even")
    names = [*keys, "n_items", "score", "straight", "null_high", "exceedance"]
    return table.select(names).join(extra, on=keys).sort(keys)


@cache
def power(draws: int = 500, seed: int = 0) -> pl.DataFrame:
    """How often the test of Fig. 6 would see a perfect step, with its own models, items and step.

    The truth is flat at the mean of the first five points and steps to the last. Scores are drawn with the
    noise of the items (binomial for grades; for Brier scores normal, with a standard error of ``noise`` times
    the most that it can be). Each draw is judged as the published points are: against the smooth null
    between the first and the last value, of which one in twenty scores higher.

    Returns
    -------
    Frame with ``task, shots, metric, noise, seen``: ``seen`` is the share of draws above the null.

    >>> power(draws=50)["seen"].is_between(0, 1).all()
    True
    """
    rng, rows = np.random.default_rng(seed), []
    for one in triplets.split(lamda.published()):
        grade = one.metric == "multiple_choice_grade"
        truth = np.append(np.full(5, one.values[:5].mean()), one.values[-1])
        for noise in (1.0,) if grade else (1.0, 0.3):
            if grade:
                drawn = rng.binomial(one.n_items, truth, (draws, 6)) / one.n_items
                null = emergence.null_scores(one.sizes, truth, one.errors, draws, seed, one.n_items)
            else:
                drawn = truth + rng.normal(size=(draws, 6)) * one.errors * noise
                null = emergence.null_scores(one.sizes, truth, one.errors * noise, draws, seed)
            bar = np.quantile(null, 0.95, method="higher")
            seen = np.mean([emergence.score(one.sizes, values) > bar for values in drawn])
            rows.append((one.task, one.shots, one.metric, noise, float(seen)))
    return pl.DataFrame(rows, schema=["task", "shots", "metric", "noise", "seen"], orient="row")


def _task(name: str) -> Verdict:
    """Judge one task of Fig. 6 by the rule of the ledger."""
    mine = lamda_scores().filter(pl.col("task") == name)
    grades, brier = (
        mine.filter(pl.col("metric") == metric) for metric in ("multiple_choice_grade", "brier")
    )
    jumps = (grades["exceedance"] < LEVEL).to_list()
    gone = (brier["exceedance"] >= LEVEL).to_list()
    if not any(jumps):
        verdict = "cannot be tested here"
    else:
        verdict = "upheld" if all(gone) else "partly" if any(gone) else "not upheld"
    said = "; ".join(
        f"{shots} shots: grade scores {a['score']:.1f} (null {a['null_high']:.1f}, reached by {a['exceedance']:.1%} of smooth curves), "
        f"Brier {b['score']:.1f} (null {b['null_high']:.1f}, {b['exceedance']:.1%}; {b['exceedance_least']:.1%} if only the reading "
        "had an error)"
        for shots, a, b in zip(grades["shots"], grades.iter_rows(named=True), brier.iter_rows(named=True), strict=True)
    )
    if not any(jumps):
        said += ". The grade itself lies within its null at both shot counts, so there is no jump that could go"
    elif not all(jumps):
        only = [s for s, jump in zip(grades["shots"], jumps, strict=True) if jump]
        said += f". Under the grade only {only[0]} shots lie above the null, so only there is a jump to lose"
    worse = brier.filter(pl.col("step") < 0)["shots"].to_list()
    if worse:
        said += f". From 27B to 128B the Brier score gets worse ({' and '.join(map(str, worse))} shots)"
    broken = lamda_breaks().filter((pl.col("task") == name) & (pl.col("p") < LEVEL))
    named = ", ".join(f"{'Brier' if r['metric'] == 'brier' else 'grade'} at {r['shots']} shots" for r in broken.iter_rows(named=True))
    said += f". Tested for a break against smooth fits instead of by score: {named or 'no curve'} has one"
    return Verdict(verdict, said + f". Six points, {mine['n_items'][0]} items, digitised.")


@registry.test
def brier_irony() -> Verdict:
    return _task("irony_identification")


@registry.test
def brier_logical_args() -> Verdict:
    return _task("logical_args")


@registry.test
def brier_sports() -> Verdict:
    return _task("sports_understanding")


@registry.test
def brier_swahili() -> Verdict:
    return _task("swahili_english_proverbs")


POOLED = "all, by compute"


@cache
def lamda_breaks() -> pl.DataFrame:
    """Test every curve of Fig. 6 for a break against smooth shapes, with the noise of its items.

    Returns
    -------
    Frame with ``task, shots, metric, shape, p``; see :func:`mirage_lib.breaks.find`.

    >>> lamda_breaks()["p"].is_between(0, 1).all()
    True
    """
    rows = []
    for one in triplets.split(lamda.published()):
        grade = one.metric != "brier"
        found = breaks.find(np.log(one.sizes), one.values, None if grade else one.errors, one.n_items if grade else None)
        rows.append((one.task, one.shots, one.metric, found.broken, found.p))
    return pl.DataFrame(rows, schema=["task", "shots", "metric", "shape", "p"], orient="row")


@cache
def public_breaks() -> pl.DataFrame:
    """Test public models for a break under both metrics, by family over size, and pooled over compute.

    The scatter of the models about the smooth fit is the noise. Pooled models of one family are taken to be
    independent there, which makes pooled p-values somewhat too small.

    Returns
    -------
    Frame with ``task, emergent, family`` (:data:`POOLED` for all models together), ``models``, the p-values
    ``accuracy`` and ``brier`` of :func:`mirage_lib.breaks.find`, and ``at``, where accuracy's break would be
    (parameters, or FLOPs).

    >>> public_breaks().filter(pl.col("family") == POOLED).height
    9
    """
    rows = []
    for task in choices.EMERGENT + choices.OTHER:
        part = choices.of(task)
        curves = [(name, part.filter(pl.col("family") == name), "n_params") for name in choices.families(task, breaks.LEAST)]
        for name, models, x in (*curves, (POOLED, part, "flops")):
            log = np.log(models[x].to_numpy())
            right, wrong = (breaks.find(log, sign * models[m].to_numpy()) for m, sign in (("accuracy", 1), ("brier", -1)))
            rows.append((task, task in choices.EMERGENT, name, models.height, right.p, wrong.p, float(np.exp(right.at))))
    names = ["task", "emergent", "family", "models", "accuracy", "brier", "at"]
    return pl.DataFrame(rows, schema=names, orient="row")


@registry.test
def brier_public_models() -> Verdict:
    table = public_breaks().filter("emergent")
    alone, pooled = table.filter(pl.col("family") != POOLED), table.filter(pl.col("family") == POOLED)
    alone = alone.with_columns(q=pl.Series(breaks.adjusted(alone["accuracy"])))
    sure, seen = alone.filter(pl.col("q") < LEVEL), alone.filter(pl.col("accuracy") < LEVEL)
    verdict = registry.grade(*(sure["brier"] >= LEVEL)) if sure.height else "cannot be tested here"
    together = pooled.filter(pl.col("accuracy") < LEVEL)
    return Verdict(
        verdict,
        f"By family, {alone.height} curves of five sizes or more: {seen.height} have a break under accuracy at the 5 % level "
        f"({LEVEL * alone.height:.0f} would by chance), {sure.height} once that is allowed for: {_told(seen)}. "
        f"Pooled by compute, which is not what the paper claims, {together.height} of {pooled.height} tasks have one: {_told(together)}.",
    )


def _told(table: pl.DataFrame) -> str:
    said = [
        f"{choices.TITLES[r['task']]}{'' if r['family'] == POOLED else ' in ' + r['family']} (p = {r['accuracy']:.3f}, under Brier {r['brier']:.3f})"
        for r in table.iter_rows(named=True)
    ]
    return "; ".join(said) or "none"


def expected(truth: np.ndarray, stated: np.ndarray) -> dict[str, np.ndarray]:
    """Expected scores of stating some probabilities when others are true.

    Parameters
    ----------
    truth : (k,) probabilities with which each choice is the right one
    stated : (..., k) what a model says

    Returns
    -------
    ``right choice``: the mean of ``(1 - p(right))^2``. ``sum over choices``: the sum of all squared errors.
    ``grade``: the multiple choice grade, a tie of m choices counting 1/m.

    >>> {name: round(float(x), 3) for name, x in expected(np.array([0.7, 0.3]), np.array([0.7, 0.3])).items()}
    {'right choice': 0.21, 'sum over choices': 0.42, 'grade': 0.7}
    """
    right = ((1 - stated) ** 2) @ truth
    sums = (stated**2).sum(axis=-1) - 2 * stated @ truth + 1
    first = stated == stated.max(axis=-1, keepdims=True)
    return {"right choice": right, "sum over choices": sums, "grade": (first / first.sum(axis=-1, keepdims=True)) @ truth}


def grid(choices: int, steps: int = 20) -> np.ndarray:
    """All probabilities over the choices that are multiples of one over ``steps``.

    >>> grid(2, 2).tolist()
    [[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]
    """
    cells = np.indices((steps + 1,) * (choices - 1)).reshape(choices - 1, -1)
    cells = cells[:, cells.sum(axis=0) <= steps]
    return np.vstack([cells, steps - cells.sum(axis=0)]).T / steps


@cache
def proper(choices: int, steps: int = 20) -> dict[str, tuple[bool, bool]]:
    """Whether the best expected score is at the true probabilities, and nowhere else, over a grid.

    Returns
    -------
    For each score of :func:`expected`: ``proper`` (nothing beats the truth) and ``strictly`` (nothing ties).

    >>> proper(2)["right choice"], proper(3)["right choice"]
    ((True, True), (False, False))
    """
    points = grid(choices, steps)
    # Where a choice has no chance at all, or all of it, a grid point at the edge is no harder; all are tried.
    beaten, tied = dict.fromkeys(("right choice", "sum over choices", "grade"), False), {}
    tied = dict(beaten)
    for k, truth in enumerate(points):
        for name, values in expected(truth, points).items():
            loss = -values if name == "grade" else values
            others = np.delete(loss, k) - loss[k]
            beaten[name] |= bool((others < -1e-12).any())
            tied[name] |= bool((np.abs(others) <= 1e-12).any())
    return {name: (not beaten[name], not beaten[name] and not tied[name]) for name in beaten}


@registry.test
def brier_proper() -> Verdict:
    two, many = proper(2, 100), proper(4, 10)
    truth = np.array([0.5, 0.3, 0.2])
    points = grid(3, 100)
    best = points[expected(truth, points)["right choice"].argmin()]
    holds = two["right choice"][1], many["sum over choices"][1]
    verdict = registry.grade(*holds, not two["grade"][1])
    says = {True: "only at", False: "not only at"}
    return Verdict(
        verdict,
        f"On grids of beliefs the best expected score is {says[holds[0]]} the true probability for two choices, and for four "
        f"choices {says[holds[1]]} it for the sum over choices. The multiple choice grade is {'' if two['grade'][1] else 'not '}"
        "strictly proper: every probability on the same side of one half scores alike. The squared error on the right choice "
        f"alone, which the paper writes for two outcomes, is {'' if proper(3)['right choice'][0] else 'not '}proper for three: "
        f"who believes {' / '.join(f'{p:.2f}' for p in truth)} does best to say {' / '.join(f'{p:.2f}' for p in best)}.",
    )
