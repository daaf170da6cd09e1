"""Derive the records tables that the book embeds from scores that others published.

    MIRAGE_DATA=<folder of the records> .venv/bin/python tools/derive_records.py [name ...]

One tidy form for all (``mirage_lib/bigbench/records.py``). Each file carries its origin and licence, the
command and the code's revision. ``mirage_lib/frozen/public-sources.csv`` says where the originals are.
"""

import os
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import polars as pl

from mirage_lib import outputs, stamps
from mirage_lib.bigbench import records

COLLECTED = (
    "outputs of the BIG-G models published with BIG-bench (Apache-2.0), as collected in wschella/lass at commit "
    "67fefca6ce045b43222bed41d78df83ef7a599ab, which states no licence of its own; only numbers are kept"
)
HARNESS = {
    "acc": "accuracy",
    "acc_norm": "accuracy_normalized",
    "em": "exact_match",
    "exact_str_match": "exact_str_match",
    "multiple_choice_grade": "multiple_choice_grade",
    "ppl": "perplexity",
    "f1": "f1",
    "likelihood_difference": "likelihood_difference",
    "pct_stereotype": "pct_stereotype",
}
"""Metrics kept of the harness' results. Left out: what SQuAD and TruthfulQA report beside their headline, in
percent or for one family only."""
CHANCE = {
    "arc_": 0.25, "hendrycksTest": 0.25, "mmlu": 0.25, "hellaswag": 0.25, "openbookqa": 0.25, "logiqa": 0.25,
    "sciq": 0.25, "race": 0.25, "csqa": 0.2, "socialiqa": 1 / 3, "mathqa": 0.2, "anli": 1 / 3, "cb": 1 / 3,
    "xnli": 1 / 3, "mnli": 1 / 3, "piqa": 0.5, "winogrande": 0.5, "wsc": 0.5, "boolq": 0.5, "copa": 0.5,
    "xcopa": 0.5, "xstory_cloze": 0.5, "storycloze": 0.5, "xwinograd": 0.5, "pawsx": 0.5, "rte": 0.5,
    "wic": 0.5, "blimp": 0.5, "headqa": 0.25, "prost": 0.25, "lambada": 0.0, "triviaqa": 0.0, "webqs": 0.0,
    "arithmetic": 0.0, "drop": 0.0, "swag": 0.25, "qnli": 0.5, "qqp": 0.5, "sst": 0.5, "mrpc": 0.5,
}  # fmt: skip
"""What blind guessing scores in accuracy, by the beginning of a task's name; longer beginnings first."""


def bigg(data: Path) -> pl.DataFrame:
    """Scores of BIG-G at 12 sizes on test splits of 85 tasks, 3 shots, temperature 0."""
    names = {"brier_top_label_normalized": "brier_top_label", "brier_top_label_absolute": "brier_top_label_raw"}
    table = pl.read_parquet(data / "bigbench" / "bigg_t0_3shot_scores.parquet")
    graded = pl.col("metric") == "multiple_choice_grade"
    return table.select(
        "task", pl.lit("BIG-G").alias("family"), pl.col("model_name").alias("model"), "n_params", "shots",
        pl.col("metric").replace(names), "score", pl.col("n_instances").alias("n_items"),
        pl.when(graded).then("chance").alias("chance"),
    )  # fmt: skip


def lm_eval(data: Path) -> pl.DataFrame:
    """Results of lm-evaluation-harness for Pythia, OPT, BLOOM, XGLM and Llama.

    Where two scores stand for the same thing the first is kept. The number of items is worked out from
    the standard error of 0/1 scores, sqrt(p (1 - p) / (n - 1)).
    """
    table = pl.read_parquet(data / "bigbench" / "lmeval_scores.parquet")
    table = table.filter(pl.col("metric").is_in(list(HARNESS)) & ~pl.col("task").str.contains("squad"))
    keys = ["task", "model_family", "model_name", "shots", "metric"]
    table = table.unique(keys, keep="first", maintain_order=True)
    zero_one = pl.col("metric").is_in(["acc", "acc_norm"]) & (pl.col("stderr") > 0)
    n = pl.when(zero_one).then(1 + pl.col("score") * (1 - pl.col("score")) / pl.col("stderr") ** 2)
    table = table.with_columns(n_items=n.median().over("task").round().cast(pl.Int64))
    return table.select(
        "task", pl.col("model_family").alias("family"), pl.col("model_name").alias("model"),
        pl.col("n_params").round().cast(pl.Int64), "shots", pl.col("metric").replace(HARNESS), "score", "n_items",
        _chance(pl.col("metric").is_in(["acc", "acc_norm"])), "stderr",
    )  # fmt: skip


