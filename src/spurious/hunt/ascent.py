# pyright: basic
"""Inverse construction: move the data until a critical point becomes a minimum. On JAX, in batches.

Unknowns are the data and some parameters, in a gauge (`layout`). The gradient of the loss with
respect to all parameters is held at 0 by Newton corrections of least norm; along this set the
smallest eigenvalue of the Hessian H is raised. It is measured

* `absolute`: as it is;
* otherwise relative to a positive matrix M of the same scale, which takes out the scale of data and
  parameters. H = J^T diag(loss'') J + sum_i loss'_i Hess f_i with J the Jacobian of the outputs,
  and M = J^T diag(loss'') J + B, with B above sum_i |loss'_i| (+- Hess f_i). So the eigenvalues of
  M^-1 H lie in [-1, 1]. With one hidden layer B is made of the terms v act''(z) (x.dw)^2 and
  2 act'(z) dv (x.dw) <= |act'(z)| (dv^2 / |v| + |v| (x.dw)^2), and the measure does not depend on
  affine changes of the inputs; else B is the diagonal of the sums of absolute values of rows.

With `homotopy` each point carries a weight exp(omega tanh t), t unknown too; omega shrinks to 0.
Penalties keep the data in a box and apart: where conflicting points coincide, the Hessian tends to
a singular one, which is no find.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from spurious.hunt.layout import layout, parts_of
from spurious.hunt.request import Request
from spurious.problem import Loss
from spurious.program.jax import jax_activation

BOX: Final = 14.0
"""Data and parameters are kept within this distance of 0."""

APART: Final = 0.3
"""Points are kept this far apart."""

PENALTY: Final = 0.03

SHARPNESS: Final = (20.0, 1000.0)
"""Of the soft minimum of the eigenvalues, at the start and at the end."""

STEPS: Final = (0.05, 0.005)
"""Step sizes at the start and at the end."""

SPREAD: Final = 0.6
"""Weights of points start within exp(-SPREAD) and exp(SPREAD) (homotopy)."""

EVEN: Final = 0.8
"""After this share of the climb all weights are 1."""

TINY: Final = 1e-10

Array = Any
Floats = NDArray[np.float64]


class Climbers(NamedTuple):
    """A batch of starts on their way.

    Attributes:
        u: Unknowns, (B, U).
        labels: Of the points, (B, N); unused with the squared loss.
        mean: Running mean of the direction, (B, U).
        size: Running mean of its squared length, (B,).
        step: Steps made, (B,).
    """

    u: Array
    labels: Array
    mean: Array
    size: Array
    step: Array


@dataclass(frozen=True, slots=True, eq=False)
class CompiledHunt:
    """Compiled functions of a request; call them within `jax.enable_x64(True)`.

    Attributes:
        begin: From unknowns (B, U) and labels (B, N) to climbers on the set of critical points.
        climb: Climbers, the share of the climb that is done, the step's length in shares, how many
            steps.
        measure: Of climbers the smallest eigenvalue and the norm of the gradient, all weights 1,
            (B,) each.
        descend: From parameters (P,), data (N, d) and targets (N,) by Newton's method to a critical
            point nearby, and the smallest eigenvalue there.
        predict: The outputs (N,) of parameters (P,) on data (N, d).
    """

    begin: Callable[..., Climbers]
    climb: Callable[..., Climbers]
    measure: Callable[[Climbers], tuple[Array, Array]]
    descend: Callable[..., tuple[Array, Array]]
    predict: Callable[[Array, Array], Array]


def outputs(request: Request, theta: Array, x: Array) -> Array:
    """The network's outputs, (N,)."""
    act = jax_activation(request.network.activation)
    values, at = x, 0
    shapes = list(pairwise(request.network.widths))
    for index, (wide, high) in enumerate(shapes):
        weight = theta[at : at + wide * high].reshape(high, wide)
        at += wide * high
        values = values @ weight.T + theta[at : at + high]
        at += high
        if index < len(shapes) - 1:
            values = act(values)
    return values[:, 0]


