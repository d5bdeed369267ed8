"""Fifth set, held out: units of inputs and targets, starts, norms, steps and their schedules.
Written down, with what names each cause, before any was run; none was diagnosed. A name that is no
kind of finding says what the right one would be called.

Sizes, noise, steps and rates of some were then set until program and twin did as the thread says;
no finding was looked at.

Two more did not reproduce and were left out: `uniform_to_one` (tinygrad/tinygrad#566), weights
between -1 and 1 however many inputs there are, and `norms_of_one_image` (microsoft/CNTK#905,
xuebinqin/BASNet#42), batch norms of convolutions in batches of one, learn as their twins do.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from public_cases.data import curve, digits
from public_cases.loops import scheduled
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    sgd,
    update,
    usual,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


class Half(nn.Module):
    """A network in brain floats."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner.bfloat16()

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.bfloat16()).float()


@case("workofart/ml-by-hand#85, pytorch/ao#1124", "precision_too_low", "step_too_small")
def lost_in_rounding(seed: int, mended: bool) -> Program:
    """Weights, none of them small, are brain floats, and steps are below half of their last digit:
    nothing changes. The answer keeps weights in full.
    """
    torch.manual_seed(seed)
    x, y = digits(512)
    inner = chain([64, 128, 10], nn.ReLU)
    with torch.no_grad():
        for w in inner.parameters():
            w += 0.15 * torch.where(w > 0, 1.0, -1.0)
    model = inner if mended else Half(inner)
    rule = torch.optim.AdamW(model.parameters(), lr=2e-4, weight_decay=0.0)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 64, 700, classes_right(y))


@case("keras-team/keras#13815, tensorflow/tensorflow#39432, udacity/private-ai#17",
      "step_too_small", "too_few_updates")  # fmt: skip
def adadelta_by_a_thousand(seed: int, mended: bool) -> Program:
    """Adadelta, whose step should be 1, with a new default of 0.001."""
    torch.manual_seed(seed)
    x, y = digits(512)
    images = x.reshape(512, 1, 8, 8)
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(),
                          nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10))  # fmt: skip
    rule = torch.optim.Adadelta(model.parameters(), lr=1.0 if mended else 1e-3, rho=0.95, eps=1e-6)
    return Program(model, images, y, nn.CrossEntropyLoss(), rule, 64, 400, classes_right(y))


@case("pytorch/pytorch#78917, lhoyer/MIC#60, gao-hongnan/omniverse#82", "step_too_small",
      "too_few_updates")  # fmt: skip
def step_times_step(seed: int, mended: bool) -> Program:
    """`LambdaLR` multiplies the step by what it is given, and is given the step."""
    torch.manual_seed(seed)
    x, y = digits(512)
    model = chain([64, 32, 10], nn.ReLU)
    rule = sgd(model, 1e-2, momentum=0.9)
    base = 1.0 if mended else 1e-2
    schedule = torch.optim.lr_scheduler.LambdaLR(rule, lambda k: base * (1 + 0.0003 * k) ** (-0.75))
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 32, 400, classes_right(y),
                   lambda p: scheduled(p, schedule))  # fmt: skip


@case("pytorch/pytorch#65417, espnet/espnet#3319, ageron/handson-mlp#28", "step_too_small",
      "too_few_updates", "schedule_by_epoch")  # fmt: skip
def cycle_of_which_a_bit(seed: int, mended: bool) -> Program:
    """One cycle of the step over all batches, but it is stepped with each epoch and stays at its
    start.
    """
    torch.manual_seed(seed)
    x, y = digits(512)
    model = chain([64, 48, 32, 10], nn.ReLU)
    rule = sgd(model, 1e-3, momentum=0.9)
    schedule = torch.optim.lr_scheduler.OneCycleLR(rule, max_lr=3e-2, total_steps=401,
                                                   cycle_momentum=False)  # fmt: skip
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 32, 400, classes_right(y),
                   lambda p: scheduled(p, schedule, by_epoch=not mended))  # fmt: skip


