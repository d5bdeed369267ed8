"""The loss at an exact point, and comparisons of losses that are proofs."""

from __future__ import annotations

from typing import cast

from flint import fmpq

from spurious.certify.arithmetics import entries, exact_program, loss_at
from spurious.exact import balls
from spurious.exact.rationals import fraction, rational
from spurious.problem import DenseLoss, Loss, Point, flatten
from spurious.program import DomainError
from spurious.verdict import Enclosure


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
