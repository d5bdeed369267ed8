# pyright: basic
"""Programs in JAX: traced, compiled, batched, on any device. For proposals, like NumPy's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, Final, final

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy import special

from spurious.errors import InputError
from spurious.program.arithmetic import Signs
from spurious.program.arithmetic_arrays import transposed, transposed_back
from spurious.program.arithmetic_numpy import NumpyArithmetic, float_jet
from spurious.program.curvature import hessian
from spurious.program.evaluate import evaluator
from spurious.program.function_kinds import Function
from spurious.program.operations import Const, Take
from spurious.program.program import Program

NAMESPACE: Final = SimpleNamespace(
    pi=np.pi,
    exp=jnp.exp,
    expm1=jnp.expm1,
    log=jnp.log,
    logaddexp=jnp.logaddexp,
    sqrt=jnp.sqrt,
    tanh=jnp.tanh,
    sigmoid=jax.nn.sigmoid,
    erf=special.erf,
    erfc=special.erfc,
    sin=jnp.sin,
    cos=jnp.cos,
    sign=jnp.sign,
    minimum=jnp.minimum,
    maximum=jnp.maximum,
    where=jnp.where,
)


@final
class JaxArithmetic:
    """Arrays of JAX, of one type of float."""

    def __init__(self, dtype: Any = jnp.float64) -> None:
        if jnp.dtype(dtype) == jnp.float64 != jnp.asarray(0.0).dtype:
            raise InputError(
                "dtype: found float64 where JAX has doubles switched off; expected float32, "
                "or a call within `with jax.enable_x64(True):`"
            )
        self.dtype = dtype

    def constant(self, const: Const) -> jax.Array:
        """The nearest floats."""
        return jnp.asarray(NumpyArithmetic().constant(const), self.dtype)

    def zeros(self, shape: tuple[int, ...]) -> jax.Array:
        """Zeros."""
        return jnp.zeros(shape, self.dtype)

    def add(self, left: jax.Array, right: jax.Array) -> jax.Array:
        """The sum."""
        return left + right

    def multiply(self, left: jax.Array, right: jax.Array) -> jax.Array:
        """The product entry by entry."""
        return left * right

    def matmul(self, left: jax.Array, right: jax.Array) -> jax.Array:
        """The matrix product, in full precision on accelerators too."""
        return jnp.matmul(left, right, precision=jax.lax.Precision.HIGHEST)

    def sum(self, array: jax.Array, axes: tuple[int, ...]) -> jax.Array:
        """The sum over some axes."""
        return array.sum(axis=axes)

    def reshape(self, array: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        """The same entries in another shape."""
        return array.reshape(shape)

    def broadcast(self, array: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        """The array repeated."""
        return jnp.broadcast_to(array, shape)

    def transpose(self, array: jax.Array) -> jax.Array:
        """The last two axes exchanged."""
        return jnp.swapaxes(array, -1, -2)

    def gather(self, array: jax.Array, take: Take) -> jax.Array:
        """Entries along the last axis."""
        turned = transposed(array, take)
        return array[..., take.index] if turned is None else turned

    def scatter(self, array: jax.Array, take: Take, size: int) -> jax.Array:
        """The adjoint of `gather`."""
        turned = transposed_back(array, take, size)
        if turned is not None:
            return turned
        target = jnp.zeros((*array.shape[:-1], size), array.dtype)
        return target.at[..., take.index.ravel()].add(array)

    def join(self, arrays: Sequence[jax.Array]) -> jax.Array:
        """One after the other along the last axis."""
        return jnp.concatenate(arrays, axis=-1)

    def split(self, array: jax.Array, start: int, stop: int) -> jax.Array:
        """A part of the last axis."""
        return array[..., start:stop]

    def jet(
        self, function: Function, array: jax.Array, order: int, sides: Signs | None = None
    ) -> tuple[jax.Array, ...]:
        """A function's value and derivatives."""
        jet = float_jet(NAMESPACE, function, array, order, sides)
        return tuple(jnp.asarray(part, array.dtype) for part in jet)

    def signs(self, array: jax.Array) -> Signs:
        """The sign of each entry, outside of `jax.jit` only."""
        return np.sign(np.asarray(array)).astype(np.int8)


@dataclass(frozen=True, slots=True)
class Compiled:
    """A program's loss and derivatives, compiled.

    Each takes points of shape (P,) or, `hessian` excepted, (..., P).

    Attributes:
        loss: The loss, shape (...).
        loss_and_gradient: The loss, and its gradient of shape (..., P).
        hessian: The Hessian, shape (P, P).
    """

    loss: Callable[[Any], jax.Array]
    loss_and_gradient: Callable[[Any], tuple[jax.Array, jax.Array]]
    hessian: Callable[[Any], jax.Array]


def compiled(program: Program, dtype: Any = jnp.float64) -> Compiled:
    """Compiles a program with JAX, at the first call for each shape of points.

    Raises:
        InputError: Doubles are asked for where JAX has them switched off.
    """
    evaluate = evaluator(program, JaxArithmetic(dtype))

    def loss_and_gradient(point: Any) -> tuple[jax.Array, jax.Array]:
        run = evaluate.run(jnp.asarray(point, dtype))
        return run.loss, run.gradient

    return Compiled(
        jax.jit(lambda point: evaluate.run(jnp.asarray(point, dtype), 0).loss),
        jax.jit(loss_and_gradient),
        jax.jit(lambda point: hessian(evaluate.run(jnp.asarray(point, dtype), 2))),
    )
