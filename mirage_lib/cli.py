"""``mirage`` on the command line: the same functions as in Python."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mirage_lib.arithmetic import commands as arithmetic_commands

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
    train.add_argument("--widths", type=int, nargs="+", help="hidden sizes (default: all eleven)")
    train.add_argument("--seeds", type=int, default=3, help="number of seeds (default: %(default)s)")
    train.add_argument("--steps", type=int, default=3000, help="training steps (default: %(default)s)")
    train.add_argument("--device", default="auto", help="auto, cpu or cuda (default: %(default)s)")
    train.add_argument("--jobs", type=int, default=-1, help="processes; -1 is one a core")
    train.set_defaults(run=_train)
    freeze = steps.add_parser("freeze", help="ask the trained ladder, and freeze what it says")
    freeze.add_argument("--runs", default=RUNS, help="folder of the runs (default: %(default)s)")
    freeze.add_argument("--name", default="arithmetic-ladder", help="name of the frozen table")
    freeze.add_argument("--n", type=int, default=1000, help="prompts a target length (default: %(default)s)")
    freeze.add_argument("--into", help="folder to freeze into (default: the library's own)")
    freeze.set_defaults(run=_freeze)

    fetch = steps.add_parser("fetch", help="download the originals of the tables of public models, checked by hash")
    fetch.add_argument("--tables", nargs="+", help="derived tables whose originals are wanted (default: all)")
    fetch.add_argument("--into", help="folder to download into (default: the system's cache folder)")
    fetch.add_argument("--base-url", help="another server with the same paths (default: GitHub's for raw files)")
    fetch.set_defaults(run=_fetch)

    arithmetic_commands.add_query(steps)

    score = commands.add_parser("score", help="score frozen outputs, or a Parquet file of your own")
    score.add_argument("outputs", help="name of a frozen table, or path of a Parquet file")
    score.add_argument("--metric", default="exact_match", help="a metric's name; 'list' shows all")
    score.add_argument("--csv", help="write the curve to this file instead of the screen")
    score.set_defaults(run=_score)

    claims = commands.add_parser("claims", help="judge the paper's claims on the frozen outputs")
    claims.set_defaults(run=_claims)
    return top


def _train(options: argparse.Namespace) -> None:
    from mirage_lib.arithmetic import ladder

    widths = options.widths or ladder.WIDTHS
    print(
        f"Training {len(widths) * options.seeds} rungs for {options.steps} steps each into {options.out}. "
        "The whole ladder takes about an hour on two cores; stop it whenever you like."
    )
    budget = ladder.Budget(steps=options.steps)
    ladder.train(options.out, widths, range(options.seeds), budget, options.device, options.jobs)


def _freeze(options: argparse.Namespace) -> None:
    from mirage_lib import outputs
    from mirage_lib.arithmetic import answers

    path = answers.freeze(options.runs, options.name, options.n, options.into or outputs.FROZEN)
    log = answers.freeze_log(options.runs, options.name, options.into or outputs.FROZEN)
    for file in filter(None, (path, log)):
        print(f"Frozen: {file}, SHA-256 {outputs.sha256(file)}")


def _fetch(options: argparse.Namespace) -> None:
    from mirage_lib import outputs
    from mirage_lib.arithmetic import public

    listed = public.sources(options.tables)
    print(f"Fetching {listed.height} files, {listed['bytes'].sum() / 1e6:.1f} MB, from {listed['repository'].n_unique()} repositories.")
    for file in public.fetch(options.tables, options.into, options.base_url or public.BASE_URL).values():
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


def _claims(options: argparse.Namespace) -> None:
    from mirage_lib import claims

    for claim in claims.ledger():
        verdict = claim.judge()
        print(f"{verdict.verdict:14} {claim.id}\n{'':14} {verdict.because}")


if __name__ == "__main__":
    sys.exit(main())
