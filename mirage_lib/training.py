"""Training: what the ladder and the vision families share, whatever is trained: device, schedule, checkpoint, finished weights.

Everything is written to a file beside and renamed, so that a killed run leaves a whole checkpoint or the one before.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

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

    state = {"step": step, "model": network.state_dict(), "optimiser": optimiser.state_dict()}
    torch.save(state, folder / "checkpoint.part")
    os.replace(folder / "checkpoint.part", folder / "checkpoint.pt")


def load_checkpoint(folder: Path | None, network: nn.Module, optimiser: torch.optim.Optimizer, device: str = "cpu") -> int:
    """Bring network and optimiser to where a run stood; return the number of steps done, 0 without a checkpoint."""
    import torch

    if folder is None or not (folder / "checkpoint.pt").exists():
        return 0
    state = torch.load(folder / "checkpoint.pt", map_location=device, weights_only=True)
    network.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    return int(state["step"])


def save_weights(weights: dict[str, torch.Tensor], folder: Path) -> None:
    """Write finished weights as ``model.safetensors``, whole or not at all, and take the checkpoint away."""
    from safetensors.torch import save_file

    save_file({name: value.detach().cpu().contiguous() for name, value in weights.items()}, folder / "model.part")
    os.replace(folder / "model.part", folder / "model.safetensors")
    (folder / "checkpoint.pt").unlink(missing_ok=True)
