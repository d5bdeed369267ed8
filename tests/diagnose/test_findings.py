"""Each kind of finding appears where it must, and not on models that are well."""

import io
import json
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import spurious
from spurious.diagnose import KINDS, REMEDIES, Report


def data(n: int = 128, d: int = 6) -> tuple[Tensor, Tensor]:
    torch.manual_seed(11)
    x = torch.randn(n, d)
    return x, (x[:, 0] * x[:, 1] > 0).long()


def mlp(act: type[nn.Module] = nn.ReLU, depth: int = 2, width: int = 24) -> nn.Sequential:
    torch.manual_seed(5)
    modules: list[nn.Module] = []
    below = 6
    for _ in range(depth):
        modules += [nn.Linear(below, width), act()]
        below = width
    return nn.Sequential(*modules, nn.Linear(width, 2))


def dead() -> nn.Module:
    model = mlp()
    nn.init.constant_(model[2].bias, -30.0)
    return model


def half_dead() -> nn.Module:
    model = mlp()
    with torch.no_grad():
        model[0].bias[::2] = -30.0
    return model


def scaled(factor: float, act: type[nn.Module], depth: int) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        model = mlp(act, depth)
        with torch.no_grad():
            for p in model.parameters():
                p *= factor
        return model

    return make


def constant() -> nn.Module:
    model = mlp(nn.Tanh)
    for p in model.parameters():
        nn.init.constant_(p, 0.1)
    return model


def shifted() -> nn.Module:
    model = mlp()
    nn.init.normal_(model[2].weight, -0.5, 0.05)
    return model


def far_bends() -> nn.Module:
    model = mlp()
    nn.init.constant_(model[0].bias, 50.0)
    nn.init.constant_(model[2].bias, 500.0)
    return model


def near_zero() -> nn.Module:
    model = mlp(nn.Tanh, 3)
    with torch.no_grad():
        for p in model.parameters():
            p *= 1e-3
    return model


CASES: list[tuple[str, Callable[[], nn.Module], str | None]] = [
    ("dead_units", dead, "2"),
    ("dead_units", half_dead, "0"),
    ("constant_output", dead, None),
    ("saturation", scaled(100, nn.Tanh, 2), "0"),
    ("exploding_gradient", scaled(20, nn.ReLU, 4), None),
    ("vanishing_gradient", lambda: mlp(nn.Sigmoid, 8), "0"),
    ("duplicated_units", constant, "0"),
    ("shifted_initialisation", shifted, "2"),
    ("shared_regions", far_bends, None),
    ("saddle", near_zero, None),
]


@cache
def report_of(make: Callable[[], nn.Module]) -> Report:
    """Made once for all tests that read it."""
    return spurious.diagnose(make(), data(), nn.CrossEntropyLoss(), rehearse=False)


@pytest.mark.parametrize(("kind", "make", "layer"), CASES, ids=lambda v: getattr(v, "__name__", v))
def test_found(kind: str, make: Callable[[], nn.Module], layer: str | None) -> None:
    report = report_of(make)
    found = [f for f in report.problems if f.kind == kind]
    assert found, [f.kind for f in report.findings]
    assert layer is None or layer in [f.layer for f in found]
    assert all(f.kind in KINDS and set(f.remedies) <= set(REMEDIES) for f in report.findings)


def test_a_plateau_has_no_curvature() -> None:
    """Squared loss behind a sigmoid that is shut: gradient and Hessian are as good as 0."""
    x, y = data()
    model = nn.Sequential(*mlp(nn.Tanh)[:-1], nn.Linear(24, 1), nn.Sigmoid())
    nn.init.constant_(model[4].bias, -20.0)
    report = spurious.diagnose(model, (x, y[:, None].float()), nn.MSELoss(), rehearse=False)
    found = [f for f in report.problems if f.kind == "plateau"]
    assert found, [f.kind for f in report.findings]
    assert abs(found[0].evidence["relative_highest"]) < 1e-3
    assert abs(found[0].evidence["relative_lowest"]) < 1e-3
    assert "no better than that of the best constant" in found[0].explanation


def test_a_valley_to_infinity_levels_off() -> None:
    """Points at -1 and 1 that larger weights fit ever better, and more at 0 that none can fit."""
    x = torch.cat([torch.full((40, 1), -1.0), torch.ones(4, 1), torch.zeros(40, 1)])
    y = torch.cat([torch.zeros(40), torch.ones(4), torch.arange(40) % 2]).long()
    model = nn.Sequential(nn.Linear(1, 2, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[-3.0], [3.0]]))
    report = spurious.diagnose(model, (x, y), nn.CrossEntropyLoss(), rehearse=False)
    found = [f for f in report.problems if f.kind == "valley_to_infinity"]
    assert found, [f.kind for f in report.findings]
    evidence = found[0].evidence
    assert evidence["alignment_of_descent_with_growth"] == pytest.approx(1, abs=1e-6)
    # the 40 points at 0 keep log 2 each, whatever the weights
    assert evidence["loss_far_along_the_ray"] == pytest.approx(40 * np.log(2) / 84, rel=1e-6)


