"""The atlas: every local minimum of a shallow network on a dataset, exactly."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from hashlib import sha256
from html import escape
from math import comb
from pathlib import Path
from typing import Any, Final

from spurious.atlas.cells import CellCounts
from spurious.atlas.fits import Fit
from spurious.atlas.hinge import hinge_list
from spurious.atlas.minima import Family
from spurious.atlas.parts import Setting, prepare, solve_branch
from spurious.atlas.records import family_from_data
from spurious.atlas.states import UnitState
from spurious.atlas.strata import find_strata
from spurious.atlas.workers import AtlasTask, BranchTask, FitTask, makers, silent
from spurious.errors import InputError
from spurious.exact.rationals import Vector, fraction
from spurious.files import Journal
from spurious.notebook import table
from spurious.problem import (
    Dataset,
    DenseLoss,
    Named,
    Network,
    Problem,
    ProgramProblem,
    any_problem_to_data,
    dense_loss_of,
    flatten,
    problem_at,
)
from spurious.verdict import Answer

LOSSES: Final = ("squared", "logistic", "hinge")
"""Those whose minima are listed."""

WITHOUT_WEIGHT: Final = (
    "a minimum of fewer units; with more, of output weight 0, perhaps one for some incoming weights"
)
"""Why a level of the hinge loss is undecided (Theorem 41)."""

JOURNAL_VERSION: Final = 1
"""Changes when the same problem would give other lines."""


@dataclass(frozen=True, slots=True)
class UndecidedFit:
    """A fitted vector, or with the hinge loss a loss, that may or may not have a local minimum.

    Attributes:
        loss: Its loss, which some point of the network has; with the logistic loss, the middle of
            an interval.
        loss_radius: Half the interval's width; 0 where the loss is exact.
        reason: Why it was not decided.
    """

    loss: Fraction
    loss_radius: Fraction
    reason: str


KINDS: Final = {Answer.YES: "global", Answer.NO: "spurious", Answer.UNKNOWN: "lowest"}
"""How a family is called; the lowest in the list may or may not be global."""


@dataclass(frozen=True, slots=True, repr=False)
class Atlas:
    """Every local minimum of a network on a dataset.

    With the hinge loss: every one without output weights of 0, and those with whose units may have
    any incoming weights of one activation pattern (Theorems 40 and 41; docs/atlas.md).

    Attributes:
        asked: Network, loss, data, and the weights of points.
        chambers: Activation patterns that one unit can have off all kinks.
        cells: Activation cells of the network, units unordered.
        symmetries: Symmetries of the data, the identity included.
        regions: Different ways in which a unit can have an effect within a chamber.
        regions_at_infinity: With the logistic loss: of these, how many let the loss fall for ever;
            no local minimum has a unit there.
        fits: Different fitted vectors that are best in some cell, up to symmetry; with the hinge
            loss, different least losses of cells.
        minima: The families of minima, one for each orbit of symmetries, lowest loss first.
        undecided: Fitted vectors (with the hinge loss, losses) that were left undecided; none means
            that the list is complete.
        work: What the enumeration did.

    Examples:
        >>> import spurious
        >>> found = spurious.atlas("d1", hidden=1)
        >>> found
        <Atlas: 1-1-1 relu, 5 points, squared loss: 6 families of local minima, all>
        >>> [str(family.loss) for family in found.minima][:3]
        ['14', '18', '75/4']
    """

    asked: DenseLoss
    chambers: int
    cells: int
    symmetries: int
    regions: int
    regions_at_infinity: int
    fits: int
    minima: tuple[Family, ...]
    undecided: tuple[UndecidedFit, ...]
    work: CellCounts

    @property
    def network(self) -> Network:
        """The architecture, one hidden layer."""
        return self.asked.network

    @property
    def loss(self) -> str:
        """The loss of a point: squared, logistic or hinge."""
        return self.asked.loss

    @property
    def data(self) -> Dataset:
        """The dataset."""
        return self.asked.data

    @property
    def families(self) -> int:
        """Number of families, all of each orbit counted."""
        return sum(family.orbit for family in self.minima)

    @property
    def complete(self) -> bool:
        """Whether every fitted vector was decided, so that the list has every local minimum."""
        return not self.undecided and not self.work.unresolved

    @property
    def least_loss(self) -> Fraction:
        """The least loss of all fitted vectors, undecided ones included: some point is as low.

        With the squared loss it is exact, and the least loss of the network: each cell has a best
        vector, and all of them were found. So it is with the hinge loss: the lowest minima are
        listed. With the logistic loss it is the upper end of an interval, and cells without a best
        vector, or unresolved ones, may go below it.

        Raises:
            ValueError: There is no fitted vector, which the logistic loss allows.
        """
        return min(item.loss + item.loss_radius for item in (*self.minima, *self.undecided))

    def is_global(self, family: Family) -> Answer:
        """Whether a family is a global minimum.

        A lower fitted vector proves that it is not, even one that was left undecided. With the
        logistic loss YES is never given: the loss may fall below every minimum at infinity.
        """
        if self.least_loss < family.loss - family.loss_radius:
            return Answer.NO
        return Answer.UNKNOWN if self.loss == "logistic" else Answer.YES

    def __repr__(self) -> str:
        widths = "-".join(map(str, self.network.widths))
        whole = "all" if self.complete else "not all decided"
        return (
            f"<Atlas: {widths} {self.network.activation}, {self.data.size} points, {self.loss} "
            f"loss: {self.families} families of local minima, {whole}>"
        )

    def _repr_html_(self) -> str:
        """A table for notebooks."""
        rows = [
            (
                f"{float(family.loss):.6g}" if len(str(family.loss)) > 12 else str(family.loss),
                KINDS[self.is_global(family)],
                str(family.dimension),
                str(family.dead_units),
                str(family.orbit),
            )
            for family in self.minima
        ]
        head = ("loss", "kind", "dimension", "dead units", "alike")
        return f"<p>{escape(repr(self)[1:-1])}</p>{table(rows, head)}"

    def problem(self, family: Family) -> Problem | ProgramProblem:
        """The family's point as a problem."""
        return problem_at(self.asked, flatten(family.point))


