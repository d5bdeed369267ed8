"""From a float find to a problem with short decimals, a certificate and a better point."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from spurious.certify import certify
from spurious.hunt.request import Request
from spurious.problem import Dataset, Loss, Network, Point, Problem, unflatten
from spurious.proof import Verdict
from spurious.train import Initialisation, Optimiser, Recipe, train
from spurious.train.polish import polish
from spurious.verdict import Answer, Decision

DECIMALS: Final = (1, 2, 3)
"""The data are rounded to so many decimals, the fewest that leave a minimum."""

STARTS: Final = 256
UPDATES: Final = 20_000
FITTED: Final = 1e-9
"""Training for the squared loss stops here."""

FAR: Final = 1.0
"""A minimum of the rounded data further than this from that of the data is another one."""

MINIMA: Final = (Decision.LOCAL_MINIMUM, Decision.LOCAL_MINIMUM_NEARBY)

Floats = NDArray[np.float64]
Descent: TypeAlias = Callable[[Floats, Floats, Floats], tuple[Floats, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Find:
    """A dataset with a certified strict local minimum that is not global.

    Attributes:
        problem: The data, the minimum as point, a better point as witness.
        verdict: With the certificate.
        decimals: Decimals of the rounded data.
        eigenvalue: The smallest of the Hessian at the minimum, in floating point.
    """

    problem: Problem
    verdict: Verdict
    decimals: int
    eigenvalue: float


def finished(
    request: Request, data: tuple[Floats, Floats], theta: Floats, descend: Descent
) -> Find | None:
    """Rounds the data, finds the minimum again, and proves it.

    Args:
        request: What is hunted.
        data: Inputs (N, d) and targets (N,), such that `theta` is a strict minimum.
        theta: The minimum, (P,).
        descend: From parameters, inputs and targets to the critical point nearby and the smallest
            eigenvalue there.

    Returns:
        The find, or None if no rounding leaves a strict minimum, or no better point was found.
    """
    for decimals in DECIMALS:
        x, y = np.round(data[0], decimals), np.round(data[1], decimals)
        moved, eigenvalue = descend(theta, x, y)
        if not (eigenvalue > 0 and np.abs(moved - theta).max() < FAR):
            continue
        exact = _dataset(x, y, decimals)
        problem = Problem(request.network, request.loss, exact, point_from(moved, request.network))
        verdict = certify(problem)
        if verdict.decision not in MINIMA or verdict.strict is not Answer.YES:
            continue
        witness = _better_point(problem, request.seed)
        if witness is None:
            return None
        problem = replace(problem, witness=witness)
        verdict = certify(problem)
        if verdict.is_global is Answer.NO and verdict.certificate is not None:
            return Find(problem, verdict, decimals, eigenvalue)
    return None


def point_from(theta: Floats, network: Network) -> Point:
    """Parameters in flat order as the shortest decimals that mean these floats."""
    return unflatten([Fraction(repr(float(value))) for value in theta], network)


def _dataset(x: Floats, y: Floats, decimals: int) -> Dataset:
    """The rounded numbers, exactly."""

    def exact(value: float) -> Fraction:
        return Fraction(round(float(value) * 10**decimals), 10**decimals)

    return Dataset(tuple(tuple(exact(v) for v in row) for row in x), tuple((exact(v),) for v in y))


def _better_point(problem: Problem, seed: int) -> Point | None:
    """The best of some trained networks, if it is better than the problem's point."""
    recipe = Recipe(
        problem.network,
        problem.loss,
        problem.data,
        Initialisation("normal", std=2.0, bias="drawn"),
        Optimiser("adam", 0.03),
        UPDATES,
        precision="float64",
        tolerance=None if problem.loss is Loss.LOGISTIC else FITTED,
    )
    runs = train(recipe, seed, 0, STARTS)
    loss = np.where(np.isfinite(runs.loss), runs.loss, np.inf)
    best = runs.parameters[int(np.argmin(loss))]
    ends = polish(recipe, best[None])
    at = point_from(ends.parameters[0], problem.network)
    if problem.loss is Loss.LOGISTIC:
        at = point_from(best, problem.network)
    checked = certify(replace(problem, witness=at))
    return at if checked.is_global is Answer.NO else None
