"""Results and logs of the evaluation harness, old and new, become records and outputs."""

import json
import math
import statistics
from pathlib import Path

import numpy as np
import pytest

from mirage_lib import curves
from mirage_lib.bigbench import harness
from mirage_lib.bigbench.records import RecordsError
from tests.test_readers import read


OLD = {
    "results": {
        "puzzles": {"acc": 0.25, "acc_stderr": 0.01, "acc_norm": 0.5, "acc_norm_stderr": 0.02},
        "texts": {"ppl": 101.5, "ppl_stderr": 4.5},
    },
    "versions": {"puzzles": 0, "texts": 0},
    "config": {"model": "hf-causal", "model_args": "pretrained=someone/made-1.5b,dtype=float16", "num_fewshot": 5},
}
NEW = {
    "results": {
        "puzzles": {
            "alias": "puzzles", "acc,none": 0.25, "acc_stderr,none": 0.01, "acc_norm,none": 0.5,
            "acc_norm_stderr,none": "N/A",
        },
        "sums": {
            "alias": " - sums", "exact_match,strict-match": 0.1, "exact_match_stderr,strict-match": 0.02,
            "exact_match,flexible-extract": 0.2,
        },
    },
    "group_subtasks": {}, "configs": {"puzzles": {"num_fewshot": 3}}, "versions": {"puzzles": 1.0},
    "n-shot": {"puzzles": 3, "sums": 8}, "higher_is_better": {},
    "n-samples": {"puzzles": {"original": 400, "effective": 400}, "sums": {"original": 1300, "effective": 100}},
    "config": {"model": "hf", "model_args": "pretrained=someone/made-1.5b", "model_num_parameters": 1_540_000_000},
    "model_name": "someone/made-1.5b", "model_name_sanitized": "someone__made-1.5b",
}  # fmt: skip


def test_old_results_of_the_harness(tmp_path):
    path = tmp_path / "made-results.json"
    path.write_text(json.dumps(OLD))
    table = read(path).records
    assert table.select("task", "metric", "score", "stderr").rows() == [
        ("puzzles", "accuracy", 0.25, 0.01), ("puzzles", "accuracy_normalized", 0.5, 0.02), ("texts", "perplexity", 101.5, 4.5),
    ]  # fmt: skip
    assert table.select("family", "model", "n_params", "shots", "origin").unique().rows() == [
        ("made", "someone/made-1.5b", 1_500_000_000, 5, "harness")
    ]


def test_new_results_of_the_harness(tmp_path):
    path = tmp_path / "results_2026-01-01T00-00-00.json"
    path.write_text(json.dumps(NEW))
    table = read(tmp_path).records
    assert table.select("task", "metric", "score", "stderr", "shots", "n_items", "setting").rows() == [
        ("puzzles", "accuracy", 0.25, 0.01, 3, 400, ""),
        ("puzzles", "accuracy_normalized", 0.5, None, 3, 400, ""),
        ("sums", "exact_match", 0.1, 0.02, 8, 100, "strict-match"),
        ("sums", "exact_match", 0.2, None, 8, 100, "flexible-extract"),
    ]
    assert table["n_params"].unique().to_list() == [1_540_000_000]


@pytest.mark.parametrize(
    "change, reason",
    [
        ({"results": {"puzzles": {"acc,none": "NaN"}}}, "score 'NaN' of task 'puzzles' under 'acc'"),
        ({"results": {"puzzles": {"acc,none": 55.0}}}, "is it a percentage"),
        ({"results": {"puzzles": {"alias": "puzzles"}}}, "no task has a metric"),
        ({"results": {}}, "it holds no scores"),
        ({"results": {"puzzles": 0.5}}, "its fields are not those of this format"),
        ({"model_name": None, "config": {}}, "it does not say which model this is"),
        ({"model_name": "someone/large", "config": {}}, "no size is in the name of model 'someone/large'"),
    ],
)
def test_broken_results_of_the_harness_say_why(tmp_path, change, reason):
    path = tmp_path / "results_1.json"
    path.write_text(json.dumps(NEW | change))
    with pytest.raises(RecordsError, match=r"results_1.json") as error:
        read(path)
    assert reason in str(error.value)


def test_where_the_harness_did_not_know_the_size_it_is_taken_from_the_name(tmp_path):
    path = tmp_path / "results_1.json"
    path.write_text(json.dumps(NEW | {"config": {"model_num_parameters": -1}}))
    assert read(path).records["n_params"].unique().to_list() == [1_500_000_000]


