"""Visits all sets of regions that the live units of a local minimum can lie in.

Theorem 31 (`docs/mathematics.md`, section 17): it is enough to extend sets none of whose regions is
proved to be idle at the set's best point, by regions that are not proved to be idle there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from spurious.atlas.decay.bounds import CellBounds, Enclosed
from spurious.atlas.decay.floats import Proposed
from spurious.atlas.decay.local import Judged, judge
from spurious.atlas.decay.model import Vector
from spurious.atlas.decay.places import judge_places
from spurious.atlas.decay.setting import DecaySetting

BATCH = 256
"""Cells solved at once."""

Cell = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Proven:
    """A local minimum whose units all are at work, no two of them with one sign and direction.

    Attributes:
        cell: The regions of its units, one for each.
        around: For each unit regions of its sign whose closed chamber it lies in.
        proposed: The point in floats.
        enclosed: Its loss and outputs.
        walls: For each unit the points on whose kink it is proved to be.
    """

    cell: Cell
    around: tuple[frozenset[int], ...]
    proposed: Proposed
    enclosed: Enclosed
    walls: tuple[tuple[int, ...], ...] = ()

    @property
    def tangent(self) -> frozenset[int]:
        """All regions known to hold one of its directions."""
        return frozenset[int]().union(*self.around)

    def explains(self, cell: Sequence[int]) -> bool:
        """Whether it is the best point of a closed cell all whose regions hold its directions.

        Then a local minimum whose live units lie in these regions has its outputs.
        """
        chosen = frozenset(cell)
        return chosen <= self.tangent and all(own & chosen for own in self.around)


@dataclass(frozen=True, slots=True, eq=False)
class Undecidable:
    """A cell that may or may not hold a local minimum that is not listed.

    Attributes:
        cell: Its regions.
        enclosed: Its best point; None if not even that was enclosed.
        reason: Why it was not decided.
        around: For each region those that a local minimum in the cell would have to be in, too.
    """

    cell: Cell
    enclosed: Enclosed | None
    reason: str
    around: tuple[frozenset[int], ...] = ()


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
        self.bounds = CellBounds(setting)
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
            for done, (cell, further) in enumerate(self._level(level), start=1):
                self.progress(f"cells of {size} regions", done, len(level))
                if size < self.hidden:
                    found.update(tuple(sorted((*cell, r))) for r in further if r not in cell)
            level = sorted(found)
        self._settle()

    def may_rest(self, minimum: Proven) -> bool | None:
        """Whether further units may be at zero beside a minimum; None if that is not decided."""
        tangent = minimum.tangent
        pulls, unknown = self.bounds.model.pulls(minimum.enclosed.slopes), False
        for r, pull in enumerate(pulls):
            if r in tangent or self.bounds.idle(r, pull):
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
                proposed = self.bounds.propose(waiting)
                for own, point in zip(waiting, proposed, strict=True):
                    yield own, self._visit(own, point)
                waiting = []

    def _known(self, cell: Cell) -> int | None:
        """The minimum that explains a cell."""
        return next((k for k, p in enumerate(self.minima) if p.explains(cell)), None)

    def _beyond(self, number: int) -> frozenset[int]:
        """What cells explained by a minimum have to be extended by."""
        if number not in self._further:
            pulls = self.bounds.model.pulls(self.minima[number].enclosed.slopes)
            self._further[number] = self._not_idle(pulls)
        return self._further[number]

    def _not_idle(self, pulls: Sequence[Vector]) -> frozenset[int]:
        return frozenset(r for r, pull in enumerate(pulls) if not self.bounds.idle(r, pull))

    def _visit(self, cell: Cell, proposed: Proposed) -> frozenset[int]:
        """Decides a cell; the regions that it has to be extended by."""
        known = self._known(cell)
        if known is not None:
            return self._beyond(known)
        enclosed = self.bounds.enclose(cell, proposed)
        if enclosed is None:
            self.undecided.append(Undecidable(cell, None, "its best point was not enclosed"))
            return frozenset(range(len(self.setting.regions)))
        pulls = self.bounds.model.pulls(enclosed.slopes)
        if any(self.bounds.idle(r, pulls[r]) for r in cell):
            return frozenset()
        if not cell:
            self._visit_empty(proposed, enclosed)
        else:
            judged = self._judged(cell, proposed, enclosed)
            if judged.reason is None:
                if not self._elsewhere(judged.around):
                    found = Proven(cell, judged.around, proposed, enclosed, judged.walls)
                    self.minima.append(found)
            elif not judged.refuted:
                unclear = Undecidable(cell, enclosed, judged.reason, judged.around)
                self.undecided.append(unclear)
        return self._not_idle(pulls) if len(cell) < self.hidden else frozenset()

    def _judged(self, cell: Cell, proposed: Proposed, enclosed: Enclosed) -> Judged:
        if self.setting.free:
            return judge_places(self.bounds, cell, proposed, enclosed)
        return judge(self.bounds, cell, enclosed)

    def _elsewhere(self, around: Sequence[frozenset[int]]) -> bool:
        """Whether a minimum with units in these regions is one that is known."""
        return any(self._known(tuple(set(chosen))) is not None for chosen in product(*around))

    def _settle(self) -> None:
        """Drops cells whose local minima would have to be in another cell that is decided."""
        left = {u.cell: u for u in self.undecided if self._known(u.cell) is None}
        settled = True
        while settled:
            settled = False
            for cell, unclear in list(left.items()):
                others = {tuple(sorted(set(chosen))) for chosen in product(*unclear.around)}
                if unclear.around and not others <= left.keys():
                    del left[cell]
                    settled = True
        self.undecided = list(left.values())

    def may_be_linear(self, minimum: Proven) -> bool | None:
        """Whether further units may be at zero with a bias other than 0, where biases are free.

        Theorem 42 (iv), with the slope that is nearer to 0. None if that is not decided.
        """
        least = min(abs(s) for s in self.setting.loss.network.slopes)
        if not least:
            return True
        linear = next(
            k for k, r in enumerate(self.setting.regions) if r.linear and r.slopes[0] == least
        )
        pull = self.bounds.model.pulls(minimum.enclosed.slopes)[linear]
        if self.bounds.idle(linear, pull):
            return True
        return False if self.bounds.exceeds(linear, pull) else None

    def _visit_empty(self, proposed: Proposed, enclosed: Enclosed) -> None:
        minimum = Proven((), (), proposed, enclosed)
        rests = self.may_be_linear(minimum) if self.setting.free else self.may_rest(minimum)
        if rests:
            self.minima.append(minimum)
        elif rests is None:
            self.undecided.append(Undecidable((), enclosed, "units at zero may gain by leaving"))
