"""``mirage vision`` on the command line: its options, and what it prints."""

from __future__ import annotations

import argparse

ABOUT = "train families of small networks on pictures, and freeze what they say"
NAMES = ("lenet", "lenet-pooled", "autoencoder", "transformer", "digits", "autoencoder-photographs", "transformer-digits")
THINNED = {"small": 2, "full": 1}
"""Every so many of a family's widths are trained in a mode."""
SEEDS = {"small": 2, "full": 10}


def add(command: argparse.ArgumentParser) -> None:
    """Describe the commands."""
    steps = command.add_subparsers(required=True, metavar="step")
    train = steps.add_parser("train", help="train a family of networks; goes on where it was stopped")
    train.add_argument("family", choices=NAMES, metavar="family", help=", ".join(NAMES))
    train.add_argument(
        "--mode", default="full", choices=tuple(THINNED),
        help="small: half the sizes, two seeds and a short training, in minutes; full: as in the book (default: %(default)s)",
    )  # fmt: skip
    train.add_argument("--widths", type=int, nargs="+", help="only these widths")
    train.add_argument("--seeds", type=int, help="number of seeds (default: 2 in small mode, 10 in full mode)")
    train.add_argument("--out", help="folder of the runs (default: runs/vision-<family>)")
    _add_data(train)
    train.add_argument("--device", default="auto", help="auto, cpu or cuda (default: %(default)s)")
    train.add_argument("--jobs", type=int, default=-1, help="processes; -1 is one a core")
    train.add_argument("--backend", default="loky", choices=("loky", "ray"), help="ray: on a cluster (default: %(default)s)")
    train.set_defaults(run=_train)

    freeze = steps.add_parser("freeze", help="ask trained networks every test item, and freeze what they say")
    freeze.add_argument("family", choices=NAMES, metavar="family", help=", ".join(NAMES))
    freeze.add_argument("--runs", help="folder of the runs (default: runs/vision-<family>)")
    freeze.add_argument("--name", help="name of the frozen table (default: vision-<family>)")
    freeze.add_argument("--into", help="folder to freeze into (default: the library's own)")
    _add_data(freeze)
    freeze.set_defaults(run=_freeze)

    grok = steps.add_parser("grok", help="train one small network on modular addition, look at it over steps, freeze the log")
    grok.add_argument("--seeds", type=int, default=3, help="number of seeds (default: %(default)s)")
    grok.add_argument(
        "--vary", action="store_true", help="other shares of pairs and weight decays instead, test pairs every 50 steps"
    )
    grok.add_argument("--sizes", action="store_true", help="networks of ten sizes instead, looked at every 250 steps")
    grok.add_argument("--into", help="folder to freeze into (default: the library's own)")
    grok.set_defaults(run=_grok)


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", help="folder of the pictures (default: vision/ in the folder that MIRAGE_DATA names)")
    parser.add_argument("--download", action="store_true", help="let torchvision fetch pictures that are not there")


def _train(options: argparse.Namespace) -> None:
    from mirage_lib.vision import families

    small = options.mode == "small"
    name = _at_hand(options) if small else options.family
    family = families.get(name)
    widths = options.widths or family.widths[:: THINNED[options.mode]]
    unknown = sorted(set(widths) - set(family.widths))
    if unknown:
        raise ValueError(f"{name} has no width {unknown[0]}: choose from {', '.join(map(str, family.widths))}")
    chosen = families.members(widths, range(options.seeds or SEEDS[options.mode]))
    recipe = family.quick if small else family.recipe
    folder = options.out or f"runs/vision-{name}{'-small' if small else ''}"
    print(f"Training {len(chosen)} networks of {name} on {family.task} into {folder}, {recipe.steps} steps each.")
    families.train(
        name, folder, chosen, recipe, options.data, options.download, options.device, options.jobs, options.backend
    )
    table, _ = families.collect(name, folder, options.data, options.download)
    print(_first_look(table, family.kind))


def _at_hand(options: argparse.Namespace) -> str:
    """The family, or the one that takes its place where its pictures are not to be had."""
    from mirage_lib.vision import datasets, families

    family = families.get(options.family)
    try:
        family.load(options.data, options.download)
    except datasets.MissingData as error:
        if not family.stand_in or options.data or options.download:
            raise
        print(f"{error}\nTraining the stand-in instead: {family.stand_in}.")
        return family.stand_in
    return family.name


