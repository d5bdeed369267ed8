"""Programs read from ONNX: values and gradients against ONNX's own code and PyTorch's exports."""

import copy
import io
import sys
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("onnx")

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from spurious import Decision, certify, from_onnx
from spurious.errors import InputError
from spurious.program.arithmetic_exact import ExactArithmetic
from spurious.program.arithmetic_numpy import NumpyArithmetic
from spurious.program.curvature import hessian
from spurious.program.evaluate import evaluator
from spurious.program.functions import FUNCTIONS
from spurious.program.operations import Map
from spurious_checker import check
from tests.program.onnx_models import CASES, NODE, Case, N, dense, draw, gemm, model_of

FLOATS = NumpyArithmetic()


def floats(point: Any) -> np.ndarray:
    return np.array([float(v) for v in point])


def moved_to(model: onnx.ModelProto, names: Any, at: np.ndarray) -> onnx.ModelProto:
    """The model with other parameters."""
    found, start = copy.deepcopy(model), 0
    for tensor in found.graph.initializer:
        if tensor.name in names:
            old = numpy_helper.to_array(tensor)
            new = at[start : start + old.size].reshape(old.shape)
            start += old.size
            tensor.CopyFrom(numpy_helper.from_array(new, tensor.name))
    assert start == len(at)
    return found


def reference_loss(case: Case, names: Any, at: np.ndarray) -> float:
    feeds = case.x if isinstance(case.x, dict) else {"x": case.x}
    (out,) = ReferenceEvaluator(moved_to(case.model, names, at)).run(None, feeds)
    out = out.reshape(N, -1)
    y = np.asarray(case.y)
    if case.loss == "squared":
        return float(((out - y) ** 2).sum())
    if case.loss == "hinge":
        return float(np.maximum(0, 1 - out * y[:, None]).sum())
    return float((np.log(np.exp(out).sum(1)) - out[np.arange(N), y]).sum())


@pytest.mark.parametrize("name", CASES)
def test_against_the_reference_implementation(name: str) -> None:
    case = CASES[name]()
    problem = from_onnx(case.model, case.x, case.y, case.loss)
    assert problem.point is not None
    names = list(problem.program.parameters)
    evaluate = evaluator(problem.program, FLOATS)
    generator = np.random.default_rng(3)
    rough = name in ("Erf", "Gelu", "gelu, tanh", "HardSwish")  # single precision in parts
    precision, h = (1e-6, 1e-2) if rough else (1e-12, 1e-5)
    for step in (0, 0.2):
        at = floats(problem.point) + step * generator.normal(size=len(problem.point))
        run = evaluate.run(at)
        assert float(run.loss) == pytest.approx(reference_loss(case, names, at), rel=precision)
        direction = generator.normal(size=len(at))
        ends = [reference_loss(case, names, at + s * h * direction) for s in (-1, 1)]
        slope = (ends[1] - ends[0]) / (2 * h)
        size = np.linalg.norm(run.gradient) * np.linalg.norm(direction)
        assert run.gradient @ direction == pytest.approx(slope, rel=1e-5, abs=(h * h + 1e-9) * size)


def test_softmax_of_old_versions_is_over_all_axes_from_one_on() -> None:
    """The definition of versions before 13, which the reference implementation has forgotten."""
    pairs, flat = np.array([N, 2, 2]), np.array([N, 4])
    case = dense(
        NODE("Reshape", ["z", "pairs"], ["cube"]),
        NODE("Softmax", ["cube"], ["shares"], axis=1),
        NODE("Reshape", ["shares", "flat"], ["h"]),
        weights={"pairs": pairs, "flat": flat},
        opset=12,
    )
    weights = {t.name: numpy_helper.to_array(t) for t in case.model.graph.initializer}
    powers = np.exp(case.x @ weights["w"] + weights["bias"])
    true = ((powers / powers.sum(1, keepdims=True) @ weights["v"] - case.y) ** 2).sum()
    problem = from_onnx(case.model, case.x, case.y)
    found = evaluator(problem.program, FLOATS).run(floats(problem.point)).loss
    assert float(found) == pytest.approx(true, rel=1e-12)


