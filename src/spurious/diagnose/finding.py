"""What a diagnosis says: findings, each with evidence, an explanation and remedies."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from spurious.diagnose.kinds import CAUSES, KINDS, LOCATED, Kind


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
        remedies: What to try, the most promising first: each a `Remedy`, or the names of several,
            joined by +, that are applied one after the other (`remedy.joined`).
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
    """Problems first; of these causes outside the units, then what experiments have located.

    Among them the gravest, and the order of `KINDS`.
    """

    def rank(found: Finding) -> tuple[bool, int, int, int]:
        is_info = found.severity is Severity.INFO
        seen_only = 0 if found.kind in CAUSES else 1 if found.kind in LOCATED else 2
        return (is_info, seen_only, -found.severity, KINDS.index(found.kind))

    return tuple(sorted(findings, key=rank))
