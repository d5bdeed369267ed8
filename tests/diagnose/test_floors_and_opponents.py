"""Sound programs of which a referee got false words: floors of losses, opponents, other axes."""

from dataclasses import replace

import pytest
import torch
from tests.diagnose.training import problems, trained
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind, Outcome, TrainingWatch
from spurious.diagnose.judge.rehearsals import rehearsal_findings
from spurious.diagnose.measure.optimiser import optimiser_seen
from spurious.diagnose.measure.scene import DataSeen, Scene, TrainingSeen
from spurious.diagnose.measure.task import Task
from spurious.diagnose.measure.weights import WeightsSeen
from spurious.diagnose.remedy import Remedy
from spurious.diagnose.treat.rehearsal import Aspect, Change, Rehearsal, Rehearsals
from spurious.diagnose.treat.trials import Trial

F = nn.functional


def net(columns: int, outputs: int, width: int = 32) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(columns, width), nn.ReLU(), nn.Linear(width, outputs))


def adam(model: nn.Module, rate: float = 1e-2) -> torch.optim.Optimizer:
    return torch.optim.Adam(model.parameters(), lr=rate)


def test_the_entropy_of_soft_targets_is_no_failure() -> None:
    torch.manual_seed(1)
    x = torch.randn(300, 4)
    shares = (x @ torch.randn(4, 3)).softmax(1)
    model = net(4, 3)
    report = trained(model, x, shares, nn.CrossEntropyLoss(), adam(model), 400)
    landscape = report.measurements.landscape
    assert landscape.constant_loss is not None
    assert landscape.loss > 0.5 * landscape.constant_loss  # and yet all is learnt
    assert not report.problems
    assert report.conclusion.outcome in (Outcome.UNKNOWN, Outcome.LEARNING)
    assert "does not learn" not in report.conclusion.text


def test_a_surrogate_loss_below_0_is_no_success() -> None:
    """As of a policy: a constant has a loss above 0, and how far it may fall is not known."""
    torch.manual_seed(1)
    x, advantage = torch.randn(200, 3), torch.randn(200, 1)
    advantage -= advantage.mean()
    model = net(3, 1)
    report = trained(
        model, x, advantage, lambda f, a: 0.01 - (f.tanh() * a).mean(), adam(model), 40
    )
    landscape = report.measurements.landscape
    assert landscape.loss < 0 < (landscape.constant_loss or 0)
    assert report.conclusion.outcome is not Outcome.LEARNT


