"""Seeds: whole files of each kind, from the library's own samples or as small as they can be, and the kept corpus."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import polars as pl

from mirage_lib import stamps
from mirage_lib.audit import logs
from mirage_lib.bigbench import collected
from tests.fuzz import targets

CORPUS = Path(__file__).parent / "corpus"
"""What fuzzing found, one folder a target; each file broke its reader once, or is as odd as one that did."""


def seeds(name: str) -> list[bytes]:
    """Return the seeds of a target, the kept corpus behind them."""
    return [*_whole(name), *kept(name).values()]


def kept(name: str) -> dict[str, bytes]:
    """Return the kept corpus of a target, by file name."""
    return {path.name: path.read_bytes() for path in sorted((CORPUS / name).glob("*"))}


def _whole(name: str) -> list[bytes]:
    return {
        "audit-harness": _harness, "audit-results": _results, "audit-inspect-json": _inspect_json, "audit-inspect-zip": _inspect_zip,
        "audit-csv": _csv, "audit-jsonl": lambda: [_table().write_ndjson().encode()], "audit-parquet": lambda: [_parquet(_table())],
        "bigbench-scores": _scores, "bigbench-harness": _results, "bigbench-collected": _collected, "bigbench-samples": _samples,
        "bigbench-parquet": lambda: [_parquet(_records())], "journal": _journal, "answer": _answer,
        "frozen-parquet": lambda: [_parquet(frame, stamp=True) for frame in targets.frames().values()],
        "frozen-csv": lambda: [b"# a note\nx,name\n1,a\n2,\"b, c\"\n"], "manifest": _manifest,
        "settings": lambda: [json.dumps({"width": 4, "seed": 0, "steps": 10, "batch": 2, "learning_rate": 0.01, "templates": ["plain"]}).encode()],
        "score-parquet": lambda: [_parquet(targets.frames()["text"])],
        "words": lambda: [b"1.3b", b"7b1", b"a/b=6.7B=x", b"addition:5:100", b"{a}+{b}={answer}\n"],
    }[name]()  # fmt: skip


def _harness() -> list[bytes]:
    path = next((logs.SAMPLES / "harness").rglob("samples_*.jsonl"))
    choice = {"doc_id": 0, "target": " blue", "arguments": [["Sky?", " red"], ["Sky?", " blue"]], "filtered_resps": [["-2.0", "False"], ["-1.0", "True"]], "acc": 1.0}
    newer = choice | {"arguments": {"gen_args_0": {"arg_0": "Sky?", "arg_1": " red"}, "gen_args_1": {"arg_0": "Sky?", "arg_1": " blue"}}, "target": 1, "filter": "none"}
    return [b"".join(path.read_bytes().splitlines(keepends=True)[:2]), f"{json.dumps(choice)}\n{json.dumps(newer)}\n".encode(), json.dumps([choice]).encode()]


def _results() -> list[bytes]:
    old = {"results": {"piqa": {"acc": 0.6, "acc_stderr": 0.01}}, "config": {"model_args": "pretrained=o/m-1b", "num_fewshot": 0}}
    new = {
        "results": {"piqa": {"alias": "piqa", "acc,none": 0.6, "acc_stderr,none": 0.01}}, "n-shot": {"piqa": 0}, "n-samples": {"piqa": {"effective": 10}},
        "config": {"model_num_parameters": 1376}, "model_name": "lab/m", "model_name_sanitized": "lab__m",
    }  # fmt: skip
    return [json.dumps(old).encode(), json.dumps(new).encode()]


def _inspect_json() -> list[bytes]:
    document = json.loads(next((logs.SAMPLES / "inspect").glob("*.json")).read_bytes())
    sample = {"id": 1, "epoch": 1, "target": ["4", "four"], "output": {"choices": [{"message": {"content": [{"type": "text", "text": "4"}]}, "stop_reason": "stop"}]}}
    head = {"version": 2, "status": "success", "eval": {"model": "lab/m", "task": "t"}, "plan": {"config": {"temperature": 0.5, "seed": 1}}}
    scored = sample | {"scores": {"match": {"value": "C", "answer": "4"}}}
    return [json.dumps(head | {"samples": [sample, scored]}).encode(), json.dumps(document | {"samples": document["samples"][:1]}).encode()[:20_000]]


def _inspect_zip() -> list[bytes]:
    head = {"version": 2, "status": "success", "eval": {"model": "lab/m", "task": "t"}}
    found = []
    for packed in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", packed) as archive:
            archive.writestr("header.json", json.dumps(head))
            archive.writestr("samples/1_epoch_1.json", json.dumps({"id": 1, "epoch": 1, "target": "4", "output": {"completion": "4"}}))
        found.append(content.getvalue())
    return found


def _table() -> pl.DataFrame:
    return pl.DataFrame({"model": ["m", "m", "m-2b"], "item": [1, 2, 1], "target": ["4", "5", "4"], "output": ["4", "6", "four"], "n_params": [10, 10, None]})


def _csv() -> list[bytes]:
    choice = b'model,item,target,probabilities,seed,temperature\nm,1,0,"[0.2, 0.8]",0,0.5\nm-2b,2,1,"0.5,0.5",1,\n'
    return [_table().write_csv().encode(), choice]


def _parquet(table: pl.DataFrame, stamp: bool = False) -> bytes:
    content = io.BytesIO()
    told = {"kind": "text", "stamp": json.dumps(stamps.stamp("a test", [0], "CC0-1.0"))} if stamp else None
    table.write_parquet(content, metadata=told)
    return content.getvalue()


def _scores() -> list[bytes]:
    model = {"model_family": "f", "model_name": "1b", "total_params": "1b", "non_embedding_params": 0}
    entry = {"score_dict": {"multiple_choice_grade": 0.5, "bleu": 25.0}, "preferred_score": "multiple_choice_grade", "number_of_shots": 0, "low_score": 0.25, "high_score": 1.0}
    return [json.dumps({"model": model, "scores": [entry, entry | {"number_of_shots": 3, "subtask_description": "task:a"}]}).encode()]


def _collected() -> list[bytes]:
    return [f"{','.join(collected.COLUMNS)}\nt,t:s,f,1b,1e9,1e9,1.1e9,3,bleu,1,25.0\nt,t,f,2b,0,,2b,0,exact_str_match,0,0.5\n".encode()]


def _samples() -> list[bytes]:
    rows = [{"doc_id": k, "target": k % 2, "arguments": [["Q", " a"], ["Q", " b"]], "filtered_resps": [["-2.0", "False"], ["-1.0", "True"]], "acc": float(k % 2)} for k in range(2)]
    return ["\n".join(map(json.dumps, rows)).encode()]


def _records() -> pl.DataFrame:
    return pl.DataFrame([{"task": "t", "family": "f", "model": "m", "n_params": 10, "shots": 0, "metric": "accuracy", "score": 0.5, "n_items": 100, "chance": 0.5, "origin": "x"}])


def _journal() -> list[bytes]:
    return [b'{"key": "a", "text": "4"}\n{"key": "b", "text": "5"}\n{"key": "c", "te']


def _answer() -> list[bytes]:
    return [json.dumps({"id": "x", "model": "m", "choices": [{"text": " 4", "finish_reason": "stop"}], "usage": {"prompt_tokens": 3, "completion_tokens": 1}}).encode()]


def _manifest() -> list[bytes]:
    return [json.dumps({"mine.parquet": {"kind": "text", "rows": 2, "sha256": "0" * 64}, "mine.csv": {"kind": "annotations", "rows": 1, "sha256": "0" * 64}}).encode()]
