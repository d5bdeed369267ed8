"""Safran and Shamir: a spurious minimum of the population loss of six ReLU neurons, in balls.

Student sum_i relu(w_i.x), teacher sum_j relu(v_j.x) with orthonormal v_j, x Gaussian in R^6, output
weights 1. With theta the angle of u and w,

    E relu(u.x) relu(w.x) = g(u, w) = |u| |w| (sin theta + (pi - theta) cos theta) / (2 pi),

so the loss is F(W) = 1/2 sum_ij g(w_i, w_j) - sum_ij g(w_i, v_j) + 1/2 sum_ij g(v_i, v_j). Its
derivatives (Safran and Shamir 2018, section 4; checked against finite differences in the tests):

    dg/du     = (|w| sin theta u/|u| + (pi - theta) w) / (2 pi)
    d2g/du2   = |w| sin theta / (2 pi |u|) (I - u u^T/|u|^2 + n n^T)
    d2g/du dw = ((pi - theta) I + m w^T/|w| + n u^T/|u|) / (2 pi)
    n = (w/|w| - cos theta u/|u|) / sin theta,  m = (u/|u| - cos theta w/|w|) / sin theta

and g(u, u) = |u|^2 / 2. If on a box of radius r around a point all Hessians have eigenvalues above
lambda and 2 |gradient| < lambda r at its centre, the box holds a strict local minimum (Theorem 5 of
docs/mathematics.md). Its loss is positive; the teacher's is 0.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

from flint import arb, arb_mat

from spurious.catalogue.entry import Statement
from spurious.exact import balls
from spurious.exact.definiteness import prove_definite

SIZE: Final = 6
BITS: Final = 256
RADIUS: Final = Fraction(1, 10**7)
NEWTON: Final = 7

ON, LAST, OFF = "0.98670382", "0.30801099", "-0.05041341"
SIXTH, ELSEWHERE = "-0.60151192", "0.22451583"
"""The published digits: a neuron's weight on its own teacher axis, on the sixth, on the others; the
sixth neuron's on its own and on the others."""

Vector = list[arb]


def safran_shamir() -> Statement:
    """Proves the published minimum of six neurons."""
    with balls.precision(BITS):
        return _proved()


def _proved() -> Statement:
    published = place = _published()
    for _ in range(NEWTON):
        gradient, hessian = gradient_and_hessian(_rows(place))
        step = hessian.mid().solve(arb_mat([[entry.mid()] for entry in gradient]))
        place = [(p - step[k, 0]).mid() for k, p in enumerate(place)]
    gradient, _ = gradient_and_hessian(_rows(place))
    radius = arb(RADIUS.numerator) / RADIUS.denominator
    box = [arb(p, radius) for p in place]
    _, hessian = gradient_and_hessian(_rows(box))
    definite = prove_definite(hessian)
    value = loss(_rows(place))
    if definite is None:
        return Statement(False, "the Hessian was not proved definite")
    bound = definite.eigenvalue_bound
    lowest = arb(bound.numerator) / bound.denominator
    off = max(float(abs(p - q).upper()) for p, q in zip(place, published, strict=True))
    off += float(RADIUS)
    holds = balls.certainly_less(2 * balls.norm(gradient), lowest * radius)
    holds = holds and balls.certainly_less(arb(0), value)
    return Statement(
        bool(holds),
        f"strict local minimum of loss {value.mid().str(8, radius=False)}, every weight within "
        f"{off:.1g} of the published one; Hessian eigenvalues >= {float(bound):.4g}; the teacher's "
        "loss is 0",
    )


def _published() -> Vector:
    """The published weights, row by row, (36,)."""
    rows: Vector = []
    for neuron in range(SIZE):
        for axis in range(SIZE):
            if neuron == SIZE - 1:
                text = SIXTH if axis == neuron else ELSEWHERE
            else:
                text = ON if axis == neuron else LAST if axis == SIZE - 1 else OFF
            rows.append(arb(text))
    return [entry.mid() for entry in rows]


def loss(student: list[Vector]) -> arb:
    """The population loss of a student, (6, 6), against the orthonormal teacher."""
    teacher = _teacher()
    total = arb(0)
    for left in student:
        for right in student:
            total += _product(left, right) / 2
        for right in teacher:
            total -= _product(left, right)
    for left in teacher:
        for right in teacher:
            total += _product(left, right) / 2
    return total


def gradient_and_hessian(student: list[Vector]) -> tuple[Vector, arb_mat]:
    """Derivatives of the loss, row by row, (36,) and (36, 36)."""
    count = len(student) * SIZE
    gradient = [arb(0)] * count
    hessian = arb_mat(count, count)

    def add(row: int, column: int, block: list[Vector]) -> None:
        for k in range(SIZE):
            for j in range(SIZE):
                hessian[row * SIZE + k, column * SIZE + j] += block[k][j]

    for i, u in enumerate(student):
        for k in range(SIZE):
            gradient[i * SIZE + k] += u[k] / 2
            hessian[i * SIZE + k, i * SIZE + k] += arb(1) / 2
        others = [(w, arb(1), j) for j, w in enumerate(student) if j != i]
        for w, sign, j in [*others, *((v, arb(-1), -1) for v in _teacher())]:
            slope, own, mixed = _derivatives(u, w)
            for k in range(SIZE):
                gradient[i * SIZE + k] += sign * slope[k]
            add(i, i, [[sign * entry for entry in row] for row in own])
            if j >= 0:
                add(i, j, mixed)
    return gradient, hessian


def _derivatives(u: Vector, w: Vector) -> tuple[Vector, list[Vector], list[Vector]]:
    """Derivatives of g(u, w): by u, twice by u, by u and then w."""
    length, width = balls.norm(u), balls.norm(w)
    e, f = [x / length for x in u], [x / width for x in w]
    cosine = _dot(e, f)
    sine = (1 - balls.square(cosine)).sqrt()
    rest = arb.pi() - cosine.acos()
    n = [(b - cosine * a) / sine for a, b in zip(e, f, strict=True)]
    m = [(a - cosine * b) / sine for a, b in zip(e, f, strict=True)]
    turn = 2 * arb.pi()
    slope = [(width * sine * a + rest * x) / turn for a, x in zip(e, w, strict=True)]
    scale = width * sine / (turn * length)
    axes = range(len(u))
    one = [[arb(int(k == j)) for j in axes] for k in axes]
    own = [[scale * (one[k][j] - e[k] * e[j] + n[k] * n[j]) for j in axes] for k in axes]
    mixed = [[(rest * one[k][j] + m[k] * f[j] + n[k] * e[j]) / turn for j in axes] for k in axes]
    return slope, own, mixed


def _product(u: Vector, w: Vector) -> arb:
    length, width = balls.norm(u), balls.norm(w)
    cosine = _dot(u, w) / (length * width)
    if u is w:
        return balls.square(length) / 2
    sine = (1 - balls.square(cosine)).sqrt()
    rest = arb.pi() - cosine.acos()
    return length * width * (sine + rest * cosine) / (2 * arb.pi())


def _teacher() -> list[Vector]:
    return [[arb(int(k == j)) for k in range(SIZE)] for j in range(SIZE)]


def _rows(flat: Vector) -> list[Vector]:
    return [flat[k : k + SIZE] for k in range(0, len(flat), SIZE)]


def _dot(left: Vector, right: Vector) -> arb:
    return sum((a * b for a, b in zip(left, right, strict=True)), arb(0))
