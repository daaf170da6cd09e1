"""The cell where readers write a metric: against the library, against bad code, and by keyboard alone."""

import base64
import gzip
import hashlib
import json
import re
from pathlib import Path

import pytest

from mirage_lib import outputs
from mirage_lib.show import own_metric

ROOT = Path(__file__).resolve().parent.parent
PAGE = "book/idea/metrics-bend-errors.html"
STATIC = ROOT / "book" / "_static"
WAIT = 120_000
"""Milliseconds; Python starts slowly where many tests share a machine."""


@pytest.fixture(scope="module")
def parts():
    ladder = outputs.load("arithmetic-ladder")
    return [own_metric.sample(ladder, *cell) for cell in own_metric.CELLS]


class Cell:
    """The cell of an open page, used as a reader does."""

    def __init__(self, page):
        self.page, self.root = page, page.locator(".mirage-own-metric[data-ready]")
        self.box = self.root.get_by_label("Your metric, in Python")
        self.status = self.root.get_by_role("status")

    def press(self, name):
        self.root.get_by_role("button", name=name, exact=True).click()

    def run(self, code):
        """Put code in the box, run it, and return what is said when the run is over."""
        self.box.fill(code)
        self.press("Run my metric")
        return self.wait()

    def wait(self):
        over = "cell => cell.querySelector('button[aria-disabled]').getAttribute('aria-disabled') === 'false'"
        self.page.wait_for_function(over, arg=self.root.element_handle(), timeout=WAIT)
        return self.status.inner_text()


@pytest.fixture
def cell(open_page):
    return Cell(open_page(PAGE))


def listen(page):
    """Keep what workers send, unrounded, and count the workers that the page starts and ends."""
    page.add_init_script("""
        const Plain = Worker;
        Object.assign(window, { sent: [], started: 0, ended: 0 });
        window.Worker = class extends Plain {
          constructor(...given) {
            super(...given);
            window.started += 1;
            this.addEventListener("message", (e) => window.sent.push(e.data));
          }
          terminate() { super.terminate(); window.ended += 1; }
        };
    """)
    page.reload()


def test_the_three_starters_have_the_library_s_curves_and_intervals(open_page, parts):
    page = open_page(PAGE)
    listen(page)
    cell = Cell(page)
    for name, source in own_metric.STARTERS.items():
        cell.press(name)
        assert cell.box.input_value() == source
        cell.press("Run my metric")
        cell.wait()
        found = page.evaluate("sent.at(-1).curves")
        for part, curve in zip(own_metric.scored(parts, own_metric.read(source)), found, strict=True):
            expected = part.select("estimate", "low", "high").rows()
            assert [tuple(ends) for ends in curve] == [pytest.approx(ends, abs=1e-6) for ends in expected], name


def test_exact_match_written_by_the_reader_equals_the_curve_beside_it(cell, parts):
    said = cell.run("print('loaded')\n\ndef metric(target, output):\n    return target == output\n")
    assert cell.root.get_by_label("What the code printed").inner_text() == "loaded"
    assert "True and False counted as 1 and 0" in said
    for choice in range(len(parts)):
        cell.root.get_by_label("Answers shown").select_option(str(choice))
        own, beside = (
            cell.root.locator(f"table:has(caption:has-text('means')) tbody td:nth-of-type({k})").all_text_contents()
            for k in (2, 3)
        )
        assert own == beside
        assert len(own) == parts[choice]["n_params"].n_unique()
        assert own_metric.name(*own_metric.CELLS[choice]) in cell.status.inner_text()
    assert cell.root.get_by_role("img", name=re.compile("^Your metric: from")).is_visible()


