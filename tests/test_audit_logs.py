"""Logs of an audit: what real and made ones hold is read whole, what is left out is counted, and the rest is refused by name."""

from __future__ import annotations

import json
import zipfile

import numpy as np
import polars as pl
import pytest

from mirage_lib.audit import findings, logs, plain, wording
from mirage_lib.audit.rows import LogsError, shares
from tests.sample_logs import CHAT, HARNESS, LOGS, SIZES, asked, completed, harness_log, inspect_log, lines, simulated, write


def test_logs_of_the_harness_are_read_whole_and_scored_as_the_harness_scored_them():
    read = logs.read(LOGS / "harness", SIZES)
    table = read.tables["text"]
    assert read.left_out == 0 and not read.skipped
    for path in HARNESS:
        said = lines(path)
        ours = table.filter(pl.col("model") == path.parent.name)
        assert ours["output"].to_list() == [one["filtered_resps"][0].strip() for one in said]
        right = (ours["output"] == ours["target"]).mean()
        assert right == pytest.approx(np.mean([one["exact_match"] for one in said]))


def test_logs_of_inspect_are_read_from_their_zip_and_from_json():
    read = logs.read(LOGS / "inspect", CHAT)
    table = read.tables["text"]
    assert table.group_by("model").len().sort("model").rows() == [("chat-width12", 8), ("chat-width4", 20)]
    document = json.loads((LOGS / "inspect" / "chat-width12.json").read_text())
    ours = table.filter(pl.col("model") == "chat-width12").sort(pl.col("item").cast(pl.Int64))
    assert ours["output"].to_list() == [one["output"]["completion"].strip() for one in document["samples"]]
    assert ours["target"].to_list() == [one["target"] for one in document["samples"]]


def test_a_model_without_a_size_is_named_with_the_option_that_mends_it():
    with pytest.raises(LogsError, match="give --size width4=PARAMETERS"):
        logs.read(LOGS / "harness")
    read = logs.read(LOGS / "harness", {"width4": "1.4k"})
    assert read.tables["text"]["model"].unique().to_list() == ["width4"]
    assert sum(one.rows for one in read.left) == read.left_out == len(lines(next(p for p in HARNESS if "width12" in str(p))))
    with pytest.raises(LogsError, match="no-such.*width12, width4"):
        logs.read(LOGS / "harness", {"no-such": 3})


@pytest.mark.fault(group="logs", tried="cut, foreign and empty lines", on="`mirage audit`, logs of lm-evaluation-harness", happens="left out, counted by reason with the place of the first; all others are read", says="the line is no whole JSON object of a sample")
def test_broken_lines_are_left_out_and_counted_with_their_place(tmp_path):
    folder = tmp_path / "width4"
    folder.mkdir()
    good = HARNESS[0].read_text().splitlines()
    odd = json.loads(good[2]) | {"filtered_resps": [], "resps": []}
    text = [good[0], good[1][:50], json.dumps(odd), "", "[1, 2]", '{"target": "1", "doc_id": 9, "filtered_resps": ["\\ud83d"]}', good[3]]
    (folder / HARNESS[0].name).write_text("\n".join(text))
    read = logs.read(tmp_path, {"width4": 1376})
    assert read.rows + read.left_out == 6
    found = {one.reason: (one.rows, one.first) for one in read.sources[0].left}
    assert found["the line is no whole JSON object of a sample"][1] == "line 2"
    assert found["neither a written answer nor log-likelihoods of at least two choices"] == (1, "line 3")


