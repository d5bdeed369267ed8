"""All cells of a shallow network, each solved or shown to need no solving.

A cell is a set of at most m regions (units in one region contribute what one unit there can, since
a cone plus itself is the cone). The walk adds regions in increasing order. If no generator of a new
region lowers the loss at the fit of the cell so far, the fit stays (Kuhn and Tucker), and nothing
is solved. Of cells that a symmetry of the data maps to one another only the one that comes first
is walked: if a set is first in its orbit, so is the set without its largest element (R. C. Read,
"Every one a winner", 1978), so the rest of a branch can be left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Final

from spurious.atlas.fits import Projector, bits_of, members, words_of
from spurious.atlas.landscape import UnitLandscape
from spurious.atlas.symmetry import Symmetry

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from spurious.atlas.fits import Words

    Indices = npt.NDArray[np.int64]

BATCH: Final = 4096
"""Most cells proposed for at once."""


@dataclass(slots=True)
class CellCounts:
    """What a walk did, in cells.

    Attributes:
        sets: Sets of regions considered.
        symmetric: Left out with all that extend them: an image under a symmetry comes first.
        inherited: Not solved: the added region cannot lower the loss.
        solved: Solved.
        repaired: Of these, solved in fractions because the float proposal was wrong.
        unattained: With the logistic loss: have their infimum at infinity only, and so have all
            that extend them, which are not walked.
        unresolved: With the logistic loss: no sign in balls decided what their minimum is.
    """

    sets: int = 0
    symmetric: int = 0
    inherited: int = 0
    solved: int = 0
    repaired: int = 0
    unattained: int = 0
    unresolved: int = 0

    def add(self, other: CellCounts) -> None:
        """Adds another walk's numbers."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


class Cells:
    """The regions as arrays, and how symmetries permute them.

    Attributes:
        landscape: Where they come from.
        hidden: Number of hidden units, m.
        regions: Their generators, shape (T, W).
        images: Where each symmetry takes each region, shape (G, T).
    """

    def __init__(
        self, landscape: UnitLandscape, hidden: int, symmetries: tuple[Symmetry, ...], words: int
    ) -> None:
        import numpy as np

        self.landscape = landscape
        self.hidden = hidden
        self.regions = np.array(
            [words_of(region, words) for region in landscape.regions], dtype=np.uint64
        ).reshape(-1, words)
        place = {region: k for k, region in enumerate(landscape.regions)}
        moves = [moved_generators(landscape, symmetry) for symmetry in symmetries]
        self.images = np.array(
            [
                [place[sum(1 << move[k] for k in members(region))] for region in landscape.regions]
                for move in moves
            ],
            dtype=np.int64,
        ).reshape(len(symmetries), -1)

    def children(self, cell: tuple[int, ...], work: CellCounts) -> Indices:
        """The regions that extend a cell to one that is first in its orbit."""
        import numpy as np

        first = cell[-1] + 1 if cell else 0
        added = np.arange(first, len(self.regions))
        work.sets += len(added)
        if len(self.images) == 1 or not len(added):
            return added
        length = len(cell) + 1
        own = np.empty((len(added), length), np.int64)
        own[:, :-1] = cell
        own[:, -1] = added
        keep = np.ones(len(added), np.bool_)
        for image in self.images[1:]:
            keep &= ~_before(np.sort(image[own], axis=1), own)
        work.symmetric += int((~keep).sum())
        return added[keep]


def moved_generators(landscape: UnitLandscape, symmetry: Symmetry) -> dict[int, int]:
    """Where a symmetry takes each generator."""
    rays = landscape.arrangement.rays
    place = {ray.sides: k for k, ray in enumerate(rays)}
    moved: dict[int, int] = {}
    for k, ray in enumerate(rays):
        image = place[symmetry.sides(ray.sides)]
        for sign in (1, -1):
            generator = landscape.generator_of[k][sign < 0]
            if generator >= 0:
                moved[generator] = landscape.generator_of[image][symmetry.sign(sign) < 0]
    return moved


