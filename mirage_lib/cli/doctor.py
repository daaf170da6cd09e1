"""``mirage doctor``: what is installed, what can run here, and the one line that mends what cannot.

It looks, and changes nothing: versions come from the packages' metadata, so torch is not imported. Of a
key it says only whether one is set. It needs nothing but Python, so that it can say what else is missing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path

ABOUT = "say what is installed, what can run here, and what mends the rest"
ROOT = Path(__file__).resolve().parents[2]
"""The checkout, where this is one."""
PYTHONS = (3, 11), (3, 13)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MODES = {
    "frozen": ("score the frozen outputs (the default)", ""),
    "claims": ("judge the claims", "claims"),
    "notebook": ("run a chapter in a notebook", "notebook"),
    "small": ("run the experiments at toy size", "train"),
    "book": ("build the book", "book"),
    "query": ("ask models behind an address", "query"),
    "fetch": ("fetch what others published", "fetch"),
    "cluster": ("train a family on several machines", "cluster"),
}
"""Modes that need packages only: what they do, and the extra that brings their packages."""
MADE = dict.fromkeys(("claims", "notebook", "small", "book", "query", "fetch"), "make book") | {"cluster": "make test"}
"""In a checkout these targets install a mode's packages, from the locks."""
ASK_TORCH = "import torch; print(torch.cuda.get_device_name(0) if torch.cuda.is_available() else '')"


@dataclass
class Mode:
    """A way to use the book: whether it works here, what was found or is missing, and what mends it."""

    name: str
    about: str
    works: bool
    found: str
    fix: str = ""


def add(command: argparse.ArgumentParser) -> None:
    """Describe the command."""
    command.add_argument("--json", action="store_true", help="print everything as JSON")
    command.add_argument("--gpu", action="store_true", help="let torch look for a GPU; imports it, in seconds")
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    """Print what was found; complain if not even the frozen mode works."""
    found = examine(options.gpu)
    print(json.dumps(found, indent=1) if options.json else "\n".join(told(found)))
    frozen = found["modes"][0]
    if not frozen["works"]:
        raise ValueError(f"the frozen mode does not work here: {frozen['found']}. Mend it with: {frozen['fix']}")


def examine(gpu: bool = False) -> dict:
    """Look at everything.

    Parameters
    ----------
    gpu : bool
        Ask torch for a GPU, in a process of its own.

    Returns
    -------
    dict
        ``python``, ``machine``, ``packages`` (name to version, None if missing), ``modes`` (list of
        :class:`Mode` as dicts, the frozen one first), ``data`` and ``key_is_set``.
    """
    wanted = requirements()
    frozen = packages("frozen", wanted)
    if frozen.works:
        frozen = frozen_files(frozen)
    modes = [frozen, *(packages(name, wanted) for name in MODES if name != "frozen")]
    by_name = {mode.name: mode for mode in modes}
    by_name["query"] = address(by_name["query"])
    modes = [by_name[mode.name] for mode in modes]
    card = graphics(gpu)
    modes += [vision(by_name["small"]), card, full(by_name["small"], by_name["query"], card), browser()]
    return {
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "packages": {name: version(name) for name in sorted({r[0] for rs in wanted.values() for r in rs})},
        "modes": [asdict(mode) for mode in modes],
        "data": data(),
        "key_is_set": bool(os.environ.get("OPENAI_API_KEY")),
    }


def told(found: dict) -> list[str]:
    """Put what was found into lines for a reader."""
    there = [f"{name} {v}" for name, v in found["packages"].items() if v]
    missing = [name for name, v in found["packages"].items() if not v]
    lines = [f"Python {found['python']} on {found['machine']}", f"Installed: {', '.join(there)}"]
    lines += [f"Not installed: {', '.join(missing)}"] if missing else []
    for mode in found["modes"]:
        lines.append(f"[{'yes' if mode['works'] else ' no'}] {mode['name']:9} {mode['about']}: {mode['found']}")
        if mode["fix"]:
            lines.append(f"{'':16}-> {mode['fix']}")
    return [*lines, f"MIRAGE_DATA: {found['data']}", f"OPENAI_API_KEY: {'set' if found['key_is_set'] else 'not set'}"]


# Packages


