"""Runs: the folder of something that takes long, so that it can be stopped and go on.

A run's folder says in ``settings.json`` what it is a run of. Who comes back with other settings is
refused, because half of one run and half of another make neither.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def claim(folder: str | Path, settings: dict[str, Any]) -> None:
    """Write a run's settings into its folder, or compare them with those already there.

    Raises
    ------
    ValueError
        If the folder holds a run with other settings; the message names both.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     claim(folder, {"seed": 1})
    ...     read(folder)
    {'seed': 1}
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    settings = json.loads(json.dumps(settings))  # as they come back from the file
    if not (folder / "settings.json").exists():
        (folder / "settings.part").write_text(json.dumps(settings, indent=1))
        os.replace(folder / "settings.part", folder / "settings.json")
    elif (found := read(folder)) != settings:
        raise ValueError(
            f"{folder} holds a run with {found}, but {settings} was asked for: "
            "take another folder, or delete this one to start it anew"
        )


def read(folder: str | Path) -> dict[str, Any]:
    """Return the settings of the run in a folder."""
    return json.loads((Path(folder) / "settings.json").read_text())
