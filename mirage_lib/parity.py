"""Parity: a hidden rule that has no half-right answer, learned by small networks of several widths.

An item is a row of bits, each -1 or 1. The answer is 1 where an even number of a few *hidden* bits are -1, else 0; which bits
those are, the network is not told. Each smaller set of bits says nothing about the answer, so there is no part of the rule
that pays before the rest is found. The answer is one bit long: no metric can bend it by its length.

Each network has one hidden layer, never sees an item twice, and is trained for the same number of steps. Networks of one width
and several seeds are trained side by side as one stack of arrays; NumPy is enough for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

WIDTHS = (4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
SEEDS = 24
_BETAS = (0.9, 0.99)


@dataclass(frozen=True)
class Rule:
    """What is learned, and how.

    Attributes
    ----------
    bits, hidden : int
        Bits of an item, and how many of them count.
    steps, batch : int
        Optimiser steps, and new items in each.
    learning_rate : float
        Of Adam.
    every : int
        Steps between two looks at the network.
    items : int
        Test items, the same for all networks of a seed.
    """

    bits: int = 30
    hidden: int = 5
    steps: int = 3000
    batch: int = 64
    learning_rate: float = 3e-3
    every: int = 250
    items: int = 2000

    def n_params(self, width: int) -> int:
        """Weights and biases of a network.

        >>> Rule().n_params(4)
        129
        """
        return width * (self.bits + 2) + 1


def answers(bits: np.ndarray, hidden: Sequence[int]) -> np.ndarray:
    """Apply the rule.

    Parameters
    ----------
    bits : (..., n) of -1 and 1
    hidden : places that count

    >>> answers(np.array([[1, 1, -1], [-1, 1, -1]]), (0, 2)).tolist()
    [0.0, 1.0]
    """
    return (np.prod(bits[..., list(hidden)], axis=-1) + 1) / 2


def train(width: int, seeds: Iterable[int], rule: Rule = Rule()) -> pl.DataFrame:
    """Train one network a seed, and look at each along the way.

    A network's weights and data depend on its width and its seed alone, not on those trained beside it.

    Returns
    -------
    Frame with ``width, n_params, seed, step, accuracy, log_probability, brier, n``: over ``n`` test items, the share of right
    answers, the mean log-probability of the right answer (nats) and the mean of (1 - its probability)^2.

    Raises
    ------
    ValueError
        If the rule cannot be: more hidden bits than bits, or nothing to train.

    >>> train(4, [0, 1], Rule(steps=10, every=10, items=50)).select("width", "seed", "step").rows()
    [(4, 0, 10), (4, 1, 10)]
    """
    seeds = list(seeds)
    if not 0 < rule.hidden <= rule.bits or width < 1 or not seeds:
        raise ValueError(
            f"{rule.hidden} hidden of {rule.bits} bits, width {width}, {len(seeds)} seeds: give at least one of each, "
            "and no more hidden bits than bits"
        )
    draws = [np.random.default_rng([seed, width]) for seed in seeds]
    places = [rng.choice(rule.bits, rule.hidden, replace=False) for rng in draws]
    weights = _start(width, draws, rule)
    exams = [_draw(rule.items, rng, where, rule.bits) for rng, where in zip(draws, places, strict=True)]
    test, right = (np.stack(part) for part in zip(*exams, strict=True))
    moments = [[np.zeros_like(w), np.zeros_like(w)] for w in weights]
    rows = []
    for step in range(1, rule.steps + 1):
        made = [_draw(rule.batch, rng, where, rule.bits) for rng, where in zip(draws, places, strict=True)]
        bits, wanted = (np.stack(part) for part in zip(*made, strict=True))
        _adam(weights, _gradients(weights, bits, wanted), moments, step, rule.learning_rate)
        if step % rule.every == 0 or step == rule.steps:
            said = _forward(weights, test)[1]
            sure = -np.logaddexp(0, np.where(right == 1, -said, said))  # log-probability of the right answer
            scores = ((said > 0) == right, sure, (1 - np.exp(sure)) ** 2)
            means = np.stack([score.mean(axis=1) for score in scores], axis=1)
            rows += [(width, rule.n_params(width), seed, step, *map(float, row), rule.items) for seed, row in zip(seeds, means)]
    names = ["width", "n_params", "seed", "step", "accuracy", "log_probability", "brier", "n"]
    return pl.DataFrame(rows, schema=names, orient="row").sort("seed", "step")


def family(widths: Iterable[int] = WIDTHS, seeds: Iterable[int] = range(SEEDS), rule: Rule = Rule()) -> pl.DataFrame:
    """Train every width with every seed; see :func:`train`.

    >>> family((2, 4), [0], Rule(steps=5, items=20)).height
    2
    """
    seeds = list(seeds)
    return pl.concat([train(width, seeds, rule) for width in widths])


def _draw(n: int, rng: np.random.Generator, places: np.ndarray, bits: int) -> tuple[np.ndarray, np.ndarray]:
    items = (2.0 * rng.integers(0, 2, (n, bits), dtype=np.int8) - 1).astype(np.float32)
    return items, answers(items, places)


def _start(width: int, draws: list, rule: Rule) -> list[np.ndarray]:
    """Weights of all networks: into the hidden layer with its biases, and out of it with the bias."""
    into = [rng.uniform(-1, 1, (rule.bits, width)) / np.sqrt(rule.bits) for rng in draws]
    bias = [rng.uniform(-1, 1, (1, width)) / np.sqrt(rule.bits) for rng in draws]
    out = [rng.uniform(-1, 1, (width, 1)) / np.sqrt(width) for rng in draws]
    rest = np.zeros((len(draws), 1, 1))
    return [np.stack(part).astype(np.float32) for part in (into, bias, out)] + [rest.astype(np.float32)]


def _forward(weights: list[np.ndarray], bits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    into, bias, out, rest = weights
    layer = np.maximum(bits @ into + bias, 0)
    return layer, (layer @ out + rest)[..., 0]


def _gradients(weights: list[np.ndarray], bits: np.ndarray, wanted: np.ndarray) -> list[np.ndarray]:
    """Of the mean logistic loss."""
    layer, said = _forward(weights, bits)
    error = ((1 / (1 + np.exp(-said)) - wanted) / said.shape[1])[..., None].astype(np.float32)
    back = (error @ weights[2].transpose(0, 2, 1)) * (layer > 0)
    return [
        bits.transpose(0, 2, 1) @ back, back.sum(axis=1, keepdims=True),
        layer.transpose(0, 2, 1) @ error, error.sum(axis=1, keepdims=True),
    ]  # fmt: skip


def _adam(weights: list, gradients: list, moments: list, step: int, rate: float) -> None:
    for weight, gradient, (mean, square) in zip(weights, gradients, moments, strict=True):
        mean += (1 - _BETAS[0]) * (gradient - mean)
        square += (1 - _BETAS[1]) * (gradient**2 - square)
        weight -= rate * (mean / (1 - _BETAS[0] ** step)) / (np.sqrt(square / (1 - _BETAS[1] ** step)) + 1e-8)
