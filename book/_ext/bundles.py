"""Bundles: what a page asks for comes in few files, and an explorer's rows only when the reader gets near.

On a slow line each style sheet and script in a page's head delays the first words by a round trip, and rows inside the page delay
them by their size. So every page gets one style sheet, its scripts wait, and large data lie in scripts of their own
(`book/_static/data.js` fetches them; scripts, because a page opened as a file may read no other file).
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from sphinx.application import Sphinx

SHEET = re.compile(r'[ \t]*<link(?=[^>]*rel="stylesheet")(?![^>]*media=)[^>]*href="([^"?]*)[^"]*"[^>]*>\n?')
DATA = re.compile(r'<script type="application/json">(.*?)</script>', re.S)
DRAWING = re.compile(
    r'''(class="mirage-(?:wide|stage)"[^>]*>)(<svg [^>]*viewBox="0 0 ([\d.]+) ([\d.]+)" style="([^"]*)"[^>]*>.*?</svg>)''', re.S
)
LARGE = 10_000
"""Characters from which on data leave the page."""


def bundle(site: Path) -> None:
    """Rewrite every page of a built site, and add the files that it asks for now."""
    for page in site.rglob("*.html"):
        static = next((up / "_static" for up in page.parents if (up / "_static").is_dir()), None)
        if static is None or static in page.parents:
            continue
        text = page.read_text("utf-8")
        lean = boxed(later(apart(one_sheet(text, page, static), page, static)))
        if lean != text:
            page.write_text(lean, "utf-8")


def one_sheet(text: str, page: Path, static: Path) -> str:
    """Put one style sheet in the place of a page's first one, and leave the others out."""
    links = list(SHEET.finditer(text))
    if len(links) < 2:
        return text
    sheets = [(page.parent / link[1]).resolve() for link in links]
    whole = "\n".join(flat(sheet, static.resolve()) for sheet in sheets)
    whole = '@charset "UTF-8";' + whole.replace('@charset "UTF-8";', "")
    made = kept(static, f"pages-{short(whole)}.css", whole)
    first = True

    def replaced(link: re.Match) -> str:
        nonlocal first
        now, first = f'<link rel="stylesheet" href="{address(made, page)}">\n' if first else "", False
        return now

    return SHEET.sub(replaced, text)


def flat(sheet: Path, static: Path) -> str:
    """A style sheet's text with what it imports, its addresses seen from the folder of static files."""

    def seen_from_static(found: re.Match) -> str:
        target = found[2]
        if target.startswith(("data:", "#", "/", "http")):
            return found[0]
        return f"url({found[1]}{os.path.relpath(sheet.parent / target, static)}{found[1]})"

    text = re.sub(r'@import\s+(?:url\()?["\']?([^"\');]+)["\']?\)?\s*;', lambda m: flat((sheet.parent / m[1]).resolve(), static),
                  sheet.read_text("utf-8"))
    return re.sub(r"""url\((["']?)([^"')]+)\1\)""", seen_from_static, text)


def apart(text: str, page: Path, static: Path) -> str:
    """Move large data of a page into scripts, each named by its content."""

    def moved(found: re.Match) -> str:
        if len(found[1]) < LARGE:
            return found[0]
        name = short(found[1])
        made = kept(static / "data", f"{name}.js", f'(window.mirageData ??= {{}})["{name}"] = {found[1]};\n')
        return f'<script type="application/json" data-name="{name}" data-src="{address(made, page)}"></script>'

    return DATA.sub(moved, text)


def boxed(text: str) -> str:
    """Put each drawing into a box of its own shape, so that it can be laid out later without moving anything.

    >>> boxed('<div class="mirage-wide"><svg viewBox="0 0 3 2" style="min-width: 9px"></svg>')
    '<div class="mirage-wide"><div class="mirage-later" style="aspect-ratio: 3 / 2; min-width: 9px"><svg viewBox="0 0 3 2" style="min-width: 9px"></svg></div>'
    """
    return DRAWING.sub(r'\1<div class="mirage-later" style="aspect-ratio: \3 / \4; \5">\2</div>', text)


def later(text: str) -> str:
    """Let scripts load while the page is read; they still run in their order.

    Scripts within the page write into Sphinx's options at once, so these have to be there already.

    >>> later('<script src="a.js"></script><script>b()</script>')
    '<script defer src="a.js"></script><script>b()</script>'
    """
    return re.sub(r"<script (?=[^>]*\bsrc=)(?![^>]*(?:\bdefer\b|documentation_options|application/json))", "<script defer ", text)


def short(text: str) -> str:
    """The first twelve signs of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def kept(folder: Path, name: str, text: str) -> Path:
    """Write a file unless it is there, and return its path."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    if not path.exists():
        path.write_text(text, "utf-8")
    return path


def address(target: Path, page: Path) -> str:
    """A file's address as a page writes it."""
    return Path(os.path.relpath(target, page.parent)).as_posix()


def finished(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        bundle(Path(app.outdir))


def setup(app: Sphinx) -> dict:
    # After `slim`, which cuts the style sheets and looks for words in the pages.
    app.connect("build-finished", finished, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
