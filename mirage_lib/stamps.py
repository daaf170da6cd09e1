"""Stamps: what a later reader needs to make the same outputs again."""

from __future__ import annotations

import platform
import subprocess
from collections.abc import Iterable
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

ORIGINS = ("ours", "published", "digitised")
STAMP_FIELDS = (
    "command",
    "revision",
    "versions",
    "device",
    "seeds",
    "date",
    "licence",
    "origin",
    "finished",
)


def stamp(
    command: str,
    seeds: Iterable[int],
    licence: str,
    origin: str = "ours",
    device: str = "cpu",
    packages: Iterable[str] = ("numpy", "polars"),
) -> dict[str, Any]:
    """Collect what a later reader needs to make the same outputs again.

    Raises
    ------
    ValueError
        If the origin is none of ``ours``, ``published``, ``digitised``.

    >>> stamp("mirage arithmetic train", seeds=[0], licence="CC0-1.0")["origin"]
    'ours'
    """
    if origin not in ORIGINS:
        raise ValueError(f"unknown origin {origin!r}: choose one of {', '.join(ORIGINS)}")
    return {
        "command": command,
        "revision": _revision(),
        "versions": {"python": platform.python_version()} | {p: _version(p) for p in packages},
        "device": device,
        "seeds": list(seeds),
        "date": datetime.now(timezone.utc).date().isoformat(),
        "licence": licence,
        "origin": origin,
        "finished": True,
    }


def _revision() -> str:
    """The commit of this code, ``-dirty`` behind it where the working tree differs."""
    here = ["git", "-C", str(Path(__file__).parent)]
    try:
        head = subprocess.run([*here, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
        changed = subprocess.run(
            [*here, "status", "--porcelain", "--", "."], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown (no git checkout)"
    return head.stdout.strip() + ("-dirty" if changed.stdout.strip() else "")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
