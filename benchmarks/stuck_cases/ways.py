"""Ways to be stuck. What a right diagnosis is was written down before any was diagnosed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import nn

from stuck_cases.data import Task, images, real, small, tokens
from stuck_cases.models import (
    Attached,
    Cnn,
    Detached,
    ReluOutput,
    ResidualMlp,
    Transformer,
    mlp,
)

DEAD = {"dead_units", "shifted_initialisation"}
FLAT = {"saddle", "plateau", "vanishing_gradient", "constant_output"}
SGD: dict[str, Any] = {"rule": torch.optim.SGD, "rule_step": 0.05}
SCALE = frozenset({"bad_initial_scale"})
FROZEN = frozenset({"frozen_layers"})
MINIMUM = {"local_minimum", "valley_to_infinity", "saddle", "dead_units", "too_few_units"}


@dataclass(frozen=True)
class Way:
    """A way to be stuck.

    Attributes:
        name: In the tables.
        task: The data.
        make: The model as it should be.
        harm: Changes the model; or returns another one to take its place.
        right: Kinds of findings that name the cause or what it directly brings about.
        step_size: Of Adam, unless `rule` is given.
        reference: Data for the healthy run, where the data are what is wrong.
        rule: Optimiser of the stuck run until it is diagnosed.
        named_since: Kinds that came later and name the very thing that was done.
    """

    name: str
    task: Task
    make: Callable[[Task], nn.Module]
    harm: Callable[[nn.Module], nn.Module | None]
    right: set[str]
    step_size: float = 3e-3
    reference: Task | None = None
    rule: Callable[..., torch.optim.Optimizer] = torch.optim.Adam
    rule_step: float | None = None
    healthy: Callable[[Task], nn.Module] | None = None
    named_since: frozenset[str] = frozenset()


def layers(model: nn.Module) -> list[Any]:
    return [m for m in model.modules() if isinstance(m, (nn.Linear, nn.Conv2d))]


def bias(value: float, *which: int) -> Callable[[nn.Module], None]:
    """Sets the biases of some layers, of all hidden ones if none is named."""

    def harm(model: nn.Module) -> None:
        found = layers(model)
        for k in which or range(len(found) - 1):
            nn.init.constant_(found[k].bias, value)

    return harm


def scale(factor: float, biases: bool = True) -> Callable[[nn.Module], None]:
    def harm(model: nn.Module) -> None:
        with torch.no_grad():
            for p in model.parameters():
                if p.ndim > 1 or biases:
                    p.mul_(factor)

    return harm


def normal(mean: float, std: float) -> Callable[[nn.Module], None]:
    def harm(model: nn.Module) -> None:
        for layer in layers(model)[:-1]:
            nn.init.normal_(layer.weight, mean, std)
            nn.init.zeros_(layer.bias)

    return harm


def constant(value: float) -> Callable[[nn.Module], None]:
    def harm(model: nn.Module) -> None:
        for layer in layers(model):
            nn.init.constant_(layer.weight, value)
            nn.init.zeros_(layer.bias)

    return harm


def repeat(model: nn.Module) -> None:
    """Every unit of every hidden layer equals the layer's first, weights to the next layer too."""
    found = layers(model)
    with torch.no_grad():
        for layer, above in pairwise(found):
            layer.weight.copy_(layer.weight[:1].expand_as(layer.weight))
            layer.bias.copy_(layer.bias[:1].expand_as(layer.bias))
            above.weight.copy_(above.weight[:, :1].expand_as(above.weight))


def kill_most(model: nn.Module) -> None:
    """All units of a hidden layer but one in sixteen get a bias of -20."""
    with torch.no_grad():
        for layer in layers(model)[:-1]:
            layer.bias[torch.arange(len(layer.bias)) % 16 != 0] = -20.0


def norms(weight: float, bias_value: float) -> Callable[[nn.Module], None]:
    def harm(model: nn.Module) -> None:
        for m in model.modules():
            if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d, nn.LayerNorm)):
                nn.init.constant_(m.weight, weight)
                nn.init.constant_(m.bias, bias_value)

    return harm


def zero_norm(model: nn.Module) -> None:
    """The last LayerNorm multiplies by 0 and is not trained, as after a wrong freeze."""
    norm = [m for m in model.modules() if isinstance(m, nn.LayerNorm)][-1]
    nn.init.zeros_(norm.weight)
    norm.weight.requires_grad_(False)


def nothing(_: nn.Module) -> None:
    """The data, the shape or the step size are what is wrong."""


def point(name: str) -> tuple[Task, Callable[[Task], nn.Module], Callable[[nn.Module], nn.Module]]:
    """A proved bad minimum of the paper, as a torch model."""
    from spurious.diagnose import to_torch
    from spurious.problem.bundled import bundled

    problem = bundled(name)
    x = torch.tensor([[float(v) for v in row] for row in problem.data.x])
    y = torch.tensor([[float(v) for v in row] for row in problem.data.y])
    loss = nn.SoftMarginLoss() if problem.loss == "logistic" else nn.MSELoss()
    task = Task(name, x, y, loss, 1)
    return task, lambda _: to_torch(problem).float(), lambda m: m