@case("FunctionLab/selene#115, md-mohaiminul/ViS4mer#4", "schedule_to_zero", "step_too_small")
def plateau_of_the_largest(seed: int, mended: bool) -> Program:
    """The step is cut when the loss has not grown for two epochs: the mode is that of a score."""
    torch.manual_seed(seed)
    x, y = digits(512)
    model = chain([64, 32, 10], nn.ReLU)
    rule = sgd(model, 2e-2, momentum=0.9)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(
        rule, "min" if mended else "max", patience=0, factor=0.1
    )

    def loop(program: Program) -> Iterator[Tensor]:
        done = 0
        while done < program.steps:
            losses = []
            for rows in torch.randperm(512).split(program.batch):
                loss = update(program, rows)
                losses.append(float(loss.detach()))
                done += 1
                yield loss
            schedule.step(sum(losses) / len(losses))

    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 64, 320, classes_right(y), loop)


@case("lksshw/SRNet#18", "step_too_small", "too_few_updates", "gradients_clipped")
def clipped_to_a_hundredth(seed: int, mended: bool) -> Program:
    """Each gradient is clipped to 0.01 at most, by gradient descent; with 1 it learns."""
    x, y = curve(seed, 400)
    y = 20 * y
    model = chain([3, 32, 1], nn.Tanh)
    most = 1.0 if mended else 1e-2

    def loop(program: Program) -> Iterator[Tensor]:
        done = 0
        while done < program.steps:
            for rows in torch.randperm(400).split(program.batch):
                loss = update(program, rows, step=False)
                nn.utils.clip_grad_value_(model.parameters(), most)
                program.optimiser.step()
                done += 1
                yield loss

    return Program(model, x, y, nn.MSELoss(), sgd(model, 2e-2), 32, 1200, explained(y), loop)


