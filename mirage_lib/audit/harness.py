"""Sample logs of lm-evaluation-harness: one JSON object a line, one line an item and filter.

A line has ``doc_id, target, arguments, resps, filtered_resps, filter`` and the harness' own metrics. Written answers
stand in ``filtered_resps`` as text; choices as a log-likelihood each, with true or false behind it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from mirage_lib.audit.rows import UNREADABLE, LogsError, Rows
from mirage_lib.bigbench.sizes import MOST

_NAME = re.compile(r"samples_(?P<task>.+?)(?:_(?P<date>\d{4}-\d{2}-\d{2}T[\d\-.]+))?\.jsonl")
_LOGARITHM = re.compile(r"-\d+(\.\d+)?(e[+-]?\d+)?|-inf")
NO_JSON = "the line is no whole JSON object of a sample"
NO_ANSWER = "neither a written answer nor log-likelihoods of at least two choices"
ONE_NUMBER = "one log-likelihood only, as of a perplexity or a single continuation: there is nothing to choose among"
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
    exact_match: float | None = None
    acc: float | None = None


class Settings(msgspec.Struct):
    """What is needed of the file of results beside the log."""

    config: dict[str, object] = {}
    model_name: str | None = None
    model_name_sanitized: str | None = None


_list = msgspec.json.Decoder(list[msgspec.Raw])
_line = msgspec.json.Decoder(Sample)
_settings = msgspec.json.Decoder(Settings)


def recognised(path: Path) -> bool:
    """Tell whether this is such a log, by the first thing in it; an empty file, by its name."""
    if path.suffix != ".jsonl":
        return False
    with path.open("rb") as file:
        start = next((line for line in file if line.strip()), b"").lstrip()
    if path.name.startswith("samples_"):
        return start[:1] in (b"{", b"[", b"")
    # Releases up to 0.4.2 gave the files other names.
    return start[:1] == b"{" and all(b'"%s"' % key in start for key in (b"doc_id", b"target", b"resps"))


def rows(path: Path) -> Rows:
    """Read one log.

    Raises
    ------
    LogsError
        If the file holds no line at all.
    """
    told = _NAME.fullmatch(path.name)
    name, params = model(path.parent, told["date"] if told else None)
    task = told["task"] if told else path.stem
    found = Rows({"model": name, "n_params": params, "task": task})
    filters: dict[str, Rows] = {}
    number = 0
    for number, line in enumerate(_lines(path), 1):
        if line.isspace():
            continue
        try:
            sample = _line.decode(line)
        except UNREADABLE:
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
        named = task if len(filters) == 1 else f"{task} ({which})"
        part.whole = found.whole | {"task": named}
        found.notes += [note if len(filters) == 1 else f"{which}: {note}" for note in part.noted()]
        for kind, frame in part.frames().items():
            found.more[kind] = frame if kind not in found.more else found.more[kind].vstack(frame)
    return found


def _lines(path: Path) -> Iterator[bytes]:
    """Yield one sample after the other; the first releases wrote them as one list."""
    with path.open("rb") as file:
        first = file.readline()
        if first.lstrip()[:1] != b"[":
            if first:
                yield first
            yield from file
            return
    try:
        yield from map(bytes, _list.decode(path.read_bytes()))
    except UNREADABLE as error:
        raise LogsError(f"it begins as a list of samples, and is no whole one: {error}") from None


def model(folder: Path, date: str | None = None) -> tuple[str, int | None]:
    """Name and size of the model whose logs lie in a folder: from the results of that date, else the latest, else from its name."""
    results = sorted(folder.glob("results_*.json"), reverse=True)
    results.sort(key=lambda path: path.name != f"results_{date}.json")
    for path in results:
        try:
            told = _settings.decode(path.read_bytes())
        except (*UNREADABLE, OSError):
            continue
        counted = told.config.get("model_num_parameters")
        name = told.model_name or told.model_name_sanitized
        if name:
            return name, counted if isinstance(counted, int) and 0 < counted <= MOST else None
    return folder.name.replace("__", "/"), None


def _add(into: Rows, sample: Sample, number: int) -> None:
    item = number if sample.doc_id is None else sample.doc_id
    found = sample.filtered_resps if sample.filtered_resps is not None else sample.resps
    if not isinstance(found, list) or not found:
        into.leave(NO_ANSWER, f"line {number}")
        return
    first = found[0]
    if isinstance(first, list) and first and isinstance(first[0], str) and not _is_pair(first) and len(found) == 1:
        found, first = first, first[0]
    if isinstance(first, str) and not _is_pair(found):
        if len(found) == 1 and _LOGARITHM.fullmatch(first) and not _generates(sample):
            into.leave(ONE_NUMBER, f"line {number}")
            return
        for k, said in enumerate(found):
            if not isinstance(said, str):
                into.leave(NO_ANSWER, f"line {number}")
                continue
            right = into.say(item, k, _targets(sample.target), said)
            if sample.exact_match is not None and len(found) == 1:
                into.mark("exact_match", sample.exact_match > 0.5, right)
    elif len(found) > 1 and not _is_pair(found):
        _choice(into, sample, item, found, number)
    else:
        into.leave(ONE_NUMBER if isinstance(first, list | float) or _is_pair(found) else NO_ANSWER, f"line {number}")


def _is_pair(found: list[object]) -> bool:
    """Tell whether this is a log-likelihood with true or false behind it."""
    return len(found) == 2 and str(found[1]) in ("True", "False")


def _generates(sample: Sample) -> bool:
    """Tell whether the model was asked to write: the settings of that are the second argument."""
    return any(len(one) > 1 and isinstance(one[1], dict) for one in _arguments(sample))


def _choice(into: Rows, sample: Sample, item: object, found: list[object], number: int) -> None:
    nats = []
    for one in found:
        while isinstance(one, list) and one:
            one = one[0]
        try:
            nats.append(float(one) if isinstance(one, str | int | float) else math.nan)
        except (ValueError, OverflowError):
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
        if sample.acc is not None:
            into.mark("acc", sample.acc > 0.5, max(range(len(nats)), key=nats.__getitem__) == index)


def _targets(target: object) -> str | list[str]:
    if isinstance(target, list):
        return [str(one) for one in target]
    return target if isinstance(target, str) else str(target)


def _arguments(sample: Sample) -> list[list[object]]:
    """What the model was given, a list a request; newer logs have names before all of it."""
    try:
        given = msgspec.json.decode(sample.arguments)
    except UNREADABLE:
        return []
    if isinstance(given, dict):
        given = [list(one.values()) if isinstance(one, dict) else one for one in given.values()]
    return [one for one in given if isinstance(one, list)] if isinstance(given, list) else []


def _index(sample: Sample, choices: int) -> int | None:
    """Place of the right choice: the target itself, or where its text stands among the arguments."""
    told = sample.target
    text = str(told[0] if isinstance(told, list) and len(told) == 1 else told).strip()
    if text.isdecimal() and len(text) < 9 and int(text) < choices:
        return int(text)
    said = [str(one[1]).strip() for one in _arguments(sample) if len(one) > 1]
    return said.index(text) if len(said) == choices and said.count(text) == 1 else None
