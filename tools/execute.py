"""Execute the chapters that are not in the cache, two at a time, before the pages are written.

    .venv/bin/python tools/execute.py SOURCE CACHE [--jobs 2]

Jupyter Book executes one chapter after the other and takes from its cache what is there; this fills the cache.
A chapter that fails is not kept, so that Jupyter Book meets the failure again and reports it.
"""

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn, JupyterCacheAbstract
from jupyter_cache.executors.utils import single_nb_execution
from myst_nb.core.read import read_myst_markdown_notebook
from myst_parser.config.main import MdParserConfig
from nbformat import NotebookNode

JOBS = 2


def main(arguments: list[str]) -> int:
    """Fill the cache; a failed chapter is named and left to the build."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="folder with _config.yml and _toc.yml")
    parser.add_argument("cache", type=Path, help="folder of the cache")
    parser.add_argument("--jobs", type=int, default=JOBS, help="kernels at a time (default: %(default)s)")
    options = parser.parse_args(arguments)
    timeout = yaml.safe_load((options.source / "_config.yml").read_text())["execute"]["timeout"]
    cache = get_cache(options.cache)
    wanted = {path: notebook for path, notebook in notebooks(options.source).items() if not known(cache, notebook)}
    with ThreadPoolExecutor(options.jobs) as pool:
        for path, seconds in pool.map(lambda one: execute(*one, timeout), wanted.items()):
            name = path.relative_to(options.source)
            if seconds is None:
                print(f"{name}: Executing notebook failed; the build says why", flush=True)
                continue
            print(f"{name}: Executed notebook in {seconds:.2f} seconds", flush=True)
            # One at a time: the cache's database has one writer.
            bundle = CacheBundleIn(wanted[path], str(path), data={"execution_seconds": seconds})
            cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)
    return 0


def notebooks(source: Path) -> dict[Path, NotebookNode]:
    """Read every chapter that has code, the longest text first, as it is likely to run longest."""
    toc, settings = (yaml.safe_load((source / name).read_text()) for name in ("_toc.yml", "_config.yml"))
    config = MdParserConfig(enable_extensions=set(settings["parse"]["myst_enable_extensions"]))
    parts = toc.get("parts", [toc])
    names = [toc["root"], *(chapter["file"] for part in parts for chapter in part.get("chapters", []))]
    found = {}
    for path in sorted((source / f"{name}.md" for name in names), key=lambda path: -path.stat().st_size):
        notebook = read_myst_markdown_notebook(path.read_text(), config, add_source_map=True, path=path)
        if any(cell.cell_type == "code" for cell in notebook.cells):
            found[path] = notebook
    return found


def known(cache: JupyterCacheAbstract, notebook: NotebookNode) -> bool:
    """Tell whether the cache has this notebook with just this code."""
    try:
        cache.match_cache_notebook(notebook)
    except KeyError:
        return False
    return True


def execute(path: Path, notebook: NotebookNode, timeout: int) -> tuple[Path, float | None]:
    """Run a chapter where it lies; return the seconds that it took, None if a cell failed."""
    start = time.monotonic()
    result = single_nb_execution(notebook, cwd=str(path.parent), allow_errors=False, timeout=timeout, meta_override=True)
    return path, None if result.err is not None else time.monotonic() - start


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("Interrupted: what was executed so far is kept.")
