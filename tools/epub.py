"""Bind the built pages into an EPUB 3: for e-readers, whose screens reflow what a PDF fixes.

    .venv/bin/python -m tools.epub                       _build/html to _build/html/mirage.epub
    .venv/bin/python -m tools.epub --site DIR --toc FILE --output FILE

Formulas stay MathML and drawings stay SVG, which EPUB has natively. Colours are written out, since
few readers know variables.
"""

from __future__ import annotations

import argparse
import html
import posixpath
import re
import sys
import uuid
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import yaml

from tools import copies, leaves

ROOT = Path(__file__).resolve().parent.parent
NAME = "mirage.epub"
CONTAINER = (
    '<?xml version="1.0" encoding="utf-8"?><container version="1.0" '
    'xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile '
    'full-path="book/content.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
)
STYLE = """
body { line-height: 1.45; } a { color: #0b62a4; } figure { margin: 1em 0; } svg { background: #fff; }
.mirage-figure svg { width: 100%; height: auto; } img { max-width: 100%; }
figcaption, .mirage-address, .mirage-folded { font-size: 0.85em; } .mirage-address { overflow-wrap: anywhere; }
table { border-collapse: collapse; font-size: 0.8em; } th, td { text-align: left; vertical-align: top;
  padding: 0.15em 0.5em; border-bottom: 1px solid #999; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 0.75em; border-left: 3px solid #999; padding-left: 0.6em; }
.admonition, .mirage-ledger section { border-left: 3px solid #0b62a4; padding-left: 0.8em; margin: 1em 0; }
.admonition-title, .mirage-unfolded { font-weight: bold; } .mirage-open .admonition-title { display: none; }
.math { text-align: center; margin: 1em 0; }
.mirage-panels path { stroke: #d9dde2; } .mirage-panels polygon { fill: #0b62a4; opacity: 0.18; }
.mirage-panels polyline, .mirage-curves polyline { fill: none; stroke: #0b62a4; stroke-width: 2; }
.mirage-panels circle { fill: #0b62a4; }
"""
TYPES = {".png": "image/png", ".jpg": "image/jpeg", ".svg": "image/svg+xml", ".css": "text/css", ".xhtml": "application/xhtml+xml"}
NO_XHTML = r'\s(?:align|border|valign|width|height|frame|rules|bgcolor)="[^"]*"'
"""Attributes of tables that XHTML does not have."""


