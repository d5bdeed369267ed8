"""Minima on kinks and flat minima (5.9, Theorems 23 and 24)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from checker.arrays import Balls, collected
from checker.cases import Case, Found
from checker.derivatives import tangent
from checker.faces import Face, bends, minimum_on_face
from checker.matrices import Basis, enlarge, require_independent
from checker.numbers import collection, require
from checker.programs import MatrixProduct, Step, summands
from checker.reading import Json, as_int, as_list, as_object, rational

MAX_TERMS = 200_000  # of all polynomials; of one that is reduced

Monomial = tuple[int, ...]
Polynomial = dict[Monomial, Fraction]
Field = list[tuple[int, Monomial, Fraction]]  # (p, m, c): c times the monomial m in component p


def tidy(terms: Iterable[tuple[Monomial, Fraction]]) -> Polynomial:
    """The sum of terms."""
    return collection((tuple(sorted(monomial)), c) for monomial, c in terms)


def face_map(steps: Sequence[Step]) -> list[Polynomial]:
    """The last step as polynomials of the parameters."""
    rows, terms = list[list[Polynomial]](), 0
    for step in steps:
        row: list[Polynomial] = [{(i,): Fraction(1)} for i in step.block]
        row += [{(): v} if v else {} for v in step.values]
        for group in summands(step, [rows[i] for i in step.of]):
            known = group[0][0] if len(group) == 1 == len(group[0]) else None
            row.append(known or tidy(t for factors in group for t in terms_of_product(factors)))
            terms += len(row[-1]) if isinstance(step, MatrixProduct) else 0
            require(terms <= MAX_TERMS, "the polynomials have too many terms")
        rows.append(row)
    return rows[-1]


def terms_of_product(factors: Sequence[Polynomial]) -> Iterator[tuple[Monomial, Fraction]]:
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


MAX_FACTORS = 12  # of a term of a field
MAX_MOVES = 4_000_000  # terms of polynomials that fields move, and of what they make of them


def kinked(case: Case, proof: Json) -> Found:
    """Section 5.9: with `fields` also rule `constant_rank`."""
    pb, ranked = case.problem, proof["rule"] == "constant_rank"
    bends(pb)  # there are any
    face = minimum_on_face(case, proof, case.read_point(proof["centre"]))
    steps, curved, g = face.box.program.steps, face.box.over, face.slice_map
    columns = (tangent(steps, curved.values, curved.axis(p))[g] for p in face.free)
    still = curved.values[g].like([Fraction(0)] * steps[g].size)
    require_independent([column or still for column in columns])
    if ranked:
        fields = read_fields(proof["fields"], len(pb.point))
    else:  # rescalings: incoming parameters of a unit, less its outgoing weights
        fields: list[Field] = [
            [(p, (p,), Fraction(1)) for p in into] + [(p, (p,), Fraction(-1)) for p in out]
            for into, out in pb.wires
        ]
    wide = image_rank(face, fields) if ranked else 0  # rescalings change nothing on the face
    units, flat = sum(pb.widths[1:-1]), len(pb.point) - len(face.free)
    require(wide + flat <= len(fields), "the rank is not bounded as claimed")
    if fields:
        require_independent([value_of(vector, face.place) for vector in fields])
    rescaled = "no" if flat > units else "unknown" if ranked else "yes"
    return Found("no", rescaled, flat, loss=face.loss, radius=face.radius)


def read_fields(x: object, size: int) -> list[Field]:
    """Reads fields."""
    fields = list[Field]()
    for item in as_list(x):
        vector: Field = []
        for entry in as_list(item):
            parts = as_object(entry, "parameter", "factors", "coefficient")
            p, m = as_int(parts["parameter"]), tuple(as_int(q) for q in as_list(parts["factors"]))
            require(all(0 <= q < size for q in (p, *m)), "a field names no parameter")
            require(len(m) <= MAX_FACTORS, "a field has too many factors")
            vector.append((p, m, rational(parts["coefficient"])))
        fields.append(vector)
    return fields


def image_rank(face: Face, fields: list[Field]) -> int:
    """The dimension of a space G moves in along fields, where the held z are 0 (5.9, the lemma)."""
    terms, held, basis = 0, len(face.pattern.pairs), Basis()
    rows = face_map(face.box.program.steps[: face.slice_map + 1])
    known = relations(rows[:held])
    zeros = [on_face(row, known) for row in rows[:held]]
    for vector in fields:
        vectors = dict[Monomial, dict[int, Fraction]]()
        for k, row in enumerate(rows):
            image = on_face(moved(row, vector), known)
            terms += len(row) + len(image)
            require(terms <= MAX_MOVES, "the fields make too many terms")
            zero = zeros[k] if k < held else {}  # a number times that is 0 where it is
            if image.keys() != zero.keys() or len({c / zero[m] for m, c in image.items()}) > 1:
                for m, c in image.items():
                    vectors.setdefault(m, {})[k] = c
        for parts in vectors.values():
            enlarge(basis, [parts.get(k, Fraction(0)) for k in range(len(rows))])
    return len(basis)


def value_of(vector: Field, place: Balls) -> Balls:
    """A field over the box, in which the parameters have these values."""
    parts = list[tuple[Balls, None, list[int]]]()
    for p, factors, c in vector:
        part = place.like([c])
        for q in factors:
            part = part.times(place.pick([q]))
        parts.append((part, None, [p]))
    return collected(parts, len(place.m)) or place.like([Fraction(0)] * len(place.m))