BAD = {
    # code: (line that is marked, what is said)
    "def metric(target, output)\n    return 1\n": (1, "SyntaxError"),
    "def metric(target, output):\n    x = 1\n    return x / 0\n": (3, "ZeroDivisionError: division by zero"),
    "import nothing_of_that_name\n": (1, "ModuleNotFoundError"),
    "x = 1\n": (None, "no function called metric"),
    "def metric(target):\n    return 1\n": (1, "TypeError"),
    "x = 1\n\ndef metric(target, output):\n    target == output\n": (3, "gave None, not a number: is a “return” missing"),
    "def metric(target, output):\n    return float('nan')\n": (1, "gave nan"),
    "def metric(target, output):\n    return float('-inf')\n": (1, "gave -inf"),
    "def metric(target, output):\n    return 'right'\n": (1, "gave the text 'right', not a number"),
    "def metric(target, output):\n    return [1]\n": (1, "gave a list, not a number"),
    "def metric(target, output):\n    return 1j\n": (1, "gave a complex, not a number"),
    "def metric(target, output):\n    return metric(target, output)\n": (2, "RecursionError"),
    "import sys\nsys.exit()\n": (2, "SystemExit"),
    "def metric(target, output):\n    return len([0] * 10**9)\n": (2, "MemoryError"),
    "import urllib.request\nurllib.request.urlopen('http://example.org')\n": (2, "URLError"),
}


def test_a_fault_is_told_at_its_line_and_the_next_run_works(cell):
    for code, (line, complaint) in BAD.items():
        said = cell.run(code)
        assert complaint in said, code
        marked = cell.root.locator(".mirage-own-numbers strong").all_text_contents()
        assert [text.strip() for text in marked] == ([] if line is None else [f"▸{line}"]), code
        if line is not None:
            assert said.startswith(f"Line {line}: ")
            assert cell.box.get_attribute("aria-invalid") == "true"
        assert not cell.root.locator(".mirage-own-panels").is_visible()
    assert "Target '" in cell.run("def metric(target, output):\n    return None\n")
    assert "from 1 at" in cell.run("def metric(target, output):\n    return 1\n")
    assert cell.box.get_attribute("aria-invalid") is None
    assert cell.root.locator(".mirage-own-panels").is_visible()


ENDLESS = "def metric(target, output):\n    while True:\n        pass\n"


def test_a_loop_without_end_stops_at_the_button_and_at_the_time_limit(open_page):
    page = open_page(PAGE)
    cell = Cell(page)
    assert cell.root.get_attribute("data-seconds") == str(own_metric.SECONDS)
    cell.root.evaluate("cell => { cell.dataset.seconds = 3; }")
    cell.box.fill(ENDLESS)
    cell.press("Run my metric")
    page.wait_for_function("document.querySelector('.mirage-own-metric [role=status]').textContent === 'Running.'", timeout=WAIT)
    cell.press("Stop")
    assert cell.wait() == "Stopped by you."
    said = cell.run(ENDLESS)
    assert said.startswith("Stopped: your code ran for 3 seconds.")
    assert "from 1 at" in cell.run("def metric(target, output):\n    return 1\n")


@pytest.mark.parametrize("stage", ["Loading Python", "Starting Python"])
def test_loading_and_starting_can_be_stopped(open_page, stage):
    page = open_page(PAGE)
    listen(page)
    cell = Cell(page)
    # Pressed by the page itself, the moment the stage is told: a stage may be over before a test can press.
    page.evaluate("""(stage) => {
      const cell = document.querySelector(".mirage-own-metric"), status = cell.querySelector("[role=status]");
      const stop = [...cell.querySelectorAll("button")].find((button) => button.textContent === "Stop");
      new MutationObserver(() => {
        if (!status.textContent.startsWith(stage)) return;
        window.startedBefore = window.started;
        stop.click();
      }).observe(status, { childList: true, characterData: true, subtree: true });
    }""", stage)
    cell.press("Run my metric")
    page.wait_for_function("window.startedBefore !== undefined", timeout=WAIT)
    assert cell.wait() == "Stopped by you."
    page.wait_for_timeout(1500)
    assert cell.status.inner_text() == "Stopped by you."
    counted = page.evaluate("({ started, ended, startedBefore })")
    assert counted["started"] == counted["ended"] == counted["startedBefore"], counted
    assert counted["started"] == int(stage == "Starting Python")


