"""Checks of what fused calls hold: gates, gradients through time, attention."""

from __future__ import annotations

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.remedy import Remedy


def saturated_gates(scene: Scene) -> Finding | None:
    """Gates of an LSTM or GRU that are open or shut whatever comes."""
    gates = scene.model.structure.gates
    name = max(gates, key=lambda key: gates[key], default="")
    if not name or gates[name] < thresholds.SATURATED_SHARE:
        return None
    wholly = gates[name] >= thresholds.SATURATED_WHOLLY
    return Finding(
        Kind.SATURATION,
        Severity.CRITICAL if wholly else Severity.WARNING,
        name,
        {"share_of_values": gates[name], "gates": dict(gates)},
        f"{gates[name]:.0%} of the values of {name} are at the flat ends of the sigmoid, where "
        "less than a hundredth of the gradient passes.",
        (Remedy.STANDARDISE_INPUTS, Remedy.REDRAW_WEIGHTS, Remedy.SMALLER_STEP),
    )


def saturated_attention(scene: Scene) -> Finding | None:
    """Queries that look at one key alone."""
    seen = scene.model.structure.attentions
    name = max(seen, key=lambda key: seen[key].alone, default="")
    if not name or seen[name].alone < thresholds.SATURATED_SHARE:
        return None
    return Finding(
        Kind.SATURATION,
        Severity.WARNING,
        name,
        {"share_of_queries": seen[name].alone, "relative_entropy": seen[name].entropy},
        f"{seen[name].alone:.0%} of the queries of {name} look at one key alone (weight above "
        "0.99), so that hardly any gradient reaches queries and keys.",
        (Remedy.STANDARDISE_INPUTS, Remedy.REDRAW_WEIGHTS, Remedy.SMALLER_STEP),
    )


def vanishing_through_time(scene: Scene) -> Finding | None:
    """A gradient that does not reach a sequence's beginning."""
    ratios = scene.model.structure.through_time
    name = min(ratios, key=lambda key: ratios[key], default="")
    if not name or ratios[name] >= thresholds.SIGNAL_RATIO:
        return None
    stuck = scene.training.begun and scene.is_poor
    return Finding(
        Kind.VANISHING_GRADIENT,
        Severity.WARNING if stuck else Severity.INFO,
        f"{name} (through time)",
        {"first_over_largest_signal": ratios[name]},
        f"The first step of {name} gets {ratios[name]:.1e} of the largest signal: what stands at a "
        "sequence's beginning is learnt slowly, if at all.",
        (Remedy.REDRAW_WEIGHTS, Remedy.LARGER_STEP),
    )
