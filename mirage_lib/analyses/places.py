"""Places: which characters of an answer are right, and whether they are wrong together.

Accuracy is geometric in the length of the target if every character is right with the same probability,
independently of the others. Both halves of that can be looked at on the answers themselves. Every run
is looked at alone: runs that differ would make characters look dependent even where no run's are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
import polars as pl

from mirage_lib import metrics
from mirage_lib.curves import LEVEL
from mirage_lib.outputs import require
from mirage_lib.replicates import problem_counts, seed_weights

RUN = ("task", "group", "n_params", "seed")
KINDS = ("observed", "product of places", "p to the L")
"""Accuracy itself, and what it would be if a run's characters were independent: with each place's own
accuracy, and with the mean of them."""
MEAN = "mean"


def right_places(targets: Sequence[str], outputs: Sequence[str], align: str = "left") -> np.ndarray:
    """Compare answers with targets character by character.

    Where an answer is shorter or longer than its target it matters from which side one counts: a
    forgotten first digit puts all others in the wrong place, counted from the left, and in the right one,
    counted from the right. A missing character is wrong, a surplus one is not counted.

    Parameters
    ----------
    targets, outputs : strings
        All targets of one length L.
    align : str
        ``left`` or ``right``.

    Returns
    -------
    (answers, L) array of bool, the first character first.

    Raises
    ------
    ValueError
        For targets of several lengths, or another alignment.

    >>> right_places(["1035"], ["135"]).tolist(), right_places(["1035"], ["135"], "right").tolist()
    ([[True, False, False, False]], [[False, False, True, True]])
    """
    if align not in ("left", "right"):
        raise ValueError(f"align is {align!r}: it has to be 'left' or 'right'")
    lengths = set(map(len, targets))
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"targets have {sorted(lengths)} characters: pass targets of one length")
    (length,) = lengths
    cut = [said[:length].ljust(length, "\0") if align == "left" else said[-length:].rjust(length, "\0") for said in outputs]
    wanted, found = (np.array(list(texts), dtype=f"U{length}").view("U1").reshape(-1, length) for texts in (targets, cut))
    return wanted == found


def by_run(outputs: pl.DataFrame) -> Iterator[tuple[tuple, pl.DataFrame]]:
    """Split text outputs into runs: task, target length, parameters and training seed, in that order."""
    require(outputs, [*RUN, "item", "target", "output"], "outputs whose characters are compared")
    yield from outputs.sort(*RUN, "item", maintain_order=True).group_by(*RUN, maintain_order=True)


def accuracies(outputs: pl.DataFrame, align: str = "left") -> pl.DataFrame:
    """Share of right characters at every place, run by run.

    Returns
    -------
    Frame with ``task, group, n_params, seed, place`` (1 for the first character, or, aligned at the
    right, -1 for the last), ``accuracy``, ``wrong_length`` (share of answers of another length than the
    target), ``n``.

    >>> from mirage_lib import theory
    >>> accuracies(theory.text_outputs([0.0], length=2, n=9))["accuracy"].to_list()
    [1.0, 1.0]
    """
    rows = []
    for key, part in by_run(outputs):
        share = right_places(part["target"].to_list(), part["output"].to_list(), align).mean(axis=0)
        other = float((part["target"].str.len_chars() != part["output"].str.len_chars()).mean())
        first = 1 if align == "left" else -len(share)
        rows += [(*key, first + k, float(value), other, part.height) for k, value in enumerate(share)]
    return pl.DataFrame(rows, schema=[*RUN, "place", "accuracy", "wrong_length", "n"], orient="row")


def independence(outputs: pl.DataFrame, draws: int = 300, seed: int = 0) -> pl.DataFrame:
    """Set accuracy beside what independent characters would give, run by run and as means over seeds.

    Characters are counted from the left, and every problem counts the same. The mean over seeds is the
    mean of what each run would have. Intervals draw problems again, for means also seeds (one fewer than
    there are, see :mod:`mirage_lib.replicates`).

    Returns
    -------
    Frame with ``task, group, n_params, run`` (``mean`` or a seed), ``kind`` (of :data:`KINDS`), ``estimate,
    low, high, n``.

    >>> from mirage_lib import theory
    >>> three = independence(theory.text_outputs([0.2], length=3, n=4000))
    >>> three.filter(pl.col("run") == "mean")["estimate"].round(1).to_list()
    [0.5, 0.5, 0.5]
    """
    rows, tails = [], (1 - LEVEL) / 2
    found: dict[tuple, list] = {}
    for key, part in by_run(outputs):
        right, exact = _by_problem(part)
        counts = _counts(len(right), draws, seed)
        means = counts @ right / len(right)
        three = np.stack([counts @ exact / len(right), means.prod(axis=1), means.mean(axis=1) ** right.shape[1]])
        found.setdefault(key[:3], []).append((key[3], three, part.height))
    for key, runs in found.items():
        weights = seed_weights(np.zeros(len(runs)), draws, np.random.default_rng(seed))
        weights = np.concatenate([np.full((1, len(runs)), 1 / len(runs)), weights])
        mean = np.einsum("dr,rkd->kd", weights, np.stack([three for _, three, _ in runs]))
        for run, three, n in [(MEAN, mean, sum(n for *_, n in runs)), *runs]:
            low, high = np.quantile(three[:, 1:], [tails, 1 - tails], axis=1)
            rows += [(*key, str(run), *row, n) for row in zip(KINDS, three[:, 0], low, high, strict=True)]
    names = [*RUN[:3], "run", "kind", "estimate", "low", "high", "n"]
    return pl.DataFrame(rows, schema=names, orient="row")


def _by_problem(part: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Means over the prompts about each problem: right places (problems, L), and exact answers (problems,)."""
    right = right_places(part["target"].to_list(), part["output"].to_list()).astype(float)
    exact = metrics.get("exact_match").score(part).to_numpy()
    problem = part["item"].rle_id().to_numpy()  # by_run sorts by item
    asked = np.bincount(problem)
    both = [np.bincount(problem, weights=column) / asked for column in (*right.T, exact)]
    return np.stack(both[:-1], axis=1), both[-1]


