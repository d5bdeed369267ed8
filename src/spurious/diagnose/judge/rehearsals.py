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
from spurious.diagnose.judge.starts import (
    bad_initial_scale,
    frozen_at_bad_values,
    inputs_shut_starts,
    signals_vanish,
)
from spurious.diagnose.judge.steps import (
    OF_INPUTS,
    another_optimiser,
    beyond_stability,
    few_points_need_many_steps,
    hopelessly_small,
    step_too_large,
    step_too_small,
    too_few_updates,
    too_large_where_signals_pass,
)
from spurious.diagnose.judge.traces import (
    another_gradient,
    clipped,
    held_small,
    killed,
    leaps,
    scheduled,
    unshuffled,
)
from spurious.diagnose.judge.tried import numbers, tried_on_a_copy
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.records import Measurements
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.remedy import Remedy, joined
from spurious.diagnose.treat.rehearsal import (
    LARGER,
    SMALLER,
    Aspect,
    Rehearsal,
    Rehearsals,
)

OF_MODELS: Final = frozenset({Aspect.BIASES, Aspect.SIGNAL, Aspect.SIGNAL_SMALLER})
"""Changes of the model's layers, none of which a value shows to be needed."""

LONGER: Final = 10.0
"""Times the steps of a copy that training is meant to have at least."""


def rehearsal_findings(
    found: Rehearsals | None, scene: Scene, seen: Measurements
) -> Iterator[Finding]:
    """Judges what helped, the most likely cause first."""
    if found is None:
        return
    if scene.training.learns_by_own_steps:
        return  # what copies do in another loop does not matter
    yield from at_edge(found, scene)
    yield from bad_initial_scale(found, scene)
    yield from inputs_shut_starts(found, scene)
    yield from frozen_at_bad_values(found, scene)
    yield from unshuffled(found, scene)
    another = None if learns(found) else another_gradient(found, scene)
    if another is not None:
        yield another
    else:
        yield from few_points_need_many_steps(found, scene)
    yield from leaps(found, scene, seen)
    yield from killed(found, scene, seen)
    base = found.unchanged
    wanted = base + thresholds.HELPED
    if learns(found):
        if scene.training.begun:
            yield (
                scheduled(found, scene)
                or clipped(found, scene)
                or another_gradient(found, scene)
                or loop_at_fault(found, scene)
                or too_few_updates(found, scene)
            )
        wanted = base + thresholds.ALL_THE_DIFFERENCE
    if not scene.training.begun:  # a start says little: only what makes all the difference counts
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
        **dict.fromkeys((*OF_INPUTS, Aspect.TARGETS, Aspect.SMALLER), whole),
    }
    known = [r for r in found.changed if r.loss is not None]
    if scene.has_partners:  # against an opponent that stands still many a change does well
        known = [r for r in known if r.change.aspect not in OF_MODELS]
    helped = [r for r in known if r.gain >= least.get(r.change.aspect, wanted)]
    best = {aspect: _best(helped, aspect) for aspect in {r.change.aspect for r in helped}}
    if Aspect.LARGER in best and best[Aspect.LARGER].gain < max(
        r.gain - thresholds.ALL_THE_DIFFERENCE for r in best.values()
    ):
        del best[Aspect.LARGER]  # it helps, but something else is what is missing
    for aspect, judge in _ORDER.items():
        if aspect in best:
            yield from judge(best[aspect], found, scene)
    if not best and not learns(found) and scene.is_middling:
        yield from held_small(scene)
    again = found.afresh.gain if found.afresh is not None else found.now
    if not scene.training.begun or again < max(found.now, 0.0) + thresholds.ALL_THE_DIFFERENCE:
        yield from hopelessly_small(scene, best)  # else such steps are right from another start
    if seen.curvature is not None:
        yield from beyond_stability(scene, seen.curvature, found)


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


def _best(helped: list[Rehearsal], aspect: Aspect) -> Rehearsal:
    """Of several step sizes the one nearest to the present that comes near the best."""
    own = [r for r in helped if r.change.aspect is aspect]
    top = max(r.gain for r in own)
    good = [r for r in own if r.gain >= top - thresholds.LEARNT]
    mild = [*SMALLER, *LARGER]

    def strength(result: Rehearsal) -> int:
        return max((mild.index(name) for name in result.change.remedies if name in mild), default=0)

    return min(good, key=strength)


