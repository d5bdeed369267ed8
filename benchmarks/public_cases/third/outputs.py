"""Third set: outputs, losses and targets. Written down, with what names each cause, before any was
diagnosed; a name that is no kind of finding says what the right one would be called.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from public_cases.data import blobs, digits
from public_cases.models import Read, divergence_of, images_coded
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_balanced,
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


@case("pytorch/examples#117, hunkim/PyTorchZeroToAll#4", "wrong_output_activation", "output_range")
def relu_before_softmax(seed: int, mended: bool) -> Program:
    """A relu between the last layer and the logarithm of the softmax."""
    torch.manual_seed(seed)
    x, y = digits(512)
    last = [nn.LogSoftmax(dim=1)] if mended else [nn.ReLU(), nn.LogSoftmax(dim=1)]
    model = chain([64, 50, 10], nn.ReLU, *last)
    return Program(model, x, y, nn.NLLLoss(), sgd(model, 0.01, momentum=0.5), 64, 600,
                   classes_right(y))  # fmt: skip


@case("stackoverflow 41722336, stats.stackexchange 126994", "output_range",
      "wrong_output_activation")  # fmt: skip
def values_by_sigmoid(seed: int, mended: bool) -> Program:
    """Values of nine moves; taken fields are worth -1, and the output is a sigmoid."""
    torch.manual_seed(seed)
    x = torch.randint(-1, 2, (400, 9)).float()
    y = torch.where(x != 0, -1.0, 0.0)
    model = chain([9, 64, 9], nn.ReLU, *([] if mended else [nn.Sigmoid()]))
    return Program(model, x, y, nn.MSELoss(), adam(model), 32, 800, explained(y))


@case("stackoverflow 5105718", "output_range", "wrong_output_activation")
def sines_by_sigmoid(seed: int, mended: bool) -> Program:
    """The sine of the sum of four numbers from -1, 0, 1, by sigmoids to the last: never below 0."""
    torch.manual_seed(seed)
    digit = torch.tensor([-1.0, 0.0, 1.0])
    x = torch.cartesian_prod(digit, digit, digit, digit)
    y = x.sum(1, keepdim=True).sin()
    model = chain([4, 6, 1], nn.Sigmoid, *([nn.Tanh()] if mended else [nn.Sigmoid()]))
    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.1, momentum=0.9), 9, 4000, explained(y))


@case("stackoverflow 46620813", "softmax_over_one_unit", "wrong_output_activation")
def bits_by_softmax(seed: int, mended: bool) -> Program:
    """The bit after three bits, a softmax over one unit; the accuracy stands at a half."""
    torch.manual_seed(seed)
    x = torch.randint(0, 2, (300, 3, 1)).float()
    y = x[:, 0]
    last = nn.Sigmoid() if mended else nn.Softmax(dim=1)
    model = Read(nn.LSTM(1, 8, batch_first=True), nn.Linear(8, 1), last)
    rule = torch.optim.Adagrad(model.parameters(), lr=0.1)
    return Program(model, x, y, nn.BCELoss(), rule, 32, 500, sides_right(y, 0.5))


@case("clvrai/ACGAN-PyTorch#4, AnubhavGupta3377/Text-Classification-Models-Pytorch#9",
      "logits_to_probability_loss", "wrong_output_activation", "wrong_loss")  # fmt: skip
def likelihood_of_softmax(seed: int, mended: bool) -> Program:
    """The discriminator's head for classes: a softmax, not its logarithm, in `NLLLoss`."""
    torch.manual_seed(seed)
    x, y = digits(512)
    last = nn.LogSoftmax(dim=1) if mended else nn.Softmax(dim=1)
    model = nn.Sequential(nn.Conv2d(1, 8, 3, 2, 1), nn.LeakyReLU(0.2), nn.Conv2d(8, 16, 3, 2, 1),
                          nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(64, 10), last)  # fmt: skip
    return Program(model, x.reshape(-1, 1, 8, 8), y, nn.NLLLoss(), sgd(model, 0.05, momentum=0.5),
                   64, 400, classes_right(y))  # fmt: skip


