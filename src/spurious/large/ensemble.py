# pyright: basic
"""Networks of one shape trained together: one compiled program, vmapped over the networks.

The networks may differ in initial distribution, targets, scale of the inputs, seed and index. What
happens to one depends on nothing but its recipe, seed and index: starts and batches come from its
own stream of random numbers, and the sums of one network never mix with another's.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

from spurious.large.batches import Batches
from spurious.large.memory import check_fits
from spurious.large.model import Parameters, evaluate, from_flat, loss
from spurious.large.recipe import LargeRecipe
from spurious.problem import Loss
from spurious.train import drawn
from spurious.train.decay import per_layer
from spurious.train.optax_rules import optax_optimiser

ROOM: Final = 512
"""Most updates in one call of the program; the batches of so many are held at once."""

FULL_BATCH_ROOM: Final = 2**20
"""The same for the full batch, which needs no batches."""

BLOCK_SECONDS: Final = 1.0
"""A call of the program takes about so long: it can only be interrupted in between."""


@dataclass(frozen=True, slots=True, eq=False)
class Member:
    """A network of an ensemble.

    Attributes:
        recipe: How it is trained.
        seed: Seed of the sweep.
        index: Of the network.
    """

    recipe: LargeRecipe
    seed: int
    index: int


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """Everything that the rest of training depends on, and what was seen so far.

    Attributes:
        step: Updates made.
        parameters: Of all networks.
        moments: The optimiser's state.
        losses: At each of `marks`, shape (marks, N); not numbers where not reached.
        correct: Points classified right there, shape (marks, N); -1 where not reached.
    """

    step: int
    parameters: Parameters
    moments: Any
    losses: npt.NDArray[np.float64]
    correct: npt.NDArray[np.int64]

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Its arrays by name, for a file."""
        leaves = jax.tree.leaves((self.parameters, self.moments))
        named = {f"state.{i}": np.asarray(leaf) for i, leaf in enumerate(leaves)}
        return {**named, "losses": self.losses, "correct": self.correct}


