"""Ninth set, held out: outputs, losses and targets. Written down, with what names each cause,
before any was run; none was diagnosed. A name that is no kind of finding says what the right one
would be.

How it was drawn: as met in about 85 searches for symptoms in people's own words ("loss not
decreasing", "accuracy stuck at 50%", "always predicts the same class", "outputs the mean", "nan
after a few iterations", "does not learn sin", "LSTM predicts constant", "autoencoder outputs grey",
"DQN does not learn", and the like, also in Chinese, Russian, Spanish, Portuguese and Japanese),
half of them among questions and forums, half among issues. Taken was each thread that no earlier
set has and whose cause somebody named plainly, as answer, fix or confirmation, if it is of training
and not of a metric, a file or an installation. About two in five are questions (Stack Overflow and
its sites, forums, and copies of them; nearly all other pages were guides without a case), the rest
issues of repositories, of which a third are questions too. Kinds are in the proportions met: steps
too large, counts of updates and scales are many.

Of stackoverflow 41488279 and newbe.dev the answer was at hand and the question not; of
datascience.stackexchange 115368, 44698, pythoner.space, ai.stackexchange 16779 and
discuss.pytorch.org/t/62364, /t/184454 and discourse.julialang.org/t/72115 the answer was cut off or
a comment, and the cause is what the program shows.

Left out: threads with guesses alone ("try a smaller rate"), backpropagation written by hand with
other mistakes in it, faults in which nobody saw anything go wrong, and an actor-critic whose
baseline is not detached (coreylynch/async-rl#8), which changes the variance alone. Of
52 written 43 reproduced at once; in nine, sizes, noise, steps, rates or what is to be learnt were
then set (in cov-weighting#3 how the losses are weighted, too), and all 52 do; no kinds changed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import digits, masks, rings
from public_cases.models import divergence_of, images_coded
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
    sgd,
    sides_right,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


def stripes(n: int, size: int = 12) -> tuple[Tensor, Tensor]:
    """Noisy stripes along and across, (n, 1, size, size), and which they are, (n,)."""
    kind = torch.arange(n) % 2
    down, along = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    waves = torch.stack([down, along]).float()[kind]
    phase = 6.28 * torch.rand(n, 1, 1)
    return (torch.sin(1.6 * waves + phase) + 0.5 * torch.randn(n, size, size))[:, None], kind


@case("keras-team/keras#13006", "broadcast_targets", "contradicting_targets")
def two_columns_for_one_unit(seed: int, mended: bool) -> Program:
    """Pictures of two kinds come with one column for each, as is the default; there is one unit
    with a sigmoid. Accuracy and outputs go to a half.
    """
    torch.manual_seed(seed)
    x, kind = stripes(240)
    y = kind.float()[:, None]
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 32),
        nn.ReLU(),
        nn.Linear(32, 1),
        nn.Sigmoid(),
    )
    targets = y if mended else F.one_hot(kind).float()
    right = sides_right(y, 0.5)
    return Program(keras(model), x, targets, keras_binary, adam(model, 1e-3), 16, 200, right)


@case("stackoverflow 44601367", "output_range", "wrong_output_activation")
def one_two_three(seed: int, mended: bool) -> Program:
    """An autoencoder of nine times the numbers 1, 2 and 3; a sigmoid behind it."""
    torch.manual_seed(seed)
    x = torch.tensor([[1.0, 2.0, 3.0]]).repeat(9, 1)
    model = keras(chain([3, 3, 3], nn.ReLU, *([] if mended else [nn.Sigmoid()])))
    rule = torch.optim.Adadelta(model.parameters(), lr=1.0)
    return Program(model, x, x, nn.MSELoss(), rule, 4, 1500, explained(x))


@case("796t.com/content/1520485018", "softmax_over_one_unit", "wrong_loss")
def cost_of_nothing(seed: int, mended: bool) -> Program:
    """Two classes by one number; cross entropy takes a softmax over it, and is 0 always."""
    x, y = rings(seed)
    model = chain([2, 24, 12, 1], nn.ReLU)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return -(targets * outputs.log_softmax(1)).sum(1).mean()

    return Program(model, x, y, nn.BCEWithLogitsLoss() if mended else loss, adam(model, 3e-3), 32,
                   600, sides_right(y, 0))  # fmt: skip


@case("FluxML/Flux.jl#1546", "softmax_over_one_unit", "wrong_output_activation")
def two_units_and_a_softmax(seed: int, mended: bool) -> Program:
    """Two sigmoids and a softmax over the only output, point by point."""
    torch.manual_seed(seed)
    x = torch.rand(500, 2)
    y = (x.sum(1, keepdim=True) > 1).float()
    model = chain([2, 2, 1], nn.Sigmoid, *([] if mended else [nn.Softmax(1)]))
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 1, 2000, sides_right(y, 0.5))


@case("iusaspb/deep_learning_Nikolenko_and_Co#1", "log_of_zero")
def tiny_number_lost(seed: int, mended: bool) -> Program:
    """A variational autoencoder; 1e-10 is added to the 1 of which outputs are taken, and is lost
    in single precision. Then 1e-7.
    """
    torch.manual_seed(seed)
    drawn = (torch.rand(6, 64) < 0.5).float()
    x = drawn[torch.randint(6, (240,))]
    model = images_coded()
    little = 1e-7 if mended else 1e-10

    def loss(outputs: tuple[Tensor, Tensor, Tensor], targets: Tensor) -> Tensor:
        p = outputs[0]
        found = targets * (little + p).log() + (1 - targets) * (little + 1 - p).log()
        return -found.sum(1).mean() + divergence_of(outputs[1], outputs[2]).sum(1).mean()

    right = explained(x)
    return Program(model, x, x, loss, adam(model, 2e-2), 40, 600, lambda found: right(found[0]))


@case("rickgroen/cov-weighting#3", "division_by_zero")
def divided_by_what_it_was(seed: int, mended: bool) -> Program:
    """A depth and a side of a plane; each loss counts by what it is over what it was, and the
    second one reaches 0. Then a little is added.
    """
    torch.manual_seed(seed)
    x = torch.randn(400, 4)
    depth = torch.sin(x[:, :1]) + 0.5 * x[:, 1:2]
    side = torch.where(x[:, 2:3] > 0, 1.0, -1.0)
    x[:, 2:3] += 1.5 * side
    y = torch.cat([depth, side], 1)
    model = chain([4, 48, 48, 2], nn.ReLU)
    little = 1e-8 if mended else 0.0
    was = torch.ones(2)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        missed = (outputs[:, 0] - targets[:, 0]).abs().mean()
        margin = (0.5 - outputs[:, 1] * targets[:, 1]).clamp_min(0).mean()
        both = torch.stack([missed, margin])
        ratio = both.detach() / (was + little)
        was.copy_(both.detach())
        return (ratio / ratio.sum() * both).sum()

    right = explained(depth)
    rule = adam(model, 3e-3)
    return Program(model, x, y, loss, rule, 40, 500, lambda found: right(found[:, :1]))


class Templates(nn.Module):
    """Three pictures for each picture, how likely each is, and the logarithm of the spread."""

    def __init__(self) -> None:
        super().__init__()
        self.body = chain([144, 64, 64], nn.ReLU, nn.ReLU())
        self.drawn = nn.Linear(64, 3 * 144)
        self.which = nn.Linear(64, 3)
        self.spread = nn.Parameter(torch.tensor(-0.9))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        z = self.body(x)
        return self.drawn(z).unflatten(1, (3, 144)), self.which(z).log_softmax(1), self.spread


def bumps(n: int, size: int = 12) -> tuple[Tensor, Tensor]:
    """Pictures with a bump, (n, size, size), and where it is, (n, 2), from 0 to 1."""
    place = torch.rand(n, 2)
    line = torch.arange(size) / (size - 1.0)
    down = torch.exp(-((line - place[:, :1]) ** 2) / 0.05)
    along = torch.exp(-((line - place[:, 1:]) ** 2) / 0.05)
    return down[:, :, None] * along[:, None], place


@case("mlberkeley/scae-pytorch#4", "overflow")
def likelihood_overflows(seed: int, mended: bool) -> Program:
    """Pictures by mixtures of templates; the logarithm of a sum of exponentials is infinite as
    soon as a picture is likely. Then by one function.
    """
    torch.manual_seed(seed)
    x = bumps(300)[0].flatten(1)
    model = Templates()

    def loss(outputs: tuple[Tensor, Tensor, Tensor], targets: Tensor) -> Tensor:
        drawn, which, spread = outputs
        apart = ((targets[:, None] - drawn) ** 2).sum(2) / 2 * (-2 * spread).exp()
        likely = which - apart - 144 * (spread + 0.919)
        return -(likely.logsumexp(1) if mended else likely.exp().sum(1).log()).mean()

    def score(found: tuple[Tensor, Tensor, Tensor]) -> float:
        return explained(x)((found[1].exp()[:, :, None] * found[0]).sum(1))

    return Program(model, x, x, loss, adam(model, 3e-3), 50, 800, score)


class Masked(nn.Module):
    """Sound, of which a network says how much of each part to keep."""

    def __init__(self) -> None:
        super().__init__()
        self.kept = chain([16, 64, 64, 16], nn.ReLU, nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return x * self.kept(x)


@case("mpariente/pytorch_stoi#14", "root_at_zero")
def silence_has_no_length(seed: int, mended: bool) -> Program:
    """Noise is taken out of sound, by how much it correlates with the clean one; a little is added
    to the root, and not within, and some pieces are silent.
    """
    torch.manual_seed(seed)
    clean = (torch.randn(400, 4) @ torch.randn(4, 16)).relu()
    noise = 2 * torch.randn(400, 16).abs() * (torch.arange(16) % 3 == 0)
    loud = (torch.rand(400, 1) > 0.1).float()
    x, y = (clean + noise) * loud, clean * loud

    def length(z: Tensor) -> Tensor:
        squares = (z**2).sum(1)
        return (squares + 1e-8).sqrt() if mended else squares.sqrt() + 1e-8

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return -((outputs * targets).sum(1) / (length(outputs) * length(targets))).mean()

    def score(found: Tensor) -> float:
        apart = [1 - F.cosine_similarity(z, y)[loud[:, 0] > 0].mean() for z in (found, x)]
        return float(1 - apart[0] / apart[1])

    model = Masked()
    return Program(model, x, y, loss, adam(model, 3e-3), 40, 400, score)


def steepness(z: Tensor, little: float) -> Tensor:
    """Of pictures, (n, 1, h, w)."""
    down, along = z[:, :, 1:, :-1] - z[:, :, :-1, :-1], z[:, :, :-1, 1:] - z[:, :, :-1, :-1]
    return (down**2 + along**2 + little).sqrt()


@case("openillumi.com/en/en-fix-pytorch-cpu-nan-powbackward0", "root_at_zero")
def edges_of_flat_pictures(seed: int, mended: bool) -> Program:
    """Blurred squares are made sharp, by pixels and by how steep they are; most of a picture is
    flat, and a root is taken of 0. Then of 1e-8.
    """
    torch.manual_seed(seed)
    line = torch.arange(16)
    corner, side = torch.randint(2, 6, (200, 2)), torch.randint(4, 8, (200, 2))
    inside = (line >= corner[..., None]) & (line < (corner + side)[..., None])
    y = (inside[:, 0, :, None] & inside[:, 1, None, :]).float()[:, None]
    x = F.avg_pool2d(y, 5, stride=1, padding=2)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 1, 3, padding=1),
    )
    little = 1e-8 if mended else 0.0

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        edges = steepness(outputs, little) - steepness(targets, little)
        return F.mse_loss(outputs, targets) + 0.1 * edges.abs().mean()

    return Program(model, x, y, loss, adam(model, 3e-3), 25, 250, explained(y))


@case("divamgupta/image-segmentation-keras#30", "labels_outside_loss")
def masks_to_255(seed: int, mended: bool) -> Program:
    """Masks are 0 and 255, as pictures are; what is found has a single colour. Then 0 and 1."""
    x, y = masks(seed, 0.3)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 1, 3, padding=1),
        nn.Sigmoid(),
    )
    right = sides_right(y, 0.5)
    targets = y if mended else 255 * y
    return Program(keras(model), x, targets, keras_binary, adam(model, 5e-3), 10, 300, right)


class Sets(nn.Module):
    """A number of each set of points, (n, points, 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.each = nn.Sequential(nn.Linear(1, 32), nn.ELU(), nn.Linear(32, 32), nn.ELU())
        self.head = nn.Sequential(nn.Linear(32, 32), nn.ELU(), nn.Linear(32, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.each(x).mean(1))


@case("manzilzaheer/DeepSets#1", "broadcast_targets")
def spreads_of_sets(seed: int, mended: bool) -> Program:
    """How far sets of numbers spread; targets are a row and outputs a column, and what comes out
    is the average over all sets.
    """
    torch.manual_seed(seed)
    spread = 0.5 + 2 * torch.rand(500)
    x = spread[:, None, None] * torch.randn(500, 40, 1)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return ((targets - (outputs[:, 0] if mended else outputs)) ** 2).mean()

    model = Sets()
    return Program(model, x, spread, loss, adam(model, 3e-3), 128, 400, explained(spread))


@case("dingmyu/CamNet#4", "broadcast_targets")
def places_of_one_pixel(seed: int, mended: bool) -> Program:
    """Where a bump is and how bright; outputs are pictures of one pixel, (n, 3, 1, 1), and targets
    (n, 3), and every output is compared with every target.
    """
    torch.manual_seed(seed)
    drawn, place = bumps(300)
    bright = 0.5 + torch.rand(300, 1)
    x = (bright[:, :, None] * drawn)[:, None]
    y = 3 * (torch.cat([place, bright], 1) - torch.tensor([0.5, 0.5, 1.0]))
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 3, 3),
    )

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return ((outputs.flatten(1) if mended else outputs) - targets).abs().mean()

    return Program(model, x, y, loss, adam(model, 3e-3), 30, 400, explained(y))


