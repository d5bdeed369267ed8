"""What an unsolved run ended in.

A run that is not solved is followed downhill in double precision to where descent ends
(`polish`), and that place is looked at:

1. solved: descent solves the problem after all;
2. dead: some layer of relu units is off on every data point (the paper's C12);
3. valley to infinity: the parameters, or the outputs under a log loss, keep growing as the
   gradient vanishes (`DRIFT`, `FITTED`);
4. saddle or plateau: the gradient vanishes and the Hessian is not positive definite; then descent
   goes on from both sides along its lowest eigenvector, and its end counts;
5. finite local minimum: descent stays, and none of these holds. Smooth networks have a positive
   definite Hessian there, unless the hinge loss bends at a point; homogeneous ones may have flat
   directions (rescaling, dead units).

The run has arrived if its loss was within `ARRIVED` of the loss there; then the place names its
outcome. Otherwise it was on the way: `saddle_or_plateau` if the second half of its updates had
lowered the loss by less than `STALLED` of it, else `still_descending`; `heading` says where to.

All this is about the loss with its penalty. AdamW's own decay belongs to no loss: a run that stands
still where descent on the loss leads on is called `held_by_decay`, not `saddle_or_plateau`.

None of this is a proof. `certify` is asked about a sample (`traps`).
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from spurious.problem import Loss
from spurious.train.batched import correct, dead, log_slopes, losses, penalties, preactivations
from spurious.train.recipe import Recipe
from spurious.train.runs import Runs, float_data

if TYPE_CHECKING:
    from spurious.train.polish import Polished

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Names = npt.NDArray[np.str_]

ARRIVED: Final = 0.05
"""A run has arrived if descent lowers its loss by at most this share."""

STALLED: Final = 0.01
"""A run stands still if the second half of its updates lowered its loss by at most this share."""

POSITIVE: Final = 1e-6
"""Eigenvalues above this share of the largest count as positive."""

FLAT: Final = 1e-5
"""A gradient below this times 1 + the loss counts as zero."""

DRIFT: Final = 0.01
"""In a valley the parameters move by at least this share of their norm while the gradient falls
from the first to the second of `polish.MARKS`. Near a finite minimum the move is the gradient over
the curvature; along exp(-t) it is the same for every factor."""

FITTED: Final = 1e-6
"""With a log loss, a point whose derivative is below this share of the largest is fitted better and
better: its output goes to infinity."""

LOG_LOSSES: Final = (Loss.LOGISTIC, Loss.CROSS_ENTROPY)
"""Those that fall for ever as a point's output goes to infinity."""

ON_BEND: Final = 1e-5
"""With the hinge loss, a point whose margin is this near to 1 is where the loss bends."""

ESCAPES: Final = 4
"""How often descent is resumed from a saddle."""

CHUNK: Final = 2048
"""Runs that are named together; bounds the memory."""


class Outcome(enum.StrEnum):
    """The kinds of ends."""

    SOLVED = "solved"
    FINITE_LOCAL_MINIMUM = "finite_local_minimum"
    VALLEY_TO_INFINITY = "valley_to_infinity"
    SADDLE_OR_PLATEAU = "saddle_or_plateau"
    DEAD = "dead"
    HELD_BY_DECAY = "held_by_decay"
    STILL_DESCENDING = "still_descending"
    DIVERGED = "diverged"


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """The names of runs; one row for each.

    Attributes:
        outcome: An `Outcome`.
        heading: The `Outcome` of the place where descent leads; empty if solved or diverged.
        limit: The loss there; for a valley what it falls to. Not a number if solved or diverged.
        polished: The parameters there, shape (N, P); not numbers if solved or diverged.
    """

    outcome: Names
    heading: Names
    limit: Floats
    polished: Floats


def name_outcomes(
    recipe: Recipe,
    runs: Runs,
    middle: Floats,
    *,
    threads: int = 1,
    cancelled: Callable[[], bool] = lambda: False,
) -> Outcomes:
    """Names the ends of runs.

    Args:
        recipe: How they were trained.
        runs: Where they ended.
        middle: Their losses after half of the recipe's updates, shape (N,).
        threads: Changes no result.
        cancelled: Asked now and then whether to stop.

    Raises:
        Cancelled: `cancelled` said so.
    """
    count, size = runs.parameters.shape
    outcome = np.full(count, Outcome.SOLVED, dtype="<U24")
    heading = np.full(count, "", dtype="<U24")
    limit, polished = np.full(count, np.nan), np.full((count, size), np.nan)
    outcome[runs.diverged] = Outcome.DIVERGED
    decays = bool(recipe.optimiser.weight_decay)
    standing = Outcome.HELD_BY_DECAY if decays else Outcome.SADDLE_OR_PLATEAU
    open_ = np.flatnonzero((runs.solved_at < 0) & ~runs.diverged)
    for start in range(0, len(open_), CHUNK):
        rows = open_[start : start + CHUNK]
        at = runs.parameters[rows].astype(np.float64)
        ends, names = _headings(recipe, at, threads, cancelled)
        loss = losses(recipe, preactivations(recipe, at)[-1]) + penalties(recipe, at)
        arrived = (loss - ends.loss <= ARRIVED * loss) & (names != Outcome.SOLVED)
        stalled = middle[rows] - loss <= STALLED * middle[rows]
        moving = np.where(stalled, standing, Outcome.STILL_DESCENDING)
        outcome[rows] = np.where(arrived, names, moving)
        heading[rows], limit[rows], polished[rows] = names, ends.loss, ends.parameters
    return Outcomes(outcome, heading, limit, polished)


