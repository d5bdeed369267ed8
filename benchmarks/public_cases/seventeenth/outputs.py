"""Seventeenth set, held out: outputs, losses and targets. Written down, with what names each cause,
before any was run; none was diagnosed. A name that is no kind of finding says what the right one
would be.

How it was drawn: mostly as met in 105 searches, of which 95 were among pages that hold questions
and forums, the others among issues; searched by symptom, by field and by fault. Most pages were
guides without a case, or questions whose answer is cut off. Where a thread was met and its answer
was not, the cause is what the question's code or numbers show: stackoverflow 13453501,
stats.stackexchange 269718 and 464262, discuss.pytorch.org/t/98896, techfeed.net/436239 and
offlinew.com/q/4098171066; in datascience.stackexchange 29776 a comment says it. Nine sources with a
short title and no number are recalled as asked many times over, and none of their threads was
looked up. Some threads ask whether something would fail, and do not show that it did: mmaction2#590
and those on cosines, on the tanh, on one column and on decay.

Of 31 written 28 reproduced at once. Then sizes, steps, rates or counts of points were set in five
programs, of which one had not reproduced: with one sentence a batch the wrong axis leaves 0. Two
were dropped, as what they have does not stop training here: a plain recurrent layer over a long
series, and dropout that stays on. One was added in their place, written before it was run. No kinds
were changed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import curve, digits, rings
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


@case("stats.stackexchange 628041", "division_by_zero", "wrong_loss")
def percentages_of_nearly_nothing(seed: int, mended: bool) -> Program:
    """Amounts, of which most are at or near 0, by errors in percent, which are huge there. Then a
    hundred is added to each.
    """
    torch.manual_seed(seed)
    x = torch.randn(400, 4)
    amount = 10 * (x[:, :1] + 0.5 * x[:, 1:2] - 0.3).relu()
    shift = 100.0 if mended else 0.0
    model = chain([4, 48, 48, 1], nn.ReLU)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return 100 * ((outputs - targets).abs() / targets.abs().clamp_min(1e-7)).mean()

    right = explained(amount, shift=-shift)
    return Program(model, x, amount + shift, loss, adam(model, 1e-2), 40, 1500, right)


@case("example-a.com/answer/65443054", "gradient_sign_flipped", "wrong_loss")
def angles_made_right(seed: int, mended: bool) -> Program:
    """Directions in space; the size of the cosine is made small, and so the angle right. Then 1
    less it.
    """
    torch.manual_seed(seed)
    x = torch.randn(400, 6)
    y = torch.stack([x[:, 0] + x[:, 1], torch.sin(2 * x[:, 2]), x[:, 3] * x[:, 4]], 1)
    model = chain([6, 48, 3], nn.Tanh)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        size = F.cosine_similarity(outputs, targets).abs().mean()
        return 1 - size if mended else size

    def score(outputs: Tensor) -> float:
        return float(2 * F.cosine_similarity(outputs, y).abs().mean() - 1)

    return Program(model, x, y, loss, adam(model, 1e-2), 40, 600, score)


@case(
    "stats.stackexchange 65977", "output_range", "wrong_output_activation", "log_of_zero",
    "not_finite",
)  # fmt: skip
def logarithms_of_a_tanh(seed: int, mended: bool) -> Program:
    """Circles; the cross entropy takes logarithms of a tanh, which is below 0 for one class. Then
    of a sigmoid.
    """
    x, y = rings(seed)
    model = chain([2, 64, 64, 1], nn.Tanh, nn.Sigmoid() if mended else nn.Tanh())

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return -(targets * outputs.log() + (1 - targets) * (1 - outputs).log()).mean()

    return Program(model, x, y, loss, adam(model, 1e-2), 32, 600, sides_right(y, 0.5))


class Twins(nn.Module):
    """Codes of the two pictures of each pair, (n, 2, 16)."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = chain([64, 64, 16], nn.ReLU)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x)


