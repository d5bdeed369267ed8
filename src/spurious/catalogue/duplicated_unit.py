"""Fukumizu and Amari 2000: a unit duplicated at a minimum gives a plateau of minima, or a saddle.

One tanh unit fits seven points as well as it can nearby. Two equal units that share its output
weight, s and 1 - s, have the same function. For every s between 0 and 1 that is a local minimum of
the network with two units, all of the same loss; for s outside it is a saddle (Theorem 19). The
witness is a pulse: two steep units that together single out the point with the lowest target.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final, Literal

from spurious.certify.rules import convex_ball
from spurious.certify.rules.twin_units import split
from spurious.errors import InputError
from spurious.exact.balls import round_to
from spurious.problem import Dataset, DenseLoss, Loss, Network, Point, Problem, unflatten
from spurious.proof import Proof

X: Final = "-3 -2 -1.5 -1 0 0.5 2.5"
Y: Final = "0.9 -6 3.5 -2.1 0.2 0.4 1"

ROUGH: Final = "1 0.02 1 0"
"""Near a minimum of the network with one unit: weight, bias, output weight, output bias."""

PULSE: Final = "20 20 50 35 -3.3 3.3 0.65"
"""-5.95 at -2, and 0.65 at the other points, up to 1e-3."""

DECIMALS: Final = 15
"""Decimals of the minimum's parameters."""

SHARES: Final = {"plateau": Fraction(1, 2), "saddle": Fraction(3, 2)}
"""The first unit's share of the output weight."""


def duplicated_unit(kind: Literal["plateau", "saddle"]) -> Problem:
    """The duplicated unit as point, the pulse as witness.

    Args:
        kind: "plateau": each unit has half of the output weight. "saddle": the first has one and a
            half times the output weight, the second minus a half.

    Raises:
        InputError: There is no such kind.
    """
    if kind not in SHARES:
        raise InputError(f"kind: found {kind!r}, expected 'plateau' or 'saddle'")
    x, y = (tuple((number,) for number in _numbers(text)) for text in (X, Y))
    double = Network((1, 2, 1), "tanh")
    share = SHARES[kind]
    point = split(_minimum(Dataset(x, y)), [[0, 1]], [share, 1 - share])
    witness = unflatten(_numbers(PULSE), double)
    return Problem(double, Loss.SQUARED, Dataset(x, y), point, witness)


def _minimum(data: Dataset) -> Point:
    """The minimum of the network with one unit, by Newton's method, rounded."""
    single = Network((1, 1, 1), "tanh")
    rough = unflatten(_numbers(ROUGH), single)
    found = convex_ball.prove(DenseLoss(single, Loss.SQUARED, data), rough)
    if not isinstance(found, Proof) or found.minimum is None:
        raise ArithmeticError("the network with one unit has no minimum where it was")
    return unflatten([round_to(value, DECIMALS) for value in found.minimum], single)


def _numbers(text: str) -> list[Fraction]:
    return [Fraction(number) for number in text.split()]