def bend_bound(request: Request, theta: Array, x: Array, size: Array) -> Array:
    """A matrix above sum_i size_i Hess f_i and its negative, (P, P)."""
    if request.network.depth > 1:
        rows = jax.vmap(lambda row: jax.hessian(lambda t: outputs(request, t, row[None])[0])(theta))
        return jnp.diag(size @ jnp.sum(jnp.abs(rows(x)), axis=2))
    d, h = request.network.inputs, request.network.hidden[0]
    act = jax_activation(request.network.activation)
    weight, bias = theta[: h * d].reshape(h, d), theta[h * d : h * d + h]
    out = jnp.abs(theta[h * d + h : h * d + 2 * h]) + 1e-3
    z = (x @ weight.T + bias).T
    slope = jnp.abs(jax.vmap(jax.vmap(jax.grad(act)))(z)) @ jnp.diag(size)
    curve = jnp.abs(jax.vmap(jax.vmap(jax.grad(jax.grad(act))))(z)) @ jnp.diag(size)
    extended = jnp.concatenate([x, jnp.ones((len(x), 1))], axis=1)
    found = jnp.zeros((len(theta), len(theta)))
    for unit in range(h):
        at = np.array([*range(unit * d, unit * d + d), h * d + unit])
        block = extended.T @ ((out[unit] * (slope + curve)[unit])[:, None] * extended)
        found = found.at[np.ix_(at, at)].add(block)
        found = found.at[h * d + h + unit, h * d + h + unit].add(slope[unit].sum() / out[unit])
    return found


