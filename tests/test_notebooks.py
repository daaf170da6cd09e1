"""The notebooks: the same as the chapters, plain enough for Jupyter and Colab, and able to start anywhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
import yaml
from nbclient import NotebookClient

from mirage_lib import outputs
from tools import notebooks, plain_markdown
from tools.plain_markdown import NotPlain, Page

ROOT = Path(__file__).resolve().parent.parent
MADE = sorted((ROOT / "notebooks").rglob("*.ipynb"))
SOMEWHERE = "https://github.com/somebody/mirage"


def chapters_with_code() -> dict[Path, str]:
    """Notebooks' paths and chapters' texts, without the tool that makes notebooks."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    files = [toc["root"], *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"])]
    texts = {name: (ROOT / f"{name}.md").read_text() for name in files}
    return {
        ROOT / "notebooks" / f"{name.removeprefix('book/')}.ipynb": text
        for name, text in texts.items()
        # Cells that only fill numbers into the prose of a page are no reason for a notebook.
        if re.search(r"^```\{code-cell\}.*\n(?!:tags: \[remove-cell\])", text, re.MULTILINE)
    }


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def markdown(path: Path) -> str:
    """All prose of a notebook, that with computed values too, without code in it."""
    cells = read(path).cells
    prose = [cell.source for cell in cells if cell.cell_type == "markdown" or "\nsentences.show(" in cell.source]
    return re.sub(r"```.*?```|`[^`\n]+`", "", "\n\n".join(prose), flags=re.DOTALL)


def page(text: str = "", name: str = "book/idea/here") -> Page:
    return Page(name, text, notebooks.places(), notebooks.works(), notebooks.parts())


def plain(text: str) -> str:
    return "\n\n".join(part for _, part in plain_markdown.blocks(text, page(text)))


def test_the_notebooks_are_those_of_the_chapters():
    changed = notebooks.differing(notebooks.everything())
    assert not changed, f"run make notebooks: {', '.join(changed)}"


def test_every_chapter_with_code_has_a_notebook_and_nothing_else_has():
    assert set(MADE) == set(chapters_with_code())


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.stem)
def test_a_notebook_runs_all_cells_of_its_chapter_in_order_and_carries_no_result(path):
    found = read(path)
    nbformat.validate(found)
    cells = [cell for cell in found.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)
    assert len({cell.id for cell in found.cells}) == len(found.cells)
    text = chapters_with_code()[path]
    fences = re.findall(r"^```\{code-cell\}[^\n]*\n(:tags:[^\n]*\n)?(.*?)\n```$", text, re.MULTILINE | re.DOTALL)
    chapter = [source for tags, source in fences if notebooks.SITE_ONLY not in tags]
    assert chapter
    sources = [cell.source for cell in cells]
    at = 0
    for source in chapter:
        wanted = source.strip("\n").replace("from myst_nb import glue", "glue = sentences.glue")
        wanted = re.sub(r"\]\(([^(){}:\s]+)\.(?:html|md)(#[^()\s]*)?\)", r"](\1.ipynb)", wanted)
        at = sources.index(wanted, at) + 1


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.stem)
def test_a_notebook_holds_no_myst(path):
    prose = markdown(path)
    without_formulas = re.sub(r"\$\$.*?\$\$|\$[^$\n]+\$", "", prose, flags=re.DOTALL)
    left = re.findall(r"\{[a-z][\w:-]*\}(?=\S)|^:{3,}|^`{3,}\{|^:[a-z-]+: |\{\{|^%.*$", without_formulas, re.MULTILINE)
    assert not left


@pytest.mark.parametrize("path", MADE, ids=lambda path: path.stem)
def test_links_of_a_notebook_lead_to_files_of_the_repository(path):
    targets = re.findall(r"\]\(([^()\s]+)\)", markdown(path))
    targets += re.findall(r"\]\(([^(){}\s]+\.ipynb)\)", "".join(cell.source for cell in read(path).cells))
    for target in targets:
        if not re.match(r"https?://", target):
            assert (path.parent / target).is_file(), target


@pytest.mark.parametrize(
    "text, shown",
    [
        ("A {term}`seed <seeds>` and {term}`metric`.", "A seed and metric."),
        ("{math}`p^{10}`, and $q$", "$p^{10}$, and $q$"),
        ("As `{a}` and ``{term}`x` `` stay", "As `{a}` and ``{term}`x` `` stay"),
        (
            "{cite:t}`schaeffer2023mirage` say",
            "[Schaeffer et al. (2023)](https://openreview.net/forum?id=ITw9edRDlD) say",
        ),
        ("so {cite:p}`wei2022list`", "so ([Wei, 2022](https://www.jasonwei.net/blog/emergence))"),
        ("see [it](../vision/grokking.md#why)", "see [it](../vision/grokking.ipynb)"),
        ("see [it](../appendix/glossary.md)", "see [it](../../book/appendix/glossary.md)"),
        ("```{math}\n:label: law\nx\n```\n\nBy {eq}`law`", "$$\nx \\tag{1}\n$$\n\nBy (1)"),
        ("```{admonition} A {term}`seed`\nOne.\n\nTwo.\n```", "> **A seed**\n>\n> One.\n>\n> Two."),
        (":::{note}\nOne.\n:::", "> **Note**\n>\n> One."),
        (
            "````{dropdown} The `n`\nSee\n\n```{math}\ny\n```\n````",
            "<details>\n<summary>The <code>n</code></summary>\n\nSee\n\n$$\ny\n$$\n\n</details>",
        ),
        (
            "```{exercise} Zeros\n:name: z\n:level: open\nHow many?\n```",
            "> **Exercise 1 · Zeros** *(open)*\n>\n> How many?",
        ),
        ("- one\n\n  ```{math}\n  x\n  ```\n\n- two", "- one\n\n  $$\n  x\n  $$\n\n- two"),
        ("```python\n{x}\n```", "```python\n{x}\n```"),
        ("% said to authors\nOne", "One"),
    ],
)
def test_myst_becomes_markdown_that_notebooks_show(text, shown):
    assert plain(text) == shown


