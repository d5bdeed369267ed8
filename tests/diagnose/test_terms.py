"""A loss of several terms: what its summands are, and which of them outweighs the others."""

from typing import Any

import pytest
import torch
from tests.diagnose.plain_descent import of_kind
from torch import Tensor, nn

import spurious
from spurious.diagnose.measure.terms import data_terms, parts_of, summands, told_of

POINTS = torch.Generator().manual_seed(0)
F = torch.randn(12, 3, generator=POINTS, requires_grad=True)
Y = torch.randn(12, 3, generator=POINTS)

LOSSES = {
    "sum": lambda f, y: (f - y).pow(2).mean() + 0.1 * f.abs().sum(),
    "weighted": lambda f, y: 3 * ((f - y).pow(2).mean() - f.abs().mean() / 2),
    "by point": lambda f, y: ((f - y).pow(2).sum(1) + f.pow(4).sum(1)).mean(),
    "list": lambda f, y: sum([(f - y).abs().mean(), f.pow(2).mean()]),
    "from a number": lambda f, y: 1 - f.mean() + (f - y).pow(2).mean(),
}


@pytest.mark.parametrize("name", LOSSES)
def test_the_terms_add_up_to_the_loss(name: str) -> None:
    loss = LOSSES[name]
    found = torch.stack(summands(loss, F, Y)).sum()
    slopes = [torch.autograd.grad(value, F)[0] for value in (found, loss(F, Y))]
    assert torch.allclose(*slopes, atol=1e-6)
    depends = data_terms(loss, F, Y)
    assert depends is not None and any(depends) and not all(depends)
    parts = parts_of(loss, F, Y, depends)
    slopes = [torch.autograd.grad(parts.data + parts.rest, F)[0], slopes[1]]
    assert torch.allclose(*slopes, atol=1e-6)
    other = parts_of(loss, F, Y.flip(0), depends)
    assert torch.equal(parts.rest, other.rest) and not torch.equal(parts.data, other.data)


def test_a_loss_of_one_kind_of_term_has_no_parts() -> None:
    assert data_terms(nn.functional.mse_loss, F, Y) is None
    assert data_terms(lambda f, y: (f - y).abs().mean() + (f - y).pow(2).mean(), F, Y) is None


def test_what_outputs_tell() -> None:
    depends = (True, False)
    right = Y.clone().requires_grad_()
    assert told_of(LOSSES["sum"], right, Y, depends) == 1.0
    assert abs(told_of(LOSSES["sum"], 0 * right, Y, depends)) < 1e-6


class Code(nn.Module):
    """An autoencoder that gives its code too."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.encoder, self.decoder = nn.Linear(6, 4), nn.Linear(4, 6)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        code = self.encoder(x).tanh()
        return self.decoder(code), code


def trained(weight: float, which: int = 1) -> list[str]:
    torch.manual_seed(3)
    x = torch.randn(128, 3) @ torch.randn(3, 6)
    model = Code()

    def loss(outputs: tuple[Tensor, Tensor], targets: Tensor) -> Tensor:
        return (outputs[0] - targets).pow(2).mean() + weight * outputs[which].pow(2).sum()

    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(200):
        rule.zero_grad()
        loss(model(x), x).backward()
        rule.step()
    asked: Any = (model, (x, x), loss)
    report = spurious.diagnose(*asked, optimiser=rule, curvature=False)
    return [str(found.kind) for found in report.problems]


def test_a_penalty_that_outweighs_the_targets() -> None:
    assert trained(10.0)[0] == "unbalanced_loss_terms"
    assert "unbalanced_loss_terms" not in trained(1e-6)


@pytest.mark.parametrize(("weight", "wrong"), [(3.0, True), (1e-5, False)])
def test_a_penalty_of_the_weights_in_the_loss(weight: float, wrong: bool) -> None:
    torch.manual_seed(3)
    x = torch.randn(128, 4)
    y = x[:, :1].sin()
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))

    def loss(f: Tensor, t: Tensor) -> Tensor:
        return (f - t).pow(2).mean() + weight * sum(p.abs().sum() for p in model.parameters())

    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(200):
        rule.zero_grad()
        loss(model(x), y).backward()
        rule.step()
    report = spurious.diagnose(model, (x, y), loss, optimiser=rule, curvature=False)
    kinds = [str(found.kind) for found in report.problems]
    assert (kinds[:1] == ["over_regularised"]) if wrong else not kinds


def test_a_loss_that_wants_several_outputs_is_no_error() -> None:
    assert not trained(0.0)


def test_a_penalty_that_is_subtracted() -> None:
    assert trained(-1.0, which=0)[0] == "gradient_sign_flipped"
    assert "gradient_sign_flipped" not in trained(-1.0)  # the rest is learnt all the same


class TwoHeads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.inner, self.one, self.two = nn.Linear(4, 8), nn.Linear(8, 1), nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.inner(x).tanh()
        return torch.cat([self.one(h), self.two(h)], 1)


@pytest.mark.parametrize("cut", [True, False])
def test_a_term_without_a_gradient(cut: bool) -> None:
    torch.manual_seed(3)
    x = torch.randn(128, 4)
    y = torch.stack([x[:, 0] * 10, 0.01 * x[:, 1]], 1)

    def loss(f: Tensor, t: Tensor) -> Tensor:
        first = (f[:, 0] - t[:, 0]).pow(2).mean()
        return (first.detach() if cut else first) + (f[:, 1] - t[:, 1]).pow(2).mean()

    model = TwoHeads()
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(20):
        rule.zero_grad()
        loss(model(x), y).backward()
        rule.step()
    report = spurious.diagnose(model, (x, y), loss, optimiser=rule, curvature=False, rehearse=False)
    kinds = [str(found.kind) for found in report.problems]
    assert ("detached_loss" in kinds) == cut


def test_a_book_of_codes_that_is_learnt_slowly() -> None:
    """Vectors are rounded to those of a book, whose terms need not be lighter."""
    torch.manual_seed(0)
    x = (torch.rand(20, 64) * (torch.rand(20, 64) < 0.5))[torch.arange(256) % 20]
    x = x + 0.05 * torch.randn(256, 64)

    class Coded(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.into = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 32))
            self.book = nn.Embedding(16, 8)
            nn.init.uniform_(self.book.weight, -0.3, 0.3)
            self.out = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 64))

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            z = self.into(x).reshape(-1, 4, 8)
            near = (z[:, :, None] - self.book.weight).pow(2).sum(-1).argmin(-1)
            code = self.book(near)
            return self.out((z + (code - z).detach()).flatten(1)), z, code

    def loss(found: tuple[Tensor, Tensor, Tensor], x: Tensor) -> Tensor:
        (f, z, code), mse = found, nn.functional.mse_loss
        return mse(f, x) + mse(code, z.detach()) + 0.25 * mse(z, code.detach())

    model = Coded()
    rule = torch.optim.Adam(model.parameters(), lr=2e-3)
    for rows in torch.randint(0, 256, (30, 32)):
        rule.zero_grad()
        loss(model(x[rows]), x[rows]).backward()
        rule.step()
    report = spurious.diagnose(model, (x, x), loss, optimiser=rule, curvature=False)
    assert not of_kind(report, "unbalanced_loss_terms")
