"""Fourteenth set, held out: how networks are built. Written down, with what names each cause,
before any was run; none was diagnosed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    sides_right,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


class Padded(nn.Module):
    """Kinds of texts, by one layer of attention and the mean over words; word 0 is none."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.embed = nn.Embedding(20, 16)
        self.ask = nn.Linear(16, 16)
        self.answer = nn.Linear(16, 16)
        self.value = nn.Linear(16, 16)
        self.head = nn.Linear(16, 4)
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        z, real = self.embed(x), x != 0
        scores = self.ask(z) @ self.answer(z).transpose(1, 2) / 4
        mask = real[:, None, :] if self.mended else real[:, :, None]
        z = scores.masked_fill(~mask, -torch.inf).softmax(2) @ self.value(z)
        part = real.float()[..., None]
        return self.head((z * part).sum(1) / part.sum(1))


@case("hyunwoongko/transformer#40", "wrong_axis", "not_finite", "all_masked")
def nothing_to_attend_to(seed: int, mended: bool) -> Program:
    """Texts of different lengths; the mask of what is no word is laid over those who ask, which
    then may look at nothing, and the softmax is nan. Then over those who answer. No kind names
    rows that are masked altogether.
    """
    torch.manual_seed(seed)
    y = torch.arange(300) % 4
    likely = torch.softmax(1.5 * torch.randn(4, 19), 1)
    words = 1 + torch.multinomial(likely[y], 10, replacement=True)
    x = words * (torch.arange(10) < torch.randint(4, 11, (300, 1)))
    model = Padded(mended)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 1e-2), 30, 400, classes_right(y))


class Molecule(nn.Module):
    """A property of molecules, by the sum of what is made of their atoms, maybe normalised; the
    last feature says whether there is an atom.
    """

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 32)
        self.norm = nn.Identity() if mended else nn.LayerNorm(32)
        self.head = chain([32, 32, 1], nn.ReLU)

    def forward(self, x: Tensor) -> Tensor:
        atoms = torch.relu(self.inner(x)) * x[..., -1:]
        return self.head(self.norm(atoms.sum(1)))


@case("pgniewko/gt-pyg#110", "ignored_inputs", "size_normalised_away")
def molecules_of_any_size(seed: int, mended: bool) -> Program:
    """A property that grows with the count of atoms; the sum over atoms is normalised, which takes
    the count away. Then it is not. No kind names this.
    """
    torch.manual_seed(seed)
    count = torch.randint(3, 21, (400, 1))
    here = (torch.arange(20) < count).float()[..., None]
    x = torch.cat([0.2 * torch.randn(400, 20, 3) * here, here], 2)
    y = (count - 12) / 5 + 0.5 * x[..., 0].sum(1, keepdim=True)
    model = Molecule(mended)
    return Program(model, x, y, nn.MSELoss(), adam(model, 3e-3), 40, 600, explained(y))


class Poses(nn.Module):
    """Whether a gesture comes before another, by a layer of a transformer; places are those of the
    steps, or all that behind the last.
    """

    def __init__(self, mended: bool) -> None:
        super().__init__()
        at = torch.arange(40)[:, None] * torch.exp(-torch.arange(0, 16, 2) / 16 * 6)
        self.register_buffer("places", torch.cat([at.sin(), at.cos()], 1)[None])
        self.embed = nn.Linear(6, 16)
        self.inner = nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True)
        self.head = nn.Linear(16, 1)
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        long = x.shape[1]
        places = self.get_buffer("places")
        here = places[:, :long] if self.mended else places[:, long]
        return self.head(self.inner(self.embed(x) + here).mean(1))


@case("DiffPoseTalk/DiffPoseTalk#20", "missing_positions")
def poses_at_one_place(seed: int, mended: bool) -> Program:
    """Which of two gestures comes first; a colon is missing, and each step gets the place of the
    last. Then its own.
    """
    torch.manual_seed(seed)
    steps = torch.randint(2, 6, (400, 12))
    pair = torch.rand(400, 12).argsort(1)[:, :2]
    steps.scatter_(1, pair, torch.tensor([[0, 1]]).expand(400, 2))
    y = (pair[:, :1] < pair[:, 1:]).float()
    model = Poses(mended)
    return Program(
        model, F.one_hot(steps, 6).float(), y, nn.BCEWithLogitsLoss(), adam(model, 3e-3), 40, 600,
        sides_right(y, 0.0),
    )  # fmt: skip


class Tastes(nn.Module):
    """Ratings of items by users, by products of their factors."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.users = nn.Embedding(40, 8)
        self.items = nn.Embedding(30, 8)
        for table in (self.users, self.items):
            if mended:
                nn.init.normal_(table.weight, 0.1, 0.1)
            else:
                nn.init.constant_(table.weight, 0.1)
        self.mean = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return (self.users(x[:, 0]) * self.items(x[:, 1])).sum(1) + self.mean


@case("NicolasHug/Surprise#22", "duplicated_units")
def factors_start_alike(seed: int, mended: bool) -> Program:
    """Ratings by factors of users and items, which all start at a tenth and stay alike. Then at
    random.
    """
    torch.manual_seed(seed)
    x = torch.cartesian_prod(torch.arange(40), torch.arange(30))
    y = ((torch.randn(40, 4) @ torch.randn(4, 30)) / 2).flatten()
    model = Tastes(mended)
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 60, 800, explained(y))