def test_a_link_brings_code_that_runs_only_after_a_press(open_page):
    first = Cell(open_page(PAGE))
    code = "def metric(target, output):\n    return 1  # “é”\n"
    first.box.fill(code)
    first.box.blur()
    address = first.page.url
    second = Cell(open_page(PAGE + "#" + address.split("#")[1]))
    assert second.box.input_value() == code
    assert second.status.inner_text() == "This code came with the address. Read it, then press Run my metric."
    second.page.wait_for_timeout(1500)
    assert second.page.evaluate("window.mirageParts === undefined")
    assert not second.page.workers
    assert not second.root.locator(".mirage-own-panels").is_visible()
    second.press("Run my metric")
    assert "from 1 at" in second.wait()


def test_a_damaged_link_leaves_a_starter_in_the_box(open_page):
    cell = Cell(open_page(PAGE + "#own-metric?code=_w"))
    assert cell.box.input_value() == own_metric.STARTERS["Partial credit"]
    assert "damaged" in cell.status.inner_text()


def test_the_keyboard_alone_writes_runs_and_leaves(cell):
    cell.root.get_by_role("button", name="First digit").focus()
    keyboard = cell.page.keyboard
    keyboard.press("Enter")
    assert cell.box.input_value() == own_metric.STARTERS["First digit"]
    keyboard.press("Tab")
    assert cell.box.evaluate("box => box === document.activeElement")
    keyboard.press("Control+z")
    assert cell.box.input_value() == own_metric.STARTERS["Partial credit"]
    keyboard.press("Control+a")
    keyboard.type("def metric(target, output):\nif output:\nreturn 1\n")
    keyboard.press("Backspace")
    assert cell.box.input_value() == "def metric(target, output):\n    if output:\n        return 1\n       "
    for _ in range(7):
        keyboard.press("Backspace")
    keyboard.type("    return 0")
    keyboard.press("Tab")
    assert cell.root.get_by_role("button", name="Run my metric").evaluate("b => b === document.activeElement")
    keyboard.press("Enter")
    assert "your metric from 1 at" in cell.wait()
    keyboard.press("Tab")
    assert cell.root.get_by_role("button", name="Stop").evaluate("b => b === document.activeElement")


def test_no_script_no_loss_the_starters_are_there_as_code_and_curves(open_page):
    page = open_page(PAGE, java_script_enabled=False)
    cell = page.locator(".mirage-own-metric")
    assert cell.get_by_role("img", name=re.compile("partial credit from .* first digit from")).is_visible()
    cell.get_by_text("The code of the three").click()
    assert cell.locator("pre[data-starter]").all_text_contents() == list(own_metric.STARTERS.values())


def test_the_first_view_loads_neither_python_nor_strings(open_page):
    page = open_page(PAGE)
    Cell(page).root.scroll_into_view_if_needed()
    loaded = " ".join(page.evaluate("[...document.scripts].map(script => script.src)"))
    assert "own-metric.js" in loaded
    assert not re.search("pyodide|own-metric-(worker|curves|data)", loaded)


def test_other_pages_do_not_load_the_cell(site):
    assert "own-metric" not in (site / "book" / "idea" / "resolution.html").read_text()


def test_packed_python_is_what_its_note_says():
    packed = json.loads((STATIC / "pyodide" / "PACKED.json").read_text())
    scripts = {f"{name}.js": facts["script_sha256"] for name, facts in packed["files"].items()}
    assert {p.name for p in (STATIC / "pyodide").glob("*.js")} == set(scripts)
    for name, expected in scripts.items():
        script = (STATIC / "pyodide" / name).read_bytes()
        assert len(script) < 5_000_000
        assert hashlib.sha256(script).hexdigest() == expected
        if (text := re.search(rb'= "(.*)";', script)) is not None:
            sent, facts = base64.b64decode(text[1]), packed["files"][name.removesuffix(".js")]
            original = sent if name.endswith(".zip.js") else gzip.decompress(sent)
            assert hashlib.sha256(original).hexdigest() == facts["sha256"]
