"""A bound for the rank of dG on a face, by affine fields (the lemma of section 12).

Fields v_1, ..., v_q that are independent at the point, and whose images dG v lie in a space of
dimension w, bound the rank by w + P - q. First the symmetries, w = 0: all fields with dG v = 0 on
the face, by exact linear algebra. Then the hull: all unit vectors. Then unit vectors of some
parameters beside the fields whose images lie in the space that those span.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

import numpy as np
from flint import fmpq, fmpq_mat

from spurious.certify.convex_ball import incoming_indices
from spurious.certify.face_polynomials import (
    FaceMap,
    Field,
    Monomial,
    Polynomial,
    moved,
    on_face,
    product,
    relations,
)
from spurious.exact.rationals import ZERO, fraction, nullspace
from spurious.problem import Network

__all__ = ["bounding_fields", "rescalings"]

Unknown = tuple[int, int]
"""The coefficient of theta_q in component p of a field; (-1, h): of z_h in the image of z_h."""

CONSTANT = -1
"""Stands for the number 1 in place of theta_q."""

Key = tuple[int, Monomial]
"""The coefficient of a monomial in a row of dG v."""

INDEPENDENT = 1e-7
"""Singular values below this share of the largest one count as zero: a proposal."""


def bounding_fields(
    face: FaceMap,
    values: Sequence[float],
    known: Sequence[Field],
    blocks: Iterable[Sequence[int]],
    rank: int,
) -> tuple[Field, ...] | None:
    """Fields that bound the rank of dG near a point of the face by a number, if they are found.

    Args:
        face: G.
        values: All parameters at the point, in floats, shape (P,).
        known: Symmetries of every network: the rescalings.
        blocks: Sets of parameters whose unit vectors are tried together.
        rank: The bound wanted: the rank of dG at the point.
    """
    count = len(values)
    used = {p for row in face.rows for monomial in row for p in monomial}
    unused = [_unit(p) for p in range(count) if p not in used]
    symmetries = _independent([*known, *unused], values)
    if len(symmetries) < count - rank:
        found = _symmetries(face.rows, len(face.held), count)
        symmetries = _independent([*symmetries, *found], values)
    if len(symmetries) >= count - rank:
        return symmetries[: count - rank]
    tangents = _tangents(face, count)
    if _span(face, tangents).rank + count - len(tangents) <= rank:
        return tangents
    for block in blocks:
        own = [field for field in tangents if field[0][0] in block]
        span = _span(face, own)
        rest = _symmetries(span.complement(face.rows), 0, count) if not face.held else []
        found = _independent([*own, *symmetries, *rest], values)
        if span.rank + count - len(found) <= rank:
            return found
    return None


def rescalings(network: Network) -> tuple[Field, ...]:
    """For each hidden unit its incoming parameters, less its outgoing weights."""
    layers, one = incoming_indices(network), Fraction(1)
    fields: list[Field] = []
    for below, above in pairwise(layers):
        for unit, incoming in enumerate(below):
            outgoing = [row[unit] for row in above]
            fields.append(
                (*((p, (p,), one) for p in incoming), *((p, (p,), -one) for p in outgoing))
            )
    return tuple(fields)


def _tangents(face: FaceMap, count: int) -> tuple[Field, ...]:
    """Independent fields along the face: a unit vector for each parameter not determined there.

    To each belongs what the determined parameters of the same unit have to do to keep its z at 0.
    """
    known = relations(face.held)
    fields: list[Field] = []
    for p in range(count):
        if p in known:
            continue
        field: list[tuple[int, Monomial, Fraction]] = [(p, (), Fraction(1))]
        for determined, polynomial in known.items():
            image = moved(on_face(polynomial, known), _unit(p))
            field += [(determined, m, fraction(c)) for m, c in image.items()]
        fields.append(tuple(field))
    return tuple(fields)


def _unit(p: int) -> Field:
    return ((p, (), Fraction(1)),)


@dataclass
class _Span:
    """A space of vectors with an entry for each row of G, by a reduced basis.

    Attributes:
        basis: For each pivot a vector that is 1 there, as its entries that are not 0.
    """

    basis: dict[int, dict[int, fmpq]] = field(default_factory=dict[int, dict[int, fmpq]])

    @property
    def rank(self) -> int:
        """The dimension."""
        return len(self.basis)

    def add(self, vector: dict[int, fmpq]) -> None:
        """Enlarges the space by a vector."""
        rest = dict(vector)
        for pivot, row in self.basis.items():
            factor = rest.get(pivot, ZERO)
            if factor != 0:
                _subtract(rest, factor, row)
        pivot = next((k for k, value in rest.items() if value != 0), None)
        if pivot is None:
            return
        lead = rest[pivot]
        new = {k: value / lead for k, value in rest.items() if value != 0}
        for row in self.basis.values():
            factor = row.get(pivot, ZERO)
            if factor != 0:
                _subtract(row, factor, new)
        self.basis[pivot] = new

    def complement(self, rows: Sequence[Polynomial]) -> tuple[Polynomial, ...]:
        """Combinations of rows that vanish on the space, one for each entry that is no pivot."""
        found: list[Polynomial] = []
        for k, polynomial in enumerate(rows):
            if k in self.basis:
                continue
            total = dict(polynomial)
            for pivot, row in self.basis.items():
                factor = row.get(k, ZERO)
                if factor != 0:
                    for monomial, c in rows[pivot].items():
                        total[monomial] = total.get(monomial, ZERO) - factor * c
            found.append({m: c for m, c in total.items() if c != 0})
        return tuple(found)


def _subtract(row: dict[int, fmpq], factor: fmpq, other: dict[int, fmpq]) -> None:
    for k, value in other.items():
        row[k] = row.get(k, ZERO) - factor * value


def _span(face: FaceMap, fields: Iterable[Field]) -> _Span:
    """The span of the coefficients of the images of fields."""
    span, known = _Span(), relations(face.held)
    for item in fields:
        by_monomial: dict[Monomial, dict[int, fmpq]] = defaultdict(dict)
        for k, polynomial in enumerate(face.rows):
            for monomial, c in on_face(moved(polynomial, item), known).items():
                by_monomial[monomial][k] = c
        for vector in by_monomial.values():
            span.add(vector)
    return span


def _symmetries(rows: Sequence[Polynomial], held: int, count: int) -> list[Field]:
    """A basis of all fields with dG v = 0 where the first `held` rows are 0.

    The image of such a row may be a multiple of the row itself. Equations: each coefficient of each
    row of the image vanishes. They fall apart into small systems.
    """
    unknowns = _possible(rows, held, count)
    images = _images(rows, held, unknowns)
    keys: dict[Key, set[Unknown]] = defaultdict(set)
    for unknown, image in images.items():
        for key in image:
            keys[key].add(unknown)
    fields: list[Field] = []
    for part in _components(images, keys):
        if len(part) == 1 and (images[part[0]] or part[0][1] != CONSTANT):
            continue  # it is 0; or its parameter has no effect, and the constant field is enough
        columns = sorted({key for unknown in part for key in images[unknown]})
        place = {key: k for k, key in enumerate(columns)}
        matrix = fmpq_mat(len(columns), len(part))
        for j, unknown in enumerate(part):
            for key, value in images[unknown].items():
                matrix[place[key], j] = value
        for solution in nullspace(matrix.tolist(), len(part)):
            entries = tuple(
                (p, () if q == CONSTANT else (q,), fraction(c))
                for (p, q), c in zip(part, solution, strict=True)
                if c != 0 and p >= 0
            )
            if entries:
                fields.append(entries)
    return fields


def _possible(rows: Sequence[Polynomial], held: int, count: int) -> set[Unknown]:
    """Unknowns that may differ from 0: no monomial of dG v comes from one of them alone."""
    sources: dict[Unknown, set[Monomial]] = defaultdict(set)
    for p in range(count):
        for q in range(CONSTANT, count):
            sources[p, q] = set()
    for monomial in {m for polynomial in rows for m in polynomial}:
        for place, p in enumerate(monomial):
            for q in range(CONSTANT, count):
                sources[p, q].add(replaced(monomial, place, q))
    for k in range(held):
        sources[-1, k] = set(rows[k])
    users: dict[Monomial, set[Unknown]] = defaultdict(set)
    for unknown, monomials in sources.items():
        for monomial in monomials:
            users[monomial].add(unknown)
    alone = [monomial for monomial, unknowns in users.items() if len(unknowns) == 1]
    while alone:
        for unknown in users[alone.pop()].copy():
            for monomial in sources.pop(unknown):
                users[monomial].discard(unknown)
                if len(users[monomial]) == 1:
                    alone.append(monomial)
    return set(sources)


def _images(
    rows: Sequence[Polynomial], held: int, unknowns: set[Unknown]
) -> dict[Unknown, dict[Key, fmpq]]:
    """For each unknown what it adds to the rows of dG v."""
    found: dict[Unknown, dict[Key, fmpq]] = {unknown: {} for unknown in sorted(unknowns)}
    partners: dict[int, list[int]] = defaultdict(list)
    for p, q in found:
        partners[p].append(q)
    effects: dict[Monomial, list[tuple[Unknown, Monomial]]] = {}
    for k, polynomial in enumerate(rows):
        if k < held and (-1, k) in found:
            found[-1, k] = {(k, m): -c for m, c in polynomial.items()}
        for monomial, c in polynomial.items():
            if monomial not in effects:
                effects[monomial] = [
                    ((p, q), replaced(monomial, place, q))
                    for place, p in enumerate(monomial)
                    for q in partners.get(p, ())
                ]
            for unknown, target in effects[monomial]:
                image, key = found[unknown], (k, target)
                image[key] = image[key] + c if key in image else c
    return found


def _components(
    images: dict[Unknown, dict[Key, fmpq]], keys: dict[Key, set[Unknown]]
) -> Iterator[list[Unknown]]:
    """The unknowns that are left, those with a common entry together."""
    left = set(images)
    for start in images:
        if start not in left:
            continue
        part, pending = [start], [start]
        left.discard(start)
        while pending:
            for key in images[pending.pop()]:
                new = keys[key] & left
                left -= new
                part += new
                pending += new
        yield sorted(part)


def replaced(monomial: Monomial, place: int, q: int) -> Monomial:
    """A monomial with one factor replaced by another parameter, or left out."""
    rest = monomial[:place] + monomial[place + 1 :]
    return rest if q == CONSTANT else product(rest, (q,))


def _independent(fields: Sequence[Field], values: Sequence[float]) -> tuple[Field, ...]:
    """Fields that are independent at a point: those first in the list are kept where possible."""
    at = np.array(values, dtype=np.float64)
    basis: list[np.ndarray] = []
    kept: list[Field] = []
    for item in fields:
        vector = np.zeros(len(values))
        for p, monomial, c in item:
            vector[p] += float(c) * float(np.prod(at[list(monomial)]))
        size = float(np.linalg.norm(vector))
        if size == 0:
            continue
        rest = vector / size
        for _ in range(2):
            for other in basis:
                rest = rest - (other @ rest) * other
        if np.linalg.norm(rest) > INDEPENDENT:
            basis.append(rest / np.linalg.norm(rest))
            kept.append(item)
    return tuple(kept)
