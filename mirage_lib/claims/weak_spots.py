"""Weak spots: places where the paper itself errs or is silent, each checked by code before the book says so.

A row of this kind is upheld where the weak spot is there. The spots were known, by reading, before these rules were
written; so a rule only says what has to be computed, and how large it has to be, before the sentence may stand.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np
import polars as pl
from scipy.stats import binom

from mirage_lib import emergence, outputs, replicates, theory
from mirage_lib.analyses import lengths
from mirage_lib.bigbench import lamda
from mirage_lib.claims import appendix, brier, more_data, vision
from mirage_lib.claims.registry import Verdict, grade, test
from mirage_lib.forecasts import extrapolate

TASKS, METRICS, FAMILIES, TRIPLETS = 220, 40, 10, 1e6
"""What the number of triplets is made of (at least so many tasks, about so many metrics and families), and as the Discussion has it."""
SLACK = 0.1
"""Share of a value, or of a curve's range, that is not counted as a difference."""
FAR = 10.0
MIDDLE = 6_700_000_000
GRID = 20_001


@test
def printed_distance() -> Verdict:
    table = appendix.distances()
    seen, errors, room = table["estimate"].to_numpy(), table["error"].to_numpy(), table["room"].to_numpy()
    straight, printed = np.abs(seen - appendix.LENGTH * errors), np.abs(seen - appendix.LENGTH * (1 - errors))
    apart = errors != 0.5
    return Verdict(
        grade(bool((straight < room).all()), bool((printed > room)[apart].all())),
        f"Simulated answers of {appendix.LENGTH} tokens at {len(errors)} error rates: the mean edit distance is at most {straight.max():.2f} off L times the error; "
        f"off L (1 - error), as printed, it is {printed[apart].min():.2f} to {printed[apart].max():.2f} (rates other than one half).",
    )


@test
def mean_of_a_logarithm() -> Verdict:
    patterns = np.array(list(product((0, 1), repeat=appendix.LENGTH)))
    whole = patterns.prod(axis=1)
    with np.errstate(divide="ignore"):
        logarithm = np.log(whole)
    off, finite = [], 0
    for error in appendix.ERRORS:
        chance = np.where(patterns == 1, 1 - error, error).prod(axis=1)
        off.append(abs(float(chance @ whole) - (1 - error) ** appendix.LENGTH))
        finite += int(np.isfinite(chance @ logarithm))
    return Verdict(
        grade(max(off) < 1e-12, finite == 0),
        f"All {len(patterns)} patterns of right and wrong in {appendix.LENGTH} tokens, at {len(off)} error rates: the mean of the product is (1 - error)^L to within {max(off):.0e}, "
        f"with no logarithm; the mean of its logarithm is finite at {finite} of them, and minus infinity at the others, since one wrong token has the logarithm of zero.",
    )


@test
def number_of_triplets() -> Verdict:
    files = outputs.load_table("bigbench-metrics").with_columns(parent=pl.col("task").str.split("/").list.first())
    pairs = files.with_columns(pl.col("metrics").str.split(";")).explode("metrics").drop_nulls("metrics").select("parent", "metrics").unique()
    most, counted = TASKS * METRICS * FAMILIES, pairs.height * FAMILIES
    return Verdict(
        grade(most < TRIPLETS / 5, counted < TRIPLETS / 5),
        f"{TASKS} tasks, {METRICS} metrics and {FAMILIES} families make {most:,}, if every task had every metric, against about {TRIPLETS:,.0f} in the Discussion: {TRIPLETS / most:.0f} times as many. "
        f"The task files at hand ({pairs['parent'].n_unique()} tasks, without those written as programs) hold {pairs.height:,} pairs of task and metric, which makes {counted:,} triplets with {FAMILIES} families.",
    )


@test
def axis_and_subset_sizes() -> Verdict:
    least = float(vision.published().filter(pl.col("curve") == "grounded mappings")["x"].to_numpy().min())
    largest = max(lengths.SIZES)
    powers = vision.published_powers().filter(pl.col("units") == max(vision.SHOWN_UNITS)).sort("k")
    subsets = (np.log(powers["printed"].to_numpy()) / np.log(powers["accuracy"].to_numpy())).round(1)
    return Verdict(
        grade(least > 1e6 * largest, bool((subsets.round() > 5).all())),
        f"Fig. 11A labels its axis as parameters of GPT-3; its least value, as digitised, is {least:.1e}, and the largest GPT-3 of Fig. 3 has {largest:.2e} parameters. "
        f"In Fig. 11C the three curves end, at the largest network, at its accuracy to the power {', '.join(f'{k:g}' for k in subsets)}; the text says that K goes from 1 to 5.",
    )


