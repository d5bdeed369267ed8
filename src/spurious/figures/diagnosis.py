"""The pictures of a diagnosed model: layers, curvature, loss along directions, plane."""

# Matplotlib's own annotations leave **kwargs untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from spurious.figures.style import (
    BLACK,
    BLUE,
    CYCLE,
    GREY,
    LINES,
    ORANGE,
    PAGE,
    SKY,
    VERMILION,
    new_figure,
    styled,
)

Floats = NDArray[np.float64]

ROW: Final = 0.24
"""Height of a layer's bar, in inches."""

MOST_LAYERS: Final = 40
"""Layers drawn; of more, every second, third, and so on."""

PALE: Final = ListedColormap(["#F1EEE6", "#DCE8F1", "#E3EFE6", "#F5E6D8", "#ECE3EF", "#FBF5D6"])
"""Six light colours for regions; neighbours mostly differ."""

EDGE: Final = ListedColormap(["#A9A49A"])

MARKERS: Final = ("o", "s", "^", "D", "v", "P")


@dataclass(frozen=True, slots=True)
class LayerBar:
    """The units of a layer, by what they do on the data.

    Attributes:
        name: The layer's name.
        dead: Share of units that are off on all points.
        saturated: Share of the other units that are saturated nearly always.
        steady: Share of units that are always on.
        signal: The layer's share of the signal: change of the loss for a relative change of the
            layer's outputs; not a number where unknown.
    """

    name: str
    dead: float
    saturated: float
    steady: float
    signal: float


@dataclass(frozen=True, slots=True, eq=False)
class LossLine:
    """The loss along a direction through the parameters.

    Attributes:
        label: Entry in the legend.
        distance: Shape (m,).
        loss: Shape (m,).
    """

    label: str
    distance: Floats
    loss: Floats


@styled
def layer_activity(layers: Sequence[LayerBar]) -> Figure:
    """Draws what each layer's units do (left) and how strong a signal reaches it (right).

    Args:
        layers: First to last, at least one.
    """
    step = -(-len(layers) // MOST_LAYERS)
    layers = layers[::step]
    figure = new_figure(PAGE, ROW * len(layers) + 1.25)
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(3, 2))
    place = np.arange(len(layers))
    start = np.zeros(len(layers))
    rest = np.array([1 - layer.dead - layer.saturated - layer.steady for layer in layers])
    for label, colour, hatch, share in (
        ("off on all points", VERMILION, "", [layer.dead for layer in layers]),
        ("saturated", ORANGE, "////", [layer.saturated for layer in layers]),
        ("on and off", BLUE, "", rest),
        ("on at all points", SKY, "....", [layer.steady for layer in layers]),
    ):
        width = np.asarray(share, dtype=np.float64)
        left.barh(
            place, width, 0.72, start, color=colour, hatch=hatch, edgecolor="white", lw=0.3,
            label=label,
        )  # fmt: skip
        start = start + width
    left.set_yticks(place, [layer.name for layer in layers])
    left.invert_yaxis()
    left.set_xlim(0, 1)
    left.set_xlabel("share of the layer's units")
    left.set_title("(a) units on the data")
    signal = np.array([layer.signal for layer in layers])
    known = np.isfinite(signal) & (signal > 0)
    right.plot(signal[known], place[known], color=BLACK, marker="o", ms=3.5, lw=1.0)
    none = np.isfinite(signal) & (signal <= 0)
    if known.any():
        right.set_xscale("log")
        right.xaxis.set_major_locator(LogLocator(numticks=6))
        right.xaxis.set_minor_formatter(NullFormatter())
        low, high = signal[known].min() / 3, signal[known].max() * 3
        right.set_xlim(min(low, high / 100), high)
        floor = right.get_xlim()[0]
        if none.any():
            right.plot(np.full(none.shape, floor)[none], place[none], ls="none", marker="x",
                       color=VERMILION, clip_on=False)  # fmt: skip
    if not known.any():
        right.set_xticks([])
        right.text(0.5, 0.5, "no gradient reaches any layer" if none.any() else "not known",
                   transform=right.transAxes, ha="center", va="center", color=GREY)  # fmt: skip
    right.set_xlabel("signal that reaches the layer")
    right.set_title("(b) gradient times size")
    right.grid(visible=True, axis="x", color="#DDDDDD", lw=0.5)
    figure.legend(loc="outside lower center", ncols=4)
    return figure


