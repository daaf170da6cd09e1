"""The frozen files: whole, stamped, and what the committed code asked."""

import re

import polars as pl
import pytest

from mirage_lib import metrics, outputs
from mirage_lib.arithmetic.problems import OPERATIONS, held_out_prompts, is_held_out

TABLES = [name.removesuffix(".parquet") for name in outputs.manifest() if name.endswith(".parquet")]


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
    assert re.fullmatch(r"[0-9a-f]{40}", stamp["revision"])
    assert len(stamp["weights"]) == table.select("model", "seed").n_unique()


@pytest.mark.parametrize("name", TABLES)
def test_every_rung_was_asked_exactly_the_held_out_prompts(name):
    table = outputs.load(name)
    for operation in OPERATIONS.values():
        for length in operation.lengths:
            cell = table.filter((pl.col("task") == operation.name) & (pl.col("group") == length))
            asked = cell.partition_by("model", "seed")
            expected = held_out_prompts(operation, length, asked[0].height)
            assert asked[0].height >= 1000
            for part in asked:
                assert part.sort("prompt_id").select(expected.columns).equals(expected.sort("prompt_id"))
            pairs = cell["item"].str.split(operation.sign).list.to_struct(fields=["a", "b"]).struct.unnest().cast(int)
            assert is_held_out(operation, pairs["a"].to_numpy(), pairs["b"].to_numpy()).all()


@pytest.mark.parametrize("name", TABLES)
def test_log_probabilities_fit_the_answers(name):
    table = outputs.load(name).with_columns(summed=pl.col("token_logprobs").list.sum())
    assert ((table["summed"] - table["target_logprob"]).abs() < 0.01).all()
    assert (table["token_logprobs"].list.len() == table["target"].str.len_chars()).all()
    right = table.filter(metrics.get("exact_match").score(table) == 1)
    wrong = table.filter(metrics.get("exact_match").score(table) == 0)
    assert right["target_logprob"].mean() > wrong["target_logprob"].mean() + 1
    # Greedy decoding takes a token only if none is likelier, so a target above one half was said.
    sure = table.filter(pl.col("token_logprobs").list.min() > -0.69)
    assert sure.height > 1000
    assert sure.select(pl.col("output").str.starts_with(pl.col("target"))).to_series().all()
