"""The rows of a result table: runs trained, named and checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from spurious.train.ensemble import train
from spurious.train.outcome import Outcome, Outcomes, name_outcomes
from spurious.train.recipe import Recipe
from spurious.train.runs import Runs
from spurious.train.traps import check_traps

ENGINE_VERSION: Final = "3"
"""Changes whenever the same recipe, seed and index may give another row.

3: the axes l2, biases and weight_decay, which are columns of a store's rows.
2: `asked`, `proof` and `proved` instead of `certified`, which took a refutation for undecided.
"""


def train_and_name(
    recipe: Recipe,
    seed: int,
    first: int,
    count: int,
    *,
    threads: int | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> dict[str, npt.NDArray[Any]]:
    """Trains networks and says what each ended in.

    Args:
        recipe: How to train.
        seed: From 0 to 2^64 - 1.
        first: Index of the first network.
        count: How many.
        threads: At most so many at once; by default one for each core. It changes no result.
        cancelled: Asked now and then whether to stop.

    Returns:
        Columns of `count` entries: index; outcome, heading and limit (see `Outcomes`); final_loss,
        correct, gradient_norm, parameter_norm, solved_at and updates_made (see `Runs`); exact_loss,
        asked, proof and proved (see `Traps`); parameters, shape (count, P), not numbers where
        solved.

    Raises:
        InputError: A number is out of range.
        Cancelled: `cancelled` said so.
    """
    runs, outcomes = train_to_ends(recipe, seed, first, count, threads=threads, cancelled=cancelled)
    traps = check_traps(recipe, outcomes, cancelled)
    parameters = np.where((outcomes.outcome == Outcome.SOLVED)[:, None], np.nan, runs.parameters)
    return {
        "index": runs.index,
        "outcome": outcomes.outcome,
        "heading": outcomes.heading,
        "limit": outcomes.limit,
        "final_loss": runs.loss,
        "correct": runs.correct,
        "gradient_norm": runs.gradient_norm,
        "parameter_norm": runs.parameter_norm,
        "solved_at": runs.solved_at,
        "updates_made": runs.updates,
        "exact_loss": traps.exact_loss,
        "asked": traps.asked,
        "proof": traps.proof,
        "proved": traps.proved,
        "parameters": parameters.astype(recipe.precision),
    }


def train_to_ends(
    recipe: Recipe,
    seed: int,
    first: int,
    count: int,
    *,
    threads: int | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Runs, Outcomes]:
    """The same without exact losses and proofs, which take longer than all the rest.

    Raises:
        InputError: A number is out of range.
        Cancelled: `cancelled` said so.
    """
    half = recipe.updates // 2
    runs = train(recipe, seed, first, count, threads=threads, snapshots=[half], cancelled=cancelled)
    middle = runs.snapshots[:, 0, 0]
    return runs, name_outcomes(recipe, runs, middle, threads=threads or 1, cancelled=cancelled)
