"""Judges of the exercises in the part on arithmetic."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache

import numpy as np
import polars as pl

from mirage_lib import curves, emergence
from mirage_lib.analyses import matching
from mirage_lib.arithmetic import prices, problems
from mirage_lib.claims import registry
from mirage_lib.exercises.comparing import function, kind, number, numbers
from mirage_lib.exercises.idea import Z, wilson
from mirage_lib.exercises.registry import Verdict, exercise


def items_needed(share: float, error: float) -> float:
    """How many items give an interval with this half-width, as a share of the rate.

    >>> round(items_needed(0.5, 0.5))
    15
    """
    return Z**2 * (1 - share) / (share * error**2)


@exercise("rare-success", points=2)
def rare_success(answer: object) -> Verdict:
    half, tenth = items_needed(1e-4, 0.5), items_needed(1e-4, 0.1)
    return numbers(
        answer,
        [half, tenth, tenth * 2e-6],
        "Five times finer costs twenty-five times as much.",
        slips=[
            ((half * 1e-4, tenth * 1e-4, None), "These are numbers of *right* answers. Divide by the rate to have questions."),
            ((half / Z**2, tenth / Z**2, None), "This is for one standard error. An interval of 95 % takes 1.96 of them."),
            ((half, half * 5, None), "The error enters squared: five times finer is twenty-five times as many."),
            ((1e4, None, None), "With 10,000 questions you expect one right answer: that says very little of the rate."),
            ((half, tenth, tenth * 1e-7), "Every prompt has 20 tokens."),
            ((half, tenth, tenth * 2), "The price is for a million tokens."),
        ],
        within=0.02,
        hint="`curves.needed` takes the rate and the relative error.",
    )


@exercise("own-template", points=2)
def own_template(answer: object) -> Verdict:
    if not (isinstance(answer, Sequence) and len(answer) == 2 and isinstance(answer[0], str)):
        return Verdict(False, f"A template and a number are wanted here, in a list, not {kind(answer)}.")
    text, more = answer
    if lacking := [place for place in ("{a}", "{sign}", "{b}", "{answer}") if place not in text]:
        return Verdict(False, f"The template lacks {', '.join(lacking)}: write it in the place where it is to stand.")
    if text.index("{answer}") < max(text.index(place) for place in ("{a}", "{b}")):
        return Verdict(False, "The answer stands before the question: a model would have nothing to answer.")
    try:
        prompts = {t: problems.held_out_prompts(problems.ADDITION, 4, 100, template=t)["prompt"] for t in ("plain", text)}
    except ValueError as error:
        return Verdict(False, str(error))
    plain, own = (np.mean([len(re.findall(prices.TOKEN, p)) for p in prompts[t]]) for t in ("plain", text))
    return number(
        more,
        own - plain,
        "A prompt holds two solved examples and the question, so that every word is paid three times.",
        slips=[
            (own, "This is the whole prompt. How many more than in the plain format?"),
            (own / plain, "This is a ratio. The question is for a difference."),
            (plain - own, "The sign: more tokens than plain is a positive number."),
            (100 * (own - plain), "This is for 100 prompts together. Divide."),
            ((own - plain) / 3, "This is one line. A prompt has two solved examples besides."),
        ],
        margin=0.02,
        hint="Make 100 prompts with each template and compare `prices.estimate(prompts, 16).prompt_tokens`.",
    )


@exercise("one-log-probability")
def one_log_probability(answer: object) -> Verdict:
    needed = items_needed(0.01, 0.1)
    return number(
        answer,
        needed,
        "That many answers for one problem, and one log-probability would have said it exactly.",
        slips=[
            (needed / Z**2, "This is for one standard error. An interval of 95 % takes 1.96 of them."),
            (items_needed(0.01, 0.5), "This is to within half. The question is for a tenth."),
            (needed * 0.01, "This is the number of right answers among them."),
            (100, "With a hundred answers you expect a single right one: that is far from a tenth."),
            (1, "One log-probability is enough; but how many *answers* are?"),
        ],
        within=0.02,
        hint="The same rule as for items: the rate is 0.01, the relative error a tenth.",
    )


@exercise("credit-for-nothing")
def credit_for_nothing(answer: object) -> Verdict:
    return number(
        answer,
        1.3 / 4,
        "A third of full marks, without any adding.",
        slips=[
            (0.1, "This is four blind digits. The first one is known here."),
            (0.25, "The three others are right by luck now and then: one in ten each."),
            (1.3, "Add up, and divide by the four places."),
            (0.001, "This is the chance that the whole answer is right. Per-token accuracy counts each digit."),
        ],
        hint="Average over the four places what each of them earns.",
    )


@exercise("first-digit", points=2)
def first_digit(answer: object) -> Verdict:
    # The target 77 against 17, 7 and 777 tells first from last, and a digit from the whole.
    table = pl.DataFrame({
        "target": ["1234", "1234", "77", "77", "77", "5", "905"],
        "output": ["1999", "9234", "17", "7", "777", "", "905"],
    })  # fmt: skip

    def firsts(t):
        return [bool(o) and o[0] == g[0] for g, o in t.rows()]

    return function(
        getattr(answer, "compute", answer),
        [(table,)],
        firsts,
        "It rises early and gently: the first digit is the easiest one.",
        slips=[
            (lambda t: [bool(o) and o[-1] == g[-1] for g, o in t.rows()], "You compare the *last* digits."),
            (lambda t: [o == g for g, o in t.rows()], "This compares whole answers: exact match."),
            (lambda t: [g.startswith(o) for g, o in t.rows()], "An empty answer has no first digit, and 1999 starts like 1234 "
             "though 1234 does not start with 1999. Compare one character."),
            (lambda t: [g[0] in o for g, o in t.rows()], "The target's first digit is somewhere in the answer. It has to come first."),
        ],
        hint="Compare the first characters of the columns `target` and `output`, row by row: `.str.head(1)`.",
    )  # fmt: skip


@exercise("four-sizes", points=2)
def four_sizes(answer: object) -> Verdict:
    if not isinstance(answer, pl.DataFrame):
        return Verdict(False, f"A Polars table is wanted here, not {kind(answer)}.")
    if missing := {"task", "group", "metric", "score"} - set(answer.columns):
        return Verdict(False, f"The table lacks the column {', '.join(sorted(missing))}.")
    sizes = sorted(registry.frozen("arithmetic-ladder")["n_params"].unique())
    four = [sizes[round(k * (len(sizes) - 1) / 3)] for k in range(4)]
    keys = ["task", "group", "metric"]
    wanted = scores_at(tuple(four))
    both = wanted.join(answer.select(*keys, given="score"), on=keys, how="left")
    if both["given"].null_count():
        row = both.filter(pl.col("given").is_null()).row(0, named=True)
        return Verdict(False, f"There is no score for {row['task']}, length {row['group']}, under {row['metric']}.")
    slips = [
        (sizes, "These are the scores of all sizes. Leave all but four out first."),
        (sizes[:4], "You took the four smallest. Take four that are spread over the whole list."),
        (sizes[-4:], "You took the four largest. Take four that are spread over the whole list."),
    ]
    others = ((scores_at(tuple(chosen))["score"].to_list(), said) for chosen, said in slips)  # only where needed
    return numbers(
        both["given"].to_list(),
        both["score"].to_list(),
        "Hold them against the scores of all sizes: which models one shows is in these numbers, too.",
        slips=others,
        within=0.03,
        hint="Filter `ladder` by four sizes, then `emergence.summary(curves.curve(...))` for each of the two metrics.",
    )


@cache
def scores_at(sizes: tuple[int, ...]) -> pl.DataFrame:
    """Emergence scores of both metrics at some sizes: ``task, group, metric, score``, always in the same order."""
    part = registry.frozen("arithmetic-ladder").filter(pl.col("temperature") == 0, pl.col("n_params").is_in(sizes))
    rows = []
    for name, sign in (("exact_match", 1), ("token_edit_distance", -1)):
        curve = curves.curve(part, name, draws=1)
        for (task, group), one in curve.group_by("task", "group", maintain_order=True):
            rows.append((task, group, name, emergence.score(one["n_params"], sign * one["estimate"])))
    schema = ["task", "group", "metric", "score"]
    return pl.DataFrame(rows, schema=schema, orient="row").sort("metric", "task", "group")


@exercise("rare-products", points=2)
def rare_products(answer: object) -> Verdict:
    products = np.outer(np.arange(100), np.arange(100))
    pairs = int((products >= 1000).sum())
    right, once = round(4.2e-5 * 10 * pairs), round(4.2e-5 * pairs)
    low, high = wilson(right, 10 * pairs)
    p = right / (10 * pairs)
    half = Z * np.sqrt(p / (10 * pairs))
    return numbers(
        answer,
        [right, 10 * pairs, low, high],
        "Three right answers are no measurement: the interval spans nearly a factor of ten.",
        slips=[
            ((once, pairs, None, None), "Each pair is asked ten times."),
            ((right, 10 * pairs, p - half, p + half), "This is the textbook interval. With three successes take Wilson's."),
            ((4.2e-5 * 10 * pairs, None, None, None), "A number of answers is whole: round it."),
            ((right, pairs, None, None), "The right answers are among ten times as many as there are pairs."),
        ],
        within=0.02,
        hint="Ten times the pairs, times the rate, rounded; then `curves.wilson(right, asked)`.",
    )


@exercise("early-stopping", points=2)
def early_stopping(answer: object) -> Verdict:
    rates = 10.0 ** np.arange(-6, 0)
    # rate + P(nothing among 128) * (9,984 / 10,112) * rate, over the rate
    ratio = 1 + (1 - rates) ** 128 * 9984 / 10_112
    return numbers(
        answer,
        ratio,
        "Stopping at success nearly doubles a small rate: the lucky 128 are never diluted.",
        slips=[
            (ratio - 1, "This is the excess. The question is for the mean over the true rate."),
            ([1] * 6, "Unbiased? Each part is, but which part is used depends on what was seen."),
            (1 / ratio, "Upside down: mean over rate."),
            (ratio * rates, "These are the means. Divide each by its rate."),
            ([2] * 6, "Nearly so for small rates. What happens where 128 samples are nearly always enough?"),
        ],
        within=0.12,
        margin=0.1,
        hint="Simulate both stages, use the first where it had a success, else all 10,112 samples (to within about a tenth).",
    )


@exercise("free-places", points=2)
def free_places(answer: object) -> Verdict:
    five, three = 0.8**5, 0.8**3
    return numbers(
        answer,
        [five, items_needed(five, 0.1), three, items_needed(three, 0.1)],
        "Two free places, and a target of five looks like one of three.",
        slips=[
            ((0.8 * 5, None, None, None), "Places have to be right together: multiply."),
            ((0.8 / 5, None, None, None), "Places have to be right together: multiply."),
            ((1 - 0.2**5, None, None, None), "This is the chance that at least one place is right."),
            ((None, None, five, None), "A free place cannot fail. How many can?"),
            ((None, items_needed(five, 0.5), None, None), "This is to within half. The question is for a tenth."),
            ((None, items_needed(0.8, 0.1), None, None), "Resolve the accuracy at five digits, not the one at a single digit."),
        ],
        within=0.02,
        hint="0.8 to the number of places that can fail; then `curves.needed(share, 0.1)`.",
    )


@exercise("easy-and-hard", points=2)
def easy_and_hard(answer: object) -> Verdict:
    mean, variance = 0.725, 0.225**2
    phi = variance / (mean * (1 - mean))
    return numbers(
        answer,
        [phi, (0.95**4 + 0.5**4) / 2, mean**4],
        "Errors come together, so that whole answers are right more often than the product says.",
        slips=[
            ((0, None, None), "Independent *within* an item, but items differ: a right character speaks for an easy item."),
            ((variance, None, None), "This is the covariance. Divide by the variance of one place."),
            ((None, mean**4, None), "Accuracy is a mean of fourth powers, not the fourth power of the mean."),
            ((None, None, mean), "This is one place. Multiply the four."),
            ((None, mean**4, (0.95**4 + 0.5**4) / 2), "The last two have changed places."),
        ],
        within=0.02,
        margin=0.01,
        hint="Draw which items are easy, then four characters for each.",
    )


@exercise("matched-per-token", points=2)
def matched_per_token(answer: object) -> Verdict:
    effects, exact = (matched(metric) for metric in ("per_token_accuracy", "exact_match"))
    given = list(effects.values())
    return numbers(
        answer,
        effects,
        "The same problems, the same answers; a free digit helps the longer ones.",
        slips=[
            (list(exact.values()), "These are the effects under exact match. Name the metric: `per_token_accuracy`."),
            ([-x for x in given], "The signs are turned: longer minus shorter."),
            ([100 * x for x in given], "In points. Give differences of shares."),
        ],
        within=0.02,
        margin=0.001,
        hint="`matching.effect(matching.compared(ladder, task), ...)` for both tasks.",
    )


@cache
def matched(metric: str) -> dict[str, float]:
    """The effect of one more character on each task, problems matched."""
    ladder = registry.frozen("arithmetic-ladder")
    return {task: matching.effect(matching.compared(ladder, task), metric, draws=2).estimate for task in matching.LENGTHS}


@exercise("mean-over-runs")
def mean_over_runs(answer: object) -> Verdict:
    both = [(0.9**k + 0.3**k) / 2 for k in (1, 2, 3, 4)]
    ratios = [b / a for a, b in zip(both, both[1:])]
    return numbers(
        answer,
        ratios,
        "Not geometric: the ratio rises towards the better run, though each run obeys the law.",
        slips=[
            ([0.6] * 3, "This is the power of the mean p. Take the mean of the two powers."),
            (both[1:], "These are accuracies. Divide each by the one before it."),
            (both[:3], "These are accuracies. Divide each by the one before it."),
            ([1 / r for r in ratios], "Upside down: the longer over the shorter."),
            ([0.27**0.5] * 3, "This is a geometric mean of the two runs. The plain mean is asked for."),
        ],
        within=0.005,
        hint="Four means of two powers, and three ratios of neighbours.",
    )
