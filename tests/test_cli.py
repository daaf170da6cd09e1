"""The command line, run as a user runs it."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from mirage_lib import claims, cli, curves, outputs
from mirage_lib.arithmetic import ladder

MIRAGE = Path(sys.executable).parent / "mirage"


def mirage(*arguments: str, **settings) -> subprocess.CompletedProcess:
    return subprocess.run([MIRAGE, *arguments], capture_output=True, text=True, timeout=300, **settings)


def test_training_freezing_and_scoring_a_small_ladder_work_as_the_book_says(tmp_path):
    runs, frozen = tmp_path / "runs", tmp_path / "frozen"
    small = ["--widths", "4", "8", "--seeds", "1", "--steps", "3", "--device", "cpu", "--jobs", "1"]
    assert mirage("arithmetic", "train", "--out", str(runs), *small).returncode == 0
    done = mirage("arithmetic", "freeze", "--runs", str(runs), "--name", "mine", "--n", "4", "--into", str(frozen))
    assert done.returncode == 0, done.stderr
    table = outputs.load("mine", frozen)
    assert table.height == 2 * 9 * 4
    assert outputs.read_stamp("mine", frozen)["origin"] == "ours"
    written = tmp_path / "curve.csv"
    done = mirage("score", str(frozen / "mine.parquet"), "--metric", "token_edit_distance", "--csv", str(written))
    assert done.returncode == 0, done.stderr
    truth = curves.curve(table, "token_edit_distance")
    assert pl.read_csv(written)["estimate"].to_list() == pytest.approx(truth["estimate"].to_list())


def test_training_ends_with_a_first_look_at_its_first_seed_whichever_that_is(tmp_path, monkeypatch, capsys):
    few = replace(ladder.Budget(), steps=2, batch=2)
    monkeypatch.setitem(ladder.MODES, "seeds", ladder.rungs((4,), (5, 6), (2,), few))
    assert cli.main(["arithmetic", "train", "--mode", "seeds", "--out", str(tmp_path), "--device", "cpu", "--jobs", "1"]) == 0
    said = capsys.readouterr().out
    assert said.count("width 4, 2 steps") == 2  # one row a task


@pytest.mark.fault(group="killed", tried="a model whose training did not end", on="`mirage arithmetic freeze`", happens="refused before anything is written", says="goes on there")
def test_an_unfinished_ladder_is_not_frozen(tmp_path):
    rung = tmp_path / "width4-seed0"
    rung.mkdir()
    (rung / "settings.json").write_text(
        '{"width": 4, "seed": 0, "steps": 10, "batch": 2, "learning_rate": 0.01, "templates": ["plain"]}'
    )
    done = mirage("arithmetic", "freeze", "--runs", str(tmp_path), "--into", str(tmp_path / "frozen"))
    assert done.returncode == 1
    assert "unfinished" in done.stderr and "goes on there" in done.stderr
    assert not (tmp_path / "frozen").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["score", "no-such-table"], "arithmetic-ladder"),
        (["score", "arithmetic-ladder", "--metric", "no_such"], "exact_match"),
        (["arithmetic", "freeze", "--runs", "nowhere"], "mirage arithmetic train"),
        (["arithmetic", "freeze", "--cells", "addition-5"], "task:length:n"),
        (["arithmetic", "freeze", "--cells", "addition:6:10"], "[1, 2, 3, 4, 5]"),
        (["arithmetic", "train", "--mode", "huge"], "small, ladder, tokens, formats, seeds, full"),
    ],
)
def test_a_wrong_word_gets_one_sentence_that_says_what_is_allowed(arguments, said, tmp_path):
    done = mirage(*arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_claims_are_judged_on_the_command_line():
    done = mirage("claims", "model-accuracy-sharp", "weak-captions")
    assert done.returncode == 0
    judged = [(row, claims.get(row).judge()) for row in ("model-accuracy-sharp", "weak-captions")]
    assert done.stdout == "".join(f"{verdict.verdict:14} {row}\n{'':14} {verdict.because}\n" for row, verdict in judged)


def test_a_row_that_the_ledger_lacks_is_named_with_those_that_it_has():
    done = mirage("claims", "--json", "no-such-row")
    assert done.returncode == 1
    assert "unknown claim 'no-such-row': choose one of emergence-defined, " in done.stderr
