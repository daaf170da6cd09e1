"""Commands that are killed, that find no room, or may not write: nothing is lost, and the same command goes on."""

from __future__ import annotations

import contextlib
import functools
import http.server
import importlib.util
import os
import random
import shutil
import signal
import subprocess
import threading
from pathlib import Path

import pytest

if not hasattr(os, "fork"):
    pytest.skip("kills its children as POSIX does", allow_module_level=True)
if importlib.util.find_spec("torch") is None:
    pytest.skip("the extra train is not installed", allow_module_level=True)

from tests.faults import commands, processes  # noqa: E402

KILLS = 2
fault = pytest.mark.fault


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder without a word."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    """What commands need before they start."""
    folder = tmp_path_factory.mktemp("ready")
    served = tmp_path_factory.mktemp("served")
    ended = processes.run(commands.prepare, folder, folder, served, said=tmp_path_factory.mktemp("said"))
    assert ended.status == 0, ended.err
    handler = functools.partial(Quiet, directory=str(served))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (folder / "url").write_text(f"http://127.0.0.1:{server.server_port}")
    yield folder
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def whole(ready, tmp_path_factory):
    """From a command's name to its end and its moments when nothing disturbs it."""

    @functools.cache
    def undisturbed(name: str):
        case, room = commands.CASES[name], tmp_path_factory.mktemp("whole")
        ended = processes.run(case.work, room, *case.make(ready, room), said=tmp_path_factory.mktemp("said"))
        assert ended.status == 0, ended.err
        assert ended.moments > 3 and not commands.left_over(room)
        return case.end(room), ended.moments

    return undisturbed


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("arithmetic train", marks=fault(group="killed", tried="SIGKILL at random moments", on="`mirage arithmetic train`", happens="the same command goes on and ends with the very same weights")),
        pytest.param("arithmetic freeze", marks=fault(group="killed", tried="SIGKILL at random moments", on="`mirage arithmetic freeze`", happens="the same command ends with the same table and manifest")),
        pytest.param("vision train", marks=fault(group="killed", tried="SIGKILL at random moments", on="`mirage vision train`", happens="the same command goes on from the last checkpoint and ends with the very same weights")),
        pytest.param("vision freeze", marks=fault(group="killed", tried="SIGKILL at random moments", on="`mirage vision freeze`", happens="the same command ends with the same table and manifest")),
        pytest.param("parity", marks=fault(group="killed", tried="SIGKILL at random moments", on="`mirage parity`", happens="nothing of a half run is kept; the same command starts anew and ends with the same table")),
        pytest.param("bigbench read", marks=fault(group="killed", tried="SIGKILL at random moments", on="`mirage bigbench read`", happens="the Parquet file is there whole or not at all; the same command ends with the same rows")),
        pytest.param("bigbench fetch", marks=fault(group="killed", tried="SIGKILL at random moments", on="`mirage bigbench fetch`", happens="no half file stands where a whole one is looked for; the same command gets the rest")),
        pytest.param("audit", marks=fault(group="killed", tried="SIGKILL at random moments", on="`mirage audit`", happens="page and JSON are there whole or not at all; the same command ends with the same findings")),
    ],
)
def test_a_command_that_was_killed_at_random_moments_ends_like_one_that_was_not(name, ready, whole, tmp_path):
    end, moments = whole(name)
    case, room = commands.CASES[name], tmp_path / "room"
    room.mkdir()
    for moment in random.Random(name).sample(range(1, moments + 1), KILLS):
        # What the command finds of the run before is less to do, so it may have ended before its moment.
        killed = processes.run(case.work, room, *case.make(ready, room), moment=moment, said=tmp_path / "said")
        assert killed.status in (-signal.SIGKILL, 0), killed.err
    last = processes.run(case.work, room, *case.make(ready, room), said=tmp_path / "said")
    assert last.status == 0, last.err
    assert case.end(room) == end
    assert not commands.left_over(room)


@pytest.fixture
def disk(tmp_path):
    """A disk of so many kilobytes of one's own, where the system lets us have one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.name != "posix" or os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("only root can have a disk of its own here; a limit on files stands in for it in test_query_goes_on.py")

    def mounted(*options: str) -> Path:
        done = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
        return folder

    yield mounted
    subprocess.run(["umount", "-l", str(folder)], capture_output=True)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("arithmetic train", marks=fault(group="disk", tried="a disk that may only be read, then a full one, then room", on="`mirage arithmetic train`", happens="one sentence and nothing half; with room the same command ends as ever", says="No space left on device: make room there")),
        pytest.param("arithmetic freeze", marks=fault(group="disk", tried="a disk that may only be read, then a full one, then room", on="`mirage arithmetic freeze`", happens="one sentence and nothing half; with room the same command ends as ever", says="No space left on device: make room there")),
        pytest.param("vision train", marks=fault(group="disk", tried="a disk that may only be read, then a full one, then room", on="`mirage vision train`", happens="one sentence and nothing half; with room the same command ends as ever", says="No space left on device: make room there")),
        pytest.param("vision freeze", marks=fault(group="disk", tried="a disk that may only be read, then a full one, then room", on="`mirage vision freeze`", happens="one sentence and nothing half; with room the same command ends as ever", says="No space left on device: make room there")),
        pytest.param("parity", marks=fault(group="disk", tried="a disk that may only be read, then a full one, then room", on="`mirage parity`", happens="one sentence and nothing half; with room the same command ends as ever", says="No space left on device: make room there")),
        pytest.param("bigbench read", marks=fault(group="disk", tried="a disk that may only be read, then a full one, then room", on="`mirage bigbench read`", happens="one sentence and nothing half; with room the same command ends as ever", says="No space left on device: make room there")),
        pytest.param("bigbench fetch", marks=fault(group="disk", tried="a disk that may only be read, then a full one, then room", on="`mirage bigbench fetch`", happens="one sentence and nothing half; with room the same command ends as ever", says="No space left on device: make room there")),
        pytest.param("audit", marks=fault(group="disk", tried="a disk that may only be read, then a full one, then room", on="`mirage audit`", happens="one sentence and nothing half; with room the same command ends as ever", says="No space left on device: make room there")),
    ],
)
def test_a_disk_that_takes_nothing_is_told_in_one_sentence_and_with_room_the_command_ends(name, ready, whole, disk, says, tmp_path):
    end, _ = whole(name)
    case = commands.CASES[name]
    room = disk("-t", "tmpfs", "-o", "size=1m", "tmpfs")
    arguments = case.make(ready, room)
    disk("-o", "remount,ro")
    before = sorted(room.rglob("*"))
    refused = processes.run(case.work, room, *arguments, said=tmp_path / "said")
    assert refused.status == 1 and "Traceback" not in refused.err
    assert "Read-only file system: take a folder that you may write in" in refused.err
    disk("-o", "remount,rw")
    filler = room / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while file.write(b"\0" * 4096):
            pass
    os.truncate(filler, filler.stat().st_size - 4096)
    full = processes.run(case.work, room, *arguments, said=tmp_path / "said")
    assert full.status == 1 and "Traceback" not in full.err, full.err
    assert says in full.err
    filler.unlink()
    assert not [path for path in room.rglob("*.part")] and set(before) <= set(room.rglob("*"))
    last = processes.run(case.work, room, *arguments, said=tmp_path / "said")
    assert last.status == 0, last.err
    assert case.end(room) == end and not commands.left_over(room)
