"""Decision boundaries over the plane as data for a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from spurious.figures.boundaries import BoundaryPanel
from spurious.problem import Point, Problem
from spurious.problem.forward import float_data, float_point, forward

GRID: Final = 301
"""Samples along each input."""


def boundary_panel(
    title: str, problem: Problem, point: Point, right: Sequence[bool | None]
) -> BoundaryPanel:
    """A network's output over the plane of its two inputs, with the data.

    Args:
        title: Heading.
        problem: A network with two inputs and one output, and data with labels -1 and +1.
        point: The network's parameters.
        right: For each data point whether it is classified right, None if that is not known.
    """
    x, y = float_data(problem.data)
    horizontal, vertical = _grid(x[:, 0]), _grid(x[:, 1])
    across, up = np.meshgrid(horizontal, vertical)
    grid = np.column_stack([across.ravel(), up.ravel()])
    output = forward(problem.network, float_point(point), grid)[:, 0].reshape(across.shape)
    wrong = np.array([answer is False for answer in right])
    return BoundaryPanel(title, horizontal, vertical, output, x, y[:, 0], wrong)


def _grid(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positions from a bit below the smallest value to a bit above the largest."""
    low, high = float(values.min()), float(values.max())
    space = 0.12 * (high - low)
    return np.linspace(low - space, high + space, GRID)
