# pyright: basic
"""Collects the values that checks look at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd

from spurious.diagnose import thresholds
from spurious.diagnose.measure.baselines import normal_like
from spurious.diagnose.measure.batches import Batch, Sample
from spurious.diagnose.measure.bends import second_derivatives_vanish
from spurious.diagnose.measure.bounds import bounds_of
from spurious.diagnose.measure.fresh import saturated_by_inputs
from spurious.diagnose.measure.in_the_loss import InTheLoss, in_the_loss
from spurious.diagnose.measure.left import Left
from spurious.diagnose.measure.mixing import Mixing, mixing
from spurious.diagnose.measure.modes import losses_of_modes
from spurious.diagnose.measure.neighbours import explained_by_neighbours
from spurious.diagnose.measure.objective import Objective, output_tensor
from spurious.diagnose.measure.optimiser import OptimiserSeen
from spurious.diagnose.measure.origin import ROUNDED, Origin, origin_of
from spurious.diagnose.measure.preserve import examined, set_training, untouched
from spurious.diagnose.measure.rare import rare_classes
from spurious.diagnose.measure.records import Landscape, Measurements
from spurious.diagnose.measure.reshapes import reshapes_like_transposes
from spurious.diagnose.measure.scene import DataSeen, ModelSeen, Scene, TrainingSeen
from spurious.diagnose.measure.sequences import (
    is_order_blind,
    padding_of,
    reads_answers,
    time_steps,
)
from spurious.diagnose.measure.slopes import (
    asks_nothing_of,
    has_own_gradients,
    is_affine_inside,
    is_slopeless,
    missed_by_autograd,
)
from spurious.diagnose.measure.task import Task
from spurious.diagnose.measure.terms import TermsSeen, terms_seen
from spurious.diagnose.measure.unseen import unseen_by
from spurious.diagnose.measure.values import Values
from spurious.diagnose.measure.weights import weights_seen

STRAIGHT: Final = 1e-3
"""Deviation at midpoints of a model that is affine but for rounding."""

MOVED: Final = 1e-4
"""Change of other points' outputs, in units of the outputs' size, that is more than rounding."""

SURE: Final = 10.0
"""A score so far above the others says one class with certainty, and overflows nowhere."""

ONE_WAY: Final = 1e-4
"""Gradients that are nearer to one direction than this have no other."""


def was_trained(model: nn.Module, optimiser: OptimiserSeen | None) -> bool:
    """Whether training has left traces: gradients on parameters, or an optimiser's memory."""
    if optimiser is not None and optimiser.has_memory:
        return True
    return any(p.grad is not None for p in model.parameters())


def scene_of(
    model: nn.Module,
    sample: Sample,
    seen: Measurements,
    values: Values,
    optimiser: OptimiserSeen | None,
    trained: bool,
    left: Left,
) -> Scene:
    """The scene of a model that was measured; `model` is run on a few batches again.

    Args:
        model: Left as it is.
        sample: The points.
        seen: What was measured.
        values: Beside its numbers.
        optimiser: What trains the model, if it was given.
        trained: Whether training has left traces.
        left: The gradient that was found on the parameters.
    """
    loss, x = values.loss_of_all, sample.batches[0]
    read = _one_score(_classes_second(values, sample.targets), sample.targets)
    task = Task(
        outputs=read.outputs,
        targets=sample.targets,
        loss=read.loss,
        usual_outputs=read.usual,
        loss_has_weights=seen.loss_has_weights,
    )
    scene = Scene(
        task=task,
        landscape=seen.landscape,
        model=_model_seen(model, sample, seen, values, loss, trained),
        weights=weights_seen(model, sample, seen, loss, optimiser),
        data=_data_seen(sample, seen.landscape),
        training=TrainingSeen(
            begun=trained,
            steps=left.made,
            optimiser=optimiser,
            modes=losses_of_modes(model, sample, loss) if trained and not seen.not_finite else None,
            lengthened=_lengthened(left, seen.landscape),
        ),
        in_the_loss=InTheLoss() if seen.broadcast else in_the_loss(model, x, loss),
    )
    if read.outputs is values.outputs:
        asks = partial(asks_nothing_of, model, sample, values.loss)
        rare = rare_classes(model, sample, task) if trained else None
        scene = replace(scene, rare=rare, model=replace(scene.model, asks_nothing_of=asks))
    if seen.not_finite or not trained or not scene.is_middling:
        return scene
    return _looked_at_closely(scene, model, sample, seen, loss, left)


