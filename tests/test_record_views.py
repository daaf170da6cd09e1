"""Every curve of the records: what is shown of it is what the records say, and the page stays light."""

import gzip
import json
import math
import re

import numpy as np
import polars as pl
import pytest
from scipy.stats import binomtest

from mirage_lib import emergence
from mirage_lib.bigbench import records
from mirage_lib.show import record_views, sparks


@pytest.fixture(scope="module")
def shown():
    return record_views.collect(draws=200, redraws=100)


def payload(page: str) -> dict:
    """The data of an explorer; fails on NaN and Infinity, which a browser does not read."""

    def refuse(name):
        raise AssertionError(f"{name} is no JSON")

    text = re.search(r'<script type="application/json">(.*?)</script>', page, re.S)[1]
    return json.loads(text.replace("<\\/", "</"), parse_constant=refuse)


def decoded(columns: dict) -> dict[str, list]:
    return {
        name: [column["is"][k] for k in column["at"]] if isinstance(column, dict) else column
        for name, column in columns.items()
    }


def test_points_are_the_records_and_their_wilson_intervals(shown):
    fact = shown.facts.row(
        by_predicate=(pl.col("task") == "word_sorting") & (pl.col("metric") == "exact_str_match"), named=True
    )
    points = shown.points.filter(pl.col("curve") == fact["curve"])
    table = records.load("bigg").filter(pl.col("task") == "word_sorting", pl.col("metric") == "exact_str_match")
    assert points["estimate"].to_list() == table.sort("n_params")["score"].to_list()
    for row, n in zip(points.iter_rows(named=True), table.sort("n_params")["n_items"], strict=True):
        truth = binomtest(round(row["estimate"] * n), n).proportion_ci(method="wilson")
        assert (row["low"], row["high"]) == pytest.approx((truth.low, truth.high), abs=1e-9)


def test_an_error_keeps_its_sign_and_is_scored_turned_round(shown):
    fact = shown.facts.filter((pl.col("records") == "choice") & (pl.col("metric") == "brier")).row(0, named=True)
    points = shown.points.filter(pl.col("curve") == fact["curve"])
    assert (points["estimate"] > 0).all()
    assert (points["low"] <= points["estimate"]).all()
    assert fact["lowest"] == points["estimate"].min()
    y = -points["estimate"].to_numpy()
    sign = 1 if y.argmax() > y.argmin() else -1
    by_hand = sign * (y.max() - y.min()) / math.sqrt(np.median(np.diff(y) ** 2))
    assert fact["score"] == pytest.approx(by_hand)


def test_where_the_noise_is_not_known_there_is_neither_band_nor_null(shown):
    unknown = shown.facts.filter(pl.col("noise") == "")
    assert set(unknown["records"]) == {"few-shot", "lm-eval", "olmo", "open-lm"}
    for name in ("null_high", "exceedance", "score_low", "score_high"):
        assert unknown[name].null_count() == unknown.height
    assert shown.points.join(unknown, on="curve", how="semi")["low"].null_count() > 0
    known = shown.facts.filter(pl.col("noise") != "")
    assert known["exceedance"].null_count() == 0
    assert set(known.filter(pl.col("metric").str.starts_with("brier"))["noise"]) == {"bound"}


def test_the_top_label_score_is_shown_only_where_it_is_not_the_same_curve_again(shown):
    """For most answers that are no choices, it is one less the share of right answers."""
    table = records.load("bigg").pivot(on="metric", index=["task", "n_params"], values="score")
    written = table.filter(pl.col("exact_str_match").is_not_null())
    gap = written.with_columns(gap=(1 - pl.col("exact_str_match") - pl.col("brier_top_label")).abs())
    twice = gap.group_by("task").agg(pl.col("gap").max()).filter(pl.col("gap") < 1e-9)
    assert twice.height > written["task"].n_unique() / 2
    listed = shown.facts.filter(pl.col("metric") == "brier_top_label")["task"]
    assert not set(listed) & set(written["task"])
    assert listed.len() == table.filter(pl.col("multiple_choice_grade").is_not_null())["task"].n_unique()


