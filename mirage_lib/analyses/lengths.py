"""Lengths: what accuracy and edit distance do as the target grows longer.

The paper's third prediction (Section 3): under the same per-token error, accuracy falls geometrically
with the target's length L, and edit distance grows nearly linearly. Both are statements about one model,
so every training run, and every GPT-3 model at each temperature, is fitted alone: the mean of several
geometric curves is not geometric.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.special import ndtri, xlog1py, xlogy
from scipy.stats import chi2

from mirage_lib import curves, replicates
from mirage_lib import outputs as tables

MODEL = ("source", "task", "temperature", "n_params", "seed")
"""Columns that name one model on one task. ``seed`` is -1 for published models."""
SIZES = (350_000_000, 1_300_000_000, 6_700_000_000, 175_000_000_000)
LEVEL = 0.05
"""Of the tests of :func:`judge`, shared among the models of one source."""
ENOUGH = 10
"""Right answers that make a length count as seen."""
CEILING, FLOOR = 0.95, 0.1
"""A model with all accuracies above the first, or all distances below the second, tests nothing."""
LEAST = 1e-7
"""Of minus the logarithm of a fitted accuracy at either end."""
FACTOR, QUARTER = 1.5, 0.25
"""How near is "about": a factor of accuracy, characters of edit distance."""


def points(outputs: pl.DataFrame, source: str = "ladder") -> pl.DataFrame:
    """Accuracy and edit distance of every run at every target length.

    Prompts about one problem are averaged first; ``n`` and ``error`` count problems, not prompts.

    Parameters
    ----------
    outputs : frame
        Text outputs; ``group`` is the target length.

    Returns
    -------
    Frame with the columns of :data:`MODEL`, then ``length, n`` (problems), ``right`` (answers), ``accuracy,
    low, high`` (Wilson's; one-sided and exact where none is right), ``distance, error`` (its standard
    error), sorted.

    >>> from mirage_lib import theory
    >>> points(theory.text_outputs([0.1], length=3, n=50)).select("length", "n").row(0)
    (3, 50)
    """
    rows = []
    for cell in curves.cells(outputs, ["exact_match", "token_edit_distance"]):
        task, length, heat, _, _, n_params = cell.key
        for k, seed in enumerate(cell.seeds):
            one = cell.alone(k)
            accuracy, distance = one.scores[:, 0].mean(axis=1)
            right = round(float((one.asked[0] * one.scores[0, 0]).sum()))
            error = _error(one.scores[1, 0])
            n = one.asked.shape[1]
            rows.append((source, task, heat, n_params, seed, length, n, right, accuracy, distance, error))
    return _with_interval(rows)


def published() -> pl.DataFrame:
    """The digitised GPT-3 points of Fig. 3 in the form of :func:`points`, low accuracies from Fig. 4.

    Numbers of answers are inferred and the errors of edit distance assumed, as
    :mod:`mirage_lib.replicates` tells.

    >>> published().filter(pl.col("temperature") == 0).height
    36
    """
    low = {
        (row["task"], row["target_str_len"], row["temperature"], row["params"]): row["value"]
        for row in tables.load_table("fig4").iter_rows(named=True)
    }
    cells = {(c.task, c.group, c.temperature, c.metric): c for c in replicates.published()}
    rows = []
    for (task, length, heat, metric), cell in cells.items():
        if metric != "exact_match":
            continue
        distance = cells[task, length, heat, "token_edit_distance"]
        n = replicates.ANSWERS[task, length]
        for k, size in enumerate(cell.sizes):
            size = SIZES[int(np.argmin(np.abs(np.log(np.array(SIZES) / size))))]
            accuracy = low.get((task, length, heat, size), cell.values[k])
            error = max(float(distance.draws[:, k].std()), 1 / n)
            rows.append(
                ("GPT-3", task, heat, size, -1, length, n, round(accuracy * n), accuracy, -distance.values[k], error)
            )
    return _with_interval(rows)


def _error(scores: np.ndarray) -> float:
    """Standard error of a mean over problems; as if one problem in n were off by one where all agree."""
    n = len(scores)
    return float(np.sqrt(max(scores.var(ddof=1) if n > 1 else 0.0, 1 / n) / n))


def _with_interval(rows: list[tuple]) -> pl.DataFrame:
    names = [*MODEL, "length", "n", "right", "accuracy", "distance", "error"]
    table = pl.DataFrame(rows, schema=names, orient="row").sort(*MODEL, "length")
    ends = [
        curves.wilson(round(share * n), n) if share > 0 else (0.0, curves.highest_when_none(n))
        for share, n in table.select("accuracy", "n").iter_rows()
    ]
    low, high = np.array(ends).T
    return table.with_columns(low=low, high=high)


def fit_geometric(lengths, right, n) -> tuple[np.ndarray, float]:
    """Fit log accuracy by a straight line in length, by maximum likelihood of binomial counts.

    Nothing is dropped: a length without a right answer pulls the line down as far as its ``n`` allows.
    Accuracy may not exceed one at any fitted length.

    Parameters
    ----------
    lengths, right, n : (lengths,) arrays
        ``right`` out of ``n`` need not be whole.

    Returns
    -------
    Fitted accuracies, and the accuracy's ratio from one length to the next.

    Raises
    ------
    ValueError
        For fewer than two different lengths.

    >>> fitted, ratio = fit_geometric([1, 2, 3], [900, 810, 729], [1000, 1000, 1000])
    >>> round(ratio, 3)
    0.9
    """
    lengths, right, n = (np.asarray(x, dtype=float) for x in (lengths, right, n))
    if len(set(lengths)) < 2:
        raise ValueError(f"lengths are {sorted(set(lengths))}: a line needs two different ones")
    share = (lengths - lengths.min()) / np.ptp(lengths)
    # The parameters are minus the logarithms at the two ends: both stay positive, so accuracy stays below one.
    design = np.stack([1 - share, share], axis=1)
    start = -np.log((right + 0.5) / (n + 1))
    weights = np.sqrt(right + 0.5)
    ends = np.linalg.lstsq(design * weights[:, None], start * weights, rcond=None)[0]
    ends = _newton(design, right, n, np.maximum(ends, 0.01))
    return np.exp(-design @ ends), float(np.exp((ends[0] - ends[1]) / np.ptp(lengths)))


def _newton(design: np.ndarray, right: np.ndarray, n: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Minimise minus the binomial log-likelihood, a convex function, over ends of at least :data:`LEAST`."""
    wrong = n - right

    def loss(ends: np.ndarray) -> float:
        minus_log = design @ ends
        return float((right * minus_log - xlogy(wrong, -np.expm1(-minus_log))).sum())

    for _ in range(200):
        minus_log = design @ ends
        failing = -np.expm1(-minus_log)
        slope = design.T @ (right - wrong * np.exp(-minus_log) / failing)
        curvature = (design.T * (wrong * np.exp(-minus_log) / failing**2)) @ design + 1e-9 * np.eye(2)
        free = (ends > LEAST) | (slope < 0)
        step = np.zeros(2)
        step[free] = np.linalg.solve(curvature[np.ix_(free, free)], slope[free])
        before, size = loss(ends), 1.0
        while loss(after := np.maximum(ends - size * step, LEAST)) > before and size > 1e-12:
            size /= 2
        moved, ends = np.abs(after - ends).max(), after
        if moved <= 1e-9:
            break
    return ends


