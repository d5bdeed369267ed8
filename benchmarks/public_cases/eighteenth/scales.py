"""Eighteenth set, held out: scales, starts and what inputs look like. Written down, with what names
each cause, before any was run; none was diagnosed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import curve
from public_cases.program import Case, Program, adam, chain, collector, explained, sides_right

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


class Numbered(nn.Module):
    """Whether a text is kind, of its words' numbers as they are."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = chain([10, 64, 1], nn.ReLU)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.float())


class Looked(nn.Module):
    """Whether a text is kind, of its words' vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(300, 16)
        self.inner = chain([16, 64, 1], nn.ReLU)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(self.embed(x).mean(1))


@case(
    "stackoverflow: Keras, tokenizer's sequences into Dense without Embedding; "
    "ai.stackexchange 11914", "unscaled_inputs", "category_as_number",
)  # fmt: skip
def words_as_numbers(seed: int, mended: bool) -> Program:
    """Whether texts are kind; words are their places in the dictionary, and these are taken for
    amounts. Then each has a vector. No kind names categories that are taken for numbers.
    """
    torch.manual_seed(seed)
    x = torch.randint(0, 300, (1000, 10))
    y = (torch.randn(300)[x].mean(1) > 0).float()[:, None]
    model = Looked() if mended else Numbered()
    return Program(
        model, x, y, nn.BCEWithLogitsLoss(), adam(model, 3e-3), 50, 600, sides_right(y, 0.0)
    )


@case("datascience.stackexchange: targets are very small, all predictions are one", "target_scale")
def returns_of_a_day(seed: int, mended: bool) -> Program:
    """Amounts of some hundred-thousandths; the loss is tiny and what comes out has nothing of them.
    Then they are multiplied by a hundred thousand.
    """
    x, y = curve(seed)
    y = 3e-5 * y
    scale = 1e5 if mended else 1.0
    model = chain([3, 48, 48, 1], nn.ReLU)
    right = explained(y, scale=1 / scale)
    return Program(model, x, scale * y, nn.MSELoss(), adam(model, 3e-3), 40, 600, right)


@case(
    "stackoverflow: log of a spectrogram, loss is nan", "not_finite", "log_of_zero",
    "inputs_not_finite",
)  # fmt: skip
def silence_in_logarithms(seed: int, mended: bool) -> Program:
    """Which of two tones sounds, of logarithms of a spectrogram; some pieces begin with silence,
    and that is minus infinity. Then a little is added before.
    """
    torch.manual_seed(seed)
    y = (torch.arange(400) % 2).float()[:, None]
    time = torch.arange(64.0)
    wave = (time * (0.6 + 0.3 * y) + 6.3 * torch.rand(400, 1)).sin() + 0.3 * torch.randn(400, 64)
    wave[:40, :16] = 0
    power = torch.fft.rfft(wave.view(400, 4, 16)).abs().pow(2).flatten(1)
    x = (power + (1e-3 if mended else 0)).log()
    model = chain([36, 32, 1], nn.ReLU)
    return Program(
        model, x, y, nn.BCEWithLogitsLoss(), adam(model, 3e-3), 40, 400, sides_right(y, 0.0)
    )


class Wave(nn.Module):
    """A sine of a size, a frequency and a phase that are learnt."""

    def __init__(self, frequency: float) -> None:
        super().__init__()
        self.size = nn.Parameter(torch.ones(1))
        self.frequency = nn.Parameter(torch.tensor([frequency]))
        self.phase = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return self.size * (self.frequency * x + self.phase).sin()


@case(
    "stackoverflow: fit a sine by gradient descent in PyTorch, the frequency is not found",
    "local_minimum",
)  # fmt: skip
def frequency_that_is_far(seed: int, mended: bool) -> Program:
    """A noisy sine by its size, frequency and phase; from a frequency of 1 it is not found, and the
    size goes to 0. Then from that of the largest Fourier coefficient.
    """
    torch.manual_seed(seed)
    x = torch.linspace(0, 10, 301)[:300, None]
    y = 1.5 * (5.3 * x + 0.7).sin() + 0.1 * torch.randn(300, 1)
    peak = torch.fft.rfft(y[:, 0]).abs().argmax()
    model = Wave(float(2 * torch.pi * peak / 10) if mended else 1.0)
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 60, 1000, explained(y))


class Waves(nn.Module):
    """Sines and cosines of coordinates, beside them."""

    def forward(self, x: Tensor) -> Tensor:
        turns = torch.cat([2.0**k * torch.pi * x for k in range(4)], 1)
        return torch.cat([x, turns.sin(), turns.cos()], 1)


@case(
    "stackoverflow: a network from coordinates to pixels gives a blur; Fourier features", "plateau",
    "smooth_functions_first",
)  # fmt: skip
def pixels_of_coordinates(seed: int, mended: bool) -> Program:
    """A chequered picture of its coordinates by ReLUs: grey. Then of sines and cosines of them. No
    kind names it that smooth functions are learnt first.
    """
    torch.manual_seed(seed)
    x = torch.cartesian_prod(torch.arange(32), torch.arange(32))
    y = ((x[:, :1] // 4 + x[:, 1:] // 4) % 2).float()
    x = (x + 0.5) / 16 - 1
    body = chain([18 if mended else 2, 64, 64, 1], nn.ReLU)
    model = nn.Sequential(Waves(), *body) if mended else body
    return Program(
        model, x, y, nn.BCEWithLogitsLoss(), adam(model, 3e-3), 128, 800, sides_right(y, 0.0)
    )


@case(
    "reddit: PINN is predicting the trivial solution for a stiff ODE (theneuralfeed.com)",
    "unbalanced_loss_terms",
)  # fmt: skip
def stiff_spring(seed: int, mended: bool) -> Program:
    """A damped spring, let go at 1, by its equation, whose errors go with the square of its
    stiffness: all is 0. Then the equation is divided by the stiffness, and the start counts more.
    """
    torch.manual_seed(seed)
    damping, stiff = 2.0, 100.0
    x = torch.linspace(0, 1, 100)[:, None]
    fast = (stiff - damping**2 / 4) ** 0.5
    y = (-damping * x / 2).exp() * ((fast * x).cos() + damping / 2 / fast * (fast * x).sin())
    model = chain([1, 32, 32, 1], nn.Tanh)
    most = 10.0 if mended else 1.0
    by = stiff if mended else 1.0

    def loss(_: Tensor, points: Tensor) -> Tensor:
        t = points.clone().requires_grad_(True)
        found = model(t)
        (speed,) = torch.autograd.grad(found.sum(), t, create_graph=True)
        (more,) = torch.autograd.grad(speed.sum(), t, create_graph=True)
        start = torch.zeros(1, 1, requires_grad=True)
        first = model(start)
        (rest,) = torch.autograd.grad(first.sum(), start, create_graph=True)
        begun = (first - 1).pow(2).mean() + (rest / fast).pow(2).mean()
        return ((more + damping * speed + stiff * found) / by).pow(2).mean() + most * begun

    return Program(model, x, x, loss, adam(model, 5e-3), 100, 2500, explained(y))
