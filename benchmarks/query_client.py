"""Is the query client slower than no client at all?

The same requests go to the same server twice: by `mirage_lib.arithmetic.query.ask`, which retries,
keeps a journal and brings it to the disk, and by the fewest lines that send as many at a time:
`asyncio.gather` over `AsyncOpenAI().completions.create` behind a semaphore. The server runs in a
process of its own and waits a fixed time before each answer, as a real one would. Rounds alternate,
the order within a round as well; what counts is the ratio of the medians. Wall time, since waiting is most of it, so
this is for a quiet machine. Then the same with a server that answers at once, in the processor time of the clients' own work.

    python -m benchmarks.query_client
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import results  # noqa: E402
from benchmarks.results import Row  # noqa: E402
from mirage_lib.arithmetic import query  # noqa: E402

Clock = Callable[[], float]
BUDGET = 1 / 1.05
"""Of the bare client's time over ours: at most 5 % slower."""


def ours(settings: query.Settings, concurrency: int, clock: Clock) -> float:
    """Seconds that the client takes for all requests, journal and preparation included."""
    with tempfile.TemporaryDirectory() as folder:
        start = clock()
        report = query.ask(settings, folder, concurrency=concurrency, progress=False)
        taken = clock() - start
    assert report.left == 0 and report.answered == query.requests(settings).height
    return taken


def bare(settings: query.Settings, concurrency: int, clock: Clock) -> float:
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

    start = clock()
    prompts = query.requests(settings)["sent"].to_list()
    answers = asyncio.run(everything())
    taken = clock() - start
    assert len(answers) == len(prompts)
    return taken


def measured(latency: float, given: argparse.Namespace, budget: float | None) -> Row:
    """Both clients in alternating rounds, against a server that waits ``latency`` seconds."""
    clock = time.perf_counter if latency else time.process_time
    command = [sys.executable, str(ROOT / "tests" / "hostile_server.py"), "--latency", str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            address = server.stdout.readline().strip()
            settings = query.Settings(
                address, [query.model("m=1M")], "benchmark", n=given.requests // 2, lengths=(3,)
            )
            times = {ours: [], bare: []}
            for run in times:  # once each to warm up: imports, connections, the disk
                run(query.Settings(address, settings.models, "benchmark", n=50, lengths=(3,)), given.concurrency, clock)
            for k in range(given.rounds):
                for run in sorted(times, key=lambda run: run is (ours, bare)[k % 2]):
                    times[run].append(run(settings, given.concurrency, clock))
                print(f"round {k + 1}: client {times[ours][-1]:.2f} s, bare {times[bare][-1]:.2f} s", flush=True)
        finally:
            server.kill()
    single = sorted(b / a for a, b in zip(times[ours], times[bare], strict=True))
    return Row(
        f"{given.requests:,} requests, {given.concurrency} at a time, to a server that waits {latency * 1000:.0f} ms, by the query client",
        statistics.median(times[ours]), other="bare `asyncio.gather`, without retries or journal", theirs=statistics.median(times[bare]),
        least=budget, note=f"{'wall' if latency else 'processor'} time; single rounds {single[0]:.2f} to {single[-1]:.2f}",
    )  # fmt: skip


def main() -> int:
    """Measure, print, and return 1 where the budget is missed."""
    parser = results.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--latency", type=float, nargs="+", default=[0.03, 0.0], help="seconds the server waits before an answer")
    given = parser.parse_args()
    rows = [measured(latency, given, BUDGET if latency else None) for latency in given.latency]
    return results.finish("query_client", rows, packages=("openai",), write=given.write)


if __name__ == "__main__":
    sys.exit(main())
