"""Problems to torch and back, and files of weights: the same numbers."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from spurious.diagnose import (
    from_torch,
    read_onnx,
    read_safetensors,
    to_torch,
    write_onnx,
    write_safetensors,
)
from spurious.errors import InputError
from spurious.problem import Loss

ACTIVATIONS = [
    nn.ReLU(), nn.LeakyReLU(0.2), nn.Sigmoid(), nn.Tanh(), nn.Softplus(), nn.Softsign(), nn.GELU(),
    nn.SiLU(), nn.ELU(),
]  # fmt: skip


def model_of(act: nn.Module) -> nn.Sequential:
    torch.manual_seed(4)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(3, 4), act, nn.Sequential(nn.Linear(4, 2), act), nn.Linear(2, 2)
    )


@pytest.mark.parametrize("act", ACTIVATIONS, ids=lambda a: type(a).__name__)
def test_there_and_back(act: nn.Module) -> None:
    model, x, y = model_of(act), torch.randn(5, 3), torch.tensor([0, 1, 1, 0, 1])
    problem = from_torch(model, x, y, nn.CrossEntropyLoss())
    assert problem.network.widths == (3, 4, 2, 2) and problem.loss is Loss.CROSS_ENTROPY
    back = to_torch(problem)
    assert torch.allclose(back(x.double()), model.double()(x.double()), rtol=1e-14)
    assert from_torch(back, x, y, Loss.CROSS_ENTROPY) == problem


def test_losses_and_labels() -> None:
    model, x = nn.Sequential(nn.Linear(2, 1)), torch.randn(3, 2)
    labels = torch.tensor([0.0, 1.0, 1.0])
    problem = from_torch(model, x, labels, nn.BCEWithLogitsLoss())
    assert problem.loss is Loss.LOGISTIC
    assert [row[0] for row in problem.data.y] == [-1, 1, 1]
    assert from_torch(model, x, labels, nn.functional.mse_loss).loss is Loss.SQUARED


@pytest.mark.parametrize(
    ("model", "loss", "message"),
    [
        (nn.Sequential(nn.Linear(2, 1), nn.ReLU()), nn.MSELoss(), "modules in another order"),
        (nn.Linear(2, 1, bias=False), nn.MSELoss(), "a Linear without bias"),
        (nn.Sequential(nn.Linear(2, 2), nn.Dropout(), nn.Linear(2, 1)), nn.MSELoss(), "a Dropout"),
        (nn.Linear(2, 1), nn.L1Loss(), "loss: found L1Loss"),
        (nn.Linear(2, 1), nn.BCEWithLogitsLoss(pos_weight=torch.ones(1)), "without weights"),
        (
            nn.Sequential(nn.Linear(2, 2), nn.ELU(2.0), nn.Linear(2, 1)), nn.MSELoss(),
            r"found ELU\(alpha=2.0\), expected 1.0",
        ),
    ],
)  # fmt: skip
def test_what_has_no_counterpart(model: nn.Module, loss: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_torch(model, torch.randn(3, 2), torch.zeros(3, 1), loss)


@pytest.mark.parametrize("act", ACTIVATIONS, ids=lambda a: type(a).__name__)
def test_files(act: nn.Module, tmp_path: Path) -> None:
    problem = from_torch(model_of(act), torch.randn(5, 3), torch.zeros(5, 2), nn.MSELoss())
    assert problem.point is not None
    tensors = tmp_path / "network.safetensors"
    write_safetensors(problem.network, problem.point, tensors)
    assert read_safetensors(tensors) == (problem.network, problem.point)
    graph = tmp_path / "network.onnx"
    if problem.network.activation == "silu":
        with pytest.raises(InputError, match="found silu"):
            write_onnx(problem.network, problem.point, graph)
        return
    write_onnx(problem.network, problem.point, graph)
    assert read_onnx(graph) == (problem.network, problem.point)
    import onnx
    from onnx.reference import ReferenceEvaluator

    onnx.checker.check_model(onnx.load(str(graph)))
    x = torch.randn(4, 3).double()
    if not isinstance(act, nn.GELU):  # the reference needs more than ours for it
        (found,) = ReferenceEvaluator(str(graph)).run(None, {"x": x.numpy()})
        assert torch.allclose(torch.from_numpy(found), to_torch(problem)(x), rtol=1e-6)


def test_a_state_dict_of_torch(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    model = nn.Sequential(nn.Linear(3, 4), nn.LeakyReLU(0.1), nn.Linear(4, 1))
    path = tmp_path / "state.safetensors"
    save_file({name: value.numpy() for name, value in model.state_dict().items()}, str(path))
    with pytest.raises(InputError, match="says nothing of the activation"):
        read_safetensors(path)
    network, point = read_safetensors(path, "leaky_relu", Fraction(1, 10))
    assert network.widths == (3, 4, 1)
    assert float(point.layers[0].weight[1][2]) == float(model[0].weight[1, 2].detach())


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "junk"
    path.write_bytes(b"junk")
    for read in (read_safetensors, read_onnx):
        with pytest.raises(InputError, match="cannot be read"):
            read(path)
        with pytest.raises(InputError, match="cannot be read"):
            read(tmp_path / "missing")
