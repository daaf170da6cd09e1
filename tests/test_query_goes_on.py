"""A run of the query client that was killed, torn, shared or out of disk goes on, and loses nothing."""

import json
import random
import signal
import time

import pytest

from mirage_lib import outputs
from mirage_lib.arithmetic import journal, query
from tests.asking import QUICK, asked, mirage, settings, wanted
from tests.hostile_server import HostileServer


@pytest.mark.fault(group="killed", tried="SIGKILL at ten random moments, against a hostile server", on="`mirage arithmetic query`", happens="no answer is lost, doubled or given to another prompt, none that is kept is asked again; the end is that of an unkilled run")
def test_ten_kills_lose_nothing_double_nothing_and_ask_nothing_again(tmp_path):
    rng = random.Random(7)
    options = ["--n", "150", "--lengths", "3", "4", "--concurrency", "8", "--deadline", "1", "--tries", "12"]
    with HostileServer(0.3, latency=0.004, seed=2) as server:
        chosen = settings(server, n=150, lengths=(3, 4))
        plan = wanted(chosen)
        assert len(set(plan.values())) == len(plan) == 600
        for kill in range(10):
            before, kept = len(server.log), journal.read(tmp_path)
            process = mirage(server, tmp_path, *options, wait=False)
            target = before + (rng.randint(1, 50) if kill % 4 else 0)  # 0: while it starts
            while len(server.log) < target:
                assert process.process.is_alive(), (process.said / "err").read_text()
                time.sleep(0.001)
            time.sleep(rng.uniform(0, 0.02 if kill % 4 else 0.5))
            process.end(signal.SIGKILL)
            assert process.returncode == -signal.SIGKILL
            server.settle()
            asked_now = {asked(entry) for entry in server.log[before:]}
            assert not asked_now & {plan[key] for key in kept}, "an answer of the journal was asked again"
            assert kept.items() <= journal.read(tmp_path).items(), "an answer of the journal was lost"
        kept = journal.read(tmp_path)
        assert 0 < len(kept) < len(plan)
        before = len(server.log)
        done = mirage(server, tmp_path, *options)
        assert done.returncode == 0, done.stderr
        rest = {asked(entry) for entry in server.log[before:]}
        assert rest == set(plan.values()) - {plan[key] for key in kept}
    lines = [json.loads(line) for line in (tmp_path / journal.NAME).read_text().splitlines()]
    assert sorted(line["key"] for line in lines) == sorted(plan)
    served = {f"answer-{entry['serial']}": asked(entry) for entry in server.log if entry["fate"] == "answered"}
    assert all(served[line["id"]] == plan[line["key"]] for line in lines), "an answer went to another prompt"
    assert len(served) - len(lines) <= 10 * 8, "more was lost than the requests under way"
    table = outputs.load("answers", tmp_path)
    assert table.height == 600 and (table["output"] == table["target"]).all()


@pytest.mark.fault(group="killed", tried="Ctrl-C in the middle", on="`mirage arithmetic query`", happens="it says how to go on, and does", says="run the same command again")
def test_an_interrupted_run_says_how_to_go_on_and_does(tmp_path):
    options = ["--n", "30", "--lengths", "3"]
    with HostileServer(latency=0.05) as server:
        process = mirage(server, tmp_path, *options, wait=False)
        while len(server.log) < 20:
            time.sleep(0.005)
        process.end(signal.SIGINT)
        assert process.returncode == 130 and "Traceback" not in process.stderr
        assert "run the same command again" in process.stderr
        kept = len(journal.read(tmp_path))
        assert 0 < kept < 60
        server.latency = 0
        assert query.ask(settings(server, n=30, lengths=(3,)), tmp_path, **QUICK).answered == 60 - kept


