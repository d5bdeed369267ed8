# pyright: basic
"""Measures a model: a few passes over a bounded number of points, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

from spurious.diagnose.measure.baselines import (
    Loss,
    best_constant,
    best_linear,
    draws,
    says_nothing,
)
from spurious.diagnose.measure.batches import Sample
from spurious.diagnose.measure.curvature import CURVATURE_POINTS, Extremes, hessian_extremes
from spurious.diagnose.measure.fresh import usual_outputs
from spurious.diagnose.measure.graph import Graph, graph_of
from spurious.diagnose.measure.objective import (
    Objective,
    comparable_loss,
    each_tensor,
    loss_beside_others,
    output_tensor,
)
from spurious.diagnose.measure.observe import Observer
from spurious.diagnose.measure.preserve import examined, seeded
from spurious.diagnose.measure.records import Landscape, Measurements, Regions
from spurious.diagnose.measure.values import Values
from spurious.errors import InputError

PAIRS: Final = 128
"""Pairs of points whose midpoints test whether the model is affine on the data."""

RAY: Final = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""Distances along steepest descent, in units of the parameters' norm."""

SLICE: Final = np.linspace(-1.0, 1.0, 9)
"""Places along a slice, in units of its half length."""

STEP_NODES: Final = 12
"""Nodes that a recurrent layer's step in time counts for, which is inside one node of the graph."""

LARGEST: Final = 1e30
"""Along lines through larger parameters, numbers leave single precision."""

EQUAL: Final = 1e-5
"""Outputs that differ by at most this share of their size count as equal."""

Say = Callable[[str], None]


def measure(
    model: nn.Module, loss: Any, sample: Sample, *, curvature: bool, say: Say
) -> tuple[Measurements, Values]:
    """Measures a model on a sample; with the values that checks look at.

    Args:
        model: Its buffers and the like may be changed: call inside `untouched`.
        loss: A function of (outputs, targets), or None if the model's output has a field `loss`.
        sample: The points.
        curvature: Whether to look at the Hessian, the ray and the slices too.
        say: Called with a line about each stage.
    """
    notes: list[str] = []
    with examined(model):
        seeded()
        say("one pass forward and back")
        objective = Objective(model, loss, sample)
        seen = _Pass(objective)
        outputs, targets = seen.outputs, sample.targets
        lost = _not_finite_data(sample, masked=seen.is_finite)
        not_finite = lost or seen.observer.not_finite
        if not np.isfinite(seen.loss):
            not_finite = not_finite or "the loss"
        if seen.observer.skipped:
            names = ", ".join(sorted(seen.observer.skipped))
            notes.append(f"units not examined, as no axis is the batch: {names}")
        units = tuple(layer.finish() for layer in seen.observer.units.values() if layer.is_known)
        affine = tuple(layer.finish() for layer in seen.observer.affine.values())
        constant, linear, forced = None, None, {}
        loss_of = comparable_loss(objective, outputs, targets, seen.loss)
        like = outputs
        if not_finite:  # what constants reach does not depend on weights that are lost
            like = None if lost else usual_outputs(model, sample)
        usual = like
        if loss is None:
            like = None
        if like is not None and draws(loss_of, like, targets):
            notes.append("the loss draws its value, which is not compared with other outputs'")
        elif like is not None:
            say("comparing with constant and linear predictors")
            squashed = seen.observer.structure.last == "sigmoid"
            constant = _constant(loss_of, like, targets, squashed)
            linear = _linear(loss_of, sample, like, targets, squashed)
            if constant is not None and says_nothing(loss_of, like, targets, constant):
                constant, linear = None, None
            if sample.size == 1 and constant is not None:  # but for what probabilities leave
                constant, linear = 0.0, None
            if constant and outputs is not None and not not_finite:
                forced = _forced(objective, units, outputs, targets, constant)
        regions = _regions(seen, units, sample, targets, objective)
        landscape = seen.landscape(constant, linear)
        extremes: Extremes | None = None
        if curvature and not not_finite and objective.parameters:
            say("curvature")
            extremes, ray, slices = _landscape_pictures(objective, seen.gradient, seen.loss)
            landscape = _with(landscape, ray, slices)
            if extremes is None:
                notes.append("the Hessian could not be computed")
    found = Measurements(
        units=units,
        affine=affine,
        regions=regions,
        landscape=landscape,
        curvature=extremes.curvature if extremes else None,
        not_finite=not_finite,
        forced=forced,
        notes=tuple(notes),
        places=sample.places,
        broadcast=seen.broadcast,
        nodes=seen.graph.nodes + STEP_NODES * seen.observer.structure.recurrent_steps,
        numbers=seen.graph.numbers,
        unregistered=seen.graph.unregistered,
        loss_has_weights=seen.graph.loss_has_weights,
        unreached=seen.unreached if seen.connected else (),
        still=seen.still,
    )
    beside = None
    if loss is not None and seen.slopes is not None and bool(seen.slopes.any()):
        beside = loss_beside_others(objective, seen.made, outputs, targets)
    return found, Values(outputs, loss_of, beside or loss_of, seen.observer.structure, usual)


