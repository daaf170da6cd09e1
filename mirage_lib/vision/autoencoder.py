"""Autoencoders with one hidden layer, which copy colour pictures through a bottleneck.

Published: a shallow nonlinear autoencoder; its sizes are 2 * 3072 h + h + 3072 parameters for 19 bottlenecks h.
Not published: activation (here ReLU), optimiser, length of training. Errors are means over pixels of pictures
that are standardised by channel, as the published curve, which looks like a spectrum, suggests.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mirage_lib.vision import datasets
from mirage_lib.vision.training import Recipe, shuffled

if TYPE_CHECKING:
    import polars as pl
    import torch
    from torch import nn

BOTTLENECKS = (1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 196, 256, 384, 512, 768, 1024)
"""The 19 published bottlenecks, as recovered from the numbers of parameters."""
PIXELS = 3 * datasets.SIDE**2


class Vectors(NamedTuple):
    """Standardised pictures as rows, for training and for testing."""

    train: torch.Tensor
    test: torch.Tensor


def build(units: int) -> nn.Module:
    """Build one autoencoder.

    >>> sum(weights.numel() for weights in build(2).parameters()) == 2 * 3072 * 2 + 2 + 3072
    True
    """
    from torch import nn

    return nn.Sequential(nn.Linear(PIXELS, units), nn.ReLU(), nn.Linear(units, PIXELS))


def load(root: str | Path | None = None, download: bool = False) -> Vectors:
    """Load CIFAR-100 where it is to be had, standardised."""
    return standardised(datasets.cifar100(root, download))


def load_photographs(root: str | Path | None = None, download: bool = False) -> Vectors:
    """Load the stand-in that needs no files, pieces of two photographs, standardised."""
    return standardised(datasets.photographs())


def standardised(pictures: datasets.Pictures) -> Vectors:
    """Subtract each channel's mean over the training pictures, and divide by its standard deviation.

    >>> vectors = standardised(datasets.photographs(train=50, test=10))
    >>> tuple(vectors.test.shape), abs(float(vectors.train.mean())) < 1e-3, round(float(vectors.train.std()), 2)
    ((10, 3072), True, 1.0)
    """
    import torch

    axes = (0, 2, 3)
    train = pictures.train.astype(np.float32)
    mean, deviation = train.mean(axes, keepdims=True), train.std(axes, keepdims=True)
    rows = [(half.astype(np.float32) - mean) / deviation for half in (pictures.train, pictures.test)]
    return Vectors(*(torch.from_numpy(half.reshape(len(half), -1)) for half in rows))


def batch(vectors: Vectors, recipe: Recipe, seed: int, step: int) -> tuple[torch.Tensor]:
    """The pictures of one step."""
    return (vectors.train[shuffled(len(vectors.train), recipe, seed, step)],)


def loss(network, batch: tuple[torch.Tensor]) -> torch.Tensor:
    """Mean squared error over pixels and pictures."""
    return ((network(batch[0]) - batch[0]) ** 2).mean()


def answer(network: nn.Module, vectors: Vectors) -> pl.DataFrame:
    """Copy the test pictures: ``item, squared_error``, the mean over a picture's pixels.

    >>> answer(build(1), standardised(datasets.photographs(train=5, test=3)))["squared_error"].min() > 0
    True
    """
    import polars as pl
    import torch

    with torch.inference_mode():
        errors = ((network(vectors.test) - vectors.test) ** 2).mean(1).numpy()
    items = [f"{number:05}" for number in range(len(errors))]
    return pl.DataFrame({"item": items, "squared_error": errors})
