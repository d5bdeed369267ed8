"""Which remedies a finding offers, in which order, and the code that goes with it."""

import pytest
import torch
from tests.diagnose.plain_descent import inputs
from torch import nn

import spurious


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
