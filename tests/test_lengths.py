"""Longer targets: fits, places and matching, each against an independent truth."""

import itertools

import numpy as np
import polars as pl
import pytest
from scipy.optimize import minimize
from scipy.special import xlogy

from mirage_lib import claims, outputs, theory


from mirage_lib.analyses import lengths, matching, places
def simulated(p: float, target_lengths: tuple[int, ...], n: int, seed: int = 0) -> pl.DataFrame:
    """Answers whose characters are wrong independently, as one task of several target lengths."""
    return pl.concat(
        theory.text_outputs([1 - p], length=length, n=n, seed=seed + length).with_columns(
            item=pl.format("{} of {}", "item", pl.lit(length))
        )
        for length in target_lengths
    )


def test_independent_equal_characters_follow_both_laws():
    table = lengths.points(simulated(0.8, (1, 2, 3, 4, 5), 4000))
    fitted = lengths.fits(table)
    judged = lengths.judge(fitted).row(0, named=True)
    assert judged["geometric"] and judged["about_geometric"] and judged["linear"] and judged["quasi_linear"]
    assert judged["ratio"] == pytest.approx(0.8, abs=0.01)
    assert judged["slope"] == pytest.approx(0.2, abs=0.02)
    ratios = lengths.ratios(table)
    assert ((ratios["low"] < 0.8) & (ratios["high"] > 0.8)).all()


def test_exact_geometric_counts_are_fitted_without_residual():
    length, n = np.arange(1, 6), np.full(5, 1e6)
    fitted, ratio = lengths.fit_geometric(length, n * 0.7**length, n)
    assert ratio == pytest.approx(0.7, abs=1e-6)
    assert lengths.deviance(n * 0.7**length, n, fitted).sum() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("seed", range(30))
def test_no_other_line_has_a_higher_likelihood(seed):
    rng = np.random.default_rng(seed)
    length = np.arange(1, rng.integers(4, 7))
    n = rng.choice([13, 50, 1000, 2000], len(length)).astype(float)
    right = rng.binomial(n.astype(int), np.exp(-rng.exponential(0.7, len(length)).cumsum())).astype(float)
    right[-1] = 0 if seed % 3 == 0 else right[-1]
    right[0] = n[0] if seed % 4 == 0 else right[0]

    def loss(ends):
        p = np.exp(-np.interp(length, (length[0], length[-1]), np.abs(ends)) - 1e-12)
        return -(xlogy(right, p) + xlogy(n - right, 1 - p)).sum()

    fitted, _ = lengths.fit_geometric(length, right, n)
    starts = ([0.1, 1], [1, 3], [0.01, 0.01])
    best = min(minimize(loss, start, method="Nelder-Mead", options={"maxiter": 2000}).fun for start in starts)
    assert -(xlogy(right, fitted) + xlogy(n - right, 1 - fitted)).sum() <= best + 1e-3


def test_a_zero_pulls_the_line_down_the_more_items_stand_behind_it():
    few, many = (
        lengths.fit_geometric([1, 2, 3], [500, 250, 0], [1000, 1000, last])[1] for last in (10, 10_000)
    )
    dropped = lengths.fit_geometric([1, 2], [500, 250], [1000, 1000])[1]
    assert many < few < dropped


def test_a_true_law_is_rejected_no_more_often_than_the_level():
    rng, length, n = np.random.default_rng(0), np.arange(1, 5), np.full(4, 1000)
    rejected = 0
    for _ in range(400):
        right = rng.binomial(n, 0.75**length)
        fitted, _ = lengths.fit_geometric(length, right, n)
        rejected += lengths.deviance(right, n, fitted).sum() > 5.991  # chi-square, 2 degrees of freedom, 5 %
    assert 0.02 < rejected / 400 < 0.09


def test_a_curved_row_is_found_not_geometric_and_not_linear():
    length = np.arange(1, 6)
    row = {"source": "made", "task": "t", "temperature": 0.0, "n_params": 1, "seed": 0}
    share = np.array([0.9, 0.8, 0.6, 0.3, 0.05])
    table = pl.DataFrame(
        {**{name: [value] * 5 for name, value in row.items()}, "length": length, "n": 1000,
         "right": (share * 1000).astype(int), "accuracy": share, "distance": length**2 / 10.0, "error": 0.01}
    )  # fmt: skip
    judged = lengths.judge(lengths.fits(table)).row(0, named=True)
    assert judged["tested_accuracy"] and not judged["geometric"] and not judged["about_geometric"]
    assert judged["tested_distance"] and not judged["linear"]


def test_a_ratio_with_a_zero_is_a_bound_and_two_zeros_say_nothing():
    row = {"source": "made", "task": "t", "temperature": 0.0, "n_params": 1, "seed": 0}
    table = pl.DataFrame(
        {**{name: [value] * 3 for name, value in row.items()}, "length": [1, 2, 3], "n": 100, "accuracy": [0.5, 0.0, 0.0]}
    )
    first, second = lengths.ratios(table).select("estimate", "low", "high").rows()
    assert first[:2] == (0.0, 0.0) and 0 < first[2] < 0.5
    assert second == (None, None, None)


