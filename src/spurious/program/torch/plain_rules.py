"""ATen's operators of one or two arrays without further arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from spurious.program.branches import maximum, minimum
from spurious.program.build import Handle
from spurious.program.entrywise import COMPOSED, HARD, divided, hard_sigmoid, multiplied, selu
from spurious.program.function_kinds import Function
from spurious.program.functions import FUNCTIONS, LOG, SOFTPLUS
from spurious.program.layers import clipped, matmul


def _log_of_base(base: int) -> Callable[[Handle], Handle]:
    return lambda x: x.map(LOG) * x.builder.const(base).map(LOG).reciprocal()


def _mapping(function: Function) -> Callable[[Handle], Handle]:
    return lambda x: x.map(function)


GENERAL: Final = frozenset({"elu", "gelu", "leaky_relu", "softplus"})
"""Those with more arguments in PyTorch: see `arithmetic_rules.py`."""

UNARY: Final[Mapping[str, Callable[[Handle], Handle]]] = {
    **{f.torch: _mapping(f) for f in FUNCTIONS.values() if f.torch and f.torch not in GENERAL},
    **COMPOSED,
    "positive": lambda x: x,
    "reciprocal": lambda x: x.reciprocal(),
    "log2": _log_of_base(2),
    "log10": _log_of_base(10),
    "log_sigmoid": lambda x: -(-x).map(SOFTPLUS),
    "selu": lambda x: selu(x, 1.6732632423543772848170429916717, 1.0507009873554804934193349852946),
    "relu6": lambda x: clipped(x, x.builder.const(0), x.builder.const(6)),
    "hardsigmoid": lambda x: hard_sigmoid(x, *HARD),
    "hardswish": lambda x: x * hard_sigmoid(x, *HARD),
}
"""By ATen's names."""

BINARY: Final[Mapping[str, Callable[[Handle, Handle], Handle]]] = {
    "mul": multiplied,
    "multiply": multiplied,
    "div": divided,
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
