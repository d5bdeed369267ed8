"""The global optimum of a shallow network, with multipliers that prove it.

Theorem 13 (docs/mathematics.md). Let g in R^n sum to zero. If s g.act(rho) >= 0 for all generators
s act(rho) of some regions, then every network whose units lie in these regions has g.f >= 0, so its
squared loss is at least B(g) = -g.y - |g|^2 / 4. The residual of a cell's best fit gives such a g
with B(g) equal to that fit's loss, for its own regions and usually for many others. So a list of
multipliers proves a lower bound L if each has B(g) >= L and every choice of m regions is among the
regions of one of them: a finite check on sets, without solving anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from time import perf_counter

from spurious.atlas.arrangement import Sides
from spurious.atlas.atlas import require_atlas
from spurious.atlas.cells import moved_generators
from spurious.atlas.fits import Fit, Projector, bits_of, members, words_of
from spurious.atlas.landscape import UnitLandscape, describe
from spurious.atlas.points import point_from_coefficients
from spurious.atlas.symmetry import Symmetry, symmetries
from spurious.atlas.workers import silent
from spurious.certify.decide import conclude, decide
from spurious.certify.optimality import Optimality
from spurious.certify.subject import Subject
from spurious.errors import InputError
from spurious.exact.rationals import Vector, fraction
from spurious.problem import Loss, Named, Point, Problem, dense_problem_of
from spurious.proof import CellMultipliers, Proof, Verdict
from spurious.verdict import Answer


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

    problem: Problem
    loss: Fraction
    verdict: Verdict
    evidence: CellMultipliers
    multipliers: int
    solved: int
    cells: int
    seconds: float


def optimum(
    problem: Problem | Named,
    hidden: int | None = None,
    *,
    progress: Callable[[str, int, int], None] = silent,
) -> Optimum:
    """Finds and proves the global optimum of a shallow network.

    Args:
        problem: One hidden layer, one output, an activation that is linear on either side of 0,
            squared loss; its points are ignored. Or the path of a problem file, or the name of a
            built-in dataset.
        hidden: With a dataset's name, the units of the hidden layer.
        progress: Called with what is being done, how much of it is done, and 0: not known.

    Raises:
        InputError: The network or the loss is of another kind.

    Examples:
        >>> import spurious
        >>> spurious.optimum("d1", hidden=1).loss
        Fraction(14, 1)
    """
    problem = dense_problem_of(problem, hidden)
    require_atlas(problem.network, problem.loss)
    if problem.loss is not Loss.SQUARED:
        raise InputError(f"loss: found {problem.loss}, but a proof of the optimum needs squared")
    start = perf_counter()
    landscape = describe(problem.data, problem.network.slopes)
    projector = Projector(landscape)
    group = symmetries(landscape)
    units = problem.network.hidden[0]
    search = _Search(landscape, projector, units, group, progress)
    search.run()
    point = search.best_point()
    solved_problem = Problem(problem.network, problem.loss, problem.data, point=point)
    subject = Subject(solved_problem)
    outcome = decide(subject)
    if not isinstance(outcome, Proof):
        raise ArithmeticError(f"the global optimum was not certified: {outcome.reason}")
    chosen = search.enough()
    evidence = CellMultipliers(
        tuple(_multipliers(landscape, problem, item.residual) for item in chosen)
    )
    loss = subject.loss_at(subject.values)
    verdict = conclude(subject, outcome, loss, Optimality(Answer.YES, evidence), start)
    return Optimum(
        problem=solved_problem,
        loss=loss.mid,
        verdict=verdict,
        evidence=evidence,
        multipliers=len(chosen),
        solved=search.solved,
        cells=search.cells(),
        seconds=perf_counter() - start,
    )


def _multipliers(
    landscape: UnitLandscape, problem: Problem, residual: Vector
) -> tuple[Fraction, ...]:
    """g_i = 2 (f_i - y_i) for every data point, equal inputs having equal f."""
    values: dict[int, Fraction] = {}
    for members_, r, target in zip(landscape.groups, residual, landscape.targets, strict=True):
        for i in members_:
            values[i] = 2 * (fraction(r + target) - problem.data.y[i][0])
    return tuple(values[i] for i in range(len(values)))


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
        projector: Projector,
        hidden: int,
        group: Sequence[Symmetry],
        progress: Callable[[str, int, int], None],
    ) -> None:
        self.landscape = landscape
        self.regions = landscape.regions
        self.hidden = hidden
        self.projector = projector
        self.progress = progress
        self.known: list[_Bound] = []
        self.solved = 0
        self._group = group
        self._moves = [moved_generators(landscape, symmetry) for symmetry in group]
        self._covered = [0] * len(self.regions)
        self._later: list[int] = []
        self._residuals: set[Vector] = set()
        self._best: tuple[Fit, tuple[int, ...], int] = (projector.fits[0], (), 0)

    def cells(self) -> int:
        """Number of sets of at most m regions."""
        count, total = 1, 1
        for k in range(self.hidden):
            count = count * (len(self.regions) - k) // (k + 1)
            total += count
        return total

    def run(self) -> None:
        """Solves cells until every set is covered."""
        self._learn(self.projector.fits[0])
        self._visit((), 0, 0)

    def best_point(self) -> Point:
        """A point with the smallest loss; units that it does not need have all weights 0."""
        _, cell, support = self._best
        chosen = members(support)
        coefficients = self.projector.coefficients(chosen)
        if coefficients is None:
            raise ArithmeticError("the support of the optimum is dependent")
        units = [self.landscape.examples[t] for t in cell]
        units += [(0, Sides(0, 0))] * (self.hidden - len(cell))
        return point_from_coefficients(
            self.landscape,
            self.projector.mean,
            dict(zip(chosen, coefficients, strict=True)),
            units,
        )

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
        from spurious.atlas.proposals import propose  # Numba takes half a second to import

        words = words_of(generators, self.projector.words).reshape(1, -1)
        proposal = propose(self.projector.columns, self.projector.target, words)[0]
        solution = self.projector.solve(generators, bits_of(proposal))
        fit = self.projector.fits[solution.fit]
        self.solved += 1
        if fit.loss < self._best[0].loss:
            self._best = fit, cell, solution.support
        self._learn(fit)
        self.progress("cells solved", self.solved, 0)

    def _learn(self, fit: Fit) -> None:
        """Adds a fit's multiplier and its images under the symmetries."""
        for symmetry, move in zip(self._group, self._moves, strict=True):
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
