"""Every local minimum as the function that it fits."""

# Matplotlib's own annotations leave **kwargs untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from spurious.atlas import Atlas, Family
from spurious.figures.style import BLACK, BLUE, GREEN, GREY, PAGE, VERMILION, new_figure, styled
from spurious.problem.forward import float_data, float_point, forward
from spurious.verdict import Answer

COLUMNS: Final = 4
SHOWN: Final = 24
"""Most minima drawn, lowest loss first."""

ROW: Final = 1.62
"""Height of a row of panels, in inches."""

SAMPLES: Final = 401
GRID: Final = 121
LEVELS: Final = 9


@styled
def atlas_panels(atlas: Atlas, basins: Sequence[float] | None) -> Figure:
    """Draws each family's function: a curve for one input, contour lines for two.

    A bar above each panel is as long as the family's share of random starts. Families that are
    proved to be global minima are green.

    Args:
        atlas: The atlas, of one or two inputs; the first 24 families are drawn.
        basins: The share of random starts that end in each family, if it was measured.
    """
    shown = atlas.minima[:SHOWN]
    columns = min(COLUMNS, len(shown))
    rows = ceil(len(shown) / columns)
    figure = new_figure(PAGE * columns / COLUMNS, ROW * rows + 0.5)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for k, axes in enumerate(grid.flat):
        if k >= len(shown):
            axes.set_visible(False)
            continue
        (_draw_curve if atlas.network.inputs == 1 else _draw_surface)(axes, atlas, shown[k])
        _head(axes, atlas, shown[k], None if basins is None else basins[k])
    for column in range(columns):
        last = (len(shown) - 1 - column) // columns
        grid[last, column].tick_params(labelbottom=True)
    one = atlas.network.inputs == 1
    figure.supxlabel("input $x$" if one else "first input $x_1$", fontsize=9)
    figure.supylabel("output $f(x)$ and target" if one else "second input $x_2$", fontsize=9)
    return figure


def _head(axes: Axes, atlas: Atlas, family: Family, basin: float | None) -> None:
    """The loss, the dimension, and the bar of the basin."""
    exact = str(family.loss)
    loss = exact if len(exact) <= 10 else f"{float(family.loss):.5g}"
    best = atlas.is_global(family) is Answer.YES
    title = f"loss {loss}" + (f", {family.orbit} alike" if family.orbit > 1 else "")
    axes.set_title(title, fontsize=8, color=GREEN if best else BLACK, pad=7)
    note = f"dim {family.dimension}" + ("" if basin is None else f", {100 * basin:.3g}%")
    axes.set_title(note, fontsize=7, color=GREY, loc="right", pad=7)
    if basin is None:
        return
    frame: dict[str, Any] = {"transform": axes.transAxes, "clip_on": False, "linewidth": 0.0}
    axes.add_patch(Rectangle((0, 1.02), 1, 0.035, facecolor="#E5E5E5", **frame))
    if basin > 0:
        colour = GREEN if best else VERMILION
        axes.add_patch(Rectangle((0, 1.02), basin, 0.035, facecolor=colour, **frame))


def _values(atlas: Atlas, family: Family, x: NDArray[np.float64]) -> NDArray[np.float64]:
    """The family's function at inputs of shape (n, d)."""
    return forward(atlas.network, float_point(family.point), x)[:, 0]


def _span(values: NDArray[np.float64], margin: float) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    extra = margin * (high - low) or 1.0
    return low - extra, high + extra


def _draw_curve(axes: Axes, atlas: Atlas, family: Family) -> None:
    x, y = float_data(atlas.data)
    low, high = _span(x[:, 0], 0.08)
    at = np.linspace(low, high, SAMPLES)
    axes.plot(at, _values(atlas, family, at[:, None]), color=BLUE, lw=1.2)
    axes.plot(x[:, 0], y[:, 0], "D", ms=3.0, color=BLACK)
    axes.set_xlim(low, high)
    axes.set_ylim(*_span(y, 0.3))


def _draw_surface(axes: Axes, atlas: Atlas, family: Family) -> None:
    x, y = float_data(atlas.data)
    spans = [_span(x[:, k], 0.25) for k in (0, 1)]
    across, up = (np.linspace(*span, GRID) for span in spans)
    places = np.stack(np.meshgrid(across, up), axis=-1).reshape(-1, 2)
    values = _values(atlas, family, places).reshape(GRID, GRID)
    low, high = float(y.min()), float(y.max())
    extra = 0.5 * (high - low) or 1.0
    levels = np.linspace(low - extra, high + extra, LEVELS + 1)
    axes.contourf(
        across, up, np.clip(values, levels[0], levels[-1]), levels=levels, cmap="PuOr_r", alpha=0.75
    )
    middle = (low + high) / 2
    if values.min() < middle < values.max():
        axes.contour(across, up, values, levels=[middle], colors=[BLACK], linewidths=0.9)
    upper = y[:, 0] > middle
    axes.plot(*x[upper].T, ls="none", marker="o", ms=4, mfc="white", mec=BLACK)
    axes.plot(*x[~upper].T, ls="none", marker="s", ms=4, mfc=BLACK, mec="white", mew=0.5)
    axes.set_aspect("equal")
