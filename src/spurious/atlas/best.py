"""The best point of a closed cell, and the multipliers that nothing in the cell beats it by.

For the squared loss the projection of `spurious.atlas.fits`; for the hinge loss a rational linear
program, solved together with its dual (Theorem 37, docs/mathematics.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from flint import fmpq

from spurious.atlas.fits import Fit, Projector, bits_of, members, words_of
from spurious.atlas.landscape import UnitLandscape
from spurious.atlas.symmetry import Symmetry, symmetries
from spurious.exact.linear_program import Feasible, solve
from spurious.exact.rationals import ONE, ZERO, Vector, dot, fraction, rational
from spurious.problem import DenseLoss


@dataclass(frozen=True, slots=True)
class Side:
    """Data points with one input and one label, which the hinge loss takes for one.

    Attributes:
        group: Which of the different inputs.
        label: 1 or -1.
        points: The data points.
        weight: The sum of their weights, positive.
    """

    group: int
    label: int
    points: tuple[int, ...]
    weight: fmpq


def sides_of(landscape: UnitLandscape, loss: DenseLoss) -> tuple[Side, ...]:
    """The sides of all inputs that count, in their order."""
    found: list[Side] = []
    for k, group in enumerate(landscape.groups):
        for label in (1, -1):
            own = tuple(i for i in group if loss.data.y[i][0] == label)
            weight = sum((loss.factors[i] for i in own), Fraction(0))
            if own:
                found.append(Side(k, label, own, rational(weight)))
    return tuple(found)


def centred_form(
    landscape: UnitLandscape, coefficients: Mapping[int, fmpq], bias: fmpq
) -> tuple[fmpq, dict[int, fmpq]]:
    """The mean of sum t G + c, and the coefficients of the centred generators."""
    weights = [fmpq(w) for w in landscape.weights]
    total, mean = sum(weights, ZERO), bias
    for k, value in coefficients.items():
        mean += value * dot([fmpq(v) for v in landscape.generators[k]], weights) / total
    return mean, {k: v / total for k, v in coefficients.items() if v}


@dataclass(frozen=True, slots=True, eq=False)
class Best:
    """The best point of a cell.

    Attributes:
        fit: Its outputs and loss. With the hinge loss `residual` holds the multipliers instead.
        coefficients: Of the centred generators, as `Projector.coefficients` gives them.
        mean: The mean output.
    """

    fit: Fit
    coefficients: Mapping[int, fmpq]
    mean: fmpq


class BestOfCells(Protocol):
    """What solves cells for some loss.

    Attributes:
        group: The symmetries that may be used; they move residuals.
    """

    group: tuple[Symmetry, ...]

    def solve(self, generators: int) -> Best:
        """The best point of a cell, given by its generators as bits."""
        ...

    def multipliers(self, residual: Vector) -> tuple[Fraction, ...]:
        """G of Theorems 13 and 37 for every data point, from a fit's residual, moved or not."""
        ...


def best_of_cells(landscape: UnitLandscape, loss: DenseLoss) -> BestOfCells:
    """What solves the cells of a landscape.

    Args:
        landscape: Of this loss.
        loss: Squared or hinge.
    """
    if loss.loss == "squared":
        return _Squared(landscape, loss)
    return _Hinge(landscape, loss)


class _Squared:
    def __init__(self, landscape: UnitLandscape, loss: DenseLoss) -> None:
        self.landscape, self.loss = landscape, loss
        self.projector = Projector(landscape)
        self.group = symmetries(landscape)

    def solve(self, generators: int) -> Best:
        from spurious.atlas.proposals import propose  # Numba takes half a second to import

        projector = self.projector
        words = words_of(generators, projector.words).reshape(1, -1)
        proposal = propose(projector.columns, projector.target, words)[0]
        solution = projector.solve(generators, bits_of(proposal))
        chosen = members(solution.support)
        coefficients = projector.coefficients(chosen)
        if coefficients is None:
            raise ArithmeticError("the support of a fit is dependent")
        fit = projector.fits[solution.fit]
        return Best(fit, dict(zip(chosen, coefficients, strict=True)), projector.mean)

    def multipliers(self, residual: Vector) -> tuple[Fraction, ...]:
        """2 w_i (f_i - y_i), equal inputs having equal f."""
        found = [Fraction(0)] * self.loss.data.size
        landscape = self.landscape
        for members_, r, target in zip(landscape.groups, residual, landscape.targets, strict=True):
            for i in members_:
                missed = fraction(r + target) - self.loss.data.y[i][0]
                found[i] = 2 * self.loss.factors[i] * missed
        return tuple(found)


