"""Write the licences of all that the book needs, carries or shows: `make licences`.

    .venv/bin/python -m tools.licences     writes requirements/LICENCES.md; fails on a licence nobody looked at

Versions come from the locks, licences from the packages' own metadata: of those that are installed here, and of
the few that another system needs as the package index tells it. Nothing is downloaded but that metadata.
"""

import json
import re
import subprocess
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import polars as pl

from mirage_lib import outputs
from tools import install

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "requirements" / "LICENCES.md"
WORDS = {
    "copyleft": r"A?GPL|GNU (Affero )?General",
    "by file": r"MPL|Mozilla|LGPL|GNU Lesser|EPL|Eclipse",
    "own terms": r"Proprietary|LicenseRef",
    "free": r"MIT|BSD|0BSD|Apache|ISC|PSF|Python Software|Zlib|CC0|BSL-1\.0|CNRI|Public Domain|Unlicense|HPND",
}
"""Kinds of licence, the strictest first, and the words that tell them."""
LOOKED_AT = {
    "axe-playwright-python": ("MIT; it carries axe-core, which is under MPL-2.0", "by file"),
    "cuda-toolkit": ("NVIDIA's terms, by its licence file", "own terms"),
    "docutils": ("public domain, BSD-2-Clause, PSF; one editor mode that is not imported is GPL-3.0", "free"),
}
"""Packages whose metadata does not say enough, or says too much: what their licence files say, and the kind."""
VENDORED = (
    ("Vega", "book/_static/vega/vega.min.js", "BSD-3-Clause", "book/_static/vega/LICENSE"),
    ("Pyodide", "book/_static/pyodide/PACKED.json", "MPL-2.0; CPython inside it PSF-2.0", "book/_static/pyodide/LICENSE"),
)
"""What lies in this repository and was written by others: name, file that tells its version, licence, its text."""
READ_OFF = "numbers read off a published figure or list, and cited; no licence was asked for"
NONE_STATED = "the source states none; only numbers are kept, and cited"
DATA = {
    **dict.fromkeys(("fig2.csv", "fig3.csv", "fig4.csv", "fig6.csv", "vision-published.csv", "wei-list.csv"), READ_OFF),
    "pythia-addition.csv": NONE_STATED,
    "public-sources.csv": "MIT (ours: a list of addresses and hashes)",
}
"""Frozen files whose own first line names no licence."""
HEADER = """# Licences

Made by `make licences` from the locks and the packages' metadata; not edited by hand.

## What that means

- **This repository gives away none of the packages below.** The locks name them; pip and uv fetch them from
  where their authors put them. Their licences bind who passes them on, in a container image for example.
- *free*: MIT, BSD, Apache and their like: keep the notice.
- *by file* (MPL): may be used and passed on with anything; who changes one of their files has to publish that file.
  No file of theirs is changed here.
- *own terms* (NVIDIA's CUDA libraries, which PyPI's torch for Linux brings): free of charge, and not free software.
  Nothing needs them: without a GPU `make` takes CPU wheels where it can, and macOS and Windows never get them.
- *copyleft* (GPL): {copyleft}
- A licence that is in none of these groups fails `make licences` until somebody has read it and entered it in
  `LOOKED_AT` of `tools/licences.py`.

"""
CARRIED = """
## What lies in this repository, written by others

{vendored}

The pages also carry what the theme brings when the book is built, none of it changed: Bootstrap and clipboard.js
(MIT), Font Awesome Free (code MIT, fonts OFL-1.1, icons CC BY 4.0), and the scripts and styles of Sphinx, Sphinx
Book Theme, sphinx-copybutton, sphinx-design and sphinx-togglebutton (BSD or MIT). Who puts the site on a server
passes these on, notices included: they stand in the files.

## Data in `mirage_lib/frozen`

One table is under a share-alike licence, so a changed copy of *that table* has to stay under it; it does not reach
what is computed from it and published elsewhere as text or figures, which only has to name it.

{data}
"""


def main() -> None:
    """Write the page; name the licences that nobody has looked at."""
    rows = packages()
    TABLE.write_text(page(rows))
    print(f"{TABLE.relative_to(ROOT)}: {len(rows)} packages")
    if strange := [f"{name} {version}: {licence}" for name, version, licence, kind, _ in rows if kind == "unknown"]:
        sys.exit("Read these licences and enter them in LOOKED_AT of tools/licences.py:\n" + "\n".join(strange))


def locked() -> dict[str, tuple[str, list[str]]]:
    """Each locked package, its version and the locks that hold it."""
    found: dict[str, tuple[str, list[str]]] = {}
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        for name, version, _ in install.blocks(path.read_text()):
            found.setdefault(name, (version, []))[1].append(path.stem)
    return dict(sorted(found.items()))


