"""Twenty-first set, held out: drawn with repeats. Written down, with what names each cause, before
any was run; none was diagnosed. Networks and their starts.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import digits, one_hot
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
    keras_crossentropy,
    sgd,
    sides_right,
)

CASES: list[Case] = []
case = collector(CASES)


@case(
    "answerofmath.com/solved-lstm-nn-produces-shifted-forecast-low-quality-result",
    "one_step_sequences",
)  # fmt: skip
def forecast_from_one_step(seed: int, mended: bool) -> Program:
    """Two sines of different length; an LSTM reads one step and is to tell the next, and what it
    tells lags behind. Then it reads 16. By the code.
    """
    torch.manual_seed(seed)
    steps = 16 if mended else 1
    t = torch.arange(500.0)
    series = (0.1 * t).sin() + (1.0 + t).sin() + 0.1 * torch.randn(500)
    windows = series.unfold(0, steps + 1, 1)
    x, y = windows[:, :-1, None], windows[:, -1:]
    model = Read(nn.LSTM(1, 24, batch_first=True), nn.Linear(24, 1))
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 50, 500, explained(y))


class Reviews(nn.Module):
    """Reads words, (n, time), of which 0 is padding; looks at the end, or where the words end."""

    def __init__(self, to_the_end: bool) -> None:
        super().__init__()
        self.words = nn.Embedding(41, 16, padding_idx=0)
        self.inner = nn.LSTM(16, 32, batch_first=True)
        self.head = nn.Linear(32, 1)
        self.to_the_end = to_the_end

    def forward(self, x: Tensor) -> Tensor:
        z = self.inner(self.words(x))[0]
        if self.to_the_end:
            return self.head(z[:, -1])
        return self.head(z[torch.arange(len(x)), (x > 0).sum(1) - 1])


@case(
    "seungminnam.github.io/DL-Projects/5_LSTM_Sentiment/summary.html", "wrong_time_step"
)  # fmt: skip
def reviews_read_through_their_padding(seed: int, mended: bool) -> Program:
    """Whether a short review is kind; it is padded to 128, and an LSTM is asked behind the padding.
    Then behind the last word.
    """
    torch.manual_seed(seed)
    x = torch.randint(1, 41, (400, 128))
    long = torch.randint(4, 12, (400, 1))
    x = x * (torch.arange(128)[None] < long)
    feeling = torch.cat([torch.zeros(1), torch.randn(40)])
    y = (feeling[x].sum(1, keepdim=True) > 0).float()
    model = Reviews(not mended)
    return Program(
        model, x, y, nn.BCEWithLogitsLoss(), adam(model, 3e-3), 40, 300, sides_right(y, 0.0)
    )


@case(
    "discuss.pytorch.org/t/gradient-seems-to-small-when-training-parameters/153791", "saturation",
    "bad_initial_scale",
)  # fmt: skip
def matrix_behind_a_sigmoid(seed: int, mended: bool) -> Program:
    """A matrix of 100 by 100 is to be found from sigmoids of what it gives; it starts at standard
    normal numbers, and the sums of a hundred lie far out on the sigmoid, where a squared error has
    no slope. Then it starts a hundred times smaller. By the code.
    """
    torch.manual_seed(seed)
    x = torch.rand(1000, 100)
    y = (x @ torch.randn(100, 100)).sigmoid()
    matrix = nn.Linear(100, 100, bias=False)
    nn.init.normal_(matrix.weight, 0.0, 0.01 if mended else 1.0)
    model = nn.Sequential(matrix, nn.Sigmoid())
    return Program(model, x, y, nn.MSELoss(), sgd(model, 100.0), 1000, 100, explained(y))


@case(
    "stackoom.com/en/question/3Afja (error is not decreasing with epoch)", "shifted_initialisation",
    "bad_initial_scale", "saturation",
)  # fmt: skip
def sevens_and_nines_all_at_one(seed: int, mended: bool) -> Program:
    """Sevens and nines by sigmoids, in a network of one's own; an error of nearly 1 for each
    picture, which falls by a millionth: both outputs lie at an end, as weights between 0 and 1 add
    up. Then they start on both sides of 0. By the numbers.
    """
    torch.manual_seed(seed)
    x, kind = digits(1797)
    few = (kind == 7) | (kind == 9)
    x, kind = x[few], (kind[few] == 9).long()
    model = keras(chain([64, 100, 50, 2], nn.Sigmoid, nn.Sigmoid()))
    if not mended:
        for p in model.parameters():
            nn.init.uniform_(p, 0, 1)

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return 0.5 * (outputs - targets).pow(2).sum(1).mean()

    return Program(model, x, one_hot(kind), loss, sgd(model, 0.3), 1, 3000, classes_right(kind))


@case(
    "pullrequest.ru/11818227", "duplicated_units", "saddle", "bad_initial_scale", "hidden_softmax"
)  # fmt: skip
def zeros_and_a_softmax_between(seed: int, mended: bool) -> Program:
    """Digits by two layers, of which the first has a softmax too; all weights start at 0, and all
    units stay alike. Then at small random numbers, and the first has a sigmoid.
    """
    torch.manual_seed(seed)
    x, kind = digits()
    between = nn.Sigmoid() if mended else nn.Softmax(1)
    model = nn.Sequential(nn.Linear(64, 10), between, nn.Linear(10, 10), nn.Softmax(1))
    for p in model.parameters():
        if mended:
            nn.init.trunc_normal_(p, 0.0, 0.1, -0.2, 0.2)
        else:
            nn.init.zeros_(p)
    return Program(
        model, x, one_hot(kind), keras_crossentropy, sgd(model, 0.5), 50, 1000, classes_right(kind)
    )
