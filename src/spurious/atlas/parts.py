"""The two kinds of independent parts that an atlas is made of: branches of the walk, and fits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from spurious.atlas.cells import CellCounts, Cells, branches, walk_branch
from spurious.atlas.fits import Fit, Fits, Projector
from spurious.atlas.landscape import UnitLandscape, describe
from spurious.atlas.minima import Family, FitLevel, families, keepers
from spurious.atlas.strata import find_strata
from spurious.atlas.symmetry import Symmetry, symmetries
from spurious.problem import DenseLoss


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """What every part needs.

    Attributes:
        landscape: The data as units see it.
        group: Symmetries of the data.
        projector: Solves cells; grows while it is used.
        hidden: Number of hidden units, m.
        at_infinity: Regions that have no part in local minima (logistic loss).
        branches: First regions of the branches.
        solve: Solves a branch, given by its first region; returns the fits.
    """

    landscape: UnitLandscape
    group: tuple[Symmetry, ...]
    projector: Fits
    hidden: int
    at_infinity: int
    branches: tuple[int, ...]
    solve: Callable[[int, CellCounts], set[int]]


@dataclass(frozen=True, slots=True)
class Branch:
    """What came out of a branch.

    Attributes:
        supports: A support for each different fit.
        work: What was done.
    """

    supports: tuple[int, ...]
    work: CellCounts


def prepare(loss: DenseLoss, *, symmetric: bool = True) -> Setting:
    """Describes the data.

    Args:
        loss: One hidden layer, one output, homogeneous activation, squared or logistic loss.
        symmetric: Whether to make use of symmetries.
    """
    landscape = describe(loss)
    hidden = loss.network.hidden[0]
    if loss.loss == "logistic":
        return _prepare_logistic(landscape, hidden)
    group = symmetries(landscape)
    if not symmetric:
        group = group[:1]
    projector = Projector(landscape)
    cells = Cells(landscape, hidden, group, projector.words)

    def solve(first: int, work: CellCounts) -> set[int]:
        return set(walk_branch(cells, projector, first, work))

    return Setting(landscape, group, projector, hidden, 0, branches(cells), solve)


def _prepare_logistic(landscape: UnitLandscape, hidden: int) -> Setting:
    from spurious.atlas.logistic import LogProjector
    from spurious.atlas.logistic_cells import attained, walk_logistic

    projector = LogProjector(landscape)
    regions = attained(projector)

    def solve(first: int, work: CellCounts) -> set[int]:
        return walk_logistic(projector, regions, hidden, first, work)

    lost = len(landscape.regions) - len(regions)
    group, parts = symmetries(landscape)[:1], tuple(range(len(regions)))
    return Setting(landscape, group, projector, hidden, lost, parts, solve)


def solve_branch(setting: Setting, first: int) -> Branch:
    """Solves all cells whose first region is given."""
    work = CellCounts()
    projector = setting.projector
    found = sorted(setting.solve(first, work))
    return Branch(tuple(projector.supports[k] for k in found), work)


def minima_with(setting: Setting, fit: Fit) -> tuple[Family, ...]:
    """The families of minima with a fitted vector.

    Raises:
        TooManyFacesError: It has too many faces.
        UnresolvedError: A sign could not be decided.
    """
    landscape, projector = setting.landscape, setting.projector
    strata = find_strata(landscape, projector, fit, setting.hidden)
    if strata is None:
        return ()
    images = len({symmetry.vector(fit.residual) for symmetry in setting.group})
    level = FitLevel(landscape, projector, fit)
    return families(landscape, level, strata, keepers(fit, setting.group), images)