class Averaged(nn.Module):
    """A network that is trained, and a running mean of it that is shown."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner
        self.shown = copy.deepcopy(inner).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) if self.training else self.shown(x)


def following(model: Averaged, kept: Callable[[int], float],
              prefix: str = "") -> Callable[[Program], Iterator[Tensor]]:  # fmt: skip
    """The usual loop, and after each update the mean keeps a share of itself."""

    def loop(program: Program) -> Iterator[Tensor]:
        for k, loss in enumerate(usual(program)):
            now = {prefix + name: w for name, w in model.inner.named_parameters()}
            with torch.no_grad():
                for name, mean in model.shown.named_parameters():
                    if name in now:
                        mean.lerp_(now[name], 1 - kept(k + 1))
            yield loss

    return loop


@case("ultralytics/yolov5#4389", "train_eval_gap", "average_lags")
def mean_that_lags(seed: int, mended: bool) -> Program:
    """The running mean keeps 0.9999 of itself, and there are 400 updates; the answer lets it keep
    little at the start.
    """
    torch.manual_seed(seed)
    x, y = digits(512)
    model = Averaged(chain([64, 32, 10], nn.ReLU))

    def kept(k: int) -> float:
        return 0.9999 * (1 - math.exp(-k / 2000)) if mended else 0.9999

    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model), 32, 400, classes_right(y),
                   following(model, kept))  # fmt: skip


@case("wandb/senpai#2899", "train_eval_gap", "average_never_updated")
def mean_of_other_names(seed: int, mended: bool) -> Program:
    """Names of the compiled network have a prefix: the mean finds none and stays as it is."""
    torch.manual_seed(seed)
    x = torch.randn(400, 5)
    y = torch.sin(2 * x[:, :1]) + x[:, 1:2] * x[:, 2:3]
    model = Averaged(chain([5, 48, 48, 1], nn.ReLU))
    return Program(model, x, y, nn.MSELoss(), adam(model, 5e-3), 40, 600, explained(y),
                   following(model, lambda _: 0.98, "" if mended else "_orig_mod."))  # fmt: skip


@case("stackoverflow 47240308, community.insaid.co 360051529674", "shifted_initialisation",
      "bad_initial_scale", "saturation")  # fmt: skip
def rand_for_randn(seed: int, mended: bool) -> Program:
    """A network from scratch with sigmoids, its weights drawn between 0 and 1."""
    torch.manual_seed(seed)
    x, y = digits(512)
    model = chain([64, 40, 10], nn.Sigmoid)
    for layer in model:
        if isinstance(layer, nn.Linear):
            if mended:
                nn.init.xavier_uniform_(layer.weight)
            else:
                nn.init.uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return Program(model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.5), 32, 800, classes_right(y))


@case("aiUIUC/pyAIUtils#25", "bad_initial_scale", "exploding_gradient", "saturation",
      "shifted_initialisation")  # fmt: skip
def spread_given_as_mean(seed: int, mended: bool) -> Program:
    """The initialiser's first argument is the mean, and it is given the spread: the spread is 1."""
    torch.manual_seed(seed)
    x, y = digits(512)
    images = x.reshape(512, 1, 8, 8)
    model = nn.Sequential(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(),
                          nn.Conv2d(16, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                          nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
                          nn.Flatten(), nn.Linear(128, 64), nn.ReLU(),
                          nn.Linear(64, 10))  # fmt: skip
    for layer in model:
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            spread = (2 / layer.weight[0].numel()) ** 0.5
            mean, std = (0.0, spread) if mended else (spread, 1.0)
            nn.init.normal_(layer.weight, mean, std)
            nn.init.zeros_(layer.bias)  # pyright: ignore[reportArgumentType]
    return Program(model, images, y, nn.CrossEntropyLoss(), sgd(model, 2e-2, momentum=0.9), 32,
                   250, classes_right(y))  # fmt: skip


class Column(nn.Module):
    """Of one number, maybe with a norm in front."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.norm = nn.Identity() if mended else nn.LayerNorm(1)
        self.inner = chain([1, 32, 32, 1], nn.Tanh)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(self.norm(x))


@case("pytorch/pytorch#108956", "one_feature_norm")
def norm_of_a_column(seed: int, mended: bool) -> Program:
    """`LayerNorm` of a single column is 0 whatever is in it."""
    torch.manual_seed(seed)
    x = 4 * torch.rand(300, 1) - 2
    y = (2 * x).sin() + 0.3 * x
    model = Column(mended)
    return Program(model, x, y, nn.MSELoss(), adam(model, 5e-3), 32, 800, explained(y))


@case("pytorch/pytorch#19250, pytorch/pytorch#45687", "one_feature_norm")
def norm_of_a_pixel(seed: int, mended: bool) -> Program:
    """An encoder goes down to maps of one pixel, and a norm of each by itself (`GroupNorm` with
    as many groups, once `InstanceNorm2d`) makes them 0."""
    torch.manual_seed(seed)
    x, y = digits(512)
    images = x.reshape(512, 1, 8, 8)
    norm = nn.GroupNorm(4 if mended else 32, 32)
    model = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.ReLU(), nn.Conv2d(8, 16, 3, 2, 1),
                          nn.ReLU(), nn.Conv2d(16, 32, 3, 2, 1), norm, nn.ReLU(), nn.Flatten(),
                          nn.Linear(32, 10))  # fmt: skip
    return Program(model, images, y, nn.CrossEntropyLoss(), adam(model, 5e-3), 32, 250,
                   classes_right(y))  # fmt: skip


@case("stackoverflow 48785115", "inputs_wrapped", "unscaled_inputs")
def bytes_that_wrap(seed: int, mended: bool) -> Program:
    """128 is taken away from bytes, which have no sign: dark becomes bright."""
    torch.manual_seed(seed)
    x, y = digits(512)
    raw = (255 * x).round().to(torch.uint8)
    shown = (raw.float() - 128) / 128 if mended else (raw - 128).float() / 128
    model = chain([64, 24, 10], nn.ReLU)
    return Program(model, shown, y, nn.CrossEntropyLoss(), sgd(model, 0.02), 32, 300,
                   classes_right(y))  # fmt: skip


class Derivatives(nn.Module):
    """A function with its slopes and the sum of its second derivatives, (n, 1 + d + 1)."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> Tensor:
        with torch.enable_grad():
            at = x.detach().requires_grad_()
            u = self.inner(at)
            slope = torch.autograd.grad(u.sum(), at, create_graph=True)[0]
            bends = [
                torch.autograd.grad(slope[:, k].sum(), at, create_graph=True)[0][:, k : k + 1]
                for k in range(at.shape[1])
            ]
        return torch.cat([u, slope, torch.stack(bends).sum(0)], 1)


@case("lululxvi/deepxde#321", "unscaled_inputs", "domain_too_large", "unbalanced_loss_terms")
def nothing_but_a_spike(seed: int, mended: bool) -> Program:
    """y'' / 2 + y = 0 from -300 to 300 with y = 1 and y' = 0 in the middle: 0 but for a spike. The
    answer begins with a small stretch.
    """
    torch.manual_seed(seed)
    x = (torch.arange(101.0) - 50)[:, None] / 50 * (2.5 if mended else 300.0)
    model = Derivatives(chain([1, 32, 32, 1], nn.Tanh))

    def loss(outputs: Tensor, middle: Tensor) -> Tensor:
        u, slope, bend = outputs.unbind(1)
        start = ((u - 1).pow(2) + slope.pow(2)) * middle[:, 0]
        return (0.5 * bend + u).pow(2).mean() + start.sum()

    right = explained((2**0.5 * x).cos())
    return Program(model, x, (x == 0).float(), loss, adam(model, 5e-3), 101, 900,
                   lambda f: right(f[:, :1]))  # fmt: skip


@case("lululxvi/deepxde#80", "no_second_derivative")
def equation_of_relus(seed: int, mended: bool) -> Program:
    """u'' = -9 sin(3 x), u = 0 at both ends, by relus, whose second derivative is 0."""
    torch.manual_seed(seed)
    x = torch.linspace(0, torch.pi, 61)[:, None]
    ends = torch.zeros(61, 1)
    ends[0] = ends[-1] = 1
    y = torch.cat([-9 * (3 * x).sin(), ends], 1)
    model = Derivatives(chain([1, 32, 32, 1], nn.Tanh if mended else nn.ReLU))

    def loss(outputs: Tensor, known: Tensor) -> Tensor:
        inside = (outputs[:, 2] - known[:, 0]).pow(2).mean()
        return inside + 10 * (known[:, 1] * outputs[:, 0].pow(2)).sum()

    right = explained((3 * x).sin())
    return Program(model, x, y, loss, adam(model, 1e-2), 61, 1000, lambda f: right(f[:, :1]))


@case("lululxvi/deepxde#279, lululxvi/deepxde#118", "unbalanced_loss_terms")
def equation_drowns_the_edge(seed: int, mended: bool) -> Program:
    """Laplace's equation in a square, its values on the edge known, both weighted alike. The asker
    gives the equation a small weight.
    """
    torch.manual_seed(seed)
    grid = torch.linspace(0, 1, 11)
    x = torch.cartesian_prod(grid, grid)
    rate = 2 * torch.pi
    truth = (rate * x[:, :1]).sin() * (rate * x[:, 1:]).sinh() / math.sinh(rate)
    edge = ((x == 0) | (x == 1)).any(1, keepdim=True).float()
    model = Derivatives(chain([2, 24, 24, 1], nn.Tanh))
    weight = 1e-3 if mended else 1.0

    def loss(outputs: Tensor, known: Tensor) -> Tensor:
        edge, value = known.unbind(1)
        inside = ((1 - edge) * outputs[:, 3].pow(2)).mean()
        return weight * inside + (edge * (outputs[:, 0] - value).pow(2)).mean()

    right = explained(truth)
    return Program(model, x, torch.cat([edge, truth * edge], 1), loss, adam(model, 5e-3), 121, 500,
                   lambda f: right(f[:, :1]))  # fmt: skip


class Heads(nn.Module):
    """Scores of two classes and a price, (n, 3), of common features."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = chain([6, 32, 32], nn.ReLU, nn.ReLU())
        self.kind = nn.Linear(32, 2)
        self.price = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        z = self.inner(x)
        return torch.cat([self.kind(z), self.price(z)], 1)


@case("AlliedToasters/dfencoder#4", "unbalanced_loss_terms", "target_scale")
def price_and_kind(seed: int, mended: bool) -> Program:
    """A squared error in euros and a cross entropy are added; the class is not learnt."""
    torch.manual_seed(seed)
    x = torch.randn(500, 6)
    kind = (x[:, 0] * x[:, 1] > 0).long()
    price = 2e4 + 5e3 * (x[:, 2].sin() + x[:, 3] * x[:, 4])
    shown = (price - price.mean()) / price.std() if mended else price
    model = Heads()

    def loss(outputs: Tensor, known: Tensor) -> Tensor:
        error = F.mse_loss(outputs[:, 2], known[:, 1])
        return F.cross_entropy(outputs[:, :2], known[:, 0].long()) + error

    right = classes_right(kind)
    return Program(model, x, torch.stack([kind.float(), shown], 1), loss, adam(model, 5e-3), 50,
                   600, lambda f: right(f[:, :2]))  # fmt: skip
