"""Find the Chromium that the browser tests drive, or install Playwright's own.

    .venv/bin/python tools/browser.py

MIRAGE_CHROMIUM names another one.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PROGRAMS = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Arguments under which Chromium runs anywhere, containers included, and asks nobody anything."""
INSTALL_SECONDS = 300


def find() -> Path | None:
    """The first Chromium here that starts, or None."""
    return next((path for path in candidates() if starts(path)), None)


def candidates() -> Iterator[Path]:
    """Where a Chromium may be: MIRAGE_CHROMIUM alone if it is set, else the system's, then Playwright's."""
    if named := os.environ.get("MIRAGE_CHROMIUM"):
        yield Path(named)
        return
    for command in COMMANDS:
        if found := shutil.which(command):
            yield Path(found)
    yield from map(Path, PROGRAMS)
    try:
        from playwright.sync_api import sync_playwright

        with sync_playwright() as playwright:
            own = Path(playwright.chromium.executable_path)
    except Exception:  # Not installed, or its driver does not run here: then it has no browser either.
        return
    yield own


def starts(path: Path) -> bool:
    """Whether a program is there and runs; Ubuntu's `chromium-browser` is at times only a pointer."""
    if not path.is_file():
        return False
    if os.name == "nt":  # There `--version` would open a window.
        return True
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def main() -> str | None:
    """Print where Chromium is, having installed Playwright's if need be; return a complaint if not."""
    named = os.environ.get("MIRAGE_CHROMIUM")
    path = find()
    if path is None and named:
        return f"MIRAGE_CHROMIUM is {named!r}, and that does not start: name a Chromium, or unset it."
    if path is None:
        print("No Chromium here: trying Playwright's.", flush=True)
        try:
            subprocess.run(
                [sys.executable, "-m", "playwright", "install", "chromium"],
                capture_output=True,
                timeout=INSTALL_SECONDS,
            )
        except subprocess.TimeoutExpired:
            pass
        path = find()
    if path is None:
        return (
            "No Chromium for the browser tests, and Playwright's could not be installed: `apt-get "
            "install chromium`, `brew install --cask chromium`, or set MIRAGE_CHROMIUM=path."
        )
    print(f"Browser tests use {path}.")
    return None


if __name__ == "__main__":
    sys.exit(main())
