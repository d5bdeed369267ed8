"""Enclosures of every activation and its first two derivatives over a ball.

`softsign` and `elu` have no second derivative at 0. Over a ball that contains 0 the enclosure
covers both sides: Clarke's generalised derivative, which is what the mean value arguments need
(`docs/mathematics.md`, section 5).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from flint import arb, fmpq

from spurious.exact.balls import sign

Jet: TypeAlias = tuple[arb, arb, arb]
"""Value, first and second derivative."""


class KinkError(ArithmeticError):
    """A pre-activation's ball contains the kink of a piecewise linear activation."""


def piecewise_linear(slopes: tuple[fmpq, fmpq]) -> Callable[[arb], Jet]:
    """The jets of a homogeneous activation with slopes (p, q).

    The function returned raises KinkError where p != q and the ball's sign is not certain.
    """
    positive, negative = arb(slopes[0]), arb(slopes[1])
    bends = slopes[0] != slopes[1]

    def jet(z: arb) -> Jet:
        if not bends:
            return z * positive, positive, arb(0)
        side = sign(z)
        if not side:
            raise KinkError
        slope = positive if side > 0 else negative
        return z * slope, slope, arb(0)

    return jet


def sigmoid(z: arb) -> Jet:
    """1 / (1 + exp(-z))."""
    s = 1 / (1 + (-z).exp())
    first = s * (1 - s)
    return s, first, first * (1 - 2 * s)


def tanh(z: arb) -> Jet:
    """The hyperbolic tangent."""
    t = z.tanh()
    first = 1 - t * t
    return t, first, -2 * t * first


def softplus(z: arb) -> Jet:
    """log(1 + exp(z))."""
    s, first, _ = sigmoid(z)
    return z.max(arb(0)) + (-abs(z)).exp().log1p(), s, first


def softsign(z: arb) -> Jet:
    """Z / (1 + |z|)."""
    below = 1 + abs(z)
    curvature = 2 / (below * below * below)
    side = sign(z)
    second = (-curvature).union(curvature) if not side else -side * curvature
    return z / below, 1 / (below * below), second


def gelu(z: arb) -> Jet:
    """Z times the standard normal distribution function."""
    two = arb(2)
    share = (1 + (z / two.sqrt()).erf()) / 2
    density = (-z * z / 2).exp() / (2 * arb.pi()).sqrt()
    return z * share, share + z * density, density * (2 - z * z)


def silu(z: arb) -> Jet:
    """Z * sigmoid(z)."""
    s, first, second = sigmoid(z)
    return z * s, s + z * first, 2 * first + z * second


def elu(z: arb) -> Jet:
    """Z for z >= 0, exp(z) - 1 below."""
    side = sign(z)
    if side is not None and side >= 0 and not z.is_zero():
        return z, arb(1), arb(0)
    below = z.min(arb(0))
    slope = below.exp()
    if side is not None and side < 0:
        return below.expm1(), slope, slope
    return z.max(arb(0)) + below.expm1(), slope, slope.union(arb(0))


SMOOTH: Mapping[str, Callable[[arb], Jet]] = {
    "sigmoid": sigmoid,
    "tanh": tanh,
    "softplus": softplus,
    "softsign": softsign,
    "gelu": gelu,
    "silu": silu,
    "elu": elu,
}

BENT_AT_ZERO = frozenset({"softsign", "elu"})
"""Smooth activations whose second derivative jumps at 0."""

HALF = fmpq(1, 2)

RATIONAL_AT_ZERO: Mapping[str, tuple[fmpq, fmpq]] = {
    "sigmoid": (HALF, fmpq(1, 4)),
    "tanh": (fmpq(0), fmpq(1)),
    "gelu": (fmpq(0), HALF),
    "silu": (fmpq(0), HALF),
}
"""Value and derivative at 0, where these activations are rational."""


def rational_jet(activation: str, slopes: tuple[fmpq, fmpq], z: fmpq) -> tuple[fmpq, fmpq] | None:
    """Value and first derivative at a rational, if both are known to be rational.

    Args:
        activation: The activation's name.
        slopes: (p, q) of a homogeneous activation, ignored for the others.
        z: The pre-activation.

    Returns:
        The two values, or None; None too on the kink of a homogeneous activation.
    """
    if activation not in SMOOTH:
        if z == 0 and slopes[0] != slopes[1]:
            return None
        slope = slopes[0] if z >= 0 else slopes[1]
        return z * slope, slope
    if activation == "softsign":
        below = 1 + abs(z)
        return z / below, 1 / (below * below)
    if activation == "elu":
        return (z, fmpq(1)) if z >= 0 else None
    return RATIONAL_AT_ZERO.get(activation) if z == 0 else None
