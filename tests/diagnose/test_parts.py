"""Which part is at fault, where no single cause is seen; and words that nothing bears out."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import spurious
from spurious.diagnose import Report, TrainingWatch

MSE = nn.functional.mse_loss


def points(n: int = 256, columns: int = 4) -> tuple[Tensor, Tensor]:
    torch.manual_seed(4)
    x = torch.randn(n, columns)
    return x, torch.sin(2 * x[:, :1]) + x[:, 1:2]


def net(*last: nn.Module, columns: int = 4) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(columns, 32), nn.Tanh(), nn.Linear(32, 1), *last)


def trained(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor] = MSE,
    rate: float = 1e-2,
    steps: int = 300,
    rows: Callable[[int], Tensor] | None = None,
    spoil: Callable[[nn.Module], object] = lambda _: None,
    rule: Callable[..., torch.optim.Optimizer] = torch.optim.Adam,
) -> Report:
    optimiser = rule(model.parameters(), lr=rate)
    watch = TrainingWatch(model, console=False)
    for k in range(steps):
        at = torch.randperm(len(x))[:32] if rows is None else rows(k)
        optimiser.zero_grad()
        found = loss(model(x[at]), y[at])
        found.backward()
        spoil(model)
        optimiser.step()
        watch.step(found)
    watch.close()
    return spurious.diagnose(model, (x, y), loss, optimiser=optimiser, watch=watch)


def kinds(report: Report) -> list[str]:
    return [str(found.kind) for found in report.problems]


def test_a_loop_that_draws_few_points() -> None:
    x, y = points()
    report = trained(net(), x, 3 * y, rows=lambda _: torch.randint(0, 3, (32,)))
    assert report.problems[0].kind == "fault_in_loop"
    assert report.problems[0].remedies[0] == "textbook_loop"
    assert not trained(net(), x, 3 * y).problems


def test_a_loop_that_clips_gradients_to_nothing() -> None:
    def spoil(model: nn.Module) -> None:
        nn.utils.clip_grad_value_(model.parameters(), 1e-4)

    x, y = points()
    report = trained(net(), x, y, rate=0.05, spoil=spoil, rule=torch.optim.SGD)
    assert report.problems[0].kind == "step_too_small"  # what it does is seen, not only that
    assert report.problems[0].evidence["left_of_gradient"]
    assert report.problems[0].remedies[0] == "textbook_loop"
    assert "missing_zero_grad" not in kinds(report)


def test_too_few_steps_are_no_fault_of_the_loop() -> None:
    x, y = points()
    assert "fault_in_loop" not in kinds(trained(net(), x, y, steps=15))


class Pooled(nn.Module):
    """Reads the largest entry of each point, not where it is."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = net(columns=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.amax(1, keepdim=True))


def test_a_model_that_loses_what_the_inputs_say() -> None:
    torch.manual_seed(4)
    at = torch.randint(0, 12, (256,))
    x = torch.eye(12)[at] * (1 + 0.3 * torch.rand(256, 1))
    y = (at[:, None] * 1.7).sin() + 0.5 * x.amax(1, keepdim=True)
    assert kinds(trained(Pooled(), x, y))[0] in ("fault_in_model", "plateau", "worse_than_linear")
    assert not trained(net(columns=12), x, y).problems


def test_a_bound_that_no_rule_knows_shows_by_a_copy_without_it() -> None:
    """The loss takes one output of several, so that targets and outputs have no common shape."""

    def loss(f: Tensor, y: Tensor) -> Tensor:
        return MSE(f[:, 0] + 0 * f[:, 1], y[:, 0] - y[:, 2])

    torch.manual_seed(4)
    x = torch.randn(256, 4)
    y = torch.cat([3 * torch.sin(x[:, :1]) + 1, torch.randn(256, 1), torch.zeros(256, 1)], 1)
    for last, wrong in ((nn.Sigmoid(), True), (nn.Identity(), False)):
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 2), last)
        assert bool(trained(model, x, y, loss).problems) is wrong


def test_noise_is_no_plateau() -> None:
    """All copies and a linear map end at the same loss: what is left may be noise."""
    torch.manual_seed(4)
    x = torch.randn(512, 2)
    y = x[:, :1] + 3 * torch.randn(512, 1)
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    assert not trained(model, x, y, rate=3e-3, steps=800).problems


def test_parts_with_optimisers_of_their_own() -> None:
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.maker, self.judge = net(), nn.Linear(1, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.judge(self.maker(x))

    x, y = points()
    model = Pair()
    held = torch.optim.Adam(model.maker.parameters(), 1e-2)
    assert "optimiser_misses_parameters" not in kinds(
        spurious.diagnose(model, (x, y), MSE, optimiser=held)
    )
    crossing = torch.optim.Adam([model.maker[0].weight, *model.judge.parameters()], 1e-2)
    assert "optimiser_misses_parameters" in kinds(
        spurious.diagnose(model, (x, y), MSE, optimiser=crossing, rehearse=False)
    )


def test_targets_learnt_by_heart_belong_to_no_inputs() -> None:
    x, y = points(300)
    y = y[torch.randperm(300)]
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 1))
    report = trained(model, x, y, rate=5e-3, steps=600)
    assert report.problems[0].kind == "targets_shuffled"


