"""The loss around a point, in floating point, as data for a figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from spurious.figures.slices import LineSlice, PlaneSlice
from spurious.problem import Point, Problem
from spurious.problem.forward import Floats, float_point, loss_evaluator, losses
from spurious.program import hessian

LINE_SAMPLES: Final = 201
PLANE_SAMPLES: Final = 121


@dataclass(frozen=True, slots=True, eq=False)
class LossSlices:
    """Slices of the loss along the flattest directions of a minimum.

    Attributes:
        eigenvalues: Of the Hessian, ascending, shape (P,), in floating point.
        lines: The loss along the eigenvectors of the two smallest.
        plane: The loss over their plane.
    """

    eigenvalues: Floats
    lines: tuple[LineSlice, ...]
    plane: PlaneSlice


def sampled_slices(problem: Problem, point: Point, reach: float) -> LossSlices:
    """Slices of the loss along the two lowest-curvature eigenvectors of its Hessian.

    Args:
        problem: Network, loss and data.
        point: A minimum.
        reach: How far to go in each direction, in Euclidean distance.
    """
    centre = float_point(point)
    values, vectors = np.linalg.eigh(hessian(loss_evaluator(problem).run(centre, 2)))
    base = losses(problem, centre)
    t = np.linspace(-reach, reach, LINE_SAMPLES)
    lines = tuple(
        LineSlice(
            rf"$\lambda_{k + 1} = {_scientific(float(values[k]))}$",
            t,
            losses(problem, centre + t[:, None] * vectors[:, k]) - base,
        )
        for k in range(2)
    )
    s = np.linspace(-reach, reach, PLANE_SAMPLES)
    grid = centre + s[None, :, None] * vectors[:, 0] + s[:, None, None] * vectors[:, 1]
    plane = PlaneSlice(
        r"distance along eigenvector of $\lambda_1$",
        r"distance along eigenvector of $\lambda_2$",
        s,
        s,
        losses(problem, grid) - base,
    )
    return LossSlices(values, lines, plane)


def _scientific(value: float) -> str:
    mantissa, exponent = f"{value:.2e}".split("e")
    return rf"{mantissa} \times 10^{{{int(exponent)}}}"
