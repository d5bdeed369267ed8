# pyright: basic
"""What a watch does at the steps it looks at: all that needs torch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from spurious.diagnose.measure.objective import output_tensor
from spurious.diagnose.measure.observe import Observer


def start_looking(model: nn.Module, args: tuple, kwargs: dict) -> tuple[Any, ExitStack | None]:
    """Enters an observer for one forward pass; (None, None) if there is no batch of tensors."""
    values = (*args, *kwargs.values())
    first = next((v for v in values if isinstance(v, Tensor) and v.ndim), None)
    if first is None or not torch.is_grad_enabled():
        return None, None
    observer = Observer(model, patterns=False)
    scope = ExitStack()
    scope.enter_context(observer.batch(len(first)))
    return observer, scope


def stop_looking(look: Any, output: Any) -> None:
    """Leaves the observer, and asks for the output's gradient."""
    look.scope.close()
    look.scope = None
    tensor = output_tensor(output)
    if tensor is not None:
        look.observer.mark_output(tensor)
        look.output = tensor.detach()
        if tensor.requires_grad:
            tensor.register_hook(lambda slope: setattr(look, "slope", slope.detach()))
    loss = output.get("loss") if isinstance(output, Mapping) else getattr(output, "loss", None)
    if isinstance(loss, Tensor) and loss.numel() == 1:
        look.loss = float(loss.detach())


def gradient_of(model: nn.Module) -> tuple[float, float]:
    """The gradient's norm, and the largest |dL/dW| |W| over weight matrices."""
    square = relative = 0.0
    with_gradient = [
        (p.detach(), p.grad.detach()) for p in model.parameters() if p.grad is not None
    ]
    sizes, lengths = norms([p for p, _ in with_gradient]), norms([g for _, g in with_gradient])
    for (p, _), own, size in zip(with_gradient, sizes, lengths, strict=True):
        square += size**2
        if p.ndim >= 2:
            usual = math.sqrt(p.numel() / (3 * p[0].numel()))
            relative = max(relative, size * max(own, usual))
    return math.sqrt(square), relative


def norms(tensors: list[Tensor]) -> list[float]:
    """The length of each, in single precision."""
    return [float(torch.linalg.vector_norm(t.float())) for t in tensors]


def fingerprint_of(parameters: Iterable[Tensor]) -> tuple[float, ...]:
    """The sum of each parameter's entries, which a step changes."""
    return tuple(float(p.detach().double().sum()) for p in parameters)


def finished(observer: Observer) -> tuple[tuple, tuple]:
    """The layers of units and the affine layers seen."""
    units = tuple(layer.finish() for layer in observer.units.values() if layer.points)
    return units, tuple(layer.finish() for layer in observer.affine.values())


def output_numbers(look: Any) -> tuple[float, float, float]:
    """Spread and size of the outputs, and what the differences are worth to first order."""
    if look.output is None or not look.output.is_floating_point() or look.output.ndim == 0:
        return 0.0, 0.0, 0.0
    f = look.output.float()
    centred = f - f.mean(0)
    worth = math.inf
    if look.slope is not None and look.slope.shape == f.shape:
        worth = (
            float((look.slope.float() * centred).flatten(1).sum(1).abs().sum())
            if f.ndim > 1
            else float((look.slope.float() * centred).abs().sum())
        )
    return float(centred.pow(2).mean().sqrt()), float(f.pow(2).mean().sqrt()), worth