def _unscaled_inputs(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    x = scene.data.features
    assert x is not None
    flat = x.double().reshape(len(x), -1)
    mean, std = float(flat.mean(0).abs().max()), flat.std(0)
    yield Finding(
        Kind.UNSCALED_INPUTS,
        Severity.WARNING,
        None,
        numbers(result, found)
        | {
            "largest_mean": mean,
            "least_spread": float(std.min()),
            "largest_spread": float(std.max()),
        },
        f"Standardise the inputs, x = (x - mean) / std: they lie between {float(x.min()):.4g} and "
        f"{float(x.max()):.4g}, with spreads from {float(std.min()):.3g} to "
        f"{float(std.max()):.3g}. {tried_on_a_copy(result, found)}",
        (result.change.joined, Remedy.STANDARDISE_INPUTS),
    )


def _target_scale(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    inputs = [r.gain for r in found.of(Aspect.INPUTS)]
    single = result.change.aspect is Aspect.TARGETS
    if single and max(inputs, default=0.0) >= result.gain - thresholds.LEARNT:
        return  # standardised inputs alone do as well
    if Remedy.SCALE_OUTPUTS in result.change.remedies:
        yield _far_outputs(result, found, scene)
        return
    y = scene.task.targets.double()
    yield Finding(
        Kind.TARGET_SCALE,
        Severity.WARNING,
        None,
        numbers(result, found) | {"mean": float(y.mean()), "spread": float(y.std())},
        f"Standardise the targets, y = (y - {float(y.mean()):.4g}) / {float(y.std()):.4g}, and "
        f"undo it in predictions: they lie between {float(y.min()):.4g} and {float(y.max()):.4g}, "
        f"far from what a fresh model gives. {tried_on_a_copy(result, found)}",
        (result.change.joined, Remedy.STANDARDISE_TARGETS),
    )


def _far_outputs(result: Rehearsal, found: Rehearsals, scene: Scene) -> Finding:
    """Outputs that a loss of its own wants large, whatever it makes its targets of."""
    task = scene.task
    assert task.wanted is not None
    return Finding(
        Kind.TARGET_SCALE,
        Severity.WARNING,
        None,
        numbers(result, found) | {"wanted_outputs": task.wanted},
        f"Divide what the loss compares the outputs with (targets, rewards) by about "
        f"{task.wanted:.2g}, and undo it in predictions: it wants outputs of about that size, "
        f"and a fresh model gives less than 1. {tried_on_a_copy(result, found)}",
        (result.change.joined, Remedy.SCALE_OUTPUTS),
        f"y = y / {task.wanted:.2g}  # targets or rewards",
    )


def _both_scales(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    single = [r.gain for r in found.of(Aspect.INPUTS, Aspect.TARGETS)]
    if max(single, default=0.0) > result.gain - thresholds.HELPED:
        return
    yield from _target_scale(result, found, scene)
    yield from _unscaled_inputs(result, found, scene)


def _over_regularised(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    assert scene.training.optimiser is not None
    decay = scene.training.optimiser.weight_decay
    yield Finding(
        Kind.OVER_REGULARISED,
        Severity.WARNING,
        None,
        numbers(result, found) | {"weight_decay": decay, "held_by_decay": scene.held_by_decay},
        f"Use a far smaller weight decay than {decay:.2g}: "
        + (
            "it pulls the weights back as hard as the loss's gradient pulls on. "
            if scene.held_by_decay
            else "it pulls the weights to 0 faster than the data move them. "
        )
        + tried_on_a_copy(result, found),
        (result.change.joined, Remedy.WITHOUT_WEIGHT_DECAY),
    )


def _dropped(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    yield Finding(
        Kind.OVER_REGULARISED,
        Severity.WARNING,
        None,
        numbers(result, found) | {"dropout": scene.model.dropout, "noise": scene.model.noise},
        (
            f"Use far less dropout than {scene.model.dropout:.2g}: too little passes for anything "
            "to be learnt. "
            if scene.model.dropout
            else "Use far less noise in training: outputs of one point in two training passes are "
            f"{scene.model.noise:.2g} times as far apart as those of two points. "
        )
        + tried_on_a_copy(result, found),
        (result.change.joined, Remedy.WITHOUT_DROPOUT),
        "for module in model.modules():\n"
        "    if isinstance(module, torch.nn.Dropout):\n        module.p = 0.1",
    )


def _unfreeze(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    names = ", ".join(list(scene.weights.frozen)[:5])
    yield Finding(
        Kind.FROZEN_LAYERS,
        Severity.WARNING,
        None,
        numbers(result, found) | {"frozen": list(scene.weights.frozen)},
        f"Set requires_grad of {len(scene.weights.frozen)} frozen tensors ({names}). "
        f"{tried_on_a_copy(result, found)}",
        (result.change.joined, Remedy.UNFREEZE),
    )


def _new_optimiser(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    assert scene.training.optimiser is not None
    missed = scene.training.optimiser.missed
    yield Finding(
        Kind.OPTIMISER_MISSES_PARAMETERS,
        Severity.WARNING,
        None,
        numbers(result, found) | {"missed": list(missed)},
        f"Make the optimiser again from model.parameters(): it does not hold {len(missed)} trained "
        f"tensors ({', '.join(missed[:5])}). {tried_on_a_copy(result, found)}",
        (result.change.joined, Remedy.NEW_OPTIMISER),
    )


def _registered(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    names = ", ".join(scene.weights.plain_tensors[:5])
    yield Finding(
        Kind.OPTIMISER_MISSES_PARAMETERS,
        Severity.WARNING,
        None,
        numbers(result, found) | {"plain_tensors": list(scene.weights.plain_tensors)},
        f"Make parameters of {names} (torch.nn.Parameter), before the optimiser is made: they are "
        f"plain tensors, which nothing trains. {tried_on_a_copy(result, found)}",
        (result.change.joined, Remedy.REGISTER_TENSORS),
        "self.weight = torch.nn.Parameter(torch.randn(d, k))  # instead of torch.randn(d, k)",
    )


def _too_few_units(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    same = max((r.gain for r in found.of(Aspect.ADAM, Aspect.QUICK)), default=0.0)
    if not scene.training.begun or same > result.gain - thresholds.HELPED:
        return
    if result.gain < thresholds.ALL_THE_DIFFERENCE or found.carries is False:
        return
    yield Finding(
        Kind.TOO_FEW_UNITS,
        Severity.WARNING,
        None,
        numbers(result, found),
        "Give the hidden layers more units: with four times as many a copy learns what this one "
        f"does not, from a start and with an optimiser alike. {tried_on_a_copy(result, found)}",
        (result.change.joined, Remedy.WIDER_LAYERS, Remedy.ADD_UNIT),
    )


def _bent(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    tried = tried_on_a_copy(result, found)
    yield nothing_bends(
        scene,
        numbers(result, found),
        f"it does not learn what one with a relu between them does. {tried.removesuffix('.')}",
    )


def _without_bias(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    names = ", ".join(scene.weights.without_bias[:5])
    yield Finding(
        Kind.MISSING_BIAS,
        Severity.WARNING,
        None,
        numbers(result, found) | {"layers": list(scene.weights.without_bias)},
        f"Give {names} a bias (bias=True): without one every unit is at its middle where the "
        f"inputs are 0, and outputs cannot be shifted. {tried_on_a_copy(result, found)}",
        (result.change.joined, joined((Remedy.REDRAW_WEIGHTS, Remedy.ADD_BIASES))),
        "torch.nn.Linear(d, k)  # and not bias=False",
    )


def _cut_derivative(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    line = scene.in_the_loss.cut_derivative
    yield Finding(
        Kind.DETACHED_LOSS,
        Severity.WARNING,
        None,
        numbers(result, found) | {"line": line},
        f"Take the derivative in {line} with create_graph=True: without it it is a plain number, "
        f"and no gradient passes through. {tried_on_a_copy(result, found)}",
        (result.change.joined, Remedy.KEEP_GRAPH),
        "slope = torch.autograd.grad(u.sum(), x, create_graph=True)[0]",
    )


def _permuted(result: Rehearsal, found: Rehearsals, scene: Scene) -> Iterator[Finding]:
    shown = ", ".join(f"{before} to {after}" for before, after in scene.model.reshapes[:3])
    yield Finding(
        Kind.WRONG_AXIS,
        Severity.WARNING,
        None,
        numbers(result, found)
        | {"reshapes": [list(map(list, pair)) for pair in scene.model.reshapes]},
        f"Permute the axes before you reshape ({shown}): a reshape keeps the entries in their "
        f"order, and so mixes what stands on different axes. {tried_on_a_copy(result, found)}",
        (result.change.joined, Remedy.PERMUTE_AXES),
        "z = z.flatten(2).transpose(1, 2)  # (n, C, H, W) to (n, H W, C)\n"
        "z = z.reshape(n, T, heads, d).transpose(1, 2)  # (n, T, heads d) to (n, heads, T, d)",
    )


Judge = Callable[[Rehearsal, Rehearsals, Scene], Iterator[Finding]]
_ORDER: dict[Aspect, Judge] = {
    Aspect.AXES: _permuted,
    Aspect.GRAPHS: _cut_derivative,
    Aspect.BENDS: _bent,
    Aspect.BIASES: _without_bias,
    Aspect.OPTIMISER: _new_optimiser,
    Aspect.PLAIN: _registered,
    Aspect.FROZEN: _unfreeze,
    Aspect.BOTH_SCALES: _both_scales,
    Aspect.TARGETS: _target_scale,
    Aspect.INPUTS: _unscaled_inputs,
    Aspect.DECAY: _over_regularised,
    Aspect.DROPOUT: _dropped,
    Aspect.SMALLER: step_too_large,
    Aspect.SIGNAL: signals_vanish,
    Aspect.SIGNAL_SMALLER: too_large_where_signals_pass,
    Aspect.LARGER: step_too_small,
    Aspect.ADAM: another_optimiser,
    Aspect.WIDER: _too_few_units,
}
