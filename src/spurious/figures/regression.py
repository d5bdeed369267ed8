"""Functions fitted to one-dimensional data (paper, Fig. 4)."""

# Matplotlib's own annotations leave **kwargs untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from spurious.figures.style import (
    BLACK,
    COLUMN,
    CYCLE,
    LINES,
    PAGE,
    legend_below,
    new_figure,
    styled,
)

HEIGHT: Final = 2.75
RING: Final[dict[str, Any]] = {
    "linestyle": "none",
    "marker": "o",
    "markersize": 7.0,
    "markerfacecolor": "none",
    "markeredgewidth": 1.1,
}


@dataclass(frozen=True, slots=True, eq=False)
class FittedCurve:
    """One fitted function, sampled.

    Attributes:
        label: Its entry in the legend, with its loss.
        x: Where it was sampled, shape (m,), increasing.
        f: Values of the function there, shape (m,).
        kinks: Positions and heights of its kinks within the plotted range, shape (k, 2).
    """

    label: str
    x: NDArray[np.float64]
    f: NDArray[np.float64]
    kinks: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class RegressionPanel:
    """Data and the functions fitted to them.

    Attributes:
        title: Heading, or "" for none.
        x: Inputs of the data, shape (n,).
        y: Targets, shape (n,).
        curves: The fits; by convention the bad one comes first.
    """

    title: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    curves: tuple[FittedCurve, ...]


@styled
def regression_fits(panels: Sequence[RegressionPanel]) -> Figure:
    """Draws fits to one-dimensional data, one panel beside the other.

    A column wide for one panel, a page wide for more. Kinks are rings on the curves.

    Args:
        panels: What to draw, one or more.
    """
    figure = new_figure(COLUMN if len(panels) == 1 else PAGE, HEIGHT)
    for axes, panel in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        draw_panel(axes, panel)
    return figure


def draw_panel(axes: Axes, panel: RegressionPanel) -> None:
    """Draws one panel with its legend below it."""
    for curve, colour, line in zip(panel.curves, CYCLE, LINES, strict=False):
        axes.plot(curve.x, curve.f, color=colour, linestyle=line, label=curve.label, zorder=2)
        axes.plot(curve.kinks[:, 0], curve.kinks[:, 1], color=colour, zorder=4, **RING)
    axes.plot(panel.x, panel.y, "D", markersize=3.2, color=BLACK, label="data", zorder=3)
    if any(len(curve.kinks) for curve in panel.curves):
        axes.plot([], [], color=BLACK, label="kink", **RING)
    axes.margins(0.06, 0.08)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=9, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
    axes.set_xlabel("input $x$")
    axes.set_ylabel("output $f(x)$ and target $y$")
    if panel.title:
        axes.set_title(panel.title)
    legend_below(axes)
