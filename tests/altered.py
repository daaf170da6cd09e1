"""A copy of the library whose frozen files hold other numbers, and what its ledger then says.

What is altered are values on disk, entered in the copy's manifest as a new freezing would enter them; the code is the
library's own, in a process of its own. Two alterations: in one the small models answer for the large ones, in the other
all follow the paper's model.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

import mirage_lib
from mirage_lib import manifests, outputs, theory

JUDGE = """
import json, sys
import polars
from mirage_lib import claims
found = {}
for one in claims.ledger():
    try:
        found[one.id] = list(one.judge())
    except (ValueError, ArithmeticError, LookupError, TypeError, AttributeError, polars.exceptions.PolarsError) as error:
        found[one.id] = [REFUSED, str(error)]
json.dump(found, sys.stdout)
"""
REFUSED = "refused"
"""Stands for the verdict of a row whose test cannot be run on altered tables."""
SIZES = ("n_params", "n_params_non_embedding", "params", "effective_params", "flops_1e21")
Change = Callable[[str, pl.DataFrame], pl.DataFrame]


def judged(folder: Path, change: Change) -> dict[str, tuple[str, str]]:
    """Copy the library, change its frozen tables, and return the verdict and reason of every row of its ledger."""
    copy = folder / "mirage_lib"
    shutil.copytree(Path(mirage_lib.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for path in sorted((copy / "frozen").glob("*.*")):
        if path.suffix in (".parquet", ".csv"):
            _rewrite(path, change)
    done = subprocess.run(
        [sys.executable, "-c", JUDGE.replace("REFUSED", repr(REFUSED))], capture_output=True, text=True, cwd=folder,
        env={name: value for name, value in os.environ.items() if name != "MIRAGE_VERDICTS"} | {"PYTHONPATH": str(folder)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {name: tuple(found) for name, found in json.loads(done.stdout).items()}


def _rewrite(path: Path, change: Change) -> None:
    kind = outputs.manifest(path.parent)[path.name]["kind"]
    if path.suffix == ".csv":
        note = path.read_text().split("\n", 1)[0]
        table = change(path.stem, pl.read_csv(path, comment_prefix="#", infer_schema_length=None))
        path.write_text(f"{note}\n{table.write_csv()}")
    else:
        about = pl.read_parquet_metadata(path)
        table = change(path.stem, pl.read_parquet(path))
        table.write_parquet(path, metadata={name: about[name] for name in ("kind", "stamp") if name in about})
    manifests.freeze(path, path.read_bytes(), kind, table.height)


def upside_down(name: str, table: pl.DataFrame) -> pl.DataFrame:
    """The smallest model has the scores of the largest, and so on; what has no size is exchanged in another way."""
    if name == "wei-list":
        return table.with_columns(pl.col("task").reverse())
    if name == "bigbench-metrics":
        return table.with_columns(pl.col("preferred_metric").reverse())
    if name == "vision-published":
        return table.with_columns(pl.col("y").reverse().over("curve"))
    if name in ("vision-grokking", "vision-grokking-varied", "vision-grokking-sizes"):
        turned = pl.col("half").replace({"train": "test", "test": "train"})
        return table.with_columns(turned)
    family = [column for column in ("panel", "family", "task") if column in table.columns][:1]
    for column in SIZES:
        if column in table.columns:
            table = table.with_columns(_reversed(column, family, table))
    return table


def _reversed(column: str, family: list[str], table: pl.DataFrame) -> pl.Series:
    sizes = table.select(*family, column).unique().drop_nulls()
    order = pl.col(column).sort().over(family) if family else pl.col(column).sort()
    back = pl.col(column).sort(descending=True).over(family) if family else pl.col(column).sort(descending=True)
    turned = sizes.select(*family, order.alias(column), back.alias("turned"))
    return table.join(turned, on=[*family, column], how="left", maintain_order="left")["turned"].alias(column)


def as_in_the_model(name: str, table: pl.DataFrame) -> pl.DataFrame:
    """Errors of tokens are independent and their loss a power law; Brier scores are lines in log size, grades a step at the end."""
    rng = np.random.default_rng(0)
    if name in ("arithmetic-ladder", "arithmetic-ladder-sampled", "arithmetic-ladder-many", "arithmetic-seeds"):
        p = theory.token_probability(table["n_params"].to_numpy(), c=8e3)
        return _answered(table, p, rng)
    if name == "fig3":
        p = theory.token_probability(table["params"].to_numpy())
        length = table["target_str_len"].to_numpy()
        whole = table["panel"].str.contains("accuracy").to_numpy()
        return table.with_columns(value=pl.Series(np.where(whole, p**length, -length * (1 - p))))
    if name == "fig2":
        return table.with_columns(value=pl.col("value") * 1.05)
    if name == "fig4":
        return table.with_columns(value=2 * pl.col("dashed"))
    if name == "fig6":
        place = (pl.col("effective_params").log() - np.log(1e9)) / np.log(128)
        grade = pl.when(pl.col("effective_params") > 1e11).then(0.9).otherwise(0.3 + 0.001 * place)
        return table.with_columns(value=pl.when(pl.col("metric") == "neg_brier").then(-0.3 + 0.2 * place).otherwise(grade))
    if name.startswith("vision-grokking"):
        return table.with_columns(step=2 * pl.col("step"), accuracy=pl.col("accuracy") ** 2)
    if name == "olmo-runs":
        # Bits rise from the first step on, accuracy at the end of a run only.
        place = pl.col("flops_1e21").rank("dense").over("task", "n_params", "run") / pl.len().over("task", "n_params", "run")
        return table.with_columns(bits_per_byte=3 - place, accuracy=pl.when(place > 0.9).then(0.6).otherwise(0.25 + 0.001 * place))
    if name == "parity":
        found = pl.col("width") > 30
        right = pl.when(found).then(-0.01).otherwise(-0.69) + 0.001 * pl.col("seed")
        return table.with_columns(log_probability=right, brier=pl.when(found).then(0.0001).otherwise(0.25))
    if name == "vision-autoencoder-photographs":
        most = pl.col("n_params").max()
        return table.with_columns(pl.when(pl.col("n_params") == most).then(0.002).otherwise(0.3 - 0.01 * (pl.col("n_params") / 1e4).log()).cast(pl.Float32).alias("squared_error"))
    if name == "vision-published":
        return table.with_columns(y=pl.col("y").mean().over("curve") + 0.01 * pl.int_range(pl.len()).over("curve"), x=1.3 * pl.col("x"))
    if name == "bigbench-metrics":
        return table.with_columns(metrics=pl.col("preferred_metric"))
    if name.startswith("records-") and name != "records-open-lm":
        # Only what the score is decides: one curve for all tasks and families that share it.
        steep = pl.col("metric").is_in(["accuracy", "exact_match", "multiple_choice_grade"])
        place = pl.col("n_params").rank("dense").over("family") / pl.col("n_params").n_unique().over("family")
        made = pl.when(steep & (place < 1)).then(0.1 + 0.001 * place).otherwise(0.2 + 0.5 * place)
        # Losses keep their values, but for the OLMo ladder's, which then rise with size.
        share = pl.col("score").is_between(0, 1).all().over("metric") | pl.lit(name == "records-olmo")
        return table.with_columns(score=pl.when(share).then(made).otherwise("score"))
    return table


def _answered(table: pl.DataFrame, p: np.ndarray, rng: np.random.Generator) -> pl.DataFrame:
    """Answers whose characters are right with probability p each, whatever the others are; a wrong one is the next digit."""
    length = table["target"].str.len_chars().to_numpy()
    right = rng.random((table.height, int(length.max()))) < p[:, None]
    marks = pl.Series([row[:k].tolist() for row, k in zip(right, length, strict=True)], dtype=pl.List(pl.Boolean))
    long = table.select(pl.col("target").str.split("").alias("c")).with_columns(marks.alias("r")).with_row_index("row").explode("c", "r")
    said = long.with_columns(o=pl.when("r").then("c").otherwise(((pl.col("c").cast(pl.Int64, strict=False) + 1) % 10).cast(pl.String)))
    table = table.with_columns(output=said.group_by("row", maintain_order=True).agg(pl.col("o").str.join(""))["o"])
    if "token_logprobs" in table.columns:
        nats = pl.DataFrame({"p": np.log(p), "k": length}).select(pl.col("p").repeat_by("k").cast(pl.List(pl.Float32)))["p"]
        table = table.with_columns(token_logprobs=nats)
    return table
