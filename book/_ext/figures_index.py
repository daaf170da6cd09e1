"""Makes figures findable: an address for each, its words in the search index, a page that lists them all.

A chapter's figures are HTML that cells returned, so to Sphinx they have no captions and no targets,
and what a drawing says to who cannot see it stands inside a tag, which the search index skips.
"""

from __future__ import annotations

import html
import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

LOG = logging.getLogger(__name__)
PUBLISHED = "book/appendix/published-figures.toml"
WORDS_IN_ADDRESS = 7
HEAD = re.compile(r'<figure class="mirage-figure[^"]*"(?P<more>[^>]*)>')
CONTROLS = ('class="mirage-controls', "<fieldset")
SAID = re.compile(r'aria-label="([^"]*)"')
CAPTION = re.compile(r"<figcaption>(.*?)</figcaption>", re.DOTALL)
TAG = re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Found:
    """One figure of a page.

    Attributes
    ----------
    id : its anchor on the page
    caption, alt : as plain text
    moves : whether the reader can change it
    """

    id: str
    caption: str
    alt: str
    moves: bool


class searched(nodes.Element):  # noqa: N801  docutils' nodes are in lower case
    """Words that the search index takes and that no page shows."""


class figure_list(nodes.General, nodes.Element):  # noqa: N801
    """The place of the list of figures, filled when all pages have been read."""


class FigureList(SphinxDirective):
    """``{figure-list}``: every figure of the book; with ``published`` those that re-make the paper's."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        if self.arguments and self.arguments[0] != "published":
            raise self.error(f"figure-list takes nothing or 'published', not {self.arguments[0]!r}")
        return [figure_list("", published=bool(self.arguments))]


def address(caption: str, taken: set[str]) -> str:
    """An anchor from the first words of a caption, numbers left out since they are computed.

    >>> address("The 3 metrics agree, at 12 sizes.", set())
    'figure-the-metrics-agree-at-sizes'
    >>> address("The metrics agree.", {"figure-the-metrics-agree"})
    'figure-the-metrics-agree-2'
    """
    words = re.findall(r"[a-z][a-z'-]*", caption.lower().replace("’", "'"))[:WORDS_IN_ADDRESS]
    name = "-".join(["figure", *(word.strip("'-").replace("'", "") for word in words)])
    number = 1
    while (found := name if number == 1 else f"{name}-{number}") in taken:
        number += 1
    return found


def plain(text: str) -> str:
    """HTML as one line of text."""
    return " ".join(html.unescape(TAG.sub("", text)).split())


def label(text: str, taken: set[str]) -> tuple[str, list[Found]]:
    """Give each figure of a piece of HTML an id; return the HTML and what was found.

    >>> label('<figure class="mirage-figure"><svg aria-label="It rises"></svg>'
    ...       '<figcaption>A rise</figcaption></figure>', set())[1]
    [Found(id='figure-a-rise', caption='A rise', alt='It rises', moves=False)]
    """
    heads = list(HEAD.finditer(text))
    out, found = [text[: heads[0].start()] if heads else text], []
    for head, after in zip(heads, [*heads[1:], None]):
        body = text[head.end() : after.start() if after else len(text)]
        caption = CAPTION.search(body)
        caption = plain(caption[1]) if caption else ""
        drawing = re.search(r'<svg role="img"[^>]*>', body) or re.search(r"<svg[^>]*>", body)
        alt = SAID.search(drawing[0]) if drawing else None
        alt = plain(alt[1]) if alt else ""
        given = re.search(r'\sid="([^"]+)"', head["more"])
        name = given[1] if given else address(caption or alt, taken)
        taken.add(name)
        found.append(Found(name, caption, alt, any(mark in body for mark in CONTROLS)))
        out += [head[0] if given else f'{head[0][:-1]} id="{name}">', body]
    return "".join(out), found


def collect(app: Sphinx, doctree: nodes.document) -> None:
    """Label the figures of a page that was read, and remember them."""
    taken = set(doctree.ids)
    figures: list[Found] = []
    for raw in list(doctree.findall(nodes.raw)):
        if "html" not in raw.get("format", "") or "mirage-figure" not in raw.astext():
            continue
        text, found = label(raw.astext(), taken)
        raw.clear()
        raw += nodes.Text(text)
        figures += found
        alts = re.findall(r'<svg[^>]*aria-label="([^"]*)"', text)
        words = searched("", nodes.Text(" ".join(map(plain, alts))))
        raw.parent.insert(raw.parent.index(raw) + 1, words)
    store(app.env)[app.env.docname] = figures


def store(env) -> dict[str, list[Found]]:
    """The figures of all pages read so far, by page."""
    if not hasattr(env, "mirage_figures"):
        env.mirage_figures = {}
    return env.mirage_figures


def forget(app: Sphinx, env, docname: str) -> None:
    store(env).pop(docname, None)


def merge(app: Sphinx, env, docnames: set[str], other) -> None:
    store(env).update({name: store(other).get(name, []) for name in docnames})


def in_order(env) -> Iterator[str]:
    """The pages in the order of the table of contents."""
    waiting, seen = [env.config.root_doc], set()
    while waiting:
        page = waiting.pop(0)
        if page not in seen:
            seen.add(page)
            yield page
            waiting = [*env.toctree_includes.get(page, []), *waiting]


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write the lists where a page asks for them."""
    for place in list(doctree.findall(figure_list)):
        place.replace_self(published(app, docname) if place["published"] else everything(app, docname))


