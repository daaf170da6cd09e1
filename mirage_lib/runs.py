"""Runs: the folder of something that takes long, so that it can be stopped and go on.

A run's folder says in ``settings.json`` what it is a run of. Who comes back with other settings is
refused, because half of one run and half of another make neither. A folder is written by one process at
a time: who writes holds its lock.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

LOCK = "lock"
"""The file in a folder that its writer holds; it goes when the writer is done."""
_HELD = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)
"""How systems say that a lock is another's; any other error says that there are no locks here."""


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
        write(folder / "settings.json", json.dumps(settings, indent=1))
    elif (found := read(folder)) != settings:
        raise ValueError(
            f"{folder} holds a run with {found}, but {settings} was asked for: "
            "take another folder, or delete this one to start it anew"
        )


def read(folder: str | Path) -> dict[str, Any]:
    """Return the settings of the run in a folder."""
    path = Path(folder) / "settings.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read ({error}): restore it, or delete the folder to start its run anew") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path} holds no settings of a run: restore it, or delete the folder to start its run anew")
    return found


def write(path: str | Path, content: bytes | str) -> Path:
    """Write a file whole or not at all: until all of it is on the disk, what stood under the name stays.

    Raises
    ------
    OSError
        With the file's name, where the disk is full or the folder cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(Path(folder) / "a.txt", "4").read_bytes()
    b'4'
    """
    path = Path(path)
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
    return path


@contextlib.contextmanager
def sound(path: str | Path, instead: str) -> Iterator[None]:
    """Say of a file that cannot be read that it is damaged, and what to do instead.

    Raises
    ------
    ValueError
        For whatever a package that reads such files raises, but for errors of the system.

    >>> with sound("a.pt", "delete it"):
    ...     raise RuntimeError("no zip")
    Traceback (most recent call last):
    ...
    ValueError: a.pt is damaged (no zip): delete it
    """
    try:
        yield
    except OSError:
        raise
    except BaseException as error:  # noqa: BLE001 - every package has errors of its own
        # A failed assertion in a package written in Rust arrives as a PanicException, which is no Exception.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise
        raise ValueError(f"{path} is damaged ({(str(error) or type(error).__name__).splitlines()[0]}): {instead}") from None


class Busy(ValueError):
    """Another process is writing here."""


@contextlib.contextmanager
def hold(folder: str | Path, wait: float = 0.0, told: Callable[[str], object] | None = None) -> Iterator[int]:
    """Hold the lock of a folder. The system gives it back when this process ends, however it ends.

    Parameters
    ----------
    folder : path
        Made if it is not there.
    wait : float
        Seconds to wait for another process.
    told : function of a text, optional
        Is told once who is waited for.

    Yields
    ------
    The handle of the lock's file. A child that inherits it holds the lock, too.

    Raises
    ------
    Busy
        If another process still holds it; the message has its number, where it is known.
    OSError
        If the folder cannot be written, or takes no locks.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with hold(folder):
    ...         print(sorted(os.listdir(folder)))
    ...     print(os.listdir(folder))
    ['lock']
    []
    """
    path = Path(folder) / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + wait
    while (handle := _take(path)) is None:
        if time.monotonic() >= until:
            raise Busy(f"{_holder(path)} is writing in {path.parent}: wait for it, end it, or take another folder")
        if told:
            told(f"{_holder(path)} is writing in {path.parent}: waiting for it to end.")
            told = None
        time.sleep(0.05)
    try:
        yield handle
    finally:
        _give_back(path, handle)


def tidy(folder: str | Path, *names: str) -> None:
    """Take away what a killed run has left in a folder that is finished: half files, its lock, and files so named.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for name in ("lock", "a.pt.part", "a.pt"):
    ...         _ = write(Path(folder) / name, "")
    ...     tidy(folder)
    ...     print(os.listdir(folder))
    ['a.pt']
    """
    left = [path for path in Path(folder).iterdir() if path.suffix == ".part" or path.name in (LOCK, *names)]
    if left:
        with contextlib.suppress(Busy, OSError), hold(folder):  # somebody else may be at it, or nobody may write
            for path in left:
                if path.name != LOCK:
                    path.unlink(missing_ok=True)


def _take(path: Path) -> int | None:
    """Open and lock a file, and write this process' number into it; None if another process has it."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(handle)
        except OSError as error:
            os.close(handle)
            if error.errno in _HELD:
                return None
            raise OSError(error.errno, f"{error.strerror}: nothing can be locked on this disk, take a folder on another one", str(path)) from None
        # Who held it before may have taken the file away between our opening and our locking it.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.stat(path), os.fstat(handle)):
                break
        os.close(handle)
    with contextlib.suppress(OSError):  # a full disk has no room for a number, but for a lock
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
    return handle


def _lock(handle: int) -> None:
    if sys.platform != "win32":
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    else:
        import msvcrt

        # Far behind the content, so that others can read the number.
        os.lseek(handle, 1 << 20, os.SEEK_SET)
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        os.lseek(handle, 0, os.SEEK_SET)


def _give_back(path: Path, handle: int) -> None:
    if sys.platform != "win32":
        # While it is still ours, so that nobody else's file is taken away.
        with contextlib.suppress(OSError):
            path.unlink()
        os.close(handle)
    else:
        os.close(handle)
        with contextlib.suppress(OSError):
            path.unlink()


def _holder(path: Path) -> str:
    with contextlib.suppress(OSError):
        if (number := path.read_text(errors="replace")).isdecimal():
            return f"another process (number {number})"
    return "another process"
