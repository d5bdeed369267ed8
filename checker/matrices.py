"""Exact ranks and inverses; definiteness, and Krawczyk's test with the index (9.3, 9.4)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from checker.arrays import Balls, whole
from checker.derivatives import Box
from checker.functions import BENT
from checker.numbers import Interval, hull, integer_dot, require, require_shown
from checker.programs import Map, moving
from checker.reading import as_list, read_row

Basis = dict[int, list[int]]  # rows by pivot: not 0 there, and all others are 0 there
Rows = list[list[int]]  # of a matrix, over 2^bits
MAX_HESSIAN = 2000  # parameters of a program whose Hessian is enclosed
NOT_DEFINITE = "the Hessian is not shown to be positive definite"


def enlarge(basis: Basis, vector: Sequence[Fraction]) -> None:
    """Adds a vector to a basis, unless it depends on it; rows may be scaled, so they are whole."""
    row = whole(vector)[0]
    for pivot, other in basis.items():
        row = cleared(row, pivot, other)
    place = next((k for k, v in enumerate(row) if v), None)
    if place is not None:
        for pivot, other in basis.items():
            basis[pivot] = cleared(other, place, row)
        basis[place] = row


def cleared(row: list[int], pivot: int, other: list[int]) -> list[int]:
    """A combination of the rows that is 0 at the pivot, in lowest terms."""
    if not row[pivot]:
        return row
    a, b = other[pivot], row[pivot]
    found = [a * x - b * y for x, y in zip(row, other, strict=True)]
    common = math.gcd(*found) or 1
    return [x // common for x in found]


def row_space(matrix: Sequence[Sequence[Fraction]]) -> Basis:
    """A basis of the space of the rows."""
    basis = Basis()
    for row in matrix:
        enlarge(basis, row)
    return basis


def rank(matrix: Sequence[Sequence[Fraction]]) -> int:
    """The rank."""
    return len(row_space(matrix))


def null_vector(basis: Basis, width: int) -> list[Fraction]:
    """The vector, up to a factor, that a basis of width - 1 rows is orthogonal to."""
    (free,) = set(range(width)) - set(basis)
    found = [Fraction(1)] * width
    for pivot, row in basis.items():
        found[pivot] = Fraction(-row[free], row[pivot])
    return found


def inverse(matrix: list[list[Fraction]]) -> list[list[Fraction]]:
    """The inverse of a square matrix M: the rows of (M, I) reduced to (I, M^-1)."""
    n = len(matrix)
    basis = row_space([[*row, *(Fraction(a == b) for b in range(n))]
                     for a, row in enumerate(matrix)])  # fmt: skip
    require(set(basis) == set(range(n)), "a matrix is singular")
    return [[Fraction(v, basis[k][k]) for v in basis[k][n:]] for k in range(n)]


def factored(matrix: Rows, p: int, definite: bool) -> tuple[int, list[int]]:
    """M = L D L^T + E with exact L and D over 2^p: how many D are negative, and bounds for E.

    L (unit lower triangular) and D are computed in fixed point, a D below 2^(-p/4) in size is
    replaced by that, or `Undecided` where D has to be positive. Whatever L and D are, E is then
    computed exactly, over 2^(3p). Its bounds are for each row the sum of |E| over 2^p, rounded up.
    """
    least, lower, diagonal, errors = 1 << p - p // 4, Rows(), list[int](), [0] * len(matrix)
    for i, row in enumerate(matrix):
        new, w = list[int](), list[int]()  # of row i: L, and L times D, rounded
        for j in range(i):
            w.append(row[j] - (integer_dot(w, lower[j]) >> p))
            new.append((w[j] << p) // diagonal[j])
        pivot = row[i] - (integer_dot(w, new) >> p)
        require_shown(pivot > 0 or not definite, NOT_DEFINITE)
        if abs(pivot) < least and not definite:
            pivot = least if pivot >= 0 else -least
        diagonal.append(pivot)
        lower.append([*new, 1 << p])
        heavy = [a * d for a, d in zip(lower[i], diagonal, strict=True)]  # over 2^(2p)
        for j in range(i + 1):
            e = abs((row[j] << 2 * p) - integer_dot(heavy, lower[j]))
            errors[i] += e
            errors[j] += e if j < i else 0
    return sum(d < 0 for d in diagonal), [(e >> 2 * p) + 1 for e in errors]


def require_above(h: Sequence[Balls], bound: Fraction) -> None:
    """Every symmetric matrix in the rows h has all eigenvalues above the bound (9.3).

    With w the largest row sum of radii and s = bound / 2^20, let M - (bound + w + s) I =
    L D L^T + E, D > 0, |E| <= s. A matrix in h differs from M by at most w in norm, so it is at
    least L D L^T + bound + s - |E|, and that is above the bound.
    """
    p = h[0].bits
    s = int(bound * (1 << p)) >> 20
    shift = -int(-bound * (1 << p) // 1) + max(sum(row.r) for row in h) + s
    shifted = [[a - shift * (i == j) for j, a in enumerate(row.m)] for i, row in enumerate(h)]
    require_shown(max(factored(shifted, p, definite=True)[1]) <= s, NOT_DEFINITE)


def require_definite(h: Sequence[Balls], bound: Fraction, s: Rows) -> None:
    """S (H - bound I) S^T is strictly diagonally dominant with positive diagonal (section 5.3).

    Then it is positive definite by Gershgorin, S is injective, and every symmetric H in the
    interval matrix has all eigenvalues above the bound. That holds for any S.
    """
    p, size = h[0].bits, range(len(h))
    least = -((-bound.numerator << p) // bound.denominator)
    mid = [[m - least * (a == b) for b, m in enumerate(row.m)] for a, row in enumerate(h)]
    sizes = [list(map(abs, row)) for row in s]
    middle, wide = congruent(s, mid), congruent(sizes, [row.r for row in h])
    for a in size:
        others = sum(abs(middle[a][b]) + wide[a][b] for b in size if b != a)
        require_shown(middle[a][a] - wide[a][a] > others, NOT_DEFINITE)


def congruent(s: Rows, m: Rows) -> Rows:
    """S M S^T among integers."""
    columns = list(zip(*m, strict=True))
    left = [[integer_dot(row, column) for column in columns] for row in s]
    return [[integer_dot(row, other) for other in s] for row in left]


def require_independent(columns: Sequence[Balls]) -> None:
    """The vectors in these columns are independent: their Gram matrix is positive definite.

    Each is multiplied by a power of two first, so that its largest entry is about 1.
    """
    bits, m, r = columns[0].bits, list[int](), list[int]()
    for column in columns:
        up = bits - max(map(abs, column.m)).bit_length()
        down, up = max(-up, 0), max(up, 0)
        m += [a << up >> down for a in column.m]
        r += [(s << up >> down) + 2 * (down > 0) for s in column.r]
    scaled, layout = Balls(m, r, bits), (0, len(columns), len(columns[0].m), True)
    gram = scaled.outer(layout, scaled, layout)
    require_above(gram.rows(len(columns)), Fraction(1, 1 << bits // 2))


def require_minimum(box: Box, bound: Fraction) -> Interval:
    """2 |gradient|_2 < bound radius at the centre (5.3, 9.3).

    Where the Hessian's eigenvalues are above the bound, there is then a minimum in the box, whose
    loss is enclosed: lower than the centre's by at most |gradient|^2 / (2 bound).
    """
    gradient = box.at.gradient().pick(box.free)
    ends = ((abs(m) + s) ** 2 for m, s in zip(gradient.m, gradient.r, strict=True))
    squared, top = Fraction(sum(ends), 1 << 2 * box.bits), box.at.loss.intervals()[0]
    small = 4 * squared < (bound * box.radius) ** 2
    require_shown(small, "the gradient at the centre is not shown to be small enough")
    return hull(top, top - squared / (2 * bound))


def read_square(x: object, size: int, bits: int) -> Rows:
    """Reads a square matrix, rounded: any for which what is asked holds will do."""
    rows = as_list(x, size)
    return [[round(v * (1 << bits)) for v in read_row(row, size)] for row in rows]


def require_contraction(a: Rows, columns: Sequence[Balls], g: Balls, r: Fraction) -> list[int]:
    """Krawczyk's test (9.4, 9.8): |A g| + |I - A J| r < r, so there is a zero within r.

    The columns enclose the derivative J over a box of radius r, g the value at its centre. Gives
    bounds for the row sums of |I - A J|, over 2^(2 bits): those of |A D|, with D within the radii
    of J, are |A| times the row sums of the radii.
    """
    unit, step, sums = 1 << 2 * g.bits, 0, list[int]()
    wide = [sum(radii) for radii in zip(*(column.r for column in columns), strict=True)]
    for i, row in enumerate(a):
        sizes = list(map(abs, row))
        off = (unit * (i == j) - integer_dot(row, column.m) for j, column in enumerate(columns))
        sums.append(sum(map(abs, off)) + integer_dot(sizes, wide))
        step = max(step, abs(integer_dot(row, g.m)) + integer_dot(sizes, g.r))
    require_shown(step < r * (unit - max(sums)), "no solution is shown to lie in the box")
    return sums


def isolated(box: Box, preconditioner: object) -> tuple[int, Interval]:
    """Section 9.4: a critical point in the box. Gives its index, and an enclosure of its loss.

    It is off the centre's by at most the radius times the sum of |gradient| over the box.
    """
    size, p = len(box.free), box.bits
    require(size <= MAX_HESSIAN, "there are too many parameters for a Hessian")
    steps = box.program.steps
    for step, moves in zip(steps, moving(steps), strict=True):
        jumps = moves and isinstance(step, Map) and step.function[0] in BENT
        smooth = not jumps or box.over.values[step.of[0]].nonzero()
        require_shown(smooth, "a second derivative may jump in the box")
    a, h = read_square(preconditioner, size, p), box.over.hessian(box.free)
    sums = require_contraction(a, h, box.at.gradient().pick(box.free), box.radius)
    negative, errors = factored([row.m for row in h], p, definite=False)
    norm = max(s + integer_dot(map(abs, row), errors) for s, row in zip(sums, a, strict=True))
    require_shown(norm < 1 << 2 * p, "the index is not decided")
    slope, loss = box.over.gradient().pick(box.free), box.at.loss.intervals()[0]
    steep = sum(abs(m) + s for m, s in zip(slope.m, slope.r, strict=True))
    moved = Interval.of(box.radius * Fraction(steep, 1 << p), p)
    return negative, Interval(loss.lo - moved.hi, loss.hi + moved.hi, p)
