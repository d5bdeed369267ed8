"""Why is this PyTorch model stuck? The entry point; torch is imported when it is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity, ranked
from spurious.diagnose.kinds import CAUSES, Kind
from spurious.diagnose.remedy import parts
from spurious.diagnose.show.report import Report
from spurious.diagnose.treat.mends import with_code
from spurious.errors import InputError
from spurious.late import require

if TYPE_CHECKING:
    from torch import nn
    from torch.export import ExportedProgram

    from spurious.diagnose.measure.left import Left
    from spurious.diagnose.measure.optimiser import OptimiserSeen
    from spurious.diagnose.measure.own_step import Step
    from spurious.diagnose.measure.records import Measurements
    from spurious.diagnose.measure.scene import Scene
    from spurious.diagnose.treat.trials import Trial
    from spurious.diagnose.watch.watch import TrainingWatch

POINTS = 512
"""Points looked at by default."""


OF_STEPS: Final = frozenset({Kind.STEP_TOO_SMALL, Kind.TOO_FEW_UPDATES})
"""What a longer look at copies may refute."""


def _quiet(_: str) -> None:
    """Says nothing."""


def diagnose(
    model: nn.Module | ExportedProgram,
    data: Any,
    loss: Callable[..., Any] | None = None,
    *,
    points: int = POINTS,
    optimiser: Any = None,
    watch: TrainingWatch | None = None,
    step: Step | None = None,
    curvature: bool = True,
    rehearse: bool = True,
    say: Callable[[str], None] = _quiet,
) -> Report:
    """Examines a PyTorch model and says what keeps it from learning.

    The model is left exactly as it was. The cost is one pass forward and back over the points,
    one forward pass at midpoints, with `curvature` some 25 Hessian-vector products and 30
    forward passes over at most 256 points, and with `rehearse`, if the loss is not small already,
    up to fifteen trainings of copies of at most 300 steps; of cheap models that have learnt nothing
    and show no cause, as many of 3,000.

    Args:
        model: Any module; wrappers of data parallelism and `torch.compile` are looked through; or
            a program of `torch.export`.
        data: `(inputs, targets)`, or a loader or list of such batches, or of mappings of the
            model's keyword arguments.
        loss: A function of (outputs, targets) that returns a scalar tensor; None if the model's
            output has a field `loss`, as in Hugging Face's models.
        points: How many points to look at: spread over all of them, or a loader's first ones.
        optimiser: What trains the model: its step size, what it holds and its weight decay are
            then judged too, and copies are trained by one like it (else by Adam).
        watch: What followed the training, if anything did: what it saw of the loop is told too, and
            where weights are lost, and show no cause, the last that were finite are looked at.
        step: Your own update, a function of (model, optimiser, inputs, targets) that does what one
            turn of your loop does. It is called on copies of model and optimiser and compared with
            a textbook's (zero_grad, loss, backward, step) on the same batches, those of `data`:
            what it does otherwise, and whether they learn less by it.
        curvature: Whether to look at the Hessian and along directions too.
        rehearse: Whether to train copies, to see which change helps.
        say: Called with a line on what is being done.

    Raises:
        InputError: torch is not installed, or the model, the data or the loss cannot be used; a
            step is given without an optimiser, raises, or moves another model than its own.

    Examples:
        >>> import spurious, torch
        >>> hidden, output = torch.nn.Linear(2, 8), torch.nn.Linear(8, 1)
        >>> model = torch.nn.Sequential(hidden, torch.nn.ReLU(), output)
        >>> _ = torch.nn.init.constant_(hidden.bias, -10)
        >>> x = torch.linspace(0, 1, 64).reshape(32, 2)
        >>> report = spurious.diagnose(model, (x, x.sum(1, keepdim=True)), torch.nn.MSELoss())
        >>> report.findings[0].kind
        'shifted_initialisation'

        The loop is looked at as well, if its update is given as a function:

        >>> def step(model, optimiser, inputs, targets):
        ...     loss = torch.nn.functional.mse_loss(model(inputs), targets)
        ...     (-loss).backward()
        ...     optimiser.step()
        ...     optimiser.zero_grad()
        >>> model, y = torch.nn.Linear(2, 1), x.sum(1, keepdim=True)
        >>> sgd = torch.optim.SGD(model.parameters(), lr=0.01)
        >>> spurious.diagnose(
        ...     model, (x, y), torch.nn.MSELoss(), optimiser=sgd, step=step
        ... ).findings[0].kind
        'gradient_sign_flipped'
    """
    require()
    from torch import nn

    from spurious.diagnose.measure.preserve import (
        has_lost_weights,
        put_back,
        untouched,
        unwrapped,
    )

    model = unwrapped(model)
    if not isinstance(model, nn.Module):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"model: found a {type(model).__name__}, expected a torch.nn.Module")
    if points < 2:
        raise InputError(f"points: found {points}, expected at least 2")
    if any(isinstance(p, nn.parameter.UninitializedParameter) for p in model.parameters()):
        raise InputError("model: has lazy modules without weights; call it once on a batch first")
    from spurious.diagnose.measure.left import left_by
    from spurious.diagnose.measure.optimiser import optimiser_seen
    from spurious.diagnose.measure.scene_of import was_trained

    held = None if optimiser is None else optimiser_seen(optimiser, model)
    trained = was_trained(model, held)
    made = held.steps if held is not None else None
    made = watch.steps if made is None and watch is not None else made
    left = replace(left_by(model, optimiser), made=made)
    followed = watch is not None and (watch.steps > 0 or not trained)
    seen = watch.loop_findings if watch is not None and followed else ()
    if step is not None and optimiser is None:
        raise InputError("optimiser: found None beside a step, expected what the step moves with")
    asked = _Asked(
        data,
        loss,
        points,
        optimiser,
        held,
        trained,
        left,
        seen,
        step,
        curvature,
        rehearse,
        say,
        unseen=tuple(_not_given(optimiser is None, watch is None and step is None, not rehearse)),
    )
    before = None if watch is None else watch.before_nan
    with untouched(model):
        report = _examined(model, asked)
    if before is None or not has_lost_weights(model) or any(map(_is_cause, report.findings)):
        return report
    with untouched(model):
        weights, found = before
        put_back(model, weights)
        earlier = _examined(model, replace(asked, of_the_loop=(*asked.of_the_loop, found)))
    return earlier if any(map(_is_cause, earlier.findings)) else report


@dataclass(frozen=True)
class _Asked:
    """The arguments of `diagnose`, and what was read off before anything ran."""

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


def _not_given(optimiser: bool, loop: bool, copies: bool) -> Iterator[str]:
    """What could not be looked at, and what to give so that it can be."""
    if optimiser:
        yield "the optimiser (optimiser=): its step size, its weight decay, what it holds"
    if loop:
        yield "your loop: give what one turn of it does (step=), or what followed it (watch=)"
    if copies:
        yield "copies: none were trained (rehearse=True)"


def _examined(model: nn.Module, asked: _Asked) -> Report:
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
    from spurious.diagnose.measure.batches import sample_of
    from spurious.diagnose.measure.cost import in_fitting_batches
    from spurious.diagnose.measure.exact import dense_chain, exact_verdict
    from spurious.diagnose.measure.examine import measure
    from spurious.diagnose.measure.folding import folded
    from spurious.diagnose.measure.modes import only_training_reaches
    from spurious.diagnose.measure.optimiser import rule_like
    from spurious.diagnose.measure.own_step import step_seen
    from spurious.diagnose.measure.plane import plane_of
    from spurious.diagnose.measure.preserve import look_as_trained, untouched
    from spurious.diagnose.measure.scene_of import scene_of
    from spurious.diagnose.treat.penalty import weigh
    from spurious.diagnose.treat.ranking import ranked_remedies
    from spurious.diagnose.treat.rehearsal import Aspect
    from spurious.diagnose.treat.rehearse import (
        MOST_POINTS,
        MOST_STEPS,
        USUAL_STEP,
        carries_over,
        rehearse,
        steps_for,
    )
    from spurious.diagnose.treat.trials import trial

    loss, say = asked.loss, asked.say
    sample = sample_of(asked.data, model, asked.points)
    if only_training_reaches(model, loss, sample, asked.held.held if asked.held else None):
        look_as_trained(model)
    with untouched(model):
        loss, sample = in_fitting_batches(model, loss, sample)
    with untouched(model):  # half precision is lifted for the Hessian
        seen, values = measure(model, loss, sample, curvature=asked.curvature, say=say)
    scene = scene_of(model, sample, seen, values, asked.held, asked.trained, asked.left)
    verdict, probability, plane = None, None, None
    chain = None if seen.not_finite else dense_chain(model, seen, sample)
    if asked.curvature and not seen.not_finite and seen.landscape.connected:
        say("exact verdict")
        bare, logits_loss = folded(model, loss)
        inner = chain if bare is model else dense_chain(bare, seen, sample)
        verdict, note = exact_verdict(
            model,
            inner,
            logits_loss,
            sample,
            seen.broadcast,
            still=not asked.rehearse or seen.landscape.relative_gradient < thresholds.STATIONARY,
            optimiser=asked.optimiser,
        )
        seen = replace(seen, notes=(*seen.notes, note)) if note else seen
    if not seen.not_finite:
        plane = plane_of(model, sample)
    nan = any(found.kind is Kind.NOT_FINITE for found in asked.of_the_loop)  # after these weights
    well = succeeds(scene) and not nan
    rule = rule_like(asked.optimiser, model) if asked.optimiser is not None else None
    size = asked.held.step_size if asked.held is not None else USUAL_STEP
    few, looks = sample.first(MOST_POINTS), steps_for(seen)
    steps = looks[0]
    sound = seen.landscape.connected and not seen.not_finite
    if asked.step is not None and asked.optimiser is not None and sound and not well:
        say("the step that was given, on copies")
        own = step_seen(model, asked.optimiser, asked.step, few, loss, steps, afresh=asked.trained)
        scene = replace(scene, own_step=own)
    causes = [*asked.of_the_loop, *cause_findings(scene)]
    rehearsals, told = None, list[Finding]()
    if asked.rehearse and not well and not _data_not_finite(seen):
        known = ranked([found for found in causes if _is_cause(found)])
        weighing = None
        if is_silent(scene) and loss is not None:
            weighing = weigh(model, loss, few, scene, steps, size, rule, say)
        unbalanced = falls_without_end(scene) or unbalanced_terms(weighing, scene)
        if unbalanced is not None:
            causes.append(unbalanced)
        elif not any(found.severity is Severity.CRITICAL for found in known):
            suspected = tuple(found.remedies[0] for found in known[:1] if found.remedies)
            for many in looks:
                slow = (
                    rehearsals is not None and steps == MOST_STEPS and not any(map(_is_cause, told))
                )
                again = rehearse(model, loss, sample, seen, scene, rule, suspected, many, say, slow)
                said = list(rehearsal_findings(again, scene, seen))
                if rehearsals is None or _tells_more(said, told):
                    rehearsals, told, steps = again, said, many
                sure = any(f.severity > Severity.INFO and f.kind not in OF_STEPS for f in told)
                tried = () if again is None else again.of(Aspect.CAUSE)
                doubtful = bool(tried) and all(one.gain < thresholds.HELPED for one in tried)
                explained = (known and not doubtful) or sure or seen.broadcast
                if explained or again is None or not _is_hopeless(scene):
                    break
    unrelated = any(f.kind is Kind.TARGETS_SHUFFLED for f in causes)
    constant = seen.landscape.constant_loss
    if rehearsals is not None and constant:
        won = any(one.gain > 0 for one in rehearsals.changed)  # else nothing is learnt by heart
        doubtful = any(f.kind in OF_COPIES for f in told)
        doubtful = doubtful or (unrelated and learnt_by_some(rehearsals))
        if (won and doubtful) or asks_by_heart(rehearsals, scene):
            carries = carries_over(rehearsals, model, loss, few, constant, rule, size)
            rehearsals = replace(rehearsals, carries=carries)
        told += learnt_by_heart(rehearsals, scene)
    findings = [
        *causes,
        *told,
        *unit_findings(seen),
        *signal_findings(seen),
        *landscape_findings(seen, verdict, scene, rehearsals),
    ]
    if nan:
        findings = [f for f in findings if _leads_to_nan(f) or f in asked.of_the_loop]
    findings = list(ranked(settled(_once(findings), scene, rehearsals, well)))
    trials: tuple[Trial, ...] = ()
    scale = seen.landscape.constant_loss or abs(seen.landscape.loss)
    if asked.rehearse and not well and seen.landscape.connected:
        raced = rehearsals is not None and all(f.severity is Severity.INFO for f in findings)
        if rehearsals is not None and raced:
            at_fault = part_at_fault(
                rehearsals,
                scene,
                lambda name, most, goal: trial(
                    parts(name), model, few, loss, most, size, rule, goal
                ),
                say,
            )
            findings = [*([at_fault] if at_fault is not None else []), *findings]
        findings, trials = ranked_remedies(
            findings,
            model,
            loss,
            few,
            steps,
            size,
            rule,
            scale,
            seen.landscape.loss,
            rehearsals,
            raced,
            say,
        )
        findings = list(ranked(unhelped(findings, scene, trials)))
    relu = all(layer.activation == "relu" for layer in seen.units)
    if chain is not None and relu and any(_of_start(found) for found in findings):
        from spurious.diagnose.measure.start_probability import start_probability

        features = sample.features
        assert features is not None
        probability = start_probability(
            seen.affine, features.detach().flatten(1).cpu().double().numpy()
        )
    return Report(
        conclusion=conclusion(findings, scene, rehearsals, well, asked.unseen),
        findings=tuple(map(with_code, findings)),
        measurements=seen,
        verdict=verdict,
        start=probability,
        plane=plane,
        points=asked.points,
        trials=trials,
    )


def _is_cause(found: Finding) -> bool:
    return found.kind in CAUSES and found.severity > Severity.INFO


def _is_hopeless(scene: Scene) -> bool:
    """Whether training has come to no more than a constant, which is not all there is."""
    return scene.trained and scene.is_poor and not scene.targets_are_equal


def _leads_to_nan(found: Finding) -> bool:
    """Whether it is a cause, and none that is read off what training has learnt."""
    return found.kind in CAUSES and found.kind not in (Kind.SAME_BATCH, Kind.UNSHUFFLED_DATA)


def _tells_more(said: list[Finding], told: list[Finding]) -> bool:
    """Whether a longer look shows a cause where a shorter one did not, or refutes what that showed.

    Steps are too short whether in more of them a copy learns or not.
    """
    causes = [f.kind for f in said if _is_cause(f)]
    if any(_is_cause(f) for f in told):
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


def _of_start(found: Finding) -> bool:
    return found.kind in ("dead_units", "shifted_initialisation", "constant_output")
