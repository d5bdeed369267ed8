"""Outputs and held pre-activations on a face as polynomials of the parameters (5.9)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from checker.faces import Lagrangian
from checker.numbers import require
from checker.programs import MatrixProduct, summands

MAX_TERMS = 200_000  # of all polynomials; of one that is reduced

Monomial = tuple[int, ...]
Polynomial = dict[Monomial, Fraction]
Field = list[tuple[int, Monomial, Fraction]]  # (p, m, c): c times the monomial m in component p


def tidy(terms: Iterable[tuple[Monomial, Fraction]]) -> Polynomial:
    """The sum of terms."""
    found = Polynomial()
    for monomial, c in terms:
        key = tuple(sorted(monomial))
        found[key] = found.get(key, Fraction(0)) + c
    return {m: c for m, c in found.items() if c}


def face_map(face: Lagrangian) -> list[Polynomial]:
    """G: z of each held pair, then what the loss depends on, as polynomials of the parameters."""
    rows, terms = list[list[Polynomial]](), 0
    for step in face.program.steps[: max([face.outputs, *face.held]) + 1]:
        row: list[Polynomial] = [{(i,): Fraction(1)} for i in step.block]
        row += [{(): v} if v else {} for v in step.values]
        for group in summands(step, [rows[i] for i in step.of]):
            row.append(tidy(term for factors in group for term in product(factors)))
            terms += len(row[-1]) if isinstance(step, MatrixProduct) else 0
            require(terms <= MAX_TERMS, "the polynomials have too many terms")
        rows.append(row)
    return [p for k in (*face.held, face.outputs) for p in rows[k]]


def product(factors: Sequence[Polynomial]) -> Iterator[tuple[Monomial, Fraction]]:
    """The terms of a product."""
    for choice in itertools.product(*(factor.items() for factor in factors)):
        monomial = tuple(p for m, _ in choice for p in m)
        yield monomial, math.prod((c for _, c in choice), start=Fraction(1))


def moved(polynomial: Polynomial, vectors: Field) -> Polynomial:
    """The derivative of a polynomial along a vector field."""
    table = dict[int, list[tuple[Monomial, Fraction]]]()
    for p, factors, c in vectors:
        table.setdefault(p, []).append((factors, c))
    return tidy(
        ((*monomial[:k], *monomial[k + 1 :], *factors), coefficient * c)
        for monomial, coefficient in polynomial.items()
        for k, p in enumerate(monomial)
        for factors, c in table.get(p, ())
    )


def on_face(polynomial: Polynomial, known: dict[int, Polynomial]) -> Polynomial:
    """The polynomial with the known parameters replaced until none is left."""
    done, pending, steps = list[tuple[Monomial, Fraction]](), list(polynomial.items()), 0
    while pending:
        monomial, coefficient = pending.pop()
        k = next((k for k, p in enumerate(monomial) if p in known), None)
        if k is None:
            done.append((monomial, coefficient))
            continue
        for m, c in known[monomial[k]].items():
            pending.append(((*monomial[:k], *monomial[k + 1 :], *m), coefficient * c))
        steps += 1
        require(steps <= MAX_TERMS, "the face makes too many terms")
    return tidy(done)


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
