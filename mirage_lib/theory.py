"""Theory: the paper's mathematical model (Section 2), and outputs simulated from it.

A model of ``N`` parameters has a cross-entropy of ``(N / c)^alpha`` nats a token. All six panels of
Fig. 2 follow from that one power law. The constants are those of the figure, recovered from its
points; sizes are as drawn there (the largest is 200 billion, not 175).
"""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.special import expit, logit, ndtr  # scipy.stats, which has the same distribution, takes a second to import

ALPHA = -0.5
C = 2.0e9
SIZES = (350e6, 1.3e9, 6.7e9, 200e9)
LENGTH = 5
CHOICES = 2


def cross_entropy(n_params, alpha: float = ALPHA, c: float = C) -> np.ndarray:
    """Cross-entropy a token, in nats: ``(N / c)^alpha`` (Fig. 2A).

    Raises
    ------
    ValueError
        If a size or ``c`` is not positive, or ``alpha`` not negative: larger models have to be better.

    >>> float(cross_entropy(2e9))
    1.0
    """
    n_params = np.asarray(n_params, dtype=float)
    if (n_params <= 0).any() or c <= 0:
        raise ValueError(f"n_params and c have to be positive, but c is {c} and a size {n_params.min()}")
    if alpha >= 0:
        raise ValueError(f"alpha is {alpha}: it has to be negative, or loss would not fall with size")
    return (n_params / c) ** alpha


def token_probability(n_params, alpha: float = ALPHA, c: float = C) -> np.ndarray:
    """Probability of the right token: ``exp(-cross_entropy)`` (Fig. 2B).

    >>> round(float(token_probability(2e9)), 4)
    0.3679
    """
    return np.exp(-cross_entropy(n_params, alpha, c))


def accuracy(p, length: int = LENGTH) -> np.ndarray:
    """Probability that all ``length`` tokens are right, were they independent: ``p^L`` (Fig. 2C).

    >>> round(float(accuracy(0.9, 5)), 5)
    0.59049
    """
    return np.asarray(p, dtype=float) ** length


def edit_distance(p, length: int = LENGTH) -> np.ndarray:
    """Expected number of wrong tokens: ``L (1 - p)`` (Fig. 2E, there with a minus sign).

    >>> round(float(edit_distance(0.9, 5)), 6)
    0.5
    """
    return length * (1 - np.asarray(p, dtype=float))


def choice_grade(p, choices: int = CHOICES) -> np.ndarray:
    """Multiple choice grade of identical items: a step from chance to 1 (Fig. 2D).

    With the rest of the probability spread evenly over the wrong choices, the right one leads as soon
    as ``p > 1 / choices``; before that the figure shows chance, ``1 / choices``.

    >>> choice_grade([0.4, 0.6]).tolist()
    [0.5, 1.0]
    """
    return np.where(np.asarray(p, dtype=float) > 1 / choices, 1.0, 1 / choices)


def mixed_choice_grade(p, spread: float, choices: int = CHOICES) -> np.ndarray:
    """Multiple choice grade when items differ: the step, smoothed by the items' spread.

    Each item's log-odds are normal around those of ``p``; an item counts 1 where it passes
    ``1 / choices`` and, as in Fig. 2D, chance where it does not. Ours, not the paper's.

    Parameters
    ----------
    spread : float
        Standard deviation of the items' log-odds; 0 gives :func:`choice_grade`.

    >>> mixed_choice_grade([0.5], spread=1.0).tolist()
    [0.75]
    """
    if spread < 0:
        raise ValueError(f"spread is {spread}: a standard deviation is not negative")
    if spread == 0:
        return choice_grade(p, choices)
    above = ndtr((logit(np.asarray(p, dtype=float)) - logit(1 / choices)) / spread)
    return above + (1 - above) / choices


def brier(p) -> np.ndarray:
    """Brier score of the right choice: ``(1 - p)^2`` (Fig. 2F, there with a minus sign).

    >>> round(float(brier(0.9)), 4)
    0.01
    """
    return (1 - np.asarray(p, dtype=float)) ** 2


