"""The query client, against real servers on loopback: healthy and hostile."""

import asyncio
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest

from mirage_lib import cli, outputs
from mirage_lib.arithmetic import journal, prices, problems, query
from mirage_lib.arithmetic.endpoint import LONGEST_WAIT
from tests.asking import QUICK, SECRET, asked, mirage, settings, wanted
from tests.hostile_server import LASTING, PASSING, HostileServer


# --- a healthy server ----------------------------------------------------------------------------------


def test_every_prompt_is_asked_once_and_its_own_answer_kept(tmp_path):
    with HostileServer() as server:
        chosen = settings(server, n=60)
        report = query.ask(chosen, tmp_path, **QUICK)
        table = query.collect(chosen, tmp_path)
    assert (report.answered, report.left, report.before) == (240, 0, 0)
    assert sorted(map(asked, server.log)) == sorted(wanted(chosen).values())
    outputs.check(table, "text")
    assert (table["output"] == table["target"]).all()
    assert table["finish_reason"].unique().to_list() == ["stop"]


def test_models_temperatures_and_samples_are_all_asked(tmp_path):
    with HostileServer() as server:
        models = [query.model("org/small=1.5k"), query.model("/srv/models/large=6.7B=large")]
        chosen = settings(server, models=models, n=2, temperatures=(0, 1), samples=3)
        query.ask(chosen, tmp_path, **QUICK)
        table = query.collect(chosen, tmp_path)
    assert table.height == 2 * 2 * 3 * 2 * 4
    assert set(table.select("model", "n_params").rows()) == {("org/small", 1500), ("large", 6_700_000_000)}
    keys = ["model", "temperature", "sample", "prompt_id"]
    assert table.select(keys).n_unique() == table.height
    seeds = {(entry["temperature"], entry["seed"]) for entry in server.log}
    assert seeds == {(t, s) for t in (0, 1) for s in (3, 4, 5)}
    assert {entry["model"] for entry in server.log} == {"org/small", "/srv/models/large"}


def test_no_seed_is_sent_where_none_was_given(tmp_path):
    with HostileServer() as server:
        chosen = settings(server, seed=None, n=2)
        query.ask(chosen, tmp_path, **QUICK)
    assert all("seed" not in entry for entry in server.log)
    assert query.collect(chosen, tmp_path)["seed"].unique().to_list() == [0]


@pytest.mark.parametrize("template", ["plain", "spaced", "words", "{a} {word} {b} makes {answer}!\n"])
def test_a_chat_is_asked_in_one_message_that_wants_the_number_only(template, tmp_path):
    with HostileServer() as server:
        chosen = settings(server, api="chat", template=template, n=3)
        query.ask(chosen, tmp_path, limit_name="max_completion_tokens", **QUICK)
    assert all(len(entry["messages"]) == 1 and entry["chat"] for entry in server.log)
    assert all("number only" in entry["prompt"] and "stop" not in entry for entry in server.log)
    assert all(entry["max_completion_tokens"] == 32 and "max_tokens" not in entry for entry in server.log)
    table = query.collect(chosen, tmp_path)
    assert (table["output"] == table["target"]).all()
    assert set(table["prompt"]) == {entry["prompt"] for entry in server.log}


def test_never_more_requests_at_a_time_than_allowed(tmp_path):
    with HostileServer(latency=0.01) as server:
        query.ask(settings(server, n=25), tmp_path, concurrency=5, **QUICK)
        assert server.most_at_once == 5


def test_a_run_can_be_started_inside_a_notebook_where_a_loop_is_running(tmp_path):
    async def cell():
        return query.ask(settings(server, n=2), tmp_path, **QUICK)

    # In a thread of its own, since a browser of another test may have a loop running in this one.
    with HostileServer() as server, ThreadPoolExecutor(1) as thread:
        assert thread.submit(lambda: asyncio.run(cell())).result().answered == 8


def test_what_a_server_says_behind_the_stop_string_is_kept_but_not_scored(tmp_path):
    with HostileServer() as server:
        server._right = lambda body, prompt, chat, **other: {
            "model": "m", "choices": [{"text": "  7 \n8*1=8", "finish_reason": "length"}]
        }  # fmt: skip
        chosen = settings(server, n=1)
        query.ask(chosen, tmp_path, **QUICK)
    table = query.collect(chosen, tmp_path)
    assert table.select("output", "finish_reason").unique().rows() == [("7", "stop")]
    assert {line["text"] for line in journal.read(tmp_path).values()} == {"  7 \n8*1=8"}
    assert {line["finish_reason"] for line in journal.read(tmp_path).values()} == {"length"}