@case("datascience.stackexchange 115368, forums.fast.ai/t/58206", "broadcast_targets")
def sums_of_two_squares(seed: int, mended: bool) -> Program:
    """The sum of two squares, (n,), by a network with one output, (n, 1)."""
    torch.manual_seed(seed)
    x = torch.rand(850, 2)
    z = (x**2).sum(1)
    model = chain([2, 10, 5, 1], nn.ReLU)
    y = z[:, None] if mended else z
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 50, 600, explained(z))


@case("tsinghua-rll/VoxelNet-tensorflow#10", "output_range", "wrong_output_activation")
def boxes_that_cannot_shrink(seed: int, mended: bool) -> Program:
    """By how much a box is to be moved and made smaller, in logarithms; a ReLU behind the last
    convolution, as behind all others.
    """
    torch.manual_seed(seed)
    side = torch.randint(2, 11, (400, 2))
    inside = torch.arange(12) < side[..., None]
    x = (inside[:, 0, :, None] & inside[:, 1, None, :]).float()[:, None]
    x = x + 0.2 * torch.randn_like(x)
    y = (side / 8.0).log()
    last = [] if mended else [nn.ReLU()]
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2, padding=1),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.Conv2d(32, 2, 3),
        nn.Flatten(),
        *last,
    )
    return Program(model, x, y, nn.SmoothL1Loss(), adam(model, 5e-3), 40, 300, explained(y))


