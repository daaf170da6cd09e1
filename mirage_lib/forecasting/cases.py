"""Cases: a scaling curve whose largest models are held out, and what a method may see of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

SHARP, SMOOTH = "sharp", "smooth"
FAR = 3.0
"""Where a metric has no worst or best value, no forecast goes further beyond the values seen than so many of their ranges."""


@dataclass(frozen=True)
class Curve:
    """One family's scores on one task under one metric; up is better.

    Attributes
    ----------
    source, family, task, metric : str
        Where the scores are from, and what was measured of whom.
    group : str
        ``sharp`` (an answer counts as right or wrong) or ``smooth``.
    sizes : (models,) parameters or compute, ascending
    values : (models,)
    errors : (models,) standard errors of measurement; zero where they are not known
    n : (models,) answers behind each value, where the values are shares of right ones and this is known
    low, high : worst and best possible value
    chance : what blind guessing scores, zero if that is not known
    partner : a smooth curve of the same models, where there is one
    items : (models, items) true or false, whether each item was answered rightly, where that was kept

    >>> curve = Curve("s", "f", "t", "m", "sharp", np.array([1e6, 1e7, 1e8]), np.array([0.1, 0.2, 0.4]), np.zeros(3))
    >>> curve.seen(1).values.tolist(), curve.places(1).round(3).tolist()
    ([0.1, 0.2], [2.0])
    """

    source: str
    family: str
    task: str
    metric: str
    group: str
    sizes: np.ndarray
    values: np.ndarray
    errors: np.ndarray
    n: np.ndarray | None = None
    low: float = 0.0
    high: float = 1.0
    chance: float = 0.0
    partner: Curve | None = None
    items: np.ndarray | None = None

    @property
    def x(self) -> np.ndarray:
        """Logarithms of size, in units of the range: the first model is at 0, the last at 1."""
        return self.scaled(self.sizes)

    def scaled(self, sizes: np.ndarray) -> np.ndarray:
        """Where other sizes lie in these units.

        >>> Curve("s", "f", "t", "m", "sharp", np.array([10.0, 100.0]), np.zeros(2), np.zeros(2)).scaled(np.array([1e3])).round(6).item()
        2.0
        """
        first, last = np.log(self.sizes[[0, -1]])
        return (np.log(sizes) - first) / (last - first)

    def seen(self, held: int) -> Curve:
        """This curve without its largest models, its partner likewise."""

        def cut(array: np.ndarray | None) -> np.ndarray | None:
            return None if array is None else array[: len(self.sizes) - held]

        return replace(
            self, sizes=cut(self.sizes), values=cut(self.values), errors=cut(self.errors), n=cut(self.n), items=cut(self.items),
            partner=None if self.partner is None else self.partner.seen(held),
        )  # fmt: skip

    def places(self, held: int) -> np.ndarray:
        """Where the held-out models lie for who has seen the others only."""
        return self.seen(held).scaled(self.sizes[-held:])

    def cut(self, draws: np.ndarray) -> np.ndarray:
        """Values cut to what the metric allows, and to :data:`FAR` ranges beyond what was seen where it allows everything.

        >>> Curve("s", "f", "t", "m", "sharp", np.array([10.0, 100.0]), np.zeros(2), np.zeros(2)).cut(np.array([-1.0, 2.0])).tolist()
        [0.0, 1.0]
        """
        least, most = self.values.min(), self.values.max()
        far = FAR * max(most - least, 4 * float(np.max(self.errors)))
        return np.clip(draws, max(self.low, least - far) if np.isinf(self.low) else self.low,
                       min(self.high, most + far) if np.isinf(self.high) else self.high)  # fmt: skip
