"""Judges of the exercises in the part on vision."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl

from mirage_lib import outputs
from mirage_lib.claims import registry, transformer
from mirage_lib.claims import vision as measured
from mirage_lib.exercises.comparing import number, numbers
from mirage_lib.exercises.idea import coin_scores
from mirage_lib.exercises.registry import Verdict, exercise


@exercise("postcode")
def postcode(answer: object) -> Verdict:
    return numbers(
        answer,
        [0.95**5, 0.99**0.2],
        "Twenty-five times fewer wrong digits, for what looks like the last few percent.",
        slips=[
            ((0.95 * 5, None), "Five times 95 % is more than everything. The digits have to be right together: multiply."),
            ((1 - 5 * 0.05, None), "Five errors of 5 % each would add up like this if no two fell on one postcode. "
             "Multiply the chances to be right."),
            ((0.95, None), "That is one digit. All five have to be right."),
            ((None, 0.99**5), "The second goes the other way: which accuracy, to the power 5, is 0.99?"),
            ((None, 0.99 / 5), "Do not divide: take the fifth root."),
        ],
        within=0,
        margin=0.0006,
        hint="Independent digits multiply. Give three decimals.",
    )  # fmt: skip


@exercise("mean-of-powers")
def mean_of_powers(answer: object) -> Verdict:
    powers, power = (0.1**10 + 0.9**10) / 2, 0.5**10
    return numbers(
        answer,
        [powers, power],
        "A mixture of networks has far more whole rows right than its mean network.",
        slips=[
            ((power, powers), "The two have changed places: first the mean of powers."),
            ((power, None), "The first is the mean of two powers: take the power before the mean."),
            ((0.9**10, None), "This is the better half alone. Average with the dead half."),
            ((2 * powers, None), "You forgot to divide by two."),
            ((None, powers), "The second is the power of the mean: take the mean before the power."),
        ],
        within=0.02,
        hint="Powers first and then the mean, or the mean first and then the power.",
    )


@exercise("choose-four", points=2)
def choose_four(answer: object) -> Verdict:
    table = measured.networks().filter(pl.col("k") == 10).group_by("n_params").agg(pl.col("estimate").mean()).sort("n_params")
    y = table["estimate"].to_numpy()
    score = coin_scores(np.array([y[list(four)] for four in combinations(range(len(y)), 4)]))
    one = measured.networks().filter(pl.col("k") == 1).group_by("n_params").agg(pl.col("estimate").mean()).sort("n_params")
    plain = one["estimate"].to_numpy()
    other = coin_scores(np.array([plain[list(four)] for four in combinations(range(len(y)), 4)]))
    power = coin_scores(np.array([plain[list(four)] ** 10 for four in combinations(range(len(y)), 4)]))
    whole = float(coin_scores(y[None])[0])
    return numbers(
        answer,
        [score.min(), score.max()],
        "The same networks, the same metric: who chooses the sizes chooses the score.",
        slips=[
            ((other.min(), other.max()), "These are scores of plain accuracy, K = 1. Use the table `ten`."),
            ((power.min(), power.max()), "These are powers of the mean accuracy. `ten` has the mean over networks of all ten right."),
            ((score.max(), score.min()), "The least comes first."),
            ((whole, whole), "This is the score of all 14 sizes. Choose four, in every way there is."),
            ((None, whole), "This is the score of all 14 sizes. Choose four, in every way there is."),
        ],
        within=0.02,
        hint="`itertools.combinations` lists all choices of four sizes; score each.",
    )


@exercise("half-threshold")
def half_threshold(answer: object) -> Verdict:
    return number(
        answer,
        2**1.25,
        "More than twice the size for half the threshold, and the error itself never jumped.",
        slips=[
            (2, "That would be so with an error of 1 / N. The exponent is 0.8."),
            (2**0.8, "Solve for N: the exponent is one over 0.8, not 0.8."),
            (2**-1.25, "The cliff moves to *larger* networks: a smaller threshold is harder to meet."),
            (1.25, "This is the exponent. Two to this power."),
        ],
        hint="Set N to the power -0.8 equal to c, and solve for N.",
    )


@exercise("unequal-pictures", points=2)
def unequal_pictures(answer: object) -> Verdict:
    s = np.array([0.1, 0.5, 1.0])
    z = 1.2815516
    return numbers(
        answer,
        np.exp(2 * z * s / 0.8),
        "The wider the crowd of errors, the gentler the climb: a threshold is sharp where pictures are alike.",
        slips=[
            (np.exp(z * s / 0.8), "This goes from one half to 90 %. The way from 10 % is twice as long in ln N."),
            (np.exp(2 * z * s * 0.8), "Divide by 0.8: ln N has to move further than the errors."),
            (2 * z * s / 0.8, "This is the distance in ln N. The factor is its exponential."),
            (np.exp(2 * 1.959964 * s / 0.8), "The quantile is that of 90 % of a normal distribution, 1.28, not 1.96."),
            (10 ** (2 * z * s / 0.8), "The logarithms are natural: take e, not 10."),
            (np.exp(2 * z * s), "The errors fall with N to the power 0.8: divide by it."),
        ],
        within=0.02,
        hint="The fraction is Phi((ln c + 0.8 ln N) / s). How far apart in ln N are 10 % and 90 %?",
    )


@exercise("order-a-jump", points=2)
def order_a_jump(answer: object) -> Verdict:
    table = registry.frozen("vision-autoencoder-photographs")
    sizes = table["n_params"].unique().sort()
    ten, eleven = (np.sort(table.filter(pl.col("n_params") == n)["squared_error"].to_numpy()) for n in sizes[9:11])
    every = np.concatenate([ten, eleven])

    def step(c):
        return np.searchsorted(eleven, c) / len(eleven) - np.searchsorted(ten, c) / len(ten)

    most = step(every).max()
    given = numbers(answer, [np.inf, np.inf], "")
    if "wanted" in given.message or "nan" in given.message:
        return given
    c, claimed = map(float, np.asarray(answer, dtype=float))
    if abs(claimed - most) <= 0.02 and abs(step(c) - most) <= 0.02:
        return Verdict(True, "Announce it, and say who chose the threshold.")
    if claimed < 0:
        return Verdict(False, "A step down? Larger networks copy more: eleventh minus tenth size.")
    if abs(claimed - 100 * most) <= 2:
        return Verdict(False, "In percent. Give a share.")
    if abs(step(claimed) - most) <= 0.02 and abs(c - most) <= 0.02:
        return Verdict(False, "The two have changed places: the threshold comes first.")
    if abs(claimed - most) <= 0.02:
        return Verdict(False, "The step is right, but this threshold does not give it: look where the difference is largest.")
    if abs(claimed - step(c)) <= 0.02:
        return Verdict(False, f"This threshold does give that step, but another gives more: try many.")
    return Verdict(False, "At this threshold the step is another. It is the fraction of the eleventh size minus that of the tenth.")


@exercise("two-kinds-of-episodes")
def two_kinds_of_episodes(answer: object) -> Verdict:
    return numbers(
        answer,
        [0.8**5, (1 + 0.6**5) / 2],
        "Errors that come together leave more rows whole.",
        slips=[
            (((1 + 0.6**5) / 2, 0.8**5), "The two have changed places: first the power of the mean."),
            ((None, 0.8**5), "The second is a mean of two fifth powers: easy episodes are all right."),
            ((None, 0.6**5), "This is the hard half alone. Average with the easy half."),
            ((None, 1 + 0.6**5), "You forgot to divide by two."),
            ((0.6**5, None), "The mean p of both halves is wanted, to the fifth power."),
        ],
        within=0.015,
        hint="First the mean, then its fifth power; then the two fifth powers, and their mean.",
    )


@exercise("which-rho", points=2)
def which_rho(answer: object) -> Verdict:
    from scipy.optimize import brentq

    row = transformer.published_powers().sort("accuracy").row(3, named=True)
    p, seen = row["accuracy"], row["printed"]

    rho = brentq(lambda r: three_right(p, r) - seen, 0, 0.95)
    given = number(answer, rho, "")
    if not given.right and "wanted" not in given.message and float(answer) > 1:
        return Verdict(False, "More than 1, and so no correlation. Is it the ratio to p cubed?")
    other = transformer.published_powers().sort("accuracy").row(4, named=True)
    return number(
        answer,
        rho,
        "Far more than ours: such a correlation within episodes, or a mixture of runs.",
        slips=[
            (rho / (1 - rho), "This is the parameter theta = rho / (1 - rho)."),
            (seen / p, "This is the chance of two more, given one right. Solve for rho."),
            (0, "With rho = 0 it would be p cubed."),
            (brentq(lambda r: three_right(other["accuracy"], r) - other["printed"], 0, 0.95), "This is the fifth row. Take the fourth."),
        ],
        within=0,
        margin=0.011,
        hint="Try a fine grid of rho, and take the one whose chance of three right is nearest to the printed one.",
    )


def three_right(p: float, rho: float) -> float:
    """Chance of three right in a beta-binomial with mean p and correlation rho.

    >>> round(three_right(0.5, 0.0), 3), round(three_right(0.5, 1 / 3), 3)
    (0.125, 0.25)
    """
    theta = rho / (1 - rho)
    return p * (p + theta) * (p + 2 * theta) / ((1 + theta) * (1 + 2 * theta))


@exercise("shuffled-episodes", points=2)
def shuffled_episodes(answer: object) -> Verdict:
    table = registry.frozen("vision-transformer")
    size = table["n_params"].unique().sort()[2]
    parts = table.filter(pl.col("n_params") == size).partition_by("seed")
    right = [np.array(part["correct"].to_list(), dtype=float) for part in parts]
    power = np.mean([one.mean() ** 5 for one in right])
    together = np.mean([one.all(axis=1).mean() for one in right]) / power
    apart = np.mean([one.mean(axis=0).prod() for one in right]) / power  # queries on their own multiply
    return numbers(
        answer,
        [together, apart],
        "Shuffled, the excess is gone: it came from episodes, not from queries.",
        slips=[
            ((together, together), "The second is unchanged. Shuffle each query's column on its own, not whole episodes."),
            ((apart, together), "The two have changed places: first as answered."),
            ((1 / together, None), "Upside down: all five right over the power."),
            ((together * power, None), "This is the share with all five right. Divide by the fifth power."),
            ((None, apart * power), "This is the share with all five right. Divide by the fifth power."),
        ],
        within=0.02,
        margin=0.01,
        hint="`rng.permuted(part, axis=1)` shuffles each query of each network on its own.",
    )


@exercise("even-ramp")
def even_ramp(answer: object) -> Verdict:
    def step(x):
        return 1000 * (1 + x / 10)

    return numbers(
        answer,
        [step(np.log(0.5)), step(np.log(0.01))],
        "More than half of the time is gone before a plain axis shows anything.",
        slips=[
            ((500, None), "One half is a probability here, not half of the way: its logarithm is -0.69."),
            ((step(np.log10(0.5)), None), "Nats are natural logarithms, not decimal ones."),
            ((None, step(np.log10(0.01))), "Nats are natural logarithms, not decimal ones."),
            ((step(np.log2(0.5)), None), "Nats are natural logarithms, not those to the base 2."),
            ((step(np.log(0.01)), step(np.log(0.5))), "The two have changed places."),
            ((-100 * np.log(0.5), -100 * np.log(0.01)), "This counts from the end. At step 0 it is -10."),
        ],
        within=0,
        margin=1.5,
        hint="One hundredth of a nat a step, from -10. Solve for the logarithm of the probability.",
    )


@exercise("which-runs-grok", points=2)
def which_runs_grok(answer: object) -> Verdict:
    keys = ["share", "weight_decay", "seed"]
    usual = outputs.load_table("vision-grokking").filter(pl.col("step") % 50 == 0)
    from mirage_lib.vision import grokking

    puzzle = grokking.Puzzle()
    usual = usual.with_columns(share=pl.lit(puzzle.share), weight_decay=pl.lit(puzzle.weight_decay))
    varied = outputs.load_table("vision-grokking-varied")
    both = pl.concat([varied, usual.select(varied.columns)], how="vertical_relaxed")

    half_right = pl.col("step").filter(pl.col("accuracy") >= 0.5).min()
    first = both.filter(pl.col("half") == "test").group_by(keys).agg(half_right)["step"]
    never, n = first.null_count(), len(first)
    return numbers(
        answer,
        [never, first.min()],
        "More pairs and more decay grok sooner; without enough of both a run may never get there.",
        slips=[
            ((n - never, None), "These runs *do* get there. How many never do?"),
            ((n, None), "These are all runs."),
            ((None, first.max()), "This is the latest. The earliest is asked for."),
            ((0, None), "Some runs have no step at all: count the missing values."),
        ],
        within=0,
        hint="`null_count()` and `min()` of the column `step`.",
    )
