"""The compiled kernel: forward, backward and update of a block of networks.

A block is `LANES` networks side by side (see `pack`). Every function here handles a whole block;
read it as code for one network. Widths and choices are given at run time, so that one compiled
kernel, cached on disk, serves every recipe of a precision.

With states a_0 = x, z_l = W_l a_{l-1} + b_l, a_l = act(z_l) and the linear output f = z_{L+1}, the
backward pass is D_{L+1} = dloss/df, D_l = act'(z_l) (W_{l+1}^T D_{l+1}), and the gradient is
dW_l = D_l a_{l-1}^T, db_l = D_l, summed over the points.

Points go through in tiles of four: a weight is loaded once for four points, and a gradient is
stored once. Data are padded to whole tiles by points of weight 0.
"""

from __future__ import annotations

import math
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from spurious.problem import ACTIVATIONS
from spurious.train.functions import exp_of_negative, log_of_one_plus
from spurious.train.optimiser import OPTIMISERS
from spurious.train.pack import (
    above,
    absolute,
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
from spurious.train.philox import draw_order

__all__ = ["Task", "Work", "advance", "measure"]

Array = npt.NDArray[Any]

RELU, LEAKY, ABS, IDENTITY, SIGMOID, TANH, SOFTPLUS, SOFTSIGN, GELU, SILU, ELU = range(
    len(ACTIVATIONS)
)
GD, MOMENTUM, NESTEROV, RMSPROP, ADAM = range(len(OPTIMISERS))
SQUARED, LOGISTIC, CROSS_ENTROPY = range(3)

TILE: Final = 4
"""Points that go through the network together."""

CHECK_EVERY: Final = 64
"""Updates between two looks at whether a whole block is solved."""


class Task(NamedTuple):
    """What a block is trained on and how.

    Attributes:
        x: Inputs, shape (tiles, d, TILE).
        y: Targets, shape (tiles, K, TILE); one-hot for cross entropy.
        weights: 1 for a data point, 0 for padding, shape (tiles, TILE).
        widths: Units of each layer, from inputs to outputs.
        points: Number of data points, n.
        activation: Position in `ACTIVATIONS`.
        slope: Of a homogeneous activation below zero.
        loss: 0 squared, 1 logistic, 2 cross entropy.
        tolerance: Solved when the loss is below this; negative for zero training error.
        optimiser: Position in `OPTIMISERS`.
        momentum: Of the optimiser.
        decay: Of the optimiser.
        batch: Points of a mini-batch; n for the full batch.
        stop: Whether a solved network stays where it is.
        seed: Of the run.
    """

    x: Array
    y: Array
    weights: Array
    widths: npt.NDArray[np.int64]
    points: int
    activation: int
    slope: float
    loss: int
    tolerance: float
    optimiser: int
    momentum: float
    decay: float
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
        spare: The loss and the number of points right, shape (2, LANES).
        order: The epoch's order of the points, shape (n, LANES).
    """

    gradient: Array
    values: Array
    slopes: Array
    outputs: Array
    inputs: Array
    targets: Array
    spare: Array
    order: npt.NDArray[np.int64]


class _Open(NamedTuple):
    """A task and scratch memory as numbers and bare pointers; names as in `Task` and `Work`."""

    x: Any
    y: Any
    weights: Any
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
    gradient: Any
    values: Any
    slopes: Any
    outputs: Any
    inputs: Any
    targets: Any
    spare: Any


@njit(inline="always")
def _open(task: Task, work: Work) -> _Open:
    return _Open(
        pointer(task.x),
        pointer(task.y),
        pointer(task.weights),
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
        pointer(work.gradient),
        pointer(work.values),
        pointer(work.slopes),
        pointer(work.outputs),
        pointer(work.inputs),
        pointer(work.targets),
        pointer(work.spare),
    )


@njit(inline="always")
def _sigmoid(z: Any) -> Any:
    """1 / (1 + exp(-z)), from the exponential of -|z|, which cannot overflow."""
    one = spread(z, 1.0)
    e = exp_of_negative(spread(z, 0.0) - absolute(z))
    return choose(below(z, spread(z, 0.0)), e, one) / (one + e)


@njit
def _erf_in_place(entries: Any, count: int) -> None:
    """Replaces entries by their error function, one by one."""
    for i in range(count):
        entries[i] = math.erf(entries[i])


@njit(inline="always")
def _times_slope(delta: Any, values: Any, slopes: Any, r: int, net: _Open) -> Any:
    """The pack times act'(z): from act(z) where that gives it, else as `_activate` left it.

    At a kink the derivative is that below zero.
    """
    kind, value = net.activation, load(values, r)
    if kind == RELU:
        return choose(above(value, spread(value, 0.0)), delta, spread(value, 0.0))
    elif kind == SIGMOID:
        return delta * (value * (spread(value, 1.0) - value))
    elif kind == TANH:
        return delta * (spread(value, 1.0) - value * value)
    return delta * load(slopes, r)


@njit(inline="always")
def _activate(values: Any, slopes: Any, net: _Open, count: int) -> None:
    """Turns rows of preactivations z into act(z), and writes act'(z) where `_times_slope` needs it.

    For every activation but relu.
    """
    zero, one = spread(values, 0.0), spread(values, 1.0)
    half = spread(values, 0.5)
    kind = net.activation
    if kind <= IDENTITY:
        slope = spread(values, net.slope)
        for r in range(count):
            z = load(values, r)
            store(values, r, choose(above(z, zero), z, slope * z))
            store(slopes, r, choose(above(z, zero), one, slope))
    elif kind == SIGMOID:
        for r in range(count):
            store(values, r, _sigmoid(load(values, r)))
    elif kind == TANH:
        for r in range(count):
            z = load(values, r)
            s = _sigmoid(z + z)
            store(values, r, s + s - one)
    elif kind == SOFTPLUS:
        for r in range(count):
            z = load(values, r)
            e = exp_of_negative(zero - absolute(z))
            store(values, r, choose(below(z, zero), zero, z) + log_of_one_plus(e))
            store(slopes, r, choose(below(z, zero), e, one) / (one + e))
    elif kind == SOFTSIGN:
        for r in range(count):
            z = load(values, r)
            share = one / (one + absolute(z))
            store(values, r, z * share)
            store(slopes, r, share * share)
    elif kind == GELU:
        for r in range(count):
            z = load(values, r)
            store(values, r, z * spread(z, math.sqrt(0.5)))
            _erf_in_place(row(values, r), net.lanes)
            share = fma(load(values, r), half, half)
            density = exp_of_negative(z * z * (zero - half)) * spread(z, 1 / math.sqrt(2 * math.pi))
            store(values, r, z * share)
            store(slopes, r, fma(z, density, share))
    elif kind == SILU:
        for r in range(count):
            z = load(values, r)
            s = _sigmoid(z)
            store(values, r, z * s)
            store(slopes, r, fma(z * s, one - s, s))
    else:
        for r in range(count):
            z = load(values, r)
            e = exp_of_negative(choose(above(z, zero), zero, z))
            store(values, r, choose(above(z, zero), z, e - one))
            store(slopes, r, choose(above(z, zero), one, e))


@njit(inline="always")
def _forward(theta: Any, net: _Open, tile: int, shuffled: bool) -> None:
    """Stores every unit's value and slope, and the outputs, at a tile's points."""
    zero = spread(theta, 0.0)
    start, base = 0, 0
    for layer in range(net.last + 1):
        wide, high = net.widths[layer], net.widths[layer + 1]
        source = net.inputs if layer == 0 else row(net.values, (base - wide) * TILE)
        target = net.outputs if layer == net.last else row(net.values, base * TILE)
        for j in range(high):
            z0 = load(theta, start + wide * high + j)
            z1, z2, z3 = z0, z0, z0
            weights = row(theta, start + j * wide)
            if layer == 0 and not shuffled:
                for i in range(wide):
                    w, x = load(weights, i), (tile * wide + i) * TILE
                    z0 = fma(w, spread(theta, net.x[x]), z0)
                    z1 = fma(w, spread(theta, net.x[x + 1]), z1)
                    z2 = fma(w, spread(theta, net.x[x + 2]), z2)
                    z3 = fma(w, spread(theta, net.x[x + 3]), z3)
            else:
                for i in range(wide):
                    w, x = load(weights, i), i * TILE
                    z0 = fma(w, load(source, x), z0)
                    z1 = fma(w, load(source, x + 1), z1)
                    z2 = fma(w, load(source, x + 2), z2)
                    z3 = fma(w, load(source, x + 3), z3)
            z = row(target, j * TILE)
            if net.activation == RELU and layer < net.last:
                z0 = choose(below(z0, zero), zero, z0)
                z1 = choose(below(z1, zero), zero, z1)
                z2 = choose(below(z2, zero), zero, z2)
                z3 = choose(below(z3, zero), zero, z3)
            store(z, 0, z0)
            store(z, 1, z1)
            store(z, 2, z2)
            store(z, 3, z3)
        if net.activation != RELU and layer < net.last:
            _activate(target, row(net.slopes, base * TILE), net, high * TILE)
        start += (wide + 1) * high
        base += high


@njit(inline="always")
def _target(theta: Any, net: _Open, tile: int, place: int, shuffled: bool) -> Any:
    outputs = net.widths[net.last + 1]
    if shuffled:
        return load(net.targets, place)
    return spread(theta, net.y[tile * outputs * TILE + place])


@njit
def _log_in_place(entries: Any, count: int) -> None:
    """Replaces entries by their logarithm, one by one."""
    for i in range(count):
        entries[i] = math.log(entries[i])


@njit(inline="always")
def _loss(
    theta: Any, net: _Open, tile: int, t: int, weight: Any, shuffled: bool, wanted: bool
) -> tuple[Any, Any]:
    """Replaces a point's outputs by the derivatives of the loss.

    Returns:
        The loss, left at 0 unless wanted, and 1 if the point is right.
    """
    zero, one = spread(theta, 0.0), spread(theta, 1.0)
    total, right = zero, one
    outputs = net.widths[net.last + 1]
    if net.loss == CROSS_ENTROPY:
        top = load(net.outputs, t)
        for k in range(1, outputs):
            f = load(net.outputs, k * TILE + t)
            top = choose(above(top, f), top, f)
        mass, chosen, rival = zero, zero, spread(theta, -math.inf)
        for k in range(outputs):
            place = k * TILE + t
            f, y = load(net.outputs, place), _target(theta, net, tile, place, shuffled)
            mass = mass + exp_of_negative(f - top)
            mine = above(y, zero)
            chosen = choose(mine, f, chosen)
            other = choose(mine, rival, f)
            rival = choose(above(rival, other), rival, other)
        for k in range(outputs):
            place = k * TILE + t
            f, y = load(net.outputs, place), _target(theta, net, tile, place, shuffled)
            store(net.outputs, place, weight * (exp_of_negative(f - top) / mass - y))
        right = choose(above(chosen, rival), one, zero)
        if wanted:
            store(net.spare, 0, mass)
            _log_in_place(net.spare, net.lanes)
            total = load(net.spare, 0) + top - chosen
    else:
        for k in range(outputs):
            place = k * TILE + t
            f, y = load(net.outputs, place), _target(theta, net, tile, place, shuffled)
            margin = y * f
            right = choose(above(margin, zero), right, zero)
            if net.loss == SQUARED:
                r = f - y
                store(net.outputs, place, weight * (r + r))
                if wanted:
                    total = fma(r, r, total)
            else:
                e = exp_of_negative(zero - absolute(margin))
                negative = below(margin, zero)
                share = choose(negative, one, e) / (one + e)
                store(net.outputs, place, (zero - weight * y) * share)
                if wanted:
                    hinge = choose(negative, zero - margin, zero)
                    total = total + hinge + log_of_one_plus(e)
    return weight * total, weight * right


@njit(inline="always")
def _backward(theta: Any, net: _Open, tile: int, fresh: bool, shuffled: bool) -> None:
    """Adds a tile's gradient to the block's (or begins it), from the derivatives by the outputs."""
    zero = spread(theta, 0.0)
    start, base, above_start, above_high = net.parameters, net.units, 0, 0
    deltas = net.outputs
    for layer in range(net.last, -1, -1):
        wide, high = net.widths[layer], net.widths[layer + 1]
        start -= (wide + 1) * high
        source = net.inputs if layer == 0 else row(net.values, (base - wide) * TILE)
        values, slopes = row(net.values, base * TILE), row(net.slopes, base * TILE)
        for j in range(high):
            d0, d1, d2, d3 = zero, zero, zero, zero
            r = j * TILE
            if layer == net.last:
                d0, d1, d2, d3 = (
                    load(deltas, r),
                    load(deltas, r + 1),
                    load(deltas, r + 2),
                    load(deltas, r + 3),
                )
            else:
                for k in range(above_high):
                    w = load(theta, above_start + k * high + j)
                    d0 = fma(w, load(deltas, k * TILE), d0)
                    d1 = fma(w, load(deltas, k * TILE + 1), d1)
                    d2 = fma(w, load(deltas, k * TILE + 2), d2)
                    d3 = fma(w, load(deltas, k * TILE + 3), d3)
                d0 = _times_slope(d0, values, slopes, r, net)
                d1 = _times_slope(d1, values, slopes, r + 1, net)
                d2 = _times_slope(d2, values, slopes, r + 2, net)
                d3 = _times_slope(d3, values, slopes, r + 3, net)
                if layer > 0:
                    store(slopes, r, d0)
                    store(slopes, r + 1, d1)
                    store(slopes, r + 2, d2)
                    store(slopes, r + 3, d3)
            bias, weights = start + wide * high + j, row(net.gradient, start + j * wide)
            g = zero if fresh else load(net.gradient, bias)
            store(net.gradient, bias, g + ((d0 + d1) + (d2 + d3)))
            if layer == 0 and not shuffled:
                for i in range(wide):
                    x = (tile * wide + i) * TILE
                    g = zero if fresh else load(weights, i)
                    g = fma(d0, spread(theta, net.x[x]), g)
                    g = fma(d1, spread(theta, net.x[x + 1]), g)
                    g = fma(d2, spread(theta, net.x[x + 2]), g)
                    store(weights, i, fma(d3, spread(theta, net.x[x + 3]), g))
            else:
                for i in range(wide):
                    x = i * TILE
                    g = zero if fresh else load(weights, i)
                    g = fma(d0, load(source, x), g)
                    g = fma(d1, load(source, x + 1), g)
                    g = fma(d2, load(source, x + 2), g)
                    store(weights, i, fma(d3, load(source, x + 3), g))
        if layer < net.last:
            deltas = slopes
        above_start, above_high = start, high
        base -= wide


@njit
def _gradient(theta: Any, net: _Open, wanted: bool) -> None:
    """The full gradient into `net.gradient`; the loss (if wanted) and the points right into spare."""
    total, correct = spread(theta, 0.0), spread(theta, 0.0)
    for tile in range(net.tiles):
        _forward(theta, net, tile, False)
        for t in range(TILE):
            weight = spread(theta, net.weights[tile * TILE + t])
            loss, right = _loss(theta, net, tile, t, weight, False, wanted)
            total, correct = total + loss, correct + right
        _backward(theta, net, tile, tile == 0, False)
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
    theta: Any, net: _Open, task: Task, work: Work, step: int, networks: Array
) -> None:
    """The gradient of update `step`'s mini-batch, times n/b, into `net.gradient`."""
    n = net.points
    epoch, number = divmod(step, (n + task.batch - 1) // task.batch)
    if number == 0:
        draw_order(task.seed, networks, epoch, work.order)
    begin, end = number * task.batch, min(n, (number + 1) * task.batch)
    for first in range(begin, end, TILE):
        _fetch(task, work, first, end)
        _forward(theta, net, 0, True)
        for t in range(TILE):
            weight = spread(theta, n / (end - begin) if first + t < end else 0.0)
            _loss(theta, net, 0, t, weight, True, False)
        _backward(theta, net, 0, first == begin, True)


@njit(inline="always")
def _update(theta: Any, first: Any, second: Any, net: _Open, rate: Any, epsilon: Any) -> None:
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
def _mark_solved(theta: Any, net: _Open, unsolved: Any) -> None:
    """Sets a solved network's entry of `unsolved` to 0."""
    zero, still = spread(theta, 0.0), load(unsolved, 0)
    if net.tolerance >= 0:
        solved = below(load(net.spare, 0), spread(theta, net.tolerance))
    else:
        solved = above(load(net.spare, 1), spread(theta, net.points - 0.5))
    store(unsolved, 0, choose(solved, zero, still))


@njit(cache=True, nogil=True)
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
    net = _open(task, work)
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


@njit(cache=True, nogil=True)
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
    net = _open(task, work)
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
