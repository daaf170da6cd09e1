"""Readers of score files: files of the true layouts, made here with invented tasks and numbers, and broken ones."""

import csv
import json
import math
import statistics
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirage_lib import cli, curves, emergence
from mirage_lib.analyses import triplets
from mirage_lib.bigbench import collected, harness, reading, records, scores, sizes
from mirage_lib.bigbench.records import RecordsError

# BIG-bench's result files


def entry(score_dict, preferred=None, subtask="weights", shots=0, **more):
    return {
        "score_dict": score_dict, "preferred_score": preferred or next(iter(score_dict)),
        "subtask_description": subtask, "number_of_shots": shots, "low_score": 0.25, "high_score": 1.0, **more,
    }  # fmt: skip


def result(*entries, family="Made-up", name="1b", **params):
    given = {"non_embedding_params": 10**9, "flop_matched_non_embedding_params": 10**9, "total_params": 11 * 10**8}
    model = {
        "model_family": family, "model_name": name, **given, **params, "training_batch_size": 8, "training_steps": 10,
        "description": "made in a test", "decoding_params": {},
    }  # fmt: skip
    return {"model": model, "task": {"task_name": "weights", "keywords": ["made up"]}, "scores": list(entries)}


def put(folder: Path, content, name="scores_Made-up_1b.json", task="weights") -> Path:
    place = folder / task / "results" / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(content if isinstance(content, str) else json.dumps(content))
    return place


def read(*paths, **options) -> reading.Reading:
    return reading.read(list(paths), progress=False, **options)


GOOD = {"multiple_choice_grade": 0.5, "bleu": 25.0, "log_likelihood": -3.5}


def test_a_score_file_gives_a_row_for_each_metric(tmp_path):
    content = result(
        entry(GOOD, "multiple_choice_grade"), entry({"bleu": 50}, subtask="weights:heavy", shots=2)
    )
    table = read(put(tmp_path, content)).records
    assert table.select("task", "family", "model", "n_params", "origin").unique().rows() == [
        ("weights", "Made-up", "1b", 10**9, "scores")
    ]
    assert table.select("metric", "score", "shots", "setting", "preferred", "chance").rows() == [
        ("multiple_choice_grade", 0.5, 0, "", True, 0.25),
        ("bleu", 0.25, 0, "", False, None),
        ("log_likelihood", -3.5, 0, "", False, None),
        ("bleu", 0.5, 2, "heavy", True, None),
    ]


@pytest.mark.parametrize(
    "params, size",
    [
        ({"flop_matched_non_embedding_params": "1b"}, 10**9),
        ({"flop_matched_non_embedding_params": 1.3e9}, 1_300_000_000),
        ({"flop_matched_non_embedding_params": 0, "non_embedding_params": None, "total_params": "125M"}, 125_000_000),
    ],
)
def test_a_size_may_be_a_number_or_text_in_the_first_field_that_has_one(tmp_path, params, size):
    assert read(put(tmp_path, result(entry(GOOD), **params))).records["n_params"].unique().to_list() == [size]


def test_a_preferred_share_whose_range_goes_to_100_is_brought_to_one(tmp_path):
    path = put(tmp_path, result(entry({"accuracy": 61.5}, high_score=100)))
    assert read(path).records["score"].to_list() == [pytest.approx(0.615)]


TRUNCATED = json.dumps(result(entry(GOOD)))[:-30]
BROKEN = {
    "truncated": (TRUNCATED, "it is no whole JSON: Input data was truncated"),
    "empty": ("", "it is empty"),
    "no JSON": ('{"model_family": oops', "it is no whole JSON"),
    "missing metric": (
        result(entry({"bleu": 3.0}, "exact_str_match", shots=2)),
        "the preferred metric 'exact_str_match' of subtask 'weights' at 2 shots is missing: there are bleu",
    ),
    "no metrics": (result({**entry(GOOD), "score_dict": {}}), "is missing: there are no scores"),
    "no entries": (result(), "it holds no scores"),
    "NaN literal": (json.dumps(result(entry({"bleu": math.nan}))), "NaN or Infinity stands in it"),
    "NaN text": (result(entry({"bleu": "NaN"})), "score \"NaN\" under 'bleu': it has to be a number"),
    "null": (result(entry({"bleu": None})), "score null under 'bleu': it has to be a number"),
    "true": (result(entry({"bleu": True})), "its fields are not those of this format"),
    "percent": (
        result(entry({"exact_str_match": 61.5})),
        "score 61.5 of model '1b' on task 'weights' under 'exact_str_match': it has to lie between 0 and 1; is it a percentage?",
    ),
    "missing field": ({"model": {"model_family": "f"}, "scores": []}, "missing required field `model_name`"),
    "no scores field": ({"model": result()["model"]}, "missing required field `scores`"),
    "size in words": (result(entry(GOOD), flop_matched_non_embedding_params="large"), "size 'large' cannot be read"),
    "no size": (
        result(entry(GOOD), flop_matched_non_embedding_params=0, non_embedding_params=0, total_params=None),
        "no number of parameters of model '1b'",
    ),
    "score twice": (result(entry(GOOD), entry(GOOD)), "two scores of model '1b'"),
    "another format": ({"something": 1}, "its fields are not those of this format"),
}  # fmt: skip


