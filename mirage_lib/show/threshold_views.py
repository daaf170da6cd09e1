"""A threshold that moves through a histogram of errors, and the scaling curve that it makes.

The drawing stands in the page without scripts; ``threshold.js`` moves the threshold and changes the network. All
it has are counts made here, so it computes nothing but differences of them.
"""

from __future__ import annotations

import html
import json
from dataclasses import dataclass

import numpy as np
import polars as pl

from mirage_lib.show import theme
from mirage_lib.show.figures import SCROLLS, folded_table

STEPS = 80
"""Bins of the histogram, and steps of the threshold."""
LEFT, RIGHT = 52.0, 350.0
TOP, FOOT = 24.0, 160.0
"""The box of the histogram, in units of the drawing; the curve's lies :data:`DOWN` units below it."""
DOWN = 214.0
HEIGHT = 424.0


@dataclass(frozen=True)
class Shares:
    """What share of the errors lies below each threshold.

    Attributes
    ----------
    grid : (STEPS + 1,) thresholds of two digits, nearly even in logarithms
    sizes : numbers of parameters, ascending
    mean, least, most : (sizes, STEPS + 1) shares below each threshold: mean, lowest and highest of the seeds
    seeds, items : (sizes,) how many networks, and errors a network
    """

    grid: np.ndarray
    sizes: list[int]
    mean: np.ndarray
    least: np.ndarray
    most: np.ndarray
    seeds: list[int]
    items: list[int]


