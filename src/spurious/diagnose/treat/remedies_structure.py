# pyright: basic
"""Remedies that put something between a model's layers, where it is computed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.overrides import TorchFunctionMode

from spurious.diagnose.measure.batches import Sample
from spurious.diagnose.measure.edges import KeptFromZero
from spurious.diagnose.measure.exponentials import SteadyExponentials
from spurious.diagnose.measure.fresh import plain_tensors
from spurious.diagnose.measure.in_the_loss import WithGraphs, in_the_loss
from spurious.diagnose.measure.observe import Observer
from spurious.diagnose.measure.preserve import examined
from spurious.diagnose.measure.reshapes import Transposing, reshapes_like_transposes
from spurious.diagnose.treat.candidate import (
    Candidate,
    NotApplicableError,
    with_all_parameters,
    wrap,
)

USUAL_MOMENTUM: Final = 0.1
"""Of running statistics, by default."""

SLOWEST: Final = 10_000.0
"""Longest wave of the positions (Vaswani et al. 2017, section 3.5), in steps."""


class _Bent(TorchFunctionMode):
    """A relu behind the layers of some weights."""

    def __init__(self, weights: list[Tensor]) -> None:
        super().__init__()
        self.weights = weights

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None):
        out = func(*args, **(kwargs or {}))
        second = args[1] if len(args) > 1 else (kwargs or {}).get("weight")
        return F.relu(out) if any(second is weight for weight in self.weights) else out


def insert_activation(candidate: Candidate, sample: Sample, _: Any) -> None:
    """A relu between affine layers that follow one another."""
    observer, batch = Observer(candidate.model, patterns=False), sample.batches[0]
    with examined(candidate.model), torch.no_grad(), observer.batch(batch.size):
        candidate.model(*batch.args, **batch.kwargs)
    below = {name for name, _ in observer.structure.chained}
    named = dict(candidate.model.named_modules())
    weights = [getattr(named.get(name), "weight", None) for name in sorted(below)]
    known = [weight for weight in weights if isinstance(weight, Tensor)]
    if not known:
        raise NotApplicableError("no two layers follow one another with nothing that bends")
    candidate.context = lambda: _Bent(known)


class _Placed(TorchFunctionMode):
    """Positions added to what embeddings give."""

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None):
        out = func(*args, **(kwargs or {}))
        return out + positions(out) if func is F.embedding and out.ndim == 3 else out


class _WithPositions(nn.Module):
    """A model whose sequences of numbers get positions added."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Any:
        return self.model(x + positions(x))


def positions(like: Tensor) -> Tensor:
    """Sines and cosines of the places along axis 1 of a tensor (n, T, d), (T, d)."""
    steps, width = like.shape[1], like.shape[2]
    place = torch.arange(steps, device=like.device, dtype=torch.float32)[:, None]
    wave = torch.arange(width, device=like.device, dtype=torch.float32)
    angle = place / SLOWEST ** ((wave - wave % 2) / width)
    return torch.where(wave % 2 == 0, angle.sin(), angle.cos()).to(like.dtype)


def add_positions(candidate: Candidate, sample: Sample, _: Any) -> None:
    """Positions are added to embeddings of words, or to inputs that are sequences of numbers."""
    batch = sample.batches[0]
    x = batch.args[0] if len(batch.args) == 1 and not batch.kwargs else None
    if not isinstance(x, Tensor):
        raise NotApplicableError("the inputs are no single tensor")
    if x.is_floating_point() and x.ndim == 3:
        wrap(candidate, _WithPositions(candidate.model))
    elif any(isinstance(m, nn.Embedding) for m in candidate.model.modules()):
        candidate.context = _Placed
    else:
        raise NotApplicableError("the inputs are no sequences of numbers or of embedded words")


def register_tensors(candidate: Candidate, _: Sample, __: Any) -> None:
    """Plain tensors that modules hold, matrices and larger, become parameters, and are trained."""
    found = plain_tensors(candidate.model)
    if not found:
        raise NotApplicableError("no module holds a plain tensor that may be a weight")
    for module, name in found.values():
        value = getattr(module, name)
        delattr(module, name)
        module.register_parameter(name, nn.Parameter(value.detach().clone()))
    if candidate.rule is not None:
        candidate.rule = with_all_parameters(candidate.rule, candidate.model)


def permute_axes(candidate: Candidate, sample: Sample, loss: Any) -> None:
    """Axes are permuted where a reshape has the sizes of a transposed tensor."""
    if not reshapes_like_transposes(candidate.model, sample.batches[0], loss):
        raise NotApplicableError("no reshape has the sizes of a transposed tensor")
    candidate.whole_context = Transposing


def fresh_statistics(candidate: Candidate, _: Sample, __: Any) -> None:
    """Batch normalisation takes up the statistics of the batches to come."""
    norms = [m for m in candidate.model.modules() if isinstance(m, _NormBase)]
    norms = [m for m in norms if m.track_running_stats]
    if not norms:
        raise NotApplicableError("no layer keeps statistics of batches")
    for norm in norms:
        norm.momentum = USUAL_MOMENTUM
        norm.reset_running_stats()


def keep_from_zero(candidate: Candidate, _: Sample, __: Any) -> None:
    """Arguments of logarithms, roots and divisions, in model and loss, are kept away from 0.

    Logarithms and shares of sums of exponentials are taken at once.
    """

    @contextmanager
    def kept() -> Iterator[None]:
        with KeptFromZero(candidate.edges), SteadyExponentials(candidate.edges):
            yield

    candidate.whole_context = kept


def keep_graph(candidate: Candidate, sample: Sample, loss: Any) -> None:
    """Derivatives in the loss are taken so that gradients pass through them."""
    if not in_the_loss(candidate.model, sample.batches[0], loss).cut_derivative:
        raise NotApplicableError("no derivative in the loss is taken without its graph")
    candidate.whole_context = WithGraphs


STRUCTURE_ACTIONS: Final = (
    insert_activation,
    add_positions,
    permute_axes,
    register_tensors,
    fresh_statistics,
    keep_from_zero,
    keep_graph,
)
"""Each changes a candidate, or raises `NotApplicableError`."""
