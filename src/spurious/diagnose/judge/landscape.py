"""Findings about where on the loss surface the model stands: saddle, minimum, plateau, valley."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.judge.success import share_right
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.records import Curvature, Landscape, Measurements
from spurious.diagnose.remedy import Remedy
from spurious.proof import Verdict
from spurious.verdict import Answer, Decision

if TYPE_CHECKING:
    from spurious.diagnose.measure.scene import Scene
    from spurious.diagnose.treat.rehearsal import Rehearsals


def landscape_findings(
    seen: Measurements,
    verdict: Verdict | None,
    scene: Scene | None = None,
    rehearsals: Rehearsals | None = None,
) -> Iterator[Finding]:
    """Judges the gradient, the Hessian's extremes, the ray of descent, and the exact verdict.

    Args:
        seen: What was measured.
        verdict: Of `certify`, or None.
        scene: Whether the model was trained, is affine, has frozen parts.
        rehearsals: What copies did that were trained on.
    """
    if seen.not_finite or not seen.landscape.trained:
        return
    rule = None if scene is None else scene.training.optimiser
    decay = 0.0 if rule is None else rule.weight_decay
    trained = scene is not None and scene.training.begun
    proved = _proved(verdict, decay, trained) if verdict is not None else None
    if proved is not None:
        yield proved
        if proved.kind is Kind.LOCAL_MINIMUM or proved.severity > Severity.INFO:
            return  # a ray downhill by itself says little: training may stand still beside it
    landscape = seen.landscape
    valley = _valley(landscape)
    if valley is not None:
        yield valley
    refuted = verdict is not None and verdict.decision == Decision.NOT_LOCAL_MINIMUM
    if landscape.relative_gradient < thresholds.STATIONARY:
        found = _stationary(landscape, seen.curvature, scene)
        yield _no_minimum(found) if refuted else found
    if scene is not None and scene.training.begun and rehearsals is not None:
        tells = share_right(scene) >= thresholds.HELPED
        yield from _standing(landscape, rehearsals, tells)


def _no_minimum(found: Finding) -> Finding:
    """The same where it is proved that the point is no local minimum."""
    kind = Kind.PLATEAU if found.kind is Kind.LOCAL_MINIMUM else found.kind
    minimum = found.kind is Kind.LOCAL_MINIMUM
    text = "The gradient is almost 0." if minimum else found.explanation
    return replace(
        found, kind=kind, explanation=f"{text} Proved: it is no local minimum, the loss can fall."
    )


def _standing(landscape: Landscape, rehearsals: Rehearsals, tells: bool) -> Iterator[Finding]:
    """What a trained model is worth that does not get better when trained on.

    One that tells classes apart may be where noisy labels let it be, whatever its loss.
    """
    now, gain = rehearsals.now, rehearsals.as_is.gain
    tried = rehearsals.as_is.loss is not None or rehearsals.as_is.diverged
    if gain > max(now, 0.0) + thresholds.LEARNT or not tried:
        return
    constant, linear, loss = landscape.constant_loss, landscape.linear_loss, landscape.loss
    after = rehearsals.as_is.loss
    end = "diverge" if after is None else f"end at {after:.4g}"
    further = f"{rehearsals.steps} more steps of a copy {end}"
    evidence: dict[str, object] = {
        "loss": loss,
        "constant_loss": constant,
        "linear_loss": linear,
        "steps": rehearsals.steps,
        "loss_after": after,
    }
    remedies = (Remedy.REDRAW_WEIGHTS, Remedy.ANOTHER_OPTIMISER, Remedy.LARGER_STEP)
    arrives = after is not None and constant is not None and after < constant < loss
    if constant and loss > thresholds.WORSE * constant and not arrives:
        yield Finding(
            Kind.WORSE_THAN_CONSTANT,
            Severity.WARNING,
            None,
            evidence,
            f"The loss {loss:.4g} is {loss / constant:.3g} times that of the best constant "
            f"({constant:.4g}), and {further}.",
            remedies,
        )
    elif linear and constant and linear < LEFT * loss and loss > LEFT * constant and not arrives:
        yield Finding(
            Kind.WORSE_THAN_LINEAR,
            Severity.WARNING,
            None,
            evidence,
            f"The loss {loss:.4g} is worse than that of a linear predictor ({linear:.4g}), and "
            f"{further}.",
            remedies,
        )
    afresh = rehearsals.afresh
    best = max(now, gain, 0.0) + thresholds.HELPED
    if is_part_of_the_way(landscape) and afresh is not None and afresh.gain >= best:
        yield Finding(
            Kind.LOCAL_MINIMUM,
            Severity.WARNING,
            None,
            evidence | {"loss_of_another_start": afresh.loss},
            f"Start again from other weights (or with more units, which are trapped less often): "
            f"{further}, and as many from another start go on to {afresh.loss:.4g}. These weights "
            "are in a basin of their own.",
            (Remedy.REDRAW_WEIGHTS, Remedy.WIDER_LAYERS, Remedy.RESCALE),
        )
    still = landscape.relative_gradient < thresholds.STATIONARY
    moves = max(thresholds.NO_DIFFERENCE * rehearsals.steps / LONG, LEAST)
    falls = after is not None and after < (1 - moves) * loss
    if constant and loss > thresholds.POOR * constant and not still and not falls:
        yield Finding(
            Kind.PLATEAU,
            Severity.INFO if tells else Severity.WARNING,
            None,
            evidence,
            f"Training stands still: the loss is {_level(landscape)}, and {further}.",
            (Remedy.ANOTHER_OPTIMISER, Remedy.LARGER_STEP, Remedy.REDRAW_WEIGHTS, Remedy.RESCALE),
        )


def is_part_of_the_way(landscape: Landscape) -> bool:
    """Whether something was learnt and not all: what is poor has findings of its own."""
    constant = landscape.constant_loss
    if not constant:
        return False
    return thresholds.GOOD < landscape.loss / constant < thresholds.POOR


LONG = 300
"""Steps in which a loss that stands still falls by less than `NO_DIFFERENCE`; in fewer, less."""

LEAST = 0.01
"""A fall of less than a hundredth may come and go."""

AT_BEST = 1.02
"""A loss within a fiftieth of the best linear predictor's is as good as it."""

