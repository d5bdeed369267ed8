"""Grids of panels with one dot for each network."""

# Matplotlib's own annotations leave **kwargs untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, LogLocator, NullFormatter, NullLocator

from spurious.figures.series import MARKERS, Series, SeriesPanel
from spurious.figures.style import CYCLE, PAGE, new_figure, styled

HEIGHT: Final = 1.75
"""Height of a row of panels, in inches."""

LEGEND: Final = 0.45

DECADES: Final = 5
"""Most labelled powers of ten on an axis."""


@dataclass(frozen=True, slots=True, eq=False)
class DotRow:
    """Panels side by side.

    Attributes:
        panels: From left to right; titles may be empty.
        ticks: Where the horizontal axes have ticks, or none to choose.
        alike: Whether all have the same vertical axis.
    """

    panels: tuple[SeriesPanel, ...]
    ticks: tuple[float, ...] = ()
    alike: bool = True


@styled
def dot_grid(rows: Sequence[DotRow]) -> Figure:
    """Draws rows of equally many panels, with one legend below for all.

    Series with the same label must have the same `look`; a series is joined if it says so.
    """
    columns = len(rows[0].panels)
    figure = new_figure(PAGE, HEIGHT * len(rows) + LEGEND)
    cells = figure.subplots(len(rows), columns, squeeze=False)
    labels: dict[str, Line2D] = {}
    for number, row in enumerate(rows):
        first: Axes = cells[number][0]
        for column, panel in enumerate(row.panels):
            axes: Axes = cells[number][column]
            if row.alike and column:
                axes.sharey(first)
                axes.tick_params(labelleft=False)
            for place, series in enumerate(panel.series):
                labels.setdefault(series.label, _dots(axes, series, place))
            _dress(axes, panel, row.ticks)
            axes.set_xlabel(panel.x_label)
            if column == 0 or not row.alike:
                axes.set_ylabel(panel.y_label)
    figure.legend(
        list(labels.values()), list(labels), loc="outside lower center", ncols=min(5, len(labels))
    )
    return figure


def _dots(axes: Axes, series: Series, place: int) -> Line2D:
    look = place if series.look is None else series.look
    (line,) = axes.plot(
        series.x,
        series.y,
        ls="-" if series.joined else "none",
        marker="" if series.joined else MARKERS[look % len(MARKERS)],
        ms=3.6,
        mfc="none",
        mew=0.8,
        lw=1.0,
        color=CYCLE[look % len(CYCLE)],
    )
    return line


def _dress(axes: Axes, panel: SeriesPanel, ticks: tuple[float, ...]) -> None:
    if panel.log_x:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(numticks=DECADES))
        axes.xaxis.set_minor_formatter(NullFormatter())
    if panel.log_y:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(numticks=DECADES))
        axes.yaxis.set_minor_formatter(NullFormatter())
    if ticks:
        axes.xaxis.set_major_locator(FixedLocator(list(ticks)))
        axes.xaxis.set_major_formatter(FixedFormatter([f"{tick:,g}" for tick in ticks]))
        axes.xaxis.set_minor_locator(NullLocator())
    if panel.share:
        axes.set_ylim(-0.03, 1.03)
    axes.grid(visible=True, axis="y", color="#DDDDDD", lw=0.5)
    axes.set_axisbelow(True)
    axes.set_title(panel.title)
