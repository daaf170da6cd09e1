"""Explorers: a figure whose metric, group or test-set size the reader changes.

What a cell returns is a static figure with its table, readable without scripts, and beside it the rows
and the chart's specification as data. Where scripts run, ``explorer.js`` draws the rows with Vega,
builds labelled native controls, keeps their state in the page's address, and says in a live region
what changed. Every number shown comes from the rows, so the page computes nothing that Python did not;
the one exception is the mathematical model, whose few formulas the script repeats (and a test compares).
"""

from __future__ import annotations

import html
import json
import math
from dataclasses import asdict, dataclass, field, replace
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import polars as pl

from mirage_lib import curves, metrics
from mirage_lib.show import theme
from mirage_lib.show.figures import SCROLLS, Figure, folded_table

if TYPE_CHECKING:
    from mirage_lib.show.live import Live

ALL = "all"
"""The value of a control that lets every row through."""
FULL = "full"
"""The size of a test set of which nothing was left out."""


@dataclass(frozen=True)
class Control:
    """One thing that the reader can change.

    Attributes
    ----------
    name, label : str
        As in the address, and as on the page.
    value : object
        At the start.
    options : list of dict
        ``{"value": ..., "label": ...}`` for a choice; other keys go with the option to the script. An
        empty list makes a slider (with ``least, most, step``) or, for a true or false value, a box.
    field : str
        The rows' column that has to equal the value; empty if the control does something else. The
        value ``all`` lets every row through. In an explorer with ``facts`` it is their column, and only
        options that exist under the controls before it are offered.
    """

    name: str
    label: str
    value: object
    options: list[dict] = field(default_factory=list)
    field: str = ""
    least: float = 0
    most: float = 0
    step: float = 0


@dataclass(frozen=True)
class Explorer:
    """A static figure and everything the page needs to make it move.

    Attributes
    ----------
    name : str
        Its address on the page is ``#explorer-<name>``.
    figure : Figure
        Shown without scripts, and its caption and table with them too.
    controls : list of Control
    rows : frame
        What is drawn; columns ``n_params, estimate, low, high, n`` and those that controls filter by.
    group : dict
        ``field`` and ``title`` of the column that colour and symbol tell apart, and its ``values``.
    metric : dict
        What is drawn where no control named ``metric`` chooses it; see :func:`metric_options`.
    model : str
        The name of a formula in the script that makes the rows instead, or empty.
    x_title : str
    facts : frame, optional
        One row a curve, where the explorer shows one of many: the columns that controls filter by, then
        ``curve`` (as in ``rows``), ``n, chance, noise, models, score, score_low, score_high, straight,
        null_high, exceedance``, of which the script makes a sentence.
    """

    name: str
    figure: Figure
    controls: list[Control]
    rows: pl.DataFrame
    group: dict
    metric: dict = field(default_factory=dict)
    model: str = ""
    x_title: str = "Parameters (log scale)"
    facts: pl.DataFrame | None = None

    def _repr_html_(self) -> str:
        write = _compact if self.facts is None else _encoded
        payload = {
            "controls": [asdict(control) for control in self.controls],
            "rows": {name: write(self.rows[name]) for name in self.rows.columns},
            "specs": {
                axis: chart(axis, self.group, self.x_title, self.facts is not None) for axis in ("linear", "log")
            },
            "group": self.group,
            "metric": self.metric,
            "model": self.model,
        }
        if self.facts is not None:
            payload["facts"] = {name: _encoded(self.facts[name]) for name in self.facts.columns}
        # No sign of markup: a "<!--<script>" in a name would swallow the page behind the figure.
        data = json.dumps(payload, separators=(",", ":")).replace("<", "\\u003c")
        return (
            f'<figure class="mirage-figure mirage-explorer" id="explorer-{self.name}">'
            '<div class="mirage-controls" role="group" aria-label="Change the figure" hidden></div>'
            f'<div class="mirage-stage" {SCROLLS}>{self.figure.svg}</div>'
            '<p class="mirage-status" role="status" aria-live="polite"></p>'
            f"<figcaption>{self.figure.caption}</figcaption>{folded_table(self.figure.table)}"
            f'<script type="application/json">{data}</script></figure>'
        )


def _compact(column: pl.Series) -> list:
    return [float(f"{x:.4g}") for x in column] if column.dtype.is_float() else column.to_list()


def _encoded(column: pl.Series) -> list | dict:
    """A column for the page, short: text and whole numbers as places in a list of what there is.

    What is infinite is written as text, which JSON has no number for.

    >>> _encoded(pl.Series(["a", "b", "a"]))
    {'is': ['a', 'b'], 'at': [0, 1, 0]}
    >>> _encoded(pl.Series([0.12346, None, float("inf")]))
    [0.1235, None, 'inf']
    """
    if column.dtype.is_float():
        return [x if x is None else float(f"{x:.4g}") if math.isfinite(x) else str(x) for x in column]
    values = column.unique(maintain_order=True)
    places = {value: k for k, value in enumerate(values)}
    return {"is": values.to_list(), "at": [places[value] for value in column]}


