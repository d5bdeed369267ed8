# pyright: basic
"""The update rules, on packs; see `Optimiser` for the formulas."""

from __future__ import annotations

from typing import Any

from numba import njit

from spurious.train.pack import fma, load, root, spread, store
from spurious.train.task import ADAM, GD, NESTEROV, RMSPROP, Open

__all__ = ["update"]


@njit(inline="always")
def update(
    theta: Any,
    first: Any,
    second: Any,
    net: Open,
    p: int,
    g: Any,
    rate: Any,
    epsilon: Any,
    shrinking: float,
) -> None:
    """Updates parameter p, where the data's loss has the gradient g.

    `rate` is a pack, 0 where a network stays; `shrinking` is AdamW's.
    """
    kind = net.optimiser
    at = load(theta, p)
    if net.penalised:
        g = fma(spread(theta, net.pulls[p]), at, g)
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
    if net.decays:
        move = fma(spread(theta, shrinking * net.decaying[p]), at, move)
    store(theta, p, fma(spread(theta, 0.0) - rate, move, at))
