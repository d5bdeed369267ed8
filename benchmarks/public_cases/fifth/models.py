"""Fifth set, held out: architectures, axes, masks and codes. Written down, with what names each
cause, before any was run; none was diagnosed. A name that is no kind of finding says what the right
one would be called.

Sizes, noise, steps and rates of some were then set until program and twin did as the thread says;
no finding was looked at. `bad_initial_scale` of `linear_in_a_circle` was added with them.

Four more did not reproduce and were left out: `code_by_tanh` (pkmital/CADL#84), a variational
autoencoder whose code's means are cut off by tanh and log variances by half of it, explains 0.46 of
what the mean image misses and its twin 0.63; `places_as_channels`
(FernandoLpz/Text-Classification-CNN-PyTorch#3), convolutions that take words for channels,
`frames_viewed_as_channels` (proceduralia/pytorch-conv2_1d#1, vitrioil/Speech-Separation#4), films
viewed as batches of frames without a permutation, and `volumes_with_dropout`
(towardsdatascience.com, pitfalls with dropout and batch norm in regression problems), dropout in
front of the last layers of a regression, learn as their twins do.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from public_cases.data import digits, rings
from public_cases.models import Read, Variational, divergence_of
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
    update,
    usual,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case("PantoMatrix/PantoMatrix#52", "linear_model", "missing_nonlinearity")
def true_is_one(seed: int, mended: bool) -> Program:
    """`LeakyReLU(True)` is meant to work in place, and has the slope 1 below 0."""
    x, y = rings(seed)
    bend = (lambda: nn.LeakyReLU(inplace=True)) if mended else (lambda: nn.LeakyReLU(True))
    model = chain([2, 24, 24, 1], bend)
    return Program(model, x, y, nn.BCEWithLogitsLoss(), adam(model, 5e-3), 32, 600,
                   sides_right(y, 0.0))  # fmt: skip


class Thoughts(nn.Module):
    """Layers between an encoder and a head, made once or at each call."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.encoder = nn.Linear(64, 32)
        self.between = self.made() if mended else None
        self.head = nn.Linear(16, 10)

    def made(self) -> nn.Module:
        return nn.Sequential(nn.Linear(32, 16), nn.LayerNorm(16), nn.GELU())

    def forward(self, x: Tensor) -> Tensor:
        between = self.between if self.between is not None else self.made()
        return self.head(between(torch.relu(self.encoder(x))))


@case("vicksEmmanuel/latent-gemma#1", "unregistered_parameters", "optimiser_misses_parameters",
      "frozen_layers")  # fmt: skip
def new_layers_each_time(seed: int, mended: bool) -> Program:
    """Some layers are made in `forward`: each call has new ones."""
    torch.manual_seed(seed)
    x, y = digits(512)
    model = Thoughts(mended)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model), 32, 400, classes_right(y))


class Classifier(nn.Module):
    """A transformer over words, (n, words), whose first place is read."""

    def __init__(self, batch_first: bool) -> None:
        super().__init__()
        self.embed = nn.Embedding(8, 16)
        self.places = nn.Parameter(0.1 * torch.randn(9, 16))
        self.inner = nn.TransformerEncoderLayer(16, 2, 32, dropout=0.0, batch_first=batch_first)
        self.head = nn.Linear(16, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(self.embed(x) + self.places)[:, 0])


@case("Exorust/TorchLeet#5, IBM/TabFormer#14", "wrong_axis")
def attends_to_other_texts(seed: int, mended: bool) -> Program:
    """A `TransformerEncoderLayer` takes the batch for the text, without `batch_first`."""
    torch.manual_seed(seed)
    words = torch.randint(3, 8, (400, 8))
    has = torch.rand(400, 2) < 0.5
    at = torch.rand(400, 8).argsort(1)[:, :2]
    for k in range(2):
        rows = has[:, k].nonzero()[:, 0]
        words[rows, at[rows, k]] = k + 1
    x = torch.cat([torch.zeros(400, 1, dtype=torch.long), words], 1)
    y = has[:, 0].long() + 2 * has[:, 1].long()
    model = Classifier(mended)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 5e-3), 40, 300,
                   classes_right(y))  # fmt: skip