def test_choices_become_probabilities_and_bad_ones_are_counted(tmp_path):
    folder = tmp_path / "me-1b"
    folder.mkdir()

    def line(item: int, **changes) -> str:
        row = {"doc_id": item, "target": "0", "filtered_resps": [["-1.5", "False"], ["-0.5", "True"]], "arguments": []}
        return json.dumps(row | changes)

    text = [line(0), line(1, target=1, filtered_resps=[[-1.0, False], [-1.0, False]]), line(2, target="seven"), line(3, filtered_resps=[["nan", "False"], ["-1", "False"]])]
    (folder / "samples_quiz_2026-01-01T00-00-00.000000.jsonl").write_text("\n".join(text))
    read = logs.read(tmp_path)
    table = read.tables["choice"].sort("item")
    assert table["target_index"].to_list() == [0, 1]
    assert table["probabilities"].to_list()[1] == pytest.approx([0.5, 0.5])
    assert table["probabilities"][0].to_list() == pytest.approx([1 / (1 + np.e), np.e / (1 + np.e)])
    assert {one.reason for one in read.sources[0].left} == {
        "the target is neither the place of a choice nor its text", "a log-likelihood that is no finite number of at most 0",
    }  # fmt: skip


def test_logs_of_several_releases_are_read_together(tmp_path):
    new = asked(0, "5", "5", filter="none", arguments={"gen_args_0": {"arg_0": "Q", "arg_1": {"until": []}}})
    harness_log(tmp_path / "a-1b", "samples_sums_2026-01-01T00-00-00.000000.jsonl", new)
    harness_log(tmp_path / "a-2b", "samples_sums.jsonl", asked(0, "5", "6"))
    (tmp_path / "a-4b").mkdir()
    (tmp_path / "a-4b" / "samples_sums.jsonl").write_text(json.dumps([asked(0, "5", "7"), asked(1, "6", "6")], indent=1))
    harness_log(tmp_path / "a-8b", "sums.jsonl", asked(0, "5", "8"))
    read = logs.read(tmp_path)
    assert read.left_out == 0 and not read.skipped
    rows = read.tables["text"].sort("n_params", "item").select("model", "task", "output").rows()
    assert rows == [("a-1b", "sums", "5"), ("a-2b", "sums", "6"), ("a-4b", "sums", "7"), ("a-4b", "sums", "6"), ("a-8b", "sums", "8")]


def test_a_choice_without_names_and_numbers_as_text_or_not_is_the_same(tmp_path):
    old = {"doc_id": 0, "target": " blue", "arguments": [["Sky?", " red"], ["Sky?", " blue"]], "filtered_resps": [[-2.0, False], [-1.0, True]]}
    new = old | {"arguments": {f"gen_args_{k}": {"arg_0": "Sky?", "arg_1": c} for k, c in enumerate((" red", " blue"))}, "filtered_resps": [["-2.0", "False"], ["-1.0", "True"]]}
    harness_log(tmp_path / "a-1b", "samples_sky.jsonl", old)
    harness_log(tmp_path / "a-2b", "samples_sky.jsonl", new)
    table = logs.read(tmp_path).tables["choice"]
    assert table["target_index"].to_list() == [1, 1]
    assert table["probabilities"][0].to_list() == table["probabilities"][1].to_list()


def test_filters_are_tasks_of_their_own_and_repeats_are_samples(tmp_path):
    strict, loose = asked(0, "5", "[invalid]", filter="strict-match"), asked(0, "5", "5", filter="flexible-extract")
    harness_log(tmp_path / "a-1b", "samples_gsm.jsonl", strict, loose)
    harness_log(tmp_path / "a-2b", "samples_gsm.jsonl", asked(0, "5", ["5", "6", "5"], filter="strict-match"), loose)
    table = logs.read(tmp_path).tables["text"]
    assert set(table["task"]) == {"gsm (strict-match)", "gsm (flexible-extract)"}
    repeats = table.filter(model="a-2b", task="gsm (strict-match)").sort("sample")
    assert repeats["output"].to_list() == ["5", "6", "5"] and repeats["sample"].to_list() == [0, 1, 2]


