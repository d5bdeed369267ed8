"""Check `spurious-certificate/1` and `/2` files. One file, the standard library, nothing else.

    python spurious_checker.py CERTIFICATE... [--json]

A certificate claims something about a point in the parameter space of a neural network (it is a
local minimum, it is not, it is not a global one ...) and carries the evidence. This program never
searches: it evaluates the loss, follows the one rule that the certificate names, compares.

What it trusts: Python's integers, fractions and JSON reader; the theorems in docs/mathematics.md;
and the reader's patience. It takes nothing on trust from the program that wrote the certificate.
"Section 5.1" and the like refer to docs/certificates.md.

How to read it. A number is one of three kinds: `Fraction` (exact), `Soft` (exact: a rational
combination of 1/(1 + sum of exp(d)), section 1), and `Interval` (two integers over 2^bits, rounded
outward). A loss, also a dense network's, is a program: a list of steps over arrays, with one
routine for values and one for tangents; its gradient is written as more steps of the same kinds, so
the tangents of these are the Hessian. It runs on arrays of such numbers (`Numbers`), or of middles
and radii as lists of integers (`Balls`), which is fast. Whatever cannot be decided at 128 bits
raises `Undecided` and the whole check is repeated with twice the bits; whatever is wrong raises
`Invalid`. A rule is given a `Case`, of either format, and returns what it establishes (`Found`);
the claim must say exactly that. What is shown around a point is shown over a `Box` of parameters,
some of which may be fixed. `RULES` and `PROGRAM_RULES` list the rules; of these only the one that
a certificate names has to be read, with what comes before the first of them.

Exit statuses: 0 all valid, 1 some certificate is invalid, 2 bad input.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import math
import operator
import re
import stat
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, Self, TypeAlias, TypeVar, cast

# ---- Bounds for exp, log, pi and the normal distribution, with proofs. ---------------------------
# These take and return integers scaled by 2^p and give a lower and an upper bound.


def series(
    term: int, square: int, w: int, factor: Callable[[int], tuple[int, int]]
) -> tuple[int, int]:
    """Bounds for a sum of terms, each the one before times square a/b, with a, b the k-th factor.

    |a| <= b, |square a/b| <= 1/2, and no term is above 1. All is over 2^w: `square` is too small by
    less than 2, the first term is off by at most 8. A product is rounded down before a/b and after:
    if a term is off by e, the next is by at most e/2 + (2 + 1) + 1, so all are by at most 8. Once a
    term is computed as -1, 0 or 1, the true one is at most 9 in size, and so is all that follows.
    """
    total, k = term, 0
    while abs(term) > 1:
        k += 1
        a, b = factor(k)
        term = (term * square >> w) * a // b
        total += term
    error = 8 * k + 17
    return total - error, total + error


@lru_cache(maxsize=4096)
def exp_minus(x: int, p: int) -> tuple[int, int]:
    """Bounds for exp(-x / 2^p), x >= 0.

    From x / 2^p >= p + 2 on the value is below 2^-p. Else let t = x / 2^(p+s), exact in w bits,
    with t < 2^-8: exp(t) is squared s times, and the reciprocal taken, rounding outward.
    """
    if x == 0:
        return 1 << p, 1 << p
    if x >= (p + 2) << p:
        return 0, 1
    s = max(0, x.bit_length() - p) + 8
    w = p + 2 * s + 32
    lo, hi = series(1 << w, x << (w - p - s), w, lambda k: (1, k))
    for _ in range(s):
        lo, hi = lo * lo >> w, -(-hi * hi >> w)
    return (1 << p + w) // hi, -(-(1 << p + w) // lo)


def odd_series(numerator: int, denominator: int, side: int, w: int) -> tuple[int, int]:
    """Bounds for z + s z^3/3 + z^5/5 + s z^7/7 + ..., 0 <= z = numerator/denominator <= 1/3.

    With the side s = 1 that is atanh(z), with s = -1 atan(z).
    """
    z = (numerator << w) // denominator
    return series(z, z * z >> w, w, lambda k: (side * (2 * k - 1), 2 * k + 1))


@lru_cache(maxsize=64)
def log_two(p: int) -> tuple[int, int]:
    """Bounds for log 2 = 2 atanh(1/3)."""
    lo, hi = odd_series(1, 3, 1, p + 32)
    return lo >> 31, -(-hi >> 31)


@lru_cache(maxsize=4096)
def log_bounds(u: int, p: int) -> tuple[int, int]:
    """Bounds for log(u / 2^p), u > 0: u / 2^p = 2^k m, 1 <= m < 2, log m = 2 atanh((m-1)/(m+1))."""
    if u == 1 << p:
        return 0, 0
    k = u.bit_length() - 1 - p
    one, (low, high) = 1 << p + k, sorted(k * end for end in log_two(p))
    lo, hi = odd_series(u - one, u + one, 1, p + 32)
    return (lo >> 31) + low, -(-hi >> 31) + high


@lru_cache(maxsize=64)
def pi_bounds(p: int) -> tuple[int, int]:
    """Bounds for pi = 16 atan(1/5) - 4 atan(1/239) (Machin)."""
    (a, b), (c, d) = (odd_series(1, n, -1, p + 32) for n in (5, 239))
    return 16 * a - 4 * d >> 32, -(4 * c - 16 * b >> 32)


@lru_cache(maxsize=64)
def root_two_pi(p: int) -> tuple[int, int]:
    """Bounds for sqrt(2 pi)."""
    lo, hi = pi_bounds(p + 32)
    return math.isqrt(2 * lo << p + 32) >> 32, (math.isqrt(2 * hi << p + 32) + 1 >> 32) + 1


def sin_cos(x: int, p: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Bounds for the sine and the cosine of x / 2^p.

    With k the integer nearest to x / 2^p / (pi/2), r = x / 2^p - k pi/2 is known in w bits up to
    |k| times the error of pi/2, and 1, and |r| < 1. Both functions change by no more than r does.
    """
    w = p + 32 + max(0, x.bit_length() - p)
    (pi_lo, pi_hi), x = pi_bounds(w), x << w - p
    k = (2 * x + (pi_lo >> 1)) // pi_lo
    r = x - (k * pi_lo >> 1)
    square, off = r * r >> w, abs(k) * (pi_hi - pi_lo) + 1
    s = series(r, square, w, lambda j: (-1, 2 * j * (2 * j + 1)))
    c = series(1 << w, square, w, lambda j: (-1, 2 * j * (2 * j - 1)))
    for _ in range(k % 4):
        s, c = c, (-s[1], -s[0])

    def rounded(lo: int, hi: int) -> tuple[int, int]:
        lo, hi = lo - off >> w - p, -(-(hi + off) >> w - p)
        return max(lo, -1 << p), min(hi, 1 << p)

    return rounded(*s), rounded(*c)


def normal_density(x: int, p: int) -> tuple[int, int]:
    """Bounds for phi(x / 2^p) = exp(-(x/2^p)^2 / 2) / sqrt(2 pi); the exponent is exact."""
    q = 2 * p + 1
    lo, hi = exp_minus(x * x, q)
    root_lo, root_hi = root_two_pi(q)
    return (lo << p) // root_hi, -(-(hi << p) // root_lo)


