"""One-dimensional fits as data for a figure."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from spurious.figures.regression import FittedCurve, RegressionPanel
from spurious.problem import Dataset, Network, Point
from spurious.problem.forward import Floats, float_data, float_point, forward

SAMPLES: Final = 401
BEND: Final = 1e-6


def fitted_panel(
    title: str, network: Network, data: Dataset, points: tuple[tuple[str, Point], ...]
) -> RegressionPanel:
    """The data and the functions computed at some points of a network with one input.

    Args:
        title: Heading.
        network: The architecture, widths (1, ..., 1).
        data: The data.
        points: Labels and points.
    """
    x, y = float_data(data)
    return RegressionPanel(
        title,
        x[:, 0],
        y[:, 0],
        tuple(fitted_curve(label, network, point, x[:, 0]) for label, point in points),
    )


def fitted_curve(label: str, network: Network, point: Point, x: NDArray[np.float64]) -> FittedCurve:
    """The function computed at a point, sampled over the range of the data and a bit more.

    Args:
        label: The curve's entry in the legend.
        network: The architecture, widths (1, ..., 1).
        point: The point.
        x: Inputs of the data, shape (n,).
    """
    margin = 0.06 * float(x.max() - x.min())
    low, high = float(x.min()) - margin, float(x.max()) + margin
    floats = float_point(point)

    def f(at: Floats) -> Floats:
        return forward(network, floats, at[:, None])[:, 0]

    weight, bias = floats[: network.widths[1]], floats[network.widths[1] : 2 * network.widths[1]]
    moving = weight != 0
    kinks = np.unique(-bias[moving] / weight[moving])
    kinks = kinks[(kinks > low) & (kinks < high)]
    step = 1e-4 * (high - low)
    bends = f(kinks - step) - 2 * f(kinks) + f(kinks + step)
    kinks = kinks[np.abs(bends) > BEND * step]
    samples = np.unique(np.concatenate([np.linspace(low, high, SAMPLES), kinks]))
    return FittedCurve(label, samples, f(samples), np.column_stack([kinks, f(kinks)]))
