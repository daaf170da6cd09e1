"""Subsets: how often K pictures are all named right, over all choices of K from a test set.

The paper defines an ability of a convolutional network as naming K pictures right at once. Drawing subsets
at random would add noise for nothing: with r of n pictures right, the share of all-right subsets of K is
C(r, K) / C(n, K) exactly.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from mirage_lib import metrics
from mirage_lib.outputs import require


def subset_accuracy(right: np.ndarray, n: int, k: int) -> np.ndarray:
    """Return the share of the subsets of ``k`` of ``n`` pictures that hold only right ones.

    Parameters
    ----------
    right : numbers of pictures named right, any shape
    n : pictures in the test set
    k : size of a subset

    Raises
    ------
    ValueError
        If ``k`` is not from 1 to ``n``, or a number of right ones not from 0 to ``n``.

    Source: Appendix B of the paper (Fig. 11C), with all subsets in the place of a sample.

    >>> subset_accuracy(np.array([3, 1]), n=4, k=2).tolist()
    [0.5, 0.0]
    """
    right = np.asarray(right, dtype=float)
    if not 1 <= k <= n:
        raise ValueError(f"k is {k}: a subset of {n} pictures has from 1 to {n}")
    if (right < 0).any() or (right > n).any():
        raise ValueError(f"{right.max():g} of {n} pictures right: from 0 to {n} are possible")
    share = np.ones_like(right)
    for drawn in range(k):  # one picture after the other, without putting any back
        share *= np.clip(right - drawn, 0, None) / (n - drawn)
    return share


def by_network(outputs: pl.DataFrame, sizes: Iterable[int]) -> pl.DataFrame:
    """Subset accuracy of every network, at several sizes of a subset.

    Returns
    -------
    Frame with ``model, n_params, seed, k, estimate, n``.

    Raises
    ------
    OutputsError
        If a column is missing.

    >>> one = {"model": "m", "n_params": 9, "seed": 0, "label": [1, 2], "predicted": [1, 3]}
    >>> by_network(pl.DataFrame(one), (1, 2))["estimate"].to_list()
    [0.5, 0.0]
    """
    require(outputs, ("model", "n_params", "seed", "label", "predicted"), "outputs to draw subsets of")
    right = outputs.select("model", "n_params", "seed", metrics.get("picture_accuracy").score(outputs).alias("right"))
    # By numbers: grouping a million names takes hundreds of megabytes. A size has one name.
    counts = right.group_by("n_params", "seed").agg(pl.col("model").first(), pl.col("right").sum(), n=pl.len())
    counts = counts.sort("n_params", "seed")
    tables = []
    for k in sizes:
        shares = [subset_accuracy(np.array([r]), n, k)[0] for r, n in zip(counts["right"], counts["n"], strict=True)]
        tables.append(counts.select("model", "n_params", "seed", pl.lit(k).alias("k"), pl.Series("estimate", shares), "n"))
    return pl.concat(tables)


def over_seeds(networks: pl.DataFrame, draws: int = 2000, seed: int = 0) -> pl.DataFrame:
    """Average networks of one size over their seeds, with an interval of 95 % over seeds.

    A draw takes one seed fewer than there are, with replacement, as :mod:`mirage_lib.replicates` does: with as
    many the interval would be too narrow. A size with one seed has no interval.

    Parameters
    ----------
    networks : frame
        With ``model, n_params, seed, estimate`` and any columns that tell curves apart.

    Returns
    -------
    Frame with those columns, ``n_params, estimate, low, high, seeds, least, most``, the last two over seeds.

    >>> rows = {"model": "m", "n_params": 9, "seed": [0, 1], "k": 1, "estimate": [0.2, 0.4]}
    >>> over_seeds(pl.DataFrame(rows)).select("estimate", "seeds").rows()
    [(0.30000000000000004, 2)]
    """
    by = [name for name in networks.columns if name not in ("seed", "estimate", "n")]
    rng = np.random.default_rng(seed)
    rows = []
    for key, part in networks.group_by(*by, maintain_order=True):
        values = part["estimate"].to_numpy()
        low = high = None
        if len(values) > 1:
            drawn = rng.choice(values, (draws, len(values) - 1)).mean(axis=1)
            low, high = (float(end) for end in np.quantile(drawn, (0.025, 0.975)))
        rows.append((*key, float(values.mean()), low, high, len(values), float(values.min()), float(values.max())))
    names = [*by, "estimate", "low", "high", "seeds", "least", "most"]
    return pl.DataFrame(rows, schema=names, orient="row", infer_schema_length=None)
