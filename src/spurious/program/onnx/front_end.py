# pyright: basic
"""A model, its data and its loss, as an ONNX file holds them, as a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import numpy_helper

from spurious.errors import InputError
from spurious.program.build import Builder, Handle
from spurious.program.decay import uniform_decays, with_squares
from spurious.program.exact_array import exact_array, fractions
from spurious.program.losses import reduced_loss
from spurious.program.onnx.files import loaded, opset
from spurious.program.onnx.node import Value, value_of
from spurious.program.onnx.reader import Reader
from spurious.program.program import Program

STATISTICS = (3, 4)
"""The inputs of batch normalisation that hold running statistics."""


def read(
    model: str | Path | bytes | onnx.ModelProto,
    x: object,
    y: object,
    loss: str,
    reduction: str,
    weight_decay: float | Fraction,
    biases: bool,
    parameters: Sequence[str] | None,
) -> tuple[Program, tuple[Fraction, ...]]:
    """The program and the parameters, shape (P,), that `spurious.from_onnx` speaks of."""
    whole = loaded(model)
    graph = whole.graph
    tensors = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    names = _trained(graph, tensors) if parameters is None else _named(tensors, parameters)
    decays = uniform_decays(dict.fromkeys(names), weight_decay, biases)
    builder = Builder()
    blocks = {name: builder.param(name, tensors[name].shape) for name in names}
    start = [_start(tensors[name], name) for name in names]
    known: dict[str, Value] = {**blocks, **_inputs(builder, graph, tensors, x)}
    for name, array in tensors.items():
        if name not in known:
            known[name] = _numbers(builder, array, f"initialiser {name!r}")
    reader = Reader(builder, known, opset(whole))
    reader.read(graph.node)
    outputs = _outputs(graph, reader.known)
    total = reduced_loss(loss, outputs, y, reduction)
    halves = {name: decay / 2 for name, decay in decays.items()}
    program = builder.program(with_squares(total, blocks, halves), outputs)
    return program, tuple(value for part in start for value in part)


def _trained(graph: onnx.GraphProto, tensors: Mapping[str, npt.NDArray[Any]]) -> list[str]:
    """The initialisers that are taken for parameters.

    Raises:
        InputError: There are none, or one is a running statistic too.
    """
    used: set[str] = set()
    statistics: set[str] = set()
    for node in graph.node:
        for place, name in enumerate(node.input):
            fixed = node.op_type == "BatchNormalization" and place in STATISTICS
            (statistics if fixed else used).add(name)
    found = [n for n, a in tensors.items() if n in used and a.ndim and a.dtype.kind in "fV"]
    if not found:
        raise InputError("model: found no initialiser of floats that is used, expected at least 1")
    both = statistics.intersection(found)
    if both:
        raise InputError(
            f"initialiser {min(both)!r}: found a parameter that is a running statistic too, "
            "expected two initialisers, or the parameters by name"
        )
    return found


def _named(tensors: Mapping[str, npt.NDArray[Any]], parameters: Sequence[str]) -> list[str]:
    wanted = set(parameters)
    floats = [name for name, array in tensors.items() if array.dtype.kind in "fV"]
    unknown = sorted(wanted.difference(floats))
    if unknown or not wanted:
        found = repr(unknown[0]) if unknown else "none"
        raise InputError(
            f"parameters: found {found}, expected initialisers of floats: {', '.join(floats)}"
        )
    return [name for name in floats if name in wanted]


def _start(array: npt.NDArray[Any], name: str) -> list[Fraction]:
    try:
        return fractions(exact_array(array))
    except InputError as error:
        raise InputError(f"initialiser {name!r}: {str(error).removeprefix('const: ')}") from None


def _numbers(builder: Builder, array: npt.NDArray[Any], name: str) -> Value:
    try:
        return value_of(builder, array)
    except InputError as error:
        raise InputError(f"{name}: found {error}, expected finite numbers") from None


def _inputs(
    builder: Builder,
    graph: onnx.GraphProto,
    tensors: Mapping[str, npt.NDArray[Any]],
    x: object,
) -> dict[str, Value]:
    """The data, by the names of the graph's inputs."""
    wanted = [info for info in graph.input if info.name not in tensors]
    names = [info.name for info in wanted]
    given = x if isinstance(x, Mapping) else dict(zip(names, [x], strict=False))
    if sorted(given) != sorted(names) or (len(names) > 1 and not isinstance(x, Mapping)):
        raise InputError(
            f"x: found {', '.join(map(str, given)) or 'nothing'}, "
            f"expected a dictionary with the model's inputs {', '.join(names)}"
        )
    return {info.name: _input(builder, info, given[info.name]) for info in wanted}


def _input(builder: Builder, info: onnx.ValueInfoProto, data: object) -> Value:
    """An input's numbers: integers where the graph says so, else real numbers."""
    tensor = info.type.tensor_type
    numbers = np.asarray(data)
    expected = [dim.dim_value or None for dim in tensor.shape.dim]
    fits = len(expected) == numbers.ndim and all(
        size in (None, found) for size, found in zip(expected, numbers.shape, strict=True)
    )
    if tensor.HasField("shape") and not fits:
        sizes = ", ".join("any" if size is None else str(size) for size in expected)
        raise InputError(
            f"x: found the shape {numbers.shape} for {info.name}, expected ({sizes}), "
            "as the model says"
        )
    kind = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type)).kind
    if kind in "biu":
        if numbers.dtype.kind not in "biu":
            raise InputError(f"x: found {numbers.dtype} for {info.name}, expected integers")
        return numbers
    return builder.const(data)


def _outputs(graph: onnx.GraphProto, known: Mapping[str, Value]) -> Handle:
    """The one output, shape (n, K)."""
    if len(graph.output) != 1:
        names = ", ".join(info.name for info in graph.output)
        raise InputError(f"model: found the outputs {names}, expected one output")
    found = known.get(graph.output[0].name)
    if not isinstance(found, Handle) or not found.shape:
        raise InputError(
            f"model: found the output {graph.output[0].name!r} without real numbers for each "
            "data point, expected shape (n, K)"
        )
    return found if len(found.shape) == 2 else found.reshape(found.shape[0], -1)
