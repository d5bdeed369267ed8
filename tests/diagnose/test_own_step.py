"""The user's own step, called on copies: what it does otherwise than a textbook's."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.diagnose.parity import data, net
from torch import Tensor, nn

import spurious
from spurious import InputError
from spurious.diagnose import Report
from spurious.diagnose.measure.batches import sample_of
from spurious.diagnose.measure.own_step import step_seen
from spurious.diagnose.measure.step_looks import Difference

N = 128
Step = Callable[[nn.Module, torch.optim.Optimizer, Tensor, Tensor], None]
LOSS = nn.BCEWithLogitsLoss()


def sgd(model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(model.parameters(), 0.05, momentum=0.9)


def gradients(model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    rule.zero_grad()
    LOSS(model(x), y).backward()


def usual(model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    gradients(model, rule, x, y)
    rule.step()


def kept(model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    LOSS(model(x), y).backward()
    rule.step()


def turned(model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    gradients(model, rule, x, y)
    for p in model.parameters():
        assert p.grad is not None
        p.grad.neg_()
    rule.step()


def downhill_of_minus_the_loss(
    model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, y: Tensor
) -> None:
    """What an optimiser that maximises has to be given."""
    rule.zero_grad()
    (-LOSS(model(x), y)).backward()
    rule.step()


def uphill(model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    gradients(model, rule, x, y)
    with torch.no_grad():
        for p in model.parameters():
            assert p.grad is not None
            p += 0.05 * p.grad


def never(model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    gradients(model, rule, x, y)


def cleared(model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    gradients(model, rule, x, y)
    rule.zero_grad()
    rule.step()


def elsewhere(model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    rule.zero_grad()
    torch.zeros(1, requires_grad=True).sum().backward()
    LOSS(model(x), y)
    rule.step()


def shuffled(model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    usual(model, rule, x, y.roll(3, 0))


def apart(model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    usual(model, rule, x[torch.randperm(len(x))], y)


def twice(model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    usual(model, rule, x, y)
    rule.step()


def clipped(model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    gradients(model, rule, x, y)
    nn.utils.clip_grad_value_(model.parameters(), 1e-4)
    rule.step()


def smaller(model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    usual(model, rule, x / 1000, y)


def other(model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, _: Tensor) -> None:
    rule.zero_grad()
    (model(x) ** 2).mean().backward()
    rule.step()


def pressed(model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    usual(model, rule, x, y)
    with torch.no_grad():
        for p in model.parameters():
            p.clamp_(-0.01, 0.01)


def judged(step: Step, model: nn.Module | None = None, trained: int = 0) -> Report:
    model = net() if model is None else model
    rule = sgd(model)
    for _ in range(trained):
        step(model, rule, *data(N))
    return spurious.diagnose(model, data(N), LOSS, optimiser=rule, step=step, curvature=False)


@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (kept, "missing_zero_grad"),
        (turned, "gradient_sign_flipped"),
        (uphill, "gradient_sign_flipped"),
        (never, "optimiser_never_steps"),
        (cleared, "optimiser_never_steps"),
        (elsewhere, "detached_loss"),
        (shuffled, "targets_shuffled"),
        (apart, "targets_shuffled"),
        (clipped, "step_too_small"),
        (smaller, "fault_in_loop"),
        (other, "fault_in_loop"),
        (pressed, "fault_in_loop"),
    ],
)
def test_what_is_at_fault_is_named_first(step: Step, kind: str) -> None:
    assert judged(step).problems[0].kind == kind


def test_gradients_that_are_kept_and_hardly_turn() -> None:
    """The same points at each call, and small steps: the gradients added up are all alike."""
    model, (x, y) = net(), data(N)
    rule = torch.optim.SGD(model.parameters(), 1e-5)
    for step, wrong in ((kept, True), (usual, False)):
        report = spurious.diagnose(
            model, [(x, y)], LOSS, optimiser=rule, step=step, curvature=False, rehearse=False
        )
        assert ("missing_zero_grad" in {str(found.kind) for found in report.findings}) == wrong


def test_it_is_named_after_training_too() -> None:
    assert judged(turned, trained=20).problems[0].kind == "gradient_sign_flipped"


def test_a_mistake_that_does_no_harm_is_an_info() -> None:
    report = judged(twice)
    assert not report.problems
    assert "two_steps_a_batch" in {str(found.kind) for found in report.findings}


def clipped_at_one(model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    gradients(model, rule, x, y)
    nn.utils.clip_grad_norm_(model.parameters(), 0.1)
    rule.step()


def penalised(model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    rule.zero_grad()
    penalty = sum((p.pow(2).sum() + p.abs().sum() for p in model.parameters()), torch.zeros(()))
    (LOSS(model(x), y) + 1e-4 * penalty).backward()
    rule.step()


def mixed(model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    order = torch.randperm(len(x))
    usual(model, rule, x[order], y[order])


def noisy(model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
    usual(model, rule, x + 0.1 * torch.randn_like(x), y)


class Adding:
    """Adds up the gradients of two batches."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
        self.calls += 1
        (LOSS(model(x), y) / 2).backward()
        if self.calls % 2 == 0:
            rule.step()
            rule.zero_grad()


