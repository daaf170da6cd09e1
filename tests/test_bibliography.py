"""Every entry of the bibliography is cited, complete, and not marked as unchecked."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIB = (ROOT / "book" / "references.bib").read_text("utf-8")
ENTRIES = {match[2]: (match[1], match[0]) for match in re.finditer(r"^@(\w+)\{([^,]+),.*?^\}", BIB, re.MULTILINE | re.DOTALL)}
NEEDED = {
    "article": ("author", "title", "journal", "year"),
    "inproceedings": ("author", "title", "booktitle", "year"),
    "misc": ("author", "title", "year", "url"),
    "techreport": ("author", "title", "institution", "year"),
}


def cited() -> set[str]:
    pages = [path.read_text("utf-8") for path in (ROOT / "book").rglob("*.md")]
    found = [key for page in pages for keys in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", page) for key in keys.split(",")]
    return {key.strip() for key in found}


def test_what_is_cited_is_listed_and_what_is_listed_is_cited():
    assert len(ENTRIES) == BIB.count("\n@") > 40
    assert cited() == set(ENTRIES)


def test_every_entry_is_complete_for_its_kind():
    for key, (kind, text) in ENTRIES.items():
        missing = [name for name in NEEDED[kind] if not re.search(rf"\b{name}\s*=\s*\{{.+\}}", text)]
        assert not missing, f"{key} lacks {', '.join(missing)}"


def test_no_entry_waits_for_a_check():
    assert not re.search(r"verify|from memory|todo", BIB, re.IGNORECASE)
