# pyright: basic
"""The exact verdict on a model that turns out to be a small dense network."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.nn.modules.dropout import _DropoutNd

from spurious.certify import certify
from spurious.diagnose.batches import Sample
from spurious.diagnose.exchange import from_torch, loss_named, network_of
from spurious.diagnose.preserve import examined
from spurious.diagnose.records import Measurements
from spurious.errors import InputError
from spurious.proof import Verdict

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
    one activation after each but the last. It is then compared with the model on all points. Its
    weights must be parameters, each used once: what is computed from others (weight normalisation,
    pruning) or shared cannot take every value that the chain's can.
    """
    features = sample.features
    if features is None:
        return None
    named = dict(model.named_parameters(remove_duplicate=False))
    activations = [layer.activation for layer in seen.units]
    if any(isinstance(m, _DropoutNd) and m.p > 0 for m in model.modules()):
        return None  # what is trained is another, random, loss
    if isinstance(model, nn.Sequential):
        try:
            network_of(model)
        except InputError:
            pass
        else:
            return model if _same(model, model, features) else None
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
    return chain if _same(chain, model, features) else None


def _same(chain: nn.Sequential, model: nn.Module, features: Tensor) -> bool:
    """Whether a chain has free weights of the model's own and computes what the model does."""
    plain = [m for m in chain.modules() if not isinstance(m, nn.Sequential)]
    linear = [m for m in plain if isinstance(m, nn.Linear)]
    used = [id(p) for m in linear for p in (m.weight, m.bias)]
    own = {id(p) for p in model.parameters()}
    if len(set(used)) < len(used) or not own.issuperset(used):
        return False
    with examined(model), torch.no_grad():
        z = features.flatten(1)
        try:
            for module in plain:
                if isinstance(module, nn.Linear):
                    z = F.linear(z, module.weight, module.bias)
                else:
                    z = type(module).forward(module, z)
            found = model(features)
        except RuntimeError:
            return False
    if not isinstance(found, Tensor) or z.numel() != found.numel():
        return False
    gap = float((z.reshape(found.shape) - found).abs().max())
    return gap <= SAME * max(float(found.abs().max()), 1e-30)


def exact_verdict(
    chain: nn.Sequential | None, loss: object, sample: Sample, broadcast: str = ""
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
    if broadcast:
        return None, f"no exact verdict: the loss broadcasts {broadcast}"
    if not sample.complete:
        return None, "no exact verdict: only a part of the data was looked at"
    if sample.features is None or sample.targets is None:
        return None, ""
    try:
        return certify(from_torch(chain, sample.features, sample.targets, loss)), ""
    except InputError as error:
        return None, f"no exact verdict: {error}"
