"""Judges of the exercises in the first part, the idea."""

from __future__ import annotations

import contextlib
from functools import lru_cache

import numpy as np
import polars as pl

from mirage_lib import curves, emergence, theory
from mirage_lib.exercises.comparing import function, number, numbers
from mirage_lib.exercises.registry import Verdict, exercise

Z = 1.959964  # the normal quantile of a 95 % interval


def wilson(k: float, n: int, z: float = Z) -> tuple[float, float]:
    """Wilson's interval, solved here from its quadratic equation, independently of the library.

    >>> [round(end, 3) for end in wilson(0, 100)]
    [0.0, 0.037]
    """
    a, b, c = n + z * z, -(2 * k + z * z), k * k / n
    root = np.sqrt(max(b * b - 4 * a * c, 0.0))
    return max(0.0, float(-b - root) / (2 * a)), float(-b + root) / (2 * a)


@exercise("none-of-32", points=2)
def none_of_32(answer: object) -> Verdict:
    p = 3 / 32
    half = Z * np.sqrt(p * (1 - p) / 32)
    return numbers(
        answer,
        [wilson(0, 32), wilson(3, 32)],
        "The intervals overlap widely: 32 items do not tell these two models apart.",
        slips=[
            ([[0, 0], [p - half, p + half]], "This is the textbook interval. At zero it is a point, and certain of it."),
            ([[0, 0], [None, None]], "An interval that is a point claims to be certain after 32 failures."),
            ([[0, 1 / 32], [None, None]], "1/32 is the step of the scale, not the largest rate that zero allows."),
            ([[0, 1 - 0.05 ** (1 / 32)], [None, None]], "This bound has its 5 % on one side. An interval has two ends, "
             "and `curves.wilson` gives both."),
            ([wilson(0, 32, 1.644854), wilson(3, 32, 1.644854)], "These are intervals of 90 %, not of 95 %."),
            ([wilson(3, 32), wilson(0, 32)], "The two intervals have changed places: 0 of 32 comes first."),
        ],
        margin=0.001,
        hint="Call `curves.wilson` with the right answers and the number of items.",
    )  # fmt: skip