@pytest.mark.fault(group="logs", tried="every kind of broken score file", on="`mirage bigbench read`", happens="refused with the file and the reason, or skipped and listed where one asked for that")
@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_file_is_named_with_the_reason_and_skipped_only_when_asked(tmp_path, kind):
    content, reason = BROKEN[kind]
    bad = put(tmp_path, content, "scores_Made-up_2b.json")
    put(tmp_path, result(entry(GOOD), name="1b"))
    with pytest.raises(RecordsError) as error:
        read(tmp_path)
    assert reason in str(error.value) and f"1 of 2 files is broken; first:\n  {bad}: " in str(error.value)
    kept = read(tmp_path, broken="skip")
    assert kept.records.height == 3 and kept.records["model"].unique().to_list() == ["1b"]
    assert [path for path, _ in kept.broken] == [bad] and reason in kept.broken[0].reason
    assert kept.text().startswith("3 scores from 1 of 2 files.\nSkipped: ") and str(bad) in kept.text()


@pytest.mark.fault(group="logs", tried="a model that stands in two files", on="`mirage bigbench read`", happens="refused with both files")
def test_a_model_that_stands_in_two_files_is_named_with_both(tmp_path):
    first = put(tmp_path, result(entry(GOOD)), "scores_a.json")
    second = put(tmp_path, result(entry({"bleu": 99.0})), "scores_b.json")
    with pytest.raises(RecordsError, match=r"scores_b.json: two scores of model '1b' on task 'weights' under 'bleu'") as error:
        read(tmp_path)
    assert f"the other is in {first}" in str(error.value)
    kept = read(tmp_path, broken="skip")
    assert kept.records.height == 3 and [path for path, _ in kept.broken] == [second]


def test_many_broken_files_are_counted_and_the_first_ones_named(tmp_path):
    for index in range(7):
        put(tmp_path, "{", f"scores_{index}.json")
    with pytest.raises(RecordsError, match="7 of 7 files are broken") as error:
        read(tmp_path)
    assert str(error.value).count("it is no whole JSON") == reading.SHOWN
    with pytest.raises(RecordsError, match="none of 7 files could be read"):
        read(tmp_path, broken="skip")


def test_a_folder_without_files_and_an_unknown_format_are_refused(tmp_path):
    with pytest.raises(RecordsError, match="has no files named like scores_"):
        read(tmp_path)
    with pytest.raises(RecordsError, match="no files to read"):
        read()
    other = tmp_path / "notes.json"
    other.write_text('{"a": 1}')
    with pytest.raises(RecordsError, match="its format is not recognised: if it is one of scores, harness, collected"):
        read(other)
    with pytest.raises(RecordsError, match="unknown format 'xml'"):
        read(other, format="xml")
    with pytest.raises(RecordsError, match="stop or skip"):
        read(other, broken="ignore")


def test_processes_read_what_one_process_reads(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "CHUNK", 2)
    for index in range(5):
        put(tmp_path, result(entry(GOOD), name=f"{index + 1}b"), f"scores_{index}.json")
    put(tmp_path, "{", "scores_9.json")
    one, two = (read(tmp_path, jobs=jobs, broken="skip") for jobs in (1, 2))
    assert one.records.equals(two.records) and one.broken == two.broken and one.records.height == 15


names = st.text("abc-_. 12ä", min_size=1, max_size=8)
shares = st.floats(0, 1)
files = st.lists(
    st.tuples(
        names, st.integers(1, 10**12),
        st.dictionaries(st.sampled_from(["exact_str_match", "macro_f1", "bleu", "own metric"]), shares, min_size=1),
        st.integers(0, 5),
    ),
    min_size=1, max_size=6, unique_by=lambda one: one[0],
)  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(files)
def test_what_is_written_is_read_and_kept_in_parquet(tmp_path_factory, made):
    folder = tmp_path_factory.mktemp("round")
    expected = []
    for index, (name, params, found, shots) in enumerate(made):
        content = result(entry(found, shots=shots), name=name, flop_matched_non_embedding_params=params)
        path = put(folder, content, f"scores_{index}.json")
        for metric, value in json.loads(path.read_text())["scores"][0]["score_dict"].items():
            expected.append((name, params, shots, metric, value / 100 if metric == "bleu" else value))
    table = read(folder).records
    assert table.select("model", "n_params", "shots", "metric").rows() == [row[:-1] for row in expected]
    assert table["score"].to_list() == pytest.approx([row[-1] for row in expected], rel=1e-12, abs=1e-300)
    assert reading.load(reading.save(table, folder / "kept" / "own.parquet")).equals(table)