@case("sebastian-hofstaetter/matchmaker#18, michaal94/torch_DCEC#1", "logits_to_probability_loss",
      "wrong_output_activation", "wrong_loss")  # fmt: skip
def divergence_of_softmax(seed: int, mended: bool) -> Program:
    """A student of a teacher's softmax; `KLDivLoss` wants the logarithm and gets the softmax."""
    torch.manual_seed(seed)
    x = torch.randn(400, 6)
    teacher = chain([6, 16, 4], nn.Tanh)
    with torch.no_grad():
        y = torch.softmax(3 * teacher(x), 1)
    model = chain([6, 32, 4], nn.ReLU, nn.LogSoftmax(dim=1) if mended else nn.Softmax(dim=1))
    score = explained(y)
    return Program(model, x, y, nn.KLDivLoss(reduction="batchmean"), adam(model), 32, 800,
                   (lambda f: score(f.exp())) if mended else score)  # fmt: skip


class Distance(nn.Module):
    """How far apart two points of a pair, (n, 2, d), are mapped."""

    def __init__(self, width: int, smoothed: float) -> None:
        super().__init__()
        self.inner = chain([width, 32, 4], nn.ReLU)
        self.smoothed = smoothed

    def forward(self, x: Tensor) -> Tensor:
        z = self.inner(x)
        return ((z[:, 0] - z[:, 1]).pow(2).sum(1) + self.smoothed).sqrt()


def pairs(seed: int, n: int = 400) -> tuple[Tensor, Tensor]:
    """Pairs of points, (n, 2, 4), and 1 for those of different classes."""
    x, y = blobs(seed, 3, n)
    other = torch.randperm(n)
    same = torch.arange(n) % 2 == 0
    by_class = [torch.nonzero(y == c)[:, 0] for c in range(3)]
    mate = torch.stack([by_class[int(c)][int(k) % len(by_class[int(c)])]
                        for c, k in zip(y, other, strict=True)])  # fmt: skip
    second = torch.where(same, mate, other)
    return torch.stack([x, x[second]], 1), (y != y[second]).float()


def contrastive(distance: Tensor, different: Tensor) -> Tensor:
    near = (1 - different) * distance.pow(2)
    return (near + different * (1 - distance).clamp(min=0).pow(2)).mean()


@case("keras-team/keras#16935, keras-team/keras#1866", "gradient_sign_flipped", "wrong_loss")
def similar_means_one(seed: int, mended: bool) -> Program:
    """The labels say 1 for pairs that are alike, the loss takes 1 for pairs that are not."""
    x, different = pairs(seed)
    model = Distance(4, 1e-6)
    y = different if mended else 1 - different
    return Program(model, x, y, contrastive, adam(model), 32, 800, sides_right(different, 0.5))


@case("keras-team/keras#9097, adambielski/siamese-triplet#18", "not_finite")
def equal_pairs(seed: int, mended: bool) -> Program:
    """The root of a squared distance, where some pairs are twice the same point: NaN."""
    x, different = pairs(seed)
    alike = torch.nonzero(different == 0)[:20, 0]
    x[alike, 1] = x[alike, 0]
    model = Distance(4, 1e-6 if mended else 0.0)
    return Program(model, x, different, contrastive, adam(model), 32, 800,
                   sides_right(different, 0.5))  # fmt: skip


@case("pytorch/pytorch#16045, #19699", "broadcast_targets")
def flat_targets(seed: int, mended: bool) -> Program:
    """A linear regression: 10 + 9 a - 2 b, outputs (100, 1), targets (100,), SGD 0.1."""
    torch.manual_seed(seed)
    x = torch.randn(100, 2)
    y = 10 + 9 * x[:, 0] - 2 * x[:, 1] + torch.randn(100)
    model = nn.Linear(2, 1)
    return Program(model, x, y[:, None] if mended else y, nn.MSELoss(), sgd(model, 0.1), 100, 100,
                   explained(y))  # fmt: skip


