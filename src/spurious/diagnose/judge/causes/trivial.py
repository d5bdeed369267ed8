# pyright: basic
"""Checks of losses that little is enough for: a constant, or what a few far points need."""

from __future__ import annotations

from math import nan
from typing import Final

import torch
from torch import Tensor

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.baselines import SUITS, normal_like
from spurious.diagnose.measure.neighbours import explained_by_neighbours
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.measure.task import LossNature
from spurious.diagnose.remedy import Remedy

NOTHING_LEFT: Final = 1e-12
"""A share of a loss that is 0 but for rounding."""

FEWEST: Final = 32
"""Fewer points are not divided into near and far ones."""

FAR: Final = 10.0
"""Targets ten times as far from the median of all as half of them are."""

FEW: Final = 0.2
"""A fifth of the points at most is far."""

NEARLY_ALL: Final = 0.99
"""Of far points that have so much of the loss it is theirs alone."""


def met_by_a_constant(scene: Scene) -> Finding | None:
    """A loss that outputs which are the same on all points meet, no worse than the model by now.

    An equation that 0 fulfils, distances of pairs without any that should be large.
    """
    task, now = scene.task, scene.landscape.loss
    f = task.outputs
    if f is None or not scene.training.begun or task.nature is not LossNature.UNKNOWN:
        return None
    if task.loss_draws or task.loss_has_weights or scene.has_partners or scene.weights.judges:
        return None
    if task.targets_are_equal or not task.targets_matter:
        return None  # outputs may be what is left of an equation
    nothing, other = scene.model.silenced, task.try_loss(normal_like(f))
    if nothing is None or other is None or not 0 <= nothing <= now <= SUITS * other:
        return None
    if nothing > NOTHING_LEFT * other:
        return None  # small outputs of another kind may have less
    return Finding(
        Kind.WRONG_LOSS,
        Severity.WARNING,
        None,
        {"loss": now, "loss_of_nothing": nothing, "loss_by_chance": other},
        f"Tell the loss which of its solutions you want: with a last layer that gives the same on "
        f"all points the model has {nothing:.4g} by it, as it is {now:.4g}, and outputs drawn by "
        f"chance {other:.4g}. So all that is asked for is done, and nothing need have been learnt. "
        "A value at some point, a term that keeps outputs apart, or pairs that should be far from "
        "one another would rule out a constant.",
        (),
    )


def few_far_points(scene: Scene) -> Finding | None:
    """Targets of which a few lie so far out that the loss is theirs alone."""
    misses = misses_near_points(scene)
    if misses is None:
        return None
    far, explained, told = misses
    return Finding(
        Kind.TARGET_SCALE,
        Severity.WARNING,
        None,
        {
            "far_points": far,
            "explained_of_the_others": explained,
            "explained_by_their_neighbours": told,
        },
        f"Bring all points to one scale, or look at those that lie far out: {far} of "
        f"{len(scene.task.targets)} have {NEARLY_ALL:.0%} of the loss or more, so that it hardly "
        f"matters what becomes of the others. Of their targets the model explains "
        f"{max(explained, 0):.0%}, their nearest neighbours {told:.0%}.",
        (Remedy.STANDARDISE_TARGETS,),
        "far = (y - y.median(0).values).flatten(1).norm(dim=1)  # look at the largest",
    )


def misses_near_points(scene: Scene) -> tuple[int, float, float] | None:
    """How many far points there are, what is explained of the others' targets, and what can be.

    None if there are none, if half of that is explained, if nothing says that more can be (nearest
    neighbours, of the others alone), or if the loss is not theirs.
    """
    task = scene.task
    f, y, x = task.outputs, task.targets, scene.data.features
    if f is None or x is None or not scene.training.begun or task.nature is not LossNature.VALUES:
        return None
    if not isinstance(y, Tensor) or len(y) < FEWEST or y.numel() != f.numel() or len(x) != len(y):
        return None
    rows, found = y.detach().double().reshape(len(y), -1), f.double().reshape(len(y), -1)
    away = (rows - rows.median(0).values).norm(dim=1)
    far = away > FAR * away.median()
    if not 0 < int(far.sum()) <= FEW * len(y) or not float(away.median()) > 0:
        return None
    near = ~far
    own = (rows[near] - rows[near].mean(0)).pow(2).sum()
    explained = 1 - float((rows[near] - found[near]).pow(2).sum() / own)
    if not explained < thresholds.MIDDLING or not _is_theirs(scene, near):
        return None
    told = explained_by_neighbours(x[near], y[near])
    if told < max(explained, 0.0) + thresholds.HELPED:
        return None  # they may be noise
    return int(far.sum()), explained, told


def _is_theirs(scene: Scene, near: Tensor) -> bool:
    """Whether outputs that are right on the near points alone win next to nothing of the loss."""
    y, f = scene.task.targets, scene.task.outputs
    assert f is not None
    middle = y.double().median(0, keepdim=True).values.expand_as(y)
    right = torch.where(near.reshape(-1, *[1] * (y.ndim - 1)), y.double(), middle)
    losses = [scene.task.try_loss(outputs.reshape(f.shape)) for outputs in (middle, right)]
    whole, left = (nan if loss is None else loss for loss in losses)
    return left >= NEARLY_ALL * whole > 0
