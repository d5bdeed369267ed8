"""All cells of a shallow network with the logistic loss that have a minimum."""

from __future__ import annotations

from spurious.atlas.cells import CellCounts
from spurious.atlas.logistic import LogProjector
from spurious.atlas.states import UnresolvedError


def attained(projector: LogProjector) -> tuple[int, ...]:
    """The regions that do not send the loss to its infimum at infinity by themselves."""
    if projector.recessive[0]:
        return ()
    regions = projector.landscape.regions
    return tuple(region for region in regions if not projector.recessive[region])


def walk_logistic(
    projector: LogProjector, regions: tuple[int, ...], hidden: int, first: int, work: CellCounts
) -> set[int]:
    """Solves every cell whose first region is given; returns the fits.

    A cell without minimum is left out with all that extend it: its recession direction stays.

    Args:
        projector: Solves the cells.
        regions: Generators of the regions that occur.
        hidden: Number of hidden units, m.
        first: Which region comes first.
        work: Counts what is done.
    """
    found: set[int] = set()

    def visit(cell: int, last: int, depth: int, fit: int | None) -> None:
        work.sets += 1
        if fit is not None and not projector.fits[fit].descending & cell:
            work.inherited += 1
        else:
            try:
                fit = projector.solve_cell(cell)
            except UnresolvedError:
                work.unresolved += 1
                fit = None
            else:
                if fit is None:
                    work.unattained += 1
                    return
                work.solved += 1
        if fit is not None:
            found.add(fit)
        if depth < hidden:
            for region in range(last + 1, len(regions)):
                visit(cell | regions[region], region, depth + 1, fit)

    visit(regions[first], first, 1, projector.evaluate(0))
    return found
