"""Functions of one variable: ranges of value and derivatives, exact values (3, 5.3, 9.2)."""

from __future__ import annotations

import math
from fractions import Fraction

from checker.bounds import (
    exp_minus,
    log_bounds,
    normal_density,
    normal_distribution,
    odd_series,
    pi_bounds,
    sin_cos,
)
from checker.numbers import (
    Interval,
    Number,
    atom,
    hull,
    increasing,
    interval,
    log_one_plus_exp,
    require,
    require_shown,
)

Slopes = tuple[Fraction, Fraction]  # (p, q): p z for z >= 0, q z for z <= 0
Function = tuple[str, Slopes | None]  # slopes of piecewise linear ones
Jet = tuple[Interval, Interval | None, Interval]  # value, first and second derivative

PIECEWISE = {"relu": (1, 0), "abs": (1, -1), "identity": (1, 1)}
SMOOTH = ("sigmoid", "tanh", "softplus", "softsign", "gelu", "silu", "elu", "mish")
BENT = ("softsign", "elu")  # their second derivative jumps at 0
FUNCTIONS = (*SMOOTH, "exp", "log", "reciprocal", "sqrt", "erf", "sin", "cos", "arctan", "relu",
             "abs", "leaky_relu")  # fmt: skip
LARGEST_EXPONENT = 5000


def slopes_of(name: str, slope: Fraction | None) -> Slopes | None:
    """The slopes of a piecewise linear function; None for others."""
    require((slope is not None) == (name == "leaky_relu"), "slope is for leaky_relu alone")
    if slope is not None:
        return Fraction(1), slope
    if name not in PIECEWISE:
        return None
    above, below = PIECEWISE[name]
    return Fraction(above), Fraction(below)


def enclosure(name: str, slopes: Slopes | None, z: Interval) -> Jet:
    """Ranges of a function and its first two derivatives over z.

    With slopes, piecewise linear: the extremes are at the ends and at 0; the first derivative is
    None where z may be at the kink. softsign and elu: the second derivative jumps at 0, both sides
    are covered. Monotone functions are evaluated at the ends, the rest by interval arithmetic,
    which is sound on wide z too. With s = sigmoid(z): s' = s(1-s), s'' = s(1-s)(1-2s);
    softplus' = s; tanh z = 2 sigmoid(2z) - 1 = t, t' = 1-t^2, t'' = -2t(1-t^2);
    silu' = s + z s(1-s), silu'' = s(1-s)(2 + z(1-2s)).
    `Undecided` if z is not shown to lie in the domain.
    """
    if slopes is not None:
        return broken_line(slopes, z)
    if name in NAMED:
        return NAMED[name](z)
    if name in ("sin", "cos"):
        sine, cosine = waves(z)
        return (sine, cosine, -sine) if name == "sin" else (cosine, -sine, -cosine)
    if name in ("normal", "gelu"):  # Phi and z Phi, phi' = -z phi
        cdf, density = below_bell(z), bell(z)
        if name == "normal":
            return cdf, density, -(z * density)
        return z * cdf, cdf + z * density, density * (2 - z.square())
    s = atom(-(z + z)) if name == "tanh" else atom(-z)
    bend = s * (1 - s)
    if name == "sigmoid":
        return s, bend, bend * (1 - (s + s))
    if name == "tanh":
        t = s + s - 1
        return t, 4 * bend, -8 * bend * t
    if name == "softplus":
        return log_one_plus_exp(z), s, bend
    require(name == "silu", "unknown function")
    return z * s, s + z * bend, bend * (2 + z * (1 - (s + s)))


def broken_line(slopes: Slopes, z: Interval) -> Jet:
    """P z above 0, q z below."""
    p, q = slopes
    zero = Interval(0, 0, z.bits)
    if z.lo > 0 or z.hi < 0 or p == q:
        slope = Interval.of(p if z.lo > 0 else q, z.bits)
        return z * slope, slope, zero
    low, high = Interval(z.lo, z.lo, z.bits) * q, Interval(z.hi, z.hi, z.bits) * p
    return hull(low, zero, high), None, zero


