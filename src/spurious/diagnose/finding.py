"""What a diagnosis says: findings, each with evidence, an explanation and remedies."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from spurious.diagnose.kinds import CAUSES, KINDS, Kind

__all__ = ["REMEDIES", "Finding", "Severity", "ranked"]

REMEDIES: Final[Mapping[str, str]] = {
    "reinitialise_dead_units": "draw the weights of dead units again, with kinks among the data",
    "shift_biases": "move biases so that each unit is on for half of the data",
    "rescale": "redraw weights, scaled so that every layer's pre-activations have variance 1",
    "redraw_weights": "draw all weights again from the layers' default distributions",
    "standardise_inputs": "subtract the inputs' mean and divide by their standard deviation",
    "standardise_targets": "learn targets of mean 0 and variance 1, and scale predictions back",
    "whiten_inputs": "make the inputs' covariance the identity",
    "leaky_slope": "give relu units the slope 0.1 below zero",
    "smaller_step": "a tenth of the step size",
    "larger_step": "ten times the step size",
    "hundredth_step": "a hundredth of the step size",
    "thousandth_step": "a thousandth of the step size",
    "hundredfold_step": "a hundred times the step size",
    "match_shapes": "give the outputs the targets' shape",
    "another_optimiser": "Adam with step size 0.001",
    "without_weight_decay": "no weight decay",
    "unfreeze": "train every parameter",
    "new_optimiser": "make the optimiser again from model.parameters()",
    "drop_last_activation": "leave out the function behind the last layer",
    "sigmoid_output": "a sigmoid as the last function",
    "softmax_output": "a softmax as the last function",
    "log_softmax_output": "the logarithm of a softmax as the last function",
    "logits_loss": "train on the cross entropy of logits instead",
    "escape_direction": "move along the direction of negative curvature, then train on",
    "wider_layers": "four times as many units in hidden layers, drawn afresh",
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
        kind: What is wrong.
        severity: How much it matters.
        layer: The layer's name, as in `model.named_modules()`; None for the whole model.
        evidence: What was measured, by name: numbers, texts, lists of point indices.
        explanation: A sentence or two in plain words.
        remedies: Names from `REMEDIES`, the most promising first; several joined by + are applied
            one after the other.
        code: What to change, to paste; "" where there is no such line.
    """

    kind: Kind
    severity: Severity
    layer: str | None
    evidence: Mapping[str, object]
    explanation: str
    remedies: tuple[str, ...]
    code: str = ""

    def to_dict(self) -> dict[str, object]:
        """The finding as JSON data."""
        return {
            "kind": str(self.kind),
            "severity": self.severity.name.lower(),
            "layer": self.layer,
            "evidence": dict(self.evidence),
            "explanation": self.explanation,
            "remedies": list(self.remedies),
            "code": self.code,
        }


def ranked(findings: list[Finding]) -> tuple[Finding, ...]:
    """Problems first; of these causes outside the units, the gravest, and the order of `KINDS`."""

    def rank(found: Finding) -> tuple[bool, bool, int, int]:
        is_info = found.severity is Severity.INFO
        return (is_info, found.kind not in CAUSES, -found.severity, KINDS.index(found.kind))

    return tuple(sorted(findings, key=rank))
