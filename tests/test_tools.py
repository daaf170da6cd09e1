"""What `make` calls, and the files that say what is installed."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools import browser, build, install

ROOT = Path(__file__).parent.parent
LOCKS = {path.name: path.read_text() for path in sorted((ROOT / "requirements").glob("*.txt"))}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
MAKEFILE = (ROOT / "Makefile").read_text()
CONDA_NAMES = {"matplotlib": "matplotlib-base", "torch": "pytorch-cpu"}


def dependencies(*extras: str) -> list[Requirement]:
    lists = [PROJECT["dependencies"], *(PROJECT["optional-dependencies"][extra] for extra in extras)]
    return [Requirement(text) for texts in lists for text in texts]


def locked(*names: str) -> dict[str, str]:
    """Package to version in some of the locks, all of them by default."""
    return {name: version for lock in names or LOCKS for name, version, _ in install.blocks(LOCKS[lock])}


# Locks


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_package_has_hashes(name):
    blocks = install.blocks(LOCKS[name])
    assert blocks
    assert [package for package, _, text in blocks if "--hash=sha256:" not in text] == []


@pytest.mark.parametrize("name", LOCKS)
def test_locks_name_no_index_and_no_machine(name):
    address = r"https?:|file:|--(extra-)?index|--find-links|^\s*#.* /\w"
    assert not re.search(address, LOCKS[name], re.MULTILINE)


def test_locks_agree_on_every_version():
    versions: dict[str, set[str]] = {}
    for lock in LOCKS:
        for package, version in locked(lock).items():
            versions.setdefault(package, set()).add(version)
    assert {package for package, found in versions.items() if len(found) > 1} == set()


@pytest.mark.parametrize(
    "lock, extras", [("book.txt", ("book", "query")), ("train.txt", ("train",)), ("test.txt", ("test",))]
)
def test_locks_fit_the_project_file(lock, extras):
    versions = locked(lock)
    for wanted in dependencies(*extras):
        assert wanted.specifier.contains(versions[canonicalize_name(wanted.name)]), wanted


def test_only_the_training_lock_holds_torch():
    assert [name for name in LOCKS if "torch" in locked(name)] == ["train.txt"]


def test_the_sizes_we_announce_were_measured_for_the_locked_torch():
    assert locked("train.txt")["torch"] == install.MEASURED_TORCH


def test_every_third_party_import_of_the_library_is_locked():
    imported = set()
    for path in (ROOT / "mirage_lib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(node.module.split(".")[0])
    foreign = imported - set(sys.stdlib_module_names) - {"mirage_lib"}
    sold_as = packages_distributions()
    names = {module: {canonicalize_name(n) for n in sold_as.get(module, [module])} for module in foreign}
    assert foreign and {module for module in foreign if not names[module] & set(locked())} == set()


def test_conda_users_get_every_dependency_with_the_same_bound():
    listed = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    plain = [Requirement(text.replace("python=", "python==")) for text in listed if isinstance(text, str)]
    conda = {requirement.name: requirement.specifier for requirement in plain}
    for wanted in dependencies("book", "train", "query", "fetch"):
        name = CONDA_NAMES.get(wanted.name, wanted.name)
        assert conda.get(name) == wanted.specifier, wanted


# Installing


@pytest.mark.parametrize(
    "system, nvidia, asked, answers, chosen, says",
    [
        ("Linux", False, "auto", True, "cpu", "no NVIDIA GPU"),
        ("Linux", False, "auto", False, "pypi", install.CUDA_DOWNLOAD),
        ("Linux", True, "auto", None, "pypi", "there is an NVIDIA GPU"),
        ("Linux", True, "cpu", None, "cpu", "MIRAGE_TORCH"),
        ("Linux", False, "pypi", None, "pypi", install.CUDA_INSTALLED),
        ("Darwin", False, "auto", None, "pypi", "CPU builds"),
        ("Windows", False, "cpu", None, "pypi", "CPU builds"),
    ],
)
def test_torch_build_fits_the_machine(system, nvidia, asked, answers, chosen, says):
    def cpu_index():
        assert answers is not None, "the CPU index was asked although nothing depends on it"
        return answers

    found, reason = install.choose_torch(system, nvidia, asked, cpu_index)
    assert found == chosen and says in reason


def test_a_lock_without_cuda_keeps_all_else_and_its_hashes():
    before, after = LOCKS["train.txt"], install.without_cuda(LOCKS["train.txt"])
    gone = set(locked("train.txt")) - {name for name, _, _ in install.blocks(after)}
    assert {"torch", "torchvision", "triton"} <= gone
    assert all(re.match("torch|triton|nvidia-|cuda-", name) for name in gone)
    assert "transformers==" in after and "sympy==" in after
    assert after.count("--hash") == before.count("--hash") - sum(
        text.count("--hash") for name, _, text in install.blocks(before) if name in gone
    )


def test_another_lock_or_another_torch_is_installed_and_the_same_is_not():
    stamp = {"book.txt": "1", "train.txt": "2", "torch": "cpu"}
    wanted = {"book.txt": "1", "train.txt": "2"}
    assert install.up_to_date(stamp, wanted, "auto") and install.up_to_date(stamp, wanted, "cpu")
    assert not install.up_to_date(stamp, wanted, "pypi")
    assert not install.up_to_date(stamp, wanted | {"train.txt": "3"}, "auto")
    assert not install.up_to_date({}, wanted, "auto")


def test_planning_changes_nothing_and_asks_nobody(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(install, "BIN", tmp_path / ".venv" / "bin")
    monkeypatch.setattr(install, "STAMP", tmp_path / ".venv" / "installed.json")
    monkeypatch.setattr(install, "has_nvidia", lambda: False)
    monkeypatch.setattr(install.platform, "system", lambda: "Linux")
    monkeypatch.setenv("MIRAGE_TORCH", "auto")
    install.main(["book", "--plan"])
    said = capsys.readouterr().out
    assert "make .venv" in said and "book.txt" in said and "does not answer" in said
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_wish_for_torch_is_refused(monkeypatch):
    monkeypatch.setenv("MIRAGE_TORCH", "tpu")
    with pytest.raises(SystemExit, match="'tpu': it has to be auto, cpu or pypi"):
        install.main(["book", "--plan"])


def test_an_index_that_pip_uses_is_passed_to_uv(monkeypatch):
    listed = "global.cert='/etc/ca.pem'\nglobal.index-url='https://mirror.example/simple'\n"
    answer = subprocess.CompletedProcess([], 0, stdout=listed)
    monkeypatch.setattr(install.subprocess, "run", lambda *a, **k: answer)
    for name in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
    env = install.environment()
    assert env["UV_DEFAULT_INDEX"] == "https://mirror.example/simple"
    assert env["SSL_CERT_FILE"] == "/etc/ca.pem"
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://other.example/simple")
    assert install.environment()["UV_DEFAULT_INDEX"] == "https://other.example/simple"


# Building


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project of a few files whose build only counts how often it ran."""
    files = {
        "mirage_lib/metrics.py": "one",
        "mirage_lib/frozen/table.parquet": "rows",
        "mirage_lib/claims.toml": "claims",
        "requirements/book.txt": "lock",
        "book/intro.md": "# Intro",
        "_config.yml": "title: x",
        "_toc.yml": "root: book/intro",
        "tools/build.py": "code",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(build, "ROOT", tmp_path)
    tmp_path.joinpath("runs").mkdir()
    runs = []

    def run(source, folder):
        runs.append(sorted(p.name for p in folder.iterdir()))
        (folder / "html").mkdir()
        (folder / "html" / "index.html").write_text("page")
        (folder / ".jupyter_cache").mkdir(exist_ok=True)
        return run.status, run.lines

    run.status, run.lines, run.runs = 0, [], runs
    monkeypatch.setattr(build, "run", run)
    return tmp_path, run


def book(root: Path) -> int:
    return build.main(["--source", str(root)])


def test_an_unchanged_book_is_not_built_again(project, capsys):
    root, run = project
    assert book(root) == 0 and book(root) == 0
    assert len(run.runs) == 1
    assert "Nothing changed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name, executes_all",
    [
        ("mirage_lib/metrics.py", True),
        ("mirage_lib/frozen/table.parquet", True),
        ("mirage_lib/claims.toml", True),
        ("requirements/book.txt", True),
        ("mirage_lib/new.py", True),
        ("book/intro.md", False),
        ("book/_static/new.css", False),
        ("_toc.yml", False),
        ("tools/build.py", False),
    ],
)
def test_a_changed_file_is_built_and_one_that_results_depend_on_executes_all(project, name, executes_all):
    root, run = project
    book(root)
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text("changed")
    book(root)
    assert len(run.runs) == 2
    assert (".jupyter_cache" not in run.runs[1]) == executes_all
    assert "html" not in run.runs[1]


