"""Rule `least_squares`: without hidden layer and with squared loss, the exact solution nearby."""

from __future__ import annotations

from flint import fmpq_mat

from spurious.certify.evaluate import Evaluation, layer_of
from spurious.certify.moved import DIGIT_LIMIT, digits, moved
from spurious.certify.rules import classwise_optimum
from spurious.certify.subject import Rule, Subject, distance, nearby_limit
from spurious.certify.sums import stationary
from spurious.exact.rationals import Vector, least_correction, rational
from spurious.problem import Loss, Point, flatten
from spurious.proof import Proof, Undecided


def least_squares(evaluation: Evaluation) -> Point | None:
    """The exact least squares solution closest to the point, if it is nearby.

    Args:
        evaluation: A network without hidden layer, squared loss.
    """
    problem, point = evaluation.problem, evaluation.point
    design = fmpq_mat([list(x) for x in evaluation.inputs])
    weighted = fmpq_mat(
        [[w * v for v in x] for w, x in zip(evaluation.factors, evaluation.inputs, strict=True)]
    ).transpose()
    normal = [tuple(row) for row in (weighted * design).tolist()]
    rows: list[Vector] = []
    for k, row in enumerate(evaluation.weights[0]):
        residuals = [
            [rational(y[k]) - f[k]] for y, f in zip(problem.data.y, evaluation.outputs, strict=True)
        ]
        downhill = (weighted * fmpq_mat(residuals)).tolist()
        step = least_correction(normal, [entry for (entry,) in downhill])
        if step is None:
            return None
        rows.append(tuple(a + b for a, b in zip(row, step, strict=True)))
    found = Point((layer_of(rows),))
    near = distance(flatten(found), flatten(point)) <= nearby_limit(flatten(point))
    return found if near and digits(found) <= DIGIT_LIMIT else None


def _applies(subject: Subject) -> bool:
    if not subject.is_dense or subject.network.depth > 0:
        return False
    return subject.dense.loss == Loss.SQUARED and not subject.once(stationary)


def _prove(subject: Subject) -> Proof | Undecided:
    solved = least_squares(subject.evaluation)
    if solved is None:
        return Undecided("the least squares solution is not nearby")
    there = subject.at(solved)
    found = classwise_optimum.RULE.prove(there)
    return moved(subject, there, found) if isinstance(found, Proof) else found


RULE = Rule(_applies, _prove)
