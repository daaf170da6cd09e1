"""Make the notebooks of the book, for Colab, Binder and laptops: `make notebooks`.

    .venv/bin/python tools/notebooks.py             write notebooks/
    .venv/bin/python tools/notebooks.py --check     only say which of them do not fit their chapters

Every chapter with code becomes `notebooks/<part>/<name>.ipynb`, without outputs: the same chapter gives the
same bytes. Its first cell installs the library where it is missing and checks the frozen files by hash.
"""

import argparse
import hashlib
import re
import sys
from pathlib import Path

import jupytext
import nbformat
import yaml
from pybtex.database import BibliographyData, parse_file

from mirage_lib import outputs
from tools import plain_markdown
from tools.plain_markdown import NotPlain, Page

ROOT = Path(__file__).resolve().parent.parent
HERE = ROOT / "notebooks"
UNSET = "set--me"
"""Owner of the address that stands in `_config.yml` until somebody sets one."""
EXTRAS = "notebook,train"
FOLDED = {
    "hide-input": {"source_hidden": True},
    "remove-input": {"source_hidden": True},
    "remove-cell": {"source_hidden": True},
    "hide-output": {"outputs_hidden": True},
    "hide-cell": {"source_hidden": True, "outputs_hidden": True},
    "solution": {"source_hidden": True, "outputs_hidden": True},
}
"""What the book's page folds or leaves out, JupyterLab folds."""
COLAB_FOLDED = {"cellView": "form"}
"""On Colab, where code is folded only as a form, at least answers are."""
GLUE = re.compile(r"^from myst_nb import (?P<names>.+)$", re.MULTILINE)
PAGE_LINK = re.compile(r"\]\((?P<target>[^():\s]+\.(?:html|md)(?:#[^()\s]*)?)\)")
FIRST = """\
# Made from {page}.md by `make notebooks`: change that, not this.
# Installs the library where it is missing, as on Colab; its frozen outputs come inside it and are checked by hash.
try:
    import mirage_lib
except ImportError:
    {install}
from mirage_lib.show import notebook

sentences = notebook.start("{frozen}")"""

ABOUT = """\
*This is a chapter of the book as a notebook. Run its cells from top to bottom; they need no key, no GPU and, once the
first one has run, no network. What has knobs on the book's page stands still here: change the code instead.*"""


def repository() -> str:
    """The repository's address, from `_config.yml`; the one place that holds it."""
    return yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]["url"].rstrip("/")


def is_set(address: str) -> bool:
    """Whether an address is one, not the one that waits to be replaced.

    >>> is_set("https://github.com/set--me/mirage"), is_set("https://github.com/somebody/mirage")
    (False, True)
    """
    return f"/{UNSET}/" not in address


def install_line(address: str) -> str:
    """The line of a first cell that installs the library, or refuses where nobody said from where."""
    if is_set(address):
        return f'%pip install -q "mirage-lib[{EXTRAS}] @ git+{address}"'
    return (
        'raise SystemExit("mirage_lib is not installed, and this notebook was made before the repository had an '
        'address: set repository.url in _config.yml and run make notebooks, or install the library by hand.")'
    )


def parts() -> dict[str, list[str]]:
    """The captions of the book's parts and their pages, in the order of `_toc.yml`."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    return {part["caption"]: [chapter["file"] for chapter in part["chapters"]] for part in toc["parts"]}


SITE_ONLY = "site-only"
"""The tag of a cell that takes long where nothing is kept of earlier runs; it is no part of a notebook."""
ON_SITE = "*What stands here on the site takes minutes to work out; the notebook leaves it out.*"


def pages() -> list[str]:
    """The book's pages, the first one before all parts."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    return [toc["root"], *(name for names in parts().values() for name in names)]


def has_shown_code(text: str) -> bool:
    """Tell whether a page has cells to run, other than those that only fill numbers into its prose.

    >>> has_shown_code("```{code-cell} ipython3\\n:tags: [remove-cell]\\n1\\n```")
    False
    """
    return bool(re.search(r"```\{code-cell\}.*\n(?!:tags: \[remove-cell\])", text))


def places() -> dict[str, str]:
    """The pages that have code, and their notebooks' paths below `notebooks/`.

    >>> places()["book/idea/resolution"]
    'idea/resolution.ipynb'
    """
    with_code = [name for name in pages() if has_shown_code(source(name))]
    return {name: f"{name.removeprefix('book/')}.ipynb" for name in with_code}


def works() -> BibliographyData:
    """The book's bibliography."""
    return parse_file(ROOT / "book" / "references.bib")


