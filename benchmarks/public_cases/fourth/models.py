"""Fourth set: architectures, starts and what is frozen. Written down, with what names each cause,
before any was run or diagnosed; a name that is no kind of finding says what the right one would be
called.

One more did not reproduce and was left out: `vectors_of_one` (fastai/fastai#2090,
espnet/espnet#3454, pytorch/translate#220), vectors of words of spread 1 that score the outputs,
too, learns as its twin does.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from public_cases.data import blobs, curve, digits, one_hot
from public_cases.models import Variational, divergence_of
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


class Gated(nn.Module):
    """Features of one half of the inputs, to which a gate lets in those of the other."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.image = nn.Linear(4, 16)
        self.words = nn.Linear(4, 16)
        first, second = nn.Linear(16, 16, bias=False), nn.Linear(16, 16, bias=False)
        self.gate = nn.Sequential(first, nn.ReLU(), second, nn.Tanh())
        self.head = nn.Linear(16, 1)
        nn.init.zeros_(second.weight)
        if not mended:
            nn.init.zeros_(first.weight)

    def forward(self, x: Tensor) -> Tensor:
        words = torch.relu(self.words(x[:, 4:]))
        return self.head(torch.relu(self.image(x[:, :4])) + self.gate(words) * words)


@case("yz93/LAVT-RIS#25", "saddle", "bad_initial_scale", "duplicated_units", "zero_initialised")
def gate_of_zeros(seed: int, mended: bool) -> Program:
    """Two layers in a row start at 0, and the gradients of both are 0; one of them may."""
    torch.manual_seed(seed)
    x = torch.randn(400, 8)
    y = (x[:, 4:5] + x[:, 5:6] > 0).float()
    model = Gated(mended)
    return Program(model, x, y, nn.BCEWithLogitsLoss(), adam(model, 1e-2), 32, 600,
                   sides_right(y, 0.0))  # fmt: skip


class Look(nn.Module):
    """A weighted mean of the features at all pixels, read off; maps are (n, channels, h, w)."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.weigh = chain([8, 24, 1], nn.ReLU)
        self.head = nn.Linear(8, 1)
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        if self.mended:
            x = x.permute(0, 2, 3, 1)
        pixels = x.reshape(len(x), 36, 8)
        return self.head((torch.softmax(self.weigh(pixels), 1) * pixels).sum(1))


@case("fawazsammani/knowing-when-to-look-adaptive-attention#6, jsbaan/transformer-from-scratch#6",
      "wrong_axis")  # fmt: skip
def channels_as_pixels(seed: int, mended: bool) -> Program:
    """Maps of features are viewed as lists of pixels, and their axes were not permuted before."""
    torch.manual_seed(seed)
    x = torch.randn(400, 8, 6, 6)
    where = torch.randint(0, 36, (400,))
    flat = x.reshape(400, 8, 36)
    flat[torch.arange(400), 0, where] = 5.0
    y = flat[torch.arange(400), 1, where][:, None]
    model = Look(mended)
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 40, 600, explained(y))


class Packed(nn.Module):
    """Reads sequences of different lengths, sorted by length and packed; 0 is no word."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.embed = nn.Embedding(11, 12, padding_idx=0)
        self.inner = nn.GRU(12, 24, batch_first=True)
        self.head = nn.Linear(24, 1)
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        lengths = (x > 0).sum(1)
        order = lengths.argsort(descending=True, stable=True)
        packed = pack_padded_sequence(self.embed(x[order]), lengths[order], batch_first=True)
        z = self.head(self.inner(packed)[1][-1])
        return z[order.argsort()] if self.mended else z


@case("fartashf/vsepp#36", "shuffled_targets", "targets_shuffled", "wrong_axis")
def sorted_and_not_back(seed: int, mended: bool) -> Program:
    """Sequences are sorted by length for packing, and what comes out is not sorted back."""
    torch.manual_seed(seed)
    lengths = torch.randint(3, 9, (400,))
    x = torch.randint(1, 11, (400, 8)) * (torch.arange(8) < lengths[:, None])
    y = ((x > 5).sum(1) * 2 > lengths).float()[:, None]
    model = Packed(mended)
    return Program(model, x, y, nn.BCEWithLogitsLoss(), adam(model, 1e-2), 40, 500,
                   sides_right(y, 0.0))  # fmt: skip


