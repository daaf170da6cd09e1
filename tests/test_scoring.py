"""Scoring at speed gives what scoring one by one gives: the shortcuts of the text metrics."""

import numpy as np
import polars as pl
import pytest

from benchmarks import scoring
from mirage_lib import metrics

LETTERS = list("aAbB01éß漢🙂 .,-%\n")


def texts(n, longest, letters, seed):
    """Random pairs, a third of them equal."""
    rng = np.random.default_rng(seed)
    words = [["".join(rng.choice(letters, rng.integers(1, longest))) for _ in range(n)] for _ in range(2)]
    words[1] = [a if rng.random() < 1 / 3 else b for a, b in zip(*words, strict=True)]
    return pl.DataFrame({"target": words[0], "output": words[1], "target_logprob": -rng.random(n)})


@pytest.mark.parametrize(("longest", "letters"), [(3, LETTERS[:6]), (4, LETTERS), (40, LETTERS)])
def test_all_text_metrics_give_what_plain_loops_give(longest, letters):
    """Single words, of mixed case, take a shortcut; spaces, signs and letters of more than a byte do not."""
    table = texts(1500, longest, letters, seed=longest)
    _, ours = scoring.ours(table)
    _, loops = scoring.plain(table)
    for name in scoring.METRICS:
        assert ours[name].to_list() == pytest.approx(loops[name], abs=1e-9), name


def test_long_texts_beside_short_ones_are_scored_by_position():
    table = pl.DataFrame({"target": ["ab" * 2000, "7", "x" * 300], "output": ["ab" * 1000, "7", "y" + "x" * 400]})
    assert metrics.get("per_token_accuracy").score(table).to_list() == pytest.approx([0.5, 1, 299 / 300])


def test_an_empty_target_has_no_positions_and_its_row_is_named():
    with pytest.raises(ValueError, match="per_token_accuracy gave nan for row 1"):
        metrics.get("per_token_accuracy").score(pl.DataFrame({"target": ["1", ""], "output": ["1", "2"]}))


def test_more_answers_than_one_slice_keep_their_order():
    table = texts(2000, 6, LETTERS, seed=9)
    many = pl.concat([table] * 60)
    scores = metrics.get("token_edit_distance").score(many)
    assert scores.to_list() == metrics.get("token_edit_distance").score(table).to_list() * 60
