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

from mirage_lib import curves, outputs, theory
from mirage_lib.audit import findings, logs, report
from mirage_lib.audit.rows import LogsError, shares

LOGS = Path(__file__).parent / "logs"
SIZES = {"width4": 1376, "width12": 8736}
CHAT = {f"chat-{name}": size for name, size in SIZES.items()}
HARNESS = sorted((LOGS / "harness").rglob("*.jsonl"))


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def simulated(models: int = 6, n: int = 200, length: int = 4) -> pl.DataFrame:
    table = theory.text_outputs(np.linspace(0.7, 0.05, models), length, n)
    return table.with_columns(model=pl.format("m{}", "n_params"), n_params=10 ** (pl.col("n_params") + 5))


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


def test_a_repeated_answer_is_kept_once_and_missing_ones_are_counted(tmp_path):
    table = simulated(n=20)
    twice = pl.concat([table, table.head(7), table.head(2).with_columns(output=pl.lit(None, pl.String))])
    read = logs.read(write(twice, tmp_path / "mine.parquet"))
    assert read.rows == table.height
    assert {one.reason: one.rows for one in read.left} == {logs.TWICE: 7}
    assert {one.reason: one.rows for one in read.sources[0].left} == {"the output is missing": 2}


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
