"""Rows: where readers of logs put what they found, column by column, and what they left out with the reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Annotated

import msgspec
import numpy as np
import polars as pl
from rapidfuzz.distance import Levenshtein

COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "family": pl.String, "model": pl.String, "n_params": pl.Int64, "seed": pl.Int64, "task": pl.String, "item": pl.String,
    "group": pl.Int64, "temperature": pl.Float64, "sample": pl.Int64,
}  # fmt: skip
PAYLOAD: dict[str, dict[str, pl.DataType | type[pl.DataType]]] = {
    "text": {"prompt_id": pl.String, "target": pl.String, "output": pl.String, "finish_reason": pl.String},
    "choice": {"target_index": pl.Int64, "probabilities": pl.List(pl.Float64)},
}


UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What a JSON decoder raises for text that is none, or that nests too deeply."""
Count = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
"""A whole number that a table can hold."""


class LogsError(ValueError):
    """A log cannot be read, or holds nothing that can be used."""


@dataclass
class Rows:
    """Answers of one file.

    Attributes
    ----------
    whole : values that all rows share, such as model and task
    item, sample, target, output, finish : of text answers, a list each
    choice_item, index, nats : of choices, a list each; ``nats`` holds lists of log-likelihoods
    left, first : rows that were left out by reason, and where the first of each is
    more : frames that a reader made itself, by kind
    own : the log's own marks by their name: how many there are, and how many agree with ours
    notes : what else a reader of the report should know of the file
    """

    whole: dict[str, object]
    item: list[str] = field(default_factory=list)
    sample: list[int] = field(default_factory=list)
    target: list[str] = field(default_factory=list)
    output: list[str] = field(default_factory=list)
    finish: list[str] = field(default_factory=list)
    choice_item: list[str] = field(default_factory=list)
    index: list[int] = field(default_factory=list)
    nats: list[list[float]] = field(default_factory=list)
    left: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    more: dict[str, pl.DataFrame] = field(default_factory=dict)
    own: dict[str, list[int]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    several: int = 0

    def leave(self, reason: str, where: str, rows: int = 1) -> None:
        """Count rows that cannot be used."""
        self.left[reason] += rows
        self.first.setdefault(reason, where)

    def say(self, item: object, sample: int, target: str | list[str], output: str, finish: str = "unknown") -> bool:
        """Add a text answer, and tell whether it is right to the letter.

        Spaces at both ends of answer and target are no part of them. Of several targets, any of which is right,
        the one nearest to the answer is kept.
        """
        output = output.strip()
        if not isinstance(target, str):
            self.several += len(target) > 1
            target = nearest(target, output)
        target = target.strip()
        self.item.append(str(item))
        self.sample.append(sample)
        self.target.append(target)
        self.output.append(output)
        self.finish.append(finish)
        return output == target

    def mark(self, name: str, theirs: bool, ours: bool) -> None:
        """Count a mark that the log itself gives, and whether ours is the same."""
        counts = self.own.setdefault(name, [0, 0])
        counts[0] += 1
        counts[1] += theirs == ours

    def noted(self) -> tuple[str, ...]:
        """All notes, with those about several targets and about the log's own marks."""
        notes = list(self.notes)
        if self.several:
            notes.append(f"{self.several:,} answers have several right targets; each is held against the nearest of them")
        for name, (count, same) in self.own.items():
            notes.append(f"the log's own {name} is the same as ours on {same:,} of {count:,} rows" + (": it counts other answers as right" if same < count else ""))
        return tuple(notes)

    def choose(self, item: object, index: int, nats: list[float]) -> None:
        """Add a choice among several, by the log-likelihood of each."""
        self.choice_item.append(str(item))
        self.index.append(index)
        self.nats.append(nats)

    def __len__(self) -> int:
        return len(self.item) + len(self.index) + sum(frame.height for frame in self.more.values())

    def frames(self) -> dict[str, pl.DataFrame]:
        """One frame a kind of answer, with the columns of outputs; what no log tells is a missing value."""
        found = dict(self.more)
        if self.item:
            text = {"item": self.item, "sample": self.sample, "target": self.target, "output": self.output, "finish_reason": self.finish}
            found["text"] = self._framed(pl.DataFrame(text | {"prompt_id": self.item}), "text")
        if self.index:
            choice = pl.DataFrame({"item": self.choice_item, "target_index": self.index, "probabilities": shares(self.nats)})
            found["choice"] = self._framed(choice, "choice")
        return found

    def _framed(self, frame: pl.DataFrame, kind: str) -> pl.DataFrame:
        default = {"seed": 0, "group": 0, "temperature": 0.0, "sample": 0, "family": None, "n_params": None}
        for name, dtype in COLUMNS.items():
            if name not in frame.columns:
                frame = frame.with_columns(pl.lit(self.whole.get(name, default.get(name)), dtype).alias(name))
        return frame.select(pl.col(name).cast(dtype) for name, dtype in (COLUMNS | PAYLOAD[kind]).items())


def nearest(targets: list[str], output: str) -> str:
    """Of several right answers, find the one with the fewest edits to what was said; the first of equals.

    Exact match is then the best over all targets, and so is the edit distance.

    >>> nearest(["New York City", "NYC"], "NY")
    'NYC'
    """
    return min((one.strip() for one in targets), key=lambda one: Levenshtein.distance(one, output), default="")


def shares(nats: list[list[float]]) -> pl.Series:
    """Turn log-likelihoods of choices into probabilities that add up to one.

    >>> shares([[0.0, 0.0], [-1.0, -1.0, -1.0, -1.0]]).to_list()
    [[0.5, 0.5], [0.25, 0.25, 0.25, 0.25]]
    """
    lengths = np.array([len(one) for one in nats])
    flat = np.concatenate([np.asarray(one, float) for one in nats])
    ends = np.cumsum(lengths)
    starts = ends - lengths
    highest = np.repeat(np.maximum.reduceat(flat, starts), lengths)
    weights = np.exp(flat - highest)
    flat = weights / np.repeat(np.add.reduceat(weights, starts), lengths)
    whose = np.repeat(np.arange(len(nats)), lengths)
    return pl.DataFrame({"whose": whose, "p": flat}).group_by("whose", maintain_order=True).agg("p")["p"]