@test
def captions() -> Verdict:
    sizes = outputs.load_table("vision-published").filter(pl.col("curve") == "MMLU")["x"].sort().to_list()
    named = [size for size in sizes if any(abs(size / known - 1) < SLACK for known in lengths.SIZES)]
    return Verdict(
        "cannot be tested here",
        "Read, not computed: the caption of Fig. 10 says ROUGE-L-Sum, where the figure and its axis are of BLEU. And Fig. 8A labels MMLU's sizes as those of GPT-3; "
        f"of its {len(sizes)} sizes as digitised ({', '.join(f'{size / 1e9:.3g}' for size in sizes)} billion), {len(named)} lies within a tenth of a GPT-3 size of Fig. 3. They may be other models; we cannot tell.",
    )


@test
def power_of_one_length() -> Verdict:
    gpt3 = lengths.published().filter((pl.col("n_params") == MIDDLE) & (pl.col("temperature") == 0)).sort("task", "length")
    far, uneven, said = [], [], []
    for (task,), part in gpt3.group_by("task", maintain_order=True):
        accuracy, last = part["accuracy"].to_numpy(), int(part["length"].to_numpy().max())
        expected, steps = accuracy[0] ** last, accuracy[1:] / accuracy[:-1]
        far.append(expected > FAR * accuracy[-1])
        uneven.append(steps.max() > 2 * steps.min())
        said.append(
            f"{task}: {accuracy[0]:.3f} on one character to the power {last} is {expected:.2f}, observed {accuracy[-1]:.2g}, {expected / accuracy[-1]:,.0f} times less; "
            f"from one length to the next accuracy is multiplied by {steps.min():.2g} to {steps.max():.2g}"
        )
    return Verdict(
        grade(all(far), all(uneven)),
        f"GPT-3 with 6.7 billion parameters, temperature 0, as digitised. {'; '.join(said)}. In fairness: problems with longer answers are harder, so what a model gets right on one character is "
        "not its rate on each of five.",
    )


@test
def below_the_dashed_line() -> Verdict:
    table, smallest = more_data.published_lowest(), min(lengths.SIZES)
    below = table.filter(pl.col("value") < (1 - SLACK) * pl.col("dashed"))
    lowest = below.filter(pl.col("params") == smallest).sort("task", "temperature")
    said = []
    for row in lowest.iter_rows(named=True):
        n = replicates.ANSWERS[row["task"], row["target_str_len"]]
        luck = float(binom.cdf(round(row["value"] * n), n, row["dashed"]))
        said.append(f"{row['task']}, {row['target_str_len']} digits, temperature {row['temperature']:g}: {row['value']:.1e} against {row['dashed']:.0e} (chance gives so few in {luck:.0%} of tests)")
    return Verdict(
        grade(lowest.height > 0, lowest["task"].n_unique() == table["task"].n_unique()),
        f"{below.height} of {table.height} digitised points lie more than a tenth below the dashed line, {lowest.height} of them of the smallest model. {'; '.join(said)}. "
        "So they are not shown to be above chance; with the numbers of answers that we infer, they are not shown to be below it either.",
    )


@cache
def gpt3_distances() -> pl.DataFrame:
    """Judge the digitised edit distances of GPT-3, one row a task, temperature and target length.

    Returns
    -------
    Frame with ``task, temperature, length, longest`` (largest mean distance), ``worst_step`` (smallest gain from one size to the
    next; negative where a larger model is worse), ``accuracy, score`` (emergence scores of accuracy and of minus the
    distance), ``straight`` (of a line in log size), ``miss`` (of a line through the smaller models at the largest, as a share of the range).

    >>> gpt3_distances().height
    18
    """
    x, rows = np.log(np.array(lengths.SIZES)), []
    for key, part in lengths.published().group_by("task", "temperature", "length", maintain_order=True):
        part = part.sort("n_params")
        sizes, values = part["n_params"], -part["distance"].to_numpy()
        ahead = float(extrapolate(x[:-1], values[None, :-1], x[-1:], "line")[0, 0])
        miss = abs(ahead - values[-1]) / np.ptp(values)
        scores = [emergence.score(sizes, one) for one in (part["accuracy"], values, x)]
        rows.append((*key, float(-values.min()), float(np.diff(values).min()), *scores, float(miss)))
    names = ["task", "temperature", "length", "longest", "worst_step", "accuracy", "score", "straight", "miss"]
    return pl.DataFrame(rows, schema=names, orient="row")