@pytest.mark.fault(group="frozen", tried="a file that is no table of records", on="`mirage bigbench score`", happens="neither saved nor loaded")
def test_what_is_no_table_of_records_is_not_saved_nor_loaded(tmp_path):
    with pytest.raises(RecordsError, match="n_params 0"):
        reading.save(records.load("bigg").with_columns(n_params=0), tmp_path / "own.parquet")
    assert not list(tmp_path.iterdir())
    (tmp_path / "own.parquet").write_text("no")
    with pytest.raises(RecordsError, match="is no Parquet file"):
        reading.load(tmp_path / "own.parquet")


# Sizes


@pytest.mark.parametrize(
    "written, size",
    [("1b", 10**9), ("125m", 125 * 10**6), ("350M", 350 * 10**6), ("1.3e9", 1_300_000_000), (1.3e9, 1_300_000_000),
     (" 1,000 ", 1000), ("2t", 2 * 10**12), ("7 B", 7 * 10**9), ("1b1", 11 * 10**8), ("7B1", 71 * 10**8), (70_000_001, 70_000_001), ("1e+9", 10**9)],
)  # fmt: skip
def test_sizes_are_read_as_they_are_written(written, size):
    assert sizes.size(written) == size and type(sizes.size(written)) is int


@pytest.mark.parametrize("written", ["", "large", "b", "-1b", "1bb", "nan", None, True, math.inf, "0", 0.2, [1]])
def test_what_is_no_size_is_refused_by_name(written):
    with pytest.raises(RecordsError, match="size "):
        sizes.size(written)


@pytest.mark.parametrize(
    "name, family, size",
    [("EleutherAI/pythia-1.4b-deduped", "pythia-deduped", 14 * 10**8), ("facebook/opt-350m", "opt", 350 * 10**6),
     ("bigscience/bloom-560m", "bloom", 560 * 10**6), ("bigscience/bloom-7b1", "bloom", 71 * 10**8), ("gpt2", "gpt2", None), ("a-1b-b-2b", "a-1b-b-2b", None),
     ("Qwen1.5-0.5B", "Qwen1.5", 5 * 10**8)],
)  # fmt: skip
def test_a_size_in_a_name_is_taken_if_it_is_the_only_one(name, family, size):
    assert sizes.parted(name) == (family, size)


# The harness

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


def table_rows(models=8, seed=0):
    """Two tasks, one of them with a subtask, two families, two metrics; the preferred one first."""
    rng = np.random.default_rng(seed)
    for task, subtask, shots, metrics in (
        ("colours", "colours", 0, ("exact_str_match", "bleu")), ("colours", "colours:dark", 1, ("multiple_choice_grade",)),
        ("weights", "weights", 3, ("bleu", "log_likelihood")),
    ):  # fmt: skip
        for family in ("A", "B T=0"):
            for size in range(models):
                params = 2_000_000 * 4**size
                for metric in metrics:
                    score = -rng.random() if metric == "log_likelihood" else rng.random() * (100 if metric == "bleu" else 1)
                    yield (
                        task, subtask, family, f"{size}x", params, float(params), params + 1000, shots, metric,
                        int(metric == metrics[0]), score,
                    )  # fmt: skip


def write_table(path: Path, rows, columns=collected.COLUMNS) -> Path:
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


def test_the_collected_table_gives_a_record_a_row(tmp_path):
    rows = list(table_rows())
    table = read(write_table(tmp_path / "all.csv", rows)).records
    expected = [
        (r[0], r[2], r[3], r[4], r[7], r[8], r[10] / 100 if r[8] == "bleu" else r[10],
         "" if r[0] == r[1] else r[1].split(":")[1], bool(r[9]))
        for r in rows
    ]  # fmt: skip
    assert table.select("task", "family", "model", "n_params", "shots", "metric", "score", "setting", "preferred").rows() == [
        (*row[:6], pytest.approx(row[6]), *row[7:]) for row in expected
    ]


@pytest.mark.parametrize(
    "change, reason",
    [
        ((10, ""), "no score of model"), ((10, "NaN"), "score nan of model"), ((10, 61.5), "is it a percentage"),
        ((4, 0), "no n_params of model"), ((3, "1x"), "two scores of model '1x'"),
    ],
)  # fmt: skip
def test_a_broken_row_of_the_collected_table_is_named_and_only_it_is_skipped(tmp_path, change, reason):
    rows = [list(row) for row in table_rows()]
    rows[0][change[0]] = change[1]
    if change[0] == 4:
        rows[0][5] = rows[0][6] = 0
    path = write_table(tmp_path / "all.csv", rows)
    with pytest.raises(RecordsError, match="all.csv: rows with a fault: 1; ") as error:
        read(path)
    assert reason in str(error.value)
    kept = read(path, broken="skip")
    assert kept.records.height == len(rows) - 1 and reason in kept.text() and "from 1 of 1 files" in kept.text()


