"""Targets that need another output or another loss, or that belong to other inputs."""

import torch
from tests.diagnose.unrehearsed import net, points, problems, trained
from torch import Tensor, nn


def of_classes(p: Tensor, y: Tensor) -> Tensor:
    p = p / p.sum(1, keepdim=True).clamp_min(1e-9)
    return -(y * p.clamp(1e-7, 1).log()).sum(1).mean()


def test_one_output_in_the_loss_of_classes() -> None:
    x, y = points()
    found = problems(net(1, nn.Sigmoid()), (x, (y > 0).float()), of_classes)
    assert found[0].kind == "wrong_loss", [f.kind for f in found]
    right = problems(net(1, nn.Sigmoid()), (x, (y > 0).float()), nn.BCELoss())
    assert not right


def test_distributions_need_a_softmax() -> None:
    def divergence(p: Tensor, y: Tensor) -> Tensor:
        return (y * (y / p.clamp(1e-7, 1)).log()).sum(1).mean()

    x, _ = points()
    y = torch.softmax(2 * x, 1)
    found = problems(net(3, nn.ReLU()), (x, y), divergence)
    assert found[0].kind == "wrong_output_activation"
    assert found[0].remedies == ("softmax_output",)
    assert not problems(net(3, nn.Softmax(1)), (x, y), divergence)


def test_targets_that_belong_to_other_inputs() -> None:
    x, y = points()
    x, y = x[:, :2], x[:, :1]
    for wrong, shift in ((y.roll(2, 0), -2), (y[torch.randperm(len(y))], None)):
        model = net(1, inputs=2)
        rule = trained(model, x, wrong, 5)
        found = problems(model, (x, wrong), nn.MSELoss(), optimiser=rule)
        assert found[0].kind == "targets_shuffled"
        assert found[0].evidence.get("shift") == shift
    model = net(1, inputs=2)
    rule = trained(model, x, y, 5)
    assert not [f for f in problems(model, (x, y), nn.MSELoss()) if f.kind == "targets_shuffled"]
