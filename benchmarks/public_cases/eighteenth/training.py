"""Eighteenth set, held out: the loop, the optimiser and the data that training sees. Written down,
with what names each cause, before any was run; none was diagnosed.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from public_cases.data import curve, digits
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


def name_bound_anew(program: Program) -> Iterator[Tensor]:
    """In the loop over parameters the loop's variable gets what the parameter should."""
    done = 0
    while done < program.steps:
        for rows in torch.randperm(len(program.x)).split(program.batch):
            loss = update(program, rows, step=False)
            for p in program.model.parameters():
                assert p.grad is not None
                p = p - 0.05 * p.grad
            done += 1
            yield loss


@case(
    "stackoverflow: for p in model.parameters(): p = p - lr * p.grad, weights do not change",
    "optimiser_never_steps",
)  # fmt: skip
def update_of_a_name(seed: int, mended: bool) -> Program:
    """A smooth function, with updates by hand; what is updated is the name of the loop's variable.
    Then the parameter itself.
    """
    x, y = curve(seed)
    model = chain([3, 32, 1], nn.Tanh)
    return Program(
        model, x, y, nn.MSELoss(), sgd(model, 0.05), 20, 1500, explained(y),
        usual if mended else name_bound_anew,
    )  # fmt: skip


def built_each_epoch(program: Program) -> Iterator[Tensor]:
    """The network is made in the loop over epochs."""
    done = 0
    while done < program.steps:
        for layer in program.model.modules():
            if isinstance(layer, nn.Linear):
                layer.reset_parameters()
        for rows in torch.randperm(len(program.x)).split(program.batch):
            done += 1
            yield update(program, rows)


@case(
    "stackoverflow: Keras, the model is built inside the loop over epochs", "fault_in_loop",
    "too_few_updates", "weights_reset",
)  # fmt: skip
def built_anew_each_epoch(seed: int, mended: bool) -> Program:
    """Digits; the network is made within the loop over epochs, and each one begins from nothing.
    Then before it. No kind names weights that are set back.
    """
    torch.manual_seed(seed)
    x, y = digits()
    model = chain([64, 32, 10], nn.ReLU)
    return Program(
        model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.1), 60, 600, classes_right(y),
        usual if mended else built_each_epoch,
    )  # fmt: skip


def stopped_early(program: Program, higher: bool) -> Iterator[Tensor]:
    """Ends when for three epochs the loss has not become better, which may be higher."""
    best, waited, done = -float("inf"), 0, 0
    while done < program.steps and waited < 3:
        total = 0.0
        for rows in torch.randperm(len(program.x)).split(program.batch):
            loss = update(program, rows)
            total += float(loss)
            done += 1
            yield loss
        found = total if higher else -total
        best, waited = (found, 0) if found > best else (best, waited + 1)


@case("stackoverflow: Keras, EarlyStopping stops at once, mode is max", "too_few_updates")
def stopped_for_getting_better(seed: int, mended: bool) -> Program:
    """Digits; training ends when the loss has not grown for three epochs. Then when it has not
    fallen.
    """
    torch.manual_seed(seed)
    x, y = digits()
    model = chain([64, 32, 10], nn.ReLU)
    return Program(
        model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.05), 60, 1000, classes_right(y),
        lambda program: stopped_early(program, not mended),
    )  # fmt: skip


def used_up(program: Program) -> Iterator[Tensor]:
    """Batches are an iterator, which has none after the first epoch."""
    batches = iter(torch.randperm(len(program.x)).split(program.batch))
    for _ in range(program.steps):
        for rows in batches:
            yield update(program, rows)


@case(
    "stackoverflow: Nielsen's network in Python 3, training data is a zip and empty after one "
    "epoch", "too_few_updates",
)  # fmt: skip
def data_that_is_used_up(seed: int, mended: bool) -> Program:
    """Digits by sigmoids and squares; the data are a zip, and there are none in the second epoch.
    Then a list.
    """
    torch.manual_seed(seed)
    x, kind = digits()
    y = F.one_hot(kind, 10).float()
    model = chain([64, 30, 10], nn.Sigmoid, nn.Sigmoid())
    return Program(
        model, x, y, nn.MSELoss(reduction="sum"), sgd(model, 0.1), 10, 3000, classes_right(kind),
        usual if mended else used_up,
    )  # fmt: skip


