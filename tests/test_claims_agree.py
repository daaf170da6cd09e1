"""One verdict everywhere: on the ledger's page, in the chapters, and on the command line."""

import contextlib
import html
import io
import json
import re
from pathlib import Path

import pytest

from mirage_lib import claims, cli

ROOT = Path(__file__).resolve().parent.parent
CARD = re.compile(r'<section id="([a-z0-9-]+)"><p><strong>.*?</strong></p><dl><dt>Verdict</dt><dd><strong>(.*?)</strong>\. (.*?)</dd>', re.S)
CELL = re.compile(r"^```\{code-cell\}.*?^```", re.S | re.M)
NAMED = {one.id for one in claims.ledger()}


def named_in(chapter: Path) -> set[str]:
    """Rows that a chapter's cells name."""
    code = "\n".join(CELL.findall(chapter.read_text()))
    return {name for name in re.findall(r'"([a-z0-9-]+)"', code) if name in NAMED}


def plain(text: str) -> str:
    """Words and numbers only, so that quotes and marks that a page sets otherwise do not count."""
    return " ".join(re.findall(r"[a-z0-9]+", html.unescape(re.sub(r"<[^>]+>", " ", text)).lower()))


CHAPTERS = {str(path.relative_to(ROOT / "book").with_suffix("")): named_in(path) for path in sorted((ROOT / "book").glob("*/*.md"))}
SHOWING = sorted(chapter for chapter, names in CHAPTERS.items() if names)


@pytest.fixture(scope="module")
def told() -> dict[str, dict]:
    """What ``mirage claims --json`` prints, by row."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert cli.main(["claims", "--json"]) == 0
    return {row["id"]: row for row in json.loads(printed.getvalue())}


def cards(page: Path) -> dict[str, tuple[str, str]]:
    """Verdicts and reasons on a page's cards, by row."""
    return {name: (html.unescape(verdict), html.unescape(because)) for name, verdict, because in CARD.findall(page.read_text())}


def test_the_page_of_the_ledger_has_every_row_as_the_command_prints_it(site, told):
    page = site / "book" / "appendix" / "claims.html"
    assert cards(page) == {name: (row["verdict"], row["because"]) for name, row in told.items()}
    text = plain(page.read_text())
    for row in claims.counts(claims.table()).rows():
        assert plain(" ".join(map(str, row))) in text


def test_every_card_in_a_chapter_says_what_the_command_prints(site, told):
    seen = 0
    for page in (site / "book").glob("*/*.html"):
        for name, found in cards(page).items():
            assert found == (told[name]["verdict"], told[name]["because"]), f"{page}: {name}"
            seen += 1
    assert seen > len(told), "no chapter shows a card"


@pytest.mark.parametrize("chapter", SHOWING)
def test_a_chapter_that_names_a_row_shows_its_verdict(site, told, chapter):
    text = plain((site / "book" / f"{chapter}.html").read_text())
    source = (ROOT / "book" / f"{chapter}.md").read_text()
    for name in CHAPTERS[chapter]:
        row = told[name]
        labels = [name, row["claim"], *re.findall(rf'"([^"\n]+)": "{name}"', source)]
        # By its reason, whose numbers are the row's own, or in a table or list beside what it is called there.
        reason = plain(row["because"]) in text
        verdicts = {verdict for verdict in claims.VERDICTS for label in labels if f"{plain(label)} {verdict} " in text}
        assert verdicts <= {row["verdict"]}, f"{chapter} says of {name}: {verdicts}, and it is {row['verdict']}"
        assert reason or verdicts or f"the verdict of the ledger {row['verdict']} " in text, f"{chapter} does not show that {name} is {row['verdict']}"
