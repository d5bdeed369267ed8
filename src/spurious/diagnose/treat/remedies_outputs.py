# pyright: basic
"""Remedies for outputs, losses, targets and what is trained; each changes a copy."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.nn.modules.conv import _ConvTransposeNd
from torch.nn.modules.dropout import _DropoutNd
from torch.overrides import TorchFunctionMode

from spurious.diagnose.measure.activations import activation_of
from spurious.diagnose.measure.batches import Sample
from spurious.diagnose.measure.exported import plain
from spurious.diagnose.measure.fresh import without_bias
from spurious.diagnose.measure.objective import output_tensor
from spurious.diagnose.measure.optimiser import Rule
from spurious.diagnose.measure.preserve import examined
from spurious.diagnose.measure.structure import ENDS, SOFTMAXES
from spurious.diagnose.measure.terms import data_terms, parts_of, summands
from spurious.diagnose.measure.wanted import wanted_size
from spurious.diagnose.treat.candidate import (
    Candidate,
    NotApplicableError,
    with_all_parameters,
    wrap,
)

WIDER: Final = 4
"""Times the units of hidden layers."""

LIGHT: Final = 1e-4
"""Weight of terms that do not depend on the targets: less than a mean over a batch of 64 and over
100 entries of each point is of the sum."""

LONGEST: Final = 1.0
"""Length of a gradient to which it is clipped, as usual in recurrent networks."""

USUAL_STEP: Final = 1e-3
"""Adam's step size where another optimiser is tried."""


def _bends(function: Any, args: tuple, kwargs: dict) -> bool:
    """Whether a call is an activation, a softmax or the like."""
    known = plain(function) in SOFTMAXES or plain(function) in ENDS
    return known or activation_of(function, args, kwargs) is not None


class _Counting(TorchFunctionMode):
    """Counts activations, and notes which of them gave each result, and from what."""

    def __init__(self) -> None:
        super().__init__()
        self.count, self.results, self.given = 0, list[Tensor](), list[Tensor]()

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None):
        out = func(*args, **(kwargs or {}))
        if _bends(func, args, kwargs or {}):
            self.count += 1
            self.results.append(out)
            self.given.append(args[0] if args else (kwargs or {})["input"])
        return out

    def follows_another(self, which: int) -> bool:
        """Whether an activation is applied to what the one before it gave."""
        return which > 0 and self.given[which].data_ptr() == self.results[which - 1].data_ptr()


class _Without(TorchFunctionMode):
    """Passes the input of one activation on as it is; the forward pass has so many of them."""

    def __init__(self, which: int, count: int, instead: Any = None) -> None:
        super().__init__()
        self.which, self.count, self.instead, self.seen = which, count, instead, 0

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None):
        kwargs = kwargs or {}
        if _bends(func, args, kwargs):
            place, self.seen = self.seen % self.count, self.seen + 1
            if place == self.which:
                z = args[0] if args else kwargs["input"]
                return z if self.instead is None else self.instead(z)
        return func(*args, **kwargs)


def _last_activation(candidate: Candidate, sample: Sample) -> tuple[int, _Counting]:
    """The number of the activation that gives the output, and what was counted.

    Raises:
        NotApplicableError: The output is not the result of one, or is one of them twice.
    """
    batch = sample.batches[0]
    with examined(candidate.model), torch.no_grad(), _Counting() as counting:
        output = output_tensor(candidate.model(*batch.args, **batch.kwargs))
    same = [
        k
        for k, result in enumerate(counting.results)
        if output is not None and result.data_ptr() == output.data_ptr()
    ]
    if not same or same[-1] != counting.count - 1:
        raise NotApplicableError("the output is not what an activation gives")
    return same[-1], counting


def drop_last_activation(candidate: Candidate, sample: Sample, _: Any) -> None:
    """Leaves out the activation behind the last layer: of two in a row the first."""
    which, counting = _last_activation(candidate, sample)
    which -= counting.follows_another(which)
    candidate.context = lambda: _Without(which, counting.count)


