"""Programs of torch.export: their layers are seen, and copies of them are trained."""

from pathlib import Path

import torch
from torch import nn

import spurious
from spurious.diagnose.exchange.named import model_named


def model() -> nn.Module:
    torch.manual_seed(0)
    first = nn.Linear(2, 8)
    nn.init.constant_(first.bias, -10.0)
    return nn.Sequential(first, nn.ReLU(), nn.LayerNorm(8), nn.Linear(8, 1))


def test_layers_and_units_of_an_exported_program(tmp_path: Path) -> None:
    torch.manual_seed(1)
    x = torch.rand(64, 2)
    asked = (x, x.prod(1, keepdim=True)), nn.MSELoss()
    given = model()
    expected = spurious.diagnose(given, *asked, rehearse=False, curvature=False)
    batch = torch.export.Dim("batch")
    program = torch.export.export(given, (x,), dynamic_shapes=({0: batch},))
    torch.export.save(program, tmp_path / "model.pt2")
    loaded, _, _ = model_named(str(tmp_path / "model.pt2"))
    for same in (program, program.module(), loaded):
        found = spurious.diagnose(same, *asked, rehearse=False, curvature=False)
        for mine, theirs in zip(found.findings, expected.findings, strict=True):
            assert (mine.kind, mine.layer) == (theirs.kind, theirs.layer)
        assert [layer.name for layer in found.measurements.affine] == ["0", "3"]
    report = spurious.diagnose(loaded, *asked, curvature=False)
    assert report.problems[0].kind == "shifted_initialisation"
    trials = report.try_remedies(loaded, *asked, 20, only=("leaky_slope", "shift_biases"))
    assert all(trial.after is not None for trial in trials), [t.note for t in trials]


def test_the_end_of_an_exported_program() -> None:
    torch.manual_seed(1)
    x = torch.rand(64, 3)
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 1), nn.Softmax(dim=1))
    batch = torch.export.Dim("batch")
    program = torch.export.export(net, (x,), dynamic_shapes=({0: batch},))
    found = spurious.diagnose(
        program, (x, (x[:, :1] > 0.5).float()), nn.BCELoss(), curvature=False, rehearse=False
    )
    assert found.problems[0].kind == "softmax_over_one_unit"
