# pyright: basic
"""The compiled kernel: trains a block of networks.

A block is `LANES` networks side by side (see `pack`). Every function handles a whole block; read it
as code for one network. Widths and choices are given at run time, so that one compiled kernel,
cached on disk, serves every recipe of a precision. Points go through in tiles of four (`passes`): a
weight is loaded once for four points, and a gradient is stored once.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from spurious.train.compiled import compiled
from spurious.train.pack import (
    above,
    below,
    choose,
    flush_subnormals,
    fma,
    load,
    pointer,
    restore_subnormals,
    row,
    spread,
    store,
)
from spurious.train.passes import backward, forward, point_loss
from spurious.train.philox import draw_order
from spurious.train.task import TILE, Open, Task, Work, opened
from spurious.train.updates import update

Array = npt.NDArray[Any]

CHECK_EVERY: Final = 64
"""Updates between two looks at whether a whole block is solved."""


class Block(NamedTuple):
    """A block's rows behind bare pointers, and the update at hand.

    Attributes:
        theta: Parameters.
        first: First moments.
        second: Second moments.
        unsolved: 1 until a network is solved, then 0.
        lived: The updates made before it was solved.
        step_size: Of this update.
        epsilon: Of this update.
    """

    theta: Any
    first: Any
    second: Any
    unsolved: Any
    lived: Any
    step_size: Any
    epsilon: Any


@njit
def _full_pass(block: Block, net: Open, updating: bool) -> None:
    """One pass through all points, and the update if wanted.

    Leaves the loss (if anyone looks at it) and the points right in `net.spare`, and without an
    update the gradient in `net.gradient`.
    """
    theta = block.theta
    total, correct, rate = spread(theta, 0.0), spread(theta, 0.0), spread(theta, 0.0)
    epsilon = spread(theta, block.epsilon)
    wanted = net.tolerance >= 0 or not updating
    begun = 0
    if net.penalised:
        begun = -1
        total = _begin(theta, net)
    for tile in range(net.tiles):
        forward(theta, net, tile, False)
        for t in range(TILE):
            weight = spread(theta, net.weights[tile * TILE + t])
            loss, right = point_loss(theta, net, tile, t, weight, False, wanted)
            count = spread(theta, net.counts[tile * TILE + t])
            total, correct = total + loss, fma(count, right, correct)
        final = updating and tile == net.tiles - 1
        if final:
            _mark_solved(block, net, total, correct)
            rate = _rate(block, net)
            _shrink(block, net, 0, _first_layer(net))
        first, second = block.first, block.second
        backward(theta, first, second, net, tile, tile == begun, False, final, rate, epsilon)
    store(net.spare, 0, total)
    store(net.spare, 1, correct)
    if updating:
        _update_rest(block, net, rate, epsilon)


@njit(forceinline=True)
def _begin(theta: Any, net: Open) -> Any:
    """Begins the gradient with that of the penalty, which it returns."""
    twice = spread(theta, 0.0)
    for p in range(net.parameters):
        at = load(theta, p)
        pull = spread(theta, net.pulls[p]) * at
        store(net.gradient, p, pull)
        twice = fma(pull, at, twice)
    return spread(theta, 0.5) * twice


@njit(forceinline=True)
def _shrink(block: Block, net: Open, first: int, end: int) -> None:
    """AdamW's own decay of the parameters first, ..., end - 1, before their update.

    The first layer's are shrunk before the last tile's backward pass, which updates them and does
    not look at them; the others after it, which needs them as they were.
    """
    if net.decays:
        alive = load(block.unsolved, 0) if net.stop else spread(block.theta, 1.0)
        for p in range(first, end):
            at = load(block.theta, p)
            store(block.theta, p, fma(spread(at, -net.shrinks[p]) * alive, at, at))


@njit(forceinline=True)
def _first_layer(net: Open) -> int:
    """How many parameters the first layer has."""
    return (net.widths[0] + 1) * net.widths[1]


@njit(forceinline=True)
def _mark_solved(block: Block, net: Open, loss: Any, correct: Any) -> None:
    """Sets a solved network's entry of `unsolved` to 0."""
    if net.tolerance >= 0:
        solved = below(loss, spread(loss, net.tolerance))
    else:
        solved = above(correct, spread(correct, net.points - 0.5))
    store(block.unsolved, 0, choose(solved, spread(loss, 0.0), load(block.unsolved, 0)))


@njit(forceinline=True)
def _rate(block: Block, net: Open) -> Any:
    """The step size, 0 for networks that stay; counts the update for those not solved yet."""
    alive = load(block.unsolved, 0)
    store(block.lived, 0, load(block.lived, 0) + alive)
    rate = spread(alive, block.step_size)
    return rate * alive if net.stop else rate


@njit(forceinline=True)
def _update_rest(block: Block, net: Open, rate: Any, epsilon: Any) -> None:
    """Updates the parameters of all layers but the first."""
    _shrink(block, net, _first_layer(net), net.parameters)
    for p in range(_first_layer(net), net.parameters):
        g = load(net.gradient, p)
        update(block.theta, block.first, block.second, net, p, g, rate, epsilon)


