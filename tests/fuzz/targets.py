"""Targets: one function a reader, from the bytes of a file to nothing.

A target writes the bytes where the reader looks for them and reads. What the reader's documentation promises may be
raised (a ``ValueError`` of the library with a sentence, or an ``OSError``); anything else is a finding. The same
functions are driven by atheris (:mod:`tests.fuzz.run`), by hypothesis and by the kept corpus (tests/test_faults_fuzz.py).
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import io
import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import polars as pl

from mirage_lib import cli, outputs, runs
from mirage_lib.arithmetic import answers, endpoint, journal, query
from mirage_lib.audit import logs
from mirage_lib.audit.rows import LogsError
from mirage_lib.bigbench import harness, reading, sizes
from mirage_lib.bigbench.records import RecordsError

TARGETS: dict[str, Callable[[bytes], None]] = {}
ROOM = Path(tempfile.mkdtemp(prefix="mirage-fuzz-"))
atexit.register(shutil.rmtree, ROOM, ignore_errors=True)
SIZES = {name: 1376 for name in ("width4", "chat-width4", "chat-width12", "m", "lab/m")}


def target(name: str):
    """Enter a function under a name; folders of seeds have the same."""

    def enter(function: Callable[[bytes], None]) -> Callable[[bytes], None]:
        TARGETS[name] = function
        return function

    return enter


def place(name: str, content: bytes) -> Path:
    """Write a file and return where it is."""
    path = ROOM / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def audited(path: Path) -> None:
    """Read a log as ``mirage audit`` does; what was read has to be a valid table, with every row counted."""
    try:
        read = logs.read(path, SIZES)
    except (LogsError, OSError) as error:
        assert str(error), "an error without a word"
        return
    for kind, table in read.tables.items():
        outputs.check(table, kind).write_parquet(ROOM / "read.parquet")
    assert all(one.rows > 0 for source in read.sources for one in source.left)


@target("audit-harness")
def audit_harness(content: bytes) -> None:
    audited(place("h/width4/samples_sums_2026-01-01T00-00-00.000000.jsonl", content))


@target("audit-results")
def audit_results(content: bytes) -> None:
    """The file beside a log that names its model."""
    place("r/width4/results_2026-01-01T00-00-00.000000.json", content)
    line = {"doc_id": 0, "target": "5", "arguments": [["Q", {"until": []}]], "resps": [["5"]], "filtered_resps": ["5"]}
    audited(place("r/width4/samples_sums_2026-01-01T00-00-00.000000.jsonl", json.dumps(line).encode()))


@target("audit-inspect-json")
def audit_inspect_json(content: bytes) -> None:
    audited(place("log.json", content))


@target("audit-inspect-zip")
def audit_inspect_zip(content: bytes) -> None:
    audited(place("log.eval", content))


@target("audit-csv")
def audit_csv(content: bytes) -> None:
    audited(place("table.csv", content))


@target("audit-jsonl")
def audit_jsonl(content: bytes) -> None:
    audited(place("table.jsonl", content))


@target("audit-parquet")
def audit_parquet(content: bytes) -> None:
    audited(place("table.parquet", content))


def recorded(path: Path) -> None:
    """Read records as ``mirage bigbench read`` does."""
    with contextlib.suppress(RecordsError, OSError):
        reading.read(path, broken="skip", progress=False, jobs=1)


@target("bigbench-scores")
def bigbench_scores(content: bytes) -> None:
    recorded(place("task/results/scores_f_1b.json", content))


@target("bigbench-harness")
def bigbench_harness(content: bytes) -> None:
    recorded(place("m-1b/results.json", content))


@target("bigbench-collected")
def bigbench_collected(content: bytes) -> None:
    recorded(place("all.csv", content))


@target("bigbench-samples")
def bigbench_samples(content: bytes) -> None:
    with contextlib.suppress(RecordsError, outputs.OutputsError, OSError):
        harness.outputs(place("m-1b/samples_quiz.jsonl", content))


@target("bigbench-parquet")
def bigbench_parquet(content: bytes) -> None:
    with contextlib.suppress(RecordsError, OSError):
        reading.load(place("records.parquet", content))


@target("journal")
def read_journal(content: bytes) -> None:
    folder = place(f"run/{journal.NAME}", content).parent
    with contextlib.suppress(journal.JournalError, OSError):
        journal.read(folder)


@target("answer")
def read_answer(content: bytes) -> None:
    """The body that a server sends: whatever it is becomes an answer, another try or a stop; an answer can be frozen."""
    asked = _endpoint()._read(content, "m", frozenset())
    assert isinstance(asked, endpoint.Answer | endpoint.Again | endpoint.Stop)
    if isinstance(asked, endpoint.Answer):
        settings = query.Settings("http://127.0.0.1:9/v1", [query.model("m=1M")], "f", n=1, tasks=("addition",), lengths=(1,))
        shutil.rmtree(ROOM / "asked", ignore_errors=True)
        with journal.Journal(ROOM / "asked", query.claimed(settings)) as kept:
            for row in query.requests(settings).iter_rows(named=True):
                kept.append({"key": row["key"], "item": row["item"], **vars(asked), "tries": 1, "at": "2026-01-01T00:00:00+00:00"})
        table = outputs.check(query.collect(settings, ROOM / "asked"), "text")
        table.write_parquet(ROOM / "answers.parquet")


_made: list[endpoint.Endpoint] = []


def _endpoint() -> endpoint.Endpoint:
    if not _made:
        _made.append(endpoint.Endpoint("http://127.0.0.1:9/v1", "completions", "MIRAGE_NO_KEY"))
    return _made[0]


def entered(name: str, content: bytes, kind: str) -> None:
    """Write a frozen file whose hash stands rightly in the manifest."""
    path = place(f"frozen/{name}", content)
    entry = {path.name: {"kind": kind, "rows": 1, "sha256": hashlib.sha256(content).hexdigest()}}
    place("frozen/manifest.json", json.dumps(entry).encode())


@target("frozen-parquet")
def frozen_parquet(content: bytes) -> None:
    entered("mine.parquet", content, "text")
    with contextlib.suppress(outputs.OutputsError, OSError):
        outputs.load("mine", ROOM / "frozen")
    with contextlib.suppress(outputs.OutputsError, OSError):
        outputs.read_stamp("mine", ROOM / "frozen")


@target("frozen-csv")
def frozen_csv(content: bytes) -> None:
    entered("notes.csv", content, "annotations")
    with contextlib.suppress(outputs.OutputsError, OSError):
        outputs.load_table("notes", ROOM / "frozen")


@target("manifest")
def read_manifest(content: bytes) -> None:
    place("lies/mine.parquet", b"no table")
    place("lies/manifest.json", content)
    for use in (outputs.manifest, outputs.faults, outputs.fingerprint):
        with contextlib.suppress(outputs.OutputsError, OSError):
            use(ROOM / "lies")
    for load in (outputs.load, outputs.load_table):
        with contextlib.suppress(outputs.OutputsError, OSError):
            load("mine", ROOM / "lies")


@target("settings")
def read_settings(content: bytes) -> None:
    folder = place("settled/settings.json", content).parent
    for use in (runs.read, answers.ladder.read_rung, lambda where: runs.claim(where, {"seed": 1})):
        with contextlib.suppress(ValueError, OSError):
            use(folder)


@target("score-parquet")
def score_parquet(content: bytes) -> None:
    """``mirage score`` on a file of one's own: one sentence, whatever it is."""
    path = place("own.parquet", content)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        assert cli.main(["score", str(path)]) in (0, 1)


@target("words")
def read_words(content: bytes) -> None:
    """Words of the command line: sizes, models, cells."""
    text = content.decode("utf-8", "replace")
    for use, error in ((sizes.size, RecordsError), (sizes.parted, RecordsError), (query.model, query.QueryError)):
        with contextlib.suppress(error):
            use(text)
    with contextlib.suppress(ValueError):
        cli.arithmetic._cells([text])
    with contextlib.suppress(ValueError):
        answers.held_out_prompts(answers.operation("addition"), 1, 1, template=text)


def frames() -> dict[str, pl.DataFrame]:
    """Small tables that seeds are made of."""
    row = {"family": "f", "model": "m", "n_params": 10, "seed": 0, "task": "t", "item": "1", "group": 1, "temperature": 0.0, "sample": 0}
    return {
        "text": pl.DataFrame([row | {"prompt_id": "1", "target": "4", "output": said, "finish_reason": "stop", "item": said} for said in "45"]),
        "choice": pl.DataFrame([row | {"target_index": 0, "probabilities": [0.25, 0.75]}]),
    }
