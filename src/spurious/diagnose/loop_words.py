"""What to change in a loop, by what is wrong in it: the same words whoever has seen it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from spurious.diagnose.kinds import Kind
from spurious.diagnose.remedy import Remedy

LOOP: Final = (Remedy.TEXTBOOK_LOOP, Remedy.REDRAW_WEIGHTS)
"""What mends a loop; the weights that it has spoilt may have to be drawn again."""

ONCE_AN_EPOCH: Final = (
    "for epoch in range(epochs):\n    for x, y in loader: ...\n"
    "    scheduler.step()  # once an epoch"
)
"""Where a scheduler steps."""

CHANGE: Final[Mapping[Kind, str]] = {
    Kind.MISSING_ZERO_GRAD: "Call optimiser.zero_grad() once for each step",
    Kind.GRADIENT_SIGN_FLIPPED: "Leave the gradient's sign as it is",
    Kind.TWO_STEPS_A_BATCH: "Call optimiser.step() once for each batch",
    Kind.OPTIMISER_NEVER_STEPS: "Call optimiser.step() after each backward pass",
    Kind.DETACHED_LOSS: "Call backward() of the loss of the model's outputs",
    Kind.SAME_BATCH: "Take a new batch for each step",
    Kind.TARGETS_SHUFFLED: "Keep each target beside its input",
    Kind.STEP_TOO_SMALL: "Clip gradients at a larger length, about 1",
    Kind.FAULT_IN_LOOP: "Look at the training loop",
}
"""The first words of a finding, in the imperative."""
