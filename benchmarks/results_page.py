"""The results page: results.md and its figure, made of what benchmarks handed over.

Nothing is measured here and nothing typed: a number on the page comes from results.json.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks import results
from benchmarks.results import Growth, Measured, Row, cost, figure

PAGE, FIGURE = "results.md", "growth.svg"
HEAD = """# Measured

Written by `make bench`; [README.md](README.md) says what each row means and what explains it. *Ratio* is what the
other way costs over what ours costs, both measured in one run: above 1, ours is cheaper. Seconds are of processor time
unless a row says otherwise, since other programs used the machine, too. Bold misses its budget. The letter leads to
the stamp of the run.
"""
GROWTHS = """## Growth

Each thing is done at sizes a thousandfold apart, unless a row says otherwise; *fixed* and *exponent* are fitted to all of them, as cost =
fixed + b · size^exponent. In brackets: the exponents that come out when any one size is left out.
"""


def write(kept: dict[str, Measured], folder: Path = results.HERE) -> None:
    """Write the page, and the figure beside it where something was measured over sizes."""
    growths = [growth for one in kept.values() for growth in one.growths]
    if growths:
        draw(growths, folder / FIGURE)
    (folder / PAGE).write_text(text(kept))


def text(kept: dict[str, Measured]) -> str:
    """The page: rows, growths, and the stamp of every benchmark."""
    letters = {name: chr(ord("a") + k) for k, name in enumerate(sorted(kept))}
    rows = [(letters[name], row) for name, one in sorted(kept.items()) for row in one.rows]
    growths = [(letters[name], growth) for name, one in sorted(kept.items()) for growth in one.growths]
    lines = [HEAD, *table(("what", "ours", "instead", "theirs", "ratio", "budget", "run"), "lrlrrll", map(_row, rows))]
    if growths:
        heads = ("what", "over", "from", "to", "fixed", "exponent", "budget", "run")
        found = [growth for _, growth in growths]
        lines += ["", GROWTHS, *table(heads, "llrrrlll", map(_growth, growths)), "", f"![{alternative(found)}]({FIGURE})", ""]
        lines += table(("what", "cost at each size"), "ll", ((g.what, _points(g)) for g in found))
    lines += ["", "## Runs", ""]
    lines += [f"- {letters[name]}: `{name}`, {_stamp(one.stamp)}" for name, one in sorted(kept.items())]
    return "\n".join(lines) + "\n"


def table(heads: tuple[str, ...], sides: str, rows) -> list[str]:
    """Lines of a table; ``sides`` has l or r for each column."""
    rule = ["---:" if side == "r" else "---" for side in sides]
    return ["| " + " | ".join(cells) + " |" for cells in (heads, rule, *rows)]


def _row(entry: tuple[str, Row]) -> tuple[str, ...]:
    letter, row = entry
    ratio = "–" if row.ratio is None else figure(row.ratio)
    budgets = [f"ratio at least {figure(row.least)}"] if row.least is not None else []
    budgets += [f"at most {cost(row.most, row.unit)}"] if row.most is not None else []
    return (
        row.what + (f" ({row.note})" if row.note else ""), _bold(cost(row.ours, row.unit), row.dear), row.other or "–",
        cost(row.theirs, row.unit), _bold(ratio, row.slow), ", ".join(budgets) or "–", letter,
    )  # fmt: skip


def _growth(entry: tuple[str, Growth]) -> tuple[str, ...]:
    letter, growth = entry
    fixed, exponent = results.power(growth.points)
    low, high = results.spread(growth.points)
    sizes = [size for size, _ in growth.points]
    return (
        growth.what + (f" ({growth.note})" if growth.note else ""), growth.axis, f"{min(sizes):,.0f}", f"{max(sizes):,.0f}",
        cost(fixed, growth.unit), f"{_bold(f'{exponent:.2f}', growth.missed)} ({low:.2f} to {high:.2f})",
        "–" if growth.most is None else f"at most {growth.most:g}", letter,
    )  # fmt: skip


def _bold(words: str, missed: bool) -> str:
    return f"**{words}**" if missed else words


def _points(growth: Growth) -> str:
    return ", ".join(f"{size:,.0f}: {cost(value, growth.unit)}" for size, value in growth.points)


def _stamp(stamp: dict) -> str:
    versions = ", ".join(f"{name} {number}" for name, number in stamp["versions"].items())
    load = "" if stamp["load"] is None else f", load {stamp['load']:g} at the end"
    return f"{stamp['date']}, revision {stamp['revision']}, {stamp['machine']}{load}; {versions}."


def alternative(growths: list[Growth]) -> str:
    """The figure in words: what grows fastest and slowest."""
    ranked = sorted(growths, key=lambda growth: results.power(growth.points)[1])
    low, high = ranked[0], ranked[-1]
    return (
        f"Cost against size on log scales, {len(growths)} lines. The flattest is “{low.what}”, with {low.axis} to the power "
        f"{results.power(low.points)[1]:.2f}; the steepest “{high.what}”, with {high.axis} to the power "
        f"{results.power(high.points)[1]:.2f}."
    )


def draw(growths: list[Growth], path: Path) -> None:
    """Draw cost, as a multiple of the cost at the smallest size, against size as a multiple of the smallest."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt


    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "growth", "font.size": 9}):
        drawing, axes = plt.subplots(figsize=(8, 4.4), layout="constrained")
        for k, growth in enumerate(growths):
            size, times = zip(*((size / growth.points[0][0], value / growth.points[0][1]) for size, value in growth.points), strict=True)
            colour = LINES[k % len(LINES)]
            axes.loglog(size, times, marker=MARKS[k % len(MARKS)], markersize=4, color=colour, label=f"{growth.what}, by {growth.axis}")
        most = max(growth.points[-1][0] / growth.points[0][0] for growth in growths)
        axes.loglog([1, most], [1, most], linestyle=":", color="#777777", label="in proportion to size")
        axes.set(xlabel="size, times the smallest", ylabel="cost, times that of the smallest")
        axes.spines[["top", "right"]].set_visible(False)
        drawing.legend(loc="outside right upper", frameon=False, fontsize=7)
        drawing.savefig(path, metadata={"Date": None})
        plt.close(drawing)


LINES = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9", "#333333")
MARKS = ("o", "s", "^", "D", "v", "P")
