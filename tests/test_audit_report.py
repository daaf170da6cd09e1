"""Reports of an audit: they say what the JSON says, run nothing, weigh little and are within everybody's reach."""

from __future__ import annotations

import gzip
import html
import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from axe_playwright_python.sync_playwright import Axe

from mirage_lib import cli, forecasting, outputs
from mirage_lib.audit import findings, logs, report
from tests import test_reach as reach
from tests.sample_logs import HARNESS, LOGS, SIZES, lines, simulated, write

WEIGHT = 700_000
"""Bytes that a page may have, compressed as a server sends it: those of a chapter."""


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
    table = outputs.load("arithmetic-ladder").filter(pl.col("seed") == 0)
    read = logs.Logs({"text": table}, (logs.Source("ladder", "frozen", table.height),))
    found = findings.examine(read.tables, draws=60)
    page, numbers = report.save(read, found, tmp_path / "a.html")
    text, told = page.read_text(), json.loads(numbers.read_text())
    assert all(sentence in text.replace("&#x27;", "'") for sentence in told["sentences"])
    assert len(gzip.compress(text.encode())) < WEIGHT
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


@pytest.fixture(scope="module")
def reports(tmp_path_factory) -> dict[str, Path]:
    """The report that ``--demo`` writes, and one of real logs of lm-evaluation-harness."""
    folder = tmp_path_factory.mktemp("reports")
    pages = {name: folder / f"{name}.html" for name in ("demo", "harness")}
    sizes = [f"{name}={size}" for name, size in SIZES.items()]
    assert cli.main(["audit", "--demo", "--out", str(pages["demo"])]) == 0
    assert cli.main(["audit", str(LOGS / "harness"), "--size", *sizes, "--out", str(pages["harness"])]) == 0
    return pages


@pytest.mark.parametrize("name", ["demo", "harness"])
def test_a_report_asks_for_nothing_and_weighs_no_more_than_a_chapter(chromium, reports, name):
    context = chromium.new_context()
    page, sent = context.new_page(), []
    page.on("request", lambda request: sent.append(request.url))
    page.goto(reports[name].as_uri())
    context.close()
    assert sent == [reports[name].as_uri()]
    text = reports[name].read_text()
    assert "<script" not in text and "<link" not in text.replace('<link rel="icon" href="data:,">', "")
    assert len(gzip.compress(text.encode())) < WEIGHT


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["demo", "harness"])
def test_a_report_is_within_reach_of_everybody_as_a_page_of_the_book_is(chromium, reports, name, theme):
    # The page's own policy forbids every script, axe's too.
    context = chromium.new_context(color_scheme=theme, viewport=reach.DESK, reduced_motion="reduce", bypass_csp=True)
    page = context.new_page()
    page.goto(reports[name].as_uri())
    faults = reach.out_of_the_keyboards_reach(page) + reach.moving(page)
    page.evaluate(reach.OPENED, "details")
    for size in (reach.DESK, reach.ENLARGED, reach.PHONE):
        page.set_viewport_size(size)
        faults += reach.sticking_out(page, f"at {size['width']} pixels")
    faults += reach.sticking_out_with_wide_spacing(page)
    page.evaluate(reach.THINNED)
    for size in (reach.PHONE, reach.DESK):
        page.set_viewport_size(size)
        faults += reach.found_by_axe(page, reach.RULES, f"{theme}, {size['width']} pixels")
    context.close()
    assert not faults, "\n".join(faults)


def test_a_report_forecasts_as_the_library_does_and_tells_the_record(reports):
    text = reports["demo"].read_text()
    told = json.loads(reports["demo"].with_suffix(".json").read_text())
    for one in told["findings"]:
        ahead, curve = one["outlook"], one["curve"]
        sign = -1 if one["better"] == "lower" else 1
        values = [sign * row["estimate"] for row in curve]
        errors = [(row["high"] - row["low"]) / 3.92 for row in curve]
        counts = [row["n_items"] for row in curve] if one["metric"] == "exact_match" else None
        ends = (float("-inf"), 0.0) if one["metric"] == "token_edit_distance" else (0.0, 1.0)
        sizes = [row["n_params"] for row in curve]
        expected = forecasting.foresee(sizes, values, errors, counts, low=ends[0], high=ends[1])
        assert [ahead[name] for name in ("low", "value", "high")] == pytest.approx(sorted(sign * v for v in (expected.low, expected.value, expected.high)))
        assert ahead["size"] == round(expected.size) and ahead["method"] == expected.method
        assert html.escape(expected.record.sentence()) in text
    ahead = [one["outlook"] for one in told["findings"]]
    held = sum(one["tried_low"] - 1e-9 <= one["observed"] <= one["tried_high"] + 1e-9 for one in ahead)
    assert f"held it in {held} of {len(ahead)} curves" in text
    assert all("90 % interval" in sentence and "tasks of" in sentence for sentence in told["sentences"])


def test_two_models_get_no_forecast(reports):
    told = json.loads(reports["harness"].with_suffix(".json").read_text())
    assert [one["outlook"] for one in told["findings"]] == [None] * len(told["findings"])
    assert "forecast" not in reports["harness"].read_text().lower()
