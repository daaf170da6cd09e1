"""Files of EleutherAI's lm-evaluation-harness: its results, old and new, and its logs of single samples.

Layouts. Old results were seen in EleutherAI/pythia (``evals/``) and in the harness' ``results/bloom``: ``results``
with ``acc`` and ``acc_stderr`` a task, ``versions``, and ``config`` with ``num_fewshot`` and ``model_args``, a text
such as ``pretrained=...`` or, for neox, an object that names no model. New results were seen where forks keep some
under ``results/<model>/``: keys ``acc,none`` and ``acc_stderr,none``, where the second part is the filter,
``alias``, ``n-shot``, ``n-samples`` with ``effective``, ``model_name``, ``config.model_num_parameters``; groups of
tasks stand among the tasks. Logs were seen in their writer (``lm_eval/loggers/evaluation_tracker.py``) and in lines
that others' tests hold: ``doc_id, target, arguments, resps, filtered_resps`` and the metrics, log-likelihoods as
numbers with true or false, or both as text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from mirage_lib import outputs as tables
from mirage_lib.bigbench.records import RecordsError
from mirage_lib.bigbench.scores import decoded
from mirage_lib.bigbench.sizes import MOST, parted, size

METRICS = {"acc": "accuracy", "acc_norm": "accuracy_normalized", "em": "exact_match", "ppl": "perplexity"}
"""The harness' names of metrics that have another one here; the rest keep theirs."""
NOT_METRICS = ("alias", "name", "sample_len", "sample_count", "samples", "")


class Results(msgspec.Struct):
    """What is needed of a file of results."""

    results: dict[str, dict[str, object]]
    config: dict[str, object] = {}
    model_name: str | None = None
    n_shot: dict[str, object] = msgspec.field(name="n-shot", default={})
    n_samples: dict[str, object] = msgspec.field(name="n-samples", default={})


class Sample(msgspec.Struct):
    """What is needed of one line of a log."""

    target: object
    doc_id: int | str | None = None
    arguments: object = None
    filtered_resps: object = None
    resps: object = None
    filter: str | None = None
    acc: float | None = None


_results, _sample = msgspec.json.Decoder(Results), msgspec.json.Decoder(Sample)
_LOG_NAME = re.compile(r"samples_(?P<task>.+?)(?:_\d{4}-\d{2}-\d{2}T.*)?")


def recognised(start: bytes, path: Path) -> bool:
    """Tell whether a file may hold results, by its beginning.

    >>> recognised(b'{ "results": {"piqa": {"acc": 0.5}}}', Path("x.json"))
    True
    """
    return re.match(rb'\s*\{\s*"(results|config_general|groups|versions)"', start) is not None


def rows(content: bytes, path: Path, model: str | None = None, n_params: int | str | None = None) -> dict[str, object]:
    """Return the columns of one file's records, each a list or one value for all.

    Parameters
    ----------
    model, n_params
        The model's name and size, where the file does not say them.

    Raises
    ------
    RecordsError
        With what is wrong: no whole JSON, a missing field, no model, no size, a score that is no number.

    >>> text = b'{"results": {"piqa": {"acc": 0.6, "acc_stderr": 0.01}}, "config": {"model_args": "pretrained=o/m-1b"}}'
    >>> made = rows(text, Path("x.json"))
    >>> made["family"], made["n_params"], made["metric"], made["score"], made["stderr"]
    ('m', 1000000000, ['accuracy'], [0.6], [0.01])
    """
    file = decoded(_results, content)
    counted = file.config.get("model_num_parameters")  # -1 or 0 where the harness did not know.
    if n_params is None and isinstance(counted, int) and counted > 0:
        n_params = counted
    name, family, params = _model(model or _named(file), n_params)
    made: dict[str, list[object]] = {key: [] for key in ("task", "metric", "score", "stderr", "shots", "n_items", "setting")}
    for task, found in file.results.items():
        shots = file.n_shot.get(task, file.config.get("num_fewshot"))
        counted = file.n_samples.get(task)
        items = counted.get("effective") if isinstance(counted, Mapping) else counted
        for key, value in found.items():
            metric, _, how = key.strip().partition(",")
            if metric in NOT_METRICS or metric.endswith("_stderr"):
                continue
            score = _real(value)
            if score is None:
                raise RecordsError(f"score {value!r} of task {task!r} under {metric!r}: it has to be a number")
            error = found.get(f"{metric}_stderr,{how}" if how else f"{metric}_stderr")
            made["task"].append(task)
            made["metric"].append(METRICS.get(metric, metric))
            made["score"].append(score)
            made["stderr"].append(_real(error))
            made["shots"].append(shots if isinstance(shots, int) and abs(shots) <= MOST else -1)
            made["n_items"].append(items if isinstance(items, int) and abs(items) <= MOST else None)
            made["setting"].append("" if how in ("", "none") else how)
    if not made["score"]:
        raise RecordsError("it holds no scores: no task has a metric")
    return made | {"family": family, "model": name, "n_params": params}


