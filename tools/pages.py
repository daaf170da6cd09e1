"""Measure every built page against the budgets, and write the table: `make pages`.

    .venv/bin/python tools/pages.py [PAGE ...] [--lighthouse PROGRAM] [--out benchmarks/pages.md]

Pages come from a server on this machine that compresses as web hosts do; Chromium counts what comes over
the wire, and can reach nothing else. Named pages are measured alone and printed. Lighthouse needs Node
(`npm install lighthouse` anywhere); where its program is not found its columns say "not measured".
The exit status is 1 if a budget is missed.
"""

import argparse
import functools
import gzip
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tools import browser

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
COMPRESSED = (".html", ".css", ".js", ".json", ".svg", ".txt", ".ttf", ".wasm", ".csv", ".py")
EXPLORER_SCRIPTS = ("/vega/", "/data/", "/explorer.js")
CATEGORIES = {"performance": 95, "accessibility": 100, "best-practices": 95}
"""What Lighthouse scores, and the least that will do."""
WINDOW = {"width": 1280, "height": 800}
OUTSIDE_BLOCKED = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
AUDIT_SECONDS = 240


@dataclass
class Measured:
    """What was measured of one page: bytes on the wire, requests, milliseconds, scores out of 100."""

    page: str
    bytes: dict[str, int] = field(default_factory=lambda: {"first": 0, "all": 0, "scripts": 0, "explorer": 0})
    requests: int = 0
    outside: list[str] = field(default_factory=list)
    ready: float | None = None
    reactions: list[float] = field(default_factory=list)
    scores: dict[str, int | None] = field(default_factory=dict)

    @property
    def reaction(self) -> float | None:
        """The median over all controls of all explorers."""
        return statistics.median(self.reactions) if self.reactions else None


@dataclass(frozen=True)
class Column:
    """One column of the table: its head, how a page's value is got, and what the value has to be."""

    head: str
    value: Callable[[Measured], float | None]
    most: float | None = None
    least: float | None = None

    def missed(self, measured: Measured) -> bool:
        """Whether the page breaks this budget; what was not measured breaks none.

        >>> Column("requests", lambda m: m.requests, most=3).missed(Measured("a", requests=4))
        True
        """
        value = self.value(measured)
        too_much = value is not None and self.most is not None and value > self.most
        return too_much or (value is not None and self.least is not None and value < self.least)

    def cell(self, measured: Measured) -> str:
        """The value as the table shows it, bold where it breaks the budget."""
        value = self.value(measured)
        text = "–" if value is None else f"{value:.0f}"
        return f"**{text}**" if self.missed(measured) else text


COLUMNS = (
    Column("first view, kB", lambda m: m.bytes["first"] / 1000, most=700),
    Column("read to the end, kB", lambda m: m.bytes["all"] / 1000, most=700),
    Column("of it scripts", lambda m: m.bytes["scripts"] / 1000),
    Column("of it explorer", lambda m: m.bytes["explorer"] / 1000, most=300),
    Column("requests", lambda m: m.requests),
    Column("outside", lambda m: len(m.outside), most=0),
    Column("explorer ready, ms", lambda m: m.ready),
    Column("reaction, ms", lambda m: m.reaction, most=100),
    Column("slowest control, ms", lambda m: max(m.reactions, default=None)),
    *(Column(name.replace("-", " "), lambda m, name=name: m.scores.get(name), least=least) for name, least in CATEGORIES.items()),
)