def make(page: Page, address: str) -> str:
    """Make a page's notebook.

    Returns
    -------
    The notebook's JSON, ending in a line break.

    Raises
    ------
    NotPlain
        If the page holds MyST that nobody said how to show in a notebook.
    """
    first = FIRST.format(page=page.name, install=install_line(address), frozen=outputs.fingerprint())
    cells = [("code", first, {}), ("markdown", ABOUT, {})]
    for cell in jupytext.reads(page.source, fmt="md:myst").cells:
        if cell.cell_type == "code":
            if SITE_ONLY in cell.metadata.get("tags", []):
                cells.append(("markdown", ON_SITE, {}))
                continue
            cells.append(("code", code(cell.source, page), folding(cell.metadata.get("tags", []))))
            continue
        for kind, text in plain_markdown.blocks(cell.source, page):
            if kind == "slots":
                cells.append(("code", said(text, page), folding(["remove-input"]) | COLAB_FOLDED))
            else:
                cells.append((kind, text, {}))
    made = nbformat.v4.new_notebook(
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    names: dict[str, int] = {}
    for kind, text, metadata in cells:
        new = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}[kind]
        name = hashlib.sha256(text.encode()).hexdigest()[:8]
        names[name] = names.get(name, 0) + 1
        # An id that stays while the cell does, so that a changed cell changes nothing else.
        made.cells.append(new(text, metadata=metadata, id=name if names[name] == 1 else f"{name}-{names[name]}"))
    nbformat.validate(made)
    return jupytext.writes(made, fmt="ipynb").rstrip("\n") + "\n"


def code(source: str, page: Page) -> str:
    """A cell's code as a notebook runs it: values are glued into the notebook's own sentences."""
    for found in GLUE.finditer(source):
        if found["names"].strip() != "glue":
            raise NotPlain(f"{page.name}: a notebook can take only glue from myst_nb, not {found['names']!r}")
    source = GLUE.sub("glue = sentences.glue", source)
    return PAGE_LINK.sub(lambda hit: f"]({plain_markdown.link(hit['target'], page)})", source)


def said(text: str, page: Page) -> str:
    """The code that shows Markdown with computed values."""
    if '"""' in text:
        raise NotPlain(f"{page.name}: a sentence with computed values holds three quotation marks")
    return f'#@title Run this cell to read on {{ display-mode: "form" }}\nsentences.show(r"""\n{text}\n""")'


def folding(tags: list[str]) -> dict:
    """A cell's metadata: its tags, and what JupyterLab folds because of them.

    >>> folding(["hide-input"])
    {'jupyter': {'source_hidden': True}, 'tags': ['hide-input']}
    """
    folded: dict[str, bool] = {}
    for tag in tags:
        folded |= FOLDED.get(tag, {})
    answer = COLAB_FOLDED if folded.keys() == {"source_hidden", "outputs_hidden"} else {}
    return answer | ({"jupyter": folded} if folded else {}) | ({"tags": list(tags)} if tags else {})


def everything() -> dict[Path, str]:
    """All notebooks, by their paths."""
    there, bibliography, captions, address = places(), works(), parts(), repository()
    made, wrong = {}, []
    for name, path in there.items():
        try:
            made[HERE / path] = make(Page(name, source(name), there, bibliography, captions), address)
        except NotPlain as error:
            wrong.append(str(error))
    if wrong:
        raise NotPlain("\n".join(wrong))
    return made


def source(name: str) -> str:
    """The text of a page."""
    return (ROOT / f"{name}.md").read_text(encoding="utf-8")


def differing(wanted: dict[Path, str]) -> list[str]:
    """The notebooks that are missing, superfluous or not those of their chapters."""
    have = {path: path.read_text(encoding="utf-8") for path in HERE.rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts}
    return sorted(str(p.relative_to(ROOT)) for p in have | wanted if have.get(p) != wanted.get(p))


def main(arguments: list[str]) -> str | None:
    """Write or compare the notebooks; return a complaint, if there is one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="write nothing, fail where a notebook is not its chapter's")
    options = parser.parse_args(arguments)
    try:
        wanted = everything()
    except NotPlain as error:
        return str(error)
    changed = differing(wanted)
    if options.check:
        return f"Not those of their chapters: {', '.join(changed)}. Run make notebooks." if changed else None
    for name in changed:
        path = ROOT / name
        if path not in wanted:
            path.unlink()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
    print(f"{len(wanted)} notebooks in notebooks/, {len(changed)} of them changed.")
    if not is_set(repository()):
        print("They cannot install the library yet: repository.url in _config.yml is not set.")
    return None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
