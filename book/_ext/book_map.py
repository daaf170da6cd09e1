"""The map of the book and the paths through it, made from the table of contents and the chapters.

``{book-map}`` lists every part with its chapters; ``{reading-path}`` names the chapters of one path in
order. Titles and minutes come from the chapters, so neither can go stale.
"""

from __future__ import annotations

import fnmatch
import math
import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LOG = logging.getLogger(__name__)
WORDS_A_MINUTE = 200
FIGURE_SECONDS = 20
"""What a figure or a table takes to look at."""
HANZI = re.compile("[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]")
WORDS_A_HANZI = 0.6
"""Chinese has no spaces: readers take about 330 characters a minute."""
SAID = {
    "en": {"path": "{} pages, about {} of reading.", "minutes": "{} minutes", "hours": "{} hours", "short": "{} min"},
    "zh_CN": {"path": "{} 页，阅读约 {}。", "minutes": "{} 分钟", "hours": "{} 小时", "short": "{} 分钟"},
}
NOT_READ = (nodes.literal_block, nodes.raw, nodes.table, nodes.comment, nodes.math_block)


class Pending(nodes.General, nodes.Element):
    """Where a map or a path will stand once all chapters are read; ``path`` is empty for the map."""


class BookMap(SphinxDirective):
    """All parts and chapters."""

    def run(self) -> list[nodes.Node]:
        return [_pending(self, [])]


class ReadingPath(SphinxDirective):
    """Chapters in order, one a line, as addresses from the root without ending.

    A line may hold a ``*`` (``book/idea/*``): all that match, in the order of the book. Then the path is long, the
    map shows it, and only its length is told.
    """

    has_content = True

    def run(self) -> list[nodes.Node]:
        return [_pending(self, [line.strip() for line in self.content if line.strip()])]


def _pending(directive: SphinxDirective, path: list[str]) -> Pending:
    node = Pending(path=path)
    directive.set_source_info(node)
    if not hasattr(directive.env, "mirage_maps"):
        directive.env.mirage_maps = set()
    directive.env.mirage_maps.add(directive.env.docname)
    return node


def parts(env: BuildEnvironment) -> list[tuple[str, list[str]]]:
    """Return the parts in order, each with its caption and its chapters."""
    root = env.config.root_doc
    found = []
    for toc in env.tocs[root].findall(lambda node: node.tagname == "toctree"):
        chapters = [target for _, target in toc["entries"] if target in env.titles]
        if chapters:
            found.append((toc.get("caption") or "", chapters))
    return found


def minutes(doctree: nodes.document) -> float:
    """Return how long the prose and the figures of a page take; code and exercises are not counted.

    A page has exercises from the heading of that name on.
    """
    words = figures = 0
    for node in doctree.findall(lambda n: isinstance(n, (nodes.Text, nodes.image, nodes.raw))):
        if _within_exercises(node):
            continue
        if isinstance(node, nodes.Text):
            words += 0 if _inside(node, NOT_READ) else _words(node.astext())
        elif isinstance(node, nodes.image) or "<svg" in node.astext() or "<table" in node.astext():
            figures += 1
    return words / WORDS_A_MINUTE + figures * FIGURE_SECONDS / 60


def _inside(node: nodes.Node, kinds: tuple) -> bool:
    while node.parent is not None:
        node = node.parent
        if isinstance(node, kinds):
            return True
    return False


def _within_exercises(node: nodes.Node) -> bool:
    while node.parent is not None:
        node = node.parent
        if isinstance(node, nodes.section) and "exercises" in node["ids"]:
            return True
    return False


def keep_minutes(app: Sphinx, doctree: nodes.document) -> None:
    if not hasattr(app.env, "mirage_minutes"):
        app.env.mirage_minutes = {}
    app.env.mirage_minutes[app.env.docname] = minutes(doctree)


