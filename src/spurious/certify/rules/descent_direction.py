"""Rule `descent_direction`: a direction along which the loss falls at once, kinks included.

Exact proposals come first: against the last layer's gradient, and what Theorem 1 finds. Then the
rounded gradient, or at kinks axes and random directions. Exact arithmetic or balls decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from spurious.certify.arithmetics import BallProgram, FloatProgram, around
from spurious.certify.exact_gradient import exact_slope
from spurious.certify.lines import Lines, ball_gradient
from spurious.certify.rules.one_sided_derivatives import UnitDescends, first_order
from spurious.certify.subject import Rule, Subject
from spurious.certify.sums import last_layer_gradient, stationary
from spurious.exact import balls
from spurious.exact.rationals import fraction, nearest_float
from spurious.exact.softmax_numbers import approximate, sign
from spurious.problem import FlatPoint
from spurious.program import ProgramError
from spurious.proof import Claim, DescentDirection, Proof, Undecided, about_text
from spurious.verdict import Decision

DIGITS = 6
"""Significant digits of a proposed direction."""

SMALL = Fraction(1, 10**40)
"""Entries of a direction below this share of the largest are dropped."""

RANDOM_DIRECTIONS = 64
"""Pseudo-random directions tried at kinks."""


def _prove(subject: Subject) -> Proof | Undecided:
    lines = Lines(subject.program, subject.values)
    reason = "no direction was found along which the loss provably falls"
    for direction in _proposals(subject):
        try:
            slope = _negative_slope(subject, lines, direction)
        except ProgramError as error:
            reason = str(error)
            continue
        if slope is not None:
            return Proof(
                claim=Claim(Decision.NOT_LOCAL_MINIMUM),
                evidence=DescentDirection(subject.place(direction)),
                reason=f"the loss falls along a direction, at rate {about_text(slope, 3)}",
                directions=(direction,),
                slope=slope,
            )
    return Undecided(reason)


def _negative_slope(subject: Subject, lines: Lines, direction: FlatPoint) -> Fraction | None:
    """The one-sided derivative along a direction, rounded, if it is proved to be negative."""
    if not subject.homogeneous:
        return lines.negative_slope(direction)
    slope = exact_slope(subject.dense, subject.point, direction)
    return fraction(approximate(slope)) if sign(slope) < 0 else None


def _proposals(subject: Subject) -> Iterator[FlatPoint]:
    if subject.homogeneous:
        yield from _exact(subject)
    try:
        yield from _against_gradient(subject)
    except ProgramError:  # on a kink, or a function is undefined
        yield from _at_kinks(subject)


def _exact(subject: Subject) -> Iterator[FlatPoint]:
    """Directions of a homogeneous network that exact arithmetic knows to descend."""
    size = len(subject.values)
    if not subject.once(stationary):
        values = subject.once(last_layer_gradient)
        below = [Fraction(0)] * (size - len(values))
        yield (*below, *short([-fraction(approximate(value)) for value in values]))
        signs = [sign(value) for value in values]
        sure = next(p for p, side in enumerate(signs) if side)
        yield (*below, *(Fraction(-side if p == sure else 0) for p, side in enumerate(signs)))
    elif subject.network.depth == 1:
        found = subject.once(first_order)
        if isinstance(found, UnitDescends):
            yield turned(subject, found.unit, [fraction(entry) for entry in found.direction])


def turned(subject: Subject, unit: int, turn: Sequence[Fraction]) -> FlatPoint:
    """The direction that moves one hidden unit's (w, b) of a shallow network."""
    wide, high = subject.network.widths[:2]
    values = [Fraction(0)] * len(subject.values)
    values[unit * wide : (unit + 1) * wide] = turn[:-1]
    values[wide * high + unit] = turn[-1]
    return tuple(values)


def _against_gradient(subject: Subject) -> Iterator[FlatPoint]:
    """Against the gradient, and its surest entry alone.

    Raises:
        ProgramError: there is none.
    """
    for bits in balls.PRECISIONS:
        with balls.precision(bits):
            if bits == balls.PRECISIONS[0]:
                gradient = subject.once(ball_gradient)
            else:
                gradient = BallProgram.of(subject.program).gradient(around(subject.values))
            if all(balls.sign(entry) in (None, 0) for entry in gradient):
                continue
            steepest = short([-fraction(balls.midpoint(entry)) for entry in gradient])
            sure = max(range(len(gradient)), key=lambda p: float(abs(gradient[p]).abs_lower()))
        yield steepest
        yield tuple(entry if p == sure else Fraction(0) for p, entry in enumerate(steepest))


def _at_kinks(subject: Subject) -> Iterator[FlatPoint]:
    """Axes of dense networks; for programs against a gradient from one side; random ones."""
    size = len(subject.values)
    if subject.is_dense:
        for p in range(size):
            for side in (1, -1):
                yield tuple(Fraction(side if p == q else 0) for q in range(size))
    else:
        with np.errstate(all="ignore"):
            start = np.array([nearest_float(value) for value in subject.values])
            _, gradient = FloatProgram(subject.program).loss_and_gradient(start)
        if np.isfinite(gradient).all() and gradient.any():
            yield short([-Fraction(v) for v in gradient.tolist()])
    rng = np.random.Generator(np.random.Philox(key=0))
    for _ in range(RANDOM_DIRECTIONS):
        yield tuple(balls.rounded_float(v, 3) for v in rng.normal(size=size).tolist())


def short(values: Sequence[Fraction]) -> FlatPoint:
    """A direction scaled to a largest entry near 1, with few digits; far smaller entries are 0."""
    largest = max(abs(value) for value in values)
    if largest == 0:
        return tuple(values)
    scale = balls.power_of_ten_above(largest)
    scaled = [value / scale for value in values]
    return tuple(balls.rounded(v, DIGITS) if abs(v) > SMALL else Fraction(0) for v in scaled)


RULE = Rule(lambda _: True, _prove)
