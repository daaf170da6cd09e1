"""More test data: chance, counting, and what counts as smooth, each against an independent truth."""

from collections import Counter

import numpy as np
import polars as pl
import pytest

from mirage_lib import claims, curves, outputs, stamps, theory
from mirage_lib.arithmetic import problems
from mirage_lib.claims import more_data
from mirage_lib.show import public_views, resolution_views


def test_the_commonest_answer_is_that_of_counting_pairs_one_by_one():
    small = problems.Operation("addition", "+", 60, (1, 2, 3))
    table = problems.Operation("multiplication", "*", 40, (1, 2, 3, 4))
    for op in (small, table):
        answers = [int(op.answer(np.int64(a), np.int64(b))) for a in range(op.below) for b in range(op.below)]
        for length in op.lengths:
            these = Counter(x for x in answers if len(str(x)) == length)
            expected = max(these.values()) / sum(these.values())
            assert more_data.chance(op, length)["commonest"] == pytest.approx(expected)


def test_a_guess_of_the_right_length_is_one_of_all_numbers_with_so_many_digits():
    for length, numbers in ((1, 10), (2, 90), (4, 9000)):
        assert more_data.chance(problems.MULTIPLICATION, length)["right length"] == pytest.approx(1 / numbers)


def test_naming_the_commonest_answer_is_right_as_often_as_chance_says():
    a, b = problems.sample_pairs(problems.ADDITION, np.full(200_000, 5), np.random.default_rng(0), held_out=True)
    share = np.mean(a + b == 10_000)
    expected = more_data.chance(problems.ADDITION, 5)["commonest"]
    assert abs(share - expected) < 4 * np.sqrt(expected / 200_000)


def made_outputs(right: list[bool], items: list[str], n_params: int = 1000) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "family": "made", "model": "one", "n_params": n_params, "seed": 0, "task": "addition",
            "item": items, "group": 5, "temperature": 0.0, "sample": 0,
            "prompt_id": [str(k) for k in range(len(items))], "target": "10000",
            "output": ["10000" if hit else "1" for hit in right], "finish_reason": "stop",
        }
    )  # fmt: skip


def test_only_the_first_answer_to_each_problem_and_only_greedy_ones_count():
    table = made_outputs([True, False, False, True], ["a", "a", "b", "c"])
    hot = made_outputs([True] * 4, list("wxyz")).with_columns(temperature=pl.lit(1.0))
    counted = more_data.counts(pl.concat([table, hot]), (2, 0))
    assert counted.select("items", "n", "right").rows() == [(0, 3, 2), (2, 2, 1)]


def test_intervals_of_counts_are_wilsons_and_zero_gets_the_exact_bound():
    some = more_data.counts(made_outputs([True] * 3 + [False] * 97, [str(k) for k in range(100)]))
    assert some.select("low", "high").row(0) == pytest.approx(curves.wilson(3, 100))
    none = more_data.counts(made_outputs([False] * 100, [str(k) for k in range(100)]))
    assert none.row(0, named=True)["high"] == pytest.approx(1 - 0.05 ** (1 / 100))


def test_more_items_are_the_same_answers_and_more_of_them():
    ladder = outputs.load("arithmetic-ladder")
    counted = more_data.counts(ladder.filter(pl.col("group") == 4), (100, 300, 0))
    for _, part in counted.group_by("task", "n_params", "seed"):
        part = part.filter(pl.col("items") > 0).sort("items")
        assert part["right"].is_sorted() and part["n"].is_sorted()
    whole = ladder.filter((pl.col("group") == 4) & (pl.col("task") == "addition"))
    right = whole.group_by("n_params", "seed").agg(k=(pl.col("target") == pl.col("output")).sum()).sort("n_params", "seed")
    full = counted.filter((pl.col("items") == 0) & (pl.col("task") == "addition")).sort("n_params", "seed")
    assert whole.select("n_params", "seed", "item").is_unique().all() and full["right"].to_list() == right["k"].to_list()


