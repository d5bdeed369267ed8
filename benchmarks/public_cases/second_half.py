"""Twenty more, frozen with the first half, and not run before all was settled."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import curve, digits, one_hot, rings, xor
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    keras,
    keras_binary,
    keras_crossentropy,
    sgd,
    sides_right,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case("keras-team/keras#14729", "wrong_loss", "softmax_over_one_unit", "wrong_output_activation",
      "labels_outside_loss")  # fmt: skip
def one_output_for_classes(seed: int, mended: bool) -> Program:
    """One sigmoid output in the cross entropy of classes, which divides it by itself."""
    x, y = rings(seed)
    model = keras(chain([2, 16, 16, 1], nn.ReLU, nn.Sigmoid()), 0.5)
    loss = keras_binary if mended else keras_crossentropy
    return Program(model, x, y, loss, adam(model), 32, 1000, sides_right(y, 0.5))


@case("keras-team/keras#2711", "wrong_output_activation", "output_range", "wrong_loss",
      "step_too_large")  # fmt: skip
def words_by_sigmoid(seed: int, mended: bool) -> Program:
    """The next word of a one-hot word: sigmoids, cross entropy of classes, step 1."""
    torch.manual_seed(seed)
    words = torch.randint(0, 24, (600,))
    x, y = one_hot(words), torch.randperm(24)[words]
    model = keras(chain([24, 16, 24], nn.Sigmoid, nn.Softmax(dim=1) if mended else nn.Sigmoid()))
    return Program(model, x, one_hot(y), keras_crossentropy, sgd(model, 1.0), 32, 150,
                   classes_right(y))  # fmt: skip


@case("keras-team/keras#2841, #3642", "labels_outside_loss", "target_scale", "unscaled_inputs",
      "output_range")  # fmt: skip
def images_to_255(seed: int, mended: bool) -> Program:
    """An autoencoder with sigmoids of images between 0 and 255: the loss is negative."""
    torch.manual_seed(seed)
    x, _ = digits(512)
    shown = x if mended else x * 255
    model = keras(chain([64, 32, 64], nn.ReLU, nn.Sigmoid()))
    score = explained(x) if mended else explained(x, 1.0)
    return Program(model, shown, shown, keras_binary, adam(model), 64, 500, score)


class Saw(nn.Module):
    """An LSTM for two numbers that come next."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.inner = nn.LSTM(2, 24, batch_first=True)
        self.head = nn.Linear(24, 2)
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        z = self.head(self.inner(x)[0][:, -1])
        return z if self.mended else torch.softmax(z, 1)


@case("keras-team/keras#321", "output_range", "wrong_output_activation")
def softmax_for_numbers(seed: int, mended: bool) -> Program:
    """A saw between 1 and 10, squared error, and a softmax behind the last layer."""
    torch.manual_seed(seed)
    start = torch.arange(200)
    at = start[:, None] + torch.arange(9)[None]
    saw = torch.stack([1 + at % 10, 1 + (2 * at) % 10], 2).float()
    x, y = saw[:, :8], saw[:, 8]
    model = Saw(mended)
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 50, 500, explained(y))


@case("keras-team/keras#4171", "unscaled_inputs")
def numerical_columns(seed: int, mended: bool) -> Program:
    """Numerical columns as they are; binary cross entropy stands at 7."""
    x, y = rings(seed, 400)
    raw = torch.stack([1e5 + 3e4 * x[:, 0], 2e3 + 5e2 * x[:, 1]], 1)
    model = keras(nn.Sequential(nn.Linear(2, 32), nn.PReLU(), nn.Linear(32, 16), nn.PReLU(),
                                nn.Linear(16, 1), nn.Sigmoid()))  # fmt: skip
    return Program(model, x if mended else raw, y, keras_binary, adam(model, 1e-3), 32, 1000,
                   sides_right(y, 0.5))  # fmt: skip


@case("rstudio-conf-2020/dl-keras-tf#9", "target_scale", "step_too_large")
def house_prices(seed: int, mended: bool) -> Program:
    """Prices to 755,000, squared error, SGD 0.1: NaN."""
    torch.manual_seed(seed)
    x = torch.randn(300, 8)
    size = x[:, :1] + 0.5 * x[:, 1:2] * x[:, 2:3]
    y = 180_000 * torch.exp(0.4 * size)
    model = keras(chain([8, 32, 1], nn.ReLU))
    mean, std = float(y.mean()), float(y.std())
    if mended:
        return Program(model, x, (y - mean) / std, nn.MSELoss(), sgd(model, 0.05), 16, 1000,
                       explained(y, std, mean))  # fmt: skip
    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.1), 16, 1000, explained(y))