def chart(axis: str, group: dict, x_title: str, lines: bool = False) -> dict:
    """Compile the chart that all explorers share, to Vega.

    The script sets the data set ``rows`` and the signals ``title, y_low, y_high, bands``.

    Parameters
    ----------
    axis : str
        ``linear`` or ``log``, of the vertical axis.
    lines : bool
        Also draw the data sets ``chance`` (a level) and ``smooth`` (two points and the line between them).
    """
    import vl_convert

    colour = {
        "field": "group",
        "type": "ordinal",
        "title": group["title"],
        "sort": None,
        "scale": {"domain": group["values"], "range": _spread(theme.ORDERED, len(group["values"]))},
        **({"legend": None} if len(group["values"]) == 1 else {}),
    }
    size_axis = {
        "title": x_title,
        "labelExpr": "datum.value >= 1e12 ? datum.value / 1e12 + 'T' : datum.value >= 1e9 ? datum.value / 1e9 + 'B' : datum.value >= 1e6 ? "
        "datum.value / 1e6 + 'M' : datum.value >= 1e3 ? datum.value / 1e3 + 'k' : datum.label",
        "grid": False,
        "values": [step * 10**decade for decade in range(2, 13) for step in (1, 3)],
        "labelOverlap": "greedy",
        "labelSeparation": 4,
    }
    scale = {"domainMin": {"expr": "y_low"}, "domainMax": {"expr": "y_high"}, "nice": False, "clamp": True}
    if axis == "log":
        scale["type"] = "log"
    x = {"field": "n_params", "type": "quantitative", "scale": {"type": "log", "nice": False, "padding": 12}}
    y_axis = {"title": None, "tickCount": 6, **({"format": "~g"} if axis == "log" else {})}
    y = {"field": "y", "type": "quantitative", "scale": scale, "axis": y_axis}
    dash = {k: v for k, v in colour.items() if k != "scale"} | {
        "scale": {
            "domain": group["values"],
            "range": [theme.VEGA_DASHES[k % 5] for k in range(len(group["values"]))],
        }
    }
    shape = dash | {
        "scale": {
            "domain": group["values"],
            "range": [theme.VEGA_SHAPES[k % 5] for k in range(len(group["values"]))],
        }
    }
    spec: dict[str, Any] = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "config": theme.VEGA_CONFIG,
        "width": "container",
        "height": 300,
        "autosize": {"type": "fit-x", "contains": "padding"},
        "params": [
            {"name": "title", "value": ""},
            {"name": "y_low", "value": 0.001 if axis == "log" else 0},
            {"name": "y_high", "value": 1},
            {"name": "bands", "value": 0.18},
        ],
        "title": {
            "text": {"expr": "title"},
            "anchor": "start",
            "fontWeight": "normal",
            "fontSize": 13,
            "color": theme.variable("ink"),
        },
        "data": {"name": "rows", "values": []},
        "encoding": {"x": x | {"axis": size_axis}, "color": colour},
        "layer": [
            {
                "mark": {"type": "area", "opacity": {"expr": "bands"}, "line": False, "interpolate": "linear"},
                "encoding": {
                    "y": y | {"field": "band_low"},
                    "y2": {"field": "band_high"},
                },
            },
            {"mark": {"type": "line", "clip": True}, "encoding": {"y": y, "strokeDash": dash}},
            {
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1},
                "name": "models",
                "encoding": {
                    "y": y,
                    "shape": shape,
                    "fill": colour,
                    "stroke": colour,
                    "fillOpacity": {"field": "seen", "type": "quantitative", "scale": None, "legend": None},
                    "tooltip": [
                        {"field": "n_params", "title": "parameters", "format": ","},
                        {"field": "group", "title": group["title"]},
                        {"field": "estimate", "title": "estimate", "format": ".4~g"},
                        {"field": "low", "title": "low", "format": ".4~g"},
                        {"field": "high", "title": "high", "format": ".4~g"},
                        {"field": "n", "title": "outputs"},
                    ],
                },
            },
        ],
    }
    if lines:
        spec["layer"][1:1] = _lines(y)
    return vl_convert.vegalite_to_vega(spec)


