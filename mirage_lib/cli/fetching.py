"""``mirage ... fetch`` on the command line: the originals of embedded tables, checked by hash."""

from __future__ import annotations

import argparse


def add(steps: argparse._SubParsersAction, of_records: bool) -> None:
    """Describe the command, for the records or for the tables of public models."""
    what = "the collected table of BIG-Bench (all.csv) and of the records" if of_records else "the tables of public models"
    fetch = steps.add_parser("fetch", help=f"download the originals of {what}, checked by hash")
    fetch.add_argument("--tables", nargs="+", help="derived tables whose originals are wanted (default: all of them)")
    fetch.add_argument("--into", help="folder to download into (default: the system's cache folder)")
    fetch.add_argument("--base-url", help="another server with the same paths (default: GitHub's for raw files)")
    fetch.set_defaults(run=_fetch, of_records=of_records)


def _fetch(options: argparse.Namespace) -> None:
    from mirage_lib import originals, outputs

    tables = options.tables or originals.names(options.of_records)
    listed = originals.sources(tables)
    megabytes, repositories = listed["bytes"].sum() / 1e6, listed["repository"].n_unique()
    least = "at least " if listed["bytes"].null_count() else ""
    print(f"Fetching {listed.height} files, {least}{megabytes:.1f} MB, from {repositories} repositories.")
    for file in originals.fetch(tables, options.into, options.base_url or originals.BASE_URL).values():
        print(f"There: {file}, SHA-256 {outputs.sha256(file)}")
