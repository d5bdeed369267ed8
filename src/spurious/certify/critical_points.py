"""Minima and saddles of any program, from random starts, each with its certificate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from spurious.certify.arithmetics import FloatProgram, Floats
from spurious.certify.decide import certify
from spurious.certify.one_thread import one_thread
from spurious.problem import ProgramProblem
from spurious.program import Program
from spurious.proof import Verdict
from spurious.verdict import Decision

STEPS: Final = 3000
"""Quasi-Newton steps from each start."""

SAME: Final = 1e-6
"""Losses that differ by less than this share of 1 + the loss count as one."""

STATIONARY: Final = 1e-9
"""A root of the gradient is looked at if no entry is larger."""


@dataclass(frozen=True, slots=True)
class CriticalPoint:
    """A proved critical point near the end of a search.

    Attributes:
        problem: The program with the end of the search as its point.
        verdict: What is proved, with the certificate.
    """

    problem: ProgramProblem
    verdict: Verdict


def certified_minima(
    program: Program, *, starts: int = 32, seed: int = 0, spread: float = 1.0
) -> tuple[CriticalPoint, ...]:
    """Proved minima of different losses, lowest first; each but the first is proved not global.

    Symmetric images have one loss and count as one minimum. Minima that the rules cannot prove are
    left out, so the list is not complete in any sense.

    Args:
        program: The loss.
        starts: Random starts, normally distributed.
        seed: Of the starts; the same seed gives the same list.
        spread: Their standard deviation.

    Examples:
        >>> import spurious
        >>> problem = spurious.problem([-1, 0, 1], [1, 0, 1], hidden=1, activation="tanh", l2=0.1)
        >>> for found in spurious.certified_minima(problem.program, starts=4):
        ...     print(found.verdict.decision, found.verdict.is_global)
        local_minimum_nearby unknown
    """
    from scipy.optimize import minimize  # heavy, so imported where used

    floats = FloatProgram(program)
    ends: list[tuple[float, Floats]] = []
    for start in _starts(program, starts, seed, spread):
        with one_thread(), np.errstate(all="ignore"):
            found = minimize(
                floats.loss_and_gradient,
                start,
                jac=True,
                method="BFGS",
                options={"maxiter": STEPS, "gtol": 1e-9},
            )
        if np.isfinite(found.fun):
            ends.append((float(found.fun), np.asarray(found.x, dtype=np.float64)))
    return _proved(program, ends, (Decision.LOCAL_MINIMUM, Decision.LOCAL_MINIMUM_NEARBY))


def certified_saddles(
    program: Program, *, starts: int = 32, seed: int = 0, spread: float = 1.0
) -> tuple[CriticalPoint, ...]:
    """Proved saddles of different losses, lowest first, each with its index.

    Roots of the gradient, by Powell's hybrid method from random starts.

    Args:
        program: The loss.
        starts: Random starts, normally distributed.
        seed: Of the starts.
        spread: Their standard deviation.

    Examples:
        >>> import spurious
        >>> loss = lambda p: p["a"] ** 4 - p["a"] ** 2 + p["b"] ** 2
        >>> problem = spurious.from_jax(loss, {"a": 0.1, "b": 0.1})
        >>> for found in spurious.certified_saddles(problem.program, starts=8):
        ...     print(found.verdict.decision, found.verdict.index)
        saddle_nearby 1
    """
    from scipy.optimize import root  # heavy, so imported where used

    floats = FloatProgram(program)
    ends: list[tuple[float, Floats]] = []
    for start in _starts(program, starts, seed, spread):
        with one_thread(), np.errstate(all="ignore"):
            found = root(lambda v: floats.loss_and_gradient(v)[1], start, jac=floats.hessian)
            end = np.asarray(found.x, dtype=np.float64)
            loss, gradient = floats.loss_and_gradient(end)
        if np.isfinite(loss) and float(np.abs(gradient).max()) < STATIONARY:
            ends.append((loss, end))
    return _proved(program, ends, (Decision.SADDLE_NEARBY,))


def _starts(program: Program, starts: int, seed: int, spread: float) -> Iterator[Floats]:
    for k in range(starts):
        rng = np.random.Generator(np.random.Philox(key=np.array([seed, k], dtype=np.uint64)))
        yield spread * rng.normal(size=program.parameter_count)


def _proved(
    program: Program, ends: Iterable[tuple[float, Floats]], wanted: tuple[Decision, ...]
) -> tuple[CriticalPoint, ...]:
    """Of ends with their losses those about which one of these decisions is proved.

    Lowest first, of equal losses one; the first minimum is the others' witness.
    """
    proved: list[CriticalPoint] = []
    last = -float("inf")
    for loss, end in sorted(ends, key=lambda pair: pair[0]):
        if loss <= last + SAME * (1 + abs(loss)):
            continue
        last = loss
        minimum = Decision.SADDLE_NEARBY not in wanted and proved
        witness = proved[0].problem.point if minimum else None
        problem = ProgramProblem(program, tuple(map(Fraction, end.tolist())), witness)
        verdict = certify(problem, search=False)
        if verdict.decision in wanted:
            proved.append(CriticalPoint(problem, verdict))
    return tuple(proved)
