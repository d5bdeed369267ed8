"""The atlas: every local minimum of a shallow network on a dataset, exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import comb

from spurious.atlas.cells import Cells, Work, branches, walk_branch
from spurious.atlas.fits import Fit, Projector
from spurious.atlas.landscape import Landscape, describe
from spurious.atlas.minima import Family, families
from spurious.atlas.states import State, TooManyFacesError
from spurious.atlas.strata import find_strata
from spurious.atlas.symmetry import Symmetry, symmetries
from spurious.errors import InputError
from spurious.exact.rationals import fraction
from spurious.problem import Dataset, Loss, Network, Problem

__all__ = ["Atlas", "Undecided", "atlas", "require_atlas"]


@dataclass(frozen=True, slots=True)
class Undecided:
    """A fitted vector that may or may not belong to a local minimum.

    Attributes:
        loss: Its loss.
        reason: Why it was not decided.
    """

    loss: Fraction
    reason: str


@dataclass(frozen=True, slots=True)
class Atlas:
    """Every local minimum of a network on a dataset.

    Attributes:
        network: The architecture, one hidden layer.
        loss: The loss.
        data: The dataset.
        chambers: Activation patterns that one unit can have off all kinks.
        cells: Activation cells of the network, units unordered.
        symmetries: Symmetries of the data, the identity included.
        fits: Different fitted vectors that are best in some cell, up to symmetry.
        minima: The families of minima, one for each orbit of symmetries, lowest loss first.
        undecided: Fitted vectors that were left undecided; none means that the list is complete.
        work: What the enumeration did.
    """

    network: Network
    loss: Loss
    data: Dataset
    chambers: int
    cells: int
    symmetries: int
    fits: int
    minima: tuple[Family, ...]
    undecided: tuple[Undecided, ...]
    work: Work

    @property
    def families(self) -> int:
        """Number of families, all of each orbit counted."""
        return sum(family.orbit for family in self.minima)

    def problem(self, family: Family) -> Problem:
        """The family's point as a problem."""
        return Problem(self.network, self.loss, self.data, point=family.point)


def require_atlas(network: Network, loss: Loss) -> None:
    """Checks that a network and a loss are of the kind that has an atlas.

    Raises:
        InputError: They are not.
    """
    if network.depth != 1 or network.outputs != 1:
        raise InputError(
            f"network.widths: found {list(network.widths)}, but an atlas needs one hidden layer and "
            "one output, such as [2, 3, 1]"
        )
    if not network.homogeneous:
        raise InputError(
            f"network.activation: found {network.activation}, but an atlas needs an activation that "
            "is linear on either side of 0: relu, leaky_relu, abs or identity"
        )
    if loss is not Loss.SQUARED:
        raise InputError(f"loss: found {loss}, but an atlas needs squared")


def atlas(
    problem: Problem,
    *,
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> Atlas:
    """Lists every local minimum of a shallow network, with exact losses.

    Args:
        problem: One hidden layer, one output, an activation that is linear on either side of 0,
            squared loss. Its points are ignored.
        progress: Called with what is being done, how much of it is done, and how much there is.

    Returns:
        The atlas. Its list is complete unless `undecided` names fitted vectors.

    Raises:
        InputError: The network or the loss is of another kind.
    """
    network, data = problem.network, problem.data
    require_atlas(network, problem.loss)
    hidden = network.hidden[0]
    landscape = describe(data, network.slopes)
    group = symmetries(landscape)
    projector = Projector(landscape)
    cells = Cells(landscape, hidden, group, projector.words)
    work = Work()
    parts = branches(cells)
    for done, first in enumerate(parts):
        progress("cells", done, len(parts))
        for _ in walk_branch(cells, projector, first, work):
            pass
    chosen = _up_to_symmetry(projector.fits, group)
    found: list[Family] = []
    undecided: list[Undecided] = []
    for done, fit in enumerate(chosen):
        progress("fitted vectors", done, len(chosen))
        try:
            found.extend(_families(landscape, projector, fit, hidden, group))
        except TooManyFacesError as error:
            undecided.append(Undecided(fraction(fit.loss), str(error)))
    chambers = len(landscape.arrangement.chambers)
    return Atlas(
        network=network,
        loss=problem.loss,
        data=data,
        chambers=chambers,
        cells=comb(2 * chambers + hidden - 1, hidden),
        symmetries=len(group),
        fits=len(chosen),
        minima=tuple(sorted(found, key=lambda f: (f.loss, f.outputs, -f.dimension))),
        undecided=tuple(sorted(undecided, key=lambda u: u.loss)),
        work=replace(work),
    )


def enumerate_strata(
    problem: Problem,
) -> Iterator[tuple[tuple[Fraction, ...], tuple[State, ...]]]:
    """Every combination of unit states that local minima have, symmetric ones included.

    Args:
        problem: As for `atlas`.

    Yields:
        The outputs at each different input, and the states of the units in increasing order.

    Raises:
        TooManyFacesError: Some fitted vector has too many faces.
        InputError: The network or the loss is of another kind.
    """
    require_atlas(problem.network, problem.loss)
    landscape = describe(problem.data, problem.network.slopes)
    hidden = problem.network.hidden[0]
    projector = Projector(landscape)
    identity = symmetries(landscape)[:1]
    cells = Cells(landscape, hidden, identity, projector.words)
    for first in branches(cells):
        for _ in walk_branch(cells, projector, first, Work()):
            pass
    for fit in projector.fits:
        strata = find_strata(landscape, projector, fit, hidden)
        if strata is None:
            continue
        outputs = tuple(
            fraction(r + y) for r, y in zip(fit.residual, landscape.targets, strict=True)
        )
        seen: set[tuple[State, ...]] = set()
        for part in strata.families:
            for stratum in part:
                choices = (strata.classes[k].states for k in stratum.classes)
                seen.update(tuple(sorted(states)) for states in product(*choices))
        for states in sorted(seen):
            yield outputs, states


def _families(
    landscape: Landscape,
    projector: Projector,
    fit: Fit,
    hidden: int,
    group: tuple[Symmetry, ...],
) -> tuple[Family, ...]:
    strata = find_strata(landscape, projector, fit, hidden)
    return () if strata is None else families(landscape, projector, fit, strata, group)


def _up_to_symmetry(fits: list[Fit], group: tuple[Symmetry, ...]) -> list[Fit]:
    """One fit of each orbit, lowest loss first."""
    first: dict[tuple[object, ...], Fit] = {}
    for fit in fits:
        first.setdefault(min(s.vector(fit.residual) for s in group), fit)
    return sorted(first.values(), key=lambda fit: (fit.loss, fit.residual))
