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
routine each for values, tangents, adjoints and Hessians. It runs on arrays of such numbers
(`Numbers`), or of middles and radii as lists of integers (`Balls`), which is fast. Whatever cannot
be decided at 128 bits raises `Undecided` and the whole check is repeated with twice the bits;
whatever is wrong raises `Invalid`. A rule is given a `Case`, of either format, and returns what it
establishes (`Found`); the claim must say exactly that. What is shown around a point is shown over a
`Box` of parameters, some of which may be fixed.

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
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, Self, TypeAlias, TypeVar, cast

# ---- Bounds for exp, log, pi and the normal distribution, with proofs. ---------------------------
# These take and return integers scaled by 2^p and give a lower and an upper bound.


def exp_minus(x: int, p: int) -> tuple[int, int]:
    """Bounds for exp(-x / 2^p), x >= 0.

    From x / 2^p >= p + 2 on the value is below 2^-p. Else let t = x / 2^(p+s), exact in w bits,
    with t < 2^-8. A term t^k/k! is computed from the one before and rounded down twice: its error
    e_k is at most (e_(k-1) t + 1)/k + 1, so below 3. When a term becomes 0 the true one is below 3
    and the rest, at most that times t + t^2 + ..., below 1. Then square s times (exp(t)^(2^s)) and
    take the reciprocal, rounding outward.
    """
    if x == 0:
        return 1 << p, 1 << p
    if x >= (p + 2) << p:
        return 0, 1
    s = max(0, x.bit_length() - p) + 8
    w = p + 2 * s + 32
    t = x << (w - p - s)
    lo = term = 1 << w
    k = 0
    while term:
        k += 1
        term = (term * t >> w) // k
        lo += term
    hi = lo + 3 * k + 1
    for _ in range(s):
        lo, hi = lo * lo >> w, -(-hi * hi >> w)
    return (1 << p + w) // hi, -(-(1 << p + w) // lo)


def two_atanh(numerator: int, denominator: int, p: int) -> tuple[int, int]:
    """Bounds for 2 atanh(z) = 2 (z + z^3/3 + z^5/5 + ...), 0 <= z = numerator/denominator <= 1/3.

    Powers are rounded down. The error of a power is at most that of the one before times z^2, and
    z times that of z^2 (below 1 + 2z), and 1 for rounding, so below 3; that of a term below 4. When
    a power becomes 0 the true one is below 3, and the terms from there on sum to less than 4.
    """
    w = p + 32
    power = (numerator << w) // denominator
    square = power * power >> w
    total, terms, j = 0, 0, 1
    while power:
        total, terms = total + power // j, terms + 1
        power, j = power * square >> w, j + 2
    return 2 * total >> 32, -(-2 * (total + 4 * terms + 4) >> 32)


@lru_cache(maxsize=64)
def log_two(p: int) -> tuple[int, int]:
    """Bounds for log 2 = 2 atanh(1/3)."""
    return two_atanh(1, 3, p)


def log_bounds(u: int, p: int) -> tuple[int, int]:
    """Bounds for log(u / 2^p), u >= 2^p: with u / 2^p = 2^k m, 1 <= m < 2, and z = (m-1)/(m+1)."""
    k = u.bit_length() - 1 - p
    one = 1 << p + k
    lo, hi = two_atanh(u - one, u + one, p)
    return (lo + k * log_two(p)[0], hi + k * log_two(p)[1]) if u != 1 << p else (0, 0)


def log_any(u: int, p: int) -> tuple[int, int]:
    """Bounds for log(u / 2^p), u > 0: below 1 it is -log(4^p / u / 2^p)."""
    if u >= 1 << p:
        return log_bounds(u, p)
    lo, hi = (1 << 2 * p) // u, -(-(1 << 2 * p) // u)
    return -log_bounds(hi, p)[1], -log_bounds(lo, p)[0]


