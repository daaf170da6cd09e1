"""Slides: made from the chapters' figures or not at all, turned by keyboard, read by everybody, printed whole."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import matplotlib.pyplot as plt
import polars as pl
import pytest

from mirage_lib.show import figures, theme
from tools import browser, slides

ROOT = Path(__file__).resolve().parent.parent
LECTURES = sorted(path.stem for path in slides.SCRIPTS.glob("*.md"))
SHOWN = ".slide.shown"
SCRIPT = "# A talk\nFor all.\n\n## One\nTwo words.\n\n![{}](part/chapter)\n\nNotes:\nSpeak.\n"
ALT = "One line that climbs from zero to one over two sizes"


@pytest.fixture(scope="module")
def small_site(tmp_path_factory) -> Path:
    """A site of one chapter, with a drawing and two tables as the library writes them."""
    site = tmp_path_factory.mktemp("site")
    (site / "book" / "part").mkdir(parents=True)
    with theme.style():
        drawing, axis = plt.subplots(figsize=(3, 2))
        axis.plot([1, 2], [0, 1])
    figure = figures.Figure(drawing, ALT, "It climbs. With scripts on, the controls change it.", pl.DataFrame({"n": [1]}))
    tables = [figures.Table(pl.DataFrame({"n": range(rows)}), name) for rows, name in ((3, "Odds"), (40, "Too many"))]
    page = "".join(part._repr_html_() for part in (figure, *tables))
    (site / "book" / "part" / "chapter.html").write_text(page)
    return site


def test_a_figure_comes_with_its_text_for_who_cannot_see_it_and_without_what_only_scripts_can_do(small_site):
    page = slides.deck(SCRIPT.format("climbs"), small_site, "..")
    assert f'aria-label="{ALT}"' in page
    assert "<figcaption>It climbs.</figcaption>" in page
    assert "The numbers" not in page
    assert 'href="../book/part/chapter.html"' in page


def test_a_figure_shown_twice_does_not_share_its_ids(small_site):
    once = SCRIPT.format("climbs")
    page = slides.deck(once + once[once.index("## One") :], small_site, "..")
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids)) > 10
    assert {target for target in re.findall(r'(?:url\(#|xlink:href="#)([^")]+)', page)} <= set(ids)


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        (SCRIPT.format("nowhere"), "slide 'One', chapter part/chapter: 0 figures or tables are called 'nowhere'.*It climbs"),
        (SCRIPT.format("s"), "slide 'One', chapter part/chapter: 2 figures"),
        (SCRIPT.format("Too many"), "slide 'One', chapter part/chapter: the table 'Too many' has 40 rows: at most 14"),
        (SCRIPT.format("climbs").replace("part/chapter", "part/other"), "slide 'One': no built page .*other.html"),
        (SCRIPT.format("climbs").replace("Two words.", "word " * 41), "slide 'One' has 41 words: at most 40"),
        (SCRIPT.format("climbs").replace("Notes:", "Note:"), "slide 'One' has no speaker notes"),
        ("No title", "starts with '# title'"),
    ],
)
def test_what_a_slide_cannot_be_made_from_is_named(small_site, script, complaint):
    with pytest.raises((LookupError, ValueError), match=complaint):
        slides.deck(script, small_site, "..")


def test_a_build_without_a_slides_figure_fails_and_names_the_slide(tmp_path):
    book = tmp_path / "book"
    shutil.copytree(ROOT / "book" / "_ext", book / "_ext", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "book" / "_static", book / "_static")
    shutil.copy(ROOT / "book" / "references.bib", book)
    shutil.copy(ROOT / "_config.yml", tmp_path)
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/teaching/guide\n")
    (book / "teaching").mkdir()
    (book / "teaching" / "guide.md").write_text("# For teachers\n")
    build = [sys.executable, ROOT / "tools" / "build.py", "--source", tmp_path]
    done = subprocess.run(build, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode != 0
    assert re.search(r"no slides: \w+\.md: slide '.+': no built page", done.stdout + done.stderr)


class Text(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.alts, self.sources = [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag == "svg":
            self.alts.append(found.get("aria-label"))
        self.sources += [found[name] for name in ("src", "srcset", "data") if name in found]
        if tag == "link":
            self.sources.append(found.get("href"))


@pytest.mark.parametrize("lecture", LECTURES)
def test_the_sites_slides_hold_the_chapters_figures_as_they_are_and_nothing_from_outside(site, lecture):
    page = (site / "slides" / f"{lecture}.html").read_text()
    _, _, script = slides.read((slides.SCRIPTS / f"{lecture}.md").read_text())
    text = Text(page)
    assert not text.sources
    assert not re.search(r"(?:url\(|@import |fetch\()['\"]?(?!#)\w", page)
    drawn = [chapter for slide in script for _, chapter in slide.pictures]
    chapters = {chapter: (site / "book" / f"{chapter}.html").read_text() for chapter in set(drawn)}
    known = {alt for chapter in chapters.values() for alt in Text(chapter).alts if alt}
    assert set(text.alts) <= known
    assert len(text.alts) + page.count('<table class="mirage-table"') == len(drawn)
    for link in re.findall(r'href="([^"#]+)', page):
        assert (site / "slides" / link).resolve().exists(), link


@pytest.mark.parametrize("lecture", LECTURES)
def test_the_keyboard_turns_slides_shows_notes_and_the_address_remembers(open_page, lecture):
    page = open_page(f"slides/{lecture}.html", viewport={"width": 1280, "height": 720})
    count = page.locator(".slide").count()
    heading = lambda: page.locator(f"{SHOWN} :is(h1, h2)").inner_text()  # noqa: E731
    first = heading()
    page.keyboard.press("ArrowRight")
    assert page.locator(SHOWN).count() == 1
    assert heading() != first
    assert page.evaluate("document.activeElement.textContent") == heading()
    assert page.locator("[role=status]").inner_text() == f"Slide 2 of {count}"
    page.reload()
    assert page.locator("nav span").inner_text() == f"2 of {count}"
    notes = page.locator(f"{SHOWN} .notes")
    assert not notes.is_visible()
    page.keyboard.press("n")
    assert notes.is_visible()
    page.keyboard.press("End")
    assert page.locator("nav span").inner_text() == f"{count} of {count}"
    page.keyboard.press("PageDown")
    assert page.locator(SHOWN).count() == 1
    page.keyboard.press("Home")
    assert heading() == first


@pytest.mark.parametrize("lecture", LECTURES)
def test_without_scripts_every_slide_and_its_notes_are_there(open_page, lecture):
    page = open_page(f"slides/{lecture}.html", java_script_enabled=False)
    for part in (*page.locator(".slide").all(), *page.locator(".notes").all()):
        assert part.is_visible()
    assert not page.locator("nav").is_visible()


@pytest.mark.parametrize(("width", "height", "scheme"), [(1280, 720, "light"), (1280, 720, "dark"), (320, 640, "light")])
@pytest.mark.parametrize("lecture", LECTURES)
def test_each_slide_fits_the_screen_and_axe_finds_nothing(open_page, lecture, width, height, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(f"slides/{lecture}.html", color_scheme=scheme, viewport={"width": width, "height": height})
    for number in range(page.locator(".slide").count()):
        size = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        assert size[0] <= width, number + 1
        assert width < 900 or size[1] <= height, number + 1
        page.keyboard.press("PageDown")
    page.keyboard.press("n")
    # All at once, as they stand without scripts.
    page.evaluate("document.documentElement.classList.remove('one-by-one')")
    found = Axe().run(page, options={"resultTypes": ["violations"], "preload": False})
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("lecture", LECTURES)
def test_printing_gives_one_sheet_a_slide(site, lecture, tmp_path):
    from pypdf import PdfReader

    page = tmp_path / f"{lecture}.html"
    shutil.copy(site / "slides" / page.name, page)
    sheets = PdfReader(slides.to_pdf(page, browser.find())).pages
    title, _, script = slides.read((slides.SCRIPTS / page.with_suffix(".md").name).read_text())
    assert len(sheets) == len(script) + 1
    for sheet, name in zip(sheets, [title, *(slide.title for slide in script)], strict=True):
        assert name.split()[0] in sheet.extract_text()
