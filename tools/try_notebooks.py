"""Run every notebook from top to bottom in clean environments, and write what it took: `make try-notebooks`.

    .venv/bin/python -m tools.try_notebooks                             all, in both; writes benchmarks/notebooks.md
    .venv/bin/python -m tools.try_notebooks --only binder intro idea/resolution    some, in one; prints the table

`binder` holds what `environment.yml` names and nothing else, taken from PyPI, since it is the names and
bounds that are tried here and not conda's solver. `colab` holds what Colab usually has before a notebook
installs anything (our list: `COLAB`), and then what the first cell's line adds. In both, the library is the
wheel of this checkout. Environments lie in `runs/try-notebooks/` and are made anew with `--fresh`.
"""

import argparse
import datetime
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import nbformat
import psutil
import yaml
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from tools import install, notebooks

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "runs" / "try-notebooks"
TABLE = ROOT / "benchmarks" / "notebooks.md"
SECONDS = 40
"""Of one notebook; more is told."""
MEGABYTES = {"binder": 1500, "colab": 4000}
"""Of one notebook; more fails. Binder gives about 2 GB, Colab 12 (from memory of its pages), where a CUDA build of PyTorch alone takes 0.7."""
CELL_SECONDS = 600
FROM_PYPI = {"pytorch-cpu": "torch", "matplotlib-base": "matplotlib"}
"""Conda's names that PyPI does not have."""
COLAB = (
    *("ipykernel", "ipython", "ipywidgets", "joblib", "matplotlib", "numpy", "openai", "pandas", "pillow", "pip", "pyarrow"),
    *("requests", "scikit-learn", "scipy", "seaborn", "sympy", "torch", "torchvision", "tqdm", "transformers"),
)
"""What Colab usually has. Our list, from memory of its pages: no file of Colab's was at hand to read it from."""


@dataclass
class Tried:
    """One notebook in one environment."""

    notebook: str
    environment: str
    seconds: float
    megabytes: float
    failure: str = ""

    @property
    def heavy(self) -> bool:
        """Whether it takes more memory than its environment's limit."""
        return self.megabytes > MEGABYTES[self.environment]


def binder_packages(text: str) -> tuple[str, list[str]]:
    """Read an environment file: its Python, and its packages by their names on PyPI.

    >>> binder_packages("dependencies: [python=3.12, pip, pytorch-cpu>=2.5, {pip: [-e .]}]")
    ('3.12', ['pip', 'torch>=2.5'])
    """
    listed = [entry for entry in yaml.safe_load(text)["dependencies"] if isinstance(entry, str)]
    python = next(entry.partition("=")[2] for entry in listed if entry.startswith("python="))
    names = []
    for entry in listed:
        name = re.match(r"[\w.-]+", entry)[0]
        if name != "python":
            names.append(FROM_PYPI.get(name, name) + entry[len(name) :])
    return python, names


def uv(*arguments: object, env: dict[str, str]) -> str:
    """Call uv and return what it printed; exit with its complaint if it fails."""
    done = subprocess.run([install.BIN / "uv", *map(str, arguments)], env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"uv {' '.join(map(str, arguments[:3]))} failed:\n{done.stderr}")
    return done.stdout


def wheel(folder: Path) -> Path:
    """Build this checkout's wheel."""
    from hatchling.builders.wheel import WheelBuilder

    return Path(next(WheelBuilder(str(ROOT)).build(directory=str(folder), versions=["standard"])))


