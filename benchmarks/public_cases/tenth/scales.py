"""Tenth set, held out: scales, rates and counts of updates. Written down, with what names each
cause, before any was run; none was diagnosed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import digits, xor
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    keras,
    sgd,
    sides_right,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


def small_cnn(kinds: int, size: int = 8) -> nn.Sequential:
    """Two convolutions and two linear layers, for grey pictures."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(32 * (size // 4) ** 2, 64), nn.ReLU(), nn.Linear(64, kinds),
    )  # fmt: skip


class Times(nn.Module):
    """So many times as much."""

    def __init__(self, much: float) -> None:
        super().__init__()
        self.much = much

    def forward(self, x: Tensor) -> Tensor:
        return self.much * x


@case(
    "copy in huggingface.co/datasets/nvidia/Nemotron-CC-Math-v1: Tensorflow Regression Model "
    "Giving Same Prediction Every Time",
    "step_too_large",
    "target_scale",
    "unscaled_inputs",
)
def fifty_marks_for_all(seed: int, mended: bool) -> Program:
    """Marks to 50 by hours slept, studied and played; a sigmoid times 50 is 50 for all. Then marks
    and hours to 1.
    """
    torch.manual_seed(seed)
    hours = 10 * torch.rand(60, 4)
    share = torch.sigmoid((hours - 5) @ torch.tensor([[0.1], [0.4], [-0.3], [-0.1]]) + 1)
    x, y = (hours / 10, share) if mended else (hours, 50 * share)
    model = chain([4, 2, 1], nn.Sigmoid, nn.Sigmoid(), *([] if mended else [Times(50)]))
    for p in model.parameters():
        (nn.init.normal_ if p.dim() > 1 else nn.init.zeros_)(p)
    rate = 1.0 if mended else 0.05
    return Program(model, x, y, nn.MSELoss(), sgd(model, rate), 20, 3000, explained(y))


@case("stats.stackexchange 65292", "unscaled_inputs", "target_scale", "saturation")
def products_to_a_quarter_million(seed: int, mended: bool) -> Program:
    """Products of two numbers to 500, by two layers of five logistic units; all come out alike."""
    torch.manual_seed(seed)
    share = torch.rand(50, 2)
    z = share.prod(1, keepdim=True)
    x, y = (4 * share - 2, (z - z.mean()) / z.std()) if mended else (500 * share, 250000 * z)
    model = chain([2, 5, 5, 1], nn.Sigmoid)
    for p in model.parameters():
        nn.init.normal_(p)
    rule = torch.optim.Rprop(model.parameters(), 0.01)
    return Program(model, x, y, nn.MSELoss(), rule, 50, 800, explained(y))


@case("ai.stackexchange 28864", "step_too_large", "dead_units", "unscaled_inputs")
def sums_of_five_numbers(seed: int, mended: bool) -> Program:
    """Sums of five numbers by two ReLUs; all weights become negative and the mean comes out. Then
    with smaller steps.
    """
    torch.manual_seed(seed)
    x = torch.randint(1, 11, (200, 5)).float()
    y = x.sum(1, keepdim=True)
    model = chain([5, 2, 1], nn.ReLU)
    rule = sgd(model, 2e-4 if mended else 0.03)
    return Program(model, x, y, nn.MSELoss(), rule, 200, 3000, explained(y))


@case(
    "copy in huggingface.co/datasets/nvidia/Nemotron-CC-Math-v1: Neural Network written in Kotlin "
    "working for simple math problems but not for MNIST",
    "step_too_large",
)
def digits_in_kotlin(seed: int, mended: bool) -> Program:
    """Digits by logistic units, with cross entropy and a little decay; answers are by chance. Then
    with smaller steps.
    """
    flat, kind = digits()
    torch.manual_seed(seed)
    y = F.one_hot(kind, 10).float()
    model = chain([64, 30, 10], nn.Sigmoid, nn.Sigmoid())

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.binary_cross_entropy(outputs, targets, reduction="sum") / len(targets)

    rule = sgd(model, 0.3 if mended else 12.0, weight_decay=1e-4)
    return Program(model, flat, y, loss, rule, 10, 900, classes_right(kind))


