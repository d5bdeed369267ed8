"""Proofs for a sample of the runs that ended at a finite local minimum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import gcd, lcm
from typing import Final

import numpy as np
import numpy.typing as npt

from spurious.certify.decide import prove
from spurious.problem import Dataset
from spurious.proof import Proof
from spurious.train.face import Face, exact_loss, faces, has_faces
from spurious.train.outcome import Outcome, Outcomes
from spurious.train.proofs import MINIMA, ProofKind, Proved
from spurious.train.recipe import Recipe
from spurious.train.runs import Cancelled

Names = npt.NDArray[np.str_]

SAMPLE: Final = 10
"""How many points are passed to `certify`; on faces, how many faces."""

REPEATED: Final = 10
"""For proofs data grow at most by this factor in the place of weights."""

AGREE: Final = 1e-6
"""A polished loss agrees with a face's if they differ by less than this times 1 + the loss."""


@dataclass(frozen=True, slots=True, eq=False)
class Traps:
    """What is known exactly about the ends of runs; one row for each.

    Attributes:
        exact_loss: For shallow homogeneous networks with squared loss at a finite local minimum,
            its loss as a fraction; otherwise empty.
        asked: Whether `certify` was asked about the run's own polished point.
        proof: A `ProofKind`: a certificate, or none.
        proved: A `Proved`. Of runs that were not asked about it is a minimum where `certify` proved
            one for another run on the same face with the same loss, otherwise undecided.
    """

    exact_loss: Names
    asked: npt.NDArray[np.bool_]
    proof: Names
    proved: Names


def check_traps(
    recipe: Recipe, outcomes: Outcomes, cancelled: Callable[[], bool] = lambda: False
) -> Traps:
    """Computes exact losses, and asks `certify` about the first `SAMPLE` finite local minima.

    On a face the test of minimality depends on the residuals and the face alone (mathematics.md,
    Theorem 1), so a proved minimum is one for every run that ended on the same face with the same
    loss. A refutation is not: it may be about the rounding of this one point.

    Raises:
        Cancelled: `cancelled` said so.
    """
    count = len(outcomes.outcome)
    losses, asked = np.full(count, "", dtype="<U64"), np.zeros(count, np.bool_)
    proved = np.full(count, Proved.UNDECIDED, dtype="<U24")
    rows = np.flatnonzero(outcomes.outcome == Outcome.FINITE_LOCAL_MINIMUM)
    known = faces(recipe, outcomes.polished[rows]) if has_faces(recipe) else [None] * len(rows)
    values: dict[Face, Fraction] = {}
    decided: dict[Face, Proved] = {}
    left = SAMPLE
    for row, face in zip(map(int, rows), known, strict=True):
        if face is not None:
            if face not in values:
                _continue(cancelled)
                values[face] = exact_loss(recipe, face)
            value, limit = float(values[face]), outcomes.limit[row]
            if abs(value - limit) > AGREE * (1 + value):
                continue
            losses[row] = str(values[face])
            if face in decided:
                proved[row] = decided[face] if decided[face] in MINIMA else Proved.UNDECIDED
                continue
        if not left:
            continue
        _continue(cancelled)
        left -= 1
        asked[row], proved[row] = True, _decision(recipe, outcomes, row)
        if face is not None:
            decided[face] = Proved(str(proved[row]))
    proof = np.where(proved == Proved.UNDECIDED, ProofKind.NONE, ProofKind.CERTIFICATE)
    return Traps(losses, asked, proof.astype("<U12"), proved)


def _continue(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled("certifying was cancelled")


def unweighted(recipe: Recipe) -> Recipe:
    """A recipe with the same minima, of a plain sum wherever that is not too long.

    Weights are whole numbers times some positive number: the loss is that number times the sum over
    data in which every point is repeated as often as it weighs. More is proved of such sums.
    """
    if recipe.penalised or not recipe.weighted:
        return recipe
    factors = recipe.dense.factors
    whole = [factor * lcm(*(f.denominator for f in factors)) for factor in factors]
    times = [int(w) // gcd(*map(int, whole)) for w in whole]
    if sum(times) > REPEATED * len(times):
        return recipe
    x, y = (
        tuple(row for row, k in zip(rows, times, strict=True) for _ in range(k))
        for rows in (recipe.data.x, recipe.data.y)
    )
    return replace(recipe, data=Dataset(x, y), reduction="sum", weights=None, batch=None)


def _decision(recipe: Recipe, outcomes: Outcomes, row: int) -> Proved:
    values = [Fraction(float(value)) for value in outcomes.polished[row]]
    found = prove(unweighted(recipe).problem(values))
    return Proved(found.claim.decision.value) if isinstance(found, Proof) else Proved.UNDECIDED