def _instead(candidate: Candidate, sample: Sample, function: Any) -> None:
    """Another function takes the place of the last activation, or comes last if there is none."""
    try:
        which, counting = _last_activation(candidate, sample)
    except NotApplicableError:
        wrap(candidate, _Behind(candidate.model, function))
        return
    candidate.context = lambda: _Without(which, counting.count, function)


class _Behind(nn.Module):
    """A model with a function of its outputs behind it."""

    def __init__(self, model: nn.Module, function: Any) -> None:
        super().__init__()
        self.model, self.function = model, function

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(self.model(*args, **kwargs))


def sigmoid_output(candidate: Candidate, sample: Sample, _: Any) -> None:
    """A sigmoid gives the outputs."""
    _instead(candidate, sample, torch.sigmoid)


def softmax_output(candidate: Candidate, sample: Sample, _: Any) -> None:
    """A softmax over axis 1 gives the outputs."""
    _instead(candidate, sample, lambda z: F.softmax(z, 1))


def log_softmax_output(candidate: Candidate, sample: Sample, _: Any) -> None:
    """The logarithm of a softmax over axis 1 gives the outputs."""
    _instead(candidate, sample, lambda z: F.log_softmax(z, 1))


def logits_loss(candidate: Candidate, sample: Sample, _: Any) -> None:
    """Trained on the cross entropy of logits; judged by the loss as it is."""
    try:
        which, counting = _last_activation(candidate, sample)
    except NotApplicableError:
        which, counting = 0, None
    batch = sample.batches[0]
    with examined(candidate.model), torch.no_grad():
        output = output_tensor(candidate.model(*batch.args, **batch.kwargs))
    targets = sample.targets
    if output is None or not isinstance(targets, Tensor):
        raise NotApplicableError("the outputs or targets are no tensors")
    classes = not targets.is_floating_point() and output.ndim == 2 and output.shape[1] > 1
    shares = targets.is_floating_point() and bool(((targets >= 0) & (targets <= 1)).all())
    if not classes and not shares:
        raise NotApplicableError("the targets are no classes and no probabilities")
    one_of = classes or (output.ndim == 2 and output.shape[1] > 1 and _rows_sum_to_one(targets))
    loss = F.cross_entropy if one_of else F.binary_cross_entropy_with_logits
    if counting is not None:
        candidate.training_context = lambda: _Without(which, counting.count)
    candidate.training_loss = lambda f, y: loss(f, y if classes else y.reshape(f.shape).to(f.dtype))


def _rows_sum_to_one(targets: Tensor) -> bool:
    return targets.ndim == 2 and bool((targets.sum(1) == 1).all())


