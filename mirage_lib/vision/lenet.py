"""Convolutional networks that read handwritten digits.

The paper gives no architecture for its LeNets. Its 14 published sizes lie on a line, 264 + 6283 k parameters,
and that is what two 3x3 convolutions to 3 and to 8 channels, then k hidden units and ten outputs, have: our
reading of it, :func:`flat`. Nothing is pooled in it, so it is hardly a LeNet; :func:`pooled` is one, LeCun's of
1998 with every layer made narrower or wider, to see whether the choice matters.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mirage_lib.vision import datasets
from mirage_lib.vision.training import Recipe, shuffled

if TYPE_CHECKING:
    import polars as pl
    import torch
    from torch import nn

UNITS = (1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 24, 32, 48, 64)
"""Hidden units of the 14 published sizes, as recovered from the figure's axis."""
TWELFTHS = (2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 28, 32)
"""Widths of the pooled LeNet in twelfths of LeCun's, from about 2 thousand to 400 thousand parameters."""


def flat(units: int) -> nn.Module:
    """Build the network that the published sizes suggest, for 1 x 28 x 28 pictures.

    >>> sum(weights.numel() for weights in flat(3).parameters()) == 264 + 6283 * 3
    True
    """
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(),
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(8 * 28 * 28, units), nn.ReLU(), nn.Linear(units, 10),
    )  # fmt: skip


def pooled(twelfths: int) -> nn.Module:
    """Build a LeNet-5 with ReLU and maximum pooling, every layer ``twelfths``/12 as wide as LeCun's.

    >>> sum(weights.numel() for weights in pooled(12).parameters())
    61706
    """
    from torch import nn

    first, second, third, fourth = (max(1, round(wide * twelfths / 12)) for wide in (6, 16, 120, 84))
    return nn.Sequential(
        nn.Conv2d(1, first, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(first, second, 5), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(second * 25, third), nn.ReLU(), nn.Linear(third, fourth), nn.ReLU(), nn.Linear(fourth, 10),
    )  # fmt: skip


def small(channels: int) -> nn.Module:
    """Build a network for scikit-learn's 1 x 8 x 8 digits, small enough to train while a reader waits.

    >>> small(2)(__import__("torch").zeros(1, 1, 8, 8)).shape
    torch.Size([1, 10])
    """
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 64, channels), nn.ReLU(),
        nn.Linear(channels, 10),
    )  # fmt: skip


def load(root: str | Path | None = None, download: bool = False) -> datasets.Pictures:
    """Load MNIST; see :func:`mirage_lib.vision.datasets.mnist`."""
    return datasets.mnist(root, download)


def batch(pictures: datasets.Pictures, recipe: Recipe, seed: int, step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures from 0 to 1 and labels of one step."""
    import torch

    which = shuffled(len(pictures.train), recipe, seed, step)
    images = torch.from_numpy(pictures.train[which]).float() / 255
    return images, torch.from_numpy(pictures.train_labels[which])


def loss(network, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Mean cross-entropy in nats."""
    from torch.nn.functional import cross_entropy

    images, labels = batch
    return cross_entropy(network(images), labels)


def answer(network: nn.Module, pictures: datasets.Pictures) -> pl.DataFrame:
    """Read the test pictures: ``item, label, predicted, probability``, the last of the predicted class.

    >>> answer(small(2), datasets.digits()).columns
    ['item', 'label', 'predicted', 'probability']
    """
    import polars as pl
    import torch

    chosen, sure = [], []
    with torch.inference_mode():
        for start in range(0, len(pictures.test), 1000):
            images = torch.from_numpy(pictures.test[start : start + 1000]).float() / 255
            most, best = network(images).softmax(1).max(1)
            chosen.append(best.numpy().astype(np.uint8))
            sure.append(most.numpy())
    return pl.DataFrame({
        "item": [f"{number:05}" for number in range(len(pictures.test))],
        "label": pictures.test_labels.astype(np.uint8),
        "predicted": np.concatenate(chosen),
        "probability": np.concatenate(sure).round(2),
    })  # fmt: skip