def fit_linear(lengths, distance, error) -> tuple[np.ndarray, float]:
    """Fit edit distance by a straight line in length, weighted by the standard errors.

    Returns
    -------
    Fitted distances, and characters of distance for each further character of the target.

    >>> fitted, slope = fit_linear([1, 2, 3], [0.5, 1.0, 1.5], [0.1, 0.1, 0.1])
    >>> round(slope, 6)
    0.5
    """
    slope, start = np.polyfit(lengths, distance, 1, w=1 / np.asarray(error, dtype=float))
    return start + slope * np.asarray(lengths, dtype=float), float(slope)


def fits(table: pl.DataFrame) -> pl.DataFrame:
    """Fit both laws to every model.

    Parameters
    ----------
    table : frame
        From :func:`points` or :func:`published`. Models with fewer than three lengths are left out, since
        two points lie on every line.

    Returns
    -------
    The table with ``geometric, ratio, factor, off`` (fitted accuracy, its ratio a length, observed over
    fitted, signed root of the deviance: about a residual in standard errors) and ``line, slope, gap,
    gap_off`` (fitted distance, its slope, observed minus fitted, the same in standard errors).

    >>> two = fits(published())
    >>> two.filter(pl.col("n_params") == SIZES[-1])["factor"].is_between(0.5, 2).all()
    True
    """
    done = []
    for _, part in table.group_by(*MODEL, maintain_order=True):
        if part.height < 3:
            continue
        length, n, distance, error = (part[c].to_numpy() for c in ("length", "n", "distance", "error"))
        accuracy = part["accuracy"].to_numpy()
        right = accuracy * n
        fitted, ratio = fit_geometric(length, right, n)
        line, slope = fit_linear(length, distance, error)
        done.append(
            part.with_columns(
                geometric=fitted, ratio=pl.lit(ratio), factor=accuracy / fitted,
                off=np.sign(accuracy - fitted) * np.sqrt(deviance(right, n, fitted)),
                line=line, slope=pl.lit(slope), gap=distance - line, gap_off=(distance - line) / error,
            )
        )  # fmt: skip
    return pl.concat(done)


