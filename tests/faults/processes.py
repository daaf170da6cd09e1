"""Processes: a command in a process of its own, which can be killed at any of its moments.

A moment is one touch of the disk inside a folder: a file opened, renamed or removed, a folder made. The process counts
them and dies by SIGKILL at the one it was told, so a kill can fall between any two things that a command writes.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TOUCHES = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.truncate", "os.listdir", "os.scandir"})
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["tests.faults.preloaded"])


@dataclass(frozen=True)
class Ended:
    """How a process ended: its status (minus the signal where it was killed), what it said, and how many moments it had."""

    status: int
    out: str
    err: str
    moments: int


def run(work: Callable[..., int | None], folder: Path, *arguments: object, moment: int = 0, said: Path) -> Ended:
    """Do some work in a process of its own, and wait for its end.

    Parameters
    ----------
    work : function of a module, which returns an exit status
    folder : path
        Touches inside it are counted.
    moment : int
        The touch at which the process is killed; 0 is never.
    said : folder
        For what the process writes to its screen; outside of ``folder``.
    """
    process = start(work, folder, *arguments, moment=moment, said=said)
    process.join(240)
    return ended(process, said)


def start(work: Callable[..., int | None], folder: Path, *arguments: object, moment: int = 0, said: Path):
    """Begin, and return the process."""
    said.mkdir(parents=True, exist_ok=True)
    (said / "moments").unlink(missing_ok=True)
    process = FORKS.Process(target=_child, args=(work, folder, arguments, moment, said))
    process.start()
    return process


def ended(process, said: Path) -> Ended:
    """Tell how a process that has ended did."""
    moments = (said / "moments").read_text() if (said / "moments").exists() else "0"
    return Ended(process.exitcode, (said / "out").read_text(), (said / "err").read_text(), int(moments))


def _child(work: Callable[..., int | None], folder: Path, arguments: tuple, moment: int, said: Path) -> None:
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(said / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    count = 0

    def touched(event: str, details: tuple) -> None:
        nonlocal count
        if event in TOUCHES and any(str(folder) in str(one) for one in details[:2]):
            count += 1
            if count == moment:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(touched)
    status = work(*arguments)
    sys.stdout.flush()
    sys.stderr.flush()
    (said / "moments").write_text(str(count))
    os._exit(status or 0)