@case("discourse.julialang.org/t/28378", "too_few_updates", "step_too_small")
def hundred_updates(seed: int, mended: bool) -> Program:
    """All points a hundred times over, one update each, where the other framework makes many."""
    torch.manual_seed(seed)
    x = torch.rand(1500, 50)
    y = ((x - 0.5) @ torch.randn(50, 1) / 4 + 1).clamp_min(0)
    model = keras(chain([50, 1], None, nn.ReLU()))
    batch, steps = (32, 2500) if mended else (1500, 100)
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-3), batch, steps, explained(y))


@case("datascience.stackexchange 55931", "too_few_updates", "step_too_small")
def larger_than_five(seed: int, mended: bool) -> Program:
    """Is a number larger than five; `fit` goes over the numbers once. Then often, and faster."""
    torch.manual_seed(seed)
    x = torch.arange(1.0, 10)[:, None]
    y = (x > 5).float()
    model = keras(chain([1, 5, 1], nn.Sigmoid, nn.Sigmoid()))
    rate, steps = (1.0, 4000) if mended else (0.01, 1)
    return Program(model, x, y, nn.MSELoss(), sgd(model, rate), 9, steps, sides_right(y, 0.5))


@case("tensorflow/tfjs#259", "step_too_small", "too_few_updates")
def words_after_words(seed: int, mended: bool) -> Program:
    """The vector of the next word by a linear layer, three times over the words at the usual rate;
    the answer is always the same word.
    """
    torch.manual_seed(seed)
    x = torch.randn(400, 60)
    y = x @ torch.randn(60, 60) / 60**0.5
    model = keras(chain([60, 60], None))
    rate, steps = (5.0, 400) if mended else (0.01, 39)
    return Program(model, x, y, nn.MSELoss(), sgd(model, rate), 32, steps, explained(y))


@case("tensorflow/tfjs#2644", "too_few_updates", "step_too_small")
def miles_by_horsepower(seed: int, mended: bool) -> Program:
    """How far a car goes by how strong it is, a curve; not even a straight line comes out. Then
    with more epochs.
    """
    torch.manual_seed(seed)
    x = torch.rand(400, 1)
    y = 1 / (1 + 4 * x) + 0.05 * torch.randn(400, 1)
    model = keras(chain([1, 32, 32, 1], nn.Sigmoid))
    steps = 2500 if mended else 65
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-3), 32, steps, explained(y))


@case("tensorflow/tfjs#8302, tensorflow/tensorflow#18493", "step_too_large", "unscaled_inputs")
def line_beyond_25(seed: int, mended: bool) -> Program:
    """The line of the first example, with numbers to 30; it ends in nan. Then in smaller steps."""
    torch.manual_seed(seed)
    x = torch.arange(-1.0, 31)[:, None]
    y = 2 * x - 1
    model = nn.Linear(1, 1)
    rule = sgd(model, 1e-3 if mended else 0.01)
    return Program(model, x, y, nn.MSELoss(), rule, 32, 1500, explained(y))


@case("cazala/synaptic#224", "too_few_updates", "step_too_small")
def xor_by_two_layers_of_ten(seed: int, mended: bool) -> Program:
    """Exclusive or by two layers of ten logistic units; ten times as many updates are needed."""
    torch.manual_seed(seed)
    x, y = xor()
    model = chain([2, 10, 10, 1], nn.Sigmoid, nn.Sigmoid())
    steps = 8000 if mended else 800
    return Program(model, x, y, nn.MSELoss(), sgd(model, 2.0), 4, steps, explained(y))