class _Shaped(nn.Module):
    """A model whose outputs get the targets' shape."""

    def __init__(self, model: nn.Module, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.model, self.shape = model, shape

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        out = self.model(*args, **kwargs)
        return out.reshape(len(out), *self.shape)


def match_shapes(candidate: Candidate, sample: Sample, _: Any) -> None:
    """The outputs get the shape of the targets."""
    y, batch = sample.targets, sample.batches[0]
    with examined(candidate.model), torch.no_grad():
        output = output_tensor(candidate.model(*batch.args, **batch.kwargs))
    if output is None or not isinstance(y, Tensor) or output.shape[1:] == y.shape[1:]:
        raise NotApplicableError("outputs and targets have one shape, or are no tensors")
    if output[0].numel() != y[0].numel():
        raise NotApplicableError("outputs and targets have different numbers of entries")
    wrap(candidate, _Shaped(candidate.model, tuple(y.shape[1:])))


class _Restored(nn.Module):
    """A model of standardised targets that gives them back in their own units."""

    mean: Tensor
    scale: Tensor

    def __init__(self, model: nn.Module, mean: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.model(*args, **kwargs) * self.scale + self.mean


def standardise_targets(candidate: Candidate, sample: Sample, loss: Any) -> None:
    """The model learns targets of mean 0 and variance 1, and its outputs are scaled back.

    Each output (channel, for images and sequences) for itself; one that is the same on all points
    is scaled as all together.
    """
    y = sample.targets
    batch = sample.batches[0]
    with examined(candidate.model), torch.no_grad():
        output = output_tensor(candidate.model(*batch.args, **batch.kwargs))
    if (
        output is None
        or not isinstance(y, Tensor)
        or not y.is_floating_point()
        or y[0].numel() != output[0].numel()
    ):
        raise NotApplicableError("the targets are no real numbers, one for each output")
    flat = y.double().reshape(len(y), *output.shape[1:])
    axes = (0,) if flat.ndim < 3 else (0, *range(2, flat.ndim))
    mean, std = flat.mean(axes, keepdim=True), flat.std(axes, keepdim=True)
    whole = flat.std() if bool(flat.std() > 0) else torch.ones_like(flat.std())
    std = torch.where(std > 1e-6 * std.max(), std, whole)
    kind = output.dtype
    wrap(candidate, _Restored(candidate.model, mean.to(kind), std.to(kind)))
    candidate.factor /= _growth(loss, flat, std)


def scale_outputs(candidate: Candidate, sample: Sample, loss: Any) -> None:
    """Outputs are multiplied by the size that the loss wants, and the loss divided by its square.

    As if what the loss compares with were divided by that size.
    """
    batch = sample.batches[0]
    with examined(candidate.model), torch.no_grad():
        output = candidate.model(*batch.args, **batch.kwargs)
    if not isinstance(output, Tensor) or not output.is_floating_point():
        raise NotApplicableError("the outputs are no tensor")
    size = wanted_size(loss, output, batch.targets)
    if size is None:
        raise NotApplicableError("the loss wants no outputs of a certain size")
    level, scale = torch.zeros(1, dtype=output.dtype), torch.full((1,), size, dtype=output.dtype)
    wrap(candidate, _Restored(candidate.model, level, scale))
    candidate.factor /= size**2


def _growth(loss: Any, targets: Tensor, std: Tensor) -> float:
    """How much larger a loss of values is in their own units than in units of the spread."""
    with torch.no_grad():
        shifted = float(loss(targets + std, targets))
        unit = float(loss(targets / std + 1, targets / std))
    ratio = shifted / unit if unit > 0 else 0.0
    return ratio if 0 < ratio < float("inf") else 1.0


def unfreeze(candidate: Candidate, _: Sample, __: Any) -> None:
    """Every parameter is trained."""
    frozen = [p for p in candidate.model.parameters() if not p.requires_grad]
    if not frozen:
        raise NotApplicableError("no parameter is frozen")
    for p in frozen:
        p.requires_grad_(True)
    if candidate.rule is not None:
        candidate.rule = with_all_parameters(candidate.rule, candidate.model)


def new_optimiser(candidate: Candidate, _: Sample, __: Any) -> None:
    """The optimiser is made again from all trained parameters."""
    if candidate.rule is None:
        raise NotApplicableError("no optimiser was given")
    candidate.rule = with_all_parameters(candidate.rule, candidate.model)


def add_biases(candidate: Candidate, _: Sample, __: Any) -> None:
    """Affine layers that have no bias get one, drawn as torch draws it."""
    layers = without_bias(candidate.model)
    if not layers:
        raise NotApplicableError("every layer has a bias, or a normalisation")
    for layer in layers.values():
        most = layer.weight[0].numel() ** -0.5
        count = layer.weight.shape[1] if isinstance(layer, _ConvTransposeNd) else len(layer.weight)
        bias = torch.empty(count, dtype=layer.weight.dtype, device=layer.weight.device)
        layer.bias = nn.Parameter(bias.uniform_(-most, most))
    if candidate.rule is not None:
        candidate.rule = with_all_parameters(candidate.rule, candidate.model)


def wider_layers(candidate: Candidate, _: Sample, __: Any) -> None:
    """Four times as many units in every hidden layer, drawn afresh."""
    model = candidate.model
    parts = list(model.children())
    linear = [m for m in parts if isinstance(m, nn.Linear)]
    plain = type(model) is nn.Sequential and not any(list(m.children()) for m in parts)
    others = [m for m in parts if not isinstance(m, nn.Linear) and list(m.parameters())]
    if not plain or others or len(linear) < 2:
        raise NotApplicableError("the model is no plain chain of linear layers and activations")
    made: list[nn.Module] = []
    for part in parts:
        if isinstance(part, nn.Linear):
            below = part.in_features * (1 if part is linear[0] else WIDER)
            above = part.out_features * (1 if part is linear[-1] else WIDER)
            kept = part.weight
            part = nn.Linear(below, above, part.bias is not None, kept.device, kept.dtype)
        made.append(part)
    candidate.model = nn.Sequential(*made)
    if candidate.rule is not None:
        candidate.rule = with_all_parameters(candidate.rule, candidate.model)


def hundredth_step(candidate: Candidate, _: Sample, __: Any) -> None:
    """A hundredth of the step size."""
    candidate.step_size /= 100


def thousandth_step(candidate: Candidate, _: Sample, __: Any) -> None:
    """A thousandth of the step size."""
    candidate.step_size /= 1000


def hundredfold_step(candidate: Candidate, _: Sample, __: Any) -> None:
    """A hundred times the step size."""
    candidate.step_size *= 100


def clip_gradients(candidate: Candidate, _: Sample, __: Any) -> None:
    """No gradient is longer than 1."""
    candidate.longest = LONGEST


def without_weight_decay(candidate: Candidate, _: Sample, __: Any) -> None:
    """No weight decay."""
    if candidate.rule is None:
        raise NotApplicableError("no optimiser was given")
    candidate.rule = replace(candidate.rule, without_decay=True)


def without_dropout(candidate: Candidate, _: Sample, __: Any) -> None:
    """No layer leaves values out; of a model without such layers, training in evaluation mode."""
    layers = [m for m in candidate.model.modules() if isinstance(m, _DropoutNd) and m.p > 0]
    for layer in layers:
        layer.p = 0.0
    candidate.quiet = not layers


def lighter_penalty(candidate: Candidate, sample: Sample, loss: Any) -> None:
    """Trained with little of the terms that do not depend on the targets; judged as it is."""
    batch = sample.batches[0]
    with examined(candidate.model), torch.enable_grad():
        outputs = candidate.model(*batch.args, **batch.kwargs)
        depends = data_terms(loss, outputs, batch.targets)
    if depends is None:
        raise NotApplicableError("the loss has no terms with targets beside terms without")

    def lighter(found: Any, targets: Any) -> Tensor:
        parts = parts_of(loss, found, targets, depends)
        return parts.data + LIGHT * parts.rest

    candidate.training_loss = lighter


def balance_terms(candidate: Candidate, sample: Sample, loss: Any) -> None:
    """Trained with each term in units of its size at the start; judged as it is."""
    batch = sample.batches[0]
    with examined(candidate.model), torch.enable_grad():
        found = summands(loss, candidate.model(*batch.args, **batch.kwargs), batch.targets)
    sizes = [abs(float(term.detach())) for term in found]
    if len(sizes) < 2 or min(sizes) == 0:
        raise NotApplicableError("the loss is no sum of terms")

    def balanced(found: Any, targets: Any) -> Tensor:
        terms = summands(loss, found, targets)
        if len(terms) != len(sizes):
            raise RuntimeError("the loss has another number of terms")
        return torch.stack([t / size for t, size in zip(terms, sizes, strict=True)]).sum()

    candidate.training_loss = balanced


def textbook_loop(_: Candidate, __: Sample, ___: Any) -> None:
    """Changes nothing: this is the loop in which all copies are trained."""


def another_optimiser(candidate: Candidate, _: Sample, __: Any) -> None:
    """Adam with its usual step size."""
    rule = candidate.rule
    if rule is None:
        candidate.step_size = USUAL_STEP
        return
    candidate.rule = Rule(torch.optim.Adam, ((rule.held, {"lr": USUAL_STEP}),), rule.factor)


OUTPUT_ACTIONS: Final = (
    standardise_targets,
    scale_outputs,
    another_optimiser,
    lighter_penalty,
    balance_terms,
    textbook_loop,
    without_weight_decay,
    without_dropout,
    unfreeze,
    add_biases,
    new_optimiser,
    drop_last_activation,
    sigmoid_output,
    softmax_output,
    log_softmax_output,
    logits_loss,
    wider_layers,
    match_shapes,
    hundredth_step,
    thousandth_step,
    hundredfold_step,
    clip_gradients,
)
"""Each changes a candidate, or raises `NotApplicableError`."""
