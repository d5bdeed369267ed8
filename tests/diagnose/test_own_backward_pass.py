"""Back-propagation of one's own: the gradient that it leaves is not the loss's."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import spurious
from spurious.diagnose import Kind


@pytest.mark.parametrize("inputs_forgotten", [True, False])
def test_deltas_that_are_not_multiplied_by_inputs(inputs_forgotten: bool) -> None:
    """All weights of a unit change alike, until its sigmoid is flat: no copy of it learns."""
    torch.manual_seed(0)
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = (x.sum(1, keepdim=True) == 1).float()
    model = nn.Sequential(nn.Linear(2, 4), nn.Sigmoid(), nn.Linear(4, 1), nn.Sigmoid())
    layers = [part for part in model if isinstance(part, nn.Linear)]
    for layer in layers:
        nn.init.uniform_(layer.weight, -1, 1)
    loss = nn.MSELoss(reduction="sum")
    optimiser = torch.optim.SGD(model.parameters(), lr=1.0)
    for _ in range(4000):
        optimiser.zero_grad()
        loss(model(x), y).backward()
        for layer in layers if inputs_forgotten else ():
            assert layer.bias.grad is not None
            layer.weight.grad = layer.bias.grad[:, None].expand_as(layer.weight).clone()
        optimiser.step()
    report = spurious.diagnose(model, (x, y), loss, optimiser=optimiser)
    first = next((found.kind for found in report.problems), None)
    assert first == (Kind.FAULT_IN_LOOP if inputs_forgotten else None)
