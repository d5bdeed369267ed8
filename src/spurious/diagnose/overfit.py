"""What became of learning one batch by heart."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Overfit:
    """Whether a batch was learnt; true if nothing speaks against it.

    Attributes:
        before: Loss at the start.
        after: Loss at the end.
        goal: What it had to reach.
        steps: Steps made.
        reasons: What went wrong, each a sentence; none if all is well.
    """

    before: float
    after: float
    goal: float
    steps: int
    reasons: tuple[str, ...]

    def __bool__(self) -> bool:
        """Whether all is well."""
        return not self.reasons

    def __repr__(self) -> str:
        """The reasons, for a failed assertion."""
        numbers = f"loss {self.before:.4g}, {self.after:.4g} after {self.steps} steps"
        return f"Overfit({numbers}{''.join(f'; {reason}' for reason in self.reasons)})"
