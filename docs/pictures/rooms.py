"""The picture of docs/architecture.md: `python docs/pictures/rooms.py` draws the rooms' imports.

A line goes from a room down to each room that it imports, unless the way leads over a third one.
The lines are kept in the picture too, as its description, so that a test can see when it is old.
"""

import ast
import json
import sys
from pathlib import Path

from spurious.figures.style import BLUE, GREY, PAGE, new_figure, styled

HERE = Path(__file__).parent
SRC = HERE.parents[1] / "src"
PICTURE = HERE / "rooms.png"
CHECKER = "spurious_checker"
# for all of them, or over all of them
BESIDE = {"errors", "files", "late", "notebook", "verdict", "__main__", "__init__"}


def imported(path):
    """The rooms that a file imports from, late imports and those for types too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            first, *rest = name.split(".")
            if first == CHECKER:
                found.add(CHECKER)
            elif first == "spurious" and rest:
                found.add(rest[0])
    return found


def rooms():
    """For each room the rooms that it imports from."""
    found = {CHECKER: set()}
    for folder in sorted((SRC / "spurious").iterdir()):
        used = [imported(path) for path in folder.rglob("*.py")] if folder.is_dir() else []
        if used:
            used = set().union(*used)
            found[folder.name] = used - BESIDE - {folder.name}
    return found


def reach(graph, room):
    """All rooms that a room depends on."""
    return graph[room].union(*(reach(graph, below) for below in graph[room]))


def lines(graph):
    """The imports that no others imply, as sorted pairs."""
    return sorted(
        (room, below)
        for room, used in graph.items()
        for below in used
        if not any(below in reach(graph, between) for between in used - {below})
    )


def levels(graph):
    """The height of each room: one more than that of the highest room that it imports.

    Rooms without imports stand just below the lowest room that imports them.
    """
    height = {}
    while len(height) < len(graph):
        for room, used in graph.items():
            if used <= set(height):
                height[room] = 1 + max((height[below] for below in used), default=-1)
    above = {room: [height[r] for r, used in graph.items() if room in used] for room in graph}
    return {r: height[r] if graph[r] else min(above[r], default=1) - 1 for r in graph}


def places(graph, drawn, shift):
    """A place for each room: its level, and from left to right near what it is joined to.

    Every other level is shifted to the right.
    """
    height = levels(graph)
    rows = [sorted(r for r in graph if height[r] == h) for h in range(max(height.values()) + 1)]
    x = {room: i - (len(row) - 1) / 2 for row in rows for i, room in enumerate(row)}
    for _ in range(20):
        for row in rows:
            wished = {}
            for room in row:
                joined = [x[b] for a, b in drawn if a == room] + [
                    x[a] for a, b in drawn if b == room
                ]
                wished[room] = sum(joined) / max(1, len(joined))
            for i, room in enumerate(sorted(row, key=lambda r: (wished[r], r))):
                x[room] = i - (len(row) - 1) / 2 + shift * (height[room] % 2)
    return {room: (x[room], height[room]) for room in graph}


def hidden(at, drawn):
    """How many lines pass behind a room that they do not join."""
    count = 0
    for pair in drawn:
        (x0, y0), (x1, y1) = (at[room] for room in pair)
        for room, (x, y) in at.items():
            if room not in pair and y1 < y < y0:
                count += abs(x0 + (x1 - x0) * (y0 - y) / (y0 - y1) - x) < 0.4
    return count


def size(room):
    """Lines of code."""
    paths = [SRC / f"{CHECKER}.py"] if room == CHECKER else (SRC / "spurious" / room).rglob("*.py")
    return sum(len(path.read_text("utf-8").splitlines()) for path in paths)


@styled
def picture():
    graph = rooms()
    drawn = lines(graph)
    choices = [places(graph, drawn, shift / 10) for shift in range(-9, 10)]
    at = min(choices, key=lambda choice: hidden(choice, drawn))
    figure = new_figure(PAGE, 0.42 * (1 + max(y for _, y in at.values())))
    figure.set_layout_engine("none")
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    for room, below in drawn:
        color = GREY if CHECKER in (room, below) else BLUE
        dashes = (0, (3, 2)) if CHECKER in (room, below) else "-"
        axes.plot(*zip(at[room], at[below], strict=True), color=color, linestyle=dashes, lw=0.7,
                  zorder=0)  # fmt: skip
    box = {"boxstyle": "round,pad=0.3", "fc": "white", "ec": GREY, "lw": 0.6}
    for room, (x, y) in at.items():
        label = f"{room.replace('_', ' ')}\n{size(room):,} lines"
        axes.text(x, y, label, ha="center", va="center", fontsize=7, linespacing=1.0, bbox=box)
    axes.margins(0.1, 0.05)
    return figure, drawn


def main():
    figure, drawn = picture()
    words = {"Software": None, "Description": json.dumps(drawn)}
    figure.savefig(PICTURE, format="png", dpi=200, metadata=words)
    sys.stderr.write(f"{PICTURE.name}: {len(drawn)} lines\n")


if __name__ == "__main__":
    main()