def spread_targets(task: Task, factor: float, offset: float) -> Task:
    return Task(task.name, task.x, task.y * factor + offset, task.loss, task.outputs)


def inputs(task: Task, factor: float = 1.0, offset: float = 0.0) -> Task:
    return Task(task.name, task.x * factor + offset, task.y, task.loss, task.outputs)


def ways(mnist: Path | None) -> list[Way]:
    """All of them; those on MNIST only where its folder is given."""
    digits, wine, iris = real("digits"), real("wine"), real("iris")
    cancer, diabetes, pictures = real("breast_cancer"), real("diabetes"), images("digits")
    rows = tokens()
    positive = Task("digits", pictures.x.flatten(1) - pictures.x.min(), digits.y, digits.loss, 10)
    broken = digits.x.clone()
    broken[3, 5] = float("nan")
    missing = Task("digits", broken, digits.y, digits.loss, 10)

    def deep(width: int, depth: int, act: type[nn.Module]) -> Callable[[Task], nn.Module]:
        return lambda task: mlp(task, (width,) * depth, act)

    shallow = deep(32, 2, nn.ReLU)
    tanh = deep(32, 2, nn.Tanh)
    found = [
        Way("biases -8, first layer, relu", cancer, shallow, bias(-8, 0), DEAD),
        Way("biases -10, second of three layers", digits, deep(32, 3, nn.ReLU), bias(-10, 1), DEAD),
        Way("weights N(-0.3, 0.05), inputs >= 0", positive, shallow, normal(-0.3, 0.05), DEAD),
        Way("weights N(-0.5, 0.1) behind relu", wine, deep(32, 3, nn.ReLU), normal(-0.5, 0.1),
            DEAD),
        Way("15 of 16 units dead", digits, shallow, kill_most, {"dead_units"}),
        Way("SGD step 100 kills relu", digits, shallow, nothing,
            {"dead_units", "not_finite", "exploding_gradient", "constant_output",
             "step_too_large"},
            rule=torch.optim.SGD, rule_step=100.0),
        Way("gelu, biases -12", cancer, deep(32, 2, nn.GELU), bias(-12), DEAD),
        Way("CNN, biases -6 in both convolutions", pictures, Cnn, bias(-6), DEAD),
        Way("residual MLP, stem biases -15, no blocks", digits,
            lambda t: ResidualMlp(t, blocks=0), bias(-15, 0), DEAD),
        Way("batch norm, shift -5, frozen", digits,
            lambda t: mlp(t, (32, 32), norm=nn.BatchNorm1d), _frozen(norms(1, -5)), {"dead_units"},
            named_since=FROZEN),
        Way("batch norm CNN, scale and shift 0", pictures, lambda t: Cnn(t, norm=True),
            norms(0, 0), {"dead_units", "constant_output"}),
        Way("zero weights, relu", digits, shallow, constant(0.0),
            {"dead_units", "duplicated_units", "constant_output"}),
        Way("constant weights 0.1, tanh", wine, tanh, constant(0.1), {"duplicated_units"}),
        Way("constant weights 0.05, sigmoid", cancer, deep(32, 2, nn.Sigmoid), constant(0.05),
            {"duplicated_units"}, **SGD),
        Way("copies of one unit, tanh", digits, tanh, repeat, {"duplicated_units"}),
        Way("copies of one channel, CNN", pictures, Cnn, constant(0.1), {"duplicated_units"}),
        Way("weights x 0.01, 5 tanh layers", digits, deep(32, 5, nn.Tanh), scale(0.01), FLAT,
            named_since=SCALE, **SGD),
        Way("weights x 0.03, 6 relu layers", cancer, deep(32, 6, nn.ReLU), scale(0.03),
            FLAT | DEAD, named_since=SCALE, **SGD),
        Way("deep linear network near 0", diabetes, deep(16, 5, nn.Identity), scale(0.02), FLAT,
            named_since=SCALE, **SGD),
        Way("weights x 30, tanh", digits, tanh, scale(30), {"saturation", "exploding_gradient"},
            named_since=SCALE, **SGD),
        Way("weights x 100, sigmoid", wine, deep(32, 2, nn.Sigmoid), scale(100),
            {"saturation", "exploding_gradient"}, named_since=SCALE),
        Way("CNN tanh, weights x 40", pictures, lambda t: Cnn(t, act=torch.tanh), scale(40),
            {"saturation", "exploding_gradient"}, named_since=SCALE, **SGD),
        Way("hardtanh, weights x 20", cancer, deep(32, 3, nn.Hardtanh), scale(20),
            {"saturation", "exploding_gradient"}, **SGD),
        Way("weights x 12, 5 relu layers", digits, deep(32, 5, nn.ReLU), scale(12),
            {"exploding_gradient"}, **SGD),
        Way("residual, weights x 15", digits, lambda t: ResidualMlp(t, blocks=4), scale(15),
            {"exploding_gradient"}, named_since=SCALE),
        Way("8 sigmoid layers", digits, deep(32, 8, nn.Sigmoid), nothing, FLAT, healthy=tanh,
            **SGD),
        Way("25 relu layers, default start", digits, deep(32, 25, nn.ReLU), nothing, FLAT | DEAD,
            healthy=shallow),
        Way("20 relu layers of 3 units (C10)", cancer, deep(3, 20, nn.ReLU), nothing, FLAT | DEAD,
            healthy=shallow),
        Way("raw inputs, sigmoid", real("breast_cancer", False), deep(32, 2, nn.Sigmoid), nothing,
            {"saturation", "shared_regions", "unscaled_inputs"}, reference=cancer),
        Way("raw inputs, tanh", real("wine", False), tanh, nothing,
            {"saturation", "shared_regions", "unscaled_inputs"}, reference=wine, **SGD),
        Way("inputs x 0.0003, relu (C2)", inputs(digits, 3e-4), shallow, nothing,
            {"shared_regions", "constant_output", "unscaled_inputs"}, reference=digits),
        Way("inputs + 300, relu", inputs(iris, 1, 300), shallow, nothing,
            {"shared_regions", "shifted_initialisation", "exploding_gradient", "constant_output",
             "unscaled_inputs"}, reference=iris),
        Way("NaN in one input", missing, shallow, nothing, {"not_finite"}, reference=digits),
        Way("relu on a regression's output", spread_targets(diabetes, 1, 0), ReluOutput,
            bias(-9, 2), {"constant_output", "output_range"},
            healthy=lambda t: ReluOutput(t, False)),
        Way("detached features", wine, Detached, nothing, {"vanishing_gradient"},
            healthy=Attached, named_since=frozenset({"detached_loss"})),
        Way("transformer, last norm 0 and frozen", rows, Transformer, zero_norm,
            {"constant_output"}, named_since=FROZEN),
        Way("half of the points blind", cancer, deep(8, 2, nn.ReLU), _blind,
            {"blind_spots", "dead_units", "shifted_initialisation"}, **SGD),
        Way("step size 1e-9", wine, shallow, nothing,
            {"plateau", "step_too_small"}, rule_step=1e-9),
    ]  # fmt: skip
    for name in ("c5-d1", "c7-d3", "c13-deadlock-10-points", "sigmoid-squared-6-points"):
        task, make, harm = point(name)
        hidden = {"c5-d1": 3, "c7-d3": 12}.get(name, 8)
        act = nn.Sigmoid if "points" in name else nn.ReLU
        found.append(
            Way(f"proved minimum {name}", task, make, harm, {"local_minimum"},
                healthy=lambda t, h=hidden, a=act: mlp(t, (4 * h,), a), step_size=3e-2)
        )  # fmt: skip
    for name, seed in (("xor", 3), ("jellyfish", 1)):
        found.append(
            Way(f"{name}, 2-2-1 relu, seed {seed}", small(name), lambda t: mlp(t, (2,)),
                nothing, MINIMUM, healthy=lambda t: mlp(t, (16,)), step_size=1e-2)
        )  # fmt: skip
    if mnist is not None:
        big, raw = images("mnist", mnist), images("mnist", mnist, scaled=False)
        found += [
            Way("MNIST CNN, biases -8", big, Cnn, bias(-8), DEAD),
            Way("MNIST raw 0-255, sigmoid", raw, deep(32, 2, nn.Sigmoid), nothing,
                {"saturation", "shared_regions", "unscaled_inputs"}, reference=big),
            Way("MNIST N(-0.2, 0.02) start (C1)", inputs(big, 1, 0.43), shallow,
                normal(-0.2, 0.02), DEAD),
        ]  # fmt: skip
    return found


def _frozen(harm: Callable[[nn.Module], None]) -> Callable[[nn.Module], None]:
    """The harm, and normalisation is then not trained."""

    def both(model: nn.Module) -> None:
        harm(model)
        for m in model.modules():
            if isinstance(m, (nn.BatchNorm1d, nn.BatchNorm2d)):
                m.weight.requires_grad_(False)
                m.bias.requires_grad_(False)

    return both


def _blind(model: nn.Module) -> None:
    """One live direction in the first layer, off for half of the points; the rest far below 0."""
    first = layers(model)[0]
    with torch.no_grad():
        first.weight[1:] = 0
        first.bias[1:] = -3
        first.bias[0] = -0.2


__all__ = ["Way", "ways"]
