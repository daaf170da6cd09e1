"""Commands: every long one as small as it can be, what it needs before, and what it leaves at its end."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from mirage_lib import cli, originals, outputs
from mirage_lib.audit import logs
from mirage_lib.bigbench import reading

COMMIT = "c0ffee" + "0" * 34
ORIGINAL = b"model,score\none,0.5\n" * 2000


@dataclass(frozen=True)
class Case:
    """A command.

    Attributes
    ----------
    make : from a folder of things that are ready and the folder to write in, to what ``work`` gets
    end : from the folder written in, to what has to be the same however the command came to its end
    work : what is done
    """

    make: Callable[[Path, Path], list]
    end: Callable[[Path], object]
    work: Callable[..., int | None]


def command(*words: str) -> int:
    """One command line."""
    return cli.main(list(words))


def left_over(folder: Path) -> list[str]:
    """Files that no finished run may leave."""
    return sorted(path.name for path in folder.rglob("*") if path.name.endswith(".part") or path.name == "lock")


def train_ladder(ready: Path, room: Path) -> list:
    return ["arithmetic", "train", "--widths", "4", "--seeds", "1", "--steps", "3", "--device", "cpu", "--jobs", "1", "--out", f"{room}/runs"]


def ladder_end(room: Path) -> object:
    (rung,) = (room / "runs").iterdir()
    return (rung / "model.safetensors").read_bytes(), (rung / "settings.json").read_bytes()


def freeze_ladder(ready: Path, room: Path) -> list:
    if not (room / "runs").exists():
        shutil.copytree(ready / "ladder", room / "runs")
    return ["arithmetic", "freeze", "--runs", f"{room}/runs", "--cells", "addition:2:3", "--name", "mine", "--jobs", "1", "--into", f"{room}/frozen"]


def frozen_end(room: Path) -> object:
    names = sorted(outputs.manifest(room / "frozen"))
    assert sorted(path.name for path in (room / "frozen").iterdir()) == sorted([*names, "manifest.json"]) and not outputs.faults(room / "frozen")
    return [outputs.load(Path(name).stem, room / "frozen").rows() if name.endswith(".parquet") else outputs.load_table(Path(name).stem, room / "frozen").rows() for name in names]


def train_digits(folder: str) -> None:
    from mirage_lib.vision import families, training

    training.CHECKPOINT_EVERY = 2
    families.train("digits", folder, families.members((2,), (0,)), training.Recipe(5, 8, "sgd", 0.05), device="cpu", jobs=1)


def digits(folder: str) -> int:
    return cli.finished(lambda: train_digits(folder))


def digits_end(room: Path) -> object:
    (member,) = (room / "runs").iterdir()
    assert sorted(path.name for path in member.iterdir()) == ["model.safetensors", "settings.json"]
    return (member / "model.safetensors").read_bytes()


def fetch(url: str, frozen: str, into: str) -> int:
    table = outputs.load_table("public-sources", frozen)
    originals.outputs.load_table = lambda *_: table
    return cli.finished(lambda: originals.fetch(into=into, base_url=url))


def fetched(room: Path) -> object:
    found = {path.name: path.read_bytes() for path in (room / "cache").rglob("*") if path.is_file()}
    assert found == {"a.csv": ORIGINAL}
    return found


def audit_end(room: Path) -> object:
    page = (room / "audit.html").read_text()
    return json.loads((room / "audit.json").read_text())["findings"], page.count("<tr>"), page.endswith("</html>\n")


CASES = {
    "arithmetic train": Case(train_ladder, ladder_end, command),
    "arithmetic freeze": Case(freeze_ladder, frozen_end, command),
    "vision train": Case(lambda ready, room: [f"{room}/runs"], digits_end, digits),
    "vision freeze": Case(
        lambda ready, room: ["vision", "freeze", "digits", "--runs", f"{ready}/digits", "--name", "d", "--into", f"{room}/frozen"], frozen_end, command
    ),
    "parity": Case(lambda ready, room: ["parity", "--widths", "4", "--seeds", "1", "--steps", "20", "--into", f"{room}/frozen"], frozen_end, command),
    "bigbench read": Case(
        lambda ready, room: ["bigbench", "read", f"{ready}/records/results.json", "--out", f"{room}/read.parquet"],
        lambda room: reading.load(room / "read.parquet").rows(), command,
    ),
    "bigbench fetch": Case(lambda ready, room: [(ready / "url").read_text(), f"{ready}/listed", f"{room}/cache"], fetched, fetch),
    "audit": Case(
        lambda ready, room: ["audit", str(logs.SAMPLES / "harness"), "--size", "width4=1376", "width12=8736", "--draws", "20", "--out", f"{room}/audit.html"],
        audit_end, command,
    ),
}  # fmt: skip
"""By the name of the command, without ``mirage``."""


def prepare(ready: Path, served: Path) -> None:
    """Make what commands need before: trained runs, a file of records, an original that is served and listed."""
    assert command(*train_ladder(ready, ready)) == 0
    (ready / "runs").rename(ready / "ladder")
    assert digits(str(ready / "digits")) == 0
    (ready / "records").mkdir()
    found = {f"task{k}": {"acc": 0.5 + k / 1000, "acc_stderr": 0.01} for k in range(400)}
    (ready / "records" / "results.json").write_text(json.dumps({"results": found, "config": {"model_args": "pretrained=o/m-1b"}}))
    place = served / "someone/scores" / COMMIT / "results/a.csv"
    place.parent.mkdir(parents=True)
    place.write_bytes(ORIGINAL)
    row = ("a", "someone/scores", COMMIT, "results/a.csv", len(ORIGINAL), outputs.sha256(place), None, "MIT")
    names = "tables repository commit path bytes sha256 git_blob licence".split()
    listed = pl.DataFrame([row], schema=names, orient="row", schema_overrides={"git_blob": pl.String})
    outputs.save_table(listed, "public-sources", "list", "test", ready / "listed")
