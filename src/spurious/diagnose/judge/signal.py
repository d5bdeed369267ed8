"""Findings about what passes through the whole model: signals, regions, outputs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.records import Affine, Measurements
from spurious.diagnose.remedy import Remedy

NOTHING = 1e-6
"""A loss of a constant that is 0 but for rounding and the end of a fit."""


def signal_findings(seen: Measurements) -> Iterator[Finding]:
    """Judges the signal's way through the layers and back."""
    if seen.not_finite:
        yield Finding(
            Kind.NOT_FINITE,
            Severity.CRITICAL,
            None if seen.not_finite.startswith("the ") else seen.not_finite,
            {"where": seen.not_finite, "loss": seen.landscape.loss},
            f"Infinite numbers or NaN appear, first in {seen.not_finite}. Every gradient after "
            "that is meaningless.",
            (
                Remedy.REDRAW_WEIGHTS,
                Remedy.RESCALE,
                Remedy.STANDARDISE_INPUTS,
                Remedy.SMALLER_STEP,
                Remedy.CLIP_GRADIENTS,
            ),
        )
        return
    if not seen.landscape.trained:
        yield Finding(
            Kind.VANISHING_GRADIENT,
            Severity.CRITICAL,
            None,
            {"trained_parameters": 0},
            "No parameter is trained: requires_grad is False everywhere.",
            (),
        )
        return
    if seen.broadcast:
        yield _broadcast(seen)
    if not seen.landscape.connected:
        yield Finding(
            Kind.VANISHING_GRADIENT,
            Severity.CRITICAL,
            None,
            {"trained_parameters": seen.landscape.trained, "connected": False},
            "The loss does not depend on any trained parameter, as far as autograd sees: something "
            "between them is detached, made into a plain number, or run under no_grad.",
            (),
        )
        return
    yield from _exploding(seen)
    yield from _vanishing(seen)
    yield from _regions(seen)
    yield from _constant(seen)


def _broadcast(seen: Measurements) -> Finding:
    return Finding(
        Kind.BROADCAST_TARGETS,
        Severity.CRITICAL,
        None,
        {"shapes": seen.broadcast},
        f"Give outputs and targets one shape: the loss compares {seen.broadcast}, stretches both, "
        "and so compares each output with the targets of all points. The best that can be learnt "
        "is one constant.",
        (Remedy.MATCH_SHAPES,),
    )


def _ends(seen: Measurements) -> tuple[Affine, Affine] | None:
    """The first and the last trained affine layer, if there are three or more."""
    trained = [layer for layer in seen.affine if not np.isnan(layer.signal)]
    return (trained[0], trained[-1]) if len(trained) >= 3 else None


def _exploding(seen: Measurements) -> Iterator[Finding]:
    relative = seen.landscape.relative_gradient
    ends = _ends(seen)
    ratio = ends[0].signal / ends[1].signal if ends and ends[1].signal > 0 else 1.0
    if relative < thresholds.EXPLODED and ratio < 1 / thresholds.SIGNAL_RATIO:
        return
    largest = max(seen.affine, key=lambda layer: layer.output, default=None)
    yield Finding(
        Kind.EXPLODING_GRADIENT,
        Severity.WARNING,
        largest.name if largest else None,
        {
            "relative_gradient": relative,
            "first_over_last_signal": ratio,
            "loss": seen.landscape.loss,
            "constant_loss": seen.landscape.constant_loss,
            "largest_rms_output": largest.output if largest else None,
        },
        f"Changing one weight matrix by a thousandth of its size changes the loss by about "
        f"{relative / 1000:.3g} times the loss of a constant; steps of usual size overshoot."
        if relative >= thresholds.EXPLODED
        else f"The first layer gets {ratio:.3g} times the signal of the last: a step size that "
        "suits one is far from suiting the other.",
        (
            Remedy.RESCALE,
            Remedy.REDRAW_WEIGHTS,
            Remedy.STANDARDISE_INPUTS,
            Remedy.SMALLER_STEP,
            Remedy.CLIP_GRADIENTS,
        ),
    )


