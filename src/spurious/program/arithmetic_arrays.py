"""What all arithmetics on NumPy arrays have in common, whatever the entries are."""

from __future__ import annotations

import abc
from collections.abc import Sequence
from math import prod
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from spurious.program.exact_array import exact_array
from spurious.program.operations import Const, Take

Entries: TypeAlias = npt.NDArray[Any]


class ArrayArithmetic(abc.ABC):
    """Arrays of floats, or of objects that add and multiply."""

    @abc.abstractmethod
    def constant(self, const: Const) -> Entries:
        """Exact numbers in this arithmetic."""

    def array(self, values: object) -> Entries:
        """Fractions, integers or floats in this arithmetic: a point, or a direction."""
        return self.constant(Const(exact_array(values)))

    @abc.abstractmethod
    def zeros(self, shape: tuple[int, ...]) -> Entries:
        """Zeros."""

    @abc.abstractmethod
    def matmul(self, left: Entries, right: Entries) -> Entries:
        """The matrix product over the last two axes, with broadcasting."""

    def add(self, left: Entries, right: Entries) -> Entries:
        """The sum, with broadcasting."""
        return np.asarray(left + right, dtype=left.dtype)

    def multiply(self, left: Entries, right: Entries) -> Entries:
        """The product entry by entry, with broadcasting."""
        return np.asarray(left * right, dtype=left.dtype)

    def sum(self, array: Entries, axes: tuple[int, ...]) -> Entries:
        """The sum over some axes."""
        if array.size == 0:
            return self.zeros(tuple(n for i, n in enumerate(array.shape) if i not in axes))
        return np.asarray(array.sum(axis=axes), dtype=array.dtype)

    def reshape(self, array: Entries, shape: tuple[int, ...]) -> Entries:
        """The same entries in another shape."""
        return array.reshape(shape)

    def broadcast(self, array: Entries, shape: tuple[int, ...]) -> Entries:
        """The array repeated to a larger shape."""
        return array if array.shape == shape else np.broadcast_to(array, shape)

    def transpose(self, array: Entries) -> Entries:
        """The last two axes exchanged."""
        return np.swapaxes(array, -1, -2)

    def gather(self, array: Entries, take: Take) -> Entries:
        """Entries along the last axis."""
        turned = transposed(array, take)
        return array[..., take.index] if turned is None else turned

    def scatter(self, array: Entries, take: Take, size: int) -> Entries:
        """The adjoint of `gather`."""
        turned = transposed_back(array, take, size)
        if turned is not None:
            return turned
        target = self.zeros((*array.shape[:-1], size))
        if array.shape[-1] == 0:
            return target
        grouped = take.grouped
        if len(grouped.targets) == array.shape[-1]:
            target[..., take.index.ravel()] = array
        else:
            sums = np.add.reduceat(array[..., grouped.order], grouped.starts, axis=-1)
            target[..., grouped.targets] = sums
        return target

    def join(self, arrays: Sequence[Entries]) -> Entries:
        """Arrays one after the other along the last axis."""
        return np.concatenate(arrays, axis=-1)

    def split(self, array: Entries, start: int, stop: int) -> Entries:
        """A part of the last axis."""
        return array[..., start:stop]


def transposed(array: Any, take: Take) -> Any:
    """Entries along the last axis, if the take is a transposition of all, else None."""
    if take.axes is None or array.shape[-1] != take.index.size:
        return None
    lead = array.shape[:-1]
    whole = array.reshape((*lead, *(take.index.shape[axis] for axis in take.axes)))
    back = sorted(range(len(take.axes)), key=take.axes.__getitem__)
    return whole.transpose((*range(len(lead)), *(len(lead) + axis for axis in back)))


def transposed_back(array: Any, take: Take, size: int) -> Any:
    """The adjoint of `transposed`, from shape (..., size), or None."""
    if take.axes is None or size != take.index.size:
        return None
    lead = array.shape[:-1]
    whole = array.reshape((*lead, *take.index.shape))
    turned = whole.transpose((*range(len(lead)), *(len(lead) + axis for axis in take.axes)))
    return turned.reshape((*lead, size))


def object_array(entries: Sequence[object], shape: tuple[int, ...]) -> Entries:
    """Objects, in flat order, as an array."""
    flat = np.empty(len(entries), dtype=object)
    flat[:] = entries
    return flat.reshape(shape)


def merged_matmul(product: Any, left: Entries, right: Entries, zeros: Any) -> Entries:
    """A batched matrix product by few products of large matrices.

    An axis of the batch that only `left` has lengthens its matrices downwards, one that only
    `right` has widens its matrices; over the axes that both have there is a loop.

    Args:
        product: The product of two matrices, as arrays of objects, shapes (a, k) and (k, b).
        left: Shape (..., n, k).
        right: Shape (..., k, m).
        zeros: Makes zeros of a shape, for inner size 0.

    Returns:
        Shape (..., n, m), the batches broadcast.
    """
    (*ahead, n, k), m = left.shape, right.shape[-1]
    depth = max(left.ndim, right.ndim) - 2
    x = left.reshape((*(1,) * (depth - len(ahead)), *ahead, n, k))
    y = right.reshape((*(1,) * (depth - right.ndim + 2), *right.shape))
    batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    if not prod(batch) * n * k * m:
        return zeros((*batch, n, m))
    tall = [i for i in range(depth) if y.shape[i] == 1 and x.shape[i] != 1]
    wide = [i for i in range(depth) if x.shape[i] == 1 and y.shape[i] != 1]
    both = [i for i in range(depth) if i not in tall and i not in wide]
    shared, high, broad = ([batch[i] for i in axes] for axes in (both, tall, wide))
    count, rows, columns = prod(shared), prod(high) * n, prod(broad) * m
    x = x.transpose([*both, *tall, *wide, depth, depth + 1]).reshape(count, rows, k)
    y = y.transpose([*both, *tall, depth, *wide, depth + 1]).reshape(count, k, columns)
    found = np.empty((count, rows, columns), dtype=object)
    for i in range(count):
        found[i] = product(x[i], y[i])
    split = found.reshape((*shared, *high, n, *broad, m))
    # the axes are now: both, tall, n, wide, m; put each back in its place
    order = [*both, *tall, depth, *wide, depth + 1]
    return split.transpose(np.argsort(order))
