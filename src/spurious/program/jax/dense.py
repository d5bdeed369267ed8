# pyright: basic
"""Dense networks as functions in JAX, by their programs; JAX can differentiate them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp

from spurious.program.dense import dense_network
from spurious.program.evaluate import evaluator
from spurious.program.jax.arithmetic import JaxArithmetic

__all__ = ["dense_outputs"]


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
