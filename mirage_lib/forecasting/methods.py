"""Methods: from the smaller models of a family to what the next ones may score.

A method gets a :class:`~mirage_lib.forecasting.cases.Curve` of the smaller models, the places of the next ones
(logarithms of size, the seen models spanning 0 to 1) and a random generator. It returns draws of what the next
models *truly* score; the luck of their items is added by the scoring. To add one::

    from mirage_lib import forecasting

    @forecasting.method("middle", "Half way between the last one and the best possible")
    def middle(seen, at, rng):
        return forecasting.around((seen.values[-1] + 1) / 2, 0.1, at, rng)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mirage_lib.forecasting import grids, items
from mirage_lib.forecasting.cases import Curve
from mirage_lib.forecasting.grids import DRAWS

Fit = Callable[[Curve, np.ndarray, np.random.Generator], np.ndarray]
NEEDS: dict[str, Callable[[Curve], bool]] = {
    "share": lambda curve: (curve.low, curve.high) == (0, 1),
    "counts": lambda curve: curve.n is not None,
    "best": lambda curve: bool(np.isfinite(curve.high)),
    "partner": lambda curve: curve.partner is not None,
    "items": lambda curve: curve.items is not None,
}
"""What a curve may have to have: values between 0 and 1, known numbers of answers, a best possible value, a smooth
curve of the same models, answers item by item."""
BASELINE = "last"


@dataclass(frozen=True)
class Method:
    """A method and what it needs; ``fit`` returns (draws, places), with the luck of the items in it if ``lucky``."""

    name: str
    label: str
    needs: tuple[str, ...]
    fit: Fit
    lucky: bool = False

    def applies(self, curve: Curve) -> bool:
        """Whether the curve has what the method needs."""
        return all(NEEDS[need](curve) for need in self.needs)


METHODS: dict[str, Method] = {}


def method(name: str, label: str, needs: tuple[str, ...] = (), lucky: bool = False) -> Callable[[Fit], Fit]:
    """Enter a method into the registry; a name that is there already is replaced.

    Raises
    ------
    ValueError
        For a need that no curve has.

    >>> @method("zero", "Nothing at all")
    ... def zero(seen, at, rng):
    ...     return around(0.0, 0.01, at, rng)
    >>> METHODS.pop("zero").label
    'Nothing at all'
    """
    for need in needs:
        if need not in NEEDS:
            raise ValueError(f"unknown need {need!r}: choose from {', '.join(NEEDS)}")

    def enter(fit: Fit) -> Fit:
        METHODS[name] = Method(name, label, needs, fit, lucky)
        return fit

    return enter


def around(middle: float | np.ndarray, spread: float | np.ndarray, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Normal draws around a forecast: (draws, places).

    >>> around(0.5, 0.0, np.array([1.2]), np.random.default_rng(0)).max().item()
    0.5
    """
    return middle + spread * rng.standard_normal((DRAWS, len(at)))


@method("last", "Like the last one")
def last(seen: Curve, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random walk without direction: the last value, and steps as large as those before."""
    gaps = np.diff(seen.x)
    noise = seen.errors[1:] ** 2 + seen.errors[:-1] ** 2
    freedom = len(gaps)
    rate = max(float(np.mean((np.diff(seen.values) ** 2 - noise) / gaps)), 0.0)
    rates = rate * freedom / rng.chisquare(freedom, (DRAWS, 1))
    now = _measured(seen, rng)[:, None]
    return now + np.sqrt(rates * (at - 1)) * rng.standard_normal((DRAWS, len(at)))


def _measured(seen: Curve, rng: np.random.Generator) -> np.ndarray:
    """What the last model may truly score, given its answers."""
    if seen.n is not None:
        right = seen.values[-1] * seen.n[-1]
        return rng.beta(right + 0.5, seen.n[-1] - right + 0.5, DRAWS)
    return seen.values[-1] + seen.errors[-1] * rng.standard_normal(DRAWS)


@method("line", "Line in log size")
def line(seen: Curve, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A straight line by least squares, with its prediction interval of the textbooks."""
    return grids.line_draws(seen.x, seen.values, seen.errors, at, rng)


@method("power", "Power law of what is missing to the best", needs=("best",))
def power(seen: Curve, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The gap to the best possible value falls as a power of size: its logarithm is a straight line in log size."""
    least = 0.5 / seen.n.max() if seen.n is not None else 1e-9
    gap = np.maximum(seen.high - seen.values, max(least, 1e-3 * float(np.max(seen.high - seen.values))))
    log_gap = grids.line_draws(seen.x, np.log(gap), np.minimum(seen.errors / gap, 1.0), at, rng)
    # A gap that grows beyond three times the largest seen is not believed: exponentials of wild lines have no mean.
    return seen.high - np.exp(np.minimum(log_gap, np.log(3 * gap.max())))


@method("sigmoid", "Sigmoid in log size", needs=("share",))
def sigmoid(seen: Curve, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A logistic curve from chance up (or down), its top one of three; scatter is normal and the same everywhere."""
    found = grids.logistic(seen.x, seen.values, seen.errors, seen.chance)
    return found.draw(at[None, :], rng)


@method("broken", "Line with one knee")
def broken(seen: Curve, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A line that may change its slope once, at a place that is not known; average over all places."""
    return grids.knee_draws(seen.x, seen.values, seen.errors, at, rng)


@method("counts", "Power law of minus log accuracy, from counts", needs=("share", "counts"))
def counts(seen: Curve, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Minus the log of accuracy above chance is a power of size; the likelihood is that of the counts.

    A zero of n carries its bound, as in PassUntil (Hu et al. 2024). Models scatter more than their items: the
    binomial is widened by a factor that is fitted as well.
    """
    return grids.pass_rate(seen.x, seen.values, seen.n, seen.chance).draw(at[None, :], rng)


@method("two-stage", "Smooth metric first, then accuracy from it", needs=("share", "partner"))
def two_stage(seen: Curve, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The smooth metric by a power law; accuracy as a logistic curve of the smooth metric, fitted on the smaller models."""
    partner = seen.partner
    assert partner is not None, "a method that needs a partner is asked about curves that have one"
    return through(seen, (power if np.isfinite(partner.high) else line)(partner, at, rng), rng)


def through(seen: Curve, ahead: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn draws of the smooth partner's next values into draws of the sharp metric: the second stage.

    Parameters
    ----------
    seen : a curve with a partner
    ahead : (draws, places), of the partner
    """
    partner = seen.partner
    assert partner is not None, "the second stage needs the first one's metric"
    ahead = partner.cut(ahead)
    least, most = partner.values.min(), partner.values.max()
    width = max(most - least, 1e-12)
    found = grids.logistic((partner.values - least) / width, seen.values, seen.errors, seen.chance)
    return found.draw((ahead - least) / width, rng)


@method("items", "Easy and hard items", needs=("share", "items"), lucky=True)
def by_item(seen: Curve, at: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each model has an ability, each item a difficulty; the ability is a line in log size.

    All models were asked the same items, so their luck is smaller than that of new ones, and is added here.
    """
    fitted = items.fit(seen.items)
    spread = np.maximum(fitted.ability_errors, 1e-3)
    ahead = grids.line_draws(seen.x, fitted.abilities, np.minimum(spread, 1.0), at, rng)
    share, luck = items.accuracy(fitted, np.clip(ahead, -15, 15))
    return share + luck * rng.standard_normal(share.shape)
