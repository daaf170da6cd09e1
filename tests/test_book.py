"""The build itself: what has to stop it stops it, and what it made is whole."""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
import yaml

from tools import notebooks

ROOT = Path(__file__).resolve().parent.parent
HEAD = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A seeded chapter
"""
SEEDS = {
    "a sound chapter": ("Nothing wrong.\n\n```{code-cell} ipython3\n1 + 1\n```\n", None),
    "a failing cell": ("```{code-cell} ipython3\nraise RuntimeError('seeded')\n```\n", "seeded"),
    "an undefined reference": ("See {ref}`nowhere-at-all`.\n", "nowhere-at-all"),
    "a missing chapter": ("See [this](nowhere.md).\n", "nowhere.md"),
    "a picture without alternative text": ("![](dot.png)\n", "alternative text"),
    "a drawing without alternative text": (
        "```{code-cell} ipython3\nimport matplotlib.pyplot as plt\n_ = plt.plot([1, 2])\n```\n",
        "alternative text",
    ),
    "an inline drawing without alternative text": (
        "```{code-cell} ipython3\nfrom IPython.display import HTML\nHTML('<svg></svg>')\n```\n",
        "alternative text",
    ),
}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_build_fails_exactly_where_a_chapter_is_wrong(tmp_path, seed):
    text, complaint = SEEDS[seed]
    book = tmp_path / "book"
    shutil.copytree(ROOT / "book" / "_ext", book / "_ext", ignore=shutil.ignore_patterns("__pycache__"))
    unused = shutil.ignore_patterns("pyodide")  # 8 MB that no seeded chapter asks for
    shutil.copytree(ROOT / "book" / "_static", book / "_static", ignore=unused)
    shutil.copy(ROOT / "book" / "references.bib", book)
    shutil.copy(ROOT / "_config.yml", tmp_path)
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/intro\n")
    (book / "intro.md").write_text(HEAD + "\n" + text)
    (book / "dot.png").write_bytes(
        bytes.fromhex(
            "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
            "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
        )
    )
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "build.py", "--source", tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    said = done.stdout + done.stderr
    if complaint is None:
        assert done.returncode == 0, said
        assert (tmp_path / "_build" / "html" / "index.html").exists()
    else:
        assert done.returncode != 0
        assert complaint in said


def chapters() -> list[str]:
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    return [toc["root"], *(c["file"] for part in toc["parts"] for c in part["chapters"])]


class Page(HTMLParser):
    """Collects what a page shows and asks for."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.pictures, self.links, self.loads, self.ids = [], [], [], set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids.add(found.get("id"))
        if tag in ("img", "svg") and found.get("aria-hidden") != "true":
            self.pictures.append(found.get("alt") or found.get("aria-label") or "")
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag in ("script", "img", "iframe", "source") and found.get("src"):
            self.loads.append(found["src"])
        if tag == "link" and found.get("rel") in ("stylesheet", "preload", "icon"):
            self.loads.append(found["href"])


@pytest.mark.parametrize("chapter", chapters())
def test_every_chapter_is_there_executed_described_and_whole(site, chapter):
    path = site / f"{chapter}.html"
    source, text, page = (ROOT / f"{chapter}.md").read_text(), path.read_text(), Page(path)
    if notebooks.has_shown_code(source):
        assert "cell_output" in text
        assert "Traceback (most recent call last)" not in text
    assert all(len(said) >= 10 for said in page.pictures), page.pictures
    outside = [url for url in page.loads if re.match(r"(https?:)?//", url)]
    assert not outside
    for link in page.links:
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        there = (path.parent / target).resolve() if target else path
        assert there.exists(), link
        if anchor and there.suffix == ".html" and "?" not in anchor:
            assert anchor in Page(there).ids, link


def test_numbers_in_prose_have_no_place_left_open(site):
    for chapter in chapters():
        text = (site / f"{chapter}.html").read_text()
        assert "undefined" not in re.sub(r"<script.*?</script>", "", text, flags=re.S).split("<main")[1], chapter


def test_no_page_speaks_of_the_machine_that_built_it(site):
    for chapter in chapters():
        text = (site / f"{chapter}.html").read_text()
        assert str(ROOT) not in text, chapter


@pytest.mark.parametrize("chapter", chapters())
def test_every_formula_is_set_and_none_is_left_in_dollars(site, chapter):
    text = (site / f"{chapter}.html").read_text()
    article = text[text.index("<article") : text.index("</article>")]
    words = re.sub(r"<(script|style|pre|math|code)\b.*?</\1>", "", article, flags=re.S)
    assert not re.findall(r"\$[^$\n]{1,30}\$", re.sub(r"<[^>]+>", "", words))
