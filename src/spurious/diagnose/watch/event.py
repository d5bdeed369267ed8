"""What a watch raises."""

from __future__ import annotations

from dataclasses import dataclass

from spurious.diagnose.finding import Finding


@dataclass(frozen=True, slots=True)
class Event:
    """A finding that has appeared, or gone.

    Attributes:
        step: Number of optimiser steps made before.
        appeared: Whether it appeared; else it is gone.
        finding: The finding as it was last seen.
    """

    step: int
    appeared: bool
    finding: Finding

    def to_dict(self) -> dict[str, object]:
        """The event as JSON data."""
        return {"step": self.step, "appeared": self.appeared, **self.finding.to_dict()}