def prepare(name: str, built: Path, fresh: bool, torch: Path | None = None) -> tuple[Path, str]:
    """Make an environment, or bring the one that is there up to the wheel; with a wheel of PyTorch, put it in PyPI's place.

    PyPI's torchvision does not fit another build of PyTorch, so it goes; no notebook needs it without files of pictures.

    Returns
    -------
    Its Python, and one sentence on what installing the library added or changed.
    """
    env = install.environment()
    wanted, packages = binder_packages((ROOT / "environment.yml").read_text())
    packages = packages if name == "binder" else list(COLAB)
    folder = PLACE / name
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    state = folder / "packages.json"
    if fresh or not state.exists() or json.loads(state.read_text()) != packages:
        shutil.rmtree(folder, ignore_errors=True)
        found = subprocess.run([install.BIN / "uv", "python", "find", wanted], env=env, capture_output=True)
        print(f"Making {folder.relative_to(ROOT)}: {len(packages)} packages and what they need.", flush=True)
        uv("venv", "--python", sys.executable if found.returncode else wanted, folder, env=env)
        uv("pip", "install", "--python", python, *packages, env=env)
        state.write_text(json.dumps(packages))
    if torch:
        uv("pip", "uninstall", "--python", python, "torchvision", env=env)
        uv("pip", "install", "--python", python, "--no-deps", torch, env=env)
    before = set(uv("pip", "freeze", "--python", python, env=env).split("\n"))
    start = time.monotonic()
    # Binder's own line is `pip install -e .`, with all packages there; Colab's is that of the first cell.
    what = [built, "--no-deps"] if name == "binder" else [f"mirage-lib[{notebooks.EXTRAS}] @ {built.as_uri()}"]
    uv("pip", "install", "--python", python, "--reinstall-package", "mirage-lib", *what, env=env)
    seconds = time.monotonic() - start
    # As pip and conda do, who install for Binder and Colab; uv leaves it to the first import. Packages may ship files that do not compile.
    subprocess.run([python, "-m", "compileall", "-q", "-j", "0", folder / "lib"], capture_output=True)
    after = set(uv("pip", "freeze", "--python", python, env=env).split("\n"))
    had = {line.partition("==")[0] for line in before}
    new = sorted(line for line in after - before if line and not line.startswith("mirage-lib"))
    changed = [line for line in new if line.partition("==")[0] in had]
    said = f"The library's line took {seconds:.0f} s, added {len(new) - len(changed)} packages"
    said += f" and changed {', '.join(changed) or 'none'}."
    other = f"version_info = {wanted}." not in (folder / "pyvenv.cfg").read_text()
    return python, said + (f" (environment.yml asks for Python {wanted}, which is not here.)" if other else "")


def kernel(python: Path, folder: Path) -> None:
    """Offer an environment's kernel under the name `tried`, and no other way into this one."""
    spec = folder / "kernels" / "tried"
    spec.mkdir(parents=True, exist_ok=True)
    command = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    inside = {"PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "", "PATH": os.pathsep.join([str(python.parent), os.environ.get("PATH", "")])}
    (spec / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "tried", "language": "python", "env": inside}))
    os.environ["JUPYTER_PATH"] = str(folder)


