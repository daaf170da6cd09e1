"""Bind the built pages into one PDF: title, contents with page numbers, chapters, solutions.

    .venv/bin/python -m tools.pdf                        _build/html to _build/html/mirage.pdf
    .venv/bin/python -m tools.pdf --site DIR --toc FILE --output FILE

Chromium prints one document of all chapters, so links between chapters work. It prints twice: the
first time tells on which pages the chapters begin, the second has their numbers in the contents.
"""

from __future__ import annotations

import argparse
import html
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import yaml
from playwright.sync_api import Page, sync_playwright
from pypdf import PdfReader, PdfWriter

from tools import browser, copies, leaves

ROOT = Path(__file__).resolve().parent.parent
NAME = "mirage.pdf"
OWN = sorted(path.name for path in (ROOT / "book" / "_static").glob("*.css") if path.name != "print.css")
SHEETS = ("pygments.css", "colours.css", *OWN, "print.css")
WIDTH = 657
"""Width of a page's text in CSS pixels: A4 less two margins of 18 mm, as in print.css."""
SMALLEST = 0.55
"""Tables are not shrunk further than this; below it their words are broken."""
FOOT = (
    '<div style="font: 8px sans-serif; color: #4b5563; width: 100%; text-align: center">'
    '<span class="pageNumber"></span></div>'
)
SOLUTIONS = "solutions"

FIT = """([width, smallest]) => {
  const over = (e) => e.getBoundingClientRect().width / e.parentElement.getBoundingClientRect().width;
  for (const e of document.querySelectorAll("table, math[display=block]")) {
    if (e.parentElement.closest("table")) continue;
    let by = 1 / over(e);
    if (by < smallest && e.tagName === "TABLE") {
      e.style.overflowWrap = "anywhere";
      for (const cell of e.querySelectorAll("td, th")) cell.style.cssText += "; overflow-wrap: anywhere; min-width: 0";
      by = Math.max(smallest, 1 / over(e));
    }
    if (by < 1) e.style.zoom = String(by * 0.995);
  }
}"""
"""Shrinks what is wider than its box: on paper nothing scrolls."""

TOO_WIDE = """(width) => [...document.querySelectorAll("svg, table, pre, math, img, p, h1, h2, h3")].filter((e) => {
  const box = e.getBoundingClientRect();
  return box.width > 0 && (box.right > width + 1 || box.left < -1);
}).map((e) => `${e.closest("article")?.id ?? "front"}: ${e.tagName} ${e.getAttribute("aria-label") ?? e.textContent.slice(0, 60)}`)"""


