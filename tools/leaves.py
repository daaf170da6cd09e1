"""Chapters as leaves of a bound book: the built pages, less all that needs a screen, a mouse or a script.

`tools/pdf.py` and `tools/epub.py` bind them. A leaf keeps text, formulas, code that the page shows,
figures and tables. What a page folds is opened where it is short, named where it is long, and, where
it solves an exercise, moved to the end of the book.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from bs4 import BeautifulSoup, Tag

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
NEEDS_A_SCREEN = (
    "script, style, fieldset, label, button, input, select, textarea, form, [hidden], a.headerlink, "
    ".mirage-controls, .mirage-status, .mirage-cite, .mirage-copies, .mirage-languages, "
    ".sd-summary-state-marker, .prev-next-footer, summary .expanded"
)
SHORT_ROWS, SHORT_COLUMNS = 8, 7
"""A folded table up to this size is shown."""
MOST_ROWS = 40
"""An open table is cut after so many rows."""
WEB = "in the web version"


@dataclass(frozen=True)
class Leaf:
    """One chapter, ready to be bound.

    Attributes
    ----------
    page : its name in the table of contents, such as `book/idea/resolution`
    part : the caption of its part, empty before the first
    title : as text
    sections : anchor and title of its second-level headings
    body : HTML
    solutions : HTML of what solves its exercises, each with the exercise's heading
    """

    page: str
    part: str
    title: str
    sections: list[tuple[str, str]]
    body: str
    solutions: list[str] = field(default_factory=list)


def order(toc: Path) -> list[tuple[str, str]]:
    """Parts and pages in the order of a `_toc.yml`: `(caption, page)`, the root first.

    Raises
    ------
    KeyError
        If the file has no `root`.
    """
    known = yaml.safe_load(toc.read_text("utf-8"))
    parts = known.get("parts") or [{"caption": "", "chapters": known.get("chapters", [])}]
    chapters = [(part.get("caption", ""), one["file"]) for part in parts for one in part["chapters"]]
    return [("", known["root"]), *chapters]


def slug(page: str) -> str:
    """A page's name as one word, for anchors and files.

    >>> slug("book/idea/resolution")
    'idea-resolution'
    """
    return page.removeprefix("book/").replace("/", "-")


def read(site: Path, page: str, part: str, link: Callable[[str, str], str], pages: set[str]) -> Leaf:
    """Make a leaf of a built page.

    Parameters
    ----------
    site : folder of the built pages
    page, part : as :func:`order` gives them
    link : makes the address of an anchor on another leaf, from its page and the anchor (may be empty)
    pages : all pages that are bound; a link to any other place on the site becomes plain text

    Raises
    ------
    FileNotFoundError
        If the page was not built.
    ValueError
        If it has no article.
    """
    path = site / f"{page}.html"
    if not path.exists():
        raise FileNotFoundError(f"{path} is not there: `make book` builds it")
    soup = BeautifulSoup(path.read_text("utf-8"), "html.parser")
    article = soup.select_one("article.bd-article")
    if article is None:
        raise ValueError(f"{path} has no article: has the theme changed?")
    canonical = soup.select_one('link[rel="canonical"]')
    address = canonical["href"] if canonical else f"{page}.html"

    name_explorers(soup, article, address, linked=canonical is not None)
    for noscript in article.select("noscript"):
        noscript.unwrap()
    for figure in article.select("figure.mirage-switch"):
        figure["data-ready"] = "true"  # Its style sheet hides the second panel until a script has run.
    for tag in article.select(NEEDS_A_SCREEN):
        if not tag.decomposed:
            tag.decompose()
    solutions = take_solutions(soup, article)
    for holder in (article, *solutions):
        unfold(soup, holder)
        shorten(soup, holder)
        relink(holder, page, link, pages)
        for picture in holder.select("img[src]"):
            if ":" not in picture["src"]:
                picture["src"] = posixpath.normpath(posixpath.join(posixpath.dirname(page), picture["src"]))
        for tag in holder.select("[tabindex], [role=group], [role=region]"):
            for name in ("tabindex", "role", "aria-label"):
                tag.attrs.pop(name, None)
        for caption in holder.select("figure > figcaption"):
            caption.extend(list(caption.next_siblings))  # A caption has to be a figure's last element.
        drop_empty(holder)
    heading = article.select_one("h1")
    sections = [(tag.parent["id"], text(tag)) for tag in article.select("section > section[id] > h2")]
    body = article.decode_contents()
    return Leaf(page, part, text(heading), sections, body, [one.decode_contents() for one in solutions])


def text(tag: Tag) -> str:
    """What a tag says, on one line."""
    return " ".join(tag.get_text().split())


def name_explorers(soup: BeautifulSoup, article: Tag, address: str, linked: bool) -> None:
    """Write below each figure with controls where it can be changed."""
    for figure in article.select("figure[id]:has(.mirage-controls), figure[id]:has(fieldset)"):
        note = soup.new_tag("p", attrs={"class": "mirage-address"})
        note.append(f"To change it, {WEB}: ")
        place = f"{address}#{figure['id']}"
        where = soup.new_tag("a", href=place) if linked else soup.new_tag("span")
        where.string = place
        note.append(where)
        (figure.select_one("figcaption") or figure).insert_after(note)


def take_solutions(soup: BeautifulSoup, article: Tag) -> list[Tag]:
    """Take what solves an exercise out of the chapter; return it under the exercise's heading."""
    taken = []
    for section in article.select("section"):
        heading = section.find(["h2", "h3"], recursive=False)
        if heading is None or not text(heading).startswith("Exercise"):
            continue
        name = "Exercise"
        for block in list(section.find_all(True, recursive=False)):
            classes = block.get("class") or []
            if "admonition" in classes and block.name == "div":
                name = ": ".join(filter(None, map(text, reversed(block.select(".admonition-title, .exercise-label")))))
            solves = "tag_solution" in classes or "tag_hide-cell" in classes or "sd-dropdown" in classes
            if solves:
                holder = soup.new_tag("div", attrs={"class": "mirage-solution"})
                head = soup.new_tag("h3")
                head.string = name
                holder.extend([head, block.extract()])
                taken.append(holder)
    return taken