@exercise("problems-or-repeats", points=2)
def problems_or_repeats(answer: object) -> Verdict:
    # A beta-binomial mean: the correlation of two answers to one problem is 1 / (a + b + 1) = 1 / 11.
    variance = {k: 0.01 * 0.99 / 10_000 * (1 + (10_000 // k - 1) / 11) for k in (10_000, 1_000, 100)}
    spread = {k: v**0.5 for k, v in variance.items()}
    return numbers(
        answer,
        spread,
        "Problems are what counts: a hundred of them, however often asked, say three times less.",
        slips=[
            (list(variance.values()), "These look like variances. The spread is a standard deviation: take the root."),
            ([spread[10_000]] * 3, "All three alike: this is the binomial spread of 10,000 answers. It forgets that "
             "two answers to one problem share its rate."),
            ([(0.01 * 0.99 / k) ** 0.5 for k in spread], "This counts the problems only, as if each were asked once. "
             "Asking again does help a little."),
            ([0.01, 0.01, 0.01], "This is the mean, which is the same in all three. The question is its spread."),
        ],
        within=0.15,
        hint="Take the standard deviation over many simulated evaluations of the *averages* (to within 15 %).",
    )  # fmt: skip


@exercise("without-the-largest")
def without_the_largest(answer: object) -> Verdict:
    tasks = curves.published("wei-list")
    emergent = tasks.filter(pl.col("category") == "emergent")["first_emergent_model"].to_list()
    largest = ("GPT-3 175B", "LaMDA 137B", "PaLM 540B")
    left, n = sum(model not in largest for model in emergent), tasks.height
    return number(
        answer,
        left / n,
        "Most of the list hangs on one model in each family.",
        slips=[
            (left, "This is a number of tasks. Divide it by all annotated tasks."),
            (len(emergent) / n, "This is the share with the largest models. Take out what was first seen in them."),
            ((len(emergent) - left) / n, "This is the share that would be lost. Which is left?"),
            (left / len(emergent), "This is a share of the emergent tasks. The question is for a share of all annotated ones."),
        ],
        hint="Count the emergent tasks that were first seen in a model that is not the largest of its family.",
    )  # fmt: skip


@exercise("emergent-coins", points=2)
def emergent_coins(answer: object) -> Verdict:
    tosses = np.random.default_rng(77).binomial(40, 0.5, (60_000, 8)) / 40
    score = coin_scores(tosses)
    above, infinite = (score > 7).mean(), np.isposinf(score).mean()
    unsigned = (np.abs(score) > 7).mean()
    return numbers(
        answer,
        [above, infinite],
        "Noise seldom looks emergent with eight models and many different scores. With fewer of both it does more often.",
        slips=[
            ((unsigned, None), "This counts falling families as well. The score is negative where the best model is smaller "
             "than the worst."),
            ((1 - above, None), "This is the share that stays below the line."),
            ((0.5, None), "Half of the families rise. Few of them rise as a straight line or more."),
        ],
        within=0.25,
        margin=0.003,
        hint="Toss 40 coins for each of eight models, score the eight shares, and repeat a few thousand times "
        "(to within a quarter).",
    )  # fmt: skip


def coin_scores(values: np.ndarray) -> np.ndarray:
    """The published score of each row, written out again from the formula."""
    middle = np.median(np.abs(np.diff(values, axis=1)), axis=1)
    climb = values.max(axis=1) - values.min(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values.argmax(axis=1) > values.argmin(axis=1), 1, -1) * climb / middle


@exercise("twice-the-parameters")
def twice_the_parameters(answer: object) -> Verdict:
    return numbers(
        answer,
        [2**-0.5, 2**-0.1],
        "Doubling buys little on a flat law.",
        slips=[
            ((2**0.5, 2**0.1), "You lost the minus sign: the loss falls."),
            ((1 - 2**-0.5, 1 - 2**-0.1), "This is by how much it falls. What is it multiplied by?"),
            ((0.5, None), "Half the loss takes four times the parameters, at this exponent."),
            ((np.exp(-0.5), np.exp(-0.1)), "The base is the factor in size, 2, not e."),
        ],
        hint="In (N / c) to the power alpha, N is doubled: everything else cancels.",
    )


@exercise("steeper-than-p", points=2)
def steeper_than_p(answer: object) -> Verdict:
    p = 5**-0.25
    size = 2e9 / np.log(p) ** 2
    return numbers(
        answer,
        [p, size],
        "Left of it accuracy moves less than p; right of it, up to five times more.",
        slips=[
            ((0.2, None), "This solves 5 p = 1. The slope of the fifth power has p to the fourth in it."),
            ((5**-0.2, None), "This is the fifth root. The slope has p to the fourth in it."),
            ((None, size / 1e9), "The second in parameters, please, not in billions."),
            ((p, 2e9 / -np.log(p)), "Nearly: with alpha = -1/2, N / c is one over the *square* of the loss."),
            ((p, 2e9 * np.log(p) ** 2), "Upside down: a smaller loss needs a larger model."),
            ((p, 2e9 / np.log10(p) ** 2), "The loss is in nats: take the natural logarithm."),
        ],
        within=0.02,
        hint="Set the slope of the fifth power to 1, then solve the chapter's formula for N, with c = 2 billion.",
    )


@exercise("mild-exponent")
def mild_exponent(answer: object) -> Verdict:
    given = number(answer, np.inf, "")
    if "wanted" in given.message or "nan" in given.message:
        return given
    alpha = float(answer)
    if alpha >= 0:
        return Verdict(False, "With a positive exponent the loss grows with size. It has to be negative.")
    sizes = np.array([350e6, 1.3e9, 6.7e9, 200e9])
    accuracy = np.exp(-5 * (sizes / 2e9) ** alpha)
    steps, line = np.abs(np.diff(accuracy)), np.diff(np.log(sizes))
    score, straight = np.ptp(accuracy) / np.median(steps), line.sum() / np.median(line)
    if score <= straight:
        return Verdict(True, "A law so steep makes p itself leap: fewer differences are left for the power to stretch.")
    if alpha > -0.4:
        return Verdict(False, "A flat law flattens p, yet the fifth power of it still outscores a straight line: the score "
                       "divides by the median step, and that shrinks as well. Look on the other side.")  # fmt: skip
    return Verdict(False, f"Its score is {score / straight:.1f} times that of the straight line. You may go further.")


@exercise("one-error-forgiven")
def one_error_forgiven(answer: object) -> Verdict:
    return function(
        answer,
        [(0.0,), (0.1,), (0.3,), (0.9,)],
        lambda e: (1 - e) ** 4 * (1 + 4 * e),
        "Its slope at zero is zero: the first errors cost nothing.",
        slips=[
            (lambda e: (1 - e) ** 5, "This is exact match: none wrong. Exactly one wrong is allowed as well."),
            (lambda e: 5 * e * (1 - e) ** 4, "This is exactly one wrong. None wrong counts as well."),
            (lambda e: (1 - e) ** 5 + e * (1 - e) ** 4, "Which of the five digits is the wrong one? There are five ways."),
            (lambda e: (1 - e) ** 4, "Four given digits right is another event: the fifth may be any, but the wrong one "
             "may be any of the five."),
            (lambda e: 1 - e, "This is the share of right digits."),
        ],
        hint="Add the chances of none wrong and of exactly one wrong.",
    )  # fmt: skip


@exercise("raw-bleu", points=2)
def raw_bleu(answer: object) -> Verdict:
    errors = np.linspace(0, 0.9, 11)
    raw, smooth = (mean_bleu(method) for method in ("none", "exp"))
    chord = np.interp(errors, errors[[0, -1]], raw[[0, -1]])
    truth = np.abs(raw - chord).max() / (raw[0] - raw[-1])
    sag = np.abs(smooth - np.interp(errors, errors[[0, -1]], smooth[[0, -1]])).max() / (smooth[0] - smooth[-1])
    return number(
        answer,
        truth,
        "Without smoothing the argument gets more of its due, though not all: exact match bends more.",
        slips=[
            (sag, "This is the bend with smoothing. Switch it off: `smooth_method='none'`."),
            (100 * truth, "This is in percent of the climb. Give a share."),
            (np.abs(raw - chord).max() * 100, "sacrebleu scores from 0 to 100. Divide by 100 before you register it."),
        ],
        within=0.04,
        hint="Use the chapter's `bend` on the curve of your metric, with `words`, not with `digits`.",
    )


@lru_cache
def mean_bleu(smoothing: str) -> np.ndarray:
    from sacrebleu.metrics import BLEU

    scorer = BLEU(effective_order=True, smooth_method=smoothing, tokenize="intl")
    rows = theory.text_outputs(np.linspace(0, 0.9, 11), 5, 1000, words=True).select("target", "output").rows()
    return np.array([scorer.sentence_score(o, [t]).score for t, o in rows]).reshape(11, -1).mean(axis=1) / 100


@exercise("bend-of-length", points=2)
def bend_of_length(answer: object) -> Verdict:
    def distance(length: int) -> float:
        slope = (1 - 0.1**length) / 0.9  # of the chord, downwards
        low = 1 - (slope / length) ** (1 / (length - 1))  # where the curve is as steep as its chord
        return (1 - slope * low) - (1 - low) ** length

    return function(
        answer,
        [(2,), (5,), (20,), (50,)],
        lambda length: distance(length) / (1 - 0.1**length),
        "It goes to 1: a target that is long enough turns any error into a cliff at zero.",
        slips=[
            (lambda n: (0.5 + 0.5 * 0.1**n - 0.55**n) / (1 - 0.1**n), "This is the distance in the middle. The largest one may be elsewhere."),
            (lambda n: 100 * distance(n) / (1 - 0.1**n), "In percent. Give a share of the climb."),
            (distance, "This is the distance itself. Give it as a share of the climb."),
            (lambda n: (1 - (1 - (1 / n) ** (1 / (n - 1)))) - (1 / n) ** (n / (n - 1)),
             "This is the chord over errors from 0 to 1. It ends at 0.9 here."),
        ],
        within=0.02,
        margin=0.003,
        hint="Draw the chord from error 0 to error 0.9, take the largest distance, divide by the climb.",
    )  # fmt: skip


@exercise("scores-by-hand")
def scores_by_hand(answer: object) -> Verdict:
    return numbers(
        answer,
        [10, 10],
        "Both the same. The score never asks where the leap is.",
        slips=[
            ((3, 3), "You divided by the mean step. The score divides by the median one."),
            ((10 / 8, 10 / 8), "You divided by the largest step. The score divides by the median one."),
            ((8, 8), "This is the largest step over the median one. The whole climb stands above the fraction."),
            ((10, None), "One is right. Write the three steps of the other down, and put them in order."),
            ((None, 10), "One is right. Write the three steps of the other down, and put them in order."),
        ],
        hint="The climb, divided by the median of the three steps.",
    )


@exercise("steepness", points=2)
def steepness(answer: object) -> Verdict:
    sizes = np.array([350e6, 1.3e9, 6.7e9, 200e9])
    p = np.exp(-((sizes / 2e9) ** -0.5))

    def mean_slope(n, y):
        return np.max(np.diff(y) / np.diff(np.log(n))) / np.mean(np.diff(y) / np.diff(np.log(n)))

    return function(
        answer,
        [(sizes, p**5), (sizes, p), (sizes, np.log(sizes)), (sizes[:3], p[:3])],
        lambda n, y: max(abs(np.diff(y)) / np.diff(np.log(n))) * np.log(n[-1] / n[0]) / (max(y) - min(y)),
        "A straight line has 1 wherever its models stand, and adding models does not raise it without end.",
        slips=[
            (lambda n, y: np.max(np.diff(y)) / np.mean(np.diff(y)), "You took steps. A slope is a step over a distance in log "
             "size, and these sizes are not evenly spaced."),
            (lambda n, y: max(np.diff(y) / np.diff(n)) * (n[-1] - n[0]) / (max(y) - min(y)), "Distances in *log* size, please."),
            (lambda n, y: max(np.diff(y) / np.diff(np.log(n))), "Divide by the average slope: the climb over the whole distance."),
            (mean_slope, "The mean of the slopes is not the average slope: a short piece counts as much as a long one. "
             "Take the climb over the whole distance."),
        ],
        hint="The largest of step / distance in log size, over climb / whole distance.",
    )  # fmt: skip


@exercise("forecast-resolution", points=2)
def forecast_resolution(answer: object) -> Verdict:
    widths, spreads = forecast_widths()
    return numbers(
        answer,
        widths,
        "With enough items the small models betray the climb: resolution buys a forecast of the jump.",
        slips=[
            ([w / 2 for w in widths.values()], "This is half of the distance between the quantiles."),
            (list(spreads), "These are standard deviations. Take the distance between the two quantiles."),
            ([w / 10 for w in widths.values()], "Far too narrow: did you keep the eighth model, half-way up?"),
            ([list(widths.values())[1]] * 3, "The number of items has no effect here: draw the shares from n items."),
        ],
        within=0.4,
        hint="Draw shares from n items, fit a sigmoid to all but the largest, and look at observed minus forecast "
        "(to within 40 %, since 60 evaluations are few).",
    )  # fmt: skip


@lru_cache
def forecast_widths() -> tuple[dict[int, float], list[float]]:
    """Widths of 90 % and standard deviations of the errors, from evaluations of our own."""
    kept = np.delete(np.geomspace(1e7, 1e11, 9), 7)
    truth = 1 / (1 + np.exp(-5 * (np.log10(kept) - 10.6)))
    rng, widths, spreads = np.random.default_rng(5), {}, []
    for n in (100, 1000, 100_000):
        errors = []
        for shares in rng.binomial(n, truth, (60, 8)) / n:
            with contextlib.suppress(RuntimeError):
                errors.append(emergence.forecast(kept, shares, "sigmoid").error)
        widths[n] = float(np.ptp(np.quantile(errors, (0.05, 0.95))))
        spreads.append(float(np.std(errors)))
    return widths, spreads
