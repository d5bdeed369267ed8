# pyright: basic
"""What can be done to a stuck model, each a function that changes a copy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from spurious.diagnose.measure.activations import RELU, activation_of
from spurious.diagnose.measure.batches import Sample
from spurious.diagnose.measure.curvature import CURVATURE_POINTS, hessian_extremes
from spurious.diagnose.measure.fresh import draw_anew
from spurious.diagnose.measure.objective import Objective, output_tensor
from spurious.diagnose.measure.preserve import examined
from spurious.diagnose.remedy import Remedy
from spurious.diagnose.treat.calibrate import calibrate, hidden_layers
from spurious.diagnose.treat.candidate import Candidate, NotApplicableError, wrap
from spurious.diagnose.treat.remedies_outputs import OUTPUT_ACTIONS
from spurious.diagnose.treat.remedies_structure import STRUCTURE_ACTIONS

SLOPE: Final = 0.1
"""Of leaky units below zero."""

RARE: Final = 0.05
"""Biases are moved of units that are on, or off, for fewer values than this share."""

FACTOR: Final = 10.0
"""Between step sizes."""

DISTANCES: Final = tuple(2.0**k for k in range(-8, 2))
"""Steps tried along a direction of negative curvature, in units of the parameters' norm."""

PENALTY: Final = 1e-3
"""Weight of half the squared output weight of the added unit (lambda in Liang et al. 2018)."""


def reinitialise_dead_units(candidate: Candidate, sample: Sample, _: Any) -> None:
    """Draws the incoming weights of dead units again; their kinks get amid the data."""
    changed = False
    for weight, _ in hidden_layers(candidate.model, sample):
        layers = dict(hidden_layers(candidate.model, sample))  # as changed below
        dead = layers[weight].dead if weight in layers else []
        chosen = [k for k, is_dead in enumerate(dead) if is_dead]
        if chosen:
            calibrate(candidate.model, sample, weight, chosen, redraw=True)
            changed = True
    if not changed:
        raise NotApplicableError("no dead unit has weights that can be reached")


def shift_biases(candidate: Candidate, sample: Sample, _: Any) -> None:
    """Moves the bias of units that are always on or off to the middle of their data."""
    changed = False
    for weight, layer in hidden_layers(candidate.model, sample):
        layers = dict(hidden_layers(candidate.model, sample))
        share = layers.get(weight, layer).above_share
        chosen = [k for k, on in enumerate(share) if min(on, 1 - on) < RARE]
        if chosen:
            changed |= calibrate(candidate.model, sample, weight, chosen, rescale=False)
    if not changed:
        raise NotApplicableError("no biases, or every unit is on for some data and off for some")


def rescale(candidate: Candidate, sample: Sample, _: Any) -> None:
    """Draws all weights again, hidden units with median 0, variance 1 (Mishkin & Matas 2016)."""
    redraw_weights(candidate, sample, None)
    layers = hidden_layers(candidate.model, sample)
    if not layers:
        raise NotApplicableError("no hidden layer has weights that can be reached")
    for weight, layer in layers:
        calibrate(candidate.model, sample, weight, list(range(layer.size)), redraw=True)


def redraw_weights(candidate: Candidate, _: Sample, __: Any) -> None:
    """Calls `reset_parameters` of every module that has it."""
    if not draw_anew(candidate.model):
        raise NotApplicableError("no module has reset_parameters")


class _Scaled(nn.Module):
    """A model behind a fixed affine map of its inputs."""

    mean: Tensor
    scale: Tensor

    def __init__(self, model: nn.Module, mean: Tensor, scale: Tensor, mixes: bool = False) -> None:
        super().__init__()
        self.model, self.mixes = model, mixes
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)

    def forward(self, x: Tensor) -> Any:
        x = x - self.mean
        return self.model(x @ self.scale if self.mixes else x * self.scale)


def standardise_inputs(candidate: Candidate, sample: Sample, _: Any) -> None:
    """Each feature (channel, for images and sequences) gets mean 0 and variance 1.

    But columns of whole numbers stay as they are if the model refuses them otherwise: it may look
    them up in a table.
    """
    x = _features(sample)
    axes = (0,) if x.ndim == 2 else (0, *range(2, x.ndim))
    mean, std = x.mean(axes, keepdim=True), x.std(axes, keepdim=True)
    scale = torch.where(std > 1e-6 * std.max(), 1 / std.clamp_min(1e-30), 0).reshape(mean.shape)
    scaled = _Scaled(candidate.model, mean, scale)
    whole = (x == x.round()).flatten(2).all(2).all(0) if x.ndim > 2 else (x == x.round()).all(0)
    if bool(whole.any()) and not _takes(scaled, sample):
        whole = whole.reshape(mean.shape)
        scaled = _Scaled(candidate.model, mean * ~whole, torch.where(whole, 1.0, scale))
    wrap(candidate, scaled)


def _takes(model: nn.Module, sample: Sample) -> bool:
    """Whether a model takes the inputs of a batch."""
    batch = sample.batches[0]
    try:
        with torch.no_grad(), examined(model):
            model(*batch.args, **batch.kwargs)
    except Exception:
        return False
    return True


