"""The table of functions: wide balls, differences of 60 digits, rationals, floats."""

import random
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from flint import arb, fmpq

from spurious.exact import balls
from spurious.exact.rationals import rational
from spurious.program.arithmetic_numpy import NAMESPACE
from spurious.program.faults import DomainError
from spurious.program.function_kinds import Smooth
from spurious.program.functions import FUNCTIONS, LOG, RECIPROCAL, SQRT, leaky_relu

SMOOTH = [function for function in FUNCTIONS.values() if isinstance(function, Smooth)]

TRUTH = {
    "exp": mpmath.exp,
    "log": mpmath.log,
    "reciprocal": lambda z: 1 / z,
    "sqrt": mpmath.sqrt,
    "tanh": mpmath.tanh,
    "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
    "softplus": lambda z: mpmath.log(1 + mpmath.exp(z)),
    "silu": lambda z: z / (1 + mpmath.exp(-z)),
    "mish": lambda z: z * mpmath.tanh(mpmath.log1p(mpmath.exp(z))),
    "erf": mpmath.erf,
    "gelu": lambda z: z * mpmath.ncdf(z),
    "softsign": lambda z: z / (1 + abs(z)),
    "elu": lambda z: z if z >= 0 else mpmath.expm1(z),
    "sin": mpmath.sin,
    "cos": mpmath.cos,
}


def true_jet(name: str, z: Fraction) -> tuple:
    """Value and central differences in 60 digits."""
    with mpmath.workdps(60):
        f, x, h = TRUTH[name], mpmath.mpf(z.numerator) / z.denominator, mpmath.mpf(10) ** -18
        up, here, down = f(x + h), f(x), f(x - h)
        return here, (up - down) / (2 * h), (up - 2 * here + down) / h**2


def number(value: mpmath.mpf) -> arb:
    return arb(mpmath.nstr(value, 50))


def draw(rng: random.Random, name: str) -> Fraction:
    z = Fraction(rng.randint(1, 5000), 1000)
    return z if name in ("log", "sqrt", "reciprocal") else z * rng.choice([-1, 1])


@pytest.mark.parametrize("function", SMOOTH, ids=str)
def test_balls_hold_the_truth(function: Smooth) -> None:
    assert set(TRUTH) == {f.name for f in SMOOTH}
    rng = random.Random(0)
    with balls.precision(160):
        for _ in range(20):
            z = draw(rng, function.name)
            for enclosed, true in zip(
                function.ball(arb(rational(z))), true_jet(function.name, z), strict=True
            ):
                assert float(enclosed.rad()) < 1e-30
                error = abs(float((enclosed - number(true)).mid()))
                assert error < 1e-14 * (1 + abs(float(true)))


@pytest.mark.parametrize("function", SMOOTH, ids=str)
@pytest.mark.parametrize("width", [1e-6, 0.05, 0.8, 6.0, 200.0])
def test_wide_balls_hold_what_is_inside(function: Smooth, width: float) -> None:
    rng = random.Random(1)
    with balls.precision(128):
        for _ in range(30):
            centre = draw(rng, function.name) * rng.choice([1, 10])
            ball = arb(rational(centre), width)
            try:
                wide = function.ball(ball)
            except DomainError:
                assert function in (LOG, SQRT, RECIPROCAL)
                continue
            for _ in range(10):
                inside = centre + Fraction(rng.uniform(-width, width))
                with balls.precision(256):
                    jet = function.ball(arb(rational(inside)))
                for outer, inner in zip(wide, jet, strict=True):
                    assert outer.contains(inner)


@pytest.mark.parametrize("name", ["exp", "tanh", "sigmoid", "softplus", "erf", "softsign", "elu"])
def test_wide_balls_of_increasing_functions_are_tight(name: str) -> None:
    function = FUNCTIONS[name]
    assert isinstance(function, Smooth)
    with balls.precision(128):
        wide = function.ball(arb(0, 40))[0]
        low, high = (function.ball(arb(end))[0] for end in (-40, 40))
        assert abs(float(wide.lower() - low)) < 1e-6 * float(high)
        assert abs(float(wide.upper() / high) - 1) < 1e-6


@pytest.mark.parametrize("name", ["softsign", "elu"])
def test_second_derivatives_on_both_sides_of_their_jump(name: str) -> None:
    function = FUNCTIONS[name]
    assert isinstance(function, Smooth) and function.bend is not None
    with balls.precision(128):
        hull = function.ball(arb(0))[2]
        for side, limit in zip((1, -1), function.bend, strict=True):
            near = function.ball(side * arb(10) ** -30)[2]
            assert abs(float(near) - limit) < 1e-25
            assert hull.contains(arb(rational(limit)))


@pytest.mark.parametrize("function", SMOOTH, ids=str)
def test_rationals_lie_in_balls(function: Smooth) -> None:
    rng = random.Random(2)
    found = 0
    with balls.precision(128):
        specials = [Fraction(0), Fraction(1), Fraction(9, 4)]
        for z in [*specials, *(draw(rng, function.name) for _ in range(5))]:
            try:
                exact = function.rational(rational(z))
            except DomainError:
                with pytest.raises(DomainError):
                    function.ball(arb(rational(z)))
                continue
            found += len(exact)
            for value, enclosed in zip(exact, function.ball(arb(rational(z))), strict=False):
                assert isinstance(value, fmpq)
                with balls.precision(512):
                    number = arb(value)
                assert enclosed.contains(number)
    assert found or function.name == "softplus"


@pytest.mark.parametrize("function", SMOOTH, ids=str)
def test_floats_are_near(function: Smooth) -> None:
    rng = random.Random(3)
    points = [draw(rng, function.name) * scale for scale in (1, 10) for _ in range(20)]
    jets = tuple(function.floats(NAMESPACE, np.array([float(z) for z in points])))
    with balls.precision(128):
        for i, z in enumerate(points):
            for array, ball in zip(jets, function.ball(arb(rational(z))), strict=True):
                assert array[i] == pytest.approx(float(ball), rel=1e-11, abs=1e-14)


@pytest.mark.parametrize("z", [-800.0, 800.0])
@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softplus", "silu", "gelu", "elu"])
def test_floats_do_not_overflow(name: str, z: float) -> None:
    function = FUNCTIONS[name]
    assert isinstance(function, Smooth)
    for array, ball in zip(
        function.floats(NAMESPACE, np.array([z])), function.ball(arb(z)), strict=True
    ):
        assert array[0] == pytest.approx(float(ball), abs=1e-12)


@pytest.mark.parametrize(
    ("function", "z"), [(LOG, 0), (LOG, -1), (SQRT, 0), (SQRT, -4), (RECIPROCAL, 0)], ids=str
)
def test_outside_of_the_domain(function: Smooth, z: int) -> None:
    for argument in (arb(z), arb(z, 0.5), arb(1, 1.5)):
        with pytest.raises(DomainError, match=f"^{function.name}: an argument"):
            function.ball(argument)
    with pytest.raises(DomainError, match=f"^{function.name}: an argument"):
        function.rational(fmpq(z))


def test_leaky_relus_are_values() -> None:
    assert leaky_relu(Fraction(1, 10)) == leaky_relu(Fraction(1, 10))
    assert leaky_relu(Fraction(1, 10)) != leaky_relu(Fraction(1, 5))
    assert leaky_relu(Fraction(1, 10)).kinked
    assert not leaky_relu(Fraction(1)).kinked
