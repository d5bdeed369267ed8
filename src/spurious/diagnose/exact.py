# pyright: basic
"""The exact verdict on a model that turns out to be a small dense network."""

from __future__ import annotations

from typing import Final

import torch
from torch import nn

from spurious.certify import certify
from spurious.diagnose.batches import Sample
from spurious.diagnose.exchange import from_torch, loss_named, network_of
from spurious.diagnose.preserve import examined
from spurious.diagnose.records import Measurements
from spurious.errors import InputError
from spurious.verdict import Verdict

__all__ = ["dense_chain", "exact_verdict"]

MOST_PARAMETERS: Final = 100
"""Larger networks are not decided: exact arithmetic takes seconds at this size."""

MOST_POINTS: Final = 100
"""Larger data sets are not decided."""

SAME: Final = 1e-5
"""The chain's outputs must agree with the model's to this share of their size."""

MODULES: Final = {
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "elu": nn.ELU,
}


def dense_chain(model: nn.Module, seen: Measurements, sample: Sample) -> nn.Sequential | None:
    """The model as a `Sequential` of its own linear layers, if that computes the same outputs.

    What was seen in a forward pass proposes the chain: linear layers in the order of their calls,
    one activation after each but the last. It is then compared with the model on all points.
    """
    features = sample.features
    if features is None:
        return None
    named = dict(model.named_parameters(remove_duplicate=False))
    activations = [layer.activation for layer in seen.units]
    if isinstance(model, nn.Sequential):
        try:
            network_of(model)
            return model
        except InputError:
            pass
    if len(seen.affine) != len(activations) + 1 or not set(activations) <= set(MODULES):
        return None
    modules: list[nn.Module] = []
    for layer, name in zip(seen.affine, [*activations, None], strict=True):
        weight = named.get(layer.weight or "")
        bias = named.get((layer.weight or "").removesuffix("weight") + "bias")
        if weight is None or bias is None or weight.ndim != 2:
            return None
        linear = nn.utils.skip_init(nn.Linear, weight.shape[1], weight.shape[0])
        linear.weight, linear.bias = weight, bias
        modules += [linear] if name is None else [linear, MODULES[name]()]
    chain = nn.Sequential(*modules)
    try:
        with examined(model), torch.no_grad():
            ours, theirs = chain(features.flatten(1)), model(features)
    except RuntimeError:
        return None
    if not isinstance(theirs, torch.Tensor) or ours.numel() != theirs.numel():
        return None
    gap = float((ours.reshape(theirs.shape) - theirs).abs().max())
    return chain if gap <= SAME * max(float(theirs.abs().max()), 1e-30) else None


def exact_verdict(
    chain: nn.Sequential | None, loss: object, sample: Sample
) -> tuple[Verdict | None, str]:
    """The verdict of `certify` on a dense chain, or None and why there is none."""
    if chain is None or loss_named(loss) is None:
        return None, ""
    trained = all(p.requires_grad for p in chain.parameters())
    size = sum(p.numel() for p in chain.parameters())
    if not trained:
        return None, "no exact verdict: some parameters are not trained"
    if size > MOST_PARAMETERS or sample.size > MOST_POINTS:
        return None, (
            f"no exact verdict: {size} parameters and {sample.size} points, at most "
            f"{MOST_PARAMETERS} and {MOST_POINTS} are decided"
        )
    if not sample.complete:
        return None, "no exact verdict: only a part of the data was looked at"
    if sample.features is None or sample.targets is None:
        return None, ""
    try:
        return certify(from_torch(chain, sample.features, sample.targets, loss)), ""
    except InputError as error:
        return None, f"no exact verdict: {error}"
