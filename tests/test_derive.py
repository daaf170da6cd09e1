"""The small tables in the book are those that the committed script derives from the records."""

import os
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from mirage_lib import curves, outputs
from tools import derive

RECORDS = os.environ.get("MIRAGE_DATA")
needs_records = pytest.mark.skipif(RECORDS is None, reason="MIRAGE_DATA does not say where the published records lie")


@needs_records
@pytest.mark.parametrize("name", derive.DERIVED)
def test_every_embedded_table_is_the_derived_one(name):
    make, _, _ = derive.DERIVED[name]
    assert_frame_equal(outputs.load_table(name), make(Path(RECORDS)), check_dtypes=False)


@pytest.mark.parametrize("name", derive.DERIVED)
def test_the_first_line_of_a_table_says_where_it_comes_from(name):
    first = (outputs.FROZEN / f"{name}.csv").read_text().splitlines()[0]
    assert first == f"# {derive.DERIVED[name][2]}"
    assert "http" not in first and len(first) > 100


@pytest.mark.parametrize("name", ["pythia-sampled", "pythia-sampled-by-training"])
def test_means_lie_where_the_counts_allow(name):
    table = outputs.load_table(name)
    assert table["mean_success"].is_between(0, 1).all()
    assert (table["problems_solved"] <= table["problems"]).all()
    assert ((table["n_correct"] == 0) == (table["mean_success"] == 0)).all()
    if "most_from_one" in table.columns:
        assert (table["most_from_one"] <= table["n_correct"]).all()
    if "low" in table.columns:
        assert (table["low"] <= table["mean_success"]).all() and (table["mean_success"] <= table["high"]).all()


def test_the_crossed_table_holds_the_rows_of_the_one_after_all_training():
    last = outputs.load_table("pythia-sampled-by-training").filter(pl.col("tokens_b") == derive.TRAINED_ON)
    shared = ["task", "n_params", "problems", "n_samples", "n_correct", "problems_solved", "mean_success"]
    assert_frame_equal(last.select(shared), outputs.load_table("pythia-sampled").select(shared))


def test_a_bound_where_none_was_right_is_what_hides_with_five_percent():
    table = outputs.load_table("pythia-sampled-by-training").filter(pl.col("n_correct") == 0)
    assert table.height > 10
    for row in table.iter_rows(named=True):
        # All success in one problem, the one sampled least: the mean over problems is a share of its rate.
        rate = row["high"] * row["problems"]
        assert (1 - rate) ** row["least_samples"] == pytest.approx(0.05, rel=0.01)


def test_public_accuracies_are_whole_numbers_of_items_and_lie_in_their_intervals():
    table = outputs.load_table("public-arithmetic")
    right = table["accuracy"] * table["n"]
    assert ((right - right.round()).abs() < 1e-6).all()
    # A larger common step would mean fewer items: some model answers an odd number of the 2,000.
    assert (right.round().cast(int) % 2 == 1).any()
    for k, n, value in zip(right.round().cast(int), table["n"], table["accuracy"], strict=True):
        low, high = curves.wilson(k, n)
        assert low <= value <= high


def test_the_readings_of_fig4_agree_with_fig3_within_what_that_figure_resolves():
    read = outputs.load_table("fig4")
    long = outputs.load_table("fig3").filter(pl.col("panel").str.ends_with("accuracy"))
    for row in read.iter_rows(named=True):
        panel = f"fig3_{row['task'][:4] if row['task'] == 'multiplication' else 'add'}_accuracy"
        there = long.filter(
            (pl.col("panel") == panel)
            & (pl.col("target_str_len") == row["target_str_len"])
            & (pl.col("temperature") == row["temperature"])
            & ((pl.col("params") / row["params"] - 1).abs() < 0.02)
        )
        assert there.height == 1 and abs(there["value"][0] - row["value"]) < 2e-3


def test_sources_are_pinned_by_commit_and_hash():
    sources = outputs.load_table("public-sources")
    assert sources["commit"].str.contains(r"^[0-9a-f]{40}$").all()
    assert sources["sha256"].drop_nulls().str.contains(r"^[0-9a-f]{64}$").all()
    by_blob = sources.filter(pl.col("sha256").is_null())
    assert by_blob["tables"].to_list() == ["all.csv"] and by_blob["git_blob"].str.contains(r"^[0-9a-f]{40}$").all()
    named = {name for cell in sources["tables"] for name in cell.split(", ")}
    frozen = {Path(name).stem for name in outputs.manifest()}
    assert named <= set(derive.DERIVED) | frozen | {"all.csv"}


def test_every_table_of_records_is_fetched_or_the_list_says_that_it_is_not():
    sources = outputs.load_table("public-sources")
    named = {name for cell in sources["tables"] for name in cell.split(", ")}
    for file, entry in outputs.manifest().items():
        if entry["kind"] == "records":
            assert Path(file).stem in named or Path(file).stem in derive.SOURCES_NOTE
