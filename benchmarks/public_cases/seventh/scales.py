"""Seventh set, held out: scales of inputs and targets, initialisations, step sizes and counts.
Written down, with what names each cause, before any was run; none was diagnosed.
"""

from __future__ import annotations

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
    sides_right,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


def standard(x: Tensor) -> Tensor:
    """Columns of mean 0 and spread 1."""
    return (x - x.mean(0)) / x.std(0)


@case("stackoverflow 47724077", "unscaled_inputs")
def census_as_it_is(seed: int, mended: bool) -> Program:
    """Ages, years of school and hours next to weights of 200000; columns are scaled."""
    torch.manual_seed(seed)
    unit = torch.randn(1000, 14)
    y = (unit[:, 0] + unit[:, 1] + 0.5 * unit[:, 2] * unit[:, 3] > 0.3).long()
    scales = torch.tensor([13.6, 2.6, 12.3, 1.0, 105000.0, 7400.0, 400.0, 1, 1, 1, 1, 1, 1, 1])
    middles = torch.tensor([38.6, 10, 40.4, 1.0, 190000, 1077.0, 87.0, 0, 0, 0, 0, 0, 0, 0])
    x = standard(unit) if mended else unit * scales + middles
    model = keras(chain([14, 21, 2], nn.ReLU, nn.Softmax(1)))
    return Program(model, x, one_hot(y), keras_crossentropy, adam(model, 1e-3), 100, 500,
                   classes_right(y))  # fmt: skip


@case("stackoverflow 48594888", "unscaled_inputs")
def pictures_up_to_255(seed: int, mended: bool) -> Program:
    """Coloured pictures with values up to 255, ten kinds; the loss stays at that of chance."""
    torch.manual_seed(seed)
    grey, y = digits()
    x = 255 * (grey.reshape(-1, 1, 8, 8) * torch.tensor([0.9, 0.7, 0.8])[:, None, None])
    model = nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
                          nn.Conv2d(32, 64, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 128),
                          nn.ReLU(), nn.Dropout(0.3), nn.Linear(128, 10),
                          nn.Softmax(1))  # fmt: skip
    for layer in keras(model).modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
    return Program(model, x / 255 if mended else x, one_hot(y), keras_crossentropy,
                   adam(model, 1e-3), 100, 300, classes_right(y))  # fmt: skip


def convolutions(more: int) -> nn.Sequential:
    """Keras's example for pictures of ten kinds, smaller: one convolution and more, twice."""
    parts: list[nn.Module] = [nn.Unflatten(1, (1, 8, 8))]
    for below, above in ((1, 32), (32, 64)):
        parts += [nn.Conv2d(below, above, 3, padding=1), nn.ReLU()]
        for _ in range(more):
            parts += [nn.Conv2d(above, above, 3, padding=1), nn.ReLU()]
        parts += [nn.MaxPool2d(2), nn.Dropout(0.25)]
    model = nn.Sequential(*parts, nn.Flatten(), nn.Linear(256, 512), nn.ReLU(), nn.Dropout(0.5),
                          nn.Linear(512, 10), nn.Softmax(1))  # fmt: skip
    keras(model)
    return model


@case("stackoverflow 37624102", "step_too_large")
def convolutions_by_tenths(seed: int, mended: bool) -> Program:
    """Convolutions and a softmax by steps of 0.1 with Nesterov's momentum, then of 0.01."""
    torch.manual_seed(seed)
    x, y = digits()
    model = convolutions(2)
    rule = sgd(model, 0.01 if mended else 0.1, momentum=0.9, nesterov=True)
    return Program(model, x, one_hot(y), keras_crossentropy, rule, 32, 320, classes_right(y))


@case("stackoverflow 51181393", "step_too_small", "too_few_updates")
def times_five(seed: int, mended: bool) -> Program:
    """Five times a number between 1 and 2 by a single weight; steps of 0.001, and then of 0.1."""
    torch.manual_seed(seed)
    x = torch.linspace(1, 2, 100)[:, None]
    model = keras(nn.Linear(1, 1))
    rule = torch.optim.RMSprop(model.parameters(), lr=0.1 if mended else 0.001)
    return Program(model, x, 5 * x, nn.MSELoss(), rule, 50, 100, explained(5 * x))


@case("stackoverflow 47932589", "unscaled_inputs", "target_scale")
def thousands_to_thousands(seed: int, mended: bool) -> Program:
    """Columns up to thousands, and a target of 100000s; both are put between 0 and 1."""
    torch.manual_seed(seed)
    unit = torch.rand(400, 4)
    target = unit[:, :1] * unit[:, 1:2] + 0.5 * unit[:, 2:3].sqrt()
    x = unit if mended else unit * torch.tensor([3000.0, 800.0, 5000.0, 40.0])
    y = target if mended else 500000 * target
    model = keras(chain([4, 32, 16, 1], nn.ReLU))
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-3), 32, 400, explained(y))


