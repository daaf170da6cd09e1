"""A family of language models that can add and multiply, trained from scratch on this machine.

The rungs share everything but their width: decoder-only Llama blocks, three layers, four heads,
one character a token. They are trained on :mod:`documents`, and asked prompts of :mod:`problems`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mirage_lib import runs, training
from mirage_lib.arithmetic.documents import CHARACTERS, IGNORE, PAD, documents, encode
from mirage_lib.arithmetic.problems import OPERATIONS, TEMPLATES, Operation

WIDTHS = (4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 64, 80, 112)
LAYERS = 3
HEADS = 4


@dataclass(frozen=True)
class Budget:
    """How a rung is trained.

    Attributes
    ----------
    steps : int
        Optimiser steps.
    batch : int
        Documents a step and operation; a step sees one batch of each operation.
    learning_rate : float
        Peak rate of a rung 32 wide; linear warm-up over the first twentieth, then a cosine to zero.
    templates : tuple of str
        Names of the prompt templates that the documents are written in, each equally often.
    """

    steps: int = 3000
    batch: int = 32
    learning_rate: float = 1e-2
    templates: tuple[str, ...] = ("plain",)

    def peak(self, width: int) -> float:
        """Peak learning rate at a width: in inverse proportion, as wide rungs bear less, up to double.

        >>> Budget().peak(64), Budget().peak(4)
        (0.005, 0.02)
        """
        return self.learning_rate * min(2.0, 32 / width)


@dataclass(frozen=True)
class Rung:
    """One model to train: a width, a seed and a budget.

    >>> Rung(64, 0).name
    'width64-seed0-steps3000'
    """

    width: int
    seed: int
    budget: Budget = Budget()

    @property
    def name(self) -> str:
        """The name of its folder."""
        return f"width{self.width}-seed{self.seed}-steps{self.budget.steps}"


def rungs(
    widths: Iterable[int], seeds: Iterable[int], steps: Iterable[int] = (3000,), budget: Budget = Budget()
) -> list[Rung]:
    """Cross widths, seeds and numbers of training steps.

    >>> len(rungs((4, 8), range(3)))
    6
    """
    widths, steps = list(widths), list(steps)
    return [Rung(w, seed, replace(budget, steps=n)) for seed in seeds for n in steps for w in widths]


MODES = {
    "small": rungs((4, 8, 16, 32, 64), range(1), (1500,)),
    # Two more seeds where single runs leap at this budget.
    "ladder": rungs(WIDTHS, range(3)) + rungs((20, 24, 28, 32), (3, 4)),
    "tokens": rungs((32, 64), range(2), (750, 1500, 3000)) + rungs((32,), range(2), (6000,)),
    "formats": rungs((8, 16, 32, 64), range(2), budget=Budget(templates=tuple(TEMPLATES))),
    # Many seeds of one size at which some learn to add five digits and some do not; the ladder has its first five.
    "seeds": rungs((24,), range(5, 29)),
    "full": rungs((*WIDTHS, 192, 320, 512, 832, 1440), range(5)),
}
"""What ``mirage arithmetic train --mode`` trains: a first look in minutes; the ladder of this book; two
sizes trained for other numbers of steps; a ladder that reads three prompt formats; many seeds of one
size; and one up to 100 million parameters for a GPU."""


def mode(name: str) -> list[Rung]:
    """Look up what a mode trains.

    Raises
    ------
    ValueError
        If there is no such mode; the message lists those that exist.

    >>> len(mode("small"))
    5
    """
    if name not in MODES:
        raise ValueError(f"unknown mode {name!r}: choose one of {', '.join(MODES)}")
    return MODES[name]


def build(width: int, seed: int):
    """Make an untrained rung: a ``transformers.LlamaForCausalLM``.

    Heads are a quarter of the width, rounded up to an even number as rotary positions need.

    >>> build(8, seed=0).num_parameters()
    3904
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(CHARACTERS) + 1,
            hidden_size=width,
            intermediate_size=4 * width,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            head_dim=2 * -(-width // (2 * HEADS)),
            max_position_embeddings=128,
            tie_word_embeddings=True,
            initializer_range=0.5 / np.sqrt(width),
            pad_token_id=PAD,
            bos_token_id=None,
            eos_token_id=encode("\n")[0],
            use_cache=True,
        )
    )


