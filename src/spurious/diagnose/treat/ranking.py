# pyright: basic
"""The remedies of the problems found, tried on copies, and ranked by what they did."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from torch import nn

from spurious.diagnose import thresholds
from spurious.diagnose.finding import Finding, Severity
from spurious.diagnose.kinds import CAUSES
from spurious.diagnose.measure.batches import Sample
from spurious.diagnose.measure.optimiser import Rule
from spurious.diagnose.remedy import Remedy, joined, parts
from spurious.diagnose.treat.rehearse import Rehearsals
from spurious.diagnose.treat.trials import Trial, trial

MOST: Final = 8
"""Remedies that are tried, those of the first problems first."""


def ranked_remedies(
    findings: list[Finding],
    model: nn.Module,
    loss: Any,
    sample: Sample,
    steps: int,
    step_size: float,
    rule: Rule | None,
    scale: float,
    rehearsals: Rehearsals | None,
    restart: bool,
    say: Callable[[str], None],
) -> tuple[list[Finding], tuple[Trial, ...]]:
    """Puts the remedies of each finding in the order of the loss that copies reach with them.

    If another problem's remedy does much better than all of the first problem's own, it comes first
    there too. But where the first problem is a cause outside the units, only the remedies of such
    causes are tried, and of one that is critical by itself its own alone.

    Args:
        findings: In their order.
        model: Left as it is.
        loss: As for `diagnose`.
        sample: The points.
        steps: Of each trial.
        step_size: Of Adam, or of the optimiser that was given.
        rule: Of that optimiser, or None.
        scale: Loss of the best constant.
        rehearsals: Trials made before, which are not made again.
        restart: Whether the weights are lost, so that each remedy needs new ones.
        say: Called with a line for each trial.

    Returns:
        The findings, and the trials made, best first.
    """
    if restart:
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
    for name in names:
        again = made.get(name) or trial(
            parts(name), model, sample, loss, steps, step_size, rule, good
        )
        trials.append(again)
        say(f"remedy {name}: loss {trials[-1].after}")
        if _after(again) <= good:
            break
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
    if problems and trials:
        first, best = sorted_findings[0], trials[0]
        own = min((after[n] for n in first.remedies if n in after), default=float("inf"))
        if _after(best) < own - thresholds.HELPED * scale and best.remedy not in first.remedies:
            first = replace(first, remedies=(best.remedy, *first.remedies))
            sorted_findings[0] = first
    return sorted_findings, tuple(trials)


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
