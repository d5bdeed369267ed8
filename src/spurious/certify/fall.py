"""How much lower than a refuted point the loss provably gets: steps along what refutes it.

A slope of -1e-13 proves that a point is no local minimum, and tells nobody whether anything is to
be gained. So a few steps are tried and the losses at both ends compared, exactly or in balls.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from spurious.certify.subject import Subject
from spurious.exact import balls
from spurious.problem import FlatPoint
from spurious.proof import Fall, Proof
from spurious.verdict import Enclosure

STEPS = 14
"""Steps tried along one direction."""

SHORTER = 8
"""Without a slope, each step is shorter than the one before by this factor."""

CLOSE = Fraction(1, 10)
"""Steps that differ by less than this share count as equal."""

REACH = 1000
"""A step is at most this factor longer or shorter than the one before."""


Losses: TypeAlias = Callable[[Fraction], Enclosure]
"""The loss at the end of a step along some direction, as a function of the step's length."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step to a provably smaller loss.

    Attributes:
        length: The step, as a multiple of the direction.
        loss: The loss at its end.
        decrease: The loss at its start is larger by at least this, and it is positive.
    """

    length: Fraction
    loss: Enclosure
    decrease: Fraction


def proved_fall(subject: Subject, proof: Proof, loss: Enclosure) -> Fall | None:
    """The lowest of a few points along the refutation's directions; None if none is proved lower.

    Args:
        subject: The refuted point.
        proof: The refutation.
        loss: The loss at the refuted point.
    """
    for direction in proof.directions:

        def moved(length: Fraction, direction: FlatPoint = direction) -> FlatPoint:
            return tuple(a + length * b for a, b in zip(subject.values, direction, strict=True))

        step = lowest_step(lambda length: subject.loss_at(moved(length)), proof.slope, loss)
        if step is not None:
            point = moved(step.length)
            return Fall(point, step.loss, step.decrease, subject.distance(point))
    return None


def lowest_step(losses: Losses, slope: Fraction | None, loss: Enclosure) -> Step | None:
    """The best of a few steps along a direction, or None if none is proved to go down.

    With a slope the next step is the lowest point of the parabola through what was found.

    Args:
        losses: The loss along the direction.
        slope: The negative derivative at the start, if it is not zero.
        loss: The loss at the start.
    """
    best: Step | None = None
    length = min(Fraction(1), abs(slope)) if slope else Fraction(1)
    for _ in range(STEPS):
        length = balls.rounded(length, 2)
        there = losses(length)
        decrease = loss.lower - there.upper
        if decrease > (best.decrease if best else 0):
            best = Step(length, there, decrease)
        elif best is not None:
            break
        longer = _parabola(length, slope, there.mid - loss.mid) if slope else length / SHORTER
        if abs(longer - length) < CLOSE * length:
            break
        length = longer
    return best


def _parabola(step: Fraction, slope: Fraction, change: Fraction) -> Fraction:
    """Where the parabola with this slope at 0 and this change at `step` is lowest."""
    bend = 2 * (change - slope * step) / step**2
    if bend <= 0:
        return step * REACH
    return max(step / REACH, min(step * REACH, -slope / bend))
