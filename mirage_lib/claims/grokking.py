"""Appendix C: grokking, sudden learning over steps, beside families over sizes.

The rule in the ledger was written when the run over steps and the ladder's training losses had been seen, and
before those of the same task for networks of ten sizes had been looked at.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import polars as pl

from mirage_lib import breaks, emergence, outputs
from mirage_lib.claims import registry
from mirage_lib.claims.registry import Verdict
from mirage_lib.vision import grokking

LOOKS = 12
"""Equally spaced steps at which a curve over steps is taken for its score: about as many as a family has sizes."""
METRICS = {"accuracy": "accuracy", "right_probability": "probability", "log_probability": "log-probability"}
"""Of the test pairs, up being better; the last is minus the loss."""
KNOWN, UNKNOWN = 0.99, 0.05
"""Training accuracy from which, and test accuracy up to which, pairs are known by heart and not understood."""


@cache
def frozen(name: str = "vision-grokking") -> pl.DataFrame:
    """Load one of the frozen logs, with ``log_probability`` (nats) beside the loss.

    >>> frozen()["half"].unique().sort().to_list()
    ['test', 'train']
    """
    return outputs.load_table(name).with_columns(log_probability=-pl.col("loss"))


def by_heart(log: pl.DataFrame) -> pl.DataFrame:
    """Find the stretch of steps in which a network knows the training pairs and not the others.

    Returns
    -------
    Frame with ``seed, first, last, ratio``: of the steps looked at, the first and the last such step, and the
    last over the first. A seed without such a step is not there.

    >>> by_heart(frozen())["first"].max() < 100
    True
    """
    keys = ["seed", "step"]
    train = log.filter(pl.col("half") == "train").select(*keys, train="accuracy")
    both = log.filter(pl.col("half") == "test").select(*keys, test="accuracy").join(train, on=keys)
    inside = both.filter((pl.col("train") >= KNOWN) & (pl.col("test") <= UNKNOWN))
    found = inside.group_by("seed").agg(first=pl.col("step").min(), last=pl.col("step").max()).sort("seed")
    return found.with_columns(ratio=pl.col("last") / pl.col("first"))


def climbs(log: pl.DataFrame) -> pl.DataFrame:
    """Say how long each metric of the test pairs takes to climb, and how even the climb is.

    A climb is counted from the metric's lowest value on, once training pairs are known, to its highest. The
    score, and whether the curve breaks, are read at :data:`LOOKS` equally spaced steps from the first step at which
    training pairs are known to the first at which test accuracy reaches 0.95, so that no flat end is counted.

    Returns
    -------
    Frame with ``seed, metric, tenth, half, nine_tenths, times, unseen, score, straight, p``: the first three are
    steps, ``times`` the last over the first of them; ``unseen`` is the share of the climb made while test accuracy
    was still at most 0.05; ``straight`` is the score of a straight line, ``p`` that of
    :func:`mirage_lib.breaks.find` over steps, noise being the scatter about the smooth fit.

    >>> climbs(frozen()).filter(pl.col("metric") == "accuracy")["unseen"].max() <= 0.06
    True
    """
    rows = []
    start = dict(by_heart(log).select("seed", "first").iter_rows())
    for (seed,), part in log.filter(pl.col("half") == "test").sort("seed", "step").group_by("seed", maintain_order=True):
        part = part.filter(pl.col("step") >= start.get(seed, 0))
        steps, right = part["step"].to_numpy(), part["accuracy"].to_numpy()
        done = steps[np.argmax(right >= 0.95)] if (right >= 0.95).any() else steps[-1]
        at = np.linspace(steps[0], done, LOOKS)
        for metric in METRICS:
            values = part[metric].to_numpy()
            low = int(values.argmin())
            share = (values - values[low]) / (values.max() - values[low])
            tenth, half, nine = (int(steps[low:][np.argmax(share[low:] >= level)]) for level in (0.1, 0.5, 0.9))
            unseen = float(share[right <= UNKNOWN][-1]) if (right <= UNKNOWN).any() else 0.0
            few = np.interp(at, steps, values)
            found = breaks.find(at, few, draws=300)
            rows.append((seed, metric, tenth, half, nine, nine / tenth, unseen, emergence.score(at, few), LOOKS - 1.0, found.p))
    names = "seed metric tenth half nine_tenths times unseen score straight p".split()
    return pl.DataFrame(rows, schema=names, orient="row")


def family(log: pl.DataFrame, step: int) -> pl.DataFrame:
    """Lay train and test accuracy of networks of several sizes side by side, after so many steps.

    Parameters
    ----------
    log : frame
        ``frozen("vision-grokking-sizes")``.

    Returns
    -------
    Frame with ``n_params, seed, train, test``.

    Raises
    ------
    ValueError
        If nobody looked at that step.

    >>> family(frozen("vision-grokking-sizes"), 3000).columns
    ['n_params', 'seed', 'train', 'test']
    """
    there = log.filter(pl.col("step") == step)
    if there.is_empty():
        raise ValueError(f"step {step} was not looked at: choose one of {', '.join(map(str, log['step'].unique().sort()))}")
    half = {name: pl.col("accuracy").filter(pl.col("half") == name).first() for name in ("train", "test")}
    return there.group_by("n_params", "seed").agg(**half).sort("n_params", "seed")


def jumps_over_sizes(log: pl.DataFrame, step: int) -> pl.DataFrame:
    """Take, for each seed, the largest gain in test accuracy between neighbouring sizes, and the gap there.

    Returns
    -------
    Frame with ``seed, smaller, larger, gain, train``: ``train`` is the smaller network's training accuracy, high
    where it knows by heart what it does not understand.

    >>> jumps_over_sizes(frozen("vision-grokking-sizes"), 3000).height
    3
    """
    rows = []
    for (seed,), part in family(log, step).sort("seed", "n_params").group_by("seed", maintain_order=True):
        gains = np.diff(part["test"].to_numpy())
        k = int(gains.argmax())
        rows.append((seed, part["n_params"][k], part["n_params"][k + 1], float(gains[k]), part["train"][k]))
    return pl.DataFrame(rows, schema=["seed", "smaller", "larger", "gain", "train"], orient="row")


def _ends(values: pl.Series) -> str:
    """The least and the most of some steps, or the one that they all are."""
    least, most = values.min(), values.max()
    return f"{least:,}" if least == most else f"{least:,}-{most:,}"


@registry.test
def grokking_differs() -> Verdict:
    log, sizes = frozen(), frozen("vision-grokking-sizes")
    stretch = by_heart(log)
    seeds = log["seed"].n_unique()
    delayed = stretch.height == seeds and stretch["ratio"].min() >= 10
    jumps = jumps_over_sizes(sizes, grokking.Puzzle().steps // 2)
    both = jumps.filter((pl.col("gain") >= 0.5) & (pl.col("train") >= KNOWN)).height
    apart = both == 0
    return Verdict(
        registry.grade(delayed, apart),
        f"Over steps: in {stretch.filter(pl.col('ratio') >= 10).height} of {seeds} runs of one network training pairs are known "
        f"(at least {KNOWN:.0%}) and test pairs not (at most {UNKNOWN:.0%}) at steps {_ends(stretch['first'])} to "
        f"{_ends(stretch['last'])}. Over sizes: the same task, read for {sizes['n_params'].n_unique()} sizes after "
        f"{grokking.Puzzle().steps // 2:,} steps, shows a jump of test accuracy by at least one half between neighbours, out of a network that "
        f"knows its training pairs, in {both} of {jumps.height} ladders: the train-test gap "
        f"{'is not on that axis' if apart else 'and the family over sizes can meet in one task'}. Whether the models of the published "
        "families had such a gap, we do not know: we have no training scores of them.",
    )
