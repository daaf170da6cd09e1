"""Live: the explorer of a kernel, where the reader changes anything, the metric's own code too.

It works on the outputs themselves, one row an answer, so every choice is scored and drawn anew. It is
made by :func:`mirage_lib.show.explorer.live`.
"""

from __future__ import annotations

import html
import inspect
import math
import re
import traceback
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import polars as pl

from mirage_lib import curves, metrics
from mirage_lib.metrics import Metric
from mirage_lib.show import figures, theme

CODE = '''\
def first_right(outputs):
    """1 where the first character is right."""
    target, output = outputs["target"], outputs["output"]
    return target.str.head(1) == output.str.head(1)
'''
"""What the reader finds in the box, to be changed."""
FILE = "<your metric>"


class Live:
    """Widgets over an outputs table, and what they show at present.

    Parameters
    ----------
    outputs : frame
        Any outputs table; see :mod:`mirage_lib.outputs`.
    metric_names : list of str, optional
        Metrics to choose from; all that the table has the columns for, if none are named.

    Attributes
    ----------
    metric, task, lengths, families, sizes, seeds, temperature, prompts, draws, log_axis : widgets
        What is scored and drawn; ``families`` is shown where there are several.
    code, use : widgets
        The reader's metric: a Python function from the outputs table to one number a row, and the button
        that reads it. It is known to these widgets only; the registry does not change.
    folder, save_svg, save_png, save_csv : widgets
        Where files go, and the buttons that write them.
    figure, table, message : widgets
        What was found; ``message`` tells of files and errors.
    box : widget
        All of it.
    curve : frame or None
        Of :func:`mirage_lib.curves.curve`; None after an error.
    """

    def __init__(self, outputs: pl.DataFrame, metric_names: list[str] | None = None) -> None:
        import ipywidgets as widgets

        if "prompt_id" not in outputs.columns:
            outputs = outputs.with_columns(prompt_id="item")
        self.outputs = outputs
        self.curve: pl.DataFrame | None = None
        self._metrics = {name: metrics.get(name) for name in metric_names or metrics.usable(outputs)}
        look = {"style": {"description_width": "9em"}, "layout": {"width": "26em"}}

        def some(name: str, label: str, tip: str) -> widgets.SelectMultiple:
            values = sorted(outputs[name].unique())
            options = [(value if isinstance(value, str) else f"{value:,}", value) for value in values]
            rows = min(len(values), 6)
            return widgets.SelectMultiple(
                options=options, value=values, rows=rows, description=label, tooltip=tip, **look
            )

        def one(options: list, label: str, tip: str) -> widgets.Dropdown:
            return widgets.Dropdown(options=options, description=label, tooltip=tip, **look)

        most = outputs.group_by("task", "group").agg(pl.col("prompt_id").n_unique())["prompt_id"].max()
        temperatures = sorted(outputs["temperature"].unique())
        self.metric = one(self._metric_options(), "Metric", "How an answer becomes a number")
        self.task = one(sorted(outputs["task"].unique()), "Task", "What was asked")
        self.lengths = some("group", "Target length", "One line each; hold Control or Shift for several")
        self.families = some("family", "Families", "Whose models are shown; one line each")
        self.sizes = some("n_params", "Parameters", "Models shown")
        self.seeds = some("seed", "Training seeds", "Runs that are averaged")
        self.temperature = one(temperatures, "Temperature", "Of the sampling")
        self.prompts = widgets.IntSlider(
            most, 1, most, description="Test prompts", continuous_update=False,
            tooltip="The first so many of each task and length", **look,
        )  # fmt: skip
        self.draws = widgets.IntSlider(
            300, 50, 2000, 50, description="Bootstrap draws", continuous_update=False,
            tooltip="More draws give steadier intervals", **look,
        )  # fmt: skip
        self.log_axis = widgets.Checkbox(
            description="Logarithmic vertical axis", indent=False, tooltip="Where nothing was seen, a bound is drawn"
        )
        self.code = widgets.Textarea(
            CODE, rows=7, description="Your metric", layout={"width": "100%"}, style=look["style"],
            tooltip="A Python function from the outputs table to one number a row; pl and np are there",
        )  # fmt: skip
        self.use = widgets.Button(description="Use this metric", tooltip="Read the function and draw its curve")
        self.folder = widgets.Text("live", description="Folder for files", tooltip="Made if need be", **look)
        self.save_svg, self.save_png, self.save_csv = (
            widgets.Button(description=f"Save {what}", tooltip=f"Write the {what} into the folder")
            for what in ("figure as SVG", "figure as PNG", "table as CSV")
        )
        self.message, self.figure, self.table = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self._choices = [self.metric, self.task, self.lengths, self.families, self.sizes, self.seeds]
        self._choices += [self.temperature, self.prompts, self.draws, self.log_axis]
        needless = [w for w in (self.temperature, self.families) if len(w.options) == 1]
        shown = [w for w in self._choices if w not in needless]
        wraps = {"flex_flow": "row wrap"}
        saves = widgets.HBox([self.folder, self.save_svg, self.save_png, self.save_csv], layout=wraps)
        found = widgets.VBox([self.figure, self.table], layout={"flex": "1 1 28em"})
        main = widgets.HBox([widgets.VBox(shown), found], layout=wraps)
        self.box = widgets.VBox([main, self.message, self.code, self.use, saves])
        for choice in self._choices:
            choice.observe(self.update, "value")
        self.use.on_click(self._use)
        for button, kind in ((self.save_svg, "svg"), (self.save_png, "png"), (self.save_csv, "csv")):
            button.on_click(lambda _, kind=kind: self._save(kind))
        self.update()

    def _repr_mimebundle_(self, **kwargs: object) -> object:
        return self.box._repr_mimebundle_(**kwargs)

    def _metric_options(self) -> list[tuple[str, str]]:
        return [(metric.label, name) for name, metric in self._metrics.items()]

    def chosen(self) -> pl.DataFrame:
        """Return the outputs that the widgets let through."""
        groups = pl.col("group").is_in(self.lengths.value)
        some = self.outputs.filter((pl.col("task") == self.task.value) & groups)
        return curves.subsampled(some, self.prompts.value).filter(
            pl.col("family").is_in(self.families.value)
            & pl.col("n_params").is_in(self.sizes.value)
            & pl.col("seed").is_in(self.seeds.value)
            & (pl.col("temperature") == self.temperature.value)
        )

    def update(self, _: object = None) -> None:
        """Score what is chosen, and show it; an error is shown in its place."""
        metric = self._metrics[self.metric.value]
        try:
            self.curve = curves.curve(self.chosen(), metric, draws=self.draws.value)
            drawing = draw(self.curve, metric, self.log_axis.value)
            self.figure.value = figures.Figure(drawing, *self._words(metric))._repr_html_()
            self.table.value = figures.folded_table(self._table(), "The curve as a table")
            self._say("")
        # The metric may be the reader's own code, so anything can happen.
        except (Exception, SystemExit) as error:
            self.curve = None
            self.figure.value = self.table.value = ""
            self._say(told(error, metric.source))

    def _table(self) -> pl.DataFrame:
        """The curve, without its family where there is one only."""
        curve = self._drawn()
        return curve if curve["family"].n_unique() > 1 else curve.drop("family")

    def _drawn(self) -> pl.DataFrame:
        if self.curve is None:
            raise ValueError("there is no curve yet: call update first")
        return self.curve

    def _say(self, text: str) -> None:
        self.message.value = f'<p role="status" aria-live="polite">{html.escape(text)}</p>'

    def _words(self, metric: Metric) -> tuple[str, str]:
        """Alternative text and caption of the present figure."""
        curve = self._drawn()
        several = curve["family"].n_unique() > 1
        said = [
            f"{f'{family}, ' if several else ''}targets of length {group} go from {part['estimate'][0]:.3g} "
            f"to {part['estimate'][-1]:.3g}"
            for (family, group), part in curve.group_by("family", "group", maintain_order=True)
        ]
        sizes = theme.in_words(curve["n_params"].min()), theme.in_words(curve["n_params"].max())
        what = f"{metric.label}, {self.task.value}"
        alt = f"{what}, from {sizes[0]} to {sizes[1]} parameters: {'; '.join(said)}."
        n = f"{curve['n'].min():,} to {curve['n'].max():,} outputs about "
        n += f"{curve['n_items'].min():,} to {curve['n_items'].max():,} problems a mark"
        seeds = f"{curve['n_seeds'].max()} training seeds" if len(self.seeds.value) > 1 else "one training seed"
        hollow = "; hollow: none seen, at most" if self.log_axis.value else ""
        return alt, f"{html.escape(what)}: {n}, {seeds}; bands are 95 % intervals{hollow}."

    def _use(self, _: object) -> None:
        """Read the reader's metric, try it on what is chosen, and offer it."""
        source = self.code.value
        try:
            metric = read_metric(source, self.outputs.columns)
            scores = metric.score(self.chosen())
        except (Exception, SystemExit) as error:
            self._say(told(error, source))
            return
        if not scores.is_between(0, 1).all():
            metric = replace(metric, range=(-math.inf, math.inf))
        self._metrics[metric.name] = metric
        self.metric.unobserve(self.update, "value")
        self.metric.options = self._metric_options()
        self.metric.value = metric.name
        self.metric.observe(self.update, "value")
        self.update()

    def _save(self, kind: str) -> None:
        """Write the figure or the table, and tell where."""
        if self.curve is None:
            self._say("There is nothing to save: see to the error first.")
            return
        name = re.sub(r"[^\w-]+", "-", f"{self.metric.value}-{self.task.value}")
        path = Path(self.folder.value).expanduser() / f"{name}.{kind}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if kind == "csv":
                self.curve.write_csv(path)
            else:
                drawing = draw(self.curve, self._metrics[self.metric.value], self.log_axis.value)
                with theme.style():
                    drawing.savefig(path, dpi=200, facecolor="white")
                plt.close(drawing)
        except OSError as error:
            self._say(f"Nothing was saved: {error}")
            return
        self._say(f"Saved {path.resolve()}")