@pytest.mark.fault(group="frozen", tried="the last line torn, without its line break, or zeroed", on="journal of `mirage arithmetic query`", happens="the line is cut off and its prompt asked again; the other lines stay")
@pytest.mark.parametrize("end", ["cut", "without its line break", "zeroed"])
def test_a_torn_last_line_is_cut_off_and_its_prompt_asked_again(end, tmp_path):
    with HostileServer() as server:
        chosen = settings(server)
        query.ask(chosen, tmp_path, **QUICK)
        path = tmp_path / journal.NAME
        lines = path.read_bytes().splitlines(keepends=True)
        torn = {"cut": lines[-1][:30], "without its line break": lines[-1][:-1], "zeroed": b"\0" * 99 + b"\n"}[end]
        path.write_bytes(b"".join(lines[:-1]) + torn)
        assert query.cost(chosen, tmp_path).requests == 1
        assert query.ask(chosen, tmp_path, **QUICK).answered == 1
        assert len(server.log) == 41
        last = json.loads(lines[-1])["key"]
        assert asked(server.log[-1]) == wanted(chosen)[last]
    assert path.read_bytes().splitlines()[:-1] == [line.rstrip(b"\n") for line in lines[:-1]]


@pytest.mark.fault(group="frozen", tried="a damaged line in the middle, or one that stands twice", on="journal of `mirage arithmetic query`", happens="refused with the number of the line; nothing is asked", says="is damaged")
def test_a_damaged_line_in_the_middle_is_named_and_nothing_is_asked(tmp_path):
    with HostileServer() as server:
        query.ask(settings(server), tmp_path, **QUICK)
        path = tmp_path / journal.NAME
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join([*lines[:4], b"{broken}\n", *lines[5:]]))
        with pytest.raises(journal.JournalError, match="line 5 of .* is damaged"):
            query.ask(settings(server), tmp_path, **QUICK)
        path.write_bytes(b"".join([*lines, lines[2]]))
        with pytest.raises(journal.JournalError, match="line 41 of .* for the second time"):
            query.ask(settings(server), tmp_path, **QUICK)
        assert len(server.log) == 40


@pytest.mark.fault(group="two", tried="a second run in the same folder", on="`mirage arithmetic query`", happens="refused before anything is asked; once the first is gone it goes on", says="another process")
def test_a_second_process_is_refused_as_long_as_the_first_one_writes(tmp_path):
    with HostileServer() as server:
        chosen = settings(server, n=2, lengths=(2,))
        with journal.Journal(tmp_path, query.claimed(chosen)):
            done = mirage(server, tmp_path, "--n", "2", "--lengths", "2")
            assert done.returncode == 1 and "another process" in done.stderr
            assert not server.log
        assert query.ask(chosen, tmp_path, **QUICK).answered == 4


@pytest.mark.fault(group="two", tried="another run in the folder of this one", on="`mirage arithmetic query`", happens="refused with both settings; nothing is asked")
def test_other_settings_are_refused_in_the_folder_of_a_run(tmp_path):
    with HostileServer() as server:
        query.ask(settings(server, n=1), tmp_path, **QUICK)
        before = len(server.log)
        with pytest.raises(ValueError, match="'n': 1.*'n': 2"):
            query.ask(settings(server, n=2), tmp_path, **QUICK)
        assert len(server.log) == before


@pytest.mark.fault(group="disk", tried="a file that may not grow (a full disk without needing to be root)", on="`mirage arithmetic query`", happens="it stops with one sentence; the next run asks only the rest", says="cannot be written")
def test_a_full_disk_stops_the_run_and_the_next_one_goes_on(tmp_path):
    with HostileServer() as server:
        done = mirage(server, tmp_path, "--n", "30", "--lengths", "3", room=9_000)
        assert done.returncode == 1 and "cannot be written" in done.stderr and "Traceback" not in done.stderr
        kept = len(journal.read(tmp_path))
        assert 20 < kept < 60
        assert query.ask(settings(server, n=30, lengths=(3,)), tmp_path, **QUICK).answered == 60 - kept