def test_own_forms_are_recognised() -> None:
    case = CASES["own silu and softsign"]()
    program = from_onnx(case.model, case.x, case.y).program
    functions = {op.function for op in program.operations if isinstance(op, Map)}
    assert functions == {FUNCTIONS["silu"], FUNCTIONS["softsign"]}


def exported(model: Any, x: Any) -> bytes:
    """A model of PyTorch by its exporter that needs no other package."""
    import torch

    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (x,), file, dynamo=False)
    return file.getvalue()


def torch_models() -> dict[str, Any]:
    from torch import nn

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
            self.norm = nn.LayerNorm(4)
            self.last = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1))

        def forward(self, x: Any) -> Any:
            mixed = self.norm(x + self.attention(x, x, x, need_weights=False)[0])
            return self.last(mixed).mean(1)

    convolution = nn.Sequential(
        nn.Conv1d(2, 3, 2), nn.ELU(), nn.AvgPool1d(2), nn.Flatten(), nn.Linear(3, 2)
    )
    layer = nn.Sequential(nn.Linear(4, 3), nn.LayerNorm(3), nn.SiLU(), nn.Linear(3, 2))
    batch = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Mish(), nn.Linear(3, 2))
    return {
        "dense": (nn.Sequential(nn.Linear(4, 3), nn.GELU(), nn.Linear(3, 2)), (N, 4)),
        "convolution": (convolution, (N, 2, 4)),
        "layer norm": (layer, (N, 4)),
        "batch norm, eval": (batch.eval(), (N, 4)),
        "attention": (Block(), (N, 3, 4)),
    }


@pytest.mark.parametrize(
    "name", ["dense", "convolution", "layer norm", "batch norm, eval", "attention"]
)
def test_pytorch_s_exports_against_autograd(name: str) -> None:
    torch = pytest.importorskip("torch")
    torch.manual_seed(4)
    model, shape = torch_models()[name]
    model = model.double()
    for values in (*model.parameters(), *model.buffers()):  # equal tensors would be exported as one
        if values.is_floating_point():
            values.data += 0.3 * torch.rand(values.shape, dtype=torch.float64)
    x = torch.randn(shape, dtype=torch.float64)
    out = model(x).reshape(N, -1)
    y = torch.randn(out.shape, dtype=torch.float64)
    problem = from_onnx(exported(model, x), x.numpy(), y.numpy())
    own = dict(model.named_parameters())
    loss = ((out - y) ** 2).sum()
    gradients = dict(zip(own, torch.autograd.grad(loss, list(own.values())), strict=True))
    run = evaluator(problem.program, FLOATS).run(floats(problem.point))
    assert float(run.loss) == pytest.approx(loss.item(), rel=1e-9)
    matched = 0
    for block, place in problem.program.parameters.items():
        if block in own:  # products with matrices are exported with the transposed matrix
            true = gradients[block].numpy().ravel()
            scale = 1e-9 * max(1.0, np.abs(true).max())
            np.testing.assert_allclose(run.gradient[place], true, rtol=0, atol=scale)
            matched += 1
    total = sum(float((g**2).sum()) for g in gradients.values())
    assert matched and float((run.gradient**2).sum()) == pytest.approx(total, rel=1e-9)


def test_floats_are_read_exactly() -> None:
    third = np.float32(1) / np.float32(3)
    weights = {"w": np.full((3, 1), third)}
    nodes = [NODE("MatMul", ["x", "w"], ["out"])]
    x = np.full((2, 3), Fraction(1, 7), dtype=object)
    problem = from_onnx(model_of(nodes, weights, {"x": (3,)}), x, [[0], [0]])
    assert problem.point == (Fraction(float(third)),) * 3
    exact = ExactArithmetic()
    run = evaluator(problem.program, exact).run(exact.array(list(problem.point)))
    found = Fraction(int(run.loss[()].p), int(run.loss[()].q))
    assert found == 2 * (3 * Fraction(1, 7) * Fraction(float(third))) ** 2


