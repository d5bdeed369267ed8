# pyright: basic
"""The exact verdict on a model that turns out to be a small dense network."""

from __future__ import annotations

from typing import Any, Final

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd
from torch.nn.utils.parametrize import is_parametrized

from spurious.certify import certify
from spurious.diagnose.exchange.modules import MODULES
from spurious.diagnose.exchange.networks import from_torch, loss_named, network_of
from spurious.diagnose.measure.batches import Sample
from spurious.diagnose.measure.folding import Merged, is_known, merged, weighted_loss
from spurious.diagnose.measure.preserve import examined
from spurious.diagnose.measure.records import Measurements
from spurious.errors import InputError
from spurious.problem import from_torch as program_of
from spurious.proof import Verdict

MOST_PARAMETERS: Final = 100
"""Larger networks are not decided: exact arithmetic takes seconds at this size."""

MOST_POINTS: Final = 100
"""More different points are not decided."""

MOST_OF_PROGRAMS: Final = 60
"""Parameters of models that are no dense chains: tracing them takes a second."""

MOST_POINTS_OF_PROGRAMS: Final = 32
"""Different points of such models."""

SAME: Final = 1e-5
"""The chain's outputs must agree with the model's to this share of their size."""


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
    found = found.detach()  # a model may turn gradients on
    gap = float((z.reshape(found.shape) - found).abs().max())
    return gap <= SAME * max(float(found.abs().max()), 1e-30)


def exact_verdict(
    model: nn.Module,
    chain: nn.Sequential | None,
    loss: object,
    sample: Sample,
    broadcast: str = "",
    *,
    still: bool = True,
    optimiser: Any = None,
) -> tuple[Verdict | None, str]:
    """The verdict of `certify` on a small model, or None and why there is none.

    A dense chain with one of torch's own losses (after `folded`) becomes a problem of format 1, for
    which there are most rules; any other small model is read as a program, which takes seconds and
    is done only where training stands still. Equal points are merged, with weights where they occur
    differently often. With an optimiser that has weight decay, or holds a part of the parameters,
    the verdict is about the loss that this optimiser minimises.
    """
    x, y = sample.all_features, sample.all_targets
    size = sum(p.numel() for p in model.parameters())
    plain = chain is not None and loss_named(loss) is not None
    if size > MOST_PARAMETERS:
        many = f"no exact verdict: {size} parameters, at most {MOST_PARAMETERS} are decided"
        return None, many if plain else ""
    if x is None or y is None:
        part = "no exact verdict: only a part of the data was looked at"
        return None, part if plain and not sample.complete else ""
    if not all(p.requires_grad for p in model.parameters()):
        return None, "no exact verdict: some parameters are not trained"
    if broadcast:
        return None, f"no exact verdict: the loss broadcasts {broadcast}"
    points = merged(x, y)
    if len(points.x) > MOST_POINTS:
        return None, f"no exact verdict: {len(points.x)} different points, at most {MOST_POINTS}"
    penalised = optimiser is not None and _changes_the_loss(optimiser, model)
    if penalised and getattr(loss, "reduction", "mean") != "mean" and len(points.x) < len(x):
        return None, "no exact verdict: weight decay beside a sum over repeated points"
    try:
        if chain is not None and plain and points.is_even and not penalised:
            return certify(from_torch(chain, points.x, points.y, loss)), ""
        if not still and not penalised:
            return None, ""  # it could only be refuted, at once
        return _as_program(chain or model, loss, points, optimiser if penalised else None)
    except (InputError, RuntimeError, ValueError) as error:
        return None, f"no exact verdict: {str(error).splitlines()[0]}"


def _changes_the_loss(optimiser: Any, model: nn.Module) -> bool:
    """Whether it has weight decay, maximises, or leaves trained parameters as they are."""
    held = {id(p) for group in optimiser.param_groups for p in group["params"]}
    special = any(g.get("weight_decay") or g.get("maximize") for g in optimiser.param_groups)
    return special or any(id(p) not in held for p in model.parameters())


def _as_program(
    model: nn.Module, loss: Any, points: Merged, optimiser: Any
) -> tuple[Verdict | None, str]:
    """The verdict on a model read as a program, where it is small enough."""
    size = sum(p.numel() for p in model.parameters())
    if size > MOST_OF_PROGRAMS or len(points.x) > MOST_POINTS_OF_PROGRAMS:
        return None, (
            f"no exact verdict: {size} parameters and {len(points.x)} different points, at most "
            f"{MOST_OF_PROGRAMS} and {MOST_POINTS_OF_PROGRAMS} are decided for such models"
        )
    if not _is_plain(model) or not _fits(model, loss, points):
        return None, ""
    if not points.is_even:
        loss = weighted_loss(loss, points.counts)
        if loss is None:
            return None, "no exact verdict: this loss cannot be taken point by point"
    with examined(model):
        return certify(program_of(model, points.x, points.y, loss, optimiser=optimiser)), ""


def _is_plain(model: nn.Module) -> bool:
    """Whether the program that a model is read as is what training changes.

    No hooks, no weights that are computed from others or used twice, nothing random, nothing that
    depends on the batches.
    """
    names = list(model.named_parameters(remove_duplicate=False))
    if len({id(p) for _, p in names}) < len(names):
        return False
    for module in model.modules():
        hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
        if any(getattr(module, name) for name in hooks) or is_parametrized(module):
            return False
        if isinstance(module, _NormBase) or (isinstance(module, _DropoutNd) and module.p > 0):
            return False
    return not any(p._backward_hooks for p in model.parameters())


def _fits(model: nn.Module, loss: Any, points: Merged) -> bool:
    """Whether it is one of torch's own losses, and compares outputs and targets one by one."""
    if not is_known(loss):
        return False
    with examined(model), torch.no_grad():
        outputs = model(points.x)
    if not isinstance(outputs, Tensor):
        return False
    classes = not points.y.is_floating_point() and outputs.ndim == points.y.ndim + 1
    return classes or outputs.shape == points.y.shape
