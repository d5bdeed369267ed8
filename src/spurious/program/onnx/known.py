"""Operators that only move entries, and those of known integers: ONNX's own code runs them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from onnx import helper

from spurious.errors import InputError
from spurious.program.build import Handle
from spurious.program.onnx.node import Call, Value, value_of
from spurious.program.pool import Pool

MOVING: Final = frozenset(
    {
        *("Reshape", "Flatten", "Transpose", "Concat", "Slice", "Split", "Squeeze", "Unsqueeze"),
        *("Expand", "Tile", "Identity", "Gather", "GatherElements", "GatherND", "Where", "Pad"),
        *("Trilu", "DepthToSpace", "SpaceToDepth", "ScatterElements", "ScatterND"),
    }
)

SHAPES: Final = frozenset({"Shape", "Size"})
"""Operators that look at shapes alone."""

INTEGER: Final = frozenset(
    {
        *MOVING,
        *("Constant", "ConstantOfShape", "Range", "Add", "Sub", "Mul", "Div", "Mod", "Neg", "Abs"),
        *("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", "And", "Or", "Xor", "Not"),
        *("Max", "Min", "ReduceProd", "ReduceSum", "ReduceMax", "ReduceMin", "CumSum", "NonZero"),
        *("EyeLike", "OneHot", "Sign"),
    }
)
"""Operators that are exact on integers and booleans, or only state what they hold."""

COMPARISONS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "Equal": np.equal,
    "Greater": np.greater,
    "Less": np.less,
    "GreaterOrEqual": np.greater_equal,
    "LessOrEqual": np.less_equal,
}


def of_known(call: Call) -> list[Value]:
    """An operator of integers and booleans."""
    found = call.evaluated([_array(value) for value in call.inputs])
    return [value_of(call.builder, array) for array in found]


def _array(value: Value | None) -> Any:
    """Known integers as they are; of real numbers only the shape."""
    return np.zeros(value.shape) if isinstance(value, Handle) else value


def moved(call: Call) -> list[Value]:
    """An operator that moves entries: it moves their numbers.

    Raises:
        InputError: It adds or multiplies entries too.
    """
    if call.attribute("reduction") not in (None, "none"):
        raise InputError(f"reduction={call.attribute('reduction')}")
    pool = Pool(call.builder)
    numbers = [pool.numbers(v) if isinstance(v, Handle) else v for v in call.inputs]
    return [pool.take(found.astype(np.intp)) for found in call.evaluated(numbers)]


def compared(call: Call) -> Value:
    """A comparison of known real numbers.

    Raises:
        InputError: They depend on parameters.
    """
    left, right = (handle.known for handle in call.reals())
    if left is None or right is None:
        raise InputError("a comparison of values that depend on parameters")
    return np.asarray(COMPARISONS[call.node.op_type](left, right), dtype=np.bool_)


def cast(call: Call) -> Value:
    """A change of type: of real numbers none, unless they are known and become integers.

    Raises:
        InputError: Real numbers would be rounded.
    """
    value = call.inputs[0]
    kind = np.dtype(helper.tensor_dtype_to_np_dtype(call.attribute("to"))).kind
    if kind in "fV":
        return call.real(0)
    if not isinstance(value, Handle):
        return of_known(call)[0]
    if value.known is None or not (value.known == np.floor(value.known.astype(float))).all():
        raise InputError("real numbers that are made integers or booleans")
    return call.evaluated([value.known.astype(float)])[0]
