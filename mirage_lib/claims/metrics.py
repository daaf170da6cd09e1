"""Section 4, Fig. 5A: how many metrics show emergence, and whether it belongs to metrics or to tasks.

The 39 metrics of the paper cannot be scored without BIG-Bench's collected table. What can be judged here is
the metrics of the embedded records, and tables in which several metrics score the same outputs.
"""

from __future__ import annotations

import polars as pl

from mirage_lib.analyses import metric_shares
from mirage_lib.bigbench import annotations as marks
from mirage_lib.claims import registry
from mirage_lib.claims.registry import Verdict

CONTROL = "lm-eval"
"""A crossed table whose metrics are of one kind, so that the paper predicts no difference."""

SMOOTH = {"perplexity", "brier", "brier_top_label", "likelihood_difference"}
"""Metrics of these records that are continuous in the model's probabilities, item by item."""


@registry.test
def metrics_few_5_of_39() -> Verdict:
    table = metric_shares.shares(metric_shares.scored())
    tested = table.filter(pl.col("tested") > 0)
    above = metric_shares.exceeding(tested)
    known = marks.metrics()
    in_files = known.filter(pl.col("tasks") + pl.col("parents") > 0)
    here = sorted(set(table["metric"]) & set(known["metric"]))
    return Verdict(
        "cannot be tested here",
        f"Missing: scores under {known.height - len(here)} of the paper's {marks.PUBLISHED_METRICS} metrics (only "
        f"{', '.join(here)} are, by name, in these records; {in_files.height} are preferred by tasks with a file, which is the most that BIG-Bench's "
        "collected table all.csv can hold), the numbers of items, and the paper's threshold, "
        f"which it does not state. Of the {tested.height} metrics here whose noise is known, {above.height} exceed the smooth null in more "
        f"triplets than luck gives (exact test, {metric_shares.LEVEL:.0%}: {', '.join(above['metric'])}); among them "
        f"{', '.join(sorted(set(above['metric']) & SMOOTH)) or 'none'}, which are continuous item by item.",
    )


@registry.test
def metrics_not_tasks() -> Verdict:
    shares = metric_shares.explained().pivot("factor", index="table", values="share").filter(pl.col("table") != CONTROL)
    wins = shares.filter(pl.col("metric") > pl.col("pair"))
    verdict = "upheld" if wins.height == shares.height else "partly" if 2 * wins.height >= shares.height else "not upheld"
    said = "; ".join(f"{row['table']} {_percent(row['metric'])} against {_percent(row['pair'])}" for row in shares.iter_rows(named=True))
    return Verdict(
        verdict,
        f"Share of the ranked score's variance explained by the metric, against task and family together, where several metrics score "
        f"the same outputs: {said}. The metric explains more on {wins.height} of {shares.height} tables. The published score is noisy and "
        "takes an early rush for a jump, so this speaks of the score, not of every sense of sharp. In BIG-Bench itself nearly every task has one "
        "preferred metric, and the two cannot be told apart.",
    )


def _percent(share: float) -> str:
    return f"{max(share, 0):.0%}"
