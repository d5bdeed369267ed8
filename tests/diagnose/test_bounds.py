"""Outputs that something behind the last layer holds: at a flat end, at one length, small."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

import spurious


class Behind(nn.Module):
    """A small network with a function behind it."""

    def __init__(self, outputs: int, function: Any) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.inner = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, outputs))
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(self.inner(x))


def kinds(model: nn.Module, y: Tensor, loss: Any, steps: int = 0, **more: bool) -> list[str]:
    x = points()
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(steps):
        rule.zero_grad()
        loss(model(x), y).backward()
        rule.step()
    more = {"curvature": False, "rehearse": False} | more
    report = spurious.diagnose(model, (x, y), loss, optimiser=rule, **more)
    return [str(found.kind) for found in report.problems]


def points() -> Tensor:
    torch.manual_seed(3)
    return torch.randn(128, 4)


@pytest.mark.parametrize("shift", [-20.0, 0.5])
def test_outputs_at_a_flat_end(shift: float) -> None:
    y = points()[:, :1].sigmoid()
    found = kinds(Behind(1, lambda z: (z + shift).clamp(0, 1)), y, nn.MSELoss())
    assert (found[:1] == ["wrong_output_activation"]) == (shift < 0)  # its range has the targets
    found = kinds(Behind(1, lambda z: (z + shift).relu()), -y, nn.MSELoss())
    assert found[:1] == ["output_range"]


def test_outputs_of_one_length() -> None:
    y = points()[:, :2] * 3
    normalised = Behind(2, lambda z: nn.functional.normalize(z, dim=1))
    assert kinds(normalised, y, nn.MSELoss())[0] == "output_range"
    assert not kinds(normalised, nn.functional.normalize(y, dim=1), nn.MSELoss())
    assert not kinds(Behind(2, lambda z: z), y, nn.MSELoss())


def test_outputs_that_a_factor_holds_small() -> None:
    y = points()[:, :3].argmax(1)

    def cosine(scale: float) -> Behind:
        return Behind(3, lambda z: scale * nn.functional.normalize(z, dim=1))

    loss = nn.CrossEntropyLoss()
    assert kinds(cosine(0.1), y, loss, 200, rehearse=True)[0] == "output_range"
    assert not kinds(cosine(10.0), y, loss, 200, rehearse=True)


def test_a_channel_that_the_targets_do_not_have() -> None:
    torch.manual_seed(0)
    x = torch.randn(16, 1, 4, 4)
    model = nn.Conv2d(1, 1, 3, padding=1)

    def loss(f: Tensor, t: Tensor) -> Tensor:
        return (f - t).pow(2).mean()

    for y, wrong in ((x[:, 0] * 2, True), (x * 2, False)):
        report = spurious.diagnose(model, (x, y), loss, curvature=False, rehearse=False)
        found = [str(problem.kind) for problem in report.problems]
        assert ("broadcast_targets" in found) == wrong
        if wrong:
            assert report.problems[0].remedies == ("match_shapes",)


def test_scores_whose_classes_come_last() -> None:
    torch.manual_seed(0)
    x = torch.randint(0, 6, (64, 4))
    y = x % 3

    def turned(f: Tensor, t: Tensor) -> Tensor:
        return nn.functional.cross_entropy(f.transpose(1, 2), t)

    def scrambled(f: Tensor, t: Tensor) -> Tensor:
        return nn.functional.cross_entropy(f.reshape(len(f), 3, 4), t)

    def first(model: nn.Module, loss: Any) -> list[str]:
        report = spurious.diagnose(model, (x, y), loss, curvature=False, rehearse=False)
        return [str(found.kind) for found in report.problems]

    torch.manual_seed(1)
    model = nn.Sequential(nn.Embedding(6, 8), nn.Linear(8, 3))
    assert not first(model, turned)
    assert first(model, scrambled) == ["wrong_loss"]
    assert first(nn.Sequential(*model, nn.Softmax(-1)), turned) == ["probabilities_to_logits_loss"]


def test_outputs_that_the_loss_does_not_look_at() -> None:
    y = points()[:, :3].sin()
    model = Behind(3, lambda z: z)
    assert kinds(model, y, lambda f, t: (f[:, 0] - t[:, 0]).pow(2).mean()) == ["wrong_loss"]
    assert not kinds(model, y, nn.MSELoss())


class Noisy(nn.Module):
    """A model whose inputs are disturbed in training."""

    def __init__(self, size: float) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.inner, self.size = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 1)), size

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x + self.size * torch.randn_like(x) if self.training else x)


@pytest.mark.parametrize(("size", "wrong"), [(50.0, True), (0.05, False)])
def test_noise_that_drowns_the_inputs(size: float, wrong: bool) -> None:
    y = points()[:, :1].sin()
    assert ("over_regularised" in kinds(Noisy(size), y, nn.MSELoss(), 100, rehearse=True)) == wrong
