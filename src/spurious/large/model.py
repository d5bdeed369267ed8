# pyright: basic
"""Forward pass and losses in JAX. Parameters are one (weight, bias) for each layer."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from spurious.problem import Loss, Network
from spurious.program.jax import jax_activation

Parameters: TypeAlias = list[tuple[Any, Any]]
"""Weights of shape (..., in, out) and biases of shape (..., out), the leading axis a network's."""

Squares: TypeAlias = tuple[tuple[float, float], ...]
"""What the squares of each layer's weight and bias cost."""


def from_flat(network: Network, flat: npt.NDArray[Any]) -> Parameters:
    """Parameters from rows of shape (N, P) in the order of `spurious.train.starts`, in float32."""
    found: Parameters = []
    start = 0
    for wide, high in pairwise(network.widths):
        middle = start + wide * high
        weight = flat[:, start:middle].reshape(-1, high, wide).transpose(0, 2, 1)
        bias = flat[:, middle : middle + high]
        found.append((np.ascontiguousarray(weight, np.float32), bias.astype(np.float32)))
        start = middle + high
    return found


def to_flat(parameters: Parameters) -> npt.NDArray[np.float32]:
    """The inverse of `from_flat`."""
    rows: list[npt.NDArray[np.float32]] = []
    for weight, bias in parameters:
        w, b = np.asarray(weight), np.asarray(bias)
        rows += [w.transpose(0, 2, 1).reshape(len(w), -1), b]
    return np.concatenate(rows, axis=1)


def _outputs(network: Network, parameters: Parameters, x: Any) -> Any:
    """Outputs of one network, shape (n, K), for inputs (n, d)."""
    act = jax_activation(network.activation, network.slope)
    *hidden, (weight, bias) = parameters
    for w, b in hidden:
        x = act(_product(x, w) + b)
    return _product(x, weight) + bias


def _product(x: Any, weight: Any) -> Any:
    """In full float32: a GPU's default would round the factors to fewer bits."""
    return jnp.matmul(x, weight, precision=jax.lax.Precision.HIGHEST)


def loss(
    network: Network,
    kind: str,
    squares: Squares,
    parameters: Parameters,
    x: Any,
    y: Any,
    weight: Any,
) -> Any:
    """The loss of one network, summed with a weight for each point, and its penalty.

    Args:
        network: The architecture.
        kind: Its name.
        squares: The penalty.
        parameters: Its.
        x: Inputs, shape (b, d).
        y: Classes (b,) for cross entropy, or values (b, K).
        weight: Shape (b,).
    """
    each = _each(kind, _outputs(network, parameters, x), y)
    return (weight * each).sum() + _penalty(squares, parameters)


def _penalty(squares: Squares, parameters: Parameters) -> Any:
    return sum(
        factor * (part**2).sum()
        for factors, layer in zip(squares, parameters, strict=True)
        for factor, part in zip(factors, layer, strict=True)
        if factor
    )


def _each(kind: str, f: Any, y: Any) -> Any:
    if kind == Loss.SQUARED:
        return ((f - y) ** 2).sum(axis=-1)
    if kind == Loss.LOGISTIC:
        return jax.nn.softplus(-y * f).sum(axis=-1)
    if kind == "hinge":
        return jax.nn.relu(1 - y * f).sum(axis=-1)
    return -jnp.take_along_axis(jax.nn.log_softmax(f), y[:, None], axis=1)[:, 0]


def evaluate(network: Network, kind: str, squares: Squares, factors: Any) -> Any:
    """A compiled function of (parameters, inputs, scales, targets) to losses and right points.

    It takes one network after another, so that memory does not grow with their number; both
    results have shape (N,). With the squared loss no point counts as right.

    Args:
        network: The architecture.
        kind: The loss.
        squares: The penalty.
        factors: What the loss of each point is multiplied by, shape (n,); None for ones.
    """

    @jax.jit
    def run(parameters: Parameters, inputs: Any, scales: Any, targets: Any) -> tuple[Any, Any]:
        def one(network_of: Any) -> tuple[Any, Any]:
            theta, scale, y = network_of
            f = _outputs(network, theta, inputs * scale)
            each = _each(kind, f, y)
            each = each if factors is None else factors * each
            return each.sum() + _penalty(squares, theta), _right(kind, f, y)

        return jax.lax.map(one, (parameters, scales, targets))

    return run


def _right(kind: str, f: Any, y: Any) -> Any:
    """How many points are right."""
    if kind == Loss.SQUARED:
        return jnp.int32(0)
    if kind == Loss.CROSS_ENTROPY:
        return (f.argmax(axis=1) == y).sum()
    return (y * f > 0).all(axis=1).sum()


def gradient_norm(network: Network, kind: str, squares: Squares, factors: Any) -> Any:
    """A compiled function of one network's (parameters, inputs, scale, targets).

    The arguments are those of `evaluate`.

    One network at a time, so that the result does not depend on the others.
    """

    @jax.jit
    def run(parameters: Parameters, inputs: Any, scale: Any, targets: Any) -> Any:
        weight = jnp.ones(len(inputs), jnp.float32) if factors is None else factors

        def whole(p: Parameters) -> Any:
            return loss(network, kind, squares, p, inputs * scale, targets, weight)

        parts = jax.tree.leaves(jax.grad(whole)(parameters))
        return jnp.sqrt(sum((part**2).sum() for part in parts))

    return run
