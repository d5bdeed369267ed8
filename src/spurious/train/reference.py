# pyright: basic
"""The reference: the same training in JAX and optax, written for clarity.

The kernel is held to it step for step in the tests. It needs the extra `spurious[jax]`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt
import optax

from spurious.problem import Loss
from spurious.program.jax import dense_outputs
from spurious.train.decay import decaying, penalty_factors
from spurious.train.optax_rules import optax_optimiser
from spurious.train.philox import draw_order
from spurious.train.recipe import Recipe
from spurious.train.runs import float_data
from spurious.train.starts import starts


def _loss(recipe: Recipe) -> Callable[[Any, Any, Any, Any], Any]:
    """The loss of one network with flat parameters, each point's part times a weight (n, 1)."""
    net, factors = recipe.network, penalty_factors(recipe.penalty, recipe.network)

    def loss(parameters: Any, x: Any, y: Any, weight: Any) -> Any:
        f = dense_outputs(net.widths, net.activation, parameters, x, slope=net.slope)
        if recipe.loss == Loss.SQUARED:
            each = (f - y) ** 2
        elif recipe.loss == Loss.LOGISTIC:
            each = jax.nn.softplus(-y * f)
        elif recipe.loss == Loss.CROSS_ENTROPY:
            each = -y * jax.nn.log_softmax(f)
        else:
            each = jax.nn.relu(1 - y * f)
        return (weight * each).sum() + (factors.astype(x.dtype) * parameters**2).sum()

    return loss


def reference(
    recipe: Recipe, seed: int, first: int, count: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """Trains networks without ever stopping one.

    Args:
        recipe: How; `stop` is ignored.
        seed: From 0 to 2^64 - 1.
        first: Index of the first network.
        count: How many.

    Returns:
        The parameters after every update, shape (updates + 1, count, P), and the losses there,
        shape (updates + 1, count).
    """
    with jax.enable_x64(recipe.precision == "float64"):
        return _reference(recipe, seed, first, count)


def _reference(
    recipe: Recipe, seed: int, first: int, count: int
) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    loss = _loss(recipe)
    rule = optax_optimiser(recipe.optimiser, decaying(recipe.optimiser, recipe.network))
    x, y = (
        jnp.asarray(a.astype(recipe.precision))
        for a in float_data(recipe.data, recipe.loss, recipe.network.outputs)
    )

    weights = jnp.asarray(recipe.factors.astype(recipe.precision))[:, None]

    @jax.jit
    def evaluate(parameters: Any) -> Any:
        return jax.vmap(lambda p: loss(p, x, y, weights))(parameters)

    @jax.jit
    def update(parameters: Any, state: Any, chosen: Any) -> tuple[Any, Any]:
        def slope(p: Any, places: Any) -> Any:
            scale = len(x) / places.shape[0]
            return jax.grad(loss)(p, x[places], y[places], scale * weights[places])

        gradient = jax.vmap(slope)(parameters, chosen)
        change, state = rule.update(gradient, state, parameters)
        return optax.apply_updates(parameters, change), state

    parameters = jnp.asarray(starts(recipe, seed, first, count).astype(recipe.precision))
    state = rule.init(parameters)
    path, losses = [np.asarray(parameters)], [np.asarray(evaluate(parameters))]
    for step in range(recipe.updates):
        parameters, state = update(parameters, state, _batch(recipe, seed, first, count, step))
        path.append(np.asarray(parameters))
        losses.append(np.asarray(evaluate(parameters)))
    return np.stack(path), np.stack(losses)


def _batch(recipe: Recipe, seed: int, first: int, count: int, step: int) -> npt.NDArray[np.int64]:
    """The points of update `step`, shape (count, b)."""
    n = recipe.data.size
    size = recipe.batch or n
    epoch, number = divmod(step, -(-n // size))
    order = np.tile(np.arange(n)[:, None], (1, count))
    if recipe.batch:
        draw_order(np.uint64(seed), np.arange(first, first + count), epoch, order)
    return order[number * size : (number + 1) * size].T