@pytest.mark.fault(group="two", tried="half-written and foreign files beside the sources", on="`make book`", happens="nothing is built again")
@pytest.mark.parametrize(
    "name",
    [
        "runs/log.jsonl",
        "notes.txt",
        "mirage_lib/__pycache__/metrics.pyc",
        "mirage_lib/frozen/table.part",
        "book/.intro.md.swp",
    ],
)
def test_an_unrelated_file_changes_nothing(project, name):
    root, run = project
    book(root)
    (root / name).parent.mkdir(exist_ok=True)
    (root / name).write_text("x")
    book(root)
    assert len(run.runs) == 1


def test_the_digest_sees_real_frozen_and_library_files():
    seen = build.digest(ROOT, build.RESULTS_DEPEND_ON)
    assert seen == build.digest(ROOT, build.RESULTS_DEPEND_ON)
    for pattern in ("mirage_lib/*.py", "mirage_lib/frozen/*", "mirage_lib/*.toml", "requirements/*.txt"):
        assert build.digest(ROOT, [pattern]) != build.digest(ROOT, []), pattern


@pytest.mark.fault(group="killed", tried="a build that fails at a cell", on="`make book`", happens="page, warning and exception are named; the next build keeps what was executed", says="division by zero")
def test_a_failed_build_says_where_and_is_tried_again_with_what_it_executed(project, capsys):
    root, run = project
    run.status = 1
    run.lines = [
        f"{root}/book/intro.md: Executing notebook using local CWD [mystnb]",
        f"{root}/book/intro.md: WARNING: Executing notebook failed: CellExecutionError [mystnb.exec]",
        "ZeroDivisionError: division by zero",
        f"{root}/book/other.md:12: WARNING: undefined label: 'x'",
        "WARNING: something without a page",
    ]
    assert book(root) == 1
    said = capsys.readouterr().err
    for part in ("book/intro.md", "division by zero", "book/other.md", "undefined label", "as a whole"):
        assert part in said
    assert "build.log" in said.splitlines()[-1]
    run.status = 0
    assert book(root) == 0
    assert ".jupyter_cache" in run.runs[1]