@lru_cache(maxsize=8)
def compiled(request: Request, on_diagonal: int) -> CompiledHunt:
    """The functions of a request; compiled once."""
    plan = layout(request, on_diagonal)
    n = request.points
    total = request.network.parameter_count
    offset, basis = plan.offset, plan.basis

    def terms(f: Array, y: Array) -> Array:
        if request.loss is Loss.LOGISTIC:
            return jax.nn.softplus(-y * f)
        return (f - y) ** 2

    def parts(u: Array, labels: Array, spread: Array) -> tuple[Array, Array, Array, Array]:
        x, y, theta, t = parts_of(request, offset + basis @ u, labels)
        return x, y, theta, jnp.exp(spread * jnp.tanh(t))

    def loss(theta: Array, x: Array, y: Array, weight: Array) -> Array:
        return jnp.sum(weight * terms(outputs(request, theta, x), y))

    def gradient(u: Array, labels: Array, spread: Array) -> Array:
        x, y, theta, weight = parts(u, labels, spread)
        return jax.grad(loss)(theta, x, y, weight)

    def eigenvalues(u: Array, labels: Array, spread: Array) -> Array:
        x, y, theta, weight = parts(u, labels, spread)
        hessian = jax.hessian(loss)(theta, x, y, weight)
        if request.method == "absolute":
            return jnp.linalg.eigvalsh(hessian)
        f = outputs(request, theta, x)
        first = weight * jax.vmap(jax.grad(terms))(f, y)
        second = weight * jax.vmap(jax.grad(jax.grad(terms)))(f, y)
        jacobian = jax.jacobian(lambda t: outputs(request, t, x))(theta)
        metric = jacobian.T @ (second[:, None] * jacobian) + 1e-12 * jnp.eye(total)
        metric += bend_bound(request, theta, x, jnp.abs(first))
        lower = jnp.linalg.cholesky(metric)
        half = jax.scipy.linalg.solve_triangular(lower, hessian, lower=True)
        return jnp.linalg.eigvalsh(jax.scipy.linalg.solve_triangular(lower, half.T, lower=True))

    def goal(u: Array, labels: Array, spread: Array, sharpness: Array) -> Array:
        x, _, theta, _ = parts(u, labels, spread)
        lowest = -jax.nn.logsumexp(-sharpness * eigenvalues(u, labels, spread)) / sharpness
        outside = jnp.concatenate([x.ravel(), theta])
        far = jnp.sum(jnp.maximum(jnp.abs(outside) - BOX, 0) ** 2)
        gaps = jnp.sum((x[:, None] - x[None]) ** 2, axis=2) + 9 * APART**2 * jnp.eye(n)
        near = jnp.sum(jnp.maximum(1 - gaps / APART**2, 0) ** 2)
        return lowest - PENALTY * (far + near)

    def least_step(u: Array, labels: Array, spread: Array, right: Array) -> Array:
        """The least change of u that changes the gradient by `right`."""
        slope = jax.jacobian(gradient)(u, labels, spread)
        return slope.T @ jnp.linalg.solve(slope @ slope.T + TINY * jnp.eye(total), right)

    def correct(u: Array, labels: Array, spread: Array) -> Array:
        step = least_step(u, labels, spread, gradient(u, labels, spread))
        return u - step * jnp.minimum(1, 1 / jnp.maximum(jnp.linalg.norm(step), TINY))

    def begin(u: Array, labels: Array) -> Climbers:
        def settle(one: Array, label: Array) -> Array:
            return jax.lax.fori_loop(0, 20, lambda _, v: correct(v, label, 0.0), one)

        count = len(u)
        return Climbers(
            jax.vmap(settle)(u, labels),
            labels,
            jnp.zeros_like(u),
            jnp.zeros(count),
            jnp.zeros(count),
        )

    def advance(at: Climbers, spread: Array, sharpness: Array, length: Array) -> Climbers:
        up = jax.grad(goal)(at.u, at.labels, spread, sharpness)
        slope = jax.jacobian(gradient)(at.u, at.labels, spread)
        normal = slope @ slope.T + TINY * jnp.eye(total)
        up = up - slope.T @ jnp.linalg.solve(normal, slope @ up)
        up = jnp.where(jnp.isfinite(up), up, 0)
        up = up / jnp.maximum(jnp.linalg.norm(up), 1)
        mean, size, step = 0.9 * at.mean + 0.1 * up, 0.99 * at.size + 0.01 * up @ up, at.step + 1
        pace = length / (1 - 0.9**step) / (jnp.sqrt(size / (1 - 0.99**step)) + 1e-8)
        moved = correct(at.u + pace * mean, at.labels, spread)
        u = jnp.where(jnp.isfinite(moved).all(), moved, at.u)
        return Climbers(u, at.labels, mean, size, step)

    def climb(at: Climbers, start: float, stride: float, count: int) -> Climbers:
        def body(k: Array, now: Climbers) -> Climbers:
            share = start + k * stride
            spread = 0.0
            if request.method == "homotopy":
                spread = SPREAD * jnp.maximum(0, 1 - share / EVEN)
            sharpness = SHARPNESS[0] * (SHARPNESS[1] / SHARPNESS[0]) ** share
            length = STEPS[0] * (STEPS[1] / STEPS[0]) ** share
            return jax.vmap(advance, (0, None, None, None))(now, spread, sharpness, length)

        return jax.lax.fori_loop(0, count, body, at)

    def measure(at: Climbers) -> tuple[Array, Array]:
        def one(u: Array, labels: Array) -> tuple[Array, Array]:
            return eigenvalues(u, labels, 0.0)[0], jnp.linalg.norm(gradient(u, labels, 0.0))

        return jax.vmap(one)(at.u, at.labels)

    def descend(theta: Array, x: Array, y: Array) -> tuple[Array, Array]:
        ones = jnp.ones(n)

        def body(_: Array, t: Array) -> Array:
            hessian = jax.hessian(loss)(t, x, y, ones)
            step = jnp.linalg.solve(hessian, jax.grad(loss)(t, x, y, ones))
            return t - step * jnp.minimum(1, 0.5 / jnp.maximum(jnp.linalg.norm(step), TINY))

        found = jax.lax.fori_loop(0, 50, body, theta)
        return found, jnp.linalg.eigvalsh(jax.hessian(loss)(found, x, y, ones))[0]

    return CompiledHunt(
        jax.jit(begin),
        jax.jit(climb),
        jax.jit(measure),
        jax.jit(descend),
        jax.jit(lambda theta, x: outputs(request, theta, x)),
    )
