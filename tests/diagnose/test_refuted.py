"""What `diagnose` once said wrongly, or did not say."""

import pytest
import torch
from torch import Tensor, nn

import spurious
from spurious.diagnose import Finding, Report


def of_kind(report: Report, kind: str) -> list[Finding]:
    return [found for found in report.findings if found.kind == kind]


def inputs(n: int = 64, d: int = 4) -> Tensor:
    torch.manual_seed(7)
    return torch.randn(n, d)


def test_the_number_of_the_clause_that_holds() -> None:
    torch.manual_seed(0)
    deep = [part for _ in range(5) for part in (nn.Linear(8, 8), nn.ReLU())]
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), *deep, nn.Linear(8, 1))
    with torch.no_grad():
        model[0].weight.mul_(1e6)
        model[0].bias.zero_()
        model[-1].weight.mul_(1e-3)
    x = inputs()
    report = spurious.diagnose(model, (x, x[:, :1]), nn.MSELoss(), rehearse=False)
    for found in of_kind(report, "exploding_gradient"):
        relative = found.evidence["relative_gradient"]
        assert ("thousandth of its size" in found.explanation) == (relative >= 1e3)


def test_no_finding_speaks_of_nan() -> None:
    x = inputs()
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    with torch.no_grad():
        model[0].bias.fill_(float("nan"))
    report = spurious.diagnose(model, (x, x[:, :1]), nn.MSELoss())
    assert not any("nan" in found.explanation for found in report.findings)


def test_no_escape_is_offered_where_parameters_are_frozen() -> None:
    x = inputs()
    model = nn.Sequential(nn.Linear(4, 64), nn.Tanh(), nn.Linear(64, 2))
    for p in model.parameters():
        nn.init.zeros_(p)
    model[0].requires_grad_(False)
    report = spurious.diagnose(model, (x, (x[:, 0] > 0).long()), nn.CrossEntropyLoss())
    for found in report.findings:
        assert "escape_direction" not in found.remedies
        assert "local minimum" not in found.explanation


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


def test_the_best_remedy_comes_first_and_the_hopeless_last() -> None:
    torch.manual_seed(0)
    x = inputs(128)
    y = (x[:, 0] > 0).long()
    model = nn.Sequential(nn.Linear(4, 16, bias=False), nn.ReLU(), nn.Linear(16, 2))
    with torch.no_grad():
        model[0].weight.copy_(-model[0].weight.abs())
    positive = x.abs() + 0.1
    report = spurious.diagnose(model, (positive, y), nn.CrossEntropyLoss())
    after = {t.remedy: t.after for t in report.trials}
    first = report.problems[0]
    tried = [after[name] for name in first.remedies if after.get(name) is not None]
    assert tried == sorted(tried) and len(tried) > 1
    assert [name for name in first.remedies if name in after and after[name] is None] == [
        name for name in first.remedies[len(tried) :] if name in after
    ]


def test_code_to_paste_runs() -> None:
    from spurious.diagnose.treat.mends import CODE

    for kind, text in CODE.items():
        compile(text, kind, "exec")
    x = inputs() * 1e5 + 1e6
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2))
    data = (x, (x[:, 0] > 1e6).long())
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(50):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(x), data[1]).backward()
        optimiser.step()
    report = spurious.diagnose(model, data, nn.CrossEntropyLoss(), optimiser=optimiser)
    found = next(f for f in report.problems if f.kind == "unscaled_inputs")
    namespace = {"x": x}
    exec(found.code, namespace)
    assert float(namespace["x"].std()) == pytest.approx(1, abs=0.1)


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


def test_no_remedy_is_offered_for_targets_that_say_nothing() -> None:
    """All labels are equal: other problems' remedies reach a lower loss, and mend nothing."""
    x = inputs()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    with torch.no_grad():
        model[0].bias.fill_(-30.0)
    labels = torch.zeros(64, dtype=torch.long)
    report = spurious.diagnose(model, (x, labels), nn.CrossEntropyLoss(), curvature=False)
    assert report.problems[0].kind == "one_class_targets"
    assert report.problems[0].remedies == () and report.trials == ()
