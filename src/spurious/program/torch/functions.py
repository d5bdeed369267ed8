"""Reading ATen's operators of one or two arrays, entry by entry, and products of matrices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final

from spurious.program.branches import maximum, minimum
from spurious.program.build import Handle
from spurious.program.function import Function
from spurious.program.functions import (
    ABS,
    COS,
    ELU,
    EXP,
    FUNCTIONS,
    LOG,
    RELU,
    SIGMOID,
    SILU,
    SIN,
    SOFTPLUS,
    SOFTSIGN,
    SQRT,
    TANH,
)
from spurious.program.layers import clipped
from spurious.program.operations import Add, Map

__all__ = ["BINARY", "UNARY", "elu", "matmul"]


def _applied(handle: Handle, function: Function) -> int | None:
    """The index of what a function was applied to, if the handle is its result."""
    operation = handle.builder.operations[handle.index]
    if isinstance(operation, Map) and operation.function is function:
        return operation.argument
    return None


def _mul(x: Handle, y: Handle) -> Handle:
    for gate, z in ((x, y), (y, x)):
        if _applied(gate, SIGMOID) == z.index:
            return z.map(SILU)
    return x * y


def _divide(x: Handle, y: Handle) -> Handle:
    """A quotient; x / (1 + |x|) is the softsign, which has no kink."""
    below = y.builder.operations[y.index]
    if isinstance(below, Add):
        for size, one in ((below.left, below.right), (below.right, below.left)):
            known = Handle(y.builder, one).known
            if (
                known is not None
                and (known == 1).all()
                and _applied(Handle(y.builder, size), ABS) == x.index
                and y.shape == x.shape
            ):
                return x.map(SOFTSIGN)
    return x * y.reciprocal()


def _log1p(x: Handle) -> Handle:
    exponent = _applied(x, EXP)
    return (x + 1).map(LOG) if exponent is None else Handle(x.builder, exponent).map(SOFTPLUS)


def elu(x: Handle, alpha: Fraction, scale: Fraction, input_scale: Fraction) -> Handle:
    """Scale times x above 0 and alpha (exp(input_scale x) - 1) below; input_scale > 0."""
    smooth = (x * input_scale).map(ELU) * alpha
    rest = 1 - alpha * input_scale
    return (smooth + x.map(RELU) * rest if rest else smooth) * scale


def _selu(x: Handle) -> Handle:
    alpha, scale = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
    return elu(x, Fraction(alpha), Fraction(scale), Fraction(1))


def _relu6(x: Handle) -> Handle:
    return clipped(x, x.builder.const(0), x.builder.const(6))


def _half_difference(x: Handle, sign: int) -> Handle:
    return (x.map(EXP) + (-x).map(EXP) * sign) * Fraction(1, 2)


def _log_of_base(base: int) -> Callable[[Handle], Handle]:
    return lambda x: x.map(LOG) * x.builder.const(base).map(LOG).reciprocal()


def _mapping(function: Function) -> Callable[[Handle], Handle]:
    return lambda x: x.map(function)


def matmul(x: Handle, y: Handle) -> Handle:
    """A product of matrices, batches of them, or vectors, as in NumPy."""
    left = x.reshape(1, *x.shape) if len(x.shape) == 1 else x
    right = y.reshape(*y.shape, 1) if len(y.shape) == 1 else y
    found = left @ right
    shape = list(found.shape)
    if len(y.shape) == 1:
        shape.pop(-1)
    if len(x.shape) == 1:
        shape.pop(len(shape) - 1 if len(y.shape) == 1 else len(shape) - 2)
    return found.reshape(*shape)


GENERAL: Final = frozenset({"elu", "gelu", "leaky_relu", "softplus"})
"""Those with more arguments in PyTorch: see `arithmetic_rules.py`."""

UNARY: Final[Mapping[str, Callable[[Handle], Handle]]] = {
    **{f.torch: _mapping(f) for f in FUNCTIONS.values() if f.torch and f.torch not in GENERAL},
    "neg": lambda x: -x,
    "positive": lambda x: x,
    "reciprocal": lambda x: x.reciprocal(),
    "rsqrt": lambda x: x.map(SQRT).reciprocal(),
    "square": lambda x: x * x,
    "log1p": _log1p,
    "expm1": lambda x: x.map(EXP) - 1,
    "exp2": lambda x: (x * x.builder.const(2).map(LOG)).map(EXP),
    "log2": _log_of_base(2),
    "log10": _log_of_base(10),
    "erfc": lambda x: 1 - x.map(FUNCTIONS["erf"]),
    "tan": lambda x: x.map(SIN) * x.map(COS).reciprocal(),
    "sinh": lambda x: _half_difference(x, -1),
    "cosh": lambda x: _half_difference(x, 1),
    "log_sigmoid": lambda x: -(-x).map(SOFTPLUS),
    "mish": lambda x: x * x.map(SOFTPLUS).map(TANH),
    "selu": _selu,
    "relu6": _relu6,
    "hardsigmoid": lambda x: _relu6(x + 3) * Fraction(1, 6),
    "hardswish": lambda x: x * _relu6(x + 3) * Fraction(1, 6),
}
"""By ATen's names."""

BINARY: Final[Mapping[str, Callable[[Handle, Handle], Handle]]] = {
    "mul": _mul,
    "multiply": _mul,
    "div": _divide,
    "maximum": maximum,
    "minimum": minimum,
    "logaddexp": lambda x, y: y + (x - y).map(SOFTPLUS),
    "matmul": matmul,
    "mm": matmul,
    "bmm": matmul,
    "mv": matmul,
    "dot": matmul,
}
"""By ATen's names."""
