"""Programs read from PyTorch: values and gradients against autograd's, and what is refused."""

import copy
import sys
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import pytest

pytest.importorskip("torch")

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import spurious
from spurious.errors import InputError
from spurious.exact import balls
from spurious.program.arithmetic_balls import BallArithmetic
from spurious.program.arithmetic_numpy import NumpyArithmetic
from spurious.program.curvature import hessian
from spurious.program.evaluate import evaluator
from spurious.program.functions import SOFTSIGN
from spurious.program.operations import Const, Map
from spurious.program.program import Program
from spurious.program.torch.front_end import read as from_torch
from spurious.program.torch.reader import is_read
from tests.program.torch_models import CASES, Custom, dense, random

FLOATS, BALLS = NumpyArithmetic(), BallArithmetic()


def outputs(model: nn.Module, x: Any) -> Any:
    return model(**x) if isinstance(x, Mapping) else model(*(x if isinstance(x, tuple) else (x,)))


def flat(tensors: Any) -> np.ndarray:
    return np.concatenate([t.detach().double().numpy().ravel() for t in tensors])


def by_autograd(loss: Any, parameters: list[nn.Parameter]) -> np.ndarray:
    return flat(torch.autograd.grad(loss, parameters, materialize_grads=True))


@pytest.mark.parametrize("name", CASES)
def test_against_autograd(name: str) -> None:
    model, x, y, loss = CASES[name]()
    buffers = copy.deepcopy(dict(model.named_buffers()))
    program, point = from_torch(model, x, y, loss)
    assert all(torch.equal(buffer, buffers[key]) for key, buffer in model.named_buffers())
    parameters = list(model.parameters())
    assert [float(v) for v in point] == flat(parameters).tolist()
    evaluate = evaluator(program, FLOATS)
    rng = np.random.default_rng(1)
    for step in (0, 0.3):
        at = flat(parameters) + step * rng.normal(size=len(point))
        nn.utils.vector_to_parameters(torch.from_numpy(at), parameters)
        run = evaluate.run(at)
        value = loss(outputs(model, x), y)
        assert float(run.loss) == pytest.approx(value.item(), rel=1e-12)
        gradient = by_autograd(value, parameters)
        scale = max(np.abs(gradient).max(), 1e-3)
        np.testing.assert_allclose(run.gradient, gradient, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("name", ["gpt", "lstm", "transposed", "cross entropy, weights"])
def test_balls_enclose_the_value(name: str) -> None:
    model, x, y, loss = CASES[name]()
    program, point = from_torch(model, x, y, loss)
    with balls.precision(128):
        run = evaluator(program, BALLS).run(BALLS.constant(Const(point)))
        assert float(run.loss[()].rad()) < 1e-30
        assert float(run.loss[()]) == pytest.approx(loss(outputs(model, x), y).item(), rel=1e-12)


def test_hessian_against_autograd() -> None:
    model, x, y, loss = CASES["gpt"]()
    program, point = from_torch(model, x, y, loss)
    assert len(point) == 72
    names = list(dict(model.named_parameters()))
    shapes = [p.shape for p in model.parameters()]

    def value(at: Any) -> Any:
        parts = torch.split(at, [shape.numel() for shape in shapes])
        named = {n: p.view(s) for n, p, s in zip(names, parts, shapes, strict=True)}
        return loss(torch.func.functional_call(model, named, (x,)), y)

    at = torch.from_numpy(flat(model.parameters()))
    true = torch.autograd.functional.hessian(value, at).numpy()
    found = hessian(evaluator(program, FLOATS).run(FLOATS.constant(Const(point)), 2))
    np.testing.assert_allclose(found, true, atol=1e-10 * np.abs(true).max())


def value_of(program: Program, point: tuple[Fraction, ...]) -> float:
    return float(evaluator(program, FLOATS).run(np.array([float(v) for v in point])).loss)


def test_blocks_have_the_models_names() -> None:
    model, x, y, loss = CASES["tied words"]()
    program, _ = from_torch(model, x, y, loss)
    assert list(program.parameters) == ["words.weight", "inner.weight", "inner.bias"]


def test_what_writes_elsewhere_is_decomposed_first() -> None:
    """`is_read` says which graphs are read as they stand, and they have to be without that."""
    aten = torch.ops.aten
    assert is_read(aten.mul.Tensor) and is_read(aten.eq.Scalar)
    for written in (aten.mul.out, aten.mul_.Tensor, aten.batch_norm.default, aten.lstm.input):
        assert not is_read(written)


def test_the_outputs_are_found() -> None:
    model, x, y, loss = CASES["cross entropy"]()
    program, point = from_torch(model, x, y, loss)
    run = evaluator(program, FLOATS).run(np.array([float(v) for v in point]))
    np.testing.assert_allclose(run.outputs, model(x).detach().numpy(), rtol=1e-12)


def test_named_inputs_and_targets() -> None:
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(2, 1).double()

        def forward(self, left: Any, right: Any) -> dict[str, Any]:
            return {"sum": self.linear(left + right), "difference": self.linear(left - right)}

    def loss(z: dict[str, Any], y: dict[str, Any]) -> Any:
        return (z["sum"] - y["sum"]).square().sum() + z["difference"].mean()

    torch.manual_seed(0)
    model, x, y = Named(), {"right": random(3, 2), "left": random(3, 2)}, {"sum": random(3, 1)}
    program, point = from_torch(model, x, y, loss)
    assert value_of(program, point) == pytest.approx(loss(model(**x), y).item(), rel=1e-12)


def test_float32_numbers_are_exact() -> None:
    torch.manual_seed(0)
    model, x, y = nn.Linear(1, 1), torch.tensor([[0.1]]), torch.tensor([[0.7]])
    program, point = from_torch(model, x, y, nn.MSELoss())
    weight, bias = (Fraction(p.item()) for p in model.parameters())
    exact = (weight * Fraction(x.item()) + bias - Fraction(y.item())) ** 2
    assert value_of(program, point) == float(exact)


def test_softsign_has_no_kink() -> None:
    program, _ = from_torch(dense(nn.Softsign()).double(), random(2, 4), random(2, 3), F.mse_loss)
    functions = [op.function for op in program.operations if isinstance(op, Map)]
    assert functions == [SOFTSIGN]


def test_frozen_parameters_are_constants() -> None:
    torch.manual_seed(0)
    model, x, y = dense().double(), random(6, 4), random(6, 3)
    model[0].requires_grad_(False)
    program, point = from_torch(model, x, y, F.mse_loss, weight_decay=0.5)
    assert list(program.parameters) == ["2.weight", "2.bias"]
    decay = sum(p.square().sum() for p in model[2].parameters()) / 4
    expected = F.mse_loss(model(x), y) + decay
    assert value_of(program, point) == pytest.approx(expected.item(), rel=1e-12)


def test_parameters_of_the_loss_are_trained() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones((), dtype=torch.float64))

        def forward(self, z: Any, y: Any) -> Any:
            return ((z * self.scale - y) ** 2).mean()

    program, _ = from_torch(nn.Linear(4, 3).double(), random(6, 4), random(6, 3), Scaled())
    assert list(program.parameters) == ["weight", "bias", "loss.scale"]


