"""Derive the small tables that the book embeds from records that others published.

    MIRAGE_DATA=<folder of the records> .venv/bin/python tools/derive.py

The records themselves are not in the repository; each table's first line says where they are, and
``mirage arithmetic fetch`` gets the originals by their hashes. Two tables are no summaries but readings,
and their few rows stand here: the low accuracies of Fig. 4, and five published points of Pythia.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

from mirage_lib import curves, outputs

TRAINED_ON = 300.0
"""Billions of training tokens: the end of Pythia's training."""
MONKEYS = (
    "Schaeffer et al., How Do Large Language Monkeys Get Their Power (Laws)?, arXiv 2502.17578. "
    "Their repository states no licence; only numbers are kept."
)
PYTHIA_NOTE = (
    "Sampled success of Pythia models after 300 billion training tokens, by task and size, summed up by "
    f"tools/derive.py from the per-problem counts of {MONKEYS}"
)
BY_TRAINING_NOTE = (
    "Sampled success of Pythia models by task, size and training length (tokens_b: billions of tokens), summed up by "
    "tools/derive.py; low and high: 95 % bootstrap over problems, or from 0 to an exact one-sided bound where none "
    f"was right. From the per-problem counts of {MONKEYS}"
)
LOGPROB_NOTE = (
    "Log-probability (nats, whole text) of the reference answers to GSM8K's test problems under Pythia models, "
    "summed up over problems by tools/derive.py; tokens_b: billions of training tokens; share_better: problems whose "
    f"reference the model finds likelier than the next smaller one does. From the per-problem values of {MONKEYS}"
)
PUBLIC_NOTE = (
    "2-shot arithmetic of public base models, accuracy, by family and size, from ryoungj/ObsScaling (Apache-2.0; "
    "Ruan, Maddison and Hashimoto, arXiv 2405.10938), cleaned by tools/derive.py. n: every accuracy is a multiple of "
    "1/2000. mixture: a mixture of experts, whose n_params the source counts sometimes as active, sometimes in all."
)
FIG4_NOTE = (
    "Low accuracies and dashed lines of Fig. 4 of Schaeffer, Miranda and Koyejo, NeurIPS 2023 (arXiv 2304.15004), read "
    "off a bitmap with a logarithmic axis: two digits are given, the second is uncertain. Higher values: see fig3."
)
ADDITION_NOTE = (
    "Published: 2-digit addition by Pythia models, zero-shot, sampled until success at temperature 0.7; from "
    "manos-ai/emergent_llm at 37ee8f44, results/acc_vs_N_results.csv (code of Towards predicting Emergent Abilities in "
    "Large Language Models, FMW at CVPR 2024). Sizes without embeddings, no intervals; only numbers are kept."
)
SOURCES_NOTE = (
    "Where the originals of the derived tables are: repository on GitHub, commit, path, size, SHA-256, licence. 'mirage "
    "arithmetic fetch' and 'mirage bigbench fetch' download them; 'tables' names what is derived from each. all.csv, the "
    "collected scores of BIG-Bench, is pinned by its Git blob (a SHA-1), since neither it nor its SHA-256 could be had. "
    "Pinned by their commit only, and not fetched: records-bigg and bigg-correct (wschella/lass), records-lm-eval "
    "(EleutherAI/pythia and lm-evaluation-harness), and records-open-lm (a folder of mlfoundations/scaling)."
)
ITEMS = 2000
"""Test items of each public arithmetic task; :func:`public_arithmetic` checks it against the scores."""
TASKS = {
    "arithmetic_2dm": "2-digit multiplication",
    "arithmetic_2da": "2-digit addition",
    "arithmetic_3da": "3-digit addition",
    "arithmetic_3ds": "3-digit subtraction",
}
MIXTURES = ("Mixtral", "Jamba", "DeepSeek-V2", "DeepSeek-Coder-V2")
ORIGINALS = {
    "eval_results/base_llm_emergent_capability_eval.csv": "public-arithmetic, records-few-shot",
    "eval_results/base_llm_benchmark_eval.csv": "records-benchmarks",
    "evaluation_scores.csv": "records-gpt-lineage",
    "data/processed_data/gpt4_gsm8k_neg_log_likelihood.parquet": "pythia-reference-logprob",
    "data/raw_data/large_language_monkeys/gsm8k_pass_at_k.parquet": "pythia-sampled, pythia-sampled-by-training",
    "data/raw_data/large_language_monkeys/math_pass_at_k.parquet": "pythia-sampled, pythia-sampled-by-training",
}
"""What is derived of which file."""
ALL_OF = {
    "tony10101105/ExpEmergence": "records-choice, records-choice-by-difficulty",
    "allenai/OLMo-ladder": "records-olmo",
}
"""Repositories all of whose listed files go into the same tables."""
COLLECTED = {
    "tables": "all.csv",
    "repository": "INK-USC/predicting-big-bench",
    "commit": "628de3babddcceaf6d7591102bb4cf9c7d36523a",
    "path": "data/bigbench/all.csv",
    "git_blob": "7f1dba100c5d9253386bf640532e7f7acdf0077d",
    "licence": "Apache-2.0",
}
"""The scores of BIG-Bench's models, collected: nothing here is derived of it, but it can be fetched and read."""


