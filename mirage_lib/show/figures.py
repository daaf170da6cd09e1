"""Figures: one drawing that works in light and dark, says in words what it shows, and gives its numbers.

A :class:`Figure` is what a chapter's cell returns. In the book it becomes an inline SVG whose text is
text and whose colours follow the page's theme, with a caption and the table behind it; scripts are not
needed for any of it.
"""

from __future__ import annotations

import html
import io
import math
import re
import zlib
from collections.abc import Iterable

import matplotlib.pyplot as plt
import numpy as np
import polars as pl
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from mirage_lib.show import theme


LONG = 50
"""Characters from which on a cell counts as a sentence."""
SENTENCE = ' class="mirage-sentence"'
SCROLLS = 'tabindex="0" role="group" aria-label="Drawing, scrolls sideways where it is too wide"'


class Figure:
    """A drawing with its alternative text, caption and numbers.

    Parameters
    ----------
    drawing : matplotlib Figure
        Drawn within :func:`theme.style`.
    alt : str
        The finding and the range of the numbers, for who cannot see the drawing.
    caption : str
        One message; may hold simple HTML.
    table : frame, optional
        The numbers, shown folded below.

    Raises
    ------
    ValueError
        If the alternative text is too short to tell anything.
    """

    def __init__(
        self, drawing: plt.Figure, alt: str, caption: str, table: pl.DataFrame | None = None
    ) -> None:
        if len(alt.split()) < 8:
            raise ValueError(f"alternative text {alt!r} is too short: say what the figure shows, with numbers")
        self.alt = alt
        self.caption = caption
        self.table = table
        self.svg = svg(drawing, alt)
        plt.close(drawing)

    def _repr_html_(self) -> str:
        return (
            f'<figure class="mirage-figure"><div class="mirage-wide" {SCROLLS}>{self.svg}</div>'
            f"<figcaption>{self.caption}</figcaption>{folded_table(self.table)}</figure>"
        )


def svg(drawing: plt.Figure, alt: str) -> str:
    """Render a drawing as an inline SVG that follows the page's theme.

    >>> with theme.style():
    ...     text = svg(plt.figure(figsize=(1, 1)), "nothing at all")
    >>> text.startswith('<svg role="img" aria-label="nothing at all"')
    True
    """
    buffer = io.StringIO()
    # The salt makes ids differ between figures of one page and stay equal between builds.
    with theme.style(), plt.rc_context({"svg.hashsalt": alt}):
        drawing.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    text = re.sub(r"<!--.*?-->\n?", "", text, flags=re.S)
    # Coordinates stand in tags; what is read (labels, the alternative text) keeps all its digits.
    text = re.sub(r"<[^>]*>", lambda tag: re.sub(r"(\d+\.\d\d)\d+", r"\1", tag[0]), text)
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)
    width, height = (float(x) for x in box.groups()) if box else (1.0, 1.0)
    head = (
        f'<svg role="img" aria-label="{html.escape(alt)}" viewBox="0 0 {width:g} {height:g}" '
        f'style="max-width: {width * 1.25:.0f}px; min-width: {width * 0.85:.0f}px" xmlns="http://www.w3.org/2000/svg" '
        'xmlns:xlink="http://www.w3.org/1999/xlink">'
    )
    text = re.sub(r"<svg[^>]*>", lambda _: head, text, count=1, flags=re.S)
    salt = format(zlib.crc32(alt.encode()), "x")
    text = re.sub(r'\bid="([^"]+)"', rf'id="\1-{salt}"', text)
    text = re.sub(r'(url\(#|href="#)([^")]+)', rf"\1\2-{salt}", text)
    text = re.sub(r"font-family: [^;\"]*;? ?", "", text)
    for name, (light, _) in theme.COLOURS.items():
        text = text.replace(light, theme.variable(name))
    return text


def folded_table(table: pl.DataFrame | None, summary: str = "The numbers") -> str:
    """Write a frame as an HTML table folded under a summary; nothing for no frame.

    >>> folded_table(pl.DataFrame({"n": [1]})).count("<td>")
    1
    """
    if table is None:
        return ""
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in table.columns)
    body = "".join(
        "<tr>" + "".join(_data(_cell(value)) for value in row) + "</tr>" for row in table.iter_rows()
    )
    return (
        f"<details><summary>{html.escape(summary)}</summary>"
        '<div class="mirage-scroll" tabindex="0" role="group" '
        f'aria-label="{html.escape(summary)}"><table class="mirage-table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></details>"
    )


def _data(text: str) -> str:
    """A cell; sentences get a class, so that their column is wide enough to be read."""
    return f"<td{SENTENCE if len(text) > LONG else ''}>{html.escape(text)}</td>"


def _cell(value: object) -> str:
    """A value as readers see it.

    >>> [_cell(value) for value in (0.123456, -0.0, float("-inf"), float("nan"), None, True, "text")]
    ['0.1235', '0', '−infinite', '', '', 'yes', 'text']
    """
    if value is None or value != value:  # only NaN differs from itself
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if math.isinf(value):
            return "infinite" if value > 0 else "−infinite"
        return f"{value + 0.0:.4g}"  # a digitised -0.0 is 0
    return str(value)


class Table:
    """A small table shown open, with a caption.

    >>> "<caption>" in Table(pl.DataFrame({"n": [1]}), "One number")._repr_html_()
    True
    """

    def __init__(self, table: pl.DataFrame, caption: str) -> None:
        self.table = table
        self.caption = caption

    def _repr_html_(self) -> str:
        inner = folded_table(self.table, self.caption)
        inner = inner[inner.index("<div") : inner.index("</details>")]
        return inner.replace("<thead>", f"<caption>{html.escape(self.caption)}</caption><thead>", 1)


def size_axis(axis: plt.Axes, sizes: Iterable[float], label: str = "Parameters (log scale)") -> None:
    """Make the x axis logarithmic, with about one tick a decade in words."""
    sizes = sorted(set(sizes))
    axis.set_xscale("log")
    low, high = np.log10(sizes[0]), np.log10(sizes[-1])
    decades = range(int(np.floor(low)), int(np.ceil(high)) + 1)
    steps = (1,) if high - low > 3 else (1, 3)
    ticks = [k * 10.0**d for d in decades for k in steps]
    axis.xaxis.set_major_locator(FixedLocator(ticks))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: theme.in_words(value)))
    axis.set_xlim(sizes[0] / 1.25, sizes[-1] * 1.25)
    axis.set_xlabel(label)


def line(
    axis: plt.Axes,
    curve: pl.DataFrame,
    colour: str,
    order: int = 0,
    label: str | None = None,
    sign: int = 1,
) -> None:
    """Draw one scaling curve: markers at the models, a thin line between, the interval as a band.

    Parameters
    ----------
    curve : frame
        With ``n_params, estimate`` and, where known, ``low, high``.
    colour : str
        A name of :data:`theme.COLOURS`.
    order : int
        Picks symbol and dashes.
    sign : int
        -1 draws the metric upside down, as the paper does with edit distance.
    """
    curve = curve.sort("n_params")
    x = curve["n_params"].to_numpy()
    ink = theme.light(colour)
    if {"low", "high"} <= set(curve.columns):
        edges = sign * curve["low"].to_numpy(), sign * curve["high"].to_numpy()
        axis.fill_between(x, *edges, color=ink, alpha=0.18, linewidth=0)
    axis.plot(
        x,
        sign * curve["estimate"].to_numpy(),
        color=ink,
        marker=theme.MARKERS[order % len(theme.MARKERS)],
        linestyle=theme.DASHES[order % len(theme.DASHES)],
        label=label,
    )
