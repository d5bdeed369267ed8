"""What the findings and the copies come to.

The absence of a finding says nothing by itself: whether a model learns is asked of its loss and of
copies that are trained on.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from typing import Final

from spurious.diagnose import thresholds
from spurious.diagnose.conclusion import Conclusion, Outcome, Tried
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.judge.learning import learns
from spurious.diagnose.judge.parts import nothing_is_left
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.scene import LossNature, Scene
from spurious.diagnose.remedy import REMEDIES, Remedy
from spurious.diagnose.treat.rehearsal import Aspect, Rehearsal, Rehearsals

SYMPTOMS: Final = frozenset(
    {
        Kind.NOT_FINITE,
        Kind.SATURATION,
        Kind.EXPLODING_GRADIENT,
        Kind.VANISHING_GRADIENT,
        Kind.DEAD_UNITS,
        Kind.SADDLE,
        Kind.BLIND_SPOTS,
        Kind.VALLEY_TO_INFINITY,
        Kind.PLATEAU,
        Kind.SHARED_REGIONS,
        Kind.CONSTANT_OUTPUT,
        Kind.WORSE_THAN_CONSTANT,
        Kind.WORSE_THAN_LINEAR,
    }
)
"""What a model may have come to by a fault that lies elsewhere."""


def conclusion(
    findings: Iterable[Finding],
    scene: Scene,
    rehearsals: Rehearsals | None,
    succeeds: bool,
    unseen: tuple[str, ...],
) -> Conclusion:
    """Says what is known in the end.

    Args:
        findings: All of them, with the severity that they keep.
        scene: Values, and whether the model was trained.
        rehearsals: What copies did, if they were trained.
        succeeds: Whether the model has learnt its data.
        unseen: What was not given.
    """
    tried = tuple(_tried(one) for one in _all(rehearsals))
    problems = [found for found in findings if found.severity > Severity.INFO]
    unseen = (*unseen, *_unseen(scene))
    if problems:
        if all(found.kind in SYMPTOMS for found in problems):
            text = (
                "What is seen may only follow from the cause, which was not found. "
                f"{_copies(rehearsals, scene)}"
            )
            return Conclusion(Outcome.SYMPTOM, text, tried, unseen)
        return Conclusion(Outcome.CAUSE, _first(problems[0]), tried, unseen)
    outcome, text = _without_problems(scene, rehearsals, succeeds)
    return Conclusion(outcome, text, tried, unseen)


def _first(found: Finding) -> str:
    where = "" if found.layer is None else f" in {found.layer}"
    return f"Mend {found.kind}{where} first."


def _without_problems(
    scene: Scene, rehearsals: Rehearsals | None, succeeds: bool
) -> tuple[Outcome, str]:
    share = _share(scene)
    if succeeds:
        constant = scene.landscape.constant_loss
        shown = "" if constant is None else f" (a constant has {constant:.4g} at best)"
        return (
            Outcome.LEARNT,
            f"By its loss, {scene.landscape.loss:.4g}{shown}, it has learnt these points. If what "
            "you care about is poor all the same, this loss does not say it: look at its sign, at "
            "the weights of its terms, and at other points.",
        )
    if learns(rehearsals):
        assert rehearsals is not None
        one = rehearsals.as_is
        return (
            Outcome.LEARNING,
            f"Nothing is seen that keeps it from learning: {one.trial.steps} more steps of a copy "
            f"bring the loss from {scene.landscape.loss:.4g} to {one.loss:.4g}.",
        )
    if scene.trained and share is not None and not scene.is_middling:
        return (
            Outcome.LEARNING,
            f"Nothing is seen that keeps it from learning: the loss is {share:.2g} of the best "
            "constant's.",
        )
    if not scene.trained and any(
        one.gain >= thresholds.HELPED for one in _all(rehearsals) if _is_plain(one)
    ):
        return (
            Outcome.LEARNING,
            "Nothing is seen that keeps it from learning: copies learn from a new start.",
        )
    if not scene.trained or share is None:
        why = (
            "it was not trained yet, as far as its gradients and optimiser show"
            if not scene.trained
            else "no constant's loss says how small this one should be"
        )
        return Outcome.UNKNOWN, f"No problem is seen; whether it learns is not known: {why}."
    if nothing_is_left(rehearsals, scene):
        return (
            Outcome.UNKNOWN,
            f"No problem is seen. The loss is {share:.2g} of the best constant's, and neither "
            "copies nor linear maps and nearest neighbours of the inputs get any further: what is "
            "left may be noise, or something that all of them lack.",
        )
    return (
        Outcome.STUCK,
        f"It does not learn, and the cause was not found: the loss is {share:.2g} of the best "
        f"constant's. {_copies(rehearsals, scene)}",
    )


def _copies(rehearsals: Rehearsals | None, scene: Scene) -> str:
    """Where the fault lies, as far as copies tell."""
    if rehearsals is None:
        return "No copies were trained, so nothing says where it lies."
    made = _all(rehearsals)
    best = max(made, key=lambda one: one.gain)
    enough = max(rehearsals.now, 0.0) + thresholds.HELPED
    if best.gain >= enough:
        return (
            f"Of {len(made)} copies, each with one change, the best ({_words(best)}) wins "
            f"{best.gain:.0%} of the constant's loss."
        )
    most = max(one.trial.steps for one in made)
    as_many = scene.steps is not None and scene.steps <= most
    ruled_out = "none of these changes alone, nor the loop alone" if as_many else "none of these"
    return (
        f"None of {len(made)} copies, each with one change and a plain loop of up to {most} steps, "
        f"gets any further: it is {ruled_out}. What all copies share is the model, the loss, and "
        "which targets belong to which inputs: print one batch as the loss gets it, and try to fit "
        "two points."
    )


def _share(scene: Scene) -> float | None:
    constant, loss = scene.landscape.constant_loss, scene.landscape.loss
    return loss / constant if constant is not None and constant > 0 and isfinite(loss) else None


def _all(found: Rehearsals | None) -> tuple[Rehearsal, ...]:
    if found is None:
        return ()
    more = (found.afresh, *found.changed, found.in_order)
    return (found.as_is, *(one for one in more if one is not None))


def _is_plain(one: Rehearsal) -> bool:
    return one.change.aspect in (Aspect.NOTHING, Aspect.AGAIN)


def _tried(one: Rehearsal) -> Tried:
    gain = None if one.loss is None else one.gain
    return Tried(_words(one), one.trial.steps, one.loss, gain)


def _words(one: Rehearsal) -> str:
    """What was changed: by the remedies' own words, or if there are none the aspect's."""
    changes = [REMEDIES[name] for name in one.change.remedies if name is not Remedy.REDRAW_WEIGHTS]
    start = ["from a new start"] if Remedy.REDRAW_WEIGHTS in one.change.remedies else []
    if not changes and not (start and one.change.aspect is Aspect.NOTHING):
        changes = [one.change.aspect.value]
    return ": ".join([*start, *(["; ".join(changes)] if changes else [])])


def _unseen(scene: Scene) -> tuple[str, ...]:
    found: list[str] = []
    if scene.landscape.constant_loss is None:
        found.append("how small the loss should be: no constant output could be fitted to it")
    if scene.nature is LossNature.UNKNOWN:
        found.append(
            "which outputs would be right: the loss is none of the usual ones of values, classes "
            "or probabilities, so range, sign and scale of the outputs were not compared with the "
            "targets"
        )
    return tuple(found)
