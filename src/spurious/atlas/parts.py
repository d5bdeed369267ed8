"""The two kinds of independent parts that an atlas is made of: branches of the walk, and fits."""

from __future__ import annotations

from dataclasses import dataclass

from spurious.atlas.cells import Cells, Work, branches, walk_branch
from spurious.atlas.fits import Fit, Projector
from spurious.atlas.landscape import Landscape, describe
from spurious.atlas.minima import Family, families
from spurious.atlas.states import TooManyFacesError
from spurious.atlas.strata import find_strata
from spurious.atlas.symmetry import Symmetry, symmetries
from spurious.problem import Problem

__all__ = ["Branch", "Setting", "minima_with", "prepare", "solve_branch"]


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """What every part needs.

    Attributes:
        landscape: The data as units see it.
        group: Its symmetries.
        projector: Solves cells; grows while it is used.
        cells: The cells.
        branches: First regions of the branches.
    """

    landscape: Landscape
    group: tuple[Symmetry, ...]
    projector: Projector
    cells: Cells
    branches: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Branch:
    """What came out of a branch.

    Attributes:
        supports: A support for each different fit.
        work: What was done.
    """

    supports: tuple[int, ...]
    work: Work


def prepare(problem: Problem, *, symmetric: bool = True) -> Setting:
    """Describes the data.

    Args:
        problem: One hidden layer, one output, homogeneous activation, squared loss.
        symmetric: Whether to make use of symmetries.
    """
    landscape = describe(problem.data, problem.network.slopes)
    group = symmetries(landscape)
    if not symmetric:
        group = group[:1]
    projector = Projector(landscape)
    cells = Cells(landscape, problem.network.hidden[0], group, projector.words)
    return Setting(landscape, group, projector, cells, branches(cells))


def solve_branch(setting: Setting, first: int) -> Branch:
    """Solves all cells whose first region is given."""
    work = Work()
    projector = setting.projector
    found = sorted(set(walk_branch(setting.cells, projector, first, work)))
    return Branch(tuple(projector.supports[k] for k in found), work)


def minima_with(setting: Setting, fit: Fit) -> tuple[Family, ...] | str:
    """The families of minima with a fitted vector, or why they could not be found."""
    landscape, projector, hidden = setting.landscape, setting.projector, setting.cells.hidden
    try:
        strata = find_strata(landscape, projector, fit, hidden)
    except TooManyFacesError as error:
        return str(error)
    return () if strata is None else families(landscape, projector, fit, strata, setting.group)
