"""Twenty-first set, held out: drawn with repeats. Written down, with what names each cause, before
any was run; none was diagnosed. Sizes of steps, inputs and targets.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from public_cases.data import digits, one_hot
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    keras,
    keras_crossentropy,
    sgd,
)

CASES: list[Case] = []
case = collector(CASES)


@case(
    "discuss.pytorch.org/t/loss-not-converging-on-a-binary-classification-problem/177433",
    "step_too_small",
)  # fmt: skip
def sixty_rows_at_a_crawl(seed: int, mended: bool) -> Program:
    """Sixty rows of seven numbers between 0 and 1, of two classes; plain descent at 0.0001. Then at
    0.1. By the numbers.
    """
    torch.manual_seed(seed)
    x = torch.rand(60, 7)
    kind = (x[:, 0] + x[:, 1] - x[:, 2] - x[:, 3] > 0).long()
    model = keras(chain([7, 60, 100, 30, 2], nn.ReLU))
    rule = sgd(model, 0.1 if mended else 1e-4)
    return Program(model, x, kind, nn.CrossEntropyLoss(), rule, 15, 1500, classes_right(kind))


class Tiny(nn.Module):
    """Outputs of a network, brought back to the size of the targets."""

    def __init__(self, inner: nn.Module, size: float) -> None:
        super().__init__()
        self.inner = inner
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        return self.size * self.inner(x)


def until_flat(program: Program) -> Iterator[Tensor]:
    """All points at once; ends where the gradient is below the least that is allowed."""
    for _ in range(program.steps):
        program.optimiser.zero_grad()
        loss = program.loss(program.model(program.x), program.y)
        loss.backward()
        yield loss
        slopes = [p.grad for p in program.model.parameters() if p.grad is not None]
        if float(torch.cat([g.flatten() for g in slopes]).norm()) < 1e-7:
            return
        program.optimiser.step()


@case("mathworks.com/matlabcentral/answers/301189", "target_scale")
def sine_of_a_tiny_size(seed: int, mended: bool) -> Program:
    """A sine over ten thousand million; outputs are brought back to that size before the error is
    taken, and training ends before its first step, as the gradient is below the least. Then both
    are between -1 and 1.
    """
    torch.manual_seed(seed)
    x = torch.linspace(-1, 1, 101)[:, None]
    size = 1.0 if mended else 1e-10
    truth = (5 * (x + 1)).sin()
    model = Tiny(chain([1, 15, 1], nn.Tanh), size)
    return Program(
        model, x, size * truth, nn.MSELoss(), adam(model, 2e-2), 101, 3000,
        explained(truth, 1 / size), until_flat,
    )  # fmt: skip


@case("pullrequest.ru/10248037 (CNN in Keras, the same value for any input)", "unscaled_inputs")
def pixels_up_to_255(seed: int, mended: bool) -> Program:
    """Pictures with pixels from 0 to 255 into a convolutional network, which tells the same for
    all. Then from 0 to 1.
    """
    torch.manual_seed(seed)
    x, kind = digits()
    x = x.reshape(-1, 1, 8, 8) * (1.0 if mended else 255.0)
    model = keras(
        nn.Sequential(
            nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(144, 64),
            nn.ReLU(), nn.Linear(64, 10), nn.Softmax(1),
        )
    )  # fmt: skip
    rule = sgd(model, 0.05)
    return Program(model, x, one_hot(kind), keras_crossentropy, rule, 32, 600, classes_right(kind))


@case(
    "discuss.pytorch.org/t/cross-entropy-loss-is-not-decreasing/43814/16", "step_too_large",
    "dead_units",
)  # fmt: skip
def relus_killed_by_a_large_step(seed: int, mended: bool) -> Program:
    """Digits; the loss stays at 2.30, most weights have become negative and their gradients 0. Then
    a smaller step.
    """
    torch.manual_seed(seed)
    x, kind = digits()
    model = chain([64, 64, 64, 10], nn.ReLU)
    rule = adam(model, 1e-3 if mended else 0.3)
    return Program(model, x, kind, nn.CrossEntropyLoss(), rule, 32, 500, classes_right(kind))


@case("stats.stackexchange.com/questions/280372", "step_too_small")
def parabola_at_a_thousandth(seed: int, mended: bool) -> Program:
    """A hundred points of a parabola between 0 and 1, all at once, by plain descent at 0.001: a
    straight line. Then at 0.3. By the numbers.
    """
    torch.manual_seed(seed)
    x = torch.arange(100)[:, None] * 0.01
    y = (x - 0.5).pow(2)
    model = keras(chain([1, 16, 16, 1], nn.ReLU))
    rule = sgd(model, 0.3 if mended else 1e-3)
    return Program(model, x, y, nn.MSELoss(), rule, 100, 3000, explained(y))


@case("datascience.stackexchange.com/questions/15962", "step_too_large")
def a_step_ten_times_too_large(seed: int, mended: bool) -> Program:
    """Some quantity; at a rate of 0.001 the loss was asked about as going from thousands to a
    trillion and on; here it comes to the mean. Then 0.0001.
    """
    torch.manual_seed(seed)
    x = 5 * torch.rand(400, 6)
    y = 20 * (x @ torch.randn(6, 1)) + 5 * x[:, :1] * x[:, 1:2]
    model = chain([6, 32, 32, 1], nn.ReLU)
    rule = sgd(model, 1e-4 if mended else 1e-3)
    return Program(model, x, y, nn.MSELoss(), rule, 40, 1500, explained(y))


@case(
    "recalled (stackoverflow 37232782: NaN loss when training regression network)",
    "target_scale",
    "step_too_large",
)
def prices_around_a_thousand(seed: int, mended: bool) -> Program:
    """Some price around a thousand by a Keras regression with momentum; asked about as no number
    within the first epoch; here it comes to the mean. Then the price in units of its spread.
    """
    torch.manual_seed(seed)
    x = torch.randn(400, 8)
    price = 1000 + 200 * (x[:, :1] + torch.sin(2 * x[:, 1:2]) + 0.5 * x[:, 2:3] * x[:, 3:4])
    y, right = price, explained(price)
    if mended:
        right = explained(price, float(price.std()), float(price.mean()))
        y = (price - price.mean()) / price.std()
    model = keras(chain([8, 40, 20, 1], nn.ReLU))
    rule = sgd(model, 0.01, momentum=0.9, nesterov=True)
    return Program(model, x, y, nn.MSELoss(), rule, 32, 800, right)


@case("stats.stackexchange.com/questions/65292", "unscaled_inputs", "target_scale")
def product_of_two_numbers_up_to_500(seed: int, mended: bool) -> Program:
    """The product of two numbers up to 500, as they are, by two layers of five sigmoids; what it
    tells is nearly constant. Then numbers and product in units of their spread. By the code.
    """
    torch.manual_seed(seed)
    x = 1 + 499 * torch.rand(50, 2)
    y = x[:, :1] * x[:, 1:]
    right = explained(y)
    if mended:
        right = explained(y, float(y.std()), float(y.mean()))
        x, y = (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()
    model = chain([2, 5, 5, 1], nn.Sigmoid)
    for p in model.parameters():
        nn.init.normal_(p)
    rule = torch.optim.Rprop(model.parameters())
    return Program(model, x, y, nn.MSELoss(), rule, 50, 2000, right)


class Attends(nn.Module):
    """One layer of attention over a window of numbers, (n, time, 1), to some numbers behind it."""

    def __init__(self, time: int, ahead: int) -> None:
        super().__init__()
        self.inner = nn.Linear(1, 16)
        self.places = nn.Parameter(0.1 * torch.randn(time, 16))
        self.layer = nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True)
        self.head = nn.Linear(16 * time, ahead)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(self.inner(x) + self.places).flatten(1))


@case("datascience.stackexchange.com/questions/93377", "step_too_large")
def power_grid_told_as_a_line(seed: int, mended: bool) -> Program:
    """The next hours of a load on the grid by a transformer, asked about as a straight line through
    the mean; here some of it is learnt. Then a smaller learning rate.
    """
    torch.manual_seed(seed)
    t = torch.arange(424.0)
    load = (2 * torch.pi * t / 24).sin() + 0.5 * (2 * torch.pi * t / 7).sin()
    load = load + 0.1 * torch.randn(424)
    windows = load.unfold(0, 28, 1)
    x, y = windows[:, :24, None], windows[:, 24:]
    model = Attends(24, 4)
    rule = adam(model, 1e-3 if mended else 0.3)
    return Program(model, x, y, nn.MSELoss(), rule, 40, 400, explained(y))
