"""Public models: what others measured and published, as small tables, and where the originals are.

The tables are in the package, derived by ``tools/derive.py``; each file's first line gives origin and
licence. They hold scores, not answers: no metric can be changed on them. The originals are larger and
stay with their authors; :func:`fetch` gets them, each pinned by commit and SHA-256.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import polars as pl

from mirage_lib import outputs

BASE_URL = "https://raw.githubusercontent.com"
"""Files of a public repository are at ``<base>/<owner>/<name>/<commit>/<path>``."""


class FetchError(ValueError):
    """An original could not be had, or is not the file that was derived from."""


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


def sources(tables: Iterable[str] | None = None) -> pl.DataFrame:
    """List the originals: which table is made of which file of which repository at which commit.

    Parameters
    ----------
    tables : names of derived tables, optional
        Keep only what these need.

    Raises
    ------
    ValueError
        If a name is no table that has originals.

    >>> sources(["public-arithmetic"])["repository"].to_list()
    ['ryoungj/ObsScaling']
    """
    listed = outputs.load_table("public-sources").with_columns(names=pl.col("tables").str.split(", "))
    known = sorted(set(listed["names"].explode()))
    wanted = known if tables is None else list(tables)
    for name in wanted:
        if name not in known:
            raise ValueError(f"no originals are listed for {name!r}: choose from {', '.join(known)}")
    return listed.filter(pl.col("names").list.set_intersection(wanted).list.len() > 0).drop("names")


def fetch(
    tables: Iterable[str] | None = None, into: str | Path | None = None, base_url: str = BASE_URL
) -> dict[str, Path]:
    """Download the originals of the derived tables, and check each against its SHA-256.

    A file that is there already and right is not asked for again; one that arrives wrong is not kept.
    The addresses follow GitHub's rule for raw files, and were not tried where this was written: only the
    hashes vouch for what comes.

    Parameters
    ----------
    tables : names of derived tables, optional
        All by default.
    into : folder, optional
        The cache folder of the operating system by default.
    base_url : str
        Another server that keeps the same paths, such as a mirror.

    Returns
    -------
    The path of each original, by its path in its repository.

    Raises
    ------
    ValueError
        For a table without originals.
    FetchError
        If pooch is not installed, a file cannot be had, or it is not the file of that hash.
    """
    listed = sources(tables)
    try:
        import pooch
        from requests import RequestException
    except ImportError:
        raise FetchError("downloads need pooch: install it with 'pip install mirage-lib[fetch]'") from None
    folder = Path(into) if into is not None else Path(pooch.os_cache("mirage-lib")) / "originals"
    there = {}
    for row in listed.iter_rows(named=True):
        url = "/".join((base_url.rstrip("/"), row["repository"], row["commit"], row["path"]))
        place = folder / row["repository"] / row["commit"] / row["path"]
        try:
            got = pooch.retrieve(
                url, known_hash=f"sha256:{row['sha256']}", fname=place.name, path=place.parent, progressbar=False
            )
        except RequestException as error:
            raise FetchError(
                f"{row['path']} of {row['repository']} cannot be had: {error}; check the network and try again"
            ) from None
        except ValueError:
            raise FetchError(
                f"what came for {row['path']} of {row['repository']} is not the file of SHA-256 {row['sha256']}, and was "
                f"not kept: get it by hand from commit {row['commit']} and put it at {place}"
            ) from None
        there[row["path"]] = Path(got)
    return there