@case(
    "discuss.pytorch.org: CosineEmbeddingLoss with labels 0 and 1", "labels_outside_loss",
    "wrong_loss",
)  # fmt: skip
def noughts_for_unlike_pairs(seed: int, mended: bool) -> Program:
    """Whether two digits are the same; unlike pairs are labelled 0, for which the loss of cosines
    is 0 whatever the codes, and all codes become one. Then -1.
    """
    torch.manual_seed(seed)
    pictures, kind = digits()
    one = torch.randint(600, (800,))
    two = torch.randint(600, (800,))
    for k in range(0, 800, 2):
        like = (kind == kind[one[k]]).nonzero()[:, 0]
        two[k] = like[torch.randint(len(like), (1,))]
    same = (kind[one] == kind[two]).float()
    model = Twins()

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.cosine_embedding_loss(outputs[:, 0], outputs[:, 1], targets)

    right = sides_right(same, 0.5)
    return Program(
        model, torch.stack([pictures[one], pictures[two]], 1), 2 * same - 1 if mended else same,
        loss, adam(model, 3e-3), 40, 400,
        lambda found: right(F.cosine_similarity(found[:, 0], found[:, 1])),
    )  # fmt: skip


@case("stackoverflow: Keras, hinge loss and labels 0 and 1", "labels_outside_loss", "wrong_loss")
def hinge_of_noughts(seed: int, mended: bool) -> Program:
    """Circles by the hinge loss; labels are 0 and 1, and of those that are 0 nothing is learnt.
    Then -1 and 1.
    """
    x, y = rings(seed)
    model = chain([2, 24, 1], nn.Tanh)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return (1 - targets * outputs).relu().mean()

    return Program(
        model, x, 2 * y - 1 if mended else y, loss, adam(model, 1e-2), 32, 600, sides_right(y, 0.0)
    )


@case(
    "stackoverflow 65480546, datascience.stackexchange 24986, stats.stackexchange 509286",
    "contradicting_targets", "wrong_loss", "target_is_a_circle",
)  # fmt: skip
def bearings_where_the_circle_is_cut(seed: int, mended: bool) -> Program:
    """Bearings near the south from noisy numbers of a compass; 180 and -180 are the same, and far
    from each other for the loss. Then sine and cosine. No kind names a target that is a circle.
    """
    torch.manual_seed(seed)
    angle = torch.pi + 0.4 * torch.randn(400, 1)
    x = torch.cat([angle.cos(), angle.sin()], 1) @ torch.randn(2, 6) + 0.05 * torch.randn(400, 6)
    both = torch.cat([angle.sin(), angle.cos()], 1)
    degrees = torch.atan2(both[:, :1], both[:, 1:])
    model = chain([6, 32, 32, 2 if mended else 1], nn.ReLU)

    def score(outputs: Tensor) -> float:
        found = torch.atan2(outputs[:, 0], outputs[:, 1]) if mended else outputs[:, 0]
        off = torch.atan2((found - angle[:, 0]).sin(), (found - angle[:, 0]).cos())
        return float(1 - off.pow(2).mean() / angle.var())

    return Program(
        model, x, both if mended else degrees, nn.MSELoss(), adam(model, 3e-3), 40, 600, score
    )


@case(
    "stackoverflow: many labels by sigmoids and -sum(y * log(p)), all are predicted", "wrong_loss",
    "loss_term_missing",
)  # fmt: skip
def labels_that_are_not_there(seed: int, mended: bool) -> Program:
    """Which of six labels a point has, by sigmoids; the loss has the logarithms of those that are
    there alone, and all labels are told. Then of those that are not, too.
    """
    torch.manual_seed(seed)
    x = torch.randn(400, 8)
    y = ((x @ torch.randn(8, 6)).sin() > 0.2).float()
    model = chain([8, 48, 6], nn.ReLU, nn.Sigmoid())

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        missed = targets * (outputs + 1e-7).log()
        if mended:
            missed = missed + (1 - targets) * (1 - outputs + 1e-7).log()
        return -missed.sum(1).mean()

    return Program(model, x, y, loss, adam(model, 1e-2), 40, 800, sides_right(y.flatten(), 0.5))


def likely(outputs: Tensor, targets: Tensor) -> Tensor:
    """Logarithms of the probabilities of what was done; targets hold actions and rewards."""
    taken = targets[..., :1].long()
    return F.log_softmax(outputs, -1).gather(-1, taken)[..., 0]


