# pyright: basic
"""Dense networks in safetensors and ONNX files, without their data."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from spurious.errors import InputError
from spurious.late import require
from spurious.problem import ACTIVATIONS, Network, Point, point_from_arrays
from spurious.program import FUNCTIONS

ONNX_NAMES: Final = {
    "LeakyRelu": "leaky_relu",
    **{f.onnx: name for name in ACTIVATIONS if (f := FUNCTIONS.get(name)) and f.onnx},
}
"""Operators of ONNX that are activations here."""

OPSET: Final = 20
"""Version of the operators written; the first with Gelu, and later than every other."""


def write_safetensors(network: Network, point: Point, path: str | Path) -> None:
    """Writes weights under the names of a `torch.nn.Sequential`: "0.weight", "0.bias", "2.weight".

    The file's metadata hold the activation and its slope. Numbers are rounded to float64.

    Raises:
        InputError: safetensors is not installed, or the file cannot be written.
    """
    import numpy as np

    require("safetensors")
    from safetensors.numpy import save_file

    tensors: dict[str, Any] = {}
    for index, layer in enumerate(point.layers):
        tensors[f"{2 * index}.weight"] = np.array(layer.weight, dtype=np.float64)
        tensors[f"{2 * index}.bias"] = np.array(layer.bias, dtype=np.float64)
    notes = {"activation": network.activation}
    if network.slope is not None:
        notes["slope"] = str(network.slope)
    try:
        save_file(tensors, str(path), metadata=notes)
    except Exception as error:
        raise _unwritable(path, error) from None


def read_safetensors(
    path: str | Path, activation: str | None = None, slope: Fraction | None = None
) -> tuple[Network, Point]:
    """Reads the weights of a dense network, in the order of the numbers in their names.

    Args:
        path: The file. It must hold pairs "... .weight" of shape (out, in) and "... .bias", such as
            the state of a `torch.nn.Sequential` of Linear modules.
        activation: Between the layers; by default what the file's metadata say.
        slope: Of leaky_relu.

    Raises:
        InputError: safetensors is not installed, or the file is none of such a network.
    """
    require("safetensors")
    from safetensors import safe_open

    try:
        with safe_open(str(path), framework="pt") as file:
            notes = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except Exception as error:
        raise _unreadable(path, error) from None
    activation = activation or notes.get("activation")
    if activation is None:
        raise InputError(f"{path}: says nothing of the activation; pass activation='relu'")
    if slope is None and "slope" in notes:
        slope = Fraction(notes["slope"])
    names = sorted((key for key in tensors if key.endswith("weight")), key=_numbers)
    biases = [name.removesuffix("weight") + "bias" for name in names]
    rest = set(tensors) - set(names) - set(biases)
    missing = [name for name in biases if name not in tensors]
    wrong = [name for name in names if tensors[name].ndim != 2]
    if not names or rest or missing or wrong:
        odd = [*sorted(rest), *missing, *wrong]
        raise InputError(
            f"{path}: found {', '.join(odd[:3]) or 'no weights'}, expected one weight (out, in) "
            "and one bias for each layer of a dense network"
        )
    weights = [tensors[name].double().numpy() for name in names]
    return _assembled(
        path, weights, [tensors[b].double().numpy() for b in biases], activation, slope
    )


def write_onnx(network: Network, point: Point, path: str | Path) -> None:
    """Writes a dense network as Gemm nodes with activations between, in float64.

    Raises:
        InputError: onnx is not installed, the file cannot be written, or ONNX has no such
            activation as one operator (silu).
    """
    import numpy as np

    require("onnx", "onnx")
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    operators = {name: operator for operator, name in ONNX_NAMES.items()}
    if network.depth and network.activation not in (*operators, "identity"):
        raise InputError(
            f"network.activation: found {network.activation}, expected one of "
            f"{', '.join(operators)}"
        )
    nodes, values, name = [], [], "x"
    for index, layer in enumerate(point.layers):
        weight, bias = f"weight{index}", f"bias{index}"
        values.append(numpy_helper.from_array(np.array(layer.weight, dtype=np.float64), weight))
        values.append(numpy_helper.from_array(np.array(layer.bias, dtype=np.float64), bias))
        last = index == len(point.layers) - 1
        nodes.append(helper.make_node("Gemm", [name, weight, bias], [f"z{index}"], transB=1))
        name = f"z{index}"
        if not last and network.activation != "identity":
            extra: dict[str, Any] = {}
            if network.slope is not None:
                extra["alpha"] = float(network.slope)
            operator = operators[network.activation]
            nodes.append(helper.make_node(operator, [name], [f"h{index}"], **extra))
            name = f"h{index}"
    ends = [
        helper.make_tensor_value_info(label, TensorProto.DOUBLE, ["n", width])
        for label, width in (("x", network.inputs), (name, network.outputs))
    ]
    graph = helper.make_graph(nodes, "network", ends[:1], ends[1:], values)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    try:
        onnx.save(model, str(path))
    except OSError as error:
        raise _unwritable(path, error) from None


def read_onnx(path: str | Path) -> tuple[Network, Point]:
    """Reads a dense network: Gemm (or MatMul and Add) nodes with one kind of activation between.

    Identity, Flatten and Cast nodes are passed over, as `torch.onnx.export` writes them.

    Raises:
        InputError: onnx is not installed, or the file is none of such a network.
    """
    import numpy as np

    require("onnx", "onnx")
    import onnx
    from onnx import helper, numpy_helper

    try:
        graph = onnx.load(str(path)).graph
    except Exception as error:
        raise _unreadable(path, error) from None
    values = {v.name: numpy_helper.to_array(v).astype(np.float64) for v in graph.initializer}
    weights: list[Any] = []
    biases: list[Any] = []
    kinds: set[tuple[str, Fraction | None]] = set()
    below, pending = _input_of(graph, values), False
    for node in graph.node:
        kind = node.op_type
        settings = {a.name: helper.get_attribute_value(a) for a in node.attribute}
        constants = [values[i] for i in node.input if i in values]
        if below not in node.input or len(node.input) - len(constants) != 1:
            raise InputError(f"{path}: found a {kind} that is no link of a chain; expected one")
        if kind == "Gemm" and len(constants) == 2:
            weight, bias = constants
            weights.append(weight if settings.get("transB") else weight.T)
            weights[-1] = weights[-1] * settings.get("alpha", 1.0)
            biases.append(bias * settings.get("beta", 1.0))
        elif kind == "MatMul" and len(constants) == 1 and node.input[0] == below:
            weights.append(constants[0].T)
            biases.append(np.zeros(constants[0].shape[1]))
            pending = True
        elif kind == "Add" and len(constants) == 1 and pending:
            biases[-1] = np.broadcast_to(constants[0], biases[-1].shape)
            pending = False
        elif kind in ONNX_NAMES and weights:
            slope = None
            if kind == "LeakyRelu":
                slope = Fraction(str(np.float32(settings.get("alpha", 0.01))))  # as short as it was
            odd = settings.get("approximate", b"none") != b"none"
            odd |= kind == "Elu" and settings.get("alpha", 1.0) != 1.0
            if odd:
                raise InputError(
                    f"{path}: found a {kind} with unusual settings, expected a plain one"
                )
            kinds.add((ONNX_NAMES[kind], slope))
        elif kind not in ("Identity", "Flatten", "Cast"):
            raise InputError(
                f"{path}: found a {kind}, expected Gemm, MatMul, Add and one of "
                f"{', '.join(ONNX_NAMES)}"
            )
        below = node.output[0]
    if len(kinds) > 1 or not weights:
        raise InputError(f"{path}: found {len(kinds)} kinds of activation, expected one everywhere")
    activation, slope = kinds.pop() if kinds else ("identity", None)
    return _assembled(path, weights, biases, activation, slope)


def _input_of(graph: Any, values: dict[str, Any]) -> str:
    return next((i.name for i in graph.input if i.name not in values), "")


def _assembled(
    path: str | Path, weights: list[Any], biases: list[Any], activation: str, slope: Fraction | None
) -> tuple[Network, Point]:
    try:
        point = point_from_arrays(weights, biases)
        widths = (weights[0].shape[1], *(len(w) for w in weights))
        return Network(widths, activation, slope), point
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _numbers(name: str) -> list[tuple[int, str]]:
    """A key that sorts "10.weight" after "2.weight"."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in name.split(".")]


def _unreadable(path: str | Path, error: Exception) -> InputError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return InputError(f"{path}: cannot be read ({reason}), expected a file of weights")


def _unwritable(path: str | Path, error: Exception) -> InputError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return InputError(f"{path}: cannot be written ({reason}); choose another path")
