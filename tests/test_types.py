"""Types: mypy has nothing to say about the package, and the package says that it has types."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy comes with the test extra")
def test_the_types_of_the_package_hold_strictly_in_its_core():
    done = subprocess.run([sys.executable, "-m", "mypy", "--cache-dir", str(ROOT / ".mypy_cache")], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy comes with the test extra")
def test_a_wrong_type_in_the_core_is_found(tmp_path):
    """The settings are not so lax that nothing could fail."""
    (tmp_path / "wrong.py").write_text("from mirage_lib import curves\n\nnumber: int = curves.wilson(1, 2)\n")
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(ROOT / ".mypy_cache"), "--config-file", str(ROOT / "pyproject.toml"), str(tmp_path / "wrong.py")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and "wrong.py:3: error" in done.stdout, done.stdout + done.stderr


def test_the_package_says_that_it_is_typed():
    assert (ROOT / "mirage_lib" / "py.typed").exists()


def test_no_line_switches_the_checker_off():
    ignoring = [str(path.relative_to(ROOT)) for path in (ROOT / "mirage_lib").rglob("*.py") if "type: ignore" in path.read_text(encoding="utf-8")]
    assert ignoring == []
