"""Rule `saturating_valley`: along a ray one unit goes to its limits, and the loss falls for ever.

Theorem 25 (`docs/mathematics.md`). Training that drifts often does so: a tanh unit becomes a step,
or a step at all points but a few, whose values it keeps. The loss that is gained on the way can be
less than any float shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
from flint import arb, fmpq

from spurious.certify.enclosures import enclosure
from spurious.certify.further import has_stalled
from spurious.certify.rule import Rule
from spurious.certify.subject import Subject
from spurious.certify.valleys import CLEAR, at_limits, deepest, valley
from spurious.exact import balls
from spurious.exact.rationals import dot, fraction, nearest_float, nullspace, rational
from spurious.proof import Proof, SaturatingValley, Undecided

SATURATING = {"tanh": (2, -1), "sigmoid": (1, 0)}
"""How fast the derivative falls, and the limit on the left; on the right it is 1."""

DIGITS = 12
"""Significant digits of a direction's coefficients."""


def _applies(subject: Subject) -> bool:
    if not subject.is_dense or subject.network.depth != 1:
        return False
    return subject.network.activation in SATURATING and subject.once(has_stalled)


def _prove(subject: Subject) -> Proof | Undecided:
    with balls.precision(balls.PRECISIONS[0]):
        found = deepest(
            _along(subject, unit, direction)
            for unit in range(subject.network.hidden[0])
            for direction in _directions(subject, unit)
        )
    return found or Undecided("along no ray on which a unit saturates does the loss fall for ever")


def _directions(subject: Subject, unit: int) -> Iterator[tuple[fmpq, ...]]:
    """The incoming weights and bias, less what moves the points nearest to 0: none, one, ..., d."""
    layer = subject.point.layers[0]
    own = [rational(v) for v in (*layer.weight[unit], layer.bias[unit])]
    inputs = _inputs(subject)
    order = sorted(inputs, key=lambda x: abs(dot(own, x)))
    for count in range(len(own)):
        held = order[:count]
        if not held:
            yield tuple(own)
            continue
        basis = nullspace(held, len(own))
        if not basis:
            return
        weights = np.array([nearest_float(v) for v in own])
        rows = np.array([[nearest_float(v) for v in row] for row in basis])
        if not (np.isfinite(weights).all() and np.isfinite(rows).all()):
            return
        found: list[float] = np.linalg.lstsq(rows.T, weights, rcond=None)[0].tolist()
        factors = [rational(balls.rounded(Fraction(f), DIGITS)) for f in found]
        yield tuple(dot(factors, column) for column in zip(*basis, strict=True))


def _inputs(subject: Subject) -> list[tuple[fmpq, ...]]:
    """The different inputs with a 1 behind."""
    rows = dict.fromkeys(subject.dense.data.x)
    return [(*(rational(v) for v in row), fmpq(1)) for row in rows]


def _along(subject: Subject, unit: int, direction: Sequence[fmpq]) -> Proof | None:
    """The proof with this ray, if Theorem 25 holds on it."""
    layer, data = subject.point.layers[0], subject.dense.data
    own = [rational(v) for v in (*layer.weight[unit], layer.bias[unit])]
    inputs = [(*(rational(v) for v in row), fmpq(1)) for row in data.x]
    z, moves = [dot(own, x) for x in inputs], [dot(direction, x) for x in inputs]
    away = [i for i, move in enumerate(moves) if move != 0]
    if not away or any(moves[i] * z[i] <= 0 for i in away):
        return None
    rate, low = SATURATING[subject.network.activation]
    loss, along = at_limits(subject, unit, {i: arb(1 if z[i] > 0 else low) for i in away})
    rises = [move * slope for move, slope in zip(moves, along, strict=True)]
    nearest = min(away, key=lambda i: abs(moves[i]))
    ratio = (1 + arb(-rate * abs(z[nearest])).exp()) ** 2
    total = rises[nearest]
    for i in away:
        if i != nearest:
            share = arb(rate * (abs(z[nearest]) - abs(z[i]))).exp()
            total += rises[i].max(arb(0)) * share * ratio
    if not balls.certainly_less(total, -CLEAR):
        return None
    where = f"as hidden unit {unit} saturates at {len(away)} of {len(z)} points,"
    evidence = SaturatingValley(unit, tuple(fraction(v) for v in direction))
    return valley(evidence, enclosure(loss), where)


RULE = Rule("saturating_valley", _applies, _prove)
