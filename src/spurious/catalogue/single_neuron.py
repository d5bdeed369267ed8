"""Auer, Herbster and Warmuth: one neuron with exponentially many local minima, counted exactly.

A neuron s(w.x) with s(z) = 1 / (1 + exp(-z)), w in R^d, no bias, squared loss. Every data point
lies on an axis, so the loss is L(w_1) + ... + L(w_d) and its local minima are the products of those
of L. With inputs a_j (positive integers), targets y_j in (0, 1) and q = exp(-w),

    s(a w) = 1 / (1 + Q),   Q = q^a,
    L'(w) = sum_j 2 a_j Q_j (1 - y_j (1 + Q_j)) / (1 + Q_j)^3.

Over the common denominator this is a polynomial in q with rational coefficients, so the zeros of L'
are isolated exactly, and between them its sign is exact. As q falls when w rises, a strict local
minimum of L is a positive zero at which the sign goes from + to - as q rises.

Each point pulls w towards log(y / (1 - y)) / a, and pulls little elsewhere, as s saturates: points
at inputs of different sizes have a minimum each. m minima on an axis make m^d in d dimensions.
Source: Auer, Herbster and Warmuth 1996, who reach floor(n / d)^d minima with n points. The roots of
a polynomial are isolated by Arb, which gives real ones an imaginary part that is exactly 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Final, cast

from flint import acb, arb, fmpq, fmpq_poly

from spurious.catalogue.entry import Statement
from spurious.exact import balls

AXIS: Final = ((20, Fraction(2, 5)), (1, Fraction(9, 10)))
"""Input and target of the points on an axis: two minima."""

BITS: Final = 256

DIMENSIONS: Final = (1, 2, 10, 50)


def single_neuron() -> Statement:
    """Counts the minima with two points on every axis."""
    counts = [count_minima(AXIS, d) for d in DIMENSIONS]
    shown = "; ".join(
        f"d = {d}: {every:,} strict local minima, {bad:,} of them bad"
        for d, (every, bad) in zip(DIMENSIONS, counts, strict=True)
    )
    per_axis = len(axis_minima(AXIS))
    grows = per_axis > 1 and all(
        every == per_axis**d for d, (every, _) in zip(DIMENSIONS, counts, strict=True)
    )
    return Statement(grows, f"{len(AXIS)} points an axis; {shown}")


def axis_minima(points: Sequence[tuple[int, Fraction]]) -> tuple[arb, ...]:
    """The strict local minima of L, as balls in w, rising.

    Args:
        points: Inputs, positive, and targets between 0 and 1.

    Raises:
        ArithmeticError: A zero of L' could not be told from its neighbour.
    """
    slope = _numerator(points)
    simple = slope // slope.gcd(slope.derivative())
    with balls.precision(BITS):
        pairs = cast("list[tuple[acb, int]]", simple.numer().complex_roots())
        roots = [root.real for root, _ in pairs if root.imag.is_zero()]
        if any(balls.sign(root) is None for root in roots):
            raise ArithmeticError("a zero of L' could not be told from q = 0")
        positive = sorted(
            (root for root in roots if balls.sign(root) == 1), key=lambda r: float(r.mid())
        )
        inner = [_between(a, b) for a, b in pairwise([arb(0), *positive])]
        signs = [_sign(slope, place) for place in inner]
        signs.append(_sign(slope, _beyond(positive[-1])) if positive else 0)
        return tuple(
            -root.log()
            for root, (before, after) in reversed(list(zip(positive, pairwise(signs), strict=True)))
            if before > 0 > after
        )


def axis_loss(points: Sequence[tuple[int, Fraction]], w: arb) -> arb:
    """L at w."""
    total = arb(0)
    for size, target in points:
        value = 1 / (1 + (-size * w).exp())
        total += balls.square(value - arb(fmpq(target.numerator, target.denominator)))
    return total


def count_minima(points: Sequence[tuple[int, Fraction]], dimensions: int) -> tuple[int, int]:
    """How many strict local minima the neuron has, and how many of them are bad.

    Args:
        points: On every axis.
        dimensions: d.

    Raises:
        ArithmeticError: It could not be decided.
    """
    minima = axis_minima(points)
    with balls.precision(BITS):
        losses = sorted((axis_loss(points, w) for w in minima), key=lambda v: float(v.mid()))
        if any(not balls.certainly_less(losses[0], other) for other in losses[1:]):
            raise ArithmeticError("the lowest of the minima could not be told from the others")
    return len(minima) ** dimensions, len(minima) ** dimensions - 1


def _numerator(points: Sequence[tuple[int, Fraction]]) -> fmpq_poly:
    """The numerator of L', a polynomial in q."""
    total = fmpq_poly([0])
    for j, (size, target) in enumerate(points):
        power = fmpq_poly([0] * size + [1])
        y = fmpq(target.numerator, target.denominator)
        term = size * power * (1 - y * (1 + power))
        for k, (other, _) in enumerate(points):
            if k != j:
                term *= (1 + fmpq_poly([0] * other + [1])) ** 3
        total += term
    return total


def _between(left: arb, right: arb) -> Fraction:
    """A rational between two balls.

    Raises:
        ArithmeticError: None was found.
    """
    value = balls.midpoint((left.upper() + right.lower()) / 2)
    if not (balls.certainly_less(left, arb(value)) and balls.certainly_less(arb(value), right)):
        raise ArithmeticError("no rational was found between two zeros of L'")
    return Fraction(int(value.p), int(value.q))


def _beyond(ball: arb) -> Fraction:
    """A rational above a ball."""
    value = balls.midpoint(ball.upper())
    return Fraction(int(value.p), int(value.q)) + 1


def _sign(polynomial: fmpq_poly, place: Fraction) -> int:
    value = polynomial(fmpq(place.numerator, place.denominator))
    return (value > 0) - (value < 0)