def _chance(where: pl.Expr) -> pl.Expr:
    chance = pl.lit(None, pl.Float64)
    for start in sorted(CHANCE, key=len):
        chance = pl.when(pl.col("task").str.starts_with(start)).then(CHANCE[start]).otherwise(chance)
    return pl.when(where).then(chance).alias("chance")


def _open_models(data: Path, file: str) -> pl.DataFrame:
    table = pl.read_parquet(data / "open-models" / file)
    size = (pl.col("params_b") * 1e9).round().cast(pl.Int64).alias("n_params")
    return table.with_columns(size).with_columns(
        family=pl.col("model_family") if "model_family" in table.columns else pl.lit(""),
        tokens_b=(pl.col("tokens_t") * 1000).round_sig_figs(4) if "tokens_t" in table.columns else None,
        flops_1e21=pl.col("flops_1e21").round_sig_figs(5) if "flops_1e21" in table.columns else None,
    )


def choice(data: Path) -> pl.DataFrame:
    """Public models on nine tasks: accuracy and Brier score of the same answers.

    Two models stand twice in the source, with two sizes and equal scores; the first is kept.
    """
    wanted = {
        "accuracy": "accuracy",
        "brier_target_normalized": "brier",
        "brier_target_raw": "brier_raw",
        "choice_mass": "choice_mass",
    }
    table = _open_models(data, "choice_accuracy_and_brier.parquet")
    table = table.unique(["task", "model"], keep="first", maintain_order=True)
    index = ["task", "family", "model", "n_params", "n_items", "chance", "tokens_b", "flops_1e21"]
    long = table.unpivot(list(wanted), index=index, variable_name="metric", value_name="score")
    return long.drop_nulls("score").select(
        "task", "family", "model", "n_params", pl.lit(-1).alias("shots"), pl.col("metric").replace(wanted),
        "score", "n_items", pl.when(pl.col("metric") == "accuracy").then("chance").alias("chance"),
        "tokens_b", "flops_1e21",
    )  # fmt: skip


def choice_by_difficulty(data: Path) -> pl.DataFrame:
    """The same answers in ten groups of items by difficulty, 1 being the easiest."""
    groups = _open_models(data, "choice_by_difficulty.parquet")
    groups = groups.unique(["task", "model", "difficulty_group"], keep="first", maintain_order=True)
    known = _open_models(data, "choice_accuracy_and_brier.parquet").select(
        "task", "model", "model_family", "tokens_t", pl.col("flops_1e21").alias("flops"), "chance"
    )
    known = known.unique(["task", "model"], keep="first", maintain_order=True)
    table = groups.drop("flops_1e21", "tokens_b", "family").join(known, on=["task", "model"], how="left")
    names = {"brier_target_normalized": "brier", "accuracy": "accuracy"}
    index = ["task", "model", "model_family", "n_params", "n_items", "chance", "difficulty_group", "tokens_t", "flops"]
    long = table.unpivot(list(names), index=index, variable_name="metric", value_name="score").drop_nulls("score")
    return long.select(
        "task", pl.col("model_family").alias("family"), "model", "n_params", pl.lit(-1).alias("shots"),
        pl.col("metric").replace(names), "score", "n_items",
        pl.when(pl.col("metric") == "accuracy").then("chance").alias("chance"),
        (pl.col("tokens_t") * 1000).round_sig_figs(4).alias("tokens_b"),
        pl.col("flops").round_sig_figs(5).alias("flops_1e21"),
        ("difficulty " + pl.col("difficulty_group").cast(pl.String)).alias("setting"),
    )  # fmt: skip


