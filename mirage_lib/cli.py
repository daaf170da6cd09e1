"""``mirage`` on the command line: the same functions as in Python."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from mirage_lib.arithmetic import commands as arithmetic_commands
from mirage_lib.bigbench import commands as bigbench_commands
from mirage_lib.vision import commands as vision_commands

RUNS = "runs/arithmetic-ladder"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 refused with one sentence, 130 interrupted."""
    options = parser().parse_args(arguments)
    try:
        options.run(options)
    except KeyboardInterrupt:
        print("Interrupted; run the same command again to go on.", file=sys.stderr)
        return 130
    except (ValueError, KeyError, FileNotFoundError) as error:
        print(f"mirage: {error.args[0] if isinstance(error, KeyError) else error}", file=sys.stderr)
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Describe all commands."""
    top = argparse.ArgumentParser(prog="mirage", description=__doc__)
    commands = top.add_subparsers(required=True, metavar="command")

    arithmetic = commands.add_parser("arithmetic", help="train and ask the ladder of arithmetic models")
    steps = arithmetic.add_subparsers(required=True, metavar="step")
    train = steps.add_parser("train", help="train the ladder; goes on where it was stopped")
    train.add_argument("--out", default=RUNS, help="folder of the runs (default: %(default)s)")
    train.add_argument(
        "--mode", default="ladder",
        help="small: a first look in minutes; ladder: the one of the book; tokens: sizes by training steps; "
        "formats: three prompt formats; full: up to 100M parameters, for a GPU (default: %(default)s)",
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

    _add_fetch(steps, of_records=False)
    arithmetic_commands.add_query(steps)

    bigbench = commands.add_parser("bigbench", help="read and score records of BIG-Bench and of other tasks")
    steps = bigbench.add_subparsers(required=True, metavar="step")
    _add_fetch(steps, of_records=True)
    bigbench_commands.add(steps, score_with=_score_records)

    vision = commands.add_parser("vision", help="train families of small networks on pictures, and freeze what they say")
    vision_commands.add(vision.add_subparsers(required=True, metavar="step"))

    score = commands.add_parser("score", help="score frozen outputs, or a Parquet file of your own")
    score.add_argument("outputs", help="name of a frozen table, or path of a Parquet file")
    score.add_argument("--metric", default="exact_match", help="a metric's name; 'list' shows all")
    score.add_argument("--csv", help="write the curve to this file instead of the screen")
    score.set_defaults(run=_score)

    claims = commands.add_parser("claims", help="judge the paper's claims on the frozen outputs")
    claims.set_defaults(run=_claims)
    return top


def _add_fetch(steps: argparse._SubParsersAction, of_records: bool) -> None:
    what = "the collected table of BIG-Bench (all.csv) and of the records" if of_records else "the tables of public models"
    fetch = steps.add_parser("fetch", help=f"download the originals of {what}, checked by hash")
    fetch.add_argument("--tables", nargs="+", help="derived tables whose originals are wanted (default: all of them)")
    fetch.add_argument("--into", help="folder to download into (default: the system's cache folder)")
    fetch.add_argument("--base-url", help="another server with the same paths (default: GitHub's for raw files)")
    fetch.set_defaults(run=_fetch, of_records=of_records)


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
    print(_first_look(paths))


def _first_look(paths: list[Path]) -> str:
    """What the models of one seed make of 4-digit answers, under two metrics."""
    import polars as pl

    from mirage_lib import curves
    from mirage_lib.arithmetic import answers

    questions = answers.Questions((("multiplication", 4, 200), ("addition", 4, 200)), extra=())
    said = answers.collect([path for path in paths if "-seed0-" in path.name], "first look", questions)
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


def _fetch(options: argparse.Namespace) -> None:
    from mirage_lib import originals, outputs

    tables = options.tables or originals.names(options.of_records)
    listed = originals.sources(tables)
    megabytes, repositories = listed["bytes"].sum() / 1e6, listed["repository"].n_unique()
    least = "at least " if listed["bytes"].null_count() else ""
    print(f"Fetching {listed.height} files, {least}{megabytes:.1f} MB, from {repositories} repositories.")
    for file in originals.fetch(tables, options.into, options.base_url or originals.BASE_URL).values():
        print(f"There: {file}, SHA-256 {outputs.sha256(file)}")


def _score(options: argparse.Namespace) -> None:
    import polars as pl

    from mirage_lib import curves, metrics, outputs

    if options.metric == "list":
        for name in metrics.names():
            print(f"{name:24} {metrics.get(name).label}")
        return
    path = Path(options.outputs)
    table = pl.read_parquet(path) if path.suffix == ".parquet" else outputs.load(options.outputs)
    curve = curves.curve(table, options.metric)
    if options.csv:
        curve.write_csv(options.csv)
        print(f"Written: {options.csv}, {curve.height} rows")
        return
    with pl.Config(tbl_rows=-1, tbl_cols=-1, tbl_hide_dataframe_shape=True, tbl_width_chars=160):
        print(curve.drop("family", "metric", "n_items", "resolution"))


def _score_records(options: argparse.Namespace) -> None:
    import polars as pl

    from mirage_lib import triplets
    from mirage_lib.bigbench.records import RecordsError

    table = bigbench_commands.records_of(options)
    if options.preferred:
        if "preferred" not in table.columns:
            raise RecordsError("these records do not say which metric is preferred: leave --preferred out")
        table = table.filter(pl.col("preferred"))
    scored = triplets.scored(table, options.least)
    if scored.is_empty():
        raise RecordsError(f"no task, metric and family has {options.least} sizes of models: give a smaller --least")
    scored = triplets.with_null(scored, table, options.draws)
    if options.csv:
        scored.write_csv(options.csv)
        print(f"Written: {options.csv}, {scored.height:,} triplets")
    wide = {"tbl_rows": -1, "tbl_cols": -1, "tbl_width_chars": 120}
    with pl.Config(tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True, **wide):
        print(triplets.by_metric(scored))
    untested = scored["exceedance"].null_count()
    if untested:
        print(
            f"{untested:,} of {scored.height:,} triplets have no smooth null"
            + (": the records tell neither their number of items nor a standard error." if options.draws else ".")
        )


def _claims(options: argparse.Namespace) -> None:
    from mirage_lib import claims

    for claim in claims.ledger():
        verdict = claim.judge()
        print(f"{verdict.verdict:14} {claim.id}\n{'':14} {verdict.because}")


if __name__ == "__main__":
    sys.exit(main())
