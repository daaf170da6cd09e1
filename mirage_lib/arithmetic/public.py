"""Public models: what others measured and published, as small tables.

The tables are in the package, derived by ``tools/derive.py``; each file's first line gives origin and
licence. They hold scores, not answers: no metric can be changed on them. :mod:`mirage_lib.originals` gets
what they were derived from.
"""

from __future__ import annotations

import polars as pl

from mirage_lib import outputs


def arithmetic() -> pl.DataFrame:
    """Load the 2-shot arithmetic accuracy of public base models.

    Returns
    -------
    Frame with ``task, family, model, n_params, mixture, tokens_b, flops_1e21, accuracy, n``. Source: Ruan,
    Maddison and Hashimoto, arXiv 2405.10938 (Apache-2.0).

    >>> arithmetic()["model"].n_unique()
    84
    """
    return outputs.load_table("public-arithmetic")


def sampled() -> pl.DataFrame:
    """Load how often Pythia models solve GSM8K and MATH problems, by size and training length.

    Returns
    -------
    Frame with ``task, n_params, tokens_b, problems, n_samples, least_samples, least_problems,
    least_unsolved, n_correct, problems_solved, mean_success, low, high``; tokens in billions, intervals over
    problems. ``least_problems`` were sampled only ``least_samples`` times, ``least_unsolved`` of them in vain.

    >>> sampled()["n_params"].n_unique()
    9
    """
    return outputs.load_table("pythia-sampled-by-training")


def reference_logprob() -> pl.DataFrame:
    """Load how likely Pythia models find GSM8K's reference answers, in nats a text.

    Returns
    -------
    Frame with ``n_params, tokens_b, problems, mean, standard_error, q05, q25, median, q75, q95,
    share_better``.

    >>> (reference_logprob()["mean"] < 0).all()
    True
    """
    return outputs.load_table("pythia-reference-logprob")


def addition() -> pl.DataFrame:
    """Load five published accuracies of Pythia models in 2-digit addition, sampled until success.

    Returns
    -------
    Frame with ``model, n_params_non_embedding, accuracy``.

    >>> addition().height
    5
    """
    return outputs.load_table("pythia-addition")


def fig4() -> pl.DataFrame:
    """Load the low accuracies of the paper's Fig. 4, digitised from a bitmap.

    Returns
    -------
    Frame with ``task, target_str_len, temperature, params, value, dashed``: the last is the height of
    the panel's dashed line.

    >>> fig4()["task"].unique().sort().to_list()
    ['addition', 'multiplication']
    """
    return outputs.load_table("fig4")