def _model_seen(
    model: nn.Module,
    sample: Sample,
    seen: Measurements,
    values: Values,
    loss: Callable[..., Any],
    trained: bool,
) -> ModelSeen:
    """What the model does with the points, trained or not."""
    x, finite = sample.batches[0], not seen.not_finite
    return ModelSeen(
        structure=values.structure,
        affine=_is_affine(model, sample, seen, values),
        mixing=mixing(model, sample) if finite else Mixing.NONE,
        dropout=max((m.p for m in model.modules() if isinstance(m, _DropoutNd)), default=0.0),
        own_gradients=trained and has_own_gradients(model, x),
        bends_vanish=trained and finite and second_derivatives_vanish(model, x, loss),
        reads_answers=reads_answers(model, x),
    )


def _data_seen(sample: Sample, landscape: Landscape) -> DataSeen:
    """The points."""
    x, y = _in_order(sample)
    return DataSeen(
        features=sample.features,
        inputs=sample.inputs,
        complete=sample.complete,
        places=sample.places,
        all_features=x,
        all_targets=y,
        neighbours=_neighbours(sample, landscape),
    )


def _looked_at_closely(
    scene: Scene,
    model: nn.Module,
    sample: Sample,
    seen: Measurements,
    loss: Callable[..., Any],
    left: Left,
) -> Scene:
    """The scene of a model that training has not brought far, with what takes time to see."""
    x = sample.batches[0]
    origin = None if scene.task.loss_draws else origin_of(model, left, sample, loss, seen.nodes)
    return replace(
        scene,
        model=replace(
            scene.model,
            noise=_noise(model, x) if not scene.model.dropout else 0.0,
            bounds=bounds_of(model, sample),
            slopeless=seen.landscape.gradient_norm == 0 and is_slopeless(model, x),
            reshapes=reshapes_like_transposes(model, x, loss),
            unseen=unseen_by(model, sample),
            shut_by_inputs=_shut(model, sample),
            time_steps=time_steps(model, sample),
            padding=padding_of(model, sample),
            silenced=_silenced(model, sample, seen, loss),
            order_blind=is_order_blind(model, x),
        ),
        weights=replace(scene.weights, missed=missed_by_autograd(model, sample)),
        training=replace(
            scene.training,
            origin=origin,
            shortened=_shortened(left, origin, seen.landscape),
        ),
        terms=_terms(model, x, loss),
    )


def _lengthened(left: Left, landscape: Landscape) -> float:
    """How long the gradient is that training has left, beside that of a batch."""
    batch = (landscape.gradient_norm**2 + landscape.gradient_noise**2) ** 0.5
    return left.size / batch if batch > 0 else 0.0


def _shortened(left: Left, origin: Origin | None, landscape: Landscape) -> float:
    """What clipping has left of the gradient's length.

    Beside the gradient over all points, which is shorter than a batch's: where entries are clipped,
    or where points explain what there is at the weights of that moment.
    """
    if left.clamped and landscape.gradient_norm > 0:
        return min(left.size / landscape.gradient_norm, 1.0)
    whole = origin is not None and origin.exact and origin.missed <= ROUNDED
    return min(origin.share, 1.0) if origin is not None and whole else 1.0


def _is_affine(model: nn.Module, sample: Sample, seen: Measurements, values: Values) -> bool:
    """Whether the model is affine on the data, or is so up to its one last function."""
    affinity, structure, x = seen.regions.affinity, values.structure, sample.features
    if affinity is not None and affinity < STRAIGHT and not seen.units:
        return True
    if x is None or len(structure.ends) != 1 or not all(layer.is_output for layer in seen.units):
        return False
    return is_affine_inside(model, x, structure.last)


def _shut(model: nn.Module, sample: Sample) -> tuple[str, float, float] | None:
    """A layer that large inputs shut."""
    x = sample.features
    if x is None or not float(x.abs().max()) > thresholds.LARGE_SCALE:
        return None
    return saturated_by_inputs(model, sample, thresholds.SATURATED_SHARE)


def _classes_second(values: Values, targets: Any) -> Values:
    """Scores of classes (n, T, K) for labels (n, T) as (n, K, T), which the loss then turns back.

    So are those of PyTorch's own losses, and all checks know where the classes are. Where there are
    as many places as classes, both would fit: the loss of right scores says which axis they are on.
    """
    f, loss = values.outputs, values.loss
    if f is None or f.ndim < 3 or not isinstance(targets, Tensor) or targets.is_floating_point():
        return values
    if targets.shape != f.shape[:-1]:
        return values
    usual = values.usual if values.usual is None else values.usual.movedim(-1, 1)
    moved = replace(
        values,
        outputs=f.movedim(-1, 1),
        loss=lambda g, y: loss(g.movedim(1, -1), y),
        usual=usual,
    )
    if targets.shape != (len(f), *f.shape[2:]):
        return moved
    return moved if _loss_of_right(moved, targets) < _loss_of_right(values, targets) else values


