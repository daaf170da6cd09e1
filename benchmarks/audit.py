"""How long does an audit of a million sample rows take, how much memory, and does its cost grow with the rows?

The logs are made by this script as lm-evaluation-harness writes them: a folder a model, a file a task, one JSON
line an item; half of the tasks have written answers, half choose among four. Each size is audited in a process of its
own, with the command line, so that seconds and memory are those of a user. The baseline is what one would write
first: json, a pandas frame, and a loop over its rows for exact match, edit distance and the choice's Brier score, then
means by model and task, without intervals, tests, forecasts or a report. Processor time stands beside wall time, since
other programs may run on the machine.

    python -m benchmarks.audit
"""

from __future__ import annotations

import json
import math
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import results  # noqa: E402
from benchmarks.results import Growth, Row  # noqa: E402

SECONDS, MEMORY, EXPONENT, CORES = 30, 2000, 1.1, 2
SIZES = (1000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
REPEATED = 100_000
MODELS = [10**7 * 3**k for k in range(8)]
TASKS = 6
DOCUMENT = "A question as long as such questions are, with some words before it that tell how to answer. " * 3
CHILD = "import json, resource, sys; from mirage_lib import cli; code = cli.main(); " \
        "used = resource.getrusage(resource.RUSAGE_SELF); " \
        "print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1024])); sys.exit(code)"  # fmt: skip


def make(folder: Path, rows: int, seed: int = 0) -> int:
    """Write logs with about so many rows, and return how many they are."""
    rng, each, written = random.Random(seed), max(1, rows // (len(MODELS) * TASKS)), 0
    for k, size in enumerate(MODELS):
        place = folder / f"made__made-{size}"
        place.mkdir(parents=True)
        results = {"model_name": f"made-{size}", "config": {"model_num_parameters": size}}
        (place / "results_2026-01-01T00-00-00.000000.json").write_text(json.dumps(results))
        right = 0.5 + 0.06 * k
        for task in range(TASKS):
            with (place / f"samples_task{task}_2026-01-01T00-00-00.000000.jsonl").open("w") as file:
                for item in range(each):
                    file.write(json.dumps(written_line(rng, item, right) if task % 2 else choice_line(rng, item, right)) + "\n")
            written += each
    return written


def written_line(rng: random.Random, item: int, right: float) -> dict:
    """An item with a written answer of four digits."""
    target = f"{(item * 7919) % 9000 + 1000}"
    said = "".join(c if rng.random() < right else str(rng.randrange(10)) for c in target)
    return {
        "doc_id": item, "doc": {"question": DOCUMENT}, "target": target, "filter": "none", "resps": [[said]], "filtered_resps": [said],
        "arguments": {"gen_args_0": {"arg_0": DOCUMENT, "arg_1": {"until": ["\n"]}}}, "exact_match": float(said == target),
    }  # fmt: skip


def choice_line(rng: random.Random, item: int, right: float) -> dict:
    """An item with four choices and a log-likelihood of each."""
    target = item % 4
    nats = [-rng.expovariate(0.2) - (0 if k == target else 4 * right) for k in range(4)]
    pairs = [[str(x), "False"] for x in nats]
    arguments = {f"gen_args_{k}": {"arg_0": DOCUMENT, "arg_1": f" choice {k}"} for k in range(4)}
    best = float(max(range(4), key=nats.__getitem__) == target)
    return {
        "doc_id": item, "doc": {"question": DOCUMENT}, "target": str(target), "filter": "none", "resps": [[pair] for pair in pairs],
        "filtered_resps": pairs, "arguments": arguments, "acc": best,
    }  # fmt: skip


def audited(folder: Path, page: Path) -> tuple[float, float, float]:
    """Wall seconds, processor seconds and peak memory (MB) of one audit."""
    command = [sys.executable, "-c", CHILD, "audit", str(folder), "--out", str(page)]
    here = results.environment(**dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(CORES)))
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, env=here)
    if done.returncode:
        sys.exit(done.stderr)
    return (time.perf_counter() - start, *json.loads(done.stdout.splitlines()[-1]))


