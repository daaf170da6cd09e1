"""Metrics: how an output becomes a number.

One registry holds them all. A metric reads columns of an outputs table and returns one number a
row; averages, intervals and curves belong to :mod:`mirage_lib.curves`. A reader adds one like this::

    @metrics.metric(label="First digit", needs=("target", "output"), range=(0, 1))
    def first_digit(outputs):
        return outputs["target"].str.head(1) == outputs["output"].str.head(1)

Characters stand for tokens throughout: the models of this book read and write one character a
token, and the digits of an answer are what the paper counts too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from mirage_lib.outputs import check_missing, check_probabilities, require

SHAPES = ("linear", "nonlinear", "discontinuous")


@dataclass(frozen=True)
class Metric:
    """One entry of the registry.

    Attributes
    ----------
    name, label : str
        How code and how figures call it.
    formula : str
        LaTeX.
    needs : tuple of str
        Columns that it reads.
    range : (float, float)
        Least and greatest possible value for one output.
    better : str
        ``higher`` or ``lower``.
    shape : str
        How its mean follows the per-token error: ``linear``, ``nonlinear`` or ``discontinuous``.
    why : str
        The reason for that shape, in one sentence.
    source : str
        Where it was defined.
    compute, chance : functions
        From an outputs table to one number a row; ``chance`` gives what blind guessing scores, or
        None where the outputs do not tell.
    """

    name: str
    label: str
    formula: str
    needs: tuple[str, ...]
    range: tuple[float, float]
    better: str
    shape: str
    why: str
    source: str
    compute: Callable[[pl.DataFrame], pl.Series]
    chance: Callable[[pl.DataFrame], float | None]

    def score(self, outputs: pl.DataFrame) -> pl.Series:
        """Return one number a row, named after the metric.

        Raises
        ------
        OutputsError
            If a needed column is missing or has missing values, or if the table is empty.
        ValueError
            If the metric gave something else than one finite number a row.
        """
        require(outputs, self.needs, f"outputs to be scored by {self.label}")
        check_missing(outputs.select(self.needs))
        values = self.compute(outputs)
        values = values if isinstance(values, pl.Series) else pl.Series(values)
        if len(values) != outputs.height:
            raise ValueError(f"{self.name} gave {len(values)} scores for {outputs.height} outputs")
        values = values.cast(pl.Float64).alias(self.name)
        if values.null_count() or not values.is_finite().all():
            row = int((~values.is_finite().fill_null(False)).arg_true()[0])
            raise ValueError(
                f"{self.name} gave {values[row]} for row {row}: look for NaN or missing values in "
                f"{', '.join(self.needs)}"
            )
        return values


_REGISTRY: dict[str, Metric] = {}


def metric(
    *,
    label: str,
    needs: tuple[str, ...],
    range: tuple[float, float],
    better: str = "higher",
    shape: str = "nonlinear",
    formula: str = "",
    why: str = "not said",
    source: str = "defined by the reader",
    chance: Callable[[pl.DataFrame], float | None] = lambda outputs: None,
) -> Callable[[Callable], Metric]:
    """Enter a function into the registry under its own name; an entry of that name is replaced.

    Raises
    ------
    ValueError
        If ``better`` or ``shape`` is none of the allowed words.
    """
    if better not in ("higher", "lower"):
        raise ValueError(f"better is {better!r}: it has to be 'higher' or 'lower'")
    if shape not in SHAPES:
        raise ValueError(f"shape is {shape!r}: it has to be one of {', '.join(SHAPES)}")

    def enter(compute: Callable) -> Metric:
        entry = Metric(
            compute.__name__, label, formula, needs, range, better, shape, why, source, compute, chance
        )
        _REGISTRY[entry.name] = entry
        return entry

    return enter


def get(name: str | Metric) -> Metric:
    """Look a metric up by name; a metric is returned as it is.

    Raises
    ------
    KeyError
        If there is no such metric; the message lists those that exist.

    >>> get("exact_match").label
    'Accuracy (exact match)'
    """
    if isinstance(name, Metric):
        return name
    if name not in _REGISTRY:
        raise KeyError(f"unknown metric {name!r}: choose one of {', '.join(_REGISTRY)}")
    return _REGISTRY[name]


def forget(name: str) -> Metric:
    """Take a metric out of the registry and return it; for metrics tried in passing."""
    return _REGISTRY.pop(get(name).name)


def names() -> list[str]:
    """Return the names of all metrics, in the order they were entered.

    >>> names()[:2]
    ['exact_match', 'token_edit_distance']
    """
    return list(_REGISTRY)


def usable(outputs: pl.DataFrame) -> list[str]:
    """Return the names of the metrics whose columns these outputs have.

    >>> usable(pl.DataFrame({"target_logprob": [-1.0]}))
    ['target_log_probability']
    """
    return [m.name for m in _REGISTRY.values() if set(m.needs) <= set(outputs.columns)]


def _for_each_pair(outputs: pl.DataFrame, same: pl.Expr, score: Callable[[str, str], float]) -> pl.Series:
    """Score each distinct (target, output) pair once. Two single words score 1 if ``same``, else 0."""
    pairs = outputs.select(pl.col("target", "output").cast(pl.String))
    words = pl.all_horizontal(pl.col("target", "output").str.contains("^[0-9A-Za-z]+$"))
    pairs = pairs.with_columns(score=pl.when(words).then(same.cast(pl.Float64)))
    rest = pairs.filter(pl.col("score").is_null()).unique(maintain_order=True)
    scores = [score(target, output) for target, output, _ in rest.iter_rows()]
    rest = rest.with_columns(other=pl.Series(scores, dtype=pl.Float64)).drop("score")
    joined = pairs.join(rest, on=["target", "output"], how="left", maintain_order="left")
    return joined.select(pl.coalesce("score", "other"))["score"]


@metric(
    label="Accuracy (exact match)",
    formula=r"\mathbb{1}[\hat{y} = y]",
    needs=("target", "output"),
    range=(0, 1),
    shape="nonlinear",
    why="All L tokens have to be right at once: with independent errors the mean is (1 - ε)^L.",
    source="Section 2 of the paper",
)
def exact_match(outputs: pl.DataFrame) -> pl.Series:
    """1 where the output is the target, character for character, else 0.

    >>> exact_match.score(pl.DataFrame({"target": ["12", "3"], "output": ["12", "3 "]})).to_list()
    [1.0, 0.0]
    """
    return outputs["output"].cast(pl.String) == outputs["target"].cast(pl.String)


@metric(
    label="Token edit distance",
    formula=r"\min \#\{\text{insertions, deletions, substitutions}\}",
    needs=("target", "output"),
    range=(0, math.inf),
    better="lower",
    shape="linear",
    why="Each wrong token costs one: with substitutions alone the mean is L ε.",
    source="Section 2 and Appendix A.2 of the paper; Levenshtein distance by rapidfuzz",
)
def token_edit_distance(outputs: pl.DataFrame) -> pl.Series:
    """The fewest insertions, deletions and substitutions that turn the output into the target.

    >>> token_edit_distance.score(pl.DataFrame({"target": ["1035"], "output": ["103"]})).to_list()
    [1.0]
    """
    from rapidfuzz.distance import Levenshtein
    from rapidfuzz.process import cpdist

    pairs = outputs.select(pl.col("target", "output").cast(pl.String))
    # In slices, since Python's strings take much more memory than the table.
    parts = ((part["output"].to_list(), part["target"].to_list()) for part in pairs.iter_slices(100_000))
    distances = [cpdist(*part, scorer=Levenshtein.distance, dtype=np.int32) for part in parts]
    return pl.Series(np.concatenate(distances))


@metric(
    label="Per-token accuracy",
    formula=r"\frac{1}{L}\sum_{i=1}^{L} \mathbb{1}[\hat{y}_i = y_i]",
    needs=("target", "output"),
    range=(0, 1),
    shape="linear",
    why="The mean over positions of a right-or-wrong token: 1 - ε.",
    source="Section 2 of the paper, the quantity p",
)
def per_token_accuracy(outputs: pl.DataFrame) -> pl.Series:
    """Share of the target's positions where the output has the same character.

    Characters behind the target's end are not counted; a missing one is wrong.

    >>> per_token_accuracy.score(pl.DataFrame({"target": ["1035"], "output": ["1935"]})).to_list()
    [0.75]
    """
    left = outputs.select(pl.col("target", "output").cast(pl.String)).with_row_index("row")
    lengths = left["target"].str.len_chars().to_numpy()
    right = np.zeros(outputs.height)
    while left.height:
        first = left.select(pl.col("target").str.head(1) == pl.col("output").str.head(1), "row")
        right[first["row"].to_numpy()] += first["target"].to_numpy()
        left = left.with_columns(pl.col("target", "output").str.slice(1)).filter(pl.col("target") != "")
    return pl.Series(np.divide(right, lengths, out=np.full_like(right, np.nan), where=lengths > 0))


@metric(
    label="Target log-probability",
    formula=r"\log p(y) = \sum_{i=1}^{L} \log p(y_i \mid y_{<i})",
    needs=("target_logprob",),
    range=(-math.inf, 0),
    shape="nonlinear",
    why="The logarithm is smooth and unbounded: L log(1 - ε), nearly -L ε while ε is small.",
    source="the loss of Section 2, summed over the target",
)
def target_log_probability(outputs: pl.DataFrame) -> pl.Series:
    """Natural logarithm of the probability that the model gives to the whole target, in nats.

    >>> target_log_probability.score(pl.DataFrame({"target_logprob": [-0.5]})).to_list()
    [-0.5]
    """
    return outputs["target_logprob"]


def _one_in_choices(outputs: pl.DataFrame) -> float:
    return float((1 / outputs["probabilities"].list.len()).mean())


def _probability_of_target(outputs: pl.DataFrame) -> pl.Series:
    check_probabilities(outputs)
    return outputs.select(pl.col("probabilities").list.get(pl.col("target_index")))["probabilities"]


@metric(
    label="Multiple choice grade",
    formula=r"\mathbb{1}[\arg\max_k p_k = y]",
    needs=("target_index", "probabilities"),
    range=(0, 1),
    shape="discontinuous",
    why="An item flips from wrong to right where its right choice overtakes the best wrong one.",
    source="Section 1 of the paper; BIG-bench",
    chance=_one_in_choices,
)
def multiple_choice_grade(outputs: pl.DataFrame) -> pl.Series:
    """1 if the right choice has the highest probability; a tie of m choices counts 1/m.

    >>> table = pl.DataFrame({"target_index": [0, 1], "probabilities": [[0.6, 0.4], [0.5, 0.5]]})
    >>> multiple_choice_grade.score(table).to_list()
    [1.0, 0.5]
    """
    target = _probability_of_target(outputs)
    best = outputs["probabilities"].list.max()
    best_ones = pl.col("probabilities").list.eval(pl.element() == pl.element().max())
    ties = outputs.select(best_ones.list.sum().cast(pl.Float64))["probabilities"]
    return (target == best).cast(pl.Float64) / ties


@metric(
    label="Brier score (right choice)",
    formula=r"(1 - p_y)^2",
    needs=("target_index", "probabilities"),
    range=(0, 1),
    better="lower",
    shape="nonlinear",
    why="A parabola in the probability of the right choice: bent, but without a step.",
    source="Section 4 of the paper: squared error between 1 and the mass on the outcome",
)
def brier_binary(outputs: pl.DataFrame) -> pl.Series:
    """Squared error between 1 and the probability of the right choice.

    >>> table = pl.DataFrame({"target_index": [0], "probabilities": [[0.5, 0.5]]})
    >>> brier_binary.score(table).to_list()
    [0.25]
    """
    return (1 - _probability_of_target(outputs)) ** 2


@metric(
    label="Brier score (all choices)",
    formula=r"\sum_{k} (p_k - \mathbb{1}[k = y])^2",
    needs=("target_index", "probabilities"),
    range=(0, 2),
    better="lower",
    shape="nonlinear",
    why="A sum of parabolas in the probabilities: bent, but without a step.",
    source="Brier 1950, the multi-category score",
)
def brier_multiclass(outputs: pl.DataFrame) -> pl.Series:
    """Squared distance between the probabilities and the right answer, summed over choices.

    For two choices this is twice the score above.

    >>> table = pl.DataFrame({"target_index": [0], "probabilities": [[0.5, 0.5]]})
    >>> brier_multiclass.score(table).to_list()
    [0.5]
    """
    target = _probability_of_target(outputs)
    squares = outputs.select(pl.col("probabilities").list.eval(pl.element() ** 2).list.sum())
    return squares["probabilities"] - 2 * target + 1


@metric(
    label="ROUGE-L-Sum",
    formula=r"F_1\ \text{of the union longest common subsequence}",
    needs=("target", "output"),
    range=(0, 1),
    shape="nonlinear",
    why="Counts words in common order: for answers of one word it is exact match.",
    source="Lin 2004; the rouge-score package",
)
def rouge_l_sum(outputs: pl.DataFrame) -> pl.Series:
    """F-measure of ROUGE-L-Sum over words, without stemming.

    >>> table = pl.DataFrame({"target": ["a b c d"], "output": ["a b x d"]})
    >>> rouge_l_sum.score(table).to_list()
    [0.75]
    """
    from rouge_score.rouge_scorer import RougeScorer

    scorer = RougeScorer(["rougeLsum"], use_stemmer=False)
    same = pl.col("target").str.to_lowercase() == pl.col("output").str.to_lowercase()
    return _for_each_pair(outputs, same, lambda target, output: scorer.score(target, output)["rougeLsum"].fmeasure)


@metric(
    label="BLEU",
    formula=r"\mathrm{BP}\cdot\exp\Big(\tfrac14\sum_{n=1}^{4}\log \mathrm{prec}_n\Big)",
    needs=("target", "output"),
    range=(0, 1),
    shape="nonlinear",
    why="A product of n-gram precisions: one wrong word lowers up to four n-grams of each order.",
    source="Papineni et al. 2002; sentence BLEU of sacrebleu, exponential smoothing",
)
def bleu(outputs: pl.DataFrame) -> pl.Series:
    """Sentence BLEU from 0 to 1, n-gram orders longer than the sentence left out.

    >>> bleu.score(pl.DataFrame({"target": ["a b c d"], "output": ["a b c d"]})).round(6).to_list()
    [1.0]
    """
    from sacrebleu.metrics import BLEU

    scorer = BLEU(effective_order=True, smooth_method="exp", tokenize="intl")
    same = pl.col("target") == pl.col("output")
    return _for_each_pair(
        outputs, same, lambda target, output: min(1.0, scorer.sentence_score(output, [target]).score / 100)
    )
