"""The numbers behind the five-point theorem, in balls.

`docs/small-deadlocks-lower-bound.md` proves that a 2-2-1 sigmoid network has no nondegenerate bad
minimum on five points. The proof is by hand but for finitely many inequalities between numbers.
`inequalities` evaluates them: each entry is a ball that has to lie below zero, keyed by its number
in section 5 of that page.

Example: `python -m spurious.exact.five_points` prints the table, and fails if an entry fails.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from fractions import Fraction

from flint import acb, arb, fmpq

from spurious.exact.balls import precision, sign

Function = Callable[[acb], acb]

BITS = 96

C0 = Fraction(3, 10)
"""Where the choice of the affine function changes."""

LEFT = 20
"""The page's L is at least this."""

STAIRS = tuple(
    (Fraction(gamma), Fraction(b))
    for gamma, b in (
        ("0.3", "1.79"),
        ("0.5", "1.2"),
        ("0.9", "0.82"),
        ("1.7", "0.51"),
        ("4", "0.27"),
    )
)
"""(gamma_k, beta_k) of inequalities 5: M2 is negative for gamma >= gamma_k, b >= beta_k."""


def ball(value: Fraction | int) -> arb:
    """The rational as a ball."""
    return arb(fmpq(value.numerator, value.denominator))


def half_tanh(t: acb) -> acb:
    """The page's T, tanh(t / 2)."""
    return (t / 2).tanh()


def slope(t: acb) -> acb:
    """The page's S = T' = (1 - T^2) / 2."""
    return (t / 2).sech() ** 2 / 2


def rho(t: acb) -> acb:
    """S - S'' = 3 S^2."""
    return 3 * slope(t) ** 2


def g0(t: acb) -> acb:
    """D T, where D = d^4/dt^4 - d^2/dt^2."""
    return 2 * half_tanh(t) * rho(t)


def g1(t: acb) -> acb:
    """D (t T)."""
    return t * g0(t) - 4 * rho(t) + 2 * slope(t)


def g2(t: acb) -> acb:
    """D (t^2 T)."""
    y = half_tanh(t)
    return t * t * g0(t) - 8 * t * rho(t) + 4 * t * slope(t) - 12 * slope(t) * y - 2 * y


def q(t: acb) -> acb:
    """2 g1 + rho."""
    return 2 * g1(t) + rho(t)


def primitive(t: acb) -> acb:
    """The page's A2, the primitive (t^2 T)''' - (t^2 T)' of g2; it is 3 at 0."""
    y = half_tanh(t)
    return -t * t * rho(t) + 6 * slope(t) - 6 * t * slope(t) * y - 2 * t * y


def remainder(t: acb) -> acb:
    """The page's e, the integral of q from t to infinity."""
    y = half_tanh(t)
    return 2 * t * rho(t) + 5 * slope(t) * y + y - 1


def transform(gamma: Fraction) -> arb:
    """The page's Q, the integral of exp(gamma t) q(t) over the line, 0 < gamma < 1."""
    x, u = ball(gamma), arb.pi() * ball(gamma)
    return (1 - x * x) * (2 * u / u.sin() - 4 * u * u * u.cos() / u.sin() ** 2)


def surplus(t: acb) -> acb:
    """(2 T - C0) rho: its mean is positive where c > C0."""
    return g0(t) - ball(C0) * rho(t)


def drift(t: acb) -> acb:
    """The page's s = C0 g2 + q."""
    return ball(C0) * g2(t) + q(t)


def ratio(t: acb) -> acb:
    """The page's N = s / rho, convex and then concave as a function of T."""
    return drift(t) / rho(t)


def ratio_slope(t: acb) -> acb:
    """The derivative of s / rho with respect to T."""
    y = half_tanh(t)
    w = 1 - y * y
    first = 2 * t + 4 * y / w + 8 * y / (3 * w**2)
    second = (
        2 * t * t
        + (8 * y * t - 24) / w
        + (8 + 16 * t * y - 48 * y * y) / (3 * w**2)
        - 32 * y * y / (3 * w**3)
    )
    return ball(C0) * second + 2 * first


def at(function: Function, t: Fraction | int) -> arb:
    """The value at a real point."""
    return function(acb(ball(t))).real


def integral(function: Function, gamma: Fraction, b: Fraction | int, left: int) -> arb:
    """The integral of exp(gamma t) function(t) over [-left, b]."""
    rate = ball(gamma)

    def integrand(t: acb, _: bool) -> acb:
        return (rate * t).exp() * function(t)

    return acb.integral(integrand, acb(-left), acb(ball(b))).real