class Writer(nn.Module):
    """Scores of the next of each word, (n, words, places). When it is not trained it is given no
    words but those before.
    """

    def __init__(self, masked: bool) -> None:
        super().__init__()
        self.embed = nn.Embedding(5, 24)
        self.places = nn.Parameter(0.1 * torch.randn(8, 24))
        self.inner = nn.TransformerEncoderLayer(24, 2, 48, dropout=0.0, batch_first=True)
        self.head = nn.Linear(24, 5)
        self.masked = masked

    def scores(self, x: Tensor) -> Tensor:
        long = x.shape[1]
        mask = torch.full((long, long), float("-inf")).triu(1) if self.masked else None
        z = self.inner(self.embed(x) + self.places[:long], src_mask=mask)
        return self.head(z).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            return self.scores(x)
        return torch.stack([self.scores(x[:, : k + 1])[:, :, -1] for k in range(x.shape[1])], 2)


@case("alex-matton/causal-transformer-decoder#1", "mask_missing", "target_leakage",
      "train_eval_gap")  # fmt: skip
def sees_what_comes(seed: int, mended: bool) -> Program:
    """A decoder without the mask of what comes: it copies the next word, and cannot write."""
    torch.manual_seed(seed)
    words = torch.randint(0, 5, (300, 9))
    for k in range(2, 9):
        words[:, k] = (2 * words[:, k - 1] + words[:, k - 2]) % 5
    x, y = words[:, :8], words[:, 1:]
    model = Writer(mended)
    right = classes_right(y[:, 1:].reshape(-1))
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 5e-3), 50, 500,
                   lambda f: right(f[:, :, 1:].transpose(1, 2).reshape(-1, 5)))  # fmt: skip