class LabelAttention(nn.Module):
    """A vector for each class looks at the words of a text; 0 is no word."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.embed = nn.Embedding(21, 16)
        self.labels = nn.Parameter(torch.randn(4, 16))
        self.key = nn.Linear(16, 16)
        self.value = nn.Linear(16, 16)
        self.head = nn.Linear(16, 1)
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        words = self.embed(x)
        taken = x > 0 if self.mended else x == 0
        found = F.scaled_dot_product_attention(
            self.labels.expand(len(x), -1, -1), self.key(words), self.value(words), taken[:, None]
        )
        return self.head(torch.relu(found + self.labels))[..., 0]


@case("InseeFrLab/torchTextClassifiers#92, mlwithme/TransformerTranslation#6", "mask_inverted")
def mask_inverted(seed: int, mended: bool) -> Program:
    """The mask of attention says which words are none, and it should say which are some. No kind
    is near: data, axes and weights are right, and nothing of the words arrives.
    """
    torch.manual_seed(seed)
    lengths = torch.randint(3, 8, (400,))
    y = torch.randint(0, 4, (400,))
    x = torch.randint(5, 21, (400, 8))
    x[torch.arange(400), (torch.rand(400) * lengths).long()] = y + 1
    x = x * (torch.arange(8) < lengths[:, None])
    model = LabelAttention(mended)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 5e-3), 40, 500, classes_right(y))


@case("Cadene/pretrained-models.pytorch#5", "train_eval_gap")
def momentum_of_zero(seed: int, mended: bool) -> Program:
    """Batch norm with momentum 0 never updates its running statistics."""
    torch.manual_seed(seed)
    x, y = digits(512)
    momentum = 0.1 if mended else 0.0
    model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8, momentum=momentum), nn.ReLU(),
                          nn.Conv2d(8, 16, 3), nn.BatchNorm2d(16, momentum=momentum), nn.ReLU(),
                          nn.MaxPool2d(2), nn.Flatten(), nn.Linear(64, 10))  # fmt: skip
    return Program(model, x.reshape(-1, 1, 8, 8), y, nn.CrossEntropyLoss(), adam(model), 64, 300,
                   classes_right(y))  # fmt: skip


class Selective(nn.Module):
    """Two branches, mixed for each feature by weights that depend on the point."""

    def __init__(self, axis: int) -> None:
        super().__init__()
        self.branches = nn.ModuleList([nn.Linear(3, 24), nn.Linear(3, 24)])
        self.squeeze = nn.Linear(24, 12)
        self.weigh = nn.ModuleList([nn.Linear(12, 24), nn.Linear(12, 24)])
        self.head = nn.Linear(24, 1)
        self.axis = axis

    def forward(self, x: Tensor) -> Tensor:
        branches = torch.stack([torch.tanh(branch(x)) for branch in self.branches])
        z = torch.relu(self.squeeze(branches.sum(0)))
        weights = torch.softmax(torch.stack([weigh(z) for weigh in self.weigh]), self.axis)
        return self.head((weights * branches).sum(0))


@case("xmu-xiaoma666/External-Attention-pytorch#18", "wrong_axis")
def softmax_over_the_batch(seed: int, mended: bool) -> Program:
    """Weights of branches, (branches, n, features), and a softmax along the batch."""
    x, y = curve(seed, 400)
    model = Selective(0 if mended else 1)
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 20, 800, explained(y))


@case("stats.stackexchange 363352", "too_few_units", "local_minimum", "dead_units",
      "valley_to_infinity", "blind_spots")  # fmt: skip
def distance_by_three(seed: int, mended: bool) -> Program:
    """The distance from 0 in the plane by three relus, which can do it; they seldom do."""
    torch.manual_seed(seed)
    x = torch.randn(400, 2)
    y = x.norm(dim=1, keepdim=True)
    model = keras(chain([2, 24 if mended else 3, 1], nn.ReLU))
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 40, 1500, explained(y))


@case("pullrequest.ru/11818227", "duplicated_units", "saddle", "hidden_softmax",
      "bad_initial_scale", "zero_initialised")  # fmt: skip
def zeros_and_a_softmax(seed: int, mended: bool) -> Program:
    """A hidden layer of ten units with a softmax, and all weights start at 0; the answer draws them
    of spread 0.1, and takes a sigmoid.
    """
    torch.manual_seed(seed)
    x, y = digits(512)
    model = chain([64, 10, 10], nn.Sigmoid if mended else lambda: nn.Softmax(dim=1),
                  nn.Softmax(dim=1))  # fmt: skip
    for p in model.parameters():
        if mended:
            nn.init.trunc_normal_(p, 0.0, 0.1)
        else:
            nn.init.zeros_(p)
    return Program(model, x, one_hot(y), keras_crossentropy, sgd(model, 0.5), 100, 600,
                   classes_right(y))  # fmt: skip


@case("andersy005/deep-learning-specialization-coursera#7", "duplicated_units", "saddle",
      "bad_initial_scale", "zero_initialised")  # fmt: skip
def two_by_twenty_is_zero(seed: int, mended: bool) -> Program:
    """The start has the spread (2 / inputs) ^ 1/2, and the division is one of integers: 0."""
    torch.manual_seed(seed)
    x, y = digits(512)
    model = chain([64, 20, 7, 10], nn.ReLU)
    for layer in model:
        if isinstance(layer, nn.Linear):
            inputs = layer.in_features
            nn.init.normal_(layer.weight, 0.0, (2 / inputs if mended else 2 // inputs) ** 0.5)
            nn.init.zeros_(layer.bias)
    return Program(model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.1), 64, 800, classes_right(y))


@case("luigibonati/mlcolvar#188, AppliedDataSciencePartners/WorldModels#12", "over_regularised",
      "unbalanced_loss_terms")  # fmt: skip
def code_is_the_prior(seed: int, mended: bool) -> Program:
    """Features of molecules, a code of two numbers; the divergence drowns the mean error. 0.001 of
    it is the answer.
    """
    few, _ = blobs(seed, 2, 500)
    x = few @ torch.randn(4, 12) + 0.1 * torch.randn(500, 12)
    x = (x - x.mean(0)) / x.std(0)
    model = Variational(chain([12, 24, 4], nn.ReLU), chain([2, 24, 12], nn.ReLU))
    share = 1e-3 if mended else 1.0

    def loss(outputs: tuple[Tensor, Tensor, Tensor], targets: Tensor) -> Tensor:
        made, mean, log_variance = outputs
        divergence = divergence_of(mean, log_variance).sum(1).mean()
        return F.mse_loss(made, targets) + share * divergence

    score = explained(x)
    return Program(model, x, x, loss, adam(model), 50, 800, lambda f: score(f[0]))


class StepByStep(nn.Module):
    """A cell that is called for one moment after the other."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.cell = nn.GRUCell(1, 24)
        self.head = nn.Linear(24, 1)
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(len(x), 24)
        for k in range(x.shape[1]):
            h = self.cell(x[:, k], h if self.mended else h.detach())
        return self.head(h)


