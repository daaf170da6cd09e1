"""Every term of the glossary is linked where a chapter uses it."""

import re
from pathlib import Path

import pytest

BOOK = Path(__file__).resolve().parent.parent / "book"
GLOSSARY = BOOK / "appendix" / "glossary.md"
TRANSLATED = {"a-model-of-it"}
"""Chapters whose sentences are keys of a translation: there a link costs a new translation."""
CHAPTERS = sorted(
    path
    for path in BOOK.glob("*/*.md")
    if path.parent.name not in ("appendix", "teaching") and path.stem not in TRANSLATED
)
EVERYDAY = {
    ("base-rates", "chance"),
    ("convolutional-network", "chance"),
    ("convolutional-network", "output"),
    ("every-curve", "chance"),
    ("score-and-noise", "chance"),
    ("which-metrics", "chance"),
}
"""Where a word stands in another sense: `chance` is luck, not a blind guess's score; a network's ten outputs."""
FENCE = re.compile(r"^(`{3,}|:{3,}).*?^\1[ \t]*$", re.MULTILINE | re.DOTALL)
MARKUP = re.compile(r"\{[\w:]+\}`[^`]*`|`[^`]*`|\$[^$]*\$|\[[^\]]*\]\([^)]*\)|<[^>]*>")


def terms() -> list[str]:
    text = GLOSSARY.read_text("utf-8")
    inside = text.split("```{glossary}")[1].split("\n```")[0]
    return [line for line in inside.splitlines() if line and not line.startswith(" ")]


def prose(text: str) -> str:
    """What a chapter says in sentences: no headings, cells or boxes, no guess, no exercises."""
    text = FENCE.sub("", re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL))
    sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    kept = [part for part in sections if not re.match(r"## (?:Exercises|Your guess)", part)]
    return "\n".join(line for part in kept for line in part.splitlines() if not line.startswith(("#", "|")))


def uses(term: str) -> re.Pattern:
    """A term in any of its usual forms."""
    stem = f"{re.escape(term[:-1])}(?:y|ies)" if term.endswith("y") else f"{re.escape(term)}s?"
    return re.compile(rf"(?<![\w-]){stem}(?![\w-])", re.IGNORECASE)


def unlinked(text: str) -> list[str]:
    """Terms that a chapter's prose has and nowhere links."""
    sentences = prose(text)
    linked = {found.lower() for found in re.findall(r"\{term\}`(?:[^`<]*<)?([^`<>]+)>?`", sentences)}
    bare = MARKUP.sub("", sentences)
    return [term for term in terms() if term.lower() not in linked and uses(term).search(bare)]


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_links_each_term_that_it_uses(chapter):
    missing = [term for term in unlinked(chapter.read_text("utf-8")) if (chapter.stem, term) not in EVERYDAY]
    assert not missing, f"{chapter.name} uses without a link: {', '.join(missing)}; write {{term}}`{missing[0]}`"


def test_the_check_sees_a_missing_link():
    assert unlinked("One metric and two seeds.\n\n```\ntoken\n```\n") == ["metric", "seed"]
    assert unlinked("One {term}`metric` and two {term}`seeds <seed>`; [a token](x.md).\n") == []


def test_the_glossary_is_in_order():
    assert terms() == sorted(terms(), key=str.lower)
