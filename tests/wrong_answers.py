"""Typical wrong answers to the exercises, each with words that its message has to hold.

They are worked out here as a student would get them, not taken from the judges.
"""

from functools import cache
from math import comb, exp, log, log10, sqrt

import numpy as np
import polars as pl

from mirage_lib import curves, outputs
from mirage_lib.analyses import base_rates, choices, metric_shares, recipes, score_noise
from mirage_lib.bigbench import lamda

INF = float("inf")
COINS = np.random.default_rng(3).binomial(40, 0.5, (4000, 8)) / 40
RATIOS = [1.987, 1.986, 1.975, 1.87, 1.27, 1.0]
"""Of the exercise on early stopping, rounded."""


def coin_share(both_signs: bool) -> float:
    steps = np.median(np.abs(np.diff(COINS, axis=1)), axis=1)
    with np.errstate(divide="ignore"):
        score = np.ptp(COINS, axis=1) / steps
    up = COINS.argmax(axis=1) > COINS.argmin(axis=1)
    return float(((score > 7) & (up | both_signs)).mean())


@cache
def tasks() -> tuple[int, int, int]:
    """Annotated tasks, emergent ones, and those first seen in the largest of a family."""
    table = curves.published("wei-list")
    seen = table.filter(pl.col("category") == "emergent")["first_emergent_model"]
    return table.height, len(seen), seen.is_in(["GPT-3 175B", "LaMDA 137B", "PaLM 540B"]).sum()


@cache
def contrast() -> base_rates.Contrast:
    return base_rates.contrast()


@cache
def sports() -> np.ndarray:
    table = lamda.published().filter(task="sports_understanding", shots=2, metric="brier").sort("n_params")
    return table["score"].to_numpy()[[0, 4]]


def pooled(leave_out: str, sign: int) -> list[float]:
    part = choices.of("mmlu").filter(pl.col("family") != leave_out)
    x = np.log10(part["flops"].to_numpy())
    return [choices.steepest(x, part["accuracy"].to_numpy()), choices.steepest(x, sign * part["brier"].to_numpy())]


@cache
def miss(way: str, best: bool = False) -> tuple[str, str]:
    part = recipes.forecasts().filter(pl.col("way") == way).sort("error", descending=not best)
    return part.select("task", "model").row(0)


@cache
def residuals() -> tuple[float, float, float]:
    part = recipes.along("hellaswag_val", "accuracy")
    x, y = np.log(part["flops_1e21"].to_numpy()), part["value"].to_numpy()
    own = recipes.wobble().filter(task="hellaswag_val", metric="accuracy")["noise"][0]
    return own, float(np.std(y - np.polyval(np.polyfit(x, y, 3), x), ddof=4)), float(np.std(y))


@cache
def scored() -> pl.DataFrame:
    return metric_shares.scored().filter(pl.col("exceedance").is_not_null())


def accuracy_counts() -> list[tuple[int, int]]:
    parts = (scored().filter(metric="accuracy", origin=origin)["above"] for origin in ("few-shot", "lm-eval"))
    return [(int(part.sum()), len(part)) for part in parts]


def fisher(cells) -> float:
    from scipy import stats

    return float(stats.fisher_exact(cells).pvalue)


def odds(counts) -> float:
    (a, n), (b, m) = counts
    return a * (m - b) / (b * (n - a))


def score_table(pick) -> pl.DataFrame:
    from mirage_lib.exercises import arithmetic

    return arithmetic.scores_at(tuple(pick(sorted(outputs.load("arithmetic-ladder")["n_params"].unique()))))


def lenet(k: int) -> list[float]:
    from itertools import combinations

    from mirage_lib import emergence
    from mirage_lib.claims import vision

    table = vision.networks().filter(k=k).group_by("n_params").agg(pl.col("estimate").mean()).sort("n_params")
    x, y = table["n_params"].to_numpy(), table["estimate"].to_numpy()
    found = [emergence.score(x[list(four)], y[list(four)]) for four in combinations(range(len(y)), 4)]
    return [min(found), max(found)]


@cache
def shuffled() -> tuple[float, float]:
    from mirage_lib.claims import registry

    table = registry.frozen("vision-transformer")
    part = table.filter(pl.col("n_params") == table["n_params"].unique().sort()[2])
    right = [np.array(one["correct"].to_list()) for one in part.partition_by("seed")]
    power = np.mean([one.mean() ** 5 for one in right])
    return float(np.mean([one.all(axis=1).mean() for one in right]) / power), float(power)