def test_a_failure_without_a_page_shows_the_last_lines(tmp_path):
    said = build.failures(["first", "No table of contents"], tmp_path, tmp_path / "_build")
    assert any("No table of contents" in line for line in said)


def test_the_report_of_a_failed_cell_is_shown(tmp_path):
    report = tmp_path / "_build" / "html" / "reports" / "book" / "a.err.log"
    report.parent.mkdir(parents=True)
    report.write_text("Traceback\nValueError: 3 is too many\n\n")
    line = "/there/book/a.md: WARNING: Executing notebook failed: CellExecutionError [mystnb.exec]"
    said = "\n".join(build.failures([line], Path("/there"), tmp_path / "_build"))
    assert "ValueError: 3 is too many" in said and str(report) in said


# make and the browser


def test_help_lists_every_target_and_says_what_it_does():
    phony = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)[1].split()
    targets = re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE)
    listed = re.findall(r"^  make (\S+) +(\S.+)$", run_make("help"), re.MULTILINE)
    assert [name for name, _ in listed] == targets == phony
    assert run_make() == run_make("help")


def run_make(*arguments: str) -> str:
    done = subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def test_continuous_integration_runs_what_everybody_runs():
    script = (ROOT / ".ci" / "run").read_text()
    assert script.splitlines()[-1] == "make test"
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_a_named_browser_is_taken_and_one_that_does_not_start_is_not(monkeypatch, tmp_path):
    fake = tmp_path / "chromium"
    fake.write_text("#!/bin/sh\nexit 0\n")
    fake.chmod(0o755)
    monkeypatch.setenv("MIRAGE_CHROMIUM", str(fake))
    assert browser.find() == fake
    fake.write_text("#!/bin/sh\nexit 127\n")
    assert browser.find() is None
    assert "does not start" in browser.main()


def test_without_any_browser_one_line_says_how_to_get_one(monkeypatch):
    monkeypatch.delenv("MIRAGE_CHROMIUM", raising=False)
    monkeypatch.setattr(browser, "find", lambda: None)
    monkeypatch.setattr(browser.subprocess, "run", lambda *a, **k: None)
    complaint = browser.main()
    assert "apt-get install chromium" in complaint and "MIRAGE_CHROMIUM" in complaint
    assert "\n" not in complaint


def test_chapters_are_executed_ahead_once_and_a_failing_one_is_left_to_the_build(tmp_path):
    head = "---\njupytext:\n  text_representation:\n    extension: .md\n    format_name: myst\nkernelspec:\n  display_name: Python 3\n  language: python\n  name: python3\n---\n\n# A chapter\n\n"
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: good\nparts:\n- caption: One\n  chapters:\n  - file: bad\n  - file: plain\n")
    (tmp_path / "_config.yml").write_text("execute: {timeout: 60}\nparse: {myst_enable_extensions: [colon_fence]}\n")
    (tmp_path / "good.md").write_text(head + "```{code-cell} ipython3\nprint(6 * 7)\n```\n")
    (tmp_path / "bad.md").write_text(head + "```{code-cell} ipython3\n1 / 0\n```\n")
    (tmp_path / "plain.md").write_text("# No code\n")
    command = [sys.executable, ROOT / "tools" / "execute.py", tmp_path, tmp_path / "cache"]
    first, second = (subprocess.run(command, capture_output=True, text=True, timeout=120) for _ in range(2))
    assert "good.md: Executed notebook" in first.stdout and "bad.md: Executing notebook failed" in first.stdout
    assert "plain.md" not in first.stdout
    assert "good.md" not in second.stdout and "bad.md: Executing notebook failed" in second.stdout
