"""Outputs and held pre-activations on a face as polynomials of the parameters (5.9)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from fractions import Fraction

from checker.faces import Lagrangian
from checker.numbers import require
from checker.programs import MatrixProduct, summands

MAX_TERMS = 200_000  # of all polynomials; of one that is reduced

Monomial = tuple[int, ...]
Polynomial = dict[Monomial, Fraction]
Field = list[tuple[int, Monomial, Fraction]]  # (p, m, c): c times the monomial m in component p


def face_map(face: Lagrangian) -> list[Polynomial]:
    """G: z of each held pair, then what the loss depends on, as polynomials of the parameters."""
    rows, terms = list[list[Polynomial]](), 0
    for step in face.program.steps[: max([face.outputs, *face.held]) + 1]:
        row: list[Polynomial] = [{(i,): Fraction(1)} for i in step.block]
        row += [{(): v} if v else {} for v in step.values]
        for group in summands(step, [rows[i] for i in step.of]):
            total = Polynomial()
            for factors in group:
                add_product(total, factors)
            terms += len(total) if isinstance(step, MatrixProduct) else 0
            require(terms <= MAX_TERMS, "the polynomials have too many terms")
            row.append({m: c for m, c in total.items() if c})
        rows.append(row)
    return [p for k in (*face.held, face.outputs) for p in rows[k]]


def add_product(total: Polynomial, factors: Sequence[Polynomial]) -> None:
    """Adds a product to a polynomial."""
    parts = [factor.items() for factor in factors]
    for choice in itertools.product(*parts):
        monomial = tuple(sorted(p for m, _ in choice for p in m))
        value = math.prod((c for _, c in choice), start=Fraction(1))
        total[monomial] = total.get(monomial, Fraction(0)) + value


def moved(polynomial: Polynomial, vectors: Field) -> Polynomial:
    """The derivative of a polynomial along a vector field."""
    table, found = dict[int, list[tuple[Monomial, Fraction]]](), Polynomial()
    for p, factor, c in vectors:
        table.setdefault(p, []).append((factor, c))
    for monomial, coefficient in polynomial.items():
        for k, p in enumerate(monomial):
            for factor, c in table.get(p, ()):
                key = tuple(sorted((*monomial[:k], *monomial[k + 1 :], *factor)))
                found[key] = found.get(key, Fraction(0)) + coefficient * c
    return {m: c for m, c in found.items() if c}


def on_face(polynomial: Polynomial, known: dict[int, Polynomial]) -> Polynomial:
    """The polynomial with the known parameters replaced until none is left."""
    found, pending, steps = Polynomial(), list(polynomial.items()), 0
    while pending:
        monomial, coefficient = pending.pop()
        k = next((k for k, p in enumerate(monomial) if p in known), None)
        if k is None:
            found[monomial] = found.get(monomial, Fraction(0)) + coefficient
            continue
        rest = (*monomial[:k], *monomial[k + 1 :])
        for m, c in known[monomial[k]].items():
            pending.append((tuple(sorted((*rest, *m))), coefficient * c))
        steps += 1
        require(steps <= MAX_TERMS, "the face makes too many terms")
    return {m: c for m, c in found.items() if c}


def relations(held: list[Polynomial]) -> dict[int, Polynomial]:
    """Parameters that the others determine where all held z are 0.

    A z that contains a parameter by itself and nowhere else gives one. What is put for it contains
    no parameter known before, so replacing comes to an end.
    """
    known = dict[int, Polynomial]()
    for z in held:
        rest = on_face(z, known)
        alone = [m[0] for m in rest if len(m) == 1 and sum(m[0] in other for other in rest) == 1]
        if alone:
            p = min(alone)
            known[p] = {m: -c / rest[(p,)] for m, c in rest.items() if m != (p,)}
    return known


def is_multiple(image: Polynomial, polynomial: Polynomial) -> bool:
    """Whether the image is a number times the polynomial: then it vanishes where that does."""
    if not image or image.keys() != polynomial.keys():
        return not image
    return len({c / polynomial[m] for m, c in image.items()}) == 1
