"""The library's reference: it lists what is public, and every entry says something."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "book" / "_ext"))
import api_reference  # noqa: E402

PAGE, NEXT = ((ROOT / "book" / "appendix" / f"{name}.md").read_text(encoding="utf-8") for name in ("api", "api-findings"))
MODULES = re.findall(r"^```\{api\} (\S+)", PAGE + NEXT, re.MULTILINE)


@pytest.mark.parametrize("name", MODULES)
def test_every_public_thing_has_a_docstring_and_typed_parameters(name):
    listed = dict(api_reference.public(importlib.import_module(name)))
    assert listed
    for label, thing in listed.items():
        assert inspect.getdoc(thing), f"{name}.{label}"
        if inspect.isfunction(thing):
            untyped = [k for k, p in inspect.signature(thing).parameters.items() if p.annotation is inspect.Parameter.empty and k != "self"]
            assert not untyped, f"{name}.{label}: {untyped}"


def test_every_entry_has_a_place_of_its_own():
    places = [api_reference.anchor(f"{name}.{label}") for name in MODULES for label, _ in api_reference.public(importlib.import_module(name))]
    assert len(set(places)) == len(places) > 50


def test_the_ten_lines_run_as_they_stand():
    lines = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]
    scope: dict[str, object] = {}
    exec(lines, scope)  # noqa: S102  The page's own code.
    assert scope["sharp"].height == scope["smooth"].height > 3


def test_a_docstring_becomes_paragraphs_entries_and_examples():
    def said(text: str) -> list[tuple[str, str]]:
        return [(node.tagname, node.astext()) for node in api_reference._said(text)]

    text = "First line\nand more.\n\nParameters\n----------\na : int\n    The first\n    of two.\nb : what it is\n\n>>> 1 + 1\n2"
    assert said(text) == [
        ("paragraph", "First line and more."), ("paragraph", "Parameters"),
        ("definition_list", "a\n\nint. The first of two.\n\nb\n\nwhat it is"), ("literal_block", ">>> 1 + 1\n2"),
    ]  # fmt: skip