@case("keras-team/keras#3669", "detached_loss", "truncated_gradient")
def one_moment_back(seed: int, mended: bool) -> Program:
    """A stateful network that is given one moment a time: gradients go back by one moment, and what
    came first is not remembered.
    """
    torch.manual_seed(seed)
    x = torch.randn(400, 12, 1)
    y = (x[:, 0] > 0).float()
    model = StepByStep(mended)
    return Program(model, x, y, nn.BCEWithLogitsLoss(), adam(model, 1e-2), 40, 500,
                   sides_right(y, 0.0))  # fmt: skip


@case("ihciah/deep-fashion-retrieval#1", "frozen_layers")
def frozen_convolutions(seed: int, mended: bool) -> Program:
    """All convolutions are frozen, and what they know is of other images."""
    torch.manual_seed(seed)
    x, y = digits(512)
    body = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2), nn.ReLU(), nn.Conv2d(8, 5, 3), nn.ReLU(),
                         nn.Flatten())  # fmt: skip
    body.requires_grad_(mended)
    model = nn.Sequential(body, nn.Linear(5, 10))
    return Program(model, x.reshape(-1, 1, 8, 8), y, nn.CrossEntropyLoss(), adam(model, 1e-2), 64,
                   600, classes_right(y))  # fmt: skip


