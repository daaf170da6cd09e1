"""Two pretrained models outside the ladder: their weights, their frozen answers, and how these are frozen."""

import hashlib
import json
import re

import polars as pl
import pytest

from mirage_lib import outputs, runs
from mirage_lib.arithmetic import journal, query
from mirage_lib.arithmetic.problems import OPERATIONS, held_out_prompts, operation
from tools import pretrained

NAMES = list(pretrained.MODELS)
TABLES = ("arithmetic-pretrained", "arithmetic-pretrained-formats")
TEMPLATES = {"arithmetic-pretrained": ["plain"], "arithmetic-pretrained-formats": ["plain", "spaced", "words"]}


# --- what is frozen ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TABLES)
def test_both_models_were_asked_the_same_held_out_prompts_under_every_template(name):
    table = outputs.load(name)
    assert sorted(table["template"].unique()) == TEMPLATES[name]
    cells = table.partition_by("task", "group", "template", as_dict=True)
    for (task, length, template), cell in cells.items():
        asked = cell.partition_by("model")
        assert {part["model"][0]: part["n_params"][0] for part in asked} == {
            model: about.n_params for model, about in pretrained.MODELS.items()
        }
        for part in asked:
            assert part.height >= 50
            expected = held_out_prompts(operation(task), length, part.height, template=template)
            assert part.sort("prompt_id").select(expected.columns).equals(expected.sort("prompt_id"))
    if name == "arithmetic-pretrained":
        assert {key[:2] for key in cells} == {(op.name, n) for op in OPERATIONS.values() for n in op.lengths}


@pytest.mark.parametrize("name", TABLES)
def test_answers_end_with_their_line(name):
    table = outputs.load(name)
    assert not table["output"].str.contains("\n").any()
    assert (table["output"] == table["output"].str.strip_chars()).all()
    assert set(table["finish_reason"].unique()) <= {"stop", "length"}


@pytest.mark.parametrize("name", TABLES)
def test_the_stamp_names_weights_licences_and_server(name):
    stamp = outputs.read_stamp(name)
    assert stamp["origin"] == "ours" and stamp["finished"] is True
    assert stamp["weights"] == {model: about.sha256 for model, about in pretrained.MODELS.items()}
    for model, about in pretrained.MODELS.items():
        assert about.licence in stamp["licence"] and stamp["models"][model]["licence"] == about.licence
        assert stamp["models"][model]["n_params"] == about.n_params
    assert stamp["server"].startswith("transformers serve --device cpu")
    assert not re.search(r"/(home|root|work|tmp|Users)\b", json.dumps(stamp))  # no place on a machine


# --- the weights ------------------------------------------------------------------------------------


def test_a_package_that_is_not_there_is_named():
    model = pretrained.Pretrained({"no-such-package": ("a",)}, "", 1, "", "")
    with pytest.raises(FileNotFoundError, match="no-such-package is not installed"):
        pretrained.parts(model)


def test_other_weights_than_those_asked_are_refused(tmp_path, monkeypatch):
    package = tmp_path / "two_parts"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('never imported')")
    (package / "a").write_bytes(b"GG")
    (package / "b").write_bytes(b"UF")
    monkeypatch.syspath_prepend(tmp_path)
    right = hashlib.sha256(b"GGUF").hexdigest()
    model = pretrained.Pretrained({"two-parts": ("a", "b")}, right, 1, "", "")
    assert pretrained.join(model, tmp_path / "whole").read_bytes() == b"GGUF"
    with pytest.raises(ValueError, match="other versions"):
        pretrained.join(pretrained.Pretrained({"two-parts": ("b", "a")}, right, 1, "", ""), tmp_path / "whole")


# --- how answers are frozen -------------------------------------------------------------------------


def finished_run(folder, template: str, models: list[str]):
    """The folder of a run in which every model said the right answer and went on."""
    settings = query.Settings(
        "http://localhost:8911/v1",
        [query.Model(name, pretrained.MODELS[name].n_params, name) for name in models],
        "outside",
        n=3,
        lengths=(2,),
        template=template,
    )
    with journal.Journal(folder, query.claimed(settings)) as kept:
        for row in query.requests(settings).iter_rows(named=True):
            kept.append(
                {
                    "key": row["key"],
                    "text": f" {row['target']}\nand more",
                    "finish_reason": "length",
                    "served": row["model"],
                    "at": "2026-01-01T00:00:00+00:00",
                }
            )
    assert runs.read(folder)["template"] == template
    return folder


@pytest.fixture
def sources(tmp_path):
    for name, about in pretrained.MODELS.items():
        (tmp_path / name).mkdir()
        source = {"sha256": about.sha256, "n_params": about.n_params}
        (tmp_path / name / "source.json").write_text(json.dumps(source))
    return tmp_path


def test_runs_of_both_models_and_all_templates_become_one_table(sources, tmp_path):
    folders = [
        *(finished_run(tmp_path / f"plain-{name}", "plain", [name]) for name in NAMES),
        finished_run(tmp_path / "words", "words", NAMES),
    ]
    pretrained.freeze(folders, "both", folder=sources, into=tmp_path / "frozen")
    table = outputs.load("both", tmp_path / "frozen")
    assert table.height == 2 * 2 * 2 * 3  # templates, models, operations, prompts
    assert (table["output"] == table["target"]).all() and set(table["finish_reason"]) == {"stop"}
    sizes = table.group_by("template", "model", "task").len()
    assert sizes.height == 8 and set(sizes["len"]) == {3}


def test_a_model_left_out_or_asked_twice_is_no_frozen_table(sources, tmp_path):
    once = finished_run(tmp_path / "once", "plain", NAMES)
    for folders in ([finished_run(tmp_path / "one", "plain", NAMES[:1])], [once, once]):
        with pytest.raises(ValueError, match="under each template"):
            pretrained.freeze(folders, "both", folder=sources, into=tmp_path / "frozen")
    assert not (tmp_path / "frozen").exists()