class Memory(threading.Thread):
    """Watches what a process and its children hold in memory.

    Pages that several of them share count once where the system can say so (Linux, as Binder's limit
    counts); elsewhere they count for each, and the sum is too high.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.process, self.peak, self.over = psutil.Process(pid), 0, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.2):
            try:
                family = [self.process, *self.process.children(recursive=True)]
            except psutil.Error:
                return
            held = 0
            for one in family:
                try:
                    known = one.memory_full_info()
                    held += getattr(known, "pss", known.rss)
                except psutil.Error:  # It ended meanwhile.
                    pass
            self.peak = max(self.peak, held)


def try_one(name: str, environment: str, copies: Path) -> Tried:
    """Run one notebook in the kernel `tried`, in a folder of its own."""
    path = copies / f"{name}.ipynb"
    client = NotebookClient(
        nbformat.read(path, as_version=4), timeout=CELL_SECONDS, kernel_name="tried",
        resources={"metadata": {"path": str(path.parent)}},
    )  # fmt: skip
    start, failure = time.monotonic(), ""
    with client.setup_kernel():
        memory = Memory(client.km.provisioner.pid)
        memory.start()
        try:
            for at, cell in enumerate(client.nb.cells):
                client.execute_cell(cell, at)
        except CellExecutionError as error:
            failure = f"{error.ename}: {error.evalue}"
        except (CellTimeoutError, DeadKernelError) as error:
            failure = type(error).__name__
        memory.over.set()
        memory.join()
    return Tried(name, environment, time.monotonic() - start, memory.peak / 1e6, " ".join(failure.split())[:200])


def table(tried: list[Tried], told: dict[str, str]) -> str:
    """The table with its stamp, as Markdown."""
    lines = [
        "# Every notebook in a clean environment",
        "",
        "Written by `make try-notebooks`. Seconds are those of the whole notebook, start of the kernel included; memory is the",
        "peak of the kernel and its children, shared pages counted once. Packages are byte-compiled, as pip leaves them.",
        f"Limits: {' and '.join(f'{most:,} MB in {name}' for name, most in MEGABYTES.items())}, which fails, and {SECONDS} s, "
        "which is marked with *.",
        "",
        f"- {datetime.date.today().isoformat()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        *(f"- {name}: {said}" for name, said in told.items()),
        "",
        "| notebook | environment | seconds | peak MB | ran through |",
        "|---|---|---:|---:|---|",
    ]
    for one in tried:
        late = " *" if one.seconds > SECONDS else ""
        heavy = " over the limit" if one.heavy else ""
        lines.append(
            f"| {one.notebook} | {one.environment} | {one.seconds:.0f}{late} | {one.megabytes:,.0f}{heavy} | "
            f"{('no: ' + one.failure.replace('|', '/')) if one.failure else 'yes'} |"
        )
    return "\n".join(lines) + "\n"


def versions(python: Path) -> str:
    """What an environment holds of the packages that matter most."""
    names = ("ipykernel", "ipywidgets", "matplotlib", "numpy", "polars", "scikit-learn", "torch", "transformers")
    ask = (
        "import sys, importlib.metadata as m; print('Python', sys.version.split()[0], *("
        f"f'{{n}} {{m.version(n)}}' for n in {names!r} if any(m.distributions(name=n))), sep=', ')"
    )
    said = subprocess.run([python, "-c", ask], capture_output=True, text=True, check=True).stdout.strip()
    return said.replace("Python, ", "Python ", 1)


def main(arguments: list[str]) -> int:
    """Try the notebooks; 0 if all ran through within their memory."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="such as idea/resolution; all if none is named")
    parser.add_argument("--only", choices=("binder", "colab"), help="one environment, not both")
    parser.add_argument("--fresh", action="store_true", help="make the environments anew")
    parser.add_argument("--torch", type=Path, help="a wheel of a CPU build for binder, which environment.yml asks for and PyPI has not for Linux")
    options = parser.parse_args(arguments)
    known = [path.removesuffix(".ipynb") for path in notebooks.places().values()]
    if unknown := [name for name in options.names if name not in known]:
        sys.exit(f"No notebook is called {', '.join(unknown)}: there are {', '.join(known)}.")
    tried, told = [], {}
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        built = wheel(work)
        for name in [options.only] if options.only else ["binder", "colab"]:
            python, added = prepare(name, built, options.fresh, options.torch if name == "binder" else None)
            told[name] = f"{versions(python)}. {added}"
            print(f"{name}: {told[name]}", flush=True)
            kernel(python, work / name)
            shutil.copytree(notebooks.HERE, work / name / "notebooks")
            for notebook in options.names or known:
                tried.append(try_one(notebook, name, work / name / "notebooks"))
                print(table(tried[-1:], {}).splitlines()[-1], flush=True)
    if not options.names and not options.only:
        TABLE.write_text(table(tried, told))
        print(f"Written: {TABLE.relative_to(ROOT)}")
    bad = [one for one in tried if one.failure or one.heavy]
    late = [one for one in tried if one.seconds > SECONDS]
    print(f"{len(tried)} runs, {len(bad)} failed or over the limit of memory, {len(late)} over {SECONDS} s.")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
