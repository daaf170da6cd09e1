"""Vision: metrics of pictures that were named or copied, alone and in sequences."""

from __future__ import annotations

import math

import polars as pl

from mirage_lib.metrics.registry import Metric, metric


@metric(
    label="Accuracy",
    formula=r"\mathbb{1}[\hat{k} = k]",
    needs=("label", "predicted"),
    range=(0, 1),
    shape="linear",
    why="The mean over pictures of a right-or-wrong answer is one less the error rate.",
    source="Appendix B of the paper, Fig. 11B; in the preprint Fig. 7B",
)
def picture_accuracy(outputs: pl.DataFrame) -> pl.Series:
    """1 where the predicted class is the picture's, else 0.

    >>> picture_accuracy.score(pl.DataFrame({"label": [3, 4], "predicted": [3, 9]})).to_list()
    [1.0, 0.0]
    """
    return outputs["label"] == outputs["predicted"]


@metric(
    label="Squared error",
    formula=r"\tfrac{1}{d}\lVert x - \hat{x} \rVert^2",
    needs=("squared_error",),
    range=(0, math.inf),
    better="lower",
    shape="linear",
    why="It is the error itself, averaged over the pixels of a picture.",
    source="Section 5 of the paper, Fig. 7B; in the preprint Fig. 8B",
)
def squared_error(outputs: pl.DataFrame) -> pl.Series:
    """Squared difference of picture and copy, averaged over pixels.

    >>> squared_error.score(pl.DataFrame({"squared_error": [0.5]})).to_list()
    [0.5]
    """
    return outputs["squared_error"]


def reconstruction_within(c: float) -> Metric:
    """Make the metric Reconstruction_c: 1 where the squared error is below ``c``.

    Parameters
    ----------
    c : float
        Threshold in units of the squared error; the paper shows 0.003 and 0.004, and tried 24 values.

    Raises
    ------
    ValueError
        For a threshold that is not positive.

    Source: equation 1 of the paper (2 in the preprint).

    >>> reconstruction_within(0.1).score(pl.DataFrame({"squared_error": [0.05, 0.1, 0.2]})).to_list()
    [1.0, 0.0, 0.0]
    """
    if not c > 0:
        raise ValueError(f"c is {c}: a threshold on a squared error has to be above 0")
    return Metric(
        name=f"reconstruction_within_{c:g}",
        label=f"Reconstructed within {c:g}",
        formula=r"\mathbb{1}[\tfrac{1}{d}\lVert x - \hat{x} \rVert^2 < c]",
        needs=("squared_error",),
        range=(0, 1),
        better="higher",
        shape="discontinuous",
        why="A picture flips from 0 to 1 where its error falls below c.",
        source="Section 5 of the paper, equation 1",
        compute=lambda outputs: outputs["squared_error"] < c,
        chance=lambda outputs: None,
    )


@metric(
    label="Accuracy of one picture",
    formula=r"\frac{1}{L}\sum_{i=1}^{L} \mathbb{1}[\hat{k}_i = k_i]",
    needs=("correct",),
    range=(0, 1),
    shape="linear",
    why="The mean over pictures of a right-or-wrong answer is one less the error rate.",
    source="Section 5 of the paper, Fig. 8B; in the preprint Fig. 9B",
)
def sequence_accuracy(outputs: pl.DataFrame) -> pl.Series:
    """Share of a sequence's pictures that were named right.

    >>> sequence_accuracy.score(pl.DataFrame({"correct": [[True, False]]})).to_list()
    [0.5]
    """
    return outputs["correct"].list.mean()


def first_all_correct(length: int) -> Metric:
    """Make the metric that is 1 where the first ``length`` pictures of a sequence were all named right.

    Raises
    ------
    ValueError
        For a length below 1; when scoring, for a sequence that is shorter.

    Source: Section 5 of the paper, Fig. 8C.

    >>> first_all_correct(2).score(pl.DataFrame({"correct": [[True, True, False], [True, False, True]]})).to_list()
    [1.0, 0.0]
    """
    if length < 1:
        raise ValueError(f"length is {length}: at least one picture has to be asked for")

    def compute(outputs: pl.DataFrame) -> pl.Series:
        shortest = outputs["correct"].list.len().min()
        if isinstance(shortest, int) and shortest < length:
            raise ValueError(f"a sequence has {shortest} pictures, but {length} are to be right: take fewer")
        return outputs["correct"].list.head(length).list.all()

    return Metric(
        name=f"first_{length}_correct",
        label=f"All {length} correct" if length > 1 else "First correct",
        formula=r"\prod_{i=1}^{L} \mathbb{1}[\hat{k}_i = k_i]",
        needs=("correct",),
        range=(0, 1),
        better="higher",
        shape="nonlinear",
        why="All L pictures have to be right at once: with independent errors the mean is (1 - ε)^L.",
        source="Section 5 of the paper",
        compute=compute,
        chance=lambda outputs: None,
    )
