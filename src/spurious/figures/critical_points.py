"""Proved critical points of several losses, side by side: minima and saddles by their loss."""

# Matplotlib's own annotations leave **kwargs untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any, Final

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spurious.figures.style import BLUE, GREY, ORANGE, PAGE, new_figure, styled

EDGE: Final[dict[str, Any]] = {"markeredgecolor": "white", "markeredgewidth": 0.6}
"""A thin white edge, so that close dots can be told apart."""

CLOSE: Final = 1.2
"""Saddles whose losses differ by less than this factor share a label."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """The proved critical points of one loss.

    Attributes:
        label: What the loss is.
        minima: Their losses, ascending; the first is the lowest known.
        saddles: Losses and indices of saddles.
    """

    label: str
    minima: tuple[float, ...]
    saddles: tuple[tuple[float, int], ...]


@styled
def critical_points(ladders: Sequence[Ladder]) -> Figure:
    """One row a loss, on a logarithmic axis of losses.

    Args:
        ladders: From top to bottom.
    """
    figure = new_figure(PAGE, 0.42 * len(ladders) + 1.1)
    axes = figure.add_subplot()
    for row, ladder in enumerate(reversed(ladders)):
        axes.axhline(row, color=GREY, linewidth=0.4, zorder=0)
        for losses, marker, color in (
            ([loss for loss, _ in ladder.saddles], "D", ORANGE),
            (ladder.minima[1:], "o", BLUE),
        ):
            axes.plot(losses, [row] * len(losses), marker, color=color, **EDGE)
        axes.plot(ladder.minima[:1], [row], "o", color=BLUE, markerfacecolor="white")
        for x, text in _labels(ladder.saddles):
            axes.annotate(
                text, (x, row), (0, 5), textcoords="offset points", ha="center", fontsize=7
            )
    axes.set_xscale("log")
    axes.set_xlabel("loss")
    axes.set_yticks(range(len(ladders)), [ladder.label for ladder in reversed(ladders)])
    axes.set_ylim(-0.6, len(ladders) - 0.3)
    axes.spines[["left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    handles = [
        Line2D([], [], marker="o", color=BLUE, markerfacecolor="white", linestyle=""),
        Line2D([], [], marker="o", color=BLUE, linestyle="", **EDGE),
        Line2D([], [], marker="D", color=ORANGE, linestyle="", **EDGE),
    ]
    labels = ("lowest minimum found", "bad minimum, proved", "saddle, proved, with its index")
    figure.legend(handles, labels, loc="upper center", ncols=3, frameon=False)
    return figure


def _labels(saddles: Sequence[tuple[float, int]]) -> list[tuple[float, str]]:
    """One label for saddles that would overlap: their indices, each once."""
    groups: list[list[tuple[float, int]]] = []
    for saddle in sorted(saddles):
        if groups and saddle[0] < CLOSE * groups[-1][0][0]:
            groups[-1].append(saddle)
        else:
            groups.append([saddle])
    return [
        (fsum(x for x, _ in group) / len(group), ", ".join(map(str, sorted({k for _, k in group}))))
        for group in groups
    ]