def test_no_valley_where_the_loss_falls_to_nothing() -> None:
    x = torch.cat([torch.full((40, 1), -1.0), torch.ones(40, 1)])
    model = nn.Sequential(nn.Linear(1, 2, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[-3.0], [3.0]]))
    report = spurious.diagnose(model, (x, (x[:, 0] > 0).long()), nn.CrossEntropyLoss())
    assert not report.problems


@pytest.mark.parametrize("act", [nn.ReLU, nn.Tanh, nn.GELU, nn.Sigmoid])
def test_healthy_at_the_start_and_after_training(act: type[nn.Module]) -> None:
    x, y = data()
    model = mlp(act)
    assert not spurious.diagnose(model, (x, y), nn.CrossEntropyLoss()).problems
    rule = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(150):
        rule.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        rule.step()
    report = spurious.diagnose(model, (x, y), nn.CrossEntropyLoss())
    assert report.measurements.landscape.loss < 0.2
    assert not report.problems


def test_evidence_of_dead_units_counts_the_units_and_the_points() -> None:
    found = spurious.diagnose(half_dead(), data(), nn.CrossEntropyLoss()).problems[0]
    assert found.evidence["units"] == 24 and found.evidence["points"] == 128
    assert found.evidence["dead"] >= 12
    assert set(range(0, 24, 2)) <= set(found.evidence["dead_units"])


def test_blind_points_cost_what_their_best_constant_costs() -> None:
    x = torch.tensor([[-2.0], [-1.0], [1.0], [2.0]])
    y = torch.tensor([[1.0], [3.0], [4.0], [6.0]])
    model = nn.Sequential(nn.Linear(1, 1), nn.ReLU(), nn.Linear(1, 1))
    with torch.no_grad():
        model[0].weight.fill_(1.0)
        model[0].bias.fill_(0.0)
    report = spurious.diagnose(model, (x, y), nn.MSELoss())
    found = next(f for f in report.findings if f.kind == "blind_spots")
    assert found.evidence["points"] == 2 and found.evidence["blind_points"] == [0, 1]
    # of 13, the squared deviations from the mean 3.5, the two blind points cannot avoid 2
    assert found.evidence["forced_loss_share"] == pytest.approx(2 / 13, rel=1e-6)


def test_a_proved_minimum_is_called_one() -> None:
    from spurious.diagnose import to_torch
    from spurious.problem.bundled import bundled

    problem = bundled("c5-d1")
    x = torch.tensor([[float(v) for v in row] for row in problem.data.x]).double()
    y = torch.tensor([[float(v) for v in row] for row in problem.data.y]).double()
    report = spurious.diagnose(to_torch(problem), (x, y), nn.MSELoss(), rehearse=False)
    assert report.verdict is not None and report.verdict.decision == "local_minimum"
    first = report.problems[0]
    assert first.kind == "local_minimum" and first.explanation.startswith("Proved")
    assert first.evidence["loss_sum"] == 18


def test_probability_of_a_dead_start() -> None:
    report = spurious.diagnose(dead(), data(), nn.CrossEntropyLoss())
    assert report.start is not None
    assert report.start.own > 0.9 * report.start.runs and report.start.default == 0


def test_not_finite_data_and_losses() -> None:
    x, y = data()
    model = mlp()
    with torch.no_grad():
        model[2].weight[0, 0] = float("inf")
    report = spurious.diagnose(model, (x, y), nn.CrossEntropyLoss())
    assert report.problems[0].kind == "not_finite" and report.problems[0].layer == "2"
    x[3, 2] = float("nan")
    report = spurious.diagnose(mlp(), (x, y), nn.CrossEntropyLoss())
    assert report.problems[0].evidence["where"] == "the inputs of point 3"
    assert json.dumps(report.to_dict(), allow_nan=False)
    assert "<svg" in report.to_html()


def test_output_forms() -> None:
    report = report_of(dead)
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["findings"][0]["kind"]
    page = report.to_html()
    assert page.count("<svg") == 2 and "src=" not in page and "dead units" in page.lower()
    from rich.console import Console

    console = Console(record=True, width=100, file=io.StringIO())
    console.print(report)
    assert "dead_units in 2" in console.export_text()


def test_remedies_help_a_dead_layer() -> None:
    asked = (dead(), data(), nn.CrossEntropyLoss())
    report = spurious.diagnose(*asked, rehearse=False)
    trials = report.try_remedies(*asked, 150, step_size=1e-2)
    nothing = trials[0]
    best = trials[1]
    assert nothing.after is not None and nothing.after > 0.6
    assert best.after is not None and best.after < 0.3
    helped = {t.remedy for t in trials if t.after is not None and t.after < 0.4}
    assert {"reinitialise_dead_units", "shift_biases", "redraw_weights"} <= helped
