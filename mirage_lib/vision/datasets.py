"""Datasets: the pictures that the vision families learn from.

MNIST, CIFAR-100 and Omniglot come through torchvision's classes. They are looked for in the folder that is
given, then in the one that ``MIRAGE_DATA`` names; nothing is downloaded unless that is asked for. Two small
sets need no files at all, as scikit-learn carries them: handwritten digits of 8x8 pixels, and pieces of two
colour photographs.
"""

from __future__ import annotations

import os
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

SIDE = 32
"""Height and width in pixels of the colour pictures."""
SCALES = (1, 2, 3, 4)
"""A piece of a photograph is cut from a square of so many times :data:`SIDE`, and averaged down."""
HELD_OUT = 0.25
"""The share of each photograph, at its right edge, that only test pieces come from."""


class Pictures(NamedTuple):
    """Pictures as unsigned bytes and, where known, what they show.

    Attributes
    ----------
    train, test : (n, channels, height, width)
    train_labels, test_labels : (n,)
        All zeros where the pictures have no classes.
    """

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray


class MissingData(ValueError):
    """Pictures that are not where they were looked for, or are damaged."""


def folder(root: str | Path | None, name: str) -> Path | None:
    """Where a set lies: the folder that was given, or ``<MIRAGE_DATA>/vision/<name>`` if there is one.

    >>> folder("somewhere", "mnist")
    PosixPath('somewhere')
    """
    if root is not None:
        return Path(root)
    if "MIRAGE_DATA" in os.environ:
        place = Path(os.environ["MIRAGE_DATA"]) / "vision" / name
        return place if place.exists() else None
    return None


def _missing(what: str, name: str, root: Path | None, reason: object) -> MissingData:
    looked = str(root) if root else f"no folder was given, and MIRAGE_DATA names none with vision/{name}"
    return MissingData(
        f"{what} cannot be had ({looked}): {reason}. Give a folder with torchvision's files by --data, or get them by "
        f"--download, or train the stand-in that needs no files"
    )


def mnist(root: str | Path | None = None, download: bool = False) -> Pictures:
    """Load MNIST: 60,000 and 10,000 handwritten digits, 1 x 28 x 28.

    Parameters
    ----------
    root : folder, optional
        With torchvision's layout (``MNIST/raw``) or with ``raw`` itself, its files packed or not.
    download : bool
        Let torchvision fetch what is not there into ``root``.

    Raises
    ------
    MissingData
        If the files are not there or are damaged.
    """
    from torchvision.datasets import MNIST

    place = folder(root, "mnist")
    try:
        if place is not None and (place / "raw").is_dir():
            with tempfile.TemporaryDirectory() as temporary:
                raw = Path(temporary) / "MNIST" / "raw"
                raw.mkdir(parents=True)
                for file in (place / "raw").iterdir():
                    (raw / file.name).symlink_to(file.resolve())
                _unpack(raw)
                return _labelled(MNIST(temporary, train=True), MNIST(temporary, train=False))
        if place is None and not download:
            raise FileNotFoundError("no files")
        where = place or Path.home() / ".cache" / "mirage-lib" / "vision"
        return _labelled(*(MNIST(where, train=train, download=download) for train in (True, False)))
    except (OSError, RuntimeError, ValueError) as error:
        raise _missing("MNIST", "mnist", place, error) from None


def _unpack(raw: Path) -> None:
    """Unpack ``.gz`` files beside themselves, as torchvision expects them."""
    import gzip
    import shutil

    for packed in raw.glob("*.gz"):
        if not (raw / packed.stem).exists():
            with gzip.open(packed) as source, (raw / packed.stem).open("wb") as target:
                shutil.copyfileobj(source, target)


def _labelled(train, test) -> Pictures:
    parts = []
    for half in (train, test):
        data = np.asarray(half.data)
        data = data[:, None] if data.ndim == 3 else data.transpose(0, 3, 1, 2)
        parts += [np.ascontiguousarray(data), np.asarray(half.targets, dtype=np.int64)]
    return Pictures(*parts)


def cifar100(root: str | Path | None = None, download: bool = False) -> Pictures:
    """Load CIFAR-100: 50,000 and 10,000 colour photographs, 3 x 32 x 32.

    Raises
    ------
    MissingData
        If the files are not there or are damaged.
    """
    from torchvision.datasets import CIFAR100

    place = folder(root, "cifar100")
    if place is None and not download:
        raise _missing("CIFAR-100", "cifar100", place, "no files")
    where = place or Path.home() / ".cache" / "mirage-lib" / "vision"
    try:
        return _labelled(*(CIFAR100(where, train=train, download=download) for train in (True, False)))
    except (OSError, RuntimeError) as error:
        raise _missing("CIFAR-100", "cifar100", place, error) from None


