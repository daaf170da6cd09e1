"""Build the book: execute the chapters that have to be, write the pages, fail on any warning.

    .venv/bin/python tools/build.py                      this book, to _build/html
    .venv/bin/python tools/build.py --source DIR --output DIR   another one, to DIR/_build/html

Only executed cells are kept from one build to the next. A chapter is executed again when its own
code changes, and all are when the library, the frozen outputs or the locked packages do. Pages are
always written anew, since Sphinx would repeat neither the warnings of a page that it takes from its
cache nor notice that another page's target went away. Nothing at all changed: nothing is done.
Of two builds of one folder the second waits for the first; so does one that comes after a build that was
killed, until what that had started has ended.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from mirage_lib import runs
from tools import translate

ROOT = Path(__file__).resolve().parent.parent
RESULTS_DEPEND_ON = ("mirage_lib/**/*", "requirements/*.txt")
PAGES_DEPEND_ON = ("book/**/*", "*.md", "_config.yml", "_toc.yml", "teaching/slides/*", "tools/slides.py", "locale/**/*", "notebooks/**/*")
COMPLAINT = re.compile(
    r"^(?:(?P<page>\S.*?\.(?:md|ipynb|rst|py))(?::[^ ]*)? )?(?:WARNING|ERROR|CRITICAL): (?P<text>.*)"
)
EXECUTION = re.compile(
    r"^(?P<page>\S.*?\.(?:md|ipynb)): (?P<text>Executing notebook|Executed notebook in [\d.]+ seconds)"
)
ERROR = re.compile(r"[A-Z]\w*(?:Error|Exception): ")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
LONGEST_WAIT = 3600
"""Seconds that a build waits for another one of the same folder."""
HELD: list[int] = []
"""The handle of this build's lock; children inherit it, so the lock is held as long as any of them writes."""
JUPYTER_BOOK = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"