def distance(a: str, b: str) -> int:
    """Edit distance by the usual table, one row at a time."""
    last = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row = [i]
        for j, y in enumerate(b, 1):
            row.append(min(last[j] + 1, row[-1] + 1, last[j - 1] + (x != y)))
        last = row
    return last[-1]


def plain(folder: Path):
    """Three metrics by json, pandas and a loop: the mean of each by model and task."""
    import pandas as pd

    lines = []
    for path in sorted(folder.rglob("samples_*.jsonl")):
        with path.open() as file:
            for line in file:
                lines.append({"model": path.parent.name, "task": path.name.split("_")[1], **json.loads(line)})
    frame, found = pd.DataFrame(lines), []
    for _, row in frame.iterrows():
        said, target = row["filtered_resps"], row["target"]
        if isinstance(said[0], str):
            found.append((float(said[0] == target), distance(said[0], target), math.nan))
        else:
            weights = [math.exp(float(x) - max(float(y) for y, _ in said)) for x, _ in said]
            p = [w / sum(weights) for w in weights]
            found.append((math.nan, math.nan, sum((q - (k == int(target))) ** 2 for k, q in enumerate(p))))
    frame[["exact_match", "token_edit_distance", "brier_multiclass"]] = found
    return frame.groupby(["model", "task"])[["exact_match", "token_edit_distance", "brier_multiclass"]].mean()


def agree(table, numbers: Path) -> int:
    """Compare the baseline's means with the audit's; return how many there were."""
    compared = 0
    for finding in json.loads(numbers.read_text())["findings"]:
        if finding["metric"] in table.columns:
            for one in finding["curve"]:
                theirs = table.loc[(f"made__{one['model']}", finding["task"]), finding["metric"]]
                assert math.isclose(theirs, one["estimate"], rel_tol=1e-9, abs_tol=1e-12), (finding["task"], one, theirs)
                compared += 1
    return compared


def main() -> int:
    """Measure, print, and return 1 where a budget is missed."""
    parser = results.parser(__doc__)
    parser.add_argument("--largest", type=int, default=1_000_000)
    parser.add_argument("--baseline", type=int, default=100_000, help="rows of the size at which the baseline runs")
    given = parser.parse_args()
    seen, slow = [], None
    with tempfile.TemporaryDirectory() as scratch:
        for rows in (size for size in SIZES if size <= given.largest):
            folder, page = Path(scratch) / str(rows), Path(scratch) / f"{rows}.html"
            count = make(folder, rows)
            # The costs that do not grow are most of a small audit, and decide what is left to grow: they are taken twice.
            runs = [audited(folder, page) for _ in range(1 if rows > REPEATED else 2)]
            wall, cpu, memory = (min(each) for each in zip(*runs, strict=True))
            seen.append((count, wall, cpu, memory))
            print(f"{count:>9,} rows {wall:6.1f} s wall, {cpu:6.1f} s processor, {memory:5.0f} MB", flush=True)
            if rows == given.baseline:
                start = time.process_time()
                table = plain(folder)
                slow = (time.process_time() - start) * given.largest / rows
                compared = agree(table, page.with_suffix(".json"))
                print(f"{'':>9} json, pandas and a loop for three metrics; {compared} means agree")
                del table
            shutil.rmtree(folder)
    many, wall, dear, memory = seen[-1]
    what = f"`mirage audit` of {many:,} rows"
    baseline = f"json, pandas and a loop for three means, no interval, test or report; {given.baseline:,} rows, scaled up"
    table = [
        Row(what, dear, other=baseline, theirs=slow, most=SECONDS, note=f"{len(MODELS)} models, {TASKS} tasks; wall {wall:.0f} s"),
        Row(f"{what}: peak memory", memory, unit="MB", most=MEMORY),
    ]
    growths = [
        Growth("audit", "rows", [(count, cpu) for count, _, cpu, _ in seen], most=EXPONENT),
        Growth("audit: peak memory", "rows", [(count, memory) for count, _, _, memory in seen], unit="MB"),
    ]
    return results.finish("audit", table, growths, ("polars", "msgspec", "pandas"), given.write)


if __name__ == "__main__":
    sys.exit(main())
