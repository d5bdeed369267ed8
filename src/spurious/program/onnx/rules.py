"""Reading ONNX's operators that compute: arithmetic, activations, reductions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import reduce
from math import pi, sqrt
from typing import Final, TypeAlias

from spurious.errors import InputError
from spurious.program.branches import maximum, minimum
from spurious.program.build import Handle
from spurious.program.entrywise import (
    COMPOSED,
    HARD,
    divided,
    elu,
    gelu,
    hard_sigmoid,
    multiplied,
    power,
    prelu,
    selu,
)
from spurious.program.function_kinds import Function
from spurious.program.functions import ABS, EXP, FUNCTIONS, LOG, SIGMOID, SILU, SQRT, leaky_relu
from spurious.program.layers import clipped, extreme, kept_sum, matmul, mean
from spurious.program.onnx.node import Call, Value

Rule: TypeAlias = Callable[[Call], Value]


def _mapping(function: Function) -> Rule:
    return lambda call: call.real(0).map(function)


def _unary(rule: Callable[[Handle], Handle]) -> Rule:
    return lambda call: rule(call.real(0))


def _folded(rule: Callable[[Handle, Handle], Handle]) -> Rule:
    """An operator of two inputs, or of any number of them."""
    return lambda call: reduce(rule, call.reals())


def _exact(call: Call, name: str) -> Fraction:
    return Fraction(call.attribute(name))


# activations


def _gelu(call: Call) -> Value:
    rough = call.attribute("approximate") == "tanh"
    return gelu(call.real(0), Fraction(sqrt(2 / pi)) if rough else None)


def _celu(call: Call) -> Value:
    steep = _exact(call, "alpha")
    return elu(call.real(0), steep, Fraction(1), 1 / steep)


def _swish(call: Call) -> Value:
    x, steep = call.real(0), _exact(call, "alpha")
    return x.map(SILU) if steep == 1 else x * (x * steep).map(SIGMOID)


def _clip(call: Call) -> Value:
    x = call.real(0)
    if call.opset >= 11:
        return clipped(x, call.maybe(1), call.maybe(2))
    return clipped(x, *(x.builder.const(_exact(call, name)) for name in ("min", "max")))


def _hard_swish(call: Call) -> Value:
    x = call.real(0)
    return x * hard_sigmoid(x, *HARD)


# reductions


def _axes(call: Call, x: Handle) -> list[int]:
    """The axes that a reduction is over, counted from 0: an input, or in older versions a name."""
    named = call.integers(1) or call.attribute("axes")
    if not named and call.attribute("noop_with_empty_axes"):
        return []
    return sorted(axis % len(x.shape) for axis in named or range(len(x.shape)))


def _reduction(rule: Callable[[Handle, list[int]], Handle]) -> Rule:
    """A reduction by a rule that keeps the axes with size 1."""

    def read(call: Call) -> Value:
        x = call.real(0)
        axes = _axes(call, x)
        found = rule(x, axes) if axes else x
        if call.attribute("keepdims"):
            return found
        return found.reshape(*(size for axis, size in enumerate(x.shape) if axis not in axes))

    return read


def _dropout(call: Call) -> Value:
    training = call.integers(2)
    if training and training[0]:
        raise InputError("dropout in training, expected a model exported for inference")
    return call.real(0)


RULES: Final[Mapping[str, Rule]] = {
    **{f.onnx: _mapping(f) for f in FUNCTIONS.values() if f.onnx},
    "Elu": lambda call: elu(call.real(0), _exact(call, "alpha"), Fraction(1), Fraction(1)),
    "Gelu": _gelu,
    "LeakyRelu": lambda call: call.real(0).map(leaky_relu(_exact(call, "alpha"))),
    "Celu": _celu,
    "Selu": lambda call: selu(call.real(0), call.attribute("alpha"), call.attribute("gamma")),
    "Swish": _swish,
    "HardSigmoid": lambda call: hard_sigmoid(
        call.real(0), _exact(call, "alpha"), _exact(call, "beta")
    ),
    "HardSwish": _hard_swish,
    "PRelu": lambda call: prelu(call.real(0), call.real(1)),
    "Clip": _clip,
    **{name: _unary(COMPOSED[name.lower()]) for name in ("Neg", "Tan", "Sinh", "Cosh")},
    "Add": _folded(lambda x, y: x + y),
    "Sum": _folded(lambda x, y: x + y),
    "Mean": lambda call: reduce(lambda x, y: x + y, call.reals()) * Fraction(1, len(call.inputs)),
    "Sub": _folded(lambda x, y: x - y),
    "Mul": _folded(multiplied),
    "Div": _folded(divided),
    "Pow": _folded(power),
    "Max": _folded(maximum),
    "Min": _folded(minimum),
    "MatMul": _folded(matmul),
    "ReduceSum": _reduction(kept_sum),
    "ReduceMean": _reduction(mean),
    "ReduceMax": _reduction(lambda x, axes: extreme(x, axes, 1)),
    "ReduceMin": _reduction(lambda x, axes: extreme(x, axes, -1)),
    "ReduceSumSquare": _reduction(lambda x, axes: kept_sum(x * x, axes)),
    "ReduceL1": _reduction(lambda x, axes: kept_sum(x.map(ABS), axes)),
    "ReduceL2": _reduction(lambda x, axes: kept_sum(x * x, axes).map(SQRT)),
    "ReduceLogSumExp": _reduction(lambda x, axes: kept_sum(x.map(EXP), axes).map(LOG)),
    "Dropout": _dropout,
}
"""By ONNX's names."""
