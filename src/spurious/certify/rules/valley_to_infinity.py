"""Rule `valley_to_infinity`: with a log loss the loss may fall for ever along a ray.

Theorem 8 (`docs/mathematics.md`). Move only the last layer, along a direction that never lowers a
margin and raises some: the loss falls strictly along the whole ray, towards the loss of the margins
that stay. Such a point is no local minimum, and a training run here goes to infinity.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from flint import arb

from spurious.certify.arithmetics import BallProgram, around
from spurious.certify.enclosures import enclosure
from spurious.certify.evaluate import Evaluation, layer_of
from spurious.certify.subject import Rule, Subject
from spurious.certify.valleys import CLEAR, valley
from spurious.exact import balls
from spurious.exact.linear_program import Feasible, solve
from spurious.exact.rationals import ONE, ZERO, Vector, dot, fraction, rational, vector
from spurious.problem import DenseLoss, Loss, Point, flatten
from spurious.program import SMOOTH, dense_layers
from spurious.proof import Proof, Undecided, ValleyToInfinity
from spurious.verdict import Enclosure

SIZE_LIMIT = 20_000
"""Margins times unknowns; larger exact linear programs are not tried."""

SHORT = 17
"""Significant digits of a direction that balls verify."""


def exact_valley(evaluation: Evaluation) -> Proof | None:
    """Looks for such a direction of the last layer of a homogeneous network, exactly.

    A margin row m is a linear function of the last layer's parameters: y_ik f_ik, or f_{i,y_i} -
    f_ik. By Stiemke's theorem either some t has m.t >= 0 for all rows and > 0 for one, or the rows
    have a vanishing combination with all multipliers at least 1. The exact LP looks for the latter;
    if there is none, its Farkas vector is -t.
    """
    rows = margin_rows(evaluation.problem, evaluation.features)
    if not rows:
        return None
    distinct = list(dict.fromkeys(rows))
    if len(distinct) * len(distinct[0]) > SIZE_LIMIT:
        return None
    total = [-sum(column, ZERO) for column in zip(*distinct, strict=True)]
    result = solve(distinct, total)
    if isinstance(result, Feasible):
        return None
    direction = tuple(-entry for entry in result.farkas)
    stays = [dot(row, direction) == 0 for row in rows]
    with balls.precision(balls.PRECISIONS[1]):
        outputs = [[arb(f) for f in row] for row in evaluation.outputs]
        limit = _limit(evaluation.problem, outputs, stays)
    return _proof(evaluation.problem, direction, limit)


def margin_rows(problem: DenseLoss, features: Sequence[Vector]) -> list[Vector] | None:
    """The margins as linear functions of the last layer (rows of weights with bias), or None.

    In the order of points and outputs; cross-entropy leaves out the label itself, and points
    without weight are left out.
    """
    outputs = problem.network.outputs
    rows: list[Vector] = []
    for targets, state, w in zip(problem.data.y, features, problem.factors, strict=True):
        if not w:
            continue
        if problem.loss == Loss.LOGISTIC:
            for k, y in enumerate(vector(targets)):
                rows.append(
                    tuple(y * entry if m == k else ZERO for m in range(outputs) for entry in state)
                )
        elif problem.loss == Loss.CROSS_ENTROPY:
            label = int(targets[0])
            for k in range(outputs):
                if k != label:
                    signs = {label: ONE, k: -ONE}
                    rows.append(
                        tuple(signs.get(m, ZERO) * entry for m in range(outputs) for entry in state)
                    )
        else:
            return None
    return rows


def _limit(
    problem: DenseLoss, outputs: Sequence[Sequence[arb]], stays: Sequence[bool]
) -> Enclosure:
    """The loss left when all margins that move have gone to infinity."""
    total = arb(0)
    position = 0
    factors = vector(problem.factors)
    for targets, row, w in zip(problem.data.y, outputs, factors, strict=True):
        if not w:
            continue
        if problem.loss == Loss.LOGISTIC:
            for y, f in zip(vector(targets), row, strict=True):
                if stays[position]:
                    total += w * SMOOTH["softplus"].ball(-f * y)[0]
                position += 1
        else:
            label = int(targets[0])
            inside = arb(1)
            for k, f in enumerate(row):
                if k != label:
                    if stays[position]:
                        inside += (f - row[label]).exp()
                    position += 1
            total += w * inside.log()
    if not any(stays):
        return Enclosure(Fraction(0))
    return enclosure(total)


def _proof(problem: DenseLoss, direction: Vector, limit: Enclosure) -> Proof:
    width = problem.network.widths[-2] + 1
    rows = [direction[k * width : (k + 1) * width] for k in range(problem.network.outputs)]
    return valley(ValleyToInfinity(layer_of(rows)), limit, "along a ray of the last layer")


def smooth_valley(problem: DenseLoss, point: Point) -> Proof | None:
    """The same for any activation, when the hidden features separate all margins strictly.

    The exact LP sees the features' midpoints rounded to rationals; balls then verify every margin.
    """
    if problem.loss == Loss.SQUARED:
        return None
    with balls.precision(balls.PRECISIONS[0]):
        program = problem.program()
        run = BallProgram.of(program).run(around(flatten(point)), order=0)
        last = dense_layers(program)[-1].state
        features: list[list[arb]] = [[*row, arb(1)] for row in run.values[last].tolist()]
        middles = [
            tuple(rational(balls.rounded(fraction(balls.midpoint(a)), 12)) for a in state)
            for state in features
        ]
        rows = margin_rows(problem, middles)
        if not rows:
            return None
        if len(rows) * len(rows[0]) > SIZE_LIMIT:
            return None
        direction = _strict_separator(rows)
        if direction is None:
            return None
        direction = tuple(
            rational(balls.rounded(fraction(entry), SHORT)) for entry in direction
        )  # margins are verified below
        width = len(features[0])
        for i, state in enumerate(features):
            if not problem.factors[i]:
                continue
            rates = [
                sum((state[m] * direction[k * width + m] for m in range(width)), arb(0))
                for k in range(problem.network.outputs)
            ]
            if problem.loss == Loss.LOGISTIC:
                margins = [rational(y) * r for y, r in zip(problem.data.y[i], rates, strict=True)]
            else:
                label = int(problem.data.y[i][0])
                margins = [rates[label] - r for k, r in enumerate(rates) if k != label]
            if any(not balls.certainly_less(CLEAR, margin) for margin in margins):
                return None
    return _proof(problem, direction, Enclosure(Fraction(0)))


def _strict_separator(rows: Sequence[Vector]) -> Vector | None:
    """A direction t with row.t > 0 for all rows, or None.

    By Gordan's theorem either it exists or the rows have a vanishing convex combination. The exact
    LP looks for the latter; if there is none, its Farkas vector is -t with a threshold.
    """
    columns = [(*row, ONE) for row in rows]
    result = solve(columns, [*([ZERO] * len(rows[0])), ONE])
    if isinstance(result, Feasible):
        return None
    largest = max(abs(entry) for entry in result.farkas[:-1])
    return tuple(-entry / largest for entry in result.farkas[:-1])


def _prove(subject: Subject) -> Proof | Undecided:
    if subject.homogeneous:
        found = exact_valley(subject.evaluation)
    else:
        found = smooth_valley(subject.dense, subject.point)
    return found or Undecided("no ray of the last layer was found along which the loss falls")


RULE = Rule(lambda s: s.is_dense and s.dense.loss != Loss.SQUARED, _prove)
