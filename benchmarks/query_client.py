"""Is the query client slower than no client at all?

The same requests go to the same server twice: by `mirage_lib.arithmetic.query.ask`, which retries,
keeps a journal and brings it to the disk, and by the fewest lines that send as many at a time:
`asyncio.gather` over `AsyncOpenAI().completions.create` behind a semaphore. The server runs in a
process of its own and waits a fixed time before each answer, as a real one would. Rounds alternate,
the order within a round as well; what counts is the ratio of the medians.

    python benchmarks/query_client.py
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mirage_lib.arithmetic import query  # noqa: E402

BUDGET = 1.05


def ours(settings: query.Settings, concurrency: int) -> float:
    """Seconds that the client takes for all requests, journal and preparation included."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        report = query.ask(settings, folder, concurrency=concurrency, progress=False)
        taken = time.perf_counter() - start
    assert report.left == 0 and report.answered == query.requests(settings).height
    return taken


def bare(settings: query.Settings, concurrency: int) -> float:
    """Seconds that `asyncio.gather` takes for the same requests; the answers are kept in memory."""
    from openai import AsyncOpenAI

    async def everything() -> list[str]:
        limit = asyncio.Semaphore(concurrency)
        async with AsyncOpenAI(base_url=settings.base_url, api_key="none") as client:

            async def one(prompt: str) -> str:
                async with limit:
                    said = await client.completions.create(
                        model=settings.models[0].name, prompt=prompt, temperature=0.0, max_tokens=16, stop=["\n"]
                    )
                return said.choices[0].text

            return await asyncio.gather(*map(one, prompts))

    start = time.perf_counter()
    prompts = query.requests(settings)["sent"].to_list()
    answers = asyncio.run(everything())
    taken = time.perf_counter() - start
    assert len(answers) == len(prompts)
    return taken


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--requests", type=int, default=2000)
    options.add_argument("--concurrency", type=int, default=16)
    options.add_argument("--latency", type=float, default=0.03, help="seconds the server waits before an answer")
    given = options.parse_args()
    command = [sys.executable, str(ROOT / "tests" / "hostile_server.py"), "--latency", str(given.latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            address = server.stdout.readline().strip()
            settings = query.Settings(
                address, [query.model("m=1M")], "benchmark", n=given.requests // 2, lengths=(3,)
            )
            times = {ours: [], bare: []}
            for run in times:  # once each to warm up: imports, connections, the disk
                run(query.Settings(address, settings.models, "benchmark", n=50, lengths=(3,)), given.concurrency)
            for k in range(given.rounds):
                for run in sorted(times, key=lambda run: run is (ours, bare)[k % 2]):
                    times[run].append(run(settings, given.concurrency))
                print(f"round {k + 1}: client {times[ours][-1]:.2f} s, bare {times[bare][-1]:.2f} s", flush=True)
        finally:
            server.kill()
    ratio = statistics.median(times[ours]) / statistics.median(times[bare])
    spread = sorted(a / b for a, b in zip(times[ours], times[bare], strict=True))
    print(
        f"Client against bare gather: {ratio:.3f} (ratio of medians, {given.rounds} rounds; single rounds "
        f"{spread[0]:.3f} to {spread[-1]:.3f}); budget {BUDGET}.\n{given.requests} requests, {given.concurrency} at a "
        f"time, the server waits {given.latency * 1000:.0f} ms. openai {version('openai')}, Python "
        f"{platform.python_version()}, {os.cpu_count()} cores."
    )
    return 0 if ratio <= BUDGET else 1


if __name__ == "__main__":
    sys.exit(main())