@pytest.mark.parametrize(
    "text, named",
    [
        ("```{wobble} x\ny\n```", "{wobble}"),
        ("````{dropdown} x\n```{wobble}\n```\n````", "{wobble}"),
        ("{shout}`x`", "{shout}"),
        ("{cite:t}`nobody1900`", "nobody1900"),
        ("{eq}`unknown`", "unknown"),
        ("[x](nowhere.md)", "nowhere.md"),
        ("{{ substitution }}", "{{"),
        ("(target)=", "(target)="),
        ("```{note}\nopen", "not closed"),
    ],
)
def test_what_nobody_said_how_to_show_fails_by_its_name(text, named):
    with pytest.raises(NotPlain) as raised:
        plain(text)
    assert named in str(raised.value) and "book/idea/here" in str(raised.value)


def test_a_sentence_is_filled_when_its_value_is_computed_even_if_that_is_below():
    cells = [
        f"from mirage_lib.show import notebook\nsentences = notebook.start({outputs.fingerprint()!r})",
        'sentences.show("It is <<answer>>.")',
        "glue = sentences.glue\nglue('answer', 6 * 7, display=False)",
    ]
    ran = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(ran, timeout=120, kernel_name="python3").execute()
    assert ran.cells[1].outputs[0].data["text/markdown"] == "It is 42."
    assert f"Frozen files: {len(outputs.manifest())}" in ran.cells[0].outputs[0].text


def test_a_kernel_can_open_the_live_explorer():
    assert any("explorer.live(" in cell.source for path in MADE for cell in read(path).cells if cell.cell_type == "code")


def first_cell(address: str) -> str:
    made = notebooks.make(page("# Here\n\n```{code-cell} ipython3\n1\n```\n"), address)
    return nbformat.reads(made, as_version=4).cells[0].source


def without_the_library(code: str, folder: Path) -> subprocess.CompletedProcess:
    """Run code in a Python that has nothing installed."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=folder, capture_output=True, text=True, env=env)


def test_a_notebook_installs_the_library_in_one_line_where_it_is_missing(tmp_path):
    lines = [line.strip() for line in first_cell(SOMEWHERE).split("\n") if "install -q" in line]
    assert lines == [f'%pip install -q "mirage-lib[notebook,train] @ git+{SOMEWHERE}"']
    called = first_cell(SOMEWHERE).replace(lines[0], "raise SystemExit('installing')")
    assert "installing" in without_the_library(called, tmp_path).stderr


def test_a_notebook_without_an_address_says_so_where_the_library_is_missing(tmp_path):
    done = without_the_library(first_cell("https://github.com/set--me/mirage"), tmp_path)
    assert done.returncode == 1
    assert "set repository.url in _config.yml and run make notebooks" in done.stderr and "Traceback" not in done.stderr


def test_one_place_holds_the_address():
    address = notebooks.repository()
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text()).get("repository-code")
    assert cited == (address if notebooks.is_set(address) else None)
    if notebooks.is_set(address):
        assert all(f"git+{address}" in read(path).cells[0].source for path in MADE)


def test_the_library_that_is_installed_carries_the_frozen_files_and_audits_its_own(tmp_path):
    """What pip builds from the repository is a wheel: it has to hold what the manifest names."""
    import zipfile

    from hatchling.builders.wheel import WheelBuilder

    built = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    with zipfile.ZipFile(built) as wheel:
        names = {name.removeprefix("mirage_lib/frozen/") for name in wheel.namelist() if "mirage_lib/frozen/" in name}
        wheel.extractall(tmp_path / "installed")
    assert names == {"manifest.json", *outputs.manifest()}
    assert Path(built).stat().st_size < 30e6
    # Away from the repository, with the wheel's files only, an audit finds all that it needs.
    run = "import sys, mirage_lib; from mirage_lib import cli; print(mirage_lib.__file__); sys.exit(cli.main(['audit', '--demo', '--out', 'demo.html']))"
    there = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    done = subprocess.run([sys.executable, "-c", run], cwd=tmp_path, env=there, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path / "installed"))
    assert (tmp_path / "demo.html").stat().st_size > 10_000 and (tmp_path / "demo.json").stat().st_size > 10_000
