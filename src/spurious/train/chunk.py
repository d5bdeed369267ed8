"""The networks that one thread trains.

They lie in blocks for the kernel. Between stretches of updates the networks that are solved or have
diverged leave, and the rest moves together, so that no lane works for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from spurious.train.activations import number_of
from spurious.train.decay import decaying, penalty_factors
from spurious.train.kernel import advance, measure
from spurious.train.optimiser import OPTIMISERS
from spurious.train.pack import LANES
from spurious.train.recipe import Recipe
from spurious.train.runs import Cancelled, Runs, float_data
from spurious.train.starts import starts
from spurious.train.task import ADAM, LOSSES, TILE, Task, Work

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]

LONGEST = 65_536
"""Most updates of a stretch; its step sizes are a table."""

SHORTEST = 64
"""Fewest updates of a stretch, but for snapshots and the end."""

GROWTH = 1.25
"""How much later a stretch ends than the one before."""


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
        weights=_tiles(recipe.factors[:, None], dtype)[:, 0].copy(),
        counts=_tiles(np.ones((points, 1)), dtype)[:, 0].copy(),
        weighted=bool((recipe.factors != 1).any()),
        widths=np.array(network.widths),
        points=points,
        activation=number_of(network.activation),
        slope=float(network.slopes[1]) if network.homogeneous else 0.0,
        loss=LOSSES.index(recipe.loss),
        tolerance=tolerance,
        optimiser=ADAM if optimiser.name == "adamw" else OPTIMISERS.index(optimiser.name),
        momentum=optimiser.momentum or 0.0,
        decay=optimiser.decay or 0.0,
        penalised=recipe.penalised,
        pulls=(2 * penalty_factors(recipe.penalty, network)).astype(dtype),
        decays=bool(optimiser.weight_decay),
        shrinks=(
            optimiser.step_size * (optimiser.weight_decay or 0.0) * decaying(optimiser, network)
        ).astype(dtype),
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
        shares=rows(TILE),
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
    if optimiser.name in ("adam", "adamw"):
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


class Chunk:
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
        """Trains all of them."""
        at = 0
        for end in _stops(self.recipe.updates, self.times):
            if self.cancelled():
                raise Cancelled("training was cancelled")
            if len(self.live):
                self._stretch(at, end)
            at = end
            self._snapshot(at)
        return Runs(
            index=np.arange(self.first, self.first + self.count),
            parameters=self.ends,
            loss=self.found[:, 0],
            correct=np.where(self.diverged, 0, np.nan_to_num(self.found[:, 1])).astype(np.int64),
            gradient_norm=np.sqrt(self.found[:, 2]),
            parameter_norm=np.sqrt(self.found[:, 3]),
            solved_at=self.solved_at,
            updates=self.updates,
            diverged=self.diverged,
            times=self.times,
            snapshots=self.snapshots,
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