@pytest.mark.parametrize("biases", [True, False])
def test_weight_decay_has_the_gradient_of_sgd(biases: bool) -> None:
    torch.manual_seed(0)
    model, x, y = dense().double(), random(6, 4), random(6, 3)
    program, point = from_torch(model, x, y, F.mse_loss, weight_decay=0.1, biases=biases)
    kinds = [[], []]
    for name, parameter in model.named_parameters():
        kinds[name.endswith("bias")].append(parameter)
    groups = [{"params": kinds[0], "weight_decay": 0.1}]
    groups.append({"params": kinds[1], "weight_decay": 0.1 if biases else 0.0})
    before = flat(model.parameters())
    optimiser = torch.optim.SGD(groups, lr=1.0)
    by_group, same = from_torch(model, x, y, F.mse_loss, optimiser=optimiser)
    F.mse_loss(model(x), y).backward()
    optimiser.step()
    for found in (program, by_group):
        run = evaluator(found, FLOATS).run(before)
        np.testing.assert_allclose(before - run.gradient, flat(model.parameters()), rtol=1e-12)
    assert same == point


def test_parameters_outside_of_the_optimiser_are_constants() -> None:
    model = dense().double()
    optimiser = torch.optim.Adam(model[2].parameters())
    program, _ = from_torch(model, random(6, 4), random(6, 3), F.mse_loss, optimiser=optimiser)
    assert list(program.parameters) == ["2.weight", "2.bias"]


class Mean(nn.Module):
    def forward(self, z: Any) -> Any:
        with torch.no_grad():
            mean = z.mean()
        return z - mean


def detached_in_place(z: Any) -> Any:
    found = torch.zeros_like(z)
    found[:, 1] = z[:, 0].detach()
    return found + z


REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "dropout": (nn.Dropout(0.5), r"function \(Dropout\).*dropout with p=0.5 in training, expected"),
    "noise": (lambda z: z + torch.randn(3), "the operator randn, which is random"),
    "sign": (torch.sign, r"torch_models.py:\d+: found the operator sign, expected an operator"),
    "step": (lambda z: (z > 0).double() * z, "a comparison of values that depend on parameters"),
    "jump": (lambda z: torch.where(z > 0, z, z - 1), "branches not known to meet there"),
    "equality": (lambda z: torch.where(z == 0, z, z - 1), "a test for equality of values"),
    "place": (lambda z: z.max(1)[1][:, None] * z, "the place of an extreme, which depends on"),
    "integers": (lambda z: z.long() + z, "values that depend on parameters as torch.int64"),
    "floor": (lambda z: z // 1, "a quotient rounded by 'floor'"),
    "infinity": (lambda z: z.masked_fill(z.new_ones(3) > 0, float("-inf")).exp(), "minus infinity"),
    "all hidden": (
        lambda z: z.masked_fill(z.new_ones(3) > 0, float("-inf")).softmax(1),
        "a softmax of nothing but minus infinity",
    ),
    "rounded": (lambda z: z * torch.asinh(torch.ones(3)), "the operator asinh of known numbers"),
    "branch": (lambda z: z if z.sum() > 0 else -z, "torch.export cannot trace it"),
    "no_grad": (Mean(), r"without its gradient \(detach or no_grad\), expected a loss whose"),
    "detach": (lambda z: z - z.detach().mean(), r"without its gradient \(detach or no_grad\)"),
    "detached in place": (detached_in_place, r"without its gradient \(detach or no_grad\)"),
    "order": (lambda z: z.sort(1)[0], "the operator sort"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    function, message = REFUSED[name]
    with pytest.raises(InputError, match=message) as caught:
        from_torch(Custom(function).double(), random(6, 4), random(6, 3), F.mse_loss)
    assert "\n" not in str(caught.value)


def test_a_detached_metric_is_no_matter() -> None:
    def loss(z: Any, y: Any) -> Any:
        (z.detach() - y).abs().max()
        return F.mse_loss(z, y)

    program, _ = from_torch(dense().double(), random(6, 4), random(6, 3), loss)
    assert program.parameter_count == 27


@pytest.mark.parametrize("looked_up", [True, False])
def test_a_row_without_gradient_is_refused(looked_up: bool) -> None:
    model = nn.Sequential(nn.Embedding(4, 3, padding_idx=0), nn.Linear(3, 3)).double()
    words = torch.tensor([int(not looked_up), 1, 2, 3])
    if not looked_up:
        assert from_torch(model, words, random(4, 3), F.mse_loss)[0].parameter_count == 24
        return
    with pytest.raises(InputError, match=r"row 0 \(padding_idx\) gets no gradient"):
        from_torch(model, words, random(4, 3), F.mse_loss)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_dropout_between_recurrent_layers_is_refused(kind: Any) -> None:
    """PyTorch's decomposition forgets it, so that it was once read as if there were none."""

    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = kind(1, 1, 2, dropout=0.5, batch_first=True)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.cell(x)[0][:, -1]

    model = Last().double()
    with pytest.raises(InputError, match=f"cell.*{kind.__name__}.*: found dropout 0.5 between"):
        from_torch(model, random(6, 3, 1), random(6, 1), F.mse_loss)
    program, _ = from_torch(model.eval(), random(6, 3, 1), random(6, 1), F.mse_loss)
    assert program.parameter_count == sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (nn.EmbeddingBag(4, 2), r"0 \(EmbeddingBag\).*: found the operator _embedding_bag"),
        (nn.Sequential(nn.Embedding(4, 2, max_norm=1.0), nn.Flatten()), "without its gradient"),
    ],
)
def test_embeddings_that_are_no_plain_tables_are_refused(layer: Any, message: str) -> None:
    outputs = 2 if isinstance(layer, nn.EmbeddingBag) else 4
    model = nn.Sequential(layer, nn.Linear(outputs, 1)).double()
    with pytest.raises(InputError, match=message) as caught:
        from_torch(model, torch.tensor([[0, 1], [2, 3]]), random(2, 1), F.mse_loss)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"loss": nn.MSELoss(reduction="none")}, r"shape \(6, 3\), expected one number; reduction"),
        ({"weight_decay": -1}, "weight_decay: found -1, expected a number of 0 or more"),
        ({"weight_decay": float("nan")}, "weight_decay: found nan"),
        ({"optimiser": torch.optim.AdamW}, "AdamW with decoupled weight_decay 0.01, which"),
        ({"optimiser": torch.optim.SGD, "weight_decay": 1}, "beside an optimiser"),
    ],
)
def test_wrong_arguments(arguments: dict[str, Any], message: str) -> None:
    model = dense().double()
    if "optimiser" in arguments:
        arguments = {**arguments, "optimiser": arguments["optimiser"](model.parameters())}
    given = {"loss": F.mse_loss, **arguments}
    with pytest.raises(InputError, match=message):
        from_torch(model, random(6, 4), random(6, 3), **given)


def test_nothing_to_train() -> None:
    with pytest.raises(InputError, match="found no trained parameter, expected at least 1"):
        from_torch(nn.Identity(), random(6, 4), random(6, 4), F.mse_loss)


def test_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"pip install 'spurious\[torch\]'"):
        spurious.from_torch(None, None, None, F.mse_loss)  # pyright: ignore[reportArgumentType]
