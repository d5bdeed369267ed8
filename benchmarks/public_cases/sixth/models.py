"""Sixth set, held out: architectures and normalisation. Written down, with what names each cause,
before any was run; none was diagnosed. A name that is no kind of finding says what the right one
would be. How the set was drawn is told in `sixth_outputs.py`.

Sizes, noise, steps and rates of some were then set until program and twin did as the thread says;
no finding was looked at.

One more did not reproduce and was left out: `statistics_of_the_last_few` (pytorch/pytorch#3869),
dropout of maps and batch norm whose running statistics follow the last few batches, is as good in
evaluation mode as its twin with slower ones (0.99 to 1, whatever the momentum).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import xor
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    sgd,
    sides_right,
)

CASES: list[Case] = []
case = collector(CASES)


@case("discuss.pytorch.org/t/13287", "missing_nonlinearity", "linear_model")
def xor_by_two_lines(seed: int, mended: bool) -> Program:
    """XOR by two linear layers and a sigmoid; the answer has a relu between them, and squares."""
    torch.manual_seed(seed)
    x, y = xor()
    model = chain([2, 10, 1], nn.ReLU if mended else None, nn.Sigmoid())
    return Program(model, x, y, nn.MSELoss() if mended else nn.BCELoss(), sgd(model, 0.3), 4, 3000,
                   sides_right(y, 0.5))  # fmt: skip


@case("discuss.pytorch.org/t/98714", "saddle", "plateau", "step_too_small", "too_few_updates",
      "too_few_units")  # fmt: skip
def same_or_not(seed: int, mended: bool) -> Program:
    """Are two bits the same? 2-4-1 by sigmoids, squares, gradient descent 0.01, one point a step;
    the answer has more layers, logits, momentum and other steps.
    """
    torch.manual_seed(seed)
    x, differ = xor()
    y = 1 - differ
    if mended:
        model = chain([2, 16, 16, 1], nn.Sigmoid)
        return Program(model, x, y, nn.BCEWithLogitsLoss(), sgd(model, 0.3, momentum=0.9), 4, 2500,
                       sides_right(y, 0.0))  # fmt: skip
    model = chain([2, 4, 1], nn.Sigmoid, nn.Sigmoid())
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.uniform_(layer.weight)
    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.01), 1, 4000, sides_right(y, 0.5))


@case("ai.stackexchange 16557", "vanishing_gradient")
def four_layers_of_sigmoids(seed: int, mended: bool) -> Program:
    """Numbers from bits, by four wide hidden layers of sigmoids; the answer has relus."""
    torch.manual_seed(seed)
    x = (torch.rand(400, 12) < 0.5).float()
    y = (x @ torch.randn(12, 1) + 2 * x[:, :1] * x[:, 1:2]).tanh()
    model = chain([12, 100, 100, 100, 100, 1], nn.ReLU if mended else nn.Sigmoid)
    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.05), 20, 1500, explained(y))


class Follower(nn.Module):
    """A transformer whose encoder reads the first half, (n, 8, 2), and whose decoder continues what
    came so far, the second half; or zeros.
    """

    def __init__(self, zeros: bool) -> None:
        super().__init__()
        self.above = nn.Linear(2, 16)
        self.inner = nn.Transformer(16, 2, 1, 1, 32, dropout=0.0, batch_first=True)
        self.below = nn.Linear(16, 2)
        self.zeros = zeros

    def forward(self, x: Tensor) -> Tensor:
        source, so_far = x[:, :8], x[:, 8:]
        if self.zeros:
            so_far = torch.zeros_like(so_far)
        mask = nn.Transformer.generate_square_subsequent_mask(8)
        return self.below(self.inner(self.above(source), self.above(so_far), tgt_mask=mask))


@case("openillumi.com/en/en-pytorch-transformer-multidim-output-same-fix", "ignored_inputs",
      "decoder_fed_zeros")  # fmt: skip
def decoder_of_zeros(seed: int, mended: bool) -> Program:
    """The decoder is given zeros and not what came so far: all steps of a sequence come out the
    same.
    """
    torch.manual_seed(seed)
    angle = torch.tensor(0.8)
    turn = torch.stack([torch.stack([angle.cos(), -angle.sin()]),
                        torch.stack([angle.sin(), angle.cos()])])  # fmt: skip
    start = torch.randn(300, 2)
    source = start[:, None] + 0.3 * torch.randn(300, 8, 2)
    path = [start]
    for _ in range(8):
        path.append(path[-1] @ turn)
    y = torch.stack(path[1:], 1)
    x = torch.cat([source, torch.stack(path[:-1], 1)], 1)
    model = Follower(not mended)
    return Program(model, x, y, nn.MSELoss(), adam(model), 32, 500, explained(y))


class Words(nn.Module):
    """Reads words, (n, time), and takes the last output."""

    def __init__(self) -> None:
        super().__init__()
        self.vectors = nn.Embedding(40, 16)
        self.inner = nn.LSTM(16, 24, batch_first=True)
        self.head = nn.Linear(24, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(self.vectors(x))[0][:, -1])


@case("keras-team/keras#20898, keras-team/keras-io#2044", "wrong_time_step", "padding_read")
def zeros_behind(seed: int, mended: bool) -> Program:
    """Is a text kind? Zeros fill it up behind the words, and the end of it is read."""
    torch.manual_seed(seed)
    y = (torch.rand(300, 1) < 0.5).float()
    x = torch.zeros(300, 80, dtype=torch.long)
    for row in range(300):
        length = int(torch.randint(6, 15, (1,)))
        words = torch.randint(9, 40, (length,))
        words[torch.randint(0, length, (2,))] = torch.randint(1, 5, (2,)) + 4 * int(y[row, 0])
        x[row, 80 - length :] = words
        if not mended:
            x[row] = x[row].roll(length)
    model = Words()
    return Program(model, x, y, nn.BCEWithLogitsLoss(), adam(model, 5e-3), 32, 250,
                   sides_right(y, 0.0))  # fmt: skip


class Frozen(nn.Module):
    """A frozen body with batch norm, and a new head. The body's statistics are those of other
    images; where `settled`, they are used in training, too.
    """

    def __init__(self, settled: bool) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 32), nn.BatchNorm1d(32, momentum=0.0), nn.ReLU())
        self.body.requires_grad_(False)
        self.head = nn.Linear(32, 3)
        self.settled = settled

    def train(self, mode: bool = True) -> Frozen:
        super().train(mode)
        if self.settled:
            self.body.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


@case("keras-team/keras#9214, keras-team/keras#9965", "train_eval_gap", "frozen_statistics")
def statistics_of_other_images(seed: int, mended: bool) -> Program:
    """A frozen body normalises by the batch in training and by old statistics afterwards: the same
    class always. With the old ones in training, too, it is right.
    """
    torch.manual_seed(seed)
    y = torch.arange(300) % 3
    x = 3 + 0.5 * torch.randn(300, 6)
    x[:, :3] += 1.5 * nn.functional.one_hot(y).float()
    model = Frozen(mended)
    for layer in model.body:
        if isinstance(layer, nn.BatchNorm1d):
            assert layer.running_mean is not None
            layer.running_mean.copy_(0.5 * torch.randn(32))
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 1e-2), 32, 500, classes_right(y))
