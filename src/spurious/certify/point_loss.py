"""The loss at an exact point, and comparisons of losses that are proofs."""

from __future__ import annotations

from flint import arb

from spurious.certify.derivatives import differentiator
from spurious.certify.evaluate import enclosure, evaluate, exact_loss
from spurious.exact import balls
from spurious.exact.rationals import rational
from spurious.problem import Point, Problem, flatten
from spurious.verdict import Enclosure


def is_homogeneous(problem: Problem) -> bool:
    """Whether outputs at rational points are rational: homogeneous, or without hidden layer."""
    return problem.network.homogeneous or problem.network.depth == 0


def point_loss(problem: Problem, point: Point) -> Enclosure:
    """The loss at a point: exact where it is rational, else enclosed."""
    if is_homogeneous(problem):
        return exact_loss(evaluate(problem, point))
    with balls.precision(balls.PRECISIONS[1]):
        derivatives = differentiator(problem)
        values = [arb(rational(value)) for value in flatten(point)]
        return enclosure(derivatives.loss(derivatives.run(values)))
