"""Interval functions against `decimal` at higher precision, and against sampling."""

from __future__ import annotations

import math
import random
from decimal import Decimal, localcontext
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import spurious_checker as checker
from spurious_checker import Interval

BITS = st.sampled_from([128, 256, 512])
POINTS = st.fractions(-60, 60, max_denominator=10**6)
DIGITS = 400


def exact(x: Fraction) -> Decimal:
    return Decimal(x.numerator) / Decimal(x.denominator)


def holds(enclosure: Interval, value: Decimal, within: int) -> None:
    """The value lies inside, and the width is at most so many units of 2^-bits."""
    low, high = exact(enclosure.lower), exact(enclosure.upper)
    slack = Decimal(10) ** -(DIGITS - 100)
    assert low - slack <= value <= high + slack
    assert enclosure.hi - enclosure.lo <= within


def reference(name: str, x: Decimal) -> Decimal:
    """Section 3, straight from the definitions."""
    s = 1 / (1 + (-x).exp())
    if name == "sigmoid":
        return s
    if name == "tanh":
        return 2 / (1 + (-2 * x).exp()) - 1
    if name == "softplus":
        return (1 + x.exp()).ln()
    if name == "silu":
        return x * s
    if name == "mish":
        square = (1 + x.exp()) ** 2
        return x * (square - 1) / (square + 1)
    if name == "softsign":
        return x / (1 + abs(x))
    if name == "elu":
        return x if x >= 0 else x.exp() - 1
    return x * cdf(x)


def cdf(x: Decimal) -> Decimal:
    """Phi by its alternating series at high precision, where the checker uses a positive one."""
    with localcontext(prec=DIGITS + 2 * int(x * x) + 50):
        total, term, k = Decimal(0), x, 0
        while abs(term) > Decimal(10) ** -(DIGITS + 5):
            total += term / (2 * k + 1)
            k += 1
            term *= -x * x / (2 * k)
        return Decimal("0.5") + total / (2 * pi()).sqrt()


def pi() -> Decimal:
    """Gauss and Legendre."""
    with localcontext(prec=DIGITS + 60):
        a, b, t, p = Decimal(1), 1 / Decimal(2).sqrt(), Decimal("0.25"), Decimal(1)
        for _ in range(12):
            a, b, t, p = (a + b) / 2, (a * b).sqrt(), t - p * ((a - b) / 2) ** 2, 2 * p
        return (a + b) ** 2 / (4 * t)


@settings(deadline=None, max_examples=60)
@given(POINTS, BITS, st.sampled_from(checker.SMOOTH))
def test_activations_at_points(x: Fraction, bits: int, name: str) -> None:
    with localcontext(prec=DIGITS):
        if name == "gelu":
            x = x / 6
        z = Interval.of(x, bits)
        value = checker.enclosure(name, None, z)[0]
        holds(value, reference(name, exact(x)), 4000)


@settings(deadline=None, max_examples=60)
@given(POINTS, BITS, st.sampled_from(checker.SMOOTH))
def test_derivatives_at_points(x: Fraction, bits: int, name: str) -> None:
    """Against central differences of the definitions: error below h^2 times a derivative <= 20."""
    x = x / 6
    if name in ("elu", "softsign") and abs(x) < Fraction(1, 1000):
        return
    with localcontext(prec=DIGITS):
        h, t = Decimal(10) ** -60, exact(x)
        left, mid, right = (reference(name, t + d) for d in (-h, Decimal(0), h))
        _, first, second = checker.enclosure(name, None, Interval.of(x, bits))
        slack = 20 * h * h + Decimal(2) ** -bits
        for got, want in (
            (first, (right - left) / (2 * h)),
            (second, (right - 2 * mid + left) / (h * h)),
        ):
            assert exact(got.lower) - slack <= want <= exact(got.upper) + slack
            assert got.hi - got.lo < 1 << 24


