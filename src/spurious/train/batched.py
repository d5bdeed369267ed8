"""Many networks of one recipe in NumPy: outputs, losses, and which units are off."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from spurious.problem import Loss
from spurious.problem.forward import layer_values
from spurious.train.decay import penalty_factors
from spurious.train.recipe import Recipe
from spurious.train.runs import float_data

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


def preactivations(recipe: Recipe, parameters: Floats) -> list[Floats]:
    """Every layer's values before the activation; the last entry holds the outputs.

    Args:
        recipe: Architecture and data.
        parameters: Shape (N, P).

    Returns:
        For each layer an array (N, n, units).
    """
    x, _ = float_data(recipe.data, recipe.loss, recipe.network.outputs)
    return list(layer_values(recipe.network, parameters, x))


def penalties(recipe: Recipe, parameters: Floats) -> Floats:
    """The penalty of each network, shape (N,), from parameters (N, P)."""
    return parameters**2 @ penalty_factors(recipe.penalty, recipe.network)


def losses(recipe: Recipe, outputs: Floats) -> Floats:
    """The data's loss of each network, without a penalty, shape (N,), from outputs (N, n, K)."""
    _, y = float_data(recipe.data, recipe.loss, recipe.network.outputs)
    if recipe.loss == Loss.CROSS_ENTROPY:
        from scipy.special import logsumexp  # slow to import, as below

        each = np.asarray(logsumexp(outputs, axis=2)) - (outputs * y).sum(axis=2)
        return (recipe.factors * each).sum(axis=1)
    if recipe.loss == Loss.SQUARED:
        each = (outputs - y) ** 2
    elif recipe.loss == Loss.LOGISTIC:
        each = np.logaddexp(0.0, -y * outputs)
    else:
        each = np.maximum(1 - y * outputs, 0.0)
    return (recipe.factors[:, None] * each).sum(axis=(1, 2))


def log_slopes(recipe: Recipe, outputs: Floats) -> Floats:
    """The derivatives of each point's log loss by the outputs, without its weight, (N, n, K)."""
    from scipy.special import expit, softmax

    _, y = float_data(recipe.data, recipe.loss, recipe.network.outputs)
    if recipe.loss == Loss.LOGISTIC:
        return -y * expit(-y * outputs)
    return np.asarray(softmax(outputs, axis=2)) - y


def correct(recipe: Recipe, outputs: Floats) -> npt.NDArray[np.int64]:
    """How many points each network has right, shape (N,), from outputs (N, n, K)."""
    _, y = float_data(recipe.data, recipe.loss, recipe.network.outputs)
    if recipe.loss == Loss.CROSS_ENTROPY:
        own = np.where(y > 0, outputs, np.inf).min(axis=2)
        return (own > np.where(y > 0, -np.inf, outputs).max(axis=2)).sum(axis=1)
    return (y * outputs > 0).all(axis=2).sum(axis=1)


def dead(recipe: Recipe, layers: list[Floats]) -> Flags:
    """Whether some hidden layer of a relu network is off on all data, shape (N,).

    No layer whose weights and biases are both penalised counts: where it is off the loss falls
    until they are 0, and the signs of its preactivations there are rounding.
    """
    off = np.zeros(len(layers[0]), np.bool_)
    if recipe.network.activation == "relu":
        factors = recipe.penalty.of_layers(recipe.network)
        for z, penalised in zip(layers[:-1], factors, strict=False):
            if not all(penalised):
                off |= (z < 0).all(axis=(1, 2))
    return off
