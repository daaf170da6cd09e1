"""Keeps pages light: leaves out of them, and of the theme's own files, what no page uses.

The theme brings icon fonts and style sheets made for every site there may be. What of them stays is decided
from the built pages, so a page that uses more gets more. (The templates leave out whole scripts.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fontTools import subset
from sphinx.application import Sphinx

PIECE = re.compile(r"""/\*.*?\*/|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[{};]""", re.S)
"""What has to be seen to cut a style sheet into rules: comments, strings, and the marks between them."""


def light_page(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Leave out Thebe, which no page offers."""
    scripts = context.get("script_files", [])
    kept = [s for s in scripts if "thebe" not in f"{s.filename or ''} {s.attributes}".lower()]
    for script in kept:
        # The search's page has scripts of its template behind these, which wait for nobody; `bundles` makes all wait.
        script.attributes.pop("defer", None)
    context["script_files"] = kept
    context["css_files"] = [s for s in context.get("css_files", []) if "thebe" not in str(s.filename)]


def slim(app: Sphinx, error: Exception | None) -> None:
    """Cut style sheets and icon fonts down to what the pages use."""
    if error is not None or app.builder.format != "html":
        return
    static = Path(app.outdir, "_static")
    pages = [page.read_text() for page in Path(app.outdir).rglob("*.html")]
    for unused in (static / "scripts").glob("fontawesome*"):
        unused.unlink()
    words = {w for page in pages for value in re.findall(r'\b(?:class|id)="([^"]*)"', page) for w in value.split()}
    for script in [*static.glob("*.js"), *static.glob("scripts/*.js")]:
        words |= set(re.findall(r"[A-Za-z_][\w-]*", script.read_text()))
    words |= {word for page in pages for text in re.findall(r"<script.*?</script>", page, re.S)
              if "application/json" not in text[:60] for word in re.findall(r"[A-Za-z_][\w-]*", text)}
    own = {sheet.name for sheet in Path(app.srcdir, "book", "_static").glob("*.css")}
    sheets = [s for s in (*static.glob("*.css"), *static.glob("styles/*.css")) if s.name not in own]
    for sheet in sheets:
        sheet.write_text(say_no_icons(keep_rules(sheet.read_text(), words)))
    slim_fonts(static, sheets)
    for extra in static.rglob("*.map"):
        extra.unlink()


def keep_rules(sheet: str, words: set[str]) -> str:
    """Drop rules, and selectors of rules, that ask for a class or id no page or script has.

    >>> keep_rules(".a,.b{x:y}.b{z:1}@media print{.b .a{x:y}}@media print{#a>i{x:y}}", {"a"})
    '.a{x:y}@media print{#a>i{x:y}}'
    """
    parts = []
    for head, body in rules(sheet):
        if body is None or head.startswith("@") and not head.startswith(("@media", "@supports")):
            parts.append(head + (";" if body is None else f"{{{body}}}"))
        elif head.startswith("@"):
            inner = keep_rules(body, words)
            parts.append(f"{head}{{{inner}}}" if inner else "")
        else:
            wanted = [one for one in selectors(head) if _may_match(one, words)]
            parts.append(f"{','.join(wanted)}{{{body}}}" if wanted else "")
    return "".join(parts)


def say_no_icons(sheet: str) -> str:
    """Give signs of icon fonts an empty spoken text; a screen reader would say a sign without a name.

    >>> say_no_icons('a:after{content:"\\\\f0c9";x:y}')
    'a:after{content:"\\\\f0c9";content:"\\\\f0c9" / "";x:y}'
    """
    sign = r'content:("\\[ef][0-9a-f]{3}"|"[\ue000-\uf8ff]"|var\(--pst-icon-[\w-]+\))(?=[;}])'
    return re.sub(sign, r'content:\1;content:\1 / ""', sheet)


def rules(sheet: str) -> Iterator[tuple[str, str | None]]:
    """Yield head and body of each rule at the outermost level; the body is None for a statement such as @import.

    >>> list(rules('@import "x;y";a{b:"}"} @media c{d{e:f}}'))
    [('@import "x;y"', None), ('a', 'b:"}"'), ('@media c', 'd{e:f}')]
    """
    depth, start, head = 0, 0, ""
    sheet = re.sub(r"/\*.*?\*/", "", sheet, flags=re.S)
    for piece in PIECE.finditer(sheet):
        mark = piece[0]
        if mark == ";" and depth == 0:
            yield sheet[start : piece.start()].strip(), None
            start = piece.end()
        elif mark == "{":
            if depth == 0:
                head, start = sheet[start : piece.start()].strip(), piece.end()
            depth += 1
        elif mark == "}":
            depth -= 1
            if depth == 0:
                yield head, sheet[start : piece.start()].strip()
                start = piece.end()


def selectors(head: str) -> list[str]:
    """Cut a selector list at its outer commas.

    >>> selectors(".a:is(b, c), d")
    ['.a:is(b, c)', 'd']
    """
    return [one.strip() for one in re.split(r",(?![^(\[]*[)\]])", head)]


def _may_match(selector: str, words: set[str]) -> bool:
    # What stands in brackets may be an alternative or a negation: it asks for nothing here.
    bare = re.sub(r"\[[^\]]*\]", "", selector)
    while (cut := re.sub(r"\([^()]*\)", "", bare)) != bare:
        bare = cut
    asked = [name.replace("\\", "") for name in re.findall(r"[.#]((?:\\.|[\w-])+)", bare)]
    return all(name in words or any(name[:k] in words for k in _stems(name)) for name in asked)


def _stems(name: str) -> list[int]:
    # Scripts make some names from a stem: "bs-tooltip-" and a place.
    return [match.end() for match in re.finditer("-", name)]


def slim_fonts(static: Path, sheets: list[Path]) -> None:
    """Cut icon fonts down to the characters that style sheets still write, and drop fonts without any."""
    text = {sheet: sheet.read_text() for sheet in sheets}
    whole = "".join(text.values())
    codes = {int(code, 16) for code in re.findall(r'"\\([ef][0-9a-f]{3})"', whole)}
    codes |= {ord(sign) for sign in whole if 0xE000 <= ord(sign) <= 0xF8FF}
    for font in (static / "vendor" / "fontawesome" / "webfonts").glob("*.ttf"):
        options = subset.Options(flavor="woff", notdef_outline=True, layout_features=[])
        loaded = subset.load_font(font, options)
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=codes)
        cutter.subset(loaded)
        subset.save_font(loaded, font.with_suffix(".woff"), options)
        font.unlink()
        font.with_suffix(".woff2").unlink(missing_ok=True)
    source = re.compile(r"url\(([^)]*webfonts/[\w-]+)\.woff2\) format\(\"woff2\"\),url\([^)]*\.ttf\) format\(\"truetype\"\)")
    for sheet, rules_ in text.items():
        sheet.write_text(source.sub(r'url(\1.woff) format("woff")', rules_))


def setup(app: Sphinx) -> dict:
    app.connect("html-page-context", light_page, priority=900)
    app.connect("build-finished", slim)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