class Sentence(nn.Module):
    """Reads words, 0 is none, and takes the output at the last word or the last place."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.embed = nn.Embedding(12, 12)
        self.inner = nn.LSTM(12, 20, batch_first=True)
        self.head = nn.Linear(20, 1)
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        z = self.inner(self.embed(x))[0]
        at = (x > 0).sum(1) - 1 if self.mended else torch.full((len(x),), x.shape[1] - 1)
        return self.head(z[torch.arange(len(x)), at])


@case("thtrieu/qclass_dl#1, bentrevett/pytorch-sentiment-analysis#86", "wrong_time_step",
      "padding_read")  # fmt: skip
def reads_the_padding(seed: int, mended: bool) -> Program:
    """Questions of up to eight words are padded to 40, and the output behind them is used."""
    torch.manual_seed(seed)
    lengths = torch.randint(3, 9, (400,))
    x = torch.randint(1, 12, (400, 40)) * (torch.arange(40) < lengths[:, None])
    last = x[torch.arange(400), lengths - 1]
    y = ((last > 6) != (x[:, 0] > 6)).float()[:, None]
    model = Sentence(mended)
    return Program(model, x, y, nn.BCEWithLogitsLoss(), adam(model, 1e-2), 40, 250,
                   sides_right(y, 0.0))  # fmt: skip


class Where(nn.Module):
    """Convolutions and the mean over all pixels; maybe told where each pixel is."""

    def __init__(self, told: bool) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Conv2d(3 if told else 1, 8, 3, padding=1), nn.ReLU(),
                                   nn.Conv2d(8, 16, 1), nn.ReLU())  # fmt: skip
        self.head = nn.Linear(16, 2)
        self.told = told

    def forward(self, x: Tensor) -> Tensor:
        if self.told:
            line = torch.linspace(-1, 1, x.shape[2]).expand(len(x), 1, x.shape[2], x.shape[2])
            x = torch.cat([x, line, line.transpose(2, 3)], 1)
        return self.head(self.inner(x).amax((2, 3)))


@case("titu1994/keras-coordconv#4", "missing_positions")
def where_is_the_pixel(seed: int, mended: bool) -> Program:
    """The place of a white pixel by convolutions and a pooling over the image: the middle of all
    places is given. Two more channels say where each pixel is.
    """
    torch.manual_seed(seed)
    at = torch.randint(0, 20, (300, 2))
    x = torch.zeros(300, 1, 20, 20)
    x[torch.arange(300), 0, at[:, 0], at[:, 1]] = 1.0
    y = at.float() / 9.5 - 1
    model = Where(mended)
    return Program(model, x, y, nn.MSELoss(), adam(model, 5e-3), 50, 300, explained(y))


class Graph(nn.Module):
    """Graph convolutions; rows are numbers of nodes."""

    near: Tensor
    features: Tensor

    def __init__(self, near: Tensor, features: Tensor, layers: int) -> None:
        super().__init__()
        self.register_buffer("near", near)
        self.register_buffer("features", features)
        sizes = [features.shape[1], *[16] * (layers - 1), 4]
        self.layers = nn.ModuleList(nn.Linear(below, above) for below, above in pairwise(sizes))

    def forward(self, x: Tensor) -> Tensor:
        z = self.features
        for k, layer in enumerate(self.layers):
            z = self.near @ layer(z)
            z = torch.relu(z) if k < len(self.layers) - 1 else z
        return z[x[:, 0]]


@case("DropEdge/DropEdge#8, lightaime/deep_gcns_torch#10", "over_smoothed", "vanishing_gradient")
def eight_times_smoothed(seed: int, mended: bool) -> Program:
    """A graph network of eight layers knows nothing, one of two layers most nodes."""
    torch.manual_seed(seed)
    n = 160
    y = torch.arange(n) % 4
    chance = torch.where(y[:, None] == y, 0.12, 0.02)
    edges = (torch.rand(n, n) < chance).float().triu(1)
    edges = edges + edges.T + torch.eye(n)
    root = edges.sum(1).rsqrt()
    features = F.one_hot(y, 4).float() + torch.randn(n, 4)
    features = torch.cat([features, torch.randn(n, 12)], 1)
    model = Graph(root[:, None] * edges * root, features, 2 if mended else 8)
    return Program(model, torch.arange(n)[:, None], y, nn.CrossEntropyLoss(),
                   adam(model, 1e-2, weight_decay=5e-4), n, 200, classes_right(y))  # fmt: skip


class Reversal(torch.autograd.Function):
    """Passes on, and gives back gradients times a factor."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return x.view_as(x)

    @staticmethod
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, back: Tensor
    ) -> tuple[Tensor, None]:
        return back * ctx.factor, None


class Adversary(nn.Module):
    """Scores of two classes and whether a point is of the other domain, (n, 3)."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.body = chain([4, 16, 2], nn.ReLU)
        self.kind = nn.Linear(2, 2)
        self.domain = chain([2, 16, 1], nn.ReLU)
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        z = self.body(x)
        return torch.cat([self.kind(z), self.domain(Reversal.apply(z, self.factor))], 1)


@case("CuthbertCai/pytorch_DANN#10", "gradient_sign_flipped")
def reversed_twice(seed: int, mended: bool) -> Program:
    """The layer that reverses gradients is given a negative factor, too: features tell the domains
    apart, and the classes of the other one are not known.
    """
    torch.manual_seed(seed)
    n = 600
    y, other = torch.randint(0, 2, (2, n))
    sign = 2.0 * y - 1
    x = torch.randn(n, 4)
    x[:, 0] = 1.2 * sign + 0.6 * torch.randn(n)
    x[:, 1] = torch.where(other == 1, 6 - 2 * sign, 2 * sign) + 0.3 * torch.randn(n)
    model = Adversary(-1.0 if mended else 1.0)

    def loss(outputs: Tensor, known: Tensor) -> Tensor:
        y, other = known.unbind(1)
        own = other == 0
        domain = F.binary_cross_entropy_with_logits(outputs[:, 2], other.float())
        return F.cross_entropy(outputs[own, :2], y[own]) + domain

    right = classes_right(y[other == 1])
    return Program(model, x, torch.stack([y, other], 1), loss, adam(model, 5e-3), 60, 1200,
                   lambda f: right(f[other == 1, :2]))  # fmt: skip


class Bounded(Variational):
    """The code's mean and log variance go through an activation."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module, bound: nn.Module) -> None:
        super().__init__(nn.Sequential(encoder, bound), decoder)


