"""Small ONNX models with data, each with a name; weights in double precision."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

N = 5
OPSET = 20
NODE = helper.make_node


@dataclass(frozen=True)
class Case:
    """A model, the data it is read with, and the arguments of `from_onnx` beside them."""

    model: onnx.ModelProto
    x: Any
    y: Any
    loss: str = "squared"


def model_of(
    nodes: Sequence[onnx.NodeProto],
    weights: Mapping[str, Any],
    inputs: Mapping[str, tuple[Any, ...]],
    opset: int = OPSET,
    integers: Sequence[str] = (),
) -> onnx.ModelProto:
    ends = [
        helper.make_tensor_value_info(
            name, TensorProto.INT64 if name in integers else TensorProto.DOUBLE, ["n", *shape]
        )
        for name, shape in inputs.items()
    ]
    output = helper.make_tensor_value_info(nodes[-1].output[0], TensorProto.DOUBLE, ["n", "k"])
    stored = [numpy_helper.from_array(np.asarray(w), name) for name, w in weights.items()]
    graph = helper.make_graph(nodes, "graph", ends, [output], stored)
    versions = [helper.make_opsetid("", opset), helper.make_opsetid("com.vendor", 1)]
    return helper.make_model(graph, opset_imports=versions, ir_version=8 if opset < 18 else 10)


def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def draw(*shape: int) -> np.ndarray:
    return rng().normal(size=shape).round(3)


CASES: dict[str, Callable[[], Case]] = {}


def case(name: str) -> Callable[[Callable[[], Case]], Callable[[], Case]]:
    def register(build: Callable[[], Case]) -> Callable[[], Case]:
        CASES[name] = build
        return build

    return register


def dense(*middle: onnx.NodeProto, out: str = "h", outputs: int = 2, **settings: Any) -> Case:
    """x W + b, then some nodes from z to h, then h V."""
    nodes = [
        NODE("MatMul", ["x", "w"], ["product"]),
        NODE("Add", ["product", "bias"], ["z"]),
        *middle,
        NODE("MatMul", [out, "v"], ["out"]),
    ]
    generator = rng()
    weights = {
        "w": generator.normal(size=(3, 4)),
        "bias": generator.normal(size=4),
        "v": generator.normal(size=(4, outputs)),
        **settings.pop("weights", {}),
    }
    x, y = generator.normal(size=(N, 3)), generator.normal(size=(N, outputs))
    return Case(model_of(nodes, weights, {"x": (3,)}, **settings), x, y)


@case("gemm")
def gemm() -> Case:
    nodes = [
        NODE("Gemm", ["x", "w0", "b0"], ["z"], transB=1, alpha=0.5, beta=2.0),
        NODE("Tanh", ["z"], ["h"]),
        NODE("Gemm", ["h", "w1"], ["out"]),
    ]
    weights = {"w0": draw(4, 3), "b0": draw(4), "w1": draw(4, 2)}
    return Case(model_of(nodes, weights, {"x": (3,)}), draw(N, 3), draw(N, 2))


PLAIN = (
    *("Relu", "Tanh", "Sigmoid", "Softplus", "Softsign", "Erf", "Exp", "Sin", "Cos", "Abs", "Neg"),
    *("Gelu", "Elu", "LeakyRelu", "HardSwish", "HardSigmoid", "Selu", "Celu", "Identity", "Mish"),
)
for each in PLAIN:
    CASES[each] = lambda each=each: dense(NODE(each, ["z"], ["h"]))

ATTRIBUTES = {
    "gelu, tanh": NODE("Gelu", ["z"], ["h"], approximate="tanh"),
    "elu 0.5": NODE("Elu", ["z"], ["h"], alpha=0.5),
    "leaky relu 0.3": NODE("LeakyRelu", ["z"], ["h"], alpha=0.3),
    "celu 0.5": NODE("Celu", ["z"], ["h"], alpha=0.5),
    "softmax": NODE("Softmax", ["z"], ["h"], axis=1),
    "softmax of the data": NODE("Softmax", ["z"], ["h"], axis=0),
    "log softmax": NODE("LogSoftmax", ["z"], ["h"]),
}
for name, node in ATTRIBUTES.items():
    CASES[name] = lambda node=node: dense(node)


@case("own silu and softsign")
def own() -> Case:
    return dense(
        NODE("Sigmoid", ["z"], ["gate"]),
        NODE("Mul", ["z", "gate"], ["silu"]),
        NODE("Abs", ["z"], ["size"]),
        NODE("Add", ["size", "one"], ["below"]),
        NODE("Div", ["z", "below"], ["softsign"]),
        NODE("Sub", ["silu", "softsign"], ["h"]),
        weights={"one": np.array(1.0)},
    )


@case("powers")
def powers() -> Case:
    return dense(
        NODE("Pow", ["z", "three"], ["cube"]),
        NODE("Mul", ["z", "z"], ["square"]),
        NODE("Add", ["square", "one"], ["above"]),
        NODE("Sqrt", ["above"], ["root"]),
        NODE("Log", ["above"], ["log"]),
        NODE("Reciprocal", ["root"], ["inverse"]),
        NODE("Sum", ["cube", "root", "log", "inverse"], ["h"]),
        weights={"three": np.array(3), "one": np.array(1.0)},
    )


@case("extremes")
def extremes() -> Case:
    return dense(
        NODE("Max", ["z", "bias", "low"], ["larger"]),
        NODE("Clip", ["z", "low", ""], ["clipped"]),
        NODE("ReduceMax", ["z", "last"], ["top"]),
        NODE("Mean", ["larger", "clipped", "top"], ["h"]),
        weights={"low": np.array(-0.5), "last": np.array([1])},
    )


@case("prelu")
def prelu() -> Case:
    return dense(NODE("PRelu", ["z", "slope"], ["h"]), weights={"slope": draw(4)})


@case("reductions")
def reductions() -> Case:
    return dense(
        NODE("ReduceMean", ["z", "last"], ["mean"]),
        NODE("ReduceSum", ["z"], ["all"], keepdims=0),
        NODE("ReduceL2", ["z", "first"], ["norms"], keepdims=1),
        NODE("ReduceLogSumExp", ["z", "last"], ["log"]),
        NODE("ReduceSum", ["z"], ["same"], noop_with_empty_axes=1),
        NODE("Sum", ["mean", "all", "norms", "log", "same"], ["h"]),
        weights={"last": np.array([-1]), "first": np.array([0])},
    )


@case("reductions of version 12")
def old_reductions() -> Case:
    return dense(
        NODE("ReduceMean", ["z"], ["mean"], axes=[1], keepdims=1),
        NODE("Sub", ["z", "mean"], ["centred"]),
        NODE("Softmax", ["centred"], ["shares"]),
        NODE("Unsqueeze", ["shares"], ["more"], axes=[0]),
        NODE("Squeeze", ["more"], ["h"], axes=[0]),
        opset=12,
    )


@case("norms")
def norms() -> Case:
    return dense(
        NODE("LayerNormalization", ["z", "scale", "shift"], ["first"], epsilon=1e-3),
        NODE("BatchNormalization", ["first", "s", "b", "mean", "var"], ["h"]),
        weights={
            "scale": draw(4),
            "shift": draw(4),
            "s": draw(4),
            "b": draw(4) + 1,
            "mean": draw(4),
            "var": draw(4) ** 2 + 0.5,
        },
    )


@case("moving")
def moving() -> Case:
    return dense(
        NODE("Slice", ["z", "starts", "ends", "axes", "steps"], ["reversed"]),
        NODE("Gather", ["z", "order"], ["gathered"], axis=1),
        NODE("Split", ["gathered"], ["left", "right"], axis=1, num_outputs=2),
        NODE("Concat", ["right", "left"], ["swapped"], axis=-1),
        NODE("Where", ["mask", "reversed", "swapped"], ["mixed"]),
        NODE("Transpose", ["mixed"], ["turned"], perm=[1, 0]),
        NODE("Unsqueeze", ["turned", "zero"], ["more"]),
        NODE("Squeeze", ["more", "zero"], ["less"]),
        NODE("Transpose", ["less"], ["back"]),
        NODE("Pad", ["back", "pads", "fill"], ["padded"]),
        NODE("Slice", ["padded", "one", "five", "one"], ["cut"]),
        NODE("Sum", ["cut", "z"], ["h"]),
        weights={
            "starts": np.array([3]),
            "ends": np.array([-10]),
            "axes": np.array([1]),
            "steps": np.array([-1]),
            "order": np.array([2, 0, 3, 1]),
            "mask": np.array([True, False, False, True]),
            "zero": np.array([0]),
            "one": np.array([1]),
            "five": np.array([5]),
            "pads": np.array([0, 2, 0, 0]),
            "fill": np.array(0.75),
        },
    )


@case("computed shapes")
def shapes() -> Case:
    return dense(
        NODE("Shape", ["z"], ["shape"]),
        NODE("Gather", ["shape", "zero"], ["count"]),
        NODE("Constant", [], ["two"], value_ints=[2, -1]),
        NODE("Concat", ["count", "two"], ["target"], axis=0),
        NODE("Reshape", ["z", "target"], ["pairs"]),
        NODE("Flatten", ["pairs"], ["flat"]),
        NODE("Cast", ["count"], ["number"], to=TensorProto.DOUBLE),
        NODE("Sqrt", ["number"], ["root"]),
        NODE("Div", ["flat", "root"], ["h"]),
        weights={"zero": np.array([0])},
    )


@case("convolution")
def convolution() -> Case:
    nodes = [
        NODE("Conv", ["x", "k0", "b0"], ["z"], pads=[1, 0, 1, 1], strides=[2, 1], dilations=[1, 2]),
        NODE("Softplus", ["z"], ["h"]),
        NODE("AveragePool", ["h"], ["pooled"], kernel_shape=[2, 2], pads=[0, 1, 0, 0]),
        NODE("Conv", ["pooled", "k1"], ["more"], group=2, auto_pad="SAME_UPPER"),
        NODE("GlobalAveragePool", ["more"], ["mean"]),
        NODE("Flatten", ["mean"], ["out"]),
    ]
    weights = {"k0": draw(4, 2, 3, 2), "b0": draw(4), "k1": draw(2, 2, 2, 3)}
    return Case(model_of(nodes, weights, {"x": (2, 6, 5)}), draw(N, 2, 6, 5), draw(N, 2))


@case("convolution along a line")
def line() -> Case:
    nodes = [
        NODE("Conv", ["x", "k0"], ["z"], auto_pad="SAME_LOWER", strides=[2]),
        NODE("MaxPool", ["z"], ["pooled"], kernel_shape=[2], strides=[2]),
        NODE("InstanceNormalization", ["pooled", "s", "b"], ["h"]),
        NODE("Reshape", ["h", "shape"], ["out"]),
    ]
    weights = {"k0": draw(2, 1, 4), "s": draw(2), "b": draw(2), "shape": np.array([0, -1])}
    return Case(model_of(nodes, weights, {"x": (1, 9)}), draw(N, 1, 9), draw(N, 4))


@case("attention, cross entropy")
def attention() -> Case:
    nodes = [
        *(NODE("MatMul", ["x", name], [name + "x"]) for name in ("q", "k", "v")),
        NODE("Transpose", ["kx"], ["turned"], perm=[0, 2, 1]),
        NODE("MatMul", ["qx", "turned"], ["scores"]),
        NODE("Div", ["scores", "root"], ["scaled"]),
        NODE("Softmax", ["scaled"], ["shares"]),
        NODE("MatMul", ["shares", "vx"], ["mixed"]),
        NODE("ReduceMean", ["mixed", "tokens"], ["out"], keepdims=0),
    ]
    generator = rng()
    weights = {name: generator.normal(size=(2, 3)) for name in "qkv"}
    weights |= {"root": np.sqrt(3.0), "tokens": np.array([1])}
    x = generator.normal(size=(N, 4, 2))
    return Case(model_of(nodes, weights, {"x": (4, 2)}), x, np.arange(N) % 3, "cross_entropy")


@case("embedding, hinge")
def embedding() -> Case:
    nodes = [
        NODE("Gather", ["table", "words"], ["rows"]),
        NODE("ReduceSum", ["rows", "axis"], ["bag"], keepdims=0),
        NODE("Gemm", ["bag", "table"], ["first"], transB=1),
        NODE("MatMul", ["x", "v"], ["second"]),
        NODE("Add", ["first", "second"], ["sum"]),
        NODE("ReduceMean", ["sum", "axis"], ["out"]),
    ]
    weights = {"table": draw(4, 2), "v": draw(1, 4), "axis": np.array([1])}
    words = np.array([[0, 1], [2, 2], [3, 0], [1, 1], [0, 2]])
    model = model_of(nodes, weights, {"words": (2,), "x": (1,)}, integers=["words"])
    x = {"words": words, "x": draw(N, 1)}
    return Case(model, x, np.array([1, -1, 1, 1, -1]), "hinge")
