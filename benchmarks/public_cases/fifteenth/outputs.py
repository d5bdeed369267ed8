"""Fifteenth set, held out: outputs, losses and targets. Written down, with what names each cause,
before any was run; none was diagnosed. A name that is no kind of finding says what the right one
would be.

How it was drawn: as met in 82 searches, 48 of them among pages (forums, questions, blogs and their
copies), the others among issues; by symptom, by field and by fault. Taken was each thread that no
earlier set has and in which somebody named the cause plainly, the asker found it, or the fix was
merged. Pages were mostly guides without a case, questions that had been met before, or questions
whose answer is cut off: of the 33 programs 6 are of questions, forums or blogs; the others are of
trackers, most of those a fault that somebody found in somebody's code.

In most of the trackers' threads nobody says how stuck the network was. In stats.stackexchange
409000 and the thread about signs the fault and its remedy are the asker's own, and answers were not
met; in ai.stackexchange (values without end) they were met in part. In mmsegmentation#1266 we take
it that two classes were told by one map. In deepxde#50 and pytorch-metric-learning#504 the remedy
is a maintainer's advice; in alpamayo-recipes#29 nobody has answered. Left out: threads with guesses
alone, metrics, files, what fails on unseen points only, autoencoders whose divergence outweighs
their error, adapters that start at 0, dropout by the share that is kept and schedulers that step
with each batch, all of which earlier sets have.

Of 33 written 28 reproduced at once. Then rates, steps, counts of points and actions, the weight of
the entropy, the bonus of the critic and the strength of the style were set, in seven programs, and
in that of rides the network gives how far and which way, as behind a clamp nan does not spread.
None was dropped; no kinds were changed.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from public_cases.data import masks
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    neighbours_right,
    sides_right,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


def maps_of(kinds: int) -> nn.Sequential:
    """Scores of each pixel of a picture."""
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, padding=1), nn.ReLU(),
        nn.Conv2d(12, kinds, 3, padding=1),
    )  # fmt: skip


@case("jakeret/tf_unet#15", "logits_to_probability_loss")
def overlap_of_raw_scores(seed: int, mended: bool) -> Program:
    """Which pixels are bright, by their overlap, which is taken of scores and not of probabilities.
    Then of probabilities.
    """
    x, y = masks(seed, 0.3)
    model = maps_of(1)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        found = outputs.sigmoid() if mended else outputs
        return 1 - 2 * (found * targets).sum() / (found.sum() + targets.sum() + 1e-5)

    return Program(model, x, y, loss, adam(model, 1e-2), 10, 200, sides_right(y, 0.0))


@case("faustomilletari/VNet#46", "detached_loss", "chosen_not_weighed")
def overlap_of_what_is_chosen(seed: int, mended: bool) -> Program:
    """Three kinds of tissue, by the overlap of the likeliest ones, to which no gradient comes; only
    that of a small penalty does. Then by the overlap of probabilities.
    """
    torch.manual_seed(seed)
    kind = torch.randint(0, 3, (60, 4, 4)).repeat_interleave(3, 1).repeat_interleave(3, 2)
    x = (kind - 1.0)[:, None] + 0.3 * torch.randn(60, 1, 12, 12)
    model = maps_of(3)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        found = outputs.softmax(1)
        if not mended:
            found = F.one_hot(outputs.argmax(1), 3).movedim(-1, 1).float()
        true = F.one_hot(targets, 3).movedim(-1, 1).float()
        over = 2 * (found * true).sum((0, 2, 3)) / (found + true).sum((0, 2, 3))
        return 1 - over.mean() + 1e-4 * outputs.pow(2).mean()

    right = classes_right(kind.flatten())
    return Program(
        model, x, kind, loss, adam(model, 1e-2), 10, 200,
        lambda found: right(found.movedim(1, -1).reshape(-1, 3)),
    )  # fmt: skip


@case("jsboige/CoursIA#15256", "detached_loss", "graph_cut")
def critic_cut_off(seed: int, mended: bool) -> Program:
    """What a state is worth, by a critic beside a policy; its error is cut from the graph, and the
    policy alone is trained. Then it is not cut.
    """
    torch.manual_seed(seed)
    x = torch.randn(400, 5)
    worth = torch.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2]
    best, taken = (x @ torch.randn(5, 4)).argmax(1), torch.randint(0, 4, (400,))
    got = worth + 0.5 * (best == taken).float()
    model = chain([5, 64, 64, 5], nn.Tanh)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        value, action, back = outputs[:, 4], targets[:, :1].long(), targets[:, 1]
        likely = F.log_softmax(outputs[:, :4], 1).gather(1, action)[:, 0]
        policy = -((back - value).detach() * likely).mean()
        return policy + F.mse_loss(value if mended else value.detach(), back)

    right = explained(worth + 0.125)
    y = torch.stack([taken.float(), got], 1)
    return Program(model, x, y, loss, adam(model, 5e-3), 40, 600, lambda found: right(found[:, 4]))


class Votes(nn.Module):
    """The sum of votes, each of which is the sign of a plane; the gradient may go past the sign."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.planes = nn.Linear(4, 24)
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        side = self.planes(x)
        vote = side.sign()
        if self.mended:
            vote = side.tanh() + (vote - side.tanh()).detach()
        return vote.sum(1, keepdim=True) / 8