@lru_cache(maxsize=2)
def _counts(problems: int, draws: int, seed: int) -> np.ndarray:
    """How often each problem is drawn, the first time once each; runs that were asked as many share the draws."""
    drawn = problem_counts(problems, draws, np.random.default_rng(seed))
    return np.concatenate([np.ones((1, problems)), drawn])


def beside(outputs: pl.DataFrame, enough: int = 10) -> pl.DataFrame:
    """How many times more often whole answers are right than independent characters would be, run by run.

    Parameters
    ----------
    enough : int
        Right answers that a run needs, for its ratio not to be luck.

    Returns
    -------
    Frame with ``task, group, n_params, seed, accuracy, places, power, from_places, from_power``: the
    products, and accuracy over them.

    >>> from mirage_lib import theory
    >>> beside(theory.text_outputs([0.2], length=3, n=4000))["from_places"].round(1).to_list()
    [1.0]
    """
    wide = independence(outputs, draws=1).filter(pl.col("run") != MEAN)
    wide = wide.pivot(on="kind", index=[*RUN[:3], "run", "n"], values="estimate")
    wide = wide.rename(dict(zip(KINDS, ("accuracy", "places", "power"), strict=True)) | {"run": "seed"})
    seen = wide.filter(pl.col("accuracy") * pl.col("n") >= enough)
    ratios = {f"from_{name}": pl.col("accuracy") / pl.col(name) for name in ("places", "power")}
    return seen.with_columns(pl.col("seed").cast(pl.Int64), **ratios).drop("n")


def prefixes(outputs: pl.DataFrame, align: str = "left") -> pl.DataFrame:
    """How often the first k characters (aligned at the right: the last k) are all right, on the same answers.

    Length without difficulty: the problems stay the same, only how much of the answer counts grows.

    Returns
    -------
    Frame with ``task, group, n_params, seed, k, right`` (all k are right), ``places`` (product of the k places'
    accuracies), ``power`` (mean accuracy of all L places, to the k), ``n``.

    >>> from mirage_lib import theory
    >>> prefixes(theory.text_outputs([0.0], length=2, n=9)).select("k", "right").rows()
    [(1, 1.0), (2, 1.0)]
    """
    rows = []
    for key, part in by_run(outputs):
        right = right_places(part["target"].to_list(), part["output"].to_list(), align)
        right = right if align == "left" else right[:, ::-1]
        share, whole = right.mean(axis=0), np.logical_and.accumulate(right, axis=1).mean(axis=0)
        power = share.mean() ** np.arange(1, len(share) + 1)
        columns = zip(whole, share.cumprod(), power, strict=True)
        rows += [(*key, k + 1, *map(float, three), part.height) for k, three in enumerate(columns)]
    return pl.DataFrame(rows, schema=[*RUN, "k", "right", "places", "power", "n"], orient="row")


def together(outputs: pl.DataFrame, least: float = 0.02) -> pl.DataFrame:
    """Correlation of being right at two places of an answer (phi coefficient), for every pair and run.

    Parameters
    ----------
    least : float
        Pairs with a place that is right, or wrong, less often than this are left out: phi is all noise there.

    Returns
    -------
    Frame with ``task, group, n_params, seed, first, second`` (places from 1), ``phi``.

    >>> together(pl.DataFrame({"task": "t", "group": 2, "n_params": 1, "seed": 0, "item": ["a", "b"],
    ...                        "target": ["12", "12"], "output": ["12", "00"]}))["phi"].to_list()
    [1.0]
    """
    rows = []
    for key, part in by_run(outputs):
        right = right_places(part["target"].to_list(), part["output"].to_list()).astype(float)
        share = right.mean(axis=0)
        inner = np.flatnonzero((share >= least) & (share <= 1 - least))
        if len(inner) < 2:
            continue
        phi = np.corrcoef(right[:, inner], rowvar=False)
        for i, j in zip(*np.triu_indices(len(inner), 1), strict=True):
            rows.append((*key, int(inner[i]) + 1, int(inner[j]) + 1, round(float(phi[i, j]), 12)))
    return pl.DataFrame(rows, schema=[*RUN, "first", "second", "phi"], orient="row")


def forced(outputs: pl.DataFrame) -> pl.DataFrame:
    """The same comparison without decoding: probabilities of the right characters, given those before.

    A model's probability of a whole target *is* the product of these, item by item. So any distance between
    the mean of products and the product of means comes from items that differ, in difficulty above all.

    Returns
    -------
    Frame with ``task, group, n_params, seed, whole`` (mean probability of the target), ``places`` (product of
    the places' mean probabilities), ``ratio``, ``n``.

    Raises
    ------
    OutputsError
        If the outputs have no ``token_logprobs``.
    """
    require(outputs, [*RUN, "token_logprobs"], "outputs whose probabilities are compared")
    rows = []
    for key, part in outputs.sort(*RUN).group_by(*RUN, maintain_order=True):
        logs = part["token_logprobs"].explode().cast(pl.Float64).to_numpy().reshape(part.height, -1)
        whole, product = np.exp(logs.sum(axis=1)).mean(), np.exp(logs).mean(axis=0).prod()
        rows.append((*key, float(whole), float(product), float(whole / product), part.height))
    return pl.DataFrame(rows, schema=[*RUN, "whole", "places", "ratio", "n"], orient="row")
