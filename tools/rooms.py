"""Draw the rooms of the library, floor by floor, and count them: `python tools/rooms.py PICTURE.svg [--tree FOLDER]`.

A room is a module or a folder right below `mirage_lib`. It stands one floor above the highest room that it imports from, so every
arrow leads down; a circle of imports is named and nothing is drawn. Another tree, such as an older checkout, is read with --tree.
"""

import argparse
import sys
from collections import Counter
from itertools import groupby
from pathlib import Path

import grimp
import matplotlib
import matplotlib.pyplot as plt

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "mirage_lib"
INK, FAINT, PAPER = "#1b1f24", "#6b7280", "#ffffff"


def arrows(tree: Path) -> set[tuple[str, str]]:
    """Which room imports from which, in a checkout; sys.path decides which one grimp finds."""
    sys.path.insert(0, str(tree))
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    room = lambda module: module.split(".")[1] if "." in module else ""
    pairs = ((room(a), room(b)) for a in graph.modules for b in graph.find_modules_directly_imported_by(a))
    return {(a, b) for a, b in pairs if a and b and a != b}


def lines(tree: Path) -> dict[str, int]:
    """Lines of Python in every room."""
    counts: Counter[str] = Counter()
    for path in (tree / PACKAGE).rglob("*.py"):
        parts = path.relative_to(tree / PACKAGE).parts
        counts[parts[0].removesuffix(".py")] += len(path.read_text("utf-8").splitlines())
    return {room: count for room, count in counts.items() if room != "__init__"}


def floors(rooms: set[str], pairs: set[tuple[str, str]]) -> dict[str, int]:
    """The floor of every room, 0 for those that import from none.

    Raises
    ------
    ValueError
        If rooms import from each other in a circle.

    >>> floors({"a", "b", "c"}, {("a", "b"), ("b", "c")})["a"]
    2
    """
    found: dict[str, int] = {}
    while len(found) < len(rooms):
        free = {room for room in rooms - found.keys() if all(b in found for a, b in pairs if a == room)}
        if not free:
            raise ValueError(f"these import from each other in a circle: {', '.join(sorted(rooms - found.keys()))}")
        found |= {room: max((found[b] + 1 for a, b in pairs if a == room), default=0) for room in free}
    return found


def draw(sizes: dict[str, int], pairs: set[tuple[str, str]]) -> plt.Figure:
    """The house: a box a room, its width the square root of its lines, a line an import."""
    at = floors(set(sizes), pairs)
    places: dict[str, tuple[float, float, float]] = {}
    for floor, group in groupby(sorted(sizes, key=lambda room: (at[room], room)), key=at.get):
        row = list(group)
        widths = [max(0.35, sizes[room] ** 0.5 / 60, 0.095 * len(room)) for room in row]
        x = -(sum(widths) + 0.25 * (len(row) - 1)) / 2
        for room, width in zip(row, widths, strict=True):
            places[room] = (x, float(floor), width)
            x += width + 0.25
    figure, axis = plt.subplots(figsize=(9, 0.62 * (max(at.values()) + 1) + 0.3))
    for a, b in pairs:
        (ax, ay, aw), (bx, by, bw) = places[a], places[b]
        axis.plot([ax + aw / 2, bx + bw / 2], [ay - 0.22, by + 0.22], color=FAINT, linewidth=0.5, alpha=0.55, zorder=1)
    for room, (x, y, width) in places.items():
        axis.add_patch(plt.Rectangle((x, y - 0.24), width, 0.48, facecolor=PAPER, edgecolor=INK, linewidth=1, zorder=2))
        axis.text(x + width / 2, y, f"{room}\n{sizes[room]:,}", ha="center", va="center", fontsize=7, color=INK, zorder=3)
    axis.autoscale()
    axis.set_axis_off()
    return figure


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("--tree", type=Path, default=ROOT, help="a checkout; this one if none is named")
    options = parser.parse_args(arguments)
    sizes, pairs = lines(options.tree), arrows(options.tree)
    matplotlib.rcParams["svg.hashsalt"] = PACKAGE
    draw(sizes, pairs).savefig(options.picture, bbox_inches="tight", facecolor=PAPER, metadata={"Date": None})
    longest = max((len(path.read_text("utf-8").splitlines()), path) for path in (options.tree / PACKAGE).rglob("*.py"))
    print(
        f"{len(sizes)} rooms on {max(floors(set(sizes), pairs).values()) + 1} floors, {len(pairs)} arrows, {sum(sizes.values()):,} lines; "
        f"the longest module is {longest[1].relative_to(options.tree)} with {longest[0]} lines"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
