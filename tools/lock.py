"""Write the locked requirements from pyproject.toml: `make lock`, or `make lock UPGRADE=1`.

One resolution of everything comes first; each file is then resolved on its own with those versions
as its preference, so that any of them can be installed beside any other. Without `--upgrade`
versions stay as they are where pyproject.toml still allows them.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "requirements"
EXTRAS = {
    "book.txt": ("book", "claims", "query", "fetch", "audit"),
    "train.txt": ("train",),
    "test.txt": ("test", "publish", "cluster"),
}
BOOTSTRAP = ("editables", "hatchling", "setuptools", "uv")
SAYS = {
    "book.txt": "What building the book needs, all but training: the library and its extras book,\n# query, fetch and audit.",
    "train.txt": "What training needs: the library and its extra train. On Linux torch is the CUDA build.",
    "test.txt": "What the tests, and making notebooks, course and PDF, need beside the others: the library and its\n# extras test, publish and cluster.",
    "bootstrap.txt": "What pip installs first: uv, which installs the rest, and what builds from source:\n"
    "# setuptools for rouge-score, hatchling and editables for this project.",
}


def main() -> None:
    """Resolve everything once, then write each lock."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--upgrade", action="store_true", help="take the newest versions")
    upgrade = parser.parse_args().upgrade
    with tempfile.TemporaryDirectory() as scratch:
        everything = Path(scratch) / "all.txt"
        if not upgrade:
            old = [FOLDER / name for name in SAYS]
            everything.write_text("".join(path.read_text() for path in old if path.exists()))
        flags = ["--upgrade"] if upgrade else []
        wish = "\n".join(BOOTSTRAP)
        resolve(everything, ["pyproject.toml", "-", "--all-extras", *flags], wish)
        for name, extras in EXTRAS.items():
            chosen = [flag for extra in extras for flag in ("--extra", extra)]
            write(name, everything, ["pyproject.toml", *chosen])
        write("bootstrap.txt", everything, ["-"], wish)


def write(name: str, everything: Path, sources: list[str], wish: str = "") -> None:
    """Write one lock with the versions of the resolution of everything."""
    part = everything.parent / name
    shutil.copy(everything, part)
    resolve(part, sources, wish)
    header = f"# {SAYS[name]}\n# Made by `make lock` from pyproject.toml; not edited by hand.\n"
    (FOLDER / name).write_text(header + part.read_text())
    print(f"requirements/{name}")


def resolve(target: Path, sources: list[str], wish: str = "") -> None:
    """Let uv resolve for every system and Python 3.11 up, one version for all where there is one."""
    command = [
        *(Path(sys.executable).with_name("uv"), "pip", "compile", "--quiet", "--no-header"),
        *("--universal", "--python-version", "3.11", "--fork-strategy", "fewest"),
        *("--generate-hashes", "--no-emit-index-url", "--output-file", target, *sources),
    ]
    done = subprocess.run(command, cwd=ROOT, input=wish, text=True, stdout=subprocess.DEVNULL)
    if done.returncode:
        sys.exit("uv could not resolve the requirements, for the reason it gives above.")


if __name__ == "__main__":
    main()
