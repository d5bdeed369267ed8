"""The ensemble engine: trains many networks of one recipe at once.

Networks are cut into chunks, a thread each; a chunk's networks lie in blocks for the kernel.
Between stretches of updates the networks that are solved or have diverged leave, and the rest moves
together, so that no lane works for nothing. None of this changes a result: a network's run depends
on the recipe, the seed and its index alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from spurious.errors import InputError, SpuriousError
from spurious.problem import Dataset, Loss
from spurious.train.activations import number_of
from spurious.train.kernel import advance, measure
from spurious.train.optimiser import OPTIMISERS
from spurious.train.pack import LANES
from spurious.train.recipe import Recipe
from spurious.train.starts import starts
from spurious.train.task import TILE, Task, Work

__all__ = ["Cancelled", "Runs", "cores", "float_data", "log_spaced", "train"]

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

CHUNK_BYTES = 32 * 2**20
"""Most memory for the parameters of a chunk."""

LONGEST = 65_536
"""Most updates of a stretch; its step sizes are a table."""

SHORTEST = 64
"""Fewest updates of a stretch, but for snapshots and the end."""

GROWTH = 1.25
"""How much later a stretch ends than the one before."""

CHUNK = 4096
"""Most networks of a chunk."""


class Cancelled(SpuriousError):  # noqa: N818  (like KeyboardInterrupt, it is no error)
    """The caller asked to stop before the work was done."""


@dataclass(frozen=True, slots=True, eq=False)
class Runs:
    """Where runs ended, and what they passed; one row for each network.

    Attributes:
        index: Index of the network, shape (N,).
        parameters: Where it ended, shape (N, P), in the recipe's precision.
        loss: The loss there.
        correct: How many data points are right there.
        gradient_norm: Euclidean norm of the gradient there.
        parameter_norm: Euclidean norm of the parameters.
        solved_at: The number of updates after which it was first solved, or -1.
        updates: The number of updates it made; a diverged network stops some time after its
            parameters became infinite or not a number.
        diverged: Whether it did.
        times: The numbers of updates of the snapshots, shape (S,).
        snapshots: Shape (N, S, 3): loss, gradient norm and parameter norm at these times; a run
            that has ended stays as it was.
    """

    index: npt.NDArray[np.int64]
    parameters: Array
    loss: Floats
    correct: npt.NDArray[np.int64]
    gradient_norm: Floats
    parameter_norm: Floats
    solved_at: npt.NDArray[np.int64]
    updates: npt.NDArray[np.int64]
    diverged: npt.NDArray[np.bool_]
    times: npt.NDArray[np.int64]
    snapshots: Floats


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
    """
    if not (0 <= seed < 2**64):
        raise InputError(f"seed: found {seed}, expected an integer from 0 to 2^64 - 1")
    if first < 0 or count < 1:
        raise InputError(f"networks: found {count} from index {first}, expected at least 1 from 0")
    workers = threads or cores()
    times = np.array(sorted({t for t in snapshots if 0 <= t <= recipe.updates}), dtype=np.int64)
    lanes = LANES[recipe.precision]
    itemsize = np.dtype(recipe.precision).itemsize
    fitting = min(CHUNK, CHUNK_BYTES // (recipe.network.parameter_count * itemsize))
    share = -(-count // (4 * workers))
    size = max(1, min(fitting // lanes, -(-share // lanes))) * lanes
    pieces = [(a, min(size, first + count - a)) for a in range(first, first + count, size)]

    def work(piece: tuple[int, int]) -> Runs:
        return _Chunk(recipe, seed, *piece, times, cancelled).run()

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


def float_data(data: Dataset, loss: Loss, outputs: int) -> tuple[Floats, Floats]:
    """Inputs (n, d) and targets (n, K) in float64; labels become rows of 0 and 1."""
    x = np.array([[float(value) for value in row] for row in data.x])
    if loss is Loss.CROSS_ENTROPY:
        return x, np.eye(outputs)[[int(row[0]) for row in data.y]]
    return x, np.array([[float(value) for value in row] for row in data.y])


def _task(recipe: Recipe, seed: int) -> Task:
    network, optimiser = recipe.network, recipe.optimiser
    dtype = np.dtype(recipe.precision)
    x, y = float_data(recipe.data, recipe.loss, network.outputs)
    points = len(x)
    tolerance = -1.0
    if recipe.tolerance is not None:
        tolerance = float(np.nextafter(dtype.type(recipe.tolerance), dtype.type(np.inf)))
    return Task(
        x=_tiles(x, dtype),
        y=_tiles(y, dtype),
        weights=_tiles(np.ones((points, 1)), dtype)[:, 0].copy(),
        widths=np.array(network.widths),
        points=points,
        activation=number_of(network.activation),
        slope=float(network.slopes[1]) if network.homogeneous else 0.0,
        loss=list(Loss).index(recipe.loss),
        tolerance=tolerance,
        optimiser=OPTIMISERS.index(optimiser.name),
        momentum=optimiser.momentum or 0.0,
        decay=optimiser.decay or 0.0,
        batch=recipe.batch or points,
        stop=recipe.stop,
        seed=np.uint64(seed),
    )


def _tiles(values: Floats, dtype: np.dtype[Any]) -> Array:
    """Rows (n, k) as tiles (n / TILE rounded up, k, TILE), padded by zeros."""
    count = -(-len(values) // TILE)
    padded = np.zeros((count * TILE, values.shape[1]), dtype)
    padded[: len(values)] = values
    return np.ascontiguousarray(padded.reshape(count, TILE, -1).transpose(0, 2, 1))


def _aligned(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Zeros that begin at a cache line; loads across two lines are slower."""
    size = int(np.prod(shape)) * dtype.itemsize
    raw = np.zeros(size + 64, np.uint8)
    offset = -raw.ctypes.data % 64
    return raw[offset : offset + size].view(dtype).reshape(shape)


def _work(recipe: Recipe) -> Work:
    network, dtype = recipe.network, np.dtype(recipe.precision)
    lanes, units = LANES[recipe.precision], sum(network.hidden)

    def rows(count: int) -> Array:
        return _aligned((count, lanes), dtype)

    return Work(
        gradient=rows(network.parameter_count),
        values=rows(units * TILE),
        slopes=rows(units * TILE),
        outputs=rows(network.outputs * TILE),
        inputs=rows(network.inputs * TILE),
        targets=rows(network.outputs * TILE),
        spare=rows(2),
        order=np.zeros((recipe.data.size if recipe.batch else 1, lanes), np.int64),
    )


def rates(recipe: Recipe, begin: int, end: int) -> Array:
    """Step size and epsilon of the updates begin, ..., end - 1, shape (end - begin, 2).

    Adam's corrections are folded in: s m' / (sqrt(v') + e) = s c m / (sqrt(v) + e sqrt(b)), where
    b = 1 - d^t and c = sqrt(b) / (1 - a^t) at the t-th update, t = 1, 2, ...
    """
    optimiser = recipe.optimiser
    table = np.empty((end - begin, 2))
    table[:, 0], table[:, 1] = optimiser.step_size, optimiser.epsilon or 0.0
    if optimiser.name == "adam":
        assert optimiser.momentum is not None and optimiser.decay is not None
        t = np.arange(begin + 1, end + 1, dtype=np.float64)
        root = np.sqrt(1 - optimiser.decay**t)
        table[:, 0] *= root / (1 - optimiser.momentum**t)
        table[:, 1] *= root
    return table.astype(recipe.precision)


def _stops(updates: int, times: npt.NDArray[np.int64]) -> list[int]:
    """Where stretches end: at the snapshots, at growing distances, and at the end."""
    stops, at = {updates, *(int(t) for t in times)}, float(SHORTEST)
    while at < updates:
        stops.add(int(at))
        at = min(max(at * GROWTH, at + SHORTEST), at + LONGEST)
    return sorted(stops)


class _Chunk:
    """The networks that one thread trains, and where they are."""

    def __init__(
        self,
        recipe: Recipe,
        seed: int,
        first: int,
        count: int,
        times: npt.NDArray[np.int64],
        cancelled: Callable[[], bool],
    ) -> None:
        self.recipe, self.cancelled, self.times = recipe, cancelled, times
        self.task, self.work = _task(recipe, seed), _work(recipe)
        self.first, self.count = first, count
        dtype = np.dtype(recipe.precision)
        self.ends = np.zeros((count, recipe.network.parameter_count), dtype)
        self.found = np.full((count, 4), np.nan)
        self.solved_at = np.full(count, -1, np.int64)
        self.updates = np.zeros(count, np.int64)
        self.diverged = np.zeros(count, np.bool_)
        self.snapshots = np.full((count, len(times), 3), np.nan)
        self.live = np.arange(count)
        start = starts(recipe, seed, first, count).astype(dtype)
        self.state = [self._blocks(start), *(self._blocks(np.zeros_like(start)) for _ in range(2))]

    def _blocks(self, rows: Array) -> Array:
        """Rows (n, k) as blocks (n / lanes rounded up, k, lanes); what is over is 0."""
        lanes = LANES[self.recipe.precision]
        count = -(-len(rows) // lanes)
        padded = np.zeros((count * lanes, rows.shape[1]), rows.dtype)
        padded[: len(rows)] = rows
        blocks = _aligned((count, rows.shape[1], lanes), rows.dtype)
        blocks[:] = padded.reshape(count, lanes, rows.shape[1]).transpose(0, 2, 1)
        return blocks

    def _rows(self, blocks: Array) -> Array:
        """Undoes `_blocks`."""
        return blocks.transpose(0, 2, 1).reshape(-1, blocks.shape[1])[: len(self.live)]

    def run(self) -> Runs:
        at = 0
        for end in _stops(self.recipe.updates, self.times):
            if self.cancelled():
                raise Cancelled("training was cancelled")
            if len(self.live):
                self._stretch(at, end)
            at = end
            self._snapshot(at)
        return Runs(
            np.arange(self.first, self.first + self.count),
            self.ends,
            self.found[:, 0],
            np.where(self.diverged, 0, np.nan_to_num(self.found[:, 1])).astype(np.int64),
            np.sqrt(self.found[:, 2]),
            np.sqrt(self.found[:, 3]),
            self.solved_at,
            self.updates,
            self.diverged,
            self.times,
            self.snapshots,
        )

    def _stretch(self, begin: int, end: int) -> None:
        """Makes the updates begin, ..., end - 1, and lets go of networks that are done."""
        dtype = self.state[0].dtype
        waiting = self.solved_at[self.live] < 0
        unsolved = self._blocks(waiting.astype(dtype)[:, None])
        lived = self._blocks(np.zeros((len(self.live), 1), dtype))
        lanes = LANES[self.recipe.precision]
        networks = np.zeros((len(unsolved), lanes), np.int64)
        networks.ravel()[: len(self.live)] = self.first + self.live
        table = rates(self.recipe, begin, end)
        theta, first, second = self.state
        advance(theta, first, second, unsolved, lived, networks, table, begin, self.task, self.work)
        results = _aligned((len(unsolved), 4, lanes), dtype)
        measure(self.state[0], results, self.task, self.work)
        found = self._rows(results).astype(np.float64)
        self.found[self.live] = found
        self.updates[self.live] = end
        newly = waiting & (self._rows(unsolved)[:, 0] == 0)
        times = begin + self._rows(lived)[:, 0].astype(np.int64)
        if end == self.recipe.updates:
            at_last = waiting & ~newly & self._solved(found)
            newly, times = newly | at_last, np.where(at_last, end, times)
        self.solved_at[self.live[newly]] = times[newly]
        diverged = ~np.isfinite(found).all(axis=1)
        self.diverged[self.live] = diverged
        done = np.logical_or(diverged, end == self.recipe.updates)
        if self.recipe.stop:
            self.updates[self.live[newly]] = times[newly]
            done = done | newly
        if done.any():
            self._release(done)

    def _solved(self, found: Floats) -> npt.NDArray[np.bool_]:
        if self.task.tolerance >= 0:
            return found[:, 0] < self.task.tolerance
        return found[:, 1] == self.task.points

    def _release(self, done: npt.NDArray[np.bool_]) -> None:
        """Keeps the parameters of networks that are done; moves the others together."""
        self.ends[self.live[done]] = self._rows(self.state[0])[done]
        kept = [self._rows(blocks)[~done] for blocks in self.state]
        self.live = self.live[~done]
        self.state = [self._blocks(rows) for rows in kept]

    def _snapshot(self, at: int) -> None:
        which = np.flatnonzero(self.times == at)
        if len(which):
            self.snapshots[:, which[0], 0] = self.found[:, 0]
            self.snapshots[:, which[0], 1:] = np.sqrt(self.found[:, 2:])
