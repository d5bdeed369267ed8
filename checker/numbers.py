"""Answers, and numbers: intervals, and softmax numbers (section 1)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from typing import TypeAlias, TypeVar

from checker.bounds import exp_minus, log_bounds

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
