"""Public models' tables, and the download of their originals from a server on this machine."""

import functools
import http.server
import subprocess
import sys
import threading
from pathlib import Path

import polars as pl
import pytest

from mirage_lib import cli, originals, outputs
from mirage_lib.arithmetic import public


COMMIT = "c0ffee" + "0" * 34
BLOB = "376a2c78166b93eeeb56397bef627668abf4b60b"
"""What ``git hash-object`` says of the third file."""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and notes what was asked for."""

    asked: list[str]

    def do_GET(self):
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server of three small originals that a list of sources pins, as it would pin the real ones."""
    pytest.importorskip("pooch", reason="the extra fetch is not installed")
    root = tmp_path / "served"
    rows = []
    for repository, path, content in (
        ("someone/scores", "results/a.csv", b"model,score\none,0.5\n"),
        ("other/counts", "data/b.parquet", bytes(range(256)) * 40),
    ):
        place = root / repository / COMMIT / path
        place.parent.mkdir(parents=True)
        place.write_bytes(content)
        rows.append((Path(path).stem, repository, COMMIT, path, len(content), outputs.sha256(place), None, "MIT"))
    content = b"task,subtask\n"
    place = root / "third/collected" / COMMIT / "data/all.csv"
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    rows.append(("all.csv", "third/collected", COMMIT, "data/all.csv", None, None, BLOB, "MIT"))
    names = "tables repository commit path bytes sha256 git_blob licence".split()
    frozen = tmp_path / "frozen"
    outputs.save_table(pl.DataFrame(rows, schema=names, orient="row"), "public-sources", "list", "test", frozen)
    monkeypatch.setattr(originals.outputs, "load_table", functools.partial(outputs.load_table, folder=frozen))
    asked: list[str] = []
    handler = functools.partial(type("Handler", (Quiet,), {"asked": asked}), directory=str(root))
    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}", root, asked
    running.shutdown()
    running.server_close()


def test_originals_come_whole_and_are_not_asked_for_twice(server, tmp_path):
    url, root, asked = server
    there = originals.fetch(into=tmp_path / "cache", base_url=url)
    assert {path: file.read_bytes() for path, file in there.items()} == {
        str(file.relative_to(root).as_posix()).split(COMMIT + "/")[1]: file.read_bytes()
        for file in root.rglob("*") if file.is_file()
    }  # fmt: skip
    assert len(asked) == 3
    assert originals.fetch(into=tmp_path / "cache", base_url=url + "/") == there and len(asked) == 3


def test_only_what_one_table_needs_is_fetched(server, tmp_path):
    url, _, asked = server
    originals.fetch(["a"], into=tmp_path / "cache", base_url=url)
    assert len(asked) == 1 and asked[0].endswith("results/a.csv")


def test_a_file_with_another_hash_is_refused_and_not_kept(server, tmp_path):
    url, root, _ = server
    file = next(root.rglob("a.csv"))
    file.write_bytes(b"version https://example of a pointer instead of the file")
    with pytest.raises(originals.FetchError, match="a.csv of someone/scores is not the file of SHA-256"):
        originals.fetch(["a"], into=tmp_path / "cache", base_url=url)
    assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]


def test_a_file_pinned_by_its_git_blob_is_checked_as_git_would(server, tmp_path):
    url, root, _ = server
    file = next(root.rglob("all.csv"))
    said = subprocess.run(["git", "hash-object", file], capture_output=True, text=True)
    assert said.returncode or said.stdout.strip() == BLOB == originals.git_blob(file.read_bytes())
    assert originals.fetch(["all.csv"], into=tmp_path / "cache", base_url=url)["data/all.csv"].exists()
    file.write_bytes(b"task;subtask\n")
    with pytest.raises(originals.FetchError, match=f"all.csv of third/collected is not the file of Git blob {BLOB}"):
        originals.fetch(["all.csv"], into=tmp_path / "other", base_url=url)
    assert not [p for p in (tmp_path / "other").rglob("*") if p.is_file()]


def test_records_and_arithmetic_fetch_their_own_originals(server, tmp_path, capsys):
    url, _, asked = server
    assert cli.main(["bigbench", "fetch", "--into", str(tmp_path / "cache"), "--base-url", url]) == 0
    assert [path.rsplit("/")[-1] for path in asked] == ["all.csv"]
    assert capsys.readouterr().out.count("SHA-256") == 1


def test_a_spoiled_copy_in_the_cache_is_replaced(server, tmp_path):
    url, root, asked = server
    there = originals.fetch(["a"], into=tmp_path / "cache", base_url=url)["results/a.csv"]
    there.write_bytes(b"spoiled")
    assert originals.fetch(["a"], into=tmp_path / "cache", base_url=url)["results/a.csv"].read_bytes() != b"spoiled"
    assert len(asked) == 2


def test_a_missing_file_and_a_dead_server_say_which_file(server, tmp_path):
    url, root, _ = server
    next(root.rglob("b.parquet")).unlink()
    with pytest.raises(originals.FetchError, match="data/b.parquet of other/counts cannot be had: 404"):
        originals.fetch(["b"], into=tmp_path / "cache", base_url=url)
    with pytest.raises(originals.FetchError, match="b.parquet of other/counts cannot be had"):
        originals.fetch(["b"], into=tmp_path / "cache", base_url="http://127.0.0.1:9")


def test_an_unknown_table_is_named_with_those_that_have_originals():
    with pytest.raises(ValueError, match="'fig4'.*public-arithmetic"):
        originals.fetch(["fig4"])


def test_without_pooch_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pooch", None)
    with pytest.raises(originals.FetchError, match=r"mirage-lib\[fetch\]"):
        originals.fetch(["public-arithmetic"])


def test_the_command_line_fetches_and_refuses_with_one_sentence(server, tmp_path, capsys):
    url, root, _ = server
    command = ["arithmetic", "fetch", "--into", str(tmp_path / "cache"), "--base-url", url]
    assert cli.main(command) == 0
    assert capsys.readouterr().out.count("SHA-256") == 2
    assert cli.main([*command, "--tables", "nothing"]) == 1
    next(root.rglob("b.parquet")).unlink()
    next((tmp_path / "cache").rglob("b.parquet")).unlink()
    assert cli.main(command) == 1
    assert "cannot be had" in capsys.readouterr().err


def test_every_table_loads_with_the_columns_that_its_docstring_names():
    for load in (public.arithmetic, public.sampled, public.reference_logprob, public.addition, public.fig4):
        table, said = load(), " ".join(load.__doc__.split())
        assert all(column in said for column in table.columns)


def test_families_differ_in_size_within_a_task():
    dense = public.arithmetic().filter(~pl.col("mixture"))
    assert not dense.select("task", "family", "model").is_duplicated().any()
    pythia = dense.filter((pl.col("family") == "Pythia") & (pl.col("task") == "2-digit addition"))
    assert pythia["n_params"].is_unique().all() and pythia.height == 8
