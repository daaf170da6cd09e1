"""A family of language models that can add and multiply, trained from scratch on this machine.

The rungs share everything but their width: decoder-only Llama blocks, three layers, four heads,
one character a token. A rung is trained on documents of three solved problems; only the characters
of the answers count in the loss. What it is asked later are prompts of :mod:`problems`.

Two examples of what training sees (``_`` is padding, ``^`` marks characters that count)::

    12*7=84|40*33=1320|23*45=1035|____      6134+9189=15323|5+0=5|71+1=72|
         ^^^      ^^^^^      ^^^^^                    ^^^^^^    ^^     ^^^

The bar stands for the newline that ends every problem; it counts too, since a model has to know
when to stop. A document holds problems of one operation, its answer lengths drawn evenly.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mirage_lib.arithmetic.problems import (
    OPERATIONS,
    SHOTS,
    Operation,
    sample_pairs,
)

WIDTHS = (4, 8, 12, 16, 20, 24, 28, 32, 40, 48, 64)
LAYERS = 3
HEADS = 4
CHARACTERS = "\n" + "".join(map(chr, range(32, 127)))
PAD = len(CHARACTERS)
IGNORE = -100
_CODE = np.full(128, PAD, dtype=np.int64)
_CODE[[ord(c) for c in CHARACTERS]] = np.arange(len(CHARACTERS))


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
    """

    steps: int = 3000
    batch: int = 32
    learning_rate: float = 1e-2

    def peak(self, width: int) -> float:
        """Peak learning rate at a width: in inverse proportion, as wide rungs bear less, up to double.

        >>> Budget().peak(64), Budget().peak(4)
        (0.005, 0.02)
        """
        return self.learning_rate * min(2.0, 32 / width)


def encode(text: str) -> list[int]:
    """Turn characters into token numbers.

    Raises
    ------
    ValueError
        If a character is neither printable ASCII nor a newline.

    >>> "".join(CHARACTERS[i] for i in encode("2+2=4"))
    '2+2=4'
    """
    unknown = set(text) - set(CHARACTERS)
    if unknown:
        raise ValueError(f"character {min(unknown)!r} is not known: printable ASCII and newline are")
    return _CODE[np.frombuffer(text.encode("ascii"), dtype=np.uint8)].tolist()


def documents(
    op: Operation, n: int, rng: np.random.Generator, problems: int = SHOTS + 1
) -> tuple[np.ndarray, np.ndarray]:
    """Make ``n`` training documents of ``problems`` solved training problems each.

    Returns
    -------
    tokens : (n, longest) int64, padded on the right with ``PAD``
    labels : the same, with ``IGNORE`` wherever a character is not part of an answer

    >>> tokens, labels = documents(OPERATIONS["addition"], 1, np.random.default_rng(1))
    >>> "".join(CHARACTERS[i] for i in tokens[0] if i != PAD).count("=")
    3
    """
    a, b = sample_pairs(op, rng.choice(op.lengths, n * problems), rng, held_out=False)
    fields = [_digit_codes(a), _sign(op.sign, a), _digit_codes(b), _sign("=", a)]
    answer = [_digit_codes(op.answer(a, b)), _sign("\n", a)]
    tokens = np.concatenate(fields + answer, axis=1)
    counts = np.zeros(tokens.shape, dtype=bool)
    counts[:, sum(f.shape[1] for f in fields) :] = True
    tokens, counts = tokens.reshape(n, -1), counts.reshape(n, -1)
    # Push the blanks between fields to the end of each document, keeping the order of the rest.
    order = np.argsort(tokens == PAD, axis=1, kind="stable")
    tokens = np.take_along_axis(tokens, order, axis=1)
    counts = np.take_along_axis(counts, order, axis=1)
    longest = int((tokens != PAD).sum(axis=1).max())
    labels = np.where(counts & (tokens != PAD), tokens, IGNORE)
    return tokens[:, :longest], labels[:, :longest]


def _digit_codes(values: np.ndarray) -> np.ndarray:
    """(n,) integers to (n, 5) token numbers, leading zeros blank."""
    powers = 10 ** np.arange(4, -1, -1)
    figures = values[:, None] // powers % 10
    blank = (values[:, None] < powers) & (powers > 1)
    return np.where(blank, PAD, figures + _CODE[ord("0")])


