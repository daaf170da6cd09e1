"""How much faster than plain Python loops is scoring, and what does an explorer of a million answers cost?

Six metrics over answers of the frozen ladder, drawn with replacement until there are a million. The
loops score a sample of the same rows one by one, with the packages' own functions for ROUGE and BLEU,
and are scaled up; both have to give the same scores. The same again for sentences that are all
different, where nothing is gained by scoring a pair only once. Then an explorer with four metrics.

    python benchmarks/scoring.py
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import resource
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import polars as pl

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mirage_lib import metrics, outputs  # noqa: E402

BUDGET = 30
METRICS = "exact_match token_edit_distance per_token_accuracy target_log_probability rouge_l_sum bleu".split()


def edit_distance(target: str, output: str) -> int:
    """The dynamic programme, row by row."""
    row = list(range(len(output) + 1))
    for i, x in enumerate(target, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(output, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]


def plain(table: pl.DataFrame) -> tuple[dict[str, float], dict[str, list[float]]]:
    """Score row by row; return seconds and scores, by metric."""
    from rouge_score.rouge_scorer import RougeScorer
    from sacrebleu.metrics import BLEU

    rouge = RougeScorer(["rougeLsum"], use_stemmer=False)
    bleu = BLEU(effective_order=True, smooth_method="exp", tokenize="intl")
    one = {
        "exact_match": lambda target, output, _: float(target == output),
        "token_edit_distance": lambda target, output, _: float(edit_distance(target, output)),
        "per_token_accuracy": lambda target, output, _: sum(map(str.__eq__, target, output)) / len(target),
        "target_log_probability": lambda target, output, logprob: logprob,
        "rouge_l_sum": lambda target, output, _: rouge.score(target, output)["rougeLsum"].fmeasure,
        "bleu": lambda target, output, _: min(1.0, bleu.sentence_score(output, [target]).score / 100),
    }
    rows = table.select("target", "output", "target_logprob").rows()
    seconds, scores = {}, {}
    for name in METRICS:
        start = time.process_time()
        scores[name] = [one[name](*row) for row in rows]
        seconds[name] = time.process_time() - start
    return seconds, scores


def ours(table: pl.DataFrame) -> tuple[dict[str, float], dict[str, pl.Series]]:
    """Score with the library; return seconds and scores, by metric."""
    seconds, scores = {}, {}
    for name in METRICS:
        start = time.process_time()
        scores[name] = metrics.get(name).score(table)
        seconds[name] = time.process_time() - start
    return seconds, scores


def compare(what: str, table: pl.DataFrame, sample: int) -> float:
    """Print and return how many times faster the library is than loops, over all six metrics."""
    ours(table.head(100)), plain(table.head(100))  # imports
    ours_s, ours_scores = ours(table)
    loops_s, loops_scores = plain(table.head(sample))
    print(f"{what}: {table.height:,} rows, {table.select('target', 'output').n_unique():,} different pairs")
    for name in METRICS:
        assert np.allclose(ours_scores[name].head(sample), loops_scores[name], atol=1e-9), name
        loops_s[name] *= table.height / sample
        print(f"  {name:24} {ours_s[name]:7.2f} s   loops {loops_s[name]:7.2f} s")
    ratio = sum(loops_s.values()) / sum(ours_s.values())
    print(f"  all six                  {sum(ours_s.values()):7.2f} s   loops {sum(loops_s.values()):7.2f} s: {ratio:.1f} times")
    return ratio


def sentences(n: int, seed: int = 0) -> pl.DataFrame:
    """Targets of six words, and outputs with some of the words changed."""
    rng = np.random.default_rng(seed)
    words = np.array([f"{a}{b}{c}" for a in "bdfkl" for b in "aeiou" for c in "mnrst"])
    target = rng.integers(0, len(words), (n, 6))
    output = np.where(rng.random((n, 6)) < 0.3, rng.integers(0, len(words), (n, 6)), target)
    texts = {name: [" ".join(row) for row in words[ids]] for name, ids in (("target", target), ("output", output))}
    return pl.DataFrame(texts).with_columns(target_logprob=pl.Series(-rng.random(n)))


def explorer(ladder: pl.DataFrame, rows: int) -> None:
    """Print time and memory of the four-metric explorer over the ladder, repeated with new seeds."""
    from mirage_lib.show import views

    times = math.ceil(rows / ladder.height)
    many = pl.concat(ladder.with_columns(pl.col("seed") + 1000 * k) for k in range(times))
    start = time.process_time()
    shown = views.metric_explorer(many, "benchmark", METRICS[:4], length=int(ladder["group"].max()))
    seconds = time.process_time() - start
    print(
        f"Explorer of {many.height:,} answers of {many['seed'].n_unique()} seeds: {shown.rows.height:,} estimates with "
        f"intervals in {seconds:.1f} s; peak memory of this process, benchmark included: "
        f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"
    )


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--rows", type=int, default=1_000_000)
    options.add_argument("--sample", type=int, default=20_000, help="rows that the loops score")
    given = options.parse_args()
    ladder = outputs.load("arithmetic-ladder")
    answers = ladder.select("target", "output", "target_logprob").sample(given.rows, with_replacement=True, seed=0)
    ratio = compare("Answers of the ladder", answers, given.sample)
    compare("Sentences of six words", sentences(given.rows // 10), given.sample // 10)
    explorer(ladder, given.rows)
    print(
        f"Processor time; polars {version('polars')}, rapidfuzz {version('rapidfuzz')}, Python "
        f"{platform.python_version()}, {os.cpu_count()} cores. Budget: {BUDGET} times, for the ladder's answers."
    )
    return 0 if ratio >= BUDGET else 1


if __name__ == "__main__":
    sys.exit(main())
