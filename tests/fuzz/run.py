"""Run one target under atheris, which needs an environment of its own that sees this project's packages, too.

    python -m tests.fuzz.run audit-harness FOLDER -max_total_time=600

The folder gets the seeds of the target and what atheris finds worth keeping. A run does not end at a finding: the first
input of each kind (exception and line) goes to FOLDER-findings, and the last line of output says how many there are.
"""

from __future__ import annotations

import hashlib
import random
import sys
import time
import traceback
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["mirage_lib", "zipfile", "json"]):
    from tests.fuzz import targets
from tests.fuzz import mutations, seeds

BINARY = ("audit-inspect-zip", "audit-parquet", "bigbench-parquet", "frozen-parquet", "score-parquet")


def main(arguments: list[str]) -> None:
    name, folder, *options = arguments
    if name not in targets.TARGETS:
        sys.exit(f"no target is called {name!r}: choose one of {', '.join(targets.TARGETS)}")
    found = Path(f"{folder}-findings")
    for path in (Path(folder), found):
        path.mkdir(parents=True, exist_ok=True)
    for number, content in enumerate(seeds.seeds(name)):
        (Path(folder) / f"seed-{number}").write_bytes(content)
    read, known = targets.TARGETS[name], set[str]()

    def one(content: bytes) -> None:
        started = time.process_time()
        try:
            read(content)
        except BaseException as error:  # noqa: BLE001 - panics of Rust code are no Exceptions
            if isinstance(error, KeyboardInterrupt):
                raise
            line = traceback.extract_tb(error.__traceback__)[-1]
            keep(f"{type(error).__name__} {line.filename}:{line.lineno}", content, error)
        if time.process_time() - started > 5:
            keep("more than 5 s", content, None)

    def keep(kind: str, content: bytes, error: BaseException | None) -> None:
        if kind not in known:
            known.add(kind)
            (found / hashlib.sha256(kind.encode()).hexdigest()[:12]).write_bytes(content)
            print(f"FINDING {len(known)} {kind}: {str(error)[:200]!r}", flush=True)

    def mutate(content: bytes, most: int, seed: int) -> bytes:
        draw = random.Random(seed)
        if draw.random() < 0.5 or name in BINARY:
            return atheris.Mutate(content, most)
        return mutations.mutated(content, draw)[:most]

    limits = ["-rss_limit_mb=3000", "-timeout=60", "-max_len=20000", "-print_final_stats=1", f"-artifact_prefix={found}/"]
    atheris.Setup([sys.argv[0], folder, *limits, *options], one, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
