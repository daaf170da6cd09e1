"""What the book's build adds to Sphinx: formulas as MathML, a guard on alternative text, own assets.

Formulas become MathML while building, so a page needs no script, no font and no network for them.
A picture without alternative text is a warning, and warnings fail the build.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.util import logging

from mirage_lib.show import theme

LOG = logging.getLogger(__name__)
SHORTEST_ALT = 10


def show_inline(translator, node: nodes.math) -> None:
    translator.body.append(convert(node.astext()))
    raise nodes.SkipNode


def show_block(translator, node: nodes.math_block) -> None:
    body = convert(node.astext(), display="block")
    anchor = "".join(f'<span id="{name}"></span>' for name in node["ids"])
    translator.body.append(f'<div class="math mirage-scroll" tabindex="0" role="group" aria-label="Formula">{anchor}{body}</div>\n')
    raise nodes.SkipNode


def guard_alternative_text(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Warn of every picture that says nothing to who cannot see it."""
    for picture in doctree.findall(nodes.image):
        if len(picture.get("alt", "").strip()) < SHORTEST_ALT:
            LOG.warning(
                "picture %s has no telling alternative text: say in words what it shows",
                picture.get("uri", "?"),
                location=picture if picture.source else docname,
                type="mirage",
                subtype="alt",
            )
    for raw in doctree.findall(nodes.raw):
        for tag in re.findall(r"<(?:img|svg)\b[^>]*>", raw.astext()):
            said = re.search(r'(?:alt|aria-label)="([^"]*)"', tag)
            hidden = 'aria-hidden="true"' in tag
            if not hidden and (said is None or len(said[1].strip()) < SHORTEST_ALT):
                LOG.warning(
                    "%s has no telling alternative text: say in words what it shows",
                    tag[:80],
                    location=docname,
                    type="mirage",
                    subtype="alt",
                )


def write_colours(app: Sphinx, config) -> None:
    """Write the theme's colours beside the hand-written style sheet and script."""
    made = Path(app.outdir).parent / "assets"
    made.mkdir(parents=True, exist_ok=True)
    (made / "colours.css").write_text(theme.css())
    config.html_static_path.append(str(made))
    config.templates_path.append("book/_templates")
    # Sphinx copies assets only when it writes a page; a changed asset has to make it write them.
    config.mirage_assets = digest(Path(app.srcdir, "book", "_static"), made)


def digest(*folders: Path) -> str:
    """Return one hash over the contents of all files below the folders."""
    whole = hashlib.sha256()
    for folder in folders:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            whole.update(path.name.encode() + path.read_bytes())
    return whole.hexdigest()


def show_citation(translator, node: nodes.citation) -> None:
    """Open an entry of the list of works; docutils gives it a role that ARIA has since given up."""
    if not isinstance(node.previous_sibling(), nodes.citation):
        translator.body.append('<div role="list" class="citation-list">\n')
    translator.body.append(translator.starttag(node, "div", classes=["citation"], role="listitem"))


def leave_citation(translator, node: nodes.citation) -> None:
    translator.body.append("</div>\n")
    if not isinstance(node.next_node(descend=False, siblings=True), nodes.citation):
        translator.body.append("</div>\n")


def setup(app: Sphinx) -> dict:
    app.add_config_value("mirage_assets", "", "html")
    app.add_html_math_renderer("mathml", (show_inline, None), (show_block, None))
    app.connect("config-inited", write_colours)
    app.connect("doctree-resolved", guard_alternative_text)
    app.add_node(nodes.citation, override=True, html=(show_citation, leave_citation))
    app.add_css_file("colours.css")
    app.add_css_file("mirage.css")
    for script in ("data.js", "explorer.js", "curves.js"):
        app.add_js_file(script)
    app.add_js_file("drawers.js", loading_method="defer")
    app.add_js_file("threshold.js", loading_method="defer")
    app.add_css_file("landing.css")
    app.add_js_file("switch.js", loading_method="defer")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
