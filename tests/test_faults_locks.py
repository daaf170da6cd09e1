"""Two at a time: who comes second waits or is told who is first; and clocks that jump."""

from __future__ import annotations

import asyncio
import email.utils
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest

from mirage_lib import outputs, runs
from mirage_lib.arithmetic import endpoint
from tools import build

fault = pytest.mark.fault
ROOT = Path(__file__).resolve().parent.parent
TABLE = pl.DataFrame({"x": [1, 2]})


def python(code: str, *words: object, **more) -> subprocess.Popen:
    """A process of its own that runs some code."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, words)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)


HOLDS = """
    import sys, time
    from mirage_lib import runs
    with runs.hold(sys.argv[1]):
        print("held", flush=True)
        time.sleep(60)
"""


@fault(group="two", tried="two processes that write the same run", on="`mirage arithmetic train`, `mirage vision train`", happens="the second is refused with the number of the first; once that is gone, even killed, it goes on", says="is writing in")
def test_a_run_is_written_by_one_process_and_a_killed_one_leaves_no_lock(tmp_path, says):
    first = python(HOLDS, tmp_path)
    assert first.stdout.readline() == "held\n"
    with pytest.raises(runs.Busy, match=f"number {first.pid}.*{says}"), runs.hold(tmp_path):
        pass
    first.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    first.wait()
    with runs.hold(tmp_path):
        assert (tmp_path / runs.LOCK).exists()
    assert not (tmp_path / runs.LOCK).exists()


@fault(group="two", tried="a second training of the same model at the same time", on="`mirage arithmetic train`", happens="refused before anything is written", says="is writing in")
def test_the_ladder_is_not_trained_where_another_process_trains_it(tmp_path, says):
    pytest.importorskip("torch", reason="the extra train is not installed")
    from mirage_lib.arithmetic import ladder

    with runs.hold(tmp_path), pytest.raises(runs.Busy, match=says):
        ladder.train_rung(tmp_path, 4, 0, ladder.Budget(steps=1, batch=2), "cpu", progress=False)
    assert not list(tmp_path.iterdir())


@fault(group="two", tried="a second training of the same network at the same time", on="`mirage vision train`", happens="refused before anything is written", says="is writing in")
def test_a_network_is_not_trained_where_another_process_trains_it(tmp_path, says):
    pytest.importorskip("torch", reason="the extra train is not installed")
    from mirage_lib.vision import families, training

    digits = families.get("digits")
    with runs.hold(tmp_path), pytest.raises(runs.Busy, match=says):
        training.train_one(digits, training.Member(2, 0), digits.quick, digits.load(None, False), tmp_path)
    assert not list(tmp_path.iterdir())


@fault(group="two", tried="eight freezes into one folder at the same moment", on="every command that freezes", happens="they wait for each other: all eight tables are in the manifest, each with its right hash")
def test_freezes_at_the_same_moment_lose_no_entry(tmp_path):
    def freeze(k: int) -> None:
        outputs.save_table(TABLE.with_columns(y=pl.lit(k)), f"t{k}", "annotations", "ours", tmp_path)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(freeze, range(8)))
    assert len(outputs.manifest(tmp_path)) == 8 and outputs.faults(tmp_path) == []
    assert not (tmp_path / runs.LOCK).exists()


@fault(group="two", tried="a second build of the same book", on="`make book`", happens="it says which process it waits for, then finds that nothing is left to do", says="waiting for it to end")
def test_a_second_build_waits_for_the_first_and_for_what_a_killed_one_started(tmp_path, says):
    (tmp_path / "_build" / "html").mkdir(parents=True)
    (tmp_path / "_build" / "html" / "index.html").write_text("a page")
    for name in ("_toc.yml", "_config.yml"):
        (tmp_path / name).write_text("title: x")
    results = build.digest(build.ROOT, build.RESULTS_DEPEND_ON) + sys.version
    everything = build.digest(tmp_path, build.PAGES_DEPEND_ON) + build.digest(ROOT, ["tools/build.py", "tools/translate.py"]) + results
    (tmp_path / "_build" / ".digest").write_text(json.dumps({"results": results, "everything": everything}))
    # A build that is killed leaves a child behind, which has inherited the lock.
    first = python("""
        import subprocess, sys, time
        from mirage_lib import runs
        with runs.hold(sys.argv[1]) as lock:
            child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], pass_fds=[lock], stdout=-3, stderr=-3)
            print(child.pid, flush=True)
            time.sleep(60)
    """, tmp_path / "_build") if os.name == "posix" else pytest.skip("children inherit locks on POSIX only")  # fmt: skip
    child = int(first.stdout.readline())
    second = python("import sys; from tools import build; sys.exit(build.main(['--source', sys.argv[1]]))", tmp_path)
    assert says in second.stdout.readline()
    first.kill()
    first.communicate()
    time.sleep(0.3)
    assert second.poll() is None, "it did not wait for the child"
    os.kill(child, signal.SIGKILL)
    out, err = second.communicate(timeout=60)
    assert second.returncode == 0 and "Nothing changed since the last build" in out, err
    assert sorted(path.name for path in (tmp_path / "_build").iterdir()) == [".digest", "html"]


@fault(group="two", tried="a disk that takes no locks", on="all commands that write runs", happens="one sentence that says so", says="nothing can be locked on this disk")
def test_a_disk_without_locks_is_told_and_not_taken_for_another_process(tmp_path, monkeypatch, says):
    fcntl = pytest.importorskip("fcntl", reason="there is no flock on this system")

    def refuse(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(OSError, match=says), runs.hold(tmp_path):
        pass


# --- clocks ------------------------------------------------------------------------------------------------

CLOCKS = [Path("/usr/lib") / machine / "faketime/libfaketime.so.1" for machine in ("x86_64-linux-gnu", "aarch64-linux-gnu")]
JUMPS = {"back": "-10d", "forth": "+10d"}


@fault(group="clock", tried="the clock ten days back, then ten days ahead, between two parts of a run", on="journal of `mirage arithmetic query`", happens="no answer is lost or asked again; the answers keep the times that the clock told")
def test_a_journal_goes_on_under_a_clock_that_jumped(tmp_path):
    clock = next((str(path) for path in CLOCKS if path.exists()), None)
    if clock is None:
        pytest.skip("libfaketime is not installed")
    code = """
        import sys
        from datetime import datetime
        from mirage_lib.arithmetic import journal
        with journal.Journal(sys.argv[1], {"n": 1}) as kept:
            kept.append({"key": sys.argv[2], "at": datetime.now().isoformat()})
            kept.sync()
            print(len(kept.answers))
    """
    for k, jump in enumerate(("-10d", "+10d", "+0d"), 1):
        done = python(code, tmp_path, jump, env=os.environ | {"LD_PRELOAD": clock, "FAKETIME": jump})
        out, err = done.communicate(timeout=120)
        assert out == f"{k}\n", err
    lines = [json.loads(line) for line in (tmp_path / "journal.jsonl").read_text().splitlines()]
    assert [line["key"] for line in lines] == ["-10d", "+10d", "+0d"]
    assert lines[0]["at"] < lines[2]["at"] < lines[1]["at"]


@fault(group="clock", tried="the clock an hour back and an hour ahead while a server asks to wait until a date", on="`mirage arithmetic query`", happens="the wait is what the clock now says, never below 0; deadlines and backoffs count on a clock that cannot be set")
def test_waiting_for_a_date_survives_a_clock_that_jumps(monkeypatch):
    real = time.time()
    until = {"retry-after": email.utils.formatdate(real + 60, usegmt=True)}
    for shift, low, high in ((3600, 0, 0), (0, 50, 61), (-3600, 3600, 3662)):
        monkeypatch.setattr(endpoint.time, "time", lambda shift=shift: real + shift)
        assert low <= endpoint._retry_after(until) <= high

    async def slow(**_):
        await asyncio.sleep(5)

    asked = endpoint.Endpoint("http://127.0.0.1:9/v1", "completions", key_variable="MIRAGE_NO_KEY", tries=1, deadline=0.2)
    asked._create = slow
    monkeypatch.setattr(endpoint.time, "time", lambda: 0.0)
    started = time.monotonic()
    with ThreadPoolExecutor(1) as thread:  # a browser of another test may have a loop running in this one
        outcome, _ = thread.submit(lambda: asyncio.run(asked.ask({"model": "m"}))).result()
    assert "no whole answer within 0.2 s" in outcome.why and time.monotonic() - started < 4


@fault(group="clock", tried="files dated years ahead and years back", on="`make book`", happens="a build looks at contents, never at times: nothing is built again")
def test_a_build_looks_at_contents_and_not_at_times(tmp_path):
    (tmp_path / "book").mkdir()
    page = tmp_path / "book" / "a.md"
    page.write_text("a page")
    before = build.digest(tmp_path, ["book/*"])
    for moment in (0, 4_000_000_000):
        os.utime(page, (moment, moment))
        assert build.digest(tmp_path, ["book/*"]) == before


@fault(group="clock", tried="two freezes of one table with one and the same time, as where a clock was set back", on="frozen files", happens="the second content is loaded: what is kept in memory is known by its hash, not by its time")
def test_a_frozen_file_with_the_time_of_the_one_before_is_read_anew(tmp_path):
    from tests.test_outputs import STAMP, table

    path = outputs.save(table("text"), "mine", "text", STAMP, tmp_path)
    os.utime(path, (1, 1))
    outputs.load("mine", tmp_path)
    outputs.save(table("text").with_columns(output=pl.lit("other")), "mine", "text", STAMP, tmp_path)
    os.utime(path, (1, 1))
    assert outputs.load("mine", tmp_path)["output"].unique().to_list() == ["other"]
