"""Subset accuracy, against enumeration of all subsets and against the hypergeometric distribution."""

from itertools import combinations

import numpy as np
import polars as pl
import pytest
from scipy.stats import hypergeom

from mirage_lib import subsets


def test_subset_accuracy_is_what_enumeration_finds():
    for n in range(1, 8):
        for right in range(n + 1):
            marks = [1] * right + [0] * (n - right)
            for k in range(1, n + 1):
                every = [all(subset) for subset in combinations(marks, k)]
                found = subsets.subset_accuracy(np.array([right]), n, k)[0]
                assert found == pytest.approx(sum(every) / len(every), abs=1e-12)


def test_subset_accuracy_is_the_hypergeometric_chance_of_only_right_ones():
    rng = np.random.default_rng(1)
    for _ in range(1000):
        n = int(rng.integers(1, 5000))
        right, k = int(rng.integers(0, n + 1)), int(rng.integers(1, min(n, 30) + 1))
        found = subsets.subset_accuracy(np.array([right]), n, k)[0]
        assert found == pytest.approx(hypergeom.pmf(k, n, right, k), rel=1e-7, abs=1e-12)


def test_a_subset_of_one_is_accuracy_and_larger_ones_are_harder():
    right = np.arange(0, 101)
    shares = [subsets.subset_accuracy(right, 100, k) for k in range(1, 11)]
    assert shares[0] == pytest.approx(right / 100)
    assert all((later <= earlier + 1e-15).all() for earlier, later in zip(shares, shares[1:]))
    # Without putting back, a subset is never more often all right than independent draws would be.
    assert all((share <= (right / 100) ** (k + 1) + 1e-12).all() for k, share in enumerate(shares))


@pytest.mark.parametrize(("right", "n", "k", "said"), [(1, 4, 0, "k is 0"), (1, 4, 5, "k is 5"), (5, 4, 1, "5 of 4")])
def test_impossible_numbers_are_named(right, n, k, said):
    with pytest.raises(ValueError, match=said):
        subsets.subset_accuracy(np.array([right]), n, k)


def test_the_mean_over_seeds_lies_in_its_interval_and_one_seed_has_none():
    rows = pl.DataFrame({
        "model": ["a"] * 5 + ["b"], "n_params": [1] * 5 + [2], "seed": [0, 1, 2, 3, 4, 0], "k": 1,
        "estimate": [0.1, 0.9, 0.8, 0.85, 0.9, 0.5],
    })  # fmt: skip
    many, one = subsets.over_seeds(rows).rows(named=True)
    assert many["low"] < many["estimate"] < many["high"] and (many["least"], many["most"]) == (0.1, 0.9)
    assert one["low"] is None and one["seeds"] == 1
