"""The list of all minima of the hinge loss, level by level."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from flint import fmpq

from spurious.atlas.best import Side, sides_of
from spurious.atlas.cells import CellCounts
from spurious.atlas.hinge.levels import HingeLevel, LeastLosses
from spurious.atlas.hinge.strata import (
    CellTable,
    Progress,
    StateClass,
    level_sets,
    state_classes,
)
from spurious.atlas.landscape import UnitLandscape, describe
from spurious.atlas.minima import Family, families
from spurious.atlas.states import UnitState
from spurious.atlas.strata import Strata, Stratum, components
from spurious.atlas.symmetry import Symmetry, symmetries
from spurious.atlas.workers import silent
from spurious.errors import InputError
from spurious.exact.rationals import fraction
from spurious.problem import DenseLoss

STRATA_LIMIT: Final = 20_000
"""Most strata of one level that are grouped into families."""

TABLE_LIMIT: Final = 2_000_000
"""Most choices of a region for every unit."""


@dataclass(frozen=True, slots=True)
class HingeList:
    """All minima, and what was done.

    Attributes:
        landscape: The data as units see it.
        group: Symmetries of the data.
        levels: How many different least losses cells have.
        minima: The families, one of each orbit of symmetries, lowest loss first.
        undecided: Losses of minima of fewer units that may be minima with further units, of output
            weight 0, for some of their incoming weights (Theorem 41); none with relu.
        work: Counts of cells.
    """

    landscape: UnitLandscape
    group: tuple[Symmetry, ...]
    levels: int
    minima: tuple[Family, ...]
    undecided: tuple[fmpq, ...]
    work: CellCounts


def hinge_list(loss: DenseLoss, progress: Progress) -> HingeList:
    """Lists all minima of the hinge loss.

    Args:
        loss: One hidden layer, one output, homogeneous activation, hinge loss.
        progress: Called with what is being done, how much of it is done, and how much there is.

    Raises:
        InputError: There are too many cells.
        TooManyFacesError: There are too many faces.
    """
    finder = _finder(loss, progress)
    landscape, group = finder.landscape, _symmetries(finder.landscape)
    found: list[Family] = []
    for k, value in enumerate(finder.table.values):
        progress("levels", k, len(finder.table.values))
        level, strata = finder.at(value)
        if strata is not None:
            found.extend(families(landscape, level, strata, group, 1))
    undecided: set[fmpq] = set()
    if 0 not in loss.network.slopes:
        for fewer in range(loss.network.hidden[0]):
            undecided |= finder.with_fewer(fewer).bending()
        undecided.discard(finder.table.values[0])  # points with the least loss are level
    return HingeList(
        landscape,
        group,
        len(finder.table.values),
        tuple(found),
        tuple(sorted(undecided)),
        finder.work,
    )


def hinge_strata(loss: DenseLoss) -> Iterator[tuple[Fraction, tuple[UnitState, ...]]]:
    """Every combination of unit states that listed minima have, with its loss, increasing."""
    finder = _finder(loss, silent)
    for value in finder.table.values:
        _, strata = finder.at(value, limit=None)
        for states in strata.states() if strata is not None else ():
            yield fraction(value), states


def _finder(loss: DenseLoss, progress: Progress) -> _Finder:
    """For a loss.

    Raises:
        InputError: There are too many cells.
        TooManyFacesError: There are too many faces.
    """
    landscape, hidden = describe(loss), loss.network.hidden[0]
    regions = len(landscape.regions) + 1
    if regions**hidden > TABLE_LIMIT:
        raise InputError(
            f"network.widths: found {hidden} hidden units, each in one of {regions} regions: too "
            "many cells for the list of minima of the hinge loss; use fewer units or points"
        )
    losses = LeastLosses(landscape, loss)
    sides, classes = sides_of(landscape, loss), state_classes(landscape)
    return _Finder(losses, sides, classes, CellTable(losses, hidden, progress))


class _Finder:
    """Finds the strata of each level.

    Attributes:
        landscape: The data as units see it.
        table: The least losses of all cells.
        work: Counts of cells.
    """

    def __init__(
        self,
        losses: LeastLosses,
        sides: tuple[Side, ...],
        classes: tuple[StateClass, ...],
        table: CellTable,
    ) -> None:
        self.landscape = losses.landscape
        self._losses = losses
        self._sides = sides
        self._classes = classes
        self.table = table
        self.work = CellCounts(sets=len(losses), inherited=len(losses) - losses.solved)
        self.work.solved = losses.solved

    def with_fewer(self, hidden: int) -> _Finder:
        """The same of a network with fewer units."""
        table = CellTable(self._losses, hidden, silent)
        return _Finder(self._losses, self._sides, self._classes, table)

    def bending(self) -> set[fmpq]:
        """The levels with a stratum, of output weights not 0, on which some margin stays 1."""
        return {value for value in self.table.values if self._bends(value)}

    def _bends(self, value: fmpq) -> bool:
        level = HingeLevel(self.landscape, self._sides, value)
        at_work = tuple(own for own in self._classes if own.cls.states[0].sign)
        for chosen in level_sets(at_work, self.table.at(value)):
            generators = 0
            for k in chosen:
                generators |= at_work[k].cls.generators
            if level.reached(generators) and level.bends(generators):
                return True
        return False

    def at(self, value: fmpq, limit: int | None = STRATA_LIMIT) -> tuple[HingeLevel, Strata | None]:
        """A level, and its strata; None if it has no minima."""
        level = HingeLevel(self.landscape, self._sides, value)
        classes = tuple(own.cls for own in self._classes)
        found: list[Stratum] = []
        for chosen in level_sets(self._classes, self.table.at(value)):
            generators = 0
            for k in chosen:
                generators |= classes[k].generators
            if not level.reached(generators):
                continue
            found.append(Stratum(chosen))
            if limit is not None and len(found) > limit:
                return level, Strata(classes, (tuple(found),), complete=False)
        if not found:
            return level, None
        return level, Strata(classes, components(classes, found), complete=True)


def _symmetries(landscape: UnitLandscape) -> tuple[Symmetry, ...]:
    """Those of the data; if they turn labels around, margins have to stay: y to -y, no other."""
    found = symmetries(landscape)
    pairs = zip(landscape.targets, landscape.weights, strict=True)
    if sum((y * w for y, w in pairs), fmpq(0)) == 0:
        return found
    return tuple(symmetry for symmetry in found if not symmetry.flips)
