"""Try the library where its users may have it: every Python it supports, its oldest packages, the newest ones.

    .venv/bin/python -m tools.rehearse                      all that can be tried here
    .venv/bin/python -m tools.rehearse --only 3.13 oldest   some; the other rows stay

`3.11`, `3.12`, `3.13`: the locks, all but training (torch's 3 GB), on that Python. `oldest`: the oldest
packages that pyproject.toml allows for scoring, claims and audits, on the oldest Python. `newest`: what `make
lock UPGRADE=1` would lock today, on the newest Python. In each, the core tests run, and in those with the book's
packages one chapter as a notebook. The result is `requirements/REHEARSED.md`. Pythons are looked for, never
downloaded; environments are made in a temporary folder and go with it.
"""

import argparse
import datetime
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet

from tools import install

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "requirements" / "REHEARSED.md"
CORE = ("tests/test_metrics.py", "tests/test_curves.py", "tests/test_outputs.py", "tests/test_theory.py", "tests/test_audit.py")
CHAPTER = "notebooks/idea/resolution.ipynb"
OLDEST = "audit"
"""The extra whose oldest packages are tried; it holds those of the claims."""
TEST_TOOLS = ("pytest", "hypothesis", "scikit-learn")
COPIED = ("mirage_lib", "tools", "tests", "book/_ext", "notebooks/idea", "requirements", "pyproject.toml", "README.md", "LICENSE", "LICENSE-prose")
HEADER = """# Rehearsed

What `.venv/bin/python -m tools.rehearse` tried and saw; not edited by hand. A row stays until it is tried again.
The core tests are those of metrics, curves, outputs, theory and audit; the chapter is `{chapter}`.

| what | Python | date | core tests | chapter | packages |
| --- | --- | --- | --- | --- | --- |
"""


@dataclass
class Trial:
    """One set of packages on one Python, and what came of it."""

    name: str
    python: str
    tests: str
    chapter: str
    packages: str
    well: bool

    def row(self) -> str:
        """The trial as a row of the table."""
        date = datetime.date.today().isoformat()
        return f"| {self.name} | {self.python} | {date} | {self.tests} | {self.chapter} | {self.packages} |"


