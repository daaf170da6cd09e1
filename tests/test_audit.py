"""Audits: real logs from end to end, what is left out is counted, and nothing in a log runs or breaks the page."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mirage_lib import curves, metrics, outputs, theory
from mirage_lib.audit import findings, logs, plain, report, wording
from mirage_lib.audit.rows import LogsError, shares

LOGS = logs.SAMPLES
SIZES = {"width4": 1376, "width12": 8736}
CHAT = {f"chat-{name}": size for name, size in SIZES.items()}
HARNESS = sorted((LOGS / "harness").rglob("*.jsonl"))


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def simulated(models: int = 6, n: int = 200, length: int = 4) -> pl.DataFrame:
    table = theory.text_outputs(np.linspace(0.7, 0.05, models), length, n)
    return table.with_columns(model=pl.format("m{}", "n_params"), n_params=pl.col("n_params").cast(pl.Int64) * 1_000_000)


def write(table: pl.DataFrame, path: Path) -> Path:
    table = table.select("model", "n_params", "item", "target", "output", "task")
    if path.suffix == ".csv":
        table.write_csv(path)
    elif path.suffix == ".parquet":
        table.write_parquet(path)
    else:
        table.write_ndjson(path)
    return path


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


def test_the_command_audits_real_logs_without_editing_them(tmp_path):
    page = tmp_path / "report.html"
    sizes = [f"{name}={size}" for name, size in SIZES.items()]
    command = [Path(sys.executable).parent / "mirage", "audit", LOGS / "harness", "--size", *sizes, "--out", page]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    told = json.loads(page.with_suffix(".json").read_text())
    assert told["read"]["rows"] == sum(len(lines(path)) for path in HARNESS)
    assert {one["metric"] for one in told["findings"]} == {"exact_match", "token_edit_distance", "per_token_accuracy"}
    assert "too few models" in page.read_text()


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


def harness_log(folder: Path, name: str, *samples: dict) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("\n".join(json.dumps(one) for one in samples))
    return path


def asked(item: int, target: object, said: object, **more: object) -> dict:
    return {"doc_id": item, "target": target, "arguments": [["Q", {"until": []}]], "resps": [[said]], "filtered_resps": [said]} | more


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


def inspect_log(path: Path, samples: list[dict], status: str = "success", model: str = "openai/a-1b", **config: object) -> Path:
    head = {"version": 2, "status": status, "eval": {"model": model, "task": "inspect_evals/sums"}, "plan": {"config": config}}
    path.write_text(json.dumps(head | {"samples": samples}))
    return path


def completed(item: int, target: object, said: str, **more: object) -> dict:
    return {"id": item, "epoch": 1, "target": target, "output": {"choices": [{"message": {"content": said}, "stop_reason": "stop"}]}} | more


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


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".jsonl"])
def test_a_plain_table_gives_the_same_curves_as_the_library(tmp_path, ending):
    table = simulated()
    read = logs.read(write(table, tmp_path / f"mine{ending}"))
    found = findings.examine(read.tables, draws=60)
    for one in found.each:
        expected = curves.curve(table, one.metric, draws=60).sort("n_params")
        assert one.curve["estimate"].to_list() == pytest.approx(expected["estimate"].to_list())
        assert one.curve["n"].to_list() == expected["n"].to_list()


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


def test_unpaired_items_mixed_families_and_equal_sizes_are_said():
    table = simulated(models=4).with_columns(family=pl.lit("all models"), model=pl.format("odd-{}b", pl.col("n_params").rank("dense")))
    twin = table.filter(pl.col("n_params") == table["n_params"].max()).with_columns(model=pl.lit("even-2b"), output=pl.lit("zzzz"))
    whole = pl.concat([table.filter((pl.col("model") != "odd-1b") | (pl.col("item").cast(pl.String).str.ends_with("7"))), twin])
    read = logs.Logs({"text": whole}, ())
    found = findings.examine(read.tables, draws=50)
    said = " ".join(wording.cautions(read, found))
    for part in ("Unpaired items: on 1 of 1", "Mixed families", "Models of equal size are averaged", "Few sizes"):
        assert part in said
    one = found.each[0]
    items = [set(part["item"]) for _, part in whole.group_by("model")]
    assert (one.shared, one.asked) == (len(set.intersection(*items)), len(set.union(*items)))
    assert one.conclusion != findings.FEW and one.curve.height == 5


def test_two_families_are_judged_apart_and_temperatures_of_a_model_too(tmp_path):
    low, high = simulated(models=3, n=40), simulated(models=3, n=40)
    table = pl.concat([low.with_columns(family=pl.lit("a")), high.with_columns(family=pl.lit("b"), model=pl.concat_str(pl.lit("b"), "model"))])
    both = pl.concat([table, table.with_columns(temperature=pl.lit(1.0))])
    both.select("family", "model", "n_params", "item", "target", "output", "task", "temperature").write_parquet(tmp_path / "x.parquet")
    read = logs.read(tmp_path / "x.parquet")
    keys = {key[:2] for key, _ in findings.examine(read.tables, draws=20).by_task()}
    task = table["task"][0]
    assert keys == {(family, f"{task} (temperature {t})") for family in "ab" for t in ("0.0", "1.0")}


def test_answers_to_the_same_item_do_not_count_as_more_items():
    table = simulated(models=4, n=60)
    twice = pl.concat([table, table.with_columns(prompt_id=pl.lit("other"), sample=pl.lit(1, pl.Int64))])
    found = findings.examine({"text": twice.with_columns(output=pl.when(pl.col("model") == "m1").then(pl.lit("xxxx")).otherwise("output"))}, draws=50)
    one = found.each[0]
    assert one.curve["n"].to_list() == [120] * 4 and one.curve["n_items"].to_list() == [60] * 4
    assert list(one.unseen.values()) == [curves.highest_when_none(60)]
    assert "n = 120 answers to 60 items" in found.sentences()[0]


def test_a_curve_that_falls_on_its_way_up_is_named():
    table = simulated(models=6)
    down = table.with_columns(output=pl.when(pl.col("model") == "m4").then(pl.lit("xxxx")).otherwise("output"))
    for one, expected in ((table, False), (down, True)):
        read = logs.Logs({"text": one}, ())
        assert ("Up and down" in " ".join(wording.cautions(read, findings.examine(read.tables, draws=50)))) is expected


def test_the_reason_for_a_change_is_the_metrics_own():
    table = outputs.load("arithmetic-ladder").filter((pl.col("seed") == 0) & (pl.col("task") == "addition"))
    found = findings.examine({"text": table}, draws=200)
    assert found.changing()
    for _, each in found.changing():
        said = wording.why_it_changes(each)
        for one in each:
            assert metrics.get(one.metric).why.rstrip(".") in said


def test_more_items_are_those_of_a_normal_interval():
    for share, n in ((0.5, 100), (0.02, 400), (0.0, 50)):
        p = (share * n + 2) / (n + 4)
        total = n + wording.further(share, n)
        assert 1.96 * np.sqrt(p * (1 - p) / total) == pytest.approx(0.01, rel=0.01)
    assert wording.further(0.5, 10_000) == 0


def test_the_normal_interval_of_many_items_is_that_of_the_bootstrap(monkeypatch):
    table = simulated(models=3, n=1500)
    found = {}
    for least in (100, 10**9):
        monkeypatch.setattr(findings, "NORMAL", least)
        found[least] = findings.examine({"text": table}, draws=1000).each
    for quick, slow in zip(*found.values(), strict=True):
        assert quick.curve["estimate"].equals(slow.curve["estimate"])
        widths = [(one.curve["high"] - one.curve["low"]).to_numpy() for one in (quick, slow)]
        assert widths[0] == pytest.approx(widths[1], rel=0.1)
        assert (quick.curve["low"].to_numpy() == pytest.approx(slow.curve["low"].to_numpy(), abs=0.1 * widths[1].max()))


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


def test_a_cliff_is_sudden_under_accuracy_only_and_a_line_under_neither():
    sizes = 10 ** np.arange(4, 13)
    p = theory.token_probability(sizes, alpha=-0.25, c=1e7)
    cliff = theory.text_outputs(1 - p, 12, 4000)
    cliff = cliff.with_columns(n_params=pl.col("n_params").rank("dense").replace_strict(dict(enumerate(sizes.tolist(), 1)), return_dtype=pl.Int64))
    found = {one.metric: one for one in findings.examine({"text": cliff}, draws=100).each}
    assert found["exact_match"].score > found["per_token_accuracy"].score
    line = theory.text_outputs(np.linspace(0.9, 0.1, 9), 1, 4000)
    assert {one.conclusion for one in findings.examine({"text": line}, draws=100).each} == {findings.CLIMBS}


def test_blind_models_climb_under_no_metric():
    blind = theory.choice_outputs([0.5] * 7, 2, 200, spread=0.5)
    kinds = {one.conclusion for one in findings.examine({"choice": blind}, draws=100).each}
    assert findings.SUDDEN not in kinds


def test_nothing_seen_is_a_bound_and_the_items_to_resolve_are_told():
    table = simulated().with_columns(output=pl.when(pl.col("model") == "m1").then(pl.lit("xxxx")).otherwise("output"))
    found = next(one for one in findings.examine({"text": table}, draws=60).each if one.metric == "exact_match")
    zero = next(iter(found.unseen.items()), None)
    assert zero is not None and zero[1] == pytest.approx(1 - 0.05 ** (1 / 200))
    assert found.curve["needed"].drop_nulls().min() >= 1


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Path:
    """A report of logs whose names and texts try to break out."""
    folder = tmp_path_factory.mktemp("hostile")
    bad = "<script>alert(1)</script>$x_{$\u202eevil\x07\"'&"
    table = simulated(n=30).with_columns(model=pl.concat_str(pl.lit(bad), "model"), task=pl.lit("../../etc/passwd " + bad * 20))
    table = table.with_columns(output=pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("A" * 200_000)).otherwise("output"))
    read = logs.read(write(table, folder / "mine.parquet"))
    report.save(read, findings.examine(read.tables, draws=50), folder / "report.html", title=bad)
    return folder / "report.html"


@pytest.mark.fault(group="pages", tried="a name with script, quotes and a mark that turns text around; an answer of 200,000 characters", on="report of `mirage audit`", happens="no script, no request, no sideways scrolling at 320 pixels; passes axe, light and dark")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_report_of_hostile_logs_runs_nothing_and_passes_axe(chromium, hostile, theme):
    from axe_playwright_python.sync_playwright import Axe

    context = chromium.new_context(color_scheme=theme, viewport={"width": 320, "height": 640})
    page, asked = context.new_page(), []
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: asked.append("a dialog"))
    page.goto(hostile.as_uri())
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert page.locator("script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    # axe is injected past the page's own policy, which forbids every script.
    context.close()
    context = chromium.new_context(color_scheme=theme, viewport={"width": 320, "height": 640}, bypass_csp=True)
    page = context.new_page()
    page.goto(hostile.as_uri())
    assert [one["id"] for one in Axe().run(page).response["violations"]] == []
    context.close()


def test_a_report_holds_what_the_json_holds_and_weighs_little(tmp_path):
    import gzip

    table = outputs.load("arithmetic-ladder").filter(pl.col("seed") == 0)
    read = logs.Logs({"text": table}, (logs.Source("ladder", "frozen", table.height),))
    found = findings.examine(read.tables, draws=60)
    page, numbers = report.save(read, found, tmp_path / "a.html")
    text, told = page.read_text(), json.loads(numbers.read_text())
    assert all(sentence in text.replace("&#x27;", "'") for sentence in told["sentences"])
    assert len(gzip.compress(text.encode())) < 700_000
    assert text.count("<svg") == len(list(found.by_task()))
    changes = {one["task"] for one in told["conclusion_changes_with_metric"]}
    for (_, task, group), each in found.by_task():
        kinds = {one.conclusion for one in each} & findings.CHANGES
        assert (len(kinds) > 1) == any(one["task"] == task and one["group"] == group for one in told["conclusion_changes_with_metric"]), changes
    with pytest.raises(ValueError, match="does not end in .html"):
        report.save(read, found, tmp_path / "a.txt")


def test_a_changed_answer_changes_the_report():
    table = simulated()
    one = findings.examine({"text": table}, draws=50).as_dict()
    two = findings.examine({"text": table.with_columns(output=pl.lit("0000"))}, draws=50).as_dict()
    assert one["findings"][0]["conclusion"] == findings.CLIMBS
    assert two["findings"][0]["conclusion"] == findings.FLAT
