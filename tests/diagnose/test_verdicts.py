"""What is proved about the point itself, and when it is a problem."""

import pytest
import torch
from torch import Tensor, nn

import spurious


def xor(repeat: int = 1) -> tuple[Tensor, Tensor]:
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    order = torch.arange(4 * repeat) % 4
    if repeat > 1:
        order = torch.cat([order, torch.tensor([0, 0, 1])])
    return x[order], (x.sum(1, keepdim=True) == 1).float()[order]


@pytest.mark.parametrize("repeat", [1, 200])
@pytest.mark.parametrize("loss", [nn.BCELoss(), nn.MSELoss(), nn.L1Loss()])
def test_small_models_with_a_sigmoid_are_decided(loss: nn.Module, repeat: int) -> None:
    """At 0 the hidden units are equal and the outputs 1/2: critical for XOR, and no minimum."""
    model = nn.Sequential(nn.Linear(2, 2), nn.Sigmoid(), nn.Linear(2, 1), nn.Sigmoid())
    for p in model.parameters():
        nn.init.constant_(p, 0.25)
    report = spurious.diagnose(model, xor(repeat), loss, rehearse=False)
    assert report.verdict is not None, report.measurements.notes
    assert report.verdict.decision == "not_local_minimum"


def test_a_folded_loss_has_the_same_verdict() -> None:
    """Log-probabilities and their loss are the cross entropy of logits."""
    x, y = xor()
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2), nn.LogSoftmax(1))
    with torch.no_grad():
        model[0].weight.fill_(-1.0)
        model[0].bias.fill_(-1.0)
        model[2].weight.fill_(0.5)
        model[2].bias.zero_()
    report = spurious.diagnose(model, (x, y[:, 0].long()), nn.NLLLoss(), rehearse=False)
    bare = spurious.diagnose(model[:3], (x, y[:, 0].long()), nn.CrossEntropyLoss(), rehearse=False)
    assert report.verdict is not None and bare.verdict is not None
    assert report.verdict.decision == bare.verdict.decision == "local_minimum"
    assert "Proved" in next(f for f in report.findings if f.kind == "local_minimum").explanation


def test_a_proved_bad_minimum_is_one_however_low_its_loss() -> None:
    """Its loss is less than a tenth of the best constant's, and a better point is known."""
    from spurious.diagnose import to_torch
    from spurious.problem.bundled import bundled

    problem = bundled("c7-d3")
    rows = (problem.data.x, problem.data.y)
    x, y = (torch.tensor([[float(v) for v in row] for row in part]).double() for part in rows)
    report = spurious.diagnose(to_torch(problem), (x, y), nn.MSELoss(), rehearse=False)
    landscape = report.measurements.landscape
    assert landscape.loss < 0.1 * landscape.constant_loss
    assert report.problems[0].kind == "local_minimum"


def test_the_proof_is_about_the_loss_with_weight_decay() -> None:
    """At 0 the penalised loss has a proved minimum; without the penalty the point is none."""
    x = torch.tensor([[1.0], [-1.0]])
    y = torch.tensor([[0.1], [-0.1]])
    model = nn.Sequential(nn.Linear(1, 1), nn.Tanh(), nn.Linear(1, 1)).double()
    for p in model.parameters():
        nn.init.zeros_(p)
    data = (x.double(), y.double())
    decay = torch.optim.SGD(model.parameters(), 0.1, weight_decay=1.0)
    with_decay = spurious.diagnose(model, data, nn.MSELoss(), optimiser=decay, rehearse=False)
    assert with_decay.verdict is not None, with_decay.measurements.notes
    assert with_decay.verdict.decision == "local_minimum"
    assert any("weight decay 1" in f.explanation for f in with_decay.findings)
    plain = torch.optim.SGD(model.parameters(), 0.1)
    without = spurious.diagnose(model, data, nn.MSELoss(), optimiser=plain, rehearse=False)
    assert without.verdict is not None
    assert without.verdict.decision != "local_minimum"
    loose = torch.optim.AdamW(model.parameters(), 0.1, weight_decay=1.0)
    decoupled = spurious.diagnose(model, data, nn.MSELoss(), optimiser=loose, rehearse=False)
    assert decoupled.verdict is None
