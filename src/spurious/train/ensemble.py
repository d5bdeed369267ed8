"""The ensemble engine: trains many networks of one recipe at once.

Networks are cut into chunks (`spurious.train.chunk`), a thread each. None of this changes a
result: a network's run depends on the recipe, the seed and its index alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields

import numpy as np

from spurious.errors import InputError
from spurious.train.recipe import Recipe
from spurious.train.runs import Runs

CHUNK_BYTES = 32 * 2**20
"""Most memory for the parameters of a chunk."""

CHUNK = 4096
"""Most networks of a chunk."""


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def log_spaced(updates: int) -> tuple[int, ...]:
    """Numbers of updates for snapshots: 0, 1, 2, 5, 10, 20, 50, ... and the last."""
    steps = (m * 10**k for k in range(len(str(updates)) + 1) for m in (1, 2, 5))
    return (0, *(step for step in steps if step < updates), updates) if updates else (0,)


def _never() -> bool:
    return False


def train(
    recipe: Recipe,
    seed: int,
    first: int,
    count: int,
    *,
    threads: int | None = None,
    snapshots: Sequence[int] = (),
    cancelled: Callable[[], bool] = _never,
) -> Runs:
    """Trains the networks first, ..., first + count - 1.

    Args:
        recipe: How.
        seed: From 0 to 2^64 - 1.
        first: Index of the first network, not negative.
        count: How many networks, at least 1.
        threads: At most so many at once; by default one for each core. It changes no result.
        snapshots: Numbers of updates at which to record loss and norms, such as `log_spaced`;
            those beyond the recipe's updates are left out.
        cancelled: Asked now and then whether to stop.

    Returns:
        The runs, in order of their index.

    Raises:
        InputError: A number is out of range.
        Cancelled: `cancelled` said so.

    Examples:
        >>> import spurious
        >>> from spurious.train import Initialisation, Optimiser, Recipe
        >>> found = spurious.dataset("d1")
        >>> network = spurious.Network([1, 3, 1], "relu")
        >>> start, rule = Initialisation("pytorch"), Optimiser("adam", 0.01)
        >>> recipe = Recipe(
        ...     network, found.loss, found.data, start, rule, updates=500, tolerance=0.01
        ... )
        >>> spurious.train(recipe, seed=1, first=0, count=4).loss.shape
        (4,)
    """
    if not (0 <= seed < 2**64):
        raise InputError(f"seed: found {seed}, expected an integer from 0 to 2^64 - 1")
    if first < 0 or count < 1:
        raise InputError(f"networks: found {count} from index {first}, expected at least 1 from 0")
    from spurious.train.chunk import Chunk  # Numba takes half a second to import
    from spurious.train.pack import LANES

    workers = threads or cores()
    times = np.array(sorted({t for t in snapshots if 0 <= t <= recipe.updates}), dtype=np.int64)
    lanes = LANES[recipe.precision]
    itemsize = np.dtype(recipe.precision).itemsize
    fitting = min(CHUNK, CHUNK_BYTES // (recipe.network.parameter_count * itemsize))
    share = -(-count // (4 * workers))
    size = max(1, min(fitting // lanes, -(-share // lanes))) * lanes
    pieces = [(a, min(size, first + count - a)) for a in range(first, first + count, size)]

    def work(piece: tuple[int, int]) -> Runs:
        return Chunk(recipe, seed, *piece, times, cancelled).run()

    if workers == 1 or len(pieces) == 1:
        parts = [work(piece) for piece in pieces]
    else:
        with ThreadPoolExecutor(workers) as pool:
            parts = list(pool.map(work, pieces))
    return joined(parts)


def joined(parts: Sequence[Runs]) -> Runs:
    """Runs of one recipe, one part after the other."""
    columns = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(Runs)
        if field.name != "times"
    }
    return Runs(times=parts[0].times, **columns)
