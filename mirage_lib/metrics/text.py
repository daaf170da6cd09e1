"""Text: metrics of what was written, against what should have been.

Characters stand for tokens throughout: the models of this book read and write one character a token, and
the digits of an answer are what the paper counts too.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import polars as pl

from mirage_lib.metrics.registry import metric


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


def _missing(error: ModuleNotFoundError) -> ModuleNotFoundError:
    """Say which extra brings a package that scoring alone does not install."""
    said = f"this metric needs {error.name}, which is not installed: pip install 'mirage-lib[claims]' brings it"
    return ModuleNotFoundError(said, name=error.name)


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
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ModuleNotFoundError as error:
        raise _missing(error) from None
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
    try:
        from sacrebleu.metrics import BLEU
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    scorer = BLEU(effective_order=True, smooth_method="exp", tokenize="intl")
    same = pl.col("target") == pl.col("output")
    return _for_each_pair(
        outputs, same, lambda target, output: min(1.0, scorer.sentence_score(output, [target]).score / 100)
    )