class Words(nn.Module):
    """Attention among the words of a text, and their mean, read off; 0 is no word."""

    def __init__(self, masked: float) -> None:
        super().__init__()
        self.embed = nn.Embedding(21, 16)
        self.query, self.key, self.value = (nn.Linear(16, 16) for _ in range(3))
        self.head = nn.Linear(16, 4)
        self.masked = masked

    def forward(self, x: Tensor) -> Tensor:
        words = self.embed(x)
        scores = self.query(words) @ self.key(words).transpose(1, 2) / 4
        scores = scores.masked_fill((x == 0)[:, None], self.masked)
        found = words + torch.softmax(scores, 2) @ self.value(words)
        taken = (x > 0)[..., None]
        return self.head((found * taken).sum(1) / taken.sum(1).clamp(min=1))


@case("pytorch/pytorch#40932", "not_finite")
def a_text_of_padding(seed: int, mended: bool) -> Program:
    """One text of 400 is padding alone, what is masked is minus infinity, and its softmax is NaN.
    With -1e8 in its place it is not.
    """
    torch.manual_seed(seed)
    lengths = torch.randint(3, 9, (400,))
    y = torch.randint(0, 4, (400,))
    x = torch.randint(5, 21, (400, 8))
    x[torch.arange(400), (torch.rand(400) * lengths).long()] = y + 1
    x = x * (torch.arange(8) < lengths[:, None])
    x[7] = 0
    model = Words(-1e8 if mended else -torch.inf)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 5e-3), 40, 500, classes_right(y))


@case("tiny-dnn/tiny-dnn#961", "too_much_dropout", "over_regularised", "train_eval_gap")
def thousandth_is_kept(seed: int, mended: bool) -> Program:
    """A rate of 0.001 for dropout, and the layer keeps that share in place of dropping it."""
    torch.manual_seed(seed)
    x, y = digits(512)
    rate = 0.001 if mended else 0.999
    model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Dropout(rate), nn.Linear(48, 32),
                          nn.ReLU(), nn.Dropout(rate), nn.Linear(32, 10))  # fmt: skip
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model), 32, 400, classes_right(y))


@case("nutonomy/nuscenes-devkit#758, Nota-NetsPresso/netspresso-trainer#320",
      "missing_nonlinearity", "linear_model")  # fmt: skip
def head_without_bend(seed: int, mended: bool) -> Program:
    """A head of three linear layers on features, and nothing between them."""
    torch.manual_seed(seed)
    x = torch.randn(400, 6)
    y = (x[:, :1] * x[:, 1:2] > 0).float()
    model = chain([6, 32, 32, 1], nn.ReLU if mended else None)
    return Program(model, x, y, nn.BCEWithLogitsLoss(), adam(model, 5e-3), 32, 800,
                   sides_right(y, 0.0))  # fmt: skip


class Matched(nn.Module):
    """Products of the features of two images, (n, 2, 64), added up: how alike they are."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.inner = chain([64, 64, 64], nn.ReLU)
        self.scale = 1e-3 if mended else 1.0
        self.shift = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        z = self.inner(x)
        return self.scale * (z[:, 0] * z[:, 1]).sum(1, keepdim=True) + self.shift


@case("bilylee/SiamFC-TensorFlow#17", "saturation", "bad_initial_scale", "unscaled_responses")
def responses_of_thousands(seed: int, mended: bool) -> Program:
    """A cross-correlation of features of images between 0 and 255 goes to a sigmoid as it is, in
    thousands; the answer: times 0.001, "to make training possible".
    """
    x, y = digits(600)
    torch.manual_seed(seed)
    few, which = 255 * x[y < 3], y[y < 3]
    n = len(few)
    first, second = torch.randint(0, n, (600,)), torch.randint(0, n, (600,))
    alike = torch.arange(600) % 2 == 0
    mate = torch.stack([torch.nonzero(which == which[k])[0, 0] for k in first])
    second = torch.where(alike, mate, second)
    same = (which[first] == which[second]).float()[:, None]
    model = Matched(mended)
    return Program(model, torch.stack([few[first], few[second]], 1), same, nn.BCEWithLogitsLoss(),
                   sgd(model, 1e-4, momentum=0.9), 32, 600, sides_right(same, 0.0))  # fmt: skip
