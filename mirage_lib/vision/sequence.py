"""Transformers that learn to read characters from five examples.

An episode has :data:`WAYS` characters that stand for the labels 0 to 4, the labels shuffled anew each time. First
comes one drawing of each with its label, in any order; then :data:`QUERIES` other drawings, each of one of the
five characters, without their labels. The network says the label of every one of these. Nothing but the episode
itself tells which label a character has, so blind guessing is right in one of five. Test episodes are made of
characters that were in no training episode.

A drawing and its label make one token: two convolutions embed the drawing, a table the label (or its absence),
and the two are added. A causal transformer (torch's own layers) reads the tokens. Keys start as copies of queries, so
that at first a drawing attends to drawings like it. Without that, no size that we tried left chance within our steps.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mirage_lib.vision import datasets
from mirage_lib.vision.training import Recipe

if TYPE_CHECKING:
    import polars as pl
    import torch
    from torch import nn

WAYS = 5
QUERIES = 5
SIDE = 14
"""Pixels along an edge of a drawing."""
WIDTHS = (4, 8, 12, 16, 24, 32, 48, 64, 96)
LAYERS = 2
HEADS = 4
TEST_EPISODES = 2000
EVERY = 6
"""Each sixth character is for testing."""


class Drawings(NamedTuple):
    """Drawings for training (each character in four rotations, as if they were four) and for testing.

    Attributes
    ----------
    train, test : (characters, 20, SIDE, SIDE)
    """

    train: np.ndarray
    test: np.ndarray


def load(root: str | Path | None = None, download: bool = False) -> Drawings:
    """Load Omniglot and split its characters; see :func:`mirage_lib.vision.datasets.omniglot`."""
    return split(datasets.omniglot(root, SIDE, download))


def load_digits(root: str | Path | None = None, download: bool = False) -> Drawings:
    """Make characters of scikit-learn's digits, as a stand-in that needs no files.

    A digit in each of its four rotations is a character of its own. Test episodes show 0, 4 and 8.

    >>> load_digits().test.shape[2:]
    (14, 14)
    """
    pictures = datasets.digits()
    images = np.concatenate([pictures.train, pictures.test])[:, 0] / np.float32(255)
    labels = np.concatenate([pictures.train_labels, pictures.test_labels])
    least = np.bincount(labels).min()
    groups = np.stack([images[labels == digit][:least] for digit in range(10)])
    large = groups.repeat(2, axis=2).repeat(2, axis=3)[..., 1:15, 1:15]
    test = np.arange(10) % 4 == 0
    turned = [np.concatenate([np.rot90(half, turns, axes=(2, 3)) for turns in range(4)]) for half in (large[~test], large[test])]
    return Drawings(*(np.ascontiguousarray(half) for half in turned))


def split(characters: datasets.Characters) -> Drawings:
    """Hold out every sixth character, and rotate the others by quarters of a turn.

    >>> split(datasets.Characters(np.zeros((12, 20, 14, 14)), np.array(["a"] * 12))).train.shape
    (40, 20, 14, 14)
    """
    drawings = characters.drawings.astype(np.float32)
    test = np.arange(len(drawings)) % EVERY == 0
    turned = [np.rot90(drawings[~test], turns, axes=(2, 3)) for turns in range(4)]
    return Drawings(np.ascontiguousarray(np.concatenate(turned)), drawings[test])


def episodes(drawings: np.ndarray, number: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw episodes.

    Returns
    -------
    Drawings (number, WAYS + QUERIES, side, side) and their labels (number, WAYS + QUERIES).

    >>> shown, labels = episodes(np.zeros((9, 20, 14, 14)), 3, np.random.default_rng(0))
    >>> shown.shape, sorted(labels[0, :5].tolist())
    ((3, 10, 14, 14), [0, 1, 2, 3, 4])
    """
    characters, copies = drawings.shape[:2]
    rows = np.arange(number)[:, None]
    ways = rng.permuted(np.tile(np.arange(characters), (number, 1)), axis=1)[:, :WAYS]
    names = rng.permuted(np.tile(np.arange(WAYS), (number, 1)), axis=1)
    asked = np.concatenate([np.tile(np.arange(WAYS), (number, 1)), rng.integers(0, WAYS, (number, QUERIES))], axis=1)
    # Of each character other drawings at every place, so that no query shows an example again.
    copy = rng.permuted(np.tile(np.arange(copies), (number * WAYS, 1)), axis=1).reshape(number, WAYS, copies)
    place = np.concatenate([np.zeros(WAYS, dtype=int), np.arange(1, QUERIES + 1)])
    return drawings[ways[rows, asked], copy[rows, asked, place]], names[rows, asked]


