"""Minima against weight decay: a bifurcation diagram for each problem, and where training ends."""

# Matplotlib's own annotations leave **kwargs untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from spurious.figures.style import BLUE, ORANGE, PAGE, VERMILION, new_figure, styled

HEIGHT: Final = 4.3

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Branch:
    """A family of minima followed as the decay changes.

    Attributes:
        l2: The decays, ascending, shape (m,).
        losses: The penalised loss as a share of that of the best constant, shape (m,).
        least: Whether it is the least there, shape (m,).
    """

    l2: Floats
    losses: Floats
    least: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class DecayPanel:
    """The minima of one problem against its decay.

    Attributes:
        title: Heading.
        branches: All families.
        l2: Decays at which networks were trained, ascending, shape (k,).
        shares: The shares of starts that end in a global minimum, in another minimum, and with a
            unit stuck at zero, shape (3, k).
    """

    title: str
    branches: tuple[Branch, ...]
    l2: Floats
    shares: Floats


@styled
def decay_panels(panels: Sequence[DecayPanel]) -> Figure:
    """Draws the diagrams side by side, and below each where training ends.

    Args:
        panels: One to three.
    """
    figure = new_figure(PAGE, HEIGHT)
    cells = figure.subplots(
        2, len(panels), squeeze=False, sharex="col", gridspec_kw={"height_ratios": (2.1, 1)}
    )
    for k, panel in enumerate(panels):
        _branches(cells[0, k], panel, first=k == 0)
        _shares(cells[1, k], panel, first=k == 0)
    lines = [*_entries(cells[0, 0]), *_entries(cells[1, 0])]
    figure.legend(
        [line for line, _ in lines],
        [label for _, label in lines],
        loc="outside lower center",
        ncols=4,
        handlelength=1.8,
    )
    return figure


def _entries(axes: Axes) -> list[tuple[Artist, str]]:
    return list(zip(*axes.get_legend_handles_labels(), strict=True))


def _branches(axes: Axes, panel: DecayPanel, *, first: bool) -> None:
    start = min(branch.l2[0] for branch in panel.branches)
    end = max(branch.l2[-1] for branch in panel.branches)
    for branch in panel.branches:
        x, y, least = _halved(branch)
        axes.plot(x, np.where(least, np.nan, y), color=VERMILION, lw=0.9, zorder=2)
        axes.plot(x, np.where(least, y, np.nan), color=BLUE, lw=1.8, zorder=3)
        if branch.l2[-1] < end:
            axes.plot(x[-1:], y[-1:], "o", ms=2.8, color=VERMILION, mew=0, zorder=4)
        if branch.l2[0] > start and not branch.least[0]:
            axes.plot(x[:1], y[:1], "o", ms=3, mfc="white", mec=VERMILION, mew=0.8, zorder=4)
    axes.set_xscale("log")
    axes.set_ylim(0, 1.06)
    axes.set_title(panel.title)
    if first:
        axes.set_ylabel("loss / loss of the best constant")
        axes.plot([], [], color=BLUE, lw=1.8, label="global minimum")
        axes.plot([], [], color=VERMILION, lw=0.9, label="bad local minimum")
        axes.plot([], [], "o", ms=3, mfc="white", mec=VERMILION, mew=0.8, label="it begins")
        axes.plot([], [], "o", ms=2.8, color=VERMILION, mew=0, label="it ends")


def _halved(branch: Branch) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """A branch with the middles of its steps put in twice: what ends there, and what begins."""
    x, y = np.log(branch.l2), branch.losses
    middles = ((x[1:] + x[:-1]) / 2, (y[1:] + y[:-1]) / 2)
    rows = [
        np.column_stack([values[:-1], middle, middle, values[1:]]).ravel()
        for values, middle in zip((x, y), middles, strict=True)
    ]
    flags = np.column_stack([branch.least[:-1]] * 2 + [branch.least[1:]] * 2).ravel()
    if len(x) == 1:
        return branch.l2, y, branch.least
    return np.exp(rows[0]), rows[1], flags


def _shares(axes: Axes, panel: DecayPanel, *, first: bool) -> None:
    kinds = zip(
        panel.shares,
        (BLUE, VERMILION, ORANGE),
        ("starts that end in the global", "in a bad minimum", "with a dead unit at zero"),
        ("o", "s", "^"),
        strict=True,
    )
    for share, colour, label, marker in kinds:
        axes.plot(panel.l2, share, color=colour, marker=marker, ms=3, lw=1, label=label)
    axes.set_ylim(-0.04, 1.04)
    axes.set_xlabel("weight decay $\\lambda$")
    axes.grid(visible=True, axis="y", color="#DDDDDD", lw=0.5)
    if first:
        axes.set_ylabel("share of starts")
