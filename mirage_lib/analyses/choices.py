"""Choices: public models on multiple-choice tasks, accuracy and the paper's Brier score of the same answers.

The paper changed the metric of four LaMDA curves whose answers nobody has. Wu and Lo (2025) published both
metrics of the same answers for dozens of base models and nine tasks, so the paper's test can be made on
models that it never saw: within a family, as the paper means it, and over all of them by training compute.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import polars as pl
from scipy import optimize, stats

from mirage_lib.bigbench import records

EMERGENT = (
    "mmlu", "parsinlu_qa_mc", "arithmetic", "hindu_knowledge", "analogical_similarity", "conceptual_combinations",
)  # fmt: skip
OTHER = ("hellaswag", "arc", "abstract_narrative_understanding")
"""The source calls the tasks of EMERGENT emergent, and these three not."""
TITLES = {
    "mmlu": "MMLU", "parsinlu_qa_mc": "Persian QA", "arithmetic": "arithmetic", "hindu_knowledge": "Hindu knowledge",
    "analogical_similarity": "analogical similarity", "conceptual_combinations": "conceptual combinations",
    "hellaswag": "HellaSwag", "arc": "ARC", "abstract_narrative_understanding": "abstract narratives",
}  # fmt: skip
MISTAKEN = {"openlm-research/open_llama_7b_v2": 7_000_000_000}
"""Sizes that the source has wrong: it gives this model, whose name says 7b, 13 billion parameters."""
LEAST_SIZES = 4
"""A family of so many sizes or more is looked at by itself."""
METRICS = ("accuracy", "brier")
WINDOW = 0.5
"""Half a decade of compute: a factor of about three."""


@cache
def paired() -> pl.DataFrame:
    """Lay both metrics of the same answers side by side, one row for one model on one task.

    Returns
    -------
    Frame with ``task, family, model, n_params, tokens_b, flops, n_items, chance, accuracy, brier, blind,
    emergent``. ``flops`` is parameters times tokens times six, missing where the tokens are not known.
    ``blind`` is the Brier score of equal probabilities, ``(1 - chance)^2``; where the number of choices
    varies over items (arithmetic, analogical similarity) that is a little too low.

    >>> paired().select(pl.col("task").n_unique(), pl.col("model").n_unique()).row(0)
    (9, 69)
    """
    table = records.load("choice").filter(pl.col("metric").is_in(METRICS))
    chance = table.filter(pl.col("metric") == "accuracy").group_by("task").agg(pl.col("chance").first())
    size = pl.col("model").replace_strict(MISTAKEN, default=None, return_dtype=pl.Int64)
    keys = ["task", "family", "model", "n_params", "tokens_b", "n_items"]
    wide = table.with_columns(n_params=pl.coalesce(size, "n_params")).pivot(on="metric", index=keys, values="score")
    return (
        wide.join(chance, on="task")
        .with_columns(
            flops=6 * pl.col("n_params") * pl.col("tokens_b") * 1e9,
            blind=(1 - pl.col("chance")) ** 2,
            emergent=pl.col("task").is_in(EMERGENT),
        )
        .sort("task", "family", "n_params")
    )


def of(task: str, compute: bool = True) -> pl.DataFrame:
    """Rows of :func:`paired` for one task, by default only models whose compute is known, cheapest first.

    Raises
    ------
    ValueError
        If there is no such task.
    """
    part = paired().filter(pl.col("task") == task)
    if part.is_empty():
        raise ValueError(f"unknown task {task!r}: choose one of {', '.join(EMERGENT + OTHER)}")
    return part.drop_nulls("flops").sort("flops", "model") if compute else part


def families(task: str, least: int = LEAST_SIZES) -> list[str]:
    """Families with at least so many sizes of one recipe in a task.

    StableLM is left out: its models are of two generations with different data.

    >>> families("hindu_knowledge")
    ['BLOOM', 'GPT-Neo/J', 'OPT', 'Pythia', 'Qwen1.5']
    """
    sizes = of(task).group_by("family").agg(pl.col("n_params").n_unique().alias("sizes"))
    return sorted(sizes.filter((pl.col("sizes") >= least) & (pl.col("family") != "StableLM"))["family"])


def half_decades(task: str) -> pl.DataFrame:
    """Pool the models of a task by half-decades of training compute.

    Returns
    -------
    Frame with ``task, decade`` (lower end, log10 FLOPs), ``models, families`` and for each metric its mean,
    lowest and highest value, as ``accuracy, accuracy_low, accuracy_high, brier, ...``.
    """
    decade = ((pl.col("flops").log10() / WINDOW).floor() * WINDOW).alias("decade")
    aggregates = [pl.len().alias("models"), pl.col("family").unique().sort().str.join(", ").alias("families")]
    for name in METRICS:
        aggregates += [pl.col(name).mean(), pl.col(name).min().alias(f"{name}_low"), pl.col(name).max().alias(f"{name}_high")]
    return of(task).group_by("task", decade).agg(aggregates).sort("decade")


def steepest(log_flops: np.ndarray, values: np.ndarray, window: float = WINDOW) -> float:
    """Share of a climb that is made within the steepest stretch of ``window`` decades of compute.

    A curve that never falls is fitted to the points (isotonic regression) and joined by straight lines. An
    even climb has the window's share of the decades; a single step has one. NaN where nothing climbs.

    >>> round(steepest(np.array([20, 21, 22, 23.0]), np.array([0, 1, 2, 3.0])), 3)
    0.167
    >>> steepest(np.array([20, 21, 22, 22.2, 23.0]), np.array([0, 0, 0, 1, 1.0]))
    1.0
    """
    x, back = np.unique(log_flops, return_inverse=True)
    counts = np.bincount(back)
    fitted = optimize.isotonic_regression(np.bincount(back, values) / counts, weights=counts).x
    if np.ptp(fitted) <= 1e-12:
        return float("nan")
    starts = np.concatenate([x, x - window])
    rise = np.interp(starts + window, x, fitted) - np.interp(starts, x, fitted)
    return float(rise.max() / np.ptp(fitted))


def even_share(task: str = "mmlu") -> float:
    """Share that half a decade has of a climb that is even in log compute.

    >>> round(even_share(), 2)
    0.13
    """
    flops = of(task)["flops"]
    return float(WINDOW / np.log10(flops.max() / flops.min()))


def resampled(part: pl.DataFrame, draws: int, seed: int = 0) -> Iterator[np.ndarray]:
    """Yield the row numbers of a table, then those of ``draws`` resamples of whole families.

    >>> [len(rows) for rows in resampled(pl.DataFrame({"family": ["a", "b"]}), 2)]
    [2, 2, 2]
    """
    rows = [np.flatnonzero(part["family"].to_numpy() == name) for name in part["family"].unique().sort()]
    yield np.arange(part.height)
    rng = np.random.default_rng(seed)
    for _ in range(draws):
        yield np.concatenate([rows[k] for k in rng.integers(len(rows), size=len(rows))])


@cache
def concentration(task: str, draws: int = 400, seed: int = 0) -> dict[str, tuple[float, float, float]]:
    """Say what share of a pooled climb lies in its steepest half-decade, under both metrics.

    Returns
    -------
    ``accuracy``, ``brier`` and ``difference`` (accuracy less Brier), each with the middle 95 % of resamples
    of whole families: models of one family are no independent draws.

    >>> list(concentration("mmlu", draws=20))
    ['accuracy', 'brier', 'difference']
    """
    part = of(task)
    x, right, wrong = (part[name].to_numpy() for name in ("flops", *METRICS))
    x = np.log10(x)
    found = []
    for rows in resampled(part, draws, seed):
        both = steepest(x[rows], right[rows]), steepest(x[rows], -wrong[rows])
        found.append((*both, both[0] - both[1]))
    return with_interval(found, ("accuracy", "brier", "difference"))


def with_interval(found: list[tuple], names: tuple[str, ...]) -> dict[str, tuple[float, float, float]]:
    """Name the numbers of the first tuple, each with the middle 95 % of those of the others.

    >>> with_interval([(1.0,), (0.0,), (2.0,)], ("x",))["x"][0]
    1.0
    """
    ends = np.nanquantile(np.array(found[1:], dtype=float), (0.025, 0.975), axis=0)
    return {
        name: (float(found[0][k]), float(ends[0][k]), float(ends[1][k])) for k, name in enumerate(names)
    }


def knee(brier: np.ndarray, accuracy: np.ndarray) -> tuple[float, float, float, float]:
    """Fit accuracy as a function of the Brier score: flat above a knee, a straight line below it.

    Least squares over 200 places for the knee between the second best and the second worst model.

    Returns
    -------
    ``knee``, ``floor`` (accuracy on the flat side), ``slope`` (accuracy gained for a unit of Brier below the
    knee) and ``r2``.

    >>> b = np.linspace(0.2, 0.8, 61)
    >>> np.round(knee(b, 0.2 + np.clip(0.5 - b, 0, None)), 1)
    array([0.5, 0.2, 1. , 1. ])
    """
    low, high = np.sort(brier)[[1, -2]]
    places = np.linspace(low, high, 200)
    bent = np.clip(places[:, None] - brier, 0, None)
    centred = bent - bent.mean(axis=1, keepdims=True)
    squares = (centred**2).sum(axis=1)
    slopes = centred @ (accuracy - accuracy.mean()) / np.where(squares > 0, squares, 1)
    floors = accuracy.mean() - slopes * bent.mean(axis=1)
    left = ((accuracy - floors[:, None] - slopes[:, None] * bent) ** 2).sum(axis=1)
    best = int(left.argmin())
    total = float(((accuracy - accuracy.mean()) ** 2).sum())
    return float(places[best]), float(floors[best]), float(slopes[best]), 1 - float(left[best]) / total


@cache
def mapping(task: str, draws: int = 300, seed: int = 0) -> dict[str, float]:
    """Say how accuracy hangs on the Brier score over all models of a task.

    Returns
    -------
    ``spearman`` between accuracy and minus Brier; the numbers of :func:`knee`, the knee with ``low`` and
    ``high`` from resampled families; ``blind``; ``worse``, the share of models whose Brier score is worse
    than equal probabilities, ``spearman_worse`` among those, and ``unlearnt``, what share of the range from
    the worst to the best Brier score lies on the wrong side of ``blind``.

    >>> mapping("hellaswag", draws=20)["spearman"] > 0.99
    True
    """
    part = of(task, compute=False)
    right, wrong, blind = part["accuracy"].to_numpy(), part["brier"].to_numpy(), part["blind"][0]
    found = [knee(wrong[rows], right[rows]) for rows in resampled(part, draws, seed)]
    at = with_interval(found, ("knee", "floor", "slope", "r2"))
    worse = wrong > blind
    few = stats.spearmanr(right[worse], -wrong[worse]).statistic if worse.sum() > 4 else float("nan")
    span = np.clip(wrong.max() - blind, 0, None) / np.ptp(wrong)
    return {
        "spearman": float(stats.spearmanr(right, -wrong).statistic),
        "knee": at["knee"][0], "low": at["knee"][1], "high": at["knee"][2],
        "floor": at["floor"][0], "slope": at["slope"][0], "r2": at["r2"][0],
        "blind": float(blind), "worse": float(worse.mean()), "spearman_worse": float(few), "unlearnt": float(span),
    }  # fmt: skip


def explained(task: str, metric: str = "accuracy") -> dict[str, float]:
    """Say how much of the spread over models goes with compute, with size and tokens, and with family.

    Returns
    -------
    Shares of the variance, by least squares: ``compute`` (a parabola in log FLOPs), ``size and tokens``
    (both logs), ``compute and family`` (a parabola, and one offset a family). ``foretold`` is what the
    parabola in log FLOPs explains of families that were left out, one after the other; ``foretold by size
    and tokens`` likewise. These may be negative: worse than the mean of the others.

    >>> 0 < explained("arc")["compute"] < explained("arc")["compute and family"] < 1
    True
    """
    part = of(task)
    y, family = part[metric].to_numpy(), part["family"].to_numpy()
    log = np.log10(part["flops"].to_numpy()) - 22
    one = np.ones(len(y))
    compute = np.column_stack([one, log, log**2])
    both = np.column_stack([one, np.log10(part["n_params"].to_numpy()), np.log10(part["tokens_b"].to_numpy())])
    offsets = (family[:, None] == np.unique(family)[None, 1:]).astype(float)
    designs = {"compute": compute, "size and tokens": both, "compute and family": np.column_stack([compute, offsets])}
    total = ((y - y.mean()) ** 2).sum()
    found = {}
    for name, design in designs.items():
        found[name] = float(1 - ((y - design @ np.linalg.lstsq(design, y, rcond=None)[0]) ** 2).sum() / total)
    for name, design in (("foretold", compute), ("foretold by size and tokens", both)):
        missed, naive = 0.0, 0.0
        for one_family in np.unique(family):
            out = family == one_family
            weights = np.linalg.lstsq(design[~out], y[~out], rcond=None)[0]
            missed += ((y[out] - design[out] @ weights) ** 2).sum()
            naive += ((y[out] - y[~out].mean()) ** 2).sum()
        found[name] = float(1 - missed / naive)
    return found


@cache
def within() -> pl.DataFrame:
    """Climb of each family by itself: the slope of both metrics in log size, one row a task and family.

    Least squares on the log of the parameters; noise is the scatter of the family's models about the line.

    Returns
    -------
    Frame with ``task, family, emergent, models``, and for each metric ``gain`` (improvement for ten times the
    parameters), ``p`` (that of a line without slope, two-sided, Student's t) and ``largest`` (share of the
    range that the largest step upwards makes); ``even``, what that would be on a straight line; ``blind``,
    ``best`` (lowest Brier score) and ``top`` (highest accuracy).

    >>> within().select("task", "family").is_duplicated().any()
    False
    """
    rows = []
    for task in EMERGENT + OTHER:
        for name in families(task):
            part = of(task).filter(pl.col("family") == name).sort("n_params")
            x = np.log10(part["n_params"].to_numpy())
            row = {"task": task, "family": name, "emergent": task in EMERGENT, "models": part.height}
            for metric, sign in zip(METRICS, (1, -1), strict=True):
                y = sign * part[metric].to_numpy()
                line = stats.linregress(x, y)
                row |= {f"gain_{metric}": float(line.slope), f"p_{metric}": float(line.pvalue)}
                row |= {f"largest_{metric}": float(np.diff(y).max() / np.ptp(y))}
            row |= {"even": float(np.diff(x).max() / np.ptp(x)), "blind": part["blind"][0]}
            rows.append(row | {"best": part["brier"].min(), "top": part["accuracy"].max()})
    return pl.DataFrame(rows)


def matched(task: str, factor: float = 1.25) -> pl.DataFrame:
    """Pair models of different families whose compute differs by less than a factor.

    Returns
    -------
    Frame with ``model, family`` and ``other, other_family``, the less accurate first, ``flops`` (of the
    first) and for each metric both values and ``gap`` (accuracy) and ``gap_brier`` (improvement).

    >>> matched("mmlu").filter(pl.col("gap") < 0).height
    0
    """
    part = of(task).select("model", "family", "flops", "accuracy", "brier")
    pairs = part.join(part, how="cross", suffix="_other").filter(
        (pl.col("family") != pl.col("family_other"))
        & (pl.col("accuracy") < pl.col("accuracy_other"))
        & ((pl.col("flops") / pl.col("flops_other")).log().abs() <= np.log(factor))
    )
    return pairs.with_columns(
        gap=pl.col("accuracy_other") - pl.col("accuracy"), gap_brier=pl.col("brier") - pl.col("brier_other")
    ).sort("gap", descending=True)


def raw() -> pl.DataFrame:
    """The Brier score without spreading the probability over the choices, and how much mass they had.

    Returns
    -------
    Frame with ``task, family, model, flops, brier, brier_raw, choice_mass``, three tasks.

    >>> raw()["task"].n_unique()
    3
    """
    wanted = ("brier", "brier_raw", "choice_mass")
    table = records.load("choice").filter(pl.col("metric").is_in(wanted))
    keys = ["task", "family", "model", "n_params", "flops_1e21"]
    wide = table.pivot(on="metric", index=keys, values="score").drop_nulls("brier_raw")
    return wide.with_columns(flops=pl.col("flops_1e21") * 1e21).drop("flops_1e21").sort("task", "flops")
