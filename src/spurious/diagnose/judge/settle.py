"""What a finding is worth, in the light of what training does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.judge.learning import learns
from spurious.diagnose.judge.rehearsals import NO_START
from spurious.diagnose.kinds import CAUSES, MAY_BE_MEANT, Kind

if TYPE_CHECKING:
    from spurious.diagnose.measure.scene import Scene
    from spurious.diagnose.treat.rehearse import Rehearsals

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
    broken = any(f.kind in START_FAULTS and f.severity is Severity.CRITICAL for f in findings)
    vanishes = any(
        f.kind is Kind.VANISHING_GRADIENT and f.severity > Severity.INFO for f in findings
    )

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


def _softened(found: Finding, rehearsals: Rehearsals | None, explained: bool) -> Finding:
    """An output that is the same everywhere is not final where a copy learns to vary it.

    Nor is it what to look at first where what is seen of the units and of gradients explains it.
    """
    if found.kind is not Kind.CONSTANT_OUTPUT or found.severity is not Severity.CRITICAL:
        return found
    return replace(found, severity=Severity.WARNING) if explained or learns(rehearsals) else found


def _learnt_by_some(rehearsals: Rehearsals | None) -> bool:
    """Whether a copy with some change learns the data: then they can be learnt."""
    made = () if rehearsals is None else rehearsals.changed
    return any(one.gain >= thresholds.ALL_THE_DIFFERENCE for one in made)


def _refuted(found: Finding, scene: Scene, rehearsals: Rehearsals | None, succeeds: bool) -> bool:
    cause = found.kind in CAUSES
    if found.kind is Kind.TARGETS_SHUFFLED and _learnt_by_some(rehearsals):
        return found.severity is not Severity.CRITICAL
    if found.kind in MAY_BE_MEANT and learns(rehearsals):
        return True
    if found.kind is Kind.EXPLODING_GRADIENT and scene.landscape.constant_loss is None:
        return scene.trained  # in units of the present loss, which may be small
    proved = found.explanation.startswith("Proved")
    if proved and found.kind is Kind.LOCAL_MINIMUM:
        return False
    if succeeds:
        return not (cause and found.severity is Severity.CRITICAL)
    if cause:
        return False
    if proved:  # a ray downhill is no trap before training, nor where copies do not follow it
        return not scene.trained or learns(rehearsals)
    shift = found.kind is Kind.SHIFTED_INITIALISATION
    if shift and scene.trained and not scene.is_poor:
        return True  # biases that training has learnt
    if scene.trained or rehearsals is None:
        return False
    gain = rehearsals.as_is.gain
    better = learns(rehearsals)
    known = scene.optimiser is not None
    if gain >= 1 - thresholds.GOOD or (better and known):
        return True
    if known and found.kind in LANDSCAPE and found.severity is not Severity.CRITICAL:
        return True  # many good trainings start on a plateau or a saddle
    landscape = scene.landscape
    tiny = landscape.weight_norm < NO_START * landscape.usual_norm
    bends = found.kind in (Kind.SADDLE, Kind.PLATEAU) and not scene.affine
    return better and found.kind in LANDSCAPE and not (tiny and bends)