@case("stackoverflow 44998910", "step_too_small", "too_few_updates")
def polynomial_as_a_line(seed: int, mended: bool) -> Program:
    """A polynomial of degree 4: what is fitted is nearly a line. Larger steps, and more of them."""
    torch.manual_seed(seed)
    x = torch.linspace(-1, 1, 200)[:, None]
    y = 4 * x**4 - 3 * x**2 + 0.3 * x + 0.5
    model = keras(chain([1, 50, 50, 1], nn.ReLU))
    rule = sgd(model, 0.03 if mended else 0.01)
    return Program(model, x, y, nn.MSELoss(), rule, 32, 5000 if mended else 140, explained(y))


def spots(n: int) -> tuple[Tensor, Tensor]:
    """Pictures of a bright spot, (n, 64), and where it is, (n, 2), between -1 and 1."""
    where = 1.4 * torch.rand(n, 2) - 0.7
    down, along = torch.meshgrid(torch.linspace(-1, 1, 8), torch.linspace(-1, 1, 8), indexing="ij")
    apart = (down - where[:, :1, None]) ** 2 + (along - where[:, 1:, None]) ** 2
    return (-4 * apart).exp().reshape(n, 64) + 0.05 * torch.randn(n, 64), where


@case("ShyamPoovaiah/FacialKeypointsDetection@654392560", "step_too_large")
def places_by_tenths(seed: int, mended: bool) -> Program:
    """Where a spot is, by Adam with steps of 0.1; then by steps of 0.01 with momentum."""
    torch.manual_seed(seed)
    x, y = spots(300)
    model = nn.Sequential(nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(),
                          nn.MaxPool2d(2), nn.Conv2d(32, 64, 2), nn.ReLU(), nn.Flatten(),
                          nn.Linear(576, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(),
                          nn.Linear(100, 2))  # fmt: skip
    keras(model)
    rule = sgd(model, 0.01, momentum=0.9, nesterov=True) if mended else adam(model, 0.1)
    return Program(model, x, y, nn.MSELoss(), rule, 32, 300, explained(y))


@case("stackoverflow 37232782", "step_too_large", "exploding_gradient", "target_scale")
def dummies_to_nothing(seed: int, mended: bool) -> Program:
    """Costs from columns of 0 and 1: by momentum and steps of 0.1 all is NaN. RMSprop learns."""
    torch.manual_seed(seed)
    groups = torch.randint(6, (500, 4))
    x = one_hot(groups).flatten(1)
    y = 200 + (x @ torch.randn(24, 1)) * 80
    model = keras(chain([24, 64, 64, 1], nn.ReLU))
    rule = (
        torch.optim.RMSprop(model.parameters(), lr=3e-3)
        if mended
        else sgd(model, 0.1, momentum=0.9, nesterov=True)
    )
    return Program(model, x, y, nn.MSELoss(), rule, 32, 500, explained(y))


@case("keras-team/keras#4066", "step_too_large")
def always_the_same_kind(seed: int, mended: bool) -> Program:
    """The example for pictures of ten kinds gets stuck at 0.1 with steps of 0.01; 0.001 is fine."""
    torch.manual_seed(seed)
    x, y = digits()
    model = convolutions(1)
    rule = adam(model, 0.001 if mended else 0.01)
    return Program(model, x, one_hot(y), keras_crossentropy, rule, 32, 250, classes_right(y))


@case("whosebug.com/question/6116914", "step_too_small", "too_few_updates")
def means_of_digits(seed: int, mended: bool) -> Program:
    """Digits by sigmoids and squares, steps of 0.001 and one pass: a tenth for each, whatever the
    input. The answer is cut off; steps of 0.1 and more of them learn.
    """
    torch.manual_seed(seed)
    x, y = digits(1797)
    model = chain([64, 200, 10], nn.Sigmoid, nn.Sigmoid())

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.mse_loss(outputs, targets) * len(outputs)

    rule = sgd(model, 0.1 if mended else 0.001)
    return Program(model, x, one_hot(y), loss, rule, 32, 1500 if mended else 57, classes_right(y))


@case("microsoft/CNTK#372", "unscaled_inputs")
def houses_all_alike(seed: int, mended: bool) -> Program:
    """Thirteen columns about houses, up to 700, by ReLUs: one price for all, or, by the seed, no
    number for any. Columns are scaled, and there are sigmoids.
    """
    torch.manual_seed(seed)
    unit = torch.rand(400, 13)
    y = 5 + 25 * unit[:, 5:6] + 15 * unit[:, 12:] * unit[:, :1]
    scales = torch.tensor([90.0, 100, 28, 1, 0.9, 9, 100, 12, 24, 711, 22, 397, 38])
    x = standard(unit) if mended else unit * scales
    model = chain([13, 100, 1], nn.Sigmoid if mended else nn.ReLU)
    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.01), 32, 800, explained(y))


