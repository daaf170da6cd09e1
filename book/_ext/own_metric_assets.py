"""What the own-metric cell needs beside its page: script and style there only, and the strings as data.

The strings are written while building, from the frozen outputs, so that they are never older than them.
"""

from __future__ import annotations

import json
from pathlib import Path

from sphinx.application import Sphinx

CELL = 'class="mirage-own-metric"'


def load_with_the_cell(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Let a page that has the cell load its script and style; all others stay light."""
    if CELL in context.get("body", ""):
        app.add_css_file("own-metric.css")
        app.add_js_file("own-metric.js", loading_method="defer")


def write_data(app: Sphinx, error: Exception | None) -> None:
    """Write the strings as a script, which a page opened from a disk may load as well."""
    if error is not None or app.builder.format != "html":
        return
    if not any(CELL in page.read_text() for page in Path(app.outdir).rglob("*.html")):
        return
    from mirage_lib import outputs
    from mirage_lib.show import own_metric

    data = own_metric.data(outputs.load("arithmetic-ladder"))
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    Path(app.outdir, "_static", "own-metric-data.js").write_text(f"mirageParts.data = {text};\n", encoding="utf-8")


def setup(app: Sphinx) -> dict:
    app.connect("html-page-context", load_with_the_cell)
    app.connect("build-finished", write_data)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
