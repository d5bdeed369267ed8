# pyright: basic
"""The rows of a result table: what each large network ended in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import jax
import numpy as np
import numpy.typing as npt

from spurious.certify.one_thread import one_thread
from spurious.large.ending import Ending, ending
from spurious.large.ensemble import Ensemble, State, starts_of
from spurious.large.model import gradient_norm, to_flat
from spurious.large.recipe import LargeRecipe
from spurious.train import Outcome, ProofKind, Proved
from spurious.train.outcome import STALLED

KEPT: Final = 10_000
"""The parameters of networks with at most so many are kept."""

STUCK: Final = (Outcome.DEAD, Outcome.FINITE_LOCAL_MINIMUM)
"""Outcomes with a floor below which the loss does not get from there."""

_UNKNOWN: Final = Ending(
    float("nan"), 0, -1, float("nan"), 0.0, 0, False, False, np.empty(0, np.float32)
)
"""Of a network that is not relu, or whose parameters are not finite."""


def rows(
    ensemble: Ensemble, state: State, say: Callable[[str], None] = lambda _: None
) -> list[dict[str, Any]]:
    """A row for each network of a finished ensemble.

    Columns: those of `spurious.train.train_and_name`, with `heading` empty and `parameters` only of
    networks with at most `KEPT`, and

    * dead_start, dead_end: share of hidden units that are off on all points;
    * regions_start, regions_end: linear regions that hold data;
    * blind_start, blind_end: share of points on which some hidden layer is off;
    * floor, floor_errors: a loss that no parameters nearby beat, and points that stay wrong there;
    * outputs: for targets that are values, the outputs on the data at the end;
    * curve_updates, curve_loss, curve_correct: what was seen at `marks`.

    `outcome` is solved, dead (a layer proved to be off on all points), finite_local_minimum (the
    loss is within 1 % of an attained floor, see `ending`), saddle_or_plateau (the second half of
    the updates lowered the loss by less than 1 %), still_descending, or diverged. `limit` is the
    floor of the second and third, where the loss has no penalty: else the floor is a bound alone.

    `certify` does not reach these sizes, so `asked` is False. What is proved is proved by a float
    bound: `proved` is `local_minimum_in_region` for dead and finite_local_minimum whose floor is
    attained: a local minimum with the same hidden layers has that loss, and no parameters nearby
    beat it. Else it is `not_local_minimum` if a derivative is proved not to vanish and the run is
    not solved; else `undecided`.
    """
    recipe = ensemble.members[0].recipe
    norm = gradient_norm(recipe.network, recipe.loss, recipe.squares, ensemble.factors)
    flat, start = to_flat(state.parameters), starts_of(ensemble.members)
    found: list[dict[str, Any]] = []
    for i, member in enumerate(ensemble.members):
        say(f"looking at network {i + 1} of {len(ensemble.members)}")
        own = jax.tree.map(lambda leaf, i=i: leaf[i], state.parameters)
        norms = norm(own, ensemble.inputs, ensemble.scales[i], ensemble.targets[i])
        with one_thread():  # JAX's threads are at work on the same cores
            row = _row(
                member.recipe,
                ensemble.marks,
                state.losses[:, i],
                state.correct[:, i],
                _seen(member.recipe, start[i]),
                _seen(member.recipe, flat[i]),
            )
        if flat.shape[1] <= KEPT:
            row["parameters"] = flat[i]
        row["index"] = member.index
        row["gradient_norm"] = float(norms)
        row["parameter_norm"] = float(np.linalg.norm(flat[i].astype(np.float64)))
        found.append(row)
    return found


def columns(found: list[dict[str, Any]]) -> Mapping[str, npt.NDArray[Any]]:
    """Rows as columns."""
    return {key: np.array([row[key] for row in found]) for key in found[0]}


def _seen(recipe: LargeRecipe, flat: npt.NDArray[np.float32]) -> Ending:
    if recipe.network.activation != "relu" or not np.isfinite(flat).all():
        return _UNKNOWN
    return ending(recipe, flat)


def _row(
    recipe: LargeRecipe,
    marks: tuple[int, ...],
    losses: npt.NDArray[np.float64],
    correct: npt.NDArray[np.int64],
    start: Ending,
    end: Ending,
) -> dict[str, Any]:
    solved = _solved(recipe, losses, correct)
    outcome = _outcome(recipe, marks, losses, bool(solved[-1]), end)
    proved = _proved(outcome, end)
    return {
        "index": 0,
        "outcome": str(outcome),
        "heading": "",
        "limit": end.floor if outcome in STUCK and not recipe.penalised else float("nan"),
        "final_loss": losses[-1],
        "correct": correct[-1],
        "gradient_norm": 0.0,
        "parameter_norm": 0.0,
        "solved_at": marks[int(solved.argmax())] if solved.any() else -1,
        "updates_made": recipe.updates,
        "exact_loss": "",
        "asked": False,
        "proof": str(ProofKind.NONE if proved is Proved.UNDECIDED else ProofKind.FLOAT_BOUND),
        "proved": str(proved),
        "dead_start": start.dead,
        "dead_end": end.dead,
        "regions_start": start.regions,
        "regions_end": end.regions,
        "blind_start": start.blind,
        "blind_end": end.blind,
        "floor": end.floor,
        "floor_errors": end.floor_errors,
        "outputs": end.outputs,
        "curve_updates": np.array(marks),
        "curve_loss": losses,
        "curve_correct": correct,
    }


def _proved(outcome: Outcome, end: Ending) -> Proved:
    """What the float bound says: a minimum where there is one, before what is no minimum."""
    if outcome in STUCK and end.attained:
        return Proved.LOCAL_MINIMUM_IN_REGION
    if end.descends and outcome is not Outcome.SOLVED:
        return Proved.NOT_LOCAL_MINIMUM
    return Proved.UNDECIDED


def _solved(
    recipe: LargeRecipe, losses: npt.NDArray[np.float64], correct: npt.NDArray[np.int64]
) -> npt.NDArray[np.bool_]:
    """At which marks the run was solved."""
    if recipe.tolerance is not None:
        return losses <= recipe.tolerance
    return correct == recipe.data.size


def _outcome(
    recipe: LargeRecipe,
    marks: tuple[int, ...],
    losses: npt.NDArray[np.float64],
    solved: bool,
    end: Ending,
) -> Outcome:
    if not np.isfinite(losses[-1]):
        return Outcome.DIVERGED
    if solved:
        return Outcome.SOLVED
    if end.dead_layer:
        return Outcome.DEAD
    if end.attained and losses[-1] <= (1 + STALLED) * end.floor:
        return Outcome.FINITE_LOCAL_MINIMUM
    middle = losses[marks.index(recipe.updates // 2)]
    if middle - losses[-1] <= STALLED * middle:
        return Outcome.SADDLE_OR_PLATEAU
    return Outcome.STILL_DESCENDING