def test_published_points_hold_the_readings_of_both_figures():
    table = lengths.published()
    row = table.filter(
        (pl.col("task") == "addition") & (pl.col("n_params") == 6_700_000_000) & (pl.col("temperature") == 0)
    )
    assert row["accuracy"].to_list() == pytest.approx([0.8889, 0.351, 0.071, 0.0054, 2.8e-4])
    assert row["distance"].to_list() == pytest.approx([0.1668, 1.0157, 1.5813, 2.6284, 3.5187])
    assert table.height == 2 * 4 * (4 + 5)


def loop(target: str, said: str, align: str) -> list[bool]:
    """The plain way to compare characters."""
    hits = []
    for place in range(len(target)):
        other = place if align == "left" else len(said) - len(target) + place
        hits.append(0 <= other < len(said) and said[other] == target[place])
    return hits


@pytest.mark.parametrize("align", ["left", "right"])
@pytest.mark.parametrize("length", [1, 3, 5])
def test_right_places_are_those_of_a_plain_loop(align, length):
    rng = np.random.default_rng(length)
    word = lambda n: "".join(rng.choice(list("0123 "), n))  # noqa: E731
    targets = [word(length) for _ in range(1000)]
    said = [word(rng.integers(0, 8)) for _ in range(1000)]
    expected = [loop(target, answer, align) for target, answer in zip(targets, said, strict=True)]
    assert places.right_places(targets, said, align).tolist() == expected


def test_targets_of_two_lengths_are_refused():
    with pytest.raises(ValueError, match="one length"):
        places.right_places(["1", "22"], ["1", "22"])


def made(right: np.ndarray) -> pl.DataFrame:
    """Outputs of one run with the given pattern of right characters."""
    n, length = right.shape
    said = ["".join("1" if hit else "0" for hit in row) for row in right]
    return pl.DataFrame(
        {"task": "t", "group": length, "n_params": 1, "seed": 0, "item": [f"{k:06}" for k in range(n)],
         "target": "1" * length, "output": said}
    )  # fmt: skip


def test_a_known_correlation_of_places_is_recovered():
    rng = np.random.default_rng(0)
    first = rng.random(40_000) < 0.5
    copied = rng.random(40_000) < 0.4  # a copied character agrees, others are fresh: phi is 0.4
    second = np.where(copied, first, rng.random(40_000) < 0.5)
    third = rng.random(40_000) < 0.5
    phi = {row[-3:-1]: row[-1] for row in places.together(made(np.stack([first, second, third], axis=1))).rows()}
    assert phi[1, 2] == pytest.approx(0.4, abs=0.02)
    assert phi[1, 3] == pytest.approx(0, abs=0.02) and phi[2, 3] == pytest.approx(0, abs=0.02)


def test_unequal_places_make_the_power_too_high_and_leave_the_product_right():
    rng = np.random.default_rng(0)
    right = rng.random((40_000, 4)) < np.array([0.95, 0.5, 0.3, 0.95])
    row = places.beside(made(right)).row(0, named=True)
    assert row["from_places"] == pytest.approx(1, abs=0.05)
    assert row["from_power"] == pytest.approx(0.95 * 0.5 * 0.3 * 0.95 / 0.675**4, abs=0.05)


def test_unequal_items_lift_accuracy_above_the_product_by_the_known_factor():
    rng = np.random.default_rng(0)
    p = np.where(rng.random(60_000) < 0.5, 0.9, 0.5)[:, None]
    row = places.beside(made(rng.random((60_000, 3)) < p)).row(0, named=True)
    assert row["from_places"] == pytest.approx((0.9**3 + 0.5**3) / 2 / 0.7**3, rel=0.03)


def test_prefixes_count_what_a_loop_counts_from_either_side():
    rng = np.random.default_rng(1)
    right = rng.random((500, 4)) < 0.7
    for align, rows in (("left", right), ("right", right[:, ::-1])):
        found = places.prefixes(made(right), align)["right"].to_list()
        assert found == [np.mean([all(row[: k + 1]) for row in rows]) for k in range(4)]


def test_probabilities_of_equal_items_multiply_exactly():
    run = {"task": "t", "group": 2, "n_params": 1, "seed": 0}
    same = pl.DataFrame([run | {"token_logprobs": [-0.1, -0.7]}] * 5)
    other = pl.concat([same, pl.DataFrame([run | {"token_logprobs": [-3.0, -3.0]}] * 5)])
    assert places.forced(same)["ratio"].item() == pytest.approx(1)
    assert places.forced(other)["ratio"].item() > 1.2