def coded_images(seed: int, bound: nn.Module, weight: float, code: int) -> Program:
    """A variational autoencoder of digits."""
    torch.manual_seed(seed)
    x, _ = digits(512)
    decoder = chain([code, 48, 64], nn.ReLU, nn.Sigmoid())
    model = Bounded(chain([64, 48, 2 * code], nn.ReLU), decoder, bound)

    def loss(outputs: tuple[Tensor, Tensor, Tensor], targets: Tensor) -> Tensor:
        made, mean, log_variance = outputs
        apart = F.binary_cross_entropy(made, targets, reduction="none").sum(1)
        return (apart + weight * divergence_of(mean, log_variance).sum(1)).mean()

    right = explained(x)
    middle = float(1 - (x - x.mean(0)).pow(2).mean() / (x - x.mean()).pow(2).mean())
    return Program(model, x, x, loss, adam(model, 3e-3), 32, 600,
                   lambda f: (right(f[0]) - middle) / (1 - middle))  # fmt: skip


@case("shekkizh/TensorflowProjects#1, alexlee-gk/video_prediction#3", "output_range",
      "wrong_output_activation")  # fmt: skip
def noise_of_one_at_least(seed: int, mended: bool) -> Program:
    """Mean and log variance of the code come from relus: the noise cannot be below 1."""
    return coded_images(seed, nn.Identity() if mended else nn.ReLU(), 0.3, 4)


class Book(nn.Module):
    """An autoencoder whose code is the nearest vector of a book: what it makes, the code as it was
    and the vector.
    """

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.encoder = chain([64, 48, 4], nn.ReLU)
        self.book = nn.Parameter(torch.rand(32, 4) / 16 - 1 / 32)
        self.decoder = chain([4, 48, 64], nn.ReLU)
        self.mended = mended

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z = self.encoder(x)
        nearest = self.book[torch.cdist(z, self.book).argmin(1)]
        through = z + (nearest - z).detach()
        return self.decoder(through), z, nearest if self.mended else through


@case("showlab/Olaf-World#8, EdoardoBotta/RQ-VAE-Recommender#24", "detached_loss", "frozen_layers",
      "graph_cut")  # fmt: skip
def book_never_pulled(seed: int, mended: bool) -> Program:
    """The loss of the book takes the vector that gradients pass by: the book stays as it began."""
    torch.manual_seed(seed)
    x, _ = digits(512)
    model = Book(mended)

    def loss(outputs: tuple[Tensor, Tensor, Tensor], targets: Tensor) -> Tensor:
        made, z, vector = outputs
        pulled = F.mse_loss(vector, z.detach()) + 0.25 * F.mse_loss(z, vector.detach())
        return F.mse_loss(made, targets) + pulled

    right = explained(x)
    middle = float(1 - (x - x.mean(0)).pow(2).mean() / (x - x.mean()).pow(2).mean())
    return Program(model, x, x, loss, adam(model, 3e-3), 64, 800,
                   lambda f: (right(f[0]) - middle) / (1 - middle))  # fmt: skip


