"""Exact numbers: one conversion in, one conversion out.

Every number of a problem is a `fractions.Fraction`. Text means what is written, so "0.1" is one
tenth; a binary float means the dyadic rational it stores, so the float 0.1 is
3602879701896397/36028797018963968.
"""

import re
from decimal import Decimal
from fractions import Fraction
from numbers import Rational
from typing import Any, cast

from spurious.errors import InputError

MAX_DIGITS = 4000
"""Most decimal digits in a numerator or denominator (Python itself refuses to print 4301)."""

_LIMIT = 10**MAX_DIGITS
_SHOWN_CHARACTERS = 40
_NUMBER = re.compile(
    r"(?P<sign>[+-]?)"
    r"(?:(?P<over>[0-9]+)/(?P<under>[0-9]+)"
    r"|(?=\.?[0-9])(?P<whole>[0-9]*)(?:\.(?P<part>[0-9]*))?(?:[eE](?P<power>[+-]?[0-9]+))?)"
)
_EXPECTED = 'expected a finite number such as 3, -13.5, "1/3" or "2e-3"'


def exact(value: object, path: str = "value") -> Fraction:
    """Convert a number to the exact rational that it stands for.

    Args:
        value: Text ("1/3", "-13.5", "2e-3"), an int, a Fraction, a Decimal, a float (its exact
            dyadic value), or a NumPy scalar.
        path: The field's name in error messages, such as ``data.x[0][1]``.

    Returns:
        The same number, exactly.

    Raises:
        InputError: If `value` is no number, is a bool, is NaN or infinite, or has a numerator or
            denominator of more than `MAX_DIGITS` digits.
    """
    value = unwrapped(value)
    if isinstance(value, Decimal):
        value = str(value)
    if isinstance(value, bool):
        raise InputError(f"{path}: found {shown(value)}, {_EXPECTED}; write 1 or 0")
    if isinstance(value, str):
        number = _from_text(value, path)
    elif isinstance(value, Rational):
        number = Fraction(int(value.numerator), int(value.denominator))
    elif hasattr(value, "as_integer_ratio"):
        try:
            over, under = cast("Any", value).as_integer_ratio()
        except (OverflowError, ValueError):
            raise InputError(f"{path}: found {value}, {_EXPECTED}") from None
        number = Fraction(int(over), int(under))
    else:
        raise InputError(f"{path}: found {shown(value)}, {_EXPECTED}")
    if not (-_LIMIT < number.numerator < _LIMIT and number.denominator < _LIMIT):
        raise _too_long(path)
    return number


def unwrapped(value: object) -> object:
    """Turn a NumPy scalar, an array or a tensor into Python numbers and lists of them."""
    tolist = getattr(value, "tolist", None)
    return tolist() if tolist is not None else value


def to_text(number: Fraction) -> str:
    """Write a rational as "p" or "p/q", in lowest terms.

    Raises:
        InputError: If it has more than `MAX_DIGITS` digits above or below the line.
    """
    if not (-_LIMIT < number.numerator < _LIMIT and number.denominator < _LIMIT):
        raise _too_long("value")
    return str(number)


def shown(value: object) -> str:
    """Describe what was found, on one short line, for an error message."""
    value = unwrapped(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        text = repr(str(value[: _SHOWN_CHARACTERS + 1]))
        return text if len(value) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}...'"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(cast('list[object]', value))}"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, (int, Fraction)):
        short = abs(value.numerator) < 10**20 and value.denominator < 10**20
        return str(value) if short else "a number of many digits"
    if isinstance(value, float):
        return repr(value)
    return f"a {type(value).__name__}"


def _from_text(text: str, path: str) -> Fraction:
    if len(text) > 2 * MAX_DIGITS + 2:
        raise _too_long(path)
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise InputError(f"{path}: found {shown(text)}, {_EXPECTED}")
    sign = -1 if match["sign"] == "-" else 1
    if match["over"] is not None:
        return sign * _ratio(match["over"], match["under"], path)
    part = match["part"] or ""
    digits, power = match["whole"] + part, match["power"] or "0"
    if len(digits) > MAX_DIGITS or len(power) > 10 or abs(int(power)) > MAX_DIGITS:
        raise _too_long(path)
    shift = int(power) - len(part)
    mantissa = sign * int(digits)
    return Fraction(mantissa * 10**shift) if shift >= 0 else Fraction(mantissa, 10**-shift)


def _ratio(over: str, under: str, path: str) -> Fraction:
    if len(over) > MAX_DIGITS or len(under) > MAX_DIGITS:
        raise _too_long(path)
    if int(under) == 0:
        raise InputError(f"{path}: found a denominator of 0, {_EXPECTED}")
    return Fraction(int(over), int(under))


def _too_long(path: str) -> InputError:
    return InputError(
        f"{path}: found a number too long to handle, expected at most {MAX_DIGITS} digits above "
        "and below the line; round it"
    )
