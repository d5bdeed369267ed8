"""A proof about an exact point, told as one about a point near it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from spurious.certify.subject import Subject
from spurious.exact.rationals import nearest_float
from spurious.problem import Point, flatten, unflatten
from spurious.proof import ClasswiseOptimum, OneSidedDerivatives, Proof
from spurious.verdict import Decision

DIGIT_LIMIT = 4000
"""Minima with longer numbers are not given: they could not be written to a problem file."""


def moved(subject: Subject, there: Subject, found: Proof) -> Proof:
    """The proof about an exact minimum, as one about a point near it.

    Args:
        subject: The point in question.
        there: The exact minimum.
        found: What proves it; of the rules whose certificates can name another point.
    """
    if not isinstance(found.evidence, OneSidedDerivatives | ClasswiseOptimum):
        raise TypeError(f"a certificate by {found.evidence.rule} names no other point")
    radius = subject.distance(there.values)
    return replace(
        found,
        claim=replace(
            found.claim,
            decision=Decision.LOCAL_MINIMUM_NEARBY,
            loss=there.loss_at(there.values),
            radius=radius,
        ),
        evidence=replace(found.evidence, point=unflatten(there.values, there.network)),
        reason=f"an exact minimum lies within {nearest_float(radius):.2g}: {found.reason}",
        minimum=there.values,
    )


def digits(point: Point) -> int:
    """About how many decimal digits the longest number takes."""
    return max(_bits(value) for value in flatten(point)) * 3 // 10


def _bits(value: Fraction) -> int:
    return max(abs(value.numerator), value.denominator).bit_length()