def _headings(
    recipe: Recipe, at: Floats, threads: int, cancelled: Callable[[], bool]
) -> tuple[Polished, Names]:
    """Where descent from parameters (N, P) leads, and what is there."""
    from spurious.train.polish import polish  # Numba takes half a second to import

    ends = polish(recipe, at, threads=threads, cancelled=cancelled)
    names = np.full(len(at), "", dtype="<U24")
    left = np.arange(len(at))
    for attempt in range(ESCAPES + 1):
        found, escapes = _kinds(recipe, ends, left)
        names[left] = found
        left = left[found == Outcome.SADDLE_OR_PLATEAU]
        if attempt == ESCAPES or not len(left):
            break
        _resume(recipe, ends, left, escapes, threads, cancelled)
    return ends, names


def _kinds(recipe: Recipe, ends: Polished, rows: npt.NDArray[np.int64]) -> tuple[Names, Floats]:
    """What is at the ends of some descents, and at saddles the axis of lowest curvature."""
    at = ends.parameters[rows]
    layers = preactivations(recipe, at)
    solved = _is_solved(recipe, layers[-1], ends.loss[rows])
    off = dead(recipe, layers)
    valley = ~solved & ~off & _falls_for_ever(recipe, ends, rows, layers[-1])
    names = np.full(len(rows), Outcome.FINITE_LOCAL_MINIMUM, dtype="<U24")
    names[valley], names[off], names[solved] = (
        Outcome.VALLEY_TO_INFINITY,
        Outcome.DEAD,
        Outcome.SOLVED,
    )
    escapes = np.zeros_like(at)
    if not recipe.network.homogeneous:
        rest = np.flatnonzero(~(solved | off | valley | _bends(recipe, layers[-1])))
        flat, directions = _lowest_curvature(recipe, at[rest])
        names[rest[flat]] = Outcome.SADDLE_OR_PLATEAU
        escapes[rest] = directions
        steep = ends.gradient_norm[rows[rest]] > FLAT * (1 + ends.loss[rows[rest]])
        names[rest[steep]] = Outcome.STILL_DESCENDING
    return names, escapes[names == Outcome.SADDLE_OR_PLATEAU]


def _is_solved(recipe: Recipe, outputs: Floats, loss: Floats) -> Flags:
    if recipe.tolerance is not None:
        return loss <= recipe.tolerance
    return correct(recipe, outputs) == recipe.data.size


def _falls_for_ever(
    recipe: Recipe, ends: Polished, rows: npt.NDArray[np.int64], outputs: Floats
) -> Flags:
    """Whether descent has no end at a finite distance, as far as its last part shows.

    With a penalty on all parameters it always has.
    """
    found = np.zeros(len(rows), np.bool_)
    if recipe.coercive:
        return found
    if not recipe.network.homogeneous:
        size = np.linalg.norm(ends.parameters[rows], axis=1)
        drift = ends.marks[rows, 1] - ends.marks[rows, 0]
        found |= np.linalg.norm(drift, axis=1) > DRIFT * size
    if recipe.loss in LOG_LOSSES:
        pulls = np.abs(log_slopes(recipe, outputs)).max(axis=2)[:, recipe.factors > 0]
        found |= pulls.min(axis=1) < FITTED * pulls.max(axis=1)
    return found


def _bends(recipe: Recipe, outputs: Floats) -> Flags:
    """Whether some point is where the hinge loss bends: there is neither gradient nor Hessian."""
    found = np.zeros(len(outputs), np.bool_)
    if recipe.loss == "hinge":
        _, y = float_data(recipe.data, recipe.loss, recipe.network.outputs)
        near = np.abs(1 - y * outputs) < ON_BEND
        found |= near[:, recipe.factors > 0].any(axis=(1, 2))
    return found


def _lowest_curvature(recipe: Recipe, at: Floats) -> tuple[Flags, Floats]:
    """Whether the Hessian at parameters (N, P) is not positive definite; its lowest axis."""
    from spurious.train.polish import hessians
    from spurious.train.scalar import model

    matrices = np.empty((len(at), at.shape[1], at.shape[1]))
    hessians(np.ascontiguousarray(at), matrices, model(recipe))
    values, vectors = np.linalg.eigh((matrices + matrices.transpose(0, 2, 1)) / 2)
    return values[:, 0] < POSITIVE * (1e-3 + values[:, -1]), vectors[:, :, 0]


def _resume(
    recipe: Recipe,
    ends: Polished,
    rows: npt.NDArray[np.int64],
    directions: Floats,
    threads: int,
    cancelled: Callable[[], bool],
) -> None:
    """Descends from both sides of saddles and keeps the lower end, in place."""
    from spurious.train.polish import polish

    at = ends.parameters[rows]
    step = 1e-2 * (1 + np.linalg.norm(at, axis=1, keepdims=True)) * directions
    sides = [
        polish(recipe, at + sign * step, threads=threads, cancelled=cancelled)
        for sign in (1.0, -1.0)
    ]
    second = sides[1].loss < sides[0].loss
    for column in ("parameters", "loss", "gradient_norm", "marks", "steps"):
        first, other = getattr(sides[0], column), getattr(sides[1], column)
        chosen = second.reshape(-1, *[1] * (first.ndim - 1))
        getattr(ends, column)[rows] = np.where(chosen, other, first)
