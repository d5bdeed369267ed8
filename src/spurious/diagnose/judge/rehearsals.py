"""Findings that short trainings of copies lead to: scales, step sizes, weight decay, freezing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf, log
from typing import Final

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.judge.causes.structure import nothing_bends
from spurious.diagnose.judge.edges import at_edge
from spurious.diagnose.judge.learning import learns
from spurious.diagnose.judge.parts import loop_at_fault
from spurious.diagnose.judge.traces import (
    another_gradient,
    clipped,
    held_small,
    killed,
    leaps,
    scheduled,
    unshuffled,
)
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.records import Curvature, Measurements
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.remedy import Remedy, joined
from spurious.diagnose.treat.rehearse import (
    LARGER,
    SMALLER,
    Aspect,
    Rehearsal,
    Rehearsals,
)

NO_START: Final = 0.02
"""Weights of less than this share of a usual start: nobody means to start so."""

LONGER: Final = 10.0
"""Times the steps of a copy that training is meant to have at least."""

SCALES: Final = frozenset({Aspect.INPUTS, Aspect.TARGETS, Aspect.BOTH_SCALES})
"""Where standardised data let these steps do as well as smaller ones, they are not too large."""

FACTORS: Final = {
    Remedy.SMALLER_STEP: 0.1,
    Remedy.HUNDREDTH_STEP: 1e-2,
    Remedy.THOUSANDTH_STEP: 1e-3,
    Remedy.LARGER_STEP: 10.0,
    Remedy.HUNDREDFOLD_STEP: 100.0,
}
"""What each remedy multiplies the step size with."""


def rehearsal_findings(
    found: Rehearsals | None, scene: Scene, seen: Measurements
) -> Iterator[Finding]:
    """Judges what helped, the most likely cause first."""
    if found is None:
        return
    if scene.learns_by_own_steps:
        return  # what copies do in another loop does not matter
    yield from at_edge(found, scene)
    yield from _bad_initial_scale(found, scene)
    yield from _inputs_shut_starts(found, scene)
    yield from _frozen_at_bad_values(found, scene)
    yield from unshuffled(found, scene)
    yield from leaps(found, scene, seen)
    yield from killed(found, scene, seen)
    base = max(found.now, found.as_is.gain, found.afresh.gain if found.afresh else 0.0, 0.0)
    wanted = base + thresholds.HELPED
    if learns(found):
        if scene.trained:
            yield (
                scheduled(found, scene)
                or clipped(found, scene)
                or another_gradient(found, scene)
                or loop_at_fault(found, scene)
                or _too_few_updates(found, scene)
            )
        wanted = base + thresholds.ALL_THE_DIFFERENCE
    if not scene.trained:  # a start says little: only what makes all the difference counts
        wanted = max(wanted, thresholds.ALL_THE_DIFFERENCE)
        if base > thresholds.NO_DIFFERENCE or _arrives(found.as_is):
            return
    # where a copy learns all that this one has not learnt in more steps, it is not for their number
    whole = min(wanted, max(base + thresholds.HELPED, 1 - thresholds.GOOD))
    losing = max(found.now, found.as_is.gain, found.afresh.gain if found.afresh else found.now)
    after = found.as_is.loss
    slow = after is not None and after >= (1 - thresholds.LEARNT) * scene.landscape.loss
    longer = wanted
    if slow and -inf < losing < 0:
        longer = min(wanted, losing + thresholds.ALL_THE_DIFFERENCE)
    least = {
        Aspect.LARGER: longer,  # from far above a constant's loss it is a long way down
        Aspect.AXES: max(base + thresholds.HELPED, thresholds.ALL_THE_DIFFERENCE),
        **dict.fromkeys((*SCALES, Aspect.SMALLER), whole),
    }
    known = [r for r in found.changed if r.loss is not None]
    helped = [r for r in known if r.gain >= least.get(r.change.aspect, wanted)]
    best = {aspect: _best(helped, aspect) for aspect in {r.change.aspect for r in helped}}
    for aspect, judge in _ORDER.items():
        if aspect in best:
            yield from judge(best[aspect], found, scene)
    if not best and not learns(found) and scene.is_middling:
        yield from held_small(scene)
    again = found.afresh.gain if found.afresh is not None else found.now
    if not scene.trained or again < max(found.now, 0.0) + thresholds.ALL_THE_DIFFERENCE:
        yield from _hopelessly_small(scene, best)  # else such steps are right from another start
    if seen.curvature is not None:
        yield from _beyond_stability(scene, seen.curvature, found)


def _arrives(result: Rehearsal) -> bool:
    """Whether a copy whose loss falls steadily is at the constant's in ten times its steps.

    It has not come there yet: what has, and goes no further, is stuck.
    """
    losses, after = result.trial.losses, result.loss
    if after is None or after <= 0 or len(losses) < 4 or result.gain >= 1:
        return False
    constant = after / (1 - result.gain)
    far, fall = log(after / constant), log(max(losses[len(losses) // 2], 1e-30) / after)
    return far > log(thresholds.WORSE) and fall > 0 and far <= LONGER * 2 * fall


def _bad_initial_scale(found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    """A usual start learns, and another one of the present sizes does not.

    Layers that are 0 or not finite have no size: they are findings of their own.
    """
    if not all(0 < size < inf for size in found.sizes.values()):
        return
    own = [r for r in found.changed if r.change.aspect is Aspect.SAME_SIZES]
    afresh = found.afresh
    if not own or afresh is None or not found.sizes or _shut_by_inputs(found) is not None:
        return
    much = learns(found) or not scene.trained  # a start may be slow, and no more
    enough = thresholds.ALL_THE_DIFFERENCE if much else thresholds.HELPED
    base = max(found.now, found.as_is.gain, 0.0)
    if afresh.gain < base + enough or own[0].gain > afresh.gain - thresholds.HELPED:
        return
    sizes = found.sizes
    name, size = max(sizes.items(), key=lambda one: abs(log(max(one[1], 1e-30))))
    than = f"{size:.3g} times the size" if size > 1 else f"{size:.2g} of the size"
    shown = ", ".join(f"{layer} {value:.3g}" for layer, value in list(sizes.items())[:5])
    other = "NaN or infinity" if own[0].loss is None else f"{own[0].loss:.4g}"
    slow = not scene.trained and max(sizes.values()) < 1 and size > NO_START
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
        f"{afresh.loss:.4g} from the default start, {other} from another start of these sizes.",
        (Remedy.REDRAW_WEIGHTS, Remedy.RESCALE),
    )


def _shut_by_inputs(found: Rehearsals) -> tuple[Rehearsal, Rehearsal] | None:
    """Starts of the present sizes, if they learn with standardised inputs alone: without, with."""
    raw = [r for r in found.changed if r.change.aspect is Aspect.SAME_SIZES]
    scaled = [r for r in found.changed if r.change.aspect is Aspect.SAME_SIZES_SCALED]
    if not raw or not scaled or scaled[0].loss is None:
        return None
    helps = scaled[0].gain >= raw[0].gain + thresholds.ALL_THE_DIFFERENCE
    return (raw[0], scaled[0]) if helps else None


def _inputs_shut_starts(found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    pair, afresh, x = _shut_by_inputs(found), found.afresh, scene.features
    if pair is None or afresh is None or x is None:
        return
    raw, scaled = pair
    without = "NaN or infinity" if raw.loss is None else f"{raw.loss:.4g}"
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
        f"present weights' sizes: loss {scaled.loss:.4g} with standardised inputs, {without} "
        f"with these. (From torch's default start: {afresh.loss:.4g}.)",
        (
            joined((Remedy.REDRAW_WEIGHTS, Remedy.STANDARDISE_INPUTS)),
            Remedy.REDRAW_WEIGHTS,
            Remedy.RESCALE,
        ),
    )


def _frozen_at_bad_values(found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    """The model learns once what is frozen, and nothing else, is drawn anew."""
    base = max(found.now, found.as_is.gain, 0.0)
    for result in found.changed:
        if result.change.aspect is not Aspect.FROZEN_ANEW or result.loss is None:
            continue
        if result.gain < base + thresholds.HELPED:
            continue
        names = ", ".join(list(scene.frozen)[:5])
        yield Finding(
            Kind.FROZEN_LAYERS,
            Severity.WARNING,
            None,
            _numbers(result, found) | {"frozen": list(scene.frozen)},
            f"Start {names} anew (reset_parameters), or train them: they are frozen at values at "
            f"which the model cannot learn. Tried on copies for {found.steps} steps: with these "
            f"alone drawn anew loss {result.loss:.4g}, as they are {found.as_is.loss:.4g}.",
            (joined((Remedy.REDRAW_WEIGHTS, Remedy.UNFREEZE)), Remedy.REDRAW_WEIGHTS),
        )


def _best(helped: list[Rehearsal], aspect: Aspect) -> Rehearsal:
    """Of several step sizes the one nearest to the present that comes near the best."""
    own = [r for r in helped if r.change.aspect is aspect]
    top = max(r.gain for r in own)
    good = [r for r in own if r.gain >= top - thresholds.LEARNT]
    mild = [*SMALLER, *LARGER]

    def strength(result: Rehearsal) -> int:
        return max((mild.index(name) for name in result.change.remedies if name in mild), default=0)

    return min(good, key=strength)


def _numbers(result: Rehearsal, found: Rehearsals) -> dict[str, object]:
    return {
        "steps": found.steps,
        "loss_with_the_change": result.loss,
        "loss_without": found.afresh.loss if found.afresh else found.as_is.loss,
        "share_won_with": result.gain,
        "share_won_without": found.afresh.gain if found.afresh else found.as_is.gain,
    }


def _unscaled_inputs(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    x = scene.features
    assert x is not None
    flat = x.double().reshape(len(x), -1)
    mean, std = float(flat.mean(0).abs().max()), flat.std(0)
    yield Finding(
        Kind.UNSCALED_INPUTS,
        Severity.WARNING,
        None,
        _numbers(result, found)
        | {
            "largest_mean": mean,
            "least_spread": float(std.min()),
            "largest_spread": float(std.max()),
        },
        f"Standardise the inputs, x = (x - mean) / std: they lie between {float(x.min()):.4g} and "
        f"{float(x.max()):.4g}, with spreads from {float(std.min()):.3g} to "
        f"{float(std.max()):.3g}. {_tried(result, found)}",
        (result.change.joined, Remedy.STANDARDISE_INPUTS),
    )


def _target_scale(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    inputs = [r.gain for r in found.changed if r.change.aspect is Aspect.INPUTS]
    single = result.change.aspect is Aspect.TARGETS
    if single and max(inputs, default=0.0) >= result.gain - thresholds.LEARNT:
        return  # standardised inputs alone do as well
    y = scene.targets.double()
    yield Finding(
        Kind.TARGET_SCALE,
        Severity.WARNING,
        None,
        _numbers(result, found) | {"mean": float(y.mean()), "spread": float(y.std())},
        f"Standardise the targets, y = (y - {float(y.mean()):.4g}) / {float(y.std()):.4g}, and "
        f"undo it in predictions: they lie between {float(y.min()):.4g} and {float(y.max()):.4g}, "
        f"far from what a fresh model gives. {_tried(result, found)}",
        (result.change.joined, Remedy.STANDARDISE_TARGETS),
    )


def _both_scales(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    single = [r.gain for r in found.changed if r.change.aspect in (Aspect.INPUTS, Aspect.TARGETS)]
    if max(single, default=0.0) > result.gain - thresholds.HELPED:
        return
    yield from _target_scale(result, found, scene)
    yield from _unscaled_inputs(result, found, scene)


def _step_too_large(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    assert scene.optimiser is not None
    size = scene.optimiser.step_size
    better = size * FACTORS[result.change.remedies[-1]]
    scaled = [r.gain for r in found.changed if r.change.aspect in SCALES]
    as_well = max(scaled, default=0.0) >= result.gain - thresholds.LEARNT
    yield Finding(
        Kind.STEP_TOO_LARGE,
        Severity.WARNING if as_well else Severity.CRITICAL,
        None,
        _numbers(result, found) | {"step_size": size, "better_step_size": better},
        f"Use a smaller step size, about lr={better:.2g} instead of {size:.2g}. "
        f"{_tried(result, found)}",
        (result.change.joined, result.change.remedies[-1]),
    )


def _shows_large_steps(result: Rehearsal) -> bool:
    """Whether a copy learns by smaller steps from a start from which one by these does not."""
    return result.change.aspect is Aspect.SIGNAL_SMALLER and result.gain >= 2 * thresholds.HELPED


def _too_large_where_signals_pass(
    result: Rehearsal, found: Rehearsals, scene: Scene
) -> Iterator[Finding]:
    assert scene.optimiser is not None
    other = next(r for r in found.changed if r.change.aspect is Aspect.SIGNAL)
    if not _shows_large_steps(result):
        return
    size = scene.optimiser.step_size
    without = "NaN or infinity" if other.loss is None else f"{other.loss:.4g}"
    yield Finding(
        Kind.STEP_TOO_LARGE,
        Severity.WARNING,
        None,
        _numbers(result, found)
        | {"step_size": size, "better_step_size": size / 10, "loss_with_these_steps": other.loss},
        f"Use a smaller step size, about lr={size / 10:.2g} instead of {size:.2g}. Tried on copies "
        f"for {found.steps} steps, from weights through which signals pass: loss "
        f"{result.loss:.4g} with smaller steps, {without} with these. From torch's default start "
        "neither gets anywhere in so few.",
        (result.change.joined, Remedy.SMALLER_STEP),
    )


def _signals_vanish(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    """Weights through which signals pass make all the difference, where those of torch do not."""
    if not scene.trained or result.gain < thresholds.ALL_THE_DIFFERENCE:
        return
    yield Finding(
        Kind.VANISHING_GRADIENT,
        Severity.WARNING,
        None,
        _numbers(result, found),
        "Let signals pass through the layers: start from weights scaled so that the "
        "pre-activations of every layer have variance 1, or use relu instead of squashing "
        f"functions, or normalisation. {_tried(result, found)}",
        (result.change.joined, Remedy.REDRAW_WEIGHTS),
    )


def _far_behind(result: Rehearsal, found: Rehearsals, scene: Scene) -> bool:
    """Whether next to nothing has been learnt, or a change makes all the difference.

    In between a copy may win by having fewer points to learn.
    """
    base = max(found.now, found.as_is.gain, found.afresh.gain if found.afresh else 0.0, 0.0)
    much = result.gain >= base + thresholds.ALL_THE_DIFFERENCE
    return scene.is_poor or (scene.is_middling and much)


def _step_too_small(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    assert scene.optimiser is not None
    if not scene.trained or not _far_behind(result, found, scene):
        return  # a start says nothing about how long one means to train
    size = scene.optimiser.step_size
    better = size * FACTORS[result.change.remedies[-1]]
    yield Finding(
        Kind.STEP_TOO_SMALL,
        Severity.WARNING,
        None,
        _numbers(result, found) | {"step_size": size, "better_step_size": better},
        f"Use a larger step size, about lr={better:.2g} instead of {size:.2g}, or train much "
        f"longer. {_tried(result, found)}",
        (result.change.joined, result.change.remedies[-1], Remedy.ANOTHER_OPTIMISER),
    )


def _another_optimiser(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    helped = [r for r in found.changed if r.change.aspect in (Aspect.LARGER, Aspect.SMALLER)]
    if scene.optimiser is None or not scene.trained or scene.optimiser.name == "Adam":
        return
    if any(_shows_large_steps(r) for r in found.changed):
        return
    if not _far_behind(result, found, scene):
        return
    afresh = found.afresh.gain if found.afresh else 0.0
    least = max(found.now, found.as_is.gain, afresh, 0.0) + thresholds.HELPED
    other = max((r.gain for r in helped), default=0.0)
    if other >= max(least, result.gain - thresholds.HELPED):
        return  # the step size alone does it
    yield Finding(
        Kind.STEP_TOO_SMALL,
        Severity.WARNING,
        None,
        _numbers(result, found) | {"step_size": scene.optimiser.step_size, "optimiser": "Adam"},
        f"Use Adam with lr=0.001 instead of {scene.optimiser.name} with "
        f"lr={scene.optimiser.step_size:.2g}, by which the loss hardly moves. "
        f"{_tried(result, found)}",
        (result.change.joined, Remedy.ANOTHER_OPTIMISER),
    )


def _over_regularised(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    assert scene.optimiser is not None
    decay = scene.optimiser.weight_decay
    yield Finding(
        Kind.OVER_REGULARISED,
        Severity.WARNING,
        None,
        _numbers(result, found) | {"weight_decay": decay},
        f"Use a far smaller weight decay than {decay:.2g}: it pulls the weights to 0 faster than "
        f"the data move them. {_tried(result, found)}",
        (result.change.joined, Remedy.WITHOUT_WEIGHT_DECAY),
    )


def _dropped(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    yield Finding(
        Kind.OVER_REGULARISED,
        Severity.WARNING,
        None,
        _numbers(result, found) | {"dropout": scene.dropout, "noise": scene.noise},
        (
            f"Use far less dropout than {scene.dropout:.2g}: too little passes for anything to be "
            "learnt. "
            if scene.dropout
            else "Use far less noise in training: outputs of one point in two training passes are "
            f"{scene.noise:.2g} times as far apart as those of two points. "
        )
        + _tried(result, found),
        (result.change.joined, Remedy.WITHOUT_DROPOUT),
        "for module in model.modules():\n"
        "    if isinstance(module, torch.nn.Dropout):\n        module.p = 0.1",
    )


def _unfreeze(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    names = ", ".join(list(scene.frozen)[:5])
    yield Finding(
        Kind.FROZEN_LAYERS,
        Severity.WARNING,
        None,
        _numbers(result, found) | {"frozen": list(scene.frozen)},
        f"Set requires_grad of {len(scene.frozen)} frozen tensors ({names}). "
        f"{_tried(result, found)}",
        (result.change.joined, Remedy.UNFREEZE),
    )


def _new_optimiser(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    assert scene.optimiser is not None
    missed = scene.optimiser.missed
    yield Finding(
        Kind.OPTIMISER_MISSES_PARAMETERS,
        Severity.WARNING,
        None,
        _numbers(result, found) | {"missed": list(missed)},
        f"Make the optimiser again from model.parameters(): it does not hold {len(missed)} trained "
        f"tensors ({', '.join(missed[:5])}). {_tried(result, found)}",
        (result.change.joined, Remedy.NEW_OPTIMISER),
    )


def _too_few_units(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    same = max(
        (r.gain for r in found.changed if r.change.aspect in (Aspect.ADAM, Aspect.QUICK)),
        default=0.0,
    )
    if not scene.trained or same > result.gain - thresholds.HELPED:
        return
    if result.gain < thresholds.ALL_THE_DIFFERENCE or found.carries is False:
        return
    yield Finding(
        Kind.TOO_FEW_UNITS,
        Severity.WARNING,
        None,
        _numbers(result, found),
        "Give the hidden layers more units: with four times as many a copy learns what this one "
        f"does not, from a start and with an optimiser alike. {_tried(result, found)}",
        (result.change.joined, Remedy.WIDER_LAYERS, Remedy.ADD_UNIT),
    )


def _bent(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    tried = _tried(result, found)
    yield nothing_bends(
        scene,
        _numbers(result, found),
        f"it does not learn what one with a relu between them does. {tried.removesuffix('.')}",
    )


def _permuted(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    shown = ", ".join(f"{before} to {after}" for before, after in scene.reshapes[:3])
    yield Finding(
        Kind.WRONG_AXIS,
        Severity.WARNING,
        None,
        _numbers(result, found) | {"reshapes": [list(map(list, pair)) for pair in scene.reshapes]},
        f"Permute the axes before you reshape ({shown}): a reshape keeps the entries in their "
        f"order, and so mixes what stands on different axes. {_tried(result, found)}",
        (result.change.joined, Remedy.PERMUTE_AXES),
        "z = z.flatten(2).transpose(1, 2)  # (n, C, H, W) to (n, H W, C)\n"
        "z = z.reshape(n, T, heads, d).transpose(1, 2)  # (n, T, heads d) to (n, heads, T, d)",
    )


Judge = Callable[[Rehearsal, Rehearsals, Scene], Iterator[Finding]]
_ORDER: dict[Aspect, Judge] = {
    Aspect.AXES: _permuted,
    Aspect.BENDS: _bent,
    Aspect.OPTIMISER: _new_optimiser,
    Aspect.FROZEN: _unfreeze,
    Aspect.BOTH_SCALES: _both_scales,
    Aspect.TARGETS: _target_scale,
    Aspect.INPUTS: _unscaled_inputs,
    Aspect.DECAY: _over_regularised,
    Aspect.DROPOUT: _dropped,
    Aspect.SMALLER: _step_too_large,
    Aspect.SIGNAL: _signals_vanish,
    Aspect.SIGNAL_SMALLER: _too_large_where_signals_pass,
    Aspect.LARGER: _step_too_small,
    Aspect.ADAM: _another_optimiser,
    Aspect.WIDER: _too_few_units,
}


def _tried(result: Rehearsal, found: Rehearsals) -> str:
    other = found.afresh or found.as_is
    without = "NaN or infinity" if other.loss is None else f"{other.loss:.4g}"
    return f"Tried on a copy for {found.steps} steps: loss {result.loss:.4g}, without {without}."


def _too_few_updates(found: Rehearsals, scene: Scene) -> Finding:
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


def _hopelessly_small(scene: Scene, best: dict[Aspect, Rehearsal]) -> Iterator[Finding]:
    """Before training too: the updates that steepest descent would need."""
    seen, landscape = scene.optimiser, scene.landscape
    if seen is None or seen.name != "SGD" or (Aspect.LARGER in best and scene.trained):
        return
    square = landscape.gradient_norm**2
    if square == 0 or not landscape.relative_gradient > thresholds.STATIONARY:
        return
    updates = landscape.loss * (1 - seen.momentum) / (seen.step_size * square)
    if not thresholds.MANY_UPDATES <= updates < inf:
        return
    yield Finding(
        Kind.STEP_TOO_SMALL,
        Severity.WARNING,
        None,
        {"updates_needed": updates, "step_size": seen.step_size},
        f"Use a larger step size than {seen.step_size:.2g}: at the present gradient the loss needs "
        f"some {updates:.1e} updates to fall to 0.",
        (Remedy.LARGER_STEP, Remedy.ANOTHER_OPTIMISER),
    )


def _beyond_stability(scene: Scene, curvature: Curvature, found: Rehearsals) -> Iterator[Finding]:
    """Steps beyond 2 / lambda_max that end in divergence, whatever else could be changed."""
    seen = scene.optimiser
    if seen is None or seen.name != "SGD" or not found.as_is.diverged or curvature.highest <= 0:
        return
    if scene.trained and not scene.is_middling:
        return  # its own training got on with these steps: gradients may be clipped
    if any(r.change.aspect is Aspect.SMALLER and r.gain > thresholds.HELPED for r in found.changed):
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
