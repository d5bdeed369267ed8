"""What a finding is worth, in the light of what training does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.judge.learning import learns
from spurious.diagnose.judge.parts import nothing_is_left
from spurious.diagnose.judge.starts import NO_START
from spurious.diagnose.judge.steps import leaves
from spurious.diagnose.kinds import CAUSES, MAY_BE_MEANT, Kind
from spurious.diagnose.remedy import Remedy
from spurious.diagnose.treat.rehearsal import Aspect

if TYPE_CHECKING:
    from spurious.diagnose.measure.scene import Scene
    from spurious.diagnose.treat.rehearsal import Rehearsals
    from spurious.diagnose.treat.trials import Trial

LANDSCAPE: Final = frozenset(
    {
        Kind.SHARED_REGIONS,
        Kind.BLIND_SPOTS,
        Kind.CONSTANT_OUTPUT,
        Kind.VALLEY_TO_INFINITY,
        Kind.SADDLE,
        Kind.LOCAL_MINIMUM,
        Kind.PLATEAU,
    }
)
"""What a start may look like, and what the first steps of training change."""

UNITS: Final = frozenset(
    {Kind.DEAD_UNITS, Kind.SATURATION, Kind.DUPLICATED_UNITS, Kind.BLIND_SPOTS}
)
"""What is seen of units, of which a model that has learnt more than half may have some."""

SEVERAL: Final = 8.0
"""Times the length of the gradient of a batch of 64, which a single point rarely has: such a
gradient is a sum over batches."""

BESIDE_CONSTANT: Final = frozenset(
    {
        Kind.EXPLODING_GRADIENT,
        Kind.WORSE_THAN_CONSTANT,
        Kind.WORSE_THAN_LINEAR,
        Kind.PLATEAU,
    }
)
"""What is said in comparison with a constant's loss."""

OF_DIFFERENCES: Final = BESIDE_CONSTANT | {
    Kind.CONSTANT_OUTPUT,
    Kind.SHARED_REGIONS,
    Kind.BLIND_SPOTS,
    Kind.TOO_FEW_UNITS,
    Kind.FAULT_IN_LOOP,
    Kind.FAULT_IN_MODEL,
    Kind.VANISHING_GRADIENT,
}
"""What is said of how several points lie to one another."""

ASKED_FOR: Final = frozenset(
    {"share_of_small_targets", "softmax_over_points", "padding", "far_points"}
)
"""Evidence of what may be meant, or does not matter, where copies learn: relative errors, the ranks
of a list, sequences that end in silence, a few points far out."""

OF_COPIES: Final = frozenset({Kind.STEP_TOO_SMALL, Kind.TOO_FEW_UNITS, Kind.OVER_REGULARISED})
"""What a copy may have been better with since it learnt by heart."""

STANDING: Final = frozenset({Kind.PLATEAU, Kind.LOCAL_MINIMUM, Kind.SADDLE})
"""Words for a model that gets no better."""

START_FAULTS: Final = frozenset({Kind.DUPLICATED_UNITS, Kind.DEAD_UNITS, Kind.SATURATION})
"""What no longer step gets a model out of, if all of a layer is so: copies that learnt by a longer
step started afresh."""