def test_one_term_drowns_another() -> None:
    x, _ = points(400)

    def loss(f: Tensor, known: Tensor) -> Tensor:
        kind = nn.functional.cross_entropy(f[:, :2], known[:, 0].long())
        return kind + MSE(f[:, 2], known[:, 1])

    for size, wrong in ((5e3, True), (1.0, False)):
        torch.manual_seed(1)
        inner = [nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU()]
        model = nn.Sequential(*inner, nn.Linear(32, 3))
        both = torch.cat([(x[:, :1] * x[:, 1:2] > 0).float(), size * (4 + x[:, 2:3].sin())], 1)
        report = trained(model, x, both, loss, rate=5e-3, steps=500)
        assert ("unbalanced_loss_terms" in kinds(report)) is wrong
        if wrong:
            assert report.problems[0].remedies[0] == "balance_terms"


def bytes_of(wrapped: bool) -> Tensor:
    torch.manual_seed(4)
    raw = torch.randint(90, 160, (400, 3)).to(torch.uint8)
    raw[:, 2] = torch.randint(0, 256, (400,)).to(torch.uint8)
    return (raw - 128).float() / 128 if wrapped else (raw.float() - 128) / 128


@pytest.mark.parametrize("wrapped", [True, False])
def test_bytes_that_wrap(wrapped: bool) -> None:
    x, right = bytes_of(wrapped), bytes_of(False)
    y = 10 * right[:, :1] + 10 * right[:, 1:2]
    torch.manual_seed(1)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    report = trained(model, x, y, rate=1e-3, steps=60)
    assert ("inputs_wrapped" in kinds(report)) is wrapped


class Bent(nn.Module):
    """A function with its second derivative, (n, 2)."""

    def __init__(self, unit: nn.Module) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.inner = nn.Sequential(nn.Linear(1, 24), unit, nn.Linear(24, 1))

    def forward(self, x: Tensor) -> Tensor:
        with torch.enable_grad():
            at = x.detach().requires_grad_()
            u = self.inner(at)
            slope = torch.autograd.grad(u.sum(), at, create_graph=True)[0]
            bend = torch.autograd.grad(slope.sum(), at, create_graph=True)[0]
        return torch.cat([u, bend], 1)


@pytest.mark.parametrize("unit", [nn.ReLU(), nn.LeakyReLU(), nn.Tanh()])
def test_units_without_a_second_derivative(unit: nn.Module) -> None:
    x = torch.linspace(-1, 1, 61)[:, None]
    y = torch.cat([-9 * (3 * x).sin(), (x.abs() == 1).float()], 1)

    def loss(f: Tensor, known: Tensor) -> Tensor:
        inside = (f[:, 1] - known[:, 0]).pow(2).mean()
        return inside + (known[:, 1] * (f[:, 0] - x.new_tensor(0.1)).pow(2)).sum()

    report = trained(Bent(unit), x, y, loss, steps=60)
    assert ("no_second_derivative" in kinds(report)) is not isinstance(unit, nn.Tanh)


@pytest.mark.parametrize("blank", [0, 4])
def test_a_blank_that_is_a_label(blank: int) -> None:
    torch.manual_seed(1)
    x, labels = torch.randn(64, 12, 4), torch.randint(0, 4, (64, 3))
    loss = nn.CTCLoss(blank=blank)

    def aligned(f: Tensor, y: Tensor) -> Tensor:
        lengths = torch.full((len(y),), 12), torch.full((len(y),), 3)
        return loss(f.log_softmax(2).transpose(0, 1), y, *lengths)

    report = spurious.diagnose(nn.Linear(4, 5), (x, labels), aligned, rehearse=False)
    assert (kinds(report)[:1] == ["labels_outside_loss"]) is (blank == 0)


@pytest.mark.parametrize("batch_first", [True, False])
def test_points_taken_for_steps(batch_first: bool) -> None:
    class Reader(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(1)
            self.inner = nn.GRU(2, 12, batch_first=batch_first)
            self.head = nn.Linear(12, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.inner(x)[0][:, -1])

    torch.manual_seed(4)
    x = torch.randn(200, 6, 2)
    report = trained(Reader(), x, x[:, :, :1].sum(1), steps=150)
    assert (kinds(report)[:1] == ["wrong_axis"]) is not batch_first


def test_a_step_that_gets_part_of_the_way() -> None:
    x, _ = points()
    y = 0.4 * x[:, 1:2] + (2 * x[:, :1]).sin()
    torch.manual_seed(1)
    inner = [nn.Linear(4, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU()]
    model = nn.Sequential(*inner, nn.Linear(32, 1))
    report = trained(model, x, y, rate=1e-3, steps=500, rule=torch.optim.SGD)
    landscape = report.measurements.landscape
    assert landscape.constant_loss is not None
    assert 0.5 < landscape.loss / landscape.constant_loss < 0.9
    assert "step_too_small" in kinds(report)
