"""What the findings and the copies come to.

The absence of a finding says nothing by itself: whether a model learns is asked of its loss and of
copies that are trained on.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import inf
from typing import Final

from spurious.diagnose import thresholds
from spurious.diagnose.conclusion import Conclusion, Outcome, Tried
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.judge.learning import learns
from spurious.diagnose.judge.parts import told_without_model
from spurious.diagnose.kinds import Kind
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.measure.task import LossNature
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
    if problems and all(found.kind is Kind.TOO_FEW_UPDATES for found in problems):
        return Conclusion(Outcome.LEARNING, problems[0].explanation, tried, unseen)
    if problems and not any(map(_may_be_first, problems)):
        text = (
            "What is seen may only follow from the cause, which was not found. "
            f"{_copies(rehearsals, scene)}"
        )
        return Conclusion(Outcome.SYMPTOM, text, tried, unseen)
    if problems:
        return Conclusion(Outcome.CAUSE, _first(problems[0]), tried, unseen)
    outcome, text = _without_problems(scene, rehearsals, succeeds)
    return Conclusion(outcome, text, tried, unseen)


def _may_be_first(found: Finding) -> bool:
    """Whether it can be the cause: it is no symptom, or a copy learns once it is mended."""
    return found.kind not in SYMPTOMS or "loss_with_the_change" in found.evidence


def _first(found: Finding) -> str:
    where = "" if found.layer is None else f" in {found.layer}"
    return f"Mend {found.kind}{where} first."


def _without_problems(
    scene: Scene, rehearsals: Rehearsals | None, succeeds: bool
) -> tuple[Outcome, str]:
    share, loss = _share(scene), scene.landscape.loss
    if succeeds and loss >= 0:
        constant = scene.landscape.constant_loss
        shown = "" if constant is None else f" (a constant has {constant:.4g} at best)"
        return (
            Outcome.LEARNT,
            f"By its loss, {loss:.4g}{shown}, it has learnt these points. If what you care about "
            "is poor all the same, this loss does not say it: look at its sign, at the weights of "
            "its terms, and at other points.",
        )
    if learns(rehearsals):
        assert rehearsals is not None
        one = rehearsals.as_is
        return (
            Outcome.LEARNING,
            f"Nothing is seen that keeps it from learning: {one.trial.steps} more steps of a copy "
            f"bring the loss from {loss:.4g} to {one.loss:.4g}.",
        )
    if scene.training.begun and share is not None and not scene.is_middling:
        return (
            Outcome.LEARNING,
            f"Nothing is seen that keeps it from learning: the loss is {share:.2g} of the best "
            "constant's.",
        )
    if not scene.training.begun and any(
        one.gain >= thresholds.HELPED for one in _all(rehearsals) if _is_plain(one)
    ):
        return (
            Outcome.LEARNING,
            "Nothing is seen that keeps it from learning: copies learn from a new start.",
        )
    unknown = "No problem is seen; whether it learns is not known: "
    if not scene.training.begun:
        why = "it was not trained yet, as far as its gradients and optimiser show."
        return Outcome.UNKNOWN, unknown + why
    if share is None:
        why = "nothing says how small this loss should be; it may be below 0, or no constant's."
        return Outcome.UNKNOWN, unknown + why
    better, reached = told_without_model(scene)
    if not scene.task.compares_points and reached >= 1 - share + thresholds.HELPED:
        return (
            Outcome.STUCK,
            f"It does not learn, and the cause was not found: the loss is {share:.2g} of the best "
            f"constant's, where {better} of the same inputs explain {reached:.0%}. "
            f"{_copies(rehearsals, scene)}",
        )
    return (
        Outcome.UNKNOWN,
        f"{unknown}the loss is {share:.2g} of the best constant's, and neither linear maps nor "
        "nearest neighbours of the inputs say that more can be learnt: what is left may be noise, "
        "the least loss there is (of soft targets, say), or what all of them lack. "
        f"{_copies(rehearsals, scene)}",
    )


def _copies(rehearsals: Rehearsals | None, scene: Scene) -> str:
    """Where the fault lies, as far as copies tell."""
    made = [one for one in _all(rehearsals) if not one.trial.note]
    if rehearsals is None or not made:
        return "No copies were trained, so nothing says where it lies."
    best = max(made, key=lambda one: one.gain)
    if best.gain >= max(rehearsals.now, 0.0) + thresholds.HELPED:
        return f"The best of {len(made)} copies ({_words(best)}) wins {best.gain:.0%} of it."
    most = max(one.trial.steps for one in made)
    as_many = scene.training.steps is not None and scene.training.steps <= most
    loop = "; so it is not the loop alone" if as_many else ""
    return (
        f"None of {len(made)} copies, in a plain loop of up to {most} steps, gets any further: as "
        f"it is, from a new start, or changed as is shown{loop}. What all copies share is the "
        "model, the loss, and which targets belong to which inputs: print one batch as the loss "
        "gets it, and try to fit two points."
    )


def _share(scene: Scene) -> float | None:
    """The loss in units of the best constant's; None where that says nothing."""
    constant, loss = scene.landscape.constant_loss, scene.landscape.loss
    return loss / constant if constant is not None and constant > 0 and 0 <= loss < inf else None


def _all(found: Rehearsals | None) -> tuple[Rehearsal, ...]:
    if found is None:
        return ()
    return found.made if found.in_order is None else (*found.made, found.in_order)


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
        found.append("how small the loss should be: no constant output says it")
    if scene.task.nature is LossNature.UNKNOWN:
        found.append(
            "which outputs would be right: the loss is none of the usual ones of values, classes "
            "or probabilities, so range, sign and scale of the outputs were not compared with the "
            "targets"
        )
    return tuple(found)