def main(arguments: list[str]) -> str | None:
    """Write the EPUB; return a complaint if that fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", type=Path, default=leaves.SITE, help="folder of the built pages")
    parser.add_argument("--toc", type=Path, default=ROOT / "_toc.yml", help="order of the chapters")
    parser.add_argument("--output", type=Path, help=f"the site's {NAME} by default")
    options = parser.parse_args(arguments)
    output = options.output or options.site / NAME
    try:
        bound = leaves.all_leaves(options.site.resolve(), options.toc, address)
    except (FileNotFoundError, ValueError) as error:
        return str(error)
    work = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    files = {f"{leaves.slug(leaf.page)}.xhtml": (leaf.title, leaf.body) for leaf in bound}
    if any(leaf.solutions for leaf in bound):
        files["solutions.xhtml"] = ("Solutions", solved(bound))
    try:
        bind(options.site, files, bound, work, output)
    except ElementTree.ParseError as error:
        return f"A chapter is no well-formed XML: {error}"
    if output.parent.resolve() == options.site.resolve():
        copies.offer(options.site, bound[0].page)
    print(f"{output}: {len(files)} chapters, {output.stat().st_size / 1e6:.1f} MB.")
    return None


def address(page: str, anchor: str) -> str:
    """Where an anchor of a leaf is in the EPUB.

    >>> address("book/idea/resolution", "a")
    'idea-resolution.xhtml#a'
    """
    return f"{leaves.slug(page)}.xhtml" + (f"#{anchor}" if anchor else "")


def solved(bound: list[leaves.Leaf]) -> str:
    """What solves the exercises, chapter by chapter."""
    return "<h1>Solutions</h1>" + "".join(
        f'<h2><a href="{address(leaf.page, "")}">{html.escape(leaf.title)}</a></h2>'
        + leaves.mark("".join(leaf.solutions), f"{leaves.slug(leaf.page)}--")
        for leaf in bound
        if leaf.solutions
    )


def bind(site: Path, files: dict[str, tuple[str, str]], bound: list[leaves.Leaf], work: dict, output: Path) -> None:
    """Write all parts into the archive, the same bytes for the same book.

    Raises
    ------
    xml.etree.ElementTree.ParseError
        If a chapter is not well formed.
    """
    parts = {"title.xhtml": front(work), "nav.xhtml": contents(bound, work, "solutions.xhtml" in files)}
    for name, (title, body) in files.items():
        parts[name] = xhtml(title, body)
        ElementTree.fromstring(parts[name])
    pictures = sorted({src for _, body in files.values() for src in re.findall(r'<img[^>]*\ssrc="([^":]+)"', body)})
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        store(archive, "mimetype", b"application/epub+zip", zipfile.ZIP_STORED)
        store(archive, "META-INF/container.xml", CONTAINER.encode())
        store(archive, "book/content.opf", package(parts, pictures, work).encode())
        store(archive, "book/style.css", STYLE.encode())
        for name, text in parts.items():
            store(archive, f"book/{name}", text.encode())
        for src in pictures:
            store(archive, f"book/{src}", (site / src).read_bytes())


def store(archive: zipfile.ZipFile, name: str, content: bytes, how: int = zipfile.ZIP_DEFLATED) -> None:
    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    archive.writestr(entry, content, compress_type=how)


def xhtml(title: str, body: str) -> str:
    """A chapter as a file of its own.

    >>> "<p>a<br/></p>" in xhtml("T", "<p>a<br/></p>")
    True
    """
    body = re.sub(r"<table\b[^>]*>|<t[dhr]\b[^>]*>|<col\b[^>]*>", lambda tag: re.sub(NO_XHTML, "", tag[0]), body)
    body = re.sub(r'<svg(?![^>]*xmlns=)', '<svg xmlns="http://www.w3.org/2000/svg"', body)
    body = body.replace(' role="doc-biblioentry"', "")  # Deprecated in EPUB 3.3.
    body = re.sub(r"var\(--[\w-]+,\s*([^()]+)\)", r"\1", body)
    body = cased(body)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" '
        f'xmlns:epub="http://www.idpf.org/2007/ops" lang="en" xml:lang="en"><head><title>{html.escape(title)}</title>'
        f'<link rel="stylesheet" href="style.css"/></head><body>{body}</body></html>'
    )


CASED = {
    name.lower(): name
    for name in ("viewBox", "clipPath", "clipPathUnits", "preserveAspectRatio", "linearGradient", "gradientUnits",
                 "gradientTransform", "patternUnits", "textLength", "refX", "refY", "markerWidth", "markerHeight")
}  # fmt: skip


def cased(body: str) -> str:
    """Give SVG's names their capitals, which XML asks for and HTML forgets.

    >>> cased('<svg viewbox="0 0 1 1"><clippath id="a"></clippath></svg>')
    '<svg viewBox="0 0 1 1"><clipPath id="a"></clipPath></svg>'
    """
    names = "|".join(CASED)
    body = re.sub(rf"(</?)({names})\b", lambda hit: hit[1] + CASED[hit[2]], body)
    return re.sub(rf'(\s)({names})(=")', lambda hit: hit[1] + CASED[hit[2]] + hit[3], body)


def front(work: dict) -> str:
    """The title page."""
    names = ", ".join(one.get("name") or one["family-names"] for one in work["authors"])
    return xhtml(work["title"], (
        f"<h1>{html.escape(work['title'])}</h1><p>{html.escape(names)}</p>"
        f"<p>Version {work['version']}, {work['date-released']}</p><p>Code: MIT licence. Prose and figures: CC BY 4.0.</p>"
        "<p>Made from the web version, in which figures can be changed and every cell can be run.</p>"
    ))  # fmt: skip


def contents(bound: list[leaves.Leaf], work: dict, solutions: bool) -> str:
    """The navigation document: parts, chapters and their sections."""
    out, part = [], ""
    for leaf in bound:
        if leaf.part != part:
            out.append(("</ol></li>" if part else "") + f"<li><span>{html.escape(leaf.part)}</span><ol>")
            part = leaf.part
        sections = "".join(
            f'<li><a href="{address(leaf.page, anchor)}">{html.escape(title)}</a></li>' for anchor, title in leaf.sections
        )
        inner = f"<ol>{sections}</ol>" if sections else ""
        out.append(f'<li><a href="{address(leaf.page, "")}">{html.escape(leaf.title)}</a>{inner}</li>')
    out.append("</ol></li>" if part else "")
    if solutions:
        out.append('<li><a href="solutions.xhtml">Solutions</a></li>')
    return xhtml("Contents", f'<nav epub:type="toc" id="toc"><h1>Contents</h1><ol>{"".join(out)}</ol></nav>')


def package(parts: dict[str, str], pictures: list[str], work: dict) -> str:
    """The package document: what the book is, which files it has, in which order they are read."""
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{work['title']} {work['version']}")
    items = ['<item id="style" href="style.css" media-type="text/css"/>']
    for name, text in parts.items():
        has = {"mathml": "<math" in text, "svg": "<svg" in text, "nav": name == "nav.xhtml"}
        properties = " ".join(what for what, there in has.items() if there)
        said = f' properties="{properties}"' if properties else ""
        items.append(f'<item id="{key(name)}" href="{name}" media-type="{TYPES[".xhtml"]}"{said}/>')
    for src in pictures:
        items.append(f'<item id="{key(src)}" href="{src}" media-type="{TYPES[posixpath.splitext(src)[1]]}"/>')
    creators = "".join(
        f"<dc:creator>{html.escape(one.get('name') or one['family-names'])}</dc:creator>" for one in work["authors"]
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0" '
        'unique-identifier="id" xml:lang="en"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<dc:identifier id="id">urn:uuid:{identity}</dc:identifier><dc:title>{html.escape(work["title"])}</dc:title>'
        f"<dc:language>en</dc:language>{creators}<dc:rights>MIT; CC BY 4.0</dc:rights>"
        f'<meta property="dcterms:modified">{work["date-released"]}T00:00:00Z</meta></metadata>'
        f"<manifest>{''.join(items)}</manifest><spine>"
        + "".join(f'<itemref idref="{key(name)}"/>' for name in parts)
        + "</spine></package>"
    )


def key(name: str) -> str:
    """A file's name as an identifier."""
    return "f-" + re.sub(r"[^A-Za-z0-9]", "-", name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
