# pyright: basic
"""One node of a graph with what flows into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator

from spurious.errors import InputError
from spurious.program.build import Builder, Handle

Value: TypeAlias = Handle | npt.NDArray[Any]
"""Real numbers are handles, known or not; arrays hold integers and booleans."""


def value_of(builder: Builder, numbers: npt.NDArray[Any]) -> Value:
    """Known numbers: floats of any precision as the exact numbers they are, others as arrays.

    Raises:
        InputError: They are no real numbers.
    """
    found = np.asarray(numbers)
    if found.dtype.kind in "biu":
        return found
    if found.dtype.kind not in "fV":  # bfloat16 has kind V
        raise InputError(f"values of type {found.dtype}")
    if not np.isfinite(found.astype(np.float64)).all():
        raise InputError("numbers that are infinite or none")
    return builder.const(found)


@dataclass(frozen=True, eq=False, slots=True)
class Call:
    """An operator about to be read.

    Attributes:
        builder: The program being written.
        node: The node.
        inputs: What flows in; None for optional inputs that are left out.
        opset: The version of the operators.
    """

    builder: Builder
    node: onnx.NodeProto
    inputs: Sequence[Value | None]
    opset: int

    def real(self, place: int) -> Handle:
        """An input of real numbers.

        Raises:
            InputError: It is left out.
        """
        value = self.maybe(place)
        if value is None:
            raise InputError(f"nothing as input {place}, expected numbers")
        return value

    def maybe(self, place: int) -> Handle | None:
        """An input of real numbers that may be left out."""
        value = self.inputs[place] if place < len(self.inputs) else None
        return self.builder.const(value) if isinstance(value, np.ndarray) else value

    def reals(self) -> list[Handle]:
        """All inputs, as real numbers."""
        return [self.real(place) for place in range(len(self.inputs))]

    def integers(self, place: int) -> list[int] | None:
        """A list of integers that may be left out.

        Raises:
            InputError: The input is none.
        """
        value = self.inputs[place] if place < len(self.inputs) else None
        if isinstance(value, Handle):
            raise InputError("real numbers in the place of integers")
        return None if value is None else [int(v) for v in value.ravel()]

    def attribute(self, name: str) -> Any:
        """An attribute, or its default in the operator's definition; None without either."""
        for given in self.node.attribute:
            if given.name == name:
                return _plain(helper.get_attribute_value(given))
        schema = onnx.defs.get_schema(self.node.op_type, self.opset)
        default = schema.attributes[name].default_value if name in schema.attributes else None
        if default is None or default.type == onnx.AttributeProto.UNDEFINED:
            return None
        return _plain(helper.get_attribute_value(default))

    def evaluated(self, arrays: Sequence[npt.NDArray[Any] | None]) -> list[npt.NDArray[Any]]:
        """The operator's results on other inputs, by ONNX's reference implementation.

        Raises:
            InputError: It cannot compute them.
        """
        feeds = dict(zip(self.node.input, arrays, strict=True))
        ends, outputs = (
            [helper.make_value_info(name, onnx.TypeProto()) for name in names if name]
            for names in (feeds, self.node.output)
        )
        graph = helper.make_graph([self.node], "node", ends, outputs)
        try:
            run = ReferenceEvaluator(graph, opsets={"": self.opset})
            found = run.run(None, {name: v for name, v in feeds.items() if v is not None})
        except Exception as error:  # whatever the implementation of the operator raises
            line = str(error).partition("\n")[0]
            raise InputError(f"inputs that do not fit ({type(error).__name__}: {line})") from None
        return [np.asarray(array) for array in found]


def _plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
