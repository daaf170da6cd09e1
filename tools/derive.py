"""Derive the small tables that the book embeds from records that others published.

    MIRAGE_DATA=<folder of the records> .venv/bin/python tools/derive.py

The records themselves are not in the repository; each table's first line says where they are.
"""

import os
import sys
from pathlib import Path

import polars as pl

from mirage_lib import outputs

TRAINED_ON = 300.0
"""Billions of training tokens: the end of Pythia's training."""
PYTHIA_NOTE = (
    "Sampled success of Pythia models after 300 billion training tokens, by task and size, summed up by "
    "tools/derive.py from the per-problem counts of Schaeffer et al., How Do Large Language Monkeys Get Their Power "
    "(Laws)?, arXiv 2502.17578. Their repository states no licence; only numbers are kept."
)


def pythia_sampled(records: Path) -> pl.DataFrame:
    """Sum up how often each model solved each problem.

    Problems without success were sampled more often, so the mean is over problems, not over samples.

    Returns
    -------
    Frame with ``task, n_params, problems, n_samples, n_correct, problems_solved, most_from_one,
    mean_success``.
    """
    counts = pl.read_parquet(records / "open-models" / "pythia_sampled_success.parquet")
    return (
        counts.filter(pl.col("tokens_b") == TRAINED_ON)
        .group_by("task", "n_params")
        .agg(
            problems=pl.len(),
            n_samples=pl.col("n_samples").sum(),
            n_correct=pl.col("n_correct").sum(),
            problems_solved=(pl.col("n_correct") > 0).sum(),
            most_from_one=pl.col("n_correct").max(),
            mean_success=(pl.col("n_correct") / pl.col("n_samples")).mean().round_sig_figs(4),
        )
        .sort("task", "n_params")
    )


if __name__ == "__main__":
    if "MIRAGE_DATA" not in os.environ:
        sys.exit("Say where the published records lie: MIRAGE_DATA=<folder> .venv/bin/python tools/derive.py")
    table = pythia_sampled(Path(os.environ["MIRAGE_DATA"]))
    print(outputs.save_table(table, "pythia-sampled", "derived table", PYTHIA_NOTE))
