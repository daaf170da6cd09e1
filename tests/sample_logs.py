"""Logs for the tests of the audit: those that come with the package, and made ones with any content."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl

from mirage_lib import theory
from mirage_lib.audit import logs

LOGS = logs.SAMPLES
SIZES = {"width4": 1376, "width12": 8736}
CHAT = {f"chat-{name}": size for name, size in SIZES.items()}
HARNESS = sorted((LOGS / "harness").rglob("*.jsonl"))


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def simulated(models: int = 6, n: int = 200, length: int = 4) -> pl.DataFrame:
    table = theory.text_outputs(np.linspace(0.7, 0.05, models), length, n)
    return table.with_columns(model=pl.format("m{}", "n_params"), n_params=pl.col("n_params").cast(pl.Int64) * 1_000_000)


def write(table: pl.DataFrame, path: Path) -> Path:
    table = table.select("model", "n_params", "item", "target", "output", "task")
    if path.suffix == ".csv":
        table.write_csv(path)
    elif path.suffix == ".parquet":
        table.write_parquet(path)
    else:
        table.write_ndjson(path)
    return path


def harness_log(folder: Path, name: str, *samples: dict) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("\n".join(json.dumps(one) for one in samples))
    return path


def asked(item: int, target: object, said: object, **more: object) -> dict:
    return {"doc_id": item, "target": target, "arguments": [["Q", {"until": []}]], "resps": [[said]], "filtered_resps": [said]} | more


def inspect_log(path: Path, samples: list[dict], status: str = "success", model: str = "openai/a-1b", **config: object) -> Path:
    head = {"version": 2, "status": status, "eval": {"model": model, "task": "inspect_evals/sums"}, "plan": {"config": config}}
    path.write_text(json.dumps(head | {"samples": samples}))
    return path


def completed(item: int, target: object, said: str, **more: object) -> dict:
    return {"id": item, "epoch": 1, "target": target, "output": {"choices": [{"message": {"content": said}, "stop_reason": "stop"}]}} | more
