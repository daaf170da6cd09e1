"""What the book needs from others: declared, licensed, small where it can be, and looked after."""

import http.server
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mirage_lib import outputs
from tools import dependencies, fresh, licences, links, rehearse, smallest, weekly

ROOT = Path(__file__).parent.parent


# Dependencies


def test_every_import_is_declared_where_it_is_used_and_every_dependency_is_used():
    assert dependencies.complaints(ROOT) == []


@pytest.fixture
def tree(tmp_path):
    """A small project whose declarations fit its code."""
    files = {
        "pyproject.toml": '[project]\ndependencies = ["numpy"]\n[project.optional-dependencies]\n'
        'claims = ["scipy"]\nnotebook = ["matplotlib"]\nbook = ["IPython"]\n',
        "mirage_lib/curves.py": "import numpy\n",
        "mirage_lib/claims/judge.py": "def f():\n    from scipy.stats import norm\n",
        "mirage_lib/show/draw.py": "import matplotlib.pyplot\n",
        "book/page.md": "# A page\n```{code-cell} ipython3\n:tags: [x]\nfrom IPython.display import HTML\n```\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


SOLD_AS = {"sklearn": ["scikit-learn"]}


def test_a_small_project_that_fits_has_no_complaints(tree):
    assert dependencies.complaints(tree, SOLD_AS) == []


@pytest.mark.parametrize(
    "name, text, says",
    [
        ("mirage_lib/curves.py", "import numpy, torch", "mirage_lib/curves.py imports torch (torch): declare it for the library itself"),
        ("mirage_lib/curves.py", "import numpy, scipy", "mirage_lib/curves.py imports scipy"),
        ("mirage_lib/curves.py", "pass", "numpy, declared for the library itself, is not imported"),
        ("mirage_lib/claims/judge.py", "import scipy\ndef f():\n    import sklearn", "imports sklearn (scikit-learn)"),
        ("mirage_lib/claims/judge.py", "import scipy, matplotlib", "judge.py imports matplotlib"),
        ("book/page.md", "```{code-cell}\nimport IPython\nimport pandas\n```", "book/page.md imports pandas"),
        ("pyproject.toml", '[project]\ndependencies = ["numpy"]\noptional-dependencies = {claims = ["scipy[x]"], notebook = ["matplotlib"], book = ["IPython"]}',
         "scipy[x], declared for the extra claims: name its use"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(tree, name, text, says):
    (tree / name).write_text(text)
    found = dependencies.complaints(tree, SOLD_AS)
    assert any(says in complaint for complaint in found), found


# Scoring alone

WITHOUT = """
import sys
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"scipy", "sacrebleu", "rouge_score", "matplotlib", "torch", "sklearn", "openai", "pooch"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name.partition(".")[0])
sys.meta_path.insert(0, Nothing())
from mirage_lib.cli import main
sys.exit(main())
"""


def small(*arguments: str) -> subprocess.CompletedProcess:
    """Run `mirage` where only the library's own packages can be imported."""
    return subprocess.run([sys.executable, "-c", WITHOUT, *arguments], cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("metric", ["exact_match", "token_edit_distance", "per_token_accuracy"])
def test_outputs_are_scored_without_any_extra(metric, tmp_path):
    done = small("score", "arithmetic-ladder", "--metric", metric, "--csv", str(tmp_path / "curve.csv"))
    assert done.returncode == 0, done.stderr
    from mirage_lib import curves

    rows = (tmp_path / "curve.csv").read_text().splitlines()
    assert len(rows) == curves.curve(outputs.load("arithmetic-ladder"), metric).height + 1


@pytest.mark.parametrize(
    "arguments, extra",
    [
        (("score", "arithmetic-ladder-tokens", "--metric", "bleu"), "claims"),
        (("score", "arithmetic-ladder-tokens", "--metric", "rouge_l_sum"), "claims"),
        (("claims",), "claims"),
        (("audit", "--demo"), "audit"),
    ],
)
def test_what_needs_more_names_the_extra_that_brings_it(arguments, extra):
    done = small(*arguments)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert f"'mirage-lib[{extra}]'" in done.stderr


def test_the_weight_of_scoring_alone_is_written_down_and_below_the_limit():
    page = smallest.PAGE.read_text()
    parts = {name: float(size) for name, size in re.findall(r"^\| ([\w-]+|\d+ more) \| ([\d.]+) \|", page, re.MULTILINE)}
    total = float(re.search(r"scoring saved outputs\*\* \| \*\*([\d.]+)", page)[1])
    assert "polars-runtime-32" in parts and sum(parts.values()) == pytest.approx(total, abs=0.5)
    assert total * 1e6 < smallest.LIMIT


def test_a_package_weighs_its_files_and_their_byte_code(tmp_path):
    about = tmp_path / "thing-1.0.dist-info"
    about.mkdir()
    (tmp_path / "thing.py").write_bytes(b"x" * 100)
    (tmp_path / "other.py").write_bytes(b"x" * 7000)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "thing.cpython-311.pyc").write_bytes(b"x" * 10)
    (about / "METADATA").write_text("Name: thing\nVersion: 1.0\n")
    (about / "RECORD").write_text("thing.py,,\nthing-1.0.dist-info/METADATA,,\nthing-1.0.dist-info/RECORD,,\n")
    own = sum(path.stat().st_size for path in about.iterdir())
    assert smallest.weigh(tmp_path) == {"thing": 110 + own}


# Licences


def listed() -> list[tuple[str, ...]]:
    """The rows of packages in the committed page."""
    packages = licences.TABLE.read_text().split("## What lies")[0]
    rows = re.findall(r"^\| ([\w.-]+) \| (\d[^|]*?) \| (.*?) \| (.*?) \| (.*?) \|$", packages, re.MULTILINE)
    return [tuple(row) for row in rows]


def test_every_locked_package_is_listed_in_its_version_and_nothing_else_is():
    wanted = {name: (version, ", ".join(locks)) for name, (version, locks) in licences.locked().items()}
    assert {name: (version, locks) for name, version, _, _, locks in listed()} == wanted


def test_the_listed_licences_are_those_of_the_installed_packages():
    checked = 0
    for name, version, said, group, _ in listed():
        found = licences.installed(name, version)
        if found is None:  # Another system's.
            continue
        checked += 1
        assert (said, group) == licences.LOOKED_AT.get(name, (found, licences.kind(found))), name
    assert checked > 100


def test_the_page_is_what_the_command_writes_from_these_rows():
    assert licences.page(listed()) == licences.TABLE.read_text()


def test_no_licence_is_unknown_and_none_is_copyleft():
    assert {group for *_, group, _ in listed()} <= {"free", "by file", "own terms"}


@pytest.mark.parametrize(
    "text, group",
    [
        ("MIT", "free"),
        ("Apache-2.0 AND BSD-3-Clause", "free"),
        ("MPL-2.0 AND MIT", "by file"),
        ("LGPL-3.0-or-later", "by file"),
        ("GNU Lesser General Public License v3 (LGPLv3)", "by file"),
        ("GPL-3.0-only", "copyleft"),
        ("GNU General Public License v2 or later (GPLv2+)", "copyleft"),
        ("AGPL-3.0", "copyleft"),
        ("GPL-2.0 OR MIT", "free"),
        ("MIT AND GPL-2.0", "copyleft"),
        ("LicenseRef-NVIDIA-Proprietary", "own terms"),
        ("not said", "unknown"),
        ("a licence of our own", "unknown"),
    ],
)
def test_a_licence_counts_by_its_strictest_part_and_a_choice_by_its_freest(text, group):
    assert licences.kind(text) == group


def test_what_others_wrote_lies_here_with_its_licence():
    rows = licences.vendored()
    texts = [(ROOT / text).read_text() for *_, text in rows]
    assert all(len(text) > 1000 for text in texts)
    with_others = {folder for folder in (ROOT / "book" / "_static").iterdir() if folder.is_dir()}
    assert {(ROOT / text).parent for *_, text in rows} == with_others


def test_every_frozen_file_has_a_licence():
    said = dict(licences.data())
    assert set(said) == set(outputs.manifest())
    assert [name for name, terms in said.items() if terms == "not said"] == []


def test_the_project_names_the_licences_of_its_data():
    project = (ROOT / "pyproject.toml").read_text()
    named = re.search(r'^license = "(.*)"', project, re.MULTILINE)[1].split(" AND ")
    for name, terms in licences.data():
        for one in re.findall(r"CC-BY-SA-4\.0|CC-BY-4\.0|Apache-2\.0|MIT", terms.replace("CC BY 4.0", "CC-BY-4.0")):
            assert one in named, name


# Rehearsals


def test_every_supported_python_and_both_ends_of_the_bounds_were_rehearsed():
    rows = rehearse.read_rows()
    assert set(rows) == {*rehearse.supported(), "oldest", "newest"}
    for name, row in rows.items():
        assert re.search(r"\| \d+ passed", row) and "failed" not in row, row
        assert name in ("oldest", "newest") or f"| {name}." in row


def test_what_cannot_be_rehearsed_is_refused_with_what_can(capsys):
    with pytest.raises(SystemExit):
        rehearse.main(["--only", "3.8"])
    assert "cannot try 3.8: there are 3.11, 3.12, 3.13, oldest and newest" in capsys.readouterr().err


# The weekly check


def test_a_failed_step_does_not_stop_the_others_but_a_failed_install_does(tmp_path):
    good, bad = [sys.executable, "-c", "print('a word')"], [sys.executable, "-c", "raise SystemExit('no')"]
    slow = [sys.executable, "-c", "import time; time.sleep(60)"]
    done = weekly.run(tmp_path, {"install": (good, 1), "build": (bad, 1), "links": (slow, 0.01), "tests": (good, 1)}, tmp_path)
    assert [step.went for step in done] == ["went well", "failed", "failed", "went well"]
    assert [step.last for step in done][:2] == ["a word", "no"] and "timed out" in done[2].last
    done = weekly.run(tmp_path, {"install": (bad, 1), "build": (good, 1)}, tmp_path)
    assert [step.went for step in done] == ["failed", "left out"]
    assert "**1 of 2 steps failed: install.**" in weekly.report("abc", done, changed=False)


def test_the_weekly_check_cannot_push_and_leaves_what_it_cloned_alone(tmp_path, monkeypatch):
    source, out = tmp_path / "source", tmp_path / "out"
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", str(source)]
    subprocess.run(["git", "init", "--quiet", str(source)], check=True)
    (source / "requirements").mkdir()
    (source / "requirements" / "page.md").write_text("old\n")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "-m", "one"], check=True)
    push = "open('requirements/page.md', 'w').write('new\\n'); import subprocess, sys; sys.exit(subprocess.run(['git', 'push']).returncode)"
    monkeypatch.setattr(weekly, "STEPS", {"install": ([sys.executable, "-c", push], 1, "nothing goes back")})
    assert weekly.main(["--from", str(source), "--out", str(out)]) == 1
    assert "No configured push destination" in (out / "install.log").read_text()
    assert (source / "requirements" / "page.md").read_text() == "old\n"
    assert "+new" in (out / "requirements.diff").read_text() and "requirements.diff" in (out / "report.md").read_text()


def test_every_weekly_step_runs_a_file_that_exists():
    for command, _, _ in weekly.STEPS.values():
        named = [part for part in command if part.startswith("tools")]
        paths = [ROOT / (part if part.endswith(".py") else part.replace(".", "/") + ".py") for part in named]
        assert all(path.is_file() for path in paths) and (named or "pytest" in command)


# Links


class Answers(http.server.BaseHTTPRequestHandler):
    """200 at /there, to GET only at /get, 404 at /gone, 403 at /refused."""

    def answer(self):
        wanted = {"/there": 200, "/get": 200 if self.command == "GET" else 405, "/gone": 404, "/refused": 403}
        self.send_response(wanted[self.path])
        self.end_headers()

    do_GET = do_HEAD = answer

    def log_message(self, *arguments):
        """Say nothing."""


@pytest.fixture
def server():
    """The address of a server on this machine."""
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}"
    running.shutdown()
    running.server_close()


def test_an_address_is_there_gone_or_refuses_by_what_it_answers(server):
    said = [links.ask(f"{server}/{path}") for path in ("there", "get", "gone", "refused")]
    assert said == ["there", "there", "gone (404)", "refused (403)"]


def test_an_address_that_nobody_serves_gives_no_answer(server):
    assert links.ask("http://127.0.0.1:9/", seconds=2).startswith("no answer")
    assert links.ask("http://no space/").startswith("no answer")


def test_outside_links_are_found_once_with_their_pages_and_others_are_not(tmp_path):
    (tmp_path / "_static").mkdir()
    (tmp_path / "a.html").write_text('<a href="https://x.org/p?a=1&amp;b=2#part">x</a> <a class="y" href="b.html">in</a> <link href="https://z.org">')
    (tmp_path / "b.html").write_text('<a href="https://x.org/p?a=1&amp;b=2">x</a><a href="http://localhost:8000">me</a>')
    (tmp_path / "_static" / "c.html").write_text('<a href="https://y.org">y</a>')
    assert links.addresses(tmp_path) == {"https://x.org/p?a=1&b=2": ["a.html", "b.html"]}


# A new user


@pytest.mark.parametrize(
    "name, passed",
    [("PIP_CERT", True), ("UV_DEFAULT_INDEX", True), ("SSL_CERT_FILE", True), ("https_proxy", True),
     ("UV_CACHE_DIR", False), ("PIP_CACHE_DIR", False), ("PYTHONPATH", False), ("OPENAI_API_KEY", False), ("HOME", False)],
)  # fmt: skip
def test_a_new_user_gets_the_way_to_the_index_and_no_cache_and_no_key(name, passed):
    assert bool(fresh.PASSED.fullmatch(name)) == passed