def require_atlas(asked: DenseLoss) -> None:
    """Checks that a loss is of the kind that has an atlas.

    Raises:
        InputError: It is not.
    """
    require_shallow(asked)
    if asked.loss not in LOSSES:
        raise InputError(f"loss: found {asked.loss}, but an atlas needs {', '.join(LOSSES)}")


def require_shallow(asked: DenseLoss) -> None:
    """Checks that a loss is a weighted sum over the points, of a network that has cells.

    Raises:
        InputError: It is not.
    """
    network = asked.network
    if not asked.penalty.free_of_cost(network):
        raise InputError(
            "penalty: found a loss with weight decay, expected one without; "
            "spurious.penalised_atlas lists its minima"
        )
    if network.depth != 1 or network.outputs != 1:
        raise InputError(
            f"network.widths: found {list(network.widths)}, but an atlas needs one hidden layer "
            "and one output, such as [2, 3, 1]"
        )
    if not network.homogeneous:
        raise InputError(
            f"network.activation: found {network.activation}, but an atlas needs an activation "
            "that is linear on either side of 0: relu, leaky_relu, abs or identity"
        )
    if min(asked.factors) < 0:
        raise InputError("weights: found a negative number, but an atlas needs none")
    if not any(asked.factors):
        raise InputError("weights: found zeros only, expected a positive number")


def atlas(
    problem: Problem | ProgramProblem | DenseLoss | Named,
    hidden: int | None = None,
    *,
    workers: int = 1,
    journal: Path | None = None,
    progress: Callable[[str, int, int], None] = silent,
) -> Atlas:
    """Lists every local minimum of a shallow network, with exact losses.

    Args:
        problem: One hidden layer, one output, an activation that is linear on either side of 0,
            squared, logistic or hinge loss, a sum or a mean, with or without weights of the data
            points; its points are ignored. Or the path of a problem file, or the name of a built-in
            dataset.
        hidden: With a dataset's name, the units of the hidden layer.
        workers: Processes for large problems; it changes no result. A script that asks for more
            than one needs the guard `if __name__ == "__main__":`. The hinge loss uses one.
        journal: A file for finished parts; a later run on the same problem goes on from it (not
            with the hinge loss).
        progress: Called with what is being done, how much of it is done, and how much there is.

    Returns:
        The atlas. Its list is complete unless `undecided` names fitted vectors.

    Raises:
        InputError: The network or the loss is of another kind, the journal cannot be used, or with
            the hinge loss there are too many cells.

    Examples:
        >>> import spurious
        >>> spurious.atlas("xor", hidden=2)
        <Atlas: 2-2-1 relu, 4 points, squared loss: 17 families of local minima, all>
        >>> zigzag = spurious.problem([0, 1, 2, 3], [1, -1, 1, -1], hidden=1, loss="hinge")
        >>> [str(family.loss) for family in spurious.atlas(zigzag).minima]
        ['2', '8/3', '4']
    """
    asked = dense_loss_of(problem, hidden)
    require_atlas(asked)
    if asked.loss == "hinge":
        return _of_hinge(asked, progress)
    setting = prepare(asked)
    chambers = len(setting.landscape.arrangement.chambers)
    kept = Journal(journal, _heading(asked))
    parts: dict[str, Any] = dict(kept.entries)
    with makers(setting, asked, workers) as make:

        def finish(what: str, tasks: Sequence[AtlasTask]) -> None:
            done = sum(task.key in parts for task in tasks)
            progress(what, done, len(tasks))
            for task, data in make([task for task in tasks if task.key not in parts]):
                kept.add([task.key, data])
                parts[task.key] = data
                done += 1
                progress(what, done, len(tasks))

        branches = [BranchTask(first) for first in setting.branches]
        finish("cells", branches)
        work = CellCounts()
        supports: dict[int, None] = {0: None}
        if setting.projector.evaluate(0) is None:  # not even the best constant is attained
            supports = {}
        for task in branches:
            work.add(CellCounts(**parts[task.key]["work"]))
            supports.update((int(text, 16), None) for text in parts[task.key]["supports"])
        fits = _up_to_symmetry(setting, list(supports))
        finish("fitted vectors", [task for task, _ in fits])
        found, undecided = _collect(parts, fits)
    return Atlas(
        asked=asked,
        chambers=chambers,
        cells=_cells(chambers, setting.hidden),
        symmetries=len(setting.group),
        regions=len(setting.landscape.regions),
        regions_at_infinity=setting.at_infinity,
        fits=len(fits),
        minima=tuple(sorted(found, key=lambda f: (f.loss, f.outputs))),
        undecided=tuple(undecided),
        work=work,
    )


