# pyright: basic
"""The changes that copies are tried with, one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import torch
from torch import Tensor, nn

from spurious.diagnose import thresholds
from spurious.diagnose.measure.optimiser import OptimiserSeen
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.measure.task import LossNature
from spurious.diagnose.remedy import Remedy
from spurious.diagnose.treat.rehearsal import (
    ADAPTIVE,
    LARGER,
    SMALLER,
    Aspect,
    Change,
    Rehearsal,
)
from spurious.diagnose.treat.remedies_outputs import WIDER
from spurious.diagnose.treat.scales import in_another_order

STARTS: Final = 3
"""Starts that must all learn before a loop is blamed."""

ROSE: Final = 1.2
"""A loss that rises by a fifth in training may have met too large a step."""

FAR: Final = 100.0
"""Outputs that a loss wants this large are a hundred times as large as those of a start."""

MOST_ADAPTIVE: Final = 0.1
"""The longest such step that is tried: weights are mostly smaller than 1."""


def other_starts(
    run: Callable[..., Rehearsal],
    start: tuple[Remedy, ...],
    afresh: Rehearsal | None,
    scene: Scene,
    now: float,
    enough: float,
) -> list[Rehearsal]:
    """More starts, where one learns in fewer steps what training has not: it may be a lucky one."""
    made = scene.training.steps or 0
    if afresh is None or not scene.training.begun or made < afresh.trial.steps:
        return []
    if afresh.gain < max(now, 0.0) + thresholds.HELPED:
        return []
    again = Change(Aspect.AGAIN, start)
    return [run(again, enough, seed=seed) for seed in range(1, STARTS)]


def other_data(scene: Scene, start: tuple[Remedy, ...]) -> Iterator[Change]:
    """Axes permuted, other scales, no dropout, an activation, and frozen parameters trained."""
    if scene.model.reshapes:
        yield Change(Aspect.AXES, (*start, Remedy.PERMUTE_AXES))
    if scene.in_the_loss.cut_derivative:
        yield Change(Aspect.GRAPHS, (*start, Remedy.KEEP_GRAPH))
    yield from other_scales(scene, start)
    known = scene.landscape.constant_loss is not None  # else the noise may be part of the loss
    noisy = known and scene.model.noise >= thresholds.MUCH_NOISE
    if scene.model.dropout >= thresholds.MUCH_DROPOUT or noisy:
        yield Change(Aspect.DROPOUT, (*start, Remedy.WITHOUT_DROPOUT))
    if scene.model.affine and scene.model.structure.chained and scene.landscape.linear_loss is None:
        yield Change(Aspect.BENDS, (*start, Remedy.INSERT_ACTIVATION))
    if scene.weights.without_bias:
        yield Change(Aspect.BIASES, (*start, Remedy.ADD_BIASES))
    if scene.weights.frozen:
        yield Change(Aspect.FROZEN, (*start, Remedy.UNFREEZE))
    if scene.weights.plain_tensors and scene.training.begun:
        yield Change(Aspect.PLAIN, (*start, Remedy.REGISTER_TENSORS))


def other_scales(scene: Scene, start: tuple[Remedy, ...]) -> Iterator[Change]:
    """Inputs and targets standardised, where their scales are not usual."""
    task = scene.task
    inputs = off_scale(scene.data.features)
    targets = task.nature is LossNature.VALUES and off_scale(task.targets)
    if inputs:
        yield Change(Aspect.INPUTS, (*start, Remedy.STANDARDISE_INPUTS))
    if targets:
        yield Change(Aspect.TARGETS, (*start, Remedy.STANDARDISE_TARGETS))
    elif task.nature is LossNature.UNKNOWN and (task.wanted or 0.0) > FAR:
        yield Change(Aspect.TARGETS, (*start, Remedy.SCALE_OUTPUTS))
    if inputs and targets:
        yield Change(
            Aspect.BOTH_SCALES, (*start, Remedy.STANDARDISE_INPUTS, Remedy.STANDARDISE_TARGETS)
        )


def of_the_same_sizes(
    run: Callable[..., Rehearsal], model: nn.Module, scene: Scene, without: float, unusual: bool
) -> Iterator[Rehearsal]:
    """Other starts of the present weights' sizes, where those of torch learn.

    Of unusual sizes, or with inputs far from usual, which shut units; if such a start of a trained
    model does not learn, also with the inputs standardised.
    """
    shut = scene.training.begun and off_scale(scene.data.features)
    if not unusual and not shut:
        return
    start = in_another_order(model)
    raw = run(Change(Aspect.SAME_SIZES, ()), start=start)
    yield raw
    if shut and raw.gain < without + thresholds.HELPED:
        yield run(Change(Aspect.SAME_SIZES_SCALED, (Remedy.STANDARDISE_INPUTS,)), start=start)


def other_rule(seen: OptimiserSeen, start: tuple[Remedy, ...], scene: Scene) -> Iterator[Change]:
    """What the optimiser holds, and its weight decay."""
    if seen.missed and not scene.has_partners:
        yield Change(Aspect.OPTIMISER, (*start, Remedy.NEW_OPTIMISER))
    if seen.weight_decay > 0:
        yield Change(Aspect.DECAY, (*start, Remedy.WITHOUT_WEIGHT_DECAY))


def other_steps(
    run: Callable[[Change], Rehearsal],
    afresh: Rehearsal,
    start: tuple[Remedy, ...],
    scene: Scene,
    slow: bool,
) -> list[Rehearsal]:
    """Smaller steps where the loss rose; larger ones, and Adam, after training that won nothing.

    Steps may be too large without a rise: where nothing else helps, smaller ones are tried too.
    """
    training = scene.training
    made: list[Rehearsal] = []
    assert training.optimiser is not None
    losses = afresh.trial.losses
    rose = afresh.diverged or bool(losses and max(losses) > ROSE * losses[0])
    if rose:
        made += [run(change) for change in smaller_steps(start, len(SMALLER))]
        if not training.begun:  # the loop may clip gradients, which leaves no trace yet
            made.append(run(Change(Aspect.CLIPPED, (*start, Remedy.CLIP_GRADIENTS))))
    if training.begun:
        if not slow:
            made += [run(change) for change in longer_steps(training.optimiser, start)]
        if all(r.gain < thresholds.HELPED for r in (afresh, *made)) and not rose:
            made += [run(change) for change in smaller_steps(start, 2)]
        if training.optimiser.name not in ADAPTIVE and not slow:
            made.append(run(Change(Aspect.ADAM, (*start, Remedy.ANOTHER_OPTIMISER))))
    return made


def smaller_steps(start: tuple[Remedy, ...], many: int) -> Iterator[Change]:
    """The mildest of the smaller steps, so many."""
    for name in SMALLER[:many]:
        yield Change(Aspect.SMALLER, (*start, name))


def longer_steps(seen: OptimiserSeen, start: tuple[Remedy, ...]) -> Iterator[Change]:
    """Larger steps, those of adaptive optimisers up to a length."""
    for name, factor in LARGER.items():
        if seen.name not in ADAPTIVE or seen.step_size * factor <= MOST_ADAPTIVE:
            yield Change(Aspect.LARGER, (*start, name))


def other_size(
    run: Callable[..., Rehearsal], start: tuple[Remedy, ...], steps: int
) -> Iterator[Rehearsal]:
    """More units, and if that helps as many, both with quick steps, and as much work at least."""
    wider = run(
        Change(Aspect.WIDER, (Remedy.WIDER_LAYERS, Remedy.ANOTHER_OPTIMISER, Remedy.LARGER_STEP))
    )
    if wider.gain >= thresholds.ALL_THE_DIFFERENCE:
        quick = Change(Aspect.QUICK, (*start, Remedy.ANOTHER_OPTIMISER, Remedy.LARGER_STEP))
        yield run(quick, most=WIDER * steps)
    yield wider


def is_adam(result: Rehearsal) -> bool:
    """Whether a copy was trained by Adam instead of the model's own optimiser."""
    return Remedy.ANOTHER_OPTIMISER in result.change.remedies


def scaled_starts(run: Callable[[Change], Rehearsal]) -> Iterator[Rehearsal]:
    """Starts from which even few steps show something, where those of torch do not."""
    once = run(Change(Aspect.SIGNAL, (Remedy.RESCALE,)))
    yield once
    if once.gain < thresholds.HELPED:
        yield run(Change(Aspect.SIGNAL_SMALLER, (Remedy.RESCALE, Remedy.SMALLER_STEP)))


def off_scale(values: Any) -> bool:
    """Whether a column's mean or spread is large, or all spreads are small."""
    if not isinstance(values, Tensor) or not values.is_floating_point() or not values.ndim:
        return False
    if not bool(torch.isfinite(values).all()):
        return False
    flat = values.double().reshape(len(values), -1)
    spread = flat.std(0) if len(flat) > 1 else torch.zeros(1)
    largest, mean = float(spread.max()), float(flat.mean(0).abs().max())
    if largest == 0:
        return False
    return max(largest, mean) > thresholds.LARGE_SCALE or largest < thresholds.SMALL_SCALE