@case(
    "discuss.pytorch.org: circumventing an indifferentiability problem",
    "vanishing_gradient",
    "step_activation",
    "detached_loss",
)
def votes_of_signs(seed: int, mended: bool) -> Program:
    """A sum of signs; a sign has no slope, and no gradient comes to the weights. Then that of what
    comes out is handed past it. No kind names an activation that is a step.
    """
    torch.manual_seed(seed)
    x = torch.randn(400, 4)
    y = (x @ torch.randn(4, 3)).sign().sum(1, keepdim=True)
    model = Votes(mended)
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 40, 600, explained(y))


class Ride(nn.Module):
    """Where a ride ends, from the station: how far, which is never negative, times a direction."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = chain([6, 48, 48, 3], nn.ELU)

    def forward(self, x: Tensor) -> Tensor:
        z = self.inner(x)
        return z[:, :1].relu() * z[:, 1:]


@case("ddrv.cn/?p=758668", "root_at_zero")
def far_apart_on_a_map(seed: int, mended: bool) -> Program:
    """Where a ride ends, by the distance on the map; many end at the station, where the network
    comes to be exactly, and the loss is nan. Then a little is added below the root.
    """
    torch.manual_seed(seed)
    x = torch.randn(400, 5)
    home = (torch.arange(400) % 3 == 0).float()[:, None]
    y = (1 - home) * torch.sigmoid(torch.cat([x[:, :1] + x[:, 1:2], x[:, 2:3] - x[:, 3:4]], 1))
    x = torch.cat([x, home], 1)
    model = Ride()
    little = 1e-10 if mended else 0.0

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return ((outputs - targets).pow(2).sum(1) + little).sqrt().mean()

    return Program(model, x, y, loss, adam(model, 3e-3), 40, 600, explained(y))


@case("open-mmlab/mmsegmentation#1266", "softmax_over_one_unit")
def softmax_of_one_map(seed: int, mended: bool) -> Program:
    """Two kinds of pixels, told by one map, whose softmax is 1 everywhere. Then its sigmoid."""
    x, y = masks(seed, 0.4)
    model = maps_of(1)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        found = outputs.sigmoid() if mended else outputs.softmax(1)
        both = (found * targets).sum((1, 2, 3))
        return 1 - (2 * both / (found.pow(2) + targets.pow(2)).sum((1, 2, 3))).mean()

    return Program(model, x, y, loss, adam(model, 1e-2), 10, 200, sides_right(y, 0.0))


class Codes(nn.Module):
    """Scores of the next code at each place of a sequence, (n, time, codes)."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(8, 16)
        self.inner = nn.GRU(16, 48, batch_first=True)
        self.head = nn.Linear(48, 8)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(self.embed(x))[0])


@case("Project-MONAI/GenerativeModels#314", "wrong_time_step", "targets_not_shifted")
def each_code_is_its_own_answer(seed: int, mended: bool) -> Program:
    """Codes of pictures, one after the other; each place is to say its own code, which it has read.
    Then the next one.
    """
    torch.manual_seed(seed)
    step, first = torch.randint(1, 4, (300, 1)), torch.randint(0, 8, (300, 1))
    x = (first + step * torch.arange(10)) % 8
    model = Codes()

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        if mended:
            outputs, targets = outputs[:, :-1], targets[:, 1:]
        return F.cross_entropy(outputs.flatten(0, 1), targets.flatten())

    right = classes_right(x[:, 2:].flatten())
    return Program(
        model, x, x, loss, adam(model, 5e-3), 30, 400,
        lambda found: right(found[:, 1:-1].flatten(0, 1)),
    )  # fmt: skip


