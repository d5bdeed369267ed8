"""Rule `saturating_valley`: one unit goes to its limits, and the loss falls for ever.

Theorem 33 (`docs/mathematics.md`), with slopes by Theorem 25; the outputs of each point move on a
segment, at whose end the gradient of the loss is taken. Training that drifts often does so: a
tanh or sigmoid unit becomes a step, or a step at all points but a few, whose values it keeps; or
the gate of a gelu or silu unit opens for good, which so becomes a relu (Theorem 27). What is gained
on the way can be less than any float shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from flint import arb, fmpq

from spurious.certify.arithmetics import BallProgram, around
from spurious.certify.enclosures import enclosure
from spurious.certify.further import has_stalled
from spurious.certify.subject import Rule, Subject
from spurious.certify.valleys import CLEAR, deepest, loss_of_outputs, valley
from spurious.exact import balls
from spurious.exact.rationals import dot, fraction, nearest_float, nullspace, rational
from spurious.problem import incoming_indices
from spurious.program import dense_layers
from spurious.proof import MonotoneValley, Proof, Undecided

DIGITS = 12
"""Significant digits of a direction's coefficients."""

GATES = {"gelu": "normal", "silu": "sigmoid"}
"""S, where the activation is z S(z)."""

SATURATING = {"tanh": (2, -1), "sigmoid": (1, 0), "normal": (0, 0)}
"""How fast the derivative falls (0: as exp(-z^2/2)), and the limit on the left; right it is 1."""


@dataclass(frozen=True, slots=True)
class Saturation:
    """At point i a unit gives `factors[i] S(z[i] + t k[i])` for t >= 0, and all else stays.

    Attributes:
        unit: The hidden unit.
        name: S, of `SATURATING`; if it is `normal`, each k is 0 or z.
        factors: Shape (n,).
        z: Shape (n,).
        k: Shape (n,).
    """

    unit: int
    name: str
    factors: Sequence[fmpq]
    z: Sequence[fmpq]
    k: Sequence[fmpq]

    def limit(self, subject: Subject) -> arb | None:
        """What the loss of the network with one hidden layer tends to, if it is proved to fall."""
        away = [i for i, k in enumerate(self.k) if k != 0]
        if not away or any(self.k[i] * self.z[i] <= 0 for i in away):
            return None
        steep, low = SATURATING[self.name]
        first = min(away, key=lambda i: abs(self.k[i]))
        least = abs(self.z[first])
        top = (1 + arb(-steep * least).exp()) ** 2 if steep else arb(1)
        run = BallProgram.of(subject.program).run(around(subject.values), order=0)
        ends: list[list[arb]] = run.values[dense_layers(subject.program)[-1].state].tolist()
        for i in away:
            ends[i][self.unit] = arb(self.factors[i] * (1 if self.z[i] > 0 else low))
        rest, limits = BallProgram.of(subject.once(loss_of_outputs)), _outputs(subject, ends)
        slopes = np.array(rest.gradient(limits), dtype=object).reshape(len(ends), -1)
        weights = [rational(row[self.unit]) for row in subject.point.layers[1].weight]
        rise = arb(0)
        for i in away:
            gap = steep * (least - abs(self.z[i])) if steep else (least**2 - self.z[i] ** 2) / 2
            share = arb(1) if i == first else arb(0).union(arb(gap).exp() * top)
            own = sum((g * weight for g, weight in zip(slopes[i], weights, strict=True)), arb(0))
            rise += own * self.factors[i] * self.k[i] * share
        return rest.loss(limits) if balls.certainly_less(rise, -CLEAR) else None


def _outputs(subject: Subject, states: Sequence[Sequence[arb]]) -> list[arb]:
    """The outputs of a network with one hidden layer, point by point."""
    top = subject.point.layers[1]
    return [
        sum((rational(w) * a for w, a in zip(row, hidden, strict=True)), arb(rational(b)))
        for hidden in states
        for row, b in zip(top.weight, top.bias, strict=True)
    ]


def _applies(subject: Subject) -> bool:
    if not subject.is_dense or subject.network.depth != 1:
        return False
    known = subject.network.activation in (*SATURATING, *GATES)
    return known and subject.once(has_stalled)


def _prove(subject: Subject) -> Proof | Undecided:
    turned = _opened if subject.network.activation in GATES else _steps
    with balls.precision(balls.PRECISIONS[0]):
        found = deepest(
            proof for unit in range(subject.network.hidden[0]) for proof in turned(subject, unit)
        )
    return found or Undecided("along no ray on which a unit saturates does the loss fall for ever")


def _steps(subject: Subject, unit: int) -> Iterator[Proof]:
    """The unit's incoming weights and bias move."""
    one = [fmpq(1)] * len(subject.dense.data.x)
    z = _along(subject, _own(subject, unit))
    for direction in _directions(subject, unit):
        k = _along(subject, direction)
        limit = Saturation(unit, subject.network.activation, one, z, k).limit(subject)
        if limit is None:
            continue
        flat = [Fraction(0)] * len(subject.values)
        for p, v in zip(incoming_indices(subject.network)[0][unit], direction, strict=True):
            flat[p] = fraction(v)
        away = sum(v != 0 for v in k)
        where = f"as hidden unit {unit} saturates at {away} of {len(z)} points,"
        yield valley(MonotoneValley(tuple(flat)), enclosure(limit), where)


def _opened(subject: Subject, unit: int) -> Iterator[Proof]:
    """The unit's gate moves."""
    z = _along(subject, _own(subject, unit))
    limit = Saturation(unit, GATES[subject.network.activation], z, z, z).limit(subject)
    if limit is not None:
        gates = tuple(Fraction(k == unit) for k in range(subject.network.hidden[0]))
        evidence = MonotoneValley((Fraction(0),) * len(subject.values), gates)
        yield valley(evidence, enclosure(limit), f"as hidden unit {unit} becomes a relu,")


def _own(subject: Subject, unit: int) -> list[fmpq]:
    layer = subject.point.layers[0]
    return [rational(v) for v in (*layer.weight[unit], layer.bias[unit])]


def _along(subject: Subject, weights: Sequence[fmpq]) -> list[fmpq]:
    """w.x + b at all points; w with b behind."""
    return [dot(weights, [*map(rational, x), fmpq(1)]) for x in subject.dense.data.x]


def _directions(subject: Subject, unit: int) -> Iterator[tuple[fmpq, ...]]:
    """The incoming weights and bias, less what moves the points nearest to 0: none, one, ..., d."""
    own = _own(subject, unit)
    inputs = [[*map(rational, x), fmpq(1)] for x in dict.fromkeys(subject.dense.data.x)]
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
        factors = [rational(balls.rounded_float(f, DIGITS)) for f in found]
        yield tuple(dot(factors, column) for column in zip(*basis, strict=True))


RULE = Rule(_applies, _prove)