def _vanishing(seen: Measurements) -> Iterator[Finding]:
    ends = _ends(seen)
    if ends is None or any(layer.dead.all() for layer in seen.units):
        return
    first, last = ends
    if last.signal <= 0 or first.signal >= thresholds.SIGNAL_RATIO * last.signal:
        return
    ratio = first.signal / last.signal
    reaches = "No gradient reaches" if ratio == 0 else f"Only {ratio:.1e} of the signal reaches"
    yield Finding(
        Kind.VANISHING_GRADIENT,
        Severity.CRITICAL if ratio == 0 else Severity.WARNING,
        first.name,
        {
            "first_over_last_signal": ratio,
            "last_layer": last.name,
            "signals": {layer.name: layer.signal for layer in seen.affine},
        },
        f"{reaches} layer {first.name} that layer {last.name} gets (change of the loss for a "
        "relative change of the layer's outputs), so the first layers hardly learn.",
        (
            Remedy.RESCALE,
            Remedy.REDRAW_WEIGHTS,
            Remedy.ANOTHER_OPTIMISER,
            Remedy.LEAKY_SLOPE,
            Remedy.LARGER_STEP,
        ),
    )


def _regions(seen: Measurements) -> Iterator[Finding]:
    regions, landscape = seen.regions, seen.landscape
    if not seen.units or all(layer.is_output for layer in seen.units):
        return
    if any(layer.dead.all() for layer in seen.units):
        return
    if regions.affinity is not None:
        affine = regions.affinity < thresholds.AFFINE
    elif regions.bending is not None:
        affine = regions.bending < thresholds.FEW_BENDS
    else:
        return
    learnt = landscape.constant_loss is not None and (
        landscape.loss < thresholds.POOR * landscape.constant_loss
    )
    if not affine:
        return
    where = ""
    if regions.occupied is not None and regions.largest is not None:
        where = (
            f" The {regions.points} points lie in {regions.occupied} linear "
            f"region{'s' if regions.occupied != 1 else ''}, {regions.largest:.0%} of them in one."
        )
    yield Finding(
        Kind.SHARED_REGIONS,
        Severity.INFO if learnt else Severity.WARNING,
        None,
        {
            "nonlinearity_at_midpoints": regions.affinity,
            "share_of_units_that_bend": regions.bending,
            "regions": regions.occupied,
            "points": regions.points,
            "share_in_largest_region": regions.largest,
            "share_in_regions_with_other_targets": regions.mixed,
            "linear_loss": landscape.linear_loss,
        },
        "On these points the model is affine: it does no more than a linear model, whatever the "
        f"number of its units.{where}",
        (
            Remedy.STANDARDISE_INPUTS,
            Remedy.RESCALE,
            Remedy.SHIFT_BIASES,
            Remedy.REDRAW_WEIGHTS,
            Remedy.WHITEN_INPUTS,
        ),
    )


def _constant(seen: Measurements) -> Iterator[Finding]:
    landscape = seen.landscape
    if landscape.output_size == 0 and landscape.output_spread == 0 and not seen.affine:
        return
    equal = landscape.output_spread <= thresholds.CONSTANT * landscape.output_size
    if not equal and landscape.output_worth >= thresholds.WORTHLESS:
        return
    learnt = landscape.constant_loss is not None and (
        landscape.loss < thresholds.POOR * landscape.constant_loss
    )
    nothing = landscape.constant_loss is not None and landscape.constant_loss <= NOTHING
    if landscape.loss == 0 and landscape.constant_loss is None:
        return  # of triplets that are all far enough apart, say
    if learnt or (nothing and landscape.loss <= 2 * NOTHING):
        return  # a constant is all there is to learn
    best = landscape.constant_loss
    compare = ""
    if best is not None:
        compare = f"; the best constant has the loss {best:.4g}, the model {landscape.loss:.4g}"
    yield Finding(
        Kind.CONSTANT_OUTPUT,
        Severity.CRITICAL if equal else Severity.WARNING,
        None,
        {
            "output_spread": landscape.output_spread,
            "output_size": landscape.output_size,
            "worth_of_differences": landscape.output_worth,
            "loss": landscape.loss,
            "constant_loss": best,
        },
        (
            "The model gives the same output for all points"
            if equal
            else "The model's outputs hardly differ from point to point"
        )
        + f"{compare}.",
        (
            Remedy.RESCALE,
            Remedy.REDRAW_WEIGHTS,
            Remedy.SHIFT_BIASES,
            Remedy.STANDARDISE_INPUTS,
            Remedy.LARGER_STEP,
        ),
    )
