"""Guesses: the reader commits to an answer before it shows.

The page gets plain HTML, with the answer in a ``<details>``; where scripts run, ``guess.js`` makes
controls of it. The book's directive ``{guess}`` is for choices and numbers in prose. Here is the next point
of a curve, which needs a drawing.
"""

from __future__ import annotations

import html
import json
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

from mirage_lib.show import figures, theme

OPEN_ANSWER = '<details class="mirage-answer"><summary>The answer</summary><div>'
CLOSE_ANSWER = "</div></details>"
SMALLEST = 1e-9


def values(least: float, most: float, step: float = 1.0, scale: str = "linear") -> list[float]:
    """Return the numbers that a reader can choose from.

    Parameters
    ----------
    step : float
        Distance of neighbours; on a log scale there are ten a decade instead, to two digits.

    Raises
    ------
    ValueError
        If there are no two numbers to choose from, or a log scale starts at or below zero.

    >>> values(0, 1, 0.25)
    [0.0, 0.25, 0.5, 0.75, 1.0]
    >>> values(1, 10, scale="log")
    [1.0, 1.3, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.3, 7.9, 10.0]
    """
    if scale == "log" and least <= 0:
        raise ValueError(f"a log scale from {least}: it has to start above zero")
    if scale == "log":
        count = round(10 * np.log10(most / least)) + 1
        found = [float(f"{x:.2g}") for x in np.geomspace(least, most, max(count, 1))]
    else:
        found = [round(float(x), 9) for x in np.arange(least, most + step * SMALLEST, step)]
    if len(found) < 2:
        raise ValueError(f"from {least} to {most} in steps of {step} there are no two numbers to choose from")
    return found


def number_data(choices: list[float], truth: float | None, unit: str = "") -> dict:
    """Return what the script has to know of a guess at a number; ``truth`` to six digits."""
    ratio = choices[0] > 0 and choices[-1] / choices[0] >= 100
    return {"kind": "number", "values": choices, "truth": _digits(truth), "unit": unit, "ratio": ratio}


def _digits(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


def encoded(data: dict) -> str:
    """Write what the script has to know, for an attribute."""
    return json.dumps(data, separators=(",", ":"))


def opening(name: str, data: str) -> str:
    """Return the tag that opens a guess; ``data`` comes from :func:`encoded`."""
    return f'<div class="mirage-guess" id="guess-{html.escape(name)}" data-guess="{html.escape(data)}">'


@dataclass(frozen=True)
class NextPoint:
    """A curve whose last point is left for the reader to guess; made by :func:`next_point`.

    Attributes
    ----------
    name, question, answer : str
        As in the page's address, as plain text, and as HTML.
    known, whole : str
        The drawings without and with the last point, as SVG.
    data : dict
        For the script.
    """

    name: str
    question: str
    answer: str
    known: str
    whole: str
    data: dict

    def _repr_html_(self) -> str:
        return (
            f'{opening(self.name, encoded(self.data))}<p class="mirage-question">{html.escape(self.question)}</p>'
            f'<div class="mirage-figure mirage-known" {figures.SCROLLS}>{self.known}</div>{OPEN_ANSWER}'
            f'<div class="mirage-figure" {figures.SCROLLS}>{self.whole}</div><p>{self.answer}</p>{CLOSE_ANSWER}</div>'
        )


def next_point(
    curve: pl.DataFrame,
    name: str,
    question: str,
    label: str,
    answer: str = "",
    y_range: tuple[float, float] = (0.0, 1.0),
) -> NextPoint:
    """Ask for the last point of a scaling curve, then show it with its interval.

    Parameters
    ----------
    curve : frame
        With ``n_params, estimate, low, high``, at least three sizes; the largest is asked for.
    name : str
        Unique on its page.
    label : str
        Of the vertical axis.
    answer : str
        HTML that stands under the true curve.
    y_range : tuple of float
        Ends of the vertical axis, between which the reader can choose a hundredth of the way.

    Raises
    ------
    ValueError
        If fewer than three sizes are there.

    >>> curve = pl.DataFrame({"n_params": [1e3, 1e4, 1e5], "estimate": [0.0, 0.1, 0.8],
    ...                       "low": [0.0, 0.05, 0.7], "high": [0.1, 0.2, 0.9]})
    >>> asked = next_point(curve, "toy", "Where will the largest stand?", "Accuracy")
    >>> asked.data["truth"], asked._repr_html_().count("<svg")
    (0.8, 2)
    """
    curve = curve.sort("n_params")
    if curve.height < 3:
        raise ValueError(f"a curve of {curve.height} sizes: at least 3 are needed, one of them to be guessed")
    last, before = curve.row(-1, named=True), curve.row(-2, named=True)
    size = theme.in_words(last["n_params"])
    known, places = _draw(curve, curve.height - 1, label, y_range)
    whole, _ = _draw(curve, curve.height, label, y_range)
    told = ", ".join(f"{row['estimate']:.2f} at {theme.in_words(row['n_params'])}" for row in curve.iter_rows(named=True))
    without = told.rsplit(", ", 1)[0]
    interval = f"95 % interval {last['low']:.2f} to {last['high']:.2f}"
    span = (y_range[1] - y_range[0]) / 100
    data = number_data(values(*y_range, span), last["estimate"]) | {
        "label": f"{label} at {size} parameters",
        "low": _digits(last["low"]),
        "high": _digits(last["high"]),
        "from": places(before["n_params"], before["estimate"]),
        "ends": [places(last["n_params"], y) for y in y_range],
    }
    drawings = (
        figures.svg(known, f"{label} by number of parameters: {without}. The point at {size} is left out."),
        figures.svg(whole, f"{label} by number of parameters: {told}, {interval}."),
    )
    for drawing in (known, whole):
        plt.close(drawing)
    return NextPoint(name, question, answer, *drawings, data)


def _draw(curve: pl.DataFrame, shown: int, label: str, y_range: tuple[float, float]):
    """Draw the first points; also return what turns a size and a value into a place of the drawing."""
    with theme.style():
        drawing, axis = plt.subplots(figsize=(4.0, 2.7), dpi=72)
        figures.line(axis, curve.head(shown), "accent")
        figures.size_axis(axis, curve["n_params"])
        room = 0.04 * (y_range[1] - y_range[0])
        axis.set(ylabel=label, ylim=(y_range[0] - room, y_range[1] + room))
        drawing.canvas.draw()
    height = drawing.bbox.height

    def place(size: float, value: float) -> list[float]:
        x, y = axis.transData.transform((size, value))
        return [round(float(x), 1), round(float(height - y), 1)]

    return drawing, place