def merge(app: Sphinx, env: BuildEnvironment, docnames: set[str], other: BuildEnvironment) -> None:
    """Take over what a parallel reader has counted."""
    for name, empty in (("mirage_minutes", {}), ("mirage_maps", set())):
        mine = getattr(env, name, empty)
        mine.update(getattr(other, name, empty))
        setattr(env, name, mine)


def pages_with_maps(app: Sphinx, env: BuildEnvironment) -> set[str]:
    """Write the maps again whenever any page was read."""
    return getattr(env, "mirage_maps", set()) & env.found_docs


def draw(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the map or the path in its place."""
    for node in list(doctree.findall(Pending)):
        whole = parts(app.env)
        if not node["path"]:
            boxes = [_part(app, docname, caption, chapters) for caption, chapters in whole]
            node.replace_self(nodes.container("", *boxes, classes=["mirage-map"]))
            continue
        known = [chapter for _, chapters in whole for chapter in chapters] + [app.config.root_doc]
        long = any("*" in line for line in node["path"])
        path = [found for line in node["path"] for found in (fnmatch.filter(known, line) if "*" in line else [line])]
        for chapter in [chapter for chapter in path if chapter not in known]:
            # A build of a few pages has only these; there the path is shorter and nobody is hurt.
            text = "%s is in a reading path and not in the table of contents"
            LOG.warning(text, chapter, location=node, type="mirage", subtype="path")
        path = [chapter for chapter in path if chapter in known]
        total = sum(app.env.mirage_minutes.get(chapter, 0) for chapter in path)
        said = SAID.get(app.config.language, SAID["en"])
        told = nodes.paragraph("", said["path"].format(len(path), _spoken(total, said)))
        shown = [told] if long else [told, _chapters(app, docname, path)]
        node.replace_self(nodes.container("", *shown, classes=["mirage-path"]))


def _part(app: Sphinx, docname: str, caption: str, chapters: list[str]) -> nodes.container:
    head = nodes.paragraph("", "", nodes.strong("", caption))
    return nodes.container("", head, _chapters(app, docname, chapters), classes=["mirage-part"])


def _chapters(app: Sphinx, docname: str, chapters: list[str]) -> nodes.enumerated_list:
    items, said = [], SAID.get(app.config.language, SAID["en"])
    for chapter in chapters:
        title = app.env.titles[chapter].deepcopy()
        link = nodes.reference("", "", *title.children, internal=True, refuri=app.builder.get_relative_uri(docname, chapter))
        took = math.ceil(app.env.mirage_minutes.get(chapter, 0))
        time = nodes.inline("", f" {said['short'].format(took)}", classes=["mirage-minutes"])
        items.append(nodes.list_item("", nodes.paragraph("", "", link, *([time] if took > 1 else []))))
    return nodes.enumerated_list("", *items, enumtype="arabic", prefix="", suffix=".")


def _words(text: str) -> float:
    """How many words a text has; a Chinese character counts as part of one.

    >>> _words("three short words"), _words("十个汉字也就是六个词")
    (3.0, 6.0)
    """
    return len(HANZI.sub(" ", text).split()) + WORDS_A_HANZI * len(HANZI.findall(text))


def _spoken(total: float, said: dict[str, str] = SAID["en"]) -> str:
    """Say a time in minutes or, from an hour and a half on, in half hours.

    >>> _spoken(21.2), _spoken(200)
    ('22 minutes', '3.5 hours')
    """
    if total < 90:
        return said["minutes"].format(math.ceil(total))
    return said["hours"].format(f"{math.ceil(total / 30) / 2:g}")


def setup(app: Sphinx) -> dict:
    app.add_node(Pending)
    app.add_directive("book-map", BookMap)
    app.add_directive("reading-path", ReadingPath)
    app.connect("doctree-read", keep_minutes)
    app.connect("env-merge-info", merge)
    app.connect("env-updated", pages_with_maps)
    app.connect("doctree-resolved", draw)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
