"""Outputs, loss, gradient and slopes, exactly where every activation value is rational."""

from __future__ import annotations

from typing import cast

from flint import fmpq

from spurious.certify.arithmetics import Entries, entries, exact_program, loss_at
from spurious.certify.evaluate import loss_derivative, network_run, without_loss
from spurious.exact import balls
from spurious.exact.rationals import ZERO, Vector, fraction, rational
from spurious.exact.softmax_numbers import Exact
from spurious.problem import DenseLoss, FlatPoint, Loss, Point, flatten
from spurious.program import DomainError, ProgramError, Run, along
from spurious.verdict import Enclosure


def rational_outputs(problem: DenseLoss, point: Point) -> list[Vector] | None:
    """The outputs, shape (n, K), or None if an activation is not known to be rational here."""
    run = _run(problem, point, order=0)
    return None if run is None else _outputs(run)


def exact_gradient(problem: DenseLoss, point: Point) -> list[Exact] | None:
    """The gradient of the loss in flat order, by back-propagation.

    Args:
        problem: Any depth and activation.
        point: Where.

    Returns:
        Shape (P,), or None if an activation or its derivative is not known to be rational here
        (on a kink, or an irrational value).
    """
    run = _run(problem, point, order=1)
    if run is None:
        return None
    rows = loss_derivative(problem, _outputs(run))
    seed = entries(entry for row in rows for entry in row).reshape(len(rows), -1)
    return run.flat(run.reverse(len(run.values) - 2, seed)).tolist()


def exact_slope(problem: DenseLoss, point: Point, direction: FlatPoint) -> Exact:
    """The derivative of the loss along a half line, one-sided at kinks.

    Args:
        problem: A network whose outputs at rational points are rational.
        point: Where the half line starts.
        direction: Shape (P,).
    """
    network = exact_program(without_loss(problem.program()))
    ends = (entries(map(rational, v)) for v in (flatten(point), direction))
    outputs = along(network, *ends, order=1, result=-2)
    if outputs.first is None:
        return ZERO
    rows = loss_derivative(problem, outputs.value.tolist())
    pairs = zip((g for row in rows for g in row), outputs.first.ravel().tolist(), strict=True)
    return sum((g * rate for g, rate in pairs), ZERO)


def _run(problem: DenseLoss, point: Point, order: int) -> Run[Entries] | None:
    """The network; None where it is not rational."""
    try:
        return network_run(problem, point, order)
    except ProgramError:
        return None


def _outputs(run: Run[Entries]) -> list[Vector]:
    return [tuple(row) for row in run.values[-2].tolist()]


def is_homogeneous(problem: DenseLoss) -> bool:
    """Whether outputs at rational points are rational: homogeneous, or without hidden layer."""
    return problem.network.homogeneous or problem.network.depth == 0


def point_loss(problem: DenseLoss, point: Point) -> Enclosure:
    """The loss at a point: exact where it is rational, else enclosed.

    Raises:
        OutOfRangeError: it is too large.
    """
    program, values = problem.program(), flatten(point)
    if is_homogeneous(problem) and problem.loss == Loss.SQUARED:
        run = exact_program(program).run(entries(map(rational, values)), order=0)
        return Enclosure(fraction(cast("fmpq", run.loss[()])))
    try:
        return loss_at(program, values)
    except DomainError as error:  # no function of a dense loss is undefined at finite numbers
        raise balls.OutOfRangeError("the loss is not finite: numbers here are too large") from error
