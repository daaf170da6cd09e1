"""Slides of the book: short scripts and the figures of the built pages become one file a lecture.

    .venv/bin/python -m tools.slides                 _build/slides/<lecture>.html, and .pdf where Chromium is
    .venv/bin/python -m tools.slides --no-pdf        the pages only

A script is a Markdown file of `teaching/slides`. Its first line, `# ...`, names the lecture, each
`## ...` starts a slide. Below come at most 40 words, a figure or table of a chapter, and after a line
`Notes:` what the speaker says:

    ## The same answers, two rulers
    Nothing was asked again.

    ![The same answers, addition](arithmetic/change-the-metric)

    Notes:
    Ask for a show of hands first.

The image's text is a part of the caption, the alternative text or the id of the wanted figure. What is
not found, or fits more than one figure, is named and stops everything. The result asks for nothing
outside itself, works by keyboard, and shows all slides one below the other where scripts are off.
"""

import argparse
import html
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from mirage_lib.show import theme
from tools import browser

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = ROOT / "teaching" / "slides"
SITE = ROOT / "_build" / "html"
MOST_WORDS = 40
MOST_ROWS = 14
PDF_SECONDS = 120

FIGURE = re.compile(r'<figure class="mirage-figure.*?</figure>', re.S)
TABLE = re.compile(r'<table class="mirage-table"><caption>.*?</table>', re.S)
PICTURE = re.compile(r"^!\[([^\]]*)\]\(([\w/-]+)\)\s*$", re.M)
TAG = re.compile(r"<[^>]+>")
FOR_SCRIPTS = re.compile(r"\s*With scripts on, [^.]*\.")


@dataclass(frozen=True)
class Slide:
    """One slide of a script.

    Attributes
    ----------
    title, text, notes : str
        The title is plain; the others are Markdown.
    pictures : tuple of (str, str)
        Words that only the wanted figure has, and its chapter.
    """

    title: str
    text: str
    notes: str
    pictures: tuple[tuple[str, str], ...]


def read(script: str) -> tuple[str, str, list[Slide]]:
    """Split a script into the lecture's title, what stands below it, and its slides.

    Raises
    ------
    ValueError
        For a script without a title or slides, a slide of more than 40 words, or one without notes.

    >>> title, lead, slides = read("# A talk\\nFor all.\\n\\n## One\\nTwo words.\\n\\nNotes:\\nSpeak.")
    >>> title, lead, slides[0].text, slides[0].notes
    ('A talk', 'For all.', 'Two words.', 'Speak.')
    """
    head, *parts = re.split(r"^## ", script.strip(), flags=re.M)
    title, _, lead = head.partition("\n")
    if not title.startswith("# ") or not parts:
        raise ValueError("a script starts with '# title' and has slides that start with '## title'")
    slides = []
    for part in parts:
        name, _, body = part.partition("\n")
        shown, found, notes = body.partition("\nNotes:")
        if not found or not notes.strip():
            raise ValueError(f"slide {name!r} has no speaker notes: write them after a line 'Notes:'")
        text = PICTURE.sub("", shown).strip()
        if (words := len(text.split())) > MOST_WORDS:
            raise ValueError(f"slide {name!r} has {words} words: at most {MOST_WORDS}, move the rest to its notes")
        slides.append(Slide(name.strip(), text, notes.strip(), tuple(PICTURE.findall(shown))))
    return title[2:].strip(), lead.strip(), slides


def plain(markup: str) -> str:
    """The words of some HTML, spaces made equal.

    >>> plain("<b>Two</b>  words &amp; more")
    'Two words & more'
    """
    return " ".join(html.unescape(TAG.sub("", markup)).split())


def names(markup: str) -> list[str]:
    """By what a figure or table can be asked for: caption, alternative text, id."""
    captions = re.findall(r"<(?:figcaption|caption)>(.*?)</(?:figcaption|caption)>", markup, re.S)
    alts = re.findall(r'<svg role="img" aria-label="([^"]*)"', markup)
    return [plain(name) for name in captions + alts] + re.findall(r'<figure [^>]*id="([^"]+)"', markup)


def find(page: str, wanted: str) -> str:
    """The one figure or table of a page with some words in its caption, alternative text or id.

    Parameters
    ----------
    page : str
        HTML of a built chapter.

    Raises
    ------
    LookupError
        If there is none, or more than one.

    >>> find('<table class="mirage-table"><caption>Odds</caption></table>', "Odd")
    '<table class="mirage-table"><caption>Odds</caption></table>'
    """
    there = [m[0] for m in FIGURE.finditer(page)] + [m[0] for m in TABLE.finditer(page)]
    hits = [markup for markup in there if any(wanted in name for name in names(markup))]
    if len(hits) != 1:
        known = "; ".join(repr(names(markup)[0][:60]) for markup in (hits or there) if names(markup))
        raise LookupError(f"{len(hits)} figures or tables are called {wanted!r}. There are: {known}")
    return hits[0]