def half_line(function: Function, gamma: Fraction, b: Fraction | int) -> arb:
    """The integral of exp(gamma t) function(t) over (-oo, b].

    Left of -10 the functions used here, g2, q, s and surplus, are below 4 in absolute value, so
    the part left of -n is at most 4 exp(-gamma n) / gamma.
    """
    left = 10 + int(60 / gamma)
    tail = 4 * (-ball(gamma) * left).exp() / ball(gamma)
    return integral(function, gamma, b, left) + arb(0, tail.upper())


def inequalities() -> dict[str, arb]:
    """Balls that must be negative, by their numbers on the page."""
    with precision(BITS):
        return {**_signs(), **_gentle(), **_stairs(), **_q_hat(), **_lambda()}


def _signs() -> dict[str, arb]:
    touch, before = Fraction("2.44"), Fraction("1.95")

    def line(y: arb) -> arb:
        return at(ratio, touch) + at(ratio_slope, touch) * (y - at(half_tanh, touch))

    inflection = 1 / ball(C0)
    return {
        "1a  1/C0 - (3/2 sinh t - t) at 2.44": inflection
        - (3 * ball(touch).sinh() / 2 - ball(touch)),
        "1b  (3/2 sinh t - t) - 1/C0 at 1.95": 3 * ball(before).sinh() / 2
        - ball(before)
        - inflection,
        "1c  N(0)": at(ratio, 0),
        "1d  N(1.95)": at(ratio, before),
        "1e  tangent of N at 2.44, at T(1.95)": line(at(half_tanh, before)),
        "1f  tangent of N at 2.44, at T = 1": line(arb(1)),
    }


def _gentle() -> dict[str, arb]:
    b = Fraction("1.28")
    return {
        "2   A2(2) + (Q(C0) + 2) / C0": at(primitive, 2) + (transform(C0) + 2) / ball(C0),
        "3a  -e(2)": -at(remainder, 2),
        "3b  e(2) - e(1.28)": at(remainder, 2) - at(remainder, b),
        "3c  2 + C0 A2(1.28) + Q(C0) - e(2)": 2
        + ball(C0) * at(primitive, b)
        + transform(C0)
        - at(remainder, 2),
        "4   M0 on [-20, 1.28], gamma = C0": integral(g0, C0, b, LEFT),
    }


def _stairs() -> dict[str, arb]:
    found: dict[str, arb] = {}
    for k, (gamma, b) in enumerate(STAIRS):
        found[f"5   M2 on (-oo, {float(b)}], gamma = {float(gamma)}"] = half_line(g2, gamma, b)
        if k + 1 < len(STAIRS):
            steeper = STAIRS[k + 1][0]
            found[f"5   M0 - C0 R on [-20, {float(b)}], gamma = {float(steeper)}"] = integral(
                surplus, steeper, b, LEFT
            )
        else:
            found[f"5   2 T({float(b)}) - C0"] = 2 * at(half_tanh, b) - ball(C0)
    return found


def _q_hat() -> dict[str, arb]:
    low, high, b, tau = Fraction("0.36"), Fraction("0.87"), Fraction("2.7"), Fraction("1.31")
    return {
        "6a  q(1.31)": at(q, tau),
        "6b  Q(0.36)": transform(low),
        "6c  C0 R - M0 on (-oo, 2.7], gamma = 0.36": -half_line(surplus, low, b),
        "6d  q on (-oo, 2.7], gamma = 0.36": half_line(q, low, b),
        "6e  q on (-oo, 2.7], gamma = 0.87": half_line(q, high, b),
        "6f  C0 R - M0 on (-oo, 1.31], gamma = 0.87": -half_line(surplus, high, tau),
        "6g  -q(2)": -at(q, 2),
    }


def _lambda() -> dict[str, arb]:
    b, steep = Fraction("0.42"), Fraction(2)
    return {
        "7a  M0 on [-20, 0.42], gamma = 2": integral(g0, steep, b, LEFT),
        "7b  s on (-oo, 0.42], gamma = C0": half_line(drift, C0, b),
        "7c  s on (-oo, 0], gamma = 2": half_line(drift, steep, 0),
        "7d  -s(-20)": -at(drift, -LEFT),
    }


def main() -> int:
    """Print the table; the exit status is 1 if an inequality is not proved."""
    failed = 0
    for name, value in inequalities().items():
        proved = sign(value) == -1
        failed += not proved
        answer = "negative" if proved else "NOT PROVED"
        sys.stdout.write(f"{name:55} {value.str(8):>32}  {answer}\n")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
