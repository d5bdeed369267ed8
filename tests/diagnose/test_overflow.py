"""Exponentials that overflow: kept within numbers, and named."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.diagnose.seeded import mlp
from tests.diagnose.training import problems, trained
from torch import Tensor

from spurious.diagnose import Kind
from spurious.diagnose.measure.edges import Edge
from spurious.diagnose.measure.exponentials import SteadyExponentials


def overflows(z: Tensor) -> Tensor:
    return z.exp().sum(1).log()


def shares(z: Tensor) -> Tensor:
    return z.exp() / z.exp().sum(1, keepdim=True)


def shares_of_one(z: Tensor) -> Tensor:
    e = torch.exp(z)
    return e / torch.sum(e, dim=1, keepdim=True)


@pytest.mark.parametrize(
    ("function", "right"),
    [
        (overflows, lambda z: z.logsumexp(1)),
        (lambda z: torch.log(torch.exp(z).sum((0, 1))), lambda z: z.logsumexp((0, 1))),
        (lambda z: torch.log(z.exp().sum()), lambda z: z.logsumexp((0, 1))),
        (shares_of_one, lambda z: z.softmax(1)),
        (shares, lambda z: z.softmax(1)),
        (lambda z: z.exp() / (2 * z).exp().sum(1, keepdim=True), None),  # of something else
    ],
)
@pytest.mark.parametrize("level", [0.0, 200.0, -300.0])
def test_exponentials_are_kept_within_numbers(
    function: Callable[[Tensor], Tensor], right: Callable[[Tensor], Tensor] | None, level: float
) -> None:
    torch.manual_seed(0)
    z = (torch.randn(5, 4) + level).requires_grad_()
    edges: list[Edge] = []
    with SteadyExponentials(edges):
        out = function(z)
    if level == 0 or right is None:
        assert torch.equal(out.nan_to_num(), function(z).nan_to_num())
        assert not edges
        return
    assert not function(z).isfinite().all()
    torch.testing.assert_close(out, right(z))
    (slope,) = torch.autograd.grad(out.sum(), z)
    assert slope.isfinite().all()
    assert edges[0].kind is Kind.OVERFLOW
    assert edges[0].line.startswith("test_overflow.py")


@pytest.mark.parametrize("steady", [False, True])
def test_an_overflow_is_named(steady: bool) -> None:
    torch.manual_seed(0)
    x = 3 * torch.randn(200, 4)
    y = (x[:, 0] > 0).long() + (x[:, 1] > 0).long()
    model = mlp(4, 32, 3)

    def loss(f: Tensor, y: Tensor) -> Tensor:
        f = 40 * f
        total = f.logsumexp(1) if steady else f.exp().sum(1).log()
        return (total - f.gather(1, y[:, None])[:, 0]).mean()

    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, loss, rule, 100)
    assert (Kind.OVERFLOW in problems(report)) == (not steady)
    if not steady:
        assert problems(report)[0] is Kind.OVERFLOW
        assert "overflows" not in report.problems[0].explanation
        assert "exp" in report.problems[0].explanation
