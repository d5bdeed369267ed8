"""The best fitted vector of a cell: projection of the targets on a polyhedral cone, exactly.

With z the centred targets and H_k the centred generators (the constant is free), the cell's problem
is to minimise |sum_k t_k H_k - z|^2 in the norm of the weights over t >= 0. Its solution's fitted
vector is unique; it is the orthogonal projection on the span of some linearly independent
generators, the *support*, with positive coefficients there; and it solves the problem exactly if no
generator of the cell has a negative inner product with the residual (Kuhn and Tucker). Floats only
propose supports; whether one is right is decided here, in fractions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from flint import fmpq, fmpq_mat, fmpz

from spurious.atlas.landscape import UnitLandscape
from spurious.exact.linear_program import Feasible, solve
from spurious.exact.rationals import ONE, ZERO, Vector, nearest_float

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Words = npt.NDArray[np.uint64]
    Floats = npt.NDArray[np.float64]

WORD: Final = 64


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A fitted vector: the best of some cell.

    Attributes:
        residual: Output minus target at each different input, shape (n,).
        loss: The squared loss, all points counted.
        descending: The generators that have a negative inner product with the residual: more of
            one would lower the loss.
        level: The generators whose inner product is 0.
        radius: How far the loss may be from the number given; 0 if it is exact.
    """

    residual: Vector
    loss: fmpq
    descending: int
    level: int
    radius: fmpq = ZERO


@dataclass(frozen=True, slots=True)
class Solution:
    """A fit with the support that gives it.

    Attributes:
        fit: Which of the projector's fits it is.
        support: The generators with positive coefficients, as bits.
    """

    fit: int
    support: int


def bits_of(words: Words) -> int:
    """A set of generators from its words."""
    return int.from_bytes(words.astype("<u8").tobytes(), "little")


def words_of(bits: int, count: int) -> Words:
    """A set of generators as words of 64 bits."""
    import numpy as np

    return np.frombuffer(bits.to_bytes(count * 8, "little"), dtype="<u8").astype(np.uint64)


def members(bits: int) -> list[int]:
    """The elements of a set of generators, increasing."""
    found: list[int] = []
    while bits:
        low = bits & -bits
        found.append(low.bit_length() - 1)
        bits ^= low
    return found


class Fits(Protocol):
    """What solves cells for some loss; see `Projector` for its members."""

    fits: list[Fit]
    supports: list[int]

    def centred(self, generator: int) -> Sequence[fmpz] | Sequence[fmpq]:
        """A generator less its mean, times the number of points, shape (n,)."""
        ...

    def centre_of(self, fit: Fit) -> fmpq:
        """The mean output of a fit."""
        ...

    def positive(self, fit: Fit, needed: int, allowed: int) -> dict[int, fmpq] | None:
        """Coefficients that give a fit, positive on some generators, else nonnegative."""
        ...

    def evaluate(self, support: int) -> int | None:
        """The fit on a support."""
        ...


