"""Name the bound copies, PDF and EPUB, on the first page of the site: those that are there, and no others."""

from __future__ import annotations

import re
from pathlib import Path

FORMATS = {"mirage.pdf": "PDF", "mirage.epub": "EPUB"}
PLACE = re.compile(r"<!-- copies -->.*?<!-- end of copies -->", re.DOTALL)


def offer(site: Path, page: str) -> bool:
    """Write the links into a page of the site; return whether the page has a place for them.

    Parameters
    ----------
    site : folder of the built pages, in which the copies lie
    page : such as `book/intro`
    """
    path = site / f"{page}.html"
    text = path.read_text("utf-8")
    up = "../" * page.count("/")
    links = [
        f'<a href="{up}{name}" download>{kind} ({(site / name).stat().st_size / 1e6:.1f} MB)</a>'
        for name, kind in FORMATS.items()
        if (site / name).exists()
    ]
    said = f'<p class="mirage-copies">The whole book as one file: {", ".join(links)}.</p>' if links else ""
    path.write_text(PLACE.sub(lambda _: f"<!-- copies -->{said}<!-- end of copies -->", text), "utf-8")
    return PLACE.search(text) is not None
