"""The pictures of `spurious construct`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from spurious.figures import (
    Series,
    SeriesPanel,
    decision_boundaries,
    regression_fits,
    series_panels,
)
from spurious.figures.panels import boundary_panel, fitted_panel, rate_series
from spurious.problem import Loss
from spurious.problem.forward import float_data, float_point, forward
from spurious.sweep import clopper_pearson

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from spurious.construct import ConstantShare, RegionTrap, ShiftedStart, TrapReach
    from spurious.figures import BoundaryPanel, RegressionPanel
    from spurious.hunt.anatomy import Anatomy
    from spurious.problem import Point, Problem

SHOWN = 4
"""Eigenvectors drawn."""


def outputs_figure(problem: Problem, labels: tuple[str, str]) -> Figure:
    """The functions at point and witness: curves for one input, else outputs beside targets."""
    fit = _fit(problem, labels)
    if fit is not None:
        return regression_fits([fit])
    return series_panels([_outputs(problem, labels)])


def trap_figure(trap: RegionTrap, reach: Sequence[TrapReach]) -> Figure:
    """The functions at both minima and, if it was measured, the share of starts that return."""
    labels = ("bad minimum", "good minimum")
    fit = _fit(trap.problem, labels)
    panels = [] if fit is not None else [_outputs(trap.problem, labels)]
    if reach:
        at = np.array([r.distance for r in reach])
        rates = [clopper_pearson(r.back, r.runs) for r in reach]
        panels.append(
            SeriesPanel(
                "starts that return",
                "distance / norm of the parameters",
                "share of starts",
                (rate_series("back to the bad loss", at, rates),),
                log_x=True,
                share=True,
            )
        )
    if not panels and fit is not None:
        return regression_fits([fit])
    return series_panels(panels, fit)


def shifted_figure(made: ShiftedStart) -> Figure:
    """The points in the plane of the direction of the outlier and the first axis across it."""
    x = np.array(made.data.x, dtype=float)
    y = np.array(made.data.y, dtype=float)[:, 0]
    along = np.full(x.shape[1], x.shape[1] ** -0.5)
    across = np.zeros(x.shape[1])
    across[:2] = (2**-0.5, -(2**-0.5))
    bulk = np.arange(len(x)) < len(x) - made.outliers
    series = tuple(
        Series(label, x[chosen] @ along, x[chosen] @ across, joined=False)
        for label, chosen in (
            ("label 1", bulk & (y > 0)),
            ("label -1", bulk & (y < 0)),
            (f"{made.outliers} outliers, label 1", ~bulk),
        )
    )
    return series_panels(
        [
            SeriesPanel(
                "the data",
                r"along $(1, ..., 1)$",
                r"along $(1, -1, 0, ...)$",
                series,
            )
        ]
    )


def deadlock_figure(problem: Problem) -> Figure:
    """Labels on a plane: the predicted classes at both points; else outputs on the data."""
    labels = ("local minimum", "better point")
    if problem.network.inputs != 2 or problem.loss is not Loss.LOGISTIC:
        return outputs_figure(problem, labels)
    panels: list[BoundaryPanel] = []
    for label, point in _points(problem, labels):
        x, y = float_data(problem.data)
        right = forward(problem.network, float_point(point), x)[:, 0] * y[:, 0] > 0
        heading = f"{label}: {right.sum()} of {len(right)} right"
        panels.append(boundary_panel(heading, problem, point, right.tolist()))
    return decision_boundaries(panels)


def slices_figure(found: Anatomy) -> Figure:
    """The loss along the flattest eigenvectors."""
    rise = found.losses - found.losses[:, len(found.distances) // 2, None]
    along = tuple(
        Series(f"eigenvalue {value:.2g}", found.distances, np.where(row > 0, row, np.nan))
        for value, row in zip(found.eigenvalues[:SHOWN], rise, strict=False)
    )
    panel = SeriesPanel(
        "along the flattest eigenvectors",
        "distance from the minimum",
        "loss above the minimum",
        along,
        log_y=True,
    )
    return series_panels([panel])


def deaths_figure(found: Anatomy) -> Figure:
    """How the minimum bends and moves while one point changes weight, to where it dies."""
    numbered = list(enumerate(found.deaths, start=1))
    curvature = tuple(Series(f"point {k}", death.t, death.eigenvalue) for k, death in numbered)
    movement = tuple(Series(f"point {k}", death.t, death.moved) for k, death in numbered)
    label = "$t$, with one point's weight times $e^t$"
    return series_panels(
        (
            SeriesPanel("(a) curvature", label, "smallest eigenvalue of the Hessian", curvature),
            SeriesPanel("(b) movement", label, "distance from the place at $t = 0$", movement),
        )
    )


def depth_figure(share: ConstantShare, bounds: Sequence[float]) -> Figure:
    """Probabilities of constant networks against depth."""
    depths = np.arange(1, len(share.constant) + 1, dtype=float)
    series = [
        rate_series(label, depths, [clopper_pearson(int(n), share.runs) for n in counts])
        for label, counts in (
            ("constant, simulated", share.constant),
            ("constant up to 1%, simulated", share.nearly),
        )
    ]
    if bounds:
        series.append(Series("constant, proved lower bound", depths, np.array(bounds)))
    panel = SeriesPanel(
        "constant on the data", "hidden layers", "share of networks", tuple(series), share=True
    )
    return series_panels([panel])


def _points(problem: Problem, labels: tuple[str, str]) -> tuple[tuple[str, Point], ...]:
    both = zip(labels, (problem.point, problem.witness), strict=True)
    return tuple((label, point) for label, point in both if point is not None)


def _fit(problem: Problem, labels: tuple[str, str]) -> RegressionPanel | None:
    if problem.network.inputs != 1 or problem.network.outputs != 1 or problem.network.depth > 1:
        return None
    return fitted_panel("fits", problem.network, problem.data, _points(problem, labels))


def _outputs(problem: Problem, labels: tuple[str, str]) -> SeriesPanel:
    """Targets and outputs of every data point, against the input or in the order of targets."""
    x, y = float_data(problem.data)
    order = np.argsort(y[:, 0], kind="stable")
    at, label = np.arange(1, len(order) + 1, dtype=float), "data point, in order of targets"
    if problem.network.inputs == 1:
        at, label = x[order, 0], "input $x$"
    series = [Series("target", at, y[order, 0], joined=False)]
    for name, point in _points(problem, labels):
        values = forward(problem.network, float_point(point), x)[order, 0]
        series.append(Series(name, at, values, joined=False))
    which = "first output" if problem.network.outputs > 1 else "output"
    return SeriesPanel("outputs on the data", label, which, tuple(series))
