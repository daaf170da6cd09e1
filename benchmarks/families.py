"""How much faster is a whole family trained than one network after the other?

On a CPU: a process a core against one process, the same networks, from the same command. On a GPU: all
seeds of a width stacked, against the same networks one after the other on that GPU. Both ways have to end
with the same weights, on a CPU to the last bit.

    python benchmarks/families.py            # the CPU; needs no files
    python benchmarks/families.py --gpu      # the GPU
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch  # noqa: E402

from mirage_lib.vision import families, training  # noqa: E402

CPU_BUDGET, GPU_BUDGET = 1.8, 10.0


def on_cpu(jobs: int, steps: int) -> float:
    """Seconds of one process over seconds of ``jobs``."""
    chosen = families.members((8, 12, 16, 24), range(4))
    recipe = replace(families.get("digits").recipe, steps=steps)
    seconds, weights = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        # Starting processes and loading torch there is paid once a run, not once a family.
        families.train("digits", Path(folder) / "warm", chosen[: 2 * jobs], replace(recipe, steps=2), device="cpu", jobs=jobs)
        for number in (1, jobs):
            start = time.perf_counter()
            out = Path(folder) / str(number)
            families.train("digits", out, chosen, recipe, device="cpu", jobs=number)
            seconds[number] = time.perf_counter() - start
            weights[number] = [(out / member.name / "model.safetensors").read_bytes() for member in chosen]
    assert weights[1] == weights[jobs], "the two ways end with other weights"
    print(f"{len(chosen)} networks, {steps} steps: one after the other {seconds[1]:.1f} s, {jobs} at once {seconds[jobs]:.1f} s")
    return seconds[1] / seconds[jobs]


def on_gpu(seeds: int, steps: int) -> float:
    """Seconds of networks one after the other over seconds of all at once, on one GPU."""
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
    print(f"{seeds} networks, {steps} steps: one by one {one_by_one:.1f} s, stacked {stacked:.1f} s; weights differ by {furthest:.1e} at most")
    return one_by_one / stacked


def main() -> int:
    """Measure, print, and return 1 where the budget is missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gpu", action="store_true", help="stacked training on a GPU instead")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (default: one a core)")
    parser.add_argument("--steps", type=int, default=3000)
    options = parser.parse_args()
    print(f"{platform.platform()}, Python {platform.python_version()}, torch {torch.__version__}, {os.cpu_count()} cores")
    if options.gpu:
        if not torch.cuda.is_available():
            print("There is no GPU here: stacked training is for GPUs, and was not measured.")
            return 0
        ratio, budget = on_gpu(32, options.steps), GPU_BUDGET
    else:
        ratio, budget = on_cpu(options.jobs, options.steps), CPU_BUDGET
    print(f"{ratio:.2f} times faster; the budget is {budget:g}")
    return int(ratio < budget)


if __name__ == "__main__":
    sys.exit(main())
