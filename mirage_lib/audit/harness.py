"""Sample logs of lm-evaluation-harness: one JSON object a line, one line an item and filter.

A line has ``doc_id, target, arguments, resps, filtered_resps, filter`` and the harness' own metrics. Written answers
stand in ``filtered_resps`` as text; choices as a log-likelihood each, with true or false behind it.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import msgspec

from mirage_lib.audit.rows import LogsError, Rows

_NAME = re.compile(r"samples_(?P<task>.+?)(?:_\d{4}-\d{2}-\d{2}T[\d\-.]+)?\.jsonl")
NO_JSON = "the line is no whole JSON object of a sample"
NO_ANSWER = "neither a written answer nor log-likelihoods of at least two choices"
NO_TARGET = "the target is neither the place of a choice nor its text"
NO_NUMBER = "a log-likelihood that is no finite number of at most 0"


class Sample(msgspec.Struct):
    """What is needed of a line."""

    target: object
    doc_id: int | str | None = None
    arguments: msgspec.Raw = msgspec.Raw(b"null")
    resps: object = None
    filtered_resps: object = None
    filter: str | None = None


class Settings(msgspec.Struct):
    """What is needed of the file of results beside the log."""

    config: dict[str, object] = {}
    model_name: str | None = None
    model_name_sanitized: str | None = None


_line = msgspec.json.Decoder(Sample)
_settings = msgspec.json.Decoder(Settings)


def recognised(path: Path) -> bool:
    """Tell whether this is such a log, by its name and first line."""
    if not path.name.startswith("samples_") or path.suffix != ".jsonl":
        return False
    with path.open("rb") as file:
        return file.readline(100_000).lstrip()[:1] in (b"{", b"")


def rows(path: Path) -> Rows:
    """Read one log.

    Raises
    ------
    LogsError
        If the file holds no line at all.
    """
    task = _NAME.fullmatch(path.name)
    name, params = model(path.parent)
    found = Rows({"model": name, "n_params": params, "task": task["task"] if task else path.stem})
    filters: dict[str, Rows] = {}
    number = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                sample = _line.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError):
                found.leave(NO_JSON, f"line {number}")
                continue
            which = sample.filter or "none"
            into = filters.get(which)
            if into is None:
                into = filters[which] = Rows(found.whole, left=found.left, first=found.first)
            _add(into, sample, number)
    if not number:
        raise LogsError("the file is empty")
    for which, part in filters.items():
        # Filters read different answers out of the same text, so each is a task of its own where there are several.
        task_name = found.whole["task"] if len(filters) == 1 else f"{found.whole['task']} ({which})"
        part.whole = found.whole | {"task": task_name}
        for kind, frame in part.frames().items():
            found.more[kind] = frame if kind not in found.more else found.more[kind].vstack(frame)
    return found


def model(folder: Path) -> tuple[str, int | None]:
    """Name and size of the model whose logs lie in a folder, from the results beside them, else from its name."""
    for path in sorted(folder.glob("results_*.json"), reverse=True):
        try:
            told = _settings.decode(path.read_bytes())
        except (msgspec.DecodeError, OSError):
            continue
        counted = told.config.get("model_num_parameters")
        name = told.model_name or told.model_name_sanitized
        if name:
            return name, counted if isinstance(counted, int) and counted > 0 else None
    return folder.name.replace("__", "/"), None


def _add(into: Rows, sample: Sample, number: int) -> None:
    item = number if sample.doc_id is None else sample.doc_id
    found = sample.filtered_resps if sample.filtered_resps is not None else sample.resps
    if not isinstance(found, list) or not found:
        into.leave(NO_ANSWER, f"line {number}")
    elif isinstance(found[0], str) and not _is_pair(found):
        into.say(item, 0, _text(sample.target), found[0])
        for k, other in enumerate(found[1:], 1):
            if isinstance(other, str):
                into.say(item, k, _text(sample.target), other)
    elif isinstance(found[0], list) and found[0] and isinstance(found[0][0], str) and not _is_pair(found[0]):
        into.say(item, 0, _text(sample.target), found[0][0])
    elif len(found) > 1:
        _choice(into, sample, item, found, number)
    else:
        into.leave(NO_ANSWER, f"line {number}")


def _is_pair(found: list) -> bool:
    """Tell whether this is a log-likelihood with true or false behind it, written as text."""
    return len(found) == 2 and str(found[1]) in ("True", "False")


def _choice(into: Rows, sample: Sample, item: object, found: list, number: int) -> None:
    nats = []
    for one in found:
        while isinstance(one, list) and one:
            one = one[0]
        try:
            nats.append(float(one))  # type: ignore[arg-type]
        except (TypeError, ValueError):
            into.leave(NO_ANSWER, f"line {number}")
            return
    if not all(math.isfinite(x) and x <= 1e-6 for x in nats):
        into.leave(NO_NUMBER, f"line {number}")
        return
    index = _index(sample, len(nats))
    if index is None:
        into.leave(NO_TARGET, f"line {number}")
    else:
        into.choose(item, index, nats)


def _text(target: object) -> str:
    if isinstance(target, list) and len(target) == 1:
        target = target[0]
    return target if isinstance(target, str) else str(target)


def _index(sample: Sample, choices: int) -> int | None:
    """Place of the right choice: the target itself, or where its text stands among the arguments."""
    text = _text(sample.target).strip()
    if text.isdecimal() and int(text) < choices:
        return int(text)
    try:
        arguments = msgspec.json.decode(sample.arguments)
    except msgspec.DecodeError:
        return None
    if isinstance(arguments, dict):
        arguments = [list(one.values()) if isinstance(one, dict) else one for one in arguments.values()]
    said = [str(one[1]).strip() for one in arguments or [] if isinstance(one, list) and len(one) > 1]
    return said.index(text) if len(said) == choices and said.count(text) == 1 else None
