"""Figures and table of sharpness and forecasts: what they say in words comes from the numbers."""

import math

import polars as pl
import pytest

from mirage_lib import theory
from mirage_lib.analyses import evidence
from mirage_lib.show import forecast_views


@pytest.fixture(scope="module")
def report():
    """Both operations of a made-up family beside the published points."""
    said = theory.text_outputs([0.9, 0.8, 0.6, 0.3, 0.1], length=3, n=100)
    both = pl.concat([said.with_columns(task=pl.lit(task)) for task in ("addition", "multiplication")])
    return evidence.report(both, draws=400)


def test_the_scores_in_words_are_those_of_the_table(report):
    figure = forecast_views.emergence_scores(report)
    ladder = figure.table.filter((pl.col("source") == "ladder") & (pl.col("metric") == "exact_match"))
    ends = [forecast_views._number(end) for end in (ladder["score"].min(), ladder["score"].max())]
    assert f"our ladder, Accuracy (exact match): {ends[0]} to {ends[1]}" in figure.alt
    assert len(figure.svg) < 80_000


def test_an_interval_without_upper_end_is_said_and_drawn(report):
    figure = forecast_views.emergence_scores(report)
    assert math.isinf(figure.table["high"].max()) and "an interval is infinite" in figure.alt


def test_wins_over_the_naive_forecast_are_counted(report):
    figure = forecast_views.forecast_errors(report)
    gpt3 = figure.table.filter((pl.col("source") == "GPT-3") & (pl.col("metric") == "token_edit_distance"))
    wins = (gpt3["miss"] < gpt3["naive"]).sum()
    assert f"GPT-3, as digitised, Token edit distance: {wins} of 9" in figure.alt
    assert len(figure.svg) < 80_000


def test_curves_without_a_forecast_are_left_out_of_the_figure_and_kept_in_the_table():
    report = evidence.report(draws=30, held=1).with_columns(
        miss=pl.when(pl.col("group") > 1).then("miss").otherwise(None)
    )
    assert forecast_views.forecast_errors(report).table["group"].min() == 2
    assert forecast_views.table(report).table.height == 18


def test_the_table_writes_estimates_with_their_intervals(report):
    table = forecast_views.table(report, temperature=1).table
    assert set(table["source"]) == {"GPT-3, as digitised"} and table.height == 18
    row = report.filter((pl.col("temperature") == 1) & (pl.col("source") == "GPT-3")).row(0, named=True)
    assert table["score (95 %)"][0] == f"{row['score']:.1f} ({row['low']:.1f} to {row['high']:.1f})"
