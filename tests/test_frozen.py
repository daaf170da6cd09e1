"""The frozen files: whole, stamped, and what the committed code asked."""

import re
from pathlib import Path

import polars as pl
import pytest

from mirage_lib import metrics, outputs
from mirage_lib.arithmetic.problems import OPERATIONS, held_out_prompts, is_held_out

TABLES = [Path(name).stem for name, entry in outputs.manifest().items() if entry["kind"] in outputs.KINDS]
LADDERS = [name for name in TABLES if name.startswith("arithmetic-ladder")]


def test_the_manifest_and_the_folder_hold_the_same_files():
    there = {path.name for path in outputs.FROZEN.iterdir()} - {"manifest.json"}
    assert there == set(outputs.manifest())
    for name, entry in outputs.manifest().items():
        outputs.verify(outputs.FROZEN / name, entry["sha256"])


def test_all_frozen_files_together_stay_below_25_megabytes_and_each_below_5():
    sizes = [path.stat().st_size for path in outputs.FROZEN.iterdir()]
    assert sum(sizes) < 25e6 and max(sizes) < 5e6


@pytest.mark.parametrize("name", TABLES)
def test_every_table_loads_and_says_where_it_comes_from(name):
    table, stamp = outputs.load(name), outputs.read_stamp(name)
    assert table.height == outputs.manifest()[f"{name}.parquet"]["rows"]
    assert stamp["seeds"] == sorted(table["seed"].unique())
    assert re.fullmatch(r"[0-9a-f]{40}", stamp["revision"]), "commit the code, then freeze again: the stamp names the commit"


@pytest.mark.parametrize("name", LADDERS)
def test_the_stamp_of_a_ladder_holds_the_weights_of_every_model(name):
    assert len(outputs.read_stamp(name)["weights"]) == outputs.load(name).select("model", "seed").n_unique()


@pytest.mark.parametrize("name", LADDERS)
def test_every_rung_was_asked_exactly_the_held_out_prompts_of_the_stamp(name):
    table, questions = outputs.load(name), outputs.read_stamp(name)["questions"]
    asked_for = [(task, length) for task, length, _ in questions["cells"]]
    assert sorted(asked_for) == sorted(table.select("task", "group").unique().rows())
    for task, length, n in questions["cells"]:
        operation = OPERATIONS[task]
        cell = table.filter((pl.col("task") == task) & (pl.col("group") == length))
        expected = held_out_prompts(operation, length, n)
        columns = [column for column in expected.columns if column in table.columns]
        for part in cell.partition_by("model", "seed"):
            assert part.sort("prompt_id").select(columns).equals(expected.select(columns).sort("prompt_id"))
        pairs = cell["item"].str.split(operation.sign).list.to_struct(fields=["a", "b"]).struct.unnest().cast(int)
        assert is_held_out(operation, pairs["a"].to_numpy(), pairs["b"].to_numpy()).all()


@pytest.mark.parametrize(("name", "least"), [("arithmetic-ladder", 2000), ("arithmetic-ladder-sampled", 1000)])
def test_the_ladder_was_asked_every_length_of_both_operations(name, least):
    cells = outputs.read_stamp(name)["questions"]["cells"]
    assert {(task, length) for task, length, _ in cells} == {(op.name, n) for op in OPERATIONS.values() for n in op.lengths}
    assert min(n for *_, n in cells) >= least


def test_the_smallest_models_were_asked_a_hundred_thousand_different_sums():
    table = outputs.load("arithmetic-ladder-many").filter((pl.col("task") == "addition") & (pl.col("group") == 5))
    asked = table.group_by("model", "seed").agg(pl.col("item").n_unique())
    assert (asked["item"] >= 100_000).all() and asked.height >= 4


def test_log_probabilities_fit_the_answers():
    table = outputs.load("arithmetic-ladder")
    assert (table["token_logprobs"].list.len() == table["target"].str.len_chars()).all()
    right = table.filter(metrics.get("exact_match").score(table) == 1)
    wrong = table.filter(metrics.get("exact_match").score(table) == 0)
    assert right["target_logprob"].mean() > wrong["target_logprob"].mean() + 1
    # Greedy decoding takes a token only if none is likelier, so a target above one half was said.
    sure = table.filter(pl.col("token_logprobs").list.min() > -0.69)
    assert sure.height > 1000
    assert sure.select(pl.col("output").str.starts_with(pl.col("target"))).to_series().all()
