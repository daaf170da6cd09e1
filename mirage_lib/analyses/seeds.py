"""Seeds: one curve over sizes whose seeds are drawn again, and what is judged of it.

For families whose networks are told apart by size and seed alone, each with one number. What text models say is drawn
again by :mod:`mirage_lib.replicates`, which knows problems, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from mirage_lib import breaks, emergence

DRAWS = 1000
LEAST_NOISE = 1e-6
"""Standard error of a mean where seeds agree perfectly, as they do where nothing is ever right."""


@dataclass(frozen=True)
class Curve:
    """A curve over sizes with whole curves redrawn from its seeds.

    Attributes
    ----------
    sizes, values : (n,) numbers of parameters, ascending, and means over seeds
    draws : (draws, n) the same means with seeds drawn again at each size
    """

    sizes: np.ndarray
    values: np.ndarray
    draws: np.ndarray

    @property
    def noise(self) -> np.ndarray:
        """Standard error of each mean; never zero."""
        return np.maximum(self.draws.std(axis=0), LEAST_NOISE)

    @property
    def even(self) -> float:
        """One standard error for all sizes, the root mean square."""
        return float(np.sqrt(np.mean(self.noise**2)))


def curve(networks: pl.DataFrame, draws: int = DRAWS, seed: int = 0) -> Curve:
    """Average networks over seeds, and redraw the seeds of every size.

    A draw takes one seed fewer than there are, as :func:`mirage_lib.subsets.over_seeds` does. Sizes may differ in
    their number of seeds; one with a single seed does not vary.

    Parameters
    ----------
    networks : frame
        With ``n_params, seed, estimate``, a row a network.

    Raises
    ------
    ValueError
        If there is no network.

    >>> curve(pl.DataFrame({"n_params": [9, 9], "seed": [0, 1], "estimate": [0.2, 0.4]}), draws=5).draws.shape
    (5, 1)
    """
    if networks.is_empty():
        raise ValueError("no network is left to make a curve of: look at what was filtered")
    parts = networks.sort("n_params", "seed").partition_by("n_params", maintain_order=True)
    groups = [part["estimate"].to_numpy() for part in parts]
    rng = np.random.default_rng(seed)
    again = [rng.choice(v, (draws, max(len(v) - 1, 1))).mean(axis=1) for v in groups]
    sizes = np.array([part["n_params"][0] for part in parts], dtype=float)
    return Curve(sizes, np.array([v.mean() for v in groups]), np.stack(again, axis=1))


def judge(one: Curve, draws: int = 300) -> dict[str, Any]:
    """Score one curve, up being better: the published score, its smooth null, and the test for a break.

    The null is a straight line in the logarithm of size with the noise of each size; see :func:`emergence.null_scores`.
    The test for a break takes the same noise at all sizes, the root mean square: where nothing is ever right, seeds do not
    differ, and such a size would outweigh all others. ``p_own_noise`` has the noise of each size. Where there are too few
    sizes for the test, its entries are missing.

    Returns
    -------
    ``score, low, high`` (95 % over seeds)``, straight, null_high, exceedance, broken, at, gain, p, p_own_noise``.
    """
    value = emergence.score(one.sizes, one.values)
    low, high = np.quantile(emergence.scores(one.draws), (0.025, 0.975), method="lower")
    null = emergence.null_scores(one.sizes, one.values, one.noise)
    straight = emergence.null_scores(one.sizes, one.values, np.zeros(len(one.sizes)), 1)[0]
    row: dict[str, Any] = {"score": value, "low": float(low), "high": float(high), "straight": float(straight)}
    row |= {"null_high": float(np.quantile(null, 0.95)), "exceedance": emergence.exceedance(value, null)}
    if len(one.sizes) >= breaks.LEAST:
        found = breaks.find(np.log(one.sizes), one.values, one.even, draws=draws)
        row |= {"broken": found.broken, "at": float(np.exp(found.at)), "gain": found.gain, "p": found.p}
        row |= {"p_own_noise": breaks.find(np.log(one.sizes), one.values, one.noise, draws=draws).p}
    return row


def half_way(sizes: np.ndarray, values: np.ndarray) -> float | None:
    """Size at which a curve first stands half way between its first and its last value, between two models in logarithms.

    Missing where the curve does not rise.

    >>> round(half_way(np.array([1, 100, 10_000]), np.array([0.0, 0.5, 1.0])))
    100
    """
    middle = (values[0] + values[-1]) / 2
    after = int(np.argmax(values >= middle))
    if values[-1] <= values[0] or after == 0:
        return None
    share = (middle - values[after - 1]) / (values[after] - values[after - 1])
    return float(np.exp((1 - share) * np.log(sizes[after - 1]) + share * np.log(sizes[after])))
def distance(x: np.ndarray, values: np.ndarray, other_x: np.ndarray, other: np.ndarray) -> float:
    """How far apart two curves are in shape: both axes of both stretched to 0 to 1, x in logarithms.

    Points are joined by straight lines; the root mean square of their difference is taken along x.

    Raises
    ------
    ValueError
        If a curve is flat: it has no shape to stretch.

    >>> distance(np.array([1, 10, 100]), np.array([0, 1, 2]), np.array([5, 50]), np.array([3, 9]))
    0.0
    """
    at = np.linspace(0, 1, 201)
    shapes = []
    for place, height in ((x, values), (other_x, other)):
        place, height = np.log(np.asarray(place, dtype=float)), np.asarray(height, dtype=float)
        if np.ptp(height) == 0:
            raise ValueError(f"all {height.size} values are {height[0]:g}: a flat curve has no shape")
        order = np.argsort(place)
        place, height = place[order], height[order]
        shapes.append(np.interp(at, (place - place[0]) / np.ptp(place), (height - height.min()) / np.ptp(height)))
    return float(np.sqrt(np.mean((shapes[0] - shapes[1]) ** 2)))
