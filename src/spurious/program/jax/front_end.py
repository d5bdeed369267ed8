# pyright: basic
"""Any scalar function of a pytree, as JAX traces it, as a program."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from spurious.errors import InputError
from spurious.program.build import Builder, Handle
from spurious.program.exact_array import exact_array, fractions
from spurious.program.jax.reader import Reader
from spurious.program.program import Program


def from_jax(loss: Callable[[Any], Any], parameters: Any) -> tuple[Program, tuple[Fraction, ...]]:
    """Reads a loss written in JAX.

    What counts is the loss's value: a function with derivatives of its own (`jax.custom_jvp`) is
    read by what it computes. Every float is the exact number that it is, and no operation rounds.

    Args:
        loss: A function of the parameters with a scalar result, or with a scalar and the outputs
            of the network; data may be closed over.
        parameters: A pytree of arrays of floats.

    Returns:
        The program, with one block for each leaf of the pytree, named by its path; and the given
        parameters in the flat order of the program, shape (P,).

    Raises:
        InputError: The loss is no scalar, a leaf has no floats, or the loss holds a primitive, or
            a use of one, that no program can hold; the message says which, and on which line.
    """
    leaves, structure = jax.tree_util.tree_flatten_with_path(parameters)
    names = [jax.tree_util.keystr(path) or "parameters" for path, _ in leaves]
    arrays = [np.asarray(leaf) for _, leaf in leaves]
    for name, array in zip(names, arrays, strict=True):
        if not jnp.issubdtype(array.dtype, jnp.floating):
            raise InputError(f"parameters{name}: found {array.dtype}, expected floats")
    with _double(arrays):
        kinds = [jax.ShapeDtypeStruct(array.shape, array.dtype) for array in arrays]
        traced = jax.make_jaxpr(loss)(jax.tree_util.tree_unflatten(structure, kinds))
        shapes = [result.shape for result in traced.out_avals]
        if not shapes or shapes[0] != () or len(shapes) > 2:
            raise InputError(
                f"loss: found results of shapes {shapes}, expected one scalar, "
                "or a scalar and the network's outputs"
            )
        program = _read(traced, names, arrays)
    return program, tuple(value for array in arrays for value in fractions(exact_array(array)))


def _read(traced: Any, names: list[str], arrays: list[Any]) -> Program:
    """The program; maxima that do not cancel as shifts are read again as they are."""
    plain: frozenset[int] = frozenset()
    while True:
        builder = Builder()
        reader = Reader(builder, plain)
        blocks: list[Handle] = [
            builder.param(name, array.shape) for name, array in zip(names, arrays, strict=True)
        ]
        try:
            loss, *outputs = (reader.number(value) for value in reader.closed(traced, blocks))
            return builder.program(loss, *outputs)
        except InputError:
            if reader.failed <= plain:
                raise
            plain |= reader.failed


def _double(arrays: list[Any]) -> AbstractContextManager[Any]:
    """A context in which JAX traces doubles as doubles, if there are any."""
    if any(array.dtype == np.float64 for array in arrays):
        return jax.enable_x64(True)
    return nullcontext()
