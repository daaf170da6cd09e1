"""Puts at each chapter's head where it can be run: on Colab, on Binder, or from a copy of its notebook.

The notebooks lie in `notebooks/`, made by `make notebooks`; the copies come with the site, so that a page
without network offers them too. The repository's address is `repository.url` of `_config.yml`.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import quote

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

LOG = logging.getLogger(__name__)
UNSET = "/set--me/"
"""Owner in the address that waits to be replaced."""
FOLDER = "notebooks"
WORDS = {
    "en": {"run": "Run this chapter:", "colab": "on Colab", "binder": "on Binder", "wait": " (once the repository has an address)", "copy": "or download the notebook"},
    "zh_CN": {"run": "运行本章：", "colab": "在 Colab 上", "binder": "在 Binder 上", "wait": "（仓库地址设定之后）", "copy": "或下载笔记本"},
}


def notebook(page: str) -> str:
    """A chapter's notebook, as a path in the repository and in the site.

    >>> notebook("book/idea/resolution")
    'notebooks/idea/resolution.ipynb'
    """
    return f"{FOLDER}/{page.removeprefix('book/')}.ipynb"


def colab(address: str, branch: str, path: str) -> str:
    """Where Colab opens a notebook of a GitHub repository.

    >>> colab("https://github.com/somebody/mirage", "main", "notebooks/intro.ipynb")
    'https://colab.research.google.com/github/somebody/mirage/blob/main/notebooks/intro.ipynb'
    """
    return f"https://colab.research.google.com/github/{_owner_and_name(address)}/blob/{quote(branch)}/{quote(path)}"


def binder(address: str, path: str) -> str:
    """Where Binder opens a notebook of a GitHub repository, in the environment of `environment.yml`.

    >>> binder("https://github.com/somebody/mirage", "notebooks/intro.ipynb")
    'https://mybinder.org/v2/gh/somebody/mirage/HEAD?labpath=notebooks%2Fintro.ipynb'
    """
    return f"https://mybinder.org/v2/gh/{_owner_and_name(address)}/HEAD?labpath={quote(path, safe='')}"


def _owner_and_name(address: str) -> str:
    start, _, rest = address.rstrip("/").removesuffix(".git").partition("https://github.com/")
    if start or rest.count("/") != 1:
        raise ValueError(f"repository.url of _config.yml is {address!r}: it has to be https://github.com/OWNER/NAME")
    return rest


def read_address(app: Sphinx, config) -> None:
    """Take the repository's address from `_config.yml`; what else shows it gets it only once it is one."""
    config.mirage_repository = yaml.safe_load(Path(app.srcdir, "_config.yml").read_text("utf-8"))["repository"]
    if UNSET not in config.mirage_repository["url"]:
        config.html_theme_options["repository_url"] = config.mirage_repository["url"]


def has_code(doctree: nodes.document) -> bool:
    """Whether a page has cells to run."""
    return any(node.get("nb_element") == "cell_code" for node in doctree.findall(nodes.container))


def add_links(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Add the line below the title of a page that has a notebook; on the landing page, at its end."""
    source = Path(app.srcdir)
    if app.builder.name != "html" or not (source / FOLDER).is_dir() or not has_code(doctree):
        return
    path = notebook(page)
    if not (source / path).exists():
        LOG.warning("%s is missing: run `make notebooks`", path, location=page, type="mirage", subtype="notebook")
        return
    address, branch = (app.config.mirage_repository[name] for name in ("url", "branch"))
    up = "../" * page.count("/")
    said = WORDS.get(app.config.language, WORDS["en"])
    wait = said["wait"] if UNSET in address else ""
    line = (
        f'<p class="mirage-launch">{said["run"]} '
        f'<a href="{colab(address, branch, path)}" rel="external">{said["colab"]}</a> '
        f'<a href="{binder(address, path)}" rel="external">{said["binder"]}</a>{wait} '
        f'<a href="{up}{path}" download>{said["copy"]}</a></p>\n'
    )
    titles = list(doctree.findall(nodes.title))
    if page == app.config.root_doc:  # Its first screen belongs to the idea of the book.
        titles[-1].parent.append(nodes.raw("", line, format="html"))
    else:
        titles[0].parent.insert(titles[0].parent.index(titles[0]) + 1, nodes.raw("", line, format="html"))


def copy_notebooks(app: Sphinx, error: Exception | None) -> None:
    """Lay the notebooks beside the pages, so that they can be had without network."""
    made = Path(app.srcdir, FOLDER)
    if error is not None or app.builder.name != "html" or not made.is_dir():
        return
    shutil.copytree(
        made, Path(app.outdir, FOLDER), dirs_exist_ok=True, ignore=shutil.ignore_patterns(".ipynb_checkpoints")
    )


def setup(app: Sphinx) -> dict:
    app.add_config_value("mirage_repository", {}, "html")
    app.connect("config-inited", read_address)
    app.connect("doctree-resolved", add_links)
    app.connect("build-finished", copy_notebooks)
    app.add_css_file("launching.css")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
