"""Report: one HTML page without scripts or outside requests, and the same as JSON.

Whatever stands in a log is text here: names are escaped, nothing of them is run or loaded.
"""

from __future__ import annotations

import datetime
import html
import json
from collections import Counter
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

from mirage_lib.audit.rows import LogsError

try:
    import matplotlib.pyplot as plt
except ModuleNotFoundError as error:
    raise LogsError(f"a report has drawings, and {error.name} is not installed: pip install 'mirage-lib[audit]' brings it") from None
import numpy as np
import polars as pl

from mirage_lib import breaks, runs

from mirage_lib.audit.findings import SHARES, CLIMBS, FALLS, FEW, FLAT, LEVEL, NORMAL, SUDDEN, Finding, Findings, said
from mirage_lib.audit import wording
from mirage_lib.audit.logs import Logs
from mirage_lib.audit.outlook import Outlook
from mirage_lib.show import figures, theme

DRAWN = 40
"""Tasks that get a drawing, those whose conclusion changes first; the others stand in the table only."""
LONGEST = 60
Key = tuple[str, str, int]
Tasks = list[tuple[Key, list[Finding]]]
PACKAGE = "mirage-lib"
STYLE = """
:root { color-scheme: light dark; }
html { --page: #ffffff; --box: #f3f5f7; } body { background: var(--page); color: var(--mirage-ink); }
body { font: 1rem/1.55 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
h1, h2, h3, p, li, summary { overflow-wrap: anywhere; } h1 { font-size: 1.6rem; } h2 { font-size: 1.3rem; margin-top: 2.2rem; } h3 { font-size: 1.1rem; }
figure { margin: 1rem 0; } svg { display: block; width: 100%; height: auto; font-family: inherit; }
.wide { overflow-x: auto; } .wide:focus-visible, summary:focus-visible, a:focus-visible { outline: 3px solid var(--mirage-accent); outline-offset: 2px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .95rem; } caption { text-align: left; padding: .3rem 0; }
th, td { text-align: left; vertical-align: top; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--mirage-grid); overflow-wrap: break-word; min-width: 4.5rem; max-width: 22rem; }
summary { cursor: pointer; padding: .4rem 0; } a { color: var(--mirage-accent); } .said { background: var(--box); padding: .6rem 1rem; }
.mirage-scroll { overflow-x: auto; max-height: 24rem; }
@media print { body { max-width: none; font-size: 9.5pt; } .wide { overflow: visible; } figure, tr, li { break-inside: avoid; } h2, h3, caption { break-after: avoid; } details { display: none; } svg { min-width: 0 !important; max-width: 100% !important; } th, td { min-width: 0; padding-right: .4rem; font-size: 8pt; } a { color: inherit; } }
"""
HOW = (
    f"<p><strong>Sudden</strong>: the largest model is above the smallest beyond both 95 % intervals; the emergence score (the whole climb over the "
    f"median step) is above that of smooth curves of the same sizes and noise, with false alarms over all curves of this report held to {LEVEL:.0%}; and, "
    f"from {breaks.LEAST} sizes on, a curve with a break fits better than every smooth one tried. <strong>Climbs, not shown to be sudden</strong>: the first of these only. "
    "<strong>No climb to be seen</strong> says something of these data, not that there is none.</p>"
    f"<p>Intervals: Wilson's for right or wrong answers, else a bootstrap over items; from {NORMAL:,} items on the normal interval of a mean. Items to resolve: how many would give the value to half of itself. "
    "Spaces at the ends of answers and targets were taken off. Characters count as tokens. The score has known faults: it depends on which sizes there are, is infinite "
    "where most steps are zero, and takes an early rush for a late jump, which is why the test for a break stands beside it. With few models nothing can be said about suddenness.</p>"
)


