"""The annotated tasks, their metrics, and the 39 preferred metrics: against the published counts and plain Python."""

import csv
import tomllib
from collections import Counter

import pytest

from mirage_lib import outputs
from mirage_lib.bigbench import annotations
from mirage_lib.bigbench.annotations import AGGREGATE, CHOICE, EXACT, PROGRAMMATIC, TWO

AXIS_OF_FIG_5A = """accuracy, alignment_score, average, average_log_probability, avg_acc, bias_level, bleu, bleurt, bleurt_diff,
combined_bias, correct, correct_prob_mass, custom_score, difference_score, exact_str_match, f1, fairness, full,
gender_bias_score, gender_minority_bias_score, gender_minority_stereotype_score, gender_stereotype_score, log10_p_dev,
log_likelihood, macro_f1, main_words_match, mean_accuracy, multiple_choice_grade, normalized_aggregate_score,
numeric_match_with_0_1_relative_error, overall, overall gender bias, overall_alpha_avg, overall_difference,
pair-wise-accuracy, relative_score, rougeLsum, sequence_f1, targets_reached"""


def rows(name):
    with open(outputs.FROZEN / f"{name}.csv") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))


def plain():
    """Metric and membership of every annotated task, by loops over the raw files."""
    own, below = {}, {}
    for row in rows("bigbench-metrics"):
        if row["is_task"] == "true":
            own[row["task"]] = row["preferred_metric"]
        else:
            below.setdefault(row["task"].split("/")[0], []).append(row["preferred_metric"])
    found = {}
    for row in rows("wei-list"):
        task = row["task"]
        used = [own[task]] if own.get(task) else below.get(task, [])
        found[task] = (used, sum(metric in TWO for metric in used) > len(used) / 2)
    return found


def test_there_are_67_emergent_tasks_and_130_others():
    table = annotations.annotated()
    assert table["task"].is_duplicated().sum() == 0
    counts = dict(table["category"].value_counts().iter_rows())
    assert counts == {"emergent": 67, "flat": 45, "smooth": 58, "other": 27}
    assert set(counts) == set(annotations.CATEGORIES)


def test_every_task_s_metric_is_that_of_its_file_or_of_its_subtasks():
    expected = plain()
    for row in annotations.annotated().iter_rows(named=True):
        used, two = expected[row["task"]]
        assert row["two"] == two, row["task"]
        if not used:
            assert row["metric"] == row["rule"] == PROGRAMMATIC
            assert row["share_two"] is None
            continue
        assert set(row["metrics"]) == set(used)
        first, *rest = Counter(used).most_common()
        assert row["metric"] == ("mixed" if rest and rest[0][1] == first[1] else first[0])
        assert row["share_two"] == pytest.approx(sum(metric in TWO for metric in used) / len(used))


def test_the_table_agrees_with_the_marks_of_the_annotation_file():
    marks = {row["task"]: row["preferred_metric_in_pypi_bigbench"] for row in rows("wei-list")}
    for task, rule, metric in annotations.annotated().select("task", "rule", "metric").iter_rows():
        if marks[task].startswith("PROGRAMMATIC"):
            assert rule == PROGRAMMATIC
        elif marks[task].startswith("normalized_aggregate"):
            assert "subtasks" in rule
        else:
            assert (rule, metric) == ("own", marks[task])


def test_fig_5c_is_counted_again_and_differs_in_one_named_task():
    pie = {metric: (ours, published) for metric, ours, published in annotations.pie().iter_rows()}
    assert pie == {CHOICE: (51, 51), EXACT: (12, 11), AGGREGATE: (0, 3), "bleu": (2, 2), PROGRAMMATIC: (2, 0)}
    assert sum(annotations.PUBLISHED_PIE.values()) == 67
    assert annotations.disputed()["task"].to_list() == ["modified_arithmetic"]
    both = annotations.reconciled()
    assert both["ours"].to_list() == both["published"].to_list() == [51, 11, 3, 2]


def test_published_shares_of_the_pie_are_those_of_its_counts():
    shares = [round(100 * n / 67, 2) for n in annotations.PUBLISHED_PIE.values()]
    assert shares == [76.12, 16.42, 4.48, 2.99]
    assert round(100 * len(annotations.PUBLISHED_PIE) / annotations.PUBLISHED_METRICS, 2) == 10.26


def test_the_39_metrics_are_those_of_the_axis_each_with_a_reason():
    table = annotations.metrics()
    assert table["metric"].to_list() == AXIS_OF_FIG_5A.replace("\n", " ").split(", ")
    assert table.height == annotations.PUBLISHED_METRICS
    assert table["metric"].n_unique() == 39
    assert all(why.endswith(".") and len(why.split()) > 6 for why in table["why"])
    assert table["fig5b"].sum() == 4
    assert table["fig5a"].sum() == 5


def test_a_class_from_the_name_alone_claims_no_step():
    guessed = annotations.metrics().filter(basis="name")
    assert "discontinuous" not in guessed["shape"].to_list()


def test_uses_count_the_raw_file_and_the_file_based_ones_say_so():
    table = annotations.metrics()
    raw = rows("bigbench-metrics")
    for name, tasks, subtasks, basis in table.select("metric", "tasks", "subtasks", "basis").iter_rows():
        assert tasks == sum(r["preferred_metric"] == name and r["is_task"] == "true" for r in raw)
        assert subtasks == sum(r["preferred_metric"] == name and r["is_task"] == "false" for r in raw)
        assert (basis == "task files") == (tasks + subtasks > 0)
    assert {r["preferred_metric"] for r in raw} - {""} <= set(table["metric"])


def test_an_entry_with_an_unknown_shape_is_named(tmp_path, monkeypatch):
    broken = annotations.PREFERRED.read_text().replace('shape = "linear"', 'shape = "straight"')
    assert tomllib.loads(broken)
    path = tmp_path / "preferred_metrics.toml"
    path.write_text(broken)
    monkeypatch.setattr(annotations, "PREFERRED", path)
    with pytest.raises(ValueError, match="correct_prob_mass.*straight"):
        annotations.metrics.__wrapped__()
