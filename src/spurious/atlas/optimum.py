"""The global optimum of a shallow network, with multipliers that prove it.

Theorem 13 (docs/mathematics.md). Let g in R^n sum to zero. If s g.act(rho) >= 0 for all generators
s act(rho) of some regions, then every network whose units lie in these regions has g.f >= 0, so its
squared loss is at least B(g) = -g.y - |g|^2 / 4. The residual of a cell's best fit gives such a g
with B(g) equal to that fit's loss, for its own regions and usually for many others. For the hinge
loss the dual solution of a cell's linear program does so (Theorem 37). So a list of
multipliers proves a lower bound L if each has B(g) >= L and every choice of m regions is among the
regions of one of them: a finite check on sets, without solving anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from time import perf_counter
from typing import Final

from flint import fmpq

from spurious.atlas.arrangement import Sides
from spurious.atlas.atlas import require_shallow
from spurious.atlas.best import Best, BestOfCells, best_of_cells
from spurious.atlas.cells import moved_generators
from spurious.atlas.fits import Fit, members
from spurious.atlas.landscape import UnitLandscape, describe
from spurious.atlas.points import point_from_coefficients
from spurious.atlas.workers import silent
from spurious.certify.decide import conclude, decide
from spurious.certify.optimality import Optimality
from spurious.certify.subject import Subject
from spurious.errors import InputError
from spurious.exact.rationals import Vector, fraction
from spurious.problem import (
    DenseLoss,
    Named,
    Point,
    Problem,
    ProgramProblem,
    dense_loss_of,
    flatten,
    problem_at,
)
from spurious.proof import BestOutputs, CellMultipliers, Claim, Proof, Verdict
from spurious.verdict import Answer, Decision

LOSSES: Final = ("squared", "hinge")
"""Those whose least value is proved."""


@dataclass(frozen=True, slots=True)
class Optimum:
    """A global optimum and its proof.

    Attributes:
        problem: The problem with the optimal point.
        loss: The smallest loss that the network can have on the data.
        verdict: The decision on the point, with a certificate that says `global: yes`.
        evidence: What proves the least loss; it holds for every point with this loss.
        multipliers: Number of multipliers in the evidence.
        solved: Number of cells that were solved.
        cells: How many cells there are, as sets of regions.
        seconds: Time taken.
    """

    problem: Problem | ProgramProblem
    loss: Fraction
    verdict: Verdict
    evidence: CellMultipliers
    multipliers: int
    solved: int
    cells: int
    seconds: float


def optimum(
    problem: Problem | ProgramProblem | DenseLoss | Named,
    hidden: int | None = None,
    *,
    progress: Callable[[str, int, int], None] = silent,
) -> Optimum:
    """Finds and proves the global optimum of a shallow network.

    Args:
        problem: One hidden layer, one output, an activation that is linear on either side of 0,
            squared or hinge loss, a sum or a mean, with or without weights of the data points; its
            points are ignored. Or the path of a problem file, or the name of a built-in dataset.
        hidden: With a dataset's name, the units of the hidden layer.
        progress: Called with what is being done, how much of it is done, and 0: not known.

    Raises:
        InputError: The network or the loss is of another kind.

    Examples:
        >>> import spurious
        >>> spurious.optimum("d1", hidden=1).loss
        Fraction(14, 1)
        >>> x, y = [[0], [1], [2]], [1, -1, 1]
        >>> spurious.optimum(spurious.problem(x, y, hidden=1, loss="hinge")).loss
        Fraction(2, 1)
    """
    asked = dense_loss_of(problem, hidden)
    require_shallow(asked)
    if asked.loss not in LOSSES:
        raise InputError(
            f"loss: found {asked.loss}, but a proof of the optimum needs {' or '.join(LOSSES)}"
        )
    start = perf_counter()
    landscape = describe(asked)
    cells = best_of_cells(landscape, asked)
    search = _Search(landscape, cells, asked.network.hidden[0], progress)
    search.run()
    solved = problem_at(asked, flatten(search.best_point()))
    chosen = search.enough()
    evidence = CellMultipliers(tuple(cells.multipliers(item.residual) for item in chosen))
    least = fraction(search.least)
    return Optimum(
        problem=solved,
        loss=least,
        verdict=global_verdict(solved, least, evidence, start),
        evidence=evidence,
        multipliers=len(chosen),
        solved=search.solved,
        cells=search.cells(),
        seconds=perf_counter() - start,
    )


def global_verdict(
    problem: Problem | ProgramProblem, least: Fraction, evidence: CellMultipliers, start: float
) -> Verdict:
    """The verdict on a point that has the least loss.

    Args:
        problem: The problem with its point.
        least: The least loss.
        evidence: What proves it.
        start: When work on it began, by `perf_counter`.

    Raises:
        ArithmeticError: The point has another loss, or is not certified.
    """
    subject = Subject(problem)
    loss = subject.loss_at(subject.values)
    if not loss.lower <= least <= loss.upper:
        raise ArithmeticError("the global optimum has another loss")
    if not subject.is_dense:
        claim = Claim(Decision.LOCAL_MINIMUM, strict=Answer.NO)
        proof = Proof(claim, evidence, "no parameters have a smaller loss")
        return conclude(subject, proof, loss, Optimality(Answer.YES, BestOutputs()), start)
    outcome = decide(subject)
    if not isinstance(outcome, Proof):
        raise ArithmeticError(f"the global optimum was not certified: {outcome.reason}")
    return conclude(subject, outcome, loss, Optimality(Answer.YES, evidence), start)


@dataclass(frozen=True, slots=True, eq=False)
class _Bound:
    """A multiplier: the residual of a fit or of its image, and the regions that it is good for."""

    fit: Fit
    residual: Vector
    good: int


class _Search:
    """Walks all sets of m regions, solving those that no known multiplier covers."""

    def __init__(
        self,
        landscape: UnitLandscape,
        solver: BestOfCells,
        hidden: int,
        progress: Callable[[str, int, int], None],
    ) -> None:
        self.landscape = landscape
        self.regions = landscape.regions
        self.hidden = hidden
        self.solver = solver
        self.progress = progress
        self.known: list[_Bound] = []
        self.solved = 0
        self._moves = [moved_generators(landscape, symmetry) for symmetry in solver.group]
        self._covered = [0] * len(self.regions)
        self._later: list[int] = []
        self._residuals: set[Vector] = set()
        self._best: tuple[Best, tuple[int, ...]] = (solver.solve(0), ())

    @property
    def least(self) -> fmpq:
        """The least loss so far."""
        return self._best[0].fit.loss

    def cells(self) -> int:
        """Number of sets of at most m regions."""
        count, total = 1, 1
        for k in range(self.hidden):
            count = count * (len(self.regions) - k) // (k + 1)
            total += count
        return total

    def run(self) -> None:
        """Solves cells until every set is covered."""
        self._learn(self._best[0].fit)
        self._visit((), 0, 0)

    def best_point(self) -> Point:
        """A point with the smallest loss; units that it does not need have all weights 0."""
        best, cell = self._best
        units = [self.landscape.examples[t] for t in cell]
        units += [(0, Sides(0, 0))] * (self.hidden - len(cell))
        return point_from_coefficients(self.landscape, best.mean, best.coefficients, units)

    def enough(self) -> list[_Bound]:
        """Few of the multipliers that still cover every set: greedily, those good for most."""
        chosen = 0

        def cover(depth: int, start: int, common: int) -> None:
            nonlocal chosen
            whole = common & self._later[start] if depth < self.hidden else common
            if whole & chosen:
                return
            if whole:
                chosen |= 1 << max(members(whole), key=lambda k: self.known[k].good.bit_count())
                return
            for t in range(start, len(self.regions)):
                cover(depth + 1, t + 1, common & self._covered[t])

        cover(0, 0, (1 << len(self.known)) - 1)
        return [self.known[k] for k in members(chosen)]

    def _visit(self, cell: tuple[int, ...], generators: int, start: int) -> None:
        """Covers a cell and all sets that extend it by regions from `start` on."""
        if not self._common(cell):
            self._solve(cell, generators)
        if len(cell) == self.hidden or self._common(cell) & self._later[start]:
            return
        for t in range(start, len(self.regions)):
            self._visit((*cell, t), generators | self.regions[t], t + 1)

    def _common(self, cell: tuple[int, ...]) -> int:
        """The multipliers that are good for every region of a cell."""
        common = (1 << len(self.known)) - 1
        for t in cell:
            common &= self._covered[t]
        return common

    def _solve(self, cell: tuple[int, ...], generators: int) -> None:
        best = self.solver.solve(generators)
        self.solved += 1
        if best.fit.loss < self.least:
            self._best = best, cell
        self._learn(best.fit)
        self.progress("cells solved", self.solved, 0)

    def _learn(self, fit: Fit) -> None:
        """Adds a fit's multiplier and its images under the symmetries."""
        for symmetry, move in zip(self.solver.group, self._moves, strict=True):
            residual = symmetry.vector(fit.residual)
            if residual in self._residuals:
                continue
            self._residuals.add(residual)
            descending = sum(1 << move[k] for k in members(fit.descending))
            good = 0
            for t, region in enumerate(self.regions):
                if not region & descending:
                    good |= 1 << t
                    self._covered[t] |= 1 << len(self.known)
            self.known.append(_Bound(fit, residual, good))
        later = (1 << len(self.known)) - 1
        self._later = [later]
        for covered in reversed(self._covered):
            later &= covered
            self._later.append(later)
        self._later.reverse()
