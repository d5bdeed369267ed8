"""`spurious diagnose`: models, data and losses that are named in words."""

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from spurious.cli.app import app
from spurious.problem import Problem, problem

torch = pytest.importorskip("torch")
from spurious.diagnose import Conclusion, Outcome, write_onnx  # noqa: E402
from spurious.diagnose.exchange.named import data_named, model_named  # noqa: E402

SOURCE = """
import torch

def make():
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
    torch.nn.init.constant_(model[0].bias, -20.0)
    return model

def whole():
    x = torch.linspace(0, 1, 40).reshape(20, 2)
    return make(), (x, x.sum(1, keepdim=True)), torch.nn.MSELoss()

def wrong():
    return 7

def broken():
    raise ValueError("no such layer")
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend("")
    (tmp_path / "made.py").write_text(SOURCE)
    monkeypatch.delitem(sys.modules, "made", raising=False)
    x = np.linspace(0, 1, 40).reshape(20, 2)
    np.savez(tmp_path / "data.npz", x=x, y=x.sum(1, keepdims=True))
    rows = "\n".join(f"{a},{b},{a + b}" for a, b in x)
    (tmp_path / "data.csv").write_text(f"first,second,target\n{rows}\n")
    torch.save({"x": torch.tensor(x), "y": torch.tensor(x.sum(1))[:, None]}, tmp_path / "data.pt")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["diagnose", *arguments], catch_exceptions=False)


@pytest.mark.parametrize("data", ["data.npz", "data.csv", "data.pt"])
def test_data_from_a_file(data: str) -> None:
    model = torch.nn.Linear(2, 1)
    x, y = data_named(Path(data), model, "mse")
    assert (x.shape, y.shape, x.dtype, y.dtype) == ((20, 2), (20, 1), torch.float32, torch.float32)
    assert torch.allclose(x.sum(1, keepdim=True), y)


def test_targets_that_are_classes(folder: Path) -> None:
    (folder / "classes.csv").write_text("0.5,1\n0.25,0\n")
    _, y = data_named(Path("classes.csv"), torch.nn.Linear(1, 2), "cross_entropy")
    assert y.tolist() == [1, 0] and y.dtype == torch.int64


def test_a_function_that_brings_all(folder: Path) -> None:
    found = run("made:whole", "--points", "8", "--try", "5", "--out", "why.html", "--json")
    assert found.exit_code == 1
    told = json.loads(found.stdout)
    assert "dead_units" in [finding["kind"] for finding in told["findings"]]
    assert told["trials"][0]["remedy"] == "nothing"
    assert "<svg" in (folder / "why.html").read_text()


def test_an_exported_program(folder: Path) -> None:
    made = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.Tanh(), torch.nn.Linear(3, 1))
    program = torch.export.export(made, (torch.rand(4, 2),))
    torch.export.save(program, folder / "m.pt2")
    model, data, loss = model_named("m.pt2")
    x = torch.rand(4, 2)
    assert torch.equal(model(x), made(x))
    assert data is None and loss is None


def test_an_onnx_file(folder: Path) -> None:
    pytest.importorskip("onnx")
    made = problem([[0, 0]], [0], hidden=1, point=[([[2, -1]], [3]), ([[4]], [1])])
    assert isinstance(made, Problem) and made.point is not None
    write_onnx(made.network, made.point, folder / "m.onnx")
    model, _, _ = model_named("m.onnx")
    assert model(torch.tensor([[1.0, 1.0]]).double()).item() == 17


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("made:make",), "--data: missing, and made:make brings none"),
        (("made:make", "--data", "data.csv"), "--loss: missing"),
        (("made:make", "--data", "data.csv", "--loss", "mae"), "--loss: found mae, expected"),
        (("made:make", "--data", "data.json", "--loss", "mse"), "--data: found data.json"),
        (("made:make", "--data", "none.csv", "--loss", "mse"), "none.csv: expected inputs x"),
        (("made:nothing",), "made:nothing: cannot be imported"),
        (("made:wrong",), "found a int, expected a torch.nn.Module"),
        (("made:broken",), "made:broken: raised ValueError: no such layer"),
        (("made",), "made: found no colon"),
        (("weights.pt",), "weights.pt: found weights"),
        (("none.pt2", "--data", "data.csv", "--loss", "mse"), "none.pt2: cannot be read"),
    ],
)
def test_what_cannot_be_used_is_said_in_one_line(arguments: tuple[str, ...], message: str) -> None:
    found = run(*arguments)
    assert found.exit_code == 2
    assert message in found.stderr
    assert found.stderr.count("\n") == 1


def test_a_stuck_model_without_a_problem_is_not_called_sound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    package = importlib.import_module("spurious.diagnose")
    plain = package.diagnose

    def found(*args: object, **more: object) -> object:
        stuck = Conclusion(Outcome.STUCK, "It does not learn.")
        return replace(plain(*args, **more), findings=(), conclusion=stuck)

    monkeypatch.setattr(package, "diagnose", found)
    result = run("made:whole")
    assert result.exit_code == 3 and "It does not learn." in result.output
