"""The loss around a minimum, along lines and over a plane."""

# Matplotlib's own annotations leave **kwargs untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation, LogLocator
from numpy.typing import NDArray

from spurious.figures.style import BLACK, CYCLE, LINES, PAGE, new_figure, styled

HEIGHT: Final = 2.9


@dataclass(frozen=True, slots=True, eq=False)
class LineSlice:
    """The loss along a line in parameter space.

    Attributes:
        label: Entry in the legend.
        distance: Signed Euclidean distance from the point, shape (m,).
        excess: Loss minus the loss at the point, shape (m,).
    """

    label: str
    distance: NDArray[np.float64]
    excess: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class PlaneSlice:
    """The loss over a plane in parameter space.

    Attributes:
        horizontal_label: Name of the first direction.
        vertical_label: Name of the second direction.
        horizontal: Signed distance along the first direction, shape (p,).
        vertical: Signed distance along the second direction, shape (q,).
        excess: Loss minus the loss at the point, shape (q, p).
    """

    horizontal_label: str
    vertical_label: str
    horizontal: NDArray[np.float64]
    vertical: NDArray[np.float64]
    excess: NDArray[np.float64]


@styled
def loss_slices(lines: Sequence[LineSlice], plane: PlaneSlice) -> Figure:
    """Draws the loss above its minimum along lines (left) and over a plane (right).

    Args:
        lines: Slices along directions.
        plane: Slice over the plane of two directions. Its colours are on a logarithmic scale.
    """
    figure = new_figure(PAGE, HEIGHT)
    left, right = figure.subplots(1, 2)
    for line, colour, dashes in zip(lines, CYCLE, LINES, strict=False):
        left.plot(line.distance, line.excess, color=colour, ls=dashes, label=line.label)
    left.axhline(0.0, color=BLACK, lw=0.5, zorder=1)
    left.plot([0.0], [0.0], marker="o", color=BLACK, ls="none", ms=4.0, zorder=4)
    left.set_title("(a) along one direction")
    left.set_xlabel("distance from the minimum, $t$")
    left.set_ylabel("loss minus its minimum")
    left.legend(loc="upper center", title="along the eigenvector of")
    low, high = left.get_ylim()
    left.set_ylim(low, high + 0.45 * (high - low))
    _draw_plane(figure, right, plane)
    return figure


def _draw_plane(figure: Figure, axes: Axes, plane: PlaneSlice) -> None:
    positive = plane.excess[plane.excess > 0]
    top = float(positive.max())
    bottom = max(float(positive.min()), top * 1e-5)
    levels = np.geomspace(bottom, top, 15)
    shown = np.clip(plane.excess, bottom, top)
    filled = axes.contourf(
        plane.horizontal,
        plane.vertical,
        shown,
        levels=levels,
        norm=LogNorm(bottom, top),
        cmap="cividis",
        extend="neither",
    )
    axes.contour(
        plane.horizontal,
        plane.vertical,
        shown,
        levels=levels[1:-1:2],
        colors="white",
        linewidths=0.4,
    )
    axes.plot([0.0], [0.0], marker="o", ms=4.0, ls="none", color="white", mec=BLACK, mew=0.8)
    axes.set_title("(b) over the plane of both")
    axes.set_xlabel(plane.horizontal_label)
    axes.set_ylabel(plane.vertical_label)
    bar = figure.colorbar(filled, ax=axes, label="loss minus its minimum", pad=0.03)
    bar.ax.yaxis.set_major_locator(LogLocator(base=10))
    bar.ax.yaxis.set_major_formatter(LogFormatterSciNotation())
    bar.ax.minorticks_off()