def requirements() -> dict[str, list[tuple[str, str]]]:
    """Return what each extra of the installed library wants, as names and bounds; ``""`` is the library itself.

    >>> ("polars", ">=1.30") in requirements()[""]
    True
    """
    wanted: dict[str, list[tuple[str, str]]] = {"": []}
    try:
        lines = metadata.requires("mirage-lib") or []
    except metadata.PackageNotFoundError:  # A checkout on the path, never installed.
        import tomllib

        project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
        lines = list(project["dependencies"])
        for extra, names in project["optional-dependencies"].items():
            lines += [f"{line}; extra == '{extra}'" for line in names]
    for line in lines:
        extra = re.search(r"extra == ['\"]([\w-]+)['\"]", line)
        named = re.match(r"([\w.-]+)(?:\[[^\]]*\])?\s*([^;]*)", line)
        if named:
            name, bounds = named.groups()
            wanted.setdefault(extra[1] if extra else "", []).append((name, bounds.strip().strip("()")))
    return wanted


def extra_with(module: str) -> str:
    """Return the smallest extra that brings a module; empty where none does.

    >>> extra_with("scipy"), extra_with("rouge_score"), extra_with("no_such_module")
    ('claims', 'claims', '')
    """
    package = {"PIL": "pillow", "sklearn": "scikit-learn", "vl_convert": "vl-convert-python"}.get(module, module.replace("_", "-"))
    wanted = requirements()
    having = [extra for extra, needs in wanted.items() if extra and package in dict(needs)]
    return min(having, key=lambda extra: len(wanted[extra]), default="")


def version(package: str) -> str | None:
    """Return the version of an installed package, or None."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def fits(found: str, bounds: str) -> bool:
    """Say whether a version is within bounds of the kinds ``>=``, ``<`` and ``==``; others are not judged.

    >>> fits("1.0.4.post1", "<2,>=1.0.4"), fits("2.0.0", "<2,>=1.0.4"), fits("1.10", ">=1.9")
    (True, False, True)
    """

    def numbers(text: str) -> tuple[int, ...]:
        found = re.match(r"\d+(?:\.\d+)*", text)
        whole = [int(n) for n in found[0].split(".")] if found else []
        while whole and whole[-1] == 0:
            whole.pop()
        return tuple(whole)

    have = numbers(found)
    for sign, bound in re.findall(r"(>=|<|==)\s*(\d[\d.]*)(?=,|\s|$)", bounds):
        limit = numbers(bound)
        if not {">=": have >= limit, "<": have < limit, "==": have == limit}[sign]:
            return False
    return True


def packages(name: str, wanted: dict[str, list[tuple[str, str]]]) -> Mode:
    """Judge a mode by its packages, those of the library among them."""
    about, extra = MODES[name]
    if not PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        return Mode(name, about, False, f"Python {platform.python_version()}", "take Python 3.11, 3.12 or 3.13")
    needs = wanted[""] + (wanted.get(extra, []) if extra else [])
    if extra and extra not in wanted:
        return Mode(name, about, False, f"the installed library has no extra {extra!r}", mend(name, []))
    lacking = [(package, bounds) for package, bounds in needs if version(package) is None]
    unfit = [(p, b) for p, b in needs if (p, b) not in lacking and not fits(version(p), b)]
    if not lacking and not unfit:
        return Mode(name, about, True, f"all {len(needs)} packages are here")
    said = [f"{package} is missing" for package, _ in lacking]
    said += [f"{package} is {version(package)}, wanted {bounds}" for package, bounds in unfit]
    return Mode(name, about, False, ", ".join(said), mend(name, lacking + unfit))


def mend(name: str, needs: list[tuple[str, str]]) -> str:
    """Return the line that brings a mode's packages."""
    if (ROOT / "Makefile").exists() and (name in MADE or not needs):
        return MADE.get(name, "make book")
    listed = " ".join(f'"{package}{bounds}"' for package, bounds in needs) or '"mirage-lib" anew'
    return f"{Path(sys.executable).name} -m pip install {listed}"


# Files, addresses, machines


