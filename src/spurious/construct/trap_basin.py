"""Where training of a region trap's network ends, and how far its bad minimum reaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from spurious.construct.region_trap import RegionTrap
from spurious.problem import flatten
from spurious.train import Initialisation, Optimiser, Outcome, Recipe, train_to_ends

EQUAL: Final = 1e-6
"""Losses that differ by at most this share count as equal."""


@dataclass(frozen=True, slots=True)
class TrapShares:
    """The ends of runs from random starts, by the loss that descent leads to.

    Attributes:
        start: Name of the initial distribution.
        runs: Number of runs.
        good: Loss at most that of the good minimum.
        between: Above the good and below the bad one.
        bad: The bad minimum's loss.
        worse: Above it, or diverged.
    """

    start: str
    runs: int
    good: int
    between: int
    bad: int
    worse: int


@dataclass(frozen=True, slots=True)
class TrapReach:
    """How many starts near the bad minimum come back to its loss.

    Attributes:
        distance: Of the starts, as a share of the norm of the minimum's parameters.
        runs: Number of starts, uniform on the sphere.
        back: Of which descent leads to the bad loss again.
    """

    distance: float
    runs: int
    back: int


def trap_shares(
    trap: RegionTrap,
    names: Sequence[str],
    runs: int,
    updates: int,
    *,
    step_size: float = 0.01,
    seed: int = 0,
    threads: int | None = None,
) -> tuple[TrapShares, ...]:
    """Trains networks with Adam from standard starts and sorts them by where they lead.

    Args:
        trap: The trap.
        names: Initial distributions, as in `Initialisation`.
        runs: Starts of each.
        updates: Steps of Adam; the end is followed downhill from there.
        step_size: Of Adam.
        seed: Seed of the starts.
        threads: At most so many at once; changes no result.

    Raises:
        InputError: The network is too large for the engine.
    """
    found: list[TrapShares] = []
    for name in names:
        recipe = _recipe(trap, name, updates, step_size)
        trained, outcomes = train_to_ends(recipe, seed, 0, runs, threads=threads)
        solved = outcomes.outcome == Outcome.SOLVED
        ends = np.where(solved, trained.loss, outcomes.limit)
        found.append(TrapShares(name, runs, *_sorted(trap, ends)))
    return tuple(found)


def trap_reach(
    trap: RegionTrap, distances: Sequence[float], runs: int, *, seed: int = 0, threads: int = 1
) -> tuple[TrapReach, ...]:
    """Starts near the bad minimum and follows each downhill.

    Args:
        trap: The trap.
        distances: As shares of the norm of the minimum's parameters.
        runs: Starts at each distance.
        seed: Seed of the directions.
        threads: At most so many at once; changes no result.

    Raises:
        InputError: The network is too large for the engine.
    """
    from spurious.train.polish import polish  # Numba takes half a second to import

    assert trap.problem.point is not None
    centre = np.array([float(value) for value in flatten(trap.problem.point)])
    recipe = _recipe(trap, "pytorch", 0, 0.01)
    generator = np.random.default_rng(seed)
    found: list[TrapReach] = []
    for distance in distances:
        directions = generator.standard_normal((runs, len(centre)))
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        at = centre + distance * np.linalg.norm(centre) * directions
        ends = polish(recipe, at, threads=threads).loss
        found.append(TrapReach(distance, runs, _sorted(trap, ends)[2]))
    return tuple(found)


def _recipe(trap: RegionTrap, start: str, updates: int, step_size: float) -> Recipe:
    problem = trap.problem
    return Recipe(
        problem.network,
        problem.loss,
        problem.data,
        Initialisation(start),
        Optimiser("adam", step_size),
        updates,
        tolerance=float(trap.good_loss) * EQUAL,
    )


def _sorted(trap: RegionTrap, ends: npt.NDArray[np.float64]) -> tuple[int, int, int, int]:
    """How many losses are good, between, bad and worse."""
    good, bad = float(trap.good_loss), float(trap.bad_loss)
    as_good = ends <= good * (1 + EQUAL)
    as_bad = abs(ends - bad) <= EQUAL * bad
    between = ~as_good & ~as_bad & (ends < bad)
    counts = [int(np.count_nonzero(flags)) for flags in (as_good, between, as_bad)]
    return counts[0], counts[1], counts[2], len(ends) - sum(counts)