def test_scores_of_a_curve_drawn_again_are_its_own_without_noise_and_spread_with_it():
    sizes, values = [1, 10, 100, 1000], [0.1, 0.2, 0.25, 0.9]
    still = emergence.redrawn_scores(sizes, values, [0] * 4, draws=3)
    assert still == pytest.approx([emergence.score(sizes, values)] * 3)
    many = emergence.redrawn_scores(sizes, values, [0] * 4, draws=500, items=1_000_000)
    assert np.median(many) == pytest.approx(emergence.score(sizes, values), rel=0.01)
    few = emergence.redrawn_scores(sizes, values, [0] * 4, draws=500, items=20)
    spread = [np.subtract(*np.quantile(scores, [0.75, 0.25], method="lower")) for scores in (few, many)]
    assert spread[0] > 10 * spread[1]
    with pytest.raises(ValueError, match="3 standard errors for 4 values"):
        emergence.redrawn_scores(sizes, values, [0.1] * 3)


def test_the_page_holds_all_curves_in_strict_json_and_is_light(shown):
    start = record_views.striking(shown.facts)["sharpest"]
    page = record_views.explorer(shown, start)._repr_html_()
    data = payload(page)
    facts, rows = decoded(data["facts"]), decoded(data["rows"])
    assert facts["task"] == shown.facts["task"].to_list()
    assert rows["n_params"] == shown.points["n_params"].to_list()
    assert rows["estimate"] == pytest.approx(shown.points["estimate"].to_list(), rel=1e-3)
    assert "inf" in facts["score"]
    for control in data["controls"][:5]:
        offered = [str(option["value"]) for option in control["options"]]
        assert set(offered) == {str(value) for value in facts[control["field"]]}
        assert control["value"] in offered
    table = sparks.CurveTable(shown, sparks.listed(shown.facts), "Every task")._repr_html_()
    assert len(gzip.compress((page + table).encode())) < 250_000


def test_every_task_is_listed_and_every_row_leads_to_its_own_curve(shown):
    listed = sparks.listed(shown.facts)
    assert set(listed["task"]) == set(shown.facts["task"])
    page = sparks.CurveTable(shown, listed, "Every task")._repr_html_()
    links = re.findall(r'href="([^"]+)"', page)
    assert len(set(links)) == len(links) == listed.height
    assert page.count("<tr>") == listed.height + 1
    assert len({record_views.address(fact) for fact in shown.facts.iter_rows(named=True)}) == shown.facts.height


def test_a_spark_rises_where_the_curve_is_better_and_is_flat_where_nothing_changes():
    heights = [int(y) for y in re.findall(r",(\d+)", sparks.spark([1, 10, 100], [0.3, 0.2, 0.4]))]
    assert heights[2] < heights[0] < heights[1]
    assert len(set(re.findall(r",(\d+)", sparks.spark([1, 10], [0.5, 0.5])))) == 1


def test_the_five_examples_are_what_they_are_called(shown):
    chosen = record_views.striking(shown.facts)
    assert set(chosen) == {"sharpest", "infinite", "alarm", "ordinary", "falling"}
    assert all(fact["noise"] == "binomial" for fact in chosen.values())
    assert chosen["sharpest"]["above"] and math.isfinite(chosen["sharpest"]["score"])
    assert math.isinf(chosen["infinite"]["score"])
    assert chosen["alarm"]["above"]
    assert chosen["alarm"]["span"] < chosen["ordinary"]["span"]
    assert chosen["ordinary"]["exceedance"] > 0.5
    assert chosen["falling"]["score"] < 0


def test_alarms_count_only_curves_with_a_null(shown):
    table = record_views.alarms(shown.facts)
    known = shown.facts.filter(pl.col("exceedance").is_not_null())
    assert table["curves"].sum() == known.height
    assert table["above"].sum() == (known["exceedance"] < 0.05).sum()
    assert table["by chance"].sum() == pytest.approx(0.05 * known.height)
