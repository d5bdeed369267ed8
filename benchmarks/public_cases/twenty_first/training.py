"""Twenty-first set, held out: drawn with repeats. Written down, with what names each cause, before
any was run; none was diagnosed. Loops, optimisers and data.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from public_cases.data import digits, one_hot, xor
from public_cases.loops import in_order
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
    update,
    usual,
)

CASES: list[Case] = []
case = collector(CASES)


@case("stackoverflow.com/questions/15963858", "gradient_sign_flipped")
def and_with_the_error_the_wrong_way_round(seed: int, mended: bool) -> Program:
    """A perceptron for AND; the rate times output less target is added, so it goes away, and where
    the output is too small nothing is done. Then target less output, both ways. By the code.
    """
    torch.manual_seed(seed)
    x = xor()[0]
    y = x.prod(1, keepdim=True)
    model = nn.Linear(2, 1)
    for p in model.parameters():
        nn.init.uniform_(p, 0, 1)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        off = (outputs.detach() > 0).float() - targets
        return ((off if mended else off.relu()) * outputs).mean()

    rule = sgd(model, 0.1, maximize=not mended)
    return Program(model, x, y, loss, rule, 1, 400, sides_right(y, 0.0))


@case(
    "pythoner.space/questions/the-cost-function-of-the-neural-network-is-failing-to-minimize",
    "gradient_sign_flipped",
)  # fmt: skip
def digits_uphill(seed: int, mended: bool) -> Program:
    """Digits by two layers of sigmoids, with gradients by hand; the error is target less output,
    and it is subtracted: the cost rises to 4.5, and all outputs are 1. Then output less target. By
    the code.
    """
    torch.manual_seed(seed)
    x, kind = digits()
    model = chain([64, 30, 10], nn.Sigmoid, nn.Sigmoid())
    for p in model.parameters():
        nn.init.normal_(p)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return 0.5 * (outputs - targets).pow(2).sum(1).mean()

    rule = sgd(model, 3.0, maximize=not mended)
    return Program(model, x, one_hot(kind), loss, rule, 30, 600, classes_right(kind))


def one_copied(program: Program) -> Iterator[Tensor]:
    """The points as they lie; each batch is its first point, as often as a batch has points."""
    first = torch.arange(0, len(program.x) - program.batch + 1, program.batch)
    for k in range(program.steps):
        yield update(program, first[k % len(first)].repeat(program.batch))


@case("donghao.org/2018/05/11/764", "same_batch", "fault_in_loop")
def one_picture_all_over_the_batch(seed: int, mended: bool) -> Program:
    """Pictures by a network with batch norm; the code that makes a batch takes the picture at its
    start each time, so all in it are the same. Then each one its own. No kind says that a batch
    holds copies of one point; that a batch is repeated, or that the loop is at fault, is nearest.
    """
    torch.manual_seed(seed)
    x, kind = digits(1792)
    model = nn.Sequential(
        nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Linear(64, 64), nn.BatchNorm1d(64),
        nn.ReLU(), nn.Linear(64, 10),
    )  # fmt: skip
    return Program(
        model, x, kind, nn.CrossEntropyLoss(), adam(model, 1e-3), 16, 224, classes_right(kind),
        in_order if mended else one_copied,
    )  # fmt: skip


@case(
    "stackoom.com/en/question/4QOjQ (all zero class prediction by neural network)",
    "class_imbalance",
)  # fmt: skip
def frauds_few_and_near(seed: int, mended: bool) -> Program:
    """Payments, of which one in two hundred is a fraud, in five columns; all are told to be none.
    Then frauds weigh as much as the others together.
    """
    torch.manual_seed(seed)
    kind = (torch.arange(4000) % 200 == 0).long()
    x = torch.randn(4000, 5) + 1.0 * kind[:, None]
    y = kind.float()[:, None]
    model = keras(chain([5, 10, 10, 1], nn.ReLU, nn.Sigmoid()))

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        if not mended:
            return keras_binary(outputs, targets)
        p = outputs.clamp(1e-7, 1 - 1e-7)
        return -(199 * targets * p.log() + (1 - targets) * (1 - p).log()).mean()

    right = classes_balanced(kind)
    return Program(
        model, x, y, loss, adam(model, 1e-3), 100, 1000,
        lambda found: right(torch.cat([1 - found, found], 1)),
    )  # fmt: skip


@case(
    "wayne.theworkmans.us/posts/2026/01/2026-01-29-when-bad-shuffling-breaks-training.html",
    "unshuffled_data",
)  # fmt: skip
def articles_one_after_another(seed: int, mended: bool) -> Program:
    """The next word, by the word and the article it is in; what does not fit into memory is read
    article by article, and at the end only the last ones are known. Then all are shuffled.
    """
    torch.manual_seed(seed)
    follows = torch.stack([torch.randperm(24) for _ in range(10)])
    article = torch.arange(10).repeat_interleave(240)
    word = torch.randint(24, (2400,))
    y = follows[article, word]
    x = torch.cat([one_hot(article), one_hot(word)], 1)
    model = chain([34, 128, 24], nn.ReLU)
    return Program(
        model, x, y, nn.CrossEntropyLoss(), adam(model, 1e-2), 40, 120, classes_right(y),
        usual if mended else in_order,
    )  # fmt: skip


@case("stats.stackexchange.com/questions/117622", "over_regularised")
def decay_beside_the_rate(seed: int, mended: bool) -> Program:
    """Two classes by five sigmoids, one row at a time; of each weight a thousandth is taken off
    with each update, whatever the rate, and 99 percent become 56. Then none.
    """
    torch.manual_seed(seed)
    x = torch.randn(300, 11)
    y = (x @ torch.randn(11, 1) > 0).float()
    model = chain([11, 5, 1], nn.Sigmoid, nn.Sigmoid())
    rate = 0.02
    rule = sgd(model, rate, weight_decay=0.0 if mended else 0.001 / rate)
    return Program(model, x, y, nn.MSELoss(), rule, 1, 6000, sides_right(y, 0.5))


@case(
    "discourse.julialang.org/t/the-same-network-performs-differently-in-flux-jl-and-tensorflow/28378",
    "too_few_updates", "step_too_small",
)  # fmt: skip
def a_hundred_updates_for_a_hundred_epochs(seed: int, mended: bool) -> Program:
    """One layer with a ReLU over fifty numbers; a hundred updates with all points at once, where
    the other library has made a hundred epochs of batches of 32. Then those. By the code; there was
    nothing to learn in the targets, which were noise, and here there is.
    """
    torch.manual_seed(seed)
    x = torch.rand(640, 50)
    y = (0.5 + (x - 0.5) @ torch.randn(50, 1) / 10).clamp(0, 1)
    model = keras(chain([50, 1], None, nn.ReLU()))
    batch, steps = (32, 2000) if mended else (640, 100)
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-3), batch, steps, explained(y))