@case("paiml/aprender#3034", "detached_loss")
def season_without_gradient(seed: int, mended: bool) -> Program:
    """A trend and a season; the loss is made anew of numbers, and only the weights' own term has a
    gradient.
    """
    torch.manual_seed(seed)
    time = torch.linspace(0, 1, 400)[:, None]
    turns = 6.283 * 4 * time * torch.arange(1, 4)
    x = torch.cat([time, turns.sin(), turns.cos()], 1)
    y = 2 * time + turns[:, :1].sin() + 0.5 * turns[:, 1:2].cos() + 0.1 * torch.randn(400, 1)
    model = chain([7, 32, 1], nn.ReLU)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        missed = F.smooth_l1_loss(outputs if mended else outputs.detach(), targets)
        size = torch.stack([(p**2).sum() for p in model.parameters()]).sum()
        return missed + 1e-4 * size

    return Program(model, x, y, loss, adam(model, 1e-2), 40, 400, explained(y))


@case("mlpack/mlpack#1813", "logits_to_probability_loss")
def judge_without_sigmoid(seed: int, mended: bool) -> Program:
    """The part of an adversarial pair that judges digits; logarithms are taken of its outputs,
    which are no probabilities.
    """
    torch.manual_seed(seed)
    flat, _ = digits(240)
    real = flat.reshape(-1, 1, 8, 8)
    made = (real[torch.randperm(240)].roll(3, 2) + 0.3 * torch.randn(240, 1, 8, 8)).clamp(0, 1)
    x = torch.cat([real, made])
    y = torch.cat([torch.ones(240, 1), torch.zeros(240, 1)])
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 1),
    )

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return -(targets * outputs.log() + (1 - targets) * (1 - outputs).log()).mean()

    return Program(model, x, y, nn.BCEWithLogitsLoss() if mended else loss, adam(model, 3e-3), 40,
                   250, sides_right(y, 0))  # fmt: skip


