"""Findings about starts: weights of unusual sizes, inputs that shut them, frozen values."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, log
from typing import Final

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.judge.learning import learns
from spurious.diagnose.judge.tried import loss_shown, numbers, tried_on_a_copy
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.remedy import Remedy, joined
from spurious.diagnose.treat.rehearsal import Aspect, Rehearsal, Rehearsals

NO_START: Final = 0.02
"""Weights of less than this share of a usual start: nobody means to start so."""


def bad_initial_scale(found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    """A usual start learns, and another one of the present sizes does not.

    Layers that are 0 or not finite have no size: they are findings of their own.
    """
    if not all(0 < size < inf for size in found.sizes.values()):
        return
    own = found.of(Aspect.SAME_SIZES)
    afresh = found.afresh
    if not own or afresh is None or not found.sizes or _shut_by_inputs(found) is not None:
        return
    much = learns(found) or not scene.training.begun  # a start may be slow, and no more
    enough = thresholds.ALL_THE_DIFFERENCE if much else thresholds.HELPED
    base = max(found.now, found.as_is.gain, 0.0)
    better = afresh.gain >= base + enough and own[0].gain <= afresh.gain - thresholds.HELPED
    if not better and not _ends_alike(own[0], afresh, found, scene):
        return
    sizes = found.sizes
    name, size = max(sizes.items(), key=lambda one: abs(log(max(one[1], 1e-30))))
    than = f"{size:.3g} times the size" if size > 1 else f"{size:.2g} of the size"
    shown = ", ".join(f"{layer} {value:.3g}" for layer, value in list(sizes.items())[:5])
    slow = not scene.training.begun and max(sizes.values()) < 1 and size > NO_START
    yield Finding(
        Kind.BAD_INITIAL_SCALE,
        Severity.INFO if slow else Severity.WARNING,  # it may only need more steps than a copy has
        name,
        {
            "sizes": dict(sizes),
            "steps": found.steps,
            "loss_of_usual_start": afresh.loss,
            "loss_of_another_start_of_these_sizes": own[0].loss,
        },
        f"Start from weights of the usual size: those of layer {name} have {than} of torch's "
        f"default start ({shown}). Tried on copies for {found.steps} steps: loss "
        f"{afresh.loss:.4g} from the default start, {loss_shown(own[0].loss)} from another start "
        "of these sizes.",
        (Remedy.REDRAW_WEIGHTS, Remedy.RESCALE),
    )


def _ends_alike(own: Rehearsal, afresh: Rehearsal, found: Rehearsals, scene: Scene) -> bool:
    """Whether a start of the same sizes ends in as many steps where training has, poorly.

    And a usual start learns in them: more steps would help, but it is the start that needs them.
    """
    made = scene.training.steps or 0
    if not scene.training.begun or not scene.is_poor or own.loss is None or made < own.trial.steps:
        return False
    alike = abs(own.gain - found.now) <= thresholds.HELPED
    return alike and afresh.gain >= max(own.gain, 0.0) + thresholds.ALL_THE_DIFFERENCE


def _shut_by_inputs(found: Rehearsals) -> tuple[Rehearsal, Rehearsal] | None:
    """Starts of the present sizes, if they learn with standardised inputs alone: without, with."""
    raw, scaled = found.of(Aspect.SAME_SIZES), found.of(Aspect.SAME_SIZES_SCALED)
    if not raw or not scaled or scaled[0].loss is None:
        return None
    helps = scaled[0].gain >= raw[0].gain + thresholds.ALL_THE_DIFFERENCE
    return (raw[0], scaled[0]) if helps else None


def inputs_shut_starts(found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    """Starts of the present sizes learn with standardised inputs alone."""
    pair, afresh, x = _shut_by_inputs(found), found.afresh, scene.data.features
    if pair is None or afresh is None or x is None:
        return
    raw, scaled = pair
    yield Finding(
        Kind.UNSCALED_INPUTS,
        Severity.WARNING,
        None,
        {
            "steps": found.steps,
            "loss_with_the_change": scaled.loss,
            "loss_without": raw.loss,
            "loss_of_usual_start": afresh.loss,
        },
        f"Standardise the inputs, x = (x - mean) / std: they lie between {float(x.min()):.4g} and "
        f"{float(x.max()):.4g}. Tried on copies for {found.steps} steps, from another start of the "
        f"present weights' sizes: loss {scaled.loss:.4g} with standardised inputs, "
        f"{loss_shown(raw.loss)} with these. (From torch's default start: {afresh.loss:.4g}.)",
        (
            joined((Remedy.REDRAW_WEIGHTS, Remedy.STANDARDISE_INPUTS)),
            Remedy.REDRAW_WEIGHTS,
            Remedy.RESCALE,
        ),
    )


def frozen_at_bad_values(found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    """The model learns once what is frozen, and nothing else, is drawn anew."""
    base = max(found.now, found.as_is.gain, 0.0)
    for result in found.of(Aspect.FROZEN_ANEW):
        if result.loss is None or result.gain < base + thresholds.HELPED:
            continue
        names = ", ".join(list(scene.weights.frozen)[:5])
        yield Finding(
            Kind.FROZEN_LAYERS,
            Severity.WARNING,
            None,
            numbers(result, found) | {"frozen": list(scene.weights.frozen)},
            f"Start {names} anew (reset_parameters), or train them: they are frozen at values at "
            f"which the model cannot learn. Tried on copies for {found.steps} steps: with these "
            f"alone drawn anew loss {result.loss:.4g}, as they are {found.as_is.loss:.4g}.",
            (joined((Remedy.REDRAW_WEIGHTS, Remedy.UNFREEZE)), Remedy.REDRAW_WEIGHTS),
        )


def signals_vanish(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    """Weights through which signals pass make all the difference, where those of torch do not."""
    if not scene.training.begun or result.gain < thresholds.ALL_THE_DIFFERENCE:
        return
    yield Finding(
        Kind.VANISHING_GRADIENT,
        Severity.WARNING,
        None,
        numbers(result, found),
        "Let signals pass through the layers: start from weights scaled so that the "
        "pre-activations of every layer have variance 1, or use relu instead of squashing "
        f"functions, or normalisation. {tried_on_a_copy(result, found)}",
        (result.change.joined, Remedy.REDRAW_WEIGHTS),
    )
