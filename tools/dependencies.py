"""Hold pyproject.toml against the code: every import is declared where it is used, and nothing is declared in vain.

    .venv/bin/python -m tools.dependencies

A room of the code may import the packages of the library itself and of the extras named for it. What a module
of the library imports at its top has to be there for whoever imports the module, so a room is small where an
extra is. What is declared and never imported has to stand in `CALLED`, with what calls it.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
OURS = {"mirage_lib", "tools", "tests", "benchmarks"}
EVERYWHERE = "*"
ROOMS = {
    "mirage_lib": (),
    "mirage_lib/analyses": ("claims",),
    "mirage_lib/arithmetic": ("train", "query"),
    "mirage_lib/audit": ("audit",),
    "mirage_lib/claims": ("claims",),
    "mirage_lib/exercises": ("claims",),
    "mirage_lib/forecasting": ("claims",),
    "mirage_lib/forecasts.py": ("claims",),
    "mirage_lib/metrics/text.py": ("claims",),
    "mirage_lib/originals.py": ("fetch",),
    "mirage_lib/show": ("notebook",),
    "mirage_lib/theory.py": ("claims",),
    "mirage_lib/training.py": ("train",),
    "mirage_lib/vision": ("train", "cluster"),
    "book": ("book",),
    "tools": ("book", "train", "publish", "test"),
    "tests": (EVERYWHERE,),
    "benchmarks": (EVERYWHERE,),
}
"""Folder or file: the extras whose packages it may import. The longest name that fits decides."""
CALLED = {
    "import-linter": "tests/test_architecture.py runs its `lint-imports`",
    "jupyter-book": "tools/build.py runs it, in a process of its own",
    "mypy": "tests/test_types.py runs it",
    "pytest-xdist": "`make test` gives pytest `-n 2`, which is its option",
    "editables": "hatchling needs it to install the library editable, without isolation",
}
"""Packages that no file imports, and what uses them."""
BORROWED = {
    "atheris": "tests/fuzz/run.py wants an environment of its own for it",
    "Levenshtein": "a benchmark's other way; it lives in an environment of the benchmarks",
    "nltk": "a benchmark's other way; it lives in an environment of the benchmarks",
    "plotly": "a benchmark's other way; it lives in an environment of the benchmarks",
}
"""Modules that are imported where somebody has installed them apart, and why."""
EXTRAS_CALLED = {"transformers[serving]": "tests/test_serving.py and tools/pretrained.py start `transformers serve`"}


def main() -> None:
    """Print the complaints; fail where there are any."""
    found = complaints(ROOT)
    print("\n".join(found) or "Every import is declared, and every dependency is used.")
    sys.exit(bool(found))


def complaints(root: Path, sold_as: dict[str, list[str]] | None = None) -> list[str]:
    """Compare the imports below a folder with its pyproject.toml.

    Parameters
    ----------
    root : folder with `pyproject.toml` and the rooms
    sold_as : module to the packages that bring it; by default as installed here

    Returns
    -------
    One sentence for each import that is not declared where it is used, and each dependency without a use.
    """
    sold_as = packages_distributions() if sold_as is None else sold_as
    declared = requirements(tomllib.loads((root / "pyproject.toml").read_text()))
    found, used = [], set(CALLED)
    for path, module in imports(root):
        if module in BORROWED:
            continue
        packages = {canonicalize_name(name) for name in sold_as.get(module, [module])}
        used |= packages
        extras = extras_of(path)
        allowed = {name for extra, names in declared.items() if extra in ("", *extras) or EVERYWHERE in extras for name in names}
        if not packages & allowed:
            rooms = ", ".join(extra for extra in extras) or "the library itself"
            found.append(f"{path} imports {module} ({' or '.join(sorted(packages))}): declare it for {rooms}, or import it elsewhere")
    for extra, names in declared.items():
        where = f"the extra {extra}" if extra else "the library itself"
        found += [f"{name}, declared for {where}, is not imported: remove it, or name its use in CALLED" for name in sorted(names - used)]
        found += [
            f"{name}[{part}], declared for {where}: name its use in EXTRAS_CALLED"
            for name, parts in names_with_extras(root).items() for part in parts
            if extra and name in names and f"{name}[{part}]" not in EXTRAS_CALLED
        ]  # fmt: skip
    return sorted(set(found))


def requirements(project: dict) -> dict[str, set[str]]:
    """The packages of each extra; `""` is the library itself, `build-system` what builds it.

    >>> requirements({"project": {"dependencies": ["NumPy>=2"], "optional-dependencies": {"x": ["a_b[c]>=1"]}}})
    {'': {'numpy'}, 'x': {'a-b'}}
    """
    lists = {"": project["project"]["dependencies"], **project["project"].get("optional-dependencies", {})}
    if "build-system" in project:
        lists["build-system"] = project["build-system"]["requires"]
    return {extra: {canonicalize_name(Requirement(text).name) for text in texts} for extra, texts in lists.items()}


def names_with_extras(root: Path) -> dict[str, set[str]]:
    """Dependencies that ask for extras of their own, such as `transformers[serving]`."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    texts = [text for part in project.get("optional-dependencies", {}).values() for text in part] + project["dependencies"]
    wanted = map(Requirement, texts)
    return {canonicalize_name(one.name): one.extras for one in wanted if one.extras}


def extras_of(path: str) -> tuple[str, ...]:
    """The extras that a file may import from, by the longest room that holds it.

    >>> extras_of("mirage_lib/show/theme.py"), extras_of("mirage_lib/curves.py")
    (('notebook',), ())
    """
    fitting = [room for room in ROOMS if path == room or path.startswith(f"{room}/")]
    return ROOMS[max(fitting, key=len)]


def imports(root: Path) -> Iterator[tuple[str, str]]:
    """Each file below the rooms with each foreign top-level module that it, or a cell of a chapter, imports."""
    for top in sorted({room.partition("/")[0] for room in ROOMS}):
        for path in sorted((root / top).rglob("*")):
            if path.suffix not in (".py", ".md") or "_build" in path.parts:
                continue
            text = path.read_text(encoding="utf-8")
            texts = [text] if path.suffix == ".py" else cells(text)
            at_home = OURS | {beside.stem for beside in path.parent.glob("*.py")} | {p.stem for p in (root / "book/_ext").glob("*.py")}
            modules = {module for part in texts for module in imported(part)} - at_home - set(sys.stdlib_module_names)
            yield from ((path.relative_to(root).as_posix(), module) for module in sorted(modules))


def cells(page: str) -> list[str]:
    """The Python of a chapter's cells, without their options and magics.

    >>> cells("```{code-cell} ipython3\\n:tags: [x]\\nimport a\\n%pip b\\n```\\n")
    ['import a\\n']
    """
    fences = re.findall(r"^```+\{code-cell\}.*?\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return ["".join(line for line in cell.splitlines(keepends=True) if not re.match(r":\w|[%!]", line)) for cell in fences]


def imported(code: str) -> set[str]:
    """The top-level names of the modules that code imports, in functions too.

    >>> sorted(imported("import a.b\\ndef f():\\n    from c import d\\nfrom . import e"))
    ['a', 'c']
    """
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.partition(".")[0])
    return found


if __name__ == "__main__":
    main()