def few_shot(data: Path) -> pl.DataFrame:
    """Public models, 2-shot: arithmetic, unscrambling, Persian questions, and transliteration twice scored.

    The number of items is the least of which all scores of a 0/1 metric are multiples.
    """
    names = {"acc": "accuracy", "exact_match": "exact_match", "bleu": "bleu"}
    table = _open_models(data, "few_shot_emergent_tasks.parquet")
    counts = {
        task: _items(part["score"]) for (task,), part in table.filter(pl.col("metric") != "bleu").group_by("task")
    }
    most = pl.col("score").max().over("task", "metric")
    return table.select(
        "task", "family", "model", "n_params", pl.col("shots").cast(pl.Int64), pl.col("metric").replace(names),
        pl.when((pl.col("metric") == "bleu") & (most > 1)).then(pl.col("score") / 100).otherwise("score").alias("score"),
        pl.col("task").replace_strict(counts, return_dtype=pl.Int64).alias("n_items"),
        pl.when(pl.col("task") == "parsinlu_qa").then(0.25).alias("chance"), "tokens_b", "flops_1e21",
    )  # fmt: skip


def _items(scores: pl.Series) -> int | None:
    """The least number of items, up to 20,000, of which all shares are whole multiples."""
    items = 1
    for score in scores.unique():
        items = max(items, 1) * Fraction(score).limit_denominator(20_000).denominator // _common(items, score)
        if items > 20_000:
            return None
    return items if items > 1 else None


def _common(items: int, score: float) -> int:
    from math import gcd

    return gcd(items, Fraction(score).limit_denominator(20_000).denominator)


def benchmarks(data: Path) -> pl.DataFrame:
    """Standard benchmarks of 148 public base models."""
    chance = {"MMLU": 0.25, "ARC-C": 0.25, "HellaSwag": 0.25, "Winograd": 0.5, "XWinograd": 0.5, "GSM8K": 0.0, "HumanEval": 0.0}
    table = _open_models(data, "standard_benchmarks.parquet").drop_nulls("score")
    table = table.unique(["task", "model"], keep="first", maintain_order=True)
    return table.select(
        "task", "family", "model", "n_params", pl.lit(-1).alias("shots"), pl.lit("accuracy").alias("metric"), "score",
        pl.lit(None, pl.Int64).alias("n_items"), pl.col("task").replace_strict(chance, default=None).alias("chance"),
        "tokens_b", "flops_1e21",
    )  # fmt: skip


def gpt_lineage(data: Path) -> pl.DataFrame:
    """GPT-2 to text-davinci-003 and others on 23 tasks: three metrics of the same answers, averaged over seeds."""
    table = pl.read_parquet(data / "open-models" / "gpt_lineage_scores.parquet")
    names = {"exact_match_accuracy": "exact_match", "bert_score_accuracy": "bert_score_accuracy", "edit_distance": "edit_distance"}
    keys = ["task", "model", "params_b", "prompt_type", "shots"]
    means = table.group_by(keys, maintain_order=True).agg(pl.col("n_items").max(), pl.col(list(names)).mean())
    index = [*keys, "n_items"]
    long = means.unpivot(list(names), index=index, variable_name="metric", value_name="score").drop_nulls("score")
    return long.select(
        "task", pl.lit("GPT lineage").alias("family"), "model",
        (pl.col("params_b") * 1e9).round().cast(pl.Int64).alias("n_params"), "shots", pl.col("metric").replace(names),
        "score", pl.col("n_items").cast(pl.Int64), pl.lit(None, pl.Float64).alias("chance"),
        pl.col("prompt_type").alias("setting"),
    ).drop_nulls("n_params")  # fmt: skip


