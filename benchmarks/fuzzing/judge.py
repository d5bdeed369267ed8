"""All that is asked of one verdict."""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any

import spurious
import spurious_checker
from fuzzing.case import Case, to_data
from fuzzing.judge_global import flat_faults, global_faults
from fuzzing.judge_minimum import minimum_faults
from fuzzing.judge_nearby import loss_faults, nearby_faults, saddle_faults
from fuzzing.judge_refutation import refutation_faults
from fuzzing.probe import Probe
from fuzzing.smt import lower_point, small_enough

Certify = Callable[[Any], Any]


@dataclass(frozen=True)
class Judgement:
    """What one problem came to.

    Attributes:
        verdict: The decision, or `error`.
        faults: What is wrong, a line each. `refused`: the checker's word on the certificate;
            `gap`: undecided where the README promises a decision; all else is a false verdict.
        checked: Whether there was a certificate to check.
        probes: Comparisons of the loss made.
        unjudged: What the referee had no means to judge, or nothing.
        method: The verdict's rule.
        seconds: Time of certify and of the referee.
        withdrawn: Whether `certify` had a proof that its own check refused, and said undecided.
    """

    verdict: str
    faults: tuple[str, ...]
    checked: bool = False
    probes: int = 0
    unjudged: str = ""
    method: str = ""
    seconds: tuple[float, float] = (0.0, 0.0)
    withdrawn: bool = False


def judge(case: Case, rng: Random, certify: Certify = spurious.certify) -> Judgement:
    """Ask `certify`, then the checker, then our own arithmetic."""
    start = time.perf_counter()
    try:
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            verdict = certify(spurious.parse_problem(json.dumps(to_data(case))))
    except TimeoutError:
        raise
    except Exception as error:  # whatever it is, it is a fault of certify
        return Judgement("error", (f"certify raised {type(error).__name__}: {error}",))
    middle = time.perf_counter()
    try:
        faults, probes, unjudged = judge_verdict(case, verdict, rng)
    except TimeoutError:
        raise
    except Exception as error:  # a certificate of another shape, or a mistake of the referee
        faults, probes, unjudged = (
            [f"the referee fails with {type(error).__name__}: {error}"],
            0,
            "",
        )
    seconds = (middle - start, time.perf_counter() - middle)
    decision, checked = str(verdict.decision), verdict.certificate is not None
    withdrawn = any(w.category.__name__ == "RefusedCertificateWarning" for w in warned)
    method = verdict.method
    return Judgement(decision, tuple(faults), checked, probes, unjudged, method, seconds, withdrawn)


def judge_verdict(case: Case, verdict: Any, rng: Random) -> tuple[list[str], int, str]:
    """Faults of a verdict, the number of probes, and what could not be judged, if anything."""
    decision = str(verdict.decision)
    if decision == "undecided":
        faults = [] if verdict.reason else ["undecided without a reason"]
        if decidable(case) and "beyond the range" not in verdict.reason:
            faults.append("gap: undecided, in the class in which every point is decided")
        return faults, 0, ""
    if verdict.certificate is None:
        return ["a decision without a certificate"], 0, ""
    thorough = rng.random() < 0.15
    faults = _certificate_faults(case, verdict)
    probes, unjudged = 1, ""
    if decision == "local_minimum_nearby":
        more, probes, unjudged = nearby_faults(case, verdict, thorough, rng)
        more += flat_faults(case, verdict) if verdict.method == "interpolation" else []
    elif decision == "saddle_nearby":
        more, probes, unjudged = saddle_faults(case, verdict)
    else:
        more = loss_faults(case, verdict.loss, "loss")
        if decision == "not_local_minimum":
            wrong, probes, unjudged = refutation_faults(case, verdict)
            more += wrong
        else:
            probe = Probe(case)
            more += minimum_faults(probe, str(verdict.strict) == "yes", thorough, rng)
            more += flat_faults(case, verdict) if thorough else []
            more += _smt_faults(case) if thorough and small_enough(case) else []
            probes = probe.count
    return [*faults, *more, *global_faults(case, verdict, thorough, rng)], probes, unjudged


def decidable(case: Case) -> bool:
    """Whether the README promises a decision (numbers of any size aside)."""
    shallow = len(case.widths) == 3 and case.widths[-1] == 1
    return shallow and case.exact and case.loss in ("squared", "logistic")


def _certificate_faults(case: Case, verdict: Any) -> list[str]:
    if json.loads(json.dumps(verdict.certificate)) != verdict.certificate:
        return ["the certificate is not the same after a round trip through JSON"]
    answer = spurious_checker.check(json.loads(json.dumps(verdict.certificate)))
    faults = [] if answer.valid else [f"refused: {answer.reason}"]
    claim = verdict.certificate["claim"]
    if claim["verdict"] != str(verdict.decision) or claim["global"] != str(verdict.is_global):
        faults.append("the certificate claims something else than the verdict")
    if verdict.certificate["proof"]["rule"] != verdict.method:
        faults.append("the certificate names another rule than the verdict")
    if spurious.parse_problem(json.dumps(verdict.certificate["problem"])) != spurious.parse_problem(
        json.dumps(to_data(case))
    ):
        faults.append("the certificate is about another problem")
    return faults


def _smt_faults(case: Case) -> list[str]:
    _, point = lower_point(case)
    if point is None:
        return []
    ray = tuple(b - a for a, b in zip(case.point, point, strict=True))
    probe = Probe(case)
    return ["z3 finds a lower point close by"] if probe.falls(ray, Fraction(1)) else []
