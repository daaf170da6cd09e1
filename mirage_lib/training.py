"""Training: what the ladder and the vision families share, whatever is trained: device, schedule, checkpoint, finished weights.

Everything is written whole or not at all, so that a killed run leaves a whole checkpoint or the one before.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mirage_lib import runs

if TYPE_CHECKING:
    import torch
    from torch import nn


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


def save_checkpoint(folder: Path, step: int, network: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """Write where a run stands, whole or not at all."""
    import torch

    content = io.BytesIO()
    torch.save({"step": step, "model": network.state_dict(), "optimiser": optimiser.state_dict()}, content)
    runs.write(folder / "checkpoint.pt", content.getvalue())


def load_checkpoint(folder: Path | None, network: nn.Module, optimiser: torch.optim.Optimizer, device: str = "cpu") -> int:
    """Bring network and optimiser to where a run stood; return the number of steps done, 0 without a checkpoint."""
    import torch

    if folder is None or not (folder / "checkpoint.pt").exists():
        return 0
    with runs.sound(folder / "checkpoint.pt", "delete it to train from the start"):
        state = torch.load(folder / "checkpoint.pt", map_location=device, weights_only=True)
        network.load_state_dict(state["model"])
        optimiser.load_state_dict(state["optimiser"])
        return int(state["step"])


def save_weights(weights: dict[str, torch.Tensor], folder: Path) -> None:
    """Write finished weights as ``model.safetensors``, whole or not at all, and take the checkpoint away."""
    from safetensors.torch import save

    runs.write(folder / "model.safetensors", save({name: value.detach().cpu().contiguous() for name, value in weights.items()}))
    (folder / "checkpoint.pt").unlink(missing_ok=True)


def load_weights(network: nn.Module, folder: Path, strict: bool = True) -> nn.Module:
    """Fill a network with the finished weights of a folder, for use.

    Parameters
    ----------
    strict : bool
        Whether every weight has to be in the file; those that two names share are written once.
    """
    from safetensors.torch import load_file

    path = folder / "model.safetensors"
    with runs.sound(path, "delete its folder and train it again"):
        network.load_state_dict(load_file(path), strict=strict)
    return network.eval()
