"""Eleventh set, held out: outputs, losses and targets. Written down, with what names each cause,
before any was run; none was diagnosed. A name that is no kind of finding says what the right one
would be.

How it was drawn: as met in about 90 searches, two thirds among questions and forums (in English,
Chinese, Russian, Spanish and Japanese), a third among issues, most of them for symptoms in people's
own words, some with a likely answer named beside. It was meant to be of accepted answers at Stack
Overflow and its sister sites alone; the pages met were mostly guides without a case, and of
questions that had been met before, so that 33 were found and not 40. Of them 15 are questions at
Stack Overflow and its sister sites, nearly all in copies and translations, 3 of forums and another
site of questions, 2 of blogs with a case, 13 of trackers, most of those about somebody's own
network. Outputs that cannot reach their targets and steps too large are many, since they were met
so often; faults of the loop itself were hardly met but in guides, and are missing. Whether an
answer was accepted could seldom be seen: taken was what somebody named plainly.

Of BrainJS#687 and #360, tensorflow#12030, stats.stackexchange 594738, 316898 and 329619 and the
mean of three digits the answer was cut off, and the cause is what the program shows or the asker
found; of curiousily#1 and the logarithm in the forward pass nobody confirms it.

Left out: threads with guesses alone, hand-written backpropagation, metrics, files, what fails on
unseen points only. Of 33 written 32 reproduced at once; in the other (XOR of twenty thousand) the
twin's first layer was then given a tanh in place of a ReLU, which two units did not survive, and
more steps. Before any run the three numbers that are summed were shifted to both sides of 0, and
the numbers to 100 of which the one before last is asked were divided by 100. None was dropped and
no kinds were changed.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import blobs, digits, xor
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
    keras_binary,
    sgd,
    sides_right,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case("whosebug.com/question/6496401", "broadcast_targets")
def three_numbers_summed(seed: int, mended: bool) -> Program:
    """The sum of three numbers by three weights from 0; targets are a row and outputs a column."""
    torch.manual_seed(seed)
    x = torch.rand(1024, 3) - 0.5
    y = x.sum(1)
    model = nn.Linear(3, 1, bias=False)
    nn.init.zeros_(model.weight)
    return Program(
        model, x, y[:, None] if mended else y, nn.MSELoss(), sgd(model, 0.1), 1024, 500,
        explained(y),
    )  # fmt: skip


@case(
    "e-learn.cn/tag/classification: Multi-layer neural network won't predict negative values",
    "output_range",
    "wrong_output_activation",
)
def sines_above_zero_only(seed: int, mended: bool) -> Program:
    """The sine of the sum of four of -1, 0 and 1; a sigmoid behind the output. Then a tanh."""
    torch.manual_seed(seed)
    x = torch.randint(-1, 2, (400, 4)).float()
    y = x.sum(1, keepdim=True).sin()
    model = chain([4, 6, 1], nn.Sigmoid, nn.Tanh() if mended else nn.Sigmoid())
    return Program(model, x, y, nn.MSELoss(), adam(model, 2e-2), 20, 2000, explained(y))


@case(
    "BrainJS/brain.js#687",
    "output_range",
    "target_scale",
    "wrong_output_activation",
)
def twice_the_number(seed: int, mended: bool) -> Program:
    """1 to 5, and 2 to 10, with sigmoids; the error never goes down. Then tenths."""
    torch.manual_seed(seed)
    x = torch.arange(1.0, 6)[:, None]
    y = 2 * x
    model = chain([1, 3, 1], nn.Sigmoid, nn.Sigmoid())
    unit = 10.0 if mended else 1.0
    return Program(
        model, x / unit, y / unit, nn.MSELoss(), adam(model, 3e-2), 5, 2000, explained(y, unit)
    )


@case(
    "accord-net/framework#146",
    "output_range",
    "target_scale",
    "wrong_output_activation",
)
def beyond_minus_one_and_one(seed: int, mended: bool) -> Program:
    """Bipolar sigmoids, also behind the output, and targets as they are. Then those between -1 and
    1.
    """
    torch.manual_seed(seed)
    x = torch.rand(300, 3)
    y = 40 + 25 * torch.sin(3 * x[:, :1]) - 30 * x[:, 1:2] * x[:, 2:]
    low, high = float(y.min()), float(y.max())
    model = chain([3, 10, 1], nn.Tanh, nn.Tanh())
    told = 2 * (y - low) / (high - low) - 1 if mended else y
    right = explained(y)
    return Program(
        model, x, told, nn.MSELoss(), adam(model, 1e-2), 30, 1500,
        lambda found: right((found + 1) / 2 * (high - low) + low if mended else found),
    )  # fmt: skip


@case(
    "codeplea/genann#13",
    "output_range",
    "wrong_output_activation",
    "target_scale",
)
def squares_are_all_one(seed: int, mended: bool) -> Program:
    """Squares of 0 to 9; a sigmoid behind the output says 1. Then none."""
    torch.manual_seed(seed)
    x = torch.randint(0, 10, (300, 1)).float()
    y = x**2
    model = chain([1, 2, 1], nn.Sigmoid, *([] if mended else [nn.Sigmoid()]))
    return Program(model, x, y, nn.MSELoss(), adam(model, 0.1), 10, 2000, explained(y))


@case(
    "geek-questions.imtqy.com/articles/1667900",
    "output_range",
    "target_scale",
    "wrong_output_activation",
    "unscaled_inputs",
)
def sums_of_rows_are_one(seed: int, mended: bool) -> Program:
    """Sums of rows of the numbers to 1800, by a recurrent layer and sigmoids; the output is 1. Then
    both from 0 to 1.
    """
    torch.manual_seed(seed)
    x = torch.arange(1.0, 1801).reshape(360, 1, 5)
    y = x.sum(2)
    low, high = float(y.min()), float(y.max())
    model = Read(nn.RNN(5, 10, batch_first=True), nn.Linear(10, 1), nn.Sigmoid())
    right = explained(y)
    return Program(
        model, (x - 1) / 1799 if mended else x, (y - low) / (high - low) if mended else y,
        nn.MSELoss(), sgd(model, 0.5), 10, 1500,
        lambda found: right(found * (high - low) + low if mended else found),
    )  # fmt: skip


@case("stackoverflow 24732888 (wiki.gubat.org)", "output_range", "wrong_output_activation")
def large_numbers_encoded(seed: int, mended: bool) -> Program:
    """An autoencoder with sigmoids for numbers far above 1. Then what decodes goes as far."""
    torch.manual_seed(seed)
    x = 6 * torch.rand(300, 3) @ torch.rand(3, 10)
    last = nn.Softplus() if mended else nn.Sigmoid()
    model = chain([10, 6, 10], nn.Sigmoid, last)
    return Program(model, x, x, nn.MSELoss(), adam(model, 2e-2), 30, 1500, explained(x))


@case(
    "curiousily/Credit-Card-Fraud-Detection-using-Autoencoders-in-Keras#1, "
    "AliJalalifar/Character_Animation#3",
    "output_range",
    "wrong_output_activation",
)
def standardised_and_cut(seed: int, mended: bool) -> Program:
    """An autoencoder of standardised numbers, half of which are negative; its last layer is of
    ReLUs.
    """
    torch.manual_seed(seed)
    x = torch.randn(400, 3) @ torch.randn(3, 12)
    x = (x - x.mean(0)) / x.std(0)
    model = nn.Sequential(
        nn.Linear(12, 8), nn.Tanh(), nn.Linear(8, 6), nn.ReLU(), nn.Linear(6, 6), nn.Tanh(),
        nn.Linear(6, 12), *([] if mended else [nn.ReLU()]),
    )  # fmt: skip
    return Program(keras(model), x, x, nn.MSELoss(), adam(model, 1e-2), 32, 1200, explained(x))


@case("jindongwang/Deep-learning-activity-recognition#10", "probabilities_to_logits_loss")
def activities_with_two_softmaxes(seed: int, mended: bool) -> Program:
    """Kinds of movement from windows of sensors; a softmax before `CrossEntropyLoss`."""
    torch.manual_seed(seed)
    y = torch.arange(360) % 6
    time = torch.arange(32.0)
    speed = 0.25 + 0.3 * y[:, None]
    phase = 6.28 * torch.rand(360, 1)
    wave = torch.sin(speed * time + phase)[:, None]
    x = torch.cat([wave, wave.roll(1, 2), wave * 0.5], 1) + 0.3 * torch.randn(360, 3, 32)
    model = nn.Sequential(
        nn.Conv1d(3, 16, 5), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(16, 24, 5), nn.ReLU(),
        nn.MaxPool1d(2), nn.Flatten(), nn.Linear(120, 48), nn.ReLU(), nn.Linear(48, 6),
        *([] if mended else [nn.Softmax(1)]),
    )  # fmt: skip
    rule = sgd(model, 0.01, momentum=0.9)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 40, 150, classes_right(y))


@case("shaoxiongji/federated-learning#9", "probabilities_to_logits_loss")
def digits_with_two_softmaxes(seed: int, mended: bool) -> Program:
    """Digits by a small network; a softmax before `CrossEntropyLoss`, and slow steps."""
    torch.manual_seed(seed)
    x, y = digits()
    model = chain([64, 64, 10], nn.ReLU, *([] if mended else [nn.Softmax(1)]))
    rule = sgd(model, 0.01, momentum=0.5)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 10, 900, classes_right(y))


@case("VladimirLi/tfVideoResearch#9", "labels_outside_loss")
def labels_from_one(seed: int, mended: bool) -> Program:
    """Labels from 1 to the count of outputs; the loss is nan where a label has none."""
    torch.manual_seed(seed)
    x, kind = digits()
    model = chain([64, 48, 10], nn.ReLU)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        each = F.cross_entropy(outputs, targets.clamp(max=9), reduction="none")
        return (each * torch.where(targets < 10, 1.0, torch.nan)).mean()

    y = kind if mended else kind + 1
    return Program(model, x, y, loss, adam(model, 3e-3), 40, 300, classes_right(kind))


@case("forums.fast.ai/t/1441", "unscaled_inputs", "log_of_zero", "overflow")
def sure_of_the_wrong_digit(seed: int, mended: bool) -> Program:
    """Pixels to 255; a softmax is exactly 1 where the target is 0, and the loss, by hand, infinite.
    Then the pixels are normalised.
    """
    torch.manual_seed(seed)
    shades, y = digits()
    x = (shades - shades.mean()) / shades.std() if mended else 255 * shades
    model = nn.Sequential(nn.Linear(64, 10), nn.Softmax(1))

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        wanted = F.one_hot(targets, 10) > 0
        return -torch.where(wanted, outputs, 1 - outputs).log().mean()

    return Program(model, x, y, loss, adam(model, 3e-3), 40, 300, classes_right(y))


class Directed(nn.Module):
    """Divides by the length, plus `little` below the root."""

    def __init__(self, little: float) -> None:
        super().__init__()
        self.little = little

    def forward(self, x: Tensor) -> Tensor:
        return x / (x.pow(2).sum(1, keepdim=True) + self.little).sqrt()


@case(
    "stats.stackexchange 325451: a comment",
    "division_by_zero",
    "root_at_zero",
)
def features_of_no_length(seed: int, mended: bool) -> Program:
    """Features are divided by their length within the network; where none is above 0 it is 0."""
    x, y = blobs(seed, 3, 300)
    model = nn.Sequential(
        nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 6), nn.ReLU(),
        Directed(1e-8 if mended else 0.0), nn.Linear(6, 3),
    )  # fmt: skip
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 5e-3), 30, 500, classes_right(y))


class Logarithms(nn.Module):
    """A sum of logarithms of what layers give."""

    def __init__(self, guarded: bool) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 12)
        self.head = nn.Linear(12, 1)
        self.guarded = guarded

    def forward(self, x: Tensor) -> Tensor:
        t = self.inner(x)
        return self.head((F.relu(t) + 0.01).log() if self.guarded else t.log())


@case(
    "copy in huggingface.co/datasets/nvidia/Nemotron-CC-Math-v1: How to Solve the Loss Becoming "
    "NaN Due to Using torch.log()",
    "log_of_zero",
    "not_finite",
)
def logarithm_within(seed: int, mended: bool) -> Program:
    """A logarithm in the forward pass of what may be negative or 0. Then a ReLU and a little."""
    torch.manual_seed(seed)
    x = torch.rand(300, 3)
    y = (0.1 + x[:, :1]).log() - (0.1 + x[:, 1:2] * x[:, 2:]).log()
    model = Logarithms(mended)
    return Program(model, x, y, nn.MSELoss(), adam(model, 3e-3), 30, 1000, explained(y))


@case("foreai.co/blog/nans-out-of-nowhere-the-trick-that-saved-my-training-run", "log_of_zero")
def punished_for_the_end(seed: int, mended: bool) -> Program:
    """Cross entropy, and minus the logarithm of 1 less the softmax of "end" where it is not meant;
    of confident logits that is infinite. Then by `logsumexp`.
    """
    x, y = blobs(seed, 4, 320)
    model = chain([4, 32, 4], nn.ReLU)
    with torch.no_grad():
        for p in model[-1].parameters():
            p.mul_(40)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        if mended:
            other = outputs[:, 1:].logsumexp(1) - outputs.logsumexp(1)
        else:
            other = (1 - outputs.softmax(1)[:, 0]).log()
        return F.cross_entropy(outputs, targets) - 0.5 * other[targets > 0].mean()

    return Program(model, x, y, loss, adam(model, 1e-2), 40, 500, classes_right(y))


@case(
    "stats.stackexchange 433365",
    "missing_nonlinearity",
    "wrong_output_activation",
    "dead_units",
    "too_few_updates",
)
def xor_of_twenty_thousand(seed: int, mended: bool) -> Program:
    """XOR; the first layer has no activation and the last a ReLU. Then tanh, sigmoid and cross
    entropy, and more epochs.
    """
    torch.manual_seed(seed)
    x, y = xor(500)
    first = [nn.Tanh()] if mended else []
    last = nn.Sigmoid() if mended else nn.ReLU()
    model = nn.Sequential(
        nn.Linear(2, 2), *first, nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1), last
    )
    rule = sgd(keras(model), 0.1 if mended else 0.01)
    loss = keras_binary if mended else nn.MSELoss()
    steps = 9000 if mended else 2300
    return Program(model, x, y, loss, rule, 32, steps, sides_right(y, 0.5))
