"""A server on loopback that speaks the OpenAI API, right or in any of the wrong ways that happen.

It is written on bare sockets, so that it can break off anywhere. It computes the true answer to the
last problem of a prompt, and writes down every request it gets and what it did with it.

    python tests/hostile_server.py --latency 0.03            prints its address, serves until it is killed
    python tests/hostile_server.py --faults 0.3
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import socket
import struct
import threading
import time
from collections.abc import Iterable

PASSING = (
    "rate-limit", "rate-limit-date", "server-error", "overloaded", "hang", "trickle", "reset", "reset-in-body",
    "cut", "cut-json", "html", "no-object", "no-choices", "empty-choices", "null-text",
)  # fmt: skip
"""Faults that go away when one asks again."""
LASTING = ("wrong-model", "no-key", "forbidden", "no-model", "quota", "bad-request", "long-wait")
"""Faults that asking again does not mend."""


class HostileServer:
    """The server, in a thread of its own.

    Parameters
    ----------
    share : float
        Share of requests that meet a fault.
    faults : names of PASSING or LASTING
    latency : float
        Seconds before every answer.
    start : int
        The first requests up to this number meet no fault.
    most : int
        No more faults than this.
    leak : bool
        Say the caller's key in every answer and every error, as some servers do.

    Attributes
    ----------
    log : list of dict
        Every request in the order of arrival: all fields sent, ``prompt``, ``fate``, ``serial``, ``at``.
    """

    def __init__(
        self,
        share: float = 0.0,
        faults: Iterable[str] = PASSING,
        latency: float = 0.0,
        seed: int = 0,
        start: int = 0,
        most: int = 10**9,
        retry_after: float = 0.02,
        leak: bool = False,
    ) -> None:
        self.share, self.faults, self.latency = share, tuple(faults), latency
        self.start, self.most = start, most
        self.retry_after, self.leak = retry_after, leak
        self.log: list[dict] = []
        self.most_at_once = self._at_once = self._open = 0
        self._rng = random.Random(seed)
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> HostileServer:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *exception: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def settle(self) -> None:
        """Wait until no connection is open, so that nothing of a client that ended comes in later."""
        time.sleep(0.05)
        while self._open:
            time.sleep(0.01)

    def fates(self) -> dict[str, int]:
        """How often each thing was done."""
        done = [entry["fate"] for entry in self.log]
        return {fate: done.count(fate) for fate in set(done)}

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._talk, "127.0.0.1", 0, backlog=512))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        self._loop.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                length = int(re.search(r"content-length: *(\d+)", head, re.IGNORECASE)[1])
                body = json.loads(await reader.readexactly(length))
                self._at_once += 1
                self.most_at_once = max(self.most_at_once, self._at_once)
                try:
                    await self._answer(head, body, reader, writer)
                finally:
                    self._at_once -= 1
        except (ConnectionError, asyncio.IncompleteReadError, EOFError):
            pass
        finally:
            writer.close()
            self._open -= 1

    async def _answer(self, head: str, body: dict, reader, writer) -> None:
        chat = "/chat/" in head.split("\r\n")[0]
        prompt = body["messages"][0]["content"] if chat else body["prompt"]
        serial = len(self.log)
        faulty = serial >= self.start and self.most > 0 and self._rng.random() < self.share
        self.most -= faulty
        fate = self._rng.choice(self.faults) if faulty else "answered"
        entry = {"prompt": prompt, "fate": fate, "serial": serial, "chat": chat, "at": time.monotonic()}
        self.log.append(body | entry)
        if self.latency:
            await asyncio.sleep(self.latency)
        key = re.search(r"authorization: *bearer +(\S+)", head, re.IGNORECASE)
        said = f"no, {key[1]}" if self.leak and key else "no"
        name = f"answer-{serial}" + (f" to {key[1]}" if self.leak and key else "")
        whole = json.dumps(self._right(body, prompt, chat, id=name)).encode()
        refusals = {
            "rate-limit": (429, {"Retry-After": f"{self.retry_after}"}, {}),
            "rate-limit-date": (429, {"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"}, {}),
            "long-wait": (429, {"Retry-After": "86400"}, {}),
            "server-error": (500, {}, {}),
            "overloaded": (503, {}, {}),
            "no-key": (401, {}, {"code": "invalid_api_key"}),
            "forbidden": (403, {}, {}),
            "no-model": (404, {}, {"code": "model_not_found"}),
            "quota": (429, {}, {"code": "insufficient_quota"}),
            "bad-request": (400, {}, {}),
        }
        bodies = {
            "answered": whole,
            "cut-json": whole[: len(whole) // 2],
            "html": b"<html><body>502 Bad Gateway</body></html>",
            "no-object": b"null",
            "no-choices": json.dumps({"model": body["model"]}).encode(),
            "empty-choices": json.dumps({"model": body["model"], "choices": []}).encode(),
            "null-text": json.dumps(self._right(body, prompt, chat, text=None)).encode(),
            "wrong-model": json.dumps(self._right(body, prompt, chat, model="another-model")).encode(),
        }
        if fate in refusals:
            status, headers, more = refusals[fate]
            _send(writer, json.dumps({"error": {"message": said, **more}}).encode(), status, headers)
        elif fate in bodies:
            _send(writer, bodies[fate])
        elif fate == "hang":
            await reader.read(1)  # until the other side gives up
            raise ConnectionResetError
        elif fate == "trickle":
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {10**6}\r\n\r\n".encode())
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.03)
        elif fate == "reset":
            _break_off(writer)
        else:  # the headers promise more than comes
            _send(writer, whole, send=len(whole) // 2)
            await writer.drain()
            if fate == "reset-in-body":
                _break_off(writer)
            raise ConnectionResetError
        await writer.drain()

    def _right(self, body: dict, prompt: str, chat: bool, **other) -> dict:
        """The answer to the last problem in a prompt, as a model would go on from there."""
        a, sign, b = re.findall(r"(\d+) ?(\*|\+|times|plus) ?(\d+)", prompt)[-1]
        answer = int(a) * int(b) if sign in "*times" else int(a) + int(b)
        text = other.get("text", f" {answer}")
        choice = {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
        return {
            "id": other.get("id", ""),
            "model": other.get("model", body["model"]),
            "choices": [{"index": 0, "finish_reason": "stop", **choice}],
            "usage": {"prompt_tokens": len(prompt), "completion_tokens": 4, "total_tokens": len(prompt) + 4},
        }


def _send(writer, body: bytes, status: int = 200, headers: dict | None = None, send: int | None = None) -> None:
    lines = {"Content-Type": "application/json", "Content-Length": len(body), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    writer.write(f"HTTP/1.1 {status} Any\r\n{head}\r\n".encode() + body[:send])


def _break_off(writer) -> None:
    """Reset the connection: the other side sees an error where it waits for bytes."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
    raise ConnectionResetError


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--latency", type=float, default=0.0)
    options.add_argument("--faults", type=float, default=0.0, help="share of requests that meet one")
    given = options.parse_args()
    with HostileServer(given.faults, latency=given.latency) as running:
        print(running.url, flush=True)
        threading.Event().wait()
