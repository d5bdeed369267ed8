"""Findings about the length and the number of steps, from what copies do with others."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, isfinite
from typing import Final

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.judge.tried import loss_shown, numbers, tried_on_a_copy
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.records import Curvature
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.remedy import Remedy
from spurious.diagnose.treat.rehearsal import BLOWN_UP, Aspect, Rehearsal, Rehearsals

OF_INPUTS: Final = (Aspect.INPUTS, Aspect.BOTH_SCALES)
"""Where standardised inputs let these steps do as well as smaller ones, they are not too large (of
smaller targets gradients are smaller, which is the same as smaller steps)."""

FACTORS: Final = {
    Remedy.SMALLER_STEP: 0.1,
    Remedy.HUNDREDTH_STEP: 1e-2,
    Remedy.THOUSANDTH_STEP: 1e-3,
    Remedy.LARGER_STEP: 10.0,
    Remedy.HUNDREDFOLD_STEP: 100.0,
}
"""What each remedy multiplies the step size with."""


def step_too_large(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    """A copy learns with a smaller step; a warning where one learns by these from other inputs."""
    assert scene.training.optimiser is not None
    size = scene.training.optimiser.step_size
    better = size * FACTORS[result.change.remedies[-1]]
    scaled = max((r.gain for r in found.of(*OF_INPUTS)), default=0.0)
    least = min(result.gain - thresholds.LEARNT, found.unchanged + thresholds.HELPED)
    as_well = scaled >= least
    clipped = not scene.training.begun and any(r.gain >= least for r in found.of(Aspect.CLIPPED))
    yield Finding(
        Kind.STEP_TOO_LARGE,
        Severity.INFO if clipped else Severity.WARNING if as_well else Severity.CRITICAL,
        None,
        numbers(result, found) | {"step_size": size, "better_step_size": better},
        f"Use a smaller step size, about lr={better:.2g} instead of {size:.2g}"
        f"{', or clip gradients' if clipped else ''}. {tried_on_a_copy(result, found)}",
        (result.change.joined, result.change.remedies[-1]),
    )


def _shows_large_steps(result: Rehearsal) -> bool:
    """Whether a copy learns by smaller steps from a start from which one by these does not."""
    return result.gain >= 2 * thresholds.HELPED


def too_large_where_signals_pass(
    result: Rehearsal, found: Rehearsals, scene: Scene
) -> Iterator[Finding]:
    """From scaled weights a copy learns by smaller steps, and not by these."""
    assert scene.training.optimiser is not None
    if not _shows_large_steps(result):
        return
    (other,), afresh = found.of(Aspect.SIGNAL), found.afresh or found.as_is
    size = scene.training.optimiser.step_size
    yield Finding(
        Kind.STEP_TOO_LARGE,
        Severity.WARNING,
        None,
        numbers(result, found)
        | {"step_size": size, "better_step_size": size / 10, "loss_with_these_steps": other.loss},
        f"Use a smaller step size, about lr={size / 10:.2g} instead of {size:.2g}. Tried on copies "
        f"for {found.steps} steps, from weights through which signals pass: loss "
        f"{result.loss:.4g} with smaller steps, {loss_shown(other.loss)} with these. (From torch's "
        f"default start, with these: {loss_shown(afresh.loss)}.)",
        (result.change.joined, Remedy.SMALLER_STEP),
    )


def _far_behind(result: Rehearsal, found: Rehearsals, scene: Scene) -> bool:
    """Whether next to nothing has been learnt, or a change makes all the difference.

    In between a copy may win by having fewer points to learn.
    """
    much = result.gain >= found.unchanged + thresholds.ALL_THE_DIFFERENCE
    return scene.is_poor or (scene.is_middling and much)


def step_too_small(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    """A copy of a trained model learns with a longer step."""
    assert scene.training.optimiser is not None
    if not scene.training.begun or not _far_behind(result, found, scene):
        return  # a start says nothing about how long one means to train
    size = scene.training.optimiser.step_size
    better = size * FACTORS[result.change.remedies[-1]]
    yield Finding(
        Kind.STEP_TOO_SMALL,
        Severity.WARNING,
        None,
        numbers(result, found) | {"step_size": size, "better_step_size": better},
        f"Use a larger step size, about lr={better:.2g} instead of {size:.2g}, or train much "
        f"longer. {tried_on_a_copy(result, found)}",
        (result.change.joined, result.change.remedies[-1], Remedy.ANOTHER_OPTIMISER),
    )


def another_optimiser(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    """A copy learns by Adam, and neither by longer nor by smaller steps."""
    training = scene.training
    if training.optimiser is None or not training.begun or training.optimiser.name == "Adam":
        return
    if any(_shows_large_steps(r) for r in found.of(Aspect.SIGNAL_SMALLER)):
        return
    if not _far_behind(result, found, scene):
        return
    least = max(found.unchanged + thresholds.HELPED, result.gain - thresholds.HELPED)
    if any(r.gain >= least for r in found.of(Aspect.LARGER, Aspect.SMALLER)):
        return  # the step size alone does it
    gone = leaves(found, scene)
    how = "steps lead away from any start" if gone else "gets less far in as many steps"
    yield Finding(
        Kind.STEP_TOO_LARGE if gone else Kind.STEP_TOO_SMALL,
        Severity.WARNING,
        None,
        numbers(result, found) | {"step_size": training.optimiser.step_size, "optimiser": "Adam"},
        f"Use Adam with lr=0.001 instead of {training.optimiser.name} with "
        f"lr={training.optimiser.step_size:.2g}, {'whose' if gone else 'which'} {how}. "
        f"{tried_on_a_copy(result, found)}",
        (result.change.joined, Remedy.ANOTHER_OPTIMISER),
    )


def leaves(found: Rehearsals, scene: Scene) -> bool:
    """Whether training, or a copy that starts afresh, has gone far above the loss of a start."""
    task = scene.task
    afresh, loss = found.afresh or found.as_is, scene.landscape.loss
    if afresh.diverged or not isfinite(loss):
        return True
    start = afresh.trial.start if found.afresh is not None else None
    if start is None and task.outputs is not None:
        start = task.try_loss(task.outputs * 0)
    return start is not None and loss > BLOWN_UP * abs(start)


def too_few_updates(found: Rehearsals, scene: Scene) -> Finding:
    """A copy that is trained on gets on; a warning where nothing is learnt yet."""
    nothing_learnt = scene.landscape.constant_loss is not None and scene.is_poor
    return Finding(
        Kind.TOO_FEW_UPDATES,
        Severity.WARNING if nothing_learnt else Severity.INFO,
        None,
        {"steps": found.steps, "loss": scene.landscape.loss, "loss_after": found.as_is.loss},
        f"Train longer: {found.steps} more steps of a copy bring the loss from "
        f"{scene.landscape.loss:.4g} to {found.as_is.loss:.4g}. It is still falling.",
        (Remedy.LARGER_STEP,),
    )


def few_points_need_many_steps(found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    """Of a few points, a copy that is trained on for thousands of steps learns them."""
    for result in found.of(Aspect.LONGER):
        least = max(found.now, found.as_is.gain, 0.0) + thresholds.HELPED
        if result.loss is None or result.gain < least:
            continue
        yield Finding(
            Kind.TOO_FEW_UPDATES,
            Severity.WARNING,
            None,
            {
                "steps": result.trial.steps,
                "loss": scene.landscape.loss,
                "loss_after": result.loss,
                "loss_after_few": found.as_is.loss,
            },
            f"Train longer: {result.trial.steps} more steps of a copy bring the loss from "
            f"{scene.landscape.loss:.4g} to {result.loss:.4g} ({found.steps} do not: "
            f"{found.as_is.loss:.4g}). Of so few points thousands are usual.",
            (Remedy.LARGER_STEP,),
        )


def hopelessly_small(scene: Scene, best: dict[Aspect, Rehearsal]) -> Iterator[Finding]:
    """Before training too: the updates that steepest descent would need."""
    seen, landscape = scene.training.optimiser, scene.landscape
    if seen is None or seen.name != "SGD" or (Aspect.LARGER in best and scene.training.begun):
        return
    square = landscape.gradient_norm**2
    if square == 0 or not landscape.relative_gradient > thresholds.STATIONARY or seen.rests:
        return
    updates = landscape.loss * (1 - seen.momentum) / (seen.step_size * square)
    if not thresholds.MANY_UPDATES <= updates < inf:
        return
    yield Finding(
        Kind.STEP_TOO_SMALL,
        Severity.WARNING if scene.training.begun else Severity.INFO,  # a schedule may raise it
        None,
        {"updates_needed": updates, "step_size": seen.step_size},
        f"Use a larger step size than {seen.step_size:.2g}: at the present gradient the loss needs "
        f"some {updates:.1e} updates to fall to 0.",
        (Remedy.LARGER_STEP, Remedy.ANOTHER_OPTIMISER),
    )


def beyond_stability(scene: Scene, curvature: Curvature, found: Rehearsals) -> Iterator[Finding]:
    """Steps beyond 2 / lambda_max that end in divergence, whatever else could be changed."""
    seen = scene.training.optimiser
    if seen is None or seen.name != "SGD" or not found.as_is.diverged or curvature.highest <= 0:
        return
    if scene.training.begun and not scene.is_middling:
        return  # its own training got on with these steps: gradients may be clipped
    if any(r.gain > thresholds.HELPED for r in found.of(Aspect.SMALLER)):
        return
    limit = 2 * (1 + seen.momentum) / curvature.highest
    if seen.step_size <= limit:
        return
    yield Finding(
        Kind.STEP_TOO_LARGE,
        Severity.CRITICAL,
        None,
        {"step_size": seen.step_size, "largest_stable": limit, "highest": curvature.highest},
        f"Use a step size below {limit:.2g}: the largest curvature is {curvature.highest:.3g}, so "
        f"that steps of {seen.step_size:.2g} overshoot ever further. A copy diverges.",
        (Remedy.SMALLER_STEP, Remedy.CLIP_GRADIENTS),
    )