def test_a_model_without_a_name_can_be_named(tmp_path):
    path = tmp_path / "results_1.json"
    path.write_text(json.dumps(OLD | {"config": {"model": "neox", "model_args": {"rank": 0}}}))
    table = read(path, model="mine/tiny", n_params="19m").records
    assert table.select("family", "n_params").unique().rows() == [("tiny", 19_000_000)]


LOG = [  # log-likelihoods, target, the choices' texts
    ([-1.0, -2.0, -3.0], 0, ["red", "blue", "green"]),
    ([-4.5, -0.5], 0, ["yes", "no"]),
    ([-2.0, -2.5, -1.0, -7.0], 2, ["a", "b", "c", "d"]),
]


def sample(number, nats, target, choices, form):
    line = {"doc_id": number, "doc": {"question": "made up"}, "acc": float(int(np.argmax(nats)) == target)}
    pairs = [["Q", f" {choice}"] for choice in choices]
    if form == "numbers":
        resps = [[nat, False] for nat in nats]
        return line | {"target": target, "arguments": pairs, "resps": [[one] for one in resps], "filtered_resps": resps}
    resps = [[str(nat), "False"] for nat in nats]
    arguments = {f"gen_args_{i}": {"arg_0": q, "arg_1": c} for i, (q, c) in enumerate(pairs)}
    said = str(target) if form == "text" else f" {choices[target]}"
    return line | {"target": said, "arguments": arguments, "resps": resps, "filtered_resps": resps, "filter": "none"}


def log(folder, form="numbers", change=None) -> Path:
    place = folder / "someone__made-1b" / "samples_puzzles_2026-01-01T00-00-00.000001.jsonl"
    place.parent.mkdir(parents=True, exist_ok=True)
    lines = [sample(i, *one, form) for i, one in enumerate(LOG)]
    if change:
        lines[1] |= change
    place.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return place


@pytest.mark.parametrize("form", ["numbers", "text", "words"])
def test_a_log_of_samples_becomes_outputs_that_any_metric_scores(tmp_path, form):
    table = harness.outputs(log(tmp_path, form))
    assert table.select("task", "family", "model", "n_params").unique().rows() == [("puzzles", "made", "someone/made-1b", 10**9)]
    grade = curves.curve(table, "multiple_choice_grade")["estimate"].item()
    squares = curves.curve(table, "brier_binary")["estimate"].item()
    p = [math.exp(nats[target]) / sum(map(math.exp, nats)) for nats, target, _ in LOG]
    assert grade == pytest.approx(2 / 3)
    assert squares == pytest.approx(statistics.mean((1 - one) ** 2 for one in p))


@pytest.mark.fault(group="logs", tried="every kind of broken line", on="logs of lm-evaluation-harness as outputs", happens="refused with the line and the reason")
@pytest.mark.parametrize(
    "change, reason",
    [
        ({"filtered_resps": [["four", "five"]]}, "is no log-likelihood"),
        ({"filtered_resps": [[-1.0, False]]}, "no log-likelihoods of at least two choices"),
        ({"filtered_resps": [[-1.0, False], ["nan", "False"]]}, "each has to be a finite number of at most 0"),
        ({"filtered_resps": [[0.5, False], [-1.0, False]]}, "each has to be a finite number of at most 0"),
        ({"acc": 1.0}, "acc is 1, but the log-likelihoods and target 0 give 0"),
        ({"target": "maybe"}, "is neither the place of one of 2 choices nor its text"),
        ({"doc_id": 0}, "item 0 stands twice"),
    ],
)
def test_a_broken_line_of_a_log_is_named(tmp_path, change, reason):
    path = log(tmp_path, change=change)
    with pytest.raises(RecordsError) as error:
        harness.outputs(path)
    assert reason in str(error.value) and path.name in str(error.value)
    if "twice" not in reason:
        assert "line 2 of " in str(error.value)


def test_an_empty_or_cut_log_is_refused(tmp_path):
    path = log(tmp_path)
    path.write_text(path.read_text()[:-20])
    with pytest.raises(RecordsError, match="line 3 of .*it is no whole JSON"):
        harness.outputs(path)
    path.write_text("\n")
    with pytest.raises(RecordsError, match="holds no samples"):
        harness.outputs(path)


# The collected table
