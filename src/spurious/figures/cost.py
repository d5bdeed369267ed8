"""How the cost of a proof grows with the size of the problem."""

# Matplotlib's own annotations leave **kwargs untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullFormatter, NullLocator, ScalarFormatter
from numpy.typing import NDArray

from spurious.figures.style import CYCLE, LINES, PAGE, legend_below, new_figure, styled

MARKERS: Final = ("o", "s", "^", "D", "v", "P")


@dataclass(frozen=True, slots=True, eq=False)
class CostSeries:
    """Times measured for one kind of problem.

    Attributes:
        label: Entry in the legend. Panels that share their labels share one legend.
        size: The parameter's values, shape (m,), increasing.
        seconds: Time for each, shape (m,).
    """

    label: str
    size: NDArray[np.float64]
    seconds: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CostPanel:
    """One parameter varied, all others held.

    Attributes:
        parameter: The axis label, such as "data points $n$".
        series: The times.
    """

    parameter: str
    series: tuple[CostSeries, ...]


@styled
def cost_curves(data: Sequence[CostPanel]) -> Figure:
    """Draws time against size on logarithmic axes, one panel for each parameter.

    Args:
        data: The panels, two to a row (three where there are three); all share the axis of
            seconds.
    """
    columns = 3 if len(data) == 3 else 2
    rows = -(-len(data) // columns)
    figure = new_figure(PAGE, 2.1 * rows + 0.4)
    lists = [[series.label for series in panel.series] for panel in data]
    shared = len(set(map(tuple, lists))) == 1
    cells = figure.subplots(rows, columns, sharey=True, squeeze=False).flatten()
    for axes, panel, letter in zip(cells, data, "abcdefghijkl", strict=False):
        for look, series in enumerate(panel.series):
            axes.plot(
                series.size,
                series.seconds,
                color=CYCLE[look],
                ls=LINES[look],
                marker=MARKERS[look],
                label=series.label,
            )
        axes.set_xscale("log")
        axes.set_yscale("log")
        sizes = sorted({float(s) for series in panel.series for s in series.size})
        axes.xaxis.set_major_locator(FixedLocator(sizes if len(sizes) <= 7 else sizes[::2]))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(ScalarFormatter())
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.grid(visible=True, axis="y", color="#DDDDDD", lw=0.5)
        axes.set_title(f"({letter})")
        axes.set_xlabel(panel.parameter)
        if not shared:
            legend_below(axes, 2 if columns == 2 else 1)
    for axes in cells[len(data) :]:
        axes.remove()
    for axes in cells[: len(data) : columns]:
        axes.set_ylabel("time (s)")
    if shared:
        handles, entries = cells[0].get_legend_handles_labels()
        figure.legend(handles, entries, loc="outside lower center", ncols=4)
    return figure
