"""The links at a chapter's head: what they open exists."""

import importlib.util
import re
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
REPOSITORY = yaml.safe_load((ROOT / "_config.yml").read_text())["repository"]


@pytest.fixture(scope="module")
def launching():
    found = importlib.util.spec_from_file_location("launching", ROOT / "book" / "_ext" / "launching.py")
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


@pytest.mark.parametrize("address", ["https://example.org/a/b", "https://github.com/a", "git@github.com:a/b"])
def test_an_address_that_colab_and_binder_cannot_open_is_refused_by_its_name(launching, address):
    with pytest.raises(ValueError, match="repository.url of _config.yml.*" + re.escape(address)):
        launching.colab(address, "main", "notebooks/intro.ipynb")


def links(site: Path) -> dict[Path, list[str]]:
    """Targets of the launch line of every page that has one."""
    found = {}
    for page in (site / "book").rglob("*.html"):
        lines = re.findall(r'<p class="mirage-launch">.*?</p>', page.read_text(), re.DOTALL)
        assert len(lines) <= 1, page
        if lines:
            found[page] = re.findall(r'href="([^"]+)"', lines[0])
    return found


def test_every_launch_link_opens_a_notebook_of_this_repository(site):
    for page, (colab, binder, copy) in links(site).items():
        _, _, owner, name, blob, branch, path = urlsplit(colab).path.split("/", 6)
        assert f"https://github.com/{owner}/{name}" == REPOSITORY["url"]
        assert (blob, branch) == ("blob", REPOSITORY["branch"])
        assert (ROOT / unquote(path)).is_file(), path
        asked = urlsplit(binder)
        assert asked.path == f"/v2/gh/{owner}/{name}/HEAD"
        assert parse_qs(asked.query) == {"labpath": [unquote(path)]}
        assert (page.parent / copy).resolve().read_bytes() == (ROOT / unquote(path)).read_bytes()
        assert Path(path).stem == page.stem


def test_every_chapter_with_a_notebook_links_to_it_and_binder_has_its_environment(site):
    made = {path.relative_to(ROOT / "notebooks").with_suffix("") for path in (ROOT / "notebooks").rglob("*.ipynb")}
    assert {page.relative_to(site / "book").with_suffix("") for page in links(site)} == made
    assert (ROOT / "environment.yml").is_file()


def test_a_reader_gets_the_notebook_without_network(open_page):
    page = open_page("book/idea/resolution.html")
    page.get_by_role("link", name="download the notebook").click()
    # From a file, browsers show it, to be saved; from a server they download it.
    page.wait_for_url("**/notebooks/idea/resolution.ipynb")
    assert nbformat.reads(page.inner_text("body"), as_version=4).cells


def test_a_server_of_the_site_gives_the_notebook_as_a_download(chromium, site):
    handler = partial(SimpleHTTPRequestHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = chromium.new_page()
        page.goto(f"http://127.0.0.1:{server.server_port}/book/idea/resolution.html")
        with page.expect_download() as download:
            page.get_by_role("link", name="download the notebook").click()
        assert download.value.suggested_filename == "resolution.ipynb"
        page.close()
        server.shutdown()
