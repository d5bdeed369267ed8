"""Third set: architectures and starts. Written down, with what names each cause, before any was
diagnosed; a name that is no kind of finding says what the right one would be called.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import digits
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

CASES: list[Case] = []
case = collector(CASES)


class Summary(nn.Module):
    """Reads sequences in both directions and keeps the last state of each."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.inner = nn.GRU(3, 16, batch_first=True, bidirectional=True)
        self.head = nn.Linear(32, 1)
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        last = self.inner(x)[1]
        if self.mended:
            last = last.transpose(0, 1)
        return self.head(last.reshape(len(x), 32))


@case("timbmg/Sentence-VAE#15", "wrong_axis")
def states_reshaped(seed: int, mended: bool) -> Program:
    """Last states of both directions, (2, n, h), are reshaped to (n, 2 h): points are mixed."""
    torch.manual_seed(seed)
    x = torch.randn(300, 6, 3)
    y = (x[:, :, 0].sum(1, keepdim=True) > 0).float()
    model = Summary(mended)
    return Program(model, x, y, nn.BCEWithLogitsLoss(), adam(model, 1e-2), 30, 500,
                   sides_right(y, 0.0))  # fmt: skip


class Reader(nn.Module):
    """Reads sequences in both directions and takes the outputs at the end."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.inner = nn.LSTM(4, 16, batch_first=True, bidirectional=True)
        self.head = nn.Linear(32, 4)
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        z = self.inner(x)[0]
        back = z[:, 0 if self.mended else -1, 16:]
        return self.head(torch.cat([z[:, -1, :16], back], 1))


@case("yunjey/pytorch-tutorial#149, aymericdamien/TensorFlow-Examples#201", "wrong_time_step",
      "vanishing_gradient")  # fmt: skip
def end_of_both_ways(seed: int, mended: bool) -> Program:
    """Of the way back, too, the output at the end is taken, which has read one word."""
    torch.manual_seed(seed)
    words = torch.randint(0, 4, (256, 40))
    x, y = nn.functional.one_hot(words, 4).float(), words[:, 0]
    model = Reader(mended)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 5e-3), 64, 200,
                   classes_right(y))  # fmt: skip


class Attention(nn.Module):
    """A weighted mean over time, weighted by a small network, and read off."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.weigh = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Linear(16, 1))
        self.head = chain([3, 16, 1], nn.ReLU)
        self.axis = axis

    def forward(self, x: Tensor) -> Tensor:
        weights = torch.softmax(self.weigh(x), self.axis)
        return self.head((weights * x).sum(1))


@case("PetrochukM/PyTorch-NLP#2, DEEP-PolyU/KEQA_WSDM19#2", "softmax_over_one_unit", "wrong_axis")
def attention_is_one(seed: int, mended: bool) -> Program:
    """The softmax of the attention goes over an axis of length 1, so all weights are 1."""
    torch.manual_seed(seed)
    x = torch.randn(400, 6, 3)
    chosen = x[:, :, 0].argmax(1)
    y = x[torch.arange(400), chosen, 1:2]
    model = Attention(1 if mended else 2)
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 40, 1000, explained(y))


class Positions(nn.Module):
    """A transformer encoder; positions along the sequence, along the batch, or none."""

    table: Tensor

    def __init__(self, along: str) -> None:
        super().__init__()
        self.embed = nn.Embedding(6, 16)
        at = torch.arange(512)[:, None] / 10000 ** (torch.arange(0, 16, 2) / 16)
        self.register_buffer("table", torch.stack([at.sin(), at.cos()], 2).reshape(512, 16))
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.inner = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.head = nn.Linear(16, 1)
        self.along = along

    def forward(self, x: Tensor) -> Tensor:
        z = self.embed(x)
        if self.along == "sequence":
            z = z + self.table[: x.shape[1]]
        if self.along == "batch":
            z = z + self.table[: x.shape[0], None]
        return self.head(self.inner(z).mean(1))


def orders(seed: int) -> tuple[Tensor, Tensor]:
    """Six words in any order, and whether the first word of all comes before the second."""
    torch.manual_seed(seed)
    x = torch.stack([torch.randperm(6) for _ in range(300)])
    return x, ((x == 0).int().argmax(1) < (x == 1).int().argmax(1)).float()[:, None]


