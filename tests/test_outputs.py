"""Frozen outputs come back as they were saved, or not at all."""

import hashlib
import json
import math
import shutil

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from mirage_lib import outputs, theory
from mirage_lib.outputs import OutputsError
from mirage_lib.stamps import stamp

STAMP = stamp("pytest", seeds=[0, 1], licence="CC0-1.0")


def table(kind: str, n: int = 4) -> pl.DataFrame:
    """A small valid table of a kind."""
    text = theory.text_outputs([0.5], length=3, n=n)
    common = text.select(*outputs.COMMON)
    rng = np.random.default_rng(0)
    payload = {
        "text": {name: text[name] for name in outputs.KINDS["text"]},
        "choice": {"target_index": [0, 2] * (n // 2), "probabilities": rng.dirichlet([1, 1, 1], n).tolist()},
        "image label": {"label": [3] * n, "predicted": range(n), "probability": rng.random(n)},
        "reconstruction": {"squared_error": rng.random(n)},
        "sequence": {"correct": [[True, False]] * n},
    }
    return common.with_columns(**{name: pl.Series(name, list(values)) for name, values in payload[kind].items()})


# --- saving and loading ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", outputs.KINDS)
def test_every_kind_comes_back_as_it_was_saved(kind, tmp_path):
    saved = table(kind)
    path = outputs.save(saved, "mine", kind, STAMP, tmp_path)
    assert_frame_equal(outputs.load("mine", tmp_path), saved)
    assert outputs.read_stamp("mine", tmp_path) == STAMP
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert json.loads((tmp_path / "manifest.json").read_text()) == {
        "mine.parquet": {"kind": kind, "rows": 4, "sha256": digest}
    }
    assert sorted(file.name for file in tmp_path.iterdir()) == ["manifest.json", "mine.parquet"]


ANY_TEXT = st.text(st.characters(codec="utf-8"), max_size=12)
WHOLE = st.integers(-(2**63), 2**63 - 1)
ROW = st.fixed_dictionaries(
    {name: ANY_TEXT for name in ("family", "model", "task", "item", *outputs.KINDS["text"])}
    | {"seed": WHOLE, "group": WHOLE, "n_params": st.integers(1, 2**63 - 1), "sample": st.integers(0, 2**63 - 1)}
    | {"temperature": st.floats(0, 1e300), "target_logprob": st.floats(-1e300, 0)}
    | {"token_logprobs": st.lists(st.floats(-1e300, 0), max_size=3)}
)


@settings(
    max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(ROW, min_size=1, max_size=6))
def test_any_valid_table_round_trips_unchanged(tmp_path, rows):
    types = {"token_logprobs": pl.List(pl.Float64), "seed": pl.Int64, "group": pl.Int64, "n_params": pl.Int64}
    saved = pl.DataFrame(rows, schema_overrides=types, infer_schema_length=None)
    outputs.save(saved, "any", "text", STAMP, tmp_path)
    assert_frame_equal(outputs.load("any", tmp_path), saved, check_exact=True)


def test_small_and_categorical_column_types_survive(tmp_path):
    saved = table("text").with_columns(
        pl.col("task", "model").cast(pl.Categorical), pl.col("seed").cast(pl.UInt8), pl.col("temperature").cast(pl.Float32)
    )
    outputs.save(saved, "lean", "text", STAMP, tmp_path)
    assert_frame_equal(outputs.load("lean", tmp_path), saved)


def test_saving_again_replaces_one_entry_and_keeps_the_others(tmp_path):
    outputs.save(table("text"), "first", "text", STAMP, tmp_path)
    outputs.save(table("sequence"), "second", "sequence", STAMP, tmp_path)
    outputs.save(table("text", 8), "first", "text", STAMP, tmp_path)
    assert outputs.load("first", tmp_path).height == 8
    assert outputs.load("second", tmp_path).height == 4
    assert list(outputs.manifest(tmp_path)) == ["first.parquet", "second.parquet"]


# --- what is refused when loading ----------------------------------------------------------------------


@pytest.mark.fault(group="frozen", tried="one byte changed", on="frozen files", happens="refused with both hashes")
def test_one_changed_byte_is_refused_in_one_sentence_with_both_hashes(tmp_path):
    path = outputs.save(table("text"), "mine", "text", STAMP, tmp_path)
    frozen = hashlib.sha256(path.read_bytes()).hexdigest()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    for read in (outputs.load, outputs.read_stamp):
        with pytest.raises(OutputsError) as error:
            read("mine", tmp_path)
        message = str(error.value)
        assert all(part in message for part in ("mine.parquet", frozen, hashlib.sha256(data).hexdigest()))
        assert "\n" not in message


@pytest.mark.fault(group="frozen", tried="a file taken away", on="frozen files", happens="refused with the file and its folder")
def test_a_file_of_the_manifest_that_is_gone_is_named_with_its_folder(tmp_path):
    outputs.save(table("text"), "mine", "text", STAMP, tmp_path).unlink()
    with pytest.raises(OutputsError) as error:
        outputs.load("mine", tmp_path)
    assert "mine.parquet" in str(error.value) and str(tmp_path) in str(error.value)


def test_an_unknown_name_is_refused_beside_the_known_ones(tmp_path):
    with pytest.raises(OutputsError, match="'mine': there are none"):
        outputs.load("mine", tmp_path)
    outputs.save(table("text"), "yours", "text", STAMP, tmp_path)
    with pytest.raises(OutputsError, match="'mine': there are yours"):
        outputs.load("mine", tmp_path)


@pytest.mark.fault(group="frozen", tried="a file put in that the manifest does not know", on="frozen files", happens="not loaded")
def test_a_file_that_is_not_in_the_manifest_is_not_loaded(tmp_path):
    outputs.save(table("text"), "mine", "text", STAMP, tmp_path)
    shutil.copy(tmp_path / "mine.parquet", tmp_path / "smuggled.parquet")
    with pytest.raises(OutputsError, match="'smuggled'"):
        outputs.load("smuggled", tmp_path)


@pytest.mark.fault(group="frozen", tried="outputs of a run that did not end", on="frozen files", happens="refused")
def test_outputs_of_a_run_that_did_not_finish_are_not_loaded(tmp_path):
    outputs.save(table("text"), "half", "text", STAMP | {"finished": False}, tmp_path)
    with pytest.raises(OutputsError, match="half.parquet comes from a run that did not finish"):
        outputs.load("half", tmp_path)


@pytest.mark.fault(group="frozen", tried="a table that breaks the rules, with the right hash", on="frozen files", happens="refused with the column and the value")
def test_a_frozen_table_that_breaks_the_rules_is_named(tmp_path):
    """As if another tool had written the file and the manifest."""
    bad = table("text").with_columns(n_params=pl.lit(-5))
    path = tmp_path / "bad.parquet"
    bad.write_parquet(path, metadata={"kind": "text", "stamp": json.dumps(STAMP)})
    entry = {"kind": "text", "rows": 4, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    (tmp_path / "manifest.json").write_text(json.dumps({path.name: entry}))
    with pytest.raises(OutputsError, match="bad.parquet: column 'n_params' has -5: 1 is the least allowed"):
        outputs.load("bad", tmp_path)


# --- what is refused when saving --------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["command", "revision", "versions", "seeds", "licence", "origin", "finished"])
def test_a_stamp_that_lacks_a_field_is_refused_and_nothing_is_written(field, tmp_path):
    short = {name: value for name, value in STAMP.items() if name != field}
    with pytest.raises(OutputsError, match=f"the stamp lacks '{field}': it needs command, revision"):
        outputs.save(table("text"), "mine", "text", short, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.fault(group="frozen", tried="freezing a table that is not valid over one that is", on="frozen files", happens="refused; the folder stays byte for byte")
def test_a_table_that_fails_the_check_leaves_the_frozen_one_as_it_was(tmp_path):
    path = outputs.save(table("text"), "mine", "text", STAMP, tmp_path)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(OutputsError, match="NaN"):
        outputs.save(table("text").with_columns(temperature=pl.lit(math.nan)), "mine", "text", STAMP, tmp_path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    assert path.exists()


def test_a_stamp_says_where_outputs_come_from():
    assert STAMP["seeds"] == [0, 1] and STAMP["finished"] is True
    assert STAMP["versions"]["polars"] == pl.__version__
    with pytest.raises(ValueError, match="unknown origin 'found': choose one of ours, published, digitised"):
        stamp("pytest", seeds=[], licence="CC0-1.0", origin="found")


# --- the checks, kind by kind -------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "column"), [(kind, c) for kind, own in outputs.KINDS.items() for c in own])
def test_every_payload_column_is_required_and_named(kind, column):
    with pytest.raises(OutputsError, match=f"column '{column}' is missing from these {kind} outputs.*{column}"):
        outputs.check(table(kind).drop(column), kind)


@pytest.mark.parametrize("column", outputs.COMMON)
def test_every_common_column_is_required_and_named(column):
    with pytest.raises(OutputsError, match=f"column '{column}' is missing from these text outputs.*{column}"):
        outputs.check(table("text").drop(column), "text")


@pytest.mark.parametrize(("kind", "column"), [(kind, c) for kind, own in outputs.KINDS.items() for c in own])
def test_every_payload_column_has_one_type(kind, column):
    other = pl.Series(column, [b"?"] * 4)
    with pytest.raises(OutputsError, match=f"column '{column}' holds Binary, but has to hold"):
        outputs.check(table(kind).with_columns(other), kind)


@pytest.mark.parametrize(
    ("kind", "column", "bad", "message"),
    [
        ("text", "target", 12, "'target' holds Int32, but has to hold text"),
        ("text", "n_params", "1M", "'n_params' holds String, but has to hold a whole number"),
        ("text", "n_params", 1e6, "'n_params' holds Float64, but has to hold a whole number"),
        ("text", "temperature", "0", "'temperature' holds String, but has to hold a real number"),
        ("text", "temperature", math.nan, "'temperature' has 4 NaN"),
        ("text", "temperature", -0.1, "'temperature' has -0.1: 0 is the least allowed"),
        ("text", "n_params", 0, "'n_params' has 0: 1 is the least allowed"),
        ("text", "sample", -1, "'sample' has -1: 0 is the least allowed"),
        ("text", "target_logprob", 0.5, "'target_logprob' has 0.5: a log-probability is at most 0"),
        ("text", "token_logprobs", [-1.0, 0.5], "'token_logprobs' has 0.5: a log-probability is at most 0"),
        ("text", "token_logprobs", [-1.0, math.nan], "'token_logprobs' has 4 NaN"),
        ("text", "token_logprobs", [-1.0, None], "'token_logprobs' has 4 missing values"),
        ("text", "prompt", 5, "'prompt' holds Int32, but has to hold text"),
        ("choice", "probabilities", "0.5", "'probabilities' holds String, but has to hold a list"),
        ("choice", "probabilities", [0.2, 0.2], "row 0 sum to 0.4"),
        ("choice", "probabilities", [math.nan, 1.0], "'probabilities' has 4 NaN"),
        ("choice", "probabilities", [0.5, None, 0.5], "'probabilities' has 4 missing values"),
        ("choice", "probabilities", [1.5, -0.5], "have -0.5 in them"),
        ("choice", "target_index", 3, "target_index of row 0 is 3, but there are 3 choices: 0 is the first"),
        ("choice", "target_index", -1, "target_index of row 0 is -1"),
        ("image label", "probability", math.nan, "'probability' has 4 NaN"),
        ("reconstruction", "squared_error", -1e-9, "'squared_error' has -1e-09: 0 is the least allowed"),
        ("sequence", "correct", [0, 1], "'correct' holds List.Int.*, but has to hold a list of true or false"),
    ],
)
def test_an_impossible_value_is_refused_with_what_is_allowed(kind, column, bad, message):
    filled = pl.Series(column, [bad] * 4, dtype=pl.Int32 if type(bad) is int else None)
    with pytest.raises(OutputsError, match=message):
        outputs.check(table(kind).with_columns(filled), kind)


@pytest.mark.parametrize("kind", outputs.KINDS)
def test_one_missing_cell_anywhere_is_refused(kind):
    whole = table(kind)
    for column in whole.columns:
        holed = whole.with_columns(pl.when(pl.int_range(pl.len()) > 0).then(pl.col(column)))
        with pytest.raises(OutputsError, match=f"column '{column}' has 1 missing values"):
            outputs.check(holed, kind)


@pytest.mark.parametrize("kind", outputs.KINDS)
def test_an_empty_table_is_refused(kind):
    with pytest.raises(OutputsError, match=f"these {kind} outputs are an empty table"):
        outputs.check(table(kind).clear(), kind)


def test_an_unknown_kind_is_refused_beside_the_known_ones():
    with pytest.raises(OutputsError, match="'sound': choose one of text, choice, image label"):
        outputs.check(table("text"), "sound")


def test_a_valid_table_is_returned_as_it_came():
    for kind in outputs.KINDS:
        whole = table(kind)
        assert outputs.check(whole, kind) is whole


# --- small tables ---------------------------------------------------------------------------------------------


def test_a_small_table_comes_back_with_its_note_skipped(tmp_path):
    small = pl.DataFrame({"x": [1, 2], "name": ["a", "b, c"]})
    path = outputs.save_table(small, "notes", "annotations", "ours, CC0", tmp_path)
    assert_frame_equal(outputs.load_table("notes", tmp_path), small)
    assert path.read_text().startswith("# ours, CC0\n")


@pytest.mark.fault(group="frozen", tried="one byte of a small table changed", on="frozen files", happens="refused with the hash", says="is not the file that was frozen: expected SHA-256")
def test_a_small_table_with_a_changed_byte_or_an_unknown_name_is_refused(tmp_path):
    path = outputs.save_table(pl.DataFrame({"x": [1, 2]}), "notes", "annotations", "ours", tmp_path)
    path.write_text(path.read_text().replace("2", "3"))
    with pytest.raises(OutputsError, match=r"notes\.csv is not the file that was frozen: expected SHA-256"):
        outputs.load_table("notes", tmp_path)
    with pytest.raises(OutputsError, match="'other': there are notes"):
        outputs.load_table("other", tmp_path)