class _Hinge:
    def __init__(self, landscape: UnitLandscape, loss: DenseLoss) -> None:
        self.landscape, self.loss = landscape, loss
        self.group = (Symmetry(tuple(range(loss.data.size)), flips=False),)
        self._sides = sides_of(landscape, loss)
        self._columns = [tuple(fmpq(v) for v in g) for g in landscape.generators]
        """Generators at the different inputs."""

    def solve(self, generators: int) -> Best:
        chosen = members(generators)
        sides = self._sides
        signed = [
            tuple(side.label * self._columns[g][side.group] for side in sides) for g in chosen
        ]
        ones = tuple(fmpq(side.label) for side in sides)
        t, c, slopes = _least_hinge(signed, ones, [side.weight for side in sides])
        multipliers = [ZERO] * self.loss.data.size
        for side, slope in zip(sides, slopes, strict=True):
            for i in side.points:
                factor = rational(self.loss.factors[i]) / side.weight
                multipliers[i] = -side.label * slope * factor
        loss = sum(slopes, ZERO)
        descending = level = 0
        sums = [sum((multipliers[i] for i in group), ZERO) for group in self.landscape.groups]
        for k, column in enumerate(self._columns):
            slope = dot(sums, column)
            descending |= (slope < 0) << k
            level |= (slope == 0) << k
        fit = Fit(tuple(multipliers), loss, descending, level)
        mean, coefficients = centred_form(self.landscape, dict(zip(chosen, t, strict=True)), c)
        return Best(fit, coefficients, mean)

    def multipliers(self, residual: Vector) -> tuple[Fraction, ...]:
        return tuple(map(fraction, residual))


def _least_hinge(
    generators: list[Vector], constant: Vector, weights: list[fmpq]
) -> tuple[Vector, fmpq, Vector]:
    """The least sum of w max(1 - m, 0) over margins m = sum t G + c constant with t >= 0.

    One feasibility problem: the linear program's constraints, those of its dual, and that both
    have the same value.

    Args:
        generators: G, each of shape (n,), times the labels.
        constant: The labels, shape (n,).
        weights: W, shape (n,).

    Returns:
        T, shape (K,), c, and the dual solution lambda, shape (n,), whose sum is the least value.
    """
    n, k = len(constant), len(generators)
    rows = n + 1 + k + 1

    def column(entries: Mapping[int, fmpq]) -> list[fmpq]:
        return [entries.get(r, ZERO) for r in range(rows)]

    last = rows - 1
    columns = [column(dict(enumerate(g))) for g in generators]  # t
    columns += [column(dict(enumerate(constant))), column(dict(enumerate(-v for v in constant)))]
    columns += [column({i: ONE, last: w}) for i, w in enumerate(weights)]  # xi
    columns += [column({i: -ONE}) for i in range(n)]  # what the constraints leave
    upper: list[fmpq | None] = [None] * len(columns)
    for i in range(n):  # lambda
        pulls = {n + 1 + j: -g[i] for j, g in enumerate(generators)}
        columns.append(column({n: constant[i], **pulls, last: -ONE}))
        upper.append(weights[i])
    columns += [column({n + 1 + j: -ONE}) for j in range(k)]
    upper += [None] * k
    found = solve(columns, [ONE] * n + [ZERO] * (k + 2), upper)
    if not isinstance(found, Feasible):
        raise ArithmeticError("a linear program and its dual have different values")
    values = [v for v in found.multipliers if isinstance(v, fmpq)]
    first = k + 2 + 2 * n
    return tuple(values[:k]), values[k] - values[k + 1], tuple(values[first : first + n])