def olmo(data: Path) -> pl.DataFrame:
    """OLMo models at the end of training: four metrics of the same answers, and the loss on C4.

    A family is one training budget in multiples of Chinchilla's, so it has one model a size.
    """
    metrics = {
        "accuracy": "accuracy",
        "bits_per_byte": "bits_per_byte",
        "target_probability": "target_probability",
        "target_log_probability": "target_log_probability",
    }
    last = pl.read_parquet(data / "open-models" / "olmo_ladder.parquet").filter("final")
    named = last.with_columns(
        family="OLMo " + pl.col("run"), name=pl.col("model") + "-" + pl.col("run"),
        tokens_b=(pl.col("tokens") / 1e9).round_sig_figs(5), flops_1e21=pl.col("flops_1e21").round_sig_figs(5),
    )  # fmt: skip
    index = ["task", "family", "name", "n_params", "tokens_b", "flops_1e21"]
    long = named.unpivot(list(metrics), index=index, variable_name="metric", value_name="score")
    loss = named.select(*index, metric=pl.lit("loss"), score="c4_loss").with_columns(task=pl.lit("c4")).unique()
    long = pl.concat([long, loss.select(long.columns)]).drop_nulls("score").sort("task", "metric", "family", "n_params")
    return long.select(
        "task", "family", pl.col("name").alias("model"), "n_params", pl.lit(-1).alias("shots"), "metric", "score",
        pl.lit(None, pl.Int64).alias("n_items"), _chance(pl.col("metric") == "accuracy"), "tokens_b", "flops_1e21",
    )  # fmt: skip


def open_lm(data: Path) -> pl.DataFrame:
    """104 models of three training sets and several budgets: accuracy on 46 tasks, and the loss on C4.

    A family is one training set and budget (in multiples of Chinchilla's), so it has one model a size.
    """
    table = pl.read_parquet(data / "open-models" / "open_lm_scaling.parquet").with_columns(
        family="open_lm " + pl.col("dataset") + " x" + pl.col("chinchilla_multiple").cast(pl.String),
        tokens_b=(pl.col("tokens") / 1e9).round_sig_figs(5),
    )
    task = table.select(
        "task", "family", "model", "n_params", pl.col("shots").cast(pl.Int64), pl.lit("accuracy").alias("metric"),
        pl.col("accuracy").alias("score"), pl.col("n_items").cast(pl.Int64), "chance", "tokens_b",
    )  # fmt: skip
    loss = table.unique("model", keep="first", maintain_order=True).select(
        pl.lit("c4").alias("task"), "family", "model", "n_params", pl.lit(-1, pl.Int64).alias("shots"),
        pl.lit("loss").alias("metric"), pl.col("c4_loss").alias("score"), pl.lit(None, pl.Int64).alias("n_items"),
        pl.lit(None, pl.Float64).alias("chance"), "tokens_b",
    )  # fmt: skip
    return pl.concat([task, loss]).drop_nulls("score")


def bigg_correct(data: Path) -> pl.DataFrame:
    """Which items BIG-G got right: at 3 shots for 12 sizes, at 0 shots for the four largest."""
    all_sizes = pl.read_parquet(data / "bigbench" / "bigg_t0_3shot_instances.parquet").with_columns(shots=3)
    four = pl.read_parquet(data / "bigbench" / "bigg_t0_4sizes_0and3shot_instances.parquet").filter(pl.col("shots") == 0)
    columns = ["task", pl.col("model_name").alias("model"), "n_params", pl.col("shots").cast(pl.Int64)]
    bits = pl.col("correct_bits").str.split("").list.eval(pl.element() == "1").alias("correct")
    both = pl.concat([table.select(*columns, bits) for table in (all_sizes, four)])
    return both.sort("task", "shots", "n_params")


def olmo_runs(data: Path) -> pl.DataFrame:
    """OLMo's runs of the ladder, about 24 points along each, three metrics of the same answers side by side."""
    table = pl.read_parquet(data / "open-models" / "olmo_ladder.parquet")
    numbers = ["flops_1e21", "accuracy", "bits_per_byte", "target_probability"]
    return table.filter(~pl.col("model").is_in(["7B", "13B"])).select(
        "task", "model", "n_params", "run", "step", pl.col(numbers).cast(pl.Float64).round_sig_figs(5)
    ).sort("task", "n_params", "run", "flops_1e21", "step")  # fmt: skip


