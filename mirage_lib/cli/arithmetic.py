"""``mirage arithmetic`` on the command line: training, freezing, fetching; asking models is in ``queries``."""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

from mirage_lib.cli import fetching, queries

ABOUT = "train and ask the ladder of arithmetic models, or models behind an address"
RUNS = "runs/arithmetic-ladder"


def add(command: argparse.ArgumentParser) -> None:
    """Describe the commands."""
    steps = command.add_subparsers(required=True, metavar="step")
    train = steps.add_parser("train", help="train the ladder; goes on where it was stopped")
    train.add_argument("--out", default=RUNS, help="folder of the runs (default: %(default)s)")
    train.add_argument(
        "--mode", default="ladder",
        help="small: a first look in minutes; ladder: the one of the book; tokens: sizes by training steps; "
        "formats: three prompt formats; seeds: many seeds of one size; full: up to 100M parameters, for a GPU (default: %(default)s)",
    )  # fmt: skip
    train.add_argument("--widths", type=int, nargs="+", help="hidden sizes, instead of a mode")
    train.add_argument("--seeds", type=int, default=3, help="number of seeds, with --widths (default: %(default)s)")
    train.add_argument("--steps", type=int, default=3000, help="training steps, with --widths (default: %(default)s)")
    train.add_argument("--device", default="auto", help="auto, cpu or cuda (default: %(default)s)")
    train.add_argument("--jobs", type=int, default=-1, help="processes; -1 is one a core")
    train.set_defaults(run=_train)
    freeze = steps.add_parser("freeze", help="ask trained models, and freeze what they say; goes on where it was")
    freeze.add_argument("--runs", default=RUNS, help="folder of the runs (default: %(default)s)")
    freeze.add_argument("--mode", help="ask the models of this mode (default: all in the folder)")
    freeze.add_argument("--widths", type=int, nargs="+", help="only these hidden sizes")
    freeze.add_argument("--seeds", type=int, nargs="+", help="only these seeds")
    freeze.add_argument("--name", default="arithmetic-ladder", help="name of the frozen table")
    freeze.add_argument("--n", type=int, default=2000, help="prompts a target length (default: %(default)s)")
    freeze.add_argument(
        "--cells", nargs="+", metavar="TASK:LENGTH:N", help="only these, such as addition:5:100000"
    )
    freeze.add_argument("--temperature", type=float, default=0.0, help="(default: %(default)s)")
    freeze.add_argument("--shots", type=int, default=2, help="solved examples in a prompt (default: %(default)s)")
    freeze.add_argument("--template", default="plain", help="how a problem is written (default: %(default)s)")
    freeze.add_argument(
        "--extra", nargs="*", default=["prompt", "logprobs"], help="optional columns (default: prompt logprobs)"
    )
    freeze.add_argument("--log", action="store_true", help="freeze the training losses, too")
    freeze.add_argument("--jobs", type=int, default=-1, help="processes; -1 is one a core")
    freeze.add_argument("--into", help="folder to freeze into (default: the library's own)")
    freeze.set_defaults(run=_freeze)

    fetching.add(steps, of_records=False)
    queries.add(steps)


def _train(options: argparse.Namespace) -> None:
    from mirage_lib.arithmetic import ladder

    if options.widths:
        chosen = ladder.rungs(options.widths, range(options.seeds), (options.steps,))
    else:
        chosen = ladder.mode(options.mode)
    steps = sum(rung.budget.steps for rung in chosen)
    print(
        f"Training {len(chosen)} models into {options.out}, {steps:,} steps in all. Small models take about 25 ms "
        "a step and core, those of 600 thousand parameters 130 ms. Stop it whenever you like."
    )
    paths = ladder.train(options.out, chosen, options.device, options.jobs)
    print(_first_look([path for path in paths if f"-seed{chosen[0].seed}-" in path.name]))


def _first_look(paths: list[Path]) -> str:
    """What the models of one seed make of 4-digit answers, under two metrics."""
    import polars as pl

    from mirage_lib import curves
    from mirage_lib.arithmetic import answers

    questions = answers.Questions((("multiplication", 4, 200), ("addition", 4, 200)), extra=())
    said = answers.collect(paths, "first look", questions)
    keys = ["task", "n_params", "model"]
    sides = {"accuracy": "exact_match", "edit distance": "token_edit_distance"}
    one, other = (curves.curve(said, name).select(*keys, pl.col("estimate").alias(side)) for side, name in sides.items())
    table = one.join(other, on=keys).sort(keys)
    with pl.Config(tbl_rows=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
        return f"The same answers of 4 digits under two metrics (200 prompts, one seed):\n{table}"


def _freeze(options: argparse.Namespace) -> None:
    from mirage_lib import outputs
    from mirage_lib.arithmetic import answers, ladder

    chosen = None
    if options.mode or options.widths or options.seeds:
        chosen = [
            rung
            for rung in ladder.mode(options.mode or "ladder")
            if rung.width in (options.widths or [rung.width]) and rung.seed in (options.seeds or [rung.seed])
        ]
    questions = answers.Questions(
        _cells(options.cells) if options.cells else answers.every_cell(options.n),
        options.temperature, options.shots, options.template, tuple(options.extra),
    )  # fmt: skip
    into = options.into or outputs.FROZEN
    command = f"mirage arithmetic train --mode {options.mode} && " if options.mode else ""
    command += shlex.join(["mirage", *sys.argv[1:]])
    path = answers.freeze(
        options.runs, options.name, questions, chosen, command=command, jobs=options.jobs, into=into
    )
    log = answers.freeze_log(options.runs, options.name, chosen, into) if options.log else None
    for file in filter(None, (path, log)):
        print(f"Frozen: {file}, SHA-256 {outputs.sha256(file)}")


def _cells(texts: list[str]) -> tuple[tuple[str, int, int], ...]:
    """Read cells as they are typed, ``task:length:n``."""
    cells = []
    for text in texts:
        try:
            task, length, n = text.split(":")
            cells.append((task, int(length), int(n)))
        except ValueError:
            raise ValueError(f"cell {text!r} cannot be read: write task:length:n, as in addition:5:1000") from None
    return tuple(cells)