@test
def distance_is_not_a_line() -> Verdict:
    table = gpt3_distances()
    over = table.filter(pl.col("longest") > pl.col("length"))
    worse = table.filter(pl.col("worst_step") < -2 * replicates.READING["token_edit_distance"])
    steep = table.filter(pl.col("score") > pl.col("straight"))
    long = table.filter(pl.col("length") >= 4)
    shrink = (long["accuracy"] / long["score"]).to_numpy()
    top = over.sort("longest", descending=True).row(0, named=True) if over.height else None
    return Verdict(
        grade(over.height > 0, worse.height > 0, steep.height > table.height / 2),
        f"{table.height} digitised curves of GPT-3's edit distance. L(1 - p) cannot exceed L: {over.height} do"
        + (f" (up to {top['longest']:.2f} characters of {top['length']})" if top else "")
        + f". In {worse.height} a larger model is worse than the one before. {steep.height} have an emergence score above that of a straight line in log size ({table['straight'][0]:.1f}; "
        f"theirs: {table['score'].to_numpy().min():.1f} to {table['score'].to_numpy().max():.1f}). On 4 and 5 characters the change of metric divides the score by {shrink.min():,.0f} to {shrink.max():,.0f}: "
        "much, but not down to a line everywhere.",
    )


@test
def brier_figure() -> Verdict:
    table = brier.lamda_scores()
    grades, scores = (table.filter(pl.col("metric") == name) for name in ("multiple_choice_grade", "brier"))
    both = grades.join(scores, on=["task", "shots"], suffix="_brier")
    higher = both.filter(pl.col("low_brier") > pl.col("high"))
    points = lamda.published().filter(pl.col("metric") == "brier").sort("n_params")
    last = points.group_by("task", "shots").agg(worse=pl.col("score").get(-1) - pl.col("score").get(-2)).filter(pl.col("worse") > 2 * lamda.READING)
    least = min(lamda.TASKS.values(), key=lambda task: task.items)
    return Verdict(
        grade(higher.height > 0, last.height > 0, least.items < 50),
        f"Six points a curve, {len(lamda.TASKS)} tasks, the smallest ({least.title}) with {least.items} items. The score is higher under Brier than under the grade, beyond the reading error, on "
        + ("; ".join(f"{r['task'].replace('_', ' ')} at {r['shots']} shots ({r['score_brier']:.1f} against {r['score']:.1f})" for r in higher.sort("task", "shots").iter_rows(named=True)) or "none")
        + f". The Brier score gets worse from 27B to 128B on {'; '.join(f'{task} at {shots} shots, by {worse:.3f}'.replace('_', ' ') for task, shots, worse in last.sort('task', 'shots').iter_rows()) or 'none'}.",
    )


@test
def step_of_identical_items() -> Verdict:
    rng = np.random.default_rng(0)
    odds = np.linspace(-4, 4, GRID)
    largest = {}
    for n in (1, 100, 10_000):
        # An item counts 1 where its own probability passes one half, and chance where not; so a grade is a count of items passed.
        thresholds = np.sort(-rng.standard_normal(n))
        largest[n] = float(np.diff(0.5 + 0.5 * np.searchsorted(thresholds, odds) / n).max())
    alike = float(np.diff(theory.choice_grade(1 / (1 + np.exp(-odds)))).max())
    return Verdict(
        grade(alike == 0.5, largest[100] < 0.05, largest[10_000] < 0.005),
        f"Multiple choice grade with two choices as ability rises in {GRID - 1:,} small steps. Identical items: one step of {alike:.1f}, however many there are. Items whose log-odds spread by 1: the largest "
        f"step is {largest[100]:.3f} with 100 items and {largest[10_000]:.4f} with 10,000. So \"discontinuous\" makes a mean sharp only if items share their threshold.",
    )


@test
def smooth_without_a_forecast() -> Verdict:
    table = gpt3_distances()
    missed = table.filter(pl.col("miss") > SLACK)
    return Verdict(
        grade(missed.height > table.height / 2),
        f"That the paper makes and scores no forecast is read, not computed. Computed: of {table.height} digitised edit-distance curves of GPT-3, a line in log size through the three smaller models misses the largest "
        f"by more than a tenth of the curve's range in {missed.height} (median miss {table['miss'].median():.0%}). What our own families say stands in the rows on forecasts.",
    )
