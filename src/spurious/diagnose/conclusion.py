"""What a diagnosis comes to: whether the model learns, whether what keeps it is named."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from spurious.diagnose.word import Word


class Outcome(Word):
    """What is known in the end. That nothing was found is never taken for health."""

    CAUSE = "cause"
    """A problem is named that can be what keeps the model from learning."""
    SYMPTOM = "symptom"
    """Only problems that something else may have brought about are named."""
    LEARNT = "learnt"
    """No problem: the loss is a tenth of the best constant's, or nine of ten classes are right."""
    LEARNING = "learning"
    """No problem, or none but that it needs more steps: half of the best constant's loss is won, or
    copies that are trained win more."""
    STUCK = "stuck"
    """No problem is seen, but the model has won less than half of that loss, and a linear map or
    nearest neighbours of the same inputs say more of the targets."""
    UNKNOWN = "unknown"
    """No problem is seen, and nothing says whether the model learns."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A copy that was trained.

    Attributes:
        change: What was changed, in words.
        steps: Updates that it made; it stops where all is learnt.
        loss: At the end, or None if it could not be tried, or is not finite.
        won: Share of the best constant's loss (of a start's, where no constant is known) that it
            has won; None without a loss.
    """

    change: str
    steps: int
    loss: float | None
    won: float | None


@dataclass(frozen=True, slots=True)
class Conclusion:
    """What a diagnosis comes to.

    Attributes:
        outcome: In one word.
        text: In a sentence or two.
        tried: The copies that were trained, in their order.
        unseen: What could not be looked at, and what to give so that it can be.
    """

    outcome: Outcome
    text: str
    tried: tuple[Tried, ...] = ()
    unseen: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """As JSON data."""
        found: dict[str, object] = asdict(self)
        found["outcome"] = str(self.outcome)
        return found
