"""What a diagnosis found, as data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from spurious.diagnose.conclusion import Conclusion
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.measure.records import Measurements, Plane
from spurious.proof import Verdict

if TYPE_CHECKING:
    from spurious.diagnose.measure.start_probability import StartProbability


@dataclass(frozen=True, slots=True, eq=False)
class Diagnosis:
    """What was found.

    Attributes:
        conclusion: What it comes to: whether the model learns, whether what keeps it is named.
        findings: The gravest first.
        measurements: All numbers that the findings are drawn from.
        verdict: The exact verdict on a small dense network, or None.
        start: How probable a constant start is, for dense ReLU networks that have one; or None.
        points: How many points were asked for.
        plane: The model over the plane of its two inputs, or None.
    """

    conclusion: Conclusion
    findings: tuple[Finding, ...]
    measurements: Measurements
    verdict: Verdict | None
    start: StartProbability | None
    points: int
    plane: Plane | None

    @property
    def problems(self) -> tuple[Finding, ...]:
        """The findings that are warnings or worse."""
        return tuple(found for found in self.findings if found.severity > Severity.INFO)