def main(arguments: list[str]) -> str | None:
    """Write the PDF; return a complaint if that fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", type=Path, default=leaves.SITE, help="folder of the built pages")
    parser.add_argument("--toc", type=Path, default=ROOT / "_toc.yml", help="order of the chapters")
    parser.add_argument("--output", type=Path, help=f"the site's {NAME} by default")
    options = parser.parse_args(arguments)
    output = options.output or options.site / NAME
    found = browser.find()
    if found is None:
        return "There is no Chromium to print with: `make pdf` installs one or says how to."
    try:
        bound = leaves.all_leaves(options.site.resolve(), options.toc, address)
    except (FileNotFoundError, ValueError) as error:
        return str(error)
    work = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(found), args=list(browser.FLAGS))
        try:
            number, wide = bind(chromium, options.site.resolve(), bound, work, output)
        finally:
            chromium.close()
    if wide:
        return "Wider than the page:\n" + "\n".join(f"  {one}" for one in wide)
    if output.parent.resolve() == options.site.resolve():
        copies.offer(options.site, bound[0].page)
    print(f"{output}: {number} pages, {output.stat().st_size / 1e6:.1f} MB.")
    return None


def address(page: str, anchor: str) -> str:
    """Where an anchor of a leaf is in the bound document.

    >>> address("book/idea/resolution", "a"), address("book/intro", "")
    ('#idea-resolution--a', '#intro')
    """
    return f"#{leaves.slug(page)}" + (f"--{anchor}" if anchor else "")


def bind(chromium, site: Path, bound: list[leaves.Leaf], work: dict, output: Path) -> tuple[int, list[str]]:
    """Print the leaves; return the number of pages, and what is wider than a page."""
    context = chromium.new_context(viewport={"width": WIDTH, "height": 934}, color_scheme="light")
    context.route("**/*", lambda route: route.continue_() if route.request.url.startswith(("file:", "data:")) else route.abort())
    page = context.new_page()
    page.set_default_timeout(300_000)
    with tempfile.TemporaryDirectory(dir=site) as folder:  # Below the site: pictures keep their paths.
        sheet = Path(folder, "book.html")
        numbers: dict[str, int] = {}
        for _ in range(2):
            sheet.write_text(document(bound, work, numbers, site), "utf-8")
            wide = typeset(page, sheet)
            page.pdf(path=output, prefer_css_page_size=True, print_background=True, tagged=True,
                     display_header_footer=True, header_template="<span></span>", footer_template=FOOT)  # fmt: skip
            numbers = dict(starts(PdfReader(output)))
    context.close()
    return finish(output, bound, work, numbers), wide


def typeset(page: Page, sheet: Path) -> list[str]:
    """Open a document as it will be printed, make wide things fit, and name those that do not."""
    page.emulate_media(media="print", color_scheme="light", reduced_motion="reduce")
    page.goto(sheet.as_uri())
    page.evaluate(FIT, [WIDTH, SMALLEST])
    return page.evaluate(TOO_WIDE, WIDTH)


def document(bound: list[leaves.Leaf], work: dict, numbers: dict[str, int], site: Path) -> str:
    """All leaves as one HTML document.

    Parameters
    ----------
    numbers : page on which each anchor of the contents is; empty at first
    """
    there = [name for name in SHEETS if (site / "_static" / name).exists()]
    sheets = "".join(f'<link rel="stylesheet" href="../_static/{name}">' for name in there)
    title = html.escape(work["title"])
    chapters = "".join(
        f'<article id="{leaves.slug(leaf.page)}">'
        + re.sub(r'(<img[^>]*src=")(?![a-z]+:)', r"\1../", leaves.mark(leaf.body, f"{leaves.slug(leaf.page)}--"))
        + "</article>"
        for leaf in bound
    )
    return (
        f'<!DOCTYPE html><html lang="en" data-theme="light"><head><meta charset="utf-8"><title>{title}</title>'
        f'{sheets}</head><body class="mirage-bound">{front(work)}{contents(bound, numbers)}{chapters}'
        f"{solved(bound)}</body></html>"
    )


def front(work: dict) -> str:
    """The title page."""
    title, _, rest = work["title"].partition(": ")
    names = ", ".join(
        one.get("name") or f"{one.get('given-names', '')} {one.get('family-names', '')}" for one in work["authors"]
    )
    return (
        f'<div class="mirage-title"><h1>{html.escape(title)}</h1><p>{html.escape(rest)}</p>'
        f"<p>{html.escape(names)}</p><p>Version {work['version']}, {work['date-released']}</p>"
        "<p>Code: MIT licence. Prose and figures: CC BY 4.0.</p>"
        "<p>Made from the web version, in which figures can be changed and every cell can be run.</p></div>"
    )


def contents(bound: list[leaves.Leaf], numbers: dict[str, int]) -> str:
    """The table of contents: parts, chapters with their pages, sections."""
    out, part = ["<nav><h1>Contents</h1>"], None
    for leaf in bound:
        if leaf.part != part:
            part = leaf.part
            out.append(f"<p>{html.escape(part)}</p>" if part else "")
        here = leaves.slug(leaf.page)
        sections = " · ".join(
            f'<a href="#{here}--{anchor}">{html.escape(title)}</a>' for anchor, title in leaf.sections
        )
        out.append(f"<ol>{entry(here, leaf.title, numbers)}</ol>" + (f"<small>{sections}</small>" if sections else ""))
    if any(leaf.solutions for leaf in bound):
        out.append(f"<ol>{entry(SOLUTIONS, 'Solutions', numbers)}</ol>")
    return "".join(out) + "</nav>"


def entry(anchor: str, title: str, numbers: dict[str, int]) -> str:
    number = numbers.get(anchor, "")
    return f'<li><a href="#{anchor}"><span>{html.escape(title)}</span><span>{number}</span></a></li>'


def solved(bound: list[leaves.Leaf]) -> str:
    """What solves the exercises, chapter by chapter."""
    out = [
        f'<h2><a href="#{leaves.slug(leaf.page)}">{html.escape(leaf.title)}</a></h2>'
        + leaves.mark("".join(leaf.solutions), f"{leaves.slug(leaf.page)}--")
        for leaf in bound
        if leaf.solutions
    ]
    return f'<article id="{SOLUTIONS}"><h1>Solutions</h1>{"".join(out)}</article>' if out else ""


def starts(reader: PdfReader) -> Iterator[tuple[str, int]]:
    """Each anchor that something links to, and its page, counted from 1."""
    for name, place in reader.named_destinations.items():
        number = reader.get_destination_page_number(place)
        if number is not None:
            yield name.removeprefix("/"), number + 1


def finish(output: Path, bound: list[leaves.Leaf], work: dict, numbers: dict[str, int]) -> int:
    """Add bookmarks and the document's data; return the number of pages."""
    writer = PdfWriter(clone_from=output)
    part, above = None, None
    for leaf in bound:
        here = leaves.slug(leaf.page)
        if leaf.part != part:
            part = leaf.part
            above = writer.add_outline_item(title=part, page_number=numbers[here] - 1) if part else None
        chapter = writer.add_outline_item(title=leaf.title, page_number=numbers[here] - 1, parent=above)
        for anchor, title in leaf.sections:
            writer.add_outline_item(title=title, page_number=numbers[f"{here}--{anchor}"] - 1, parent=chapter)
    if SOLUTIONS in numbers:
        writer.add_outline_item(title="Solutions", page_number=numbers[SOLUTIONS] - 1)
    writer.add_metadata({
        "/Title": work["title"],
        "/Author": ", ".join(one.get("name") or one["family-names"] for one in work["authors"]),
        "/Subject": f"Version {work['version']}",
    })  # fmt: skip
    writer.compress_identical_objects()
    writer.write(output)
    return len(writer.pages)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
