"""Twenty more public questions. Frozen, with what names each cause, before they were first run."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import blobs, curve, digits, one_hot, rings, xor
from public_cases.models import Read
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


@case("keras-team/keras#12096", "wrong_output_activation", "output_range", "wrong_loss",
      "logits_to_probability_loss")  # fmt: skip
def relu_for_classes(seed: int, mended: bool) -> Program:
    """Relu outputs in the cross entropy of probabilities."""
    x, y = blobs(seed, 4)
    last = nn.Softmax(dim=1) if mended else nn.ReLU()
    model = keras(chain([4, 24, 4], nn.ReLU, last))
    return Program(model, x, one_hot(y), keras_crossentropy, adam(model), 32, 800,
                   classes_right(y))  # fmt: skip


@case("keras-team/keras#9939", "wrong_output_activation", "output_range", "wrong_loss")
def sigmoid_for_classes(seed: int, mended: bool) -> Program:
    """Five sigmoid outputs in the cross entropy of exclusive classes."""
    x, y = blobs(seed, 5)
    last = nn.Softmax(dim=1) if mended else nn.Sigmoid()
    model = keras(chain([4, 14, 14, 14, 5], nn.ReLU, last))
    return Program(model, x, one_hot(y), keras_crossentropy, sgd(model, 0.02), 32, 350,
                   classes_right(y))  # fmt: skip


def divergence(outputs: Tensor, targets: Tensor) -> Tensor:
    """Kullback-Leibler divergence as Keras has it, of numbers clipped to the inside of 0 to 1."""
    y, p = targets.clamp(1e-7, 1), outputs.clamp(1e-7, 1)
    return (y * (y / p).log()).sum(1).mean()


@case("keras-team/keras#1917", "wrong_output_activation", "output_range", "wrong_loss",
      "logits_to_probability_loss")  # fmt: skip
def relu_in_divergence(seed: int, mended: bool) -> Program:
    """The divergence of distributions is given relu outputs, which are none."""
    torch.manual_seed(seed)
    x = torch.randn(300, 6)
    y = torch.softmax(2 * x @ torch.randn(6, 5) + x[:, :1] * x[:, 1:2], 1)
    model = chain([6, 32, 5], nn.ReLU, nn.Softmax(dim=1) if mended else nn.ReLU())
    return Program(model, x, y, divergence, adam(model), 32, 1200, explained(y))


@case("community.deeplearning.ai/t/loss-values-do-not-change/324182", "output_range",
      "wrong_output_activation")  # fmt: skip
def relu_line(seed: int, mended: bool) -> Program:
    """Y = 2 x - 1 on seven points, three relu layers, the last one too."""
    torch.manual_seed(seed)
    x = torch.arange(-1.0, 6.0)[:, None]
    y = 2 * x - 1
    model = keras(chain([1, 4, 2, 1], nn.ReLU, *([] if mended else [nn.ReLU()])))
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 7, 1200, explained(y))


@case("stackoverflow 52800582", "target_scale", "unscaled_inputs")
def fourth_power(seed: int, mended: bool) -> Program:
    """X^4 for x to 100, raw."""
    torch.manual_seed(seed)
    x = torch.linspace(-100, 100, 201)[:, None]
    y = x**4
    model = keras(nn.Sequential(nn.Linear(1, 50), nn.Sigmoid(), nn.Linear(50, 50), nn.ELU(),
                                nn.Linear(50, 1)))  # fmt: skip
    mean, std = float(y.mean()), float(y.std())
    if mended:
        return Program(model, x / 50, (y - mean) / std, nn.MSELoss(), adam(model, 1e-2), 32, 1200,
                       explained(y, std, mean))  # fmt: skip
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 32, 1200, explained(y))


@case("joelgrus/fizz-buzz-tensorflow#3", "probabilities_to_logits_loss")
def sigmoid_before_softmax(seed: int, mended: bool) -> Program:
    """Numbers in binary digits, four classes, a sigmoid in front of the cross entropy of logits."""
    torch.manual_seed(seed)
    n = torch.arange(1, 513)
    x = torch.stack([(n >> k) & 1 for k in range(10)], 1).float()
    y = (n // 128).clamp(max=3)
    model = chain([10, 48, 4], nn.ReLU, *([] if mended else [nn.Sigmoid()]))
    return Program(model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.03), 64, 150, classes_right(y))


@case("keras-team/keras#3040", "step_too_large", "unscaled_inputs")
def line_to_400(seed: int, mended: bool) -> Program:
    """A linear regression on x to 199 with step 0.001, one point a step: NaN."""
    torch.manual_seed(seed)
    x = torch.arange(200.0)[:, None]
    y = 2 * x
    model = keras(nn.Sequential(nn.Linear(1, 1)))
    return Program(model, x, y, nn.MSELoss(), sgd(model, 1e-5 if mended else 1e-3), 1, 400,
                   explained(y))  # fmt: skip


class Words(nn.Module):
    """An LSTM that says what comes next."""

    def __init__(self, words: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(words, 16)
        self.inner = nn.LSTM(16, 32, batch_first=True)
        self.head = nn.Linear(32, words)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(self.embed(x))[0][:, -1])


@case("OpenNMT/OpenNMT-py#253, #805", "step_too_large")
def adam_of_one(seed: int, mended: bool) -> Program:
    """Adam with step size 1, the default that was meant for gradient descent."""
    torch.manual_seed(seed)
    x = torch.randint(0, 12, (256, 6))
    y = (x[:, -1] + x[:, -2]) % 12
    model = Words(12)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 1e-2 if mended else 1.0), 32,
                   600, classes_right(y))  # fmt: skip


@case("keras-team/keras#1604", "step_too_small", "too_few_updates")
def slow_autoencoder(seed: int, mended: bool) -> Program:
    """A linear autoencoder of images whose loss stands still with SGD 0.001."""
    torch.manual_seed(seed)
    x, _ = digits(512)
    model = keras(nn.Sequential(nn.Linear(64, 20), nn.Linear(20, 64)))
    rule = adam(model, 3e-3) if mended else sgd(model, 0.001, momentum=0.1)
    return Program(model, x, x, nn.MSELoss(), rule, 128, 400, explained(x))


@case("keras-team/keras#2576", "step_too_small", "too_few_updates", "target_scale")
def far_targets(seed: int, mended: bool) -> Program:
    """A linear regression whose targets go to 2,000, RMSprop 0.001, a few epochs."""
    torch.manual_seed(seed)
    x = torch.randn(500, 20)
    y = x @ (100 * torch.rand(20, 1)) + 10 * torch.randn(500, 1)
    model = keras(nn.Sequential(nn.Linear(20, 1)))
    rule = torch.optim.RMSprop(model.parameters(), lr=0.3 if mended else 1e-3)
    return Program(model, x, y, nn.MSELoss(), rule, 16, 600, explained(y))


@case("ivan-vasilev/neuralnetworks#37", "saddle", "plateau", "bad_initial_scale",
      "step_too_small", "too_few_updates", "vanishing_gradient")  # fmt: skip
def xor_from_nothing(seed: int, mended: bool) -> Program:
    """XOR, 2-3-1 sigmoid, started within 0.01, step 0.02."""
    torch.manual_seed(seed)
    x, y = xor()
    model = keras(chain([2, 3, 1], nn.Sigmoid, nn.Sigmoid()), 3.0 if mended else 0.01)
    rule = sgd(model, 1.0 if mended else 0.02, momentum=0.7)
    return Program(model, x, y, nn.MSELoss(), rule, 1, 4000, sides_right(y, 0.5))


class Listed(nn.Module):
    """Hidden layers in a list, which torch does not see unless it is a `ModuleList`."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        hidden = [nn.Linear(2, 6), nn.Linear(6, 6), nn.Linear(6, 2)]
        self.hidden = nn.ModuleList(hidden) if mended else hidden
        self.last = nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.hidden:
            x = torch.tanh(layer(x))
        return self.last(x)


