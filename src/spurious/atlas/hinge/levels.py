"""Least hinge losses of cells, and the points that have them: rational linear programs.

A cell's least loss is bounded from below by multipliers that are good for its generators (Theorem
37) and from above by points of cells that it contains; only if known ones leave a gap it is solved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flint import fmpq

from spurious.atlas.best import Side, best_of_cells, centred_form
from spurious.atlas.fits import members
from spurious.atlas.landscape import UnitLandscape
from spurious.exact.linear_program import Feasible, solve
from spurious.exact.rationals import ONE, ZERO, Vector, rank
from spurious.problem import DenseLoss


class LeastLosses:
    """The least hinge losses of closed cells.

    Attributes:
        landscape: The data.
        solved: How many linear programs were solved.
    """

    def __init__(self, landscape: UnitLandscape, loss: DenseLoss) -> None:
        self.landscape = landscape
        self._cells = best_of_cells(landscape, loss)
        self._known: dict[int, fmpq] = {}
        self._below: set[tuple[fmpq, int]] = set()
        self._above: set[tuple[fmpq, int]] = set()
        self.solved = 0

    def __len__(self) -> int:
        """Of how many cells the least loss is known."""
        return len(self._known)

    def of(self, generators: int) -> fmpq:
        """The least loss of the cell that generators span, given as bits."""
        if generators not in self._known:
            self._known[generators] = self._find(generators)
        return self._known[generators]

    def _find(self, generators: int) -> fmpq:
        low = max((v for v, lost in self._below if not lost & generators), default=None)
        high = min((v for v, used in self._above if not used & ~generators), default=None)
        if low is not None and low == high:
            return low
        best = self._cells.solve(generators)
        self.solved += 1
        self._below.add((best.fit.loss, best.fit.descending))
        self._above.add((best.fit.loss, sum(1 << k for k in best.coefficients)))
        return best.fit.loss


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """The point sum t G + c.

    Attributes:
        coefficients: T, all positive, by generator.
        bias: C.
    """

    coefficients: Mapping[int, fmpq]
    bias: fmpq

    @property
    def support(self) -> int:
        """The generators with a coefficient, as bits."""
        return sum(1 << k for k in self.coefficients)


class HingeLevel:
    """The points at which the hinge loss has, at most, a given value (Theorem 40).

    Args:
        landscape: The data.
        sides: Of the data.
        loss: The value. Only cells are asked about in which nothing is lower.
    """

    def __init__(self, landscape: UnitLandscape, sides: tuple[Side, ...], loss: fmpq) -> None:
        self._landscape = landscape
        self._sides = sides
        self._loss = loss
        self._columns = [tuple(fmpq(v) for v in g) for g in landscape.generators]
        self._places: list[_Place] = []
        self._without: list[tuple[int, int]] = []
        """Cells, and a generator of theirs without which they have to do."""
        self._typical: dict[int, _Place] = {}

    @property
    def loss(self) -> fmpq:
        """The value."""
        return self._loss

    @property
    def radius(self) -> fmpq:
        """It is exact."""
        return ZERO

    def reached(self, generators: int) -> bool:
        """Whether a point with positive coefficients on all these generators has the value.

        The means of such points are such points, with the generators of either: so known ones
        answer most questions.
        """
        inside = [place for place in self._places if not place.support & ~generators]
        covered = 0
        for place in inside:
            covered |= place.support
        if not inside and not generators:
            return self._look(generators, None) is not None
        while covered != generators:
            missing = members(generators & ~covered)[0]
            if any(g == missing and not generators & ~cell for cell, g in self._without):
                return False
            place = self._look(generators, missing)
            if place is None:
                self._without.append((generators, missing))
                return False
            covered |= place.support
        return True

    def equations(self, generators: int) -> int:
        """The rank of the equations of Theorem 40 (c) in the coefficients and c."""
        margins = self._margins(self._typical_place(generators))
        used = members(generators)
        rows: list[Vector] = []
        total = [ZERO] * (len(used) + 1)
        for side, margin in zip(self._sides, margins, strict=True):
            row = (*(self._columns[k][side.group] for k in used), ONE)
            if margin == 1:
                rows.append(row)
            elif margin < 1:
                factor = side.weight * side.label
                total = [a + factor * b for a, b in zip(total, row, strict=True)]
        return rank([*rows, total])

    def bends(self, generators: int) -> bool:
        """Whether some margin is 1 at all these points."""
        return ONE in self._margins(self._typical_place(generators))

    def outputs(self, generators: int) -> Vector:
        """Outputs at the different inputs, shape (n,)."""
        return self._outputs(self._typical_place(generators))

    def coefficients(self, generators: int) -> tuple[fmpq, Mapping[int, fmpq]]:
        """The mean output, and positive coefficients of these centred generators."""
        place = self._typical_place(generators)
        return centred_form(self._landscape, place.coefficients, place.bias)

    def _typical_place(self, generators: int) -> _Place:
        """A point with these generators at which as few margins as possible are 1.

        Raises:
            ArithmeticError: The value is not reached.
        """
        if generators not in self._typical:
            if not self.reached(generators):
                raise ArithmeticError("a level is not reached where it was")
            chosen, covered = list[_Place](), 0
            for place in self._places:
                if place.support & ~generators or (chosen and not place.support & ~covered):
                    continue
                chosen.append(place)
                covered |= place.support
            for k, side in enumerate(self._sides):
                margins = self._margins(_mean(chosen))
                if margins[k] == 1 and self._loss:
                    for sign in (1, -1):
                        place = self._look(generators, None, (side, sign))
                        if place is not None:
                            chosen.append(place)
                            break
            middle = _mean(chosen)
            if not self._loss:  # no margin is below 1; twice the outputs are as good
                doubled = {k: 2 * t for k, t in middle.coefficients.items()}
                middle = _Place(doubled, 2 * middle.bias)
            self._typical[generators] = middle
        return self._typical[generators]

    def _outputs(self, place: _Place) -> Vector:
        found = [place.bias] * self._landscape.size
        for k, t in place.coefficients.items():
            found = [f + t * g for f, g in zip(found, self._columns[k], strict=True)]
        return tuple(found)

    def _margins(self, place: _Place) -> Vector:
        outputs = self._outputs(place)
        return tuple(side.label * outputs[side.group] for side in self._sides)

    def _look(
        self, generators: int, positive: int | None, strict: tuple[Side, int] | None = None
    ) -> _Place | None:
        """A point with the value, if there is one; it is remembered.

        All numbers are multiplied by some M >= 1, so that what is positive can be made at least 1.

        Args:
            generators: The cell.
            positive: A generator that has to have a positive coefficient.
            strict: A side whose margin has to be above 1, with 1, or below, with -1.
        """
        used, sides = members(generators), self._sides
        n = len(sides)
        last = n  # the equation of the loss: sum w xi + rest = v M
        columns: list[list[fmpq]] = [
            [*(side.label * self._columns[k][side.group] for side in sides), ZERO] for k in used
        ]
        for sign in (1, -1):
            columns.append([*(fmpq(sign * side.label) for side in sides), ZERO])
        columns.append([*(-ONE for _ in sides), -self._loss])
        upper: list[fmpq | None] = [None] * len(columns)
        fixed: list[fmpq] = list(columns[-1])  # M >= 1
        if positive is not None:
            fixed = [a + b for a, b in zip(fixed, columns[used.index(positive)], strict=True)]
        for i, side in enumerate(sides):
            for sign, cost in ((-1, side.weight), (1, ZERO)):  # what a margin lacks; its excess
                entry = [ZERO] * (n + 1)
                entry[i], entry[last] = fmpq(-sign), cost
                columns.append(entry)
                wanted = None if strict is None or strict[0] != side else strict[1]
                upper.append(None if wanted in (None, sign) else ZERO)
                if wanted == sign:
                    fixed = [a + b for a, b in zip(fixed, entry, strict=True)]
        columns.append([*(ZERO for _ in sides), ONE])
        upper.append(None)
        found = solve(columns, [-v for v in fixed], upper)
        if not isinstance(found, Feasible):
            return None
        values = [v for v in found.multipliers if isinstance(v, fmpq)]
        size = values[len(used) + 2] + 1
        raised = {positive: ONE}
        scaled = {k: (values[j] + raised.get(k, ZERO)) / size for j, k in enumerate(used)}
        bias = (values[len(used)] - values[len(used) + 1]) / size
        place = _Place({k: t for k, t in scaled.items() if t}, bias)
        self._places.append(place)
        return place


def _mean(places: list[_Place]) -> _Place:
    """The mean of points."""
    total: dict[int, fmpq] = {}
    for place in places:
        for k, t in place.coefficients.items():
            total[k] = total.get(k, ZERO) + t
    count = len(places)
    bias = sum((place.bias for place in places), ZERO)
    return _Place({k: t / count for k, t in total.items()}, bias / count)
