"""One leaky unit, an affine target on eight points: a bad minimum without a dead unit.

Cheridito, Jentzen and Rossmannek 2022: with the integral loss and affine targets a leaky relu has
no bad minima. On a sample it has (docs/constructions/affine-targets.md).
"""

from __future__ import annotations

from fractions import Fraction

from spurious.problem import Dataset, Loss, Network, Problem, unflatten

MINIMUM = "-10/3 125/27 -1 187/54"
PERFECT = "1 1 1 -1"


def affine_target() -> Problem:
    """The bad minimum, and a perfect fit as witness."""
    row = tuple((Fraction(k),) for k in range(8))
    network = Network((1, 1, 1), "leaky_relu", Fraction(1, 10))
    point, witness = (
        unflatten([Fraction(number) for number in text.split()], network)
        for text in (MINIMUM, PERFECT)
    )
    return Problem(network, Loss.SQUARED, Dataset(row, row), point, witness)
