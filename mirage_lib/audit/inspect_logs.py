"""Logs of Inspect: one JSON document, or a zip of one header and a file a sample (``.eval``).

What is used of a sample is its id, epoch, targets, and the answer: what its scorer read out of the completion, or the
completion where no scorer or more than one says so. A choice of letters is a written answer here, since Inspect keeps
no probabilities of choices.
"""

from __future__ import annotations

import contextlib
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

from mirage_lib.audit.rows import UNREADABLE, LogsError, Rows

NO_SAMPLE = "the sample is no whole JSON object with id, target and output"
DAMAGED = "its part of the zip file is damaged, or locked by a password"
LONGEST = 1 << 28
TOO_LONG = f"unpacked, the sample has more than {LONGEST >> 20} MB"
ZSTD = 93
"""How zip files number that compression."""
NO_OUTPUT = "the sample ended with an error and has no answer"


MARKS: dict[object, bool] = {"C": True, "I": False, 1: True, 0: False}
"""Marks that say right or wrong; others, such as partly right, are not compared."""


class Message(msgspec.Struct):
    """What is needed of a model's message; its content is a text, or a list of parts."""

    content: object = ""


class Choice(msgspec.Struct):
    """One completion, and why it ended."""

    message: Message = msgspec.field(default_factory=Message)
    stop_reason: str = "unknown"


class Output(msgspec.Struct):
    """The completions of a sample."""

    choices: list[Choice] = []
    completion: str | None = None


class Score(msgspec.Struct):
    """What a scorer took for the answer, and its mark."""

    answer: object = None
    value: object = None


class Sample(msgspec.Struct):
    """What is needed of a sample."""

    id: int | str
    target: str | list[str]
    output: Output = msgspec.field(default_factory=Output)
    epoch: Annotated[int, msgspec.Meta(ge=1, le=2**62)] = 1
    scores: dict[str, Score] | None = None
    error: object = None


class Config(msgspec.Struct):
    """What is needed of how the model was asked."""

    temperature: Annotated[float, msgspec.Meta(ge=0)] | None = None
    seed: Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)] | None = None


class Evaluation(msgspec.Struct):
    """What is needed of the head of a log."""

    model: str
    task: str
    model_generate_config: Config = msgspec.field(default_factory=Config)


class Plan(msgspec.Struct):
    """The settings that held for the whole run."""

    config: Config = msgspec.field(default_factory=Config)


class Header(msgspec.Struct):
    """The head of a log; a single document has its samples in it."""

    eval: Evaluation
    status: str = "unknown"
    plan: Plan = msgspec.field(default_factory=Plan)
    samples: list[msgspec.Raw] | None = None


_header = msgspec.json.Decoder(Header)
_sample = msgspec.json.Decoder(Sample)


def recognised(path: Path) -> bool:
    """Tell whether this is such a log, by its ending and its beginning."""
    if path.suffix == ".eval":
        return True
    if path.suffix != ".json":
        return False
    with path.open("rb") as file:
        start = file.read(4000)
    return re.search(rb'"eval"\s*:\s*\{', start) is not None and re.search(rb'"(status|version)"\s*:', start) is not None


def rows(path: Path) -> Rows:
    """Read one log.

    Raises
    ------
    LogsError
        If it is no whole log; the message says which part is missing.
    """
    header, samples = _zipped(path) if path.suffix == ".eval" else _document(path)
    config = header.plan.config
    temperature = config.temperature if config.temperature is not None else header.eval.model_generate_config.temperature
    name = header.eval.model.rsplit("/", 1)[-1]
    found = Rows({
        "model": name, "task": header.eval.task.rsplit("/", 1)[-1],
        "temperature": 0.0 if temperature is None else temperature, "seed": config.seed or 0,
    })  # fmt: skip
    if header.status != "success":
        found.notes.append(f"the run did not end well (status: {header.status}): samples may be missing")
    read_out: Counter[str] = Counter()
    for where, content in samples:
        if isinstance(content, str):
            found.leave(content, where)
            continue
        try:
            sample = _sample.decode(content)
        except UNREADABLE:
            found.leave(NO_SAMPLE, where)
            continue
        said = _said(sample.output)
        if said is None or sample.error is not None:
            found.leave(NO_OUTPUT, where)
            continue
        scorer, score = next(iter(sample.scores.items())) if sample.scores and len(sample.scores) == 1 else ("", None)
        if score is not None and isinstance(score.answer, str):
            read_out[scorer] += score.answer.strip() != said.strip()
            said = score.answer
        finish = sample.output.choices[0].stop_reason if sample.output.choices else "unknown"
        right = found.say(sample.id, sample.epoch - 1, sample.target, said, finish)
        if score is not None and isinstance(score.value, str | int | float) and score.value in MARKS:
            found.mark(scorer, MARKS[score.value], right)
    found.notes += [f"{count:,} answers are what the scorer {name} read out of a longer text" for name, count in read_out.items() if count]
    return found


def _said(output: Output) -> str | None:
    if not output.choices:
        return output.completion or None
    content = output.choices[0].message.content
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(part.get("text", "") for part in content if isinstance(part, dict) and isinstance(part.get("text", ""), str))
    return None


def _decoded(content: bytes, what: str) -> Header:
    try:
        return _header.decode(content)
    except UNREADABLE as error:
        raise LogsError(f"{what} is no whole log of Inspect: {error}") from None


def _document(path: Path) -> tuple[Header, Iterator[tuple[str, bytes | str]]]:
    header = _decoded(path.read_bytes(), "it")
    if header.samples is None:
        raise LogsError(f"it holds no samples (status: {header.status}): was it written with --no-log-samples?")
    return header, ((f"sample {k}", bytes(raw)) for k, raw in enumerate(header.samples, 1))


def _zipped(path: Path) -> tuple[Header, Iterator[tuple[str, bytes | str]]]:
    with contextlib.suppress(ImportError):
        import zipfile_zstd  # noqa: F401  Teaches zipfile the compression of newer logs.
    try:
        archive = zipfile.ZipFile(path)
    except Exception as error:  # noqa: BLE001 - what is no zip breaks zipfile in many ways
        raise LogsError(f"it is no whole zip file: {error}") from None
    names = archive.namelist()
    if "header.json" not in names:
        raise LogsError("it has no header.json: the run did not end. Ask Inspect to finish it (inspect eval-retry), or to convert it (inspect log convert --to json)")
    head = _member(archive, "header.json")
    if isinstance(head, str):
        raise LogsError(f"its header.json cannot be read: {head}")
    inside = sorted(name for name in names if name.startswith("samples/") and name.endswith(".json"))
    return _decoded(head, "its header.json"), ((name, _member(archive, name)) for name in inside)


def _member(archive: zipfile.ZipFile, name: str) -> bytes | str:
    """The bytes of one file in a zip, which is never written anywhere; or why they cannot be had."""
    packed = archive.getinfo(name)
    if packed.file_size > LONGEST:
        return TOO_LONG
    if packed.compress_type == ZSTD and not hasattr(zipfile, "ZIP_ZSTANDARD"):
        raise LogsError(
            "it is compressed with zstd, which this Python cannot read: pip install 'mirage-lib[audit]', or convert it by "
            "'inspect log convert --to json --output-dir FOLDER FILE'"
        )
    try:
        return archive.read(packed)
    except Exception:  # noqa: BLE001 - as above; zlib, for one, has errors of its own
        return DAMAGED