def marks(updates: int) -> tuple[int, ...]:
    """The updates after which losses are kept: 0, half, all, and nine spaced by logarithm."""
    spaced = np.geomspace(max(1, updates / 500), max(1, updates), 10).round().astype(int)
    return tuple(sorted({0, updates // 2, updates, *(int(m) for m in spaced if m <= updates)}))


def starts_of(members: Sequence[Member]) -> npt.NDArray[np.float32]:
    """The initial parameters of networks, shape (N, P)."""
    rows = [drawn(m.recipe.network, m.recipe.initialisation, m.seed, m.index, 1) for m in members]
    return np.concatenate(rows).astype(np.float32)


class Ensemble:
    """Networks whose recipes have the same `shape`, ready to train."""

    def __init__(self, members: Sequence[Member]) -> None:
        """Compiles the program.

        Raises:
            MemoryError: It does not fit into the memory that is free.
        """
        self.members = tuple(members)
        self._recipe = recipe = members[0].recipe
        assert all(member.recipe.shape == recipe.shape for member in members)
        self.marks = marks(recipe.updates)
        self.inputs = jnp.asarray(recipe.data.inputs)
        self.scales = jnp.asarray(np.array([m.recipe.data.tau for m in members], np.float32))
        kinds = np.int32 if recipe.loss == Loss.CROSS_ENTROPY else np.float32
        self.targets = jnp.asarray(np.stack([m.recipe.targets.astype(kinds) for m in members]))
        factors = jnp.asarray(recipe.factors.astype(np.float32))
        self.factors = factors if recipe.weighted else None
        decaying = list(per_layer(recipe.optimiser, recipe.network))
        self._rule = optax_optimiser(recipe.optimiser, decaying)
        self._room = FULL_BATCH_ROOM if recipe.batch is None else ROOM
        streams = [(member.seed, member.index) for member in members]
        self._batches = Batches(recipe.data.size, recipe.batch or recipe.data.size, streams)
        self._evaluate = evaluate(recipe.network, recipe.loss, recipe.squares, self.factors)
        self._program = self._compiled()
        self._seconds = 0.0

    def start(self) -> State:
        """The state before the first update."""
        parameters = jax.tree.map(
            jnp.asarray, from_flat(self._recipe.network, starts_of(self.members))
        )
        shape = (len(self.marks), len(self.members))
        losses, correct = np.full(shape, np.nan), np.full(shape, -1, np.int64)
        return self._noted(State(0, parameters, self._rule.init(parameters), losses, correct))

    def restored(self, step: int, arrays: Mapping[str, npt.NDArray[Any]]) -> State:
        """The state that `State.arrays` came from."""
        empty = jax.eval_shape(self._abstract_state)
        leaves, tree = jax.tree.flatten(empty)
        values = [jnp.asarray(arrays[f"state.{i}"]) for i in range(len(leaves))]
        parameters, moments = jax.tree.unflatten(tree, values)
        return State(step, parameters, moments, arrays["losses"], arrays["correct"])

    def advance(self, state: State) -> State:
        """Trains on, for about `BLOCK_SECONDS` and at most to the next mark."""
        target = next(mark for mark in self.marks if mark > state.step)
        wanted = round(BLOCK_SECONDS / self._seconds) if self._seconds else 8
        count = max(1, min(target - state.step, self._room, wanted))
        began = time.monotonic()
        state = self.updated(state, count)
        jax.block_until_ready(state.parameters)
        self._seconds = (time.monotonic() - began) / count
        return self._noted(state)

    def updated(self, state: State, count: int) -> State:
        """The state `count` updates later, at most `ROOM` with mini-batches; nothing is noted."""
        parameters, moments = self._program(
            state.parameters,
            state.moments,
            self.inputs,
            self.scales,
            self.targets,
            *self._block(state.step, count),
            np.int32(count),
        )
        return replace(state, step=state.step + count, parameters=parameters, moments=moments)

    def _noted(self, state: State) -> State:
        """With the losses, if the state is at a mark."""
        if state.step not in self.marks:
            return state
        row = self.marks.index(state.step)
        found = self._evaluate(state.parameters, self.inputs, self.scales, self.targets)
        losses, correct = state.losses.copy(), state.correct.copy()
        losses[row], correct[row] = np.asarray(found[0]), np.asarray(found[1])
        return replace(state, losses=losses, correct=correct)

    def _block(self, first: int, count: int) -> tuple[Any, Any]:
        if self._recipe.batch is None:
            return self._block_shapes()
        return self._batches.block(first, count, ROOM)

    def _block_shapes(self) -> tuple[Any, Any]:
        """Placeholders of a block's batches; the full batch needs none."""
        size = self._recipe.batch
        if size is None:
            return np.zeros((0, 0, 0), np.int32), np.zeros((0, 0), np.float32)
        shape = (ROOM, len(self.members), size)
        return np.zeros(shape, np.int32), np.zeros((ROOM, size), np.float32)

    def _abstract_state(self) -> tuple[Parameters, Any]:
        network = self._recipe.network
        flat = np.zeros((len(self.members), network.parameter_count), np.float32)
        parameters = jax.tree.map(jnp.asarray, from_flat(network, flat))
        return parameters, self._rule.init(parameters)

    def _compiled(self) -> Any:
        """The program for these shapes: `count` updates of all networks."""
        recipe, rule = self._recipe, self._rule
        network, kind, full = recipe.network, recipe.loss, recipe.batch is None
        squares, factors = recipe.squares, self.factors

        def program(
            parameters: Parameters,
            moments: Any,
            inputs: Any,
            scales: Any,
            targets: Any,
            places: Any,
            weights: Any,
            count: Any,
        ) -> tuple[Parameters, Any]:
            def slope(theta: Parameters, scale: Any, y: Any, place: Any, weight: Any) -> Any:
                x, chosen = (inputs, y) if full else (inputs[place], y[place])
                if not (full or factors is None):
                    weight = weight * factors[place]
                return jax.grad(
                    lambda p: loss(network, kind, squares, p, x * scale, chosen, weight)
                )(theta)

            def update(t: Any, now: tuple[Parameters, Any]) -> tuple[Parameters, Any]:
                theta, state = now
                if full:
                    whole = jnp.ones(len(inputs), jnp.float32) if factors is None else factors
                    gradient = jax.vmap(lambda p, s, y: slope(p, s, y, None, whole))(
                        theta, scales, targets
                    )
                else:
                    gradient = jax.vmap(slope, (0, 0, 0, 0, None))(
                        theta, scales, targets, places[t], weights[t]
                    )
                change, state = rule.update(gradient, state, theta)
                moved: Any = optax.apply_updates(theta, change)
                return moved, state

            return jax.lax.fori_loop(0, count, update, (parameters, moments))

        state = jax.eval_shape(self._abstract_state)
        block = self._block_shapes()
        lowered = jax.jit(program).lower(
            *state, self.inputs, self.scales, self.targets, *block, np.int32(1)
        )
        compiled = lowered.compile()
        check_fits(compiled)
        return compiled