def unfold(soup: BeautifulSoup, holder: Tag) -> None:
    """Open what is folded if it is short, and say of the rest where it is."""
    for fold in holder.select("details"):
        if fold.decomposed:
            continue
        summary = fold.find("summary", recursive=False)
        said = text(summary) if summary else ""
        table, parents = fold.select_one("table"), fold.get("class") or []
        if "hide" in parents and fold.select_one(".cell_output") is None:
            fold.decompose()  # code that the page hides and whose results stand below it
            continue
        if table is not None and "hide" not in parents and fold.find_parent("figure"):
            rows = len(table.select("tbody tr"))
            columns = len(table.select("thead th"))
            if rows > SHORT_ROWS or columns > SHORT_COLUMNS:
                note = soup.new_tag("p", attrs={"class": "mirage-folded"})
                note.string = f"{said}: {rows} rows, {WEB}."
                fold.replace_with(note)
                continue
        if summary is not None:
            if "hide" in parents or said in ("The numbers", "Solution"):
                summary.decompose()
            else:
                summary.name, summary.attrs = "p", {"class": "mirage-unfolded"}
        fold.name, fold.attrs = "div", {"class": "mirage-open"}


def shorten(soup: BeautifulSoup, holder: Tag) -> None:
    """Cut tables that go on for pages, and say so."""
    for table in holder.select("table"):
        rows = table.select("tbody > tr")
        if len(rows) > MOST_ROWS:
            for row in rows[MOST_ROWS:]:
                row.decompose()
            note = soup.new_tag("p", attrs={"class": "mirage-folded"})
            note.string = f"The first {MOST_ROWS} of {len(rows)} rows; the others are {WEB}."
            table.insert_after(note)


def relink(holder: Tag, page: str, link: Callable[[str, str], str], pages: set[str]) -> None:
    """Point links at the leaves; make links to what is not bound plain text."""
    for tag in holder.select("a[href]"):
        href = tag["href"]
        if re.match(r"[a-z]+:", href):
            continue
        path, _, anchor = href.partition("#")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(page), path)) if path else f"{page}.html"
        target = target.removesuffix(".html")
        if target in pages:
            tag["href"] = link(target, anchor.partition("?")[0])
        else:
            tag.unwrap()


def drop_empty(holder: Tag) -> None:
    """Remove boxes in which nothing is left."""
    kept = "svg, img, math, table, hr, pre, video, canvas"
    for tag in reversed(holder.select("div, p, section, details, ul, figure, span.mirage-guess")):
        if not tag.get_text(strip=True) and tag.select_one(kept) is None and not tag.get("id"):
            tag.decompose()


def mark(html: str, prefix: str) -> str:
    """Prefix every anchor of a leaf, and what points at it, so that leaves can stand in one document.

    >>> mark('<p id="a"><svg clip-path="url(#b)"><use xlink:href="#c"/></svg>', "x-")
    '<p id="x-a"><svg clip-path="url(#x-b)"><use xlink:href="#x-c"/></svg>'
    """
    html = re.sub(r'(<[^<>]*?\sid=")', rf"\1{prefix}", html)
    html = re.sub(r'(<use[^<>]*?href="#)', rf"\1{prefix}", html)
    return html.replace("url(#", f"url(#{prefix}")


def all_leaves(site: Path, toc: Path, link: Callable[[str, str], str]) -> list[Leaf]:
    """Every chapter that the table of contents lists, as a leaf."""
    listed = order(toc)
    pages = {page for _, page in listed}
    return [read(site, page, part, link, pages) for part, page in listed]