LEFT = 0.5
"""Half of a loss: a linear predictor that leaves more is not much better, and a model that has less
than half of the constant's is no concern, though a linear predictor has less."""


def is_poor(landscape: Landscape) -> bool:
    """Whether the loss is hardly better than a constant's, or middling and worse than linear."""
    constant = landscape.constant_loss
    if constant is not None and landscape.loss > thresholds.POOR * constant:
        return True
    if constant is not None and landscape.loss < thresholds.GOOD * constant:
        return False
    return landscape.linear_loss is not None and landscape.loss > landscape.linear_loss * 1.001


def _proved(verdict: Verdict, decay: float, trained: bool) -> Finding | None:
    """What the exact verdict says, where it decides; it is about the loss with weight decay.

    A valley whose limit is high is a trap of a model that was trained into it.
    """
    of_what = f"loss with weight decay {decay:g}" if decay else "loss"
    evidence: dict[str, object] = {
        "weight_decay": decay,
        "decision": str(verdict.decision),
        "is_global": str(verdict.is_global),
        "method": verdict.method,
        "reason": verdict.reason,
        "loss_sum": float(verdict.loss.mid) if verdict.loss else None,
        "better_loss_sum": float(verdict.witness_loss.mid) if verdict.witness_loss else None,
        "radius": float(verdict.radius) if verdict.radius is not None else None,
    }
    if verdict.decision in (Decision.LOCAL_MINIMUM, Decision.LOCAL_MINIMUM_NEARBY):
        bad = verdict.is_global == Answer.NO
        near = verdict.decision == Decision.LOCAL_MINIMUM_NEARBY
        where = "within a tiny distance of" if near else "at"
        known = verdict.witness_loss
        lower = f", although a point with loss {float(known.mid):.4g} exists" if known else ""
        text = (
            f"Proved: there is a local minimum {where} this point ({of_what} "
            f"{evidence['loss_sum']:.4g} "
            f"in all{lower if bad else ''}). No small step leads out."
        )
        remedies = (Remedy.REDRAW_WEIGHTS, Remedy.ADD_UNIT, Remedy.LARGER_STEP) if bad else ()
        severity = Severity.CRITICAL if bad else Severity.INFO
        return Finding(Kind.LOCAL_MINIMUM, severity, None, evidence, text, remedies)
    if verdict.valley_limit is not None:
        limit = float(verdict.valley_limit.mid)
        evidence["limit_sum"] = limit
        total = float(verdict.loss.mid) if verdict.loss else 0.0
        trap = trained and total > 0 and limit > thresholds.VALLEY_LOSS * total
        return Finding(
            Kind.VALLEY_TO_INFINITY,
            Severity.WARNING if trap else Severity.INFO,
            None,
            evidence,
            "Proved: the loss falls for ever along a ray to infinity, towards "
            f"{limit:.4g} in all, and is never lowest at a finite point.",
            (Remedy.REDRAW_WEIGHTS, Remedy.ADD_UNIT, Remedy.LARGER_STEP),
        )
    return None