@case("microsoft/CNTK#171, microsoft/CNTK#170, microsoft/CNTK#204", "step_too_large")
def digits_by_halves(seed: int, mended: bool) -> Program:
    """The example for digits with steps of 0.5 and momentum: nine of ten are wrong; 0.05 mends."""
    torch.manual_seed(seed)
    x, y = digits()
    model = nn.Sequential(nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(),
                          nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(),
                          nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 128), nn.Sigmoid(),
                          nn.Linear(128, 10))  # fmt: skip
    rule = sgd(model, 0.05 if mended else 0.5, momentum=0.9)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 32, 400, classes_right(y))


@case("rasmusbergpalm/DeepLearnToolbox#12", "step_too_large")
def example_of_dropout(seed: int, mended: bool) -> Program:
    """The example of dropout with steps of 10: squares stay at 0.5; steps of 1 learn."""
    torch.manual_seed(seed)
    x, y = digits()
    model = nn.Sequential(nn.Linear(64, 200), nn.Tanh(), nn.Dropout(0.5), nn.Linear(200, 200),
                          nn.Tanh(), nn.Dropout(0.5), nn.Linear(200, 10), nn.Sigmoid())  # fmt: skip

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return 0.5 * (outputs - targets).pow(2).sum(1).mean()

    rule = sgd(model, 1.0 if mended else 10.0)
    return Program(model, x, one_hot(y), loss, rule, 100, 400, classes_right(y))


@case("python.19633.com/de/Python/1003052967.html", "unscaled_inputs")
def marks_around_92(seed: int, mended: bool) -> Program:
    """Two columns around 92 by sigmoids, stuck; they are scaled, and the steps are 0.01."""
    torch.manual_seed(seed)
    unit = torch.randn(300, 2)
    y = (unit.sum(1, keepdim=True) > 0).float()
    model = chain([2, 8, 1], nn.Sigmoid, nn.Sigmoid())
    rule = adam(model, 0.01 if mended else 0.001)
    return Program(model, standard(unit) if mended else 92 + 8 * unit, y, nn.BCELoss(), rule, 300,
                   1000, sides_right(y, 0.5))  # fmt: skip


class Sentences(nn.Module):
    """Two layers of attention over words, and the mean of what comes out."""

    def __init__(self, words: int, kinds: int) -> None:
        super().__init__()
        self.words = nn.Embedding(words, 32)
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.1, batch_first=True)
        self.layers = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(32, kinds)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layers(self.words(x)).mean(1))


@case("namiyousef/argument-mining#48", "step_too_large")
def claims_all_alike(seed: int, mended: bool) -> Program:
    """Kinds of sentences by a transformer: one kind for all, by steps too large."""
    torch.manual_seed(seed)
    x = torch.randint(60, (300, 12))
    y = ((x < 15).sum(1) > 2).long()
    model = Sentences(60, 2)
    rule = adam(model, 1e-3 if mended else 0.05)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 32, 300, classes_right(y))


class Speaker(nn.Module):
    """The next word after each word of a text, (n, words, length)."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self.words = nn.Embedding(words, 32)
        self.inner = nn.LSTM(32, 64, 2, batch_first=True)
        self.head = nn.Linear(64, words)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(self.words(x))[0]).transpose(1, 2)


@case("rajveermalviya/language-modeling#3", "step_too_large")
def words_by_ones(seed: int, mended: bool) -> Program:
    """The next of 20 words by Adam with steps of 1, as for plain gradients; 0.001 is fine."""
    torch.manual_seed(seed)
    text = [torch.randint(20, (200, 1)) for _ in range(2)]
    for _ in range(11):
        other = torch.randint(20, (200, 1))
        text.append(torch.where(torch.rand(200, 1) < 0.95, (text[-2] + 1) % 20, other))
    words = torch.cat(text, 1)
    x, y = words[:, :-1], words[:, 1:]
    model = Speaker(20)
    right = classes_right(y.reshape(-1))
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 0.001 if mended else 1.0), 10,
                   500, lambda f: right(f.transpose(1, 2).reshape(-1, 20)))  # fmt: skip


@case("stackoverflow 50306988", "too_few_updates", "step_too_small")
def toy_of_two_squares(seed: int, mended: bool) -> Program:
    """Two squares of points apart, by two sigmoids: 5 passes do not learn it, 50 do."""
    torch.manual_seed(seed)
    y = torch.arange(400) % 2
    x = 0.2 + 0.2 * torch.rand(400, 2) + 0.3 * y[:, None]
    model = keras(chain([2, 2, 2], nn.Sigmoid, nn.Softmax(1)))
    return Program(model, x, one_hot(y), keras_crossentropy, adam(model, 1e-3), 32,
                   650 if mended else 65, classes_right(y))  # fmt: skip
