"""How heavy and how quick is an explorer, beside pages that hold the same data and need no server either?

The data: curves of the frozen ladder's addition under two metrics, four sizes of the test set, each seed and their
mean, every target length. Three pages, each as one would make it:

- ours: the explorer, its script and Vega;
- Plotly: one chart, its script beside it, one menu of all states (menus of Plotly cannot be combined), intervals as bars;
- ipywidgets: one menu, linked to a stack of pictures, one a state, since without a kernel nothing is computed;
  the scripts of the widgets lie beside the page, which by default would fetch them from elsewhere.

All are served from this machine, compressed as by a web host, and opened by Chromium that can reach nothing else.
Weight is all that came over the wire. Reaction is wall time from a change to the frame that shows it, the median over
changes and rounds; the pages take turns.

    python -m benchmarks.explorers
"""

from __future__ import annotations

import io
import shutil
import statistics
import sys
import tempfile
from pathlib import Path

import polars as pl

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks import borrowed, results  # noqa: E402
from benchmarks.results import Row  # noqa: E402
from mirage_lib import outputs  # noqa: E402
from mirage_lib.show import views  # noqa: E402
from tools import browser, pages  # noqa: E402

PLOTLY, HTML_MANAGER = "plotly==6.5.0", "@jupyter-widgets/html-manager@1.0.14"
METRICS = ["exact_match", "token_edit_distance"]
STATE = ["metric", "items", "run"]
REACTION = 100
STATIC = ROOT / "book" / "_static"
READY = {"ours": ".mirage-explorer[data-ready=true]", "Plotly": ".js-plotly-plot .main-svg", "ipywidgets": "select"}
NEXT_FRAME = "await new Promise(done => requestAnimationFrame(done))"
REACTIONS = {
    "Plotly": """async () => {
      const chart = document.querySelector('.js-plotly-plot'), times = [];
      for (const button of chart.layout.updatemenus[0].buttons.slice(1, 13)) {
        const start = performance.now();
        await Plotly.restyle(chart, ...button.args);
        NEXT; times.push(performance.now() - start);
      }
      return times; }""".replace("NEXT", NEXT_FRAME),
    "ipywidgets": """async () => {
      const menu = document.querySelector('select'), times = [];
      const shown = () => [...document.querySelectorAll('img')].find(one => one.offsetParent)?.src;
      for (const option of [...menu.options].slice(1, 13)) {
        const start = performance.now(), before = shown();
        menu.value = option.value; menu.dispatchEvent(new Event('change', { bubbles: true }));
        do { NEXT; } while (shown() === before && performance.now() - start < 3000);
        times.push(performance.now() - start);
      }
      return times; }""".replace("NEXT", NEXT_FRAME),
}  # fmt: skip
WIRE = "performance.getEntries().filter(one => 'transferSize' in one).reduce((sum, one) => sum + one.transferSize, 0)"


def ours(folder: Path, explorer) -> None:
    """The explorer on a page of its own."""
    scripts = ("data.js", "explorer.js")
    for name in (*scripts, "mirage.css"):
        shutil.copy(STATIC / name, folder)
    shutil.copytree(STATIC / "vega", folder / "vega")
    loaded = "".join(f'<script defer src="{name}"></script>' for name in scripts)
    head = f'<meta charset="utf-8"><title>Ours</title><link rel="stylesheet" href="mirage.css">{loaded}'
    (folder / "index.html").write_text(f"<!doctype html><html lang=en><head>{head}</head><body>{explorer._repr_html_()}</body></html>")


def states(rows: pl.DataFrame) -> dict[tuple, list[pl.DataFrame]]:
    """The rows that one state shows, a frame a target length, in the same order in every state."""
    parts = rows.sort(*STATE, "group", "n_params").partition_by(STATE, as_dict=True, maintain_order=True)
    return {key: part.partition_by("group", maintain_order=True) for key, part in parts.items()}


def plotly_page(folder: Path, rows: pl.DataFrame) -> None:
    """One chart; a menu that puts other numbers into its lines."""
    borrowed.package("plotly", PLOTLY)
    import plotly.graph_objects as go

    shown = states(rows)
    numbers = {
        key: {
            "y": [line["estimate"].to_list() for line in lines],
            "error_y.array": [(line["high"] - line["estimate"]).to_list() for line in lines],
            "error_y.arrayminus": [(line["estimate"] - line["low"]).to_list() for line in lines],
            "text": [line["n"].cast(pl.String).to_list() for line in lines],
        }
        for key, lines in shown.items()
    }
    first = next(iter(shown))
    chart = go.Figure([
        go.Scatter(x=line["n_params"].to_list(), y=numbers[first]["y"][k], text=numbers[first]["text"][k], name=f"{line['group'][0]} digits",
                   error_y={"type": "data", "array": numbers[first]["error_y.array"][k], "arrayminus": numbers[first]["error_y.arrayminus"][k]})
        for k, line in enumerate(shown[first])
    ])  # fmt: skip
    buttons = [{"label": ", ".join(map(str, key)), "method": "restyle", "args": [found]} for key, found in numbers.items()]
    chart.update_layout(updatemenus=[{"buttons": buttons}], xaxis={"type": "log", "title": "Parameters"})
    chart.write_html(folder / "index.html", include_plotlyjs="directory")


