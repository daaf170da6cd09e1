"""The table of faults in the book, made from the markers of the tests: `make faults` writes it.

A marker says what was tried, on what, what happens, and, where one matters, the message. It is read from the source of
the tests, so a row that no test carries cannot be. A message has to stand in the test's own code, too, or come from the
marker through the fixture ``says``; then it is what the test compares with.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
TABLE = TESTS.parent / "book" / "appendix" / "faults-table.txt"
GROUPS = {
    "killed": "Killed and cut off",
    "disk": "Full disks, and disks that may not be written",
    "two": "Two at a time",
    "clock": "Clocks that jump",
    "frozen": "Damaged, exchanged and untrue files",
    "server": "Hostile servers",
    "logs": "Hostile logs",
    "pages": "Hostile logs on a page",
    "fuzz": "Fuzzed readers",
}
"""Parts of the table, in its order."""


@dataclass(frozen=True)
class Row:
    """One fault: what was tried on what, what happens, the message, and which test shows it."""

    group: str
    tried: str
    on: str
    happens: str
    says: str
    test: str
    checked: bool


def rows() -> list[Row]:
    """Read all markers, in the order of groups, files and tests."""
    found = []
    for path in sorted(TESTS.glob("test_*.py")):
        for function in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(function, ast.FunctionDef):
                found += _marked(path, function)
    return sorted(found, key=lambda row: list(GROUPS).index(row.group))


def _marked(path: Path, function: ast.FunctionDef) -> list[Row]:
    out = []
    calls = [one for decorator in function.decorator_list for one in ast.walk(decorator) if isinstance(one, ast.Call)]
    for call in calls:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if name != "fault":
            continue
        told = {word.arg: ast.literal_eval(word.value) for word in call.keywords}
        says = told.get("says", "")
        given = {argument.arg for argument in function.args.args}
        texts = [one.value for part in function.body for one in ast.walk(part) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        checked = not says or "says" in given or any(says in text for text in texts)
        out.append(Row(told["group"], told["tried"], told["on"], told["happens"], says, f"{path.stem}.{function.name}", checked))
    return out


def written(found: list[Row]) -> str:
    """Write the table as Markdown, a heading and a list-table a group.

    >>> print(written([Row("clock", "a jump", "a run", "nothing", "", "test_a.test_b", True)]).splitlines()[0])
    ## Clocks that jump
    """
    parts = []
    for group, heading in GROUPS.items():
        mine = [row for row in found if row.group == group]
        if not mine:
            continue
        lines = [f"## {heading}", "", "```{list-table}", ":header-rows: 1", ":widths: 27 20 33 20", "", "* - What was tried", "  - On", "  - What happened", "  - Test"]
        for row in mine:
            message = f" Message with: *{_plain(row.says)}*." if row.says else ""
            lines += [f"* - {_plain(row.tried)}", f"  - {row.on}", f"  - {_plain(row.happens)}.{message}", f"  - {_name(row.test)}"]
        parts.append("\n".join([*lines, "```"]))
    return "\n\n".join(parts) + "\n"


def _plain(text: str) -> str:
    """Text without anything that Markdown would take for its own, but for code."""
    return "".join(part if k % 2 else part.replace("[", r"\[").replace("]", r"\]").replace("<", "&lt;").replace("*", r"\*") for k, part in enumerate(text.split("`")) for part in [f"`{part}`" if k % 2 else part])


def _name(test: str) -> str:
    """The file of a test, and its name as the sentence it is."""
    file, name = test.split(".")
    return f"`{file}.py`: {name.removeprefix('test_').replace('_', ' ')}"


if __name__ == "__main__":
    TABLE.write_text(written(rows()), encoding="utf-8")
    print(f"Written: {TABLE}, {len(rows())} rows")
