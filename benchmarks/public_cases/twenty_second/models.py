"""Twenty-second set, held out: what the networks are made of, and how they start."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import curve, digits
from public_cases.loops import in_order
from public_cases.program import (
    Case,
    Program,
    adam,
    chain,
    classes_right,
    collector,
    explained,
    sgd,
    usual,
)

CASES: list[Case] = []
case = collector(CASES)


@case("stats.stackexchange.com/q/387150", "missing_nonlinearity", "linear_model")
def sine_by_straight_lines(seed: int, mended: bool) -> Program:
    """A noisy sine by ten hidden units for which no activation is given. Then a tanh."""
    torch.manual_seed(seed)
    x = torch.linspace(-4, 4, 60)[:, None]
    y = 1.5 * x.sin() + 0.1 * torch.randn(60, 1)
    model = chain([1, 10, 1], nn.Tanh if mended else None)
    return Program(model, x, y, nn.MSELoss(), adam(model, 2e-2), 20, 1500, explained(y))


class Sentence(nn.Module):
    """Of which kind a sentence is, from words and noughts behind them, (n, length)."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        self.words = nn.Embedding(60, 32, 0)
        self.inner = nn.RNN(32, 64, batch_first=True)
        self.outer = nn.Linear(64, 4)
        self.mended = mended

    def forward(self, x: Tensor) -> Tensor:
        found = self.inner(self.words(x))[0]
        end = (x != 0).sum(1).clamp_min(1) - 1 if self.mended else torch.full((len(x),), -1)
        return self.outer(found[torch.arange(len(x)), end])


@case(
    "whosebug.com/question/6549442",
    "wrong_time_step", "vanishing_gradient",
)  # fmt: skip
def state_behind_the_padding(seed: int, mended: bool) -> Program:
    """Four kinds of sentences by a plain recurrent network; its state is read behind all the
    noughts that make sentences as long as the longest. Then behind the last word.
    """
    torch.manual_seed(seed)
    x = torch.zeros(240, 60, dtype=torch.long)
    y = torch.arange(240) % 4
    for k in range(240):
        length = int(torch.randint(4, 9, (1,)))
        x[k, :length] = torch.randint(1, 40, (length,))
        x[k, torch.randint(length, (1,))] = 40 + 5 * y[k] + torch.randint(5, (1,))
    x[0, :60] = torch.randint(1, 40, (60,))
    x[0, 55] = 40
    model = Sentence(mended)
    return Program(model, x, y, nn.CrossEntropyLoss(), adam(model, 1e-3), 24, 300, classes_right(y))


@case(
    "pullrequest.ru/11818227/neironnaya-set-odnim-skrytym-sloem-mozhet-byt-obuchena",
    "duplicated_units", "bad_initial_scale", "saddle", "hidden_softmax",
)  # fmt: skip
def noughts_and_a_softmax_within(seed: int, mended: bool) -> Program:
    """Digits; all weights are 0 at first, and the hidden layer is a softmax. Then small random
    numbers, and a sigmoid.
    """
    torch.manual_seed(seed)
    x, y = digits()
    model = chain([64, 10, 10], nn.Sigmoid if mended else lambda: nn.Softmax(1))
    for weight in model.parameters():
        if mended:
            nn.init.trunc_normal_(weight, std=0.1, a=-0.2, b=0.2)
        else:
            nn.init.zeros_(weight)
    return Program(model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.5), 30, 1200, classes_right(y))


class Relations(nn.Module):
    """The sum of what ten relations make of a point."""

    def __init__(self, mended: bool) -> None:
        super().__init__()
        made = {str(k): nn.Linear(3, 2) for k in range(10)}
        mixed = {str(k): nn.Linear(2, 2) for k in range(10)}
        self.first = nn.ModuleDict(made) if mended else made
        self.second = nn.ModuleDict(mixed) if mended else mixed
        self.outer = nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        parts = [self.second[k](self.first[k](x).tanh()) for k in self.first]
        return self.outer(torch.stack(parts).sum(0))


@case("github.com/pytorch/pytorch/issues/632", "optimiser_misses_parameters")
def relations_in_a_dictionary(seed: int, mended: bool) -> Program:
    """A smooth function by layers in a plain dictionary, which the network does not know as its
    own. Then in a dictionary of modules.
    """
    x, y = curve(seed)
    model = Relations(mended)
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 25, 800, explained(y))


class Graph(nn.Module):
    """Labels of a graph's nodes, from a node's properties and its row of links, (n, 8 + n)."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(8, 16)
        self.second = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Tensor:
        links = x[:, 8 : 8 + len(x)]
        links = links / links.sum(1, keepdim=True).clamp_min(1)
        return self.second(links @ self.first(links @ x[:, :8]).relu())


@case(
    "github.com/danielegrattarola/keras-gat/issues/2 and pull/3", "fault_in_loop",
    "rows_and_columns_of_a_graph_apart",
)  # fmt: skip
def graph_that_fit_shuffles(seed: int, mended: bool) -> Program:
    """Three kinds of nodes, told by neighbours; Keras shuffles the nodes, and with them rows of the
    links but no columns. Then it does not. No kind names it.
    """
    torch.manual_seed(seed)
    y = torch.arange(120) % 3
    alike = y[:, None] == y
    links = (torch.rand(120, 120) < torch.where(alike, 0.25, 0.03)).float().triu(1)
    links = links + links.T + torch.eye(120)
    centres = torch.randn(3, 8)
    x = torch.cat([0.7 * centres[y] + 2 * torch.randn(120, 8), links], 1)
    model = Graph()
    return Program(
        model, x, y, nn.CrossEntropyLoss(), adam(model, 1e-2), 120, 300, classes_right(y),
        in_order if mended else usual,
    )  # fmt: skip


class Tokens(nn.Module):
    """A label for each word, by attention with the norms behind the sums."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(30, 32)
        self.places = nn.Parameter(0.1 * torch.randn(10, 32))
        layer = nn.TransformerEncoderLayer(32, 4, 64, 0.1, batch_first=True)
        self.inner = nn.TransformerEncoder(layer, 4)
        self.outer = nn.Linear(32, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.outer(self.inner(self.words(x) + self.places)).transpose(1, 2)


@case("github.com/huggingface/transformers/issues/4207", "step_too_large")
def labels_of_words_by_large_steps(seed: int, mended: bool) -> Program:
    """Labels of words by a deep network with attention, and Adam at 0.01, after which all words
    have the same numbers. Then at 0.0005.
    """
    torch.manual_seed(seed)
    x = torch.randint(0, 30, (200, 10))
    y = (x + x.roll(1, 1)) // 6 % 5
    model = Tokens()
    right = classes_right(y.flatten())
    return Program(
        model, x, y, nn.CrossEntropyLoss(), adam(model, 5e-4 if mended else 1e-2), 20, 600,
        lambda found: right(found.transpose(1, 2).flatten(0, 1)),
    )  # fmt: skip