def _counts(records: Path) -> pl.DataFrame:
    return pl.read_parquet(records / "open-models" / "pythia_sampled_success.parquet")


def pythia_sampled(records: Path) -> pl.DataFrame:
    """Sum up how often each model solved each problem.

    Problems were sampled unequally often, so the mean is over problems, not over samples.

    Returns
    -------
    Frame with ``task, n_params, problems, n_samples, n_correct, problems_solved, most_from_one,
    mean_success``.
    """
    return (
        _counts(records)
        .filter(pl.col("tokens_b") == TRAINED_ON)
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


def pythia_by_training(records: Path) -> pl.DataFrame:
    """Sum up the same record with sizes and training lengths crossed.

    Where none was right, ``high`` is the largest mean rate over these problems that leaves that a chance
    of 5 %. The worst case puts all successes into the problems that were sampled least.

    Returns
    -------
    Frame with ``task, n_params, tokens_b, problems, n_samples, least_samples, least_problems,
    least_unsolved, n_correct, problems_solved, mean_success, low, high``; ``least_problems`` were sampled
    only ``least_samples`` times, and ``least_unsolved`` of them were never right.
    """
    rows = []
    counts = _counts(records).sort("task", "n_params", "tokens_b", "item")
    for key, cell in counts.group_by("task", "n_params", "tokens_b", maintain_order=True):
        rate = (cell["n_correct"] / cell["n_samples"]).to_numpy()
        least, right = cell["n_samples"].min(), cell["n_correct"].sum()
        if right:
            low, high = curves.bootstrap(rate[None], 2000, np.random.default_rng(0))
        else:
            low, high = 0.0, curves.highest_when_none(least) / cell.height
        fewest = cell.filter(pl.col("n_samples") == least)["n_correct"]
        sampled = (cell.height, cell["n_samples"].sum(), least, len(fewest), (fewest == 0).sum())
        rows.append((*key, *sampled, right, (cell["n_correct"] > 0).sum(), rate.mean(), low, high))
    names = "task n_params tokens_b problems n_samples least_samples least_problems least_unsolved n_correct"
    names = (names + " problems_solved mean_success low high").split()
    table = pl.DataFrame(rows, schema=names, orient="row")
    return table.with_columns(pl.col("mean_success", "low", "high").round_sig_figs(4))


def pythia_reference_logprob(records: Path) -> pl.DataFrame:
    """Sum up how likely each model finds the reference answers.

    The texts, and so their lengths, are not in the record: every problem counts the same.

    Returns
    -------
    Frame with ``n_params, tokens_b, problems, mean, standard_error, q05, q25, median, q75, q95,
    share_better``, the last empty for the smallest model.
    """
    values = pl.read_parquet(records / "open-models" / "pythia_gsm8k_target_logprob.parquet").sort("n_params", "item")
    rows, before = [], None
    for key, model in values.group_by("n_params", "tokens_b", maintain_order=True):
        nats = model["target_logprob"].cast(pl.Float64).to_numpy()
        error = nats.std(ddof=1) / np.sqrt(len(nats))
        better = None if before is None else float(np.mean(nats > before))
        rows.append((*key, len(nats), nats.mean(), error, *np.quantile(nats, (0.05, 0.25, 0.5, 0.75, 0.95)), better))
        before = nats
    names = "n_params tokens_b problems mean standard_error q05 q25 median q75 q95 share_better".split()
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(pl.col(pl.Float64).round_sig_figs(5))


def public_arithmetic(records: Path) -> pl.DataFrame:
    """Keep the four arithmetic tasks of the public models, tidy.

    The number of items is not in the record: all accuracies are multiples of 1/2000, and 2,000 is the
    size that Brown et al. (2020), whose tasks these are, give.

    Returns
    -------
    Frame with ``task, family, model, n_params, mixture, tokens_b, flops_1e21, accuracy, n``.

    Raises
    ------
    ValueError
        If an accuracy is no multiple of 1/2000.
    """
    scores = pl.read_parquet(records / "open-models" / "few_shot_emergent_tasks.parquet")
    table = scores.filter(pl.col("task").is_in(list(TASKS)) & (pl.col("metric") == "acc")).select(
        task=pl.col("task").replace_strict(TASKS),
        family="model_family",
        model="model",
        n_params=(pl.col("params_b") * 1e9).round().cast(pl.Int64),
        mixture=pl.col("model_family").is_in(MIXTURES) | pl.col("model").str.contains("-A14B"),
        tokens_b=(pl.col("tokens_t") * 1000).round_sig_figs(4),
        flops_1e21=pl.col("flops_1e21").round_sig_figs(5),
        accuracy="score",
        n=pl.lit(ITEMS),
    )
    right = table["accuracy"] * ITEMS
    if ((right - right.round()).abs() > 1e-6).any():
        raise ValueError(f"an accuracy is no multiple of 1/{ITEMS}: the number of items has to be found out anew")
    return table.sort("task", "family", "n_params", "model")


def fig4(_: Path) -> pl.DataFrame:
    """Return what was read off Fig. 4: ``task, target_str_len, temperature, params, value, dashed``."""
    rows = [
        ("multiplication", 4, 0.0, 350_000_000, 4.2e-5, 1e-4),
        ("multiplication", 4, 0.0, 1_300_000_000, 6.8e-4, 1e-4),
        ("multiplication", 4, 1.0, 350_000_000, 8.9e-5, 1e-4),
        ("addition", 5, 0.0, 350_000_000, 4.1e-5, 5e-5),
        ("addition", 5, 0.0, 1_300_000_000, 1.3e-4, 5e-5),
        ("addition", 5, 0.0, 6_700_000_000, 2.8e-4, 5e-5),
        ("addition", 5, 1.0, 350_000_000, 2.9e-5, 5e-5),
    ]
    return pl.DataFrame(rows, schema="task target_str_len temperature params value dashed".split(), orient="row")


def pythia_addition(_: Path) -> pl.DataFrame:
    """Return five published points: ``model, n_params_non_embedding, accuracy``."""
    rows = [
        ("pythia-160m", 85_060_000, 1.4e-5),
        ("pythia-410m", 302_310_000, 4.0e-3),
        ("pythia-1.4b", 1_208_602_000, 1.1e-1),
        ("pythia-2.8b", 2_517_652_000, 2.1e-1),
        ("pythia-6.9b", 6_444_163_000, 4.3e-1),
    ]
    return pl.DataFrame(rows, schema=["model", "n_params_non_embedding", "accuracy"], orient="row")


def public_sources(records: Path) -> pl.DataFrame:
    """Keep where the originals are: ``tables, repository, commit, path, bytes, sha256, git_blob, licence``.

    Bytes and SHA-256 are missing for the file that is pinned by its Git blob.
    """
    listed = pl.read_csv(records / "open-models" / "sources.csv")
    of_file = pl.col("path").replace_strict(ORIGINALS, default=None, return_dtype=pl.String)
    of_repository = pl.col("repository").replace_strict(ALL_OF, default=None, return_dtype=pl.String)
    kept = listed.with_columns(
        tables=pl.coalesce(of_file, of_repository), git_blob=pl.lit(None, pl.String), bytes=pl.col("bytes").cast(pl.Int64)
    ).drop_nulls("tables")
    columns = "tables repository commit path bytes sha256 git_blob licence".split()
    return pl.concat([kept, pl.DataFrame([COLLECTED])], how="diagonal").select(columns)


DERIVED: dict[str, tuple[Callable[[Path], pl.DataFrame], str, str]] = {
    "pythia-sampled": (pythia_sampled, "derived table", PYTHIA_NOTE),
    "pythia-sampled-by-training": (pythia_by_training, "derived table", BY_TRAINING_NOTE),
    "pythia-reference-logprob": (pythia_reference_logprob, "derived table", LOGPROB_NOTE),
    "public-arithmetic": (public_arithmetic, "derived table", PUBLIC_NOTE),
    "public-sources": (public_sources, "list of sources", SOURCES_NOTE),
    "fig4": (fig4, "published curve", FIG4_NOTE),
    "pythia-addition": (pythia_addition, "published curve", ADDITION_NOTE),
}
"""What this script makes: how, of what kind, and the note on the first line."""


if __name__ == "__main__":
    if "MIRAGE_DATA" not in os.environ:
        sys.exit("Say where the published records lie: MIRAGE_DATA=<folder> .venv/bin/python tools/derive.py")
    for name, (derive, kind, note) in DERIVED.items():
        print(outputs.save_table(derive(Path(os.environ["MIRAGE_DATA"])), name, kind, note))
