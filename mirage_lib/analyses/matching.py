"""Matching: is it the length of an answer that makes it wrong, or the difficulty of the problem?

Longer targets come from larger operands and more carries. Here problems are compared that agree in
those and differ in the length of the answer, stratum by stratum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from mirage_lib import metrics
from mirage_lib.curves import LEVEL
from mirage_lib.outputs import require
from mirage_lib.replicates import arrange, seed_weights

LENGTHS = {"addition": (4, 5), "multiplication": (3, 4)}
"""Target lengths that are compared, the shorter first."""
OPERANDS = {"addition": 4, "multiplication": 2}
"""Digits of both operands of the matched problems."""
NEAR = 2**0.5
"""Matched products lie within this factor of 1,000, where an answer gains its fourth digit."""
INFORMATIVE = (0.05, 0.95)
"""Sizes with accuracies between these count in the pooled effect; others have nothing to lose or gain."""


def describe(outputs: pl.DataFrame) -> pl.DataFrame:
    """Add what the problem's text tells of its difficulty.

    Returns
    -------
    The outputs with ``a, b`` (operands), ``operand_digits`` (of the shorter), ``carries`` (columns that carry into
    the next, of all), ``inner_carries`` (of the three lowest columns), ``zero`` (an operand ends in 0).

    >>> describe(pl.DataFrame({"item": ["95+17"]})).select("carries", "operand_digits", "zero").row(0)
    (2, 2, False)
    """
    require(outputs, ["item"], "outputs of arithmetic problems")
    operands = [pl.col("item").str.extract(r"^(\d+)[+*](\d+)$", k).cast(pl.Int64).alias(n) for k, n in ((1, "a"), (2, "b"))]
    table = outputs.with_columns(operands)
    if table["a"].null_count():
        raise ValueError(f"item {table.filter(pl.col('a').is_null())['item'][0]!r} is no problem of the form 12+34 or 12*34")
    carry = [(pl.col("a") % 10**k + pl.col("b") % 10**k >= 10**k).cast(pl.Int64) for k in range(1, 6)]
    return table.with_columns(
        operand_digits=pl.min_horizontal("a", "b").cast(pl.String).str.len_chars().cast(pl.Int64),
        carries=pl.sum_horizontal(carry),
        inner_carries=pl.sum_horizontal(carry[:3]),
        zero=(pl.col("a") % 10 == 0) | (pl.col("b") % 10 == 0),
    )


def compared(outputs: pl.DataFrame, task: str, matched: bool = True) -> pl.DataFrame:
    """Pick the problems whose answers have the two lengths of :data:`LENGTHS`, with their strata.

    Matched sums have two operands of four digits; a stratum is the number of carries out of the three
    lowest columns. Matched products have two operands of two digits and lie near 1,000; a stratum is the tens
    digit of the smaller operand, and whether an operand ends in zero.

    Parameters
    ----------
    matched : bool
        Else all problems of the two lengths, in one stratum.

    Returns
    -------
    The described outputs with ``exposed`` (the answer is of the greater length) and ``stratum``.

    >>> frame = pl.DataFrame({"task": "addition", "group": [4, 5], "item": ["1000+1000", "9000+9000"]})
    >>> compared(frame, "addition").select("exposed", "stratum").rows()
    [(False, '0'), (True, '0')]
    """
    if task not in LENGTHS:
        raise ValueError(f"task is {task!r}: it has to be one of {', '.join(LENGTHS)}")
    shorter, longer = LENGTHS[task]
    table = describe(outputs.filter((pl.col("task") == task) & pl.col("group").is_in([shorter, longer])))
    table = table.with_columns(exposed=pl.col("group") == longer)
    if not matched:
        return table.with_columns(stratum=pl.lit("all"))
    table = table.filter(pl.col("operand_digits") == OPERANDS[task])
    if task == "addition":
        return table.with_columns(stratum=pl.col("inner_carries").cast(pl.String))
    product = pl.col("a") * pl.col("b")
    near = table.filter((product >= 1000 / NEAR) & (product < 1000 * NEAR))
    return near.with_columns(stratum=pl.format("{}{}", pl.min_horizontal("a", "b") // 10, pl.col("zero").cast(pl.Int8)))


def by_operands(outputs: pl.DataFrame, length: int = 4) -> pl.DataFrame:
    """Sums of one length, where ``exposed`` says that one operand has fewer digits than the answer.

    Length stays, difficulty changes; a stratum is the number of carries out of the three lowest columns.

    >>> frame = pl.DataFrame({"task": "addition", "group": 4, "item": ["4000+999", "4000+1999"]})
    >>> by_operands(frame)["exposed"].to_list()
    [True, False]
    """
    sums = describe(outputs.filter((pl.col("task") == "addition") & (pl.col("group") == length)))
    return sums.with_columns(exposed=pl.col("operand_digits") < length, stratum=pl.col("inner_carries").cast(pl.String))


def by_carries(outputs: pl.DataFrame) -> pl.DataFrame:
    """Matched sums, where ``exposed`` says that two or three of the lowest columns carry, not one or none.

    Here a stratum is the length of the answer.

    >>> frame = pl.DataFrame({"task": "addition", "group": 4, "item": ["4999+1999", "4000+1000"]})
    >>> by_carries(frame)["exposed"].to_list()
    [True, False]
    """
    sums = compared(outputs, "addition")
    return sums.with_columns(exposed=pl.col("inner_carries") >= 2, stratum=pl.col("group").cast(pl.String))


def contrast(exposed: np.ndarray, stratum: np.ndarray) -> np.ndarray:
    """Weights of problems whose weighted sum of scores is the stratified difference, exposed minus others.

    Strata are weighted as Mantel and Haenszel do for differences: by n1 n0 / (n1 + n0), which is near best
    where the effect is the same everywhere, and gives a stratum without a counterpart no weight.

    Raises
    ------
    ValueError
        If no stratum has problems of both kinds.

    >>> contrast(np.array([True, False, True]), np.array(["x", "x", "y"])).tolist()
    [1.0, -1.0, 0.0]
    """
    weights, total = np.zeros(len(exposed)), 0.0
    for name in np.unique(stratum):
        ones, zeros = (stratum == name) & exposed, (stratum == name) & ~exposed
        n1, n0 = ones.sum(), zeros.sum()
        if n1 and n0:
            share = n1 * n0 / (n1 + n0)
            weights += share * (ones / n1 - zeros / n0)
            total += share
    if total == 0:
        raise ValueError("no stratum has problems of both kinds: nothing can be compared")
    return weights / total


@dataclass(frozen=True)
class Effect:
    """A stratified difference in mean score, size by size and pooled.

    Attributes
    ----------
    by_size : frame
        ``n_params, others, exposed`` (mean scores of the two kinds, in the strata's weights), ``estimate, low,
        high`` (their difference), ``informative``.
    estimate, low, high : float
        Mean over the informative sizes; NaN where there is none.
    problems : (int, int)
        Problems of either kind that have a counterpart, others first.
    """

    by_size: pl.DataFrame
    by_run: pl.DataFrame
    estimate: float
    low: float
    high: float
    problems: tuple[int, int]


def effect(table: pl.DataFrame, metric: str = "exact_match", draws: int = 1000, seed: int = 0) -> Effect:
    """Estimate a stratified difference in score between exposed problems and others.

    Runs of one size count the same, and so do sizes in the pooled value. Each draw takes problems again
    within every stratum and kind, the same for all runs, and one seed fewer than there are at each size.

    Parameters
    ----------
    table : frame
        Outputs with ``exposed`` and ``stratum``, such as from :func:`compared`. Problems that not every run was
        asked are left out.
    metric : str
        Name of the score; sizes are informative by it, so it has to lie between 0 and 1 for a pooled value.
    """
    scored = table.with_columns(metrics.get(metric).score(table).alias("score"))
    (scores,), run_sizes, seeds = arrange(scored, ("score",))
    items = scored.select("item", "exposed", "stratum").unique("item").sort("item")
    known = ~np.isnan(scores).any(axis=0)
    scores, items = scores[:, known], items.filter(pl.Series(known))
    exposed, stratum = items["exposed"].to_numpy(), items["stratum"].to_numpy()
    weights = contrast(exposed, stratum)
    rng = np.random.default_rng(seed)
    times = np.ones((draws + 1, len(weights)))
    for name in np.unique(stratum):
        for kind in (True, False):
            own = np.flatnonzero((stratum == name) & (exposed == kind))
            if len(own):
                times[1:, own] = rng.multinomial(len(own), np.full(len(own), 1 / len(own)), size=draws)
    sizes = np.unique(run_sizes)
    member = (run_sizes[:, None] == sizes).astype(float)
    plain = (member / member.sum(axis=0)).sum(axis=1)
    taken = np.concatenate([plain[None], seed_weights(run_sizes, draws, rng)])
    by_draw = (((times * weights) @ scores.T) * taken) @ member
    ends = (1 - LEVEL) / 2
    low, high = np.quantile(by_draw[1:], [ends, 1 - ends], axis=0)
    runs = [np.clip(sign * weights, 0, None) @ scores.T for sign in (-1, 1)]
    parts = [(run * plain) @ member for run in runs]
    middle = (parts[0] + parts[1]) / 2
    informative = (middle > INFORMATIVE[0]) & (middle < INFORMATIVE[1])
    pooled = by_draw[:, informative].mean(axis=1) if informative.any() else np.full(draws + 1, np.nan)
    by_size = pl.DataFrame(
        {"n_params": sizes.astype(int), "others": parts[0], "exposed": parts[1], "estimate": by_draw[0],
         "low": low, "high": high, "informative": informative}
    )  # fmt: skip
    names = ("n_params", "seed", "others", "exposed")
    by_run = pl.DataFrame(dict(zip(names, (run_sizes.astype(int), seeds.astype(int), *runs), strict=True)))
    counted = weights != 0
    problems = (int((counted & ~exposed).sum()), int((counted & exposed).sum()))
    low, high = map(float, np.quantile(pooled[1:], [ends, 1 - ends]))
    return Effect(by_size, by_run, float(pooled[0]), low, high, problems)