def test_weight_decay_mean_and_biases() -> None:
    case = dense(NODE("Tanh", ["z"], ["h"]))
    plain = from_onnx(case.model, case.x, case.y)
    at = floats(plain.point)
    value = float(evaluator(plain.program, FLOATS).run(at).loss)

    def loss(**settings: Any) -> float:
        problem = from_onnx(case.model, case.x, case.y, **settings)
        return float(evaluator(problem.program, FLOATS).run(at).loss)

    bias = plain.program.parameters["bias"]
    squares, own = (at**2).sum(), (at[bias] ** 2).sum()
    assert loss(reduction="mean") == pytest.approx(value / N)
    assert loss(weight_decay=0.25) == pytest.approx(value + squares / 8)
    assert loss(weight_decay=0.25, biases=False) == pytest.approx(value + (squares - own) / 8)


def test_parameters_can_be_named() -> None:
    case = dense(NODE("Tanh", ["z"], ["h"]))
    problem = from_onnx(case.model, case.x, case.y, parameters=["v", "bias"])
    assert list(problem.program.parameters) == ["bias", "v"]
    full = from_onnx(case.model, case.x, case.y)
    values = [
        float(evaluator(p.program, FLOATS).run(floats(p.point)).loss) for p in (problem, full)
    ]
    assert values[0] == pytest.approx(values[1], rel=1e-14)


def test_statistics_and_scalars_are_no_parameters() -> None:
    case = CASES["norms"]()
    program = from_onnx(case.model, case.x, case.y).program
    assert list(program.parameters) == ["w", "bias", "v", "scale", "shift", "s", "b"]
    case = CASES["own silu and softsign"]()
    assert "one" not in from_onnx(case.model, case.x, case.y).program.parameters


def test_a_minimum_of_a_file_is_proved_and_checked(tmp_path: Path) -> None:
    """Newton's method from the file's weights, then a proof at what is written back."""
    case = dense(NODE("Tanh", ["z"], ["h"]), outputs=1)
    settings = {"weight_decay": 0.5}
    problem = from_onnx(case.model, case.x, case.y, **settings)
    at, evaluate = floats(problem.point), evaluator(problem.program, FLOATS)
    for _ in range(400):
        run = evaluate.run(at, 2)
        values, vectors = np.linalg.eigh(hessian(run))
        at = at - vectors @ (vectors.T @ run.gradient / np.maximum(np.abs(values), 1e-2))
    file = tmp_path / "model.onnx"
    onnx.save(moved_to(case.model, problem.program.parameters, at), str(file))
    verdict = certify(from_onnx(file, case.x, case.y, **settings))
    assert verdict.decision is Decision.LOCAL_MINIMUM_NEARBY
    assert check(dict(verdict.certificate)).valid


def one(kind: str, *inputs: str, weights: Any = None, opset: int = 20, **attributes: Any) -> Case:
    node = NODE(kind, ["z", *inputs], ["h"], **attributes)
    return dense(node, weights=weights or {}, opset=opset)


