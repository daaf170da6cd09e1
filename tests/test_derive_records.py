"""The embedded records are those that the committed script derives from what others published."""

import json
import os
import re
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from mirage_lib import outputs
from mirage_lib.bigbench import records
from tools import derive_records

DATA = os.environ.get("MIRAGE_DATA")
needs_data = pytest.mark.skipif(DATA is None, reason="MIRAGE_DATA does not say where the published records lie")
FILES = [*(f"records-{name}" for name in derive_records.RECORDS), *derive_records.OTHERS]


@needs_data
@pytest.mark.parametrize("name", derive_records.RECORDS)
def test_every_embedded_table_is_the_derived_one(name):
    derived = derive_records.derive(name, Path(DATA))
    keys = [key for key in records.KEYS if key in derived.columns]
    assert_frame_equal(records.load(name).sort(*keys), derived.sort(*keys))


@needs_data
@pytest.mark.parametrize("name", derive_records.OTHERS)
def test_every_other_table_is_the_derived_one(name):
    assert_frame_equal(pl.read_parquet(outputs.FROZEN / f"{name}.parquet"), derive_records.OTHERS[name][0](Path(DATA)))


@pytest.mark.parametrize("name", FILES)
def test_every_file_says_its_origin_its_licence_and_a_clean_revision(name):
    path = outputs.FROZEN / f"{name}.parquet"
    outputs.verify(path, outputs.manifest()[path.name]["sha256"])
    stamp = json.loads(pl.read_parquet_metadata(path)["stamp"])
    assert re.fullmatch(r"[0-9a-f]{40}", stamp["revision"]) and stamp["origin"] == "published"
    assert stamp["command"].startswith("tools/derive_records.py") and len(stamp["note"]) > 40
    made = (derive_records.OTHERS | derive_records.RECORDS)[name.removeprefix("records-")]
    assert (stamp["licence"], stamp["note"]) == made[1:3]


def test_the_lineage_keeps_its_share_alike_licence():
    assert records.origins(["gpt-lineage"])["licence"].to_list() == ["CC-BY-SA-4.0"]


@pytest.mark.parametrize("name", derive_records.RECORDS)
def test_records_hold_names_and_numbers_and_no_task_text(name):
    table = records.check(records.load(name))
    for column in table.select(pl.col(pl.String)).columns:
        assert table[column].str.len_chars().max() < 100
        assert not table[column].str.contains(r"\n|canary|\. [A-Z]").any(), column


def test_scores_of_the_splits_are_means_of_the_answers():
    means = records.correct().filter(pl.col("shots") == 3).select(
        "task", "model", mean=pl.col("correct").list.mean(), n=pl.col("correct").list.len()
    )
    scores = records.load("bigg").filter(pl.col("metric").is_in(records.ZERO_ONE))
    both = means.join(scores, on=["task", "model"], validate="1:1")
    assert both.height == 85 * 12
    assert (both["mean"] - both["score"]).abs().max() < 1e-12 and (both["n"] == both["n_items"]).all()


def test_the_number_of_items_worked_out_from_standard_errors_is_that_of_known_tasks():
    known = {"arc_challenge": 1172, "arc_easy": 2376, "piqa": 1838, "sciq": 1000, "wsc273": 273, "logiqa": 651}
    table = records.load("lm-eval").filter((pl.col("metric") == "accuracy") & pl.col("task").is_in(list(known)))
    assert dict(table.select("task", "n_items").unique().iter_rows()) == known


def test_no_model_stands_twice_in_a_table():
    for name in derive_records.RECORDS:
        table = records.load(name)
        keys = [key for key in records.KEYS if key in table.columns]
        assert not table.select(keys).is_duplicated().any()
