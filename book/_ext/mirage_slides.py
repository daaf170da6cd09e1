"""Write the lectures' slides beside the pages, from the pages' own figures, when the teacher's guide is built."""

from __future__ import annotations

from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

from tools import slides

LOG = logging.getLogger(__name__)
GUIDE = "book/teaching/guide"


def write_slides(app: Sphinx, error: Exception | None) -> None:
    """Write them, or warn, which fails a build, of the slide whose figure is not there."""
    if error is not None or app.builder.format != "html" or GUIDE not in app.env.found_docs:
        return
    site = Path(app.outdir)
    try:
        slides.write(site, site / "slides")
    except (LookupError, ValueError) as problem:
        LOG.warning("no slides: %s", problem.args[0], location=GUIDE, type="mirage", subtype="slides")


def setup(app: Sphinx) -> dict:
    app.connect("build-finished", write_slides)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