def test_a_theoretical_curve_is_smooth_at_every_sampling_error():
    sizes = np.logspace(8, 11, 13)
    truth = theory.accuracy(theory.token_probability(sizes), 5)
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(50):
        ends = [curves.wilson(int(k), 100_000) for k in rng.binomial(100_000, truth)]
        found = more_data.breaks(pl.DataFrame({"n_params": sizes, "low": [e[0] for e in ends], "high": [e[1] for e in ends]}))
        wrong += len(found["breaks"]) + len(found["falls"])
    assert wrong == 0


def test_a_leap_and_a_fall_are_found():
    def curve(values):
        low, high = zip(*(curves.wilson(k, 10_000) for k in values), strict=True)
        return pl.DataFrame({"n_params": 2.0 ** np.arange(len(values)), "low": low, "high": high})

    assert more_data.breaks(curve([10, 12, 14, 9000, 9500]))["breaks"] == [4.0, 8.0]
    assert more_data.breaks(curve([10, 400, 20, 800]))["falls"] == [4.0]
    # A leap from nothing is one too where the zero was measured well enough.
    leap = more_data.breaks(curve([0, 0, 0, 9000, 9500]))
    assert leap["breaks"] == [8.0] and leap["judged"] == []


def test_the_finest_record_has_one_row_a_run_and_the_most_problems_there_are():
    table = more_data.finest()
    assert not table.select(more_data.RUN).is_duplicated().any()
    ladder = more_data.counts(outputs.load("arithmetic-ladder"))
    both = table.join(ladder, on=more_data.RUN, suffix="_ladder")
    assert both.height == table.height or f"{more_data.MANY}.parquet" in outputs.manifest()
    assert (both["n"] >= both["n_ladder"]).all()
    assert set(table["n_params"]) == set(ladder["n_params"])


def test_small_rungs_come_from_the_many_problems_and_the_others_from_the_ladder(tmp_path):
    def frozen(sizes, n, right, seeds):
        items = [str(k) for k in range(n)]
        parts = [
            made_outputs([k < right for k in range(n)], items, size).with_columns(seed=pl.lit(seed), group=pl.lit(length))
            for size in sizes for seed in seeds for length in (3, 5)
        ]  # fmt: skip
        return pl.concat(parts)

    stamp = stamps.stamp(command="test", device="cpu", seeds=[0, 1, 2], origin="ours", licence="MIT")
    outputs.save(frozen((1000, 2000, 3000), 50, 10, (0, 1, 2)), "arithmetic-ladder", "text", stamp, tmp_path)
    assert more_data.by_items(tmp_path).filter(pl.col("items") == 0)["n"].unique().to_list() == [50]
    outputs.save(frozen((1000, 2000), 300, 7, (0, 1)), more_data.MANY, "text", stamp, tmp_path)
    more_data.by_items.cache_clear()
    table = more_data.by_items(tmp_path)
    whole = table.filter(pl.col("items") == 0)
    assert set(whole["seed"]) == {0, 1} and set(whole["group"]) == {5}
    assert dict(whole.select("n_params", "n").iter_rows()) == {1000: 300, 2000: 300, 3000: 50}
    few = table.filter(pl.col("items") == 100)
    assert dict(few.select("n_params", "n").iter_rows()) == {1000: 100, 2000: 100, 3000: 50}
    more_data.by_items.cache_clear()


def test_published_points_are_compared_at_both_temperatures():
    table = more_data.published_lowest()
    assert set(table["temperature"]) == {0.0, 1.0} and table["params"].n_unique() == 4
    assert not table.select("task", "target_str_len", "temperature", "params").is_duplicated().any()
    assert table.filter(pl.col("params") == 175_000_000_000)["above"].all()