def packages() -> list[tuple[str, str, str, str, str]]:
    """Name, version, licence, kind and locks of every locked package."""
    wanted = locked()
    told = {name: here for name, (version, _) in wanted.items() if (here := installed(name, version)) is not None}
    told |= from_index({name: wanted[name][0] for name in wanted if name not in told})
    rows = []
    for name, (version, locks) in wanted.items():
        licence, group = LOOKED_AT.get(name, (told[name], kind(told[name])))
        rows.append((name, version, licence, group, ", ".join(locks)))
    return rows


def installed(name: str, version: str) -> str | None:
    """The licence of a package that is installed in that version, else None."""
    try:
        about = metadata(name)
    except PackageNotFoundError:
        return None
    if about["Version"].partition("+")[0] != version:
        return None
    return licence(about.get("License-Expression"), about.get_all("Classifier", []), about.get("License"))


def from_index(versions: dict[str, str]) -> dict[str, str]:
    """The licences of packages that are not installed here, by what pip would install; none of it is."""
    if not versions:
        return {}
    env = install.environment()
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "report.json"
        python = Path(scratch) / "pip" / install.BIN.name / "python"
        # The pip of an older Python does not know licence expressions, so a new one is taken for this.
        uv = Path(sys.executable).with_name("uv")
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, python.parent.parent], env=env, check=True)
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, "pip"], env=env, check=True)
        dry = ("--dry-run", "--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--target", scratch)
        command = [python, "-m", "pip", "install", "--quiet", *dry, "--report", report]
        done = subprocess.run([*command, *map("==".join, versions.items())])
        if done.returncode:
            sys.exit("pip could not look up the packages that are not installed here, for the reason it gives above.")
        found = [entry["metadata"] for entry in json.loads(report.read_text())["install"]]
    return {
        about["name"].lower().replace("_", "-"): licence(about.get("license_expression"), about.get("classifier", []), about.get("license"))
        for about in found
    }


def licence(expression: str | None, classifiers: list[str], text: str | None) -> str:
    """The licence as metadata tell it: the expression, else the classifiers, else the first line of the text.

    >>> licence(None, ["License :: OSI Approved :: MIT License", "Topic :: X"], "long")
    'MIT License'
    """
    listed = [entry.rpartition(" :: ")[2] for entry in classifiers if entry.startswith("License :: ") and entry.count("::") > 1]
    line = (text or "").strip().split("\n")[0][:60]
    return expression or "; ".join(dict.fromkeys(listed)) or line or "not said"


def kind(licence: str) -> str:
    """The group that a licence is in, by the strictest word in it; what may be chosen counts by its freest part.

    >>> kind("MPL-2.0 AND MIT"), kind("GPL-3.0 OR MIT"), kind("GPL-3.0"), kind("as you like")
    ('by file', 'free', 'copyleft', 'unknown')
    """
    order = [*WORDS, "unknown"]
    choices = []
    for choice in re.split(r"\bOR\b", licence):
        choices.append(next((group for group, words in WORDS.items() if re.search(rf"\b({words})", choice)), "unknown"))
    known = [group for group in choices if group != "unknown"]
    return max(known, key=order.index) if known else "unknown"


def vendored() -> list[tuple[str, str, str, str]]:
    """Name, version, licence and licence file of what lies in the repository; versions come from the files."""
    rows = []
    for name, place, terms, text in VENDORED:
        found = re.search(r'version"?[=:]\s*"(\d+\.\d+\.\d+)"', (ROOT / place).read_text())
        rows.append((name, found[1], terms, text))
    return rows


def data() -> list[tuple[str, str]]:
    """Each frozen file and its licence: by its stamp, by its first line, or by `DATA`."""
    rows = []
    for name in sorted(outputs.manifest()):
        if name.endswith(".parquet"):
            terms = json.loads(pl.read_parquet_metadata(outputs.FROZEN / name)["stamp"])["licence"]
        elif name in DATA:
            terms = DATA[name]
        else:
            first = (outputs.FROZEN / name).read_text().split("\n")[0]
            said = re.search(r"CC BY 4\.0|Apache-2\.0|\bMIT\b|states no licence", first)
            terms = {"states no licence": NONE_STATED}.get(said[0], said[0]) if said else "not said"
        rows.append((name, terms))
    return rows


def page(rows: list[tuple[str, str, str, str, str]]) -> str:
    """The whole page."""
    strict = [name for name, _, _, group, _ in rows if group == "copyleft"]
    copyleft = f"{', '.join(strict)}." if strict else "no package here."
    counts = {group: sum(row[3] == group for row in rows) for group in (*WORDS, "unknown")}
    told = ", ".join(f"{n} {group}" for group, n in sorted(counts.items(), key=lambda one: -one[1]) if n)
    text = HEADER.format(copyleft=copyleft) + f"## Packages in the locks\n\n{len(rows)} packages: {told}.\n\n"
    text += table(("package", "version", "licence", "kind", "locks"), rows)
    carried = table(("what", "version", "licence", "its text"), vendored())
    return text + CARRIED.format(vendored=carried.rstrip(), data=table(("file", "licence"), data()).rstrip())


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, ["---"] * len(head), *rows))


if __name__ == "__main__":
    main()
