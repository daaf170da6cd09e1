"""``mirage parity`` on the command line: train the family that learns a hidden rule, and freeze its scores."""

from __future__ import annotations

import argparse

ABOUT = "train small networks that look for a hidden rule, and freeze their scores"


def add(command: argparse.ArgumentParser) -> None:
    """Describe the command."""
    command.add_argument("--widths", type=int, nargs="+", help="hidden units (default: those of the book)")
    command.add_argument("--seeds", type=int, help="number of seeds (default: that of the book)")
    command.add_argument("--steps", type=int, help="training steps (default: those of the book)")
    command.add_argument("--into", help="folder to freeze into (default: the library's own)")
    command.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> None:
    import shlex
    import sys

    import polars as pl

    from mirage_lib import outputs, parity, stamps

    seeds = parity.SEEDS if options.seeds is None else options.seeds
    if seeds < 1:
        raise ValueError(f"{seeds} seeds: at least one is needed")
    rule = parity.Rule(steps=options.steps or parity.Rule.steps)
    logs = []
    for width in options.widths or parity.WIDTHS:
        logs.append(parity.train(width, range(seeds), rule))
        last = logs[-1].filter(pl.col("step") == rule.steps)
        print(f"width {width}: mean accuracy {last['accuracy'].mean():.3f} of {seeds} seeds", flush=True)
    stamp = stamps.stamp(shlex.join(["mirage", *sys.argv[1:]]), range(seeds), "CC BY 4.0")
    versions = ", ".join(f"{name} {number}" for name, number in stamp["versions"].items())
    note = (
        f"A hidden parity, {rule}, written by '{stamp['command']}'; revision {stamp['revision']}; {versions}; {stamp['device']}; "
        f"seeds 0 to {seeds - 1}; {stamp['date']}; {stamp['origin']}, {stamp['licence']}."
    )
    table = pl.concat(logs).with_columns(pl.col("log_probability", "brier").round_sig_figs(5), pl.col("accuracy").round(4))
    path = outputs.save_table(table, "parity", "training log", note, options.into or outputs.FROZEN)
    print(f"Frozen: {path}, {path.stat().st_size / 1e3:.0f} kB, SHA-256 {outputs.sha256(path)}")