@cache
def grokked() -> pl.Series:
    usual = outputs.load_table("vision-grokking").filter(pl.col("step") % 50 == 0, half="test")
    varied = outputs.load_table("vision-grokking-varied").filter(half="test")
    first = pl.col("step").filter(pl.col("accuracy") >= 0.5).min()
    return pl.concat([usual.group_by("seed").agg(first)["step"], varied.group_by("share", "weight_decay", "seed").agg(first)["step"]])


def matched(metric: str) -> list[float]:
    from mirage_lib.analyses import matching

    ladder = outputs.load("arithmetic-ladder")
    return [matching.effect(matching.compared(ladder, task), metric, draws=2).estimate for task in matching.LENGTHS]


def tokens(text: str) -> float:
    from mirage_lib.arithmetic import prices, problems

    return prices.estimate(problems.held_out_prompts(problems.ADDITION, 4, 100, template=text)["prompt"], 16).prompt_tokens / 100


GERMAN = "Wie viel ist {a} {sign} {b}? Antwort: {answer}\n"
ERRORS = np.linspace(0, 0.9, 91)


def sag(y: np.ndarray) -> float:
    return float(np.abs(y - np.interp(ERRORS, ERRORS[[0, -1]], y[[0, -1]])).max())


def firsts(compare):
    return lambda t: pl.Series([compare(a, b) for a, b in zip(t["target"], t["output"])])


def pairs_of_four() -> int:
    return sum(a * b >= 1000 for a in range(100) for b in range(100))