def _real(value: object) -> float | None:
    """A number as a real one; None where it is none, or too large to be one."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def tidied(records: pl.DataFrame) -> pl.DataFrame:
    """Return the records as they are: the harness writes shares as shares."""
    return records


def outputs(path: str | Path, model: str | None = None, n_params: int | str | None = None) -> pl.DataFrame:
    """Read a log of samples of a multiple-choice task as outputs, which any metric of choices can score.

    The probabilities are those of the choices' whole log-likelihoods, normalised over the choices. A log may
    name the right choice by its place or by its text; a whole number is taken to be a place. Where the log
    has an accuracy, each of its lines has to agree with what is read.

    Parameters
    ----------
    path
        ``samples_<task>_<date>.jsonl``; the folder it lies in is named after the model.
    model, n_params
        The model's name and size, where the folder's name is not it or has no size in it.

    Returns
    -------
    Outputs of kind ``choice``. The seed is 0, the temperature 0 and the group 0: the log knows none of them.

    Raises
    ------
    RecordsError
        Naming the line and what is wrong with it.
    """
    path = Path(path)
    name, family, params = _model(model or path.parent.name.replace("__", "/"), n_params)
    task = _LOG_NAME.fullmatch(path.stem)
    rows, first = [], None
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        try:
            sample = decoded(_sample, line)
            first = first or sample.filter or "none"
            if (sample.filter or "none") == first:
                rows.append((str(number if sample.doc_id is None else sample.doc_id), *_chosen(sample)))
        except RecordsError as error:
            raise RecordsError(f"line {number} of {path}: {error}") from None
    if not rows:
        raise RecordsError(f"{path} holds no samples")
    payload = {"item": pl.String, "target_index": pl.Int64, "probabilities": pl.List(pl.Float64)}
    table = pl.DataFrame(rows, schema=payload, orient="row")
    if table["item"].is_duplicated().any():
        raise RecordsError(f"item {table['item'].filter(table['item'].is_duplicated())[0]} stands twice in {path}")
    table = table.with_columns(
        family=pl.lit(family), model=pl.lit(name), n_params=pl.lit(params, pl.Int64), seed=pl.lit(0, pl.Int64),
        task=pl.lit(task["task"] if task else path.stem), group=pl.lit(0, pl.Int64), temperature=pl.lit(0.0),
        sample=pl.lit(0, pl.Int64),
    )  # fmt: skip
    return tables.check(table.select(*tables.COMMON, *tables.KINDS["choice"]), "choice")


def _chosen(sample: Sample) -> tuple[int, list[float]]:
    """The place of the right choice, and the probabilities of all."""
    found = sample.filtered_resps if sample.filtered_resps is not None else sample.resps
    nats = np.array([_nats(one) for one in found] if isinstance(found, list) else [])
    if len(nats) < 2:
        raise RecordsError("no log-likelihoods of at least two choices: only multiple-choice logs become outputs")
    if not np.isfinite(nats).all() or (nats > 1e-6).any():
        raise RecordsError(f"log-likelihoods {nats.tolist()}: each has to be a finite number of at most 0")
    weights = np.exp(nats - nats.max())
    index = _index(sample, len(nats))
    leads = float(nats.argmax() == index)
    if sample.acc is not None and sample.acc != leads and (nats == nats.max()).sum() == 1:
        raise RecordsError(
            f"acc is {sample.acc:g}, but the log-likelihoods and target {sample.target!r} give {leads:g}"
        )
    return index, (weights / weights.sum()).tolist()


def _nats(response: object) -> float:
    """A log-likelihood out of ``[-1.5, false]``, ``["-1.5", "False"]``, or either in one more list."""
    while isinstance(response, list) and response:
        response = response[0]
    try:
        return float(response)
    except (TypeError, ValueError, OverflowError):
        raise RecordsError(f"{response!r} is no log-likelihood: only multiple-choice logs become outputs") from None


def _index(sample: Sample, choices: int) -> int:
    target = sample.target
    while isinstance(target, list) and len(target) == 1:
        target = target[0]
    text = str(target).strip()
    if text.isdecimal() and len(text) < 9 and int(text) < choices:
        return int(text)
    arguments = sample.arguments
    if isinstance(arguments, Mapping):
        arguments = [list(one.values()) if isinstance(one, Mapping) else one for one in arguments.values()]
    said = [str(one[1]).strip() for one in (arguments if isinstance(arguments, list) else []) if isinstance(one, list) and len(one) > 1]
    if len(said) == choices and said.count(text) == 1:
        return said.index(text)
    raise RecordsError(f"target {sample.target!r} is neither the place of one of {choices} choices nor its text")


def _named(file: Results) -> str | None:
    """The model's name, from where the harness' versions write it."""
    if file.model_name:
        return file.model_name
    arguments = file.config.get("model_args")
    if isinstance(arguments, str):
        arguments = dict(part.split("=", 1) for part in arguments.split(",") if "=" in part)
    if isinstance(arguments, Mapping):
        for key in ("pretrained", "model", "path", "engine"):
            if isinstance(arguments.get(key), str):
                return arguments[key]
    return None


def _model(name: str | None, n_params: object) -> tuple[str, str, int]:
    """Name, family and size of a model."""
    if not name:
        raise RecordsError("it does not say which model this is: give model=")
    family, written = parted(name)
    if n_params is None and written is None:
        raise RecordsError(f"no size is in the name of model {name!r}: give n_params=")
    return name, family, size(written if n_params is None else n_params)
