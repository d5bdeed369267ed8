# pyright: basic
"""Checks of what of the inputs arrives in a model."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.judge.causes.outputs import softmax_over_one_unit
from spurious.diagnose.judge.causes.structure import one_feature_norm
from spurious.diagnose.judge.success import falls_short_of_itself
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.baselines import best_linear
from spurious.diagnose.measure.neighbours import explained_by_neighbours
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.measure.task import LossNature
from spurious.diagnose.remedy import Remedy, joined

TOLD: Final = 0.2
"""What no weights let through explains a fifth of the targets beyond what the rest does, on points
that the linear map was not fitted to: far more than chance."""


STRETCHED: Final = 1e3
"""Standardised inputs need a thousandth of the updates: more than impatience."""

BYTES: Final = 256
"""Values of a byte."""

WIDE: Final = 200
"""Bytes that wrapped lie far apart: what was near the middle is at both ends."""

UNITS: Final = (1.0, 1 / 127, 1 / 127.5, 1 / 128, 1 / 255, 1 / 256)
"""Units in which bytes are given to models."""

WHOLE: Final = 1e-3
"""Numbers that are whole but for single precision."""


def wrapped_integers(scene: Scene) -> Finding | None:
    """Bytes that were counted beyond their end: they say more once that is undone."""
    x, y, f = scene.data.features, scene.task.targets, scene.task.outputs
    if x is None or f is None or not isinstance(y, Tensor):
        return None
    if not scene.falls_short:
        return None
    for unit in UNITS:
        places = x.double() / unit
        if bool(((places - places.round()).abs() >= WHOLE).any()):
            continue
        places = places.round().long()
        if not WIDE <= int(places.max() - places.min()) < BYTES:
            continue
        before = _told(scene, places.double())
        pairs = [
            (max(one, 0.0), other)
            for by in (0, BYTES // 2)
            for one, other in zip(before, _told(scene, (places + by) % BYTES), strict=True)
        ]
        now, best = max(pairs, key=lambda pair: pair[1] - pair[0])
        if best < max(now + TOLD, *before):
            return None
        return Finding(
            Kind.INPUTS_WRAPPED,
            Severity.WARNING,
            None,
            {"unit": unit, "explained": now, "explained_once_undone": best},
            "Turn the inputs into floats before anything is added to them or taken away: they look "
            "like bytes that were counted beyond their end (128 less than 5 is 133). A plain "
            f"predictor explains {now:.0%} of the targets, and {best:.0%} once that is undone.",
            (),
            "x = (raw.float() - 128) / 128  # not (raw - 128).float() / 128",
        )
    return None


def _told(scene: Scene, places: Tensor) -> tuple[float, float]:
    """What a linear map wins of the constant's loss, and what nearest neighbours explain."""
    task = scene.task
    x, constant = places.double(), scene.landscape.constant_loss
    assert task.outputs is not None
    linear = best_linear(task.loss, x, task.outputs, task.targets)
    won = 0.0 if linear is None or not constant else 1 - linear[0] / constant
    return won, explained_by_neighbours(x, task.targets)


def nothing_arrives(scene: Scene) -> Finding | None:
    """Outputs that do not depend on the inputs, whatever the weights are."""
    seen = scene.model.unseen
    if seen is None or not seen.everything or one_feature_norm(scene) is not None:
        return None
    if softmax_over_one_unit(scene) is not None or scene.model.structure.batch_as_time:
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
    seen = scene.model.unseen
    if seen is None or seen.everything or seen.told < TOLD:
        return None
    columns = scene.data.features is not None and scene.data.features.ndim == 2
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


def stretched_inputs(scene: Scene) -> Finding | None:
    """A linear model that plain descent cannot finish: its surface is far steeper one way.

    A step is at most 2 over the largest curvature, and the smallest one needs as many steps as the
    two are apart; with standardised inputs they are a thousandth as far apart.
    """
    x, seen = scene.data.features, scene.training.optimiser
    if x is None or x.ndim != 2 or seen is None or seen.name != "SGD":
        return None
    if scene.task.nature is not LossNature.VALUES or not falls_short_of_itself(scene):
        return None
    raw, unit = _apart(x), _apart((x - x.mean(0)) / x.std(0).clamp_min(1e-12))
    if raw < STRETCHED * unit:
        return None
    return Finding(
        Kind.UNSCALED_INPUTS,
        Severity.WARNING,
        None,
        {"loss": scene.landscape.loss, "linear_loss": scene.landscape.linear_loss,
         "curvatures_apart": raw, "curvatures_apart_standardised": unit},
        f"Standardise the inputs, x = (x - mean) / std: the model is linear, and the best linear "
        f"map has the loss {scene.landscape.linear_loss:.3g} instead of "
        f"{scene.landscape.loss:.4g}. The curvatures of the loss are {raw:.1e} times apart (with "
        f"standardised inputs {unit:.1e}), so that steps that the steepest way bears need about as "
        "many updates along the flattest.",
        (
            joined((Remedy.STANDARDISE_INPUTS, Remedy.HUNDREDFOLD_STEP)),
            Remedy.STANDARDISE_INPUTS,
            Remedy.ANOTHER_OPTIMISER,
        ),
    )  # fmt: skip


def _apart(x: Tensor) -> float:
    """The largest over the smallest curvature of squares of an affine map of inputs, (n, d)."""
    columns = torch.cat([x.double(), torch.ones_like(x[:, :1], dtype=torch.float64)], 1)
    sizes = torch.linalg.svdvals(columns)
    return float(sizes[0] / sizes[-1].clamp_min(1e-30)) ** 2


def shut_by_inputs(scene: Scene) -> Finding | None:
    """Inputs so large that a usual start is at the flat ends of its first functions."""
    if scene.model.shut_by_inputs is None:
        return None
    name, raw, scaled = scene.model.shut_by_inputs
    x = scene.data.features
    assert x is not None
    return Finding(
        Kind.UNSCALED_INPUTS,
        Severity.WARNING,
        None,
        {"layer": name, "shut": raw, "shut_standardised": scaled},
        f"Standardise the inputs, x = (x - mean) / std: they lie between {float(x.min()):.4g} and "
        f"{float(x.max()):.4g}, and put {raw:.0%} of what {name} computes at the flat ends of its "
        f"functions at a usual start; standardised ones {scaled:.0%}.",
        (
            joined((Remedy.REDRAW_WEIGHTS, Remedy.STANDARDISE_INPUTS)),
            joined((Remedy.REDRAW_WEIGHTS, Remedy.STANDARDISE_INPUTS, Remedy.STANDARDISE_TARGETS)),
            Remedy.STANDARDISE_INPUTS,
        ),
    )
