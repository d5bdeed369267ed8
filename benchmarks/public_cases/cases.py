"""Public questions rebuilt in PyTorch. `right` was written down before any was diagnosed."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from public_cases.data import blobs, curve, rings
from public_cases.models import Read
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
)

F = nn.functional
CASES: list[Case] = []
case = collector(CASES)


@case("stackoverflow 59129802", "softmax_over_one_unit", "wrong_output_activation")
def softmax_of_one(seed: int, mended: bool) -> Program:
    x, y = rings(seed)
    model = chain([2, 16, 16, 1], nn.ReLU, nn.Sigmoid() if mended else nn.Softmax(dim=1))
    return Program(model, x, y, nn.BCELoss(), adam(model), 16, 800, sides_right(y, 0.5))


@case("stackoverflow 34886605", "softmax_over_one_unit", "wrong_output_activation")
def softmax_of_one_squares(seed: int, mended: bool) -> Program:
    x, y = rings(seed)
    model = chain([2, 24, 1], nn.Tanh, nn.Sigmoid() if mended else nn.Softmax(dim=1))
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 32, 800, sides_right(y, 0.5))


@case("discuss.pytorch.org: softmax before CrossEntropyLoss", "probabilities_to_logits_loss")
def softmax_twice(seed: int, mended: bool) -> Program:
    x, y = blobs(seed, 6)
    model = chain([4, 24, 24, 6], nn.ReLU, *([] if mended else [nn.Softmax(dim=1)]))
    return Program(model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.05), 32, 600, classes_right(y))


@case("discuss.pytorch.org: sigmoid before BCEWithLogitsLoss", "probabilities_to_logits_loss")
def sigmoid_twice(seed: int, mended: bool) -> Program:
    x, y = rings(seed)
    model = chain([2, 16, 1], nn.ReLU, *([] if mended else [nn.Sigmoid()]))
    middle = 0.0 if mended else 0.5
    return Program(model, x, y, nn.BCEWithLogitsLoss(), sgd(model, 0.1), 32, 1500,
                   sides_right(y, middle))  # fmt: skip


@case("discuss.pytorch.org: NLLLoss of raw outputs", "logits_to_probability_loss")
def raw_to_nll(seed: int, mended: bool) -> Program:
    x, y = blobs(seed)
    model = chain([4, 16, 3], nn.ReLU, *([nn.LogSoftmax(dim=1)] if mended else []))
    return Program(model, x, y, nn.NLLLoss(), sgd(model, 0.1), 32, 600, classes_right(y))


@case("stackoverflow 48251943 and others", "output_range", "wrong_output_activation")
def relu_at_the_end(seed: int, mended: bool) -> Program:
    x, y = curve(seed)
    model = chain([3, 32, 1], nn.Tanh, *([] if mended else [nn.ReLU()]))
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 32, 1000, explained(y))


@case("discuss.pytorch.org: tanh output, targets 0 to 200", "output_range", "target_scale",
      "wrong_output_activation")  # fmt: skip
def tanh_at_the_end(seed: int, mended: bool) -> Program:
    x, y = curve(seed)
    y = 100 + 40 * y
    model = chain([3, 32, 1], nn.ReLU, *([] if mended else [nn.Tanh()]))
    targets = (y - 100) / 40 if mended else y
    score = explained(y, 40.0, 100.0) if mended else explained(y)
    return Program(model, x, targets, nn.MSELoss(), adam(model, 1e-2), 32, 1000, score)


@case("datascience.stackexchange 38604 and others", "labels_outside_loss", "wrong_loss")
def one_sigmoid_for_classes(seed: int, mended: bool) -> Program:
    x, y = blobs(seed, 5)
    if mended:
        model = chain([4, 32, 5], nn.ReLU)
        return Program(model, x, y, nn.CrossEntropyLoss(), adam(model), 32, 600, classes_right(y))
    model = chain([4, 32, 1], nn.ReLU)
    score = classes_right(y)

    def rounded(outputs: Tensor) -> float:
        return score(F.one_hot(outputs.sigmoid().round().long().reshape(-1), 5))

    return Program(model, x, y[:, None].float(), nn.BCEWithLogitsLoss(), adam(model), 32, 600,
                   rounded)  # fmt: skip


@case("stackoverflow: XOR with linear layers", "missing_nonlinearity")
def no_activation(seed: int, mended: bool) -> Program:
    torch.manual_seed(seed)
    x = torch.randint(0, 2, (200, 2)).float()
    y = (x[:, :1] != x[:, 1:]).float()
    model = chain([2, 8, 1], nn.Tanh if mended else None)
    return Program(model, x, y, nn.BCEWithLogitsLoss(), adam(model, 1e-2), 20, 1000,
                   sides_right(y, 0.0))  # fmt: skip


@case("stackoverflow 59325381 and others", "one_class_targets")
def labels_divided(seed: int, mended: bool) -> Program:
    x, y = blobs(seed, 4)
    model = chain([4, 24, 4], nn.ReLU)
    wrong = (y.float() / 255).long()
    return Program(model, x, y if mended else wrong, nn.CrossEntropyLoss(), adam(model), 32, 500,
                   classes_right(y))  # fmt: skip


@case("discuss.pytorch.org: only batch norm is trained", "frozen_layers")
def frozen_but_norm(seed: int, mended: bool) -> Program:
    x, y = rings(seed)
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1))
    if mended:
        model = nn.Sequential(nn.Linear(2, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1))
    else:
        for layer in (model[0], model[3]):
            layer.requires_grad_(False)
    return Program(model, x, y, nn.BCEWithLogitsLoss(), adam(model, 1e-2), 32, 800,
                   sides_right(y, 0.0))  # fmt: skip


@case("discuss.pytorch.org: optimiser made before the head was replaced",
      "optimiser_misses_parameters")  # fmt: skip
def head_replaced(seed: int, mended: bool) -> Program:
    x, y = blobs(seed, 6)
    model = chain([4, 6, 2], nn.ReLU)
    model[0].requires_grad_(False)
    optimiser = sgd(model, 0.1)
    model[2] = nn.Linear(6, 6)
    if mended:
        model.requires_grad_(True)
        optimiser = sgd(model, 0.1)
    return Program(model, x, y, nn.CrossEntropyLoss(), optimiser, 32, 1500, classes_right(y))


@case("stackoverflow: learning rate 3", "step_too_large")
def large_step(seed: int, mended: bool) -> Program:
    x, y = curve(seed)
    model = chain([3, 32, 32, 1], nn.ReLU)
    return Program(model, x, y, nn.MSELoss(), sgd(model, 0.05 if mended else 3.0), 32, 1500,
                   explained(y))  # fmt: skip


@case("stackoverflow: learning rate 1e-7", "step_too_small", "too_few_updates")
def small_step(seed: int, mended: bool) -> Program:
    x, y = blobs(seed)
    model = chain([4, 24, 3], nn.ReLU)
    return Program(model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.1 if mended else 1e-7), 32, 800,
                   classes_right(y))  # fmt: skip


@case("discuss.pytorch.org 96648 and others", "target_scale", "unscaled_inputs")
def large_targets(seed: int, mended: bool) -> Program:
    x, y = curve(seed)
    y = 1e6 * (y + 3)
    model = chain([3, 32, 1], nn.ReLU)
    mean, std = float(y.mean()), float(y.std())
    score = explained(y, std, mean) if mended else explained(y)
    return Program(model, x, (y - mean) / std if mended else y, nn.MSELoss(), adam(model), 32, 1000,
                   score)  # fmt: skip


@case("stackoverflow 39525358 and others", "unscaled_inputs")
def raw_columns(seed: int, mended: bool) -> Program:
    x, y = rings(seed)
    raw = torch.stack([4e4 + 1e4 * x[:, 0], 40 + 12 * x[:, 1]], 1)
    model = chain([2, 16, 16, 1], nn.Tanh)
    return Program(model, x if mended else raw, y, nn.BCEWithLogitsLoss(), adam(model), 32, 800,
                   sides_right(y, 0.0))  # fmt: skip


@case("stackoverflow: weight decay 1", "over_regularised")
def heavy_decay(seed: int, mended: bool) -> Program:
    x, y = blobs(seed, 5)
    model = chain([4, 24, 5], nn.ReLU)
    return Program(model, x, y, nn.CrossEntropyLoss(),
                   sgd(model, 0.05, weight_decay=1e-4 if mended else 2.0), 32, 800,
                   classes_right(y))  # fmt: skip


@case("discuss.pytorch.org: outputs (n, 1), targets (n,)", "broadcast_targets")
def other_shape(seed: int, mended: bool) -> Program:
    x, y = curve(seed)
    model = chain([3, 32, 1], nn.Tanh)
    return Program(model, x, y if mended else y[:, 0], nn.MSELoss(), adam(model, 1e-2), 32, 800,
                   explained(y))  # fmt: skip


@case("discuss.pytorch.org: LSTM without batch_first", "wrong_axis")
def batch_and_time(seed: int, mended: bool) -> Program:
    torch.manual_seed(seed)
    x = torch.randn(256, 8, 2)
    y = torch.tanh(x[:, :4, 0].sum(1, keepdim=True))
    model = Read(nn.LSTM(2, 16, batch_first=mended), nn.Linear(16, 1))
    return Program(model, x, y, nn.MSELoss(), adam(model, 1e-2), 32, 800, explained(y))


@case("discuss.pytorch.org: softmax between layers", "hidden_softmax")
def softmax_between(seed: int, mended: bool) -> Program:
    x, y = rings(seed)
    model = chain([2, 48, 48, 1], (lambda: nn.ReLU()) if mended else (lambda: nn.Softmax(dim=1)))
    return Program(model, x, y, nn.BCEWithLogitsLoss(), sgd(model, 0.05), 32, 1500,
                   sides_right(y, 0.0))  # fmt: skip


@case("stackoverflow 48027263 and others", "duplicated_units", "saddle")
def zero_start(seed: int, mended: bool) -> Program:
    x, y = blobs(seed, 4)
    model = chain([4, 24, 4], nn.Tanh)
    if not mended:
        for p in model.parameters():
            nn.init.zeros_(p)
    return Program(model, x, y, nn.CrossEntropyLoss(), sgd(model, 0.1), 32, 600, classes_right(y))