class Compressing(SimpleHTTPRequestHandler):
    """Serve files as a web host does: kept connections, text compressed once and remembered."""

    protocol_version = "HTTP/1.1"
    done: dict[Path, bytes] = {}

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        packed = path.suffix in COMPRESSED
        if path not in self.done:
            content = path.read_bytes()
            self.done[path] = gzip.compress(content, 9) if packed else content
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        self.send_header("Content-Length", str(len(self.done[path])))
        self.send_header("Cache-Control", "max-age=3600")
        if packed:
            self.send_header("Content-Encoding", "gzip")
        self.end_headers()
        self.wfile.write(self.done[path])

    def log_message(self, *message) -> None:
        """Say nothing about each request."""


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve a folder on a free port of this machine; yields the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Compressing, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def pages(site: Path) -> list[str]:
    """The pages of a built site, without the pointers to a first page and parts that are no pages."""
    paths = (path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    return sorted(path for path in paths if "/_" not in f"/{path}" and not f"/{path}".endswith("/index.html"))


def weigh(running, address: str, page: str) -> Measured:
    """Open a page with an empty cache, read it to its end, and move each control of its explorers."""
    measured = Measured(page)
    context = running.new_context(viewport=WINDOW)
    opened = context.new_page()
    wire = context.new_cdp_session(opened)
    wire.send("Network.enable")
    asked: dict[str, tuple[str, str]] = {}

    def ask(event: dict) -> None:
        url = event["request"]["url"]
        asked[event["requestId"]] = (url, event.get("type", ""))
        if url.startswith(address):
            measured.requests += 1
        elif not url.startswith(("data:", "blob:")):
            measured.outside.append(url)

    def got(event: dict) -> None:
        url, kind = asked.get(event["requestId"], ("", ""))
        size = int(event["encodedDataLength"]) if url.startswith(address) else 0
        measured.bytes["all"] += size
        measured.bytes["scripts"] += size * (kind == "Script")
        measured.bytes["explorer"] += size * (kind == "Script" and any(x in urlsplit(url).path for x in EXPLORER_SCRIPTS))

    wire.on("Network.requestWillBeSent", ask)
    wire.on("Network.loadingFinished", got)
    opened.goto(address + page, wait_until="networkidle")
    measured.bytes["first"] = measured.bytes["all"]
    for figure in opened.locator(".mirage-explorer").all():
        figure.scroll_into_view_if_needed()
        opened.locator(f"#{figure.get_attribute('id')}[data-ready=true]").wait_for(timeout=60_000)
    opened.evaluate("scrollTo(0, document.body.scrollHeight)")
    opened.wait_for_load_state("networkidle")
    opened.wait_for_timeout(700)  # Explorers prepare their other axis half a second after the first.
    for figure in opened.locator(".mirage-explorer").all():
        figure.scroll_into_view_if_needed()
        measured.reactions += figure.evaluate(REACTIONS)
    first = opened.locator(".mirage-explorer").first
    name = first.get_attribute("id") if first.count() else None
    context.close()
    if name:
        measured.ready = time_until_ready(running, f"{address}{page}#{name}?", name)
    return measured


def time_until_ready(running, url: str, name: str) -> float:
    """Milliseconds from asking for a page to its explorer being drawn, with an empty cache, where the link leads to it."""
    context = running.new_context(viewport=WINDOW)
    opened = context.new_page()
    opened.goto(url)
    opened.locator(f"#{name}[data-ready=true]").wait_for(timeout=60_000)
    passed = opened.evaluate("performance.now()")
    context.close()
    return passed


REACTIONS = """async figure => {
  const status = figure.querySelector('.mirage-status'), times = [];
  const controls = () => [...figure.querySelectorAll('.mirage-controls select, .mirage-controls input')];
  for (let k = 0; k < controls().length; k += 1) {
    const control = controls()[k];
    const before = control.type === 'checkbox' ? control.checked : control.value;
    const values = control.type === 'checkbox' ? [!before, before]
      : control.type === 'range' ? [control.min, before]
      : [...[...control.options].filter(o => o.value !== before).slice(0, 3).map(o => o.value), before];
    for (const value of values) {
      /* The explorer writes its status when the drawing is done; the next frame shows both. */
      const told = new Promise(done => { const watch = new MutationObserver(() => { watch.disconnect(); done(true); });
        watch.observe(status, { childList: true, characterData: true, subtree: true });
        setTimeout(() => { watch.disconnect(); done(false); }, 3000); });
      const start = performance.now();
      if (control.type === 'checkbox') control.checked = value; else control.value = value;
      control.dispatchEvent(new Event('input', { bubbles: true }));
      control.dispatchEvent(new Event('change', { bubbles: true }));
      if (await told) times.push(await new Promise(done => requestAnimationFrame(() => done(performance.now() - start))));
      await new Promise(done => setTimeout(done, 30));
    }
  }
  return times;
}"""
"""Milliseconds from the change of each control of an explorer to the frame that shows it."""


def audit(program: str, chromium: Path, url: str) -> dict[str, int | None]:
    """Lighthouse's scores of one page, out of 100, at its default throttling (a slow phone)."""
    flags = " ".join(f"'{flag}'" if " " in flag else flag for flag in (*browser.FLAGS, "--headless=new", OUTSIDE_BLOCKED))
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        done = subprocess.run(
            [program, url, "--quiet", "--output=json", f"--output-path={report}",
             f"--only-categories={','.join(CATEGORIES)}", f"--chrome-flags={flags}", "--no-enable-error-reporting"],
            env=os.environ | {"CHROME_PATH": str(chromium)},
            capture_output=True,
            text=True,
            timeout=AUDIT_SECONDS,
        )
        if not report.exists():
            raise RuntimeError(f"{program} gave no report on {url}: {done.stderr.strip()[-300:]}")
        found = json.loads(report.read_text())
    scores = {name: found["categories"][name]["score"] for name in CATEGORIES}
    for name in ("accessibility", "best-practices"):
        for entry in found["categories"][name]["auditRefs"]:
            one = found["audits"][entry["id"]]
            if entry["weight"] and one["score"] is not None and one["score"] < 0.9:
                print(f"    {name}: {one['title']}", file=sys.stderr)
    return {name: None if score is None else round(100 * score) for name, score in scores.items()}


def middle(once: Callable[[], dict[str, int | None]]) -> dict[str, int | None]:
    """Scores of one audit; where one of them misses its budget, the medians of three, since the first's is partly chance.

    >>> tries = iter([{"performance": 93}, {"performance": 98}, {"performance": 97}])
    >>> middle(lambda: next(tries))
    {'performance': 97}
    """
    tried = [once()]
    if any(score is not None and score < CATEGORIES[name] for name, score in tried[0].items()):
        tried += [once(), once()]
    told = {name: [one[name] for one in tried if one[name] is not None] for name in tried[0]}
    return {name: round(statistics.median(scores)) if scores else None for name, scores in told.items()}


def table(measured: list[Measured], stamp: str) -> str:
    """The page of results: the stamp, the budgets, a row a page."""
    budgets = [f"at most {c.most:.0f}" if c.most is not None else f"at least {c.least:.0f}" if c.least is not None else ""
               for c in COLUMNS]
    rows = [
        ["page", *(column.head for column in COLUMNS)],
        ["---", *("---:" for _ in COLUMNS)],
        ["budget", *budgets],
        *([one.page, *(column.cell(one) for column in COLUMNS)] for one in measured),
    ]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    outside = [f"- {one.page} asked for {url}" for one in measured for url in one.outside]
    return "\n".join([HEAD, stamp, "", *lines, *(["", *outside] if outside else []), ""])


HEAD = """# Pages, measured

Written by `make pages`; the method is at the head of `tools/pages.py`. Sizes are compressed bytes on the wire,
headers included, with an empty cache: when the page opens, and when it was read to its end with every explorer
awake. *Explorer ready* counts from asking for the page at a link to its first explorer, *reaction* from changing
a control to the frame that shows it (median over all controls of the page). A page without explorers shows –;
bold numbers miss the budget. Of a page with a score below its budget three audits were made, and their medians stand.
Times and the performance score depend on the machine and on what else it does.
"""


def stamp_of(version: str, lighthouse: str | None) -> str:
    """When and with what was measured."""
    found = "not measured: no `lighthouse` here"
    if lighthouse:
        said = subprocess.run([lighthouse, "--version"], capture_output=True, text=True, timeout=60)
        found = said.stdout.strip() or "of unknown version"
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return (f"{datetime.now(UTC):%Y-%m-%d}, Chromium {version}, Lighthouse {found}, "
            f"Python {platform.python_version()}, {os.cpu_count()} cores{load}.")


def main(arguments: list[str]) -> int | str:
    """Measure; write or print the table; return 1 or a complaint where a budget is missed or nothing can be measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", nargs="*", help="only these, printed and not written (book/intro.html)")
    parser.add_argument("--site", type=Path, default=SITE, help="the folder of the built pages")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "pages.md")
    parser.add_argument("--lighthouse", default=shutil.which("lighthouse"), help="Lighthouse's program")
    parser.add_argument("--no-lighthouse", dest="lighthouse", action="store_const", const=None)
    asked = parser.parse_args(arguments)
    if not (asked.site / "index.html").exists():
        return f"There is no book in {asked.site}: `make book` builds it."
    chromium = browser.find()
    if chromium is None:
        return "There is no Chromium here: `make test` installs one or says how to."
    wanted = asked.pages or pages(asked.site)
    if unknown := [page for page in wanted if not (asked.site / page).is_file()]:
        return f"No such page: {', '.join(unknown)}. Name it as in book/intro.html."
    from playwright.sync_api import sync_playwright

    measured = []
    with served(asked.site) as address, sync_playwright() as playwright:
        flags = [*browser.FLAGS, OUTSIDE_BLOCKED]
        running = playwright.chromium.launch(executable_path=str(chromium), args=flags)
        stamp = stamp_of(running.version, asked.lighthouse)
        for page in wanted:
            print(page, file=sys.stderr, flush=True)
            one = weigh(running, address, page)
            if asked.lighthouse:
                one.scores = middle(lambda url=address + page: audit(asked.lighthouse, chromium, url))
            measured.append(one)
        running.close()
    text = table(measured, stamp)
    if asked.pages:
        print(text)
    else:
        asked.out.write_text(text)
    missed = [f"{one.page}: {column.head} {column.value(one):.0f}" for one in measured for column in COLUMNS if column.missed(one)]
    print("\n".join(["Budgets missed:", *missed] if missed else ["Every budget is kept."]), file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
