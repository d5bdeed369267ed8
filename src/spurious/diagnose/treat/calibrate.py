# pyright: basic
"""Moves and scales single units of a model so that their kinks lie among the data."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from spurious.diagnose.measure.batches import Sample
from spurious.diagnose.measure.observe import Observer
from spurious.diagnose.measure.preserve import examined
from spurious.diagnose.measure.records import Units


def hidden_layers(model: nn.Module, sample: Sample) -> list[tuple[str, Units]]:
    """The layers of units with the weights that feed them, in the order of their use."""
    observer = Observer(model, patterns=False)
    with examined(model), torch.no_grad():
        for batch in sample.batches:
            with observer.batch(batch.size):
                model(*batch.args, **batch.kwargs)
    layers = [totals.finish() for totals in observer.units.values()]
    found: dict[str, Units] = {}
    for layer in layers:
        if layer.weight is not None and not layer.is_output:
            found.setdefault(layer.weight, layer)
    return list(found.items())


def _norms_behind(model: nn.Module, sample: Sample, weight_name: str) -> list[tuple]:
    """Weights and biases of normalisations between a layer and its activation."""
    observer = Observer(model, patterns=False)
    batch = sample.batches[0]
    with examined(model), torch.no_grad(), observer.batch(batch.size):
        model(*batch.args, **batch.kwargs)
    feeding = [totals.feeding for totals in observer.units.values()]
    return [f.norm for f in feeding if f and f.norm and f.weight_name == weight_name]


class _Catch(TorchFunctionMode):
    """Keeps the outputs of the calls that use one weight, units first, (units, values)."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.weight, self.caught = weight, list[Tensor]()

    def __torch_function__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        second = args[1] if len(args) > 1 else (kwargs or {}).get("weight")
        if second is self.weight and isinstance(out, Tensor):
            axis = 1 if self.weight.ndim > 2 else -1
            self.caught.append(out.detach().movedim(axis, 0).flatten(1))
        return out


def calibrate(
    model: nn.Module,
    sample: Sample,
    weight_name: str,
    units: list[int],
    *,
    redraw: bool = False,
    rescale: bool = True,
) -> bool:
    """Changes some units of one layer.

    Args:
        model: Changed in place.
        sample: The data.
        weight_name: The parameter that feeds the layer.
        units: Which units.
        redraw: Whether to draw their weights anew, normal with variance 2 / fan-in.
        rescale: Whether to scale weights so that the pre-activations have variance 1.

    A normalisation between the layer and its activation gets weight 1 and bias 0 for these units.

    Returns:
        Whether anything was changed: the medians of the pre-activations become 0 only where there
        are biases.
    """
    named = dict(model.named_parameters(remove_duplicate=False))
    weight = named[weight_name]
    bias = named.get(weight_name.removesuffix("weight") + "bias")
    chosen = torch.tensor(units, device=weight.device)
    with examined(model), torch.no_grad():
        if redraw:
            fresh = torch.randn(len(units), *weight.shape[1:], dtype=weight.dtype)
            weight[chosen] = fresh.to(weight.device) * (2 / weight[0].numel()) ** 0.5
            if bias is not None:
                bias[chosen] = 0
        catch = _Catch(weight)
        with catch:
            for batch in sample.batches:
                model(*batch.args, **batch.kwargs)
        z = torch.cat(catch.caught, 1)[chosen].float()
        middle = z.median(1).values if bias is not None else torch.zeros(len(z))
        size = (z - z.mean(1, keepdim=True)).pow(2).mean(1).sqrt()
        scale = torch.where(size > 1e-12, size, 1) if rescale else torch.ones_like(size)
        scale, middle = scale.to(weight), middle.to(weight)
        for norm_weight, norm_bias in _norms_behind(model, sample, weight_name):
            if norm_weight is not None and len(norm_weight) == len(weight):
                norm_weight[chosen] = 1
            if norm_bias is not None and len(norm_bias) == len(weight):
                norm_bias[chosen] = 0
        weight[chosen] = weight[chosen] / scale.reshape(-1, *[1] * (weight.ndim - 1))
        if bias is not None:
            bias[chosen] = (bias[chosen] - middle) / scale
    return rescale or redraw or bias is not None
