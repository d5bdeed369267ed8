# pyright: basic
"""Copies with other weights: what the code of a model does, whatever it has learnt."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from spurious.diagnose.measure.batches import Batch, Sample
from spurious.diagnose.measure.objective import output_tensor
from spurious.diagnose.measure.observe import Observer
from spurious.diagnose.measure.preserve import copied, examined, seeded

SPREAD: Final = 0.02
"""Of embeddings and positions that no module draws: as those of BERT and GPT-2 start."""


NORMS: Final = (_NormBase, nn.LayerNorm, nn.GroupNorm)
"""Layers that shift by themselves."""


def with_random_weights(model: nn.Module, seed: int) -> nn.Module:
    """A copy whose every parameter is drawn at random, also those that start at 0."""
    clone = copied(model)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in clone.parameters():
            if p.is_floating_point():
                size = p[0].numel() ** -0.5 if p.ndim >= 2 else 0.5
                p.copy_(size * torch.randn(p.shape, generator=draw))
    for module in clone.modules():
        if isinstance(module, _NormBase):  # what training has made of it is no part of the code
            module.reset_running_stats()
    return clone


def without_bias(model: nn.Module) -> dict[str, nn.Linear | _ConvNd]:
    """Affine layers that have no bias, by name; none if the model normalises, which shifts."""
    if any(isinstance(m, NORMS) for m in model.modules()):
        return {}
    return {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, (nn.Linear, _ConvNd)) and module.bias is None
    }


def plain_tensors(model: nn.Module) -> dict[str, tuple[nn.Module, str]]:
    """Modules and their attributes that are tensors, matrices and larger, and no parameters.

    By their whole names. What has a gradient, or is a buffer, is none of them.
    """
    return {
        f"{path}.{name}".lstrip("."): (module, name)
        for path, module in model.named_modules()
        for name, value in vars(module).items()
        if isinstance(value, Tensor) and value.ndim >= 2 and value.numel() > 1
        if value.is_floating_point() and not value.requires_grad
    }


def draw_anew(model: nn.Module) -> bool:
    """Lets every module that can draw its weights anew do so.

    Parameters of other modules stay, but for those that are not finite: nobody starts so. False if
    nothing is drawn.
    """
    found = False
    for module in model.modules():
        for name in ("reset_parameters", "_reset_parameters"):
            reset = getattr(module, name, None)
            if callable(reset):
                reset()
                found = True
                break
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.is_floating_point() and not bool(p.isfinite().all()):
                if p.ndim >= 2:
                    p.normal_(0.0, SPREAD)
                else:
                    p.fill_(0.0 if "bias" in name else 1.0)
                found = True
    return found


def started_afresh(model: nn.Module) -> nn.Module | None:
    """A copy whose modules have drawn their weights anew, always the same; None if none can."""
    clone = copied(model)
    with torch.random.fork_rng(devices=[]):
        seeded()
        return clone if draw_anew(clone) else None


def outputs_of(model: nn.Module, x: Tensor) -> Tensor | None:
    """The model's outputs of one batch of inputs, without a graph."""
    with examined(model), torch.no_grad():
        out = output_tensor(model(x))
    return None if out is None or not out.is_floating_point() else out.detach().double()


def usual_outputs(model: nn.Module, sample: Sample) -> Tensor | None:
    """Outputs on all points of a copy that starts afresh; None if that cannot be, or they are none.

    Also if they are no finite numbers of one shape.
    """
    clone = started_afresh(model)
    if clone is None:
        return None
    try:
        with examined(clone), torch.no_grad():
            made = [output_tensor(clone(*b.args, **b.kwargs)) for b in sample.batches]
    except Exception:
        return None
    found = [f for f in made if f is not None and f.is_floating_point()]
    if len(found) < len(made) or len({f.shape[1:] for f in found}) > 1:
        return None
    whole = torch.cat(found)
    return whole if bool(whole.isfinite().all()) else None


def saturated_by_inputs(
    model: nn.Module, sample: Sample, most: float
) -> tuple[str, float, float] | None:
    """A layer that a usual start shuts with these inputs, and not with standardised ones.

    Args:
        model: Left as it is.
        sample: The points.
        most: Share of values at the flat ends from which a layer is shut.

    Returns:
        Name of the layer, and the share with the inputs as they are and standardised; or None.
    """
    x, batch = sample.features, sample.batches[0]
    if x is None or batch.features is None or x.ndim < 2 or len(x) < 2:
        return None
    axes = (0,) if x.ndim == 2 else (0, *range(2, x.ndim))
    if x.ndim == 3:
        axes = (0, 1)
    mean, std = x.mean(axes, keepdim=True), x.std(axes, keepdim=True)
    unit = (batch.features - mean) / torch.where(std > 0, std, 1.0)
    try:
        raw, scaled = _shares(model, batch, batch.features), _shares(model, batch, unit)
    except Exception:
        return None
    found = {name: share for name, share in raw.items() if name in scaled}
    name = max(found, key=lambda key: found[key] - scaled[key], default="")
    if not name or found[name] < most or scaled[name] > most / 2:
        return None
    return name, found[name], scaled[name]


def _shares(model: nn.Module, batch: Batch, x: Tensor) -> dict[str, float]:
    """Share of the values at the flat ends, of each layer of a start, if there can be one."""
    clone = started_afresh(model)
    if clone is None:
        return {}
    observer = Observer(clone)
    with examined(clone), torch.enable_grad(), observer.batch(batch.size):
        clone(x)
    layers = [layer.finish() for layer in observer.units.values() if layer.points]
    found = {one.name: float(one.saturated.mean()) for one in layers if one.can_saturate}
    alone = {name: seen.alone for name, seen in observer.structure.attentions.items()}
    return found | observer.structure.gates | alone
