"""Make the README's picture from the built first page: the same answers, marked in two ways (`make picture`).

A page of a code host shows no script and no style of ours, so the two panels of the switch are put side by side in one drawing
that brings its colours, for light and for dark. A test holds the picture equal to the page.
"""

import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mirage_lib.show import switch, theme

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "_build" / "html" / "book" / "intro.html"
PICTURE = ROOT / "picture.svg"
MODELS = "GPT-3"
WORDS = ("GPT-3's answers, all or nothing", "The same answers, with part marks")
GAP, HEAD = 24, 26
LOOK = """
svg{{font:12px sans-serif;fill:{ink}}} path{{stroke:{faint};fill:none}} polyline{{stroke:{accent};stroke-width:2.5;fill:none}}
circle{{fill:{accent}}} polygon{{fill:{accent};opacity:.18}} .head{{font-weight:bold;font-size:15px}}
"""


def panels(page: str) -> list[str]:
    """The switch's two panels of sums by :data:`MODELS`, as the page has them.

    Raises
    ------
    ValueError
        If the page has not exactly two.
    """
    found = re.findall(rf'<svg [^>]*data-models="{MODELS}" data-task="addition".*?</svg>', page, re.S)
    if len(found) != 2:
        raise ValueError(f"{len(found)} panels of {MODELS!r} on the first page, two were looked for: has the switch changed?")
    return found


def picture(page: str) -> str:
    """One drawing of both panels, their words as its own."""
    both = panels(page)
    said = " ".join(re.search(r'aria-label="([^"]*)"', panel)[1] for panel in both)
    inner = "".join(
        f'<svg x="{k * (switch.WIDTH + GAP)}" y="{HEAD}" width="{switch.WIDTH}" height="{switch.HEIGHT}">'
        f'{re.sub(r"^<svg[^>]*>|</svg>$", "", panel)}</svg>'
        f'<text class="head" x="{k * (switch.WIDTH + GAP) + 4}" y="16">{words}</text>'
        for k, (panel, words) in enumerate(zip(both, WORDS, strict=True))
    )
    colours = ("ink", "faint", "accent")
    light, dark = (LOOK.format(**{name: theme.COLOURS[name][k] for name in colours}) for k in (0, 1))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{said}" '
        f'viewBox="0 0 {2 * switch.WIDTH + GAP} {switch.HEIGHT + HEAD}">'
        f"<style>{light}@media (prefers-color-scheme: dark){{{dark}}}</style>{inner}</svg>\n"
    )


if __name__ == "__main__":
    PICTURE.write_text(picture(PAGE.read_text("utf-8")), "utf-8")
    print(f"Written: {PICTURE.name}")
