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

from spurious.figures.style import CYCLE, LINES, PAGE, new_figure, styled

MARKERS: Final = ("o", "s", "^", "D", "v", "P")


@dataclass(frozen=True, slots=True, eq=False)
class CostSeries:
    """Times measured for one kind of problem.

    Attributes:
        label: Entry in the legend; the same label looks the same in every panel.
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
        data: The panels, two to a row; all share the axis of seconds.
    """
    rows = (len(data) + 1) // 2
    figure = new_figure(PAGE, 2.1 * rows + 0.4)
    labels = list(dict.fromkeys(series.label for panel in data for series in panel.series))
    cells = figure.subplots(rows, 2, sharey=True, squeeze=False).flatten()
    for axes, panel, letter in zip(cells, data, "abcdefghijkl", strict=False):
        for series in panel.series:
            look = labels.index(series.label) % len(CYCLE)
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
    for axes in cells[len(data) :]:
        axes.remove()
    for axes in cells[: len(data) : 2]:
        axes.set_ylabel("time (s)")
    entries = {
        label: handle
        for axes in cells[: len(data)]
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(entries.values(), entries.keys(), loc="outside lower center", ncols=4)
    return figure
