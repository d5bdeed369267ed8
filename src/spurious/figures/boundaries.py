"""Where two-class networks draw the line (paper, v1 Fig. 3 and v2 Theorem 1)."""

# Matplotlib's own annotations leave **kwargs untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from spurious.figures.style import BLACK, BLUE, PAGE, VERMILION, new_figure, styled

HEIGHT: Final = 3.3
PALE: Final = ListedColormap(["#FBE3D3", "#D9E9F4"])


@dataclass(frozen=True, slots=True, eq=False)
class BoundaryPanel:
    """A network's output over the plane, with the labelled data.

    Attributes:
        title: Heading.
        horizontal: Grid of the first input, shape (p,).
        vertical: Grid of the second input, shape (q,).
        output: The network's output, shape (q, p); its sign is the predicted class.
        x: Inputs of the data, shape (n, 2).
        y: Labels, -1 or +1, shape (n,).
        wrong: Which points are misclassified, shape (n,).
    """

    title: str
    horizontal: NDArray[np.float64]
    vertical: NDArray[np.float64]
    output: NDArray[np.float64]
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    wrong: NDArray[np.bool_]


@styled
def decision_boundaries(panels: Sequence[BoundaryPanel]) -> Figure:
    """Draws the two predicted classes and the data, one network beside the other.

    Args:
        panels: The networks; the grids should be the same.
    """
    figure = new_figure(PAGE, HEIGHT)
    all_axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
    for axes, panel in zip(all_axes, panels, strict=True):
        _draw(axes, panel)
    all_axes[0].set_ylabel("second input $x_2$")
    figure.legend(handles=_legend(), loc="outside lower center", ncols=4)
    return figure


def _draw(axes: Axes, panel: BoundaryPanel) -> None:
    grid = panel.horizontal, panel.vertical
    reach = float(np.abs(panel.output).max())
    axes.contourf(*grid, panel.output, levels=[-reach, 0.0, reach], cmap=PALE)
    if panel.output.min() < 0 < panel.output.max():
        axes.contour(*grid, panel.output, levels=[0.0], colors=[BLACK], linewidths=1.0)
    for label, marker, colour in ((1, "o", BLUE), (-1, "s", VERMILION)):
        chosen = panel.x[panel.y == label]
        axes.plot(chosen[:, 0], chosen[:, 1], ls="none", marker=marker, ms=4.5, color=colour)
    missed = panel.x[panel.wrong]
    axes.plot(
        missed[:, 0],
        missed[:, 1],
        ls="none",
        marker="o",
        ms=9.0,
        markerfacecolor="none",
        markeredgecolor=BLACK,
        markeredgewidth=0.9,
    )
    axes.set_title(panel.title)
    axes.set_xlabel("first input $x_1$")


def _legend() -> list[Line2D]:
    def entry(label: str, **looks: object) -> Line2D:
        return Line2D([], [], label=label, **looks)  # pyright: ignore[reportArgumentType]

    return [
        entry("class +1", ls="none", marker="o", color=BLUE),
        entry("class \N{MINUS SIGN}1", ls="none", marker="s", color=VERMILION),
        entry("misclassified", ls="none", marker="o", ms=9, mfc="none", mec=BLACK, mew=0.9),
        entry("decision boundary, $f = 0$", color=BLACK, lw=1.0),
    ]
