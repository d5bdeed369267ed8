"""Which part is at fault, where no single cause is seen: copies and plain predictors say.

A copy has the model, the data, the loss and the optimiser, and another loop. A linear map and
nearest neighbours have the data alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import torch

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.judge.learning import learns
from spurious.diagnose.judge.success import share_right
from spurious.diagnose.kinds import Kind
from spurious.diagnose.loop_words import LOOP
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.measure.task import LossNature
from spurious.diagnose.remedy import REMEDIES, Remedy, parts
from spurious.diagnose.treat.ranking import race
from spurious.diagnose.treat.rehearsal import Aspect

if TYPE_CHECKING:
    from spurious.diagnose.treat.rehearsal import Rehearsals
    from spurious.diagnose.treat.trials import Trial

Say = Callable[[str], None]

STRUCTURAL: Final = {
    Remedy.DROP_LAST_ACTIVATION: Kind.OUTPUT_RANGE,
    Remedy.INSERT_ACTIVATION: Kind.MISSING_NONLINEARITY,
    Remedy.ADD_POSITIONS: Kind.MISSING_POSITIONS,
    Remedy.LEAKY_SLOPE: Kind.FAULT_IN_MODEL,
}
"""Changes of a model itself, and what is wrong where one helps."""

SCALES: Final = frozenset({Remedy.STANDARDISE_INPUTS, Remedy.STANDARDISE_TARGETS})
"""Changes of the data."""

LUCK: Final = 2
"""Times the steps of the slowest of some starts that training must have made: another start may be
slower than all of them."""

PART: Final = 2
"""Times the steps of a copy that learns a part of the points, which is less to learn."""

LARGE: Final = 1e4
"""Outputs that are meant for nothing."""

SAME: Final = 0.02
"""Trainings that end within a fiftieth of the constant's loss end alike."""


def loop_at_fault(found: Rehearsals, scene: Scene) -> Finding | None:
    """Copies from other starts learn in far fewer steps what the model has not learnt.

    Model, data, loss and optimiser are the same; a copy from the present weights learns, too, so
    the start is not to blame.
    """
    longest = steps_enough(found, scene, LUCK)
    if longest is None:
        return None
    fresh, made, starts = found.afresh, scene.training.steps, 1 + len(found.of(Aspect.AGAIN))
    assert fresh is not None
    return Finding(
        Kind.FAULT_IN_LOOP,
        Severity.WARNING,
        None,
        {
            "loss": scene.landscape.loss,
            "steps": made,
            "loss_of_a_fresh_copy": fresh.loss,
            "steps_of_the_copies": longest,
            "starts": starts,
        },
        f"Look at the training loop: copies from {starts} starts, with the same optimiser, "
        f"reach the loss {fresh.loss:.4g} or so in at most {longest} steps of a plain loop "
        f"(batches of mixed points; zero_grad, backward and step for each), this training "
        f"{scene.landscape.loss:.4g} in {made}. So it is what the loop does: which points it "
        "draws and in what order, what it does with gradients before the step, step sizes that "
        "it sets.",
        LOOP,
    )


def steps_enough(found: Rehearsals, scene: Scene, luck: int = 1) -> int | None:
    """Steps in which copies from all starts tried learn what training has not; None if they do not.

    Or if training has not made so many steps, times `luck`, or its loss need not fall.
    """
    fresh, made = found.afresh, scene.training.steps
    if fresh is None or fresh.loss is None or scene.landscape.constant_loss is None:
        return None  # the loss of an opponent, say, need not fall
    if not scene.falls_short or scene.task.compares_points:
        return None  # a loss of pairs is another one in other batches
    starts = (fresh, *found.of(Aspect.AGAIN, Aspect.SAME_SIZES))
    if (
        min(found.as_is.gain, *(one.gain for one in starts))
        < max(found.now, 0.0) + thresholds.HELPED
    ):
        return None
    longest = max(one.trial.steps for one in starts)
    enough = made is not None and made >= longest * luck * (1 if scene.data.complete else PART)
    return longest if enough else None


def part_at_fault(
    found: Rehearsals, scene: Scene, run: Callable[[str, int, float], Trial], say: Say
) -> Finding | None:
    """Where nothing else is seen: what a remedy says that helps, or a predictor that is better.

    Args:
        found: What copies did.
        scene: Of a model that has no problem yet.
        run: Tries a remedy for so many steps, or until a loss is reached.
        say: Called with a line for each trial.
    """
    constant, loss = scene.landscape.constant_loss, scene.landscape.loss
    if not scene.falls_short or not constant or found.afresh is None:
        return None
    if scene.model.own_gradients or learns(found):
        return None  # training need not descend the loss, or only needs more steps
    best = max(found.now, 0.0, *(one.gain for one in found.made))
    enough = min(thresholds.MIDDLING, 1 - best - thresholds.HELPED) * constant
    if enough <= 0:
        return None
    known = {one.change.joined for one in found.made}
    raced = race(known, lambda name, most: run(name, most, enough), found.steps, enough, say)
    won = [t for t in raced if t.after is not None and t.after <= enough]
    if _falls_with_outputs(scene):  # so a copy that may give any numbers proves nothing
        won = [t for t in won if Remedy.DROP_LAST_ACTIVATION not in parts(t.remedy)]
    if won and (scene.training.optimiser is not None or _is_about_more_than_steps(won[0])):
        return _by_remedy(won[0], loss)
    return _by_predictors(found, scene, best)


