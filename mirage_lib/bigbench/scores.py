"""BIG-bench's result files, ``<task>/results/scores_<family>_<model>.json``: one task, one model, all its metrics.

The layout. Seen in code that reads these files (``data_prep/big_bench.py`` of INK-USC/predicting-big-bench): the
place of a file, ``model`` with ``model_family``, ``model_name``, ``non_embedding_params``,
``flop_matched_non_embedding_params`` and ``total_params``, and ``scores``, a list of ``score_dict``,
``preferred_score``, ``subtask_description`` and ``number_of_shots``; and which metrics go to 100, in the ranges
that the same repository cites from BIG-bench's ``json_task.py``. Known from BIG-bench's documentation only:
``low_score`` and ``high_score`` of the preferred metric. No file itself could be seen where this was written, so
every other field may be missing, and what is not needed is not looked at.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import msgspec
import polars as pl

from mirage_lib.bigbench.records import SCALES, RecordsError
from mirage_lib.bigbench.sizes import size

PERCENT = ("bleu", "rouge1", "rouge2", "rougeLsum", "sequence_f1")
"""What BIG-bench writes from 0 to 100; here it is divided by 100, as all shares are. ``normalized_aggregate_score``
also goes to 100 and below 0, and is left as it is."""

Number = float | str | None


class Model(msgspec.Struct):
    """Who answered. The size is the first of the last three that is there and not zero."""

    model_family: str
    model_name: str
    flop_matched_non_embedding_params: Number = None
    non_embedding_params: Number = None
    total_params: Number = None


class Entry(msgspec.Struct):
    """One task or subtask at one number of shots."""

    score_dict: dict[str, Number]
    preferred_score: str | None = None
    subtask_description: str | None = None
    number_of_shots: Annotated[int, msgspec.Meta(ge=-1, le=2**62)] | None = None
    low_score: Number = None
    high_score: Number = None


class File(msgspec.Struct):
    """What is needed of a file."""

    model: Model
    scores: list[Entry]


_decoder = msgspec.json.Decoder(File)


def recognised(start: bytes, path: Path) -> bool:
    """Tell whether a file may be one of these, by its beginning and its name.

    >>> recognised(b'{"model": {"model_family": "f"', Path("x.json"))
    True
    """
    return b'"model_family"' in start or (path.name.startswith("scores_") and path.suffix == ".json")


def rows(content: bytes, path: Path) -> dict[str, object]:
    """Return the columns of one file's records, each a list or one value for all.

    Raises
    ------
    RecordsError
        With what is wrong: no whole JSON, a missing field or metric, a score that is no number.

    >>> entry = '{"score_dict": {"exact_str_match": 0.5}, "preferred_score": "exact_str_match"}'
    >>> text = '{"model": {"model_family": "f", "model_name": "1b", "total_params": "1b"}, "scores": [%s]}' % entry
    >>> made = rows(text.encode(), Path("a_task/results/scores_f_1b.json"))
    >>> made["task"], made["n_params"], made["metric"], made["score"], made["preferred"]
    ('a_task', 1000000000, ['exact_str_match'], [0.5], [True])
    """
    file = decoded(_decoder, content)
    task = path.parent.parent.name if path.parent.name == "results" else path.parent.name
    metrics: list[str] = []
    values: list[float] = []
    chance: list[float | None] = []
    shots, settings, preferred = [], [], []
    for entry in file.scores:
        found, wanted = entry.score_dict, entry.preferred_score
        if not found or (wanted and wanted not in found):
            where = f"of subtask {entry.subtask_description!r} at {entry.number_of_shots} shots"
            raise RecordsError(
                f"the preferred metric {wanted!r} {where} is missing: there are {', '.join(found) or 'no scores'}"
            )
        n = len(found)
        if entry.high_score == 100 and wanted not in PERCENT and wanted in SCALES and SCALES[wanted].most == 1:
            found = {**found, wanted: _number(wanted, found[wanted]) / 100}
        metrics.extend(found)
        values.extend(found.values())
        shots += [-1 if entry.number_of_shots is None else entry.number_of_shots] * n
        subtask = entry.subtask_description
        settings += ["" if subtask is None or subtask == task else subtask.removeprefix(f"{task}:")] * n
        preferred += [name == wanted for name in found] if wanted else [None] * n
        low = entry.low_score if wanted == "multiple_choice_grade" and type(entry.low_score) is float else None
        chance += [None] * n if low is None else [low if name == wanted else None for name in found]
    if set(map(type, values)) - {float}:
        for name, value in zip(metrics, values, strict=True):
            _number(name, value)
    if not values:
        raise RecordsError("it holds no scores")
    model = file.model
    return {
        "task": task, "family": model.model_family, "model": model.model_name, "n_params": _size(model),
        "shots": shots, "metric": metrics, "score": values, "chance": chance, "setting": settings,
        "preferred": preferred,
    }  # fmt: skip


def tidied(records: pl.DataFrame) -> pl.DataFrame:
    """Bring the metrics of :data:`PERCENT` from 0 to 100 down to shares, all rows at once.

    >>> tidied(pl.DataFrame({"metric": ["bleu", "exact_str_match"], "score": [50.0, 0.5]}))["score"].to_list()
    [0.5, 0.5]
    """
    percent = pl.col("metric").is_in(PERCENT)
    return records.with_columns(pl.when(percent).then(pl.col("score") / 100).otherwise("score").alias("score"))


def decoded(decoder: msgspec.json.Decoder, content: bytes):
    """Decode JSON, or say in a sentence why that cannot be done.

    Raises
    ------
    RecordsError

    >>> decoded(_decoder, b'{"model": ')
    Traceback (most recent call last):
    ...
    mirage_lib.bigbench.records.RecordsError: it is no whole JSON: Input data was truncated
    """
    if not content.strip():
        raise RecordsError("it is empty")
    try:
        return decoder.decode(content)
    except msgspec.ValidationError as error:
        raise RecordsError(f"its fields are not those of this format: {error}") from None
    except RecursionError:
        raise RecordsError("it is no file of this format: its parts lie inside each other too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        try:
            json.loads(content)
        except (ValueError, RecursionError):
            raise RecordsError(f"it is no whole JSON: {error}") from None
        raise RecordsError("NaN or Infinity stands in it, which is no JSON and no score") from None


def _number(metric: str, value: Number) -> float:
    if type(value) is float:
        return value
    raise RecordsError(f"score {json.dumps(value)} under {metric!r}: it has to be a number")


def _size(model: Model) -> int:
    for written in (model.flop_matched_non_embedding_params, model.non_embedding_params, model.total_params):
        if written not in (None, 0, ""):
            return size(written)
    raise RecordsError(f"no number of parameters of model {model.model_name!r}: none of the three fields has one")
