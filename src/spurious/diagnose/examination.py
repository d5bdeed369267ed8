"""The steps of a diagnosis: measure, look for causes, train copies, settle, try remedies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from torch import nn

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity, ranked
from spurious.diagnose.judge.causes.table import cause_findings
from spurious.diagnose.judge.conclude import conclusion
from spurious.diagnose.judge.landscape import landscape_findings
from spurious.diagnose.judge.parts import part_at_fault
from spurious.diagnose.judge.rehearsals import rehearsal_findings
from spurious.diagnose.judge.settle import OF_COPIES, learnt_by_some, settled, unhelped
from spurious.diagnose.judge.signal import signal_findings
from spurious.diagnose.judge.success import succeeds
from spurious.diagnose.judge.terms import falls_without_end, is_silent, unbalanced_terms
from spurious.diagnose.judge.traces import asks_by_heart, learnt_by_heart
from spurious.diagnose.judge.units import unit_findings
from spurious.diagnose.kinds import CAUSES, Kind
from spurious.diagnose.measure.batches import sample_of
from spurious.diagnose.measure.cost import in_fitting_batches
from spurious.diagnose.measure.exact import dense_chain, exact_verdict
from spurious.diagnose.measure.examine import measure
from spurious.diagnose.measure.folding import folded
from spurious.diagnose.measure.left import Left
from spurious.diagnose.measure.modes import only_training_reaches
from spurious.diagnose.measure.optimiser import OptimiserSeen, rule_like
from spurious.diagnose.measure.own_step import Step, step_seen
from spurious.diagnose.measure.plane import plane_of
from spurious.diagnose.measure.preserve import look_as_trained, untouched
from spurious.diagnose.measure.records import Measurements, Plane
from spurious.diagnose.measure.scene import Scene
from spurious.diagnose.measure.scene_of import scene_of
from spurious.diagnose.measure.start_probability import StartProbability, start_probability
from spurious.diagnose.remedy import parts
from spurious.diagnose.show.report import Report
from spurious.diagnose.treat.mends import with_code
from spurious.diagnose.treat.penalty import weigh
from spurious.diagnose.treat.ranking import ranked_remedies
from spurious.diagnose.treat.rehearsal import Aspect, Rehearsals
from spurious.diagnose.treat.rehearse import (
    MOST_POINTS,
    MOST_STEPS,
    USUAL_STEP,
    carries_over,
    rehearse,
    steps_for,
)
from spurious.diagnose.treat.trials import Course, Trial
from spurious.proof import Verdict

OF_STEPS: Final = frozenset({Kind.STEP_TOO_SMALL, Kind.TOO_FEW_UPDATES})
"""What a longer look at copies may refute."""

OF_START: Final = frozenset({Kind.DEAD_UNITS, Kind.SHIFTED_INITIALISATION, Kind.CONSTANT_OUTPUT})
"""Where it matters how probable a constant start was."""


@dataclass(frozen=True)
class Asked:
    """The arguments of `diagnose`, and what was read off before anything ran.

    Attributes:
        data: As given.
        loss: As given.
        points: How many to look at.
        optimiser: As given, or None.
        held: What that holds, and how it moves it.
        trained: Whether training has left traces.
        left: What the last step has left.
        of_the_loop: What a watch saw of the loop.
        step: The user's own update, or None.
        curvature: Whether to look at the Hessian and along directions.
        rehearse: Whether to train copies.
        say: Called with a line on what is being done.
        unseen: What was not given.
    """

    data: Any
    loss: Callable[..., Any] | None
    points: int
    optimiser: Any
    held: OptimiserSeen | None
    trained: bool
    left: Left
    of_the_loop: tuple[Finding, ...]
    step: Step | None
    curvature: bool
    rehearse: bool
    say: Callable[[str], None]
    unseen: tuple[str, ...]


@dataclass(frozen=True)
class _Measured:
    """What is known before any copy is trained.

    Attributes:
        course: How copies are trained.
        looks: Steps of a first look at copies, and of a second one if there may be one.
        seen: All numbers.
        scene: The values beside the data.
        chain: The model as its own dense layers, if it is one of relus.
        verdict: On a small model, or None.
        plane: The model over the plane of its inputs, or None.
        succeeds: Whether it has learnt its points.
    """

    course: Course
    looks: tuple[int, ...]
    seen: Measurements
    scene: Scene
    chain: nn.Sequential | None
    verdict: Verdict | None
    plane: Plane | None
    succeeds: bool


@dataclass(frozen=True)
class _Rehearsed:
    """What copies did, and what that says.

    Attributes:
        found: All that were trained; None if there were none.
        told: The findings that they lead to.
        steps: Of each.
    """

    found: Rehearsals | None
    told: tuple[Finding, ...]
    steps: int


def examined(model: nn.Module, asked: Asked) -> Report:
    """Examines a model, which is changed while that lasts: wrap it in `untouched`."""
    known = _measured(model, asked)
    scene, seen, say = known.scene, known.seen, asked.say
    causes = [*asked.of_the_loop, *cause_findings(scene)]
    copies = _Rehearsed(None, (), known.looks[0])
    if asked.rehearse and not known.succeeds and not _data_not_finite(seen):
        unbalanced = _unbalanced(known, say)
        if unbalanced is not None:
            causes.append(unbalanced)
        elif not any(f.severity is Severity.CRITICAL for f in causes if is_cause(f)):
            copies = _rehearsed(known, causes, say)
    findings = [
        *causes,
        *copies.told,
        *unit_findings(seen),
        *signal_findings(seen),
        *landscape_findings(seen, known.verdict, scene, copies.found),
    ]
    if _after_nan(asked):
        findings = [f for f in findings if _leads_to_nan(f) or f in asked.of_the_loop]
    findings = list(ranked(settled(_once(findings), scene, copies.found, known.succeeds)))
    trials: tuple[Trial, ...] = ()
    if asked.rehearse and not known.succeeds and seen.landscape.connected:
        findings, trials = _treated(known, copies, findings, say)
    return Report(
        conclusion=conclusion(findings, scene, copies.found, known.succeeds, asked.unseen),
        findings=tuple(map(with_code, findings)),
        measurements=seen,
        verdict=known.verdict,
        start=_start(known, findings),
        plane=known.plane,
        points=asked.points,
        trials=trials,
    )


def is_cause(found: Finding) -> bool:
    """Whether it is a problem, and a fault of outputs, loss, data, structure or loop."""
    return found.kind in CAUSES and found.severity > Severity.INFO


def _measured(model: nn.Module, asked: Asked) -> _Measured:
    say, held = asked.say, asked.held
    sample = sample_of(asked.data, model, asked.points)
    if only_training_reaches(model, asked.loss, sample, held.held if held else None):
        look_as_trained(model)
    with untouched(model):
        loss, sample = in_fitting_batches(model, asked.loss, sample)
    with untouched(model):  # half precision is lifted for the Hessian
        seen, values = measure(model, loss, sample, curvature=asked.curvature, say=say)
    scene = scene_of(model, sample, seen, values, held, asked.trained, asked.left)
    verdict = None
    chain = None if seen.not_finite else dense_chain(model, seen, sample)
    if asked.curvature and not seen.not_finite and seen.landscape.connected:
        say("exact verdict")
        bare, logits_loss = folded(model, loss)
        verdict, note = exact_verdict(
            model,
            chain if bare is model else dense_chain(bare, seen, sample),
            logits_loss,
            sample,
            seen.broadcast,
            still=not asked.rehearse or seen.landscape.relative_gradient < thresholds.STATIONARY,
            optimiser=asked.optimiser,
        )
        seen = replace(seen, notes=(*seen.notes, note)) if note else seen
    course = Course(
        model,
        loss,
        sample.first(MOST_POINTS),
        held.step_size if held is not None else USUAL_STEP,
        None if asked.optimiser is None else rule_like(asked.optimiser, model),
    )
    looks = steps_for(seen)
    well = succeeds(scene) and not _after_nan(asked)
    sound = seen.landscape.connected and not seen.not_finite
    if asked.step is not None and asked.optimiser is not None and sound and not well:
        say("the step that was given, on copies")
        own = step_seen(
            model, asked.optimiser, asked.step, course.sample, loss, looks[0], afresh=asked.trained
        )
        scene = replace(scene, training=replace(scene.training, own_step=own))
    plane = None if seen.not_finite or scene.model.mixes else plane_of(model, sample)
    return _Measured(course, looks, seen, scene, chain, verdict, plane, well)


def _after_nan(asked: Asked) -> bool:
    """Whether the weights are those from before the first NaN."""
    return any(found.kind is Kind.NOT_FINITE for found in asked.of_the_loop)


def _unbalanced(known: _Measured, say: Callable[[str], None]) -> Finding | None:
    """A term of the loss that drowns another, or pulls it down without end."""
    weighing = None
    if is_silent(known.scene) and known.course.loss is not None:
        weighing = weigh(known.course, known.scene, known.looks[0], say)
    return falls_without_end(known.scene) or unbalanced_terms(weighing, known.scene)


def _rehearsed(known: _Measured, causes: list[Finding], say: Callable[[str], None]) -> _Rehearsed:
    """Trains copies, for longer where the first look shows no cause in a hopeless model."""
    scene, seen, course = known.scene, known.seen, known.course
    gravest = ranked([found for found in causes if is_cause(found)])
    suspected = tuple(found.remedies[0] for found in gravest[:1] if found.remedies)
    copies = _Rehearsed(None, (), known.looks[0])
    for steps in known.looks:
        is_slow = (
            copies.found is not None
            and copies.steps == MOST_STEPS
            and not any(map(is_cause, copies.told))
        )
        again = rehearse(course, seen, scene, suspected, steps, say, is_slow)
        said = tuple(rehearsal_findings(again, scene, seen))
        if copies.found is None or _tells_more(said, copies.told):
            copies = _Rehearsed(again, said, steps)
        sure = any(f.severity > Severity.INFO and f.kind not in OF_STEPS for f in copies.told)
        tried = () if again is None else again.of(Aspect.CAUSE)
        doubtful = bool(tried) and all(one.gain < thresholds.HELPED for one in tried)
        explained = (gravest and not doubtful) or sure or seen.broadcast
        if explained or again is None or not _is_hopeless(scene):
            break
    return _by_heart(known, causes, copies)


def _by_heart(known: _Measured, causes: list[Finding], copies: _Rehearsed) -> _Rehearsed:
    """Asks, where it matters, whether what copies learn holds for other points."""
    found, constant = copies.found, known.seen.landscape.constant_loss
    if found is None or not constant:
        return copies
    unrelated = any(f.kind is Kind.TARGETS_SHUFFLED for f in causes)
    won = any(one.gain > 0 for one in found.changed)  # else nothing is learnt by heart
    doubtful = any(f.kind in OF_COPIES for f in copies.told)
    doubtful = doubtful or (unrelated and learnt_by_some(found))
    if (won and doubtful) or asks_by_heart(found, known.scene):
        found = replace(found, carries=carries_over(found, known.course, constant))
    return replace(copies, found=found, told=(*copies.told, *learnt_by_heart(found, known.scene)))


def _treated(
    known: _Measured, copies: _Rehearsed, findings: list[Finding], say: Callable[[str], None]
) -> tuple[list[Finding], tuple[Trial, ...]]:
    """Tries the remedies on copies, and others where no problem is seen: which part is at fault."""
    landscape, course = known.seen.landscape, known.course
    raced = copies.found is not None and all(f.severity is Severity.INFO for f in findings)
    if copies.found is not None and raced:
        at_fault = part_at_fault(
            copies.found,
            known.scene,
            lambda name, most, goal: course.trial(parts(name), most, goal),
            say,
        )
        findings = [*([at_fault] if at_fault is not None else []), *findings]
    scale = landscape.constant_loss or abs(landscape.loss)
    findings, trials = ranked_remedies(
        findings, course, copies.steps, scale, landscape.loss, copies.found, raced, say
    )
    return list(ranked(unhelped(findings, known.scene, trials))), trials


def _start(known: _Measured, findings: list[Finding]) -> StartProbability | None:
    """How probable the start of a dense relu network was, where it is at fault."""
    relu = all(layer.activation == "relu" for layer in known.seen.units)
    if known.chain is None or not relu or not any(f.kind in OF_START for f in findings):
        return None
    x = known.scene.data.features
    assert x is not None
    return start_probability(known.seen.affine, x.detach().flatten(1).cpu().double().numpy())


def _is_hopeless(scene: Scene) -> bool:
    """Whether training has come to no more than a constant, which is not all there is."""
    return scene.training.begun and scene.is_poor and not scene.task.targets_are_equal


def _leads_to_nan(found: Finding) -> bool:
    """Whether it is a cause, and none that is read off what training has learnt."""
    return found.kind in CAUSES and found.kind not in (Kind.SAME_BATCH, Kind.UNSHUFFLED_DATA)


def _tells_more(said: tuple[Finding, ...], told: tuple[Finding, ...]) -> bool:
    """Whether a longer look shows a cause where a shorter one did not, or refutes what that showed.

    Steps are too short whether in more of them a copy learns or not.
    """
    causes = [f.kind for f in said if is_cause(f)]
    if any(is_cause(f) for f in told):
        if causes:
            return causes[0] not in OF_STEPS
        return not any(f.kind in OF_STEPS for f in said)
    return bool(causes) or len(said) > len(told)


def _once(findings: list[Finding]) -> list[Finding]:
    """One finding of each kind and layer, the gravest; the first of equals."""
    best: dict[tuple[str, str | None], Finding] = {}
    for found in findings:
        key = (found.kind, found.layer)
        if key not in best or found.severity > best[key].severity:
            best[key] = found
    return list(best.values())


def _data_not_finite(seen: Measurements) -> bool:
    return seen.not_finite.startswith(("the inputs", "the targets"))
