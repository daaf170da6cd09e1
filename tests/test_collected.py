"""The collected table of scores, and every reader by one command."""

import csv
import math
import statistics
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from mirage_lib import cli, emergence
from mirage_lib.analyses import triplets
from mirage_lib.bigbench import collected, harness, records, scores
from mirage_lib.bigbench.records import RecordsError
from tests.test_readers import entry, put, read, result


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
