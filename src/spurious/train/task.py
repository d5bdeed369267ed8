# pyright: basic
"""What a block of networks is trained on, and the memory it needs, as the kernel sees them."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from spurious.train.optimiser import OPTIMISERS
from spurious.train.pack import pointer

Array = npt.NDArray[Any]

GD, MOMENTUM, NESTEROV, RMSPROP, ADAM, _ = range(len(OPTIMISERS))
LOSSES: Final = ("squared", "logistic", "cross_entropy", "hinge")
"""The losses by their numbers in compiled code."""

SQUARED, LOGISTIC, CROSS_ENTROPY, HINGE = range(len(LOSSES))

TILE: Final = 4
"""Points that go through the network together."""


class Task(NamedTuple):
    """What a block is trained on and how.

    Attributes:
        x: Inputs, shape (tiles, d, TILE).
        y: Targets, shape (tiles, K, TILE); one-hot for cross entropy.
        weights: What the loss of a data point is multiplied by, 0 for padding, shape (tiles, TILE).
        counts: 1 for a data point, 0 for padding, the same shape.
        weighted: Whether some data point's weight is not 1.
        widths: Units of each layer, from inputs to outputs.
        points: Number of data points, n.
        activation: Its number, see `activations.py`.
        slope: Of a homogeneous activation below zero.
        loss: Position in `LOSSES`.
        tolerance: Solved when the loss is below this; negative for zero training error.
        optimiser: Position in `OPTIMISERS`; adam's for adamw.
        momentum: Of the optimiser.
        decay: Of the optimiser.
        penalised: Whether the loss has a penalty.
        pulls: The derivative of the penalty by each parameter is this times the parameter, shape
            (P,).
        decays: Whether the update rule lets parameters decay by itself, as AdamW does.
        shrinks: The share of each parameter that it takes away, shape (P,).
        batch: Points of a mini-batch; n for the full batch.
        stop: Whether a solved network stays where it is.
        seed: Of the run.
    """

    x: Array
    y: Array
    weights: Array
    counts: Array
    weighted: bool
    widths: npt.NDArray[np.int64]
    points: int
    activation: int
    slope: float
    loss: int
    tolerance: float
    optimiser: int
    momentum: float
    decay: float
    penalised: bool
    pulls: Array
    decays: bool
    shrinks: Array
    batch: int
    stop: bool
    seed: np.uint64


class Work(NamedTuple):
    """One thread's scratch memory; each row is a pack, a tile's points follow one another.

    Attributes:
        gradient: Shape (P, LANES).
        values: Each hidden unit's value, layer by layer, shape (units * TILE, LANES).
        slopes: Its activation's derivative; the backward pass turns it into the derivative of the
            loss by the unit's preactivation.
        outputs: Shape (K * TILE, LANES); afterwards the derivatives of the loss by the outputs.
        inputs: A tile of a mini-batch, shape (d * TILE, LANES).
        targets: Its targets, shape (K * TILE, LANES).
        shares: Its weights, shape (TILE, LANES).
        spare: The loss and the number of points right, shape (2, LANES).
        order: The epoch's order of the points, shape (n, LANES).
    """

    gradient: Array
    values: Array
    slopes: Array
    outputs: Array
    inputs: Array
    targets: Array
    shares: Array
    spare: Array
    order: npt.NDArray[np.int64]


class Open(NamedTuple):
    """A task and scratch memory as numbers and bare pointers; names as in `Task` and `Work`."""

    x: Any
    y: Any
    weights: Any
    counts: Any
    weighted: bool
    widths: Any
    last: int
    points: int
    tiles: int
    parameters: int
    units: int
    lanes: int
    activation: int
    slope: float
    loss: int
    tolerance: float
    optimiser: int
    momentum: float
    decay: float
    penalised: bool
    pulls: Any
    decays: bool
    shrinks: Any
    stop: bool
    gradient: Any
    values: Any
    slopes: Any
    outputs: Any
    inputs: Any
    targets: Any
    shares: Any
    spare: Any


@njit(forceinline=True)
def opened(task: Task, work: Work) -> Open:
    """The task and the memory, which must outlive what is returned."""
    return Open(
        pointer(task.x),
        pointer(task.y),
        pointer(task.weights),
        pointer(task.counts),
        task.weighted,
        pointer(task.widths),
        task.widths.size - 2,
        task.points,
        task.x.shape[0],
        work.gradient.shape[0],
        work.values.shape[0] // TILE,
        work.gradient.shape[1],
        task.activation,
        task.slope,
        task.loss,
        task.tolerance,
        task.optimiser,
        task.momentum,
        task.decay,
        task.penalised,
        pointer(task.pulls),
        task.decays,
        pointer(task.shrinks),
        task.stop,
        pointer(work.gradient),
        pointer(work.values),
        pointer(work.slopes),
        pointer(work.outputs),
        pointer(work.inputs),
        pointer(work.targets),
        pointer(work.shares),
        pointer(work.spare),
    )
