"""Loss and gradient of many points at once in float64, and two plain ways to train with them."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import numpy as np
from scipy.special import expit, ndtr

from fuzzing.case import Case

Array = np.ndarray
Surface = Callable[[Array], tuple[Array, Array]]


def surface(case: Case) -> Surface:
    """A function from points of shape (B, P) to losses (B,) and gradients (B, P)."""
    x, y = as_floats(case.x), as_floats(case.y)
    shapes = list(pairwise(case.widths))
    act = activation(case)

    def value(points: Array) -> tuple[Array, Array]:
        at, network = 0, []
        for below, above in shapes:
            weight = points[:, at : at + below * above].reshape(-1, above, below)
            at += below * above
            network.append((weight, points[:, at : at + above]))
            at += above
        rows = np.broadcast_to(x, (len(points), *x.shape))
        saved = []
        for weight, bias in network[:-1]:
            z = rows @ weight.transpose(0, 2, 1) + bias[:, None]
            saved.append((rows, z))
            rows = act(z)[0]
        weight, bias = network[-1]
        loss, g = _loss(case.loss, rows @ weight.transpose(0, 2, 1) + bias[:, None], y)
        parts = []
        for index in range(len(network) - 1, -1, -1):
            parts.append(g.sum(1))
            parts.append((g.transpose(0, 2, 1) @ rows).reshape(len(points), -1))
            if index:
                rows, z = saved[index - 1]
                g = (g @ network[index][0]) * act(z)[1]
        return loss, np.concatenate(parts[::-1], axis=1)

    return value


def hessian(value: Surface, point: Array, step: float = 1e-6) -> Array:
    """Central differences of the gradient, shape (P, P)."""
    steps = np.diag(step * (1 + np.abs(point)))
    _, g = value(np.concatenate([point + steps, point - steps]))
    half = (g[: len(point)] - g[len(point) :]) / (2 * np.diag(steps)[:, None])
    return (half + half.T) / 2


def descend(value: Surface, point: Array, steps: int, rate: float) -> Array:
    """Plain gradient descent that halves its rate when the loss rises."""
    loss, g = (v[0] for v in value(point[None]))
    for _ in range(steps):
        new = point - rate * g
        new_loss, new_g = (v[0] for v in value(new[None]))
        if new_loss <= loss:
            point, loss, g = new, new_loss, new_g
            rate *= 1.05
        else:
            rate /= 2
        if not rate > 1e-12:
            break
    return point


def newton(value: Surface, point: Array, steps: int) -> Array:
    """Newton's method with the absolute values of the curvatures, damped by bisection."""
    loss, g = (v[0] for v in value(point[None]))
    scales = 0.5 ** np.arange(0, 24, 2)[:, None]
    for _ in range(steps):
        h = hessian(value, point)
        if not np.isfinite(h).all():
            break
        lam, vectors = np.linalg.eigh(h)
        bound = max(1e-10 * np.abs(lam).max(), 1e-300)
        move = -vectors @ ((vectors.T @ g) / np.maximum(np.abs(lam), bound))
        losses, slopes = value(point + scales * move)
        best = int(np.nanargmin(losses)) if np.isfinite(losses).any() else 0
        if not losses[best] < loss:
            best = 0
            if not (
                np.abs(slopes[0]).max() < np.abs(g).max() and losses[0] <= loss + 1e-12 * abs(loss)
            ):
                break
        point, loss, g = point + scales[best] * move, losses[best], slopes[best]
    return point


def as_floats(rows: tuple[tuple[Fraction, ...], ...]) -> Array:
    """A matrix of rationals, rounded."""
    return np.array([[float(v) for v in row] for row in rows])


def _loss(name: str, f: Array, y: Array) -> tuple[Array, Array]:
    if name == "squared":
        return ((f - y) ** 2).sum((1, 2)), 2 * (f - y)
    if name == "logistic":
        return np.logaddexp(0, -y * f).sum((1, 2)), -y * expit(-y * f)
    labels = y[:, 0].astype(int)
    top = f.max(2, keepdims=True)
    shares = np.exp(f - top)
    whole = shares.sum(2, keepdims=True)
    picked = np.take_along_axis(f - top, np.broadcast_to(labels[:, None], (*f.shape[:2], 1)), 2)
    return (np.log(whole) - picked).sum((1, 2)), shares / whole - np.eye(f.shape[2])[labels]


def activation(case: Case) -> Callable[[Array], tuple[Array, Array]]:
    """A function from pre-activations to values and slopes."""
    p, q = (float(v) for v in case.slopes)
    return {
        "sigmoid": lambda z: (expit(z), expit(z) * expit(-z)),
        "tanh": lambda z: (np.tanh(z), 4 * expit(2 * z) * expit(-2 * z)),
        "softplus": lambda z: (np.logaddexp(0, z), expit(z)),
        "softsign": lambda z: (z / (1 + np.abs(z)), 1 / (1 + np.abs(z)) ** 2),
        "gelu": lambda z: (z * ndtr(z), ndtr(z) + z * np.exp(-z * z / 2) / np.sqrt(2 * np.pi)),
        "silu": lambda z: (z * expit(z), expit(z) * (1 + z * expit(-z))),
        "elu": lambda z: (np.where(z > 0, z, np.expm1(np.minimum(z, 0))), np.exp(np.minimum(z, 0))),
    }.get(case.activation, lambda z: (np.where(z > 0, p, q) * z, np.where(z > 0, p, q)))