def test_a_collected_table_without_a_column_or_rows_is_refused(tmp_path):
    path = write_table(tmp_path / "all.csv", [row[:-1] for row in table_rows()], collected.COLUMNS[:-1])
    with pytest.raises(RecordsError, match="its column 'score' is missing"):
        read(path)
    with pytest.raises(RecordsError, match="it holds no scores"):
        read(write_table(tmp_path / "all.csv", []))
    with pytest.raises(RecordsError, match="size 'large' cannot be read"):
        read(write_table(tmp_path / "all.csv", [("t", "t", "f", "m", "large", "large", "large", 0, "bleu", 1, 3)]))


# From a file to Fig. 5A


def by_hand(rows):
    """The score of each triplet by the formula, in plain Python."""
    groups = {}
    for row in rows:
        groups.setdefault((row[0], row[1], row[2], row[8], row[7]), []).append((row[4], row[10]))
    for key, points in groups.items():
        y = [value for _, value in sorted(points)]
        steps = statistics.median((b - a) ** 2 for a, b in zip(y, y[1:], strict=False))
        yield key, math.copysign(1, y.index(max(y)) - y.index(min(y))) * (max(y) - min(y)) / math.sqrt(steps)


def test_one_command_scores_the_collected_table_as_by_hand(tmp_path, capsys):
    rows = list(table_rows())
    path, out = write_table(tmp_path / "all.csv", rows), tmp_path / "scores.csv"
    assert cli.main(["bigbench", "score", str(path), "--preferred", "--csv", str(out)]) == 0
    said = capsys.readouterr().out
    assert "6 of 6 triplets have no smooth null: the records tell neither" in said
    preferred = dict(by_hand(row for row in rows if row[9]))
    found = pl.read_csv(out)
    assert sorted(found["score"]) == pytest.approx(sorted(preferred.values()))
    for metric in ("bleu", "exact_str_match", "multiple_choice_grade"):
        highest = max(score for key, score in preferred.items() if key[3] == metric)
        line = next(line for line in said.splitlines() if f" {metric} " in line)
        assert float(line.split("┆")[2]) == pytest.approx(highest, rel=1e-4) and line.split("┆")[1].strip() == "2"


def test_files_are_read_into_parquet_and_scored_from_it(tmp_path, capsys):
    for size in range(6):
        one = entry({"multiple_choice_grade": size**2 / 50})
        content = result(one, name=f"{size}x", flop_matched_non_embedding_params=10 ** (size + 6))
        put(tmp_path, content, f"scores_{size}.json")
    put(tmp_path, "{", "scores_9.json")
    out = tmp_path / "records.parquet"
    assert cli.main(["bigbench", "read", str(tmp_path), "--out", str(out)]) == 1
    assert "scores_9.json: it is no whole JSON" in capsys.readouterr().err and not out.exists()
    assert cli.main(["bigbench", "read", str(tmp_path), "--out", str(out), "--broken", "skip"]) == 0
    assert "6 scores from 6 of 7 files" in capsys.readouterr().out
    assert cli.main(["bigbench", "score", str(out)]) == 0
    assert "multiple_choice_grade" in capsys.readouterr().out
    assert cli.main(["bigbench", "score", str(out), "--least", "7"]) == 1
    assert "no task, metric and family has 7 sizes" in capsys.readouterr().err
    assert cli.main(["bigbench", "score"]) == 1
    assert "nothing to score" in capsys.readouterr().err


def test_embedded_records_are_scored_with_their_nulls(capsys):
    assert cli.main(["bigbench", "score", "--table", "few-shot", "--draws", "50"]) == 0
    assert "bleu" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["bigg", "few-shot", "gpt-lineage", "olmo", "choice"])
def test_all_at_once_and_one_by_one_give_the_same_scores(name):
    table = records.load(name)
    at_once, curves_ = triplets.scored(table), triplets.split(table)
    assert at_once.select(triplets.BY).rows() == [tuple(one.label.values()) for one in curves_]
    one_by_one = [emergence.score(one.sizes, one.values) for one in curves_]
    assert at_once["score"].to_list() == pytest.approx(one_by_one, rel=1e-9)
    assert at_once["models"].to_list() == [len(one.sizes) for one in curves_]


def test_every_reader_says_what_its_layout_rests_on():
    for module in (scores, harness, collected):
        assert "seen" in module.__doc__.lower() and "layout" in module.__doc__.lower()