def adapt(markup: str, salt: str) -> str:
    """A figure or table of a page as a slide needs it: drawing and caption, own ids, nothing that moves.

    Raises
    ------
    ValueError
        If a table has too many rows to be read from the last bench.
    """
    if markup.startswith("<table"):
        if (rows := markup.count("<tr>") - 1) > MOST_ROWS:
            raise ValueError(f"the table {names(markup)[0]!r} has {rows} rows: at most {MOST_ROWS} fit a slide")
        label = html.escape(names(markup)[0])
        return f'<div class="wide" tabindex="0" role="region" aria-label="{label}">{markup}</div>'
    drawing = re.search(r"<svg role=.*</svg>", markup, re.S)[0]
    drawing = re.sub(r'\bid="([^"]+)"', rf'id="\1-{salt}"', drawing)
    drawing = re.sub(r'(url\(#|href="#)([^")]+)', rf"\1\2-{salt}", drawing)
    caption = FOR_SCRIPTS.sub("", re.search(r"<figcaption>(.*?)</figcaption>", markup, re.S)[1])
    return (
        f'<figure><div class="wide" tabindex="0" role="group" aria-label="Drawing">{drawing}</div>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def deck(script: str, site: Path, home: str) -> str:
    """Write a script and the figures that it names as one HTML page.

    Parameters
    ----------
    site : folder
        The built pages.
    home : str
        The way from the written file to that folder, as a relative address.

    Raises
    ------
    ValueError, LookupError
        With the slide's title, for what :func:`read`, :func:`find` and :func:`adapt` refuse.
    """
    title, lead, slides = read(script)
    say = MarkdownIt().render
    pages: dict[str, str] = {}
    sections = [f'<section class="slide" id="s1"><h1 tabindex="-1">{html.escape(title)}</h1>{say(lead)}</section>']
    for number, slide in enumerate(slides, start=2):
        shown = []
        for wanted, chapter in slide.pictures:
            path = site / "book" / f"{chapter}.html"
            try:
                if chapter not in pages:
                    pages[chapter] = path.read_text(encoding="utf-8")
                found = find(pages[chapter], wanted)
                shown.append(adapt(found, f"s{number}"))
            except FileNotFoundError:
                raise LookupError(f"slide {slide.title!r}: no built page {path}; run `make book` first") from None
            except (LookupError, ValueError) as error:
                raise type(error)(f"slide {slide.title!r}, chapter {chapter}: {error}") from None
            anchor = re.search(r'<figure [^>]*id="([^"]+)"', found)
            link = f"{home}/book/{chapter}.html" + (f"#{anchor[1]}" if anchor else "")
            shown.append(f'<p class="source"><a href="{link}">In the chapter: {html.escape(chapter)}</a></p>')
        text = say(slide.text).replace('href="book/', f'href="{home}/book/')
        kind = "slide pictured" if shown else "slide"
        sections.append(
            f'<section class="{kind}" id="s{number}"><h2 tabindex="-1">{html.escape(slide.title)}</h2>'
            f'<div class="text">{text}</div><div class="picture">{"".join(shown)}</div>'
            f'<aside class="notes" aria-label="Notes: {html.escape(slide.title)}">{say(slide.notes)}</aside></section>'
        )
    look, moves = ((SCRIPTS / f"slides.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{colours()}{look}</style></head><body>"
        f"<main>{''.join(sections)}</main>"
        '<nav aria-label="Slides" hidden></nav><p class="spoken" role="status" aria-live="polite"></p>'
        f"<script>{moves}</script></body></html>\n"
    )


def colours() -> str:
    """The figures' colours as style rules: as the system wants, as the reader chose, light on paper."""

    def block(index: int) -> str:
        return "".join(f"--mirage-{name}:{pair[index]};" for name, pair in theme.COLOURS.items())

    paper, night = ("--paper:#fff;--soft:#f3f4f6;" + block(0)), ("--paper:#14181d;--soft:#20262e;" + block(1))
    return (
        f":root{{{paper}}}"
        f"@media screen and (prefers-color-scheme: dark){{:root:not([data-theme=light]){{{night}}}}}"
        f"@media screen{{:root[data-theme=dark]{{{night}}}}}"
    )


def write(site: Path, folder: Path, scripts: Path = SCRIPTS) -> list[Path]:
    """Write every script as a page of slides into a folder; return the files.

    Raises
    ------
    ValueError, LookupError
        With the script's name and the slide's title.
    """
    folder.mkdir(parents=True, exist_ok=True)
    home = Path(os.path.relpath(site, folder)).as_posix()
    made = []
    for script in sorted(scripts.glob("*.md")):
        try:
            text = deck(script.read_text(encoding="utf-8"), site, home)
        except (ValueError, LookupError) as error:
            raise type(error)(f"{script.name}: {error}") from None
        made.append(folder / f"{script.stem}.html")
        made[-1].write_text(text, encoding="utf-8")
    return made


def to_pdf(page: Path, chromium: Path) -> Path:
    """Print a page of slides, one slide a sheet, beside it."""
    target = page.with_suffix(".pdf")
    subprocess.run(
        [chromium, *browser.FLAGS, "--headless", "--no-pdf-header-footer", f"--print-to-pdf={target}", page.as_uri()],
        check=True,
        capture_output=True,
        timeout=PDF_SECONDS,
    )
    return target


def main(arguments: list[str]) -> str | None:
    """Write the slides from the built site; return a complaint if that cannot be done."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", type=Path, default=SITE, help="the built pages")
    parser.add_argument("--output", type=Path, default=ROOT / "_build" / "slides")
    parser.add_argument("--no-pdf", action="store_true", help="write no PDF")
    options = parser.parse_args(arguments)
    try:
        made = write(options.site.resolve(), options.output.resolve())
    except (ValueError, LookupError) as error:
        return f"No slides: {error.args[0]}"
    chromium = None if options.no_pdf else browser.find()
    for page in made:
        print(page, *([to_pdf(page, chromium)] if chromium else []), sep="\n")
    if chromium is None and not options.no_pdf:
        print("No Chromium here, so no PDF: print the pages from any browser, one slide comes on each sheet.")
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