def settled(
    findings: list[Finding], scene: Scene, rehearsals: Rehearsals | None, succeeds: bool
) -> list[Finding]:
    """Findings with the severity that they keep.

    Nothing is a problem of a model that has learnt its data, but what makes its loss meaningless.
    And before training no look of the surface is one where copies then learn.

    Args:
        findings: As the judges gave them.
        scene: Values, and whether the model was trained.
        rehearsals: What copies did, if they were trained.
        succeeds: Whether the model has learnt its data.
    """
    if any(f.kind is Kind.LABELS_OUTSIDE_LOSS for f in findings):  # which is why
        findings = [f for f in findings if "loss_of_one_constant" not in f.evidence]
    one_class = any(f.kind is Kind.ONE_CLASS_TARGETS for f in findings)
    if scene.task.targets_are_equal and not one_class:  # then a constant is not what is asked for
        findings = [f for f in findings if f.kind not in BESIDE_CONSTANT]
    if scene.data.is_of_one_point:
        findings = [f for f in findings if not succeeds and not _needs_points(f, scene, rehearsals)]
    findings = [f for f in findings if not _means_nothing(f, scene, rehearsals)]
    broken = any(f.kind in START_FAULTS and f.severity is Severity.CRITICAL for f in findings)
    vanishes = any(
        f.kind is Kind.VANISHING_GRADIENT and f.severity > Severity.INFO for f in findings
    )

    there = any(f.kind is Kind.CONTRADICTING_TARGETS and f.evidence["arrived"] for f in findings)
    if there:  # nothing is left that better units, or another surface, could learn
        findings = [replace(f, severity=Severity.INFO) if _of_more(f) else f for f in findings]

    def is_no_cause(f: Finding) -> bool:
        """Only Adam helped, whose steps are as long in layers that hardly any gradient reaches."""
        adam_alone = f.evidence.get("optimiser") == "Adam"
        return f.kind is Kind.STEP_TOO_SMALL and (broken or (vanishes and adam_alone))

    findings = [replace(f, severity=Severity.INFO) if is_no_cause(f) else f for f in findings]
    return [
        replace(found, severity=Severity.INFO)
        if found.severity is not Severity.INFO and _refuted(found, scene, rehearsals, succeeds)
        else _softened(found, rehearsals, vanishes)
        for found in findings
    ]


def _of_more(found: Finding) -> bool:
    """Whether it matters only where more can be learnt; a proof stays what it is."""
    return found.kind in UNITS | STANDING and not found.explanation.startswith("Proved")


def _needs_points(found: Finding, scene: Scene, rehearsals: Rehearsals | None) -> bool:
    """Whether something is said of several points that one alone cannot show.

    Of one point half of all relus are off, what the least loss is is not known, and some starts are
    luckier than others; a step is too large if training has gone far above a start.
    """
    if found.kind is Kind.STEP_TOO_LARGE and rehearsals is not None:
        return not leaves(rehearsals, scene)
    dead = found.kind is Kind.DEAD_UNITS and found.severity is not Severity.CRITICAL
    standing = found.kind in STANDING and not found.explanation.startswith("Proved")
    return dead or standing or found.kind in OF_DIFFERENCES


def _means_nothing(found: Finding, scene: Scene, rehearsals: Rehearsals | None) -> bool:
    """Whether copies, or the loop, show that a finding is not to be said at all.

    Steps may vanish when all is learnt. Longer steps and more units are no help if they only learn
    by heart; nor are longer steps where a function brings its own gradient (a reversal, say) or a
    part that others train judges, so that the loss need not fall, or where the loop adds up the
    gradients of several batches: its steps are longer than those of copies.
    """
    if "vanished" in found.evidence and rehearsals is not None:  # it may have been at the end
        least = max(rehearsals.now, 0.0) + thresholds.HELPED
        return all(one.gain < least for one in rehearsals.of(Aspect.CAUSE))
    if found.kind not in OF_COPIES or "loss_with_the_change" not in found.evidence:
        return False
    if rehearsals is not None and rehearsals.carries is False:
        decays = found.kind is Kind.OVER_REGULARISED
        return not (decays and _holds_for_others(scene, rehearsals))
    if _far_below_a_start(scene, rehearsals):
        return True
    if found.kind is not Kind.STEP_TOO_SMALL:
        return False
    unknown = scene.landscape.constant_loss is None
    return scene.training.lengthened > SEVERAL or (
        unknown and (scene.model.own_gradients or scene.weights.judges)
    )


def _far_below_a_start(scene: Scene, rehearsals: Rehearsals | None) -> bool:
    """Whether a loss without a known constant is a tenth of a start's: shares of it are small."""
    fresh = None if rehearsals is None else rehearsals.afresh
    if scene.landscape.constant_loss is not None or fresh is None or not fresh.trial.start:
        return False
    return 0 <= scene.landscape.loss <= thresholds.GOOD * fresh.trial.start


