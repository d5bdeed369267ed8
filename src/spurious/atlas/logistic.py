"""The logistic loss on cells: infima told apart from minima, and minima enclosed in balls.

On a closed cell the loss is convex in the fitted vector f, strictly so; either its infimum is
attained at one f, or there is a *recession direction* u in the cell's cone plus the constants along
which no margin falls and some margin rises: then the loss falls for ever along it, from every point
(Theorem 14, docs/mathematics.md), and the cell and all larger ones hold no local minimum. Which of
the two is an exact linear program.

The minimiser is irrational in general. On the span of its support it is the one critical point of a
strictly convex function, and Krawczyk's test encloses it. Signs of inner products with the
derivative g are then read off balls. That one is exactly zero can only be seen from its form: g is
orthogonal to the span of the support and the constants, and two points with equal labels whose
outputs are equal by construction have equal derivatives. What is neither is `UnresolvedError`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flint import arb, arb_mat, fmpq, fmpq_mat

from spurious.atlas.fits import Fit, members
from spurious.atlas.landscape import UnitLandscape
from spurious.atlas.logistic_floats import functional, inner_point, newton, supports
from spurious.atlas.recession import recedes
from spurious.atlas.states import UnresolvedError
from spurious.exact import balls
from spurious.exact.krawczyk import krawczyk
from spurious.exact.linear_program import Feasible, is_feasible, solve
from spurious.exact.rationals import (
    ONE,
    ZERO,
    Vector,
    dot,
    fraction,
    nullspace,
    rank,
    rational,
)

BITS: Final = 320
"""Precision of the enclosures."""

RADIUS_BITS: Final = 240
"""Minimisers are enclosed within 2^-RADIUS_BITS."""

DIGITS: Final = 30
"""Decimals that midpoints are rounded to."""


@dataclass(frozen=True, slots=True, eq=False)
class _Enclosed:
    """A fit's support and its coefficients in balls."""

    support: int
    coefficients: tuple[arb, ...]