# Answers that take a while are wrapped in a function of no argument, in a tuple of one.
WRONG = {
    "four-of-five": [([4 / 5, comb(30, 5)], "no four fifths"), ([0.5, comb(30, 5) * 120], "order of the bits"), ([0.5, 30**5], "taken twice")],
    "three-seeds": [([(0.95 + 0.01) / 2, 0.37], "Weigh each"), ([0.292, 0.3**3], "all fail"), ([0.292, 1 - 0.3**3 - 0.7**3], "both groups")],
    # the idea
    "without-the-largest": [
        ((lambda: tasks()[1] / tasks()[0],), "with the largest"), ((lambda: tasks()[2] / tasks()[0],), "would be lost"),
        ((lambda: tasks()[1] - tasks()[2],), "number of tasks"),
    ],
    "emergent-coins": [
        ([coin_share(True), 0.001], "falling families"), ([0.5, 0.001], "rise as a straight line"),
        ([1 - coin_share(False), 0.001], "below the line"),
    ],
    "twice-the-parameters": [([sqrt(2), 2**0.1], "minus sign"), ([1 - sqrt(0.5), 1 - 2**-0.1], "by how much it falls")],
    "steeper-than-p": [([0.2, 1e9], "p to the fourth"), ([5**-0.25, 2e9 / (log(5) / 4)], "square")],
    "mild-exponent": [(0.5, "negative"), (-0.1, "flattens p"), (-0.7, "further")],
    "one-error-forgiven": [((lambda: lambda e: (1 - e) ** 5,), "exact match"), ((lambda: lambda e: 5 * e * (1 - e) ** 4,), "None wrong")],
    "raw-bleu": [((lambda: smooth_bend(),), "with smoothing"), (0.7, "not with `digits`")],
    "bend-of-length": [
        ((lambda: lambda n: (0.5 + 0.5 * 0.1**n - 0.55**n) / (1 - 0.1**n),), "middle"), ((lambda: lambda n: 100 * sag((1 - ERRORS) ** n) / (1 - 0.1**n),), "percent"),
    ],
    "scores-by-hand": [([3, 3], "mean step"), ([1.25, 1.25], "largest step")],
    "steepness": [
        ((lambda: lambda n, y: np.max(np.diff(y)) / np.mean(np.diff(y)),), "steps"),
        ((lambda: lambda n, y: np.max(np.diff(y) / np.diff(np.log(n))),), "average slope"),
    ],
    "forecast-resolution": [({100: 0.08, 1000: 0.033, 100_000: 0.004}, "eighth model"), ({100: 0.3, 1000: 0.3, 100_000: 0.3}, "no effect")],
    "none-of-32": [
        ([(0, 0), (3 / 32 - 1.96 * sqrt(3 * 29 / 32**3), 3 / 32 + 1.96 * sqrt(3 * 29 / 32**3))], "textbook"),
        ([(0, 1 / 32), (0.03, 0.24)], "step of the scale"),
    ],
    "problems-or-repeats": [
        ({10_000: 0.001, 1000: 0.001, 100: 0.001}, "share its rate"),
        ({10_000: 9.9e-7, 1000: 1.8e-6, 100: 9.9e-6}, "variances"),
    ],
    # arithmetic
    "rare-success": [([15.4, 384.1, 7.7], "right* answers"), ([39996, 999_900, 2], "standard error")],
    "own-template": [
        (["Wie viel ist {a} und {b}? {answer}", 20], "{sign}"), ((lambda: [GERMAN, tokens(GERMAN)],), "whole prompt"),
        ((lambda: [GERMAN, tokens(GERMAN) / tokens("plain")],), "ratio"),
    ],
    "one-log-probability": [(9900, "standard error"), (100, "a single right one")],
    "credit-for-nothing": [(0.1, "blind digits"), (0.25, "by luck")],
    "first-digit": [
        ((lambda: firsts(lambda a, b: b != "" and a[-1] == b[-1]),), "last"), ((lambda: firsts(lambda a, b: a == b),), "whole answers"),
    ],
    "four-sizes": [((lambda: score_table(lambda s: s),), "all sizes"), ((lambda: score_table(lambda s: s[:4]),), "smallest")],
    "rare-products": [
        ((lambda: [round(4.2e-5 * pairs_of_four()), pairs_of_four(), 0, 0],), "ten times"),
        ((lambda: [4.2e-4 * pairs_of_four(), 10 * pairs_of_four(), 1e-5, 1e-4],), "whole"),
    ],
    "early-stopping": [([r - 1 for r in RATIOS], "excess"), ([1] * 6, "Unbiased")],
    "free-places": [([4.0, 0, 0, 0], "multiply"), ([1 - 0.2**5, 0, 0, 0], "at least one")],
    "easy-and-hard": [([0, 0.4385, 0.2763], "Independent"), ([0.254, 0.2763, 0.2763], "mean of fourth powers")],
    "matched-per-token": [
        ((lambda: dict(zip(("addition", "multiplication"), matched("exact_match"))),), "exact match"),
        ((lambda: {k: -v for k, v in zip(("addition", "multiplication"), matched("per_token_accuracy"))},), "signs"),
    ],
    "mean-over-runs": [([0.6] * 3, "power of the mean"), ([0.45, 0.378, 0.33210], "accuracies")],
    # BIG-Bench
    "no-bell": [([1.9, 1], "ratio of shares"), ([19, 0], "difference")],
    "fisher-by-hand": [((lambda: contrast().fisher("two-sided"),), "two-sided"), ((lambda: exactly_this(),), "or more")],
    "wrong-labels": [((lambda: contrast().ratio,), "before"), (30.0, "keeps 95 %")],
    "few-false-alarms": [
        ((lambda: lambda p: sum(x <= 0.05 for x in p),), "on its own"), ((lambda: lambda p: sum(x <= 0.05 / len(p) for x in p),), "Bonferroni"),
    ],
    "ties-by-luck": [([1 / 26, 1 / 1001], "equally likely"), ([comb(25, 12) / 2**25, comb(1000, 500) / 2**1000], "one given score")],
    "always-confident": [((lambda: 1 - np.sqrt(sports()),), "always right"), ((lambda: 0.5 - np.sqrt(sports() - 0.25),), "other* choice")],
    "best-report": [
        (dict.fromkeys(("right choice", "sum over choices", "grade"), [0.5, 0.3, 0.2]), "bolder"),
        (dict.fromkeys(("right choice", "sum over choices", "grade"), [0.3, 0.5, 0.2]), "order"),
    ],
    "who-is-in-the-pool": [
        ((lambda: dict(zip(("accuracy", "brier"), pooled("", -1))),), "still in the pool"),
        ((lambda: dict(zip(("accuracy", "brier"), pooled("Qwen1.5", 1))),), "Turn its sign"),
    ],
    "twice-as-probable": [([0.25, 0, 0], "fewer"), ([-1, 0, 0], "among its bytes")],
    "two-steps-miss": [((lambda: miss("two steps", best=True),), "best"), (["hellaswag_val", "GPT-5"], "no such pair")],
    "more-than-wobble": [
        ((lambda: (residuals()[0] / residuals()[1]) ** 2,), "does* explain"), ((lambda: 1 - residuals()[0] / residuals()[1],), "square both"),
    ],
    "one-in-a-hundred": [([3, 1, 1], "mean step"), ([INF, INF, INF], "not zero any more")],
    "widest-interval": [((lambda: infinite_task(),), "infinite"), ("a task of mine", "column `task`")],
    "which-emerges": [([INF, INF, 2], "smaller models lack"), ([4, 4, 1], "mean step")],
    "late-or-early": [
        ((lambda: int((scored()["above"] & scored()["late"]).sum()),), "number of curves"),
        ((lambda: 1 - (scored()["above"] & scored()["late"]).sum() / scored()["above"].sum(),), "not* rise late"),
    ],
    "same-metric": [
        ((lambda: fisher(accuracy_counts()),), "not above"), ((lambda: odds(accuracy_counts()),), "odds ratio"),
    ],
    # beyond
    "how-many-more": [(2167, "in all"), (9554, "one half")],
    "whose-items": [([0.2, -0.2], "turned round"), ([-0.2, -0.2], "Only items 50"), ([-20, 20], "percentage points")],
    # vision
    "postcode": [([4.75, 0.998], "more than everything"), ([0.774, 0.951], "other way")],
    "mean-of-powers": [([0.5**10, 0.17434], "changed places"), ([0.9**10, 0.5**10], "better half")],
    "choose-four": [((lambda: lenet(1),), "K = 1"), ((lambda: lenet(10)[::-1],), "least comes first")],
    "half-threshold": [(2, "exponent is 0.8"), (2**-1.25, "larger")],
    "unequal-pictures": [
        ([exp(1.2816 * s / 0.8) for s in (0.1, 0.5, 1)], "twice as long"), ([2 * 1.2816 * s / 0.8 for s in (0.1, 0.5, 1)], "exponential"),
    ],
    "order-a-jump": [([0.1, -0.3], "step down"), ([1e-9, 0.0], "try many")],
    "two-kinds-of-episodes": [([0.5389, 0.3277], "changed places"), ([0.3277, 0.0778], "hard half")],
    "which-rho": [(0, "p cubed"), ((lambda: 0.07 / 0.281**3,), "More than 1")],
    "shuffled-episodes": [
        ((lambda: [shuffled()[0]] * 2,), "unchanged"), ((lambda: [shuffled()[0] * shuffled()[1], 1],), "Divide by the fifth power"),
    ],
    "two-forecasts": [([0.2, 0.1], "half of the mean distance"), ([0.1, 0], "Ben has no spread"), ([0.0, 0.1], "Take off *half*")],
    "score-an-interval": [
        ((lambda: lambda low, high, truth: high - low,), "Only the width"),
        ((lambda: lambda low, high, truth: high - low + 2 * max(low - truth, truth - high, 0),), "too cheap"),
    ],
    "eighty-of-a-hundred": [([comb(10, 8) * 0.9**8 * 0.1**2, 0.002], "exactly"), ([0.2639, 0.2639], "far less likely")],
    "even-ramp": [([500, 539.5], "half of the way"), ([1000 + 100 * log10(0.5), 1000 + 100 * log10(0.01)], "natural")],
    "which-runs-grok": [((lambda: [0, grokked().min()],), "missing values"), ((lambda: [grokked().null_count(), grokked().max()],), "latest")],
}  # fmt: skip


@cache
def smooth_bend() -> float:
    from mirage_lib import theory

    outputs_of = theory.text_outputs(np.linspace(0, 0.9, 11), 5, 1000, words=True)
    y = curves.curve(outputs_of, "bleu", draws=1)["estimate"].to_numpy()
    chord = np.linspace(y[0], y[-1], 11)
    return float(np.abs(y - chord).max() / (y[0] - y[-1]))


def exactly_this() -> float:
    found = contrast()
    yes, n = found.yes + found.other_yes, found.emergent + found.others
    return comb(yes, found.yes) * comb(n - yes, found.emergent - found.yes) / comb(n, found.emergent)


@cache
def infinite_task() -> str:
    return score_noise.redrawn(draws=5).filter(pl.col("score").is_infinite())["task"][0]