def shares(outputs: pl.DataFrame, low: float, high: float) -> Shares:
    """Count for every network what share of its squared errors lies below each of many thresholds.

    Parameters
    ----------
    outputs : frame
        With ``n_params, seed, squared_error``, one row an item.
    low, high : float
        The ends of the grid of thresholds, both positive.

    Raises
    ------
    ValueError
        If the ends are not 0 < low < high.

    >>> some = pl.DataFrame({"n_params": 9, "seed": [0, 0, 1, 1], "squared_error": [0.1, 0.5, 0.1, 0.9]})
    >>> found = shares(some, 0.01, 0.6)
    >>> float(found.mean[0, -1]), float(found.least[0, -1]), float(found.most[0, -1])
    (0.75, 0.5, 1.0)
    """
    if not 0 < low < high:
        raise ValueError(f"thresholds from {low:g} to {high:g}: give two positive numbers, the smaller one first")
    # Two digits, so that what is counted is what the page can say.
    grid = np.array([float(f"{c:.2g}") for c in np.geomspace(low, high, STEPS + 1)])
    sizes, rows, seeds, items = [], [], [], []
    for (size,), part in outputs.sort("n_params", "seed").group_by("n_params", maintain_order=True):
        below = []
        for _, one in part.group_by("seed", maintain_order=True):
            # In double precision, so that an error written as 0.1 is not below the threshold 0.1.
            errors = np.sort(one["squared_error"].to_numpy()).astype(float)
            below.append(np.searchsorted(errors, grid, side="left") / len(errors))
        sizes.append(size)
        rows.append(np.array(below))
        seeds.append(len(below))
        items.append(part.height // len(below))
    mean, least, most = (np.array([f(r, axis=0) for r in rows]) for f in (np.mean, np.min, np.max))
    return Shares(grid, sizes, mean, least, most, seeds, items)


@dataclass(frozen=True)
class Threshold:
    """A histogram with a threshold in it, above the scaling curve of the share below it.

    Attributes
    ----------
    name : str
        Of the figure in the page.
    shares : Shares
    size : int
        Whose errors are shown at the start, one of the sizes.
    c : float
        Threshold at the start; the nearest of the grid is taken.
    """

    name: str
    shares: Shares
    size: int
    c: float

    @property
    def step(self) -> int:
        """The place of the threshold in the grid."""
        return int(np.argmin(np.abs(np.log(self.shares.grid / self.c))))

    def _repr_html_(self) -> str:
        found, c = self.shares, self.shares.grid[self.step]
        at = found.sizes.index(self.size)
        here = found.mean[:, self.step]
        alt = (
            f"Above, a histogram of squared errors of single pictures, networks of {self.size:,} parameters; {here[at]:.2f} of them lie below the "
            f"threshold {c:.3g}. Below, the share of errors under this threshold for {len(found.sizes)} sizes, from {here[0]:.2f} at "
            f"{found.sizes[0]:,} to {here[-1]:.2f} at {found.sizes[-1]:,} parameters."
        )
        table = pl.DataFrame({
            "parameters": found.sizes, "share below c": here, "lowest seed": found.least[:, self.step],
            "highest seed": found.most[:, self.step], "seeds": found.seeds, "errors a seed": found.items,
        })  # fmt: skip
        data = {
            "grid": found.grid.tolist(), "sizes": found.sizes, "words": [theme.in_words(s) for s in found.sizes],
            "seeds": found.seeds, "size": at, "step": self.step, "box": {"left": LEFT, "right": RIGHT, "top": TOP, "foot": FOOT},
            **{key: np.rint(getattr(found, key) * 1e4).astype(int).tolist() for key in ("mean", "least", "most")},
        }  # fmt: skip
        script = json.dumps(data, separators=(",", ":"))
        caption = (
            f"Above: errors of single pictures, all seeds together, at {theme.in_words(self.size)} parameters. Filled: below the threshold. "
            "Below: what share lies under the threshold, for every size; bars from the lowest to the highest seed. "
            "With scripts on, two controls move the threshold and change the network."
        )
        return (
            f'<figure class="mirage-figure mirage-threshold" id="{html.escape(self.name)}"><div class="mirage-controls" hidden></div>'
            f'<div class="mirage-wide" {SCROLLS}>{self.drawing(at, alt)}</div><p class="mirage-status" role="status" aria-live="polite"></p>'
            f'<figcaption>{caption}</figcaption>{folded_table(table)}<script type="application/json">{script}</script></figure>'
        )

    def drawing(self, at: int, alt: str) -> str:
        """Write the SVG for the size at this place."""
        found = self.shares
        bars = np.diff(found.mean[at], prepend=0.0)[1:]
        top = max(bars.max(), 1e-9)
        across = np.linspace(LEFT, RIGHT, STEPS + 1)
        ink, faint, accent = (theme.variable(name) for name in ("ink", "faint", "accent"))
        parts = []
        for k, share in enumerate(bars):
            tall = (FOOT - TOP) * share / top
            fill = accent if k < self.step else "none"
            parts.append(
                f'<rect class="bar" x="{across[k]:.1f}" y="{FOOT - tall:.1f}" width="{across[1] - across[0]:.2f}" height="{tall:.1f}" '
                f'fill="{fill}" stroke="{accent}" stroke-width="0.6"/>'
            )
        x = across[self.step]
        parts.append(f'<line class="cut" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{FOOT}" stroke="{ink}" stroke-width="2" stroke-dasharray="5 2"/>')
        parts += self._axis(FOOT, self._decades(across), "Squared error of one picture (log scale)")
        parts.append(_text(LEFT, TOP - 12, "Share of pictures in each bin"))
        logs = np.log(found.sizes)
        places = LEFT + 8 + (RIGHT - LEFT - 16) * (logs - logs[0]) / max(logs[-1] - logs[0], 1e-9)
        height = FOOT - TOP
        for k, place in enumerate(places):
            low, mid, high = (DOWN + FOOT - height * s[k, self.step] for s in (found.least, found.mean, found.most))
            parts.append(f'<line class="reach" x1="{place:.1f}" x2="{place:.1f}" y1="{low:.1f}" y2="{high:.1f}" stroke="{faint}" stroke-width="3"/>')
            parts.append(f'<circle class="point" cx="{place:.1f}" cy="{mid:.1f}" r="{6 if k == at else 3.5}" fill="{accent}"/>')
        joined = " ".join(f"{x:.1f},{DOWN + FOOT - height * y:.1f}" for x, y in zip(places, found.mean[:, self.step], strict=True))
        parts.append(f'<polyline class="curve" points="{joined}" fill="none" stroke="{accent}" stroke-width="1.6"/>')
        chosen = [0, len(places) // 2, len(places) - 1] if len(places) > 2 else range(len(places))
        ticks = [(places[k], theme.in_words(found.sizes[k])) for k in chosen]
        parts += self._axis(DOWN + FOOT, ticks, "Parameters (log scale)")
        parts.append(_text(LEFT, DOWN + TOP - 12, "Share of pictures below the threshold"))
        for share in (0, 0.5, 1):
            y = DOWN + FOOT - height * share
            parts.append(f'<line x1="{LEFT}" x2="{RIGHT}" y1="{y}" y2="{y}" stroke="{theme.variable("grid")}" stroke-width="0.7"/>')
            parts.append(_text(LEFT - 6, y + 4, f"{share:g}", "end"))
        return (
            f'<svg role="img" aria-label="{html.escape(alt)}" viewBox="0 0 360 {HEIGHT:g}" style="max-width: 620px; min-width: 280px" '
            f'xmlns="http://www.w3.org/2000/svg">{"".join(parts)}</svg>'
        )

    def _decades(self, across: np.ndarray) -> list[tuple[float, str]]:
        low, high = np.log10(self.shares.grid[[0, -1]])
        whole = range(int(np.ceil(low - 1e-9)), int(np.floor(high + 1e-9)) + 1)
        return [(float(np.interp(k, (low, high), across[[0, -1]])), f"{10.0**k:g}") for k in whole]

    @staticmethod
    def _axis(y: float, ticks: list[tuple[float, str]], title: str) -> list[str]:
        ink = theme.variable("faint")
        parts = [f'<line x1="{LEFT}" x2="{RIGHT}" y1="{y}" y2="{y}" stroke="{ink}"/>']
        for x, words in ticks:
            parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{y}" y2="{y + 4}" stroke="{ink}"/>{_text(x, y + 17, words, "middle")}')
        return [*parts, _text((LEFT + RIGHT) / 2, y + 34, title, "middle")]


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="12" fill="{theme.variable("ink")}">{html.escape(words)}</text>'


def threshold(name: str, outputs: pl.DataFrame, size: int, c: float, low: float = 0.001, high: float = 3) -> Threshold:
    """Make the figure for a family.

    Parameters
    ----------
    name : str
        Of the figure in the page.
    outputs, low, high : of :func:`shares`
    size, c : number of parameters and threshold at the start

    Raises
    ------
    ValueError
        If no network has that size.

    >>> some = pl.DataFrame({"n_params": [9, 99], "seed": 0, "squared_error": [0.5, 0.1]})
    >>> threshold("t", some, 99, 0.2).shares.sizes
    [9, 99]
    """
    found = shares(outputs, low, high)
    if size not in found.sizes:
        raise ValueError(f"no network has {size} parameters: choose one of {found.sizes}")
    return Threshold(name, found, size, c)
