"""Readers of score files: files of the true layouts, made here with invented tasks and numbers, and broken ones."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirage_lib.bigbench import reading, records, sizes
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
