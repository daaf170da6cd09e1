"""Section 3 and Fig. 4: what more test data shows.

Two claims: with enough items every model is above chance, and accuracy then rises smoothly on a
logarithmic axis. The rules in the ledger were written before our models were judged by them; that the
paper's own smallest model lies below its dashed line was known by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl

from mirage_lib import curves, metrics
from mirage_lib import outputs as tables
from mirage_lib.arithmetic import public
from mirage_lib.arithmetic.problems import Operation, operation
from mirage_lib.claims import registry
from mirage_lib.claims.registry import Verdict

MANY = "arithmetic-ladder-many"
"""The small rungs asked as many different problems as could be had; used where it is frozen."""
LONGEST = {"multiplication": (3, 4), "addition": (4, 5)}
STEPS = (100, 1000, 10_000, 100_000, 0)
"""Numbers of problems that accuracies are counted on; 0 means all there are."""
TOLERANCE = 2.0
READABLE = 5e-4
"""Five units of the last digit to which Fig. 3 could be read."""
RUN = ("task", "group", "n_params", "seed")


def chance(op: Operation, length: int) -> dict[str, float]:
    """How often a guess is right that knows nothing of the operands.

    Returns
    -------
    ``any answer``: one of all numbers that could be written, 10,000 products or 20,000 sums, which is our
    reading of the dashed lines of Fig. 4. ``right length``: one of the numbers of so many digits.
    ``commonest``: always the answer that most pairs with such an answer have, counted over all pairs.

    >>> {name: round(1 / share) for name, share in chance(operation("addition"), 5).items()}
    {'any answer': 20000, 'right length': 90000, 'commonest': 5000}
    """
    numbers = np.arange(op.below)
    if op.sign == "*":
        ways, answers = np.bincount(np.outer(numbers, numbers).ravel()), op.below**2
    else:
        ways, answers = op.below - np.abs(np.arange(2 * op.below - 1) - (op.below - 1)), 2 * op.below
    first = 0 if length == 1 else 10 ** (length - 1)
    these = ways[first : 10**length]
    return {
        "any answer": 1 / answers,
        "right length": 1 / (10**length - first),
        "commonest": float(these.max() / these.sum()),
    }


def counts(outputs: pl.DataFrame, items: Sequence[int] = (0,)) -> pl.DataFrame:
    """Count right answers of every single run among its first so many different problems.

    Parameters
    ----------
    outputs : frame
        Text outputs; only greedy answers count, and only the first one to each problem.
    items : numbers of problems a cell, 0 for all there are

    Returns
    -------
    Frame with ``task, group, n_params, seed, items, n, right, estimate, low, high``: ``items`` is the wanted
    number, ``n`` what there was. Intervals of 95 % are Wilson's; where none was right, ``high`` is the exact
    one-sided bound, :func:`curves.highest_when_none`.

    >>> few = counts(tables.load("arithmetic-ladder"), (100,))
    >>> few["n"].max()
    100
    """
    tables.require(outputs, [*RUN, "item", "temperature"], "outputs to count right answers in")
    greedy = outputs.filter(pl.col("temperature") == 0)
    keys = [pl.col(name).cast(pl.Int64) if name != "task" else pl.col(name).cast(pl.String) for name in RUN]
    scored = greedy.select(*keys, "item").with_columns(metrics.get("exact_match").score(greedy).alias("score"))
    once = scored.filter(pl.col("item").is_first_distinct().over(RUN)).drop("item")
    once = once.with_columns(place=pl.int_range(pl.len()).over(RUN))
    parts = [
        (once.filter(pl.col("place") < wanted) if wanted else once)
        .group_by(RUN)
        .agg(items=pl.lit(wanted), n=pl.len().cast(pl.Int64), right=pl.col("score").sum().cast(pl.Int64))
        for wanted in items
    ]
    table = pl.concat(parts).sort("items", *RUN)
    ends = [
        curves.wilson(k, n) if k else (0.0, curves.highest_when_none(n)) for k, n in table.select("right", "n").iter_rows()
    ]
    return table.with_columns(
        estimate=pl.col("right") / pl.col("n"),
        low=pl.Series([low for low, _ in ends]),
        high=pl.Series([high for _, high in ends]),
    )


def many_outputs(folder: Path = tables.FROZEN) -> pl.DataFrame:
    """Load the outputs with the most problems a cell: those of many problems, or the ladder's.

    Of either, only the tasks and lengths of :data:`LONGEST` are kept.

    >>> sorted(many_outputs()["task"].unique())
    ['addition', 'multiplication']
    """
    there = f"{MANY}.parquet" in tables.manifest(folder)
    return _longest(tables.load(MANY if there else "arithmetic-ladder", folder))


def _longest(outputs: pl.DataFrame) -> pl.DataFrame:
    wanted = pl.any_horizontal(
        (pl.col("task") == task) & pl.col("group").is_in(lengths) for task, lengths in LONGEST.items()
    )
    return outputs.filter(wanted)


@cache
def by_items(folder: Path = tables.FROZEN) -> pl.DataFrame:
    """Count every run's right answers among its first 100, 1,000 ... problems, over all sizes.

    Small rungs come from :func:`many_outputs`, the others from the ladder; seeds are those that the former
    has.

    Returns
    -------
    As :func:`counts`, for all :data:`STEPS`.
    """
    most = counts(many_outputs(folder), STEPS)
    seeds = most["seed"].unique().to_list()
    ladder = _longest(tables.load("arithmetic-ladder", folder)).filter(pl.col("seed").is_in(seeds))
    rest = counts(ladder, STEPS).join(most, on=RUN, how="anti")
    return pl.concat([most, rest]).sort("items", *RUN)


@cache
def finest() -> pl.DataFrame:
    """Count every run's right answers among all problems it was asked, runs of all seeds, each once.

    >>> finest().select(RUN).is_duplicated().any()
    False
    """
    most = by_items().filter(pl.col("items") == 0)
    other_seeds = counts(_longest(tables.load("arithmetic-ladder"))).join(most, on=RUN, how="anti")
    return pl.concat([most, other_seeds]).sort(RUN)


def above_chance(table: pl.DataFrame) -> pl.DataFrame:
    """Set the intervals of runs against the three kinds of chance.

    Returns
    -------
    The table with ``any answer, right length, commonest`` (see :func:`chance`) and, for each, a column
    ``above ...`` that tells whether the whole interval lies above it.
    """
    cells = table.select("task", "group").unique()
    rows = [{"task": t, "group": g, **chance(operation(t), g)} for t, g in cells.iter_rows()]
    joined = table.join(pl.DataFrame(rows), on=["task", "group"])
    names = ("any answer", "right length", "commonest")
    return joined.with_columns((pl.col("low") > pl.col(name)).alias(f"above {name}") for name in names).sort(RUN)


def published_lowest() -> pl.DataFrame:
    """Lay the digitised accuracies beside the dashed lines of Fig. 4: low ones from there, others from Fig. 3.

    Readings of Fig. 3, whose axis is linear, below :data:`READABLE` are left out: they tell zero from a dashed
    line no better than the reader's hand.

    Returns
    -------
    Frame with ``task, target_str_len, temperature, params, value, dashed, above``.

    >>> published_lowest().filter(~pl.col("above"))["params"].unique().to_list()
    [350000000]
    """
    low = public.fig4()
    names = {"fig3_mult_accuracy": "multiplication", "fig3_add_accuracy": "addition"}
    keys = ["task", "target_str_len", "temperature", "params"]
    high = (
        curves.published("fig3")
        .filter(pl.col("panel").is_in(list(names)))
        .with_columns(task=pl.col("panel").replace_strict(names), params=_nearest("params"))
        .filter(pl.col("value") >= READABLE)
        .select(*keys, "value")
    )
    dashed = low.select("task", "dashed").unique()
    both = pl.concat([low.select(*keys, "value"), high.join(low, on=keys, how="anti")])
    joined = both.join(dashed, on="task").with_columns(above=pl.col("value") > pl.col("dashed"))
    return joined.sort(keys)


def _nearest(column: str) -> pl.Expr:
    """Digitised sizes, good to three digits, as the four that the paper names."""
    named = (350_000_000, 1_300_000_000, 6_700_000_000, 175_000_000_000)
    return pl.col(column).map_elements(
        lambda size: min(named, key=lambda n: abs(np.log(n / size))), return_dtype=pl.Int64
    )


def breaks(curve: pl.DataFrame, tolerance: float = TOLERANCE) -> dict[str, list]:
    """Find where a curve is not smooth on two logarithmic axes, beyond its intervals.

    Each inner size is compared with what its two neighbours foretell: their intervals, joined by straight
    lines in the logarithms of accuracy and size. A break is an interval that lies wholly outside, by more
    than a factor of ``tolerance``. A fall is a larger model whose interval lies below that of its smaller
    neighbour by more than that factor.

    Parameters
    ----------
    curve : frame
        ``n_params, low, high``, one row a size; a lower end may be zero.

    Returns
    -------
    ``judged``: inner sizes that neither were at zero nor have neighbours at zero; ``breaks`` and ``falls``:
    the sizes where it happens.

    >>> straight = {"n_params": [1e3, 1e4, 1e5], "low": [0.009, 0.09, 0.9], "high": [0.011, 0.11, 1.0]}
    >>> breaks(pl.DataFrame(straight))
    {'judged': [10000.0], 'breaks': [], 'falls': []}
    """
    curve = curve.sort("n_params")
    sizes = curve["n_params"].to_list()
    x, low, high = np.log(sizes), curve["low"].to_numpy(), curve["high"].to_numpy()
    found: dict[str, list] = {"judged": [], "breaks": [], "falls": []}
    for k in range(1, len(sizes) - 1):
        share = (x[k] - x[k - 1]) / (x[k + 1] - x[k - 1])
        between = [ends[k - 1] ** (1 - share) * ends[k + 1] ** share for ends in (low, high)]
        if (low[k - 1 : k + 2] > 0).all():
            found["judged"].append(sizes[k])
        if high[k] * tolerance < between[0] or low[k] > between[1] * tolerance:
            found["breaks"].append(sizes[k])
    found["falls"] = [sizes[k] for k in range(1, len(sizes)) if high[k] * tolerance < low[k - 1]]
    return found


def smoothness() -> pl.DataFrame:
    """Apply :func:`breaks` to every run of the ladder and to Pythia after its whole training.

    Returns
    -------
    Frame with ``source, task, group, seed, sizes, judged, breaks, falls``, all but the first four numbers of
    sizes.
    """
    rows = []
    for (task, group, seed), part in finest().group_by("task", "group", "seed", maintain_order=True):
        rows.append(("ladder", task, group, seed, part.height, *map(len, breaks(part).values())))
    record = public.sampled()
    last = record.filter(pl.col("tokens_b") == record["tokens_b"].max())
    for (task,), part in last.group_by("task", maintain_order=True):
        rows.append(("Pythia", task, None, None, part.height, *map(len, breaks(part).values())))
    names = "source task group seed sizes judged breaks falls".split()
    return pl.DataFrame(rows, schema=names, orient="row")


@registry.test
def more_data_above_chance() -> Verdict:
    ours, theirs = above_chance(finest()), published_lowest()
    shares = float(ours["above right length"].mean()), float(theirs["above"].mean())
    verdict = "upheld" if min(shares) == 1 else "partly" if min(shares) >= 0.75 else "not upheld"
    below = sorted(theirs.filter(~pl.col("above"))["params"].unique())
    sizes = ", ".join(f"{size / 1e6:,.0f} million" for size in below)
    none = ours.filter(pl.col("right") == 0)
    return Verdict(
        verdict,
        f"GPT-3, digitised: {int(theirs['above'].sum())} of {theirs.height} points lie above the dashed line"
        f"{'; those that do not have ' + sizes + ' parameters' if sizes else ''}. Our ladder ({ours['n'].min():,} to {ours['n'].max():,} problems "
        f"a cell): {int(ours['above right length'].sum())} of {ours.height} runs and lengths lie above a guess of the right "
        f"length, {int(ours['above commonest'].sum())} above always naming the commonest answer; in {none.height} none "
        "was right.",
    )


@registry.test
def more_data_smooth() -> Verdict:
    found = smoothness().group_by("source", maintain_order=True).agg(pl.col("judged", "breaks", "falls").sum())
    bad = (found["breaks"] + found["falls"]).to_list()
    share = [wrong / max(judged, 1) for wrong, judged in zip(bad, found["judged"], strict=True)]
    verdict = "upheld" if sum(bad) == 0 else "partly" if max(share) <= 0.1 or min(bad) == 0 else "not upheld"
    said = "; ".join(
        f"{row['source']}: {row['breaks']} breaks and {row['falls']} falls by more than a factor of {TOLERANCE:g} beyond "
        f"the intervals, with {row['judged']} sizes that could be judged"
        for row in found.iter_rows(named=True)
    )
    return Verdict(verdict, said + ". Runs are taken one by one, not averaged over seeds.")
