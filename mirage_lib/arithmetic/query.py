"""Query: models behind an OpenAI-compatible address are asked held-out problems, as the ladder is.

What was asked and what came back is one outputs table, whoever answered. A run has a folder: its
settings, and a :mod:`journal` of every answer. Asking again in the same folder asks only what is
missing. What a run asks is in :mod:`questions`, how one request is made in :mod:`endpoint`.

    >>> settings = Settings("http://localhost:8000/v1", [model("pythia-410m=405M")], "pythia", n=10, lengths=(2,))
    >>> cost(settings, "a-new-folder").requests
    20
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import polars as pl
from tqdm import tqdm

from mirage_lib import outputs as tables
from mirage_lib import stamps
from mirage_lib.arithmetic import journal as journals
from mirage_lib.arithmetic.endpoint import Answer, Endpoint, QueryError, Stop, public_host
from mirage_lib.arithmetic.prices import Estimate, estimate
from mirage_lib.arithmetic.problems import template_text
from mirage_lib.arithmetic.questions import INSTRUCTION, Model, Settings, model, requests

__all__ = [
    "Model", "QueryError", "Report", "Settings", "ask", "collect", "cost", "freeze", "left", "model", "requests"
]

def left(settings: Settings, folder: str | Path) -> pl.DataFrame:
    """List the requests that the journal in a folder holds no answer to."""
    return requests(settings).filter(~pl.col("key").is_in(list(journals.read(folder))))


def cost(settings: Settings, folder: str | Path) -> Estimate:
    """Estimate what the rest of a run will cost. Nothing is sent and nothing written."""
    return estimate(left(settings, folder)["sent"], settings.max_tokens, settings.api)


@dataclass(frozen=True)
class Report:
    """How a run ended: answers kept before and now, prompts left, and why tries failed, by count."""

    before: int
    answered: int
    left: int
    failures: Counter


def ask(
    settings: Settings,
    folder: str | Path,
    concurrency: int = 8,
    key_variable: str = "OPENAI_API_KEY",
    accept: Sequence[str] = (),
    limit_name: str = "max_tokens",
    progress: bool = True,
    **patience: float,
) -> Report:
    """Ask all that is missing, and keep every answer.

    Parameters
    ----------
    folder : path
        The run's folder.
    concurrency : int
        Requests under way at a time.
    key_variable : str
        Environment variable that holds the key; servers of your own mostly need none.
    accept : sequence of str
        Names other than the asked ones that the server may answer under.
    limit_name : str
        What the server calls the longest answer; some want ``max_completion_tokens``.
    **patience
        ``tries``, ``deadline`` and ``backoff`` of :class:`endpoint.Endpoint`.

    Raises
    ------
    QueryError
        For what cannot be mended by trying again. What was answered until then is kept.
    JournalError
        If another process writes the same run.
    ValueError
        If the folder holds a run with other settings.
    """
    if concurrency < 1:
        raise QueryError(f"concurrency is {concurrency}: 1 is the least allowed")
    endpoint = Endpoint(settings.base_url, settings.api, key_variable, **patience)
    accepted = frozenset(accept)
    with journals.Journal(folder, claimed(settings)) as journal:
        rows = requests(settings)
        todo = rows.filter(~pl.col("key").is_in(list(journal.answers))).to_dicts()
        before = rows.height - len(todo)
        with tqdm(total=rows.height, initial=before, desc="asking", unit="answer", disable=not progress) as bar:
            run = _Run(settings, endpoint, journal, bar, accepted, limit_name)
            stop = _complete(run.all(todo, concurrency))
        missing = rows.height - len(journal.answers)
    if stop is not None:
        raise QueryError(f"{stop}. {before + run.kept} answers are kept in {folder}, {missing} are missing")
    return Report(before, run.kept, missing, run.failures)


def claimed(settings: Settings) -> dict:
    """Return the settings as they are claimed for a folder; they hold no secret."""
    return {"run": "mirage arithmetic query", **asdict(settings)}


class _Run:
    """The requests of one run under way."""

    def __init__(self, settings, endpoint, journal, bar, accepted, limit_name) -> None:
        self.settings, self.endpoint, self.journal, self.bar = settings, endpoint, journal, bar
        self.accepted, self.limit_name = accepted, limit_name
        self.kept = self.counted = self.in_a_row = 0
        self.failures: Counter = Counter()

    async def all(self, todo: list[dict], concurrency: int) -> str | None:
        """Ask everything, ``concurrency`` at a time; return why it was stopped, if it was."""
        waiting = iter(todo)
        keeper = asyncio.create_task(self._keep())
        workers = {asyncio.create_task(self._work(waiting)) for _ in range(min(concurrency, len(todo)))}
        self.patience = max(10, len(workers))
        running, stop = set(workers), None
        try:
            while running and stop is None:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                stop = next((why for task in done if (why := task.result())), None)
        finally:
            for task in (*workers, keeper):
                task.cancel()
            await asyncio.gather(*workers, keeper, return_exceptions=True)
            self.journal.sync()
            self.bar.update(self.kept - self.counted)
            await self.endpoint.close()
        return stop

    async def _work(self, waiting) -> str | None:
        """Take the next request until none is left; return why the whole run has to stop, if so."""
        for request in waiting:
            outcome, tries = await self.endpoint.ask(self._body(request), self.accepted)
            if isinstance(outcome, Answer):
                self.journal.append(
                    {
                        "key": request["key"],
                        "item": request["item"],
                        **asdict(outcome),
                        "tries": tries,
                        "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                    }
                )
                self.kept += 1
                self.in_a_row = 0
            elif isinstance(outcome, Stop):
                return outcome.why
            else:
                self.failures[outcome.why] += 1
                self.in_a_row += 1
                if self.in_a_row >= self.patience:
                    return f"{self.in_a_row} prompts in a row stayed unanswered, the last for: {outcome.why}"
        return None

    def _body(self, request: dict) -> dict:
        settings = self.settings
        if settings.api == "chat":
            body: dict[str, Any] = {"messages": [{"role": "user", "content": request["sent"]}]}
        else:
            body = {"prompt": request["sent"]}
        body |= {"model": request["asked"], "temperature": request["temperature"]}
        if self.limit_name == "max_tokens" or settings.api != "chat":
            body["max_tokens"] = settings.max_tokens
        else:
            body["extra_body"] = {self.limit_name: settings.max_tokens}
        if settings.stop:
            body["stop"] = list(settings.stop)
        if settings.seed is not None:
            body["seed"] = settings.seed + request["sample"]
        return body

    async def _keep(self) -> None:
        """Bring what was written to the disk, many lines at a time, and only then count it as done."""
        while True:
            await asyncio.sleep(0.05)
            if (kept := self.kept) > self.counted:
                await asyncio.to_thread(self.journal.sync)
                self.bar.update(kept - self.counted)
                self.counted = kept


def _complete(work):
    """Run a coroutine to its end, also where an event loop is running, as in a notebook."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    ended: list = []

    def run() -> None:
        try:
            ended.append((asyncio.run(work), None))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits
            ended.append((None, error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    result, error = ended[0]
    if error is not None:
        raise error
    return result


def collect(settings: Settings, folder: str | Path) -> pl.DataFrame:
    """Turn the journal of a finished run into an outputs table.

    Answers end at the first stop string, whether or not the server minded it, and lose the blanks
    around them; the journal keeps the text as it came.

    Returns
    -------
    Outputs of kind ``text``, with ``prompt``.

    Raises
    ------
    QueryError
        If answers are missing.
    """
    answers = journals.read(folder)
    rows = requests(settings)
    missing = rows.height - rows["key"].is_in(list(answers)).sum()
    if missing:
        raise QueryError(f"{missing} of {rows.height} answers are missing in {folder}: run the same command again")
    said = [answers[key] for key in rows["key"]]
    cut = [_end_at(_plain(answer["text"]), settings.stop) for answer in said]
    reasons = [
        "stop" if ended else _plain(answer["finish_reason"]) for answer, (_, ended) in zip(said, cut, strict=True)
    ]
    table = rows.with_columns(
        family=pl.lit(settings.family),
        seed=pl.lit(settings.seed or 0, dtype=pl.Int64),
        output=pl.Series([text.strip() for text, _ in cut], dtype=pl.String),
        finish_reason=pl.Series(reasons, dtype=pl.String),
        prompt=pl.col("sent"),
    )
    return table.select(*tables.COMMON, *tables.KINDS["text"], "prompt").sort(
        "task", "group", "n_params", "temperature", "sample", maintain_order=True
    )


def _plain(text: str) -> str:
    """Replace half characters, which a server may send as ``\\ud83d`` and which no table can hold.

    >>> _plain("4\\ud83d"), _plain("\\ud83d\\ude00") == "\U0001f600"
    ('4\ufffd', True)
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _end_at(text: str, stops: Sequence[str]) -> tuple[str, bool]:
    """Cut a text at the first stop string in it, and tell whether there was one.

    >>> _end_at("84\\n40*33=", ["\\n"]), _end_at("84", ["\\n"])
    (('84', True), ('84', False))
    """
    places = [text.index(stop) for stop in stops if stop in text]
    return (text[: min(places)], True) if places else (text, False)


def freeze(
    settings: Settings, folder: str | Path, name: str, into: str | Path, licence: str = "not stated"
) -> Path:
    """Save the answers of a finished run as a frozen table, with a stamp that says how they came about.

    Parameters
    ----------
    licence : str
        What the makers of the models allow to be done with what they say.

    Returns
    -------
    The file's path.
    """
    table = collect(settings, folder)
    answers = journals.read(folder)
    served: dict[str, set] = {m.label: set() for m in settings.models}
    for key, label in requests(settings).select("key", "model").iter_rows():
        served[label].add(answers[key]["served"] or "not said")
    stamp = stamps.stamp(
        settings.command(),
        seeds=[settings.seed or 0],
        licence=licence,
        device="a server",
        packages=("numpy", "polars", "openai"),
    )
    times = sorted(answer["at"] for answer in answers.values())
    asked = {
        "host": public_host(settings.base_url),
        "api": settings.api,
        "instruction": INSTRUCTION if settings.api == "chat" else "",
        "template": template_text(settings.template),
        "shots": settings.shots,
        "stop": list(settings.stop),
        "max_tokens": settings.max_tokens,
        "seed_sent": settings.seed is not None,
        "served_models": {label: sorted(names) for label, names in served.items()},
        "asked_between": [times[0], times[-1]],
    }
    return tables.save(table, name, "text", stamp | {"asked": asked}, into)
