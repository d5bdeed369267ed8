"""Twelfth set, held out: what the network is. Written down, with what names each cause, before any
was run; none was diagnosed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.program import Case, Program, adam, classes_right, collector

CASES: list[Case] = []
case = collector(CASES)


class Encoder(nn.Module):
    """What the first place says after attention to all, of sequences (n, time)."""

    def __init__(self, batch_first: bool) -> None:
        super().__init__()
        self.words = nn.Embedding(6, 24)
        self.places = nn.Parameter(torch.randn(8, 24))
        layer = nn.TransformerEncoderLayer(24, 2, 48, dropout=0.0, batch_first=batch_first)
        self.inner = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(24, 6)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(self.words(x) + self.places)[:, 0])


@case("DaoyuanLi2816/Molecule-Generator#22", "wrong_axis")
def attention_among_molecules(seed: int, mended: bool) -> Program:
    """The last letter of strings, told at the first place by a transformer; the batch is first, and
    the layer is not told so: it attends among strings.
    """
    torch.manual_seed(seed)
    x = torch.randint(6, (300, 8))
    y = x[:, -1]
    model = Encoder(mended)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 3e-3), 20, 300, classes_right(y))