@case("pytorch/pytorch#715, #38639", "optimiser_misses_parameters", "frozen_layers",
      "unregistered_parameters")  # fmt: skip
def layers_in_a_list(seed: int, mended: bool) -> Program:
    """The optimiser gets `model.parameters()`, and the hidden layers are not among them."""
    x, y = rings(seed)
    model = Listed(mended)
    return Program(model, x, y, nn.BCEWithLogitsLoss(), adam(model, 1e-2), 32, 1500,
                   sides_right(y, 0.0))  # fmt: skip


@case("yunjey/pytorch-tutorial#196, pytorch/pytorch#1538", "wrong_axis")
def rows_of_images(seed: int, mended: bool) -> Program:
    """Images as sequences of rows, without `batch_first`."""
    torch.manual_seed(seed)
    x, y = digits(512)
    model = Read(nn.LSTM(8, 32, batch_first=mended), nn.Linear(32, 10))
    return Program(model, x.reshape(-1, 8, 8), y, nn.CrossEntropyLoss(), adam(model, 1e-2), 64,
                   300, classes_right(y))  # fmt: skip


@case("BVLC/caffe#1396", "over_regularised")
def half_of_decay(seed: int, mended: bool) -> Program:
    """Weight decay 0.5: any input gives the same output."""
    x, y = curve(seed, 300)
    model = chain([3, 32, 32, 1], nn.ReLU)
    rule = sgd(model, 0.05, momentum=0.9, weight_decay=5e-4 if mended else 0.5)
    return Program(model, x, y, nn.MSELoss(), rule, 32, 800, explained(y))