@pytest.mark.parametrize("step", [usual, clipped_at_one, penalised, mixed, noisy, Adding()])
@pytest.mark.parametrize("between", [None, nn.Dropout(0.3), nn.BatchNorm1d(32)])
def test_sound_steps(step: Step, between: nn.Module | None) -> None:
    model = net() if between is None else net(between)
    report = judged(step, model)
    assert not report.problems
    own = {"missing_zero_grad", "two_steps_a_batch", "fault_in_loop"}
    assert not own & {str(found.kind) for found in report.findings}


def policy(outputs: Tensor, reward: Tensor) -> Tensor:
    """A loss that draws: the gradient of one draw may be the opposite of another's."""
    chosen = torch.distributions.Bernoulli(logits=outputs)
    action = chosen.sample()
    return -(chosen.log_prob(action) * (1 + 0.1 * reward)).mean()


@pytest.mark.parametrize("drawn", range(1, 7))
def test_random_numbers_that_hide_what_a_step_does(drawn: int) -> None:
    def step(model: nn.Module, rule: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
        torch.rand(drawn)  # other random numbers than the textbook's
        rule.zero_grad()
        policy(model(x[:2]), y[:2]).backward()
        rule.step()

    model = net(nn.Dropout(0.9))
    x, y = data(N)
    two = [(x[k : k + 2], y[k : k + 2]) for k in range(0, 32, 2)]
    rule = torch.optim.SGD(model.parameters(), 1e-3)
    report = spurious.diagnose(model, two, policy, optimiser=rule, step=step, curvature=False)
    own = [found for found in report.findings if "differences" in found.evidence]
    assert not own


class Circle(nn.Module):
    """A linear recurrence, from a start that makes its gradients huge."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.state, self.head = nn.Linear(18, 16), nn.Linear(16, 1)
        with torch.no_grad():
            self.state.weight[:, 2:] = 1.2 * torch.eye(16) + 0.05 * torch.randn(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        state = torch.zeros(len(x), 16)
        for k in range(x.shape[1]):
            state = self.state(torch.cat([x[:, k], state], 1))
        return self.head(state)


def test_a_start_that_plain_steps_leave_for_infinity_and_these_do_not() -> None:
    """Without the step it is true that the start diverges; the loop clips, and it is none of it."""
    torch.manual_seed(0)
    x = torch.randn(64, 20, 2)
    y, loss, model = x[:, :5, 0].sum(1, keepdim=True), nn.MSELoss(), Circle()
    rule = torch.optim.SGD(model.parameters(), 1e-2)

    def step(m: nn.Module, r: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
        r.zero_grad()
        loss(m(x), y).backward()
        nn.utils.clip_grad_norm_(m.parameters(), 0.5)
        r.step()

    def plain(m: nn.Module, r: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
        r.zero_grad()
        loss(m(x), y).backward()
        r.step()

    for diverging in (None, plain):
        found = spurious.diagnose(model, (x, y), loss, optimiser=rule, step=diverging)
        assert {"step_too_large", "exploding_gradient"} & {str(f.kind) for f in found.problems}
        assert not any("differences" in f.evidence for f in found.findings)
    assert not spurious.diagnose(model, (x, y), loss, optimiser=rule, step=step).problems


def test_model_and_optimiser_stay_as_they_were() -> None:
    model = net(nn.BatchNorm1d(32))
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    scheduler = torch.optim.lr_scheduler.ExponentialLR(rule, 0.9)
    usual(model, rule, *data(N))
    weights = [t.detach().clone() for t in (*model.parameters(), *model.buffers())]
    memory = [v.clone() for state in rule.state.values() for v in state.values()]

    def step(m: nn.Module, r: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
        usual(m, r, x, y)
        scheduler.step()  # the one of the model itself

    spurious.diagnose(model, data(N), LOSS, optimiser=rule, step=step, curvature=False)
    assert rule.param_groups[0]["lr"] == 1e-2
    after = [v for state in rule.state.values() for v in state.values()]
    assert all(torch.equal(a, b) for a, b in zip(memory, after, strict=True))
    now = (*model.parameters(), *model.buffers())
    assert all(torch.equal(a, b) for a, b in zip(weights, now, strict=True))


def test_a_step_that_moves_the_model_itself_is_refused() -> None:
    model = net()
    rule = sgd(model)
    before = [p.detach().clone() for p in model.parameters()]

    def step(_: nn.Module, __: torch.optim.Optimizer, x: Tensor, y: Tensor) -> None:
        usual(model, rule, x, y)

    with pytest.raises(InputError, match="step: changed the model itself"):
        spurious.diagnose(model, data(N), LOSS, optimiser=rule, step=step)
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True))
    assert not any(state.get("momentum_buffer") is not None for state in rule.state.values())


def test_an_optimiser_of_another_model() -> None:
    rule = sgd(net())
    report = spurious.diagnose(net(), data(N), LOSS, optimiser=rule, step=usual, curvature=False)
    assert report.problems[0].kind == "optimiser_misses_parameters"


def test_misuse() -> None:
    model = net()

    def broken(*_: Any) -> None:
        raise ValueError("no batch")

    with pytest.raises(InputError, match="optimiser: found None beside a step"):
        spurious.diagnose(model, data(N), LOSS, step=usual)
    with pytest.raises(InputError, match=r"step: raised ValueError \(no batch\)"):
        spurious.diagnose(model, data(N), LOSS, optimiser=sgd(model), step=broken)


@pytest.mark.parametrize("rule_of", [torch.optim.SGD, torch.optim.Adam])
@pytest.mark.parametrize(("step", "climbs"), [(usual, True), (downhill_of_minus_the_loss, False)])
def test_an_optimiser_that_maximises_turns_what_a_step_gives_it(
    step: Step, climbs: bool, rule_of: Any
) -> None:
    x, y = data(N)
    model = net()
    rule = rule_of(model.parameters(), lr=0.05, maximize=True)
    report = spurious.diagnose(model, (x, y), LOSS, optimiser=rule, step=step)
    assert ("gradient_sign_flipped" in [f.kind for f in report.problems]) is climbs
    assert rule.param_groups[0]["maximize"] and rule.param_groups[0]["lr"] == 0.05


@pytest.mark.parametrize("maximises", [False, True])
def test_a_usual_step_has_no_differences_by_rounding(maximises: bool) -> None:
    x, y = data(N)
    model = net()
    rule = torch.optim.SGD(model.parameters(), lr=0.05, maximize=maximises)
    seen = step_seen(model, rule, usual, sample_of((x, y), model, N), LOSS, 60, afresh=False)
    assert seen.differences == ((Difference.TURNED,) if maximises else ())
