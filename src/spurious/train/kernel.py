# pyright: basic
"""The compiled kernel: trains a block of networks.

A block is `LANES` networks side by side (see `pack`). Every function handles a whole block; read it
as code for one network. Widths and choices are given at run time, so that one compiled kernel,
cached on disk, serves every recipe of a precision. Points go through in tiles of four (`passes`): a
weight is loaded once for four points, and a gradient is stored once.
"""

from __future__ import annotations

from typing import Any, Final

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
    root,
    row,
    spread,
    store,
)
from spurious.train.passes import backward, forward, point_loss
from spurious.train.philox import draw_order
from spurious.train.task import ADAM, GD, NESTEROV, RMSPROP, TILE, Open, Task, Work, opened

__all__ = ["advance", "measure"]

Array = npt.NDArray[Any]

CHECK_EVERY: Final = 64
"""Updates between two looks at whether a whole block is solved."""


@njit
def _gradient(theta: Any, net: Open, wanted: bool) -> None:
    """The full gradient, and into `net.spare` the loss (if wanted) and the points right."""
    total, correct = spread(theta, 0.0), spread(theta, 0.0)
    for tile in range(net.tiles):
        forward(theta, net, tile, False)
        for t in range(TILE):
            weight = spread(theta, net.weights[tile * TILE + t])
            loss, right = point_loss(theta, net, tile, t, weight, False, wanted)
            total, correct = total + loss, correct + right
        backward(theta, net, tile, tile == 0, False)
    store(net.spare, 0, total)
    store(net.spare, 1, correct)


@njit
def _fetch(task: Task, work: Work, first: int, end: int) -> None:
    """Copies each network's own next points of the epoch, at most a tile, to the scratch memory."""
    for t in range(TILE):
        for lane in range(work.order.shape[1]):
            point = work.order[min(first + t, end - 1), lane]
            tile, place = point // TILE, point % TILE
            for i in range(task.x.shape[1]):
                work.inputs[i * TILE + t, lane] = task.x[tile, i, place]
            for k in range(task.y.shape[1]):
                work.targets[k * TILE + t, lane] = task.y[tile, k, place]


@njit
def _batch_gradient(
    theta: Any, net: Open, task: Task, work: Work, step: int, networks: Array
) -> None:
    """The gradient of update `step`'s mini-batch, times n/b, into `net.gradient`."""
    n = net.points
    epoch, number = divmod(step, (n + task.batch - 1) // task.batch)
    if number == 0:
        draw_order(task.seed, networks, epoch, work.order)
    begin, end = number * task.batch, min(n, (number + 1) * task.batch)
    for first in range(begin, end, TILE):
        _fetch(task, work, first, end)
        forward(theta, net, 0, True)
        for t in range(TILE):
            weight = spread(theta, n / (end - begin) if first + t < end else 0.0)
            point_loss(theta, net, 0, t, weight, True, False)
        backward(theta, net, 0, first == begin, True)


@njit(inline="always")
def _update(theta: Any, first: Any, second: Any, net: Open, rate: Any, epsilon: Any) -> None:
    """One update of every parameter; `rate` is a pack, 0 where a network stays."""
    kind = net.optimiser
    momentum = spread(theta, net.momentum)
    decay = spread(theta, net.decay)
    fresh, new = spread(theta, 1 - net.momentum), spread(theta, 1 - net.decay)
    zero = spread(theta, 0.0)
    for p in range(net.parameters):
        g, at = load(net.gradient, p), load(theta, p)
        move = g
        if kind == ADAM:
            m = fma(momentum, load(first, p), fresh * g)
            v = fma(decay, load(second, p), new * (g * g))
            store(first, p, m)
            store(second, p, v)
            move = m / (root(v) + epsilon)
        elif kind == RMSPROP:
            v = fma(decay, load(second, p), new * (g * g))
            store(second, p, v)
            move = g / (root(v) + epsilon)
        elif kind != GD:
            m = fma(momentum, load(first, p), g)
            store(first, p, m)
            move = fma(momentum, m, g) if kind == NESTEROV else m
        store(theta, p, fma(zero - rate, move, at))


@njit(inline="always")
def _mark_solved(theta: Any, net: Open, unsolved: Any) -> None:
    """Sets a solved network's entry of `unsolved` to 0."""
    zero, still = spread(theta, 0.0), load(unsolved, 0)
    if net.tolerance >= 0:
        solved = below(load(net.spare, 0), spread(theta, net.tolerance))
    else:
        solved = above(load(net.spare, 1), spread(theta, net.points - 0.5))
    store(unsolved, 0, choose(solved, zero, still))


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
    wanted = task.tolerance >= 0
    for block in range(thetas.shape[0]):
        theta = row(pointer(thetas), block * net.parameters)
        first = row(pointer(firsts), block * net.parameters)
        second = row(pointer(seconds), block * net.parameters)
        still, count = row(pointer(unsolved), block), row(pointer(lived), block)
        for k in range(rates.shape[0]):
            step = begin + k
            if task.stop and k % CHECK_EVERY == 0 and not unsolved[block].any():
                break
            if not shuffled or step % batches == 0:
                _gradient(theta, net, wanted)
                _mark_solved(theta, net, still)
            if shuffled:
                if k == 0 and step % batches != 0:
                    draw_order(task.seed, networks[block], step // batches, work.order)
                _batch_gradient(theta, net, task, work, step, networks[block])
            alive = load(still, 0)
            store(count, 0, load(count, 0) + alive)
            rate = spread(theta, rates[k, 0])
            if task.stop:
                rate = rate * alive
            _update(theta, first, second, net, rate, spread(theta, rates[k, 1]))
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
    for block in range(thetas.shape[0]):
        theta = row(pointer(thetas), block * net.parameters)
        result = row(pointer(results), 4 * block)
        _gradient(theta, net, True)
        steep, size = spread(theta, 0.0), spread(theta, 0.0)
        for p in range(net.parameters):
            g, at = load(net.gradient, p), load(theta, p)
            steep, size = fma(g, g, steep), fma(at, at, size)
        store(result, 0, load(net.spare, 0))
        store(result, 1, load(net.spare, 1))
        store(result, 2, steep)
        store(result, 3, size)
    restore_subnormals(before)
