"""Layers that the model does not know of, and layers behind a graph that is cut."""

import torch
from tests.diagnose.unrehearsed import net, points, problems
from torch import Tensor, nn


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
