"""Seventeenth set, held out: the loop, the optimiser and the data that training sees. Written down,
with what names each cause, before any was run; none was diagnosed.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from public_cases.data import digits
from public_cases.loops import gradients_kept, scheduled
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


def weights_for_inputs(program: Program) -> Iterator[Tensor]:
    """Each weight's gradient is its unit's error times the weight itself, and not times what came
    in.
    """
    done = 0
    while done < program.steps:
        for rows in torch.randperm(len(program.x)).split(program.batch):
            loss = update(program, rows, step=False)
            for layer in program.model.modules():
                if isinstance(layer, nn.Linear):
                    error = layer.bias.grad
                    assert error is not None
                    layer.weight.grad = error[:, None] * layer.weight.detach()
            program.optimiser.step()
            done += 1
            yield loss


@case(
    "stats.stackexchange 464262, techfeed.net/es/468648", "fault_in_loop", "wrong_gradient",
)  # fmt: skip
def slopes_with_the_weight_itself(seed: int, mended: bool) -> Program:
    """A line over 1 to 9 by sigmoids, with gradients by hand, into which weights come where inputs
    should; the mean comes out. Then inputs. No kind names a wrong gradient.
    """
    torch.manual_seed(seed)
    x = torch.arange(1.0, 10.0)[:, None] / 9
    y = (1.2 * 9 * x + 1) / 12
    model = chain([1, 4, 1], nn.Sigmoid, nn.Sigmoid())
    return Program(
        model, x, y, nn.MSELoss(), sgd(model, 2.0), 3, 3000, explained(y),
        usual if mended else weights_for_inputs,
    )  # fmt: skip


@case("offlinew.com/q/4098171066", "missing_zero_grad")
def template_is_the_sum(seed: int, mended: bool) -> Program:
    """Digits by tanh and squared errors; sums of gradients are set back to a template, which is the
    same array, and so never. Then to zeros.
    """
    torch.manual_seed(seed)
    x, kind = digits()
    y = 2 * F.one_hot(kind, 10).float() - 1
    model = chain([64, 32, 10], nn.Tanh, nn.Tanh())
    return Program(
        model, x, y, nn.MSELoss(), sgd(model, 0.5), 60, 800, classes_right(kind),
        usual if mended else gradients_kept,
    )  # fmt: skip


def outputs_of_the_start(program: Program) -> Iterator[Tensor]:
    """The outputs are computed once, before the loop, and their graph is kept."""
    outputs = program.model(program.x)
    for _ in range(program.steps):
        program.optimiser.zero_grad()
        loss = program.loss(outputs, program.y)
        loss.backward(retain_graph=True)
        program.optimiser.step()
        yield loss


@case(
    "discuss.pytorch.org: loss is the same with retain_graph, the forward pass is before the loop",
    "fault_in_loop", "stale_outputs",
)  # fmt: skip
def forward_before_the_loop(seed: int, mended: bool) -> Program:
    """A linear regression; the outputs are computed once, before the loop, and the loss stays while
    weights run away. Then in each turn. No kind names outputs that are old.
    """
    torch.manual_seed(seed)
    x = torch.randn(200, 3)
    y = x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 3 + 0.1 * torch.randn(200, 1)
    model = nn.Linear(3, 1)
    return Program(
        model, x, y, nn.MSELoss(), sgd(model, 0.05), 200, 300, explained(y),
        usual if mended else outputs_of_the_start,
    )  # fmt: skip


@case("datascience.stackexchange 26112", "schedule_to_zero", "step_too_small")
def decayed_at_each_update(seed: int, mended: bool) -> Program:
    """Digits; the rate is divided by 1 and a decay times the count of epochs, as is believed, and
    it is that of updates. Then of epochs.
    """
    torch.manual_seed(seed)
    x, y = digits()
    model = chain([64, 32, 10], nn.ReLU)
    rule = sgd(model, 0.1)
    turn = torch.optim.lr_scheduler.LambdaLR(rule, lambda k: 1 / (1 + 0.5 * k))
    return Program(
        model, x, y, nn.CrossEntropyLoss(), rule, 20, 600, classes_right(y),
        lambda program: scheduled(program, turn, by_epoch=mended),
    )  # fmt: skip


@case("open-mmlab/mmaction2#590", "contradicting_targets")
def pushed_left_and_mirrored(seed: int, mended: bool) -> Program:
    """Whether a thing is pushed left or right, of four frames; the set has mirrored clips as well,
    with the names that they had. Then left is right in them.
    """
    torch.manual_seed(seed)
    right = (torch.arange(800) % 2).float()[:, None]
    start = 3 + 4 * torch.rand(800, 1)
    middle = start + (2 * right - 1) * torch.arange(4.0)
    frames = torch.exp(-((torch.arange(12.0) - middle[..., None]) ** 2))
    frames = frames + 0.1 * torch.randn(800, 4, 12)
    x = torch.cat([frames, frames.flip(2)])
    y = torch.cat([right, 1 - right if mended else right])
    model = nn.Sequential(nn.Flatten(), chain([48, 32, 1], nn.ReLU))
    score = sides_right(right, 0.0)
    return Program(
        model, x, y, nn.BCEWithLogitsLoss(), adam(model, 3e-3), 40, 400,
        lambda found: score(found[:800]),
    )  # fmt: skip


class Forgery(nn.Module):
    """Makes points of noise, and beside it a judge of points."""

    def __init__(self) -> None:
        super().__init__()
        self.maker = chain([2, 32, 32, 2], nn.ReLU)
        self.judge = chain([2, 32, 32, 1], lambda: nn.LeakyReLU(0.2))

    def forward(self, x: Tensor) -> Tensor:
        return self.maker(x)


def in_turns(program: Program) -> Iterator[Tensor]:
    """A step of the judge, and one of the maker; one optimiser has both, in two groups."""
    model = program.model
    assert isinstance(model, Forgery)
    done = 0
    while done < program.steps:
        for rows in torch.randperm(len(program.x)).split(program.batch):
            real, made = program.y[rows], model(program.x[rows])
            program.optimiser.zero_grad()
            told = F.softplus(-model.judge(real)) + F.softplus(model.judge(made.detach()))
            told.mean().backward()
            for p in model.maker.parameters():
                p.grad = None
            program.optimiser.step()
            program.optimiser.zero_grad()
            loss = program.loss(model(program.x[rows]), real)
            loss.backward()
            for p in model.judge.parameters():
                p.grad = None
            program.optimiser.step()
            done += 1
            yield loss


@case("tdeboissiere/DeepLearningImplementations#11", "step_too_large")
def forger_at_ten_times_the_rate(seed: int, mended: bool) -> Program:
    """Points made like true ones; the maker's loss stays where the first epoch leaves it. Then a
    tenth of the rate.
    """
    torch.manual_seed(seed)
    y = torch.randn(400, 2) * torch.tensor([0.5, 0.2]) + torch.tensor([1.0, -0.5])
    x = torch.randn(400, 2)
    model = Forgery()

    def loss(outputs: Tensor, _: Tensor) -> Tensor:
        return F.softplus(-model.judge(outputs)).mean()

    def score(outputs: Tensor) -> float:
        off = (outputs.sort(0)[0] - y.sort(0)[0]).pow(2).mean(0)
        return float((1 - off / (y.var(0) + 0.1)).mean())

    rule = adam(model, 2e-3 if mended else 0.02, betas=(0.5, 0.999))
    return Program(model, x, y, loss, rule, 50, 800, score, in_turns)


def thawed_later(program: Program) -> Iterator[Tensor]:
    """The first layers are thawed after the first epochs."""
    for k, loss in enumerate(usual(program)):
        if k == 50:
            for p in program.model.parameters():
                p.requires_grad_(True)
        yield loss


@case(
    "discuss.pytorch.org: layers are unfrozen later, the optimiser had only those that required "
    "gradients", "optimiser_misses_parameters", "frozen_layers",
)  # fmt: skip
def thawed_behind_the_optimiser(seed: int, mended: bool) -> Program:
    """Digits; the first layers are frozen and thawed later, and the optimiser was given what was
    not frozen then. Then it is given all.
    """
    torch.manual_seed(seed)
    x, y = digits()
    model = chain([64, 6, 6, 10], nn.ReLU)
    for k in (0, 2):
        model[k].requires_grad_(False)
    rule = torch.optim.Adam(model.parameters(), lr=1e-2) if mended else adam(model, 1e-2)
    return Program(
        model, x, y, nn.CrossEntropyLoss(), rule, 60, 400, classes_right(y), thawed_later
    )


def whole_batches(program: Program) -> Iterator[Tensor]:
    """Batches that are not full are left out."""
    for _ in range(program.steps):
        for rows in torch.randperm(len(program.x)).split(program.batch):
            if len(rows) == program.batch:
                yield update(program, rows)


@case(
    "discuss.pytorch.org: drop_last with fewer points than a batch", "optimiser_never_steps",
    "too_few_updates",
)  # fmt: skip
def no_batch_is_full(seed: int, mended: bool) -> Program:
    """Pictures, fewer than a batch holds, and batches that are not full are left out: none is left.
    Then they are taken.
    """
    torch.manual_seed(seed)
    x, y = digits(100)
    model = chain([64, 32, 10], nn.ReLU)
    return Program(
        model, x, y, nn.CrossEntropyLoss(), adam(model, 1e-2), 128, 200, classes_right(y),
        usual if mended else whole_batches,
    )  # fmt: skip


@case(
    "stackoverflow: the replay memory holds one array many times, append a copy",
    "constant_inputs",
)  # fmt: skip
def one_state_remembered_many_times(seed: int, mended: bool) -> Program:
    """Values of three actions in remembered states of a moving cart; what is remembered is the
    array itself, which moves on, and all states are the last. Then copies.
    """
    torch.manual_seed(seed)
    state = torch.zeros(4)
    memory, walked = [], []
    for _ in range(400):
        state.mul_(0.6).add_(torch.randn(4))
        memory.append(state if not mended else state.clone())
        walked.append(state.clone())
    seen, walk = torch.stack(memory), torch.stack(walked)
    y = torch.tanh(walk @ torch.randn(4, 3)) + 0.5 * walk[:, :1] * walk[:, 1:2]
    model = chain([4, 32, 3], nn.Tanh)
    return Program(model, seen, y, nn.MSELoss(), adam(model, 1e-2), 40, 600, explained(y))
