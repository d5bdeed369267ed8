"""Reading JSON (sections 1 and 2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import TypeVar, cast

from checker.numbers import Invalid, Number, require, soft_atom

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
