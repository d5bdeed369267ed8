"""The update rules, on packs; see `Optimiser` for the formulas."""

from __future__ import annotations

from typing import Any

from numba import njit

from spurious.train.pack import fma, load, root, spread, store
from spurious.train.task import ADAM, GD, NESTEROV, RMSPROP, Open


@njit(forceinline=True)
def update(
    theta: Any, first: Any, second: Any, net: Open, p: int, g: Any, rate: Any, epsilon: Any
) -> None:
    """Updates parameter p, whose gradient is g; `rate` is a pack, 0 where a network stays."""
    kind = net.optimiser
    move = g
    if kind == ADAM:
        m = fma(spread(theta, net.momentum), load(first, p), spread(theta, 1 - net.momentum) * g)
        v = fma(spread(theta, net.decay), load(second, p), spread(theta, 1 - net.decay) * (g * g))
        store(first, p, m)
        store(second, p, v)
        move = m / (root(v) + epsilon)
    elif kind == RMSPROP:
        v = fma(spread(theta, net.decay), load(second, p), spread(theta, 1 - net.decay) * (g * g))
        store(second, p, v)
        move = g / (root(v) + epsilon)
    elif kind != GD:
        m = fma(spread(theta, net.momentum), load(first, p), g)
        store(first, p, m)
        move = fma(spread(theta, net.momentum), m, g) if kind == NESTEROV else m
    store(theta, p, fma(spread(theta, 0.0) - rate, move, load(theta, p)))
