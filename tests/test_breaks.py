"""Breaks: false alarms, power, invariance, and the library's arithmetic against NumPy and SciPy."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from mirage_lib import breaks

X = np.log(np.logspace(6, 11, 12))
Z = (X - X[0]) / np.ptp(X)
ITEMS = 200


def alarms(truth: np.ndarray, times: int, draws: int = 100) -> float:
    rng = np.random.default_rng(11)
    drawn = rng.binomial(ITEMS, truth, (times, len(X))) / ITEMS
    return float(np.mean([breaks.find(X, row, items=ITEMS, draws=draws, seed=k).p < 0.05 for k, row in enumerate(drawn)]))


@pytest.mark.parametrize(
    "truth", [0.3 + 0 * Z, 0.2 + 0.4 * Z, 0.2 + 0.5 * Z**2, 0.25 + 0.5 / (1 + np.exp(-(Z - 0.6) * 2 * np.log(9) / 0.7))]
)
def test_smooth_truths_raise_few_alarms(truth):
    # At a true rate of one in twenty, 120 curves give more than 13 alarms once in 200 times.
    assert alarms(truth, 120) <= 13 / 120


@pytest.mark.parametrize("truth", [0.25 + 0.4 * (Z > 0.95), 0.25 + 0.35 * (Z > 0.6)])
def test_clear_steps_are_found(truth):
    assert alarms(truth, 30) > 0.8


def test_a_clear_hinge_is_found_and_called_one():
    values = 0.25 + 1.5 * np.clip(Z - 0.7, 0, None)
    found = breaks.find(X, values, errors=0.01)
    assert found.broken == "hinge" and found.p < 0.01 and abs((found.at - X[0]) / np.ptp(X) - 0.7) < 0.1


def test_a_fall_is_no_break_upwards():
    assert breaks.find(X, 0.9 - 0.5 * (Z > 0.5), errors=0.01).p > 0.5


def test_order_and_units_do_not_matter():
    rng = np.random.default_rng(2)
    values = 0.3 + 0.3 * (Z > 0.8) + rng.normal(0, 0.02, 12)
    order = rng.permutation(12)
    errors = rng.uniform(0.01, 0.03, 12)
    plain = breaks.find(X, values, errors)
    mixed = breaks.find(X[order], values[order], errors[order])
    moved = breaks.find(X, 7 * values - 3, 7 * errors)
    for other in (mixed, moved):
        assert (other.broken, other.smooth) == (plain.broken, plain.smooth)
        assert other.gain == pytest.approx(plain.gain) and other.p == pytest.approx(plain.p)
        assert other.jump == pytest.approx(plain.jump)


def test_the_gain_is_that_of_numpys_least_squares():
    rng = np.random.default_rng(3)
    for _ in range(20):
        values = rng.normal(size=12).cumsum()
        found = breaks.find(X, values, errors=1.0, draws=1)
        smooth = min(np.linalg.lstsq(d, values, rcond=None)[1][0] for _, d, _ in breaks._smooth(X))
        broken = []
        for _, design, _ in breaks._broken(X):
            fit = np.linalg.lstsq(design, values, rcond=None)
            if fit[0][1] > 0:
                broken.append(fit[1][0])
        flat = np.sum((values - values.mean()) ** 2)
        assert found.gain == pytest.approx(np.log(smooth / min([*broken, flat])), rel=1e-6)
        assert breaks.gains(X, values[None])[0] == pytest.approx(found.gain, rel=1e-6)


def test_models_of_equal_size_may_repeat():
    x, values = np.repeat(X, 3), np.repeat(0.2 + 0.6 * (Z > 0.5), 3) + np.random.default_rng(0).normal(0, 0.05, 36)
    found = breaks.find(x, values)
    assert found.p < 0.05 and found.broken == "step"


def test_q_values_are_those_of_scipy():
    rng = np.random.default_rng(4)
    for n in (1, 2, 50):
        p = rng.random(n)
        assert breaks.adjusted(p) == pytest.approx(false_discovery_control(p))
    assert len(breaks.adjusted([])) == 0


@pytest.mark.parametrize(
    ("x", "values", "errors", "said"),
    [
        (X[:4], Z[:4], None, "4 different x"),
        (X, Z[:5], None, "12 x and 5 values"),
        (X, np.where(Z > 0.5, np.nan, Z), None, "finite value"),
        (X, Z, 0.0, "not positive"),
    ],
)
def test_what_cannot_be_tested_is_named(x, values, errors, said):
    with pytest.raises(ValueError, match=said):
        breaks.find(x, values, errors)
    with pytest.raises(ValueError, match="p value"):
        breaks.adjusted([1.5])
