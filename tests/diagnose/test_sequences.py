"""Places of sequences: positions that are missing, steps that the outputs do not see."""

import pytest
import torch
from torch import Tensor, nn

import spurious
from spurious.diagnose import Report


def trained(model: nn.Module, x: Tensor, y: Tensor, loss: nn.Module, steps: int = 30) -> Report:
    """What is said after a short training."""
    rule = torch.optim.Adam(model.parameters(), 1e-3)
    for _ in range(steps):
        rule.zero_grad()
        loss(model(x), y).backward()
        rule.step()
    return spurious.diagnose(model, (x, y), loss, optimiser=rule, curvature=False, rehearse=False)


class Encoder(nn.Module):
    """Attention over embedded words and their mean, with or without positions."""

    def __init__(self, positions: bool) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.embed, self.head = nn.Embedding(5, 8), nn.Linear(8, 1)
        self.inner = nn.MultiheadAttention(8, 2, batch_first=True)
        self.places = nn.Parameter(torch.randn(5, 8)) if positions else None

    def forward(self, x: Tensor) -> Tensor:
        z = self.embed(x)
        z = z if self.places is None else z + self.places
        return self.head((z + self.inner(z, z, z)[0]).tanh().mean(1))


@pytest.mark.parametrize("positions", [True, False])
def test_an_order_that_cannot_be_seen(positions: bool) -> None:
    torch.manual_seed(0)
    x = torch.stack([torch.randperm(5) for _ in range(128)])
    y = (x.argmax(1) > x.argmin(1)).float()[:, None]
    report = trained(Encoder(positions), x, y, nn.BCEWithLogitsLoss())
    kinds = [str(found.kind) for found in report.problems]
    assert ("missing_positions" in kinds) == (not positions)


def test_positions_on_a_copy_mend_it() -> None:
    torch.manual_seed(0)
    x = torch.stack([torch.randperm(5) for _ in range(128)])
    y = (x.argmax(1) > x.argmin(1)).float()[:, None]
    loss, model = nn.BCEWithLogitsLoss(), Encoder(False)
    report = trained(model, x, y, loss)
    trials = report.try_remedies(model, (x, y), loss, 300, step_size=1e-2, only=("add_positions",))
    nothing, placed = (trial.after or 9.9 for trial in trials)
    assert nothing > 0.6 > 0.3 > placed


def test_the_mean_of_words_is_meant_to_be_blind_to_order() -> None:
    torch.manual_seed(0)
    x = torch.randint(0, 40, (128, 5))
    y = torch.randn(40)[x].sum(1, keepdim=True)

    class Bag(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.head = nn.Embedding(40, 8), nn.Linear(8, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.embed(x).mean(1))

    report = trained(Bag(), x, y, nn.MSELoss())
    assert not [f for f in report.problems if f.kind == "missing_positions"]


class Reader(nn.Module):
    """An LSTM read in both directions; of the way back the last step is taken, or the first."""

    def __init__(self, back: int) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.inner = nn.LSTM(3, 6, batch_first=True, bidirectional=True)
        self.head, self.back = nn.Linear(12, 3), back

    def forward(self, x: Tensor) -> Tensor:
        z = self.inner(x)[0]
        return self.head(torch.cat([z[:, -1, :6], z[:, self.back, 6:]], 1))


@pytest.mark.parametrize("back", [-1, 0])
def test_a_step_that_the_output_does_not_see(back: int) -> None:
    torch.manual_seed(0)
    words = torch.randint(0, 3, (160, 30))
    x = nn.functional.one_hot(words, 3).float()
    report = trained(Reader(back), x, words[:, 0], nn.CrossEntropyLoss())
    kinds = [str(found.kind) for found in report.problems]
    assert ("wrong_time_step" in kinds) == (back == -1)


def test_outputs_that_depend_on_the_place_in_the_batch() -> None:
    class Counted(nn.Module):
        def __init__(self, along_batch: bool) -> None:
            super().__init__()
            self.embed, self.head = nn.Embedding(5, 8), nn.Linear(8, 1)
            self.along_batch = along_batch

        def forward(self, x: Tensor) -> Tensor:
            z, table = self.embed(x), torch.arange(512.0)[:, None].sin().expand(-1, 8)
            z = z + (table[: len(x), None] if self.along_batch else table[: x.shape[1]])
            return self.head(z.tanh().mean(1))

    torch.manual_seed(0)
    x = torch.randint(0, 5, (64, 6))
    for along_batch in (True, False):
        model = Counted(along_batch)
        report = spurious.diagnose(
            model, (x, x[:, :1].float()), nn.MSELoss(), curvature=False, rehearse=False
        )
        assert ("wrong_axis" in [str(f.kind) for f in report.problems]) == along_batch
