"""Findings about units: dead, saturated, blind, shifted, duplicated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.records import Affine, Measurements, Units
from spurious.diagnose.remedy import Remedy

SHOWN = 20
"""Units or points listed in the evidence."""


def unit_findings(seen: Measurements) -> Iterator[Finding]:
    """Judges every layer of units."""
    feeding = {layer.weight: layer for layer in seen.affine if layer.weight}
    for layer in over_all_calls(seen):
        if layer.is_output:
            continue
        yield from _dead(layer, seen)
        yield from _saturated(layer)
        yield from _blind(layer, seen)
        yield from _duplicated(layer)
        if layer.weight in feeding:
            yield from _shifted(layer, feeding[layer.weight])


def over_all_calls(seen: Measurements) -> list[Units]:
    """The layers of units, where weights are used again and again (at each step) one for all calls.

    A unit that is off in one call has gradients from the others.
    """
    used = Counter(layer.weight for layer in seen.affine if layer.weight)
    again = {weight for weight, count in used.items() if count > 1}
    calls: dict[tuple[object, ...], list[Units]] = {}
    for place, layer in enumerate(seen.units):
        repeats = layer.weight in again or (again and layer.weight is None)
        key = (layer.module, layer.activation, layer.size, layer.is_output)
        calls.setdefault(key if repeats else (place,), []).append(layer)
    return [_together(group) if len(group) > 1 else group[0] for group in calls.values()]


def _together(calls: list[Units]) -> Units:
    """Several calls of one layer, of the same points, as one."""
    return replace(
        calls[0],
        name=calls[0].module,
        on_points=np.maximum.reduce([call.on_points for call in calls]),
        on_share=np.mean([call.on_share for call in calls], 0),
        above_share=np.mean([call.above_share for call in calls], 0),
        saturated=np.mean([call.saturated for call in calls], 0),
        bends=np.any([call.bends for call in calls], 0),
        units_on=np.maximum.reduce([call.units_on for call in calls]),
        agreement=np.mean([call.agreement for call in calls], 0),
    )


def _dead(layer: Units, seen: Measurements) -> Iterator[Finding]:
    dead = layer.dead
    count, points = int(dead.sum()), len(layer.units_on)
    if not count:
        return
    almost = (layer.on_points > 0) & (layer.on_points < thresholds.ALMOST_DEAD * points)
    whole = count == layer.size
    bypassed = seen.landscape.output_spread > thresholds.CONSTANT * seen.landscape.output_size
    severity = Severity.INFO
    if whole and not bypassed:
        severity = Severity.CRITICAL
    elif count >= thresholds.DEAD_SHARE * layer.size:
        severity = Severity.WARNING
    if whole and not bypassed:
        text = (
            f"Every unit of layer {layer.name} is off on every point, so the output is the same "
            "for all inputs and no gradient reaches this layer or those below it."
        )
    elif whole:
        text = (
            f"Every unit of layer {layer.name} is off on every point; only the path around the "
            "layer still works."
        )
    else:
        text = (
            f"{count} of {layer.size} units of layer {layer.name} are off on every point. They add "
            "nothing, and no gradient reaches them."
        )
    yield Finding(
        Kind.DEAD_UNITS,
        severity,
        layer.name,
        {
            "dead": count,
            "units": layer.size,
            "share": count / layer.size,
            "almost_dead": int(almost.sum()),
            "dead_units": [int(k) for k in np.flatnonzero(dead)[:SHOWN]],
            "points": points,
            "points_missed_by_all_units": int((layer.units_on == 0).sum()),
            "activation": layer.activation,
        },
        text,
        (
            Remedy.REINITIALISE_DEAD_UNITS,
            Remedy.SHIFT_BIASES,
            Remedy.REDRAW_WEIGHTS,
            Remedy.LEAKY_SLOPE,
            Remedy.RESCALE,
        ),
    )


def _saturated(layer: Units) -> Iterator[Finding]:
    if not layer.can_saturate:
        return
    share = float(layer.saturated.mean())
    shut = int((layer.saturated >= thresholds.SATURATED_WHOLLY).sum())
    if share < thresholds.SATURATED_SHARE and not shut:
        return
    severity = Severity.INFO
    if share >= thresholds.SATURATED_SHARE:
        severity = Severity.WARNING
    if share >= thresholds.SATURATED_WHOLLY:
        severity = Severity.CRITICAL
    yield Finding(
        Kind.SATURATION,
        severity,
        layer.name,
        {
            "share_of_values": share,
            "units_always_saturated": shut,
            "units": layer.size,
            "rms_preactivation": layer.magnitude,
            "activation": layer.activation,
        },
        f"{share:.0%} of the values of layer {layer.name} are at the flat ends of "
        f"{layer.activation}, where less than a hundredth of the gradient passes.",
        (Remedy.RESCALE, Remedy.REDRAW_WEIGHTS, Remedy.STANDARDISE_INPUTS, Remedy.SMALLER_STEP),
    )


def _blind(layer: Units, seen: Measurements) -> Iterator[Finding]:
    if layer.name not in seen.forced or layer.dead.all():
        return
    cost, count = seen.forced[layer.name]
    severity = Severity.INFO
    if cost >= thresholds.FORCED_LOSS:
        severity = Severity.WARNING
    if cost >= thresholds.FORCED_ALL:
        severity = Severity.CRITICAL
    points = np.flatnonzero(layer.units_on == 0)
    tail = (
        f" They share one output, which costs at least {cost:.0%} of the loss of the best constant."
        if cost > 0
        else ""
    )
    yield Finding(
        Kind.BLIND_SPOTS,
        severity,
        layer.name,
        {
            "points": count,
            "of": len(layer.units_on),
            "share": count / len(layer.units_on),
            "forced_loss_share": cost,
            "blind_points": sorted(seen.places[k] for k in points)[:SHOWN],
        },
        f"On {count} of {len(layer.units_on)} points no unit of layer {layer.name} is on.{tail}",
        (
            Remedy.SHIFT_BIASES,
            Remedy.REINITIALISE_DEAD_UNITS,
            Remedy.LEAKY_SLOPE,
            Remedy.REDRAW_WEIGHTS,
        ),
    )


def _duplicated(layer: Units) -> Iterator[Finding]:
    same = layer.equal  # dead units too: where all weights are 0 all are off
    if layer.size >= 2 and (same == same[0]).all():
        yield Finding(
            Kind.DUPLICATED_UNITS,
            Severity.CRITICAL if layer.size >= thresholds.FEWEST_UNITS else Severity.WARNING,
            layer.name,
            {"distinct": 1, "units": layer.size, "share_repeated": 1 - 1 / layer.size},
            f"Start from random weights: all {layer.size} units of layer {layer.name} have equal "
            "weights and biases. Equal units get gradients that differ only by their outgoing "
            "weights; where these are equal too, they never part.",
            (Remedy.REDRAW_WEIGHTS, Remedy.RESCALE),
        )
        return
    alive = layer.twins[~layer.dead]
    if len(alive) < 2:
        return
    distinct = len(np.unique(alive))
    if distinct == len(alive):
        return
    share = 1 - distinct / len(alive)
    yield Finding(
        Kind.DUPLICATED_UNITS,
        Severity.WARNING if share >= thresholds.TWIN_SHARE else Severity.INFO,
        layer.name,
        {
            "distinct": distinct,
            "units": len(alive),
            "share_repeated": share,
        },
        f"The {len(alive)} live units of layer {layer.name} have only {distinct} different rows of "
        "weights (up to a factor, where the activation lets factors through). They bend in the "
        "same places and add little to one another.",
        (Remedy.REDRAW_WEIGHTS, Remedy.RESCALE),
    )


def _shifted(layer: Units, feeding: Affine) -> Iterator[Finding]:
    if layer.size < thresholds.FEWEST_UNITS:
        return
    spread = max(feeding.reach, 1e-30)
    error = feeding.std / np.sqrt(feeding.fan_in * feeding.units)
    by_weights = feeding.push / spread
    if abs(feeding.mean) < thresholds.SHIFT_SIGNIFICANCE * error:
        by_weights = 0.0
    by_biases = abs(feeding.bias_mean) / np.hypot(spread, feeding.bias_std)
    if not np.isfinite(by_weights) or not np.isfinite(by_biases):
        return
    extreme = np.maximum(layer.agreement, 1 - layer.agreement) >= thresholds.AGREEMENT
    if max(by_weights, by_biases) < thresholds.SHIFT or extreme.mean() < thresholds.AGREEING_POINTS:
        return
    what = "weights" if by_weights >= by_biases else "biases"
    sign = "off" if layer.agreement.mean() < 0.5 else "on"
    severity = Severity.CRITICAL if layer.dead.all() else Severity.WARNING
    yield Finding(
        Kind.SHIFTED_INITIALISATION,
        severity,
        layer.name,
        {
            "weight_mean": feeding.mean,
            "weight_std": feeding.std,
            "bias_mean": feeding.bias_mean,
            "bias_std": feeding.bias_std,
            "shift_by_weights": float(by_weights),
            "shift_by_biases": float(by_biases),
            "points_with_agreeing_units": float(extreme.mean()),
        },
        f"The {what} of layer {layer.name} are not centred: their mean moves the pre-activations "
        f"by {max(by_weights, by_biases):.1f} standard deviations of what their spread gives, so "
        f"that on {extreme.mean():.0%} of the points nearly all units agree in sign "
        f"({'below' if sign == 'off' else 'above'} 0).",
        (
            Remedy.REDRAW_WEIGHTS,
            Remedy.SHIFT_BIASES,
            Remedy.REINITIALISE_DEAD_UNITS,
            Remedy.RESCALE,
        ),
    )
