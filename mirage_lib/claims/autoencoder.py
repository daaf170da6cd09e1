"""Section 5 and Fig. 7: autoencoders that copy pictures, and the share of pictures copied within a threshold c.

The rules in the ledger were written before any of the frozen errors was seen; the published points, and the
errors of three networks trained for a minute, were known.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

import numpy as np
import polars as pl

from mirage_lib import breaks, emergence, metrics, outputs
from mirage_lib.analyses import seeds
from mirage_lib.claims import registry
from mirage_lib.claims.registry import Verdict

NAME = "vision-autoencoder-photographs"
THRESHOLDS = (
    0.001, 0.0015, 0.002, 0.003, 0.004, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.04, 0.05, 0.07, 0.1, 0.15,
    0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0,
)  # fmt: skip
"""Twenty-four values of c, as many as the published figure's markers suggest were tried; which is not told."""
PUBLISHED = (0.003, 0.004)
"""The two thresholds that the paper shows."""


def errors(table: pl.DataFrame) -> pl.DataFrame:
    """Mean squared error of every network.

    Returns
    -------
    Frame with ``model, n_params, seed, estimate, n``.

    >>> rows = {"model": "bottleneck 1", "n_params": 9, "seed": 0, "squared_error": [0.1, 0.3]}
    >>> errors(pl.DataFrame(rows)).select("estimate", "n").row(0)
    (0.2, 2)
    """
    score = metrics.get("squared_error").score(table).cast(pl.Float64).alias("estimate")
    means = table.with_columns(score).group_by("model", "n_params", "seed").agg(pl.col("estimate").mean(), n=pl.len())
    return means.sort("n_params", "seed")


def within(table: pl.DataFrame, thresholds: Iterable[float] = THRESHOLDS) -> pl.DataFrame:
    """Share of the pictures that every network reconstructs within each threshold.

    Errors are sorted once for each network; then a share is the place of the threshold among them, which equals the
    mean of :func:`mirage_lib.metrics.vision.reconstruction_within`.

    Returns
    -------
    Frame with ``model, n_params, seed, c, estimate, n``.

    >>> rows = {"model": "bottleneck 1", "n_params": 9, "seed": 0, "squared_error": [0.1, 0.3]}
    >>> within(pl.DataFrame(rows), (0.1, 0.2, 1.0))["estimate"].to_list()
    [0.0, 0.5, 1.0]
    """
    outputs.require(table, ("model", "n_params", "seed", "squared_error"), "outputs to count reconstructions in")
    rows = []
    for (model, size, seed), part in table.group_by("model", "n_params", "seed", maintain_order=True):
        ranked = np.sort(part["squared_error"].to_numpy())
        for c in thresholds:
            below = np.searchsorted(ranked, np.asarray(c, dtype=ranked.dtype), side="left")
            rows.append((model, size, seed, float(c), below / len(ranked), len(ranked)))
    return pl.DataFrame(rows, schema=["model", "n_params", "seed", "c", "estimate", "n"], orient="row").sort("c", "n_params", "seed")


def judged(networks: pl.DataFrame) -> pl.DataFrame:
    """Judge the fraction within c for every threshold of a table from :func:`within`.

    Returns
    -------
    Frame with ``c, models, smallest, largest`` (fractions of the smallest and the largest networks), ``half`` (of
    :func:`seeds.half_way`) and the entries of :func:`seeds.judge`.
    """
    rows = []
    for c in sorted(networks["c"].unique()):
        one = seeds.curve(networks.filter(pl.col("c") == c))
        row = {"c": c, "models": len(one.sizes), "smallest": float(one.values[0]), "largest": float(one.values[-1])}
        rows.append(row | {"half": seeds.half_way(one.sizes, one.values)} | seeds.judge(one))
    return pl.DataFrame(rows, infer_schema_length=None)


def minus_error(networks: pl.DataFrame, log: bool = False) -> seeds.Curve:
    """The curve of minus the mean error, or of minus the logarithm of it, so that up is better."""
    one = seeds.curve(networks)
    if log:
        return seeds.Curve(one.sizes, -np.log(one.values), -np.log(one.draws))
    return seeds.Curve(one.sizes, -one.values, -one.draws)


def reaching(table: pl.DataFrame, share: float) -> float:
    """The threshold within which the largest networks, over all their seeds, reconstruct a share of the pictures.

    Raises
    ------
    ValueError
        If the share is not between 0 and 1.

    >>> rows = {"n_params": [9] * 5, "squared_error": [0.1, 0.2, 0.3, 0.4, 0.5]}
    >>> reaching(pl.DataFrame(rows), 0.5)
    0.3
    """
    if not 0 < share < 1:
        raise ValueError(f"a share of {share}: it has to lie between 0 and 1")
    largest = table.filter(pl.col("n_params") == pl.col("n_params").max())
    return float(np.quantile(largest["squared_error"].to_numpy().astype(float), share))


def photograph(table: pl.DataFrame) -> pl.DataFrame:
    """Add ``photograph``: of the stand-in's two scenes, from which a test piece was cut. They take turns.

    >>> photograph(pl.DataFrame({"item": ["00000", "00001"]}))["photograph"].to_list()
    ['buildings', 'flower']
    """
    odd = pl.col("item").cast(pl.Int64) % 2 == 1
    return table.with_columns(photograph=pl.when(odd).then(pl.lit("flower")).otherwise(pl.lit("buildings")))


@cache
def published() -> pl.DataFrame:
    """Digitised points of Fig. 7: ``curve, x, y``; readings a hair below zero are zero.

    >>> published()["curve"].n_unique()
    4
    """
    table = outputs.load_table("vision-published").filter(pl.col("panel").str.starts_with("7"))
    return table.select("curve", "x", pl.col("y").clip(0, None))


