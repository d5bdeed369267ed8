"""The table of functions: to add one, write it here, and its name in no other place.

What trains networks (`train/activations.py`) and the checker have formulas of their own.

Each smooth function has three pieces: enclosures over a ball (F. Johansson, "Arb", 2017), exact
values at the rationals where these are rational, and floating point on whole arrays. The last
yields the value and the derivatives one after the other: what is not asked for costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import islice
from typing import Any

from flint import arb, fmpq

from spurious.exact.balls import sign
from spurious.program.faults import DomainError
from spurious.program.function_kinds import BallJet, Function, PiecewiseLinear, Smooth

Floats = Iterator[Any]

WIDE = 2.0**-8
"""Over balls with a larger radius, increasing functions are enclosed at the ends."""

ZERO, HALF, ONE = fmpq(0), fmpq(1, 2), fmpq(1)


def _increasing(function: Callable[[arb], arb], z: arb) -> arb:
    """An increasing function over a ball; the value at the middle suffers where balls are wide."""
    if float(z.rad()) < WIDE:
        return function(z)
    return function(z.lower()).union(function(z.upper()))


def _only_at(point: fmpq, *values: fmpq) -> Callable[[fmpq], tuple[fmpq, ...]]:
    """Rational values at one point alone."""
    return lambda z: values if z == point else ()


def _never(_: fmpq) -> tuple[fmpq, ...]:
    return ()


def _require_positive(name: str, z: arb | fmpq) -> None:
    if (sign(z) if isinstance(z, arb) else (z > 0) - (z < 0)) != 1:
        raise DomainError(f"{name}: an argument may not be positive: {z}")


# exp, log, reciprocal, sqrt


def _exp_ball(z: arb) -> BallJet:
    e = _increasing(arb.exp, z)
    return e, e, e


def _exp_floats(xp: Any, z: Any) -> Floats:
    e = xp.exp(z)
    yield from (e, e, e)


def _log_ball(z: arb) -> BallJet:
    _require_positive("log", z)
    first = 1 / z
    return _increasing(arb.log, z), first, -first * first


def _log_rational(z: fmpq) -> tuple[fmpq, ...]:
    _require_positive("log", z)
    return (ZERO, ONE, -ONE) if z == 1 else ()


def _log_floats(xp: Any, z: Any) -> Floats:
    yield xp.log(z)
    first = 1 / z
    yield from (first, -first * first)


def _reciprocal_ball(z: arb) -> BallJet:
    if not sign(z):
        raise DomainError(f"reciprocal: an argument may be zero: {z}")
    r = 1 / z
    first = -r * r
    return r, first, -2 * first * r


def _reciprocal_rational(z: fmpq) -> tuple[fmpq, ...]:
    if z == 0:
        raise DomainError("reciprocal: an argument is zero")
    r = 1 / z
    return r, -r * r, 2 * r * r * r


def _reciprocal_floats(_: Any, z: Any) -> Floats:
    r = 1 / z
    yield r
    first = -r * r
    yield first
    yield -2 * first * r


def _sqrt_ball(z: arb) -> BallJet:
    _require_positive("sqrt", z)
    r = _increasing(arb.sqrt, z)
    first = 1 / (2 * r)
    return r, first, -first / (2 * z)


def _sqrt_rational(z: fmpq) -> tuple[fmpq, ...]:
    _require_positive("sqrt", z)
    if not (z.p.is_square() and z.q.is_square()):
        return ()
    r = fmpq(z.p.isqrt(), z.q.isqrt())
    return r, 1 / (2 * r), -1 / (4 * r * z)


def _sqrt_floats(xp: Any, z: Any) -> Floats:
    r = xp.sqrt(z)
    yield r
    first = 0.5 / r
    yield first
    yield -0.5 * first / z


EXP = Smooth(
    "exp", _exp_ball, _only_at(ZERO, ONE, ONE, ONE), _exp_floats, torch="exp", jax="exp", onnx="Exp"
)
LOG = Smooth("log", _log_ball, _log_rational, _log_floats, torch="log", jax="log", onnx="Log")
RECIPROCAL = Smooth(
    "reciprocal",
    _reciprocal_ball,
    _reciprocal_rational,
    _reciprocal_floats,
    torch="reciprocal",
    onnx="Reciprocal",
)
SQRT = Smooth(
    "sqrt", _sqrt_ball, _sqrt_rational, _sqrt_floats, torch="sqrt", jax="sqrt", onnx="Sqrt"
)


# tanh, sigmoid, softplus, silu, mish


def _tanh_ball(z: arb) -> BallJet:
    t = _increasing(arb.tanh, z)
    first = (1 - t) * (1 + t)
    return t, first, -2 * t * first


def _tanh_floats(xp: Any, z: Any) -> Floats:
    t = xp.tanh(z)
    yield t
    first = 1 - t * t
    yield first
    yield -2 * t * first


def _sigmoid_value(z: arb) -> arb:
    return 1 / (1 + (-z).exp())


def _sigmoid_ball(z: arb) -> BallJet:
    s = _increasing(_sigmoid_value, z)
    first = s * (1 - s)
    return s, first, first * (1 - 2 * s)


def _sigmoid_floats(xp: Any, z: Any) -> Floats:
    s = xp.sigmoid(z)
    yield s
    first = s * xp.sigmoid(-z)
    yield first
    yield first * (1 - 2 * s)


def _softplus_value(z: arb) -> arb:
    return z.max(arb(0)) + (-abs(z)).exp().log1p()


def _softplus_ball(z: arb) -> BallJet:
    s, first, _ = _sigmoid_ball(z)
    return _increasing(_softplus_value, z), s, first


def _softplus_floats(xp: Any, z: Any) -> Floats:
    yield xp.logaddexp(0.0 * z, z)
    yield from islice(_sigmoid_floats(xp, z), 2)


def _silu_ball(z: arb) -> BallJet:
    s, first, second = _sigmoid_ball(z)
    return z * s, s + z * first, 2 * first + z * second


def _silu_floats(xp: Any, z: Any) -> Floats:
    sigmoid = _sigmoid_floats(xp, z)
    s = next(sigmoid)
    yield z * s
    first = next(sigmoid)
    yield s + z * first
    yield 2 * first + z * next(sigmoid)


def _mish_ball(z: arb) -> BallJet:
    """Z t with t = tanh(softplus z), t' = (1 - t^2) s, t'' = (1 - t^2)(s' - 2 t s^2), s sigmoid."""
    s, s_first, _ = _sigmoid_ball(z)
    t = _increasing(lambda place: _softplus_value(place).tanh(), z)
    rest = (1 - t) * (1 + t)
    first = rest * s
    return z * t, t + z * first, 2 * first + z * rest * (s_first - 2 * t * s * s)


def _mish_floats(xp: Any, z: Any) -> Floats:
    t = xp.tanh(xp.logaddexp(0.0 * z, z))
    yield z * t
    sigmoid = _sigmoid_floats(xp, z)
    s, rest = next(sigmoid), 1 - t * t
    first = rest * s
    yield t + z * first
    yield 2 * first + z * rest * (next(sigmoid) - 2 * t * s * s)


TANH = Smooth(
    "tanh",
    _tanh_ball,
    _only_at(ZERO, ZERO, ONE, ZERO),
    _tanh_floats,
    torch="tanh",
    jax="tanh",
    onnx="Tanh",
    activation=True,
)
SIGMOID = Smooth(
    "sigmoid",
    _sigmoid_ball,
    _only_at(ZERO, HALF, fmpq(1, 4), ZERO),
    _sigmoid_floats,
    torch="sigmoid",
    jax="logistic",
    onnx="Sigmoid",
    activation=True,
)
SOFTPLUS = Smooth(
    "softplus",
    _softplus_ball,
    _never,
    _softplus_floats,
    torch="softplus",
    onnx="Softplus",
    activation=True,
)
SILU = Smooth(
    "silu",
    _silu_ball,
    _only_at(ZERO, ZERO, HALF, HALF),
    _silu_floats,
    torch="silu",
    activation=True,
    gate=(SIGMOID,),
)
MISH = Smooth(
    "mish",
    _mish_ball,
    _only_at(ZERO, ZERO, fmpq(3, 5), fmpq(16, 25)),  # tanh(log 2) = 3/5
    _mish_floats,
    torch="mish",
    onnx="Mish",
    activation=True,
    gate=(SOFTPLUS, TANH),
)


# erf, gelu


def _erf_ball(z: arb) -> BallJet:
    first = (-z * z).exp() * 2 / arb.pi().sqrt()
    return _increasing(arb.erf, z), first, -2 * z * first


def _erf_floats(xp: Any, z: Any) -> Floats:
    yield xp.erf(z)
    first = xp.exp(-z * z) * (2 / xp.pi**0.5)
    yield first
    yield -2 * z * first


def _gelu_ball(z: arb) -> BallJet:
    root = arb(2).sqrt()
    share = _increasing(lambda t: (-t / root).erfc() / 2, z)
    density = (-z * z / 2).exp() / (2 * arb.pi()).sqrt()
    return z * share, share + z * density, density * (2 - z * z)


def _gelu_floats(xp: Any, z: Any) -> Floats:
    share = xp.erfc(-z * 0.5**0.5) / 2
    yield z * share
    density = xp.exp(-z * z / 2) / (2 * xp.pi) ** 0.5
    yield share + z * density
    yield density * (2 - z * z)


ERF = Smooth(
    "erf", _erf_ball, _only_at(ZERO, ZERO), _erf_floats, torch="erf", jax="erf", onnx="Erf"
)
GELU = Smooth(
    "gelu",
    _gelu_ball,
    _only_at(ZERO, ZERO, HALF),
    _gelu_floats,
    torch="gelu",
    onnx="Gelu",
    activation=True,
)


# softsign, elu: the second derivative jumps at 0


def _softsign_ball(z: arb) -> BallJet:
    below = 1 + abs(z)
    curvature = 2 / (below * below * below)
    side = sign(z)
    second = -side * curvature if side else (-curvature).union(curvature)
    value = _increasing(lambda t: t / (1 + abs(t)), z)
    return value, 1 / (below * below), second


def _softsign_rational(z: fmpq) -> tuple[fmpq, ...]:
    below = 1 + abs(z)
    jet = z / below, 1 / (below * below)
    return jet if z == 0 else (*jet, (-2 if z > 0 else 2) / (below * below * below))


def _softsign_floats(xp: Any, z: Any) -> Floats:
    below = 1 + abs(z)
    yield z / below
    first = 1 / (below * below)
    yield first
    yield -2 * xp.sign(z) * first / below


def _elu_ball(z: arb) -> BallJet:
    if sign(z) == 1:
        return z, arb(1), arb(0)
    below = z.min(arb(0))
    slope = _increasing(arb.exp, below)
    if sign(z) == -1:
        return _increasing(arb.expm1, below), slope, slope
    value = _increasing(lambda t: t.max(arb(0)) + t.min(arb(0)).expm1(), z)
    return value, slope, slope.union(arb(0))


def _elu_rational(z: fmpq) -> tuple[fmpq, ...]:
    if z > 0:
        return z, ONE, ZERO
    return (ZERO, ONE) if z == 0 else ()


def _elu_floats(xp: Any, z: Any) -> Floats:
    below = xp.minimum(z, 0.0)
    yield xp.maximum(z, 0.0) + xp.expm1(below)
    slope = xp.exp(below)
    yield slope
    yield xp.where(z < 0, slope, 0.0)


SOFTSIGN = Smooth(
    "softsign",
    _softsign_ball,
    _softsign_rational,
    _softsign_floats,
    bend=(Fraction(-2), Fraction(2)),
    onnx="Softsign",
    activation=True,
)
ELU = Smooth(
    "elu",
    _elu_ball,
    _elu_rational,
    _elu_floats,
    bend=(Fraction(0), Fraction(1)),
    torch="elu",
    onnx="Elu",
    activation=True,
)


# sin, cos


def _sin_ball(z: arb) -> BallJet:
    s, c = z.sin_cos()
    return s, c, -s


def _sin_floats(xp: Any, z: Any) -> Floats:
    s = xp.sin(z)
    yield s
    yield xp.cos(z)
    yield -s


def _cos_ball(z: arb) -> BallJet:
    s, c = z.sin_cos()
    return c, -s, -c


def _cos_floats(xp: Any, z: Any) -> Floats:
    c = xp.cos(z)
    yield c
    yield -xp.sin(z)
    yield -c


SIN = Smooth(
    "sin",
    _sin_ball,
    _only_at(ZERO, ZERO, ONE, ZERO),
    _sin_floats,
    torch="sin",
    jax="sin",
    onnx="Sin",
)
COS = Smooth(
    "cos",
    _cos_ball,
    _only_at(ZERO, ONE, ZERO, -ONE),
    _cos_floats,
    torch="cos",
    jax="cos",
    onnx="Cos",
)


# piecewise linear: the slopes say all

RELU = PiecewiseLinear("relu", Fraction(1), Fraction(0), torch="relu", onnx="Relu")
ABS = PiecewiseLinear("abs", Fraction(1), Fraction(-1), torch="abs", jax="abs", onnx="Abs")


def leaky_relu(slope: Fraction) -> PiecewiseLinear:
    """The leaky relu with an exact slope below 0."""
    return PiecewiseLinear("leaky_relu", Fraction(1), slope, torch="leaky_relu", onnx="LeakyRelu")


FUNCTIONS: Mapping[str, Function] = {
    function.name: function
    for function in (
        *(EXP, LOG, RECIPROCAL, SQRT, SIN, COS, ERF, RELU, ABS),
        *(SIGMOID, TANH, SOFTPLUS, SOFTSIGN, GELU, SILU, ELU, MISH),
    )
}
"""Every function by its name, without `leaky_relu`, which has a slope for each value."""

SMOOTH: Mapping[str, Smooth] = {
    name: function for name, function in FUNCTIONS.items() if isinstance(function, Smooth)
}
"""Those with a continuous first derivative."""

SMOOTH_ACTIVATIONS: tuple[str, ...] = tuple(name for name, f in SMOOTH.items() if f.activation)
"""Those that a network may have as its activation."""
