"""Install the wheel alone, use it, and say what each part of it weighs: `make smallest`.

    .venv/bin/python -m tools.smallest     writes the table of requirements/README.md

The wheel of this tree goes into an empty environment outside the checkout: first alone, which is what scoring
saved outputs takes, then with the extras `claims` and `audit`. After each step the commands that it is for are run.
Sizes are bytes of files, byte code included, on this system; the limit is that of scoring alone.
"""

import os
import re
import subprocess
import sys
import tempfile
from importlib.metadata import Distribution, distributions
from pathlib import Path

from tools import install
from tools.rehearse import uv

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "requirements" / "README.md"
LIMIT = 300e6
SHOWN = 2e6
"""Parts below this share a row."""
STEPS = (
    ("", ("score arithmetic-ladder --csv curve.csv", "score table.parquet --metric token_edit_distance", "doctor")),
    ("claims", ("claims", "score arithmetic-ladder-tokens --metric bleu --csv curve.csv")),
    ("audit", ("audit --demo --out audit.html",)),
)
"""What is installed after the wheel, and the commands that have to work then."""
MARKS = "<!-- made by `make smallest` -->", "<!-- end -->"


def main() -> None:
    """Install step by step, run the commands, write the table."""
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        uv("build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", place, ROOT)
        wheel = next(place.glob("*.whl"))
        uv("venv", "--quiet", "--python", sys.executable, place / "env")
        python = place / "env" / install.BIN.name / "python"
        sizes, totals = {}, {}
        for extra, commands in STEPS:
            wanted = f"mirage-lib[{extra}] @ {wheel.as_uri()}" if extra else wheel
            uv("pip", "install", "--quiet", "--compile-bytecode", "--python", python, wanted)
            packages = next((place / "env").glob("**/site-packages"))
            parts = weigh(packages)
            sizes = sizes or parts
            totals[extra] = sum(parts.values())
            if not extra:
                save_a_table(python, place)
            for command in commands:
                try_out(python, command, place)
    print(f"Scoring alone: {totals[''] / 1e6:.0f} MB, limit {LIMIT / 1e6:.0f} MB.")
    write(table(sizes, totals))
    if totals[""] > LIMIT:
        sys.exit("What scoring needs has grown past its limit: see which part can go into an extra.")


def weigh(packages: Path) -> dict[str, float]:
    """Bytes of each installed package with its byte code, the heaviest first.

    Parameters
    ----------
    packages : a `site-packages` folder
    """
    found = {one.metadata["Name"]: bytes_of(one) for one in distributions(path=[str(packages)])}
    return dict(sorted(found.items(), key=lambda part: -part[1]))


def bytes_of(package: Distribution) -> float:
    """Bytes of the files of one package, and of the byte code beside them."""
    listed = {Path(str(package.locate_file(file))) for file in package.files or ()}
    compiled = {code for path in listed if path.suffix == ".py" for code in path.parent.glob(f"__pycache__/{path.stem}.*.pyc")}
    return float(sum(path.stat().st_size for path in listed | compiled if path.exists()))


def save_a_table(python: Path, folder: Path) -> None:
    """Write outputs as a user of the library has them: a Parquet file of their own."""
    code = "from mirage_lib import outputs; outputs.load('arithmetic-ladder').head(5000).write_parquet('table.parquet')"
    subprocess.run([python, "-c", code], cwd=folder, env=bare(), check=True)


def try_out(python: Path, command: str, folder: Path) -> None:
    """Run `mirage` outside the checkout; end with its words if it fails."""
    done = subprocess.run([python.with_name("mirage"), *command.split()], cwd=folder, env=bare(), capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"`mirage {command}` failed in the small environment:\n{done.stdout[-1000:]}{done.stderr[-3000:]}")
    print(f"mirage {command}: works")


def bare() -> dict[str, str]:
    """This environment without what would let the checkout be found."""
    return {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}


def table(sizes: dict[str, float], totals: dict[str, float]) -> str:
    """The shares of the small install, and what the extras add, in Markdown.

    >>> print(table({"a": 8e6, "b": 1e6}, {"": 9e6, "x": 12e6}))
    | part | MB | share |
    | --- | ---: | ---: |
    | a | 8.0 | 89 % |
    | 1 more | 1.0 | 11 % |
    | **all: scoring saved outputs** | **9.0** | 100 % |
    | with the extra `x` too | 12.0 | |
    """
    total = totals[""]
    big = {name: size for name, size in sizes.items() if size >= SHOWN}
    rest = total - sum(big.values())
    lines = ["| part | MB | share |", "| --- | ---: | ---: |"]
    lines += [f"| {name} | {size / 1e6:.1f} | {size / total:.0%} |".replace("%", " %") for name, size in big.items()]
    lines.append(f"| {len(sizes) - len(big)} more | {rest / 1e6:.1f} | {rest / total:.0%} |".replace("%", " %"))
    lines.append(f"| **all: scoring saved outputs** | **{total / 1e6:.1f}** | 100 % |")
    lines += [f"| with the extra `{extra}` too | {size / 1e6:.1f} | |" for extra, size in totals.items() if extra]
    return "\n".join(lines)


def write(text: str) -> None:
    """Put the table between its marks in requirements/README.md."""
    page = PAGE.read_text()
    start, end = map(re.escape, MARKS)
    version = "%d.%d" % sys.version_info[:2]
    said = f"{MARKS[0]}\n{text}\n\nPython {version} on {sys.platform}, newest packages, byte code included.\n{MARKS[1]}"
    new, count = re.subn(f"{start}.*?{end}", lambda _: said, page, flags=re.DOTALL)
    if count != 1:
        sys.exit(f"{PAGE.name} has to hold the marks {MARKS[0]} and {MARKS[1]} once: they say where the table goes.")
    PAGE.write_text(new)


if __name__ == "__main__":
    main()
