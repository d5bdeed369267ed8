"""Eighth set, held out: scales of inputs and targets, initialisations, step sizes and counts.
Written down, with what names each cause, before any was run; none was diagnosed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import digits
from public_cases.models import Read
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    neighbours_right,
    sgd,
    sides_right,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


def standard(x: Tensor) -> Tensor:
    """Columns of mean 0 and spread 1."""
    return (x - x.mean(0)) / x.std(0)


@case("FluxML/model-zoo#220", "step_too_large")
def pictures_by_vgg(seed: int, mended: bool) -> Program:
    """Coloured pictures of ten kinds by pairs of convolutions; the loss grows, and the accuracy
    stays below chance. Smaller steps.
    """
    torch.manual_seed(seed)
    grey, y = digits(500)
    x = grey.reshape(-1, 1, 8, 8) * (0.5 + torch.rand(500, 3, 1, 1))
    parts: list[nn.Module] = []
    for below, above in ((3, 16), (16, 32)):
        parts += [nn.Conv2d(below, above, 3, padding=1), nn.ReLU()]
        parts += [nn.Conv2d(above, above, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    model = nn.Sequential(
        *parts,
        nn.Flatten(),
        nn.Linear(128, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
    )
    rule = adam(model, 1e-3 if mended else 0.05)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 50, 300, classes_right(y))


@case("ml-explore/mlx#188", "step_too_large")
def accuracy_of_a_ninth(seed: int, mended: bool) -> Program:
    """Digits by two layers of 32; the accuracy is 0.113 after each epoch. A hundredth of the
    step, and twice the epochs.
    """
    torch.manual_seed(seed)
    x, y = digits()
    model = chain([64, 32, 32, 10], nn.ReLU)
    rule = sgd(model, 0.1 if mended else 10.0)
    steps = 800 if mended else 400
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 30, steps, classes_right(y))


@case("sarthmit/BRIMs#3", "step_too_large")
def digits_line_by_line(seed: int, mended: bool) -> Program:
    """Digits as sequences of lines by two recurrent layers; the accuracy does not come up."""
    torch.manual_seed(seed)
    flat, y = digits()
    model = Read(nn.GRU(8, 48, 2, batch_first=True), nn.Linear(48, 10))
    rule = adam(model, 3e-3 if mended else 0.3)
    x = flat.reshape(-1, 8, 8)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 50, 300, classes_right(y))


@case("sql-machine-learning/elasticdl#2286", "step_too_large")
def convolutions_by_ones(seed: int, mended: bool) -> Program:
    """Digits by two convolutions and a layer, by steps that are ten times too large."""
    torch.manual_seed(seed)
    flat, y = digits()
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 10),
    )
    rule = sgd(model, 0.2 if mended else 2.0)
    x = flat.reshape(-1, 1, 8, 8)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 30, 300, classes_right(y))


class Masked(nn.Module):
    """Finds the hidden sign of a sequence, by an encoder with norms behind the sums."""

    def __init__(self) -> None:
        super().__init__()
        self.signs = nn.Embedding(13, 32)
        self.places = nn.Parameter(0.1 * torch.randn(8, 32))
        layer = nn.TransformerEncoderLayer(32, 4, 64, dropout=0.0, batch_first=True)
        self.inner = nn.TransformerEncoder(layer, 3, enable_nested_tensor=False)
        self.head = nn.Linear(32, 12)

    def forward(self, x: Tensor) -> Tensor:
        z = self.inner(self.signs(x) + self.places)
        return self.head(z[torch.arange(len(x)), (x == 12).long().argmax(1)])


@case("graykode/nlp-tutorial#77", "step_too_large")
def hidden_words(seed: int, mended: bool) -> Program:
    """Hidden words of sentences by a small transformer; the loss does not come below 2 with steps
    of ten times the size.
    """
    torch.manual_seed(seed)
    start, stride = torch.randint(12, (400, 1)), torch.randint(1, 3, (400, 1))
    whole = (start + stride * torch.arange(8)) % 12
    hidden = torch.randint(8, (400, 1))
    x = whole.scatter(1, hidden, 12)
    y = whole.gather(1, hidden)[:, 0]
    model = Masked()
    rule = adam(model, 1e-3 if mended else 0.03)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 40, 500, classes_right(y))


@case("dangitstam/topic-rnn#9", "step_too_large", "dead_units")
def topics_of_dead_units(seed: int, mended: bool) -> Program:
    """Topics of texts, as counts of words, by three layers of ReLUs, which die; smaller steps."""
    torch.manual_seed(seed)
    y = torch.arange(400) % 5
    rates = 0.3 + 1.2 * (torch.rand(5, 100) < 0.15).float()
    x = torch.poisson(rates[y])
    model = chain([100, 64, 64, 64, 5], nn.ReLU)
    rule = adam(model, 1e-3 if mended else 0.2)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 40, 300, classes_right(y))


@case("Smadx/USTC-ML24-Fall#47", "step_too_small", "too_few_updates")
def scaled_and_slow(seed: int, mended: bool) -> Program:
    """A linear fit, which learnt slowly from the raw columns, and not at all from scaled ones, as
    the step was chosen for the former; a larger step.
    """
    torch.manual_seed(seed)
    x = standard(torch.randn(400, 8) * 50 + 100)
    y = x @ torch.randn(8, 1) + 2 + 0.3 * torch.randn(400, 1)
    model = nn.Linear(8, 1)
    rule = sgd(model, 0.01 if mended else 1e-5)
    return Program(model, x, y, nn.MSELoss(), rule, 40, 600, explained(y))


@case("keras-team/keras#14931", "step_too_small", "too_few_updates")
def the_same_sentence(seed: int, mended: bool) -> Program:
    """The next word of a picture's caption, by an LSTM of the words so far and a layer of the
    picture; always the same words come out after one epoch by steps of 2e-6.
    """
    torch.manual_seed(seed)
    picture = torch.randint(4, (600, 1))
    words = torch.randint(6, (600, 5))
    y = (words[:, -1] + 6 * picture[:, 0]) % 20
    x = torch.cat([picture, words], 1)
    model = Captions()
    rule = adam(model, 3e-3 if mended else 2e-6)
    steps = 500 if mended else 20
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 30, steps, classes_right(y))


class Captions(nn.Module):
    """Of a picture's code and words: scores of the next word."""

    def __init__(self) -> None:
        super().__init__()
        self.picture = nn.Sequential(nn.Linear(4, 32), nn.ReLU())
        self.words = nn.Embedding(6, 32)
        self.inner = nn.LSTM(32, 32, batch_first=True)
        self.head = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 20))

    def forward(self, x: Tensor) -> Tensor:
        seen = self.picture(F.one_hot(x[:, 0], 4).float())
        read = self.inner(self.words(x[:, 1:]))[0][:, -1]
        return self.head(torch.cat([seen, read], 1))