@lru_cache(maxsize=4096)
def normal_distribution(x: int, p: int) -> tuple[int, int]:
    """Bounds for Phi(x / 2^p), by Phi(z) = 1/2 + phi(z) (z + z^3/3 + z^5/(3 5) + ...) for z >= 0.

    The k-th term is the one before times z^2 / (2k + 1). Once the next factor is below 1/2 the rest
    is at most the last term. For z^2 >= 2p + 4 (so z > 1), 1 - Phi(z) <= exp(-z^2/2) < 2^-p.
    """
    if x < 0:
        lo, hi = normal_distribution(-x, p)
        return (1 << p) - hi, (1 << p) - lo
    if x * x >= (p + 2) << 2 * p + 1:
        return (1 << p) - 1, 1 << p
    w, k = 3 * p + 64, 0
    square = x * x << w - 2 * p
    lo = hi = low_term = high_term = x << w - p
    while high_term > 1 or 2 * square >= (2 * k + 3) << w:
        k += 1
        low_term = (low_term * square >> w) // (2 * k + 1)
        high_term = -((-high_term * square >> w) // (2 * k + 1))
        lo, hi = lo + low_term, hi + high_term
    hi += high_term
    density_lo, density_hi = normal_density(x << w - p, w)
    half, shift = 1 << p - 1, 2 * w - p
    return half + (lo * density_lo >> shift), half - (-hi * density_hi >> shift)


# ---- Answers, and numbers: intervals, and softmax numbers (section 1). ---------------------------


BITS = (128, 256, 512, 1024)
K = TypeVar("K")
NARROW = 1 << 20  # units of the last place: what one evaluation and a slope enclose well


class Invalid(Exception):  # noqa: N818
    """The certificate does not prove its claim."""


class Undecided(Invalid):
    """Not decided at this precision."""


def require(condition: bool, reason: str) -> None:
    """Raises `Invalid` unless the condition holds (an assert that `python -O` keeps)."""
    if not condition:
        raise Invalid(reason)


def require_shown(condition: bool, reason: str) -> None:
    """Raises `Undecided` unless the condition holds: more bits may show it."""
    if not condition:
        raise Undecided(reason)


class Interval:
    """All real numbers from lo / 2^bits to hi / 2^bits. Every operation rounds outward."""

    __slots__ = ("bits", "hi", "lo")

    def __init__(self, lo: int, hi: int, bits: int) -> None:
        self.lo, self.hi, self.bits = lo, hi, bits

    @staticmethod
    def of(x: Fraction | int, bits: int) -> Interval:
        """The narrowest interval around a rational number."""
        scaled = x.numerator << bits
        return Interval(scaled // x.denominator, -(-scaled // x.denominator), bits)

    def __add__(self, other: Number | int) -> Interval:
        o = interval(other, self.bits)
        return Interval(self.lo + o.lo, self.hi + o.hi, self.bits)

    __radd__ = __add__

    def __neg__(self) -> Interval:
        return Interval(-self.hi, -self.lo, self.bits)

    def __sub__(self, other: Number | int) -> Interval:
        return self + -other

    def __rsub__(self, other: Number | int) -> Interval:
        return -self + other

    def __mul__(self, other: Number | int) -> Interval:
        o = interval(other, self.bits)
        if self.lo >= 0 and o.lo >= 0:
            low, high = self.lo * o.lo, self.hi * o.hi
        else:
            ends = (self.lo * o.lo, self.lo * o.hi, self.hi * o.lo, self.hi * o.hi)
            low, high = min(ends), max(ends)
        return Interval(low >> self.bits, -(-high >> self.bits), self.bits)

    __rmul__ = __mul__

    def __truediv__(self, other: Number | int) -> Interval:
        """Division by a positive interval."""
        o = interval(other, self.bits)
        require_shown(o.lo > 0, "a divisor is not known to be positive")
        low, high = self.lo << self.bits, self.hi << self.bits
        return Interval(
            low // (o.lo if low < 0 else o.hi), -(-high // (o.lo if high > 0 else o.hi)), self.bits
        )

    def __rtruediv__(self, other: Number | int) -> Interval:
        return interval(other, self.bits) / self

    def __abs__(self) -> Interval:
        if self.lo >= 0:
            return self
        return -self if self.hi <= 0 else Interval(0, max(-self.lo, self.hi), self.bits)

    def square(self) -> Interval:
        """The range of the square, never negative."""
        a = abs(self)
        return a * a

    @property
    def lower(self) -> Fraction:
        """The lower end."""
        return Fraction(self.lo, 1 << self.bits)

    @property
    def upper(self) -> Fraction:
        """The upper end."""
        return Fraction(self.hi, 1 << self.bits)


def hull(*parts: Interval) -> Interval:
    """The smallest interval that contains all parts."""
    return Interval(min(i.lo for i in parts), max(i.hi for i in parts), parts[0].bits)


def increasing(at: Callable[[list[int]], tuple[int, int]], *zs: Interval) -> Interval:
    """The range over zs of a function that increases in each, with slopes that sum to at most 1.

    `at` gives bounds at a point. Over narrow zs one evaluation will do.
    """
    lo, hi = at([z.lo for z in zs])
    wide = max(z.hi - z.lo for z in zs)
    hi = hi + wide if wide <= NARROW else at([z.hi for z in zs])[1]
    return Interval(lo, hi, zs[0].bits)


def powers(ds: Sequence[int], p: int) -> tuple[int, list[tuple[int, int]]]:
    """The largest of 0 and the d, and bounds for e^0, e^d1, ..., all over e to that."""
    top = max(0, *ds)
    return top, [exp_minus(top - d, p) for d in (0, *ds)]


def atom(*ds: Interval) -> Interval:
    """The range of 1 / (1 + exp(d_1) + exp(d_2) + ...) = A, which decreases in each d.

    Its derivatives sum to -A (1 - A), at least -1.
    """
    p = ds[0].bits

    def at(minus: list[int]) -> tuple[int, int]:
        (lo, hi), *rest = powers([-d for d in minus], p)[1]
        below, above = sum(t[0] for t in rest), sum(t[1] for t in rest)
        return (lo << p) // (lo + above), -(-(hi << p) // (hi + below))

    found = increasing(at, *(-d for d in ds))
    return Interval(found.lo, min(found.hi, 1 << p), p)


def log_one_plus_exp(*ds: Interval) -> Interval:
    """The range of log(1 + exp(d_1) + exp(d_2) + ...), which increases; its slopes sum to < 1."""
    p = ds[0].bits

    def at(ends: list[int]) -> tuple[int, int]:
        top, terms = powers(ends, p)
        below, above = sum(t[0] for t in terms), sum(t[1] for t in terms)
        lo, hi = log_bounds(below, p)
        return top + lo, top + (hi if above == below else hi + above - below)

    return increasing(at, *ds)


def collection(terms: Iterable[tuple[K, Fraction]]) -> dict[K, Fraction]:
    """The sum of multiples of different things: their coefficients, without zeros."""
    found = dict[K, Fraction]()
    for key, c in terms:
        found[key] = found.get(key, Fraction(0)) + c
    return {key: c for key, c in found.items() if c}


class Soft:
    """A softmax number (section 1): sum of coefficient times 1/(1 + sum exp(d)); `()` is 1."""

    __slots__ = ("terms",)

    def __init__(self, terms: Iterable[tuple[tuple[Fraction, ...], Fraction]]) -> None:
        self.terms = collection(terms)

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __add__(self, other: Number | int) -> Number:
        if isinstance(other, Interval):
            return other + self
        more = other.terms.items() if isinstance(other, Soft) else [((), Fraction(other))]
        return Soft([*self.terms.items(), *more])

    __radd__ = __add__

    def __mul__(self, factor: Number | int) -> Number:
        if isinstance(factor, Interval):
            return factor * self
        if isinstance(factor, Soft):
            raise Invalid("a product of softmax numbers")
        return Soft((d, c * factor) for d, c in self.terms.items())

    __rmul__ = __mul__

    def __neg__(self) -> Soft:
        return Soft((d, -c) for d, c in self.terms.items())

    def __sub__(self, other: Number | int) -> Number:
        return self + -other

    def __rsub__(self, other: Number | int) -> Number:
        return -self + other


Number: TypeAlias = Fraction | Soft | Interval  # the three kinds of numbers


def soft_atom(ds: Sequence[Fraction]) -> Number:
    """1 / (1 + sum exp(d)) in the canonical form: a single d is positive (section 4)."""
    if len(ds) == 1 and ds[0] <= 0:
        return 1 - soft_atom([-ds[0]]) if ds[0] else Fraction(1, 2)
    return Soft([(tuple(sorted(ds)), Fraction(1))])


def interval(x: Number | int, bits: int) -> Interval:
    """An interval around a number of any kind."""
    if isinstance(x, Interval):
        return x
    if not isinstance(x, Soft):
        return Interval.of(x, bits)
    atoms = ((c, [Interval.of(d, bits) for d in ds]) for ds, c in x.terms.items())
    parts = [atom(*ds) * c if ds else Interval.of(c, bits) for c, ds in atoms]
    return sum(parts, Interval(0, 0, bits))


def sign(x: Number | int, bits: int) -> int:
    """The proved sign, -1, 0 or 1. Raises `Undecided`."""
    if not isinstance(x, Interval | Soft):
        return (x > 0) - (x < 0)
    if not x:  # no terms
        return 0
    x = interval(x, bits)
    decided = x.lo > 0 or x.hi < 0 or x.lo == x.hi
    require_shown(decided, "a sign is not decided at the highest precision")
    return (x.lo > 0) - (x.hi < 0)


def total(numbers: Iterable[Number]) -> Number:
    """The sum."""
    found: Number = Fraction(0)
    for x in numbers:
        found = found + x
    return found


def dot(us: Iterable[Number], vs: Iterable[Number]) -> Number:
    """The inner product; exact zeros are skipped."""
    return total(u * v for u, v in zip(us, vs, strict=True) if u and v)


def inner(us: Iterable[Fraction], vs: Iterable[Fraction]) -> Fraction:
    """The inner product of rational vectors."""
    return sum((u * v for u, v in zip(us, vs, strict=True)), Fraction(0))


def integer_dot(us: Iterable[int], vs: Iterable[int]) -> int:
    """The inner product of integer vectors, as far as the shorter goes."""
    return sum(map(operator.mul, us, vs))


# ---- Functions of one variable: ranges of value and derivatives, exact values (3, 5.3, 9.2). -----


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


# ---- Reading JSON (sections 1 and 2). ------------------------------------------------------------


MAX_DIGITS = 100_000
MAX_EXPONENT = 10_000

T = TypeVar("T")
Json = dict[str, object]


def as_table(x: object, what: str) -> Json:
    """Reads an object with any keys."""
    require(isinstance(x, dict), f"{what} is not an object")
    return cast("Json", x)


def as_object(x: object, *keys: str, optional: Sequence[str] = ()) -> Json:
    """Reads an object with exactly these keys (and perhaps the optional ones)."""
    require(isinstance(x, dict), f"expected an object with the keys {', '.join(keys)}")
    found = cast("Json", x)
    missing, extra = set(keys) - set(found), set(found) - set(keys) - set(optional)
    require(not missing, f"missing key {min(missing, default='')!r}")
    require(not extra, f"unknown key {min(extra, default='')!a:.80}")
    return found


def as_list(x: object, length: int | None = None) -> list[object]:
    """Reads a list, of the given length if there is one."""
    require(isinstance(x, list), "expected a list")
    items = cast("list[object]", x)
    require(length is None or len(items) == length, f"found {len(items)} items, expected {length}")
    return items


def as_int(x: object) -> int:
    """Reads an integer (true and false are none)."""
    if not isinstance(x, int) or isinstance(x, bool):
        raise Invalid("expected an integer")
    return x


def as_text(x: object) -> str:
    """Reads a string."""
    if not isinstance(x, str):
        raise Invalid("expected a string")
    return x


def _digits(text: str) -> int:
    """The integer that decimal digits stand for, also beyond the 4300 that `int` accepts."""
    require(len(text) <= MAX_DIGITS, "a number is too long")
    if len(text) <= 4000:
        return int(text)
    half = len(text) // 2
    return _digits(text[:-half]) * 10**half + _digits(text[-half:])


def rational(x: object) -> Fraction:
    """Reads "p" or "p/q" (section 1)."""
    match = re.fullmatch(r"(-?)([0-9]+)(?:/([0-9]+))?", as_text(x))
    if match is None:
        raise Invalid(f"{str(x)[:40]!a} is not a rational number")
    value, denominator = _digits(match[2]), _digits(match[3] or "1")
    require(denominator > 0, "a denominator is zero")
    return Fraction(-value if match[1] else value, denominator)


def problem_number(x: object) -> Fraction:
    """Reads a number of the problem: an integer, "p/q", or a decimal such as "2e-3"."""
    if isinstance(x, int):
        return Fraction(as_int(x))
    text = as_text(x)
    pattern = r"([+-]?)([0-9]*+)\.?([0-9]*+)(?:[eE]([+-]?[0-9]{1,9}))?"
    match = re.fullmatch(pattern, text)
    if match is None:
        return rational(text)
    require(bool(match[2] + match[3]), f"{text[:40]!a} is not a number")
    exponent = int(match[4] or "0")
    require(abs(exponent) <= MAX_EXPONENT, "an exponent is too large")
    value, shift = _digits(match[2] + match[3]), exponent - len(match[3])
    value = -value if match[1] == "-" else value
    return Fraction(value * 10**shift) if shift >= 0 else Fraction(value, 10**-shift)


def ball(x: object) -> tuple[Fraction, Fraction]:
    """Reads a ball (section 1) as (mid, rad)."""
    fields = as_object(x, "mid", "rad")
    mid, rad = rational(fields["mid"]), rational(fields["rad"])
    require(rad >= 0, "the radius of a ball is negative")
    return mid, rad


def soft(x: object) -> Number:
    """Reads a softmax number (section 1)."""
    if isinstance(x, str):
        return rational(x)
    found: Number = Fraction(0)
    for key, coefficient in as_table(x, "a softmax number").items():
        ds = [] if key == "1" else [rational(d) for d in key.split(",")]
        require(ds == sorted(ds), "the entries of an atom are not sorted")
        found = found + (soft_atom(ds) if ds else Fraction(1)) * rational(coefficient)
    return found


def read_layers(
    x: object, widths: Sequence[int], number: Callable[[object], Fraction] = rational
) -> list[Fraction]:
    """Reads a point (section 1): all parameters in order. Weights are (out, in)."""
    flat = list[Fraction]()
    layers = as_list(as_object(x, "layers")["layers"], len(widths) - 1)
    for layer, (inputs, outputs) in zip(layers, pairwise(widths), strict=True):
        fields = as_object(layer, "weight", "bias")
        for row in as_list(fields["weight"], outputs):
            flat += read_row(row, inputs, number)
        flat += read_row(fields["bias"], outputs, number)
    return flat


def read_row(
    x: object, length: int, number: Callable[[object], Fraction] = rational
) -> list[Fraction]:
    """Reads a list of so many rationals."""
    return [number(item) for item in as_list(x, length)]


def positive(x: object) -> Fraction:
    """Reads a positive rational."""
    value = rational(x)
    require(value > 0, "expected a positive number")
    return value


def distance(one: Sequence[Fraction], other: Sequence[Fraction]) -> Fraction:
    """The largest difference of a parameter."""
    return max(abs(a - b) for a, b in zip(one, other, strict=True))


def read_increasing(x: object, stop: int, least: int = 1) -> list[int]:
    """Reads at least so many increasing numbers from 0 on, below a limit."""
    found = [as_int(i) for i in as_list(x)]
    require(found == sorted(set(found)), "numbers are not increasing")
    require(all(0 <= i < stop for i in found), "a number is out of range")
    require(len(found) >= least, "numbers are missing")
    return found


def read_keys(x: object, what: str, value: Callable[[object], T]) -> dict[int, T]:
    """Reads an object whose keys are numbers from 0 on."""
    table = as_table(x, what)
    known = all(re.fullmatch(r"0|[1-9][0-9]{0,9}", key) for key in table)
    require(known, f"a key of {what} is no number")
    return {int(key): value(item) for key, item in table.items()}


# ---- Arrays for programs (section 9): flat lists in C order, of exact numbers or of balls. -------


Index = Sequence[int] | None  # None: every entry, in order
Vectors = tuple[int, int, bool]  # of a matrix: how many, their length, whether they are its rows
Layout = tuple[int, int, int, bool]  # the same after the number of the block that the matrix is
Vector = tuple[list[int], list[int], list[int], list[int]]  # m, |m|, r and |m| + r of a vector

MAX_MAGNITUDE = 10_000  # bits before the point; a Fraction may have ten times as many in all

Entry = Number | int
ADD = cast("Callable[[Entry, Entry], Entry]", operator.add)


def cuts(layout: Layout) -> list[slice]:
    """Where the vectors of a matrix lie: rows or columns of a block of that size."""
    block, count, length, rows = layout
    start, stop = block * count * length, (block + 1) * count * length
    if rows:
        return [slice(i, i + length) for i in range(start, stop, length)]
    return [slice(start + j, stop, count) for j in range(count)]


class Array(Protocol):
    """One or two lists of equal length, which are never changed; what the kinds have in common.

    The operations of 9.1 and their derivatives are picks and sums (`collected`), products by entry
    (`times`) and of matrices (`outer`), and functions with their derivatives (`mapped`).
    """

    lists: tuple[Sequence[Entry], ...]
    bits: int

    def made(self, *lists: Sequence[Entry]) -> Self:
        """An array of this kind and precision."""
        ...

    def pick(self, index: Index) -> Self:
        """The entries with these numbers."""
        if index is None:
            return self
        return self.made(*([part[i] for i in index] for part in self.lists))

    def rows(self, width: int) -> list[Self]:
        """The rows of a matrix of this width."""
        return [self.pick(range(i, i + width)) for i in range(0, len(self.lists[0]), width)]


class Numbers(Array):
    """Exact numbers as long as everything below is exact, intervals otherwise.

    `limit` says how long a number may grow, in bits (see `MAX_MAGNITUDE`); None for no limit, where
    nothing is repeated and the length of the file is one.
    """

    def __init__(
        self, entries: Iterable[Number], bits: int, limit: int | None = MAX_MAGNITUDE
    ) -> None:
        self.entries, self.bits, self.limit = list(entries), bits, limit
        self.lists = (self.entries,)
        self.jets = dict[Function, list[tuple[Number, Number | None]]]()
        if limit is not None and any(length(x, bits) > limit for x in self.entries):
            raise Undecided("a number grows too long")

    def made(self, *lists: Sequence[Entry]) -> Numbers:
        """See `Array`."""
        return Numbers(cast("Sequence[Number]", lists[0]), self.bits, self.limit)

    def like(self, values: Iterable[Fraction]) -> Numbers:
        """Exact numbers as an array of this kind."""
        return Numbers(values, self.bits, self.limit)

    def intervals(self) -> list[Interval]:
        """The entries as intervals."""
        return [interval(x, self.bits) for x in self.entries]

    def times(self, other: Numbers, left: Index = None, right: Index = None) -> Numbers:
        """The product, entry by entry, of what is picked. Zeros stay exact."""
        pairs = zip(self.pick(left).entries, other.pick(right).entries, strict=True)
        return self.made([a * b if a and b else Fraction(0) for a, b in pairs])

    def outer(self, layout: Layout, other: Numbers, other_layout: Layout) -> Numbers:
        """All inner products of vectors in a block of this array with those in one of another."""
        xs = [self.entries[cut] for cut in cuts(layout)]
        ys = [other.entries[cut] for cut in cuts(other_layout)]
        if all(isinstance(v, Fraction) for row in (*xs, *ys) for v in row):
            rows, columns = [whole(x) for x in xs], [whole(y) for y in ys]
            return self.made([
                Fraction(sum(map(operator.mul, u, v)), d * e) for u, d in rows for v, e in columns
            ])  # fmt: skip
        return self.made([dot(x, y) for x in xs for y in ys])

    def mapped(self, function: Function, order: int = 0, side: Numbers | None = None) -> Numbers:
        """A function at every entry, or its first derivative: at a kink that to the given side."""
        if function not in self.jets:
            self.jets[function] = [value_and_slope(function, z, self.bits) for z in self.entries]
        out, slopes = list[Number](), function[1]
        for k, (z, jet) in enumerate(zip(self.entries, self.jets[function], strict=True)):
            found, flat = jet[order], z.lo == z.hi == 0 if isinstance(z, Interval) else not z
            if order and flat and slopes is not None and slopes[0] != slopes[1]:
                if side is None:
                    raise Undecided("a derivative is taken at a kink")
                found = (slopes[1], Fraction(0), slopes[0])[sign(side.entries[k], self.bits) + 1]
            if found is None:
                raise Undecided("an argument is not bounded away from a kink")
            out.append(found)
        return self.made(out)


def length(x: Number, bits: int) -> int:
    """How long a number is: bits before the point, or a tenth of those of a Fraction in all."""
    if isinstance(x, Fraction):
        return (x.numerator.bit_length() + x.denominator.bit_length()) // 10
    ends = interval(x, bits)
    return max(ends.lo.bit_length(), ends.hi.bit_length()) - bits


def whole(x: Sequence[Number]) -> tuple[list[int], int]:
    """A vector of fractions as integers over a common denominator."""
    row = [v for v in x if isinstance(v, Fraction)]
    common = math.lcm(*(v.denominator for v in row))
    return [v.numerator * (common // v.denominator) for v in row], common


class Balls(Array):
    """Intervals [m - r, m + r] over 2^bits, as two lists of integers.

    Products are those of the middles, rounded down (an error below 1), with the radius
    |m| s + r (|n| + s), also rounded down, plus 2; of exact numbers that need no rounding, 0. An
    inner product is then three of integers. What is exactly zero stays so. Functions are evaluated
    once.
    """

    def __init__(self, m: list[int], r: list[int], bits: int) -> None:
        self.m, self.r, self.bits, self.lists = m, r, bits, (m, r)
        self.jets = dict[Function, list[tuple[Interval | None, ...]]]()
        self.maps = dict[tuple[Function, int], Balls]()
        self.views = dict[Layout, list[Vector | None]]()
        largest = max(max(m), -min(m), max(r))
        require_shown(largest.bit_length() <= bits + MAX_MAGNITUDE, "a number grows too large")

    @staticmethod
    def around(
        values: Iterable[Fraction], radius: Fraction, bits: int, fixed: Collection[int] = ()
    ) -> Balls:
        """The box of all points within the radius in every entry, and equal in the fixed ones."""
        wide = -(-(radius.numerator << bits) // radius.denominator)
        split = [divmod(x.numerator << bits, x.denominator) for x in values]
        radii = [wide * (i not in fixed) + (rest > 0) for i, (_, rest) in enumerate(split)]
        return Balls([a for a, _ in split], radii, bits)

    @staticmethod
    def enclosing(found: Sequence[Interval]) -> Balls:
        """Intervals, at least one, as an array."""
        m = [z.lo + z.hi >> 1 for z in found]
        return Balls(m, [z.hi - a for z, a in zip(found, m, strict=True)], found[0].bits)

    def made(self, *lists: Sequence[Entry]) -> Balls:
        """See `Array`."""
        m, r = cast("tuple[list[int], list[int]]", lists)
        return Balls(m, r, self.bits)

    def like(self, values: Iterable[Fraction]) -> Balls:
        """Exact numbers as an array of this kind, rounded if need be."""
        return Balls.around(values, Fraction(0), self.bits)

    def intervals(self) -> list[Interval]:
        """The entries as intervals."""
        return [Interval(a - s, a + s, self.bits) for a, s in zip(self.m, self.r, strict=True)]

    def times(self, other: Balls, left: Index = None, right: Index = None) -> Balls:
        """The product, entry by entry, of what is picked; see the class."""
        x, y, p, rest = self.pick(left), other.pick(right), self.bits, (1 << self.bits) - 1
        m = list(map(operator.mul, x.m, y.m))
        pairs = zip(x.m, x.r, y.m, y.r, m, strict=True)
        wide = ((abs(a) * t + s * (abs(b) + t), c) for a, s, b, t, c in pairs)
        r = [(u >> p) + 2 if u or c & rest else 0 for u, c in wide]
        return Balls([c >> p for c in m], r, p)

    def vectors(self, layout: Layout) -> list[Vector | None]:
        """The vectors of a matrix; None is zero. Kept, for the columns of the Hessian."""
        if layout not in self.views:
            self.views[layout] = [as_vector(self.m[cut], self.r[cut]) for cut in cuts(layout)]
        return self.views[layout]

    def outer(self, layout: Layout, other: Balls, other_layout: Layout) -> Balls:
        """See `Numbers` and the class."""
        p, times, m, r = self.bits, operator.mul, list[int](), list[int]()
        rest, ys = (1 << p) - 1, other.vectors(other_layout)
        for x in self.vectors(layout):
            for y in ys:
                if x is None or y is None:
                    m.append(0)
                    r.append(0)
                    continue
                middle = sum(map(times, x[0], y[0]))
                m.append(middle >> p)
                wide = sum(map(times, x[1], y[2])) if y[2] else 0
                wide += sum(map(times, x[2], y[3])) if x[2] else 0
                r.append((wide >> p) + 2 if wide or middle & rest else 0)
        return Balls(m, r, p)

    def nonzero(self) -> bool:
        """Whether no entry can be 0."""
        return all(abs(a) > s for a, s in zip(self.m, self.r, strict=True))

    def mapped(self, function: Function, order: int = 0, side: Balls | None = None) -> Balls:
        """A function at every entry, or a derivative; there is no side at a kink."""
        del side
        if function not in self.jets:
            jets = (enclosure(*function, z) for z in self.intervals())
            self.jets[function] = list(zip(*jets, strict=True))
        if (function, order) not in self.maps:
            known = [z for z in self.jets[function][order] if z is not None]
            defined = len(known) == len(self.m)
            require_shown(defined, "an argument is not bounded away from a kink")
            self.maps[function, order] = Balls.enclosing(known)
        return self.maps[function, order]


def as_vector(m: list[int], r: list[int]) -> Vector | None:
    """A row or column ready for inner products; no radii at all are an empty list."""
    a = list(map(abs, m))
    if any(r):
        return m, a, r, list(map(operator.add, a, r))
    return (m, a, [], a) if any(m) else None


A = TypeVar("A", Numbers, Balls)


def collected(parts: Iterable[tuple[A | None, Index, Index]], size: int) -> A | None:
    """So many zeros, with the entries `source` of each part added to the entries `target`.

    None stands for zeros.
    """
    known = [(a.pick(source), target) for a, source, target in parts if a is not None]
    if not known or (len(known) == 1 and known[0][1] is None):
        return known[0][0] if known else None
    first, sums = known[0][0], list[list[Entry]]()
    for n, zero in enumerate(first.like([Fraction(0)]).lists):
        out = list(zero) * size
        for part, target in known:
            if target is None:
                out = list(map(ADD, out, part.lists[n]))
                continue
            for i, x in zip(target, part.lists[n], strict=True):
                out[i] = out[i] + x
        sums.append(out)
    return first.made(*sums)


# ---- Networks and losses (sections 3 and 4). -----------------------------------------------------


Units = list[list[list[Fraction]]]  # for each layer and unit its incoming weights, then its bias


@dataclass(frozen=True)
class Problem:
    """A spurious-problem/1 object: network, loss, data and point; or one with the keys of 9.7."""

    widths: list[int]  # inputs, hidden units of each layer, outputs
    activation: str
    slopes: Slopes | None  # (p, q) of section 3 for a homogeneous activation
    loss: str
    xs: list[list[Fraction]]  # (n, d)
    ys: list[list[Fraction]]  # (n, K) targets; for cross_entropy (n, 1) labels
    point: list[Fraction]  # flat
    weights: list[Fraction]  # a factor for each data point
    penalties: list[Fraction]  # weights, biases, layer by layer: what the sum of squares costs

    @property
    def depth(self) -> int:
        """The number of hidden layers."""
        return len(self.widths) - 2

    @property
    def kinked(self) -> bool:
        """Whether units can be on a kink (section 3)."""
        return self.slopes is not None and self.slopes[0] != self.slopes[1]

    @property
    def sides(self) -> Slopes:
        """(p, q) of section 3."""
        if self.slopes is None:
            raise Invalid("the rule needs a homogeneous activation")
        return self.slopes

    @cached_property
    def inputs(self) -> list[list[Fraction]]:
        """x~ = (x, 1) for each data point."""
        return [[*x, Fraction(1)] for x in self.xs]

    @cached_property
    def groups(self) -> list[int]:
        """For each point the name of its group: the first point with the same input."""
        first: dict[tuple[Fraction, ...], int] = {}
        return [first.setdefault(tuple(x), i) for i, x in enumerate(self.xs)]

    @cached_property
    def places(self) -> list[list[list[int]]]:
        """For each layer and unit the numbers of its incoming weights, then of its bias."""
        found, start = list[list[list[int]]](), 0
        for below, above in pairwise(self.widths):
            end = start + below * above
            found.append([[*range(start + j * below, start + (j + 1) * below), end + j]
                          for j in range(above)])  # fmt: skip
            start = end + above
        return found

    @property
    def wires(self) -> list[tuple[list[int], list[int]]]:
        """For each hidden unit, layer by layer, its incoming parameters and outgoing weights."""
        return [
            (into, [row[j] for row in above])
            for units, above in pairwise(self.places)
            for j, into in enumerate(units)
        ]

    def units(self, point: Sequence[Fraction]) -> Units:
        """A flat point by layers and units."""
        return [[[point[p] for p in unit] for unit in layer] for layer in self.places]

    def unit(self, layer: object, j: object) -> tuple[int, int]:
        """Reads the numbers of a hidden layer and of one of its units."""
        m, k = as_int(layer), as_int(j)
        known = 0 <= m < self.depth and 0 <= k < self.widths[m + 1]
        require(known, "there is no such hidden unit")
        return m, k

    def require_weighted(self, *losses: str) -> None:
        """The loss is one of these, with weights that are not negative; nothing is added to it."""
        require(self.loss in losses, f"the rule needs one of the losses {', '.join(losses)}")
        require(not any(self.penalties), "the rule needs a loss without penalty")
        require(min(self.weights) >= 0, "a weight is negative")

    def require_shallow(self, single: bool = False) -> None:
        """Widths are [d, h, K], or [d, h, 1]."""
        fits = len(self.widths) == 3 and (not single or self.widths[2] == 1)
        require(fits, f"the rule needs widths [d, h, {1 if single else 'K'}]")


def flatten(units: Units) -> list[Fraction]:
    """All parameters in the order of section 1."""
    flat = list[Fraction]()
    for layer in units:
        flat += [w for unit in layer for w in unit[:-1]]
        flat += [unit[-1] for unit in layer]
    return flat


def read_problem(x: object, extended: bool = False) -> Problem:
    """Reads and validates a dense problem: spurious-problem/1, or /2 with the keys of 9.7."""
    more = ["penalty", "reduction", "weights"] if extended else []
    fields = as_object(x, "format", "network", "loss", "data", "point", optional=["witness", *more])
    expected = "spurious-problem/2" if extended else "spurious-problem/1"
    require(fields["format"] == expected, "the problem has an unknown format")
    network = as_object(fields["network"], "widths", "activation", optional=["slope"])
    widths = [as_int(w) for w in as_list(network["widths"])]
    require(len(widths) >= 2 and min(widths) >= 1, "widths are at least two positive integers")
    activation, loss = as_text(network["activation"]), as_text(fields["loss"])
    slope = problem_number(network["slope"]) if "slope" in network else None
    slopes = slopes_of(activation, slope)
    require(slopes is not None or activation in SMOOTH, "unknown activation")
    if len(widths) == 2:
        slopes = (Fraction(1), Fraction(1))  # section 3: homogeneous, no kinks
    data = as_object(fields["data"], "x", "y")
    xs = [read_row(row, widths[0], problem_number) for row in as_list(data["x"])]
    require(len(xs) > 0, "there are no data")
    outputs, classes = widths[-1], loss == "cross_entropy"
    labels = as_list(data["y"], len(xs))
    ys = [read_row(row, 1 if classes else outputs, problem_number) for row in labels]
    if classes:
        require(outputs >= 2, "cross_entropy needs two outputs")
        require(all(y in range(outputs) for (y,) in ys), "a label is not one of the classes")
    else:
        require(loss in ("squared", "logistic") or (extended and loss == "hinge"), "unknown loss")
        require(loss == "squared" or all(abs(y) == 1 for r in ys for y in r), "labels are -1 or 1")
    point = read_layers(fields["point"], widths, problem_number)
    if "witness" in fields:
        read_layers(fields["witness"], widths, problem_number)
    reduction, number = fields.get("reduction", "sum"), len(xs)
    require(reduction in ("sum", "mean"), "reduction is not sum or mean")
    weights = read_row(fields.get("weights", [1] * number), number, problem_number)
    weights = [w / number for w in weights] if reduction == "mean" else weights
    penalties = read_penalties(fields.get("penalty", {}), len(widths) - 1)
    return Problem(widths, activation, slopes, loss, xs, ys, point, weights, penalties)


def read_penalties(x: object, layers: int) -> list[Fraction]:
    """The key `penalty` of 9.7: one number for all blocks or all weights, or one a block."""
    names = [f"layers[{m}].{part}" for m in range(layers) for part in ("weight", "bias")]
    fields = as_table(x, "the penalty")
    if "l2" in fields:
        as_object(fields, "l2", optional=["biases"])
        biases = fields.get("biases", True)
        require(isinstance(biases, bool), "biases is not true or false")
        cost = problem_number(fields["l2"])
        return [cost, cost if biases else Fraction(0)] * layers
    as_object(fields, optional=names)
    return [problem_number(fields.get(name, 0)) for name in names]


def loss_slopes(pb: Problem, i: int, f: list[Fraction]) -> list[Number]:
    """g_ik, the derivative of the loss by the outputs at point i, exactly (sections 4 and 9.12)."""
    y, weight = pb.ys[i], pb.weights[i]
    if pb.loss == "squared":
        return [2 * weight * (a - b) for a, b in zip(f, y, strict=True)]
    if pb.loss == "logistic":
        return [-b * weight * soft_atom([a * b]) for a, b in zip(f, y, strict=True)]
    top = max(f)  # the outputs that are largest share what the others leave of 1
    p = {k: soft_atom([b - a for m, b in enumerate(f) if m != k])
         for k, a in enumerate(f) if a != top}  # fmt: skip
    share = (1 - total(p.values())) * Fraction(1, f.count(top))
    return [(p.get(k, share) - (k == y[0])) * weight for k in range(len(f))]


def hinge_slopes(
    pb: Problem, g: list[Fraction], outputs: list[list[Fraction]]
) -> list[list[Number]]:
    """Slopes of the hinge loss of one output, seen to be subgradients (Theorem 39)."""
    pb.require_shallow(single=True)
    for slope, (y,), (f,), weight in zip(g, pb.ys, outputs, pb.weights, strict=True):
        least, most = weight if y * f < 1 else Fraction(0), weight if y * f <= 1 else Fraction(0)
        require(least <= -y * slope <= most, "a slope is none of the hinge loss")
    return [[slope] for slope in g]


# ---- Programs (9.1): their operations, and reading them. -----------------------------------------


MAX_OPERATIONS = 100_000
MAX_AXES = 64

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """An operation. This one is a constant, or a block of parameters.

    Sums and products have `push`, from operands to the result. None stands for zeros.
    """

    of: tuple[int, ...]  # the steps that it operates on
    shape: Shape
    values: tuple[Fraction, ...] = ()  # the entries of a constant
    block: range = range(0)  # where a block of parameters, not empty, lies in the flat vector

    @cached_property
    def size(self) -> int:
        """The number of entries."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Linear(Step):
    """add, sum, take, join: of each operand entries are picked, and added to those of the result.

    `links` has their numbers, for each operand.
    """

    links: tuple[tuple[Index, Index], ...] = ()

    def push(self, args: Sequence[A | None]) -> A | None:
        """The result."""
        return collected([(a, *link) for a, link in zip(args, self.links, strict=True)], self.size)


@dataclass(frozen=True)
class Product(Step):
    """mul: products of picked entries."""

    left: Index = None
    right: Index = None

    def push(self, args: Sequence[A | None]) -> A | None:
        """The result."""
        a, b = args
        return None if a is None or b is None else a.times(b, self.left, self.right)


@dataclass(frozen=True)
class MatrixProduct(Step):
    """matmul, block by block: inner products of vectors of a and vectors of b."""

    left: Vectors = (0, 0, True)
    right: Vectors = (0, 0, True)
    blocks: tuple[tuple[int, int, int], ...] = ()  # of a, of b, and that of the result added to

    def push(self, args: Sequence[A | None]) -> A | None:
        """The result."""
        a, b = args
        if a is None or b is None:
            return None
        size = self.left[0] * self.right[0]
        parts = [(a.outer((i, *self.left), b, (j, *self.right)), None,
                  range(c * size, (c + 1) * size) if size < self.size else None)
                 for i, j, c in self.blocks]  # fmt: skip
        return collected(parts, self.size)


@dataclass(frozen=True)
class Map(Step):
    """map: a function at every entry, or its derivative of some order."""

    function: Function = ("relu", None)
    order: int = 0


def all_of(index: Index, size: int) -> Sequence[int]:
    """The numbers of entries."""
    return range(size) if index is None else index


def summands(step: Step, args: Sequence[Sequence[T]]) -> Iterator[list[tuple[T, ...]]]:
    """Each entry of the result as a sum of products of entries of the operands; one for a map."""
    if isinstance(step, Linear):
        found: list[list[tuple[T, ...]]] = [[] for _ in range(step.size)]
        for arg, (source, target) in zip(args, step.links, strict=True):
            entries = [arg[i] for i in all_of(source, len(arg))]
            for k, entry in zip(all_of(target, len(entries)), entries, strict=True):
                found[k].append((entry,))
        yield from found
    elif isinstance(step, Product):
        left, right = (all_of(index, step.size) for index in (step.left, step.right))
        yield from ([(args[0][i], args[1][j])] for i, j in zip(left, right, strict=True))
    elif isinstance(step, MatrixProduct):
        for i, j, _ in step.blocks:
            rows = [args[0][cut] for cut in cuts((i, *step.left))]
            columns = [args[1][cut] for cut in cuts((j, *step.right))]
            yield from (list(zip(r, c, strict=True)) for r in rows for c in columns)
    elif isinstance(step, Map):
        yield from ([(z,)] for z in args[0])


def moving(steps: Sequence[Step]) -> list[bool]:
    """For each step whether it depends on a parameter."""
    found: list[bool] = []
    for step in steps:
        found.append(len(step.block) > 0 or any(found[i] for i in step.of))
    return found


@dataclass(frozen=True)
class Program:
    """A loss: a spurious-problem/2 object, or a dense spurious-problem/1 (`checker.dense`)."""

    steps: list[Step]  # the last is the loss
    point: list[Fraction]  # flat
    dense: Problem | None = None  # that it was written from, if it was
    layers: tuple[tuple[int, int], ...] = ()  # of a dense one: the steps of each a (n, in) and z
    joint: tuple[int, int] | None = None  # of cross entropy: what `losses` is given, and gives

    @property
    def outputs(self) -> int | None:
        """Of a dense problem the step that holds the outputs, shape (n, K)."""
        return self.layers[-1][1] if self.layers else None


# ---- reading ------------------------------------------------------------------------------------


class Limits(NamedTuple):
    """How large a program may be."""

    entries: int  # of one array
    total: int  # entries of all arrays together
    products: int  # multiplications in all matrix products together


OF_PROGRAMS = Limits(2_000_000, 20_000_000, 1_000_000_000)
OF_DENSE = Limits(100_000_000, 1_000_000_000, 100_000_000_000)  # the file's size bounds them more


def padded(shape: Shape, size: int) -> Shape:
    """The shape with axes of size 1 before it."""
    return (1,) * (size - len(shape)) + shape


def repeats(shape: Shape, out: Shape) -> Index:
    """For each entry of an array of shape `out` the entry of the operand that is repeated there."""
    if math.prod(shape) == math.prod(out):
        return None
    index = [0]
    for n, size in zip(padded(shape, len(out)), out, strict=True):
        index = [i * n + (j if n > 1 else 0) for i in index for j in range(size)]
    return index


class Writer:
    """Operations one after the other (section 9.1), within limits; each returns its number."""

    def __init__(self, limits: Limits = OF_PROGRAMS) -> None:
        self.steps = list[Step]()  # what was written so far
        self.names = dict[str, int]()  # of the blocks of parameters, with their sizes
        self.limits, self.parameters, self.total, self.products = limits, 0, 0, 0

    def require_size(self, *shape: int) -> None:
        """The number of entries of an array that is about to be made is within the limit."""
        require(math.prod(shape) <= self.limits.entries, "an array has too many entries")

    def append(self, step: Step) -> int:
        """Adds a step."""
        self.total += step.size
        if isinstance(step, MatrixProduct):
            self.products += step.size * step.left[1]
        few = self.total <= self.limits.total and self.products <= self.limits.products
        require(few, "the program is too large")
        require(len(self.steps) < MAX_OPERATIONS, "the number of operations is out of bounds")
        self.steps.append(step)
        return len(self.steps) - 1

    def param(self, name: str, shape: Shape) -> int:
        """A block of parameters."""
        require(name not in self.names, "two blocks of parameters have one name")
        start, size = self.parameters, math.prod(shape)
        self.names[name], self.parameters = size, start + size
        return self.append(Step((), shape, block=range(start, start + size)))

    def const(self, shape: Shape, values: Sequence[Fraction]) -> int:
        """Exact numbers."""
        self.require_size(*shape)
        return self.append(Step((), shape, tuple(values)))

    def linear(self, of: Sequence[int], shape: Shape, links: Sequence[tuple[Index, Index]]) -> int:
        """Picks of the operands, added up at places of the result."""
        return self.append(Linear(tuple(of), shape, links=tuple(links)))

    def broadcast(self, one: Shape, other: Shape) -> tuple[Shape, Index, Index]:
        """The shape that two arrays are repeated to, as in NumPy, and the entries repeated."""
        size = max(len(one), len(other))
        pairs = list(zip(padded(one, size), padded(other, size), strict=True))
        require(all(a == b or 1 in (a, b) for a, b in pairs), "shapes do not fit")
        shape = tuple(max(a, b) for a, b in pairs)
        self.require_size(*shape)
        return shape, repeats(one, shape), repeats(other, shape)

    def add(self, a: int, b: int) -> int:
        """The sum of two arrays."""
        shape, left, right = self.broadcast(self.steps[a].shape, self.steps[b].shape)
        return self.linear((a, b), shape, [(left, None), (right, None)])

    def mul(self, a: int, b: int) -> int:
        """The product of two arrays, entry by entry."""
        shape, left, right = self.broadcast(self.steps[a].shape, self.steps[b].shape)
        return self.append(Product((a, b), shape, left=left, right=right))

    def matmul(self, a: int, b: int) -> int:
        """The matrix product."""
        one, other = self.steps[a].shape, self.steps[b].shape
        fits = min(len(one), len(other)) >= 2 and one[-1] == other[-2]
        require(fits, "the shapes of a matmul do not fit")
        batch, first, second = self.broadcast(one[:-2], other[:-2])
        (n, k), m, size = one[-2:], other[-1], math.prod(batch)
        self.require_size(size, n, m)
        blocks = zip(all_of(first, size), all_of(second, size), range(size), strict=True)
        return self.append(MatrixProduct((a, b), (*batch, n, m), left=(n, k, True),
                                         right=(m, k, False), blocks=tuple(blocks)))  # fmt: skip

    def map(self, a: int, function: str, slope: Fraction | None = None) -> int:
        """A function at every entry."""
        require(function in FUNCTIONS, "unknown function")
        known = function, slopes_of(function, slope)
        return self.append(Map((a,), self.steps[a].shape, function=known))

    def sum(self, a: int, axes: Sequence[int]) -> int:
        """The sum over axes."""
        shape, index = self.steps[a].shape, [0]
        require(all(a < b for a, b in pairwise(axes)), "axes are not increasing")
        require(all(0 <= a < len(shape) for a in axes), "there is no such axis")
        for axis, size in enumerate(shape):
            index = [i if axis in axes else i * size + j for i in index for j in range(size)]
        rest = tuple(n for axis, n in enumerate(shape) if axis not in axes)
        return self.linear([a], rest, [(None, index)])

    def take(self, a: int, shape: Sequence[int], index: Sequence[int]) -> int:
        """Entries by number."""
        size = self.steps[a].size
        require(all(0 <= i < size for i in index), "an index of take is out of range")
        return self.linear([a], tuple(shape), [(index, None)])

    def join(self, *of: int) -> int:
        """The operands one after the other."""
        require(len(of) >= 1, "join has no operands")
        links, start = list[tuple[Index, Index]](), 0
        for i in of:
            links.append((None, range(start, start + self.steps[i].size)))
            start += self.steps[i].size
        self.require_size(start)
        return self.linear(of, (start,), links)

    def read(self, fields: Json) -> int:
        """An operation of a file."""
        op = as_text(fields.get("op"))
        require(op in KEYS, "unknown op")
        as_object(fields, "op", *KEYS[op], optional=["slope"] if op == "map" else [])
        shape = tuple(as_int(n) for n in as_list(fields.get("shape", [])))
        require(len(shape) <= MAX_AXES and all(n >= 1 for n in shape), "a shape is out of bounds")
        self.require_size(*shape)
        if op == "param":
            return self.param(as_text(fields["name"]), shape)
        if op == "const":
            return self.const(shape, read_row(fields["values"], math.prod(shape), problem_number))
        of = [as_int(i) for i in as_list(fields["of"], OPERANDS.get(op, 1))]
        require(all(0 <= i < len(self.steps) for i in of), "an operand is no earlier operation")
        if op == "map":
            slope = problem_number(fields["slope"]) if "slope" in fields else None
            return self.map(of[0], as_text(fields["function"]), slope)
        if op == "sum":
            return self.sum(of[0], [as_int(a) for a in as_list(fields["axes"])])
        if op == "take":
            index = [as_int(i) for i in as_list(fields["index"], math.prod(shape))]
            return self.take(of[0], shape, index)
        return {"add": self.add, "mul": self.mul, "matmul": self.matmul, "join": self.join}[op](*of)


KEYS: dict[str, tuple[str, ...]] = {
    "param": ("name", "shape"), "const": ("shape", "values"), "add": ("of",), "mul": ("of",),
    "matmul": ("of",), "map": ("of", "function"), "sum": ("of", "axes"),
    "take": ("of", "shape", "index"), "join": ("of",),
}  # fmt: skip
OPERANDS = {"add": 2, "mul": 2, "matmul": 2, "join": None}  # how many; of the others one


def read_program(x: object) -> Program:
    """Reads and validates a spurious-problem/2 object (9.1); every size is bounded."""
    fields = as_object(x, "format", "program", "point", optional=["witness"])
    require(fields["format"] == "spurious-problem/2", "the problem has an unknown format")
    operations = as_list(fields["program"])
    require(1 <= len(operations) <= MAX_OPERATIONS, "the number of operations is out of bounds")
    writer = Writer()
    for item in operations:
        writer.read(as_table(item, "an operation"))
    require(writer.steps[-1].shape == (), "the last operation is no scalar")
    require(len(writer.names) > 0, "there are no parameters")
    points = list[list[Fraction]]()
    for key in ("point", "witness"):
        if key == "point" or key in fields:
            blocks = as_object(fields[key], *writer.names)
            rows = (read_row(blocks[n], size, problem_number) for n, size in writer.names.items())
            points.append([v for row in rows for v in row])
    return Program(writer.steps, points[0])


# ---- Programs (9.1): one routine each for value, tangent, adjoint and Hessian. -------------------


def evaluated(steps: Sequence[Step], point: A) -> list[A]:
    """The values of all steps at a point."""
    values: list[A] = []
    for step in steps:
        args, value = [values[i] for i in step.of], None
        if isinstance(step, Linear | Product | MatrixProduct):
            value = step.push(args)
        elif isinstance(step, Map):
            value = args[0].mapped(step.function, step.order)
        elif step.block:
            value = point.pick(step.block)
        values.append(point.like(step.values) if value is None else value)
    return values


def tangent(
    steps: Sequence[Step], values: Sequence[A], direction: A, wanted: Collection[int] | None = None
) -> list[A | None]:
    """The (one-sided) derivatives of steps along a flat direction; None is zero.

    `values` are those of all steps. If some steps are `wanted`, others need not be right.
    """
    dots: list[A | None] = []
    for k, step in enumerate(steps):
        args, moves, dot = [values[i] for i in step.of], [dots[i] for i in step.of], None
        if step.block:
            part = direction.pick(step.block)
            dot = part if any(map(any, part.lists)) else None
        elif all(d is None for d in moves) or (wanted is not None and k not in wanted):
            pass
        elif isinstance(step, Linear):
            dot = step.push(moves)
        elif isinstance(step, Map) and moves[0] is not None:
            slope: A = args[0].mapped(step.function, step.order + 1, moves[0])
            dot = slope.times(moves[0])
        elif isinstance(step, Product | MatrixProduct):
            sides = step.push([moves[0], args[1]]), step.push([args[0], moves[1]])
            dot = collected([(side, None, None) for side in sides], step.size)
        dots.append(dot)
    return dots


def with_gradient(steps: Sequence[Step]) -> tuple[list[Step], dict[int, int]]:
    """The program, and after it steps for the derivatives of its last step, a scalar, by others.

    Also gives, for each step that moves and that the last one depends on, the number of the step
    that holds the derivative by it, in the same shape.
    """
    moves, bars = moving(steps), {len(steps) - 1: len(steps)}
    out = [*steps, Step((), (), (Fraction(1),))]

    def added(step: Step) -> int:
        out.append(step)
        return len(out) - 1

    for k in range(len(steps) - 1, -1, -1):
        step = steps[k]
        if k not in bars:
            continue
        for place, i in enumerate(step.of):
            if moves[i]:
                part = pulled(step, place, bars[k], steps[i].shape, added)
                if i in bars:
                    whole = (None, None)
                    part = added(Linear((bars[i], part), steps[i].shape, links=(whole,) * 2))
                bars[i] = part
    return out, bars


def pulled(
    step: Step, place: int, bar: int, shape: tuple[int, ...], added: Callable[[Step], int]
) -> int:
    """Adds steps for what a step's adjoint `bar` adds to that of an operand; the last of them."""
    if isinstance(step, Linear):
        source, target = step.links[place]
        if source is None and target is None:
            return bar
        return added(Linear((bar,), shape, links=((target, source),)))
    if isinstance(step, MatrixProduct):
        (a, b), (n, k, _), (m, _, _) = step.of, step.left, step.right
        if place == 0:  # C B^T
            blocks = tuple((c, j, i) for i, j, c in step.blocks)
            return added(MatrixProduct((bar, b), shape, left=(n, m, True),
                                       right=(k, m, True), blocks=blocks))  # fmt: skip
        blocks = tuple((i, c, j) for i, j, c in step.blocks)  # A^T C
        return added(MatrixProduct((a, bar), shape, left=(k, n, False),
                                   right=(m, n, False), blocks=blocks))  # fmt: skip
    if isinstance(step, Map):
        slope = added(Map(step.of, shape, function=step.function, order=step.order + 1))
        return added(Product((bar, slope), shape))
    if not isinstance(step, Product):
        raise Invalid("a step without operands")
    own, index = (step.left, step.right) if place == 0 else (step.right, step.left)
    part = added(Product((bar, step.of[1 - place]), step.shape, right=index))
    return part if own is None else added(Linear((part,), shape, links=((None, own),)))


class Curved(Generic[A]):
    """A program at a point or over a box, with its gradient.

    The derivatives of the gradient's steps along a direction make a column of the Hessian.
    """

    def __init__(self, program: Program, point: A) -> None:
        self.steps, self.bars = with_gradient(program.steps)
        self.values = evaluated(self.steps, point)
        self.loss = self.values[len(program.steps) - 1]
        self.blocks = [k for k, step in enumerate(self.steps) if step.block]
        self.size = sum(self.steps[k].size for k in self.blocks)

    def bar(self, k: int) -> A:
        """The derivative of the loss by step k, which it depends on."""
        require(k in self.bars, "the loss does not depend on what it has to")
        return self.values[self.bars[k]]

    def flat(self, found: Sequence[A | None]) -> A:
        """The gradient, or its derivatives, from all steps; zeros where there is None."""
        zero = self.loss.like([Fraction(0)])
        parts = ((found[self.bars[k]], None, self.steps[k].block)
                 for k in self.blocks if k in self.bars)  # fmt: skip
        return collected(parts, self.size) or zero.pick([0] * self.size)

    def gradient(self) -> A:
        """The gradient, flat; also by parameters that do not matter."""
        return self.flat(self.values)

    def needed(self, since: int) -> set[int]:
        """The steps that the gradient by blocks from step `since` on depends on."""
        found = {self.bars[k] for k in self.blocks if k >= since and k in self.bars}
        for k in range(len(self.steps) - 1, -1, -1):
            found |= set(self.steps[k].of) if k in found else set()
        return found

    def axis(self, i: int) -> A:
        """The direction of a parameter."""
        return self.loss.like(Fraction(i == j) for j in range(self.size))

    def hessian(self, chosen: Sequence[int]) -> list[A]:
        """The rows for the parameters chosen, in increasing order.

        A Hessian is symmetric: of each column the part from its block on is computed.
        """
        columns, size = list[tuple[Sequence[Entry], ...]](), range(len(chosen))
        for k in self.blocks:
            wanted, block = self.needed(k), self.steps[k].block
            moved = (tangent(self.steps, self.values, self.axis(i), wanted)
                     for i in chosen if i in block)  # fmt: skip
            columns += [self.flat(dots).pick(chosen).lists for dots in moved]
        return [
            self.loss.made(*([columns[min(i, j)][n][max(i, j)] for j in size]
                             for n in range(len(self.loss.lists))))
            for i in size
        ]  # fmt: skip


@dataclass(frozen=True)
class Box:
    """All points within the radius of the centre in the free parameters; the others are fixed."""

    program: Program
    centre: list[Fraction]  # flat
    radius: Fraction  # positive
    free: Sequence[int]  # numbers of parameters, increasing
    bits: int

    @cached_property
    def place(self) -> Balls:
        """The box."""
        fixed = set(range(len(self.centre))) - set(self.free)
        return Balls.around(self.centre, self.radius, self.bits, fixed)

    @cached_property
    def over(self) -> Curved[Balls]:
        """The program over the box."""
        return Curved(self.program, self.place)

    @cached_property
    def at(self) -> Curved[Balls]:
        """The program at the centre."""
        return Curved(self.program, Balls.around(self.centre, Fraction(0), self.bits))

    def reach(self) -> Fraction:
        """No parameter in the box differs more from that of the problem's point."""
        return distance(self.centre, self.program.point) + self.radius


# ---- Dense problems as programs (9.7): section 3 in the operations of 9.1. -----------------------


def read_any(x: object, old: bool = False) -> Program:
    """Reads a problem of either format as a program; of format 1 alone if that is old."""
    fields = as_table(x, "the problem")
    plain = old or fields.get("format") == "spurious-problem/1"
    if plain or "network" in fields:
        return dense_program(read_problem(fields, extended=not plain))
    return read_program(fields)


GATES = {"gelu": "normal", "silu": "sigmoid"}  # S with act(z) = z S(z)


def dense_program(pb: Problem, gated: bool = False) -> Program:
    """The loss as a program of the parameters in the order of section 1.

    With `gated`, of gates m before them, one for each hidden unit and 1 at the point: it has
    z S(m z) for act(z).
    """
    w = Writer(OF_DENSE)
    layers = network(w, pb, gated=gated)
    f = decisive(w, pb, layers[-1][1])
    parts = losses(w, pb, f)
    summed(w, pb, parts)
    gates = [Fraction(1)] * (sum(pb.widths[1:-1]) * gated)
    joint = (f, parts) if pb.loss == "cross_entropy" else None
    return Program(w.steps, [*gates, *pb.point], pb, layers, joint)


def weighted_sum(w: Writer, pb: Problem, parts: int) -> int:
    """The losses of the points, weighted and added up."""
    if any(v != 1 for v in pb.weights):
        parts = w.mul(parts, w.const((len(pb.xs),), pb.weights))
    return w.sum(parts, [0])


def summed(w: Writer, pb: Problem, parts: int) -> int:
    """The losses of the points, weighted and added up, and the penalty of the blocks."""
    blocks = [k for k, step in enumerate(w.steps) if step.block][-len(pb.penalties) :]
    total = weighted_sum(w, pb, parts)
    for block, cost in zip(blocks, pb.penalties, strict=True):
        if cost:
            squares = w.sum(w.mul(block, block), range(len(w.steps[block].shape)))
            total = w.add(total, w.mul(squares, w.const((), [cost])))
    return total


def network(
    w: Writer, pb: Problem, slopes: Sequence[Sequence[Sequence[Fraction]]] = (), gated: bool = False
) -> tuple[tuple[int, int], ...]:
    """Writes the network on the data.

    Layer by layer the block `layers[l].weight`, (out, in) row by row, then `layers[l].bias`. With
    slopes, for each hidden layer, point and unit, z is multiplied by them instead of activated;
    `gated`: see `dense_program`.
    Gives the steps of a (n, in) and z (n, out) of each layer; the last z are the outputs.
    """
    n, layers, passed = len(pb.xs), list[tuple[int, int]](), 0
    gates = w.param("gates", (sum(pb.widths[1:-1]),)) if gated else 0
    a = w.const((n, pb.widths[0]), [v for row in pb.xs for v in row])
    for level, (inputs, outputs) in enumerate(pairwise(pb.widths)):
        weight = w.param(f"layers[{level}].weight", (outputs, inputs))
        bias = w.param(f"layers[{level}].bias", (outputs,))
        turned = [k * inputs + i for i in range(inputs) for k in range(outputs)]
        z = w.add(w.matmul(a, w.take(weight, (inputs, outputs), turned)), bias)
        layers.append((a, z))
        a = z
        if level == len(pb.widths) - 2:
            break
        if slopes:
            a = w.mul(z, w.const((n, outputs), [s for row in slopes[level] for s in row]))
        elif gated:
            moved = w.mul(z, w.take(gates, (outputs,), range(passed, passed + outputs)))
            gate = Map((moved,), (n, outputs), function=(GATES[pb.activation], None))
            a, passed = w.mul(z, w.append(gate)), passed + outputs
        elif pb.activation != "identity":
            a = w.append(Map((z,), (n, outputs), function=(pb.activation, pb.slopes)))
    return tuple(layers)


def missed(w: Writer, pb: Problem, f: int) -> int:
    """1 - y f, shape (n, K)."""
    targets = w.const((len(pb.ys), pb.widths[-1]), [-y for row in pb.ys for y in row])
    return w.add(w.mul(f, targets), w.const((), [Fraction(1)]))


def decisive(w: Writer, pb: Problem, f: int) -> int:
    """What the loss depends on: f, or with cross entropy f_ik - f_iy_i, k != y_i, (n, K - 1)."""
    if pb.loss != "cross_entropy":
        return f
    n, outputs = len(pb.ys), pb.widths[-1]
    labels = [int(y) for (y,) in pb.ys]
    others = [i * outputs + k for i, y in enumerate(labels) for k in range(outputs) if k != y]
    own = [i * outputs + y for i, y in enumerate(labels) for _ in range(outputs - 1)]
    shape = (n, outputs - 1)
    right = w.mul(w.take(f, shape, own), w.const((), [Fraction(-1)]))
    return w.add(w.take(f, shape, others), right)


def losses(w: Writer, pb: Problem, f: int) -> int:
    """The loss of each data point (sections 3 and 9.7), from what it depends on.

    The cross entropy is log(1 + sum over k != y_i of exp(f_ik - f_iy_i)), one k after the other:
    log(e^a + e^b) = a + softplus(b - a) is safe for numbers of any size.
    """
    n, outputs = len(pb.ys), pb.widths[-1]
    if pb.loss == "hinge":
        return w.sum(w.map(missed(w, pb, f), "relu"), [1])
    if pb.loss == "cross_entropy":
        minus = w.const((), [Fraction(-1)])
        columns = [w.take(f, (n, 1), [i * (outputs - 1) + k for i in range(n)])
                   for k in range(outputs - 1)]  # fmt: skip
        a = w.map(columns[0], "softplus")
        for b in columns[1:]:
            a = w.add(a, w.map(w.add(b, w.mul(a, minus)), "softplus"))
        return w.sum(a, [1])
    targets = w.const((n, outputs), [-y for row in pb.ys for y in row])
    if pb.loss == "logistic":
        return w.sum(w.map(w.mul(f, targets), "softplus"), [1])
    error = w.add(f, targets)
    return w.sum(w.mul(error, error), [1])


# ---- Exact ranks and inverses; definiteness, and Krawczyk's test with the index (9.3, 9.4). ------


Basis = dict[int, list[int]]  # rows by pivot: not 0 there, and all others are 0 there
Rows = list[list[int]]  # of a matrix, over 2^bits
MAX_HESSIAN = 2000  # parameters of a program whose Hessian is enclosed
NOT_DEFINITE = "the Hessian is not shown to be positive definite"


def enlarge(basis: Basis, vector: Sequence[Fraction]) -> None:
    """Adds a vector to a basis, unless it depends on it; rows may be scaled, so they are whole."""
    row = whole(vector)[0]
    for pivot, other in basis.items():
        row = cleared(row, pivot, other)
    place = next((k for k, v in enumerate(row) if v), None)
    if place is not None:
        for pivot, other in basis.items():
            basis[pivot] = cleared(other, place, row)
        basis[place] = row


def cleared(row: list[int], pivot: int, other: list[int]) -> list[int]:
    """A combination of the rows that is 0 at the pivot, in lowest terms."""
    if not row[pivot]:
        return row
    a, b = other[pivot], row[pivot]
    found = [a * x - b * y for x, y in zip(row, other, strict=True)]
    common = math.gcd(*found) or 1
    return [x // common for x in found]


def row_space(matrix: Sequence[Sequence[Fraction]]) -> Basis:
    """A basis of the space of the rows."""
    basis = Basis()
    for row in matrix:
        enlarge(basis, row)
    return basis


def rank(matrix: Sequence[Sequence[Fraction]]) -> int:
    """The rank."""
    return len(row_space(matrix))


def null_vector(basis: Basis, width: int) -> list[Fraction]:
    """The vector, up to a factor, that a basis of width - 1 rows is orthogonal to."""
    (free,) = set(range(width)) - set(basis)
    found = [Fraction(1)] * width
    for pivot, row in basis.items():
        found[pivot] = Fraction(-row[free], row[pivot])
    return found


def inverse(matrix: list[list[Fraction]]) -> list[list[Fraction]]:
    """The inverse of a square matrix M: the rows of (M, I) reduced to (I, M^-1)."""
    n = len(matrix)
    basis = row_space([[*row, *(Fraction(a == b) for b in range(n))]
                     for a, row in enumerate(matrix)])  # fmt: skip
    require(set(basis) == set(range(n)), "a matrix is singular")
    return [[Fraction(v, basis[k][k]) for v in basis[k][n:]] for k in range(n)]


def factored(matrix: Rows, p: int, definite: bool) -> tuple[int, list[int]]:
    """M = L D L^T + E with exact L and D over 2^p: how many D are negative, and bounds for E.

    L (unit lower triangular) and D are computed in fixed point, a D below 2^(-p/4) in size is
    replaced by that, or `Undecided` where D has to be positive. Whatever L and D are, E is then
    computed exactly, over 2^(3p). Its bounds are for each row the sum of |E| over 2^p, rounded up.
    """
    least, lower, diagonal, errors = 1 << p - p // 4, Rows(), list[int](), [0] * len(matrix)
    for i, row in enumerate(matrix):
        new, w = list[int](), list[int]()  # of row i: L, and L times D, rounded
        for j in range(i):
            w.append(row[j] - (integer_dot(w, lower[j]) >> p))
            new.append((w[j] << p) // diagonal[j])
        pivot = row[i] - (integer_dot(w, new) >> p)
        require_shown(pivot > 0 or not definite, NOT_DEFINITE)
        if abs(pivot) < least and not definite:
            pivot = least if pivot >= 0 else -least
        diagonal.append(pivot)
        lower.append([*new, 1 << p])
        heavy = [a * d for a, d in zip(lower[i], diagonal, strict=True)]  # over 2^(2p)
        for j in range(i + 1):
            e = abs((row[j] << 2 * p) - integer_dot(heavy, lower[j]))
            errors[i] += e
            errors[j] += e if j < i else 0
    return sum(d < 0 for d in diagonal), [(e >> 2 * p) + 1 for e in errors]


def require_above(h: Sequence[Balls], bound: Fraction) -> None:
    """Every symmetric matrix in the rows h has all eigenvalues above the bound (9.3).

    With w the largest row sum of radii and s = bound / 2^20, let M - (bound + w + s) I =
    L D L^T + E, D > 0, |E| <= s. A matrix in h differs from M by at most w in norm, so it is at
    least L D L^T + bound + s - |E|, and that is above the bound.
    """
    p = h[0].bits
    s = int(bound * (1 << p)) >> 20
    shift = -int(-bound * (1 << p) // 1) + max(sum(row.r) for row in h) + s
    shifted = [[a - shift * (i == j) for j, a in enumerate(row.m)] for i, row in enumerate(h)]
    require_shown(max(factored(shifted, p, definite=True)[1]) <= s, NOT_DEFINITE)


def require_definite(h: Sequence[Balls], bound: Fraction, s: Rows) -> None:
    """S (H - bound I) S^T is strictly diagonally dominant with positive diagonal (section 5.3).

    Then it is positive definite by Gershgorin, S is injective, and every symmetric H in the
    interval matrix has all eigenvalues above the bound. That holds for any S.
    """
    p, size = h[0].bits, range(len(h))
    least = -((-bound.numerator << p) // bound.denominator)
    mid = [[m - least * (a == b) for b, m in enumerate(row.m)] for a, row in enumerate(h)]
    sizes = [list(map(abs, row)) for row in s]
    middle, wide = congruent(s, mid), congruent(sizes, [row.r for row in h])
    for a in size:
        others = sum(abs(middle[a][b]) + wide[a][b] for b in size if b != a)
        require_shown(middle[a][a] - wide[a][a] > others, NOT_DEFINITE)


def congruent(s: Rows, m: Rows) -> Rows:
    """S M S^T among integers."""
    columns = list(zip(*m, strict=True))
    left = [[integer_dot(row, column) for column in columns] for row in s]
    return [[integer_dot(row, other) for other in s] for row in left]


def require_independent(columns: Sequence[Balls]) -> None:
    """The vectors in these columns are independent: their Gram matrix is positive definite.

    Each is multiplied by a power of two first, so that its largest entry is about 1.
    """
    bits, m, r = columns[0].bits, list[int](), list[int]()
    for column in columns:
        up = bits - max(map(abs, column.m)).bit_length()
        down, up = max(-up, 0), max(up, 0)
        m += [a << up >> down for a in column.m]
        r += [(s << up >> down) + 2 * (down > 0) for s in column.r]
    scaled, layout = Balls(m, r, bits), (0, len(columns), len(columns[0].m), True)
    gram = scaled.outer(layout, scaled, layout)
    require_above(gram.rows(len(columns)), Fraction(1, 1 << bits // 2))


def require_minimum(box: Box, bound: Fraction) -> Interval:
    """2 |gradient|_2 < bound radius at the centre (5.3, 9.3).

    Where the Hessian's eigenvalues are above the bound, there is then a minimum in the box, whose
    loss is enclosed: lower than the centre's by at most |gradient|^2 / (2 bound).
    """
    gradient = box.at.gradient().pick(box.free)
    ends = ((abs(m) + s) ** 2 for m, s in zip(gradient.m, gradient.r, strict=True))
    squared, top = Fraction(sum(ends), 1 << 2 * box.bits), box.at.loss.intervals()[0]
    small = 4 * squared < (bound * box.radius) ** 2
    require_shown(small, "the gradient at the centre is not shown to be small enough")
    return hull(top, top - squared / (2 * bound))


def read_square(x: object, size: int, bits: int) -> Rows:
    """Reads a square matrix, rounded: any for which what is asked holds will do."""
    rows = as_list(x, size)
    return [[round(v * (1 << bits)) for v in read_row(row, size)] for row in rows]


def require_contraction(a: Rows, columns: Sequence[Balls], g: Balls, r: Fraction) -> list[int]:
    """Krawczyk's test (9.4, 9.8): |A g| + |I - A J| r < r, so there is a zero within r.

    The columns enclose the derivative J over a box of radius r, g the value at its centre. Gives
    bounds for the row sums of |I - A J|, over 2^(2 bits): those of |A D|, with D within the radii
    of J, are |A| times the row sums of the radii.
    """
    unit, step, sums = 1 << 2 * g.bits, 0, list[int]()
    wide = [sum(radii) for radii in zip(*(column.r for column in columns), strict=True)]
    for i, row in enumerate(a):
        sizes = list(map(abs, row))
        off = (unit * (i == j) - integer_dot(row, column.m) for j, column in enumerate(columns))
        sums.append(sum(map(abs, off)) + integer_dot(sizes, wide))
        step = max(step, abs(integer_dot(row, g.m)) + integer_dot(sizes, g.r))
    require_shown(step < r * (unit - max(sums)), "no solution is shown to lie in the box")
    return sums


def isolated(box: Box, preconditioner: object) -> tuple[int, Interval]:
    """Section 9.4: a critical point in the box. Gives its index, and an enclosure of its loss.

    It is off the centre's by at most the radius times the sum of |gradient| over the box.
    """
    size, p = len(box.free), box.bits
    require(size <= MAX_HESSIAN, "there are too many parameters for a Hessian")
    steps = box.program.steps
    for step, moves in zip(steps, moving(steps), strict=True):
        jumps = moves and isinstance(step, Map) and step.function[0] in BENT
        smooth = not jumps or box.over.values[step.of[0]].nonzero()
        require_shown(smooth, "a second derivative may jump in the box")
    a, h = read_square(preconditioner, size, p), box.over.hessian(box.free)
    sums = require_contraction(a, h, box.at.gradient().pick(box.free), box.radius)
    negative, errors = factored([row.m for row in h], p, definite=False)
    norm = max(s + integer_dot(map(abs, row), errors) for s, row in zip(sums, a, strict=True))
    require_shown(norm < 1 << 2 * p, "the index is not decided")
    slope, loss = box.over.gradient().pick(box.free), box.at.loss.intervals()[0]
    steep = sum(abs(m) + s for m, s in zip(slope.m, slope.r, strict=True))
    moved = Interval.of(box.radius * Fraction(steep, 1 << p), p)
    return negative, Interval(loss.lo - moved.hi, loss.hi + moved.hi, p)


# ---- What a rule is given, what it returns, and a network evaluated exactly. ---------------------


@dataclass(frozen=True)
class Case:
    """What a rule is given."""

    program: Program  # the loss and the point
    claim: Json  # all its keys are there
    bits: int
    layered: bool  # points are written in layers (section 1); in format 1 rational losses as such

    @property
    def nearby(self) -> bool:
        """Whether the claim is about a point nearby."""
        return as_text(self.claim["verdict"]).endswith("_nearby")

    @property
    def eigenvalue(self) -> Fraction:
        """The eigenvalue bound claimed."""
        return positive(self.claim["eigenvalue_bound"])

    @property
    def problem(self) -> Problem:
        """The dense problem."""
        if self.program.dense is None:
            raise Invalid("the rule is for dense networks")
        return self.program.dense

    def exact(self, point: Sequence[Fraction]) -> Numbers:
        """A point or direction, for values that are exact as long as they are rational."""
        return Numbers(point, self.bits, None if self.program.layers else MAX_MAGNITUDE)

    @cached_property
    def values(self) -> list[Numbers]:
        """The values of all steps at the problem's point."""
        return evaluated(self.program.steps, self.exact(self.program.point))

    def values_of(self, point: list[Fraction]) -> list[Numbers]:
        """The values of all steps at any point."""
        here = point == self.program.point
        return self.values if here else evaluated(self.program.steps, self.exact(point))

    def loss_at(self, point: list[Fraction]) -> Number:
        """The loss at a point, exact if everything below is rational."""
        return self.values_of(point)[-1].entries[0]

    def read_point(self, x: object) -> list[Fraction]:
        """Reads a point or a direction as a flat vector."""
        if self.layered:
            return read_layers(x, self.problem.widths)
        return read_row(x, len(self.program.point))

    def read_box(self, proof: Json, free: Sequence[int]) -> Box:
        """Reads the box of all points around a centre, equal to it but in the free parameters."""
        centre, radius = self.read_point(proof["centre"]), positive(proof["radius"])
        return Box(self.program, centre, radius, free, self.bits)


@dataclass
class Found:
    """What a rule establishes."""

    strict: str = "unknown"
    rescaled: str = "unknown"  # strict up to rescaling
    flat: int | None = None  # the flat dimension
    eigenvalue: Fraction | None = None
    loss: Number | None = None  # of the point or minimum; None: of the problem's point
    radius: Fraction | None = None  # of what is nearby: the smallest that may be claimed
    place: list[Fraction] | None = None  # the exact point that the verdict is about, if any
    limit: Number | None = None  # of the loss along a valley
    index: int | None = None  # of a saddle: the number of negative eigenvalues
    unbeaten: bool = False  # whether no outputs whatever have a smaller loss


class Rule(NamedTuple):
    """A rule, and what certificates that name it hold."""

    check: Callable[[Case, Json], Found]
    verdicts: tuple[str, ...]
    keys: str = ""  # of the proof; ?: optional, ~: only if the verdict is of what is nearby
    claims: str = ""  # what is claimed of a program besides `PROGRAM_CLAIMS`
    losses: tuple[str, ...] = ()  # for sums of these losses alone (9.12)

    def read(self, proof: Json, nearby: bool) -> None:
        """The proof has these keys."""
        marks = {key.lstrip("?~"): key[0] for key in self.keys.split()}
        needed = [k for k, mark in marks.items() if mark != "?" and (nearby or mark != "~")]
        as_object(proof, "rule", *needed, optional=[k for k, m in marks.items() if m == "?"])


@dataclass(frozen=True)
class Exact:
    """A network evaluated exactly at all data."""

    pb: Problem
    units: Units  # the point
    pre: list[list[list[Fraction]]]  # z of each layer and data point; the last are the outputs
    g: list[list[Number]]  # for each data point the derivative of the loss by the outputs
    loss: Number

    def slope(self, i: int, j: int) -> Fraction:
        """Slope of unit j of the first layer at data point i; p on the kink (section 5.1)."""
        p, q = self.pb.sides
        return p if self.pre[0][i][j] >= 0 else q


def evaluate(case: Case, point: list[Fraction], slopes: object = None) -> Exact:
    """The problem at a point where all pre-activations are rational.

    The slopes are the g of the hinge loss, chosen among its subgradients.
    """
    pb, pre, values = case.problem, list[list[list[Fraction]]](), case.values_of(point)
    if slopes is None:
        pb.require_weighted("squared", "logistic", "cross_entropy")
    for (_, z), width in zip(case.program.layers, pb.widths[1:], strict=True):
        row = [v for v in values[z].entries if isinstance(v, Fraction)]
        require(len(row) == len(pb.xs) * width, "a value of the activation is not rational")
        pre.append([row[i : i + width] for i in range(0, len(row), width)])
    if slopes is None:
        g = [loss_slopes(pb, i, f) for i, f in enumerate(pre[-1])]
    else:
        g = hinge_slopes(pb, read_row(slopes, len(pb.xs)), pre[-1])
    return Exact(pb, pb.units(point), pre, g, values[-1].entries[0])


def combined(terms: Iterable[tuple[Number | int, Sequence[Number]]], size: int) -> list[Number]:
    """The sum of multiples of vectors of this size."""
    found: list[Number] = [Fraction(0)] * size
    for factor, vector in terms:
        if factor:
            found = [a + factor * b for a, b in zip(found, vector, strict=True)]
    return found


def require_zero(numbers: Iterable[Number], what: str) -> None:
    """All are recognised as exactly zero (section 1): an interval never is."""
    require(not any(numbers), f"{what} is not zero")


def leaves(
    tree: object, may_split: Iterable[int], signs: dict[int, int] | None = None
) -> Iterator[tuple[Json, dict[int, int]]]:
    """The leaves of a tree (5.1, 9.10), each with the signs of what is split above it."""
    node, above, known = as_table(tree, "a tree"), signs or {}, set(may_split)
    if "split" not in node:
        yield node, above
        return
    as_object(node, "split", "plus", "minus")
    i = as_int(node["split"])
    require(i in known and i not in above, "a split names nothing that may be split")
    yield from leaves(node["plus"], known, {**above, i: 1})
    yield from leaves(node["minus"], known, {**above, i: -1})


# ---- Minima by exact numbers (5.1, 5.2, 5.8). ----------------------------------------------------


def exact_place(case: Case, proof: Json) -> tuple[Exact, Found]:
    """The point at which 5.1 and 5.2 are applied (section 5)."""
    pb, point, found = case.problem, case.problem.point, Found()
    require(pb.slopes is not None, "the rule needs a homogeneous activation")
    require(("slopes" in proof) == (pb.loss == "hinge"), "slopes are for the hinge loss")
    if case.nearby:
        point = read_layers(proof["point"], pb.widths)
        found.radius = distance(point, pb.point)
    ex = evaluate(case, point, proof.get("slopes"))
    found.place, found.loss = point, ex.loss
    return ex, found


def one_sided_derivatives(case: Case, proof: Json) -> Found:
    """Section 5.1, Theorem 1: sum g = 0, and phi >= 0 for every unit and every test vector."""
    pb = case.problem
    pb.require_shallow()
    outputs = pb.widths[2]
    require(("epsilon" in proof) == (outputs > 1), "epsilon is for several outputs")
    ex, found = exact_place(case, proof)
    require_zero(combined(((1, g) for g in ex.g), outputs), "the sum of g")
    for j, trees in enumerate(as_list(proof["units"], pb.widths[1])):
        lin, bends = unit_terms(ex, j)
        v = [row[j] for row in ex.units[1]]
        if not any(v):
            as_list(trees, 0)
            require_zero((a for row in lin for a in row), "lin of a unit without output weights")
            require_zero((c for r in bends.values() for c in r), "C of a unit without outputs")
            continue
        tests = [[Fraction(1 if v[0] > 0 else -1)]]
        if outputs > 1:
            epsilon = positive(proof["epsilon"])
            steps = [(k, side * epsilon) for k in range(outputs) for side in (1, -1)]
            tests = [[a + step * (m == k) for m, a in enumerate(v)] for k, step in steps]
        for test, tree in zip(tests, as_list(trees, len(tests)), strict=True):
            slope = combined(zip(test, lin, strict=True), len(lin[0]))
            bend = {r: dot(test, c) for r, c in bends.items()}
            require_tree(tree, pb.inputs, slope, bend, case.bits)
    shallow_flatness(ex, found)
    return found


def unit_terms(
    ex: Exact, j: int, held: Collection[int] | None = None
) -> tuple[list[list[Number]], dict[int, list[Number]]]:
    """lin_jk (by k) and C_rk (by r, then k) of section 5.1; `held` says what is on the kink."""
    pb, (p, q), outputs = ex.pb, ex.pb.sides, range(len(ex.g[0]))
    slopes, kinks = list[Fraction](), dict[int, list[int]]()
    for i, r in enumerate(pb.groups):
        on_kink = pb.kinked and (ex.pre[0][i][j] == 0 if held is None else r in held)
        slopes.append((p + q) / 2 if on_kink else ex.slope(i, j))
        if on_kink:
            kinks.setdefault(r, []).append(i)
    lin = [
        combined(((g[k] * s, x) for g, s, x in zip(ex.g, slopes, pb.inputs, strict=True)),
                 len(pb.inputs[0]))
        for k in outputs
    ]  # fmt: skip
    bends = {r: [total(ex.g[i][k] for i in members) * ((p - q) / 2) for k in outputs]
             for r, members in kinks.items()}  # fmt: skip
    return lin, bends


def require_tree(
    tree: object, inputs: list[list[Fraction]], slope: list[Number], bend: dict[int, Number],
    bits: int,
) -> None:  # fmt: skip
    """A tree of section 5.1: l.u + sum of c_r |u.x~_r| >= 0 for all u, by an identity a leaf.

    Only groups with c < 0 may be split or dominated, only c >= 0 have tau.
    """
    negative = {r for r, c in bend.items() if sign(c, bits) < 0}
    for node, signs in leaves(tree, negative):
        as_object(node, optional=["dominated", "tau", "mu"])
        dominated = read_keys(node.get("dominated", {}), "dominated",
                              lambda x: read_keys(x, "what dominates", rational))  # fmt: skip
        taus, mus = (read_keys(node.get(k, {}), k, soft) for k in ("tau", "mu"))
        must = negative - signs.keys()
        require(must == set(dominated), "dominated must hold the groups with c < 0 not split")
        require(taus.keys() <= bend.keys() - negative, "tau names no group with c >= 0")
        require(mus.keys() <= signs.keys(), "a multiplier names a group that was not split")
        rays = {s: [side * a for a in inputs[s]] for s, side in signs.items()}
        terms: list[tuple[Number, Sequence[Number]]] = [(Fraction(1), slope)]
        terms += [(bend[s], ray) for s, ray in rays.items()]
        for r, m in dominated.items():
            require(m.keys() <= signs.keys(), "a multiplier names a group that was not split")
            sums = combined(((f, rays[s]) for s, f in m.items()), len(slope))
            require(sums == inputs[r], "a dominated input is not the combination given")
            terms += [(bend[r] * abs(f), rays[s]) for s, f in m.items()]
        for r, tau in taus.items():
            least = min(sign(bend[r] - tau, bits), sign(bend[r] + tau, bits))
            require(least >= 0, "|tau| exceeds c")
            terms.append((tau, inputs[r]))
        for s, mu in mus.items():
            require(sign(mu, bits) >= 0, "mu is negative")
            terms.append((-mu, rays[s]))
        require_zero(combined(terms, len(slope)), "the difference of the two sides at a leaf")


def shallow_flatness(ex: Exact, found: Found) -> None:
    """Flatness of section 5.1, Corollary 1."""
    pb, v, found.strict = ex.pb, ex.units[1][0], "no"
    if pb.widths[2] > 1 or pb.loss in ("cross_entropy", "hinge"):
        return
    units, width = range(pb.widths[1]), pb.widths[0] + 1
    if not all(v[j] for j in units):
        found.rescaled = "no"
        return
    rows, smooth, bent = list[list[Fraction]](), list[list[Fraction]](), list[list[Fraction]]()
    for i, (z, x) in enumerate(zip(ex.pre[0], pb.inputs, strict=True)):
        if not pb.weights[i]:
            continue
        factors = [ex.slope(i, j) if v[j] > 0 else -ex.slope(i, j) for j in units]
        rows.append([f * a for f in factors for a in x] + [Fraction(1)])
        kinks = [j for j in units if pb.kinked and z[j] == 0]
        smooth += [] if kinks else rows[-1:]
        bent += [[a * (m == j) for m in units for a in x] + [Fraction(0)] for j in kinks]
    size = len(units) * width + 1
    upper, lower = size - rank(smooth), size - rank(rows + bent)
    found.rescaled = "yes" if upper == 0 else "no" if lower > 0 else "unknown"
    found.flat = upper + len(units) if upper == lower else None


Kind = tuple[object, ...]  # of a data point, see `point_class`


def point_class(ex: Exact, i: int) -> Kind:
    """The class of a data point in section 5.2: ("dead", n), ("signs", ...) or ("loose", group).

    Only hidden layers count: the outputs are no units, and they never die.
    """
    hidden = [layer[i] for layer in ex.pre[:-1]]
    dead = [n for n, z in enumerate(hidden) if all(v < 0 for v in z)]
    if ex.pb.activation == "relu" and dead:
        return ("dead", dead[-1])
    if not ex.pb.kinked:
        return ("signs",)
    if any(v == 0 for z in hidden for v in z):
        return ("loose", ex.pb.groups[i])
    return ("signs", *(v > 0 for z in hidden for v in z))


def require_classwise(ex: Exact, kinds: list[Kind]) -> None:
    """Theorems 3 and 4: nothing that is constant on each class, or affine on one of signs, helps.

    The sum of g over the class is zero for every output; on one of signs that of g x~.
    """
    classes = dict[Kind, list[int]]()
    for i, kind in enumerate(kinds):
        classes.setdefault(kind, []).append(i)
    for kind, members in classes.items():
        xs = [ex.pb.inputs[i] if kind[0] == "signs" else [Fraction(1)] for i in members]
        for k in range(ex.pb.widths[-1]):
            sums = combined(zip((ex.g[i][k] for i in members), xs, strict=True), len(xs[0]))
            require_zero(sums, f"the sum of a {kind[0]} class")


def pointwise_optimum(case: Case, _: Json) -> Found:
    """Section 5.8, Theorem 3: nothing at all does better, so the point is a minimum."""
    pb = case.problem
    require_classwise(evaluate(case, pb.point), [("loose", r) for r in pb.groups])
    return Found(place=pb.point)


def classwise_optimum(case: Case, proof: Json) -> Found:
    """Section 5.2, Theorem 4: nothing affine or constant on each class does better."""
    ex, found = exact_place(case, proof)
    require_classwise(ex, [point_class(ex, i) for i in range(len(ex.g))])
    found.strict = hidden_homogeneous(ex.pb)
    return found


def hidden_homogeneous(pb: Problem) -> str:
    """`strict` for rules 5.2 and 5.4."""
    return "no" if pb.slopes is not None and pb.depth > 0 else "unknown"


# ---- Minima in a box where the loss is convex, and saddles (5.3, 5.5, 5.6, 9.3, 9.4). ------------


def convex(case: Case, box: Box, slopes: Callable[[], Sequence[Number]]) -> Found:
    """Theorem 5: where the Hessian is above the bound, a gradient is small, or exactly zero."""
    found = Found("yes", eigenvalue=case.eigenvalue)
    if case.nearby:
        found.loss, found.radius = require_minimum(box, case.eigenvalue), box.reach()
    else:
        require(box.centre == case.program.point, "the centre is not the problem's point")
        require_zero(slopes(), "the gradient")
        found.place = box.centre
    return found


def strongly_convex(case: Case, proof: Json) -> Found:
    """Section 9.3, Theorem 5; with `idle` also rule `idle_parameters`."""
    program, point, idle = case.program, case.program.point, list[int]()
    box = case.read_box(proof, range(len(point)))
    if "idle" in proof:
        idle, slope = read_increasing(proof["idle"], len(point)), box.over.gradient()
        require(not any(slope.m[i] or slope.r[i] for i in idle), "a parameter may have an effect")
    free = sorted(set(box.free) - set(idle))
    if free:
        found = convex(case, box, lambda: Curved(program, case.exact(point)).gradient().entries)
        require(len(free) <= MAX_HESSIAN, "there are too many parameters for a Hessian")
        require_above(box.over.hessian(free), case.eigenvalue)
    else:
        require(not case.nearby, "the loss is constant around the point")
        require(box.centre == point, "the centre is not the problem's point")
        found = Found(place=box.centre)
    if idle:
        found.strict, found.flat = "no", len(idle)
    return found


def krawczyk(case: Case, proof: Json) -> Found:
    """Section 9.4: a critical point in the box, and the signs of the Hessian's eigenvalues."""
    box = case.read_box(proof, range(len(case.program.point)))
    negative, loss = isolated(box, proof["preconditioner"])
    require(negative >= 1, "the critical point is no saddle")
    return Found(index=negative, loss=loss, radius=box.reach())


def convex_ball(case: Case, proof: Json) -> Found:
    """Section 5.3, Theorem 5: the loss is strongly convex on a box, its gradient small or zero."""
    return convex_box(case, proof, read_increasing(proof["fixed"], len(case.program.point), 0))[0]


def convex_box(case: Case, proof: Json, fixed: list[int]) -> tuple[Found, Box]:
    """Rule 5.3 with these parameters fixed; also gives the box."""
    pb = case.problem
    free = sorted(set(range(len(pb.point))) - set(fixed))
    require(len(free) > 0, "there is no free parameter")
    bound, box = case.eigenvalue, case.read_box(proof, free)
    dead = check_fixed(case, box, fixed)
    found = convex(case, box, lambda: exact_slopes(case, free))
    found.rescaled, found.flat = "no" if dead else "yes", len(fixed)
    if pb.slopes is not None and pb.depth:
        found.strict = "no"
    # no Hessian is larger than the file's matrix
    square = read_square(proof["transform"], len(free), case.bits)
    require_definite(box.over.hessian(box.free), bound, square)
    return found, box


def exact_slopes(case: Case, free: list[int]) -> list[Number]:
    """The gradient in the free parameters, from the exact g of the outputs on."""
    ex, last, slopes = (
        evaluate(case, case.problem.point),
        case.program.outputs or 0,
        list[Number](),
    )
    for i in free:
        axis = case.exact([Fraction(i == j) for j in range(len(case.problem.point))])
        moved = tangent(case.program.steps[: last + 1], case.values, axis)[last]
        moves = moved.entries if moved else []
        slopes.append(dot((g for row in ex.g for g in row), moves) if moves else Fraction(0))
    require(not any(isinstance(v, Interval) for v in slopes), "a derivative is not rational")
    return slopes


def check_fixed(case: Case, box: Box, fixed: list[int]) -> bool:
    """Kinks and which parameters may be fixed (section 5.3); returns whether a unit is dead."""
    pb, off = case.problem, list[bool]()  # for each hidden unit whether it is dead
    if pb.slopes is None or not pb.depth:
        require(not fixed, "a smooth network has no fixed parameters")
        return False
    for (_, step), width in zip(case.program.layers, pb.widths[1:-1], strict=False):
        z = box.over.values[step]
        known = z.nonzero() or not pb.kinked
        require_shown(known, "a pre-activation is not bounded away from the kink")
        off += [pb.activation == "relu" and max(z.m[j::width]) < 0 for j in range(width)]
    of_dead = {p for (into, out), dead in zip(pb.wires, off, strict=True) if dead
               for p in (*into, *out)}  # fmt: skip
    require(of_dead <= set(fixed), "a parameter of a dead unit is not fixed")
    rest = set(fixed) - of_dead
    for into, _ in pb.wires:
        taken = rest.intersection(into)
        require(len(taken) <= 1, "two parameters of one unit are fixed")
        require(all(box.centre[p] for p in taken), "a fixed parameter is zero")
        rest -= taken
    require(not rest, "an output parameter is fixed")
    return any(off)


# of a live unit: its held groups, the basis, and its columns of F, point by point
Live = tuple[list[int], list[list[Fraction]], list[list[Fraction]]]


def read_live(item: object, ex: Exact, j: int, r: Fraction) -> Live | None:
    """Reads and checks the entry of unit j (section 5.5, the first three items); None: dead."""
    pb, pre, v = ex.pb, [z[j] for z in ex.pre[0]], ex.units[1][0][j]
    if item is None:
        dead = pb.sides[1] == 0 and all(z < 0 for z in pre)
        require(dead, "a unit given as dead is not")
        return None
    fields, size = as_object(item, "held", "basis"), pb.widths[0] + 1
    held = read_increasing(fields["held"], len(pb.xs), least=0)
    require(set(held) <= set(pb.groups), "held lists no groups")
    require(v != 0, "a live unit has output weight zero")
    require(all(pre[i] == 0 for i in held), "a held input is not on the kink")
    inputs = [pb.inputs[i] for i in held]
    require(rank(inputs) == len(held), "the held inputs are linearly dependent")
    basis = [read_row(row, size) for row in as_list(fields["basis"], size - len(held))]
    require(not any(inner(b, x) for b in basis for x in inputs), "the basis is not orthogonal")
    along = [[inner(b, x) for b in basis] for x in pb.inputs]
    free = [group not in held for group in pb.groups]
    near = (abs(z) <= r * sum(map(abs, row)) for z, row in zip(pre, along, strict=True))
    reaches = any(n and f for n, f in zip(near, free, strict=True))
    require(not reaches, "a pre-activation may reach its kink")
    factors = [v * ex.slope(i, j) * f for i, f in enumerate(free)]
    return held, basis, [[f * a for a in row] for f, row in zip(factors, along, strict=True)]


def kinked_ball(case: Case, proof: Json) -> Found:
    """Section 5.5, Theorem 9: a minimum on kinks with the logistic loss."""
    pb, bits = case.problem, case.bits
    pb.require_shallow(single=True)
    require(pb.kinked, "the rule needs kinks")
    bound, r, centre = case.eigenvalue, positive(proof["radius"]), case.read_point(proof["centre"])
    ex = evaluate(case, centre)
    v = ex.units[1][0]
    require(v[:-1] == pb.units(pb.point)[1][0][:-1], "the centre has other output weights")
    items = as_list(proof["units"], pb.widths[1])
    faces = [read_live(item, ex, j, r) for j, item in enumerate(items)]
    live = [(j, face) for j, face in enumerate(faces) if face is not None]
    rows = [[*(a for _, (_, _, parts) in live for a in parts[i]), Fraction(1)]
            for i in range(len(pb.xs))]  # fmt: skip
    size = len(rows[0])
    # the loss as a program of the coordinates y: of f + F y
    w = Writer(OF_DENSE)
    y = w.matmul(w.const((len(rows), size), [a for row in rows for a in row]),
                 w.param("y", (size, 1)))  # fmt: skip
    f = w.add(y, w.const((len(rows), 1), [z for (z,) in ex.pre[1]]))
    weighted_sum(w, pb, losses(w, pb, f))
    origin = [Fraction(0)] * size
    box = Box(Program(w.steps, origin), origin, r, range(size), bits)
    loss = require_minimum(box, bound)
    require_definite(box.over.hessian(box.free), bound, read_square(proof["transform"], size, bits))
    wide = replace(ex, g=[[g] for g in box.over.bar(f).intervals()])
    for j, (held, _, _) in live:
        require_held(wide, j, held, 1 if v[j] > 0 else -1, bits)
    sums = (sum(map(abs, c)) for _, (_, basis, _) in live for c in zip(*basis, strict=True))
    radius = distance(centre, pb.point) + r * max([Fraction(1), *sums])
    dead = len(faces) - len(live)
    flat = len(live) + (pb.widths[0] + 2) * dead
    return Found("no", "no" if dead else "yes", flat, bound, loss, radius)


def require_held(ex: Exact, j: int, held: list[int], side: int, bits: int) -> None:
    """Section 5.5, fourth item: |tau_r| < sign(v_j) C_jr, tau = (X X^T)^-1 X lin_j."""
    (lin,), bends = unit_terms(ex, j, held)
    inputs = [ex.pb.inputs[r] for r in held]
    gram = [[inner(a, b) for b in inputs] for a in inputs]
    projected = [dot(x, lin) for x in inputs]
    for r, weights in zip(held, inverse(gram), strict=True):
        tau = interval(dot(weights, projected), bits)
        stays = abs(tau).hi < interval(bends[r][0] * side, bits).lo
        require_shown(stays, "a held input may leave its kink")


def twin_units(case: Case, proof: Json) -> Found:
    """Section 5.6, Theorem 19: equal units merged give a strict minimum; parted they cost more."""
    pb, size = case.problem, case.problem.widths[0] + 1
    pb.require_shallow(single=True)
    require(pb.slopes is None, "the rule needs a smooth activation")
    units, (outward,) = pb.units(pb.point)
    kinds = list(dict.fromkeys(map(tuple, units)))
    place = [kinds.index(tuple(unit)) for unit in units]  # of each unit the merged unit
    shared = [[v for v, m in zip(outward, place, strict=False) if m == k]
              for k in range(len(kinds))]  # fmt: skip
    sums = [sum(part, Fraction(0)) for part in shared]
    twins = [k for k in range(len(kinds)) if len(shared[k]) > 1]
    require(len(twins) > 0, "no two units are equal")
    merged = flatten([[list(kind) for kind in kinds], [[*sums, outward[-1]]]])
    small = replace(pb, widths=[pb.widths[0], len(kinds), 1], point=merged)
    small_case = replace(case, program=dense_program(small))
    found, box = convex_box(small_case, proof, [])
    near, ((*heights, end),) = small.units(box.centre)
    for k, bend in zip(twins, as_list(proof["bends"], len(twins)), strict=True):
        side, up = parting_side(shared[k]), 1 if sums[k] > 0 else -1
        require(up * heights[k] > box.radius, "twins may lose their weight")
        form = parting_form(small_case, box, k, side)
        require_definite(form, Fraction(0), read_square(bend, size, case.bits))
    # the output weights of the minimum are fixed shares of the merged ones
    shares = [v / sums[k] if k in twins else Fraction(1)
              for v, k in zip(outward, place, strict=False)]  # fmt: skip
    weights = [share * heights[k] for share, k in zip(shares, place, strict=True)]
    nearest = flatten([[near[k] for k in place], [[*weights, end]]])
    found.strict = found.rescaled = "no"
    found.flat, found.place = len(units) - len(kinds), None
    if case.nearby:
        found.radius = distance(nearest, pb.point) + box.radius * max(1, *map(abs, shares))
    return found


def parting_form(case: Case, box: Box, k: int, side: int) -> list[Balls]:
    """Side times B(X) of section 5.6, for unit k of the merged network."""
    pb, ((_, first), (_, last)) = case.problem, case.program.layers
    n, size, slopes = len(pb.xs), pb.widths[0] + 1, box.over.bar(last)
    z = box.over.values[first].pick(range(k, n * pb.widths[1], pb.widths[1]))
    require_shown(pb.activation not in BENT or z.nonzero(), "a twin may be at 0")
    curves = slopes.times(z.mapped((pb.activation, None), 2))
    plain = z.like(v for x in pb.inputs for v in x)
    turned = z.like(v * side for x in pb.inputs for v in x)
    scaled = curves.pick([i for i in range(n) for _ in range(size)]).times(turned)
    return plain.outer((0, size, n, False), scaled, (0, size, n, False)).rows(size)


def parting_side(v: list[Fraction]) -> int:
    """The sign of sum v_j t_j^2 for all t != 0 with sum v_j t_j = 0, by Sylvester's inertia.

    The space is the complement of (1, ..., 1) in this form, so the inertia is that of the v_j less
    the sign of their sum.
    """
    signs = [(a > 0) - (a < 0) for a in v]
    total = sum(v, Fraction(0))
    require(total != 0 and all(v), "twins have an output weight, or a sum of them, that is zero")
    up, down = signs.count(1) - (total > 0), signs.count(-1) - (total < 0)
    require(up == 0 or down == 0, "the output weights of twins have signs that allow no minimum")
    return 1 if down == 0 else -1


# ---- Minima with constant outputs: dead layers, and units that do not see the data (5.4, 5.7). ---


def constant_output(case: Case, proof: Json) -> Found:
    """Section 5.4, Theorem 6: one dead class; only the output biases have to move."""
    pb = case.problem
    radius = positive(proof["radius"])
    require(pb.activation == "relu" and pb.depth > 0, "the rule needs relu units")
    ex = evaluate(case, pb.point)
    kinds = {point_class(ex, i) for i in range(len(pb.xs))}
    require(len(kinds) == 1 and min(kinds)[0] == "dead", "the points are not in one dead class")
    losses = [require_best_near(pb, k, f, radius, case.bits) for k, f in enumerate(ex.pre[-1][0])]
    return Found(hidden_homogeneous(pb), loss=total(losses), radius=radius)


def constant_units(case: Case, proof: Json) -> Found:
    """Section 5.7, Theorem 20: all units are constant on the data; the sums G decide."""
    pb, bits = case.problem, case.bits
    pb.require_shallow(single=True)
    require(pb.slopes is None, "the rule needs a smooth activation")
    units, (outward,) = pb.units(pb.point)
    affine = False
    for unit, v in zip(units, outward, strict=False):
        levels = {inner(unit, x) for x in pb.inputs}
        require(len(levels) == 1, "a unit is not constant on the data")
        bend = curvature(pb.activation, levels.pop(), bits)
        require(bend == 0 or bend * v > 0, "a unit bends the wrong way")
        affine = affine or bend == 0
    mean = weighted_mean(pb, 0)
    sums = dict.fromkeys(pb.groups, Fraction(0))
    for r, (y,), weight in zip(pb.groups, pb.ys, pb.weights, strict=True):
        sums[r] += (mean - y) * weight
    found, spanned = Found("no", "no"), None
    if proof["transport"] is None:
        spanned = definite_moments(pb.xs, sums)
    else:
        check_transport(pb.xs, sums, proof["transport"])
    if spanned is not None and not affine:
        found.flat = pb.widths[1] * (pb.widths[0] - spanned + 2)
    if case.nearby:
        output, found.radius = case.values[case.program.layers[-1][1]], positive(proof["radius"])
        found.loss = require_best_near(pb, 0, output.entries[0], found.radius, bits)
    else:
        found.loss = best_constant(pb, 0, bits)[1]
        require_zero([total(g for (g,) in evaluate(case, pb.point).g)], "the sum of g")
        found.place = pb.point
    return found


def curvature(activation: str, z: Fraction, bits: int) -> int:
    """The sign of act'' around z (the table of 5.7); 0 where act is affine."""
    place = Interval.of(z, bits)
    forms: dict[str, Number] = {
        "softplus": Fraction(1), "gelu": 2 - z * z, "silu": 2 + place * (1 - 2 * atom(-place)),
        **dict.fromkeys(("sigmoid", "tanh", "softsign", "elu"), -z),
    }  # fmt: skip
    known = activation in forms
    bend = sign(forms[activation] if known else enclosure(activation, None, place)[2], bits)
    require(bend != 0, f"act'' has no sign {'there' if z else 'at 0'}")
    return 0 if activation == "elu" and z > 0 else bend


def definite_moments(xs: list[list[Fraction]], sums: dict[int, Fraction]) -> int:
    """Condition (a) of Theorem 20; returns the rank rho of the differences of inputs.

    M is a form of the values of u on the differences alone (the G sum to 0), and these can be any
    with u in the coordinates that are pivots of their span: M is semidefinite with rank rho if and
    only if it is positive definite in these. By elimination.
    """
    size = len(xs[0])
    require_zero(combined(((g, xs[r]) for r, g in sums.items()), size), "the sum of G x")
    spanned = row_space([[a - b for a, b in zip(x, xs[0], strict=True)] for x in xs])
    rows = [[sum((g * xs[r][a] * xs[r][b] for r, g in sums.items()), Fraction(0))
             for b in sorted(spanned)] for a in sorted(spanned)]  # fmt: skip
    while rows:
        (top, *ahead), *rest = rows
        require(top >= 0, "the second moments are not positive")
        require(top > 0, "the second moments are singular on the differences of inputs")
        rows = [[b - row[0] / top * a for a, b in zip(ahead, row[1:], strict=True)] for row in rest]
    return len(spanned)


def check_transport(xs: list[list[Fraction]], sums: dict[int, Fraction], table: object) -> None:
    """Condition (b) of Theorem 20: masses spread from inputs to others around them make G."""
    made, what = dict.fromkeys(sums, Fraction(0)), "a transport"
    for r, masses in read_keys(table, what, lambda x: read_keys(x, what, rational)).items():
        require({r, *masses} <= sums.keys(), "a transport names no group")
        require(all(a >= 0 for a in masses.values()), "a mass is negative")
        spread = combined(((a, xs[s]) for s, a in masses.items()), len(xs[r]))
        own = combined([(-sum(masses.values()), xs[r]), (1, spread)], len(xs[r]))
        require_zero(own, "the mean of what an input is spread to, less it,")
        for s, a in masses.items():
            made[s] += a
            made[r] -= a
    require(made == sums, "the transport does not make the sums of g")


def weighted_mean(pb: Problem, k: int) -> Fraction:
    """The mean of the targets for output k, with the weights of the points (9.12)."""
    n = sum(pb.weights, Fraction(0))
    require(n > 0, "no point has a weight")
    return sum((row[k] * w for row, w in zip(pb.ys, pb.weights, strict=True)), Fraction(0)) / n


def best_constant(pb: Problem, k: int, bits: int) -> tuple[Number, Number]:
    """The best constant for output k and its loss (5.4, 5.7), for both labels n log(n / n_y)."""
    pairs = [(row[k], w) for row, w in zip(pb.ys, pb.weights, strict=True)]
    mean, n = weighted_mean(pb, k), sum(pb.weights, Fraction(0))
    if pb.loss == "squared":
        return mean, sum(((mean - y) ** 2 * w for y, w in pairs), Fraction(0))
    ones = sum((w for y, w in pairs if y == 1), Fraction(0))
    require(0 < ones < n, "one label alone has no best constant")
    one, other = (log(Interval.of(n / m, bits))[0] for m in (ones, n - ones))
    return other - one, one * ones + other * (n - ones)


def require_best_near(pb: Problem, k: int, f: Number, radius: Fraction, bits: int) -> Number:
    """Output k is f everywhere, less than the radius from the best constant, whose loss this is."""
    best, loss = best_constant(pb, k, bits)
    near = sign(radius - abs(interval(best - f, bits)), bits) > 0
    require(near, "the best constant is not within the radius")
    return loss


# ---- Refutations: derivatives, and rays along which the loss falls for ever (6, 9.5, 9.11). ------


RISING = {"exp": (0, None), "sigmoid": (0, 1), "tanh": (-1, 1), "erf": (-1, 1), "softsign": (-1, 1),
          "softplus": (0, None), "elu": (-1, None), "normal": (0, 1), "log": (None, None),
          "sqrt": (0, None)}  # fmt: skip
STEEPNESS = {"tanh": 2, "sigmoid": 1}  # l: the derivative is l^2 e^(-l|z|) / (1 + e^(-l|z|))^2


@dataclass(frozen=True)
class Course:
    """A number a(t) for t >= 0."""

    start: Number  # a(0)
    rate: Number | None  # a(t) = start + t rate, if it is affine
    way: int | None  # 1: strictly increasing, -1: strictly decreasing, 0: fixed; None: not known
    limit: Number | None  # for t to infinity; None: infinite, on the side of the way, if known
    bits: int
    parts: Mapping[int, Number] | None = None  # a(t) = c + the sum of these times `tails`

    def side(self) -> int:
        """1 if a(t) >= 0 for all t, -1 if a(t) <= 0, 0 if neither is known. The way is known."""
        ends = [interval(x, self.bits) for x in (self.start, self.limit) if x is not None]
        if all(e.lo >= 0 for e in ends) and (self.limit is not None or self.way == 1):
            return 1
        return -all(e.hi <= 0 for e in ends) if self.limit is not None or self.way == -1 else 0


def sign_of(x: Number, bits: int) -> int | None:
    """The sign, if it is known at this precision."""
    try:
        return sign(x, bits)
    except Undecided:
        return None


def affine(start: Number, rate: Number, bits: int) -> Course:
    """Start + t rate."""
    way = sign_of(rate, bits)
    limit, parts = (start, dict[int, Number]()) if way == 0 else (None, None)
    return Course(start, rate, way, limit, bits, parts)


def known_sum(parts: Iterable[Number | None]) -> Number | None:
    """The sum, if all are known."""
    known = list(parts)
    return None if None in known else total(x for x in known if x is not None)


def scaled(path: Course, factor: Number) -> Course | None:
    """The product by a fixed number."""
    side, bits = sign_of(factor, path.bits), path.bits
    if side == 0:
        return affine(Fraction(0), Fraction(0), bits)
    if path.rate is not None:
        return affine(path.start * factor, path.rate * factor, bits)
    if path.way is None or side is None:
        return None
    parts = None if path.parts is None else {e: x * factor for e, x in path.parts.items()}
    limit = None if path.limit is None else path.limit * factor
    return Course(path.start * factor, None, path.way * side, limit, bits, parts)


def product(a: Course | None, b: Course | None) -> Course | None:
    """By a fixed number; or of two that move away from 0, or towards it, together."""
    for one, other in ((a, b), (b, a)):
        if other is not None and other.way == 0:
            if one is not None:
                return scaled(one, other.start)
            zero = sign_of(other.start, other.bits) == 0
            return affine(Fraction(0), Fraction(0), other.bits) if zero else None
    if a is None or b is None or a.way is None or b.way is None:
        return None
    sides = a.side(), b.side()
    if 0 in sides or a.way * sides[0] != b.way * sides[1]:
        return None
    # An infinite limit is one of numbers that move away from 0: then the other's is not 0.
    limit = None if a.limit is None or b.limit is None else a.limit * b.limit
    return Course(a.start * b.start, None, a.way * sides[1], limit, a.bits)


def added(paths: list[Course | None], bits: int) -> Course | None:
    """The sum: of affine ones, or of such as move the same way."""
    known = [p for p in paths if p is not None]
    if len(known) < len(paths):
        return None
    start, rate = total(p.start for p in known), known_sum(p.rate for p in known)
    if rate is not None:
        return affine(start, rate, bits)
    ways = {p.way for p in known} - {0}
    if None in ways or len(ways) > 1:
        return None
    parts, limit = dict[int, Number](), known_sum(p.limit for p in known)
    for e, x in ((e, x) for p in known for e, x in (p.parts or {}).items()):
        parts[e] = parts.get(e, Fraction(0)) + x
    tailed = all(p.parts is not None for p in known)
    return Course(start, None, ways.pop() if ways else 0, limit, bits, parts if tailed else None)


def mapped(path: Course | None, function: Function) -> Course | None:
    """A function of it: on one side of a kink, or one that strictly increases or decreases.

    `Undecided` if it may be undefined for some t.
    """
    (name, slopes), positive = function, function[0] in ("log", "sqrt", "reciprocal")
    if path is None or path.way is None:
        if positive:
            raise Undecided("a function may be undefined along the ray")
        return None
    bits, way = path.bits, path.way
    if way == 0:
        start = value_and_slope(function, path.start, bits)[0]
        return affine(start, Fraction(0), bits)
    if slopes is not None:
        side = path.side()
        return scaled(path, slopes[0 if side > 0 else 1]) if side else None
    turned = name == "reciprocal"
    if not turned and name not in RISING:
        return None
    low, high = (None, 0) if turned else RISING[name]
    end = path.limit
    if positive:
        ends = [interval(x, bits) for x in (path.start, end) if x is not None]
        if ends[0].lo <= 0 or ends[-1].lo < 0 or (end is None and way < 0):
            raise Undecided("a function may be undefined along the ray")
        if end is not None and ends[-1].lo == 0:
            if ends[-1].hi > 0:
                return None
            end = None  # the limit is that at the lower end of the domain
    if end is not None:
        limit: Number | None = value_and_slope(function, end, bits)[0]
    else:
        edge = high if way > 0 else low
        limit = None if edge is None else Fraction(edge)
    start = value_and_slope(function, path.start, bits)[0]
    return Course(start, None, -way if turned else way, limit, bits)


def log_sum(ds: list[Course | None], bits: int) -> Course | None:
    """log(1 + the sum of all exp(d)), which rises with each d."""
    known = [d for d in ds if d is not None]
    ways = {d.way for d in known} - {0}
    if len(known) < len(ds) or None in ways or len(ways) > 1:
        return None
    way = ways.pop() if ways else 0
    ends = [interval(d.limit, bits) for d in known if d.limit is not None]
    limit: Number | None = log_one_plus_exp(*ends) if ends else Fraction(0)
    start = log_one_plus_exp(*(interval(d.start, bits) for d in known))
    return Course(start, None, way, None if way == 1 and len(ends) < len(ds) else limit, bits)


def tails(name: str, paths: list[Course | None], bits: int) -> dict[int, Number]:
    """Theorem 25: slopes of a saturating function of numbers z + t k, fixed or leaving 0.

    They are derivatives over that of the function at the first with the least |k|; of what moves.
    """
    pairs = [(p.start, p.rate) for p in paths if p is not None]
    zs = [(z, k) for z, k in pairs if isinstance(z, Fraction) and isinstance(k, Fraction)]
    moving = [i for i, (_, k) in enumerate(zs) if k]
    if len(zs) < len(paths) or not moving or any(zs[i][0] * zs[i][1] <= 0 for i in moving):
        return {}
    steep, first = STEEPNESS.get(name), min(moving, key=lambda i: abs(zs[i][1]))
    if steep is None and any(k not in (0, z) for z, k in zs):
        return {}
    least = abs(zs[first][0])

    def decay(z: Fraction) -> Interval:
        gap = (z * z - least * least) / 2 if steep is None else steep * (abs(z) - least)
        return exp(Interval.of(-gap, bits))[0]

    top = Interval.of(1, bits) if steep is None else (1 + decay(2 * least)).square()
    none = Interval(0, 0, bits)
    return {i: zs[i][1] if i == first else hull(none, decay(zs[i][0]) * top) * zs[i][1]
            for i in moving}  # fmt: skip


def courses(
    case: Case, direction: list[Fraction]
) -> tuple[list[list[Course | None] | None], dict[int, Number]]:
    """All numbers along the ray from the problem's point, and slopes of the first of `tails`.

    None stands for a step that does not move. `Undecided` if a function may be undefined for some
    t, or a rate or limit grows too long.
    """
    program, bits, slopes = case.program, case.bits, dict[int, Number]()
    paths = list[list[Course | None] | None]()
    for k, step in enumerate(program.steps):
        own = case.values[k].entries
        row: list[Course | None] | None = None
        if step.block:
            rates = direction[step.block.start : step.block.stop]
            if any(rates):
                row = [affine(x, r, bits) for x, r in zip(own, rates, strict=True)]
        elif any(paths[i] is not None for i in step.of):
            args = [
                paths[i] or [affine(x, Fraction(0), bits) for x in case.values[i].entries]
                for i in step.of
            ]
            if program.joint is not None and k == program.joint[1]:
                ds = paths[program.joint[0]] or []
                width = len(ds) // len(own)
                row = [log_sum(ds[i : i + width], bits) for i in range(0, len(ds), width)]
            elif isinstance(step, Map):
                row, name = [mapped(path, step.function) for path in args[0]], step.function[0]
                if program.layers and not slopes and name in (*STEEPNESS, "normal"):
                    slopes = tails(name, args[0], bits)
                    row = [replace(p, parts={e: Fraction(1)}) if p and e in slopes else p
                           for e, p in enumerate(row)]  # fmt: skip
            else:
                row = [
                    added([t[0] if len(t) == 1 else product(*t) for t in terms], bits)
                    for terms in summands(step, args)
                ]
        if row is not None:  # they grow on their own, so none may be too long either
            known = (x for p in row if p
                     for x in (p.start, p.rate, p.limit, *(p.parts or {}).values())
                     if x is not None)  # fmt: skip
            case.values[k].made(list(known))
        paths.append(row)
    return paths, slopes


LossAt = Callable[[list[Interval]], tuple[Interval, list[Interval]]]


def loss_of_outputs(case: Case) -> LossAt:
    """Encloses the loss and its derivative by the outputs, point by point.

    What the program does before the outputs is cut off, and they become its parameters.
    """
    program, last = case.program, case.program.layers[-1][1]
    require(not any(case.problem.penalties), "the loss is not one of the outputs alone")
    none, outputs = Step((), (), (Fraction(0),)), program.steps[last]
    start = Step((), outputs.shape, block=range(outputs.size))
    rest = Program([*[none] * last, start, *program.steps[last + 1 :]], [])

    def loss_at(f: list[Interval]) -> tuple[Interval, list[Interval]]:
        found = Curved(rest, case.values[last].made(f))
        return found.loss.intervals()[0], found.gradient().intervals()

    return loss_at


def falling(case: Case, direction: list[Fraction]) -> Found:
    """Theorem 33: along the ray the loss strictly decreases, to a limit."""
    rows, slopes = courses(case, direction)
    (path,) = rows[-1] or [None]
    if path is not None and path.way is not None:
        if path.way != -1 or path.limit is None:
            raise Invalid("the loss does not fall to a limit")
        return Found(limit=interval(path.limit, case.bits))
    outputs = rows[case.program.outputs or 0] if case.program.layers else None
    known = [p for p in outputs or [] if p is not None and p.parts is not None]
    if not known or len(known) < len(outputs or []):
        raise Undecided("the loss is not shown to fall for ever")
    return falling_outputs(case, known, slopes)


def falling_outputs(case: Case, outputs: list[Course], slopes: dict[int, Number]) -> Found:
    """Section 9.11, outputs that move alike: rule 5 of Theorem 33, with slopes by Theorem 25."""
    pb, width, loss_at = case.problem, case.problem.widths[-1], loss_of_outputs(case)
    convex = pb.loss in ("squared", "logistic", "cross_entropy") and min(pb.weights) >= 0
    limits = [interval(p.limit, case.bits) for p in outputs if p.limit is not None]
    require(len(limits) == len(outputs), "an output has no finite limit")
    places = list(limits)
    points = [range(i, i + width) for i in range(0, len(outputs), width)]
    moving = [{e for k in own for e in outputs[k].parts or ()} for own in points]
    for own, numbers in zip(points, moving, strict=True):
        if not convex or len(numbers) > 1:
            for k in own:
                places[k] = hull(interval(outputs[k].start, case.bits), limits[k])
    g = loss_at(places)[1]
    rise = total(
        slopes[e] * total(g[k] * (outputs[k].parts or {}).get(e, 0) for k in own)
        for own, numbers in zip(points, moving, strict=True)
        for e in sorted(numbers)
    )
    require_shown(interval(rise, case.bits).hi < 0, "the loss is not shown to fall for ever")
    return Found(limit=loss_at(limits)[0])


def monotone_valley(case: Case, proof: Json) -> Found:
    """Section 9.11: a ray; with gates one of the network in which z S(m z) stands for act(z)."""
    direction = case.read_point(proof["direction"])
    if "gates" in proof:
        pb = case.problem
        known = pb.depth > 0 and pb.activation in GATES and not any(pb.penalties)
        require(known, f"the rule needs {' or '.join(GATES)} without a penalty")
        gates = read_row(proof["gates"], sum(pb.widths[1:-1]))
        require(all(g >= 0 for g in gates), "a gate closes")
        case, direction = replace(case, program=dense_program(pb, gated=True)), gates + direction
    return falling(case, direction)


def valley_to_infinity(case: Case, proof: Json) -> Found:
    """Section 6.4, Theorem 8: a ray of the last layer, with a log loss."""
    pb = case.problem
    fields = as_object(proof["direction"], "weight", "bias")
    last = read_layers({"layers": [fields]}, pb.widths[-2:])
    return falling(case, [Fraction(0)] * (len(pb.point) - len(last)) + last)


def descent_direction(case: Case, proof: Json) -> Found:
    """Sections 6.1 and 9.5: the one-sided derivative along the direction is negative."""
    direction = case.values[-1].like(case.read_point(proof["direction"]))
    slope = tangent(case.program.steps, case.values, direction)[-1]
    falls = slope is not None and sign(slope.entries[0], case.bits) < 0
    require(falls, "the loss does not fall along the direction")
    return Found()


def negative_curvature(case: Case, proof: Json) -> Found:
    """Sections 6.3 and 9.5, Theorem 7: the second derivative along the direction is negative."""
    program = case.program
    direction = Balls.around(case.read_point(proof["direction"]), Fraction(0), case.bits)
    at = Curved(program, direction.like(program.point))
    for step in program.steps:
        if isinstance(step, Map):
            name, slopes = step.function
            kinked = slopes is not None and slopes[0] != slopes[1]
            smooth = not (kinked or name in BENT) or at.values[step.of[0]].nonzero()
            require_shown(smooth, "an argument may be at a kink or a jump")
    column = at.flat(tangent(at.steps, at.values, direction))
    bent = total(column.times(direction).intervals())
    require(sign(bent, case.bits) < 0, "the second derivative is not negative")
    return Found()


def zero_output_weight(case: Case, proof: Json) -> Found:
    """Section 6.2, Theorem 1: a unit without output weights, and psi(u) is not zero."""
    pb = case.problem
    pb.require_shallow()
    require(pb.slopes is not None, "the rule needs a homogeneous activation")
    (_, j), k = pb.unit(0, proof["unit"]), as_int(proof["output"])
    require(0 <= k < pb.widths[2], "there is no such output")
    u = read_row(proof["direction"], pb.widths[0] + 1)
    ex = evaluate(case, pb.point)
    require(not any(row[j] for row in ex.units[1]), "the unit has output weights")
    lin, bends = unit_terms(ex, j)
    bent = dot((c[k] for c in bends.values()), (abs(inner(u, pb.inputs[r])) for r in bends))
    require(sign(dot(u, lin[k]) + bent, case.bits) != 0, "psi is zero")
    return Found()


# ---- A valley along which units merge (6.5, Theorem 26). -----------------------------------------


MAX_PARTS, MAX_POWERS, NARROWEST = 500, 200, Fraction(1, 2**20)
HALF, SIXTH, TENTH = Fraction(1, 2), Fraction(1, 6), Fraction(1, 10)

Curve = dict[int, Fraction]  # a Laurent polynomial of r: coefficients by powers
Curves = list[list[list[Curve]]]  # for each layer and unit its incoming weights, then the bias
Merger = tuple[int, int, int, Fraction]  # layer, units j and k, s
Moving = tuple[Interval, Interval]  # a value over an interval of r, and its derivative by r


def curve_sum(*parts: tuple[Curve, Fraction | int, int]) -> Curve:
    """The sum of (curve, factor, n), each the curve times factor r^n."""
    found = collection((k + n, c * factor) for curve, factor, n in parts for k, c in curve.items())
    require(len(found) <= MAX_POWERS, "a curve has too many powers")
    return found


def curve_dot(us: Sequence[Curve], vs: Sequence[Curve]) -> Curve:
    """The inner product of two vectors of curves."""
    return curve_sum(*((v, c, k) for u, v in zip(us, vs, strict=True) for k, c in u.items()))


def along(curve: Curve, r: Interval) -> Moving:
    """A curve without negative powers."""
    value, slope = Interval(0, 0, r.bits), Interval(0, 0, r.bits)
    for k in range(max(curve, default=-1), -1, -1):
        slope = slope * r + value
        value = value * r + curve.get(k, Fraction(0))
    return value, slope


def moving_dot(us: Sequence[Moving], vs: Sequence[Moving]) -> Moving:
    """The inner product."""
    pairs, zero = list(zip(us, vs, strict=True)), Interval(0, 0, us[0][0].bits)
    slope = sum((dx * y + x * dy for (x, dx), (y, dy) in pairs), zero)
    return sum((x * y for (x, _), (y, _) in pairs), zero), slope


def require_positive_along(function: Callable[[Interval], Interval], bits: int, what: str) -> None:
    """A function of r is positive on the parts of a partition of [0, 1]."""
    waiting = [(Fraction(0), Fraction(1))]
    for _ in range(MAX_PARTS):
        low, high = waiting.pop()
        part = Interval(Interval.of(low, bits).lo, Interval.of(high, bits).hi, bits)
        value, middle = function(part), (low + high) / 2
        if value.lo <= 0:
            require(value.hi > 0, what)
            require_shown(high - low >= NARROWEST, what)
            waiting += [(low, middle), (middle, high)]
        if not waiting:
            return
    raise Invalid(what)


def read_mergers(case: Case, x: object) -> list[Merger]:
    """Reads pairs of units that no other pair names."""
    pb, found, used = case.problem, list[Merger](), list[tuple[int, int]]()
    for item in as_list(x):
        parts = as_object(item, "layer", "units", "factor")
        (m, j), (_, k) = (pb.unit(parts["layer"], unit) for unit in as_list(parts["units"], 2))
        used += [(m, j), (m, k)]
        s = rational(parts["factor"])
        known = s > 0 if pb.slopes else s == 1 or (s == -1 and pb.activation == "tanh")
        require(known, "the factor is no symmetry")
        found.append((m, j, k, s))
    require(len(found) > 0, "there are no pairs")
    require(len(set(used)) == len(used), "a unit is in two pairs")
    return found


def read_curve(case: Case, pairs: list[Merger], x: object) -> Curves:
    """The coordinates along the curve: those given, and what is missing at r = 1."""
    pb = case.problem
    given, at = [pb.units(read_layers(c, pb.widths)) for c in as_list(x)], pb.units(pb.point)
    require(len(given) > 0, "the curve has no limit")
    for m, j, k, s in pairs:
        rows = list(zip(at[m][j], at[m][k], strict=True))
        at[m][j], at[m][k] = [a - b * s for a, b in rows], [(a + b * s) / 2 for a, b in rows]
        for row in at[m + 1]:
            row[j], row[k] = row[j] + row[k] / s, (row[j] - row[k] / s) / 2
    turned = {(m, j) for m, j, _, _ in pairs}  # T/tau meets tau/2 in the row of such a unit
    moves = any(row[k] for m, _, k, _ in pairs for i, row in enumerate(given[0][m + 1])
                if (m + 1, i) not in turned)  # fmt: skip
    require(moves, "no outgoing weight grows without end")

    def curve(m: int, i: int, p: int) -> Curve:
        known = [c[m][i][p] for c in given]
        return dict(enumerate([*known, at[m][i][p] - sum(known)]))

    return [[[curve(m, i, p) for p in range(len(row))] for i, row in enumerate(rows)]
            for m, rows in enumerate(at)]  # fmt: skip


def broken(case: Case, pairs: list[Merger], units: Curves) -> Callable[[Interval], list[Moving]]:
    """Case a: the outputs as polynomials, after the signs of all pre-activations."""
    pb, f, one = case.problem, list[Curve](), {0: Fraction(1)}
    for m, j, k, s in pairs:
        rows = list(zip(units[m][j], units[m][k], strict=True))
        units[m][j] = [curve_sum((w, 1, 0), (u, HALF, 1)) for u, w in rows]
        units[m][k] = [curve_sum((w, 1 / s, 0), (u, -HALF / s, 1)) for u, w in rows]
        for row in units[m + 1]:
            c, t = row[j], row[k]
            row[j] = curve_sum((t, 1, -1), (c, HALF, 0))
            row[k] = curve_sum((t, -s, -1), (c, s * HALF, 0))

    def activated(z: Curve) -> Curve:
        """Z times the slope on its side: it is 0 all along the curve or nowhere."""
        if not z:
            return z
        low, side = min(z), 1 if z[min(z)] > 0 else -1
        rest = curve_sum((z, side, -low))
        text = "a pre-activation changes its sign along the curve"
        require_positive_along(lambda r: along(rest, r)[0], case.bits, text)
        return curve_sum((z, pb.sides[0 if side > 0 else 1], 0))

    for x in pb.inputs:
        state: list[Curve] = [{0: v} for v in x]
        for m, rows in enumerate(units):
            z = [curve_dot(row, state) for row in rows]
            state = [*(z if m == pb.depth else map(activated, z)), one]
        f += state[:-1]
    require(all(min(v, default=0) >= 0 for v in f), "an output has no limit")
    return lambda r: [along(v, r) for v in f]


def higher(name: str, z: Interval, first: Interval, second: Interval) -> list[Interval]:
    """The third, fourth and fifth derivative over z."""
    if name == "gelu":
        density, y = bell(z), z.square()
        return [z * (y - 4) * density, (y * (7 - y) - 4) * density,
                z * (y * (y - 11) + 18) * density]  # fmt: skip
    require(name in STEEPNESS, "the rule does not know this activation")
    c = STEEPNESS[name] ** 2
    third = first * (c - 6 * first)
    fifth = c * third - 12 * (second.square() + first * third)
    return [third, second * (c - 12 * first), fifth]


def bent(case: Case, pairs: list[Merger], units: Curves) -> Callable[[Interval], list[Moving]]:
    """Case b: enclosures of the outputs; a unit without a partner is one with u = T = 0."""
    pb, name, (hidden, top) = case.problem, case.problem.activation, units
    taken = {unit for _, j, k, _ in pairs for unit in (j, k)}
    alone = [k for k in range(pb.widths[1]) if k not in taken]
    inputs: list[list[Curve]] = [[{0: v} for v in x] for x in pb.inputs]
    nothing: list[Curve] = [{}] * len(inputs[0])
    # w, u, and for each output C and T
    groups = [(hidden[k], hidden[j], [(row[j], row[k]) for row in top]) for _, j, k, _ in pairs]
    groups += [(hidden[k], nothing, [(row[k], Curve()) for row in top]) for k in alone]
    rows = [[unit[-1], *(c for _, _, out in groups for c in out[k])] for k, unit in enumerate(top)]
    lines = [[(curve_dot(w, x), curve_dot(u, x)) for w, u, _ in groups] for x in inputs]

    def mean_and_slope(z: Moving, y: Moving, r: Interval) -> tuple[Moving, Moving]:
        """a(z, q) and m(z, q)."""
        (z0, dz), (y0, dy) = z, y
        q, dq = r * y0.square() * HALF * HALF, (y0.square() * HALF + r * y0 * dy) * HALF
        root = Interval(0, math.isqrt(r.hi << r.bits) + 1, r.bits)
        far = abs(root * y0 * HALF).hi
        wide = z0 + Interval(-far, far, r.bits)
        value, first, second = enclosure(name, None, z0)
        _, around, turn = enclosure(name, None, wide)
        if first is None or around is None:
            raise Undecided("a slope is not enclosed")
        third, fourth, fifth = higher(name, wide, around, turn)
        m_z = second + q * fourth * SIXTH
        m_q = (higher(name, z0, first, second)[0] + q * fifth * TENTH) * SIXTH
        a_z = first + q * third * HALF
        mean = value + q * turn * HALF, a_z * dz + m_z * dq * HALF
        return mean, (first + q * third * SIXTH, m_z * dz + m_q * dq)

    def over(r: Interval) -> list[Moving]:
        found, one = list[Moving](), (Interval.of(1, r.bits), Interval(0, 0, r.bits))
        weights = [[along(curve, r) for curve in row] for row in rows]
        for line in lines:
            state = [one]
            for z, y in line:
                turned = along(y, r)
                mean, slope = mean_and_slope(along(z, r), turned, r)
                state += [mean, moving_dot([turned], [slope])]
            found += [moving_dot(row, state) for row in weights]
        return found

    return over


def merging_valley(case: Case, proof: Json) -> Found:
    """Section 6.5, Theorem 26: along the curve the loss falls for ever."""
    pb, bits = case.problem, case.bits
    require(pb.kinked or (pb.slopes is None and pb.depth == 1), "the rule needs [d,h,K]")
    pairs = read_mergers(case, proof["pairs"])
    units = read_curve(case, pairs, proof["curve"])
    outputs, loss_at = (broken if pb.kinked else bent)(case, pairs, units), loss_of_outputs(case)

    def along_curve(r: Interval) -> Interval:
        f = outputs(r)
        rise = dot(loss_at([value for value, _ in f])[1], (slope for _, slope in f))
        return interval(rise, r.bits)

    require_positive_along(along_curve, bits, "the loss is not shown to fall along the whole curve")
    return Found(limit=loss_at([value for value, _ in outputs(Interval(0, 0, bits))])[0])


# ---- The global optimum of a shallow network (sections 7 and 9.12, Theorems 13 and 37). ----------


MAX_FACES = 10_000_000  # of rays, faces and cells, each
MAX_PAIRS = 1_000_000_000  # of faces and rays, and of sets of multipliers


def cell_multipliers(pb: Problem, rows: list[object], loss: Number) -> None:
    """Sections 7 and 9.12, Theorems 13 and 37: no network of these widths has a smaller loss."""
    if not isinstance(loss, Fraction):
        raise Invalid("the rule needs a rational loss")
    pb.require_shallow(single=True)
    p, q = pb.sides
    pb.require_weighted("squared", "hinge")
    multipliers = [read_row(row, len(pb.xs)) for row in rows]
    for g in multipliers:
        require(sum(g) == 0, "a multiplier does not sum to zero")
        terms = (point_bound(pb.loss, *entry) for entry in zip(g, pb.ys, pb.weights, strict=True))
        require(sum(terms, Fraction(0)) >= loss, "a multiplier does not give the bound")
    names = sorted(set(pb.groups))
    places = [tuple(pb.inputs[r]) for r in names]
    sums = [[sum((a for a, k in zip(g, pb.groups, strict=True) if k == r), Fraction(0))
             for r in names] for g in multipliers]  # fmt: skip
    rays = arrangement_rays(places)
    signs: list[list[int]] = []  # for each ray and multiplier the sign of g.act(rho)
    for ray in rays:
        values = [p * z if z > 0 else q * z for z in ray]
        signs.append([sign(inner(g, values), BITS[0]) for g in sums])
    patterns: set[int] = set()  # for each signed chamber the set of multipliers good for it
    for chamber in chambers(rays, len(places)):
        own = [k for k, ray in enumerate(rays)
               if all(z * s >= 0 for z, s in zip(ray, chamber, strict=True))]  # fmt: skip
        for side in (1, -1):
            bad = {m for k in own for m, v in enumerate(signs[k]) if v == -side}
            patterns.add(sum(1 << m for m in range(len(sums)) if m not in bad))
    require(len(patterns) ** 2 <= MAX_PAIRS, "there are too many sets of multipliers")
    worst = [a for a in patterns if not any(b != a and a & b == b for b in patterns)]
    later = [(1 << len(sums)) - 1]
    for a in reversed(worst):
        later.append(later[-1] & a)
    later.reverse()

    calls = itertools.count()

    def covered(start: int, left: int, common: int) -> bool:
        """Whether some multiplier is good for all, however `left` more chambers are chosen."""
        require(next(calls) < MAX_FACES, "there are too many cells")
        if not common or not left or common & later[start]:
            return common != 0
        return all(covered(k, left - 1, common & worst[k]) for k in range(start, len(worst)))

    require(covered(0, pb.widths[1], later[-1]), "some cell has no multiplier")


def point_bound(loss: str, g: Fraction, target: list[Fraction], weight: Fraction) -> Fraction:
    """The least of a point's loss less g f, over all outputs f."""
    (y,) = target
    if loss == "hinge":
        require(0 <= -g * y <= weight, "a multiplier is no slope of the hinge")
        return -g * y
    require(weight > 0 or g == 0, "a multiplier is not zero at a point without weight")
    return -g * y - g * g / (4 * weight) if g else Fraction(0)


def global_minimum(case: Case, proof: Json) -> Found:
    """Section 9.12: what is proved to have the least loss is a local minimum."""
    loss = case.loss_at(case.program.point)
    cell_multipliers(case.problem, as_list(proof["multipliers"]), loss)
    return Found(strict=hidden_homogeneous(case.problem), unbeaten=True)


def arrangement_rays(places: list[tuple[Fraction, ...]]) -> list[tuple[Fraction, ...]]:
    """The values a.x~_i along each ray a of the arrangement of hyperplanes {a : a.x~_i = 0}.

    A ray is a line on which r - 1 independent x~_i vanish and not all do, r their rank; both of its
    directions count. Coordinates of x~ that depend linearly on others change nothing.
    """
    columns = sorted(row_space(places))
    points = [[x[c] for c in columns] for x in places]
    few = math.comb(len(points), len(columns) - 1) <= MAX_FACES
    require(few, "there are too many rays")
    found: dict[frozenset[int], tuple[Fraction, ...]] = {}
    for subset in itertools.combinations(range(len(points)), len(columns) - 1):
        basis = row_space([points[i] for i in subset])
        if len(basis) < len(subset):
            continue
        a = null_vector(basis, len(columns))
        values = tuple(inner(a, x) for x in points)
        found.setdefault(frozenset(i for i, z in enumerate(values) if z == 0), values)
    return [v for values in found.values() for v in (values, tuple(-z for z in values))]


def chambers(rays: list[tuple[Fraction, ...]], count: int) -> list[tuple[int, ...]]:
    """The sign vectors of full-dimensional cones: compositions of rays' signs without a zero."""
    steps = [tuple(sign(z, BITS[0]) for z in ray) for ray in rays]
    seen, fresh = {(0,) * count}, [(0,) * count]
    while fresh:
        face = fresh.pop()
        for step in steps:
            larger = tuple(a or b for a, b in zip(face, step, strict=True))
            if larger not in seen:
                few = len(seen) < MAX_FACES and len(seen) * len(steps) < MAX_PAIRS
                require(few, "there are too many faces")
                seen.add(larger)
                fresh.append(larger)
    return sorted(face for face in seen if all(face))


# ---- Minima on a face of a box: what holds pairs on their kinks, and Lambda (5.9, 9.10). ---------


Pair = tuple[int, int, list[int]]  # hidden layer, unit, and the points, alike at this layer


@dataclass(frozen=True)
class Pattern:
    """What happens over the box: a slope for every unit at every point, 0 for held pairs."""

    slopes: list[list[list[Fraction]]]  # for each hidden layer, point and unit
    pairs: list[Pair]

    def held(self, layer: int, j: int) -> set[int]:
        """The points that a unit holds."""
        return {i for m, k, points in self.pairs if (m, k) == (layer, j) for i in points}


def bends(pb: Problem) -> list[Slopes]:
    """The slopes of every hidden layer, and those of the hinge loss."""
    require(pb.slopes is not None and pb.depth > 0, "the rule needs hidden units, homogeneous")
    hinge = [(Fraction(1), Fraction(0))] if pb.loss == "hinge" else []
    return [pb.sides] * (len(pb.widths) - 2) + hinge


def read_pattern(
    pb: Problem, program: Program, box: Balls, zero: Collection[tuple[int, int]] = (),
    loose: Collection[tuple[int, int]] = (),
) -> Pattern:  # fmt: skip
    """The pattern of 5.9 and 9.10 over the box; a unit at zero with bias 0 has slope 0.

    Loose pairs (unit, point) of the first layer (`off`) have slope 0 and any z.
    """
    values, last = evaluated(program.steps, box), len(pb.widths) - 2
    names = list[tuple[object, ...]]((0, r) for r in pb.groups)
    slopes, pairs = list[list[list[Fraction]]](), list[Pair]()
    for level, (above, below) in enumerate(bends(pb)):
        width = pb.widths[level + 1]
        rows = [row.intervals() for row in values[program.layers[level][1]].rows(width)]
        if level == last:
            rows = [[1 - v * y for v, y in zip(*both, strict=True)]
                    for both in zip(rows, pb.ys, strict=True)]  # fmt: skip
            names = [(*name, *y) for name, y in zip(names, pb.ys, strict=True)]
        layer = [[above if v.lo > 0 else below for v in row] for row in rows]
        alike = dict[tuple[object, ...], list[int]]()
        for i, name in enumerate(names):
            alike.setdefault(name, []).append(i)
        for j in range(width):
            free = {i for unit, i in loose if unit == j and level == 0}
            at_kink = [i for i, row in enumerate(rows)
                       if i not in free and row[j].lo <= 0 <= row[j].hi]  # fmt: skip
            if (level, j) not in zero:
                held = {names[i] for i in at_kink}
                groups = [points for name, points in alike.items() if name in held]
                pairs += [(level, j, points) for points in groups]
                at_kink = [i for points in groups for i in points]
            for i in (*at_kink, *free):
                layer[i][j] = Fraction(0)
        slopes.append(layer)
        if below == 0:
            off = [all(v.hi < 0 for v in row) for row in rows]
            names = [(level + 1, 0) if o else n for o, n in zip(off, names, strict=True)]
    return Pattern(slopes, pairs)


def lagrangian(pb: Problem, pattern: Pattern) -> tuple[Program, list[int], int]:
    """Lambda as a program in all parameters and mu: each activation is its slope times z.

    Also the steps that hold the activations, and that of G (5.9): see `Face`.
    """
    w = Writer(OF_DENSE)
    layers = network(w, pb, pattern.slopes)
    f = decisive(w, pb, layers[-1][1])
    bent, states = [z for _, z in layers], [a for a, _ in layers[1:]]
    if pb.loss == "hinge":
        bent[-1] = missed(w, pb, f)
        flat = [s for row in pattern.slopes[-1] for s in row]
        states.append(w.mul(bent[-1], w.const((len(pb.xs), pb.widths[-1]), flat)))
        counted = [k for k, s in enumerate(flat) if s] or range(len(flat))
        f = w.take(bent[-1], [len(counted)], counted)
    held = [w.take(bent[m], [1], [points[0] * pb.widths[m + 1] + j])
            for m, j, points in pattern.pairs]  # fmt: skip
    slice_map = w.join(*held, f)
    loss = summed(w, pb, w.sum(states[-1], [1]) if pb.loss == "hinge" else losses(w, pb, f))
    if held:
        multipliers = w.param("multipliers", (len(held),))
        w.add(loss, w.sum(w.mul(w.join(*held), multipliers), [0]))
    return Program(w.steps, [], layers=layers), states, slice_map


@dataclass(frozen=True)
class Face:
    """A minimum on a face and slice, from which no held pair may leave its kink."""

    free: list[int]  # numbers of the parameters that vary
    pattern: Pattern
    place: Balls  # all parameters over the box
    box: Box  # of Lambda, in the free parameters and the multipliers
    states: list[int]  # the activations of each hidden layer, and of the hinge loss, (n, width)
    slice_map: int  # G: z of each held pair, then what the loss depends on
    loss: Interval  # at the minimum
    radius: Fraction  # the smallest that may be claimed

    def effect(self, width: int, pair: Pair) -> Interval:
        """D: the derivative of Lambda by a pair's activation, summed over its points.

        The pair is of a layer of this width.
        """
        level, j, points = pair
        bar = self.box.over.bar(self.states[level])
        effects = bar.pick([i * width + j for i in points]).intervals()
        return sum(effects, Interval(0, 0, effects[0].bits))


def minimum_on_face(
    case: Case, proof: Json, centre: list[Fraction], zero: Collection[tuple[int, int]] = (),
    loose: Collection[tuple[int, int]] = (),
) -> Face:  # fmt: skip
    """The critical point in the box, its index, and (2): q D < mu < p D for every held pair."""
    pb, size = case.problem, len(centre)
    r, free = positive(proof["radius"]), read_increasing(proof["free"], size)
    place = Box(case.program, centre, r, free, case.bits).place
    pattern = read_pattern(pb, case.program, place, zero, loose)
    mu = read_row(proof["multipliers"], len(pattern.pairs))
    program, states, slice_map = lagrangian(pb, pattern)
    varied = [*free, *range(size, size + len(mu))]
    box = Box(program, [*centre, *mu], r, varied, case.bits)
    index, loss = isolated(box, proof["preconditioner"])
    require(index == len(mu), "the critical point is a saddle on the face")
    radius = distance(centre, pb.point) + r
    face = Face(free, pattern, place, box, states, slice_map, loss, radius)
    for pair, m in zip(pattern.pairs, box.place.intervals()[size:], strict=True):
        (above, below), d = bends(pb)[pair[0]], face.effect(pb.widths[pair[0] + 1], pair)
        stays = (m - d * below).lo > 0 and (d * above - m).lo > 0
        require_shown(stays, "a held pair may leave its kink")
    return face


# ---- Minima on kinks and flat minima (5.9, Theorems 23 and 24). ----------------------------------


MAX_TERMS = 200_000  # of all polynomials; of one that is reduced

Monomial = tuple[int, ...]
Polynomial = dict[Monomial, Fraction]
Field = list[tuple[int, Monomial, Fraction]]  # (p, m, c): c times the monomial m in component p


def tidy(terms: Iterable[tuple[Monomial, Fraction]]) -> Polynomial:
    """The sum of terms."""
    return collection((tuple(sorted(monomial)), c) for monomial, c in terms)


def face_map(steps: Sequence[Step]) -> list[Polynomial]:
    """The last step as polynomials of the parameters."""
    rows, terms = list[list[Polynomial]](), 0
    for step in steps:
        row: list[Polynomial] = [{(i,): Fraction(1)} for i in step.block]
        row += [{(): v} if v else {} for v in step.values]
        for group in summands(step, [rows[i] for i in step.of]):
            known = group[0][0] if len(group) == 1 == len(group[0]) else None
            row.append(known or tidy(t for factors in group for t in terms_of_product(factors)))
            terms += len(row[-1]) if isinstance(step, MatrixProduct) else 0
            require(terms <= MAX_TERMS, "the polynomials have too many terms")
        rows.append(row)
    return rows[-1]


def terms_of_product(factors: Sequence[Polynomial]) -> Iterator[tuple[Monomial, Fraction]]:
    """The terms of a product."""
    for choice in itertools.product(*(factor.items() for factor in factors)):
        monomial = tuple(p for m, _ in choice for p in m)
        yield monomial, math.prod((c for _, c in choice), start=Fraction(1))


def moved(polynomial: Polynomial, vectors: Field) -> Polynomial:
    """The derivative of a polynomial along a vector field."""
    table = dict[int, list[tuple[Monomial, Fraction]]]()
    for p, factors, c in vectors:
        table.setdefault(p, []).append((factors, c))
    return tidy(
        ((*monomial[:k], *monomial[k + 1 :], *factors), coefficient * c)
        for monomial, coefficient in polynomial.items()
        for k, p in enumerate(monomial)
        for factors, c in table.get(p, ())
    )


def on_face(polynomial: Polynomial, known: dict[int, Polynomial]) -> Polynomial:
    """The polynomial with the known parameters replaced until none is left."""
    done, pending, steps = list[tuple[Monomial, Fraction]](), list(polynomial.items()), 0
    while pending:
        monomial, coefficient = pending.pop()
        k = next((k for k, p in enumerate(monomial) if p in known), None)
        if k is None:
            done.append((monomial, coefficient))
            continue
        for m, c in known[monomial[k]].items():
            pending.append(((*monomial[:k], *monomial[k + 1 :], *m), coefficient * c))
        steps += 1
        require(steps <= MAX_TERMS, "the face makes too many terms")
    return tidy(done)


def relations(held: list[Polynomial]) -> dict[int, Polynomial]:
    """Parameters that the others determine where all held z are 0.

    A z that contains a parameter by itself and nowhere else gives one. What is put for it contains
    no parameter known before, so replacing comes to an end.
    """
    known = dict[int, Polynomial]()
    for z in held:
        rest = on_face(z, known)
        alone = [m[0] for m in rest if len(m) == 1 and sum(m[0] in other for other in rest) == 1]
        if alone:
            p = min(alone)
            known[p] = {m: -c / rest[(p,)] for m, c in rest.items() if m != (p,)}
    return known


MAX_FACTORS = 12  # of a term of a field
MAX_MOVES = 4_000_000  # terms of polynomials that fields move, and of what they make of them


def kinked(case: Case, proof: Json) -> Found:
    """Section 5.9: with `fields` also rule `constant_rank`."""
    pb, ranked = case.problem, proof["rule"] == "constant_rank"
    bends(pb)  # there are any
    face = minimum_on_face(case, proof, case.read_point(proof["centre"]))
    steps, curved, g = face.box.program.steps, face.box.over, face.slice_map
    columns = (tangent(steps, curved.values, curved.axis(p))[g] for p in face.free)
    still = curved.values[g].like([Fraction(0)] * steps[g].size)
    require_independent([column or still for column in columns])
    if ranked:
        fields = read_fields(proof["fields"], len(pb.point))
    else:  # rescalings: incoming parameters of a unit, less its outgoing weights
        fields: list[Field] = [
            [(p, (p,), Fraction(1)) for p in into] + [(p, (p,), Fraction(-1)) for p in out]
            for into, out in pb.wires
        ]
    wide = image_rank(face, fields) if ranked else 0  # rescalings change nothing on the face
    units, flat = sum(pb.widths[1:-1]), len(pb.point) - len(face.free)
    require(wide + flat <= len(fields), "the rank is not bounded as claimed")
    if fields:
        require_independent([value_of(vector, face.place) for vector in fields])
    rescaled = "no" if flat > units else "unknown" if ranked else "yes"
    return Found("no", rescaled, flat, loss=face.loss, radius=face.radius)


def read_fields(x: object, size: int) -> list[Field]:
    """Reads fields."""
    fields = list[Field]()
    for item in as_list(x):
        vector: Field = []
        for entry in as_list(item):
            parts = as_object(entry, "parameter", "factors", "coefficient")
            p, m = as_int(parts["parameter"]), tuple(as_int(q) for q in as_list(parts["factors"]))
            require(all(0 <= q < size for q in (p, *m)), "a field names no parameter")
            require(len(m) <= MAX_FACTORS, "a field has too many factors")
            vector.append((p, m, rational(parts["coefficient"])))
        fields.append(vector)
    return fields


def image_rank(face: Face, fields: list[Field]) -> int:
    """The dimension of a space G moves in along fields, where the held z are 0 (5.9, the lemma)."""
    terms, held, basis = 0, len(face.pattern.pairs), Basis()
    rows = face_map(face.box.program.steps[: face.slice_map + 1])
    known = relations(rows[:held])
    zeros = [on_face(row, known) for row in rows[:held]]
    for vector in fields:
        vectors = dict[Monomial, dict[int, Fraction]]()
        for k, row in enumerate(rows):
            image = on_face(moved(row, vector), known)
            terms += len(row) + len(image)
            require(terms <= MAX_MOVES, "the fields make too many terms")
            zero = zeros[k] if k < held else {}  # a number times that is 0 where it is
            if image.keys() != zero.keys() or len({c / zero[m] for m, c in image.items()}) > 1:
                for m, c in image.items():
                    vectors.setdefault(m, {})[k] = c
        for parts in vectors.values():
            enlarge(basis, [parts.get(k, Fraction(0)) for k in range(len(rows))])
    return len(basis)


def value_of(vector: Field, place: Balls) -> Balls:
    """A field over the box, in which the parameters have these values."""
    parts = list[tuple[Balls, None, list[int]]]()
    for p, factors, c in vector:
        part = place.like([c])
        for q in factors:
            part = part.times(place.pick([q]))
        parts.append((part, None, [p]))
    return collected(parts, len(place.m)) or place.like([Fraction(0)] * len(place.m))


# ---- Minima of piecewise linear networks with weight decay (9.10, Theorems 28, 29 and 38). -------


Unit = tuple[int, int]  # hidden layer, number


def penalised(case: Case, proof: Json) -> Found:
    """Section 9.10."""
    pb = case.problem
    require(pb.kinked and pb.depth > 0, "the rule needs hidden units with kinks")
    centre = read_row(proof["centre"], len(pb.point))
    zero, resting = read_zero(pb, centre, as_list(proof.get("zero", [])))
    pairs = (as_list(item, 2) for item in as_list(proof.get("off", [])))
    off = [(pb.unit(0, j)[1], as_int(i)) for j, i in pairs]
    require(all(0 <= i < len(pb.xs) for _, i in off), "there is no such data point")
    face = minimum_on_face(case, proof, centre, zero.keys(), off)
    require_right_angles(pb, face, off, bool(zero))
    require(not resting & set(face.free), "a parameter of a unit at zero is free")
    fixed = sorted(set(range(len(centre))) - resting - set(face.free))
    fields = [read_symmetry(item, pb, face.pattern, zero, face.place.intervals())
              for item in as_list(proof.get("symmetries", []))]  # fmt: skip
    require(len(fields) == len(fixed), "there are not as many symmetries as parameters fixed")
    if fixed:
        require_independent([Balls.enclosing([v[p] for p in fixed]) for v in fields])
    merged = [require_rest(pb, face, zero, unit, trees) for unit, trees in zero.items()]
    flat = len(fixed) + sum(not pb.penalties[2 * level + 1] for level, _ in zero)
    return Found("no" if flat or any(merged) else "yes", flat=None if any(merged) else flat,
                 loss=face.loss, radius=face.radius)  # fmt: skip


def require_right_angles(pb: Problem, face: Face, off: list[Unit], zero: bool) -> None:
    """Theorem 38: all that a unit sees is at right angles to where it counts as off."""
    if not off:
        return
    (into, own), points = pb.penalties[:2], range(len(pb.xs))
    fits = pb.depth == 1 and pb.sides == (1, 0) and pb.loss != "hinge" and not zero
    require(fits, "right angles need one hidden layer of relus, and no units at zero")
    require(min(into, own) > 0, "weights or biases cost nothing")
    for j, i in off:
        alike = [k for k in points if pb.groups[k] == pb.groups[i]]
        require(all((j, k) in off for k in alike), "a pair is off without all that are alike")
        held = face.pattern.held(0, j)
        seen = [k for k in points if face.pattern.slopes[0][k][j] or k in held]
        angles = (inner(pb.xs[k], pb.xs[i]) / into + 1 / own for k in seen)
        require(not any(angles), "a unit sees a point that is not at right angles")
        stays = face.effect(pb.widths[1], (0, j, alike)).lo > 0
        require_shown(stays, "a pair that is off may gain")


def read_zero(
    pb: Problem, centre: list[Fraction], items: list[object]
) -> tuple[dict[Unit, list[object]], set[int]]:
    """Reads the units at zero, with their trees; also gives all their parameters."""
    zero, resting = dict[Unit, list[object]](), set[int]()
    for item in items:
        fields = as_object(item, "layer", "unit", "trees")
        level, j = pb.unit(fields["layer"], fields["unit"])
        zero[level, j] = as_list(fields["trees"])
        *weights, bias = pb.places[level][j]
        paid = [*weights, *(row[j] for row in pb.places[level + 1])]
        into, own, out, above = pb.penalties[2 * level : 2 * level + 4]
        require(min(into, out) > 0 <= own, "a unit at zero pays nothing")
        require(own > 0 or (above == 0 and centre[bias] != 0), "a unit's bias is not kept")
        zeros = [*paid, bias] if own else paid
        require(not any(centre[p] for p in zeros), "a unit is not at zero")
        resting |= {*paid, bias}
    return zero, resting


def read_symmetry(
    x: object, pb: Problem, pattern: Pattern, zero: Collection[Unit], values: list[Interval]
) -> list[Interval]:
    """Reads a turn or a shift: its field over the box, in which parameters have these values."""
    fields, where, depth, bits = as_table(x, "a symmetry"), pb.places, pb.depth, values[0].bits
    found = [Interval(0, 0, bits)] * len(values)
    if "turn" in fields:
        as_object(fields, "layer", "turn")
        (level, j), (_, k) = (pb.unit(fields["layer"], n) for n in as_list(fields["turn"], 2))
        require(j != k and not {(level, j), (level, k)} & set(zero), "units are not to be turned")
        same = all(row[j] == row[k] for row in pattern.slopes[level])
        same = same and pattern.held(level, j) == pattern.held(level, k)
        require(same, "units with different patterns are turned")
        above = ((row[j], row[k]) for row in where[level + 1])
        for p, q in (*zip(where[level][j], where[level][k], strict=True), *above):
            found[p], found[q] = values[q], -values[p]
        return found
    as_object(fields, "layer", "shift")
    level, shift = as_int(fields["layer"]), read_keys(fields["shift"], "a shift", rational)
    known = 0 <= level <= depth and all(j < pb.widths[level + 1] for j in shift)
    require(known, "there are no such units")
    free = not any(pb.penalties[2 * level + 1 : 2 * level + 4 : 2])
    require(free, "a bias that is shifted costs something")
    if level == depth:
        even = len(shift) == pb.widths[-1] and len(set(shift.values())) == 1
        require(pb.loss == "cross_entropy" and even, "outputs are shifted")
        for k, amount in shift.items():
            found[where[level][k][-1]] = Interval.of(amount, bits)
        return found
    single = pb.widths[level + 2] == 1
    require(single or len(shift) == 1, "several units are shifted")
    rigid = any(pattern.held(level, j) or (level, j) in zero for j in shift)
    require(not rigid, "a held unit is shifted")
    sums = {sum((v * row[j] for j, v in shift.items()), Fraction(0))
            for row in pattern.slopes[level]}  # fmt: skip
    require(len(sums) == 1, "a shift changes outputs")
    for j, amount in shift.items():
        moved = Interval.of(amount, bits)
        if single:
            weight = values[where[level + 1][0][j]]
            moved = -(moved / -weight) if weight.hi < 0 else moved / weight
        found[where[level][j][-1]] = moved
        for row in where[level + 1]:
            change = moved * values[row[j]] * pattern.slopes[level][0][j]
            found[row[-1]] = found[row[-1]] - change
    return found


def require_rest(
    pb: Problem, face: Face, zero: Collection[Unit], unit: Unit, trees: list[object]
) -> bool:
    """A unit at zero stays: the sum of m_k^2 is below 4 l_v. Whether it is merged somewhere."""
    (level, j), curved, merged = unit, face.box.over, False
    into, own, out, _ = pb.penalties[2 * level : 2 * level + 4]
    back, bits = curved.bar(face.box.program.layers[level + 1][1]), curved.values[0].bits
    width, ds, nothing = pb.widths[level + 2], back.intervals(), Interval(0, 0, back.bits)
    columns = [ds[k::width] for k in range(width) if (level + 1, k) not in zero]
    states = [[Interval.of(v, bits) for v in row] for row in pb.inputs]
    if level:
        below = curved.values[face.states[level - 1]].rows(pb.widths[level])
        states = [[*row.intervals(), Interval.of(1, bits)] for row in below]
    require(len(trees) == (2 * len(columns) if own else 0), "there are not enough trees")
    gains = nothing
    for n, column in enumerate(columns):
        if own:
            m = 0
            for tree, side in zip(trees[2 * n : 2 * n + 2], (1, -1), strict=True):
                turned, like = [d * side for d in column], alike(pb, face, zero, level, side)
                for node, signs in leaves(tree, range(len(column))):
                    if "like" in node:
                        taker = like.get(as_int(as_object(node, "like")["like"]))
                        same = taker is not None and taker.items() <= signs.items()
                        require(same, "no unit of this pattern may take it in")
                        merged = True
                    else:
                        m = max(m, leaf_bound(node, signs, pb, states, turned, (into, own)))
            gains = gains + Interval(m, m, bits).square()
        else:
            weights = [
                sum((d * a for d, a in zip(column, c, strict=True)), nothing)
                for c in list(zip(*states, strict=True))[:-1]
            ]
            slope = face.pattern.slopes[level][0][j]
            gains = gains + sum((s.square() for s in weights), nothing) / into * slope**2
    require_shown(gains.upper < 4 * out, "a unit at zero is not shown to stay")
    return merged


def alike(
    pb: Problem, face: Face, zero: Collection[Unit], level: int, side: int
) -> dict[int, dict[int, int]]:
    """The signs of z, where not held, of live units whose outgoing weight has this sign.

    For a layer below one with a single unit, and above none with units at zero.
    """
    if pb.widths[level + 2] > 1 or any(below == level - 1 for below, _ in zero):
        return {}
    found, values, above = dict[int, dict[int, int]](), face.place.intervals(), pb.sides[0]
    for j in range(pb.widths[level + 1]):
        weight = values[pb.places[level + 1][0][j]] * side
        if (level, j) not in zero and weight.lo > 0:
            held, slopes = face.pattern.held(level, j), face.pattern.slopes[level]
            found[j] = {i: 1 if row[j] == above else -1
                        for i, row in enumerate(slopes) if i not in held}  # fmt: skip
    return found


def leaf_bound(
    node: Json, signs: dict[int, int], pb: Problem, states: list[list[Interval]],
    column: list[Interval], costs: tuple[Fraction, Fraction],
) -> int:  # fmt: skip
    """Bounds -Q(u) / |u| on the cone of these signs, over 2^bits."""
    as_object(node, optional=["tau", "mu"])
    tau, mu = (read_keys(node.get(k, {}), k, rational) for k in ("tau", "mu"))
    require(all(abs(t) <= 1 for t in tau.values()) and not set(tau) & set(signs), "tau is wrong")
    require(all(m >= 0 for m in mu.values()) and set(mu) <= set(signs), "mu is wrong")
    (p, q), bits = pb.sides, column[0].bits
    left, crude = [Interval(0, 0, bits)] * len(states[0]), 0
    for i, (state, d) in enumerate(zip(states, column, strict=True)):
        factor, curved = d * ((p + q) / 2), d * ((p - q) / 2)
        if i in signs:
            factor = factor + curved * signs[i] - signs[i] * mu.get(i, Fraction(0))
        elif curved.lo >= 0:
            factor = factor + curved * tau.get(i, Fraction(0))
        else:
            crude += (abs(curved) * Interval(0, dual_norm(state, costs), bits)).hi
        left = [part + factor * x for part, x in zip(left, state, strict=True)]
    return dual_norm(left, costs) + crude


def dual_norm(linear: list[Interval], costs: tuple[Fraction, Fraction]) -> int:
    """An upper bound for the dual norm of a linear function of weights and bias, over 2^bits."""
    *weights, bias = (part.square() for part in linear)
    squared = sum(weights, Interval(0, 0, bias.bits)) / costs[0] + bias / costs[1]
    return math.isqrt(squared.hi << squared.bits) + 1


# ---- Interpolation (9.8, Theorem 22): outputs at which no part of the loss can be smaller. -------


MAX_EQUATIONS = 500
MAX_NUMBERED = 5_000_000  # entries of all arrays of a program together

Form = tuple[tuple[int, Fraction], ...]  # outputs with factors, the first of which is 1


@dataclass
class Part:
    """A number as a function of the outputs: constant, linear terms, and bends by linear form u.

    A bend [a, b, c, d] is a u^2 + b u + c log(1 + e^u) + d log(1 + e^-u).
    """

    constant: Fraction = Fraction(0)
    linear: dict[int, Fraction] = field(default_factory=dict[int, Fraction])
    bends: dict[Form, list[Fraction]] = field(default_factory=dict[Form, list[Fraction]])

    def add(self, other: Part, factor: Fraction | int = 1) -> Part:
        """Adds a multiple of another part to this one."""
        self.constant += other.constant * factor
        for g, c in other.linear.items():
            self.linear[g] = self.linear.get(g, Fraction(0)) + c * factor
        for u, bend in other.bends.items():
            old = self.bends.get(u, [Fraction(0)] * 4)
            self.bends[u] = [a + b * factor for a, b in zip(old, bend, strict=True)]
        return self

    def form(self) -> tuple[Form, Fraction]:
        """The linear form u and the factor s if the linear terms are s u and there is no bend."""
        terms = sorted((g, c) for g, c in self.linear.items() if c)
        require(not self.bends and len(terms) > 0, "a part of the loss is not understood")
        return tuple((g, c / terms[0][1]) for g, c in terms), terms[0][1]


def numbered(steps: list[Step]) -> list[list[int]]:
    """A number for each entry of each step; entries with one number agree for all parameters.

    A number stands for an operation and the numbers of what it operates on. (Entries with
    different ones may agree too.)
    """
    require(sum(step.size for step in steps) <= MAX_NUMBERED, "there are too many entries")
    known, out = dict[tuple[object, ...], int](), list[list[int]]()

    def name(*key: object) -> int:
        return known.setdefault(key, len(known))

    for step in steps:
        args = [out[i] for i in step.of]
        if isinstance(step, Linear):
            sums = ([g for (g,) in group] for group in summands(step, args))
            row = [p[0] if len(p) == 1 else name("+", *sorted(p)) for p in sums]
        elif isinstance(step, Product):
            row = [name("*", *sorted(pair)) for (pair,) in summands(step, args)]
        elif isinstance(step, MatrixProduct):
            row = list[int]()
            for i, j, _ in step.blocks:
                ups = [name("row", *args[0][cut]) for cut in cuts((i, *step.left))]
                downs = [name("row", *args[1][cut]) for cut in cuts((j, *step.right))]
                row += [name("@", up, down) for up in ups for down in downs]
        elif isinstance(step, Map):
            row = [name("map", step.function, z) for z in args[0]]
        elif step.block:
            row = [name("parameter", i) for i in step.block]
        else:
            row = [name("constant", v) for v in step.values]
        out.append(row)
    return out


def of_outputs(steps: list[Step], outputs: list[int], names: list[list[int]]) -> Part:
    """The loss as a function of the outputs in a row; the first of equal ones stands for all."""
    order, parts = [g for k in outputs for g in names[k]], dict[int, list[Part]]()
    first = {g: i for i, g in reversed([*enumerate(order)])}
    needed = {len(steps) - 1}
    for k in range(len(steps) - 1, -1, -1):
        needed |= set(steps[k].of) if k in needed and k not in outputs else set()
    for k in sorted(needed):
        step = steps[k]
        if k in outputs:
            parts[k] = [Part(linear={first[g]: Fraction(1)}) for g in names[k]]
            continue
        args = [parts[i] for i in step.of]
        if step.of:
            smooth = isinstance(step, Map) and step.function[0] == "softplus"
            known = smooth or isinstance(step, Linear | Product)
            require(known, "the loss is no sum over the outputs")
            groups = [*summands(step, args)]
        else:
            require(not step.block, "parameters enter the loss beside the outputs")
            groups = [[(Part(v),)] for v in step.values]
        sizes = (1 + len(p.linear) + len(p.bends) for g in groups for ps in g for p in ps)
        require(sum(sizes) <= MAX_NUMBERED, "the loss has too many terms")
        parts[k] = [entry_of(step, group) for group in groups]
    return parts[len(steps) - 1][0]


def entry_of(step: Step, group: list[tuple[Part, ...]]) -> Part:
    """One entry of a step: softplus of a form, or a sum of parts and of products of two."""
    if isinstance(step, Map):
        ((z,),) = group
        u, s = z.form()
        require(z.constant == 0 and abs(s) == 1, "the loss is no sum over the outputs")
        return Part(bends={u: [Fraction(c) for c in (0, 0, s == 1, s == -1)]})
    total = Part()
    for parts in group:
        total.add(parts[0] if len(parts) == 1 else multiplied(*parts))
    return total


def multiplied(x: Part, y: Part) -> Part:
    """A multiple, or the product of two functions of one linear form."""
    for one, other in ((x, y), (y, x)):
        if not any(one.linear.values()) and not one.bends:
            return Part().add(other, one.constant)
    (u, s), (v, t) = x.form(), y.form()
    require(u == v, "the loss is no sum over the outputs")
    bend = [s * t, s * y.constant + t * x.constant, Fraction(0), Fraction(0)]
    return Part(x.constant * y.constant, bends={u: bend})


def least(loss: Part, bits: int) -> tuple[list[tuple[Form, Number]], Number]:
    """Each linear form with the value at which what bends by it is least, and the least loss."""
    found, total = list[tuple[Form, Number]](), loss.constant
    for g, c in loss.linear.items():
        u: Form = ((g, Fraction(1)),)
        require(c == 0 or u in loss.bends, "the loss has no least value")
        if c:
            loss.bends[u][1] += c
    for u, (a, b, c, d) in sorted(loss.bends.items()):
        if a > 0 and c == 0 and d == 0:
            found.append((u, -b / (2 * a)))
            total = total - b * b / (4 * a)
        elif a or b or c or d:
            require(a == 0 and c + b > 0 and d - b > 0, "a part of the loss has no least value")
            up, down, both = (log(Interval.of(v, bits))[0] for v in (d - b, c + b, c + d))
            found.append((u, up - down))
            total = total + (both * (c + d) - up * (d - b) - down * (c + b))
    require(1 <= len(found) <= MAX_EQUATIONS, "the number of equations is out of bounds")
    return found, total


def interpolation(case: Case, proof: Json) -> Found:
    """Section 9.8: Krawczyk's test for u = t in the parameters named."""
    program, bits, known = case.program, case.bits, case.program.outputs
    require(("outputs" in proof) == (known is None), "outputs are named just for programs")
    steps, size = program.steps, len(program.point)
    outputs = read_increasing(proof["outputs"], len(steps)) if known is None else [known]
    names = numbered(steps)
    equations, loss = least(of_outputs(steps, outputs, names), bits)
    box = case.read_box(proof, read_increasing(proof["parameters"], size))
    require(len(box.free) == len(equations), "there are not as many parameters as equations")
    a = read_square(proof["preconditioner"], len(box.free), bits)
    first = steps[: outputs[-1] + 1]

    def forms(rows: list[Balls | None]) -> list[Interval]:
        """The u of the outputs, or of their derivatives."""
        found, zero = list[Interval](), Interval(0, 0, bits)
        for k in outputs:
            row = rows[k]
            found += [zero] * len(names[k]) if row is None else row.intervals()
        return [sum((found[i] * c for i, c in u), zero) for u, _ in equations]

    values, columns = evaluated(first, box.place), list[Balls]()
    for step, moves in zip(first, moving(first), strict=True):
        if isinstance(step, Map) and moves:
            values[step.of[0]].mapped(step.function, 1)  # C^1 near the box: at no kink
    for i in box.free:
        axis = box.place.like(Fraction(i == j) for j in range(size))
        columns.append(Balls.enclosing(forms(tangent(first, values, axis))))
    at = evaluated(first, box.place.like(box.centre))
    gap = [v - t for v, (_, t) in zip(forms([*at]), equations, strict=True)]
    require_contraction(a, columns, Balls.enclosing(gap), box.radius)
    flat = size - len(box.free)
    return Found("no" if flat else "yes", flat=flat, loss=loss, radius=box.reach(), unbeaten=True)


# ---- The claim (sections 2, 7 and 9). ------------------------------------------------------------


HERE, NEARBY = ("local_minimum",), ("local_minimum_nearby",)
SADDLE, NONE = ("saddle_nearby",), ("not_local_minimum",)
BOX, FLAT = "centre radius preconditioner", "flat_dimension"
FACE = f"{BOX} free multipliers"
SHAPE = f"strict_up_to_rescaling {FLAT}"
BOTH, LOSSES = ("squared", "logistic"), ("squared", "logistic", "cross_entropy")
ALL = (*LOSSES, "hinge")
SUMS = {  # of sums of losses, with weights that are not negative (9.12); points are in layers
    "one_sided_derivatives": Rule(one_sided_derivatives, HERE + NEARBY,
                                  "units ?epsilon ?slopes ~point", SHAPE, ALL),
    "classwise_optimum": Rule(classwise_optimum, HERE + NEARBY, "~point", SHAPE, LOSSES),
    "convex_ball": Rule(convex_ball, HERE + NEARBY, "centre radius fixed transform", SHAPE, LOSSES),
    "constant_output": Rule(constant_output, NEARBY, "radius", SHAPE, BOTH),
    "constant_units": Rule(constant_units, HERE + NEARBY, "transport ~radius", SHAPE, BOTH),
    "kinked_ball": Rule(kinked_ball, NEARBY, "centre radius units transform", SHAPE, ("logistic",)),
    "pointwise_optimum": Rule(pointwise_optimum, HERE, "", SHAPE, LOSSES),
    "kinked": Rule(kinked, NEARBY, FACE, SHAPE, ALL),
    "constant_rank": Rule(kinked, NEARBY, f"{FACE} fields", SHAPE, ALL),
    "twin_units": Rule(twin_units, HERE + NEARBY, "centre radius transform bends", SHAPE, LOSSES),
    "zero_output_weight": Rule(zero_output_weight, NONE, "unit output direction", "", LOSSES),
    "merging_valley": Rule(merging_valley, NONE, "pairs curve", "valley_limit", LOSSES),
    "valley_to_infinity": Rule(valley_to_infinity, NONE, "direction", "valley_limit", LOSSES[1:]),
}  # fmt: skip
RULES = {
    **SUMS,
    "descent_direction": Rule(descent_direction, NONE, "direction"),
    "negative_curvature": Rule(negative_curvature, NONE, "direction"),
}
PROGRAM_RULES = {
    **RULES,
    "cell_multipliers": Rule(global_minimum, HERE, "multipliers"),
    "strongly_convex": Rule(strongly_convex, HERE + NEARBY, "centre radius"),
    "idle_parameters": Rule(strongly_convex, HERE + NEARBY, "centre radius idle", FLAT),
    "interpolation": Rule(interpolation, NEARBY, f"{BOX} parameters ?outputs", FLAT),
    "penalised": Rule(penalised, NEARBY, f"{FACE} ?zero ?symmetries ?off", FLAT),
    "krawczyk": Rule(krawczyk, SADDLE, BOX),
    "monotone_valley": Rule(monotone_valley, NONE, "direction ?gates", "valley_limit"),
}
CLAIMS = ("verdict", "strict", "strict_up_to_rescaling", "flat_dimension", "eigenvalue_bound",
          "global", "loss", "witness_loss", "radius", "valley_limit")  # fmt: skip
PROGRAM_CLAIMS = ("verdict", "strict", "index", "eigenvalue_bound", "global", "loss",
                  "witness_loss", "radius")  # fmt: skip
FORMATS = ("spurious-certificate/1", "spurious-certificate/2")


def require_ball(claimed: object, value: Number, what: str, exact: bool = True) -> None:
    """The claimed ball states the value (section 1, Ball); `exact`: a rational one as such."""
    mid, rad = ball(claimed)
    if isinstance(value, Fraction):
        require(not exact or (rad == 0 and mid == value), f"{what} is not as claimed")
        lower = upper = value
    else:
        ends = interval(value, BITS[0])
        lower, upper = ends.lower, ends.upper
    require(rad <= Fraction(1, 2**20) * max(1, abs(mid)), f"the ball of {what} is too wide")
    require(lower <= mid + rad and upper >= mid - rad, f"{what} is not as claimed")
    inside = mid - rad <= lower and upper <= mid + rad
    require_shown(inside, f"{what} is not shown to lie in the ball claimed")


def check_at(certificate: Json, bits: int) -> str:
    """Checks everything at one precision; returns the claim in words.

    The proof has to establish exactly what is claimed (sections 2 and 9).
    """
    old, proof = certificate["format"] == FORMATS[0], as_table(certificate["proof"], "proof")
    name, rules = as_text(proof.get("rule")), RULES if old else PROGRAM_RULES
    require(name in rules, "unknown rule")
    rule = rules[name]
    keys = CLAIMS if old else (*PROGRAM_CLAIMS, *rule.claims.split())
    claim = as_object(certificate["claim"], *keys)
    case = Case(read_any(certificate["problem"], old), claim, bits, layered=old)
    require(claim["verdict"] in rule.verdicts, f"the rule {name} does not give this verdict")
    rule.read(proof, case.nearby)
    if rule.losses:
        case.problem.require_weighted(*rule.losses)
    found = rule.check(replace(case, layered=True) if rule.losses else case, proof)
    for key, value in (("strict", found.strict), ("strict_up_to_rescaling", found.rescaled),
                       ("flat_dimension", found.flat), ("index", found.index)):  # fmt: skip
        same = key not in claim or (claim[key] == value and type(claim[key]) is type(value))
        require(same, f"{key} is {value}")
    if found.eigenvalue is None:
        require(claim["eigenvalue_bound"] is None, "the rule gives no eigenvalue_bound")
    needed, radius = found.radius or Fraction(0), claim["radius"]
    if case.nearby:
        require(needed <= rational(radius), "the radius is too small")
        require(rational(radius) <= 2 * needed, "the radius is more than twice what is needed")
    else:
        require(radius is None, "only what is nearby has a radius")
    loss = case.loss_at(case.program.point) if found.loss is None else found.loss
    exact = old and (case.problem.slopes is not None or found.loss is not None)
    require_ball(claim["loss"], loss, "the loss", exact)
    if found.limit is None:
        require(claim.get("valley_limit") is None, "only a valley has a valley_limit")
    else:
        require_ball(claim["valley_limit"], found.limit, "the valley_limit")
    check_global(case, certificate["global_proof"], found, loss)
    return sentence(claim)


def check_global(case: Case, proof: object, found: Found, loss: Number) -> None:
    """Sections 7 and 9.6: `global`, `witness_loss` and `global_proof`."""
    answer, better = case.claim["global"], case.claim["witness_loss"]
    if answer == "unknown":
        require(proof is None and better is None, "an unknown has no proof")
        return
    require(answer in ("yes", "no"), "global is not yes, no or unknown")
    fields = as_table(proof, "global_proof")
    rule = as_text(fields.get("rule"))
    if answer == "no" and rule == "witness":
        as_object(fields, "rule", "point")
        value = case.loss_at(case.read_point(fields["point"]))
        require(sign(loss - value, case.bits) > 0, "the witness is not better")
        exact = case.layered and case.problem.slopes is not None
        require_ball(better, value, "the loss of the witness", exact)
        return
    require(better is None, "there is a witness_loss without a witness")
    as_object(fields, "rule", *(["multipliers"] if rule == "cell_multipliers" else []))
    if answer == "no":
        require(rule == "not_local_minimum", "unknown rule in global_proof")
        refuted = case.claim["verdict"] in NONE + SADDLE
        require(refuted, "the verdict does not refute")
        return
    if rule == "best_outputs":
        require(found.unbeaten, "nothing proves global: yes")
        return
    pb = case.problem
    require(case.claim["verdict"] not in NONE, "what is no local minimum is not global")
    if found.place is None:
        raise Invalid("global: yes needs an exact point")
    if rule == "cell_multipliers":
        cell_multipliers(pb, as_list(fields["multipliers"]), loss)
        return
    ex = evaluate(case, found.place)
    kinds: list[Kind] = [("loose", r) for r in pb.groups]
    if rule != "pointwise_optimum":
        require(rule == "affine_optimum", "unknown rule in global_proof")
        require(pb.slopes is not None and not pb.kinked, "the network is not affine")
        kinds = [("signs",)] * len(pb.xs)
    require_classwise(ex, kinds)


def decimal(x: Fraction) -> str:
    """A rational in words: exact if short, else rounded to ten digits."""
    if x.numerator.bit_length() < 40 and x.denominator.bit_length() < 20:
        return str(x)
    with localcontext(prec=10) as context:
        return f"{context.divide(Decimal(x.numerator), Decimal(x.denominator)):.10g}"


def ball_text(x: object) -> str:
    """The middle of a ball in words, and how far off it is if its ten digits may be wrong."""
    mid, rad = ball(x)
    return decimal(mid) + ("" if rad * 10**9 <= abs(mid) else f" within {decimal(rad)}")


def sentence(claim: Json) -> str:
    """The claim as one sentence."""
    parts = [str(claim["verdict"]).replace("_", " ").replace("not local", "not a local")]
    if claim["radius"] is not None:
        parts[0] += f" (within {decimal(rational(claim['radius']))})"
    if claim.get("index") is not None:
        parts.append(f"index {claim['index']}")
    if claim["strict"] == "yes":
        parts.append("strict")
    elif claim.get("strict_up_to_rescaling") == "yes":
        parts.append("strict up to rescaling")
    elif claim["strict"] == "no":
        parts.append("not strict")
    if claim["global"] != "unknown":
        parts.append("global" if claim["global"] == "yes" else "not global")
    parts.append(f"loss {ball_text(claim['loss'])}")
    if claim["witness_loss"] is not None:
        parts.append(f"a better point has loss {ball_text(claim['witness_loss'])}")
    if claim.get("valley_limit") is not None:
        parts.append(f"a valley falls to {ball_text(claim['valley_limit'])} at infinity")
    return ", ".join(parts)


# ---- Files and the command line (section 8). -----------------------------------------------------


MAX_BYTES = 256 * 2**20


class BadInput(Exception):  # noqa: N818
    """The file holds no certificate at all."""


class Result(NamedTuple):
    """The answer about one certificate."""

    valid: bool  # whether the evidence proves the claim
    claim: str  # in one sentence; empty if it was not proved
    reason: str  # why it is invalid; empty if it is valid


def check(certificate: dict[str, Any]) -> Result:
    """Checks a certificate that was read from JSON (section 8). Never raises."""
    reason = ""
    try:
        fields = as_object(
            certificate, "format", "claim", "problem", "proof", "global_proof", "digest"
        )
        require(fields["format"] in FORMATS, "unknown format")
        rest = {key: value for key, value in fields.items() if key != "digest"}
        text = json.dumps(rest, sort_keys=True, separators=(",", ":"), allow_nan=False)
        digest = hashlib.sha256(text.encode("ascii")).hexdigest()
        require(fields["digest"] == digest, "the digest differs: the file was changed")
        for bits in BITS:
            try:
                return Result(True, check_at(fields, bits), "")
            except Undecided as error:
                reason = str(error)
    except Invalid as error:
        reason = str(error)
    except Exception as error:  # whatever goes wrong, nothing was proved
        reason = f"the check failed ({type(error).__name__})"
    return Result(False, "", reason or "not proved")


def check_file(path: str | Path) -> Result:
    """Checks one file; raises `BadInput` if it cannot be read or holds no certificate."""

    def unique(pairs: list[tuple[str, object]]) -> Json:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise BadInput("a key occurs twice in one object")
        return found

    def refuse(text: str) -> object:
        raise BadInput(f"the number {text[:30]} is neither an integer nor in a string")

    def integer(text: str) -> int:
        if len(text) > 4000:
            raise BadInput("an integer is too long")
        return int(text)

    try:
        info = Path(path).stat()
        if not stat.S_ISREG(info.st_mode):
            raise BadInput("not a regular file")
        if info.st_size > MAX_BYTES:
            raise BadInput("larger than 256 MiB")
        text = Path(path).read_bytes().decode("utf-8")
        found = json.loads(text, object_pairs_hook=unique, parse_float=refuse,
                           parse_constant=refuse, parse_int=integer)  # fmt: skip
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror or type(error).__name__})") from None
    except (RecursionError, MemoryError):
        raise BadInput("nested too deeply or too large for this machine") from None
    except ValueError as error:
        raise BadInput(f"not JSON ({' '.join(str(error).split())[:80]})") from None
    if not isinstance(found, dict) or str(cast("Json", found).get("format")) not in FORMATS:
        raise BadInput('not a certificate: no "format": "spurious-certificate/1" or "...2"')
    for match in re.finditer(r'"[+-]?[0-9.]+[eE][+-]?([0-9]+)"', text):
        if len(match[1]) > 9 or int(match[1]) > MAX_EXPONENT:
            raise BadInput(f"the exponent of {match[0][:30]} is too large")
    return check(cast("Json", found))


def main(argv: Sequence[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="spurious_checker", description="Check certificates.")
    parser.add_argument("certificates", nargs="+", metavar="CERTIFICATE")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    options = parser.parse_args(argv)
    status = 0
    for path in options.certificates:
        start, bad = time.perf_counter(), False
        try:
            result = check_file(path)
        except BadInput as error:
            result, bad = Result(False, "", str(error)), True
        seconds = round(time.perf_counter() - start, 6)
        status = max(status, 2 if bad else 0 if result.valid else 1)
        if options.json:
            line = json.dumps({"file": path, **result._asdict(), "seconds": seconds})
        else:
            answer = "valid" if result.valid else "bad input" if bad else "invalid"
            line = f"{path}: {answer}: {result.claim or result.reason}"
            line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
            line = line.encode("ascii", "backslashreplace").decode()
        print(line, file=sys.stderr if bad and not options.json else sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main())
