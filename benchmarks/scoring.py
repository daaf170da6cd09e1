"""How much faster than plain Python loops and pandas is scoring, and what does an explorer of a million answers cost?

Six metrics over answers of the frozen ladder, drawn with replacement until there are a million. The
loops score a sample of the same rows one by one, with the packages' own functions for ROUGE and BLEU,
and are scaled up; so does pandas by `apply`. A careful user of pandas compares columns and scores every
different pair once: that is done on all rows. All have to give the same scores. The same again for sentences
that are all different, where nothing is gained by scoring a pair only once. Then an explorer with four metrics.

    python -m benchmarks.scoring
"""

from __future__ import annotations

import math
import resource
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import results  # noqa: E402
from benchmarks.results import Row  # noqa: E402
from mirage_lib import metrics, outputs  # noqa: E402

BUDGET, MEMORY = 30, 1500
METRICS = "exact_match token_edit_distance per_token_accuracy target_log_probability rouge_l_sum bleu".split()


def edit_distance(target: str, output: str) -> int:
    """The dynamic programme, row by row."""
    row = list(range(len(output) + 1))
    for i, x in enumerate(target, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(output, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]


def functions() -> dict:
    """What scores one row, by metric: of the target, the output and the target's log-probability."""
    from rouge_score.rouge_scorer import RougeScorer
    from sacrebleu.metrics import BLEU

    rouge = RougeScorer(["rougeLsum"], use_stemmer=False)
    bleu = BLEU(effective_order=True, smooth_method="exp", tokenize="intl")
    return {
        "exact_match": lambda target, output, _: float(target == output),
        "token_edit_distance": lambda target, output, _: float(edit_distance(target, output)),
        "per_token_accuracy": lambda target, output, _: sum(map(str.__eq__, target, output)) / len(target),
        "target_log_probability": lambda target, output, logprob: logprob,
        "rouge_l_sum": lambda target, output, _: rouge.score(target, output)["rougeLsum"].fmeasure,
        "bleu": lambda target, output, _: min(1.0, bleu.sentence_score(output, [target]).score / 100),
    }


def timed(score) -> tuple[dict[str, float], dict]:
    """Processor seconds and scores, by metric."""
    seconds, scores = {}, {}
    for name in METRICS:
        start = time.process_time()
        scores[name] = score(name)
        seconds[name] = time.process_time() - start
    return seconds, scores


def plain(table: pl.DataFrame) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Score row by row; return seconds and scores, by metric."""
    rows, one = table.select("target", "output", "target_logprob").rows(), functions()
    return timed(lambda name: [one[name](*row) for row in rows])


def pandas_apply(table: pl.DataFrame) -> tuple[dict[str, float], dict]:
    """Score by `DataFrame.apply` along the rows, as one would write first."""
    frame, one = frame_of(table), functions()
    return timed(lambda name: frame.apply(lambda row: one[name](row.target, row.output, row.target_logprob), axis=1))


def pandas_once(table: pl.DataFrame) -> tuple[dict[str, float], dict]:
    """Score by whole columns where that can be done, and by different pairs, merged back, where not."""
    frame, one = frame_of(table), functions()

    def score(name: str):
        if name == "exact_match":
            return (frame["target"] == frame["output"]).astype(float)
        if name == "target_log_probability":
            return frame["target_logprob"]
        pairs = frame[["target", "output"]].drop_duplicates()
        pairs["score"] = [one[name](target, output, None) for target, output in zip(pairs["target"], pairs["output"], strict=True)]
        return frame.merge(pairs, on=["target", "output"], how="left")["score"]

    return timed(score)


def frame_of(table: pl.DataFrame):
    import pandas as pd

    return pd.DataFrame(table.select("target", "output", "target_logprob").to_dict(as_series=False))


def ours(table: pl.DataFrame) -> tuple[dict[str, float], dict[str, pl.Series]]:
    """Score with the library; return seconds and scores, by metric."""
    return timed(lambda name: metrics.get(name).score(table))


def compare(what: str, table: pl.DataFrame, sample: int, least: float | None = None) -> list[Row]:
    """Rows of the library against the other ways, over all six metrics; ``least`` is the budget against loops."""
    ways = {"plain Python loops": (plain, sample), "pandas, apply": (pandas_apply, sample // 4), "pandas, each different pair once": (pandas_once, table.height)}
    for way in (ours, *(way for way, _ in ways.values())):
        way(table.head(100))  # imports
    ours_s, ours_scores = ours(table)
    print(f"{what}: {table.height:,} rows, {table.select('target', 'output').n_unique():,} different pairs")
    rows = []
    for other, (way, n) in ways.items():
        seconds, scores = way(table.head(n))
        for name in METRICS:
            assert np.allclose(ours_scores[name].head(n), scores[name], atol=1e-9), (other, name)
            print(f"  {name:24} {ours_s[name]:7.2f} s   {other} {seconds[name] * table.height / n:7.2f} s")
        budget = least if way is plain else None
        rows.append(Row(f"six metrics of {table.height:,} {what}", sum(ours_s.values()), other=other, theirs=sum(seconds.values()) * table.height / n, least=budget))
    return rows


def sentences(n: int, seed: int = 0) -> pl.DataFrame:
    """Targets of six words, and outputs with some of the words changed."""
    rng = np.random.default_rng(seed)
    words = np.array([f"{a}{b}{c}" for a in "bdfkl" for b in "aeiou" for c in "mnrst"])
    target = rng.integers(0, len(words), (n, 6))
    output = np.where(rng.random((n, 6)) < 0.3, rng.integers(0, len(words), (n, 6)), target)
    texts = {name: [" ".join(row) for row in words[ids]] for name, ids in (("target", target), ("output", output))}
    return pl.DataFrame(texts).with_columns(target_logprob=pl.Series(-rng.random(n)))


def explorer(ladder: pl.DataFrame, rows: int) -> list[Row]:
    """Processor time and memory of the four-metric explorer over so many answers: the ladder's, then again as other seeds."""
    from mirage_lib.show import views

    times = math.ceil(rows / ladder.height)
    many = pl.concat(ladder.with_columns(pl.col("seed") + 1000 * k) for k in range(times)).head(rows)
    start = time.process_time()
    shown = views.metric_explorer(many, "benchmark", METRICS[:4], length=int(ladder["group"].max()))
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    what = f"explorer of {many.height:,} answers of {many['seed'].n_unique()} seeds"
    note = f"{shown.rows.height:,} estimates with intervals"
    return [Row(what, seconds, note=note), Row(f"{what}: peak memory", peak, unit="MB", most=MEMORY)]


def main() -> int:
    """Measure, print, and return 1 where a budget is missed."""
    parser = results.parser(__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--sample", type=int, default=20_000, help="rows that the loops score")
    given = parser.parse_args()
    ladder = outputs.load("arithmetic-ladder")
    answers = ladder.select("target", "output", "target_logprob").sample(given.rows, with_replacement=True, seed=0)
    # First, since the peak is the whole process's.
    rows = explorer(ladder, given.rows)
    rows = compare("answers of the ladder", answers, given.sample, BUDGET) + rows
    rows += compare("sentences of six words", sentences(given.rows // 10), given.sample // 10)
    return results.finish("scoring", rows, packages=("polars", "rapidfuzz", "pandas", "rouge-score", "sacrebleu"), write=given.write)


if __name__ == "__main__":
    sys.exit(main())
