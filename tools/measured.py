"""Freeze what the benchmarks measured, for the page *At scale*: `python -m tools.measured`.

From benchmarks/results.json come the growth curves, from pages.md and notebooks.md the weight of pages and the memory of notebooks.
The table goes to the other frozen ones, so that the page's sentences are computed from numbers with a date, and a notebook has them, too.
"""

import json
import re
import statistics
import sys
from pathlib import Path

import polars as pl

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from mirage_lib import outputs

BENCHMARKS = ROOT / "benchmarks"
COLUMNS = "what axis unit fixed exponent low high largest cost date".split()


def growths(results: dict) -> list[tuple]:
    """Rows of the growth curves: the fit, and the cost at the largest size that was tried."""
    rows = []
    for group in results.values():
        for one in group["growths"]:
            size, cost = max(one["points"])
            fit = (one[name] for name in ("fixed", "exponent", "exponent_low", "exponent_high"))
            rows.append((one["what"], one["axis"], one["unit"], *fit, size, cost, group["stamp"]["date"]))
    return rows


def column(text: str, head: str) -> list[float]:
    """Numbers below a head in the last table of a Markdown page; what is no number is left out.

    >>> column("| page | kB |\\n|---|---|\\n| a | 1,200 over |\\n| b | **7** |\\n| c | – |", "kB")
    [1200.0, 7.0]
    """
    rows = [[cell.strip() for cell in line.strip("| \n").split("|")] for line in text.splitlines() if line.startswith("|")]
    heads = next(k for k, row in enumerate(rows) if head in row)
    found = (re.match(r"\**([\d,.]+)", row[rows[heads].index(head)]) for row in rows[heads + 1 :])
    return [float(number[1].replace(",", "")) for number in found if number]


def single(what: str, unit: str, values: list[float], date: str) -> list[tuple]:
    """Rows of the median and the largest of what has no growth."""
    chosen = {"median": statistics.median(values), "largest": max(values)}
    return [(f"{what}, {name}", "", unit, None, None, None, None, None, value, date) for name, value in chosen.items()]


def date_of(text: str) -> str:
    return re.search(r"\d{4}-\d{2}-\d{2}", text)[0]


def main() -> int:
    pages, notebooks = ((BENCHMARKS / name).read_text("utf-8") for name in ("pages.md", "notebooks.md"))
    rows = growths(json.loads((BENCHMARKS / "results.json").read_text("utf-8")))
    rows += single("page at first view", "kB", column(pages, "first view, kB"), date_of(pages))
    rows += single("requests of a page", "", column(pages, "requests"), date_of(pages))
    rows += single("memory of a notebook", "MB", column(notebooks, "peak MB"), date_of(notebooks))
    table = pl.DataFrame(rows, schema=COLUMNS, orient="row", infer_schema_length=None)
    note = "ours; what benchmarks/ measured, by `python -m tools.measured`; CC BY 4.0"
    print(f"Written: {outputs.save_table(table, 'measured', 'benchmarks', note).name}, {table.height} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