def main(arguments: list[str] | None = None) -> int:
    """Try what was asked for, enter it into the table; return 1 where something failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", metavar="WHAT", help="Pythons such as 3.12, oldest, newest")
    wanted = parser.parse_args(arguments).only or [*supported(), "oldest", "newest"]
    if strange := set(wanted) - {*supported(), "oldest", "newest"}:
        parser.error(f"cannot try {', '.join(sorted(strange))}: there are {', '.join(supported())}, oldest and newest")
    rows = read_rows()
    failed = []
    for name in wanted:
        trial = rehearse(name)
        print(trial.row(), flush=True)
        failed += [] if trial.well else [name]
        rows[name] = trial.row()
        TABLE.write_text(HEADER.format(chapter=CHAPTER) + "".join(f"{rows[key]}\n" for key in sorted(rows)))
    if failed:
        print(f"Did not go well: {', '.join(failed)}.", file=sys.stderr)
    return bool(failed)


def supported() -> list[str]:
    """The Pythons that pyproject.toml allows, oldest first.

    >>> supported()[0]
    '3.11'
    """
    allowed = SpecifierSet(tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"])
    return [f"3.{minor}" for minor in range(8, 30) if allowed.contains(f"3.{minor}")]


def read_rows() -> dict[str, str]:
    """The rows of the last rehearsals, by what was tried."""
    text = TABLE.read_text() if TABLE.exists() else ""
    return {found[1]: found[0] for found in re.finditer(r"^\| (3\.\d+|oldest|newest) \|.*$", text, re.MULTILINE)}


def rehearse(name: str) -> Trial:
    """Make the environment of one trial, run the core tests and the chapter in it."""
    version = {"oldest": supported()[0], "newest": supported()[-1]}.get(name, name)
    python = find(version)
    if python is None:
        return Trial(name, version, f"not tried: no Python {version} here", "–", "–", False)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        tree = copy(place / "tree")
        here = place / "env" / install.BIN.name / "python"
        print(f"{name}: Python {version}", flush=True)
        try:
            uv("venv", "--quiet", "--python", python, place / "env")
            packages = fill(name, tree, here)
        except subprocess.CalledProcessError as error:
            said = error.stderr.strip().splitlines() or ["uv says no more"]
            return Trial(name, exact(python), f"could not be installed: {said[-1]}", "–", "–", False)
        chosen = ["-k", "not passes_axe"] if name == "oldest" else []
        command = [here, "-m", "pytest", "-q", "-p", "no:cacheprovider", *CORE, *chosen]
        tested = subprocess.run(command, cwd=tree, capture_output=True, text=True)
        if tested.returncode:
            print(tested.stdout[-3000:] + tested.stderr[-1000:])
        told = tested.stdout.strip().splitlines() or ["no word from pytest"]
        chapter, good = ("not tried: needs the book's packages", True) if name == "oldest" else run_chapter(here, tree)
        said = re.sub(r" in [\d.]+s.*", "", told[-1].strip("= "))
        return Trial(name, exact(here), said, chapter, packages, tested.returncode == 0 and good)


def fill(name: str, tree: Path, python: Path) -> str:
    """Install the packages of one trial; return them in a few words."""
    if name == "oldest":
        bound = tree / "bound.txt"
        uv("pip", "install", "--quiet", "--python", python, "--resolution", "lowest-direct", f"{tree}[{OLDEST}]")
        frozen = uv("pip", "freeze", "--python", python)
        bound.write_text("".join(f"{line}\n" for line in frozen.splitlines() if "==" in line))
        uv("pip", "install", "--quiet", "--python", python, "--constraint", bound, *TEST_TOOLS)
        return "oldest allowed: " + ", ".join(line for line in frozen.splitlines() if line.partition("==")[0] in direct())
    before = pins(tree)
    if name == "newest":
        subprocess.run([sys.executable, tree / "tools" / "lock.py", "--upgrade"], cwd=tree, check=True, capture_output=True, text=True)
    locks = [tree / "requirements" / lock for lock in ("bootstrap.txt", "book.txt", "test.txt")]
    uv("pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", locks[0])
    listed = [argument for lock in locks[1:] for argument in ("-r", lock)]
    uv("pip", "install", "--quiet", "--python", python, "--require-hashes", "--no-build-isolation", *listed)
    uv("pip", "install", "--quiet", "--python", python, "--no-deps", "--no-build-isolation", "-e", tree)
    if name != "newest":
        return "as locked, without training"
    new = [f"{name} {version}" for name, version in pins(tree).items() if before.get(name) != version]
    return f"newest allowed; other than locked: {', '.join(new) or 'none'}"


def run_chapter(python: Path, tree: Path) -> tuple[str, bool]:
    """Run the chapter's notebook with the environment's own kernel."""
    command = [python.with_name("jupyter-execute"), "--kernel_name=python3", tree / CHAPTER]
    done = subprocess.run(command, cwd=tree, env=install.environment() | {"JUPYTER_PREFER_ENV_PATH": "1"}, capture_output=True, text=True)
    if done.returncode:
        print(done.stderr[-2000:])
        return f"failed: {(done.stderr.strip().splitlines() or ['no word'])[-1][:100]}", False
    return "ran", True


def find(version: str) -> Path | None:
    """A Python of this version that is here, on the path or where pyenv and uv keep theirs."""
    places = [Path(sys.executable)] if f"{sys.version_info[0]}.{sys.version_info[1]}" == version else []
    keepers = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}*/bin/python"), reverse=True)
    found = subprocess.run([uv_program(), "python", "find", "--no-project", version], env=install.environment(), capture_output=True, text=True)
    places += keepers + ([Path(found.stdout.strip())] if found.returncode == 0 else [])
    return next((place for place in places if exact(place).startswith(f"{version}.")), None)


def exact(python: Path) -> str:
    """The full version of a Python; empty where it does not run."""
    try:
        done = subprocess.run([python, "-c", "import platform; print(platform.python_version())"], capture_output=True, text=True)
    except OSError:
        return ""
    return done.stdout.strip()


def uv_program() -> Path:
    """The uv beside this Python."""
    return Path(sys.executable).with_name("uv.exe" if platform.system() == "Windows" else "uv")


def uv(*arguments: object) -> str:
    """Call uv, return what it printed; a failure carries its words."""
    command = [uv_program(), *map(str, arguments)]
    return subprocess.run(command, env=install.environment(), check=True, capture_output=True, text=True).stdout


def copy(tree: Path) -> Path:
    """Copy what the core tests and the chapter need, so that nothing here is written to."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, tree / name)
    return tree


def pins(tree: Path) -> dict[str, str]:
    """All locked packages of a tree and their versions."""
    locks = sorted((tree / "requirements").glob("*.txt"))
    return {name: version for lock in locks for name, version, _ in install.blocks(lock.read_text())}


def direct() -> Iterable[str]:
    """The packages that the library itself and its extra for audits name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    texts = [*project["dependencies"], *project["optional-dependencies"][OLDEST]]
    return [re.match(r"[\w.-]+", text)[0] for text in texts]


if __name__ == "__main__":
    sys.exit(main())