class Encoder(nn.Module):
    """A small transformer encoder that classifies sequences."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 16)
        layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=True)
        self.inner = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(self.embed(x)).mean(1))


@case("huggingface/transformers#735", "step_too_large")
def same_encoding(seed: int, mended: bool) -> Program:
    """A transformer trained with a step that is far too large gives one output for all."""
    torch.manual_seed(seed)
    x = torch.randint(0, 10, (256, 6))
    y = (x < 3).sum(1).clamp(1, 3) - 1
    model = Encoder()
    rule = torch.optim.AdamW(model.parameters(), lr=2e-3 if mended else 0.1)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 32, 300, classes_right(y))


@case("keras-team/keras#1295, #112", "step_too_small", "too_few_updates", "plateau", "saddle")
def xor_of_500(seed: int, mended: bool) -> Program:
    """XOR, 2-2-1 sigmoid, step 0.01, 500 updates; the answer has momentum and far more."""
    torch.manual_seed(seed)
    x, y = xor()
    model = keras(chain([2, 2, 1], nn.Sigmoid, nn.Sigmoid()))
    rule = sgd(model, 0.5 if mended else 0.01, momentum=0.9 if mended else 0.0)
    return Program(model, x, y, nn.BCELoss(), rule, 4, 6000 if mended else 500,
                   sides_right(y, 0.5))  # fmt: skip


@case("keras-team/keras#2051", "too_few_updates", "step_too_small", "target_scale")
def two_epochs(seed: int, mended: bool) -> Program:
    """Prices over their largest, two epochs: one number for all."""
    torch.manual_seed(seed)
    walk = torch.cumsum(torch.randn(210), 0)
    walk = 0.5 + 0.1 * walk / walk.abs().max()
    rows = torch.stack([walk[k : k + 7] for k in range(200)])
    x, y = rows[:, 1:], rows[:, :1]
    model = keras(nn.Sequential(nn.Linear(6, 7), nn.Linear(7, 4), nn.Tanh(), nn.Linear(4, 1)), 0.05)
    rule = adam(model, 3e-3) if mended else sgd(model, 0.06, momentum=0.5)
    return Program(model, x, y, nn.MSELoss(), rule, 1, 3000 if mended else 400, explained(y))


@case("microsoft/CNTK#757", "saddle", "plateau", "bad_initial_scale", "step_too_small",
      "too_few_updates", "vanishing_gradient")  # fmt: skip
def xor_of_small_start(seed: int, mended: bool) -> Program:
    """XOR by two tanh units: nothing moves until the start is ten times as large."""
    torch.manual_seed(seed)
    x, y = xor()
    model = keras(chain([2, 2, 1], nn.Tanh), 1.5 if mended else 0.05)
    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.2 if mended else 0.02), 4, 2500,
                   sides_right(y, 0.5))  # fmt: skip


class Detached(nn.Module):
    """A model whose output is a plain number for autograd but for its last shift."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.inner = chain([2, 24, 1], nn.ReLU)
        self.shift = nn.Parameter(torch.zeros(1))
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        z = self.inner(x)
        return (z if self.mended else z.detach()) + self.shift


@case("rballester/tntorch#3", "detached_loss", "vanishing_gradient")
def graph_cut(seed: int, mended: bool) -> Program:
    """The graph is cut on the way, so the network does not learn anything."""
    x, y = rings(seed)
    model = Detached(mended)
    return Program(model, x, y, nn.BCEWithLogitsLoss(), adam(model, 1e-2), 32, 600,
                   sides_right(y, 0.0))  # fmt: skip


@case("open-mmlab/mmdetection#4769", "frozen_layers")
def frozen_backbone(seed: int, mended: bool) -> Program:
    """A backbone that is frozen though nothing was loaded into it."""
    torch.manual_seed(seed)
    x, y = digits(512)
    backbone = nn.Sequential(nn.Conv2d(1, 2, 3, stride=2), nn.ReLU(), nn.Conv2d(2, 3, 3),
                             nn.ReLU(), nn.Flatten())  # fmt: skip
    if not mended:
        backbone.requires_grad_(False)
    else:
        backbone = nn.Sequential(nn.Conv2d(1, 16, 3, stride=2), nn.ReLU(), nn.Conv2d(16, 24, 3),
                                 nn.ReLU(), nn.Flatten())  # fmt: skip
    model = nn.Sequential(backbone, nn.Linear(24 if mended else 3, 10))
    return Program(model, x.reshape(-1, 1, 8, 8), y, nn.CrossEntropyLoss(), adam(model, 1e-2), 64,
                   400, classes_right(y))  # fmt: skip


