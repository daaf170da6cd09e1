"""Simulated families: curves whose true law is known, to see when a method's intervals hold what they say.

A method is honest if its 90 % intervals hold the next model in about nine cases of ten *where its assumptions hold*.
Where they do not hold, nothing is promised: :func:`coverage` shows that as well.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import expit

from mirage_lib.forecasting import scoring
from mirage_lib.forecasting.cases import SHARP, SMOOTH, Curve
from mirage_lib.forecasting.methods import METHODS

MODELS = 9
X = np.linspace(0, MODELS / (MODELS - 1), MODELS)
SIZES = np.geomspace(1e6, 1e11, MODELS)
ITEMS = 400
TRUTHS: dict[str, Callable[[np.random.Generator], Curve]] = {}
HOLDS = {
    "last": "walk", "line": "line", "power": "power law", "sigmoid": "sigmoid", "broken": "knee", "counts": "rare successes",
    "two-stage": "loss to accuracy", "items": "easy and hard items",
}  # fmt: skip
"""Of each method, the simulated truth that is as it assumes."""


def truth(name: str) -> Callable:
    """Enter a function that draws a curve under a name."""

    def enter(function: Callable[[np.random.Generator], Curve]) -> Callable[[np.random.Generator], Curve]:
        TRUTHS[name] = function
        return function

    return enter


def _curve(values: np.ndarray, error: float | np.ndarray, low: float = -np.inf, high: float = np.inf, **more: object) -> Curve:
    group = SHARP if (low, high) == (0, 1) else SMOOTH
    return Curve("simulated", "simulated", "simulated", "simulated", group, SIZES, values, np.zeros(MODELS) + error, low=low, high=high, **more)


def _counted(share: np.ndarray, rng: np.random.Generator, **more: object) -> Curve:
    values = rng.binomial(ITEMS, share) / ITEMS
    seen = np.clip(values, 0.5 / ITEMS, 1 - 0.5 / ITEMS)
    return _curve(values, np.sqrt(seen * (1 - seen) / ITEMS), 0.0, 1.0, n=np.full(MODELS, float(ITEMS)), **more)


@truth("walk")
def walk(rng: np.random.Generator) -> Curve:
    """Each model differs from the one before by chance."""
    return _curve(np.cumsum(rng.normal(0, 0.05, MODELS)) + rng.normal(0, 0.01, MODELS), 0.01)


@truth("line")
def line(rng: np.random.Generator) -> Curve:
    """A straight line in log size; models scatter, items add their luck."""
    return _curve(rng.uniform(0, 1) * X + rng.normal(0, 0.03, MODELS) + rng.normal(0, 0.02, MODELS), 0.02)


@truth("power law")
def power_law(rng: np.random.Generator) -> Curve:
    """A loss that falls as a power of size."""
    return _curve(-np.exp(1 - rng.uniform(0.5, 2) * X + rng.normal(0, 0.05, MODELS)), 0.0, high=0.0)


@truth("sigmoid")
def sigmoid(rng: np.random.Generator) -> Curve:
    """A logistic rise from a chance of 0.2 to one of two tops, with normal scatter."""
    share = 0.2 + (rng.choice([0.75, 0.5]) - 0.2) * expit(rng.uniform(3, 12) * (X - rng.uniform(0.3, 1.0)))
    return _curve(share + rng.normal(0, 0.02, MODELS), 0.01, 0.0, 1.0, chance=0.2)


@truth("knee")
def knee(rng: np.random.Generator) -> Curve:
    """A line that in half of the cases changes its slope once."""
    bend = rng.normal(0, 0.7) * (rng.random() < 0.5)
    bent = rng.normal(0, 0.5) * X + bend * np.maximum(X - rng.uniform(X[1], X[-3]), 0)
    return _curve(bent + rng.normal(0, 0.03, MODELS), 0.01)


@truth("rare successes")
def rare(rng: np.random.Generator) -> Curve:
    """Minus the log of accuracy is a power of size, the first models mostly at zero; scatter is twice a binomial's."""
    share = np.exp(-np.exp(rng.uniform(0.5, 2.2) - rng.uniform(1.5, 3.5) * X))
    precision = ITEMS - 1
    return _counted(rng.beta(np.maximum(share * precision, 1e-9), (1 - share) * precision), rng)


@truth("loss to accuracy")
def loss_to_accuracy(rng: np.random.Generator) -> Curve:
    """A loss that is a power law, and accuracy from chance to three quarters a logistic curve of it."""
    loss = np.exp(0.5 - rng.uniform(0.4, 1.2) * X + rng.normal(0, 0.03, MODELS))
    partner = _curve(-loss, 0.0, high=0.0)
    return _counted(0.1 + 0.65 * expit(5 * (rng.uniform(0.7, 1.2) - loss)), rng, partner=partner, chance=0.1)


@truth("easy and hard items")
def easy_and_hard(rng: np.random.Generator) -> Curve:
    """Half of the items are much harder than the others; abilities scatter about a line."""
    difficulty = np.where(rng.random(ITEMS) < 0.5, rng.normal(-1, 1, ITEMS), rng.normal(2.5, 1, ITEMS))
    ability = -3 + rng.uniform(3, 7) * X + rng.normal(0, 0.3, MODELS)
    right = rng.random((MODELS, ITEMS)) < expit(ability[:, None] - difficulty)
    share = right.mean(axis=1)
    return _curve(share, np.sqrt(share * (1 - share) / ITEMS), 0.0, 1.0, n=np.full(MODELS, float(ITEMS)), items=right)


@truth("cliff")
def cliff(rng: np.random.Generator) -> Curve:
    """Nothing at all until the last model, and then a great deal: what nobody can see coming."""
    share = np.where(np.arange(MODELS) < MODELS - 1, 0.02, rng.uniform(0.5, 0.9))
    right = rng.random((MODELS, ITEMS)) < share[:, None]
    loss = _curve(-np.exp(0.5 - 0.8 * X + rng.normal(0, 0.03, MODELS)), 0.0, high=0.0)
    values = right.mean(axis=1)
    return _curve(values, np.sqrt((values + 1 / ITEMS) / ITEMS), 0.0, 1.0, n=np.full(MODELS, float(ITEMS)), items=right, partner=loss)


def coverage(method: str, truth: str, replicates: int = 300, seed: int = 0) -> float:
    """How often a method's 90 % interval holds the next model, over simulated families.

    Raises
    ------
    KeyError
        For a method or a truth that is not there.

    >>> 0.7 < coverage("line", "line", 100) <= 1
    True
    """
    for name, known in ((method, METHODS), (truth, TRUTHS)):
        if name not in known:
            raise KeyError(f"unknown name {name!r}: there are {', '.join(known)}")
    rng = np.random.default_rng(seed)
    held = []
    for _ in range(replicates):
        curve = TRUTHS[truth](rng)
        n = None if curve.n is None else curve.n[-1:]
        _, observed = scoring.ahead(curve.seen(1), METHODS[method], curve.places(1), n, rng)
        low, high = np.quantile(observed[:, 0], [(1 - scoring.NOMINAL) / 2, (1 + scoring.NOMINAL) / 2])
        held.append(low - 1e-9 <= curve.values[-1] <= high + 1e-9)
    return float(np.mean(held))
