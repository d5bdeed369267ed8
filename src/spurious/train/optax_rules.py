# pyright: basic
"""Update rules in optax: of the reference, and of large networks."""

from __future__ import annotations

from typing import Any

import jax
import optax

from spurious.train.optimiser import Optimiser


def optax_optimiser(optimiser: Optimiser, decaying: Any) -> Any:
    """The update rule.

    Args:
        optimiser: Which.
        decaying: 1 where AdamW lets a parameter decay, else 0; arranged like the parameters, in
            arrays that broadcast to theirs.
    """
    rate, momentum = optimiser.step_size, optimiser.momentum
    decay, epsilon = optimiser.decay or 0.0, optimiser.epsilon or 0.0
    if optimiser.name == "adam":
        return optax.adam(rate, momentum or 0.0, decay, epsilon)
    if optimiser.name == "adamw":
        factors = jax.tree.map(lambda share: (optimiser.weight_decay or 0.0) * share, decaying)
        return optax.chain(
            optax.scale_by_adam(momentum or 0.0, decay, epsilon),
            optax.stateless(lambda move, at: jax.tree.map(_decayed, move, at, factors)),
            optax.scale_by_learning_rate(rate),
        )
    if optimiser.name == "rmsprop":
        return optax.rmsprop(rate, decay, epsilon, eps_in_sqrt=False)
    return optax.sgd(rate, momentum, nesterov=optimiser.name == "nesterov")


def _decayed(move: Any, at: Any, factor: Any) -> Any:
    return move + (factor * at).astype(move.dtype)
