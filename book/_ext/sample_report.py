"""The directive ``{sample-report}``: a report of ``mirage audit --demo``, made with the site, and a link to it.

The report is written while building, from the frozen outputs, so that it is never older than the library.
"""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

NAME = "sample-audit.html"
SAID = "A finished report on these thirteen models"
USED = "mirage_sample_report"


class SampleReport(SphinxDirective):
    """Link the report where there is a site; elsewhere name the command that writes it."""

    def run(self) -> list[nodes.Node]:
        if self.env.app.builder.format != "html" or self.env.app.builder.name == "epub":
            return [nodes.paragraph("", f"{SAID} is on the site; mirage audit --demo writes the same.")]
        setattr(self.env, USED, True)
        up = "../" * self.env.docname.count("/")
        places = [(f"{up}_static/{NAME}", SAID, ""), (f"{up}_static/{NAME.replace('html', 'json')}", "its numbers as JSON", " download")]
        links = " (and ".join(f'<a href="{place}"{more}>{said}</a>' for place, said, more in places)
        return [nodes.raw("", f"<p>{links}) was made with this site.</p>", format="html")]


def write(app: Sphinx, error: Exception | None) -> None:
    """Write the report and its JSON among the static files of a site that links them."""
    if error is not None or not getattr(app.env, USED, False):
        return
    import polars as pl

    from mirage_lib import outputs
    from mirage_lib.audit import findings, logs, report
    from mirage_lib.cli.audit import DEMO

    name, seed = DEMO
    table = outputs.load(name).filter(pl.col("seed") == seed)
    read = logs.Logs({"text": table}, (logs.Source(name, "the book's frozen outputs", table.height),))
    report.save(read, findings.examine(read.tables), Path(app.outdir, "_static", NAME), "Audit of the book's arithmetic models")


def setup(app: Sphinx) -> dict:
    app.add_directive("sample-report", SampleReport)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
