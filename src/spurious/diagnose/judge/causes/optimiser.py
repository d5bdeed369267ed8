"""Checks of what is trained: by requires_grad, and by the optimiser, if it is given."""

from __future__ import annotations

from typing import Final

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.kinds import Kind
from spurious.diagnose.loop_words import LOOP, ONCE_AN_EPOCH
from spurious.diagnose.measure.optimiser import DRIVEN
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.measure.task import LossNature
from spurious.diagnose.remedy import Remedy, joined

SHOWN: Final = 5
"""Names listed."""

VANISHED: Final = 1e-12
"""Steps of this length, and of this share of the weights', move nothing in single precision, whose
digits end at 1e-7."""

DROWNED: Final = 0.01
"""A hundredth of what is added to it: steps are a hundredth of the step size."""

UNDAMPED: Final = 1.0
"""Momentum that keeps all of every gradient."""


def optimiser_misses_parameters(scene: Scene) -> Finding | None:
    """Trained parameters that the optimiser does not hold, or parameters of another model."""
    seen = scene.training.optimiser
    if seen is None or (not seen.missed and not seen.strangers):
        return None
    if not seen.missed or scene.has_partners:
        severity = Severity.INFO
    elif not seen.held:
        severity = Severity.CRITICAL
    else:
        severity = Severity.WARNING if seen.strangers or scene.is_poor else Severity.INFO
    strangers = (
        f" It holds {seen.strangers} tensors that are none of this model's: was it made before a "
        "layer was replaced or the model copied?"
        if seen.strangers
        else ""
    )
    missed = ", ".join(seen.missed[:SHOWN]) + (", ..." if len(seen.missed) > SHOWN else "")
    text = (
        f"Make the optimiser again from model.parameters(): it does not hold {len(seen.missed)} of "
        f"{len(seen.missed) + len(seen.held)} trained tensors ({missed}), so it never moves them."
        if seen.missed
        else "The optimiser holds every trained tensor."
    )
    return Finding(
        Kind.OPTIMISER_MISSES_PARAMETERS,
        severity,
        None,
        {"missed": list(seen.missed), "held": len(seen.held), "strangers": seen.strangers},
        text + strangers,
        (Remedy.NEW_OPTIMISER,) if seen.missed else (),
    )


def optimiser_never_steps(scene: Scene) -> Finding | None:
    """Gradients, and an optimiser without the memory that its first step leaves."""
    seen = scene.training.optimiser
    if seen is None or not seen.never_stepped or not scene.training.begun or not seen.held:
        return None
    if scene.landscape.gradient_norm == 0 or set(seen.held) <= scene.weights.still:
        return None
    if seen.steps:
        return _saw_nothing(scene, seen.steps)
    return Finding(
        Kind.OPTIMISER_NEVER_STEPS,
        Severity.WARNING if scene.is_poor else Severity.INFO,
        None,
        {"optimiser": seen.name, "remembers_steps": False, "left_of_step_size": seen.left},
        "Call zero_grad(), then backward(), then step() of the optimiser: the loss has a gradient, "
        f"but this {seen.name} has made no step, or has seen none (its memory is empty). A "
        "scheduler's step() moves no weights.",
        (Remedy.TEXTBOOK_LOOP,),
        "loss.backward()\noptimiser.step()\nscheduler.step()  # once an epoch, behind it",
    )


def _saw_nothing(scene: Scene, steps: int) -> Finding:
    """Steps were made, and all that they had were gradients of 0."""
    single = scene.task.point_losses
    alone = single is not None and not bool(single.any())
    return Finding(
        Kind.FAULT_IN_LOOP,
        Severity.WARNING if scene.is_poor else Severity.INFO,
        None,
        {"steps": steps, "points_alone_have_no_loss": alone},
        f"Look at what goes backward in the loop: in {steps} steps the optimiser has seen no "
        "gradient but 0, though the loss of these points together has one. "
        + (
            "The loss of one point alone is 0 whatever its output is: take more points in a batch."
            if alone
            else "Is it another loss, are gradients cleared before the step, or are batches so "
            "small that their loss is flat?"
        ),
        (Remedy.TEXTBOOK_LOOP,),
        "loader = torch.utils.data.DataLoader(dataset, batch_size=64, shuffle=True)",
    )