def train_rung(
    folder: str | Path,
    width: int,
    seed: int,
    budget: Budget = Budget(),
    device: str = "auto",
    checkpoint_every: int = 250,
    progress: bool = True,
):
    """Train one rung, or go on where an interrupted run of it stopped.

    The documents of step ``s`` depend on the seed and on ``s`` alone, and a checkpoint holds weights,
    optimiser and step, so a run that was killed ends with the same weights as one that was not.

    Parameters
    ----------
    folder : path
        Where checkpoint, log and finished weights of this rung lie. A finished rung is loaded.
    width : int
        Hidden size; the one thing that differs between rungs.
    device : str
        ``auto`` takes a GPU where there is one; ``cpu`` uses one thread.

    Returns
    -------
    The trained ``transformers.LlamaForCausalLM``, in evaluation mode.

    Raises
    ------
    ValueError
        If the folder holds a run with other settings, which going on would mix up, if another process is
        training there, or if a file of it is damaged.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rung = train_rung(folder, width=4, seed=0, budget=Budget(steps=2, batch=4), progress=False)
    >>> rung.num_parameters()
    1376
    """
    folder = Path(folder)
    settings = {"width": width, "seed": seed, **asdict(budget)}
    model = build(width, seed).to(training.choose_device(device))
    if not (folder / "model.safetensors").exists():
        with runs.hold(folder):
            runs.claim(folder, settings)
            if not (folder / "model.safetensors").exists():
                _go_on(folder, model, width, seed, budget, checkpoint_every, progress)
                return model.eval()
    runs.claim(folder, settings)
    runs.tidy(folder, "checkpoint.pt")
    return training.load_weights(model, folder, strict=False)


def _go_on(folder: Path, model, width: int, seed: int, budget: Budget, checkpoint_every: int, progress: bool) -> None:
    """Train a rung from its last checkpoint to its end, and write its weights."""
    import torch

    device = model.device.type
    torch.set_num_threads(1 if device == "cpu" else torch.get_num_threads())
    model.train()
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=budget.peak(width), betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )
    start = training.load_checkpoint(folder, model, optimiser, device)
    bar = tqdm(
        range(start, budget.steps),
        initial=start,
        total=budget.steps,
        desc=f"width {width} seed {seed}",
        disable=not progress,
        mininterval=5,
    )
    for step in bar:
        for group in optimiser.param_groups:
            group["lr"] = budget.peak(width) * training.schedule(step, budget.steps)
        losses = [
            _backward(model, op, budget, np.random.default_rng([seed, step, ord(op.sign)]))
            for op in OPERATIONS.values()
        ]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        if (step + 1) % 50 == 0:
            _log(folder, step + 1, dict(zip(OPERATIONS, losses, strict=True)))
            bar.set_postfix(loss=f"{np.mean(losses):.3f}")
        if (step + 1) % checkpoint_every == 0:
            training.save_checkpoint(folder, step + 1, model, optimiser)
    training.save_weights({k: v for k, v in model.state_dict().items() if k != "lm_head.weight"}, folder)


def read_rung(folder: str | Path) -> Rung:
    """Return what is trained in a folder."""
    found = runs.read(folder)
    try:
        width, seed = found.pop("width"), found.pop("seed")
        return Rung(width, seed, Budget(**found | {"templates": tuple(found["templates"])}))
    except (KeyError, TypeError) as error:
        raise ValueError(f"{folder} holds no rung of the ladder: its settings lack or have too much ({error})") from None


def _backward(model, op: Operation, budget: Budget, rng: np.random.Generator) -> float:
    """Add the gradient of one batch's mean loss over answer characters, in nats."""
    import torch

    made = documents(op, budget.batch, rng, templates=budget.templates)
    tokens, labels = (torch.from_numpy(x).to(model.device) for x in made)
    hidden = model.model(tokens[:, :-1], use_cache=False).last_hidden_state
    wanted = labels[:, 1:]
    counts = wanted != IGNORE
    loss = torch.nn.functional.cross_entropy(model.lm_head(hidden[counts]), wanted[counts])
    (loss / len(OPERATIONS)).backward()
    return loss.item()


def _log(folder: Path, step: int, losses: dict[str, float]) -> None:
    with (folder / "log.jsonl").open("a") as file:
        file.write(json.dumps({"step": step, **losses}) + "\n")


def train(
    folder: str | Path, chosen: Iterable[Rung] = MODES["ladder"], device: str = "auto", jobs: int = -1
) -> list[Path]:
    """Train rungs, one process a core; finished ones are left as they are.

    Large rungs go first, so that no core waits for the last one. On a cluster, call this inside
    ``joblib.parallel_config("ray")``.

    Returns
    -------
    The folders of the rungs.
    """
    from joblib import Parallel, delayed

    chosen = sorted(chosen, key=lambda rung: (rung.seed, -rung.width * rung.budget.steps))
    paths = [Path(folder) / rung.name for rung in chosen]
    Parallel(n_jobs=jobs)(
        delayed(_train_quietly)(path, rung, device) for path, rung in zip(paths, chosen, strict=True)
    )
    return paths


def _train_quietly(path: Path, rung: Rung, device: str) -> None:
    train_rung(path, rung.width, rung.seed, rung.budget, device)
