"""Questions: what a run asks a server, one row a request, before anything is sent.

    >>> settings = Settings("http://localhost:8000/v1", [model("pythia-410m=405M")], "pythia", n=10, lengths=(2,))
    >>> requests(settings).height
    20
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from mirage_lib.arithmetic.endpoint import QueryError, check_address, public_host
from mirage_lib.arithmetic.problems import OPERATIONS, SHOTS, held_out_prompts, operation, template_text

APIS = {"completions": {"max_tokens": 16, "stop": ("\n",)}, "chat": {"max_tokens": 32, "stop": ()}}
"""Both ways to ask, with what is sent where nothing else is wanted."""
INSTRUCTION = "Solve the last problem. Answer with the number only, without any other word or sign.\n\n"
"""Stands before the prompt in a chat, since models tuned for chats like to explain."""
_SCALE = {"": 1, "k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}


@dataclass(frozen=True)
class Model:
    """A model to ask: the name the server knows, its number of parameters, its name in the table."""

    name: str
    n_params: int
    label: str


def model(text: str) -> Model:
    """Read ``NAME=PARAMETERS`` or ``NAME=PARAMETERS=LABEL``.

    Parameters
    ----------
    text : str
        The number as 134515008, 135M or 6.7B. The label is for names that are long, such as a folder.

    Raises
    ------
    QueryError
        If there is no number of parameters: no table goes without it, and no server tells it.

    >>> model("EleutherAI/pythia-6.9b=6.9B")
    Model(name='EleutherAI/pythia-6.9b', n_params=6900000000, label='EleutherAI/pythia-6.9b')
    """
    found = re.fullmatch(r"(.+?)=([\d.,_]+)([kMBT]?)(?:=(.+))?", text, re.IGNORECASE)
    try:
        n_params = round(float(re.sub("[,_]", "", found[2])) * _SCALE[found[3].lower()]) if found else 0
    except (ValueError, OverflowError):
        n_params = 0
    if not found or not 1 <= n_params < 2**63:
        raise QueryError(f"model {text!r} has to be NAME=PARAMETERS, such as my-model=135M or my-model=6.7B")
    return Model(found[1], n_params, found[4] or found[1])


@dataclass(frozen=True)
class Settings:
    """What a run asks. Another choice of any of these is another run, in another folder.

    Attributes
    ----------
    base_url : str
        The root of the API, such as ``http://localhost:8000/v1``.
    models : sequence of Model
    family : str
        Written into the ``family`` column.
    api : str
        ``completions`` sends the prompt as it is; ``chat`` sends it behind :data:`INSTRUCTION`.
    n : int
        Prompts a target length.
    shots : int
        Solved examples in a prompt.
    template : str
        As :func:`problems.template_text` takes it.
    tasks, lengths : sequences
        Operations and target lengths; all lengths where none is named.
    temperatures : sequence of float
    samples : int
        Answers a prompt and temperature. At temperature 0 several answers show whether the server
        is as deterministic as it should be.
    seed : int, optional
        Chooses the prompts, and is sent with each request, plus the number of the sample. Without it
        the prompts are those of seed 0, and no seed is sent.
    max_tokens : int, optional
        Longest answer; 16, or 32 in a chat.
    stop : sequence of str, optional
        Strings that end an answer; a line break, or none in a chat.
    """

    base_url: str
    models: Sequence[Model]
    family: str
    api: str = "completions"
    n: int = 100
    shots: int = SHOTS
    template: str = "plain"
    tasks: Sequence[str] = tuple(OPERATIONS)
    lengths: Sequence[int] = ()
    temperatures: Sequence[float] = (0.0,)
    samples: int = 1
    seed: int | None = None
    max_tokens: int | None = None
    stop: Sequence[str] | None = None

    def __post_init__(self) -> None:
        if self.api not in APIS:
            raise QueryError(f"unknown api {self.api!r}: choose one of {', '.join(APIS)}")
        for field in ("n", "samples", "max_tokens"):
            if (value := getattr(self, field)) is not None and value < 1:
                raise QueryError(f"{field} is {value}: 1 is the least allowed")
        if self.shots < 0 or any(not 0 <= t <= 2 for t in self.temperatures) or not self.temperatures:
            raise QueryError("shots cannot be negative, and temperatures lie between 0 and 2")
        for what, names in (
            ("model", [m.name for m in self.models]),
            ("label", [m.label for m in self.models]),
            ("temperature", list(self.temperatures)),
        ):
            if not names or len(set(names)) < len(names):
                raise QueryError(f"every {what} has to be named once, and at least one has to be: {names}")
        template_text(self.template)
        for name, value in APIS[self.api].items():
            if getattr(self, name) is None:
                object.__setattr__(self, name, value)
        object.__setattr__(self, "base_url", check_address(self.base_url))

    def command(self) -> str:
        """The command that asks the same again; the address is left out if it is private."""
        host = public_host(self.base_url)
        shown = {
            "base-url": "$OPENAI_BASE_URL" if host == "a private address" else self.base_url,
            "api": self.api,
            "family": self.family,
            "n": self.n,
            "shots": self.shots,
            "template": repr(self.template),
            "task": " ".join(self.tasks),
            "lengths": " ".join(map(str, self.lengths)),
            "temperature": " ".join(f"{t:g}" for t in self.temperatures),
            "samples": self.samples,
            "seed": self.seed,
            "max-tokens": self.max_tokens,
        }
        models = [f"--model {m.name}={m.n_params}={m.label}" for m in self.models]
        options = [f"--{name} {value}" for name, value in shown.items() if value not in (None, "")]
        return " ".join(["mirage arithmetic query", *models, *options])


def requests(settings: Settings) -> pl.DataFrame:
    """List every request of a run, with what it will be in the outputs table.

    Returns
    -------
    One row a request: the prompt's columns, those of its model, ``temperature, sample``, the text
    that is ``sent``, and the ``key`` that the journal knows it by.
    """
    cells = [
        held_out_prompts(operation(task), length, settings.n, settings.seed or 0, settings.shots, settings.template)
        for task in settings.tasks
        for length in settings.lengths or operation(task).lengths
        if length in operation(task).lengths
    ]
    if not cells:
        raise QueryError(f"no answer has {list(settings.lengths)} digits: choose lengths from 1 to 5")
    before = INSTRUCTION if settings.api == "chat" else ""
    prompts = pl.concat(cells).with_columns(sent=before + pl.col("prompt"))
    asked = pl.DataFrame(
        [(m.name, m.label, m.n_params) for m in settings.models],
        schema={"asked": pl.String, "model": pl.String, "n_params": pl.Int64},
        orient="row",
    )
    temperatures = pl.DataFrame({"temperature": list(map(float, settings.temperatures))})
    samples = pl.DataFrame({"sample": range(settings.samples)}, schema={"sample": pl.Int64})
    rows = asked.join(temperatures, how="cross").join(samples, how="cross").join(prompts, how="cross")
    shas = [hashlib.sha256(text.encode()).hexdigest()[:16] for text in rows["sent"]]
    return rows.with_columns(
        key=pl.format(
            "{} | {} | {} | {} | {}", "asked", "temperature", "sample", "prompt_id", pl.Series(shas, dtype=pl.String)
        )
    )
