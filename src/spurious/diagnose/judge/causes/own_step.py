"""The check of the user's own step, tried on copies beside a textbook's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.judge.tried import loss_shown
from spurious.diagnose.kinds import Kind
from spurious.diagnose.loop_words import CHANGE, LOOP
from spurious.diagnose.measure.own_step import StepSeen
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.measure.step_looks import Difference

KIND: Final[Mapping[Difference, Kind]] = {
    Difference.NO_STEP: Kind.OPTIMISER_NEVER_STEPS,
    Difference.CLEARED: Kind.OPTIMISER_NEVER_STEPS,
    Difference.NOTHING_ARRIVES: Kind.DETACHED_LOSS,
    Difference.TURNED: Kind.GRADIENT_SIGN_FLIPPED,
    Difference.KEPT: Kind.MISSING_ZERO_GRAD,
    Difference.PAIRS: Kind.TARGETS_SHUFFLED,
    Difference.TWO_STEPS: Kind.TWO_STEPS_A_BATCH,
    Difference.SHORTENED: Kind.STEP_TOO_SMALL,
    Difference.EVALUATION: Kind.FAULT_IN_LOOP,
    Difference.OTHER_INPUTS: Kind.FAULT_IN_LOOP,
    Difference.OTHER_GRADIENT: Kind.FAULT_IN_LOOP,
    Difference.BESIDE: Kind.FAULT_IN_LOOP,
}
"""What each difference is called."""

KINDS: Final = tuple(dict.fromkeys(KIND.values()))
"""All of these."""

ALWAYS_WRONG: Final = frozenset(
    {
        Difference.NO_STEP,
        Difference.CLEARED,
        Difference.NOTHING_ARRIVES,
        Difference.TURNED,
        Difference.PAIRS,
    }
)
"""What cannot be meant; the others are faults where copies learn less by them."""

MISTAKES: Final = frozenset({Difference.KEPT, Difference.TWO_STEPS})
"""What is worth knowing also where copies learn by it."""


def own_step(scene: Scene) -> Finding | None:
    """The first difference that cannot be meant; or, where copies learn less, the first of all."""
    seen = scene.training.own_step
    if seen is None:
        return None
    certain = [one for one in seen.differences if one in ALWAYS_WRONG]
    worse = _is_worse(seen, scene)
    mistakes = [one for one in seen.differences if one in MISTAKES]
    if not certain and not worse and not mistakes:
        return None
    first = next(iter((*certain, *(seen.differences if worse else mistakes))), None)
    kind = KIND[first] if first is not None else Kind.FAULT_IN_LOOP
    return Finding(
        kind,
        Severity.CRITICAL if certain else Severity.WARNING if worse else Severity.INFO,
        None,
        {
            "differences": [one.value for one in seen.differences],
            "calls": seen.calls,
            "optimiser_steps": seen.steps,
            "loss_before": seen.start,
            "loss_by_own_steps": seen.own,
            "loss_by_textbook": seen.textbook,
            "left_of_gradient": seen.shortest,
            "changed_beside": list(seen.beside),
        },
        f"{CHANGE[kind]}: {_told(first, seen)} {seen.calls} calls of the step bring a copy from "
        f"the loss {seen.start:.4g} to {loss_shown(seen.own)}, a textbook's to "
        f"{loss_shown(seen.textbook)}.",
        LOOP,
    )


def _is_worse(seen: StepSeen, scene: Scene) -> bool:
    """Whether a copy learns a fifth of the constant's loss more by the textbook's steps."""
    if scene.task.loss_draws:
        return False  # its value says nothing
    scale = scene.landscape.constant_loss or abs(seen.start)
    if seen.textbook is None or not seen.textbook <= seen.start - thresholds.HELPED * scale:
        return False
    return seen.own is None or seen.own >= seen.textbook + thresholds.HELPED * scale


def _told(first: Difference | None, seen: StepSeen) -> str:
    """What was seen, to follow a colon."""
    names = ", ".join(seen.beside[:5])
    match first:
        case Difference.NO_STEP:
            return "the step that was given has not moved any weight."
        case Difference.CLEARED:
            return "gradients arrive and are cleared before the step, so that nothing is learnt."
        case Difference.NOTHING_ARRIVES:
            return "in the step that was given no gradient reaches what the optimiser holds."
        case Difference.TURNED:
            return (
                "the step that was given follows the opposite of the gradient (which maximize=True "
                "or a step size below 0 turns, too), and climbs."
            )
        case Difference.KEPT:
            return "the gradient at each step is that of its batch and those before, added up."
        case Difference.PAIRS:
            return "the step that was given trains inputs on targets of other points."
        case Difference.TWO_STEPS:
            return f"it is called {seen.steps} times in {seen.calls} calls, on the same gradient."
        case Difference.SHORTENED:
            return f"the step that was given leaves {seen.shortest:.2g} of the gradient's."
        case Difference.EVALUATION:
            return "call model.train() before it: the gradient is that of evaluation mode."
        case Difference.OTHER_INPUTS:
            return "the model is given other inputs than the step; the gradient is theirs."
        case Difference.OTHER_GRADIENT:
            return (
                "the gradient that the optimiser is given is not that of this loss on the batch. "
                "Does another loss go backward, or does the step change targets?"
            )
        case Difference.BESIDE:
            return f"weights are changed beside the optimiser's steps ({names})."
        case None:
            return "a copy learns less by the step that was given, and nothing particular is seen."
