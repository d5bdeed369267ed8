"""Sequences that are padded: what is read behind the padding."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

import spurious
from spurious.diagnose import Kind


class Sentence(nn.Module):
    """Of which kind a sentence is, by a recurrent network, (n, T)."""

    def __init__(self, read_at_the_end: bool) -> None:
        super().__init__()
        self.words = nn.Embedding(60, 16, 0)
        self.inner = nn.RNN(16, 32, batch_first=True)
        self.outer = nn.Linear(32, 4)
        self.read_at_the_end = read_at_the_end

    def forward(self, x: Tensor) -> Tensor:
        z, _ = self.inner(self.words(x))
        last = (x != 0).sum(1).clamp_min(1) - 1
        return self.outer(z[:, -1] if self.read_at_the_end else z[torch.arange(len(x)), last])


@pytest.mark.parametrize(("behind", "in_front"), [(True, False), (False, False), (True, True)])
def test_a_state_that_is_read_behind_padding(behind: bool, in_front: bool) -> None:
    """Not where the last word is read, nor where padding stands in front."""
    torch.manual_seed(0)
    x = torch.zeros(160, 40, dtype=torch.long)
    y = torch.arange(160) % 4
    for k in range(160):
        length = int(torch.randint(4, 9, ()))
        x[k, :length] = torch.randint(1, 40, (length,))
        x[k, int(torch.randint(length, ()))] = 40 + 5 * y[k] + torch.randint(5, ())
    if in_front:
        x = x.flip(1)
    model = Sentence(read_at_the_end=behind)
    rule = torch.optim.Adam(model.parameters(), 1e-3)
    loss = nn.CrossEntropyLoss()
    for _ in range(20):
        rule.zero_grad()
        loss(model(x), y).backward()
        rule.step()
    report = spurious.diagnose(model, (x, y), loss, optimiser=rule, rehearse=False, curvature=False)
    said = [found.kind for found in report.problems]
    assert (Kind.WRONG_TIME_STEP in said) is (behind and not in_front)


def test_silence_behind_a_word_is_no_padding_where_copies_learn() -> None:
    """A command, once, then nothing: what is asked is asked of the end."""
    torch.manual_seed(0)

    class Told(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner, self.outer = nn.GRU(2, 24, batch_first=True), nn.Linear(24, 1)

        def forward(self, x: Tensor) -> Tensor:
            return self.outer(self.inner(x)[0][:, -1])

    x, y = torch.zeros(128, 12, 2), (torch.arange(128) % 2).float()[:, None]
    at = torch.randint(0, 4, (128,))
    x[torch.arange(128), at, (torch.arange(128) % 2)] = 1.0
    model, loss = Told(), nn.BCEWithLogitsLoss()
    rule = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(5):
        rule.zero_grad()
        loss(model(x), y).backward()
        rule.step()
    report = spurious.diagnose(model, (x, y), loss, optimiser=rule, curvature=False)
    assert Kind.WRONG_TIME_STEP not in [found.kind for found in report.problems]
    assert Kind.CONSTANT_OUTPUT not in [found.kind for found in report.problems]
