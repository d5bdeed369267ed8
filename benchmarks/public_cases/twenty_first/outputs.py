"""Twenty-first set, held out: drawn with repeats. Written down, with what names each cause, before
any was run; none was diagnosed. Outputs and losses.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import curve, digits, one_hot, rings
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
    keras_crossentropy,
    sgd,
    sides_right,
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case(
    "community.deeplearning.ai/t/loss-values-do-not-change/324182", "wrong_output_activation",
    "output_range", "dead_units",
)  # fmt: skip
def line_by_three_relus(seed: int, mended: bool) -> Program:
    """Seven points of a line, from -3 to 9; all three layers have ReLUs, the last one too, and in
    most runs the loss never moves. Then the last is linear. By the code.
    """
    torch.manual_seed(seed)
    x = torch.arange(-1.0, 6.0)[:, None]
    y = 2 * x - 1
    model = keras(chain([1, 4, 2, 1], nn.ReLU, *([] if mended else [nn.ReLU()])))
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 7, 1500, explained(y))


@case(
    "python.19633.com/it/python-tag-7/Keras-7/1007050775 (newbe.dev: CNN with keras, accuracy not "
    "improving)",
    "labels_outside_loss", "wrong_loss", "wrong_output_activation", "output_range",
)  # fmt: skip
def classes_0_to_2_by_one_sigmoid(seed: int, mended: bool) -> Program:
    """Pictures of three classes, 0 to 2; one sigmoid, and binary cross entropy. Then three outputs,
    softmax and categorical cross entropy.
    """
    torch.manual_seed(seed)
    x, kind = digits(1797)
    few = kind < 3
    x, kind = x[few].reshape(-1, 1, 8, 8), kind[few]
    last = [nn.Linear(32, 3), nn.Softmax(1)] if mended else [nn.Linear(32, 1), nn.Sigmoid()]
    model = keras(
        nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(72, 32),
            nn.ReLU(), *last,
        )
    )  # fmt: skip
    right = classes_right(kind)

    def score(outputs: Tensor) -> float:
        if mended:
            return right(outputs)
        return right(torch.cat([1 - outputs, outputs, -torch.ones_like(outputs)], 1))

    y = one_hot(kind) if mended else kind.float()[:, None]
    loss = keras_crossentropy if mended else keras_binary
    return Program(model, x, y, loss, torch.optim.RMSprop(model.parameters(), 1e-3), 32, 500, score)


@case("qa.1r1g.com/sf/ask/3426577661 (stackoverflow 48951109)", "log_of_zero")
def cross_entropy_without_a_floor(seed: int, mended: bool) -> Program:
    """Two kinds that lie well apart; a cross entropy of one's own, with logarithms of a sigmoid,
    and after some epochs no numbers. Then from what goes into the sigmoid.
    """
    torch.manual_seed(seed)
    y = (torch.arange(400) % 2).float()[:, None]
    x = torch.randn(400, 5) + 6 * (y - 0.5)
    model = keras(chain([5, 32, 1], nn.ReLU, *([] if mended else [nn.Sigmoid()])))

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        if mended:
            return F.binary_cross_entropy_with_logits(outputs, targets)
        return -(targets * outputs.log() + (1 - targets) * (1 - outputs).log()).mean()

    right = sides_right(y, 0.0 if mended else 0.5)
    return Program(model, x, y, loss, adam(model, 1e-2), 32, 1000, right)


@case(
    "stackoverflow.com/questions/1565115", "output_range", "wrong_output_activation"
)  # fmt: skip
def sine_half_out_of_reach(seed: int, mended: bool) -> Program:
    """A sine between -1 and 1 by a network whose output is a sigmoid. Then the targets are brought
    between 0 and 1.
    """
    torch.manual_seed(seed)
    x = torch.linspace(-torch.pi, torch.pi, 200)[:, None]
    truth = x.sin()
    model = chain([1, 10, 1], nn.Sigmoid, nn.Sigmoid())
    y = (truth + 1) / 2 if mended else truth
    right = explained(truth, 2.0, -1.0) if mended else explained(truth)
    return Program(model, x, y, nn.MSELoss(), adam(model, 3e-2), 20, 1500, right)


@case(
    "recalled (stackoverflow: Keras, two classes, Dense(1, activation='softmax'), accuracy 0.5)",
    "softmax_over_one_unit",
)  # fmt: skip
def one_unit_behind_a_softmax(seed: int, mended: bool) -> Program:
    """Two classes by one output behind a softmax, which is 1 whatever goes in. Then a sigmoid."""
    x, y = rings(seed)
    model = keras(chain([2, 32, 1], nn.ReLU, nn.Sigmoid() if mended else nn.Softmax(1)))
    return Program(model, x, y, keras_binary, adam(model, 1e-2), 32, 500, sides_right(y, 0.5))


@case(
    "recalled (discuss.pytorch.org: MSELoss, a target size that is different to the input size)",
    "broadcast_targets",
)  # fmt: skip
def column_against_a_row(seed: int, mended: bool) -> Program:
    """A smooth function; outputs are a column and targets a row, so each output is compared with
    every target, and the mean is told. Then both are columns.
    """
    x, y = curve(seed)
    model = chain([3, 32, 1], nn.ReLU)
    return Program(
        model, x, y if mended else y[:, 0], nn.MSELoss(), adam(model, 1e-2), 32, 600, explained(y)
    )


@case(
    "recalled (stackoverflow: softmax as output with CrossEntropyLoss in PyTorch)",
    "probabilities_to_logits_loss",
)  # fmt: skip
def softmax_in_the_model_and_in_the_loss(seed: int, mended: bool) -> Program:
    """Digits; the model ends with a softmax, and the cross entropy takes another. Then the model
    ends with its last linear layer.
    """
    torch.manual_seed(seed)
    x, kind = digits()
    model = chain([64, 64, 10], nn.ReLU, *([] if mended else [nn.Softmax(1)]))
    return Program(
        model, x, kind, nn.CrossEntropyLoss(), sgd(model, 0.1), 32, 500, classes_right(kind)
    )