def main(arguments: list[str]) -> int:
    """Build the book where anything changed; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, default=ROOT, help="folder with _config.yml and _toc.yml")
    parser.add_argument("--output", type=Path, help="folder that gets _build; the source by default")
    options = parser.parse_args(arguments)
    source = options.source.resolve()
    build = (options.output or source).resolve() / "_build"
    with runs.hold(build, wait=LONGEST_WAIT, told=lambda text: print(text, flush=True)) as lock:
        HELD[:] = [lock] if os.name == "posix" else []
        return build_once(source, build)


def build_once(source: Path, build: Path) -> int:
    """Build the book in a folder that no other build writes; return the exit status."""
    page = build / "html" / "index.html"
    state = build / ".digest"

    results = digest(ROOT, RESULTS_DEPEND_ON) + sys.version
    everything = digest(source, PAGES_DEPEND_ON) + digest(ROOT, ["tools/build.py", "tools/translate.py"]) + results
    last = read(state)
    if last.get("everything") == everything and page.exists():
        print(f"Nothing changed since the last build. Open {shown(page)}, or say `make serve`.")
        return 0
    cache = build / ".jupyter_cache"
    if cache.exists() and last.get("results") != results:
        print("The library, the frozen outputs or the packages changed: every chapter is executed again.")
        shutil.rmtree(cache)
    if last.get("results") != results:
        shutil.rmtree(build / ".verdicts", ignore_errors=True)
    (build / ".verdicts").mkdir(parents=True, exist_ok=True)
    for folder in ("html", ".doctrees", "jupyter_execute"):
        shutil.rmtree(build / folder, ignore_errors=True)
    build.mkdir(parents=True, exist_ok=True)
    # A failed build keeps what it executed well, but is never taken for a finished one.
    state.write_text(json.dumps({"results": results}))

    start = time.monotonic()
    if "\nparts:" in (source / "_toc.yml").read_text():
        fill = [sys.executable, ROOT / "tools" / "execute.py", source, cache]
        # Kernels talk on stderr; where filling fails as a whole, the build runs the chapters itself.
        with (build / "execute.log").open("w") as log:
            subprocess.run(fill, env=environment(build), stderr=log, pass_fds=HELD)
    status, lines = run(source, build)
    where = build
    for language in translate.languages(source):
        if status == 0:
            where = build / language.replace("_", "-").lower() / "_build"
            status, lines = add_language(source, build, language, where)
    if status:
        print("\n".join(["", *failures(lines, source, where)]), file=sys.stderr)
        return 1
    state.write_text(json.dumps({"results": results, "everything": everything}))
    seconds = time.monotonic() - start
    print(f"\nThe book was built in {seconds:.0f} s. Open {shown(page)}, or say `make serve`.")
    return 0


def digest(root: Path, patterns: Iterable[str]) -> str:
    """SHA-256 of the names and bytes of the files below a folder that fit one of the patterns.

    Byte code, hidden files, half-written files and what builds make do not count.
    """
    total = hashlib.sha256()
    for path in sorted({path for pattern in patterns for path in root.glob(pattern)}):
        name = path.relative_to(root)
        ignored = any(part.startswith(".") or part in ("__pycache__", "_build") for part in name.parts)
        if ignored or path.suffix in (".pyc", ".part", ".mo") or not path.is_file():
            continue
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{name.as_posix()} {content}\n".encode())
    return total.hexdigest()


def read(state: Path) -> dict[str, str]:
    """The digests of the last build; empty where there was none."""
    try:
        return json.loads(state.read_text())
    except (OSError, ValueError):
        return {}


def add_language(source: Path, build: Path, language: str, room: Path) -> tuple[int, list[str]]:
    """Build the pages of a second language beside the English ones; return what `run` does.

    It starts from what the English run read and executed, so only the translated pages are read again, and
    no cell is executed twice. `book/_ext/languages.py` has the other half.
    """
    shutil.rmtree(room, ignore_errors=True)
    shutil.copytree(build / ".doctrees", room / ".doctrees")
    options = translate.configure(source, language, room.parent, {"cache": str(build / ".jupyter_cache")})
    status, lines = run(source, room, options)
    if status == 0:
        shutil.move(room / "html", build / "html" / room.parent.name)
    return status, lines


def run(source: Path, build: Path, options: Iterable[str | Path] = ()) -> tuple[int, list[str]]:
    """Run Jupyter Book, warnings fatal; return its status and all that it printed.

    Only executions and complaints are passed on; `_build/build.log` holds every line.
    """
    options = options or ["--path-output", build.parent]
    command = [sys.executable, "-c", JUPYTER_BOOK, "build", source, *options]
    lines = []
    with (
        (build / "build.log").open("w", encoding="utf-8") as log,
        subprocess.Popen(
            [*command, "-W", "-n", "--keep-going"],
            env=environment(build),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            pass_fds=HELD,
        ) as process,
    ):
        for line in process.stdout:
            lines.append(COLOUR.sub("", line.rstrip()))
            print(lines[-1], file=log, flush=True)
            if hit := EXECUTION.match(lines[-1]) or COMPLAINT.match(lines[-1]):
                print(f"{within(hit['page'], source)}: {hit['text']}", flush=True)
    return process.returncode, lines


def environment(build: Path) -> dict[str, str]:
    """What the kernels of a build see."""
    # The kernel has to be this environment's, whatever the user has installed elsewhere.
    return os.environ | {
        "JUPYTER_PREFER_ENV_PATH": "1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTHONUNBUFFERED": "1",
        # The ledger is judged once a build, not once a page.
        "MIRAGE_VERDICTS": str(build / ".verdicts"),
    }


def failures(lines: list[str], source: Path, build: Path) -> list[str]:
    """What went wrong, page by page, as the last lines that a reader sees.

    Parameters
    ----------
    lines : what Jupyter Book printed
    source, build : where the book and its `_build` lie

    Returns
    -------
    Lines: each page with its warnings and the report of its failed cell, then where the log is.
    """
    found: dict[str, list[str]] = {}
    for hit in filter(None, map(COMPLAINT.match, lines)):
        found.setdefault(within(hit["page"], source), []).append(hit["text"])
    out = ["The build failed: a warning or a failed cell anywhere stops it."]
    if not found:
        out += [f"  {line}" for line in lines[-20:] if line]
    for page, texts in found.items():
        out += [f"  {page}", *(f"    {text}" for text in dict.fromkeys(texts) if "saved in" not in text)]
        report = build / "html" / "reports" / Path(page).with_suffix(".err.log")
        if report.exists():
            said = COLOUR.sub("", report.read_text()).split("\n")
            out += [f"    {line}" for line in said if line.strip()][-1:]
            out.append(f"    report: {shown(report)}")
        elif any("CellExecutionError" in text for text in texts):
            # Where Sphinx is told to stop at once there is no report, but the log has the reason.
            out += [f"    {line}" for line in lines if ERROR.match(line)][:1]
    return [*out, f"All that Jupyter Book said: {shown(build / 'build.log')}"]


def within(page: str | None, source: Path) -> str:
    """A page's path inside the book.

    >>> within("/there/book/idea/model.md", Path("/there"))
    'book/idea/model.md'
    """
    if page is None:
        return "the book as a whole"
    return os.path.relpath(page, source) if os.path.isabs(page) else page


def shown(path: Path) -> str:
    """A path as seen from here where it lies below, else in full."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Interrupted: what was executed so far is kept.")
    except (runs.Busy, OSError) as error:
        sys.exit(f"The book cannot be built: {error}")