def _loss_of_right(values: Values, labels: Tensor) -> float:
    """The loss of scores that are far larger at the label than elsewhere, along the second axis.

    Or at that of the place beside: a loss may move the words of a sequence.
    """
    f = values.outputs
    assert f is not None
    known = labels.long().clamp(0, f.shape[1] - 1)
    found: list[float] = []
    for by in (0, -1, 1):
        hot = nn.functional.one_hot(known.roll(by, 1), f.shape[1]).movedim(-1, 1)
        try:
            with torch.no_grad():
                found.append(float(values.loss(SURE * hot.to(f), labels)))
        except Exception:
            return float("inf")
    return min(found)


def _one_score(values: Values, targets: Any) -> Values:
    """Several outputs that the loss looks at along one direction alone, as that one score.

    For targets of two values, one for each point: the difference of two scores, say. The score
    rises with the larger target, as the loss wants it at small outputs.
    """
    f, loss = values.outputs, values.loss
    if f is None or f.ndim != 2 or f.shape[1] < 2 or not isinstance(targets, Tensor):
        return values
    y = targets.reshape(-1)
    if not y.is_floating_point() or len(y) != len(f) or len(torch.unique(y)) != 2:
        return values
    draw = normal_like(f)
    slopes: list[Tensor] = []
    for at in (torch.zeros_like(f), draw):
        at = at.detach().requires_grad_()
        try:
            with torch.enable_grad():
                slopes.append(torch.autograd.grad(loss(at, targets), at)[0])
        except Exception:
            return values
    _, sizes, rows = torch.linalg.svd(torch.cat(slopes).double(), full_matrices=False)
    if not float(sizes[0]) > 0 or float(sizes[1]) > ONE_WAY * float(sizes[0]):
        return values
    way = rows[0].to(f)
    pull, yes = slopes[0].detach() @ way, y == y.max()
    if float(pull[yes].sum()) > 0:
        way, pull = -way, -pull
    if not bool((pull[yes] < 0).all()) or not bool((pull[~yes] > 0).all()):
        return values  # it is no score: not every point says which way it should be
    return replace(values, outputs=f @ way, loss=lambda z, t: loss(z.reshape(-1, 1) * way.to(z), t))


def _silenced(
    model: nn.Module, sample: Sample, seen: Measurements, loss: Callable[..., Any]
) -> float | None:
    """The loss of the model with the last layer's weights at 0, and its bias there or as it is.

    None if it does not give the same on all points then.
    """
    weight = seen.affine[-1].weight if seen.affine else None
    if weight is None or seen.landscape.constant_loss is not None:
        return None
    names = [weight, f"{weight.rpartition('.')[0]}.bias"]
    own, x = dict(model.named_parameters()), sample.batches[0]
    losses: list[float] = []
    with untouched(model):
        for name in names:
            if name in own:
                with torch.no_grad():
                    own[name].zero_()
                try:
                    losses.append(Objective(model, loss, sample).value_as_shown())
                    found = output_tensor(model(*x.args, **x.kwargs))
                except Exception:  # a loss may divide by what is 0 now
                    return None
                if found is None or bool((found != found[:1]).any()):
                    return None  # what is behind that layer, or beside it, differs by the points
    return min((value for value in losses if value == value), default=None)


def _terms(model: nn.Module, batch: Batch, loss: Callable[..., Any]) -> TermsSeen | None:
    """The terms of the loss of one batch."""
    try:
        with examined(model), torch.enable_grad():
            return terms_seen(model(*batch.args, **batch.kwargs), loss, batch.targets)
    except Exception:
        return None


def _noise(model: nn.Module, batch: Batch) -> float:
    """How far two training passes are apart, in units of how far the points are."""
    if any(isinstance(m, _NormBase) for m in model.modules()):
        return 0.0
    try:
        with examined(model), torch.no_grad():
            set_training(model)
            one, two = (output_tensor(model(*batch.args, **batch.kwargs)) for _ in range(2))
    except Exception:
        return 0.0
    if one is None or two is None or not one.is_floating_point() or torch.equal(one, two):
        return 0.0
    mean = (one + two) / 2
    apart = float((one - two).pow(2).mean().sqrt()) / 2
    spread = float((mean - mean.mean(0)).pow(2).mean().sqrt())
    return apart / spread if spread > 0 else 0.0


def _in_order(sample: Sample) -> tuple[Tensor | None, Any]:
    """All inputs and targets in the order in which they were given, where they are known."""
    x, y = sample.all_features, sample.all_targets
    if sample.whole is not None or x is None or not isinstance(y, Tensor):
        return x, y
    order = torch.tensor(sample.places, device=x.device).argsort()
    return x[order], y[order]


def _neighbours(sample: Sample, landscape: Landscape) -> float:
    """Share of the targets' variance that each point's nearest neighbour explains, left out."""
    x, y = sample.features, sample.targets
    if x is None or not isinstance(y, Tensor) or landscape.constant_loss is None:
        return 0.0
    return explained_by_neighbours(x, y)