def _first_look(table, kind: str) -> str:
    """The same outputs under a smooth and a sudden metric, means over seeds."""
    import polars as pl

    from mirage_lib import metrics, subsets

    if kind == "image label":
        networks = subsets.by_network(table, (1, 10)).pivot("k", index=["n_params", "seed"], values="estimate")
        sides = networks.rename({"1": "accuracy", "10": "10 right at once"})
    else:
        if kind == "reconstruction":
            c = float(table["squared_error"].quantile(0.1))
            pair = {"squared error": metrics.get("squared_error"), f"within {c:.3g}": metrics.reconstruction_within(c)}
        else:
            pair = {"accuracy": metrics.get("sequence_accuracy"), "5 right at once": metrics.first_all_correct(5)}
        scored = table.select("n_params", "seed", *(metric.score(table).alias(name) for name, metric in pair.items()))
        sides = scored.group_by("n_params", "seed").mean()
    means = sides.drop("seed").group_by("n_params").mean().sort("n_params")
    with pl.Config(tbl_rows=-1, tbl_hide_dataframe_shape=True, tbl_hide_column_data_types=True):
        return f"The same outputs under two metrics, means over seeds:\n{means}"


def _freeze(options: argparse.Namespace) -> None:
    import shlex
    import sys

    from mirage_lib import outputs, stamps
    from mirage_lib.vision import families

    family = families.get(options.family)
    command = f"mirage vision train {family.name} && {shlex.join(['mirage', 'vision', 'freeze', family.name])}"
    packages = ("numpy", "polars", "torch", "torchvision")
    table, weights = families.collect(
        family.name, options.runs or f"runs/vision-{family.name}", options.data, options.download
    )
    stamp = stamps.stamp(command, sorted(table["seed"].unique()), "MIT", packages=packages)
    stamp |= {"weights": weights, "recipe": repr(family.recipe), "arguments": sys.argv[1:]}
    path = outputs.save(table, options.name or f"vision-{family.name}", family.kind, stamp, options.into or outputs.FROZEN)
    print(f"Frozen: {path}, {path.stat().st_size / 1e6:.2f} MB, SHA-256 {outputs.sha256(path)}")


def _grok(options: argparse.Namespace) -> None:
    import polars as pl

    from mirage_lib import outputs, stamps
    from mirage_lib.vision import grokking

    if options.seeds < 1:
        raise ValueError(f"{options.seeds} seeds: at least one is needed")
    if options.vary and options.sizes:
        raise ValueError("both --vary and --sizes: they are two tables, so give one at a time")
    logs = []
    puzzles = grokking.VARIED if options.vary else grokking.FAMILY if options.sizes else (grokking.Puzzle(),)
    for puzzle in puzzles:
        for seed in range(options.seeds):
            log = grokking.run(puzzle, seed)
            print(f"{puzzle}: {grokking.moments(log).row(0, named=True)}", flush=True)
            if options.vary:
                log = log.filter((pl.col("step") % 50 == 0) & (pl.col("half") == "test"))
                log = log.with_columns(share=pl.lit(puzzle.share), weight_decay=pl.lit(puzzle.weight_decay))
            elif options.sizes:
                log = log.filter(pl.col("step") % 250 == 0).with_columns(n_params=pl.lit(puzzle.n_params))
            logs.append(log.with_columns(pl.col("accuracy", "loss", "right_probability").round_sig_figs(5)))
    suffix = "varied" if options.vary else "sizes" if options.sizes else ""
    flag = {"varied": " --vary", "sizes": " --sizes", "": ""}[suffix]
    command = f"mirage vision grok --seeds {options.seeds}{flag}"
    stamp = stamps.stamp(command, range(options.seeds), "CC BY 4.0", packages=("numpy", "polars", "torch"))
    versions = ", ".join(f"{name} {number}" for name, number in stamp["versions"].items())
    note = (
        f"Modular addition over training steps, written by '{command}'; revision {stamp['revision']}; {versions}; "
        f"{stamp['device']}; seeds {stamp['seeds']}; {stamp['date']}; {stamp['origin']}, {stamp['licence']}."
    )
    name = "-".join(filter(None, ("vision-grokking", suffix)))
    path = outputs.save_table(pl.concat(logs), name, "training log", note, options.into or outputs.FROZEN)
    print(f"Frozen: {path}, {path.stat().st_size / 1e3:.0f} kB, SHA-256 {outputs.sha256(path)}")