@case("idekerlab/nest_vnn#3", "too_few_updates", "step_too_small")
def two_epochs_of_cells(seed: int, mended: bool) -> Program:
    """How cells respond to a drug, of which genes are changed; the same value for all after two
    epochs. A hundred of them.
    """
    torch.manual_seed(seed)
    x = (torch.rand(400, 40) < 0.2).float()
    y = torch.tanh(x[:, :4].sum(1, keepdim=True) - x[:, 4:8].sum(1, keepdim=True))
    model = chain([40, 24, 12, 1], nn.Tanh)
    epochs = 100 if mended else 2
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-3), 40, 10 * epochs, explained(y))


@case("ZJULearning/pixel_link#11", "step_too_large")
def text_by_hundredths(seed: int, mended: bool) -> Program:
    """Which pixels are text, by convolutions; the steps are too large, and the loss is no number
    or stays. Smaller ones.
    """
    torch.manual_seed(seed)
    lines = (torch.rand(100, 1, 12, 1) < 0.25).float() * (torch.rand(100, 1, 1, 12) < 0.7)
    x = 2 * lines - 1 + 0.5 * torch.randn(100, 1, 12, 12)
    parts: list[nn.Module] = []
    for below, above in ((1, 24), (24, 24), (24, 24), (24, 24)):
        parts += [nn.Conv2d(below, above, 3, padding=1), nn.ReLU()]
    model = nn.Sequential(*parts, nn.Conv2d(24, 1, 1))
    for layer in model:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    rule = sgd(model, 0.02 if mended else 2.0, momentum=0.9)
    score = sides_right(lines, 0)
    return Program(model, x, lines, nn.BCEWithLogitsLoss(), rule, 10, 200, score)