def batch(drawings: Drawings, recipe: Recipe, seed: int, step: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Episodes of one step, with their labels."""
    import torch

    shown, labels = episodes(drawings.train, recipe.batch, np.random.default_rng([seed, step]))
    return torch.from_numpy(shown), torch.from_numpy(labels)


def loss(network, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    """Mean cross-entropy in nats over the queries."""
    from torch.nn.functional import cross_entropy

    shown, labels = batch
    said = network(shown, labels)
    return cross_entropy(said.reshape(-1, WAYS), labels[:, WAYS:].reshape(-1))


def answer(network: nn.Module, drawings: Drawings) -> pl.DataFrame:
    """Ask the test episodes, the same for every network: ``item, correct``, one truth value a query."""
    import polars as pl
    import torch

    shown, labels = (torch.from_numpy(part) for part in episodes(drawings.test, TEST_EPISODES, np.random.default_rng(10**6)))
    with torch.inference_mode():
        said = torch.cat([network(*part).argmax(2) for part in zip(shown.split(250), labels.split(250), strict=True)])
    right = (said == labels[:, WAYS:]).numpy()
    return pl.DataFrame({"item": [f"{number:05}" for number in range(len(right))], "correct": right.tolist()})


def build(width: int) -> nn.Module:
    """Build one transformer.

    >>> import torch
    >>> build(8)(torch.zeros(2, 10, 14, 14), torch.zeros(2, 10, dtype=torch.long)).shape
    torch.Size([2, 5, 5])
    """
    return _reader()(width)


@cache
def _reader() -> type[nn.Module]:
    """The class of the networks, made when first needed, so that importing this module does not load torch."""
    import torch
    from torch import nn

    class Reader(nn.Module):
        def __init__(self, width: int):
            super().__init__()
            channels = max(4, width // 4)
            edge = -(-SIDE // 4)
            self.picture = nn.Sequential(
                nn.Conv2d(1, channels, 3, 2, 1, bias=False), nn.BatchNorm2d(channels), nn.GELU(),
                nn.Conv2d(channels, 2 * channels, 3, 2, 1, bias=False), nn.BatchNorm2d(2 * channels), nn.GELU(), nn.Flatten(), nn.Linear(2 * channels * edge**2, width), nn.LayerNorm(width),
            )  # fmt: skip
            self.label = nn.Embedding(WAYS + 1, width)
            self.place = nn.Parameter(0.02 * torch.randn(WAYS + QUERIES, width))
            layer = nn.TransformerEncoderLayer(
                width, HEADS, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)
            self.out = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, WAYS))
            self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(WAYS + QUERIES), persistent=False)
            with torch.no_grad():
                for block in self.layers.layers:
                    weights = block.self_attn.in_proj_weight
                    weights[:width] *= 1.7
                    weights[width : 2 * width] = weights[:width]

        def forward(self, shown: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
            number, tokens = labels.shape
            drawings = self.picture(shown.reshape(number * tokens, 1, *shown.shape[2:])).reshape(number, tokens, -1)
            told = torch.where(torch.arange(tokens, device=labels.device) < WAYS, labels, WAYS)
            read = self.layers(drawings + self.label(told) + self.place, mask=self.mask, is_causal=True)
            return self.out(read[:, WAYS:])

    return Reader
