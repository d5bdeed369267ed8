"""Proofs for a sample of the runs that ended at a finite local minimum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
import numpy.typing as npt

from spurious.certify.decide import prove
from spurious.certify.outcome import Proof
from spurious.problem import Problem, unflatten
from spurious.train.ensemble import Cancelled
from spurious.train.face import Face, exact_loss, faces, has_faces
from spurious.train.outcome import Outcome, Outcomes
from spurious.train.recipe import Recipe
from spurious.verdict import Decision

__all__ = ["SAMPLE", "Traps", "check_traps"]

Names = npt.NDArray[np.str_]

SAMPLE: Final = 10
"""How many points are passed to `certify`; on faces, how many faces."""

AGREE: Final = 1e-6
"""A polished loss agrees with a face's if they differ by less than this times 1 + the loss."""


@dataclass(frozen=True, slots=True, eq=False)
class Traps:
    """What is known exactly about the ends of runs; one row for each.

    Attributes:
        exact_loss: For shallow homogeneous networks with squared loss at a finite local minimum,
            its loss as a fraction; otherwise empty.
        certified: For the sample, what `certify` proves at the polished point ("local_minimum" or
            "local_minimum_nearby"), or "undecided"; otherwise empty. A refutation counts as
            undecided: the polished point is the rounding of a minimum at best.
    """

    exact_loss: Names
    certified: Names


def check_traps(
    recipe: Recipe, outcomes: Outcomes, cancelled: Callable[[], bool] = lambda: False
) -> Traps:
    """Computes exact losses, and certifies the first `SAMPLE` finite local minima.

    On a face the test of minimality depends on the residuals and the face alone (mathematics.md,
    Theorem 1), so a decision holds for every run that ended on the same face with the same loss.

    Raises:
        Cancelled: `cancelled` said so.
    """
    count = len(outcomes.outcome)
    losses, decisions = np.full(count, "", dtype="<U64"), np.full(count, "", dtype="<U24")
    rows = np.flatnonzero(outcomes.outcome == Outcome.FINITE_LOCAL_MINIMUM)
    if not has_faces(recipe):
        for row in rows[:SAMPLE]:
            _continue(cancelled)
            decisions[row] = _decision(recipe, outcomes, int(row))
        return Traps(losses, decisions)
    values: dict[Face, Fraction] = {}
    decided: dict[Face, str] = {}
    for row, face in zip(rows, faces(recipe, outcomes.polished[rows]), strict=True):
        if face not in values:
            _continue(cancelled)
            values[face] = exact_loss(recipe, face)
        value, limit = float(values[face]), outcomes.limit[row]
        if abs(value - limit) > AGREE * (1 + value):
            continue
        losses[row] = str(values[face])
        if face not in decided and len(decided) < SAMPLE:
            decided[face] = _decision(recipe, outcomes, int(row))
        decisions[row] = decided.get(face, "")
    return Traps(losses, decisions)


def _continue(cancelled: Callable[[], bool]) -> None:
    if cancelled():
        raise Cancelled("certifying was cancelled")


def _decision(recipe: Recipe, outcomes: Outcomes, row: int) -> str:
    values = [Fraction(float(value)) for value in outcomes.polished[row]]
    point = unflatten(values, recipe.network)
    found = prove(Problem(recipe.network, recipe.loss, recipe.data, point))
    if isinstance(found, Proof) and found.decision is not Decision.NOT_LOCAL_MINIMUM:
        return str(found.decision)
    return str(Decision.UNDECIDED)