@pytest.mark.parametrize("name", ["more-data-above-chance", "more-data-smooth"])
def test_the_verdict_follows_the_rule_of_the_ledger(name):
    verdict = claims.get(name).judge()
    if name == "more-data-above-chance":
        ours, theirs = more_data.above_chance(more_data.finest()), more_data.published_lowest()
        shares = [ours["above right length"].mean(), theirs["above"].mean()]
        assert (verdict.verdict == "upheld") == (min(shares) == 1)
        assert (verdict.verdict == "not upheld") == (min(shares) < 0.75)
    else:
        found = more_data.smoothness().with_columns(bad=pl.col("breaks") + pl.col("falls"))
        bad = dict(found.group_by("source").agg(pl.col("bad").sum()).iter_rows())
        judged = dict(found.group_by("source").agg(pl.col("judged").sum()).iter_rows())
        assert (verdict.verdict == "upheld") == (sum(bad.values()) == 0)
        many = any(bad[s] > judged[s] / 10 for s in bad) and min(bad.values()) > 0
        assert (verdict.verdict == "not upheld") == many


# The figures


def test_the_items_explorer_offers_no_empty_choice_and_no_number_twice():
    table = more_data.by_items()
    steps = resolution_views.item_steps(more_data.finest()["n"].max())
    explorer = resolution_views.items_explorer(table.filter(pl.col("items").is_in(steps)))
    fields = {control.field: [option["value"] for option in control.options] for control in explorer.controls if control.field}
    for cell in fields["cell"]:
        for items in fields["items"]:
            some = explorer.rows.filter((pl.col("cell") == cell) & (pl.col("items") == items))
            assert some.height and not some.select("run", "n_params").is_duplicated().any()
    assert set(fields["run"]) == {"all", *explorer.rows["run"]}


def test_alternative_texts_count_zeros_and_fallen_points_as_the_tables_do():
    table = more_data.by_items().filter(pl.col("items").is_in([100, 0]))
    part = table.filter((pl.col("task") == "addition") & (pl.col("group") == 5))
    figure = resolution_views.items_figure(part)
    for items in (100, 0):
        rows = part.filter(pl.col("items") == items)
        assert f"{(rows['right'] == 0).sum()} of {rows.height} runs have none right" in figure.alt
    published = resolution_views.published_figure()
    assert published.table.filter(~pl.col("above")).height == published.alt.count(" against ")


@pytest.mark.parametrize("task, below", [("2-digit multiplication", 100), ("2-digit addition", 100)])
def test_the_constant_answer_of_a_public_task_is_that_of_counting_all_pairs(task, below):
    pairs = [(a, b) for a in range(below) for b in range(below)]
    answers = Counter(a * b if "multiplication" in task else a + b for a, b in pairs)
    assert public_views.commonest_guess(task) == pytest.approx(max(answers.values()) / below**2)


def test_falls_are_neighbours_of_one_family_with_intervals_apart():
    table = public_views.accuracies()
    found = set(public_views.falls(table).select("task", "family", "larger").iter_rows())
    expected = set()
    for (task, family), part in table.filter("line").group_by("task", "family"):
        rows = part.sort("n_params").to_dicts()
        expected |= {(task, family, b["n_params"]) for a, b in zip(rows, rows[1:]) if b["high"] < a["low"]}
    assert found == expected and found


def test_figures_of_public_models_say_their_numbers_and_leave_mixtures_out():
    for figure in (public_views.public_figure(), public_views.public_log_figure()):
        assert not figure.table["model"].str.contains("Mixtral|DeepSeek|Jamba").any()
        assert f"{figure.table['model'].n_unique()} public models" in figure.alt
        assert len(figure.svg) < 110_000


def test_every_training_length_of_the_explorer_has_every_size_of_both_tasks():
    rows = public_views.training_explorer().rows
    cells = rows.group_by("task", "tokens").agg(pl.col("n_params").n_unique())
    assert cells.height == 2 * len(public_views.TOKENS) and (cells["n_params"] == 9).all()
    assert rows.filter((pl.col("estimate") == 0) & (pl.col("high") <= 0)).is_empty()
