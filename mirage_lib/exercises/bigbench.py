"""Judges of the exercises in the part on BIG-Bench."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from math import comb

import numpy as np
import polars as pl

from mirage_lib.analyses import base_rates, choices, metric_shares, recipes, score_noise
from mirage_lib.bigbench import lamda
from mirage_lib.exercises.comparing import function, kind, number, numbers, one_of
from mirage_lib.exercises.registry import Verdict, exercise

INF = float("inf")


@exercise("no-bell")
def no_bell(answer: object) -> Verdict:
    return numbers(
        answer,
        [19, 1],
        "The same 95 % is a strong link or none: it depends on the others.",
        slips=[
            ((1.9, None), "This is a ratio of shares. Odds are share over (1 - share)."),
            ((1 / 19, None), "Upside down: the odds among the hurt stand above the fraction."),
            ((None, 0), "This is a difference. Two equal odds have the ratio one."),
            ((None, 19 * 19), "Upside down in the second: divide by the odds of the unhurt."),
        ],
        hint="Turn each share into odds, then divide.",
    )


@exercise("fisher-by-hand", points=2)
def fisher_by_hand(answer: object) -> Verdict:
    found = base_rates.contrast()
    yes, n = found.yes + found.other_yes, found.emergent + found.others

    def chance(k: int) -> float:
        return comb(yes, k) * comb(n - yes, found.emergent - k) / comb(n, found.emergent)

    most = min(yes, found.emergent)
    more = sum(chance(k) for k in range(found.yes + 1, most + 1))
    return number(
        answer,
        more + chance(found.yes),
        "The sum of a handful of chances: the margins leave little room.",
        slips=[
            (chance(found.yes), "This is the chance of exactly this table. As much *or more* is asked for."),
            (more, "This leaves out the table itself: start the sum at what was seen."),
            (1 - more - chance(found.yes), "This is the other side. Sum from what was seen upwards."),
            (found.fisher("two-sided"), "This is the two-sided p."),
        ],
        within=0.005,
        hint="Chance of k: comb(yes, k) * comb(no, emergent - k) / comb(all, emergent). Sum over k.",
    )


@exercise("wrong-labels", points=2)
def wrong_labels(answer: object) -> Verdict:
    found = base_rates.contrast()
    (yes, no), (other_yes, other_no) = found.cells

    def kept(a: float, b: float) -> float:
        return 0.95 * a + 0.05 * b

    truth = kept(yes, other_yes) * kept(other_no, no) / (kept(no, other_no) * kept(other_yes, yes))
    columns = kept(yes, no) * kept(other_no, other_yes) / (kept(no, yes) * kept(other_yes, other_no))
    return number(
        answer,
        truth,
        "Blind errors pull the groups together. A contrast that survives them was larger.",
        slips=[
            (found.ratio, "This is the odds ratio before any label is turned. (If you took 5 % away everywhere: what is "
             "turned has to arrive in the other row.)"),
            (1 / truth, "Upside down."),
            (columns, "You turned the metric. It is the label, emergent or not, that is turned: between the rows."),
            (found.ratio**2 / truth, "It gets smaller, not larger: errors that do not look at the metric mix the groups."),
        ],
        hint="Each count keeps 95 % of itself and gets 5 % of the count in the other row.",
    )  # fmt: skip


@exercise("few-false-alarms", points=2)
def few_false_alarms(answer: object) -> Verdict:
    # The second list passes at k = 4 though it fails at 2 and 3; the last keeps nothing.
    lists = [[0.001, 0.012, 0.5, 0.9], [0.04, 0.012, 0.045, 0.041], [0.03, 0.9, 0.8], [0.2, 0.6]]

    def kept(p: Sequence[float]) -> int:
        q = np.sort(p)
        return int(np.max(np.flatnonzero(q <= 0.05 * np.arange(1, len(q) + 1) / len(q)) + 1, initial=0))

    def until(p: Sequence[float]) -> int:
        q = np.sort(p) <= 0.05 * np.arange(1, len(p) + 1) / len(p)
        return int(np.argmin(q)) if not q.all() else len(q)

    return function(
        answer,
        [(p,) for p in lists],
        kept,
        "What such a rule leaves can mostly be believed; what it drops may still be true.",
        slips=[
            (lambda p: sum(x <= 0.05 for x in p), "This counts each p-value on its own: with many, luck alone passes some."),
            (lambda p: sum(x <= 0.05 / len(p) for x in p), "This is Bonferroni's rule, 0.05 / m for all. The bar rises with the rank here."),
            (until, "You stop at the first that fails. The rule asks for the *largest* k that passes."),
            (lambda p: int(np.sum(np.sort(p) <= 0.05 * np.arange(1, len(p) + 1) / len(p))), "You count those that pass. "
             "All up to the largest k are kept, also those between that fail."),
            (lambda p: int(np.max(np.flatnonzero(np.array(p) <= 0.05 * np.arange(1, len(p) + 1) / len(p)) + 1, initial=0)),
             "Order the p-values first."),
        ],
        hint="Order them; find the largest k whose p-value is at most 0.05 k / m; return it, or 0.",
    )  # fmt: skip


@exercise("ties-by-luck")
def ties_by_luck(answer: object) -> Verdict:
    ties = [comb(2 * n, n) / 4**n for n in (25, 1000)]  # the sum of squared binomial chances, in closed form
    return numbers(
        answer,
        ties,
        "In a small test a tie is common, and a zero in the denominator with it.",
        slips=[
            ([1 / 26, 1 / 1001], "Scores are not equally likely: those near one half come much more often."),
            ([comb(n, n // 2) / 2**n for n in (25, 1000)], "This is the chance of one given score. Two models may meet at any."),
            ([1 / 25, 1 / 1000], "This is the step of the scale, not a chance."),
            ([0.5, 0.5], "Both have the rate one half; how often do they *score* the same?"),
            ([1 - t for t in ties], "This is how often they differ."),
        ],
        within=0.02,
        hint="Sum, over all scores k, the chance that both models have k.",
    )


@exercise("always-confident")
def always_confident(answer: object) -> Verdict:
    of = (pl.col("task") == "sports_understanding") & (pl.col("shots") == 2) & (pl.col("metric") == "brier")
    values = lamda.published().filter(of).sort("n_params")["score"].to_numpy()[[0, 4]]
    c = 0.5 + np.sqrt(values - 0.25)
    return numbers(
        answer,
        c,
        "The improvement of the Brier score can be nothing but lost confidence.",
        slips=[
            (1 - np.sqrt(values), "This turns (1 - c) squared round, as if the favourite were always right. Half of the time it is wrong."),
            (np.sqrt(values), "This takes c squared alone, as if the favourite were always wrong. Half of the time it is right."),
            (1 - c, "The *other* choice gets this. The favourite has more than one half."),
            (values, "These are the Brier scores. Solve for the confidence."),
        ],
        hint="The mean of (1 - c) squared and c squared has to be the Brier score.",
    )


@exercise("best-report", points=2)
def best_report(answer: object) -> Verdict:
    keys = ("right choice", "sum over choices", "grade")
    if not isinstance(answer, Mapping) or set(keys) - set(answer):
        return Verdict(False, f"A dictionary with the keys {', '.join(keys)} is wanted here.")
    try:
        given = np.array([np.asarray(answer[key], dtype=float) for key in keys])
    except (TypeError, ValueError):
        return Verdict(False, "Each report is three numbers.")
    if given.shape != (3, 3) or np.abs(given.sum(axis=1) - 1).max() > 0.02:
        return Verdict(False, "Each report is three probabilities that add up to 1.")
    truth = np.array([0.5, 0.3, 0.2])
    best = 1 - 2 / (1 / truth).sum() / truth  # by Lagrange: q (1 - p) is the same for all choices
    if given[2].argmax() != 0 or np.sort(given[2])[-2] >= given[2][0]:
        return Verdict(False, "Under the grade, only the order counts: the most probable choice has to come first.")
    return numbers(
        given[:2],
        [best, truth],
        "Only the sum over all choices rewards saying what one believes.",
        slips=[
            ([truth, truth], "Believed and reported alike: the sum rewards that. Under the right choice alone one gains by "
             "being bolder. Look for the minimum."),
            ([[1, 0, 0], [None] * 3], "Too bold: when the others are right, a square of 1 is a high price."),
            ([best, best], "Under the sum over choices being bolder costs: its minimum lies elsewhere."),
            ([truth, best], "The first two have changed places."),
        ],
        within=0,
        margin=0.02,
        hint="Compute the expected score of every report on a grid, and look for the least.",
    )  # fmt: skip


@exercise("who-is-in-the-pool", points=2)
def who_is_in_the_pool(answer: object) -> Verdict:
    whole = choices.of("mmlu")

    def share(part: pl.DataFrame, metric: str, sign: int) -> float:
        return choices.steepest(np.log10(part["flops"].to_numpy()), sign * part[metric].to_numpy())

    if isinstance(answer, Mapping) and np.isnan(answer.get("brier", 0)):
        return Verdict(False, "Nothing climbs: the Brier score falls when models get better. Turn its sign.")
    rest = whole.filter(pl.col("family") != "Qwen1.5")
    only = whole.filter(pl.col("family") == "Qwen1.5")
    signs = {"accuracy": 1, "brier": -1}
    return numbers(
        answer,
        {metric: share(rest, metric, sign) for metric, sign in signs.items()},
        "The step changes with who is in the pool: that is no property of the metric.",
        slips=[
            ([share(whole, m, s) for m, s in signs.items()], "Qwen1.5 is still in the pool."),
            ([share(only, m, s) for m, s in signs.items()], "You kept Qwen1.5 and left the others out."),
        ],
        within=0.02,
        hint="Filter `choices.of('mmlu')` by family, then `choices.steepest` over log10 of `flops`.",
    )


@exercise("twice-as-probable")
def twice_as_probable(answer: object) -> Verdict:
    return numbers(
        answer,
        [-0.25, 0, 0],
        "Bits per byte sees the text; shares and ranks among choices do not see a common factor.",
        slips=[
            ((0.25, None, None), "More probable is *fewer* bits."),
            ((-1, None, None), "One bit less for the whole text: share it among its bytes."),
            ((-np.log(2) / 4, None, None), "This is in nats. Bits have logarithms to the base 2."),
            ((None, 1, None), "All choices are doubled, so the share of the right one stays."),
            ((None, 0.5, None), "All choices are doubled, so the share of the right one stays."),
            ((-4, None, None), "Divide by the number of bytes."),
        ],
        hint="Bits are -log2 p; the other two compare choices with each other.",
    )


@exercise("two-steps-miss")
def two_steps_miss(answer: object) -> Verdict:
    if isinstance(answer, str) or not isinstance(answer, Sequence) or len(answer) != 2:
        return Verdict(False, f"The names of a task and of a model are wanted here, not {kind(answer)}.")
    table = recipes.forecasts()
    ways = {way: part.sort("error").select("task", "model").row(-1) for (way,), part in table.group_by("way")}
    mine = table.filter(pl.col("way") == "two steps")
    if tuple(answer) == ways["two steps"]:
        return Verdict(True, "Where bits per byte says little about accuracy, two steps do not help.")
    if tuple(answer) in ways.values():
        return Verdict(False, "That is the worst miss of another way to forecast. Filter by `way`.")
    if tuple(answer) not in mine.select("task", "model").rows():
        return Verdict(False, "There is no such pair: take both names from the table, the task first.")
    if tuple(answer) == mine.sort("error").select("task", "model").row(0):
        return Verdict(False, "That is the *best* forecast. Sort the other way round.")
    if answer[0] == ways["two steps"][0]:
        return Verdict(False, "The task is right. Which of the two models?")
    return Verdict(False, "Sort the rows of this way by `error`, which has no sign, largest first.")


@exercise("more-than-wobble", points=2)
def more_than_wobble(answer: object) -> Verdict:
    part = recipes.along("hellaswag_val", "accuracy")
    x, y = np.log10(part["flops_1e21"].to_numpy()), part["value"].to_numpy()
    design = np.vander(x - x.mean(), 4)
    left = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    variance = left @ left / (len(y) - 4)
    own = recipes.wobble().filter((pl.col("task") == "hellaswag_val") & (pl.col("metric") == "accuracy"))["noise"][0]
    share = own**2 / variance
    return number(
        answer,
        1 - share,
        "Runs of the same compute differ by more than luck: size and training length are not the same thing.",
        slips=[
            (share, "This is the share that the wobble *does* explain."),
            (1 - share**0.5, "This compares standard deviations. Variances add up: square both."),
            (1 - own**2 / y.var(), "This is a share of all variance of the scores. Take what is left beside the fitted curve."),
            (1 - 1 / share, "Upside down: the wobble's variance over that between runs."),
        ],
        within=0.01,
        hint="One minus the wobble's variance over that of the residuals.",
    )


@exercise("one-in-a-hundred")
def one_in_a_hundred(answer: object) -> Verdict:
    return numbers(
        answer,
        [INF, 10, 10],
        "One answer in a hundred, and an infinite score is finite.",
        slips=[
            ((INF, INF, INF), "Write the steps of the second down: its median is not zero any more."),
            ((INF, INF, None), "A step down counts as well: it is squared."),
            ((3, None, None), "You divided by the mean step. The score divides by the median one."),
            ((0, None, None), "Something over zero is not zero. What does the book say of a median step of zero?"),
            ((None, 2.5, None), "You divided by a mean step. The score divides by the median one."),
            ((INF, 10, 9), "The climb is from the least to the greatest value, not the last step."),
        ],
        hint="Three steps each: square them, take the median, its root, and divide the climb by it.",
    )


@exercise("widest-interval", points=2)
def widest_interval(answer: object) -> Verdict:
    table = redrawn()
    finite = table.filter(pl.col("score").is_finite()).with_columns(width=pl.col("high") - pl.col("low"))
    bounded = finite.filter(pl.col("width").is_finite()).sort("width")
    wrong = {
        finite.sort("score")["task"][-1]: "It has the highest score, but not the widest interval with finite ends.",
        bounded["task"][0]: "That is the narrowest. Sort the other way round.",
    }
    wrong |= {task: "One end of its interval is infinite, so it is left out here."
              for task in finite.filter(~pl.col("width").is_finite())["task"]}  # fmt: skip
    wrong |= {task: "Its score is infinite." for task in table.filter(pl.col("score").is_infinite())["task"]}
    truth = bounded["task"][-1]
    wrong.pop(truth, None)
    if isinstance(answer, str) and answer in set(bounded["task"]) - {truth, *wrong}:
        return Verdict(False, "Its interval is not the widest: sort by `high - low`.")
    if isinstance(answer, str) and answer not in set(table["task"]):
        return Verdict(False, f"There is no task {answer!r}: take a name from the column `task`.")
    return one_of(answer, truth, wrong, "A tiny median step in the denominator: a high score and a wide interval go together.")


redrawn = cache(score_noise.redrawn)


@exercise("which-emerges")
def which_emerges(answer: object) -> Verdict:
    return numbers(
        answer,
        [INF, INF, 1],
        "The score does not look at where the step is: you have to.",
        slips=[
            ((None, None, 2), "The second has the ability from the second model on. Emergent is what smaller models lack."),
            ((INF, 1, None), "The second has one step of 1 and three of 0 as well: its median step is 0."),
            ((4, 4, None), "You divided by the mean step. The score divides by the median one."),
            ((1, 1, None), "You divided by the largest step. The score divides by the median one."),
            ((0, 0, None), "Something over zero is not zero: the book calls it infinite."),
            ((-INF, None, None), "The best value belongs to a larger model than the worst: plus."),
        ],
        hint="Four steps each: three are 0. Something over zero is infinite.",
    )


@exercise("late-or-early")
def late_or_early(answer: object) -> Verdict:
    table = metric_shares.scored().filter(pl.col("exceedance").is_not_null())
    late, above = (table["above"] & table["late"]).sum(), table["above"].sum()
    return number(
        answer,
        late / above,
        "A score above its null is no sign of a late rise: look at the curve.",
        slips=[
            (late, "A number of curves. Divide by those that are above their null."),
            (table.filter("above")["late"].mean(), "Some curves have no value in `late`, and a mean leaves them out. Divide by "
             "all that are above."),
            (late / table.height, "This is a share of all tested curves. Take those above their null only."),
            (1 - late / above, "This is the share that does *not* rise late."),
            (table["late"].mean(), "This is the share of late curves among all. Take those above their null only."),
            (above / table.height, "This is the share above their null."),
        ],
        hint="Filter by `above`, add `late` up, and divide by the number of rows.",
    )  # fmt: skip


@exercise("same-metric", points=2)
def same_metric(answer: object) -> Verdict:
    from scipy import stats

    table = metric_shares.scored().filter(pl.col("exceedance").is_not_null(), pl.col("metric") == "accuracy")
    counts = []
    for origin in ("few-shot", "lm-eval"):
        above = table.filter(pl.col("origin") == origin)["above"]
        counts.append((int(above.sum()), len(above)))
    cells = [[a, n - a] for a, n in counts]
    return number(
        answer,
        stats.fisher_exact(cells).pvalue,
        "The same metric, another share: the table, its tasks and models, matter as well.",
        slips=[
            (stats.fisher_exact(counts).pvalue, "The table of two by two has *above* and *not above*, not above and tested."),
            (stats.fisher_exact(cells).statistic, "This is the odds ratio."),
            (stats.chi2_contingency(cells).pvalue, "This is the chi-squared test, a poor guide where counts are small."),
        ],
        within=0.02,
        hint="`stats.fisher_exact` of [[above, not above], [above, not above]].",
    )
