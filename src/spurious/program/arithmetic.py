"""What the rules of a program ask of an arithmetic.

Arrays may have axes before those of the operation that they belong to: a batch of points or of
directions. An arithmetic broadcasts these as NumPy does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from spurious.program.function_kinds import Function
from spurious.program.operations import Const, Take


class Shaped(Protocol):
    """An array: anything with a shape."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The size along each axis."""
        ...


Array = TypeVar("Array", bound=Shaped)

Signs: TypeAlias = npt.NDArray[np.int8]
"""+1, -1, 0 for exactly zero, or UNKNOWN, entry by entry."""

UNKNOWN: Final = 2
"""The sign of a ball that contains zero and other numbers."""


class Arithmetic(Protocol[Array]):
    """Arrays of one kind of number."""

    def constant(self, const: Const) -> Array:
        """Exact numbers in this arithmetic."""
        ...

    def zeros(self, shape: tuple[int, ...]) -> Array:
        """Zeros."""
        ...

    def add(self, left: Array, right: Array) -> Array:
        """The sum, with broadcasting."""
        ...

    def multiply(self, left: Array, right: Array) -> Array:
        """The product entry by entry, with broadcasting."""
        ...

    def matmul(self, left: Array, right: Array) -> Array:
        """The matrix product over the last two axes, with broadcasting."""
        ...

    def sum(self, array: Array, axes: tuple[int, ...]) -> Array:
        """The sum over some axes."""
        ...

    def reshape(self, array: Array, shape: tuple[int, ...]) -> Array:
        """The same entries in another shape."""
        ...

    def broadcast(self, array: Array, shape: tuple[int, ...]) -> Array:
        """The array repeated to a larger shape."""
        ...

    def transpose(self, array: Array) -> Array:
        """The last two axes exchanged."""
        ...

    def gather(self, array: Array, take: Take) -> Array:
        """Entries along the last axis: its one axis becomes those of the index."""
        ...

    def scatter(self, array: Array, take: Take, size: int) -> Array:
        """The adjoint of `gather`, shape (..., take.index.size) to (..., size)."""
        ...

    def join(self, arrays: Sequence[Array]) -> Array:
        """Arrays one after the other along the last axis."""
        ...

    def split(self, array: Array, start: int, stop: int) -> Array:
        """A part of the last axis."""
        ...

    def jet(
        self, function: Function, array: Array, order: int, sides: Signs | None = None
    ) -> tuple[Array, ...]:
        """A function's value and derivatives up to an order of at most 2.

        Args:
            function: The function.
            array: The function's arguments.
            order: Number of derivatives.
            sides: From which side each argument that is exactly 0 is approached, to take the
                derivatives on that side; without them a derivative at a kink is refused.

        Raises:
            KinkError: A first derivative is asked for at what may be a kink.
            DomainError: An argument may be outside of the domain.
            IrrationalError: A result is not known to be rational, in exact arithmetic.
        """
        ...

    def signs(self, array: Array) -> Signs:
        """The sign of each entry."""
        ...
