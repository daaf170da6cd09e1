"""Adds the style sheets for paper, and the place where a page names the bound copies of the book.

One sheet is written by hand; the other has the theme's light colours, for both themes. `make pdf` and
`make epub` fill the place on the first page: what was not made is not offered.
"""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx

from mirage_lib.show import theme

COPIES = "<!-- copies --><!-- end of copies -->"

def light() -> str:
    """The light colours as they are, for a page whose reader chose the dark theme as well.

    >>> light().startswith('html, html[data-theme] {')
    True
    """
    pairs = "".join(f"  --mirage-{name}: {pair[0]};\n" for name, pair in theme.COLOURS.items())
    return f"html, html[data-theme] {{\n{pairs}}}\n"


def write(app: Sphinx, config) -> None:
    """Write the colours beside the style sheets."""
    made = Path(app.outdir).parent / "assets-print"
    made.mkdir(parents=True, exist_ok=True)
    (made / "print-colours.css").write_text(light(), "utf-8")
    config.html_static_path.append(str(made))


def leave_room(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Mark the place at the foot of the first page."""
    if pagename == app.config.root_doc:
        context["body"] += COPIES


def setup(app: Sphinx) -> dict:
    app.connect("config-inited", write)
    app.connect("html-page-context", leave_room, priority=400)
    app.add_css_file("print-colours.css", media="print", priority=900)
    app.add_css_file("print.css", media="print", priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
