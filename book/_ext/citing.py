"""Puts "Cite this chapter" at the foot of each chapter: a sentence and a BibTeX entry.

Authors, year, version and the book's title are CITATION.cff's, the chapter's title is the page's. An
address is given only where one is set: the site's (``html_baseurl``) or else the repository's.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

import yaml
from sphinx.application import Sphinx

import mirage_lib

CITATION = Path(mirage_lib.__file__).parents[1] / "CITATION.cff"
NO_CHAPTERS = ("bibliography", "changes", "figures", "glossary", "reproduce")
"""Pages of the appendix that nobody would cite."""


def sentence(chapter: str, work: dict, address: str = "") -> str:
    """The chapter as an entry of a list of references, in APA's manner, as HTML.

    >>> sentence("A jump?", {"authors": [{"name": "The makers"}], "title": "Jumps", "version": "1.0",
    ...          "date-released": "2026-01-02"})
    'The makers. (2026). A jump? In <em>Jumps</em> (Version 1.0).'
    """
    end = "" if chapter.endswith(("?", "!", ".", "？", "！")) else "."
    where = f" {html.escape(address)}" if address else ""
    return (
        f"{html.escape(_and(_authors(work), ', ', ', & '))}. ({_year(work)}). {html.escape(chapter)}{end} "
        f"In <em>{html.escape(work['title'])}</em> (Version {html.escape(str(work['version']))}).{where}"
    )


def bibtex(chapter: str, page: str, work: dict, address: str = "") -> str:
    """The chapter as a BibTeX entry.

    >>> print(bibtex("A jump?", "book/idea/a-jump", {"authors": [{"name": "The makers"}], "title": "Jumps",
    ...       "version": "1.0", "date-released": "2026-01-02"}))
    @incollection{mirage2026ajump,
      title = {A jump?},
      author = {{The makers}},
      booktitle = {Jumps},
      year = {2026},
      note = {Version 1.0}
    }
    """
    names = [author if "," in author else f"{{{author}}}" for author in _authors(work)]
    fields = {
        "title": chapter,
        "author": " and ".join(names),
        "booktitle": work["title"],
        "year": _year(work),
        "note": f"Version {work['version']}",
        **({"url": address} if address else {}),
    }
    key = f"mirage{_year(work)}{re.sub('[^a-z0-9]', '', page.rpartition('/')[2])}"
    body = ",\n".join(f"  {name} = {{{value}}}" for name, value in fields.items())
    return f"@incollection{{{key},\n{body}\n}}"


def _authors(work: dict) -> list[str]:
    """Names as `Family, Given`; groups as they are called."""
    return [
        author.get("name") or ", ".join(filter(None, (author.get("family-names"), author.get("given-names"))))
        for author in work["authors"]
    ]


def _and(names: list[str], between: str, last: str) -> str:
    return last.join([between.join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _year(work: dict) -> str:
    return str(work["date-released"])[:4]


def find_address(app: Sphinx, page: str) -> str:
    """Where the chapter stands on the net, or the book's repository, or nothing."""
    if app.config.html_baseurl:
        return app.config.html_baseurl.rstrip("/") + "/" + app.builder.get_target_uri(page)
    return app.config.html_theme_options.get("repository_url", "")


def add_box(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Add the folded box below a chapter's text."""
    folder, _, name = pagename.rpartition("/")
    if doctree is None or not folder.startswith("book/") or name in NO_CHAPTERS:
        return
    label = {"zh_CN": "引用本章"}.get(app.config.language, "Cite this chapter")
    title, address = app.env.titles[pagename].astext(), find_address(app, pagename)
    said = sentence(title, app.mirage_cited, address)
    entry = html.escape(bibtex(title, pagename, app.mirage_cited, address))
    context["body"] += (
        f'<details class="mirage-cite"><summary>{label}</summary><p>{said}</p>'
        f'<div class="highlight"><pre>{entry}</pre></div></details>'
    )


def read(app: Sphinx) -> None:
    """Read CITATION.cff, the one place of authors, version and date."""
    app.mirage_cited = yaml.safe_load(CITATION.read_text("utf-8"))


def setup(app: Sphinx) -> dict:
    app.connect("builder-inited", read)
    app.connect("html-page-context", add_box)
    app.add_css_file("citing.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
