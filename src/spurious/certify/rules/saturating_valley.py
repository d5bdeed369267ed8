"""Rule `saturating_valley`: along a ray one unit goes to its limits, and the loss falls for ever.

Theorem 25 (`docs/mathematics.md`). Training that drifts often does so: a tanh unit becomes a step,
or a step at all points but a few, whose values it keeps. The loss that is gained on the way can be
less than any float shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
from flint import arb, fmpq, fmpq_mat

from spurious.certify.arithmetics import BallProgram, around, loss_of
from spurious.certify.enclosures import enclosure
from spurious.certify.further import has_stalled
from spurious.certify.rule import Rule
from spurious.certify.subject import Subject
from spurious.exact import balls
from spurious.exact.rationals import fraction, nearest_float, rational
from spurious.problem import flatten, program_of
from spurious.program import dense_layers
from spurious.program.tail import tail
from spurious.proof import Claim, Proof, SaturatingValley, Undecided
from spurious.verdict import Decision

__all__ = ["RULE", "limit_of"]

SATURATING = {"tanh": (2, -1), "sigmoid": (1, 0)}
"""How fast the derivative falls, and the limit on the left; on the right it is 1."""

CLEAR = arb(2) ** -200
"""Slopes closer to 0 are not used: a checker would need too many bits."""

DIGITS = 12
"""Significant digits of a direction's coefficients."""


def _applies(subject: Subject) -> bool:
    if not subject.is_dense or subject.network.depth != 1:
        return False
    return subject.network.activation in SATURATING and subject.once(has_stalled)


def _prove(subject: Subject) -> Proof | Undecided:
    with balls.precision(balls.PRECISIONS[0]):
        found = [
            proof
            for unit in range(subject.network.hidden[0])
            for direction in _directions(subject, unit)
            if (proof := _along(subject, unit, direction)) is not None
        ]
    if not found:
        return Undecided("along no ray on which a unit saturates does the loss fall for ever")
    return min(found, key=_limit)


def _limit(proof: Proof) -> Fraction:
    return Fraction(0) if proof.claim.valley_limit is None else proof.claim.valley_limit.mid


def _directions(subject: Subject, unit: int) -> Iterator[tuple[fmpq, ...]]:
    """The incoming weights and bias, less what moves the points nearest to 0: none, one, ..., d."""
    layer = subject.point.layers[0]
    own = [rational(v) for v in (*layer.weight[unit], layer.bias[unit])]
    inputs = _inputs(subject)
    order = sorted(inputs, key=lambda x: abs(_dot(own, x)))
    for count in range(len(own)):
        held = order[:count]
        if not held:
            yield tuple(own)
            continue
        basis = _orthogonal(held, len(own))
        if not basis:
            return
        weights = np.array([nearest_float(v) for v in own])
        rows = np.array([[nearest_float(v) for v in row] for row in basis])
        if not (np.isfinite(weights).all() and np.isfinite(rows).all()):
            return
        found: list[float] = np.linalg.lstsq(rows.T, weights, rcond=None)[0].tolist()
        factors = [rational(balls.rounded(Fraction(f), DIGITS)) for f in found]
        yield tuple(_dot(factors, column) for column in zip(*basis, strict=True))


def _inputs(subject: Subject) -> list[tuple[fmpq, ...]]:
    """The different inputs with a 1 behind."""
    rows = dict.fromkeys(subject.dense.data.x)
    return [(*(rational(v) for v in row), fmpq(1)) for row in rows]


def _orthogonal(rows: Sequence[Sequence[fmpq]], width: int) -> list[list[fmpq]]:
    """A basis of the vectors that are orthogonal to all rows."""
    reduced, rank = fmpq_mat([list(row) for row in rows]).rref()
    pivots = [next(c for c in range(width) if reduced[r, c] != 0) for r in range(rank)]
    basis: list[list[fmpq]] = []
    for free in range(width):
        if free not in pivots:
            vector = [fmpq(int(c == free)) for c in range(width)]
            for r, pivot in enumerate(pivots):
                vector[pivot] = -reduced[r, free]
            basis.append(vector)
    return basis


def _dot(left: Sequence[fmpq], right: Sequence[fmpq]) -> fmpq:
    return sum((a * b for a, b in zip(left, right, strict=True)), fmpq(0))


def _along(subject: Subject, unit: int, direction: Sequence[fmpq]) -> Proof | None:
    """The proof with this ray, if Theorem 25 holds on it."""
    layer, data = subject.point.layers[0], subject.dense.data
    own = [rational(v) for v in (*layer.weight[unit], layer.bias[unit])]
    inputs = [(*(rational(v) for v in row), fmpq(1)) for row in data.x]
    z, moves = [_dot(own, x) for x in inputs], [_dot(direction, x) for x in inputs]
    away = [i for i, move in enumerate(moves) if move != 0]
    if not away or any(moves[i] * z[i] <= 0 for i in away):
        return None
    rate, low = SATURATING[subject.network.activation]
    loss, slopes = limit_of(subject, {(i, unit): arb(1 if z[i] > 0 else low) for i in away})
    weights = [rational(row[unit]) for row in subject.point.layers[1].weight]
    rises = [
        moves[i] * sum((w * g for w, g in zip(weights, slopes[i], strict=True)), arb(0))
        for i in range(len(z))
    ]
    nearest = min(away, key=lambda i: abs(moves[i]))
    ratio = (1 + arb(-rate * abs(z[nearest])).exp()) ** 2
    total = rises[nearest]
    for i in away:
        if i != nearest:
            share = arb(rate * (abs(z[nearest]) - abs(z[i]))).exp()
            total += rises[i].max(arb(0)) * share * ratio
    if not balls.certainly_less(total, -CLEAR):
        return None
    limit = enclosure(loss)
    return Proof(
        claim=Claim(Decision.NOT_LOCAL_MINIMUM, valley_limit=limit),
        evidence=SaturatingValley(unit, tuple(fraction(v) for v in direction)),
        reason=(
            f"a valley to infinity: as hidden unit {unit} saturates at {len(away)} of {len(z)} "
            f"points, the loss falls for ever, towards {nearest_float(limit.mid):.6g}"
        ),
    )


def limit_of(subject: Subject, limits: dict[tuple[int, int], arb]) -> tuple[arb, list[list[arb]]]:
    """The loss and its derivative by the outputs where hidden values, (point, unit), change."""
    program = program_of(subject.dense)
    last = dense_layers(program)[-1]
    run = BallProgram.of(program).run(around(flatten(subject.point)), order=0)
    states: list[list[arb]] = run.values[last.state].tolist()
    for (i, unit), value in limits.items():
        states[i][unit] = value
    top = subject.point.layers[1]
    outputs = [
        sum((rational(w) * a for w, a in zip(row, state, strict=True)), arb(rational(b)))
        for state in states
        for row, b in zip(top.weight, top.bias, strict=True)
    ]
    rest = BallProgram.of(tail(program, (last.preactivation,))).run(outputs, order=1)
    width = subject.network.outputs
    flat = list(rest.gradient)
    return loss_of(rest), [flat[k : k + width] for k in range(0, len(flat), width)]


RULE = Rule("saturating_valley", _applies, _prove)