def page(logs: Logs, found: Findings, title: str = "Audit of an evaluation") -> str:
    """Write the report as one HTML page.

    Parameters
    ----------
    logs, found : what was read, and what came out
    title : str
        Heading of the report.
    """
    changing = {key for key, _ in found.changing()}
    tasks = sorted(found.by_task(), key=lambda one: (one[0] not in changing, not any(f.conclusion == SUDDEN for f in one[1])))
    parts = [
        f"<h1>{_safe(title)}</h1>", _headline(logs, found), _list("Before you use this", wording.cautions(logs, found)),
        _changes(found), "<h2>Conclusions by metric</h2>", _conclusions(tasks, changing), _resolution(tasks),
        '<h2>Sentences for a paper</h2><ul class="said">', *(f"<li>{_safe(one)}</li>" for one in found.sentences()), "</ul>",
        _records(found), "<h2>Curves</h2>",
    ]  # fmt: skip
    if len(tasks) > DRAWN:
        parts.append(f"<p>{DRAWN} of {len(tasks)} tasks are drawn, those whose conclusion changes with the metric first; all are in the table above and in the JSON file.</p>")
    parts += [_task(key, each) for key, each in tasks[:DRAWN]]
    parts += ["<h2>What was read</h2>", _read(logs), "<h2>How to read this</h2>", HOW, f"<p>Made on {datetime.date.today()} by mirage-lib {version(PACKAGE)}.</p>"]
    colours = theme.css()
    dark = colours[colours.index('html[data-theme="dark"]') :].replace('html[data-theme="dark"]', "html")
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f'<title>{_safe(title)}</title><link rel="icon" href="data:,"><style>{colours}{STYLE}@media screen and (prefers-color-scheme: dark) {{ {dark} html {{ --page: #14181c; --box: #1f252b; }} }}</style></head>'
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    )


def as_json(logs: Logs, found: Findings) -> str:
    """Write what was read and all findings as JSON."""
    sources = [
        {"path": s.path, "format": s.format, "rows": s.rows, "left_out": [one._asdict() for one in s.left], "notes": list(s.notes)}
        for s in logs.sources
    ]
    read = {"rows": logs.rows, "left_out": logs.left_out, "sources": sources, "left_out_afterwards": [one._asdict() for one in logs.left]}
    read |= {"not_read": [list(one) for one in logs.skipped]}
    cautions = {"cautions": wording.cautions(logs, found)}
    return json.dumps({"mirage_lib": version(PACKAGE), "read": read} | cautions | found.as_dict(), ensure_ascii=False, indent=1)


def save(logs: Logs, found: Findings, path: str | Path, title: str = "Audit of an evaluation") -> tuple[Path, Path]:
    """Write the page and, beside it, the JSON file; each appears whole or not at all.

    Returns
    -------
    The paths of both.

    Raises
    ------
    ValueError
        If the path does not end in ``.html``.
    """
    path = Path(path)
    if path.suffix != ".html":
        raise ValueError(f"{path} does not end in .html: the report is a page, and its JSON goes beside it")
    path.parent.mkdir(parents=True, exist_ok=True)
    page_, numbers = page(logs, found, title), as_json(logs, found)
    return runs.write(path, page_), runs.write(path.with_suffix(".json"), numbers)


def _safe(text: object) -> str:
    """Escape text, and take out what turns its direction or cannot be printed."""
    return html.escape("".join(c if c.isprintable() else "\ufffd" for c in str(text)))


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _headline(logs: Logs, found: Findings) -> str:
    tasks, changing = len(list(found.by_task())), len(found.changing())
    kinds = Counter(one.conclusion for one in found.each)
    counts = ", ".join(f"{count} {_safe(kind)}" for kind in (SUDDEN, CLIMBS, FALLS, FLAT, FEW) if (count := kinds[kind]))
    models = {m for one in found.each for m in one.curve["model"]}
    said_ = (
        f"<p>{logs.rows:,} answers of {len(models)} models on {tasks} tasks, scored again under every metric that applies: {len(found.each)} curves, of which {counts}. "
        f"<strong>{'On no task does' if not changing else f'On {changing} of {tasks} tasks'} the conclusion {'change' if not changing else 'changes'} with the metric.</strong> "
    )
    return said_ + (f"{logs.left_out:,} rows were left out; the reasons stand below.</p>" if logs.left_out else "No row was left out.</p>")