def figure2(
    sizes=SIZES, alpha: float = ALPHA, c: float = C, length: int = LENGTH, choices: int = CHOICES
) -> pl.DataFrame:
    """Recompute the six panels of Fig. 2, higher is better as drawn.

    Returns
    -------
    Frame with ``panel, n_params, value``; panels are named as in ``curves.published("fig2")``.

    >>> figure2().filter(pl.col("panel") == "B_prob")["value"].round(4).to_list()
    [0.0916, 0.2893, 0.5791, 0.9048]
    """
    sizes = np.asarray(sizes, dtype=float)
    p = token_probability(sizes, alpha, c)
    panels = {
        "A_ce": cross_entropy(sizes, alpha, c),
        "B_prob": p,
        "C_accuracy_L5": accuracy(p, length),
        "D_mcg_2choices": choice_grade(p, choices),
        "E_neg_incorrect_tokens_L5": -edit_distance(p, length),
        "F_neg_brier_2choices": -brier(p),
    }
    return pl.concat(
        pl.DataFrame({"panel": name, "n_params": sizes, "value": values})
        for name, values in panels.items()
    )


def text_outputs(errors, length: int, n: int, seed: int = 0, words: bool = False) -> pl.DataFrame:
    """Simulate text answers whose tokens are wrong independently of each other.

    Parameters
    ----------
    errors : per-token error rates, one a simulated model
    length : tokens a target
    n : items a model
    words : bool
        Join tokens by spaces, so that metrics over words see tokens.

    Returns
    -------
    Outputs of kind ``text``; ``model`` is the error rate, ``n_params`` only counts the models.

    >>> text_outputs([0.0, 1.0], length=3, n=2)["output"].to_list()[:2] == text_outputs(
    ...     [0.0], length=3, n=2)["target"].to_list()
    True
    """
    rng = np.random.default_rng(seed)
    joint = " " if words else ""
    frames = []
    for index, error in enumerate(errors):
        if not 0 <= error <= 1:
            raise ValueError(f"error rate {error} has to lie between 0 and 1")
        target = rng.integers(0, 10, (n, length))
        # A wrong digit is one of the nine others, each as likely.
        shift = np.where(rng.random((n, length)) < error, rng.integers(1, 10, (n, length)), 0)
        frames.append(
            _simulated(index, f"{error:g}", n).with_columns(
                group=pl.lit(length, dtype=pl.Int64),
                prompt_id=pl.lit("simulated"),
                target=pl.Series([joint.join(map(str, row)) for row in target]),
                output=pl.Series([joint.join(map(str, row)) for row in (target + shift) % 10]),
                finish_reason=pl.lit("stop"),
            )
        )
    return pl.concat(frames)


def choice_outputs(probabilities, choices: int, n: int, spread: float = 0.0, seed: int = 0) -> pl.DataFrame:
    """Simulate multiple-choice answers with a given typical probability of the right choice.

    Parameters
    ----------
    probabilities : typical probability of the right choice, one a simulated model
    spread : float
        Standard deviation of the items' log-odds around it; the rest is shared evenly.

    Returns
    -------
    Outputs of kind ``choice``.

    Raises
    ------
    ValueError
        If a probability lies outside 0 to 1, or if there are fewer than two choices.

    >>> choice_outputs([0.7], choices=2, n=1)["probabilities"].to_list()
    [[0.7, 0.30000000000000004]]
    """
    if choices < 2:
        raise ValueError(f"choices is {choices}: at least two are needed")
    rng = np.random.default_rng(seed)
    frames = []
    for index, p in enumerate(probabilities):
        if not 0 <= p <= 1:
            raise ValueError(f"probability {p} has to lie between 0 and 1")
        right = p if spread == 0 else expit(logit(p) + spread * rng.normal(size=n))
        right = np.broadcast_to(right, n)
        wrong = np.repeat((1 - right)[:, None] / (choices - 1), choices - 1, axis=1)
        lists = np.concatenate([right[:, None], wrong], axis=1)
        frames.append(
            _simulated(index, f"{p:g}", n).with_columns(
                group=pl.lit(choices, dtype=pl.Int64),
                target_index=pl.lit(0, dtype=pl.Int64),
                probabilities=pl.Series(lists.tolist(), dtype=pl.List(pl.Float64)),
            )
        )
    return pl.concat(frames)


def _simulated(index: int, model: str, n: int) -> pl.DataFrame:
    """The common columns of ``n`` simulated outputs of one model."""
    return pl.DataFrame({"item": [f"item {k}" for k in range(n)]}).with_columns(
        family=pl.lit("simulated"),
        model=pl.lit(model),
        n_params=pl.lit(index + 1, dtype=pl.Int64),
        seed=pl.lit(0, dtype=pl.Int64),
        task=pl.lit("simulated"),
        temperature=pl.lit(0.0),
        sample=pl.lit(0, dtype=pl.Int64),
    )