def maximises(scene: Scene) -> Finding | None:
    """An optimiser that climbs, unless a step that was given tells whether the loss is turned."""
    training = scene.training
    if training.optimiser is None or not training.optimiser.flips or training.own_step is not None:
        return None
    return Finding(
        Kind.GRADIENT_SIGN_FLIPPED,
        Severity.WARNING,
        None,
        {"climbs": True, "left_of_step_size": training.optimiser.left},
        "Leave out maximize=True, and keep step sizes above 0: the optimiser makes the loss "
        "larger. A schedule that goes on behind its end can fall below 0.",
        LOOP,
    )


def resting_group(scene: Scene) -> Finding | None:
    """Trained parameters whose group has the step size 0."""
    seen = scene.training.optimiser
    if seen is not None and seen.rests:
        names = {name.rpartition(".")[0] or "model" for name in seen.held}
        still = scene.training.begun and scene.is_poor and bool(names & scene.weights.unmoved)
        return Finding(
            Kind.STEP_TOO_SMALL,
            Severity.CRITICAL if still else Severity.INFO,  # a loop may set it before each step
            None,
            {"step_size": 0.0},
            "Give the optimiser a step size: it is 0, so that nothing ever moves. Is it computed, "
            "by a whole-number division or from a count that is 0?",
            (Remedy.ANOTHER_OPTIMISER,),
            "for group in optimiser.param_groups:\n    print(group['lr'])",
        )
    if seen is None or not seen.resting:
        return None
    shown = ", ".join(seen.resting[:SHOWN]) + (", ..." if len(seen.resting) > SHOWN else "")
    stuck = scene.falls_short
    return Finding(
        Kind.STEP_TOO_SMALL,
        Severity.WARNING if stuck else Severity.INFO,
        None,
        {"resting": list(seen.resting), "step_size_of_others": seen.step_size},
        f"Give every group of the optimiser a step size: {len(seen.resting)} trained tensors "
        f"({shown}) are in a group with lr=0, and never move.",
        (Remedy.ANOTHER_OPTIMISER,),
        "for group in optimiser.param_groups:\n    print(group['lr'], len(group['params']))",
    )


def vanished_step(scene: Scene) -> Finding | None:
    """A step size that has been made smaller again and again, until nothing moves."""
    seen = scene.training.optimiser
    if seen is None or not scene.falls_short:
        return None
    size, landscape = seen.step_size * seen.left, scene.landscape
    if not 0 < size < VANISHED or seen.left < DRIVEN:
        return None  # where a scheduler tells the first one, copies are tried with that
    if seen.name == "SGD" and size * landscape.gradient_norm > VANISHED * landscape.weight_norm:
        return None  # of raw units gradients may be as large as steps are small
    return Finding(
        Kind.SCHEDULE_TO_ZERO,
        Severity.WARNING,  # copies show whether there was anything left to learn
        None,
        {"step_size": size, "vanished": True},
        f"Look at what lowers the step size: it is {size:.2g} by now, with which no weight moves "
        "in single precision. Is it made smaller at each batch where an epoch is meant, or again "
        "and again by a condition that stays true?",
        (Remedy.ANOTHER_OPTIMISER, joined((Remedy.REDRAW_WEIGHTS, Remedy.ANOTHER_OPTIMISER))),
        ONCE_AN_EPOCH,
    )