def digits() -> Pictures:
    """Load scikit-learn's digits, 1 x 8 x 8: every fifth of the 1,797 is for testing.

    >>> digits().test.shape
    (360, 1, 8, 8)
    """
    from sklearn.datasets import load_digits

    known = load_digits()
    images = np.round(known.images * (255 / 16)).astype(np.uint8)[:, None]
    test = np.arange(len(images)) % 5 == 0
    labels = known.target.astype(np.int64)
    return Pictures(images[~test], labels[~test], images[test], labels[test])


def photographs(train: int = 20_000, test: int = 2000, seed: int = 0) -> Pictures:
    """Cut colour pictures of 3 x 32 x 32 from scikit-learn's two photographs.

    A stand-in for CIFAR-100 that needs no files. The pieces come at several scales. Those for testing come
    from the right quarter of each photograph, which no piece for training touches.

    >>> photographs(train=10, test=4).train.shape
    (10, 3, 32, 32)
    """
    from sklearn.datasets import load_sample_images

    rng = np.random.default_rng(seed)
    scenes = load_sample_images().images
    halves = []
    for number, right in ((train, False), (test, True)):
        pieces = []
        for piece in range(number):
            scene = scenes[piece % len(scenes)]
            edge = int(scene.shape[1] * (1 - HELD_OUT))
            part = scene[:, edge:] if right else scene[:, :edge]
            side = SIDE * int(rng.choice(SCALES))
            top, left = (int(rng.integers(0, length - side + 1)) for length in part.shape[:2])
            square = part[top : top + side, left : left + side].astype(np.float32)
            step = side // SIDE
            small = square.reshape(SIDE, step, SIDE, step, 3).mean(axis=(1, 3))
            pieces.append(np.round(small).astype(np.uint8).transpose(2, 0, 1))
        halves += [np.stack(pieces), np.zeros(number, dtype=np.int64)]
    return Pictures(*halves)


class Characters(NamedTuple):
    """Drawings of written characters, 20 of each, black on white.

    Attributes
    ----------
    drawings : (characters, 20, side, side)
        1 is ink, 0 paper, averaged down to the side.
    alphabets : (characters,)
        The alphabet of each.
    """

    drawings: np.ndarray
    alphabets: np.ndarray


def omniglot(root: str | Path | None = None, side: int = 28, download: bool = False) -> Characters:
    """Load Omniglot's characters: torchvision's full set, or the two small background sets of its authors.

    An alphabet that lies in both small sets is taken once.

    Parameters
    ----------
    root : folder, optional
        With torchvision's ``omniglot-py``, or with ``images_background*.zip``.
    side : int
        Pixels along an edge; the drawings have 105.

    Raises
    ------
    MissingData
        If the files are not there or are damaged.
    """
    from torchvision.datasets import Omniglot

    place = folder(root, "omniglot")
    try:
        if place is not None and (packed := sorted(place.glob("images_background*.zip"))):
            return _small_sets(packed, side)
        if place is None and not download:
            raise FileNotFoundError("no files")
        where = place or Path.home() / ".cache" / "mirage-lib" / "vision"
        halves = [Omniglot(where, background=background, download=download) for background in (True, False)]
        files = [
            (name.split("/")[0], name.split("/")[1], Path(half.target_folder) / name / file)
            for half in halves
            for name, group in zip(half._characters, half._character_images, strict=True)
            for file, _ in group
        ]
        return _stack([(alphabet, letter, _shrink(file, side)) for alphabet, letter, file in files])
    except (OSError, RuntimeError, zipfile.BadZipFile) as error:
        raise _missing("Omniglot", "omniglot", place, error) from None


def _small_sets(packed: list[Path], side: int) -> Characters:
    drawings, seen = [], set[bytes]()
    for path in packed:
        with zipfile.ZipFile(path) as archive:
            names = sorted(name for name in archive.namelist() if name.endswith(".png") and "__MACOSX" not in name)
            here = {name.split("/")[-3] for name in names} - seen
            for name in names:
                alphabet, letter = name.split("/")[-3:-1]
                if alphabet in here:
                    with archive.open(name) as file:
                        drawings.append((alphabet, letter, _shrink(file, side)))
        seen |= here
    return _stack(drawings)


def _shrink(file, side: int) -> np.ndarray:
    from PIL import Image

    picture = Image.open(file).convert("L").resize((side, side), Image.Resampling.BOX)
    return 1 - np.asarray(picture, dtype=np.float32) / 255


def _stack(drawings: list[tuple[str, str, np.ndarray]]) -> Characters:
    groups: dict[tuple[str, str], list[np.ndarray]] = {}
    for alphabet, letter, drawing in drawings:
        groups.setdefault((alphabet, letter), []).append(drawing)
    least = min(len(group) for group in groups.values())
    stacked = np.stack([np.stack(group[:least]) for group in groups.values()])
    return Characters(stacked, np.array([alphabet for alphabet, _ in groups]))