def read_metric(source: str, columns: list[str]) -> Metric:
    """Make a metric of Python code whose last function takes an outputs table. The registry stays as it is.

    Parameters
    ----------
    columns : list of str
        Those of the outputs; the metric needs the ones that its code names.

    Raises
    ------
    ValueError
        If the code defines no function. What the code itself raises comes through.

    >>> metric = read_metric("def says_one(outputs): return outputs['output'] == '1'", ["target", "output"])
    >>> metric.name, metric.needs, metric.score(pl.DataFrame({"output": ["1", "2"]})).to_list()
    ('says_one', ('output',), [1.0, 0.0])
    """
    names = {"pl": pl, "np": np, "__name__": FILE}
    exec(compile(source, FILE, "exec", dont_inherit=True), names)
    own = [pair for pair in names.items() if inspect.isfunction(pair[1]) and pair[1].__code__.co_filename == FILE]
    if not own:
        raise ValueError("no function was found: begin with 'def name(outputs):' and return one number a row")
    name, compute = own[-1]
    needs = tuple(c for c in columns if f"'{c}'" in source or f'"{c}"' in source)
    known = {"name": name, "label": f"{name} (yours)", "needs": needs, "source": source, "compute": compute}
    unknown = {"formula": "", "better": "higher", "shape": "nonlinear", "why": "not said"}
    return Metric(**known, **unknown, range=(0, 1), chance=lambda _: None)