def deviance(right, n, fitted) -> np.ndarray:
    """Twice the log-likelihood by which free shares beat fitted ones, one value a count; never negative.

    >>> deviance([50.0], [100.0], [0.5]).tolist()
    [0.0]
    """
    right, n, fitted = (np.asarray(x, dtype=float) for x in (right, n, fitted))
    free = xlogy(right, right / n) + xlogy(n - right, 1 - right / n)
    return np.maximum(2 * (free - xlogy(right, fitted) - xlog1py(n - right, -fitted)), 0)


def judge(fitted: pl.DataFrame) -> pl.DataFrame:
    """Say of every model whether its accuracy is geometric and its edit distance linear.

    Parameters
    ----------
    fitted : frame
        From :func:`fits`.

    Returns
    -------
    Frame with the columns of :data:`MODEL` and ``tested_accuracy, ratio, p_geometric, worst_factor,
    geometric, about_geometric, tested_distance, slope, p_linear, worst_gap, linear, quasi_linear``. The
    last words are as the ledger defines them; ``p`` is the probability of so bad a fit by chance.

    >>> judge(fits(published())).height
    16
    """
    seen = pl.col("accuracy") > 0
    far = pl.max_horizontal(pl.col("factor"), 1 / pl.col("factor"))
    models = fitted.group_by(*MODEL, maintain_order=True).agg(
        df=pl.len() - 2,
        tested_accuracy=((pl.col("right") >= ENOUGH).sum() >= 3) & (pl.col("accuracy").min() <= CEILING),
        ratio=pl.col("ratio").first(),
        chi_accuracy=(pl.col("off") ** 2).sum(),
        worst_factor=far.filter(seen).max(),
        tested_distance=pl.col("distance").max() >= FLOOR,
        slope=pl.col("slope").first(),
        chi_distance=(pl.col("gap_off") ** 2).sum(),
        worst_gap=pl.col("gap").abs().max(),
    )
    models = models.with_columns(
        p_geometric=chi2.sf(models["chi_accuracy"], models["df"]), p_linear=chi2.sf(models["chi_distance"], models["df"])
    )

    def kept(p: str, tested: str) -> pl.Expr:
        return pl.col(p) >= LEVEL / pl.col(tested).sum().clip(1).over("source")

    return models.with_columns(
        geometric=kept("p_geometric", "tested_accuracy"),
        about_geometric=pl.col("worst_factor") <= FACTOR,
        linear=kept("p_linear", "tested_distance") & (pl.col("slope") > 0),
        quasi_linear=(pl.col("worst_gap") <= QUARTER) & (pl.col("slope") > 0),
    ).drop("df", "chi_accuracy", "chi_distance")


def ratios(table: pl.DataFrame) -> pl.DataFrame:
    """The ratio of accuracies at neighbouring lengths of every model, with 95 % intervals.

    Half a right answer is added to each count (Walter's estimator of a ratio of shares), so that a zero
    gives an upper bound and not a missing value. Where neither length has a right answer, nothing is
    known of the ratio, and the row says so with missing values.

    Returns
    -------
    Frame with the columns of :data:`MODEL`, then ``length`` (the shorter), ``estimate`` (missing where the
    shorter length has no right answer, 0 where the longer has none), ``low, high``.

    Source: S. D. Walter 1975, for the estimator and its variance.

    >>> ratios(published()).filter(pl.col("n_params") == SIZES[-1])["estimate"].max() <= 1.01
    True
    """
    z = float(ndtri(0.975))
    k, m = pl.col("accuracy") * pl.col("n") + 0.5, pl.col("n") + 0.5
    log_share, variance = (k / m).log(), 1 / k - 1 / m
    pairs = table.sort(*MODEL, "length").with_columns(
        middle=log_share.shift(-1).over(MODEL) - log_share,
        half=z * (variance.shift(-1).over(MODEL) + variance).sqrt(),
        after=pl.col("accuracy").shift(-1).over(MODEL),
    )
    none = (pl.col("accuracy") == 0) & (pl.col("after") == 0)
    one_zero = (pl.col("accuracy") == 0) | (pl.col("after") == 0)
    return pairs.filter(pl.col("after").is_not_null()).select(
        *MODEL, "length",
        estimate=pl.when(pl.col("accuracy") > 0).then(pl.col("after") / pl.col("accuracy")),
        low=pl.when(none).then(None).when(one_zero & (pl.col("after") == 0)).then(0.0)
        .otherwise((pl.col("middle") - pl.col("half")).exp()),
        high=pl.when(none | (pl.col("accuracy") == 0)).then(None).otherwise((pl.col("middle") + pl.col("half")).exp()),
    )  # fmt: skip
