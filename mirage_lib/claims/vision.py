"""Section 5 and Fig. 11: small networks that read digits, and the ability to name K pictures right at once.

The rules in the ledger were written when the accuracies of our networks were known, seed by seed, but none
of their scores, breaks or distances.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations

import numpy as np
import polars as pl

from mirage_lib import breaks, emergence, metrics, outputs, subsets
from mirage_lib.analyses import seeds
from mirage_lib.claims import registry
from mirage_lib.claims.registry import Verdict

KS = tuple(range(1, 11))
SHOWN_K = (6, 8, 10)
"""Sizes of a subset in the published figure; its text says 1 to 5."""
SHOWN_UNITS = (1, 2, 3, 64)
"""Hidden units of the four networks, of 14, that the published figure shows for subsets."""


@cache
def networks(name: str = "vision-lenet") -> pl.DataFrame:
    """Subset accuracy of every frozen network at :data:`KS`; see :func:`subsets.by_network`.

    >>> networks().columns
    ['model', 'n_params', 'seed', 'k', 'estimate', 'n']
    """
    return subsets.by_network(registry.frozen(name), KS)


def units(table: pl.DataFrame) -> pl.DataFrame:
    """Add ``units``, the number at the end of a model's name.

    >>> units(pl.DataFrame({"model": ["hidden units 12"]}))["units"].to_list()
    [12]
    """
    return table.with_columns(units=pl.col("model").str.extract(r"(\d+)$").cast(pl.Int64))


def said(outputs: pl.DataFrame) -> pl.DataFrame:
    """Accuracy of every network, and whether it gives all pictures the same answer.

    Returns
    -------
    Frame with ``model, n_params, seed, estimate, n, classes`` (different answers given), ``commonest`` (the
    most frequent one) and ``dead``: one answer for every picture.

    >>> rows = {"model": "m 1", "n_params": 9, "seed": 0, "label": [1, 2], "predicted": [1, 1]}
    >>> said(pl.DataFrame(rows)).select("estimate", "classes", "dead").row(0)
    (0.5, 1, True)
    """
    right = metrics.get("picture_accuracy").score(outputs).alias("estimate")
    # By numbers, as in subsets.by_network.
    table = outputs.select("model", "n_params", "seed", "predicted", right).group_by("n_params", "seed").agg(
        pl.col("model").first(),
        pl.col("estimate").mean(),
        n=pl.len(),
        classes=pl.col("predicted").n_unique().cast(pl.Int64),
        commonest=pl.col("predicted").mode().min().cast(pl.Int64),
    )
    table = table.select("model", "n_params", "seed", "estimate", "n", "classes", "commonest")
    return table.with_columns(dead=pl.col("classes") == 1).sort("n_params", "seed")


def curve(table: pl.DataFrame, k: int, only: tuple[int, ...] = (), draws: int = seeds.DRAWS, seed: int = 0) -> seeds.Curve:
    """The curve of one K; see :func:`seeds.curve`.

    Parameters
    ----------
    table : frame
        From :func:`networks`.
    only : tuple of int
        Hidden units of the sizes to keep; empty for all.
    """
    part = units(table).filter(pl.col("k") == k)
    return seeds.curve(part.filter(pl.col("units").is_in(only)) if only else part, draws, seed)


@cache
def judged(only: tuple[int, ...] = ()) -> pl.DataFrame:
    """Judge every K on our frozen family, on all sizes or on those with some numbers of hidden units.

    Returns
    -------
    Frame with ``k, models`` and the entries of :func:`seeds.judge`.
    """
    return judge_all(networks(), only)


def judge_all(table: pl.DataFrame, only: tuple[int, ...] = ()) -> pl.DataFrame:
    """As :func:`judged`, for networks of any family."""
    each = ((k, curve(table, k, only)) for k in sorted(table["k"].unique()))
    return pl.DataFrame([{"k": k, "models": len(one.sizes)} | seeds.judge(one) for k, one in each])


@cache
def published() -> pl.DataFrame:
    """Digitised points of Fig. 11: ``curve, x, y``.

    >>> published()["curve"].n_unique()
    5
    """
    return outputs.load_table("vision-published").filter(pl.col("panel").str.starts_with("11")).select(
        "curve", "x", pl.col("y") + 0.0
    )


def published_scores() -> pl.DataFrame:
    """Emergence score of the published accuracies to the power K, on 14 sizes and on the four shown.

    Subset accuracy is printed for four sizes and three K only; ``printed`` is the score of those points.

    Returns
    -------
    Frame with ``k, on_14, on_4, printed``, the last missing where nothing is printed.

    >>> published_scores()["k"].to_list() == list(KS)
    True
    """
    points = published().filter(pl.col("curve") == "lenet accuracy").sort("x")
    x, y = points["x"].to_numpy(), points["y"].to_numpy()
    four = [0, 1, 2, len(x) - 1]
    rows = []
    for k in KS:
        shown = published().filter(pl.col("curve") == f"lenet K={k}").sort("x")
        printed = emergence.score(shown["x"], shown["y"]) if shown.height else None
        rows.append((k, emergence.score(x, y**k), emergence.score(x[four], y[four] ** k), printed))
    return pl.DataFrame(rows, schema=["k", "on_14", "on_4", "printed"], orient="row", infer_schema_length=None)


def published_powers() -> pl.DataFrame:
    """Set the printed subset accuracies against powers of the printed accuracy at the same size.

    One network cannot be above its power, but for the luck of drawn subsets: C(r, K)/C(n, K) is at most
    (r/n) to the K. A mean over networks that differ lies above the power of their mean.

    Returns
    -------
    Frame with ``k, units, accuracy, power, printed, ratio``.
    """
    points = published().filter(pl.col("curve") == "lenet accuracy").sort("x")["y"]
    rows = []
    for k in SHOWN_K:
        shown = published().filter(pl.col("curve") == f"lenet K={k}").sort("x")["y"]
        for units_, place, value in zip(SHOWN_UNITS, (0, 1, 2, -1), shown, strict=True):
            accuracy = points[place]
            rows.append((k, units_, accuracy, accuracy**k, value, value / accuracy**k))
    return pl.DataFrame(rows, schema=["k", "units", "accuracy", "power", "printed", "ratio"], orient="row")


def higher_choices(sizes: np.ndarray, values: np.ndarray) -> tuple[int, int]:
    """Count the choices of four sizes that score higher than the published choice: the first three and the last.

    Parameters
    ----------
    sizes, values : (n,) sizes, ascending, and their scores

    Returns
    -------
    How many score higher, and how many choices there are.

    >>> higher_choices(np.array([1, 2, 3, 4, 5]), np.array([0.0, 0.0, 0.1, 0.5, 1.0]))
    (0, 5)
    """
    found = {four: emergence.score(sizes[list(four)], values[list(four)]) for four in combinations(range(len(sizes)), 4)}
    chosen = found[(0, 1, 2, len(sizes) - 1)]
    return sum(score > chosen for score in found.values()), len(found)


@cache
def rises(only: tuple[int, ...] = ()) -> float:
    """In what share of the redrawn families the score at K = 10 is above that at K = 1; the same seeds for both.

    >>> 0 <= rises() <= 1
    True
    """
    low, high = (emergence.scores(curve(networks(), k, only).draws) for k in (KS[0], KS[-1]))
    return float((high > low).mean())


@cache
def distances() -> pl.DataFrame:
    """Shape distance of our curves to grounded mappings.

    Returns
    -------
    Frame with ``curve, k, sizes, distance, low, high``, the interval over seeds, and ``nearer``: in what share
    of the draws it is nearer than accuracy on the same four sizes.
    """
    theirs = published().filter(pl.col("curve") == "grounded mappings")
    x, y = theirs["x"].to_numpy(), theirs["y"].to_numpy()
    rows, base = [], None
    for k, only in ((1, ()), (1, SHOWN_UNITS), *((k, SHOWN_UNITS) for k in SHOWN_K), *((k, ()) for k in SHOWN_K)):
        one = curve(networks(), k, only, draws=300)
        again = np.array([seeds.distance(one.sizes, row, x, y) for row in one.draws if np.ptp(row)])
        base = again if (k, only) == (1, SHOWN_UNITS) else base
        row = {"curve": "accuracy" if k == 1 else f"all of {k} right", "k": k, "sizes": len(one.sizes)}
        row |= {"distance": seeds.distance(one.sizes, one.values, x, y), "low": float(np.quantile(again, 0.025))}
        row |= {"high": float(np.quantile(again, 0.975))}
        row |= {"nearer": float((again < base).mean()) if k > 1 and only else None}
        rows.append(row)
    return pl.DataFrame(rows, schema_overrides={"nearer": pl.Float64})


@registry.test
def vision_new() -> Verdict:
    return Verdict("cannot be tested here", "A statement about what had been published by 2023; no run can settle it.")


@registry.test
def lenet_smooth() -> Verdict:
    row = judged().row(0, named=True)
    verdict = registry.grade(row["score"] <= row["null_high"], row["p"] >= 0.05)
    return Verdict(
        verdict,
        f"Mean accuracy of {row['models']} sizes scores {row['score']:.1f} (95 % over seeds {row['low']:.1f} to {row['high']:.1f}); one smooth "
        f"curve in twenty scores above {row['null_high']:.1f}. Test for a break: {registry.p_in_words(row['p'])}. Single seeds are another "
        f"matter: {dead_share():.0%} of the networks with up to eight hidden units give all pictures the same answer.",
    )


def dead_share(up_to: int = 8) -> float:
    """Share of the frozen networks with at most so many hidden units that give every picture one answer."""
    told = units(said(registry.frozen("vision-lenet")))
    return float(told.filter(pl.col("units") <= up_to)["dead"].mean())


@registry.test
def lenet_subset_sharp() -> Verdict:
    table = judged()
    first, last = table["score"][0], table["score"][-1]
    above = table.filter((pl.col("k") > 1) & (pl.col("score") > pl.col("null_high")))["k"].to_list()
    named = ", ".join(str(k) for k in above) or "none"
    return Verdict(
        registry.grade(last > first, bool(above)),
        f"The score goes from {first:.1f} at K = 1 to {last:.1f} at K = 10 (95 % over seeds {table['low'][-1]:.1f} to {table['high'][-1]:.1f}; a straight line "
        f"scores {table['straight'][-1]:.1f}, one smooth curve in twenty above {table['null_high'][-1]:.1f}). K with a score above the null: {named}. Test for a "
        f"break at K = 10: {registry.p_in_words(table['p'][-1])} with even noise, {registry.p_in_words(table['p_own_noise'][-1])} with each size's own. "
        f"The score rises in {rises():.0%} of the families with redrawn seeds; on the four sizes that the paper shows, in {rises(SHOWN_UNITS):.0%}.",
    )


@registry.test
def lenet_sparse() -> Verdict:
    both = judged(SHOWN_UNITS).join(judged(), on="k", suffix="_all").filter(pl.col("k").is_in(SHOWN_K))
    higher = (both["score"] > both["score_all"]).to_list()
    each = "; ".join(
        f"K = {r['k']}: {r['score']:.1f} on 4, {r['score_all']:.1f} on 14 (a straight line: {r['straight']:.1f} and {r['straight_all']:.1f})"
        for r in both.iter_rows(named=True)
    )
    return Verdict(registry.grade(*higher), f"Emergence score of our means over seeds. {each}.")


@registry.test
def lenet_like_grounded_mappings() -> Verdict:
    table = distances()
    whole, four = table["distance"][0], table["distance"][1]
    ours = table.filter(pl.col("nearer").is_not_null())
    nearer = (ours["distance"] < min(whole, four)).to_list()
    each = ", ".join(f"K = {r['k']} {r['distance']:.2f}" for r in ours.iter_rows(named=True))
    return Verdict(
        registry.grade(*nearer),
        f"Shape distance to grounded mappings on the four sizes: {each}; accuracy on the same four {four:.2f}, on all 14 "
        f"{whole:.2f}. Where seeds are redrawn, subset accuracy is nearer than accuracy on the same four in "
        f"{ours['nearer'].min():.0%} of the draws at the least. Four points that end high have little shape to differ in.",
    )
