"""Outputs, gradient and slopes in exact arithmetic, where every activation value is rational."""

from __future__ import annotations

from functools import lru_cache

from spurious.certify.arithmetics import Entries, entries, exact_program
from spurious.certify.evaluate import loss_derivative
from spurious.exact.rationals import ZERO, Vector, rational
from spurious.exact.softmax_numbers import Exact
from spurious.problem import DenseLoss, FlatPoint, Point, Problem, flatten, program_of
from spurious.program import Program, ProgramError, Run, Sum, along


def rational_outputs(problem: Problem | DenseLoss, point: Point) -> list[Vector] | None:
    """The outputs, shape (n, K), or None if an activation is not known to be rational here."""
    run = _network_at(problem, point, order=0)
    return None if run is None else _outputs(run)


def exact_gradient(problem: Problem | DenseLoss, point: Point) -> list[Exact] | None:
    """The gradient of the loss in flat order, by back-propagation.

    Args:
        problem: Any depth and activation.
        point: Where.

    Returns:
        Shape (P,), or None if an activation or its derivative is not known to be rational here
        (on a kink, or an irrational value).
    """
    run = _network_at(problem, point, order=1)
    if run is None:
        return None
    rows = loss_derivative(problem, _outputs(run))
    seed = entries(entry for row in rows for entry in row).reshape(len(rows), -1)
    return run.flat(run.reverse(len(run.values) - 2, seed)).tolist()


def exact_slope(problem: Problem | DenseLoss, point: Point, direction: FlatPoint) -> Exact:
    """The derivative of the loss along a half line, one-sided at kinks.

    Args:
        problem: A network whose outputs at rational points are rational.
        point: Where the half line starts.
        direction: Shape (P,).
    """
    network = exact_program(_network(program_of(problem)))
    ends = (entries(map(rational, v)) for v in (flatten(point), direction))
    outputs = along(network, *ends, order=1, result=-2)
    if outputs.first is None:
        return ZERO
    rows = loss_derivative(problem, outputs.value.tolist())
    pairs = zip((g for row in rows for g in row), outputs.first.ravel().tolist(), strict=True)
    return sum((g * rate for g, rate in pairs), ZERO)


def _network_at(problem: Problem | DenseLoss, point: Point, order: int) -> Run[Entries] | None:
    """The network, without its loss, which need not be rational; None where it is not either."""
    values = entries(map(rational, flatten(point)))
    try:
        return exact_program(_network(program_of(problem))).run(values, order)
    except ProgramError:
        return None


@lru_cache(maxsize=16)
def _network(program: Program) -> Program:
    """The sum of a program's outputs, so that these come last but one."""
    if program.outputs is None:
        raise ValueError("the program does not say where its outputs are")
    upto = program.operations[: program.outputs + 1]
    return Program((*upto, Sum(program.outputs, (0, 1))), program.outputs)


def _outputs(run: Run[Entries]) -> list[Vector]:
    return [tuple(row) for row in run.values[-2].tolist()]
