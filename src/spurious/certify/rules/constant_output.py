"""Rule `constant_output` (Theorem 6): a dead layer, where only the output bias matters."""

from __future__ import annotations

from fractions import Fraction

from flint import arb, fmpq

from spurious.certify.best_outputs import best_constant
from spurious.certify.enclosures import enclosure
from spurious.certify.evaluate import Evaluation
from spurious.certify.flatness import generic_flatness
from spurious.certify.subject import Rule, Subject, nearby_limit
from spurious.certify.sums import classes
from spurious.exact import balls
from spurious.exact.rationals import rational, vector
from spurious.problem import DenseLoss, Loss, flatten
from spurious.proof import Claim, ConstantOutput, Proof, Undecided
from spurious.verdict import Decision, Enclosure


def constant_output(problem: DenseLoss, evaluation: Evaluation) -> Proof | None:
    """The proof that a dead layer's best constant lies within a tiny shift.

    Args:
        problem: Network, data and a loss that is a sum over the outputs.
        evaluation: A point at which one layer is dead on all data.
    """
    constants = evaluation.outputs[0]
    limit = nearby_limit(flatten(evaluation.point))
    radius = Fraction(1, 10**30)
    while radius <= limit:
        with balls.precision(balls.PRECISIONS[1]):
            inside = all(
                balls.sign(_slope(problem, k, c - rational(radius))) == -1
                and balls.sign(_slope(problem, k, c + rational(radius))) == 1
                for k, c in enumerate(constants)
            )
            if inside:
                return _constant_proof(problem, evaluation, radius)
        radius *= 10
    return None


def _slope(problem: DenseLoss, output: int, value: fmpq) -> arb:
    """Derivative of the loss when output k is one constant at all points."""
    total = arb(0)
    for targets, factor in zip(problem.data.y, vector(problem.factors), strict=True):
        y = rational(targets[output])
        if problem.loss == Loss.SQUARED:
            total += 2 * factor * (value - y)
        else:
            total += -y * factor / (1 + arb(y * value).exp())
    return total


def _constant_proof(problem: DenseLoss, evaluation: Evaluation, radius: Fraction) -> Proof | None:
    exact, rest = Fraction(0), arb(0)
    with balls.precision(balls.PRECISIONS[1]):
        for targets in zip(*problem.data.y, strict=True):
            found = best_constant(problem.loss, targets, problem.factors)
            if found is None:
                return None
            if isinstance(found[1], Fraction):
                exact += found[1]
            else:
                rest += found[1]
        loss = Enclosure(exact) if problem.loss == Loss.SQUARED else enclosure(rest)
    flat = generic_flatness(evaluation)
    return Proof(
        claim=Claim(Decision.LOCAL_MINIMUM_NEARBY, loss, strict=flat.strict, radius=radius),
        evidence=ConstantOutput(radius),
        reason="a layer is dead on all data, and the best constant output is this near",
    )


def _applies(subject: Subject) -> bool:
    """A whole layer is dead on all data, and the loss separates by outputs."""
    if not subject.homogeneous or subject.dense.loss == Loss.CROSS_ENTROPY:
        return False
    keys = classes(subject.evaluation)
    return len(set(keys)) == 1 and isinstance(keys[0], int)


def _prove(subject: Subject) -> Proof | Undecided:
    found = constant_output(subject.dense, subject.evaluation)
    return found or Undecided("a layer is dead on all data, but no best constant is nearby")


RULE = Rule(_applies, _prove)
