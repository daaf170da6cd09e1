"""Hostile logs on the way to a page: nothing executes, nothing is lost."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import polars as pl
import pytest

from mirage_lib import cli
from mirage_lib.show import figures, theme
from mirage_lib.show.explorer import Control, Explorer

fault = pytest.mark.fault
STATIC = Path(__file__).resolve().parent.parent / "book" / "_static"
HACK = "window.hacked=1;alert(1)"
SCRIPTS = [
    f"<script>{HACK}</script>", f'"><img src=x onerror="{HACK}">', f"'-({HACK})-'", f"</script><script>{HACK}</script>", "<!--<script>", f"<svg onload={HACK}>",
    f"javascript:{HACK}", "{{constructor.constructor('" + HACK + "')()}}", "$x_{$\\frac", "\u202e\u0000\u2028</td></table>", f"</style><script>{HACK}</script>", "]]>", "=1+1",
]  # fmt: skip
SIZES = [10**k for k in range(4, 9)]


def watched(chromium, page_file: Path):
    """Open a page without the protection of its own policy; return it with what happened that should not."""
    context = chromium.new_context(bypass_csp=True)
    page, wrong = context.new_page(), []
    page.on("dialog", lambda dialog: (wrong.append("a dialog"), dialog.dismiss()))
    page.on("request", lambda one: wrong.append(one.url) if not one.url.startswith(("file:", "data:", "blob:")) else None)
    page.on("pageerror", lambda error: wrong.append(f"script error: {error}"))
    page.goto(page_file.as_uri())
    return context, page, wrong


def logs_of(folder: Path, form: str) -> tuple[list[str], list[str]]:
    """Logs whose models, tasks and answers are scripts; their paths, and the sizes of their models."""
    models = [f"m{k}{SCRIPTS[k % len(SCRIPTS)]}" for k in range(len(SIZES))]
    answers = [(str(k), "4", said) for k, said in enumerate([*SCRIPTS, "4", "4"])]
    sizes = [f"{model}={size}" for model, size in zip(models, SIZES, strict=True)]
    if form == "table":
        rows = [{"model": m, "n_params": s, "item": i, "target": t, "output": o, "task": SCRIPTS[3]} for m, s in zip(models, SIZES, strict=True) for i, t, o in answers]
        pl.DataFrame(rows).write_parquet(folder / "t.parquet")
        return [str(folder / "t.parquet")], []
    paths = []
    for k, model in enumerate(models):
        if form == "harness":
            place = folder / f"m{k}"
            place.mkdir()
            (place / "results_2026.json").write_text(json.dumps({"config": {}, "model_name": model}))
            lines = [{"doc_id": i, "target": t, "arguments": [["Q", {"until": []}]], "filtered_resps": [o]} for i, t, o in answers]
            path = place / "samples_<img src=x onerror=alert(1)>.jsonl".replace("/", "")
            path.write_text("\n".join(map(json.dumps, lines)))
        else:
            path = folder / f"{k}.eval"
            head = {"version": 2, "status": SCRIPTS[0], "eval": {"model": model.replace("/", "|"), "task": SCRIPTS[1].replace("/", "|")}}
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("header.json", json.dumps(head))
                for i, t, o in answers:
                    archive.writestr(f"samples/{i}.json", json.dumps({"id": i, "epoch": 1, "target": t, "output": {"completion": o}}))
        paths.append(str(path))
    return paths, [one.replace("/", "|") for one in sizes] if form == "inspect" else sizes


@pytest.mark.parametrize(
    "form",
    [
        pytest.param("harness", marks=fault(group="pages", tried="script, markup, formulas and marks that turn text around as names of models and tasks and as answers", on="`mirage audit`, logs of lm-evaluation-harness", happens="in a browser nothing executes, asks for anything or breaks out of its cell; every answer is counted")),
        pytest.param("inspect", marks=fault(group="pages", tried="script, markup, formulas and marks that turn text around as names of models and tasks and as answers", on="`mirage audit`, logs of Inspect", happens="in a browser nothing executes, asks for anything or breaks out of its cell; every answer is counted")),
        pytest.param("table", marks=fault(group="pages", tried="script, markup, formulas and marks that turn text around as names of models and tasks and as answers", on="`mirage audit`, tables", happens="in a browser nothing executes, asks for anything or breaks out of its cell; every answer is counted")),
    ],
)
def test_a_report_of_logs_full_of_script_executes_nothing_and_counts_everything(chromium, form, tmp_path, capsys):
    paths, sizes = logs_of(tmp_path, form)
    page_file = tmp_path / "out" / "report.html"
    assert cli.main(["audit", *paths, *(["--size", *sizes] if sizes else []), "--draws", "20", "--title", SCRIPTS[0], "--out", str(page_file)]) == 0, capsys.readouterr().err
    context, page, wrong = watched(chromium, page_file)
    page.wait_for_timeout(200)
    assert page.evaluate("window.hacked") is None and wrong == []
    assert page.locator("script, img, iframe, [onload], [onerror]").count() == 0
    assert page.locator("h1").inner_text() == SCRIPTS[0]
    assert page.locator("main > *").last.inner_text().startswith("Made on"), "the page was cut off"
    context.close()
    told = json.loads(page_file.with_suffix(".json").read_text())
    assert told["read"]["rows"] == len(SIZES) * (len(SCRIPTS) + 2) and not told["read"]["left_out"]
    assert sorted(path.name for path in page_file.parent.iterdir()) == ["report.html", "report.json"]


@fault(group="pages", tried="the same as names of groups, tasks and labels", on="explorers", happens="in a browser nothing executes; controls, legend and table show the text as it is, and what stands behind the figure on the page stays")
def test_an_explorer_of_names_full_of_script_executes_nothing_and_swallows_no_page(chromium, tmp_path):
    rows = pl.DataFrame([
        {"task": name, "kind": kind, "n_params": size, "estimate": 0.1 * k + 0.05, "low": 0.1 * k, "high": 0.1 * k + 0.1, "n": 10}
        for name in SCRIPTS for kind in SCRIPTS[:3] for k, size in enumerate(SIZES)
    ])  # fmt: skip
    with theme.style():
        import matplotlib.pyplot as plt

        drawing, axis = plt.subplots()
        axis.set_title("a title")
    shown = Explorer(
        "hostile", figures.Figure(drawing, f"{SCRIPTS[1]} from 1 to 5 in one line of points", "A caption.", rows.head(20)),
        [Control("task", SCRIPTS[0], SCRIPTS[0], [{"value": one, "label": one} for one in SCRIPTS], "task"),
         Control("axis", "Axis", "linear", [{"value": one, "label": one} for one in ("linear", "log")])],
        rows, {"field": "kind", "title": SCRIPTS[1], "values": SCRIPTS[:3]},
        {"label": SCRIPTS[0], "title": SCRIPTS[0], "sign": 1, "log_sign": 1, "domain": [0, 1]},
    )  # fmt: skip
    page_file = tmp_path / "page.html"
    scripts = "".join(f'<script defer src="{(STATIC / name).as_uri()}"></script>' for name in ("data.js", "explorer.js"))
    page_file.write_text(f'<!doctype html><meta charset="utf-8"><body>{shown._repr_html_()}<p id="behind">behind</p>{scripts}</body>')
    context, page, wrong = watched(chromium, page_file)
    assert page.locator("#behind").inner_text(timeout=5000) == "behind"
    page.locator("#explorer-hostile").scroll_into_view_if_needed()
    page.locator("#explorer-hostile[data-ready=true]").wait_for(timeout=30_000)
    choice = page.locator("#explorer-hostile select[name=task]")
    for name in SCRIPTS:
        choice.select_option(name)
    assert choice.locator("option").all_inner_texts()[0] == SCRIPTS[0]
    page.wait_for_timeout(200)
    assert page.evaluate("window.hacked") is None and wrong == []
    assert page.locator("#explorer-hostile img, #explorer-hostile script:not([type='application/json'])").count() == 0
    context.close()
