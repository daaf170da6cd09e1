"""Take the prose out of the pages for translators, and say how much of it is translated.

    .venv/bin/python tools/translate.py            update locale/*/LC_MESSAGES, then report
    .venv/bin/python tools/translate.py --check    change nothing; fail where a translation is behind

A language is a folder of `locale`: its `_config.yml` says which pages exist in it and where its settings
differ from the book's. `tools/build.py` builds it beside the English pages.
"""

import argparse
import io
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import yaml
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
JUPYTER_BOOK = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"
HEADER = """# {title}
# Prose and its translation are under CC BY 4.0.
msgid ""
msgstr ""
"Language: {language}\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"

"""
KEPT = {
    "role": re.compile(r"\{([\w:.-]+)\}`(?:[^`<]*<)?([^`>]*)>?`"),
    "formula": re.compile(r"(?<!\\)\$([^$]+)\$"),
    "code": re.compile(r"`([^`]+)`"),
    "link": re.compile(r"\]\(([^)\s]+)\)"),
    "bold": re.compile(r"(\*\*)"),
}
"""What a translation has to have as often as the original: a role's target, not its words; a link's address."""
NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*")


def languages(source: Path = ROOT) -> list[str]:
    """Names of the languages that a book has beside English, as gettext writes them.

    >>> languages()
    ['zh_CN']
    """
    return sorted(path.parent.name for path in (source / "locale").glob("*/_config.yml"))


def own_settings(source: Path, language: str) -> dict:
    """What a language's `_config.yml` says."""
    return yaml.safe_load((source / "locale" / language / "_config.yml").read_text(encoding="utf-8"))


def pages(source: Path, language: str) -> list[str]:
    """Pages that exist in a language.

    >>> pages(ROOT, "zh_CN")[0]
    'book/intro'
    """
    return own_settings(source, language)["sphinx"]["config"]["mirage_translated"]


def configure(source: Path, language: str, build: Path, execute: dict, only: bool = False) -> list[str | Path]:
    """Write settings and table of contents of a run in a language, and return the options that name them.

    Parameters
    ----------
    source : folder with _config.yml, _toc.yml and locale
    language : a folder of locale
    build : folder that gets both files, and Jupyter Book's `_build`
    execute : what differs under `execute`, such as where executed cells are kept
    only : whether the run has the translated pages alone
    """
    own = own_settings(source, language)
    captions = own.pop("captions", {})
    whole = laid_over(yaml.safe_load((source / "_config.yml").read_text(encoding="utf-8")), own)
    whole = laid_over(whole, {"execute": execute})
    extensions = whole["sphinx"]["local_extensions"]
    whole["sphinx"]["local_extensions"] = {name: str(source / path) for name, path in extensions.items() if path}
    toc = yaml.safe_load((source / "_toc.yml").read_text(encoding="utf-8"))
    for part in toc.get("parts", []):
        part["caption"] = captions.get(part["caption"], part["caption"])
    if only:
        chapters = [{"file": page} for page in pages(source, language) if page != toc["root"]]
        toc = {"format": toc["format"], "root": toc["root"], "chapters": chapters}
    build.mkdir(parents=True, exist_ok=True)
    for name, content in (("_config.yml", whole), ("_toc.yml", toc)):
        (build / name).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return ["--config", build / "_config.yml", "--toc", build / "_toc.yml", "--path-output", build]


def laid_over(below: dict, above: dict) -> dict:
    """One tree of settings over another: branches are joined, leaves of the upper one win.

    >>> laid_over({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}})
    {'a': {'b': 3, 'c': 2}}
    """
    both = {key: laid_over(below[key], above[key]) for key in below.keys() & above.keys() if isinstance(above[key], dict)}
    return below | above | both


