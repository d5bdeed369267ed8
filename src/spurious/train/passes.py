# pyright: basic
"""Forward and backward through a block of networks, a tile of points at a time.

With states a_0 = x, z_l = W_l a_{l-1} + b_l, a_l = act(z_l) and the linear output f = z_{L+1}, the
backward pass is D_{L+1} = dloss/df, D_l = act'(z_l) (W_{l+1}^T D_{l+1}), and the gradient is
dW_l = D_l a_{l-1}^T, db_l = D_l, summed over the points.
"""

from __future__ import annotations

import math
from typing import Any

from numba import njit

from spurious.train.activations import RELU, activate, times_slope
from spurious.train.exp_log import exp_of_negative, log_of_one_plus
from spurious.train.pack import above, absolute, below, choose, fma, load, row, spread, store
from spurious.train.task import CROSS_ENTROPY, HINGE, SQUARED, TILE, Open
from spurious.train.updates import update


@njit(forceinline=True)
def forward(theta: Any, net: Open, tile: int, shuffled: bool) -> None:
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
            activate(target, row(net.slopes, base * TILE), net, high * TILE)
        start += (wide + 1) * high
        base += high


@njit(forceinline=True)
def _target(theta: Any, net: Open, tile: int, place: int, shuffled: bool) -> Any:
    outputs = net.widths[net.last + 1]
    if shuffled:
        return load(net.targets, place)
    return spread(theta, net.y[tile * outputs * TILE + place])


@njit
def _log_in_place(entries: Any, count: int) -> None:
    """Replaces entries by their logarithm, one by one."""
    for i in range(count):
        entries[i] = math.log(entries[i])


@njit(forceinline=True)
def point_loss(
    theta: Any, net: Open, tile: int, t: int, weight: Any, shuffled: bool, wanted: bool
) -> tuple[Any, Any]:
    """Replaces a point's outputs by the derivatives of the loss, times the weight.

    Returns:
        The loss times the weight, left at 0 unless wanted, and 1 if the point is right.
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
            elif net.loss == HINGE:
                slack = one - margin
                store(net.outputs, place, choose(above(slack, zero), zero - weight * y, zero))
                if wanted:
                    total = total + choose(below(slack, zero), zero, slack)
            else:
                e = exp_of_negative(zero - absolute(margin))
                negative = below(margin, zero)
                share = choose(negative, one, e) / (one + e)
                store(net.outputs, place, (zero - weight * y) * share)
                if wanted:
                    hinge = choose(negative, zero - margin, zero)
                    total = total + hinge + log_of_one_plus(e)
    return weight * total, right


@njit(forceinline=True)
def backward(
    theta: Any,
    first: Any,
    second: Any,
    net: Open,
    tile: int,
    fresh: bool,
    shuffled: bool,
    final: bool,
    rate: Any,
    epsilon: Any,
) -> None:
    """Adds a tile's gradient to the block's (or begins it), from the derivatives by the outputs.

    After the final tile the first layer's parameters are updated as soon as their gradient is
    complete: nothing else needs them, and the divisions and roots run beside the next unit's sums.
    """
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
                d0 = times_slope(d0, values, slopes, r, net)
                d1 = times_slope(d1, values, slopes, r + 1, net)
                d2 = times_slope(d2, values, slopes, r + 2, net)
                d3 = times_slope(d3, values, slopes, r + 3, net)
                if layer > 0:
                    store(slopes, r, d0)
                    store(slopes, r + 1, d1)
                    store(slopes, r + 2, d2)
                    store(slopes, r + 3, d3)
            bias, at = start + wide * high + j, start + j * wide
            g = zero if fresh else load(net.gradient, bias)
            g = g + ((d0 + d1) + (d2 + d3))
            done = final and layer == 0
            if done:
                update(theta, first, second, net, bias, g, rate, epsilon)
            else:
                store(net.gradient, bias, g)
            if layer == 0 and not shuffled:
                for i in range(wide):
                    x = (tile * wide + i) * TILE
                    g = zero if fresh else load(net.gradient, at + i)
                    g = fma(d0, spread(theta, net.x[x]), g)
                    g = fma(d1, spread(theta, net.x[x + 1]), g)
                    g = fma(d2, spread(theta, net.x[x + 2]), g)
                    g = fma(d3, spread(theta, net.x[x + 3]), g)
                    if done:
                        update(theta, first, second, net, at + i, g, rate, epsilon)
                    else:
                        store(net.gradient, at + i, g)
            else:
                for i in range(wide):
                    x = i * TILE
                    g = zero if fresh else load(net.gradient, at + i)
                    g = fma(d0, load(source, x), g)
                    g = fma(d1, load(source, x + 1), g)
                    g = fma(d2, load(source, x + 2), g)
                    g = fma(d3, load(source, x + 3), g)
                    if done:
                        update(theta, first, second, net, at + i, g, rate, epsilon)
                    else:
                        store(net.gradient, at + i, g)
        if layer < net.last:
            deltas = slopes
        above_start, above_high = start, high
        base -= wide
