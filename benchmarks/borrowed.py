"""Borrowed: packages that only a comparison needs, in folders of their own below runs/bench.

The book's environment stays as it is locked. Where a package cannot be had, its comparison is left out and the
results say why.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

ROOM = Path(__file__).resolve().parent.parent / "runs" / "bench"
SECONDS = 180


class Absent(Exception):
    """A package that could not be had; the text is the reason, in a few words."""


def package(name: str, pinned: str) -> None:
    """Make a package from PyPI importable here, as ``pinned`` (such as ``plotly==6.0.0``) says.

    Raises
    ------
    Absent
        If it is not there and cannot be installed.
    """
    folder = ROOM / "packages" / pinned.replace("==", "-")
    if not (folder / name).is_dir():
        uv = Path(sys.executable).with_name("uv")
        install = [str(uv), "pip", "install", "--quiet", "--python", sys.executable] if uv.exists() else [sys.executable, "-m", "pip", "install", "--quiet"]
        _run([*install, "--target", str(folder), pinned], folder, f"{pinned} could not be installed")
    # Behind what the book has, so that a borrowed dependency never takes the place of a locked one.
    sys.path.append(str(folder))


def from_npm(pinned: str) -> Path:
    """The folder of an npm package, unpacked, as ``pinned`` (such as ``@a/b@1.0.0``) says.

    Raises
    ------
    Absent
        If it is not there and npm is not either, or cannot fetch it.
    """
    folder = ROOM / "npm" / pinned.replace("/", "-")
    if not (folder / "package").is_dir():
        npm = shutil.which("npm")
        if npm is None:
            raise Absent(f"{pinned} needs npm, which is not here")
        folder.mkdir(parents=True, exist_ok=True)
        _run([npm, "pack", "--silent", "--pack-destination", str(folder), pinned], folder, f"{pinned} could not be fetched")
        with tarfile.open(next(folder.glob("*.tgz"))) as packed:
            packed.extractall(folder, filter="data")
    return folder / "package"


def _run(command: list[str], folder: Path, what: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise Absent(f"{what}: {type(error).__name__}") from error
    if done.returncode:
        shutil.rmtree(folder, ignore_errors=True)  # Half an installation would be taken for a whole one.
        raise Absent(what)