def ipywidgets_page(folder: Path, rows: pl.DataFrame) -> None:
    """A menu and a stack of pictures."""
    import ipywidgets
    from ipywidgets.embed import embed_minimal_html

    shutil.copy(borrowed.from_npm(HTML_MANAGER) / "dist" / "embed.js", folder)
    drawn = {", ".join(map(str, key)): ipywidgets.Image(value=picture(lines), format="png") for key, lines in states(rows).items()}
    menu = ipywidgets.Dropdown(options=list(drawn), description="State")
    stack = ipywidgets.Stack(list(drawn.values()), selected_index=0)
    ipywidgets.jslink((menu, "index"), (stack, "selected_index"))
    embed_minimal_html(folder / "index.html", views=[ipywidgets.VBox([menu, stack])], title="ipywidgets", requirejs=False, embed_url="embed.js")


def picture(lines: list[pl.DataFrame]) -> bytes:
    """A state as Matplotlib draws it."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    drawing, axes = plt.subplots(figsize=(6.4, 3.2))
    for line in lines:
        axes.semilogx(line["n_params"], line["estimate"], marker="o", label=f"{line['group'][0]} digits")
        axes.fill_between(line["n_params"], line["low"], line["high"], alpha=0.2)
    axes.set_xlabel("Parameters")
    axes.legend()
    drawn = io.BytesIO()
    drawing.savefig(drawn, format="png", dpi=80)
    plt.close(drawing)
    return drawn.getvalue()


def opened(running, address: str, name: str) -> tuple[float, float, list[float], int]:
    """Open a page with an empty cache; return kB on the wire, ms until it is ready, reactions in ms, refused requests."""
    context = running.new_context(viewport=pages.WINDOW)
    page = context.new_page()
    refused: list[str] = []
    page.on("requestfailed", lambda request: refused.append(request.url))
    page.goto(f"{address}{name}/index.html", wait_until="commit")
    page.locator(READY[name]).first.wait_for(timeout=120_000)
    ready = page.evaluate("performance.now()")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(800)  # An explorer prepares its other axis half a second after the first.
    if name == "ours":
        reactions = page.locator(".mirage-explorer").evaluate(pages.REACTIONS)
    else:
        reactions = page.evaluate(REACTIONS[name])
    size = page.evaluate(WIRE) / 1000
    context.close()
    return size, ready, reactions, len(refused)


def main() -> int:
    """Measure, print, and return 1 where a budget is missed."""
    parser = results.parser(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    chromium = browser.find()
    if chromium is None:
        print("There is no Chromium here: `make test` installs one or says how to. Nothing was measured.")
        return 0
    from playwright.sync_api import sync_playwright

    ladder = outputs.load("arithmetic-ladder").filter(pl.col("task") == "addition")
    explorer = views.metric_explorer(ladder, "benchmark", METRICS, length=int(ladder["group"].max()))
    makers = {"ours": lambda folder: ours(folder, explorer), "Plotly": lambda folder: plotly_page(folder, explorer.rows),
              "ipywidgets": lambda folder: ipywidgets_page(folder, explorer.rows)}  # fmt: skip
    absent, seen = {}, {}
    with tempfile.TemporaryDirectory() as scratch:
        for name, make in makers.items():
            (Path(scratch) / name).mkdir()
            try:
                make(Path(scratch) / name)
                seen[name] = []
            except borrowed.Absent as reason:
                absent[name] = str(reason)
        with pages.served(Path(scratch)) as address, sync_playwright() as playwright:
            running = playwright.chromium.launch(executable_path=str(chromium), args=[*browser.FLAGS, pages.OUTSIDE_BLOCKED])
            for _ in range(given.rounds):
                for name, rounds in seen.items():
                    rounds.append(opened(running, address, name))
            running.close()
    size = f"{explorer.rows.height:,} estimates, {len(states(explorer.rows))} states"
    return results.finish("explorers", table(seen, absent, size), packages=("ipywidgets", "playwright"), write=given.write)


def table(seen: dict[str, list[tuple]], absent: dict[str, str], size: str) -> list[Row]:
    """Weight, readiness and reaction, against each other page."""
    value = {
        name: (statistics.median(r[0] for r in rounds), statistics.median(r[1] for r in rounds),
               statistics.median(x for r in rounds for x in r[2]))
        for name, rounds in seen.items()
    }  # fmt: skip
    pinned = {"Plotly": PLOTLY, "ipywidgets": HTML_MANAGER}
    rows = []
    for k, (what, unit) in enumerate((("weight on the wire", "kB"), ("ready after opening, empty cache", "ms"), ("reaction to a control", "ms"))):
        for other in pinned:
            note = absent.get(other) or (f"{size}; {pinned[other]}" if k == 0 else "wall time")
            if other in seen and k == 0 and (refused := sum(r[3] for r in seen[other])):
                note += f"; the other page asked elsewhere {refused} times, in vain"
            theirs = value[other][k] if other in value else None
            rows.append(Row(f"explorer: {what}", value["ours"][k], unit, f"{other}, a page of the same data", theirs, most=REACTION if k == 2 else None, note=note))
    return rows


if __name__ == "__main__":
    sys.exit(main())
