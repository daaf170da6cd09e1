"""Families: the networks of Test 3, how each is trained, and how a whole family becomes an outputs table.

On a CPU every network is trained in a process and a thread of its own, as stacking gains nothing there; on a
GPU all seeds of a width are trained at once. On a cluster, joblib spreads the processes: ``backend="ray"``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import polars as pl
from tqdm import tqdm

from mirage_lib import outputs, runs
from mirage_lib.training import choose_device, load_weights, save_weights
from mirage_lib.vision import autoencoder, datasets, lenet, sequence
from mirage_lib.vision.training import Family, Member, Recipe, train_one, train_stack

READING = Recipe(steps=937, batch=64, optimiser="sgd", learning_rate=0.05)
"""One pass over MNIST. Of the rates 0.02, 0.03 and 0.05 tried at three seeds, this brought the widest networks
nearest to the published plateau of .96; the rest of the curve was not looked at in choosing."""
COPYING = Recipe(steps=2000, batch=64, optimiser="adam", learning_rate=1e-3, cosine=True)
EPISODES = Recipe(steps=3000, batch=32, optimiser="adam", learning_rate=2e-3, cosine=True, clip=1.0)


def _digits(root: str | Path | None = None, download: bool = False) -> datasets.Pictures:
    return datasets.digits()


FAMILIES = {
    family.name: family
    for family in (
        Family(
            "lenet", "MNIST", "image label", "hidden units", lenet.UNITS, lenet.flat, lenet.load, lenet.batch,
            lenet.loss, lenet.answer, READING, Recipe(300, 64, "sgd", 0.05), stand_in="digits",
        ),
        Family(
            "lenet-pooled", "MNIST", "image label", "twelfths of LeNet-5", lenet.TWELFTHS, lenet.pooled, lenet.load,
            lenet.batch, lenet.loss, lenet.answer, READING, Recipe(300, 64, "sgd", 0.05),
            stand_in="digits",
        ),
        Family(
            "digits", "8x8 digits", "image label", "hidden units", (1, 2, 3, 4, 6, 8, 12, 16, 24, 32), lenet.small, _digits,
            lenet.batch, lenet.loss, lenet.answer, Recipe(1500, 32, "sgd", 0.1), Recipe(600, 32, "sgd", 0.1),
        ),
        Family(
            "autoencoder", "CIFAR-100", "reconstruction", "bottleneck", autoencoder.BOTTLENECKS, autoencoder.build,
            autoencoder.load, autoencoder.batch, autoencoder.loss, autoencoder.answer, COPYING,
            Recipe(200, 64, "adam", 1e-3, cosine=True), stand_in="autoencoder-photographs",
        ),
        Family(
            "autoencoder-photographs", "pieces of two photographs", "reconstruction", "bottleneck",
            autoencoder.BOTTLENECKS, autoencoder.build, autoencoder.load_photographs, autoencoder.batch, autoencoder.loss,
            autoencoder.answer, COPYING, Recipe(200, 64, "adam", 1e-3, cosine=True),
        ),
        Family(
            "transformer", "Omniglot episodes", "sequence", "width", sequence.WIDTHS, sequence.build, sequence.load,
            sequence.batch, sequence.loss, sequence.answer, EPISODES, Recipe(800, 32, "adam", 3e-3, cosine=True, clip=1.0),
            stand_in="transformer-digits",
        ),
        Family(
            "transformer-digits", "episodes of turned digits", "sequence", "width", sequence.WIDTHS, sequence.build,
            sequence.load_digits, sequence.batch, sequence.loss, sequence.answer, EPISODES,
            Recipe(800, 32, "adam", 3e-3, cosine=True, clip=1.0),
        ),
    )
}  # fmt: skip
"""All families by name. Each recipe is the whole training; the quick one is for ``--mode small``."""


def get(name: str) -> Family:
    """Look a family up.

    Raises
    ------
    ValueError
        If there is no such family; the message lists those that exist.

    >>> get("lenet").width
    'hidden units'
    """
    if name not in FAMILIES:
        raise ValueError(f"unknown family {name!r}: choose one of {', '.join(FAMILIES)}")
    return FAMILIES[name]


def members(widths: Iterable[int], seeds: Iterable[int]) -> list[Member]:
    """Cross widths and seeds.

    >>> len(members((1, 2), range(3)))
    6
    """
    widths = list(widths)
    return [Member(width, seed) for seed in seeds for width in widths]


def train(
    name: str,
    folder: str | Path,
    chosen: Iterable[Member],
    recipe: Recipe | None = None,
    root: str | Path | None = None,
    download: bool = False,
    device: str = "auto",
    jobs: int = -1,
    backend: str = "loky",
) -> list[Path]:
    """Train networks of a family; finished ones are left as they are, interrupted ones go on.

    Parameters
    ----------
    root, download : where the family's data are; see :mod:`mirage_lib.vision.datasets`
    device : ``auto`` takes a GPU where there is one
    jobs : processes on a CPU; -1 is one a core
    backend : joblib's, such as ``loky``, or ``ray`` on a cluster

    Returns
    -------
    The folders of the networks.
    """
    family = get(name)
    recipe = recipe or family.recipe
    data = family.load(root, download)
    chosen = sorted(chosen, key=lambda member: (member.seed, -member.width))
    paths = [Path(folder) / member.name for member in chosen]
    if choose_device(device) != "cpu":
        _train_stacked(family, chosen, recipe, data, Path(folder), choose_device(device))
        return paths
    from joblib import Parallel, delayed, parallel_config

    if backend == "ray":
        _register_ray()
    # Ray's backend hands results back all at once, so its progress is not shown network by network.
    returns = "list" if backend == "ray" else "generator_unordered"
    with parallel_config(backend, n_jobs=jobs):
        done = Parallel(return_as=returns)(
            delayed(_train_quietly)(name, member, recipe, data, path) for member, path in zip(chosen, paths, strict=True)
        )
        for _ in tqdm(done, total=len(chosen), desc=f"{name}, networks"):
            pass
    return paths


def _register_ray() -> None:
    try:
        from ray.util.joblib import register_ray
    except ImportError:
        raise ValueError("backend 'ray' needs Ray: install it with 'pip install ray'") from None
    register_ray()


def _train_quietly(name: str, member: Member, recipe: Recipe, data: object, folder: Path) -> str:
    # By its name, as a family's functions would not travel to another machine whole.
    train_one(get(name), member, recipe, data, folder)
    return member.name


def _train_stacked(
    family: Family, chosen: list[Member], recipe: Recipe, data: object, folder: Path, device: str
) -> None:
    """Train all seeds of a width at once, and save each as if it had been trained alone."""
    from contextlib import ExitStack
    from dataclasses import asdict

    for width in sorted({member.width for member in chosen}):
        left = [m for m in chosen if m.width == width and not (folder / m.name / "model.safetensors").exists()]
        if not left:
            continue
        with ExitStack() as locks:
            for member in left:
                locks.enter_context(runs.hold(folder / member.name))
                runs.claim(folder / member.name, {"family": family.name, **asdict(member), **asdict(recipe)})
            networks = train_stack(family, width, [member.seed for member in left], recipe, data, device)
            for member, network in zip(left, networks, strict=True):
                save_weights(network.state_dict(), folder / member.name)


def collect(
    name: str, folder: str | Path, root: str | Path | None = None, download: bool = False
) -> tuple[pl.DataFrame, dict[str, str]]:
    """Ask every finished network of a folder the test items.

    Returns
    -------
    An outputs table of the family's kind, and the SHA-256 of each network's weights.

    Raises
    ------
    ValueError
        If there is no finished network.
    """
    family = get(name)
    data = family.load(root, download)
    found = sorted(Path(folder).glob("*/model.safetensors"))
    if not found:
        raise ValueError(f"{folder} holds no finished network: run 'mirage vision train {name}' first")
    tables, weights = [], {}
    for path in tqdm(found, desc=f"{name}, asking"):
        settings = runs.read(path.parent)
        member = Member(settings["width"], settings["seed"])
        network = load_weights(family.seeded(member.width, member.seed), path.parent)
        tables.append(answers(family, member, network, data))
        weights[member.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return outputs.check(pl.concat(tables).sort("n_params", "seed", "item"), family.kind), weights


def answers(family: Family, member: Member, network, data: object) -> pl.DataFrame:
    """Ask one network the test items, and name the rows as an outputs table does."""
    said = family.answer(network, data)
    size = sum(weights.numel() for weights in network.parameters())
    return said.select(
        pl.lit(family.name).alias("family"),
        pl.lit(f"{family.width} {member.width}").alias("model"),
        pl.lit(size, pl.Int64).alias("n_params"),
        pl.lit(member.seed, pl.Int64).alias("seed"),
        pl.lit(family.task).alias("task"),
        "item",
        pl.lit(1, pl.Int64).alias("group"),
        pl.lit(0.0).alias("temperature"),
        pl.lit(0, pl.Int64).alias("sample"),
        pl.exclude("item"),
    )


def live(name: str, widths: Iterable[int], seeds: Iterable[int], jobs: int = -1) -> pl.DataFrame:
    """Train a small family while the reader waits, and return what its networks say; nothing is written.

    >>> live("digits", (2,), (0,), jobs=1)["item"].n_unique()
    360
    """
    from joblib import Parallel, delayed

    chosen = sorted(members(widths, seeds), key=lambda member: -member.width)
    data = get(name).load(None, False)
    tables = Parallel(n_jobs=jobs)(delayed(_answer_quickly)(name, member, data) for member in chosen)
    return outputs.check(pl.concat(tables).sort("n_params", "seed", "item"), get(name).kind)


def _answer_quickly(name: str, member: Member, data: object) -> pl.DataFrame:
    family = get(name)
    return answers(family, member, train_one(family, member, family.quick, data), data)