def _before(rows: Indices, others: Indices) -> npt.NDArray[np.bool_]:
    """Whether each row comes before the other's row, in dictionary order."""
    import numpy as np

    different = rows != others
    first = different.argmax(axis=1)[:, None]
    smaller = np.take_along_axis(rows, first, 1) < np.take_along_axis(others, first, 1)
    return different.any(axis=1) & smaller[:, 0]


def branches(cells: Cells) -> tuple[int, ...]:
    """The first regions of all cells but the empty one: independent parts of the walk."""
    if cells.hidden == 0:
        return ()
    return tuple(int(t) for t in cells.children((), CellCounts()))


def walk_branch(
    cells: Cells,
    projector: Projector,
    first: int,
    work: CellCounts,
) -> Iterator[int]:
    """Solves every cell whose first region is given; yields the fits as they come, some repeatedly.

    Args:
        cells: The regions.
        projector: Solves the cells.
        first: The region.
        work: Counts what is done.
    """
    import numpy as np

    solver = _Solver(projector)
    fit = solver.solve(cells.regions[[first]], work)[0]
    work.sets += 1
    yield int(fit)
    stack: list[tuple[tuple[int, ...], Words, int]] = [((first,), cells.regions[first], int(fit))]
    while stack:
        cell, generators, fit = stack.pop()
        if len(cell) == cells.hidden:
            continue
        added = cells.children(cell, work)
        lowering = (cells.regions[added] & solver.descending[fit]).any(axis=1)
        work.inherited += int((~lowering).sum())
        found = np.full(len(added), fit)
        unions = cells.regions[added] | generators
        found[lowering] = solver.solve(unions[lowering], work)
        yield from map(int, np.unique(found[lowering]))
        if len(cell) + 1 < cells.hidden:
            stack.extend(
                ((*cell, int(region)), union, int(own))
                for region, union, own in zip(added, unions, found, strict=True)
            )


class _Solver:
    """Batches of cells: floats propose, the projector disposes."""

    def __init__(self, projector: Projector) -> None:
        import numpy as np

        self.projector = projector
        self.descending = np.zeros((1024, projector.words), np.uint64)
        self._known = 0
        self._supports: dict[bytes, int] = {}
        self._extend()

    def solve(self, cells: Words, work: CellCounts) -> Indices:
        """The fits of cells given as words, shape (B, W)."""
        import numpy as np

        work.solved += len(cells)
        found = np.empty(len(cells), np.int64)
        for start in range(0, len(cells), BATCH):
            part = cells[start : start + BATCH]
            found[start : start + BATCH] = self._solve(part, work)
        return found

    def _solve(self, cells: Words, work: CellCounts) -> Indices:
        import numpy as np

        from spurious.atlas.proposals import propose  # Numba takes half a second to import

        supports = propose(self.projector.columns, self.projector.target, cells)
        found = np.array([self._fit(row) for row in supports], np.int64)
        self._extend()
        wrong = (found < 0) | (cells & self.descending[found]).any(axis=1)
        for k in np.flatnonzero(wrong):
            work.repaired += 1
            found[k] = self.projector.solve(bits_of(cells[k]), 0).fit
        self._extend()
        return found

    def _fit(self, support: Words) -> int:
        key = support.tobytes()
        if key not in self._supports:
            fit = self.projector.evaluate(bits_of(support))
            self._supports[key] = -1 if fit is None else fit
        return self._supports[key]

    def _extend(self) -> None:
        """Copies what the projector has learnt."""
        import numpy as np

        fits = self.projector.fits
        if len(fits) > len(self.descending):
            grown = np.zeros((2 * len(fits), self.projector.words), np.uint64)
            grown[: self._known] = self.descending[: self._known]
            self.descending = grown
        for k in range(self._known, len(fits)):
            self.descending[k] = words_of(fits[k].descending, self.projector.words)
        self._known = len(fits)
