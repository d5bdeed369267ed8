"""One batch is learnt by heart, or it is said why not."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from spurious.diagnose import can_overfit
from spurious.errors import InputError

pytest_plugins = ["spurious.diagnose.pytest_plugin"]
torch.manual_seed(0)
X = torch.randn(32, 5)
Y = torch.arange(32) % 3


def net(*last: nn.Module) -> nn.Sequential:
    torch.manual_seed(1)
    return nn.Sequential(nn.Linear(5, 64), nn.ReLU(), nn.Linear(64, 3), *last)


def test_a_sound_model_learns_a_batch_and_is_left_as_it_was() -> None:
    model = net(nn.Dropout(0.1))
    before = {name: p.clone() for name, p in model.state_dict().items()}
    found = can_overfit(model, (X, Y), nn.CrossEntropyLoss())
    assert found and found.after <= found.goal < found.before
    assert all(torch.equal(p, before[name]) for name, p in model.state_dict().items())


class Mixing(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = net()

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x) + x.mean()


class Unused(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net, self.spare = net(), nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (net(nn.Softmax(1)), "had to fall below"),
        (Mixing(), "depends on the other points"),
        (Unused(), "2 parameters never move: spare.weight, spare.bias"),
        (net().requires_grad_(False), "no parameter is trained"),
    ],
)
def test_a_fault_is_a_reason(model: nn.Module, reason: str) -> None:
    found = can_overfit(model, (X, Y), nn.CrossEntropyLoss(), steps=60)
    assert not found and reason in repr(found)


def test_numbers_out_of_range() -> None:
    with pytest.raises(InputError, match="a share below 1"):
        can_overfit(net(), (X, Y), nn.CrossEntropyLoss(), share=2.0)


def test_the_fixture_fails_with_the_reasons(assert_can_overfit: Callable[..., object]) -> None:
    assert assert_can_overfit(net(), (X, Y), nn.CrossEntropyLoss())
    with pytest.raises(pytest.fail.Exception, match="never move: spare"):
        assert_can_overfit(Unused(), (X, Y), nn.CrossEntropyLoss())