@case("attractivechaos/kann#14", "too_few_units", "local_minimum", "valley_to_infinity",
      "dead_units", "blind_spots")  # fmt: skip
def xor_of_two_relus(seed: int, mended: bool) -> Program:
    """XOR with as few relu units as it can be done with."""
    torch.manual_seed(seed)
    x, y = xor(16)
    model = chain([2, 12 if mended else 2, 1], nn.ReLU, nn.Sigmoid())
    return Program(model, x, y, nn.BCELoss(), adam(model, 1e-2), 16, 1500, sides_right(y, 0.5))


@case("keras-team/keras#510", "unscaled_inputs")
def unprepared_columns(seed: int, mended: bool) -> Program:
    """Columns that were not standardised: the loss is NaN or stands still."""
    x, y = curve(seed, 300)
    raw = x * torch.tensor([900.0, 40.0, 6000.0]) + torch.tensor([2000.0, 300.0, 50000.0])
    model = keras(chain([3, 32, 1], nn.Tanh))
    return Program(model, x if mended else raw, y, nn.MSELoss(), sgd(model, 0.05), 32, 1500,
                   explained(y))  # fmt: skip


@case("pytorch/pytorch#2032", "contradicting_targets", "constant_inputs")
def one_input_many_targets(seed: int, mended: bool) -> Program:
    """Equal inputs whose targets differ."""
    torch.manual_seed(seed)
    which = torch.arange(240) % 4
    kinds = torch.randn(4, 5)
    y = torch.randint(0, 5, (240,))
    x = kinds[which] if not mended else torch.randn(5, 5)[y] + 0.3 * torch.randn(240, 5)
    model = chain([5, 24, 5], nn.ReLU)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model), 32, 500, classes_right(y))


@case("Borda/kaggle_image-classify#12", "shuffled_targets", "targets_shuffled")
def labels_in_other_order(seed: int, mended: bool) -> Program:
    """The data were shuffled after the labels had been taken."""
    x, y = blobs(seed, 4, 600)
    torch.manual_seed(seed)
    model = chain([4, 16, 4], nn.ReLU)
    labels = y if mended else y[torch.randperm(len(y))]
    return Program(model, x, labels, nn.CrossEntropyLoss(), adam(model), 32, 600, classes_right(y))


@case("DeepReinforcementLearning/DeepReinforcementLearningInAction#32, perone/euclidesdb#2",
      "wrong_axis")  # fmt: skip
def softmax_over_points(seed: int, mended: bool) -> Program:
    """A softmax along axis 0, which is the batch."""
    x, y = rings(seed)
    model = chain([2, 24, 2], nn.ReLU, nn.Softmax(dim=1 if mended else 0))
    hot = one_hot(y[:, 0].long())
    return Program(model, x, hot[:, 1:], lambda f, t: F.binary_cross_entropy(f[:, 1:], t),
                   adam(model), 32, 1000, lambda f: sides_right(y, 0.5)(f[:, 1]))  # fmt: skip


@case("microsoft/CNTK#476", "vanishing_gradient", "plateau", "saddle")
def seven_sigmoid_layers(seed: int, mended: bool) -> Program:
    """One sigmoid layer too many: training does not begin."""
    x, y = blobs(seed, 3)
    sizes = [4, *[24] * 7, 3]
    model = keras(chain(sizes, nn.ReLU if mended else nn.Sigmoid))
    return Program(model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.1), 32, 800, classes_right(y))