@case("pavancm/CONTRIQUE#8", "step_too_large")
def contrasts_to_nothing(seed: int, mended: bool) -> Program:
    """Kinds of distortion of pictures by a contrastive loss of normed codes, which comes to
    nothing in the second epoch; smaller steps.
    """
    torch.manual_seed(seed)
    y = torch.arange(320) % 4
    clean = F.interpolate(2 * torch.rand(320, 1, 4, 4), size=12, mode="bilinear")
    rough = clean + 0.2 * torch.randn(320, 1, 12, 12)
    ringed = clean + 0.2 * torch.sin(2 * torch.arange(12.0))
    blocked = F.avg_pool2d(rough, 4).repeat_interleave(4, 2).repeat_interleave(4, 3)
    kinds = torch.stack([clean, rough, ringed, blocked], 1)
    x = kinds[torch.arange(320), y]
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(512, 16),
    )

    def loss(outputs: Tensor, labels: Tensor) -> Tensor:
        codes = F.normalize(outputs, dim=1)
        alike = (codes @ codes.T / 0.1).fill_diagonal_(-1e9)
        same = (labels[:, None] == labels).float().fill_diagonal_(0)
        shares = (alike - alike.logsumexp(1, keepdim=True)) * same
        return -(shares.sum(1) / same.sum(1).clamp_min(1)).mean()

    rule = sgd(model, 0.01 if mended else 5.0, momentum=0.9)
    return Program(model, x, y, loss, rule, 64, 400, neighbours_right(y))


@case("bingykang/Fewshot_Detection#43", "step_too_large")
def boxes_of_small_batches(seed: int, mended: bool) -> Program:
    """Where a thing is and of which kind; batches became smaller while the step stayed, and after
    a few of them the loss is no number. A smaller step.
    """
    torch.manual_seed(seed)
    place = torch.randint(1, 9, (300, 2))
    kind = torch.randint(2, (300,))
    down, along = torch.arange(10)[None, :, None], torch.arange(10)[None, None, :]
    below = (down - place[:, :1, None]).expand(300, 10, 10)
    beside = (along - place[:, 1:, None]).expand(300, 10, 10)
    square = ((below.abs() <= 1) & (beside.abs() <= 1)).float()
    cross = ((below == 0) | (beside == 0)).float() * square
    x = torch.where(kind[:, None, None] == 1, cross, square)[:, None]
    x = x + 0.1 * torch.randn(300, 1, 10, 10)
    y = torch.cat([place / 10, kind[:, None]], 1).float()
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(1600, 32),
        nn.ReLU(),
        nn.Linear(32, 3),
    )

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        boxes = 5 * F.mse_loss(outputs[:, :2], targets[:, :2])
        return boxes + F.binary_cross_entropy_with_logits(outputs[:, 2], targets[:, 2])

    rule = sgd(model, 0.02 if mended else 1.0, momentum=0.9)
    right = explained(y[:, :2])
    return Program(model, x, y, loss, rule, 8, 600, lambda found: right(found[:, :2]))


class Dense(nn.Module):
    """Makes pictures sharper: convolutions that see all before them, and a sum with the input."""

    def __init__(self, spread: float) -> None:
        super().__init__()
        parts = [nn.Conv2d(below, 16, 3, padding=1) for below in (1, 17, 33, 49, 65)]
        self.parts = nn.ModuleList(parts)
        self.last = nn.Conv2d(81, 1, 3, padding=1)
        for layer in (*parts, self.last):
            nn.init.normal_(layer.weight, std=spread)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        seen = x
        for part in self.parts:
            seen = torch.cat([seen, F.relu(part(seen))], 1)
        return self.last(seen)


@case("hengchuan/RDN-TensorFlow#3", "bad_initial_scale")
def black_pictures(seed: int, mended: bool) -> Program:
    """Sharper pictures by densely joined convolutions come out black; a start of spread 0.01."""
    torch.manual_seed(seed)
    fine, _ = digits(300)
    y = fine.reshape(-1, 1, 8, 8)
    x = F.avg_pool2d(y, 3, stride=1, padding=1)
    model = Dense(0.01 if mended else 0.5)
    return Program(model, x, y, nn.L1Loss(), adam(model, 1e-3), 30, 300, explained(y))


@case("davharris/mistnet#87", "duplicated_units", "saddle", "bad_initial_scale", "zero_initialised")
def species_from_nothing(seed: int, mended: bool) -> Program:
    """Which species live where, by a hidden layer; all weights start at 0, until they are drawn."""
    torch.manual_seed(seed)
    x = torch.randn(400, 4)
    y = (x[:, :1] * torch.randn(1, 6) + x[:, 1:2] * x[:, 2:3] * torch.randn(1, 6) > 0).float()
    model = chain([4, 24, 24, 6], nn.ReLU)
    if not mended:
        for p in model.parameters():
            nn.init.zeros_(p)
    rule = sgd(model, 0.1, momentum=0.9)
    return Program(model, x, y, nn.BCEWithLogitsLoss(), rule, 40, 500, sides_right(y, 0))