@case("nyu-mll/jiant#925", "labels_outside_loss", "wrong_loss", "ignored_class")
def padding_is_a_class(seed: int, mended: bool) -> Program:
    """`ignore_index` is that of the padding, 0, and 0 is the commonest class, too."""
    x, which = blobs(seed, 4, 400)
    y = (which - 1).clamp(min=0)
    loss = nn.CrossEntropyLoss(ignore_index=-100 if mended else 0)
    model = chain([4, 24, 3], nn.ReLU)
    return Program(model, x, y, loss, adam(model), 32, 600, classes_right(y))


@case("stats.stackexchange 418955", "target_scale", "step_too_large")
def square_to_9804(seed: int, mended: bool) -> Program:
    """X^2 + 3 for x to 99, inputs standardised, targets not; two linear layers, SGD 0.01: inf."""
    torch.manual_seed(seed)
    raw = torch.arange(100.0)[:, None]
    x, y = (raw - raw.mean()) / raw.std(), raw**2 + 3
    model = keras(nn.Sequential(nn.Linear(1, 1), nn.Linear(1, 1)))
    mean, std = float(y.mean()), float(y.std())
    if mended:
        return Program(model, x, (y - mean) / std, nn.MSELoss(), sgd(model, 0.01), 32, 1200,
                       explained(y, std, mean))  # fmt: skip
    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.01), 32, 1200, explained(y))


@case("dmlc/gluon-cv#644", "class_imbalance")
def all_background(seed: int, mended: bool) -> Program:
    """Pixels of which 99 in 100 are background: no other is ever predicted. Weights mend it."""
    torch.manual_seed(seed)
    y = (torch.rand(60, 12, 12) < 0.01).long()
    x = torch.randn(60, 1, 12, 12) + 2 * y[:, None]
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 1))
    weight = torch.tensor([1.0, 99.0]) if mended else None
    return Program(model, x, y, nn.CrossEntropyLoss(weight), adam(model, 1e-2), 12, 400,
                   classes_balanced(y))  # fmt: skip


@case("amanshenoy/multilogue-net#21, mlcommons/GaNDLF#209", "class_imbalance", "wrong_loss",
      "class_weights_reversed")  # fmt: skip
def weights_the_wrong_way(seed: int, mended: bool) -> Program:
    """One in twelve is of class 1, and the large weight is that of class 0."""
    torch.manual_seed(seed)
    y = (torch.rand(600) < 0.0816).long()
    x = torch.randn(600, 4) + y[:, None] * torch.tensor([1.2, -0.8, 0.6, 0.0])
    model = chain([4, 16, 2], nn.ReLU)
    weight = torch.tensor([1 / 0.9184, 1 / 0.0816])
    loss = nn.CrossEntropyLoss(weight if mended else weight.flip(0))
    return Program(model, x, y, loss, adam(model), 32, 600, classes_balanced(y))


@case("zdebruine/MMVAE#19, keras-team/keras#6015", "over_regularised", "wrong_loss",
      "unbalanced_loss_terms")  # fmt: skip
def sum_against_mean(seed: int, mended: bool) -> Program:
    """The error is a mean over batch and pixels, the divergence a sum over the batch."""
    torch.manual_seed(seed)
    x, _ = digits(512)
    model = images_coded()

    def loss(outputs: tuple[Tensor, Tensor, Tensor], targets: Tensor) -> Tensor:
        image, mean, log_variance = outputs
        divergence = divergence_of(mean, log_variance)
        if mended:
            return F.mse_loss(image, targets, reduction="sum") / len(targets) + divergence.mean()
        return F.mse_loss(image, targets) + divergence.sum()

    score = explained(x)
    return Program(model, x, x, loss, adam(model), 64, 1000, lambda f: score(f[0]))


