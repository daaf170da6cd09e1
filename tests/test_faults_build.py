"""A build of the book that is killed at a random moment: the next one waits for what is left of it, then ends as ever."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---
# A page

```{code-cell} python3
import pathlib, os
with open(os.environ["MIRAGE_COUNT"], "a") as file:
    file.write("x")
print(6 * 7)
```
"""
CONFIG = 'title: A book\nauthor: nobody\nonly_build_toc_files: true\nexecute:\n  execute_notebooks: cache\n'


def book(folder: Path) -> Path:
    folder.mkdir()
    (folder / "_config.yml").write_text(CONFIG)
    (folder / "_toc.yml").write_text("format: jb-book\nroot: page\n")
    (folder / "page.md").write_text(PAGE)
    return folder


def build(folder: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, ROOT / "tools" / "build.py", "--source", folder], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | {"MIRAGE_COUNT": str(folder.parent / f"{folder.name}-count")},
    )  # fmt: skip


@pytest.mark.skipif(os.name != "posix", reason="kills its children as POSIX does")
@pytest.mark.fault(group="killed", tried="SIGKILL at a random moment, and at once two builds side by side", on="`make book`", happens="both wait for what the killed build had started; one builds, the other finds nothing left to do; the page is that of an undisturbed build", says="Nothing changed since the last build")
def test_a_killed_build_and_two_at_once_end_with_the_page_of_an_undisturbed_one(tmp_path, says):
    whole, cut = book(tmp_path / "whole"), book(tmp_path / "cut")
    started = time.monotonic()
    undisturbed = build(whole)
    said = undisturbed.communicate(timeout=300)[0]
    assert undisturbed.returncode == 0, said
    lasted = time.monotonic() - started
    killed = build(cut)
    time.sleep(random.Random(5).uniform(0.3, 0.9) * lasted)
    killed.send_signal(signal.SIGKILL)
    both = [build(cut), build(cut)]
    ends = [one.communicate(timeout=300)[0] for one in both]
    assert [one.returncode for one in both] == [0, 0], ends
    assert any(says in end for end in ends) and any("The book was built in" in end for end in ends)
    page = (whole / "_build" / "html" / "page.html").read_text()
    assert "42" in page and (cut / "_build" / "html" / "page.html").read_text() == page
    assert not (cut / "_build" / "lock").exists()
