"""How does the cost grow with rows, items and models?

Each thing is done at sizes from the smallest to a thousand times as many, in processor time, the least of a few
rounds; `results.power` fits the exponents. Outputs are made by the script. Logs and score files have their own growth
in `audit.py` and `records.py`.

    python -m benchmarks.growth
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import results  # noqa: E402
from benchmarks.results import Growth  # noqa: E402
from mirage_lib import breaks, curves, emergence, metrics, outputs  # noqa: E402
from mirage_lib.subsets import by_network  # noqa: E402

HALF_DECADES = [10 ** (k / 2) for k in range(7)]
TEXT_METRICS = ("exact_match", "token_edit_distance", "per_token_accuracy")


def cost(work: Callable[[], object], enough: float = 0.3) -> float:
    """The least processor seconds of a call: of one, or of as many as take ``enough`` together, five at most."""
    taken: list[float] = []
    while not taken or (sum(taken) < enough and len(taken) < 5):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def grown(what: str, axis: str, smallest: int, make: Callable[[int], object], work: Callable[[object], object], note: str = "", **budget) -> Growth:
    """The cost of ``work`` on what ``make`` makes, at seven sizes half a decade apart."""
    points = []
    for times in HALF_DECADES:
        size = round(smallest * times)
        made = make(size)
        if not points:
            work(made)  # imports
        points.append((size, cost(lambda made=made: work(made))))
        print(f"{what}: {size:>9,} {axis} {points[-1][1]:9.4f} s", flush=True)
    return Growth(what, axis, points, note=note, **budget)


def asked(models: int, items: int, seed: int = 0) -> pl.DataFrame:
    """Answers of four digits, of so many models to so many items, ever more of them right with the model's size."""
    rng = np.random.default_rng(seed)
    digits = rng.integers(0, 10, (1, items, 4), dtype=np.uint8)
    right = rng.random((models, items, 4)) < np.linspace(0.2, 0.95, models)[:, None, None]
    said = np.where(right, digits, rng.integers(0, 10, (models, items, 4), dtype=np.uint8))
    texts = [(each + 48).astype("u1").reshape(-1, 4).view("S4").ravel().astype(str) for each in (digits, said)]
    model = np.repeat(np.arange(models), items)
    return pl.DataFrame({
        "task": "made", "group": 4, "temperature": 0.0, "family": "made", "model": pl.Series(model).cast(pl.String),
        "n_params": 10**6 + model, "seed": 0, "item": pl.Series(np.tile(np.arange(items), models)).cast(pl.String),
        "target": np.tile(texts[0], models), "output": texts[1],
    })  # fmt: skip


def pictures(n: int) -> pl.DataFrame:
    """What eight networks say about ``n`` pictures of ten classes."""
    rng, network = np.random.default_rng(0), np.repeat(np.arange(8), n)
    label, other = rng.integers(0, 10, (2, 8 * n))
    predicted = np.where(rng.random(8 * n) < 0.5 + network / 20, label, other)
    return pl.DataFrame({"model": "made", "n_params": 1000 + network, "seed": 0, "label": label, "predicted": predicted})


def shares(models: int) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of sizes, and shares of right answers that rise with them."""
    x = np.linspace(np.log(1e6), np.log(1e12), models)
    return x, np.clip(1 / (1 + np.exp(20 - x)) + np.random.default_rng(0).normal(0, 0.02, models), 0, 1)


def drawn_again(rise: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Emergence scores of 100 smooth curves, the null of one curve."""
    return emergence.null_scores(np.exp(rise[0]), rise[1], np.full(len(rise[0]), 0.02), 100)


def page_of(curve: pl.DataFrame) -> str:
    """A curve as an explorer's page holds it: the rows, as text."""
    return json.dumps({name: curve[name].to_list() for name in ("n_params", "estimate", "low", "high", "n")})


def main() -> int:
    """Measure, print, and return 1 where a budget is missed."""
    given = results.parser(__doc__).parse_args()
    ladder = outputs.load("arithmetic-ladder")
    answers = ladder.select("target", "output", "target_logprob")
    known = [metrics.get(name) for name in TEXT_METRICS]
    found = [
        grown("three text metrics", "rows", 1000, lambda n: answers.sample(n, with_replacement=True, seed=0),
              lambda table: [metric.score(table) for metric in known]),
        grown("a curve of ten models, Wilson's interval", "items", 100, lambda n: asked(10, n), lambda table: curves.curve(table, "exact_match")),
        grown("a curve of ten models, bootstrap", "items", 30, lambda n: asked(10, n), lambda table: curves.curve(table, "token_edit_distance")),
        grown("a curve over 100 items, bootstrap", "models", 3, lambda n: asked(n, 100), lambda table: curves.curve(table, "token_edit_distance")),
        grown("emergence score's null, 100 draws", "models", 5, shares, drawn_again),
        grown("subset accuracy of eight networks", "items", 100, pictures, lambda table: by_network(table, (1, 2, 5))),
        broken(),
    ]  # fmt: skip
    return results.finish("growth", [], found, ("polars", "numpy", "scipy"), given.write)


def broken() -> Growth:
    """The test for a break, to 200 models only: no family has as many, and the cost turns quadratic behind that."""
    points = []
    for size in (6, 12, 25, 50, 100, 200):
        rise = shares(size)
        points.append((size, cost(lambda rise=rise: breaks.find(*rise, errors=0.02, draws=100))))
        print(f"test for a break: {size:>9,} models {points[-1][1]:9.4f} s", flush=True)
    return Growth("test for a break in one curve, 100 draws", "models", points, note="to 200 models only")


if __name__ == "__main__":
    sys.exit(main())
