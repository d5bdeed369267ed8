# pyright: basic
"""What is seen of a model's weights, whatever the points are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import torch
from torch import Tensor, nn

from spurious.diagnose.measure.batches import Sample
from spurious.diagnose.measure.fresh import plain_tensors, without_bias
from spurious.diagnose.measure.optimiser import OptimiserSeen
from spurious.diagnose.measure.preserve import examined
from spurious.diagnose.measure.records import Measurements

FEWEST_ENTRIES: Final = 64
"""Fewer weights say nothing about how they are spread."""

ONE_WAY: Final = 1e-4
"""Gradients that are nearer to one direction than this have no other."""

ALIKE: Final = 0.5
"""Cosine of matrices of which one follows the other; of two that were drawn apart it is near 0."""

EVEN: Final = 1.63
"""Critical value of Kolmogorov and Smirnov at the level of 1 %, times the root of the number."""


@dataclass(frozen=True)
class WeightsSeen:
    """What is seen of a model's weights, of those that are trained and of others.

    Attributes:
        last_layer: Name of the last affine layer that the points go through.
        judges: Whether that layer is not trained: it may judge what others make.
        without_bias: Names of affine layers that have no bias, in a model without normalisation.
        plain_tensors: Names of tensors that modules hold and that are no parameters.
        equal_columns: Names of embeddings whose every column is the same.
        unregistered: Shapes of parameters in the outputs' graph that are none of the model's.
        frozen: Sizes of the parameters that are not trained, by name.
        frozen_at_random: Those of them that look as a start draws them.
        unreached: Sizes of trained parameters that the loss does not depend on, by name.
        still: Names of trained parameters whose gradient is exactly 0.
        unmoved: Names of layers whose weights look as a start draws them.
        missed: Share of the outputs' change that autograd does not see, by parameter.
    """

    last_layer: str = ""
    judges: bool = False
    without_bias: tuple[str, ...] = ()
    plain_tensors: tuple[str, ...] = ()
    equal_columns: tuple[str, ...] = ()
    unregistered: tuple[tuple[int, ...], ...] = ()
    frozen: Mapping[str, int] = field(default_factory=dict[str, int])
    frozen_at_random: tuple[str, ...] = ()
    unreached: Mapping[str, int] = field(default_factory=dict[str, int])
    still: frozenset[str] = frozenset()
    unmoved: frozenset[str] = frozenset()
    missed: Mapping[str, float] = field(default_factory=dict[str, float])


def weights_seen(
    model: nn.Module,
    sample: Sample,
    seen: Measurements,
    loss: Callable[..., Any],
    optimiser: OptimiserSeen | None,
) -> WeightsSeen:
    """The model's weights, trained or not."""
    last = seen.affine[-1].weight if seen.affine else None
    return WeightsSeen(
        last_layer=(last or "").rpartition(".")[0],
        judges=_judges(model, seen, optimiser),
        without_bias=tuple(without_bias(model)),
        plain_tensors=tuple(plain_tensors(model)),
        equal_columns=_equal_columns(model, sample, loss),
        unregistered=seen.unregistered,
        frozen={n: p.numel() for n, p in model.named_parameters() if not p.requires_grad},
        frozen_at_random=_frozen_at_random(model),
        unreached={n: p.numel() for n, p in model.named_parameters() if n in set(seen.unreached)},
        still=frozenset(seen.still),
        unmoved=frozenset(
            layer.name
            for layer in seen.units
            if layer.weight is not None and spread_evenly(model.get_parameter(layer.weight))
        ),
    )


def _judges(model: nn.Module, seen: Measurements, optimiser: OptimiserSeen | None) -> bool:
    """Whether the last layer is frozen, or trained by another optimiser, and others are not."""
    weight = seen.affine[-1].weight if seen.affine else None
    if weight is None or not seen.landscape.trained:
        return False
    missed = optimiser is not None and bool(optimiser.held) and weight in optimiser.missed
    return missed or not model.get_parameter(weight).requires_grad


def _frozen_at_random(model: nn.Module) -> tuple[str, ...]:
    """Names of the frozen matrices, if all that can be judged look as a start draws them.

    If some do not, all were trained, of which small ones show the least.
    """
    frozen = {n: p for n, p in model.named_parameters() if not p.requires_grad}
    large = {n: p for n, p in frozen.items() if p.ndim >= 2 and p.numel() >= FEWEST_ENTRIES}
    if not all(map(spread_evenly, large.values())):
        return ()
    trained = [p.detach() for p in model.parameters() if p.requires_grad]
    follow = bool(large) and all(_is_alike(p.detach(), trained) for p in large.values())
    return () if follow else tuple(large)


def _is_alike(weight: Tensor, others: list[Tensor]) -> bool:
    """Whether a matrix lies near one of the same shape: a running mean, or an older copy, of it."""
    same = [other for other in others if other.shape == weight.shape]
    w = weight.flatten()
    return any(float(w @ o.flatten()) > ALIKE * float(w.norm() * o.norm()) for o in same)


def spread_evenly(weight: Tensor) -> bool:
    """Whether a weight matrix looks drawn evenly between two numbers, as torch's layers start.

    By the distance of Kolmogorov and Smirnov, at the level of 1 %.
    """
    if weight.ndim < 2 or weight.numel() < FEWEST_ENTRIES:
        return False
    w = weight.detach().double().flatten().sort().values
    end = float(w.abs().max())
    if end == 0:
        return False
    place = torch.arange(1, len(w) + 1, device=w.device) / len(w)
    return float(((w / end + 1) / 2 - place).abs().max()) < EVEN / len(w) ** 0.5


def _equal_columns(
    model: nn.Module, sample: Sample, loss: Callable[[Any, Any], Tensor]
) -> tuple[str, ...]:
    """Names of trained embeddings whose every column is the same, and has the same gradient.

    None if some embeddings are not so.
    """
    tables = {
        name: module.weight
        for name, module in model.named_modules()
        if isinstance(module, nn.Embedding) and min(module.weight.shape) > 1
    }
    weights = list(tables.values())
    if not tables or not all(table.requires_grad and bool(table.any()) for table in weights):
        return ()
    if not all(bool((table == table[:, :1]).all()) for table in weights):
        return ()
    batch = sample.batches[0]
    try:
        with examined(model), torch.enable_grad():
            value = loss(model(*batch.args, **batch.kwargs), batch.targets)
            slopes = torch.autograd.grad(value, weights, allow_unused=True)
    except Exception:
        return ()
    for slope in slopes:
        if slope is None or not bool((slope - slope[:, :1]).norm() <= ONE_WAY * slope.norm()):
            return ()
    return tuple(tables)
