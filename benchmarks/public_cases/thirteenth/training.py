"""Thirteenth set, held out: the loop, the optimiser and the data that training sees. Written down,
with what names each cause, before any was run; none was diagnosed.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from public_cases.data import blobs, digits, masks
from public_cases.loops import gradients_kept, in_order
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


def never_stepped(program: Program) -> Iterator[Tensor]:
    """Losses and gradients, and no step."""
    for _ in range(program.steps):
        yield update(program, torch.randperm(len(program.x))[: program.batch], step=False)


@case("microsoft/nni#3339", "optimiser_never_steps")
def pictures_without_a_step(seed: int, mended: bool) -> Program:
    """Pictures by a small network; the trainer has losses and gradients, and the optimiser is never
    asked to step.
    """
    torch.manual_seed(seed)
    x, y = digits()
    model = nn.Sequential(
        nn.Conv2d(1, 12, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(108, 10)
    )
    return Program(
        model, x.reshape(-1, 1, 8, 8), y, nn.CrossEntropyLoss(), adam(model, 5e-3), 40, 200,
        classes_right(y), usual if mended else never_stepped,
    )  # fmt: skip


class Adapted(nn.Module):
    """A frozen network with an adapter of low rank beside its middle layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(6, 32)
        self.middle = nn.Linear(32, 32)
        self.down = nn.Linear(32, 4, bias=False)
        self.up = nn.Linear(4, 32, bias=False)
        self.head = nn.Linear(32, 1)
        for layer in (self.first, self.middle):
            layer.requires_grad_(False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.tanh(self.first(x))
        return self.head(torch.tanh(self.middle(h) + self.up(self.down(h))))


@case("tenstorrent/tt-blacksmith#711", "missing_zero_grad")
def adapter_with_old_gradients(seed: int, mended: bool) -> Program:
    """An adapter of low rank beside a frozen layer; gradients are never cleared. Then they are."""
    torch.manual_seed(seed)
    x = torch.randn(400, 6)
    y = torch.sin(x[:, :1] + x[:, 1:2]) + 0.5 * x[:, 2:3]
    model = Adapted()
    return Program(
        model, x, y, nn.MSELoss(), sgd(model, 0.1), 40, 800, explained(y),
        usual if mended else gradients_kept,
    )  # fmt: skip


@case("dotnet/TorchSharp#532", "optimiser_misses_parameters")
def layers_in_an_array(seed: int, mended: bool) -> Program:
    """Layers lie in an array that the network does not register; only the last is trained. Then all
    are.
    """
    torch.manual_seed(seed)
    x = torch.randn(400, 4)
    y = (x[:, :1] * x[:, 1:2] > x[:, 2:3] * x[:, 3:]).float()
    model = chain([4, 24, 24, 24, 1], nn.Sigmoid)
    known = model if mended else nn.ModuleList([model[-1]])
    return Program(
        model, x, y, nn.BCEWithLogitsLoss(), adam(known, 1e-2), 40, 1500, sides_right(y, 0.0)
    )


class Tokens(nn.Module):
    """Kinds of texts, by the mean of embeddings of their words."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(200, 6)
        self.head = nn.Linear(6, 6)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.embed(x).mean(1))


@case("huggingface/transformers#3532", "optimiser_misses_parameters")
def embedding_made_larger_later(seed: int, mended: bool) -> Program:
    """The table of embeddings is made larger, and thus new, after the optimiser got it. Then
    before.
    """
    torch.manual_seed(seed)
    y = torch.arange(300) % 6
    likely = torch.softmax(2 * torch.randn(6, 200), 1)
    x = torch.multinomial(likely[y], 5, replacement=True)
    model = Tokens()
    nn.init.normal_(model.embed.weight, std=0.02)
    known: nn.Module = model
    if not mended:
        known = nn.ModuleList([copy.deepcopy(model.embed), model.head])
    rule = adam(known, 1e-2)
    return Program(model, x, y, nn.CrossEntropyLoss(), rule, 30, 150, classes_right(y))


class Captioned(nn.Module):
    """How alike pictures and texts are, both encoded; pictures maybe without gradients."""

    def __init__(self, cut: bool) -> None:
        super().__init__()
        self.pictures = chain([64, 48, 6], nn.ReLU)
        self.project = nn.Linear(6, 16)
        self.texts = nn.Embedding(10, 16)
        self.cut = cut

    def forward(self, x: Tensor) -> Tensor:
        z = self.pictures(x)
        return self.project(z.detach() if self.cut else z) @ self.texts.weight.T


@case("lucidrains/CoCa-pytorch#6", "detached_loss", "graph_cut", "frozen_layers")
def extracted_without_gradients(seed: int, mended: bool) -> Program:
    """Pictures are compared with texts; what is extracted from the encoder of pictures is detached,
    and the encoder stays random.
    """
    torch.manual_seed(seed)
    x, y = digits()
    noisy = x + 0.3 * torch.randn(600, 64)
    model = Captioned(not mended)
    return Program(
        model, noisy, y, nn.CrossEntropyLoss(), adam(model, 3e-3), 40, 300, classes_right(y)
    )


@case("advaitsave/Multiclass-Semantic-Segmentation-CamVid#3", "targets_shuffled")
def masks_of_other_pictures(seed: int, mended: bool) -> Program:
    """Lists of pictures and masks are in the orders that the folder gives: masks are of other
    pictures. Then by name.
    """
    x, y = masks(seed, 0.5)
    other = y if mended else y[torch.randperm(len(y))]
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))
    return Program(
        model, x, other, nn.BCEWithLogitsLoss(), adam(model, 1e-2), 10, 300, sides_right(y, 0.0)
    )


@case("epfml/disco#288", "unshuffled_data")
def faces_one_kind_after_another(seed: int, mended: bool) -> Program:
    """Faces lie kind by kind and are taken as they lie. Then in a new order."""
    x, y = blobs(seed, 4, 320)
    order = y.argsort()
    model = chain([4, 32, 4], nn.ReLU)
    return Program(
        model, x[order], y[order], nn.CrossEntropyLoss(), sgd(model, 0.1, momentum=0.9), 8, 800,
        classes_right(y[order]), usual if mended else in_order,
    )  # fmt: skip
