"""Bounding the rank of outputs and held pre-activations by affine fields (5.9, the lemma)."""

from __future__ import annotations

from fractions import Fraction

from checker.arrays import Balls
from checker.faces import Lagrangian
from checker.matrices import Basis, enlarge
from checker.network import Problem
from checker.numbers import require
from checker.polynomials import (
    Field,
    Monomial,
    face_map,
    is_multiple,
    moved,
    on_face,
    relations,
)
from checker.reading import as_int, as_list, as_object, rational
from checker.symmetric import require_independent

MAX_FACTORS = 12  # of a term of a field
MAX_MOVES = 4_000_000  # terms of polynomials that fields move, and of what they make of them


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


def rescalings(pb: Problem) -> list[Field]:
    """For each hidden unit its incoming parameters, less its outgoing weights."""
    one = Fraction(1)
    return [[*((p, (p,), one) for p in into), *((p, (p,), -one) for p in out)]
            for into, out in pb.wires]  # fmt: skip


def require_rank(face: Lagrangian, fields: list[Field], box: Balls, rank: int) -> None:
    """The rank of dG is at most `rank` where the held z are 0, near every point of the box."""
    rows, terms, held = face_map(face), 0, len(face.held)
    known = relations(rows[:held])
    zeros = [on_face(row, known) for row in rows[:held]]
    basis = Basis()
    for vector in fields:
        vectors = dict[Monomial, dict[int, Fraction]]()
        for k, row in enumerate(rows):
            image = on_face(moved(row, vector), known)
            terms += len(row) + len(image)
            require(terms <= MAX_MOVES, "the fields make too many terms")
            if k >= held or not is_multiple(image, zeros[k]):
                for m, c in image.items():
                    vectors.setdefault(m, {})[k] = c
        for vector in vectors.values():
            enlarge(basis, [vector.get(k, Fraction(0)) for k in range(len(rows))])
    require(len(basis) + len(box.m) - len(fields) <= rank, "the rank is not bounded as claimed")
    columns = list[Balls]()
    for vector in fields:
        total = box.like([Fraction(0)] * len(box.m))
        for p, factor, c in vector:
            part = box.like([c])
            for q in factor:
                part = part.times(box.pick([q]))
            total = total.plus(part.scatter([p], len(box.m)))
        columns.append(total)
    if columns:
        require_independent(columns)
