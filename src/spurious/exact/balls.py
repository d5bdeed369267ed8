"""Ball arithmetic: the one place that compares balls.

`flint.arb` encloses a real number in [mid - rad, mid + rad] and every operation rounds outward
(F. Johansson, "Arb: efficient arbitrary-precision midpoint-radius interval arithmetic", 2017).
Its comparison operators answer False for *unknown*; here a comparison answers +1, -1 or None, and
None is never taken for an answer. The precision is a global of the library, so it is only ever
set through `precision`, a context manager.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor, log10

from flint import arb, ctx, fmpq

PRECISIONS = (128, 256, 512, 1024)
"""Working precisions in bits, tried in turn until a question is decided."""


EXPONENT_LIMIT = 40_000
"""Balls beyond 2^EXPONENT_LIMIT are not turned into rationals; below its inverse they become 0."""


class OutOfRangeError(ArithmeticError):
    """A number is too large for exact conversion, or not finite."""


def precision(bits: int) -> AbstractContextManager[object]:
    """A context in which balls carry `bits` bits."""
    return ctx.workprec(bits)


def working_precision() -> int:
    """The precision in force, in bits."""
    return ctx.prec


def square(value: arb) -> arb:
    """The square; flint's `**` answers nan for a ball around zero."""
    return value * value


def norm(values: Iterable[arb]) -> arb:
    """The Euclidean norm."""
    return sum((square(value) for value in values), arb(0)).nonnegative_part().sqrt()


def sign(value: arb) -> int | None:
    """+1 or -1 if every number in the ball has that sign, 0 if it is exactly zero, else None."""
    if value.is_nan():
        return None
    if value > 0:
        return 1
    if value < 0:
        return -1
    return 0 if value.is_zero() else None


def certainly_less(left: arb, right: arb) -> bool:
    """Whether every number in `left` is smaller than every number in `right`."""
    return sign(right - left) == 1


def midpoint(value: arb) -> fmpq:
    """The ball's midpoint, exactly; 0 where it is too small to write down.

    Raises:
        OutOfRangeError: it is too large, or not a number.
    """
    return _rational(value.mid())


def _rational(value: arb) -> fmpq:
    """An exact ball as a rational, checked first: flint aborts the process if it cannot."""
    if not value.is_finite():
        raise OutOfRangeError("a value is not finite: numbers here are too large")
    mantissa, exponent = value.man_exp()
    size = int(exponent) + int(mantissa).bit_length()
    if mantissa == 0 or size < -EXPONENT_LIMIT:
        return fmpq(0)
    if size > EXPONENT_LIMIT:
        raise OutOfRangeError("a value is beyond the range of this program: numbers are too large")
    return value.fmpq()


def bounds(value: arb) -> tuple[Fraction, Fraction]:
    """Rational numbers below and above every number in the ball.

    Raises:
        OutOfRangeError: an end is too large, or not a number.
    """
    middle = midpoint(value)
    radius = _rational(value.rad())
    flushed = (middle == 0 and not value.mid().is_zero()) or (radius == 0 and not value.is_exact())
    if flushed:
        radius += fmpq(2) / fmpq(2) ** EXPONENT_LIMIT
    low, high = middle - radius, middle + radius
    return Fraction(int(low.p), int(low.q)), Fraction(int(high.p), int(high.q))


def written(value: Fraction) -> str:
    """A rational in decimal, "p/q" or "p".

    Raises:
        OutOfRangeError: it has more digits than Python writes.
    """
    try:
        return str(value)
    except ValueError:
        raise OutOfRangeError("a number of the proof is too long to be written") from None


def rounded(value: Fraction, digits: int) -> Fraction:
    """The value rounded to `digits` significant decimal digits."""
    if value == 0:
        return value
    return round_to(value, digits - 1 - decimal_exponent(value))


def rounded_float(value: float, digits: int) -> Fraction:
    """The same of a finite float, several times faster."""
    return Fraction(Decimal(f"{value:.{digits - 1}e}"))


def round_to(value: Fraction, decimals: int) -> Fraction:
    """The value rounded to a number of decimals (negative: to tens, hundreds, ...)."""
    scale = Fraction(10) ** decimals
    return Fraction(round(value * scale)) / scale


def decimal_exponent(value: Fraction) -> int:
    """The e with 10^e <= |value| < 10^(e+1), for a nonzero value."""
    size = abs(value)
    guess = floor((size.numerator.bit_length() - size.denominator.bit_length()) * log10(2))
    while Fraction(10) ** guess > size:
        guess -= 1
    while Fraction(10) ** (guess + 1) <= size:
        guess += 1
    return guess


def power_of_ten_above(value: Fraction) -> Fraction:
    """The smallest power of ten that is not below a positive value."""
    exponent = decimal_exponent(value)
    power = Fraction(10) ** exponent
    return power if power == value else power * 10


def simple_below(value: Fraction, digits: int = 3) -> Fraction:
    """A positive rational with few digits, at most `value` and close to it."""
    scale = Fraction(10) ** (digits - 1 - decimal_exponent(value))
    return Fraction(floor(value * scale)) / scale


def simple_above(value: Fraction, digits: int = 2) -> Fraction:
    """A rational with few digits, at least `value` and close to it; 0 for 0."""
    if value == 0:
        return value
    scale = Fraction(10) ** (digits - 1 - decimal_exponent(value))
    return Fraction(ceil(value * scale)) / scale
