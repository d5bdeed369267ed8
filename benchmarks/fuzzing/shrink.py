"""Make the problem of a fault smaller and rounder while the fault stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from random import Random

import spurious
from fuzzing.case import Case
from fuzzing.judge import Certify, judge

TRIES = 80
"""How often `certify` is asked again."""


def kinds(faults: tuple[str, ...]) -> set[str]:
    """What faults are about, without their numbers."""
    return {fault.split(":")[0].split("(")[0] for fault in faults}


def shrunk(case: Case, faults: tuple[str, ...], certify: Certify = spurious.certify) -> Case:
    """A simpler problem with at least the same kinds of faults; the same one if none is found."""
    wanted, tries = kinds(faults), 0
    if not wanted <= kinds(_again(case, certify)):
        return case  # it takes the directions that chance chose
    better = True
    while better and tries < TRIES:
        better = False
        for simpler in _simpler(case):
            tries += 1
            if tries > TRIES:
                break
            if wanted <= kinds(_again(simpler, certify)):
                case, better = simpler, True
                break
    return case


def _again(case: Case, certify: Certify) -> tuple[str, ...]:
    return judge(case, Random("shrink"), certify).faults


def _simpler(case: Case) -> Iterator[Case]:
    for i in range(len(case.x)) if len(case.x) > 1 else ():
        yield replace(case, x=case.x[:i] + case.x[i + 1 :], y=case.y[:i] + case.y[i + 1 :])
    for j, value in enumerate(case.point):
        for rounder in (Fraction(0), value.limit_denominator(1), value.limit_denominator(100)):
            if len(str(rounder)) < len(str(value)):
                yield case.at((*case.point[:j], rounder, *case.point[j + 1 :]))
    x = tuple(tuple(v.limit_denominator(10) for v in row) for row in case.x)
    y = tuple(tuple(v.limit_denominator(10) for v in row) for row in case.y)
    if x != case.x:
        yield replace(case, x=x)
    if y != case.y:
        yield replace(case, y=y)