class LogProjector:
    """Solves cells for the logistic loss, and remembers every fit it has met.

    Attributes:
        landscape: The data; targets are means of labels -1 and 1.
        positive_count: What labels 1 weigh at each point, in multiples of the landscape's unit.
        negative_count: The same of labels -1.
        fits: The different fits. Residuals and losses are midpoints, rounded.
        supports: A support of each.
    """

    def __init__(self, landscape: UnitLandscape) -> None:
        self.landscape = landscape
        pairs = list(zip(landscape.weights, landscape.targets, strict=True))
        self.positive_count = [w * (1 + y) / 2 for w, y in pairs]
        self.negative_count = [w * (1 - y) / 2 for w, y in pairs]
        self.fits: list[Fit] = []
        self.supports: list[int] = []
        self._supports: dict[int, int | None] = {}
        self._cells: dict[int, int | None] = {}
        self._enclosed: dict[Fit, _Enclosed] = {}
        self._generators = [tuple(fmpq(v) for v in g) for g in landscape.generators]
        self.recessive = {
            bits: recedes(self._generators, bits, self.positive_count, self.negative_count)
            for bits in (0, *landscape.regions)
        }

    def centred(self, generator: int) -> Vector:
        """A generator less its mean, times the number of points, shape (n,)."""
        weights = self.landscape.weights
        total = sum(weights)
        row = self._generators[generator]
        middle = sum((v * w for v, w in zip(row, weights, strict=True)), ZERO)
        return tuple(v * total - middle for v in row)

    def centre_of(self, fit: Fit) -> fmpq:
        """The mean output of a fit, rounded."""
        weights, targets = self.landscape.weights, self.landscape.targets
        triples = zip(fit.residual, targets, weights, strict=True)
        return sum(((r + y) * w for r, y, w in triples), ZERO) / sum(weights)

    def solve_cell(self, cell: int) -> int | None:
        """The fit of a cell, given by its generators, or None if the infimum is not attained.

        Raises:
            UnresolvedError: Floats and balls found no fit that is proved to be the cell's.
        """
        if cell not in self._cells:
            self._cells[cell] = self._solve_cell(cell)
        return self._cells[cell]

    def _solve_cell(self, cell: int) -> int | None:
        if recedes(self._generators, cell, self.positive_count, self.negative_count):
            return None
        chosen = members(cell)
        generators = [self._generators[k] for k in chosen]
        for found in supports(generators, self.positive_count, self.negative_count):
            support = sum(1 << chosen[p] for p in found)
            fit = self.evaluate(support)
            if fit is not None and not self.fits[fit].descending & cell:
                return fit
        raise UnresolvedError("no support of a cell was proved to be the right one")

    def evaluate(self, support: int) -> int | None:
        """The fit on a support; None if it is dependent, or a coefficient is not positive.

        Raises:
            UnresolvedError: A sign could not be decided.
        """
        if support not in self._supports:
            with balls.precision(BITS):
                self._supports[support] = self._evaluate(support)
        return self._supports[support]

    def positive(self, fit: Fit, needed: int, allowed: int) -> dict[int, fmpq] | None:
        """Coefficients of centred generators that give a fit: positive on `needed`, else >= 0.

        Returns:
            Rounded coefficients, or None if there are none.

        Raises:
            UnresolvedError: It could not be decided.
        """
        with balls.precision(BITS):
            return self._positive(fit, needed, allowed)

    def _evaluate(self, support: int) -> int | None:
        chosen = members(support)
        design = [
            [*(self._generators[k][i] for k in chosen), ONE] for i in range(self.landscape.size)
        ]
        if rank(design) < len(chosen) + 1 or self.recessive.get(support, False):
            return None
        found = self._enclose(design)
        if found is None:
            return None
        signs = [balls.sign(found[j, 0]) for j in range(len(chosen))]
        if any(sign is not None and sign <= 0 for sign in signs):
            return None
        if None in signs:
            raise UnresolvedError("a coefficient could not be told from zero")
        outputs = _product(design, found)
        derivative = self._derivative(outputs)
        return self._remember(support, design, found, outputs, derivative)

    def _derivative(self, outputs: list[arb]) -> list[arb]:
        pairs = zip(outputs, self.positive_count, self.negative_count, strict=True)
        return [arb(n) / (1 + (-f).exp()) - arb(p) / (1 + f.exp()) for f, p, n in pairs]

    def _enclose(self, design: list[list[fmpq]]) -> arb_mat | None:
        """The minimiser on the span of the design's columns, as balls, shape (k + 1, 1)."""
        size = len(design[0])
        matrix = arb_mat([[arb(v) for v in row] for row in design])
        weights = [p + n for p, n in zip(self.positive_count, self.negative_count, strict=True)]

        def gradient(at: arb_mat) -> arb_mat:
            outputs = (matrix * at).entries()
            return matrix.transpose() * arb_mat([[v] for v in self._derivative(outputs)])

        def hessian(at: arb_mat) -> arb_mat:
            outputs = (matrix * at).entries()
            bends = [
                arb(w) / (2 + f.exp() + (-f).exp()) for f, w in zip(outputs, weights, strict=True)
            ]
            bent = arb_mat(
                [[matrix[i, j] * bends[i] for j in range(size)] for i in range(len(design))]
            )
            return matrix.transpose() * bent

        start = newton(design, self.positive_count, self.negative_count)
        if start is None:
            return None
        at = arb_mat([[arb(v)] for v in start])
        for _ in range(8):
            try:
                step = hessian(at).solve(gradient(at))
            except ZeroDivisionError:
                return None
            at = arb_mat([[arb((at[j, 0] - step[j, 0]).mid())] for j in range(size)])
        radius = arb(2) ** -RADIUS_BITS
        if not krawczyk(gradient, hessian, at, radius):
            return None
        return arb_mat([[at[j, 0] + arb(0, radius)] for j in range(size)])

    def _remember(
        self,
        support: int,
        design: list[list[fmpq]],
        found: arb_mat,
        outputs: list[arb],
        derivative: list[arb],
    ) -> int:
        """Adds a fit, unless it is provably one that is known.

        Raises:
            UnresolvedError: A sign, or whether it is a known one, could not be decided.
        """
        descending = level = 0
        form = self._relations(design)
        dimension = rank(form)
        flat = None if support else self._constant_derivative()
        for k, generator in enumerate(self._generators):
            if flat is not None:
                exact = dot(flat, generator)
                sign = (exact > 0) - (exact < 0)
            elif rank([*form, generator]) == dimension:
                sign = 0
            else:
                pairs = zip(derivative, generator, strict=True)
                ball = sum((g * arb(v) for g, v in pairs), arb(0))
                sign = balls.sign(ball)
                if sign is None:
                    raise UnresolvedError("an inner product could not be told from zero")
            descending |= (sign < 0) << k
            level |= (sign == 0) << k
        residual = tuple(
            _rounded(f) - y for f, y in zip(outputs, self.landscape.targets, strict=True)
        )
        for k, known in enumerate(self.fits):
            if max(abs(a - b) for a, b in zip(known.residual, residual, strict=True)) < fmpq(
                1, 10 ** (DIGITS // 2)
            ):
                mine, other = support & ~known.level, self.supports[k] & ~level
                if mine or other:
                    raise UnresolvedError("two fits could not be told apart")
                return k
        loss = sum(
            (
                arb(p) * (1 + (-f).exp()).log() + arb(n) * (1 + f.exp()).log()
                for f, p, n in zip(outputs, self.positive_count, self.negative_count, strict=True)
            ),
            arb(0),
        )
        loss *= arb(self.landscape.unit)
        middle = _rounded(loss)
        away = max(abs(rational(end) - middle) for end in balls.bounds(loss))
        radius = max(fmpq(2, 10**DIGITS), rational(balls.simple_above(fraction(away))))
        fit = Fit(residual, middle, descending, level, radius)
        coefficients = tuple(found[j, 0] for j in range(len(design[0]) - 1))
        self._enclosed[fit] = _Enclosed(support, coefficients)
        self.fits.append(fit)
        self.supports.append(support)
        return len(self.fits) - 1

    def _constant_derivative(self) -> Vector:
        """The derivative at the best constant c = log(P/N), which is rational."""
        plus, minus = sum(self.positive_count, ZERO), sum(self.negative_count, ZERO)
        pairs = zip(self.positive_count, self.negative_count, strict=True)
        return tuple((n * plus - p * minus) / (plus + minus) for p, n in pairs)

    def _relations(self, design: list[list[fmpq]]) -> list[Vector]:
        """Vectors that the derivative is orthogonal to: the design's columns, and pairs of points.

        Points with equal labels and equal rows of the design have equal derivatives.
        """
        size = len(design)
        form = [tuple(row[j] for row in design) for j in range(len(design[0]))]
        for i in range(size):
            for k in range(i):
                labels = [(self.positive_count[j], self.negative_count[j]) for j in (i, k)]
                if design[i] == design[k] and labels[0] == labels[1]:
                    form.append(_difference(size, i, k))
        return form

    def _positive(self, fit: Fit, needed: int, allowed: int) -> dict[int, fmpq] | None:
        known = self._enclosed[fit]
        support = known.support
        both = members(allowed | support)
        columns = {k: self.centred(k) for k in both}
        total = sum(self.landscape.weights)
        values = dict(zip(members(support), (v / total for v in known.coefficients), strict=True))
        if rank([columns[k] for k in both]) == len(both):
            if support & ~allowed or needed & ~support:
                return None
            return {k: _rounded(v) for k, v in values.items()}
        if not support:
            return self._positive_nothing(columns, needed, allowed)
        if self._blocked(columns, support, needed, allowed):
            return None
        if self._separated(columns, support, allowed):
            return None
        if self._outside(columns, values, allowed):
            return None
        found = self._interior(columns, values, needed, allowed)
        if found is None and self._cut_off(columns, values, allowed):
            return None
        if found is None:
            raise UnresolvedError("whether some units give a fit could not be decided")
        return found

    def _positive_nothing(
        self, columns: dict[int, Vector], needed: int, allowed: int
    ) -> dict[int, fmpq] | None:
        """Coefficients that give the constant fit: t with sum t_k H_k = 0, t >= 1 where needed."""
        start = [ZERO] * self.landscape.size
        for k in members(needed):
            start = [a + b for a, b in zip(start, columns[k], strict=True)]
        free = members(allowed)
        result = solve([columns[k] for k in free], [-v for v in start])
        if not isinstance(result, Feasible):
            return None
        found = zip(free, result.multipliers, strict=True)
        return {
            k: v + (needed >> k & 1)
            for k, v in found
            if isinstance(v, fmpq) and (v or needed >> k & 1)
        }

    def _outside(self, columns: dict[int, Vector], values: dict[int, arb], allowed: int) -> bool:
        """Whether balls show that a fit is not in the span of what is allowed.

        Or, if that is independent, that its only coefficients there are not all nonnegative.
        """
        free, size = members(allowed), self.landscape.size
        for normal in nullspace([columns[k] for k in free], size):
            pairs = ((dot(normal, columns[k]), v) for k, v in values.items())
            if balls.sign(sum((arb(entry) * v for entry, v in pairs), arb(0))) in (1, -1):
                return True
        if not free or rank([columns[k] for k in free]) < len(free):
            return False
        chosen = fmpq_mat([list(columns[k]) for k in free])
        normal = (chosen * chosen.transpose()).inv() * chosen
        target = _combined(columns, values, size)
        found = [
            sum((arb(normal[row, i]) * v for i, v in enumerate(target)), arb(0))
            for row in range(len(free))
        ]
        return any(balls.sign(value) == -1 for value in found)

    def _cut_off(self, columns: dict[int, Vector], values: dict[int, arb], allowed: int) -> bool:
        """Whether a functional that floats propose is >= 0 on what is allowed, < 0 on the fit.

        It vanishes on the lines in the cone of what is allowed, and is positive on the rest.
        """
        free, size = members(allowed), self.landscape.size
        spanned = [columns[k] for k in free]
        lines = [k for k in free if is_feasible(spanned, [-v for v in columns[k]])]
        basis = nullspace([columns[k] for k in lines], size)
        rest = [k for k in free if k not in lines]
        target = [
            sum((_rounded(v) * columns[k][i] for k, v in values.items()), ZERO) for i in range(size)
        ]
        proposed = functional(
            [[dot(b, columns[k]) for b in basis] for k in rest], [dot(b, target) for b in basis]
        )
        if proposed is None:
            return False
        weights = [fmpq(int(z * 2**50), 2**50) for z in proposed]
        cut = [
            sum((z * b[i] for z, b in zip(weights, basis, strict=True)), ZERO) for i in range(size)
        ]
        if any(dot(cut, columns[k]) <= 0 for k in rest):
            return False
        height = sum((arb(dot(cut, columns[k])) * v for k, v in values.items()), arb(0))
        return balls.sign(height) == -1

    def _separated(self, columns: dict[int, Vector], support: int, allowed: int) -> bool:
        """Whether a linear functional is >= 0 on what is allowed and negative on the fit.

        It is <= 0 on the support, and -1 on the sum of the support; coefficients are positive.
        """
        size, free, own = self.landscape.size, members(allowed), members(support)
        rows = len(free) + len(own) + 1
        total = [sum((columns[k][i] for k in own), ZERO) for i in range(size)]
        functional = [[*(columns[k][i] for k in (*free, *own)), total[i]] for i in range(size)]
        slacks = [
            [(-ONE if r < len(free) else ONE) if i == r else ZERO for i in range(rows)]
            for r in range(rows - 1)
        ]
        return is_feasible(slacks, [ZERO] * (rows - 1) + [-ONE], functional)

    def _blocked(self, columns: dict[int, Vector], support: int, needed: int, allowed: int) -> bool:
        """Whether a linear functional proves that there are no coefficients.

        It vanishes on the support, so on the fit; is nonnegative on what is allowed, and positive
        on something needed, which would have to be 0.
        """
        size = self.landscape.size
        basis = nullspace([columns[k] for k in members(support)], size)
        if not basis:
            return False
        free = members(allowed)
        if not needed & allowed:
            return False
        # pi = sum z_b b; pi.H_k - s_k = 0; sum over needed of pi.H_k = 1.
        functional: list[list[fmpq]] = []
        for b in basis:
            column = [dot(b, columns[k]) for k in free]
            wanted = (v for v, k in zip(column, free, strict=True) if needed >> k & 1)
            functional.append([*column, sum(wanted, ZERO)])
        slacks = [
            [-ONE if r == i else ZERO for r in range(len(free) + 1)] for i in range(len(free))
        ]
        return is_feasible(slacks, [ZERO] * len(free) + [ONE], functional)

    def _interior(
        self, columns: dict[int, Vector], values: dict[int, arb], needed: int, allowed: int
    ) -> dict[int, fmpq] | None:
        """Coefficients proposed by a float program and proved positive in balls."""
        free = members(allowed)
        size = self.landscape.size
        target = [
            sum((_rounded(v) * columns[k][i] for k, v in values.items()), ZERO) for i in range(size)
        ]
        proposed = inner_point(
            [columns[k] for k in free], [bool(needed >> k & 1) for k in free], target
        )
        if proposed is None:
            return None
        basic: list[int] = []
        for p in sorted(range(len(free)), key=proposed.__getitem__, reverse=True):
            if proposed[p] > 0 and (
                rank([columns[free[q]] for q in (*basic, p)]) == len(basic) + 1
            ):
                basic.append(p)
        span = [columns[free[p]] for p in basic]
        if any(rank([*span, columns[k]]) > len(basic) for k in values):
            return None
        right = _combined(columns, values, size)
        result: dict[int, fmpq] = {}
        for p, value in enumerate(proposed):
            if p not in basic and value > 0:
                share = fmpq(*value.as_integer_ratio())
                result[free[p]] = share
                right = [v - arb(share * h) for v, h in zip(right, columns[free[p]], strict=True)]
        chosen = fmpq_mat([list(column) for column in span])
        normal = (chosen * chosen.transpose()).inv() * chosen
        for row, p in enumerate(basic):
            solved = sum((arb(normal[row, i]) * v for i, v in enumerate(right)), arb(0))
            if balls.sign(solved) != 1:
                return None
            result[free[p]] = _rounded(solved)
        return result


def _difference(size: int, one: int, two: int) -> Vector:
    return tuple(ONE if i == one else -ONE if i == two else ZERO for i in range(size))


def _product(design: list[list[fmpq]], at: arb_mat) -> list[arb]:
    return [sum((arb(v) * at[j, 0] for j, v in enumerate(row)), arb(0)) for row in design]


def _combined(columns: dict[int, Vector], values: dict[int, arb], size: int) -> list[arb]:
    """The sum of columns times values, shape (n,)."""
    return [sum((arb(columns[k][i]) * v for k, v in values.items()), arb(0)) for i in range(size)]


def _rounded(value: arb) -> fmpq:
    """The midpoint, rounded to `DIGITS` decimals."""
    scaled = balls.midpoint(value) * 10**DIGITS
    return fmpq(int((scaled + fmpq(1, 2)).floor()), 10**DIGITS)