class Reader(nn.Module):
    """Signs in a row of columns, (n, columns, height), which come time first, by an LSTM."""

    def __init__(self, points_first: bool) -> None:
        super().__init__()
        self.columns = nn.Sequential(nn.Linear(6, 24), nn.ReLU())
        self.inner = nn.LSTM(24, 32, batch_first=points_first)
        self.head = nn.Linear(32, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(self.columns(x).transpose(0, 1))[0][-1])


@case("discuss.pytorch.org/t/62364", "wrong_axis")
def time_taken_for_points(seed: int, mended: bool) -> Program:
    """Which sign stands somewhere in a row; features come time first and the LSTM takes points
    first. It was so that the loss decreased before that was changed.
    """
    torch.manual_seed(seed)
    y = torch.randint(4, (400,))
    x = 0.3 * torch.randn(400, 10, 6)
    x[torch.arange(400), torch.randint(8, (400,))] += 2 * torch.eye(6)[y]
    model = Reader(not mended)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 5e-3), 40, 400, classes_right(y))


@case("pythoner.space: the cost function of the neural network is failing to minimize, "
      "datascience.stackexchange 44698", "gradient_sign_flipped")  # fmt: skip
def steps_the_other_way(seed: int, mended: bool) -> Program:
    """The sine from 0 to 1 by three sigmoids and a sigmoid, by hand; what goes uphill is added."""
    torch.manual_seed(seed)
    x = torch.rand(50, 1)
    y = torch.sin(x)
    model = chain([1, 3, 1], nn.Sigmoid, nn.Sigmoid())
    for p in model.parameters():
        nn.init.uniform_(p)
    rule = sgd(model, 0.1, maximize=not mended)
    loss = nn.MSELoss(reduction="sum")
    return Program(model, x, y, loss, rule, 50, 4000, explained(y))


@case("orybkin/sigma-vae-pytorch#12, AntixK/PyTorch-VAE#56", "unbalanced_loss_terms")
def squares_averaged(seed: int, mended: bool) -> Program:
    """A variational autoencoder whose pictures are all alike: squares are averaged over pixels,
    the divergence is not. Then both are sums.
    """
    torch.manual_seed(seed)
    x, _ = digits()
    model = images_coded()

    def loss(outputs: tuple[Tensor, Tensor, Tensor], targets: Tensor) -> Tensor:
        missed = (outputs[0] - targets) ** 2
        missed = 10 * missed.sum(1).mean() if mended else missed.mean()
        return missed + divergence_of(outputs[1], outputs[2]).sum(1).mean()

    middle = x.mean(0)
    right = explained(x - middle)
    rule = adam(model, 3e-3)
    return Program(model, x, x, loss, rule, 30, 1200, lambda found: right(found[0] - middle))
