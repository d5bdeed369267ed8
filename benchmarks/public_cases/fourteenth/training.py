"""Fourteenth set, held out: the loop, the optimiser and the data that training sees. Written down,
with what names each cause, before any was run; none was diagnosed.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from public_cases.data import digits
from public_cases.loops import gradients_kept
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
    update,
    usual,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


def teachers_in_order(program: Program) -> Iterator[Tensor]:
    """Points in a new order each epoch, and what the teacher said batch by batch in the order of
    before.
    """
    done = 0
    while done < program.steps:
        rows = torch.randperm(len(program.x)).split(program.batch)
        said = torch.arange(len(program.x)).split(program.batch)
        for here, there in zip(rows, said, strict=True):
            program.optimiser.zero_grad()
            loss = program.loss(program.model(program.x[here]), program.y[there])
            loss.backward()
            program.optimiser.step()
            done += 1
            yield loss


@case("haitongli/knowledge-distillation-pytorch#16", "targets_shuffled", "fault_in_loop")
def teacher_of_other_pictures(seed: int, mended: bool) -> Program:
    """What a teacher says of pictures is kept batch by batch, and the pictures come in another
    order. Then the teacher is asked about the same ones.
    """
    torch.manual_seed(seed)
    x, kind = digits()
    y = torch.softmax(5 * F.one_hot(kind).float() + 0.5 * torch.randn(600, 10), 1)
    model = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 12, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(108, 10),
    )  # fmt: skip
    return Program(
        model, x, y, nn.CrossEntropyLoss(), adam(model, 5e-3), 40, 300, classes_right(kind),
        usual if mended else teachers_in_order,
    )  # fmt: skip


@case("asingh33/CNNGestureRecognizer#8", "targets_shuffled")
def gestures_by_place(seed: int, mended: bool) -> Program:
    """Kinds of gestures, told by the place of a picture in the list of files, which is not sorted.
    Then it is.
    """
    torch.manual_seed(seed)
    x, kind = digits(400)
    kept = kind < 5
    x, kind = x[kept], kind[kept]
    model = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(288, 5)
    )
    y = kind if mended else kind.sort().values
    return Program(
        model, x, y, nn.CrossEntropyLoss(), adam(model, 3e-3), 20, 150, classes_right(kind)
    )


@case("meta-pytorch/torchforge#71", "missing_zero_grad")
def policy_with_old_gradients(seed: int, mended: bool) -> Program:
    """Which answer is rewarded, by how much better it is than the mean of a group; gradients are
    never cleared. Then they are.
    """
    torch.manual_seed(seed)
    x = torch.randn(320, 6)
    y = (x @ torch.randn(6, 4)).argmax(1)
    model = chain([6, 48, 48, 4], nn.Tanh)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        likely = F.log_softmax(outputs, 1)
        taken = torch.multinomial(likely.exp().detach() + 1e-6, 8, replacement=True)
        reward = (taken == targets[:, None]).float()
        better = reward - reward.mean(1, keepdim=True)
        return -(better * likely.gather(1, taken)).mean()

    return Program(
        model, x, y, loss, sgd(model, 3.0), 32, 600, classes_right(y),
        usual if mended else gradients_kept,
    )  # fmt: skip


class Clicks(nn.Module):
    """Scores of clicks, by weights of ids and of numbers; the latter are maybe no parameter."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.ids = nn.Embedding(30, 1)
        start = 0.5 * torch.randn(6, 1)
        self.weight = nn.Parameter(start) if mended else start

    def forward(self, x: Tensor) -> Tensor:
        return self.ids(x[:, 0].long()) + x[:, 1:] @ self.weight


@case("shenweichen/DeepCTR-Torch#61", "optimiser_misses_parameters", "unregistered_parameters")
def weight_that_is_not_registered(seed: int, mended: bool) -> Program:
    """Clicks by an id and by numbers, linearly; the weight of numbers is no parameter of the
    network. Then it is.
    """
    torch.manual_seed(seed)
    numbers = torch.randn(500, 6)
    ids = torch.randint(0, 30, (500, 1))
    y = (numbers @ torch.randn(6, 1) + 0.3 * torch.randn(30, 1)[ids[:, 0]] > 0).float()
    model = Clicks(mended)
    return Program(
        model, torch.cat([ids.float(), numbers], 1), y, nn.BCEWithLogitsLoss(), adam(model, 1e-2),
        50, 600, sides_right(y, 0.0),
    )  # fmt: skip


def decayed_each_step(program: Program) -> Iterator[Tensor]:
    """Rates of layers are lowered by their depth, and this at each step and not once."""
    for _ in range(program.steps):
        yield update(program, torch.randperm(len(program.x))[: program.batch])
        for depth, group in enumerate(program.optimiser.param_groups):
            group["lr"] *= 0.75 ** (3 - depth)


@case("jaehyunnn/ViTPose_pytorch#20", "schedule_to_zero")
def layers_decayed_each_step(seed: int, mended: bool) -> Program:
    """Where a joint is in pictures; rates are lower in lower layers, and are lowered again with
    each step. Then once.
    """
    torch.manual_seed(seed)
    y = 2 * torch.rand(400, 2) - 1
    grid = torch.linspace(-1, 1, 8)
    away = (grid[:, None] - y[:, :1, None]) ** 2 + (grid - y[:, 1:, None]) ** 2
    x = (-6 * away).exp().flatten(1) + 0.05 * torch.randn(400, 64)
    model = chain([64, 64, 64, 2], nn.GELU)
    layers = [layer for layer in model if isinstance(layer, nn.Linear)]
    rule = torch.optim.AdamW(
        [{"params": layer.parameters(), "lr": 3e-3 * 0.75 ** (2 - k)}
         for k, layer in enumerate(layers)]
    )  # fmt: skip
    return Program(
        model, x, y, nn.MSELoss(), rule, 40, 400, explained(y),
        usual if mended else decayed_each_step,
    )  # fmt: skip


@case("1204BUPT/Zhu-Net-image-steganalysis#1", "contradicting_targets")
def nothing_is_hidden(seed: int, mended: bool) -> Program:
    """Whether something is hidden in a picture; paths are split at the wrong sign, and both kinds
    are of the same pictures. Then of their own.
    """
    torch.manual_seed(seed)
    cover = torch.randn(200, 1, 8, 8)
    sign = (-1.0) ** (torch.arange(8)[:, None] + torch.arange(8))
    hidden = cover + 0.5 * sign if mended else cover
    x, y = torch.cat([cover, hidden]), torch.arange(2).repeat_interleave(200).float()[:, None]
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.AvgPool2d(4), nn.Flatten(), nn.Linear(32, 1)
    )
    return Program(
        model, x, y, nn.BCEWithLogitsLoss(), adam(model, 1e-2), 40, 400, sides_right(y, 0.0)
    )