def softsign(z: Interval) -> Jet:
    """Z / (1 + |z|), 1 / (1 + |z|)^2, -2 sign(z) / (1 + |z|)^3."""
    size = abs(z) + 1
    ends = [Interval(end, end, z.bits) for end in (z.lo, z.hi)]
    steep = 2 / (size * size * size)
    second = -steep if z.lo > 0 else steep if z.hi < 0 else hull(steep, -steep)
    return hull(*(e / (abs(e) + 1) for e in ends)), 1 / (size * size), second


def elu(z: Interval) -> Jet:
    """Z for z >= 0, else exp(z) - 1."""
    bits, one, zero = z.bits, 1 << z.bits, Interval(0, 0, z.bits)
    first = increasing(lambda x: exp_minus(max(0, -x[0]), bits), z)
    lo, hi = first.lo, first.hi
    value = Interval(z.lo if z.lo >= 0 else lo - one, z.hi if z.hi >= 0 else hi - one, bits)
    return value, first, zero if z.lo > 0 else first if z.hi < 0 else hull(first, zero)


def bell(z: Interval) -> Interval:
    """The normal density phi over z; below 0 it increases."""
    return increasing(lambda x: normal_density(-x[0], z.bits), -abs(z))


def below_bell(z: Interval) -> Interval:
    """The normal distribution function Phi over z."""
    return increasing(lambda x: normal_distribution(x[0], z.bits), z)


def mish(z: Interval) -> Jet:
    """Z t, t = tanh(softplus(z)) = (1 - r^2) / (1 + r^2) with r = 1 / (1 + exp z), s = 1 - r.

    t increases. With u = 1 - t^2 = 4 r^2 / (1 + r^2)^2: t' = u s, t'' = u s r - 2 t u s^2.
    """
    ends = [atom(Interval(end, end, z.bits)).square() for end in (z.lo, z.hi)]
    t = hull(*((1 - e) / (e + 1) for e in ends))
    r = atom(z)
    s, below = 1 - r, r.square() + 1
    u = 4 * r.square() / below.square()
    first = u * s
    second = first * r - 2 * (t * first * s)
    return z * t, t + z * first, 2 * first + z * second


