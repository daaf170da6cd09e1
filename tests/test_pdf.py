"""The PDF of the whole book: all chapters in order, nothing empty, nothing cut off."""

import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from pypdf import PdfReader

from tools import leaves, pdf

ROOT = Path(__file__).resolve().parent.parent
TOC = ROOT / "_toc.yml"
MOST_BYTES = 15_000_000


@pytest.fixture(scope="module")
def reader(site, tmp_path_factory) -> PdfReader:
    output = tmp_path_factory.mktemp("pdf") / "book.pdf"
    # A process of its own, since a browser of these tests may be running in this one.
    command = [sys.executable, "-m", "tools.pdf", "--site", site, "--toc", TOC, "--output", output]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr  # It names what is wider than a page.
    assert output.stat().st_size < MOST_BYTES
    return PdfReader(output)


@pytest.fixture(scope="module")
def bound(site) -> list[leaves.Leaf]:
    return leaves.all_leaves(site, TOC, pdf.address)


def titles(outline: list) -> list:
    return [titles(item) if isinstance(item, list) else item.title for item in outline]


def squeezed(text: str) -> str:
    """Text without white space and ligatures, which a PDF sets as it likes."""
    return "".join(unicodedata.normalize("NFKC", text).split())


def test_bookmarks_are_the_table_of_contents(reader, bound):
    expected, part = [], ""
    for leaf in bound:
        if leaf.part and leaf.part != part:
            expected += [leaf.part, []]
        part = leaf.part
        here = expected[-1] if part else expected
        here += [leaf.title, *([[title for _, title in leaf.sections]] if leaf.sections else [])]
    assert titles(reader.outline)[: len(expected)] == expected
    assert titles(reader.outline)[len(expected) :] == ["Solutions"]


def test_a_bookmark_leads_to_its_title(reader, bound):
    def flat(outline):
        for item in outline:
            yield from flat(item) if isinstance(item, list) else [item]

    pages = {item.title: reader.get_destination_page_number(item) for item in flat(reader.outline)}
    for leaf in bound:
        assert squeezed(leaf.title) in squeezed(reader.pages[pages[leaf.title]].extract_text()), leaf.title


def test_no_page_is_blank(reader):
    assert len(reader.pages) > 100
    for number, page in enumerate(reader.pages, start=1):
        said = page.extract_text().replace(str(number), "").strip()
        assert any(letter.isalpha() for letter in said), f"page {number} says only {said!r}"


def test_links_lead_into_the_book_or_to_the_net(reader):
    inner = 0
    known = reader.named_destinations
    for page in reader.pages:
        for link in page.get("/Annots", []):
            action = link.get_object().get("/A", {})
            assert not str(action.get("/URI", "")).startswith("file:"), action
            place = link.get_object().get("/Dest", action.get("/D"))
            if isinstance(place, str):
                inner += 1
                assert str(place) in known or f"/{str(place).lstrip('/')}" in known, place
    assert inner > 500


def test_contents_give_the_pages_where_chapters_begin(reader, bound):
    contents = squeezed("".join(page.extract_text() for page in reader.pages[1:5]))
    starts = dict(pdf.starts(reader))
    for leaf in bound:
        assert squeezed(leaf.title) + str(starts[leaves.slug(leaf.page)]) in contents


def test_what_is_too_wide_is_named(site, chromium, tmp_path):
    leaf = leaves.Leaf("book/wide", "", "Wide", [], '<h1>Wide</h1><svg width="900" height="9" aria-label="a bar"></svg>')
    work = {"title": "A: b", "authors": [{"name": "c"}], "version": "1", "date-released": "2026-01-01"}
    _, wide = pdf.bind(chromium, site, [leaf], work, tmp_path / "wide.pdf")
    assert wide == ["wide: svg a bar"]