def _valley(landscape: Landscape) -> Finding | None:
    ray = landscape.ray
    if len(ray) < 3 or landscape.alignment < thresholds.VALLEY_ALIGNMENT:
        return None
    losses = ray[:, 1]
    limit = float(losses[-1])
    falls = bool(np.all(np.diff(losses) <= 1e-9 * abs(losses[0])) and losses[-1] < losses[0])
    remains = limit > thresholds.VALLEY_LOSS * landscape.scale
    slow = losses[0] - limit < thresholds.VALLEY_GAIN * abs(losses[0])
    if not (falls and remains and slow):
        return None
    return Finding(
        Kind.VALLEY_TO_INFINITY,
        Severity.WARNING,
        None,
        {
            "alignment_of_descent_with_growth": landscape.alignment,
            "loss": float(losses[0]),
            "loss_far_along_the_ray": limit,
            "distance_in_weight_norms": float(ray[-1, 0] / landscape.weight_norm),
            "constant_loss": landscape.constant_loss,
        },
        "The loss keeps falling as the weights grow along the direction of descent, but levels off "
        f"near {limit:.4g}: training drifts to infinity and gains almost nothing.",
        (Remedy.REDRAW_WEIGHTS, Remedy.RESCALE, Remedy.ADD_UNIT, Remedy.STANDARDISE_INPUTS),
    )


def _stationary(landscape: Landscape, curvature: Curvature | None, scene: Scene | None) -> Finding:
    poor = is_poor(landscape)
    severity = Severity.WARNING if poor else Severity.INFO
    signal = landscape.gradient_norm * np.sqrt(max(landscape.batches, 1))
    evidence: dict[str, object] = {
        "loss": landscape.loss,
        "constant_loss": landscape.constant_loss,
        "linear_loss": landscape.linear_loss,
        "relative_gradient": landscape.relative_gradient,
        "gradient_norm": landscape.gradient_norm,
        "gradient_over_its_noise": (
            float(signal / landscape.gradient_noise) if landscape.gradient_noise > 0 else None
        ),
    }
    level = _level(landscape)
    kind = Kind.PLATEAU
    text = (
        f"The gradient is almost 0 and the surface is flat here, while the loss is {level}: a "
        "plateau."
    )
    remedies = (Remedy.RESCALE, Remedy.REDRAW_WEIGHTS, Remedy.LARGER_STEP, Remedy.ADD_UNIT)
    if scene is not None and scene.weights.frozen:
        evidence["frozen"] = sum(scene.weights.frozen.values())
        text = (
            f"The gradient of what is trained is almost 0, while the loss is {level}; but "
            f"{sum(scene.weights.frozen.values())} parameters are frozen, so this says nothing "
            "about the whole model."
        )
        remedies = (Remedy.UNFREEZE, Remedy.LARGER_STEP)
    elif scene is not None and scene.model.affine:
        linear = landscape.linear_loss
        text = f"The gradient is almost 0, while the loss is {level}. The model is affine"
        if linear is not None and landscape.loss <= AT_BEST * linear:
            text += f", and the best linear predictor has {linear:.4g}: this is what it can reach."
        else:
            text += "."
        remedies = (Remedy.ADD_UNIT,)
    elif curvature is not None:
        size = max(landscape.weight_norm, landscape.usual_norm) ** 2 / landscape.scale
        error = thresholds.NOISY * curvature.rounding * curvature.highest
        low, high = curvature.lowest, curvature.highest
        evidence |= {
            "lowest_eigenvalue": low,
            "lowest_error": curvature.lowest_error,
            "highest_eigenvalue": high,
            "highest_error": curvature.highest_error,
            "relative_lowest": low * size,
            "relative_highest": high * size,
        }
        if low < -error and -low * size > thresholds.CURVED:
            kind = Kind.SADDLE
            text = (
                "The gradient is almost 0, but the surface bends down along one direction "
                f"(eigenvalue {low:.3g}, the largest is {high:.3g}), while the loss is {level}: a "
                "saddle."
            )
            remedies = (Remedy.ESCAPE_DIRECTION, Remedy.REDRAW_WEIGHTS, Remedy.LARGER_STEP)
        elif high * size > thresholds.CURVED:
            kind = Kind.LOCAL_MINIMUM
            text = (
                f"The gradient is almost 0 and no direction was found in which the surface bends "
                f"down (lowest eigenvalue found {low:.3g}, largest {high:.3g}), while the loss is "
                f"{level}: it looks like a local minimum."
            )
            remedies = (Remedy.REDRAW_WEIGHTS, Remedy.ADD_UNIT, Remedy.LARGER_STEP)
    return Finding(kind, severity, None, evidence, text, remedies if poor else ())


def _level(landscape: Landscape) -> str:
    if landscape.constant_loss is None:
        return f"{landscape.loss:.4g}"
    constant = landscape.constant_loss
    share = landscape.loss / constant if constant else 1.0
    if share >= 1:
        return f"{landscape.loss:.4g}, no better than that of the best constant"
    if share > 1 - thresholds.NO_DIFFERENCE:
        return f"{landscape.loss:.4g}, hardly better than the best constant's, {constant:.4g}"
    return f"{landscape.loss:.4g} ({share:.0%} of the best constant's)"
