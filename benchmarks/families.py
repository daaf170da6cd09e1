"""How much faster is a whole family trained than one network after the other?

On a CPU: a process a core against one process, the same networks, from the same command. On a GPU: all
seeds of a width stacked, against the same networks one after the other on that GPU. Both ways have to end
with the same weights, on a CPU to the last bit. Wall time, in alternating rounds: what is gained is that all
cores work, so other programs on the machine make the ratio smaller.

    python -m benchmarks.families
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

from benchmarks import results  # noqa: E402
from benchmarks.results import Row  # noqa: E402
from mirage_lib.vision import families, training  # noqa: E402

CPU_BUDGET, GPU_BUDGET = 1.8, 10.0


def on_cpu(jobs: int, steps: int, rounds: int) -> Row:
    """One process against ``jobs``."""
    chosen = families.members((8, 12, 16, 24), range(4))
    recipe = replace(families.get("digits").recipe, steps=steps)
    seconds, weights = {1: [], jobs: []}, {}
    with tempfile.TemporaryDirectory() as folder:
        # Starting processes and loading torch there is paid once a run, not once a family.
        families.train("digits", Path(folder) / "warm", chosen[: 2 * jobs], replace(recipe, steps=2), device="cpu", jobs=jobs)
        for k in range(rounds):
            for number in sorted(seconds, reverse=bool(k % 2)):
                start = time.perf_counter()
                out = Path(folder) / f"{number}-{k}"
                families.train("digits", out, chosen, recipe, device="cpu", jobs=number)
                seconds[number].append(time.perf_counter() - start)
                weights[number] = [(out / member.name / "model.safetensors").read_bytes() for member in chosen]
    assert weights[1] == weights[jobs], "the two ways end with other weights"
    one, many = (statistics.median(each) for each in seconds.values())
    note = f"wall time, {rounds} rounds; equal weights"
    return Row(f"{len(chosen)} networks of {steps:,} steps, {jobs} processes", many, other="one after the other", theirs=one, least=CPU_BUDGET, note=note)


def on_gpu(seeds: int, steps: int) -> Row:
    """Networks one after the other against all at once, on one GPU."""
    family = families.get("digits")
    recipe, data = replace(family.recipe, steps=steps), family.load(None, False)
    training.train_stack(family, 8, [0, 1], replace(recipe, steps=20), data, "cuda")
    torch.cuda.synchronize()
    start = time.perf_counter()
    alone = [training.train_stack(family, 8, [seed], recipe, data, "cuda")[0] for seed in range(seeds)]
    torch.cuda.synchronize()
    one_by_one = time.perf_counter() - start
    start = time.perf_counter()
    together = training.train_stack(family, 8, list(range(seeds)), recipe, data, "cuda")
    torch.cuda.synchronize()
    stacked = time.perf_counter() - start
    furthest = max(
        float((a - b).abs().max())
        for one, other in zip(alone, together, strict=True)
        for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    )
    note = f"wall time, {torch.cuda.get_device_name()}; weights differ by {furthest:.1e} at most"
    return Row(f"{seeds} networks of {steps:,} steps, stacked on a GPU", stacked, other="one after the other", theirs=one_by_one, least=GPU_BUDGET, note=note)


def main() -> int:
    """Measure, print, and return 1 where a budget is missed."""
    parser = results.parser(__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: one a core)")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    status = results.finish("families", [on_cpu(given.jobs, given.steps, given.rounds)], packages=("torch",), write=given.write)
    if torch.cuda.is_available():
        return status | results.finish("families_gpu", [on_gpu(32, given.steps)], packages=("torch",), write=given.write)
    print("There is no GPU here: stacked training is for GPUs, and was not measured.")
    # What an earlier run on a GPU found stays.
    if "families_gpu" not in results.load():
        missing = Row("32 networks stacked on a GPU", None, other="one after the other", least=GPU_BUDGET, note="not measured: there was no GPU")
        results.finish("families_gpu", [missing], packages=("torch",), write=given.write)
    return status


if __name__ == "__main__":
    sys.exit(main())