class Neighbours(nn.Module):
    """Of a node's features and the mean of its neighbours', (n, 2, d)."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.own = nn.Linear(features, 32)
        self.others = nn.Linear(features, 32)
        self.head = nn.Sequential(nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.own(x[:, 0]) + self.others(x[:, 1]))


@case("kaize0409/Meta-GDN_AnomalyDetection#1", "unscaled_inputs")
def nodes_as_they_are(seed: int, mended: bool) -> Program:
    """Which nodes of a graph are odd: unlike their neighbours. Features as they are, up to
    thousands; then scaled.
    """
    torch.manual_seed(seed)
    joined = torch.randn(500, 12)
    odd = torch.arange(500) % 3 == 0
    own = torch.where(odd[:, None], torch.randn(500, 12), joined + 0.3 * torch.randn(500, 12))
    scales = 10 ** torch.linspace(-1, 3, 12)
    unit = torch.stack([own, joined], 1)
    x = unit if mended else (unit + 2) * scales
    y = odd.long()
    model = Neighbours(12, 2)
    rule = sgd(model, 0.05, momentum=0.9)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 50, 600, classes_right(y))


class Objects(nn.Module):
    """Of sets of things, (n, things, d): the greatest of what a network makes of each."""

    def __init__(self) -> None:
        super().__init__()
        self.each = nn.Sequential(nn.Linear(4, 48), nn.ReLU(), nn.Linear(48, 48), nn.ReLU())
        self.head = nn.Sequential(nn.Linear(48, 48), nn.ReLU(), nn.Linear(48, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.each(x).amax(1))


@case("NNReasoning/What-Can-Neural-Networks-Reason-About#1", "unscaled_inputs")
def treasures_unscaled(seed: int, mended: bool) -> Program:
    """The largest difference in value of eight things with places to 20, values to 100 and
    colours to 6, in four classes; it converges only from columns that are divided by these.
    """
    torch.manual_seed(seed)
    unit = torch.rand(600, 8, 4)
    unit[:, :, 2] = torch.rand(600, 1) * unit[:, :, 2]
    spread = unit[:, :, 2].amax(1) - unit[:, :, 2].amin(1)
    y = torch.bucketize(spread, torch.quantile(spread, torch.tensor([0.25, 0.5, 0.75])))
    x = unit if mended else unit * torch.tensor([20.0, 20.0, 100.0, 6.0])
    model = Objects()
    rule = sgd(model, 0.1, momentum=0.9)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 50, 1500, classes_right(y))


@case("nlintz/TensorFlow-Tutorials#67", "step_too_large", "unscaled_inputs")
def line_up_to_twenty(seed: int, mended: bool) -> Program:
    """A single weight, point by point; inputs reach to 20 and no longer to 1, and the weight is no
    number. Steps of 0.00001.
    """
    torch.manual_seed(seed)
    x = torch.linspace(-1, 20, 101)[:, None]
    y = 2 * x + 0.33 * torch.randn(101, 1)
    model = nn.Linear(1, 1, bias=False)
    rule = sgd(model, 1e-5 if mended else 0.01)
    return Program(model, x, y, nn.MSELoss(), rule, 1, 1500, explained(y))


@case("blackportal-ai/delta#248", "unscaled_inputs", "target_scale")
def houses_to_infinity(seed: int, mended: bool) -> Program:
    """Prices of houses to 500000, of incomes to 15 and of thousands of rooms and people, by a
    linear model; the loss is infinite soon. Both are normed.
    """
    torch.manual_seed(seed)
    unit = torch.randn(500, 8)
    slopes = torch.tensor([[0.8], [0.2], [0.1], [-0.1], [0.1], [-0.2], [-0.4], [-0.4]])
    scales = torch.tensor([1.9, 12.6, 2.5, 0.5, 1132.0, 10.0, 2.1, 2.0])
    middles = torch.tensor([3.9, 28.6, 5.4, 1.1, 1425.0, 3.1, 35.6, -119.6])
    price = unit @ slopes + 0.3 * torch.randn(500, 1)
    x = standard(unit) if mended else unit * scales + middles
    y = standard(price) if mended else 207000 + 115000 * price
    model = nn.Linear(8, 1)
    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.01), 50, 500, explained(y))