def test_the_frozen_table_says_where_it_comes_from_but_no_private_address(tmp_path):
    with HostileServer(1.0, faults=["wrong-model"]) as server:
        chosen = settings(server, n=2)
        query.ask(chosen, tmp_path, accept=["another-model"], **QUICK)
        query.freeze(chosen, tmp_path, "asked", tmp_path / "frozen")
        address = server.url
    table, stamp = outputs.load("asked", tmp_path / "frozen"), outputs.read_stamp("asked", tmp_path / "frozen")
    assert table.equals(query.collect(chosen, tmp_path))
    assert stamp["asked"]["served_models"] == {"m": ["another-model"]}
    assert stamp["asked"]["host"] == "a private address" and stamp["versions"]["openai"]
    assert (stamp["asked"]["api"], stamp["asked"]["shots"]) == ("completions", 2)
    assert stamp["asked"]["template"] == "{a}{sign}{b}={answer}\n"
    assert address not in json.dumps(stamp) and "127.0.0.1" not in json.dumps(stamp)


def test_a_server_on_this_machine_is_asked_past_any_proxy(tmp_path, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with HostileServer() as server:
        assert query.ask(settings(server, n=1), tmp_path, **QUICK | {"tries": 1}).answered == 4


# --- a hostile server ------------------------------------------------------------------------------------


@pytest.mark.fault(group="server", tried="fifteen faults that pass: refusals, hangs, trickles, resets, cut and foreign bodies", on="`mirage arithmetic query`", happens="asked again until each prompt has its own answer, once")
def test_a_server_that_fails_in_every_passing_way_is_asked_until_each_prompt_is_answered(tmp_path):
    with HostileServer(0.3, seed=1) as server:
        chosen = settings(server, n=75)
        report = query.ask(chosen, tmp_path, concurrency=16, **QUICK | {"deadline": 2.0})
        assert set(PASSING) <= set(server.fates()), "the server has not tried everything"
    assert (report.answered, report.left) == (300, 0)
    answered = [asked(entry) for entry in server.log if entry["fate"] == "answered"]
    assert sorted(answered) == sorted(wanted(chosen).values())
    table = query.collect(chosen, tmp_path)
    assert (table["output"] == table["target"]).all()


@pytest.mark.parametrize("fault", PASSING)
def test_a_single_fault_is_followed_by_an_answer(fault, tmp_path):
    with HostileServer(1.0, faults=[fault], most=1) as server:
        assert query.ask(settings(server, n=1), tmp_path, **QUICK | {"deadline": 1.0}).left == 0
    assert server.fates() == {fault: 1, "answered": 4}


@pytest.mark.fault(group="server", tried="a server that never ends its answer", on="`mirage arithmetic query`", happens="the try ends at its deadline", says="within 0.5 s")
@pytest.mark.parametrize("fault", ["hang", "trickle"])
def test_a_request_ends_at_its_deadline_even_while_bytes_come_in(fault, tmp_path):
    with HostileServer(1.0, faults=[fault]) as server:
        started = time.monotonic()
        report = query.ask(settings(server, n=1), tmp_path, **QUICK | {"tries": 1, "deadline": 0.5})
        assert time.monotonic() - started < 15
    assert report.left == 4
    assert all("within 0.5 s" in why for why in report.failures)


def test_retry_after_is_honoured_by_all_requests_of_a_run(tmp_path):
    with HostileServer(1.0, faults=["rate-limit"], start=8, most=1, retry_after=1.0, latency=0.01) as server:
        query.ask(settings(server), tmp_path, concurrency=4, **QUICK)
        told = next(entry["at"] for entry in server.log if entry["fate"] == "rate-limit")
    since = [entry["at"] - told for entry in server.log]
    assert len(since) == 41 and sum(seconds > 1.0 for seconds in since) > 20


def test_a_prompt_that_stays_unanswered_is_counted_and_asked_by_the_next_run(tmp_path):
    with HostileServer(0.4, faults=["server-error"]) as server:
        chosen = ["--n", "10", "--lengths", "2", "3"]
        first = mirage(server, tmp_path, *chosen, "--tries", "1")
        kept = len(journal.read(tmp_path))
        assert 0 < kept < 40 and first.returncode == 1
        assert f"{40 - kept} of 40 prompts stay unanswered" in first.stderr and "status 500" in first.stderr
        assert not (tmp_path / "answers.parquet").exists()
        before = len(server.log)
        second = mirage(server, tmp_path, *chosen, "--tries", "12")
        assert second.returncode == 0, second.stderr
        assert f"{kept} of 40 answers are there" in second.stdout
        again = [asked(entry) for entry in server.log[before:] if entry["fate"] == "answered"]
        assert len(again) == len(set(again)) == 40 - kept
    assert outputs.load("answers", tmp_path).height == 40


@pytest.mark.fault(group="server", tried="a server that answers nothing at all", on="`mirage arithmetic query`", happens="the run stops after ten prompts in a row, and goes on later", says="prompts in a row stayed unanswered")
def test_a_server_that_answers_nothing_at_all_is_not_asked_everything(tmp_path):
    with HostileServer(1.0, faults=["server-error"]) as server:
        with pytest.raises(query.QueryError, match=r"1\d prompts in a row stayed unanswered, the last for: status 500"):
            query.ask(settings(server, n=500), tmp_path, **QUICK | {"tries": 2})
    assert len(server.log) < 60


@pytest.mark.fault(group="server", tried="nobody listens at the address", on="`mirage arithmetic query`", happens="one sentence", says="no connection")
def test_an_address_where_nobody_listens_is_told(tmp_path):
    with HostileServer() as server:
        chosen = settings(server)
    with pytest.raises(query.QueryError, match="no connection"):
        query.ask(chosen, tmp_path, **QUICK | {"tries": 1})


STOPS = {
    "wrong-model": "'m' was asked, but 'another-model' answered.*--accept-model-name",
    "no-key": "set the environment variable MY_KEY to a key that may use 'm'",
    "forbidden": "set the environment variable MY_KEY to a key that may use 'm'",
    "no-model": "no model 'm'",
    "quota": "the quota or the credit is used up",
    "bad-request": "refused as it is",
    "long-wait": "wait 86400 s.*again then",
}


@pytest.mark.parametrize("fault", LASTING)
def test_what_cannot_be_mended_stops_the_run_at_once_and_says_what_to_do(fault, tmp_path, monkeypatch):
    assert 86400 > LONGEST_WAIT
    monkeypatch.delenv("MY_KEY", raising=False)
    with HostileServer(1.0, faults=[fault], start=20) as server:
        chosen = settings(server, n=30)
        with pytest.raises(query.QueryError, match=STOPS[fault]) as stopped:
            query.ask(chosen, tmp_path, concurrency=4, key_variable="MY_KEY", **QUICK)
        assert len(server.log) <= 20 + 4
        assert set(server.fates()) == {fault, "answered"}
        kept = len(journal.read(tmp_path))
        assert f"{kept} answers are kept" in str(stopped.value) and 17 <= kept <= 20
        server.share = 0
        assert query.ask(chosen, tmp_path, **QUICK).answered == 120 - kept


def test_a_refused_key_stops_the_command_with_the_variable_to_set(tmp_path):
    with HostileServer(1.0, faults=["no-key"]) as server:
        done = mirage(server, tmp_path, "--concurrency", "4", env={"OPENAI_API_KEY": ""})
    assert done.returncode == 1 and len(server.log) <= 4
    assert "set the environment variable OPENAI_API_KEY" in done.stderr and "is not set" in done.stderr
    assert "Traceback" not in done.stderr


# --- the key ---------------------------------------------------------------------------------------------


def everything_in(folder) -> str:
    """All that a run wrote, compressed tables included, as one text."""
    texts = []
    for path in folder.rglob("*"):
        if path.suffix == ".parquet":
            texts += [pl.read_parquet(path).write_csv(), json.dumps(pl.read_parquet_metadata(path))]
        elif path.is_file():
            texts.append(path.read_bytes().decode("latin-1"))
    return "\n".join(texts)


@pytest.mark.fault(group="server", tried="a server that repeats the key in every answer and error", on="`mirage arithmetic query`", happens="the key is in no file, message or traceback; [key] stands in its place")
@pytest.mark.parametrize("fault", [*LASTING, "server-error", "reset", "html", "hang"])
def test_the_key_is_in_no_file_and_no_traceback_though_the_server_repeats_it(fault, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with HostileServer(1.0, faults=[fault], start=2, leak=True) as server:
        with pytest.raises(query.QueryError) as stopped:
            patience = {"tries": 1, "deadline": 1.0 if fault == "hang" else 20.0}
            report = query.ask(settings(server), tmp_path, **QUICK | patience)
            raise query.QueryError(str(report))
    error = stopped.value
    assert error.__cause__ is None and (error.__context__ is None or error.__suppress_context__)
    frames = traceback.TracebackException.from_exception(error, capture_locals=True)
    assert SECRET not in "".join(frames.format()) and SECRET not in everything_in(tmp_path)
    assert "answer-0 to [key]" in everything_in(tmp_path)


@pytest.mark.fault(group="server", tried="the same, with all logging of the openai package on", on="`mirage arithmetic query`", happens="the key is printed nowhere")
def test_the_key_is_sent_but_printed_nowhere_even_when_the_openai_package_logs_everything(tmp_path):
    with HostileServer(0.3, faults=["server-error", "html", "rate-limit"], leak=True) as server:
        env = os.environ | {"OPENAI_API_KEY": SECRET, "OPENAI_LOG": "debug"}
        command = [Path(sys.executable).parent / "mirage", "arithmetic", "query", "--base-url", server.url]
        command += ["--model", "m=1M", "--n", "10", "--lengths", "2", "--backoff", "0.01", "--out", tmp_path]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    assert "to [key]" in everything_in(tmp_path), "the server was not sent the key"
    assert "DEBUG" in done.stderr or "debug" in done.stderr.lower()
    assert SECRET not in done.stdout + done.stderr + everything_in(tmp_path)


def test_a_key_given_where_a_variable_is_wanted_is_not_repeated(tmp_path):
    with HostileServer() as server:
        done = mirage(server, tmp_path, "--key-variable", SECRET)
        assert done.returncode == 1 and not server.log
        assert SECRET not in done.stderr + done.stdout and "never the key itself" in done.stderr
    for address in (f"https://user:{SECRET}@api.example.org/v1", f"https://api.example.org/v1?key={SECRET}"):
        with pytest.raises(query.QueryError) as refused:
            query.Settings(address, [query.model("m=1k")], "f")
        assert SECRET not in str(refused.value)


# --- before anything is sent -----------------------------------------------------------------------------


def test_a_dry_run_counts_and_prices_and_sends_and_writes_nothing(tmp_path):
    with HostileServer() as server:
        folder = tmp_path / "run"
        options = ["--n", "50", "--dry-run", "--price-in", "2", "--price-out", "10", "--lengths", "3"]
        done = mirage(server, folder, *options)
        assert done.returncode == 0, done.stderr
        assert not server.log and not folder.exists()
        chosen = settings(server, n=50, lengths=(3,))
    sent = query.requests(chosen)["sent"]
    characters = sum(map(len, sent))
    tokens = sum(len(re.findall(r"\d{1,3}|[*+]|=|\n", text)) for text in sent)
    highest = (characters * 2 + 100 * 16 * 10) / 1e6
    assert f"100 requests, about {tokens:,} prompt tokens (an estimate" in done.stdout
    assert f"at most {characters:,}, one a character) and at most 1,600 completion tokens" in done.stdout
    assert f"at most {highest:,.4f}" in done.stdout
    assert sent[0].split("\n")[0] in done.stdout


def test_the_estimate_never_exceeds_its_bound_and_counts_words_once():
    words = pl.Series(["Q: What is 1234 times 56?\nA:"])
    found = prices.estimate(words, 16)
    assert found.prompt_tokens == len(["Q", ":", " What", " is", " ", "123", "4", " times", " ", "56", "?\n", "A", ":"])
    assert found.prompt_tokens < found.prompt_tokens_at_most == len(words[0])
    chat = prices.estimate(words, 16, "chat")
    assert chat.prompt_tokens - found.prompt_tokens == prices.CHAT_OVERHEAD


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--model", "other"], "NAME=PARAMETERS"),
        (["--model", "m=7B"], "every model has to be named once"),
        (["--template", "{a}+{b}"], "lacks {answer}"),
        (["--task", "division"], "unknown operation 'division'"),
        (["--lengths", "9"], "no answer has [9] digits"),
        (["--temperature", "3"], "between 0 and 2"),
        (["--n", "0"], "n is 0"),
        (["--concurrency", "0"], "concurrency is 0"),
        (["--tries", "0"], "tries 0"),
    ],
)
def test_a_wrong_choice_is_refused_in_one_sentence_before_anything_is_sent(options, said, capsys, tmp_path):
    with HostileServer() as server:
        base = ["arithmetic", "query", "--base-url", server.url, "--model", "m=1M", "--out", str(tmp_path)]
        assert cli.main([*base, *options]) == 1
    assert said in capsys.readouterr().err
    assert not server.log


def test_without_an_address_nothing_is_asked_of_anybody(capsys, monkeypatch, tmp_path):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    assert cli.main(["arithmetic", "query", "--model", "m=1M", "--out", str(tmp_path)]) == 1
    assert "--base-url or set OPENAI_BASE_URL" in capsys.readouterr().err


def test_the_command_offers_what_the_library_knows():
    assert cli.parser().parse_args(["arithmetic", "query", "--model", "m=1M"]).task == list(problems.OPERATIONS)
    with pytest.raises(SystemExit), contextlib.redirect_stdout(io.StringIO()) as said:
        cli.main(["arithmetic", "query", "--help"])
    assert all(name in said.getvalue() for name in problems.TEMPLATES)


@pytest.mark.parametrize(
    ("written", "number"),
    [("135M", 135e6), ("6.7B", 6.7e9), ("1.4k", 1400), ("134515008", 134515008), ("1,376", 1376), ("1t", 1e12)],
)
def test_numbers_of_parameters_are_read_as_people_write_them(written, number):
    assert query.model(f"a/b=c={written}") == query.Model("a/b=c", int(number), "a/b=c")
    assert query.model(f"a/b={written}=short") == query.Model("a/b", int(number), "short")