@case("KevinMusgrave/pytorch-metric-learning#504", "wrong_loss", "margins_of_distances", "plateau")
def likeness_taken_for_distance(seed: int, mended: bool) -> Program:
    """Embeddings by pairs; the likeness of their directions is given the margins of a distance, and
    all but no pair has a loss. Then those of a likeness.
    """
    torch.manual_seed(seed)
    kind = torch.arange(300) % 4
    x = torch.cat([torch.eye(4)[kind] + 0.3 * torch.randn(300, 4), torch.randn(300, 24)], 1)
    model = chain([28, 64, 8], nn.ReLU)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        unit = F.normalize(outputs)
        alike = unit @ unit.T
        same = (targets[:, None] == targets).float()
        near, far = (1.0, 0.0) if mended else (0.0, 1.0)
        pairs = same * (near - alike).relu() + (1 - same) * (alike - far).relu()
        return pairs.mean()

    right = neighbours_right(kind)
    return Program(
        model, x, kind, loss, adam(model, 3e-3), 60, 500, lambda found: right(F.normalize(found))
    )


@case("NVlabs/alpamayo-recipes#29", "gradient_sign_flipped", "reward_sign_flipped")
def better_reasons_paid_less(seed: int, mended: bool) -> Program:
    """Which reason to give, by what is paid for it: among those that pass, the better is paid less.
    Then more. The sign is wrong in a part of the reward, and not of the gradient.
    """
    torch.manual_seed(seed)
    x = torch.randn(320, 6)
    order = (x @ torch.randn(6, 4)).argsort(1, descending=True)
    grade = torch.full((320, 4), -0.8)
    grade.scatter_(1, order[:, :2], torch.tensor([[0.0, -0.3]]).expand(320, 2))
    model = chain([6, 64, 64, 4], nn.Tanh)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        paid = targets if mended else torch.where(targets > -0.4, -targets, -torch.ones(()))
        return -(outputs.softmax(1) * paid).sum(1).mean()

    return Program(model, x, grade, loss, adam(model, 5e-3), 32, 500, classes_right(order[:, 0]))


@case(
    "google-deepmind/open_spiel#962", "gradient_sign_flipped", "entropy_sign_flipped", "saturation"
)
def sure_too_early(seed: int, mended: bool) -> Program:
    """Which action is rewarded; entropy is added to the loss with the wrong sign, and the policy is
    sure of any action at once. Then it is rewarded. The sign of a part alone is wrong.
    """
    torch.manual_seed(seed)
    x = torch.randn(320, 6)
    y = (x @ torch.randn(6, 8)).argmax(1)
    model = chain([6, 48, 48, 8], nn.Tanh)
    weight = 2.0 if mended else -2.0

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        likely = F.log_softmax(outputs, 1)
        chance = likely.exp()
        rewarded = chance.gather(1, targets[:, None]).mean()
        return -rewarded + weight * (chance * likely).sum(1).mean()

    return Program(model, x, y, loss, adam(model, 5e-3), 32, 500, classes_right(y))


@case("stackoverflow 46021284 (coderapp.vercel.app)", "contradicting_targets", "wrong_loss")
def words_as_numbers(seed: int, mended: bool) -> Program:
    """The next word, as its place in the dictionary, of that of the word before; a word is followed
    by several, and what is found is a place between. Then each word is a class.
    """
    torch.manual_seed(seed)
    follow = torch.stack([torch.randperm(20) for _ in range(3)], 1)
    word = torch.arange(600) % 20
    chosen = torch.multinomial(torch.tensor([0.6, 0.2, 0.2]), 600, replacement=True)
    after = follow[word, chosen]
    right = classes_right(follow[word, 0])
    if mended:
        model = chain([20, 48, 20], nn.Sigmoid)
        x = F.one_hot(word, 20).float()
        return Program(model, x, after, nn.CrossEntropyLoss(), adam(model, 1e-2), 40, 500, right)
    model = chain([1, 48, 1], nn.Sigmoid, nn.Sigmoid())
    x, y = word[:, None] / 19, after[:, None] / 19

    def score(found: Tensor) -> float:
        return right(F.one_hot((19 * found[:, 0]).round().long(), 20))

    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 40, 500, score)