def _list(heading: str, sentences: list[str]) -> str:
    if not sentences:
        return ""
    return f'<h2>{_safe(heading)}</h2><ul class="said">' + "".join(f"<li>{_safe(one)}</li>" for one in sentences) + "</ul>"


def _changes(found: Findings) -> str:
    reasons = wording.reasons(found)
    if not reasons:
        return ""
    shown = "".join(f"<li><strong>{_safe('; '.join(map(_short, names)))}.</strong> {_safe(why)}</li>" for why, names in reasons.items())
    return f'<h2>Where the conclusion changes with the metric, and why</h2><ul class="said">{shown}</ul>'


def _resolution(tasks: Tasks) -> str:
    rows = []
    for _, each in tasks:
        for one in [one for one in each if one.metric in SHARES]:
            more = {model: wording.further(p, n) for model, p, n in one.curve.select("model", "estimate", "n_items").iter_rows()}
            most = max(more, key=lambda model: more[model])
            least = int(one.curve["n_items"].to_numpy().min())
            rows.append((one.family, _short(one.name), one.label, f"{least:,}", f"{1 / least:.2g}", len(one.unseen), f"{more[most]:,} ({_short(most)})" if more[most] else "none"))
    if not rows:
        return ""
    names = ("family", "task", "metric", "items (fewest)", "smallest step, 1/n", "models with none right", f"more items for ±{100 * wording.WITHIN:g} point (most)")
    return f"<h2>Resolution</h2>{_table(names, rows, 'What this many items can tell apart, and how many more the model that needs most would need')}"


def _conclusions(tasks: Tasks, changing: set[Key]) -> str:
    rows = []
    for key, each in tasks:
        for one in each:
            mark = "yes" if key in changing else "no"
            rows.append((one.family, _short(one.name), one.label + (" (sample)" if one.sampled else ""), one.conclusion, mark, said(one.score),
                         "" if one.adjusted is None else f"{one.adjusted:.2g}", "" if one.break_p is None else f"{one.break_p:.2g}"))  # fmt: skip
    names = ("family", "task", "metric", "conclusion", "changes with metric", "emergence score", "adjusted p", "p of a break")
    return _table(names, rows, "One row a curve")


def _task(key: tuple[str, str, int], each: list[Finding]) -> str:
    family, task, group = key
    name = f"{_short(family)}: {_short(each[0].name)}"
    parts = [f"<h3>{_safe(name)}</h3>", _drawing(name, each)]
    unseen = {m: top for one in each for m, top in one.unseen.items()}
    if unseen:
        listed = "; ".join(f"{_safe(m)}: at most {top:.2g}" for m, top in list(unseen.items())[:8])
        parts.append(f"<p>Without a single right answer, so that the true rate is bounded only (95 %): {listed}{'; and others' if len(unseen) > 8 else ''}.</p>")
    parts.append("<ul>" + "".join(f"<li>{_safe(wording.null_in_words(one))}</li>" for one in each) + "</ul>")
    ahead = [(one.label, one.outlook) for one in each if one.outlook]
    if ahead:
        rows = [(label, f"{o.size:,}", said(o.value), _range(o.low, o.high), o.label, f"{100 * o.record.covered:.0f} %", *_trial(o)) for label, o in ahead]
        names = ("metric", "next size", "forecast", "90 % interval", "method", "such intervals held", "largest model here, from the others", "observed", "held")
        parts.append(_table(names, rows, "The next size; how often intervals of the same method held on the families of mirage-lib; and a trial on the largest model here"))
    table = pl.concat(one.curve.select(pl.lit(one.label).alias("metric"), "model", "n_params", "estimate", "low", "high", "n", "n_items", "resolution", "needed") for one in each)
    short = [wording.further(p, n) if metric in SHARES else None for one in each for p, n, metric in zip(one.curve["estimate"], one.curve["n_items"], [one.metric] * one.curve.height, strict=True)]
    table = table.with_columns(pl.Series(f"more items for ±{100 * wording.WITHIN:g} point", short, pl.Int64))
    table = table.with_columns(pl.col("model").map_elements(lambda m: "".join(c if c.isprintable() else "\ufffd" for c in m), pl.String))
    renamed = {"n_params": "parameters", "n": "answers", "n_items": "items", "needed": "items to resolve"}
    return "".join(parts) + figures.folded_table(table.rename(renamed), f"The numbers of {_short(each[0].name)}")