@njit
def _fetch(task: Task, work: Work, first: int, end: int) -> None:
    """Copies each network's own next points of the epoch, at most a tile, to the scratch memory.

    Their weights too, unless all are 1.
    """
    for t in range(TILE):
        for lane in range(work.order.shape[1]):
            point = work.order[min(first + t, end - 1), lane]
            tile, place = point // TILE, point % TILE
            for i in range(task.x.shape[1]):
                work.inputs[i * TILE + t, lane] = task.x[tile, i, place]
            for k in range(task.y.shape[1]):
                work.targets[k * TILE + t, lane] = task.y[tile, k, place]
            if task.weighted:
                work.shares[t, lane] = task.weights[tile, place]


@njit
def _batch_pass(block: Block, net: Open, task: Task, work: Work, number: int) -> None:
    """An update by the epoch's mini-batch of that number, its gradient multiplied by n/b."""
    theta, n = block.theta, net.points
    rate, epsilon = _rate(block, net), spread(theta, block.epsilon)
    if net.penalised:
        _begin(theta, net)
    begin, end = number * task.batch, min(n, (number + 1) * task.batch)
    for start in range(begin, end, TILE):
        _fetch(task, work, start, end)
        forward(theta, net, 0, True)
        for t in range(TILE):
            weight = spread(theta, n / (end - begin) if start + t < end else 0.0)
            if net.weighted:
                weight = weight * load(net.shares, t)
            point_loss(theta, net, 0, t, weight, True, False)
        final = start + TILE >= end
        first, second = block.first, block.second
        fresh = start == begin and not net.penalised
        if final:
            _shrink(block, net, 0, _first_layer(net))
        backward(theta, first, second, net, 0, fresh, True, final, rate, epsilon)
    _update_rest(block, net, rate, epsilon)


@compiled
def advance(
    thetas: Array,
    firsts: Array,
    seconds: Array,
    unsolved: Array,
    lived: Array,
    networks: npt.NDArray[np.int64],
    rates: Array,
    begin: int,
    task: Task,
    work: Work,
) -> None:
    """Advances blocks by the updates begin, begin + 1, ... that `rates` has rows for.

    Args:
        thetas: Parameters, shape (blocks, P, LANES); changed in place, like the next four.
        firsts: First moments, the same shape.
        seconds: Second moments, the same shape.
        unsolved: Shape (blocks, 1, LANES): 1 until a network is solved, then 0.
        lived: The same shape: grows by the updates made before the network was solved.
        networks: Index of each network, shape (blocks, LANES).
        rates: Step size and epsilon of each update, shape (updates, 2).
        begin: Number of the first of these updates, from 0.
        task: What to train on and how.
        work: Scratch memory of this thread.
    """
    before = flush_subnormals()
    net = opened(task, work)
    shuffled = task.batch < task.points
    batches = (task.points + task.batch - 1) // task.batch
    for number in range(thetas.shape[0]):
        for k in range(rates.shape[0]):
            if task.stop and k % CHECK_EVERY == 0 and not unsolved[number].any():
                break
            block = Block(
                row(pointer(thetas), number * net.parameters),
                row(pointer(firsts), number * net.parameters),
                row(pointer(seconds), number * net.parameters),
                row(pointer(unsolved), number),
                row(pointer(lived), number),
                rates[k, 0],
                rates[k, 1],
            )
            if not shuffled:
                _full_pass(block, net, True)
                continue
            epoch, place = divmod(begin + k, batches)
            if place == 0:
                _full_pass(block, net, False)
                loss, correct = load(net.spare, 0), load(net.spare, 1)
                _mark_solved(block, net, loss, correct)
            if place == 0 or k == 0:
                draw_order(task.seed, networks[number], epoch, work.order)
            _batch_pass(block, net, task, work, place)
    restore_subnormals(before)


@compiled
def measure(thetas: Array, results: Array, task: Task, work: Work) -> None:
    """Evaluates blocks on all points.

    Args:
        thetas: Parameters, shape (blocks, P, LANES).
        results: Written, shape (blocks, 4, LANES): the loss, how many points are right, and the
            squared norms of the gradient and of the parameters.
        task: What to train on.
        work: Scratch memory of this thread; its gradient is left there.
    """
    before = flush_subnormals()
    net = opened(task, work)
    for number in range(thetas.shape[0]):
        theta = row(pointer(thetas), number * net.parameters)
        result = row(pointer(results), 4 * number)
        unused = net.gradient
        block = Block(theta, unused, unused, unused, unused, results[0, 0, 0], results[0, 0, 0])
        _full_pass(block, net, False)
        steep, size = spread(theta, 0.0), spread(theta, 0.0)
        for p in range(net.parameters):
            g, at = load(net.gradient, p), load(theta, p)
            steep, size = fma(g, g, steep), fma(at, at, size)
        store(result, 0, load(net.spare, 0))
        store(result, 1, load(net.spare, 1))
        store(result, 2, steep)
        store(result, 3, size)
    restore_subnormals(before)