@case("tinghuiz/SfMLearner#34", "over_regularised")
def decay_by_adam(seed: int, mended: bool) -> Program:
    """Both networks go to zero very quickly; their weight decay is a thousand times the usual."""
    torch.manual_seed(seed)
    x, y = digits(512)
    model = keras(nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.ReLU(),
                                nn.Flatten(), nn.Linear(128, 10)))  # fmt: skip
    rule = adam(model, 3e-3, weight_decay=5e-5 if mended else 0.5)
    return Program(model, x.reshape(-1, 1, 8, 8), y, nn.CrossEntropyLoss(), rule, 64, 400,
                   classes_right(y))  # fmt: skip


@case("huggingface/blog#81", "duplicated_units", "bad_initial_scale", "saddle")
def one_constant(seed: int, mended: bool) -> Program:
    """Every weight starts at one number."""
    x, y = rings(seed)
    model = chain([2, 16, 1], nn.Tanh)
    if not mended:
        for p in model.parameters():
            nn.init.constant_(p, 0.1)
    return Program(model, x, y, nn.BCEWithLogitsLoss(), sgd(model, 0.3), 32, 1500,
                   sides_right(y, 0.0))  # fmt: skip


@case("keras-team/keras#2001", "not_finite")
def divided_by_spread(seed: int, mended: bool) -> Program:
    """Standardised by a spread that is 0 in one column: NaN."""
    torch.manual_seed(seed)
    x, y = digits(512)
    spread = x.std(0)
    spread = torch.where(spread > 0, spread, 1.0) if mended else spread
    model = chain([64, 32, 10], nn.ReLU)
    return Program(model, (x - x.mean(0)) / spread, y, nn.CrossEntropyLoss(), adam(model), 64, 300,
                   classes_right(y))  # fmt: skip


@case("deepset-ai/FARM#229", "broadcast_targets")
def squeezed(seed: int, mended: bool) -> Program:
    """Outputs (n,) and targets (n, 1)."""
    x, y = curve(seed)
    model = chain([3, 32, 1], nn.ReLU, *([] if mended else [nn.Flatten(0)]))
    return Program(model, x, y, nn.L1Loss(), adam(model, 1e-2), 40, 800, explained(y))


@case("pytorch/pytorch#4741, discuss.pytorch.org/t/7561", "train_eval_gap")
def statistics_lag(seed: int, mended: bool) -> Program:
    """Batch statistics are good, the running ones are far behind: bad in evaluation mode."""
    x, y = curve(seed, 256)
    momentum = 0.1 if mended else 1e-3
    model = nn.Sequential(nn.Linear(3, 32), nn.BatchNorm1d(32, momentum=momentum), nn.Tanh(),
                          nn.Linear(32, 1))  # fmt: skip
    far = 3 * x + torch.tensor([8.0, -6.0, 10.0])
    return Program(model, far, y, nn.MSELoss(), adam(model, 1e-2), 32, 400, explained(y))


@case("AUTOMATIC1111/stable-diffusion-webui#3199, aymericdamien/TensorFlow-Examples#207",
      "missing_nonlinearity", "linear_model")  # fmt: skip
def layers_without_bend(seed: int, mended: bool) -> Program:
    """Linear layers in a row with nothing in between."""
    x, y = rings(seed)
    model = chain([2, 16, 16, 1], nn.ReLU if mended else None)
    return Program(model, x, y, nn.BCEWithLogitsLoss(), adam(model, 1e-2), 32, 800,
                   sides_right(y, 0.0))  # fmt: skip


@case("MichalDanielDobrzanski/DeepLearningPython#13", "step_too_large", "bad_initial_scale",
      "exploding_gradient")  # fmt: skip
def relu_for_sigmoid(seed: int, mended: bool) -> Program:
    """Relu put in place of sigmoid, with the old step 3 and standard normal weights."""
    torch.manual_seed(seed)
    x, y = digits(512)
    model = chain([64, 30, 10], nn.ReLU)
    for p in model.parameters():
        nn.init.normal_(p, 0.0, 0.1 if mended else 1.0)
    return Program(model, x, one_hot(y), nn.MSELoss(), sgd(model, 0.1 if mended else 3.0), 16,
                   1500, classes_right(y))  # fmt: skip


@case("LabeliaLabs/distributed-learning-contributivity#57", "shuffled_targets", "targets_shuffled")
def labels_off_by_one(seed: int, mended: bool) -> Program:
    """Each point has the label of the one after it."""
    torch.manual_seed(seed)
    x, y = digits(512)
    labels = y if mended else y.roll(1)
    model = chain([64, 8, 10], nn.ReLU)
    return Program(model, x, labels, nn.CrossEntropyLoss(), adam(model), 64, 500, classes_right(y))