def test_intervals_of_the_product_cover_the_truth():
    hits = 0
    for seed in range(60):
        right = np.random.default_rng(seed).random((300, 3)) < 0.8
        table = places.independence(made(right), draws=200).filter(pl.col("run") == "mean")
        row = table.filter(pl.col("kind") == "product of places").row(0, named=True)
        hits += row["low"] <= 0.8**3 <= row["high"]
    assert hits >= 52


def problems_with_effect(effect: float, rng: np.random.Generator, seeds: int = 3) -> pl.DataFrame:
    """Sums where strata differ in difficulty and in the share of long answers; length itself costs ``effect``."""
    stratum = rng.integers(0, 3, 3000)
    long = rng.random(3000) < np.array([0.2, 0.5, 0.8])[stratum]
    rows = []
    for seed in range(seeds):
        right = rng.random(3000) < np.array([0.9, 0.6, 0.3])[stratum] + effect * long
        rows.append(
            pl.DataFrame(
                {"n_params": 100, "seed": seed, "item": [f"{k:05}" for k in range(3000)], "exposed": long,
                 "stratum": stratum.astype(str), "target": "1", "output": np.where(right, "1", "0")}
            )
        )  # fmt: skip
    return pl.concat(rows)


@pytest.mark.parametrize("planted", [0.0, -0.1])
def test_stratifying_recovers_a_planted_effect_and_none_where_there_is_none(planted):
    table = problems_with_effect(planted, np.random.default_rng(0))
    found = matching.effect(table)
    assert found.low <= planted <= found.high
    assert found.high - found.low < 0.09
    raw = matching.effect(table.with_columns(stratum=pl.lit("all")))
    assert raw.estimate < planted - 0.1  # without strata, difficulty passes for length


def test_intervals_of_the_stratified_difference_cover_it():
    hits = 0
    for seed in range(60):
        found = matching.effect(problems_with_effect(-0.1, np.random.default_rng(seed)), draws=200)
        hits += found.low <= -0.1 <= found.high
    assert hits >= 52


def test_the_contrast_is_the_mantel_haenszel_difference():
    rng = np.random.default_rng(0)
    exposed, stratum, score = rng.random(500) < 0.4, rng.integers(0, 4, 500).astype(str), rng.random(500)
    top = bottom = 0.0
    for name in set(stratum):
        ones, zeros = score[exposed & (stratum == name)], score[~exposed & (stratum == name)]
        weight = len(ones) * len(zeros) / (len(ones) + len(zeros))
        top, bottom = top + weight * (ones.mean() - zeros.mean()), bottom + weight
    assert score @ matching.contrast(exposed, stratum) == pytest.approx(top / bottom)


def carries_by_hand(a: int, b: int) -> list[int]:
    """School addition, from the right: the carry out of each column."""
    carry, found = 0, []
    for _ in range(5):
        carry = (a % 10 + b % 10 + carry) // 10
        a, b = a // 10, b // 10
        found.append(carry)
    return found


def test_carries_are_those_of_school_addition():
    rng = np.random.default_rng(0)
    pairs = [*itertools.product((0, 9, 10, 99, 999, 9999), repeat=2), *rng.integers(0, 10_000, (1000, 2)).tolist()]
    table = matching.describe(pl.DataFrame({"item": [f"{a}+{b}" for a, b in pairs]}))
    assert table["carries"].to_list() == [sum(carries_by_hand(a, b)) for a, b in pairs]
    assert table["inner_carries"].to_list() == [sum(carries_by_hand(a, b)[:3]) for a, b in pairs]


def test_an_item_that_is_no_problem_is_named():
    with pytest.raises(ValueError, match="seven"):
        matching.describe(pl.DataFrame({"item": ["1+2", "seven"]}))


@pytest.mark.parametrize("task", ["addition", "multiplication"])
def test_matched_problems_of_the_ladder_agree_in_what_they_are_matched_for(task):
    table = matching.compared(outputs.load("arithmetic-ladder"), task).unique("item")
    digits = pl.col("a", "b").cast(pl.String).str.len_chars()
    assert (table.select(digits).to_numpy() == matching.OPERANDS[task]).all()
    assert set(table["group"]) == set(matching.LENGTHS[task])
    if task == "multiplication":
        product = (table["a"] * table["b"]).to_numpy()
        assert product.min() >= 1000 / matching.NEAR and product.max() < 1000 * matching.NEAR


@pytest.mark.parametrize("name", ["length-geometric", "length-quasilinear", "length-is-difficulty"])
def test_claims_about_length_are_judged_with_numbers(name):
    found = claims.get(name).judge()
    assert found.verdict in claims.VERDICTS
    assert any(letter.isdigit() for letter in found.because)


def test_grades_follow_the_ledgers_shares():
    def graded(follow: int, about: int) -> str:
        row = {"source": ["x"], "task": ["t"], "models": [10], "follow": [follow], "about": [about]}
        return claims.lengths.graded(pl.DataFrame(row))["x"]

    assert [graded(9, 10), graded(8, 9), graded(0, 5), graded(4, 4)] == ["upheld", "partly", "partly", "not upheld"]
