"""Findings of an audit: curves are those of the library, and what is concluded of them is what was put in."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from mirage_lib import curves, metrics, outputs, theory
from mirage_lib.audit import findings, logs, wording
from tests.sample_logs import simulated, write


@pytest.mark.parametrize("ending", [".csv", ".parquet", ".jsonl"])
def test_a_plain_table_gives_the_same_curves_as_the_library(tmp_path, ending):
    table = simulated()
    read = logs.read(write(table, tmp_path / f"mine{ending}"))
    found = findings.examine(read.tables, draws=60)
    for one in found.each:
        expected = curves.curve(table, one.metric, draws=60).sort("n_params")
        assert one.curve["estimate"].to_list() == pytest.approx(expected["estimate"].to_list())
        assert one.curve["n"].to_list() == expected["n"].to_list()


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
