"""From the nodes of a graph to the operations of a program."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import onnx

from spurious.errors import InputError
from spurious.program.build import Builder, Handle
from spurious.program.onnx.files import DOMAINS
from spurious.program.onnx.known import (
    COMPARISONS,
    INTEGER,
    MOVING,
    SHAPES,
    cast,
    compared,
    moved,
    of_known,
)
from spurious.program.onnx.layer_rules import LAYERS
from spurious.program.onnx.node import Call, Value
from spurious.program.onnx.rules import RULES, Rule

COMPUTED: Final[Mapping[str, Rule]] = {
    **RULES,
    **LAYERS,
    **dict.fromkeys(COMPARISONS, compared),
    "Cast": cast,
}


@dataclass(eq=False)
class Reader:
    """Writes what a graph computes into a program.

    Attributes:
        builder: The program.
        known: The values so far, by name.
        opset: The version of ONNX's operators.
    """

    builder: Builder
    known: dict[str, Value]
    opset: int

    def read(self, nodes: Iterable[onnx.NodeProto]) -> None:
        """Reads nodes in the order of the graph.

        Raises:
            InputError: A node computes what no program can hold; the message says which.
        """
        for place, node in enumerate(nodes):
            try:
                results = self._results(node)
            except InputError as error:
                message = str(error)
                wanted = "" if ", expected " in message else ", expected what a program can hold"
                name = f" {node.name!r}" if node.name else ""
                raise InputError(
                    f"model: node {place}{name} ({node.op_type}): found {message}{wanted}"
                ) from None
            self.known |= dict(zip(node.output, results, strict=False))

    def _results(self, node: onnx.NodeProto) -> list[Value]:
        """The results that are read, fewer than the node has where some are none of numbers."""
        kind = node.op_type
        if node.domain not in DOMAINS:
            raise InputError(f"the operator {kind} of the domain {node.domain}")
        missing = [name for name in node.input if name and name not in self.known]
        if missing:
            raise InputError(f"the value {missing[0]!r}, which is not read")
        call = Call(self.builder, node, [self.known.get(name) for name in node.input], self.opset)
        real = any(isinstance(value, Handle) for value in call.inputs)
        if kind in SHAPES or (kind in INTEGER and not real):
            return of_known(call)
        if kind in MOVING:
            return moved(call)
        if kind in COMPUTED:
            return [COMPUTED[kind](call)]
        raise InputError(f"the operator {kind}")
