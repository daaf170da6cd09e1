"""Items: abilities of models and difficulties of items, from who answered what rightly.

The model of Rasch: a model of ability a answers an item of difficulty d rightly with odds exp(a - d). Of an item
only the number of models that had it right counts, so thousands of items are a dozen groups. How difficulties are
distributed is not assumed: weights on a grid are fitted with the abilities.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

DIFFICULTIES = np.linspace(-9, 9, 31)
STEPS = 40


@dataclass(frozen=True)
class Fitted:
    """Abilities (models,) with their standard errors, and how many items have each of :data:`DIFFICULTIES`."""

    abilities: np.ndarray
    ability_errors: np.ndarray
    items: np.ndarray


def fit(right: np.ndarray) -> Fitted:
    """Fit abilities and the distribution of difficulties by expectation and maximisation.

    Parameters
    ----------
    right : (models, items) true or false

    >>> rng = np.random.default_rng(0)
    >>> odds = np.array([-2.0, 0.0, 2.0])[:, None] - rng.normal(0, 1, 5000)
    >>> found = fit(rng.random((3, 5000)) < expit(odds))
    >>> np.diff(found.abilities).round().tolist()
    [2.0, 2.0]
    """
    models, n = right.shape
    groups = np.bincount(right.sum(axis=0), minlength=models + 1).astype(float)
    total = np.clip(right.sum(axis=1).astype(float), 0.5, n - 0.5)
    abilities = np.log(total / (n - total))
    weights = np.full(len(DIFFICULTIES), 1 / len(DIFFICULTIES))
    counted = np.arange(models + 1)[:, None] * DIFFICULTIES
    for _ in range(STEPS):
        wrong = -np.logaddexp(0, abilities[:, None] - DIFFICULTIES).sum(axis=0)
        log = wrong - counted + np.log(weights + 1e-300)
        odds = np.exp(log - log.max(axis=1, keepdims=True))
        belongs = groups @ (odds / odds.sum(axis=1, keepdims=True))
        weights = belongs / n
        chance = expit(abilities[:, None] - DIFFICULTIES)
        gain = (total - chance @ belongs) / np.maximum((chance * (1 - chance)) @ belongs, 1e-6 * n)
        abilities = np.clip(abilities + np.clip(gain, -1, 1), -15, 15)
    chance = expit(abilities[:, None] - DIFFICULTIES)
    return Fitted(abilities, 1 / np.sqrt(np.maximum((chance * (1 - chance)) @ belongs, 1e-6 * n)), belongs)


def accuracy(fitted: Fitted, abilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Share of the items that models of these abilities answer rightly, and its standard deviation by luck.

    >>> even = Fitted(np.zeros(1), np.zeros(1), np.ones(31))
    >>> share, luck = accuracy(even, np.array([0.0]))
    >>> share.round(6).tolist(), bool(luck[0] < 0.5 / 31**0.5)
    ([0.5], True)
    """
    chance, n = expit(abilities[..., None] - DIFFICULTIES), fitted.items.sum()
    return chance @ (fitted.items / n), np.sqrt((chance * (1 - chance)) @ fitted.items) / n