def published_curve(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Sizes and values of one published curve of Fig. 7, ascending.

    >>> len(published_curve("periodic elements")[0])
    12
    """
    part = published().filter(pl.col("curve") == name).sort("x")
    return part["x"].to_numpy(), part["y"].to_numpy()


@cache
def ours() -> pl.DataFrame:
    """Mean error of every frozen network; see :func:`errors`."""
    return errors(registry.frozen(NAME))


@cache
def chosen() -> tuple[float, float]:
    """The two c of ours that answer to the published ones: the largest networks reach the published fractions."""
    low, high = (reaching(registry.frozen(NAME), published_curve(f"autoencoder within {c}")[1][-1]) for c in PUBLISHED)
    return low, high


@cache
def by_threshold() -> pl.DataFrame:
    """Judge our frozen networks at all of :data:`THRESHOLDS` and at :func:`chosen`; see :func:`judged`."""
    return judged(within(registry.frozen(NAME), sorted({*THRESHOLDS, *chosen()})))


@cache
def error_breaks() -> dict[str, breaks.Break]:
    """Test for a break: minus our error and its logarithm, and the published error, whose noise is its scatter."""
    x, y = published_curve("autoencoder error")
    raw, log = minus_error(ours()), minus_error(ours(), log=True)
    return {
        "ours": breaks.find(np.log(raw.sizes), raw.values, raw.even),
        "ours, logarithm": breaks.find(np.log(log.sizes), log.values, log.even),
        "published": breaks.find(np.log(x), -y),
        "published, logarithm": breaks.find(np.log(x), -np.log(y)),
    }


@cache
def distances() -> pl.DataFrame:
    """Shape distance to periodic elements: of minus our error, of its logarithm, and of the fraction at every c.

    Returns
    -------
    Frame with ``curve, c`` (missing for the error) ``, distance, low, high``, the interval over seeds.
    """
    x, y = published_curve("periodic elements")
    one = {("minus the mean error", None): minus_error(ours()), ("minus its logarithm", None): minus_error(ours(), log=True)}
    fractions = within(registry.frozen(NAME), sorted({*THRESHOLDS, *chosen()}))
    for (c,), part in fractions.group_by("c", maintain_order=True):
        one["fraction within c", c] = seeds.curve(part)
    rows = []
    for (name, c), shape in one.items():
        if np.ptp(shape.values) > 0:
            again = [seeds.distance(shape.sizes, row, x, y) for row in shape.draws[:200] if np.ptp(row)]
            low, high = np.quantile(again, (0.025, 0.975))
            rows.append((name, c, seeds.distance(shape.sizes, shape.values, x, y), float(low), float(high)))
    return pl.DataFrame(rows, schema=["curve", "c", "distance", "low", "high"], orient="row", infer_schema_length=None)


@registry.test
def autoencoder_smooth() -> Verdict:
    one, found = minus_error(ours()), error_breaks()
    rises = int((np.diff(one.values) <= 0).sum())
    verdict = registry.grade(found["ours, logarithm"].p >= 0.05, rises == 0)
    said = "; ".join(f"{name}: {registry.p_in_words(result.p)}" for name, result in found.items())
    return Verdict(
        verdict,
        f"Mean error of {len(one.sizes)} bottlenecks goes from {-one.values[0]:.2f} to {-one.values[-1]:.3f}; steps at which it does not fall: {rises}. "
        f"Test for a break. {said}. The pictures are pieces of two photographs, not CIFAR-100, on which it has not been run.",
    )


@registry.test
def autoencoder_threshold_sharp() -> Verdict:
    table = by_threshold()
    base = seeds.judge(minus_error(ours()))["score"]
    sharp = (pl.col("score") > pl.col("null_high")) & (pl.col("score") > base)
    marked = table.with_columns(sharp=sharp)
    asked = marked.filter(pl.col("c").is_in([*PUBLISHED, *chosen()])).sort("c")
    rest = marked.filter(pl.col("c").is_in(THRESHOLDS))
    each = "; ".join(
        f"c = {r['c']:.3g}: {r['score']:.1f} (null, 95 %: {r['null_high']:.1f}), fraction up to {r['largest']:.2g}" for r in asked.iter_rows(named=True)
    )
    return Verdict(
        registry.grade(*asked["sharp"].to_list()),
        f"Emergence score of the fraction within c. {each}. Minus the mean error scores {base:.1f}; a score is infinite where most steps are exactly zero. Of {rest.height} values of c from "
        f"{THRESHOLDS[0]:g} to {THRESHOLDS[-1]:g}, {int(rest['sharp'].sum())} are above both; the test for a break finds {int((rest['p'] < 0.05).sum())} broken "
        "(p below 0.05, even noise, not corrected for their number). Pictures: pieces of two photographs.",
    )


@registry.test
def autoencoder_like_periodic_elements() -> Verdict:
    table = distances()
    error, log = table["distance"][0], table["distance"][1]
    fractions = table.filter(pl.col("c").is_not_null())
    asked = fractions.filter(pl.col("c").is_in(chosen())).sort("c")
    nearer = fractions.filter(pl.col("distance") < min(error, log)).height
    each = ", ".join(f"{r['distance']:.2f} at c = {r['c']:.3g}" for r in asked.iter_rows(named=True))
    return Verdict(
        registry.grade(*(asked["distance"] < min(error, log)).to_list()),
        f"Shape distance to periodic elements: {each}; minus the mean error {error:.2f}, minus its logarithm {log:.2f}. Nearer than both are "
        f"{nearer} of {fractions.height} thresholds. Periodic elements is zero eight times of twelve and rises at the last points: any late riser is near it.",
    )