def unhelped(findings: Iterable[Finding], scene: Scene, trials: Iterable[Trial]) -> list[Finding]:
    """Findings with units that nothing shows to matter as infos.

    So it is where no constant says what the loss of a trained model should be, and no remedy
    makes it smaller by a tenth, or it is less than half of that of a start.
    """
    loss = scene.landscape.loss
    least, tried = loss - thresholds.LEARNT * abs(loss), tuple(trials)
    helped = any(t.after is not None and t.after <= least for t in tried)
    starts = [t.start for t in tried if t.remedy == Remedy.REDRAW_WEIGHTS and t.start is not None]
    helped = helped and not any(loss <= thresholds.MIDDLING * start for start in starts)
    if not scene.training.begun or scene.landscape.constant_loss is not None or helped:
        return list(findings)
    return [
        replace(found, severity=Severity.INFO)
        if found.kind in UNITS and found.severity is Severity.WARNING
        else found
        for found in findings
    ]


def _softened(found: Finding, rehearsals: Rehearsals | None, explained: bool) -> Finding:
    """An output that is the same everywhere is not final where a copy learns to vary it.

    Nor is it what to look at first where what is seen of the units and of gradients explains it.
    """
    if found.kind is not Kind.CONSTANT_OUTPUT or found.severity is not Severity.CRITICAL:
        return found
    return replace(found, severity=Severity.WARNING) if explained or learns(rehearsals) else found


def learnt_by_some(rehearsals: Rehearsals | None) -> bool:
    """Whether a copy with some change learns the data, not only by heart: they can be learnt."""
    if rehearsals is None or rehearsals.carries is False:
        return False
    return any(one.gain >= thresholds.ALL_THE_DIFFERENCE for one in rehearsals.changed)


def _another_start_learns(rehearsals: Rehearsals | None) -> bool:
    """Whether a copy from another start gets on where one from the present weights does not."""
    if rehearsals is None or rehearsals.afresh is None or learns(rehearsals):
        return False
    return rehearsals.afresh.gain >= rehearsals.now + thresholds.HELPED


def _learns_frozen(rehearsals: Rehearsals | None) -> bool:
    """Whether a copy in which nothing that is frozen is trained learns as much as any other."""
    if rehearsals is None:
        return False
    others = [one.gain for one in rehearsals.started if Remedy.UNFREEZE in one.change.remedies]
    frozen = [one.gain for one in rehearsals.started if Remedy.UNFREEZE not in one.change.remedies]
    least = max(rehearsals.now, 0.0) + thresholds.HELPED
    return max(frozen, default=0.0) >= max([least, *others])


def _holds_for_others(scene: Scene, rehearsals: Rehearsals | None) -> bool:
    """Whether what copies learn holds for other points, or neighbours say that there is something.

    A copy that is sure of what it has learnt by heart may lose more on others than it tells.
    """
    carries = rehearsals is not None and rehearsals.carries is True
    return carries or scene.data.neighbours >= thresholds.HELPED


def _mends_nothing(rehearsals: Rehearsals | None) -> bool:
    """Whether the mends of what values show were tried, and end above the constant's loss."""
    if rehearsals is None or not rehearsals.of(Aspect.CAUSE):
        return False
    return all(one.gain < 0 for one in rehearsals.of(Aspect.CAUSE))


def _only_takes_time(rehearsals: Rehearsals | None) -> bool:
    """Whether a copy that is trained on for many more steps learns the data."""
    if rehearsals is None:
        return False
    least, longer = thresholds.ALL_THE_DIFFERENCE, rehearsals.of(Aspect.LONGER)
    return any(one.gain >= least for one in (rehearsals.as_is, *longer))


