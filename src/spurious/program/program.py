"""A loss as a straight-line program over arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

from spurious.errors import InputError
from spurious.program.operations import Map, Operation, Param, operands
from spurious.program.shapes import Shape, result_shape


@dataclass(frozen=True, eq=False)
class Program:
    """Operations in order, each of which reads earlier ones; the last is the loss.

    Attributes:
        operations: The operations.
        outputs: The index of the operation that holds the network's outputs, if any.

    Raises:
        InputError: There is no operation, an operation does not fit its operands, two blocks of
            parameters have one name, the last operation is no scalar, or `outputs` is no index.
    """

    operations: tuple[Operation, ...]
    outputs: int | None = None

    def __post_init__(self) -> None:
        names = [op.name for op in self.operations if isinstance(op, Param)]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise InputError(f"parameters: found the name {twice!r} twice, expected unique names")
        if not self.operations:
            raise InputError("operations: found none, expected at least 1, the loss")
        if self.shapes[-1] != ():
            last = len(self.operations) - 1
            raise InputError(
                f"operation {last} ({type(self.operations[-1]).__name__}): found the shape "
                f"{self.shapes[-1]}, expected (): the last operation is the loss, a scalar"
            )
        if self.outputs is not None and not 0 <= self.outputs < len(self.operations):
            raise InputError(
                f"outputs: found {self.outputs}, expected the index of an operation, "
                f"from 0 to {len(self.operations) - 1}"
            )

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The shape of each operation's result."""
        found: list[Shape] = []
        for position, operation in enumerate(self.operations):
            found.append(result_shape(operation, position, found))
        return tuple(found)

    @cached_property
    def operands(self) -> tuple[tuple[int, ...], ...]:
        """The indices of the operations that each operation reads."""
        return tuple(map(operands, self.operations))

    @cached_property
    def blocks(self) -> tuple[int, ...]:
        """The indices of the blocks of parameters, in flat order."""
        return tuple(i for i, op in enumerate(self.operations) if isinstance(op, Param))

    @cached_property
    def parameters(self) -> Mapping[str, slice]:
        """Where in the flat vector of parameters each block lies, by its name."""
        places: dict[str, slice] = {}
        start = 0
        for operation in self.operations:
            if isinstance(operation, Param):
                stop = start + prod(operation.shape)
                places[operation.name] = slice(start, stop)
                start = stop
        return places

    @property
    def parameter_count(self) -> int:
        """The number of parameters, P."""
        return max((place.stop for place in self.parameters.values()), default=0)

    @cached_property
    def reach(self) -> tuple[int, ...]:
        """On which blocks each operation depends: bit b is set for block number b."""
        found: list[int] = []
        for operation, read in zip(self.operations, self.operands, strict=True):
            mask = 0
            for operand in read:
                mask |= found[operand]
            if isinstance(operation, Param):
                mask = 1 << sum(isinstance(op, Param) for op in self.operations[: len(found)])
            found.append(mask)
        return tuple(found)

    @cached_property
    def kinked(self) -> tuple[int, ...]:
        """The indices of the operations that apply a function with a kink."""
        return tuple(
            i for i, op in enumerate(self.operations) if isinstance(op, Map) and op.function.kinked
        )
