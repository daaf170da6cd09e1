"""What tests share: the built site, and a Chromium that cannot reach anything outside."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


SHARED = ("test_book", "test_cli", "test_ladder", "test_reach", "test_vision")
"""Modules whose tests are long and need nothing in common: both processes take from them, at the end."""


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give each module to one process, so that what its tests share (a PDF, a server) is made once."""
    from xdist.scheduler import LoadScopeScheduling

    class ByModule(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            module = nodeid.partition("::")[0]
            return nodeid if Path(module).stem in SHARED else module

    return ByModule(config, log)


@pytest.fixture
def says(request) -> str:
    """The message that a test's own marker of a fault promises, and with it the table of faults in the book."""
    return request.node.get_closest_marker("fault").kwargs["says"]


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id="master") -> Path:
    """The folder of the built pages; the book is built first if anything changed."""
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "build.py"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return ROOT / "_build" / "html"


@pytest.fixture(scope="session")
def chromium():
    """A Chromium for the whole session."""
    from playwright.sync_api import sync_playwright

    from tools import browser

    found = browser.find()
    assert found, "no Chromium here: run 'make test', which installs one or says how to"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(found), args=list(browser.FLAGS))
        yield running
        running.close()


@pytest.fixture
def open_page(chromium, site):
    """Open pages of the site with every outside request blocked; fail on requests and script errors."""
    contexts, complaints = [], []

    def open_one(path: str, **settings):
        context = chromium.new_context(**settings)
        contexts.append(context)

        def route(request):
            url = request.request.url
            if url.startswith(("file:", "data:", "blob:")):
                request.continue_()
            else:
                complaints.append(f"asked for {url}")
                request.abort()

        context.route("**/*", route)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(f"script error: {error}"))
        page.on("console", lambda m: complaints.append(f"console: {m.text}") if m.type == "error" else None)
        page.goto((site / path.split("#")[0]).as_uri() + ("#" + path.split("#")[1] if "#" in path else ""))
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert not complaints, complaints