def _outgrown(found: Finding, scene: Scene, rehearsals: Rehearsals | None) -> bool:
    """What a trained model has learnt in spite of, or what nothing shows to matter."""
    if not scene.training.begun or found.severity is Severity.CRITICAL:
        return False
    if found.kind in UNITS and not scene.is_middling:
        return True
    if found.kind is Kind.SATURATION and not scene.is_poor and _another_start_learns(rehearsals):
        return True  # as training has made it; which basin it is in is decided at the start
    if found.kind is Kind.WORSE_THAN_LINEAR and scene.model.own_gradients:
        return True
    if found.kind in (
        *STANDING,
        Kind.VANISHING_GRADIENT,
        Kind.CONSTANT_OUTPUT,
    ) and _only_takes_time(rehearsals):
        return True
    return found.kind in STANDING and nothing_is_left(rehearsals, scene)


def _of_partners(found: Finding, scene: Scene) -> bool:
    """What is seen of a part that another optimiser trains, or what such a game ends in.

    Where neither side wins, the differences between outputs are worth nothing.
    """
    if found.kind is Kind.CONSTANT_OUTPUT:
        return True
    assert scene.training.optimiser is not None
    own = {name.partition(".")[0] for name in scene.training.optimiser.held}
    return found.kind in UNITS and (found.layer or "").partition(".")[0] not in own


def _refuted(found: Finding, scene: Scene, rehearsals: Rehearsals | None, succeeds: bool) -> bool:
    training = scene.training
    cause = found.kind in CAUSES
    if scene.has_partners and found.severity is Severity.WARNING and _of_partners(found, scene):
        return True
    if "embeddings" in found.evidence:
        return succeeds  # they stay alike, whatever is learnt
    if found.kind is Kind.TARGETS_SHUFFLED and learnt_by_some(rehearsals):
        return found.severity is not Severity.CRITICAL
    if found.kind in MAY_BE_MEANT and learns(rehearsals):
        return True
    if found.kind is Kind.CLASS_IMBALANCE and learns(rehearsals):
        return True  # a rare class is learnt last
    if ASKED_FOR & found.evidence.keys() and learns(rehearsals):
        return True
    if "curvatures_apart" in found.evidence and _mends_nothing(rehearsals):
        return True
    if found.evidence.get("held_by_decay") and not _holds_for_others(scene, rehearsals):
        return True  # without it the points may be learnt by heart
    if "at_random" in found.evidence and _learns_frozen(rehearsals):
        return True  # what is frozen does not keep it from learning
    if found.kind is Kind.EXPLODING_GRADIENT and scene.landscape.constant_loss is None:
        return training.begun  # in units of the present loss, which may be small
    proved = found.explanation.startswith("Proved")
    if not proved and _outgrown(found, scene, rehearsals):
        return True
    if proved and found.kind is Kind.LOCAL_MINIMUM:
        return False
    if succeeds:
        turned = found.kind is Kind.GRADIENT_SIGN_FLIPPED and bool(found.evidence.get("bounded"))
        return not (cause and found.severity is Severity.CRITICAL) and not turned
    if cause or found.kind is Kind.FAULT_IN_LOOP:
        return False
    if scene.training.learns_by_own_steps:
        return True
    if proved:  # a ray downhill is no trap before training, nor where copies do not follow it
        return not training.begun or learns(rehearsals)
    shift = found.kind is Kind.SHIFTED_INITIALISATION
    if shift and training.begun and rehearsals is not None and rehearsals.afresh is not None:
        usual = rehearsals.afresh.gain  # torch's own start does no better
        if usual < max(rehearsals.now, 0.0) + thresholds.HELPED:
            return True
    if shift and training.begun and not scene.is_poor:
        return True  # biases that training has learnt
    if training.begun or rehearsals is None:
        return False
    gain = rehearsals.as_is.gain
    better = learns(rehearsals)
    known = training.optimiser is not None
    if gain >= 1 - thresholds.GOOD or (better and known):
        return True
    if known and found.kind in LANDSCAPE and found.severity is not Severity.CRITICAL:
        return True  # many good trainings start on a plateau or a saddle
    landscape = scene.landscape
    tiny = landscape.weight_norm < NO_START * landscape.usual_norm
    bends = found.kind in (Kind.SADDLE, Kind.PLATEAU) and not scene.model.affine
    return better and found.kind in LANDSCAPE and not (tiny and bends)
