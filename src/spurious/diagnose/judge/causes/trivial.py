# pyright: basic
"""Checks of losses that little is enough for: a constant, or what a few far points need."""

from __future__ import annotations

from typing import Final

from torch import Tensor

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.baselines import SUITS, normal_like
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.measure.task import LossNature
from spurious.diagnose.remedy import Remedy

FEWEST: Final = 32
"""Fewer points are not divided into near and far ones."""

FAR: Final = 10.0
"""Targets ten times as far from the median of all as half of them are."""

FEW: Final = 0.2
"""A fifth of the points at most is far."""

NEARLY_ALL: Final = 0.99
"""Far points that have so much of the targets' spread leave a loss that is theirs alone."""


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
    nothing, other = scene.model.silenced, task.try_loss(normal_like(f))
    if nothing is None or other is None or not 0 <= nothing <= now <= SUITS * other:
        return None
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
    far, explained = misses
    return Finding(
        Kind.TARGET_SCALE,
        Severity.WARNING,
        None,
        {"far_points": far, "explained_of_the_others": explained},
        f"Bring all points to one scale, or look at those that lie far out: {far} of "
        f"{len(scene.task.targets)} have {NEARLY_ALL:.0%} or more of the targets' spread, so the "
        f"loss is theirs alone. Of the others' targets the model explains {max(explained, 0):.0%}.",
        (Remedy.STANDARDISE_TARGETS,),
        "far = (y - y.median(0).values).flatten(1).norm(dim=1)  # look at the largest",
    )


def misses_near_points(scene: Scene) -> tuple[int, float] | None:
    """How many far points there are, and the share of the others' targets that is explained.

    None if there are none, or if at least half of that is.
    """
    task = scene.task
    f, y = task.outputs, task.targets
    if f is None or not scene.training.begun or task.nature is not LossNature.VALUES:
        return None
    if not isinstance(y, Tensor) or len(y) < FEWEST or y.numel() != f.numel():
        return None
    rows, found = y.detach().double().reshape(len(y), -1), f.double().reshape(len(y), -1)
    away = (rows - rows.median(0).values).norm(dim=1)
    far = away > FAR * away.median()
    if not 0 < int(far.sum()) <= FEW * len(y) or not float(away.median()) > 0:
        return None
    near = ~far
    whole = (rows - rows.mean(0)).pow(2).sum()
    own = (rows[near] - rows[near].mean(0)).pow(2).sum()
    if float(own) > (1 - NEARLY_ALL) * float(whole):
        return None
    explained = 1 - float((rows[near] - found[near]).pow(2).sum() / own)
    return (int(far.sum()), explained) if explained < thresholds.MIDDLING else None