def extract(source: Path, language: str, build: Path) -> Path:
    """Have Sphinx write a template of messages for every page of a language; no cell runs.

    Raises RuntimeError with the end of what Jupyter Book said where it fails.
    """
    options = configure(source, language, build, {"execute_notebooks": "off"}, only=True)
    done = subprocess.run(
        [sys.executable, "-c", JUPYTER_BOOK, "build", source, *options]
        + ["--builder", "custom", "--custom-builder", "gettext"],
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    templates = build / "_build" / "gettext"
    if done.returncode or not templates.is_dir():
        raise RuntimeError("Jupyter Book could not take out the messages:\n" + done.stdout[-2000:])
    return templates


def catalogue(source: Path, language: str, page: str) -> Path:
    """Where the translation of a page lies."""
    return source / "locale" / language / "LC_MESSAGES" / f"{page}.po"


def load(path: Path) -> Catalog:
    """A catalogue as it stands in a file; an empty one where there is none."""
    if not path.exists():
        return Catalog()
    with path.open("rb") as file:
        return read_po(file)


def renew(path: Path, template: Catalog, language: str, title: str) -> None:
    """Bring a catalogue up to date with a page: new strings come empty, changed ones marked as fuzzy.

    Strings that the page no longer has are dropped. Without dates, line numbers and line breaks the file
    changes only where the prose does.
    """
    known = load(path)
    known.update(template)
    for message in known:
        message.flags &= {"fuzzy"}  # The others would say that a role in braces is a format of Python's.
    text = io.BytesIO()
    write_po(text, known, width=0, no_location=True, omit_header=True, ignore_obsolete=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    header = HEADER.format(title=title, language=language)
    path.write_text(header + text.getvalue().decode().strip() + "\n", encoding="utf-8")


def behind(template: Catalog, known: Catalog) -> list[str]:
    """Strings of a page that have no translation, or one of an older wording."""
    strings = {message.id: message.string for message in known if message.id and not message.fuzzy}
    return [message.id for message in template if message.id and not strings.get(message.id)]


def lost(original: str, translation: str) -> list[str]:
    """What a translation should have kept of the original and has not, or has too much.

    >>> lost("{term}`Tokens <token>`: 5 of `n`", "5 of `m`: {term}`token`")
    ['code: n', 'code: m']
    >>> lost("See [this](a.md), **once** in 10", "See **this** in 12")
    ['link: a.md', 'number: 10', 'number: 12']
    """
    out = []
    for kind, pattern in KEPT.items():
        there, here = Counter(pattern.findall(original)), Counter(pattern.findall(translation))
        differing = [*(there - here), *(here - there)]
        out += [f"{kind}: {' '.join(part) if isinstance(part, tuple) else part}" for part in differing]
        original, translation = pattern.sub(" ", original), pattern.sub(" ", translation)
    there, here = dict.fromkeys(NUMBER.findall(original)), dict.fromkeys(NUMBER.findall(translation))
    return out + [f"number: {n}" for n in [*(n for n in there if n not in here), *(n for n in here if n not in there)]]


def complaints(template: Catalog, known: Catalog) -> list[str]:
    """All that is wrong with the translation of a page, a line each; empty where it is complete and whole."""
    out = [f"not translated, or changed since: {string!r}" for string in behind(template, known)]
    wanted = {message.id for message in template}
    out += [f"no longer on the page: {m.id!r}" for m in known if m.id and m.id not in wanted]
    for message in known:
        if message.id and message.string and not message.fuzzy:
            out += [f"{part} differs in the translation of {message.id!r}" for part in lost(message.id, message.string)]
    return out


def main(arguments: list[str]) -> int:
    """Update and report, or check; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, default=ROOT, help="folder with _config.yml, _toc.yml and locale")
    parser.add_argument("--check", action="store_true", help="change nothing, fail where a translation is behind")
    options = parser.parse_args(arguments)
    source, wrong = options.source.resolve(), 0
    for language in languages(source):
        with tempfile.TemporaryDirectory() as build:
            templates = extract(source, language, Path(build).resolve())
            for page in pages(source, language):
                template, path = load(templates / f"{page}.pot"), catalogue(source, language, page)
                if not options.check:
                    renew(path, template, language, page)
                known = load(path)
                total = sum(1 for message in template if message.id)
                print(f"{language} {page}: {total - len(behind(template, known))} of {total} strings translated")
                found = complaints(template, known) if known else []
                print("".join(f"  {line}\n" for line in found), end="")
                wrong += len(found)
    return 1 if wrong and options.check else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
