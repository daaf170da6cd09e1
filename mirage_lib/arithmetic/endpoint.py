"""An endpoint: one request to an OpenAI-compatible server, tried until it is answered or pointless.

What can be had by trying again is tried again: time-outs, broken connections, 408, 409, 425, 429,
5xx, and bodies that are cut, no JSON, without choices or without text. What cannot ends the run: a
key that is refused, a model that is not there or another one answering, a quota that is used up, a
request that the server calls wrong, a wait that is too long. The ``openai`` package's own retries
are switched off, since they cover only a part of this.

The key is read from the environment and leaves this module in requests only.
"""

from __future__ import annotations

import asyncio
import email.utils
import ipaddress
import json
import os
import random
import re
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

RETRIED = (408, 409, 425, 429)
LONGEST_WAIT = 300.0
"""Seconds; a server that asks for a longer wait ends the run, which can go on later."""
NO_KEY = "none"


class QueryError(ValueError):
    """The run was stopped, or could not start; the message says what to do."""


@dataclass(frozen=True)
class Answer:
    """What a server said: the raw text and all that came with it."""

    text: str
    finish_reason: str
    served: str
    id: str
    prompt_tokens: int | None
    completion_tokens: int | None


@dataclass(frozen=True)
class Again:
    """A try that failed and may be repeated, after ``wait`` seconds if the server named a time."""

    why: str
    wait: float | None = None


@dataclass(frozen=True)
class Stop:
    """A failure that no repetition mends."""

    why: str


class Key:
    """An API key: shown to nobody, taken out of whatever is about to be written.

    >>> key = Key("sk-12345678")
    >>> key, key.scrub("refused: sk-12345678")
    ([key], 'refused: [key]')
    """

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "[key]"

    def reveal(self) -> str:
        """Return the key itself."""
        return self._value

    def scrub(self, text: str) -> str:
        """Replace the key in a text. Placeholders such as ``none`` or ``EMPTY`` are no secret."""
        return text.replace(self._value, "[key]") if len(self._value) >= 8 else text


def read_key(variable: str) -> Key:
    """Read the key from an environment variable; where it is not set, a placeholder is sent.

    Raises
    ------
    QueryError
        If the name is no variable's name (it may be the key itself: it is not repeated), or the value
        cannot be a key.

    >>> read_key("sk-123")
    Traceback (most recent call last):
    ...
    mirage_lib.arithmetic.endpoint.QueryError: the key's variable has to be the name of an environment \
variable, such as OPENAI_API_KEY, and never the key itself
    """
    if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", variable):
        raise QueryError(
            "the key's variable has to be the name of an environment variable, such as OPENAI_API_KEY, "
            "and never the key itself"
        )
    value = os.environ.get(variable, "").strip()
    if not re.fullmatch(r"[!-~]*", value):
        raise QueryError(f"the value of {variable} has spaces or other characters in it that no key has")
    return Key(value or NO_KEY)


def check_address(base_url: str) -> str:
    """Return a base URL without its last slash.

    Raises
    ------
    QueryError
        If it is no http or https address, or carries a user, a password or a query, which could be
        secrets: the address is not repeated then.

    >>> check_address("http://localhost:8000/v1/")
    'http://localhost:8000/v1'
    """
    parts = urlsplit(base_url)
    if parts.username or parts.password or parts.query or parts.fragment:
        raise QueryError("the base URL carries a user, a password or a query: give the key in the environment")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise QueryError(f"{base_url!r} is no base URL: one looks like http://localhost:8000/v1")
    return base_url.rstrip("/")


def public_host(base_url: str) -> str:
    """Return the host of a base URL for a stamp, or that it is a private one.

    >>> public_host("https://api.openai.com/v1"), public_host("http://10.0.0.7:8000/v1")
    ('api.openai.com', 'a private address')
    """
    host = urlsplit(base_url).hostname or ""
    try:
        hidden = not ipaddress.ip_address(host).is_global
    except ValueError:
        hidden = "." not in host or host.endswith((".local", ".internal", ".lan", ".home", ".corp", ".localhost"))
    return "a private address" if hidden else host