def drowned_by_epsilon(scene: Scene) -> Finding | None:
    """Gradients that are far smaller than what an adaptive optimiser adds to their size."""
    seen, landscape, task = scene.training.optimiser, scene.landscape, scene.task
    if seen is None or not seen.epsilon or not scene.training.begun or not scene.is_poor:
        return None
    if landscape.constant_loss is None:
        return None  # it may be small since all is learnt
    if not landscape.relative_gradient > thresholds.STATIONARY or not landscape.trained:
        return None  # in units of the loss they are small, too
    whole = (landscape.gradient_norm**2 + landscape.gradient_noise**2) ** 0.5
    entry = whole / landscape.trained**0.5
    if not 0 < entry < DROWNED * seen.epsilon:
        return None
    of_targets = task.nature is LossNature.VALUES and bool(
        task.targets.double().std() < thresholds.SMALL_SCALE
    )
    return Finding(
        Kind.TARGET_SCALE if of_targets else Kind.STEP_TOO_SMALL,
        Severity.WARNING,
        None,
        {"gradient_entry": entry, "epsilon": seen.epsilon, "step_size": seen.step_size},
        f"{'Standardise the targets' if of_targets else 'Scale the loss'} (or make eps far "
        f"smaller): the gradient's entries are about {entry:.1e}, and {seen.name} adds "
        f"eps={seen.epsilon:.0e} to their size before it divides by it, so that its steps are "
        f"{entry / seen.epsilon:.0e} of the step size {seen.step_size:.2g}.",
        (Remedy.STANDARDISE_TARGETS,) if of_targets else (),
        f"loss = {1 / whole:.0e} * loss  # or eps={entry / 1e8:.0e}",
    )


def undamped_momentum(scene: Scene) -> Finding | None:
    """Momentum that forgets nothing: every gradient is added for ever."""
    seen = scene.training.optimiser
    if seen is None or seen.momentum < UNDAMPED or not scene.falls_short:
        return None
    return Finding(
        Kind.STEP_TOO_LARGE,
        Severity.WARNING,
        None,
        {"momentum": seen.momentum, "step_size": seen.step_size},
        f"Use a momentum of about 0.9 instead of {seen.momentum:g}: at 1 and above no gradient is "
        "ever forgotten, and steps swing further and further.",
        (
            Remedy.ANOTHER_OPTIMISER,
            joined((Remedy.REDRAW_WEIGHTS, Remedy.ANOTHER_OPTIMISER)),
        ),
        "for group in optimiser.param_groups:\n    group['momentum'] = 0.9",
    )


def frozen_layers(scene: Scene) -> Finding | None:
    """Parameters without requires_grad."""
    frozen, trained = scene.weights.frozen, scene.landscape.trained
    if not frozen or not trained:
        return None
    if scene.weights.frozen_at_random and scene.falls_short:
        names = scene.weights.frozen_at_random
        return Finding(
            Kind.FROZEN_LAYERS,
            Severity.WARNING,
            None,
            {"frozen": list(frozen), "at_random": list(names)},
            f"Set requires_grad of the layers that must learn, also of those that are frozen only "
            f"in a part of the loop: {', '.join(names[:SHOWN])} are frozen, and their weights are "
            "spread evenly, as a start draws them and training seldom leaves them.",
            (Remedy.UNFREEZE, joined((Remedy.REDRAW_WEIGHTS, Remedy.UNFREEZE))),
        )
    share = sum(frozen.values()) / (sum(frozen.values()) + trained)
    shown = ", ".join(list(frozen)[:SHOWN]) + (", ..." if len(frozen) > SHOWN else "")
    return Finding(
        Kind.FROZEN_LAYERS,
        Severity.INFO,  # whether it is to blame, copies with and without show
        None,
        {"frozen": list(frozen), "share_of_parameters": share},
        f"Set requires_grad of the layers that must learn: {len(frozen)} tensors with {share:.0%} "
        f"of all parameters are frozen ({shown}).",
        (Remedy.UNFREEZE,),
    )
