"""Proved critical points of several losses, side by side: minima and saddles by their loss."""

# Matplotlib's own annotations leave **kwargs untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spurious.figures.style import BLUE, GREY, ORANGE, PAGE, new_figure, styled

__all__ = ["Ladder", "critical_points"]


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
        axes.axhline(row, color=GREY, linewidth=0.6, zorder=0)
        axes.plot(ladder.minima[:1], [row], "o", color=BLUE, markerfacecolor="white")
        axes.plot(ladder.minima[1:], [row] * len(ladder.minima[1:]), "o", color=BLUE)
        axes.plot([x for x, _ in ladder.saddles], [row] * len(ladder.saddles), "D", color=ORANGE)
        for x, index in ladder.saddles:
            axes.annotate(
                str(index), (x, row), (0, 6), textcoords="offset points", ha="center", fontsize=7
            )
    axes.set_xscale("log")
    axes.set_xlabel("loss")
    axes.set_yticks(range(len(ladders)), [ladder.label for ladder in reversed(ladders)])
    axes.set_ylim(-0.6, len(ladders) - 0.3)
    axes.spines[["left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
    handles = [
        Line2D([], [], marker="o", color=BLUE, markerfacecolor="white", linestyle=""),
        Line2D([], [], marker="o", color=BLUE, linestyle=""),
        Line2D([], [], marker="D", color=ORANGE, linestyle=""),
    ]
    labels = ("lowest minimum found", "bad minimum, proved", "saddle, proved, with its index")
    figure.legend(handles, labels, loc="upper center", ncols=3, frameon=False)
    return figure