@settings(deadline=None, max_examples=100)
@given(st.floats(-9, 9), st.floats(0, 4), st.floats(0, 1), st.sampled_from(checker.SMOOTH))
def test_wide_intervals(low: float, width: float, part: float, name: str) -> None:
    """The ranges over a wide interval hold the enclosures at any point of it."""
    high = low + width
    z = checker.hull(Interval.of(Fraction(low), 128), Interval.of(Fraction(high), 128))
    inner = Interval.of(Fraction(min(high, low + part * width)), 128)
    outer = checker.enclosure(name, None, z)
    for big, small in zip(outer, checker.enclosure(name, None, inner), strict=True):
        assert big.lo <= small.lo + 10**6 and small.hi - 10**6 <= big.hi


@settings(deadline=None, max_examples=100)
@given(
    POINTS, BITS, st.sampled_from(checker.SMOOTH),
    st.sampled_from([1, 2**10, checker.NARROW, checker.NARROW + 1, 2**40]),
)  # fmt: skip
def test_narrow_intervals_hold_the_values_at_their_ends(
    x: Fraction, bits: int, name: str, width: int
) -> None:
    """Values and first derivatives; below `NARROW` one evaluation and a slope make the range."""
    with localcontext(prec=DIGITS):
        low = Interval.of(x / 6 if name == "gelu" else x, bits).lo
        value, first, _ = checker.enclosure(name, None, Interval(low, low + width, bits))
        h = Decimal(10) ** -60
        for place in (low, low + width // 3, low + width):
            t = exact(Fraction(place, 1 << bits))
            right = reference(name, t)
            assert exact(value.lower) <= right <= exact(value.upper)
            slope = (reference(name, t + h) - reference(name, t - h)) / (2 * h)
            jumps = name in ("elu", "softsign") and abs(t) <= h
            slack = 4 * h if jumps else 20 * h * h
            assert first is not None
            assert exact(first.lower) - slack <= slope <= exact(first.upper) + slack
        assert value.hi - value.lo < 4000 + 100 * width  # silu: z times the width of sigmoid


@settings(deadline=None, max_examples=60)
@given(st.lists(POINTS, min_size=1, max_size=4), BITS, st.integers(0, 2 * checker.NARROW))
def test_narrow_atoms_and_logarithms(ds: list[Fraction], bits: int, width: int) -> None:
    with localcontext(prec=DIGITS):
        lows = [Interval.of(d, bits).lo for d in ds]
        wide = [Interval(low, low + width, bits) for low in lows]
        share, logarithm = checker.atom(*wide), checker.log_one_plus_exp(*wide)
        for move in (0, width // 2, width):
            total = 1 + sum(exact(Fraction(low + move, 1 << bits)).exp() for low in lows)
            assert exact(share.lower) <= 1 / total <= exact(share.upper)
            assert exact(logarithm.lower) <= total.ln() <= exact(logarithm.upper)


@pytest.mark.parametrize("name", ["elu", "softsign"])
def test_jumps_are_covered(name: str) -> None:
    """A second derivative that jumps at 0 is enclosed on both sides."""
    second = checker.enclosure(name, None, Interval(0, 0, 128))[2]
    assert second.lower <= (-2 if name == "softsign" else 0)
    assert second.upper >= (2 if name == "softsign" else 1)


@pytest.mark.parametrize("x", [10**9, 10**300, 10**5])
@pytest.mark.parametrize("name", checker.SMOOTH)
def test_huge_arguments(name: str, x: int) -> None:
    for sign in (-1, 1):
        for r in checker.enclosure(name, None, Interval.of(sign * x, 128)):
            assert r.lo <= r.hi


@settings(deadline=None, max_examples=60)
@given(st.lists(POINTS, min_size=1, max_size=4), BITS)
def test_atoms_and_logarithms(ds: list[Fraction], bits: int) -> None:
    with localcontext(prec=DIGITS):
        total = 1 + sum(exact(d).exp() for d in ds)
        zs = [Interval.of(d, bits) for d in ds]
        holds(checker.atom(*zs), 1 / total, 64)
        holds(checker.log_one_plus_exp(*zs), total.ln(), 64)


def test_tiny_atoms() -> None:
    tiny = checker.atom(Interval.of(10**6, 128))
    assert tiny.lo == 0 < tiny.hi <= 2
    assert checker.sign(checker.soft_atom([Fraction(300)]), 512) == 1
    with pytest.raises(checker.Undecided):
        checker.sign(checker.soft_atom([Fraction(300)]), 128)


def test_constants() -> None:
    with localcontext(prec=DIGITS):
        for bits in (128, 1024):
            low, high = checker.root_two_pi(bits)
            assert low <= (2 * pi()).sqrt() * 2**bits <= high <= low + 8
            low, high = checker.log_two(bits)
            assert low <= Decimal(2).ln() * 2**bits <= high <= low + 8


RATIONALS = st.fractions(-1000, 1000, max_denominator=997)


@given(RATIONALS, RATIONALS, RATIONALS, RATIONALS)
def test_arithmetic_contains_the_exact_result(
    a: Fraction, b: Fraction, c: Fraction, d: Fraction
) -> None:
    rng = random.Random(0)
    (a, b), (c, d) = sorted((a, b)), sorted((c, d))
    x = checker.hull(Interval.of(a, 32), Interval.of(b, 32))
    y = checker.hull(Interval.of(c, 32), Interval.of(d, 32))
    for _ in range(4):
        s = a + (b - a) * Fraction(rng.randrange(101), 100)
        t = c + (d - c) * Fraction(rng.randrange(101), 100)
        for got, want in (
            (x + y, s + t), (x - y, s - t), (x * y, s * t), (-x, -s), (abs(x), abs(s)),
            (x.square(), s * s), (3 * x, 3 * s), (Fraction(1, 7) - x, Fraction(1, 7) - s),
        ):  # fmt: skip
            assert got.lower <= want <= got.upper
        if c > 0:
            assert (x / y).lower <= s / t <= (x / y).upper
    if c <= 0:
        with pytest.raises(checker.Undecided):
            x / checker.hull(y, Interval(0, 0, 32))


@given(st.lists(st.fractions(-5, 5, max_denominator=9), min_size=2, max_size=4))
def test_softmax_numbers(f: list[Fraction]) -> None:
    """They sum to one exactly, agree with floats, and know their zero."""
    one: Any = SimpleNamespace(loss="cross_entropy", ys=[[Fraction(0)]], weights=[Fraction(1)])
    p = checker.loss_slopes(one, 0, f)
    p[0] = p[0] + 1
    assert not sum(p) - 1
    weights = [math.exp(v) for v in f]
    for value, weight in zip(p, weights, strict=True):
        got = checker.interval(value, 128)
        assert abs(float(got.lower) - weight / sum(weights)) < 1e-12
        assert checker.sign(value, 128) == 1


def test_softmax_numbers_reduce() -> None:
    a, half = checker.soft({"3": "1", "-3": "1"}), checker.soft({"0": "2"})
    assert not a - 1 and not half - 1
    assert checker.sign(checker.soft({"1": "1", "1/1": "-1"}), 128) == 1
    assert not checker.soft({"2/4": "1", "1/2": "-1"})
    with pytest.raises(checker.Invalid):
        checker.soft_atom([Fraction(1)]) * checker.soft_atom([Fraction(2)])


@pytest.mark.parametrize(
    ("text", "value"),
    [("1/3", "1/3"), ("-13.5", "-27/2"), ("2e-3", "1/500"), ("+.5", "1/2"), ("5.", "5"), (7, "7")],
)
def test_problem_numbers(text: object, value: str) -> None:
    assert checker.problem_number(text) == Fraction(value)


@pytest.mark.parametrize(
    "junk",
    ["", ".", "e5", "1e", "1e99999", "1 ", "1/0", "1/-2", "+-1/3", "\u0663", "1_0", True, 0.5],
)
def test_bad_problem_numbers(junk: object) -> None:
    with pytest.raises(checker.Invalid):
        checker.problem_number(junk)


def test_long_numbers() -> None:
    assert checker.rational("1" + "0" * 9000) == 10**9000
    with pytest.raises(checker.Invalid):
        checker.rational("1" * 200_000)
