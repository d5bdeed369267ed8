"""The functions of section 9.2 against mpmath: values and derivatives over intervals."""

from __future__ import annotations

import random
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import mpmath
import pytest

import spurious_checker as checker
from spurious_checker import Interval

mp: Any = mpmath.mp.clone()
mp.prec = 700
SLOPES = {"relu": (1, 0), "abs": (1, -1), "leaky_relu": (1, Fraction(1, 7))}
REFERENCE: dict[str, Callable[[Any], Any]] = {
    "exp": mp.exp,
    "log": mp.log,
    "reciprocal": lambda z: 1 / z,
    "sqrt": mp.sqrt,
    "tanh": mp.tanh,
    "sigmoid": lambda z: 1 / (1 + mp.exp(-z)),
    "softplus": lambda z: mp.log1p(mp.exp(z)),
    "erf": mp.erf,
    "gelu": lambda z: z * mp.erfc(-z / mp.sqrt(2)) / 2,
    "silu": lambda z: z / (1 + mp.exp(-z)),
    "mish": lambda z: z * mp.tanh(mp.log1p(mp.exp(z))),
    "softsign": lambda z: z / (1 + abs(z)),
    "elu": lambda z: z if z >= 0 else mp.expm1(z),
    "sin": mp.sin,
    "arctan": mp.atan,
    "cos": mp.cos,
    "relu": lambda z: max(z, mp.mpf(0)),
    "abs": abs,
    "leaky_relu": lambda z: z if z > 0 else z / 7,
}
POSITIVE = ("log", "sqrt")


def number(x: Fraction) -> Any:
    return mp.mpf(x.numerator) / x.denominator


def jet(name: str, x: Fraction) -> tuple[Any, Any, Any]:
    """Value and central differences with the step 2^-150, in 700 bits: good to 2^-250."""
    f, z, h = REFERENCE[name], number(x), mp.mpf(2) ** -150
    low, here, high = f(z - h), f(z), f(z + h)
    return here, (high - low) / (2 * h), (high - 2 * here + low) / h**2


def holds(got: Interval, want: Any) -> bool:
    slack = mp.mpf(2) ** -180 * (1 + abs(want))
    return number(got.lower) - slack <= want <= number(got.upper) + slack


def enclosure(name: str, z: Interval) -> checker.Jet:
    p, q = SLOPES.get(name, (0, 0))
    slopes = (Fraction(p), Fraction(q)) if name in SLOPES else None
    return checker.enclosure(name, slopes, z)


def test_every_function_is_compared() -> None:
    assert set(REFERENCE) == set(checker.FUNCTIONS)


@pytest.mark.parametrize("name", REFERENCE)
def test_wide_intervals(name: str) -> None:
    rng = random.Random(f"wide {name}")
    for _ in range(150):
        scale = rng.choice([Fraction(1, 50), Fraction(1), Fraction(8), Fraction(60)])
        ends = sorted(scale * Fraction(rng.randint(-(10**6), 10**6), 10**6) for _ in range(2))
        low, high = (abs(e) + Fraction(1, 10**4) for e in ends) if name in POSITIVE else ends
        low, high = min(low, high), max(low, high)
        if name == "reciprocal" and low <= 0 <= high:
            low, high = high + 1, high + 1 - low
        z = checker.hull(Interval.of(low, 128), Interval.of(high, 128))
        ranges = enclosure(name, z)
        for part in (0, Fraction(1, 2), Fraction(rng.randint(0, 999), 1000), 1):
            at = low + (high - low) * part
            if abs(at) < Fraction(1, 2**140) and name in (*SLOPES, "softsign", "elu"):
                continue  # differences across the kink
            for got, want in zip(ranges, jet(name, at), strict=True):
                assert got is None or holds(got, want), (name, low, high, at)


@pytest.mark.parametrize("name", REFERENCE)
@pytest.mark.parametrize("bits", [128, 256])
def test_points_are_tight(name: str, bits: int) -> None:
    rng = random.Random(f"tight {name}")
    for _ in range(40):
        x = Fraction(rng.randint(1, 4 * 10**6), 10**6) * (
            1 if name in POSITIVE else rng.choice([-1, 1])
        )
        for got, want in zip(enclosure(name, Interval.of(x, bits)), jet(name, x), strict=True):
            assert got is not None and holds(got, want), (name, x)
            assert got.hi - got.lo <= 2**12 * (1 + abs(want)) ** 4, (name, x)


def test_huge_angles() -> None:
    rng = random.Random(5)
    for _ in range(50):
        x = Fraction(rng.randint(-(10**40), 10**40), 7)
        for name in ("sin", "cos"):
            value = enclosure(name, Interval.of(x, 128))[0]
            assert holds(value, REFERENCE[name](number(x))) and value.hi - value.lo < 16


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("log", 0, 1), ("log", -2, -1), ("sqrt", 0, 1), ("reciprocal", -1, 1), ("reciprocal", 0, 1),
     ("exp", 0, 10**9)],
)  # fmt: skip
def test_domains(name: str, low: int, high: int) -> None:
    with pytest.raises(checker.Undecided):
        enclosure(name, Interval(low << 128, high << 128, 128))


@pytest.mark.parametrize("name", SLOPES)
def test_no_slope_at_a_kink(name: str) -> None:
    assert enclosure(name, Interval(-1, 1, 128))[1] is None
    assert enclosure(name, Interval(0, 1, 128))[1] is None
    assert enclosure(name, Interval(1, 1, 128))[1] is not None


@pytest.mark.parametrize("name", REFERENCE)
def test_rational_values(name: str) -> None:
    """What is taken as exact lies in the enclosure."""
    p, q = SLOPES.get(name, (0, 0))
    slopes = (Fraction(p), Fraction(q)) if name in SLOPES else None
    for x in (Fraction(0), Fraction(1), Fraction(-1), Fraction(2, 3)):
        found = checker.exact(name, slopes, x)
        if found is not None and (x or slopes is None):
            value, slope, _ = enclosure(name, Interval.of(x, 128))
            assert value.lower <= found[0] <= value.upper
            assert slope is not None and slope.lower <= found[1] <= slope.upper