class Sparse(nn.Module):
    """An autoencoder that gives its code, too."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = chain([64, 32], None, nn.ReLU())
        self.decoder = chain([32, 64], None, nn.Sigmoid())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        code = self.encoder(x)
        return self.decoder(code), code


@case("fchollet/keras-blog#5, keras-team/keras#5414", "over_regularised", "unbalanced_loss_terms")
def sparse_to_nothing(seed: int, mended: bool) -> Program:
    """A penalty of 1e-4 on the sum of a batch's codes: one blur for all images, the loss stays."""
    torch.manual_seed(seed)
    x, _ = digits(512)
    model = keras(Sparse())
    rate = 1e-8 if mended else 1e-4

    def loss(outputs: tuple[Tensor, Tensor], targets: Tensor) -> Tensor:
        return keras_binary(outputs[0], targets) + rate * outputs[1].abs().sum()

    score = explained(x)
    rule = torch.optim.Adadelta(model.parameters(), lr=1.0)
    return Program(model, x, x, loss, rule, 256, 1200, lambda f: score(f[0]))


@case("KanishJebaMathewM/Truxify#11885, ikostrikov/pytorch-a3c#30", "gradient_sign_flipped",
      "wrong_loss")  # fmt: skip
def actor_goes_down(seed: int, mended: bool) -> Program:
    """The actor's loss is the value of its actions; the minus is missing."""
    torch.manual_seed(seed)
    x = torch.randn(300, 3)
    best = 0.8 * torch.sin(x[:, :1] - x[:, 1:2])
    model = chain([3, 32, 1], nn.ReLU, nn.Tanh())

    def loss(actions: Tensor, targets: Tensor) -> Tensor:
        value = 1 - (actions - targets).pow(2)
        return -value.mean() if mended else value.mean()

    return Program(model, x, best, loss, adam(model), 32, 800, explained(best))


class ActorCritic(nn.Module):
    """Scores of three actions, and the value."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = chain([4, 32], None, nn.Tanh())
        self.actor = nn.Linear(32, 3)
        self.critic = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.inner(x)
        return torch.cat([self.actor(h), self.critic(h)], 1)


@case("isayev/ReLeaSE#39", "detached_loss")
def probabilities_cut_off(seed: int, mended: bool) -> Program:
    """A policy gradient with `item` on the probabilities' logarithms: nothing reaches the actor."""
    x, best = blobs(seed, 3, 400)
    action = torch.randint(0, 3, (400,))
    reward = (action == best).float()

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        taken = F.log_softmax(outputs[:, :3], 1).gather(1, targets[:, :1].long())[:, 0]
        policy = -((taken if mended else taken.detach()) * targets[:, 1]).mean()
        return policy + 0.5 * F.mse_loss(outputs[:, 3], targets[:, 1])

    model = ActorCritic()
    right = classes_right(best)
    return Program(model, x, torch.stack([action.float(), reward], 1), loss, adam(model, 1e-2), 32,
                   600, lambda f: right(f[:, :3]))  # fmt: skip


@case("navneet-nmk/pytorch-rl#2, lazyprogrammer/machine_learning_examples#13",
      "terminal_not_masked", "wrong_loss")  # fmt: skip
def no_end(seed: int, mended: bool) -> Program:
    """A walk of ten states, 1 for reaching the end, where it starts again; `done` is not used."""
    torch.manual_seed(seed)
    states, actions = torch.arange(20) // 2, torch.arange(20) % 2
    after = (states + 2 * actions - 1).clamp(min=0)
    done = (after == 10).float()
    eye = torch.eye(10)
    y = torch.stack([actions.float(), done, torch.where(after == 10, 0, after).float()], 1)
    model = chain([10, 32, 2], nn.Tanh)

    def loss(values: Tensor, targets: Tensor) -> Tensor:
        with torch.no_grad():
            best = model(eye)[targets[:, 2].long()].max(1)[0]
        ends = targets[:, 1] if mended else 0.0
        goal = targets[:, 1] + 0.9 * best * (1 - ends)
        return F.mse_loss(values.gather(1, targets[:, :1].long())[:, 0], goal)

    truth = torch.zeros(10, 2)
    for _ in range(200):
        reached: Any = truth.max(1)[0][y[:, 2].long()] * (1 - done)
        truth = (done + 0.9 * reached).reshape(10, 2)
    return Program(model, eye[states], y, loss, adam(model, 1e-2), 20, 1500,
                   explained(truth[states]))  # fmt: skip