RECORDS: dict[str, tuple[Callable[[Path], pl.DataFrame], str, str]] = {
    "bigg": (bigg, "Apache-2.0", f"BIG-G, called LaMDA in the paper: {COLLECTED}. Test splits of about a fifth of each task."),
    "lm-eval": (
        lm_eval, "Apache-2.0 and MIT",
        "Results of lm-evaluation-harness in EleutherAI/pythia at a19eecb8 (Apache-2.0) and in the harness at afbf8e66 "
        "(MIT). n_params of Pythia leave out embeddings. The llama rows of arithmetic_* are 0.0 throughout, a known "
        "artefact of that release.",
    ),
    "choice": (
        choice, "MIT",
        "Public base models, accuracy and Brier score of the same answers: tony10101105/ExpEmergence (MIT; Wu and Lo, "
        "arXiv 2410.01692). Evaluated in fp16.",
    ),
    "choice-by-difficulty": (
        choice_by_difficulty, "MIT",
        "As records-choice, by ten groups of items; the groups were made with the smaller of the same models.",
    ),
    "few-shot": (
        few_shot, "Apache-2.0",
        "Public base models, 2-shot: ryoungj/ObsScaling (Apache-2.0; Ruan, Maddison and Hashimoto, arXiv 2405.10938).",
    ),
    "benchmarks": (benchmarks, "Apache-2.0", "Standard benchmarks of public base models: ryoungj/ObsScaling, as records-few-shot."),
    "gpt-lineage": (
        gpt_lineage, "CC-BY-SA-4.0",
        "UKPLab/on-emergence (CC BY-SA 4.0; Lu et al., ACL 2024), averaged over seeds and reshaped by "
        "tools/derive_records.py; this table keeps that licence. setting: the form of the prompt.",
    ),
    "olmo": (
        olmo, "Apache-2.0",
        "allenai/OLMo-ladder (Apache-2.0; Bhagia et al., arXiv 2412.04403), the last point of each run. The tokens of 13B "
        "are steps times batch size; some runs are the authors' reruns.",
    ),
    "open-lm": (open_lm, "MIT", "mlfoundations/scaling (MIT; Gadre et al., arXiv 2403.08540)."),
}  # fmt: skip
"""Records by name: how they are derived, their licence, and where they come from."""

OTHERS: dict[str, tuple[Callable[[Path], pl.DataFrame], str, str, str]] = {
    "bigg-correct": (
        bigg_correct, "Apache-2.0", f"Right or wrong answers of BIG-G: {COLLECTED}.", "right or wrong",
    ),
    "olmo-runs": (
        olmo_runs, "Apache-2.0",
        "allenai/OLMo-ladder (Apache-2.0; Bhagia et al., arXiv 2412.04403), the points along each run of the small models; "
        "some runs are the authors' reruns.",
        "training log",
    ),
}  # fmt: skip
"""Derived tables that are no records: how, their licence, where they come from, and what they are."""


def derive(name: str, data: Path) -> pl.DataFrame:
    """Derive one records table as it is embedded.

    Raises
    ------
    KeyError
        For an unknown name.
    """
    return records.check(RECORDS[name][0](data).with_columns(origin=pl.lit(name)))


def save(names: list[str], data: Path) -> list[Path]:
    """Derive tables (names of :data:`RECORDS` or :data:`OTHERS`) and freeze them with their stamps.

    All stamps are made before the first file is written, since a new file makes the checkout another one.
    """
    made = []
    for name in names:
        licence, note = (OTHERS | RECORDS)[name][1:3]
        command = f"tools/derive_records.py {name}"
        made.append(stamps.stamp(command, (), licence, "published", packages=("polars",)) | {"note": note})
    paths = []
    for name, stamp in zip(names, made, strict=True):
        if name in OTHERS:
            paths.append(records.save(OTHERS[name][0](data), name, OTHERS[name][3], stamp))
        else:
            paths.append(records.save(derive(name, data), f"records-{name}", "records", stamp))
    return paths


if __name__ == "__main__":
    if "MIRAGE_DATA" not in os.environ:
        sys.exit("Say where the published records lie: MIRAGE_DATA=<folder> .venv/bin/python tools/derive_records.py")
    wanted = sys.argv[1:] or [*RECORDS, *OTHERS]
    for path in save(wanted, Path(os.environ["MIRAGE_DATA"])):
        print(path)
