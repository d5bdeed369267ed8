"""Losses that say nothing, targets out of step, statistics that lag, and tensors nobody trains."""

from typing import Any

import torch
from torch import Tensor, nn

import spurious
from spurious.diagnose import Finding, TrainingWatch


def problems(model: nn.Module, data: Any, loss: Any, **more: Any) -> list[Finding]:
    more = {"curvature": False, "rehearse": False} | more
    return list(spurious.diagnose(model, data, loss, **more).problems)


def points(n: int = 160) -> tuple[Tensor, Tensor]:
    torch.manual_seed(3)
    x = torch.randn(n, 3)
    return x, x[:, :1] + 0.5 * x[:, 1:2]


def net(outputs: int, *last: nn.Module, inputs: int = 3) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(inputs, 16), nn.Tanh(), nn.Linear(16, outputs), *last)


def trained(model: nn.Module, x: Tensor, y: Tensor, steps: int = 60) -> torch.optim.Optimizer:
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(steps):
        rule.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        rule.step()
    return rule


def test_running_statistics_that_lag() -> None:
    x, y = points()
    for momentum, wrong in ((1e-4, True), (0.3, False)):
        model = nn.Sequential(
            nn.Linear(3, 16), nn.BatchNorm1d(16, momentum=momentum), nn.Tanh(), nn.Linear(16, 1)
        )
        rule = trained(model, 10 + 3 * x, y, 120)
        kinds = [f.kind for f in problems(model, (10 + 3 * x, y), nn.MSELoss(), optimiser=rule)]
        assert ("train_eval_gap" in kinds) is wrong


class Listed(nn.Module):
    def __init__(self, registered: bool) -> None:
        super().__init__()
        layers = [nn.Linear(3, 8), nn.Linear(8, 8)]
        self.layers = nn.ModuleList(layers) if registered else layers
        self.last = nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return self.last(x)


def test_layers_that_the_model_does_not_know() -> None:
    data = points()
    found = problems(Listed(False), data, nn.MSELoss())
    assert found[0].kind == "optimiser_misses_parameters"
    assert "plain list" in found[0].explanation and "(8, 3)" in found[0].explanation
    assert not problems(Listed(True), data, nn.MSELoss())


def test_a_graph_that_is_cut() -> None:
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.shift = net(1), nn.Parameter(torch.zeros(1))

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x).detach() + self.shift

    found = problems(Cut(), points(), nn.MSELoss())
    assert found[0].kind == "detached_loss"
    lost = ["inner.0.weight", "inner.0.bias", "inner.2.weight", "inner.2.bias"]
    assert found[0].evidence["parameters"] == lost


class Reader(nn.Module):
    def __init__(self, kind: type[nn.LSTM | nn.GRU], scale: float) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner = kind(3, 8, 2, batch_first=True)
        self.head = nn.Linear(8, 1)
        with torch.no_grad():
            for p in self.inner.parameters():
                p.mul_(scale)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(x)[0][:, -1])


def test_gates_that_are_shut() -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 6, 3)
    y = x[:, -1, :1]
    for kind in (nn.LSTM, nn.GRU):
        shut = problems(Reader(kind, 100.0), (x, y), nn.MSELoss())
        gates = [f for f in shut if f.kind == "saturation"]
        assert gates and "gate" in str(gates[0].layer)
        assert not problems(Reader(kind, 1.0), (x, y), nn.MSELoss())


def test_queries_that_look_at_one_key() -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 6, 8)

    class Looking(nn.Module):
        def __init__(self, scale: float) -> None:
            super().__init__()
            self.look = nn.MultiheadAttention(8, 2, batch_first=True)
            self.head = nn.Linear(8, 1)
            with torch.no_grad():
                self.look.in_proj_weight.mul_(scale)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.look(x, x, x)[0].mean(1))

    y = x[:, 0, :1]
    sharp = [f for f in problems(Looking(50.0), (x, y), nn.MSELoss()) if f.kind == "saturation"]
    assert sharp and sharp[0].layer == "look"
    assert not problems(Looking(1.0), (x, y), nn.MSELoss())


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


def test_a_loss_that_is_infinite_asks_for_no_longer_steps() -> None:
    torch.manual_seed(0)
    x = torch.randn(100, 6)
    y = x @ torch.randn(6, 1)
    model = nn.Linear(6, 1)
    rule = torch.optim.SGD(model.parameters(), 0.1)
    watch = TrainingWatch(model, console=False)
    for _ in range(250):
        rule.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        for p in model.parameters():
            assert p.grad is not None
            p.grad.neg_()
        rule.step()
        watch.step(loss)
    watch.close()
    asked = {"rehearse": True, "optimiser": rule, "watch": watch}
    kinds = [found.kind for found in problems(model, (x, y), nn.MSELoss(), **asked)]
    assert kinds[0] == "gradient_sign_flipped"
    assert "not_finite" in kinds
    assert "step_too_small" not in kinds
