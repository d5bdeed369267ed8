"""Sequences whose next word is to be told: shifted once, twice, or not at all."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.diagnose.training import problems, trained
from torch import Tensor, nn

from spurious.diagnose import Kind

CLASSES = nn.CrossEntropyLoss()


@pytest.mark.parametrize("shifted", ["in the data", "in the loss", "twice"])
def test_words_are_shifted_once(shifted: str) -> None:
    class Words(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.head = nn.Embedding(20, 16), nn.Linear(16, 20)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.embed(x)).transpose(1, 2)

    torch.manual_seed(0)
    after = torch.randperm(20)
    rows = [torch.randint(0, 20, (200,))]
    for _ in range(8):
        rows.append(after[rows[-1]])
    text = torch.stack(rows, 1)
    x, y = (text, text) if shifted == "in the loss" else (text[:, :-1], text[:, 1:])

    def loss(f: Tensor, t: Tensor) -> Tensor:
        return CLASSES(f, t) if shifted == "in the data" else CLASSES(f[..., :-1], t[:, 1:])

    model = Words()
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    report = trained(model, x, y, loss, rule, 30, rehearse=False)
    assert (Kind.WRONG_TIME_STEP in problems(report)) == (shifted == "twice")


class Words(nn.Module):
    """Scores of words at each place, read from the front, or from both sides."""

    def __init__(self, both: bool = False) -> None:
        super().__init__()
        self.embed = nn.Embedding(8, 16)
        self.inner = nn.GRU(16, 16, batch_first=True, bidirectional=both)
        self.head = nn.Linear(32 if both else 16, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(self.embed(x))[0])


def of_places(f: Tensor, t: Tensor) -> Tensor:
    return CLASSES(f.flatten(0, 1), t.flatten())


def of_next(f: Tensor, t: Tensor) -> Tensor:
    return of_places(f[:, :-1], t[:, 1:])


@pytest.mark.parametrize("steps", [0, 100])
@pytest.mark.parametrize(
    ("loss", "both", "said"),
    [(of_places, False, True), (of_next, False, False), (of_places, True, False)],
)
def test_each_word_is_its_own_answer(
    loss: Callable[[Tensor, Tensor], Tensor], both: bool, said: bool, steps: int
) -> None:
    torch.manual_seed(0)
    x = (torch.randint(0, 8, (96, 1)) + torch.randint(1, 4, (96, 1)) * torch.arange(8)) % 8
    model = Words(both)
    rule = torch.optim.Adam(model.parameters(), 5e-3)
    report = trained(model, x, x, loss, rule, steps, rehearse=False)
    assert (Kind.WRONG_TIME_STEP in problems(report)) == said


def test_words_that_hardly_change_are_shifted_by_the_loss() -> None:
    torch.manual_seed(0)
    x = torch.randint(0, 8, (200, 1)).repeat(1, 10)
    x[:4, 5:] = 0
    model = Words()
    rule = torch.optim.Adam(model.parameters(), 5e-3)
    report = trained(model, x, x, of_next, rule, 60, rehearse=False)
    assert Kind.WRONG_TIME_STEP not in problems(report)


@pytest.mark.parametrize("steps", [0, 60])
def test_a_loss_that_moves_the_words_is_no_wrong_loss(steps: int) -> None:
    torch.manual_seed(0)
    x = (torch.randint(0, 8, (96, 1)) + torch.randint(1, 4, (96, 1)) * torch.arange(8)) % 8
    model = Words()
    rule = torch.optim.Adam(model.parameters(), 5e-3)
    report = trained(model, x, x, of_next, rule, steps, rehearse=False)
    assert Kind.WRONG_LOSS not in problems(report)