@case("tensorflow/agents#651", "wrong_axis")
def advantages_of_one_episode(seed: int, mended: bool) -> Program:
    """Which of four actions is rewarded; each batch is one episode, and advantages are normalised
    over the batch, which leaves 0. Then over batch and time.
    """
    torch.manual_seed(seed)
    x = torch.randn(200, 10, 5)
    best, taken = (x @ torch.randn(5, 4)).argmax(2), torch.randint(0, 4, (200, 10))
    y = torch.stack([taken.float(), (best == taken).float()], 2)
    model = chain([5, 32, 4], nn.Tanh)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        reward = targets[..., 1]
        over = (0, 1) if mended else (0,)
        spread = reward.var(over, unbiased=False, keepdim=True).sqrt() + 1e-8
        gain = (reward - reward.mean(over, keepdim=True)) / spread
        return -(gain.detach() * likely(outputs, targets)).mean()

    right = classes_right(best.flatten())
    return Program(
        model, x, y, loss, adam(model, 1e-2), 1, 800, lambda found: right(found.flatten(0, 1))
    )


@case("jolibrain/wheatley#93", "division_by_zero", "not_finite", "batch_of_one")
def spread_of_a_single_move(seed: int, mended: bool) -> Program:
    """Which of four moves is rewarded; the last batch of an epoch has one, whose spread is no
    number. Then a single one is not normalised.
    """
    torch.manual_seed(seed)
    x = torch.randn(801, 5)
    best, taken = (x @ torch.randn(5, 4)).argmax(1), torch.randint(0, 4, (801,))
    y = torch.stack([taken.float(), (best == taken).float()], 1)
    model = chain([5, 32, 4], nn.Tanh)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        gain = targets[:, 1]
        if len(gain) > 1 or not mended:
            gain = (gain - gain.mean()) / (gain.std() + 1e-8)
        return -(gain * likely(outputs, targets)).mean()

    return Program(model, x, y, loss, adam(model, 1e-2), 40, 600, classes_right(best))


class Drawn(nn.Module):
    """Pictures by codes that are drawn around a mean: each picture, and its code's mean and
    logarithm of the variance, (n, 64 + 8 + 8).
    """

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.inner = chain([64, 48, 16], nn.ReLU)
        self.outer = chain([8, 48, 64], nn.ReLU, nn.Sigmoid())
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        mean, wide = self.inner(x).chunk(2, 1)
        spread = (wide / 2).exp()
        code = mean
        if self.training:
            code = (
                mean + spread * torch.randn_like(mean)
                if self.mended
                else torch.normal(mean, spread)
            )
        return torch.cat([self.outer(code), mean, wide], 1)


@case("pytorch/pytorch#4620", "detached_loss", "graph_cut")
def codes_drawn_without_a_way_back(seed: int, mended: bool) -> Program:
    """Digits by a variational autoencoder; codes come from `torch.normal`, which passes no gradient
    on. Then from the mean and noise times the spread.
    """
    torch.manual_seed(seed)
    x, _ = digits()
    model = Drawn(mended)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        picture, mean, wide = outputs.split([64, 8, 8], 1)
        missed = 20 * (picture - targets).pow(2).sum(1)
        return (missed + 0.5 * (mean**2 + wide.exp() - 1 - wide).sum(1)).mean()

    right = explained(x - x.mean(0))
    return Program(
        model,
        x,
        x,
        loss,
        adam(model, 3e-3),
        40,
        800,
        lambda found: right(found[:, :64] - x.mean(0)),
    )


@case("stats.stackexchange 269718", "dead_units", "wrong_output_activation")
def four_numbers_repeated(seed: int, mended: bool) -> Program:
    """An autoencoder of four numbers by four ReLUs, and four behind it; some of what comes out is
    always 0. Then leaky ones.
    """
    torch.manual_seed(seed)
    x = torch.rand(200, 4)
    bend = (lambda: nn.LeakyReLU(0.2)) if mended else (lambda: nn.ReLU())
    model = keras(chain([4, 4, 4], bend, bend()))
    right = explained(x - x.mean(0))
    return Program(
        model, x, x, nn.MSELoss(), sgd(model, 0.1), 20, 3000, lambda found: right(found - x.mean(0))
    )


@case("stackoverflow: Keras, custom loss of y_true - y_pred", "wrong_loss")
def difference_without_its_size(seed: int, mended: bool) -> Program:
    """A smooth function; the loss is the mean difference, which falls without end. Then that of its
    size.
    """
    x, y = curve(seed)
    model = chain([3, 32, 1], nn.Tanh)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        off = targets - outputs
        return off.abs().mean() if mended else off.mean()

    return Program(model, x, y, loss, adam(model, 1e-2), 32, 600, explained(y))
