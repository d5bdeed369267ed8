"""Measured and computed curves, with intervals where there are any, panel beside panel."""

# Matplotlib's own annotations leave **kwargs untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import NDArray

from spurious.figures.regression import RegressionPanel, draw_panel
from spurious.figures.style import CYCLE, LINES, PAGE, legend_below, new_figure, styled

MARKERS: Final = ("o", "s", "^", "D", "v", "P")
HEIGHT: Final = 2.9
ALONE: Final = 0.6 * PAGE
"""Width of a figure with one panel."""

MANY_DECADES: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """A curve or a cloud of points.

    Attributes:
        label: Entry in the legend.
        x: Positions, shape (m,).
        y: Values, shape (m,).
        low: Lower ends of intervals, shape (m,), or None.
        high: Upper ends, or None.
        joined: Whether to draw a line through the points; intervals are then a band.
        look: Which colour and line to use; by default the series' place in its panel.
    """

    label: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None
    joined: bool = True
    look: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class SeriesPanel:
    """Series over common axes.

    Attributes:
        title: Heading.
        x_label: With its unit.
        y_label: With its unit.
        series: What to draw.
        log_x: Whether the horizontal axis is logarithmic.
        log_y: Whether the vertical axis is.
        share: Whether the values are shares, from 0 to 1.
    """

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    log_x: bool = False
    log_y: bool = False
    share: bool = False


@styled
def series_panels(panels: Sequence[SeriesPanel], fit: RegressionPanel | None = None) -> Figure:
    """Draws panels side by side, each with its legend below.

    Args:
        panels: One to three.
        fit: Data and fitted functions, drawn to the left of the panels.
    """
    count = len(panels) + (fit is not None)
    figure = new_figure(PAGE if count > 1 else ALONE, HEIGHT)
    cells = list(figure.subplots(1, count, squeeze=False)[0])
    if fit is not None:
        draw_panel(cells.pop(0), fit)
    for axes, panel in zip(cells, panels, strict=True):
        _draw(axes, panel)
        legend_below(axes, 2 if count == 2 else 1)
    return figure


def _draw(axes: Axes, panel: SeriesPanel) -> None:
    for place, series in enumerate(panel.series):
        look = place if series.look is None else series.look
        colour = CYCLE[look % len(CYCLE)]
        if series.joined:
            line = LINES[(look + look // len(CYCLE)) % len(LINES)]
            axes.plot(series.x, series.y, color=colour, ls=line, label=series.label)
            if series.low is not None and series.high is not None:
                axes.fill_between(series.x, series.low, series.high, color=colour, alpha=0.2, lw=0)
            continue
        marker = MARKERS[look % len(MARKERS)]
        axes.plot(
            series.x, series.y, ls="none", marker=marker, ms=3.2, color=colour, label=series.label
        )
        if series.low is not None and series.high is not None:
            errors = [series.y - series.low, series.high - series.y]
            axes.errorbar(series.x, series.y, errors, fmt="none", ecolor=colour, elinewidth=0.7)
    if panel.log_x:
        _logarithmic(axes, "x")
    if panel.log_y:
        _logarithmic(axes, "y")
    if panel.share:
        axes.set_ylim(-0.03, 1.03)
    axes.grid(visible=True, axis="y", color="#DDDDDD", lw=0.5)
    axes.set_axisbelow(True)
    axes.set_title(panel.title)
    axes.set_xlabel(panel.x_label)
    axes.set_ylabel(panel.y_label)


def _logarithmic(axes: Axes, which: str) -> None:
    """A logarithmic axis whose minor ticks are labelled only where there are few decades."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    low, high = axis.get_view_interval()
    if np.log10(high / low) >= MANY_DECADES:
        axis.set_major_locator(LogLocator(numticks=8))
    axis.set_minor_formatter(NullFormatter())