def _not_finite_data(sample: Sample, masked: bool) -> str:
    """Where inputs are infinite or no numbers, or targets, if the loss does not leave them out."""
    looked_at = [("inputs", sample.features), *([] if masked else [("targets", sample.targets)])]
    for what, values in looked_at:
        if values is not None and values.is_floating_point():
            bad = (
                ~torch.isfinite(values).flatten(1).all(1) if values.ndim > 1 else ~values.isfinite()
            )
            if bool(bad.any()):
                first = min(sample.places[k] for k in bad.nonzero().flatten().tolist())
                return f"the {what} of point {first}"
    return ""


class _Pass:
    """One pass over all batches: activations, loss, gradients, outputs."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self.observer = Observer(objective.model)
        self.loss, self.square = 0.0, 0.0
        self.connected, self.broadcast = False, ""
        self.graph = Graph()
        self.reached: set[str] = set()
        self.gradient = [torch.zeros_like(p, dtype=torch.float32) for p in objective.parameters]
        self.made: list[Any] = []
        pieces: list[Tensor] = []
        slopes: list[Tensor] = []
        for batch in objective.sample.batches:
            with torch.enable_grad(), self.observer.batch(batch.size):
                found = objective.first_forward(batch)
            output = output_tensor(found)
            if output is not None:
                self.observer.mark_output(output)
            with torch.enable_grad():
                loss = objective.first_loss(found, batch.targets)
            if not self.graph.nodes:
                self.graph = graph_of(objective.model, loss.reshape(()), output)
            objective.note_reduction(found, batch.targets)
            self.broadcast = self.broadcast or objective.broadcast(found, batch.targets)
            weight = objective.weight(batch)
            self.loss += float(loss.detach()) * weight
            slope = self._backward(loss, output, weight, len(objective.sample.batches))
            self.made.append(each_tensor(found, Tensor.detach))
            pieces += [output.detach()] if output is not None and output.ndim else []
            slopes += [slope] if slope is not None else []
        batches = len(objective.sample.batches)
        same = len(pieces) == batches and len({p.shape[1:] for p in pieces}) == 1
        self.outputs = torch.cat(pieces) if same else None
        self.slopes = torch.cat(slopes) if same and len(slopes) == batches else None

    def _backward(
        self, loss: Tensor, output: Tensor | None, weight: float, batches: int
    ) -> Tensor | None:
        wanted: list[Tensor] = [*self.objective.parameters]
        if output is not None and output.requires_grad:
            wanted.append(output)
        if not loss.requires_grad or not wanted:
            return None
        found = torch.autograd.grad(loss, wanted, allow_unused=True)
        names = self.objective.names
        self.reached |= {n for n, part in zip(names, found, strict=False) if part is not None}
        self.connected |= any(part is not None for part in found[: len(self.gradient)])
        squares = 0.0
        for total, part in zip(self.gradient, found, strict=False):
            if part is not None:
                total += part.float() * weight
                squares += float((part.float() * weight).pow(2).sum())
        self.square += squares * batches
        slope = found[-1] if len(wanted) > len(self.objective.parameters) else None
        return None if slope is None else slope.detach() * weight

    @property
    def is_finite(self) -> bool:
        """Whether the loss and its gradient are."""
        return bool(np.isfinite(self.loss)) and all(bool(g.isfinite().all()) for g in self.gradient)

    @property
    def unreached(self) -> tuple[str, ...]:
        """Names of trained parameters that the loss does not depend on, as autograd sees it."""
        return tuple(name for name in self.objective.names if name not in self.reached)

    @property
    def still(self) -> tuple[str, ...]:
        """Names of trained parameters whose gradient is exactly 0."""
        parts = zip(self.objective.names, self.gradient, strict=True)
        return tuple(name for name, part in parts if not bool(part.any()))

    def landscape(self, constant: float | None, linear: tuple[float, int] | None) -> Landscape:
        """The numbers of the pass, with those of the trivial predictors."""
        batches = len(self.objective.sample.batches)
        parameters = self.objective.parameters
        norm = _norm(self.gradient)
        weights = _norm(parameters)
        inner = sum(
            float((g * p.detach()).sum()) for g, p in zip(self.gradient, parameters, strict=True)
        )
        noise = np.sqrt(max(self.square - norm**2, 0.0))
        spread = size = worth = 0.0
        scale = constant if constant is not None and constant > 0 else abs(self.loss) or 1.0
        if self.outputs is not None:
            f = self.outputs.double()
            centred = f - f.mean(0)
            spread = float(centred.pow(2).mean().sqrt())
            size = float(f.pow(2).mean().sqrt())
            worth = float("inf")
            if self.slopes is not None:
                products = (self.slopes.double() * centred).reshape(len(f), -1)
                worth = float(products.sum(1).abs().sum())
        relative = usual_square = 0.0
        for g, p in zip(self.gradient, parameters, strict=True):
            if p.ndim >= 2:
                usual = np.sqrt(p.numel() / (3 * p[0].numel()))
                usual_square += usual**2
                relative = max(relative, float(g.norm()) * max(_norm([p]), usual))
        return Landscape(
            loss=self.loss,
            constant_loss=constant,
            linear_loss=linear[0] if linear else None,
            linear_dimension=linear[1] if linear else 0,
            gradient_norm=norm,
            gradient_noise=float(noise),
            batches=batches,
            relative_gradient=relative / scale,
            trained=sum(p.numel() for p in parameters),
            weight_norm=weights,
            usual_norm=float(np.sqrt(usual_square)),
            alignment=-inner / (norm * weights) if norm * weights > 0 else 0.0,
            output_spread=spread,
            output_size=size,
            output_worth=worth / scale,
            ray=np.zeros((0, 2)),
            connected=self.connected,
        )


def _norm(tensors: Any) -> float:
    """In double precision, where squares of large weights are finite too (not on Apple's chips)."""
    wide = [torch.float32 if t.device.type == "mps" else torch.float64 for t in tensors]
    sizes = [
        torch.linalg.vector_norm(t.detach(), dtype=d) for t, d in zip(tensors, wide, strict=True)
    ]
    return float(np.linalg.norm([float(size) for size in sizes]))


def _with(landscape: Landscape, ray: np.ndarray, slices: tuple) -> Landscape:
    return replace(landscape, ray=ray, slices=slices)


def _constant(loss_of: Loss, outputs: Tensor, targets: Any, squashed: bool) -> float | None:
    if targets is None:
        return None
    return best_constant(loss_of, outputs, targets, squashed)


def _linear(
    loss_of: Loss, sample: Sample, outputs: Tensor, targets: Any, squashed: bool
) -> tuple[float, int] | None:
    features = sample.features
    if features is None or targets is None or features.ndim < 2:
        return None
    return best_linear(loss_of, features, outputs, targets, squashed)


def _forced(
    objective: Objective, units: Any, outputs: Tensor, targets: Any, constant: float
) -> dict[str, tuple[float, int]]:
    """For each layer with blind points that share one output: what these cost at least."""
    found: dict[str, tuple[float, int]] = {}
    for layer in units:
        blind = torch.from_numpy(layer.units_on == 0)
        count = int(blind.sum())
        if not layer.can_be_off or layer.is_output or not count or len(blind) != len(outputs):
            continue
        cost = 0.0
        there = outputs[blind.to(outputs.device)].double()
        if count > 1 and float((there - there[0]).abs().max()) <= EQUAL * (
            1e-30 + float(there.abs().max())
        ):
            best = best_constant(
                objective.loss_of, outputs[blind], targets[blind.to(targets.device)]
            )
            share = 1.0 if objective._summed else count / len(outputs)
            cost = max(best or 0.0, 0.0) * share / constant
        found[layer.name] = (cost, count)
    return found


def _regions(
    seen: _Pass, units: Any, sample: Sample, targets: Any, objective: Objective
) -> Regions:
    kinked = [layer for layer in units if layer.kinked and not layer.is_output]
    total = sum(layer.size for layer in kinked)
    bending = sum(int(layer.bends.sum()) for layer in kinked) / total if total else None
    occupied = largest = mixed = None
    codes = torch.cat(seen.observer.codes).numpy() if seen.observer.codes else None
    if codes is not None and kinked and len(codes) == sample.size:
        _, inverse, counts = np.unique(codes, return_inverse=True, return_counts=True)
        occupied, largest = len(counts), float(counts.max() / len(codes))
        if targets is not None:
            flat = targets.cpu().double().reshape(len(codes), -1).numpy()
            _, label = np.unique(flat, axis=0, return_inverse=True)
            kinds = np.unique(np.stack([inverse, label.reshape(-1)]), axis=1)[0]
            mixed = float(counts[np.bincount(kinds, minlength=len(counts)) > 1].sum() / len(codes))
    return Regions(sample.size, occupied, largest, mixed, bending, _affinity(objective, seen))


def _affinity(objective: Objective, seen: _Pass) -> float | None:
    """How far the model is from affine: outputs at midpoints against means of outputs.

    Normalisation by statistics of batches takes those that it keeps.
    """
    features, outputs = objective.sample.features, seen.outputs
    norms = [m for m in objective.model.modules() if isinstance(m, _NormBase) and m.training]
    if features is None or outputs is None or len(features) < 4:
        return None
    if any(not m.track_running_stats for m in norms):
        return None
    order = torch.randperm(len(features), generator=torch.Generator().manual_seed(0))
    half = min(len(order) // 2, PAIRS)
    first, second = order[:half].to(features.device), order[half : 2 * half].to(features.device)
    middle = (features[first] + features[second]) / 2
    try:
        for norm in norms:
            norm.eval()
        with torch.no_grad():
            found = output_tensor(objective.model(middle))
            outputs = output_tensor(objective.model(features)) if norms else outputs
    except Exception:  # it takes a certain number of points: the nodes of a graph, say
        return None
    finally:
        for norm in norms:
            norm.train()
    if found is None or outputs is None or found.shape[1:] != outputs.shape[1:]:
        return None
    if len(outputs) != len(features) or len(found) != half:
        return None  # the first axis is not that of the points
    f = outputs.double()
    apart = float((f[first] - f[second]).pow(2).mean().sqrt()) / 2
    bent = float((found.detach().double() - (f[first] + f[second]) / 2).pow(2).mean().sqrt())
    return bent / apart if apart > 0 else None


def _landscape_pictures(
    objective: Objective, gradient: list[Tensor], loss: float
) -> tuple[Extremes | None, np.ndarray, tuple]:
    """Hessian extremes, the loss along steepest descent, and slices, in full precision."""
    device = objective.parameters[0].device.type
    few = objective.sample.first(CURVATURE_POINTS)
    if any(p.dtype in (torch.float16, torch.bfloat16) for p in objective.parameters):
        objective.model.float()  # `untouched` brings the old numbers back
        few = few.in_float32()
    with torch.autocast(device_type=device, enabled=False):
        small = Objective(objective.model, objective.loss, few)
        small._summed = objective._summed
        try:
            extremes = hessian_extremes(small)
        except InputError:
            raise
        except RuntimeError:
            extremes = None
        size = _norm(small.parameters) or 1.0
        norm = _norm(gradient)
        ray = np.zeros((0, 2))
        slices: list[tuple[str, np.ndarray, np.ndarray]] = []
        if norm > 0 and size < LARGEST:
            down = [
                (-g / norm).to(p.dtype) for g, p in zip(gradient, small.parameters, strict=True)
            ]
            ray = _along(small, down, np.array(RAY) * size)
            reach = min(size / 2, abs(loss) / norm)
            slices.append(_slice("steepest descent", small, down, reach))
        if extremes is not None and size < LARGEST:
            found = extremes.curvature
            for name, value, vector in (
                ("lowest eigenvector", found.lowest, extremes.lowest),
                ("highest eigenvector", found.highest, extremes.highest),
            ):
                reach = min(size / 2, float(np.sqrt(2 * abs(loss) / max(abs(value), 1e-30))))
                slices.append(_slice(name, small, vector, reach))
    return extremes, ray, tuple(slices)


def _along(objective: Objective, direction: list[Tensor], distances: np.ndarray) -> np.ndarray:
    """The loss along a line, (distances, 2); NaN where it refuses the outputs."""
    losses = []
    for distance in distances:
        with objective.moved(direction, float(distance)):
            try:
                losses.append(objective.value())
            except RuntimeError:  # of probabilities beyond 1, for instance
                losses.append(np.nan)
    return np.stack([distances, np.array(losses)], axis=1)


def _slice(name: str, objective: Objective, direction: list[Tensor], reach: float):
    """The loss both ways, as far as the leading term would change it by itself."""
    found = _along(objective, direction, SLICE * (reach or 1.0))
    return name, found[:, 0], found[:, 1]
