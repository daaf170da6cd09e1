"""The journal of a run that asks a server: one line an answer, appended and never rewritten.

An answer counts as kept only when its line is on the disk. What is killed loses the requests that
were under way and nothing else; a last line that was cut in the middle is taken off, and its prompt
is asked again. One process at a time writes a journal.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from mirage_lib import runs

NAME = "journal.jsonl"


class JournalError(ValueError):
    """A journal cannot be read, or must not be written."""


def read(folder: str | Path) -> dict[str, dict]:
    """Return the answers kept in a run's folder: key to line. A torn last line is passed over.

    Raises
    ------
    JournalError
        If another line than the last is damaged, or a prompt was answered twice.

    >>> read("a-folder-without-a-journal")
    {}
    """
    path = Path(folder) / NAME
    return _parse(path, path.read_bytes())[0] if path.exists() else {}


def _parse(path: Path, content: bytes) -> tuple[dict[str, dict], int]:
    """The answers, and how many bytes of whole lines hold them."""
    answers, good = {}, 0
    lines = content.split(b"\n")
    for number, line in enumerate(lines, 1):
        # What stands behind the last newline was never finished, even if it should happen to parse.
        if number == len(lines):
            break
        try:
            answer = json.loads(line)
            if not isinstance(key := answer["key"], str):
                raise TypeError
        except (ValueError, TypeError, KeyError, RecursionError):
            if not any(lines[number:]):
                break  # a crash of the machine can leave a last line of the right length and wrong bytes
            raise JournalError(
                f"line {number} of {path} is damaged, and it is not the last: restore the file, or delete "
                "that line to have its prompt asked again"
            ) from None
        if key in answers:
            raise JournalError(f"line {number} of {path} answers a prompt for the second time: {key}")
        answers[key] = answer
        good += len(line) + 1
    return answers, good


class Journal:
    """A run's journal, opened for writing by this process alone.

    Parameters
    ----------
    folder : path
        The folder of the run; made if it is not there.
    settings : dict
        What the run is, as :func:`mirage_lib.runs.claim` takes it.

    Attributes
    ----------
    answers : dict
        Key to line, as kept so far.
    cut : int
        Bytes of a torn last line that were taken off.

    Raises
    ------
    JournalError
        If another process has it open, or it is damaged.
    ValueError
        If the folder belongs to a run with other settings.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Journal(folder, {"n": 1}) as journal:
    ...         journal.append({"key": "a", "text": "4"})
    ...         journal.sync()
    ...     read(folder)["a"]["text"]
    '4'
    """

    def __init__(self, folder: str | Path, settings: dict) -> None:
        self.folder = Path(folder)
        self._held = runs.hold(self.folder)
        try:
            self._held.__enter__()
        except runs.Busy as error:
            raise JournalError(str(error)) from None
        try:
            runs.claim(self.folder, settings)
            path = self.folder / NAME
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644)
            content = path.read_bytes()
            self.answers, good = _parse(path, content)
            self.cut = len(content) - good
            os.ftruncate(self._file, good)
            self._whole = True
            self._sync_folder()
        except BaseException:
            self._held.__exit__(None, None, None)
            raise

    def append(self, answer: dict) -> None:
        """Write one line. It survives this process at once, and the machine after :meth:`sync`.

        Raises
        ------
        JournalError
            If the disk takes no more.
        """
        line = json.dumps(answer, ensure_ascii=True).encode() + b"\n"
        try:
            whole = self._whole and os.write(self._file, line) == len(line)
        except OSError as error:
            self._whole = False
            raise JournalError(f"{self.folder / NAME} cannot be written: {error.strerror}") from None
        if not whole:
            self._whole = False  # a line behind half a line would make both unreadable
            raise JournalError(f"{self.folder / NAME} cannot be written whole: is the disk full?")
        self.answers[answer["key"]] = answer

    def sync(self) -> None:
        """Return when all lines written so far are on the disk."""
        os.fsync(self._file)

    def _sync_folder(self) -> None:
        """A new file is only there for good when its folder is on the disk, too."""
        if os.name == "posix":
            handle = os.open(self.folder, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            os.fsync(self._file)
        finally:
            os.close(self._file)
            self._held.__exit__(None, None, None)
