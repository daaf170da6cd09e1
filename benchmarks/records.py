"""How much faster than json and pandas are 9,000 score files read and scored?

The files are made by this script, in the layout of BIG-bench's results: 205 tasks by 44 models of five families,
some tasks with subtasks, five numbers of shots, six metrics. Read and scored means: the emergence score of every
task, subtask, family, metric and number of shots. The baseline is what one would write first: json.load, a pandas
frame of rows, groupby.apply of a function that sorts a group and takes the formula. A second one sorts the whole
table beforehand. All have to give the same scores. Processor time counts, since other programs may run beside.
The same for ever more files, from 9 on, shows how the cost grows; few files are few models of one task.

    python -m benchmarks.records
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import results  # noqa: E402
from benchmarks.results import Growth, Row  # noqa: E402
from mirage_lib.analyses import triplets  # noqa: E402
from mirage_lib.bigbench import reading  # noqa: E402

FROM_RAW, FROM_PARQUET = 8, 30
FAMILIES = {"dense a": 12, "dense b": 12, "sparse": 12, "wide": 5, "deep": 3}
METRICS = "exact_str_match multiple_choice_grade bleu rouge1 rouge2 rougeLsum".split()
SHOTS = (0, 1, 2, 3, 5)
GROUP = ["task", "family", "metric", "shots", "setting"]


def make(folder: Path, files: int, seed: int = 0) -> int:
    """Write the files, and return their bytes; one task in eight has four subtasks."""
    rng = random.Random(seed)
    models = [(family, f"{2 ** (i + 1)}m", 2_000_000 * 2**i) for family, n in FAMILIES.items() for i in range(n)]
    size = 0
    for index in range(files):
        task, (family, name, params) = f"task_{index // len(models)}", models[index % len(models)]
        subtasks = [task] + [f"{task}:part_{k}" for k in range(4)] * (index // len(models) % 8 == 0)
        entries = [
            {
                "score_dict": {metric: rng.random() * (1 if "_" in metric else 100) for metric in METRICS},
                "preferred_score": METRICS[index // len(models) % 2], "subtask_description": subtask,
                "low_score": 0.0, "high_score": 1.0, "number_of_shots": shots,
            }
            for subtask in subtasks for shots in SHOTS
        ]  # fmt: skip
        model = {
            "model_family": family, "model_name": name, "non_embedding_params": params, "total_params": params + 10**6,
            "flop_matched_non_embedding_params": params, "training_batch_size": 1024, "training_steps": 10**6,
            "description": "made by a benchmark", "decoding_params": {"temperature": 0.0},
        }  # fmt: skip
        about = {"task_name": task, "task_description": "words " * 40, "keywords": ["made up"] * 6, "num_examples": 1000}
        place = folder / task / "results" / f"scores_{family.replace(' ', '-')}_{name}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        size += place.write_text(json.dumps({"model": model, "task": about, "scores": entries}, indent=1))
    return size


def rows(folder: Path):
    """Read with json into a pandas frame, a row a score."""
    import pandas as pd

    found = []
    for path in folder.rglob("scores_*.json"):
        with open(path) as file:
            content = json.load(file)
        task, model = path.parent.parent.name, content["model"]
        for entry in content["scores"]:
            subtask = entry["subtask_description"]
            for metric, score in entry["score_dict"].items():
                found.append((
                    task, model["model_family"], metric, entry["number_of_shots"],
                    "" if subtask == task else subtask.removeprefix(task + ":"),
                    model["flop_matched_non_embedding_params"], score,
                ))  # fmt: skip
    return pd.DataFrame(found, columns=[*GROUP, "n_params", "score"])


def formula(y: np.ndarray) -> float:
    """The emergence score of one curve of at least five models."""
    if len(y) < 5:
        return np.nan
    sign = 1 if y.argmax() > y.argmin() else -1
    return sign * (y.max() - y.min()) / np.sqrt(np.median(np.diff(y) ** 2))


def plain(folder: Path):
    """What one would write first: groupby, and a function from a group to its score."""
    grouped = rows(folder).groupby(GROUP)[["n_params", "score"]]
    return grouped.apply(lambda group: formula(group.sort_values("n_params")["score"].to_numpy())).dropna()


def tuned(folder: Path):
    """The same with the whole table sorted once and only the scores handed to the function."""
    ordered = rows(folder).sort_values("n_params")
    return ordered.groupby(GROUP)["score"].apply(lambda group: formula(group.to_numpy())).dropna()


def timed(work, rounds: int):
    """The least seconds of some rounds, of processor time, and the result."""
    seconds = []
    for _ in range(rounds):
        start = time.process_time()
        result = work()
        seconds.append(time.process_time() - start)
    return min(seconds), result


def ours(folder: Path):
    """Read and score the raw files with the library."""
    return triplets.scored(reading.read(folder, progress=False).records)


def growing(folder: Path, most: int) -> Growth:
    """Seconds for 9 files, 28, 90 and so on; a set is linked from the whole one, not written again."""
    paths, points = sorted(folder.rglob("scores_*.json")), []
    for files in (int(9 * 10 ** (k / 2)) for k in range(20)):
        if files > most:
            break
        part = folder.parent / f"{files}-files"
        for path in paths[:files]:
            place = part / path.relative_to(folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.hardlink_to(path)
        points.append((files, timed(lambda part=part: ours(part), 3)[0]))
    return Growth("raw score files read and scored", "files", points)


def main() -> int:
    """Measure, print, and return 1 where a budget is missed."""
    parser = results.parser(__doc__)
    parser.add_argument("--files", type=int, default=9000)
    parser.add_argument("--rounds", type=int, default=3, help="of which the fastest counts; the slow baseline runs once")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "benchmark_tasks"
        size = make(folder, given.files)
        read = reading.read(folder, progress=False)
        saved = reading.save(read.records, Path(scratch) / "records.parquet")
        slow_s, slow = timed(lambda: plain(folder), 1)
        tuned_s, other = timed(lambda: tuned(folder), given.rounds)
        raw_s, raw = timed(lambda: ours(folder), given.rounds)
        kept_s, kept = timed(lambda: triplets.scored(reading.load(saved)), given.rounds)
        growth = growing(folder, given.files)
    assert raw.equals(kept)
    found = {row[:-1]: row[-1] for row in raw.select(*GROUP, "score").iter_rows()}
    for theirs in (slow.to_dict(), other.to_dict()):
        assert found.keys() == theirs.keys() and np.allclose([theirs[key] for key in found], list(found.values()), rtol=1e-9)
    sizes = f"{size / 1e6:.0f} MB, {read.records.height:,} scores, {raw.height:,} triplets"
    rows = []
    for what, seconds, least in (("raw", raw_s, FROM_RAW), ("from the Parquet file kept of them", kept_s, FROM_PARQUET)):
        what = f"{given.files:,} score files read and scored, {what}"
        rows.append(Row(what, seconds, other="json and pandas, groupby.apply", theirs=slow_s, least=least, note=sizes))
        rows.append(Row(what, seconds, other="json and pandas, sorted beforehand", theirs=tuned_s))
    return results.finish("records", rows, [growth], ("polars", "msgspec", "pandas"), given.write)


if __name__ == "__main__":
    sys.exit(main())
