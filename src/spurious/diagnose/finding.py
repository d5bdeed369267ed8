"""What a diagnosis says: findings, each with evidence, an explanation and remedies."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["KINDS", "REMEDIES", "Finding", "Severity", "ranked"]

KINDS: Final = (
    "not_finite",
    "broadcast_targets",
    "shifted_initialisation",
    "duplicated_units",
    "saturation",
    "exploding_gradient",
    "vanishing_gradient",
    "shared_regions",
    "dead_units",
    "blind_spots",
    "constant_output",
    "valley_to_infinity",
    "saddle",
    "local_minimum",
    "plateau",
)
"""Every kind of finding; causes come before what they bring about, and findings of one severity
are ranked in this order."""

REMEDIES: Final[Mapping[str, str]] = {
    "reinitialise_dead_units": "draw the weights of dead units again, with kinks among the data",
    "shift_biases": "move biases so that each unit is on for half of the data",
    "rescale": "redraw weights, scaled so that every layer's pre-activations have variance 1",
    "redraw_weights": "draw all weights again from the layers' default distributions",
    "standardise_inputs": "subtract the inputs' mean and divide by their standard deviation",
    "whiten_inputs": "make the inputs' covariance the identity",
    "leaky_slope": "give relu units the slope 0.1 below zero",
    "smaller_step": "a tenth of the step size",
    "larger_step": "ten times the step size",
    "escape_direction": "move along the direction of negative curvature, then train on",
    "add_unit": "add one exponential unit beside the network (Liang et al. 2018)",
}
"""What can be tried, and what each does."""


class Severity(enum.IntEnum):
    """How much a finding matters; the larger, the more."""

    INFO = 0
    """Worth knowing; no reason to think that training suffers."""
    WARNING = 1
    """Training most likely suffers."""
    CRITICAL = 2
    """Training cannot succeed while this lasts."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or worth knowing.

    Attributes:
        kind: One of `KINDS`.
        severity: How much it matters.
        layer: The layer's name, as in `model.named_modules()`; None for the whole model.
        evidence: What was measured, by name: numbers, texts, lists of point indices.
        explanation: A sentence or two in plain words.
        remedies: Names from `REMEDIES`, the most promising first.
    """

    kind: str
    severity: Severity
    layer: str | None
    evidence: Mapping[str, object]
    explanation: str
    remedies: tuple[str, ...]

    def to_dict(self) -> dict[str, object]:
        """The finding as JSON data."""
        return {
            "kind": self.kind,
            "severity": self.severity.name.lower(),
            "layer": self.layer,
            "evidence": dict(self.evidence),
            "explanation": self.explanation,
            "remedies": list(self.remedies),
        }


def ranked(findings: list[Finding]) -> tuple[Finding, ...]:
    """The gravest first; of equal severity causes first; then in the order of the layers."""
    return tuple(sorted(findings, key=lambda found: (-found.severity, KINDS.index(found.kind))))