def test_a_perplexity_is_left_out_by_its_name_and_a_written_number_is_not(tmp_path):
    rolling = {"doc_id": 0, "target": "a text", "arguments": [["a text"]], "filtered_resps": ["-123.4"]}
    lambada = {"doc_id": 1, "target": " it", "arguments": [["take", " it"]], "filtered_resps": [["-0.5", "True"]]}
    lambada_old = lambada | {"doc_id": 2, "filtered_resps": [[-0.5, True]]}
    path = harness_log(tmp_path / "a-1b", "samples_mixed.jsonl", rolling, lambada, lambada_old, asked(3, "-3.5", "-3.5"))
    read = logs.read(path)
    assert read.tables["text"]["output"].to_list() == ["-3.5"]
    from mirage_lib.audit import harness

    assert {one.reason: one.rows for one in read.sources[0].left} == {harness.ONE_NUMBER: 3}


def test_of_several_right_targets_any_counts_and_the_logs_own_marks_are_compared(tmp_path):
    several = asked(0, ["New York City", "NYC"], " NYC", exact_match=1.0)
    lenient = asked(1, "Paris", "paris", exact_match=1.0)
    read = logs.read(harness_log(tmp_path / "a-1b", "samples_cities.jsonl", several, lenient))
    assert read.tables["text"]["target"].to_list() == ["NYC", "Paris"]
    notes = " ".join(read.sources[0].notes)
    assert "1 answers have several right targets" in notes and "exact_match is the same as ours on 1 of 2 rows" in notes


def test_results_of_the_same_date_name_the_model(tmp_path):
    for date, name in (("2026-01-01T00-00-00.000000", "one-1b"), ("2026-01-02T00-00-00.000000", "two-2b")):
        harness_log(tmp_path / "both", f"samples_sums_{date}.jsonl", asked(0, "5", "5"))
        (tmp_path / "both" / f"results_{date}.json").write_text(json.dumps({"model_name": name, "config": {"model_num_parameters": 7}}))
    assert set(logs.read(tmp_path).tables["text"]["model"]) == {"one-1b", "two-2b"}


def test_inspect_epochs_targets_errors_and_status_are_kept_apart(tmp_path):
    scored = {"choice": {"value": "C", "answer": "B"}}
    samples = [
        completed(1, "4", "4"), completed(1, "4", "5", epoch=2), completed(2, ["four", "4"], "4"),
        completed(3, "4", "4", error={"message": "boom"}), {"id": 4, "target": "4", "output": {"choices": []}, "error": {"message": "boom"}},
        completed(5, "B", "I think so. ANSWER: B", scores=scored), {"id": 6},
    ]  # fmt: skip
    read = logs.read(inspect_log(tmp_path / "log.json", samples, "cancelled", temperature=0.5))
    table = read.tables["text"].sort("item", "sample")
    assert table.select("model", "task", "item", "sample", "target", "output").rows() == [
        ("a-1b", "sums", "1", 0, "4", "4"), ("a-1b", "sums", "1", 1, "4", "5"), ("a-1b", "sums", "2", 0, "4", "4"), ("a-1b", "sums", "5", 0, "B", "B"),
    ]  # fmt: skip
    assert {one.reason: one.rows for one in read.sources[0].left} == {
        "the sample ended with an error and has no answer": 2, "the sample is no whole JSON object with id, target and output": 1,
    }  # fmt: skip
    notes = " ".join(read.sources[0].notes)
    assert "status: cancelled" in notes and "the scorer choice read out" in notes and "on 1 of 1 rows" in notes
    assert "cancelled" in " ".join(wording.cautions(read, findings.examine(read.tables, draws=20)))


def test_a_size_is_known_by_the_name_with_or_without_the_provider(tmp_path):
    path = harness_log(tmp_path / "lab__chat", "samples_sums.jsonl", asked(0, "5", "5"))
    for name in ("lab/chat", "chat"):
        assert logs.read(path, {name: "3m"}).tables["text"]["n_params"].to_list() == [3_000_000]


def test_shares_are_a_softmax():
    rng = np.random.default_rng(0)
    nats = [rng.normal(-5, 3, rng.integers(2, 6)).tolist() for _ in range(500)]
    for ours, one in zip(shares(nats).to_list(), nats, strict=True):
        weights = np.exp(np.array(one))
        assert ours == pytest.approx(weights / weights.sum())


