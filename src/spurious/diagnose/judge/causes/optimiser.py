"""Checks of what is trained: by requires_grad, and by the optimiser, if it is given."""

from __future__ import annotations

from typing import Final

from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.remedy import Remedy

SHOWN: Final = 5
"""Names listed."""


def optimiser_misses_parameters(scene: Scene) -> Finding | None:
    """Trained parameters that the optimiser does not hold, or parameters of another model."""
    seen = scene.optimiser
    if seen is None or (not seen.missed and not seen.strangers):
        return None
    if not seen.missed:
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
        f"{len(seen.missed) + len(seen.held)} trained tensors ({missed}), so they never move."
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
    seen = scene.optimiser
    if seen is None or not seen.never_stepped or not scene.trained or not seen.held:
        return None
    if scene.landscape.gradient_norm == 0:
        return None
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


def maximises(scene: Scene) -> Finding | None:
    """An optimiser that climbs."""
    if scene.optimiser is None or not scene.optimiser.flips:
        return None
    return Finding(
        Kind.GRADIENT_SIGN_FLIPPED,
        Severity.WARNING,
        None,
        {"maximize": True},
        "Leave out maximize=True: the optimiser makes the loss larger.",
        (),
    )


def frozen_layers(scene: Scene) -> Finding | None:
    """Parameters without requires_grad."""
    frozen, trained = scene.frozen, scene.landscape.trained
    if not frozen or not trained:
        return None
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
