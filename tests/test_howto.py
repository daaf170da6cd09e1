"""What README and *Make it again* tell people to type exists, and so do the files that they name."""

import re
import shlex
from pathlib import Path

import pytest

from mirage_lib import cli

ROOT = Path(__file__).resolve().parent.parent
PAGES = {
    name: (ROOT / name).read_text(encoding="utf-8")
    for name in ("README.md", "book/appendix/reproduce.md", "book/teaching/guide.md", "book/teaching/projects.md")
}
TYPED = {
    (name, line.partition(" #")[0].strip())
    for name, text in PAGES.items()
    for line in re.sub(r"\\\n\s*", "", text).splitlines()
    if line.startswith("    ")
}
"""Lines of code blocks, without remarks; a line that goes on is one."""
MIRAGE = sorted((name, line) for name, line in TYPED if re.match(r"(\.venv/bin/|lab/bin/)?mirage ", line))
TOLD = sorted({(name, target) for name, text in PAGES.items() for target in re.findall(r"(?:^    |`)make ([a-z-]+)", text, re.M)})


@pytest.mark.parametrize(("page", "line"), MIRAGE, ids=[line[:70] for _, line in MIRAGE])
def test_a_command_of_the_library_is_one_that_it_takes(page, line):
    arguments = shlex.split(line)[1:]
    assert callable(cli.parser().parse_args(arguments).run), page


@pytest.mark.parametrize(("page", "target"), TOLD)
def test_a_target_of_make_is_in_the_makefile(page, target):
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.M), page


def test_files_that_the_readme_links_exist():
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", PAGES["README.md"])
    assert links
    assert not [link for link in links if not link.startswith("https://") and not (ROOT / link).exists()]


def test_the_readme_reads_in_two_minutes():
    """At 250 words a minute, without code and what a picture says to those who cannot see it."""
    prose = re.sub(r"```.*?```|^    [^\n]*|!\[[^\]]*\]|\]\([^)]*\)", "", PAGES["README.md"], flags=re.M | re.S)
    assert len(prose.split()) <= 2 * 250
