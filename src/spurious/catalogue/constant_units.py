"""Yun, Sra and Jadbabaie: three points at which every smooth network has a bad local minimum.

Inputs (1, 0), (0, 1) and their midpoint, targets 0, 0, 1. All hidden units are constant on the data
and the output is the mean target: a local minimum, for any number of units, as long as all of them
bend upwards (Theorem 20 of docs/mathematics.md). A sum act(level + p) + act(level - p) with p = 2
(x_1 - x_2) takes one value at the ends and another at the midpoint, so two units fit the data; one
of them alone does better than the mean.

Source: C. Yun, S. Sra and A. Jadbabaie, "Small nonlinearities in activation functions create bad
local minima in neural networks" (ICLR 2019), Theorem 2. The any-width version: T. Ding, D. Li and
R. Sun, "Sub-optimal local minima exist for neural networks with almost all non-linear activations"
(2019).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from flint import arb

from spurious.errors import InputError
from spurious.exact import balls
from spurious.exact.rationals import fraction, rational
from spurious.problem import SMOOTH_ACTIVATIONS, Dataset, Layer, Loss, Network, Point, Problem
from spurious.program import SMOOTH

LEVEL: Final = Fraction(-1)
"""Pre-activation of every unit; all smooth activations bend upwards there."""

REACH: Final = Fraction(2)
"""Half the distance between the witness's pre-activations at the two ends."""

DECIMALS: Final = 12
"""Decimals of the biases and weights that are irrational."""

ZERO: Final = Fraction(0)
HALF: Final = Fraction(1, 2)


def constant_units(activation: str, hidden: int) -> Problem:
    """The minimum (for softsign exactly, else up to rounding its last bias) and a better point.

    Args:
        activation: A smooth one.
        hidden: Number of hidden units, at least 1.

    Raises:
        InputError: There is no such minimum.
    """
    if activation not in SMOOTH_ACTIVATIONS:
        known = ", ".join(SMOOTH_ACTIVATIONS)
        raise InputError(f"activation: found {activation}, expected one of {known}")
    if hidden < 1:
        raise InputError(f"hidden: found {hidden}, expected at least 1 unit")
    x = ((Fraction(1), ZERO), (ZERO, Fraction(1)), (HALF, HALF))
    y = (ZERO, ZERO, Fraction(1))
    network = Network((2, hidden, 1), activation)
    mean = sum(y, ZERO) / 3
    units = [(ZERO, ZERO)] * hidden
    height = _activate(activation, LEVEL)
    point = _point(units, [Fraction(1)] * hidden, mean - hidden * height)
    bent = [(REACH, -REACH), (-REACH, REACH)][:hidden]
    values = [
        sum((_activate(activation, LEVEL + a * s + b * t) for a, b in bent), ZERO) for s, t in x
    ]
    middle = sum(values, ZERO) / 3
    lift = sum((v * (t - mean) for v, t in zip(values, y, strict=True)), ZERO)
    weight = _short(lift / sum(((v - middle) ** 2 for v in values), ZERO))
    unused = hidden - len(bent)
    witness = _point(
        bent + units[:unused], [weight] * len(bent) + [ZERO] * unused, mean - weight * middle
    )
    return Problem(network, Loss.SQUARED, Dataset(x, tuple((t,) for t in y)), point, witness)


def _activate(activation: str, level: Fraction) -> Fraction:
    """The activation, exactly where it is rational, else to many digits."""
    exact = SMOOTH[activation].rational(rational(level))
    if exact:
        return fraction(exact[0])
    with balls.precision(balls.PRECISIONS[0]):
        return fraction(balls.midpoint(SMOOTH[activation].ball(arb(rational(level)))[0]))


def _point(
    units: list[tuple[Fraction, Fraction]], weights: list[Fraction], bias: Fraction
) -> Point:
    hidden = Layer(tuple(units), (LEVEL,) * len(units))
    return Point((hidden, Layer((tuple(weights),), (_short(bias),))))


def _short(value: Fraction) -> Fraction:
    """Rounded to a few decimals, unless the value has a small denominator anyway."""
    return value if value.denominator < 1000 else balls.round_to(value, DECIMALS)