def exp(z: Interval) -> Jet:
    """The exponential, which increases; above 0 the reciprocal of that of -z.

    For 0 < z <= X that is at least 2^-(3X/2), so w = p + 3X + 8 bits leave p correct ones.
    """
    p = z.bits
    require_shown(z.hi <= LARGEST_EXPONENT << p, "an exponential is too large")

    def at(x: int, side: int) -> int:
        if x <= 0:
            return exp_minus(-x, p)[side]
        w = p + 3 * ((x >> p) + 1) + 8
        below, above = exp_minus(x << w - p, w)
        return -(-(1 << p + w) // below) if side else (1 << p + w) // above

    value = Interval(at(z.lo, 0), at(z.hi, 1), p)
    return value, value, value


def log(z: Interval) -> Jet:
    """Log, 1/z, -1/z^2 for z > 0."""
    require_shown(z.lo > 0, "the argument of log is not known to be positive")
    inverse = 1 / z
    value = Interval(log_bounds(z.lo, z.bits)[0], log_bounds(z.hi, z.bits)[1], z.bits)
    return value, inverse, -inverse.square()


def reciprocal(z: Interval) -> Jet:
    """1/z, -1/z^2, 2/z^3 for z > 0 or z < 0."""
    require_shown(z.lo > 0 or z.hi < 0, "the argument of reciprocal may be zero")
    v = 1 / z if z.lo > 0 else -(1 / -z)
    return v, -v.square(), 2 * (v * v.square())


def sqrt(z: Interval) -> Jet:
    """The root r, 1/(2r), -1/(4 r^3) for z > 0, by integer square roots."""
    require_shown(z.lo > 0, "the argument of sqrt is not known to be positive")
    r = Interval(math.isqrt(z.lo << z.bits), math.isqrt(z.hi << z.bits) + 1, z.bits)
    first = 1 / (r + r)
    return r, first, -(first * (1 / (z + z)))


def erf(z: Interval) -> Jet:
    """The error function 2 Phi(y) - 1 with y = z sqrt 2; its derivative is 2 sqrt 2 phi(y)."""
    root = math.isqrt(2 << 2 * z.bits)
    root_two = Interval(root, root + 1, z.bits)
    y = z * root_two
    cdf, first = below_bell(y), 2 * (root_two * bell(y))
    return cdf + cdf - 1, first, -2 * (z * first)


def waves(z: Interval) -> tuple[Interval, Interval]:
    """Ranges of sin and cos: the hull of the ends, and of 1 or -1 where a peak may lie between.

    Peaks are at the multiples n of pi/2; those that may lie in z have lower(2 lo / pi) <= n <=
    upper(2 hi / pi). An interval of length 7 > 2 pi holds them all.
    """
    p, one = z.bits, 1 << z.bits
    if z.hi - z.lo >= 7 << p:
        return Interval(-one, one, p), Interval(-one, one, p)
    sines, cosines = zip(*(sin_cos(end, p) for end in (z.lo, z.hi)), strict=True)
    w = p + 8 + max(z.lo.bit_length(), z.hi.bit_length())
    pi_lo, pi_hi = pi_bounds(w)
    first = -((-2 * z.lo << w - p) // (pi_hi if z.lo >= 0 else pi_lo))
    last = (2 * z.hi << w - p) // (pi_lo if z.hi >= 0 else pi_hi)
    peaks = {n % 4 for n in range(first, last + 1)}  # at most 6 of them

    def spread(ends: tuple[tuple[int, int], ...], top: int) -> Interval:
        lo, hi = min(e[0] for e in ends), max(e[1] for e in ends)
        return Interval(-one if (top + 2) % 4 in peaks else lo, one if top in peaks else hi, p)

    return spread(sines, 1), spread(cosines, 0)


def arctan(z: Interval) -> Jet:
    """Arctan, which increases, 1/(1 + z^2), -2z/(1 + z^2)^2."""
    first = 1 / (z.square() + 1)
    value = Interval(arctan_bounds(z.lo, z.bits)[0], arctan_bounds(z.hi, z.bits)[1], z.bits)
    return value, first, -2 * (z * first.square())


def arctan_bounds(x: int, p: int) -> tuple[int, int]:
    """Bounds for arctan(x / 2^p).

    Three times arctan t = 2 arctan(t / (1 + sqrt(1 + t^2))); then 0 <= t < 1/5.
    """
    w = p + 32
    t = Interval(abs(x) << 32, abs(x) << 32, w)
    for _ in range(3):
        t = t / (sqrt(t.square() + 1)[0] + 1)
    lo, hi = (odd_series(end, 1 << w, -1, w)[k] for k, end in enumerate((t.lo, t.hi)))
    lo, hi = 8 * lo >> 32, -(-8 * hi >> 32)
    return (lo, hi) if x >= 0 else (-hi, -lo)


NAMED = {f.__name__: f for f in (softsign, elu, mish, exp, log, reciprocal, sqrt, erf, arctan)}
RATIONAL_AT = {
    "sigmoid": (0, "1/2", "1/4"), "tanh": (0, "0", "1"), "gelu": (0, "0", "1/2"),
    "silu": (0, "0", "1/2"), "mish": (0, "0", "3/5"), "exp": (0, "1", "1"), "sin": (0, "0", "1"),
    "cos": (0, "1", "0"), "arctan": (0, "0", "1"), "log": (1, "0", "1"),
}  # fmt: skip


def exact(name: str, slopes: Slopes | None, z: Fraction) -> tuple[Fraction, Fraction] | None:
    """Value and first derivative at z if both are rational (5.3, 9.3); at a kink the slope p."""
    if slopes is not None:
        slope = slopes[0 if z >= 0 else 1]
        return slope * z, slope
    if name == "softsign":
        return z / (1 + abs(z)), 1 / (1 + abs(z)) ** 2
    if name == "elu" and z >= 0:
        return z, Fraction(1)
    if name == "reciprocal" and z:
        return 1 / z, -1 / z**2
    if name in RATIONAL_AT and z == RATIONAL_AT[name][0]:
        _, value, slope = RATIONAL_AT[name]
        return Fraction(value), Fraction(slope)
    return None


def value_and_slope(function: Function, z: Number, bits: int) -> tuple[Number, Number | None]:
    """At a number: exact where that is possible."""
    pair = exact(*function, z) if isinstance(z, Fraction) else None
    return pair or enclosure(*function, interval(z, bits))[:2]