@styled
def curvature_and_slices(
    ritz: Floats, errors: tuple[float, float] | None, lines: Sequence[LossLine]
) -> Figure:
    """Draws the Hessian's Ritz values (left) and the loss along directions (right).

    Args:
        ritz: Increasing, (k,); may be empty.
        errors: Residuals of the first and the last.
        lines: The loss along directions.
    """
    figure = new_figure(PAGE, 2.7)
    left, right = figure.subplots(1, 2)
    if len(ritz):
        scale = max(abs(float(ritz[0])), abs(float(ritz[-1])), 1e-300)
        order = np.arange(1, len(ritz) + 1)
        for chosen, colour, marker in ((ritz < 0, VERMILION, "v"), (ritz >= 0, BLUE, "o")):
            left.plot(ritz[chosen], order[chosen], ls="none", marker=marker, color=colour, ms=4)
        left.axvline(0, color=BLACK, lw=0.6)
        left.set_xscale("symlog", linthresh=1e-4 * scale, linscale=0.5)
        if errors is not None:
            left.errorbar([ritz[0], ritz[-1]], [1, len(ritz)], xerr=np.array(errors), fmt="none",
                          ecolor=GREY, elinewidth=0.8, capsize=2)  # fmt: skip
        reach = 10 * scale
        ticks = [float(f"{t * scale:.1g}") for t in (-1, -1e-3, 0, 1e-3, 1)]
        left.set_xticks(ticks, [f"{t:g}".replace("-", "\N{MINUS SIGN}") for t in ticks])
        left.set_xlim(-reach if ritz[0] < -1e-4 * scale else -1e-4 * scale, reach)
    left.yaxis.set_major_locator(MaxNLocator(integer=True))
    left.set_xlabel("Ritz value (approximate eigenvalue of the Hessian)")
    left.set_ylabel("order")
    left.set_title("(a) curvature")
    for line, colour, dashes, marker in zip(lines, CYCLE, LINES, MARKERS, strict=False):
        reach = float(np.abs(line.distance).max())
        right.plot(
            line.distance / reach, line.loss, color=colour, ls=dashes, marker=marker, ms=3,
            label=f"{line.label}, up to {reach:.2g}",
        )  # fmt: skip
    here = [line.loss[len(line.loss) // 2] for line in lines]
    if here:
        right.axhline(here[0], color=BLACK, lw=0.5, zorder=1)
        tops = [min(float(line.loss.max()), 4 * abs(here[0]) + 1e-12) for line in lines]
        bottom = min(float(line.loss.min()) for line in lines)
        high = max(*tops, here[0] + 1e-12)
        right.set_ylim(bottom - 0.06 * (high - bottom), high + 0.06 * (high - bottom))
        figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    right.set_xlabel("distance, as a share of the largest (see the legend)")
    right.set_ylabel("loss")
    right.set_title("(b) loss along directions")
    return figure


@styled
def region_map(
    horizontal: Floats,
    vertical: Floats,
    region: NDArray[np.int64],
    output: Floats,
    x: Floats,
    y: Floats,
    blind: NDArray[np.bool_],
) -> Figure:
    """Draws the linear regions of a model of two inputs (left) and its output (right).

    Args:
        horizontal: Grid of the first input, (p,).
        vertical: Grid of the second, (q,).
        region: Number of the region of each grid point, (q, p).
        output: The model's output there, or the class it chooses, (q, p).
        x: The data, (n, 2).
        y: Their targets or labels, (n,).
        blind: Points at which some layer has no unit on, (n,); not marked if all are.
    """
    figure = new_figure(PAGE, 3.1)
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    left.pcolormesh(horizontal, vertical, region % PALE.N, cmap=PALE, shading="nearest",
                    rasterized=True)  # fmt: skip
    edges = np.zeros(region.shape, dtype=np.bool_)
    edges[1:] |= region[1:] != region[:-1]
    edges[:, 1:] |= region[:, 1:] != region[:, :-1]
    left.pcolormesh(horizontal, vertical, np.where(edges, 1.0, np.nan), cmap=EDGE,
                    shading="nearest", rasterized=True)  # fmt: skip
    kinds = np.unique(y)
    if len(kinds) <= len(MARKERS):
        for k, kind in enumerate(kinds):
            chosen = y == kind
            left.plot(
                x[chosen, 0], x[chosen, 1], ls="none", marker=MARKERS[k], ms=3.5,
                color=CYCLE[k], mec="white", mew=0.4, label=f"target {kind:g}",
            )  # fmt: skip
    else:
        left.plot(x[:, 0], x[:, 1], ls="none", marker="o", ms=3, color=BLACK, label="data")
    if blind.any() and not blind.all():
        left.plot(
            x[blind, 0], x[blind, 1], ls="none", marker="o", ms=7, mfc="none", mec=BLACK,
            mew=0.8, label="blind spot",
        )  # fmt: skip
    left.set_title(f"(a) {len(np.unique(region))} linear regions in view")
    left.set_xlabel("first input")
    left.set_ylabel("second input")
    filled = right.pcolormesh(horizontal, vertical, output, cmap="cividis", shading="nearest",
                              rasterized=True)  # fmt: skip
    right.plot(x[:, 0], x[:, 1], ls="none", marker="o", ms=2.5, color="white", mec=BLACK, mew=0.4)
    figure.colorbar(filled, ax=right, pad=0.03)
    right.set_title("(b) output (or class chosen)")
    right.set_xlabel("first input")
    figure.legend(*left.get_legend_handles_labels(), loc="outside lower center", ncols=6)
    return figure