def _lines(y: dict) -> list[dict]:
    """Layers behind a curve: the level of chance with its name, and the line from its first to its last mark."""
    faint = {"value": theme.variable("faint")}
    level = {"y": y, "color": faint, "x": {"value": "width"}}
    chance = {"name": "chance", "values": []}
    rule = {"type": "rule", "strokeDash": [2, 3], "aria": False}
    text = {"type": "text", "align": "right", "baseline": "bottom", "dx": -3, "dy": -2, "fontSize": 12, "aria": False}
    return [
        {"data": chance, "mark": rule, "encoding": level | {"x2": {"value": 0}}},
        {"data": chance, "mark": text, "encoding": level | {"text": {"value": "chance"}}},
        {
            "data": {"name": "smooth", "values": []},
            "mark": {"type": "line", "strokeDash": [6, 4], "strokeWidth": 1, "clip": True, "aria": False},
            "encoding": {"y": y, "color": faint},
        },
    ]


def _spread(colours: tuple[str, ...], count: int) -> list[str]:
    """Pick ``count`` colours, as far apart as the scale allows, as CSS."""
    if count == 1:
        return [theme.variable("accent")]
    picks = [round(k * (len(colours) - 1) / (count - 1)) for k in range(count)]
    return [theme.variable(colours[k]) for k in picks]


def metric_options(names: list[str], rows: pl.DataFrame) -> list[dict]:
    """Describe metrics to the script: label, drawing direction and the range of the axis.

    A metric for which lower is better is drawn upside down, as the paper does, so up is always better;
    on a log axis its distance from perfect is drawn instead.
    """
    options = []
    for name in names:
        metric = metrics.get(name)
        sign = -1 if metric.better == "lower" else 1
        ends = rows.filter(pl.col("metric") == name).select(low=pl.col("low").min(), high=pl.col("high").max())
        low, high = (sign * ends["low"][0], sign * ends["high"][0])
        low, high = min(low, high), max(low, high)
        if metric.range == (0, 1):
            low, high = 0.0, 1.0
        elif metric.better == "lower" or metric.range[1] == 0:
            high = 0.0
        options.append(
            {
                "value": name,
                "label": metric.label,
                "sign": sign,
                "log_sign": -1 if metric.range[1] == 0 else 1,
                "domain": [round(low, 3), round(high, 3)],
                "title": ("minus " if sign < 0 else "") + metric.label[0].lower() + metric.label[1:],
            }
        )
    return options


def metric_rows(outputs: pl.DataFrame, names: list[str], sizes: tuple[int, ...], draws: int = 300) -> pl.DataFrame:
    """Curves of frozen outputs under several metrics, test-set sizes and seeds, in one frame.

    Parameters
    ----------
    sizes : tuple of int
        Numbers of prompts a group; 0 means all.

    Returns
    -------
    Rows of :func:`curves.curve`, with ``items`` (the wanted size) and ``run`` (``mean`` or a seed).
    """
    scorers = [metrics.get(name) for name in names]
    # Scored once here; every smaller test set only picks from these columns.
    columns = ("task", "group", "prompt_id", "item", "seed", *curves.MODEL)
    outputs = outputs.select(*columns, *(scorer.score(outputs) for scorer in scorers))
    scorers = [replace(scorer, needs=(scorer.name,), compute=itemgetter(scorer.name)) for scorer in scorers]
    rows = []
    for items in sorted(sizes, key=lambda n: n or math.inf, reverse=True):
        outputs = curves.subsampled(outputs, items) if items else outputs
        for cell in curves.cells(outputs, scorers, by=("task", "group")):
            runs = [("mean", cell), *((str(seed), cell.alone(k)) for k, seed in enumerate(cell.seeds))]
            for run, part in runs:
                for estimate in curves.estimates(part, scorers, draws):
                    rows.append((*cell.key, *estimate, str(items or FULL), run))
    schema = ["task", "group", *curves.MODEL, *curves.ESTIMATES, "items", "run"]
    shown = "task group metric items run n_params estimate low high n".split()
    return pl.DataFrame(rows, schema=schema, orient="row").select(shown)


def live(outputs: pl.DataFrame, metric_names: list[str] | None = None) -> Live:
    """Show outputs as widgets in a kernel, where the reader can write a metric and see its curve.

    Needs a running kernel (Binder, Colab, a laptop) and ipywidgets. A chapter of the book shows the call
    and does not run it: in a page without a kernel, widgets would fetch their scripts from outside.

    Parameters
    ----------
    outputs : frame
        Any outputs table; see :mod:`mirage_lib.outputs`.
    metric_names : list of str, optional
        Metrics to choose from; all that the table has the columns for, if none are named.

    >>> from mirage_lib.outputs import load
    >>> shown = live(load("arithmetic-ladder"), ["exact_match"])
    >>> shown.lengths.value = [4]
    >>> shown.curve["group"].unique().to_list()
    [4]
    """
    from mirage_lib.show.live import Live

    return Live(outputs, metric_names)
