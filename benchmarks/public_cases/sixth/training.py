"""Sixth set, held out: data, loops and too few updates. Written down, with what names each cause,
before any was run; none was diagnosed. A name that is no kind of finding says what the right one
would be. How the set was drawn is told in `sixth_outputs.py`.

Sizes, noise, steps and rates of some were then set until program and twin did as the thread says;
no finding was looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from public_cases.data import blobs, digits
from public_cases.loops import gradients_kept
from public_cases.models import Read
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
    usual,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case("e-com-net.com/article/1619816447322652672", "backward_of_another", "detached_loss")
def backward_of_another(seed: int, mended: bool) -> Program:
    """The cost is computed, and another loss goes backward: it stays at 0.69."""
    torch.manual_seed(seed)
    x = torch.randn(300, 1, 8, 8)
    y = (x[:, 0, :4].mean((1, 2)) > x[:, 0, 4:].mean((1, 2))).float()[:, None]
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Flatten(),
                          nn.Linear(512, 1))  # fmt: skip

    def loop(program: Program) -> Iterator[Tensor]:
        other = torch.zeros(1, requires_grad=True)
        for _ in range(program.steps):
            rows = torch.randperm(300)[: program.batch]
            cost = program.loss(program.model(program.x[rows]), program.y[rows])
            program.model.zero_grad()
            loss = other.sum()
            loss.backward()
            program.optimiser.step()
            yield cost

    return Program(model, x, y, nn.BCEWithLogitsLoss(), adam(model), 32, 200, sides_right(y, 0.0),
                   usual if mended else loop)  # fmt: skip


@case("FluxML/model-zoo#244, FluxML/model-zoo#273", "gradient_sign_flipped")
def minus_in_the_update(seed: int, mended: bool) -> Program:
    """Houses by a linear model; the update subtracts minus the gradient."""
    torch.manual_seed(seed)
    x = torch.randn(200, 13)
    y = x @ torch.randn(13, 1) + 0.3 * torch.randn(200, 1)
    model = nn.Linear(13, 1)

    def loop(program: Program) -> Iterator[Tensor]:
        for _ in range(program.steps):
            program.optimiser.zero_grad()
            loss = program.loss(program.model(program.x), program.y)
            loss.backward()
            for weight in program.model.parameters():
                assert weight.grad is not None
                weight.grad.neg_()
            program.optimiser.step()
            yield loss

    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.1), 200, 200, explained(y),
                   usual if mended else loop)  # fmt: skip


@case("greebear/pytorch-learning#1, IBM/aihwkit#446", "missing_zero_grad")
def line_with_kept_gradients(seed: int, mended: bool) -> Program:
    """A line by gradient descent, as small as the step may be; gradients are never cleared."""
    torch.manual_seed(seed)
    x = 20 * torch.rand(100, 1)
    y = 2 * x + 3 + torch.randn(100, 1)
    model = nn.Linear(1, 1)
    return Program(model, x, y, nn.MSELoss(), sgd(model, 1e-3), 100, 400, explained(y),
                   usual if mended else gradients_kept)  # fmt: skip


@case("fchollet/deep-learning-with-python-notebooks#293", "missing_zero_grad")
def custom_step_keeps_gradients(seed: int, mended: bool) -> Program:
    """A model with its own step of training, which does not clear gradients, and RMSprop."""
    torch.manual_seed(seed)
    x, y = digits()
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))
    rule = torch.optim.RMSprop(model.parameters(), lr=1e-2)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 32, 400, classes_right(y),
                   usual if mended else gradients_kept)  # fmt: skip


@case("karpathy/convnetjs#90", "too_few_updates")
def one_iteration(seed: int, mended: bool) -> Program:
    """The same scores for all images, after a single round through them."""
    torch.manual_seed(seed)
    x, y = digits()
    model = nn.Sequential(nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(),
                          nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 10))  # fmt: skip
    return Program(model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.01, momentum=0.9), 20,
                   600 if mended else 1, classes_right(y))  # fmt: skip


@case("pullrequest.ru/13233417", "too_few_updates", "step_too_small")
def when_was_the_pulse(seed: int, mended: bool) -> Program:
    """Was the pulse at the first of ten times? An LSTM of one unit; the answer has far more
    epochs.
    """
    torch.manual_seed(seed)
    x = torch.eye(10)[..., None]
    y = torch.eye(10)[:, :1]
    model = Read(nn.LSTM(1, 1, batch_first=True), nn.Identity())
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 10, 2500 if mended else 50,
                   explained(y))  # fmt: skip


@case("keras-team/keras#6447", "not_finite")
def one_missing_number(seed: int, mended: bool) -> Program:
    """One number of the table is NaN, and then all that is predicted is the same."""
    x, y = blobs(seed)
    x = x.clone()
    x[123, 2] = float("nan")
    if mended:
        keep = x.isfinite().all(1)
        x, y = x[keep], y[keep]
    torch.manual_seed(seed)
    model = chain([4, 32, 3], nn.ReLU)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model), 32, 400, classes_right(y))


@case("discuss.pytorch.org/t/160728", "step_too_large")
def into_the_wall(seed: int, mended: bool) -> Program:
    """A policy gradient that comes to do one thing only, whatever it sees; a smaller step made the
    big difference.
    """
    torch.manual_seed(seed)
    sight = torch.randn(300, 4)
    best = (sight @ torch.randn(4, 6)).argmax(1)
    reward = torch.where(F.one_hot(best, 6) > 0, 1.0, -0.5)

    def loss(outputs: Tensor, reward: Tensor) -> Tensor:
        policy = torch.distributions.Categorical(logits=outputs)
        action = policy.sample()
        return -(policy.log_prob(action) * reward.gather(1, action[:, None])[:, 0]).mean()

    model = chain([4, 64, 64, 6], nn.ReLU)
    return Program(model, sight, reward, loss, adam(model, 3e-3 if mended else 0.1), 32, 800,
                   classes_right(best))  # fmt: skip
