"""Losses that are made smaller where larger is meant, and sound ones that look like it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.diagnose.first_problem import first, net, points
from tests.diagnose.training import mlp, problems, trained
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind

CLASSES = nn.CrossEntropyLoss()


def test_a_value_that_is_made_smaller() -> None:
    x = points()
    y = 0.8 * torch.sin(x[:, :1])

    def value(f: Tensor, t: Tensor) -> Tensor:
        return (1 - (f - t).pow(2)).mean()

    assert first(net(1, nn.Tanh()), x, y, value) == "gradient_sign_flipped"
    assert first(net(1, nn.Tanh()), x, y, lambda f, t: -value(f, t)) is None


def test_a_loss_of_logits_with_the_wrong_sign() -> None:
    torch.manual_seed(0)
    x = torch.randn(200, 4)
    y = (x[:, :1] > 0).float()
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
    report = spurious.diagnose(
        model, (x, y), lambda f, t: -nn.functional.binary_cross_entropy_with_logits(f, t)
    )
    assert problems(report)[0] == Kind.GRADIENT_SIGN_FLIPPED


def pairs(alike: float) -> tuple[Tensor, Tensor]:
    """Pairs of points of two kinds, (n, 2, 4), and whether both are of one, as a share is."""
    x = torch.randn(200, 2, 4)
    first, same = torch.rand(200) < 0.5, torch.rand(200) < alike
    kind = torch.stack([first, first == same], 1)
    x[..., 0] += 3.0 * kind
    return x, (kind[:, 0] == kind[:, 1]).float()


class Twins(nn.Module):
    """The distance of two embeddings, (n,)."""

    def __init__(self, spread: float = 1.0) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2))
        with torch.no_grad():
            for p in self.inner[2].parameters():
                p.mul_(spread)

    def forward(self, pairs: Tensor) -> Tensor:
        return (self.inner(pairs[:, 0]) - self.inner(pairs[:, 1])).norm(dim=1)


def of_distance(margin: float) -> Callable[[Tensor, Tensor], Tensor]:
    """Small for what is the same, beyond a margin for what is not (Hadsell et al. 2006, eq. 4)."""
    return lambda d, same: (same * d**2 + (1 - same) * (margin - d).clamp(min=0) ** 2).mean()


@pytest.mark.parametrize("steps", [0, 20, 300])
@pytest.mark.parametrize(("spread", "alike"), [(0.1, 0.35), (1.0, 0.5), (0.1, 0.65)])
@pytest.mark.parametrize("margin", [0.5, 1.0, 2.0])
def test_a_loss_of_distances(margin: float, spread: float, alike: float, steps: int) -> None:
    torch.manual_seed(0)
    x, y = pairs(alike)
    model = Twins(spread)
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, of_distance(margin), rule, steps, rehearse=False)
    assert not {Kind.WRONG_LOSS, Kind.GRADIENT_SIGN_FLIPPED} & set(problems(report))


@pytest.mark.parametrize("worth", [-1.0, 1.0])
@pytest.mark.parametrize("varied", [False, True])
def test_what_actions_were_worth(varied: bool, worth: float) -> None:
    torch.manual_seed(0)
    states, actions = torch.randn(200, 4), torch.randint(0, 3, (200,))
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))
    returns = worth * (torch.rand(200) if varied else torch.ones(200))

    def loss(logits: Tensor, taken: Tensor) -> Tensor:
        return (returns * nn.functional.cross_entropy(logits, taken, reduction="none")).mean()

    report = spurious.diagnose(model, [(states, actions)], loss, rehearse=False)
    turned = Kind.GRADIENT_SIGN_FLIPPED in problems(report)
    assert turned == (worth < 0 and not varied)  # what counts alike, and less than 0, is turned


def test_a_policy_that_is_rewarded_for_being_unsure() -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 6)
    y = x[:, :4].argmax(1)

    def loss(f: Tensor, t: Tensor) -> Tensor:
        likely = f.log_softmax(1)
        rewarded = likely.exp().gather(1, t[:, None]).mean()
        return -rewarded + 2 * (likely.exp() * likely).sum(1).mean()

    for steps in (0, 30, 300):
        model = mlp(6, 32, 4)
        rule = torch.optim.Adam(model.parameters(), 5e-3)
        report = trained(model, x, y, loss, rule, steps, rehearse=False)
        assert not {Kind.GRADIENT_SIGN_FLIPPED, Kind.WRONG_LOSS} & set(problems(report))


@pytest.mark.parametrize("steps", [0, 100])
@pytest.mark.parametrize("soft", [False, True])
def test_outputs_that_are_costs(soft: bool, steps: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(300, 6)
    y = torch.softmax(3 * x[:, :4], 1) if soft else x[:, :4].argmax(1)
    model = mlp(6, 32, 4)
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, lambda f, t: CLASSES(-f, t), rule, steps, rehearse=False)
    assert not {Kind.GRADIENT_SIGN_FLIPPED, Kind.WRONG_LOSS} & set(problems(report))
