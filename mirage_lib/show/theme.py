"""Theme: the one place of colours, symbols, sizes and words of every figure.

Each colour has a light and a dark value and reaches figures as a CSS variable, so one drawing serves
both themes. Categories take Okabe-Ito colours, ordered groups a stretch of cividis; symbols and dashes
repeat what colours say, for black-and-white print and colour-blind eyes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import AbstractContextManager

import matplotlib

COLOURS = {
    # name: (light, dark)
    "ink": ("#1b1f24", "#e6e6e6"),
    "faint": ("#6b7280", "#9aa3af"),
    "grid": ("#d9dde2", "#3a4049"),
    "accent": ("#0b62a4", "#7cc4ff"),
    "blue": ("#0072b2", "#56b4e9"),
    "orange": ("#d55e00", "#ff9d4d"),
    "green": ("#00795a", "#2fd0a5"),
    "purple": ("#a8487e", "#e39ac6"),
    "order1": ("#00224e", "#9ba0a8"),
    "order2": ("#3b496c", "#b3ab8a"),
    "order3": ("#65696f", "#cbba69"),
    "order4": ("#8b8677", "#e4cf5b"),
    "order5": ("#a59c00", "#ffea46"),
}
ORDERED = tuple(f"order{k}" for k in range(1, 6))
CATEGORIES = ("blue", "orange", "green", "purple")
MARKERS = ("o", "s", "^", "D", "v")
VEGA_SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down")
DASHES = ("-", (0, (5, 1.5)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (7, 1, 1, 1, 1, 1)))
VEGA_DASHES: tuple[list[float], ...] = ([], [6, 2], [4, 2, 1, 2], [1.5, 1.5], [8, 2, 1, 2, 1, 2])
METRIC_LOOK = {
    "exact_match": ("orange", "o"),
    "token_edit_distance": ("blue", "s"),
    "per_token_accuracy": ("green", "^"),
    "target_log_probability": ("purple", "D"),
}
"""Colour and symbol of a metric wherever metrics are told apart by colour."""


def light(name: str) -> str:
    """Return the light-theme value of a colour.

    >>> light("blue")
    '#0072b2'
    """
    return COLOURS[name][0]


def variable(name: str) -> str:
    """Return the colour as CSS: the variable, with the light value for pages without our sheet.

    >>> variable("blue")
    'var(--mirage-blue, #0072b2)'
    """
    return f"var(--mirage-{name}, {light(name)})"


def css() -> str:
    """Return the style sheet that defines every colour for both themes.

    >>> "--mirage-ink: #1b1f24" in css()
    True
    """
    blocks = []
    for selector, index in (("html", 0), ('html[data-theme="dark"]', 1)):
        lines = "".join(f"  --mirage-{name}: {pair[index]};\n" for name, pair in COLOURS.items())
        blocks.append(f"{selector} {{\n{lines}}}\n")
    return "".join(blocks)


def in_words(number: float) -> str:
    """Write a number of parameters in words.

    >>> [in_words(n) for n in (950, 1376, 203_264, 1.3e9, 2e11)]
    ['950', '1.4k', '203k', '1.3B', '200B']
    """
    if number <= 0:
        return str(number)
    for suffix, unit in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= unit * 0.9995:
            value = number / unit
            figures = max(0, 1 - int(math.floor(math.log10(value)))) if value < 99.5 else 0
            text = f"{value:.{figures}f}"
            return (text.rstrip("0").rstrip(".") if "." in text else text) + suffix
    return f"{number:.3g}"


def span(counts: Iterable[int]) -> str:
    """Write the least and the greatest of some counts, or the one that all are.

    >>> span([6000, 10_000, 8000]), span([50, 50])
    ('6,000 to 10,000', '50')
    """
    found = sorted(counts)
    low, high = found[0], found[-1]
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


RC = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.edgecolor": light("faint"),
    "axes.labelcolor": light("ink"),
    "axes.titlecolor": light("ink"),
    "axes.titlesize": 10,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": light("grid"),
    "grid.linewidth": 0.7,
    "xtick.color": light("ink"),
    "ytick.color": light("ink"),
    "text.color": light("ink"),
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "figure.constrained_layout.use": True,
}


def style() -> AbstractContextManager[None]:
    """Return a context in which Matplotlib draws in this book's style.

    >>> with style():
    ...     matplotlib.rcParams["svg.fonttype"]
    'none'
    """
    return matplotlib.rc_context(RC)


VEGA_CONFIG = {
    "background": None,
    "font": "inherit",
    "axis": {
        "labelColor": variable("ink"),
        "titleColor": variable("ink"),
        "gridColor": variable("grid"),
        "domainColor": variable("faint"),
        "tickColor": variable("faint"),
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    },
    "legend": {
        "labelColor": variable("ink"),
        "titleColor": variable("ink"),
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "orient": "top",
        "symbolSize": 70,
        "symbolOpacity": 1,
        "symbolStrokeWidth": 0,
    },
    "view": {"stroke": None},
}
