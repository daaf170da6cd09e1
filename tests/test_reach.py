"""Every page within everybody's reach: by eye, ear and keyboard, in both themes, on a phone and enlarged.

The pages are those that are built, whatever the table of contents says. One pass of a page does all its
checks, since opening it and waking its explorers is what takes time.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

BUILT = Path(__file__).resolve().parent.parent / "_build" / "html"
POINTER = "index.html"  # Sends on to a language's first page at once and holds nothing else.
PHONE, DESK = {"width": 320, "height": 640}, {"width": 1280, "height": 800}
ENLARGED = {"width": 640, "height": 400}  # A desk's window at 200 %: as many pixels, each of twice the size.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
OF_COLOUR = ["color-contrast", "link-in-text-block"]


def built(folder: Path) -> list[str]:
    """The pages below a folder; what lies in _static and _sources are parts, not pages."""
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*.html"))
    return sorted(path for path in paths if "/_" not in f"/{path}" and path.rpartition("/")[2] != POINTER)


PAGES = built(BUILT)


def test_the_pages_walked_are_the_pages_built(site):
    assert len(PAGES) > 20
    assert built(site) == PAGES, "the book was built while tests were collected: run them once more"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_within_reach_of_everybody(open_page, path):
    page = open_page(path, viewport=DESK, color_scheme="light", reduced_motion="reduce")
    page.evaluate(OPENED, "details:not(.mirage-answer)")  # Guesses wait for the reader, so they can be made.
    faults = explorers_that_stand_still(page)
    faults += out_of_the_keyboards_reach(page)
    faults += moving(page)
    for size in (DESK, ENLARGED, PHONE):
        page.set_viewport_size(size)
        faults += sticking_out(page, f"at {size['width']} pixels")
    faults += sticking_out_with_wide_spacing(page)
    page.evaluate(THINNED)
    # Both sizes for all rules, both themes for those of colour, the slow ones. What is seen on a phone alone is
    # alike on every page: the header's buttons and the drawers, which have a test of their own in both themes.
    for size, theme, rules in ((DESK, "light", RULES), (DESK, "dark", OF_COLOUR), (PHONE, "dark", RULES)):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
        page.evaluate(SETTLED)
        when = f"{theme}, {size['width']} pixels"
        faults += found_by_axe(page, rules, when, leaving=OF_COLOUR if size is PHONE else ())
        page.evaluate(OPENED, ".mirage-answer")
        faults += sticking_out(page, f"with answers open, {when}")
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_menu_and_contents_open_close_and_give_the_focus_back_by_keyboard(open_page, theme):
    path = next(path for path in PAGES if "/idea/" in path)
    page = open_page(path, viewport=PHONE, color_scheme=theme, reduced_motion="reduce")
    assert not found_by_axe(page, OF_COLOUR, "with drawers closed")
    for button, dialog in (
        (".primary-toggle", "#pst-primary-sidebar-modal"),
        (".secondary-toggle", "#pst-secondary-sidebar-modal"),
    ):
        page.locator(f"{button}:visible").focus()
        page.keyboard.press("Enter")
        page.locator(f"{dialog}[open]").wait_for()
        assert not found_by_axe(page, RULES, dialog)
        page.keyboard.press("Tab")
        assert page.evaluate("dialog => document.activeElement.closest(dialog) !== null", dialog)
        page.keyboard.press("Escape")
        page.wait_for_function("button => document.activeElement.matches(button)", arg=button)
        assert page.locator(f"{dialog}[open]").count() == 0


def test_the_search_is_asked_and_answers_by_keyboard_alone(open_page):
    page = open_page(PAGES[0], viewport=DESK, reduced_motion="reduce")
    page.keyboard.press("Control+k")
    page.locator("#pst-search-dialog[open]").wait_for()
    assert not found_by_axe(page, RULES, "search dialog")
    page.keyboard.type("accuracy")
    page.keyboard.press("Enter")
    page.locator("#search-results li a").first.wait_for()
    assert not found_by_axe(page, RULES, "search results")
    page.locator("#search-results li a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "search.html" not in url)
    assert page.locator(".bd-article h1").first.is_visible()


KEY = """c => c.type === 'checkbox' ? 'Space'
  : c.options ? (c.selectedIndex < c.options.length - 1 ? 'ArrowDown' : 'ArrowUp')
  : (Number(c.value) < Number(c.max) ? 'ArrowRight' : 'ArrowLeft')"""
"""The key that changes a control, whichever value it has."""


def explorers_that_stand_still(page) -> list[str]:
    """Move the first control of each explorer by one key, and wait for another status or drawing."""
    faults = []
    view = "figure => figure.querySelector('.mirage-status').textContent + figure.querySelector('svg').outerHTML"
    for figure in page.locator(".mirage-explorer").all():
        name = figure.get_attribute("id")
        figure.scroll_into_view_if_needed()
        page.locator(f"#{name}[data-ready=true]").wait_for(timeout=20_000)
        control = figure.locator("select, input").first
        before = figure.evaluate(view)
        control.focus()
        page.keyboard.press(control.evaluate(KEY))
        try:
            page.wait_for_function(f"([figure, before]) => ({view})(figure) !== before",
                                   arg=[figure.element_handle(), before], timeout=10_000)
        except Exception:  # Playwright's own time-out: the view is what it was.
            faults.append(f"{name}: its first control changes nothing")
    return faults


RECORD = """() => {
  const one = el => { const s = getComputedStyle(el);
    return [s.outlineStyle === 'none' ? '' : s.outlineStyle + s.outlineWidth + s.outlineColor, s.boxShadow,
      s.backgroundColor, s.borderColor, s.borderWidth, s.textDecoration, s.opacity, s.transform, s.top].join(); };
  /* A control that is drawn by its label shows the focus there. */
  const look = el => [el, ...(el.labels ?? []), ...(el.labels?.length && el.nextElementSibling ? [el.nextElementSibling] : [])]
    .map(one).join('|');
  const name = el => el.outerHTML.slice(0, 120).replace(/\\s+/g, ' ');
  const covered = el => {
    const box = [...el.getClientRects()].find(r => r.width && r.height);
    if (!box) return true;
    const [x0, x1] = [Math.max(0, box.left), Math.min(innerWidth, box.right)];
    const [y0, y1] = [Math.max(0, box.top), Math.min(innerHeight, box.bottom)];
    if (x1 <= x0 || y1 <= y0) return true;
    return ![.1, .5, .9].some(a => [.1, .5, .9].some(b => {
      const hit = document.elementFromPoint(x0 + a * (x1 - x0), y0 + b * (y1 - y0));
      return hit && (el.contains(hit) || hit.contains(el) || [...(el.labels ?? [])].some(l => l.contains(hit))); }));
  };
  const rest = el => el.type === 'radio' && el !== ([...document.getElementsByName(el.name)]
    .find(r => r.checked) ?? document.getElementsByName(el.name)[0]);
  const wanted = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')]
    .filter(el => el.tabIndex >= 0 && !el.matches(':disabled') && !rest(el) && el.getClientRects().length
      && el.checkVisibility({ visibilityProperty: true }) && !el.closest('[inert]'));
  const seen = new Set(), faults = [];
  let on = null, lit = '';
  addEventListener('focusin', ({ target }) => { on = target; lit = look(target); seen.add(target); });
  addEventListener('focusout', ({ target }) => {
    if (target !== on) return;
    const shown = lit;
    queueMicrotask(() => setTimeout(() => {
      if (document.activeElement !== target && look(target) === shown) faults.push('shows no focus: ' + name(target));
    }));
  });
  addEventListener('keydown', () => { if (on && on === document.activeElement && covered(on))
    faults.push('is not to be seen when the focus is on it: ' + name(on)); }, true);
  document.activeElement.blur();
  getSelection().collapse(document.body, 0);
  scrollTo(0, 0);
  window.reach = { missed: () => wanted.filter(el => el.isConnected && !seen.has(el)).map(name), faults };
  return wanted.length;
}"""
"""Notes where the focus goes, whether one sees it there, and what it has not come to."""


def out_of_the_keyboards_reach(page) -> list[str]:
    """Go through the page by Tab; say what the focus never comes to, and where nobody would see it."""
    start = left = page.evaluate(RECORD)
    presses = 0
    # Boxes that scroll take the focus as well, so a lap needs more presses than there are things to reach.
    while left and presses < 2 * start + 60:
        for _ in range(left):
            page.keyboard.press("Tab")
        presses += left
        left = len(page.evaluate("window.reach.missed()"))
    missed = page.evaluate("window.reach.missed()")
    faults = page.evaluate("window.reach.faults")
    return [f"the Tab key never comes to: {name}" for name in missed] + faults


MOVING = """() => {
  const faults = document.getAnimations().map(a => `runs: ${a.animationName ?? a.transitionProperty}`);
  const long = times => times.split(',').some(time => parseFloat(time) > 0.01);
  const met = new Set();
  for (const el of document.querySelectorAll('*')) {
    const kind = el.tagName + ' ' + (el.getAttribute('class') ?? '');
    if (met.has(kind)) continue;
    met.add(kind);
    for (const part of [null, '::before', '::after']) {
      const s = getComputedStyle(el, part);
      if (s.animationName !== 'none' && long(s.animationDuration) || s.transitionProperty !== 'none' && long(s.transitionDuration)
        || s.scrollBehavior === 'smooth') faults.push(`would move: ${kind} ${part ?? ''}`);
    }
  }
  return faults;
}"""


def moving(page) -> list[str]:
    """What moves, or would, though the reader asked for less motion."""
    return page.evaluate(MOVING)


def sticking_out(page, when: str) -> list[str]:
    """Whether the page as a whole scrolls sideways, and by which element."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    wide = page.evaluate("""() => {
      const root = document.documentElement, room = root.clientWidth;
      if (root.scrollWidth <= room) return null;
      const inBox = el => { for (let up = el; up && up !== document.body; up = up.parentElement) {
        const s = getComputedStyle(up);
        if (s.position === 'fixed' || up !== el && s.overflowX !== 'visible') return true; } };
      const out = [...document.body.querySelectorAll('*')].filter(el => el.getBoundingClientRect().right > room + 0.5 && !inBox(el));
      return `${root.scrollWidth} > ${room}: ` + (out.at(-1)?.outerHTML.slice(0, 120) ?? '?');
    }""")
    return [] if wide is None else [f"sticks out {when}: {wide}"]


def sticking_out_with_wide_spacing(page) -> list[str]:
    """The spacing of text that WCAG 1.4.12 asks a page to bear, on a phone."""
    style = page.add_style_tag(content="* { line-height: 1.5 !important; letter-spacing: .12em !important;"
                               " word-spacing: .16em !important; } p { margin-bottom: 2em !important; }")
    faults = sticking_out(page, "at 320 pixels with wide spacing")
    style.evaluate("style => style.remove()")
    return faults


THINNED = """() => {
  document.querySelectorAll('tr:nth-child(n + 4)').forEach(row => row.remove());
  const met = {};
  for (const token of document.querySelectorAll('pre span')) {
    met[token.className] = (met[token.className] ?? 0) + 1;
    if (met[token.className] > 3) token.replaceWith(...token.childNodes);
  }
}"""
"""Rows of a table and words of code are of one make: what axe holds against the first, it holds against all."""


SETTLED = """async () => {
  const waiting = box => box.scrollWidth > box.clientWidth && box.tabIndex < 0;
  for (let k = 0; k < 20 && [...document.querySelectorAll('pre, .pst-scrollable-table-container')].some(waiting); k += 1)
    await new Promise(done => setTimeout(done, 100));
}"""
"""The theme gives boxes that scroll the focus a moment after the size of the page has changed."""

OPENED = "kind => document.querySelectorAll(kind).forEach(part => { part.open = true; })"


def found_by_axe(page, rules: list[str], when: str, leaving: Sequence[str] = ()) -> list[str]:
    """What axe holds against the whole page: rules by their tags, or the named ones, leaving some out."""
    # Figures far from the screen are laid out as the reader comes near; axe judges none that is not.
    page.add_style_tag(content=".mirage-later, .mirage-curves, .mirage-list { content-visibility: visible !important }")
    chosen = {rule: {"enabled": False} for rule in leaving}
    if rules is RULES:
        chosen["target-size"] = {"enabled": True}
    found = Axe().run(page, options={
        "runOnly": {"type": "tag" if rules is RULES else "rule", "values": rules},
        "rules": chosen,
        "resultTypes": ["violations"],
        "preload": False,
    }).response["violations"]
    return [
        f"axe, {when}: {rule['id']} {json.dumps(node['target'])} {node['html'][:120]} {node['failureSummary'][:200]}"
        for rule in found
        for node in rule["nodes"][:3]
    ]