def told(error: BaseException, source: str) -> str:
    """Say an error in one line, with the line of the reader's code where it arose, if it did there.

    >>> told(ValueError("too short"), "")
    'ValueError: too short'
    """
    if isinstance(error, SyntaxError) and error.filename == FILE:
        said, numbers = error.msg, [error.lineno]
    else:
        said = next(iter(str(error).splitlines()), "")
        numbers = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == FILE]
    said = f"{type(error).__name__}: {said}"
    lines = source.splitlines()
    if not numbers or not 0 < (number := numbers[-1]) <= len(lines):
        return said
    return f"Line {number} of your metric, \u201c{lines[number - 1].strip()}\u201d: {said}"


def draw(curve: pl.DataFrame, metric: Metric, log_axis: bool) -> plt.Figure:
    """Draw a curve with one line a family and target length.

    Up is better: where lower is better, minus the metric is drawn. A logarithmic axis takes the size of
    the number instead, and a hollow mark is the upper bound where nothing was seen.
    """
    sign = -1 if metric.better == "lower" else 1
    if log_axis:
        sign = -1 if curve["estimate"].max() <= 0 and curve["estimate"].min() < 0 else 1
    keys = curve.select("family", "group").unique(maintain_order=True)
    several = keys["family"].n_unique() > 1
    with theme.style():
        drawing, axis = plt.subplots(figsize=(6.2, 3.4))
        for k, ((family, group), part) in enumerate(curve.group_by("family", "group", maintain_order=True)):
            colour = theme.ORDERED[round(k * (len(theme.ORDERED) - 1) / max(1, keys.height - 1))]
            if log_axis:
                none = part.filter(pl.col("estimate") == 0)
                part = part.filter(pl.col("estimate") != 0)
                look = {"color": theme.light(colour), "marker": "v", "linestyle": "none", "fillstyle": "none"}
                axis.plot(none["n_params"], none.select(pl.max_horizontal(pl.col("low", "high").abs())), **look)
            label = f"{family}, {group}" if several else str(group)
            figures.line(axis, part, colour, k, label, sign)
        if log_axis:
            axis.set_yscale("log")
        figures.size_axis(axis, curve["n_params"])
        axis.set_ylabel(("\u2212 " if sign < 0 else "") + metric.label)
        axis.legend(title="Target length")
    return drawing