@lru_cache(maxsize=64)
def pi_bounds(p: int) -> tuple[int, int]:
    """Bounds for pi = 16 atan(1/5) - 4 atan(1/239) (Machin).

    atan(1/n) = 1/n - 1/(3 n^3) + ... alternates: the rest is at most the first term left out (here
    below 1), and each of the terms is rounded by less than 1, so the error is below their number.
    """
    w = p + 32

    def atan_inverse(n: int) -> tuple[int, int]:
        total, j, power = 0, 0, (1 << w) // n
        while power:
            total += (-1) ** j * (power // (2 * j + 1))
            power //= n * n
            j += 1
        return total, 3 * j + 3

    (a, error_a), (b, error_b) = atan_inverse(5), atan_inverse(239)
    pi, error = 16 * a - 4 * b, 16 * error_a + 4 * error_b
    return pi - error >> 32, (pi + error >> 32) + 1


@lru_cache(maxsize=64)
def root_two_pi(p: int) -> tuple[int, int]:
    """Bounds for sqrt(2 pi)."""
    w = p + 32
    lo, hi = pi_bounds(w)
    return math.isqrt(2 * lo << w) >> 32, (math.isqrt(2 * hi << w) + 1 >> 32) + 1


def sin_cos(x: int, p: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Bounds for the sine and the cosine of x / 2^p.

    With k the integer nearest to x / 2^p / (pi/2), r = x / 2^p - k pi/2 is known in w bits up to
    |k| times the error of pi/2, and |r| < 1. Both functions change by no more than r does. Their
    series at r alternate and each term is below half the one before, so after a term of at most 1
    (in units of 2^-w) the rest is below that. A term is computed from the one before: its error is
    at most half the sum of that one's error and 1 (for r^2), and 2 for rounding, so below 5. With
    n terms the error of the sum is below 5 n + 6.
    """
    w = p + 32 + max(0, x.bit_length() - p)
    pi_lo, pi_hi = pi_bounds(w)
    x <<= w - p
    k = (2 * x + (pi_lo >> 1)) // pi_lo
    r = x - (k * pi_lo >> 1)
    square = r * r >> w

    def series(term: int, j: int) -> tuple[int, int]:
        total, error = term, 6 + abs(k) * (pi_hi - pi_lo) + 1
        while abs(term) > 1:
            term = -(term * square >> w) // ((j + 1) * (j + 2))
            total, error, j = total + term, error + 5, j + 2
        return total, error

    (s, s_error), (c, c_error) = series(r, 1), series(1 << w, 0)
    for _ in range(k % 4):
        s, s_error, c, c_error = c, c_error, -s, s_error

    def rounded(value: int, error: int) -> tuple[int, int]:
        lo, hi = value - error >> w - p, -(error + value) >> w - p
        return max(lo, -1 << p), min(-hi, 1 << p)

    return rounded(s, s_error), rounded(c, c_error)


def normal_density(x: int, p: int) -> tuple[int, int]:
    """Bounds for phi(x / 2^p) = exp(-(x/2^p)^2 / 2) / sqrt(2 pi); the exponent is exact."""
    q = 2 * p + 1
    lo, hi = exp_minus(x * x, q)
    root_lo, root_hi = root_two_pi(q)
    return (lo << p) // root_hi, -(-(hi << p) // root_lo)


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
    w = 3 * p + 64
    square = x * x << w - 2 * p
    lo = hi = low_term = high_term = x << w - p
    k = 0
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
NARROW = 1 << 20  # units of the last place: what one evaluation and a slope enclose well


class Invalid(Exception):  # noqa: N818
    """The certificate does not prove its claim."""


class Undecided(Invalid):
    """Not decided at this precision."""


def require(condition: bool, reason: str) -> None:
    """Raises `Invalid` unless the condition holds (an assert that `python -O` keeps)."""
    if not condition:
        raise Invalid(reason)


class Interval:
    """All real numbers from lo / 2^bits to hi / 2^bits. Every operation rounds outward."""

    __slots__ = ("bits", "hi", "lo")

    def __init__(self, lo: int, hi: int, bits: int) -> None:
        self.lo, self.hi, self.bits = lo, hi, bits

    @staticmethod
    def of(x: Fraction | int, bits: int) -> Interval:
        """The narrowest interval around a rational number."""
        x = Fraction(x)
        scaled = x.numerator << bits
        return Interval(scaled // x.denominator, -(-scaled // x.denominator), bits)

    def _coerce(self, other: Number | int) -> Interval:
        return interval(other, self.bits)

    def __add__(self, other: Number | int) -> Interval:
        o = self._coerce(other)
        return Interval(self.lo + o.lo, self.hi + o.hi, self.bits)

    __radd__ = __add__

    def __neg__(self) -> Interval:
        return Interval(-self.hi, -self.lo, self.bits)

    def __sub__(self, other: Number | int) -> Interval:
        o = self._coerce(other)
        return Interval(self.lo - o.hi, self.hi - o.lo, self.bits)

    def __rsub__(self, other: Number | int) -> Interval:
        return self._coerce(other) - self

    def __mul__(self, other: Number | int) -> Interval:
        o = self._coerce(other)
        if self.lo >= 0 and o.lo >= 0:
            low, high = self.lo * o.lo, self.hi * o.hi
        else:
            ends = (self.lo * o.lo, self.lo * o.hi, self.hi * o.lo, self.hi * o.hi)
            low, high = min(ends), max(ends)
        return Interval(low >> self.bits, -(-high >> self.bits), self.bits)

    __rmul__ = __mul__

    def risen(self) -> Interval:
        """max(x, 0)."""
        return Interval(max(self.lo, 0), max(self.hi, 0), self.bits)

    def __truediv__(self, other: Number | int) -> Interval:
        """Division by a positive interval."""
        o = self._coerce(other)
        if o.lo <= 0:
            raise Undecided("a divisor is not known to be positive")
        low, high = self.lo << self.bits, self.hi << self.bits
        return Interval(
            low // (o.lo if low < 0 else o.hi), -(-high // (o.lo if high > 0 else o.hi)), self.bits
        )

    def __rtruediv__(self, other: Number | int) -> Interval:
        return self._coerce(other) / self

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


def _atom_at(ds: Sequence[int], p: int) -> tuple[int, int]:
    """Bounds for 1 / (1 + sum exp(d)): the first of e^0, e^d1, ... over their sum, all shifted."""
    top = max(0, *ds)
    terms = [exp_minus(top - d, p) for d in (0, *ds)]
    (lo, hi), rest = terms[0], terms[1:]
    below, above = sum(t[0] for t in rest), sum(t[1] for t in rest)
    return (lo << p) // (lo + above), -(-(hi << p) // (hi + below))


def atom(*ds: Interval) -> Interval:
    """The range of 1 / (1 + exp(d_1) + exp(d_2) + ...) = A, which decreases in each d.

    Its derivatives sum to -A (1 - A), at least -1: over narrow ds one evaluation will do.
    """
    p, lows, wide = ds[0].bits, [d.lo for d in ds], max(d.hi - d.lo for d in ds)
    lo, hi = _atom_at(lows, p)
    lo = max(0, lo - wide) if wide <= NARROW else _atom_at([d.hi for d in ds], p)[0]
    return Interval(lo, hi, p)


def log_one_plus_exp(*ds: Interval) -> Interval:
    """The range of log(1 + exp(d_1) + exp(d_2) + ...), which increases in each d.

    Its derivatives sum to at most 1: over narrow ds one evaluation will do.
    """
    p, wide = ds[0].bits, max(d.hi - d.lo for d in ds)

    def at(ends: list[int]) -> tuple[int, int]:
        top = max(0, *ends)
        terms = [exp_minus(top - d, p) for d in (0, *ends)]
        below, above = sum(t[0] for t in terms), sum(t[1] for t in terms)
        lo, hi = log_bounds(below, p)
        return top + lo, top + (hi if above == below else hi + above - below)

    lo, hi = at([d.lo for d in ds])
    return Interval(lo, hi + wide if wide <= NARROW else at([d.hi for d in ds])[1], p)


class Soft:
    """A softmax number (section 1): sum of coefficient times 1/(1 + sum exp(d)); `()` is 1."""

    __slots__ = ("terms",)

    def __init__(self, terms: dict[tuple[Fraction, ...], Fraction]) -> None:
        self.terms = {d: c for d, c in terms.items() if c}

    def __bool__(self) -> bool:
        return bool(self.terms)

    def __add__(self, other: Number | int) -> Number:
        if isinstance(other, Interval):
            return other + self
        more = other.terms if isinstance(other, Soft) else {(): Fraction(other)}
        terms = dict(self.terms)
        for d, c in more.items():
            terms[d] = terms.get(d, Fraction(0)) + c
        return Soft(terms)

    __radd__ = __add__

    def __mul__(self, factor: Number | int) -> Number:
        if isinstance(factor, Interval):
            return factor * self
        if isinstance(factor, Soft):
            raise Invalid("a product of softmax numbers")
        return Soft({d: c * factor for d, c in self.terms.items()})

    __rmul__ = __mul__

    def __neg__(self) -> Soft:
        return Soft({d: -c for d, c in self.terms.items()})

    def __sub__(self, other: Number | int) -> Number:
        return self + -other

    def __rsub__(self, other: Number | int) -> Number:
        return -self + other

    def enclose(self, bits: int) -> Interval:
        """An interval around the value."""
        total = Interval.of(self.terms.get((), Fraction(0)), bits)
        for ds, c in self.terms.items():
            if ds:
                total = total + atom(*(Interval.of(d, bits) for d in ds)) * c
        return total


Number: TypeAlias = Fraction | Soft | Interval  # the three kinds of numbers


def soft_atom(ds: Sequence[Fraction]) -> Number:
    """1 / (1 + sum exp(d)) in the canonical form: a single d is positive (section 4)."""
    if len(ds) == 1 and ds[0] <= 0:
        return 1 - soft_atom([-ds[0]]) if ds[0] else Fraction(1, 2)
    return Soft({tuple(sorted(ds)): Fraction(1)})


def interval(x: Number | int, bits: int) -> Interval:
    """An interval around a number of any kind."""
    if isinstance(x, Interval):
        return x
    return x.enclose(bits) if isinstance(x, Soft) else Interval.of(x, bits)


def sign(x: Number | int, bits: int) -> int:
    """The proved sign, -1, 0 or 1. Raises `Undecided`."""
    if not isinstance(x, Interval):
        if not x:
            return 0
        if not isinstance(x, Soft):
            return 1 if x > 0 else -1
        x = x.enclose(bits)
    if x.lo > 0 or x.hi < 0:
        return 1 if x.lo > 0 else -1
    if x.lo == x.hi:
        return 0
    raise Undecided("a sign is not decided at the highest precision")


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
Jet = tuple[Interval, Interval | None, Interval]  # value, first and second derivative

PIECEWISE = {"relu": (1, 0), "abs": (1, -1), "identity": (1, 1)}
SMOOTH = ("sigmoid", "tanh", "softplus", "softsign", "gelu", "silu", "elu", "mish")
BENT = ("softsign", "elu")  # their second derivative jumps at 0
FUNCTIONS = (*SMOOTH, "exp", "log", "reciprocal", "sqrt", "erf", "sin", "cos", "arctan", "relu",
             "abs", "leaky_relu")  # fmt: skip
LARGEST_EXPONENT = 5000


def enclosure(name: str, slopes: Slopes | None, z: Interval) -> Jet:
    """Ranges of a function and its first two derivatives over z.

    With slopes, piecewise linear: the extremes are at the ends and at 0; the first derivative is
    None where z may be at the kink. softsign and elu: the second derivative jumps at 0, both sides
    are covered. Monotone functions are evaluated at the ends, the rest by interval arithmetic,
    which is sound on wide z too. With s = sigmoid(z): s' = s(1-s), s'' = s(1-s)(1-2s);
    softplus' = s; tanh z = 2 sigmoid(2z) - 1 = t, t' = 1-t^2, t'' = -2t(1-t^2);
    silu' = s + z s(1-s), silu'' = s(1-s)(2 + z(1-2s)); gelu' = Phi + z phi, gelu'' = phi (2-z^2).

    Raises:
        Undecided: If z is not shown to lie in the domain.
    """
    if slopes is not None:
        return broken_line(slopes, z)
    if name in NAMED:
        return NAMED[name](z)
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


def between(f: Callable[[int], tuple[int, int]], z: Interval) -> Interval:
    """The range over z of an increasing function with slopes of at most 1.

    Args:
        f: Bounds at a point. Over narrow z one evaluation will do.
        z: The argument.
    """
    (lo, hi), wide = f(z.lo), z.hi - z.lo
    return Interval(lo, hi + wide if wide <= NARROW else f(z.hi)[1], z.bits)


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
    first = between(lambda x: exp_minus(max(0, -x), bits), z)
    lo, hi = first.lo, first.hi
    value = Interval(z.lo if z.lo >= 0 else lo - one, z.hi if z.hi >= 0 else hi - one, bits)
    return value, first, zero if z.lo > 0 else first if z.hi < 0 else hull(first, zero)


def gelu(z: Interval) -> Jet:
    """Z Phi(z)."""
    bits, size = z.bits, abs(z)
    cdf = between(lambda x: normal_distribution(x, bits), z)
    density = between(lambda x: normal_density(-x, bits), -size)  # it increases below 0
    return z * cdf, cdf + z * density, density * (2 - z.square())


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
    if z.hi > LARGEST_EXPONENT << p:
        raise Undecided("an exponential is too large")

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
    require_positive(z)
    inverse = 1 / z
    value = Interval(log_any(z.lo, z.bits)[0], log_any(z.hi, z.bits)[1], z.bits)
    return value, inverse, -inverse.square()


def require_positive(z: Interval) -> None:
    """Raises `Undecided` unless z > 0."""
    if z.lo <= 0:
        raise Undecided("the argument of log or sqrt is not known to be positive")


def reciprocal(z: Interval) -> Jet:
    """1/z, -1/z^2, 2/z^3 for z > 0 or z < 0."""
    if z.lo <= 0 <= z.hi:
        raise Undecided("the argument of reciprocal may be zero")
    v = 1 / z if z.lo > 0 else -(1 / -z)
    return v, -v.square(), 2 * (v * v.square())


def sqrt(z: Interval) -> Jet:
    """The root r, 1/(2r), -1/(4 r^3) for z > 0, by integer square roots."""
    require_positive(z)
    r = Interval(math.isqrt(z.lo << z.bits), math.isqrt(z.hi << z.bits) + 1, z.bits)
    first = 1 / (r + r)
    return r, first, -(first * (1 / (z + z)))


def erf(z: Interval) -> Jet:
    """The error function 2 Phi(z sqrt 2) - 1, which increases.

    Its derivative is exp(-z^2) sqrt(8) / sqrt(2 pi). |z| sqrt 2 lies between the integer root of
    2 z^2 and that plus 1.
    """
    p, q = z.bits, 2 * z.bits

    def at(x: int, side: int) -> int:
        root = math.isqrt(2 * x * x)
        outward = (x > 0) == (side == 1)
        y = root + 1 if x and outward else root
        return 2 * normal_distribution(y if x > 0 else -y, p)[side] - (1 << p)

    size = abs(z)
    bell = Interval(exp_minus(size.hi**2, q)[0], exp_minus(size.lo**2, q)[1], q)
    lo, hi = root_two_pi(q)
    eight = math.isqrt(8 << 2 * q)
    wide = bell * Interval(eight, eight + 1, q) / Interval(lo, hi, q)
    first = Interval(wide.lo >> p, -(-wide.hi >> p), p)
    return Interval(at(z.lo, 0), at(z.hi, 1), p), first, -2 * (z * first)


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


def sin(z: Interval) -> Jet:
    """Sin, cos, -sin."""
    sine, cosine = waves(z)
    return sine, cosine, -sine


def cos(z: Interval) -> Jet:
    """Cos, -sin, -cos."""
    sine, cosine = waves(z)
    return cosine, -sine, -cosine


def arctan(z: Interval) -> Jet:
    """Arctan, which increases, 1/(1 + z^2), -2z/(1 + z^2)^2."""
    first = 1 / (z.square() + 1)
    value = Interval(arctan_bounds(z.lo, z.bits)[0], arctan_bounds(z.hi, z.bits)[1], z.bits)
    return value, first, -2 * (z * first.square())


def arctan_bounds(x: int, p: int) -> tuple[int, int]:
    """Bounds for arctan(x / 2^p).

    Three times arctan t = 2 arctan(t / (1 + sqrt(1 + t^2))); then 0 <= t < 1/5, and the series
    t - t^3/3 + ... alternates: what is left out is at most its first term.
    """
    w = p + 32
    t = Interval(abs(x) << 32, abs(x) << 32, w)
    for _ in range(3):
        t = t / (sqrt(t.square() + 1)[0] + 1)
    total, power, j = Interval(0, 0, w), t, 1
    while power.hi > 1:
        term = power * Fraction(1, j)
        total = total + term if j % 4 == 1 else total - term
        power, j = power * t.square(), j + 2
    lo, hi = 8 * (total.lo - power.hi) >> 32, -(-8 * (total.hi + power.hi) >> 32)
    return (lo, hi) if x >= 0 else (-hi, -lo)


NAMED = {
    f.__name__: f
    for f in (softsign, elu, gelu, mish, exp, log, reciprocal, sqrt, erf, sin, cos, arctan)
}
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


# ---- Reading JSON (sections 1 and 2). ------------------------------------------------------------


MAX_DIGITS = 100_000
MAX_EXPONENT = 10_000

Layers = list[tuple[list[list[Fraction]], list[Fraction]]]  # (weight, bias) for each layer
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
    total: Number = Fraction(0)
    for key, coefficient in as_table(x, "a softmax number").items():
        ds = [] if key == "1" else [rational(d) for d in key.split(",")]
        require(ds == sorted(ds), "the entries of an atom are not sorted")
        total = (soft_atom(ds) if ds else Fraction(1)) * rational(coefficient) + total
    return total


def read_layers(x: object, widths: list[int], number: Callable[[object], Fraction]) -> Layers:
    """Reads a point (section 1); weights are (out, in)."""
    layers: Layers = []
    rows = as_list(as_object(x, "layers")["layers"], len(widths) - 1)
    for layer, inputs, outputs in zip(rows, widths, widths[1:], strict=False):
        fields = as_object(layer, "weight", "bias")
        weight = [read_row(row, inputs, number) for row in as_list(fields["weight"], outputs)]
        layers.append((weight, read_row(fields["bias"], outputs, number)))
    return layers


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


def flatten(layers: Layers) -> list[Fraction]:
    """All parameters in the order of section 1."""
    return [p for weight, bias in layers for p in [*(w for row in weight for w in row), *bias]]


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


# ---- Exact matrices: one elimination, for ranks, null vectors and inverses. ----------------------


Basis = dict[int, list[int]]  # rows by pivot: not 0 there, and all others are 0 there


def enlarge(basis: Basis, vector: Sequence[Fraction]) -> None:
    """Adds a vector to a basis, unless it depends on it; rows may be scaled, so they are whole."""
    scale = math.lcm(*(v.denominator for v in vector))
    row = [v.numerator * (scale // v.denominator) for v in vector]
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


# ---- Arrays for programs (section 9): flat lists in C order, of exact numbers or of balls. -------


Index = Sequence[int] | None  # None: every entry, in order
Function = tuple[str, Slopes | None]

MAX_MAGNITUDE = 10_000  # bits before the point; a Fraction may have ten times as many in all


Layout = tuple[int, int, bool]  # vectors of a matrix: their number, their length, rows or columns


class Array(Protocol):
    """What the operations of section 9.1 and their derivatives need; nothing changes in place."""

    bits: int

    def like(self, values: Sequence[Fraction]) -> Self:
        """Exact numbers as an array of this kind."""
        ...

    def pick(self, index: Index) -> Self:
        """The entries with these numbers."""
        ...

    def scatter(self, index: Index, size: int) -> Self:
        """Adds entry k to entry index[k] of zeros: the transpose of `pick`."""
        ...

    def plus(self, other: Self) -> Self:
        """The sum, entry by entry."""
        ...

    def times(self, other: Self) -> Self:
        """The product, entry by entry."""
        ...

    def outer(self, block: int, layout: Layout, other: Self, of: int, other_layout: Layout) -> Self:
        """All inner products of vectors in a block of this array with those in one of another."""
        ...

    def joined(self, parts: list[Self]) -> Self:
        """The parts one after the other."""
        ...

    def mapped(self, function: Function) -> Self:
        """A function at every entry."""
        ...

    def slope(self, function: Function, side: Self | None) -> Self:
        """Its derivative; at a kink the one on the side to which `side` points, if it is given."""
        ...


def slices(block: int, count: int, length: int, rows: bool) -> list[slice]:
    """Where the vectors of a matrix lie, the rows or columns of a block of that size."""
    start, stop = block * count * length, (block + 1) * count * length
    if rows:
        return [slice(i, i + length) for i in range(start, stop, length)]
    return [slice(start + j, stop, count) for j in range(count)]


class Numbers:
    """Exact numbers as long as everything below is exact, intervals otherwise.

    Attributes:
        limit: How long a number may grow, in bits (see `MAX_MAGNITUDE`); None for no limit, where
            nothing is repeated and the length of the file is one.
    """

    __slots__ = ("bits", "entries", "jets", "limit")

    def __init__(
        self, entries: Sequence[Number], bits: int, limit: int | None = MAX_MAGNITUDE
    ) -> None:
        self.entries, self.bits, self.limit = list(entries), bits, limit
        self.jets: dict[Function, list[tuple[Number, Number | None]]] = {}
        if limit is not None and any(length(x, bits) > limit for x in self.entries):
            raise Undecided("a number grows too long")

    def made(self, entries: Sequence[Number]) -> Numbers:
        """An array of this precision."""
        return Numbers(entries, self.bits, self.limit)

    def like(self, values: Sequence[Fraction]) -> Numbers:
        """Exact."""
        return self.made(values)

    def pick(self, index: Index) -> Numbers:
        """See `Array`."""
        return self if index is None else self.made([self.entries[i] for i in index])

    def scatter(self, index: Index, size: int) -> Numbers:
        """See `Array`."""
        if index is None:
            return self
        out: list[Number] = [Fraction(0)] * size
        for i, x in zip(index, self.entries, strict=True):
            out[i] = out[i] + x
        return self.made(out)

    def plus(self, other: Numbers) -> Numbers:
        """See `Array`."""
        return self.made([a + b for a, b in zip(self.entries, other.entries, strict=True)])

    def times(self, other: Numbers) -> Numbers:
        """Zeros stay exact."""
        pairs = zip(self.entries, other.entries, strict=True)
        return self.made([a * b if a and b else Fraction(0) for a, b in pairs])

    def vectors(self, block: int, count: int, length: int, rows: bool) -> list[list[Number]]:
        """See `slices`."""
        return [self.entries[cut] for cut in slices(block, count, length, rows)]

    def outer(
        self, block: int, layout: Layout, other: Numbers, of: int, other_layout: Layout
    ) -> Numbers:
        """See `Array`."""
        xs, ys = self.vectors(block, *layout), other.vectors(of, *other_layout)
        if all(isinstance(v, Fraction) for row in (*xs, *ys) for v in row):
            rows, columns = [whole(x) for x in xs], [whole(y) for y in ys]
            return self.made([
                Fraction(sum(map(operator.mul, u, v)), d * e) for u, d in rows for v, e in columns
            ])  # fmt: skip
        return self.made([dot(x, y) for x in xs for y in ys])

    def joined(self, parts: list[Numbers]) -> Numbers:
        """See `Array`."""
        return self.made([x for part in parts for x in part.entries])

    def jet(self, function: Function) -> list[tuple[Number, Number | None]]:
        """Value and slope of a function at every entry, exact where that is possible; kept."""
        if function not in self.jets:
            found = self.jets[function] = []
            for z in self.entries:
                pair = exact(*function, z) if isinstance(z, Fraction) else None
                found.append(pair or enclosure(*function, interval(z, self.bits))[:2])
        return self.jets[function]

    def mapped(self, function: Function) -> Numbers:
        """Exact where that is possible."""
        return self.made([value for value, _ in self.jet(function)])

    def slope(self, function: Function, side: Numbers | None) -> Numbers:
        """Exact where that is possible; at a kink as `side` says."""
        out, slopes = list[Number](), function[1]
        for k, (z, (_, first)) in enumerate(zip(self.entries, self.jet(function), strict=True)):
            flat = z.lo == z.hi == 0 if isinstance(z, Interval) else not z
            if flat and slopes is not None and slopes[0] != slopes[1]:
                if side is None:
                    raise Undecided("a derivative is taken at a kink")
                first = (slopes[1], Fraction(0), slopes[0])[sign(side.entries[k], self.bits) + 1]
            if first is None:
                raise Undecided("an argument is not bounded away from a kink")
            out.append(first)
        return self.made(out)


def length(x: Number, bits: int) -> int:
    """How long a number is: bits before the point, or a tenth of those of a Fraction in all."""
    if isinstance(x, Fraction):
        return (x.numerator.bit_length() + x.denominator.bit_length()) // 10
    ends = x if isinstance(x, Interval) else x.enclose(bits)
    return max(ends.lo.bit_length(), ends.hi.bit_length()) - bits


def whole(x: Sequence[Number]) -> tuple[list[int], int]:
    """A vector of fractions as integers over a common denominator."""
    row = [v for v in x if isinstance(v, Fraction)]
    common = math.lcm(*(v.denominator for v in row))
    return [v.numerator * (common // v.denominator) for v in row], common


Ball = tuple[list[int], list[int], list[int], list[int]]  # m, |m|, r and |m| + r of a vector


class Balls:
    """Intervals [m - r, m + r] over 2^bits, as two lists of integers.

    Products are those of the middles, rounded down (an error below 1), with the radius
    |m| s + r (|n| + s), also rounded down, plus 2; of exact numbers that need no rounding, 0. An
    inner product is then three of integers.
    What is exactly zero stays so; a vector of zeros is None. Functions are evaluated once.
    """

    __slots__ = ("bits", "jets", "m", "r", "slopes", "views")

    def __init__(self, m: list[int], r: list[int], bits: int) -> None:
        self.m, self.r, self.bits = m, r, bits
        self.jets: dict[Function, list[Jet]] = {}
        self.slopes: dict[Function, Balls] = {}
        self.views: dict[tuple[int, int, int, bool], list[Ball | None]] = {}
        largest = max(max(m), -min(m), max(r))
        if largest.bit_length() > bits + MAX_MAGNITUDE:
            raise Undecided("a number grows too large")

    @staticmethod
    def around(
        values: Sequence[Fraction], radius: Fraction, bits: int, fixed: Collection[int] = ()
    ) -> Balls:
        """The box of all points within the radius in every entry, and equal in the fixed ones."""
        wide = -(-(radius.numerator << bits) // radius.denominator)
        split = [divmod(x.numerator << bits, x.denominator) for x in values]
        radii = [(0 if i in fixed else wide) + (rest > 0) for i, (_, rest) in enumerate(split)]
        return Balls([a for a, _ in split], radii, bits)

    def like(self, values: Sequence[Fraction]) -> Balls:
        """Points, rounded if need be."""
        return Balls.around(values, Fraction(0), self.bits)

    def pick(self, index: Index) -> Balls:
        """See `Array`."""
        if index is None:
            return self
        return Balls([self.m[i] for i in index], [self.r[i] for i in index], self.bits)

    def scatter(self, index: Index, size: int) -> Balls:
        """See `Array`."""
        if index is None:
            return self
        m, r = [0] * size, [0] * size
        for i, a, s in zip(index, self.m, self.r, strict=True):
            m[i] += a
            r[i] += s
        return Balls(m, r, self.bits)

    def plus(self, other: Balls) -> Balls:
        """See `Array`."""
        m, r = map(operator.add, self.m, other.m), map(operator.add, self.r, other.r)
        return Balls(list(m), list(r), self.bits)

    def times(self, other: Balls) -> Balls:
        """See the class."""
        p, rest = self.bits, (1 << self.bits) - 1
        m = list(map(operator.mul, self.m, other.m))
        pairs = zip(self.m, self.r, other.m, other.r, m, strict=True)
        wide = ((abs(a) * t + s * (abs(b) + t), c) for a, s, b, t, c in pairs)
        r = [(u >> p) + 2 if u or c & rest else 0 for u, c in wide]
        return Balls([c >> p for c in m], r, p)

    def vectors(self, block: int, count: int, length: int, rows: bool) -> list[Ball | None]:
        """Kept: those of values are used for each column of the Hessian."""
        key = block, count, length, rows
        if key not in self.views:
            cuts = slices(block, count, length, rows)
            self.views[key] = [as_vector(self.m[cut], self.r[cut]) for cut in cuts]
        return self.views[key]

    def outer(
        self, block: int, layout: Layout, other: Balls, of: int, other_layout: Layout
    ) -> Balls:
        """See the class."""
        xs, ys = self.vectors(block, *layout), other.vectors(of, *other_layout)
        p, rest = self.bits, (1 << self.bits) - 1
        times, m, r = operator.mul, list[int](), list[int]()
        for x in xs:
            if x is None:
                m += [0] * len(ys)
                r += [0] * len(ys)
                continue
            xm, xa, xr, _ = x
            for y in ys:
                if y is None:
                    m.append(0)
                    r.append(0)
                    continue
                ym, _, yr, yg = y
                middle = sum(map(times, xm, ym))
                m.append(middle >> p)
                wide = sum(map(times, xa, yr)) if yr else 0
                wide += sum(map(times, xr, yg)) if xr else 0
                r.append((wide >> p) + 2 if wide or middle & rest else 0)
        return Balls(m, r, p)

    def joined(self, parts: list[Balls]) -> Balls:
        """See `Array`."""
        if len(parts) == 1:
            return parts[0]
        m, r = [a for part in parts for a in part.m], [s for part in parts for s in part.r]
        return Balls(m, r, self.bits)

    def intervals(self) -> list[Interval]:
        """The entries as intervals."""
        return [Interval(a - s, a + s, self.bits) for a, s in zip(self.m, self.r, strict=True)]

    def unit(self, place: int, size: int) -> Balls:
        """1 at one place, 0 at the others."""
        m = [0] * size
        m[place] = 1 << self.bits
        return Balls(m, [0] * size, self.bits)

    def nonzero(self) -> bool:
        """Whether no entry can be 0."""
        return all(abs(a) > s for a, s in zip(self.m, self.r, strict=True))

    def made(self, found: list[Interval]) -> Balls:
        """Intervals as an array of this precision."""
        m = [z.lo + z.hi >> 1 for z in found]
        return Balls(m, [z.hi - a for z, a in zip(found, m, strict=True)], self.bits)

    def jet(self, function: Function) -> list[Jet]:
        """Value and derivatives of a function at every entry, kept."""
        if function not in self.jets:
            self.jets[function] = [enclosure(*function, z) for z in self.intervals()]
        return self.jets[function]

    def mapped(self, function: Function) -> Balls:
        """Evaluated once."""
        return self.made([value for value, _, _ in self.jet(function)])

    def slope(self, function: Function, side: Balls | None) -> Balls:
        """There is no side: a kink raises `Undecided`."""
        del side  # at no kink
        if function not in self.slopes:
            firsts = [first for _, first, _ in self.jet(function) if first is not None]
            if len(firsts) < len(self.m):
                raise Undecided("an argument is not bounded away from a kink")
            self.slopes[function] = self.made(firsts)
        return self.slopes[function]

    def bend(self, function: Function) -> Balls:
        """The second derivative of a function at every entry."""
        return self.made([second for _, _, second in self.jet(function)])


def as_vector(m: list[int], r: list[int]) -> Ball | None:
    """A row or column ready for inner products; no radii at all are an empty list."""
    if not any(r):
        if not any(m):
            return None
        a = list(map(abs, m))
        return m, a, [], a
    a = list(map(abs, m))
    return m, a, r, list(map(operator.add, a, r))


# ---- Networks and losses (sections 3 and 4). -----------------------------------------------------


@dataclass(frozen=True)
class Problem:
    """A spurious-problem/1 object: network, loss, data and point; or one with the keys of 9.7.

    Attributes:
        widths: Inputs, hidden units of each layer, outputs.
        activation: Its name.
        slopes: (p, q) of section 3 for a homogeneous activation, None for a smooth one.
        loss: Its name.
        xs: (n, d) inputs.
        ys: (n, K) targets; for cross_entropy (n, 1) labels.
        layers: The point.
        weights: A factor for each data point; empty for ones.
        penalties: For each block of parameters (weights, biases, layer by layer) what the sum of
            its squares costs; empty for nothing.
    """

    widths: list[int]
    activation: str
    slopes: tuple[Fraction, Fraction] | None
    loss: str
    xs: list[list[Fraction]]
    ys: list[list[Fraction]]
    layers: Layers
    weights: list[Fraction] = field(default_factory=list[Fraction])
    penalties: list[Fraction] = field(default_factory=list[Fraction])

    @property
    def hidden(self) -> bool:
        """Whether there is a hidden layer."""
        return len(self.widths) > 2

    @property
    def kinked(self) -> bool:
        """Whether units can be on a kink (section 3)."""
        return self.slopes is not None and self.slopes[0] != self.slopes[1]

    @cached_property
    def groups(self) -> list[int]:
        """For each point the name of its group: the first point with the same input."""
        first: dict[tuple[Fraction, ...], int] = {}
        return [first.setdefault(tuple(x), i) for i, x in enumerate(self.xs)]

    @property
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
    require(("slope" in network) == (activation == "leaky_relu"), "slope is for leaky_relu alone")
    slopes: tuple[Fraction, Fraction] | None = None
    if activation == "leaky_relu":
        slopes = (Fraction(1), problem_number(network["slope"]))
    elif activation in PIECEWISE:
        slopes = (Fraction(PIECEWISE[activation][0]), Fraction(PIECEWISE[activation][1]))
    require(slopes is not None or activation in SMOOTH, "unknown activation")
    if len(widths) == 2:
        slopes = (Fraction(1), Fraction(1))  # section 3: homogeneous, no kinks
    data = as_object(fields["data"], "x", "y")
    xs = [read_row(row, widths[0], problem_number) for row in as_list(data["x"])]
    require(len(xs) > 0, "there are no data")
    outputs = widths[-1]
    labels = as_list(data["y"], len(xs))
    if loss == "cross_entropy":
        ys = [read_row(row, 1, problem_number) for row in labels]
        require(outputs >= 2, "cross_entropy needs two outputs")
        require(all(y in range(outputs) for (y,) in ys), "a label is not one of the classes")
    else:
        ys = [read_row(row, outputs, problem_number) for row in labels]
        require(loss in ("squared", "logistic") or (extended and loss == "hinge"), "unknown loss")
        require(loss == "squared" or all(abs(y) == 1 for r in ys for y in r), "labels are -1 or 1")
    layers = read_layers(fields["point"], widths, problem_number)
    if "witness" in fields:
        read_layers(fields["witness"], widths, problem_number)
    weights = read_weights(fields, len(xs))
    penalties = read_penalties(fields["penalty"], len(layers)) if "penalty" in fields else []
    return Problem(widths, activation, slopes, loss, xs, ys, layers, weights, penalties)


def read_weights(fields: Json, points: int) -> list[Fraction]:
    """The keys `weights` and `reduction` of 9.7 as a factor for each data point."""
    reduction = fields.get("reduction", "sum")
    require(reduction in ("sum", "mean"), "reduction is not sum or mean")
    weights = [Fraction(1)] * points
    if "weights" in fields:
        weights = read_row(fields["weights"], points, problem_number)
    return [w / points for w in weights] if reduction == "mean" else weights


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
    """g_ik, the derivative of the loss by the outputs at point i, exactly (section 4)."""
    y = pb.ys[i]
    if pb.loss == "squared":
        return [2 * (a - b) for a, b in zip(f, y, strict=True)]
    if pb.loss == "logistic":
        return [-b * soft_atom([a * b]) for a, b in zip(f, y, strict=True)]
    p = exact_softmax(f)
    p[int(y[0])] = p[int(y[0])] - 1
    return p


def exact_softmax(f: list[Fraction]) -> list[Number]:
    """The softmax as in section 4: the r largest share what the others leave."""
    top = max(f)
    p = {k: soft_atom([b - a for m, b in enumerate(f) if m != k])
         for k, a in enumerate(f) if a != top}  # fmt: skip
    share = (1 - total(p.values())) * Fraction(1, f.count(top))
    return [p.get(k, share) for k in range(len(f))]


# ---- Programs (9.1): their operations, and reading them. -----------------------------------------


MAX_OPERATIONS = 100_000
MAX_AXES = 64

A = TypeVar("A", bound=Array)
T = TypeVar("T")
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Step:
    """An operation. This one is a constant, or a block of parameters if `of` is empty and it moves.

    Attributes:
        of: The steps that it operates on.
        shape: Of the result.
        moves: Whether the result depends on a parameter.
        values: The entries of a constant.
        block: Where a block of parameters lies in the flat vector.
    """

    of: tuple[int, ...]
    shape: Shape
    moves: bool
    values: tuple[Fraction, ...] = ()
    block: range = range(0)


@dataclass(frozen=True)
class Linear(Step):
    """add, sum, take, join: picks of the operands, or scattered operands, added up."""

    indices: tuple[Index, ...] = ()
    picks: bool = True

    def push(self, args: Sequence[A | None]) -> A | None:
        """The result; None stands for zeros."""
        total, size = None, math.prod(self.shape)
        if not self.picks and len(args) > 1:  # join: the parts are disjoint
            known = next((a for a in args if a is not None), None)
            if known is None:
                return None
            sizes = [len(index or ()) for index in self.indices]
            zeros = [known.like([Fraction(0)] * n) for n in sizes]
            return known.joined([z if a is None else a for a, z in zip(args, zeros, strict=True)])
        for a, index in zip(args, self.indices, strict=True):
            if a is not None:
                part = a.pick(index) if self.picks else a.scatter(index, size)
                total = part if total is None else total.plus(part)
        return total

    def pull(self, bar: A, args: Sequence[A | None], sizes: Sequence[int]) -> list[A | None]:
        """What the adjoint of the result adds to those of the operands."""
        del args
        return [
            bar.scatter(index, size) if self.picks else bar.pick(index)
            for index, size in zip(self.indices, sizes, strict=True)
        ]


@dataclass(frozen=True)
class Product(Step):
    """mul: products of picked entries."""

    left: Index = None
    right: Index = None

    def push(self, a: A, b: A) -> A:
        """The result."""
        return a.pick(self.left).times(b.pick(self.right))

    def pull(self, bar: A, args: Sequence[A | None], sizes: Sequence[int]) -> list[A | None]:
        """The adjoint times the other operand, for each."""
        a, b = args
        return [
            None if b is None else bar.times(b.pick(self.right)).scatter(self.left, sizes[0]),
            None if a is None else bar.times(a.pick(self.left)).scatter(self.right, sizes[1]),
        ]


@dataclass(frozen=True)
class MatrixProduct(Step):
    """matmul of (n, k) and (k, m) blocks; `blocks` lists those of a, of b and of the result."""

    n: int = 0
    k: int = 0
    m: int = 0
    blocks: tuple[tuple[int, int, int], ...] = ()

    def push(self, a: A, b: A) -> A:
        """C = A B."""
        n, k, m = self.n, self.k, self.m
        return gathered(
            a, [(c, a.outer(i, (n, k, True), b, j, (m, k, False))) for i, j, c in self.blocks]
        )

    def pull(self, bar: A, args: Sequence[A | None], sizes: Sequence[int]) -> list[A | None]:
        """C B^T and A^T C, for the adjoint C."""
        del sizes
        (a, b), n, k, m = args, self.n, self.k, self.m
        one = other = None
        if b is not None:
            parts = [(i, bar.outer(c, (n, m, True), b, j, (k, m, True))) for i, j, c in self.blocks]
            one = gathered(bar, parts)
        if a is not None:
            parts = [
                (j, a.outer(i, (k, n, False), bar, c, (m, n, False))) for i, j, c in self.blocks
            ]
            other = gathered(bar, parts)
        return [one, other]


@dataclass(frozen=True)
class Map(Step):
    """map: a function at every entry."""

    function: Function = ("relu", None)


def summands(step: Step, args: Sequence[Sequence[T]]) -> Iterator[list[tuple[T, ...]]]:
    """Each entry of the result as a sum of products of entries of the operands; one for a map."""
    if isinstance(step, Linear):
        found: list[list[tuple[T, ...]]] = [[] for _ in range(math.prod(step.shape))]
        for arg, index in zip(args, step.indices, strict=True):
            places = range(len(found) if step.picks else len(arg)) if index is None else index
            for k, i in enumerate(places):
                found[k if step.picks else i].append((arg[i if step.picks else k],))
        yield from found
    elif isinstance(step, Product):
        left, right = (range(math.prod(step.shape)) if i is None else i
                       for i in (step.left, step.right))  # fmt: skip
        yield from ([(args[0][i], args[1][j])] for i, j in zip(left, right, strict=True))
    elif isinstance(step, MatrixProduct):
        (a, b), n, k, m = args, step.n, step.k, step.m
        for i, j, _ in step.blocks:
            rows = [a[(i * n + r) * k : (i * n + r + 1) * k] for r in range(n)]
            columns = [b[j * k * m + c : (j + 1) * k * m : m] for c in range(m)]
            yield from (list(zip(r, c, strict=True)) for r in rows for c in columns)
    elif isinstance(step, Map):
        yield from ([(z,)] for z in args[0])


def gathered(like: A, parts: list[tuple[int, A]]) -> A:
    """Blocks in order, those with the same number added."""
    out: dict[int, A] = {}
    for block, part in parts:
        out[block] = out[block].plus(part) if block in out else part
    return like.joined([out[block] for block in sorted(out)])


@dataclass(frozen=True)
class Program:
    """A loss: a spurious-problem/2 object, or a dense spurious-problem/1 (`checker.dense`).

    Attributes:
        steps: The operations; the last is the loss.
        point: The flat vector of parameters.
        dense: The dense problem that it was written from, if it was.
        outputs: Of a dense problem the step that holds the outputs, shape (n, K).
        layers: Of a dense problem, for each layer, the steps of its input a (n, in) and of its
            pre-activation z (n, out).
    """

    steps: list[Step]
    point: list[Fraction]
    dense: Problem | None = None
    outputs: int | None = None
    layers: tuple[tuple[int, int], ...] = ()


# ---- reading ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Limits:
    """How large a program may be.

    Attributes:
        entries: Of one array.
        total: Entries of all arrays together.
        products: Multiplications in all matrix products together.
    """

    entries: int
    total: int
    products: int


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
    """Operations one after the other (section 9.1), within limits; each returns its number.

    Attributes:
        steps: What was written so far.
        names: The blocks of parameters and their sizes.
    """

    def __init__(self, limits: Limits = OF_PROGRAMS) -> None:
        self.steps, self.names, self.limits = list[Step](), dict[str, int](), limits
        self.parameters = self.total = self.products = 0

    def require_size(self, *shape: int) -> None:
        """The number of entries of an array that is about to be made is within the limit."""
        require(math.prod(shape) <= self.limits.entries, "an array has too many entries")

    def append(self, step: Step) -> int:
        """Adds a step."""
        self.total += math.prod(step.shape)
        if isinstance(step, MatrixProduct):
            self.products += math.prod(step.shape) * step.k
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
        return self.append(Step((), shape, True, block=range(start, start + size)))

    def const(self, shape: Shape, values: Sequence[Fraction]) -> int:
        """Exact numbers."""
        self.require_size(*shape)
        return self.append(Step((), shape, False, tuple(values)))

    def shapes(self, *of: int) -> list[Shape]:
        """The shapes of operands."""
        return [self.steps[i].shape for i in of]

    def moves(self, *of: int) -> bool:
        """Whether any of them depends on a parameter."""
        return any(self.steps[i].moves for i in of)

    def broadcast(self, one: Shape, other: Shape) -> Shape:
        """The shape that two arrays are repeated to, as in NumPy."""
        size = max(len(one), len(other))
        pairs = list(zip(padded(one, size), padded(other, size), strict=True))
        require(all(a == b or 1 in (a, b) for a, b in pairs), "shapes do not fit")
        shape = tuple(max(a, b) for a, b in pairs)
        self.require_size(*shape)
        return shape

    def add(self, a: int, b: int) -> int:
        """The sum of two arrays."""
        shape = self.broadcast(*self.shapes(a, b))
        indices = tuple(repeats(s, shape) for s in self.shapes(a, b))
        return self.append(Linear((a, b), shape, self.moves(a, b), indices=indices))

    def mul(self, a: int, b: int) -> int:
        """The product of two arrays, entry by entry."""
        shape = self.broadcast(*self.shapes(a, b))
        left, right = (repeats(s, shape) for s in self.shapes(a, b))
        return self.append(Product((a, b), shape, self.moves(a, b), left=left, right=right))

    def matmul(self, a: int, b: int) -> int:
        """The matrix product."""
        one, other = self.shapes(a, b)
        fits = min(len(one), len(other)) >= 2 and one[-1] == other[-2]
        require(fits, "the shapes of a matmul do not fit")
        batch = self.broadcast(one[:-2], other[:-2])
        (n, k), m, size = one[-2:], other[-1], math.prod(batch)
        self.require_size(size, n, m)
        first, second = (repeats(s[:-2], batch) or range(size) for s in (one, other))
        blocks = tuple(zip(first, second, range(size), strict=True))
        shape, moves = (*batch, n, m), self.moves(a, b)
        return self.append(MatrixProduct((a, b), shape, moves, n=n, k=k, m=m, blocks=blocks))

    def map(self, a: int, function: str, slope: Fraction | None = None) -> int:
        """A function at every entry."""
        require(function in FUNCTIONS, "unknown function")
        require((slope is not None) == (function == "leaky_relu"), "slope is for leaky_relu alone")
        slopes: Slopes | None = None
        if slope is not None:
            slopes = (Fraction(1), slope)
        elif function in PIECEWISE:
            slopes = (Fraction(PIECEWISE[function][0]), Fraction(PIECEWISE[function][1]))
        (shape,) = self.shapes(a)
        return self.append(Map((a,), shape, self.moves(a), function=(function, slopes)))

    def sum(self, a: int, axes: Sequence[int]) -> int:
        """The sum over axes."""
        (shape,), index = self.shapes(a), [0]
        require(all(a < b for a, b in pairwise(axes)), "axes are not increasing")
        require(all(0 <= a < len(shape) for a in axes), "there is no such axis")
        for axis, size in enumerate(shape):
            index = [i if axis in axes else i * size + j for i in index for j in range(size)]
        rest = tuple(n for axis, n in enumerate(shape) if axis not in axes)
        return self.append(Linear((a,), rest, self.moves(a), indices=(index,), picks=False))

    def take(self, a: int, shape: Sequence[int], index: Sequence[int]) -> int:
        """Entries by number."""
        size = math.prod(self.steps[a].shape)
        require(all(0 <= i < size for i in index), "an index of take is out of range")
        return self.append(Linear((a,), tuple(shape), self.moves(a), indices=(index,)))

    def join(self, *of: int) -> int:
        """The operands one after the other."""
        require(len(of) >= 1, "join has no operands")
        indices, start = list[Index](), 0
        for shape in self.shapes(*of):
            indices.append(range(start, start + math.prod(shape)))
            start += math.prod(shape)
        self.require_size(start)
        return self.append(
            Linear(of, (start,), self.moves(*of), indices=tuple(indices), picks=False)
        )

    def read(self, fields: Json) -> int:
        """An operation of a file."""
        op = as_text(fields.get("op"))
        require(op in KEYS, "unknown op")
        as_object(fields, "op", *KEYS[op], optional=["slope"] if op == "map" else [])
        if op == "param":
            return self.param(as_text(fields["name"]), self.read_shape(fields["shape"]))
        if op == "const":
            shape = self.read_shape(fields["shape"])
            return self.const(shape, read_row(fields["values"], math.prod(shape), problem_number))
        of = [as_int(i) for i in as_list(fields["of"])]
        require(all(0 <= i < len(self.steps) for i in of), "an operand is no earlier operation")
        if op == "join":
            return self.join(*of)
        if op in ("add", "mul", "matmul"):
            require(len(of) == 2, f"{op} has a wrong number of operands")
            return {"add": self.add, "mul": self.mul, "matmul": self.matmul}[op](*of)
        require(len(of) == 1, f"{op} has a wrong number of operands")
        if op == "map":
            slope = problem_number(fields["slope"]) if "slope" in fields else None
            return self.map(of[0], as_text(fields["function"]), slope)
        if op == "sum":
            return self.sum(of[0], [as_int(a) for a in as_list(fields["axes"])])
        shape = self.read_shape(fields["shape"])
        return self.take(
            of[0], shape, [as_int(i) for i in as_list(fields["index"], math.prod(shape))]
        )

    def read_shape(self, x: object) -> Shape:
        """Reads a shape within the limits."""
        shape = tuple(as_int(n) for n in as_list(x))
        require(len(shape) <= MAX_AXES and all(n >= 1 for n in shape), "a shape is out of bounds")
        self.require_size(*shape)
        return shape


KEYS: dict[str, tuple[str, ...]] = {
    "param": ("name", "shape"), "const": ("shape", "values"), "add": ("of",), "mul": ("of",),
    "matmul": ("of",), "map": ("of", "function"), "sum": ("of", "axes"),
    "take": ("of", "shape", "index"), "join": ("of",),
}  # fmt: skip


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


def evaluated(steps: list[Step], point: A) -> list[A]:
    """The values of all steps at a point."""
    values: list[A] = []
    for step in steps:
        args = [values[i] for i in step.of]
        value: A | None = None
        if isinstance(step, Linear):
            value = step.push(args)
        elif isinstance(step, Product | MatrixProduct):
            value = step.push(args[0], args[1])
        elif isinstance(step, Map):
            value = args[0].mapped(step.function)
        elif step.moves:
            value = point.pick(step.block)
        values.append(point.like(list(step.values)) if value is None else value)
    return values


def tangent(steps: list[Step], values: list[A], seeds: dict[int, A]) -> list[A | None]:
    """The (one-sided) derivatives of all steps along a direction; None is zero.

    Args:
        steps: The program.
        values: Of all steps.
        seeds: The direction, for each block of parameters that moves by the number of its step.
    """
    dots: list[A | None] = []
    for k, step in enumerate(steps):
        args, moves = [values[i] for i in step.of], [dots[i] for i in step.of]
        dot: A | None = seeds.get(k)
        if not any(d is not None for d in moves):
            pass
        elif isinstance(step, Linear):
            dot = step.push(moves)
        elif isinstance(step, Map) and moves[0] is not None:
            dot = moves[0].times(args[0].slope(step.function, moves[0]))
        elif isinstance(step, Product | MatrixProduct):
            one = None if moves[0] is None else step.push(moves[0], args[1])
            other = None if moves[1] is None else step.push(args[0], moves[1])
            dot = one.plus(other) if one is not None and other is not None else one or other
        dots.append(dot)
    return dots


def by_blocks(steps: list[Step], direction: A) -> dict[int, A]:
    """A flat direction as `tangent` takes it."""
    return {k: direction.pick(step.block) for k, step in enumerate(steps) if step.block}


def moved_since(steps: list[Step], since: int) -> list[bool]:
    """Whether each step depends on a block of parameters from step `since` on."""
    found: list[bool] = []
    for k, step in enumerate(steps):
        found.append(any(found[i] for i in step.of) or (k >= since and len(step.block) > 0))
    return found


def adjoint(
    steps: list[Step],
    values: list[A],
    bars: list[A | None],
    sources: Callable[[int], list[A | None]] = lambda _: [],
    since: int = 0,
) -> list[A | None]:
    """The derivatives of the loss by the steps, backwards; only by those that blocks move.

    Args:
        steps: The program.
        values: Of all steps.
        bars: Where to start: those of the loss are 1 there, the rest None.
        sources: What else a step adds to the adjoints of its operands.
        since: The step of a block. Blocks before it do not count.
    """
    moved = moved_since(steps, since)
    for k in range(len(steps) - 1, since, -1):
        step, bar = steps[k], bars[k]
        if not moved[k] or not step.of:
            continue
        parts = sources(k)
        if bar is not None:
            parts = [*parts, *pulled(steps, step, bar, values, moved)]
        for i, part in zip(step.of * 2, parts, strict=False):
            if part is not None:
                old = bars[i]
                bars[i] = part if old is None else old.plus(part)
    return bars


def pulled(
    steps: list[Step], step: Step, bar: A, values: Sequence[A | None], moved: list[bool]
) -> list[A | None]:
    """What a step adds to the adjoints of its operands; None for those that are not moved."""
    if isinstance(step, Map):
        z = values[step.of[0]]
        return [None if z is None else bar.times(z.slope(step.function, None))]
    if not isinstance(step, Linear | Product | MatrixProduct):
        return []
    # for what does not move, the other operand is not needed
    args = [values[i] for i in step.of]
    if isinstance(step, Product | MatrixProduct):
        args = [a if moved[j] else None for a, j in zip(args, step.of[::-1], strict=True)]
    parts = step.pull(bar, args, [math.prod(steps[i].shape) for i in step.of])
    return [p if moved[i] else None for p, i in zip(parts, step.of, strict=True)]


def gradient_of(program: Program, values: list[A]) -> list[A]:
    """The gradient, for each block of parameters in order; also of blocks that do not matter."""
    steps = program.steps
    bars = adjoint(steps, values, unit_bars(values))
    return blocks_of(steps, bars, values[0])


def unit_bars(values: list[A]) -> list[A | None]:
    """1 for the loss, None for the rest."""
    return [*([None] * (len(values) - 1)), values[-1].like([Fraction(1)])]


def blocks_of(steps: list[Step], bars: Sequence[A | None], like: A) -> list[A]:
    """The entries for the blocks of parameters, zeros where there is None."""
    found: list[A] = []
    for step, bar in zip(steps, bars, strict=True):
        if step.block:
            found.append(like.like([Fraction(0)] * len(step.block)) if bar is None else bar)
    return found


class Curved:
    """A program over a box of parameters, ready for columns of its Hessian: forward over reverse.

    With dots the derivatives of all values along a direction, those of the adjoints flow back like
    the adjoints, and each product adds the adjoint times the dot of the other operand, each
    function its second derivative times adjoint times dot.
    """

    def __init__(self, program: Program, point: Balls) -> None:
        self.steps = program.steps
        self.values = evaluated(self.steps, point)
        self.bars = adjoint(self.steps, self.values, unit_bars(self.values))
        self.home = {i: k for k, step in enumerate(self.steps) for i in step.block}
        self.bends: dict[int, Balls] = {}
        for k, (step, bar) in enumerate(zip(self.steps, self.bars, strict=True)):
            if isinstance(step, Map) and step.moves and bar is not None:
                z = self.values[step.of[0]]
                self.bends[k] = bar.times(z.bend(step.function))

    def gradient(self) -> Balls:
        """The gradient, flat."""
        parts = blocks_of(self.steps, self.bars, self.values[0])
        return parts[0].joined(parts)

    def column(self, seeds: dict[int, Balls], since: int = 0) -> Balls:
        """The Hessian times a direction, flat; entries of blocks before step `since` are 0."""
        dots, moved = tangent(self.steps, self.values, seeds), moved_since(self.steps, since)

        def sources(k: int) -> list[Balls | None]:
            step, bar = self.steps[k], self.bars[k]
            if bar is None:
                return []
            if k in self.bends:
                dot = dots[step.of[0]]
                return [None if dot is None else self.bends[k].times(dot)]
            if isinstance(step, Product | MatrixProduct):
                return pulled(self.steps, step, bar, dots, moved)
            return []

        start: list[Balls | None] = [None] * len(self.steps)
        bars = adjoint(self.steps, self.values, start, sources, since)
        parts = blocks_of(self.steps, bars, self.values[0])
        return parts[0].joined(parts)

    def toward(self, i: int) -> dict[int, Balls]:
        """The direction of a parameter, as `tangent` takes it."""
        k = self.home[i]
        block = self.steps[k].block
        return {k: self.values[0].unit(i - block.start, len(block))}

    def hessian(self, chosen: Sequence[int] | None = None) -> list[Balls]:
        """The rows for the parameters chosen, in increasing order; for all of them.

        A Hessian is symmetric: of each column the part from the diagonal on is computed.
        """
        places = range(len(self.home)) if chosen is None else chosen
        columns = [self.column(self.toward(i), self.home[i]).pick(places) for i in places]
        pairs = [[(columns[min(i, j)], max(i, j)) for j in range(len(places))]
                 for i in range(len(places))]  # fmt: skip
        return [Balls([c.m[j] for c, j in row], [c.r[j] for c, j in row], columns[0].bits)
                for row in pairs]  # fmt: skip


@dataclass(frozen=True)
class Box:
    """All points within the radius of the centre in the free parameters; the others are fixed.

    Attributes:
        program: The loss.
        centre: Flat.
        radius: Positive.
        free: Numbers of parameters, increasing.
        bits: The precision.
    """

    program: Program
    centre: list[Fraction]
    radius: Fraction
    free: Sequence[int]
    bits: int

    @cached_property
    def place(self) -> Balls:
        """The box."""
        fixed = set(range(len(self.centre))) - set(self.free)
        return Balls.around(self.centre, self.radius, self.bits, fixed)

    @cached_property
    def over(self) -> Curved:
        """The program over the box."""
        return Curved(self.program, self.place)

    @cached_property
    def at(self) -> Curved:
        """The program at the centre."""
        return Curved(self.program, Balls.around(self.centre, Fraction(0), self.bits))

    def gradient(self) -> Balls:
        """At the centre, in the free parameters."""
        return self.at.gradient().pick(self.free)

    def hessian(self) -> list[Balls]:
        """Over the box, in the free parameters: rows."""
        return self.over.hessian(self.free)


# ---- Dense problems as programs (9.7): section 3 in the operations of 9.1. -----------------------


def read_any(x: object) -> Program:
    """Reads a problem of either format as a program."""
    fields = as_table(x, "the problem")
    if fields.get("format") == "spurious-problem/1":
        return dense_program(read_problem(fields))
    if "network" in fields:
        return dense_program(read_problem(fields, extended=True))
    return read_program(fields)


def dense_program(pb: Problem) -> Program:
    """The loss as a program of the parameters in the order of section 1."""
    w = Writer(OF_DENSE)
    layers = network(w, pb)
    f = layers[-1][1]
    summed(w, pb, LOSSES[pb.loss](w, pb, f))
    return Program(w.steps, flatten(pb.layers), pb, f, layers)


def summed(w: Writer, pb: Problem, losses: int) -> int:
    """The losses of the points, weighted and added up, and the penalty of the blocks."""
    blocks = [k for k, step in enumerate(w.steps) if step.block]
    if any(v != 1 for v in pb.weights):
        losses = w.mul(losses, w.const((len(pb.xs),), pb.weights))
    total = w.sum(losses, [0])
    for block, cost in zip(blocks, pb.penalties, strict=False):
        if cost:
            axes = [*range(len(w.steps[block].shape))]
            squares = w.sum(w.mul(block, block), axes)
            total = w.add(total, w.mul(squares, w.const((), [cost])))
    return total


def network(
    w: Writer, pb: Problem, slopes: Sequence[Sequence[Sequence[Fraction]]] = ()
) -> tuple[tuple[int, int], ...]:
    """Writes the network on the data.

    Layer by layer the block `layers[l].weight`, (out, in) row by row, then `layers[l].bias`.

    Args:
        w: Where.
        pb: The problem.
        slopes: For each hidden layer, point and unit what z is multiplied by, instead of the
            activation.

    Returns:
        The steps of a (n, in) and z (n, out) of each layer; the last z are the outputs.
    """
    n, layers = len(pb.xs), list[tuple[int, int]]()
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
        elif pb.activation != "identity":
            a = w.append(Map((z,), (n, outputs), True, function=(pb.activation, pb.slopes)))
    return tuple(layers)


def targets(w: Writer, pb: Problem) -> int:
    """The targets times -1, shape (n, K)."""
    return w.const((len(pb.ys), pb.widths[-1]), [-y for row in pb.ys for y in row])


def squared(w: Writer, pb: Problem, f: int) -> int:
    """For each data point the sum of (f - y)^2."""
    error = w.add(f, targets(w, pb))
    return w.sum(w.mul(error, error), [1])


def logistic(w: Writer, pb: Problem, f: int) -> int:
    """For each data point the sum of log(1 + exp(-y f))."""
    margins = w.mul(f, targets(w, pb))
    return w.sum(w.map(margins, "softplus"), [1])


def hinge(w: Writer, pb: Problem, f: int) -> int:
    """For each data point the sum of max(1 - y f, 0)."""
    missed = w.add(w.mul(f, targets(w, pb)), w.const((), [Fraction(1)]))
    return w.sum(w.map(missed, "relu"), [1])


def ahead(w: Writer, pb: Problem, f: int) -> int:
    """f_ik - f_iy_i for k != y_i, shape (n, K - 1)."""
    n, outputs = len(pb.ys), pb.widths[-1]
    labels = [int(y) for (y,) in pb.ys]
    others = [i * outputs + k for i, y in enumerate(labels) for k in range(outputs) if k != y]
    own = [i * outputs + y for i, y in enumerate(labels) for _ in range(outputs - 1)]
    shape = [n, outputs - 1]
    right = w.mul(w.take(f, shape, own), w.const((), [Fraction(-1)]))
    return w.add(w.take(f, shape, others), right)


def cross_entropy(w: Writer, pb: Problem, f: int) -> int:
    """For each data point log(1 + sum over k != y_i of exp(f_ik - f_iy_i))."""
    gaps = ahead(w, pb, f)
    losses = w.map(gaps, "softplus") if pb.widths[-1] == 2 else log_sum(w, gaps)
    return w.sum(losses, [1])


def log_sum(w: Writer, d: int) -> int:
    """log(1 + sum over k of exp(d_ik)), shape (n, 1): one k after the other.

    log(e^a + e^b) = a + softplus(b - a) is safe for numbers of any size.
    """
    n, m = w.steps[d].shape
    column = [w.take(d, [n, 1], [i * m + k for i in range(n)]) for k in range(m)]
    a, minus = w.map(column[0], "softplus"), w.const((), [Fraction(-1)])
    for b in column[1:]:
        gap = w.add(b, w.mul(a, minus))
        a = w.add(a, w.map(gap, "softplus"))
    return a


LOSSES = {f.__name__: f for f in (squared, logistic, hinge, cross_entropy)}


# ---- Symmetric interval matrices: definiteness, and Krawczyk's test with the index (9.3, 9.4). ---


Rows = list[list[int]]  # of a matrix, over 2^bits
MAX_HESSIAN = 2000  # parameters of a program whose Hessian is enclosed


@dataclass(frozen=True)
class Enclosed:
    """A symmetric interval matrix: entries within `wide` of `mid`, all over 2^bits.

    Attributes:
        mid: (n, n), symmetric.
        wide: For each row the sum of the radii.
        bits: The precision.
    """

    mid: Rows
    wide: list[int]
    bits: int


def symmetric(columns: list[Balls]) -> Enclosed:
    """An enclosure of the symmetric matrices in these columns, by the lower triangle."""
    size = range(len(columns))
    mid = [[columns[min(i, j)].m[max(i, j)] for j in size] for i in size]
    wide = [sum(columns[min(i, j)].r[max(i, j)] for j in size) for i in size]
    return Enclosed(mid, wide, columns[0].bits)


def factored(matrix: Rows, p: int, definite: bool) -> tuple[int, list[int]]:
    """M = L D L^T + E with exact L and D over 2^p: how many D are negative, and bounds for E.

    L (unit lower triangular) and D are computed in fixed point, a D below 2^(-p/4) in size is
    replaced by that. Whatever L and D are, E is then computed exactly, over 2^(3p).

    Returns:
        The number of negative entries of D, and for each row the sum of |E| over 2^p, rounded up.

    Raises:
        Undecided: If a D is not positive and all must be.
    """
    least, one = 1 << p - p // 4, 1 << p
    lower, scaled, diagonal = list[list[int]](), list[list[int]](), list[int]()
    errors = [0] * len(matrix)
    for i, row in enumerate(matrix):
        new, w = list[int](), list[int]()  # of row i: L, and L times D, rounded
        for j in range(i):
            w.append(row[j] - (integer_dot(w, lower[j]) >> p))
            new.append((w[j] << p) // diagonal[j])
        pivot = row[i] - (integer_dot(w, new) >> p)
        if definite and pivot <= 0:
            raise Undecided("the Hessian is not shown to be positive definite")
        if abs(pivot) < least and not definite:
            pivot = least if pivot >= 0 else -least
        diagonal.append(pivot)
        lower.append([*new, one])
        heavy = [a * d for a, d in zip(lower[i], diagonal, strict=True)]  # over 2^(2p)
        scaled.append(heavy)
        for j in range(i + 1):
            e = abs((row[j] << 2 * p) - integer_dot(heavy, lower[j]))
            errors[i] += e
            errors[j] += e if j < i else 0
    return sum(d < 0 for d in diagonal), [(e >> 2 * p) + 1 for e in errors]


def require_above(h: Enclosed, bound: Fraction) -> None:
    """Every symmetric matrix in h has all eigenvalues above the bound (9.3).

    With w the largest row sum of radii and s = bound / 2^20, let M - (bound + w + s) I =
    L D L^T + E, D > 0, |E| <= s. A matrix in h differs from M by at most w in norm, so it is at
    least L D L^T + bound + s - |E|, and that is above the bound.
    """
    s = int(bound * (1 << h.bits)) >> 20
    shift = -int(-bound * (1 << h.bits) // 1) + max(h.wide) + s
    shifted = [[a - shift * (i == j) for j, a in enumerate(row)] for i, row in enumerate(h.mid)]
    _, errors = factored(shifted, h.bits, definite=True)
    if max(errors) > s:
        raise Undecided("the Hessian is not shown to be positive definite")


def require_definite(h: list[Balls], bound: Fraction, s: Rows) -> None:
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
        if middle[a][a] - wide[a][a] <= others:
            raise Undecided("the Hessian is not shown to be positive definite")


def congruent(s: Rows, m: Rows) -> Rows:
    """S M S^T among integers."""
    columns = list(zip(*m, strict=True))
    left = [[integer_dot(row, column) for column in columns] for row in s]
    return [[integer_dot(row, other) for other in s] for row in left]


def require_independent(columns: list[Balls]) -> None:
    """The vectors in these columns are independent: their Gram matrix is positive definite.

    Each is multiplied by a power of two first, so that its largest entry is about 1.
    """
    size, length, bits = len(columns), len(columns[0].m), columns[0].bits
    scaled = list[Balls]()
    for column in columns:
        up = bits - max(map(abs, column.m)).bit_length()
        down, up = max(-up, 0), max(up, 0)
        m = [a << up >> down for a in column.m]
        scaled.append(Balls(m, [(s << up >> down) + 2 * (down > 0) for s in column.r], bits))
    whole, layout = scaled[0].joined(scaled), (size, length, True)
    gram = whole.outer(0, layout, whole, 0, layout)
    rows = [gram.pick(range(k * size, (k + 1) * size)) for k in range(size)]
    require_above(symmetric(rows), Fraction(1, 1 << bits // 2))


def read_square(x: object, size: int, bits: int) -> Rows:
    """Reads a square matrix, rounded: any for which what is asked holds will do."""
    rows = as_list(x, size)
    return [[round(v * (1 << bits)) for v in read_row(row, size)] for row in rows]


def require_contraction(
    a: Rows, columns: Rows, wide: list[int], g: Balls, r: Fraction
) -> list[int]:
    """Krawczyk's test (9.4, 9.8): |A g| + |I - A J| r < r, so there is a zero within r.

    Args:
        a: A, its rows.
        columns: The middles of J.
        wide: For each row of J the sum of the radii; row sums of |A D|, D within, are |A| wide.
        g: What is to be zero, at the centre.
        r: The radius of the box over which J encloses the derivative.

    Returns:
        Bounds for the row sums of |I - A J|, over 2^(2 bits).
    """
    unit, step, sums = 1 << 2 * g.bits, 0, list[int]()
    for i, row in enumerate(a):
        sizes = list(map(abs, row))
        off = (unit * (i == j) - integer_dot(row, column) for j, column in enumerate(columns))
        sums.append(sum(map(abs, off)) + integer_dot(sizes, wide))
        step = max(step, abs(integer_dot(row, g.m)) + integer_dot(sizes, g.r))
    if step >= r * (unit - max(sums)):
        raise Undecided("no solution is shown to lie in the box")
    return sums


def isolated(box: Box, preconditioner: object) -> tuple[int, Interval]:
    """Section 9.4: a critical point in the box, and the signs of the Hessian's eigenvalues.

    Returns:
        The number of negative eigenvalues, and the loss at the critical point: off the centre's by
        at most the radius times the sum of |gradient| over the box.
    """
    size, p = len(box.free), box.bits
    require(size <= MAX_HESSIAN, "there are too many parameters for a Hessian")
    for step in box.program.steps:
        jumps = isinstance(step, Map) and step.moves and step.function[0] in BENT
        if jumps and not box.over.values[step.of[0]].nonzero():
            raise Undecided("a second derivative may jump in the box")
    a, h = read_square(preconditioner, size, p), symmetric(box.hessian())
    sums = require_contraction(a, h.mid, h.wide, box.gradient(), box.radius)
    negative, errors = factored(h.mid, p, definite=False)
    norm = max(s + integer_dot(map(abs, row), errors) for s, row in zip(sums, a, strict=True))
    if norm >= 1 << 2 * p:
        raise Undecided("the index is not decided")
    slope, (loss,) = box.over.gradient().pick(box.free), box.at.values[-1].intervals()
    steep = sum(abs(m) + s for m, s in zip(slope.m, slope.r, strict=True))
    moved = Interval.of(box.radius * Fraction(steep, 1 << p), p)
    return negative, Interval(loss.lo - moved.hi, loss.hi + moved.hi, p)


# ---- What the rules share, and rules for minima by exact numbers (section 5). --------------------


@dataclass(frozen=True)
class Case:
    """What a rule is given.

    Attributes:
        program: The loss and the point.
        claim: All its keys are there.
        bits: The precision.
        layered: Whether points are written in layers (section 1), and rational losses as such: in
            format 1.
    """

    program: Program
    claim: Json
    bits: int
    layered: bool

    @property
    def verdict(self) -> str:
        """What is claimed of the point."""
        return as_text(self.claim["verdict"])

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

    @cached_property
    def values(self) -> list[Numbers]:
        """The values of all steps at the problem's point, exact as long as they are rational."""
        return values_at(self.program, self.program.point, self.bits)

    def loss_at(self, point: list[Fraction]) -> Number:
        """The loss at a point, exact if everything below is rational."""
        here = point == self.program.point
        values = self.values if here else values_at(self.program, point, self.bits)
        return values[-1].entries[0]

    def read_point(self, x: object) -> list[Fraction]:
        """Reads a point or a direction as a flat vector."""
        if self.layered:
            return flatten(read_layers(x, self.problem.widths, rational))
        return read_row(x, len(self.program.point))


@dataclass
class Found:
    """What a rule establishes.

    Attributes:
        loss: The loss of the point or minimum, exact or enclosed; None: of the problem's point.
        radius: With `local_minimum_nearby`, the smallest radius that may be claimed.
        place: The exact point that the verdict is about, if there is one.
        limit: The limit of the loss along a valley.
        index: The number of negative eigenvalues of the Hessian at a saddle.
        unbeaten: Whether no outputs whatever have a smaller loss.
    """

    strict: str = "unknown"
    rescaled: str = "unknown"
    flat: int | None = None
    eigenvalue: Fraction | None = None
    loss: Number | None = None
    radius: Fraction | None = None
    place: Layers | None = None
    limit: Number | None = None
    index: int | None = None
    unbeaten: bool = False


Rules = dict[str, tuple[Callable[[Case, Json], Found], tuple[str, ...]]]  # and their verdicts


@dataclass(frozen=True)
class Exact:
    """A network evaluated exactly at all data.

    Attributes:
        pb: The problem.
        layers: The point.
        pre: z of each layer and data point; the last are the outputs.
        g: For each data point the derivative of the loss by the outputs (section 4).
        loss: The loss, exact or enclosed.
        inputs: x~ = (x, 1).
    """

    pb: Problem
    layers: Layers
    pre: list[list[list[Fraction]]]
    g: list[list[Number]]
    loss: Number
    inputs: list[list[Fraction]]

    def slope(self, i: int, j: int) -> Fraction:
        """Slope of unit j of the first layer at data point i; p on the kink (section 5.1)."""
        p, q = self.pb.slopes or (Fraction(1), Fraction(1))
        return p if self.pre[0][i][j] >= 0 else q


def evaluate(case: Case, layers: Layers) -> Exact:
    """Evaluates exactly; raises `Invalid` where a pre-activation is not rational."""
    pb, pre, here = case.problem, list[list[list[Fraction]]](), layers is case.problem.layers
    values = case.values if here else values_at(case.program, flatten(layers), case.bits)
    for (_, z), width in zip(case.program.layers, pb.widths[1:], strict=True):
        row = [v for v in values[z].entries if isinstance(v, Fraction)]
        require(len(row) == len(pb.xs) * width, "a value of the activation is not rational")
        pre.append([row[i : i + width] for i in range(0, len(row), width)])
    g = [loss_slopes(pb, i, f) for i, f in enumerate(pre[-1])]
    inputs = [[*x, Fraction(1)] for x in pb.xs]
    return Exact(pb, layers, pre, g, values[-1].entries[0], inputs)


def values_at(program: Program, point: Sequence[Fraction], bits: int) -> list[Numbers]:
    """The values of all steps at a point, exact as long as they are rational."""
    limit = None if program.layers else MAX_MAGNITUDE
    return evaluated(program.steps, Numbers(point, bits, limit))


def add_up(rows: Iterable[Sequence[Number]], length: int) -> list[Number]:
    """The sum of vectors."""
    total: list[Number] = [Fraction(0)] * length
    for row in rows:
        total = [a + b for a, b in zip(total, row, strict=True)]
    return total


def require_zero(values: Iterable[Number], what: str) -> None:
    """Every value is recognised as exactly zero (section 1)."""
    require(not any(values), f"{what} is not zero")


def exact_place(case: Case, proof: Json, *keys: str) -> tuple[Exact, Found]:
    """The point at which 5.1 and 5.2 are applied (section 5)."""
    pb, layers, found = case.problem, case.problem.layers, Found()
    require(pb.slopes is not None, "the rule needs a homogeneous activation")
    if case.verdict == "local_minimum_nearby":
        as_object(proof, "rule", "point", *keys)
        layers = read_layers(proof["point"], pb.widths, rational)
        found.radius = distance(flatten(layers), case.program.point)
    else:
        as_object(proof, "rule", *keys)
    ex = evaluate(case, layers)
    found.place, found.loss = layers, ex.loss
    return ex, found


def one_sided_derivatives(case: Case, proof: Json) -> Found:
    """Section 5.1, Theorem 1: sum g = 0, and phi >= 0 for every unit and every test vector."""
    pb = case.problem
    require(len(pb.widths) == 3, "the rule needs exactly one hidden layer")
    outputs = pb.widths[2]
    ex, found = exact_place(case, proof, "units", *(["epsilon"] if outputs > 1 else []))
    require_zero(add_up(ex.g, outputs), "the sum of g")
    units = as_list(proof["units"], pb.widths[1])
    for j, item in enumerate(units):
        lin, bends = unit_terms(ex, j)
        v = [row[j] for row in ex.layers[1][0]]
        if not any(v):
            as_list(item, 0)
            require_zero((a for row in lin for a in row), "lin of a unit without output weights")
            require_zero((c for r in bends.values() for c in r), "C of a unit without outputs")
            continue
        if outputs == 1:
            tests = [[Fraction(1 if v[0] > 0 else -1)]]
        else:
            epsilon = positive(proof["epsilon"])
            steps = [(k, s * epsilon) for k in range(outputs) for s in (1, -1)]
            tests = [[a + e * (m == k) for m, a in enumerate(v)] for k, e in steps]
        for test, tree in zip(tests, as_list(item, len(tests)), strict=True):
            slope = [dot(test, column) for column in zip(*lin, strict=True)]
            bend = {r: dot(test, c) for r, c in bends.items()}
            Tree(ex.inputs, bend, case.bits).check(tree, slope, {})
    shallow_flatness(ex, found)
    return found


def unit_terms(
    ex: Exact, j: int, held: Iterable[int] | None = None
) -> tuple[list[list[Number]], dict[int, list[Number]]]:
    """lin_jk (by k) and C_rk (by r, then k) of section 5.1; `held` says what is on the kink."""
    p, q = ex.pb.slopes or (Fraction(1), Fraction(1))
    groups, outputs = ex.pb.groups, range(len(ex.g[0]))
    lin: list[list[Number]] = [[Fraction(0)] * len(ex.inputs[0]) for _ in outputs]
    bends: dict[int, list[Number]] = {}
    for i, x in enumerate(ex.inputs):
        z = ex.pre[0][i][j]
        on_kink = ex.pb.kinked and (z == 0 if held is None else groups[i] in held)
        slope = (p + q) / 2 if on_kink else ex.slope(i, j)
        for k in outputs:
            factor = ex.g[i][k] * slope
            if factor:
                lin[k] = [a + factor * b for a, b in zip(lin[k], x, strict=True)]
        if on_kink:
            more = [a * ((p - q) / 2) for a in ex.g[i]]
            old = bends.get(groups[i])
            bends[groups[i]] = more if old is None else add_up([old, more], len(more))
    return lin, bends


@dataclass
class Tree:
    """A tree of section 5.1: l.u + sum of c_r |u.x~_r| >= 0 on the cone of its node."""

    inputs: list[list[Fraction]]
    bend: dict[int, Number]
    bits: int

    def group(self, key: str) -> int:
        """Reads the name of a group on the kink."""
        r = int(key) if re.fullmatch(r"0|[1-9][0-9]{0,9}", key) else -1
        require(r in self.bend, f"{key[:20]!a} is no group on the kink")
        return r

    def check(self, tree: object, slope: list[Number], signs: dict[int, int]) -> None:
        """Checks the node; `signs` holds sigma of the groups split above it."""
        node = as_table(tree, "a tree")
        if "split" in node:
            as_object(node, "split", "plus", "minus")
            r = self.group(str(as_int(node["split"])))
            require(r not in signs, "a group is split twice")
            require(sign(self.bend[r], self.bits) < 0, "a group with c >= 0 is split")
            self.check(node["plus"], slope, {**signs, r: 1})
            self.check(node["minus"], slope, {**signs, r: -1})
        else:
            self.leaf(node, slope, signs)

    def leaf(self, node: Json, slope: list[Number], signs: dict[int, int]) -> None:
        """The identity at a leaf. Only groups with c < 0 may be dominated, only c >= 0 have tau."""
        as_object(node, optional=["dominated", "tau", "mu"])

        def table(key: str) -> dict[int, object]:
            return {self.group(r): v for r, v in as_table(node.get(key, {}), key).items()}

        def ray(s: int) -> list[Number]:
            require(s in signs, "a multiplier names a group that was not split")
            return [signs[s] * a for a in self.inputs[s]]

        dominated, size = table("dominated"), len(slope)
        must = {r for r in self.bend if r not in signs and sign(self.bend[r], self.bits) < 0}
        require(must == set(dominated), "dominated must hold the groups with c < 0 not split")
        total = add_up([slope, *([self.bend[s] * a for a in ray(s)] for s in signs)], size)
        for r, value in dominated.items():
            entries = as_table(value, "what dominates")
            m = {self.group(s): rational(v) for s, v in entries.items()}
            combined = add_up(([f * a for a in ray(s)] for s, f in m.items()), size)
            require(combined == self.inputs[r], "a dominated input is not the combination given")
            bound = add_up(([abs(f) * a for a in ray(s)] for s, f in m.items()), size)
            total = [a + self.bend[r] * b for a, b in zip(total, bound, strict=True)]
        for r, value in table("tau").items():
            tau, c = soft(value), self.bend[r]
            require(sign(c, self.bits) >= 0, "tau names a group with c < 0")
            require(sign(c - tau, self.bits) >= 0 <= sign(c + tau, self.bits), "|tau| exceeds c")
            total = [a + tau * b for a, b in zip(total, self.inputs[r], strict=True)]
        for s, value in table("mu").items():
            mu = soft(value)
            require(sign(mu, self.bits) >= 0, "mu is negative")
            total = [a - mu * b for a, b in zip(total, ray(s), strict=True)]
        require_zero(total, "the difference of the two sides at a leaf")


def shallow_flatness(ex: Exact, found: Found) -> None:
    """Flatness of section 5.1, Corollary 1."""
    pb, found.strict = ex.pb, "no"
    v = ex.layers[1][0][0]
    if pb.widths[2] > 1 or pb.loss == "cross_entropy":
        return
    if not all(v):
        found.rescaled = "no"
        return
    width, units = pb.widths[0] + 1, range(pb.widths[1])
    rows: list[list[Fraction]] = []
    smooth: list[list[Fraction]] = []
    bent: list[list[Fraction]] = []
    for i, (z, x) in enumerate(zip(ex.pre[0], ex.inputs, strict=True)):
        factors = [ex.slope(i, j) if v[j] > 0 else -ex.slope(i, j) for j in units]
        rows.append([f * a for f in factors for a in x] + [Fraction(1)])
        kinks = [j for j in units if pb.kinked and z[j] == 0]
        if not kinks:
            smooth.append(rows[-1])
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
    if ex.pb.hidden and ex.pb.activation == "relu" and dead:
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
        xs = [ex.inputs[i] if kind[0] == "signs" else [Fraction(1)] for i in members]
        for k in range(ex.pb.widths[-1]):
            rows = ([ex.g[i][k] * v for v in x] for i, x in zip(members, xs, strict=True))
            require_zero(add_up(rows, len(xs[0])), f"the sum of a {kind[0]} class")


def require_pointwise(ex: Exact) -> None:
    """Theorem 3: over every group of equal inputs the g sum to zero, for every output."""
    require_classwise(ex, [("loose", r) for r in ex.pb.groups])


def pointwise_optimum(case: Case, proof: Json) -> Found:
    """Section 5.8, Theorem 3: nothing at all does better, so the point is a minimum."""
    as_object(proof, "rule")
    require_pointwise(evaluate(case, case.problem.layers))
    return Found(place=case.problem.layers)


def classwise_optimum(case: Case, proof: Json) -> Found:
    """Section 5.2, Theorem 4: nothing affine or constant on each class does better."""
    ex, found = exact_place(case, proof)
    require_classwise(ex, [point_class(ex, i) for i in range(len(ex.g))])
    found.strict = hidden_homogeneous(ex.pb)
    return found


def hidden_homogeneous(pb: Problem) -> str:
    """`strict` for rules 5.2 and 5.4."""
    return "no" if pb.slopes is not None and pb.hidden else "unknown"


# ---- Minima with constant outputs: dead layers, and units that do not see the data (5.4, 5.7). ---


def constant_output(case: Case, proof: Json) -> Found:
    """Section 5.4, Theorem 6: one dead class; only the output biases have to move."""
    pb = case.problem
    as_object(proof, "rule", "radius")
    radius = positive(proof["radius"])
    require(pb.activation == "relu" and pb.hidden, "the rule needs relu units")
    require(pb.loss != "cross_entropy", "the rule needs a loss that separates by outputs")
    ex = evaluate(case, pb.layers)
    kinds = {point_class(ex, i) for i in range(len(pb.xs))}
    require(len(kinds) == 1 and min(kinds)[0] == "dead", "the points are not in one dead class")
    for side in (-1, 1):
        moved = [
            loss_slopes(pb, i, [c + side * radius for c in f]) for i, f in enumerate(ex.pre[-1])
        ]
        for total in add_up(moved, pb.widths[-1]):
            require(sign(total, case.bits) == side, "the best constant is not within the radius")
    loss: Number = Fraction(0)
    for k in range(pb.widths[-1]):
        loss = loss + best_constant(pb, k, case.bits)[1]
    return Found(hidden_homogeneous(pb), loss=loss, radius=radius)


def constant_units(case: Case, proof: Json) -> Found:
    """Section 5.7, Theorem 20: all units are constant on the data; the sums G decide."""
    pb, bits, here = case.problem, case.bits, case.verdict == "local_minimum"
    as_object(proof, "rule", "transport", *([] if here else ["radius"]))
    shape = pb.slopes is None and len(pb.widths) == 3 and pb.widths[2] == 1
    require(shape, "the rule needs a smooth activation, [d,h,1]")
    (weight, biases), (outgoing, _) = pb.layers
    affine = False
    for row, b, v in zip(weight, biases, outgoing[0], strict=True):
        levels = {inner(row, x) + b for x in pb.xs}
        require(len(levels) == 1, "a unit is not constant on the data")
        level = levels.pop()
        bend = curvature(pb.activation, level, bits)
        require(bend == 0 or bend * v > 0, "a unit bends the wrong way")
        affine = affine or bend == 0
    mean = sum((y for (y,) in pb.ys), Fraction(0)) / len(pb.ys)
    sums = dict.fromkeys(pb.groups, Fraction(0))
    for r, (y,) in zip(pb.groups, pb.ys, strict=True):
        sums[r] += mean - y
    found, spanned = Found("no", "no"), None
    if proof["transport"] is None:
        spanned = definite_moments(pb.xs, sums)
    else:
        check_transport(pb.xs, sums, proof["transport"])
    if spanned is not None and not affine:
        found.flat = pb.widths[1] * (pb.widths[0] - spanned + 2)
    best, found.loss = best_constant(pb, 0, bits)
    if here:
        require_zero(add_up(evaluate(case, pb.layers).g, 1), "the sum of g")
        found.place = pb.layers
        return found
    found.radius = positive(proof["radius"])
    gap = interval(best, bits) - case.values[case.program.layers[-1][1]].entries[0]
    require(sign(found.radius - abs(gap), bits) > 0, "the best constant is not within the radius")
    return found


def curvature(activation: str, z: Fraction, bits: int) -> int:
    """The sign of act'' around z (section 5.7); 0 where act is affine."""
    if activation == "softplus":
        return 1
    if activation == "gelu":
        return 1 if z * z < 2 else -1
    if activation == "silu":
        place = Interval.of(z, bits)
        return sign(2 + place * (1 - 2 * atom(-place)), bits)
    if activation not in ("sigmoid", "tanh", "softsign", "elu"):
        found = sign(enclosure(activation, None, Interval.of(z, bits))[2], bits)
        require(found != 0, "act'' has no sign there")
        return found
    require(z != 0, "act'' has no sign at 0")
    if z > 0:
        return 0 if activation == "elu" else -1
    return 1


def definite_moments(xs: list[list[Fraction]], sums: dict[int, Fraction]) -> int:
    """Condition (a) of Theorem 20; returns the rank of the differences of inputs.

    Elimination, leaving out coordinates whose pivot is zero: as many positive pivots as that rank
    and no negative one make a principal submatrix of that size positive definite, and M has no
    larger rank, so no negative eigenvalue.
    """
    size = range(len(xs[0]))
    moments = [[g * v for v in xs[r]] for r, g in sums.items()]
    require_zero(add_up(moments, len(size)), "the sum of G x")
    rows = [[sum((g * xs[r][a] * xs[r][b] for r, g in sums.items()), Fraction(0)) for b in size]
            for a in size]  # fmt: skip
    pivots = 0
    while rows:
        (top, *rest), rows = rows, []
        require(top[0] >= 0, "the second moments are not positive")
        if top[0]:
            pivots += 1
            rest = [
                [a - row[0] / top[0] * t for a, t in zip(row, top, strict=True)] for row in rest
            ]
        rows = [row[1:] for row in rest]
    spanned = rank([[a - b for a, b in zip(x, xs[0], strict=True)] for x in xs])
    require(pivots == spanned, "the second moments are singular on the differences of inputs")
    return spanned


def check_transport(xs: list[list[Fraction]], sums: dict[int, Fraction], table: object) -> None:
    """Condition (b) of Theorem 20: masses spread from inputs to others around them make G."""

    def entries(x: object) -> dict[int, object]:
        found, names = as_table(x, "a transport"), {str(r): r for r in sums}
        require(set(found) <= set(names), "a transport names no group")
        return {names[key]: value for key, value in found.items()}

    made = dict.fromkeys(sums, Fraction(0))
    for r, row in entries(table).items():
        masses = {s: rational(value) for s, value in entries(row).items()}
        require(all(a >= 0 for a in masses.values()), "a mass is negative")
        moved = [
            [a * (p - q) for p, q in zip(xs[s], xs[r], strict=True)] for s, a in masses.items()
        ]
        require_zero(add_up(moved, len(xs[r])), "the mean of what an input is spread to, less it,")
        for s, a in masses.items():
            made[s] += a
            made[r] -= a
    require(made == sums, "the transport does not make the sums of g")


def best_constant(pb: Problem, k: int, bits: int) -> tuple[Number, Number]:
    """The best constant for output k and its loss (5.4, 5.7), for both labels n log(n / n_y)."""
    targets = [row[k] for row in pb.ys]
    n, ones = len(targets), targets.count(Fraction(1))
    if pb.loss == "squared":
        mean = sum(targets, Fraction(0)) / n
        return mean, sum(((mean - y) ** 2 for y in targets), Fraction(0))
    require(0 < ones < n, "one label alone has no best constant")
    one, other = (log(Interval.of(Fraction(n, m), bits))[0] for m in (ones, n - ones))
    return other - one, one * ones + other * (n - ones)


# ---- Rules for minima in a box where the loss is convex (5.3, 5.5, 5.6). -------------------------


Layered = tuple[tuple[int, int], ...]


def require_minimum(box: Box, bound: Fraction, loss: Number) -> Interval:
    """2 |gradient|_2 < bound radius at the centre, whose loss is given (sections 5.3 and 9.3).

    Where the Hessian's eigenvalues are above the bound, there is then a minimum in the box, whose
    loss is enclosed: lower by at most |gradient|^2 / (2 bound).
    """
    gradient = box.gradient()
    ends = ((abs(m) + s) ** 2 for m, s in zip(gradient.m, gradient.r, strict=True))
    squared, top = Fraction(sum(ends), 1 << 2 * box.bits), interval(loss, box.bits)
    if 4 * squared >= (bound * box.radius) ** 2:
        raise Undecided("the gradient at the centre is not shown to be small enough")
    return hull(top, top - squared / (2 * bound))


def require_critical(case: Case, free: list[int]) -> None:
    """The gradient in the free parameters is exactly zero, from the exact g of the outputs on."""
    ex, last = evaluate(case, case.problem.layers), case.program.layers[-1][1]
    steps, values = case.program.steps[: last + 1], case.values[: last + 1]
    start: list[Numbers | None] = [None] * len(steps)
    start[-1] = values[-1].made([v for row in ex.g for v in row])
    parts = blocks_of(steps, adjoint(steps, values, start), values[0])
    slopes = parts[0].joined(parts).pick(free).entries
    require(not any(isinstance(g, Interval) for g in slopes), "a derivative is not rational")
    require_zero(slopes, "the gradient")


def convex_ball(case: Case, proof: Json) -> Found:
    """Section 5.3, Theorem 5: the loss is strongly convex on a box, its gradient small or zero."""
    return ball_proved(case, proof)[0]


def ball_proved(case: Case, proof: Json) -> tuple[Found, Curved]:
    """Rule 5.3; also gives the program over the box."""
    pb, program, bits = case.problem, case.program, case.bits
    as_object(proof, "rule", "centre", "radius", "fixed", "transform")
    bound, radius = case.eigenvalue, positive(proof["radius"])
    centre = read_layers(proof["centre"], pb.widths, rational)
    flat = flatten(centre)
    fixed = read_increasing(proof["fixed"], len(flat), least=0)
    free = sorted(set(range(len(flat))) - set(fixed))
    require(len(free) > 0, "there is no free parameter")
    box = Box(program, flat, radius, free, bits)
    dead = check_fixed(case, flat, fixed, box.over)
    smooth = pb.slopes is None or not pb.hidden
    found = Found("yes" if smooth else "no", "no" if dead else "yes", len(fixed), bound)
    away = distance(flat, program.point)
    if case.verdict == "local_minimum":
        require(away == 0, "the centre is not the problem's point")
        require_critical(case, free)
        found.place = centre
    else:
        found.radius = away + radius
        found.loss = require_minimum(box, bound, case.loss_at(flat))
    # no Hessian is larger than the file's matrix
    square = read_square(proof["transform"], len(free), bits)
    require_definite(box.hessian(), bound, square)
    return found, box.over


def check_fixed(case: Case, centre: list[Fraction], fixed: list[int], box: Curved) -> bool:
    """Kinks and which parameters may be fixed (section 5.3); returns whether a unit is dead.

    A dead unit is negative at all data over the box: all its parameters are fixed. Of a live unit
    at most one incoming parameter is, not zero, and not to or from a dead one: that takes the
    freedom of rescaling and no more.
    """
    pb, off = case.problem, list[bool]()  # for each hidden unit whether it is dead
    if pb.slopes is None or not pb.hidden:
        require(not fixed, "a smooth network has no fixed parameters")
        return False
    for (_, step), width in zip(case.program.layers, pb.widths[1:-1], strict=False):
        z = box.values[step]
        if pb.kinked and not z.nonzero():
            raise Undecided("a pre-activation is not bounded away from the kink")
        off += [pb.activation == "relu" and max(z.m[j::width]) < 0 for j in range(width)]
    of_dead = {p for (into, out), dead in zip(pb.wires, off, strict=True) if dead
               for p in (*into, *out)}  # fmt: skip
    require(of_dead <= set(fixed), "a parameter of a dead unit is not fixed")
    rest = set(fixed) - of_dead
    for into, _ in pb.wires:
        taken = rest.intersection(into)
        require(len(taken) <= 1, "two parameters of one unit are fixed")
        require(all(centre[p] for p in taken), "a fixed parameter is zero")
        rest -= taken
    require(not rest, "an output parameter is fixed")
    return any(off)


@dataclass
class Face:
    """A live unit of rule 5.5: the groups it holds on its kink, the directions it may move."""

    held: list[int]
    basis: list[list[Fraction]]


def read_face(item: object, ex: Exact, j: int) -> Face | None:
    """Reads and checks the entry of unit j (section 5.5, first item); None is a dead unit."""
    pb, pre = ex.pb, [z[j] for z in ex.pre[0]]
    if item is None:
        dead = pb.slopes is not None and pb.slopes[1] == 0 and all(z < 0 for z in pre)
        require(dead, "a unit given as dead is not")
        return None
    fields, groups = as_object(item, "held", "basis"), pb.groups
    held = read_increasing(fields["held"], len(groups), least=0)
    require(set(held) <= set(groups), "held lists no groups")
    require(ex.layers[1][0][0][j] != 0, "a live unit has output weight zero")
    require(all(pre[r] == 0 for r in held), "a held input is not on the kink")
    inputs = [ex.inputs[r] for r in held]
    require(rank(inputs) == len(held), "the held inputs are linearly dependent")
    size = len(ex.inputs[0])
    basis = [read_row(row, size) for row in as_list(fields["basis"], size - len(held))]
    require(not any(inner(b, x) for b in basis for x in inputs), "the basis is not orthogonal")
    return Face(held, basis)


def kinked_ball(case: Case, proof: Json) -> Found:
    """Section 5.5, Theorem 9: a minimum on kinks with the logistic loss."""
    pb, bits = case.problem, case.bits
    as_object(proof, "rule", "centre", "radius", "units", "transform")
    require(
        len(pb.widths) == 3 and pb.widths[2] == 1 and pb.kinked, "the rule needs kinks, [d,h,1]"
    )
    require(pb.loss == "logistic", "the rule needs the logistic loss")
    bound, r = case.eigenvalue, positive(proof["radius"])
    ex = evaluate(case, read_layers(proof["centre"], pb.widths, rational))
    v = ex.layers[1][0][0]
    require(v == pb.layers[1][0][0], "the centre has other output weights")
    items = as_list(proof["units"], pb.widths[1])
    faces = [read_face(item, ex, j) for j, item in enumerate(items)]
    rows = [output_row(ex, i, faces, r) for i in range(len(pb.xs))]
    sums = [sum((abs(b[m]) for b in face.basis), Fraction(0))
            for face in faces if face is not None for m in range(len(ex.inputs[0]))]  # fmt: skip
    reach = max([Fraction(1), *sums])
    outputs, size = [f for (f,) in ex.pre[1]], len(rows[0])
    # the loss as a program of the coordinates y: of f + F y
    w = Writer(OF_DENSE)
    y = w.matmul(w.const((len(rows), size), [a for row in rows for a in row]),
                 w.param("y", (size, 1)))  # fmt: skip
    f = w.add(y, w.const((len(rows), 1), outputs))
    w.sum(LOSSES[pb.loss](w, pb, f), [0])
    moved = Program(w.steps, [Fraction(0)] * size)
    box = Box(moved, moved.point, r, range(size), bits)
    loss = require_minimum(box, bound, ex.loss)
    require_definite(box.hessian(), bound, read_square(proof["transform"], size, bits))
    slopes = box.over.bars[f]
    if slopes is None:
        raise Invalid("the loss does not depend on the outputs")
    wide = replace(ex, g=[[g] for g in slopes.intervals()])
    for j, face in enumerate(faces):
        if face is not None and face.held:
            require_held(wide, j, face, 1 if v[j] > 0 else -1, bits)
    dead = faces.count(None)
    flat = len(faces) - dead + (pb.widths[0] + 2) * dead
    radius = distance(flatten(ex.layers), case.program.point) + r * reach
    return Found("no", "no" if dead else "yes", flat, bound, loss, radius)


def output_row(ex: Exact, i: int, faces: list[Face | None], r: Fraction) -> list[Fraction]:
    """F_i of section 5.5; no live unit that does not hold point i may reach its kink there."""
    row, v = list[Fraction](), ex.layers[1][0][0]
    for j, face in enumerate(faces):
        if face is not None:
            along = [inner(b, ex.inputs[i]) for b in face.basis]
            holds = ex.pb.groups[i] in face.held
            far = abs(ex.pre[0][i][j]) > r * sum(map(abs, along))
            require(holds or far, "a pre-activation may reach its kink")
            factor = Fraction(0) if holds else v[j] * ex.slope(i, j)
            row += [factor * a for a in along]
    return [*row, Fraction(1)]


def require_held(ex: Exact, j: int, face: Face, side: int, bits: int) -> None:
    """Section 5.5, fourth item: |tau_r| < sign(v_j) C_jr, tau = (X X^T)^-1 X lin_j."""
    lin, bends = unit_terms(ex, j, face.held)
    inputs = [ex.inputs[r] for r in face.held]
    gram = [[inner(a, b) for b in inputs] for a in inputs]
    projected = [dot(x, lin[0]) for x in inputs]
    for r, weights in zip(face.held, inverse(gram), strict=True):
        tau = interval(dot(weights, projected), bits)
        if abs(tau).hi >= interval(bends[r][0] * side, bits).lo:
            raise Undecided("a held input may leave its kink")


def twin_units(case: Case, proof: Json) -> Found:
    """Section 5.6, Theorem 19: equal units merged give a strict minimum; parted they cost more."""
    pb = case.problem
    as_object(proof, "rule", "centre", "radius", "transform", "bends")
    require(len(pb.widths) == 3 and pb.widths[2] == 1, "the rule needs widths [d, h, 1]")
    require(pb.slopes is None, "the rule needs a smooth activation")
    (rows, biases), (outward, last) = pb.layers
    v, units = outward[0], [(*row, b) for row, b in zip(rows, biases, strict=True)]
    kinds = list(dict.fromkeys(units))
    place = [kinds.index(unit) for unit in units]  # of each unit the merged unit
    shared = [[a for a, m in zip(v, place, strict=True) if m == k] for k in range(len(kinds))]
    sums = [sum(part, Fraction(0)) for part in shared]
    twins = [k for k in range(len(kinds)) if len(shared[k]) > 1]
    require(len(twins) > 0, "no two units are equal")
    merged: Layers = [([list(a[:-1]) for a in kinds], [a[-1] for a in kinds]), ([sums], last)]
    small = replace(pb, widths=[pb.widths[0], len(kinds), 1], layers=merged)
    inside = {key: proof[key] for key in ("rule", "centre", "radius", "transform")}
    small_case = replace(case, program=dense_program(small))
    found, box = ball_proved(small_case, {**inside, "fixed": []})
    bends, size = as_list(proof["bends"], len(twins)), pb.widths[0] + 1
    (near, offsets), (heights, end) = read_layers(proof["centre"], small.widths, rational)
    radius = positive(proof["radius"])
    for k, bend in zip(twins, bends, strict=True):
        side, up = parting_side(shared[k]), 1 if sums[k] > 0 else -1
        require(up * heights[0][k] > radius, "twins may lose their weight")
        form = parting_form(small, box, small_case.program.layers, k, side)
        require_definite(form, Fraction(0), read_square(bend, size, case.bits))
    # the output weights of the minimum are fixed shares of the merged ones
    shares = [a / sums[k] if k in twins else Fraction(1) for a, k in zip(v, place, strict=True)]
    weights = [share * heights[0][k] for share, k in zip(shares, place, strict=True)]
    nearest: Layers = [([near[k] for k in place], [offsets[k] for k in place]), ([weights], end)]
    found.strict = found.rescaled = "no"
    found.flat, found.place = len(units) - len(kinds), None
    if case.verdict == "local_minimum_nearby":
        reach = radius * max(1, *map(abs, shares))
        found.radius = distance(flatten(nearest), case.program.point) + reach
    return found


def parting_form(pb: Problem, box: Curved, layers: Layered, k: int, side: int) -> list[Balls]:
    """Side times B(X) of section 5.6, for unit k of the merged network."""
    (_, first), (_, last) = layers
    n, size, slopes = len(pb.xs), pb.widths[0] + 1, box.bars[last]
    z = box.values[first].pick(range(k, n * pb.widths[1], pb.widths[1]))
    jumps = pb.activation in BENT
    if slopes is None or (jumps and not z.nonzero()):
        raise Undecided("a twin may be at 0")
    curves = slopes.times(z.bend((pb.activation, None)))
    entries = [v for x in pb.xs for v in (*x, Fraction(1))]
    plain, inputs = z.like(entries), z.like([v * side for v in entries])
    scaled = curves.pick([i for i in range(n) for _ in range(size)]).times(inputs)
    form = plain.outer(0, (size, n, False), scaled, 0, (size, n, False))
    return [form.pick(range(a * size, (a + 1) * size)) for a in range(size)]


def parting_side(v: list[Fraction]) -> int:
    """The sign of sum v_j t_j^2 for all t != 0 with sum v_j t_j = 0, by Sylvester's inertia.

    The space is the complement of (1, ..., 1) in this form, so the inertia is that of the v_j less
    the sign of their sum.
    """
    total, up = sum(v, Fraction(0)), sum(a > 0 for a in v)
    require(total != 0 and all(v), "twins have an output weight, or a sum of them, that is zero")
    down = len(v) - up
    up, down = (up - 1, down) if total > 0 else (up, down - 1)
    require(up == 0 or down == 0, "the output weights of twins have signs that allow no minimum")
    return 1 if down == 0 else -1


# ---- Rules for refutations (6, 9.5). -------------------------------------------------------------


def descent_direction(case: Case, proof: Json) -> Found:
    """Sections 6.1 and 9.5: the one-sided derivative along the direction is negative."""
    program, bits = case.program, case.bits
    as_object(proof, "rule", "direction")
    direction = case.values[-1].made(case.read_point(proof["direction"]))
    slope = tangent(program.steps, case.values, by_blocks(program.steps, direction))[-1]
    require(slope is not None and sign(slope.entries[0], bits) < 0,
            "the loss does not fall along the direction")  # fmt: skip
    return Found()


def negative_curvature(case: Case, proof: Json) -> Found:
    """Sections 6.3 and 9.5, Theorem 7: the second derivative along the direction is negative."""
    program, bits = case.program, case.bits
    as_object(proof, "rule", "direction")
    direction = Balls.around(case.read_point(proof["direction"]), Fraction(0), bits)
    at = Curved(program, Balls.around(program.point, Fraction(0), bits))
    for step in program.steps:
        if isinstance(step, Map):
            name, slopes = step.function
            kinked = slopes is not None and slopes[0] != slopes[1]
            if (kinked or name in BENT) and not at.values[step.of[0]].nonzero():
                raise Undecided("an argument may be at a kink or a jump")
    bent = total(at.column(by_blocks(program.steps, direction)).times(direction).intervals())
    require(sign(bent, bits) < 0, "the second derivative is not negative")
    return Found()


def zero_output_weight(case: Case, proof: Json) -> Found:
    """Section 6.2, Theorem 1: a unit without output weights, and psi(u) is not zero."""
    pb = case.problem
    as_object(proof, "rule", "unit", "output", "direction")
    require(len(pb.widths) == 3 and pb.slopes is not None, "the rule needs [d,h,K], homogeneous")
    j, k = as_int(proof["unit"]), as_int(proof["output"])
    require(0 <= j < pb.widths[1] and 0 <= k < pb.widths[2], "there is no such unit or output")
    u = read_row(proof["direction"], pb.widths[0] + 1)
    ex = evaluate(case, pb.layers)
    require(not any(row[j] for row in ex.layers[1][0]), "the unit has output weights")
    lin, bends = unit_terms(ex, j)
    bent = dot((c[k] for c in bends.values()), (abs(inner(u, ex.inputs[r])) for r in bends))
    require(sign(dot(u, lin[k]) + bent, case.bits) != 0, "psi is zero")
    return Found()


def valley_to_infinity(case: Case, proof: Json) -> Found:
    """Section 6.4, Theorem 8: moving the last layer lowers no margin and raises some, for ever.

    Some margin must be raised: with one class there is none, and nothing falls.
    """
    pb, bits, program = case.problem, case.bits, case.program
    as_object(proof, "rule", "direction")
    fields = as_object(proof["direction"], "weight", "bias")
    ((dw, db),) = read_layers({"layers": [fields]}, pb.widths[-2:], rational)
    require(pb.loss != "squared", "the rule needs a log loss")
    exact, limit, rises = pb.slopes is not None, Interval(0, 0, bits), False
    states, outputs = (case.values[k].entries for k in program.layers[-1])
    width, classes = pb.widths[-2], pb.widths[-1]
    for i, y in enumerate(pb.ys):
        state, f = states[i * width : (i + 1) * width], outputs[i * classes : (i + 1) * classes]
        delta = [dot(row, state) + b for row, b in zip(dw, db, strict=True)]
        if pb.loss == "logistic":
            gains = [a * b for a, b in zip(delta, y, strict=True)]
            stays = [-b * a for a, b in zip(f, y, strict=True)]
        else:
            right, others = int(y[0]), [k for k in range(len(delta)) if k != y[0]]
            gains = [delta[right] - delta[k] for k in others]
            stays = [f[k] - f[right] for k in others]
        signs = [sign(a, bits) for a in gains]
        require(min(signs) >= (0 if exact else 1), "a margin is not raised")
        rises = rises or max(signs) > 0
        kept = [interval(d, bits) for d, s in zip(stays, signs, strict=True) if s == 0]
        together = [kept] if pb.loss == "cross_entropy" else [[d] for d in kept]
        for ds in together:
            limit = limit + log_one_plus_exp(*ds) if ds else limit
    require(rises, "no margin is raised")
    return Found(limit=limit)


# ---- A valley along which a unit saturates (6.5). ------------------------------------------------


SATURATING = {"tanh": (2, -1), "sigmoid": (1, 0)}  # l, and the limit on the left; 1 on the right


def saturating_valley(case: Case, proof: Json) -> Found:
    """Section 6.5, Theorem 25: the outputs of a unit go to their limits, and the loss falls."""
    pb, bits = case.problem, case.bits
    as_object(proof, "rule", "unit", "direction")
    shape = len(pb.widths) == 3 and pb.activation in SATURATING
    require(shape, "the rule needs tanh or the sigmoid, [d,h,K]")
    (rate, low), (weight, bias) = SATURATING[pb.activation], pb.layers[0]
    j, u = as_int(proof["unit"]), read_row(proof["direction"], pb.widths[0] + 1)
    require(0 <= j < pb.widths[1], "there is no such unit")
    z = [inner(weight[j], x) + bias[j] for x in pb.xs]
    k = [inner(u, [*x, Fraction(1)]) for x in pb.xs]
    away = [i for i, v in enumerate(k) if v]
    require(len(away) > 0, "no point moves")
    require(all(k[i] * z[i] > 0 for i in away), "a point does not move away from 0")

    loss, along = at_limits(case, j, {i: Fraction(1 if z[i] > 0 else low) for i in away})
    h = [slope * move for slope, move in zip(along, k, strict=True)]

    nearest = min(away, key=lambda i: abs(k[i]))
    total, top = h[nearest], 1 + exp(Interval.of(-rate * abs(z[nearest]), bits))[0]
    for i in away:
        if i != nearest:
            factor = exp(Interval.of(rate * (abs(z[nearest]) - abs(z[i])), bits))[0]
            total = total + h[i].risen() * factor * top.square()
    require(sign(total, bits) < 0, "the loss is not shown to fall along the whole ray")
    return Found(limit=loss)


# ---- The loss as a function of a dense network's outputs, and where a unit is at its limits. -----


def loss_of_outputs(case: Case) -> Callable[[list[Interval]], tuple[Interval, list[Interval]]]:
    """Encloses the loss and its derivative by the outputs, point by point.

    What the program does before the outputs is cut off, and they become its parameters.
    """
    program, last = case.program, case.program.layers[-1][1]
    none, size = Step((), (), False, (Fraction(0),)), len(case.values[last].entries)
    start = Step((), program.steps[last].shape, True, block=range(size))
    rest = Program([*[none] * last, start, *program.steps[last + 1 :]], [])

    def loss_at(f: list[Interval]) -> tuple[Interval, list[Interval]]:
        values = evaluated(rest.steps, case.values[last].made(f))
        (slopes,) = gradient_of(rest, values)
        loss = interval(values[-1].entries[0], case.bits)
        return loss, [interval(g, case.bits) for g in slopes.entries]

    return loss_at


def at_limits(
    case: Case, unit: int, limits: dict[int, Fraction]
) -> tuple[Interval, list[Interval]]:
    """The loss where a unit of the one hidden layer has other values at some data points.

    Returns:
        The loss, and for each point its derivative by the outputs along the unit's weights above.
    """
    pb, bits, (outgoing, offset) = case.problem, case.bits, case.problem.layers[1]
    width, states = pb.widths[1], list(case.values[case.program.layers[1][0]].entries)
    for i, value in limits.items():
        states[i * width + unit] = value
    outputs = [
        interval(dot(row, states[i : i + width]) + b, bits)
        for i in range(0, len(states), width)
        for row, b in zip(outgoing, offset, strict=True)
    ]
    loss, g = loss_of_outputs(case)(outputs)
    turn = [row[unit] for row in outgoing]
    along = [interval(dot(turn, g[k : k + len(turn)]), bits) for k in range(0, len(g), len(turn))]
    return loss, along


# ---- A valley along which units merge (6.6, Theorem 26). -----------------------------------------


MAX_PARTS, MAX_POWERS, NARROWEST = 500, 200, Fraction(1, 2**20)
HALF, SIXTH, TENTH = Fraction(1, 2), Fraction(1, 6), Fraction(1, 10)

Curve = dict[int, Fraction]  # a Laurent polynomial of r: coefficients by powers
Units = list[list[list[Curve]]]  # for each layer and unit its incoming weights, then the bias
Merger = tuple[int, int, int, Fraction]  # layer, units j and k, s
Outputs = Callable[[Interval], tuple[list[Interval], list[Interval]]]  # f and f' over an interval


def curve_sum(*parts: tuple[Curve, Fraction | int, int]) -> Curve:
    """The sum of (curve, factor, n), each the curve times factor r^n."""
    found = Curve()
    for curve, factor, shift in parts:
        for k, c in curve.items():
            found[k + shift] = found.get(k + shift, Fraction(0)) + c * factor
    require(len(found) <= MAX_POWERS, "a curve has too many powers")
    return {k: c for k, c in found.items() if c}


def sum_of_products(us: list[Curve], vs: list[Curve]) -> Curve:
    """The inner product of two vectors of curves."""
    return curve_sum(*((v, c, k) for u, v in zip(us, vs, strict=True) for k, c in u.items()))


def along(curve: Curve, r: Interval) -> tuple[Interval, Interval]:
    """Ranges of a curve without negative powers, and of its derivative."""
    value, slope = Interval(0, 0, r.bits), Interval(0, 0, r.bits)
    for k in range(max(curve, default=-1), -1, -1):
        slope = slope * r + value
        value = value * r + curve.get(k, Fraction(0))
    return value, slope


def require_positive_along(function: Callable[[Interval], Interval], bits: int, what: str) -> None:
    """A function of r is positive on the parts of a partition of [0, 1]."""
    waiting = [(Fraction(0), Fraction(1))]
    for _ in range(MAX_PARTS):
        low, high = waiting.pop()
        part = Interval(Interval.of(low, bits).lo, Interval.of(high, bits).hi, bits)
        value, middle = function(part), (low + high) / 2
        if value.lo <= 0:
            require(value.hi > 0, what)
            if high - low < NARROWEST:
                raise Undecided(what)
            waiting += [(low, middle), (middle, high)]
        if not waiting:
            return
    raise Invalid(what)


def read_mergers(case: Case, x: object) -> list[Merger]:
    """Reads pairs of units that no other pair names."""
    pb, found, used = case.problem, list[Merger](), set[tuple[int, int]]()
    for item in as_list(x):
        parts = as_object(item, "layer", "units", "factor")
        m, s = as_int(parts["layer"]), rational(parts["factor"])
        j, k = (as_int(unit) for unit in as_list(parts["units"], 2))
        require(0 <= m < len(pb.widths) - 2, "a pair is in no hidden layer")
        require(all(0 <= unit < pb.widths[m + 1] for unit in (j, k)), "there is no such unit")
        require(j != k and not used & {(m, j), (m, k)}, "a unit is in two pairs")
        used |= {(m, j), (m, k)}
        known = s > 0 if pb.slopes else s == 1 or (s == -1 and pb.activation == "tanh")
        require(known, "the factor is no symmetry")
        found.append((m, j, k, s))
    require(len(found) > 0, "there are no pairs")
    return found


def units_of(layers: Layers) -> list[list[list[Fraction]]]:
    """For each layer and unit its incoming weights, then the bias."""
    return [[[*row, b] for row, b in zip(weight, bias, strict=True)] for weight, bias in layers]


def read_curve(case: Case, pairs: list[Merger], x: object) -> Units:
    """The coordinates along the curve: those given, and what is missing at r = 1."""
    given = [units_of(read_layers(c, case.problem.widths, rational)) for c in as_list(x)]
    at, n = units_of(case.problem.layers), len(given)
    require(n > 0, "the curve has no limit")
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
        return {**dict(enumerate(known)), n: at[m][i][p] - sum(known)}

    return [[[curve(m, i, p) for p in range(len(row))] for i, row in enumerate(rows)]
            for m, rows in enumerate(at)]  # fmt: skip


def broken(case: Case, pairs: list[Merger], units: Units) -> Outputs:
    """Case a: the outputs as polynomials, after the signs of all pre-activations."""
    pb, f, one, last = case.problem, list[Curve](), {0: Fraction(1)}, len(units) - 1
    for m, j, k, s in pairs:
        rows = list(zip(units[m][j], units[m][k], strict=True))
        units[m][j] = [curve_sum((w, 1, 0), (u, HALF, 1)) for u, w in rows]
        units[m][k] = [curve_sum((w, 1 / s, 0), (u, -HALF / s, 1)) for u, w in rows]
        for row in units[m + 1]:
            c, t = row[j], row[k]
            row[j] = curve_sum((t, 1, -1), (c, HALF, 0))
            row[k] = curve_sum((t, -s, -1), (c, s * HALF, 0))

    def slope(z: Curve) -> Fraction:
        """That on the side of z, which is 0 all along the curve or nowhere."""
        above, below = pb.slopes or (Fraction(1), Fraction(1))
        if not z:
            return below
        low, side = min(z), 1 if z[min(z)] > 0 else -1
        rest = curve_sum((z, side, -low))
        text = "a pre-activation changes its sign along the curve"
        require_positive_along(lambda r: along(rest, r)[0], case.bits, text)
        return above if side > 0 else below

    for x in pb.xs:
        state: list[Curve] = [*({0: v} for v in x), one]
        for m, rows in enumerate(units):
            z = [sum_of_products(row, state) for row in rows]
            state = [*(curve_sum((v, 1 if m == last else slope(v), 0)) for v in z), one]
        f += state[:-1]
    require(all(min(v, default=0) >= 0 for v in f), "an output has no limit")

    def over(r: Interval) -> tuple[list[Interval], list[Interval]]:
        found = [along(v, r) for v in f]
        return [value for value, _ in found], [slope for _, slope in found]

    return over


def higher(name: str, z: Interval, first: Interval, second: Interval) -> list[Interval]:
    """The third, fourth and fifth derivative over z."""
    if name == "gelu":
        density, y = between(lambda x: normal_density(-x, z.bits), -abs(z)), z.square()
        return [z * (y - 4) * density, (y * (7 - y) - 4) * density,
                z * (y * (y - 11) + 18) * density]  # fmt: skip
    if name == "tanh":
        third = 2 * first * (2 - 3 * first)
        fifth = 4 * third - 12 * (second.square() + first * third)
        return [third, 4 * second * (1 - 3 * first), fifth]
    require(name == "sigmoid", "the rule does not know this activation")
    third = first * (1 - 6 * first)
    return [third, second * (1 - 12 * first), third - 12 * (second.square() + first * third)]


def bent(case: Case, pairs: list[Merger], units: Units) -> Outputs:
    """Case b: enclosures of the outputs; a unit without a partner is one with u = T = 0."""
    pb, name, (hidden, top), zero = case.problem, case.problem.activation, units, Curve()
    taken = {unit for _, j, k, _ in pairs for unit in (j, k)}
    nothing = [zero] * (pb.widths[0] + 1)
    inputs: list[list[Curve]] = [[*({0: v} for v in x), {0: Fraction(1)}] for x in pb.xs]
    groups = [(hidden[k], hidden[j], [(row[j], row[k]) for row in top]) for _, j, k, _ in pairs]
    groups += [(hidden[k], nothing, [(row[k], zero) for row in top])
               for k in range(pb.widths[1]) if k not in taken]  # fmt: skip
    lines = [[(sum_of_products(w, x), sum_of_products(u, x)) for w, u, _ in groups] for x in inputs]

    def over(r: Interval) -> tuple[list[Interval], list[Interval]]:
        root = Interval(0, math.isqrt(r.hi << r.bits) + 1, r.bits)
        values, moves = list[Interval](), list[Interval]()
        weights = [[(along(c, r), along(t, r)) for c, t in out] for _, _, out in groups]
        for row in lines:
            f, df = map(list, zip(*(along(unit[-1], r) for unit in top), strict=True))
            for (z, y), out in zip(row, weights, strict=True):
                (a, da), (b, db) = along(z, r), along(y, r)
                q, dq = r * b.square() * HALF * HALF, (b.square() * HALF + r * b * db) * HALF
                far = abs(root * b * HALF).hi
                wide = a + Interval(-far, far, r.bits)
                value, first, second = enclosure(name, None, a)
                _, around, turn = enclosure(name, None, wide)
                if first is None or around is None:
                    raise Undecided("a slope is not enclosed")
                third, fourth, fifth = higher(name, wide, around, turn)
                bend = second + q * fourth * SIXTH
                steep = higher(name, a, first, second)[0] + q * fifth * TENTH
                rise = (first + q * third * HALF) * da + bend * dq * HALF
                value, first = value + q * turn * HALF, first + q * third * SIXTH
                turn = b * (bend * da + steep * dq * SIXTH) + db * first
                for n, ((c, dc), (t, dt)) in enumerate(out):
                    f[n] = f[n] + c * value + t * b * first
                    df[n] = df[n] + dc * value + c * rise + dt * b * first + t * turn
            values, moves = values + f, moves + df
        return values, moves

    return over


def merging_valley(case: Case, proof: Json) -> Found:
    """Section 6.6, Theorem 26: along the curve the loss falls for ever."""
    pb, bits = case.problem, case.bits
    as_object(proof, "rule", "pairs", "curve")
    require(pb.kinked or (pb.slopes is None and len(pb.widths) == 3), "the rule needs [d,h,K]")
    pairs = read_mergers(case, proof["pairs"])
    units = read_curve(case, pairs, proof["curve"])
    outputs, loss_at = (broken if pb.kinked else bent)(case, pairs, units), loss_of_outputs(case)

    def rise(r: Interval) -> Interval:
        f, moves = outputs(r)
        return sum((g * v for g, v in zip(loss_at(f)[1], moves, strict=True)), Interval(0, 0, bits))

    require_positive_along(rise, bits, "the loss is not shown to fall along the whole curve")
    return Found(limit=loss_at(outputs(Interval(0, 0, bits))[0])[0])


# ---- A valley along which a smooth unit becomes a relu (6.7). ------------------------------------


def sharpening_valley(case: Case, proof: Json) -> Found:
    """Section 6.7, Theorem 27: w becomes s w and V becomes V / s, and the loss falls."""
    pb, bits = case.problem, case.bits
    as_object(proof, "rule", "unit")
    shape = len(pb.widths) == 3 and pb.activation in ("gelu", "silu")
    require(shape, "the rule needs gelu or silu, [d,h,K]")
    (weight, bias), j = pb.layers[0], as_int(proof["unit"])
    require(0 <= j < pb.widths[1], "there is no such unit")
    z = [inner(weight[j], x) + bias[j] for x in pb.xs]
    away = [i for i, v in enumerate(z) if v]
    require(len(away) > 0, "the unit does not see the data")
    loss, h = at_limits(case, j, {i: max(v, Fraction(0)) for i, v in enumerate(z)})

    nearest = min(away, key=lambda i: abs(z[i]))
    total, least = h[nearest] * z[nearest] ** 2, abs(z[nearest])
    top = (1 + exp(Interval.of(-least, bits))[0]).square()
    for i in away:
        if i != nearest:
            gap = least - abs(z[i]) if pb.activation == "silu" else (least**2 - z[i] ** 2) / 2
            share = exp(Interval.of(gap, bits))[0] * (top if pb.activation == "silu" else 1)
            total = total + h[i].risen() * share * z[i] ** 2
    require(sign(total, bits) < 0, "the loss is not shown to fall along the whole curve")
    return Found(limit=loss)


# ---- The global optimum of a shallow network (section 7, Theorem 13). ----------------------------


MAX_FACES = 10_000_000  # of rays, faces and cells, each
MAX_PAIRS = 1_000_000_000  # of faces and rays, and of sets of multipliers


def cell_multipliers(pb: Problem, rows: list[object], loss: Fraction) -> None:
    """Section 7, Theorem 13: multipliers prove that no network of these widths has a smaller loss.

    A multiplier g is good for a signed chamber if s g.act(rho) >= 0 for the chamber's rays rho. For
    networks whose units lie in chambers that g is good for, loss >= -g.y - |g|^2 / 4. Every choice
    of h signed chambers must have a multiplier that is good for all of them.
    """
    require(len(pb.widths) == 3 and pb.widths[2] == 1, "the rule needs widths [d, h, 1]")
    require(pb.slopes is not None and pb.loss == "squared", "the rule needs homogeneous, squared")
    p, q = pb.slopes or (Fraction(1), Fraction(1))
    multipliers = [read_row(row, len(pb.xs)) for row in rows]
    for g in multipliers:
        require(sum(g) == 0, "a multiplier does not sum to zero")
        bound = sum((-a * y[0] - a * a / 4 for a, y in zip(g, pb.ys, strict=True)), Fraction(0))
        require(bound >= loss, "a multiplier does not give the bound")
    first = pb.groups
    places = [(*pb.xs[r], Fraction(1)) for r in sorted(set(first))]
    sums = [
        [sum((a for a, k in zip(g, first, strict=True) if k == r), Fraction(0))
         for r in sorted(set(first))]
        for g in multipliers
    ]  # fmt: skip
    rays = arrangement_rays(places)
    signs: list[list[int]] = []  # for each ray and multiplier the sign of g.act(rho)
    for ray in rays:
        values = [p * z if z > 0 else q * z for z in ray]
        products = [sum(map(operator.mul, g, values), Fraction(0)) for g in sums]
        signs.append([(v > 0) - (v < 0) for v in products])
    patterns: set[int] = set()  # for each signed chamber the set of multipliers good for it
    for chamber in chambers(rays, len(places)):
        own = [
            k
            for k, ray in enumerate(rays)
            if all(z * s >= 0 for z, s in zip(ray, chamber, strict=True))
        ]
        for sign_ in (1, -1):
            bad = {m for k in own for m, v in enumerate(signs[k]) if v == -sign_}
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
        values = tuple(sum(map(operator.mul, a, x), Fraction(0)) for x in points)
        found.setdefault(frozenset(i for i, z in enumerate(values) if z == 0), values)
    return [v for values in found.values() for v in (values, tuple(-z for z in values))]


def chambers(rays: list[tuple[Fraction, ...]], count: int) -> list[tuple[int, ...]]:
    """The sign vectors of full-dimensional cones: compositions of rays' signs without a zero."""
    steps = [tuple((z > 0) - (z < 0) for z in ray) for ray in rays]
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


# ---- The face of a box (5.9, 9.10): its held pairs, and Lambda as a program. ---------------------


Pair = tuple[int, int, list[int]]  # hidden layer, unit, and the points, alike at this layer


@dataclass(frozen=True)
class Pattern:
    """What happens over the box: a slope for every unit at every point, 0 for held pairs."""

    slopes: list[list[list[Fraction]]]
    pairs: list[Pair]


def hidden_slopes(pb: Problem) -> tuple[Fraction, Fraction]:
    """(p, q) of section 3, maybe equal."""
    if pb.slopes is None or not pb.hidden:
        raise Invalid("the rule needs hidden units that are linear on either side of 0")
    return pb.slopes


def two_slopes(pb: Problem) -> tuple[Fraction, Fraction]:
    """Different ones."""
    if not pb.kinked:
        raise Invalid("the rule needs hidden units with kinks")
    return hidden_slopes(pb)


def bends(pb: Problem) -> list[tuple[Fraction, Fraction]]:
    """The slopes of every hidden layer, and those of the hinge loss."""
    hinge = [(Fraction(1), Fraction(0))] if pb.loss == "hinge" else []
    return [hidden_slopes(pb)] * (len(pb.widths) - 2) + hinge


def read_pattern(
    pb: Problem, program: Program, box: Balls, zero: Collection[tuple[int, int]] = ()
) -> Pattern:
    """The pairs that may be on their kink over the box are held, with all that are alike.

    The hinge loss counts as a layer of 1 - y f. Units at zero have no pairs; their slope is 0 if
    their bias is.
    """
    values, last = evaluated(program.steps, box), len(pb.widths) - 2
    names = list[tuple[object, ...]]((0, r) for r in pb.groups)
    slopes, pairs = list[list[list[Fraction]]](), list[Pair]()
    for level, (above, below) in enumerate(bends(pb)):
        width, entries = pb.widths[level + 1], values[program.layers[level][1]].intervals()
        rows = [entries[i * width : (i + 1) * width] for i in range(len(names))]
        if level == last:
            rows = [[1 - v * y for v, y in zip(*both, strict=True)]
                    for both in zip(rows, pb.ys, strict=True)]  # fmt: skip
            names = [(*name, *y) for name, y in zip(names, pb.ys, strict=True)]
        layer = [[above if v.lo > 0 else below for v in row] for row in rows]
        for j in range(width):
            if (level, j) in zero:
                for row, slope in zip(rows, layer, strict=True):
                    slope[j] = slope[j] if row[j].lo > 0 or row[j].hi < 0 else Fraction(0)
                continue
            held = {n for n, row in zip(names, rows, strict=True) if row[j].lo <= 0 <= row[j].hi}
            for name in dict.fromkeys(n for n in names if n in held):
                points = [i for i, other in enumerate(names) if other == name]
                pairs.append((level, j, points))
                for i in points:
                    layer[i][j] = Fraction(0)
        slopes.append(layer)
        if below == 0:
            off = [all(v.hi < 0 for v in row) for row in rows]
            names = [(level + 1, 0) if o else n for o, n in zip(off, names, strict=True)]
    return Pattern(slopes, pairs)


@dataclass(frozen=True)
class Lagrangian:
    """Lambda as a program in all parameters and mu, and where its parts are.

    Attributes:
        program: The program.
        layers: For each layer the step that holds its z, (n, width).
        states: For each hidden layer, and the hinge loss, the step of its activations, (n, width).
        held: For each held pair the step that holds its z.
        outputs: The step that holds what the loss depends on.
    """

    program: Program
    layers: list[int]
    states: list[int]
    held: list[int]
    outputs: int


def lagrangian(pb: Problem, pattern: Pattern) -> Lagrangian:
    """The network on the face: each activation is its slope times z."""
    w = Writer(OF_DENSE)
    layers = network(w, pb, pattern.slopes)
    f = layers[-1][1]
    bent, states = [z for _, z in layers], [a for a, _ in layers[1:]]
    if pb.loss == "hinge":
        bent[-1] = w.add(w.mul(f, targets(w, pb)), w.const((), [Fraction(1)]))
        flat = [s for row in pattern.slopes[-1] for s in row]
        states.append(w.mul(bent[-1], w.const((len(pb.xs), pb.widths[-1]), flat)))
        losses = w.sum(states[-1], [1])
    else:
        losses = LOSSES[pb.loss](w, pb, f)
    outputs = ahead(w, pb, f) if pb.loss == "cross_entropy" else f
    held = [w.take(bent[m], [1], [points[0] * pb.widths[m + 1] + j])
            for m, j, points in pattern.pairs]  # fmt: skip
    total = summed(w, pb, losses)
    if held:
        multipliers = w.param("multipliers", (len(held),))
        w.add(total, w.sum(w.mul(w.join(*held), multipliers), [0]))
    return Lagrangian(Program(w.steps, []), [z for _, z in layers], states, held, outputs)


# ---- Outputs and held pre-activations on a face as polynomials of the parameters (5.9). ----------


MAX_TERMS = 200_000  # of all polynomials; of one that is reduced

Monomial = tuple[int, ...]
Polynomial = dict[Monomial, Fraction]
Field = list[tuple[int, Monomial, Fraction]]  # (p, m, c): c times the monomial m in component p


def face_map(face: Lagrangian) -> list[Polynomial]:
    """G: z of each held pair, then what the loss depends on, as polynomials of the parameters."""
    rows, terms = list[list[Polynomial]](), 0
    for step in face.program.steps[: max([face.outputs, *face.held]) + 1]:
        row: list[Polynomial] = [{(i,): Fraction(1)} for i in step.block]
        row += [{(): v} if v else {} for v in step.values]
        for group in summands(step, [rows[i] for i in step.of]):
            total = Polynomial()
            for factors in group:
                add_product(total, factors)
            terms += len(total) if isinstance(step, MatrixProduct) else 0
            require(terms <= MAX_TERMS, "the polynomials have too many terms")
            row.append({m: c for m, c in total.items() if c})
        rows.append(row)
    return [p for k in (*face.held, face.outputs) for p in rows[k]]


def add_product(total: Polynomial, factors: Sequence[Polynomial]) -> None:
    """Adds a product to a polynomial."""
    parts = [factor.items() for factor in factors]
    for choice in itertools.product(*parts):
        monomial = tuple(sorted(p for m, _ in choice for p in m))
        value = math.prod((c for _, c in choice), start=Fraction(1))
        total[monomial] = total.get(monomial, Fraction(0)) + value


def moved(polynomial: Polynomial, vectors: Field) -> Polynomial:
    """The derivative of a polynomial along a vector field."""
    table, found = dict[int, list[tuple[Monomial, Fraction]]](), Polynomial()
    for p, factor, c in vectors:
        table.setdefault(p, []).append((factor, c))
    for monomial, coefficient in polynomial.items():
        for k, p in enumerate(monomial):
            for factor, c in table.get(p, ()):
                key = tuple(sorted((*monomial[:k], *monomial[k + 1 :], *factor)))
                found[key] = found.get(key, Fraction(0)) + coefficient * c
    return {m: c for m, c in found.items() if c}


def on_face(polynomial: Polynomial, known: dict[int, Polynomial]) -> Polynomial:
    """The polynomial with the known parameters replaced until none is left."""
    found, pending, steps = Polynomial(), list(polynomial.items()), 0
    while pending:
        monomial, coefficient = pending.pop()
        k = next((k for k, p in enumerate(monomial) if p in known), None)
        if k is None:
            found[monomial] = found.get(monomial, Fraction(0)) + coefficient
            continue
        rest = (*monomial[:k], *monomial[k + 1 :])
        for m, c in known[monomial[k]].items():
            pending.append((tuple(sorted((*rest, *m))), coefficient * c))
        steps += 1
        require(steps <= MAX_TERMS, "the face makes too many terms")
    return {m: c for m, c in found.items() if c}


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


def is_multiple(image: Polynomial, polynomial: Polynomial) -> bool:
    """Whether the image is a number times the polynomial: then it vanishes where that does."""
    if not image or image.keys() != polynomial.keys():
        return not image
    return len({c / polynomial[m] for m, c in image.items()}) == 1


# ---- Bounding the rank of outputs and held pre-activations by affine fields (5.9, the lemma). ----


MAX_FACTORS = 12  # of a term of a field
MAX_MOVES = 4_000_000  # terms of polynomials that fields move, and of what they make of them


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


def rescalings(pb: Problem) -> list[Field]:
    """For each hidden unit its incoming parameters, less its outgoing weights."""
    one = Fraction(1)
    return [[*((p, (p,), one) for p in into), *((p, (p,), -one) for p in out)]
            for into, out in pb.wires]  # fmt: skip


def require_rank(face: Lagrangian, fields: list[Field], box: Balls, rank: int) -> None:
    """The rank of dG is at most `rank` where the held z are 0, near every point of the box."""
    rows, terms, held = face_map(face), 0, len(face.held)
    known = relations(rows[:held])
    zeros = [on_face(row, known) for row in rows[:held]]
    basis = Basis()
    for vector in fields:
        vectors = dict[Monomial, dict[int, Fraction]]()
        for k, row in enumerate(rows):
            image = on_face(moved(row, vector), known)
            terms += len(row) + len(image)
            require(terms <= MAX_MOVES, "the fields make too many terms")
            if k >= held or not is_multiple(image, zeros[k]):
                for m, c in image.items():
                    vectors.setdefault(m, {})[k] = c
        for vector in vectors.values():
            enlarge(basis, [vector.get(k, Fraction(0)) for k in range(len(rows))])
    require(len(basis) + len(box.m) - len(fields) <= rank, "the rank is not bounded as claimed")
    columns = list[Balls]()
    for vector in fields:
        total = box.like([Fraction(0)] * len(box.m))
        for p, factor, c in vector:
            part = box.like([c])
            for q in factor:
                part = part.times(box.pick([q]))
            total = total.plus(part.scatter([p], len(box.m)))
        columns.append(total)
    if columns:
        require_independent(columns)


# ---- Minima on kinks and flat minima (5.9, Theorems 23 and 24). ----------------------------------


def require_stays(
    pb: Problem, pattern: Pattern, states: list[int], box: Curved, mu: list[Interval]
) -> None:
    """Inequality (2): q D < mu < p D for every held pair, D summed over its points."""
    slopes = bends(pb)
    for (level, j, points), m in zip(pattern.pairs, mu, strict=True):
        bar, width, (above, below) = box.bars[states[level]], pb.widths[level + 1], slopes[level]
        if bar is None:
            raise Undecided("a held pair has no effect")
        back = bar.intervals()
        d = sum((back[i * width + j] for i in points), Interval(0, 0, m.bits))
        if (m - d * below).lo <= 0 or (d * above - m).lo <= 0:
            raise Undecided("a held pair may leave its kink")


@dataclass(frozen=True)
class OnFace:
    """A minimum on a face and slice, from which no held pair may leave its kink.

    Attributes:
        free: Numbers of the parameters that vary.
        pattern: The face.
        place: All parameters over the box.
        lag: Lambda.
        box: The box of the free parameters and the multipliers.
        loss: The loss at the minimum.
        radius: The smallest that may be claimed.
    """

    free: list[int]
    pattern: Pattern
    place: Balls
    lag: Lagrangian
    box: Box
    loss: Interval
    radius: Fraction


def minimum_on_face(
    case: Case, proof: Json, centre: list[Fraction], zero: Collection[tuple[int, int]] = ()
) -> OnFace:
    """Sections 5.9 and 9.10: the critical point in the box, its index, and (2)."""
    pb, bits, here = case.problem, case.bits, case.program.point
    r, free = positive(proof["radius"]), read_increasing(proof["free"], len(here))
    place = Box(case.program, centre, r, free, bits).place
    pattern = read_pattern(pb, case.program, place, zero)
    mu = read_row(proof["multipliers"], len(pattern.pairs))
    lag = lagrangian(pb, pattern)
    box = Box(lag.program, [*centre, *mu], r,
              [*free, *range(len(here), len(here) + len(mu))], bits)  # fmt: skip
    index, loss = isolated(box, proof["preconditioner"])
    require(index == len(mu), "the critical point is a saddle on the face")
    if mu:
        require_stays(pb, pattern, lag.states, box.over, Balls.around(mu, r, bits).intervals())
    return OnFace(free, pattern, place, lag, box, loss, distance(centre, here) + r)


def kinked(case: Case, proof: Json) -> Found:
    """Section 5.9: with `fields` also rule `constant_rank`."""
    pb, ranked, size = case.problem, proof["rule"] == "constant_rank", len(case.program.point)
    as_object(proof, "rule", "centre", "radius", "free", "multipliers", "preconditioner",
              *(["fields"] if ranked else []))  # fmt: skip
    hidden_slopes(pb)
    face = minimum_on_face(case, proof, case.read_point(proof["centre"]))
    lag, curved = face.lag, face.box.over
    columns, values = list[Balls](), curved.values
    for p in face.free:
        dots = tangent(lag.program.steps, values, curved.toward(p))
        parts = [(dots[k], values[k]) for k in (*lag.held, lag.outputs)]
        found = [v.like([Fraction(0)] * len(v.m)) if d is None else d for d, v in parts]
        columns.append(found[0].joined(found))
    require_independent(columns)
    fields = read_fields(proof["fields"], size) if ranked else rescalings(pb)
    require_rank(lag, fields, face.place, len(face.free))
    units, flat = sum(pb.widths[1:-1]), size - len(face.free)
    rescaled = "no" if flat > units else "unknown" if ranked else "yes"
    return Found("no", rescaled, flat, loss=face.loss, radius=face.radius)


# ---- The loss as a function of the outputs, and at which outputs it is least (9.8). --------------


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
    require(sum(math.prod(s.shape) for s in steps) <= MAX_NUMBERED, "there are too many entries")
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
            (a, b), n, k, m, row = args, step.n, step.k, step.m, list[int]()
            for i, j, _ in step.blocks:
                ups = [name("row", *a[(i * n + r) * k : (i * n + r + 1) * k]) for r in range(n)]
                downs = [name("row", *b[j * k * m + c : (j + 1) * k * m : m]) for c in range(m)]
                row += [name("@", up, down) for up in ups for down in downs]
        elif isinstance(step, Map):
            row = [name("map", step.function, z) for z in args[0]]
        elif step.moves:
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
            require(not step.moves, "parameters enter the loss beside the outputs")
            groups = [[(Part(v),)] for v in step.values]
        sizes = (1 + len(p.linear) + len(p.bends) for g in groups for ps in g for p in ps)
        require(sum(sizes) <= MAX_NUMBERED, "the loss has too many terms")
        parts[k] = [combined(step, group) for group in groups]
    return parts[len(steps) - 1][0]


def combined(step: Step, group: list[tuple[Part, ...]]) -> Part:
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


# ---- Interpolation (9.8, Theorem 22): outputs at which no part of the loss can be smaller. -------


def interpolation(case: Case, proof: Json) -> Found:
    """Section 9.8: Krawczyk's test for u = t in the parameters named."""
    program, bits = case.program, case.bits
    steps, point, known = program.steps, program.point, program.outputs
    as_object(proof, "rule", "centre", "radius", "parameters", "preconditioner",
              *(["outputs"] if known is None else []))  # fmt: skip
    outputs = read_increasing(proof["outputs"], len(steps)) if known is None else [known]
    names = numbered(steps)
    equations, loss = least(of_outputs(steps, outputs, names), bits)
    q, r, centre = len(equations), positive(proof["radius"]), read_row(proof["centre"], len(point))
    moved = read_increasing(proof["parameters"], len(point))
    require(len(moved) == q, "there are not as many parameters as equations")
    a = read_square(proof["preconditioner"], q, bits)
    first = steps[: outputs[-1] + 1]

    def forms(rows: list[Balls | None]) -> list[Interval]:
        """The u of the outputs, or of their derivatives."""
        found = list[Interval]()
        for k in outputs:
            row = rows[k]
            zero = [Interval(0, 0, bits)] * len(names[k])
            found += zero if row is None else row.intervals()
        return [sum((found[i] * c for i, c in u[1:]), found[u[0][0]]) for u, _ in equations]

    at = Balls.around(centre, Fraction(0), bits)
    wide = -(-(r.numerator << bits) // r.denominator)
    box = Balls(at.m, [s + wide * (i in set(moved)) for i, s in enumerate(at.r)], bits)
    values, columns = evaluated(first, box), list[list[Interval]]()
    for step in first:
        if isinstance(step, Map) and step.moves:
            values[step.of[0]].slope(step.function, None)  # C^1 near the box: at no kink
    for i in moved:
        k = next(k for k, step in enumerate(steps) if i in step.block)
        seed = box.like([Fraction(i == j) for j in steps[k].block])
        columns.append(forms(tangent(first, values, {k: seed})))
    gap = [v - t for v, (_, t) in zip(forms([*evaluated(first, at)]), equations, strict=True)]
    slopes = [at.made(column) for column in columns]
    spread = [sum(radii) for radii in zip(*(column.r for column in slopes), strict=True)]
    require_contraction(a, [column.m for column in slopes], spread, at.made(gap), r)
    away = distance(centre, point)
    flat = len(point) - q
    return Found("no" if flat else "yes", flat=flat, loss=loss, radius=away + r, unbeaten=True)


# ---- Minima of piecewise linear networks with weight decay (9.10, Theorems 28 and 29). -----------


Unit = tuple[int, int]


def penalised(case: Case, proof: Json) -> Found:
    """Section 9.10."""
    pb, bits, here = case.problem, case.bits, case.program.point
    as_object(proof, "rule", "centre", "radius", "free", "multipliers", "preconditioner",
              optional=["zero", "symmetries"])  # fmt: skip
    two_slopes(pb)
    centre = read_row(proof["centre"], len(here))
    zero = {read_unit(item, pb): as_object(item, "layer", "unit", "trees")
            for item in as_list(proof.get("zero", []))}  # fmt: skip
    where, costs = pb.places, pb.penalties or [Fraction(0)] * 2 * len(pb.layers)
    resting = set[int]()
    for level, j in zero:
        *weights, bias = where[level][j]
        paid = [*weights, *(row[j] for row in where[level + 1])]
        require(min(costs[2 * level], costs[2 * level + 2]) > 0, "a unit at zero pays nothing")
        if costs[2 * level + 1]:
            require(costs[2 * level + 1] > 0, "a penalty is negative")
            paid.append(bias)
        else:
            require(costs[2 * level + 3] == 0 and centre[bias] != 0, "a unit's bias is not kept")
        require(not any(centre[p] for p in paid), "a unit is not at zero")
        resting |= {*paid, bias}
    face = minimum_on_face(case, proof, centre, zero.keys())
    pattern, place, lag, curved = face.pattern, face.place, face.lag, face.box.over
    require(not resting & set(face.free), "a parameter of a unit at zero is free")
    fixed = [p for p in range(len(here)) if p not in resting | set(face.free)]
    moves = [read_symmetry(item, pb, pattern, zero, costs, place.intervals())
             for item in as_list(proof.get("symmetries", []))]  # fmt: skip
    require(len(moves) == len(fixed), "there are not as many symmetries as parameters fixed")
    if fixed:
        require_independent([as_balls([move[p] for p in fixed]) for move in moves])
    merged = False
    for (level, j), item in zero.items():
        back = curved.bars[lag.layers[level + 1]]
        if back is None:
            raise Undecided("nothing is known of the layer above a unit at zero")
        width, ds = pb.widths[level + 2], back.intervals()
        columns = [ds[k::width] for k in range(width) if (level + 1, k) not in zero]
        states = [[Interval.of(v, bits) for v in row] for row in pb.xs]
        if level:
            states = rows_of(curved.values[lag.states[level - 1]], pb.widths[level])
        alike = {s: signs_of(pb, pattern, zero, level, place.intervals(), s) for s in (1, -1)}
        merged |= require_rest(pb, costs[2 * level : 2 * level + 3], pattern.slopes[level][0][j],
                               states, columns, as_list(item["trees"]), alike)  # fmt: skip
    flat = len(fixed) + sum(not costs[2 * level + 1] for level, _ in zero)
    return Found("no" if flat or merged else "yes", flat=None if merged else flat, loss=face.loss,
                 radius=face.radius)  # fmt: skip


Alike = dict[int, dict[int, int]]


def signs_of(
    pb: Problem, pattern: Pattern, zero: Collection[Unit], level: int, values: list[Interval],
    sign: int,
) -> Alike:  # fmt: skip
    """The signs of z, where not held, of live units whose outgoing weight has this sign.

    For a layer below one with a single unit, and above none with units at zero.
    """
    if pb.widths[level + 2] > 1 or any(below == level - 1 for below, _ in zero):
        return {}
    found, (above, _) = Alike(), two_slopes(pb)
    for j in range(pb.widths[level + 1]):
        weight = values[pb.places[level + 1][0][j]]
        if (level, j) not in zero and (weight.lo if sign > 0 else -weight.hi) > 0:
            held = {i for m, k, points in pattern.pairs if (m, k) == (level, j) for i in points}
            own = [(i, row[j]) for i, row in enumerate(pattern.slopes[level]) if i not in held]
            found[j] = {i: 1 if slope == above else -1 for i, slope in own}
    return found


def read_unit(x: object, pb: Problem) -> Unit:
    """Reads a hidden unit, a different one each time."""
    fields = as_table(x, "a unit at zero")
    level, j = as_int(fields.get("layer")), as_int(fields.get("unit"))
    require(0 <= level < len(pb.widths) - 2 and 0 <= j < pb.widths[level + 1], "no such unit")
    return level, j


def rows_of(array: Balls, width: int) -> list[list[Interval]]:
    """An array (n, width) as rows."""
    entries = array.intervals()
    return [entries[i : i + width] for i in range(0, len(entries), width)]


def as_balls(entries: list[Interval]) -> Balls:
    """Intervals as an array."""
    middles = [(v.lo + v.hi) >> 1 for v in entries]
    radii = [max(v.hi - m, m - v.lo) for v, m in zip(entries, middles, strict=True)]
    return Balls(middles, radii, entries[0].bits)


def read_symmetry(
    x: object, pb: Problem, pattern: Pattern, zero: Collection[Unit], costs: list[Fraction],
    values: list[Interval],
) -> list[Interval]:  # fmt: skip
    """Reads a turn or a shift: its field over the box."""
    fields = as_table(x, "a symmetry")
    where, depth, bits = pb.places, len(pb.widths) - 2, values[0].bits
    found = [Interval(0, 0, bits)] * len(values)
    level = as_int(fields.get("layer"))
    require(0 <= level <= depth, "there is no such layer")
    held = [{i for m, unit, points in pattern.pairs if (m, unit) == (level, j) for i in points}
            for j in range(pb.widths[level + 1])]  # fmt: skip
    if "turn" in fields:
        as_object(fields, "layer", "turn")
        j, k = (as_int(v) for v in as_list(fields["turn"], 2))
        units = range(pb.widths[level + 1])
        require(level < depth and j != k and j in units and k in units, "no such units")
        require(not {(level, j), (level, k)} & set(zero), "a unit at zero is turned")
        same = held[j] == held[k] and all(row[j] == row[k] for row in pattern.slopes[level])
        require(same, "units with different patterns are turned")
        above = ((row[j], row[k]) for row in where[level + 1])
        for p, q in (*zip(where[level][j], where[level][k], strict=True), *above):
            found[p], found[q] = values[q], -values[p]
        return found
    as_object(fields, "layer", "shift")
    shift = {int(j): rational(v) for j, v in as_table(fields["shift"], "a shift").items()}
    require(set(shift) <= set(range(pb.widths[level + 1])), "no such units")
    require(not costs[2 * level + 1], "a bias that is shifted costs something")
    if level == depth:
        require(pb.loss == "cross_entropy", "outputs are shifted")
        require(len(shift) == pb.widths[-1] and len(set(shift.values())) == 1, "a shift is uneven")
        for k, amount in shift.items():
            found[where[level][k][-1]] = Interval.of(amount, bits)
        return found
    require(not costs[2 * level + 3], "a bias that is shifted costs something")
    single = pb.widths[level + 2] == 1
    require(single or len(shift) == 1, "several units are shifted")
    require(not any(held[j] or (level, j) in zero for j in shift), "a held unit is shifted")
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
    pb: Problem, costs: list[Fraction], slope: Fraction, states: list[list[Interval]],
    columns: list[list[Interval]], trees: list[object], alike: dict[int, Alike],
) -> bool:  # fmt: skip
    """A unit at zero stays: the sum of m_k^2 is below 4 l_v. Whether it is merged somewhere.

    Args:
        pb: The problem.
        costs: l_w, l_b and l_v.
        slope: Of the unit at its bias, where that is not 0.
        states: The inputs of its layer, with radii.
        columns: D_ik for each unit k above that is not at zero.
        trees: Two for each of these, none where the bias costs nothing.
        alike: The units that it may be merged with, by the sign of its outgoing weight.
    """
    merged = set[int]()
    bits, total = states[0][0].bits, Interval(0, 0, states[0][0].bits)
    require(len(trees) == (2 * len(columns) if costs[1] else 0), "there are not enough trees")
    for n, column in enumerate(columns):
        if not costs[1]:
            sums = [sum((d * a for d, a in zip(column, c, strict=True)), Interval(0, 0, bits))
                    for c in zip(*states, strict=True)]  # fmt: skip
            total += sum((s.square() for s in sums), Interval(0, 0, bits)) / costs[0] * slope**2
            continue
        m = 0
        for tree, sign in zip(trees[2 * n : 2 * n + 2], (1, -1), strict=True):
            column_of = [d * sign for d in column]
            given = (two_slopes(pb), costs, states, column_of, alike[sign], merged)
            m = max(m, gain_bound(tree, {}, *given))
        total += Interval(m, m, bits).square()
    if total.upper >= 4 * costs[2]:
        raise Undecided("a unit at zero is not shown to stay")
    return len(merged) > 0


def gain_bound(
    tree: object, signs: dict[int, int], slopes: tuple[Fraction, Fraction], costs: list[Fraction],
    states: list[list[Interval]], column: list[Interval], alike: Alike, merged: set[int],
) -> int:  # fmt: skip
    """Bounds -Q(u) / |u| on the cone of these signs, over 2^bits."""
    fields, bits = as_table(tree, "a tree"), column[0].bits
    if "split" in fields:
        as_object(fields, "split", "plus", "minus")
        i = as_int(fields["split"])
        require(0 <= i < len(column) and i not in signs, "a split names no new point")
        sides = ((fields["plus"], 1), (fields["minus"], -1))
        given = (slopes, costs, states, column, alike, merged)
        return max(gain_bound(side, {**signs, i: sign}, *given) for side, sign in sides)
    if "like" in fields:
        as_object(fields, "like")
        j = as_int(fields["like"])
        require(j in alike, "there is no such unit to merge with")
        require(all(signs.get(i) == s for i, s in alike[j].items()), "the patterns differ")
        merged.add(j)
        return 0
    as_object(fields, optional=["tau", "mu"])
    tau, mu = (read_multipliers(fields.get(name, {})) for name in ("tau", "mu"))
    require(all(abs(t) <= 1 for t in tau.values()) and not set(tau) & set(signs), "tau is wrong")
    require(all(m >= 0 for m in mu.values()) and set(mu) <= set(signs), "mu is wrong")
    middle, bend = (slopes[0] + slopes[1]) / 2, (slopes[0] - slopes[1]) / 2
    left, crude = [Interval(0, 0, bits)] * (len(states[0]) + 1), 0
    for i, (state, d) in enumerate(zip(states, column, strict=True)):
        inputs, factor, curved = [*state, Interval.of(1, bits)], d * middle, d * bend
        if i in signs:
            factor = factor + curved * signs[i] - signs[i] * mu.get(i, Fraction(0))
        elif curved.lo >= 0:
            factor = factor + curved * tau.get(i, Fraction(0))
        else:
            crude += (abs(curved) * Interval(0, dual_norm(inputs, costs), bits)).hi
        left = [part + factor * x for part, x in zip(left, inputs, strict=True)]
    return dual_norm(left, costs) + crude


def dual_norm(linear: list[Interval], costs: list[Fraction]) -> int:
    """An upper bound for the dual norm of a linear function of weights and bias, over 2^bits."""
    *weights, bias = (part.square() for part in linear)
    total = sum(weights, Interval(0, 0, bias.bits)) / costs[0] + bias / costs[1]
    return math.isqrt(total.hi << total.bits) + 1


def read_multipliers(x: object) -> dict[int, Fraction]:
    """Reads numbers by data point."""
    return {int(i): rational(v) for i, v in as_table(x, "a list of multipliers").items()}


# ---- A valley along a ray on which the numbers of a program move one way (9.11). -----------------


RISING = {"exp": (0, None), "sigmoid": (0, 1), "tanh": (-1, 1), "erf": (-1, 1), "softsign": (-1, 1),
          "softplus": (0, None), "elu": (-1, None), "log": (None, None),
          "sqrt": (0, None)}  # fmt: skip


@dataclass(frozen=True)
class Course:
    """A number a(t) for t >= 0.

    Attributes:
        start: a(0).
        rate: a(t) = start + t rate, if it is affine.
        way: 1: strictly increasing, -1: strictly decreasing, 0: fixed; None: not known.
        limit: For t to infinity; None: infinite, on the side of the way.
        bits: The precision.
    """

    start: Number
    rate: Number | None
    way: int | None
    limit: Number | None
    bits: int

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
    return Course(start, rate, way, None if way else start, bits)


def scaled(path: Course, factor: Number) -> Course | None:
    """The product by a fixed number."""
    side, bits = sign_of(factor, path.bits), path.bits
    if side == 0:
        return affine(Fraction(0), Fraction(0), bits)
    if path.rate is not None:
        return affine(path.start * factor, path.rate * factor, bits)
    if path.way is None or side is None:
        return None
    limit = None if path.limit is None else path.limit * factor
    return Course(path.start * factor, None, path.way * side, limit, bits)


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
    start = total(p.start for p in known)
    rates = [p.rate for p in known if p.rate is not None]
    if len(rates) == len(known):
        return affine(start, total(rates), bits)
    ways = {p.way for p in known} - {0}
    if None in ways or len(ways) > 1:
        return None
    limits = [p.limit for p in known if p.limit is not None]
    limit = total(limits) if len(limits) == len(known) else None
    return Course(start, None, ways.pop() if ways else 0, limit, bits)


def value(function: Function, z: Number, bits: int) -> Number:
    """A function at a number."""
    found = exact(*function, z) if isinstance(z, Fraction) else None
    return enclosure(*function, interval(z, bits))[0] if found is None else found[0]


def mapped(path: Course | None, function: Function) -> Course | None:
    """A function of it: on one side of a kink, or one that strictly increases or decreases.

    Raises:
        Undecided: The function may be undefined for some t.
    """
    (name, slopes), positive = function, function[0] in ("log", "sqrt", "reciprocal")
    if path is None or path.way is None:
        if positive:
            raise Undecided("a function may be undefined along the ray")
        return None
    bits, way = path.bits, path.way
    if way == 0:
        return affine(value(function, path.start, bits), Fraction(0), bits)
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
        limit: Number | None = value(function, end, bits)
    else:
        edge = high if way > 0 else low
        limit = None if edge is None else Fraction(edge)
    return Course(value(function, path.start, bits), None, -way if turned else way, limit, bits)


def loss_path(case: Case, direction: list[Fraction]) -> Course | None:
    """The loss along the ray from the problem's point."""
    steps, bits = case.program.steps, case.bits
    paths = list[list[Course | None] | None]()  # None for what does not move
    for k, step in enumerate(steps):
        own = case.values[k].entries
        row: list[Course | None] | None = None
        if step.block:
            rates = direction[step.block.start : step.block.stop]
            if any(rates):
                row = [affine(x, r, bits) for x, r in zip(own, rates, strict=True)]
        elif any(paths[i] is not None for i in step.of):
            fixed = Fraction(0)
            args = [
                paths[i] or [affine(x, fixed, bits) for x in case.values[i].entries]
                for i in step.of
            ]
            if isinstance(step, Map):
                row = [mapped(path, step.function) for path in args[0]]
            else:
                row = [
                    added([t[0] if len(t) == 1 else product(*t) for t in terms], bits)
                    for terms in summands(step, args)
                ]
        paths.append(row)
    return paths[-1][0] if paths[-1] is not None else None


def monotone_valley(case: Case, proof: Json) -> Found:
    """Section 9.11, Theorem 31: along the ray the loss strictly decreases, to a limit."""
    as_object(proof, "rule", "direction")
    path = loss_path(case, case.read_point(proof["direction"]))
    if path is None or path.way is None:
        raise Undecided("the loss is not shown to fall along the whole ray")
    if path.way != -1 or path.limit is None:
        raise Invalid("the loss does not fall to a limit")
    return Found(limit=interval(path.limit, case.bits))


# ---- Critical points of programs: rules 9.3 and 9.4, and which rules programs have. --------------


def read_box(case: Case, proof: Json) -> Box:
    """Reads the box X of all parameters around a centre."""
    size = len(case.program.point)
    centre, radius = read_row(proof["centre"], size), positive(proof["radius"])
    return Box(case.program, centre, radius, range(size), case.bits)


def strongly_convex(case: Case, proof: Json) -> Found:
    """Section 9.3, Theorem 5."""
    as_object(proof, "rule", "centre", "radius")
    box = read_box(case, proof)
    return convex(case, box, box.free)


def idle_parameters(case: Case, proof: Json) -> Found:
    """Section 9.3: over the box the gradient is exactly zero in the idle parameters."""
    as_object(proof, "rule", "centre", "radius", "idle")
    box = read_box(case, proof)
    idle, slope = read_increasing(proof["idle"], len(box.free)), box.over.gradient()
    require(not any(slope.m[i] or slope.r[i] for i in idle), "a parameter may have an effect")
    free = [i for i in box.free if i not in set(idle)]
    if free:
        found = convex(case, box, free)
    else:
        require(case.verdict == "local_minimum", "the loss is constant around the point")
        require(box.centre == list(case.program.point), "the centre is not the problem's point")
        found = Found()
    found.strict, found.flat = "no", len(idle)
    return found


def convex(case: Case, box: Box, free: Sequence[int]) -> Found:
    """Theorem 5 in the free parameters, ascending; no others matter over the box."""
    bound, away = case.eigenvalue, distance(box.centre, case.program.point)
    if case.verdict == "local_minimum":
        require(away == 0, "the centre is not the problem's point")
        for part in gradient_of(case.program, case.values):
            require(not any(isinstance(g, Interval) or g for g in part.entries),
                    "the gradient is not exactly zero")  # fmt: skip
    found = Found("yes", eigenvalue=bound)
    if case.verdict == "local_minimum_nearby":
        found.loss = require_minimum(box, bound, box.at.values[-1].intervals()[0])
        found.radius = away + box.radius
    require(len(free) <= MAX_HESSIAN, "there are too many parameters for a Hessian")
    require_above(symmetric(box.over.hessian(free)), bound)
    return found


def krawczyk(case: Case, proof: Json) -> Found:
    """Section 9.4: a critical point in the box, and the signs of the Hessian's eigenvalues."""
    as_object(proof, "rule", "centre", "radius", "preconditioner")
    box = read_box(case, proof)
    negative, loss = isolated(box, proof["preconditioner"])
    require(negative >= 1, "the critical point is no saddle")
    away = distance(box.centre, case.program.point)
    return Found(index=negative, loss=loss, radius=away + box.radius)


PROGRAM_RULES: Rules = {
    "strongly_convex": (strongly_convex, ("local_minimum", "local_minimum_nearby")),
    "idle_parameters": (idle_parameters, ("local_minimum", "local_minimum_nearby")),
    "interpolation": (interpolation, ("local_minimum_nearby",)),
    "penalised": (penalised, ("local_minimum_nearby",)),
    "krawczyk": (krawczyk, ("saddle_nearby",)),
    "descent_direction": (descent_direction, ("not_local_minimum",)),
    "negative_curvature": (negative_curvature, ("not_local_minimum",)),
    "monotone_valley": (monotone_valley, ("not_local_minimum",)),
}


# ---- The claim (sections 2, 7 and 9). ------------------------------------------------------------


MINIMA: Rules = {
    "one_sided_derivatives": (one_sided_derivatives, ("local_minimum", "local_minimum_nearby")),
    "classwise_optimum": (classwise_optimum, ("local_minimum", "local_minimum_nearby")),
    "convex_ball": (convex_ball, ("local_minimum", "local_minimum_nearby")),
    "constant_output": (constant_output, ("local_minimum_nearby",)),
    "constant_units": (constant_units, ("local_minimum", "local_minimum_nearby")),
    "kinked_ball": (kinked_ball, ("local_minimum_nearby",)),
    "pointwise_optimum": (pointwise_optimum, ("local_minimum",)),
    "kinked": (kinked, ("local_minimum_nearby",)),
    "constant_rank": (kinked, ("local_minimum_nearby",)),
    "twin_units": (twin_units, ("local_minimum", "local_minimum_nearby")),
}
REFUTATIONS: Rules = {
    rule.__name__: (rule, ("not_local_minimum",))
    for rule in (descent_direction, zero_output_weight, negative_curvature, valley_to_infinity,
                 saturating_valley, merging_valley, sharpening_valley)
}  # fmt: skip
RULES = MINIMA | REFUTATIONS
CLAIMS = ("verdict", "strict", "strict_up_to_rescaling", "flat_dimension", "eigenvalue_bound",
          "global", "loss", "witness_loss", "radius", "valley_limit")  # fmt: skip
PROGRAM_CLAIMS = ("verdict", "strict", "index", "eigenvalue_bound", "global", "loss",
                  "witness_loss", "radius")  # fmt: skip
ALSO_CLAIMED = {
    "idle_parameters": "flat_dimension",
    "interpolation": "flat_dimension",
    "penalised": "flat_dimension",
    "monotone_valley": "valley_limit",
}  # of programs
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
    low, high = mid - rad, mid + rad
    require(lower <= high and upper >= low, f"{what} is not as claimed")
    if not low <= lower <= upper <= high:
        raise Undecided(f"{what} is not shown to lie in the ball claimed")


def require_radius(claimed: object, found: Found, nearby: bool) -> None:
    """The radius is at least what is needed, and at most twice that (section 2)."""
    if not nearby:
        require(claimed is None, "only what is nearby has a radius")
        return
    needed = Fraction(0) if found.radius is None else found.radius
    radius = rational(claimed)
    require(needed <= radius, "the radius is too small")
    require(radius <= 2 * needed, "the radius is more than twice what is needed")


def check_at(certificate: Json, bits: int) -> str:
    """Checks everything at one precision; returns the claim in words.

    The proof has to establish exactly what is claimed (sections 2 and 9).
    """
    old, proof = certificate["format"] == FORMATS[0], as_table(certificate["proof"], "proof")
    name, rules = as_text(proof.get("rule")), RULES if old else PROGRAM_RULES
    require(name in rules, "unknown rule")
    keys = CLAIMS if old else (*PROGRAM_CLAIMS, *filter(None, [ALSO_CLAIMED.get(name)]))
    claim, problem = as_object(certificate["claim"], *keys), certificate["problem"]
    program = dense_program(read_problem(problem)) if old else read_any(problem)
    case = Case(program, claim, bits, layered=old)
    rule, verdicts = rules[name]
    require(case.verdict in verdicts, f"the rule {name} does not give this verdict")
    found = rule(case, proof)
    require(claim["strict"] == found.strict, f"strict is {found.strict}")
    rescaled = claim.get("strict_up_to_rescaling", found.rescaled)
    require(rescaled == found.rescaled, f"up to rescaling {found.rescaled}")
    for key, value in (("flat_dimension", found.flat), ("index", found.index)):
        given = claim.get(key)
        same = value is None if given is None else as_int(given) == value
        require(same, f"{key.replace('_', ' ')} {value}")
    if found.eigenvalue is None:
        require(claim["eigenvalue_bound"] is None, "the rule gives no eigenvalue_bound")
    require_radius(claim["radius"], found, case.verdict.endswith("_nearby"))
    loss = case.loss_at(program.point) if found.loss is None else found.loss
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
        refuted = case.verdict in ("not_local_minimum", "saddle_nearby")
        require(refuted, "the verdict does not refute")
    elif case.layered:
        require_best(case, rule, fields, found, loss)
    else:
        require(rule == "best_outputs" and found.unbeaten, "nothing proves global: yes")


def require_best(case: Case, rule: str, fields: Json, found: Found, loss: Number) -> None:
    """Section 7: no parameters have a smaller loss."""
    pb = case.problem
    require(case.verdict != "not_local_minimum", "what is no local minimum is not global")
    if found.place is None:
        raise Invalid("global: yes needs an exact point")
    if rule == "cell_multipliers":
        if not isinstance(loss, Fraction):
            raise Invalid("the rule needs a rational loss")
        cell_multipliers(pb, as_list(fields["multipliers"]), loss)
        return
    ex = evaluate(case, found.place)
    if rule == "pointwise_optimum":
        require_pointwise(ex)
        return
    require(rule == "affine_optimum", "unknown rule in global_proof")
    require(pb.slopes is not None and not pb.kinked, "the network is not affine")
    require_classwise(ex, [("signs",)] * len(pb.xs))


def decimal(x: Fraction) -> str:
    """A rational in words: exact if short, else rounded to ten digits."""
    if x.numerator.bit_length() < 40 and x.denominator.bit_length() < 20:
        return str(x)
    with localcontext(prec=10) as context:
        return f"{context.divide(Decimal(x.numerator), Decimal(x.denominator)):.10g}"


def ball_text(x: object) -> str:
    """A ball in words: the middle in ten digits, and how far off if these may be wrong."""
    mid, rad = ball(x)
    told = rad * 10**9 <= abs(mid)
    return decimal(mid) if told or not rad else f"{decimal(mid)} within {decimal(rad)}"


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


@dataclass(frozen=True)
class Result:
    """The answer about one certificate.

    Attributes:
        valid: Whether the evidence proves the claim.
        claim: The claim in one sentence; empty if it was not proved.
        reason: Why it is invalid; empty if it is valid.
    """

    valid: bool
    claim: str
    reason: str


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


def load(path: str | Path) -> Json:
    """Reads a certificate file.

    Raises:
        BadInput: If it cannot be read or is no certificate at all.
    """

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
        data = Path(path).read_bytes()
        value: object = json.loads(
            data.decode("utf-8"), object_pairs_hook=unique, parse_float=refuse,
            parse_constant=refuse, parse_int=integer,
        )  # fmt: skip
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror or type(error).__name__})") from None
    except RecursionError:
        raise BadInput("nested too deeply") from None
    except MemoryError:
        raise BadInput("too large for this machine's memory") from None
    except ValueError as error:
        raise BadInput(f"not JSON ({' '.join(str(error).split())[:80]})") from None
    found = cast("Json", value)
    if not isinstance(value, dict) or str(found.get("format")) not in FORMATS:
        raise BadInput('not a certificate: no "format": "spurious-certificate/1" or "...2"')
    pending: list[object] = [found]
    while pending:
        item = pending.pop()
        if isinstance(item, dict):
            pending += cast("Json", item).values()
        elif isinstance(item, list):
            pending += cast("list[object]", item)
        elif isinstance(item, str):
            match = re.fullmatch(r"[+-]?[0-9.]+[eE][+-]?([0-9]+)", item)
            if match and (len(match[1]) > 9 or int(match[1]) > MAX_EXPONENT):
                raise BadInput(f"the exponent of {item[:30]} is too large")
    return found


def check_file(path: str | Path) -> Result:
    """Checks one file.

    Raises:
        BadInput: If the file cannot be read or holds no certificate.
    """
    return check(load(path))


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
            line = json.dumps({"file": path, **vars(result), "seconds": seconds})
        else:
            answer = "valid" if result.valid else "bad input" if bad else "invalid"
            line = f"{path}: {answer}: {result.claim or result.reason}"
            line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in line)
            line = line.encode("ascii", "backslashreplace").decode()
        print(line, file=sys.stderr if bad and not options.json else sys.stdout)
    return status


if __name__ == "__main__":
    sys.exit(main())
