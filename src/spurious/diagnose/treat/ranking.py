"""The remedies of the problems found, tried on copies, and ranked by what they did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import isfinite
from typing import Final

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.kinds import CAUSES, Kind
from spurious.diagnose.remedy import Remedy, joined, parts
from spurious.diagnose.treat.rehearsal import Rehearsals
from spurious.diagnose.treat.trials import Course, Trial

MOST: Final = 8
"""Remedies that are tried, those of the first problems first."""

LADDER: Final = (
    joined((Remedy.REDRAW_WEIGHTS, Remedy.ANOTHER_OPTIMISER)),
    joined((Remedy.REDRAW_WEIGHTS, Remedy.ANOTHER_OPTIMISER, Remedy.LARGER_STEP)),
    joined((Remedy.RESCALE, Remedy.ANOTHER_OPTIMISER)),
    joined((Remedy.REDRAW_WEIGHTS, Remedy.STANDARDISE_INPUTS, Remedy.ANOTHER_OPTIMISER)),
    joined((Remedy.REDRAW_WEIGHTS, Remedy.STANDARDISE_TARGETS, Remedy.ANOTHER_OPTIMISER)),
    joined((Remedy.REDRAW_WEIGHTS, Remedy.DROP_LAST_ACTIVATION)),
    joined((Remedy.REDRAW_WEIGHTS, Remedy.INSERT_ACTIVATION)),
    joined((Remedy.REDRAW_WEIGHTS, Remedy.LEAKY_SLOPE)),
    joined((Remedy.REDRAW_WEIGHTS, Remedy.SMALLER_STEP, Remedy.CLIP_GRADIENTS)),
    joined((Remedy.REDRAW_WEIGHTS, Remedy.ADD_POSITIONS)),
)
"""What is raced where the remedies of the problems do not help."""

BY_THEMSELVES: Final = frozenset(
    {Kind.UNBALANCED_LOSS_TERMS, Kind.TARGETS_SHUFFLED, Kind.LABELS_OUTSIDE_LOSS}
)
"""Where a smaller loss is no mend: of the wrong term, or of what is learnt by heart."""

FEWER: Final = 3
"""A first heat has a third of the steps."""

LAST: Final = 2
"""Remedies of the last heat."""


def ranked_remedies(
    findings: list[Finding],
    course: Course,
    steps: int,
    scale: float,
    now: float,
    rehearsals: Rehearsals | None,
    raced: bool,
    say: Callable[[str], None],
) -> tuple[list[Finding], tuple[Trial, ...]]:
    """Puts the remedies of each finding in the order of the loss that copies reach with them.

    If another problem's remedy does much better than all of the first problem's own, it comes first
    there too. But where the first problem is a cause outside the units, only the remedies of such
    causes are tried, and of one that is critical by itself its own alone. Where none of those tried
    makes up half of the constant's loss, others are raced (`race`), but for critical causes
    and `BY_THEMSELVES`: there the loss says nothing, or code must change.

    Args:
        findings: In their order.
        course: How copies are trained.
        steps: Of each trial.
        scale: Loss of the best constant.
        now: Loss of the model. If it is not finite the weights are lost, and each remedy needs new
            ones.
        rehearsals: Trials made before, which are not made again.
        raced: Whether there was a race before.
        say: Called with a line for each trial.

    Returns:
        The findings, and the trials made, best first.
    """
    if not isfinite(now):
        now = float("inf")
        findings = [_from_the_start(found) for found in findings]
    rehearsed = (rehearsals.afresh, *rehearsals.changed) if rehearsals else ()
    made = {r.change.joined: r.trial for r in rehearsed if r is not None and r.change.remedies}
    findings = [_with_rehearsed(found, made) for found in findings]
    problems = [found for found in findings if found.severity > Severity.INFO]
    if (
        problems and problems[0].kind in CAUSES
    ):  # what the cause brings about has no mend of its own
        problems = [found for found in problems if found.kind in CAUSES]
        if problems[0].severity is Severity.CRITICAL:
            problems = problems[:1]
    names = list(dict.fromkeys(name for found in problems for name in found.remedies))[:MOST]
    trials: list[Trial] = []
    good = thresholds.GOOD * scale

    def run(name: str, most: int) -> Trial:
        return course.trial(parts(name), most, good)

    for name in names:
        again = made.get(name) or run(name, steps)
        trials.append(again)
        say(f"remedy {name}: loss {trials[-1].after}")
        if _after(again) <= good:
            break
    if not isfinite(scale):  # a fresh start says what a usual loss is
        starts = [t.start for t in trials if t.start is not None and isfinite(t.start)]
        scale = min(map(abs, starts), default=float("inf"))
    enough = min(thresholds.MIDDLING * scale, now - thresholds.HELPED * scale)
    if problems and not raced and _races(problems[0]):
        known = {t.remedy: t for t in (*made.values(), *trials)}
        if not any(_after(t) <= enough for t in trials):
            trials += [t for t in known.values() if _after(t) <= enough] or race(
                set(known), run, steps, enough, say
            )
    after = {t.remedy: max(_after(t), good) for t in trials}  # what has learnt the data is equal
    trials.sort(key=lambda t: after[t.remedy])

    def order(found: Finding) -> Finding:
        names = dict.fromkeys(found.remedies)
        known = sorted((n for n in names if n in after), key=lambda n: after[n])
        rest = [n for n in names if n not in after]
        usable = [n for n in known if after[n] < float("inf")]
        hopeless = [n for n in known if n not in usable]
        return replace(found, remedies=(*usable, *rest, *hopeless))

    sorted_findings = [order(found) for found in findings]
    if problems and trials and problems[0].kind not in BY_THEMSELVES:
        first, best = sorted_findings[0], trials[0]
        own = min((after[n] for n in first.remedies if n in after), default=now)
        if _after(best) < own - thresholds.HELPED * scale and best.remedy not in first.remedies:
            first = replace(first, remedies=(best.remedy, *first.remedies))
            sorted_findings[0] = first
    return sorted_findings, tuple(trials)


def _races(first: Finding) -> bool:
    """Whether remedies of other things may help where this is the first problem."""
    critical = first.kind in CAUSES and first.severity is Severity.CRITICAL
    return not critical and first.kind not in BY_THEMSELVES


def race(
    known: set[str],
    run: Callable[[str, int], Trial],
    steps: int,
    enough: float,
    say: Callable[[str], None],
) -> list[Trial]:
    """Tries the remedies of `LADDER` for a few steps each, and those that did best for all.

    Args:
        known: Names of trials that were made, and are not made again.
        run: Tries one for so many steps.
        steps: Of a whole trial.
        enough: Loss that ends the race.
        say: Called with a line for each trial.

    Returns:
        The trials of the last heat, the best of them last if it reaches that.
    """
    heat: list[Trial] = []
    for name in (name for name in LADDER if name not in known):
        heat.append(run(name, max(steps // FEWER, 1)))
        say(f"race, {name}: loss {heat[-1].after}")
        if _after(heat[-1]) <= enough:
            return heat[-1:]
    heat = sorted((t for t in heat if _after(t) < float("inf")), key=_after)[:LAST]
    last: list[Trial] = []
    for first in heat:
        last.append(run(first.remedy, steps))
        say(f"race, {first.remedy}: loss {last[-1].after}")
        if _after(last[-1]) <= enough:
            break
    return last


def _with_rehearsed(found: Finding, made: Mapping[str, Trial]) -> Finding:
    """The finding with those remedies of its own that were tried on weights drawn afresh."""
    fresh = [joined((Remedy.REDRAW_WEIGHTS, *parts(name))) for name in found.remedies]
    return replace(found, remedies=(*found.remedies, *(name for name in fresh if name in made)))


def _from_the_start(found: Finding) -> Finding:
    """The finding with remedies that draw all weights again before they do what they do."""
    new = (Remedy.REDRAW_WEIGHTS, Remedy.RESCALE)
    names = [
        n if parts(n)[0] in new else joined((Remedy.REDRAW_WEIGHTS, *parts(n)))
        for n in found.remedies
    ]
    return replace(found, remedies=tuple(dict.fromkeys(names)))


def _after(found: Trial) -> float:
    if found.after is None or not abs(found.after) < float("inf"):
        return float("inf")
    return found.after
