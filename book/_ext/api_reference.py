"""The directive ``{api}``: the public functions and classes of a module, from their signatures and docstrings.

    ```{api} mirage_lib.curves
    ```

A light generator of our own: docstrings here are short prose, NumPy's sections and examples, which this turns into
paragraphs, lists and code. A module that cannot be imported, or a public function without a docstring, is a warning,
and so ends the build.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator
from types import ModuleType

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LOG = logging.getLogger(__name__)
ROLE = re.compile(r":(?:\w+:)?\w+:`~?\.?([^`]*)`")
CODE = re.compile(r"``(.+?)``|`([^`]+)`")
ENTRY = re.compile(r"([\w.*`()\[\], ]{1,60}?) : (.+)")


class Api(SphinxDirective):
    """List a module."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        try:
            module = importlib.import_module(name)
        except ImportError as error:
            LOG.warning("api: %s cannot be imported: %s", name, error, location=self.get_location())
            return []
        found: list[nodes.Node] = list(_said(inspect.getdoc(module) or ""))
        for label, thing in public(module):
            if not inspect.getdoc(thing):
                LOG.warning("api: %s.%s has no docstring", name, label, location=self.get_location())
            found += self._entry(f"{name}.{label}", label, thing)
        return found

    def _entry(self, address: str, label: str, thing: object) -> list[nodes.Node]:
        place = anchor(address)
        head = nodes.rubric("", "", nodes.literal("", label), ids=[place], names=[place])
        signed = nodes.literal_block("", signature(label, thing), language="python")
        return [head, signed, *_said(inspect.getdoc(thing) or "")]


def anchor(address: str) -> str:
    """Where an entry stands on its page. Capitals stay: a class and a function may differ by nothing else.

    >>> anchor("mirage_lib.metrics.Metric")
    'mirage-lib-metrics-Metric'
    """
    return re.sub(r"[._]", "-", address)


def public(module: ModuleType) -> Iterator[tuple[str, object]]:
    """Yield the functions and classes that a module or package defines or re-exports from within, and the classes' own methods."""
    names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    for name in names:
        thing = getattr(module, name)
        if not (inspect.isfunction(thing) or inspect.isclass(thing)) or not thing.__module__.startswith(module.__name__):
            continue
        yield name, thing
        if inspect.isclass(thing) and not issubclass(thing, BaseException):
            for method, value in vars(thing).items():
                if inspect.isfunction(value) and not method.startswith("_") and inspect.getdoc(value):
                    yield f"{name}.{method}", value


def signature(label: str, thing: object) -> str:
    """Write how a function is called, a parameter a line where they do not fit on one."""
    try:
        signed = inspect.signature(thing)
    except (TypeError, ValueError):
        return label
    shown = [re.sub(r"<function .*?>|<factory>|<object object at .*?>", "...", str(one)).replace("'", "") for one in signed.parameters.values()]
    back = "" if signed.return_annotation is inspect.Signature.empty else f" -> {signed.return_annotation}"
    line = f"{label}({', '.join(shown)}){back}"
    return line if len(line) <= 80 else f"{label}(\n" + "".join(f"    {one},\n" for one in shown) + f"){back}"


def _said(text: str) -> Iterator[nodes.Node]:
    """Turn a docstring into nodes: paragraphs, headed sections, lists of entries, examples."""
    for block in re.split(r"\n\s*\n", text):
        lines = block.splitlines()
        if len(lines) > 1 and set(lines[1].strip()) == {"-"}:
            yield nodes.paragraph("", "", nodes.strong("", lines[0].strip()))
            lines = lines[2:]
        plain, listed = [], nodes.definition_list()
        while lines and not lines[0].lstrip().startswith(">>>") and not any(ENTRY.fullmatch(line) for line in lines[:1]):
            plain.append(lines.pop(0).strip())
        if plain:
            yield nodes.paragraph("", "", *_inline(" ".join(plain)))
        if lines and lines[0].lstrip().startswith(">>>"):
            yield nodes.literal_block("", "\n".join(lines), language="pycon")
            continue
        entries: list[list[str]] = []
        for line, after in zip(lines, [*lines[1:], ""], strict=False):
            entry = ENTRY.fullmatch(line)
            if entry:
                entries.append([entry[1].strip(), entry[2] + ("." if after.startswith("    ") and entry[2][-1].isalnum() else "")])
            else:
                entries[-1].append(line.strip())
        for name, *words in entries:
            said = nodes.definition("", nodes.paragraph("", "", *_inline(" ".join(words))))
            listed += nodes.definition_list_item("", nodes.term("", "", nodes.literal("", name)), said)
        if len(listed):
            yield listed


def _inline(text: str) -> Iterator[nodes.Node]:
    """Code in running text, and references as code; the rest is text."""
    text, last = ROLE.sub(r"``\1``", text), 0
    for found in CODE.finditer(text):
        yield nodes.Text(text[last : found.start()])
        yield nodes.literal("", found[1] or found[2])
        last = found.end()
    yield nodes.Text(text[last:])


def setup(app: Sphinx) -> dict:
    app.add_directive("api", Api)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
