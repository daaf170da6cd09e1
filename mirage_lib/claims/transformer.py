"""Section 5 and Fig. 8: transformers that read characters from five examples, and L pictures right at once.

The rules in the ledger were written when the accuracies of our networks were known, seed by seed, but none of
their scores, breaks, ratios or distances.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl

from mirage_lib import emergence, outputs, subsets
from mirage_lib.analyses import seeds
from mirage_lib.claims import registry, vision
from mirage_lib.claims.registry import Verdict

LENGTHS = (1, 2, 3, 4, 5)
SHOWN = 3
"""The L of the published figure."""
CHANCE = 0.2
FROZEN = "vision-transformer"


def by_network(table: pl.DataFrame, lengths: tuple[int, ...] = LENGTHS) -> pl.DataFrame:
    """How often L of an episode's queries are all right, over all choices of L, for every network.

    L = 1 is the accuracy of one picture.

    Returns
    -------
    Frame with ``model, n_params, seed, k`` (the L), ``estimate, n``, the last in episodes.

    >>> one = {"model": "m", "n_params": 9, "seed": 0, "correct": [[True, True], [True, False]]}
    >>> by_network(pl.DataFrame(one), (1, 2))["estimate"].to_list()
    [0.75, 0.5]
    """
    asked = table["correct"].list.len().max()
    right = table.select("model", "n_params", "seed", right=pl.col("correct").list.sum())
    rows = []
    for (model, size, seed), part in right.group_by("model", "n_params", "seed"):
        for length in lengths:
            share = subsets.subset_accuracy(part["right"].to_numpy(), asked, length)
            rows.append((model, size, seed, length, float(share.mean()), part.height))
    names = ["model", "n_params", "seed", "k", "estimate", "n"]
    return pl.DataFrame(rows, schema=names, orient="row").sort("k", "n_params", "seed")


@cache
def networks() -> pl.DataFrame:
    """Every frozen network at :data:`LENGTHS`; see :func:`by_network`."""
    return by_network(registry.frozen(FROZEN))


@cache
def judged() -> pl.DataFrame:
    """Score, smooth null and break of our frozen family for each L, in ``k``; see :func:`vision.judged`."""
    return vision.judge_all(networks())


def cube(part: pl.DataFrame) -> np.ndarray:
    """Right and wrong of the networks of one size: (seeds, episodes, queries), the same episodes for all."""
    seeds = part.sort("seed", "item").partition_by("seed", maintain_order=True)
    return np.stack([np.array(one["correct"].to_list(), dtype=float) for one in seeds])


def ratios(table: pl.DataFrame, lengths: tuple[int, ...] = LENGTHS[1:], draws: int = 400, seed: int = 0) -> pl.DataFrame:
    """Set the share of episodes with L right against the power L of the same network's accuracy.

    Each network has its own power; only then seeds are averaged, so seeds that differ make no ratio above 1.
    An interval draws seeds (one fewer than there are, unless there is one) and episodes, the same episodes for
    every seed.

    Returns
    -------
    Frame with ``n_params, k`` (the L), ``accuracy, observed, power, ratio, low, high``.

    >>> rows = {"n_params": 9, "seed": 0, "item": ["a", "b"], "correct": [[True, True], [False, False]]}
    >>> ratios(pl.DataFrame(rows), (2,), draws=9).select("observed", "power", "ratio").row(0)
    (0.5, 0.25, 2.0)
    """
    rng = np.random.default_rng(seed)
    rows = []
    for (size,), part in table.sort("n_params").group_by("n_params", maintain_order=True):
        right = cube(part)
        seeds, episodes, asked = right.shape
        counts = right.sum(axis=2).astype(int)
        of = np.stack([counts == k for k in range(asked + 1)], axis=2).astype(float)  # seeds, episodes, bins
        weights = rng.multinomial(episodes, np.full(episodes, 1 / episodes), draws) / episodes
        again = np.einsum("de,seb->dsb", weights, of, optimize=True)
        drawn = rng.integers(0, seeds, (draws, max(1, seeds - 1)))
        again = np.take_along_axis(again, drawn[:, :, None], axis=1)
        bins = np.arange(asked + 1)
        accuracy = of.mean(axis=1) @ bins / asked
        for length in lengths:
            share = subsets.subset_accuracy(bins, asked, length)
            observed, power = float((of.mean(axis=1) @ share).mean()), float((accuracy**length).mean())
            some = (again @ share).mean(axis=1) / ((again @ bins / asked) ** length).mean(axis=1)
            low, high = np.quantile(some, (0.025, 0.975))
            rows.append((size, length, float(accuracy.mean()), observed, power, observed / power, float(low), float(high)))
    names = ["n_params", "k", "accuracy", "observed", "power", "ratio", "low", "high"]
    return pl.DataFrame(rows, schema=names, orient="row")


def lumps(table: pl.DataFrame) -> pl.DataFrame:
    """How strongly the errors of an episode come together, and whether other seeds see the same.

    Returns
    -------
    Frame with ``n_params, accuracy, excess`` (variance of right answers an episode over that of independent
    ones), ``rho`` (mean correlation of two queries of an episode, within networks), ``shared`` (the covariance
    of a query in one network with another query in a network of another seed, over that within networks: 1 if
    all lies in the episode itself; missing with one seed or where rho is below 0.02), ``all_right``, its
    ``power`` and ``beta``: what a beta-binomial distribution with the same accuracy and correlation gives.

    >>> rows = {"n_params": 9, "seed": 0, "item": ["a", "b"], "correct": [[True, True], [False, False]]}
    >>> lumps(pl.DataFrame(rows)).select("excess", "rho").row(0)
    (2.0, 1.0)
    """
    rows = []
    for (size,), part in table.sort("n_params").group_by("n_params", maintain_order=True):
        right = cube(part)
        seeds, episodes, asked = right.shape
        p = right.mean(axis=(1, 2), keepdims=True)
        off = right - p
        spread = (off**2).mean(axis=(1, 2))
        sums = off.sum(axis=2)
        within = ((sums**2).mean(axis=1) - asked * spread) / (asked * (asked - 1))
        across = np.array([
            ((sums[a] * sums[b]).mean() - (off[a] * off[b]).sum(axis=1).mean()) / (asked * (asked - 1))
            for a in range(seeds) for b in range(a)
        ])  # fmt: skip
        rho = float((within / spread).mean())
        excess = float(((sums**2).mean(axis=1) / (asked * spread)).mean())
        shared = float(across.mean() / within.mean()) if seeds > 1 and rho > 0.02 else None
        chance = float(p.mean())
        beta = float(np.mean([all_right(one, r, asked) for one, r in zip(p.ravel(), within / spread, strict=True)]))
        observed = float((right.sum(axis=2) == asked).mean())
        rows.append((size, chance, excess, rho, shared, observed, float((p**asked).mean()), beta))
    names = ["n_params", "accuracy", "excess", "rho", "shared", "all_right", "power", "beta"]
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)


def all_right(p: float, rho: float, length: int) -> float:
    """Chance of ``length`` right answers if accuracy differs between episodes by a beta distribution.

    Parameters
    ----------
    p, rho : mean accuracy, and correlation of two answers of an episode; below 0 it counts as 0

    >>> round(all_right(0.5, 0.0, 3), 3), round(all_right(0.5, 1 / 3, 3), 3)
    (0.125, 0.25)
    """
    rho = max(rho, 0.0)
    value = 1.0
    for i in range(length):
        value *= (p * (1 - rho) + i * rho) / (1 - rho + i * rho)
    return value


def leaps(table: pl.DataFrame) -> pl.DataFrame:
    """The largest step of each seed from one size to the next, at one L.

    Parameters
    ----------
    table : frame
        ``n_params, seed, estimate``.

    Returns
    -------
    Frame with ``seed, below, above`` (sizes), ``step`` and ``share`` of the climb from first to last size.

    >>> some = pl.DataFrame({"n_params": [1, 2, 3], "seed": [0] * 3, "estimate": [0.2, 0.25, 0.7]})
    >>> leaps(some).select("below", "above", "share").row(0)
    (2, 3, 0.9)
    """
    rows = []
    for (seed,), part in table.sort("n_params").group_by("seed", maintain_order=True):
        values, sizes = part["estimate"].to_numpy(), part["n_params"].to_list()
        k = int(np.diff(values).argmax())
        step = float(values[k + 1] - values[k])
        rows.append((seed, sizes[k], sizes[k + 1], step, step / float(values[-1] - values[0])))
    return pl.DataFrame(rows, schema=["seed", "below", "above", "step", "share"], orient="row").sort("seed")


@cache
def published() -> pl.DataFrame:
    """Digitised points of Fig. 8: ``curve, x, y``; the sizes of the transformers cannot be read off.

    >>> sorted(published()["curve"].unique())
    ['MMLU', 'transformer 3 correct', 'transformer accuracy']
    """
    return outputs.load_table("vision-published").filter(pl.col("panel").str.starts_with("8")).select("curve", "x", "y")


def published_powers() -> pl.DataFrame:
    """Set the published share with three right against the third power of the published accuracy.

    Sizes cannot be read off, so accuracies and shares are matched by the order of their heights.

    Returns
    -------
    Frame with ``accuracy, power, printed, ratio, mixture``, the lowest network first. ``mixture`` is what an
    average over networks would have of which some are at chance and the others as good as the best one, with
    independent errors in each; missing where accuracy is below chance.

    >>> published_powers().height
    6
    """
    accuracy, printed = (
        published().filter(pl.col("curve") == name)["y"].sort().to_list()
        for name in ("transformer accuracy", "transformer 3 correct")
    )
    best = max(accuracy)
    rows = []
    for p, y in zip(accuracy, printed, strict=True):
        share = (p - CHANCE) / (best - CHANCE)
        mixed = share * best**SHOWN + (1 - share) * CHANCE**SHOWN
        rows.append((p, p**SHOWN, y, y / p**SHOWN, mixed if share > 0 else None))
    names = ["accuracy", "power", "printed", "ratio", "mixture"]
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)


def published_score(curve: str) -> float:
    """Emergence score of a published curve; of the transformers in the order of heights, sizes being unknown.

    The second and third of their six runs share a size, so these are averaged.

    >>> round(published_score("MMLU"), 1)
    10.0
    """
    ys = published().filter(pl.col("curve") == curve)
    if curve == "MMLU":
        return emergence.score(ys["x"].to_numpy(), ys["y"].to_numpy())
    values = np.sort(ys["y"].to_numpy())
    values = np.array([values[0], values[1:3].mean(), *values[3:]])
    return emergence.score(np.arange(1, len(values) + 1), values)


@cache
def distances() -> pl.DataFrame:
    """Shape distance to MMLU's published curve, for each L; see :func:`seeds.distance`.

    Returns
    -------
    Frame with ``k`` (the L), ``distance, low, high`` (95 % over seeds) and ``nearer``: in what share of the
    draws it is nearer than the accuracy of one picture.
    """
    theirs = published().filter(pl.col("curve") == "MMLU").sort("x")
    x, y = theirs["x"].to_numpy(), theirs["y"].to_numpy()
    rows, base = [], None
    for k in LENGTHS:
        one = vision.curve(networks(), k, draws=300)
        again = np.array([seeds.distance(one.sizes, row, x, y) for row in one.draws])
        base = again if k == 1 else base
        low, high = np.quantile(again, (0.025, 0.975))
        nearer = float((again < base).mean()) if k > 1 else None
        rows.append((k, seeds.distance(one.sizes, one.values, x, y), float(low), float(high), nearer))
    return pl.DataFrame(rows, schema=["k", "distance", "low", "high", "nearer"], orient="row", infer_schema_length=None)


@registry.test
def transformer_smooth() -> Verdict:
    means = subsets.over_seeds(networks().filter(pl.col("k") == 1)).sort("n_params")
    falls = sum(
        means["high"][j] < means["low"][i] for i in range(means.height) for j in range(i + 1, means.height)
    )
    rises = falls == 0 and means["low"][-1] > means["high"][0]
    row = judged().row(0, named=True)
    leap = leaps(networks().filter(pl.col("k") == 1))
    return Verdict(
        registry.grade(rises, row["p"] >= 0.05),
        f"Accuracy of one picture, mean over {means['seeds'][0]} seeds, goes from {means['estimate'][0]:.2f} to {means['estimate'][-1]:.2f} on {means.height} sizes; "
        f"pairs of sizes of which the larger is surely lower: {falls}. Test for a break: {registry.p_in_words(row['p'])} (with each size's own noise "
        f"{registry.p_in_words(row['p_own_noise'])}); score {row['score']:.1f}, one smooth "
        f"curve in twenty above {row['null_high']:.1f}. From {leap['below'].min():,} to {leap['above'].max():,} parameters each seed makes its largest step, "
        f"{leap['share'].min():.0%} to {leap['share'].max():.0%} of the whole climb. The test knows no shape that is flat, leaps and then "
        "climbs on, so its verdict on such a curve says little.",
    )


@registry.test
def transformer_all_correct_sharp() -> Verdict:
    table = judged()
    one, shown = (table.row(by_predicate=pl.col("k") == k, named=True) for k in (1, SHOWN))
    return Verdict(
        registry.grade(shown["score"] > one["score"], shown["score"] > shown["null_high"]),
        f"At L = {SHOWN} the score is {shown['score']:.1f} (95 % over seeds {shown['low']:.1f} to {shown['high']:.1f}; one smooth curve in twenty scores above "
        f"{shown['null_high']:.1f}); that of one picture is {one['score']:.1f} ({one['low']:.1f} to {one['high']:.1f}), at L = 5 it is {table['score'][-1]:.1f}. "
        f"Test for a break: {registry.p_in_words(one['p'])} for one picture, {registry.p_in_words(shown['p'])} for {SHOWN}.",
    )


@registry.test
def transformer_like_mmlu() -> Verdict:
    table = distances()
    one, shown = (table.row(by_predicate=pl.col("k") == k, named=True) for k in (1, SHOWN))
    near = shown["distance"] < one["distance"]
    return Verdict(
        registry.grade(near, near and shown["nearer"] >= 0.95),
        f"Shape distance to MMLU's four points: one picture {one['distance']:.2f}, {SHOWN} right {shown['distance']:.2f} (nearer in {shown['nearer']:.0%} of the "
        f"redrawn families), 5 right {table['distance'][-1]:.2f}; 0 is the same shape.",
    )