@case("keras-team/keras#1006", "step_too_large")
def accuracy_stops(seed: int, mended: bool) -> Program:
    """Pictures by a simple convolutional network, whose accuracy stops. Then at a smaller rate."""
    flat, y = digits()
    torch.manual_seed(seed)
    model = keras(small_cnn(10))
    rule = torch.optim.RMSprop(model.parameters(), 1e-3 if mended else 0.1)
    return Program(
        model, flat.reshape(-1, 1, 8, 8), y, nn.CrossEntropyLoss(), rule, 30, 300, classes_right(y)
    )


@case("MorvanZhou/tutorials#32", "unscaled_inputs")
def pixels_to_255(seed: int, mended: bool) -> Program:
    """The tutorial's convolutional network, with pixels to 255; accuracy is a tenth and the cost
    above ten. Then pixels to 1.
    """
    flat, y = digits()
    torch.manual_seed(seed)
    x = flat.reshape(-1, 1, 8, 8) * (1 if mended else 255)
    model = small_cnn(10)
    for p in model.parameters():
        if p.dim() > 1:
            nn.init.trunc_normal_(p, std=0.1)
        else:
            nn.init.constant_(p, 0.1)
    return Program(model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.1), 30, 400, classes_right(y))


@case("deeplearning4j/deeplearning4j#1666", "unscaled_inputs", "step_too_large")
def pictures_of_one_colour(seed: int, mended: bool) -> Program:
    """Pictures of one colour each, of three colours; the normaliser was made but not applied, and
    the score is nan.
    """
    torch.manual_seed(seed)
    y = torch.arange(60) % 3
    colour = torch.eye(3)[y] * (0.6 + 0.4 * torch.rand(60, 1))
    x = colour[:, :, None, None].expand(-1, 3, 8, 8) * (1 if mended else 255)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(72, 32), nn.ReLU(),
        nn.Linear(32, 3),
    )  # fmt: skip
    rule = sgd(model, 0.02, momentum=0.9, nesterov=True)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 12, 200, classes_right(y))


@case("FluxML/Flux.jl#798", "step_too_large", "dead_units", "wrong_output_activation")
def one_wide_filter(seed: int, mended: bool) -> Program:
    """One picture and what one wide filter with a ReLU should make of it; after a step it is 0
    everywhere. Then with smaller steps.
    """
    torch.manual_seed(seed)
    x, y = torch.rand(1, 1, 56, 56), torch.rand(1, 1, 4, 4)
    wide = nn.Conv2d(1, 1, 32, stride=8)
    nn.init.constant_(wide.weight, 0.001)
    model = nn.Sequential(wide, nn.ReLU())
    rule = adam(model, 1e-4 if mended else 1e-2)
    return Program(model, x, y, nn.MSELoss(), rule, 1, 1500, explained(y))


@case("FluxML/Flux.jl#1352", "step_too_large", "dead_units", "local_minimum")
def xor_at_rate_one(seed: int, mended: bool) -> Program:
    """Whether two bits are alike, by narrow layers of ReLUs, at a rate of 1; the error stalls at a
    quarter.
    """
    torch.manual_seed(seed)
    x, unlike = xor(50)
    y = 1 - unlike
    model = keras(chain([2, 5, 10, 5, 1], nn.ReLU))
    rule = adam(model, 1e-2 if mended else 1.0)
    return Program(model, x, y, nn.MSELoss(), rule, 200, 800, explained(y))


@case("stats.stackexchange 420006", "step_too_large")
def four_clusters_at_half(seed: int, mended: bool) -> Program:
    """Ten points in four clusters, by four layers of ten ReLUs; a rate of 0.5 does not learn and
    0.1 does.
    """
    torch.manual_seed(seed)
    y = torch.arange(20) % 4
    x = torch.tensor([[1.0, 1.0], [1.0, 4.0], [4.0, 1.0], [4.0, 4.0]])[y] + 0.3 * torch.randn(20, 2)
    model = chain([2, 10, 10, 10, 10, 4], nn.ReLU)
    rule = sgd(model, 0.05 if mended else 0.5)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 20, 1500, classes_right(y))