def test_a_generator_whose_loss_holds_its_opponent() -> None:
    """All targets are 1: what is to be said of what is made."""
    torch.manual_seed(1)
    judge = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 1))
    z, ones = torch.randn(128, 4), torch.ones(128, 1)

    def loss(made: Tensor, said: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(judge(made), said)

    for steps in (0, 20):
        model = net(4, 2)
        report = trained(model, z, ones, loss, adam(model, 1e-3), steps)
        assert "one_class_targets" not in problems(report)


def test_triplets_that_are_all_far_enough_apart() -> None:
    """Of which nothing is left to learn; no targets are looked at."""
    torch.manual_seed(1)
    x = torch.randn(200, 3, 8) * 0.3
    x[:, 2] += 4
    model = net(8, 4)
    report = trained(
        model,
        x,
        torch.zeros(200),
        lambda f, _: F.triplet_margin_loss(f[:, 0], f[:, 1], f[:, 2]),
        adam(model, 3e-3),
        150,
    )
    assert report.measurements.landscape.loss == 0
    assert "constant_output" not in problems(report)


def test_rounding_is_not_taken_for_a_wrong_sign() -> None:
    """A divergence of outputs that are equal to a teacher's is 0 but for rounding."""
    for seed, warmth in ((0, 1.0), (0, 4.0), (1, 4.0)):
        x = torch.randn(300, 5, generator=torch.Generator().manual_seed(seed))
        teacher = x @ torch.randn(5, 4, generator=torch.Generator().manual_seed(9))

        def loss(outputs: Tensor, logits: Tensor, warmth: float = warmth) -> Tensor:
            log_shares = (outputs / warmth).log_softmax(1)
            shares = (logits / warmth).softmax(1)
            return F.kl_div(log_shares, shares, reduction="batchmean") * warmth**2

        model = net(5, 4)
        report = spurious.diagnose(model, (x, teacher), loss, rehearse=False, curvature=False)
        assert "gradient_sign_flipped" not in problems(report), (seed, warmth)


class Spoken(nn.Module):
    """Scores of letters at each step, (time, n, letters), as a loss of alignments wants them."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner = nn.Linear(3, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x).log_softmax(2).transpose(0, 1)


def test_outputs_whose_first_axis_is_time() -> None:
    torch.manual_seed(1)
    x, y = torch.randn(128, 6, 3), torch.randint(1, 5, (128, 2))

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        many = outputs.shape[1]
        steps, letters = torch.full((many,), 6), torch.full((many,), 2)
        return F.ctc_loss(outputs, targets, steps, letters)

    model = Spoken()
    report = spurious.diagnose(model, (x, y), loss, optimiser=adam(model))
    assert report.measurements.landscape.loss > 0


def test_a_watch_rests_while_its_model_is_diagnosed() -> None:
    model, x = net(1, 1), torch.linspace(0, 1, 64)[:, None]

    def loss(_: Tensor, points: Tensor) -> Tensor:
        model.train()
        return (model(points) - points.square()).square().mean()

    rule = adam(model)
    watch = TrainingWatch(model, console=False)
    spurious.diagnose(model, (x, x), loss, optimiser=rule, watch=watch, curvature=False)
    assert watch.looks == 0 and not any(p._backward_hooks for p in model.parameters())
    for _ in range(3):
        rule.zero_grad()
        found = loss(model(x), x)
        found.backward()
        rule.step()
        watch.step(found)
    assert watch.looks > 0
    watch.close()


class Game(nn.Module):
    """A generator without biases in front of a judge."""

    def __init__(self) -> None:
        super().__init__()
        self.made = nn.Linear(4, 2, bias=False)
        self.judge = nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.judge(self.made(x))


@pytest.mark.parametrize("another_trains_the_judge", [False, True])
def test_what_fools_an_opponent_that_stands_still_is_no_cause(
    another_trains_the_judge: bool,
) -> None:
    model, x, real = Game(), torch.randn(50, 4), torch.ones(50, 1)
    part = model.made if another_trains_the_judge else model
    loss, rule = nn.BCEWithLogitsLoss(), torch.optim.Adam(part.parameters(), 1e-3)
    loss(model(x), real).backward()
    rule.step()
    report = spurious.diagnose(model, (x, real), loss, optimiser=rule, rehearse=False)
    landscape = replace(report.measurements.landscape, constant_loss=None)
    scene = Scene(
        Task(model(x).detach(), real, loss),
        landscape,
        weights=WeightsSeen(without_bias=("made",)),
        data=DataSeen(x),
        training=TrainingSeen(begun=True, optimiser=optimiser_seen(rule, model)),
    )
    trial = Trial("", "", 1.0, 1.0, 1.0, 300)
    still = Rehearsal(Change(Aspect.NOTHING, ()), 1.0, 0.0, False, trial)
    biased = Rehearsal(Change(Aspect.BIASES, (Remedy.ADD_BIASES,)), 0.1, 0.9, False, trial)
    tried = Rehearsals(300, 0.0, still, still, (biased,))
    kinds = [f.kind for f in rehearsal_findings(tried, scene, report.measurements)]
    assert (Kind.MISSING_BIAS in kinds) == (not another_trains_the_judge)


@pytest.mark.parametrize("places", [1, 5])
def test_a_cosine_has_a_least_value(places: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(places, 6)
    y = torch.randn(places, 8)
    model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 8))
    rule = torch.optim.Adam(model.parameters(), 1e-2)

    def loss(f: Tensor, t: Tensor) -> Tensor:
        return -nn.functional.cosine_similarity(f, t).mean()

    report = trained(model, x, y, loss, rule, 30, rehearse=False)
    assert Kind.LABELS_OUTSIDE_LOSS not in problems(report)
