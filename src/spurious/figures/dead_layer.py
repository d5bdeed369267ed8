"""Networks with a dead layer: what they compute, and the plateau they sit on (paper, Theorem 1)."""

# Matplotlib's own annotations leave **kwargs untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from spurious.figures.regression import RegressionPanel, draw_panel
from spurious.figures.style import BLACK, CYCLE, GREY, LINES, PAGE, legend_below, new_figure, styled

HEIGHT: Final = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class Profile:
    """The loss along a line through a point in parameter space.

    Attributes:
        label: Entry in the legend.
        position: Position along the line, shape (m,).
        loss: The loss, shape (m,).
        edges: Positions where a flat piece ends, shape (k,).
    """

    label: str
    position: NDArray[np.float64]
    loss: NDArray[np.float64]
    edges: NDArray[np.float64]


@styled
def dead_layer(
    fit: RegressionPanel, profiles: Sequence[Profile], axis: str, heading: str
) -> Figure:
    """Draws the fit of a network with a dead layer (left) and the loss along lines (right).

    Args:
        fit: The data, the network and, where there is one, a better network.
        profiles: The loss along lines through the point; edges are dotted vertical lines.
        axis: Label of the horizontal axis of the profiles.
        heading: Title of the right panel.
    """
    figure = new_figure(PAGE, HEIGHT)
    left, axes = figure.subplots(1, 2)
    draw_panel(left, fit)
    for profile, colour, dashes in zip(profiles, CYCLE[1:], LINES, strict=False):
        axes.plot(profile.position, profile.loss, color=colour, ls=dashes, label=profile.label)
        for edge in profile.edges:
            axes.axvline(float(edge), color=colour, lw=0.8, ls=":", zorder=1)
    start = profiles[0]
    height = float(np.interp(0.0, start.position, start.loss))
    axes.plot([0.0], [height], marker="o", ls="none", color=BLACK, zorder=4, label="the point")
    if any(len(profile.edges) for profile in profiles):
        axes.plot([], [], color=GREY, lw=0.8, ls=":", label="first unit wakes up")
    axes.set_title(heading)
    axes.set_xlabel(axis)
    axes.set_ylabel("loss (sum of squares)")
    legend_below(axes)
    return figure