@case("cmu-l3/anlp-fall2025-code#1, songyangco/GETNext#2", "wrong_axis", "missing_positions")
def positions_along_batch(seed: int, mended: bool) -> Program:
    """Positions are counted along the batch: all words of a sequence have the same one."""
    x, y = orders(seed)
    model = Positions("sequence" if mended else "batch")
    return Program(model, x, y, nn.BCEWithLogitsLoss(), adam(model), 30, 400, sides_right(y, 0.0))


@case("Lightning-AI/pytorch-lightning#20099", "missing_positions")
def positions_not_used(seed: int, mended: bool) -> Program:
    """The encoding of positions is made and not added."""
    x, y = orders(seed)
    model = Positions("sequence" if mended else "none")
    return Program(model, x, y, nn.BCEWithLogitsLoss(), adam(model), 30, 400, sides_right(y, 0.0))


class Bag(nn.Module):
    """The mean of words' vectors, read off."""

    def __init__(self, frozen: bool) -> None:
        super().__init__()
        self.words = nn.Embedding.from_pretrained(0.1 * torch.randn(60, 8), freeze=frozen)
        self.head = nn.Linear(8, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.words(x).mean(1))


@case("huggingface/optimum-graphcore#304, fenchri/edge-oriented-graph#12", "frozen_layers")
def vectors_frozen(seed: int, mended: bool) -> Program:
    """`Embedding.from_pretrained` freezes by default, here vectors that know nothing."""
    torch.manual_seed(seed)
    x = torch.randint(0, 60, (400, 5))
    y = (torch.randn(60)[x].sum(1, keepdim=True) > 0).float()
    model = Bag(not mended)
    return Program(model, x, y, nn.BCEWithLogitsLoss(), adam(model, 1e-2), 32, 600,
                   sides_right(y, 0.0))  # fmt: skip


@case("pudae/tensorflow-densenet#22, hunkim/DeepLearningZeroToAll#204", "too_much_dropout",
      "over_regularised", "train_eval_gap")  # fmt: skip
def kept_is_dropped(seed: int, mended: bool) -> Program:
    """The share to be kept is taken for the share to be dropped, behind every layer."""
    torch.manual_seed(seed)
    x, y = digits(512)
    parts: list[nn.Module] = []
    for below in (64, 32, 32, 32):
        parts += [nn.Linear(below, 32), nn.ReLU(), nn.Dropout(0.1 if mended else 0.9)]
    model = nn.Sequential(*parts, nn.Linear(32, 10))
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model), 64, 600, classes_right(y))


@case("mozilla/DeepSpeech#138, mozilla/DeepSpeech#154", "bad_initial_scale", "saturation",
      "exploding_gradient")  # fmt: skip
def standard_normal_start(seed: int, mended: bool) -> Program:
    """Weights and biases of standard deviation 1 before relus that are cut at 20; 0.1 is right."""
    torch.manual_seed(seed)
    x, y = digits(512)
    parts: list[nn.Module] = []
    for below in (64, 64, 64, 64):
        parts += [nn.Linear(below, 64), nn.Hardtanh(0.0, 20.0)]
    model = nn.Sequential(*parts, nn.Linear(64, 10))
    for p in model.parameters():
        nn.init.normal_(p, 0.0, 0.1 if mended else 1.0)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 1e-3), 64, 400,
                   classes_right(y))  # fmt: skip


@case("ai.stackexchange 18134, discourse.julialang.org/t/30138", "missing_nonlinearity",
      "linear_model")  # fmt: skip
def square_without_bend(seed: int, mended: bool) -> Program:
    """X^2 + b from layers whose activation is None."""
    torch.manual_seed(seed)
    x = torch.stack([4 * torch.rand(200) - 2, torch.randn(200)], 1)
    y = x[:, :1] ** 2 + x[:, 1:]
    model = chain([2, 2, 64, 32, 1] if not mended else [2, 16, 64, 32, 1],
                  nn.ReLU if mended else None)  # fmt: skip
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 32, 600, explained(y))
