"""Symmetric interval matrices: definiteness, and Krawczyk's test with the index (9.3, 9.4)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from checker.arrays import Balls
from checker.derivatives import Box
from checker.functions import BENT
from checker.numbers import Interval, Undecided, integer_dot, require
from checker.programs import Map
from checker.reading import as_list, read_row

Rows = list[list[int]]  # of a matrix, over 2^bits
MAX_HESSIAN = 2000  # parameters of a program whose Hessian is enclosed


@dataclass(frozen=True)
class Enclosed:
    """A symmetric interval matrix: entries within `wide` of `mid`, all over 2^bits.

    Attributes:
        mid: (n, n), symmetric.
        wide: For each row the sum of the radii.
        bits: The precision.
    """

    mid: Rows
    wide: list[int]
    bits: int


def symmetric(columns: list[Balls]) -> Enclosed:
    """An enclosure of the symmetric matrices in these columns, by the lower triangle."""
    size = range(len(columns))
    mid = [[columns[min(i, j)].m[max(i, j)] for j in size] for i in size]
    wide = [sum(columns[min(i, j)].r[max(i, j)] for j in size) for i in size]
    return Enclosed(mid, wide, columns[0].bits)


def factored(matrix: Rows, p: int, definite: bool) -> tuple[int, list[int]]:
    """M = L D L^T + E with exact L and D over 2^p: how many D are negative, and bounds for E.

    L (unit lower triangular) and D are computed in fixed point, a D below 2^(-p/4) in size is
    replaced by that. Whatever L and D are, E is then computed exactly, over 2^(3p).

    Returns:
        The number of negative entries of D, and for each row the sum of |E| over 2^p, rounded up.

    Raises:
        Undecided: If a D is not positive and all must be.
    """
    least, one = 1 << p - p // 4, 1 << p
    lower, scaled, diagonal = list[list[int]](), list[list[int]](), list[int]()
    errors = [0] * len(matrix)
    for i, row in enumerate(matrix):
        new, w = list[int](), list[int]()  # of row i: L, and L times D, rounded
        for j in range(i):
            w.append(row[j] - (integer_dot(w, lower[j]) >> p))
            new.append((w[j] << p) // diagonal[j])
        pivot = row[i] - (integer_dot(w, new) >> p)
        if definite and pivot <= 0:
            raise Undecided("the Hessian is not shown to be positive definite")
        if abs(pivot) < least and not definite:
            pivot = least if pivot >= 0 else -least
        diagonal.append(pivot)
        lower.append([*new, one])
        heavy = [a * d for a, d in zip(lower[i], diagonal, strict=True)]  # over 2^(2p)
        scaled.append(heavy)
        for j in range(i + 1):
            e = abs((row[j] << 2 * p) - integer_dot(heavy, lower[j]))
            errors[i] += e
            errors[j] += e if j < i else 0
    return sum(d < 0 for d in diagonal), [(e >> 2 * p) + 1 for e in errors]


def require_above(h: Enclosed, bound: Fraction) -> None:
    """Every symmetric matrix in h has all eigenvalues above the bound (9.3).

    With w the largest row sum of radii and s = bound / 2^20, let M - (bound + w + s) I =
    L D L^T + E, D > 0, |E| <= s. A matrix in h differs from M by at most w in norm, so it is at
    least L D L^T + bound + s - |E|, and that is above the bound.
    """
    s = int(bound * (1 << h.bits)) >> 20
    shift = -int(-bound * (1 << h.bits) // 1) + max(h.wide) + s
    shifted = [[a - shift * (i == j) for j, a in enumerate(row)] for i, row in enumerate(h.mid)]
    _, errors = factored(shifted, h.bits, definite=True)
    if max(errors) > s:
        raise Undecided("the Hessian is not shown to be positive definite")


def require_definite(h: list[Balls], bound: Fraction, s: Rows) -> None:
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
        if middle[a][a] - wide[a][a] <= others:
            raise Undecided("the Hessian is not shown to be positive definite")


def congruent(s: Rows, m: Rows) -> Rows:
    """S M S^T among integers."""
    columns = list(zip(*m, strict=True))
    left = [[integer_dot(row, column) for column in columns] for row in s]
    return [[integer_dot(row, other) for other in s] for row in left]


def require_independent(columns: list[Balls]) -> None:
    """The vectors in these columns are independent: their Gram matrix is positive definite.

    Each is multiplied by a power of two first, so that its largest entry is about 1.
    """
    size, length, bits = len(columns), len(columns[0].m), columns[0].bits
    scaled = list[Balls]()
    for column in columns:
        up = bits - max(map(abs, column.m)).bit_length()
        down, up = max(-up, 0), max(up, 0)
        m = [a << up >> down for a in column.m]
        scaled.append(Balls(m, [(s << up >> down) + 2 * (down > 0) for s in column.r], bits))
    whole, layout = scaled[0].joined(scaled), (size, length, True)
    gram = whole.outer(0, layout, whole, 0, layout)
    rows = [gram.pick(range(k * size, (k + 1) * size)) for k in range(size)]
    require_above(symmetric(rows), Fraction(1, 1 << bits // 2))


def read_square(x: object, size: int, bits: int) -> Rows:
    """Reads a square matrix, rounded: any for which what is asked holds will do."""
    rows = as_list(x, size)
    return [[round(v * (1 << bits)) for v in read_row(row, size)] for row in rows]


def require_contraction(
    a: Rows, columns: Rows, wide: list[int], g: Balls, r: Fraction
) -> list[int]:
    """Krawczyk's test (9.4, 9.8): |A g| + |I - A J| r < r, so there is a zero within r.

    Args:
        a: A, its rows.
        columns: The middles of J.
        wide: For each row of J the sum of the radii; row sums of |A D|, D within, are |A| wide.
        g: What is to be zero, at the centre.
        r: The radius of the box over which J encloses the derivative.

    Returns:
        Bounds for the row sums of |I - A J|, over 2^(2 bits).
    """
    unit, step, sums = 1 << 2 * g.bits, 0, list[int]()
    for i, row in enumerate(a):
        sizes = list(map(abs, row))
        off = (unit * (i == j) - integer_dot(row, column) for j, column in enumerate(columns))
        sums.append(sum(map(abs, off)) + integer_dot(sizes, wide))
        step = max(step, abs(integer_dot(row, g.m)) + integer_dot(sizes, g.r))
    if step >= r * (unit - max(sums)):
        raise Undecided("no solution is shown to lie in the box")
    return sums


def isolated(box: Box, preconditioner: object) -> tuple[int, Interval]:
    """Section 9.4: a critical point in the box, and the signs of the Hessian's eigenvalues.

    Returns:
        The number of negative eigenvalues, and the loss at the critical point: off the centre's by
        at most the radius times the sum of |gradient| over the box.
    """
    size, p = len(box.free), box.bits
    require(size <= MAX_HESSIAN, "there are too many parameters for a Hessian")
    for step in box.program.steps:
        jumps = isinstance(step, Map) and step.moves and step.function[0] in BENT
        if jumps and not box.over.values[step.of[0]].nonzero():
            raise Undecided("a second derivative may jump in the box")
    a, h = read_square(preconditioner, size, p), symmetric(box.hessian())
    sums = require_contraction(a, h.mid, h.wide, box.gradient(), box.radius)
    negative, errors = factored(h.mid, p, definite=False)
    norm = max(s + integer_dot(map(abs, row), errors) for s, row in zip(sums, a, strict=True))
    if norm >= 1 << 2 * p:
        raise Undecided("the index is not decided")
    slope, (loss,) = box.over.gradient().pick(box.free), box.at.values[-1].intervals()
    steep = sum(abs(m) + s for m, s in zip(slope.m, slope.r, strict=True))
    moved = Interval.of(box.radius * Fraction(steep, 1 << p), p)
    return negative, Interval(loss.lo - moved.hi, loss.hi + moved.hi, p)
