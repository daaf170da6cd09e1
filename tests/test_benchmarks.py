"""Benchmarks: what they hand over is kept, judged against budgets, and shown; nothing is timed here."""

import json
import sys

import pytest

from benchmarks import __main__ as bench
from benchmarks import growth, results, results_page, subsets
from benchmarks.results import Growth, Measured, Row

STAMP = {"date": "2026-01-01", "revision": "abc", "versions": {"Python": "3"}, "machine": "2 cores", "load": None}


def test_a_new_run_of_one_benchmark_leaves_the_older_stamp_of_another(tmp_path):
    results.save({"old": Measured([Row("a thing", 2.0, other="another", theirs=6.0)], [], STAMP)}, tmp_path)
    assert results.finish("new", [Row("b", 1.0)], write=True, folder=tmp_path) == 0
    kept = json.loads((tmp_path / "results.json").read_text())
    assert kept["old"]["stamp"] == STAMP and kept["old"]["rows"][0]["ratio"] == 3
    assert set(kept) == {"old", "new"} and kept["new"]["stamp"] != STAMP
    page = (tmp_path / "results.md").read_text()
    assert "2026-01-01" in page and "| a thing |" in page and "| b |" in page


@pytest.mark.parametrize(
    ("row", "status"),
    [
        (Row("a", 2.0, other="b", theirs=6.0, least=3), 0), (Row("a", 2.0, other="b", theirs=5.9, least=3), 1),
        (Row("a", 2.0, most=2), 0), (Row("a", 2.1, most=2), 1), (Row("a", None, other="b", least=3, note="absent"), 0),
    ],
)  # fmt: skip
def test_the_exit_status_tells_a_missed_budget(row, status, tmp_path):
    assert results.finish("one", [row], folder=tmp_path) == status
    assert not (tmp_path / "results.json").exists(), "nothing is written unless asked"


@pytest.mark.parametrize(("fixed", "exponent"), [(0, 1), (5, 1), (3, 2), (10, 0.5)])
def test_the_fit_finds_the_exponent_and_the_fixed_cost_that_made_the_costs(fixed, exponent):
    points = [(size, fixed + 0.01 * size**exponent) for size in (10, 30, 100, 300, 1000, 3000, 10_000)]
    found = results.power(points)
    assert found == pytest.approx((fixed, exponent), abs=0.01 * max(1, fixed))
    low, high = results.spread(points)
    assert low <= found[1] <= high
    assert Growth("a", "rows", points, most=exponent - 0.1).missed and not Growth("a", "rows", points, most=exponent + 0.1).missed


@pytest.fixture
def command(tmp_path):
    """Benchmarks that note that they ran, and end as their names say."""

    def made(name):
        return [sys.executable, "-c", f"open({str(tmp_path / name)!r}, 'a').write('x'); raise SystemExit({name.split('-')[-1]})"]

    return made


def test_one_missed_budget_stops_no_other_benchmark_and_is_reported(tmp_path, command):
    assert bench.run(["a-0", "b-1", "c-0"], command, tmp_path / "done.json") == {"a-0": 0, "b-1": 1, "c-0": 0}
    assert not (tmp_path / "done.json").exists()


@pytest.mark.parametrize(("code", "runs"), [("same", "x"), ("other", "xx")])
def test_an_interrupted_run_goes_on_where_it_was_unless_the_code_changed(code, runs, tmp_path, command):
    def stopped(name):
        if name == "b-0":
            raise KeyboardInterrupt
        return command(name)

    with pytest.raises(KeyboardInterrupt):
        bench.run(["a-0", "b-0"], stopped, tmp_path / "done.json", "same")
    assert bench.run(["a-0", "b-0"], command, tmp_path / "done.json", code) == {"a-0": 0, "b-0": 0}
    assert (tmp_path / "a-0").read_text() == runs and (tmp_path / "b-0").read_text() == "x"


def test_every_benchmark_that_is_named_is_there():
    assert all((bench.results.HERE / f"{name}.py").is_file() for name in bench.NAMES)


def test_made_outputs_have_a_row_for_every_model_and_item():
    made = growth.asked(3, 5)
    assert made.height == 15 and made.select("model", "item").n_unique() == 15
    assert made["target"].str.len_chars().to_list() == [4] * 15


def test_enumerating_subsets_counts_those_that_are_all_right():
    import numpy as np

    assert subsets.enumerated(np.array([True, True, False]), 2) == pytest.approx(1 / 3)