def _cells(chambers: int, hidden: int) -> int:
    """How many cells there are, units unordered: each has a sign and a chamber."""
    return comb(2 * chambers + hidden - 1, hidden)


def _of_hinge(asked: DenseLoss, progress: Callable[[str, int, int], None]) -> Atlas:
    found = hinge_list(asked, progress)
    chambers = len(found.landscape.arrangement.chambers)
    return Atlas(
        asked=asked,
        chambers=chambers,
        cells=_cells(chambers, asked.network.hidden[0]),
        symmetries=len(found.group),
        regions=len(found.landscape.regions),
        regions_at_infinity=0,
        fits=found.levels,
        minima=tuple(sorted(found.minima, key=lambda f: (f.loss, f.outputs))),
        undecided=tuple(
            UndecidedFit(fraction(value), Fraction(0), WITHOUT_WEIGHT) for value in found.undecided
        ),
        work=found.work,
    )


def _heading(asked: DenseLoss) -> list[str]:
    """Names the loss in a journal."""
    text = json.dumps(any_problem_to_data(problem_at(asked)), sort_keys=True)
    return ["problem", f"{JOURNAL_VERSION}:{sha256(text.encode()).hexdigest()}"]


def enumerate_strata(
    problem: Problem | ProgramProblem | DenseLoss,
) -> Iterator[tuple[tuple[Fraction, ...], tuple[UnitState, ...]]]:
    """Every combination of unit states that local minima have, symmetric ones included.

    Args:
        problem: As for `atlas`.

    Yields:
        The outputs at each different input, and the states of the units in increasing order.

    Raises:
        TooManyFacesError: Some fitted vector has too many faces.
        InputError: The network or the loss is of another kind.
    """
    asked = dense_loss_of(problem)
    require_atlas(asked)
    if asked.loss == "hinge":
        raise InputError("loss: found hinge, whose minima have many outputs; use hinge_strata")
    setting = prepare(asked, symmetric=False)
    for first in setting.branches:
        solve_branch(setting, first)
    landscape, projector = setting.landscape, setting.projector
    for fit in projector.fits:
        strata = find_strata(landscape, projector, fit, setting.hidden)
        if strata is None:
            continue
        outputs = tuple(
            fraction(r + y) for r, y in zip(fit.residual, landscape.targets, strict=True)
        )
        for states in strata.states():
            yield outputs, states


def _up_to_symmetry(setting: Setting, supports: list[int]) -> list[tuple[FitTask, Fit]]:
    """One fit of each orbit, lowest loss first, with its task."""
    first: dict[Vector, tuple[FitTask, Fit]] = {}
    for support in supports:
        place = setting.projector.evaluate(support)
        if place is None:
            raise ArithmeticError("a support of a fit is no support")
        fit = setting.projector.fits[place]
        key = min(symmetry.vector(fit.residual) for symmetry in setting.group)
        first.setdefault(key, (FitTask(support), fit))
    return sorted(first.values(), key=lambda item: (item[1].loss, item[1].residual))


def _collect(
    parts: dict[str, Any], fits: list[tuple[FitTask, Fit]]
) -> tuple[list[Family], list[UndecidedFit]]:
    found: list[Family] = []
    undecided: list[UndecidedFit] = []
    for task, fit in fits:
        data = parts[task.key]
        if "undecided" in data:
            loss, radius = fraction(fit.loss), fraction(fit.radius)
            undecided.append(UndecidedFit(loss, radius, data["undecided"]))
        else:
            found.extend(family_from_data(family) for family in data["families"])
    return found, undecided