class Worth(nn.Module):
    """What actions are worth now and after, (n, 2, actions)."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = chain([20, 64, 3], nn.ReLU)

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x.unflatten(1, (2, 20)))


@case(
    "copy in huggingface.co/datasets/nvidia/Nemotron-CC-Math-v1: How to Stop DQN Q Function from "
    "Increasing During Learning (ai.stackexchange)",
    "no_discount",
    "target_scale",
    "valley_to_infinity",
)
def values_without_end(seed: int, mended: bool) -> Program:
    """What actions are worth, where rewards are never negative and nothing ends: without a discount
    values grow and grow. Then with one. No kind names this.
    """
    torch.manual_seed(seed)
    then, reward = torch.randint(0, 20, (20, 3)), torch.rand(20, 3)
    truth = torch.zeros(20, 3)
    for _ in range(200):
        truth = reward + 0.8 * truth.amax(1)[then]
    state, action = torch.arange(20).repeat_interleave(3), torch.arange(3).repeat(20)
    x = F.one_hot(torch.stack([state, then[state, action]], 1), 20).float().flatten(1)
    y = torch.stack([action.float(), reward[state, action]], 1)
    model = Worth()

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        now = outputs[:, 0].gather(1, targets[:, :1].long())[:, 0]
        later = (0.8 if mended else 1.0) * outputs[:, 1].amax(1).detach()
        return F.mse_loss(now, targets[:, 1] + later)

    right = explained(truth[state])
    return Program(model, x, y, loss, adam(model, 3e-3), 30, 1500, lambda found: right(found[:, 0]))


def ordered(truth: Tensor) -> Callable[[Tensor], float]:
    """Score of risks: of pairs in the right order, how many more than by chance."""

    def score(outputs: Tensor) -> float:
        found = outputs.reshape(-1).double()
        same = (found[:, None] - found).sign() * (truth[:, None] - truth).sign()
        return float(same.sum() / (len(truth) * (len(truth) - 1)))

    return score


def at_risk(outputs: Tensor, targets: Tensor) -> Tensor:
    """Log chance, under Cox's model, that of all who were there it was this one; time is column 0
    of the targets.
    """
    there = targets[:, :1] <= targets[:, :1].T
    theta = outputs[:, 0]
    return theta - theta.expand_as(there).masked_fill(~there, -torch.inf).logsumexp(1)


def patients(seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Inputs, times and whether it was seen, and risks; who has a high third input leaves early."""
    torch.manual_seed(seed)
    x = torch.randn(300, 6)
    risk = 1.5 * x[:, 0] + torch.sin(2 * x[:, 1])
    time = -torch.rand(300).log() * (-risk).exp()
    left = 0.5 * (-4 * x[:, 2]).exp()
    return x, torch.stack([torch.minimum(time, left), (time <= left).float()], 1), risk


@case("catboost/catboost#2701", "gradient_sign_flipped")
def risks_upside_down(seed: int, mended: bool) -> Program:
    """Risks of patients, by Cox's likelihood, which is made small. Then large."""
    x, y, risk = patients(seed)
    model = chain([6, 32, 1], nn.Tanh)
    sign = -1.0 if mended else 1.0

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return sign * (at_risk(outputs, targets) * targets[:, 1]).mean()

    return Program(model, x, y, loss, adam(model, 5e-3), 60, 300, ordered(risk))


@case("mahmoodlab/PathomicFusion#9", "broadcast_targets")
def risks_of_those_who_left(seed: int, mended: bool) -> Program:
    """Risks of patients; whether it was seen is (n, 1) and likelihoods are (n,), and those who left
    count as the others. Then both are (n,).
    """
    x, y, risk = patients(seed)
    model = chain([6, 32, 1], nn.Tanh)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        seen = targets[:, 1] if mended else targets[:, 1:]
        return -(at_risk(outputs, targets) * seen).mean()

    return Program(model, x, y, loss, adam(model, 5e-3), 60, 300, ordered(risk))


@case("Novartis/torchsurv#35", "batch_of_one", "fault_in_loop")
def one_patient_a_batch(seed: int, mended: bool) -> Program:
    """Risks of patients, one a batch: of one alone the likelihood is 1 whatever the risk. Then many
    a batch. No kind names this.
    """
    x, y, risk = patients(seed)
    model = chain([6, 32, 1], nn.Tanh)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return -(at_risk(outputs, targets) * targets[:, 1]).mean()

    return Program(model, x, y, loss, adam(model, 5e-3), 60 if mended else 1, 300, ordered(risk))
