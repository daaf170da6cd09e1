"""Grokking: one network over training steps, for comparison with a family over sizes.

The task is addition modulo a prime. Pairs are unordered, so that no test pair is a training pair turned
round. A network of one hidden layer is trained on half of them, all at once, with strong weight decay. It
knows the training pairs by heart long before it knows the others. Source: Power et al. 2022; Appendix C of the
paper says how this differs from emergence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

EVERY = 10
"""Steps between two looks at the network."""


@dataclass(frozen=True)
class Puzzle:
    """What is learned, and how.

    Attributes
    ----------
    modulus : int
        A prime; there are ``modulus * (modulus + 1) / 2`` unordered pairs.
    share : float
        Of the pairs, for training.
    width, hidden : int
        Of the embedding and of the hidden layer.
    steps : int
    learning_rate, weight_decay : float
        Of AdamW.
    """

    modulus: int = 59
    share: float = 0.5
    width: int = 64
    hidden: int = 256
    steps: int = 3000
    learning_rate: float = 3e-3
    weight_decay: float = 1.0

    @property
    def n_params(self) -> int:
        """Weights and biases.

        >>> Puzzle().n_params
        35579
        """
        first, last = self.width * self.hidden + self.hidden, self.hidden * self.modulus + self.modulus
        return self.modulus * self.width + first + last


VARIED = (
    Puzzle(share=0.4),
    Puzzle(share=0.6),
    Puzzle(share=0.8),
    Puzzle(weight_decay=0.3),
    Puzzle(weight_decay=2.0),
)
"""Other shares of pairs and other weight decays, one thing changed at a time."""

FAMILY = tuple(Puzzle(width=hidden // 4, hidden=hidden) for hidden in (8, 16, 24, 32, 48, 64, 96, 128, 256, 512))
"""The same task and training for networks of ten sizes."""


def pairs(puzzle: Puzzle, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Split the unordered pairs.

    Returns
    -------
    Pairs (n, 2), their sums modulo the prime (n,), and which of them are for training (n,).

    >>> both, sums, training = pairs(Puzzle(modulus=5, share=0.4))
    >>> both.shape, int(training.sum()), bool(((both.sum(axis=1) - sums) % 5 == 0).all())
    ((15, 2), 6, True)
    """
    both = np.array([(a, b) for a in range(puzzle.modulus) for b in range(a, puzzle.modulus)])
    order = np.random.default_rng(seed).permutation(len(both))
    training = np.zeros(len(both), dtype=bool)
    training[order[: int(puzzle.share * len(both))]] = True
    return both, both.sum(axis=1) % puzzle.modulus, training


def run(puzzle: Puzzle = Puzzle(), seed: int = 0) -> pl.DataFrame:
    """Train one network, and look at it every :data:`EVERY` steps.

    Returns
    -------
    Frame with ``step, half, accuracy, loss, right_probability, n``: ``half`` is ``train`` or ``test``, the loss is
    in nats, ``right_probability`` the mean probability of the right sum.

    >>> run(Puzzle(modulus=5, steps=10)).columns
    ['seed', 'step', 'half', 'accuracy', 'loss', 'right_probability', 'n']
    """
    import torch
    from torch import nn

    torch.set_num_threads(1)
    torch.manual_seed(seed)
    both, sums, training = pairs(puzzle, seed)
    both, sums, training = torch.from_numpy(both), torch.from_numpy(sums), torch.from_numpy(training)
    embed = nn.Embedding(puzzle.modulus, puzzle.width)
    layers = nn.Sequential(nn.Linear(puzzle.width, puzzle.hidden), nn.ReLU(), nn.Linear(puzzle.hidden, puzzle.modulus))
    weights = [*embed.parameters(), *layers.parameters()]
    optimiser = torch.optim.AdamW(
        weights, lr=puzzle.learning_rate, weight_decay=puzzle.weight_decay, betas=(0.9, 0.98)
    )
    rows = []
    for step in range(1, puzzle.steps + 1):
        loss = nn.functional.cross_entropy(layers(embed(both[training]).sum(1)), sums[training])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if step % EVERY == 0:
            with torch.inference_mode():
                said = layers(embed(both).sum(1)).log_softmax(1)
                right = said.argmax(1) == sums
                sure = said.gather(1, sums[:, None])[:, 0]
            for half, chosen in (("train", training), ("test", ~training)):
                numbers = (right[chosen].float().mean(), -sure[chosen].mean(), sure[chosen].exp().mean())
                rows.append((seed, step, half, *map(float, numbers), int(chosen.sum())))
    names = ["seed", "step", "half", "accuracy", "loss", "right_probability", "n"]
    return pl.DataFrame(rows, schema=names, orient="row")


def moments(log: pl.DataFrame, level: float = 0.5, metric: str = "accuracy") -> pl.DataFrame:
    """Find when training pairs and test pairs first reach a level.

    Parameters
    ----------
    log : frame
        Of :func:`run`, one or more seeds.
    level : float
        Of the metric, of which more has to be better.

    Returns
    -------
    Frame with ``seed, train, test, gap``: steps, and how many lie between; null where the level was not reached.

    >>> log = pl.DataFrame({"seed": 0, "step": [10, 20, 20], "half": ["train", "train", "test"], "accuracy": [0.2, 0.9, 0.0]})
    >>> moments(log).rows()
    [(0, 20, None, None)]
    """
    def first(half: str) -> pl.Expr:
        return pl.col("step").filter((pl.col("half") == half) & (pl.col(metric) >= level)).min().alias(half)

    found = log.group_by("seed").agg(first("train"), first("test")).sort("seed")
    return found.with_columns(gap=pl.col("test") - pl.col("train"))