REFUSED = {
    "unknown": (lambda: one("Round"), r"node 2 \(Round\): found the operator Round, expected"),
    "domain": (
        lambda: one("FusedThing", domain="com.vendor"),
        r"\(FusedThing\): found the operator FusedThing of the domain com.vendor",
    ),
    "argmax": (lambda: one("ArgMax", axis=1, keepdims=0), "found the operator ArgMax"),
    "rounded": (
        lambda: dense(
            NODE("Cast", ["z"], ["i"], to=TensorProto.INT64),
            NODE("Cast", ["i"], ["h"], to=TensorProto.DOUBLE),
        ),
        r"\(Cast\): found real numbers that are made integers",
    ),
    "compared": (
        lambda: dense(
            NODE("Greater", ["z", "bias"], ["c"]), NODE("Where", ["c", "z", "bias"], ["h"])
        ),
        r"\(Greater\): found a comparison of values that depend on parameters",
    ),
    "adding scatter": (
        lambda: one(
            "ScatterElements", "i", "z", weights={"i": np.zeros((N, 4), int)}, reduction="add"
        ),
        "found reduction=add",
    ),
    "ceil mode": (
        lambda: dense(
            NODE("Unsqueeze", ["z", "one"], ["u"]),
            NODE("MaxPool", ["u"], ["p"], kernel_shape=[3], strides=[2], ceil_mode=1),
            NODE("Squeeze", ["p", "one"], ["h"]),
            weights={"one": np.array([1]), "v": draw(2, 2)},
        ),
        "found ceil_mode=1",
    ),
    "infinite": (
        lambda: one("Add", "c", weights={"c": np.array(-np.inf)}),
        "initialiser 'c': found numbers that are infinite",
    ),
    "random": (
        lambda: dense(
            NODE("RandomNormal", [], ["r"], shape=[4], dtype=TensorProto.DOUBLE),
            NODE("Add", ["z", "r"], ["h"]),
        ),
        "found the operator RandomNormal",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_is_named_with_its_node(name: str) -> None:
    build, message = REFUSED[name]
    case = build()
    with pytest.raises(InputError, match=message) as caught:
        from_onnx(case.model, case.x, case.y)
    assert "\n" not in str(caught.value) and ", expected " in str(caught.value)


BAD = {
    "shape": ({"x": draw(N, 4)}, r"x: found the shape \(5, 4\) for x, expected \(any, 3\)"),
    "inputs": ({"x": {"a": draw(N, 3)}}, "x: found a, expected a dictionary with .* inputs x"),
    "targets": ({"y": draw(N, 3)}, r"y: found the shape \(5, 3\), expected \(5, 2\)"),
    "labels": ({"y": [0, 1, 2, 0, 1], "loss": "cross_entropy"}, "y: found 2, expected class num"),
    "half": ({"y": [0, 1, 0.5, 0, 1], "loss": "cross_entropy"}, "y: found 0.5, expected class"),
    "signs": ({"y": draw(N, 2), "loss": "logistic"}, "expected -1 or 1 for the loss logistic"),
    "loss": ({"loss": "mse"}, "loss: found 'mse', expected one of squared"),
    "reduction": ({"reduction": "none"}, "reduction: found 'none', expected sum or mean"),
    "decay": ({"weight_decay": -1}, "weight_decay: found -1, expected a number of 0 or more"),
    "parameters": ({"parameters": ["u"]}, "parameters: found 'u', expected initialisers .* w0, b0"),
    "no parameters": ({"parameters": []}, "parameters: found none, expected initialisers"),
    "no file": ({"model": "nowhere.onnx"}, "nowhere.onnx: cannot be read"),
    "no model": ({"model": b"hello"}, "model: cannot be read .* expected an ONNX model"),
    "empty": ({"model": b""}, "model: cannot be read"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit_is_refused_in_one_line(name: str) -> None:
    case = gemm()
    settings, message = BAD[name]
    with pytest.raises(InputError, match=message) as caught:
        from_onnx(**{"model": case.model, "x": case.x, "y": case.y, **settings})
    assert "\n" not in str(caught.value)


def test_an_invalid_graph_is_refused() -> None:
    model = gemm().model
    model.graph.node[0].input[0] = "nowhere"
    with pytest.raises(InputError, match="model: cannot be read"):
        from_onnx(model, draw(N, 3), draw(N, 2))


def test_statistics_that_are_a_parameter_too_are_refused() -> None:
    """PyTorch's older exporter writes equal tensors once: a scale and a variance of ones."""
    case = CASES["norms"]()
    norm = next(n for n in case.model.graph.node if n.op_type == "BatchNormalization")
    norm.input[4] = "s"
    with pytest.raises(InputError, match="'s': found a parameter that is a running statistic too"):
        from_onnx(case.model, case.x, case.y)
    problem = from_onnx(case.model, case.x, case.y, parameters=["w", "v"])
    assert list(problem.program.parameters) == ["w", "v"]


def test_two_outputs_are_refused() -> None:
    model = gemm().model
    model.graph.output.append(helper.make_tensor_value_info("h", TensorProto.DOUBLE, ["n", 4]))
    with pytest.raises(InputError, match="found the outputs out, h, expected one output"):
        from_onnx(model, draw(N, 3), draw(N, 2))


def test_without_onnx_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match=r"pip install 'spurious\[onnx\]'"):
        from_onnx("model.onnx", [[0]], [[0]])