def frozen_files(mode: Mode) -> Mode:
    """Add to the frozen mode whether its files are those of the manifest, by hash."""
    from mirage_lib import outputs

    count, faults = len(outputs.manifest()), outputs.faults()
    if not count:
        faults = [f"no manifest in {outputs.FROZEN}"]
    if not faults:
        mode.found += f"; {count} of {count} frozen files have the SHA-256 of the manifest"
        return mode
    again = "git checkout mirage_lib/frozen" if (ROOT / ".git").exists() else "install the library anew"
    return Mode(mode.name, mode.about, False, f"{len(faults)} of {count} frozen files: {'; '.join(faults)}", again)


def address(mode: Mode) -> Mode:
    """Add to the query mode where it would ask; without an address it can only be planned."""
    if mode.works and not os.environ.get("OPENAI_BASE_URL"):
        mode.found += "; OPENAI_BASE_URL is not set, so only --dry-run, or with --base-url"
        mode.fix = "export OPENAI_BASE_URL=http://localhost:8000/v1"
    return mode


def vision(small: Mode) -> Mode:
    """Say which pictures the vision families would be trained on."""
    about = "train the vision families"
    if not small.works:
        return Mode("vision", about, False, small.found, small.fix)
    here = folders(Path(os.environ.get("MIRAGE_DATA", "")) / "vision") if os.environ.get("MIRAGE_DATA") else []
    if here:
        return Mode("vision", about, True, f"pictures found: {', '.join(here)}")
    fix = "export MIRAGE_DATA=FOLDER, with pictures in FOLDER/vision, or give --download"
    return Mode("vision", about, True, "with stand-ins only (--mode small): no pictures were found", fix)


def graphics(ask: bool) -> Mode:
    """Look for an NVIDIA GPU: by the driver, or through torch where that was asked for."""
    about = "train on a GPU"
    if ask and version("torch"):
        done = subprocess.run([sys.executable, "-c", ASK_TORCH], capture_output=True, text=True)
        name = done.stdout.strip()
        return Mode("gpu", about, bool(name), f"torch finds {name or 'no CUDA device'}")
    tool = shutil.which("nvidia-smi")
    listed = ""
    if tool:
        try:
            listed = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=20).stdout
        except (OSError, subprocess.TimeoutExpired):
            listed = ""
    names = re.findall(r"^GPU \d+: (.*?)(?: \(UUID.*)?$", listed, re.MULTILINE)
    if not names:
        return Mode("gpu", about, False, "no NVIDIA driver or card was found; all modes but full run without one")
    fix = "" if version("torch") else "make book"
    return Mode("gpu", about, bool(version("torch")), f"{', '.join(names)}; --gpu asks torch too", fix)


def full(small: Mode, query: Mode, card: Mode) -> Mode:
    """Say whether the paper's scale can be run: it takes a GPU, or an address to ask."""
    ways = [said for said, works in (("train on the GPU", small.works and card.works),
                                     ("ask the address of OPENAI_BASE_URL", query.works and not query.fix)) if works]  # fmt: skip
    fix = "" if ways else query.fix or small.fix
    return Mode("full", "the paper's scale", bool(ways), " and ".join(ways) or "no GPU, and no address", fix)


def browser() -> Mode:
    """Look for the Chromium that the browser tests drive."""
    named = os.environ.get("MIRAGE_CHROMIUM")
    place = named if named and Path(named).is_file() else next(filter(None, map(shutil.which, BROWSERS)), None)
    about = "run the browser tests"
    if named and place != named:
        return Mode("chromium", about, False, "MIRAGE_CHROMIUM names no file", "unset MIRAGE_CHROMIUM")
    if not place:
        return Mode("chromium", about, False, "no Chromium on the path", "make test, which installs Playwright's")
    if version("playwright") is None:
        return Mode("chromium", about, False, f"{place}, but playwright is missing", "make test")
    return Mode("chromium", about, True, place)


def data() -> str:
    """Say what the folder of MIRAGE_DATA holds."""
    named = os.environ.get("MIRAGE_DATA")
    if not named:
        return "not set; nothing but training on full picture sets and deriving records anew needs it"
    found = folders(Path(named))
    return f"{named} holds {', '.join(found)}" if found else f"{named} is no folder, or an empty one"


def folders(place: Path) -> list[str]:
    """Return the names of the folders in a place, none if it is not there."""
    return sorted(path.name for path in place.iterdir() if path.is_dir()) if place.is_dir() else []
