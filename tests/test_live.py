"""The explorer of a kernel: moved by its widgets, and compared with curves computed without it."""

import re

import nbformat
import polars as pl
import pytest
from nbclient import NotebookClient
from polars.testing import assert_frame_equal

from mirage_lib import curves, metrics, outputs
from mirage_lib.show import explorer


@pytest.fixture(scope="module")
def ladder():
    """Three sizes, short targets, two temperatures."""
    table = outputs.load("arithmetic-ladder").filter(pl.col("group") <= 3)
    sizes = sorted(table["n_params"].unique())
    table = table.filter(pl.col("n_params").is_in([sizes[0], sizes[len(sizes) // 2], sizes[-1]]))
    warm = table.filter(pl.col("seed") == 0).with_columns(temperature=1.0, output=pl.col("target"))
    return pl.concat([table, warm])


@pytest.fixture
def live(ladder, tmp_path):
    shown = explorer.live(ladder)
    shown.folder.value = str(tmp_path / "made" / "here")
    return shown


def said(live) -> str:
    return re.fullmatch(r'<p role="status" aria-live="polite">(.*)</p>', live.message.value, re.S)[1]


def first_prompts(table, n):
    """Keep the first n prompts of each task and length, in plain Python."""
    seen, keep = {}, []
    for task, group, prompt in table.select("task", "group", "prompt_id").iter_rows():
        known = seen.setdefault((task, group), {})
        known.setdefault(prompt, len(known))
        keep.append(known[prompt] < n)
    return table.filter(pl.Series(keep))


def test_every_choice_gives_the_curve_of_just_those_outputs(ladder, live):
    assert live.metric.value == "exact_match"
    sizes = sorted(ladder["n_params"].unique())
    live.metric.value = "token_edit_distance"
    live.task.value = "multiplication"
    live.lengths.value = [2, 3]
    live.sizes.value = sizes[1:]
    live.seeds.value = [0, 2]
    live.prompts.value = 70
    live.draws.value = 100
    part = first_prompts(ladder, 70).filter(
        (pl.col("task") == "multiplication")
        & pl.col("group").is_in([2, 3])
        & pl.col("n_params").is_in(sizes[1:])
        & pl.col("seed").is_in([0, 2])
        & (pl.col("temperature") == 0)
    )
    assert_frame_equal(live.curve, curves.curve(part, "token_edit_distance", draws=100))
    assert live.curve["n"].to_list() == [140] * 4
    cells = re.findall("<td>(.*?)</td>", live.table.value)
    assert len(cells) == 4 * (len(live.curve.columns) - 1)
    assert f"{live.curve['estimate'][0]:.4g}" in cells
    alt = re.search('aria-label="([^"]*)" viewBox', live.figure.value)[1]
    assert alt.startswith("Token edit distance, multiplication") and "length 3 go from" in alt
    live.temperature.value = 1.0
    assert live.curve["estimate"].to_list() == [0] * 4


def test_what_is_shown_at_first_is_everything_of_the_first_task(ladder, live):
    part = ladder.filter((pl.col("task") == "addition") & (pl.col("temperature") == 0))
    assert_frame_equal(live.curve, curves.curve(part, "exact_match", draws=300))
    assert live.temperature in live.box.children[0].children[0].children


def test_temperature_is_no_choice_where_there_is_one(ladder):
    shown = explorer.live(ladder.filter(pl.col("temperature") == 0), ["exact_match"])
    assert shown.temperature not in shown.box.children[0].children[0].children
    assert [name for _, name in shown.metric.options] == ["exact_match"]


def test_a_metric_that_the_reader_writes_is_scored_and_stays_out_of_the_registry(ladder, live):
    before = metrics.names()
    live.code.value = 'def last_digit(outputs):\n    return outputs["output"].str.tail(1) == outputs["target"].str.tail(1)'
    live.use.click()
    assert said(live) == "" and live.metric.value == "last_digit"
    assert metrics.names() == before
    part = ladder.filter((pl.col("task") == "addition") & (pl.col("temperature") == 0))
    truth = part.group_by("group", "n_params", "seed", "item").agg(
        right=(pl.col("output").str.slice(-1) == pl.col("target").str.slice(-1)).mean()
    )
    truth = truth.group_by("group", "n_params", "seed").agg(pl.col("right").mean())
    truth = truth.group_by("group", "n_params").agg(pl.col("right").mean()).sort("group", "n_params")
    assert live.curve["estimate"].to_list() == pytest.approx(truth["right"].to_list())
    live.code.value = live.code.value.replace("tail(1)", "tail(2)")
    live.use.click()
    assert live.curve["estimate"].to_list() != pytest.approx(truth["right"].to_list())
    live.metric.value = "exact_match"
    assert_frame_equal(live.curve, curves.curve(part, "exact_match", draws=300))


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def f(outputs):\n    half = 1 / 0\n    return half", "Line 2 of your metric, “half = 1 / 0”: ZeroDivisionError"),
        ("def f(outputs):\n  return (", "Line 2 of your metric, “return \\(”: SyntaxError"),
        ("def f(outputs):\n\n    return outputs['nope']", "Line 3 of your metric, .*nope"),
        ("raise SystemExit", "Line 1 of your metric, “raise SystemExit”: SystemExit"),
        ("f = 3", "no function was found: begin with"),
        ("def f(outputs):\n    return [1.0]", "f gave 1 scores for"),
        ("def f(outputs):\n    return outputs['target_logprob'] * float('nan')", "f gave nan .* in target_logprob"),
        ("def f(outputs):\n    return outputs['task']", "InvalidOperationError"),
    ],
)
def test_an_error_in_the_readers_metric_is_told_with_its_line_and_changes_nothing(live, code, message):
    before = live.curve
    live.code.value = code
    live.use.click()
    assert re.search(message, said(live).replace("&#x27;", "'").replace("&quot;", '"'))
    assert live.curve is before and live.metric.value == "exact_match"
    live.draws.value = 60
    assert said(live) == ""


def test_a_metric_that_fails_only_later_takes_the_figure_away_and_another_choice_brings_it_back(live):
    live.lengths.value = [1]
    live.code.value = "def f(o):\n    assert o['group'].max() == 1\n    return o['target'] == o['output']"
    live.use.click()
    live.lengths.value = [2]
    assert "Line 2 of your metric" in said(live) and "AssertionError" in said(live)
    assert live.curve is None and live.figure.value == live.table.value == ""
    live.save_csv.click()
    assert "nothing to save" in said(live)
    live.metric.value = "exact_match"
    assert said(live) == "" and live.curve["group"].unique().to_list() == [2]


@pytest.mark.parametrize("choice", ["seeds", "lengths", "sizes"])
def test_nothing_chosen_is_told(live, choice):
    getattr(live, choice).value = []
    assert "empty table" in said(live) and live.curve is None


@pytest.mark.parametrize("name", ["exact_match", "target_log_probability", "token_edit_distance"])
def test_a_logarithmic_axis_shows_sizes_and_bounds(live, name):
    live.metric.value = name
    live.log_axis.value = True
    assert said(live) == "" and "<svg" in live.figure.value


def test_files_are_written_where_the_message_says(live, tmp_path):
    for button, kind, begins in ((live.save_svg, "svg", b"<?xml"), (live.save_png, "png", b"\x89PNG")):
        button.click()
        path = tmp_path / "made" / "here" / f"exact_match-addition.{kind}"
        assert said(live) == f"Saved {path}" and path.read_bytes().startswith(begins)
    live.save_csv.click()
    saved = pl.read_csv(tmp_path / "made" / "here" / "exact_match-addition.csv")
    assert_frame_equal(saved, live.curve, check_dtypes=False)
    (tmp_path / "file").write_text("")
    live.folder.value = str(tmp_path / "file")
    live.save_csv.click()
    assert said(live).startswith("Nothing was saved: ")


def test_every_control_has_a_label_and_a_description(live):
    import ipywidgets

    def inside(widget):
        yield widget
        for child in getattr(widget, "children", ()):
            yield from inside(child)

    controls = [w for w in inside(live.box) if not isinstance(w, (ipywidgets.Box, ipywidgets.HTML))]
    assert len(controls) == 15
    assert all(w.description.strip() and (w.tooltip or "").strip() for w in controls)


def test_outputs_that_are_no_text_are_shown_too():
    table = pl.DataFrame({"target_index": [0, 1, 0, 1], "probabilities": [[0.6, 0.4]] * 4, "item": list("abab")})
    common = {"family": "f", "model": "m", "seed": 0, "task": "t", "group": 2, "temperature": 0.0, "sample": 0}
    table = table.with_columns(n_params=pl.Series([10, 10, 90, 90]), **{k: pl.lit(v) for k, v in common.items()})
    shown = explorer.live(table)
    assert [name for _, name in shown.metric.options] == ["multiple_choice_grade", "brier_binary", "brier_multiclass"]
    assert shown.prompts.max == 2 and shown.curve["estimate"].to_list() == [0.5, 0.5]


def test_a_notebook_in_a_real_kernel_holds_the_widgets(tmp_path):
    code = """
from mirage_lib import outputs
from mirage_lib.show import explorer
live = explorer.live(outputs.load("arithmetic-ladder").filter(outputs.pl.col("group") == 1), ["exact_match"])
live.prompts.value = 50
live
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    view = "application/vnd.jupyter.widget-view+json"
    (model,) = [o.data[view]["model_id"] for o in notebook.cells[0].outputs if view in o.get("data", {})]
    states = notebook.metadata.widgets["application/vnd.jupyter.widget-state+json"]["state"]
    assert states[model]["model_name"] == "VBoxModel"
    labels = {s["state"].get("description"): s["state"] for s in states.values()}
    assert labels["Test prompts"]["value"] == 50
    assert labels["Your metric"]["value"].startswith("def ")
    assert any("<svg" in str(s["state"].get("value")) for s in states.values())


def test_several_families_have_a_line_each_and_can_be_left_out(ladder):
    other = ladder.with_columns(family=pl.lit("other"), n_params=pl.col("n_params") * 2)
    shown = explorer.live(pl.concat([ladder, other]), ["exact_match"])
    assert shown.curve["family"].n_unique() == 2
    assert "other, targets of length" in shown.figure.value
    shown.families.value = ["other"]
    one = explorer.live(ladder, ["exact_match"])
    assert shown.curve["estimate"].to_list() == one.curve["estimate"].to_list()
    assert shown.families.description in [w.description for w in shown.box.children[0].children[0].children]
    assert one.families.description not in [w.description for w in one.box.children[0].children[0].children]
