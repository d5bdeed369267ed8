"""What was changed in copies, and what became of them."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from spurious.diagnose.remedy import Remedy, joined
from spurious.diagnose.treat.trials import Trial

SMALLER: Final = (Remedy.SMALLER_STEP, Remedy.HUNDREDTH_STEP, Remedy.THOUSANDTH_STEP)
LARGER: Final = {Remedy.LARGER_STEP: 10.0, Remedy.HUNDREDFOLD_STEP: 100.0}
"""Remedies of the step size, the mildest first."""

BLOWN_UP: Final = 10.0
"""Times the loss at the start, or of a constant: training has diverged."""

ADAPTIVE: Final = frozenset({"Adam", "AdamW", "Adamax", "NAdam", "RAdam", "RMSprop"})
"""Optimisers whose steps are about as long as their step size, whatever the gradient."""


class Aspect(enum.Enum):
    """What a rehearsal changes."""

    NOTHING = "as it is"
    AGAIN = "once more"
    CAUSE = "cause"
    INPUTS = "inputs"
    TARGETS = "targets"
    BOTH_SCALES = "both scales"
    FROZEN = "frozen parameters"
    FROZEN_ANEW = "frozen parameters drawn anew"
    PLAIN = "plain tensors made parameters"
    OPTIMISER = "optimiser made anew"
    DECAY = "decay"
    DROPOUT = "dropout"
    EDGE = "numbers kept from 0"
    AXES = "axes"
    GRAPHS = "derivatives with their graphs"
    BENDS = "an activation between layers"
    BIASES = "biases"
    LONGER = "many more steps"
    ORDER = "the points in the order of the data"
    SAME_SIZES = "another start of the same sizes"
    SAME_SIZES_SCALED = "another start of the same sizes, and standardised inputs"
    SIGNAL = "weights through which signals pass"
    SIGNAL_SMALLER = "the same, and smaller steps"
    SMALLER = "smaller steps"
    CLIPPED = "gradients clipped"
    KILLED = "smaller steps, where all units of a layer are off"
    LARGER = "larger steps"
    ADAM = "Adam"
    WIDER = "wider layers"
    QUICK = "quick steps"


@dataclass(frozen=True)
class Change:
    """What is changed before a rehearsal.

    Attributes:
        aspect: What it is about.
        remedies: Applied one after the other to a copy.
    """

    aspect: Aspect
    remedies: tuple[Remedy, ...]

    @property
    def joined(self) -> str:
        """The remedies as one name."""
        return joined(self.remedies)


@dataclass(frozen=True)
class Rehearsal:
    """What became of a copy.

    Attributes:
        change: What was changed.
        loss: At the end, or None if it could not be tried, or is not finite.
        gain: Share of the best constant's loss that is won; minus infinity without a loss.
        diverged: Whether the loss grew beyond all others, or is not finite.
        trial: All that was seen.
    """

    change: Change
    loss: float | None
    gain: float
    diverged: bool
    trial: Trial

    @property
    def lost(self) -> bool:
        """Whether it ends in NaN or infinity."""
        return self.loss is None and not self.trial.note


@dataclass(frozen=True)
class Rehearsals:
    """All that were made.

    Attributes:
        steps: Of each.
        now: Gain of the model as it is.
        as_is: The model trained on as it is.
        afresh: The model started afresh, or None if that was not tried.
        changed: Started afresh, with one change each.
        in_order: Started afresh, with the points in the order in which they were given, or None.
        carries: Whether what the best copy learns from half of the points holds for the others;
            None if that was not asked.
        sizes: The layers whose weights are of an unusual size (`unusual_scales`).
    """

    steps: int
    now: float
    as_is: Rehearsal
    afresh: Rehearsal | None
    changed: tuple[Rehearsal, ...]
    sizes: Mapping[str, float] = field(default_factory=dict[str, float])
    in_order: Rehearsal | None = None
    carries: bool | None = None

    @property
    def unchanged(self) -> float:
        """The largest gain without a change: of the model, trained on, or started afresh; or 0."""
        return max(self.now, self.as_is.gain, self.afresh.gain if self.afresh else 0.0, 0.0)

    @property
    def started(self) -> tuple[Rehearsal, ...]:
        """Those that started afresh, with a change or without."""
        return self.changed if self.afresh is None else (self.afresh, *self.changed)

    @property
    def made(self) -> tuple[Rehearsal, ...]:
        """The model trained on as it is, and those that started afresh."""
        return (self.as_is, *self.started)

    def of(self, *aspects: Aspect) -> tuple[Rehearsal, ...]:
        """Those that changed one of these."""
        return tuple(result for result in self.changed if result.change.aspect in aspects)
