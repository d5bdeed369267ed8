# pyright: basic
"""Dense networks as functions in JAX, by their programs; JAX can differentiate them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp

from spurious.program.dense import activation_of, dense_network
from spurious.program.evaluate import evaluator
from spurious.program.jax.arithmetic import JaxArithmetic


def jax_activation(name: str, slope: Fraction | None = None) -> Callable[[Any], jax.Array]:
    """An activation of the table, or `leaky_relu` or `identity`, as a function in JAX."""
    function = activation_of(name, slope)
    if function is None:
        return jnp.asarray
    return lambda z: JaxArithmetic(z.dtype).jet(function, z, 0)[0]


def dense_outputs(
    widths: Sequence[int],
    activation: str,
    parameters: Any,
    x: Any,
    *,
    slope: Fraction | None = None,
) -> jax.Array:
    """The outputs of a fully connected network, shape (n, K).

    Args:
        widths: As for `dense_program`.
        activation: Likewise.
        parameters: Flat, shape (P,).
        x: Inputs, shape (n, d).
        slope: The slope below 0 of `leaky_relu`.
    """
    program = dense_network(widths, activation, len(x), slope=slope)
    flat = jnp.concatenate([jnp.ravel(x), parameters])
    run = evaluator(program, JaxArithmetic(flat.dtype)).run(flat, 0)
    assert run.outputs is not None
    return run.outputs
