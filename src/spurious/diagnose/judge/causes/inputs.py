"""Checks of what of the inputs arrives in a model."""

from __future__ import annotations

from typing import Final

from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.judge.causes.outputs import softmax_over_one_unit
from spurious.diagnose.judge.causes.structure import one_feature_norm
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.remedy import Remedy, joined

TOLD: Final = 0.2
"""What no weights let through explains a fifth of the targets beyond what the rest does, on points
that the linear map was not fitted to: far more than chance."""


def nothing_arrives(scene: Scene) -> Finding | None:
    """Outputs that do not depend on the inputs, whatever the weights are."""
    seen = scene.unseen
    if seen is None or not seen.everything or one_feature_norm(scene) is not None:
        return None
    if softmax_over_one_unit(scene) is not None:
        return None  # which says why
    tried = "Tried on copies whose weights were drawn at random"
    if seen.padding is not None:
        return Finding(
            Kind.MASK_INVERTED,
            Severity.CRITICAL,
            None,
            {"padding": seen.padding},
            "Turn the mask round, or look at what it keeps: other words in the same places leave "
            f"every output as it is, nothing but the padding ({seen.padding}) arrives. {tried}.",
            (),
            "key_padding_mask = x == padding  # nn.MultiheadAttention: True is left out\n"
            "attn_mask = x != padding  # F.scaled_dot_product_attention: True takes part",
        )
    return Finding(
        Kind.CONSTANT_INPUTS,
        Severity.CRITICAL,
        None,
        {"inputs_differ": True},
        "Look at what the model does first: its outputs stay the same when points exchange their "
        "inputs, so that all points are one behind it. Are they cast to integers, clamped, masked "
        f"or normalised away? {tried}.",
        (),
    )


def places_do_not_arrive(scene: Scene) -> Finding | None:
    """Columns or steps that say what the targets are, and that the model's code leaves out."""
    seen = scene.unseen
    if seen is None or seen.everything or seen.told < TOLD:
        return None
    columns = scene.features is not None and scene.features.ndim == 2
    shown = ", ".join(map(str, seen.places[:5])) + (", ..." if len(seen.places) > 5 else "")
    what = "columns" if columns else "steps"
    return Finding(
        Kind.IGNORED_INPUTS if columns else Kind.WRONG_TIME_STEP,
        Severity.WARNING,
        None,
        {"places": list(seen.places), "explained_by_them": seen.told},
        f"Look at what the model takes of its inputs: {what} {shown} move no output, whatever the "
        f"weights are. They explain {seen.told:.0%} of the targets beyond what the others do. Are "
        "they cut off, masked, or behind the lengths that are given?",
        (),
    )


def shut_by_inputs(scene: Scene) -> Finding | None:
    """Inputs so large that a usual start is at the flat ends of its first functions."""
    if scene.shut_by_inputs is None:
        return None
    name, raw, scaled = scene.shut_by_inputs
    x = scene.features
    assert x is not None
    return Finding(
        Kind.UNSCALED_INPUTS,
        Severity.WARNING,
        None,
        {"layer": name, "shut": raw, "shut_standardised": scaled},
        f"Standardise the inputs, x = (x - mean) / std: they lie between {float(x.min()):.4g} and "
        f"{float(x.max()):.4g}, and put {raw:.0%} of the values of {name} at the flat ends of its "
        f"functions at a usual start; standardised ones {scaled:.0%}.",
        (
            joined((Remedy.REDRAW_WEIGHTS, Remedy.STANDARDISE_INPUTS)),
            joined((Remedy.REDRAW_WEIGHTS, Remedy.STANDARDISE_INPUTS, Remedy.STANDARDISE_TARGETS)),
            Remedy.STANDARDISE_INPUTS,
        ),
    )