def everything(app: Sphinx, docname: str) -> list[nodes.Node]:
    """Each chapter with its figures, linked."""
    out = nodes.definition_list(classes=["mirage-figures"])
    for page in in_order(app.env):
        if figures := store(app.env).get(page):
            title = app.env.titles[page].astext()
            link = make_refnode(app.builder, docname, page, None, nodes.inline("", title))
            items = nodes.bullet_list()
            for one in figures:
                text = nodes.inline("", one.caption or one.alt)
                item = nodes.paragraph("", "", make_refnode(app.builder, docname, page, one.id, text))
                if one.moves:
                    item += nodes.inline("", " (you can change it)")
                items += nodes.list_item("", item)
            out += nodes.definition_list_item("", nodes.term("", "", link), nodes.definition("", items))
    return [out]


def published(app: Sphinx, docname: str) -> list[nodes.Node]:
    """The paper's figures by both numberings, and where they are re-made."""
    known = tomllib.loads(Path(app.srcdir, PUBLISHED).read_text("utf-8"))
    out = nodes.definition_list(classes=["mirage-figures"])
    for row in known["figure"]:
        here = nodes.paragraph()
        for place in row["here"]:
            page, _, anchor = place.partition("#")
            ids = {one.id: one for one in store(app.env).get(page, [])}
            if page not in app.env.titles or (anchor and anchor not in ids):
                offered = ", ".join(ids) or "no figure of that page, if there is one"
                LOG.warning("%s names %s, which is not there: choose from %s", PUBLISHED, place, offered)
                continue
            text = ids[anchor].caption if anchor else app.env.titles[page].astext()
            here += [nodes.Text("; ")] if here.children else []
            here += make_refnode(app.builder, docname, page, anchor or None, nodes.inline("", text))
        numbers = f"NeurIPS {row['neurips']}, preprint {row['preprint']}: "
        term = nodes.term("", "", nodes.strong("", numbers), nodes.Text(row["shows"]))
        out += nodes.definition_list_item("", term, nodes.definition("", here))
    return [out]


def search_page(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Give the search page, and only it, the words of the figures as a script: files cannot be fetched."""
    if pagename != "search" or app.builder.format != "html":
        return
    rows = [
        {"page": app.builder.get_target_uri(page), "title": app.env.titles[page].astext(), **asdict(one)}
        for page in in_order(app.env)
        for one in store(app.env).get(page, [])
    ]
    data = json.dumps(rows, ensure_ascii=False, separators=(",", ":"))
    Path(app.outdir, "_static", "figure-words.js").write_text(f"window.mirageFigures = {data};\n", "utf-8")
    app.add_js_file("figure-words.js", loading_method="defer")
    app.add_js_file("figure-search.js", loading_method="defer")


def skip(translator, node: nodes.Element) -> None:
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict:
    formats = ("html", "latex", "text", "man", "texinfo")
    app.add_node(searched, **{name: (skip, None) for name in formats})
    app.add_node(figure_list)
    app.add_directive("figure-list", FigureList)
    app.connect("doctree-read", collect)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("doctree-resolved", fill)
    app.connect("html-page-context", search_page)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