def whiten_inputs(candidate: Candidate, sample: Sample, _: Any) -> None:
    """The inputs' covariance becomes the identity (on the span of the data)."""
    x = _features(sample)
    if x.ndim != 2 or x.shape[1] > len(x):
        raise NotApplicableError("needs inputs of shape (n, d) with at least d points")
    mean = x.mean(0, keepdim=True)
    values, vectors = torch.linalg.eigh(torch.cov((x - mean).double().T).reshape(x.shape[1], -1))
    inverse = torch.where(values > 1e-8 * values.max(), values.clamp_min(1e-30).rsqrt(), 0)
    scale = (vectors * inverse) @ vectors.T
    wrap(candidate, _Scaled(candidate.model, mean, scale.to(x.dtype), mixes=True))


class _NoRelu(TorchFunctionMode):
    """Computes another function wherever relu is called."""

    def __init__(self, instead: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.instead = instead

    def __torch_function__(self, func: Any, types: Any, args: tuple = (), kwargs: Any = None):
        if activation_of(func, args, kwargs or {}) is RELU:
            return self.instead(args[0] if args else kwargs["input"])
        return func(*args, **(kwargs or {}))


def _without_relu(
    candidate: Candidate, sample: Sample, instead: Callable[[Tensor], Tensor]
) -> None:
    if not any(layer.activation == "relu" for _, layer in hidden_layers(candidate.model, sample)):
        raise NotApplicableError("no relu was seen")
    candidate.context = lambda: _NoRelu(instead)


def leaky_slope(candidate: Candidate, sample: Sample, _: Any) -> None:
    """Every relu of the model, module or function, leaks."""
    _without_relu(candidate, sample, lambda z: F.leaky_relu(z, SLOPE))


def smooth_units(candidate: Candidate, sample: Sample, _: Any) -> None:
    """Every relu of the model, module or function, is a tanh."""
    _without_relu(candidate, sample, torch.tanh)


def smaller_step(candidate: Candidate, _: Sample, __: Any) -> None:
    """A tenth of the step size."""
    candidate.step_size /= FACTOR


def larger_step(candidate: Candidate, _: Sample, __: Any) -> None:
    """Ten times the step size."""
    candidate.step_size *= FACTOR


def escape_direction(candidate: Candidate, sample: Sample, loss: Any) -> None:
    """The best step along the lowest eigenvector, either way."""
    objective = Objective(candidate.model, loss, sample)
    with examined(candidate.model):
        extremes = hessian_extremes(
            Objective(candidate.model, loss, sample.first(CURVATURE_POINTS))
        )
        if extremes is None or extremes.curvature.lowest >= 0:
            raise NotApplicableError("no direction of negative curvature was found")
        size = float(torch.stack([p.detach().norm() for p in objective.parameters]).norm()) or 1.0
        best, place = objective.value(), 0.0
        for distance in DISTANCES:
            for step in (distance * size, -distance * size):
                with objective.moved(extremes.lowest, step):
                    value = objective.value()
                if value < best:
                    best, place = value, step
    with torch.no_grad():
        for p, direction in zip(objective.parameters, extremes.lowest, strict=True):
            p.add_(direction, alpha=place)


class _AddedUnit(nn.Module):
    """f(x) + a exp(w . x + b), as in Liang, Sun, Lee & Srikant 2018, section 3."""

    scale: Tensor

    def __init__(self, model: nn.Module, inputs: int, outputs: int, scale: Tensor) -> None:
        super().__init__()
        self.model = model
        self.register_buffer("scale", scale)
        self.linear = nn.Linear(inputs, 1)
        self.top = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Any:
        out = self.model(x)
        unit = self.linear(x.flatten(1) / self.scale).exp()
        return out + (unit * self.top).reshape(out.shape)

    def penalty(self) -> Tensor:
        return PENALTY / 2 * self.top.pow(2).sum()


def add_unit(candidate: Candidate, sample: Sample, _: Any) -> None:
    """Adds an exponential unit from the inputs to the outputs, which decays where not needed."""
    x = _features(sample)
    with torch.no_grad():
        first = output_tensor(candidate.model(*sample.batches[0].args))
    if first is None:
        raise NotApplicableError("the output is no tensor")
    scale = x.flatten(1).norm(dim=1).max().clamp_min(1e-30)
    wrapped = _AddedUnit(candidate.model, x[0].numel(), first[0].numel(), scale)
    wrap(candidate, wrapped.to(x.device, x.dtype))
    candidate.penalty = wrapped.penalty


def _features(sample: Sample) -> Tensor:
    x = sample.features
    if x is None or x.ndim < 2:
        raise NotApplicableError("the inputs are no single tensor of real numbers")
    return x


ACTIONS: Final[dict[Remedy, Callable[[Candidate, Sample, Any], None]]] = {
    Remedy(action.__name__): action
    for action in (
        reinitialise_dead_units,
        shift_biases,
        rescale,
        redraw_weights,
        standardise_inputs,
        whiten_inputs,
        leaky_slope,
        smooth_units,
        smaller_step,
        larger_step,
        *OUTPUT_ACTIONS,
        *STRUCTURE_ACTIONS,
        escape_direction,
        add_unit,
    )
}
"""Each changes a candidate, or raises `NotApplicableError`."""
