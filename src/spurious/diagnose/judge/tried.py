"""What all findings say of a copy that was tried: its numbers, its loss, and a sentence."""

from __future__ import annotations

from spurious.diagnose.treat.rehearsal import Rehearsal, Rehearsals


def numbers(result: Rehearsal, found: Rehearsals) -> dict[str, object]:
    """Losses and shares with the change and without, for the evidence."""
    return {
        "steps": found.steps,
        "loss_with_the_change": result.loss,
        "loss_without": found.afresh.loss if found.afresh else found.as_is.loss,
        "share_won_with": result.gain,
        "share_won_without": found.afresh.gain if found.afresh else found.as_is.gain,
    }


def tried_on_a_copy(result: Rehearsal, found: Rehearsals) -> str:
    """The sentence on them."""
    other = found.afresh or found.as_is
    steps = max(result.trial.steps, found.steps)  # a copy that has learnt ends before
    return (
        f"Tried on a copy for {steps} steps: loss {result.loss:.4g}, without "
        f"{loss_shown(other.loss)}{f' (in {found.steps})' if steps > found.steps else ''}."
    )


def loss_shown(loss: float | None) -> str:
    """A copy's loss at the end as it is written; None if it is not finite."""
    return "NaN or infinity" if loss is None else f"{loss:.4g}"
