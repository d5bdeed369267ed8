"""The checker's own enclosures against ball arithmetic at 400 bits, narrow and wide."""

import random
from collections.abc import Callable
from fractions import Fraction

import pytest
from flint import arb, ctx, fmpq

from spurious.certify.activations import SMOOTH as REFERENCE
from spurious_checker import (
    SMOOTH,
    Interval,
    Invalid,
    exp_at,
    log_at,
    normal_at,
    normal_density,
    pi,
    share,
    sigmoid_at,
    softplus_at,
)


def exact(value: Fraction) -> arb:
    return arb(fmpq(value.numerator, value.denominator))


def holds(found: Interval, truth: arb) -> bool:
    """Whether the interval contains the true value (known to 400 bits)."""
    return bool(exact(found.lower) <= truth.upper()) and bool(truth.lower() <= exact(found.upper))


def tight(found: Interval, bits: int) -> bool:
    return found.upper - found.lower < max(1, abs(found.upper)) / Fraction(2) ** (bits - 40)


def random_numbers(seed: object, count: int, largest: int) -> list[Fraction]:
    rng = random.Random(str(seed))
    return [
        Fraction(rng.randint(-(10**9), 10**9), 10**9) * largest / 10 ** rng.randint(0, 3)
        if rng.random() < 0.9
        else Fraction(rng.choice([0, 1, -1, largest, -largest]))
        for _ in range(count)
    ]


AT_POINTS: dict[str, tuple[Callable[[Interval], Interval], Callable[[arb], arb], int]] = {
    "exp": (exp_at, lambda x: x.exp(), 60),
    "sigmoid": (sigmoid_at, lambda x: 1 / (1 + (-x).exp()), 200),
    "softplus": (softplus_at, lambda x: (1 + x.exp()).log(), 100),
    "normal": (normal_at, lambda x: (-x / arb(2).sqrt()).erfc() / 2, 40),
    "density": (normal_density, lambda x: (-x * x / 2).exp() / (2 * arb.pi()).sqrt(), 40),
}


@pytest.mark.parametrize("bits", [128, 256])
@pytest.mark.parametrize("name", AT_POINTS)
def test_functions_at_points(name: str, bits: int) -> None:
    ours, truth, largest = AT_POINTS[name]
    with ctx.workprec(400):
        for value in random_numbers(name, 60, largest):
            at = Interval.of(value, bits)
            low = Interval(at.lo, at.lo, bits)
            found = ours(low)
            assert holds(found, truth(exact(low.lower))), value
            assert tight(found, bits), value


@pytest.mark.parametrize("bits", [128, 256])
def test_logarithm_and_pi(bits: int) -> None:
    with ctx.workprec(400):
        assert holds(pi(bits), arb.pi())
        assert tight(pi(bits), bits)
        for value in random_numbers("log", 60, 10**6):
            at = Interval.of(abs(value) + Fraction(1, 10**9), bits)
            low = Interval(at.lo, at.lo, bits)
            assert holds(log_at(low), exact(low.lower).log())
            assert tight(log_at(low), bits)


@pytest.mark.parametrize("name", SMOOTH)
def test_activations_and_derivatives_over_intervals(name: str) -> None:
    rng = random.Random(name)
    with ctx.workprec(400):
        for middle in random_numbers(name, 40, 12):
            width = Fraction(10) ** rng.randint(-30, 0)
            low, high = Interval.of(middle - width, 128), Interval.of(middle + width, 128)
            jets = SMOOTH[name](low.hull(high))
            for _ in range(6):
                z = middle + width * Fraction(rng.randint(-1000, 1000), 1000)
                for found, truth in zip(jets, REFERENCE[name](exact(z)), strict=True):
                    assert holds(found, truth), (middle, width, z)


def test_interval_arithmetic_rounds_outward() -> None:
    rng = random.Random(0)
    for _ in range(500):
        a, b = (Fraction(rng.randint(-999, 999), rng.randint(1, 999)) for _ in range(2))
        x, y = Interval.of(a, 16), Interval.of(b, 16)
        for found, truth in (
            (x + y, a + b), (x - y, a - b), (x * y, a * b), (-x, -a), (x.square(), a * a),
            (x.size(), abs(a)), (x.times(-7), -7 * a), (x.hull(y), a), (x.hull(y), b),
        ):  # fmt: skip
            assert found.lower <= truth <= found.upper
        if x.sign():
            assert x.reciprocal().lower <= 1 / a <= x.reciprocal().upper


def test_shares_of_far_apart_outputs() -> None:
    far = [Interval.of(Fraction(v), 128) for v in (0, 5000, -5000)]
    assert share(far) == Interval(0, 1, 128)
    whole = share([Interval.of(Fraction(0), 128)])
    assert whole.lower <= 1 <= whole.upper


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(Invalid, match="too large"):
        exp_at(Interval.of(Fraction(10**6), 128))
    with pytest.raises(Invalid, match="around zero"):
        Interval(-1, 1, 128).reciprocal()
