"""Entries of several arrays under one numbering, so that a framework's own operator moves them.

An operator that only moves entries is applied to the entries' numbers instead; the numbers that
come back say where each entry of the result is from.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from spurious.program.build import Builder, Handle
from spurious.program.operations import Index


@dataclass(eq=False)
class Pool:
    """Arrays whose entries are numbered from 1, array after array; 0 stands for the number zero.

    Attributes:
        builder: The program being written.
        arrays: The arrays so far.
    """

    builder: Builder
    arrays: list[Handle] = field(default_factory=list[Handle])
    _whole: Handle | None = None

    @property
    def size(self) -> int:
        """The number of entries."""
        return sum(array.size for array in self.arrays)

    def numbers(self, array: Handle) -> Index:
        """Takes an array in; returns the numbers of its entries, in its shape."""
        found = array.positions + (self.size + 1)
        self.arrays.append(array)
        return found

    def take(self, numbers: Index) -> Handle:
        """The entries with these numbers, once every array is taken in."""
        if len(self.arrays) == 1 and (numbers > 0).all():
            return self.arrays[0].take(numbers - 1)
        if self._whole is None:
            self._whole = self.builder.join([self.builder.const(np.zeros(1)), *self.arrays])
        return self._whole.take(numbers)