class Letters(nn.Module):
    """Scores of the next letter, (n, letters, places)."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.embed = nn.Embedding(8, 32)
        self.inner = nn.RNN(32, 32, batch_first=True, nonlinearity=kind)
        self.head = nn.Linear(32, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(self.embed(x))[0]).transpose(1, 2)


@case("chenxie95/deeplearning_course_sjtu#31, keras-team/keras#2194", "exploding_gradient",
      "step_too_large", "not_finite")  # fmt: skip
def relus_in_a_circle(seed: int, mended: bool) -> Program:
    """A language model by a recurrent network of relus, with the step of the one by tanh: NaN."""
    torch.manual_seed(seed)
    words = torch.randint(0, 8, (12, 4))
    x = words[torch.randint(0, 12, (200, 9))].reshape(200, 36)
    model = Letters("tanh" if mended else "relu")
    right = classes_right(x[:, 1:].reshape(-1))
    return Program(model, x[:, :-1], x[:, 1:], nn.CrossEntropyLoss(), sgd(model, 4.0), 20, 300,
                   lambda f: right(f.transpose(1, 2).reshape(-1, 8)))  # fmt: skip


class Names(nn.Module):
    """A recurrence without an activation: the next state is linear in the state and the letter."""

    def __init__(self) -> None:
        super().__init__()
        self.state = nn.Linear(2 + 24, 24)
        self.head = nn.Linear(24, 1)

    def forward(self, x: Tensor) -> Tensor:
        state = torch.zeros(len(x), 24)
        for k in range(x.shape[1]):
            state = self.state(torch.cat([x[:, k], state], 1))
        return self.head(state)


@case("discuss.pytorch.org/t/655, pytorch/pytorch#2623", "exploding_gradient", "not_finite",
      "step_too_large", "bad_initial_scale")  # fmt: skip
def linear_in_a_circle(seed: int, mended: bool) -> Program:
    """The tutorial's recurrent network, here from near the identity, on longer names: NaN. The
    answer clips gradients.
    """
    torch.manual_seed(seed)
    x = torch.randn(300, 30, 2)
    y = x[:, :5, 0].sum(1, keepdim=True)
    model = Names()
    with torch.no_grad():
        model.state.weight[:, 2:] = torch.eye(24) + 0.05 * torch.randn(24, 24)

    def clipped(program: Program) -> Iterator[Tensor]:
        for _ in range(program.steps):
            loss = update(program, torch.randperm(300)[: program.batch], step=False)
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            program.optimiser.step()
            yield loss

    return Program(model, x, y, nn.MSELoss(), sgd(model, 1e-2), 30, 500, explained(y),
                   clipped if mended else usual)  # fmt: skip


class Steps(nn.Module):
    """An LSTM that is called with one moment after another."""

    def __init__(self, handed_on: bool) -> None:
        super().__init__()
        self.inner = nn.LSTM(3, 20, batch_first=True)
        self.head = nn.Linear(20, 1)
        self.handed_on = handed_on

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for k in range(x.shape[1]):
            z, after = self.inner(x[:, k : k + 1], state)
            state = after if self.handed_on else None
        return self.head(z[:, 0])  # pyright: ignore[reportPossiblyUnboundVariable]


@case("HiroIshida/mohou#107, yunjey/pytorch-tutorial#22, jankrepl/mltype#36", "state_not_passed",
      "wrong_time_step")  # fmt: skip
def state_is_forgotten(seed: int, mended: bool) -> Program:
    """The LSTM is called for each moment, and its state is not handed on."""
    torch.manual_seed(seed)
    x = torch.randn(400, 7, 3)
    y = torch.tanh(x[:, :5, 0].sum(1, keepdim=True)) + 0.5 * x[:, 2, 1:2]
    model = Steps(mended)
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 40, 350, explained(y))


class Windows(nn.Module):
    """Windows of a series, each maybe standardised by itself, read by a GRU."""

    def __init__(self, alone: bool) -> None:
        super().__init__()
        self.inner = Read(nn.GRU(1, 16, batch_first=True), nn.Linear(16, 1))
        self.alone = alone

    def forward(self, x: Tensor) -> Tensor:
        if self.alone:
            x = (x - x.mean(1, keepdim=True)) / (x.std(1, keepdim=True) + 1e-5)
        return self.inner(x)


@case("moment-timeseries-foundation-model/moment#59", "information_normalised_away")
def each_window_by_itself(seed: int, mended: bool) -> Program:
    """Is the series above its usual level? Each window is standardised, and its level is gone."""
    torch.manual_seed(seed)
    x = 0.5 * torch.randn(400, 16, 1) + torch.linspace(0, 6, 16).sin()[None, :, None]
    y = (torch.rand(400, 1) < 0.4).float()
    x = x + 1.5 * y[:, :, None]
    model = Windows(not mended)
    return Program(model, x, y, nn.BCEWithLogitsLoss(), adam(model, 5e-3), 40, 300,
                   sides_right(y, 0.0))  # fmt: skip
