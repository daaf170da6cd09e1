"""`mirage doctor`, in places where something is missing."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mirage_lib import outputs
from mirage_lib.cli import doctor

ROOT = Path(__file__).resolve().parent.parent
FROZEN = len(outputs.manifest())


def run(*arguments: str, place: Path = ROOT, python: tuple[str, ...] = (), **variables: str):
    """Run the doctor of a copy of the library, or of this one."""
    call = "import sys; sys.path.insert(0, '.'); from mirage_lib.cli import main; sys.exit(main())"
    env = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "MIRAGE_"))}
    command = [sys.executable, *python, "-c", call, "doctor", *arguments]
    return subprocess.run(command, cwd=place, env=env | variables, capture_output=True, text=True, timeout=120)


def modes(done: subprocess.CompletedProcess) -> dict[str, dict]:
    return {mode["name"]: mode for mode in json.loads(done.stdout)["modes"]}


@pytest.fixture
def copy(tmp_path) -> Path:
    """The library without its checkout."""
    shutil.copytree(ROOT / "mirage_lib", tmp_path / "mirage_lib", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_here_the_frozen_mode_works_and_every_frozen_file_was_checked():
    done = run("--json")
    assert done.returncode == 0, done.stderr
    assert modes(done)["frozen"]["works"]
    assert f"{FROZEN} of {FROZEN} frozen files" in modes(done)["frozen"]["found"]


def test_what_does_not_work_comes_with_a_line_that_mends_it():
    for mode in modes(run("--json")).values():
        assert mode["works"] or mode["fix"] or mode["name"] == "gpu", mode


@pytest.mark.fault(group="frozen", tried="a changed frozen file", on="`mirage doctor`", happens="named, with the command that restores it; the frozen mode is said not to work")
def test_a_changed_frozen_file_is_named_and_stops_the_frozen_mode(copy):
    with (copy / "mirage_lib" / "frozen" / "fig2.csv").open("a") as file:
        file.write("1\n")
    done = run(place=copy)
    assert done.returncode == 1
    assert "fig2.csv is not the file that was frozen" in done.stderr
    assert f"1 of {FROZEN} frozen files" in done.stdout


def test_without_any_package_it_says_which_are_missing_and_how_to_get_them(copy):
    (copy / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    done = run(place=copy, python=("-I", "-S"))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "polars is missing" in done.stdout
    assert re.search(r'-m pip install .*"polars>=1\.30"', done.stderr)


def test_a_key_is_never_shown(tmp_path):
    key = "sk-do-not-show-this"
    for arguments in ((), ("--json",)):
        done = run(*arguments, OPENAI_API_KEY=key, OPENAI_BASE_URL="http://localhost:1/v1")
        assert key not in done.stdout + done.stderr
    assert json.loads(done.stdout)["key_is_set"]
    assert modes(done)["full"]["works"]
    assert not json.loads(run("--json").stdout)["key_is_set"]


def test_the_folder_of_mirage_data_is_looked_into(tmp_path):
    (tmp_path / "vision" / "mnist").mkdir(parents=True)
    done = run("--json", MIRAGE_DATA=str(tmp_path))
    assert json.loads(done.stdout)["data"] == f"{tmp_path} holds vision"
    assert "mnist" in modes(done)["vision"]["found"]
    gone = run("--json", MIRAGE_DATA=str(tmp_path / "gone"))
    assert "no folder" in json.loads(gone.stdout)["data"]


def test_torch_is_not_imported_to_find_out():
    watch = "import sys; sys.path.insert(0, '.'); from mirage_lib.cli import doctor; doctor.examine(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", watch], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "False", done.stderr


@pytest.mark.parametrize("found", ["1.29", "1.29.9", "1.30", "1.30.0", "1.30.1", "1.100", "2", "2.0.post1", "0.9", "3.1"])
@pytest.mark.parametrize("bounds", [">=1.30", ">=1.30,<2", "<2,>=1", "==1.30", ">=2", ""])
def test_bounds_are_judged_as_packaging_judges_them(found, bounds):
    from packaging.specifiers import SpecifierSet

    assert doctor.fits(found, bounds) == SpecifierSet(bounds).contains(found)