class Projector:
    """Solves cells exactly, and remembers every fit it has met.

    Attributes:
        fits: The different fits; the first is the best constant.
        supports: A support of each.
        words: Words of a set of generators.
        mean: The mean target.
        columns: Centred generators of unit length in floats, shape (K, n).
        target: The centred targets in floats, shape (n,), scaled to length 1.
    """

    def __init__(self, landscape: UnitLandscape) -> None:
        import numpy as np

        weights = landscape.weights
        total = sum(weights)
        self.landscape = landscape
        self.words = max(1, -(-len(landscape.generators) // WORD))
        self.mean = (
            sum((y * w for y, w in zip(landscape.targets, weights, strict=True)), ZERO) / total
        )
        self._centred = [y - self.mean for y in landscape.targets]
        centres: list[list[fmpz]] = []
        for generator in landscape.generators:
            middle = sum((v * w for v, w in zip(generator, weights, strict=True)), fmpz(0))
            centres.append([v * total - middle for v in generator])
        self._columns = centres
        self._rational = [tuple(fmpq(v) for v in row) for row in centres]
        self._weighted = [[v * w for v, w in zip(row, weights, strict=True)] for row in centres]
        self._generators = fmpq_mat(self._weighted) if centres else None
        self._supports: dict[int, int | None] = {}
        self._places: dict[Vector, int] = {}
        self.fits: list[Fit] = []
        self.supports: list[int] = []
        self.evaluate(0)
        root = np.sqrt(np.array(_scaled(map(fmpz, weights))))
        self.columns = _unit_rows(
            np.array([_scaled(row) for row in centres]).reshape(-1, landscape.size) * root
        )
        self.target = _unit_rows(np.array([_scaled(self._centred)]) * root)[0]

    def centred(self, generator: int) -> tuple[fmpz, ...]:
        """A generator less its mean, times the number of points, shape (n,)."""
        return tuple(self._columns[generator])

    def centre_of(self, fit: Fit) -> fmpq:  # noqa: ARG002  (other losses have other means)
        """The mean output of a fit: that of the targets."""
        return self.mean

    def fitted(self, fit: Fit) -> Vector:
        """A fitted vector less its mean, shape (n,)."""
        return tuple(r + z for r, z in zip(fit.residual, self._centred, strict=True))

    def positive(self, fit: Fit, needed: int, allowed: int) -> dict[int, fmpq] | None:
        """Coefficients of generators that give a fitted vector.

        If the generators are independent, elimination finds the only candidate. Otherwise, with
        t > 0 on `needed` and t >= 0 on `allowed`, scaled so that t >= 1 where needed, the system
        sum t_k H_k = M z, M >= 1, is linear in t and M.

        Args:
            fit: The fitted vector; z is it, centred.
            needed: Generators that must have positive coefficients.
            allowed: Generators that may; contains `needed`.

        Returns:
            The positive coefficients, or None if there are none.
        """
        target = self.fitted(fit)
        chosen = members(allowed)
        reduced, rank = fmpq_mat(
            list(map(list, zip(*(self._rational[k] for k in chosen), target, strict=True)))
        ).rref()
        entries = reduced.table()
        width = len(chosen)
        if rank and all(v == 0 for v in entries[rank - 1][:width]):
            return None
        if rank == width:
            values = {k: entries[i][width] for i, k in enumerate(chosen)}
            signs_hold = all(v > 0 or (v == 0 and not needed >> k & 1) for k, v in values.items())
            return {k: v for k, v in values.items() if v} if signs_hold else None
        columns = [[entries[i][j] for i in range(rank)] for j in range(width)]
        right = [entries[i][width] for i in range(rank)]
        start = [ZERO] * rank
        for k, column in zip(chosen, columns, strict=True):
            if needed >> k & 1:
                start = [a + b for a, b in zip(start, column, strict=True)]
        result = solve(
            [*columns, [-v for v in right]], [t - s for t, s in zip(right, start, strict=True)]
        )
        if not isinstance(result, Feasible):
            return None
        *extra, scale = (value for value in result.multipliers if isinstance(value, fmpq))
        return {
            k: (value + (needed >> k & 1)) / (scale + ONE)
            for k, value in zip(chosen, extra, strict=True)
            if value or needed >> k & 1
        }

    def evaluate(self, support: int) -> int | None:
        """The fit on a support, or None if it is dependent or a coefficient is not positive.

        Args:
            support: A set of generators, as bits.
        """
        if support not in self._supports:
            solved = self.coefficients(members(support))
            if solved is None or any(value <= 0 for value in solved):
                self._supports[support] = None
            else:
                self._supports[support] = self._fit(support, solved)
        return self._supports[support]

    def coefficients(self, chosen: list[int]) -> list[fmpq] | None:
        """Coefficients of the projection on the span of generators; None if they are dependent.

        They belong to the centred generators times the sum of the weights.
        """
        if not chosen:
            return []
        if len(chosen) >= self.landscape.size:
            return None
        normal = fmpq_mat(
            [
                [
                    sum(map(fmpz.__mul__, self._weighted[k], self._columns[j]), fmpz(0))
                    for j in chosen
                ]
                for k in chosen
            ]
        )
        right = fmpq_mat(
            [
                [sum((a * b for a, b in zip(self._weighted[k], self._centred, strict=True)), ZERO)]
                for k in chosen
            ]
        )
        try:
            solution = normal.solve(right)
        except ZeroDivisionError:
            return None
        return [solution[i, 0] for i in range(len(chosen))]

    def solve(self, cell: int, proposal: int) -> Solution:
        """The fit of a cell, with its support.

        Args:
            cell: The cell's generators, as bits.
            proposal: The support that floats found; if it is wrong, the cell is solved in
                fractions.
        """
        fit = self.evaluate(proposal & cell)
        if fit is not None and not self.fits[fit].descending & cell:
            return Solution(fit, proposal & cell)
        return self._solve_exactly(cell)

    def _solve_exactly(self, cell: int) -> Solution:
        """Nonnegative least squares in fractions (C. L. Lawson, R. J. Hanson 1974, chapter 23).

        A generator that enters has a negative inner product with the residual, so it is independent
        of the support; each outer step lowers the loss strictly, so no support comes twice.
        """
        support: list[int] = []
        value: dict[int, fmpq] = {}
        while True:
            fit = self.evaluate(sum(1 << k for k in support))
            if fit is None:
                raise ArithmeticError("a support of the active-set method is not positive")
            entering = self.fits[fit].descending & cell
            if not entering:
                return Solution(fit, sum(1 << k for k in support))
            new = members(entering)[0]
            support.append(new)
            value[new] = ZERO
            while True:
                solved = self.coefficients(support)
                if solved is None:
                    raise ArithmeticError("a support of the active-set method is dependent")
                if all(v > 0 for v in solved):
                    value = dict(zip(support, solved, strict=True))
                    break
                step = min(
                    value[k] / (value[k] - v)
                    for k, v in zip(support, solved, strict=True)
                    if v <= 0
                )
                value = {
                    k: value[k] + step * (v - value[k])
                    for k, v in zip(support, solved, strict=True)
                }
                support = [k for k in support if value[k] > 0]
                value = {k: value[k] for k in support}

    def _fit(self, support: int, solved: Iterable[fmpq]) -> int:
        residual = [-value for value in self._centred]
        for k, coefficient in zip(members(support), solved, strict=True):
            residual = [
                r + coefficient * v for r, v in zip(residual, self._columns[k], strict=True)
            ]
        key = tuple(residual)
        if key not in self._places:
            self._places[key] = len(self.fits)
            self.fits.append(self._described(key))
            self.supports.append(support)
        return self._places[key]

    def _described(self, residual: Vector) -> Fit:
        landscape = self.landscape
        loss = landscape.unavoidable + landscape.unit * sum(
            (w * r * r for w, r in zip(landscape.weights, residual, strict=True)), ZERO
        )
        descending = level = 0
        if self._generators is not None:
            slopes = self._generators * fmpq_mat([[r] for r in residual])
            numerators = slopes.numer_denom()[0].entries()
            for k, value in enumerate(numerators):
                if value < 0:
                    descending |= 1 << k
                elif value == 0:
                    level |= 1 << k
        return Fit(residual, loss, descending, level)


def _scaled(values: Iterable[fmpz | fmpq]) -> list[float]:
    """Floats in fixed proportion to exact numbers, the largest about 1, whatever their size."""
    exact = [fmpq(value) for value in values]
    largest = max((abs(value) for value in exact), default=ZERO)
    return [nearest_float(value / largest) if largest else 0.0 for value in exact]


def _unit_rows(rows: Floats) -> Floats:
    import numpy as np

    length = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    return np.ascontiguousarray(rows / np.where(length > 0, length, 1.0))