def _falls_with_outputs(scene: Scene) -> bool:
    """Whether outputs that are large, and the same on all points, have a loss far below 0."""
    f = scene.task.outputs
    if f is None:
        return False
    tried = [scene.task.try_loss(torch.full_like(f, level)) for level in (-LARGE, LARGE)]
    least = min((value for value in tried if value is not None), default=0.0)
    return least < -abs(scene.landscape.loss)


def _is_about_more_than_steps(won: Trial) -> bool:
    """Whether a change is about model or scales: of an optimiser not known steps say nothing."""
    return bool(set(parts(won.remedy)) & {*STRUCTURAL, *SCALES})


def _by_remedy(won: Trial, loss: float) -> Finding:
    """A copy with a change learns: what the change is about is at fault."""
    changes = set(parts(won.remedy))
    if Remedy.STANDARDISE_TARGETS in changes:
        kind, what = Kind.TARGET_SCALE, "Look at the scale of the targets"
    elif Remedy.STANDARDISE_INPUTS in changes:
        kind, what = Kind.UNSCALED_INPUTS, "Look at the scale of the inputs"
    elif changes & set(STRUCTURAL):
        kind = next(STRUCTURAL[change] for change in STRUCTURAL if change in changes)
        what = "Look at the model"
    else:
        kind, what = Kind.FAULT_IN_LOOP, "Look at start, optimiser and loop, not at model or data"
    shown = "; ".join(REMEDIES[change] for change in parts(won.remedy))
    return Finding(
        kind,
        Severity.WARNING,
        None,
        {"loss": loss, "loss_of_a_copy": won.after, "steps": won.steps, "changed": won.remedy},
        f"{what}: nothing particular is seen, but a copy learns what the model has not, with these "
        f"changes: {shown}. It reaches the loss {won.after:.4g} in {won.steps} steps, instead of "
        f"{loss:.4g}; copies without them do not.",
        (won.remedy,),
    )


def _by_predictors(found: Rehearsals, scene: Scene, best: float) -> Finding | None:
    """No copy comes near what plain predictors make of the same inputs."""
    if scene.task.compares_points:
        return None  # a loss of pairs may have its least value far above 0
    name, reached = _reference(scene, nothing_helps=best < found.now + thresholds.LEARNT)
    if reached < best + thresholds.HELPED:
        return None
    return Finding(
        Kind.FAULT_IN_MODEL,
        Severity.WARNING,
        None,
        {"copies": len(found.made), "won_by_the_best": best, name.replace(" ", "_"): reached},
        f"Look at the model, not at optimiser or loop: the best of {len(found.made)} copies, from "
        f"several starts, wins {best:.0%} of the constant's loss in {found.steps} steps, where "
        f"{name} of the same inputs explain {reached:.0%}. Does it lose what the inputs say: a "
        "pooling over places, a normalisation of each point by itself, a narrow layer, a wrong "
        "axis?",
        (Remedy.WIDER_LAYERS, Remedy.ADD_UNIT),
    )


def told_without_model(scene: Scene) -> tuple[str, float]:
    """What says most of the targets without the model, and how much: of the constant's loss."""
    return _reference(scene, nothing_helps=True)


def _reference(scene: Scene, nothing_helps: bool) -> tuple[str, float]:
    """What says most of the targets without the model, and how much.

    Neighbours explain a share of the variance, or of the classes: they are compared with what the
    model's own outputs explain of that, where no copy got any further.
    """
    constant, linear = scene.landscape.constant_loss, scene.landscape.linear_loss
    by_map = 1 - linear / constant if linear is not None and constant else 0.0
    own = _explained(scene)
    close = nothing_helps and own is not None and scene.data.neighbours >= own + thresholds.HELPED
    near = scene.data.neighbours if close else 0.0
    return max((("linear maps", by_map), ("nearest neighbours", near)), key=lambda pair: pair[1])


def _explained(scene: Scene) -> float | None:
    """The share of the targets' variance, or of the classes, that the outputs have right."""
    task = scene.task
    if task.judged is not None:
        return share_right(scene)
    f, y = task.outputs, task.targets
    if f is None or task.nature is not LossNature.VALUES:
        return None
    y = y.reshape(f.shape).double()
    spread = float((y - y.mean(0)).pow(2).sum())
    return 1 - float((f.double() - y).pow(2).sum()) / spread if spread > 0 else None


def nothing_is_left(found: Rehearsals | None, scene: Scene) -> bool:
    """Whether all copies, from any start, and a linear map end at the model's own loss.

    Something was learnt then, and nothing shows that the data hold more.
    """
    linear, constant = scene.landscape.linear_loss, scene.landscape.constant_loss
    if found is None or found.afresh is None or not constant or not scene.training.begun:
        return False
    if not found.now > thresholds.NO_DIFFERENCE or found.afresh.gain < found.now - SAME:
        return False
    by_map = 1 - linear / constant if linear is not None else 0.0
    near = scene.data.neighbours - thresholds.HELPED
    return max(by_map, near, *(one.gain for one in found.made)) <= found.now + SAME
