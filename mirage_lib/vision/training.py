"""Training: one network after the other on a CPU, or many at once on a GPU.

A family says what is built, what a batch is and what the loss is (:mod:`mirage_lib.vision.families`). The
batch of a step depends on the seed and on the step alone, and a checkpoint holds weights, optimiser and
step, so a run that was killed ends with the same weights as one that was not. The optimisers work number
by number, so networks that are stacked take the same steps as each would take alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from mirage_lib import runs
from mirage_lib.training import load_checkpoint, load_weights, save_checkpoint, save_weights, schedule

if TYPE_CHECKING:
    import polars as pl
    import torch
    from torch import nn

CHECKPOINT_EVERY = 500


@dataclass(frozen=True)
class Recipe:
    """How every network of a family is trained.

    Attributes
    ----------
    steps, batch : int
    optimiser : str
        ``sgd`` (no momentum) or ``adam`` (AdamW).
    learning_rate : float
    cosine : bool
        A rate that warms up over the first twentieth and then falls along a cosine to zero, or a constant one.
    clip : float
        Largest norm of a gradient; 0 is any.
    """

    steps: int
    batch: int
    optimiser: str
    learning_rate: float
    cosine: bool = False
    clip: float = 0.0

    def rate(self, step: int) -> float:
        """Learning rate of a step.

        >>> Recipe(100, 1, "sgd", 0.5).rate(99), Recipe(100, 1, "adam", 0.5, cosine=True).rate(0)
        (0.5, 0.1)
        """
        return self.learning_rate * schedule(step, self.steps) if self.cosine else self.learning_rate


@dataclass(frozen=True)
class Family:
    """A family of networks that differ in width alone.

    Attributes
    ----------
    name, task, kind : str
        ``kind`` is that of its outputs, one of :data:`mirage_lib.outputs.KINDS`.
    widths : tuple of int
        Of the whole family; what is called width is said in ``width``.
    width : str
    build : function
        From a width to an untrained network; the caller sets torch's seed.
    load : function
        From a folder (or None) and whether to download, to the family's data on the CPU.
    batch : function
        From data, recipe, seed and step to a tuple of tensors.
    loss : function
        From the network's forward function and a batch to one number.
    answer : function
        From a trained network and the data to the payload columns of its outputs, and ``item``.
    recipe, quick : Recipe
        How it is trained in full and for a first look.
    stand_in : str
        The family that takes its place where its data are not to be had.
    """

    name: str
    task: str
    kind: str
    width: str
    widths: tuple[int, ...]
    build: Callable[[int], nn.Module]
    load: Callable[[str | Path | None, bool], Any]
    batch: Callable[[Any, Recipe, int, int], tuple[torch.Tensor, ...]]
    loss: Callable[[Callable, tuple[torch.Tensor, ...]], torch.Tensor]
    answer: Callable[[nn.Module, Any], pl.DataFrame]
    recipe: Recipe
    quick: Recipe
    stand_in: str = ""

    def seeded(self, width: int, seed: int) -> nn.Module:
        """Build an untrained network with the weights that belong to a seed."""
        import torch

        torch.manual_seed(1_000_003 * seed + width)
        return self.build(width)


@dataclass(frozen=True)
class Member:
    """One network of a family.

    >>> Member(8, 0).name
    'width8-seed0'
    """

    width: int
    seed: int

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"width{self.width}-seed{self.seed}"


def shuffled(n: int, recipe: Recipe, seed: int, step: int) -> np.ndarray:
    """Which of ``n`` items a step sees: a fresh order every epoch, the rest of an epoch left out.

    >>> steps = [shuffled(6, Recipe(4, 3, "sgd", 0.1), seed=0, step=step).tolist() for step in (0, 1)]
    >>> sorted(steps[0] + steps[1])
    [0, 1, 2, 3, 4, 5]
    """
    epoch, place = divmod(step, n // recipe.batch)
    order = np.random.default_rng([seed, epoch]).permutation(n)
    return order[place * recipe.batch : (place + 1) * recipe.batch]


def _optimiser(parameters: Iterable[torch.Tensor], recipe: Recipe) -> torch.optim.Optimizer:
    import torch

    if recipe.optimiser == "sgd":
        return torch.optim.SGD(parameters, lr=recipe.learning_rate)
    if recipe.optimiser == "adam":
        return torch.optim.AdamW(parameters, lr=recipe.learning_rate, weight_decay=0.01)
    raise ValueError(f"optimiser {recipe.optimiser!r}: it has to be 'sgd' or 'adam'")


def train_one(
    family: Family, member: Member, recipe: Recipe, data: Any, folder: str | Path | None = None,
    progress: bool = False, stop: Callable[[int], bool] = lambda step: False,
) -> nn.Module:  # fmt: skip
    """Train one network on the CPU with one thread, or go on where an interrupted run stopped.

    Parameters
    ----------
    folder : path, optional
        Where settings, checkpoint and finished weights lie; a finished network is loaded. Without one
        nothing is written.
    stop : function of the step, optional
        Where it says so, training ends as if it had been killed right behind a checkpoint.

    Raises
    ------
    ValueError
        If the folder holds a run with other settings, if another process is training there, or if a file of
        it is damaged.
    """
    import torch

    torch.set_num_threads(1)
    network = family.seeded(member.width, member.seed)
    if folder is None:
        return _go_on(family, member, recipe, data, None, network, progress, stop)
    folder, settings = Path(folder), {"family": family.name, **asdict(member), **asdict(recipe)}
    if not (folder / "model.safetensors").exists():
        with runs.hold(folder):
            runs.claim(folder, settings)
            if not (folder / "model.safetensors").exists():
                return _go_on(family, member, recipe, data, folder, network, progress, stop)
    runs.claim(folder, settings)
    runs.tidy(folder, "checkpoint.pt")
    return load_weights(network, folder)


def _go_on(
    family: Family, member: Member, recipe: Recipe, data: Any, folder: Path | None, network: nn.Module, progress: bool,
    stop: Callable[[int], bool],
) -> nn.Module:  # fmt: skip
    """Train a network from its last checkpoint, if there is one, to its end."""
    import torch

    network.train()
    optimiser = _optimiser(network.parameters(), recipe)
    start = load_checkpoint(folder, network, optimiser)
    bar = tqdm(
        range(start, recipe.steps), initial=start, total=recipe.steps, desc=f"{family.name} {member.name}",
        disable=not progress, mininterval=5,
    )  # fmt: skip
    for step in bar:
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate(step)
        loss = family.loss(network, family.batch(data, recipe, member.seed, step))
        optimiser.zero_grad()
        loss.backward()
        if recipe.clip:
            torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.clip)
        optimiser.step()
        if folder is not None and (step + 1) % CHECKPOINT_EVERY == 0 and step + 1 < recipe.steps:
            save_checkpoint(folder, step + 1, network, optimiser)
            if stop(step + 1):
                return network
    if folder is not None:
        save_weights(network.state_dict(), folder)
    return network.eval()


def train_stack(
    family: Family, width: int, seeds: Sequence[int], recipe: Recipe, data: Any, device: str = "cpu"
) -> list[nn.Module]:
    """Train the networks of one width at once, their weights stacked; made for GPUs.

    On a CPU this gains nothing. Each network sees the batches that it would see alone, and ends where it
    would end alone, within floating error.

    Returns
    -------
    The trained networks, in the order of the seeds.
    """
    import torch
    from torch.func import functional_call, grad_and_value, stack_module_state, vmap

    networks = [family.seeded(width, seed).to(device) for seed in seeds]
    weights, buffers = stack_module_state(networks)
    weights = {name: value.detach().clone() for name, value in weights.items()}
    shape = networks[0]

    def loss_of(weights, buffers, batch):
        return family.loss(lambda *inputs: functional_call(shape, (weights, buffers), inputs), batch)

    step_of = vmap(grad_and_value(loss_of))
    optimiser = _optimiser(weights.values(), recipe)
    for step in range(recipe.steps):
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate(step)
        each = [family.batch(data, recipe, seed, step) for seed in seeds]
        batch = tuple(torch.stack(parts).to(device) for parts in zip(*each, strict=True))
        gradients, _ = step_of(weights, buffers, batch)
        _clip(gradients, recipe.clip)
        for name, value in weights.items():
            value.grad = gradients[name]
        optimiser.step()
    for position, network in enumerate(networks):
        network.load_state_dict({name: (weights | buffers)[name][position] for name in network.state_dict()})
        network.cpu().eval()
    return networks


def _clip(gradients: dict[str, torch.Tensor], most: float) -> None:
    """Scale each network's gradient down to a norm, as :func:`torch.nn.utils.clip_grad_norm_` does for one."""
    if not most:
        return
    squares, *others = ((value.flatten(1) ** 2).sum(1) for value in gradients.values())
    for other in others:
        squares = squares + other
    factor = (most / (squares.sqrt() + 1e-6)).clamp(max=1.0)
    for value in gradients.values():
        value.mul_(factor.view(-1, *[1] * (value.dim() - 1)))
