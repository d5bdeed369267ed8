"""What copies say of the loop, of schedules and of bounds: they learn where the model did not."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Final

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.judge.causes.training import lines_say_nothing, neighbours_say_nothing
from spurious.diagnose.judge.learning import learns
from spurious.diagnose.judge.parts import LUCK, steps_enough
from spurious.diagnose.judge.tried import loss_shown
from spurious.diagnose.kinds import Kind
from spurious.diagnose.loop_words import CHANGE, LOOP, ONCE_AN_EPOCH
from spurious.diagnose.measure.optimiser import DRIVEN
from spurious.diagnose.measure.origin import NOT_THEIRS
from spurious.diagnose.measure.records import Measurements
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.measure.task import LossNature
from spurious.diagnose.remedy import Remedy, joined
from spurious.diagnose.treat.rehearsal import ADAPTIVE, Aspect, Rehearsals
from spurious.diagnose.treat.rehearse import shut_layers

LEAP: Final = 1.0
"""A step of an adaptive optimiser as long as the weights of a usual start: one step forgets it."""

SCALES: Final = tuple(2.0**k for k in range(2, 13))
"""Factors that outputs are tried with, from 4 to 4096."""

ENLARGED: Final = 0.75
"""Outputs that lose a quarter of the loss by being enlarged alone say what is right, and are too
small."""

SHORT: Final = 0.05
"""A twentieth of the gradient: as many updates do what a twentieth of them did."""

NIL: Final = 1e-3
"""A thousandth of the first step size: training has been stopped."""


def unshuffled(found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    """A copy learns from mixed batches, and not in the order in which the data lie.

    Or less, where the loop is at fault anyhow.
    """
    own, mixed = found.in_order, found.afresh
    if own is None or mixed is None:
        return
    at_fault = learns(found) and steps_enough(found, scene) is not None
    least = thresholds.HELPED if at_fault else thresholds.ALL_THE_DIFFERENCE
    if own.gain > mixed.gain - least:
        return
    yield Finding(
        Kind.UNSHUFFLED_DATA,
        Severity.WARNING,
        None,
        {
            "order_explains": scene.order_explains,
            "steps": found.steps,
            "loss_mixed": mixed.loss,
            "loss_in_order": own.loss,
        },
        "Shuffle the data (DataLoader(..., shuffle=True)), if the loop takes them as they lie: the "
        f"targets are sorted (each says {scene.order_explains:.0%} of the next). Tried on copies "
        f"for {found.steps} steps: loss {mixed.loss:.4g} from mixed batches, "
        f"{loss_shown(own.loss)} in their order.",
        (Remedy.REDRAW_WEIGHTS,),
        "loader = torch.utils.data.DataLoader(dataset, batch_size=64, shuffle=True)",
    )


def leaps(found: Rehearsals, scene: Scene, seen: Measurements) -> Iterator[Finding]:
    """Units that are all off after steps as long as the weights of a usual start."""
    rule, afresh = scene.training.optimiser, found.afresh
    if not scene.training.begun or rule is None or rule.name not in ADAPTIVE or afresh is None:
        return
    lost = not isfinite(scene.landscape.loss)  # what switched units off is not known
    if (
        lost
        or learns(found)
        or not any(
            layer.dead.mean() >= thresholds.DEAD_SHARE
            for layer in seen.units
            if not layer.is_output
        )
    ):
        return
    layer = max(seen.affine, key=lambda one: one.fan_in, default=None)
    if layer is None or rule.step_size < LEAP / (3 * layer.fan_in) ** 0.5:
        return
    usual, better = (3 * layer.fan_in) ** -0.5, rule.step_size / 100
    yield Finding(
        Kind.STEP_TOO_LARGE,
        Severity.CRITICAL,
        None,
        {"step_size": rule.step_size, "usual_weight": usual, "better_step_size": better},
        f"Use a smaller step size, about lr={better:.2g} instead of {rule.step_size:.2g}: each "
        f"step of {rule.name} moves every weight by about that, and those of layer {layer.name} "
        f"start from {usual:.2g}. Such steps have switched units off for good.",
        (
            joined((Remedy.REDRAW_WEIGHTS, Remedy.HUNDREDTH_STEP)),
            joined((Remedy.REDRAW_WEIGHTS, Remedy.SMALLER_STEP)),
        ),
    )


def killed(found: Rehearsals, scene: Scene, seen: Measurements) -> Iterator[Finding]:
    """Steps that have switched all units of a layer off, which a start does not do.

    Copies from another start learn with these steps and with smaller ones, so nothing else is to
    blame; and the layer's biases and weights are not those of a start.
    """
    small = found.of(Aspect.KILLED)
    rule, afresh = scene.training.optimiser, found.afresh
    if not small or rule is None or afresh is None or learns(found):
        return
    if small[0].gain < afresh.gain - thresholds.HELPED:
        return
    names = [layer.name for layer in shut_layers(seen)]
    if scene.weights.unmoved & set(names):
        return
    better = rule.step_size / 10
    yield Finding(
        Kind.STEP_TOO_LARGE,
        Severity.WARNING,
        None,
        {
            "step_size": rule.step_size,
            "better_step_size": better,
            "layers_switched_off": names,
            "loss_of_a_fresh_copy": afresh.loss,
            "loss_with_smaller_steps": small[0].loss,
        },
        f"Use a smaller step size, about lr={better:.2g} instead of {rule.step_size:.2g}: training "
        f"has switched off all units of layer {', '.join(names)}, which another start does not "
        f"do. Tried on copies for {found.steps} steps: loss {small[0].loss:.4g} with smaller steps "
        f"from another start, {afresh.loss:.4g} with these.",
        (small[0].change.joined,),
    )


def scheduled(found: Rehearsals, scene: Scene) -> Finding | None:
    """A scheduler that has all but stopped training, where the first step size still helps."""
    seen = scene.training.optimiser
    if seen is None or seen.left >= DRIVEN or not scene.is_middling:
        return None
    stopped = seen.left < NIL
    return Finding(
        Kind.SCHEDULE_TO_ZERO if stopped else Kind.STEP_TOO_SMALL,
        Severity.WARNING,
        None,
        {
            "left_of_step_size": seen.left,
            "first_step_size": seen.step_size,
            "steps": found.steps,
            "loss_with_the_first": found.as_is.loss,
        },
        f"Look at the scheduler: it has left {seen.left:.2g} of the step size "
        f"{seen.step_size:.2g}, and the loss is {scene.landscape.loss:.4g}. {found.steps} more "
        f"steps of a copy with the first step size bring it to {found.as_is.loss:.4g}. Is "
        "scheduler.step() called with each batch where an epoch is meant, or a warm-up longer than "
        "the training?",
        (Remedy.TEXTBOOK_LOOP,),
        ONCE_AN_EPOCH,
    )


def clipped(found: Rehearsals, scene: Scene) -> Finding | None:
    """Gradients clipped to next to nothing, where a copy whose gradients are not clipped learns.

    The steps of adaptive optimisers are as long as before.
    """
    training = scene.training
    seen = training.optimiser
    if seen is None or seen.name in ADAPTIVE or training.shortened > SHORT:
        return None
    return Finding(
        Kind.STEP_TOO_SMALL,
        Severity.WARNING,
        None,
        {
            "left_of_gradient": training.shortened,
            "loss": scene.landscape.loss,
            "steps": found.steps,
            "loss_without_clipping": found.as_is.loss,
        },
        f"{CHANGE[Kind.STEP_TOO_SMALL]}: clipping leaves {training.shortened:.2g} of the "
        f"gradient's, and the loss is {scene.landscape.loss:.4g}. {found.steps} more steps of a "
        f"copy without it bring it to {found.as_is.loss:.4g}.",
        (Remedy.TEXTBOOK_LOOP, Remedy.ANOTHER_OPTIMISER),
        "torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)",
    )


def learnt_by_heart(found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    """What copies learn of one half of the points says nothing about the other, nor does a probe.

    Probes are nearest neighbours and a linear map.
    """
    if found.carries is not False or not asks_by_heart(found, scene):
        return
    yield Finding(
        Kind.TARGETS_SHUFFLED,
        Severity.WARNING,
        None,
        {
            "neighbours_explain": scene.data.neighbours,
            "linear_loss": scene.landscape.linear_loss,
            "constant_loss": scene.landscape.constant_loss,
            "carries_over": False,
        },
        f"{CHANGE[Kind.TARGETS_SHUFFLED]}: the model learns its points by heart. What a copy "
        "learns of one half of them is no better on the other half than a constant, nearest "
        f"neighbours explain {max(scene.data.neighbours, 0.0):.0%} of the targets, and a linear "
        "map no more than chance lets it. Were inputs or targets shuffled or sorted apart, or do "
        "the inputs say nothing about the targets?",
        (),
        "order = torch.randperm(len(x))\nx, y = x[order], y[order]  # both by one order",
    )


def asks_by_heart(found: Rehearsals, scene: Scene) -> bool:
    """Whether some copy learns what no probe can tell."""
    if not scene.training.begun or not scene.landscape.constant_loss:
        return False
    gains = (found.now, *(one.gain for one in (found.as_is, *found.started)))
    if max(gains) < thresholds.HELPED:
        return False
    return neighbours_say_nothing(scene) and lines_say_nothing(scene)


def another_gradient(found: Rehearsals, scene: Scene) -> Finding | None:
    """A gradient that this loss does not give, where a start gets on by it in half of the steps.

    Or in any number, if they are not known, and copies of the present weights do not: they have
    been led astray. Inputs that are changed a little at each step are no fault: training gets on
    with them.
    """
    training = scene.training
    seen, made = training.origin, training.steps
    if seen is None or not seen.exact or training.shortened < 1 or not training.begun:
        return None
    if scene.landscape.constant_loss is None:
        return None  # an opponent's loss leaves gradients too, and this one need not fall
    if min(seen.missed, seen.turned) <= NOT_THEIRS:
        return None
    least = max(found.now, 0.0) + thresholds.HELPED
    copy, astray = found.afresh, found.as_is.gain < least
    if copy is None or copy.gain < least or (made is None and not astray):
        return None
    if made is not None and made < LUCK * copy.trial.steps:
        return None
    steps = "" if made is None else f" in {made}"
    return Finding(
        Kind.FAULT_IN_LOOP,
        Severity.WARNING,
        None,
        {"missed": seen.missed, "missed_if_turned": seen.turned, "steps": made},
        f"{CHANGE[Kind.FAULT_IN_LOOP]}: the gradient that it has left on the parameters is not "
        f"that of this loss: all points together, whatever their weights, miss {seen.missed:.0%} "
        "of it (of a batch's they miss a thousandth). Is the backward pass your own, does another "
        f"loss go backward, are gradients kept, or does the loop change inputs or targets? A copy "
        "from another start that is trained on this loss comes in "
        f"{copy.trial.steps} steps to {copy.loss:.4g}, this training{steps} to "
        f"{scene.landscape.loss:.4g}.",
        LOOP,
    )


def held_small(scene: Scene) -> Iterator[Finding]:
    """Logits that say what is right, and that something holds too small for the loss."""
    task = scene.task
    f, now = task.outputs, scene.landscape.loss
    if f is None or not scene.training.begun or task.nature is not LossNature.LOGITS:
        return
    tried = {factor: task.try_loss(factor * f) for factor in SCALES}
    known = {k: value for k, value in tried.items() if value is not None and isfinite(value)}
    factor = min(known, key=lambda key: known[key], default=1.0)
    if not known or not known[factor] <= ENLARGED * now:
        return
    yield Finding(
        Kind.OUTPUT_RANGE,
        Severity.WARNING,
        None,
        {"largest_output": float(f.abs().max()), "factor": factor, "loss": known[factor]},
        f"Let the outputs be larger: they lie between {float(f.min()):.4g} and "
        f"{float(f.max()):.4g}, and {factor:g} times the same outputs have the loss "
        f"{known[factor]:.4g} instead of {now:.4g}. Longer training does not make them so: a "
        "normalisation or a factor (a temperature) behind the last layer holds them small.",
        (),
        f"outputs = {factor:g} * outputs  # or a trained factor",
    )
