"""Gates that are shut, and attention to one key alone."""

import torch
from tests.diagnose.unrehearsed import problems
from torch import Tensor, nn


class Reader(nn.Module):
    def __init__(self, kind: type[nn.LSTM | nn.GRU], scale: float) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.inner = kind(3, 8, 2, batch_first=True)
        self.head = nn.Linear(8, 1)
        with torch.no_grad():
            for p in self.inner.parameters():
                p.mul_(scale)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(x)[0][:, -1])


def test_gates_that_are_shut() -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 6, 3)
    y = x[:, -1, :1]
    for kind in (nn.LSTM, nn.GRU):
        shut = problems(Reader(kind, 100.0), (x, y), nn.MSELoss())
        gates = [f for f in shut if f.kind == "saturation"]
        assert gates and "gate" in str(gates[0].layer)
        assert not problems(Reader(kind, 1.0), (x, y), nn.MSELoss())


def test_queries_that_look_at_one_key() -> None:
    torch.manual_seed(0)
    x = torch.randn(64, 6, 8)

    class Looking(nn.Module):
        def __init__(self, scale: float) -> None:
            super().__init__()
            self.look = nn.MultiheadAttention(8, 2, batch_first=True)
            self.head = nn.Linear(8, 1)
            with torch.no_grad():
                self.look.in_proj_weight.mul_(scale)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.look(x, x, x)[0].mean(1))

    y = x[:, 0, :1]
    sharp = [f for f in problems(Looking(50.0), (x, y), nn.MSELoss()) if f.kind == "saturation"]
    assert sharp and sharp[0].layer == "look"
    assert not problems(Looking(1.0), (x, y), nn.MSELoss())