def _is_here(base_url: str) -> bool:
    """Tell whether an address is this machine's own.

    >>> _is_here("http://localhost:8000/v1"), _is_here("http://[::1]:8000"), _is_here("http://10.0.0.7")
    (True, True, False)
    """
    host = urlsplit(base_url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Endpoint:
    """A server that is asked one prompt a request.

    Parameters
    ----------
    base_url : str
        Such as ``http://localhost:8000/v1``.
    api : str
        ``completions`` or ``chat``.
    key_variable : str
        Environment variable that holds the key.
    tries : int
        How often a prompt is tried before it is left for another run.
    deadline : float
        Seconds for one try from its start to the last byte of the body.
    backoff : float
        Seconds before the second try; doubles with each, up to 60, times a random factor of 0.5 to 1.
    """

    def __init__(
        self,
        base_url: str,
        api: str,
        key_variable: str = "OPENAI_API_KEY",
        tries: int = 8,
        deadline: float = 60.0,
        backoff: float = 0.5,
    ) -> None:
        try:
            from openai import AsyncOpenAI, DefaultAsyncHttpxClient
        except ImportError:
            raise QueryError("the openai package is missing: pip install 'mirage-lib[query]'") from None
        if tries < 1 or deadline <= 0 or backoff < 0:
            raise QueryError(
                f"tries {tries}, deadline {deadline} and backoff {backoff} have to be at least 1, more than 0 and at least 0"
            )
        self.base_url, self.api = check_address(base_url), api
        self.tries, self.deadline, self.backoff = tries, deadline, backoff
        self.key_variable, self.key = key_variable, read_key(key_variable)
        # A proxy of the environment cannot know what listens on this machine.
        here = DefaultAsyncHttpxClient(trust_env=False) if _is_here(self.base_url) else None
        self._client = AsyncOpenAI(
            api_key=self.key.reveal(), base_url=self.base_url, max_retries=0, timeout=deadline, http_client=here
        )
        resource = self._client.chat.completions if api == "chat" else self._client.completions
        self._create = resource.with_raw_response.create
        self._not_before = 0.0

    async def close(self) -> None:
        """Close all connections."""
        await self._client.close()

    async def ask(self, body: dict, accepted: frozenset[str] = frozenset()) -> tuple[Answer | Again | Stop, int]:
        """Send one request until it is answered, hopeless, or tried often enough.

        Parameters
        ----------
        body : dict
            The request's fields, ``model`` among them.
        accepted : set of str
            Names other than the asked one that the server may answer under.

        Returns
        -------
        The outcome (:class:`Again` if the last try failed, too), and the number of tries.
        """
        for k in range(self.tries):
            # When one request is told to slow down, all are: they share the server's patience.
            while (ahead := self._not_before - time.monotonic()) > 0:
                await asyncio.sleep(ahead)
            outcome = await self._try(body, accepted)
            if not isinstance(outcome, Again) or k + 1 == self.tries:
                break
            if outcome.wait is not None:
                if outcome.wait > LONGEST_WAIT:
                    return Stop(f"the server asks to wait {outcome.wait:.0f} s: run the same command again then"), k + 1
                self._not_before = max(self._not_before, time.monotonic() + outcome.wait)
            await asyncio.sleep(min(60.0, self.backoff * 2**k) * random.uniform(0.5, 1.0))
        return outcome, k + 1

    async def _try(self, body: dict, accepted: frozenset[str]) -> Answer | Again | Stop:
        """One try. Nothing is raised: what failed becomes a sentence with the key taken out of it."""
        import openai

        try:
            async with asyncio.timeout(self.deadline):
                response = await self._create(**body)
            return self._read(response.http_response.content, body["model"], accepted)
        except TimeoutError:
            return Again(f"no whole answer within {self.deadline:g} s")
        except openai.APITimeoutError:
            return Again(f"no answer within {self.deadline:g} s")
        except openai.APIStatusError as error:
            return self._judge(error.status_code, error.response.headers, error.body, body["model"])
        except openai.APIConnectionError as error:
            cause = error.__cause__
            return Again(self.key.scrub(f"no connection: {type(cause).__name__} {cause or ''}".strip()))
        except Exception as error:  # noqa: BLE001 - a server can break a client in more ways than can be listed
            return Again(self.key.scrub(f"{type(error).__name__}: {error}"[:300]))

    def _read(self, content: bytes, asked: str, accepted: frozenset[str]) -> Answer | Again | Stop:
        """Take an answer out of a body, or say what is wrong with it."""
        try:
            body = json.loads(content)
        except (ValueError, RecursionError):
            return Again("the body is no JSON, or was cut")
        if not isinstance(body, dict):
            return Again("the body is no JSON object")
        served = told if isinstance(told := body.get("model"), str) else ""
        if served and not _same_model(asked, served) and served not in accepted:
            return Stop(self.key.scrub(
                f"model {asked!r} was asked, but {served!r} answered: ask for the right name, or, if this is "
                f"the same model under another name, add --accept-model-name {served!r}"
            ))
        try:
            choice = body["choices"][0]
            text = choice["message"]["content"] if self.api == "chat" else choice["text"]
        except (KeyError, IndexError, TypeError):
            return Again("the body has no choices")
        if not isinstance(text, str):
            return Again("the choice has no text")
        usage = spent if isinstance(spent := body.get("usage"), dict) else {}
        return Answer(
            self.key.scrub(text),
            str(choice.get("finish_reason") or "unknown"),
            self.key.scrub(str(served)),
            self.key.scrub(str(body.get("id") or "")),
            usage.get("prompt_tokens"),
            usage.get("completion_tokens"),
        )

    def _judge(self, status: int, headers, body: object, model: str) -> Again | Stop:
        """Tell failures that pass from those that stay."""
        detail = body if isinstance(body, dict) else {}
        detail = detail.get("error", detail) if isinstance(detail.get("error", detail), dict) else detail
        said = self.key.scrub(str(detail.get("message") or detail.get("detail") or ""))[:300]
        said = f" ({said})" if said else ""
        if status in (401, 403):
            hint = "is not set" if self.key.reveal() == NO_KEY else "is set, but the server refuses its key"
            return Stop(
                f"{self.base_url} answers {status}{said}: set the environment variable {self.key_variable} to "
                f"a key that may use {model!r} (it {hint})"
            )
        if status == 404:
            return Stop(
                f"{self.base_url} answers 404{said}: it has no model {model!r}, or it is not the root of the "
                "API, which mostly ends in /v1"
            )
        if "insufficient_quota" in (detail.get("code"), detail.get("type")) or status == 402:
            return Stop(f"{self.base_url} answers {status}{said}: the quota or the credit is used up")
        if status in RETRIED or status >= 500:
            return Again(f"status {status}{said}", _retry_after(headers))
        return Stop(f"{self.base_url} answers {status}{said}: the request is refused as it is")


def _same_model(asked: str, served: str) -> bool:
    """Servers answer under the asked name, or under it with the date of a snapshot or a revision behind it.

    >>> _same_model("m", "m-2024-07-18"), _same_model("m", "m-0613"), _same_model("m", "m@main")
    (True, True, True)
    >>> _same_model("m", "m-large"), _same_model("m@v1", "m@main")
    (False, False)
    """
    if not isinstance(served, str) or not served.startswith(asked):
        return False
    return re.fullmatch(r"(-\d{4}|-20\d\d-?\d\d-?\d\d|@[\w./-]+)?", served[len(asked) :]) is not None


def _retry_after(headers) -> float | None:
    """Seconds to wait by the headers of a response, if they say so: as a number, or as a date.

    >>> _retry_after({"retry-after": "2"}), _retry_after({"retry-after-ms": "250"}), _retry_after({})
    (2.0, 0.25, None)
    """
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        return max(0.0, float(headers["retry-after"]))
    except KeyError:
        return None
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(headers["retry-after"]).timestamp() - time.time())
    except (ValueError, TypeError):
        return None
