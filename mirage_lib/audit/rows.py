"""Rows: where readers of logs put what they found, column by column, and what they left out with the reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import polars as pl

COLUMNS = {
    "family": pl.String, "model": pl.String, "n_params": pl.Int64, "seed": pl.Int64, "task": pl.String, "item": pl.String,
    "group": pl.Int64, "temperature": pl.Float64, "sample": pl.Int64,
}  # fmt: skip
PAYLOAD = {
    "text": {"prompt_id": pl.String, "target": pl.String, "output": pl.String, "finish_reason": pl.String},
    "choice": {"target_index": pl.Int64, "probabilities": pl.List(pl.Float64)},
}


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

    def leave(self, reason: str, where: str, rows: int = 1) -> None:
        """Count rows that cannot be used."""
        self.left[reason] += rows
        self.first.setdefault(reason, where)

    def say(self, item: object, sample: int, target: str, output: str, finish: str = "unknown") -> None:
        """Add a text answer. Spaces at both ends of answer and target are no part of them."""
        self.item.append(str(item))
        self.sample.append(sample)
        self.target.append(target.strip())
        self.output.append(output.strip())
        self.finish.append(finish)

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
