"""Losses as certificates give them: a midpoint with few digits, and a radius."""

from __future__ import annotations

from fractions import Fraction

from flint import arb

from spurious.exact import balls
from spurious.verdict import Enclosure

SLACK = Fraction(1, 10**25)
"""Enclosures of irrational losses are widened by this share, so that any checker's fit inside."""

DIGITS = 27
"""Significant digits of the midpoint of an enclosure."""

SMALLEST = Fraction(1, 10**40)
"""Shares and digits of smaller numbers are those of this number."""

WIDEST = Fraction(1, 2**20)
"""The largest radius of a loss in a certificate, against 1 and the loss (certificates.md, 1)."""


def is_narrow(loss: Enclosure) -> bool:
    """Whether a loss is known as well as a certificate has to tell it."""
    return loss.rad <= WIDEST * max(1, abs(loss.mid))


def enclosure(value: arb) -> Enclosure:
    """A ball as midpoint and radius with few digits, widened outward."""
    low, high = balls.bounds(value)
    middle, radius = (low + high) / 2, (high - low) / 2
    size = max(SMALLEST, abs(middle))
    slack = SLACK * size
    short = balls.round_to(middle, DIGITS - 1 - balls.decimal_exponent(size))
    return Enclosure(short, balls.simple_above(radius + abs(middle - short) + slack))
