"""Pages that exist in a second language: how readers go across, and what a run in that language writes.

A language is a folder of `locale`; `mirage_translated` in its `_config.yml` names the pages that exist in
it. They stand in a folder of their own below the English pages: `zh-cn/book/intro.html`.

A run in a second language starts from what the English run has read. It reads and writes its own pages
only, so that every reference, number and title of the other pages is known, and leads to English.
"""

from __future__ import annotations

import html
import re
from pathlib import Path

import yaml
from docutils import nodes
from myst_nb.ext.glue.roles import PasteTextRole
from sphinx.application import Sphinx
from sphinx.environment import CONFIG_OK, BuildEnvironment

ENGLISH = "en"
LEAVING = re.compile(r'<a (?=[^>]*href="(?P<up>(?:\.\./)+)[^"]*")(?![^>]*\bhreflang=)')
NAMED = re.compile(r'(?<= )(?P<attribute>aria-label|title|data-bs-title)="(?P<name>[^"]+)"')
COMPUTED = re.compile(r'<div class="(?=cell_(?:input|output)\b)')


def folder(language: str) -> str:
    """The folder of a language's pages below the English ones, which is its tag in small letters.

    >>> folder("zh_CN"), folder("en")
    ('zh-cn', '')
    """
    return "" if language == ENGLISH else language.replace("_", "-").lower()


def tag(language: str) -> str:
    """How HTML names a language.

    >>> tag("zh_CN")
    'zh-CN'
    """
    return language.replace("_", "-")


def offers(source: Path) -> dict[str, dict]:
    """For each second language of a book, its name for itself and the pages that exist in it."""
    found = {}
    for path in sorted((source / "locale").glob("*/_config.yml")):
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))["sphinx"]["config"]
        found[path.parent.name] = {"name": settings["mirage_language"], "pages": settings["mirage_translated"]}
    return found


class Glue(PasteTextRole):
    """`{glue:text}` that also works in a translated sentence, which Sphinx parses as a document of its own."""

    def run(self):
        if "nb_renderer" not in self.document and "::" not in self.text:
            key = self.text if ":" in self.text else f"{self.text}:s"
            self.text = f"/{self.document.settings.env.docname}.md::{key}"
        return super().run()


def keep_english(app: Sphinx) -> None:
    """In a second language, take over what the English run read, and write only what is translated."""
    app.mirage_offers = offers(Path(app.srcdir))
    if app.config.language == ENGLISH or app.builder.format != "html":
        return
    pages = app.config.mirage_translated
    relative = app.builder.get_relative_uri

    def across(start: str, target: str, typ: str | None = None) -> str:
        if target in pages or target not in app.env.all_docs:
            return relative(start, target, typ)
        return "../" * (start.count("/") + 1) + app.builder.get_target_uri(target, typ)

    app.builder.get_relative_uri = across
    write = app.builder.write
    app.builder.write = lambda build, updated, method="update": write(pages, pages, method)
    app.builder.search = False
    app.config.exclude_patterns += [f"{name}/**" for name in app.config.mirage_left_out]
    if missing := set(pages) - set(app.env.found_docs):
        raise ValueError(f"mirage_translated names {', '.join(sorted(missing))}: not in the table of contents")
    app.env.config_status = CONFIG_OK


def read_translated(app: Sphinx, env: BuildEnvironment, added: set, changed: set, removed: set) -> list[str]:
    """Name the pages that a run in a second language reads itself."""
    return [] if app.config.language == ENGLISH else list(app.config.mirage_translated)


def leave_formulas(app: Sphinx, doctree: nodes.document) -> None:
    """Keep displayed formulas out of what translators get: there is nothing to translate in them."""
    for formula in doctree.findall(nodes.math_block):
        formula["translatable"] = False


def offer(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Put links to the same page in other languages on top of the article, and into the head."""
    names = {ENGLISH: "English"} | {key: each["name"] for key, each in app.mirage_offers.items()}
    there = [ENGLISH, *(key for key, each in app.mirage_offers.items() if pagename in each["pages"])]
    own = app.config.language
    if doctree is None or len(there) < 2 or own not in there:
        return
    up = "../" * (pagename.count("/") + (own != ENGLISH))
    links, heads = [], []
    for key in there:
        address = "/".join(filter(None, (folder(key), app.builder.get_target_uri(pagename))))
        heads.append(f'<link rel="alternate" hreflang="{tag(key)}" href="{up}{address}"/>')
        says = f'lang="{tag(key)}" hreflang="{tag(key)}" rel="alternate" href="{up}{address}"'
        links.append(
            f'<span lang="{tag(key)}" aria-current="true">{names[key]}</span>'
            if key == own
            else f"<a {says}>{names[key]}</a>"
        )
    note = f'<p class="mirage-note">{html.escape(app.config.mirage_note)}</p>' if app.config.mirage_note else ""
    label = html.escape(app.config.mirage_languages_label)
    context["metatags"] += "\n".join(["", *heads])
    context["body"] = f'<nav class="mirage-languages" aria-label="{label}">{" ".join(links)}</nav>{note}{context["body"]}'


def mark_english(app: Sphinx, error: Exception | None) -> None:
    """In a second language, say of computed cells and of links to other pages that they are English.

    Names of controls that the theme has no translation for are those of `mirage_controls`.
    """
    if error is not None or app.config.language == ENGLISH or app.builder.format != "html":
        return
    controls = app.config.mirage_controls

    def named(found: re.Match) -> str:
        name = controls.get(found["name"])
        return f'{found["attribute"]}="{html.escape(name)}"' if name else found[0]

    for page in Path(app.outdir).rglob("*.html"):
        depth = len(page.relative_to(app.outdir).parts) - 1

        def leaving(link: re.Match) -> str:
            return link[0] + ('hreflang="en" ' if link["up"].count("../") > depth else "")

        text = LEAVING.sub(leaving, page.read_text(encoding="utf-8"))
        page.write_text(COMPUTED.sub('<div lang="en" class="', NAMED.sub(named, text)), encoding="utf-8")


def setup(app: Sphinx) -> dict:
    app.add_config_value("mirage_language", "English", "html")
    app.add_config_value("mirage_languages_label", "Language", "html")
    app.add_config_value("mirage_translated", [], "html")
    app.add_config_value("mirage_left_out", [], "html")
    app.add_config_value("mirage_note", "", "html")
    app.add_config_value("mirage_controls", {}, "html")
    app.setup_extension("myst_nb")
    app.registry.add_role_to_domain("glue", "text", Glue(), override=True)
    app.connect("builder-inited", keep_english)
    app.connect("env-get-outdated", read_translated)
    app.connect("doctree-read", leave_formulas)
    app.connect("html-page-context", offer)
    app.connect("build-finished", mark_english)
    app.add_css_file("languages.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
