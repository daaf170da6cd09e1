"""Frozen files that were cut, changed or exchanged, manifests that lie, and damaged files of runs."""

from __future__ import annotations

import json
import random

import polars as pl
import pytest

from mirage_lib import outputs
from mirage_lib.outputs import OutputsError
from tests.test_outputs import STAMP, table

fault = pytest.mark.fault


@pytest.fixture
def frozen(tmp_path):
    """Two frozen tables of different kinds, and a small one."""
    outputs.save(table("text"), "one", "text", STAMP, tmp_path)
    outputs.save(table("text").with_columns(output=pl.lit("9")), "two", "text", STAMP, tmp_path)
    outputs.save_table(pl.DataFrame({"x": [1, 2]}), "notes", "annotations", "ours", tmp_path)
    return tmp_path


@fault(group="frozen", tried="cut at any length", on="frozen files", happens="refused with both hashes", says="is not the file that was frozen: expected SHA-256")
def test_a_frozen_file_cut_anywhere_is_refused(frozen, says):
    path = frozen / "one.parquet"
    whole = path.read_bytes()
    for length in (0, 1, *random.Random(1).sample(range(2, len(whole)), 10), len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(OutputsError, match=says):
            outputs.load("one", frozen)
        assert len(outputs.faults(frozen)) == 1


@fault(group="frozen", tried="two files exchanged on disk", on="frozen files", happens="both are refused with both hashes", says="is not the file that was frozen: expected SHA-256")
def test_exchanged_files_are_refused(frozen, says):
    one, two = (frozen / f"{name}.parquet" for name in ("one", "two"))
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    for name in ("one", "two"):
        with pytest.raises(OutputsError, match=says):
            outputs.load(name, frozen)
    assert len(outputs.faults(frozen)) == 2


@fault(group="frozen", tried="two files exchanged, and their hashes in the manifest with them", on="frozen files", happens="not noticed: a hash proves what was entered, not what should have been; the one hash over all files changes")
def test_files_exchanged_together_with_their_hashes_change_the_one_hash_over_all(frozen):
    before = outputs.fingerprint(frozen)
    one, two = (frozen / f"{name}.parquet" for name in ("one", "two"))
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    told = outputs.manifest(frozen)
    told["one.parquet"], told["two.parquet"] = told["two.parquet"], told["one.parquet"]
    (frozen / "manifest.json").write_text(json.dumps(told))
    assert outputs.load("one", frozen)["output"].unique().to_list() == ["9"]
    assert outputs.fingerprint(frozen) != before


def lie(folder, **changes):
    told = outputs.manifest(folder)
    told["one.parquet"] |= changes
    (folder / "manifest.json").write_text(json.dumps(told))


@fault(group="frozen", tried="a manifest with another number of rows", on="frozen files", happens="refused, with both numbers", says="rows, but the manifest says 5")
def test_a_manifest_that_lies_about_rows_is_refused(frozen, says):
    lie(frozen, rows=5)
    with pytest.raises(OutputsError, match=says):
        outputs.load("one", frozen)


@fault(group="frozen", tried="a manifest with another kind of outputs", on="frozen files", happens="refused, with both kinds", says="says that it holds text, but the manifest says choice")
def test_a_manifest_that_lies_about_the_kind_is_refused(frozen, says):
    lie(frozen, kind="choice")
    with pytest.raises(OutputsError, match=says):
        outputs.load("one", frozen)


@fault(group="frozen", tried="a manifest that is cut, empty, no JSON, a list, or lacks a field", on="frozen files", happens="refused, with what to do", says="restore it with 'git checkout', or delete it and freeze its files anew")
@pytest.mark.parametrize("text", ["", "{", "[]", "7", '{"one.parquet": {}}', '{"one.parquet": {"kind": "text", "rows": "many", "sha256": ""}}', "\x00", "[" * 9999])
def test_a_manifest_that_is_none_is_refused_with_what_to_do(frozen, text, says):
    (frozen / "manifest.json").write_text(text)
    for use in (lambda: outputs.load("one", frozen), lambda: outputs.load_table("notes", frozen), lambda: outputs.faults(frozen)):
        with pytest.raises(OutputsError, match=says):
            use()


@fault(group="frozen", tried="a manifest with `../` in a file's name", on="frozen files", happens="refused: no file outside of the folder is looked at", says="is no manifest")
def test_a_manifest_names_no_file_outside_of_its_folder(frozen, says):
    told = outputs.manifest(frozen)
    told["../../secret.parquet"] = told["one.parquet"]
    (frozen / "manifest.json").write_text(json.dumps(told))
    with pytest.raises(OutputsError, match=says):
        outputs.faults(frozen)


@fault(group="frozen", tried="a checkpoint or weights that are cut", on="`mirage arithmetic train`", happens="refused by name, with what to delete", says="is damaged")
def test_a_damaged_checkpoint_and_damaged_weights_are_named(tmp_path, says):
    pytest.importorskip("torch", reason="the extra train is not installed")
    from mirage_lib.arithmetic import ladder

    def train():
        return ladder.train_rung(tmp_path, 4, 0, ladder.Budget(steps=2, batch=2), "cpu", progress=False)

    (tmp_path / "checkpoint.pt").write_bytes(b"PK\3\4 and no more")
    with pytest.raises(ValueError, match=f"checkpoint.pt {says}.*delete it to train from the start"):
        train()
    (tmp_path / "checkpoint.pt").unlink()
    train()
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ValueError, match=f"model.safetensors {says}.*train it again"):
        train()


@fault(group="frozen", tried="kept answers of a model that are damaged", on="`mirage arithmetic freeze`", happens="the model is asked again")
def test_damaged_answers_that_were_kept_are_asked_again(tmp_path):
    pytest.importorskip("torch", reason="the extra train is not installed")
    from mirage_lib.arithmetic import answers, ladder

    ladder.train_rung(tmp_path, 4, 0, ladder.Budget(steps=1, batch=2), "cpu", progress=False)
    questions = answers.Questions((("addition", 2, 3),))
    first = answers.answers_of(tmp_path, questions)
    (kept,) = tmp_path.glob("answers-*.parquet")
    kept.write_bytes(kept.read_bytes()[:200])
    assert answers.answers_of(tmp_path, questions).equals(first)
