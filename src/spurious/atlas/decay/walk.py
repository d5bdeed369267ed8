"""Visits all sets of regions that the live units of a local minimum can lie in.

Theorem 31 (`docs/mathematics.md`, section 17): it is enough to extend sets none of whose regions is
proved to be idle at the set's best point, by regions that are not proved to be idle there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from spurious.atlas.decay.bounds import CellBounds, Enclosed
from spurious.atlas.decay.floats import CellSolver, Proposed
from spurious.atlas.decay.proven import Proven, constant, explains, prove_minimum
from spurious.atlas.decay.setting import DecaySetting
from spurious.exact import balls

__all__ = ["Undecidable", "Walk"]

BATCH = 256
"""Cells solved at once."""

TIE = 1e-7
"""By how much, against kappa, floats may exceed it where a minimum is tried: a proposal."""

Cell = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Undecidable:
    """A cell that may or may not hold a local minimum that is not listed.

    Attributes:
        cell: Its regions.
        enclosed: Its best point; None if not even that was enclosed.
        reason: Why it was not decided.
    """

    cell: Cell
    enclosed: Enclosed | None
    reason: str


class Walk:
    """The walk over one setting; call `run` inside `balls.precision`.

    Args:
        setting: The setting.
        hidden: Hidden units, m.
        progress: Called with what is being done, how much is done, and how much there is.

    Attributes:
        minima: What was proved to be local minima, one for each vector of outputs.
        undecided: Cells that were not decided.
        visited: Number of sets.
        solved: How many of them were solved.
    """

    def __init__(
        self, setting: DecaySetting, hidden: int, progress: Callable[[str, int, int], None]
    ) -> None:
        self.setting, self.hidden, self.progress = setting, hidden, progress
        self.solver, self.bounds = CellSolver(setting), CellBounds(setting)
        self.minima: list[Proven] = []
        self.undecided: list[Undecidable] = []
        self.visited = 0
        self.solved = 0
        self._further: dict[int, frozenset[int]] = {}

    def run(self) -> None:
        """Visits all sets, smallest first."""
        level: list[Cell] = [()]
        for size in range(self.hidden + 1):
            self.visited += len(level)
            found: set[Cell] = set()
            done = 0
            for cell, further in self._level(level):
                done += 1
                self.progress(f"cells of {size} regions", done, len(level))
                if size < self.hidden:
                    found.update(tuple(sorted((*cell, r))) for r in further if r not in cell)
            level = sorted(found)
        self.undecided = [u for u in self.undecided if self._known(u.cell) is None]

    def may_rest(self, minimum: Proven) -> bool | None:
        """Whether further units may be at zero beside a minimum; None if that is not decided."""
        tangent = frozenset[int]().union(*minimum.tangent)
        pulls, unknown = self.bounds.pulls(minimum.enclosed.slopes), False
        for r, pull in enumerate(pulls):
            if r in tangent or self._idle(r, pull):
                continue
            if self.bounds.exceeds(r, pull):
                return False
            unknown = True
        return None if unknown else True

    def _level(self, cells: Sequence[Cell]) -> Iterator[tuple[Cell, frozenset[int]]]:
        """Each set, and the regions that it has to be extended by."""
        waiting: list[Cell] = []
        for cell in [*cells, None]:
            if cell is not None:
                known = self._known(cell)
                if known is not None:
                    yield cell, self._beyond(known)
                    continue
                waiting.append(cell)
            if waiting and (cell is None or len(waiting) == BATCH):
                self.solved += len(waiting)
                proposed = self.solver.propose(np.array(waiting, dtype=np.intp))
                for own, point in zip(waiting, proposed, strict=True):
                    yield own, self._visit(own, point)
                waiting = []

    def _known(self, cell: Cell) -> int | None:
        """The minimum that explains a cell."""
        return next((k for k, p in enumerate(self.minima) if explains(p, cell)), None)

    def _beyond(self, number: int) -> frozenset[int]:
        """What cells explained by a minimum have to be extended by."""
        if number not in self._further:
            pulls = self.bounds.pulls(self.minima[number].enclosed.slopes)
            self._further[number] = self._not_idle(pulls)
        return self._further[number]

    def _not_idle(self, pulls: Sequence[Sequence[object]]) -> frozenset[int]:
        return frozenset(r for r, pull in enumerate(pulls) if not self._idle(r, pull))

    def _idle(self, region: int, pull: Sequence[object]) -> bool:
        """Whether no unit can be at work in a region, proved."""
        return balls.certainly_less(self.bounds.upper(region, pull), self.bounds.kappa)

    def _visit(self, cell: Cell, proposed: Proposed) -> frozenset[int]:
        """Decides a cell; the regions that it has to be extended by."""
        known = self._known(cell)
        if known is not None:
            return self._beyond(known)
        enclosed = self.bounds.enclose(cell, proposed)
        if enclosed is None:
            self.undecided.append(Undecidable(cell, None, "its best point was not enclosed"))
            return frozenset(range(len(self.setting.regions)))
        pulls = self.bounds.pulls(enclosed.slopes)
        if any(self._idle(r, pulls[r]) for r in cell):
            return frozenset()
        if not cell:
            self._visit_empty(proposed, enclosed, pulls)
        elif not self._leaves(cell, pulls):
            minimum = "a unit may be idle"
            if all(np.linalg.norm(proposed.vectors, axis=1) > 0):
                minimum = prove_minimum(self.setting, cell, proposed, enclosed)
            if isinstance(minimum, str):
                self.undecided.append(Undecidable(cell, enclosed, minimum))
            else:
                self.minima.append(minimum)
                return self._beyond(len(self.minima) - 1)
        return self._not_idle(pulls) if len(cell) < self.hidden else frozenset()

    def _visit_empty(self, proposed: Proposed, enclosed: Enclosed, pulls: Sequence[object]) -> None:
        minimum = constant(self.setting, proposed, enclosed)
        rests = self.may_rest(minimum)
        if rests:
            self.minima.append(minimum)
        elif rests is None:
            self.undecided.append(Undecidable((), enclosed, "units at zero may gain by leaving"))

    def _leaves(self, cell: Cell, pulls: Sequence[Sequence[object]]) -> bool:
        """Whether it is proved that some unit of the best point can lower the loss at a kink."""
        bounds, setting = self.bounds, self.setting
        for r in cell:
            region = setting.regions[r]
            walls = [i for i in range(setting.size) if bounds.exceeds(r, pulls[r], without=i)]
            for flips in product((1, -1), repeat=len(walls)):
                signs = list(region.signs)
                for i, flip in zip(walls, flips, strict=True):
                    signs[i] *= flip
                (other,) = setting.chambers_of(region.sign, tuple(signs)) or (r,)
                if other != r and bounds.exceeds(other, pulls[other]):
                    return True
        return False