def test_a_table_may_have_more_columns_written_sizes_and_lists(tmp_path):
    rows = [
        {"model": "x", "n_params": size, "item": k, "target": target, "output": "4", "note": {"deep": [k]}}
        for size in ("1.3b", "large", None) for k, target in enumerate((["four", "4"], ["5"]))
    ]  # fmt: skip
    pl.DataFrame(rows).write_parquet(tmp_path / "mine.parquet")
    read = logs.read(tmp_path / "mine.parquet")
    assert read.tables["text"].sort("item").select("n_params", "target").unique(maintain_order=True).rows() == [(1_300_000_000, "4"), (1_300_000_000, "5")]
    assert {one.reason: one.rows for one in read.sources[0].left} == {plain.NO_COUNT: 2}


def test_probabilities_may_be_a_list_or_text_and_bad_ones_are_counted(tmp_path):
    good = {"model": ["a-1b"] * 4, "item": [1, 2, 3, 4], "target": [0, 1, 5, 0]}
    pl.DataFrame(good | {"probabilities": [[0.2, 0.6], [1, 3], [0.5, 0.5], [-0.1, 1.1]]}, strict=False).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame(good | {"probabilities": ["[0.2, 0.6]", "1,3", "[0.5, 0.5]", "[no, 1]"]}).write_csv(tmp_path / "a.csv")
    for name in ("a.parquet", "a.csv"):
        read = logs.read(tmp_path / name)
        assert read.tables["choice"].sort("item")["probabilities"].to_list() == [pytest.approx([0.25, 0.75])] * 2
        assert {one.reason for one in read.sources[0].left} == {plain.NO_PLACE, plain.NO_SHARES}


def test_a_column_of_the_wrong_type_is_named(tmp_path):
    (tmp_path / "a.csv").write_text("model,item,target,output,seed\na-1b,1,4,4,first\n")
    with pytest.raises(LogsError, match="a.csv: a column does not hold what it has to.*first"):
        logs.read(tmp_path / "a.csv")


@pytest.mark.fault(group="logs", tried="answers that stand twice, or are missing", on="`mirage audit`, tables", happens="kept once; the others are counted", says="the output is missing")
def test_a_repeated_answer_is_kept_once_and_missing_ones_are_counted(tmp_path):
    table = simulated(n=20)
    twice = pl.concat([table, table.head(7), table.head(2).with_columns(output=pl.lit(None, pl.String))])
    read = logs.read(write(twice, tmp_path / "mine.parquet"))
    assert read.rows == table.height
    assert {one.reason: one.rows for one in read.left} == {logs.TWICE: 7}
    assert {one.reason: one.rows for one in read.sources[0].left} == {"the output is missing": 2}


@pytest.mark.fault(group="logs", tried="empty, foreign and cut files, and a zip of a run that did not end", on="`mirage audit`", happens="refused by name, with what is missing", says="the file is empty")
def test_empty_and_foreign_files_are_refused_by_name(tmp_path):
    empty = tmp_path / "samples_quiz.jsonl"
    empty.write_text("")
    with pytest.raises(LogsError, match="samples_quiz.jsonl: the file is empty"):
        logs.read(empty)
    foreign = tmp_path / "notes.json"
    foreign.write_text('{"a": 1}')
    with pytest.raises(LogsError, match="notes.json is neither"):
        logs.read(foreign)
    with pytest.raises(LogsError, match="no row can be used"):
        logs.read(tmp_path)
    broken = tmp_path / "x.eval"
    broken.write_bytes(b"PK not a zip")
    with pytest.raises(LogsError, match="no whole zip"):
        logs.read(broken)
    with zipfile.ZipFile(tmp_path / "y.eval", "w") as archive:
        archive.writestr("samples/1.json", "{}")
    with pytest.raises(LogsError, match="did not end"):
        logs.read(tmp_path / "y.eval")