def _sign(character: str, like: np.ndarray) -> np.ndarray:
    return np.full((len(like), 1), _CODE[ord(character)])


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
        If the folder holds a run with other settings, which going on would mix up.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     rung = train_rung(folder, width=4, seed=0, budget=Budget(steps=2, batch=4), progress=False)
    >>> rung.num_parameters()
    1376
    """
    import torch
    from safetensors.torch import load_file, save_file

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, {"width": width, "seed": seed, **asdict(budget)})
    device = choose_device(device)
    model = build(width, seed)
    done = folder / "model.safetensors"
    if done.exists():
        model.load_state_dict(load_file(done), strict=False)
        return model.to(device).eval()

    torch.set_num_threads(1 if device == "cpu" else torch.get_num_threads())
    model.to(device).train()
    optimiser = torch.optim.AdamW(
        model.parameters(), lr=budget.peak(width), betas=(0.9, 0.98), weight_decay=0.01, fused=True
    )
    start = _load_checkpoint(folder, model, optimiser, device)
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
            group["lr"] = budget.peak(width) * schedule(step, budget.steps)
        losses = [
            _backward(model, op, budget.batch, np.random.default_rng([seed, step, ord(op.sign)]))
            for op in OPERATIONS.values()
        ]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        if (step + 1) % 50 == 0:
            _log(folder, step + 1, dict(zip(OPERATIONS, losses, strict=True)))
            bar.set_postfix(loss=f"{np.mean(losses):.3f}")
        if (step + 1) % checkpoint_every == 0:
            _save_checkpoint(folder, step + 1, model, optimiser)
    weights = {k: v.cpu().contiguous() for k, v in model.state_dict().items() if k != "lm_head.weight"}
    save_file(weights, folder / "model.part")
    os.replace(folder / "model.part", done)
    (folder / "checkpoint.pt").unlink(missing_ok=True)
    return model.eval()


def _claim(folder: Path, settings: dict) -> None:
    """Write the settings of a run beside it, or compare them with those already there."""
    path = folder / "settings.json"
    if not path.exists():
        part = folder / "settings.part"
        part.write_text(json.dumps(settings, indent=1))
        os.replace(part, path)
        return
    found = json.loads(path.read_text())
    if found != settings:
        raise ValueError(
            f"{folder} holds a run with {found}, but {settings} was asked for: "
            "take another folder, or delete this one to start it anew"
        )


def read_settings(folder: str | Path) -> dict:
    """Return the settings of the run in a folder, as arguments of :func:`train_rung`."""
    found = json.loads((Path(folder) / "settings.json").read_text())
    return {
        "width": found.pop("width"),
        "seed": found.pop("seed"),
        "budget": Budget(**found),
    }


def choose_device(device: str) -> str:
    """Resolve ``auto`` to ``cuda`` or ``cpu``.

    >>> choose_device("cpu")
    'cpu'
    """
    if device != "auto":
        return device
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def schedule(step: int, steps: int) -> float:
    """Share of the peak learning rate at a step: linear warm-up, then a cosine to zero.

    >>> schedule(0, 100), schedule(5, 100)
    (0.2, 1.0)
    """
    warm_up = max(1, steps // 20)
    if step < warm_up:
        return (step + 1) / warm_up
    return float(0.5 * (1 + np.cos(np.pi * (step - warm_up) / max(1, steps - warm_up))))


def _backward(model, op: Operation, batch: int, rng: np.random.Generator) -> float:
    """Add the gradient of one batch's mean loss over answer characters, in nats."""
    import torch

    tokens, labels = (torch.from_numpy(x).to(model.device) for x in documents(op, batch, rng))
    hidden = model.model(tokens[:, :-1], use_cache=False).last_hidden_state
    wanted = labels[:, 1:]
    counts = wanted != IGNORE
    loss = torch.nn.functional.cross_entropy(model.lm_head(hidden[counts]), wanted[counts])
    (loss / len(OPERATIONS)).backward()
    return loss.item()


def _save_checkpoint(folder: Path, step: int, model, optimiser) -> None:
    import torch

    state = {"step": step, "model": model.state_dict(), "optimiser": optimiser.state_dict()}
    torch.save(state, folder / "checkpoint.part")
    os.replace(folder / "checkpoint.part", folder / "checkpoint.pt")


def _load_checkpoint(folder: Path, model, optimiser, device: str) -> int:
    import torch

    path = folder / "checkpoint.pt"
    if not path.exists():
        return 0
    state = torch.load(path, map_location=device, weights_only=True)
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    return state["step"]


def _log(folder: Path, step: int, losses: dict[str, float]) -> None:
    with (folder / "log.jsonl").open("a") as file:
        file.write(json.dumps({"step": step, **losses}) + "\n")


def train(
    folder: str | Path,
    widths: Iterable[int] = WIDTHS,
    seeds: Iterable[int] = (0, 1, 2),
    budget: Budget = Budget(),
    device: str = "auto",
    jobs: int = -1,
) -> list[Path]:
    """Train every rung of the ladder, one process a core; finished rungs are left as they are.

    Large rungs go first, so that no core waits for the last one. On a cluster, call this inside
    ``joblib.parallel_config("ray")``.

    Returns
    -------
    The folders of the rungs.
    """
    from joblib import Parallel, delayed

    rungs = [
        (Path(folder) / f"width{width}-seed{seed}", width, seed)
        for seed in seeds
        for width in sorted(widths, reverse=True)
    ]
    Parallel(n_jobs=jobs)(
        delayed(_train_quietly)(path, width, seed, budget, device) for path, width, seed in rungs
    )
    return [path for path, _, _ in rungs]


def _train_quietly(path: Path, width: int, seed: int, budget: Budget, device: str) -> None:
    train_rung(path, width, seed, budget, device)