@case(
    "stackoverflow: flatten images by reshape(m, -1).T and not by reshape(-1, m)", "wrong_axis",
    "targets_shuffled",
)  # fmt: skip
def pixels_of_other_pictures(seed: int, mended: bool) -> Program:
    """Digits by logistic regression, one picture a column; they are brought into that form by a
    reshape, and each column has pixels of many. Then by a reshape and a transposition.
    """
    torch.manual_seed(seed)
    pictures, y = digits(1500)
    columns = pictures.T if mended else pictures.reshape(64, 1500)
    model = nn.Linear(64, 10)
    return Program(
        model, columns.T.contiguous(), y, nn.CrossEntropyLoss(), sgd(model, 0.3), 50, 900,
        classes_right(y),
    )  # fmt: skip


class Mood(nn.Module):
    """Kinds of texts by a GRU."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(50, 16)
        self.inner = nn.GRU(16, 24, batch_first=True)
        self.head = nn.Linear(24, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(self.embed(x))[0][:, -1])


@case("discuss.pytorch.org: torchtext, all words are unknown", "constant_inputs")
def no_word_is_known(seed: int, mended: bool) -> Program:
    """Whether texts are kind, by a GRU; words have capital letters and the dictionary has none, so
    each word is the unknown one. Then small letters.
    """
    torch.manual_seed(seed)
    words = torch.randint(1, 50, (400, 10))
    y = ((words < 25).sum(1) > 4.5).float()[:, None]
    x = words if mended else torch.zeros_like(words)
    model = Mood()
    return Program(
        model, x, y, nn.BCEWithLogitsLoss(), adam(model, 5e-3), 40, 300, sides_right(y, 0.0)
    )


class Sums(nn.Module):
    """A number of a series by a plain recurrent layer of ReLUs."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.RNN(1, 24, nonlinearity="relu", batch_first=True)
        self.head = nn.Linear(24, 1)
        nn.init.eye_(self.inner.get_parameter("weight_hh_l0"))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.inner(x)[0][:, -1])


def clipped(program: Program, before: bool) -> Iterator[Tensor]:
    """Gradients are clipped before the optimiser's step, or after it."""
    done = 0
    while done < program.steps:
        for rows in torch.randperm(len(program.x)).split(program.batch):
            loss = update(program, rows, step=False)
            if not before:
                program.optimiser.step()
            nn.utils.clip_grad_norm_(program.model.parameters(), 0.5)
            if before:
                program.optimiser.step()
            done += 1
            yield loss


@case(
    "discuss.pytorch.org: where to put clip_grad_norm, behind backward and before step",
    "exploding_gradient", "step_too_large",
)  # fmt: skip
def clipped_when_it_is_too_late(seed: int, mended: bool) -> Program:
    """The mean of a series of thirty by a recurrent layer of ReLUs; gradients are clipped behind
    the step, and the loss explodes. Then before it.
    """
    torch.manual_seed(seed)
    x = torch.rand(400, 30, 1)
    y = x.mean(1)
    y = (y - y.mean()) / y.std()
    model = Sums()
    return Program(
        model, x, y, nn.MSELoss(), sgd(model, 0.02), 40, 600, explained(y),
        lambda program: clipped(program, mended),
    )  # fmt: skip


def lowered(program: Program, by_epoch: bool) -> Iterator[Tensor]:
    """The rate is a tenth whenever the loss, of an epoch or of each batch, has not fallen for five
    times.
    """
    rule = torch.optim.lr_scheduler.ReduceLROnPlateau(program.optimiser, patience=5)
    done = 0
    while done < program.steps:
        total = 0.0
        for rows in torch.randperm(len(program.x)).split(program.batch):
            loss = update(program, rows)
            total += float(loss)
            if not by_epoch:
                rule.step(float(loss))
            done += 1
            yield loss
        if by_epoch:
            rule.step(total)


@case(
    "discuss.pytorch.org: ReduceLROnPlateau is called with each batch", "schedule_to_zero",
    "step_too_small",
)  # fmt: skip
def plateau_of_single_batches(seed: int, mended: bool) -> Program:
    """Digits by convolutions; the rate is lowered when the loss does not fall, and it is asked of
    each batch. Then of each epoch.
    """
    torch.manual_seed(seed)
    x, y = digits()
    model = nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(128, 10),
    )  # fmt: skip
    return Program(
        model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.05), 10, 900, classes_right(y),
        lambda program: lowered(program, mended),
    )  # fmt: skip


@case("rinongal/textual_inversion#98", "step_too_small")
def rate_times_no_devices(seed: int, mended: bool) -> Program:
    """Digits; the rate is multiplied by the count of graphics cards, of which there are none. Then
    it is not.
    """
    torch.manual_seed(seed)
    x, y = digits()
    model = chain([64, 32, 10], nn.ReLU)
    cards = 0
    rule = sgd(model, 0.1 if mended else 0.1 * cards)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 60, 600, classes_right(y))
