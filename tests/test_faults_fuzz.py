"""Any input gives a result or a documented error: the kept corpus, odd values in every place of real files, and bombs."""

from __future__ import annotations

import io
import json
import random
import struct
import tracemalloc
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mirage_lib.audit import inspect_logs, logs
from mirage_lib.audit.rows import LogsError
from tests.fuzz import mutations, seeds, targets

fault = pytest.mark.fault
QUICK = [name for name in targets.TARGETS if name not in ("score-parquet", "answer")]
pytest.importorskip("openai", reason="the extra query is not installed")


@fault(group="fuzz", tried="every input that ever broke a reader, again", on="all readers", happens="a result, or one documented error with a sentence")
@pytest.mark.parametrize("name", targets.TARGETS)
def test_what_once_broke_a_reader_gives_a_result_or_its_documented_error(name):
    for content in seeds.seeds(name):
        targets.TARGETS[name](content)


@fault(group="fuzz", tried="odd values (huge numbers, half characters, NaN, nesting, script, paths) in every place of real files", on="all readers", happens="a result, or one documented error with a sentence; every row that is left out is counted")
@pytest.mark.parametrize("name", QUICK)
@settings(max_examples=12, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_odd_values_anywhere_give_a_result_or_the_documented_error(name, seed):
    draw = random.Random(seed)
    targets.TARGETS[name](mutations.mutated(draw.choice(seeds.seeds(name)), draw))


def test_the_kept_corpus_is_small_and_belongs_to_targets():
    kept = [path for path in seeds.CORPUS.rglob("*") if path.is_file()]
    assert {path.parent.name for path in kept} <= set(targets.TARGETS)
    assert 0 < sum(path.stat().st_size for path in kept) <= 100_000


@fault(group="logs", tried="a zip whose sample unpacks to a gigabyte", on="`mirage audit`, logs of Inspect", happens="that sample is left out and counted, the others are read; memory stays small", says="unpacked, the sample has more than 256 MB")
def test_a_zip_bomb_is_left_out_and_counted(tmp_path, says):
    path = tmp_path / "log.eval"
    head = {"version": 2, "status": "success", "eval": {"model": "lab/m-1b", "task": "t"}}
    good = {"id": 1, "epoch": 1, "target": "4", "output": {"completion": "4"}}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", json.dumps(head))
        archive.writestr("samples/1.json", json.dumps(good))
        archive.writestr("samples/2.json", b" " * 1_000_000)
    content = path.read_bytes()
    # The catalogue says a gigabyte; zipfile believes it.
    place = content.rindex(b"samples/2.json") - 46
    assert content[place : place + 4] == b"PK\x01\x02"
    path.write_bytes(content[: place + 24] + struct.pack("<I", 1 << 30) + content[place + 28 :])
    tracemalloc.start()
    read = logs.read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert read.rows == 1 and peak < 50e6
    assert {one.reason: one.rows for one in read.sources[0].left} == {says: 1} == {inspect_logs.TOO_LONG: 1}


@fault(group="logs", tried="`../` and absolute paths as names in a zip", on="`mirage audit`, logs of Inspect", happens="nothing is written anywhere, since nothing is unpacked to disk; the samples are read")
def test_paths_in_a_zip_lead_nowhere(tmp_path):
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    path = folder / "log.eval"
    head = {"version": 2, "status": "success", "eval": {"model": "../../m-1b", "task": "../../../etc/passwd"}}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.json", json.dumps(head))
        for k, name in enumerate(("samples/../../../evil.json", "samples//etc/evil.json", "../evil.json", "samples/good.json"), 1):
            archive.writestr(name, json.dumps({"id": k, "epoch": 1, "target": "4", "output": {"completion": "4"}}))
    read = logs.read(path)
    assert read.rows == 3 and [one for one in tmp_path.rglob("*") if one.is_file()] == [path]


@fault(group="logs", tried="one damaged sample in a zip", on="`mirage audit`, logs of Inspect", happens="the sample is left out and counted, the others are read", says="its part of the zip file is damaged, or locked by a password")
def test_a_damaged_sample_in_a_zip_costs_that_sample_only(tmp_path, says):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", json.dumps({"version": 2, "status": "success", "eval": {"model": "m-1b", "task": "t"}}))
        for k in (1, 2):
            archive.writestr(f"samples/{k}.json", json.dumps({"id": k, "epoch": 1, "target": "4", "output": {"completion": "4" * 50}}))
        place = archive.getinfo("samples/2.json").header_offset + 30 + len("samples/2.json")
    broken = bytearray(content.getvalue())
    broken[place : place + 8] = b"\xff" * 8
    (tmp_path / "log.eval").write_bytes(broken)
    read = logs.read(tmp_path / "log.eval")
    assert read.rows == 1 and {one.reason: one.rows for one in read.sources[0].left} == {says: 1}


@fault(group="logs", tried="JSON that nests thousands deep", on="`mirage audit`, all formats", happens="the line or the file is left out and counted", says="the line is no whole JSON object of a sample")
def test_deep_nesting_is_left_out(tmp_path, says):
    folder = tmp_path / "m-1b"
    folder.mkdir()
    good = {"doc_id": 0, "target": "5", "arguments": [["Q", {"until": []}]], "filtered_resps": ["5"]}
    (folder / "samples_sums.jsonl").write_text(json.dumps(good) + '\n{"target": ' + "[" * 100_000 + "]" * 100_000 + "}\n")
    read = logs.read(tmp_path)
    assert read.rows == 1 and {one.reason: one.rows for one in read.sources[0].left} == {says: 1}


@fault(group="logs", tried="an answer of 5 million characters", on="`mirage audit`", happens="it is read like any other and scored")
def test_a_huge_field_is_read(tmp_path):
    path = tmp_path / "table.csv"
    with path.open("w") as file:
        file.write("model,item,target,output\nm-1b,1,4," + "9" * 5_000_000 + "\nm-2b,1,4,4\n")
    table = logs.read(path).tables["text"]
    assert table["output"].str.len_bytes().sort().to_list() == [1, 5_000_000]


@fault(group="logs", tried="half characters, NUL, marks that turn text around, unseen letters", on="`mirage audit`", happens="answers are kept to the letter; what is no text (half a character) is left out and counted", says="the line is no whole JSON object of a sample")
def test_odd_unicode_is_kept_or_counted(tmp_path, says):
    odd = ["\u0000", "\u202e4", "\ufeff4", "e\u0301", "\U0001f600", "4\u200b", "\u2066x\u2069"]
    lines = [{"doc_id": k, "target": "4", "arguments": [["Q", {"until": []}]], "filtered_resps": [one + "|"]} for k, one in enumerate(odd)]
    folder = tmp_path / "m-1b"
    folder.mkdir()
    text = "\n".join(map(json.dumps, lines)) + '\n{"doc_id": 99, "target": "4", "filtered_resps": ["\\ud83d"]}\n'
    (folder / "samples_sums.jsonl").write_text(text)
    read = logs.read(tmp_path)
    assert sorted(read.tables["text"]["output"]) == sorted(one + "|" for one in odd)
    assert {one.reason: one.rows for one in read.sources[0].left} == {says: 1}


@fault(group="logs", tried="a damaged Parquet file that makes polars panic", on="`mirage audit`, `mirage score`, `mirage bigbench score`", happens="one sentence, no traceback", says="is damaged")
def test_a_panic_of_a_package_becomes_a_sentence(tmp_path, capfd, says):
    from mirage_lib import cli

    for target in ("audit-parquet", "bigbench-parquet"):
        for content in seeds.kept(target).values():
            (tmp_path / "a.parquet").write_bytes(content)
            assert cli.main(["score", str(tmp_path / "a.parquet")]) == 1
            said = capfd.readouterr().err
            assert says in said and "Traceback" not in said
            with pytest.raises(LogsError):
                logs.read(tmp_path / "a.parquet")
