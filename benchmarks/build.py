"""How long does building the book take, cold and warm, beside plain Jupyter Book?

The same chapters, settings and extensions twice: by `tools/build.py`, which executes two chapters at a time and
keeps executed cells, and by `jupyter-book build`, told to execute (`execute_notebooks: force`) and left to Sphinx's own
memory of pages. Cold: nothing is there. Nothing changed: the same again. One sentence changed: in the text of one
chapter. Ours writes every page anew each time and fails on any warning, plain Jupyter Book does neither.

A few chapters stand for the book, with the glossary and the bibliography that they refer to; links from them to
chapters that are left out are not warned of. `--chapters` takes others.

    python -m benchmarks.build
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import results  # noqa: E402
from benchmarks.results import Row  # noqa: E402
from tools import build  # noqa: E402

CHAPTERS = ["book/idea/a-model-of-it", "book/idea/resolution", "book/vision/convolutional-network"]
REFERRED = ["book/appendix/glossary", "book/appendix/bibliography"]
LEFT_OUT = ["myst.xref_missing", "ref.doc", "ref.ref", "ref.numref"]
SENTENCE = "\n\nThis sentence was not here before.\n"


def sources(folder: Path, chapters: list[str], execute: str) -> Path:
    """Copy the book's sources, with a table of contents of these chapters only."""
    shutil.copytree(ROOT / "book", folder / "book")
    settings = yaml.safe_load((ROOT / "_config.yml").read_text())
    settings["execute"]["execute_notebooks"] = execute
    settings["sphinx"]["config"]["suppress_warnings"] = LEFT_OUT
    (folder / "_config.yml").write_text(yaml.safe_dump(settings, allow_unicode=True))
    first, *others = chapters
    part = {"caption": "Some", "chapters": [{"file": name} for name in [*others, *REFERRED]]}
    # `tools/execute.py` is for books of parts, as this one is.
    text = yaml.safe_dump({"format": "jb-book", "root": first, "parts": [part]}, sort_keys=False)
    (folder / "_toc.yml").write_text(text)
    return folder


def taken(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Processor and wall seconds of a build, its kernels included."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit("\n".join([f"{' '.join(command[:4])} … failed:", *(done.stdout + done.stderr).splitlines()[-30:]]))
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall


def main() -> int:
    """Measure, print, and return 1 where a budget is missed."""
    parser = results.parser(__doc__)
    parser.add_argument("--chapters", nargs="+", default=CHAPTERS, help="the first becomes the root")
    given = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        here = Path(scratch)
        ours, plain = (sources(here / name, given.chapters, how) for name, how in (("ours", "cache"), ("plain", "force")))
        commands = {
            ours: [sys.executable, "-m", "tools.build", "--source", str(ours), "--output", str(here / "ours-built")],
            plain: [sys.executable, "-c", build.JUPYTER_BOOK, "build", str(plain), "--path-output", str(here / "plain-built")],
        }
        (here / "_build").mkdir()
        environment = build.environment(here / "_build") | results.environment()
        chapters = ", ".join(name.rsplit("/", 1)[1] for name in given.chapters)
        for what in ("cold", "nothing changed", "one sentence changed"):
            if what == "one sentence changed":
                for source in commands:
                    page = source / f"{given.chapters[0]}.md"
                    page.write_text(page.read_text() + SENTENCE)
            (cpu, wall), (other_cpu, other_wall) = (taken(command, environment) for command in commands.values())
            note = f"wall {wall:.0f} s against {other_wall:.0f} s" + (f"; {chapters}" if what == "cold" else "")
            rows.append(Row(f"build of {len(given.chapters)} chapters, {what}", cpu, other="plain `jupyter-book build`", theirs=other_cpu, note=note))
            print(rows[-1].what, note, flush=True)
    return results.finish("build", rows, packages=("jupyter-book", "sphinx"), write=given.write)


if __name__ == "__main__":
    sys.exit(main())
