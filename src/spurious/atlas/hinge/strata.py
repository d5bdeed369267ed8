"""Which states of units occur together at minima of the hinge loss (Theorem 40)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, permutations
from math import comb
from typing import TYPE_CHECKING, Final

from flint import fmpq

from spurious.atlas.hinge.levels import LeastLosses
from spurious.atlas.landscape import UnitLandscape
from spurious.atlas.states import UnitState, faces_spanned
from spurious.atlas.strata import FACE_LIMIT, Class, connected

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Flags = npt.NDArray[np.bool_]

Progress = Callable[[str, int, int], None]

STRIDE: Final = 1000
"""How many cells are looked at between two reports of progress."""

NOTHING: Final = 0
"""The region of units that do nothing."""


@dataclass(frozen=True, slots=True)
class StateClass:
    """States that occur together with the same others: connected, and with the same regions.

    Attributes:
        cls: The states, and the generators of their faces.
        regions: The regions around, increasing; 0 is that of units that do nothing.
    """

    cls: Class
    regions: tuple[int, ...]


def state_classes(landscape: UnitLandscape) -> tuple[StateClass, ...]:
    """All states that units can have.

    Raises:
        TooManyFacesError: There are more faces than the limit.
    """
    arrangement = landscape.arrangement
    numbers = {region: k for k, region in enumerate(landscape.regions, start=1)} | {0: NOTHING}
    alike: dict[tuple[tuple[int, ...], int], list[UnitState]] = {}
    for sides in faces_spanned(arrangement, tuple(range(len(arrangement.rays))), FACE_LIMIT):
        chambers = [arrangement.chambers[k] for k in arrangement.chambers_around(sides)]
        around = {
            sign: {numbers[landscape.generated(sign, arrangement.rays_of(c))] for c in chambers}
            for sign in (1, -1)
        }
        for sign in (-1, 0, 1):
            regions = tuple(sorted(around[sign] if sign else around[1] | around[-1]))
            rays = arrangement.rays_of(sides) if sign else ()
            key = regions, landscape.generated(sign or 1, rays)
            alike.setdefault(key, []).append(UnitState(sign, sides))
    return tuple(
        StateClass(Class(part, generators), regions)
        for (regions, generators), states in alike.items()
        for part in _connected_states(states)
    )


def _connected_states(states: Sequence[UnitState]) -> Iterator[tuple[UnitState, ...]]:
    """The connected components of states."""

    def contact(i: int, k: int) -> bool:
        return states[i].touches(states[k]) or states[k].touches(states[i])

    for part in connected(len(states), contact):
        yield tuple(states[i] for i in part)


class CellTable:
    """The least losses of all cells of m regions, as ranks of the different values.

    Attributes:
        values: The different least losses, increasing.
        ranks: Which of them each cell has, by the regions of its units, shape (T,) * m.
    """

    def __init__(self, losses: LeastLosses, hidden: int, progress: Progress) -> None:
        import numpy as np

        regions = [0, *losses.landscape.regions]
        found: dict[tuple[int, ...], fmpq] = {}
        total = comb(len(regions) + hidden - 1, hidden)
        for k, cell in enumerate(combinations_with_replacement(range(len(regions)), hidden)):
            if k % STRIDE == 0:
                progress("cells", k, total)
            generators = 0
            for region in cell:
                generators |= regions[region]
            found[cell] = losses.of(generators)
        self.values = tuple(sorted(set(found.values())))
        place = {value: k for k, value in enumerate(self.values)}
        self.ranks = np.empty((len(regions),) * hidden, np.int32)
        for cell, value in found.items():
            for order in set(permutations(cell)):
                self.ranks[order] = place[value]

    def at(self, value: fmpq) -> Flags:
        """Whether each cell has this least loss."""
        import numpy as np

        return np.asarray(self.ranks == self.values.index(value))


def level_sets(classes: tuple[StateClass, ...], at_level: Flags) -> Iterator[tuple[int, ...]]:
    """All multisets of classes all of whose cells are at a level, in increasing order.

    Args:
        classes: The classes.
        at_level: Whether a cell is at the level, by the regions of its units.
    """
    import numpy as np

    if not at_level.ndim:
        return iter([()] if at_level else [])
    around = np.zeros((len(classes), at_level.shape[0]), np.bool_)
    for k, own in enumerate(classes):
        around[k, list(own.regions)] = True

    def extend(left: Flags, chosen: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        start = chosen[-1] if chosen else 0
        if left.ndim == 1:
            fits = ~(around[start:] & ~left).any(axis=1)
            yield from ((*chosen, start + int(k)) for k in np.flatnonzero(fits))
            return
        for k in range(start, len(classes)):
            rest: Flags = np.asarray(left[around[k]].all(axis=0))
            if rest.any():
                yield from extend(rest, (*chosen, k))

    return extend(at_level, ())
