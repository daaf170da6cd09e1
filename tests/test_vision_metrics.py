"""Metrics of pictures, against scikit-learn, direct counts and plain Python."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import accuracy_score

from mirage_lib import metrics
from mirage_lib.outputs import OutputsError

RNG = np.random.default_rng(5)


def test_picture_accuracy_is_that_of_scikit_learn():
    for _ in range(200):
        label, predicted = RNG.integers(0, 4, (2, 50))
        scores = metrics.get("picture_accuracy").score(pl.DataFrame({"label": label, "predicted": predicted}))
        assert scores.mean() == pytest.approx(accuracy_score(label, predicted))


def test_reconstruction_within_c_is_a_direct_count():
    for _ in range(1000):
        errors, c = RNG.exponential(size=30), float(RNG.exponential())
        scores = metrics.reconstruction_within(c).score(pl.DataFrame({"squared_error": errors}))
        assert scores.sum() == sum(1 for error in errors if error < c)


def test_all_correct_is_a_loop_over_positions():
    for _ in range(1000):
        correct = RNG.random((20, 5)) < 0.7
        table = pl.DataFrame({"correct": correct.tolist()})
        for length in range(1, 6):
            expected = [float(all(row[:length])) for row in correct.tolist()]
            assert metrics.first_all_correct(length).score(table).to_list() == expected
        assert metrics.get("sequence_accuracy").score(table).to_numpy() == pytest.approx(correct.mean(axis=1))


@pytest.mark.parametrize("c", [0.0, -1.0, float("nan")])
def test_a_threshold_that_nothing_passes_is_refused(c):
    with pytest.raises(ValueError, match="above 0"):
        metrics.reconstruction_within(c)


def test_a_sequence_that_is_too_short_is_named():
    with pytest.raises(ValueError, match="a sequence has 2 pictures, but 3"):
        metrics.first_all_correct(3).score(pl.DataFrame({"correct": [[True, False]]}))
    with pytest.raises(ValueError, match="length is 0"):
        metrics.first_all_correct(0)


def test_squared_error_is_the_column_itself():
    errors = np.random.default_rng(2).exponential(0.1, 1000).tolist()
    assert metrics.get("squared_error").score(pl.DataFrame({"squared_error": errors})).to_list() == errors


@pytest.mark.parametrize("name", ["picture_accuracy", "squared_error", "sequence_accuracy"])
def test_an_empty_table_or_a_missing_column_is_refused(name):
    needs = metrics.get(name).needs
    with pytest.raises(OutputsError, match="empty"):
        metrics.get(name).score(pl.DataFrame({column: [] for column in needs}))
    with pytest.raises(OutputsError, match="missing"):
        metrics.get(name).score(pl.DataFrame({"other": [1]}))
