"""What training ends in: shares of outcomes against a network's size."""

# Matplotlib's own annotations leave **kwargs untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from spurious.figures.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    PAGE,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
    new_figure,
    styled,
)
from spurious.train import Outcome

LOOKS: Final = {
    Outcome.SOLVED: (SKY, ""),
    Outcome.STILL_DESCENDING: (YELLOW, "...."),
    Outcome.HELD_BY_DECAY: (ORANGE, "xxxx"),
    Outcome.SADDLE_OR_PLATEAU: (ORANGE, "////"),
    Outcome.VALLEY_TO_INFINITY: (PURPLE, "\\\\\\\\"),
    Outcome.FINITE_LOCAL_MINIMUM: (VERMILION, ""),
    Outcome.DEAD: (GREY, ""),
    Outcome.DIVERGED: (BLACK, ""),
}
"""Colour and hatching of each outcome, from the bottom of a bar to its top."""


@dataclass(frozen=True, slots=True)
class OutcomePanel:
    """Networks of growing size, trained alike.

    Attributes:
        title: What they have in common.
        sizes: The bars' labels, from left to right.
        shares: For each outcome its share in each bar.
        low: Lower ends of the solved shares' intervals.
        high: Upper ends.
        printed: Solved shares that somebody else printed, or none.
    """

    title: str
    sizes: tuple[str, ...]
    shares: Mapping[Outcome, tuple[float, ...]]
    low: tuple[float, ...]
    high: tuple[float, ...]
    printed: tuple[float, ...] = ()


@styled
def outcome_shares(data: Sequence[OutcomePanel]) -> Figure:
    """Draws stacked shares, one panel for each setting, with the solved share's interval.

    Args:
        data: The panels, four to a row.
    """
    columns = min(4, len(data))
    rows = -(-len(data) // columns)
    figure = new_figure(PAGE if columns > 2 else PAGE * 0.6, 1.75 * rows + 0.75)
    cells = figure.subplots(rows, columns, sharey=True, squeeze=False).flatten()
    for axes, panel in zip(cells, data, strict=False):
        _draw(axes, panel)
    for axes in cells[len(data) :]:
        axes.remove()
    for axes in cells[: len(data) : columns]:
        axes.set_ylabel("share of runs (%)")
    for axes in cells[max(0, len(data) - columns) : len(data)]:
        axes.set_xlabel("hidden units")
    figure.legend(
        handles=_legend(data),
        loc="outside lower center",
        ncols=4,
        title="outcomes as named by measurement, not proved",
    )
    return figure


def _draw(axes: Axes, panel: OutcomePanel) -> None:
    places = range(len(panel.sizes))
    bottom = [0.0] * len(panel.sizes)
    for outcome, (colour, hatch) in LOOKS.items():
        heights = [100 * share for share in panel.shares.get(outcome, (0.0,) * len(bottom))]
        axes.bar(places, heights, 0.8, bottom, color=colour, hatch=hatch, edgecolor="white", lw=0.4)
        bottom = [b + h for b, h in zip(bottom, heights, strict=True)]
    solved = [100 * share for share in panel.shares[Outcome.SOLVED]]
    errors = [
        [s - 100 * low for s, low in zip(solved, panel.low, strict=True)],
        [100 * high - s for s, high in zip(solved, panel.high, strict=True)],
    ]
    axes.errorbar(places, solved, errors, fmt="none", ecolor=BLACK, elinewidth=0.9, capsize=1.6)
    if panel.printed:
        axes.plot(
            places,
            [100 * share for share in panel.printed],
            ls="none",
            marker="D",
            ms=3.6,
            mfc="white",
            mec=BLUE,
            mew=1.1,
        )
    axes.set_xticks(list(places), list(panel.sizes))
    axes.set_ylim(0, 100)
    axes.set_title(panel.title, fontsize=8.0)
    axes.tick_params(axis="x", length=0)


def _legend(data: Sequence[OutcomePanel]) -> list[Patch | Line2D]:
    shown = [o for o in LOOKS if any(any(panel.shares.get(o, ())) for panel in data)]
    entries: list[Patch | Line2D] = []
    for outcome in shown:
        (colour, hatch), label = LOOKS[outcome], outcome.replace("_", " ")
        entries.append(Patch(facecolor=colour, hatch=hatch, edgecolor="white", label=label))
    bar = Line2D([], [], color=BLACK, lw=0.9, marker="|", ms=7, ls="none")
    bar.set_label("95% interval of the solved share")
    entries.append(bar)
    if any(panel.printed for panel in data):
        entries.append(
            Line2D([], [], ls="none", marker="D", ms=3.6, mfc="white", mec=BLUE, label="printed")
        )
    return entries
