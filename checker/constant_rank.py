"""Bounding the rank of outputs and held pre-activations by affine fields (5.9, the lemma)."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

from checker.arrays import Balls
from checker.network import Problem
from checker.numbers import require
from checker.reading import as_int, as_list, rational
from checker.symmetric import require_positive

MAX_TERMS = 200_000  # of all polynomials, and of what all fields make of them

Monomial = tuple[int, ...]
Polynomial = dict[Monomial, Fraction]
Field = list[tuple[int, int, Fraction]]  # (p, q, c): c theta_q in component p; q = -1: c


def read_fields(x: object, size: int) -> list[Field]:
    """Reads fields; null stands for the number 1."""
    fields = list[Field]()
    for item in as_list(x):
        field: Field = []
        for entry in as_list(item):
            p, q, c = as_list(entry, 3)
            field.append((as_int(p), -1 if q is None else as_int(q), rational(c)))
            require(0 <= field[-1][0] < size, "a field names no parameter")
            require(q is None or 0 <= field[-1][1] < size, "a field names no parameter")
        fields.append(field)
    return fields


def rescalings(widths: list[int]) -> list[Field]:
    """For each hidden unit its incoming parameters, less its outgoing weights."""
    fields, start, one = list[Field](), 0, Fraction(1)
    for (below, width), (_, above) in pairwise(pairwise(widths)):
        after = start + width * (below + 1)
        for j in range(width):
            into = [*range(start + j * below, start + (j + 1) * below), start + width * below + j]
            out = [after + k * width + j for k in range(above)]
            fields.append([*((p, p, one) for p in into), *((p, p, -one) for p in out)])
        start = after
    return fields


def face_map(
    pb: Problem, slopes: list[list[list[Fraction]]], pairs: list[tuple[int, int, list[int]]]
) -> list[Polynomial]:
    """G: z of each held pair, then the outputs; a monomial has one parameter a layer."""
    where = {(m, j, points[0]): k for k, (m, j, points) in enumerate(pairs)}
    held, outputs, terms = [Polynomial()] * len(pairs), list[Polynomial](), 0
    for i, x in enumerate(pb.xs):
        state, start = [{(): v} for v in x], 0
        for level, (below, above) in enumerate(pairwise(pb.widths)):
            z = list[Polynomial]()
            for j in range(above):
                total: Polynomial = {(start + above * below + j,): Fraction(1)}
                for k, a in enumerate(state):
                    p = start + j * below + k
                    total.update({(*m, p): c for m, c in a.items() if c})
                terms += len(total)
                require(terms <= MAX_TERMS, "the polynomials have too many terms")
                if (level, j, i) in where:
                    held[where[level, j, i]] = total
                z.append(total)
            start += above * (below + 1)
            state = z
            if level < len(slopes):
                state = [{m: s * c for m, c in a.items()} if s else {}
                         for s, a in zip(slopes[level][i], z, strict=True)]  # fmt: skip
        outputs += state
    return held + outputs


def moved(polynomial: Polynomial, field: Field) -> Polynomial:
    """The derivative of a polynomial along a field."""
    table, found = dict[int, list[tuple[int, Fraction]]](), Polynomial()
    for p, q, c in field:
        table.setdefault(p, []).append((q, c))
    for monomial, coefficient in polynomial.items():
        for k, p in enumerate(monomial):
            for q, c in table.get(p, ()):
                rest = (*monomial[:k], *monomial[k + 1 :], *([q] if q >= 0 else []))
                key = tuple(sorted(rest))
                found[key] = found.get(key, Fraction(0)) + coefficient * c
    return {m: c for m, c in found.items() if c}


def is_multiple(image: Polynomial, polynomial: Polynomial) -> bool:
    """Whether the image is a number times the polynomial: then it vanishes where that does."""
    if not image or image.keys() != polynomial.keys():
        return not image
    return len({c / polynomial[m] for m, c in image.items()}) == 1


def enlarge(basis: dict[int, dict[int, Fraction]], vector: dict[int, Fraction]) -> None:
    """Adds a vector to a basis: each is 1 at its pivot and 0 at the pivots before."""
    for pivot, row in basis.items():
        factor = vector.get(pivot, Fraction(0))
        if factor:
            for k, v in row.items():
                vector[k] = vector.get(k, Fraction(0)) - factor * v
    rest = {k: v for k, v in vector.items() if v}
    if rest:
        pivot = min(rest)
        basis[pivot] = {k: v / rest[pivot] for k, v in rest.items()}


def require_rank(
    pb: Problem, slopes: list[list[list[Fraction]]], pairs: list[tuple[int, int, list[int]]],
    fields: list[Field], box: Balls, rank: int,
) -> None:  # fmt: skip
    """The rank of dG is at most `rank` where the held z are 0, near every point of the box."""
    rows, terms = face_map(pb, slopes, pairs), 0
    basis = dict[int, dict[int, Fraction]]()
    for field in fields:
        vectors = dict[Monomial, dict[int, Fraction]]()
        for k, row in enumerate(rows):
            image = moved(row, field)
            terms += len(image)
            require(terms <= MAX_TERMS, "the fields make too many terms")
            if k >= len(pairs) or not is_multiple(image, row):
                for m, c in image.items():
                    vectors.setdefault(m, {})[k] = c
        for vector in vectors.values():
            enlarge(basis, vector)
    require(len(basis) + len(box.m) - len(fields) <= rank, "the rank is not bounded as claimed")
    columns = list[Balls]()
    for field in fields:
        total = box.like([Fraction(0)] * len(box.m))
        for p, q, c in field:
            part = box.like([c]) if q < 0 else box.pick([q]).times(box.like([c]))
            total = total.plus(part.scatter([p], len(box.m)))
        columns.append(total)
    if columns:
        require_positive(columns)