def _range(low: float, high: float) -> str:
    return f"{said(low)} to {said(high)}"


def _trial(o: Outlook) -> tuple[str, str, str]:
    """What the method would have said of the largest model here, before it was there."""
    if o.tried is None or o.tried_low is None or o.tried_high is None:
        return "too few sizes", "", ""
    return f"{said(o.tried)} ({_range(o.tried_low, o.tried_high)})", said(o.observed), "yes" if o.held else "no"


def _records(found: Findings) -> str:
    """How the forecasting methods of this report did on the book's families, and here."""
    used = {(o.label, o.group): o.record for one in found.each if (o := one.outlook)}
    if not used:
        return ""
    names = {"sharp": "shares of right answers", "smooth": "other metrics"}
    said_ = [f"{label}, for {names[group]}: {record.sentence()}" for (label, group), record in sorted(used.items())]
    trials = [o.held for one in found.each if (o := one.outlook) and o.held is not None]
    if trials:
        said_.append(f"In this report, with the largest model of each curve held out, the 90 % interval held it in {sum(trials)} of {len(trials)} curves.")
    return _list("How far the forecasts can be trusted", said_)


def _drawing(name: str, each: list[Finding]) -> str:
    with theme.style():
        drawing, axes = plt.subplots(1, len(each), figsize=(max(3.1 * len(each), 3.6), 2.9), squeeze=False)
        for axis, one in zip(axes[0], each, strict=True):
            curve = one.curve.sort("n_params")
            colour = theme.METRIC_LOOK.get(one.metric, ("accent", "o"))[0]
            figures.line(axis, curve, colour)
            figures.size_axis(axis, curve["n_params"].to_list(), "Parameters (log scale)")
            axis.set_title(one.label, loc="left")
            axis.set_ylabel("lower is better" if one.better == "lower" else "higher is better")
    ends = "; ".join(
        f"{one.label} {said(one.curve['estimate'][0])} to {said(one.curve['estimate'][-1])}, {one.conclusion}" for one in each
    )
    sizes = each[0].curve["n_params"]
    alt = "".join(c if c.isprintable() else "\ufffd" for c in f"{name}: from {sizes[0]:,} to {sizes[-1]:,} parameters. {ends}.")
    svg = figures.svg(drawing, alt)
    plt.close(drawing)
    return f'<figure><div class="wide" tabindex="0" role="group" aria-label="Drawing, scrolls sideways where it is too wide">{svg}</div></figure>'


def _read(logs: Logs) -> str:
    rows = [(Path(s.path).name, s.format, f"{s.rows:,}", "; ".join(f"{one.rows:,}: {one.reason} (first: {one.first})" for one in s.left), "; ".join(s.notes)) for s in logs.sources]
    text = _table(("file", "taken for", "rows", "left out", "to know"), rows, "Files, and rows left out while reading")
    if logs.left:
        text += _table(("rows", "reason", "first"), [(f"{one.rows:,}", one.reason, one.first) for one in logs.left], "Left out once all files were together")
    if logs.skipped:
        text += _table(("file", "reason"), [(Path(p).name, reason) for p, reason in logs.skipped], "Files that were not read")
    return text


def _table(names: Iterable[str], rows: Iterable[Iterable[object]], caption: str) -> str:
    columns, cells = list(names), [list(row) for row in rows]
    if columns[0] == "family" and cells and len({row[0] for row in cells}) == 1:
        caption, columns, cells = f"{caption}. All are of the family {_short(str(cells[0][0]))}", columns[1:], [row[1:] for row in cells]
    head = "".join(f'<th scope="col">{_safe(name)}</th>' for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{_safe(cell)}</td>" for cell in row) + "</tr>" for row in cells)
    return (
        f'<div class="wide" tabindex="0" role="group" aria-label="{_safe(caption)}"><table><caption>{_safe(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
